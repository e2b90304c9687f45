"""Questionnaires that are killed (kill -9) at random moments: no answer is lost, the next start goes on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.dataset.answers import AnswerRow, read_administrations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SLOWED = """
import time
from experiments.display.pages_simulated import SimulatedPages
inputs = SimulatedPages.inputs
def slow_inputs(self):
    time.sleep(0.006)
    return inputs(self)
SimulatedPages.inputs = slow_inputs
from experiments.questionnaires.__main__ import main
main()
"""
"""The command with a respondent who takes real time."""


def written(study: Path, participant: str) -> dict[str, tuple[AnswerRow, ...]]:
    return {one.label: one.rows for one in read_administrations(study, participant)}


@pytest.mark.parametrize("participant", ["001", "002", "003"])
def test_ten_kills_lose_no_answer(participant: str, tmp_path: Path) -> None:
    rng, study = random.Random(participant), tmp_path / "study"
    n_grown = 0
    for kill in range(11):
        options = [
            str(study),
            "--participant",
            participant,
            "--time",
            "t1",
            "--simulate",
            "--seed",
            str(kill),
        ]
        before = written(study, participant)
        n_rows = sum(map(len, before.values()))
        process = subprocess.Popen(
            [sys.executable, "-c", SLOWED, *options],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if kill < 10:
            while sum(map(len, written(study, participant).values())) <= n_rows:
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.7))
            process.kill()
        _, messages = process.communicate(timeout=120)
        after = written(study, participant)
        for label, rows in before.items():
            assert after[label][: len(rows)] == rows, "what was written stays"
        n_grown += sum(map(len, after.values())) > n_rows + 1
    assert process.returncode == 0, messages
    found = read_administrations(study, participant)
    assert {one.label for one in found} == {"demographics", "body", "nausea_t1", "panas_t1"}
    assert all(one.finished and len(one.answers) == len(one.form.items) for one in found)
    assert n_grown >= 4, "most kills came while questions were answered"
