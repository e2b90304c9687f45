"""The two expressions as amounts of face units, with each person's own strength and asymmetry.

Units follow the 52 face units of Apple's ARKit; in terms of the Facial Action Coding System happiness is AU6
(cheek raiser) with AU12 (lip corner puller) and parted lips, anger AU4 (brow lowerer) with AU7 (lid
tightener), AU9/10 (nose wrinkler), AU15/17/23/24 (lips pressed, corners down).
"""

from typing import Literal

import numpy as np

HAPPY = {
    "mouthSmile": 1.05,
    "cheekSquint": 0.52,
    "eyeSquint": 0.28,
    "mouthUpperUp": 1.0,
    "mouthLowerDown": 0.35,
    "mouthDimple": 0.20,
    "jawOpen": 0.07,
}
"""Amounts for happiness; a name stands for the left and the right unit."""

ANGRY = {
    "browDown": 1.65,
    "browOuterUp": 0.10,
    "noseSneer": 0.75,
    "mouthPress": 0.30,
    "mouthFrown": 0.60,
    "eyeSquint": 0.35,
    "eyeWide": 0.40,
    "mouthRollUpper": 0.45,
    "mouthRollLower": 0.45,
    "mouthShrugLower": 0.22,
}
"""Amounts for anger."""

BROW_BY_SEX = {"female": 1.0, "male": 0.92}
"""Men's brows are lower and nearer to the eyes: they are lowered less, to end as low."""

RECIPES = {"happy": HAPPY, "angry": ANGRY}

SINGLE_UNITS = ("mouthRollUpper", "mouthRollLower", "mouthShrugLower", "mouthShrugUpper", "jawOpen")
"""Units without a left and a right side."""


def express(
    emotion: str, *, sex: Literal["female", "male"], rng: np.random.Generator, strength: float = 1.0
) -> dict[str, float]:
    """Return face-unit amounts for one person's expression of an emotion.

    Each unit varies by 7 % (SD, at most 15 %) between people and by 3 % between the two sides of a face;
    `strength` multiplies all units.

    Raises
    ------
    KeyError
        When there is no recipe for `emotion`.
    """
    amounts = {}
    for name, amount in RECIPES[emotion].items():
        by_sex = BROW_BY_SEX[sex] if name == "browDown" else 1.0
        own = strength * by_sex * amount * float(np.clip(1 + rng.normal(0, 0.07), 0.85, 1.15))
        if name in SINGLE_UNITS:
            amounts[name] = own
        else:
            tilt = float(rng.normal(0, 0.03))
            amounts[f"{name}Left"] = own * (1 + tilt)
            amounts[f"{name}Right"] = own * (1 - tilt)
    return amounts
