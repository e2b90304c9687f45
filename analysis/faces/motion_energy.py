"""How much a face moves from frame to frame, as a whole and by region, in one pass over the video.

Motion energy is the mean absolute difference of each pixel from the frame before, in grey levels (the measure
of Stringer et al., 2019, doi:10.1126/science.aav7893, as in facemap, without its decomposition). It holds the
camera's noise too: even a still face has some, which is the same in every frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from analysis.faces.masks import inside_outline

WHOLE = "face"
"""Name of the trace of all pixels that the mask leaves."""


@dataclass(frozen=True)
class MotionEnergy:
    """Motion energy of one video."""

    frame: np.ndarray
    """Number of each frame in the video, shape ``(n_frames,)``."""
    times_s: np.ndarray
    """Time of each frame on the clock of the video."""
    energy: pd.DataFrame
    """One column per region, ``face`` first, one row per frame: mean absolute difference from the frame
    before, in grey levels of 255. NaN in the first row, and where `without_gaps` found the frame before
    missing."""


class MotionMeter:
    """Measures the motion energy of frames as they pass; only the frame before is kept.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of the frames.
    mask
        Which pixels are the face, boolean of that shape; None: all.
    regions
        Boolean arrays of that shape by name, such as `outlined_regions` makes; they count where the mask
        does.
    full_scale
        Value of white; None: 255, for frames of 8 bits only.

    Raises
    ------
    ValueError
        If a mask has another shape or leaves no pixel, or a region is called ``face``.

    Examples
    --------
    >>> meter = MotionMeter((2, 2), regions={"ear": np.array([[True, False], [False, False]])})
    >>> for index, ear in enumerate([0, 8, 8]):
    ...     meter.add(index, index / 30, np.array([[ear, 0], [0, 0]], np.uint8))
    >>> meter.result().energy
       face  ear
    0   NaN  NaN
    1   2.0  8.0
    2   0.0  0.0
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        mask: np.ndarray | None = None,
        regions: Mapping[str, np.ndarray] | None = None,
        full_scale: float | None = None,
    ) -> None:
        self.shape = (int(shape[0]), int(shape[1]))
        self._full_scale = full_scale
        self._masks = _checked_regions(self.shape, mask, regions or {})
        self._before: np.ndarray | None = None
        self._rows: list[tuple[float, ...]] = []

    def add(self, index: int, time_s: float, frame: np.ndarray) -> None:
        """Measure the next frame, grey, ``(height_px, width_px)``.

        Raises
        ------
        ValueError
            If the frame has another shape, or its white is not known.
        """
        if frame.shape != self.shape:
            raise ValueError(f"frame of {frame.shape} px after frames of {self.shape} px (height, width)")
        if self._full_scale is None and frame.dtype != np.uint8:
            raise ValueError(
                f"frames of type {frame.dtype}: say with full_scale which value is white (4095 for 12 bits)"
            )
        values = [np.nan] * len(self._masks)
        if self._before is not None:
            difference = cv2.absdiff(frame, self._before)
            scale = 255.0 / (self._full_scale or 255.0)
            values = [
                scale * cv2.mean(difference[box], mask=inside)[0] for box, inside in self._masks.values()
            ]
        self._rows.append((index, time_s, *values))
        self._before = frame.copy()

    def result(self) -> MotionEnergy:
        """Return what was measured so far.

        Raises
        ------
        ValueError
            If there was no frame.
        """
        if not self._rows:
            raise ValueError("there is no frame to measure motion in; the video is empty")
        table = np.array(self._rows, float)
        energy = pd.DataFrame(table[:, 2:], columns=list(self._masks))
        return MotionEnergy(table[:, 0].astype(np.int64), table[:, 1], energy)


def motion_energy(
    frames: Iterable[tuple[int, float, np.ndarray]],
    *,
    mask: np.ndarray | None = None,
    regions: Mapping[str, np.ndarray] | None = None,
    full_scale: float | None = None,
) -> MotionEnergy:
    """Return the motion energy of a video, all regions in one pass.

    Parameters
    ----------
    frames
        ``(index, time_s, grey)`` as they come.
    mask, regions, full_scale
        As in `MotionMeter`.

    Raises
    ------
    ValueError
        If there is no frame, sizes differ, or a mask does not fit.
    """
    meter: MotionMeter | None = None
    for index, time_s, frame in frames:
        if meter is None:
            meter = MotionMeter(frame.shape, mask=mask, regions=regions, full_scale=full_scale)
        meter.add(index, time_s, frame)
    if meter is None:
        raise ValueError("there is no frame to measure motion in; the video is empty")
    return meter.result()


def outlined_regions(
    shape: tuple[int, int],
    outlines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    left_px: int = 0,
    top_px: int = 0,
) -> dict[str, np.ndarray]:
    """Return boolean masks of named outlines, such as ear, eye, whiskers, nose.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of the masks.
    outlines
        Corners ``(x_px, y_px)`` of each region, in pixels of the whole frame.
    left_px, top_px
        Where the masks begin in the whole frame, if frames are cropped.

    Raises
    ------
    ValueError
        If a region has no pixel in there.
    """
    regions = {name: inside_outline(shape, outline, left_px, top_px) for name, outline in outlines.items()}
    for name, region in regions.items():
        if not region.any():
            raise ValueError(f"the region {name!r} has no pixel within {shape[1]} x {shape[0]} px")
    return regions


def without_gaps(
    motion: MotionEnergy, *, valid: np.ndarray | None = None, gap_intervals: float = 1.5
) -> MotionEnergy:
    """Return the motion energy with NaN where a difference is not one between two good neighbouring frames.

    Parameters
    ----------
    motion
        As measured.
    valid
        Which frames may be used, boolean ``(n_frames,)``; a frame after an unusable one is lost as well,
        because its difference is one from that frame.
    gap_intervals
        Interval, in usual intervals, from which frames are missing in between.

    Raises
    ------
    ValueError
        If ``valid`` has another length.
    """
    count = len(motion.frame)
    good = np.ones(count, bool) if valid is None else np.asarray(valid, bool)
    if good.shape != (count,):
        raise ValueError(f"{good.size} verdicts for {count} frames; judge and measure the same video")
    steps = np.diff(motion.times_s, prepend=np.nan)
    rising = steps[steps > 0]
    usual = np.median(rising) if rising.size else np.inf
    kept = good & np.r_[False, good[:-1]] & (steps > 0) & (steps <= gap_intervals * usual)
    energy = motion.energy.copy()
    energy.loc[~kept] = np.nan
    return MotionEnergy(motion.frame, motion.times_s, energy)


def _checked_regions(
    shape: tuple[int, int], mask: np.ndarray | None, regions: Mapping[str, np.ndarray]
) -> dict[str, tuple[tuple[slice, slice], np.ndarray | None]]:
    """Return the rectangle around each region and its pixels therein, None where these are all."""
    if WHOLE in regions:
        raise ValueError(f"the name {WHOLE!r} is that of the whole face; give the region another one")
    whole = np.ones(shape, bool) if mask is None else np.asarray(mask, bool)
    checked: dict[str, tuple[tuple[slice, slice], np.ndarray | None]] = {}
    for name, region in {WHOLE: whole, **regions}.items():
        if np.shape(region) != shape:
            raise ValueError(f"the mask of {name!r} has {np.shape(region)} px, the frames {shape} px")
        inside = np.asarray(region, bool) & whole
        if not inside.any():
            raise ValueError(f"the mask of {name!r} leaves no pixel")
        rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        checked[name] = box, None if inside[box].all() else inside[box].astype(np.uint8)
    return checked
