"""The forest: scikit-learn's trees, scikit-learn's probabilities, only quicker."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from analysis.faces import forest as forests
from analysis.faces.forest import forest_predictor, grow_forest, held_out_votes, rank_features, tree_seeds
from analysis.faces.forest_kernel import grow_tree

CLASSES = np.array(["neutral", "pain", "sweet"])


def faces(
    rng: np.random.Generator, n: int = 300, n_features: int = 20, effect: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    classes = rng.integers(0, 3, n)
    shift = effect * rng.normal(size=(3, n_features))
    return (rng.normal(size=(n, n_features)) + shift[classes]).astype(np.float32), CLASSES[classes]


def one_tree(values: np.ndarray, labels: np.ndarray) -> forests.Forest:
    ranked = rank_features(values)
    names, classes = np.unique(labels, return_inverse=True)
    rows = np.arange(len(values), dtype=np.int32)
    tree = grow_tree(
        ranked.codes, ranked.values, ranked.starts, classes.astype(np.uint8), rows, np.ones(len(names)),
        values.shape[1], False, 5,
    )  # fmt: skip
    return forests._joined(names, values.shape[1], [forests._with_left(*tree)])


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("n", [2, 30, 700])
def test_a_tree_is_the_tree_of_scikit_learn(n: int, rounded: bool) -> None:
    rng = np.random.default_rng(n)
    values, labels = faces(rng, n=n, n_features=1)
    labels[:2] = CLASSES[:2]
    values = values.round(1) if rounded else values
    ours, theirs = one_tree(values, labels), DecisionTreeClassifier(random_state=0).fit(values, labels)
    assert len(ours.feature) == theirs.tree_.node_count
    fresh = np.linspace(-5, 5, 5001, dtype=np.float32)[:, None]
    np.testing.assert_allclose(ours.predict_proba(fresh), theirs.predict_proba(fresh), atol=1e-12)


def test_the_first_split_is_the_best_of_all_features() -> None:
    rng = np.random.default_rng(3)
    values, labels = faces(rng, n=400, n_features=50)
    ours, theirs = one_tree(values, labels), DecisionTreeClassifier(random_state=1).fit(values, labels).tree_
    assert ours.feature[0] == theirs.feature[0]
    assert ours.threshold[0] == theirs.threshold[0]


def test_forests_are_as_good_as_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    values, labels = faces(rng, n=1200, effect=0.35)
    learn, ask = slice(0, 600), slice(600, None)
    ours = grow_forest(values[learn], labels[learn], rng=rng, n_trees=300)
    theirs = RandomForestClassifier(300, class_weight="balanced", random_state=0, n_jobs=1)
    theirs.fit(values[learn], labels[learn])
    accuracy = [np.mean(f.predict(values[ask]) == labels[ask]) for f in (ours, theirs)]
    assert abs(accuracy[0] - accuracy[1]) < 0.03
    assert accuracy[0] > 0.5
    assert len(ours.feature) / 300 == pytest.approx(
        np.mean([tree.tree_.node_count for tree in theirs.estimators_]), rel=0.05
    )
    both = np.corrcoef(ours.predict_proba(values[ask]).ravel(), theirs.predict_proba(values[ask]).ravel())
    assert both[0, 1] > 0.97


def test_predictions_equal_scikit_learns_bit_by_bit() -> None:
    rng = np.random.default_rng(5)
    values, labels = faces(rng, n=500, n_features=40)
    theirs = RandomForestClassifier(80, min_samples_leaf=4, max_depth=6, random_state=0, n_jobs=1)
    theirs.fit(values[:400], labels[:400])
    ours = forest_predictor(theirs)
    np.testing.assert_array_equal(ours.predict_proba(values), theirs.predict_proba(values))
    np.testing.assert_array_equal(ours.predict(values), theirs.predict(values))
    np.testing.assert_array_equal(ours.predict_one(values[7]), theirs.predict_proba(values[7:8])[0])


def test_one_row_is_predicted_twenty_times_quicker() -> None:
    rng = np.random.default_rng(6)
    values, labels = faces(rng, n=600, n_features=200)
    theirs = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(values, labels)
    ours = forest_predictor(theirs)
    ours.predict_one(values[0])

    def quickest(predict: object, times: int) -> float:
        spent = []
        for _ in range(5):
            start = time.process_time()
            for row in range(times):
                predict(row)
            spent.append((time.process_time() - start) / times)
        return min(spent)

    theirs_s = quickest(lambda row: theirs.predict_proba(values[row : row + 1]), 5)
    ours_s = quickest(lambda row: ours.predict_one(values[row % 600]), 2000)
    assert theirs_s / ours_s >= 20


def test_a_forest_does_not_depend_on_the_threads() -> None:
    values, labels = faces(np.random.default_rng(7))
    grown = [
        grow_forest(values, labels, rng=np.random.default_rng(1), n_trees=25, n_threads=n) for n in (1, 3)
    ]
    np.testing.assert_array_equal(grown[0].threshold, grown[1].threshold)
    other = grow_forest(values, labels, rng=np.random.default_rng(2), n_trees=25)
    assert not np.array_equal(grown[0].threshold, other.threshold)


def test_votes_are_those_of_the_grown_trees() -> None:
    values, labels = faces(np.random.default_rng(8))
    forest = grow_forest(values, labels, rng=np.random.default_rng(1), n_trees=30)
    _, classes = np.unique(labels, return_inverse=True)
    rows = np.arange(len(values))
    votes = held_out_votes(
        rank_features(values), classes.astype(np.uint8), rows, rows, n_classes=3,
        seeds=tree_seeds(30, np.random.default_rng(1)),
    )  # fmt: skip
    np.testing.assert_allclose(votes, forest.predict_proba(values), atol=1e-12)


def test_constant_features_do_no_harm() -> None:
    rng = np.random.default_rng(9)
    values, labels = faces(rng)
    padded = np.hstack([np.zeros((len(values), 500), np.float32), values])
    forest = grow_forest(padded, labels, rng=rng, n_trees=20)
    assert np.mean(forest.predict(padded) == labels) > 0.95
    assert forest.feature.max() >= 500
    assert (forest.feature[forest.feature >= 0] >= 500).all()


def test_frames_that_are_the_same_with_different_labels_share_a_leaf() -> None:
    values = np.ones((6, 2), np.float32)
    forest = grow_forest(values, CLASSES[[0, 0, 0, 1, 1, 1]], rng=np.random.default_rng(1), n_trees=200)
    assert forest.predict_proba(values[:1])[0] == pytest.approx([0.5, 0.5], abs=0.1)


def test_many_values_are_put_together_and_said() -> None:
    column = np.random.default_rng(1).permutation(70_000).astype(np.float32)[:, None]
    ranked = rank_features(column)
    assert not ranked.exact
    assert ranked.codes.max() == 65_535
    order = np.argsort(column[:, 0])
    assert (np.diff(ranked.codes[0][order].astype(int)) >= 0).all()
    assert rank_features(column[:60_000]).exact


def test_wrong_input_is_said() -> None:
    rng = np.random.default_rng(1)
    values, labels = faces(rng)
    spoilt = values.copy()
    spoilt[4, 2] = np.nan
    with pytest.raises(ValueError, match="frame 4"):
        grow_forest(spoilt, labels, rng=rng)
    with pytest.raises(ValueError, match="2 to 255 classes"):
        grow_forest(values, np.repeat("pain", 300), rng=rng)
    with pytest.raises(ValueError, match="one label per frame"):
        grow_forest(values, labels[1:], rng=rng)
    with pytest.raises(ValueError, match="not been fitted"):
        forest_predictor(RandomForestClassifier())
    forest = grow_forest(values, labels, rng=rng, n_trees=3)
    with pytest.raises(ValueError, match=r"\(n_frames, 20\)"):
        forest.predict(values[:, 1:])
    with pytest.raises(ValueError, match="float32"):
        forest.predict_one(values[0].astype(float))
    with pytest.raises(ValueError, match="random generator"):
        grow_forest(values, labels, rng=3)
