"""Joins the clock of a device with that of the computer: a line through pairs of times, and how well it fits.

Pure. The device says when something happened on its own clock; the computer notes when it heard of it. It can
hear late, never early, so the line lies under the points, not through their middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ClockFit:
    """A line from a device's clock to another one: ``host = offset + slope * device``."""

    slope: float
    """Seconds of the host's clock per second of the device's."""
    offset: float
    """What the host's clock shows when the device's shows 0 (s)."""
    residual_s: float
    """95th percentile of how far the pairs lie from the line (s)."""
    worst_s: float
    """How far the farthest pair lies from it (s)."""
    n_pairs: int
    """Pairs that the line was made of."""

    @property
    def ppm(self) -> float:
        """How much slower the device's clock runs than the host's, in millionths."""
        return (self.slope - 1) * 1e6

    def to_host(self, device_s: np.ndarray | float) -> np.ndarray:
        """Return the host's times of the device's times (s)."""
        return self.offset + self.slope * np.asarray(device_s, float)

    def to_device(self, host_s: np.ndarray | float) -> np.ndarray:
        """Return the device's times of the host's times (s)."""
        return (np.asarray(host_s, float) - self.offset) / self.slope

    def __str__(self) -> str:
        return (
            f"{self.ppm:+.1f} ppm, 95 % of {self.n_pairs} pairs within {self.residual_s * 1e3:.2f} ms, "
            f"all within {self.worst_s * 1e3:.2f} ms"
        )


def fit_clocks(device_s: np.ndarray, host_s: np.ndarray, *, one_sided: bool = True) -> ClockFit:
    """Fit the line between two clocks.

    Parameters
    ----------
    device_s
        Times on the device's clock (s), shape ``(n,)``, increasing.
    host_s
        When the computer heard of each (s), shape ``(n,)``.
    one_sided
        Whether the computer hears late and never early. Then the line is the highest one that no point lies
        under, the most likely one if delays are exponential. Otherwise it is the line of least squares,
        without what lies 5 robust standard deviations off: for two clocks that stamp the same pulse.

    Returns
    -------
    ClockFit
        With a single pair, the slope is 1.

    Raises
    ------
    ValueError
        If there is no pair, times are not finite, or the device's clock went back: it was started anew.

    Notes
    -----
    A constant delay, such as that of the line itself, cannot be told from the offset.

    Examples
    --------
    >>> device_s = np.arange(0, 600, 0.5)
    >>> delay_s = 0.001 + np.random.default_rng(1).exponential(0.004, device_s.size)
    >>> fit = fit_clocks(device_s, 50 + device_s * (1 + 35e-6) + delay_s)
    >>> round(fit.ppm, 1), round(fit.offset - 50, 3), round(fit.residual_s, 3)
    (35.0, 0.001, 0.012)
    """
    device_s, host_s = np.asarray(device_s, float), np.asarray(host_s, float)
    if device_s.shape != host_s.shape or device_s.ndim != 1 or not len(device_s):
        raise ValueError(
            f"clocks are joined by pairs of times, at least one: found {device_s.size} times of the device "
            f"and {host_s.size} of the computer"
        )
    if not (np.isfinite(device_s).all() and np.isfinite(host_s).all()):
        raise ValueError("a pair of clock times is not a number: leave out what the device did not stamp")
    if (np.diff(device_s) < 0).any():
        where = int(np.argmax(np.diff(device_s) < 0))
        raise ValueError(
            f"the device's clock went back after {device_s[where]:.3f} s: it was started anew, or its count "
            "ran over; join the clocks of each part by itself"
        )
    middle_s = device_s[0]
    x, y = device_s - middle_s, host_s - host_s[0]
    slope, level = _under(x, y) if one_sided else _through(x, y)
    off = np.abs(y - level - slope * x)
    return ClockFit(
        slope=slope,
        offset=float(level + host_s[0] - slope * middle_s),
        residual_s=float(np.quantile(off, 0.95)),
        worst_s=float(off.max()),
        n_pairs=len(x),
    )


def _under(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and level of the highest line that no point lies under: the hull's edge under the mean of x."""
    hull: list[int] = []
    for i in range(len(x)):
        if hull and x[i] == x[hull[-1]]:
            if y[i] >= y[hull[-1]]:
                continue
            hull.pop()
        while len(hull) > 1 and _turns_down(x, y, hull[-2], hull[-1], i):
            hull.pop()
        hull.append(i)
    if len(hull) == 1:
        return 1.0, float(y[hull[0]] - x[hull[0]])
    after = int(np.clip(np.searchsorted(x[hull], x.mean()), 1, len(hull) - 1))
    first, last = hull[after - 1], hull[after]
    slope = float((y[last] - y[first]) / (x[last] - x[first]))
    return slope, float(y[first] - slope * x[first])


def _turns_down(x: np.ndarray, y: np.ndarray, first: int, middle: int, last: int) -> bool:
    up = (y[middle] - y[first]) * (x[last] - x[first])
    return bool(up >= (y[last] - y[first]) * (x[middle] - x[first]))


def _through(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and level of the line of least squares, without outliers."""
    if np.ptp(x) == 0:
        return 1.0, float(np.median(y - x))
    kept = np.ones(len(x), bool)
    slope, level = 1.0, float(np.median(y - x))
    for _ in range(5):
        if kept.sum() < 2 or np.ptp(x[kept]) == 0:
            break
        slope, level = (float(part) for part in np.polyfit(x[kept], y[kept], 1))
        off = y - level - slope * x
        centre = np.median(off)
        spread = 1.4826 * np.median(np.abs(off - centre))
        now_kept = np.abs(off - centre) <= 5 * max(spread, 1e-9)
        if (now_kept == kept).all():
            break
        kept = now_kept
    return slope, level
