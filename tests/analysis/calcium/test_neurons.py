"""Neurons with known coding, and with none: what is found, and how often something is found in nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.calcium.correlation import correlate_neurons, label_neurons
from analysis.calcium.kernel import CHEN2013, KERNELS, SLOW, Kernel, as_seen, kernel_from_times
from analysis.calcium.overlap import compare_overlap, venn_counts
from analysis.calcium.regressors import at_frames, stimulus_trace
from analysis.calcium.surrogates import shift_test, shifted_correlations

STEP_S = 0.1
TIMES_S = np.arange(0.0, 420.0, STEP_S)
STIMULI = pd.DataFrame({"onset": [100.0, 187.0, 291.0], "duration": [2.0, 2.0, 2.0]})


def face_trace(rng: np.random.Generator) -> np.ndarray:
    """A face that follows each stimulus for a while, and shows the same now and then by itself."""
    face = np.zeros(len(TIMES_S))
    starts = [*(STIMULI["onset"] + 0.3), *rng.uniform(0, 400, 6)]
    for start_s, length_s in zip(starts, rng.exponential(6, len(starts)) + 1, strict=True):
        face[(start_s <= TIMES_S) & (start_s + length_s > TIMES_S)] = 1
    return face


def idle_neurons(n: int, rng: np.random.Generator) -> np.ndarray:
    """Bursting, drifting neurons that know nothing of the stimuli."""
    activity = 0.3 * rng.poisson(0.03, (n, len(TIMES_S))) * rng.gamma(2, 1, (n, len(TIMES_S)))
    for row in activity:
        for start_s in rng.uniform(0, 410, rng.poisson(6)):
            row[(start_s <= TIMES_S) & (start_s + rng.exponential(3) > TIMES_S)] += 1
    drift = np.cumsum(rng.normal(0, 0.02, activity.shape), axis=1)
    return as_seen(activity, TIMES_S, SLOW) + drift + rng.normal(0, 0.3, activity.shape)


def test_kernels_peak_and_decay_as_published() -> None:
    for peak_s, half_s in ((0.179, 0.550), (0.480, 1.796)):
        found = kernel_from_times(rise_to_peak_s=peak_s, half_decay_s=half_s)
        fine_s = np.arange(0, 10, 1e-4)
        shape = found.at(fine_s)
        assert fine_s[shape.argmax()] == pytest.approx(peak_s, abs=2e-4)
        after = fine_s[(fine_s > peak_s) & (shape <= 0.5)][0]
        assert after - peak_s == pytest.approx(half_s, abs=2e-4)
        assert shape.max() == pytest.approx(1, abs=1e-6)
    assert set(KERNELS) == {"chen2013", "slow"}


@pytest.mark.parametrize(("rise_s", "decay_s"), [(0.5, 0.2), (0, 1), (-1, 2), (0.1, float("inf"))])
def test_impossible_kernels_are_refused(rise_s: float, decay_s: float) -> None:
    with pytest.raises(ValueError, match="rises faster than it decays"):
        Kernel(rise_s, decay_s)


def test_times_that_no_kernel_has_are_refused() -> None:
    with pytest.raises(ValueError, match="no kernel peaks after 1"):
        kernel_from_times(rise_to_peak_s=1.0, half_decay_s=0.5)


def test_convolution_is_that_of_numpy_on_a_fine_grid() -> None:
    fine_s = np.arange(0, 30, 0.005)
    trace = ((fine_s > 5) & (fine_s < 7)).astype(float)
    shape = CHEN2013.at(np.arange(0, 15, 0.005))
    direct = np.convolve(trace, shape)[: len(fine_s)] * 0.005
    assert np.abs(as_seen(trace, fine_s, CHEN2013) - direct).max() < 5e-3


def test_convolution_does_not_depend_on_the_sampling() -> None:
    fine_s = np.arange(0, 30, 0.01)
    trace = np.floor(fine_s) % 3 == 0
    shown = as_seen(trace, fine_s, CHEN2013)
    rng = np.random.default_rng(3)
    some = np.unique(np.r_[np.flatnonzero(np.diff(trace.astype(int))) + 1, rng.integers(0, 3000, 500), 0])
    assert np.allclose(as_seen(trace[some], fine_s[some], CHEN2013), shown[some], atol=1e-9)


def test_wrong_traces_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong to"):
        as_seen(np.ones(3), np.arange(4.0), CHEN2013)
    with pytest.raises(ValueError, match="missing values"):
        as_seen(np.array([1.0, np.nan]), np.arange(2.0), CHEN2013)
    with pytest.raises(ValueError, match="number 3 is 1"):
        as_seen(np.ones(3), np.array([0.0, 2.0, 1.0]), CHEN2013)
    with pytest.raises(ValueError, match="same clock"):
        stimulus_trace(STIMULI.assign(onset=STIMULI["onset"] + 1e6), TIMES_S)
    with pytest.raises(ValueError, match="onset and a duration"):
        stimulus_trace(STIMULI.assign(duration=-1.0), TIMES_S)


def test_gaps_of_the_video_stay_gaps() -> None:
    video_s = np.r_[np.arange(0, 10, 1 / 30), np.arange(20, 30, 1 / 30)]
    found = at_frames(np.sin(video_s), video_s, np.arange(0.0, 29.0, 0.5), max_gap_s=1.0)
    assert np.isnan(found[22:38]).all()
    kept = ~np.isnan(found)
    assert np.abs(found[kept] - np.sin(np.arange(0.0, 29.0, 0.5)[kept] + 0.25)).max() < 0.05
    assert kept.sum() > 35


def test_shifts_are_those_of_rolled_regressors_also_beside_others() -> None:
    rng = np.random.default_rng(4)
    traces, face = np.cumsum(rng.normal(size=(3, 200)), axis=1), np.cumsum(rng.normal(size=200))
    others = np.cumsum(rng.normal(size=(2, 200)), axis=1)
    alone, beside = shifted_correlations(traces, face), shifted_correlations(traces, face, given=others)
    design = np.column_stack([np.ones(200), others.T])

    def left_of(value: np.ndarray) -> np.ndarray:
        return value - design @ np.linalg.lstsq(design, value, rcond=None)[0]

    for lag in (0, 1, 77, 199):
        own = left_of(np.roll(left_of(face), lag))  # what only the face holds is shifted, not all of it
        for row in range(3):
            assert alone[row, lag] == pytest.approx(
                np.corrcoef(traces[row], np.roll(face, lag))[0, 1], abs=1e-10
            )
            assert beside[row, lag] == pytest.approx(np.corrcoef(left_of(traces[row]), own)[0, 1], abs=1e-10)


def test_idle_neurons_follow_nothing() -> None:
    """Of 600 neurons 3 to 7 % have p below .05, where the usual p value calls three quarters significant."""
    rng = np.random.default_rng(5)
    neurons, face = idle_neurons(600, rng), as_seen(face_trace(rng), TIMES_S, SLOW)
    stimulus = as_seen(stimulus_trace(STIMULI, TIMES_S), TIMES_S, SLOW)
    found = correlate_neurons(neurons, {"stimulus": stimulus, "face": face}, step_s=STEP_S)
    for name in ("p", "p_unique"):
        rates = (found[name] < 0.05).groupby(found["regressor"]).mean()
        assert rates.between(0.03, 0.075).all(), (name, rates)
        assert ((found[name] < 0.005).groupby(found["regressor"]).mean() < 0.012).all()
    assert (label_neurons(found)["label"] == "none").all()
    # without the short shifts, small p values come too often
    regressors = {"stimulus": stimulus, "face": face}
    without = correlate_neurons(neurons, regressors, step_s=STEP_S, min_shift_s=20.0)
    assert (label_neurons(without)["label"] != "none").sum() >= 5
    assert (label_neurons(found, rule="threshold", least_r=0.2)["label"] != "none").mean() > 0.03


def test_known_coding_is_found_and_told_apart() -> None:
    rng = np.random.default_rng(6)
    face = as_seen(face_trace(rng), TIMES_S, SLOW)
    stimulus = as_seen(stimulus_trace(STIMULI, TIMES_S), TIMES_S, SLOW)
    assert np.corrcoef(face, stimulus)[0, 1] > 0.2
    idle = idle_neurons(90, rng)
    idle /= idle.std(axis=1, keepdims=True)
    size = 2.0
    idle[:30] += size * stimulus / stimulus.std()
    idle[30:60] += size * face / face.std()
    found = correlate_neurons(idle, {"stimulus": stimulus, "face": face}, step_s=STEP_S)
    labels = label_neurons(found)["label"].to_numpy()
    assert (labels[:30] == "stimulus").mean() > 0.9
    assert (labels[30:60] == "face").mean() > 0.9
    assert (labels[60:] == "none").mean() > 0.9
    # the correlation alone takes neurons of the face for neurons of the stimulus
    alone = label_neurons(found, rule="shift")["stimulus"].to_numpy()
    assert alone[30:60].mean() > 0.3
    unique = found.query("regressor == 'face'")["unique_variance"].to_numpy()
    assert unique[30:60].mean() > 0.4 > 0.05 > unique[:30].mean()


def test_neurons_that_cannot_be_tested() -> None:
    rng = np.random.default_rng(7)
    traces, face = rng.normal(size=(3, len(TIMES_S))), face_trace(rng)
    traces[1] = 2.0
    found = correlate_neurons(traces, {"face": face}, step_s=STEP_S)
    assert np.isnan(found[["r", "p", "q"]].to_numpy()[1]).all()
    assert found["r"].notna().sum() == 2
    assert label_neurons(found)["label"].tolist()[1] == "none"
    with pytest.raises(ValueError, match="'light' does not vary"):
        correlate_neurons(traces, {"light": np.ones(len(TIMES_S))}, step_s=STEP_S)
    with pytest.raises(ValueError, match="at least one regressor"):
        correlate_neurons(traces, {}, step_s=STEP_S)
    with pytest.raises(ValueError, match="too few for a p value: at least 10 s"):
        shift_test(traces[:, :90], face[:90], step_s=STEP_S)
    traces[2, 5] = np.nan
    with pytest.raises(ValueError, match="1 of 3 traces have missing values, the first is number 2"):
        correlate_neurons(traces, {"face": face}, step_s=STEP_S)
    with pytest.raises(ValueError, match="rule should be"):
        label_neurons(found, rule="strong")


def test_overlap_is_judged_within_animals() -> None:
    rng = np.random.default_rng(8)
    animals = np.repeat(["a", "b"], 500)
    often = np.where(animals == "a", 0.4, 0.05)  # pooled, this alone looks like an overlap
    p: list[float] = []
    for _ in range(500):
        first, second = rng.random((2, 1000)) < often
        p.append(compare_overlap({"face": first, "stimulus": second}, animals)["p"][0])
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09
    pooled = compare_overlap({"face": first, "stimulus": second}, np.full(1000, "all"))
    assert pooled["p"][0] < 0.001
    apart = {"face": np.arange(1000) % 4 == 0, "stimulus": np.arange(1000) % 4 == 1}
    found = compare_overlap(apart, animals).iloc[0]
    assert (found["overlap"], found["ratio"]) == (0, 0) and found["p"] < 1e-9
    assert found["expected"] == pytest.approx(62.5)


def test_venn_counts_add_up() -> None:
    rng = np.random.default_rng(9)
    properties = {name: rng.random(80) < 0.4 for name in ("sucrose", "quinine", "face")}
    found = venn_counts(properties)
    assert len(found) == 8 and found["neurons"].sum() == 80
    both = found[found["sucrose"] & found["quinine"]]["neurons"].sum()
    assert both == (properties["sucrose"] & properties["quinine"]).sum()
    with pytest.raises(ValueError, match="two properties"):
        compare_overlap({"face": properties["face"]}, np.zeros(80))
    with pytest.raises(ValueError, match="one value per neuron"):
        venn_counts({"face": np.zeros(3, bool), "light": np.zeros(4, bool)})
