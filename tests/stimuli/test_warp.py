import cv2
import numpy as np
import pytest

from stimuli.flow import refine_face
from stimuli.warp import (
    Warp,
    fold_map,
    landmark_field,
    landmark_mesh,
    pixel_grid,
    sample,
    unfold_field,
)

WIDTH, HEIGHT = 120, 160
LOOKUP_PX = 0.03
"""OpenCV looks fields up at steps of 1/32 of a pixel."""
WHOLE = (slice(0, HEIGHT), slice(0, WIDTH))


def smooth_field(scale: float) -> np.ndarray:
    x, y = np.moveaxis(pixel_grid(WIDTH, HEIGHT), -1, 0)
    bump = np.exp(-((x - 60) ** 2 + (y - 80) ** 2) / (2 * 20**2))
    return (scale * np.stack([bump, -0.5 * bump], axis=-1)).astype(np.float32)


@pytest.fixture
def landmarks() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([60 + 30 * np.cos(angle), 80 + 40 * np.sin(angle)], axis=1)
    first = np.concatenate([ring, rng.uniform([45, 60], [75, 100], (30, 2))])
    return first, first + rng.normal(0, 1.0, first.shape)


def test_the_field_holds_the_landmarks_displacement_and_rests_at_the_edge(
    landmarks: tuple[np.ndarray, np.ndarray],
) -> None:
    first, second = landmarks
    field = landmark_field(first, second, width_px=WIDTH, height_px=HEIGHT)
    middle = ((first + second) / 2).astype(np.float32)
    held = sample(field, middle[None])[0]
    assert (
        np.abs(held - (second - first)).max() < 0.35
    )  # interpolated between pixels of neighbouring triangles
    for edge in (field[0], field[-1], field[:, 0], field[:, -1]):
        assert np.abs(edge).max() < 0.05


def test_a_common_movement_is_reproduced_exactly() -> None:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    first = np.stack([60 + 30 * np.cos(angle), 80 + 40 * np.sin(angle)], axis=1)
    field = landmark_field(first, first + np.array([3, -2]), width_px=WIDTH, height_px=HEIGHT)
    assert np.allclose(field[60:100, 45:75], (3, -2), atol=1e-3)


@pytest.mark.parametrize("level", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_every_level_follows_the_definition(level: float) -> None:
    field = smooth_field(12)
    from_first, from_second = Warp(field, box=WHOLE, step_px=1).source_positions(level)
    middle = (from_first + from_second) / 2
    displacement = sample(field, middle)
    assert np.abs(from_second - from_first - displacement).max() < LOOKUP_PX
    assert np.abs(middle + (level - 0.5) * displacement - pixel_grid(WIDTH, HEIGHT)).max() < LOOKUP_PX


def test_a_steep_field_as_in_a_closing_mouth_is_still_solved() -> None:
    x, y = np.moveaxis(pixel_grid(WIDTH, HEIGHT), -1, 0)
    lips = -1.9 * np.clip(y - 80, -8, 8)  # the gap nearly closes
    field = np.stack([np.zeros_like(x), lips], axis=-1).astype(np.float32)
    for level in (0.02, 0.5, 0.95):
        from_first, from_second = Warp(field, box=WHOLE, step_px=1).source_positions(level)
        middle = (from_first + from_second) / 2
        error = np.abs(middle + (level - 0.5) * sample(field, middle) - pixel_grid(WIDTH, HEIGHT))
        assert np.percentile(error, 99.9) < 2 * LOOKUP_PX


def test_endpoints_are_the_photographs_themselves() -> None:
    warp = Warp(smooth_field(10), box=WHOLE, step_px=1)
    assert np.abs(warp.source_positions(0)[0] - pixel_grid(WIDTH, HEIGHT)).max() < LOOKUP_PX
    assert np.abs(warp.source_positions(1)[1] - pixel_grid(WIDTH, HEIGHT)).max() < LOOKUP_PX


def test_half_resolution_and_a_box_change_next_to_nothing() -> None:
    field = smooth_field(12)
    box = (slice(30, 131), slice(20, 99))
    fine = Warp(field, box=WHOLE, step_px=1).source_positions(0.3)[0][box]
    coarse = Warp(field, box=box, step_px=2).source_positions(0.3)[0]
    assert np.abs(fine - coarse).max() < 0.05


def test_flow_finds_a_movement_that_the_landmarks_missed() -> None:
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (HEIGHT, WIDTH)), (0, 0), 2)
    grey = ((texture - texture.min()) / np.ptp(texture) * 255).astype(np.uint8)
    first = np.dstack([grey] * 3)
    second = np.roll(first, 2, axis=1)
    start = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    region = np.ones((HEIGHT, WIDTH), np.float32)
    found = refine_face(start, first, second, region=region, passes=3)[40:120, 30:90]
    assert found[..., 0].mean() == pytest.approx(2, abs=0.15)
    assert found[..., 1].mean() == pytest.approx(0, abs=0.1)
    assert np.array_equal(refine_face(start, first, second, region=0 * region, passes=3), start)
    assert np.array_equal(refine_face(start, first, second, region=region, passes=0), start)


def test_folds_are_found_and_smoothed_only_where_allowed() -> None:
    x = pixel_grid(WIDTH, HEIGHT)[..., 0]
    field = np.stack([-2.6 * np.clip(x - 60, -4, 4), 0 * x], axis=-1).astype(np.float32)
    assert fold_map(field)[:, 57:63].all()
    upper = np.zeros((HEIGHT, WIDTH), bool)
    upper[:60] = True
    unfolded = unfold_field(field, region=upper)
    assert not fold_map(unfolded)[:50].any()
    assert fold_map(unfolded)[80:].any()


def test_the_mesh_names_its_landmarks(landmarks: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = landmarks
    first, second = np.vstack([first, first[:1]]), np.vstack([second, second[:1]])
    mesh = landmark_mesh(first, second, width_px=WIDTH, height_px=HEIGHT)
    own = mesh.landmarks >= 0
    assert sorted(mesh.landmarks[own]) == list(range(54))
    assert np.array_equal(mesh.points_px[own], ((first + second) / 2)[mesh.landmarks[own]])
    assert np.array_equal(mesh.displacement_px[own], (second - first)[mesh.landmarks[own]])
    corners = mesh.points_px[mesh.triangles]
    sides = corners[:, 1:] - corners[:, :1]
    assert np.abs(np.linalg.det(sides)).sum() / 2 == pytest.approx((WIDTH - 1) * (HEIGHT - 1))
