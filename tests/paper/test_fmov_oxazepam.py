"""Real recordings of facial mimicry, made by others: imported, and analysed to the authors' own trial values.

Twelve participants saw four angry, four happy and four neutral faces (Nilsonne and colleagues, CC0,
https://github.com/GNilsonne/Data-and-analysis-code-Oxazepam-and-emotion-2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.datasets import read_recording, read_study
from analysis.emg import compare_exclusions, count_exclusions, preprocess
from analysis.emg.epochs import cut_epochs, mean_between
from analysis.mimicry.import_recording import import_recording
from analysis.mimicry.parameters import PRESETS
from analysis.recordings import open_recording
from analysis.recordings.channel_map import read_channel_map
from analysis.recordings.found import find_triggers
from analysis.recordings.signals import read_muscles

MAP = Path(__file__).resolve().parents[2] / "analysis" / "mimicry" / "maps" / "fmov_biopac.toml"
FILES = {
    "zygomaticus": ("ZygomaticEventData.csv", "EMG_zyg_mean"),
    "corrugator": ("CorrugatorEventData.csv", "EMG_corr_mean"),
}
SUMMARIES: dict[str, dict] = {}


@pytest.fixture(scope="module")
def published(shared: Path) -> pd.Series:
    """Return the authors' value of each trial, by muscle, participant, emotion and number of the event."""
    parts = []
    for muscle, (name, column) in FILES.items():
        table = pd.read_csv(shared / "data" / "fmov_oxazepam" / name)
        parts.append(
            pd.DataFrame(
                {
                    "muscle": muscle,
                    "participant": table["Subject"].map("{:02d}".format),
                    "emotion": table["Stimulus"].str.lower(),
                    "event_no": table["event_no"],
                    "value": table[column],
                }
            )
        )
    return pd.concat(parts).set_index(["muscle", "participant", "emotion", "event_no"])["value"].sort_index()


@pytest.fixture(scope="module")
def study(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import all recordings into a fresh study."""
    folder = shared / "data" / "fmov_oxazepam"
    study = tmp_path_factory.mktemp("fmov") / "study"
    for row in pd.read_csv(folder / "participants.csv").itertuples():
        participant = f"{row.Subject:02d}"
        SUMMARIES[participant] = import_recording(
            study,
            participant=participant,
            recording=folder / "raw" / f"{participant}_FMOV_preprocessed.txt.gz",
            channels=MAP,
            group=str(row.Treatment),
        )
    return study


def authors_values(samples: np.ndarray, onsets: np.ndarray, *, fs_hz: float) -> np.ndarray:
    """Compute the authors' value: log of the mean from 1.9 to 3.9 s over that of the 2 s before onset.

    They took every tenth sample, 20 before onset and 21 (both ends) after it.
    """
    epochs = cut_epochs(samples, onsets, fs_hz=fs_hz, start_s=-2.0, stop_s=6.01)
    values, times_s = epochs.values[:, ::10], epochs.times_s[::10]
    response = mean_between(values, times_s, start_s=1.9, stop_s=4.0)
    return np.log(response / mean_between(values, times_s, start_s=-2.0, stop_s=0.0))


def tidy(values: np.ndarray, emotions: pd.Series, *, muscle: str, participant: str) -> pd.Series:
    table = pd.DataFrame({"emotion": list(emotions), "value": values})
    table = table.assign(
        muscle=muscle, participant=participant, event_no=table.groupby("emotion").cumcount() + 1
    )
    return table.set_index(["muscle", "participant", "emotion", "event_no"])["value"]


def windows_of(study: Path, preset: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    dataset = read_study(study)
    tables = [preprocess(read_recording(dataset, who), PRESETS[preset]()) for who in dataset.recordings]
    windows, exclusions = zip(*tables, strict=True)
    return pd.concat(windows, ignore_index=True), pd.concat(exclusions, ignore_index=True)


def test_twelve_recordings_have_twelve_triggers_each(study: Path):
    dataset = read_study(study)
    assert len(dataset.recordings) == 12 and not dataset.simulated
    counts = [read_recording(dataset, who).events["trial_type"].value_counts() for who in dataset.recordings]
    assert all(count.to_dict() == {"angry": 4, "happy": 4, "neutral": 4} for count in counts)
    assert sum(int(count.sum()) for count in counts) == 144
    assert dataset.participants["group"].value_counts().to_dict() == {"Oxazepam": 8, "Placebo": 4}


def test_the_size_of_the_averaged_channels_is_pointed_out(study: Path):
    assert study.is_dir()
    text = SUMMARIES["34"]["warnings"]
    assert len(text) == 2 and all("is the unit right?" in line for line in text)


def test_the_authors_trial_values_come_out_of_the_files_in_the_study(study: Path, published: pd.Series):
    """The copy of the recording and of its map, in sourcedata, through the readers of the import."""
    found = []
    for who in read_study(study).recordings:
        folder = study / "sourcedata" / f"sub-{who}"
        channel_map = read_channel_map(folder / MAP.name)
        opened = open_recording(folder / f"{who}_FMOV_preprocessed.txt.gz", channel_map)
        triggers = find_triggers(opened, channel_map.events)
        for muscle, signal in read_muscles(opened, channel_map)[0].items():
            values = authors_values(signal, triggers.samples, fs_hz=opened.fs_hz)
            found.append(tidy(values, pd.Series(triggers.labels), muscle=muscle, participant=who))
    differences = pd.concat(found).sort_index() - published
    assert len(differences) == 288 and differences.notna().all()
    assert differences.abs().max() < 1e-9


def test_the_authors_trial_values_come_out_of_the_dataset_too(study: Path, published: pd.Series):
    """What BDF's 24 bits cannot hold is kept in channels of its own."""
    dataset, found = read_study(study), []
    for who in dataset.recordings:
        made = read_recording(dataset, who)
        onsets = made.events["sample"].to_numpy()
        for muscle, signal in zip(made.channel_names, made.signals_uv, strict=True):
            values = authors_values(signal, onsets, fs_hz=made.fs_hz)
            found.append(tidy(values, made.events["trial_type"], muscle=muscle, participant=who))
    differences = pd.concat(found).sort_index() - published
    assert len(differences) == 288 and differences.notna().all()
    assert differences.abs().max() < 1e-9


@pytest.mark.parametrize("preset", list(PRESETS))
def test_our_windows_show_mimicry(study: Path, preset: str):
    """Smiling muscles answer happy faces, frowning muscles angry ones, more and more over the five seconds.

    What was found when this was written (mean over 12 participants of the difference of log EMG, over all
    windows): zygomaticus, happy - angry, 0.16 (recommended) and 0.19 (paper), t(11) = 2.5 and 3.2;
    corrugator,
    angry - happy, 0.24 and 0.22, t(11) = 2.6 and 2.4. Ten or eleven of the twelve have the expected sign.
    """
    windows, _ = windows_of(study, preset)
    means = windows.groupby(["muscle", "participant", "emotion"])["emg"].mean().unstack()
    difference = means["happy"] - means["angry"]
    zygomaticus, corrugator = difference["zygomaticus"], -difference["corrugator"]
    for mimicry in (zygomaticus, corrugator):
        assert len(mimicry) == 12 and mimicry.mean() > 0.1
        assert stats.ttest_1samp(mimicry, 0, alternative="greater").pvalue < 0.025
        assert (mimicry > 0).sum() >= 9
    course = windows.groupby(["muscle", "window", "emotion"])["emg"].mean().unstack()
    gap = course["happy"] - course["angry"]
    assert gap["zygomaticus"][4] > gap["zygomaticus"][1] + 0.1
    assert gap["corrugator"][4] < gap["corrugator"][1] - 0.1


@pytest.mark.parametrize("preset", list(PRESETS))
def test_excluded_trials_are_as_many_as_the_rule_lets_expect(study: Path, preset: str):
    windows, exclusions = windows_of(study, preset)
    counts = count_exclusions(windows, exclusions)
    assert counts["n_trials"].tolist() == [12] * 24
    assert 8 < counts["percent_excluded"].mean() < 20
    test = compare_exclusions(counts).set_index("muscle")
    assert (test["num_df"] == 1).all() and (test["den_df"] == 10).all()
    assert (test["p"] > 0.3).all()


def test_the_imported_study_is_valid_bids(study: Path):
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("bids-validator-deno is not installed")
    done = subprocess.run([validator, str(study)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "[ERROR]" not in done.stdout
