"""When did light fall on the photodiode? Onsets in a recorded channel, and their delay after triggers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

EARLIEST_S = -0.05
"""Light may come before its trigger in the recording, when the trigger's way is the longer one."""

LATEST_S = 0.15
"""Screens delay a picture by up to some refreshes; later light belongs to another flash."""

SMALLEST_CONTRAST = 6.0
"""Difference between light and dark in standard deviations of the dark, below which nothing was seen."""

FEWEST = 0.8
"""Part of the flashes whose light must be found."""


class LightDelays(NamedTuple):
    """Light after its triggers."""

    delays_ms: list[float]
    """Of each trigger whose light was found."""
    n_without: int
    """Number of triggers without light."""


def light_onsets(times_s: npt.ArrayLike, light: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Find when a photodiode's signal rises through the middle between dark and light.

    Parameters
    ----------
    times_s : array_like, shape (n_samples,)
        Times of the samples (s).
    light : array_like, shape (n_samples,)
        The photodiode's signal, in any unit and of either sign.

    Returns
    -------
    ndarray, shape (n_onsets,)
        Times of the onsets (s), interpolated between two samples.

    Raises
    ------
    ValueError
        If the signal has no two levels.

    Notes
    -----
    The square is dark for most of the time: so the median is the dark, and the light is the level furthest
    from it. A new onset counts only after the signal has been half-way back: flicker of the screen within a
    flash does no harm.

    Examples
    --------
    >>> light_onsets(np.arange(6) / 1000, [0, 0, 0, 10, 10, 0])
    array([0.0025])
    """
    time_s, signal = np.asarray(times_s, dtype=float), np.asarray(light, dtype=float)
    dark = np.median(signal)
    low, high = np.percentile(signal, [1, 99])
    peak = high if high - dark >= dark - low else low
    noise = 1.4826 * np.median(np.abs(signal - dark))
    if peak == dark or abs(peak - dark) < SMALLEST_CONTRAST * noise:
        raise ValueError(
            "no flashes can be seen in the channel of the photodiode: is it the right channel, does the "
            "diode lie on the square in the upper left corner, and is it switched on?"
        )
    scaled = (signal - dark) / (peak - dark)
    above = scaled >= 0.5
    onsets, armed = [], True
    for index in np.flatnonzero(np.diff(above.astype(np.int8), prepend=above[:1])):
        if above[index] and armed:
            part = (0.5 - scaled[index - 1]) / (scaled[index] - scaled[index - 1])
            onsets.append(time_s[index - 1] + part * (time_s[index] - time_s[index - 1]))
        armed = _fell(scaled, int(index)) if not above[index] else False
    return np.asarray(onsets)


def light_delays(trigger_s: npt.ArrayLike, onset_s: npt.ArrayLike) -> LightDelays:
    """Match each trigger with the light that follows it.

    Parameters
    ----------
    trigger_s : array_like, shape (n_triggers,)
        Times of the triggers (s).
    onset_s : array_like, shape (n_onsets,)
        Times at which light began, on the same clock (s).

    Returns
    -------
    LightDelays
        The delays, and how many triggers had no light.

    Raises
    ------
    ValueError
        If less than 80 % of the triggers have light.

    Examples
    --------
    >>> light_delays([1.0, 2.0, 3.0], [1.02, 2.021, 3.019]).delays_ms
    [20.0, 21.0, 19.0]
    """
    triggers, onsets = np.asarray(trigger_s, dtype=float), np.asarray(onset_s, dtype=float)
    delays_ms = []
    for trigger in triggers:
        after = onsets[(onsets >= trigger + EARLIEST_S) & (onsets <= trigger + LATEST_S)]
        if len(after):
            delays_ms.append(round(1000 * float(after[0] - trigger), 4))
    if len(delays_ms) < max(1, FEWEST * len(triggers)):
        raise ValueError(
            f"light was found for {len(delays_ms)} of {len(triggers)} flashes only: fasten the diode on the "
            "square in the upper left corner, darken the room, and see that nothing else lights up there"
        )
    return LightDelays(delays_ms, len(triggers) - len(delays_ms))


def _fell(scaled: npt.NDArray[np.float64], index: int) -> bool:
    """Say whether the signal, once below the middle, goes down to the dark before it rises again."""
    rest = scaled[index:]
    rising = np.flatnonzero(rest >= 0.5)
    below = rest[: rising[0]] if len(rising) else rest
    return bool(below.min() < 0.25)
