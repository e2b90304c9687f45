"""Time since the pill: midnight, summer time, the window, doubtful clocks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from experiments.allocation import minutes_since_pill, pill_moment, pill_warning, pills_taken
from experiments.allocation.actions import assign, drop_out, record_pill
from experiments.allocation.files import Allocation
from experiments.allocation.times import duration_words, minutes_between, moment_of
from experiments.dataset.bids import add_participant, create_study
from experiments.dataset.phenotype import add_measurement

from .conftest import MORNING, VIENNA, at

Make = Callable[..., Allocation]


@pytest.fixture
def taken(make: Make) -> Path:
    made = make()
    assign(made, "007", {"sex": "F"}, at())
    record_pill(made, "007", MORNING, at())
    return made.study


def after(minutes: float) -> datetime:
    return MORNING + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (
            0,
            "too early: the pill was 0 min ago, and planned are 4 h 00 min, give or take 30 min; wait 3 h",
        ),
        (209, "wait 1 min"),
        (210, None),
        (240, None),
        (270, None),
        (271, "too late: the pill was 4 h 31 min ago, .* that is 1 min too long"),
        (24 * 60, "too late: the pill was 24 h 00 min ago"),
    ],
)
def test_the_window(taken: Path, minutes: float, words: str | None) -> None:
    assert minutes_since_pill(taken, "007", after(minutes)) == minutes
    warning = pill_warning(taken, "007", after(minutes))
    if words is None:
        assert warning is None
    else:
        assert warning is not None
        assert re.search(words, warning), warning


def test_other_windows(make: Make) -> None:
    made = make(pill_to_task_min=60.0, tolerance_min=5.0)
    assign(made, "007", {"sex": "F"}, at())
    record_pill(made, "007", MORNING, at())
    assert pill_warning(made.study, "007", after(64)) is None
    assert "too late" in str(pill_warning(made.study, "007", after(66)))


def test_who_has_no_pill_is_told(make: Make) -> None:
    made = make()
    warning = str(pill_warning(made.study, "007", MORNING))
    assert "has not been allocated" in warning
    assert f'experiments.allocation "{made.study}" assign' in warning  # folders may have spaces
    assign(made, "007", {"sex": "F"}, at())
    assert "not written down when participant 007 took the pill" in str(
        pill_warning(made.study, "007", MORNING)
    )
    assert minutes_since_pill(made.study, "007", MORNING) is None
    record_pill(made, "007", MORNING, at())
    drop_out(made, "007", at(1))
    assert "dropout" in str(pill_warning(made.study, "007", after(240)))
    assert pills_taken(made.study) == {"007": MORNING}


def test_a_study_without_allocation_is_not_warned_about(tmp_path: Path) -> None:
    create_study(tmp_path / "study", name="s", simulated=False)
    assert pill_warning(tmp_path / "study", "007", MORNING) is None
    assert minutes_since_pill(tmp_path / "study", "007", MORNING) is None
    assert pill_warning(tmp_path / "nowhere", "007", MORNING) is None
    assert pills_taken(tmp_path / "study") == {}


def test_a_time_in_the_phenotype_is_used_and_compared(tmp_path: Path, make: Make) -> None:
    study = tmp_path / "other"
    create_study(study, name="s", simulated=False)
    add_participant(study, "007")
    add_measurement(study, "session", "007", {"pill_time": "09:00"}, simulated=False)
    assert minutes_since_pill(study, "007", after(100)) == 100
    made = make()
    assign(made, "007", {"sex": "F"}, at())
    record_pill(made, "007", MORNING, at())
    add_participant(made.study, "007")
    add_measurement(made.study, "session", "007", {"pill_time": "08:30"}, simulated=False)
    assert "says that the pill was taken at 08:30, the allocation's log says 09:00" in str(
        pill_warning(made.study, "007", after(240))
    )


def test_over_midnight(make: Make) -> None:
    made = make()
    evening = datetime(2026, 11, 23, 22, 30, tzinfo=VIENNA)
    assign(made, "007", {"sex": "F"}, at(13))
    record_pill(made, "007", evening, at(14))
    assert minutes_since_pill(made.study, "007", datetime(2026, 11, 24, 2, 30, tzinfo=VIENNA)) == 240
    assert pill_warning(made.study, "007", datetime(2026, 11, 24, 2, 30, tzinfo=VIENNA)) is None


def test_over_the_change_to_winter_time(make: Make) -> None:
    """On 2026-10-25 at 3 o'clock clocks in Vienna go back to 2: from 0:00 to 4:00 are five hours."""
    made = make()
    summer, winter = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))
    assign(made, "007", {"sex": "F"}, at(-800))
    record_pill(made, "007", datetime(2026, 10, 25, 0, 0, tzinfo=summer), at(-800))
    now = datetime(2026, 11, 1, tzinfo=winter).replace(month=10, day=25, hour=4)
    assert minutes_since_pill(made.study, "007", now) == 300


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="only POSIX can change the zone of a running program")
def test_times_of_day_are_those_of_the_computers_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        # at half past four in the morning after the change, midnight was in summer time
        now = datetime(2026, 10, 25, 3, 30, tzinfo=timezone.utc).astimezone()
        assert now.isoformat() == "2026-10-25T04:30:00+01:00"
        pill = moment_of("00:30", None, now=now)
        assert pill.isoformat() == "2026-10-25T00:30:00+02:00"
        assert minutes_between(pill, now) == 300
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_of_day_is_the_last_one() -> None:
    night = datetime(2026, 11, 24, 0, 10, tzinfo=VIENNA)
    assert moment_of("23:50", None, now=night) == datetime(2026, 11, 23, 23, 50, tzinfo=VIENNA)
    assert moment_of("0:05", None, now=night) == datetime(2026, 11, 24, 0, 5, tzinfo=VIENNA)
    assert moment_of("9.35", "2026-11-20", now=night) == datetime(2026, 11, 20, 9, 35, tzinfo=VIENNA)
    assert moment_of(None, None, now=night) == night
    # two clocks may differ by a minute
    assert moment_of("00:11", None, now=night) == night + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("clock", "day", "message"),
    [
        ("24:00", None, "from 00:00 to 23:59"),
        ("9", None, "such as 09:35"),
        ("12:00", None, "still to come .* give the day with --date"),
        ("9:00", "tomorrow", "a date is such as"),
        ("9:00", "2026-12-24", "is still to come"),
        (None, "2026-11-23", "give --time as well"),
    ],
)
def test_times_that_cannot_be_are_refused(clock: str | None, day: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        moment_of(clock, day, now=MORNING + timedelta(hours=1, minutes=30))


def test_a_clock_that_was_set_back_is_noticed(taken: Path) -> None:
    assert "before" not in str(pill_warning(taken, "007", after(240)))
    warning = str(pill_warning(taken, "007", after(-90)))
    assert "in the future by this computer's clock" in warning
    assert "last entry of the allocation's log is of 2026-11-23 09:00" in warning


def test_times_need_their_zone(taken: Path) -> None:
    for ask in (minutes_since_pill, pill_warning, pill_moment):
        with pytest.raises(ValueError, match="time zone"):
            ask(taken, "007", datetime(2026, 11, 23, 13, 0))


def test_a_wrong_id_is_refused(taken: Path) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        minutes_since_pill(taken, "../007", MORNING)


def test_durations_are_said() -> None:
    assert [duration_words(minutes) for minutes in (0.4, 59.4, 59.6, 61)] == [
        "0 min",
        "59 min",
        "1 h 00 min",
        "1 h 01 min",
    ]
