"""Puts a study's results into its report, from the summary to the versions."""

from __future__ import annotations

import datetime as dt

from analysis.mimicry.compose_bayes import add_posterior
from analysis.mimicry.compose_diagnostics import add_diagnostics
from analysis.mimicry.compose_emg import add_emg
from analysis.mimicry.compose_groups import add_groups
from analysis.mimicry.compose_methods import add_methods, add_parameters, add_provenance
from analysis.mimicry.compose_quality import add_exclusions, add_quality
from analysis.mimicry.compose_sample import add_sample
from analysis.mimicry.compose_shared import groups_in_words
from analysis.mimicry.compose_summary import add_summary
from analysis.mimicry.compose_times import add_response_times
from analysis.mimicry.study import MimicryResults
from analysis.report import Report


def compose_report(results: MimicryResults) -> Report:
    """Write the whole report of a study.

    Parameters
    ----------
    results : MimicryResults
        What `analysis.mimicry.study.analyse_study` returned.

    Returns
    -------
    Report
        Complete, not yet written.
    """
    study = results.study
    report = Report(
        title=study.name,
        subtitle="Facial mimicry: EMG and response times, analysed as in Korb et al. (2023)",
        simulated=study.simulated,
        facts=_facts(results),
    )
    add_summary(report, results)
    add_sample(report, results)
    if results.emg.measured:
        add_emg(report, results)
        add_groups(report, results)
        add_posterior(report, results)
    add_response_times(report, results)
    if results.emg.measured:
        add_exclusions(report, results)
        add_diagnostics(report, results)
        add_quality(report, results)
    add_methods(report, results)
    add_parameters(report, results)
    add_provenance(report, results)
    return report


def _facts(results: MimicryResults) -> list[tuple[str, str]]:
    counts = results.exclusions
    measured = f"{len(results.emg.usable)} with usable EMG"
    facts = [
        ("Participants", f"{len(results.study.participants)}, {measured}"),
        ("Groups", groups_in_words(results)),
        ("Preset", results.preset),
    ]
    if len(counts):
        n_trials, n_excluded = counts["n_trials"].sum(), counts["n_excluded"].sum()
        text = f"{n_trials - n_excluded} of {n_trials} kept ({100 * n_excluded / n_trials:.1f} % excluded)"
        facts.append(("EMG trials × muscles", text))
    facts.append(("Analysed", dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")))
    return facts
