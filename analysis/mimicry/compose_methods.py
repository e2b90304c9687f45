"""The report's part on methods: paragraphs, parameters, data and versions."""

from __future__ import annotations

from analysis.mimicry import tables
from analysis.mimicry.compose_shared import show
from analysis.mimicry.methods_groups import group_methods, posterior_methods, unused_by_quick
from analysis.mimicry.methods_text import REFERENCE, emg_methods, model_methods, response_time_methods
from analysis.mimicry.parameters import describe, unused_parameters
from analysis.mimicry.study import MimicryResults
from analysis.report import Report
from analysis.report.parameters_table import parameters_table
from analysis.report.provenance import versions


def add_methods(report: Report, results: MimicryResults) -> None:
    """Add what was done, in the words of a methods section."""
    report.section("Methods")
    parameters, counts = results.parameters, results.exclusions
    if results.emg.measured:
        percent = 100 * counts["n_excluded"].sum() / counts["n_trials"].sum()
        for text in emg_methods(parameters, results.emg.noise, percent_excluded=percent):
            report.paragraph(text)
        for words in (
            model_methods(parameters, results.models),
            group_methods(parameters, results.groups.values()),
            posterior_methods(parameters, results.posterior),
        ):
            if words:
                report.paragraph(words)
    if len(results.times.kept):
        times = results.time_exclusions
        report.paragraph(
            response_time_methods(
                parameters,
                results.time_models,
                n_outliers=int(times["n_excluded"].sum()),
                n_judged=int(times["n_trials"].sum() - times["n_outcome"].sum()),
            )
        )
    report.paragraph(f"The method follows: {REFERENCE}")


def add_parameters(report: Report, results: MimicryResults) -> None:
    """Add every parameter with its source."""
    report.section("Parameters")
    described = describe(results.parameters)
    changed = described.loc[described[f"differs_from_{results.preset}"], "name"].tolist()
    if changed:
        report.paragraph(f"Changed from the preset {results.preset}: {', '.join(changed)}.")
    unused = unused_parameters(results.parameters, results.emg.noise) | unused_by_quick(
        results.posterior,
        quick=results.quick,
        has_groups=any(effect.has_groups for effect in results.groups.values()),
    )
    show(report, parameters_table(described, preset=results.preset, unused=unused))


def add_provenance(report: Report, results: MimicryResults) -> None:
    """Add what was analysed, by which versions, and the tables for further analysis."""
    report.section("Data and versions")
    study = results.study
    kind = "simulated data" if study.simulated else "measured data"
    report.paragraph(f"Dataset: {study.name}, {kind}, in the folder {study.path.resolve().name}.")
    for table in tables.trial_tables(results.emg.windows, results.times.kept):
        report.attach(table)
        report.paragraph(f"For further analysis, tables/{table.name}.tsv: {table.caption}")
    report.note(
        "The analysis draws no random numbers: the same data and versions give the same results."
        if results.quick or not results.emg.measured
        else f"Random numbers (simulated studies, chains) have the seed {results.parameters.seed}: the same "
        "data, versions and kind of machine give the same results."
    )
    show(report, tables.versions_table(versions()))
