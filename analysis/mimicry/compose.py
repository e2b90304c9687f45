"""Puts a study's results into its report, from the summary to the versions."""

from __future__ import annotations

import datetime as dt

from analysis.mimicry.compose_emg import add_emg
from analysis.mimicry.compose_methods import add_methods, add_parameters, add_provenance
from analysis.mimicry.compose_quality import add_exclusions, add_quality
from analysis.mimicry.compose_shared import groups_in_words, show, unit_words
from analysis.mimicry.compose_times import add_response_times
from analysis.mimicry.doubts import doubts
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.sample import describe_sample, sample_table
from analysis.mimicry.sentences import f_text, muscle_summary
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
    _summary(report, results)
    _sample(report, results)
    if results.emg.measured:
        add_emg(report, results)
    add_response_times(report, results)
    if results.emg.measured:
        add_exclusions(report, results)
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


def _summary(report: Report, results: MimicryResults) -> None:
    report.section("Summary")
    for model in results.models.values():
        for text in muscle_summary(model):
            report.paragraph(text)
    for unit, model in results.time_models.items():
        if model.fitted:
            tests = "; ".join(
                f"{term_name(str(term))}, {f_text(row)}"
                for term, row in model.anova.set_index("term").to_dict(orient="index").items()
            )
            report.paragraph(f"Response times ({unit_words(unit)}): {tests}.")
    for text in doubts(results):
        report.alert(text)


def _sample(report: Report, results: MimicryResults) -> None:
    report.section("Participants")
    participants = results.study.participants
    if results.group_names:
        participants = participants.assign(group=participants["group"].map(results.group_names))
    show(report, sample_table(describe_sample(participants, measured=results.emg.usable)))
