"""Times of day as people say them, and moments that know their time zone."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_LONGEST_AGO = timedelta(hours=16)
"""A time of day without a date is at most so long ago: a session day is not longer."""
CLOCK_SLACK = timedelta(minutes=2)
"""Clocks of two computers may differ by so much."""


def now_here() -> datetime:
    """Return the time of the computer's clock, with the offset of its time zone."""
    return datetime.now().astimezone()


def moment_of(time: str | None, day: str | None, *, now: datetime) -> datetime:
    """Turn a time of day into the moment that is meant.

    Parameters
    ----------
    time : str or None
        Such as 9:35; None is now.
    day : str or None
        Such as 2026-11-22; None is the last time the clock showed that time, today or, after midnight,
        yesterday.
    now : datetime
        With the offset of the time zone.

    Raises
    ------
    ValueError
        If it cannot be read, or lies in the future or so far back that a date is needed.

    Examples
    --------
    >>> from datetime import timezone
    >>> night = datetime(2026, 11, 22, 0, 10, tzinfo=timezone.utc)
    >>> moment_of("23:50", None, now=night).isoformat()
    '2026-11-21T23:50:00+00:00'
    """
    if time is None:
        if day is not None:
            raise ValueError("a date needs a time of day: give --time as well, such as --time 09:35")
        return now
    clock = re.fullmatch(r"([01]?\d|2[0-3])[:.]([0-5]\d)", time.strip())
    if clock is None:
        raise ValueError(f"a time of day is such as 09:35, from 00:00 to 23:59; found {time!r}")
    try:
        chosen = date.fromisoformat(day) if day is not None else now.date()
    except ValueError:
        raise ValueError(f"a date is such as {now.date().isoformat()}; found {day!r}") from None
    moment = _at(chosen, int(clock[1]), int(clock[2]), now)
    if day is None and moment > now + CLOCK_SLACK:
        moment = _at(chosen - timedelta(days=1), int(clock[1]), int(clock[2]), now)
        if now - moment > _LONGEST_AGO:
            raise ValueError(
                f"{time} is still to come (it is {now:%H:%M}), and too long ago if it was yesterday: check "
                "the time, or give the day with --date"
            )
    if moment > now + CLOCK_SLACK:
        raise ValueError(f"{moment:%Y-%m-%d %H:%M} is still to come; it is {now:%Y-%m-%d %H:%M}")
    return moment


def minutes_between(earlier: datetime, later: datetime) -> float:
    """Return the minutes that passed, also over midnight and changes to and from summer time.

    Raises
    ------
    ValueError
        If a time does not know its time zone.
    """
    for moment in (earlier, later):
        if moment.tzinfo is None:
            raise ValueError(
                f"{moment} does not know its time zone: give an aware datetime, such as "
                "datetime.now().astimezone()"
            )
    return (later - earlier).total_seconds() / 60


def duration_words(minutes: float) -> str:
    """Say a duration.

    Examples
    --------
    >>> duration_words(245.2), duration_words(40), duration_words(120)
    ('4 h 05 min', '40 min', '2 h 00 min')
    """
    whole = round(minutes)
    return f"{whole // 60} h {whole % 60:02} min" if whole >= 60 else f"{whole} min"


def _at(day: date, hour: int, minute: int, now: datetime) -> datetime:
    """Return a time of day in the computer's zone; in the zone of `now` where that is another."""
    naive = datetime(day.year, day.month, day.day, hour, minute)
    if now.utcoffset() == datetime.fromtimestamp(now.timestamp()).astimezone().utcoffset():
        return naive.astimezone()
    return naive.replace(tzinfo=now.tzinfo)
