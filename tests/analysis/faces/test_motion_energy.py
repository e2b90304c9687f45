"""Motion energy: values that are known, regions apart from each other, gaps."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from moving_face import HEIGHT_PX, WIDTH_PX, MovingFace

from analysis.faces.motion_energy import MotionMeter, motion_energy, outlined_regions, without_gaps

OUTLINES = {
    "ear": [(30, 10), (90, 10), (90, 80), (30, 80)],
    "whiskers": [(165, 110), (225, 110), (225, 178), (165, 178)],
    "flank": [(20, 120), (60, 120), (60, 150), (20, 150)],
}


def test_it_is_the_mean_absolute_difference() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (5, 30, 40)).astype(np.uint8)
    half = np.zeros((30, 40), bool)
    half[:, :20] = True
    found = motion_energy(((i, i / 50, grey) for i, grey in enumerate(pictures)), regions={"left": half})
    by_hand = np.abs(np.diff(pictures.astype(float), axis=0))
    np.testing.assert_allclose(found.energy["face"][1:], by_hand.mean((1, 2)), atol=1e-9)
    np.testing.assert_allclose(found.energy["left"][1:], by_hand[:, half].mean(1), atol=1e-9)
    assert found.energy.iloc[0].isna().all()


def test_the_mask_holds_for_the_regions_too() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    column = np.zeros((4, 4), bool)
    column[:, 0] = True
    meter = MotionMeter((4, 4), mask=mask, regions={"column": column})
    meter.add(0, 0.0, np.zeros((4, 4), np.uint8))
    changed = np.zeros((4, 4), np.uint8)
    changed[3] = 200
    changed[0, 0] = 10
    meter.add(1, 0.1, changed)
    assert meter.result().energy.iloc[1].tolist() == [10 / 8, 5.0]


def test_regions_show_what_moves() -> None:
    rng = np.random.default_rng(1)
    movement = np.repeat([0.0, 1.0], 60)
    regions = outlined_regions((HEIGHT_PX, WIDTH_PX), OUTLINES)
    found = motion_energy(MovingFace(rng).frames(movement), regions=regions).energy
    still, moving = found.iloc[1:60].mean(), found.iloc[61:].mean()
    assert moving["ear"] > 3 * still["ear"]
    assert moving["whiskers"] > 1.5 * still["whiskers"]
    assert moving["flank"] == pytest.approx(still["flank"], rel=0.05)


def test_deep_pictures_are_measured_on_the_same_scale() -> None:
    pictures = np.random.default_rng(2).integers(0, 256, (3, 20, 20))
    eight = motion_energy((i, i / 9, grey.astype(np.uint8)) for i, grey in enumerate(pictures))
    deep = ((i, i / 9, (grey * 16).astype(np.uint16)) for i, grey in enumerate(pictures))
    sixteen = motion_energy(deep, full_scale=4080)
    np.testing.assert_allclose(eight.energy, sixteen.energy)


def test_differences_across_gaps_and_bad_frames_are_no_motion() -> None:
    times = [0.0, 0.1, 0.2, 0.5, 0.6, 0.7, 0.7, 0.8]
    frames = ((i, t, np.full((3, 3), 10 * i, np.uint8)) for i, t in enumerate(times))
    valid = np.array([True, True, True, True, False, True, True, True])
    kept = without_gaps(motion_energy(frames), valid=valid).energy["face"].notna()
    assert kept.tolist() == [False, True, True, False, False, False, False, True]


def test_wrong_input_is_told() -> None:
    with pytest.raises(ValueError, match="the video is empty"):
        motion_energy([])
    with pytest.raises(ValueError, match="give the region another"):
        MotionMeter((3, 3), regions={"face": np.ones((3, 3), bool)})
    with pytest.raises(ValueError, match=r"'ear' has \(2, 2\) px"):
        MotionMeter((3, 3), regions={"ear": np.ones((2, 2), bool)})
    with pytest.raises(ValueError, match="'ear' leaves no pixel"):
        MotionMeter((3, 3), regions={"ear": np.zeros((3, 3), bool)})
    with pytest.raises(ValueError, match="has no pixel within"):
        outlined_regions((3, 3), {"ear": [(8, 8), (9, 8), (9, 9)]})
    meter = MotionMeter((3, 3))
    with pytest.raises(ValueError, match="full_scale"):
        meter.add(0, 0.0, np.zeros((3, 3), np.float32))
    meter.add(0, 0.0, np.zeros((3, 3), np.uint8))
    with pytest.raises(ValueError, match="after frames of"):
        meter.add(1, 0.1, np.zeros((4, 3), np.uint8))
    with pytest.raises(ValueError, match="2 verdicts for 1 frames"):
        without_gaps(meter.result(), valid=np.ones(2, bool))


def test_a_running_mouse_moves_where_its_paws_are(shared: Path) -> None:
    path = shared / "data" / "lightningpose_headfixed_video" / "test_vid.mp4"
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray()[: frame.height, : frame.width] for frame in container.decode(video=0)]
    frames = ((index, index / 250, np.ascontiguousarray(grey)) for index, grey in enumerate(pictures))
    shape = pictures[0].shape
    outlines = {"paws": [(30, 60), (290, 60), (290, 140), (30, 140)]}
    energy = motion_energy(frames, regions=outlined_regions(shape, outlines)).energy.iloc[1:]
    assert len(energy) == 993
    assert energy["paws"].mean() > 1.5 * energy["face"].mean()
