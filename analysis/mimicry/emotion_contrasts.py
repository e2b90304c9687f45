"""Estimated means of the emotions in a mixed model, and the differences between them.

Means are taken in the middle of the time that the model covers, which for a model that is linear in time is
the average over the windows; groups count equally. The p values of the differences are given as they are, and
corrected for the number of pairs as in Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.models.design import fixed_effects, typed_table
from analysis.models.formula import parse_formula
from analysis.models.mixed import MixedFit
from analysis.models.trends import mean_contrasts

CONFIDENCE = 0.95
"""Level of the confidence intervals."""


def emotion_means(
    fit: MixedFit, data: pd.DataFrame, *, at: dict[str, list[float]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate the mean of each emotion, and the difference of each pair.

    Parameters
    ----------
    fit : MixedFit
        A model with the factor `emotion`.
    data : pandas.DataFrame
        What it was fitted to.
    at : dict
        Where numeric variables are held, such as ``{"time": [0.0]}``.

    Returns
    -------
    means : pandas.DataFrame
        One row per emotion: `emotion mean se df lower upper`, the last two the 95 % confidence interval.
    differences : pandas.DataFrame
        One row per pair: `first second difference se df t p p_holm lower upper`; `difference` is the first
        emotion's mean minus the second's. NaN where the data cannot tell.

    Examples
    --------
    >>> from analysis.models.mixed import fit_mixed
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"participant": np.repeat(np.arange(20), 12)})
    >>> data["emotion"] = ["angry", "happy"] * 120
    >>> data["emg"] = 0.3 * (data.emotion == "happy") + rng.normal(0, 0.1, 240)
    >>> data["emg"] += rng.normal(0, 0.5, 20)[data.participant]
    >>> means, differences = emotion_means(fit_mixed("emg ~ emotion + (1|participant)", data), data, at={})
    >>> differences[["first", "second", "difference"]].round(1).values.tolist()
    [['angry', 'happy', -0.3]]
    """
    parsed = parse_formula(fit.formula)
    design, _ = fixed_effects(parsed.fixed, typed_table(parsed, data))
    cells, weights = mean_contrasts(design, ["emotion"], at)
    emotions = cells["emotion"].astype(str).tolist()
    means = _with_limits(fit.contrasts(weights).rename(columns={"estimate": "mean"}), "mean")
    means.insert(0, "emotion", emotions)
    pairs = list(combinations(range(len(emotions)), 2))
    tests = fit.contrasts(np.array([weights[i] - weights[j] for i, j in pairs]))
    differences = _with_limits(tests.rename(columns={"estimate": "difference"}), "difference")
    differences.insert(0, "first", [emotions[i] for i, _ in pairs])
    differences.insert(1, "second", [emotions[j] for _, j in pairs])
    differences.insert(7, "p_holm", holm(tests["p"].to_numpy()))
    return means.drop(columns=["t", "p"]), differences


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p values for their number, as Holm (1979) does; NaN stays NaN and is not counted.

    >>> holm(np.array([0.01, 0.04, 0.03, np.nan])).round(6).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    corrected = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return corrected


def _with_limits(table: pd.DataFrame, estimate: str) -> pd.DataFrame:
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, table["df"]) * table["se"]
    return table.assign(lower=table[estimate] - reach, upper=table[estimate] + reach)
