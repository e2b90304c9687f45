"""Which event was it? A random forest reads it from the face (Dolensek et al. 2020, Fig. 1F).

Frames of one trial are nearly the same picture. A decoder that has seen some of them knows the rest, whatever
the face says of the event: with no effect at all, frames left out at random are decoded at 99 %, and shuffled
frames at chance, as in the paper. So whole animals are left out by default (or whole trials), and what chance
is comes from shuffling the labels of whole trials within each animal, with everything done again.

Differences from the paper, whose division into frames to learn from and to test is not in its text: the
preset ``paper`` (`PAPER`) follows the group's later code (15 % of the frames, at random, to learn from).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse.linalg import eigsh
from tqdm import tqdm

from analysis.faces.folds import Fold, Scheme, TrialTable, check_scheme, make_folds, trial_table
from analysis.faces.forest import N_TREES, RankedFeatures, held_out_votes, rank_features, tree_seeds
from analysis.models.nonparametric import mann_whitney
from analysis.models.permutation import (
    PermutationTest,
    largest_of_family,
    permute_within,
    sequential_test,
)
from analysis.models.processes import check_generator

N_TEST_TREES = 50
"""Trees of each forest of the permutation test: ours. Any number gives an exact test."""
_MOST_KNOWN = 200
"""Folds whose components are kept; folds of other schemes than ``animals`` change with the labels."""
PAPER: dict[str, Any] = {"scheme": "frames", "balanced": False, "train_share": 0.15}
"""Arguments of `decode` for the paper's preset. Source: follow-up code of the group; the paper is silent."""


@dataclass(frozen=True, eq=False)
class DecodingResult:
    """What a decoder made of frames that it had not seen."""

    scheme: Scheme
    classes: np.ndarray
    frames: np.ndarray
    """Rows that were predicted; with ``frames`` those not learnt from."""
    probabilities: np.ndarray
    """Of each class for each of these, ``(n_predicted, n_classes)``."""
    confusion: pd.DataFrame
    """Index true class, columns predicted class: share of the frames of a true class, mean of the animals."""
    accuracy: pd.DataFrame
    """Index animal, columns class: share of its frames that were recognised; NaN: the animal has none."""
    balanced_accuracy: float
    """Mean over classes, then over animals."""
    chance: float
    """1 / number of classes."""
    test: PermutationTest | None
    """The permutation test; None if none was asked for."""
    by_class: pd.DataFrame
    """Index class; accuracy (mean of the animals), sd, and, if all shuffles were made, the mean of the
    shuffles, p, and p adjusted for the number of classes (largest of each shuffle)."""

    @property
    def p(self) -> float:
        """P value of the permutation test; NaN if there was none."""
        return float("nan") if self.test is None else self.test.p

    @property
    def n_permutations(self) -> int:
        """Shuffles that were made."""
        return 0 if self.test is None else self.test.n_permutations


@dataclass(frozen=True, eq=False)
class _Work:
    """What every shuffle needs."""

    descriptors: np.ndarray
    ranked: RankedFeatures | None
    table: TrialTable
    classes: np.ndarray
    scheme: Scheme
    balanced: bool
    train_share: float
    pca: int | None
    animal: np.ndarray
    """Number of the animal of each frame."""
    folds: list[Fold] | None
    """The folds, where they do not depend on labels: shuffles within animals keep what each animal has."""
    known_components: dict[bytes, RankedFeatures]


def decode(
    descriptors: np.ndarray,
    labels: np.ndarray,
    animals: np.ndarray,
    trials: np.ndarray,
    *,
    rng: np.random.Generator,
    scheme: Scheme = "animals",
    n_trees: int = N_TREES,
    balanced: bool = True,
    n_permutations: int = 0,
    n_test_trees: int = N_TEST_TREES,
    stop_after: int | None = None,
    blocks: np.ndarray | None = None,
    pca: int | None = None,
    train_share: float = 0.15,
    n_threads: int = 1,
    progress: bool = False,
) -> DecodingResult:
    """Decode the event from the face, on frames that the decoder has not seen (Fig. 1F).

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``: frames of all animals that belong to an event or to neutral trials.
        Animals differ in their looks: take away what each looks like at rest first (`subtract_baseline`).
    labels, animals, trials : numpy.ndarray
        One value per frame. Trials are numbered within an animal in the order of the session.
    rng : numpy.random.Generator
        Source of randomness; the result does not depend on the number of threads.
    scheme : {"animals", "trials", "frames"}
        What is left out, see `analysis.faces.folds`. ``frames`` cannot be interpreted; it is for comparison.
    n_trees : int
        Trees of the forest whose accuracy is reported.
    balanced : bool
        Let every class count the same while learning.
    n_permutations : int
        Shuffles of trial labels within animals, each with all folds grown anew; 0: no test. 99 are enough for
        p = 0.01.
    n_test_trees : int
        Trees of the forests of the test. The test compares the data, decoded with as many trees, with the
        shuffles, so that its p value is exact with any number; more trees make it a little more powerful.
    stop_after : int, optional
        Stop after this many shuffles as good as the data (Besag & Clifford): the p value stays exact, and a
        decoder at chance is found out soon. With 10, p values above 0.1 come with a tenth of the effort.
    blocks : numpy.ndarray, optional
        Block of each frame's trial: labels are then exchanged within a block of an animal only. Needed where
        the order of events was random within blocks.
    pca : int, optional
        Decode this many principal components instead of the features. An approximation that you choose: other
        forests, many times quicker. The components are those of the frames to learn from. They do not depend
        on labels, so all shuffles share them, and the test is as exact.
    train_share : float
        See `analysis.faces.folds.make_folds`.
    n_threads : int
        Threads for the shuffles.
    progress : bool
        Show a progress bar.

    Returns
    -------
    DecodingResult
        Confusion, accuracy and test.

    Raises
    ------
    ValueError
        If values are missing, a class cannot be left out, or there is one class only.

    Notes
    -----
    Shuffling labels of trials is exact if the order of events was drawn at random (within animals, or within
    their blocks). If each event was given in a row of its own, drift of the session and event are one and the
    same, and no analysis can tell them apart: decode the frames before the events too. They are a negative
    control, and should come out at chance.
    """
    check_generator(rng)
    check_scheme(scheme)
    table = trial_table(labels, animals, trials, blocks)
    names, classes = np.unique(table.labels, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"decoding needs two classes at least, found {', '.join(map(str, names)) or 'none'}")
    values = _checked(descriptors, len(table.of_frame), pca)
    ranked = rank_features(values) if pca is None else None
    animal = pd.factorize(table.trials["animal"])[0][table.of_frame]
    whole = None if scheme == "frames" else make_folds(table, table.labels, scheme=scheme, rng=rng)
    kept = whole if scheme == "animals" else None
    work = _Work(values, ranked, table, names, scheme, balanced, train_share, pca, animal, kept, {})
    folds, probabilities = _predicted(work, classes, n_trees, rng)
    recall = _recalls(work, classes, folds, probabilities)
    test, permuted = None, None
    if n_permutations:
        tested = (n_permutations, n_test_trees, stop_after, n_threads, progress)
        test, permuted = _permutation_test(work, classes, rng, *tested)
    return _result(work, classes, folds, probabilities, recall, test, permuted)


def subtract_baseline(descriptors: np.ndarray, groups: np.ndarray, is_baseline: np.ndarray) -> np.ndarray:
    """Take away from each frame what the face looks like at rest.

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``.
    groups : numpy.ndarray
        Animal of each frame, or a number of its own for each trial of each animal (which takes slow drift
        away as well).
    is_baseline : numpy.ndarray
        Which frames count as rest, boolean.

    Returns
    -------
    numpy.ndarray
        Same shape, float32.

    Raises
    ------
    ValueError
        If a group has no frame at rest.
    """
    values = np.asarray(descriptors, np.float32)
    result = np.empty_like(values)
    for group in pd.unique(np.asarray(groups)):
        own = np.asarray(groups) == group
        rest = own & np.asarray(is_baseline, bool)
        if not rest.any():
            raise ValueError(f"{group} has no frame at rest to compare with: mark some, or leave it out")
        result[own] = values[own] - values[rest].mean(axis=0, dtype=np.float64).astype(np.float32)
    return result


def permute_labels(table: TrialTable, *, rng: np.random.Generator) -> np.ndarray:
    """Shuffle the labels of whole trials within each animal, and within its blocks if it has some.

    Parameters
    ----------
    table : TrialTable
        The trials.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        New label of each trial.
    """
    return permute_within(table.labels, _exchangeable(table), rng=rng)


def shuffled_control(
    descriptors: np.ndarray,
    labels: np.ndarray,
    animals: np.ndarray,
    trials: np.ndarray,
    *,
    rng: np.random.Generator,
    n_repeats: int = 20,
    n_trees: int = 100,
    preset: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Decode as the paper did, with real and with temporally shuffled frames (Fig. 1F, both halves).

    Parameters
    ----------
    descriptors, labels, animals, trials : numpy.ndarray
        As in `decode`.
    rng : numpy.random.Generator
        Source of randomness.
    n_repeats : int
        How often the frames are divided anew.
    n_trees : int
        Trees of each forest.
    preset : dict, optional
        Arguments of `decode`; `PAPER` by default.

    Returns
    -------
    pandas.DataFrame
        Index class; accuracy and sd (over animals and repeats) of real and of shuffled frames, and the
        Mann-Whitney test between them: real, real_sd, shuffled, shuffled_sd, u, p. The p value takes animals
        and repeats as independent, and frames that are neighbours as unrelated: it is the paper's, and holds
        for nothing.
    """
    animals, frame = np.asarray(animals), np.arange(len(labels))
    real, mixed = [], []
    for _ in range(n_repeats):
        options = {**PAPER, **(preset or {}), "n_trees": n_trees, "rng": rng}
        real.append(decode(descriptors, labels, animals, trials, **options).accuracy)
        shuffled = permute_within(np.asarray(labels), animals, rng=rng)
        each_frame = {**options, "scheme": "frames"}
        mixed.append(decode(descriptors, shuffled, animals, frame, **each_frame).accuracy)
    tables = pd.concat(real), pd.concat(mixed)
    rows = {}
    for name in tables[0].columns:
        first, second = tables[0][name].to_numpy(), tables[1][name].to_numpy()
        test = mann_whitney(first, second)
        rows[name] = {
            "real": np.nanmean(first), "real_sd": np.nanstd(first, ddof=1), "shuffled": np.nanmean(second),
            "shuffled_sd": np.nanstd(second, ddof=1), "u": test["u"], "p": test["p"],
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("class")


def _checked(descriptors: np.ndarray, n_frames: int, pca: int | None) -> np.ndarray:
    """Return descriptors as float32, if nothing is missing."""
    values = np.asarray(descriptors, np.float32)
    if values.ndim != 2 or len(values) != n_frames:
        raise ValueError(f"expected one descriptor per label, {n_frames} in all, found {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{len(bad)} of {n_frames} frames have missing values, the first is frame {bad[0]}: leave these "
            "frames out (the descriptor file marks them as not valid)"
        )
    if not np.ptp(values, axis=0).any():
        raise ValueError("no feature varies between frames: there is nothing to decode from")
    if pca is not None and not 1 <= pca <= min(values.shape):
        raise ValueError(f"pca should be 1 to {min(values.shape)} components, found {pca}")
    return values


def _exchangeable(table: TrialTable) -> np.ndarray:
    return table.trials.groupby(["animal", "block"], sort=False).ngroup().to_numpy()


def _predicted(
    work: _Work, classes: np.ndarray, n_trees: int, rng: np.random.Generator
) -> tuple[list[Fold], list[np.ndarray]]:
    """Predict every fold, for classes of the trials (their own or shuffled ones)."""
    options: dict[str, Any] = {"scheme": work.scheme, "rng": rng, "train_share": work.train_share}
    folds = make_folds(work.table, classes, **options) if work.folds is None else work.folds
    frame_classes = classes[work.table.of_frame].astype(np.uint8)
    return folds, [
        held_out_votes(
            _features(work, train), frame_classes, train, test,
            n_classes=len(work.classes), seeds=tree_seeds(n_trees, rng), balanced=work.balanced,
        )
        for train, test in folds
    ]  # fmt: skip


def _features(work: _Work, train: np.ndarray) -> RankedFeatures:
    """Return the features, or the principal components of the frames to learn from."""
    if work.ranked is not None:
        return work.ranked
    key = train.tobytes()
    found = work.known_components.get(key)
    if found is None:
        centred = work.descriptors - work.descriptors[train].mean(axis=0)
        found = rank_features(centred @ _components(centred[train], work.pca or 1))
        if len(work.known_components) < _MOST_KNOWN:
            work.known_components[key] = found
    return found


def _components(centred: np.ndarray, n_components: int) -> np.ndarray:
    """Return principal components as columns, from the smaller of the two products."""
    centred = centred.astype(np.float64)
    wide = centred.shape[1] > centred.shape[0]
    vectors = _largest_vectors(centred @ centred.T if wide else centred.T @ centred, n_components)
    if not wide:
        return vectors.astype(np.float32)
    found = centred.T @ vectors
    return (found / np.maximum(np.linalg.norm(found, axis=0), 1e-12)).astype(np.float32)


def _largest_vectors(product: np.ndarray, n_components: int) -> np.ndarray:
    """Return the eigenvectors of the largest eigenvalues as columns; by Lanczos where few are wanted."""
    size = len(product)
    if n_components > size // 5:
        return np.linalg.eigh(product)[1][:, ::-1][:, :n_components]
    start = np.random.default_rng(0).normal(size=size)  # the same start each time: the same components
    sizes, vectors = eigsh(product, n_components, v0=start)
    return vectors[:, np.argsort(sizes)[::-1]]


def _recalls(
    work: _Work, classes: np.ndarray, folds: list[Fold], probabilities: list[np.ndarray]
) -> np.ndarray:
    """Return the share of recognised frames, ``(n_animals, n_classes, n_classes)``: true, predicted."""
    frame_classes = classes[work.table.of_frame]
    counts = np.zeros((work.animal.max() + 1, len(work.classes), len(work.classes)))
    for (_, test), votes in zip(folds, probabilities, strict=True):
        np.add.at(counts, (work.animal[test], frame_classes[test], votes.argmax(axis=1)), 1.0)
    totals = counts.sum(axis=2, keepdims=True)
    return np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)


def _diagonals(recall: np.ndarray) -> np.ndarray:
    return np.diagonal(recall, axis1=1, axis2=2)


def _balanced(recall: np.ndarray) -> float:
    """Return the accuracy, mean over the classes of an animal, then over animals."""
    return float(np.nanmean(_diagonals(recall), axis=1).mean())


def _permutation_test(
    work: _Work,
    classes: np.ndarray,
    rng: np.random.Generator,
    n_permutations: int,
    n_test_trees: int,
    stop_after: int | None,
    n_threads: int,
    progress: bool,
) -> tuple[PermutationTest, np.ndarray]:
    """Decode the data and shuffles of it alike; return the test and the accuracy of each class."""
    groups = _exchangeable(work.table)
    seeds = rng.integers(0, 2**62, size=n_permutations + 1)

    def accuracies(number: int) -> np.ndarray:
        own = np.random.default_rng(seeds[number])
        shuffled = classes if number == 0 else permute_within(classes, groups, rng=own)
        return _recalls(work, shuffled, *_predicted(work, shuffled, n_test_trees, own))

    observed = accuracies(0)
    by_class = [np.nanmean(_diagonals(observed), axis=0)]

    def permuted() -> Iterator[float]:
        numbers = range(1, n_permutations + 1)
        bar = tqdm(total=n_permutations, desc="Shuffles", unit="shuffle", disable=not progress, leave=False)
        with bar:
            for recall in _in_threads(accuracies, numbers, n_threads):
                by_class.append(np.nanmean(_diagonals(recall), axis=0))
                bar.update()
                yield _balanced(recall)

    test = sequential_test(
        _balanced(observed), permuted(), n_permutations=n_permutations, stop_after=stop_after
    )
    return test, np.array(by_class)


def _in_threads(work: Callable[[int], np.ndarray], numbers: range, n_threads: int) -> Iterator[np.ndarray]:
    """Yield results in order, with no more work begun than the threads have to do."""
    if n_threads < 1:
        raise ValueError(f"n_threads should be 1 or more, found {n_threads}")
    if n_threads == 1:
        yield from map(work, numbers)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[Future[np.ndarray]] = deque()
        try:
            for number in numbers:
                waiting.append(pool.submit(work, number))
                if len(waiting) >= 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _result(
    work: _Work,
    classes: np.ndarray,
    folds: list[Fold],
    probabilities: list[np.ndarray],
    recall: np.ndarray,
    test: PermutationTest | None,
    permuted: np.ndarray | None,
) -> DecodingResult:
    """Put numbers into tables."""
    names = pd.Index(work.classes, name="class")
    animals = pd.Index(pd.unique(work.table.trials["animal"]), name="animal")
    accuracy = pd.DataFrame(_diagonals(recall), index=animals, columns=names)
    by_class = pd.DataFrame({"accuracy": accuracy.mean(), "sd": accuracy.std()})
    if test is not None and permuted is not None and not test.stopped_early:
        as_good = (permuted[1:] >= permuted[0] - 1e-9).sum(axis=0)
        by_class["shuffled"] = permuted[1:].mean(axis=0)
        by_class["p"] = (1 + as_good) / len(permuted)
        by_class["p_adjusted"] = largest_of_family(permuted[0], permuted[1:])
    return DecodingResult(
        scheme=work.scheme,
        classes=work.classes,
        frames=np.concatenate([test_rows for _, test_rows in folds]),
        probabilities=np.concatenate(probabilities),
        confusion=pd.DataFrame(np.nanmean(recall, axis=0), index=names.rename("true"), columns=names),
        accuracy=accuracy,
        balanced_accuracy=_balanced(recall),
        chance=1 / len(work.classes),
        test=test,
        by_class=by_class,
    )
