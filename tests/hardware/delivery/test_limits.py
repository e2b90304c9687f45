"""What a session may give, for the whole table and at every delivery."""

from __future__ import annotations

import pandas as pd
import pytest

from hardware.delivery.budget import Budget
from hardware.delivery.ceilings import COMPILED
from hardware.delivery.limits import Limits, check_doses, dose_problems, shock_confirmation
from hardware.delivery.records import Course

NAN = float("nan")


def trial(number: int, onset_s: float, channel: str = "", **values: object) -> dict[str, object]:
    empty = {
        "trial": number,
        "onset_s": onset_s,
        "channel": channel,
        "pulse_ms": NAN,
        "n_pulses": 0,
        "period_ms": NAN,
        "volume_ul": NAN,
        "current_ma": NAN,
        "laser": False,
        "laser_channel": "",
        "laser_pulse_ms": NAN,
        "laser_n_pulses": 0,
        "laser_period_ms": NAN,
    }
    return {**empty, **values}


def drop(number: int, onset_s: float, **values: object) -> dict[str, object]:
    return trial(number, onset_s, "valve1", **{"pulse_ms": 50.0, "n_pulses": 1, "volume_ul": 4.0, **values})


def shock(number: int, onset_s: float, **values: object) -> dict[str, object]:
    return trial(number, onset_s, "shock", **{"pulse_ms": 500.0, "n_pulses": 1, "current_ma": 0.3, **values})


def light(number: int, onset_s: float, **values: object) -> dict[str, object]:
    pulses = {"laser": True, "laser_pulse_ms": 5.0, "laser_n_pulses": 40, "laser_period_ms": 50.0}
    return trial(number, onset_s, **{**pulses, **values})


LIMITS = Limits(volume_ul=20.0, n_shocks=2, current_ma=0.3, min_interval_s=30.0, light_s=1.0)


def problems(*rows: dict[str, object], limits: Limits = LIMITS) -> list[str]:
    return dose_problems(pd.DataFrame(rows), limits)


def test_a_session_within_its_limits_has_no_problems() -> None:
    assert problems(drop(1, 60), shock(2, 120), light(3, 180), trial(4, 240), shock(5, 300)) == []
    check_doses(pd.DataFrame([drop(n, 60 * n) for n in range(1, 6)]), LIMITS)  # 20 µl of 20


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([drop(n, 60 * n) for n in range(1, 7)], "24 µl in all, allowed are 20 µl"),
        ([shock(n, 60 * n) for n in range(1, 4)], "3 shocks, allowed are 2"),
        ([shock(1, 60), shock(2, 90)], "shocks 29.5 s apart, allowed are 30 s"),
        ([shock(2, 90.0), shock(1, 60.0)], "shocks 29.5 s apart"),
        ([shock(1, 60, current_ma=0.31)], "trial 1: 0.31 mA, allowed are 0.3 mA"),
        ([shock(1, 60, current_ma=NAN)], "trial 1: a shock needs its current"),
        ([light(n, 60 * n) for n in range(1, 7)], "1.2 s of light in all, allowed are 1 s"),
        ([drop(1, 60, pulse_ms=1001.0)], "trial 1: valve1: pulses of 1001 ms, allowed are 1000 ms"),
        ([drop(1, 60, pulse_ms=NAN)], "trial 1: valve1: the length of the pulse is not known"),
        (
            [shock(1, 60, pulse_ms=1000.0, n_pulses=3, period_ms=1500.0)],
            "beyond what the device allows (ON_TIME)",
        ),
        ([{**drop(1, 60), "channel": "valve7"}], "trial 1: the rig has no output 'valve7'"),
        ([light(1, 60, laser_pulse_ms=60.0)], "trial 1: laser: 40 pulses of 60 ms every 50 ms are beyond"),
    ],
)
def test_each_limit_is_checked_before_anything_is_armed(rows: list[dict[str, object]], problem: str) -> None:
    assert any(problem in found for found in problems(*rows)), problems(*rows)
    with pytest.raises(ValueError, match="nothing is armed"):
        check_doses(pd.DataFrame(rows), LIMITS)


def test_without_a_limit_of_its_own_no_shock_is_allowed() -> None:
    assert problems(shock(1, 60), limits=Limits()) == [
        "1 shocks, allowed are 0",
        "trial 1: 0.3 mA, allowed are 0 mA",
    ]


def test_a_shorter_pulse_of_the_rig_file_holds() -> None:
    narrow = Limits(pulse_us={"valve1": 40_000})
    assert problems(drop(1, 60), limits=narrow) == ["trial 1: valve1: pulses of 50 ms, allowed are 40 ms"]


def test_what_must_be_typed_names_number_and_current() -> None:
    assert shock_confirmation(pd.DataFrame([drop(1, 5)])) == ""
    table = pd.DataFrame([shock(1, 5), shock(2, 50, current_ma=0.25)])
    assert shock_confirmation(table) == "2 shocks up to 0.3 mA"


@pytest.mark.parametrize(
    "values", [{"volume_ul": -1}, {"current_ma": NAN}, {"n_shocks": True}, {"light_s": float("inf")}]
)
def test_limits_that_cannot_be_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"limits: {next(iter(values))} is a number from 0 on"):
        Limits(**values)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no output 'valve9'"):
        Limits(pulse_us={"valve9": 5})


# -- at every delivery --------------------------------------------------------------------------------------


def test_the_budget_refuses_what_goes_beyond_and_counts_nothing_of_it() -> None:
    budget = Budget(LIMITS)
    drop_course = [Course("valve1", 50_000)]
    for _ in range(5):
        budget.charge(drop_course, now_s=0.0, volume_ul=4.0)
    with pytest.raises(ValueError, match="20 of 20 µl are given"):
        budget.charge(drop_course, now_s=0.0, volume_ul=0.1)
    assert budget.volume_ul == 20.0


def test_the_budget_keeps_the_interval_between_shocks_and_their_number() -> None:
    budget, course = Budget(LIMITS), [Course("shock", 500_000)]
    budget.charge(course, now_s=0.0, current_ma=0.3)
    with pytest.raises(ValueError, match=r"ended 29.5 s ago, allowed are 30 s"):
        budget.charge(course, now_s=30.0, current_ma=0.3)
    budget.charge(course, now_s=30.6, current_ma=0.3)
    with pytest.raises(ValueError, match="all 2 shocks of this session"):
        budget.charge(course, now_s=100.0, current_ma=0.3)


def test_a_clock_that_was_set_back_does_not_allow_a_shock_earlier() -> None:
    budget, course = Budget(LIMITS), [Course("shock", 500_000)]
    budget.charge(course, now_s=1000.0, current_ma=0.3)
    with pytest.raises(ValueError, match="ago"):
        budget.charge(course, now_s=10.0, current_ma=0.3)


@pytest.mark.parametrize(
    ("course", "values", "problem"),
    [
        (Course("shock", 500_000), {}, "needs the current"),
        (Course("shock", 500_000), {"current_ma": 0.31}, "0.31 mA, allowed are 0.3 mA"),
        (Course("shock", 500_000), {"current_ma": float("nan")}, "needs the current"),
        (Course("valve1", 50_000), {"volume_ul": -1.0}, "number of µl"),
        (Course("valve1", 50_000), {"volume_ul": float("nan")}, "number of µl"),
        (Course("laser", 50_000), {"volume_ul": 1.0}, "no valve opens"),
        (Course("laser", 900_000, 2, 1_000_000), {}, "1.8 more"),
        (Course("valve1", COMPILED["valve1"].pulse_us + 1), {}, "allowed are 1000 ms"),
    ],
)
def test_the_budget_refuses_numbers_that_cannot_be(
    course: Course, values: dict[str, float], problem: str
) -> None:
    with pytest.raises(ValueError, match=f"not delivered: .*{problem}"):
        Budget(LIMITS).charge([course], now_s=0.0, **values)  # type: ignore[arg-type]
