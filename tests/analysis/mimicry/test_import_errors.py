"""Broken recordings and wrong maps are refused with what is wrong and what to do, and nothing is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from analysis.datasets import read_recording, read_study
from analysis.emg import preprocess
from analysis.mimicry.import_recording import import_recording
from analysis.mimicry.parameters import recommended
from experiments.dataset.bids import add_participant, create_study

NAMES = "[events.codes]\nAngryToHappy = 11\nHappyToAngry = 12\n"
TEXT = """
[recording]
sampling_rate_hz = 1200
[text]
delimiter = "comma"
head_line = true
[muscles]
corrugator = { source = "corrugator", units = "uV" }
zygomaticus = { source = "zygomaticus", units = "uV" }
[events]
threshold = 2.5
[events.lines]
happy = "video"
"""


def refused(study: Path, recording: Path, channels: Path | None = None, *, match: str) -> str:
    """Import, expect to be refused, and make sure that nobody was added."""
    with pytest.raises(ValueError, match=match) as error:
        import_recording(study, participant="7", recording=recording, channels=channels)
    assert not (study / "sub-7").exists()
    assert not list(study.glob(".sub*"))
    return str(error.value)


def logged_study(files, path: Path, **log: object) -> Path:
    create_study(path, name="made", simulated=False)
    files.log(path, "7", **log)
    return path


@pytest.mark.parametrize("suffix", [".bdf", ".edf", ".vhdr", ".set", ".xdf", ".csv", ".csv.gz"])
def test_an_empty_file_is_called_empty_or_unreadable(files, tmp_path, suffix):
    path = files.folder / f"made{suffix}"
    path.write_bytes(gzip.compress(b"") if suffix.endswith(".gz") else b"")
    channels = files.map(TEXT) if "csv" in suffix else None
    message = refused(tmp_path / "study", path, channels, match="empty|cannot be read")
    assert path.name in message


@pytest.mark.parametrize("n_bytes", [100, 600, 50_000])
def test_a_truncated_bdf_is_called_truncated(files, tmp_path, n_bytes):
    path = files.bdf()
    path.write_bytes(path.read_bytes()[:n_bytes])
    message = refused(tmp_path / "study", path, match="empty|not a whole|truncated")
    assert "Copy it again" in message
    if n_bytes == 50_000:
        assert "promises 57 s, but the file holds 4 s" in message


def test_a_bdf_whose_recorder_was_never_stopped_is_as_long_as_it_is(files, tmp_path):
    path = files.bdf()
    content = bytearray(path.read_bytes())
    content[236:244] = b"-1      "
    path.write_bytes(content)
    summary = import_recording(tmp_path / "study", participant="7", recording=path, channels=files.map(NAMES))
    assert summary["duration_s"] == 57


def test_what_is_left_of_a_file_can_be_imported_on_request(files, tmp_path):
    path = files.bdf()
    path.write_bytes(path.read_bytes()[:-40_000])
    refused(tmp_path / "study", path, match="say incomplete = true")
    channels = files.map("[recording]\nincomplete = true\n" + NAMES)
    summary = import_recording(tmp_path / "study", participant="7", recording=path, channels=channels)
    assert summary["duration_s"] < 57 and summary["events"] == {"video": 6}


@pytest.mark.parametrize("part", [0.5, 0.9, 0.999])
def test_a_stream_without_an_end_is_called_truncated(files, tmp_path, part):
    path = files.xdf()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    refused(tmp_path / "study", path, files.map(NAMES), match="is truncated|cannot be read")


@pytest.mark.parametrize("suffix", [".bdf", ".edf", ".vhdr", ".set", ".xdf"])
def test_a_file_that_is_something_else_is_refused(files, tmp_path, suffix):
    path = files.folder / f"notes{suffix}"
    path.write_text("Dear diary, today we recorded nobody.\n" * 40, encoding="utf-8")
    refused(tmp_path / "study", path, match="cannot be read")


def test_a_brainvision_header_without_its_data_is_refused(files, tmp_path):
    path = files.brainvision()
    path.with_suffix(".eeg").unlink()
    refused(tmp_path / "study", path, match="all files that belong to it")


def test_formats_that_nobody_reads_are_named(files, tmp_path):
    path = files.folder / "made.mat"
    path.write_bytes(b"x")
    refused(tmp_path / "study", path, match=r"no reader knows \.mat; known are \.bdf")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no recording"):
        import_recording(tmp_path / "study", participant="7", recording=tmp_path / "absent.bdf")
    with pytest.raises(FileNotFoundError, match="there is no channel map"):
        import_recording(
            tmp_path / "study",
            participant="7",
            recording=tmp_path / "a.bdf",
            channels=tmp_path / "absent.toml",
        )


def test_a_missing_trigger_channel_is_answered_with_the_channels_there_are(files, tmp_path):
    path = files.bdf(status=None)
    refused(
        tmp_path / "study",
        path,
        files.map(NAMES),
        match="no trigger channel and no markers.*1 corrugator, 2 zyg",
    )
    named = files.map(NAMES + '[events]\nkind = "status"\n'.replace("[events]\n", ""))
    named.write_text('[events]\nkind = "status"\n' + NAMES, encoding="utf-8")
    refused(tmp_path / "study", path, named, match="expected one trigger channel, found none")
    named.write_text('[events]\nkind = "status"\nchannel = "Trig"\n' + NAMES, encoding="utf-8")
    refused(tmp_path / "study", path, named, match=r"no channel 'Trig' for the status channel.*1 corrugator")


def test_a_trigger_channel_without_triggers_is_refused(files, tmp_path):
    refused(tmp_path / "study", files.bdf(status=files.status * 0), match="no trigger at all.*cable")


def test_a_silent_trigger_line_is_shown_with_its_range(files, tmp_path):
    channels = files.map(TEXT.replace("2.5", "5.5"))
    refused(
        tmp_path / "study", files.text(), channels, match=r"'happy' \(video\).*0 to 4.8.*threshold of 5.5"
    )


def test_missing_columns_are_answered_with_the_columns_there_are(files, tmp_path):
    channels = files.map(TEXT.replace('happy = "video"', "happy = 9"))
    refused(
        tmp_path / "study", files.text(), channels, match="no channel 9 for the trigger line 'happy'.*3 video"
    )
    channels = files.map(TEXT.replace('source = "corrugator"', 'source = "EMG1"'))
    refused(
        tmp_path / "study", files.text(), channels, match="no channel 'EMG1' for corrugator.*1 corrugator"
    )


def test_names_that_say_nothing_are_listed(files, tmp_path):
    signals = dict(zip(["EMG1", "EMG2"], files.signals.values(), strict=True))
    refused(
        tmp_path / "study",
        files.bdf(signals=signals),
        match="which is which muscle.*1 EMG1, 2 EMG2, 3 Status",
    )


def test_codes_without_a_meaning_are_counted(files, tmp_path):
    message = refused(
        tmp_path / "study", files.bdf(), match="no log of this session .*the participant's id and --run right"
    )
    assert "6 x 1, 3 x 11, 3 x 12" in message


def jittered(files) -> None:
    files.onsets = files.onsets + np.array([0, 900, -400, 300, 1000, -700])


def test_a_trigger_that_was_lost_is_placed_by_the_clocks(files, tmp_path):
    jittered(files)
    study = logged_study(files, tmp_path / "study")
    status = files.status
    status[files.onsets[3] : files.onsets[3] + 12] = 0
    summary = import_recording(study, participant="7", recording=files.bdf(status=status))
    assert [repair["kind"] for repair in summary["repairs"]] == ["lost_code"]
    events = read_recording(read_study(study), "7").events.query("trial_type == 'video'")
    assert np.abs(events["sample"] - files.onsets).max() <= 1
    assert events["timing"].tolist() == ["trigger"] * 3 + ["clock"] + ["trigger"] * 2


@pytest.mark.parametrize(("first_s", "last_s"), [(0, 30), (25, 57), (6, 45)])
def test_a_part_of_a_session_finds_its_place(files, tmp_path, first_s, last_s):
    jittered(files)
    study = logged_study(files, tmp_path / "study")
    whole = import_recording(study, participant="7", recording=files.bdf())
    other = logged_study(files, tmp_path / "other")
    part = slice(first_s * 1200, last_s * 1200)
    cut = {name: signal[part] for name, signal in files.signals.items()}
    summary = import_recording(
        other, participant="7", recording=files.bdf(signals=cut, status=files.status[part])
    )
    n_found = summary["events"]["video"]
    assert 0 < n_found < 6 == whole["events"]["video"]
    assert summary["trials_not_recorded"] == 6 - n_found
    assert "not in the recording" in summary["warnings"][-1]
    kinds = {repair["kind"] for repair in summary["repairs"]}
    assert kinds == ({"late_start"} if first_s else set()) | ({"early_end"} if last_s < 57 else set())
    of_whole = read_recording(read_study(study), "7").events.query("trial_type == 'video'").set_index("trial")
    of_part = read_recording(read_study(other), "7").events.query("trial_type == 'video'").set_index("trial")
    shifted = of_part["sample"] + first_s * 1200
    assert (shifted == of_whole.loc[of_part.index, "sample"]).all()


@pytest.mark.parametrize("jitter", [True, False])
def test_a_part_that_could_be_several_is_refused(files, tmp_path, jitter):
    if jitter:
        jittered(files)
    study = logged_study(files, tmp_path / "study")
    part = slice(15 * 1200, (24 if jitter else 30) * 1200)
    cut = {name: signal[part] for name, signal in files.signals.items()}
    path = files.bdf(signals=cut, status=files.status[part])
    refused(study, path, match="do not agree")


def test_fewer_pulses_than_the_log_names_the_line(files, tmp_path):
    study = logged_study(files, tmp_path / "study")
    files.onsets = files.onsets[:-1]
    path = files.text()
    channels = files.map(
        TEXT.replace('happy = "video"', 'photodiode = { source = 3, stands_for = ["video"] }')
    )
    message = refused(study, path, channels, match="session logged 6, the recording has 5")
    assert "1 = line 'photodiode'" in message


def test_a_line_that_the_log_does_not_know_is_refused(files, tmp_path):
    study = logged_study(files, tmp_path / "study")
    refused(
        study, files.text(), files.map(TEXT), match="no event for the trigger line happy.*stands_for.*video"
    )


def test_fewer_pulses_than_the_map_expects_are_refused(files, tmp_path):
    channels = files.map(TEXT + "[events.expected]\nhappy = 8\n")
    refused(tmp_path / "study", files.text(), channels, match="expected 8 of the event 'happy' and found 6")
    channels = files.map(TEXT + "[events.expected]\nhapy = 6\n")
    refused(tmp_path / "study", files.text(), channels, match="counts hapy")


def test_a_code_that_never_comes_is_refused(files, tmp_path):
    channels = files.map(NAMES + "NeutralToHappy = 13\n")
    refused(
        tmp_path / "study",
        files.bdf(),
        channels,
        match="at least one of the event 'NeutralToHappy' and found 0",
    )


@pytest.mark.parametrize("stretch", [0.98, 1.02])
def test_a_sampling_rate_that_the_log_contradicts_is_refused(files, tmp_path, stretch):
    study = logged_study(files, tmp_path / "study", stretch=stretch)
    message = refused(study, files.bdf(), match="the file says 1200 Hz")
    assert f"{1200 / stretch:.1f}"[:4] in message


def test_a_recording_of_another_session_is_refused_by_its_timing(files, tmp_path):
    study = logged_study(files, tmp_path / "study")
    jittered(files)
    message = refused(study, files.bdf(), match="recorded at other times.*same order of trials")
    assert "+0.750 s" in message
    assert "-0.333 s" in message


def test_the_recording_of_another_participant_is_refused_and_named(files, tmp_path):
    study = logged_study(files, tmp_path / "study")
    jittered(files)
    files.directions = files.directions[::-1]
    files.log(study, "8")
    message = refused(study, files.bdf(), match="do not agree")
    assert message.endswith("It fits the session of participant 8: 20 codes. Was the wrong file taken?")


def test_a_second_run_is_imported_beside_the_first(files, tmp_path):
    study = logged_study(files, tmp_path / "study")
    import_recording(study, participant="7", recording=files.bdf("first.bdf"))
    jittered(files)
    files.log(study, "7/run-2")
    import_recording(study, participant="7", recording=files.bdf("second.bdf"), run=2)
    names = {path.name for path in (study / "sub-7" / "emg").glob("*_emg.bdf")}
    assert names == {"sub-7_task-mimicry_emg.bdf", "sub-7_task-mimicry_run-02_emg.bdf"}
    assert (study / "sourcedata" / "sub-7" / "run-2" / "second.bdf").is_file()
    with pytest.raises(FileExistsError, match="has a recording of participant 7"):
        import_recording(study, participant="7", recording=files.bdf("second.bdf"), run=2)


def test_a_declared_rate_that_the_file_contradicts_is_refused(files, tmp_path):
    channels = files.map("[recording]\nsampling_rate_hz = 1000\n" + NAMES)
    refused(tmp_path / "study", files.bdf(), channels, match="declared to have 1000.*file itself says 1200")


def test_a_declared_rate_that_the_time_column_contradicts_is_refused(files, tmp_path):
    times_ms = np.arange(len(files.signals["corrugator"])) / 1.2
    path = files.text(columns={"time": times_ms})
    layout = TEXT.replace("head_line = true", 'head_line = true\ntime_column = "time"\ntime_units = "ms"')
    channels = files.map(layout.replace("sampling_rate_hz = 1200", "sampling_rate_hz = 1000"))
    refused(tmp_path / "study", path, channels, match="declared to have 1000.*its time column says 1200")
    channels = files.map(layout.replace("sampling_rate_hz = 1200", ""))
    assert (
        import_recording(tmp_path / "study", participant="7", recording=path, channels=channels)["fs_hz"]
        == 1200
    )


def test_text_without_any_sampling_rate_is_refused(files, tmp_path):
    channels = files.map(TEXT.replace("sampling_rate_hz = 1200", ""))
    refused(tmp_path / "study", files.text(), channels, match="how fast it was sampled.*sampling_rate_hz")


def test_a_stream_with_another_rate_than_it_declares_is_refused(files, tmp_path):
    path = files.xdf(declared_hz=1000)
    refused(tmp_path / "study", path, files.map(NAMES), match="time stamps of its samples say 1200")


def test_a_stream_whose_clock_was_set_is_refused(files, tmp_path):
    refused(tmp_path / "study", files.xdf(gap=(30000, -90.0)), files.map(NAMES), match="clock was set")


def test_text_where_numbers_should_be_is_shown_with_its_place(files, tmp_path):
    path = files.text()
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[40] = lines[40].replace(lines[40].split(",")[1], "overload")
    path.write_text("\n".join(lines), encoding="utf-8")
    refused(tmp_path / "study", path, files.map(TEXT), match="line 41, column 2: 'overload' is no number")


def test_the_wrong_delimiter_is_refused(files, tmp_path):
    channels = files.map(TEXT.replace('"comma"', '"tab"'))
    refused(tmp_path / "study", files.text(), channels, match="is no number|no channel")


@pytest.mark.parametrize("value", [0.0, -12.5])
def test_a_flat_channel_is_refused_unless_it_is_allowed(files, tmp_path, value):
    files.signals["zygomaticus"] = np.full_like(files.signals["zygomaticus"], value)
    path = files.bdf()
    refused(
        tmp_path / "study",
        path,
        files.map(NAMES),
        match="zygomaticus: the channel never changes.*--allow-flat",
    )
    summary = import_recording(
        tmp_path / "study",
        participant="7",
        recording=path,
        channels=files.map(NAMES),
        allow_flat=["zygomaticus"],
    )
    assert "zygomaticus has no signal" in summary["warnings"][0]
    made = read_recording(read_study(tmp_path / "study"), "7")
    with pytest.warns(UserWarning, match="zygomaticus: none of the 6 trials"):
        windows, _ = preprocess(made, recommended())
    assert set(windows["muscle"]) == {"corrugator"}


def test_a_recording_that_lost_both_muscles_is_kept_on_request(files, tmp_path):
    files.signals = {name: np.zeros_like(signal) for name, signal in files.signals.items()}
    summary = import_recording(
        tmp_path / "study",
        participant="7",
        recording=files.bdf(),
        channels=files.map(NAMES),
        allow_flat=["corrugator", "zygomaticus"],
    )
    assert [warning.split()[0] for warning in summary["warnings"]] == ["corrugator", "zygomaticus"]


def test_missing_values_in_text_become_missing_trials(files, tmp_path):
    files.signals["corrugator"][files.onsets[2] + 50 : files.onsets[2] + 60] = np.nan
    path = files.text()
    summary = import_recording(tmp_path / "study", participant="7", recording=path, channels=files.map(TEXT))
    assert "0.00833 s of the recording are missing" in summary["warnings"][0]
    made = read_recording(read_study(tmp_path / "study"), "7")
    _, exclusions = preprocess(made, recommended())
    assert exclusions.loc[exclusions["rule"] == "no_signal", "trial"].unique().tolist() == [3]


def test_nothing_but_missing_values_is_a_flat_channel(files, tmp_path):
    files.signals["corrugator"][:] = np.nan
    refused(tmp_path / "study", files.text(), files.map(TEXT), match="corrugator: the channel never changes")


def test_missing_values_on_a_trigger_line_are_refused(files, tmp_path):
    line = np.zeros(len(files.signals["corrugator"]))
    line[30:40] = np.nan
    channels = files.map(TEXT.replace('"video"', '"gate"'))
    refused(tmp_path / "study", files.text(columns={"gate": line}), channels, match="10 missing values")


def test_a_wrong_unit_is_pointed_out_with_the_number(files, tmp_path):
    channels = files.map(TEXT.replace('"zygomaticus", units = "uV"', '"zygomaticus", units = "mV"'))
    summary = import_recording(tmp_path / "study", participant="7", recording=files.text(), channels=channels)
    assert len(summary["warnings"]) == 1
    assert "zygomaticus: a typical second has an SD of 8e+03 uV" in summary["warnings"][0]


def test_units_that_contradict_the_file_are_refused(files, tmp_path):
    muscles = '[muscles]\ncorrugator = { source = "corrugator", units = "mV" }\n'
    refused(
        tmp_path / "study",
        files.bdf(),
        files.map(muscles + NAMES),
        match="is in mV, but made.bdf itself says uV",
    )
    channels = files.map(TEXT.replace('"uV"', '"umho"'))
    refused(tmp_path / "study", files.text(), channels, match="'umho' is not a unit of voltage")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[muscle]\nx = 1\n", "muscle, which means nothing; known are recording, muscles"),
        ("[recording]\nsampling_rate = 100\n", r"\[recording\] has sampling_rate"),
        ("[recording]\nsampling_rate_hz = -5\n", "must be a number above 0"),
        ('[muscles]\nx = { source = ["a", "b", "c"] }\n', "a channel or two"),
        ('[muscles]\nx = { source = 1, signal = "smooth" }\n', "one of raw, rectified"),
        ("[events.lines]\nhappy = 3\n", "need .* a threshold"),
        ('[events]\nkind = "photodiode"\n', "one of lines, status, markers"),
        ("[events.lines.happy]\nstands_for = ['x']\n[events]\nthreshold = 1\n", "needs a channel"),
        ("not toml at all", "cannot be used"),
        ("muscles = 3\n", r"\[muscles\] must be a table of name = value, got 3"),
        ("metadata = ['x']\n", r"\[metadata\] must be a table"),
        ("[events]\ncodes = 11\n", r"\[events.codes\] must be a table"),
        ("[events]\nlines = 'x'\n", r"\[events.lines\] must be a table"),
    ],
)
def test_a_map_with_a_mistake_is_refused(files, tmp_path, text, match):
    message = refused(tmp_path / "study", files.bdf(), files.map(text), match=match)
    assert "map.toml" in message


def test_a_recording_is_never_overwritten(files, tmp_path):
    path, channels = files.bdf(), files.map(NAMES)
    import_recording(tmp_path / "study", participant="7", recording=path, channels=channels)
    before = {file: file.read_bytes() for file in (tmp_path / "study").rglob("*") if file.is_file()}
    with pytest.raises(FileExistsError, match="participant 7"):
        import_recording(tmp_path / "study", participant="7", recording=path, channels=channels)
    assert before == {file: file.read_bytes() for file in (tmp_path / "study").rglob("*") if file.is_file()}


def test_a_folder_with_other_things_in_it_is_no_study(files, tmp_path):
    folder = tmp_path / "holidays"
    folder.mkdir()
    (folder / "beach.txt").write_text("sun", encoding="utf-8")
    refused(folder, files.bdf(), files.map(NAMES), match="not a study")


def test_a_participant_who_is_listed_keeps_the_group(files, tmp_path):
    study = tmp_path / "study"
    create_study(study, name="made", simulated=False)
    add_participant(study, "7", group="B")
    summary = import_recording(
        study, participant="7", recording=files.bdf(), channels=files.map(NAMES), group="A"
    )
    assert read_recording(read_study(study), "7").group == "B"
    assert "with the group B, and keeps it" in summary["warnings"][-1]


def test_an_id_that_bids_does_not_allow_is_refused(files, tmp_path):
    with pytest.raises(ValueError, match="letters and digits"):
        import_recording(tmp_path / "study", participant="7/8", recording=files.bdf())
