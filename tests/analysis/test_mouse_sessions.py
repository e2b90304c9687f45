"""Sessions of mice in NWB: written, validated, inspected, read; and what is wrong with bad ones."""

from __future__ import annotations

import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from analysis.mouse_sessions import find_sessions, read_session
from experiments.dataset.nwb import Animal, CameraVideo, Neurons, SessionFacts, write_session

START = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
N_FRAMES = 600


def trials() -> pd.DataFrame:
    onsets_s = np.array([3.0, 8.0, 13.0])
    return pd.DataFrame(
        {
            "start_time": onsets_s,
            "stop_time": onsets_s + 2,
            "stimulus": ["quinine", "neutral", "quinine"],
            "intensity": [1.0, np.nan, 10.0],
            "unit": ["mM", "n/a", "mM"],
            "repeat": [1, 1, 1],
            "laser": [False, False, True],
            "condition": ["n/a"] * 3,
            "odd": ["a", "b", "c"],
        }
    )


def events() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "timestamp": [13.0, 3.0],
            "duration": [0.05, np.nan],
            "event": ["valve", "lick"],
            "value": ["quinine 10 mM", "n/a"],
        }
    )


def neurons(n: int = 4) -> Neurons:
    rng = np.random.default_rng(1)
    masks = [(np.array([k, k, k + 1]), np.array([5, 6, 5])) for k in range(n)]
    times_s = np.arange(150) / 10 + rng.uniform(0, 1e-3, 150)
    return Neurons(
        rng.normal(size=(n, 150)), times_s, masks, (64, 64), "Agranular insular area, posterior part"
    )


def write(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    video = folder / "sub-m01_ses-test_face.mkv"
    video.write_bytes(b"not decoded here")
    times_s = 0.4 + np.arange(N_FRAMES) / 30 + np.random.default_rng(2).normal(0, 1e-4, N_FRAMES)
    facts = SessionFacts(
        session="test", start=START, description="Quinine", simulated=False, experimenter=("Doe, Jane",),
        institution="Institute", lab="Laboratory", notes={"group": "ChR2", "seed": 4},
    )  # fmt: skip
    content: dict[str, Any] = {
        "animal": Animal("m01", sex="F", genotype="wild type"),
        "facts": facts,
        "trials": trials(),
        "events": events(),
        "videos": [CameraVideo("face", video, times_s, 640, 480)],
        "neurons": neurons(),
        **changes,
    }
    return write_session(folder / "sub-m01_ses-test.nwb", **content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "sub-m01")


def test_a_session_is_read_as_it_was_written(path: Path) -> None:
    session = read_session(path)
    assert (session.animal, session.session, session.group, session.simulated) == (
        "m01",
        "test",
        "ChR2",
        False,
    )
    assert session.metadata["seed"] == 4
    assert session.metadata["start"] == START.isoformat()
    expected = pd.DataFrame(
        {
            "onset": [3.0, 8.0, 13.0],
            "duration": [2.0, 2.0, 2.0],
            "trial_type": ["quinine", "neutral", "quinine"],
            "value": [1.0, np.nan, 10.0],
            "unit": ["mM", "n/a", "mM"],
            "trial": [1, 2, 3],
            "repeat": [1, 1, 1],
            "laser": [False, False, True],
            "condition": ["n/a"] * 3,
            "odd": ["a", "b", "c"],
        }
    )
    pd.testing.assert_frame_equal(session.events, expected)
    assert session.delivered["onset"].tolist() == [3.0, 13.0]
    assert session.delivered["event"].tolist() == ["lick", "valve"]
    (video,) = session.videos
    assert video.name == "face" and video.path.is_file() and len(video.times_s) == N_FRAMES
    calcium, written = session.calcium, neurons()
    assert calcium is not None
    assert np.allclose(calcium.dff, written.dff, atol=1e-6)
    assert np.array_equal(calcium.times_s, written.times_s)
    assert [rows.tolist() for rows, _ in calcium.masks] == [rows.tolist() for rows, _ in written.masks]
    assert calcium.rois.iloc[0][["x_px", "y_px", "n_px"]].tolist() == pytest.approx([16 / 3, 1 / 3, 3])


def test_exposures_of_the_camera_are_no_events_of_the_animal(tmp_path: Path) -> None:
    from pynwb import NWBHDF5IO

    exposures = pd.DataFrame({"timestamp": [0.1, 0.2], "device_time": [5.1, 5.2]})
    path = write(tmp_path / "sub-m01", pulses=exposures)
    assert read_session(path).delivered["event"].tolist() == ["lick", "valve"]
    with warnings.catch_warnings(), NWBHDF5IO(str(path), "r") as file:
        warnings.simplefilter("ignore")
        table = file.read().events["frame_pulses"].to_dataframe()
    assert table["timestamp"].tolist() == [0.1, 0.2]
    assert table["device_time"].tolist() == [5.1, 5.2]


def test_a_session_can_move_with_its_folder(path: Path, tmp_path: Path) -> None:
    path.parent.rename(tmp_path / "elsewhere")
    session = read_session(tmp_path / "elsewhere" / path.name)
    assert session.videos[0].path.parent == (tmp_path / "elsewhere").resolve()


def test_the_standard_and_its_best_practices_are_kept(tmp_path: Path) -> None:
    nwbinspector = pytest.importorskip("nwbinspector")
    from pynwb import validate

    exposures = pd.DataFrame({"timestamp": [0.1, 0.2], "device_time": [5.1, 5.2]})
    files = [
        write(tmp_path / "one", pulses=exposures, devices={"mouse_rig": "Microcontroller"}),
        write(tmp_path / "two", neurons=None, events=events().iloc[:0]),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            assert not validate(path=str(file))
            found = list(
                nwbinspector.inspect_nwbfile(nwbfile_path=str(file), config=nwbinspector.load_config("dandi"))
            )
            serious = [m for m in found if m.importance.name not in ("BEST_PRACTICE_SUGGESTION",)]
            assert [m.message for m in serious] == []


def test_a_crash_while_writing_leaves_nothing_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pynwb

    def fails(self: Any, *args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pynwb.NWBHDF5IO, "write", fails)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "sub-m01")
    assert [file.suffix for file in (tmp_path / "sub-m01").iterdir()] == [".mkv"]


def test_nothing_is_written_over(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="nothing is ever written over"):
        write(path.parent)
    assert path.read_bytes() == before
    write(path.parent, replace=True, neurons=None)
    assert read_session(path).calcium is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": trials().drop(columns="laser")}, "trials has no column laser"),
        ({"trials": trials().assign(start_time=[1.0, np.nan, 2.0])}, "trials has no start_time"),
        ({"events": events().drop(columns="value")}, "events has no column value"),
        (
            {"neurons": Neurons(np.zeros((3, 9)), np.arange(8.0), [], (4, 4), "VISC")},
            "do not belong to traces",
        ),
        (
            {"facts": SessionFacts("s", datetime(2026, 1, 1), "d", simulated=True)},
            "needs its time zone",
        ),
    ],
)
def test_what_cannot_be_a_session_is_not_written(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "sub-m01", **changes)
    assert not list((tmp_path / "sub-m01").glob("*.nwb"))


def test_a_video_must_lie_beside_the_file(tmp_path: Path) -> None:
    missing = CameraVideo("face", tmp_path / "sub-m01" / "no.mkv", np.arange(3.0), 4, 4)
    with pytest.raises(FileNotFoundError, match="there is no video"):
        write(tmp_path / "sub-m01", videos=[missing])
    (tmp_path / "far.mkv").write_bytes(b"x")
    far = CameraVideo("face", tmp_path / "far.mkv", np.arange(3.0), 4, 4)
    with pytest.raises(ValueError, match="does not lie beside"):
        write(tmp_path / "sub-m01", videos=[far])


def test_events_outside_the_video_are_refused_or_dropped_and_named(tmp_path: Path) -> None:
    late = trials().assign(start_time=[3.0, 8.0, 50.0], stop_time=[5.0, 10.0, 52.0])
    path = write(tmp_path / "sub-m01", trials=late)
    with pytest.raises(
        ValueError, match=r"1 of 3 trials are outside the video .*trial 3 \(quinine\) at 50.00 s"
    ):
        read_session(path)
    session = read_session(path, outside="drop")
    assert session.events["trial"].tolist() == [1, 2]
    assert session.metadata["dropped_trials"] == [3]


def change(path: Path, name: str, values: np.ndarray | None) -> None:
    """Damage a file: replace an array by another one, or take it away."""
    with h5py.File(path, "a") as file:
        attributes = dict(file[name].attrs)
        del file[name]
        if values is not None:
            file.create_dataset(name, data=values).attrs.update(attributes)


def test_times_that_are_missing_are_not_guessed(path: Path) -> None:
    times_s = read_session(path).videos[0].times_s.copy()
    times_s[5:8] = np.nan
    change(path, "acquisition/video_face/timestamps", times_s)
    with pytest.raises(ValueError, match=r"no time for 3 of its 600 frames.*not guessed"):
        read_session(path)


def test_times_that_go_back_are_told(path: Path) -> None:
    times_s = read_session(path).videos[0].times_s.copy()
    times_s[300:] -= 5
    change(path, "acquisition/video_face/timestamps", times_s)
    with pytest.raises(ValueError, match=r"frame 300 is at .* must increase"):
        read_session(path)


def test_a_video_with_a_rate_instead_of_times_is_refused(path: Path) -> None:
    change(path, "acquisition/video_face/timestamps", None)
    with h5py.File(path, "a") as file:
        start = file.create_dataset("acquisition/video_face/starting_time", data=0.0)
        start.attrs.update({"rate": 30.0, "unit": "seconds"})
    with pytest.raises(ValueError, match=r"no time for each frame, only a rate of 30.0 Hz"):
        read_session(path)


def test_neurons_that_do_not_fit_their_regions_are_refused(path: Path) -> None:
    change(path, "processing/ophys/dff/traces/data", np.zeros((150, 3), np.float32))
    with pytest.raises(ValueError, match=r"traces of shape \(150, 3\).* 4 of 4 regions of interest"):
        read_session(path)


def test_a_video_that_is_gone_is_named(path: Path) -> None:
    (path.parent / "sub-m01_ses-test_face.mkv").unlink()
    with pytest.raises(FileNotFoundError, match="move both together"):
        read_session(path)


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no session"):
        read_session(tmp_path / "absent.nwb")
    (tmp_path / "text.nwb").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match="not an NWB file, or a damaged one"):
        read_session(tmp_path / "text.nwb")
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match="not an NWB file"):
        read_session(tmp_path / "other.nwb")


def test_a_truncated_file_is_told_as_damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(ValueError, match="damaged"):
        read_session(path)


def test_a_session_without_trials_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "sub-m01", trials=trials().iloc[:0])
    with pytest.raises(ValueError, match="has no trials"):
        read_session(path)


def test_sessions_are_found_but_not_unfinished_ones(path: Path, tmp_path: Path) -> None:
    (path.parent / "sub-m02.unfinished.nwb").write_bytes(b"half")
    assert find_sessions(tmp_path) == [path]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        find_sessions(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="has no session"):
        find_sessions(tmp_path / "empty")
