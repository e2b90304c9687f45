"""Trigger codes: all different, and changed by the rig file where a laboratory needs others."""

from __future__ import annotations

import pytest

from experiments.mimicry.parameters import trigger_codes

DIRECTIONS = ["HappyToAngry", "AngryToHappy"]


def test_codes_are_different_and_can_be_sent_in_one_byte() -> None:
    codes = trigger_codes([f"AToB{number}" for number in range(9)])
    assert len(set(codes.values())) == len(codes) == 21
    assert all(1 <= code <= 255 for code in codes.values())


def test_the_rig_file_changes_some_of_them() -> None:
    changed = trigger_codes(DIRECTIONS, changed={"response": 99, "video_AngryToHappy": 21})
    usual = trigger_codes(DIRECTIONS)
    assert {name for name in usual if usual[name] != changed[name]} == {"response", "video_AngryToHappy"}
    assert (changed["response"], changed["video_AngryToHappy"]) == (99, 21)
    assert list(changed) == list(usual)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"respons": 99}, "no event 'respons'; did you mean 'response'"),
        ({"video": 99}, r"no event 'video'"),
        ({"response": 12}, "response and video_HappyToAngry would both have the code 12"),
        ({"response": 300}, "1 to 255"),
    ],
)
def test_codes_that_cannot_be_are_answered(changed: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trigger_codes(DIRECTIONS, changed=changed)
