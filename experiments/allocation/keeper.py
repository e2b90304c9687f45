"""What whoever keeps the key does: makes the list, and opens it when there is a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.allocation.actions import Given
from experiments.allocation.blocks import draw_list
from experiments.allocation.files import (
    ACCEPTED,
    PACKAGES_NAME,
    Allocation,
)
from experiments.allocation.settings import SETTINGS_NAME
from experiments.dataset.chained_log import LogEntry
from experiments.dataset.sealed_key import (
    open_logged,
    signing_key,
)
from experiments.dataset.study import is_listed
from experiments.dataset.tables import participant_label, read_table, read_text, write_table


@dataclass(frozen=True, kw_only=True)
class Key:
    """Where the sealed key is, and what opens it."""

    path: Path
    passphrase: str


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """What one participant was given."""

    participant: str
    package: str
    group: str
    taken_package: str | None = None
    """The package the pill came from, where it is another one."""
    taken_group: str | None = None
    entry: LogEntry


def unseal(allocation: Allocation, key: Key, given: Given) -> tuple[list[dict[str, Any]], LogEntry]:
    """Open the whole list, to pack or to end the study.

    Returns
    -------
    tuple of list of dict and LogEntry
        One row per package: `package group blind_code stratum position block block_size replacement
        participant`.
    """
    given.need_reason("unsealing the list")
    content, entry = _opened(allocation, key, "unseal", given, {})
    people = allocation.register().participants.values()
    owners = {package: person.participant for person in people for package in person.packages}
    letters = {group: letter for letter, group in content["codes"].items()}
    rows = []
    for slot in content["slots"]:
        for number, package in enumerate((slot["package"], *slot["replacements"])):
            row = {name: slot[name] for name in ("group", "stratum", "position", "block", "block_size")}
            row |= {"package": package, "blind_code": letters[slot["group"]], "replacement": number}
            rows.append(row | {"participant": owners.get(package)})
    return rows, entry


LIST_COLUMNS = (
    *("package", "group", "blind_code", "stratum", "position", "block", "block_size"),
    *("replacement", "participant"),
)
"""Columns of the unsealed list."""


def write_list(path: Path, rows: Sequence[Mapping[str, Any]], *, study: Path) -> None:
    """Write the unsealed list, anywhere but where the experimenters work.

    Raises
    ------
    ValueError
        If that is inside the study.
    FileExistsError
        If the file exists.
    """
    check_outside(path, study)
    write_table(path, LIST_COLUMNS, rows)


def check_outside(path: Path, study: Path) -> None:
    """Refuse a place for the unsealed list that is inside the study, taken, or not there."""
    if study.resolve() in path.resolve().parents:
        raise ValueError(
            f"{path} is in the study's folder, where experimenters work: write the list elsewhere"
        )
    if path.exists():
        raise FileExistsError(f"{path} exists and is not written over: name a new file")
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.resolve().parent} to write the list into")


def reveal(allocation: Allocation, participant: str, key: Key, given: Given) -> Revealed:
    """Say what one participant was given: for an emergency.

    Raises
    ------
    ValueError
        If the participant has no package, or there is no reason.
    """
    given.need_reason("revealing a participant's group")
    person = allocation.register().person(participant)
    content, entry = _opened(allocation, key, "reveal", given, {"participant": participant})
    group_of = _groups_of_packages(content)
    taken = person.taken_package if person.deviates else None
    return Revealed(
        participant=participant,
        package=person.package,
        group=group_of[person.package],
        taken_package=taken,
        taken_group=group_of[taken] if taken else None,
        entry=entry,
    )


def release(allocation: Allocation, key: Key, given: Given) -> tuple[dict[str, str], list[str], LogEntry]:
    """Write the blind codes of the groups (A, B, ...) into participants.tsv, for a blind analysis.

    Returns
    -------
    tuple of dict, list of str and LogEntry
        Participant -> code, for all that were written or were there; allocated participants who are not in
        participants.tsv yet; the entry of the log.

    Raises
    ------
    ValueError
        If participants.tsv has another group for somebody.
    """
    given.need_reason("releasing the blind codes")
    content, entry = _opened(allocation, key, "release", given, {})
    group_of = _groups_of_packages(content)
    letters = {group: letter for letter, group in content["codes"].items()}
    people = allocation.register().participants.values()
    codes = {person.participant: letters[group_of[person.package]] for person in people}
    missing = [name for name in codes if not is_listed(allocation.study, participant_label(name))]
    listed = {name: code for name, code in codes.items() if name not in missing}
    _fill_groups(allocation.study / "participants.tsv", listed)
    return listed, missing, entry


def verify(
    allocation: Allocation, key: Key | None, given: Given, receipts: tuple[str, ...] = ()
) -> list[str]:
    """Look for everything that was changed since the list was made; with the key, much more is found.

    Returns
    -------
    list of str
        What is wrong, one sentence each.
    """
    if key is None:
        return allocation.problems(receipts=receipts)
    content, _ = _opened(allocation, key, "verify", given, {})
    problems = allocation.problems(key=signing_key(content), receipts=receipts)
    first = allocation.log.entries()[:1]
    if not any(entry.signature for entry in first):
        problems.append("the log's first entry was not signed with the sealed key")
    settings = allocation.settings
    if content["settings"] != json.loads(json.dumps(settings.record())):
        problems.append(f"{SETTINGS_NAME} is not the one that was sealed")
    sealed = {
        (slot["stratum"], slot["position"], slot["package"], *slot["replacements"])
        for slot in content["slots"]
    }
    if sealed != {(p.stratum, p.position, p.package, *p.replacements) for p in allocation.places}:
        problems.append(f"{PACKAGES_NAME} is not the one that was sealed")
    again = draw_list(
        settings.n_in,
        groups=settings.groups,
        ratio=settings.ratio,
        multiples=content["block_multiples"],
        seed=int(content["seed"], 16),
    )
    if [slot.group for slot in again] != [slot["group"] for slot in content["slots"]]:
        problems.append(
            f"the sealed list does not follow from its seed with numpy {np.__version__} (it was drawn with "
            f"{content['numpy']})"
        )
    return problems


def accept_damage(allocation: Allocation, key: Key, given: Given) -> tuple[list[str], LogEntry]:
    """Let a study go on whose files were changed; what was found stands in the log from now on."""
    given.need_reason("accepting changed files")
    content, _ = _opened(allocation, key, "look at damage", given, {})
    problems = allocation.problems()
    details = {"problems": problems, "reason": given.reason}
    entry = allocation.log.append(
        ACCEPTED, by=given.by, now=given.now, details=details, key=signing_key(content)
    )
    return problems, entry


def _opened(
    allocation: Allocation, key: Key, action: str, given: Given, details: dict[str, Any]
) -> tuple[dict[str, Any], LogEntry]:
    if given.reason:
        details = {**details, "reason": given.reason}
    return open_logged(
        key.path,
        study=allocation.study,
        passphrase=key.passphrase,
        action=action,
        by=given.by,
        details=details,
        now=given.now,
    )


def _groups_of_packages(content: Mapping[str, Any]) -> dict[str, str]:
    slots = content["slots"]
    return {package: slot["group"] for slot in slots for package in (slot["package"], *slot["replacements"])}


def _fill_groups(path: Path, codes: Mapping[str, str]) -> None:
    """Fill empty cells of the column group; where one says something else, nothing is written."""
    rows = read_table(path)
    lines = read_text(path).splitlines()
    columns = lines[0].split("\t") if lines else []
    if "group" not in columns:
        raise ValueError(f"{path} has no column group: add it by hand with n/a in its rows")
    by_label = {participant_label(name): code for name, code in codes.items()}
    for row in rows:
        code, found = by_label.get(row["participant_id"]), row.get("group", "n/a")
        if code is not None and found not in ("n/a", "", code):
            raise ValueError(
                f"{path} has the group {found} for {row['participant_id']}, the sealed key another: set it "
                "to n/a if it was typed in by mistake. Nothing was changed"
            )
        row["group"] = code or found
    unfinished = path.with_name("participants.tsv.unfinished")
    unfinished.unlink(missing_ok=True)
    write_table(unfinished, columns, rows)
    unfinished.replace(path)
