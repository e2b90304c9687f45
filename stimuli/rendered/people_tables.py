"""People as tables of named weights: reading and writing ``identities.toml``."""

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimuli.rendered.action_units import read_toml
from stimuli.rendered.head import load_head
from stimuli.rendered.identities import HairStyle, Look, Person

TABLE_FILE = Path(__file__).with_name("identities.toml")
"""The ten people of the built-in set."""

DIGITS = 4

HEADER = """\
# People of a face set. To make one of your own: copy a person, change the name in all three brackets and any
# number, and give the file to  python -m stimuli faces FOLDER --people FILE.toml
#
# [name]        sex; colours as sRGB from 0 to 1; amounts of brows, lashes, stubble and so on; seeds of hairs
# [name.hair]   how hair grows, lengths in decimetres (see HairStyle in stimuli/rendered/identities.py)
# [name.shape]  weights of the shape targets of the MakeHuman head, which add up; 1 = the target as its
#               authors made it; l- and r- are the person's left and right
"""


@functools.cache
def _built_in() -> tuple[Person, ...]:
    return tuple(read_people(TABLE_FILE))


def built_in_people() -> list[Person]:
    """Return the people of ``identities.toml``."""
    return list(_built_in())


def read_people(path: Path) -> list[Person]:
    """Read a table of people.

    Parameters
    ----------
    path
        TOML file in the form of ``identities.toml``.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When an entry is missing, not known or impossible; the message names person and entry.
    """
    people = [_person(f"{path.name}, [{name}]", name, entries) for name, entries in read_toml(path).items()]
    if not people:
        raise ValueError(f"{path} describes nobody; expected a table [NAME] per person")
    return people


def _person(where: str, name: str, entries: Any) -> Person:
    if not isinstance(entries, dict) or not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise ValueError(f"{where}: expected a table whose name has letters and digits alone")
    entries = dict(entries)
    sex, hair, shape = (entries.pop(key, None) for key in ("sex", "hair", "shape"))
    if sex not in ("female", "male"):
        raise ValueError(f'{where}: sex is {sex!r}; expected "female" or "male"')
    for key, value in (("hair", hair), ("shape", shape)):
        if not isinstance(value, dict):
            raise ValueError(f"{where}: the table [{name}.{key}] is missing")
    style = HairStyle(**_fields(where, hair, HairStyle, optional=True))
    if style.kind not in ("parted", "pulled_back", "short", "curls"):
        raise ValueError(
            f"{where}: hair kind is {style.kind!r}; expected parted, pulled_back, short or curls"
        )
    entries |= {"hair_style": style, "hair": entries.pop("hair_colour", None)}
    look = Look(**_fields(where, entries, Look))
    return Person(identity=name, sex=sex, shape=_shape(where, shape), look=look)


def _fields(
    where: str, entries: Mapping[str, Any], record: type[HairStyle] | type[Look], *, optional: bool = False
) -> dict[str, Any]:
    """Check that entries are the fields of a record; lists become tuples."""
    fields = {field.name: field for field in dataclasses.fields(record)}
    unknown = [_spelled(name) for name in entries if name not in fields]
    missing = [
        _spelled(name)
        for name, field in fields.items()
        if entries.get(name) is None and not (optional and field.default is not dataclasses.MISSING)
    ]
    if unknown or missing:
        parts = [f"without {', '.join(missing)}"] * bool(missing)
        parts += [f"with {', '.join(unknown)}, which is not known"] * bool(unknown)
        raise ValueError(f"{where}: {'; '.join(parts)}")
    for name, value in entries.items():
        _check_value(f"{where}: {_spelled(name)}", name, value)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}


def _spelled(field: str) -> str:
    return "hair_colour" if field == "hair" else field


COLOURS = ("skin", "lips", "iris", "hair", "shirt")
PAIRS = ("sweep", "texture_offset_dm")


def _check_value(where: str, name: str, value: Any) -> None:
    if name in COLOURS + PAIRS:
        n = 3 if name in COLOURS else 2
        numbers = value if isinstance(value, list) else []
        if len(numbers) != n or not all(_is_number(number) for number in numbers):
            raise ValueError(f"{where} is {value!r}; expected {n} numbers in brackets")
        if name in COLOURS and not all(0 <= number <= 1 for number in numbers):
            raise ValueError(f"{where} is {value!r}; expected sRGB values from 0 to 1")
    elif name.endswith("_seed"):
        if not isinstance(value, int) or value < 0:
            raise ValueError(f"{where} is {value!r}; expected a whole number, 0 or more")
    elif name == "covers_ears":
        if not isinstance(value, bool):
            raise ValueError(f"{where} is {value!r}; expected true or false")
    elif name not in ("kind", "hair_style") and not _is_number(value):
        raise ValueError(f"{where} is {value!r}; expected a number")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shape(where: str, entries: Mapping[str, Any]) -> dict[str, float]:
    targets = load_head().targets
    for name, weight in entries.items():
        if name not in targets or name.startswith("unit/"):
            raise ValueError(f"{where}: the head model has no shape target {name!r}")
        if not _is_number(weight) or not -2 <= weight <= 2:
            raise ValueError(f"{where}: {name} is {weight!r}; expected a number from -2 to 2")
    return {name: float(weight) for name, weight in entries.items()}


def rounded(person: Person) -> Person:
    """Return a person as the table holds them: with numbers of `DIGITS` digits."""
    style = HairStyle(**{k: _round(v) for k, v in vars(person.look.hair_style).items()})
    look = {k: _round(v) for k, v in vars(person.look).items() if k != "hair_style"}
    shape = {name: float(_round(weight)) for name, weight in person.shape.items() if _round(weight)}
    return dataclasses.replace(person, shape=shape, look=Look(hair_style=style, **look))


def _round(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_round(part) for part in value)
    return round(value, DIGITS) if isinstance(value, float) else value


def people_text(people: Sequence[Person]) -> str:
    """Write people as the text of a table that `read_people` reads; numbers get `DIGITS` digits."""
    return HEADER + "".join(_person_text(rounded(person)) for person in people)


def _person_text(person: Person) -> str:
    look = dict(vars(person.look))
    style = look.pop("hair_style")
    lines = ["", f"[{person.identity}]", f'sex = "{person.sex}"']
    lines += [f"{_spelled(name)} = {_toml(value)}" for name, value in look.items()]
    lines += ["", f"[{person.identity}.hair]"]
    lines += [f"{name} = {_toml(value)}" for name, value in vars(style).items()]
    lines += ["", f"[{person.identity}.shape]"]
    lines += [f'"{name}" = {_toml(weight)}' for name, weight in person.shape.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else f"{value}"
