"""The people of the built-in set: shape of the head and looks, drawn from a seed."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Sex = Literal["female", "male"]

VARIATION = {
    "head/head-scale-horiz-decr|incr": 0.26,
    "head/head-scale-vert-decr|incr": 0.21,
    "head/head-fat-decr|incr": 0.30,
    "head/head-angle-in|out": 0.21,
    "head/head-age-decr|incr": 0.26,
    "forehead/forehead-temple-decr|incr": 0.34,
    "forehead/forehead-scale-vert-decr|incr": 0.21,
    "forehead/forehead-trans-backward|forward": 0.21,
    "eyebrows/eyebrows-angle-down|up": 0.15,
    "eyebrows/eyebrows-trans-down|up": 0.18,
    "eyebrows/eyebrows-trans-backward|forward": 0.26,
    "chin/chin-width-decr|incr": 0.34,
    "chin/chin-height-decr|incr": 0.26,
    "chin/chin-prominent-decr|incr": 0.30,
    "chin/chin-bones-decr|incr": 0.34,
    "chin/chin-jaw-drop-decr|incr": 0.26,
    "nose/nose-scale-horiz-decr|incr": 0.34,
    "nose/nose-scale-vert-decr|incr": 0.30,
    "nose/nose-scale-depth-decr|incr": 0.30,
    "nose/nose-hump-decr|incr": 0.38,
    "nose/nose-point-down|up": 0.34,
    "nose/nose-point-width-decr|incr": 0.34,
    "nose/nose-width1-decr|incr": 0.34,
    "nose/nose-width2-decr|incr": 0.34,
    "nose/nose-width3-decr|incr": 0.34,
    "nose/nose-volume-decr|incr": 0.20,
    "nose/nose-base-down|up": 0.30,
    "mouth/mouth-scale-horiz-decr|incr": 0.30,
    "mouth/mouth-upperlip-height-decr|incr": 0.38,
    "mouth/mouth-lowerlip-height-decr|incr": 0.38,
    "mouth/mouth-upperlip-volume-decr|incr": 0.30,
    "mouth/mouth-lowerlip-volume-decr|incr": 0.30,
    "mouth/mouth-trans-down|up": 0.21,
    "mouth/mouth-cupidsbow-decr|incr": 0.38,
    "cheek/*-cheek-bones-decr|incr": 0.38,
    "cheek/*-cheek-volume-decr|incr": 0.30,
    "cheek/*-cheek-inner-decr|incr": 0.26,
    "eyes/*-eye-scale-decr|incr": 0.21,
    "eyes/*-eye-height2-decr|incr": 0.26,
    "eyes/*-eye-trans-in|out": 0.21,
    "eyes/*-eye-corner1-down|up": 0.26,
    "eyes/*-eye-corner2-down|up": 0.26,
    "eyes/*-eye-bag-decr|incr": 0.26,
    "eyes/*-eye-eyefold-down|up": 0.30,
    "ears/*-ear-scale-decr|incr": 0.26,
    "ears/*-ear-rot-backward|forward": 0.17,
    "neck/neck-scale-horiz-decr|incr": 0.21,
}
"""Opposite targets ``low|high`` (``*``: both sides) -> SD of their amount; cut off at 1.6 SD."""

SEX_DIFFERENCE = {
    "female": {
        "chin/chin-width-decr": 0.25,
        "chin/chin-bones-decr": 0.35,
        "chin/chin-height-decr": 0.15,
        "head/head-fat-incr": 0.10,
        "mouth/mouth-upperlip-height-incr": 0.15,
        "nose/nose-scale-horiz-decr": 0.20,
        "nose/nose-volume-decr": 0.15,
        "cheek/*-cheek-volume-incr": 0.15,
    },
    "male": {
        "chin/chin-width-incr": 0.12,
        "chin/chin-bones-incr": 0.15,
        "eyebrows/eyebrows-trans-down": 0.15,
        "eyebrows/eyebrows-trans-forward": 0.15,
    },
}
"""How the means of women and men differ beyond the model's own sexes, so that each reads at once."""

HEAD_SHAPES = ("oval", "round", "square", "rectangular", "diamond", "triangular", "invertedtriangular")


@dataclass(frozen=True, kw_only=True)
class HairStyle:
    """How hair grows; lengths in dm."""

    kind: Literal["parted", "pulled_back", "short", "curls"]
    length_dm: float
    volume_dm: float
    part_dm: float = 0.0
    """Where the parting of long hair lies, to the person's left."""
    sweep: tuple[float, float] = (0.0, 0.0)
    """How short hair on top is combed: to the back and to the person's left."""
    lift: float = 0.6
    """How much short hair on top stands up."""
    curl_dm: float = 0.0
    """Radius of the curls."""
    line_dm: float = 0.0
    """How much higher than usual the hairline is."""
    peak: float = 0.3
    """How pointed the hairline's middle is, 0..1."""
    temples_dm: float = 0.0
    """How much the hairline recedes at the temples."""
    covers_ears: bool = False


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours (sRGB, 0..1) and other things that do not change with an expression."""

    skin: tuple[float, float, float]
    lips: tuple[float, float, float]
    iris: tuple[float, float, float]
    hair: tuple[float, float, float]
    hair_style: HairStyle
    brow_thickness: float
    brow_arch: float
    brow_seed: int
    hair_seed: int
    lash_length: float
    stubble: float
    freckles: float
    flush: float
    gloss: float
    shirt: tuple[float, float, float]
    texture_offset_dm: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Person:
    """One identity: its name, sex, target amounts and looks."""

    identity: str
    sex: Sex
    shape: dict[str, float] = field(default_factory=dict)
    look: Look


@dataclass(frozen=True, kw_only=True)
class Casting:
    """What a place in the set asks for, so that the set is varied with any seed."""

    ancestry: dict[str, float]
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    iris: tuple[float, float, float]
    style: HairStyle
    freckles: float = 0.0
    stubble: float = 0.0


PALE, FAIR, OLIVE, BROWN, DARK = (
    (0.85, 0.69, 0.60),
    (0.825, 0.655, 0.55),
    (0.785, 0.605, 0.49),
    (0.60, 0.425, 0.325),
    (0.46, 0.315, 0.24),
)

CASTINGS: dict[Sex, tuple[Casting, ...]] = {
    "female": (
        Casting(
            ancestry={"caucasian": 1},
            skin=PALE,
            hair=(0.46, 0.31, 0.18),
            iris=(0.36, 0.44, 0.46),
            style=HairStyle(
                kind="parted", length_dm=3.0, volume_dm=0.22, part_dm=0.12, curl_dm=0.03, covers_ears=True
            ),
            freckles=0.7,
        ),
        Casting(
            ancestry={"caucasian": 0.7, "asian": 0.3},
            skin=FAIR,
            hair=(0.23, 0.15, 0.10),
            iris=(0.40, 0.36, 0.22),
            style=HairStyle(kind="pulled_back", length_dm=1.8, volume_dm=0.10),
        ),
        Casting(
            ancestry={"asian": 1},
            skin=FAIR,
            hair=(0.10, 0.08, 0.07),
            iris=(0.26, 0.16, 0.09),
            style=HairStyle(kind="parted", length_dm=2.2, volume_dm=0.20, covers_ears=True),
        ),
        Casting(
            ancestry={"african": 0.8, "caucasian": 0.2},
            skin=DARK,
            hair=(0.08, 0.06, 0.05),
            iris=(0.20, 0.12, 0.07),
            style=HairStyle(kind="curls", length_dm=0.55, volume_dm=0.42, curl_dm=0.045, covers_ears=True),
        ),
        Casting(
            ancestry={"caucasian": 0.6, "african": 0.4},
            skin=OLIVE,
            hair=(0.15, 0.10, 0.075),
            iris=(0.30, 0.19, 0.10),
            style=HairStyle(
                kind="parted", length_dm=3.2, volume_dm=0.26, part_dm=-0.2, curl_dm=0.03, covers_ears=True
            ),
        ),
    ),
    "male": (
        Casting(
            ancestry={"caucasian": 1},
            skin=PALE,
            hair=(0.36, 0.26, 0.17),
            iris=(0.33, 0.40, 0.46),
            style=HairStyle(
                kind="short", length_dm=0.34, volume_dm=0.26, sweep=(0.6, 0.25), lift=0.9, temples_dm=0.08
            ),
            stubble=0.15,
        ),
        Casting(
            ancestry={"caucasian": 0.75, "asian": 0.25},
            skin=FAIR,
            hair=(0.18, 0.13, 0.09),
            iris=(0.34, 0.38, 0.30),
            style=HairStyle(
                kind="short",
                length_dm=0.6,
                volume_dm=0.26,
                part_dm=-0.3,
                sweep=(0.5, 0.8),
                lift=0.6,
                temples_dm=0.05,
            ),
            stubble=0.5,
        ),
        Casting(
            ancestry={"asian": 1},
            skin=OLIVE,
            hair=(0.09, 0.075, 0.065),
            iris=(0.24, 0.15, 0.09),
            style=HairStyle(kind="short", length_dm=0.42, volume_dm=0.24, sweep=(-0.8, 0.15), lift=0.6),
            stubble=0.05,
        ),
        Casting(
            ancestry={"african": 0.8, "caucasian": 0.2},
            skin=DARK,
            hair=(0.07, 0.06, 0.055),
            iris=(0.20, 0.12, 0.07),
            style=HairStyle(kind="curls", length_dm=0.16, volume_dm=0.08, curl_dm=0.015),
            stubble=0.25,
        ),
        Casting(
            ancestry={"caucasian": 0.7, "african": 0.3},
            skin=BROWN,
            hair=(0.12, 0.09, 0.07),
            iris=(0.32, 0.22, 0.12),
            style=HairStyle(kind="curls", length_dm=0.40, volume_dm=0.24, curl_dm=0.035),
            stubble=0.6,
        ),
    ),
}
"""Five kinds of women and of men; larger sets use them again."""


def draw_shape(sex: Sex, ancestry: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """Draw the target amounts of one head."""
    total = sum(ancestry.values())
    shape = {f"macrodetails/{name}-{sex}-young": part / total for name, part in ancestry.items()}
    shape[f"macrodetails/universal-{sex}-young-averagemuscle-averageweight"] = 1.0
    difference = SEX_DIFFERENCE[sex]
    for key, sd in VARIATION.items():
        stem, high = key.split("|")
        mean = difference.get(f"{stem.rsplit('-', 1)[0]}-{high}", 0.0) - difference.get(stem, 0.0)
        amount = mean + float(np.clip(rng.normal(0, sd), -1.6 * sd, 1.6 * sd))
        name = stem if amount < 0 else f"{stem.rsplit('-', 1)[0]}-{high}"
        if "*" in name:
            tilt = float(np.clip(rng.normal(0, 0.06), -0.15, 0.15))
            shape[name.replace("*", "l")] = abs(amount) * (1 + tilt)
            shape[name.replace("*", "r")] = abs(amount) * (1 - tilt)
        else:
            shape[name] = abs(amount)
    shape[f"head/head-{HEAD_SHAPES[rng.integers(len(HEAD_SHAPES))]}"] = float(rng.uniform(0.05, 0.3))
    return shape


def draw_look(sex: Sex, casting: Casting, rng: np.random.Generator) -> Look:
    """Draw the looks of one person."""
    female = sex == "female"
    skin = np.clip(np.array(casting.skin) * (1 + rng.normal(0, 0.015)), 0, 1)
    lips = np.array((0.71, 0.42, 0.41) if female else (0.66, 0.445, 0.42)) * (skin / np.array(FAIR)) ** 0.85
    return Look(
        skin=tuple(skin.tolist()),
        lips=tuple(lips.tolist()),
        iris=casting.iris,
        hair=casting.hair,
        hair_style=casting.style,
        brow_thickness=(0.70 if female else 0.95) * float(1 + rng.normal(0, 0.08)),
        brow_arch=float((0.8 if female else 0.3) + rng.normal(0, 0.15)),
        brow_seed=int(rng.integers(2**31)),
        hair_seed=int(rng.integers(2**31)),
        lash_length=1.15 if female else 0.7,
        stubble=casting.stubble,
        freckles=casting.freckles,
        flush=1.15 if female else 0.9,
        gloss=1.3 if max(casting.skin) < 0.65 else 1.0,
        shirt=(0.20, 0.21, 0.23),
        texture_offset_dm=tuple(rng.uniform(0, 2, 2).tolist()),
    )


def draw_people(n_people: int, *, seed: int) -> list[Person]:
    """Draw the people of a set: women and men in turn, so that half of them (rounded up) are women.

    The person at a place depends on the seed and the place only, not on how many people there are.
    """
    people = []
    for place in range(n_people):
        sex: Sex = "female" if place % 2 == 0 else "male"
        castings = CASTINGS[sex]
        casting = castings[(place // 2) % len(castings)]
        rng = np.random.default_rng([seed, place])
        people.append(
            Person(
                identity=f"id{place + 1:02d}",
                sex=sex,
                shape=draw_shape(sex, casting.ancestry, rng),
                look=draw_look(sex, casting, rng),
            )
        )
    return people
