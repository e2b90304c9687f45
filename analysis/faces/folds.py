"""Which frames a decoder learns from and which it is asked about: whole animals, whole trials, or frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

Scheme = Literal["animals", "trials", "frames"]
"""What is left out: an animal; a repeat of every class within the animal; or frames at random, whose
neighbours of the same trial are then learnt from (the paper's follow-up code)."""

Fold = tuple[np.ndarray, np.ndarray]
"""Row numbers of the frames to learn from, and of those to predict."""


@dataclass(frozen=True, eq=False)
class TrialTable:
    """Frames and the trials that they belong to."""

    trials: pd.DataFrame
    """One row per trial: animal, trial, label, block, n_frames; in the order of the frames."""
    of_frame: np.ndarray
    """Row of ``trials`` for each frame."""

    @property
    def labels(self) -> np.ndarray:
        """Label of each trial."""
        return self.trials["label"].to_numpy()


def trial_table(
    labels: np.ndarray, animals: np.ndarray, trials: np.ndarray, blocks: np.ndarray | None = None
) -> TrialTable:
    """Find the trials of frames.

    Parameters
    ----------
    labels, animals, trials : numpy.ndarray
        One value per frame; a trial is the same number within the same animal, and has one label.
    blocks : numpy.ndarray, optional
        Part of the session in which every class came once, in random order.

    Returns
    -------
    TrialTable
        Trials in the order in which their first frames come.

    Raises
    ------
    ValueError
        If the arrays do not have the same length, something is missing, or a trial has two labels.
    """
    columns = {"animal": animals, "trial": trials, "label": labels}
    columns["block"] = np.zeros(len(labels), int) if blocks is None else blocks
    lengths = {name: len(np.asarray(column)) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"expected one label, animal and trial per frame, found {lengths}")
    frames = pd.DataFrame({name: np.asarray(column) for name, column in columns.items()})
    if frames.isna().any(axis=None):
        missing = [str(name) for name in frames if frames[name].isna().any()]
        raise ValueError(f"some frames have no {', '.join(missing)}: leave these frames out")
    grouped = frames.groupby(["animal", "trial"], sort=False)
    several = grouped[["label", "block"]].nunique().max(axis=1)
    if (several > 1).any():
        animal, trial = several.index[several > 1][0]
        raise ValueError(
            f"trial {trial} of animal {animal} has more than one label or block: number the trials of an "
            "animal so that each event has a number of its own"
        )
    table = grouped.agg(label=("label", "first"), block=("block", "first"), n_frames=("label", "size"))
    return TrialTable(table.reset_index(), grouped.ngroup().to_numpy())


def make_folds(
    table: TrialTable,
    labels: np.ndarray,
    *,
    scheme: Scheme,
    rng: np.random.Generator,
    train_share: float = 0.15,
) -> list[Fold]:
    """Divide frames into folds.

    Parameters
    ----------
    table : TrialTable
        The trials.
    labels : numpy.ndarray
        Label of each trial; the table's, or shuffled ones.
    scheme : {"animals", "trials", "frames"}
        What is left out.
    rng : numpy.random.Generator
        Draws the frames of ``frames``; not used by the others.
    train_share : float
        Share of an animal's frames that ``frames`` learns from.

    Returns
    -------
    list of tuple
        Rows to learn from and rows to predict. ``trials`` and ``frames`` stay within one animal.

    Raises
    ------
    ValueError
        If a class cannot be learnt or asked about; the message says which and what to do.
    """
    check_scheme(scheme)
    animal_of = table.trials["animal"].to_numpy()
    names = list(dict.fromkeys(animal_of))
    if scheme == "animals":
        _check_animals(table, labels)
        return [_split(table, animal_of != name, animal_of == name) for name in names]
    folds: list[Fold] = []
    for name in names:
        own = animal_of == name
        folds.extend(
            _repeats(table, labels, own, str(name))
            if scheme == "trials"
            else [_random_frames(np.flatnonzero(own[table.of_frame]), train_share, rng)]
        )
    return folds


def check_scheme(scheme: str) -> None:
    """Refuse the name of a scheme that does not exist."""
    if scheme not in get_args(Scheme):
        raise ValueError(f"scheme should be one of {', '.join(get_args(Scheme))}; found {scheme!r}")


def repeats_of(labels: np.ndarray) -> np.ndarray:
    """Return, for each trial of an animal, how many of its class came before it.

    Examples
    --------
    >>> repeats_of(np.array(["pain", "sweet", "pain", "pain"])).tolist()
    [0, 0, 1, 2]
    """
    seen: Counter[Hashable] = Counter()
    found = np.empty(len(labels), int)
    for place, label in enumerate(labels):
        found[place] = seen[label]
        seen[label] += 1
    return found


def order_blocks(labels: np.ndarray) -> np.ndarray:
    """Find the blocks of a session's order: parts in which every event comes once before any comes again.

    Parameters
    ----------
    labels : numpy.ndarray
        Event of each trial of one session of one animal, in the order of the session, excluded trials too.

    Returns
    -------
    numpy.ndarray
        Block of each trial, from 0; all 0 if the order has no such blocks. Labels may be exchanged within a
        block if the order within blocks was drawn at random.

    Examples
    --------
    >>> order_blocks(np.array(["pain", "sweet", "sweet", "pain"])).tolist()
    [0, 0, 1, 1]
    >>> order_blocks(np.array(["pain", "pain", "sweet", "sweet"])).tolist()
    [0, 0, 0, 0]
    """
    labels = np.asarray(labels)
    n_events = len(set(labels.tolist()))
    if n_events == 0 or len(labels) % n_events:
        return np.zeros(len(labels), int)
    whole = all(
        len(set(labels[start : start + n_events].tolist())) == n_events
        for start in range(0, len(labels), n_events)
    )
    return np.arange(len(labels)) // n_events if whole else np.zeros(len(labels), int)


def _split(table: TrialTable, train: np.ndarray, test: np.ndarray) -> Fold:
    return np.flatnonzero(train[table.of_frame]), np.flatnonzero(test[table.of_frame])


def _check_animals(table: TrialTable, labels: np.ndarray) -> None:
    """Refuse one animal, and a class that one animal alone has."""
    found = pd.crosstab(np.asarray(labels), table.trials["animal"].to_numpy()) > 0
    if found.shape[1] < 2:
        raise ValueError(
            f"leaving animals out needs two of them, found one ({found.columns[0]}): use scheme='trials', "
            "which leaves out whole trials, and says nothing about other animals"
        )
    alone = found.index[found.sum(axis=1) < 2]
    if len(alone):
        raise ValueError(
            f"class {', '.join(map(str, alone))} occurs in one animal only: with this animal left out there "
            "is nothing to learn it from. Leave the class out, or use scheme='trials'"
        )


def _repeats(table: TrialTable, labels: np.ndarray, own: np.ndarray, animal: str) -> list[Fold]:
    """Leave out one repeat of every class of an animal at a time."""
    repeat = np.full(len(own), -1)
    repeat[own] = repeats_of(labels[own])
    names, counts = np.unique(labels[own], return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"animal {animal} has one trial of class {', '.join(map(str, names[counts < 2]))}: with "
            "it left out there is nothing to learn the class from. Leave the class out of this animal, or "
            "use scheme='animals'"
        )
    return [_split(table, own & (repeat != left), repeat == left) for left in range(repeat.max() + 1)]


def _random_frames(rows: np.ndarray, train_share: float, rng: np.random.Generator) -> Fold:
    if not 0 < train_share < 1:
        raise ValueError(f"train_share should lie between 0 and 1, found {train_share}")
    mixed = rng.permutation(rows)
    n_train = min(max(1, round(train_share * len(rows))), len(rows) - 1)
    return np.sort(mixed[:n_train]), np.sort(mixed[n_train:])
