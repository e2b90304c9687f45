"""Correlations, clusters, clips, the neutral control, the plane and the map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist

from analysis.faces.difference_map import difference_map
from analysis.faces.embedding import PRESETS, embed, neighbour_purity
from analysis.faces.similarity import (
    cluster_agreement,
    cluster_frames,
    correlate_frames,
    correlate_with,
    event_clip_frames,
    neutral_events,
    phase_separation,
)
from hardware.simulated.mouse_descriptors import simulate_faces


def one_animal(effect: float, **changes: object) -> tuple[np.ndarray, pd.DataFrame]:
    options = {"n_animals": 1, "events": ("shock",), "fs_hz": 5.0, "drift_sd": 0.5, **changes}
    faces = simulate_faces(rng=np.random.default_rng(3), effect=effect, **options)
    return faces.descriptors, faces.frames


def test_correlations_are_pearsons() -> None:
    rows = np.random.default_rng(1).normal(size=(40, 30)) + 100
    np.testing.assert_allclose(correlate_frames(rows), np.corrcoef(rows), atol=1e-6)
    together = np.corrcoef(np.vstack([rows, rows[:3] ** 2]))[:40, 40:]
    np.testing.assert_allclose(correlate_with(rows, rows[:3] ** 2), together, atol=1e-6)
    many = np.tile(rows, (250, 1))
    np.testing.assert_allclose(correlate_with(many, rows[:2])[-40:], np.corrcoef(rows)[:, :2], atol=1e-6)


def test_frames_without_variation_have_no_correlation() -> None:
    rows = np.random.default_rng(1).normal(size=(5, 8))
    rows[1], rows[3, 2] = 0.3, np.nan
    found = correlate_frames(rows)
    assert np.isnan(found[[1, 3]]).all()
    assert np.isfinite(found[np.ix_([0, 2, 4], [0, 2, 4])]).all()
    assert np.isnan(correlate_with(rows, rows[:1])[[1, 3]]).all()
    with pytest.raises(ValueError, match="2 frames have no correlation"):
        cluster_frames(found)


def test_clusters_are_scipys() -> None:
    found = correlate_frames(np.random.default_rng(1).normal(size=(60, 12)))
    ours = cluster_frames(found)
    theirs = linkage(pdist(found.astype(float)), "average")
    np.testing.assert_allclose(ours.linkage[:, 2], theirs[:, 2], atol=1e-5)
    assert sorted(ours.order) == list(range(60))
    other = cluster_frames(found, distance="correlation")
    assert not np.array_equal(ours.order, other.order)
    with pytest.raises(ValueError, match="distance should be"):
        cluster_frames(found, distance="cosine")
    with pytest.raises(ValueError, match="two frames or more"):
        cluster_frames(found[:1, :1])


def test_an_expression_parts_the_clip_and_nothing_does_not() -> None:
    for effect, least, most in ((4.0, 0.2, 1.5), (0.0, -0.05, 0.05)):
        values, frames = one_animal(effect)
        found = correlate_frames(values)
        assert least < phase_separation(found, frames) < most
        if effect:
            assert cluster_agreement(cluster_frames(found), frames) > 0.9


def test_separation_needs_two_trials_with_both_phases() -> None:
    values, frames = one_animal(1.0)
    own = frames["trial"] == 0
    with pytest.raises(ValueError, match="two trials at least"):
        phase_separation(correlate_frames(values[own]), frames[own])


def test_clips_are_cut_by_time_and_not_by_number() -> None:
    times_s = np.delete(np.arange(0, 60, 0.5), [41, 42])
    events = pd.DataFrame({"onset": [20.0, 40.25], "trial_type": ["shock", "quinine"]})
    clips = event_clip_frames(times_s, events, before_s=2, during_s=1)
    first = clips[clips["trial"] == 0]
    np.testing.assert_allclose(first["since_s"], [-2, -1.5, -1, -0.5, 0])
    assert first["during"].tolist() == [False] * 4 + [True]
    second = clips[clips["trial"] == 1]
    np.testing.assert_allclose(second["since_s"], [-1.75, -1.25, -0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(times_s[clips["frame"]], clips["time_s"])


@pytest.mark.parametrize(
    ("times_s", "events", "message"),
    [
        (
            np.arange(10.0),
            {"onset": [50.0], "trial_type": ["shock"]},
            "event 0 .shock. at 50 s has no frames",
        ),
        (np.arange(10.0), {"onset": [5.0]}, "need a column trial_type"),
        (np.array([0.0, 2.0, 1.0]), {"onset": [1.0], "trial_type": ["a"]}, "should increase"),
        (np.arange(10.0), {"onset": [], "trial_type": []}, "no events"),
    ],
)
def test_clips_that_cannot_be_cut(times_s: np.ndarray, events: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        event_clip_frames(times_s, pd.DataFrame(events))


def test_the_neutral_control_copies_the_sequence_where_it_fits() -> None:
    events = pd.DataFrame({"onset": [200.0, 260.0, 340.0]})
    long = neutral_events(events, start_s=0, stop_s=180)
    np.testing.assert_allclose(np.diff(long["onset"]), [60, 80])
    assert long["same_intervals"].all()
    short = neutral_events(events, start_s=0, stop_s=60)
    assert not short["same_intervals"].any()
    assert short["onset"].iloc[0] == 4
    assert short["onset"].iloc[-1] + 2 == pytest.approx(60)
    assert np.diff(short["onset"]).min() >= 6
    with pytest.raises(ValueError, match="need 18 s without events"):
        neutral_events(events, start_s=0, stop_s=15)


def test_the_plane_shows_expressions_and_says_what_clouds_are() -> None:
    faces = simulate_faces(
        rng=np.random.default_rng(1), n_animals=1, events=("neutral", "shock"), effect=3.0, drift_sd=0.5
    )
    kept = faces.frames["during"].to_numpy()
    about = faces.frames[kept]
    for preset in PRESETS:
        points = embed(faces.descriptors[kept], rng=np.random.default_rng(2), preset=preset, perplexity=35)
        assert points.shape == (kept.sum(), 2)
        purity = neighbour_purity(points, about["label"], about["trial"], n_neighbours=5)
        assert purity.same_trial > 0.6
        assert purity.same_class > 0.8
        everywhere = neighbour_purity(faces.descriptors[kept], about["label"], about["trial"], n_neighbours=5)
        assert everywhere.same_class > 0.95
        assert purity.chance == pytest.approx(0.4)
    again = embed(faces.descriptors[kept], rng=np.random.default_rng(2), preset="paper", perplexity=35)
    np.testing.assert_array_equal(points if preset == "paper" else again, again)


def test_the_plane_refuses_what_it_cannot_do() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="more than 90 frames, found 20"):
        embed(rng.normal(size=(20, 4)), rng=rng)
    with pytest.raises(ValueError, match="all frames are the same"):
        embed(np.ones((200, 4)), rng=rng)
    with pytest.raises(ValueError, match="preset one of"):
        embed(rng.normal(size=(200, 4)), rng=rng, preset="2020")
    with pytest.raises(ValueError, match="frame 3"):
        embed(np.where(np.arange(200)[:, None] == 3, np.nan, rng.normal(size=(200, 4))), rng=rng)
    with pytest.raises(ValueError, match="fewer than 9 frames of other trials"):
        neighbour_purity(rng.normal(size=(10, 2)), np.zeros(10), np.arange(10) // 5, n_neighbours=9)


def test_the_map_finds_the_cell_that_moved() -> None:
    rng = np.random.default_rng(1)
    cells = np.ones((3, 4), bool)
    cells[0, 0] = False
    values = rng.normal(0, 0.1, size=(50, 11, 8))
    during = np.arange(50) >= 25
    values[during, 6] += 0.5  # the seventh cell that is kept: row 1, column 3
    table = difference_map(values.reshape(50, -1), during, cells)
    top = table.loc[table["difference"].idxmax()]
    assert (top["row"], top["column"]) == (1, 3)
    assert top["difference"] == pytest.approx(0.5 * np.sqrt(8), abs=0.1)
    assert table["standardised"].idxmax() == table["difference"].idxmax()
    with pytest.raises(ValueError, match="12 cells with 8 orientations make 96 features"):
        difference_map(values.reshape(50, -1), during, np.ones((3, 4), bool))
    with pytest.raises(ValueError, match="both needed"):
        difference_map(values.reshape(50, -1), np.ones(50, bool), cells)
