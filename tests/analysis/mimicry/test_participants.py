"""Participants are pre-processed the same way, one after the other or two at a time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.datasets import read_study
from analysis.mimicry import participants
from analysis.mimicry.parameters import recommended


def test_two_processes_give_what_one_gives(grouped_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(grouped_study)
    here = participants.process_participants(study, recommended())
    monkeypatch.setattr(participants, "FEW", 2)
    there = participants.process_participants(study, recommended())
    for name in ("windows", "exclusions", "curves", "worst", "worst_curves", "noise"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(there, name))
    assert here.noise["participant"].tolist() == [f"{i:03d}" for i in range(1, 7) for _ in range(2)]


def test_a_study_without_recordings_has_empty_tables(grouped_study: Path, tmp_path: Path) -> None:
    for name in ("dataset_description.json", "participants.tsv"):
        (tmp_path / name).write_bytes((grouped_study / name).read_bytes())
    emg = participants.process_participants(read_study(tmp_path), recommended())
    assert not emg.measured
    assert list(emg.windows.columns) == participants.WINDOW_COLUMNS
