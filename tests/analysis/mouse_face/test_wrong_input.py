"""What is wrong with a study is told in words, with what to do; nothing is mended in silence."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tiny_mouse_study import (
    FRAMES,
    copy_study,
    frame_times,
    session_file,
    set_frame_times,
    set_trials,
    trial_column,
    video_file,
)

from analysis.mouse_face.__main__ import main


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command; gives exit status, what it said, and its summary."""

    def run_command(*arguments: object) -> tuple[int, str, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["mouse_face", *map(str, arguments), "--workers", "1", "--json"])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        lines = said.out.splitlines()
        summary = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        return int(left.value.code or 0), said.err, summary

    return run_command


@pytest.fixture
def study(filmed_study: Path, tmp_path: Path) -> Path:
    """A copy of the tiny study that may be spoilt."""
    return copy_study(filmed_study, tmp_path / "study", animals=2)


def refused(run: Any, study: Path, *words: str) -> None:
    """Expect exit 2, one message with these words, and no report."""
    status, said, _ = run(study)
    assert status == 2
    told = said[said.index("error:") :]
    for word in words:
        assert word in told
    assert not list(study.rglob("report.html"))


def test_a_video_that_was_cut_off(run: Any, study: Path) -> None:
    video = video_file(study)
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 6 // 10])
    refused(run, study, video.name, f"{FRAMES} times were given", "--without sub-m01_ses-emotions")


def test_fewer_times_than_frames(run: Any, study: Path) -> None:
    path = session_file(study)
    set_frame_times(path, frame_times(path)[:-5])
    refused(run, study, f"has {FRAMES} frames, but {FRAMES - 5} times", "frames were lost in one of them")


def test_missing_times(run: Any, study: Path) -> None:
    path = session_file(study)
    times_s = frame_times(path)
    times_s[10:13] = np.nan
    set_frame_times(path, times_s)
    refused(run, study, path.name, "has no time for 3 of its", "camera's own log")


def test_trials_outside_the_video(run: Any, study: Path) -> None:
    path = session_file(study)
    set_trials(path, "start_time", {13: 500.0})
    set_trials(path, "stop_time", {13: 502.0})
    refused(run, study, "1 of 14 trials are outside the video", "on the same clock", "--drop-outside")


def test_trials_outside_the_video_can_be_left_out(run: Any, study: Path) -> None:
    path = session_file(study)
    set_trials(path, "start_time", {13: 500.0})
    set_trials(path, "stop_time", {13: 502.0})
    status, _, summary = run(study, "--drop-outside", "--quick", "--alone", "--panel", "1D")
    assert status == 0
    assert summary["n_trials"] == 27
    assert any(
        "1 trials outside the video were left out (numbers 14)" in text for text in summary["warnings"]
    )


def test_a_video_that_is_not_there(run: Any, study: Path) -> None:
    video_file(study).unlink()
    refused(run, study, "sub-m01_ses-emotions_face.mkv is not at", "move both together")


def test_all_that_is_wrong_is_told_at_once(run: Any, study: Path) -> None:
    video_file(study, 1).unlink()
    set_frame_times(session_file(study, 2), frame_times(session_file(study, 2))[::-1])
    refused(run, study, "sub-m01_ses-emotions", "sub-m02_ses-emotions", "times must increase")


def test_a_file_that_is_not_nwb(run: Any, study: Path) -> None:
    session_file(study).write_text("not a session", encoding="utf-8")
    refused(run, study, "is not an NWB file, or a damaged one")


def test_a_folder_without_sessions(run: Any, tmp_path: Path) -> None:
    refused(run, tmp_path, "has no session: expected files such as")


def test_a_session_that_is_not_there_cannot_be_left_out(run: Any, study: Path) -> None:
    status, said, _ = run(study, "--without", "m07")
    assert status == 2
    assert "there is no session 'm07' to leave out" in said


def test_a_panel_that_is_not_there(run: Any, study: Path) -> None:
    status, said, _ = run(study, "--panel", "7Q")
    assert status == 2
    assert "there is no panel '7Q'; choose among" in said


def test_results_of_others_are_not_replaced(run: Any, study: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all I have", encoding="utf-8")
    status, said, _ = run(study, "--out", tmp_path / "mine")
    assert status == 2
    assert "give another folder with --out" in said
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "all I have"


def with_header_rate(video: Path, rate: int) -> None:
    """Write the same frames with another rate in the header."""
    other = video.with_name("other.mkv")
    with av.open(str(video)) as source, av.open(str(other), "w") as target:
        stream = target.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "gray"
        for frame in source.decode(video=0):
            plain = av.VideoFrame.from_ndarray(frame.to_ndarray(), "gray")
            for packet in stream.encode(plain):
                target.mux(packet)
        for packet in stream.encode(None):
            target.mux(packet)
    other.replace(video)


def test_a_wrong_rate_in_the_header_changes_nothing_and_is_told(
    run: Any, filmed_study: Path, tmp_path: Path
) -> None:
    study = copy_study(filmed_study, tmp_path / "study", animals=2)
    with_header_rate(video_file(study), 25)
    arguments = ("--quick", "--alone", "--panel", "1D")
    status, _, summary = run(study, *arguments)
    assert status == 0
    told = [text for text in summary["warnings"] if "25.000 frames per second" in text]
    assert len(told) == 1
    assert "given times are used" in told[0]
    right = copy_study(filmed_study, tmp_path / "right" / "study", animals=2)
    _, _, expected = run(right, *arguments)
    assert summary["panels"] == expected["panels"]


def test_an_event_with_one_trial_is_left_out_and_named(run: Any, study: Path) -> None:
    path = session_file(study)
    names = trial_column(path, "stimulus")
    second = len(names) - 1 - names[::-1].index("quinine")
    set_trials(path, "stimulus", {second: "sucrose"})
    set_trials(path, "intensity", {second: 20.0})
    status, _, summary = run(study, "--quick", "--alone", "--panel", "1D")
    assert status == 0
    assert any("quinine" in text and "m01" in text and "one trial" in text for text in summary["warnings"])


def test_one_animal_only(run: Any, study: Path) -> None:
    status, _, summary = run(study, "--quick", "--alone", "--without", "m02", "--panel", "1D")
    assert status == 0
    assert summary["n_animals"] == 1
    assert any("There is one animal (m01)" in text for text in summary["warnings"])
    assert any("left out at your wish: sub-m02_ses-emotions" in text for text in summary["warnings"])
    assert "missing" not in summary["panels"]["1D"]


def suite2p(folder: Path, *, n_rois: int = 4, n_times: int = 300) -> Path:
    """Write the neurons of a plane as suite2p does."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    traces = rng.normal(100, 5, (n_rois, n_times)).astype(np.float32)
    np.save(folder / "F.npy", traces)
    np.save(folder / "Fneu.npy", traces * 0.1)
    np.save(folder / "iscell.npy", np.ones((n_rois, 2)))
    stat = np.array(
        [{"ypix": np.array([k, k + 1]), "xpix": np.array([k, k]), "med": [k, k]} for k in range(n_rois)],
        object,
    )
    np.save(folder / "stat.npy", stat, allow_pickle=True)
    np.save(folder / "ops.npy", np.array({"fs": 10.0}, object), allow_pickle=True)
    return folder


def name_imaging(study: Path, source: Path) -> None:
    text = f"session\tsource\trate_hz\tstart_s\nsub-m01_ses-emotions.nwb\t{source}\t10\t0\n"
    (study / "imaging.tsv").write_text(text, encoding="utf-8")


def test_more_traces_than_regions(run: Any, study: Path, tmp_path: Path) -> None:
    folder = suite2p(tmp_path / "plane0")
    np.save(folder / "iscell.npy", np.ones((3, 2)))
    name_imaging(study, folder)
    refused(run, study, "numbers of ROIs or frames do not agree", "'iscell.npy': 3")


class Harmful:
    """A pickle that would do something when it is opened."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (print, ("harm was done",))


def test_a_pickle_that_must_not_be_trusted(
    run: Any, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = suite2p(tmp_path / "plane0")
    with (folder / "stat.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (4,)})
        pickle.dump(np.array([Harmful()] * 4, object), stream)
    name_imaging(study, folder)
    refused(run, study, "stat.npy")
    assert "harm was done" not in capsys.readouterr().out


def test_traces_with_missing_values(run: Any, study: Path, tmp_path: Path) -> None:
    folder = suite2p(tmp_path / "plane0", n_times=900)
    traces = np.load(folder / "F.npy")
    traces[2, 100:110] = np.nan
    np.save(folder / "F.npy", traces)
    name_imaging(study, folder)
    status, said, summary = run(study, "--quick", "--alone", "--panel", "4F")
    told = said + json.dumps(summary)
    assert status in (0, 2)
    assert "missing" in told or "NaN" in told or "not finite" in told


def test_a_mask_of_another_camera(run: Any, study: Path) -> None:
    (study / "masks.yaml").write_text("frame_width_px: 640\nframe_height_px: 480\n", encoding="utf-8")
    refused(run, study, "drawn on frames of 640 x 480 px", "160 x 128")


def test_faces_of_different_sizes(run: Any, study: Path) -> None:
    crop = "crop: {{left_px: 0, top_px: 0, width_px: {}, height_px: 96}}\n"
    for animal, width in ((1, 96), (2, 128)):
        session_file(study, animal).with_name("masks.yaml").write_text(crop.format(width), encoding="utf-8")
    refused(run, study, "3 x 3 cells", "4 x 3", "must have one size")


def test_a_copy_of_a_session_under_another_folder(run: Any, study: Path) -> None:
    shutil.copytree(study / "sub-m01", study / "copy")
    refused(run, study, "two sessions are called sub-m01_ses-emotions")


def test_a_scheduler_that_cannot_be_had(run: Any, study: Path) -> None:
    status, said, _ = run(study, "--scheduler", "tcp://127.0.0.1:1")
    assert status == 2
    assert "pip install distributed" in said or "no dask scheduler answers at tcp://127.0.0.1:1" in said
