"""Keypoints and movement that other programs took from the video: DeepLabCut, SLEAP and facemap.

They become features beside the descriptors: positions with their likelihood, doubtful ones left out. Files
are read as they lie, without these programs; pickles in them are opened by `analysis.careful_pickle`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from analysis.careful_pickle import unpickle

LEAST_LIKELIHOOD = 0.9
"""Likelihood below which a position is left out. Our choice, stricter than the 0.6 that DeepLabCut plots
with."""
LONGEST_GAP_S = 0.2
"""Longest time over which a lost position is interpolated. Our choice."""


@dataclass(frozen=True)
class Keypoints:
    """Positions of named points in every frame of a video."""

    names: tuple[str, ...]
    """Names of the points."""
    xy_px: np.ndarray
    """Positions ``(n_frames, n_points, 2)``, x to the right and y down; NaN where there is none."""
    likelihood: np.ndarray
    """Likelihood (DeepLabCut, facemap) or score (SLEAP) of each position, ``(n_frames, n_points)``."""
    source: str
    """Which program wrote it."""


def read_keypoints(path: Path, *, individual: str | None = None) -> Keypoints:
    """Read the keypoints of one animal.

    Parameters
    ----------
    path
        ``.csv`` or ``.h5`` of DeepLabCut (also of programs that write its form, such as Lightning Pose and
        older facemap), analysis ``.h5`` of SLEAP, ``_FacemapPose.h5`` of facemap.
    individual
        Which animal or track, where a file holds several.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is none of these, is damaged, or holds several animals and none was named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"keypoints not found: {path}")
    if path.suffix.lower() == ".csv":
        columns, values = _deeplabcut_csv(path)
        return _from_columns(path, columns, values, individual)
    try:
        with h5py.File(path, "r") as content:
            if "tracks" in content:
                return _sleap(path, content, individual)
            if "Facemap" in content:
                return _facemap_pose(path, content["Facemap"])
            frames = [name for name, group in content.items() if "pandas_type" in group.attrs]
            if frames:
                columns, values = _pandas_frame(path, content[frames[0]])
                return _from_columns(path, columns, values, individual)
            found = ", ".join(content) or "nothing"
    except OSError as error:
        raise ValueError(
            f"{path} is not an HDF5 or csv file of keypoints, or a damaged one ({error})"
        ) from None
    except KeyError as error:
        raise ValueError(f"{path} lacks a part that its program writes ({error}); is it complete?") from None
    raise ValueError(
        f"{path} holds {found}, which is neither DeepLabCut (a table with scorer, bodyparts, coords), nor "
        f"SLEAP "
        "(tracks; choose Export Analysis HDF5), nor facemap (Facemap)"
    )


def filter_keypoints(
    keypoints: Keypoints,
    times_s: np.ndarray,
    *,
    least_likelihood: float = LEAST_LIKELIHOOD,
    longest_gap_s: float = LONGEST_GAP_S,
) -> tuple[Keypoints, pd.DataFrame]:
    """Leave doubtful positions out, and bridge short gaps on a straight line.

    Parameters
    ----------
    keypoints
        As read.
    times_s
        Time of each frame of the video, in seconds.
    least_likelihood
        Positions below are left out, and those without a likelihood.
    longest_gap_s
        Longest time between two good positions that is bridged; 0: none.

    Returns
    -------
    keypoints : Keypoints
        With NaN where there is no position.
    lost : pandas.DataFrame
        One row per point: ``point``, ``share_doubtful``, ``share_bridged``, ``share_lost``.

    Raises
    ------
    ValueError
        If the numbers of frames do not agree.
    """
    times = _matching(times_s, len(keypoints.xy_px), keypoints.source)
    with np.errstate(invalid="ignore"):
        good = (keypoints.likelihood >= least_likelihood) & np.isfinite(keypoints.xy_px).all(axis=2)
    xy = np.where(good[..., None], keypoints.xy_px, np.nan)
    for point in range(len(keypoints.names)):
        here = np.flatnonzero(good[:, point])
        for before, after in pairwise(here):
            if after > before + 1 and times[after] - times[before] <= longest_gap_s:
                between = slice(before + 1, after)
                part = (times[between] - times[before]) / (times[after] - times[before])
                first, last = xy[before, point], xy[after, point]
                xy[between, point] = first + part[:, None] * (last - first)
    lost = np.isnan(xy).any(axis=2)
    table = pd.DataFrame(
        {
            "point": list(keypoints.names),
            "share_doubtful": 1 - good.mean(axis=0),
            "share_bridged": (~good & ~lost).mean(axis=0),
            "share_lost": lost.mean(axis=0),
        }
    )
    return replace(keypoints, xy_px=xy), table


def keypoint_features(keypoints: Keypoints, times_s: np.ndarray) -> pd.DataFrame:
    """Return positions and speeds as features, one row per frame.

    Parameters
    ----------
    keypoints
        Best after `filter_keypoints`.
    times_s
        Time of each frame of the video, in seconds.

    Returns
    -------
    pandas.DataFrame
        ``time_s``, then per point ``NAME_x_px``, ``NAME_y_px`` (from the point's median, so that sessions
        compare) and ``NAME_speed_px_s`` (from the frame before). NaN where a position is missing.

    Raises
    ------
    ValueError
        If the numbers of frames do not agree.
    """
    times = _matching(times_s, len(keypoints.xy_px), keypoints.source)
    steps = np.diff(times, prepend=np.nan)
    features = {"time_s": times}
    for point, name in enumerate(keypoints.names):
        xy = keypoints.xy_px[:, point]
        middle = np.nanmedian(xy, axis=0) if np.isfinite(xy).any() else np.zeros(2)
        moved = np.hypot(*np.diff(xy, axis=0, prepend=np.full((1, 2), np.nan)).T)
        features[f"{name}_x_px"], features[f"{name}_y_px"] = (xy - middle).T
        features[f"{name}_speed_px_s"] = moved / steps
    return pd.DataFrame(features)


def points_within(keypoints: Keypoints, names: Sequence[str], mask: np.ndarray) -> np.ndarray:
    """Return in which frames one of the points lies within a mask, such as a paw on the face.

    Parameters
    ----------
    keypoints
        After `filter_keypoints`, so that doubtful positions do not count.
    names
        Names of the points, such as both paws.
    mask
        Boolean ``(height_px, width_px)`` in the same pixels.

    Returns
    -------
    numpy.ndarray
        Boolean ``(n_frames,)``: frames to leave out, beside those of `analysis.faces.frame_quality`.

    Raises
    ------
    ValueError
        If there is no such point.
    """
    unknown = [name for name in names if name not in keypoints.names]
    if unknown:
        raise ValueError(f"there is no point {unknown[0]!r}; there are {', '.join(keypoints.names)}")
    inside = np.zeros(len(keypoints.xy_px), bool)
    for name in names:
        xy = keypoints.xy_px[:, keypoints.names.index(name)]
        columns, rows = np.floor(np.nan_to_num(xy, nan=-1)).astype(int).T
        shown = (rows >= 0) & (columns >= 0) & (rows < mask.shape[0]) & (columns < mask.shape[1])
        inside[shown] |= mask[rows[shown], columns[shown]].astype(bool)
    return inside


def _matching(times_s: np.ndarray, count: int, source: str) -> np.ndarray:
    if len(times_s) != count:
        raise ValueError(
            f"{count} frames in the file of {source}, but the video has {len(times_s)}; was it made from "
            f"this "
            "video, whole and with the same frame rate?"
        )
    return np.asarray(times_s, float)


def _deeplabcut_csv(path: Path) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Columns and values of a table headed by lines of scorer, individuals (if any), bodyparts, coords."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            head = [row for _, row in zip(range(4), csv.reader(stream), strict=False)]
        labels = [row[0].strip().lower() if row else "" for row in head]
        if "bodyparts" not in labels or "coords" not in labels:
            raise ValueError("its first lines do not say scorer, bodyparts and coords")
        lines = labels.index("coords") + 1
        table = pd.read_csv(path, skiprows=lines, header=None, low_memory=False)
        first = next(place for place, name in enumerate(head[lines - 1]) if name in ("x", "y"))
        columns = list(zip(*(row[first:] for row in head[:lines]), strict=True))
        return columns, table.iloc[:, first : first + len(columns)].to_numpy(float)
    except (ValueError, UnicodeDecodeError, StopIteration, pd.errors.ParserError) as error:
        raise ValueError(f"{path} is not a table of DeepLabCut ({error})") from None


def _pandas_frame(path: Path, group: Any) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Columns and values of a table that pandas wrote, in either of its layouts."""
    if "table" in group:
        axes = unpickle(bytes(group.attrs["non_index_axes"]), source=path)
        blocks = [name for name in group["table"].dtype.names if name.startswith("values_block")]
        if len(blocks) != 1:
            raise ValueError(
                f"{path}: columns of more than one type; expected those of DeepLabCut, all numbers"
            )
        return [tuple(map(str, column)) for column in axes[0][1]], group["table"][blocks[0]]
    levels = int(group.attrs["block0_items_nlevels"])
    names = [_texts(group[f"block0_items_level{level}"]) for level in range(levels)]
    codes = [group[f"block0_items_label{level}"][:] for level in range(levels)]
    columns = [
        tuple(names[level][code] for level, code in enumerate(row)) for row in zip(*codes, strict=True)
    ]
    return columns, group["block0_values"][:]


def _from_columns(
    path: Path, columns: list[tuple[str, ...]], values: np.ndarray, individual: str | None
) -> Keypoints:
    """Points from columns (scorer, [individual,] point, coordinate)."""
    if not columns or len(columns[0]) not in (3, 4):
        raise ValueError(
            f"{path}: expected columns of scorer, bodyparts and coords, as DeepLabCut writes them"
        )
    if len(columns[0]) == 4:
        chosen = _chosen(path, list(dict.fromkeys(column[1] for column in columns)), individual)
        kept = [place for place, column in enumerate(columns) if column[1] == chosen]
        columns, values = [columns[place] for place in kept], values[:, kept]
    place = {column[-2:]: number for number, column in enumerate(columns)}
    names = tuple(dict.fromkeys(column[-2] for column in columns))
    missing = [(name, what) for name in names for what in ("x", "y") if (name, what) not in place]
    if missing:
        raise ValueError(f"{path}: the point {missing[0][0]!r} has no {missing[0][1]}")
    if any((name, "likelihood") not in place for name in names):
        raise ValueError(
            f"{path}: points have no likelihood; these are labels made by hand (CollectedData), not the "
            "positions in every frame that DeepLabCut writes when it analyses a video"
        )
    of = {what: [place[(name, what)] for name in names] for what in ("x", "y", "likelihood")}
    xy = np.stack([values[:, of["x"]], values[:, of["y"]]], axis=2).astype(float)
    return Keypoints(names, xy, values[:, of["likelihood"]].astype(float), "DeepLabCut")


def _sleap(path: Path, content: Any, individual: str | None) -> Keypoints:
    order = ["track", "xy", "node", "frame"]
    tracks = _ordered(content["tracks"], order, ["frame", "track", "node", "xy"])
    scores = None
    if "point_scores" in content:
        scores = _ordered(content["point_scores"], ["track", "node", "frame"], ["frame", "track", "node"])
    names = tuple(_texts(content["node_names"]))
    found = _texts(content["track_names"]) if "track_names" in content else []
    found = found if len(found) == tracks.shape[1] else [f"track_{n}" for n in range(tracks.shape[1])]
    if tracks.shape[2:] != (len(names), 2) or (scores is not None and scores.shape != tracks.shape[:3]):
        raise ValueError(
            f"{path}: tracks {tracks.shape} do not fit {len(names)} node names (frames, tracks, nodes, xy)"
        )
    track = found.index(_chosen(path, found, individual))
    xy = tracks[:, track].astype(float)
    likelihood = (
        np.isfinite(xy).all(axis=2).astype(float) if scores is None else scores[:, track].astype(float)
    )
    return Keypoints(names, xy, likelihood, "SLEAP")


def _ordered(data: Any, usual: list[str], wanted: list[str]) -> np.ndarray:
    """Axes in the order that is wanted; newer files say theirs, older ones have the usual order."""
    said = data.attrs.get("dims")
    axes = json.loads(said) if said is not None else usual
    if sorted(axes) != sorted(usual) or data.ndim != len(usual):
        raise ValueError(f"{data.file.filename}: {data.name} has axes {axes}, expected {', '.join(usual)}")
    return np.transpose(data[:], [axes.index(axis) for axis in wanted])


def _facemap_pose(path: Path, group: Any) -> Keypoints:
    names = tuple(group)
    parts = [np.stack([group[name][what][:] for what in ("x", "y", "likelihood")], axis=1) for name in names]
    if not parts or len({len(part) for part in parts}) > 1:
        raise ValueError(f"{path}: the points of facemap have different numbers of frames, or there are none")
    values = np.stack(parts, axis=1).astype(float)
    return Keypoints(names, values[..., :2], values[..., 2], "facemap")


def _chosen(path: Path, found: list[str], individual: str | None) -> str:
    if individual is None and len(found) == 1:
        return found[0]
    if individual not in found:
        asked = "several animals; say which" if individual is None else f"no animal {individual!r}"
        raise ValueError(f"{path} holds {asked}: {', '.join(found)}")
    return individual


def _texts(data: Any) -> list[str]:
    return [
        text.decode("utf-8") if isinstance(text, bytes) else str(text) for text in np.asarray(data).tolist()
    ]
