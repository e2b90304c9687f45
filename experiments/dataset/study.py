"""A study's folder: made once, filled by sessions and imports, never overwritten."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.dataset import descriptions
from experiments.dataset.durable import sync_file, sync_folder
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


def live_folder(study: Path, participant: str, run: int = 1) -> Path:
    """Return the folder in which a session is written while it runs.

    Raises
    ------
    ValueError
        If the id has other characters than letters and digits.

    Examples
    --------
    >>> live_folder(Path("study"), "007").as_posix()
    'study/sourcedata/sub-007'
    >>> live_folder(Path("study"), "007", 2).as_posix()
    'study/sourcedata/sub-007/run-2'
    """
    folder = study / "sourcedata" / participant_label(participant)
    return folder if run == 1 else folder / f"run-{run}"


def file_stem(participant: str, run: int = 1) -> str:
    """Return how the names of a session's files in the dataset begin; the first run is not numbered.

    >>> file_stem("007"), file_stem("007", 2)
    ('sub-007_task-mimicry', 'sub-007_task-mimicry_run-02')
    """
    stem = f"{participant_label(participant)}_task-{TASK}"
    return stem if run == 1 else f"{stem}_run-{run:02}"


def run_of(name: str) -> int:
    """Return the run that a file of the dataset belongs to.

    >>> run_of("sub-007_task-mimicry_run-02_beh.tsv"), run_of("sub-007_task-mimicry_beh.tsv")
    (2, 1)
    """
    found = re.search(r"_run-(\d+)_", name)
    return int(found[1]) if found else 1


def files_of_run(study: Path, label: str, run: int, kinds: Sequence[str] = ("emg", "beh")) -> list[Path]:
    """Return the files of one run in the dataset, of these kinds; what all runs share is not among them."""
    files = [file for kind in kinds for file in sorted((study / label / kind).glob(f"{label}_task-{TASK}_*"))]
    return [file for file in files if run_of(file.name) == run]


def is_in_dataset(study: Path, label: str, run: int) -> bool:
    """Say whether the dataset has a run, and nothing of the participant is still on its way there."""
    on_its_way = _pending(study, label, "complete").exists()
    return not on_its_way and bool(files_of_run(study, label, run, ("beh",)))


@contextmanager
def unfinished(study: Path, label: str, kinds: Sequence[str], run: int = 1) -> Iterator[Path]:
    """Give a folder to write into; when all went well, its files move to the participant's folder.

    A program that is killed while the files move leaves them in a folder of their own, from which
    `finish_moves` goes on; one that is killed before leaves a folder that the next call removes.

    Raises
    ------
    FileExistsError
        If the dataset has files of this run already, of one of the kinds.
    """
    description_file(study)
    finish_moves(study, label)
    if files_of_run(study, label, run, kinds):
        raise FileExistsError(
            f"{study / label} has this session already ({file_stem(label[4:], run)}): nothing was changed"
        )
    folder = _pending(study, label, "unfinished")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        for path in folder.glob("*/*"):
            sync_file(path)
        folder.rename(_pending(study, label, "complete"))
        finish_moves(study, label)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def finish_moves(study: Path, label: str) -> bool:
    """Move files that are complete to their place in the dataset, also after a program was killed on the way.

    Returns
    -------
    bool
        Whether there were any.

    Raises
    ------
    FileExistsError
        If another file has a name already; what all runs of a participant share may be there already.
    """
    pending = _pending(study, label, "complete")
    if not pending.exists():
        return False
    for source in sorted(pending.glob("*/*")):
        target = study / label / source.parent.name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            source.rename(target)
        elif source.read_bytes() != target.read_bytes():
            raise FileExistsError(f"{target} exists and differs from {source}: move one of them away")
    for folder in {target.parent for target in (study / label).glob("*/*")}:
        sync_folder(folder)
    shutil.rmtree(pending)
    return True


def _pending(study: Path, label: str, state: str) -> Path:
    """Return a folder for files on their way into the dataset, where no reader of the dataset looks."""
    return study / "sourcedata" / f".{label}.{state}"


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
