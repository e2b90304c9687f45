"""Rows of a session: what is written is what is read, also after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.dataset.rows import (
    EventRow,
    FlipRow,
    RowWriter,
    TimingRow,
    TrialRow,
    column_names,
    read_rows,
)

ROOT = Path(__file__).resolve().parents[3]

EVENT = EventRow(
    onset=12.345678,
    duration=5.0,
    trial_type="video",
    value=11,
    trial=1,
    block=1,
    face="id01",
    sex="female",
    direction="AngryToHappy",
    video="id01_AngryToHappy",
    monotonic=1012.5,
)
TRIAL = TrialRow(
    trial=1,
    block=1,
    practice=False,
    face="Jürgen",
    sex="male",
    direction="HappyToAngry",
    video="v",
    fixation_s=2.5,
    onset=12.5,
    outcome="no_press",
)
FLIP = FlipRow(trial=1, flip=3, time=1.5, frame=None, predicted=1.49, dropped=True)
TIMING = TimingRow(
    trial=-2, fixation_left_s=-0.25, video_s=5.0, late_fixation=0, late_video=1, late_feedback=2
)


@pytest.mark.parametrize("row", [EVENT, TRIAL, FLIP, TIMING])
def test_a_row_is_read_as_it_was_written(
    tmp_path: Path, row: EventRow | TrialRow | FlipRow | TimingRow
) -> None:
    path = tmp_path / "rows.tsv"
    with RowWriter(path, type(row)) as writer:
        writer.write(row)
        writer.write_many([row, row])
    assert read_rows(path, type(row)) == [row] * 3


def test_columns_of_events_are_those_of_the_contract() -> None:
    assert column_names(EventRow) == (
        "onset",
        "duration",
        "trial_type",
        "value",
        "trial",
        "block",
        "face",
        "sex",
        "direction",
        "video",
        "response_key",
        "response_time",
        "outcome",
        "monotonic",
        "wall",
    )


def test_a_file_of_an_earlier_version_may_lack_columns_that_have_a_default(tmp_path: Path) -> None:
    path = tmp_path / "frames.tsv"
    path.write_text("trial\tflip\ttime\tframe\tpredicted\tdropped\n1\t3\t1.5\tn/a\t1.49\ttrue\n", "utf-8")
    assert read_rows(path, FlipRow) == [FLIP]
    path.write_text("trial\tflip\tframe\tpredicted\tdropped\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected the columns trial, shown, flip, time"):
        read_rows(path, FlipRow)


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    RowWriter(path, EventRow).close()
    with pytest.raises(FileExistsError, match="never writes over another"):
        RowWriter(path, EventRow)


def test_every_row_is_on_the_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    writer = RowWriter(path, EventRow)
    assert read_rows(path, EventRow) == []
    writer.write(EVENT)
    assert read_rows(path, EventRow) == [EVENT]
    writer.close()
    writer.close()


@pytest.mark.parametrize("n_bytes_lost", range(1, 40))
def test_an_unfinished_last_line_is_dropped(tmp_path: Path, n_bytes_lost: int) -> None:
    path = tmp_path / "events.tsv"
    with RowWriter(path, EventRow) as writer:
        writer.write_many([EVENT, EVENT])
    content = path.read_bytes()
    path.write_bytes(content[:-n_bytes_lost])
    assert read_rows(path, EventRow) == [EVENT]


def test_a_resumed_file_goes_on_after_its_last_complete_line(tmp_path: Path) -> None:
    path = tmp_path / "frames.tsv"
    with RowWriter(path, FlipRow) as writer:
        writer.write_many([FLIP, FLIP])
    path.write_bytes(path.read_bytes()[:-5])
    with RowWriter(path, FlipRow, resume=True) as writer:
        writer.write(FLIP)
    assert read_rows(path, FlipRow) == [FLIP, FLIP]
    with pytest.raises(ValueError, match="other columns"):
        RowWriter(path, EventRow, resume=True)
    with pytest.raises(FileNotFoundError):
        RowWriter(tmp_path / "none.tsv", FlipRow, resume=True)


def test_a_killed_program_loses_nothing_that_it_wrote(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from experiments.dataset.rows import *\n"
        "writer = RowWriter(Path(sys.argv[1]), FlipRow)\n"
        "for flip in range(50): writer.write(FlipRow(trial=1, flip=flip, time=0.5, predicted=0.5))\n"
        "os._exit(9)"
    )
    path = tmp_path / "frames.tsv"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", program, str(path)], env=environment)
    assert ended.returncode == 9
    assert [row.flip for row in read_rows(path, FlipRow)] == list(range(50))


def test_text_cannot_break_the_table(tmp_path: Path) -> None:
    path = tmp_path / "trials.tsv"
    with RowWriter(path, TrialRow) as writer:
        writer.write(TrialRow(**{**vars(TRIAL), "face": 'a\tb\n"c"', "onset": float("nan")}))
    line = path.read_text(encoding="utf-8").splitlines()[1].split("\t")
    assert len(line) == len(column_names(TrialRow))
    assert line[3] == 'a b "c"'
    with pytest.raises(ValueError, match="line 2, column onset"):
        read_rows(path, TrialRow)


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="was the session started"):
        read_rows(tmp_path / "events.tsv", EventRow)
    (tmp_path / "events.tsv").write_text("onset\tduration\n1\t2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected the columns onset, duration, trial_type"):
        read_rows(tmp_path / "events.tsv", EventRow)
    with RowWriter(tmp_path / "frames.tsv", FlipRow) as writer:
        writer.write(FLIP)
        with pytest.raises(ValueError, match="takes FlipRow, not EventRow"):
            writer.write(EVENT)  # type: ignore[arg-type]
    with (tmp_path / "frames.tsv").open("a", encoding="utf-8") as file:
        file.write("1\t2\n")
    with pytest.raises(ValueError, match="line 3: expected 7 columns, found 2"):
        read_rows(tmp_path / "frames.tsv", FlipRow)


def test_rows_needs_the_standard_library_only() -> None:
    program = (
        "import sys; import experiments.dataset.rows\n"
        "assert not {'numpy', 'pandas', 'edfio', 'mne'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
