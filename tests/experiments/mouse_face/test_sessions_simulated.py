"""Simulated sessions from the command line: files, known effect and known null, what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

from analysis.mouse_sessions import read_session
from experiments.dataset.rows import read_rows
from experiments.mouse_face.__main__ import main
from experiments.mouse_face.closing import close_session
from experiments.mouse_face.command import confirm_shocks
from experiments.mouse_face.live import (
    DELIVERED,
    LOG,
    DeliveredRow,
    LiveFiles,
    LogRow,
    next_session,
)
from hardware.cameras.video_writer import VideoWriter

ROOT = Path(__file__).parents[3]
SCHEDULE = """\
name: few_tastants
title: Quinine, sucrose and neutral moments, for tests
order: {kind: fixed, sequence: [quinine, neutral, sucrose, sucrose, quinine, neutral]}
lead_in_s: 6
intervals: {kind: fixed, interval_s: 8}
lead_out_s: 6
stimuli:
  quinine: {channel: valve1, intensity: 10, unit: mM, volume_ul: 4, duration_s: 2}
  sucrose: {channel: valve2, intensity: 20, unit: "% w/v", volume_ul: 4, duration_s: 2}
  neutral: {channel: none, duration_s: 2}
"""
SMALL = ("--simulate", "--fps", "10", "--width", "96", "--height", "72")


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    called = [sys.executable, "-m", "experiments.mouse_face", *map(str, arguments)]
    return subprocess.run(
        called, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=600
    )


def inside(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Call the command in this process, which has imported everything already, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["mouse_face", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sessions")
    (made / "few.yaml").write_text(SCHEDULE, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    """One simulated session, as the command tells of it."""
    done = command(folder / "study", "--animal", "m01", "--schedule", folder / "few.yaml", *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    assert "Dose plan" in done.stdout and "quinine" in done.stdout
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def null(folder: Path) -> Path:
    """A session whose face follows nothing."""
    done = command(
        folder / "null", "--animal", "m01", "--schedule", folder / "few.yaml", *SMALL, "--null", "--json"
    )
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout.splitlines()[-1])["path"])


def test_one_command_makes_a_session_faster_than_real_time(summary: dict[str, Any]) -> None:
    assert summary["ended"] == "completed"
    assert summary["outcomes"] == {"delivered": 4, "nothing": 2}
    assert summary["n_frames"] == pytest.approx(640, abs=15)
    assert sum(summary["lost"].values()) == 0
    assert summary["frame_residual_s"] < 1e-6
    assert summary["warnings"] == []


def test_the_file_holds_what_was_planned_and_delivered(summary: dict[str, Any]) -> None:
    found = read_session(Path(summary["path"]))
    assert found.simulated and found.animal == "m01" and found.session == "few-tastants"
    assert found.events["trial_type"].tolist() == [
        "quinine", "neutral", "sucrose", "sucrose", "quinine", "neutral",
    ]  # fmt: skip
    late_s = found.events["onset"] - found.events["planned_start_time"]
    assert late_s.abs().max() < 1e-3
    assert found.events["outcome"].tolist()[:2] == ["delivered", "nothing"]
    valves = found.delivered[found.delivered["event"].str.startswith("valve")]
    assert valves["event"].tolist() == ["valve1", "valve2", "valve2", "valve1"]
    assert np.allclose(valves["duration"], 0.042, atol=1e-4)
    assert valves["value"].tolist()[0] == "quinine 10 mM"
    # the device's clock runs 40 ppm fast, and both of its times are there
    assert np.allclose(np.diff(valves["device_time"]) / np.diff(valves["onset"]), 1 + 40e-6, atol=1e-6)
    assert "lick" in set(found.delivered["event"])
    metadata = found.metadata
    assert metadata["seed"] >= 0 and metadata["versions"]["countenance"]
    assert "quinine" in metadata["schedule_file"] and "simulated" in metadata["calibration"]
    assert "40.0 ppm" in metadata["clocks"]["device"]
    (video,) = found.videos
    assert len(video.times_s) == summary["n_frames"]


def test_the_standard_and_its_best_practices_are_kept(summary: dict[str, Any]) -> None:
    nwbinspector = pytest.importorskip("nwbinspector")
    from pynwb import validate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not validate(path=summary["path"])
        config = nwbinspector.load_config("dandi")
        found = list(nwbinspector.inspect_nwbfile(nwbfile_path=summary["path"], config=config))
    assert [message.message for message in found] == []


def truth(path: Path) -> pd.DataFrame:
    study = path.parents[1]
    return pd.read_csv(study / "truth" / f"{path.stem}_expressions.tsv", sep="\t")


def test_the_face_follows_what_was_delivered(summary: dict[str, Any]) -> None:
    path = Path(summary["path"])
    told = truth(path).set_index("trial")
    events = read_session(path).events.set_index("planned_trial")
    assert told["expression"].to_dict() == {1: "disgust", 3: "pleasure", 4: "pleasure", 5: "disgust"}
    after_s = told["start_s"] - events["onset"].loc[told.index]
    assert after_s.between(0.1, 9.1).all()


def test_in_the_null_it_follows_nothing(null: Path) -> None:
    told = truth(null)
    assert told["trial"].isna().all()
    assert read_session(null).metadata["simulation"]["null"] is True


def test_the_video_can_be_described(summary: dict[str, Any], tmp_path: Path) -> None:
    from analysis.faces.descriptor_files import read_descriptors

    path = Path(summary["path"])
    (video,) = path.parent.glob(f"{path.stem}_face.mkv")
    times = tmp_path / "times.tsv"
    times.write_text(
        "time_s\n" + "\n".join(map(str, read_session(path).videos[0].times_s)) + "\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "analysis.faces", "describe", str(video), "--times", str(times), "--out",
         str(tmp_path), "--cell-px", "16", "--workers", "1"],
        capture_output=True, text=True, cwd=ROOT, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (made,) = tmp_path.glob("*.h5")
    assert len(read_descriptors(made).values) == summary["n_frames"]


def frames(path: Path) -> Iterator[np.ndarray]:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="gray")


def test_the_same_seed_gives_the_same_session(folder: Path, summary: dict[str, Any]) -> None:
    again = command(folder / "again", "--animal", "m01", "--schedule", folder / "few.yaml", *SMALL, "--json")
    path = Path(json.loads(again.stdout.splitlines()[-1])["path"])
    one, two = read_session(path), read_session(Path(summary["path"]))
    pd.testing.assert_frame_equal(one.events, two.events)
    assert truth(path).equals(truth(Path(summary["path"])))
    assert np.allclose(one.videos[0].times_s, two.videos[0].times_s, atol=1e-5)
    for first, second in zip(frames(one.videos[0].path), frames(two.videos[0].path), strict=True):
        assert np.array_equal(first, second)


def test_the_picture_changes_while_there_is_an_expression_and_only_then(
    folder: Path, summary: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = inside(
        monkeypatch, folder / "still", "--animal", "m01", "--schedule", folder / "few.yaml", *SMALL,
        "--strength", "0",
    )  # fmt: skip
    assert code == 0
    path = Path(summary["path"])
    still = folder / "still" / path.parent.name / path.name
    moving = read_session(path).videos[0]
    changed = [
        float(np.abs(one.astype(int) - other).mean())
        for one, other in zip(frames(moving.path), frames(read_session(still).videos[0].path), strict=True)
    ]
    told, at_s = truth(path), moving.times_s
    shown, fading = np.zeros(len(at_s), bool), np.zeros(len(at_s), bool)
    for _, one in told.iterrows():
        end_s = one["start_s"] + one["duration_s"]
        shown |= (at_s > one["start_s"] + 0.5) & (at_s < end_s)
        fading |= (at_s >= one["start_s"]) & (at_s < end_s + 7.0)
    assert shown.sum() > 50 and (~fading).sum() > 50
    assert np.array(changed)[shown].min() > 0.2
    assert np.array(changed)[~fading].max() == 0.0


def test_a_closed_session_is_not_closed_again_and_can_be_made_anew_from_its_live_files(
    summary: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(summary["path"])
    live = path.parents[1] / "sourcedata" / "sub-m01" / "ses-few-tastants"
    assert inside(monkeypatch, "recover", live) == 2
    assert "closed already" in capsys.readouterr().err
    before = read_session(path)
    kept = path.with_suffix(".kept")
    path.rename(kept)
    assert inside(monkeypatch, "recover", live, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ended"] == "completed"
    pd.testing.assert_frame_equal(read_session(path).events, before.events)
    pd.testing.assert_frame_equal(read_session(path).delivered, before.delivered)


def test_what_a_power_cut_leaves_becomes_the_same_file_up_to_there(
    summary: dict[str, Any], tmp_path: Path
) -> None:
    path = Path(summary["path"])
    live = tmp_path / "study" / "sourcedata" / "sub-m01" / "ses-few-tastants"
    shutil.copytree(path.parents[1] / "sourcedata" / "sub-m01" / "ses-few-tastants", live)
    video = live / "video.mkv"
    video.write_bytes(video.read_bytes()[: int(0.6 * video.stat().st_size)])
    for name in (LOG, DELIVERED, "frames.tsv"):  # half a row, and the zeros that a power cut leaves
        lines = (live / name).read_bytes().splitlines(keepends=True)
        cut = b"".join(lines[: int(0.65 * len(lines))])
        (live / name).write_bytes(cut + lines[-1][:5] + b"\0" * 7)
    closed = close_session(live)
    assert closed.ended == "killed"
    assert 300 < closed.n_frames < 450
    found, whole = read_session(closed.path), read_session(path)
    n = len(found.events)
    assert 2 <= n < 6
    shared = ["onset", "duration", "trial_type", "value", "laser", "condition"]
    pd.testing.assert_frame_equal(found.events[shared], whole.events[shared].iloc[:n])
    assert np.allclose(found.videos[0].times_s, whole.videos[0].times_s[: closed.n_frames], atol=1e-3)
    assert any("not closed by its program" in warning for warning in closed.warnings)


def test_a_camera_clock_that_jumps_is_refused_unless_allowed(summary: dict[str, Any], tmp_path: Path) -> None:
    path = Path(summary["path"])
    live = tmp_path / "study" / "sourcedata" / "sub-m01" / "ses-few-tastants"
    shutil.copytree(path.parents[1] / "sourcedata" / "sub-m01" / "ses-few-tastants", live)
    rows = [line.split("\t") for line in (live / "frames.tsv").read_text(encoding="utf-8").splitlines()]
    for row in rows[300:]:
        row[2] = f"{float(row[2]) + 3.0:.9f}"
    text = "\n".join("\t".join(row) for row in rows) + "\n"
    (live / "frames.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="allow-misaligned"):
        close_session(live)
    assert not (tmp_path / "study" / "sub-m01").exists()
    closed = close_session(live, allow_misaligned=True)
    assert closed.warnings


def test_a_device_clock_that_jumps_is_refused_unless_allowed(summary: dict[str, Any], tmp_path: Path) -> None:
    path = Path(summary["path"])
    live = tmp_path / "study" / "sourcedata" / "sub-m01" / "ses-few-tastants"
    shutil.copytree(path.parents[1] / "sourcedata" / "sub-m01" / "ses-few-tastants", live)
    rows = [line.split("\t") for line in (live / DELIVERED).read_text(encoding="utf-8").splitlines()]
    at = rows[0].index("device_s")
    for row in rows[len(rows) // 2 :]:
        row[at] = row[at] if row[at] == "n/a" else f"{float(row[at]) + 20.0:.6f}"
    (live / DELIVERED).write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"clocks of device and computer do not agree.*allow-misaligned"):
        close_session(live)
    closed = close_session(live, allow_misaligned=True)
    late_s = read_session(closed.path).events["onset"] - read_session(path).events["onset"]
    assert late_s.abs().max() < 0.2


def with_lamp(live: Path, whole: Path, *, late_s: float) -> None:
    """Let a recorded session have a lamp in view, and frames that arrived late on a clock of their own."""
    rows = [line.split("\t") for line in (live / DELIVERED).read_text(encoding="utf-8").splitlines()]
    head = rows[0]
    flashes = [[*row] for row in rows if row[head.index("kind")] == "on"]
    for row in flashes:
        row[head.index("channel")] = "aux"
    written = [row for row in rows + flashes if row[head.index("kind")] != "frame"]
    (live / DELIVERED).write_text("\n".join("\t".join(row) for row in written) + "\n", encoding="utf-8")
    record = json.loads((live / "session.json").read_text(encoding="utf-8"))
    record["camera_settings"] = {"sync": "lamp", "lamp_px": [4, 6, 12, 8]}
    (live / "session.json").write_text(json.dumps(record), encoding="utf-8")
    true_s = read_session(whole).videos[0].times_s
    on_s = read_session(whole).delivered.query("event.str.startswith('valve')")["onset"].to_numpy()
    lit = ((true_s[:, None] >= on_s) & (true_s[:, None] < on_s + 0.3)).any(axis=1)
    with av.open(str(live / "video.mkv")) as container:
        images = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    (live / "video.mkv").unlink()
    with VideoWriter(live / "video.mkv", width_px=96, height_px=72, fps=10, simulated=True) as writer:
        for image, time_s, bright in zip(images, true_s, lit, strict=True):
            picture = image.copy()
            picture[6:14, 4:16] = 230 if bright else 20
            writer.write(picture, float(time_s))
    table = [line.split("\t") for line in (live / "frames.tsv").read_text(encoding="utf-8").splitlines()]
    for row in table[1:]:
        row[2] = f"{1000 + 1.0001 * float(row[2]):.9f}"
        row[3] = f"{float(row[3]) + late_s:.9f}"
    (live / "frames.tsv").write_text("\n".join("\t".join(row) for row in table) + "\n", encoding="utf-8")


def test_a_lamp_in_view_places_frames_that_arrive_late(summary: dict[str, Any], tmp_path: Path) -> None:
    path = Path(summary["path"])
    live = tmp_path / "study" / "sourcedata" / "sub-m01" / "ses-few-tastants"
    shutil.copytree(path.parents[1] / "sourcedata" / "sub-m01" / "ses-few-tastants", live)
    with_lamp(live, path, late_s=0.7)
    closed = close_session(live)
    found_s, true_s = (read_session(one).videos[0].times_s for one in (closed.path, path))
    assert np.abs(found_s - true_s).max() < 0.055  # half a frame
    record = json.loads((live / "session.json").read_text(encoding="utf-8"))
    record["camera_settings"] = {"sync": "host"}
    (live / "session.json").write_text(json.dumps(record), encoding="utf-8")
    closed.path.unlink()
    by_arrival_s = read_session(close_session(live).path).videos[0].times_s
    assert np.median(by_arrival_s - true_s) == pytest.approx(0.7, abs=0.03)


def test_a_dry_run_shows_the_session_and_makes_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "plan.png"
    code = inside(
        monkeypatch, tmp_path / "study", "--animal", "m01", "--schedule", folder / "few.yaml", "--simulate",
        "--dry-run", "--picture", picture, "--json",
    )  # fmt: skip
    out = capsys.readouterr().out
    assert code == 0
    assert json.loads(out.splitlines()[-1])["n_trials"] == 6
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--animal", "m01", "--schedule", "tastants"), "needs --rig FILE"),
        (("--animal", "m 01", "--schedule", "tastants", "--simulate"), "letters and digits"),
        (("--animal", "m01", "--schedule", "tastant", "--simulate"), "there is no schedule 'tastant'"),
        (("--animal", "m01", "--schedule", "tail_shocks", "--simulate"), "--set tail_shock.current_ma"),
        (("--animal", "m01", "--schedule", "salt", "--simulate", "--sex", "X"), "sex is F, M, O or U"),
        (("--animal", "m01", "--schedule", "salt", "--rig", "nowhere.toml"), "there is no rig file"),
    ],
)
def test_wrong_input_is_told_and_nothing_is_made(
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = inside(monkeypatch, tmp_path / "study", *arguments)
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_shocks_are_confirmed_word_by_word(capsys: pytest.CaptureFixture[str]) -> None:
    words = "3 shocks up to 0.3 mA"
    confirm_shocks("", None)
    confirm_shocks(words, words)
    for typed in (None, "", "yes", "3 shocks up to 0.5 mA"):
        with pytest.raises(ValueError, match="nothing is armed before they are confirmed"):
            confirm_shocks(words, typed)


SHOCK = """\
name: shock
title: One shock, for tests
order: {kind: fixed, sequence: [tail_shock]}
lead_in_s: 2
intervals: {kind: fixed, interval_s: 1}
lead_out_s: 1
stimuli:
  tail_shock: {channel: shock, current_ma: 0.3, pulse_ms: 300, duration_s: 1}
"""


def test_before_a_session_doses_beyond_the_limits_and_lossy_codecs_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = (
        '[mouse_rig]\nport = "compiled-firmware"\n[mouse_rig.limits]\nn_shocks = {}\ncurrent_ma = 0.3\n'
        '[camera]\nbackend = "replay"\nsource = "filmed.mkv"\nfps = 20\ncodec = "h264_crf10"\n'
    )
    (tmp_path / "shock.yaml").write_text(SHOCK, encoding="utf-8")
    (tmp_path / "filmed.mkv").write_bytes(b"")
    told = []
    for n_shocks in (0, 1):
        (tmp_path / "rig.toml").write_text(rig.format(n_shocks), encoding="utf-8")
        arguments = ("--animal", "m01", "--schedule", tmp_path / "shock.yaml", "--rig", tmp_path / "rig.toml")
        assert inside(monkeypatch, tmp_path / "study", *arguments, "--yes-shock", "yes") == 2
        told.append(capsys.readouterr().err)
    assert "beyond the limits of the rig file" in told[0] and "Dose plan" in told[0]
    assert "NOT ALLOWED: 1 shock" in told[0]
    assert "codec h264_crf10 is lossy" in told[1] and "expected the words '1 shock up to 0.3 mA'" in told[1]
    assert not (tmp_path / "study").exists()


def test_a_clock_that_is_set_is_noted_and_times_nothing(tmp_path: Path) -> None:
    now, wall = [100.0], [1e9]
    files = LiveFiles(tmp_path / "ses", now=lambda: now[0], wall=lambda: wall[0])
    with files:
        files.begin({"animal": "m01"}, pd.DataFrame({"trial": [1]}), {})
        now[0], wall[0] = 101.0, 1e9 + 3601.0
        files.log("trial", "quinine", trial=1)
        now[0], wall[0] = 102.0, 1e9 + 3602.0
        files.log("end", "completed")
    rows = read_rows(tmp_path / "ses" / LOG, LogRow)
    assert [(row.what, row.time) for row in rows] == [("clock_step", 1.0), ("trial", 1.0), ("end", 2.0)]
    assert "+3600.0 s" in rows[0].text


def test_a_full_disk_leaves_rows_that_were_written_and_room_to_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = LiveFiles(tmp_path / "ses")
    with files:
        files.begin({"animal": "m01"}, pd.DataFrame({"trial": [1]}), {})
        full = {"left": 1}

        def write_many(self: Any, rows: Any) -> None:
            if (tmp_path / "ses" / "reserve").exists() and not full["left"]:
                raise OSError(28, "No space left on device")
            full["left"] = 0
            original(self, rows)

        from experiments.dataset.rows import RowWriter

        original = RowWriter.write_many
        monkeypatch.setattr(RowWriter, "write_many", write_many)
        row = DeliveredRow(time=0.1, kind="on", channel="valve1", monotonic=1.0)
        files.delivered([row])
        with pytest.raises(OSError, match="No space left"):
            files.delivered([row])
        files.log("stop", "the disk is full")
    assert len(read_rows(tmp_path / "ses" / DELIVERED, DeliveredRow)) == 2
    assert read_rows(tmp_path / "ses" / LOG, LogRow)[-1].text == "the disk is full"


def test_sessions_are_named_one_after_the_other_and_never_written_over(tmp_path: Path) -> None:
    assert next_session(tmp_path, "m01", "salt") == "salt"
    with LiveFiles(tmp_path / "sourcedata" / "sub-m01" / "ses-salt"):
        pass
    assert next_session(tmp_path, "m01", "salt") == "salt-2"
    with pytest.raises(FileExistsError, match="never written over"):
        LiveFiles(tmp_path / "sourcedata" / "sub-m01" / "ses-salt")


def test_what_is_no_session_cannot_be_recovered(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        close_session(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"has no session\.json"):
        close_session(tmp_path)
