"""The production of a set: all videos of a table of pairs, the manifest and the quality report."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from stimuli.contact_sheet import stack_pictures
from stimuli.manifest import (
    COLUMNS,
    DICTIONARY_NAME,
    MANIFEST_NAME,
    StimulusVideo,
    file_sha256,
    read_manifest,
    write_json,
    write_manifest,
    write_text,
)
from stimuli.pair_videos import make_pair_videos
from stimuli.pairs import PairTable, read_pairs
from stimuli.parameters import MorphParameters
from stimuli.photographs import read_photograph, write_png
from stimuli.quality import FIGURES
from stimuli.sources import PairSources, read_sources
from stimuli.versions import versions
from stimuli.video import UNFINISHED_SUFFIX
from stimuli.workers import run_jobs

VIDEO_FOLDER = "videos"
QUALITY_FOLDER = "quality"
CONTACT_SHEET = "contact_sheet.png"
QUALITY_TABLE = "quality.tsv"


def make_set(
    table: Path, folder: Path, *, parameters: MorphParameters, workers: int = 1, progress: bool = False
) -> list[StimulusVideo]:
    """Make all videos of a table of pairs, or the ones that an interrupted run has not made yet.

    Parameters
    ----------
    table
        Table of pairs, see `stimuli.pairs.read_pairs`.
    folder
        Folder of the set: new, empty, or one that was begun with the same parameters.
    parameters
        How the videos are made.
    workers
        Number of processes; the videos do not depend on it. With more than 1, the calling script must be
        importable (``if __name__ == "__main__":``).
    progress
        Whether to show progress bars.

    Returns
    -------
    list of StimulusVideo
        The set as its manifest lists it.

    Raises
    ------
    FileNotFoundError
        If the table or one of its files does not exist.
    ValueError
        If the table, a photograph or a landmark file cannot be used.
    FileExistsError
        If the folder holds something else, or a set made with other parameters.
    """
    pairs = read_pairs(table)
    description = _description(pairs, parameters)
    _check_folder(folder, description)
    sources = read_sources(tqdm(pairs.pairs, desc="photographs", unit="pair", disable=not progress))
    _begin(folder, description)
    todo = [source for source in sources if not is_finished(folder, source, pairs.directions)]
    _make_pairs(todo, folder, pairs, parameters, workers=workers, progress=progress)
    rows = [read_row(folder, source, direction) for source in sources for direction in pairs.directions]
    write_manifest(folder, rows, description=description)
    _write_quality(folder, rows, sources)
    return read_manifest(folder)


def is_finished(folder: Path, sources: PairSources, directions: Sequence[str]) -> bool:
    """Tell whether both videos of a pair are complete, unchanged, and made from these very files."""
    return all(_is_video_finished(folder, sources, direction) for direction in directions)


def _is_video_finished(folder: Path, sources: PairSources, direction: str) -> bool:
    sidecar = _sidecar_path(folder, sources.pair.pair, direction)
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        made_from = [source["sha256"] for source in content["photographs"].values()]
        landmarks = [source["landmarks_sha256"] for source in content["photographs"].values()]
        same_video = file_sha256(folder / content["file"]) == content["file_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    both = (sources.first, sources.second)
    return (
        same_video
        and made_from == [source.photograph_sha256 for source in both]
        and landmarks == [source.landmark_sha256 for source in both]
        and (content["identity"], content["sex"]) == (sources.pair.identity, sources.pair.sex)
        and strip_path(folder, sources.pair.pair).is_file()
    )


def read_row(folder: Path, sources: PairSources, direction: str) -> StimulusVideo:
    """Make a video's row of the manifest from its sidecar."""
    path = _sidecar_path(folder, sources.pair.pair, direction)
    content = json.loads(path.read_text(encoding="utf-8"))
    sidecar = path.relative_to(folder).as_posix()
    values = {name: content[name] for name in COLUMNS if name != "sidecar"}
    return StimulusVideo(folder=folder, sidecar=sidecar, **values)


def strip_path(folder: Path, pair: str) -> Path:
    """Return where the picture of a pair for the contact sheet is kept."""
    return folder / QUALITY_FOLDER / f"{pair}.png"


def _sidecar_path(folder: Path, pair: str, direction: str) -> Path:
    return folder / VIDEO_FOLDER / f"{pair}_{direction}.json"


def _description(pairs: PairTable, parameters: MorphParameters) -> dict[str, Any]:
    return {
        "expressions": list(pairs.expressions),
        "directions": list(pairs.directions),
        "parameters": parameters.as_dict(),
        "versions": versions(),
    }


def _check_folder(folder: Path, description: dict[str, Any]) -> None:
    """Refuse a folder that holds something else, or videos made with other parameters."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; expected a folder for the set")
    try:
        begun = json.loads((folder / DICTIONARY_NAME).read_text(encoding="utf-8"))
        before, now = begun["parameters"], description["parameters"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FileExistsError(f"{folder} exists and is no stimulus set. Choose a new folder") from None
    names = sorted({*before, *now})
    other = [
        f"{name} {before.get(name)} (now {now.get(name)})"
        for name in names
        if before.get(name) != now.get(name)
    ]
    if begun.get("expressions") != description["expressions"]:
        other.append(f"expressions {begun.get('expressions')} (now {description['expressions']})")
    if other:
        raise FileExistsError(
            f"{folder} holds a set made with other parameters: {'; '.join(other)}. "
            "Choose a new folder, or the same parameters to go on with this set"
        )


def _begin(folder: Path, description: dict[str, Any]) -> None:
    """Make the folders, note the parameters, and remove what an interrupted run left half written."""
    for name in (VIDEO_FOLDER, QUALITY_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for unfinished in folder.rglob(f"*{UNFINISHED_SUFFIX}"):
        unfinished.unlink()
    if not (folder / DICTIONARY_NAME).is_file():
        write_json(folder / DICTIONARY_NAME, {**COLUMNS, **description})


def _make_pairs(
    sources: Sequence[PairSources],
    folder: Path,
    pairs: PairTable,
    parameters: MorphParameters,
    *,
    workers: int,
    progress: bool,
) -> None:
    """Make the videos of all pairs; an interruption leaves those that are complete."""
    if sources:
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
    bar = tqdm(total=2 * len(sources), desc="videos", unit="video", disable=not progress)
    work = functools.partial(_make_pair, folder=folder, pairs=pairs, parameters=parameters)
    with bar:
        for _ in run_jobs(work, sources, n_workers=workers):
            bar.update(2)


def _make_pair(sources: PairSources, *, folder: Path, pairs: PairTable, parameters: MorphParameters) -> None:
    make_pair_videos(
        sources,
        expressions=pairs.expressions,
        directions=pairs.directions,
        folder=folder,
        video_folder=VIDEO_FOLDER,
        strip=strip_path(folder, sources.pair.pair),
        parameters=parameters,
    )


def _write_quality(folder: Path, rows: Sequence[StimulusVideo], sources: Sequence[PairSources]) -> None:
    """Write the table of quality figures, its dictionary, and the contact sheet."""
    lines = ["\t".join(["video", *FIGURES, "warnings"])]
    for row in rows:
        quality = json.loads(row.sidecar_path.read_text(encoding="utf-8"))
        figures = [quality["quality"].get(name) for name in FIGURES]
        texts = ["n/a" if value is None else f"{value:.4g}" for value in figures]
        lines.append("\t".join([row.video, *texts, "; ".join(quality["warnings"]) or "n/a"]))
    dictionary: dict[str, Any] = {"video": COLUMNS["video"]}
    dictionary |= {name: {"Description": meaning} for name, meaning in FIGURES.items()}
    dictionary["warnings"] = {"Description": "What an experimenter should look at before using the video"}
    write_json(folder / "quality.json", dictionary)
    write_text(folder / QUALITY_TABLE, "\n".join(lines) + "\n")
    strips = [read_photograph(strip_path(folder, source.pair.pair)) for source in sources]
    write_png(folder / CONTACT_SHEET, stack_pictures(strips))
