"""The gates of a stimulus set: what must hold for each video, with its limit, its source, and what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from stimuli.quality import MIN_FROWN_DIFFERENCE, MIN_MOTION, MIN_SMILE_DIFFERENCE

Status = Literal["passed", "failed", "unmeasured"]

Found = tuple[Status, float | None, float, str]
"""A verdict without its gate: status, value, limit, finding."""

OURS = "our choice"
TIME_ERROR_S = 0.001
"""A frame may be so far from its time in the file."""
LEVEL_DIGITS = 1e-6
"""Levels that differ less are the same."""
SLOW = 0.25
"""Steps of the plan that are smaller than this part of the largest are too small to be compared."""
NEIGHBOURS = 3
"""Sharpness of a frame is compared with so many frames before it and as many after it."""


class Gate(NamedTuple):
    """What must hold."""

    title: str
    """Short name."""
    measure: str
    """What is measured."""
    unit: str
    """How the value is written: ``%``, ``px``, or another word."""
    limit: float
    """Largest good value."""
    source: str
    """Where the limit comes from."""
    remedy: str
    """What to do about a video that fails."""


class Verdict(NamedTuple):
    """How one video does at one gate."""

    gate: str
    """Key of `GATES`."""
    status: Status
    """Whether it passed."""
    value: float | None
    """What was measured."""
    limit: float
    """Largest good value; for some gates, of this video."""
    finding: str
    """What was found, in words."""


_REMAKE = "Make the set again with: python -m stimuli morph PAIRS.tsv FOLDER (finished videos are kept)."
_LANDMARKS = "Look at the landmarks: python -m stimuli edit PAIRS.tsv."

GATES: dict[str, Gate] = {
    "files": Gate(
        "Files are as made",
        "Problems with video, sidecar and copies: SHA-256, number of frames, size, frames per second",
        "problems",
        0,
        "exact",
        f"Somebody or something changed the files. {_REMAKE}",
    ),
    "ffmpeg": Gate(
        "Frames, ffmpeg",
        "Frames that the ffmpeg program decodes otherwise than they were rendered (SHA-256 of each frame)",
        "frames",
        0,
        "exact",
        f"The video was recoded, cut or damaged: never edit or convert the lossless videos. {_REMAKE}",
    ),
    "opencv": Gate(
        "Frames, OpenCV",
        "Frames that OpenCV decodes otherwise than they were rendered",
        "frames",
        0,
        "exact",
        f"The video was recoded, cut or damaged, or OpenCV reads it wrongly on this computer. {_REMAKE}",
    ),
    "ffpyplayer": Gate(
        "Frames, ffpyplayer",
        "Frames that the player of PsychoPy's MovieStim decodes otherwise than they were rendered",
        "frames",
        0,
        "exact",
        f"The video was recoded, cut or damaged, or this player reads it wrongly on this computer. {_REMAKE}",
    ),
    "timing": Gate(
        "Frames at their times",
        "Largest difference between a frame's time in the file and its number divided by the frame rate",
        "s",
        TIME_ERROR_S,
        OURS + ": the file's clock ticks much finer than a millisecond",
        f"The frame rate was changed. {_REMAKE}",
    ),
    "plan": Gate(
        "Levels follow the plan",
        "Largest difference between the levels that the sidecar lists and those that follow from start, end, "
        "duration, course and rest",
        "level",
        LEVEL_DIGITS,
        "exact",
        f"The sidecar was edited, or frames are missing or repeated. {_REMAKE}",
    ),
    "shared": Gate(
        "Same level, same frame",
        "Levels at which videos of the pair show different frames",
        "levels",
        0,
        "exact: the way back is the way there in reverse",
        _REMAKE,
    ),
    "ends": Gate(
        "Expressions are what they claim",
        "By how much smile (mouthSmile) and brow (browDown) scores miss the difference that the names ask "
        f"for: {MIN_SMILE_DIFFERENCE:g} more smile towards happy, {MIN_FROWN_DIFFERENCE:g} more frown "
        "towards angry",
        "score missing",
        0,
        OURS + ": photographs that we tried differ by 0.8 to 1.0 and 0.15 to 0.5",
        "The same expression twice, photographs or columns exchanged, or a weak expression: compare the "
        "photographs with the table of pairs.",
    ),
    "motion": Gate(
        "The face moves",
        f"By how much the mean way of the landmarks falls short of {MIN_MOTION:g} eye distances, the model's "
        "error five times",
        "eye distances missing",
        0,
        OURS,
        "Probably the same photograph, or the same expression, twice: compare the photographs with the "
        "table of pairs.",
    ),
    "skin": Gate(
        "One skin, one light",
        "Difference of the skin's colour between both ends: median over forehead, nose and cheeks",
        "ΔE",
        5.0,
        OURS + ": one person under one light differs by 0.8 to 3.1; all of 30 wrong real pairs and "
        "three in four of 128 wrong rendered pairs differ by more than 5",
        "Two people, or another light or white balance: check who is in the photographs, and use two of one "
        "session.",
    ),
    "width": Gate(
        "One shape of face",
        "Difference of the face's width at the cheeks, relative to the distance between the eyes, between "
        "both ends",
        "%",
        0.08,
        OURS + ": one person changes by 0 to 6 % with the expression; people differ by 4 % at the median",
        "Two people, or a head that is turned or tilted: check the photographs.",
    ),
    "eyes": Gate(
        "Eyes at their places",
        "Distance of the eyes from where the alignment puts them, larger one of both ends",
        "eye distances",
        0.08,
        OURS,
        f"The eyes' landmarks are wrong. {_LANDMARKS}",
    ),
    "landmarks": Gate(
        "Landmarks move as the face",
        "Difference between the landmarks' displacement and the one that the face model sees, 95th "
        "percentile",
        "eye distances",
        0.25,
        OURS + ": exact landmarks of rendered faces differ by 0.10 to 0.15, mostly at lowered brows",
        f"Landmarks are misplaced in one of the photographs. {_LANDMARKS}",
    ),
    "folds": Gate(
        "No folds",
        "Pixels outside of mouth and eyes where the warp folds over, measured when the video was made",
        "px",
        0,
        "no picture of a face folds over",
        f"Landmarks cross each other, or a brow comes to lie over the eye. {_LANDMARKS}",
    ),
    "mesh": Gate(
        "No folds between landmarks",
        "Part of the face whose triangles of landmarks fold over between the photographs",
        "%",
        0.01,
        OURS + ": closing lips and lids fold a little of it",
        f"Landmarks are misplaced or exchanged. {_LANDMARKS}",
    ),
    "level": Gate(
        "Level as planned",
        "Largest difference between planned level and the one measured from the landmarks",
        "level",
        0.1,
        OURS + "; wider where the face moves so little that the model's error counts",
        "The face does not move in step with the level: frames are missing, repeated or exchanged, or "
        f"landmarks are wrong. {_LANDMARKS}",
    ),
    "monotone": Gate(
        "Level never goes back",
        "Steps between measured levels that go the wrong way by more than the model's error",
        "steps",
        0,
        "a morph goes one way",
        f"Frames are in the wrong order, or landmarks are wrong. {_LANDMARKS}",
    ),
    "luminance": Gate(
        "Luminance on the line",
        "Largest deviation of the skin's mean luminance from the straight line between both ends, relative "
        "to it; in linear light, or in stored values where stored values were mixed",
        "%",
        0.005,
        OURS + ": half of the smallest change that people see (Weber fraction about 1 %)",
        "The light of single frames was changed, or dark hair or brows move through the face: check frames "
        "and landmarks; mixing light (--blending linear) keeps the line best.",
    ),
    "sharpness": Gate(
        "Not blurred half way",
        "Largest loss of fine detail (SD of the Laplacian) against the straight line between both ends",
        "%",
        0.5,
        OURS + ": what programs that mix without fine alignment lose",
        f"The photographs do not lie on each other half way. {_LANDMARKS} Or use --detail match.",
    ),
    "flicker": Gate(
        "No frame blurred or sharpened",
        f"Largest difference of a frame's sharpness from the median of its {2 * NEIGHBOURS} neighbours",
        "%",
        0.25,
        OURS + ": rendered and real pairs stay below 11 %",
        f"A frame was filtered or replaced. {_REMAKE}",
    ),
    "steps": Gate(
        "Even steps",
        "Coefficient of variation of the change in grey level per planned change in level",
        "%",
        0.15,
        OURS,
        f"The morph does not proceed evenly: landmarks may be wrong. {_LANDMARKS}",
    ),
    "jumps": Gate(
        "No jump",
        "Largest change in grey level per planned change in level, relative to the median",
        "times",
        1.5,
        OURS + ": a frame left out makes it 2",
        f"A frame is missing, repeated or changed. {_REMAKE}",
    ),
    "repeats": Gate(
        "No frame repeated",
        "Frames equal to the one before although the plan moves on, and changes where the plan rests",
        "frames",
        0,
        "exact",
        f"Frames were repeated or dropped. {_REMAKE}",
    ),
}
"""The gates by key, in the order of the report."""


def unmeasured(key: str, reason: str) -> Found:
    """Say why a gate has no verdict."""
    return "unmeasured", None, GATES[key].limit, reason


def within(key: str, value: float, finding: str, *, limit: float | None = None) -> Found:
    """Compare a value with its limit; a value that is not a number is unmeasured."""
    limit = GATES[key].limit if limit is None else limit
    if not math.isfinite(value):
        return "unmeasured", None, limit, "it could not be measured"
    return ("passed" if value <= limit else "failed"), float(value), limit, finding


def told(one: Verdict) -> str:
    """Return what was found as a sentence without its full stop, with the limit where that tells something.

    Examples
    --------
    >>> told(Verdict("luminance", "failed", 0.012, 0.005, "1.2 % off in frame 62"))
    '1.2 % off in frame 62 (limit 0.5 %)'
    >>> told(Verdict("motion", "failed", 0.009, 0.0, "points move by 0.001 eye distances"))
    'Points move by 0.001 eye distances'
    """
    limit = f" (limit {written(one.gate, one.limit)})" if one.limit else ""
    return one.finding[:1].upper() + one.finding[1:] + limit


def written(gate: str, value: float | None) -> str:
    """Write a gate's value with its unit.

    Examples
    --------
    >>> written("luminance", 0.0123), written("jumps", 1.25), written("files", 0), written("eyes", None)
    ('1.23 %', '1.25 times', '0 problems', '–')
    """
    if value is None:
        return "–"
    unit = GATES[gate].unit
    if unit == "%":
        return f"{100 * value:.3g} %"
    return f"{value:.3g} {unit}"


def summary(verdicts: Mapping[str, Sequence[Verdict]]) -> dict[str, Any]:
    """Count videos and gates, and list what failed, for ``--json``.

    Parameters
    ----------
    verdicts
        Verdicts by video.
    """
    failures = [
        {"video": name, "gate": one.gate, "value": one.value, "limit": one.limit, "finding": one.finding}
        for name, each in verdicts.items()
        for one in each
        if one.status == "failed"
    ]
    return {
        "videos": len(verdicts),
        "videos_failed": len({failure["video"] for failure in failures}),
        "gates_failed": sorted({failure["gate"] for failure in failures}, key=list(GATES).index),
        "failures": failures,
    }
