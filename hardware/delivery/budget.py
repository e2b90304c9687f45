"""What a session has already given to an animal, and whether the next delivery is still within its limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hardware.delivery.limits import Limits, is_valve
from hardware.delivery.records import Course


class Budget:
    """Counts what was ordered against the `Limits` of the session.

    What was ordered counts, also where the device refused it or it was cut: the count can be too high, never
    too low.

    Parameters
    ----------
    limits : Limits
        What the session may give.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.volume_ul = 0.0
        self.n_shocks = 0
        self.light_s = 0.0
        self._shock_ended_s = -math.inf

    def charge(
        self,
        courses: Sequence[Course],
        *,
        now_s: float,
        volume_ul: float = 0.0,
        current_ma: float | None = None,
    ) -> None:
        """Count an order, or refuse it.

        Parameters
        ----------
        courses : sequence of Course
            What starts together.
        now_s : float
            The host's time (s).
        volume_ul : float
            Liquid of all of them together (µl).
        current_ma : float or None
            What the shocker is set to (mA); must be said for the output ``shock``.

        Raises
        ------
        ValueError
            If it is beyond a limit; nothing was counted then.
        """
        problem = self._problem(courses, now_s, volume_ul, current_ma)
        if problem:
            raise ValueError(f"not delivered: {problem}")
        self.volume_ul += volume_ul
        for course in courses:
            if course.channel == "shock":
                self.n_shocks += 1
                self._shock_ended_s = now_s + course.length_us / 1e6
            elif course.channel == "laser":
                self.light_s += course.on_us / 1e6

    def _problem(
        self, courses: Sequence[Course], now_s: float, volume_ul: float, current_ma: float | None
    ) -> str | None:
        limits = self.limits
        for course in courses:
            longest_us = limits.longest_pulse_us(course.channel)
            if course.pulse_us > longest_us:
                return (
                    f"a pulse of {course.pulse_us / 1000:g} ms on {course.channel}, allowed are "
                    f"{longest_us / 1000:g} ms"
                )
            if course.channel == "shock" and (problem := self._shock_problem(now_s, current_ma)):
                return problem
        if not math.isfinite(volume_ul) or volume_ul < 0:
            return f"the volume must be a number of µl from 0 on, not {volume_ul!r}"
        if volume_ul and not any(is_valve(course.channel) for course in courses):
            return "a volume was given, but no valve opens"
        if self.volume_ul + volume_ul > limits.volume_ul * (1 + 1e-9):
            return f"{self.volume_ul:g} of {limits.volume_ul:g} µl are given, and this is {volume_ul:g} more"
        light_s = sum(course.on_us for course in courses if course.channel == "laser") / 1e6
        if self.light_s + light_s > limits.light_s * (1 + 1e-9):
            return (
                f"{self.light_s:g} of {limits.light_s:g} s of light are given, and this is {light_s:g} more"
            )
        return None

    def _shock_problem(self, now_s: float, current_ma: float | None) -> str | None:
        limits = self.limits
        if current_ma is None or not math.isfinite(current_ma) or current_ma <= 0:
            return "a shock needs the current that the shocker is set to (current_ma)"
        if current_ma > limits.current_ma * (1 + 1e-9):
            return f"a shock of {current_ma:g} mA, allowed are {limits.current_ma:g} mA"
        if self.n_shocks >= limits.n_shocks:
            return f"all {limits.n_shocks} shocks of this session were given"
        if now_s - self._shock_ended_s < limits.min_interval_s:
            return (
                f"the last shock ended {now_s - self._shock_ended_s:.1f} s ago, allowed are "
                f"{limits.min_interval_s:g} s and more"
            )
        return None
