"""The report's part on the Bayesian asymptotic regression."""

from __future__ import annotations

import pandas as pd

from analysis.mimicry import figures_bayes, posterior_tables
from analysis.mimicry import posterior_summaries as summaries
from analysis.mimicry.compose_shared import blinding, show
from analysis.mimicry.figures_bayes import box_limits
from analysis.mimicry.methods_groups import draws_in_words
from analysis.mimicry.posterior import Posterior
from analysis.mimicry.posterior_answers import comparison_answer
from analysis.mimicry.study import MimicryResults
from analysis.report import Report

FORMULA = """y ~ a - (a - b) * exp(-exp(c) * (t - 1))
a ~ 0 + {group}muscle:emotion + (0 + muscle:emotion | participant)
b ~ 0 + (0 + muscle:emotion | participant)
c ~ 0 + {group}muscle:emotion + (0 + muscle:emotion | participant)"""


def add_posterior(report: Report, results: MimicryResults) -> None:
    """Add the model, its priors, posteriors, diagnostics and comparison; or why they are not there."""
    report.section("Asymptotic regression (Bayesian)")
    posterior = results.posterior
    if posterior is None:
        report.paragraph(
            "The Bayesian models were left out of this report (--quick). Run the analysis without --quick to "
            "have them: they take minutes."
        )
        return
    if not posterior.fitted:
        report.paragraph(f"There is no asymptotic regression here: {posterior.refusal}.")
        return
    _add_model(report, results, posterior)
    _add_figure_2(report, results, posterior)
    _add_parameters(report, results, posterior)
    if posterior.judgement is not None:
        _add_differences(report, results, posterior)
        _add_comparison(report, results, posterior)
    _add_diagnostics(report, posterior)


def _add_model(report: Report, results: MimicryResults, posterior: Posterior) -> None:
    report.paragraph(
        "Muscles do not answer along a straight line: their activity approaches an asymptote. In this "
        "model each curve begins at b in the first window (t = 1) and approaches the asymptote a with the "
        "rate exp(c); 0 is the baseline."
    )
    has_group = posterior.judgement is not None
    report.formula(FORMULA.format(group="group:" if has_group else ""))
    for text in posterior.notes:
        report.note(text)
    show(report, posterior_tables.priors_table(_priors(posterior)))


def _priors(posterior: Posterior) -> list[tuple[str, str, str]]:
    priors = posterior.main.priors
    paper = "Korb et al. 2023, Bayesian statistics"
    return [
        ("Asymptotes a", f"normal({priors.a_mean:g}, {priors.a_sd:g})", paper),
        ("Log rates c", f"normal({priors.c_mean:g}, {priors.c_sd:g})", paper),
        ("Starts b", "0 for the population, as the EMG is relative to the baseline", paper),
        (
            "Standard deviations of the participants' a, b and c",
            f"half-normal({priors.effect_a_sd:g}), half-normal({priors.effect_b_sd:g}), "
            f"half-normal({priors.effect_c_sd:g})",
            f'{paper} ("variances", which in brms are standard deviations)',
        ),
        ("Correlations of the participants' effects", f"LKJ({priors.lkj:g})", "brms' default"),
        ("Residual standard deviation", f"half-normal({priors.sigma_sd:g})", paper),
    ]


def _add_figure_2(report: Report, results: MimicryResults, posterior: Posterior) -> None:
    n_windows = results.parameters.n_windows
    prior = summaries.prior_curves(posterior.main, n_windows=n_windows, seed=results.parameters.seed)
    ribbon = summaries.ribbon(posterior.simplest, n_windows=n_windows)
    limits = box_limits(posterior.means)
    beyond = ~posterior.means["emg"].between(*limits)
    example = ", ".join(f"{name} = {value:g}" for name, value in figures_bayes.EXAMPLE.items())
    report.figure(
        "asymptotic_model",
        figures_bayes.draw_asymptotic_model(prior=prior, means=posterior.means, ribbon=ribbon, limits=limits),
        f"A: the curve of the asymptotic regression with {example}; the dashed line is the asymptote. B: "
        "curves drawn from the prior. C: boxes summarise the participants' means (median, quartiles, "
        f"whiskers of up to 1.5 interquartile ranges); {beyond.sum()} of {len(beyond)} means lie outside "
        "of the axes and are not shown. Lines and shaded bands are the median and the 95 % highest "
        "posterior density interval (HPDI) of the population curve in the model that ignores groups. "
        f"Windows of {results.parameters.window_s:g} s.",
    )
    for table in posterior_tables.drawn_tables(
        prior=prior, ribbon=ribbon, means=posterior.means, densities=_densities(posterior)
    ):
        report.attach(table)
    predicted = summaries.mimicry(posterior.simplest)
    if len(predicted):
        show(report, posterior_tables.mimicry_posterior_table(predicted))


def _densities(posterior: Posterior) -> pd.DataFrame:
    parts = [summaries.densities(summaries.each_parameter(posterior.main))]
    if posterior.judgement is not None:
        parts.append(summaries.densities(summaries.each_difference(posterior.main)))
    return pd.concat(parts, ignore_index=True)


def _add_parameters(report: Report, results: MimicryResults, posterior: Posterior) -> None:
    report.heading("Asymptote and rate")
    table = summaries.intervals(summaries.each_parameter(posterior.main))
    groups = f" by group ({blinding(results)})" if posterior.judgement is not None else ""
    report.figure(
        "posterior_parameters",
        figures_bayes.draw_posteriors(summaries.densities(summaries.each_parameter(posterior.main)), table),
        f"Posteriors of asymptote a and log rate c{groups}, for each muscle (ZM, zygomaticus major; CS, "
        "corrugator supercilii) and stimulus: density, median (circle), 50 % and 95 % HPDI. Rates are always "
        "positive: a greater rate means a faster approach to the asymptote, be it up or down.",
    )
    show(report, posterior_tables.posterior_table(table))


def _add_differences(report: Report, results: MimicryResults, posterior: Posterior) -> None:
    report.heading("Differences between groups")
    rope = rope_of(results)
    draws = summaries.intervals(summaries.each_difference(posterior.main))
    report.figure(
        "posterior_differences",
        figures_bayes.draw_posteriors(
            summaries.densities(summaries.each_difference(posterior.main)), draws, rope=rope
        ),
        "Posteriors of the differences between groups: density, median (circle), 50 % and 95 % HPDI. "
        "Grey: the region of practical equivalence, differences too small to matter.",
    )
    table = summaries.differences(posterior.main, rope=rope)
    show(report, posterior_tables.differences_table(table, rope=rope))


def rope_of(results: MimicryResults) -> dict[str, float]:
    """Give the half-widths of the regions of practical equivalence."""
    return {"a": results.parameters.rope_asymptote_log, "c": results.parameters.rope_log_rate}


def _add_comparison(report: Report, results: MimicryResults, posterior: Posterior) -> None:
    report.heading("Does the group help to predict?")
    judged = results.parameters.comparison
    answer = comparison_answer(posterior, judged=judged)
    if answer is not None:
        report.paragraph(
            f"{answer.question} {answer.answer[0].upper()}{answer.answer[1:]}: {answer.evidence}."
        )
    tables = [
        posterior_tables.participant_comparison_table(posterior.comparison),
        posterior_tables.observation_comparison_table(posterior.comparison),
    ]
    for table in tables if judged == "participant" else tables[::-1]:
        show(report, table)
    for text in posterior.judgement.sentences[2:] if posterior.judgement else []:
        report.note(text)


def _add_diagnostics(report: Report, posterior: Posterior) -> None:
    report.heading("Can the chains be trusted?")
    first = posterior.main.diagnostics
    report.paragraph(
        f"{first.n_chains} chains per model, each with {draws_in_words(posterior)} draws after "
        f"{first.n_warmup} of warm-up, "
        "sampled by NUTS (NumPyro) with the participants' effects on a and b integrated out."
    )
    rows = []
    for name, fit in posterior.fits.items():
        found = fit.diagnostics
        for text in fit.warnings:
            report.warning(f"Model {name}: {text}.")
        rows.append(
            {
                "model": name,
                "divergences": found.divergences,
                "max_rhat": found.max_rhat,
                "min_ess_bulk": found.min_ess_bulk,
                "min_ess_tail": found.min_ess_tail,
                "tree_depth_hits": found.tree_depth_hits,
                "min_ebfmi": min(found.ebfmi),
                "verdict": "good" if fit.trustworthy else "doubtful, see the warnings",
            }
        )
    show(report, posterior_tables.diagnostics_table(pd.DataFrame(rows)))
    check = posterior.main.posterior_predictive(seed=posterior.main.seed)
    report.heading("Would the model make data like these?")
    conflicts = check.loc[check["conflict"], "question"].tolist()
    report.paragraph(
        "Data simulated from the fitted model agree with the observed in all that was looked at."
        if not conflicts
        else "Data simulated from the fitted model differ from the observed here: "
        + "; ".join(conflicts)
        + ". Conclusions that rest on these features need caution."
    )
    show(report, posterior_tables.predictive_table(check))
