"""The same session comes out of every format: signals, events, and the session's own log."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.datasets import EMGRecording, read_recording, read_study
from analysis.emg import preprocess
from analysis.mimicry.import_recording import import_recording
from analysis.mimicry.parameters import recommended
from experiments.dataset.bids import create_study

NAMES = """
[events.codes]
AngryToHappy = 11
HappyToAngry = 12
"""
TEXT = """
[recording]
sampling_rate_hz = 1200
[text]
delimiter = "comma"
head_line = true
[muscles]
corrugator = { source = "corrugator", units = "uV" }
zygomaticus = { source = 2, units = "uV" }
[events]
kind = "lines"
threshold = 2.5
"""
MADE = ["bdf", "edf", "brainvision", "eeglab", "xdf"]


def write(files, kind: str) -> Path:
    return files.bdf("made.edf") if kind == "edf" else getattr(files, kind)()


def imported(study: Path) -> EMGRecording:
    return read_recording(read_study(study), "7")


@pytest.mark.parametrize("kind", MADE)
def test_signals_and_events_come_out_of_every_format(files, tmp_path, kind):
    study = tmp_path / "study"
    summary = import_recording(
        study, participant="7", recording=write(files, kind), channels=files.map(NAMES), group="A"
    )
    made = imported(study)
    assert made.channel_names == ("corrugator", "zygomaticus") and made.fs_hz == 1200 and made.group == "A"
    tolerance = 2e-3 if kind == "edf" else 1e-5
    for row, name in zip(made.signals_uv, made.channel_names, strict=True):
        assert np.abs(row[: len(files.signals[name])] - files.signals[name]).max() < tolerance
    assert made.events["sample"].tolist() == files.onsets.tolist()
    assert made.events["direction"].tolist() == files.directions
    assert set(made.events["trial_type"]) == {"video"}
    assert summary["triggers_ignored"]["31"] == 6 and summary["warnings"] == []
    windows, exclusions = preprocess(made, recommended())
    assert len(windows) / 5 + exclusions.groupby("muscle")["trial"].nunique().sum() == 12


@pytest.mark.parametrize("kind", MADE)
def test_the_log_of_the_session_gives_the_events_their_meaning(files, tmp_path, kind):
    study = tmp_path / "study"
    create_study(study, name="made", simulated=False)
    files.log(study, "7", stretch=1.00002)
    summary = import_recording(study, participant="7", recording=write(files, kind))
    events = imported(study).events
    videos = events[events["trial_type"] == "video"]
    assert videos["sample"].tolist() == files.onsets.tolist()
    assert videos["direction"].tolist() == files.directions
    assert videos["face"].tolist() == ["id01"] * 6 and videos["outcome"].tolist() == ["correct"] * 6
    assert events["trial_type"].value_counts().to_dict() == {"fixation": 6, "video": 6, "feedback": 6}
    assert summary["clock"][0]["drift_ppm"] == pytest.approx(-20, abs=1)


def test_a_line_can_stand_for_events_of_the_log(files, tmp_path):
    study = tmp_path / "study"
    create_study(study, name="made", simulated=False)
    files.log(study, "7")
    channels = files.map(TEXT + '[events.lines]\nphotodiode = { source = "video", stands_for = ["video"] }\n')
    import_recording(study, participant="7", recording=files.text(), channels=channels)
    events = imported(study).events
    assert events.loc[events["trial_type"] == "video", "sample"].tolist() == files.onsets.tolist()
    fixations = events.loc[events["trial_type"] == "fixation", "sample"]
    assert np.abs(fixations - files.fixations).max() <= 1, (
        "placed by the clocks, without a trigger of their own"
    )


def test_text_is_kept_to_the_last_digit_and_may_be_compressed(files, tmp_path):
    import gzip

    plain = files.text()
    packed = files.folder / "made.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    channels = files.map(TEXT + "[events.lines]\nhappy = 3\n")
    import_recording(tmp_path / "study", participant="7", recording=packed, channels=channels)
    made = imported(tmp_path / "study")
    expected = np.array([float(f"{value:.9g}") for value in files.signals["corrugator"]])
    assert np.abs(made.signals_uv[0] - expected).max() < 1e-11
    assert made.events["trial_type"].tolist() == ["happy"] * 6
    kept = tmp_path / "study" / "sourcedata" / "sub-7"
    assert (kept / "made.csv.gz").read_bytes() == packed.read_bytes()
    assert (kept / "map.toml").read_text(encoding="utf-8") == channels.read_text(encoding="utf-8")


def test_decimal_commas_semicolons_and_head_lines_are_understood(files, tmp_path):
    text = files.text().read_text(encoding="utf-8").replace(",", ";").replace(".", ",")
    path = files.folder / "german.txt"
    path.write_text("Aufnahme vom 1.2.\n" + text, encoding="utf-8")
    layout = TEXT.replace('"comma"', '"semicolon"\ndecimal = ","\nskip_lines = 1')
    channels = files.map(layout + "[events.lines]\nhappy = 3\n")
    import_recording(tmp_path / "study", participant="7", recording=path, channels=channels)
    made = imported(tmp_path / "study")
    assert np.abs(made.signals_uv[1] - files.signals["zygomaticus"]).max() < 1e-6


def test_two_monopolar_electrodes_make_one_bipolar_signal(files, tmp_path):
    common = 50 * np.sin(np.arange(len(files.signals["corrugator"])) / 90)
    signals = {"EXG1": files.signals["corrugator"] + common, "EXG2": common}
    signals |= {"EXG3": common - files.signals["zygomaticus"], "EXG4": common}
    path = files.bdf(signals=signals)
    muscles = '[muscles]\ncorrugator = ["EXG1", "EXG2"]\nzygomaticus = { source = [4, 3] }\n'
    import_recording(tmp_path / "study", participant="7", recording=path, channels=files.map(muscles + NAMES))
    made = imported(tmp_path / "study")
    assert np.abs(made.signals_uv[0] - files.signals["corrugator"]).max() < 1e-4
    assert np.abs(made.signals_uv[1] - files.signals["zygomaticus"]).max() < 1e-4


@pytest.mark.parametrize("units", ["uV", "mV", "V"])
def test_units_of_the_file_are_respected(files, tmp_path, units):
    import_recording(
        tmp_path / "study", participant="7", recording=files.bdf(units=units), channels=files.map(NAMES)
    )
    assert imported(tmp_path / "study").signals_uv.std() == pytest.approx(8, rel=0.02)


def test_units_missing_from_the_file_come_from_the_map(files, tmp_path):
    path = files.bdf(units="", signals={name: values / 1000 for name, values in files.signals.items()})
    with pytest.raises(ValueError, match=r"does not say in which unit corrugator.*units"):
        import_recording(tmp_path / "study", participant="7", recording=path, channels=files.map(NAMES))
    muscles = "".join(f'[muscles.{name}]\nsource = "{name}"\nunits = "mV"\n' for name in files.signals)
    import_recording(tmp_path / "study", participant="7", recording=path, channels=files.map(muscles + NAMES))
    assert imported(tmp_path / "study").signals_uv.std() == pytest.approx(8, rel=0.02)


def test_gaps_of_a_stream_become_missing_trials(files, tmp_path):
    inside_trial_2 = int(files.onsets[1]) + 600
    path = files.xdf(gap=(inside_trial_2, 0.25))
    summary = import_recording(tmp_path / "study", participant="7", recording=path, channels=files.map(NAMES))
    assert "0.25 s of the recording are missing" in " ".join(summary["warnings"])
    made = imported(tmp_path / "study")
    assert np.isnan(made.signals_uv).sum() == 2 * 300
    _, exclusions = preprocess(made, recommended())
    assert exclusions.loc[exclusions["rule"] == "no_signal", "trial"].tolist() == [2, 2]
    videos = made.events[made.events["trial_type"] == "video"]
    assert videos["sample"].tolist() == [*files.onsets[:2], *(files.onsets[2:] + 300)]


def test_a_code_that_stood_on_the_line_before_the_recording_is_not_an_event(files, tmp_path):
    status = files.status
    status[:100] = 77
    study = tmp_path / "study"
    create_study(study, name="made", simulated=False)
    files.log(study, "7")
    import_recording(study, participant="7", recording=files.bdf(status=status))
    assert (imported(study).events["trial_type"] == "video").sum() == 6


def test_a_crashed_session_may_have_a_code_more_than_its_log(files, tmp_path):
    study = tmp_path / "study"
    create_study(study, name="made", simulated=False)
    files.log(study, "7", finished=False)
    import_recording(study, participant="7", recording=files.bdf())
    assert (imported(study).events["trial_type"] == "video").sum() == 6


def test_bits_above_the_mask_are_ignored(files, tmp_path):
    import_recording(
        tmp_path / "study",
        participant="7",
        recording=files.bdf(status=files.status + 0x1500),
        channels=files.map(NAMES),
    )
    assert len(imported(tmp_path / "study").events) == 6


def test_files_that_belong_together_are_kept_together(files, tmp_path):
    import_recording(
        tmp_path / "study", participant="7", recording=files.brainvision(), channels=files.map(NAMES)
    )
    kept = {path.name for path in (tmp_path / "study" / "sourcedata" / "sub-7").iterdir()}
    assert kept == {"made.vhdr", "made.eeg", "made.vmrk", "map.toml"}


def test_the_imported_study_is_valid_bids(files, tmp_path):
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("bids-validator-deno is not installed")
    study = tmp_path / "study"
    import_recording(study, participant="7", recording=files.xdf(gap=(30000, 0.2)), channels=files.map(NAMES))
    done = subprocess.run([validator, str(study)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "[ERROR]" not in done.stdout


def test_the_command_prints_a_summary(files, tmp_path):
    import json

    command = [sys.executable, "-m", "analysis.mimicry", "import", str(tmp_path / "study"), str(files.bdf())]
    root = Path(__file__).resolve().parents[3]
    channels = str(files.map(NAMES))
    done = subprocess.run(
        [*command, "--participant", "7", "--channels", channels, "--json"],
        capture_output=True, text=True, encoding="utf-8", cwd=root, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["events"] == {"video": 6}
    again = subprocess.run(
        [*command, "--participant", "7"],
        capture_output=True, text=True, encoding="utf-8", cwd=root, timeout=120, check=False,
    )  # fmt: skip
    assert again.returncode == 2 and "has a recording of participant 7" in again.stderr
    assert "Traceback" not in again.stderr
