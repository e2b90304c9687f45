"""Which questionnaires are put now, and how they are run, whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.dataset.answers import (
    Administration,
    answers_folder,
    begin_administration,
    label_of,
    read_administration,
    read_administrations,
    which_counts,
)
from experiments.dataset.forms import Form
from experiments.dataset.rows import MISSING
from experiments.dataset.study import create_study, live_folder
from experiments.dataset.tables import participant_label, read_json, read_table
from experiments.one_at_a_time import one_at_a_time
from experiments.questionnaires.procedure import Stage, put_form, say_thanks
from experiments.session import SessionStopped, software, stopped_by_signals

SCHEDULE: dict[str, tuple[str, ...]] = {
    "t1": ("demographics", "body", "nausea", "panas"),
    "pill": ("pill",),
    "t2": ("nausea", "panas"),
    "end": ("guess",),
}
"""Times of the session day -> questionnaires. Korb et al. (2023), Procedure: mood immediately before the pill
(t1) and 3 h after it (t2)."""

LONGEST_PAUSE = timedelta(minutes=30)
"""A questionnaire that was interrupted for longer is not gone on with unasked: it would mix two times."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A questionnaire that is to be put now."""

    form: Form
    time: str | None
    """Which time it is; None for a questionnaire that is asked once."""
    order: tuple[str, ...]
    """Items in the order of the pages."""
    order_kind: str
    seed: int | None
    """Of a random order."""
    begun: Administration | None = None
    """What was answered before an interruption."""

    @property
    def label(self) -> str:
        """Name and time."""
        return label_of(self.form.name, self.time)


OpenStage = Callable[[Sequence[Planned]], AbstractContextManager[Stage]]


def plan_forms(
    study: Path,
    participant: str,
    forms: Sequence[Form],
    *,
    time: str | None,
    now: datetime,
    again: bool = False,
    resume: bool = False,
    order: Literal["fixed", "random"] | None = None,
    seed: int | None = None,
) -> list[Planned]:
    """Decide which questionnaires are put, which are gone on with, and which were answered before.

    Parameters
    ----------
    study : Path
        Folder of the study; need not exist.
    participant : str
        Id of letters and digits.
    forms : sequence of Form
        What is wanted, in order.
    time : str or None
        Which time it is, such as t1.
    now : datetime
        Time of day with its zone.
    again : bool
        Whether to ask once more what was asked before.
    resume : bool
        Whether to go on with what was interrupted long ago.
    order : str, optional
        Order of the items, in place of the form's.
    seed : int, optional
        Of a random order; drawn when it is not given.

    Returns
    -------
    list of Planned
        At least one.

    Raises
    ------
    FileExistsError
        If all were answered before, and they are not to be asked again.
    ValueError
        If a questionnaire is not asked at this time, or was interrupted long ago.
    """
    participant_label(participant)
    before = which_counts(read_administrations(study, participant))
    planned = []
    for form in forms:
        own_time = _time_of(form, time)
        one = before.get(label_of(form.name, own_time))
        if one is not None and not again:
            if one.finished:
                continue
            _refuse_old(one, participant, now, resume)
            planned.append(
                Planned(
                    form=one.form,
                    time=own_time,
                    order=tuple(one.record["order"]),
                    order_kind=one.record["order_kind"],
                    seed=one.record["seed"],
                    begun=one,
                )
            )
        else:
            planned.append(_new(form, own_time, order or form.order, seed))
    if not planned:
        names = ", ".join(label_of(form.name, _time_of(form, time)) for form in forms)
        raise FileExistsError(
            f"participant {participant} has answered {names} already, and nothing is ever written over. To "
            "ask again, which keeps both, add --again (and name only what is meant: --form panas)"
        )
    return planned


def run_forms(
    study: Path, participant: str, planned: Sequence[Planned], open_stage: OpenStage, *, simulated: bool
) -> str | None:
    """Put questionnaires to a participant.

    Parameters
    ----------
    study : Path
        Folder of the study; made when it does not exist.
    participant : str
        Id of letters and digits.
    planned : sequence of Planned
        From `plan_forms`.
    open_stage : callable
        Opens the window.
    simulated : bool
        Whether the participant is not a real one.

    Returns
    -------
    str or None
        Why it ended early; None when everything was finished.
    """
    create_study(study, name=study.resolve().name, simulated=simulated)
    known = noted_values(study, participant)
    lock = answers_folder(study, participant) / "in_use"
    busy = f"another program is asking participant {participant} (or has {lock} open): end it first"
    with one_at_a_time(lock, busy=busy), stopped_by_signals() as requests, open_stage(planned) as stage:
        requests.wait_for_checks()
        stage = Stage(**{**vars(stage), "check": requests.check})
        try:
            for one in planned:
                administration = one.begun or _begin(study, participant, one, stage, simulated=simulated)
                put_form(administration, stage, known=known)
            say_thanks(stage)
        except (SessionStopped, KeyboardInterrupt) as stopped:
            left = [one for one in planned if not _is_finished(study, participant, one)]
            return (str(stopped) or "the program was ended with Ctrl-C") if left else None
    return None


def noted_values(study: Path, participant: str) -> dict[str, str]:
    """Return what participants.tsv, or the record of a session that is not in it yet, says of a participant.

    Examples
    --------
    >>> noted_values(Path("no_study"), "007")
    {}
    """
    label = participant_label(participant)
    listed = study / "participants.tsv"
    rows = read_table(listed) if listed.is_file() else []
    for row in rows:
        if row.get("participant_id") == label:
            return {name: value for name, value in row.items() if value != MISSING}
    session = live_folder(study, participant) / "session.json"
    person: Mapping[str, Any] = read_json(session).get("person", {}) if session.is_file() else {}
    return {name: str(value) for name, value in person.items() if value is not None}


def _time_of(form: Form, time: str | None) -> str | None:
    """Return the time under which a questionnaire is written down."""
    if not form.times:
        return None
    names = [name for name, _ in form.times]
    if time not in names:
        raise ValueError(
            f"{form.name} is asked at {' and '.join(names)}: say which with --time"
            + (f", found {time!r}" if time else "")
        )
    return time


def _new(form: Form, time: str | None, order: str, seed: int | None) -> Planned:
    names = [item.id for item in form.items]
    own_seed = None
    if order == "random":
        own_seed = secrets.randbelow(2**32) if seed is None else seed
        if own_seed < 0:
            raise ValueError(f"a seed is a whole number from 0, found {own_seed}")
        names = [names[place] for place in np.random.default_rng(own_seed).permutation(len(names))]
    return Planned(form=form, time=time, order=tuple(names), order_kind=order, seed=own_seed)


def _refuse_old(one: Administration, participant: str, now: datetime, resume: bool) -> None:
    pause = now - one.last
    minutes = round(pause.total_seconds() / 60)
    if pause > LONGEST_PAUSE and not resume:
        raise ValueError(
            f"{one.label} of participant {participant} was interrupted {minutes} minutes ago, after "
            f"{len(one.answers)} of {len(one.form.items)} items. To go on with it now, add --resume; to ask "
            "all of it anew, add --again (both keep what was answered)"
        )


def _begin(study: Path, participant: str, one: Planned, stage: Stage, *, simulated: bool) -> Administration:
    record = {
        "participant": participant,
        "time": one.time,
        "started": stage.wall().isoformat(timespec="milliseconds"),
        "language": one.form.language,
        "simulated": simulated,
        "order_kind": one.order_kind,
        "seed": one.seed,
        "order": list(one.order),
        "display": stage.display.describe(),
        **software(),
        "form": dict(one.form.content),
    }
    return begin_administration(study, participant, record)


def _is_finished(study: Path, participant: str, one: Planned) -> bool:
    if one.begun is not None:
        return read_administration(one.begun.folder).finished
    last = [found for found in read_administrations(study, participant) if found.label == one.label]
    return bool(last) and last[-1].finished
