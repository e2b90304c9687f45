"""Files are whole or as before, whatever keeps them from being written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from experiments.dataset import durable
from experiments.dataset.durable import write_whole
from experiments.dataset.rows import FlipRow, RowWriter, read_rows
from experiments.dataset.study import add_participant, create_study, finish_moves, unfinished
from experiments.dataset.tables import append_row, read_table

FLIP = FlipRow(trial=1, flip=3, time=1.5, frame=None, predicted=1.49, dropped=True)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch):
    """Let every write take three bytes and then fail, as on a disk that becomes full."""

    def write_some(file, content: bytes) -> None:
        os.write(file.fileno(), content[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill() -> None:
        monkeypatch.setattr(durable, "write_all", write_some)

    return fill


def test_a_file_that_cannot_be_written_is_not_there_or_as_before(tmp_path: Path, full_disk) -> None:
    path = tmp_path / "session.json"
    write_whole(path, "old\n")
    with pytest.raises(FileExistsError, match="nothing is ever written over"):
        write_whole(path, "new\n")
    full_disk()
    with pytest.raises(OSError, match=r"session\.json"):
        write_whole(path, "new\n", replace=True)
    with pytest.raises(OSError, match=r"design\.tsv"):
        write_whole(tmp_path / "design.tsv", "new\n")
    assert path.read_text(encoding="utf-8") == "old\n"
    assert [file.name for file in tmp_path.iterdir()] == ["session.json"]


def test_a_row_that_cannot_be_written_leaves_the_rows_before_it(tmp_path: Path, full_disk) -> None:
    path = tmp_path / "frames.tsv"
    with RowWriter(path, FlipRow) as rows:
        rows.write(FLIP)
        before = path.read_bytes()
        full_disk()
        with pytest.raises(OSError, match=r"frames\.tsv"):
            rows.write(FLIP)
        assert path.read_bytes() == before
    assert read_rows(path, FlipRow) == [FLIP]


def test_zero_bytes_of_a_power_cut_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "frames.tsv"
    with RowWriter(path, FlipRow) as rows:
        rows.write(FLIP)
    whole = path.read_bytes()
    for left in (whole + b"2\t1" + bytes(40), whole + bytes(512), whole + bytes(3) + b"\n"):
        path.write_bytes(left)
        assert read_rows(path, FlipRow) == [FLIP]
        with RowWriter(path, FlipRow, resume=True) as rows:
            rows.write(FLIP)
        assert read_rows(path, FlipRow) == [FLIP, FLIP]
    for left in (b"", bytes(20), b"trial\tsho" + bytes(9)):
        path.write_bytes(left)
        with RowWriter(path, FlipRow, resume=True) as rows:
            rows.write(FLIP)
        assert read_rows(path, FlipRow) == [FLIP]


@pytest.mark.parametrize("rest", ["sub-0", "sub-009\t2\0\0\0\0\0", "sub-009\t23\tF"])
def test_half_a_row_of_a_table_is_cut_off(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "participants.tsv"
    path.write_text(f"participant_id\tage\tsex\tgroup\nsub-001\t23\tF\tA\n{rest}", encoding="utf-8")
    append_row(path, {"participant_id": "sub-002"})
    assert [row["participant_id"] for row in read_table(path)] == ["sub-001", "sub-002"]


def test_a_whole_row_without_end_stays(tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tage\nsub-001\t23", encoding="utf-8")
    append_row(path, {"participant_id": "sub-002"})
    assert [row["participant_id"] for row in read_table(path)] == ["sub-001", "sub-002"]


def test_a_row_that_cannot_be_added_leaves_the_table(tmp_path: Path, full_disk) -> None:
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\nsub-001\n", encoding="utf-8")
    full_disk()
    with pytest.raises(OSError, match=r"participants\.tsv"):
        append_row(path, {"participant_id": "sub-002"})
    assert path.read_text(encoding="utf-8") == "participant_id\nsub-001\n"


def test_files_that_were_moving_when_the_program_was_killed_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "study"
    create_study(study, name="Moves", simulated=True)
    add_participant(study, "1")
    rename, moved = Path.rename, []

    def rename_two(path: Path, target: Path) -> Path:
        if moved and len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_two)
    with pytest.raises(KeyboardInterrupt), unfinished(study, "sub-1", ("beh",)) as folder:
        (folder / "beh").mkdir()
        for name in ("beh.tsv", "beh.json", "events.tsv"):
            (folder / "beh" / f"sub-1_task-mimicry_{name}").write_text(name, encoding="utf-8")
    monkeypatch.setattr(Path, "rename", rename)
    assert len(list((study / "sub-1" / "beh").iterdir())) == 1
    with pytest.raises(FileExistsError, match="already"), unfinished(study, "sub-1", ("beh",)):
        pass
    assert len(list((study / "sub-1" / "beh").iterdir())) == 3
    finish_moves(study, "sub-1")
    assert not list((study / "sourcedata").glob(".*"))
