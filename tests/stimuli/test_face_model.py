import socket
from pathlib import Path

import numpy as np
import pytest

from stimuli.face_model import MODEL_FILE, FaceModel, face_model


def test_one_face_is_found_where_it_is(astronaut: np.ndarray) -> None:
    (face,) = face_model().find_faces(astronaut)
    assert face.points_px.shape == (478, 2)
    assert face.confidence > 15
    assert abs(face.yaw_deg) < 5
    # the eyes and the smile, read off the photograph by hand
    assert np.allclose(face.points_px[468], (203, 101), atol=4)
    assert np.allclose(face.points_px[473], (246, 104), atol=4)
    assert face.scores["mouthSmileLeft"] > 0.5
    assert face.scores["mouthSmileRight"] > 0.5
    assert face.scores["browDownLeft"] < 0.3


def test_no_connection_is_ever_opened(astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert len(FaceModel().find_faces(astronaut)) == 1


def test_the_same_photograph_gives_the_same_numbers(astronaut: np.ndarray) -> None:
    first, second = (FaceModel().find_faces(astronaut)[0] for _ in range(2))
    assert np.array_equal(first.points_px, second.points_px)
    assert first.scores == second.scores


def test_landmarks_move_with_the_photograph(astronaut: np.ndarray) -> None:
    (before,) = face_model().find_faces(astronaut)
    (after,) = face_model().find_faces(np.roll(astronaut, (30, 20), axis=(0, 1)))
    assert np.abs(after.points_px - before.points_px - (20, 30)).mean() < 0.02 * 43


def test_a_mirrored_face_has_mirrored_scores_and_yaw(london: Path) -> None:
    from stimuli.photographs import read_photograph

    image = read_photograph(london / "smiling_front/001_08.jpg")
    (face,) = face_model().find_faces(image)
    (mirrored,) = face_model().find_faces(np.ascontiguousarray(image[:, ::-1]))
    assert face.yaw_deg == pytest.approx(-mirrored.yaw_deg, abs=2)
    assert face.scores["mouthSmileLeft"] == pytest.approx(mirrored.scores["mouthSmileRight"], abs=0.15)


def test_a_picture_without_a_face_has_none() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert face_model().find_faces(noise) == []


def test_smiles_score_higher_than_neutral_faces(london: Path) -> None:
    from stimuli.photographs import read_photograph

    for person in ("001", "002", "006", "025", "045", "135"):
        scores = []
        for path in (f"neutral_front/{person}_03.jpg", f"smiling_front/{person}_08.jpg"):
            (face,) = face_model().find_faces(read_photograph(london / path))
            scores.append((face.scores["mouthSmileLeft"] + face.scores["mouthSmileRight"]) / 2)
        assert scores[1] - scores[0] > 0.4, person


def test_a_missing_or_exchanged_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        FaceModel(tmp_path / "absent.task")
    changed = bytearray(MODEL_FILE.read_bytes())
    changed[1000] ^= 1
    (tmp_path / "changed.task").write_bytes(changed)
    with pytest.raises(ValueError, match="not the expected file"):
        FaceModel(tmp_path / "changed.task")
