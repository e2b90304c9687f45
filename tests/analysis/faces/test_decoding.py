"""Decoding: what leaks, what does not, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.faces.decoding import decode, permute_labels, shuffled_control, subtract_baseline
from analysis.faces.folds import make_folds, trial_table
from hardware.simulated.mouse_descriptors import simulate_faces

Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
FEW = {"n_animals": 4, "events": ("neutral", "quinine", "shock"), "n_features": 20, "fs_hz": 5.0}


def frames_of(effect: float, *, seed: int = 1, before: bool = False, **changes: object) -> Columns:
    faces = simulate_faces(rng=np.random.default_rng(seed), effect=effect, **{**FEW, **changes})
    kept = faces.frames["during"].to_numpy() ^ before
    values = subtract_baseline(faces.descriptors, faces.frames["animal"].to_numpy(), ~kept ^ before)
    return values[kept], *(faces.frames[name].to_numpy()[kept] for name in ("label", "animal", "trial"))


def decoded(columns: Columns, scheme: str, **options: object) -> object:
    return decode(*columns, scheme=scheme, rng=np.random.default_rng(2), **{"n_trees": 40, **options})


def test_an_expression_is_recovered_in_animals_that_were_left_out() -> None:
    result = decoded(frames_of(1.5), "animals", n_permutations=19, n_test_trees=20)
    assert result.balanced_accuracy > 0.85
    assert result.p == 0.05
    assert result.n_permutations == 19
    assert result.by_class.loc["shock", "p"] == 0.05
    assert (result.by_class["p_adjusted"] >= result.by_class["p"]).all()
    assert result.by_class["shuffled"].mean() == pytest.approx(1 / 3, abs=0.1)
    np.testing.assert_allclose(result.confusion.sum(axis=1), 1)
    assert result.accuracy.shape == (4, 3)
    assert result.chance == pytest.approx(1 / 3)
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1)
    assert sorted(result.frames) == list(range(len(frames_of(1.5)[0])))


def test_without_an_effect_random_frames_decode_well_and_whole_animals_do_not() -> None:
    columns = frames_of(0.0, n_animals=6)
    frames = decoded(columns, "frames", train_share=0.5, balanced=False)
    animals = decoded(columns, "animals", n_permutations=19, n_test_trees=10)
    assert frames.balanced_accuracy > 0.8
    assert animals.balanced_accuracy < 0.55
    assert animals.p > 0.05


def test_the_papers_pattern_comes_out_of_nothing() -> None:
    columns = frames_of(0.0, fs_hz=15.0)
    table = shuffled_control(*columns, rng=np.random.default_rng(1), n_repeats=3, n_trees=30)
    assert (table["real"] > 0.85).all()
    assert (table["shuffled"] < 0.5).all()
    assert (table["p"] < 0.001).all()


def test_blocked_events_are_decoded_from_drift_and_before_they_come() -> None:
    blocked = {"blocked": True, "drift_s": 600.0, "interval_s": 60.0}
    during = decoded(frames_of(0.0, **blocked), "trials")
    before = decoded(frames_of(0.0, before=True, **blocked), "trials")
    mixed = decoded(frames_of(0.0, drift_s=600.0, interval_s=60.0), "trials")
    assert during.balanced_accuracy > 0.6
    assert before.balanced_accuracy > 0.6
    assert mixed.balanced_accuracy < 0.55


def test_results_do_not_depend_on_the_threads() -> None:
    columns = frames_of(0.3)
    options = {"n_permutations": 8, "n_test_trees": 5}
    one, three = (decoded(columns, "animals", n_threads=n, **options) for n in (1, 3))
    np.testing.assert_array_equal(one.test.permuted, three.test.permuted)
    assert one.test.observed == three.test.observed


def test_a_decoder_at_chance_stops_early_with_the_same_shuffles() -> None:
    columns = frames_of(0.0, seed=3)
    options = {"n_permutations": 60, "n_test_trees": 5}
    whole, short = (decoded(columns, "animals", stop_after=s, **options) for s in (None, 5))
    n = short.n_permutations
    assert short.test.stopped_early
    assert n < 60
    np.testing.assert_array_equal(short.test.permuted, whole.test.permuted[:n])
    assert short.p == pytest.approx(5 / n)
    assert "p" not in short.by_class


@pytest.mark.parametrize("scheme", ["animals", "trials"])
def test_principal_components_are_found_without_the_frames_left_out(scheme: str) -> None:
    columns = frames_of(1.5)
    assert decoded(columns, scheme, pca=8).balanced_accuracy > 0.6
    table = trial_table(*columns[1:])
    spoilt = columns[0].copy()
    left_out = make_folds(table, table.labels, scheme=scheme, rng=np.random.default_rng(1))[0][1]
    spoilt[left_out] *= 1000
    first, second = (
        decoded((values, *columns[1:]), scheme, pca=8).probabilities.argmax(axis=1)[: len(left_out)]
        for values in (columns[0], spoilt)
    )
    assert np.mean(first == second) > 0.5  # frames that are left out change nothing that is learnt


@pytest.mark.parametrize("n_features", [6, 400])
def test_components_are_those_of_scikit_learn(n_features: int) -> None:
    from sklearn.decomposition import PCA

    from analysis.faces.decoding import _components

    rng = np.random.default_rng(4)
    values = rng.normal(size=(60, n_features)) * np.linspace(3, 0.5, n_features)
    centred = values - values.mean(axis=0)
    ours = np.abs(centred @ _components(centred.astype(np.float32), 4))
    theirs = np.abs(PCA(4, svd_solver="full").fit_transform(values))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_labels_are_shuffled_as_whole_trials_within_animals_and_blocks() -> None:
    trial = np.repeat(np.arange(12), 3)
    animal = np.repeat(["m1", "m2"], 18)
    label = np.repeat(list("aabbcc" + "ddeeff"), 3)
    table = trial_table(label, animal, trial, np.repeat([0, 1, 0, 1], 9))
    for seed in range(20):
        shuffled = permute_labels(table, rng=np.random.default_rng(seed))
        for start in range(0, 12, 3):
            assert sorted(shuffled[start : start + 3]) == sorted(table.labels[start : start + 3])


def test_folds_keep_trials_together() -> None:
    columns = frames_of(0.0)
    table = trial_table(*columns[1:])
    rng = np.random.default_rng(1)
    for scheme in ("animals", "trials"):
        folds = make_folds(table, table.labels, scheme=scheme, rng=rng)
        assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(columns[0])))
        for train, test in folds:
            assert not set(table.of_frame[train]) & set(table.of_frame[test])
    for train, test in make_folds(table, table.labels, scheme="trials", rng=rng):
        assert len(set(columns[2][train])) == 1
        assert pd.Series(columns[1][test]).value_counts().nunique() == 1


def test_baseline_is_taken_away() -> None:
    values = np.array([[1.0, 2.0], [3.0, 2.0], [10.0, 0.0], [12.0, 1.0]])
    found = subtract_baseline(values, np.array([1, 1, 2, 2]), np.array([True, False, True, False]))
    np.testing.assert_allclose(found, [[0, 0], [2, 0], [0, 0], [2, 1]])
    with pytest.raises(ValueError, match="2 has no frame at rest"):
        subtract_baseline(values, np.array([1, 1, 2, 2]), np.array([True, False, False, False]))


class TestRefused:
    columns = frames_of(0.0)

    def test_one_animal(self) -> None:
        own = self.columns[2] == "m1"
        with pytest.raises(ValueError, match="use scheme='trials'"):
            decoded(tuple(column[own] for column in self.columns), "animals")

    def test_a_class_of_one_animal(self) -> None:
        label = self.columns[1].astype(object)
        label[(self.columns[2] == "m2") & (label == "shock")] = "escape"
        with pytest.raises(ValueError, match="class escape occurs in one animal only"):
            decoded((self.columns[0], label.astype(str), *self.columns[2:]), "animals")

    def test_a_class_with_one_trial(self) -> None:
        _, label, animal, trial = self.columns
        shock = trial[(animal == "m1") & (label == "shock")]
        kept = ~((animal == "m1") & (label == "shock") & (trial != shock[0]))
        with pytest.raises(ValueError, match="animal m1 has one trial of class shock"):
            decoded(tuple(column[kept] for column in self.columns), "trials")
        assert (
            decoded(tuple(column[kept] for column in self.columns), "animals").accuracy.notna().all(axis=None)
        )

    def test_an_animal_without_a_class_counts_with_its_others(self) -> None:
        kept = ~((self.columns[2] == "m1") & (self.columns[1] == "shock"))
        result = decoded(tuple(column[kept] for column in self.columns), "animals")
        assert np.isnan(result.accuracy.loc["m1", "shock"])
        assert np.isfinite(result.balanced_accuracy)

    def test_two_labels_in_a_trial(self) -> None:
        label = self.columns[1].astype(object)
        label[0] = "other"
        with pytest.raises(ValueError, match="trial 0 of animal m1 has more than one label"):
            decoded((self.columns[0], label.astype(str), *self.columns[2:]), "animals")

    def test_missing_values_and_labels(self) -> None:
        values = self.columns[0].copy()
        values[3, 1] = np.nan
        with pytest.raises(ValueError, match="the first is frame 3"):
            decoded((values, *self.columns[1:]), "animals")
        label = self.columns[1].astype(object)
        label[3] = None
        with pytest.raises(ValueError, match="no label"):
            decoded((self.columns[0], label, *self.columns[2:]), "animals")

    def test_nothing_that_varies(self) -> None:
        with pytest.raises(ValueError, match="no feature varies"):
            decoded((np.ones_like(self.columns[0]), *self.columns[1:]), "animals")

    def test_other_mistakes(self) -> None:
        with pytest.raises(ValueError, match="scheme should be one of"):
            decoded(self.columns, "mice")
        with pytest.raises(ValueError, match="one label, animal and trial per frame"):
            decoded((self.columns[0], self.columns[1][1:], *self.columns[2:]), "animals")
        with pytest.raises(ValueError, match="two classes"):
            decoded((self.columns[0], np.repeat("a", len(self.columns[0])), *self.columns[2:]), "animals")
        with pytest.raises(ValueError, match="pca should be 1 to 20"):
            decoded(self.columns, "animals", pca=21)
