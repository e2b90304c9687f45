import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stimuli.__main__ import main
from stimuli.landmark_files import read_landmark_file
from stimuli.manifest import read_manifest
from stimuli.pairs import read_pairs

SMALL = ["--seconds", "0.2", "--width", "300", "--height", "400", "--workers", "1"]


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command as the command line does; return its exit status."""
    monkeypatch.setattr(sys, "argv", ["stimuli", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    return int(exit_.value.code or 0)


@pytest.fixture
def one_pair(london_pairs: Path) -> Path:
    lines = london_pairs.read_text(encoding="utf-8").splitlines()
    london_pairs.write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    return london_pairs


def test_from_photographs_to_a_checked_set(
    one_pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["landmarks", str(one_pair), "--json"], monkeypatch) == 0
    written = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["pairs"])
    assert written == tmp_path / "pairs_landmarks" / "pairs.tsv"
    assert (written.parent / "landmarks.png").is_file()
    (pair,) = read_pairs(written).pairs
    assert pair.landmark_files[0] is not None
    assert read_landmark_file(pair.landmark_files[0]).points_px.shape == (478, 2)

    assert run(["morph", str(written), str(tmp_path / "set"), *SMALL, "--json"], monkeypatch) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["videos"] == 2
    assert {row.n_frames for row in read_manifest(tmp_path / "set")} == {5}

    assert run(["check", str(tmp_path / "set"), "--json"], monkeypatch) == 0
    checked = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (checked["videos"], checked["problems"]) == (2, [])
    assert Path(checked["report"]) == tmp_path / "set" / "quality.html"
    read_manifest(tmp_path / "set")[0].path.write_bytes(b"")
    assert run(["check", str(tmp_path / "set")], monkeypatch) == 1
    assert "other SHA-256" in capsys.readouterr().err


def test_a_bad_pair_ends_a_morph_with_a_failure_that_names_it(
    one_pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    header, row = one_pair.read_text(encoding="utf-8").splitlines()
    header = header.replace("neutral\thappy", "happy\tneutral")
    one_pair.write_text(f"{header}\n{row}\n", encoding="utf-8")
    assert run(["morph", str(one_pair), str(tmp_path / "set"), *SMALL, "--json"], monkeypatch) == 1
    captured = capsys.readouterr()
    assert "id025_HappyToNeutral: Expressions are what they claim" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["gates_failed"] == ["ends"]
    assert (tmp_path / "set" / "quality.html").is_file()
    assert run(["morph", str(one_pair), str(tmp_path / "set"), *SMALL, "--no-report"], monkeypatch) == 0


def test_landmarks_corrected_by_hand_are_never_overwritten(
    one_pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["landmarks", str(one_pair)], monkeypatch) == 0
    assert run(["landmarks", str(one_pair)], monkeypatch) == 2
    assert "corrected by hand" in capsys.readouterr().err
    capsys.readouterr()
    assert run(["landmarks", str(one_pair), "--out", str(tmp_path / "an other")], monkeypatch) == 0
    assert f'morph "{tmp_path / "an other" / "pairs.tsv"}" FOLDER' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--width", "301"], "both must be even"),
        (["--seconds", "-1"], "duration_s is -1.0; expected a positive number"),
        (["--seconds", "0.04"], "has no two frames"),
        (["--eye-distance", "2"], "eye_distance is 2.0; expected a number from 0.05 to 0.6"),
        (["--background", "no colour"], "expected a colour as in HTML, such as #808080"),
        (["--fps", "1e9"], "expected a positive number below 100 000"),
        (["--mask", "oval"], "'oval' is not"),
        (["--flow-passes", "-1"], "flow_passes is -1"),
    ],
)
def test_impossible_options_end_with_a_message(
    one_pair: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert run(["morph", str(one_pair), str(tmp_path / "set"), *options], monkeypatch) == 2
    captured = capsys.readouterr().err
    assert message in captured
    assert "Traceback" not in captured
    assert not (tmp_path / "set").exists()


def test_wrong_input_ends_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["morph", str(tmp_path / "none.tsv"), str(tmp_path / "set")], monkeypatch) == 2
    assert "table of pairs not found" in capsys.readouterr().err
    assert run(["check", str(tmp_path)], monkeypatch) == 2
    assert "no stimulus set" in capsys.readouterr().err
    Image.fromarray(np.zeros((99, 99, 3), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((99, 99, 3), np.uint8)).save(tmp_path / "b.png")
    (tmp_path / "pairs.tsv").write_text("identity\tsex\th\ta\nx\tmale\ta.png\tb.png\n", encoding="utf-8")
    assert run(["landmarks", str(tmp_path / "pairs.tsv")], monkeypatch) == 2
    assert "no face found in a.png" in capsys.readouterr().err
    assert not (tmp_path / "pairs_landmarks").exists()


@pytest.mark.parametrize("command", ["faces", "morph", "landmarks"])
def test_a_folder_that_cannot_be_written_is_a_failure_without_a_traceback(
    one_pair: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    impossible = str(tmp_path / ("x" * 300))
    arguments = {
        "faces": ["faces", impossible, "--identities", "1"],
        "morph": ["morph", str(one_pair), impossible, *SMALL],
        "landmarks": ["landmarks", str(one_pair), "--out", impossible],
    }
    assert run(arguments[command], monkeypatch) == 1
    assert "name a place where you may write" in capsys.readouterr().err


def test_every_command_has_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("faces", "landmarks", "morph", "levels", "average", "check"):
        assert run([command, "--help"], monkeypatch) == 0
        assert "--json" in capsys.readouterr().out


def test_levels_continua_and_averages(
    london_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--width", "300", "--height", "400"]
    assert run(["average", str(london_pairs), str(tmp_path / "mean"), *size, "--json"], monkeypatch) == 0
    averages = json.loads(capsys.readouterr().out.splitlines()[-1])["pairs"]
    assert averages == str(tmp_path / "mean" / "pairs.tsv")
    options = [*size, "--steps", "3", "--background", "alpha", "--workers", "1", "--json"]
    assert run(["levels", averages, str(tmp_path / "levels"), *options], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pictures"] == 3
    with Image.open(tmp_path / "levels" / "average_neutral_happy_050.png") as picture:
        assert picture.mode == "RGBA"
    assert run(["levels", averages, str(tmp_path / "other"), "--levels", "a,b"], monkeypatch) == 2
    assert "expected per cents separated by commas" in capsys.readouterr().err


def test_a_plan_and_other_expressions_at_the_command_line(
    one_pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.tsv"
    plan.write_text("identity\tdirection\tend\nid025\tHappyToNeutral\t50\n", encoding="utf-8")
    options = [*SMALL, "--plan", str(plan), "--course", "smooth", "--mask", "contour", "--small"]
    assert run(["morph", str(one_pair), str(tmp_path / "set"), *options], monkeypatch) == 0
    (row,) = read_manifest(tmp_path / "set")
    assert row.video == "id025_HappyToNeutral_0-50"
    assert (tmp_path / "set/videos/id025_HappyToNeutral_0-50_small.mp4").is_file()
    capsys.readouterr()
    for wrong, message in (
        (["--from", "happy"], "give both --from and --to"),
        (["--from", "sad", "--to", "happy"], "no photographs of sad"),
        (["--plan", str(plan), "--from", "happy", "--to", "neutral"], "leave out either one"),
        (["--plan", str(tmp_path / "none.tsv")], "plan not found"),
    ):
        assert run(["morph", str(one_pair), str(tmp_path / "new"), *wrong], monkeypatch) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
