"""The table of photograph pairs: who is shown, with which two expressions, in which files."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SEXES = ("male", "female")
KNOWN_COLUMNS = ("identity", "sex", "pair")
LANDMARK_SUFFIX = "_landmarks"

_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two photographs of one person."""

    pair: str
    """Unique name of the pair."""
    identity: str
    """The person."""
    sex: str
    """``male`` or ``female``."""
    photographs: tuple[Path, Path]
    """Photograph of the first and of the second expression."""
    landmark_files: tuple[Path | None, Path | None]
    """Landmarks of each photograph where the table names a file."""


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """A table of pairs."""

    path: Path
    """The file that was read."""
    expressions: tuple[str, str]
    """Names of the two expressions, as the columns are named."""
    pairs: Sequence[Pair]
    """Rows in order."""

    @property
    def directions(self) -> tuple[str, str]:
        """Names of the two directions, as in ``("HappyToAngry", "AngryToHappy")``."""
        first, second = (name[:1].upper() + name[1:] for name in self.expressions)
        return f"{first}To{second}", f"{second}To{first}"


def read_pairs(path: Path, *, expressions: tuple[str, str] | None = None) -> PairTable:
    """Read a table of photograph pairs.

    The table is tab separated and has the columns ``identity``, ``sex`` (male or female), two or more columns
    named after the expressions with paths relative to the table (say ``happy`` and ``angry``), and optionally
    ``pair`` (a unique name; otherwise the identity, numbered where it repeats) and
    ``<expression>_landmarks`` (.json, .tem or .pts).

    Parameters
    ----------
    path
        The table.
    expressions
        Which two columns to read; rows without both photographs are left out then. By default the first two.

    Returns
    -------
    PairTable
        Its pairs, all of whose files exist.

    Raises
    ------
    FileNotFoundError
        If the table or a file that it names does not exist; all missing files are listed.
    ValueError
        If columns or values are not as described; the message names the line.
    """
    path = Path(path)
    columns, rows = _read_rows(path)
    names = _expressions(path, columns)
    chosen = _choose(path, names, expressions)
    pairs = _rows(path, columns, rows, chosen, skip=expressions is not None)
    if not pairs:
        raise ValueError(f"{path} has no row with both {chosen[0]} and {chosen[1]}")
    _check_files(path, pairs)
    return PairTable(path=path, expressions=chosen, pairs=pairs)


def read_expressions(path: Path) -> list[str]:
    """Return the names of a table's columns of photographs, in their order.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_pairs`.
    """
    return _expressions(path, _read_rows(Path(path))[0])


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read the names of the columns and the rows below."""
    if not path.is_file():
        raise FileNotFoundError(f"table of pairs not found: {path}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a UTF-8 text file ({error}). Save it as tab separated text"
        ) from None
    rows = list(csv.reader((line for line in lines if line.strip()), delimiter="\t"))
    columns = [name.strip() for name in rows[0]] if rows else []
    _expressions(path, columns)
    if len(rows) < 2:
        raise ValueError(f"{path} has no pairs below its header")
    return columns, rows[1:]


def _choose(path: Path, names: Sequence[str], wanted: tuple[str, str] | None) -> tuple[str, str]:
    """Find the wanted columns of photographs; the first two if none are named."""
    first, second = wanted or (names[0], names[1])
    unknown = [name for name in (first, second) if name not in names]
    if unknown:
        raise ValueError(f"{path} has no photographs of {' and '.join(unknown)}. It has: {', '.join(names)}")
    if first == second:
        raise ValueError(f"the two expressions must differ; got {first} twice")
    return first, second


def _expressions(path: Path, columns: Sequence[str]) -> list[str]:
    """Find the columns of photographs, and check all the names."""
    advice = (
        "Expected tab separated columns identity, sex, optionally pair, and two or more columns of "
        "photographs named after their expressions, such as happy and angry. "
        f"Found: {', '.join(columns) or 'nothing'}"
    )
    if len(columns) == 1 and re.search(r"[,;]", columns[0]):
        raise ValueError(f"{path} is not tab separated. {advice}")
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ValueError(f"{path} has the column {repeated[0] or '(no name)'} more than once. {advice}")
    missing = [name for name in ("identity", "sex") if name not in columns]
    if missing:
        raise ValueError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {' and '.join(missing)}. {advice}"
        )
    others = [name for name in columns if name not in KNOWN_COLUMNS and not name.endswith(LANDMARK_SUFFIX)]
    if len(others) < 2:
        raise ValueError(f"{path} has photographs in {len(others)} column(s) instead of 2 or more. {advice}")
    strange = [name for name in others if not name.isidentifier()]
    if strange or len({name.lower() for name in others}) < len(others):
        raise ValueError(
            f"{path}: {', '.join(map(repr, others))} are not different names of expressions. {advice}"
        )
    allowed = {name + LANDMARK_SUFFIX for name in others}
    strange = [name for name in columns if name.endswith(LANDMARK_SUFFIX) and name not in allowed]
    if strange:
        raise ValueError(f"{path}: the column {strange[0]} belongs to no expression. {advice}")
    return others


def _rows(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    expressions: tuple[str, str],
    *,
    skip: bool,
) -> list[Pair]:
    """Make the pairs; `skip` leaves out rows without both photographs, which are an error otherwise."""
    pairs: list[Pair] = []
    taken: set[str] = set()
    for number, fields in enumerate(rows, start=1):
        where = f"{path}, pair {number}"
        if len(fields) > len(columns):
            raise ValueError(f"{where}: {len(fields)} fields, but the header has {len(columns)} columns")
        row = dict.fromkeys(columns, "") | dict(zip(columns, map(str.strip, fields), strict=False))
        name = _pair_name(where, row, taken)
        taken.add(name.lower())
        if not skip or all(row[expression] for expression in expressions):
            pairs.append(_pair(where, path.parent, row, expressions, name))
    return pairs


def _pair_name(where: str, row: dict[str, str], taken: set[str]) -> str:
    """Check who is shown, and find the unique name of the pair."""
    if not row["identity"]:
        raise ValueError(f"{where}: identity is empty")
    if row["sex"] not in SEXES:
        raise ValueError(f"{where}: sex is {row['sex']!r}; expected male or female")
    name = row.get("pair") or _free_name(row["identity"], taken)
    for label, value in (("identity", row["identity"]), ("pair", name)):
        if not _NAME.fullmatch(value):
            raise ValueError(f"{where}: {label} is {value!r}; use letters, digits, - and _ (it names files)")
    if name.lower() in taken:
        raise ValueError(f"{where}: the pair name {name} occurs twice (capitals do not count)")
    return name


def _pair(where: str, folder: Path, row: dict[str, str], expressions: tuple[str, str], name: str) -> Pair:
    for expression in expressions:
        if not row[expression]:
            raise ValueError(f"{where}: {expression} is empty")
    first, second = (folder / row[expression] for expression in expressions)
    files = [row.get(expression + LANDMARK_SUFFIX) for expression in expressions]
    landmarks = tuple(folder / file if file else None for file in files)
    return Pair(
        pair=name,
        identity=row["identity"],
        sex=row["sex"],
        photographs=(first, second),
        landmark_files=(landmarks[0], landmarks[1]),
    )


def _free_name(identity: str, taken: set[str]) -> str:
    """Return the identity, or the identity with the first free number from 2 on."""
    name, number = identity, 1
    while name.lower() in taken:
        number += 1
        name = f"{identity}_{number}"
    return name


def _check_files(path: Path, pairs: Sequence[Pair]) -> None:
    files = [file for pair in pairs for file in (*pair.photographs, *pair.landmark_files) if file is not None]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        listed = "\n  ".join(missing)
        raise FileNotFoundError(
            f"{path} names files that do not exist (paths start at the table's folder):\n  {listed}"
        )
    for pair in pairs:
        if pair.photographs[0].resolve() == pair.photographs[1].resolve():
            raise ValueError(f"{path}: both photographs of {pair.pair} are the same, {pair.photographs[0]}")
