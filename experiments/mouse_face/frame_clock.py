"""When each frame of a session's video was taken, on the session's clock, and how well that is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from experiments.dataset.frame_times import MOST_FRAMES, FrameTimes, align_host, align_lamp, align_pulses
from hardware.clock_fit import ClockFit

HOW_TO_ALLOW = "To write the session all the same: recover it with --allow-misaligned"


def first_frames(frames: pd.DataFrame, n_frames: int) -> pd.DataFrame:
    """Return the rows up to the last of the first `n_frames` frames that are in the video."""
    shown = np.flatnonzero((frames["status"] == "ok").to_numpy())
    return frames.iloc[: shown[n_frames - 1] + 1] if n_frames else frames.iloc[:0]


def frame_clock(
    frames: pd.DataFrame,
    pulses_s: np.ndarray,
    *,
    session_start_s: float,
    allow_misaligned: bool,
    most_frames: float = MOST_FRAMES,
    brightness: Callable[[int], np.ndarray] | None = None,
    flashes_s: Sequence[float] = (),
) -> FrameTimes:
    """Find the times of the frames of a video by the best that both clocks saw.

    Parameters
    ----------
    frames : pandas.DataFrame
        Rows of ``frames.tsv``, from `first_frames`.
    pulses_s : numpy.ndarray
        Exposures that the device saw, on the session's clock (s); empty if none is wired.
    session_start_s : float
        The host's clock at the session's start (s).
    allow_misaligned : bool
        Whether times that are known less well than to one frame are taken with a warning.
    most_frames : float
        Largest residual (frames).
    brightness, flashes_s
        Measures a lamp in view in the first frames, and when the device switched it on (s); used where there
        are no pulses.

    Raises
    ------
    ValueError
        If they are known less well, and that is not allowed.
    """
    start_s, most, override = session_start_s, most_frames, allow_misaligned
    try:
        if len(pulses_s):
            return align_pulses(
                frames, pulses_s, session_start_s=start_s, most_frames=most, override=override
            )
        if brightness is not None and len(flashes_s):
            levels = brightness(int((frames["status"] == "ok").sum()))
            sent_s = np.asarray(flashes_s, float)
            return align_lamp(
                frames, levels, sent_s, session_start_s=start_s, most_frames=most, override=override
            )
        return align_host(frames, session_start_s=start_s, most_frames=most, override=override)
    except ValueError as error:
        if not allow_misaligned:
            raise ValueError(f"{error}. {HOW_TO_ALLOW}") from None
        times = align_host(frames, session_start_s=start_s, override=True)
        told = f"frames are placed by their arrival, as pulses or lamp cannot be used ({error})"
        return replace(times, warnings=(*times.warnings, told))


def on_session_clock(
    device: ClockFit | None, device_s: Sequence[float | None], host_s: Sequence[float], *, zero_s: float
) -> np.ndarray:
    """Return when things were on the session's clock: by the device's clock, or by their arrival (s)."""
    own = np.array([np.nan if value is None else value for value in device_s], float)
    heard = np.asarray(host_s, float)
    placed = device.to_host(own) if device is not None else np.full(len(own), np.nan)
    return np.where(np.isfinite(placed), placed, heard) - zero_s
