"""What the experimenter does: all of it goes into the log, and none of it tells a group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.allocation.codes import read_code
from experiments.allocation.files import Allocation
from experiments.allocation.register import Allocated, Policy, Register
from experiments.allocation.settings import choose_stratum
from experiments.dataset.chained_log import LogEntry
from experiments.dataset.tables import participant_label


@dataclass(frozen=True, kw_only=True)
class Given:
    """Who gives a command, when, and why."""

    by: str
    now: datetime
    reason: str | None = None

    def need_reason(self, what: str) -> None:
        """Refuse a command without a reason.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not (self.reason or "").strip():
            raise ValueError(f"{what} needs a reason, which goes into the log: --reason WHY")


def assign(
    allocation: Allocation, participant: str, levels: Mapping[str, str | None], given: Given
) -> tuple[Allocated, LogEntry]:
    """Give the next package of the participant's stratum.

    Parameters
    ----------
    allocation : Allocation
        The study's.
    participant : str
        Id of letters and digits.
    levels : mapping
        Factor -> level of this participant, such as sex -> F.
    given : Given
        Who and when.

    Returns
    -------
    tuple of Allocated and LogEntry
        The participant with the code of the package, and the entry of the log.

    Raises
    ------
    FileExistsError
        If the participant has a package already.
    ValueError
        If the stratum is not known, or its list is used up.
    """
    participant_label(participant)
    stratum = choose_stratum(allocation.settings, levels)
    with allocation.log.held():
        register = allocation.register()
        _refuse_known(register, participant)
        place = register.next_place(stratum)
        entry = _write(
            allocation, "assign", given, participant=participant, stratum=stratum, package=place.package
        )
    return allocation.register().person(participant), entry


def record_pill(
    allocation: Allocation,
    participant: str,
    moment: datetime,
    given: Given,
    *,
    package: str | None = None,
    correct: bool = False,
    deviation: bool = False,
) -> tuple[Allocated, LogEntry]:
    """Write down when the pill was taken.

    Parameters
    ----------
    allocation : Allocation
        The study's.
    participant : str
        Who took it.
    moment : datetime
        When, with its time zone.
    given : Given
        Who writes it down.
    package : str, optional
        Code on the package, to be compared with the one that is meant.
    correct : bool
        Whether an earlier entry was wrong; needs a reason.
    deviation : bool
        Whether the pill was really taken from another package; needs a reason.

    Raises
    ------
    FileExistsError
        If a pill is written down already and `correct` is False.
    ValueError
        If the participant has no package or has left, or the package is another one.
    """
    with allocation.log.held():
        person = allocation.register().person(participant)
        if person.dropout is not None and not correct:
            raise ValueError(
                f"participant {participant} has left the study ({person.dropout:%Y-%m-%d %H:%M})"
            )
        if person.pill is not None and not correct:
            raise FileExistsError(
                f"participant {participant} took the pill at {person.pill:%Y-%m-%d %H:%M}, as the log says. "
                "If that is wrong, give --correct and a --reason"
            )
        if correct or deviation:
            given.need_reason(
                "a correction" if correct else "a package that was not meant for the participant"
            )
        taken = None
        if package is not None:
            taken = _checked_package(allocation, person, package, deviation=deviation)
        details: dict[str, Any] = {"participant": participant, "time": moment.isoformat(timespec="seconds")}
        details |= {"package": taken} if taken is not None else {}
        details |= {"deviation": True} if taken not in (None, person.package) else {}
        entry = _write(allocation, "pill", given, **details)
    return allocation.register().person(participant), entry


def drop_out(allocation: Allocation, participant: str, given: Given) -> tuple[Allocated, LogEntry]:
    """Write down that a participant has left; the place of the list stays used.

    Raises
    ------
    FileExistsError
        If that is written down already.
    ValueError
        If the participant has no package, or there is no reason.
    """
    given.need_reason("a dropout")
    with allocation.log.held():
        person = allocation.register().person(participant)
        if person.dropout is not None:
            raise FileExistsError(f"participant {participant} is in the log as a dropout already")
        entry = _write(allocation, "dropout", given, participant=participant)
    return allocation.register().person(participant), entry


def replace_participant(
    allocation: Allocation, participant: str, newcomer: str, policy: Policy, given: Given
) -> tuple[Allocated, LogEntry]:
    """Let a new participant take the place of one who has left, in the same stratum.

    Parameters
    ----------
    allocation : Allocation
        The study's.
    participant : str
        Who has left.
    newcomer : str
        Who comes.
    policy : {"next", "same-group"}
        Whether the newcomer gets the next package of the list, or one with the content of the dropout's.
    given : Given
        Who gives the command.

    Raises
    ------
    FileExistsError
        If the newcomer has a package, or the dropout a replacement.
    ValueError
        If the participant has not left, or no package is there.
    """
    participant_label(newcomer)
    with allocation.log.held():
        register = allocation.register()
        person = register.person(participant)
        if person.dropout is None:
            raise ValueError(
                f"participant {participant} has not left the study: write that down first (dropout "
                f"--participant {participant} --reason WHY)"
            )
        if person.replaced_by is not None:
            raise FileExistsError(f"participant {participant} is replaced by {person.replaced_by} already")
        _refuse_known(register, newcomer)
        package = (
            register.replacement_package(person.place)
            if policy == "same-group"
            else register.next_place(person.stratum).package
        )
        details = {"participant": newcomer, "replaces": participant, "policy": policy, "package": package}
        entry = _write(allocation, "replace", given, **details, stratum=person.stratum)
    return allocation.register().person(newcomer), entry


def replace_package(allocation: Allocation, participant: str, given: Given) -> tuple[Allocated, LogEntry]:
    """Give a participant, whose package was lost or damaged, another one with the same content.

    There is no way to give the same participant another place of the list: that could be used to try again.

    Raises
    ------
    ValueError
        If the pill was taken already, none is left, or there is no reason.
    """
    given.need_reason("another package")
    with allocation.log.held():
        register = allocation.register()
        person = register.person(participant)
        if person.pill is not None or person.dropout is not None:
            raise ValueError(f"participant {participant} has taken the pill already, or has left the study")
        details = {"participant": participant, "policy": "same-group", "instead_of": person.package}
        package = register.replacement_package(person.place)
        entry = _write(allocation, "replace", given, **details, package=package, stratum=person.stratum)
    return allocation.register().person(participant), entry


def write_note(allocation: Allocation, text: str, given: Given, participant: str | None = None) -> LogEntry:
    """Write something down that no other command does, such as a wrong sex at the assignment."""
    if not text.strip():
        raise ValueError("there is nothing to write down: give a --reason")
    details = {"text": text} | ({"participant": participant} if participant else {})
    return _write(allocation, "note", given, **details)


def _checked_package(allocation: Allocation, person: Allocated, typed: str, *, deviation: bool) -> str:
    package = read_code(typed)
    if package == person.package:
        return package
    if package not in {code for place in allocation.places for code in (place.package, *place.replacements)}:
        raise ValueError(
            f"there is no package {package} in this study; participant {person.participant} has "
            f"{person.package}"
        )
    if not deviation:
        raise ValueError(
            f"WRONG PACKAGE: participant {person.participant} gets {person.package}, not {package}. If the "
            f"pill was taken from {package} already, write that down with --deviation and a --reason"
        )
    return package


def _refuse_known(register: Register, participant: str) -> None:
    known = register.participants.get(participant)
    if known is not None:
        raise FileExistsError(
            f"participant {participant} has the package {known.package} since "
            f"{known.assigned:%Y-%m-%d %H:%M}: nobody is allocated twice"
        )


def _write(allocation: Allocation, action: str, given: Given, **details: Any) -> LogEntry:
    if given.reason:
        details["reason"] = given.reason
    return allocation.log.append(action, by=given.by, now=given.now, details=details)
