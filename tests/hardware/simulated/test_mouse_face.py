"""The drawn mouse: does it move where it should, and as much as a real one?"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from analysis.faces.hog import describe_frames
from hardware.simulated import mouse_video
from hardware.simulated.mouse_behaviour import Habits, Moment, face_course, lick_times, wandering
from hardware.simulated.mouse_expressions import (
    ACTIONS,
    EXPRESSIONS,
    Episode,
    animal_patterns,
    draw_duration_s,
    draw_latency_s,
    strength_course,
)
from hardware.simulated.mouse_face import BLACK, Camera, MouseFace, Pose
from hardware.simulated.mouse_texture import Traits, draw_traits, paint_paw

AT_REST = np.zeros(len(ACTIONS))
STILL = Habits(0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def traits() -> Traits:
    return draw_traits(np.random.default_rng(7))


@pytest.fixture(scope="module")
def face(traits: Traits) -> MouseFace:
    return MouseFace(traits)


def camera(seed: int = 1, noise_sd: float = 2.0) -> Camera:
    return Camera(width=640, height=480, noise_sd=noise_sd, rng=np.random.default_rng(seed))


def mean_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Mean correlation of the frames of one set with those of another."""
    n = len(first)
    found = np.corrcoef(np.concatenate([first, second]))[:n, n:]
    return float(found[~np.eye(n, dtype=bool)].mean())


def test_the_same_pose_is_drawn_the_same_also_after_another(face: MouseFace, traits: Traits) -> None:
    before = face.draw(Pose(AT_REST))
    face.draw(Pose(np.ones(len(ACTIONS)), blink=1.0, tongue=1.0, paw=(200.0, 240.0), shift_px=(2.0, 1.0)))
    assert np.array_equal(face.draw(Pose(AT_REST)), before)
    assert np.array_equal(MouseFace(traits).draw(Pose(AT_REST)), before)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_seen_and_only_in_its_part_of_the_picture(face: MouseFace, action: str) -> None:
    strengths = AT_REST.copy()
    strengths[ACTIONS.index(action)] = 1.0
    change = np.abs(face.draw(Pose(strengths)).astype(int) - face.draw(Pose(AT_REST)))
    assert (change > 8).sum() > 150
    assert change[:, 560:].max() == 0  # the neck does not move
    assert change[:44].max() == 0  # nor does the head plate


def test_a_blink_shuts_the_eye(face: MouseFace) -> None:
    eye = (slice(155, 185), slice(245, 280))
    assert np.median(face.draw(Pose(AT_REST))[eye]) < 60
    assert np.median(face.draw(Pose(AT_REST, blink=1.0))[eye]) > 70


def test_the_spout_and_the_head_plate_stand_still_when_the_head_slips(face: MouseFace) -> None:
    change = np.abs(face.draw(Pose(AT_REST)).astype(int) - face.draw(Pose(AT_REST, shift_px=(3.0, 2.0))))
    assert change[300:360, :60].max() == 0
    assert change[50:75, 400:].max() == 0
    assert change[120:300, 150:400].max() > 20


def test_the_room_is_black_and_its_noise_is_cut_off(face: MouseFace) -> None:
    frame = camera().expose(face.draw(Pose(AT_REST)))
    assert (frame[400:, :300] == 0).mean() > 0.999
    assert frame.max() > 200


def test_the_camera_s_noise_is_new_in_every_frame(face: MouseFace) -> None:
    eyes, picture = camera(noise_sd=2.0), face.draw(Pose(AT_REST))
    skin = (slice(200, 300), slice(300, 500))
    noise = [eyes.expose(picture)[skin].astype(float) - picture[skin] + BLACK for _ in range(6)]
    assert np.std(noise[0]) == pytest.approx(2.0, rel=0.05)
    assert np.abs(np.corrcoef([part.ravel() for part in noise])[~np.eye(6, dtype=bool)]).max() < 0.05


def test_a_brighter_lamp_makes_a_brighter_frame(face: MouseFace) -> None:
    picture = face.draw(Pose(AT_REST))
    dim, bright = (camera().expose(picture, gain=gain)[200:300, 300:500].mean() for gain in (1.0, 1.1))
    assert bright == pytest.approx(1.1 * dim, rel=0.02)


def test_other_sizes_show_the_same_view(traits: Traits, face: MouseFace) -> None:
    small = MouseFace(traits, width=320, height=240).draw(Pose(AT_REST))
    large = face.draw(Pose(AT_REST)).reshape(240, 2, 320, 2).mean((1, 3))
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.98
    with pytest.raises(ValueError, match="at least 64 x 48 px"):
        MouseFace(traits, width=32, height=24)


def test_animals_differ(traits: Traits) -> None:
    other = MouseFace(draw_traits(np.random.default_rng(8))).draw(Pose(AT_REST))
    mine = MouseFace(traits).draw(Pose(AT_REST))
    r = np.corrcoef(describe_frames(np.stack([mine, other])))[0, 1]
    assert 0.2 < r < 0.9


def test_expressions_change_the_descriptors_as_much_as_in_real_mice(face: MouseFace) -> None:
    """Effects of about 0.07 in r, below a ceiling of 0.965 between neighbouring frames."""
    rng = np.random.default_rng(3)
    times_s = np.arange(900) / 30
    course = face_course(times_s, [], patterns=EXPRESSIONS_AS_DRAWN, habits=Habits(0, 0, 0), rng=rng)
    frames = np.stack([*mouse_video.film(face, course, noise_sd=2.0, rng=rng)][::3])
    live = describe_frames(frames)
    neighbours = np.median([np.corrcoef(pair)[0, 1] for pair in pairwise(live)])
    assert 0.94 < neighbours < 0.98
    eyes = camera()
    still = {
        name: describe_frames(np.stack([eyes.expose(face.draw(Pose(pattern))) for _ in range(8)]))
        for name, pattern in {"neutral": AT_REST, **EXPRESSIONS_AS_DRAWN}.items()
    }
    ceiling = mean_correlation(still["neutral"], still["neutral"])
    effects = {name: ceiling - mean_correlation(still["neutral"], still[name]) for name in EXPRESSIONS}
    assert 0.06 < np.mean(list(effects.values())) < 0.09
    assert min(effects.values()) > 0.03 and max(effects.values()) < 0.12


def test_active_fear_has_parts_of_disgust_and_pain() -> None:
    patterns = np.array(list(EXPRESSIONS.values()))
    likeness = dict(
        zip(EXPRESSIONS, np.corrcoef(patterns)[list(EXPRESSIONS).index("active_fear")], strict=True)
    )
    assert min(likeness["disgust"], likeness["pain"]) > max(likeness["pleasure"], likeness["malaise"])


EXPRESSIONS_AS_DRAWN = {name: np.array(pattern) for name, pattern in EXPRESSIONS.items()}


def test_latencies_and_durations_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    latencies_s = np.array([draw_latency_s(rng) for _ in range(3000)])
    durations_s = np.array([draw_duration_s(rng) for _ in range(3000)])
    assert (latencies_s < 5).mean() == pytest.approx(0.90, abs=0.02)
    assert (durations_s < 5).mean() == pytest.approx(0.60, abs=0.03)
    assert ((durations_s >= 5) & (durations_s < 15)).mean() == pytest.approx(0.23, abs=0.03)


def test_expressions_come_and_go() -> None:
    times_s = np.arange(0, 20, 0.1)
    course = strength_course([Episode("disgust", 5.0, 4.0, 0.8)], times_s)[:, 1]
    assert course[times_s < 5].max() == 0
    assert course[np.searchsorted(times_s, 8.9)] == pytest.approx(0.8, abs=0.01)
    assert course[times_s > 16].max() < 0.001
    with pytest.raises(ValueError, match="no expression 'joy'"):
        strength_course([Episode("joy", 1.0, 1.0, 1.0)], times_s)


def test_what_an_animal_does_follows_the_seed() -> None:
    times_s = np.arange(300) / 30
    courses = [
        face_course(times_s, [], patterns=EXPRESSIONS_AS_DRAWN, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(courses[0].actions, courses[1].actions)
    assert not np.array_equal(courses[0].actions, courses[2].actions)


def test_a_still_animal_does_only_its_expressions() -> None:
    times_s = np.arange(600) / 30
    episodes = [Episode("pain", 5.0, 4.0, 1.0)]
    rng = np.random.default_rng(1)
    course = face_course(times_s, episodes, patterns=EXPRESSIONS_AS_DRAWN, habits=STILL, rng=rng)
    assert not course.actions[times_s < 5].any()
    assert course.actions[np.searchsorted(times_s, 8.0), ACTIONS.index("squint")] > 0.3
    assert not course.blink.any() and not course.tongue.any() and np.isnan(course.paw).all()


def test_grooming_brings_the_paw_up_and_takes_it_down() -> None:
    times_s = np.arange(3000) / 30
    course = face_course(
        times_s, [], patterns=EXPRESSIONS_AS_DRAWN, habits=Habits(0, 3.0, 0), rng=np.random.default_rng(2)
    )
    grooming = [moment for moment in course.moments if moment.kind == "grooming"]
    assert grooming
    up = ~np.isnan(course.paw[:, 0])
    inside = np.zeros(len(times_s), bool)
    for moment in grooming:
        inside |= (times_s >= moment.start_s) & (times_s < moment.start_s + moment.duration_s)
    assert np.array_equal(up, inside)
    assert course.paw[up, 1].min() < 270


def test_licks_are_seen_when_they_are_said() -> None:
    bout = Moment("licking", 2.0, 2.0)
    times_s = np.arange(300) / 60
    course = face_course(
        times_s, [], patterns=EXPRESSIONS_AS_DRAWN, habits=STILL, licking=[bout], rng=np.random.default_rng(1)
    )
    for at_s in lick_times(bout):
        assert course.tongue[np.abs(times_s - at_s) < 0.06].max() > 0.5
    assert not course.tongue[times_s < 2].any()


def test_wandering_has_its_spread_and_its_memory() -> None:
    found = wandering(np.arange(0, 2000, 0.5), 20, lasting_s=5.0, rng=np.random.default_rng(1))
    assert found.std() == pytest.approx(1.0, rel=0.1)
    lagged = np.mean([np.corrcoef(trace[:-10], trace[10:])[0, 1] for trace in found.T])
    assert lagged == pytest.approx(np.exp(-1), abs=0.08)


def test_a_face_needs_times_that_increase() -> None:
    for times_s in ([], [0.0, 0.0]):
        with pytest.raises(ValueError, match="times that increase"):
            face_course(np.array(times_s), [], patterns=EXPRESSIONS_AS_DRAWN, rng=np.random.default_rng(1))


def test_animals_do_their_expressions_differently() -> None:
    first, second = (animal_patterns(np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.allclose(first["pain"], second["pain"])
    assert np.corrcoef(first["pain"], EXPRESSIONS["pain"])[0, 1] > 0.7


def test_the_paw_covers_a_part_of_its_picture() -> None:
    grey, cover = paint_paw(np.random.default_rng(1))
    assert grey.shape == cover.shape == (360, 200)
    assert 0.2 < cover.mean() < 0.6


def test_the_video_keeps_every_pixel_and_the_time_of_every_frame(traits: Traits, tmp_path: Path) -> None:
    face = MouseFace(traits, width=160, height=120)
    times_s = mouse_video.camera_times(2.0, fps=30, rng=np.random.default_rng(1), n_dropped=2)
    course = face_course(times_s, [], patterns=EXPRESSIONS_AS_DRAWN, rng=np.random.default_rng(1))
    frames = [*mouse_video.film(face, course, noise_sd=2.0, rng=np.random.default_rng(1))]
    path, again = tmp_path / "face.mkv", tmp_path / "again.mkv"
    for target in (path, again):
        mouse_video.write_video(iter(frames), times_s, target, fps=30)
    assert path.read_bytes() == again.read_bytes()
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 30
        decoded = [(frame.time, frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    assert len(decoded) == len(frames) == 58
    assert all(np.array_equal(seen, drawn) for (_, seen), drawn in zip(decoded, frames, strict=True))
    assert np.allclose([time_s for time_s, _ in decoded], times_s, atol=6e-4)
    with pytest.raises(FileExistsError, match="nothing is ever written over"):
        mouse_video.write_video(iter(frames), times_s, path, fps=30)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.mkv", "face.mkv"]


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="more than 0 frames per second"):
        mouse_video.camera_times(2.0, fps=0, rng=rng)
    with pytest.raises(ValueError, match="is no video"):
        mouse_video.camera_times(0.001, fps=30, rng=rng)
    with pytest.raises(ValueError, match="at least one frame"):
        mouse_video.write_video([], np.array([]), tmp_path / "face.mkv", fps=30)
    with pytest.raises(ValueError, match="0 or more"):
        Camera(width=64, height=48, noise_sd=-1, rng=rng)
