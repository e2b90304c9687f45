"""Which of several models predicts best what it has not seen, and how sure that is.

What is left out decides what is asked. When models differ in an effect of something that varies between
participants (a drug, a diagnosis), whole participants must be left out: the question is how well a *new
participant* is predicted, so a participant's own effects are integrated out of the density of all their data.
Leaving out single observations asks another question (how well a missing value of a known participant is
predicted), to which the participant's own effects already hold most of the answer; with few observations per
effect the importance weights are then heavy-tailed. In a simulated study of 130 participants with asymptotic
regressions, 5 to 7 % of the observations had a Pareto k above 0.7, and the weight of one model went from .47
to .001 when other chains of the same fit were used; with whole participants left out, at most one of the 130
had such a k, and weights differed by .01 between halves of the draws. `compare_models` therefore judges by
participants when it can, and shows the others beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.models.judgement import UNRELIABLE_COLUMN, Judgement, judge
from analysis.models.model_weights import akaike_weights, pseudo_bma_plus, stacking
from analysis.models.predictive import PredictiveDensity, psis_loo, relative_efficiency, waic

__all__ = [
    "Judgement",
    "PredictiveDensity",
    "akaike_weights",
    "compare_models",
    "judge",
    "pseudo_bma_plus",
    "psis_loo",
    "stacking",
    "waic",
]

_N_BLOCKS = 8
"""Blocks of draws that are left out in turn for the Monte-Carlo errors: half a chain each, with 4 chains."""
_N_RESAMPLES = 2000
_MAIN_WEIGHT = {"participant": "pseudo_bma", "loo": "akaike", "waic": "akaike"}


class ComparableFit(Protocol):
    """A fitted model that tells the log density of its data under each draw."""

    def subject_log_likelihood(self) -> np.ndarray:
        """(n_chains, n_draws, n_subjects); all effects of the subject integrated out."""

    def pointwise_log_likelihood(self) -> np.ndarray:
        """(n_chains, n_draws, n_observations); given the effects of the subject."""


@dataclass(frozen=True)
class _Evaluation:
    """Quantities of all models from one set of draws; arrays (n_models,)."""

    elpd: np.ndarray
    akaike: np.ndarray
    pseudo_bma: np.ndarray
    stacking: np.ndarray


def compare_models(
    models: Mapping[str, ComparableFit | np.ndarray], *, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Compare models by leave-one-participant-out, PSIS-LOO and WAIC, with weights and Monte-Carlo errors.

    Parameters
    ----------
    models : mapping
        Name to fit; or name to log-likelihoods (n_chains, n_draws, n_units), which are compared by PSIS-LOO
        and WAIC alone, whatever their units are. All models must describe the same data.
    seed : int
        Of the Bayesian bootstrap behind the pseudo-BMA+ weights.
    progress : bool
        Whether to show a progress bar (comparing observations takes about ten seconds a model).

    Returns
    -------
    pandas.DataFrame
        Index model, best first. For each criterion CRITERION of ``participant`` (fits only), ``loo`` and
        ``waic``:

        - ``elpd_CRITERION``, ``se_CRITERION``: expected log density of new units (higher is better) and its
          standard error; ``p_CRITERION``: effective number of parameters;
        - ``diff_CRITERION``, ``se_diff_CRITERION``: difference to the best model, and its standard error from
          the paired differences of the units; ``mcse_diff_CRITERION``: its Monte-Carlo error;
        - ``CRITERION_akaike``: exp(-IC / 2), normalised, as in Table 2 of Korb et al. (2023);
          ``CRITERION_pseudo_bma``: pseudo-BMA+; ``CRITERION_stacking``; each with ``..._mcse``, the
          Monte-Carlo error, and ``..._change``, the difference between the two halves of the draws;
        - ``CRITERION_weight`` (and ``_mcse``, ``_change``): the one of them to look at first, pseudo-BMA+ for
          participants, the paper's for the others;
        - ``n_bad_k_participant``, ``n_bad_k`` (loo), ``n_bad_p`` (waic): units for which the criterion fails.

        And ``preferred``: True for the model with the highest ``elpd_participant`` (``elpd_loo`` for plain
        log-likelihoods).

    Raises
    ------
    ValueError
        If there are fewer than two models, or they do not have the same units.

    Notes
    -----
    Monte-Carlo errors are from a jackknife over eighths of the draws. They tell what other chains would have
    given; the standard errors tell what other participants would have given.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y = rng.normal(0.5, 1, size=80)
    >>> mean = rng.normal(y.mean(), 80**-0.5, size=(4, 250, 1))
    >>> table = compare_models({"mean": -0.5 * (y - mean) ** 2, "zero": -0.5 * (y - 0 * mean) ** 2})
    >>> list(table.index), table["diff_loo"].round(1).tolist(), table["loo_weight"].round(3).tolist()
    (['mean', 'zero'], [0.0, -6.5], [0.998, 0.002])
    >>> for sentence in judge(table).sentences:
    ...     print(sentence)
    Model 'mean' predicts new observations best (weight 1.00, stacking 1.00).
    Model 'zero' comes next, 6.5 lower in expected log density (SE 3.2): clearly worse.
    """
    if not isinstance(models, Mapping):
        raise ValueError(
            f"give the models by name, {{'both': fit, 'none': fit}}; got {type(models).__name__}"
        )
    if len(models) < 2:
        raise ValueError(f"a comparison needs two models or more; there are {len(models)}")
    plain = _all_plain(models)
    n_steps = 2 * (_N_BLOCKS + 3) if plain else 3 * (_N_BLOCKS + 3) + 2 * len(models)
    columns: dict[str, np.ndarray] = {}
    with tqdm(total=n_steps, desc="comparing models", disable=not progress, leave=False) as bar:
        sets = _plain_sets(models) if plain else _sets_of_fits(models, bar.update)
        for criterion, draws in sets.items():
            columns |= _compare(criterion, draws, seed, bar.update)
    judged = "loo" if plain else "participant"
    table = pd.DataFrame(columns, index=pd.Index(list(models), name="model"))
    table = table.sort_values(f"elpd_{judged}", ascending=False, kind="stable")
    return table.assign(preferred=np.arange(len(table)) == 0)


def _all_plain(models: Mapping[str, ComparableFit | np.ndarray]) -> bool:
    """Whether all models are given as log-likelihoods."""
    plain = [isinstance(model, np.ndarray) for model in models.values()]
    if any(plain) and not all(plain):
        raise ValueError("compare fits with fits, or log-likelihoods with log-likelihoods, not both at once")
    unsuited = [name for name, model in models.items() if not hasattr(model, "subject_log_likelihood")]
    if unsuited and not all(plain):
        raise ValueError(
            f"{unsuited[0]!r} is no fit of fit_asymptotic, and no array of log-likelihoods; "
            "mixed models are compared by likelihood_ratio"
        )
    return all(plain)


def _plain_sets(models: Mapping[str, Any]) -> dict[str, list[np.ndarray]]:
    """Criterion to log-likelihoods of all models."""
    units = _same_units(dict(models))
    return {"loo": units, "waic": units}


def _sets_of_fits(models: Mapping[str, Any], advance: Callable[[int], object]) -> dict[str, list[np.ndarray]]:
    """Criterion to log-likelihoods of all models; by participants first."""
    subjects, observations = {}, {}
    for name, fit in models.items():
        subjects[name] = fit.subject_log_likelihood()
        advance(1)
        observations[name] = fit.pointwise_log_likelihood()
        advance(1)
    by_observation = _same_units(observations)
    return {"participant": _same_units(subjects), "loo": by_observation, "waic": by_observation}


def _same_units(log_likelihoods: dict[str, np.ndarray]) -> list[np.ndarray]:
    shapes = {name: np.shape(draws) for name, draws in log_likelihoods.items()}
    if any(len(shape) != 3 for shape in shapes.values()):
        raise ValueError(f"log-likelihoods must have the dimensions (chain, draw, unit); theirs are {shapes}")
    if len({shape[2] for shape in shapes.values()}) > 1:
        raise ValueError(
            "models can only be compared on the same data; their numbers of units are "
            + ", ".join(f"{name}: {shape[2]}" for name, shape in shapes.items())
        )
    few = [name for name, shape in shapes.items() if shape[0] * shape[1] < 20 * _N_BLOCKS]
    if few:
        raise ValueError(f"a comparison needs {20 * _N_BLOCKS} draws or more; {few[0]!r} has fewer")
    return list(log_likelihoods.values())


def _compare(
    criterion: str, draws: list[np.ndarray], seed: int, advance: Callable[[int], object]
) -> dict[str, np.ndarray]:
    """All columns of one criterion, in the order of the models."""
    efficiencies = [relative_efficiency(d) for d in draws]
    densities = [
        _density(criterion, d, efficiency) for d, efficiency in zip(draws, efficiencies, strict=True)
    ]
    pointwise = np.column_stack([density.pointwise for density in densities])
    full = _evaluate(pointwise, seed)
    advance(1)

    def evaluated(selections: list[np.ndarray]) -> _Evaluation:
        parts = [
            _density(criterion, _pooled(d)[chosen][None], efficiency).pointwise
            for d, chosen, efficiency in zip(draws, selections, efficiencies, strict=True)
        ]
        advance(1)
        return _evaluate(np.column_stack(parts), seed)

    left_out = [evaluated([_without(len(_pooled(d)), block) for d in draws]) for block in range(_N_BLOCKS)]
    halves = [evaluated([_half(len(_pooled(d)), half) for d in draws]) for half in (0, 1)]
    return _columns(criterion, densities, pointwise, full, left_out, halves)


def _columns(
    criterion: str,
    densities: list[PredictiveDensity],
    pointwise: np.ndarray,
    full: _Evaluation,
    left_out: list[_Evaluation],
    halves: list[_Evaluation],
) -> dict[str, np.ndarray]:
    best = int(np.argmax(full.elpd))
    differences = pointwise - pointwise[:, [best]]
    columns = {
        f"elpd_{criterion}": full.elpd,
        f"se_{criterion}": np.array([density.se for density in densities]),
        f"p_{criterion}": np.array([density.p for density in densities]),
        f"diff_{criterion}": differences.sum(axis=0),
        f"se_diff_{criterion}": np.sqrt(len(pointwise) * differences.var(axis=0, ddof=1)),
        f"mcse_diff_{criterion}": _jackknife(np.array([e.elpd - e.elpd[best] for e in left_out])),
    }
    columns[f"mcse_diff_{criterion}"][best] = np.nan
    for kind in ("akaike", "pseudo_bma", "stacking"):
        columns |= {
            f"{criterion}_{kind}": getattr(full, kind),
            f"{criterion}_{kind}_mcse": _jackknife(np.array([getattr(e, kind) for e in left_out])),
            f"{criterion}_{kind}_change": np.abs(getattr(halves[0], kind) - getattr(halves[1], kind)),
        }
    for suffix in ("", "_mcse", "_change"):
        columns[f"{criterion}_weight{suffix}"] = columns[f"{criterion}_{_MAIN_WEIGHT[criterion]}{suffix}"]
    unreliable = np.array([int(density.unreliable.sum()) for density in densities])
    return columns | {UNRELIABLE_COLUMN[criterion]: unreliable}


def _evaluate(pointwise: np.ndarray, seed: int) -> _Evaluation:
    elpd = pointwise.sum(axis=0)
    bootstrap = np.random.default_rng(seed)
    return _Evaluation(
        elpd,
        akaike_weights(elpd),
        pseudo_bma_plus(pointwise, rng=bootstrap, n_resamples=_N_RESAMPLES),
        stacking(pointwise),
    )


def _density(criterion: str, draws: np.ndarray, efficiency: np.ndarray) -> PredictiveDensity:
    return waic(draws) if criterion == "waic" else psis_loo(draws, efficiency=efficiency)


def _pooled(draws: np.ndarray) -> np.ndarray:
    return draws.reshape(-1, draws.shape[2])


def _without(n: int, block: int) -> np.ndarray:
    """Which draws remain when one of the blocks is left out, the draws in the order of the chains."""
    return np.arange(n) * _N_BLOCKS // n != block


def _half(n: int, half: int) -> np.ndarray:
    """Which draws are in one half: the first chains or the last ones."""
    return np.arange(n) * 2 // n == half


def _jackknife(values: np.ndarray) -> np.ndarray:
    """Standard error from values (n_blocks, n_models), each with one block left out."""
    n = len(values)
    return np.sqrt((n - 1) / n * np.sum((values - values.mean(axis=0)) ** 2, axis=0))
