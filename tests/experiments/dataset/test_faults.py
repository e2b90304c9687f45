"""Thousands of faulty recordings: repaired rightly or refused, never wrong."""

from __future__ import annotations

import pytest

from .simulated_faults import FOREIGN, REPAIRABLE, Verdict, simulate_faults

EASY = (
    "one_lost", "several_lost", "bounced", "newlines", "strays", "transitions", "merged", "stuck_low",
    "stuck_high", "fast_drift", "log_lost_its_end", "another_session_too", "resumed",
)  # fmt: skip
"""Faults that leave enough codes for a proof, however short the session was."""


def check(found: dict[str, list[Verdict]], *, at_once: int) -> None:
    for name, verdicts in found.items():
        words = [verdict.word for verdict in verdicts]
        assert "wrong" not in words, name
        if name in {fault.__name__ for fault in FOREIGN}:
            assert set(words) == {"refused"}, name
        elif at_once == 1 and name in EASY:
            assert words.count("right") >= 0.9 * len(words), name


def test_planted_faults_are_repaired_or_refused() -> None:
    check(simulate_faults(REPAIRABLE + FOREIGN, 6, seed=7), at_once=1)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_thousands_of_faulty_recordings_are_never_misplaced(at_once: int) -> None:
    check(simulate_faults(REPAIRABLE + FOREIGN, 100, seed=31, at_once=at_once), at_once=at_once)
