"""Whether expressions differ between events, strengths and states (Dolensek et al. 2020, Fig. 2C-G and 3I).

The unit is the animal: its trials are averaged, conditions are compared within it, and what is tested is the
mean of the animals' differences. Three trials of one mouse are not three mice. What the paper did, tests of
Mann-Whitney on all trials and an analysis of variance with Dunnett's comparisons, has functions of its own
here, whose names end in ``_as_paper``. A mixed model of all trials stands beside (`mixed_beside`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from analysis.models.classical import one_way_anova
from analysis.models.mixed import fit_mixed
from analysis.models.multiplicity import Adjustment, adjusted_p
from analysis.models.nonparametric import dunnett, mann_whitney
from analysis.models.small_samples import one_sample


def specificity(
    scores: pd.DataFrame,
    *,
    value: str = "delta_r",
    neutral_label: str = "neutral",
    adjust: Adjustment = "holm",
) -> pd.DataFrame:
    """Compare each event with neutral trials, for each prototype, within animals (Fig. 2C).

    Parameters
    ----------
    scores : pandas.DataFrame
        As of `prototypes.cross_fitted_scores`: columns animal, label, prototype and `value`.
    value : str
        What is compared.
    neutral_label : str
        The trials without an event.
    adjust : str
        Correction over all prototypes and events, see `analysis.models.multiplicity`.

    Returns
    -------
    pandas.DataFrame
        One row per prototype and event: prototype, event, own (whether the prototype is the event's), the
        columns of `small_samples.one_sample`, and p_adjusted.
    """
    rows = []
    for prototype, part in scores.groupby("prototype"):
        means = _animal_means(part, value, "label")
        if neutral_label not in means:
            raise ValueError(f"there are no {neutral_label!r} trials to compare events with")
        for event in means.columns.drop(neutral_label):
            found = _tested(means[event] - means[neutral_label], f"{event} with {neutral_label}")
            rows.append({"prototype": prototype, "event": event, "own": event == prototype, **found})
    return with_adjusted(pd.DataFrame(rows), adjust)


def specificity_as_paper(
    scores: pd.DataFrame, *, value: str = "during", neutral_label: str = "neutral"
) -> pd.DataFrame:
    """Compare events with neutral trials by analysis of variance and Dunnett's comparisons (Fig. 2C).

    Parameters
    ----------
    scores, value, neutral_label
        As in `specificity`; the paper's are of `prototypes.paper_scores`.

    Returns
    -------
    pandas.DataFrame
        One row per prototype and event: prototype, event, own, F, anova_p, estimate, lower, upper, t, p.
        Trials are taken as independent, which they are not: p values are too small.
    """
    parts = []
    for prototype, part in scores.dropna(subset=value).groupby("prototype"):
        anova = one_way_anova(part, value=value, group="label").iloc[0]
        groups = {str(label): rows[value].to_numpy() for label, rows in part.groupby("label")}
        found = dunnett(groups, control=neutral_label).rename_axis("event").reset_index()
        found.insert(0, "prototype", prototype)
        found.insert(2, "own", found["event"] == prototype)
        parts.append(found.assign(F=anova["F"], anova_p=anova["p"]))
    return pd.concat(parts, ignore_index=True)


def compare_conditions(
    scores: pd.DataFrame, condition: str, first: object, second: object, *, value: str = "delta_r"
) -> dict[str, float]:
    """Compare two conditions within animals: thirst, light, before and after conditioning (Fig. 2E-G, 3I).

    Parameters
    ----------
    scores : pandas.DataFrame
        One row per trial, with columns animal, `condition` and `value`, for one prototype.
    condition : str
        Column that names the condition.
    first, second : object
        The two that are compared; animals that have both count.
    value : str
        What is compared.

    Returns
    -------
    dict of str to float
        As of `small_samples.one_sample`, for first minus second.

    Raises
    ------
    ValueError
        If a condition does not occur, or fewer than two animals have both.
    """
    means = _animal_means(_one_prototype(scores), value, condition)
    _check_levels(means.columns, condition, first, second)
    return _tested(means[first] - means[second], f"{condition} {first} with {second}")


def compare_crossover(
    scores: pd.DataFrame,
    condition: str,
    first: object,
    second: object,
    *,
    prototypes: tuple[str, str],
    value: str = "delta_r",
) -> dict[str, float]:
    """Ask whether one expression gives way to another between conditions (Fig. 2E and 2G).

    The difference of first and second in similarity to one prototype minus that to the other, within animals:
    one test for "pleasure goes and disgust comes", instead of two.

    Parameters and result as of `compare_conditions`; ``prototypes`` names the two.
    """
    differences = []
    for name in prototypes:
        part = scores[scores["prototype"] == name]
        if part.empty:
            known = ", ".join(map(str, scores["prototype"].unique()))
            raise ValueError(f"there are no scores of prototype {name!r}; there are: {known}")
        means = _animal_means(part, value, condition)
        _check_levels(means.columns, condition, first, second)
        differences.append(means[first] - means[second])
    return _tested(differences[0] - differences[1], f"{prototypes[0]} with {prototypes[1]}")


def graded_response(
    scores: pd.DataFrame,
    intensity: str = "intensity",
    *,
    value: str = "delta_r",
    scale: Literal["rank", "log", "linear"] = "rank",
) -> dict[str, float]:
    """Ask whether expressions grow with the strength of the stimulus: a slope in each animal (Fig. 2D).

    Parameters
    ----------
    scores : pandas.DataFrame
        One row per trial of one event, with columns animal, `intensity` (a number) and `value`.
    intensity : str
        Column of the strength.
    value : str
        What should grow.
    scale : {"rank", "log", "linear"}
        Steps of equal size from one strength to the next; the logarithm of the strength; or itself.

    Returns
    -------
    dict of str to float
        As of `small_samples.one_sample`, of the slopes (`value` per step or unit).

    Raises
    ------
    ValueError
        If strengths are not numbers, or fewer than two animals had two strengths.
    """
    table = _one_prototype(scores)
    levels = np.sort(table[intensity].unique())
    if not pd.api.types.is_numeric_dtype(table[intensity]) or len(levels) < 2:
        raise ValueError(f"{intensity!r} should be numbers, two different ones at least; found {levels[:9]}")
    if scale == "log" and levels[0] <= 0:
        raise ValueError(f"the logarithm of {intensity!r} needs numbers above 0, found {levels[0]:g}")
    steps = {"rank": np.arange(len(levels)), "log": np.log(np.abs(levels) + (levels == 0)), "linear": levels}
    if scale not in steps:
        raise ValueError(f"scale should be one of {', '.join(steps)}; found {scale!r}")
    step_of = dict(zip(levels, steps[scale], strict=True))
    means = _animal_means(table.assign(step=table[intensity].map(step_of)), value, "step")
    centred = means.notna() * means.columns.to_numpy(float)
    centred = centred.sub(centred.sum(axis=1) / means.notna().sum(axis=1), axis=0).where(means.notna())
    spread = (centred**2).sum(axis=1)
    return _tested((centred * means).sum(axis=1) / spread.where(spread > 0), "slopes with zero")


def compare_as_paper(
    scores: pd.DataFrame, condition: str, first: object, second: object, *, value: str = "during"
) -> dict[str, float]:
    """Compare all trials of two conditions by a Mann-Whitney test, as the paper did (Fig. 2D-G).

    Parameters as of `compare_conditions`, result as of `nonparametric.mann_whitney`. Trials of an animal are
    taken as independent: between groups of animals a true null hypothesis is rejected in 20 % of studies.
    """
    table = _one_prototype(scores)
    _check_levels(table[condition].unique(), condition, first, second)
    groups = (table.loc[table[condition] == level, value].to_numpy() for level in (first, second))
    return mann_whitney(*groups)


def mixed_beside(
    scores: pd.DataFrame, condition: str, first: object, second: object, *, value: str = "delta_r"
) -> dict[str, object]:
    """Compare two conditions by a mixed model of all trials, random intercept and slope for each animal.

    Parameters
    ----------
    scores, condition, first, second, value
        As in `compare_conditions`; the trials need not be equally many.

    Returns
    -------
    dict
        estimate (first minus second), se, df (Kenward-Roger), t, p, model (the formula), and notes (what the
        fit says of itself, such as a singular fit; empty if nothing).
    """
    table = _one_prototype(scores)
    _check_levels(table[condition].unique(), condition, first, second)
    table = table[table[condition].isin([first, second])].dropna(subset=[value])
    code = np.where(table[condition] == first, 0.5, -0.5)
    data = pd.DataFrame({"score": table[value], "code": code, "animal": table["animal"].astype(str)})
    if data["animal"].nunique() < 3:
        raise ValueError("a mixed model needs three animals at least; compare_conditions does with two")
    repeated = data.groupby(["animal", "code"]).size().max() > 1
    formula = f"score ~ code + ({'code' if repeated else '1'}|animal)"
    fit = fit_mixed(formula, data)
    row = fit.coefficients(ddf="kenward-roger").to_dict("index")["code"]
    numbers = {name: float(row[name]) for name in ("estimate", "se", "df", "t", "p")}
    return {**numbers, "model": formula, "notes": "; ".join(fit.warnings)}


def with_adjusted(table: pd.DataFrame, adjust: Adjustment) -> pd.DataFrame:
    """Add p values adjusted over all rows of a table, which has the columns t, df and p."""
    adjusted = adjusted_p(
        table["t"].to_numpy(), table["df"].to_numpy(), adjust, n_means=0, correlation=np.eye(len(table))
    )
    return table.assign(p_adjusted=adjusted)


def _animal_means(table: pd.DataFrame, value: str, column: str) -> pd.DataFrame:
    """Return the mean of each animal (rows) in each condition (columns)."""
    missing = {"animal", value, column} - set(table.columns)
    if missing:
        raise ValueError(f"no column {', '.join(sorted(missing))}; there are: {', '.join(table.columns)}")
    return table.pivot_table(index="animal", columns=column, values=value, aggfunc="mean", observed=True)


def _tested(differences: pd.Series, what: str) -> dict[str, float]:
    known = differences.dropna()
    if len(known) < 2:
        raise ValueError(
            f"comparing {what} within animals needs two animals that have both, found {len(known)}: one "
            "animal says nothing about others. Its trials are in the table of scores"
        )
    return one_sample(known.to_numpy())


def _one_prototype(scores: pd.DataFrame) -> pd.DataFrame:
    """Refuse scores of several prototypes, whose mean would mean nothing."""
    if "prototype" in scores and scores["prototype"].nunique() > 1:
        names = ", ".join(map(str, scores["prototype"].unique()))
        raise ValueError(f"choose the scores of one prototype first; there are {names}")
    return scores


def _check_levels(levels: object, condition: str, first: object, second: object) -> None:
    known = list(pd.unique(pd.Series(levels)))
    absent = [level for level in (first, second) if level not in known]
    if absent:
        raise ValueError(f"{condition} {absent[0]!r} does not occur; there are: {', '.join(map(str, known))}")
