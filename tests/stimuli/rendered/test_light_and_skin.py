import cv2
import numpy as np
import pytest

from stimuli.rendered import skin
from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.eyes_and_teeth import Gaze, lid_shade, lip_shade
from stimuli.rendered.lighting import irradiance, scatter_in_skin, studio_lights
from stimuli.rendered.profiles import to_linear, to_srgb
from stimuli.rendered.textures import TILE_DM, remap_flat, sample, tile

KEY = (-0.5, 0.55, 0.75)
UP = np.array([[0.0, 1.0, 0.0]], np.float32)


def roof(height, half=1.0):
    corners = np.array(
        [[-half, height, -half], [half, height, -half], [half, height, half], [-half, height, half]]
    )
    return corners.astype(np.float32), np.array([[0, 2, 1], [0, 3, 2]])


def test_lights_sum_to_one_and_the_key_side_is_brighter():
    lights = studio_lights(KEY)
    assert lights.power.mean(1).sum() == pytest.approx(1)
    from_left = lights.power[lights.directions[:, 0] < 0].sum()
    assert from_left > 1.3 * lights.power[lights.directions[:, 0] > 0].sum()


def test_roof_takes_the_light_from_above():
    lights, point = studio_lights(KEY), np.zeros((1, 3), np.float32)
    far, triangles = roof(50.0)
    low, _ = roof(0.3)
    open_sky = irradiance(point, UP, far, triangles, lights, centre=np.zeros(3))
    covered = irradiance(point, UP, low, triangles, lights, centre=np.zeros(3))
    assert (covered < 0.35 * open_sky).all()
    assert (covered > 0).all()


def test_scattering_keeps_even_light_and_softens_edges_in_red_most():
    mesh = drawn_mesh(finest=False)
    even = np.full((mesh.n_skin, 3), 0.4, np.float32)
    np.testing.assert_allclose(scatter_in_skin(even, mesh.neighbours), 0.4, rtol=1e-4)
    edge = np.repeat((mesh.rest[: mesh.n_skin, :1] > 0).astype(np.float32), 3, 1)
    soft = scatter_in_skin(edge, mesh.neighbours)
    red, green, blue = np.abs(soft - edge).mean(0)
    assert red > green > blue > 0


def test_srgb_and_back():
    values = np.linspace(0, 1, 256)
    np.testing.assert_allclose(to_srgb(to_linear(values)), values, atol=2e-6)


@pytest.mark.parametrize("name", ["blotches", "mottle", "pore_slope_x", "freckles", "stubble"])
def test_textures_repeat_without_a_seam(name):
    picture = tile(name)
    inside = np.abs(np.diff(picture, axis=1)).mean()
    seam = np.abs(picture[:, 0] - picture[:, -1]).mean()
    assert seam < 2 * inside + 1e-6
    at = np.array([[0.31, 0.77], [-0.2, 5.4]])
    np.testing.assert_allclose(sample(name, at), sample(name, at + TILE_DM), atol=2e-3)


def test_unknown_texture_is_named():
    with pytest.raises(KeyError, match="scales"):
        tile("scales")


def test_many_points_are_sampled_in_order():
    ramp = np.tile(np.arange(64, dtype=np.float32), (4, 1))
    x = np.random.default_rng(0).uniform(0, 63, 70_000)
    values = remap_flat(ramp, x, np.ones(len(x)), border=cv2.BORDER_WRAP)
    np.testing.assert_allclose(values, x, atol=0.05)
    assert remap_flat(ramp, x[:0], x[:0], border=cv2.BORDER_WRAP).shape == (0,)


def test_furrows_come_with_their_muscles():
    rest = np.array([[0.055, 7.47, 1.5], [0.3, 6.8, 1.3], [0.0, 7.9, 1.3], [0.055, 7.47, -0.9]], np.float32)
    frown = skin.furrow_depth(rest, {"browDownLeft": 1.0, "browDownRight": 1.0})
    assert frown[0] > 0.01
    assert frown[1:].max() < 1e-3
    assert not skin.furrow_depth(rest, {}).any()


def test_pupil_lies_on_the_eyeball_towards_what_it_looks_at():
    direction = np.random.default_rng(1).normal(size=(2000, 3))
    ball = 0.14 * direction / np.linalg.norm(direction, axis=1, keepdims=True) + [0.3, 7.3, 1.2]
    gaze = Gaze(ball, np.array([0.3, 7.3, 15.0]))
    np.testing.assert_allclose(gaze.pupil, [0.3, 7.3, 1.34], atol=2e-3)


def test_lids_shade_the_rim_and_most_of_all_the_top():
    row, column = np.nonzero(cv2.circle(np.zeros((120, 120), np.uint8), (60, 60), 25, 1, -1))
    shade = lid_shade(row * 120 + column, 120)
    at = {(r, c): s for r, c, s in zip(row.tolist(), column.tolist(), shade, strict=True)}
    assert at[36, 60] < at[84, 60] < at[64, 60] <= 1


def test_lips_that_hardly_part_show_no_teeth():
    width_px = 400
    rows, columns = np.mgrid[100:140, 100:200]
    wide = lip_shade((rows * width_px + columns).ravel(), width_px).reshape(rows.shape)
    assert wide[20, 50] == 1
    slit_rows, slit_columns = np.mgrid[100:103, 100:200]
    slit = lip_shade((slit_rows * width_px + slit_columns).ravel(), width_px)
    assert slit.max() < 0.1
