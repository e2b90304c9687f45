"""Which expression the light evokes (Dolensek et al. 2020, Fig. 3C-I)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.faces.comparisons import with_adjusted
from analysis.models.multiplicity import Adjustment
from analysis.models.nonparametric import wilcoxon_one_sample
from analysis.models.small_samples import two_samples


def class_fractions(
    predicted: np.ndarray, animals: np.ndarray, trials: np.ndarray, *, classes: Sequence[str]
) -> pd.DataFrame:
    """Count, for each trial, which share of its frames was taken for each class (Fig. 3F).

    Parameters
    ----------
    predicted : numpy.ndarray
        Class of each frame, from a forest that has learnt the events (`forest.grow_forest`) on other trials.
    animals, trials : numpy.ndarray
        Of each frame.
    classes : sequence of str
        All classes that the forest knows.

    Returns
    -------
    pandas.DataFrame
        One row per trial and class: animal, trial, label (the class) and fraction.

    Examples
    --------
    >>> class_fractions(np.array(["pain", "sweet", "pain", "pain"]), np.array(["m1"] * 4), np.array([1] * 4),
    ...                 classes=["pain", "sweet"])["fraction"].tolist()
    [0.75, 0.25]
    """
    table = pd.DataFrame({"animal": animals, "trial": trials, "label": predicted})
    unknown = set(table["label"]) - set(classes)
    if unknown:
        raise ValueError(
            f"frames are of class {', '.join(sorted(map(str, unknown)))}, which is not among classes"
        )
    shares = pd.crosstab([table["animal"], table["trial"]], table["label"], normalize="index")
    wide = shares.reindex(columns=pd.Index(classes, name="label"), fill_value=0.0)
    return pd.DataFrame({"fraction": wide.stack()}).reset_index()


def fractions_as_paper(fractions: pd.DataFrame, *, chance: float | None = None) -> pd.DataFrame:
    """Compare each class with chance over all trials, by a one-sample Wilcoxon test (Fig. 3F).

    Parameters
    ----------
    fractions : pandas.DataFrame
        As of `class_fractions`, of the trials of one manipulation.
    chance : float, optional
        1 / number of classes by default (14.3 % for seven).

    Returns
    -------
    pandas.DataFrame
        Index label; n, median, w, p. A forest that prefers a class, as every forest does for frames that are
        like none, is above chance without any light: see `fractions_against_control`.
    """
    level = 1 / fractions["label"].nunique() if chance is None else chance
    rows = {
        label: wilcoxon_one_sample(part["fraction"].to_numpy(), against=level)
        for label, part in fractions.groupby("label", sort=False)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("label")


def fractions_against_control(
    fractions: pd.DataFrame,
    groups: Mapping[str, str],
    *,
    first: str = "ChR2",
    second: str = "eYFP",
    before: pd.DataFrame | None = None,
    adjust: Adjustment = "holm",
) -> pd.DataFrame:
    """Compare the classes of animals that can be driven by light with those that cannot (Fig. 3F-G).

    Parameters
    ----------
    fractions : pandas.DataFrame
        As of `class_fractions`, during light.
    groups : mapping of str to str
        Group of each animal.
    first, second : str
        The groups.
    before : pandas.DataFrame, optional
        The same from before the light, which is subtracted trial by trial.
    adjust : str
        Correction over the classes.

    Returns
    -------
    pandas.DataFrame
        One row per class: label, the columns of `small_samples.two_samples` on means of animals, p_adjusted.
        Fractions add up to 1: if one class gains, others lose.

    Raises
    ------
    ValueError
        If an animal has no group, a group has fewer than two animals, or trials before and during differ.
    """
    table = fractions
    if before is not None:
        keys = ["animal", "trial", "label"]
        table = fractions.merge(before, on=keys, how="left", suffixes=("", "_before"))
        if table["fraction_before"].isna().any():
            raise ValueError("some trials have no frames before the light: leave them out, or the comparison")
        table = table.assign(fraction=table["fraction"] - table["fraction_before"])
    group = table["animal"].map(groups)
    if group.isna().any():
        names = ", ".join(map(str, table.loc[group.isna(), "animal"].unique()))
        raise ValueError(f"these animals have no group: {names}")
    means = table.assign(group=group).groupby(["label", "group", "animal"])["fraction"].mean()
    rows = []
    for label in table["label"].unique():
        values = [_values_of(means, label, name) for name in (first, second)]
        rows.append({"label": label, **two_samples(*values)})
    return with_adjusted(pd.DataFrame(rows), adjust)


def normalise_to_dark(scores: pd.DataFrame, *, zero: str, one: str, light: str = "light") -> pd.DataFrame:
    """Scale similarities: without light one prototype lies at 0, another at 1 (Fig. 3I, for the figure only).

    Parameters
    ----------
    scores : pandas.DataFrame
        As of `prototypes.trial_scores`, with a boolean column that says whether the light was on.
    zero, one : str
        Prototype whose mean without light is 0 (pleasure in the paper), and the one at 1 (disgust).
    light : str
        The boolean column.

    Returns
    -------
    pandas.DataFrame
        The scores of the two prototypes with a further column normalised.
    """
    kept = scores[scores["prototype"].isin([zero, one])]
    dark = kept[~kept[light].astype(bool)].groupby("prototype")["during"].mean()
    absent = {zero, one} - set(dark.index)
    if absent:
        raise ValueError(f"there are no scores without light of {', '.join(sorted(absent))}")
    unit = dark[one] - dark[zero]
    if unit <= 0:
        raise ValueError(
            f"without light the face is no more like {one} than like {zero}: there is nothing to scale by"
        )
    return kept.assign(normalised=(kept["during"] - dark[zero]) / unit)


def _values_of(means: pd.Series, label: str, group: str) -> np.ndarray:
    known = means.index.get_level_values("group").unique()
    if group not in known:
        raise ValueError(f"there is no group {group!r}; there are: {', '.join(map(str, known))}")
    return means.loc[(label, group)].to_numpy()
