"""The command that simulates studies of mice, and what it leaves on the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mouse_sessions import read_session, read_sessions
from experiments.mouse_face.simulated.study import StudySettings, simulate_study

SMALL = StudySettings(n_animals=2, minutes=0.8, repeats=1, fps=10, width_px=80, height_px=60, n_neurons=20)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    called = [sys.executable, "-m", "experiments.mouse_face", *map(str, arguments)]
    return subprocess.run(called, capture_output=True, text=True, cwd=Path(__file__).parents[3])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mice") / "study"
    made = command(
        "simulate", folder, "--animals", 2, "--minutes", 0.8, "--repeats", 1, "--fps", 10, "--width", 80,
        "--height", 60, "--neurons", 20, "--part", "emotions", "--part", "imaging", "--json",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    summary = json.loads(made.stdout.splitlines()[-1])
    assert summary["simulated"] is True
    assert len(summary["sessions"]) == 4
    return folder


def test_a_study_is_read_back(study: Path) -> None:
    sessions = read_sessions(study)
    assert [(s.animal, s.session) for s in sessions] == [
        ("m01", "emotions"), ("m01", "imaging"), ("m02", "emotions"), ("m02", "imaging"),
    ]  # fmt: skip
    for session in sessions:
        assert session.simulated
        assert session.metadata["description"].startswith("SIMULATED")
        (video,) = session.videos
        assert len(video.times_s) == 480
        assert (session.calcium is not None) == (session.session == "imaging")
    assert len(sessions[0].events) == 7
    assert sessions[0].events["value"].isna().sum() == 4  # neutral, lithium, escape, freezing
    assert set(sessions[0].delivered["event"]) >= {"valve", "shocker", "injection", "lick"}
    assert not sessions[0].events["onset"].equals(sessions[2].events["onset"])


def test_everything_that_is_simulated_says_so(study: Path) -> None:
    assert json.loads((study / "simulation.json").read_text(encoding="utf-8"))["simulated"] is True


def test_the_truth_is_beside_the_data_and_agrees_with_it(study: Path) -> None:
    truth = pd.read_csv(study / "truth" / "sub-m01_ses-emotions_expressions.tsv", sep="\t")
    events = read_sessions(study)[0].events
    evoked = truth.dropna(subset=["trial"]).set_index("trial")
    assert sorted(evoked.index) == sorted(events.loc[events["trial_type"] != "neutral", "trial"])
    assert (evoked["start_s"] > events.set_index("trial")["onset"].loc[evoked.index]).all()
    coding = pd.read_csv(study / "truth" / "sub-m01_ses-imaging_neurons.tsv", sep="\t")
    assert len(coding) == 20


def test_the_same_seed_gives_the_same_videos_and_tables(study: Path, tmp_path: Path) -> None:
    again = StudySettings(**{**SMALL.__dict__, "n_animals": 1})
    (path,) = simulate_study(tmp_path / "again", again, n_processes=1)
    first = study / "sub-m01" / "sub-m01_ses-emotions_face.mkv"
    assert first.read_bytes() == (path.parent / first.name).read_bytes()
    one, two = read_session(path), read_session(first.parent / path.name)
    pd.testing.assert_frame_equal(one.events, two.events)
    assert np.array_equal(one.videos[0].times_s, two.videos[0].times_s)


def test_an_interrupted_simulation_goes_on(tmp_path: Path) -> None:
    settings = StudySettings(**{**SMALL.__dict__, "minutes": 0.2, "parts": ("optogenetics",)})
    made = simulate_study(tmp_path / "study", settings, n_processes=1)
    first = next(made)
    made.close()
    before = first.stat().st_mtime_ns
    half = tmp_path / "study" / "sub-m02" / "sub-m02_ses-optogenetics_face.mkv"
    half.parent.mkdir()
    half.write_bytes(b"half a video")
    files = list(simulate_study(tmp_path / "study", settings, n_processes=1))
    assert [path.exists() for path in files] == [True, True]
    assert first.stat().st_mtime_ns == before
    assert half.stat().st_size > 1000


def test_other_settings_do_not_mix_with_a_study(study: Path) -> None:
    with pytest.raises(FileExistsError, match="other settings"):
        next(simulate_study(study, SMALL))


def test_wrong_input_is_told_in_one_line(tmp_path: Path) -> None:
    made = command("simulate", tmp_path / "new", "--minutes", 1)
    assert made.returncode == 2
    assert "21 trials do not fit into 1.0 min" in made.stderr
    assert "Traceback" not in made.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": ("joy",)}, "there is no part 'joy': expected emotions, graded"),
        ({"n_animals": 0}, "at least one animal"),
        ({"strength": float("nan")}, "a strength of 0 or more"),
    ],
)
def test_settings_that_make_no_study_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        next(simulate_study(tmp_path / "new", StudySettings(**{**SMALL.__dict__, **changes})))
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not touch", encoding="utf-8")
    with pytest.raises(FileExistsError, match="is not empty"):
        next(simulate_study(tmp_path, SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
