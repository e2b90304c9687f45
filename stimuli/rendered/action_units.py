"""Action units of the Facial Action Coding System, and how they move the head model.

Reference: Ekman, Friesen & Hager (2002), Facial Action Coding System: The manual.
"""

import functools
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stimuli.rendered.head import load_head

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE_FILE = Path(__file__).with_name("action_units.toml")

LETTERS = {"A": 0.2, "B": 0.4, "C": 0.6, "D": 0.8, "E": 1.0}
"""Intensity letters, in even steps (the manual orders them, but gives no numbers; our choice)."""

_NAME = re.compile(r"([LR]?)(?:AU)?(\d+)([LR]?)", re.IGNORECASE)


class ActionUnit(NamedTuple):
    """One action unit: its name, its muscles, and the face units it moves at intensity 1."""

    name: str
    muscle: str
    moves: dict[str, float]


@functools.cache
def action_units() -> dict[str, ActionUnit]:
    """Return the action units that the head model can show, by their names such as ``AU12``."""
    return {name: ActionUnit(**entry) for name, entry in read_toml(TABLE_FILE).items()}


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not TOML.
    """
    if not path.is_file():
        raise FileNotFoundError(f"table not found: {path}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a TOML file in UTF-8: {error}") from None


def read_intensities(entries: Mapping[str, Any], *, where: str) -> dict[str, float]:
    """Check action units with their intensities, and spell both as everywhere.

    Parameters
    ----------
    entries
        Units such as ``AU12`` or ``12``, of one side ``L12`` or ``AU12L`` (the person's left), with
        intensities from 0 to 1 or the letters A to E.
    where
        What the entries belong to, for messages.

    Returns
    -------
    dict
        Intensity by unit, ``AU12``, ``AU12L`` or ``AU12R``.

    Raises
    ------
    ValueError
        When a unit is not known, has no sides, is named twice, or its intensity is none.

    Examples
    --------
    >>> read_intensities({"AU1": 1, "12": "c", "L14": 0.5}, where="example")
    {'AU1': 1.0, 'AU12': 0.6, 'AU14L': 0.5}
    """
    intensities: dict[str, float] = {}
    for entry, value in entries.items():
        name = _unit_name(entry, where)
        if name in intensities:
            raise ValueError(f"{where}: {name} is named twice")
        intensities[name] = _intensity(value, f"{where}: {name}")
    for name in intensities:
        if name[-1] in "LR" and name[:-1] in intensities:
            raise ValueError(f"{where}: both {name[:-1]} and {name}; name a unit once, or its sides")
    return intensities


def _unit_name(entry: str, where: str) -> str:
    found = _NAME.fullmatch(entry.strip())
    unit = f"AU{int(found[2])}" if found else ""
    if not found or unit not in action_units() or (found[1] and found[3]):
        known = ", ".join(action_units())
        raise ValueError(f"{where}: {entry!r} is no action unit of the built-in faces; they have {known}")
    side = (found[1] or found[3]).upper()
    if side and not any(f"unit/{move}Left" in load_head().targets for move in action_units()[unit].moves):
        raise ValueError(f"{where}: {unit} has no left and right side")
    return unit + side


def _intensity(value: Any, where: str) -> float:
    text = str(value).strip().upper()
    try:
        number = LETTERS[text] if text in LETTERS else float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError(f"{where} has the intensity {value!r}; expected 0 to 1, or a letter A to E")
    return number


def face_units(intensities: Mapping[str, float]) -> dict[str, float]:
    """Return the amounts of the head model's face units that some action units add up to.

    Parameters
    ----------
    intensities
        By unit, as `read_intensities` returns them.

    Examples
    --------
    >>> face_units({"AU12R": 0.5})
    {'mouthSmileRight': 0.6}
    """
    targets = load_head().targets
    amounts: dict[str, float] = {}
    for name, intensity in intensities.items():
        sides = {"L": ("Left",), "R": ("Right",)}.get(name[-1], ("Left", "Right"))
        for move, amount in action_units()[name.rstrip("LR")].moves.items():
            paired = f"unit/{move}Left" in targets
            share = 1.0 if paired or len(sides) == 2 else 0.5
            for unit in [move + side for side in sides] if paired else [move]:
                amounts[unit] = amounts.get(unit, 0.0) + share * intensity * amount
    return {unit: round(amount, 6) for unit, amount in amounts.items() if amount}
