"""What a set contains: who is photographed, under which light, with which expressions."""

from dataclasses import dataclass, replace

import numpy as np

from stimuli.rendered.expressions import RECIPES, express
from stimuli.rendered.identities import Person, draw_people
from stimuli.rendered.scene import Studio

EMOTIONS = tuple(RECIPES)
"""The expressions of a set, in the order of the columns."""


SECOND_SHIRT = (0.43, 0.45, 0.48)
"""sRGB colour of the shirt in a person's second pair."""

SECOND_STRENGTHS = {"happy": 0.92, "angry": 1.06}
"""How strong the expressions of a second pair are, relative to the recipes."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One pair of photographs: same person, light and pose, one expression each."""

    pair: str
    person: Person
    studio: Studio
    expressions: dict[str, dict[str, float]]


def draw_pairs(identities: int, *, seed: int) -> list[Pair]:
    """Draw the pairs of a set: one per person, and a second, different one for one person in five.

    The second pair has its light from the other side, another pose of the head, another shirt and other
    strengths of expression. Ten people make twelve pairs, as in Korb et al. (2023), where 24 videos show
    10 people.

    Raises
    ------
    ValueError
        When `identities` is not between 1 and 99.

    Examples
    --------
    >>> [pair.pair for pair in draw_pairs(4, seed=1)]
    ['id01', 'id02', 'id03', 'id03b', 'id04']
    """
    if not 1 <= identities <= 99:
        raise ValueError(f"the number of identities must be between 1 and 99, not {identities}")
    pairs = []
    for place, person in enumerate(draw_people(identities, seed=seed)):
        pairs.append(_draw_pair(person.identity, person, np.random.default_rng([seed, place, 1]), False))
        if place % 5 == 2:
            rng = np.random.default_rng([seed, place, 2])
            pairs.append(_draw_pair(f"{person.identity}b", person, rng, True))
    return pairs


def _draw_pair(name: str, person: Person, rng: np.random.Generator, second: bool) -> Pair:
    side = 0.62 if second else -0.5
    studio = Studio(
        key=(side + float(rng.normal(0, 0.04)), 0.55 + float(rng.normal(0, 0.05)), 0.75),
        yaw_deg=float(rng.uniform(3.5, 5.5) if second else rng.uniform(-2, 2)),
        pitch_deg=float(rng.uniform(-2.5, 1.5)),
        roll_deg=float(rng.uniform(-1.2, 1.2)),
    )
    if second:
        person = replace(person, look=replace(person.look, shirt=SECOND_SHIRT))
    strengths = SECOND_STRENGTHS if second else {}
    expressions = {
        emotion: express(emotion, sex=person.sex, rng=rng, strength=strengths.get(emotion, 1.0))
        for emotion in EMOTIONS
    }
    return Pair(pair=name, person=person, studio=studio, expressions=expressions)
