"""A study in BIDS: from live files and from recordings made elsewhere, without loss and never overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from experiments.dataset.bdf import BdfChannel, quantise, read_bdf, read_signals, write_bdf
from experiments.dataset.bids import add_participant, add_recording, close_session, create_study
from experiments.dataset.emg_files import EVENT_COLUMNS
from experiments.dataset.rows import EventRow, TrialRow, read_rows

from .conftest import CODES, ScriptedSession


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(
        path, sep="\t", na_values=["n/a"], keep_default_na=False, dtype={"participant_id": str}
    )


def emg_file(study: Path, participant: str, ending: str) -> Path:
    return study / f"sub-{participant}" / "emg" / f"sub-{participant}_task-mimicry_{ending}"


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- the study --------------------------------------------------------------------------------------------


def test_a_study_is_made_once_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    create_study(folder, name="First", simulated=True)
    add_participant(folder, "007", age=23, sex="F", group="B")
    before = all_files(folder)
    create_study(folder, name="Second", simulated=True)
    assert all_files(folder) == before
    description = json.loads((folder / "dataset_description.json").read_text(encoding="utf-8"))
    assert description["Name"] == "First"
    assert description["BIDSVersion"] == "1.11.1"
    assert description["simulated"] is True
    people = table(folder / "participants.tsv")
    assert people.to_dict("records") == [{"participant_id": "sub-007", "age": 23, "sex": "F", "group": "B"}]


def test_real_and_simulated_participants_do_not_mix(tmp_path: Path) -> None:
    create_study(tmp_path / "study", name="Real", simulated=False)
    assert "simulated" not in (tmp_path / "study" / "dataset_description.json").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="is a study of real participants"):
        create_study(tmp_path / "study", name="Real", simulated=True)


def test_a_folder_with_other_things_does_not_become_a_study(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(ValueError, match="is not a study"):
        create_study(tmp_path, name="x", simulated=False)
    with pytest.raises(FileNotFoundError, match=r"no dataset_description\.json"):
        add_participant(tmp_path, "01")


def test_a_participant_is_added_once(study: Path) -> None:
    add_participant(study, "01")
    assert (study / "participants.tsv").read_text(encoding="utf-8").endswith("sub-01\tn/a\tn/a\tn/a\n")
    with pytest.raises(FileExistsError, match="participant 01 is in"):
        add_participant(study, "01")
    with pytest.raises(ValueError, match="letters and digits only"):
        add_participant(study, "Jane Doe")


# -- closing a session ------------------------------------------------------------------------------------


def test_a_session_becomes_bids(study: Path, validator_errors: Callable[[Path], list[str]]) -> None:
    with_emg = ScriptedSession(study, "007").run()
    without = ScriptedSession(study, "008", amplifier=False).run()
    close_session(study, "007")
    close_session(study, "008")
    assert validator_errors(study) == []
    assert (study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.tsv").is_file()
    assert not (study / "sub-008" / "emg").exists()
    assert (study / "sub-008" / "beh" / "sub-008_task-mimicry_events.tsv").is_file()
    assert not list(study.glob(".*"))
    for path in [*study.rglob("*.json")]:
        assert json.loads(path.read_text(encoding="utf-8"))["simulated"] is True, path
    assert with_emg.recording.is_file()
    assert without.live.is_dir()


def test_the_emg_is_that_of_the_amplifier_to_the_last_bit(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    close_session(study, "01")
    source, copy = read_bdf(session.recording), read_bdf(emg_file(study, "01", "emg.bdf"))
    assert copy.fs_hz == 1200
    assert [channel.name for channel in copy.channels] == ["corrugator", "zygomaticus"]
    for channel in copy.channels:
        np.testing.assert_array_equal(channel.digital, source.channel(channel.name).digital)
        assert channel.physical_range == source.channel(channel.name).physical_range
    raw = mne.io.read_raw_bdf(emg_file(study, "01", "emg.bdf"), preload=True, verbose="error")
    np.testing.assert_allclose(
        raw.get_data("corrugator")[0] * 1e6, source.channel("corrugator").physical(), atol=1e-6
    )


def test_events_have_the_amplifiers_time_and_the_participants_answer(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    close_session(study, "01")
    events = table(emg_file(study, "01", "events.tsv"))
    assert tuple(events.columns) == EVENT_COLUMNS
    raw = mne.io.read_raw_bdf(session.recording, preload=True, verbose="error")
    found = mne.find_events(raw, stim_channel="Status", shortest_event=1, verbose="error")
    task_codes = [code for name, code in CODES.items() if name not in ("session_start", "session_end")]
    found = found[np.isin(found[:, 2], task_codes)]
    assert events["sample"].tolist() == found[:, 0].tolist()
    assert events["value"].tolist() == found[:, 2].tolist()
    np.testing.assert_allclose(events["onset"], events["sample"] / 1200, atol=1e-9)
    videos = events[events["trial_type"] == "video"]
    trials = [row for row in read_rows(session.live / "trials.tsv", TrialRow) if not row.practice]
    assert videos["trial"].tolist() == [row.trial for row in trials]
    assert videos["outcome"].tolist() == [row.outcome for row in trials]
    assert videos["response_count"].tolist() == [row.response_count for row in trials]
    expected = [np.nan if row.response_time is None else row.response_time for row in trials]
    np.testing.assert_allclose(videos["response_time"], expected, atol=1e-6)
    assert (videos["value"] == videos["direction"].map({"AngryToHappy": 11, "HappyToAngry": 12})).all()


def test_behaviour_has_one_row_per_trial_without_practice(study: Path) -> None:
    ScriptedSession(study, "01", n_trials=5).run()
    close_session(study, "01")
    behaviour = table(study / "sub-01" / "beh" / "sub-01_task-mimicry_beh.tsv")
    assert behaviour["trial"].tolist() == [1, 2, 3, 4, 5]
    assert (behaviour["block"] == 1).all()
    dictionary = json.loads(
        (study / "sub-01" / "beh" / "sub-01_task-mimicry_beh.json").read_text(encoding="utf-8")
    )
    assert set(behaviour.columns) <= set(dictionary)
    assert dictionary["SessionEnd"] == "finished"


def test_the_fit_of_the_clocks_is_told(study: Path) -> None:
    ScriptedSession(study, "01", n_trials=20).run()
    close_session(study, "01")
    sidecar = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))
    (fit,) = sidecar["ClockFits"]
    assert fit["drift_ppm"] == pytest.approx(15, abs=4)
    assert 0 < fit["residual_rms_ms"] < 0.4
    assert fit["residual_max_ms"] < 1.0
    assert sidecar["SamplingFrequency"] == 1200
    assert sidecar["EMGChannelCount"] == 2


def test_an_event_without_a_code_is_timed_by_the_clocks(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    lines = (session.live / "events.tsv").read_text(encoding="utf-8").split("\n")
    number = next(n for n, line in enumerate(lines) if "\tvideo\t11\t" in line)
    status = read_bdf(session.recording).channel("Status").digital.copy()
    starts = np.flatnonzero((status[1:] == 11) & (status[:-1] != 11)) + 1
    status[starts[0] : starts[0] + 20] = 0
    replace_status(session.recording, status)
    lines[number] = lines[number].replace("\tvideo\t11\t", "\tvideo\tn/a\t")
    (session.live / "events.tsv").write_text("\n".join(lines), encoding="utf-8", newline="\n")
    close_session(study, "01")
    events = table(emg_file(study, "01", "events.tsv"))
    first = events[(events["trial_type"] == "video") & events["value"].isna()]
    assert abs(first["sample"].iloc[0] - starts[0]) <= 1


def replace_status(recording: Path, status: np.ndarray | None, *, rename: str = "Status") -> None:
    content = read_bdf(recording)
    channels = [channel for channel in content.channels if channel.name != "Status"]
    if status is not None:
        channels.append(BdfChannel(rename, status.astype(np.int32), (-(2**23), 2**23 - 1), ""))
    recording.unlink()
    write_bdf(recording, channels, fs_hz=content.fs_hz)


def test_a_session_is_closed_once(study: Path) -> None:
    ScriptedSession(study, "01").run()
    close_session(study, "01")
    before = all_files(study)
    with pytest.raises(FileExistsError, match="has this session already"):
        close_session(study, "01")
    assert all_files(study) == before


def test_a_participant_who_is_not_listed_is_added(study: Path) -> None:
    ScriptedSession(study, "01").run()
    head = (study / "participants.tsv").read_text(encoding="utf-8").splitlines()[0]
    (study / "participants.tsv").write_text(head + "\n", encoding="utf-8", newline="\n")
    close_session(study, "01")
    assert table(study / "participants.tsv")["participant_id"].tolist() == ["sub-01"]


# -- crashes ----------------------------------------------------------------------------------------------


def test_a_crashed_session_is_recovered(study: Path, validator_errors: Callable[[Path], list[str]]) -> None:
    session = ScriptedSession(study, "01", ends=None).run()
    for name in ("events.tsv", "trials.tsv"):
        content = (session.live / name).read_bytes()
        (session.live / name).write_bytes(content[:-9])
    (study / ".sub-01.unfinished" / "emg").mkdir(parents=True)
    close_session(study, "01")
    assert validator_errors(study) == []
    behaviour = table(study / "sub-01" / "beh" / "sub-01_task-mimicry_beh.tsv")
    assert len(behaviour) == session.n_trials - 1
    sidecar = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))
    assert sidecar["SessionEnd"] == "crashed"
    shown = table(emg_file(study, "01", "events.tsv")).query("trial_type == 'video'")
    assert shown["trial"].tolist() == behaviour["trial"].tolist()
    assert shown["outcome"].notna().all()


def test_an_aborted_session_says_so(study: Path) -> None:
    ScriptedSession(study, "01", ends="aborted").run()
    close_session(study, "01")
    assert (
        json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))["SessionEnd"] == "aborted"
    )


def test_a_resumed_session_has_two_clocks(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    events = read_rows(session.live / "events.tsv", EventRow)
    half = next(n for n, row in enumerate(events) if row.trial_type == "fixation" and row.trial == 5)
    lines = (session.live / "events.tsv").read_text(encoding="utf-8").splitlines()
    restart = lines[1].split("\t")
    restart[0], restart[3] = "0.0", "n/a"
    later = [line.split("\t") for line in lines[half + 1 :]]
    for cells in later:
        cells[0] = repr(round(float(cells[0]) - events[half].onset + 4.0, 6))
    joined = [*lines[: half + 1], "\t".join(restart), *("\t".join(cells) for cells in later)]
    (session.live / "events.tsv").write_text("\n".join(joined) + "\n", encoding="utf-8", newline="\n")
    close_session(study, "01")
    fits = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))["ClockFits"]
    assert len(fits) == 2
    assert all(fit["residual_max_ms"] < 1 for fit in fits)


@pytest.mark.parametrize("with_emg", [True, False])
def test_a_trial_that_was_stopped_and_shown_again_counts_once(study: Path, with_emg: bool) -> None:
    session = ScriptedSession(study, "01").run()
    if not with_emg:
        session.recording.unlink()
    events = read_rows(session.live / "events.tsv", EventRow)
    stopped = next(n for n, row in enumerate(events) if row.trial_type == "video" and row.trial == 5)
    lines = (session.live / "events.tsv").read_text(encoding="utf-8").splitlines()
    for number, row in enumerate(events, start=1):
        if row.trial == 5:  # from now on it is trial 4, which was shown before
            cells = lines[number].split("\t")
            cells[4] = "4"
            lines[number] = "\t".join(cells)
    (session.live / "events.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    trials = (session.live / "trials.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in trials if not line.startswith("5\t1\tfalse")]
    (session.live / "trials.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    close_session(study, "01")
    kind = "emg" if with_emg else "beh"
    written = table(study / "sub-01" / kind / "sub-01_task-mimicry_events.tsv")
    shown = written.query("trial_type == 'video'")
    assert shown["trial"].tolist() == [1, 2, 3, 4, 6, 7, 8]
    assert shown["video"].iloc[3] == events[stopped].video


def test_a_real_window_is_named_as_what_presented_the_stimuli(study: Path) -> None:
    record = {"display": {"kind": "window"}, "system": "Linux x86_64", "versions": {"psychopy": "2026.2.5"}}
    ScriptedSession(study, "01", record=record).run()
    close_session(study, "01")
    sidecar = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))
    assert sidecar["StimulusPresentation"] == {
        "OperatingSystem": "Linux x86_64",
        "SoftwareName": "PsychoPy",
        "SoftwareVersion": "2026.2.5",
    }


def test_nothing_is_left_when_closing_fails(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    replace_status(session.recording, None)
    before = all_files(study)
    with pytest.raises(ValueError):
        close_session(study, "01")
    assert all_files(study) == before


# -- wrong input ------------------------------------------------------------------------------------------


def test_a_missing_session_is_named(study: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no session of participant 99"):
        close_session(study, "99")


def test_a_session_without_a_trial_is_refused(study: Path) -> None:
    ScriptedSession(study, "01", n_trials=0).run()
    with pytest.raises(ValueError, match="no trial was finished"):
        close_session(study, "01")


def test_a_missing_trigger_channel_is_named(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    replace_status(session.recording, None)
    with pytest.raises(ValueError, match="no channel 'Status'; the file has corrugator, zygomaticus"):
        close_session(study, "01")


def test_channel_names_come_from_the_rig(study: Path) -> None:
    rig = {
        "amplifier_status_channel": "Trig",
        "amplifier_channels": {"corrugator": "zygomaticus", "zygomaticus": "corrugator"},
        "mains_hz": 60.0,
        "amplifier_metadata": {"Manufacturer": "somebody", "PlacementDescription": "left"},
    }
    session = ScriptedSession(study, "01", record={"rig": rig}).run()
    source = read_bdf(session.recording)
    replace_status(session.recording, source.channel("Status").digital, rename="Trig")
    close_session(study, "01")
    copy = read_bdf(emg_file(study, "01", "emg.bdf"))
    np.testing.assert_array_equal(copy.channel("corrugator").digital, source.channel("zygomaticus").digital)
    sidecar = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))
    assert sidecar["PowerLineFrequency"] == 60
    assert sidecar["Manufacturer"] == "somebody"
    assert (table(emg_file(study, "01", "channels.tsv"))["placement_description"] == "left").all()


def test_a_lost_code_is_placed_by_the_clocks_and_told(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    status = read_bdf(session.recording).channel("Status").digital.copy()
    third = int((np.flatnonzero((status[1:] == 31) & (status[:-1] != 31)) + 1)[2])
    status[third : third + 20] = 0
    replace_status(session.recording, status)
    said = close_session(study, "01")
    assert any("1 code was lost on the way" in line and "1 x 31 (trial 3)" in line for line in said), said
    events = table(emg_file(study, "01", "events.tsv"))
    (lost,) = events[events["timing"] == "clock"].to_dict("records")
    assert (lost["trial_type"], lost["trial"], lost["value"]) == ("feedback", 3, 31)
    assert abs(lost["sample"] - third) <= 1
    repairs = json.loads((session.live / "repairs.json").read_text(encoding="utf-8"))
    (repair,) = repairs["repairs"]
    assert repair["kind"] == "lost_code"
    assert repair["places"][0]["trial"] == 3
    sidecar = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))
    assert sidecar["Repairs"] == [repair["text"]]


def test_the_recording_of_another_session_is_refused_with_both_lists(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    other = ScriptedSession(study, "02", seed=2).run()
    session.recording.unlink()
    session.recording.write_bytes(other.recording.read_bytes())
    before = all_files(study)
    with pytest.raises(ValueError, match="do not agree") as caught:
        close_session(study, "01")
    message = str(caught.value)
    assert "amplifier.bdf" in message
    assert "session log" in message
    assert any(line.strip().startswith(">") for line in message.splitlines())
    assert all_files(study) == before


def test_a_flat_trigger_channel_is_refused(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    replace_status(session.recording, np.zeros_like(read_bdf(session.recording).channels[0].digital))
    with pytest.raises(ValueError, match="the recording has 0"):
        close_session(study, "01")


def test_a_wrong_sampling_rate_is_noticed(study: Path) -> None:
    session = ScriptedSession(study, "01").run()
    content = read_bdf(session.recording)
    session.recording.unlink()
    write_bdf(session.recording, content.channels, fs_hz=1000)
    with pytest.raises(ValueError, match=r"says 1000 Hz, but .* about 1200"):
        close_session(study, "01")


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_truncated_recording_keeps_what_it_has(study: Path, kept: float) -> None:
    session = ScriptedSession(study, "01").run()
    content = session.recording.read_bytes()
    session.recording.write_bytes(content[: int(len(content) * kept)])
    said = close_session(study, "01")
    sidecar = json.loads(emg_file(study, "01", "emg.json").read_text(encoding="utf-8"))
    assert "records" in sidecar["SourceFileProblem"]
    shown = table(emg_file(study, "01", "events.tsv")).query("trial_type == 'video'")
    behaviour = table(study / "sub-01" / "beh" / "sub-01_task-mimicry_beh.tsv")
    assert len(behaviour) == session.n_trials
    if kept < 0.9:
        assert 0 < len(shown) < session.n_trials
        assert any("after the recording had ended" in line for line in said)


@pytest.mark.parametrize("content", [b"", b"not a recording at all"])
def test_an_unreadable_recording_is_named(study: Path, content: bytes) -> None:
    session = ScriptedSession(study, "01").run()
    session.recording.write_bytes(content)
    with pytest.raises(ValueError, match=r"amplifier\.bdf"):
        close_session(study, "01")


def test_another_format_is_sent_to_the_import(study: Path) -> None:
    session = ScriptedSession(study, "01", amplifier=False).run()
    session.recording.with_suffix(".vhdr").touch()
    with pytest.raises(ValueError, match=r"analysis\.mimicry import"):
        close_session(study, "01")


# -- recordings made elsewhere ----------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "their recording.txt"
    path.write_text("1\t2\n", encoding="utf-8")
    return path


def events_at(*samples: int, fs_hz: float = 100.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "onset": [sample / fs_hz for sample in samples],
            "duration": [None] * len(samples),
            "trial_type": ["Angry", "Happy", "Neutral"][: len(samples)],
            "value": pd.array([None] * len(samples), dtype="Int64"),
            "sample": list(samples),
            "trial": range(1, len(samples) + 1),
        }
    )


def test_a_foreign_recording_is_added(
    study: Path, source: Path, validator_errors: Callable[[Path], list[str]]
) -> None:
    rng = np.random.default_rng(1)
    signals_uv = np.vstack([rng.normal(0, 30, 26_523), rng.lognormal(0, 1, 26_523), np.full(26_523, 5.0)])
    add_recording(
        study,
        "09",
        signals_uv=signals_uv,
        channel_names=["corrugator raw", "corrugator", "conductance"],
        fs_hz=100.0,
        events=events_at(500, 1500, 26_522),
        signal_kind={"corrugator raw": "raw", "corrugator": "rectified"},
        source=source,
        metadata={"Manufacturer": "somebody"},
    )
    assert validator_errors(study) == []
    raw = mne.io.read_raw_bdf(emg_file(study, "09", "emg.bdf"), preload=True, verbose="error")
    assert raw.info["sfreq"] == 100
    assert raw.n_times == 26_523
    np.testing.assert_allclose(raw.get_data("corrugator")[0] * 1e6, signals_uv[1], atol=1e-5)
    channels = table(emg_file(study, "09", "channels.tsv")).set_index("name")
    assert channels["signal"].to_dict() == {
        "corrugator raw": "raw",
        "corrugator": "rectified",
        "conductance": "other",
    }
    assert channels["type"].tolist() == ["EMG", "EMG", "MISC"]
    events = table(emg_file(study, "09", "events.tsv"))
    assert events["sample"].tolist() == [500, 1500, 26_522]
    assert events["duration"].isna().all()
    copied = study / "sourcedata" / "sub-09" / source.name
    assert copied.read_bytes() == source.read_bytes()
    assert table(study / "participants.tsv")["participant_id"].tolist() == ["sub-09"]


def test_a_precise_recording_keeps_what_24_bits_cannot(study: Path, source: Path) -> None:
    samples = np.random.default_rng(1).lognormal(-1, 1.5, 5_000)
    add_recording(
        study,
        "09",
        signals_uv=[samples],
        channel_names=["zygomaticus"],
        fs_hz=100,
        events=events_at(10),
        signal_kind={"zygomaticus": "rectified"},
        source=source,
        precise=True,
    )
    read, _ = read_signals(emg_file(study, "09", "emg.bdf"))
    assert np.max(np.abs(np.log(read["zygomaticus"] / samples))) < 1e-9
    channels = table(emg_file(study, "09", "channels.tsv")).set_index("name")
    assert channels.loc["zygomaticus_fine", "type"] == "MISC"


def test_a_recording_joins_a_session_without_emg_and_is_added_once(study: Path, source: Path) -> None:
    ScriptedSession(study, "01", amplifier=False).run()
    close_session(study, "01")
    recording = {
        "signals_uv": np.random.default_rng(1).normal(0, 5, (1, 2000)),
        "channel_names": ["corrugator"],
        "fs_hz": 1000,
        "events": events_at(10, fs_hz=1000),
        "signal_kind": {"corrugator": "raw"},
        "source": source,
    }
    add_recording(study, "01", **recording)
    before = all_files(study)
    with pytest.raises(FileExistsError):
        add_recording(study, "01", **recording)
    source.write_text("something else", encoding="utf-8")
    with pytest.raises(FileExistsError):
        add_recording(study, "01", **recording)
    assert all_files(study) == before


def test_a_flat_channel_is_marked_as_bad(study: Path, source: Path) -> None:
    add_recording(
        study,
        "01",
        signals_uv=np.zeros((1, 2000)),
        channel_names=["corrugator"],
        fs_hz=1000,
        events=events_at(10, fs_hz=1000),
        signal_kind={"corrugator": "raw"},
        source=source,
    )
    assert table(emg_file(study, "01", "channels.tsv"))["status"].tolist() == ["bad"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signals_uv": [[0.0, np.nan, 1.0] * 100]}, "not numbers"),
        ({"signals_uv": np.zeros((2, 300))}, "expected samples for 1 channels"),
        ({"signals_uv": np.zeros((1, 0))}, "expected samples for 1 channels"),
        (
            {"channel_names": ["a much too long name"], "signal_kind": {"a much too long name": "raw"}},
            "1 to 16",
        ),
        ({"signal_kind": {"zygomaticus": "raw"}}, "signal_kind must say"),
        ({"signal_kind": {"corrugator": "smoothed"}}, "signal_kind must say"),
        ({"signal_kind": {}}, "signal_kind must say"),
        (
            {"events": events_at(10, 400)},
            "1 of 2 events lie outside the 300 samples, the first at sample 400",
        ),
        ({"events": pd.DataFrame({"onset": [1.0]})}, "lack the columns duration, trial_type, value, sample"),
        ({"fs_hz": 0}, "needs samples and a sampling rate"),
        ({"fs_hz": float("nan")}, "needs samples and a sampling rate"),
    ],
)
def test_what_cannot_be_stored_is_refused(
    study: Path, source: Path, change: dict[str, object], message: str
) -> None:
    recording = {
        "signals_uv": np.random.default_rng(1).normal(0, 5, (1, 300)),
        "channel_names": ["corrugator"],
        "fs_hz": 100,
        "events": events_at(10),
        "signal_kind": {"corrugator": "raw"},
        "source": source,
    }
    before = all_files(study)
    with pytest.raises(ValueError, match=message):
        add_recording(study, "01", **{**recording, **change})
    assert all_files(study) == before


def test_quantised_channels_may_have_any_size(study: Path) -> None:
    for scale in (1e-6, 1.0, 1e6):
        (channel,) = quantise("x", np.linspace(-scale, scale, 100), precise=False)
        np.testing.assert_allclose(
            channel.physical(), np.linspace(-scale, scale, 100), atol=max(scale, 0.01) * 2e-7
        )
