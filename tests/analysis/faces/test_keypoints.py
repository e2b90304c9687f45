"""Files of DeepLabCut, SLEAP and facemap as they write them; damaged and dangerous ones are refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from analysis.faces.facemap_files import read_facemap
from analysis.faces.keypoints import (
    Keypoints,
    filter_keypoints,
    keypoint_features,
    points_within,
    read_keypoints,
)

NAMES = ("nose", "ear", "paw")
N_FRAMES = 20


@pytest.fixture
def points() -> Keypoints:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 100, (N_FRAMES, 3, 2))
    return Keypoints(NAMES, xy, rng.uniform(0.5, 1, (N_FRAMES, 3)), "test")


def deeplabcut(points: Keypoints, individuals: tuple[str, ...] = ()) -> pd.DataFrame:
    values = np.concatenate([points.xy_px, points.likelihood[..., None]], axis=2).reshape(N_FRAMES, -1)
    coords = ["x", "y", "likelihood"]
    if not individuals:
        columns = pd.MultiIndex.from_product(
            [["DLC_resnet50"], NAMES, coords], names=["scorer", "bodyparts", "coords"]
        )
        return pd.DataFrame(values, columns=columns)
    names = ["scorer", "individuals", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([["DLC"], individuals, NAMES, coords], names=names)
    many = np.concatenate([values + 1000 * number for number in range(len(individuals))], axis=1)
    return pd.DataFrame(many, columns=columns)


def same(found: Keypoints, points: Keypoints) -> None:
    order = [found.names.index(name) for name in NAMES]
    np.testing.assert_allclose(found.xy_px[:, order], points.xy_px)
    np.testing.assert_allclose(found.likelihood[:, order], points.likelihood)


@pytest.mark.parametrize("form", ["csv", "table", "fixed"])
def test_deeplabcut_is_read(tmp_path: Path, points: Keypoints, form: str) -> None:
    path = tmp_path / f"videoDLC.{'csv' if form == 'csv' else 'h5'}"
    if form == "csv":
        deeplabcut(points).to_csv(path)
    else:
        pytest.importorskip("tables")
        deeplabcut(points).to_hdf(path, key="df_with_missing", format=form, mode="w")
    found = read_keypoints(path)
    same(found, points)
    assert found.names == NAMES and found.source == "DeepLabCut"


@pytest.mark.parametrize("form", ["csv", "h5"])
def test_one_of_several_animals_is_chosen(tmp_path: Path, points: Keypoints, form: str) -> None:
    path = tmp_path / f"pair.{form}"
    table = deeplabcut(points, ("left", "right"))
    if form == "csv":
        table.to_csv(path)
    else:
        pytest.importorskip("tables")
        table.to_hdf(path, key="df_with_missing", format="table", mode="w")
    same(read_keypoints(path, individual="left"), points)
    assert read_keypoints(path, individual="right").xy_px.min() > 999
    with pytest.raises(ValueError, match="several animals; say which: left, right"):
        read_keypoints(path)
    with pytest.raises(ValueError, match="no animal 'up': left, right"):
        read_keypoints(path, individual="up")


class Harm:
    """What a pickle may do to whoever opens it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.mkdir, (Path("harm"),))


def test_a_pickle_inside_an_h5_that_wants_to_run_something_is_not_opened(
    tmp_path: Path, points: Keypoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tables")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "video.h5"
    deeplabcut(points).to_hdf(path, key="df_with_missing", format="table", mode="w")
    with h5py.File(path, "r+") as content:
        content["df_with_missing"].attrs["non_index_axes"] = np.bytes_(pickle.dumps(Harm(), protocol=0))
    with pytest.raises(ValueError, match="not opened: it asks for"):
        read_keypoints(path)
    assert not (tmp_path / "harm").exists()


def sleap(path: Path, points: Keypoints, *, preset: str = "", scores: bool = True, tracks: int = 1) -> None:
    xy = np.stack([points.xy_px + 1000 * track for track in range(tracks)], axis=1)
    score = np.stack([points.likelihood] * tracks, axis=1)
    with h5py.File(path, "w") as content:
        if preset == "standard":
            content["tracks"], axes = xy, ["frame", "track", "node", "xy"]
            content["point_scores"], score_axes = score, ["frame", "track", "node"]
            content["tracks"].attrs["dims"] = json.dumps(axes)
            content["point_scores"].attrs["dims"] = json.dumps(score_axes)
        else:
            content["tracks"] = xy.transpose(1, 3, 2, 0)
            if scores:
                content["point_scores"] = score.transpose(1, 2, 0)
        content["node_names"] = [name.encode() for name in NAMES]
        content["track_names"] = [f"track_{track}".encode() for track in range(tracks)]


@pytest.mark.parametrize("preset", ["", "standard"])
def test_sleap_is_read_in_either_order_of_axes(tmp_path: Path, points: Keypoints, preset: str) -> None:
    sleap(tmp_path / "analysis.h5", points, preset=preset, tracks=2)
    same(read_keypoints(tmp_path / "analysis.h5", individual="track_0"), points)
    with pytest.raises(ValueError, match="several animals; say which: track_0, track_1"):
        read_keypoints(tmp_path / "analysis.h5")


def test_sleap_without_scores_is_as_sure_as_it_is_there(tmp_path: Path, points: Keypoints) -> None:
    points.xy_px[3, 1] = np.nan
    sleap(tmp_path / "old.h5", points, scores=False)
    found = read_keypoints(tmp_path / "old.h5")
    assert found.likelihood[3].tolist() == [1, 0, 1]


def test_sleap_with_parts_that_do_not_fit_is_refused(tmp_path: Path, points: Keypoints) -> None:
    path = tmp_path / "broken.h5"
    sleap(path, points)
    with h5py.File(path, "r+") as content:
        del content["node_names"]
        content["node_names"] = [b"nose"]
    with pytest.raises(ValueError, match="do not fit 1 node names"):
        read_keypoints(path)
    with h5py.File(path, "r+") as content:
        del content["node_names"]
    with pytest.raises(ValueError, match="lacks a part that its program writes"):
        read_keypoints(path)


def test_keypoints_of_facemap_are_read(tmp_path: Path, points: Keypoints) -> None:
    path = tmp_path / "video_FacemapPose.h5"
    with h5py.File(path, "w") as content:
        for number, name in enumerate(NAMES):
            content[f"Facemap/{name}/x"] = points.xy_px[:, number, 0]
            content[f"Facemap/{name}/y"] = points.xy_px[:, number, 1]
            content[f"Facemap/{name}/likelihood"] = points.likelihood[:, number]
    found = read_keypoints(path)
    same(found, points)
    assert found.source == "facemap"


def test_files_of_other_kinds_are_told_apart(tmp_path: Path, shared: Path, points: Keypoints) -> None:
    with pytest.raises(FileNotFoundError, match="keypoints not found"):
        read_keypoints(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("x", encoding="utf-8")
    with pytest.raises(ValueError, match="not an HDF5 or csv file"):
        read_keypoints(tmp_path / "text.h5")
    with h5py.File(tmp_path / "labels.h5", "w") as content:
        content["instances"] = [1]
    with pytest.raises(ValueError, match="holds instances, which is neither"):
        read_keypoints(tmp_path / "labels.h5")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="do not say scorer, bodyparts and coords"):
        read_keypoints(tmp_path / "table.csv")
    with pytest.raises(ValueError, match="labels made by hand"):
        read_keypoints(shared / "data" / "lightningpose_headfixed_video" / "CollectedData.csv")
    table = deeplabcut(points).drop(columns=("DLC_resnet50", "ear", "y"))
    table.to_csv(tmp_path / "half.csv")
    with pytest.raises(ValueError, match="the point 'ear' has no y"):
        read_keypoints(tmp_path / "half.csv")


def test_doubtful_positions_are_left_out_and_short_gaps_bridged() -> None:
    times = np.arange(10) / 10.0
    xy = np.stack([np.arange(10.0), 2 * np.arange(10.0)], axis=1)[:, None].repeat(2, axis=1)
    likelihood = np.ones((10, 2))
    likelihood[3, 0] = 0.5
    likelihood[5:8, 1] = 0.1
    likelihood[0, 1] = np.nan
    kept, lost = filter_keypoints(Keypoints(("a", "b"), xy, likelihood, "t"), times, longest_gap_s=0.25)
    assert kept.xy_px[3, 0].tolist() == pytest.approx([3, 6])
    assert np.isnan(kept.xy_px[[0, 5, 6, 7], 1]).all() and np.isfinite(kept.xy_px[[1, 4, 8], 1]).all()
    rows = lost.set_index("point")
    assert rows.loc["a", ["share_doubtful", "share_bridged", "share_lost"]].tolist() == pytest.approx(
        [0.1, 0.1, 0]
    )
    assert rows.loc["b", ["share_doubtful", "share_bridged", "share_lost"]].tolist() == pytest.approx(
        [0.4, 0, 0.4]
    )
    assert np.isfinite(xy).all(), "what was read is not changed"


def test_a_gap_is_measured_in_time_and_not_in_frames() -> None:
    times = np.array([0, 0.1, 0.2, 5.0, 5.1])
    likelihood = np.array([[1], [1], [0], [1], [1.0]])
    kept, _ = filter_keypoints(Keypoints(("a",), np.ones((5, 1, 2)), likelihood, "t"), times, longest_gap_s=1)
    assert np.isnan(kept.xy_px[2]).all()


def test_features_are_positions_and_speeds(points: Keypoints) -> None:
    times = np.arange(N_FRAMES) / 50
    features = keypoint_features(points, times)
    assert list(features)[:4] == ["time_s", "nose_x_px", "nose_y_px", "nose_speed_px_s"]
    assert features["ear_x_px"].median() == pytest.approx(0)
    moved = np.hypot(*(points.xy_px[7, 2] - points.xy_px[6, 2]))
    assert features["paw_speed_px_s"][7] == pytest.approx(50 * moved)
    assert np.isnan(features["paw_speed_px_s"][0])
    lost = Keypoints(NAMES, np.full_like(points.xy_px, np.nan), points.likelihood, "t")
    assert keypoint_features(lost, times).drop(columns="time_s").isna().all().all()


def test_another_number_of_frames_is_refused(points: Keypoints) -> None:
    for function in (filter_keypoints, keypoint_features):
        with pytest.raises(ValueError, match="20 frames in the file of test, but the video has 19"):
            function(points, np.arange(19) / 30)  # type: ignore[operator]


def test_a_paw_on_the_face_is_found() -> None:
    mask = np.zeros((10, 10), bool)
    mask[2:5, 6:9] = True
    xy = np.array([[7.0, 3.0], [3.0, 7.0], [np.nan, np.nan], [50.0, 50.0], [6.0, 2.0]])[:, None]
    found = Keypoints(("paw",), xy, np.ones((5, 1)), "t")
    assert points_within(found, ["paw"], mask).tolist() == [True, False, False, False, True]
    with pytest.raises(ValueError, match="no point 'tail'; there are paw"):
        points_within(found, ["tail"], mask)


def processed() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "filenames": [["video.avi"]],
        "motion": [rng.random(N_FRAMES), rng.random(N_FRAMES)],
        "motSVD": [np.zeros((0, 0)), rng.random((N_FRAMES, 30))],
        "pupil": [{"area": rng.random(N_FRAMES), "com": rng.random((N_FRAMES, 2)), "axdir": None}],
        "blink": [rng.random(N_FRAMES)],
        "running": [rng.random((N_FRAMES, 2))],
        "rois": [{"rtype": "motion SVD", "xrange": np.arange(3)}],
        "save_path": Path("somewhere"),
    }


def test_measures_of_facemap_are_read(tmp_path: Path) -> None:
    path, content, times = tmp_path / "video_proc.npy", processed(), np.arange(N_FRAMES) / 30
    np.save(path, content, allow_pickle=True)
    table = read_facemap(path, times, components=3)
    np.testing.assert_array_equal(table["motion_1"], content["motion"][1])
    np.testing.assert_array_equal(table["pupil_0_area"], content["pupil"][0]["area"])
    np.testing.assert_array_equal(table["pupil_0_y_px"], content["pupil"][0]["com"][:, 0])
    assert [name for name in table if name.startswith("motSVD")] == ["motSVD_1_0", "motSVD_1_1", "motSVD_1_2"]
    assert {"blink_0", "running_0_0", "running_0_1"} <= set(table)
    np.savez(tmp_path / "plain.npz", motion=content["motion"][0], motSVD=content["motSVD"][1])
    plain = read_facemap(tmp_path / "plain.npz", times, components=2)
    assert list(plain) == ["time_s", "motion_0", "motSVD_0_0", "motSVD_0_1"]


def test_dangerous_or_useless_files_of_facemap_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    times = np.arange(N_FRAMES) / 30
    path = tmp_path / "video_proc.npy"
    with pytest.raises(FileNotFoundError, match="file of facemap not found"):
        read_facemap(path, times)
    np.save(path, {**processed(), "parent": Harm()}, allow_pickle=True)
    with pytest.raises(ValueError, match="not opened: it asks for"):
        read_facemap(path, times)
    np.savez(tmp_path / "objects.npz", motion=np.array([Harm()], dtype=object))
    with pytest.raises(ValueError, match="not an npz of plain arrays"):
        read_facemap(tmp_path / "objects.npz", times)
    assert not (tmp_path / "harm").exists()
    np.save(path, {"rois": []}, allow_pickle=True)
    with pytest.raises(ValueError, match="holds none of motion, motSVD"):
        read_facemap(path, times)
    np.save(path, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="but an array of shape"):
        read_facemap(path, times)
    path.write_bytes(b"no array")
    with pytest.raises(ValueError, match="not a file that facemap writes"):
        read_facemap(path, times)
    np.save(path, processed(), allow_pickle=True)
    with pytest.raises(ValueError, match="motion_0 has 20 frames, the video 19"):
        read_facemap(path, times[:-1])
