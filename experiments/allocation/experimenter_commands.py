"""The experimenter's commands: assign, pill, dropout, replace, note, status."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, get_args

import typer

from experiments.allocation.actions import (
    assign,
    drop_out,
    record_pill,
    replace_package,
    replace_participant,
    write_note,
)
from experiments.allocation.command_line import AsJson, By, Participant, Reason, answer, given, study_of
from experiments.allocation.files import open_allocation
from experiments.allocation.pill import minutes_since_pill
from experiments.allocation.register import Policy, count_strata
from experiments.allocation.times import duration_words, moment_of, now_here


class PolicyChoice(str, Enum):
    """Which package a replacement gets."""

    next = "next"
    same_group = "same-group"


def assign_command(
    context: typer.Context,
    participant: Participant,
    sex: Annotated[
        str | None, typer.Option(help="Where the list is stratified by sex, such as F.", show_default=False)
    ] = None,
    stratum: Annotated[
        list[str] | None,
        typer.Option(
            help="Another factor with its level, such as site=Vienna; can be given several times.",
            show_default=False,
        ),
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give a new participant the next package: only its code is shown."""
    allocation = open_allocation(study_of(context))
    levels: dict[str, str | None] = {"sex": sex}
    for pair in stratum or []:
        factor, sign, level = pair.partition("=")
        if not sign or not level.strip():
            raise ValueError(f"--stratum takes a factor and its level, such as site=Vienna; found {pair!r}")
        levels[factor.strip()] = level
    person, entry = assign(allocation, participant, levels, given(by))
    answer(
        [f"Participant {participant} ({person.stratum}) gets the package", "", f"    {person.package}", ""],
        entry,
        as_json=as_json,
        participant=participant,
        stratum=person.stratum,
        package=person.package,
    )


def pill_command(
    context: typer.Context,
    participant: Participant,
    time: Annotated[
        str | None, typer.Option(help="Time of day, such as 09:35 [default: now].", show_default=False)
    ] = None,
    date: Annotated[
        str | None, typer.Option(help="Day, such as 2026-11-22, where it was not today.", show_default=False)
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(help="Code on the package: a wrong one is noticed.", show_default=False),
    ] = None,
    correct: Annotated[bool, typer.Option("--correct", help="An earlier entry was wrong.")] = False,
    deviation: Annotated[
        bool, typer.Option("--deviation", help="The pill was taken from another package by mistake.")
    ] = False,
    reason: Reason = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Write down when the pill was taken."""
    allocation = open_allocation(study_of(context))
    who = given(by, reason)
    moment = moment_of(time, date, now=who.now)
    person, entry = record_pill(
        allocation, participant, moment, who, package=package, correct=correct, deviation=deviation
    )
    first, last = allocation.settings.window_min
    lines = [
        f"Participant {participant} took the pill at {moment:%H:%M} ({moment:%Y-%m-%d}), package "
        f"{person.taken_package or person.package + ' (its code was not checked: --package)'}.",
        f"The task may begin {duration_words(first)} to {duration_words(last)} later.",
    ]
    if person.deviates:
        lines.append(f"DEVIATION: the package {person.package} was meant for this participant.")
    summary = {"participant": participant, "pill_time": moment.isoformat(timespec="seconds")}
    answer(lines, entry, as_json=as_json, **summary, deviation=person.deviates)


def dropout_command(
    context: typer.Context,
    participant: Participant,
    reason: Reason = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Write down that a participant has left; nothing is given back to the list."""
    _, entry = drop_out(open_allocation(study_of(context)), participant, given(by, reason))
    answer(
        [f"Participant {participant} has left the study."], entry, as_json=as_json, participant=participant
    )


def replace_command(
    context: typer.Context,
    participant: Annotated[
        str, typer.Option(help="Who has left; or whose package was lost.", show_default=False)
    ],
    newcomer: Annotated[
        str | None,
        typer.Option("--with", help="Id of the new participant.", show_default=False),
    ] = None,
    policy: Annotated[
        PolicyChoice,
        typer.Option(help="The next package of the list; or one with the same content as the dropout's."),
    ] = PolicyChoice.next,
    lost_package: Annotated[
        bool, typer.Option("--lost-package", help="The same participant, another package, same content.")
    ] = False,
    reason: Reason = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Let a new participant replace a dropout (--with ID), or replace a lost package (--lost-package)."""
    if (newcomer is None) == (not lost_package):
        raise ValueError("say who comes instead (--with ID), or that the package was lost (--lost-package)")
    allocation = open_allocation(study_of(context))
    if newcomer is None:
        person, entry = replace_package(allocation, participant, given(by, reason))
    else:
        chosen: Policy = get_args(Policy)[[*PolicyChoice].index(policy)]
        person, entry = replace_participant(allocation, participant, newcomer, chosen, given(by, reason))
    lines = [
        f"Participant {person.participant} ({person.stratum}) gets the package",
        "",
        f"    {person.package}",
        "",
    ]
    summary = {"participant": person.participant, "replaces": person.replaces, "package": person.package}
    answer(lines, entry, as_json=as_json, **summary)


def note_command(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What happened.", show_default=False)],
    participant: Annotated[str | None, typer.Option(help="Whom it is about.", show_default=False)] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Write something down that no other command does, such as a wrong sex at the assignment."""
    entry = write_note(open_allocation(study_of(context)), text, given(by), participant)
    answer(["Noted."], entry, as_json=as_json)


def status_command(
    context: typer.Context,
    participant: Annotated[str | None, typer.Option(help="Only this one.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Count who is allocated in each stratum, without a look at groups; or show how one person stands."""
    study = study_of(context)
    allocation = open_allocation(study)
    register = allocation.register()
    last = allocation.log.entries()[-1]
    if participant is not None:
        person = register.person(participant)
        minutes = minutes_since_pill(study, participant, now_here())
        lines = [f"Participant {participant} ({person.stratum}): package {person.package}"]
        lines += [f"  allocated {person.assigned:%Y-%m-%d %H:%M}"]
        if person.pill is not None and minutes is not None:
            lines += [f"  pill {person.pill:%Y-%m-%d %H:%M}, {duration_words(minutes)} ago"]
        lines += [f"  left {person.dropout:%Y-%m-%d %H:%M}"] if person.dropout else []
        lines += [f"  replaces {person.replaces}"] if person.replaces else []
        lines += [f"  replaced by {person.replaced_by}"] if person.replaced_by else []
        summary = {"package": person.package, "stratum": person.stratum, "minutes_since_pill": minutes}
        return answer(lines, last, as_json=as_json, participant=participant, **summary)
    rows = count_strata(register, allocation.settings.n_in)
    columns = list(rows[0])
    width = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in columns}
    lines = ["  ".join(name.replace("_", " ").rjust(width[name]) for name in columns)]
    lines += ["  ".join(str(row[name]).rjust(width[name]) for name in columns) for row in rows]
    groups = ", ".join(
        f"{group} {part}"
        for group, part in zip(allocation.settings.groups, allocation.settings.ratio, strict=True)
    )
    lines.append(f"Ratio of the groups: {groups}. Who is in which is sealed.")
    return answer(lines, last, as_json=as_json, strata=rows)
