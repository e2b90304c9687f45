"""How long ago the pill was, and whether the task may begin."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from experiments.allocation.files import has_allocation, open_allocation
from experiments.allocation.register import Allocated
from experiments.allocation.times import CLOCK_SLACK, duration_words, minutes_between, moment_of
from experiments.dataset.answers import read_administrations, which_counts
from experiments.dataset.phenotype import last_time_of_day
from experiments.dataset.rows import MISSING
from experiments.dataset.tables import participant_label, read_table

_LARGEST_CONTRADICTION_MIN = 5.0
"""Two entries of the same pill may differ by so much, as clocks and rounding do."""


def pill_moment(study: Path, participant: str, now: datetime) -> datetime | None:
    """Find when a participant took the pill: in the allocation's log, else in a questionnaire of the session.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    now : datetime
        With its time zone.

    Returns
    -------
    datetime or None
        With its time zone; None where nothing is known.

    Raises
    ------
    ValueError
        If `now` has no time zone, or files cannot be understood.
    """
    minutes_between(now, now)
    person = _allocated(study, participant)
    if person is not None and person.pill is not None:
        return person.pill
    return _noted_moment(study, participant, now)


def pills_taken(study: Path) -> dict[str, datetime]:
    """Return when each participant took the pill, by the allocation's log; empty without one."""
    if not has_allocation(study):
        return {}
    people = open_allocation(study, check=False).register().participants.values()
    return {person.participant: person.pill for person in people if person.pill is not None}


def minutes_since_pill(study: Path, participant: str, now: datetime) -> float | None:
    """Return the minutes since the pill.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    now : datetime
        With its time zone; midnight and changes to and from summer time do not matter then.

    Returns
    -------
    float or None
        Minutes, None where no pill is known. Negative where the clock shows a time before the pill.

    Raises
    ------
    ValueError
        If `now` has no time zone, or files cannot be understood.
    """
    pill = pill_moment(study, participant, now)
    return None if pill is None else minutes_between(pill, now)


def pill_warning(study: Path, participant: str, now: datetime) -> str | None:
    """Say what speaks against beginning the task now.

    Parameters
    ----------
    study, participant, now
        As for `minutes_since_pill`.

    Returns
    -------
    str or None
        None when all is well, or the study has no allocation.
    """
    minutes = minutes_since_pill(study, participant, now)
    if not has_allocation(study):
        return None
    person = _allocated(study, participant)
    if person is None:
        return (
            f"participant {participant} has not been allocated, so has no pill of this study: python -m "
            f'experiments.allocation "{study}" assign --participant {participant}'
        )
    if person.dropout is not None:
        return f"participant {participant} is in the log as a dropout since {person.dropout:%Y-%m-%d %H:%M}"
    if minutes is None:
        return (
            f"it is not written down when participant {participant} took the pill: python -m "
            f'experiments.allocation "{study}" pill --participant {participant} --time HH:MM'
        )
    return (
        "; ".join(filter(None, [_window_warning(study, minutes), *doubts(study, participant, now)])) or None
    )


def doubts(study: Path, participant: str, now: datetime) -> list[str]:
    """Say what makes the time since the pill doubtful: the computer's clock, or two entries that differ."""
    person = _allocated(study, participant)
    said = [_clock_warning(study, now), _contradiction(study, person, now)] if person is not None else []
    return [doubt for doubt in said if doubt is not None]


def _window_warning(study: Path, minutes: float) -> str | None:
    settings = open_allocation(study, check=False).settings
    first, last = settings.window_min
    planned = (
        f"planned are {duration_words(settings.pill_to_task_min)}, give or take "
        f"{duration_words(settings.tolerance_min)}"
    )
    if minutes < 0:
        return "the pill is in the future by this computer's clock: check the clock and its time zone"
    if minutes < first:
        return (
            f"too early: the pill was {duration_words(minutes)} ago, and {planned}; wait "
            f"{duration_words(first - minutes)}"
        )
    if minutes > last:
        return (
            f"too late: the pill was {duration_words(minutes)} ago, and {planned}; that is "
            f"{duration_words(minutes - last)} too long"
        )
    return None


def _clock_warning(study: Path, now: datetime) -> str | None:
    last = max(entry.time for entry in open_allocation(study, check=False).log.entries())
    if now < last - CLOCK_SLACK:
        return (
            f"this computer's clock shows {now:%Y-%m-%d %H:%M}, but the last entry of the allocation's log "
            f"is of {last.astimezone(now.tzinfo):%Y-%m-%d %H:%M}: check the clock"
        )
    return None


def _contradiction(study: Path, person: Allocated, now: datetime) -> str | None:
    noted = _noted_moment(study, person.participant, now)
    if noted is None or person.pill is None:
        return None
    if abs(minutes_between(noted, person.pill)) <= _LARGEST_CONTRADICTION_MIN:
        return None
    return (
        f"the session's form says that the pill was taken at {noted:%H:%M}, the allocation's log says "
        f"{person.pill:%H:%M}"
    )


def _allocated(study: Path, participant: str) -> Allocated | None:
    participant_label(participant)
    if not has_allocation(study):
        return None
    return open_allocation(study, check=False).register().participants.get(participant)


def _noted_moment(study: Path, participant: str, now: datetime) -> datetime | None:
    """Return what a form says, or else the table of the session; None where that is unclear."""
    try:
        for form in which_counts(read_administrations(study, participant)).values():
            if form.answers.get("pill_time"):
                return last_time_of_day(str(form.answers["pill_time"]), before=form.last)
        path = study / "phenotype" / "session.tsv"
        rows = read_table(path) if path.is_file() else []
        label = participant_label(participant)
        times = [row.get("pill_time", MISSING) for row in rows if row.get("participant_id") == label]
        return moment_of(times[0], None, now=now) if times and times[0] != MISSING else None
    except ValueError:  # damaged, or of another day: nothing that a running session could use
        return None
