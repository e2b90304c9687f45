"""The command, from a study on disk to its report, and what it answers to wrong input."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from analysis.mimicry.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
MakeStudy = Callable[..., Path]


@dataclass
class Done:
    """What a run of the command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(*words: object, quick: bool = True) -> Done:
    """Run the command in this process, which is quicker than to start one each time."""
    if quick and words and words[0] != "import" and "--help" not in words:
        words = (*words, "--quick")
    out, err, code = io.StringIO(), io.StringIO(), 0
    to_strings = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err))
    with to_strings[0], to_strings[1], pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["analysis.mimicry", *map(str, words)])
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def analysed(grouped_study: Path) -> tuple[Path, Done]:
    done = run(grouped_study, "--json")
    assert done.returncode == 0, done.stderr
    return grouped_study / "derivatives" / "countenance" / "mimicry-recommended", done


Analysed = tuple[Path, Done]


def test_it_writes_the_report_and_prints_where_it_is(analysed: Analysed) -> None:
    folder, done = analysed
    lines = done.stdout.splitlines()
    assert lines[-2] == f"report: {(folder / 'report.html').resolve()}"
    summary = json.loads(lines[-1])
    assert Path(summary["report"]).is_file()
    assert summary["preset"] == "recommended"
    assert summary["parameters"]["bandpass_hz"] == [20.0, 400.0]
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *summary["files"],
        "results.json",
    }


def test_the_summary_has_the_simulated_mimicry(analysed: Analysed) -> None:
    summary = json.loads(analysed[1].stdout.splitlines()[-1])
    slopes = {
        (muscle, row["emotion"]): row["slope"]
        for muscle in ("zygomaticus", "corrugator")
        for row in summary["emg"][muscle]["slopes"]
        if row["group"] == "all"
    }
    assert slopes["zygomaticus", "AngryToHappy"] > 0 > slopes["zygomaticus", "HappyToAngry"]
    assert slopes["corrugator", "HappyToAngry"] > slopes["corrugator", "AngryToHappy"]
    assert "group" in summary["emg"]["zygomaticus"]["anova"]


def test_tables_agree_with_the_summary_and_are_described(analysed: Analysed) -> None:
    folder, done = analysed
    summary = json.loads(done.stdout.splitlines()[-1])
    table = pd.read_csv(folder / "tables" / "anova_zygomaticus.tsv", sep="\t").set_index("term")
    expected = summary["emg"]["zygomaticus"]["anova"]["emotion:time"]
    assert table.loc["emotion:time", "F"] == pytest.approx(expected["F"])
    for file in (folder / "tables").glob("*.tsv"):
        words = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        columns = pd.read_csv(file, sep="\t", nrows=0).columns
        assert all(words[column]["Description"] for column in columns), file.name
        assert words["simulated"] is True


def test_tables_hold_codes_and_the_page_words(analysed: Analysed) -> None:
    folder, _ = analysed
    codes = {"muscle": {"corrugator", "zygomaticus", "all"}, "emotion": {"AngryToHappy", "HappyToAngry"}}
    for file in (folder / "tables").glob("*.tsv"):
        text = file.read_text(encoding="utf-8")
        if file.stem == "conclusions":
            assert "Corrugator supercilii: was there mimicry?" in text
            continue
        assert "Corrugator" not in text, file.name
        assert "−" not in text or file.stem in ("sample", "parameters"), file.name
        table = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
        assert not (table == "").any(axis=None), file.name
        for column in set(codes) & set(table):
            assert set(table[column]) <= codes[column], file.name
            words = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            assert set(words[column]["Levels"]) >= set(table[column]), file.name
    page = (folder / "report.html").read_text(encoding="utf-8")
    for shown in ("Angry to happy", "Corrugator supercilii", "emotion × time", "mean of the baseline"):
        assert f">{shown}</td>" in page, shown
    assert ">corrugator</td>" not in page


def test_the_page_says_what_bold_means_and_what_the_rejection_costs(analysed: Analysed) -> None:
    page = (analysed[0] / "report.html").read_text(encoding="utf-8")
    for table in page.split('<div class="tablebox')[1:]:
        assert ('<tr class="bold">' in table) == ("Bold: <i>p</i> &lt; 0.05." in table)
    assert "made the slopes of time 5 to 6 % smaller" in page
    assert "not corrected for the number of tests" in page
    assert "(all muscles together) did" in page


def test_the_exclusions_add_up(analysed: Analysed) -> None:
    folder, done = analysed
    summary = json.loads(done.stdout.splitlines()[-1])["emg_exclusions"]
    table = pd.read_csv(folder / "tables" / "exclusions.tsv", sep="\t")
    assert summary["n_trials"] == table["n_trials"].sum() == 6 * 16 * 2
    assert summary["n_excluded"] == table["n_excluded"].sum()


def test_the_trials_behind_the_models_are_written(analysed: Analysed) -> None:
    folder, done = analysed
    summary = json.loads(done.stdout.splitlines()[-1])
    windows = pd.read_csv(folder / "tables" / "emg_windows.tsv", sep="\t")
    n_corrugator = (windows["muscle"] == "corrugator").sum()
    assert summary["emg"]["corrugator"]["n_observations"] == n_corrugator
    means = windows.groupby(["muscle", "emotion", "group", "window", "participant"])["emg"].mean()
    cell = means.groupby(["muscle", "emotion", "group", "window"]).mean()
    first = summary["emg_means"][0]
    assert cell[first["muscle"], first["emotion"], first["group"], 1] == pytest.approx(first["mean"])


def test_the_same_study_gives_the_same_tables_and_figures(analysed: Analysed, tmp_path: Path) -> None:
    study = analysed[0].parents[2]
    done = run(study, "--out", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    for kind in ("tables", "figures"):
        for file in (analysed[0] / kind).iterdir():
            assert (tmp_path / "again" / kind / file.name).read_bytes() == file.read_bytes(), file.name


def test_another_analysis_or_other_files_are_never_overwritten(analysed: Analysed, tmp_path: Path) -> None:
    folder, _ = analysed
    study = folder.parents[2]
    done = run(study, "--preset", "paper", "--out", folder)
    assert done.returncode == 2
    assert "results of another analysis (preset: 'recommended')" in done.stderr
    (tmp_path / "thesis.docx").write_text("mine", encoding="utf-8")
    done = run(study, "--out", tmp_path)
    assert done.returncode == 2
    assert "other files in it" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_unblinding_names_the_groups_in_a_folder_of_its_own(make: MakeStudy, tmp_path: Path) -> None:
    study = make(n_participants=6, n_trials=16, groups="AB", emg=False)
    key = tmp_path / "key.tsv"
    key.write_text("code\tgroup\nA\tplacebo\nB\tnaltrexone\n", encoding="utf-8")
    folder = study / "derivatives" / "countenance" / "mimicry-paper"
    for words, shown, hidden in (
        ([], "A (n = 3), B (n = 3); blind codes", "naltrexone"),
        (["--unblind", key], "unblinded: A = placebo, B = naltrexone", "blind codes"),
    ):
        done = run(study, "--preset", "paper", *words)
        assert done.returncode == 0, done.stderr
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert shown in page
        assert hidden not in page
        assert "z-scores" in page
        folder = folder.with_name("mimicry-paper-unblinded")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("code\tgroup\nA\tplacebo\n", "does not name these groups of the study: B, C"),
        ("code\nA\n", "needs two columns"),
        ("group\tdrug\nA\tx\nB\ty\nD\tz\n", "does not name these groups of the study: C"),
        ("code\tgroup\nA\tx\nB\tx\nC\ty\n", "each group once"),
    ],
)
def test_a_wrong_key_is_refused(grouped_study: Path, tmp_path: Path, key: str, message: str) -> None:
    (tmp_path / "key.tsv").write_text(key, encoding="utf-8")
    done = run(grouped_study, "--unblind", tmp_path / "key.tsv")
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/no/such/study"], "there is no folder"),
        ([ROOT / "docs"], "not a complete study"),
        (["study", "--preset", "best"], "best"),
        ([], "Usage"),
        (["import", "/no/study"], "Missing"),
        (["import", "study", "no.bdf", "--participant", "1"], "no.bdf"),
    ],
)
def test_wrong_input_is_answered_without_a_traceback(words: list[object], message: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "expected"), [(["--help"], "--unblind"), (["import", "--help"], "--channels")]
)
def test_help_of_both_forms(words: list[str], expected: str) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert expected in done.stdout


def test_behaviour_alone_is_analysed_and_said(make: MakeStudy) -> None:
    study = make(n_participants=6, n_trials=16, groups="AB", emg=False)
    done = run(study, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert "The study has no EMG: only the response times are analysed." in summary["warnings"]
    assert summary["response_times"]["s"]["fitted"]
    assert summary["emg"] == {}


def test_measured_data_without_behaviour_groups_or_second_participant(make: MakeStudy) -> None:
    study = make(n_participants=1, n_trials=12, behaviour=False, simulated=False)
    done = run(study, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["emg"]["zygomaticus"] == {
        "fitted": False,
        "reason": "a mixed model needs at least 2 participants with data, here is 1",
    }
    page = Path(summary["report"]).read_text(encoding="utf-8")
    assert "SIMULATED" not in page
    assert "simulated-badge" not in page
    assert "No person was measured" not in page
    assert "no mixed model was fitted" in page
    done = run(study, "--preset", "paper")
    assert done.returncode == 0, done.stderr
    assert "z-scores" not in done.stderr


def test_a_participant_whose_trials_are_all_rejected_is_named_and_counted(make: MakeStudy) -> None:
    study = make(n_participants=2, n_trials=12, silent=["002"])
    done = run(study, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert any("002" in text and "12" in text for text in summary["warnings"])
    table = pd.read_csv(study / "derivatives/countenance/mimicry-recommended/tables/exclusions.tsv", sep="\t")
    assert table.loc[table["participant"] == 2, "n_excluded"].tolist() == [12, 12]


def test_participants_without_a_kept_trial_are_not_counted_as_usable(make: MakeStudy) -> None:
    study = make(n_participants=4, n_trials=12, groups="AB", silent=["003"])
    done = run(study)
    assert done.returncode == 0, done.stderr
    page = (study / "derivatives/countenance/mimicry-recommended/report.html").read_text(encoding="utf-8")
    assert "4, 3 with usable EMG" in page
    figure_1 = page[page.index("<b>Figure 1.</b>") :].partition("</figcaption>")[0]
    assert "A (<i>n</i> = 1), B (<i>n</i> = 2); blind codes" in figure_1
    figure_3 = page[page.index("<b>Figure 3.</b>") :].partition("</figcaption>")[0]
    assert "A (<i>n</i> = 2), B (<i>n</i> = 2); blind codes" in figure_3


def test_one_group_is_reported_without_tests(make: MakeStudy) -> None:
    done = run(make(n_participants=2, n_trials=12, groups="A"), "--json")
    assert done.returncode == 0, done.stderr
    assert not json.loads(done.stdout.splitlines()[-1])["emg_exclusions"]["tests"][0]["F"]


def test_trials_that_the_emg_lacks_are_said(make: MakeStudy) -> None:
    study = make(n_participants=2, n_trials=12)
    events = next(study.glob("sub-001/emg/*_events.tsv"))
    lines = events.read_text(encoding="utf-8").splitlines(keepends=True)
    events.write_text("".join(lines[:-4]), encoding="utf-8")
    done = run(study)
    assert done.returncode == 0, done.stderr
    assert "Participant 001: the EMG has 8 trials, the behavioural data have 12." in done.stderr
    assert "Participant 002: the EMG has" not in done.stderr


def test_the_same_doubt_about_many_participants_is_one_warning(make: MakeStudy) -> None:
    study = make(n_participants=3, n_trials=6)
    for sidecar in study.glob("sub-*/emg/*_emg.json"):
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        sidecar.write_text(json.dumps({**content, "PowerLineFrequency": 60}), encoding="utf-8")
    done = run(study)
    assert done.returncode == 0, done.stderr
    about_mains = [line for line in done.stderr.splitlines() if "mains of 60 Hz" in line]
    assert len(about_mains) == 1
    assert "3 participants (001, 002, 003)" in about_mains[0]
    assert "--mains-hz 60" in about_mains[0]


def test_a_low_sampling_rate_is_answered_with_an_option_that_helps(make: MakeStudy) -> None:
    study = make(n_participants=2, n_trials=6, fs_hz=500)
    done = run(study)
    assert done.returncode == 2
    assert "sampling rate of 500 Hz is too low" in done.stderr
    assert "--bandpass-hz" in done.stderr
    done = run(study, "--bandpass-hz", 20, 200)
    assert done.returncode == 0, done.stderr
    page = (study / "derivatives/countenance/mimicry-recommended/report.html").read_text(encoding="utf-8")
    assert "band-pass of 20 to 200 Hz" in page
    assert "Changed from the preset recommended: bandpass_hz." in page
    done = run(study, "--bandpass-hz", 200, 20)
    assert done.returncode == 2
    assert "two rising frequencies" in done.stderr


def test_results_that_cannot_be_written_are_a_failure_without_a_traceback(
    grouped_study: Path, tmp_path: Path
) -> None:
    done = run(grouped_study, "--out", tmp_path / ("x" * 300))
    assert done.returncode == 1
    assert "name a place where you may write" in done.stderr


def test_when_nothing_is_left_it_says_why(make: MakeStudy) -> None:
    done = run(make(n_participants=2, n_trials=6, silent=["001", "002"]))
    assert done.returncode == 2
    assert "every EMG trial of all 2 participants was excluded (no signal: 24)" in done.stderr


def test_an_unusable_recording_is_left_out_and_named_unless_all_are(make: MakeStudy) -> None:
    study = make(n_participants=2, n_trials=12)
    broken = sorted(study.glob("sub-00[12]/emg/*.bdf"))
    broken[0].write_bytes(broken[0].read_bytes()[:5000])
    done = run(study, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert list(summary["unusable_recordings"]) == ["001"]
    assert any("participant 001 was left out" in text for text in summary["warnings"])
    broken[0].unlink()
    done = run(study)
    assert done.returncode == 0, done.stderr
    assert "participant 001 was left out" in done.stderr and "expected a .bdf" in done.stderr
    for path in study.glob("sub-*/emg/*.bdf"):
        path.write_bytes(b"")
    done = run(study)
    assert done.returncode == 2
    assert "none of the 2 EMG recordings can be used" in done.stderr
