"""The plan of a set: which videos are made of which photographs, from which level to which.

Without a plan file, every pair of photographs gives two videos, there and back. A plan file is a tab
separated table with a row per video:

============  ========================================================================================
column        meaning
============  ========================================================================================
identity      Person in the table of pairs; or ``pair``, where a person has several pairs
direction     First and last expression, as in ``NeutralToHappy``
start, end    Optional: per cent of the way from the first to the last expression, 0 and 100 by default.
              ``100/0`` is a face in two halves: brows and eyes at 100, the mouth at 0
seconds       Optional: duration, where it is not the set's
video         Optional: unique name; by default made of the others
============  ========================================================================================
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from stimuli.pairs import Pair, PairTable, read_expressions, read_pairs

COLUMNS = ("identity", "pair", "direction", "start", "end", "seconds", "video")
_NAME = re.compile(r"[\w-]+")


class Endpoint(NamedTuple):
    """First or last level of a video: 0 = the pair's first photograph, 1 = its last."""

    upper: float
    """Level of brows and eyes."""
    lower: float
    """Level of the mouth; the same as `upper`, but for faces in two halves."""


FIRST, LAST = Endpoint(0.0, 0.0), Endpoint(1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class PlannedVideo:
    """One video."""

    video: str
    """Unique name."""
    direction: str
    """First and last expression, as in ``HappyToAngry``."""
    start: Endpoint = FIRST
    """First level."""
    end: Endpoint = LAST
    """Last level."""
    duration_s: float | None = None
    """Duration in seconds, where it is not the set's."""


@dataclass(frozen=True, kw_only=True)
class PlannedPair:
    """Photographs that are morphed, and the videos to make of them."""

    pair: str
    """Unique name."""
    expressions: tuple[str, str]
    """Names of the first and the last expression."""
    middle: str | None
    """Name of the expression half way, if the way leads through a third photograph."""
    segments: tuple[Pair, ...]
    """One pair of photographs; two, if there is one in the middle."""
    videos: tuple[PlannedVideo, ...]
    """Videos in order."""


def plan_all(
    table: Path, *, expressions: tuple[str, str] | None = None, middle: str | None = None
) -> list[PlannedPair]:
    """Plan both directions of every pair.

    Parameters
    ----------
    table
        Table of pairs.
    expressions
        First and last expression; by default the first two columns of the table.
    middle
        Expression to lead the way through.

    Raises
    ------
    FileNotFoundError, ValueError
        As `stimuli.pairs.read_pairs`; or if a pair lacks the photograph in the middle.
    """
    pairs = read_pairs(table, expressions=expressions)
    segments = _segments(table, pairs, middle)
    return [
        PlannedPair(
            pair=pair.pair,
            expressions=pairs.expressions,
            middle=middle,
            segments=segments[pair.pair],
            videos=tuple(
                PlannedVideo(
                    video=f"{pair.pair}_{direction}", direction=direction, start=ends[0], end=ends[1]
                )
                for direction, ends in zip(pairs.directions, ((FIRST, LAST), (LAST, FIRST)), strict=True)
            ),
        )
        for pair in pairs.pairs
    ]


def read_plan(plan: Path, table: Path, *, middle: str | None = None) -> list[PlannedPair]:
    """Read a plan file.

    Parameters
    ----------
    plan
        The file; see the description of this module.
    table
        Table of pairs that it speaks of.
    middle
        Expression to lead every way through.

    Returns
    -------
    list of PlannedPair
        Videos of the same photographs are together, because they share one morph.

    Raises
    ------
    FileNotFoundError
        If the plan or the table does not exist.
    ValueError
        If the plan is not as described; the message names the line.
    """
    rows = _read_rows(plan)
    known = read_expressions(table)
    tables: dict[tuple[str, str], PairTable] = {}
    planned: dict[tuple[str, tuple[str, str]], PlannedPair] = {}
    names: set[str] = set()
    for where, row in rows:
        expressions = _expressions(where, row["direction"], known)
        ordered = (
            expressions if known.index(expressions[0]) < known.index(expressions[1]) else expressions[::-1]
        )
        if ordered not in tables:
            tables[ordered] = read_pairs(table, expressions=ordered)
        pair = _find_pair(where, row, tables[ordered])
        video = _video(where, row, pair.pair, backwards=ordered != expressions)
        if video.video.lower() in names:
            raise ValueError(f"{where}: the video {video.video} is planned twice; give one another name")
        names.add(video.video.lower())
        key = (pair.pair, ordered)
        if key not in planned:
            segments = _segments(table, replace(tables[ordered], pairs=[pair]), middle)[pair.pair]
            planned[key] = PlannedPair(
                pair=pair.pair, expressions=ordered, middle=middle, segments=segments, videos=()
            )
        planned[key] = replace(planned[key], videos=(*planned[key].videos, video))
    return _with_unique_names(list(planned.values()))


def _segments(table: Path, pairs: PairTable, middle: str | None) -> dict[str, tuple[Pair, ...]]:
    """Give each pair's ways between two photographs: one, or two that meet in the middle."""
    if middle is None:
        return {pair.pair: (pair,) for pair in pairs.pairs}
    halves = [
        {pair.pair: pair for pair in read_pairs(table, expressions=ends).pairs}
        for ends in ((pairs.expressions[0], middle), (middle, pairs.expressions[1]))
    ]
    missing = [pair.pair for pair in pairs.pairs if not all(pair.pair in half for half in halves)]
    if missing:
        raise ValueError(f"{table}: no {middle} photograph of {', '.join(missing)}")
    return {pair.pair: tuple(half[pair.pair] for half in halves) for pair in pairs.pairs}


def _read_rows(plan: Path) -> list[tuple[str, dict[str, str]]]:
    """Read the rows, each with the place to name in messages."""
    if not Path(plan).is_file():
        raise FileNotFoundError(f"plan not found: {plan}")
    lines = Path(plan).read_text(encoding="utf-8-sig").splitlines()
    rows = list(csv.reader((line for line in lines if line.strip()), delimiter="\t"))
    columns = [name.strip() for name in rows[0]] if rows else []
    advice = f"Expected tab separated columns out of {', '.join(COLUMNS)}; found: {', '.join(columns)}"
    strange = [name for name in columns if name not in COLUMNS]
    if strange or len(set(columns)) < len(columns):
        raise ValueError(f"{plan}: unknown or repeated column {', '.join(strange or columns)}. {advice}")
    if "direction" not in columns or not {"identity", "pair"} & set(columns):
        raise ValueError(f"{plan} needs the column direction, and identity or pair. {advice}")
    if len(rows) < 2:
        raise ValueError(f"{plan} has no videos below its header")
    found = []
    for number, fields in enumerate(rows[1:], start=1):
        if len(fields) > len(columns):
            raise ValueError(f"{plan}, video {number}: {len(fields)} fields for {len(columns)} columns")
        row = dict.fromkeys(COLUMNS, "") | dict(zip(columns, map(str.strip, fields), strict=False))
        found.append((f"{plan}, video {number}", row))
    return found


def _expressions(where: str, direction: str, known: Sequence[str]) -> tuple[str, str]:
    """Find the two expressions that a direction names."""
    capitals = {name[:1].upper() + name[1:]: name for name in known}
    for first in capitals:
        for last in capitals:
            if first != last and direction == f"{first}To{last}":
                return capitals[first], capitals[last]
    example = "To".join(list(capitals)[:2])
    raise ValueError(
        f"{where}: direction is {direction!r}; expected two of {', '.join(capitals)}, as in {example}"
    )


def _find_pair(where: str, row: dict[str, str], pairs: PairTable) -> Pair:
    column = "pair" if row["pair"] else "identity"
    found = [pair for pair in pairs.pairs if getattr(pair, column) == row[column]]
    if row["pair"] and row["identity"]:
        found = [pair for pair in found if pair.identity == row["identity"]]
    both = " and ".join(pairs.expressions)
    if not found:
        raise ValueError(f"{where}: {pairs.path} has no {column} {row[column]!r} with both {both}")
    if len(found) > 1:
        names = ", ".join(pair.pair for pair in found)
        raise ValueError(f"{where}: {row[column]} has several pairs ({names}); name one in a column pair")
    return found[0]


def _video(where: str, row: dict[str, str], pair: str, *, backwards: bool) -> PlannedVideo:
    start, end = (
        _endpoint(where, name, row[name] or default) for name, default in (("start", "0"), ("end", "100"))
    )
    if start == end:
        raise ValueError(f"{where}: start and end are the same; nothing would move")
    name = f"{pair}_{row['direction']}"
    if row["start"] or row["end"]:
        name += "_" + _name_of(row["start"] or "0") + "-" + _name_of(row["end"] or "100")
    name = row["video"] or name
    if not _NAME.fullmatch(name):
        raise ValueError(f"{where}: video is {name!r}; use letters, digits, - and _ (it names files)")
    if backwards:
        start, end = (Endpoint(1 - point.upper, 1 - point.lower) for point in (start, end))
    return PlannedVideo(
        video=name,
        direction=row["direction"],
        start=start,
        end=end,
        duration_s=_seconds(where, row["seconds"]),
    )


def _endpoint(where: str, name: str, text: str) -> Endpoint:
    """Read per cents: one number, or two with a stroke between them."""
    parts = text.replace("%", "").split("/")
    try:
        numbers = [float(part) / 100 for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 <= number <= 1 for number in numbers):
        raise ValueError(
            f"{where}: {name} is {text!r}; expected per cent from 0 to 100, or two of them for the upper and "
            "the lower face, as in 100/0"
        )
    return Endpoint(numbers[0], numbers[-1])


def _seconds(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{where}: seconds is {text!r}; expected a number") from None


def _name_of(percent: str) -> str:
    return percent.replace("%", "").strip().replace("/", "u").replace(".", "p")


def _with_unique_names(planned: Sequence[PlannedPair]) -> list[PlannedPair]:
    """Add the expressions to the names of pairs that are morphed in several ways."""
    names = [pair.pair for pair in planned]
    return [
        replace(pair, pair="_".join([pair.pair, *pair.expressions])) if names.count(pair.pair) > 1 else pair
        for pair in planned
    ]
