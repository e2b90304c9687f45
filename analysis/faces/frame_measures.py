"""A few numbers per video frame, measured in one pass: what the rules of `analysis.faces.frame_quality` need.

Frames come one after the other as ``(index, time_s, grey)``, as `analysis.faces.video_frames.VideoReader`
gives them; only the one before is kept. What remains of a frame are the mean grey of 9 x 12 tiles, its
difference from the frame before, and how far the whole picture has moved: 0.3 kB per frame, 10 MB for 20
minutes at 30 frames per second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import fft

TILE_ROWS, TILE_COLUMNS = 9, 12
"""Tiles of a frame. Our choice: a paw covers several of them, a whisker none."""
REFERENCE_FRAMES = 31
"""Frames at the beginning whose median is what the position of the others is measured against. Our choice."""
SHIFT_WIDTH_PX = 160
"""Width to which frames are reduced before their shift is measured, which is enough for a tenth of that
pixel."""
SHIFT_FINEST = 0.08
"""Width of the low-pass over the phases, in cycles per pixel of the reduced frame. Our choice: without it the
camera's noise has as much say as the face, and the place of most frames is not clear."""
_BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class FrameMeasures:
    """What was measured of each frame, in the order in which they came."""

    frame: np.ndarray
    """Number of the frame in the video, shape ``(n_frames,)``."""
    times_s: np.ndarray
    """Time of the frame on the clock of the video; NaN where it has none."""
    tiles: np.ndarray
    """Mean grey of each tile that the mask leaves, ``(n_frames, n_tiles)``, 0 black to 255 white, float16."""
    difference: np.ndarray
    """Mean absolute difference from the frame before, in grey levels of 255; NaN for the first."""
    identical: np.ndarray
    """Whether no pixel differs from the frame before."""
    shift_px: np.ndarray
    """Position ``(x, y)`` of the picture against the first frames, in pixels; right and down are positive."""
    shift_response: np.ndarray
    """How clear the position is: 1 for a moved copy, towards 0 where pictures have nothing in common."""

    def __len__(self) -> int:
        return len(self.frame)


class PhaseCorrelator:
    """Finds where a picture lies against a reference, by the phases of their Fourier transforms.

    Parameters
    ----------
    reference
        Grey picture, ``(height, width)``.
    finest
        Width of the Gaussian low-pass over the phases, in cycles per pixel.
    weight
        What each pixel counts, 0 to 1, of the same shape; None: all alike.

    Notes
    -----
    Phase correlation (Kuglin and Hines, 1975) with a Hann window and low-passed phases; a parabola through
    the peak and its neighbours gives parts of a pixel. A change of gain or of offset does not move the peak.

    Examples
    --------
    >>> picture = np.random.default_rng(0).normal(size=(90, 120)).cumsum(0).cumsum(1)
    >>> x, y, response = PhaseCorrelator(picture).place(np.roll(picture, (3, -2), (0, 1)))
    >>> round(x), round(y)
    (-2, 3)
    """

    def __init__(
        self, reference: np.ndarray, finest: float = SHIFT_FINEST, weight: np.ndarray | None = None
    ) -> None:
        height, width = reference.shape
        window = np.outer(np.hanning(height), np.hanning(width))
        self._window = (window if weight is None else window * weight).astype(np.float32)
        rows, columns = fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None, :]
        low_pass = np.exp(-(rows**2 + columns**2) / (2 * finest**2)).astype(np.float32)
        low_pass[0, 0] = 0
        twice = np.where((columns == 0) | (columns == 0.5), 1.0, 2.0)
        self._full = float((low_pass * twice).sum()) / (height * width)
        spectrum = np.conj(self._spectrum(reference))
        self._weighted = low_pass * spectrum / np.maximum(np.abs(spectrum), 1e-9)

    def place(self, picture: np.ndarray) -> tuple[float, float, float]:
        """Return ``x`` and ``y`` of a picture in pixels (right and down positive), and how clear they are."""
        spectrum = self._spectrum(picture)
        surface = fft.irfft2(self._weighted * spectrum / np.maximum(np.abs(spectrum), 1e-9), s=picture.shape)
        row, column = divmod(int(surface.argmax()), surface.shape[1])
        y = _signed(row + _vertex(surface[:, column], row), surface.shape[0])
        x = _signed(column + _vertex(surface[row], column), surface.shape[1])
        return x, y, float(surface[row, column]) / self._full

    def _spectrum(self, picture: np.ndarray) -> np.ndarray:
        middle = (picture * self._window).sum() / self._window.sum()
        return fft.rfft2((picture - middle) * self._window)


class FrameMeter:
    """Measures frames as they pass.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of the frames.
    mask
        Boolean of that shape, which pixels are the face; None: all. The shift is measured on the whole frame,
        because what stands still around the face tells a moved camera from a moving animal.
    full_scale
        Value of white; None: 255, for frames of 8 bits only.

    Raises
    ------
    ValueError
        If the mask has another shape or leaves no tile.

    Examples
    --------
    >>> meter = FrameMeter((90, 120))
    >>> for index in range(3):
    ...     meter.add(index, index / 30, np.full((90, 120), 100 + index, np.uint8))
    >>> meter.result().difference
    array([nan,  1.,  1.], dtype=float32)
    """

    def __init__(
        self, shape: tuple[int, int], *, mask: np.ndarray | None = None, full_scale: float | None = None
    ) -> None:
        self.shape = (int(shape[0]), int(shape[1]))
        self._full_scale = full_scale
        self._mask = None if mask is None else _checked_mask(mask, self.shape).astype(np.uint8)
        self._reduction = max(1.0, self.shape[1] / SHIFT_WIDTH_PX)
        self._small_size = (
            max(TILE_COLUMNS, round(self.shape[1] / self._reduction)),
            max(TILE_ROWS, round(self.shape[0] / self._reduction)),
        )
        self._weight = self._small_weight()
        tile_weight = _tiled(self._weight)
        self.kept_tiles = tile_weight >= 0.5
        """Which tiles count, boolean ``(9, 12)``: those of which the mask leaves at least half."""
        if not self.kept_tiles.any():
            raise ValueError("the mask leaves no tile of the frame by half or more; draw a larger face mask")
        self._tile_weight = np.where(self.kept_tiles, tile_weight, 1.0)
        self._before: np.ndarray | None = None
        self._reference: PhaseCorrelator | None = None
        self._waiting: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []
        self._tiles: list[np.ndarray] = []
        self._shifts: list[tuple[float, float, float]] = []
        self._count = 0

    def add(self, index: int, time_s: float, frame: np.ndarray) -> None:
        """Measure the next frame, grey, ``(height_px, width_px)``.

        Raises
        ------
        ValueError
            If the frame has another shape than the first, or its white is not known.
        """
        scale = 255.0 / self._white(frame)
        small = cv2.resize(frame.astype(np.float32), self._small_size, interpolation=cv2.INTER_AREA) * scale
        tiles = _tiled(small * self._weight) / self._tile_weight
        difference, identical = np.nan, False
        if self._before is not None:
            difference = float(cv2.mean(cv2.absdiff(frame, self._before), mask=self._mask)[0]) * scale
            identical = difference == 0 and np.array_equal(frame, self._before)
        self._before = frame.copy()
        self._store(index, time_s, difference, identical, tiles[self.kept_tiles])
        self._measure_shift(small)

    def result(self) -> FrameMeasures:
        """Return what was measured so far.

        Raises
        ------
        ValueError
            If there was no frame.
        """
        if not self._count:
            raise ValueError("there is no frame to judge; the video is empty")
        self._settle_reference()
        numbers = np.concatenate(self._numbers)[: self._count]
        shifts = np.array(self._shifts, np.float32)
        return FrameMeasures(
            frame=numbers[:, 0].astype(np.int64),
            times_s=numbers[:, 1],
            tiles=np.concatenate(self._tiles)[: self._count],
            difference=numbers[:, 2].astype(np.float32),
            identical=numbers[:, 3] > 0,
            shift_px=shifts[:, :2],
            shift_response=shifts[:, 2],
        )

    def _white(self, frame: np.ndarray) -> float:
        if frame.shape != self.shape:
            raise ValueError(
                f"frame of {frame.shape} px after frames of {self.shape} px; all frames of a video must have "
                "one size (height, width) and be grey"
            )
        if self._full_scale is None and frame.dtype != np.uint8:
            raise ValueError(
                f"frames of type {frame.dtype}: say with full_scale which value is white (4095 for 12 bits)"
            )
        return self._full_scale or 255.0

    def _small_weight(self) -> np.ndarray:
        """Which pixels of the reduced frame lie wholly within the mask, as 0 and 1."""
        if self._mask is None:
            return np.ones(self._small_size[::-1], np.float32)
        share = cv2.resize(self._mask.astype(np.float32), self._small_size, interpolation=cv2.INTER_AREA)
        return (share > 0.999).astype(np.float32)

    def _store(
        self, index: int, time_s: float, difference: float, identical: bool, tiles: np.ndarray
    ) -> None:
        row = self._count % _BLOCK
        if row == 0:
            self._numbers.append(np.empty((_BLOCK, 4)))
            self._tiles.append(np.empty((_BLOCK, len(tiles)), np.float16))
        self._numbers[-1][row] = index, time_s, difference, identical
        self._tiles[-1][row] = tiles
        self._count += 1

    def _measure_shift(self, small: np.ndarray) -> None:
        if self._reference is None:
            self._waiting.append(small)
            if len(self._waiting) == REFERENCE_FRAMES:
                self._settle_reference()
            return
        x, y, response = self._reference.place(small)
        self._shifts.append((x * self._reduction, y * self._reduction, response))

    def _settle_reference(self) -> None:
        """Take the median of the frames that wait as the reference, and measure them against it."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._reference is None:
            self._reference = PhaseCorrelator(np.median(waiting, axis=0))
        for small in waiting:
            self._measure_shift(small)


def measure_frames(
    frames: Iterable[tuple[int, float, np.ndarray]],
    *,
    mask: np.ndarray | None = None,
    full_scale: float | None = None,
) -> FrameMeasures:
    """Measure all frames of a video in one pass.

    Parameters
    ----------
    frames
        ``(index, time_s, grey)`` as they come.
    mask
        Which pixels are the face, boolean ``(height_px, width_px)``; None: all.
    full_scale
        Value of white; None: 255, for frames of 8 bits only.

    Raises
    ------
    ValueError
        If there is no frame, sizes differ, or the mask does not fit.
    """
    meter: FrameMeter | None = None
    for index, time_s, frame in frames:
        if meter is None:
            meter = FrameMeter(frame.shape, mask=mask, full_scale=full_scale)
        meter.add(index, time_s, frame)
    if meter is None:
        raise ValueError("there is no frame to judge; the video is empty")
    return meter.result()


def _vertex(values: np.ndarray, peak: int) -> float:
    """Where between its neighbours the top of a parabola through them lies, -0.5 to 0.5."""
    left, top, right = values[peak - 1], values[peak], values[(peak + 1) % len(values)]
    bend = left - 2 * top + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0


def _signed(place: float, length: int) -> float:
    return place - length if place > length / 2 else place


def _tiled(small: np.ndarray) -> np.ndarray:
    return cv2.resize(small, (TILE_COLUMNS, TILE_ROWS), interpolation=cv2.INTER_AREA)


def _checked_mask(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if mask.shape != shape:
        raise ValueError(f"the mask has {mask.shape} px, the frames {shape} px (height, width)")
    return mask.astype(bool)
