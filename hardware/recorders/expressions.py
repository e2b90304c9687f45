"""The test before a session: a smile must raise the zygomaticus, a frown the corrugator.

Pure: activities in, a verdict in words out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

Seen = Literal["right", "swapped", "nothing", "both"]

EXPECTED = {"smile": "zygomaticus", "frown": "corrugator"}
"""What is asked -> the muscle that must rise (Fridlund and Cacioppo 1986)."""

RISE = 2.0
"""A muscle has risen when its activity is at least so many times rest; a posed smile reaches 5 to 20."""

SHARE = 0.6
"""The other muscle has risen too when its rise (in logs) is more than this share of the larger one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExpressionsVerdict:
    """What the test has shown."""

    seen: Mapping[str, Seen]
    """What is asked (``smile``, ``frown``) -> what was seen."""
    rises: Mapping[str, Mapping[str, float]]
    """What is asked -> muscle -> activity as a multiple of rest."""
    right: bool
    """Whether the recording can begin."""
    swapped: bool
    """Whether both expressions were seen on the other muscle's channel."""
    message: str
    """What was found and what to do."""


def judge_expressions(
    rest_uv: Mapping[str, float], asked_uv: Mapping[str, Mapping[str, float]]
) -> ExpressionsVerdict:
    """Judge a smile and a frown.

    Parameters
    ----------
    rest_uv : mapping
        Muscle -> activity at rest (root mean square, microvolts).
    asked_uv : mapping
        ``smile`` and ``frown`` -> muscle -> activity meanwhile. Further muscles are not judged: many rise in
        both.

    Returns
    -------
    ExpressionsVerdict
        The verdict.

    Examples
    --------
    >>> rest_uv = {"corrugator": 5.0, "zygomaticus": 4.0}
    >>> smile_uv = {"corrugator": 40.0, "zygomaticus": 4.4}
    >>> frown_uv = {"corrugator": 5.5, "zygomaticus": 30.0}
    >>> judge_expressions(rest_uv, {"smile": smile_uv, "frown": frown_uv}).swapped
    True
    """
    rises = {
        asked: {
            muscle: uv / max(rest_uv[muscle], 1e-9)
            for muscle, uv in activities.items()
            if muscle in EXPECTED.values()
        }
        for asked, activities in asked_uv.items()
    }
    seen = {asked: what_rose(by_muscle, EXPECTED[asked]) for asked, by_muscle in rises.items()}
    swapped = len(seen) == len(EXPECTED) and all(what == "swapped" for what in seen.values())
    return ExpressionsVerdict(
        seen=seen,
        rises=rises,
        right=all(what == "right" for what in seen.values()),
        swapped=swapped,
        message=_swapped()
        if swapped
        else " ".join(_message(asked, seen[asked], rises[asked]) for asked in seen),
    )


def what_rose(rises: Mapping[str, float], expected: str) -> Seen:
    """Say which muscle an expression was seen on.

    >>> what_rose({"corrugator": 1.1, "zygomaticus": 9.0}, "zygomaticus")
    'right'
    >>> what_rose({"corrugator": 6.0, "zygomaticus": 9.0}, "zygomaticus")
    'both'
    """
    logs = {muscle: math.log(max(rise, 1e-9)) for muscle, rise in rises.items()}
    strongest = max(logs, key=lambda muscle: logs[muscle])
    if logs[strongest] < math.log(RISE):
        return "nothing"
    others = [log for muscle, log in logs.items() if muscle != strongest]
    if any(log > SHARE * logs[strongest] for log in others):
        return "both"
    return "right" if strongest == expected else "swapped"


def _swapped() -> str:
    return (
        "The muscles are SWAPPED: the smile was seen on the corrugator's channel and the frown on the "
        "zygomaticus'. Change the two cables at the amplifier, or the names in [amplifier.channels] of the "
        "rig file, and repeat the test."
    )


def _message(asked: str, seen: Seen, rises: Mapping[str, float]) -> str:
    expected = EXPECTED[asked]
    times = ", ".join(f"{muscle} {rise:.1f} times rest" for muscle, rise in rises.items())
    if seen == "right":
        return f"The {asked} was seen on the {expected} ({times})."
    if seen == "nothing":
        return (
            f"The {asked} was seen on no channel ({times}): ask for a stronger one and repeat the test; if "
            f"it stays, the {expected}'s electrodes are not over the muscle, or not the ones of this channel."
        )
    if seen == "both":
        return (
            f"The {asked} was seen on all channels ({times}): ask for the {asked} alone, face relaxed "
            "otherwise, and repeat the test; if it stays, the two muscles' electrodes touch or are too near."
        )
    return (
        f"The {asked} was seen on the wrong channel ({times}): repeat the test; if it stays, the electrodes "
        "of the two muscles are mixed up: follow each cable from the skin to the amplifier."
    )
