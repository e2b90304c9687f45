"""Random forests that are grown quickly, and read exactly, one frame at a time if need be.

`grow_forest` follows scikit-learn's ``RandomForestClassifier`` rule by rule (see `forest_kernel`) and is
quicker because it sorts ranks. It draws other random numbers, so that a forest differs from scikit-learn's as
scikit-learn's own differ between two seeds; a single tree without any drawing is the same tree.
`forest_predictor` reads a forest of scikit-learn's with the same probabilities, bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.faces.forest_kernel import grow_tree, grown_votes, read_row, read_rows
from analysis.models.processes import check_generator

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

N_TREES = 500
"""Our choice: the paper's number is not in its text. scikit-learn's default was 10, then 100."""
_MOST_CODES = 65_536
_BATCH = 10
"""Trees that are added up together; always the same, so that results do not depend on the threads."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees as flat arrays. Nodes of all trees follow one another; a leaf has feature -1."""

    classes: np.ndarray
    """Names of the classes, in order."""
    n_features: int
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    """Node for values up to the threshold; of a leaf: its row in ``shares``."""
    right: np.ndarray
    shares: np.ndarray
    """Share of each class in each leaf, ``(n_leaves, n_classes)``."""

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.roots)

    def predict_proba(self, descriptors: np.ndarray) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        descriptors : numpy.ndarray
            Shape ``(n_frames, n_features)``; read as float32, as scikit-learn does.

        Returns
        -------
        numpy.ndarray
            Shape ``(n_frames, n_classes)``.
        """
        rows = np.ascontiguousarray(descriptors, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise ValueError(
                f"expected descriptors of shape (n_frames, {self.n_features}), as the forest was grown on, "
                f"found {np.shape(descriptors)}"
            )
        check_finite(rows)
        return read_rows(rows, self.roots, self.feature, self.threshold, self.left, self.right, self.shares)

    def predict(self, descriptors: np.ndarray) -> np.ndarray:
        """Return the most probable class of each frame; among equals the first."""
        return self.classes[self.predict_proba(descriptors).argmax(axis=1)]

    def predict_one(self, descriptor: np.ndarray, into: np.ndarray | None = None) -> np.ndarray:
        """Return the probability of each class for one frame, with as little around it as possible.

        Parameters
        ----------
        descriptor : numpy.ndarray
            Shape ``(n_features,)``, float32, without missing values (not checked: this is for closed loops).
        into : numpy.ndarray, optional
            Where to write, shape ``(n_classes,)``, float64.
        """
        if descriptor.dtype != np.float32 or descriptor.shape != (self.n_features,):
            raise ValueError(
                f"expected one descriptor of {self.n_features} float32 values, found {descriptor.dtype} "
                f"{descriptor.shape}"
            )
        found = np.empty(len(self.classes)) if into is None else into
        read_row(
            descriptor, self.roots, self.feature, self.threshold, self.left, self.right, self.shares, found
        )
        return found


@dataclass(frozen=True, eq=False)
class RankedFeatures:
    """Features as ranks: made once, used by every fold, tree and permutation."""

    codes: np.ndarray
    """``(n_features, n_frames)``, uint16."""
    values: np.ndarray
    starts: np.ndarray
    exact: bool
    """Whether every different value kept a rank of its own."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.codes.shape[1]


def rank_features(descriptors: np.ndarray) -> RankedFeatures:
    """Replace each value by its rank among the values of its feature.

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``; no missing values. Read as float32, as scikit-learn does.

    Returns
    -------
    RankedFeatures
        Ranks and values. A feature with more than 65 536 different values has neighbouring ones put together;
        ``exact`` tells.
    """
    rows = np.asarray(descriptors, np.float32)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"expected descriptors of shape (n_frames, n_features), found {rows.shape}")
    check_finite(rows)
    codes = np.empty(rows.shape[::-1], np.uint16)
    values, starts, exact = [], [0], True
    for number, column in enumerate(np.ascontiguousarray(rows.T)):
        different, rank = np.unique(column, return_inverse=True)
        if len(different) > _MOST_CODES:
            exact = False
            group = np.arange(len(different)) * _MOST_CODES // len(different)
            rank, different = group[rank], different[np.append(np.diff(group) > 0, True)]
        codes[number] = rank
        values.append(different)
        starts.append(starts[-1] + len(different))
    return RankedFeatures(codes, np.concatenate(values), np.array(starts), exact)


def grow_forest(
    descriptors: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    n_trees: int = N_TREES,
    balanced: bool = True,
    n_threads: int = 1,
) -> Forest:
    """Grow a random forest (Dolensek et al. 2020, Fig. 1F and 3F).

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``.
    labels : numpy.ndarray
        Class of each frame.
    rng : numpy.random.Generator
        Source of randomness; the forest does not depend on the number of threads.
    n_trees : int
        Number of trees.
    balanced : bool
        Weigh the classes so that each counts the same, however many frames it has.
    n_threads : int
        Threads that grow trees at the same time.

    Returns
    -------
    Forest
        The trees.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> label = np.repeat(["neutral", "pain"], 50)
    >>> faces = rng.normal(size=(100, 5)) + 3 * (label == "pain")[:, None]
    >>> forest = grow_forest(faces, label, rng=rng, n_trees=20)
    >>> forest.predict(np.array([[0.0] * 5, [3.0] * 5])).tolist()
    ['neutral', 'pain']
    """
    ranked = rank_features(descriptors)
    names, classes, weights = _class_weights(np.asarray(labels), ranked.n_frames, balanced)
    rows = np.arange(ranked.n_frames, dtype=np.int32)

    def grown(seed: int) -> tuple[np.ndarray, ...]:
        return grow_tree(
            ranked.codes, ranked.values, ranked.starts, classes, rows, weights,
            n_drawn_features(len(ranked.codes)), True, seed,
        )  # fmt: skip

    with _threads(n_threads) as mapped:
        trees = list(mapped(grown, tree_seeds(n_trees, rng)))
    return _joined(names, len(ranked.codes), [_with_left(*tree) for tree in trees])


def forest_predictor(forest: RandomForestClassifier) -> Forest:
    """Take over a fitted forest of scikit-learn's, for quick and equal predictions.

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestClassifier
        Fitted, with one output.

    Returns
    -------
    Forest
        Its ``predict_proba`` and ``predict`` give the values of scikit-learn's with ``n_jobs=1``, bit by bit.
    """
    if not hasattr(forest, "estimators_"):
        raise ValueError("the forest has not been fitted yet: call its fit(descriptors, labels) first")
    if getattr(forest, "n_outputs_", 1) != 1:
        raise ValueError(f"a forest with one output is needed, found {forest.n_outputs_}")
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        leaf = tree.children_left < 0
        feature = np.where(leaf, -1, tree.feature).astype(np.int32)
        trees.append((feature, tree.threshold, tree.children_left, tree.children_right, tree.value[:, 0, :]))
    return _joined(np.asarray(forest.classes_), forest.n_features_in_, trees)


def held_out_votes(
    ranked: RankedFeatures,
    classes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    *,
    n_classes: int,
    seeds: np.ndarray,
    balanced: bool = True,
    n_drawn: int | None = None,
) -> np.ndarray:
    """Grow a forest on some frames and return the probabilities of others; no tree is kept.

    Parameters
    ----------
    ranked : RankedFeatures
        All frames.
    classes : numpy.ndarray
        Number of the class of each frame, shape ``(n_frames,)``, uint8.
    train, test : numpy.ndarray
        Which frames to learn from and to predict, as row numbers.
    n_classes : int
        Number of classes; each has a frame in ``train``.
    seeds : numpy.ndarray
        One per tree.
    balanced : bool
        As in `grow_forest`.
    n_drawn : int, optional
        Features drawn at each node; the square root of their number by default.

    Returns
    -------
    numpy.ndarray
        Shape ``(len(test), n_classes)``.
    """
    weights = _weights(classes[train], n_classes, balanced)
    drawn = n_drawn_features(len(ranked.codes)) if n_drawn is None else n_drawn
    votes = np.zeros((len(test), n_classes))
    for start in range(0, len(seeds), _BATCH):
        votes += grown_votes(
            ranked.codes, ranked.values, ranked.starts, classes, train.astype(np.int32), weights, drawn, True,
            seeds[start : start + _BATCH], test.astype(np.int32),
        )  # fmt: skip
    return votes / len(seeds)


def n_drawn_features(n_features: int) -> int:
    """Return how many features are drawn at a node: the square root of all, as in scikit-learn."""
    return max(1, int(np.sqrt(n_features)))


def tree_seeds(n_trees: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a seed for each tree."""
    check_generator(rng)
    if n_trees < 1:
        raise ValueError(f"a forest needs a tree at least, found n_trees = {n_trees}")
    return rng.integers(0, 2**62, size=n_trees)


@contextmanager
def _threads(n_threads: int) -> Iterator:
    """Give a map that works in threads, or in this one."""
    if n_threads < 1:
        raise ValueError(f"n_threads should be 1 or more, found {n_threads}")
    if n_threads == 1:
        yield map
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield pool.map


def _class_weights(
    labels: np.ndarray, n_frames: int, balanced: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return names of the classes, the number of each frame's class, and the weight of each class."""
    if labels.shape != (n_frames,):
        raise ValueError(f"expected one label per frame, {n_frames} in all, found {labels.shape}")
    names, classes = np.unique(labels, return_inverse=True)
    if not 2 <= len(names) <= 255:
        raise ValueError(f"2 to 255 classes are needed, found {len(names)}: {', '.join(map(str, names[:9]))}")
    return names, classes.astype(np.uint8), _weights(classes, len(names), balanced)


def _weights(classes: np.ndarray, n_classes: int, balanced: bool) -> np.ndarray:
    """Return the weight of each class, as scikit-learn's "balanced" does."""
    if not balanced:
        return np.ones(n_classes)
    return len(classes) / (n_classes * np.maximum(1, np.bincount(classes, minlength=n_classes)))


def _with_left(
    feature: np.ndarray, threshold: np.ndarray, _code: np.ndarray, right: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, ...]:
    return feature, threshold, np.arange(1, len(feature) + 1), right, shares


def _joined(names: np.ndarray, n_features: int, trees: Sequence[tuple[np.ndarray, ...]]) -> Forest:
    """Put trees (feature, threshold, left, right, shares) one after the other."""
    sizes = [len(tree[0]) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    feature, threshold, left, right, shares = (
        np.concatenate([tree[column] for tree in trees]) for column in range(5)
    )
    shift = np.repeat(roots, sizes)
    leaf = feature < 0
    left = np.where(leaf, np.cumsum(leaf) - 1, left + shift)
    return Forest(
        names,
        int(n_features),
        roots.astype(np.int32),
        feature.astype(np.int32),
        threshold.astype(np.float64),
        left.astype(np.int32),
        np.where(leaf, 0, right + shift).astype(np.int32),
        np.ascontiguousarray(shares[leaf], np.float64),
    )


def check_finite(rows: np.ndarray) -> None:
    """Refuse missing and infinite values."""
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{len(bad)} of {len(rows)} frames have missing or infinite values, the first is frame {bad[0]}: "
            "leave these frames out (the descriptor file marks them as not valid)"
        )
