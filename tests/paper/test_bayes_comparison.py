"""Model comparison by participants prefers the model that made the data, and does not depend on the chains.

The design is that of Korb et al. (2023) with fewer participants and cells. Two studies have no drug effect;
in the third, one drug takes two thirds of the asymptotes away.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.models.asymptotic import NESTED, AsymptoticFit, DrugOn, sample_posteriors
from analysis.models.asymptotic_data import AsymptoticData, reduce_data
from analysis.models.asymptotic_marginal import subject_log_likelihood
from analysis.models.asymptotic_priors import AsymptoticPriors
from analysis.models.comparison import compare_models, judge, psis_loo

pytest.importorskip("numpyro")
pytestmark = pytest.mark.slow

TIMES = np.arange(1, 6)
ASYMPTOTES = {"HappyToAngry": -0.15, "AngryToHappy": 0.2}
N_PER_GROUP = 20


def study(remaining: float, seed: int) -> AsymptoticData:
    """Subject means of three groups; the second keeps this share of the asymptotes."""
    rng = np.random.default_rng(seed)
    rows = []
    for subject in range(3 * N_PER_GROUP):
        drug = ("placebo", "amisulpride", "naltrexone")[subject % 3]
        for emotion, asymptote in ASYMPTOTES.items():
            share = remaining if drug == "amisulpride" else 1.0
            a, b = share * asymptote + 0.08 * rng.normal(), 0.05 * rng.normal()
            rate = np.exp(-0.6 + 0.1 * rng.normal())
            curve = a - (a - b) * np.exp(-rate * (TIMES - 1)) + 0.04 * rng.normal(size=len(TIMES))
            rows += [
                {"subject": f"{subject:02}", "drug": drug, "emotion": emotion, "time": t, "log_emg": y}
                for t, y in zip(TIMES, curve, strict=True)
            ]
    return reduce_data(
        pd.DataFrame(rows),
        response="log_emg",
        time="time",
        subject="subject",
        drug="drug",
        within=("emotion",),
    )


STUDIES = {"null 1": (1.0, 1), "null 2": (1.0, 2), "effect": (1 / 3, 3)}


def sampled(datasets: list[AsymptoticData], drug_on: DrugOn) -> list[AsymptoticFit]:
    return sample_posteriors(
        datasets,
        drug_on=drug_on,
        priors=AsymptoticPriors(),
        chains=4,
        warmup=300,
        draws=400,
        seed=11,
        progress=False,
    )


@pytest.fixture(scope="module")
def fits() -> dict[str, dict[str, AsymptoticFit]]:
    datasets = [study(*settings) for settings in STUDIES.values()]
    by_model = {drug_on: sampled(datasets, drug_on) for drug_on in NESTED}
    return {
        name: {drug_on: by_model[drug_on][index] for drug_on in NESTED} for index, name in enumerate(STUDIES)
    }


@pytest.fixture(scope="module")
def tables(fits: dict[str, dict[str, AsymptoticFit]]) -> dict[str, pd.DataFrame]:
    return {name: compare_models(models) for name, models in fits.items()}


@pytest.mark.parametrize("name", ["null 1", "null 2"])
def test_without_an_effect_the_model_without_drug_is_not_worse(
    name: str, tables: dict[str, pd.DataFrame]
) -> None:
    """A model with needless parameters is ahead by chance in some studies, but never clearly."""
    table = tables[name]
    assert table.loc["none", "diff_participant"] > -1
    assert table.loc["both", "diff_participant"] < table.loc["none", "diff_participant"] - 1
    assert table.loc["both", "participant_weight"] < 0.1
    if judge(table).preferred != "none":
        assert not judge(table).clear


def test_without_an_effect_the_model_without_drug_is_preferred_on_the_whole(
    tables: dict[str, pd.DataFrame],
) -> None:
    elpd = tables["null 1"]["elpd_participant"] + tables["null 2"]["elpd_participant"]
    assert elpd.idxmax() == "none"


def test_an_effect_on_the_asymptote_is_found_there(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["effect"]
    assert judge(table).preferred == "asymptote"
    assert table.loc[["asymptote", "both"], "participant_weight"].sum() > 0.9
    none = table.loc["none"]
    assert none["diff_participant"] < -4
    assert none["diff_participant"] < -2 * none["se_diff_participant"]


@pytest.mark.parametrize("name", STUDIES)
def test_weights_by_participants_hardly_depend_on_the_draws(
    name: str, tables: dict[str, pd.DataFrame]
) -> None:
    """Also with 1 600 draws, and among models that are nearly equal; halves have 800."""
    table = tables[name]
    assert (table["n_bad_k_participant"] <= 1).all()
    assert (table["n_bad_k"] > 10).all()  # observations, in contrast
    assert table["participant_weight_mcse"].max() < 0.1
    assert table["participant_weight_change"].max() < 0.2
    assert table["mcse_diff_participant"].max() < 0.6


def test_a_participant_left_out_in_earnest_is_predicted_as_claimed(
    fits: dict[str, dict[str, AsymptoticFit]],
) -> None:
    """The model is fitted again without the most influential participant that the criterion can judge."""
    fit = fits["effect"]["both"]
    loo = psis_loo(fit.subject_log_likelihood())
    subject = int(np.argmax(np.where(loo.unreliable, -np.inf, loo.pareto_k)))
    others = np.arange(fit.data.n_subjects) != subject
    refit = sampled([subset(fit.data, others)], "both")[0]
    draws = refit.parameter_draws | {"c_subject": fit.posterior["c_subject"][:, :, ~others]}
    density = np.exp(subject_log_likelihood(subset(fit.data, ~others), draws).log_likelihood)
    exact, error = np.log(density.mean()), density.std() / density.mean() / np.sqrt(density.size)
    assert abs(loo.pointwise[subject] - exact) < 4 * np.hypot(error, loo.mcse_pointwise[subject])
    overoptimism = np.log(np.mean(np.exp(fit.subject_log_likelihood()[:, :, subject]))) - exact
    assert abs(loo.pointwise[subject] - exact) < 0.3 * overoptimism


def subset(data: AsymptoticData, chosen: np.ndarray) -> AsymptoticData:
    arrays = ("mean", "n", "ss", "n_values", "log_weight", "group")
    kept = {name: getattr(data, name)[chosen] for name in arrays}
    subjects = tuple(np.array(data.subjects)[chosen].tolist())
    return dataclasses.replace(data, subjects=subjects, **kept)
