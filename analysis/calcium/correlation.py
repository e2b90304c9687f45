"""Neurons and what they follow: the stimulus, the face, or both (Dolensek et al. 2020, Fig. 4D-G)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from analysis.calcium.surrogates import MIN_SHIFT_S, check_traces, shift_test


def correlate_neurons(
    traces: np.ndarray,
    regressors: Mapping[str, np.ndarray],
    *,
    step_s: float,
    min_shift_s: float = MIN_SHIFT_S,
    also_given: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Correlate neurons with regressors, each alone and beside the others.

    Parameters
    ----------
    traces : numpy.ndarray
        Fluorescence, shape ``(n_neurons, n_times)``, evenly sampled.
    regressors : mapping of str to numpy.ndarray
        Name, such as ``stimulus`` and ``face``, -> values, shape ``(n_times,)``.
    step_s : float
        Time between two samples (s).
    min_shift_s : float
        Shortest shift of the tests (s), see `analysis.calcium.surrogates`.
    also_given : mapping of str to numpy.ndarray, optional
        Name of a regressor -> further traces, shape ``(n_given, n_times)``, that its unique part may not hold
        either. What is partialled out must be known well: a neuron that follows the face seems to follow the
        stimulus too where the measure of the face is poor, and several measures are better than one.

    Returns
    -------
    pandas.DataFrame
        One row per neuron and regressor: ``neuron regressor r p q r_unique p_unique q_unique
        unique_variance``. ``r`` is Pearson's correlation (Fig. 4D-G) and ``p`` that of circular shifts;
        ``r_unique`` is the correlation with the part of the regressor that the others do not hold, and
        ``unique_variance`` the variance of the neuron that only this regressor explains; ``q`` are p values
        adjusted for the false discovery rate (Benjamini & Hochberg) over the neurons. NaN for a neuron that
        does not vary.

    Raises
    ------
    ValueError
        If there is no regressor, one does not vary, or shapes do not agree.
    """
    if not regressors:
        raise ValueError("name at least one regressor, such as stimulus or face")
    values = {name: check_traces(traces, value)[1] for name, value in regressors.items()}
    for name, value in values.items():
        if np.ptp(value) == 0:
            raise ValueError(f"the regressor {name!r} does not vary, so nothing can follow it")
    parts = []
    for name, value in values.items():
        others = np.array([other for known, other in values.items() if known != name])
        if also_given and name in also_given:
            others = np.concatenate([others.reshape(-1, len(value)), also_given[name]])
        given = others if len(others) else None
        r, p = shift_test(traces, value, step_s=step_s, min_shift_s=min_shift_s)
        r_unique, p_unique = shift_test(traces, value, step_s=step_s, given=given, min_shift_s=min_shift_s)
        parts.append(
            pd.DataFrame(
                {
                    "neuron": np.arange(len(traces)),
                    "regressor": name,
                    "r": r,
                    "p": p,
                    "q": _false_discovery(p),
                    "r_unique": r_unique,
                    "p_unique": p_unique,
                    "q_unique": _false_discovery(p_unique),
                    "unique_variance": _unique_variance(traces, r_unique, given),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _false_discovery(p: np.ndarray) -> np.ndarray:
    """Adjust p values by Benjamini and Hochberg; a missing one is not part of the family."""
    adjusted, known = np.full(len(p), np.nan), ~np.isnan(p)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known])
    return adjusted


def _unique_variance(traces: np.ndarray, r_unique: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    """Return the gain in explained variance: what the others leave over times the squared partial r."""
    centred = traces - traces.mean(axis=1, keepdims=True)
    left = np.ones(len(traces))
    if given is not None:
        design = (given - given.mean(axis=1, keepdims=True)).T
        rest = centred.T - design @ np.linalg.lstsq(design, centred.T, rcond=None)[0]
        with np.errstate(invalid="ignore"):
            left = (rest**2).sum(axis=0) / (centred**2).sum(axis=1)
    return left * r_unique**2


def label_neurons(
    table: pd.DataFrame, *, rule: str = "unique", q: float = 0.05, least_r: float = 0.3
) -> pd.DataFrame:
    """Label each neuron by what it follows.

    Parameters
    ----------
    table : pandas.DataFrame
        As `correlate_neurons` gives it.
    rule : {"unique", "shift", "threshold"}
        ``unique``: the adjusted p value of what a regressor adds to the others; ``shift``: that of the
        correlation alone; ``threshold``: the correlation is at least `least_r`, with no test (as in the
        paper, whose thresholds are not in its text).
    q : float
        Largest adjusted p value.
    least_r : float
        Smallest correlation for ``threshold``; its value is ours.

    Returns
    -------
    pandas.DataFrame
        Index ``neuron``; one boolean column per regressor, and ``label``: the names of the regressors that
        it follows, joined by ``+``, or ``none``. A neuron counts where it goes with the regressor, not
        against it.

    Raises
    ------
    ValueError
        If there is no such rule.

    Examples
    --------
    >>> table = pd.DataFrame({"neuron": [0, 1, 0, 1], "regressor": ["face", "face", "light", "light"],
    ...     "r": [0.5, 0.1, 0.4, -0.6]})
    >>> label_neurons(table, rule="threshold")["label"].tolist()
    ['face+light', 'none']
    """
    if rule == "threshold":
        follows = table["r"] >= least_r
    elif rule in ("shift", "unique"):
        suffix = "_unique" if rule == "unique" else ""
        follows = (table[f"q{suffix}"] <= q) & (table[f"r{suffix}"] > 0)
    else:
        raise ValueError(f"rule should be 'unique', 'shift' or 'threshold', found {rule!r}")
    names = list(dict.fromkeys(table["regressor"]))
    wide = table.assign(follows=follows).pivot(index="neuron", columns="regressor", values="follows")[names]
    wide.columns.name = None
    joined = [
        "+".join(name for name, value in zip(names, row, strict=True) if value) for row in wide.to_numpy(bool)
    ]
    return wide.assign(label=[name or "none" for name in joined])
