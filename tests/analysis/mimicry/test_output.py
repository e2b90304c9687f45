"""Results go where they may go, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.mimicry.output import GENERATOR, check_folder, write_results

ANALYSIS = {"study": "Pilot", "preset": "paper"}


def writer(*names: str, text: str = "new"):  # type: ignore[no-untyped-def]
    def write(folder: Path) -> Sequence[Path]:
        files = [folder / name for name in names]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return files

    return write


def earlier(folder: Path) -> None:
    summary = {"generated_by": GENERATOR, **ANALYSIS}
    write_results(folder, writer("report.html", "tables/old.tsv", text="old"), summary)


def test_a_new_or_empty_folder_is_free(tmp_path: Path) -> None:
    check_folder(tmp_path, analysis=ANALYSIS)
    check_folder(tmp_path / "not" / "there", analysis=ANALYSIS)


def test_an_earlier_result_of_the_same_analysis_is_renewed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    earlier(folder)
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    check_folder(folder, analysis=ANALYSIS)
    summary = write_results(
        folder, writer("report.html", "tables/new.tsv"), {"generated_by": GENERATOR, **ANALYSIS}
    )
    assert summary["files"] == ["report.html", "tables/new.tsv"]
    assert (folder / "report.html").read_text(encoding="utf-8") == "new"
    assert not (folder / "tables" / "old.tsv").exists()
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("changed", [{"study": "Other"}, {"preset": "recommended"}])
def test_another_analysis_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    earlier(tmp_path / "out")
    with pytest.raises(FileExistsError, match="another analysis"):
        check_folder(tmp_path / "out", analysis=ANALYSIS | changed)


@pytest.mark.parametrize("content", ["not json", "[]", json.dumps({"files": []})])
def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(FileExistsError, match="no result of this analysis"):
        check_folder(tmp_path, analysis=ANALYSIS)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotADirectoryError):
        check_folder(tmp_path / "file", analysis=ANALYSIS)


def test_a_failure_while_writing_leaves_the_earlier_result(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    earlier(folder)

    def fail(fresh: Path) -> Sequence[Path]:
        (fresh / "report.html").write_text("half", encoding="utf-8")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        write_results(folder, fail, dict(ANALYSIS))
    assert (folder / "report.html").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_numbers_that_json_does_not_have_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_results(tmp_path / "out", writer("report.html"), {"F": float("nan")})
    assert not (tmp_path / "out" / "report.html").exists()


def test_no_file_outside_the_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    earlier(folder)
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    summary = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    summary["files"].append("../precious.txt")
    (folder / "results.json").write_text(json.dumps(summary), encoding="utf-8")
    write_results(folder, writer("report.html"), {"generated_by": GENERATOR, **ANALYSIS})
    assert (tmp_path / "precious.txt").exists()
