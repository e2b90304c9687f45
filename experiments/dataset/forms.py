"""What a questionnaire is: its items, how they are answered, and how answers become scores.

A form is a plain table of entries, as a TOML file or the record of a session holds it; `form_from` checks it
and says in words what is wrong. ``docs/questionnaires.md`` explains every entry.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["rating", "choice", "number", "time"]
KINDS: tuple[Kind, ...] = ("rating", "choice", "number", "time")
DERIVED = {"body_mass_index": ("height_cm", "weight_kg")}
"""What can be computed from answers -> what it is computed from."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_FORM = (
    ("name", "language", "title", "table", "items"),
    ("order", "instruction", "stem", "source", "permission", "times", "response", "scales", "derived"),
)
_ITEM: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rating": (("id", "text"), ("kind", "meaning")),
    "choice": (("id", "text", "options"), ("kind", "meaning", "participants_column")),
    "number": (
        ("id", "text", "minimum", "maximum"),
        ("kind", "meaning", "unit", "decimals", "usual", "participants_column"),
    ),
    "time": (("id", "text"), ("kind", "meaning", "usual_hours_ago")),
}
_SCALE = (("id", "items", "range"), ("reversed", "combine", "meaning", "prorate_up_to"))


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question of a form, on a page of its own."""

    id: str
    """Name of its column."""
    kind: Kind
    """``rating`` (on the form's response scale), ``choice``, ``number`` or ``time`` (of day)."""
    text: str
    """What is read on the page."""
    meaning: str
    """What the data dictionary says."""
    options: tuple[tuple[str, str], ...] = ()
    """Value and label of each answer, in the order of the page; empty where something is typed."""
    unit: str = ""
    """Unit of a number."""
    minimum: float = 0.0
    """Smallest number that is accepted."""
    maximum: float = 0.0
    """Largest number that is accepted."""
    usual: tuple[float, float] | None = None
    """Numbers outside are accepted when they are confirmed; of a time of day: hours ago."""
    decimals: int = 0
    """Digits after the point that are accepted."""
    participants_column: str | None = None
    """Column of participants.tsv that means the same, and must not say something else."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A score that is computed from ratings."""

    id: str
    """Name of its column."""
    items: tuple[str, ...]
    """Items that belong to it."""
    reversed: frozenset[str] = frozenset()
    """Those that are counted from the other end of the response scale."""
    combine: Literal["sum", "mean"] = "sum"
    """How the ratings become one number."""
    meaning: str = ""
    """What the data dictionary says."""
    prorate_up_to: int = 0
    """With at most so many missing answers a score is estimated from the others, in a column of its own."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A questionnaire in one language."""

    name: str
    """Letters, digits and underscores."""
    language: str
    """Language code."""
    title: str
    """What the experimenter reads."""
    table: str
    """Name of the table in ``phenotype``."""
    instruction: str
    """First page; empty: none."""
    stem: str
    """What is read above every item; empty: nothing."""
    order: Literal["fixed", "random"]
    """Order of the items, unless the command says otherwise."""
    times: tuple[tuple[str, str], ...]
    """Name and meaning of each time at which it is asked; empty where it is asked once."""
    items: tuple[Item, ...]
    """The questions."""
    scales: tuple[Scale, ...]
    """The scores."""
    derived: tuple[tuple[str, str], ...]
    """Column and what is computed, one of `DERIVED`."""
    response: tuple[tuple[str, str], ...]
    """Value and label of each step of the response scale."""
    source: str
    """Where the questionnaire comes from."""
    content: Mapping[str, Any]
    """All entries, as they were read."""

    def item(self, id: str) -> Item:
        """Return the item of this name."""
        return next(item for item in self.items if item.id == id)


def form_from(content: Mapping[str, Any]) -> Form:
    """Check the entries of a form.

    Parameters
    ----------
    content : mapping
        Entries as in a TOML file.

    Returns
    -------
    Form
        The form.

    Raises
    ------
    ValueError
        If an entry is missing, unknown, or cannot be right; the message says which and what was expected.

    Examples
    --------
    >>> form_from({"name": "mood", "language": "en", "title": "Mood", "table": "mood", "items": []})
    Traceback (most recent call last):
    ValueError: items: expected at least one [[items]], found none
    """
    _check_entries(content, *_FORM, where="the form")
    times = _pairs(content.get("times", {}), "times", smallest=0)
    for name, _ in times:
        _demand(bool(_NAME.fullmatch(name)), "times: expected names such as t1", name)
    response = _pairs(content.get("response", {}), "response", smallest=0)
    for value, _ in response:
        _demand(_is_whole(value), "response: expected whole numbers = labels", value)
    items = _items(content["items"], response)
    scales = tuple(_scale(entry, items, response) for entry in _tables(content.get("scales", []), "scales"))
    derived = tuple(_derived(entry, items) for entry in _tables(content.get("derived", []), "derived"))
    names = [item.id for item in items] + [scale.id for scale in scales] + [name for name, _ in derived]
    _demand(len(set(names)) == len(names), "ids of items and scales must differ", names)
    return Form(
        name=_name(content["name"], "name"),
        language=_text(content["language"], "language"),
        title=_text(content["title"], "title"),
        table=_name(content["table"], "table"),
        instruction=str(content.get("instruction", "")).strip(),
        stem=str(content.get("stem", "")).strip(),
        order=_one_of(content.get("order", "fixed"), ("fixed", "random"), "order"),
        times=times,
        items=items,
        scales=scales,
        derived=derived,
        response=response,
        source=str(content.get("source", "")).strip(),
        content=content,
    )


def _items(entries: object, response: Sequence[tuple[str, str]]) -> tuple[Item, ...]:
    tables = _tables(entries, "items")
    _demand(len(tables) > 0, "items: expected at least one [[items]]", "none", quote=False)
    return tuple(_item(entry, number, response) for number, entry in enumerate(tables, start=1))


def _item(entry: Mapping[str, Any], number: int, response: Sequence[tuple[str, str]]) -> Item:
    where = f"item {entry.get('id', number)!r}"
    kind: Kind = _one_of(entry.get("kind", "rating"), KINDS, f"{where}: kind")
    _check_entries(entry, *_ITEM[kind], where=where)
    name = _name(entry["id"], f"{where}: id")
    text = _text(entry["text"], f"{where}: text")
    options: tuple[tuple[str, str], ...] = ()
    if kind == "rating":
        _demand(
            len(response) > 1, f"{where}: a rating needs a [response] scale of two steps at least", response
        )
        options = tuple(response)
    elif kind == "choice":
        options = _pairs(entry["options"], f"{where}: options", smallest=2)
    numbers = _number_entries(entry, where) if kind == "number" else {}
    if "usual_hours_ago" in entry:
        numbers["usual"] = (0.0, _number(entry["usual_hours_ago"], f"{where}: usual_hours_ago"))
    return Item(
        id=name,
        kind=kind,
        text=text,
        meaning=str(entry.get("meaning", text)),
        options=options,
        participants_column=entry.get("participants_column"),
        **numbers,
    )


def _number_entries(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    low, high = (_number(entry[name], f"{where}: {name}") for name in ("minimum", "maximum"))
    _demand(low < high, f"{where}: minimum must be below maximum", (low, high))
    usual = entry.get("usual")
    if usual is not None:
        _demand(isinstance(usual, list) and len(usual) == 2, f"{where}: usual: expected [from, to]", usual)
        usual = (_number(usual[0], f"{where}: usual"), _number(usual[1], f"{where}: usual"))
        _demand(low <= usual[0] < usual[1] <= high, f"{where}: usual must lie within the limits", usual)
    decimals = entry.get("decimals", 0)
    _demand(decimals in (0, 1, 2, 3), f"{where}: decimals: expected 0 to 3", decimals)
    return {
        "minimum": low,
        "maximum": high,
        "usual": usual,
        "decimals": int(decimals),
        "unit": str(entry.get("unit", "")),
    }


def _scale(entry: Mapping[str, Any], items: Sequence[Item], response: Sequence[tuple[str, str]]) -> Scale:
    where = f"scale {entry.get('id', '')!r}"
    _check_entries(entry, *_SCALE, where=where)
    rated = [item.id for item in items if item.kind == "rating"]
    chosen = [_known(str(name), rated, f"{where}: rated item") for name in _list(entry["items"], where)]
    _demand(len(chosen) > 0 and len(set(chosen)) == len(chosen), f"{where}: each item once", chosen)
    turned = _list(entry.get("reversed", []), where)
    for name in turned:
        _demand(name in chosen, f"{where}: reversed items must be among its items", name)
    combine: Literal["sum", "mean"] = _one_of(
        entry.get("combine", "sum"), ("sum", "mean"), f"{where}: combine"
    )
    values = [int(value) for value, _ in response]
    count = len(chosen) if combine == "sum" else 1
    possible = [min(values) * count, max(values) * count]
    _demand(
        list(_list(entry["range"], where)) == possible,
        f"{where}: range: its items give {possible[0]} to {possible[1]}",
        entry["range"],
    )
    prorate = entry.get("prorate_up_to", 0)
    _demand(
        isinstance(prorate, int) and not isinstance(prorate, bool) and 0 <= prorate < len(chosen),
        f"{where}: prorate_up_to: expected a number of items below {len(chosen)}",
        prorate,
    )
    return Scale(
        id=_name(entry["id"], f"{where}: id"),
        items=tuple(chosen),
        reversed=frozenset(turned),
        combine=combine,
        meaning=str(entry.get("meaning", "")),
        prorate_up_to=prorate,
    )


def _derived(entry: Mapping[str, Any], items: Sequence[Item]) -> tuple[str, str]:
    _check_entries(entry, ("id", "from"), (), where="derived")
    kind = _known(str(entry["from"]), list(DERIVED), "derived: computation")
    numbers = [item.id for item in items if item.kind == "number"]
    lacking = [name for name in DERIVED[kind] if name not in numbers]
    _demand(not lacking, f"derived: {kind} needs the numbers {' and '.join(DERIVED[kind])}", numbers)
    return _name(entry["id"], "derived: id"), kind


def _check_entries(
    entry: Mapping[str, Any], needed: Sequence[str], optional: Sequence[str], *, where: str
) -> None:
    for name in entry:
        _known(name, [*needed, *optional], f"entry of {where}")
    lacking = [name for name in needed if name not in entry]
    if lacking:
        raise ValueError(f"{where} lacks {', '.join(lacking)}")


def _known(name: str, names: Sequence[str], what: str) -> str:
    if name in names:
        return name
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    raise ValueError(f"unknown {what}: {name!r}; {hint}")


def _pairs(entries: object, where: str, *, smallest: int) -> tuple[tuple[str, str], ...]:
    if not isinstance(entries, Mapping):
        raise ValueError(f"{where}: expected a section of value = label, found {entries!r}")
    pairs = tuple((str(value), _text(label, f"{where}: {value}")) for value, label in entries.items())
    _demand(len(pairs) >= smallest, f"{where}: expected at least {smallest} entries", len(pairs))
    return pairs


def _tables(entries: object, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError(f"{name}: expected tables headed [[{name}]], found {entries!r}")
    return entries


def _list(entry: object, where: str) -> list[Any]:
    if not isinstance(entry, list):
        raise ValueError(f"{where}: expected a list in square brackets, found {entry!r}")
    return entry


def _one_of(value: object, allowed: Sequence[str], where: str) -> Any:
    _demand(value in allowed, f"{where}: expected one of {', '.join(allowed)}", value)
    return value


def _name(value: object, where: str) -> str:
    right = isinstance(value, str) and _NAME.fullmatch(value) is not None
    _demand(right, f"{where}: expected small letters, digits and underscores, such as positive_affect", value)
    return str(value)


def _text(value: object, where: str) -> str:
    _demand(isinstance(value, str) and bool(value.strip()), f"{where}: expected a text", value)
    return str(value).strip()


def _number(value: object, where: str) -> float:
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    _demand(right, f"{where}: expected a number", value)
    return float(value)  # type: ignore[arg-type]


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text) is not None


def _demand(right: bool, expected: str, found: object, *, quote: bool = True) -> None:
    if not right:
        raise ValueError(f"{expected}, found {found!r}" if quote else f"{expected}, found {found}")
