"""Schedules and faces of simulated studies, and neurons with known coding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hardware.simulated import mouse_study
from hardware.simulated.mouse_calcium import SHARES, indicator, simulate_neurons
from hardware.simulated.mouse_study import EMOTIONS, STUDIES, plan_face, plan_trials, site_and_group


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_paper_s_session_has_seven_classes_three_times() -> None:
    trials, order = plan_trials(EMOTIONS, duration_s=1200, repeats=3, rng=rng())
    assert trials["stimulus"].value_counts().to_dict() == dict.fromkeys(
        ("neutral", "sucrose", "quinine", "tail_shock", "lithium", "escape", "freezing"), 3
    )
    assert [stimulus.event for stimulus in order] == trials["stimulus"].tolist()
    assert (trials["stop_time"] - trials["start_time"]).tolist() == pytest.approx([2.0] * 21)
    assert trials["start_time"].is_monotonic_increasing
    assert trials["stop_time"].max() < 1200
    blocks = trials["stimulus"].to_numpy().reshape(3, 7)
    assert all(len(set(block)) == 7 for block in blocks)
    assert trials["repeat"].to_numpy().reshape(3, 7).tolist() == [[1] * 7, [2] * 7, [3] * 7]


@pytest.mark.parametrize("part", STUDIES)
def test_every_part_has_its_trials(part: str) -> None:
    for kind in STUDIES[part]:
        trials, _ = plan_trials(kind, duration_s=600, repeats=3, rng=rng())
        cells = trials.groupby(["stimulus", "intensity", "laser"], dropna=False).size()
        assert (cells == 3).all()
        assert len(cells) == len(kind.stimuli)


def test_a_session_that_is_too_short_says_how_long_it_must_be() -> None:
    with pytest.raises(ValueError, match=r"21 trials do not fit into 1.0 min.*at least 2.4 min"):
        plan_trials(EMOTIONS, duration_s=60, repeats=3, rng=rng())


def face_of(kind: mouse_study.SessionKind, *, strength: float = 1.0, seed: int = 1, **where: str | None):  # type: ignore[no-untyped-def]
    trials, order = plan_trials(kind, duration_s=1200, repeats=3, rng=rng(seed))
    fibre = {"site": None, "group": None, **where}
    return trials, *plan_face(trials, order, duration_s=1200, strength=strength, rng=rng(seed + 50), **fibre)


def test_expressions_follow_their_events() -> None:
    trials, episodes, licking = face_of(EMOTIONS)
    evoked = [episode for episode in episodes if episode.trial is not None]
    assert len(evoked) == 18  # all but the neutral ones
    for episode in evoked:
        row = trials.iloc[episode.trial - 1]
        expected = {s.event: s.expression for s in EMOTIONS.stimuli}[row["stimulus"]]
        assert episode.expression == expected
        assert 0 < episode.start_s - row["start_time"] < 9.1
    assert len(licking) == 6


def test_in_the_null_as_much_happens_but_at_random_times() -> None:
    delays_s, expressions = [], []
    for seed in range(20):
        trials, episodes, licking = face_of(EMOTIONS, strength=0, seed=seed)
        assert all(episode.trial is None for episode in episodes)
        assert len(episodes) >= 18 and len(licking) == 6
        for episode in episodes:
            since_s = episode.start_s - trials["start_time"].to_numpy()
            delays_s.append(since_s[since_s > 0].min() if (since_s > 0).any() else np.nan)
            expressions.append(episode.expression)
    assert np.nanmean(np.array(delays_s) < 5) < 0.2  # about 5 s out of 54 s
    assert pd.Series(expressions).value_counts().min() > 30


def test_light_evokes_expressions_only_with_a_channel_at_the_right_place() -> None:
    (kind,) = STUDIES["optogenetics"]
    for site, group, expected in (
        ("pIC", "ChR2", {"disgust"}),
        ("aIC", "ChR2", {"pleasure"}),
        ("VP", "ChR2", {"pleasure"}),
        ("pIC", "eYFP", set()),
    ):
        _, episodes, _ = face_of(kind, site=site, group=group)
        assert {episode.expression for episode in episodes if episode.trial} == expected
    assert [site_and_group(kind, number)[1] for number in range(1, 8)] == ["ChR2"] * 3 + ["eYFP"] * 3 + [
        "ChR2"
    ]
    assert site_and_group(EMOTIONS, 1) == (None, None)


def test_stronger_stimuli_evoke_stronger_expressions() -> None:
    (kind,) = STUDIES["graded"]
    found: dict[float, list[float]] = {}
    for seed in range(10):
        trials, episodes, _ = face_of(kind, seed=seed)
        for episode in episodes:
            if episode.expression == "pain" and episode.trial:
                found.setdefault(trials.iloc[episode.trial - 1]["intensity"], []).append(episode.strength)
    means = [np.mean(found[intensity]) for intensity in (0.1, 0.3, 0.5)]
    assert means == pytest.approx([0.35, 0.7, 1.0], rel=0.15)


def traces() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    times_s = np.arange(0, 300, 0.1)
    on = ((times_s % 50 > 10) & (times_s % 50 < 12)).astype(float)
    smile = ((times_s % 50 > 13) & (times_s % 50 < 24)).astype(float)
    return times_s, {"sucrose": on}, {"pleasure": smile}


def test_neurons_follow_what_they_code() -> None:
    times_s, stimuli, faces = traces()
    found = simulate_neurons(times_s, stimuli=stimuli, faces=faces, n_neurons=200, rng=rng())
    counts = found.coding["coding"].value_counts()
    assert {kind: counts[kind] for kind in SHARES} == {"stimulus": 28, "face": 24, "both": 4}
    seen = {
        "stimulus": indicator(stimuli["sucrose"], 0.1),
        "face": indicator(faces["pleasure"], 0.1),
    }
    r = {
        (kind, name): np.mean([np.corrcoef(found.dff[roi], trace)[0, 1] for roi in of["roi"]])
        for kind, of in found.coding.groupby("coding")
        for name, trace in seen.items()
    }
    assert r["stimulus", "stimulus"] > 0.35 and r["face", "face"] > 0.35
    assert r["both", "stimulus"] > 0.2 and r["both", "face"] > 0.2
    assert abs(r["none", "stimulus"]) < 0.05 and abs(r["none", "face"]) < 0.05
    assert r["stimulus", "face"] < 0.15


def test_the_indicator_peaks_after_179_ms_and_shows_a_lasting_drive_whole() -> None:
    step_s = 0.001
    spike = np.zeros(4000)
    spike[0] = 1
    shown = indicator(spike, step_s)
    assert shown.argmax() * step_s == pytest.approx(0.179, abs=0.003)
    after = shown[shown.argmax() :]
    assert np.argmax(after < after[0] / 2) * step_s == pytest.approx(0.550, abs=0.01)
    assert indicator(np.ones(10_000), step_s)[-1] == pytest.approx(1.0, abs=1e-3)


def test_regions_lie_in_the_field_and_hardly_overlap() -> None:
    times_s, stimuli, faces = traces()
    masks = simulate_neurons(times_s, stimuli=stimuli, faces=faces, n_neurons=300, rng=rng()).masks
    pixels = np.concatenate([rows * 512 + columns for rows, columns in masks])
    assert pixels.min() >= 0 and max(rows.max() for rows, _ in masks) < 512
    assert len(np.unique(pixels)) > 0.97 * len(pixels)


def test_wrong_neurons_are_refused() -> None:
    times_s, stimuli, faces = traces()
    with pytest.raises(ValueError, match="together at most 1"):
        simulate_neurons(
            times_s, stimuli=stimuli, faces=faces, n_neurons=5, rng=rng(), shares={"face": 0.8, "both": 0.4}
        )
    with pytest.raises(ValueError, match="sucrose has 3 values"):
        simulate_neurons(times_s, stimuli={"sucrose": np.zeros(3)}, faces=faces, n_neurons=5, rng=rng())
