"""Studies are read back as they were written, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.datasets import MISSING_SIGNAL, read_behaviour, read_recording, read_study
from experiments.dataset.bids import add_participant, add_recording, create_study

FS_HZ = 1000
N_SAMPLES = 20_000


@pytest.fixture
def signals() -> np.ndarray:
    return np.random.default_rng(4).normal(0, 10, (2, N_SAMPLES))


@pytest.fixture
def study(tmp_path: Path, signals: np.ndarray) -> Path:
    """Return a study of two participants, of whom the second has no EMG."""
    path = tmp_path / "Größe & Co"
    create_study(path, name="Pilot", simulated=True)
    add_participant(path, "007", age=24, sex="F", group="1")
    add_participant(path, "NA")
    source = tmp_path / "made.dat"
    source.write_bytes(b"made")
    events = pd.DataFrame(
        {
            "onset": [2.0, 10.5],
            "duration": 5.0,
            "trial_type": "video",
            "value": [11, 12],
            "sample": [2000, 10500],
            "trial": [1, 2],
            "face": ["007", None],
            "direction": ["AngryToHappy", "HappyToAngry"],
        }
    )
    add_recording(
        path,
        "007",
        signals_uv=signals,
        channel_names=["corrugator", "zygomaticus"],
        fs_hz=FS_HZ,
        events=events,
        signal_kind={"corrugator": "raw", "zygomaticus": "rectified"},
        source=source,
        metadata={"PowerLineFrequency": 60},
    )
    return path


def part(study: Path, ending: str) -> Path:
    return next((study / "sub-007" / "emg").glob(f"*{ending}"))


def test_a_recording_is_read_back(study: Path, signals: np.ndarray):
    dataset = read_study(study)
    assert (dataset.name, dataset.simulated, dataset.recordings) == ("Pilot", True, ("007",))
    made = read_recording(dataset, "007")
    assert (made.participant, made.group, made.fs_hz, made.mains_hz) == ("007", "1", 1000, 60)
    assert made.channel_names == ("corrugator", "zygomaticus")
    assert made.signal_kind == {"corrugator": "raw", "zygomaticus": "rectified"}
    assert np.abs(made.signals_uv - signals).max() < 1e-5
    assert made.events["sample"].tolist() == [2000, 10500]
    assert made.events["face"].iloc[0] == "007", "names of faces stay text"


def test_missing_groups_are_none_and_ids_that_look_like_nothing_are_kept(study: Path):
    participants = read_study(study).participants.set_index("participant")
    assert list(participants.index) == ["007", "NA"]
    assert participants.loc["007", "group"] == "1" and pd.isna(participants.loc["NA", "group"])


def test_what_is_marked_as_missing_or_bad_is_nan(study: Path):
    events, channels = part(study, "_events.tsv"), part(study, "_channels.tsv")
    table = pd.read_csv(events, sep="\t")
    table.loc[2, ["onset", "duration", "trial_type"]] = [3.0, 0.5, MISSING_SIGNAL]
    table.to_csv(events, sep="\t", index=False, na_rep="n/a")
    table = pd.read_csv(channels, sep="\t", keep_default_na=False)
    table.loc[table["name"] == "zygomaticus", "status"] = "bad"
    table.to_csv(channels, sep="\t", index=False)
    made = read_recording(read_study(study), "007")
    assert np.flatnonzero(np.isnan(made.signals_uv[0])).tolist() == list(range(3000, 3500))
    assert np.isnan(made.signals_uv[1]).all()


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("dataset_description.json", "not a complete study: dataset_description.json is missing"),
        ("participants.tsv", "participants.tsv is missing"),
    ],
)
def test_a_folder_that_is_no_study_is_refused(study: Path, name: str, match: str):
    (study / name).unlink()
    with pytest.raises(FileNotFoundError, match=match):
        read_study(study)


def test_no_folder_at_all_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_study(tmp_path / "absent")


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_broken_description_is_named(study: Path, content: str):
    (study / "dataset_description.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"dataset_description\.json"):
        read_study(study)


@pytest.mark.parametrize("content", ["", "id\tage\n1\t2\n"])
def test_broken_participants_are_named(study: Path, content: str):
    (study / "participants.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"participants\.tsv"):
        read_study(study)


@pytest.mark.parametrize("ending", ["_events.tsv", "_channels.tsv", "_emg.json"])
def test_a_recording_without_one_of_its_files_is_refused(study: Path, ending: str):
    part(study, ending).unlink()
    with pytest.raises(FileNotFoundError, match=f"{ending} is missing"):
        read_recording(read_study(study), "007")


@pytest.mark.parametrize(
    ("n_bytes", "match"), [(0, "is empty"), (300, "header cannot be read"), (30_000, "truncated")]
)
def test_an_empty_or_truncated_recording_is_refused(study: Path, n_bytes: int, match: str):
    path = part(study, "_emg.bdf")
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ValueError, match=match):
        read_recording(read_study(study), "007")


@pytest.mark.parametrize(
    ("ending", "old", "new", "match"),
    [
        ("_emg.json", '"SamplingFrequency": 1000', '"SamplingFrequency": 1200', "1200 Hz.* has 1000 Hz"),
        ("_channels.tsv", "\t1000\t", "\t500\t", "500 Hz.* has 1000 Hz"),
        ("_events.tsv", "\t10500\t", "\t10900\t", "1 event.*sample.*onset.*10.5 s"),
    ],
)
def test_files_that_contradict_each_other_are_refused(
    study: Path, ending: str, old: str, new: str, match: str
):
    path = part(study, ending)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=match):
        read_recording(read_study(study), "007")


def test_a_channel_that_is_listed_but_not_recorded_is_named(study: Path):
    path = part(study, "_channels.tsv")
    path.write_text(
        path.read_text(encoding="utf-8").replace("zygomaticus\tEMG", "orbicularis\tEMG"), encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"no channel orbicularis, but its channels\.tsv lists it"):
        read_recording(read_study(study), "007")


def test_an_unknown_kind_of_signal_is_named(study: Path):
    path = part(study, "_channels.tsv")
    path.write_text(path.read_text(encoding="utf-8").replace("rectified", "smoothed"), encoding="utf-8")
    with pytest.raises(ValueError, match="raw or rectified, found smoothed"):
        read_recording(read_study(study), "007")


def test_a_participant_without_emg_is_refused(study: Path):
    with pytest.raises(FileNotFoundError, match="participant NA has no EMG"):
        read_recording(read_study(study), "NA")


def test_a_participant_who_is_not_listed_is_named(study: Path):
    dataset = read_study(study)
    (study / "sub-007").rename(study / "sub-008")
    with pytest.raises(ValueError, match=r"008 is not in"):
        folder = study / "sub-008" / "emg"
        for path in folder.iterdir():
            path.rename(folder / path.name.replace("007", "008"))
        read_recording(dataset, "008")


def test_a_participant_with_data_who_is_not_listed_is_refused(study: Path):
    table = study / "participants.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(line for line in lines if "sub-007" not in line) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"does not list sub-007.*add a row"):
        read_study(study)


def test_behaviour_without_its_columns_is_refused(study: Path):
    folder = study / "sub-007" / "beh"
    folder.mkdir(parents=True)
    (folder / "sub-007_task-mimicry_beh.tsv").write_text("trial\toutcome\n1\tcorrect\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"lacks the column response_time; it has trial, outcome"):
        read_behaviour(read_study(study))


def test_behaviour_is_put_together(study: Path):
    empty = read_behaviour(read_study(study))
    assert empty.empty and list(empty) == ["participant", "group"]
    for participant in ("007", "NA"):
        folder = study / f"sub-{participant}" / "beh"
        folder.mkdir(parents=True)
        (folder / f"sub-{participant}_task-mimicry_beh.tsv").write_text(
            "trial\tresponse_time\toutcome\n1\t2.5\tcorrect\n2\tn/a\tno_press\n", encoding="utf-8"
        )
    table = read_behaviour(read_study(study))
    assert table["participant"].tolist() == ["007", "007", "NA", "NA"]
    assert table["group"].iloc[0] == "1" and table["group"].iloc[2] is None
    assert table["response_time"].isna().tolist() == [False, True, False, True]


def test_measurements_beside_the_task_are_read(study: Path) -> None:
    assert read_study(study).phenotype == {}
    folder = study / "phenotype"
    folder.mkdir()
    rows = "participant_id\tpill_time\tguess\tbmi\nsub-NA\t09:30\t1\tn/a\nsub-007\tn/a\tn/a\t22.5\n"
    (folder / "session.tsv").write_text(rows, encoding="utf-8")
    (folder / "session.json").write_text("{}", encoding="utf-8")
    tables = read_study(study).phenotype
    assert list(tables) == ["session"]
    table = tables["session"].set_index("participant")
    assert table.loc["NA", ["pill_time", "guess"]].tolist() == ["09:30", "1"]
    assert table.loc["007", "bmi"] == 22.5 and pd.isna(table.loc["007", "guess"])


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("id\tbmi\n1\t2\n", "no column participant_id"),
        ("participant_id\tbmi\nsub-9\t20\n", "rows of 9, whom"),
    ],
)
def test_broken_measurements_are_named(study: Path, content: str, match: str) -> None:
    (study / "phenotype").mkdir()
    (study / "phenotype" / "session.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=match):
        read_study(study)
