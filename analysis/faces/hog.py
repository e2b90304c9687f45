"""Histogram of oriented gradients (HOG) of video frames: the descriptor of a face.

The values are those of ``skimage.feature.hog`` with blocks of one cell; for 8 orientations they
come about 30 times as fast.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from analysis.faces.hog_kernel import (
    ORIENTATIONS,
    add_in_order,
    exact_histograms,
    float32_histograms,
    remember_ties,
)
from analysis.faces.masks import MaskedCells

BlockNorm = Literal["L1", "L1-sqrt", "L2", "L2-Hys"]
"""Normalisation of a cell's histogram, named as in scikit-image."""

_EPSILON = 1e-5
_CLIP = 0.2
_KNOWN_TIES = 8192  # a power of two


class PrecisionReport(NamedTuple):
    """How the float32 descriptors differ from the exact ones."""

    n_frames: int
    """Frames compared."""
    n_components: int
    """Components compared: frames times features."""
    n_different: int
    """Components that differ by more than 1e-5."""
    greatest: float
    """Greatest absolute difference."""

    @property
    def share_different(self) -> float:
        """Share of the components that differ by more than 1e-5."""
        return self.n_different / self.n_components if self.n_components else 0.0


def describe_frames(
    frames: np.ndarray,
    *,
    orientations: int = 8,
    cell_px: int = 32,
    block_norm: BlockNorm = "L2-Hys",
    square_root: bool = True,
    mask: np.ndarray | None = None,
    masked_cells: MaskedCells = "any",
    exact: bool = True,
    dtype: type[np.float32] | type[np.float64] = np.float32,
) -> np.ndarray:
    """Return the HOG descriptor of each frame, with the values of scikit-image.

    Parameters
    ----------
    frames
        Grey frames of shape ``(n_frames, height_px, width_px)``, or one frame ``(height_px, width_px)``;
        any integer or floating type. Pixels beyond the last whole cell count only as neighbours.
    orientations
        Number of bins between 0 and 180 degrees. 8 is fast; any other number takes the time of numpy.
    cell_px
        Side of a square cell in pixels, at least 2.
    block_norm
        Normalisation of each cell's histogram. ``L2-Hys`` divides by the length, clips at 0.2 and divides
        again; with one cell per block it clips much (see `clipped_share`).
    square_root
        Whether the square root of the pixels is taken first, which lessens the effect of lighting.
    mask
        Pixels that count, boolean, shape ``(height_px, width_px)``; None: all. Cells with masked pixels are
        left out of the descriptor; the pixels of the cells that stay are not changed, so the descriptor is
        scikit-image's without those cells.
    masked_cells
        When a cell is left out: if ``any`` pixel of it is masked, or ``most`` of them (more than half).
    exact
        False computes in float32 throughout (only with 8 orientations): about twice as fast, equal within
        1e-6 except where a gradient points exactly at the border of two bins. Dark frames have many such:
        see `compare_precision`.
    dtype
        Type of the result; float64 is bit for bit what scikit-image returns (on Linux).

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames, n_features)``: the kept cells row by row, the orientations of each together.

    Raises
    ------
    ValueError
        If the frames have another number of dimensions, are smaller than a cell, hold negative or
        non-finite values, or if the mask has another size or leaves no cell.

    Notes
    -----
    Source of the method: Dalal and Triggs (2005); of its parameters for mouse faces: Dolensek et al. (2020),
    8 orientations, cells of 32 pixels, blocks of 1 cell, square-root compression. Frames of 8 or 16 bits are
    not scaled to 1 first, nor does scikit-image scale them.

    Magnitudes are the square root of a sum, where scikit-image calls ``hypot``; where these differ in the
    16th digit, a float32 sum may, about once in some hundred thousand frames, round to its neighbour (6e-8).

    Examples
    --------
    >>> frames = np.tile(np.arange(64, dtype=np.uint8), (3, 64, 1))
    >>> describe_frames(frames).shape
    (3, 32)
    """
    stack = _stacked(frames)
    describer = FrameDescriber(
        stack.shape[1:],
        stack.dtype,
        orientations=orientations,
        cell_px=cell_px,
        block_norm=block_norm,
        square_root=square_root,
        mask=mask,
        masked_cells=masked_cells,
        exact=exact,
    )
    return describer.describe(stack, dtype=dtype)


class FrameDescriber:
    """The work space and settings for describing frames of one size and type; one per thread.

    For many calls with few frames, as in a stream; `describe_frames` does the same for one call, and has the
    parameters.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of the frames.
    dtype
        Type of their pixels.
    orientations, cell_px, block_norm, square_root, mask, masked_cells, exact
        As of `describe_frames`.

    Attributes
    ----------
    cells
        Which cells are kept, boolean, shape ``(n_cell_rows, n_cell_columns)``.
    n_features
        Length of a descriptor.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        *,
        orientations: int = 8,
        cell_px: int = 32,
        block_norm: BlockNorm = "L2-Hys",
        square_root: bool = True,
        mask: np.ndarray | None = None,
        masked_cells: MaskedCells = "any",
        exact: bool = True,
    ) -> None:
        check_parameters(shape, np.dtype(dtype), orientations, cell_px, block_norm)
        self.cells = hog_cells(shape, cell_px, mask, masked_cells=masked_cells)
        self.n_features = int(self.cells.sum()) * orientations
        self._block_norm = block_norm
        self._shape, self._dtype, self._square_root = tuple(shape), np.dtype(dtype), square_root
        self._work = _HogWork(self._shape, self._dtype, orientations, cell_px, square_root, exact)

    def describe(
        self, frames: np.ndarray, *, dtype: type[np.float32] | type[np.float64] = np.float32
    ) -> np.ndarray:
        """Return the descriptors, shape ``(n_frames, n_features)``.

        Parameters
        ----------
        frames
            Shape ``(n_frames, height_px, width_px)`` or ``(height_px, width_px)``, of the size and type that
            the describer was made for.
        dtype
            Type of the result.
        """
        stack = _stacked(frames)
        if stack.shape[1:] != self._shape or stack.dtype != self._dtype:
            raise ValueError(
                f"expected frames of shape {self._shape} and type {self._dtype}; "
                f"got {stack.shape[1:]} and {stack.dtype}"
            )
        _check_values(stack, square_root=self._square_root)
        kept = self.cells.ravel()
        histograms = np.stack([self._work.histograms(frame)[kept] for frame in stack]) if len(stack) else None
        if histograms is None:
            return np.empty((0, self.n_features), dtype)
        values = normalise_cells(
            histograms.reshape(-1, histograms.shape[-1]), self._block_norm, _value_type(self._dtype)
        )
        return values.reshape(len(stack), self.n_features).astype(dtype, copy=False)


def hog_cells(
    shape: tuple[int, ...], cell_px: int, mask: np.ndarray | None = None, *, masked_cells: MaskedCells = "any"
) -> np.ndarray:
    """Return which cells of a frame belong to its descriptor, shape ``(n_cell_rows, n_cell_columns)``.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of a frame.
    cell_px
        Side of a cell in pixels.
    mask
        Pixels that count, boolean, of that shape; None: all.
    masked_cells
        When a cell is left out: if ``any`` or ``most`` of its pixels are masked.

    Raises
    ------
    ValueError
        If the mask has another shape, is not boolean, or leaves no cell.

    Examples
    --------
    >>> mask = np.ones((64, 100), bool)
    >>> mask[:10, :10] = False
    >>> hog_cells((64, 100), 32, mask)
    array([[False,  True,  True],
           [ True,  True,  True]])
    """
    n_rows, n_columns = shape[0] // cell_px, shape[1] // cell_px
    if mask is None:
        return np.ones((n_rows, n_columns), bool)
    if mask.dtype != bool or mask.shape != tuple(shape):
        raise ValueError(
            f"the mask must be boolean with the size of the frames, {tuple(shape)}; "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    if masked_cells not in get_args(MaskedCells):
        raise ValueError(f"masked_cells is 'any' or 'most', got {masked_cells!r}")
    cells = mask[: n_rows * cell_px, : n_columns * cell_px].reshape(n_rows, cell_px, n_columns, cell_px)
    share = cells.mean(axis=(1, 3))
    kept = share == 1 if masked_cells == "any" else share >= 0.5
    if not kept.any():
        raise ValueError(f"the mask leaves no cell of {cell_px} x {cell_px} px; draw a larger face")
    return kept


def compare_precision(frames: np.ndarray, **parameters: Any) -> PrecisionReport:
    """Count how often the float32 descriptors of these frames differ from the exact ones by more than 1e-5.

    Parameters
    ----------
    frames
        Frames as of `describe_frames`; some hundred of one's own video give a fair rate.
    **parameters
        Further arguments of `describe_frames`.
    """
    exact = describe_frames(frames, **{**parameters, "exact": True, "dtype": np.float64})
    fast = describe_frames(frames, **{**parameters, "exact": False, "dtype": np.float64})
    difference = np.abs(exact - fast)
    greatest = float(difference.max(initial=0.0))
    return PrecisionReport(len(exact), difference.size, int((difference > 1e-5).sum()), greatest)


def clipped_share(descriptors: np.ndarray, *, orientations: int = 8) -> float:
    """Return the share of the components of non-empty cells that ``L2-Hys`` clipped at 0.2.

    With one cell per block the greatest component of a histogram of up to 24 bins is always above 0.2, so all
    components that equal the greatest of their cell were clipped. A high share (half and more is usual) says
    that the descriptors tell little of how strong the edges are; ``L2`` keeps that.

    Parameters
    ----------
    descriptors
        Shape ``(n_frames, n_features)``, of ``block_norm="L2-Hys"``; rows with NaN are not counted.
    orientations
        Bins per cell, at most 24.
    """
    if not 1 <= orientations <= 24:
        raise ValueError(f"what was clipped can be told for 1 to 24 orientations, got {orientations}")
    cells = np.asarray(descriptors).reshape(-1, orientations)
    greatest = cells.max(axis=1, keepdims=True)
    lit = (greatest > 0).ravel()
    return float((cells[lit] == greatest[lit]).mean()) if lit.any() else 0.0


def normalise_cells(
    histograms: np.ndarray, block_norm: BlockNorm, dtype: np.dtype | type = np.float64
) -> np.ndarray:
    """Normalise each cell's histogram by itself, as scikit-image normalises a block of one cell.

    Parameters
    ----------
    histograms
        Shape ``(n_cells, orientations)``, float64.
    block_norm
        Kind of normalisation.
    dtype
        Type of the result.

    Examples
    --------
    >>> normalise_cells(np.array([[3.0, 4.0]]), "L2").round(3)
    array([[0.6, 0.8]])
    """
    if block_norm in ("L1", "L1-sqrt"):
        out = histograms / (np.abs(histograms).sum(axis=1, keepdims=True) + _EPSILON)
        return (np.sqrt(out) if block_norm == "L1-sqrt" else out).astype(dtype)
    out = _divide_by_length(histograms)
    if block_norm == "L2-Hys":
        out = _divide_by_length(np.minimum(out, _CLIP))
    return out.astype(dtype)


def _divide_by_length(histograms: np.ndarray) -> np.ndarray:
    return histograms / np.sqrt((histograms**2).sum(axis=1, keepdims=True) + _EPSILON**2)


class _HogWork:
    """Histograms of frames of one size, and the arrays that this takes."""

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        orientations: int,
        cell_px: int,
        square_root: bool,
        exact: bool,
    ) -> None:
        height, width = shape
        self._cell_px, self._square_root, self._exact = cell_px, square_root, exact
        self._fast = orientations == ORIENTATIONS
        self._histograms = np.zeros((height // cell_px, width // cell_px, orientations))
        rows_type = _value_type(dtype) if exact else np.float32
        self._rows = np.empty((cell_px + 2, width + 2), rows_type)
        n_ties = height * width if exact and self._fast else 0
        self._known = np.full((_KNOWN_TIES, 2), np.nan), np.zeros(_KNOWN_TIES, np.int32)
        self._new_yx, self._new_bins = np.empty((n_ties, 2)), np.empty(n_ties, np.int32)
        self._starts = np.zeros(height // cell_px + 1, np.int64)

    def histograms(self, frame: np.ndarray) -> np.ndarray:
        """Return the mean magnitude per orientation in each cell, valid until the next call.

        Shape ``(n_cells, orientations)``, float64.
        """
        if not self._fast:
            _general_histograms(frame, self._square_root, self._cell_px, self._histograms)
        elif self._exact:
            self._run(frame, 0, len(self._histograms), replay=False)
            self._settle_ties(frame)
        else:
            float32_histograms(frame, self._square_root, self._cell_px, self._rows, self._histograms)
        return self._histograms.reshape(-1, self._histograms.shape[2])

    def _run(self, frame: np.ndarray, first: int, stop: int, *, replay: bool) -> None:
        ties = (*self._known, self._new_yx, self._new_bins, self._starts)
        exact_histograms(
            *(frame, self._square_root, self._cell_px, first, stop, self._rows),
            *(ties, replay, self._histograms),
        )

    def _settle_ties(self, frame: np.ndarray) -> None:
        """Ask numpy for the new ties, as scikit-image does; do over the rows of cells where it disagrees."""
        n_new = int(self._starts[-1])
        if n_new == 0:
            return
        yx, guessed = self._new_yx[:n_new], self._new_bins[:n_new]
        bins = _orientation_bins(yx[:, 0], yx[:, 1], ORIENTATIONS)
        wrong = np.flatnonzero(bins != guessed)
        guessed[:] = bins
        for row in np.unique(np.searchsorted(self._starts, wrong, side="right") - 1):
            self._run(frame, int(row), int(row) + 1, replay=True)
        remember_ties(yx, guessed, *self._known)


def _general_histograms(frame: np.ndarray, square_root: bool, cell_px: int, histograms: np.ndarray) -> None:
    """Histograms of any number of orientations; the operations of scikit-image in numpy."""
    values: np.ndarray[Any, Any] = frame.astype(_value_type(frame.dtype), copy=False)
    if square_root:
        values = np.sqrt(values)
    down, right = np.zeros_like(values), np.zeros_like(values)
    down[1:-1] = values[2:] - values[:-2]
    right[:, 1:-1] = values[:, 2:] - values[:, :-2]
    y, x = down.astype(np.float64, copy=False), right.astype(np.float64, copy=False)
    add_in_order(np.hypot(x, y), _orientation_bins(y, x, histograms.shape[2]), cell_px, histograms)


def _orientation_bins(y: np.ndarray, x: np.ndarray, orientations: int) -> np.ndarray:
    """Bin of each gradient, with the borders of the bins as scikit-image computes them."""
    angle = np.rad2deg(np.arctan2(y, x)) % 180
    borders = 180.0 / orientations * np.arange(orientations + 1)
    return np.searchsorted(borders, angle, side="right") - 1


def _value_type(dtype: np.dtype) -> type[np.float32] | type[np.float64]:
    """Precision in which scikit-image takes roots and gradients of such a picture."""
    return np.float32 if dtype in (np.float16, np.float32) else np.float64


def _stacked(frames: np.ndarray) -> np.ndarray:
    """The frames as a stack, in the machine's byte order; half precision becomes single."""
    stack = np.asarray(frames)
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3:
        raise ValueError(
            f"expected grey frames (n_frames, height_px, width_px) or one (height_px, width_px); got shape "
            f"{np.shape(frames)}. Convert colour to grey first"
        )
    if stack.dtype == np.float16:
        return stack.astype(np.float32)
    return stack if stack.dtype.isnative else stack.astype(stack.dtype.newbyteorder("="))


def check_parameters(
    shape: tuple[int, ...], dtype: np.dtype, orientations: int, cell_px: int, block_norm: str
) -> None:
    """Raise ValueError, with what to do, unless frames of this shape and type can be described so."""
    if dtype.kind not in "uif":
        raise ValueError(f"expected integer or floating pixels, got {dtype}")
    if cell_px < 2 or min(shape) < cell_px:
        raise ValueError(
            f"a cell has at least 2 px and fits into the frame; got cells of {cell_px} px and frames of "
            f"{shape[1]} x {shape[0]} px"
        )
    if orientations < 1:
        raise ValueError(f"HOG needs at least one orientation, got {orientations}")
    if block_norm not in get_args(BlockNorm):
        raise ValueError(f"block_norm is one of {', '.join(get_args(BlockNorm))}; got {block_norm!r}")


def _check_values(stack: np.ndarray, *, square_root: bool) -> None:
    if stack.dtype.kind == "f" and not np.isfinite(stack).all():
        raise ValueError("frames hold NaN or infinite pixels; leave such frames out or fill them")
    if square_root and stack.dtype.kind != "u" and stack.size and stack.min() < 0:
        raise ValueError(
            "frames hold negative pixels, which have no square root; add an offset or set square_root=False"
        )
