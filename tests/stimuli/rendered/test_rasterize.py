import numpy as np
import pytest

from stimuli.rendered.rasterize import Camera, rasterize, vertex_normals

SQUARE = np.array([[0, 0, 5.0], [4, 0, 5], [4, 4, 5], [0, 4, 5]])
TWO = np.array([[0, 1, 2], [0, 2, 3]])


def test_square_covers_each_of_its_pixels_once():
    seen = rasterize(SQUARE + np.array([1, 2, 0]), TWO, width_px=8, height_px=9)
    expected = [row * 8 + column for row in range(2, 6) for column in range(1, 5)]
    assert seen.pixel.tolist() == expected
    np.testing.assert_allclose(seen.depth, 5)


def test_interpolation_is_linear_in_the_picture():
    seen = rasterize(SQUARE, TWO, width_px=4, height_px=4)
    values = seen.interpolate(SQUARE[:, :2].astype(np.float32), TWO)
    row, column = seen.pixel // 4, seen.pixel % 4
    np.testing.assert_allclose(values, np.stack([column + 0.5, row + 0.5], 1), atol=1e-5)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_nearer_triangle_hides_the_other(order):
    near = SQUARE[:3] - np.array([0, 0, 1])
    points = np.concatenate([SQUARE[:3], near])
    triangles = np.array([[0, 1, 2], [3, 4, 5]])[order]
    seen = rasterize(points, triangles, width_px=4, height_px=4)
    assert len(np.unique(seen.pixel)) == len(seen.pixel)
    np.testing.assert_allclose(seen.depth, 4)
    assert set(seen.triangle) == {order.index(1)}


@pytest.mark.parametrize("size", [0.7, 3, 20, 200])
def test_area_of_triangles_of_any_size(size):
    corner = np.array([[3.2, 5.1, 1], [3.2 + size, 5.1, 1], [3.2, 5.1 + size, 1]])
    seen = rasterize(corner, np.array([[0, 1, 2]]), width_px=256, height_px=256)
    assert len(seen.pixel) == pytest.approx(size**2 / 2, abs=2 * size + 1)


def test_what_is_outside_or_flat_is_not_drawn():
    outside = rasterize(SQUARE - [10, 0, 0], TWO, width_px=4, height_px=4)
    flat = rasterize(SQUARE * [1, 0, 1], TWO, width_px=4, height_px=4)
    assert len(outside.pixel) == len(flat.pixel) == 0
    assert outside.interpolate(SQUARE, TWO).shape == (0, 3)


def test_triangle_across_the_border_is_cut():
    seen = rasterize(SQUARE - [2, 2, 0], TWO, width_px=4, height_px=4)
    assert seen.pixel.tolist() == [0, 1, 4, 5]


def test_camera_pictures_its_target_in_the_middle_and_near_things_larger():
    camera = Camera((1.0, 2.0, 3.0), 10.0, 100.0, 640, 480)
    middle, right, nearer = camera.project(np.array([[1.0, 2, 3], [2, 2, 3], [2, 2, 8]]))
    np.testing.assert_allclose(middle, [320, 240, 10])
    np.testing.assert_allclose(right, [420, 240, 10])
    np.testing.assert_allclose(nearer, [520, 240, 5])
    np.testing.assert_allclose(camera.position, [1, 2, 13])


def test_normals_of_a_square_point_one_way_with_length_one():
    normals = vertex_normals(SQUARE, TWO)
    np.testing.assert_allclose(normals, [[0, 0, 1]] * 4, atol=1e-6)
