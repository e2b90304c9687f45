"""Expressions as intensities of action units, with each person's own strength and asymmetry."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from stimuli.rendered.action_units import action_units, face_units, read_intensities, read_toml
from stimuli.rendered.head import load_head

TABLE_FILE = Path(__file__).with_name("expressions.toml")

BROW_BY_SEX = {"female": 1.0, "male": 0.92}
"""Men's brows are lower and nearer to the eyes: they are lowered less, to end as low."""
BETWEEN_PEOPLE, MOST_BETWEEN_PEOPLE = 0.07, 0.15
"""Relative SD of an action unit between people, and the largest difference (our choice)."""
BETWEEN_SIDES = 0.03
"""Relative SD of an action unit between the sides of a face (our choice)."""

Recipes = dict[str, dict[str, float]]
"""Intensities of action units by expression."""


class Expression(NamedTuple):
    """One person's expression: intensities of action units, and the face-unit amounts they add up to."""

    action_units: dict[str, float]
    face_units: dict[str, float]


@functools.cache
def _built_in() -> Recipes:
    return read_recipes(TABLE_FILE)


def built_in_recipes() -> Recipes:
    """Return the expressions of ``expressions.toml``."""
    return {name: dict(recipe) for name, recipe in _built_in().items()}


def read_recipes(path: Path) -> Recipes:
    """Read a table of expressions in the form of ``expressions.toml``.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not such a table; the message names what is wrong.
    """
    recipes = {}
    for name, entries in read_toml(path).items():
        if not isinstance(entries, dict):
            raise ValueError(f"{path}: {name} stands in no table; write [NAME] above its action units")
        check_name(name)
        recipes[name] = read_intensities(entries, where=f"{path.name}, [{name}]")
    return recipes


def recipes_text(recipes: Recipes) -> str:
    """Write expressions as the text of a table that `read_recipes` reads.

    Examples
    --------
    >>> print(recipes_text({"pleased": {"AU12": 0.5}}))
    # Expressions: intensities of action units, 0 to 1, before people vary around them.
    <BLANKLINE>
    [pleased]
    AU12 = 0.5
    <BLANKLINE>
    """
    text = "# Expressions: intensities of action units, 0 to 1, before people vary around them.\n"
    for name, recipe in recipes.items():
        text += "\n".join(["", f"[{name}]", *(f"{unit} = {value:g}" for unit, value in recipe.items()), ""])
    return text


def parse_recipe(text: str) -> tuple[str, dict[str, float]]:
    """Read an expression as it is typed at the command line.

    Raises
    ------
    ValueError
        When it is not ``NAME=UNIT:INTENSITY,...``.

    Examples
    --------
    >>> parse_recipe("surprise=AU1:1,AU2:1,AU5:.6,AU26:B")
    ('surprise', {'AU1': 1.0, 'AU2': 1.0, 'AU5': 0.6, 'AU26': 0.4})
    >>> parse_recipe("calm=")
    ('calm', {})
    """
    name, equals, rest = text.partition("=")
    name = name.strip()
    check_name(name)
    parts = [part.split(":") for part in rest.split(",") if part.strip()]
    if not equals or any(len(part) != 2 for part in parts):
        raise ValueError(
            f"{text!r} is no expression; expected NAME=UNIT:INTENSITY,... as surprise=AU1:1,AU5:.6"
        )
    units = [unit.strip() for unit, _ in parts]
    if len(set(units)) < len(units):
        raise ValueError(f"expression {name}: an action unit is named twice")
    return name, read_intensities(dict(parts), where=f"expression {name}")


def check_name(name: str) -> None:
    """Refuse a name that cannot be part of file names and column names.

    Raises
    ------
    ValueError
        When `name` has other characters than letters and digits, or is the name of another column.
    """
    if not name.isalnum():
        raise ValueError(f"{name!r} cannot name an expression; use letters and digits")
    if name in ("pair", "identity", "sex"):
        raise ValueError(f"{name!r} cannot name an expression: pairs.tsv has a column of that name")


def express(
    recipe: Mapping[str, float],
    *,
    sex: Literal["female", "male"],
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Expression:
    """Return one person's expression.

    Each action unit varies by 7 % (SD, at most 15 %) between people and by 3 % between the sides of a face;
    `strength` multiplies all units. No unit gets stronger than its maximum.

    Parameters
    ----------
    recipe
        Intensities of action units, as `read_recipes` returns them.
    sex
        Men's AU4 is a little weaker, see `BROW_BY_SEX`.
    rng
        Where the person's own variation comes from.
    strength
        Above 1 stronger, below 1 weaker than the recipe.
    """
    shown: dict[str, float] = {}
    for name, intensity in recipe.items():
        by_sex = BROW_BY_SEX[sex] if name.rstrip("LR") == "AU4" else 1.0
        own = np.clip(1 + rng.normal(0, BETWEEN_PEOPLE), 1 - MOST_BETWEEN_PEOPLE, 1 + MOST_BETWEEN_PEOPLE)
        tilt = float(rng.normal(0, BETWEEN_SIDES))
        amount = float(strength * by_sex * intensity * own)
        sides = {name + "L": amount * (1 + tilt), name + "R": amount * (1 - tilt)}
        for unit, value in (sides if _has_sides(name) else {name: amount}).items():
            shown[unit] = round(min(value, 1.0), 4)
    return Expression(shown, face_units(shown))


def _has_sides(name: str) -> bool:
    """Tell whether a unit is meant for both sides and has them."""
    if name[-1] in "LR":
        return False
    return all(f"unit/{move}Left" in load_head().targets for move in action_units()[name].moves)


def between(first: Expression, second: Expression, level: float) -> Expression:
    """Return the expression at a level of the way from the first (0) to the second (1).

    Action units, and with them all vertices of the head, go in straight lines.

    Examples
    --------
    >>> one, other = Expression({"AU12L": 1.0}, {"mouthSmileLeft": 1.2}), Expression({}, {})
    >>> between(one, other, 0.25)
    Expression(action_units={'AU12L': 0.75}, face_units={'mouthSmileLeft': 0.9})
    """
    return Expression(
        _mix(first.action_units, second.action_units, level),
        _mix(first.face_units, second.face_units, level),
    )


def _mix(first: Mapping[str, float], second: Mapping[str, float], level: float) -> dict[str, float]:
    names = [*first, *(name for name in second if name not in first)]
    return {n: round((1 - level) * first.get(n, 0.0) + level * second.get(n, 0.0), 6) for n in names}
