"""A study's folder: made once, filled by sessions and imports, never overwritten."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.dataset import descriptions
from experiments.dataset.provenance import suite_version
from experiments.dataset.tables import (
    append_row,
    participant_label,
    read_json,
    read_table,
    write_json,
    write_table,
)

BIDS_VERSION = "1.11.1"
TASK = "mimicry"


def create_study(study: Path, *, name: str, simulated: bool) -> None:
    """Make a study's folder, or check that it is one already.

    Parameters
    ----------
    study : Path
        Folder of the study.
    name : str
        Title of the dataset; used when the study is new.
    simulated : bool
        Whether its participants are simulated. Real and simulated ones never share a study.

    Raises
    ------
    ValueError
        If the folder holds something else, or a study of the other kind.
    """
    path = study / "dataset_description.json"
    if path.exists():
        if bool(read_json(path).get("simulated", False)) != simulated:
            kinds = ("real", "simulated")
            raise ValueError(
                f"{study} is a study of {kinds[not simulated]} participants; {kinds[simulated]} ones need a "
                "study folder of their own"
            )
    elif study.exists() and (not study.is_dir() or any(study.iterdir())):
        raise ValueError(f"{study} exists and is not a study: name a new or an empty folder")
    study.mkdir(parents=True, exist_ok=True)
    if not (study / "participants.tsv").exists():
        write_table(study / "participants.tsv", tuple(descriptions.PARTICIPANTS), [])
    if not (study / "participants.json").exists():
        write_json(study / "participants.json", descriptions.PARTICIPANTS, simulated=simulated)
    if not (study / "README.md").exists():
        (study / "README.md").write_text(_readme(name, simulated=simulated), encoding="utf-8", newline="\n")
    if not path.exists():
        write_json(path, _description(name), simulated=simulated)


def add_participant(
    study: Path,
    participant: str,
    *,
    age: float | None = None,
    sex: str | None = None,
    group: str | None = None,
) -> None:
    """Add a participant to ``participants.tsv``.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    age : float, optional
        Years.
    sex : str, optional
        F, M or O.
    group : str, optional
        Blind code of the group, such as A.

    Raises
    ------
    FileExistsError
        If the participant is there already.
    FileNotFoundError
        If the folder is not a study.
    """
    label = participant_label(participant)
    if is_listed(study, label) or (study / label).exists():
        raise FileExistsError(f"participant {participant} is in {study} already: take another id, or resume")
    append_row(study / "participants.tsv", {"participant_id": label, "age": age, "sex": sex, "group": group})


@contextmanager
def unfinished(study: Path, label: str, kinds: Sequence[str]) -> Iterator[Path]:
    """Give a folder to write into; when all went well, its parts move to the participant's folder."""
    description_file(study)
    target = study / label
    for kind in kinds:
        if (target / kind).exists():
            raise FileExistsError(
                f"{target / kind} exists: the dataset has this session already, nothing was changed"
            )
    folder = study / f".{label}.unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
        if not target.exists():
            folder.rename(target)
        else:
            for kind in kinds:
                (folder / kind).rename(target / kind)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def description_file(study: Path) -> Path:
    """Return the file that makes a folder a study.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = study / "dataset_description.json"
    if not path.is_file():
        raise FileNotFoundError(f"{study} is not a study: it has no dataset_description.json")
    return path


def is_listed(study: Path, label: str) -> bool:
    """Say whether a participant is in ``participants.tsv``."""
    description_file(study)
    return any(row.get("participant_id") == label for row in read_table(study / "participants.tsv"))


def _description(name: str) -> dict[str, Any]:
    generator = {"Name": "Countenance", "Version": suite_version()}
    return {"Name": name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw", "GeneratedBy": [generator]}


def _readme(name: str, *, simulated: bool) -> str:
    kind = "SIMULATED: no person took part; participants, key presses and EMG come from a program.\n\n"
    return (
        f"# {name}\n\n{kind if simulated else ''}"
        "A facial-mimicry study in the Brain Imaging Data Structure (BIDS).\n\n"
        "- `participants.tsv`: who took part, with the blind code of the group.\n"
        "- `sub-*/emg`: facial EMG of corrugator supercilii and zygomaticus major, with events.\n"
        "- `sub-*/beh`: one row per trial, with the response.\n"
        "- `phenotype`: questionnaires and the circumstances of the session, where they were recorded.\n"
        "- `sourcedata`: every session as it was written while it ran, and the amplifier's own files.\n"
        "- `derivatives`: what was computed from these data.\n\n"
        "Each table (.tsv) has a file (.json) beside it that explains its columns.\n"
    )
