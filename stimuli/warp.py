"""The warp: how each point of one face moves to become the same point of the other.

One displacement field per pair describes the way from the first to the second photograph. It lives on the
shape half way between them, so that neither photograph and neither direction is preferred: a pixel q of the
half-way shape is at q - v(q)/2 in the first photograph, at q + v(q)/2 in the second, and at q + (level -
1/2) v(q) in between.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy.spatial import Delaunay

RINGS = ((1.28, 0.6), (1.7, 0.25))
"""Rings around the face: size relative to it, and the part of the face's displacement that is left there."""

NEWTON_STEPS = 4
"""Steps to find the half-way shape's pixel that a frame's pixel comes from."""
HARMLESS_STRETCH = 1.5
"""Stretching of a photograph, in area, that does not blur it (our choice)."""
STRETCH_SMOOTHING_PX = 1.5
"""Smoothing of the stretching (standard deviation)."""


def landmark_field(
    first_px: np.ndarray, second_px: np.ndarray, *, width_px: int, height_px: int
) -> np.ndarray:
    """Interpolate the displacement of landmarks over the whole frame.

    Between landmarks the displacement is linear in each triangle of the Delaunay triangulation of the
    half-way shape. Around the face it decays over two rings to zero at the edge of the frame.

    Parameters
    ----------
    first_px, second_px
        The same landmarks in the two aligned photographs, shape ``(n_points, 2)``; each x, y.
    width_px, height_px
        Size of the frame.

    Returns
    -------
    numpy.ndarray
        Displacement v from the first to the second photograph on the half-way shape, shape
        ``(height_px, width_px, 2)``, float32; x, y in pixels.
    """
    mesh = landmark_mesh(first_px, second_px, width_px=width_px, height_px=height_px)
    return _piecewise_linear(mesh.points_px, mesh.displacement_px, mesh.triangles, width_px, height_px)


class LandmarkMesh(NamedTuple):
    """The triangles in which `landmark_field` interpolates, on the half-way shape."""

    points_px: np.ndarray
    """Their corners, shape ``(n, 2)``: landmarks that do not coincide, and points around the face."""
    displacement_px: np.ndarray
    """Displacement of each corner from the first to the second photograph, shape ``(n, 2)``."""
    triangles: np.ndarray
    """For each triangle the numbers of its three corners, shape ``(n_triangles, 3)``."""
    landmarks: np.ndarray
    """Number of the landmark at each corner, shape ``(n,)``; -1 for points around the face."""


def landmark_mesh(
    first_px: np.ndarray, second_px: np.ndarray, *, width_px: int, height_px: int
) -> LandmarkMesh:
    """Return the triangles in which `landmark_field`, whose arguments these are, interpolates."""
    middle, displacement = (first_px + second_px) / 2, second_px - first_px
    around, around_displacement = _surroundings(middle, displacement, width_px, height_px)
    points = np.concatenate([middle, around])
    values = np.concatenate([displacement, around_displacement])
    _, unique = np.unique(np.round(points * 4), axis=0, return_index=True)
    landmarks = np.where(unique < len(middle), unique, -1)
    return LandmarkMesh(points[unique], values[unique], Delaunay(points[unique]).simplices, landmarks)


def unfold_field(field: np.ndarray, *, region: np.ndarray, passes: int = 60) -> np.ndarray:
    """Smooth a field where it would fold the picture over.

    Parameters
    ----------
    field
        Displacement on the half-way shape, shape ``(height_px, width_px, 2)``; x, y in pixels.
    region
        Where folds count, boolean, shape ``(height_px, width_px)``. A closing mouth and closing eyes fold
        rightly.
    passes
        How often at most.

    Returns
    -------
    numpy.ndarray
        The smoothed field.
    """
    for number in range(passes):
        folded = fold_map(field, margin=0.05) & region
        if not folded.any():
            break
        size_px = 4 + number // 6  # wider and wider, because a fold between two others leaves slowly
        near = cv2.dilate(folded.astype(np.uint8), np.ones((2 * size_px + 1,) * 2, np.uint8))
        weight = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 0.75 * size_px)[..., None]
        field = field + weight * (cv2.GaussianBlur(field, (0, 0), size_px) - field)
    return field.astype(np.float32)


class SplitLevel(NamedTuple):
    """One level for the upper face and another for the lower, as in a smile under a frown."""

    upper: float
    """Level of brows and eyes."""
    lower: float
    """Level of the mouth."""
    border_px: float
    """Height of the border between them in the frame."""
    soft_px: float
    """Height of the zone over which one becomes the other."""

    def at(self, y: np.ndarray) -> np.ndarray:
        """Return the level at heights of the frame.

        Examples
        --------
        >>> SplitLevel(0.0, 1.0, 50.0, 20.0).at(np.array([0.0, 50.0, 90.0])).tolist()
        [0.0, 0.5, 1.0]
        """
        way = np.clip((y - self.border_px) / self.soft_px + 0.5, 0, 1)
        return (self.upper + (self.lower - self.upper) * way * way * (3 - 2 * way)).astype(np.float32)


class Warp:
    """A displacement field, ready to be asked for any level.

    Parameters
    ----------
    field
        Displacement on the half-way shape, shape ``(height_px, width_px, 2)``; x, y in pixels.
    box
        Rows and columns of the frame that are wanted.
    step_px
        The field is followed on every `step_px`-th pixel and interpolated between them; 2 changes frames by
        about a hundredth of a grey level and takes a quarter of the time.
    """

    def __init__(self, field: np.ndarray, *, box: tuple[slice, slice], step_px: int = 2) -> None:
        rows, columns = box
        smooth = cv2.GaussianBlur(field, (0, 0), 0.3 * step_px) if step_px > 1 else field
        self._step_px = np.float32(step_px)
        self._field = sample(smooth, self._coarse_grid(field.shape[1], field.shape[0]))
        self._gradient = field_gradient(self._field) / step_px
        width_px, height_px = columns.stop - columns.start, rows.stop - rows.start
        corner = np.array([columns.start, rows.start], np.float32)
        self._grid = self._coarse_grid(width_px, height_px) + corner
        self.pixels = pixel_grid(width_px, height_px) + corner

    def source_positions(self, level: float | SplitLevel) -> tuple[np.ndarray, np.ndarray]:
        """Return where each pixel of the box comes from in the first and in the second photograph.

        Parameters
        ----------
        level
            0 = the first photograph's shape, 1 = the second's; or one for the upper and one for the lower
            face.

        Returns
        -------
        tuple of numpy.ndarray
            Two maps of the box's shape with x, y of the first and of the second photograph, float32.
        """
        return self._fine_positions(self._coarse_positions(level))

    def positions_and_sharpness(self, level: float | SplitLevel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return `source_positions`, and how little each photograph has to be stretched there.

        Returns
        -------
        tuple of numpy.ndarray
            Both maps; and the sharpness of both photographs, shape ``(height_px, width_px, 2)``: 1 where a
            photograph is not stretched by more than `HARMLESS_STRETCH` in area, and less the more it is.
        """
        coarse = self._coarse_positions(level)
        sharpness = [_sharpness(positions, float(self._step_px)) for positions in coarse]
        first, second = self._fine_positions(coarse)
        return first, second, self._upscaled(np.stack(sharpness, axis=2))

    def _coarse_positions(self, level: float | SplitLevel) -> tuple[np.ndarray, np.ndarray]:
        """Where the points of the grid come from in both photographs."""
        if isinstance(level, SplitLevel):
            heights = self._coarse_grid(1, self._field.shape[0] * int(self._step_px))[:, 0, 1]
            way = (level.at(heights) - np.float32(0.5))[:, None, None] * self._field
            middle = self._half_way_positions(np.float32(1), way, field_gradient(way) / self._step_px)
        else:
            middle = self._half_way_positions(np.float32(level - 0.5), self._field, self._gradient)
        moved = self._look_up(self._field, middle)
        return middle - moved / 2, middle + moved / 2

    def _fine_positions(self, coarse: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        first, second = (cv2.add(self.pixels, self._upscaled(one - self._grid)) for one in coarse)
        return first, second

    def _half_way_positions(self, way: np.float32, field: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Solve q + way * field(q) = p for q by Newton's method, at every point p of the grid."""
        middle = self._grid - way * self._look_up(field, self._grid)
        for _ in range(NEWTON_STEPS):
            missing = self._grid - middle - way * self._look_up(field, middle)
            slope = way * self._look_up(gradient, middle)
            middle = middle + _solve(slope, missing)
        return middle

    def _coarse_grid(self, width_px: int, height_px: int) -> np.ndarray:
        """Middles of blocks of `step_px` pixels in either direction."""
        n_columns, n_rows = (-(-size // int(self._step_px)) for size in (width_px, height_px))
        return pixel_grid(n_columns, n_rows) * self._step_px + (self._step_px - 1) / 2

    def _look_up(self, values: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Look up what is known at the middles of the frame's blocks, at any positions."""
        return sample(values, (positions - (self._step_px - 1) / 2) / self._step_px)

    def _upscaled(self, values: np.ndarray) -> np.ndarray:
        """Interpolate what is known at the middles of the box's blocks, for each of its pixels."""
        height_px, width_px = self.pixels.shape[:2]
        step_px = int(self._step_px)
        return cv2.resize(values, None, fx=step_px, fy=step_px)[:height_px, :width_px]


def _sharpness(positions: np.ndarray, step_px: float) -> np.ndarray:
    """How little a photograph is stretched, from its area in the photograph per area of the frame."""
    xx, xy, yx, yy = np.moveaxis(field_gradient(positions) / np.float32(step_px), -1, 0)
    area = cv2.GaussianBlur(xx * yy - xy * yx, (0, 0), STRETCH_SMOOTHING_PX / step_px)
    return np.clip(area * np.float32(HARMLESS_STRETCH), np.float32(0.02), np.float32(1)) ** 2


def sample(values: np.ndarray, positions: np.ndarray, *, method: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Look up an image or a field between its pixels; its edge pixels continue outside of it.

    Parameters
    ----------
    values
        Shape ``(h, w)`` or ``(h, w, n_channels)``.
    positions
        Where to look, shape ``(height_px, width_px, 2)``, float32; x, y.
    method
        OpenCV's interpolation, such as ``cv2.INTER_CUBIC``.
    """
    single_map: Any = None
    return cv2.remap(values, positions, single_map, method, borderMode=cv2.BORDER_REPLICATE)


def field_gradient(field: np.ndarray) -> np.ndarray:
    """Return dvx/dx, dvx/dy, dvy/dx and dvy/dy of a field per grid step, shape ``(h, w, 4)``, float32."""
    along_y = [np.gradient(field[..., axis], axis=0) for axis in (0, 1)]
    along_x = [np.gradient(field[..., axis], axis=1) for axis in (0, 1)]
    return np.stack([along_x[0], along_y[0], along_x[1], along_y[1]], axis=-1).astype(np.float32)


def fold_map(field: np.ndarray, *, margin: float = 0.0) -> np.ndarray:
    """Return where the warp folds over, or nearly so, at one of its ends.

    Parameters
    ----------
    field
        Displacement on the half-way shape, shape ``(height_px, width_px, 2)``; x, y in pixels.
    margin
        Area that a pixel must keep, in pixels; 0 counts only what has none left.

    Returns
    -------
    numpy.ndarray
        Boolean, shape ``(height_px, width_px)``.

    Examples
    --------
    >>> squeeze = np.zeros((5, 9, 2), np.float32)
    >>> squeeze[..., 0] = -3 * np.arange(9)
    >>> bool(fold_map(squeeze).all()), bool(fold_map(squeeze / 9).any())
    (True, False)
    """
    gradient = field_gradient(field)
    folded = np.zeros(field.shape[:2], bool)
    for way in (-0.5, 0.5):
        xx, xy, yx, yy = np.moveaxis(way * gradient, -1, 0)
        folded |= (1 + xx) * (1 + yy) - xy * yx <= margin
    return folded


def pixel_grid(width_px: int, height_px: int) -> np.ndarray:
    """Return the x, y of each pixel, shape ``(height_px, width_px, 2)``, float32."""
    x, y = np.meshgrid(np.arange(width_px, dtype=np.float32), np.arange(height_px, dtype=np.float32))
    return np.stack([x, y], axis=-1)


def _solve(slope: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Solve (1 + slope) step = missing in each pixel; keep the step short where that is nearly singular."""
    xx, xy, yx, yy = np.moveaxis(slope, -1, 0)
    determinant = np.maximum((1 + xx) * (1 + yy) - xy * yx, np.float32(0.25))
    step_x = ((1 + yy) * missing[..., 0] - xy * missing[..., 1]) / determinant
    step_y = ((1 + xx) * missing[..., 1] - yx * missing[..., 0]) / determinant
    return np.stack([step_x, step_y], axis=-1)


def _surroundings(
    middle: np.ndarray, displacement: np.ndarray, width_px: int, height_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points around the face and their displacements: decaying rings, and the frame's edge, which rests."""
    hull = cv2.convexHull(middle.astype(np.float32), returnPoints=False).ravel()
    centre = middle[hull].mean(axis=0)
    rings = np.concatenate([centre + (middle[hull] - centre) * size for size, _ in RINGS])
    remains = np.concatenate([displacement[hull] * part for _, part in RINGS])
    inside = ((rings > 0) & (rings < (width_px - 1, height_px - 1))).all(axis=1)
    x, y = np.meshgrid(np.linspace(0, width_px - 1, 7), np.linspace(0, height_px - 1, 9))
    on_edge = (x == 0) | (x == width_px - 1) | (y == 0) | (y == height_px - 1)
    edge = np.column_stack([x[on_edge], y[on_edge]])
    points = np.concatenate([rings[inside], edge])
    return points, np.concatenate([remains[inside], np.zeros((len(edge), 2))])


def _piecewise_linear(
    points: np.ndarray, values: np.ndarray, triangles: np.ndarray, width_px: int, height_px: int
) -> np.ndarray:
    """Interpolate values linearly in each triangle, at every pixel."""
    corners, targets = points[triangles], values[triangles]
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=2)
    rises = np.stack([targets[:, 1] - targets[:, 0], targets[:, 2] - targets[:, 0]], axis=2)
    slopes = rises @ np.linalg.pinv(edges)
    offsets = targets[:, 0] - np.einsum("nij,nj->ni", slopes, corners[:, 0])
    labels = np.zeros((height_px, width_px), np.int32)
    for label, corner in enumerate(np.round(corners * 16).astype(np.int32)):
        cv2.fillConvexPoly(labels, corner, label, shift=4)
    slope, offset = slopes.astype(np.float32)[labels], offsets.astype(np.float32)[labels]
    return np.einsum("hwij,hwj->hwi", slope, pixel_grid(width_px, height_px)) + offset
