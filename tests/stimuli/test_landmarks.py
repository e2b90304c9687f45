import dataclasses
import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from stimuli import landmarks
from stimuli.face_model import DetectedFace, face_model
from stimuli.face_points import EYE_POINTS, eye_centres, face_outline
from stimuli.landmark_files import KNOWN_TEMPLATES, write_landmark_file
from stimuli.landmarks import find_face, find_landmarks
from stimuli.photographs import read_photograph


@pytest.fixture(scope="module")
def face(astronaut: np.ndarray) -> DetectedFace:
    return face_model().find_faces(astronaut)[0]


def test_a_detected_face_has_everything(astronaut: np.ndarray) -> None:
    found = find_landmarks(astronaut, name="astronaut")
    assert found.template == "face478"
    assert found.face_px is not None
    assert found.eye_distance_px == pytest.approx(43, abs=2)
    assert found.eyes_px[0, 0] < found.eyes_px[1, 0]
    assert len(found.scores) == 52
    assert found.warnings == ()


def test_no_face_is_told_with_advice() -> None:
    with pytest.raises(ValueError, match=r"no face found in wall\.jpg.*crop"):
        find_face(np.full((200, 200, 3), 120, np.uint8), name="wall.jpg")


def test_two_faces_are_ambiguous_but_a_small_one_behind_is_not(astronaut: np.ndarray) -> None:
    head = astronaut[0:256, 96:352]
    with pytest.raises(ValueError, match=r"2 faces found in party\.jpg"):
        find_face(np.hstack([head, head]), name="party.jpg")
    small = np.full((256, 116, 3), 128, np.uint8)
    small[:116] = cv2.resize(head, (116, 116), interpolation=cv2.INTER_AREA)
    found, warnings = find_face(np.hstack([head, small]), name="poster.jpg")
    assert found.points_px[:, 0].max() < 256
    assert warnings == ("1 smaller face(s) ignored",)


def test_a_small_face_is_refused(astronaut: np.ndarray) -> None:
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    with pytest.raises(ValueError, match=r"too small: the eyes are 2\d px apart"):
        find_face(small, name="small.jpg")


def test_turned_and_unclear_faces_are_refused_or_warned_of(
    face: DetectedFace, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def see(**changes: object) -> None:
        seen = dataclasses.replace(face, **changes)  # type: ignore[arg-type]
        monkeypatch.setattr(
            landmarks, "face_model", lambda: type("Model", (), {"find_faces": lambda *_: [seen]})()
        )

    def turned(degrees: float) -> np.ndarray:
        depth = face.depth_px.copy()
        across = face.points_px[454, 0] - face.points_px[234, 0]
        depth[454] = depth[234] + across * np.tan(np.radians(degrees))
        return depth

    see(depth_px=turned(45))
    with pytest.raises(ValueError, match=r"turned by about 45 degrees"):
        find_face(astronaut, name="profile.jpg")
    see(depth_px=turned(-20))
    assert find_face(astronaut, name="half.jpg")[1] == ("head turned by about 20 degrees",)
    see(confidence=3.0)
    with pytest.raises(ValueError, match=r"no face found in mask\.jpg \(confidence 3\.0"):
        find_face(astronaut, name="mask.jpg")
    see(scores=face.scores | {"eyeBlinkLeft": 0.6, "eyeBlinkRight": 0.5})
    assert find_face(astronaut, name="blink.jpg")[1] == ("the eyes seem to be closed (scores 0.60 and 0.50)",)
    see(confidence=10.0)
    assert find_face(astronaut, name="dark.jpg")[1][0].startswith("unclear face")


def test_a_sideways_photograph_is_no_face_but_a_tilted_head_is(astronaut: np.ndarray) -> None:
    turn = cv2.getRotationMatrix2D((225, 110), 25, 1)
    tilted = cv2.warpAffine(astronaut, turn, (512, 512))
    found, _ = find_face(tilted, name="tilted.jpg")
    assert found.confidence > 15
    with pytest.raises(ValueError, match=r"no face.*seen when the photograph is turned upside down"):
        find_face(np.ascontiguousarray(np.rot90(astronaut, 2)), name="upside_down.jpg")
    with pytest.raises(ValueError, match=r"tilted by about \d+ degrees.*Turn it upright"):
        find_face(np.ascontiguousarray(np.rot90(astronaut)), name="on_its_side.jpg")


def test_a_grey_photograph_has_a_face_too(astronaut: np.ndarray) -> None:
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert find_face(grey, name="grey.jpg")[0].confidence > 15


def test_faces_of_the_demos_are_found() -> None:
    """Photographs that come with PsychoPy: one looks aside, one squints."""
    folder = importlib.util.find_spec("psychopy")
    assert folder is not None and folder.origin is not None
    photographs = sorted((Path(folder.origin).parent / "demos").rglob("face0?.jpg"))
    assert len(photographs) >= 3
    for photograph in photographs:
        found = find_landmarks(read_photograph(photograph), name=photograph.name)
        assert found.confidence is not None
        assert found.confidence > 12
        assert not [warning for warning in found.warnings if "closed" in warning]


def test_a_known_template_tells_the_eyes_and_the_model_the_rest(london: Path) -> None:
    image = read_photograph(london / "neutral_front/001_03.jpg")
    found = find_landmarks(image, name="001", file=london / "neutral_front/001_03.tem")
    assert found.template == "frl189"
    assert found.eyes_px.tolist() == [[565, 632], [778, 624]]
    assert found.face_px is not None
    assert np.linalg.norm(found.face_px[468] - found.eyes_px[0]) < 0.02 * 213
    assert len(found.scores) == 52


def test_an_unknown_template_gets_its_eyes_from_the_model(astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "x.tem").write_text("4\n190 90\n260 90\n225 150\n225 60\n", encoding="utf-8")
    found = find_landmarks(astronaut, name="astronaut", file=tmp_path / "x.tem")
    assert len(found.points_px) == 4
    assert found.eye_distance_px == pytest.approx(43, abs=2)


@pytest.mark.parametrize(
    ("template", "n_points"), [("fpp106", 106), ("fpp83", 83), ("dlib70", 70), ("dlib7", 7), ("ibug68", 68)]
)
def test_the_eyes_of_the_known_templates_are_among_their_points(template: str, n_points: int) -> None:
    assert KNOWN_TEMPLATES[n_points] == template
    points = np.arange(2.0 * n_points).reshape(-1, 2)
    assert np.isin(np.concatenate(EYE_POINTS[template]), np.arange(n_points)).all()
    assert eye_centres(points, template).shape == (2, 2)


def test_a_drawing_needs_a_template_that_tells_the_eyes(tmp_path: Path) -> None:
    drawing = np.full((400, 300, 3), 200, np.uint8)
    points = np.random.default_rng(1).uniform(50, 250, (189, 2))
    points[:2] = [[100, 150], [200, 150]]
    lines = [f"{x:.2f}\t{y:.2f}" for x, y in points]
    (tmp_path / "x.tem").write_text("\n".join(["189", *lines]), encoding="utf-8")
    found = find_landmarks(drawing, name="drawing", file=tmp_path / "x.tem")
    assert found.eyes_px.tolist() == [[100, 150], [200, 150]]
    assert found.face_px is None
    assert "used the given landmarks alone" in found.warnings[0]
    (tmp_path / "y.tem").write_text("\n".join(["188", *lines[:-1]]), encoding="utf-8")
    with pytest.raises(ValueError, match="points188 does not help"):
        find_landmarks(drawing, name="drawing", file=tmp_path / "y.tem")


def test_corrected_points_of_the_model_count_more_than_new_ones(
    astronaut: np.ndarray, tmp_path: Path
) -> None:
    found = find_landmarks(astronaut, name="astronaut")
    moved = found.points_px + 2
    write_landmark_file(
        tmp_path / "x.json", moved, template="face478", size_px=(512, 512), eyes_px=found.eyes_px, more={}
    )
    again = find_landmarks(astronaut, name="astronaut", file=tmp_path / "x.json")
    assert again.face_px is not None
    assert np.allclose(again.face_px, moved, atol=1e-3)
    assert np.allclose(again.eyes_px, found.eyes_px + 2, atol=1e-3)


def test_landmarks_of_another_photograph_are_refused(astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "x.tem").write_text("3\n1000 90\n1200 90\n225 150\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"67% of the points in .*x\.tem lie outside astronaut"):
        find_landmarks(astronaut, name="astronaut", file=tmp_path / "x.tem")
    eyes = np.array([[1.0, 1.0], [2.0, 1.0]])
    write_landmark_file(
        tmp_path / "x.json", np.full((3, 2), 9.0), template="t", size_px=(99, 98), eyes_px=eyes, more={}
    )
    with pytest.raises(
        ValueError, match=r"made for a photograph of 99 x 98 px, but astronaut has 512 x 512 px"
    ):
        find_landmarks(astronaut, name="astronaut", file=tmp_path / "x.json")


def test_the_outline_goes_around_the_face(face: DetectedFace) -> None:
    outline = face_outline(face.points_px).astype(np.float32)
    assert outline.shape == (36, 2)
    inside = [
        cv2.pointPolygonTest(outline, (float(x), float(y)), measureDist=True) for x, y in face.points_px
    ]
    assert min(inside) > -4
    assert cv2.contourArea(outline) == pytest.approx(cv2.contourArea(cv2.convexHull(outline)), rel=0.02)
