import json

import cv2
import numpy as np
import pytest

from stimuli.face_model import face_model
from stimuli.manifest import check_set, read_manifest
from stimuli.rendered.animation import Course, animate_set, photograph_between
from stimuli.rendered.faceset import FaceSet, make_face_set
from stimuli.video import decode

FACES = FaceSet(identities=1)
SHORT = Course(onset_s=0.15, fps=20)


@pytest.fixture(scope="module")
def animated(tmp_path_factory):
    out = tmp_path_factory.mktemp("animated") / "a set ä"
    animate_set(out, FACES, first="happy", second="angry", course=SHORT, progress_bar=False, n_workers=1)
    return out


def test_it_is_a_set_that_others_can_check_and_show(animated):
    rows = read_manifest(animated)
    assert [row.direction for row in rows] == ["HappyToAngry", "AngryToHappy"]
    assert {(row.n_frames, row.fps, row.width_px, row.height_px) for row in rows} == {(3, 20, 600, 800)}
    assert check_set(animated, decode=True) == []
    assert not (animated / "frames").exists()


def test_way_back_is_the_way_there_reversed(animated):
    there, back = (decode(row.path) for row in read_manifest(animated))
    np.testing.assert_array_equal(there[::-1], back)


def test_ends_are_the_photographs_of_the_face_set(animated, tmp_path):
    make_face_set(tmp_path / "faces", FACES, progress=False, n_workers=1)
    frames = decode(read_manifest(animated)[0].path)
    for frame, emotion in ((frames[0], "happy"), (frames[-1], "angry")):
        data = (tmp_path / "faces" / "photographs" / f"id01_{emotion}.png").read_bytes()
        photograph = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(frame, photograph)


def test_the_middle_is_a_face_of_its_own_and_half_as_strong(animated):
    frames = decode(read_manifest(animated)[0].path)
    scores = [face_model().find_faces(np.ascontiguousarray(frame))[0].scores for frame in frames]
    smiles = [score["mouthSmileLeft"] for score in scores]
    assert smiles[0] > smiles[1] + 0.1 > smiles[2]
    dissolved = (frames[0].astype(float) + frames[2]) / 2
    assert np.abs(frames[1] - dissolved).max() > 40


def test_sidecar_says_what_each_frame_shows(animated):
    row = read_manifest(animated)[1]
    content = json.loads(row.sidecar_path.read_text(encoding="utf-8"))
    assert content["rendered"] is True
    assert content["levels"] == [1, 0.5, 0]
    assert content["times_s"] == [0, 0.05, 0.1]
    assert content["expressions"] == ["happy", "angry"]
    assert content["action_units"]["happy"]["AU12L"] > 0.5
    assert len(content["frame_sha256"]) == 3
    assert content["landmarks"]["angry"]["image_width_px"] == 600


def test_a_lost_video_is_made_again_and_the_same(animated):
    row = read_manifest(animated)[0]
    before = row.path.read_bytes()
    row.path.unlink()
    again = animate_set(
        animated, FACES, first="happy", second="angry", course=SHORT, progress_bar=False, n_workers=1
    )
    assert row.path.read_bytes() == before
    assert again == read_manifest(animated)


def test_other_sets_and_other_files_are_left_alone(animated, tmp_path):
    other = Course(onset_s=0.2, fps=20)
    with pytest.raises(FileExistsError, match="other parameters"):
        animate_set(animated, FACES, first="happy", second="angry", course=other, progress_bar=False)
    (tmp_path / "thesis.docx").write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError, match="other files"):
        animate_set(tmp_path, FACES, first="happy", second="angry", course=SHORT, progress_bar=False)


def test_course_with_apex_and_offset():
    course = Course(onset_s=0.4, apex_s=0.2, offset_s=0.2, fps=10, shape="smooth")
    levels = course.levels()
    assert len(levels) == 8
    assert (levels[0], levels[3:6], levels[-1]) == (0, [1, 1, 1], 0)
    assert levels[1] == pytest.approx(7 / 27)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"onset_s": 0.0}, "onset is 0"),
        ({"onset_s": 0.05}, "expected 0.08 to 1000"),
        ({"fps": 0.0}, "frame rate is 0"),
        ({"apex_s": -1.0}, "apex is -1"),
        ({"offset_s": float("nan")}, "offset is nan"),
    ],
)
def test_impossible_courses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Course(**arguments)


def test_hair_is_not_taken_from_another_person():
    one, other = FaceSet(identities=2).pairs()
    first = photograph_between(one, "happy", "angry", 1.0).rgb
    photograph_between(other, "happy", "angry", 1.0)
    np.testing.assert_array_equal(photograph_between(one, "happy", "angry", 1.0).rgb, first)
