"""A study that was recorded elsewhere: static faces of three emotions, signals rectified by the recorder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.datasets import read_study
from analysis.mimicry.compose import compose_report
from analysis.mimicry.parameters import recommended
from analysis.mimicry.study import analyse_study
from analysis.mimicry.summary_file import summarise
from experiments.dataset.foreign_recording import add_recording
from experiments.dataset.study import add_participant, create_study

FS_HZ = 100
EMOTIONS = ("angry", "happy", "neutral")
GAIN = {("zygomaticus", "happy"): 1.6, ("corrugator", "angry"): 1.4, ("corrugator", "happy"): 0.8}


def rectified_study(path: Path, *, n_participants: int = 6, n_trials: int = 12) -> Path:
    """Make a study whose muscles are stronger by known factors during the faces."""
    create_study(path, name="Static faces", simulated=True)
    onsets = 2.0 + 8.0 * np.arange(n_trials)
    emotions = [EMOTIONS[i % len(EMOTIONS)] for i in range(n_trials)]
    source = path.parent / "elsewhere.dat"
    source.write_bytes(b"recorded elsewhere")
    for i in range(n_participants):
        rng = np.random.default_rng(i)
        signals = []
        for muscle in ("corrugator", "zygomaticus"):
            signal = 5.0 * np.exp(rng.normal(0, 0.2, round(FS_HZ * (onsets[-1] + 8.0))))
            for onset, emotion in zip(onsets, emotions, strict=True):
                during = slice(round(onset * FS_HZ), round((onset + 5.0) * FS_HZ))
                signal[during] *= GAIN.get((muscle, emotion), 1.0) * np.exp(rng.normal(0, 0.05))
            signals.append(signal)
        events = pd.DataFrame({"onset": onsets, "duration": np.nan, "trial_type": emotions, "value": np.nan})
        participant = f"{i + 1:02d}"
        add_participant(path, participant, group=("drug", "placebo")[i % 2])
        add_recording(
            path,
            participant,
            signals_uv=np.array(signals),
            channel_names=["corrugator", "zygomaticus"],
            fs_hz=FS_HZ,
            events=events.assign(sample=(onsets * FS_HZ).round().astype(int)),
            signal_kind=dict.fromkeys(["corrugator", "zygomaticus"], "rectified"),
            source=source,
        )
    return path


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict]:
    """The text of the report, and its summary."""
    study = read_study(rectified_study(tmp_path_factory.mktemp("static") / "study"))
    results = analyse_study(study, recommended(), preset="recommended", quick=True)
    page = re.sub(r"<(style|svg).*?</\1>", "", compose_report(results).html(), flags=re.DOTALL)
    return re.sub(r"<[^>]+>", "", page), summarise(results)


def test_the_known_differences_are_found_and_said(analysed: tuple[str, dict]) -> None:
    page, summary = analysed
    expected = {"zygomaticus": np.log(1 / 1.6), "corrugator": np.log(1.4 / 0.8)}
    for muscle, difference in expected.items():
        row = next(
            row
            for row in summary["emg"][muscle]["differences"]
            if (row["first"], row["second"]) == ("angry", "happy")
        )
        assert row["difference"] == pytest.approx(difference, abs=0.05)
        assert row["p_holm"] < 0.05
    assert "a more active zygomaticus major to happy than to angry faces. This was found: difference" in page
    assert "a more active corrugator supercilii to angry than to happy faces. This was found" in page
    assert page.count("Other pairs of emotions: angry minus neutral") == 2
    assert page.count("emotion in the middle of the epoch, F(2, ") == 2


def test_it_speaks_of_emotions_and_groups_as_they_are(analysed: tuple[str, dict]) -> None:
    page, _ = analysed
    before_parameters = page[: page.rindex("Every parameter of the analysis")]
    for word in ("irection", "video", "blind code"):
        assert word not in before_parameters, word
    assert "drug (n = 3), placebo (n = 3); as coded in participants.tsv" in page
    assert "Facial EMG by muscle, emotion, time and group" in page


def test_what_was_not_done_or_not_measured_is_not_shown(analysed: tuple[str, dict]) -> None:
    page, _ = analysed
    assert page.count("not used: the signals were rectified by the recorder") == 4
    assert "The raw signals: strength in the pass band" not in page
    assert "the recorder had rectified them" in page
