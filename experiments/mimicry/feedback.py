"""What the participant is told after a video, decided from the key presses alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.display import KeyPress

Outcome = Literal["correct", "no_press", "wrong_key", "repeated_press"]


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a participant did during a video."""

    outcome: Outcome
    """How the trial ended."""
    key: str | None = None
    """The first key that was pressed, right or wrong; None without a press."""
    time_s: float | None = None
    """Seconds from video onset to the first press; None without a press."""
    count: int = 0
    """Number of presses of any key."""


def judge(presses: Sequence[KeyPress], *, onset_s: float, response_keys: Sequence[str]) -> Response:
    """Judge the key presses that fell into a video.

    The rules are those of Korb et al. (2023), "Stimuli and task". Where the paper is silent, for a trial with
    both the right and a wrong key, the outcome is ``wrong_key`` (our choice): the text that then appears says
    which key is the right one, and such a trial has no single moment at which the participant saw the change.

    Parameters
    ----------
    presses : sequence of KeyPress
        The presses between video onset and the end of the video, escape left out.
    onset_s : float
        Time of video onset, seconds on the same clock as the presses.
    response_keys : sequence of str
        Names of the right key.

    Returns
    -------
    Response
        Outcome, and the first press.

    Examples
    --------
    >>> judge([KeyPress("up", 12.5)], onset_s=10.0, response_keys=["up"])
    Response(outcome='correct', key='up', time_s=2.5, count=1)
    >>> judge([], onset_s=10.0, response_keys=["up"]).outcome
    'no_press'
    """
    if not presses:
        return Response(outcome="no_press")
    first = min(presses, key=lambda press: press.time_s)
    return Response(
        outcome=_outcome([press.key for press in presses], response_keys),
        key=first.key,
        time_s=first.time_s - onset_s,
        count=len(presses),
    )


def _outcome(keys: Sequence[str], response_keys: Sequence[str]) -> Outcome:
    if any(key not in response_keys for key in keys):
        return "wrong_key"
    return "correct" if len(keys) == 1 else "repeated_press"
