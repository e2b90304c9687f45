"""Sessions that the suite records itself: LSL outlet, triggers, recording, dataset, report."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyxdf
from lsl_twin import RunningAmplifier, running_amplifier
from running_session import wait_for_event
from small_sets import make_set

from analysis.datasets import read_recording, read_study
from analysis.emg import preprocess
from analysis.mimicry.parameters import recommended
from experiments.dataset.bdf import read_signals
from experiments.dataset.rows import EventRow, read_rows
from experiments.mimicry.run import close_into_dataset
from hardware.recorders.xdf import XdfWriter
from hardware.simulated.lsl_amplifier import describe_stream

Start = Callable[..., subprocess.Popen[str]]
XDF = "sub-007_task-mimicry_amplifier.xdf"


def write_rig(path: Path, amplifier: RunningAmplifier, *, file_format: str = "xdf") -> Path:
    trigger = f'kind = "lsl"\nstream_name = "{amplifier.markers}"'
    if amplifier.line:
        trigger = f'kind = "serial_byte"\nport = "{amplifier.line}"\npulse = "device"'
    path.write_text(
        f"""[monitor]
size_px = [640, 480]
width_cm = 40.0
refresh_hz = 60.0
fullscreen = false
[[trigger]]
{trigger}
[recorder]
kind = "lsl"
stream_name = "{amplifier.name}"
file_format = "{file_format}"
""",
        encoding="utf-8",
    )
    return path


def run_session(start: Start, study: Path, rig: Path, stimuli: Path, *options: object) -> tuple[int, str]:
    process = start(
        *(study, "--participant", "007", "--rig", rig, "--stimuli", stimuli, "--simulate-keys"),
        *("--practice", 0, "--allow-unmeasured-refresh", "--seed", 5, *options),
    )
    output, errors = process.communicate(timeout=400)
    return process.returncode, output + errors


def triggers_and_samples(live: Path, name: str = XDF) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Return when codes were sent, the markers' stamps, the sample of each pulse, and the codes recorded."""
    streams, _ = pyxdf.load_xdf(live / name, dejitter_timestamps=False, verbose=False)
    by_type = {stream["info"]["type"][0]: stream for stream in streams}
    status = by_type["EMG"]["time_series"][:, 2]
    begins = np.flatnonzero((np.diff(status) != 0) & (status[1:] != 0)) + 1
    sent = [row for row in read_rows(live / "events.tsv", EventRow) if row.value is not None]
    markers = by_type.get("Markers", {"time_stamps": np.empty(0)})["time_stamps"]
    return (
        np.array([row.monotonic for row in sent]),
        np.asarray(markers),
        by_type["EMG"]["time_stamps"][begins],
        [int(code) for code in status[begins]],
    )


@pytest.mark.display
def test_a_session_records_itself_and_every_trigger_is_on_its_sample(
    start: Start, stimulus_set: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    with running_amplifier("--video-s", 1) as amplifier:
        rig = write_rig(tmp_path / "rig.toml", amplifier, file_format="bdf")
        code, said = run_session(start, study, rig, stimulus_set, "--trials", 8, "--skip-signal-check")
        heard = amplifier.ended()
    assert code == 0, said
    live = study / "sourcedata" / "sub-007"
    sent_s, marker_s, sample_s, codes = triggers_and_samples(live)
    logged = [row.value for row in read_rows(live / "events.tsv", EventRow) if row.value is not None]
    assert codes == logged
    assert heard == {"codes": len(logged), "late": 0}
    assert np.abs(sample_s - marker_s).max() < 1e-3  # what the amplifier heard, against when it was sent
    assert np.median(np.abs(marker_s - sent_s)) < 0.2e-3
    ends = [json.loads(line) for line in (live / "recorder.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in ends] == ["recording", "finished"]
    assert ends[-1]["missing"] == 0
    signals, fs_hz = read_signals(live / XDF.replace(".xdf", ".bdf"))
    assert set(signals) == {"corrugator", "zygomaticus", "Status"}
    recording = read_recording(read_study(study), "007")
    assert (recording.fs_hz, fs_hz) == pytest.approx((1200, 1200))
    videos = recording.events[recording.events["trial_type"] == "video"]
    assert len(videos) == 8
    first_s = sample_s[0] - np.flatnonzero(np.rint(signals["Status"]) != 0)[0] / 1200
    shown_s = [row.monotonic for row in read_rows(live / "events.tsv", EventRow) if row.trial_type == "video"]
    assert np.abs(first_s + videos["sample"].to_numpy() / 1200 - shown_s).max() < 1.5e-3
    record = json.loads((live / "session.json").read_text(encoding="utf-8"))
    assert record["signal_check"] == {"skipped": True}
    assert record["simulated"] is True


@pytest.mark.display
def test_a_session_whose_stream_is_not_there_does_not_begin(
    start: Start, stimulus_set: Path, tmp_path: Path
) -> None:
    amplifier = RunningAmplifier(None, "nobody has this name", "", None, "triggers")  # type: ignore[arg-type]
    rig = write_rig(tmp_path / "rig.toml", amplifier)
    code, said = run_session(start, tmp_path / "study", rig, stimulus_set, "--trials", 4)
    assert code == 2
    assert "start the amplifier's LSL program" in said
    assert "Traceback" not in said
    assert not (tmp_path / "study" / "sourcedata" / "sub-007").exists()


@pytest.mark.display
def test_a_recorder_without_triggers_is_refused(start: Start, stimulus_set: Path, tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[recorder]\nkind = "lsl"\nstream_name = "x"\n', encoding="utf-8")
    code, said = run_session(start, tmp_path / "study", rig, stimulus_set, "--trials", 4)
    assert code == 2
    assert "no [trigger]" in said


@pytest.mark.slow
@pytest.mark.display
def test_swapped_cables_stop_a_session_before_it_begins(
    start: Start, stimulus_set: Path, tmp_path: Path
) -> None:
    with running_amplifier("--swapped") as amplifier:
        rig = write_rig(tmp_path / "rig.toml", amplifier)
        code, said = run_session(start, tmp_path / "study", rig, stimulus_set, "--trials", 4)
    assert code == 2
    assert "SWAPPED" in said
    assert not (tmp_path / "study" / "sourcedata" / "sub-007").exists()


@pytest.mark.slow
@pytest.mark.display
def test_a_session_killed_in_the_middle_goes_on_with_a_second_part(
    start: Start, stimulus_set: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    with running_amplifier("--video-s", 1) as amplifier:
        rig = write_rig(tmp_path / "rig.toml", amplifier)
        options = ("--participant", "007", "--rig", rig, "--stimuli", stimulus_set, "--simulate-keys")
        options += ("--practice", 0, "--allow-unmeasured-refresh", "--skip-signal-check")
        process = start(study, *options, "--trials", 8, "--seed", 5)
        live = study / "sourcedata" / "sub-007"
        wait_for_event(process, live, "video", 4, longest_s=120)
        process.kill()
        process.communicate()
        time.sleep(3)  # the recorder finishes its file
        resumed = start(study, *options, "--resume")
        output, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, output + errors
    second = live / "sub-007_task-mimicry_amplifier_part2.xdf"
    assert (live / XDF).exists()
    assert second.exists()
    events = read_recording(read_study(study), "007").events
    assert (events["trial_type"] == "video").sum() == 8


@pytest.mark.slow
@pytest.mark.display
def test_the_report_of_a_session_at_a_serial_line_recovers_the_simulated_mimicry(
    start: Start, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    stimuli = make_set(tmp_path / "set", n_pairs=4, n_frames=125)
    with running_amplifier("--factor", 15, "--listen", 0, "--study", study) as amplifier:
        rig = write_rig(tmp_path / "rig.toml", amplifier)
        code, said = run_session(start, study, rig, stimuli, "--trials", 16)
        heard = amplifier.ended()
    assert code == 0, said
    assert heard["late"] == 0
    live = study / "sourcedata" / "sub-007"
    sent_s, _, sample_s, _ = triggers_and_samples(live)
    late_ms = 1000 * (sample_s - sent_s)
    print(f"sample - sent: median {np.median(late_ms):.3f}, max {late_ms.max():.3f} ms of {len(late_ms)}")
    assert np.median(late_ms) < 1.0
    record = json.loads((live / "session.json").read_text(encoding="utf-8"))
    assert record["signal_check"]["expressions"]["right"]
    windows, _ = preprocess(read_recording(read_study(study), "007"), recommended())
    found = windows.groupby(["muscle", "emotion", "window"])["emg"].mean()
    truth = json.loads((study / "sourcedata" / "simulation_truth.json").read_text(encoding="utf-8"))
    for entry in truth["windows"]:
        own = found[entry["muscle"], entry["emotion"]].to_numpy()
        slope = float((np.arange(5) - 2) @ own / 10)
        assert slope == pytest.approx(entry["slope"], abs=0.12), entry
        assert np.corrcoef(own, entry["log_proportions"])[0, 1] > 0.95
    command = [sys.executable, "-m", "analysis.mimicry", study, "--quick", "--out", tmp_path / "out"]
    assert subprocess.run(command, check=False).returncode == 0
    assert "SIMULATED" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_recording_in_xdf_gives_the_windows_that_one_in_bdf_gives(tmp_path: Path) -> None:
    """Faster than real time: a simulated session's recording is written as the recorder writes it."""
    command = [sys.executable, "-m", "experiments.mimicry", tmp_path / "bdf", "--participant", "007"]
    subprocess.run([*command, "--simulate", "--seed", "3", "--trials", "24"], check=True)
    live = tmp_path / "xdf" / "sourcedata" / "sub-007"
    shutil.copytree(tmp_path / "bdf", tmp_path / "xdf")
    shutil.rmtree(tmp_path / "xdf" / "sub-007")
    bdf = live / XDF.replace(".xdf", ".bdf")
    signals, fs_hz = read_signals(bdf)
    bdf.unlink()
    write_as_recorded(live / XDF, signals, fs_hz=fs_hz, true_hz=fs_hz * 1.00002)
    close_into_dataset(tmp_path / "xdf", "007")
    tables = [
        preprocess(read_recording(read_study(tmp_path / kind), "007"), recommended())[0]
        for kind in ("bdf", "xdf")
    ]
    assert len(tables[0]) > 100
    np.testing.assert_allclose(tables[1]["emg"], tables[0]["emg"], atol=0.02)
    assert np.corrcoef(tables[1]["emg"], tables[0]["emg"])[0, 1] > 0.999


def write_as_recorded(path: Path, signals: dict[str, np.ndarray], *, fs_hz: float, true_hz: float) -> None:
    """Write signals as the recorder does: pieces of a tenth of a second, clock offsets, a footer."""
    info = describe_stream("amp", "amp", fs_hz)
    values = np.column_stack([signals[name] for name in ("corrugator", "zygomaticus", "Status")])
    times_s = 5000.0 + np.arange(len(values)) / true_hz
    with XdfWriter(path) as file:
        file.add_stream(1, info.as_xml(), value_format="float32")  # type: ignore[attr-defined]
        for number, begin in enumerate(range(0, len(values), 120)):
            part = slice(begin, begin + 120)
            file.add_samples(1, times_s[part], values[part])
            if number % 50 == 0:
                file.add_clock_offset(1, times_s[begin] - 4000.0, -4000.0 + 2e-5 * (number % 3))
        file.add_footer(1, first_s=5000.0, last_s=times_s[-1], n_samples=len(values), rate_hz=true_hz)
