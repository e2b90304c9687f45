"""What a set contains: who is photographed, under which light, with which expressions."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stimuli.rendered import DEFAULT_SEED
from stimuli.rendered.expressions import Expression, Recipes, built_in_recipes, express
from stimuli.rendered.identities import Person, draw_people
from stimuli.rendered.people_tables import built_in_people, rounded
from stimuli.rendered.scene import Studio

EMOTIONS = ("happy", "angry")
"""The expressions of a set unless others are asked for, in the order of the columns."""

SECOND_SHIRT = (0.43, 0.45, 0.48)
"""sRGB colour of the shirt in a person's second pair."""

SECOND_STRENGTHS = {"happy": 0.92, "angry": 1.06}
"""How strong the expressions of a second pair are, relative to the recipes; others are as strong."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Photographs that belong together: same person, light and pose, one per expression."""

    pair: str
    person: Person
    studio: Studio
    expressions: dict[str, Expression]


def cast(identities: int, *, seed: int) -> list[Person]:
    """Return the people of a set: those of ``identities.toml`` with the default seed, else drawn ones.

    The person at a place depends on the seed and the place only. With the default seed, an eleventh and
    further people are drawn.

    Raises
    ------
    ValueError
        When `identities` is not between 1 and 99.
    """
    if not 1 <= identities <= 99:
        raise ValueError(f"the number of identities must be between 1 and 99, not {identities}")
    known = built_in_people() if seed == DEFAULT_SEED else []
    drawn = [rounded(person) for person in draw_people(identities, seed=seed)]
    return known[:identities] + drawn[len(known) :]


def draw_pairs(
    identities: int,
    *,
    seed: int,
    people: Sequence[Person] | None = None,
    expressions: Sequence[str] = EMOTIONS,
    recipes: Recipes | None = None,
) -> list[Pair]:
    """Draw the pairs of a set: one per person, and a second, different one for one person in five.

    The second pair has its light from the other side, another pose of the head, another shirt and other
    strengths of expression. Ten people make twelve pairs, as in Korb et al. (2023), where 24 videos show
    10 people.

    Parameters
    ----------
    identities
        Number of people, 1 to 99.
    seed
        Whom to draw, and how light, pose and the strength of expressions vary.
    people
        Other people than those of the seed; `identities` does not count then.
    expressions
        Names of expressions; a person's expression does not depend on which others are asked for.
    recipes
        Their action units; by default those of ``expressions.toml``.

    Raises
    ------
    ValueError
        When `identities` is not between 1 and 99, or an expression has no recipe.

    Examples
    --------
    >>> [pair.pair for pair in draw_pairs(4, seed=1)]
    ['id01', 'id02', 'id03', 'id03b', 'id04']
    """
    recipes = built_in_recipes() if recipes is None else recipes
    missing = [name for name in expressions if name not in recipes]
    if missing:
        raise ValueError(f"no expression is named {', '.join(missing)}; there are {', '.join(recipes)}")
    chosen = {name: recipes[name] for name in expressions}
    pairs = []
    for place, person in enumerate(cast(identities, seed=seed) if people is None else people):
        pairs.append(_draw_pair(person.identity, person, chosen, (seed, place, 1)))
        if place % 5 == 2:
            pairs.append(_draw_pair(f"{person.identity}b", person, chosen, (seed, place, 2)))
    return pairs


def _draw_pair(name: str, person: Person, recipes: Recipes, seeds: tuple[int, int, int]) -> Pair:
    second = seeds[2] == 2
    rng = np.random.default_rng(seeds)
    side = 0.62 if second else -0.5
    studio = Studio(
        key=(side + float(rng.normal(0, 0.04)), 0.55 + float(rng.normal(0, 0.05)), 0.75),
        yaw_deg=float(rng.uniform(3.5, 5.5) if second else rng.uniform(-2, 2)),
        pitch_deg=float(rng.uniform(-2.5, 1.5)),
        roll_deg=float(rng.uniform(-1.2, 1.2)),
    )
    if second:
        person = replace(person, look=replace(person.look, shirt=SECOND_SHIRT))
    expressions = {}
    for expression, recipe in recipes.items():
        own = np.random.default_rng([*seeds, zlib.crc32(expression.encode())])
        strength = SECOND_STRENGTHS.get(expression, 1.0) if second else 1.0
        expressions[expression] = express(recipe, sex=person.sex, rng=own, strength=strength)
    return Pair(pair=name, person=person, studio=studio, expressions=expressions)
