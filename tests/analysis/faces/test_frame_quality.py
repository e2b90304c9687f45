"""Planted faults are caught, each by its own rule; clean videos lose no frame."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from moving_face import MovingFace

from analysis.faces.frame_measures import FrameMeter, measure_frames
from analysis.faces.frame_quality import REASONS, judge_frames, trial_losses

Frame = tuple[int, float, np.ndarray]
N_FRAMES = 600
RATE_HZ = 30.0


@pytest.fixture(scope="module")
def clean() -> list[Frame]:
    """Twenty seconds of a face that is still, moves a little, or strongly."""
    rng = np.random.default_rng(5)
    movement = np.repeat(rng.permutation([0, 0, 0, 0.2, 0.2, 0.2, 1, 1, 1, 1]), N_FRAMES // 10)
    return list(MovingFace(rng).frames(movement))


def with_pictures(frames: list[Frame], planted: dict[int, np.ndarray]) -> list[Frame]:
    return [(index, time_s, planted.get(index, grey)) for index, time_s, grey in frames]


def lit(grey: np.ndarray, gain: float) -> np.ndarray:
    return np.clip(np.rint(gain * grey.astype(float)), 0, 255).astype(np.uint8)


def moved(grey: np.ndarray, x: int, y: int) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(grey, matrix, grey.shape[::-1], borderMode=cv2.BORDER_REFLECT)


def with_paw(grey: np.ndarray, place: float, level: int = 215) -> np.ndarray:
    """A paw with fingers that comes up over the muzzle; ``place`` 0 to 1."""
    drawn = grey.copy()
    height, width = grey.shape
    x, y = round(width * (0.55 + 0.1 * place)), round(height * (0.72 - 0.1 * place))
    cv2.ellipse(drawn, (x, y), (round(0.17 * width), round(0.2 * height)), 30, 0, 360, level, -1, cv2.LINE_AA)
    for finger in range(4):
        tip = (x - round(0.17 * width) + round(0.08 * width * finger), y - round(0.25 * height))
        cv2.line(drawn, (x, y), tip, level, max(3, width // 30), cv2.LINE_AA)
    return drawn


def flagged(frames: Iterable[Frame]) -> dict[str, set[int]]:
    table = judge_frames(measure_frames(frames)).frames
    return {reason: set(table.loc[table[reason], "frame"]) for reason in REASONS}


def only(reason: str, places: Iterable[int]) -> dict[str, set[int]]:
    return {name: set(places) if name == reason else set() for name in REASONS}


def test_a_clean_video_loses_no_frame(clean: list[Frame]) -> None:
    quality = judge_frames(measure_frames(clean))
    assert not quality.frames["excluded"].any()
    assert quality.valid.all()
    assert quality.frames["missing_before"].sum() == 0
    assert len(quality.exclusions) == 0 and quality.counts["n_frames"].sum() == 0
    assert quality.warnings == ()
    assert quality.interval_s == pytest.approx(1 / RATE_HZ)


def test_dropped_frames_are_counted_one_by_one(clean: list[Frame]) -> None:
    rng = np.random.default_rng(1)
    lost = {100, 101, 102, 300, *rng.choice(np.arange(400, 590, 3), 20, replace=False).tolist()}
    jitter = rng.normal(0, 0.0015, N_FRAMES)
    kept = [(index, time_s + jitter[index], grey) for index, time_s, grey in clean if index not in lost]
    quality = judge_frames(measure_frames(kept))
    missing = quality.frames.set_index("frame")["missing_before"]
    assert missing[103] == 3 and missing[301] == 1
    assert missing.sum() == len(lost)
    assert not quality.frames["excluded"].any()
    dropped = quality.exclusions.query("reason == 'dropped'")
    assert dropped["n_frames"].sum() == len(lost)
    first = dropped.iloc[0]
    assert (first["start_s"], first["stop_s"]) == pytest.approx((100 / RATE_HZ, 103 / RATE_HZ), abs=0.01)


@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_copies_in_place_of_lost_frames_are_found(clean: list[Frame], noise: float) -> None:
    """Also where compression has made the copy not quite equal."""
    places = [50, 51, 200, 333, 599]
    rng = np.random.default_rng(2)
    pictures = dict(enumerate(grey for _, _, grey in clean))
    for place in places:
        changed = rng.random(pictures[place].shape) < noise
        pictures[place] = pictures[place - 1] ^ changed.astype(np.uint8)
    assert flagged(with_pictures(clean, pictures)) == only("duplicated", places)


@pytest.mark.parametrize("gain", [0.0, 0.6, 0.85, 1.15, 1.4])
def test_a_flash_or_a_dark_frame_is_found(clean: list[Frame], gain: float) -> None:
    planted = {place: lit(clean[place][2], gain) for place in (0, 77, 300, 302, 599)}
    assert flagged(with_pictures(clean, planted)) == only("exposure", planted)


@pytest.mark.parametrize("gain", [0.88, 1.15])
def test_a_small_lasting_step_costs_its_frame_and_a_large_one_the_part(
    clean: list[Frame], gain: float
) -> None:
    planted = {index: lit(grey, gain) for index, _, grey in clean if index >= 400}
    assert flagged(with_pictures(clean, planted)) == only("exposure", [400])
    planted = {index: lit(grey, gain**3) for index, _, grey in clean if index >= 400}
    assert flagged(with_pictures(clean, planted)) == only("exposure", range(400, 600))


def test_a_slow_drift_of_the_lamp_is_no_jump(clean: list[Frame]) -> None:
    planted = {index: lit(grey, 1 + 0.15 * index / N_FRAMES) for index, _, grey in clean}
    assert flagged(with_pictures(clean, planted)) == only("exposure", [])


@pytest.mark.parametrize("level", [215, 60])
def test_a_paw_in_front_of_the_face_is_found(clean: list[Frame], level: int) -> None:
    places = [*range(150, 180), *range(420, 424)]
    planted = {place: with_paw(clean[place][2], (place % 10) / 10, level) for place in places}
    assert flagged(with_pictures(clean, planted)) == only("occlusion", places)


def test_faults_are_told_apart_in_a_session_that_has_all_of_them(clean: list[Frame]) -> None:
    """The lamp steps half-way, so that there is no usual brightness; the paw is seen all the same."""
    planted = {place: with_paw(clean[place][2], 0.5) for place in range(150, 180)}
    planted |= {77: lit(clean[77][2], 1.15), 51: clean[50][2]}
    planted |= {index: lit(clean[index][2], 1.12) for index in range(300, 500)}
    planted |= {index: lit(moved(clean[index][2], 6, -4), 1.12) for index in range(500, 600)}
    found = flagged(frame for frame in with_pictures(clean, planted) if frame[0] not in (400, 401))
    assert found == {
        "time": set(),
        "duplicated": {51},
        "exposure": {77, 300},
        "shift": set(range(500, 600)),
        "occlusion": set(range(150, 180)),
    }


@pytest.mark.parametrize("shift", [(6, 0), (0, -6), (10, 8)])
def test_a_camera_that_was_pushed_is_found(clean: list[Frame], shift: tuple[int, int]) -> None:
    lasting = {index: moved(grey, *shift) for index, _, grey in clean if index >= 420}
    found = flagged(with_pictures(clean, lasting))
    assert found == only("shift", range(420, 600))
    short = {index: moved(grey, *shift) for index, _, grey in clean if 300 <= index < 312}
    assert flagged(with_pictures(clean, short)) == only("shift", range(300, 312))


def test_a_shift_that_descriptors_hardly_see_stays(clean: list[Frame]) -> None:
    planted = {index: moved(grey, 2, 1) for index, _, grey in clean if index >= 400}
    quality = judge_frames(measure_frames(with_pictures(clean, planted)))
    assert not quality.frames["excluded"].any()
    apart = quality.frames["shift_px"].to_numpy()
    assert apart[:390].mean() == pytest.approx(0, abs=0.3)
    assert apart[410:].mean() == pytest.approx(np.hypot(2, 1), abs=0.3)


def test_frames_without_a_rising_time_are_left_out(clean: list[Frame]) -> None:
    times = {10: np.nan, 200: 199 / RATE_HZ, 400: 1.0}
    frames = [(index, times.get(index, time_s), grey) for index, time_s, grey in clean]
    quality = judge_frames(measure_frames(frames))
    assert set(quality.exclusions["first_frame"]) == set(times)
    assert quality.frames["missing_before"].sum() == 0
    assert set(quality.exclusions["reason"]) == {"time"}


def test_every_exclusion_has_its_row_rule_and_worst_value(clean: list[Frame]) -> None:
    planted = {place: with_paw(clean[place][2], 0.5) for place in range(100, 110)}
    planted |= {300: lit(clean[300][2], 0.5)}
    quality = judge_frames(measure_frames(with_pictures(clean, planted)), exclude=("exposure",))
    occlusion, exposure = quality.exclusions.to_dict("records")
    assert (occlusion["first_frame"], occlusion["last_frame"], occlusion["n_frames"]) == (100, 109, 10)
    assert (occlusion["start_s"], occlusion["stop_s"]) == pytest.approx((100 / RATE_HZ, 110 / RATE_HZ))
    assert 0.03 < occlusion["worst"] <= 1
    assert exposure["worst"] == pytest.approx(0.5, abs=0.02)
    assert [occlusion["excluded"], exposure["excluded"]] == [False, True]
    assert quality.frames["excluded"].sum() == 1
    counts = quality.counts.set_index("reason")
    assert counts.loc["occlusion", "n_frames"] == 10
    assert "3%" in counts.loc["occlusion", "rule"]


def test_losses_are_told_per_trial(clean: list[Frame]) -> None:
    planted = {place: with_paw(clean[place][2], 0.5) for place in range(120, 135)}
    frames = [frame for frame in with_pictures(clean, planted) if frame[0] not in (300, 301, 302)]
    quality = judge_frames(measure_frames(frames))
    events = pd.DataFrame({"onset": [4.0, 10.0, 15.0, 99.0]}, index=["a", "b", "c", "late"])
    lost = trial_losses(quality, events, before_s=1.0, after_s=2.0)
    assert lost.loc["a", "share_lost"] == pytest.approx(15 / 90)
    assert lost.loc["b", "n_dropped"] == 3
    assert lost.loc["c", "share_lost"] == 0
    assert np.isnan(lost.loc["late", "share_lost"])


def test_the_mask_decides_what_counts_as_the_face(clean: list[Frame]) -> None:
    """A blinking lamp or a paw outside the face costs nothing."""
    mask = np.zeros(clean[0][2].shape, bool)
    mask[:90] = True
    planted = {place: with_paw(clean[place][2], 0.0) for place in range(100, 110)}
    for place in planted:
        planted[place][:90] = clean[place][2][:90]
    frames = with_pictures(clean, planted)
    assert not judge_frames(measure_frames(frames, mask=mask)).frames["occlusion"].any()
    assert judge_frames(measure_frames(frames)).frames["occlusion"].sum() == 10


def test_sixteen_bits_are_judged_as_eight(clean: list[Frame]) -> None:
    planted = {300: lit(clean[300][2], 1.3)}
    deep = [(i, t, grey.astype(np.uint16) * 16) for i, t, grey in with_pictures(clean, planted)]
    found = judge_frames(measure_frames(deep, full_scale=4080)).frames
    assert found.index[found["excluded"]].tolist() == [300]
    with pytest.raises(ValueError, match="full_scale"):
        measure_frames(deep)


def test_wrong_input_is_told(clean: list[Frame]) -> None:
    with pytest.raises(ValueError, match="the video is empty"):
        measure_frames([])
    with pytest.raises(ValueError, match="one size"):
        measure_frames([clean[0], (1, 0.1, np.zeros((5, 5), np.uint8))])
    with pytest.raises(ValueError, match="the mask has"):
        measure_frames(clean[:2], mask=np.ones((5, 5), bool))
    with pytest.raises(ValueError, match="leaves no tile"):
        FrameMeter((180, 240), mask=np.zeros((180, 240), bool))
    with pytest.raises(ValueError, match="unknown reason 'paw'"):
        judge_frames(measure_frames(clean[:10]), exclude=("paw",))
    with pytest.raises(ValueError, match="never number / frames per second"):
        judge_frames(measure_frames((index, np.nan, grey) for index, _, grey in clean[:10]))


def test_short_videos_are_judged(clean: list[Frame]) -> None:
    for n_frames in (2, 3, 10, 31, 32):
        assert not judge_frames(measure_frames(clean[:n_frames])).frames["excluded"].any()


def test_irregular_times_and_many_copies_are_told(clean: list[Frame]) -> None:
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.01, 0.06, N_FRAMES))
    irregular = [(index, times[index], grey) for index, _, grey in clean]
    assert "no multiple of the usual" in judge_frames(measure_frames(irregular)).warnings[0]
    repeated = [(index, time_s, clean[index // 2][2]) for index, time_s, _ in clean]
    assert "repeat the one before" in judge_frames(measure_frames(repeated)).warnings[0]


def test_memory_stays_bounded_over_many_frames(clean: list[Frame]) -> None:
    """Frames themselves are not kept: 20 minutes at 30 Hz take about 10 MB."""
    meter = FrameMeter(clean[0][2].shape)
    for index, time_s, grey in clean:
        meter.add(index, time_s, grey)
    result = meter.result()
    kept = sum(values.nbytes for values in vars(result).values())
    assert kept / len(result) * 36000 < 12e6


@pytest.fixture(scope="module")
def real_frames(shared: Path) -> list[Frame]:
    """Twelve seconds made of a real face: camera noise, and an ear-sized part that moves."""
    grey = np.load(shared / "data" / "ibl_headfixed_frames" / "frames_left.npy")[1][::2, ::2]
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 2.5, (8, *grey.shape))
    frames = []
    for index in range(360):
        drawn = grey.astype(float)
        drawn[60:180, 300:400] = np.roll(grey, round(4 * np.sin(index / 5)), 1)[60:180, 300:400]
        own_noise = np.roll(noise[index % 8], rng.integers(0, 500, 2), (0, 1))
        picture = np.clip(drawn + own_noise, 0, 255).astype(np.uint8)
        frames.append((index, index / RATE_HZ, picture))
    return frames


def test_planted_faults_on_a_real_face_are_caught(real_frames: list[Frame]) -> None:
    assert flagged(real_frames) == only("time", [])
    planted = {place: with_paw(real_frames[place][2], 0.5, 150) for place in range(100, 120)}
    planted |= {200: lit(real_frames[200][2], 1.2), 250: real_frames[249][2]}
    planted |= {index: moved(real_frames[index][2], 12, -4) for index in range(300, 360)}
    assert flagged(with_pictures(real_frames, planted)) == {
        "time": set(),
        "duplicated": {250},
        "exposure": {200},
        "shift": set(range(300, 360)),
        "occlusion": set(range(100, 120)),
    }


def decoded(path: Path) -> Iterable[Frame]:
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            planes = frame.to_ndarray()
            yield index, float(frame.pts * frame.time_base), planes[: frame.height, : frame.width].copy()


def test_the_real_video_of_a_running_mouse_loses_no_frame(shared: Path) -> None:
    path = shared / "data" / "lightningpose_headfixed_video" / "test_vid.mp4"
    quality = judge_frames(measure_frames(decoded(path)))
    assert len(quality.frames) == 994
    assert quality.interval_s == pytest.approx(0.004)
    assert not quality.frames["excluded"].any() and quality.frames["missing_before"].sum() == 0
    assert "a moved camera cannot be detected" in quality.warnings[0]
