from pathlib import Path

import numpy as np
import pytest

from stimuli.decoders import decode_with, decoders
from stimuli.quality_charts import Line, chart
from stimuli.quality_curves import Regions, luminance_image, measure_change, measure_light, positions_on_way
from stimuli.quality_landmarks import described_points, folded_part, landmark_disagreement
from stimuli.quality_pace import on_line
from stimuli.video import encode

RNG_SEED = 7


@pytest.fixture
def grid() -> np.ndarray:
    """Points of an even grid, shape (100, 2)."""
    x, y = np.meshgrid(np.arange(20, 120, 10.0), np.arange(20, 120, 10.0))
    return np.column_stack([x.ravel(), y.ravel()])


@pytest.mark.parametrize("decoder", ["ffmpeg", "opencv", "ffpyplayer"])
@pytest.mark.parametrize("n_frames", [1, 2, 7])
def test_every_decoder_gives_every_frame_once_and_at_its_time(
    decoder: str, n_frames: int, tmp_path: Path
) -> None:
    if decoders()[decoder] is None:
        pytest.skip(f"{decoder} is not installed")
    frames = np.random.default_rng(RNG_SEED).integers(0, 256, (n_frames, 96, 130, 3), dtype=np.uint8)
    encode(frames, tmp_path / "video.mp4", fps=25)
    decoded = list(decode_with(decoder, tmp_path / "video.mp4"))
    assert np.array_equal([each.frame for each in decoded], frames)
    times_s = [each.time_s for each in decoded]
    if decoder != "ffmpeg":
        assert times_s == pytest.approx(np.arange(n_frames) / 25, abs=1e-6)


def test_an_unknown_decoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known are ffmpeg, opencv, ffpyplayer"):
        decode_with("vlc", tmp_path)


def test_light_of_an_even_picture_is_that_of_its_colour() -> None:
    frame = np.full((40, 30, 3), (200, 100, 50), np.uint8)
    whole = Regions(np.ones((40, 30), bool), np.ones((40, 30), bool))
    light = measure_light(frame, whole, blending="linear")
    expected = 0.2126 * 0.57758 + 0.7152 * 0.12744 + 0.0722 * 0.03190
    assert light.luminance == pytest.approx(expected, abs=1e-4)
    assert (light.contrast, light.sharpness) == pytest.approx((0, 0), abs=1e-5)
    stored = measure_light(frame, whole, blending="srgb").luminance
    assert stored == pytest.approx((0.2126 * 200 + 0.7152 * 100 + 0.0722 * 50) / 255, abs=1e-4)
    assert measure_change(frame, frame, whole) == 0


def test_luminance_is_measured_in_the_skin_alone() -> None:
    frame = np.zeros((40, 30, 3), np.uint8)
    frame[:20] = 255
    face = np.ones((40, 30), bool)
    skin = face.copy()
    skin[20:] = False
    assert measure_light(frame, Regions(face, skin), blending="linear").luminance == pytest.approx(1)
    assert luminance_image(frame).mean() == pytest.approx(0.5)


def test_positions_of_a_way_with_a_corner_in_the_middle(grid: np.ndarray) -> None:
    levels = np.array([1.0, 0.75, 0.5, 0.25, 0.0])
    first, middle, last = np.array([0.0, 0.0]), np.array([6.0, 0.0]), np.array([6.0, 9.0])
    moved = np.stack([grid + each for each in (last, (middle + last) / 2, middle, middle / 2, first)])
    measured, motion_px = positions_on_way(moved, levels, middle=True)
    assert measured == pytest.approx(levels)
    assert motion_px == pytest.approx(15)
    straight, _ = positions_on_way(moved, levels, middle=False)
    assert straight[2] == pytest.approx(36 / 117)


def test_landmarks_that_move_as_seen_agree_and_others_do_not(grid: np.ndarray) -> None:
    seen = (grid, grid * 1.1)
    inside = grid[33:66] + 3.0
    assert landmark_disagreement((inside, inside * 1.1), seen, eye_distance_px=50) == pytest.approx(0)
    wrong = inside * 1.1
    wrong[:8, 1] -= 20
    assert landmark_disagreement((inside, wrong), seen, eye_distance_px=50) == pytest.approx(0.4)
    assert np.isnan(landmark_disagreement((inside + 900, wrong), seen, eye_distance_px=50))


def test_a_misplaced_point_folds_the_mesh(grid: np.ndarray) -> None:
    size = {"width_px": 140, "height_px": 140}
    assert folded_part(grid, grid + 2, **size) == 0
    misplaced = grid.copy()
    misplaced[44] += (33, 14)
    assert folded_part(grid, misplaced, **size) > 0.01
    assert folded_part(misplaced, grid, **size) > 0.01


def test_a_sidecar_without_landmarks_is_not_measured() -> None:
    size = {"width_px": 300, "height_px": 400}
    assert described_points({}, "points_px", **size) == []
    parameters = {"eye_distance": 0.25, "eye_height": 0.4}
    one = {"eyes_px": [[10, 10], [20, 10]], "points_px": [[10, 10], [20, 10]]}
    sidecar = {"parameters": parameters, "photographs": {"a": one, "b": {**one, "points_px": None}}}
    assert described_points(sidecar, "points_px", **size) == []
    sidecar["photographs"]["b"] = one
    first, _ = described_points(sidecar, "points_px", **size)
    assert first[1] - first[0] == pytest.approx([75, 0])


def test_the_straight_line_has_a_corner_only_where_a_photograph_is() -> None:
    values, levels = np.array([1.0, 4.0, 2.0]), np.array([0.0, 0.5, 1.0])
    assert on_line(values, levels).tolist() == [1.0, 1.5, 2.0]
    assert on_line(values, levels, middle=True).tolist() == [1.0, 4.0, 2.0]
    assert on_line(values[::-1], levels[::-1]).tolist() == [2.0, 1.5, 1.0]


def test_charts_escape_text_and_survive_gaps_and_constants() -> None:
    picture = chart("<title>", [Line([0, 1, 2], [1.0, np.nan, 1.0])], x_label="s", y_range=(1, 1))
    assert "&lt;title&gt;" in picture and "nan" not in picture
    assert chart("empty", [Line([], [])], x_label="s", y_range=(0, 1)).startswith("<svg")
