"""The production of a set: all videos of a table of pairs, the manifest and the quality report."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from stimuli.contact_sheet import stack_pictures
from stimuli.copies import Copies, are_whole
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
from stimuli.pair_videos import PairJob, make_pair_videos, video_levels
from stimuli.parameters import MorphParameters
from stimuli.photographs import read_photograph, write_png
from stimuli.plan import PlannedPair, PlannedVideo, plan_all, read_plan
from stimuli.quality import FIGURES
from stimuli.sources import PairSources, align_source, read_sources
from stimuli.tones import Tone, face_lightness, match_identities
from stimuli.versions import versions
from stimuli.video import UNFINISHED_SUFFIX
from stimuli.workers import run_jobs

VIDEO_FOLDER = "videos"
QUALITY_FOLDER = "quality"
CONTACT_SHEET = "contact_sheet.png"
QUALITY_TABLE = "quality.tsv"


NO_COPIES = Copies()


def make_set(
    table: Path,
    folder: Path,
    *,
    parameters: MorphParameters,
    plan: Path | None = None,
    expressions: tuple[str, str] | None = None,
    middle: str | None = None,
    copies: Copies = NO_COPIES,
    workers: int = 1,
    progress: bool = False,
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
    plan
        Which videos to make, see `stimuli.plan`; by default both directions of every pair.
    expressions
        First and last expression, where there is no plan; by default the table's first two.
    middle
        Expression that the way leads through.
    copies
        What to write beside the lossless videos.
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
        If the table, the plan or one of their files does not exist.
    ValueError
        If the table, the plan, a photograph or a landmark file cannot be used.
    FileExistsError
        If the folder holds something else, or a set made with other parameters.
    """
    if plan is not None and expressions is not None:
        raise ValueError("the plan names the expressions of each video; leave out either one")
    planned = (
        read_plan(plan, table, middle=middle)
        if plan is not None
        else plan_all(table, expressions=expressions, middle=middle)
    )
    for pair in planned:
        for video in pair.videos:
            video_levels(video, parameters)
    description = _description(planned, parameters)
    _check_folder(folder, description)
    jobs = read_jobs(planned, parameters, progress=progress)
    _begin(folder, description)
    todo = [job for job in jobs if not is_finished(folder, job, parameters, copies)]
    _make_pairs(todo, folder, parameters, copies, workers=workers, progress=progress)
    rows = [read_row(folder, video) for job in jobs for video in job.planned.videos]
    write_manifest(folder, rows, description=description)
    _write_quality(folder, rows, jobs)
    return read_manifest(folder)


def read_jobs(
    planned: Sequence[PlannedPair], parameters: MorphParameters, *, progress: bool
) -> list[PairJob]:
    """Read all photographs, check them, and find what makes identities alike if that is wanted."""
    segments = [segment for pair in planned for segment in pair.segments]
    bar = tqdm(segments, desc="photographs", unit="pair", disable=not progress)
    sources = iter(read_sources(bar))
    jobs = [PairJob(planned=pair, sources=tuple(next(sources) for _ in pair.segments)) for pair in planned]
    if parameters.matching == "none":
        return jobs
    tones = _find_tones(jobs, parameters, progress=progress)
    return [dataclasses.replace(job, tone=tones[job.sources[0].pair.identity]) for job in jobs]


def _find_tones(jobs: Sequence[PairJob], parameters: MorphParameters, *, progress: bool) -> dict[str, Tone]:
    """Measure every photograph once, and find the change of lightness of each identity."""
    lightness: dict[str, dict[Path, tuple[float, float]]] = {}
    for job in tqdm(jobs, desc="lightness", unit="pair", disable=not progress):
        known = lightness.setdefault(job.sources[0].pair.identity, {})
        for source in job.photographs.values():
            if source.photograph not in known:
                known[source.photograph] = face_lightness(align_source(source, parameters))
    return match_identities(
        {name: list(values.values()) for name, values in lightness.items()}, parameters.matching
    )


def is_finished(folder: Path, job: PairJob, parameters: MorphParameters, copies: Copies) -> bool:
    """Tell whether all videos of a pair are complete, unchanged, and made from these very files."""
    whole = all(_is_video_finished(folder, job, video, parameters, copies) for video in job.planned.videos)
    return whole and strip_path(folder, job.planned.pair).is_file()


def _is_video_finished(
    folder: Path, job: PairJob, video: PlannedVideo, parameters: MorphParameters, copies: Copies
) -> bool:
    sidecar = _sidecar_path(folder, video.video)
    files = job.photographs.values()
    seconds = video.duration_s or parameters.duration_s
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        return bool(
            file_sha256(folder / content["file"]) == content["file_sha256"]
            and content["pair"] == job.planned.pair
            and (content["start"], content["end"]) == (video.start._asdict(), video.end._asdict())
            and content["n_frames"] == round(seconds * parameters.fps)
            and content["tone"] == (job.tone._asdict() if job.tone is not None else None)
            and list(content["photographs"]) == list(job.photographs)
            and [one["sha256"] for one in content["photographs"].values()]
            == [source.photograph_sha256 for source in files]
            and [one["landmarks_sha256"] for one in content["photographs"].values()]
            == [source.landmark_sha256 for source in files]
            and (content["identity"], content["sex"]) == _person(job.sources[0])
            and are_whole(content["copies"], copies, sidecar.parent)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _person(sources: PairSources) -> tuple[str, str]:
    return sources.pair.identity, sources.pair.sex


def read_row(folder: Path, video: PlannedVideo) -> StimulusVideo:
    """Make a video's row of the manifest from its sidecar."""
    path = _sidecar_path(folder, video.video)
    content = json.loads(path.read_text(encoding="utf-8"))
    sidecar = path.relative_to(folder).as_posix()
    values = {name: content[name] for name in COLUMNS if name != "sidecar"}
    return StimulusVideo(folder=folder, sidecar=sidecar, **values)


def strip_path(folder: Path, pair: str) -> Path:
    """Return where the picture of a pair for the contact sheet is kept."""
    return folder / QUALITY_FOLDER / f"{pair}.png"


def _sidecar_path(folder: Path, video: str) -> Path:
    return folder / VIDEO_FOLDER / f"{video}.json"


def _description(planned: Sequence[PlannedPair], parameters: MorphParameters) -> dict[str, Any]:
    """What the set's description says; sets of one pair of expressions name it."""
    expressions = list(dict.fromkeys(pair.expressions for pair in planned))
    directions = dict.fromkeys(video.direction for pair in planned for video in pair.videos)
    return {
        "expressions": list(expressions[0])
        if len(expressions) == 1
        else [list(both) for both in expressions],
        "middle": planned[0].middle,
        "directions": list(directions),
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
    other += [
        f"{name} {begun.get(name)} (now {description[name]})"
        for name in ("expressions", "middle")
        if begun.get(name) != description[name]
    ]
    if other:
        raise FileExistsError(
            f"{folder} holds a set made with other parameters: {'; '.join(other)}. "
            "Choose a new folder, or the same parameters to go on with this set"
        )


def _begin(folder: Path, description: dict[str, Any]) -> None:
    """Make the folders, note the parameters, and remove what an interrupted run left half written."""
    for name in (VIDEO_FOLDER, QUALITY_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for unfinished in list(folder.rglob(f"*{UNFINISHED_SUFFIX}")):
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        else:
            unfinished.unlink()
    if not (folder / DICTIONARY_NAME).is_file():
        write_json(folder / DICTIONARY_NAME, {**COLUMNS, **description})


def _make_pairs(
    jobs: Sequence[PairJob],
    folder: Path,
    parameters: MorphParameters,
    copies: Copies,
    *,
    workers: int,
    progress: bool,
) -> None:
    """Make the videos of all pairs; an interruption leaves those that are complete."""
    if jobs:
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
    n_videos = sum(len(job.planned.videos) for job in jobs)
    bar = tqdm(total=n_videos, desc="videos", unit="video", disable=not progress)
    work = functools.partial(_make_pair, folder=folder, parameters=parameters, copies=copies)
    with bar:
        for done in run_jobs(work, jobs, n_workers=workers):
            bar.update(done)


def _make_pair(job: PairJob, *, folder: Path, parameters: MorphParameters, copies: Copies) -> int:
    """Make the videos of a pair; return their number."""
    make_pair_videos(
        job,
        folder=folder,
        video_folder=VIDEO_FOLDER,
        strip=strip_path(folder, job.planned.pair),
        parameters=parameters,
        copies=copies,
    )
    return len(job.planned.videos)


def _write_quality(folder: Path, rows: Sequence[StimulusVideo], jobs: Sequence[PairJob]) -> None:
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
    strips = [read_photograph(strip_path(folder, job.planned.pair)) for job in jobs]
    write_png(folder / CONTACT_SHEET, stack_pictures(strips))
