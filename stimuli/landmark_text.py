"""The texts of other programs' landmark files: ``.tem``, ``.pts`` and ``.tps``.

A file's numbers are moved to the suite's convention (x to the right and y down, from the centre of the first
pixel) and back in decimal arithmetic, so that what is written and read again is exactly what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import NamedTuple

import numpy as np

_EXACT = Context(prec=800)
_PTS_ORIGIN = 1


class TemplateLine(NamedTuple):
    """A line that a template draws through some of its points."""

    points: tuple[int, ...]
    """Numbers of the points, from 0."""
    closed: bool
    """Whether the last point is joined to the first."""


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """One picture's entry in a TPS file; coordinates as they are written there, y upwards."""

    points: Sequence[tuple[Decimal, Decimal]]
    """Landmarks, then the points of all curves."""
    curves: Sequence[int] = ()
    """Number of points of each curve."""
    more: Mapping[str, str] = field(default_factory=dict)
    """The other entries, such as ``IMAGE``, ``ID`` and ``SCALE``, in their order."""


def parse_tem(text: str) -> tuple[np.ndarray, tuple[TemplateLine, ...]]:
    r"""Read a Psychomorph or WebMorph template.

    Returns
    -------
    tuple
        Points, shape ``(n_points, 2)``, and the lines through them.

    Examples
    --------
    >>> points, lines = parse_tem("3\n1.5 2\n30 4\n5 60\n1\n0\n2\n0 2\n")
    >>> points.tolist(), lines
    ([[1.5, 2.0], [30.0, 4.0], [5.0, 60.0]], (TemplateLine(points=(0, 2), closed=False),))
    """
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if not rows or len(rows[0]) != 1:
        raise ValueError("expected the number of points in the first line")
    n_points = int(rows[0][0])
    pairs = rows[1 : n_points + 1]
    if len(pairs) < n_points or any(len(row) != 2 for row in pairs):
        raise ValueError(f"expected {n_points} lines of x and y after the first line")
    points = np.array(pairs, float).reshape(-1, 2)
    return points, _tem_lines(rows[n_points + 1 :], n_points)


def _tem_lines(rows: Sequence[Sequence[str]], n_points: int) -> tuple[TemplateLine, ...]:
    """Read the lines of a template: for each whether it is closed, how many points it has, and these."""
    if not rows:
        return ()
    n_lines = int(rows[0][0])
    if len(rows) != 1 + 3 * n_lines:
        raise ValueError(f"expected {n_lines} lines of the template, each told in three rows")
    found = []
    for number in range(n_lines):
        closed, n_indices, indices = rows[1 + 3 * number : 4 + 3 * number]
        line = TemplateLine(tuple(int(index) for index in indices), closed[0] != "0")
        if len(line.points) != int(n_indices[0]):
            raise ValueError(
                f"line {number + 1} of the template has {len(line.points)} points, not {n_indices[0]}"
            )
        if any(not 0 <= index < n_points for index in line.points):
            raise ValueError(f"line {number + 1} of the template names a point that does not exist")
        found.append(line)
    return tuple(found)


def format_tem(points_px: np.ndarray, lines: Sequence[TemplateLine]) -> str:
    r"""Return the text of a Psychomorph or WebMorph template.

    Examples
    --------
    >>> format_tem(np.array([[1.5, 2], [3, 4]]), [TemplateLine((0, 1), False)])
    '2\n1.5\t2.0\n3.0\t4.0\n1\n0\n2\n0 1\n'
    """
    rows = [str(len(points_px)), *(f"{x!r}\t{y!r}" for x, y in np.asarray(points_px, float).tolist())]
    rows.append(str(len(lines)))
    for line in lines:
        rows += [str(int(line.closed)), str(len(line.points)), " ".join(map(str, line.points))]
    return "\n".join(rows) + "\n"


def parse_pts(text: str) -> np.ndarray:
    r"""Read iBUG's points, whose first pixel is 1, and return them with the first pixel 0, ``(n_points, 2)``.

    Examples
    --------
    >>> parse_pts("version: 1\nn_points: 2\n{\n1 1\n31.1 5\n}").tolist()
    [[0.0, 0.0], [30.1, 4.0]]
    """
    head, _, rest = text.partition("{")
    body, end, _ = rest.partition("}")
    if not end:
        raise ValueError("expected points between { and }")
    rows = [row.split() for row in body.splitlines() if row.strip()]
    if any(len(row) != 2 for row in rows):
        raise ValueError("expected x and y in each line between { and }")
    declared = [line.split(":")[1] for line in head.splitlines() if line.strip().startswith("n_points")]
    if declared and int(declared[0]) != len(rows):
        raise ValueError(f"{len(rows)} points, but n_points is {declared[0].strip()}")
    points = [[float(_EXACT.subtract(_decimal(text), _PTS_ORIGIN)) for text in row] for row in rows]
    return np.array(points).reshape(-1, 2)


def format_pts(points_px: np.ndarray) -> str:
    """Return the text of iBUG's points; its coordinates begin at 1.

    Examples
    --------
    >>> print(format_pts(np.array([[0, 0], [30.1, 4]])))
    version: 1
    n_points: 2
    {
    1.0 1.0
    31.1 5.0
    }
    <BLANKLINE>
    """
    moved = [
        [_EXACT.add(Decimal(repr(value)), _PTS_ORIGIN) for value in point] for point in _floats(points_px)
    ]
    rows = ["version: 1", f"n_points: {len(moved)}", "{"]
    return "\n".join([*rows, *(f"{x:f} {y:f}" for x, y in moved), "}", ""])


def parse_tps(text: str) -> list[Specimen]:
    r"""Read a TPS file: the landmarks of one or more pictures.

    Examples
    --------
    >>> parse_tps("LM=1\n3 4\nCURVES=1\nPOINTS=2\n5 6\n7 8\nIMAGE=a.jpg\nID=0")[0].more
    {'IMAGE': 'a.jpg', 'ID': '0'}
    """
    rows = [line.strip() for line in text.splitlines() if line.strip()]
    starts = [number for number, row in enumerate(rows) if row.upper().startswith(("LM=", "LM3="))]
    if not starts or starts[0] != 0:
        raise ValueError("expected LM= in the first line")
    ends = [*starts[1:], len(rows)]
    return [_specimen(rows[start:end]) for start, end in zip(starts, ends, strict=True)]


def _specimen(rows: Sequence[str]) -> Specimen:
    points: list[tuple[Decimal, Decimal]] = []
    curves: list[int] = []
    more: dict[str, str] = {}
    waiting = 0
    for row in rows:
        name, equals, value = row.partition("=")
        name = name.strip().upper()
        if not equals:
            x, *rest = row.split()
            if not waiting or len(rest) != 1:
                raise ValueError(f"unexpected line: {row}")
            points.append((_decimal(x), _decimal(rest[0])))
            waiting -= 1
            continue
        if waiting:
            raise ValueError(f"{waiting} points missing before {row}")
        if name == "LM3":
            raise ValueError("points in three dimensions (LM3); expected LM, points of a photograph")
        if name in ("LM", "POINTS"):
            waiting = int(value)
            curves += [waiting] if name == "POINTS" else []
        elif name != "CURVES":
            more[name] = value.strip()
    if waiting:
        raise ValueError(f"{waiting} points missing at the end")
    return Specimen(points=points, curves=curves, more=more)


def format_tps(specimens: Sequence[Specimen]) -> str:
    """Return the text of a TPS file.

    Examples
    --------
    >>> print(format_tps([Specimen(points=[(Decimal(3), Decimal("4.5"))], more={"IMAGE": "a.jpg"})]))
    LM=1
    3 4.5
    IMAGE=a.jpg
    <BLANKLINE>
    """
    rows = []
    for specimen in specimens:
        written = [f"{x:f} {y:f}" for x, y in specimen.points]
        n_landmarks = len(written) - sum(specimen.curves)
        rows += [f"LM={n_landmarks}", *written[:n_landmarks]]
        rows += [f"CURVES={len(specimen.curves)}"] if specimen.curves else []
        start = n_landmarks
        for length in specimen.curves:
            rows += [f"POINTS={length}", *written[start : start + length]]
            start += length
        rows += [f"{name}={value}" for name, value in specimen.more.items()]
    return "\n".join(rows) + "\n"


def specimen_points(specimen: Specimen, *, height_px: int) -> tuple[np.ndarray, tuple[TemplateLine, ...]]:
    """Return the points of a TPS entry with y down, and its curves as lines.

    A TPS file counts y upwards from the centre of the photograph's lowest pixel. Files without any positive
    y, as webmorphR writes them, count downwards from the highest one and have a minus before y.

    Examples
    --------
    >>> point = (Decimal(3), Decimal("1.5"))
    >>> specimen_points(Specimen(points=[point]), height_px=100)[0].tolist()
    [[3.0, 97.5]]
    """
    heights = [y for _, y in specimen.points]
    from_top = bool(heights) and max(heights) <= 0 > min(heights)
    zero = 0 if from_top else height_px - 1
    points = [[float(x), float(_EXACT.subtract(Decimal(zero), y))] for x, y in specimen.points]
    start = len(points) - sum(specimen.curves)
    lines = []
    for length in specimen.curves:
        lines.append(TemplateLine(tuple(range(start, start + length)), False))
        start += length
    return np.array(points).reshape(-1, 2), tuple(lines)


def make_specimen(
    points_px: np.ndarray, lines: Sequence[TemplateLine], *, height_px: int, more: Mapping[str, str]
) -> Specimen:
    """Make a TPS entry of points with y down; lines through its last points become curves."""
    points = [
        (Decimal(repr(x)), _EXACT.subtract(Decimal(height_px - 1), Decimal(repr(y))))
        for x, y in _floats(points_px)
    ]
    curves = [len(line.points) for line in lines]
    tail = [index for line in lines for index in line.points]
    if tail != list(range(len(points) - len(tail), len(points))) or any(line.closed for line in lines):
        curves = []
    return Specimen(points=points, curves=curves, more=more)


def _floats(points_px: np.ndarray) -> list[list[float]]:
    return np.asarray(points_px, float).tolist()


def _decimal(text: str) -> Decimal:
    """Read a number exactly; Decimal alone would raise an error that says nothing."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"not a number: {text}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite number: {text}")
    return value
