"""The files of an allocation, opened and checked against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.allocation.register import Place, Register, read_register
from experiments.allocation.settings import SETTINGS_NAME, AllocationSettings, read_settings
from experiments.dataset.chained_log import ChainedLog
from experiments.dataset.sealed_key import FOLDER, KEY_NAME, LOG_NAME
from experiments.dataset.tables import read_table, write_table

PACKAGES_NAME = "packages.tsv"
ACCEPTED = "accept_damage"
"""Action of the entry with which whoever keeps the key lets a study go on with a damaged log."""


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """An allocation on disk; nothing in it tells a group."""

    study: Path
    settings: AllocationSettings
    places: tuple[Place, ...]
    log: ChainedLog

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.study / FOLDER

    @property
    def default_key(self) -> Path:
        """Where the sealed key is, unless it was put elsewhere."""
        return self.folder / KEY_NAME

    def register(self) -> Register:
        """Read who has which package now."""
        return read_register(self.log.entries(), self.places)

    def problems(self, *, key: bytes | None = None, receipts: tuple[str, ...] = ()) -> list[str]:
        """Say what was changed since it was made: in the log, in the settings, in the list of packages."""
        found = self.log.problems(key=key, receipts=receipts)
        entries = self.log.entries()
        if not entries or entries[0].action != "create" or entries[0].details.get("id") != self.settings.id:
            return [*found, "the log is that of another allocation"]
        hashes = entries[0].details["sha256"]
        changed = [name for name, known in hashes.items() if file_hash(self.folder / name) != known]
        return [*found, *(f"{name} was changed since it was made" for name in changed)]

    def check(self) -> None:
        """Refuse to go on where something was changed and nobody with the key has accepted that.

        Raises
        ------
        ValueError
            The message says what was changed.
        """
        accepted: set[str] = set()
        for entry in self.log.entries():
            if entry.action == ACCEPTED and entry.signature:
                accepted |= set(entry.details["problems"])
        new = [problem for problem in self.problems() if problem not in accepted]
        if new:
            raise ValueError(
                f"the allocation in {self.folder} is not as it was written: {'; '.join(new)}. Put the copy "
                "of the file back; or whoever keeps the key looks into it and lets the study go on with: "
                "python -m experiments.allocation STUDY accept-damage --reason WHY"
            )


def open_allocation(study: Path, *, check: bool = True) -> Allocation:
    """Open a study's allocation.

    Parameters
    ----------
    study : Path
        Folder of the study.
    check : bool
        Whether to refuse files that were changed.

    Raises
    ------
    FileNotFoundError
        If there is none, or a file of it is missing.
    ValueError
        If files were changed.
    """
    folder = study / FOLDER
    settings = read_settings(folder)
    path = folder / PACKAGES_NAME
    if not path.is_file():
        raise FileNotFoundError(f"there is no list of packages {path}: take the copy of it")
    allocation = Allocation(
        study=study, settings=settings, places=read_places(path), log=ChainedLog(folder / LOG_NAME)
    )
    if check:
        allocation.check()
    return allocation


def has_allocation(study: Path) -> bool:
    """Say whether a study has an allocation."""
    return (study / FOLDER / SETTINGS_NAME).is_file()


def write_places(path: Path, places: Sequence[Place], *, replacement_packages: int) -> None:
    """Write the list of packages."""
    columns = _replacement_columns(replacement_packages)
    rows: Iterable[dict[str, object]] = (
        {
            "stratum": place.stratum,
            "position": place.position,
            "package": place.package,
            **dict(zip(columns, place.replacements, strict=True)),
        }
        for place in places
    )
    write_table(path, ("stratum", "position", "package", *columns), rows)


def read_places(path: Path) -> tuple[Place, ...]:
    """Read the list of packages.

    Raises
    ------
    ValueError
        If it cannot be understood.
    """
    try:
        return tuple(
            Place(
                stratum=row["stratum"],
                position=int(row["position"]),
                package=row["package"],
                replacements=tuple(value for name, value in row.items() if name.startswith("replacement_")),
            )
            for row in read_table(path)
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}): take the copy of it") from None


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or "absent"."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"


def _replacement_columns(n: int) -> list[str]:
    return [f"replacement_{number}" for number in range(1, n + 1)]
