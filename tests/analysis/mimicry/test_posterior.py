"""The asymptotic regressions of a study, from trials to the report, with chains too short to be believed."""

from __future__ import annotations

import dataclasses
import importlib.util

import numpy as np
import pandas as pd
import pytest

from analysis.datasets import read_study
from analysis.mimicry import posterior_summaries as summaries
from analysis.mimicry import posterior_tables
from analysis.mimicry.compose_bayes import add_posterior
from analysis.mimicry.compose_summary import conclude
from analysis.mimicry.doubts import doubts
from analysis.mimicry.methods_groups import posterior_methods, unused_by_quick
from analysis.mimicry.parameters import paper, recommended
from analysis.mimicry.posterior import INSTALL, MODELS, WITHOUT, Posterior, compared, fit_posterior
from analysis.mimicry.posterior_answers import (
    comparison_answer,
    group_words,
    mimicry_words,
    preferred_model,
    probability,
)
from analysis.mimicry.study import MimicryResults, analyse_study
from analysis.mimicry.summaries import participant_means
from analysis.models.asymptotic import fit_asymptotic
from analysis.report import Report
from hardware.simulated import effects
from hardware.simulated.windows import simulate_windows

ROPE = {"a": 0.05, "c": 0.69}


def windows_of(n_participants: int, groups: tuple[str, ...]) -> pd.DataFrame:
    return simulate_windows(
        effects.paper(),
        n_participants=n_participants,
        groups=groups,
        n_faces=6,
        n_trials_per_cell=2,
        rng=np.random.default_rng(1),
    )


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    """One model that was really sampled, and three with its draws, repeated for each group.

    All four are sampled in the slow tests; each takes 25 seconds, nearly all of it for compilation.
    """
    if importlib.util.find_spec("numpyro") is None:
        pytest.skip("the extra bayes is not installed")
    means = participant_means(windows_of(6, ("A", "B")))
    columns = {"response": "emg", "time": "window", "subject": "participant", "drug": "group"}
    simple = fit_asymptotic(
        means, drug_on="none", **columns, chains=2, warmup=60, draws=100, seed=1, progress=False
    )
    rng = np.random.default_rng(2)
    fits = {WITHOUT: simple}
    for name in ("full", "asymptote only", "rate only"):
        draws, on = dict(simple.posterior), MODELS[name]
        for parameter, part in (("a", "asymptote"), ("c", "rate")):
            if on in ("both", part):
                values = np.repeat(draws[parameter], 2, axis=2)
                draws[parameter] = values + rng.normal(0, 0.02, values.shape)
        fits[name] = dataclasses.replace(simple, drug_on=on, posterior=draws)
    return compared(Posterior(fits=fits, means=means), seed=1, progress=False)


@pytest.fixture(scope="module")
def results(grouped_study, posterior: Posterior) -> MimicryResults:
    """A small study's results, with these models in it."""
    quick = analyse_study(read_study(grouped_study), recommended(), preset="recommended", quick=True)
    return dataclasses.replace(quick, posterior=posterior, quick=False)


@pytest.mark.slow
def test_four_models_are_fitted_to_those_who_have_a_group() -> None:
    windows = windows_of(7, ("A", "B"))
    windows["group"] = windows["group"].astype(object)
    windows.loc[windows["participant"] == windows["participant"].iloc[0], "group"] = None
    tiny = dataclasses.replace(
        recommended(), posterior_chains=2, posterior_warmup=60, posterior_draws=100, posterior_max_draws=100
    )
    posterior = fit_posterior(windows, tiny, progress=False)
    assert list(posterior.fits) == ["full", "asymptote only", "rate only", "no group"]
    groups = {
        name: (fit.posterior["a"].shape[2], fit.posterior["c"].shape[2])
        for name, fit in posterior.fits.items()
    }
    assert groups == {"full": (2, 2), "asymptote only": (2, 1), "rate only": (1, 2), "no group": (1, 1)}
    assert posterior.means["participant"].nunique() == 6
    assert "Participants without a group are left out here" in posterior.notes[0]
    again = fit_posterior(windows, tiny, progress=False)
    assert again.comparison.equals(posterior.comparison)


def test_weights_sum_to_one_and_have_errors(posterior: Posterior) -> None:
    for table in (
        posterior_tables.participant_comparison_table(posterior.comparison),
        posterior_tables.observation_comparison_table(posterior.comparison),
    ):
        weights = [name for name in table.columns if f"{name}_mcse" in table.columns]
        assert len(weights) == 2
        for name in weights:
            assert table.data[name].sum() == pytest.approx(1.0)
            assert (table.data[f"{name}_mcse"] >= 0).all()


def test_posteriors_are_reduced_to_what_is_drawn(posterior: Posterior) -> None:
    table = summaries.intervals(summaries.each_parameter(posterior.main))
    assert len(table) == 2 * 2 * 4
    assert (table["lower"] <= table["lower_50"]).all() and (table["upper_50"] <= table["upper"]).all()
    draws = posterior.main.posterior["a"]
    cell = posterior.main.coords["cell"].index(("zygomaticus", "AngryToHappy"))
    row = table.query("parameter == 'a' and muscle == 'zygomaticus' and emotion == 'AngryToHappy'").iloc[1]
    assert row["group"] == "B" and row["mean"] == pytest.approx(draws[:, :, 1, cell].mean())
    judged = summaries.differences(posterior.main, rope=ROPE)
    assert judged["group"].unique().tolist() == ["A - B"]
    assert judged["in_region"].between(0, 100).all() and (judged["bf01"] > 0).all()


def test_mimicry_is_the_difference_of_two_asymptotes(posterior: Posterior) -> None:
    table = summaries.mimicry(posterior.simplest).set_index("muscle")
    draws, cells = posterior.simplest.posterior["a"][:, :, 0], posterior.simplest.coords["cell"]
    angry, happy = (cells.index(("corrugator", name)) for name in ("HappyToAngry", "AngryToHappy"))
    difference = draws[:, :, angry] - draws[:, :, happy]
    assert table.loc["corrugator", "mean"] == pytest.approx(difference.mean())
    assert table.loc["corrugator", "percent_positive"] == pytest.approx(100 * (difference > 0).mean())
    assert "predicted sign with a probability of" in mimicry_words(posterior, "corrugator")
    assert mimicry_words(posterior, "frontalis") == ""


def test_population_curves_begin_at_the_baseline(posterior: Posterior) -> None:
    ribbon = summaries.ribbon(posterior.simplest, n_windows=5)
    first = ribbon[ribbon["time"] == 1.0]
    assert first[["lower", "median", "upper"]].to_numpy() == pytest.approx(0.0, abs=1e-9)
    prior = summaries.prior_curves(posterior.main, n_windows=5, seed=3)
    assert prior.groupby("draw")["value"].first().to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert prior.equals(summaries.prior_curves(posterior.main, n_windows=5, seed=3))


def test_the_answer_names_the_model_by_the_criterion_of_the_preset(posterior: Posterior) -> None:
    by_participant = preferred_model(posterior, judged=recommended().comparison)
    by_value = preferred_model(posterior, judged=paper().comparison)
    assert posterior.judgement is not None and by_participant == posterior.judgement.preferred
    assert posterior.comparison["waic_akaike"].idxmax() == by_value
    answer = comparison_answer(posterior, judged="participant")
    assert answer is not None and "weights by leaving out participants" in answer.evidence


def test_differences_between_groups_are_counted_with_their_doubt(posterior: Posterior) -> None:
    words = group_words(posterior, "zygomaticus", rope={"a": 0.05, "c": 0.69})
    assert "asymptote, " in words and "rate, " in words
    assert "the rest inconclusive" in words


def test_the_report_shows_all_of_it_and_warns_of_short_chains(results: MimicryResults) -> None:
    report = Report(title="t", subtitle="s", simulated=True, facts=[])
    add_posterior(report, results)
    page = report.html()
    for words in (
        "normal(-1, 1)",
        "95 % highest posterior density interval",
        "Does the group help to predict?",
        "Can the chains be trusted?",
        "doubtful, see the warnings",
        "Would the model make data like these?",
    ):
        assert words in page, words
    assert set(report.figures) == {"asymptotic_model", "posterior_parameters", "posterior_differences"}
    assert set(report.attached) == {
        "prior_curves",
        "participant_means",
        "fitted_curves",
        "posterior_densities",
    }
    assert any("use more draws" in text for text in doubts(results))
    questions = [answer.question for answer in conclude(results)]
    assert "Which asymptotic regression predicts best?" in questions
    assert "asymptotic regression" in conclude(results)[0].evidence
    words = posterior_methods(results.parameters, results.posterior)
    assert "Four nested models" in words and "seed 2023" in words


def test_without_the_packages_the_report_says_how_to_get_them(results: MimicryResults) -> None:
    report = Report(title="t", subtitle="s", simulated=True, facts=[])
    without = dataclasses.replace(results, posterior=Posterior(refusal=INSTALL))
    add_posterior(report, without)
    assert "pip install" in report.html() and "countenance[bayes]" in report.html()
    assert any("countenance[bayes]" in text for text in doubts(without))
    assert "posterior_draws" in unused_by_quick(without.posterior, quick=False, has_groups=True)


def test_data_that_carry_no_curve_are_refused_in_words() -> None:
    windows = windows_of(4, ("A", "B"))
    one_window = fit_posterior(windows[windows["window"] == 1], recommended(), progress=False)
    one_person = fit_posterior(
        windows[windows["participant"] == windows["participant"].iloc[0]], recommended(), progress=False
    )
    if importlib.util.find_spec("numpyro") is not None:
        assert "two windows" in one_window.refusal
        assert "two participants" in one_person.refusal
    assert not one_window.fitted and not one_person.fitted


def test_a_probability_is_not_more_exact_than_its_draws() -> None:
    assert probability(100.0, 200) == "more than 99.5 %"
    assert probability(50.0, 200) == "50.0 %"
