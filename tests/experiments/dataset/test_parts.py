"""Recordings in several parts, in several formats, and cut off: one recording in the dataset, gaps marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.datasets import read_recording, read_study
from experiments.dataset.amplifier_files import amplifier_files
from experiments.dataset.bdf import BdfChannel, read_bdf, write_bdf
from experiments.dataset.bids import close_session
from experiments.dataset.codes import find_pulses
from hardware.recorders.xdf import XdfWriter

from .conftest import ScriptedSession

FS_HZ = 1200
HEADER = """<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>
<channel_count>{count}</channel_count><nominal_srate>{rate}</nominal_srate>
<channel_format>{values}</channel_format><source_id>x</source_id><desc>{desc}</desc></info>"""
CHANNEL = "<channel><label>{}</label><unit>microvolts</unit></channel>"


def events_of(study: Path, participant: str = "01") -> pd.DataFrame:
    (path,) = (study / f"sub-{participant}" / "emg").glob("*_events.tsv")
    return pd.read_csv(path, sep="\t", na_values=["n/a"], keep_default_na=False)


def cut_bdf(session: ScriptedSession, *pieces: tuple[int, int]) -> dict[str, BdfChannel]:
    """Replace the recording by pieces of it, from and to sample; return the whole one's channels."""
    whole = {channel.name: channel for channel in read_bdf(session.recording).channels}
    session.recording.unlink()
    for number, (first, last) in enumerate(pieces, start=1):
        suffix = "" if number == 1 else f"_part{number}"
        channels = [
            BdfChannel(name, channel.digital[first:last], channel.physical_range, channel.unit)
            for name, channel in whole.items()
        ]
        path = session.recording.with_name(f"{session.recording.stem}{suffix}.bdf")
        write_bdf(path, channels, fs_hz=FS_HZ)
    return whole


def write_xdf(path: Path, session: ScriptedSession, *, first: int = 0, last: int | None = None) -> None:
    """Write the recording as the suite's own recorder does: EMG in microvolts, and markers."""
    whole = {channel.name: channel for channel in read_bdf(session.recording).channels}
    status = find_pulses(whole["Status"].digital)
    values = np.column_stack([whole[name].physical() for name in ("corrugator", "zygomaticus")])
    times_s = 5000 + np.arange(len(values)) / FS_HZ
    desc = "".join(CHANNEL.format(name) for name in ("corrugator", "zygomaticus"))
    emg = HEADER.format(
        name="amp", kind="EMG", count=2, rate=FS_HZ, values="float32", desc=f"<channels>{desc}</channels>"
    )
    marks = HEADER.format(name="codes", kind="Markers", count=1, rate=0, values="int32", desc="")
    with XdfWriter(path) as file:
        file.add_stream(1, emg, value_format="float32")
        file.add_stream(2, marks, value_format="int32")
        for begin in range(first, last or len(values), 600):
            part = slice(begin, min(begin + 600, last or len(values)))
            file.add_samples(1, times_s[part], values[part])
            now = (status.samples >= part.start) & (status.samples < part.stop)
            file.add_samples(2, times_s[status.samples[now]] + 0.0002, status.codes[now][:, None])


def test_two_files_become_one_recording_with_the_gap_marked(
    study: Path, validator_errors: Callable[[Path], list[str]]
) -> None:
    session = ScriptedSession(study, "01", n_trials=14).run()
    events = pd.read_csv(session.live / "events.tsv", sep="\t", na_values=["n/a"])
    fifth = float(events.query("trial_type == 'video' and trial == 5")["onset"].iloc[0])
    ninth = float(events.query("trial_type == 'video' and trial == 9")["onset"].iloc[0])
    stop, start = (round((onset_s + 2 - 1.0) * 10) * FS_HZ // 10 for onset_s in (fifth, ninth))
    whole = cut_bdf(session, (0, stop), (start, 10**9))
    said = close_session(study, "01")
    assert validator_errors(study) == []
    assert any("goes on in part 2 after a pause of" in line for line in said), said
    found = events_of(study)
    (gap,) = found.query("trial_type == 'BAD_missing'").to_dict("records")
    pause_s = (start - stop) / FS_HZ
    assert gap["sample"] == stop
    assert gap["duration"] == pytest.approx(pause_s, abs=0.003)
    videos = found.query("trial_type == 'video'").set_index("trial")
    assert videos.index.tolist() == [1, 2, 3, 4, 5, 10, 11, 12, 13, 14]
    status = find_pulses(whole["Status"].digital)
    true = status.samples[np.isin(status.codes, (11, 12))]
    np.testing.assert_allclose(videos["sample"], true[[*range(5), *range(9, 14)]], atol=3)
    recording = read_recording(read_study(study), "01")
    assert np.isnan(recording.signals_uv[:, stop + 2 : start - 4]).all()
    copied = read_bdf(next((study / "sub-01" / "emg").glob("*_emg.bdf"))).channel("corrugator").digital
    np.testing.assert_array_equal(copied[:stop], whole["corrugator"].digital[:stop])
    later = stop + round(gap["duration"] * FS_HZ)
    second = whole["corrugator"].digital[start:]
    np.testing.assert_array_equal(copied[later : later + len(second)], second)
    assert len(pd.read_csv(next((study / "sub-01" / "beh").glob("*_beh.tsv")), sep="\t")) == 14


def test_a_long_pause_is_shortened(study: Path) -> None:
    session = ScriptedSession(study, "01", n_trials=24).run()
    cut_bdf(session, (0, 60 * FS_HZ), (150 * FS_HZ, 10**9))
    close_session(study, "01")
    (gap,) = events_of(study).query("trial_type == 'BAD_missing'").to_dict("records")
    assert gap["duration"] == pytest.approx(60)


def test_time_that_is_missing_inside_a_file_is_marked(study: Path) -> None:
    session = ScriptedSession(study, "01", n_trials=14).run()
    content = read_bdf(session.recording)
    at, missing = 70 * FS_HZ, 3 * FS_HZ
    channels = [
        BdfChannel(c.name, np.delete(c.digital, np.s_[at : at + missing]), c.physical_range, c.unit)
        for c in content.channels
    ]
    session.recording.unlink()
    write_bdf(session.recording, channels, fs_hz=FS_HZ)
    said = close_session(study, "01")
    assert any("lost 3.00" in line for line in said), said
    (gap,) = events_of(study).query("trial_type == 'BAD_missing'").to_dict("records")
    assert gap["sample"] <= at <= gap["sample"] + gap["duration"] * FS_HZ


@pytest.mark.parametrize("kept", [1.0, 0.6])
def test_the_suites_own_recording_is_read_also_when_it_was_cut_off(study: Path, kept: float) -> None:
    session = ScriptedSession(study, "01", n_trials=10).run()
    true = find_pulses(read_bdf(session.recording).channel("Status").digital)
    path = session.recording.with_suffix(".xdf")
    write_xdf(path, session)
    session.recording.unlink()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    close_session(study, "01")
    sidecar = json.loads(next((study / "sub-01" / "emg").glob("*_emg.json")).read_text(encoding="utf-8"))
    assert "no end" in sidecar["SourceFileProblem"]
    videos = events_of(study).query("trial_type == 'video'")
    expected = true.samples[np.isin(true.codes, (11, 12))][: len(videos)]
    np.testing.assert_allclose(videos["sample"], expected, atol=1)
    assert len(videos) == 10 if kept == 1 else 3 <= len(videos) < 10


def test_parts_of_the_suites_own_recorder_are_joined(study: Path) -> None:
    session = ScriptedSession(study, "01", n_trials=14).run()
    second = session.recording.with_name(session.recording.stem + "_part2.xdf")
    write_xdf(session.recording.with_suffix(".xdf"), session, last=60 * FS_HZ)
    write_xdf(second, session, first=75 * FS_HZ)
    session.recording.unlink()
    said = close_session(study, "01")
    assert any("goes on in part 2" in line for line in said)
    recording = read_recording(read_study(study), "01")
    gap = np.isnan(recording.signals_uv[0])
    assert gap.sum() / FS_HZ == pytest.approx(15, abs=0.6)


def test_files_that_come_after_the_session_was_closed_are_added_once(
    study: Path, validator_errors: Callable[[Path], list[str]]
) -> None:
    session = ScriptedSession(study, "01", n_trials=6).run()
    elsewhere = session.recording.rename(session.recording.with_name("elsewhere.bdf"))
    close_session(study, "01")
    behaviour = next((study / "sub-01" / "beh").glob("*_beh.tsv")).read_bytes()
    elsewhere.rename(session.recording)
    assert "trigger codes fit" in close_session(study, "01")[0]
    assert next((study / "sub-01" / "beh").glob("*_beh.tsv")).read_bytes() == behaviour
    assert len(events_of(study).query("trial_type == 'video'")) == 6
    assert validator_errors(study) == []
    with pytest.raises(FileExistsError):
        close_session(study, "01")


def test_the_better_of_two_formats_is_taken(tmp_path: Path) -> None:
    for name in ("a_amplifier.bdf", "a_amplifier.xdf", "a_amplifier_part2.bdf", "a_amplifier_part10.edf"):
        (tmp_path / name).touch()
    (tmp_path / "a_amplifier_journal.jsonl").touch()
    assert [path.name for path in amplifier_files(tmp_path)] == [
        "a_amplifier.xdf",
        "a_amplifier_part2.bdf",
        "a_amplifier_part10.edf",
    ]


def test_parts_with_other_sampling_rates_are_refused(study: Path) -> None:
    session = ScriptedSession(study, "01", n_trials=10).run()
    content = read_bdf(session.recording)
    write_bdf(
        session.recording.with_name(session.recording.stem + "_part2.bdf"), content.channels, fs_hz=1000
    )
    with pytest.raises(ValueError, match="different sampling rates"):
        close_session(study, "01")


def test_a_part_of_another_session_is_refused(study: Path) -> None:
    session = ScriptedSession(study, "01", n_trials=10).run()
    other = ScriptedSession(study, "02", n_trials=10, seed=5).run()
    second = session.recording.with_name(session.recording.stem + "_part2.bdf")
    second.write_bytes(other.recording.read_bytes())
    with pytest.raises(ValueError, match=r"part 2 of the recording.*fits nowhere"):
        close_session(study, "01")
