"""Saving: landmark files are written over only with a copy of what they held, or into a new folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stimuli.editor.open_pair import OpenPair
from stimuli.landmark_files import LandmarkFormat
from stimuli.landmark_table import write_landmarks, write_source
from stimuli.manifest import file_sha256
from stimuli.pairs import PairTable
from stimuli.sources import PairSources, Source, read_sources

BACKUP = ".before_edit"
"""Part of a copy's name, before its number."""


class SavePlan(NamedTuple):
    """What saving would do."""

    files: Sequence[Path]
    """Landmark files that would be written over."""
    backups: Sequence[Path]
    """Those of which a copy would be kept first."""
    changed_outside: Sequence[Path]
    """Those that another program changed since they were opened."""
    without_file: Sequence[str]
    """Changed pairs for which the table names no landmark files; they need a new folder."""


class Storage:
    """The landmark files of a table, and what this program did to them."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def plan(self, pairs: Iterable[OpenPair]) -> SavePlan:
        """Say what saving the changes of some pairs would do, without doing it."""
        files: list[Path] = []
        without_file, outside, backups = [], [], []
        for pair in pairs:
            if not pair.document.changed:
                continue
            if None in pair.sources.pair.landmark_files:
                without_file.append(pair.sources.pair.pair)
                continue
            for source in _changed_sources(pair):
                path = _file(source)
                if path in files:
                    continue
                files.append(path)
                if self._needs_backup(path):
                    backups.append(path)
                if self._changed_outside(path, source):
                    outside.append(path)
        return SavePlan(files, backups, outside, without_file)

    def save(self, pairs: Iterable[OpenPair]) -> list[Path]:
        """Write the changed landmarks over the files that the table names.

        Parameters
        ----------
        pairs
            Pairs, all of which have landmark files.

        Returns
        -------
        list of Path
            The copies that were made of the former files.
        """
        copies = []
        for pair in pairs:
            for source in _changed_sources(pair):
                path = _file(source)
                if self._needs_backup(path):
                    copies.append(_copy(path))
                write_source(path, source)
                self._known[path] = file_sha256(path)
            pair.document.mark_saved()
        return copies

    def _needs_backup(self, path: Path) -> bool:
        """Whether a file holds anything but what was saved here."""
        return path.is_file() and self._known.get(path) != file_sha256(path)

    def _changed_outside(self, path: Path, source: Source) -> bool:
        return path.is_file() and file_sha256(path) != self._known.get(path, source.landmark_sha256)


def save_to_folder(
    table: PairTable,
    pairs: Mapping[str, OpenPair],
    folder: Path,
    *,
    to: LandmarkFormat = "json",
    progress: Callable[[int], None] = lambda n_done: None,
) -> Path:
    """Write the landmarks of all pairs, edited or not, and a table that names them, into a new folder.

    Parameters
    ----------
    table
        The table of pairs.
    pairs
        Pairs that have been opened, by name. The others' landmarks are found or read now; a pair that cannot
        be used stays in the new table as it is in the old one.
    folder
        A new or empty folder.
    to
        Format of the landmark files.
    progress
        Called with the number of pairs that are done.

    Returns
    -------
    Path
        The new table.

    Raises
    ------
    FileExistsError
        If the folder holds anything.
    """
    sources: list[PairSources] = []
    for n_done, row in enumerate(table.pairs):
        progress(n_done)
        if row.pair in pairs:
            sources.append(pairs[row.pair].edited_sources())
            continue
        try:
            sources += read_sources([row])
        except (ValueError, FileNotFoundError):
            continue
    return write_landmarks(table, sources, folder, to=to)


def free_folder(wanted: Path) -> Path:
    """Return a folder's name, with the first number from 2 on that is free if it is taken."""
    folder, number = wanted, 1
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}_{number}")
    return folder


def _changed_sources(pair: OpenPair) -> list[Source]:
    edited = pair.edited_sources()
    both = zip((edited.first, edited.second), pair.document.unsaved, strict=True)
    return [source for source, unsaved in both if unsaved]


def _file(source: Source) -> Path:
    if source.landmark_file is None:
        raise ValueError(f"no landmark file is named for {source.photograph.name}")
    return source.landmark_file


def _copy(path: Path) -> Path:
    number = 1
    while (copy := path.with_name(f"{path.stem}{BACKUP}{number}{path.suffix}")).exists():
        number += 1
    shutil.copy2(path, copy)
    return copy
