"""The muscles' signals of a recording, in microvolts, and whether they can be what they are said to be."""

from __future__ import annotations

import numpy as np

from analysis.recordings.channel_map import ChannelMap, Muscle, find_muscles, resolve
from analysis.recordings.opened import OpenedRecording, microvolts_in

PLAUSIBLE_UV = {"raw": (0.5, 2000.0), "rectified": (0.3, 1000.0)}
"""Surface EMG of the face usually lies between these: the SD of a raw second, the mean of a rectified one."""


def read_muscles(
    opened: OpenedRecording, channel_map: ChannelMap
) -> tuple[dict[str, np.ndarray], dict[str, Muscle]]:
    """Read the muscles' signals in microvolts.

    Parameters
    ----------
    opened : OpenedRecording
        The recording.
    channel_map : ChannelMap
        Says which channels they are; where it does not, their names must.

    Returns
    -------
    signals : dict
        Muscle -> microvolts, (n_samples,).
    muscles : dict
        Muscle -> where it was found.

    Raises
    ------
    ValueError
        If a channel is not there, or its unit is not known or not what the map says.
    """
    muscles = dict(channel_map.muscles) or find_muscles(opened.channel_names)
    signals = {}
    for name, muscle in muscles.items():
        channels = [resolve(column, opened.channel_names, what=name) for column in muscle.source]
        parts = [opened.samples(channel) * _scale(opened, channel, muscle, name) for channel in channels]
        signals[name] = parts[0] if len(parts) == 1 else parts[0] - parts[1]
    return signals, muscles


def is_constant(signal: np.ndarray) -> bool:
    """Say whether a signal never changes, or was never there.

    >>> is_constant(np.array([2.0, np.nan, 2.0])), is_constant(np.array([1.0, 2.0]))
    (True, False)
    """
    present = signal[~np.isnan(signal)]
    return present.size == 0 or bool(np.ptp(present) == 0)


def implausible_size(signal: np.ndarray, *, fs_hz: float, kind: str) -> str | None:
    """Say what is odd about the size of a signal; None where it is usual.

    Parameters
    ----------
    signal : numpy.ndarray
        Microvolts, (n_samples,).
    fs_hz : float
        Sampling rate.
    kind : {"raw", "rectified"}
        Whether the recorder has rectified it.

    Examples
    --------
    >>> implausible_size(np.tile([-1e-6, 1e-6], 500), fs_hz=100, kind="raw")
    'a typical second has an SD of 1e-06 uV, where raw facial EMG has 0.5 to 2000: is the unit right?'
    """
    second = max(2, round(fs_hz))
    whole = signal[: signal.size // second * second] if signal.size >= second else signal
    seconds = whole.reshape(-1, min(second, whole.size))
    size = seconds.std(axis=1) if kind == "raw" else np.abs(seconds).mean(axis=1)
    typical = float(np.nanmedian(size))
    low, high = PLAUSIBLE_UV[kind]
    if low <= typical <= high:
        return None
    measure = "an SD" if kind == "raw" else "a mean"
    return (
        f"a typical second has {measure} of {typical:.3g} uV, where {kind} facial EMG has {low:g} to "
        f"{high:g}: is the unit right?"
    )


def _scale(opened: OpenedRecording, channel: str, muscle: Muscle, name: str) -> float:
    """Return the microvolts in the unit of a channel."""
    in_file = opened.units(channel)
    if in_file is None and muscle.units is None:
        raise ValueError(
            f"{opened.path.name} does not say in which unit {channel} ({name}) is: give units (uV, mV or V) "
            f"in [muscles.{name}] of the channel map"
        )
    if in_file and muscle.units and microvolts_in(in_file) != microvolts_in(muscle.units):
        raise ValueError(
            f"the channel map says that {channel} ({name}) is in {muscle.units}, but {opened.path.name} "
            f"itself says {in_file}. Leave units out of the map, or correct the file"
        )
    return microvolts_in(in_file or str(muscle.units))
