"""The inner loops of the histogram of oriented gradients, for 8 orientations: exact, and fast in float32.

A pixel's orientation is found without an arc tangent: its gradient is mirrored into one quadrant and compared
with the lines at 22.5, 45 and 67.5 degrees. Only a gradient within rounding of such a line needs the arc
tangent, and its last bit decides; such ties are written down here and settled by the caller with numpy's own.

The exact kernel keeps the order and the precision of every addition of scikit-image: gradients in the
precision of the picture, magnitudes in float64, sums in float32, pixels row by row within a cell.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.faces.compiled import compiled

ORIENTATIONS = 8
"""Number of orientation bins that these kernels are made for."""

TIE = 8
"""Provisional bin of a pixel whose orientation the comparisons cannot decide."""

_TAN_22_5 = math.sqrt(2.0) - 1.0
_TIE_WIDTH = 1e-13  # relative; rounding of the comparisons is below 1e-15
_DEGREES = 180.0 / math.pi
NO_PLACE = -(1 << 40)
"""What the search in the table of ties says when all the places that a tie may take are taken."""
_PLACES_TRIED = 8
_SUMS_IN_ANY_ORDER = {"contract", "nsz", "nnan", "ninf", "reassoc"}


@compiled()
def _read_row(pixels: np.ndarray, row: np.ndarray, square_root: bool) -> None:
    """One row of pixels, compressed, with a border that makes the gradient of the outer columns zero."""
    width = pixels.size
    inner = row[1 : width + 1]
    if square_root:
        for column in range(width):
            inner[column] = np.sqrt(row.dtype.type(pixels[column]))
    else:
        for column in range(width):
            inner[column] = pixels[column]
    row[0] = row[2]
    row[width + 1] = row[width - 1]


@compiled()
def _gradients_of_row(
    above: np.ndarray, row: np.ndarray, below: np.ndarray, magnitudes: np.ndarray, bins: np.ndarray
) -> np.int32:
    """Magnitude and bin of each pixel of a row; returns the number of ties.

    Gradients between 90 and 180 degrees are mirrored at 90 degrees; the lower border belongs to a bin.
    """
    n = magnitudes.size
    up, low, left, ahead = above[1 : n + 1], below[1 : n + 1], row[:n], row[2 : n + 2]
    ties = np.int32(0)
    for column in range(n):
        down = np.float64(low[column] - up[column])
        right = np.float64(ahead[column] - left[column])
        magnitudes[column] = math.sqrt(right * right + down * down)
        y, x = abs(down), abs(right)
        from_22_5, from_45, from_67_5 = y - _TAN_22_5 * x, y - x, _TAN_22_5 * y - x
        passed = np.uint32(from_22_5 > 0) + np.uint32(from_45 >= 0) + np.uint32(from_67_5 > 0)
        mirrored = np.uint32(7) - passed + np.uint32(from_45 == 0)
        found = passed if (down * right > 0.0) | (down == 0.0) else mirrored
        width = _TIE_WIDTH * (x + y)
        tie = (min(abs(from_22_5), abs(from_67_5)) < width) | ((abs(from_45) < width) & (from_45 != 0))
        bins[column] = np.uint32(TIE) if tie else found
        ties += np.int32(tie)
    return ties


@compiled()
def _place_of_tie(down: float, right: float, known_yx: np.ndarray) -> int:
    """Where this gradient stands in the table of known ties: its place, -1 - the free one, or `NO_PLACE`."""
    places = known_yx.shape[0]
    place = np.int64(down * 612361.7 + right * 7368787.3) & np.int64(places - 1)
    for step in range(_PLACES_TRIED):
        here = (place + step) & (places - 1)
        if known_yx[here, 0] == down and known_yx[here, 1] == right:
            return here
        if known_yx[here, 0] != known_yx[here, 0]:  # NaN: nobody is here
            return -1 - here
    return NO_PLACE


@compiled()
def _bins_of_ties(
    above: np.ndarray,
    row: np.ndarray,
    below: np.ndarray,
    bins: np.ndarray,
    ties: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tie: int,
    replay: bool,
) -> int:
    """Give the ties of a row their bins; returns the number of new ties so far. See `exact_histograms`."""
    known_yx, known, new_yx, new_bins, _ = ties
    for i in range(bins.size):
        if bins[i] != TIE:
            continue
        down = np.float64(below[i + 1] - above[i + 1])
        right = np.float64(row[i + 2] - row[i])
        place = _place_of_tie(down, right, known_yx)
        if place >= 0:
            bins[i] = known[place]
            continue
        if not replay:
            new_yx[tie, 0] = down
            new_yx[tie, 1] = right
            new_bins[tie] = np.int32(((math.atan2(down, right) * _DEGREES) % 180.0) / 22.5)
        bins[i] = new_bins[tie]
        tie += 1
    return tie


@compiled()
def _add_row(magnitudes: np.ndarray, bins: np.ndarray, sums: np.ndarray, cell_px: int) -> None:
    """Add a row's magnitudes to the float32 sums of its cells.

    The first pixels of all cells come first, then the second ones: sums of one cell must wait for each other,
    those of different cells need not.
    """
    for i in range(cell_px):
        for cell in range(sums.shape[0]):
            pixel = cell * cell_px + i
            k = bins[pixel]
            sums[cell, k] = np.float32(np.float64(sums[cell, k]) + magnitudes[pixel])


@compiled()
def remember_ties(ties_yx: np.ndarray, bins: np.ndarray, known_yx: np.ndarray, known: np.ndarray) -> None:
    """Put settled ties into the table, where there is place."""
    for tie in range(bins.size):
        place = _place_of_tie(ties_yx[tie, 0], ties_yx[tie, 1], known_yx)
        if NO_PLACE < place < 0:
            known_yx[-1 - place] = ties_yx[tie]
            known[-1 - place] = bins[tie]


@compiled()
def exact_histograms(
    image: np.ndarray,
    square_root: bool,
    cell_px: int,
    first: int,
    stop: int,
    rows: np.ndarray,
    ties: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    replay: bool,
    histograms: np.ndarray,
) -> None:
    """Histograms of the rows of cells from ``first`` to before ``stop``.

    Parameters
    ----------
    image
        Grey picture, shape ``(height, width)``, any integer type, float32 or float64.
    square_root
        Whether the square root of the pixels is taken first.
    cell_px
        Side of a cell, at least 2.
    first, stop
        Rows of cells.
    rows
        Work space, shape ``(cell_px + 2, width + 2)``, float32 if the image is float32, else float64.
    ties
        ``known_yx`` and ``known``: table of gradients whose bin is settled. ``new_yx`` and ``new_bins``: the
        ties that are not in it, in the order of reading, shape ``(height * width, 2)``, and their bins,
        int32. ``starts``: number of new ties before each row of cells, shape ``(n_cell_rows + 1,)``.
    replay
        False: new ties are written, with the bins that the C library's arc tangent gives. True: their bins
        are read, after the caller corrected them.
    histograms
        Result, shape ``(n_cell_rows, n_cell_columns, 8)``, float64: mean magnitude per pixel of the cell.
    """
    height, width = image.shape
    n_columns = width // cell_px
    magnitudes = np.empty(n_columns * cell_px, np.float64)
    bins = np.empty(n_columns * cell_px, np.uint32)
    sums = np.empty((n_columns, ORIENTATIONS), np.float32)
    starts = ties[4]
    for cell_row in range(first, stop):
        tie = starts[cell_row]
        sums[:] = 0
        top = cell_row * cell_px - 1
        for j in range(cell_px + 2):
            if cell_row > first and j < 2:
                rows[j] = rows[j + cell_px]
            elif 0 <= top + j < height:
                _read_row(image[top + j], rows[j], square_root)
        for j in range(1, cell_px + 1):
            edge = top + j == 0 or top + j == height - 1
            above = rows[j if edge else j - 1]
            below = rows[j if edge else j + 1]
            if _gradients_of_row(above, rows[j], below, magnitudes, bins):
                tie = _bins_of_ties(above, rows[j], below, bins, ties, tie, replay)
            _add_row(magnitudes, bins, sums, cell_px)
        if not replay:
            starts[cell_row + 1] = tie
        for column in range(n_columns):
            for k in range(ORIENTATIONS):
                histograms[cell_row, column, k] = sums[column, k] / np.float32(cell_px * cell_px)


@compiled()
def add_in_order(magnitudes: np.ndarray, bins: np.ndarray, cell_px: int, histograms: np.ndarray) -> None:
    """Histograms of given magnitudes and bins, summed as scikit-image does: float32, row by row in the cell.

    Parameters
    ----------
    magnitudes
        Shape ``(height, width)``, float64.
    bins
        Bin of each pixel, int64; a bin beyond the last of ``histograms`` is in none.
    cell_px
        Side of a cell.
    histograms
        Result, shape ``(n_cell_rows, n_cell_columns, orientations)``, float64.
    """
    n_rows, n_columns, orientations = histograms.shape
    sums = np.empty(orientations, np.float32)
    for cell_row in range(n_rows):
        for cell_column in range(n_columns):
            sums[:] = 0
            for i in range(cell_row * cell_px, (cell_row + 1) * cell_px):
                for j in range(cell_column * cell_px, (cell_column + 1) * cell_px):
                    k = bins[i, j]
                    if k < orientations:
                        sums[k] = np.float32(np.float64(sums[k]) + magnitudes[i, j])
            for k in range(orientations):
                histograms[cell_row, cell_column, k] = sums[k] / np.float32(cell_px * cell_px)


@compiled(fastmath=_SUMS_IN_ANY_ORDER)
def _read_row_float32(pixels: np.ndarray, row: np.ndarray, square_root: bool) -> None:
    width = pixels.size
    inner = row[1 : width + 1]
    if square_root:
        for column in range(width):
            inner[column] = np.sqrt(np.float32(pixels[column]))
    else:
        for column in range(width):
            inner[column] = np.float32(pixels[column])
    row[0] = row[2]
    row[width + 1] = row[width - 1]


@compiled(fastmath=_SUMS_IN_ANY_ORDER)
def _add_cell_float32(rows: np.ndarray, start: int, edges: tuple[int, int], lanes: np.ndarray) -> None:
    """Sums of each column of one cell; ``edges`` are its rows on the picture's edge, whose down is zero."""
    tangent = np.float32(_TAN_22_5)
    zero = np.float32(0)
    n = lanes.shape[1]
    lanes[:] = zero
    for j in range(1, rows.shape[0] - 1):
        above = rows[j if j in edges else j - 1, start + 1 : start + 1 + n]
        below = rows[j if j in edges else j + 1, start + 1 : start + 1 + n]
        left, ahead = rows[j, start : start + n], rows[j, start + 2 : start + 2 + n]
        for i in range(n):
            down = below[i] - above[i]
            right = ahead[i] - left[i]
            magnitude = np.sqrt(down * down + right * right)
            first_quadrant = (down * right > zero) | (down == zero)
            y = abs(down) if first_quadrant else abs(right)
            x = abs(right) if first_quadrant else abs(down)
            p0 = magnitude if first_quadrant else zero
            q0 = magnitude - p0
            p1 = p0 if y >= tangent * x else zero
            p2 = p0 if y >= x else zero
            p3 = p0 if tangent * y >= x else zero
            q1 = q0 if y >= tangent * x else zero
            q2 = q0 if y >= x else zero
            q3 = q0 if tangent * y >= x else zero
            lanes[0, i] += p0 - p1
            lanes[1, i] += p1 - p2
            lanes[2, i] += p2 - p3
            lanes[3, i] += p3
            lanes[4, i] += q0 - q1
            lanes[5, i] += q1 - q2
            lanes[6, i] += q2 - q3
            lanes[7, i] += q3


@compiled(fastmath=_SUMS_IN_ANY_ORDER)
def float32_histograms(
    image: np.ndarray, square_root: bool, cell_px: int, rows: np.ndarray, histograms: np.ndarray
) -> None:
    """Histograms in float32 throughout, ties undecided; about 1.5 to 3 times as fast as the exact ones.

    Parameters
    ----------
    image
        Grey picture, shape ``(height, width)``.
    square_root
        Whether the square root of the pixels is taken first.
    cell_px
        Side of a cell, at least 2.
    rows
        Work space, shape ``(cell_px + 2, width + 2)``, float32.
    histograms
        Result, shape ``(n_cell_rows, n_cell_columns, 8)``, float64.
    """
    height, width = image.shape
    lanes = np.empty((ORIENTATIONS, cell_px), np.float32)
    for cell_row in range(height // cell_px):
        top = cell_row * cell_px - 1
        for j in range(cell_px + 2):
            if cell_row > 0 and j < 2:
                rows[j] = rows[j + cell_px]
            elif 0 <= top + j < height:
                _read_row_float32(image[top + j], rows[j], square_root)
        edges = (1 if top == -1 else 0, height - 1 - top)
        for cell_column in range(width // cell_px):
            _add_cell_float32(rows, cell_column * cell_px, edges, lanes)
            for k in range(ORIENTATIONS):
                total = np.float32(0)
                for i in range(cell_px):
                    total += lanes[k, i]
                histograms[cell_row, cell_column, k] = total / np.float32(cell_px * cell_px)
