"""Landmarks of a whole table of pairs, written to files that can be looked at, corrected and used again."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stimuli.contact_sheet import landmark_picture, row_of_pictures, stack_pictures
from stimuli.landmark_files import LandmarkFormat, write_landmark_file
from stimuli.manifest import write_text
from stimuli.pairs import LANDMARK_SUFFIX, PairTable
from stimuli.photographs import read_photograph, write_png
from stimuli.sources import PairSources, Source

TABLE_NAME = "pairs.tsv"
PICTURE_NAME = "landmarks.png"


def write_landmarks(
    pairs: PairTable, sources: Sequence[PairSources], folder: Path, *, to: LandmarkFormat = "json"
) -> Path:
    """Write a landmark file per photograph, a table of pairs that names them, and a picture to check them by.

    Parameters
    ----------
    pairs
        The table of pairs.
    sources
        Its photographs with their landmarks; pairs without stay in the table as they are.
    folder
        A new or empty folder, so that landmarks corrected by hand are never overwritten.
    to
        Format of the landmark files.

    Returns
    -------
    Path
        The new table of pairs.

    Raises
    ------
    FileExistsError
        If the folder holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"{folder} exists and is not empty; landmarks in it may have been corrected by hand. "
            "Choose a new folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["pair", "identity", "sex", *pairs.expressions]
    rows = [[*columns, *(name + LANDMARK_SUFFIX for name in pairs.expressions)]]
    pictures = []
    known = {source.pair.pair: source for source in sources}
    for pair in pairs.pairs:
        files = pair.landmark_files
        if pair.pair in known:
            one, other = (folder / f"{pair.pair}_{expression}.{to}" for expression in pairs.expressions)
            files = (one, other)
            pictures.append(_write_pair(known[pair.pair], files, pairs.expressions))
        named = [_relative(path, folder) if path else "" for path in (*pair.photographs, *files)]
        rows.append([pair.pair, pair.identity, pair.sex, *named])
    if pictures:
        write_png(folder / PICTURE_NAME, stack_pictures(pictures))
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(rows)
    write_text(folder / TABLE_NAME, text.getvalue())
    return folder / TABLE_NAME


def _write_pair(source: PairSources, files: tuple[Path, Path], expressions: tuple[str, str]) -> np.ndarray:
    """Write both landmark files of a pair; return a picture of them."""
    drawn = []
    for path, photograph, expression in zip(files, (source.first, source.second), expressions, strict=True):
        write_source(path, photograph)
        drawn.append(_picture(photograph, f"{source.pair.pair} {expression}"))
    return row_of_pictures(drawn)


def write_source(path: Path, source: Source) -> None:
    """Write the landmark file of one photograph; its ending tells the format."""
    landmarks = source.landmarks
    write_landmark_file(
        path,
        landmarks.points_px,
        template=landmarks.template,
        size_px=source.size_px,
        eyes_px=landmarks.eyes_px,
        lines=landmarks.lines,
        more={
            **landmarks.more,
            "photograph": source.photograph.name,
            "photograph_sha256": source.photograph_sha256,
            "confidence": landmarks.confidence,
            "yaw_deg": landmarks.yaw_deg,
            "scores": landmarks.scores,
            "warnings": list(landmarks.warnings),
        },
    )


def _picture(source: Source, label: str) -> np.ndarray:
    return landmark_picture(read_photograph(source.photograph), source.landmarks.points_px, label=label)


def _relative(path: Path, folder: Path) -> str:
    """Return a path as seen from a folder; in full where there is no way, as between drives of Windows."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
