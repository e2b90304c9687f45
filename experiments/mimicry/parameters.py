"""Every number of the facial-mimicry session, each once, with where it comes from."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hardware.protocols import check_code

RESPONSE_KEYS: tuple[str, ...] = ("up", "num_8", "num_up")
"""Names of the arrow-up button on a keyboard and on a keypad; a rig file may name others."""


@dataclass(frozen=True, kw_only=True)
class SessionParameters:
    """The session of Korb et al. (2023), "Stimuli and task".

    The values are the paper's, for both presets of the study: what a careful methodologist would do
    differently concerns the analysis, not the task. The duration of the videos (5 s in the paper) is that of
    the stimulus set.

    Raises
    ------
    ValueError
        If a value cannot be.

    Examples
    --------
    >>> SessionParameters().n_trials(n_videos=24)
    96
    """

    n_practice: int = 4
    """"The task was preceded by four practice trials.\""""
    n_blocks: int = 2
    """"in two blocks of 48 trials\""""
    repetitions: int = 4
    """Times each video is shown: "was repeated four times, for a total of 96 trials\""""
    longest_run: int = 3
    """"with a maximum of three successive stimuli with the same emotion\"; a break begins a new count
    (our choice: the paper does not say)."""
    fixation_min_s: float = 2.0
    """"a fixation cross was shown at the centre of the screen for 2–3 s (average duration 2.5 s)\""""
    fixation_max_s: float = 3.0
    """See `fixation_min_s`; the durations are spread evenly between the two, so that their mean is 2.5 s."""
    feedback_s: float = 1.0
    """"and a feedback screen for 1 s\""""
    background_rgb: tuple[int, int, int] = (128, 128, 128)
    """Colour behind everything, 0 to 255. Our choice: the paper does not say."""
    text_rgb: tuple[int, int, int] = (255, 255, 255)
    """Colour of the text and of the cross, 0 to 255. Our choice: the paper does not say."""

    def __post_init__(self) -> None:
        _check_positive(self, ("repetitions", "n_blocks", "longest_run"))
        _check_positive(self, ("fixation_min_s", "fixation_max_s", "feedback_s"))
        if self.n_practice < 0:
            raise ValueError(f"the number of practice trials cannot be negative, found {self.n_practice}")
        if self.fixation_max_s < self.fixation_min_s:
            raise ValueError(
                f"the longest fixation ({self.fixation_max_s} s) is shorter than the shortest "
                f"({self.fixation_min_s} s)"
            )

    def n_trials(self, *, n_videos: int) -> int:
        """Return the number of trials without practice."""
        return n_videos * self.repetitions

    def record(self) -> dict[str, Any]:
        """Return the values as a dictionary for the session's record."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


def trigger_codes(directions: Sequence[str], *, changed: Mapping[str, int] | None = None) -> dict[str, int]:
    """Name the trigger codes of a session.

    Parameters
    ----------
    directions : sequence of str
        The directions of the stimulus set; their alphabetical order gives the codes 11, 12, ...
    changed : mapping of str to int, optional
        Event -> code, for laboratories that need others; ``[codes]`` of the rig file.

    Returns
    -------
    dict of str to int
        Event -> code, 1 to 255, all different.

    Raises
    ------
    ValueError
        If there are more than nine directions, a changed code belongs to no event of the session, or two
        events would have the same code.

    Examples
    --------
    >>> codes = trigger_codes(["HappyToAngry", "AngryToHappy"])
    >>> codes["video_AngryToHappy"], codes["video_HappyToAngry"], codes["response"]
    (11, 12, 21)
    """
    names = sorted(set(directions))
    if len(names) > 9:
        raise ValueError(f"at most nine directions have a trigger code, found {len(names)}")
    codes = {
        "fixation": 1,
        **{f"video_{name}": 11 + index for index, name in enumerate(names)},
        "response": 21,
        "feedback": 31,
        "practice_fixation": 101,
        "practice_video": 111,
        "practice_response": 121,
        "practice_feedback": 131,
        "block_start": 200,
        "break": 201,
        "session_start": 210,
        "session_end": 211,
        "aborted": 212,
    }
    _check_changed(codes, changed or {})
    return {**codes, **(changed or {})}


def _check_changed(codes: Mapping[str, int], changed: Mapping[str, int]) -> None:
    """Refuse codes for unknown events, and codes that two events would have."""
    for event, code in changed.items():
        if event not in codes:
            close = difflib.get_close_matches(event, codes, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"they are {', '.join(codes)}"
            raise ValueError(f"[codes] in the rig file: this session has no event {event!r}; {hint}")
        check_code(code)
    events: dict[int, str] = {}
    for event, code in {**codes, **changed}.items():
        if code in events:
            raise ValueError(
                f"[codes] in the rig file: {event} and {events[code]} would both have the code {code}, "
                "and a recording could not tell them apart: give one of them another code"
            )
        events[code] = event


def _check_positive(parameters: SessionParameters, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(parameters, name)
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, found {value}")
