"""The four feedbacks of Korb et al. (2023), and the cases that the paper leaves open."""

from __future__ import annotations

import pytest

from experiments.display import KeyPress
from experiments.mimicry.feedback import Response, judge

KEYS = ("up", "num_8", "num_up")


@pytest.mark.parametrize(
    ("keys", "outcome"),
    [
        ([], "no_press"),
        (["up"], "correct"),
        (["num_8"], "correct"),
        (["num_up"], "correct"),
        (["down"], "wrong_key"),
        (["up", "up"], "repeated_press"),
        (["up", "num_8"], "repeated_press"),
        (["up", "up", "up"], "repeated_press"),
        (["down", "down"], "wrong_key"),
        (["down", "up"], "wrong_key"),
        (["up", "down"], "wrong_key"),
        (["up", "up", "down"], "wrong_key"),
    ],
)
def test_outcome(keys: list[str], outcome: str) -> None:
    presses = [KeyPress(key, 11.0 + index) for index, key in enumerate(keys)]
    response = judge(presses, onset_s=10.0, response_keys=KEYS)
    assert response.outcome == outcome
    assert response.count == len(keys)


def test_the_response_is_the_first_press_whatever_the_order_in_which_they_are_known() -> None:
    presses = [KeyPress("up", 12.5), KeyPress("down", 11.25)]
    assert judge(presses, onset_s=10.0, response_keys=KEYS) == Response(
        outcome="wrong_key", key="down", time_s=1.25, count=2
    )
