"""From filmed mice to the study that figures are made of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
from tiny_mouse_study import FRAMES, copy_study, session_file, set_trials, trial_column, video_file

from analysis.faces.describe import HogParameters, describe_video
from analysis.faces.descriptor_files import read_observed
from analysis.faces.frame_measures import measure_frames
from analysis.faces.hog import describe_frames
from analysis.faces.masks import Crop, FaceMask, write_mask
from analysis.faces.motion_energy import motion_energy
from analysis.faces.video_frames import VideoReader
from analysis.mouse_face.assemble import FEAR_BY_MOVEMENT
from analysis.mouse_face.crops import find_masks, register_study
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.face_meters import FaceMeters, measures_of, motion_of, picture_of
from analysis.mouse_face.parameters import recommended
from analysis.mouse_face.pipeline import describe, gather, read_study
from analysis.mouse_face.trials import judge_trials, study_trials
from analysis.mouse_sessions import read_session


@pytest.fixture(scope="session")
def data(filmed_study: Path) -> FaceData:
    """The tiny study as descriptors."""
    sessions, notes = read_study(filmed_study)
    described = describe(filmed_study, sessions, recommended(), notes=notes)
    return gather(described, recommended())


def grey_frames(study: Path, animal: int = 1) -> np.ndarray:
    return np.stack([frame.grey for frame in VideoReader(video_file(study, animal)).frames()])


def test_trials_are_those_of_the_files(data: FaceData, filmed_study: Path) -> None:
    own = data.trials[data.trials["animal"] == "m02"]
    assert own["event"].tolist() == trial_column(session_file(filmed_study, 2), "stimulus")
    assert own["trial"].tolist() == list(range(1, 15))
    assert data.simulated
    assert data.animals == ["m01", "m02", "m03"]


def test_clips_hold_the_descriptors_of_their_frames(data: FaceData, filmed_study: Path) -> None:
    frames = grey_frames(filmed_study, 2)
    rows = np.flatnonzero(data.clips["animal"] == "m02")[::37]
    numbers = data.clips["frame"].to_numpy()[rows]
    np.testing.assert_array_equal(data.descriptors[rows], describe_frames(frames[numbers]))
    times_s = read_session(session_file(filmed_study, 2)).videos[0].times_s
    np.testing.assert_array_equal(data.clips["time_s"].to_numpy()[rows], times_s[numbers])
    onset_s = data.clips.merge(data.trials, on=["animal", "trial"], how="left")["onset_s"]
    since_s = data.clips["time_s"] - onset_s
    np.testing.assert_allclose(data.clips["since_s"], since_s)
    assert (data.clips["during"] == (data.clips["since_s"] >= 0)).all()


def test_around_gives_the_clips_again(data: FaceData) -> None:
    kept = data.trials[data.trials["kept"]]
    parts = list(data.around(kept, before_s=recommended().before_s, after_s=recommended().during_s))
    assert [part["animal"].iloc[0] for part, _ in parts] == data.animals
    frames = np.concatenate([part["frame"] for part, _ in parts])
    np.testing.assert_array_equal(frames, data.clips["frame"])
    np.testing.assert_array_equal(np.concatenate([values for _, values in parts]), data.descriptors)


def test_a_session_can_be_read_in_pieces(data: FaceData, filmed_study: Path) -> None:
    pieces = list(data.session_chunks("sub-m01_ses-emotions", n_frames=200))
    assert [len(frame) for _, frame, _, _ in pieces] == [200, 200, 200, 168]
    values = np.concatenate([values for *_, values in pieces])
    np.testing.assert_array_equal(values, describe_frames(grey_frames(filmed_study)))


def test_what_is_measured_on_the_way_is_what_the_meters_measure(filmed_study: Path, data: FaceData) -> None:
    observed = read_observed(data.descriptor_files["sub-m01_ses-emotions"])
    reader = VideoReader(video_file(filmed_study))
    times_s = reader.times_s
    expected = measure_frames(reader.frames())
    found = measures_of(observed, times_s)
    for name in ("tiles", "difference", "identical", "shift_px", "shift_response"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    energy = motion_energy(reader.frames()).energy["face"].to_numpy()
    np.testing.assert_allclose(motion_of(observed, times_s).energy["face"], energy, rtol=1e-6)
    picture = grey_frames(filmed_study)[::4].mean(axis=0)
    np.testing.assert_allclose(picture_of(observed), picture, rtol=1e-6)


def test_a_run_that_was_killed_leaves_the_same_file(filmed_study: Path, tmp_path: Path) -> None:
    video = video_file(filmed_study)
    mask = FaceMask(crop=Crop(left_px=20, top_px=10, width_px=128, height_px=96))
    times_s = read_session(session_file(filmed_study)).videos[0].times_s
    wanted = {"mask": mask, "times_s": times_s, "parameters": HogParameters()}
    describe_video(video, tmp_path / "whole.h5", observer=FaceMeters(mask), **wanted)

    done = 0

    def stop_in_the_second_part(n_frames: int) -> None:
        nonlocal done
        done += n_frames
        if done > 600:
            raise KeyboardInterrupt

    killed = tmp_path / "killed.h5"
    with pytest.raises(KeyboardInterrupt):
        describe_video(video, killed, observer=FaceMeters(mask), progress=stop_in_the_second_part, **wanted)
    assert not killed.exists()
    result = describe_video(video, killed, observer=FaceMeters(mask), **wanted)
    assert result.resumed_at == 512
    assert killed.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_a_video_is_described_once(filmed_study: Path, data: FaceData) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.descriptor_files.values()}
    sessions, _ = read_study(filmed_study)
    again = describe(filmed_study, sessions, recommended())
    assert not any(file.described_now for file in again.files.values())
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_mask_describes_anew(filmed_study: Path, tmp_path: Path, data: FaceData) -> None:
    study = copy_study(filmed_study, tmp_path / "study", animals=1, results=True)
    write_mask(study / "masks.yaml", FaceMask(crop=Crop(left_px=16, top_px=0, width_px=96, height_px=96)))
    sessions, _ = read_study(study)
    described = describe(study, sessions, recommended())
    assert described.files["sub-m01_ses-emotions"].described_now
    found = gather(described, recommended())
    assert found.cells.shape == (3, 3)
    assert found.descriptors.shape[1] == 72
    assert found.face_picture("sub-m01_ses-emotions").shape == (96, 96)
    assert data.cells.shape == (4, 5)


def shifted_video(path: Path, to: Path, *, x_px: int, y_px: int) -> None:
    """Write a video whose picture lies further right and down."""
    with av.open(str(path)) as source, av.open(str(to), "w") as target:
        stream = target.add_stream("ffv1", rate=8)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "gray"
        for frame in source.decode(video=0):
            moved = np.roll(frame.to_ndarray(), (y_px, x_px), (0, 1))
            for packet in stream.encode(av.VideoFrame.from_ndarray(moved, "gray")):
                target.mux(packet)
        for packet in stream.encode(None):
            target.mux(packet)


def test_a_crop_moves_with_the_picture(filmed_study: Path, tmp_path: Path) -> None:
    study = copy_study(filmed_study, tmp_path / "study", animals=1)
    first = read_session(session_file(study))
    moved = tmp_path / "moved.mkv"
    shifted_video(video_file(study), moved, x_px=6, y_px=-3)
    video = dataclasses.replace(first.videos[0], path=moved)
    sessions = {"first": first, "second": dataclasses.replace(first, videos=(video,))}
    write_mask(study / "masks.yaml", FaceMask(crop=Crop(left_px=16, top_px=16, width_px=96, height_px=96)))
    masks, table = register_study(
        sessions, find_masks(study, sessions), least_shift_px=1.0, most_rotation_deg=2.0
    )
    assert masks["second"].crop == Crop(left_px=22, top_px=13, width_px=96, height_px=96)
    assert masks["first"].crop == Crop(left_px=16, top_px=16, width_px=96, height_px=96)
    row = table.set_index("session_id").loc["second"]
    assert (row["applied_x_px"], row["applied_y_px"]) == (6, -3)
    assert row["shift_x_px"] == pytest.approx(6, abs=0.3)
    assert row["warning"] == ""


def test_without_a_crop_a_moved_picture_is_told(filmed_study: Path, tmp_path: Path) -> None:
    study = copy_study(filmed_study, tmp_path / "study", animals=1)
    first = read_session(session_file(study))
    moved = tmp_path / "moved.mkv"
    shifted_video(video_file(study), moved, x_px=8, y_px=0)
    video = dataclasses.replace(first.videos[0], path=moved)
    sessions = {"first": first, "second": dataclasses.replace(first, videos=(video,))}
    masks, table = register_study(
        sessions, find_masks(study, sessions), least_shift_px=1.0, most_rotation_deg=2.0
    )
    assert masks["second"] == FaceMask()
    assert "give one (--crop)" in table["warning"].item()


def test_trials_whose_frames_are_lost_are_left_out_and_named(filmed_study: Path, data: FaceData) -> None:
    sessions, _ = read_study(filmed_study)
    described = describe(filmed_study, sessions, recommended())
    onset_s = data.trials["onset_s"].iloc[0]
    quality = data.quality["sub-m01_ses-emotions"]
    frames = quality.frames.copy()
    lost = frames["time_s"].between(onset_s, onset_s + 0.75 * recommended().during_s)
    frames.loc[lost, ["excluded", "occlusion"]] = True
    verdicts = {**data.quality, "sub-m01_ses-emotions": dataclasses.replace(quality, frames=frames)}
    judged = judge_trials(study_trials(described.sessions), verdicts, recommended())
    assert not judged["kept"].iloc[0]
    assert judged["reason"].iloc[0] == "lost 75% of the frames after it"
    assert judged["n_excluded"].iloc[0] == lost.sum() == 30
    assert judged["kept"].iloc[1:].all()


def test_frames_are_as_many_as_the_file_says(data: FaceData) -> None:
    assert data.sessions["n_frames"].tolist() == [FRAMES] * 3


def test_a_study_without_neutral_trials_gets_some(filmed_study: Path, tmp_path: Path) -> None:
    study = copy_study(filmed_study, tmp_path / "study", animals=2, results=True)
    for animal in (1, 2):
        path = session_file(study, animal)
        names = trial_column(path, "stimulus")
        set_trials(path, "stimulus", {row: "sucrose" for row, name in enumerate(names) if name == "neutral"})
    parameters = dataclasses.replace(recommended(), neutral_apart_s=2.0)
    sessions, _ = read_study(study)
    found = gather(describe(study, sessions, parameters), parameters)
    neutral = found.trials[found.trials["event"] == "neutral"]
    assert neutral.groupby("animal").size().to_dict() == {"m01": 1, "m02": 1}
    assert any("the study has no trials called 'neutral': 2 were taken" in note for note in found.notes)
    assert any("sub-m02_ses-emotions: room for 1 of 3 neutral trials only" in note for note in found.notes)
    for trial in neutral.to_dict("records"):
        own = found.trials[(found.trials["animal"] == trial["animal"]) & (found.trials["event"] != "neutral")]
        since_s = trial["onset_s"] - own["onset_s"].to_numpy()
        assert not ((since_s > -2.0 + 1e-6) & (since_s < 2.0 + 4.0 - 1e-6)).any()


def test_escape_and_freezing_are_looked_for_or_it_is_told_why_not(filmed_study: Path, data: FaceData) -> None:
    sessions, _ = read_study(filmed_study)
    without = {
        name: dataclasses.replace(
            session, events=session.events[~session.events["trial_type"].isin(["escape", "freezing"])]
        )
        for name, session in sessions.items()
    }
    found = gather(describe(filmed_study, without, recommended()), recommended())
    for name in sessions:
        told = any(name in note and "thresholds of movement need 30 s" in note for note in found.notes)
        first_shock_s = without[name].events.set_index("trial_type").loc["tail_shock", "onset"].min()
        assert told == (first_shock_s < 32.0)
        assert (name in found.bouts) != told
    n_bouts = sum(len(one.bouts) for one in found.bouts.values())
    assert found.trials["event"].isin(["escape", "freezing"]).sum() == n_bouts
    assert (FEAR_BY_MOVEMENT in found.notes) == bool(found.bouts)
    assert not data.bouts and FEAR_BY_MOVEMENT not in data.notes  # the study has trials of them
