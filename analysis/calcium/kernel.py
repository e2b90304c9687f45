r"""The response of a calcium indicator to one spike, and traces as the indicator would show them.

A kernel is the difference of two exponentials, :math:`e^{-t/\tau_d} - e^{-t/\tau_r}`, scaled to a peak of 1.
Traces are convolved exactly for values that hold from one time stamp to the next, so the frames of a
microscope need not be evenly spaced.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize


@dataclass(frozen=True)
class Kernel:
    """The time constants of an indicator.

    Raises
    ------
    ValueError
        If the rise is not faster than the decay, or either is not positive.
    """

    rise_s: float
    """Time constant of the rise."""
    decay_s: float
    """Time constant of the decay."""

    def __post_init__(self) -> None:
        if not 0 < self.rise_s < self.decay_s < math.inf:
            raise ValueError(
                "a kernel rises faster than it decays: expected 0 < rise_s < decay_s, "
                f"found rise_s = {self.rise_s}, decay_s = {self.decay_s}"
            )

    @property
    def peak_s(self) -> float:
        """Time from the spike to the peak.

        Examples
        --------
        >>> round(CHEN2013.peak_s, 3)
        0.179
        """
        return math.log(self.decay_s / self.rise_s) / (1 / self.rise_s - 1 / self.decay_s)

    @property
    def scale(self) -> float:
        """What the difference of the exponentials is multiplied with, for a peak of 1."""
        peak_s = self.peak_s
        return 1 / (math.exp(-peak_s / self.decay_s) - math.exp(-peak_s / self.rise_s))

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Return the response at times after the spike; 0 before it.

        Examples
        --------
        >>> CHEN2013.at(np.array([-1.0, 0.0, CHEN2013.peak_s, CHEN2013.peak_s + 0.55])).round(2).tolist()
        [0.0, 0.0, 1.0, 0.5]
        """
        after_s = np.maximum(times_s, 0.0)
        return self.scale * (np.exp(-after_s / self.decay_s) - np.exp(-after_s / self.rise_s))


def kernel_from_times(*, rise_to_peak_s: float, half_decay_s: float) -> Kernel:
    """Find the time constants of an indicator from the two numbers that are usually published.

    Parameters
    ----------
    rise_to_peak_s : float
        Time from the spike to the peak (s).
    half_decay_s : float
        Time from the peak to half of it (s).

    Raises
    ------
    ValueError
        If no difference of two exponentials has these times: the decay to one half takes at least 1.5 times
        as long as the rise to the peak.

    Examples
    --------
    >>> found = kernel_from_times(rise_to_peak_s=0.179, half_decay_s=0.550)
    >>> round(found.rise_s, 3), round(found.decay_s, 3)
    (0.071, 0.686)
    """
    if not (rise_to_peak_s > 0 and half_decay_s > 0):
        raise ValueError(f"times are positive, found {rise_to_peak_s} and {half_decay_s}")

    def half_decay_per_peak(log_ratio: float) -> float:
        """How long the decay to one half takes, in times to the peak; falls as the constants come closer."""
        kernel = Kernel(1.0, 1.0 + math.exp(log_ratio))
        end_s = optimize.brentq(
            lambda after_s: float(kernel.at(np.array(kernel.peak_s + after_s))) - 0.5,
            0.0,
            60 * kernel.decay_s,
        )
        return float(end_s) / kernel.peak_s

    wanted, low, high = half_decay_s / rise_to_peak_s, -6.0, 9.0
    if not half_decay_per_peak(low) < wanted < half_decay_per_peak(high):
        raise ValueError(
            f"no kernel peaks after {rise_to_peak_s} s and loses half of that within {half_decay_s} s: "
            f"the second should be {half_decay_per_peak(low):.2f} to {half_decay_per_peak(high):.0f} times "
            f"the first, it is {wanted:.2f} times"
        )
    ratio = 1 + math.exp(optimize.brentq(lambda value: half_decay_per_peak(value) - wanted, low, high))
    rise_s = rise_to_peak_s / Kernel(1.0, ratio).peak_s
    return Kernel(rise_s, ratio * rise_s)


CHEN2013 = kernel_from_times(rise_to_peak_s=0.179, half_decay_s=0.550)
"""GCaMP6s, one action potential in vivo: peak after 179 ms, half of it 550 ms later (Chen et al. 2013,
supplementary table 3)."""
SLOW = Kernel(0.18, 1.5)
"""GCaMP6s for bursts: a decay of 1.5 s, as deconvolution programs advise (1.25 to 2 s); the rise is our
choice."""
KERNELS = {"chen2013": CHEN2013, "slow": SLOW}
"""Name -> kernel. Dolensek et al. (2020) name the indicator, not the constants."""


def as_seen(trace: np.ndarray, times_s: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return a trace as an indicator shows it: convolved with its kernel.

    Parameters
    ----------
    trace : numpy.ndarray
        Shape ``(n_times,)`` or ``(n_traces, n_times)``; a value holds until the next time.
    times_s : numpy.ndarray
        Shape ``(n_times,)``; increasing, not necessarily evenly spaced.
    kernel : Kernel
        The indicator.

    Returns
    -------
    numpy.ndarray
        Same shape: per second of a trace that stays at 1, the area of the kernel in seconds.

    Raises
    ------
    ValueError
        If the shapes do not agree, times do not increase, or a value is missing.

    Examples
    --------
    >>> times_s = np.arange(0.0, 40.0, 0.05)
    >>> shown = as_seen(np.ones(len(times_s)), times_s, CHEN2013)
    >>> bool(abs(shown[-1] - CHEN2013.scale * (CHEN2013.decay_s - CHEN2013.rise_s)) < 1e-9)
    True
    """
    values, times_s = np.atleast_2d(np.asarray(trace, float)), check_times(times_s)
    if values.shape[1] != len(times_s):
        raise ValueError(f"{values.shape[1]} values do not belong to {len(times_s)} times")
    if not np.isfinite(values).all():
        raise ValueError("a trace with missing values cannot be convolved: fill or cut them first")
    shown = np.zeros_like(values)
    for constant_s, sign in ((kernel.decay_s, 1.0), (kernel.rise_s, -1.0)):
        kept = np.exp(-np.diff(times_s) / constant_s)
        state = np.zeros(len(values))
        for index in range(1, len(times_s)):
            state = kept[index - 1] * state + (1 - kept[index - 1]) * constant_s * values[:, index - 1]
            shown[:, index] += sign * state
    return (kernel.scale * shown).reshape(np.shape(trace))


def check_times(times_s: np.ndarray) -> np.ndarray:
    """Return the times if they increase.

    Raises
    ------
    ValueError
        If they do not, or if there are fewer than two.
    """
    times_s = np.asarray(times_s, float)
    if times_s.ndim != 1 or len(times_s) < 2:
        raise ValueError(f"expected a list of at least two times, found shape {times_s.shape}")
    wrong = np.flatnonzero(~(np.diff(times_s) > 0))
    if len(wrong):
        raise ValueError(
            f"times must increase: number {wrong[0] + 2} is {times_s[wrong[0] + 1]} s after "
            f"{times_s[wrong[0]]} s; are these frame numbers or times of several recordings?"
        )
    return times_s
