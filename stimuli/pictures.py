"""Pictures instead of videos: single morph levels, continua, and averages of several faces."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from stimuli.landmark_files import write_landmark_file
from stimuli.light import light_tables
from stimuli.manifest import file_sha256, write_json, write_text
from stimuli.morph import AlignedFace
from stimuli.mouth import complete_eyes, complete_lips
from stimuli.pair_videos import PairJob, make_way
from stimuli.pairs import LANDMARK_SUFFIX, read_expressions, read_pairs
from stimuli.parameters import MorphParameters
from stimuli.photographs import write_png
from stimuli.plan import plan_all
from stimuli.production import read_jobs
from stimuli.sources import Source, align_source, read_sources
from stimuli.versions import versions
from stimuli.warp import Warp, landmark_field, sample
from stimuli.workers import run_jobs

LEVELS_TABLE = "levels.tsv"
LEVEL_COLUMNS: dict[str, dict[str, Any]] = {
    "file": {"Description": "Picture, PNG, relative to this table"},
    "pair": {"Description": "Name of the pair of photographs"},
    "identity": {"Description": "The person in the photographs"},
    "sex": {"Description": "Sex of the person"},
    "first": {"Description": "Expression at level 0"},
    "last": {"Description": "Expression at level 100"},
    "level": {"Description": "How much of the way from the first to the last expression", "Units": "percent"},
    "file_sha256": {"Description": "SHA-256 of the file"},
}
"""Columns of the table of levels, with their meaning."""


def make_levels(
    table: Path,
    folder: Path,
    *,
    percents: Sequence[float],
    parameters: MorphParameters,
    expressions: tuple[str, str] | None = None,
    middle: str | None = None,
    alpha: bool = False,
    workers: int = 1,
    progress: bool = False,
) -> Path:
    """Write single levels of the morph of every pair as PNG.

    Parameters
    ----------
    table
        Table of pairs.
    folder
        New or empty folder.
    percents
        Levels, from 0, the first photograph, to 100, the last; each once.
    parameters
        How faces are aligned and morphed; what concerns time does not matter.
    expressions, middle
        As in `stimuli.production.make_set`.
    alpha
        Write alpha in place of the background.
    workers, progress
        As in `stimuli.production.make_set`.

    Returns
    -------
    Path
        The table of the pictures; it is written last.

    Raises
    ------
    ValueError
        If a level is not from 0 to 100 or occurs twice, or a photograph cannot be used.
    FileExistsError
        If the folder holds anything.
    """
    if not percents or not all(0 <= percent <= 100 for percent in percents):
        raise ValueError(f"levels are per cents from 0 to 100; got {', '.join(map(str, percents)) or 'none'}")
    if len(set(percents)) < len(percents):
        raise ValueError(f"a level occurs twice in {', '.join(f'{percent:g}' for percent in percents)}")
    planned = plan_all(table, expressions=expressions, middle=middle)
    _check_empty(folder)
    jobs = read_jobs(planned, parameters, progress=progress)
    folder.mkdir(parents=True, exist_ok=True)
    work = functools.partial(
        _write_levels, folder=folder, percents=tuple(percents), parameters=parameters, alpha=alpha
    )
    done = run_jobs(work, jobs, n_workers=workers)
    rows = [row for some in tqdm(done, total=len(jobs), desc="pairs", disable=not progress) for row in some]
    order = {job.planned.pair: place for place, job in enumerate(jobs)}
    rows.sort(key=lambda row: (order[row["pair"]], float(row["level"])))
    described = {"parameters": parameters.as_dict(), "middle": middle, "versions": versions()}
    write_json(folder / "levels.json", {**LEVEL_COLUMNS, **described})
    _write_table(folder / LEVELS_TABLE, list(LEVEL_COLUMNS), rows)
    return folder / LEVELS_TABLE


def _write_levels(
    job: PairJob, *, folder: Path, percents: Sequence[float], parameters: MorphParameters, alpha: bool
) -> list[dict[str, str]]:
    """Write the levels of one pair; return their rows."""
    way = make_way(job.sources, parameters, tone=job.tone)
    first, last = job.planned.expressions
    rows = []
    for percent in percents:
        path = folder / f"{job.planned.pair}_{first}_{last}_{_typed(percent)}.png"
        write_png(path, way.frame_with_alpha(percent / 100) if alpha else way.frame(percent / 100))
        pair = job.sources[0].pair
        values = (job.planned.pair, pair.identity, pair.sex, first, last, f"{percent:g}", file_sha256(path))
        rows.append(dict(zip(LEVEL_COLUMNS, (path.name, *values), strict=True)))
    return rows


def _typed(percent: float) -> str:
    """Write a per cent so that files sort by it, as in 025 or 012p5."""
    whole, _, rest = f"{percent:g}".partition(".")
    return whole.zfill(3) + (f"p{rest}" if rest else "")


def make_averages(
    table: Path,
    folder: Path,
    *,
    parameters: MorphParameters,
    by_sex: bool = False,
    identities: Sequence[str] = (),
    progress: bool = False,
) -> Path:
    """Average the faces of a table, expression by expression.

    Landmarks are averaged, every face is warped to their mean, and its light is averaged. The averages are a
    pair of photographs themselves, with landmarks and a table, and can be morphed.

    Parameters
    ----------
    table
        Table of pairs; all its columns of photographs are averaged.
    folder
        New or empty folder.
    parameters
        How faces are aligned; what is written has no mask.
    by_sex
        One average of the women and one of the men, instead of one of all.
    identities
        Whom to average; by default everybody.
    progress
        Whether to show a progress bar.

    Returns
    -------
    Path
        Table of pairs of the averages.

    Raises
    ------
    ValueError
        If there are not two faces to average, they have landmarks of different templates, or both sexes
        would be mixed in a table of pairs, which must name one.
    FileExistsError
        If the folder holds anything.
    """
    expressions = read_expressions(table)
    _check_empty(folder)
    groups = _groups(table, expressions, by_sex=by_sex, identities=identities)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    n_faces = sum(len(files) for group in groups.values() for files in group.values())
    with tqdm(total=n_faces, unit="face", disable=not progress) as bar:
        for (name, sex), group in groups.items():
            row = {"identity": name, "sex": sex}
            for expression, files in group.items():
                average, points = average_faces(_align(files, parameters, bar))
                row[expression] = f"{name}_{expression}.png"
                row[expression + LANDMARK_SUFFIX] = f"{name}_{expression}.json"
                _write_average(folder / row[expression], average, points, files, parameters)
            rows.append(row)
    columns = ["identity", "sex", *expressions, *(name + LANDMARK_SUFFIX for name in expressions)]
    write_json(folder / "averages.json", {"parameters": parameters.as_dict(), "versions": versions()})
    _write_table(folder / "pairs.tsv", columns, rows)
    return folder / "pairs.tsv"


def _write_average(
    path: Path, average: np.ndarray, points: np.ndarray, files: Sequence[Source], parameters: MorphParameters
) -> None:
    """Write an average and, beside it, its landmarks."""
    write_png(path, average)
    write_landmark_file(
        path.with_suffix(".json"),
        points,
        template=files[0].landmarks.template,
        size_px=(parameters.width_px, parameters.height_px),
        eyes_px=parameters.eyes_px,
        more={
            "photograph": path.name,
            "photograph_sha256": file_sha256(path),
            "average_of": [file.photograph.name for file in files],
        },
    )


def average_faces(faces: Sequence[AlignedFace]) -> tuple[np.ndarray, np.ndarray]:
    """Average aligned faces.

    Parameters
    ----------
    faces
        At least two, with the same template of landmarks.

    Returns
    -------
    tuple of numpy.ndarray
        The average, shape ``(height_px, width_px, 3)``, uint8, RGB, and its landmarks, ``(n_points, 2)``.
    """
    if len(faces) < 2:
        raise ValueError(f"an average needs at least two faces, got {len(faces)}")
    to_light, to_stored = light_tables("linear")
    mean = _mean_face(faces)
    height_px, width_px = mean.image.shape[:2]
    total = np.zeros((height_px, width_px, 3))
    for face in faces:
        field = landmark_field(*_points(face, mean), width_px=width_px, height_px=height_px)
        warp = Warp(field, box=(slice(0, height_px), slice(0, width_px)))
        places, _ = warp.source_positions(1.0)
        total += sample(to_light[face.image], places, method=cv2.INTER_CUBIC)
    return to_stored[np.rint(total / len(faces)).astype(np.uint16)], mean.points_px


def _mean_face(faces: Sequence[AlignedFace]) -> AlignedFace:
    """The mean of the landmarks; its picture is only there for its size."""
    models = [face.face_px for face in faces if face.face_px is not None]
    return AlignedFace(
        image=faces[0].image,
        points_px=np.mean([face.points_px for face in faces], axis=0),
        face_px=np.mean(models, axis=0) if len(models) == len(faces) else None,
        eye_distance_px=faces[0].eye_distance_px,
    )


def _points(face: AlignedFace, mean: AlignedFace) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of a face and of the mean, completed at mouth and eyes where the model saw all faces."""
    points = (face.points_px, mean.points_px)
    if face.face_px is None or mean.face_px is None:
        return points
    models = (face.face_px, mean.face_px)
    points = complete_lips(points, models, eye_distance_px=mean.eye_distance_px)
    return complete_eyes(points, models, eye_distance_px=mean.eye_distance_px)


def _groups(
    table: Path, expressions: Sequence[str], *, by_sex: bool, identities: Sequence[str]
) -> dict[tuple[str, str], dict[str, list[Source]]]:
    """Sort the photographs by whom and what they show."""
    groups: dict[tuple[str, str], dict[str, list[Source]]] = {}
    for number in range(1, len(expressions)):
        both = (expressions[0], expressions[number])
        for sources in read_sources(read_pairs(table, expressions=both).pairs):
            pair = sources.pair
            if identities and pair.identity not in identities:
                continue
            key = (f"average_{pair.sex}", pair.sex) if by_sex else ("average", "")
            group = groups.setdefault(key, {name: [] for name in expressions})
            if number == 1:
                group[both[0]].append(sources.first)
            group[both[1]].append(sources.second)
    if not groups:
        raise ValueError(f"{table} has none of the identities {', '.join(identities)}")
    if not by_sex:
        groups = {("average", _common_sex(table, identities)): next(iter(groups.values()))}
    for (name, _), group in groups.items():
        _check_group(name, group)
    return groups


def _common_sex(table: Path, identities: Sequence[str]) -> str:
    """Return the sex that the table of averages names: that of all, or of most."""
    sexes = [pair.sex for pair in read_pairs(table).pairs if not identities or pair.identity in identities]
    return max(sorted(set(sexes)), key=sexes.count)


def _check_group(name: str, group: dict[str, list[Source]]) -> None:
    templates = {file.landmarks.template for files in group.values() for file in files}
    if len(templates) > 1:
        raise ValueError(
            f"landmarks of different templates cannot be averaged: {', '.join(sorted(templates))}. "
            "Give all photographs landmarks of one template, or none"
        )
    few = [expression for expression, files in group.items() if len(files) < 2]
    if few:
        raise ValueError(f"{name}: an average needs at least two photographs of {' and '.join(few)}")


def _align(files: Sequence[Source], parameters: MorphParameters, bar: Any) -> list[AlignedFace]:
    faces = []
    for file in files:
        faces.append(align_source(file, parameters))
        bar.update(1)
    return faces


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty. Choose a new folder")


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
