"""The report's part on methods: paragraphs, emotion names, parameters, versions."""

from __future__ import annotations

import pandas as pd

from analysis.mouse_face.colours import event_order
from analysis.mouse_face.emotions import emotions_frame
from analysis.mouse_face.methods_text import REFERENCE, methods_paragraphs
from analysis.mouse_face.parameters import describe
from analysis.mouse_face.results import Results
from analysis.report import Column, Report, Table
from analysis.report.parameters_table import parameters_table


def add_methods(report: Report, results: Results) -> None:
    """Add what was done, in the words of a methods section, and what events are taken for."""
    report.section("Methods")
    for text in methods_paragraphs(results):
        report.paragraph(text)
    report.paragraph(f"The method follows: {REFERENCE}")
    report.table(emotions_table(results))


def emotions_table(results: Results) -> Table:
    """Tabulate the events of the study and the emotions that they are taken for."""
    grouped = results.data.trials.groupby("event")
    counts = grouped.agg(
        n_animals=("animal", "nunique"), n_trials=("kept", "size"), n_kept=("kept", "sum")
    ).loc[event_order(map(str, grouped.groups))]
    names = emotions_frame(results.emotions, counts.index).set_index("event")
    data = names.join(counts).reset_index()
    return Table(
        name="events",
        caption=f"Events of this study and the emotions they are taken for, by {results.emotions.source}. No "
        "number depends on these names.",
        data=data,
        columns={
            "event": Column(description="Event, as the sessions name it.", heading="Event"),
            "emotion": Column(
                description="Emotion that the event is taken for.", heading="Taken for", missing="none"
            ),
            "n_animals": Column(description="Animals that had it.", kind="count", heading="Animals"),
            "n_trials": Column(description="Trials.", kind="count", heading="Trials"),
            "n_kept": Column(description="Trials that were analysed.", kind="count", heading="Analysed"),
        },
    )


def add_parameters(report: Report, results: Results) -> None:
    """Add every parameter with its source, beside the other preset's value."""
    report.section("Parameters")
    described = describe(results.own_parameters)
    changed = described.loc[described[f"differs_from_{results.preset}"], "name"].tolist()
    if changed:
        report.paragraph(f"Changed from the preset {results.preset}: {', '.join(changed)}.")
    report.table(parameters_table(described, preset=results.preset))


def add_provenance(report: Report, results: Results) -> None:
    """Add what was analysed, by which versions, how long it took, and the seed."""
    report.section("Data and versions")
    kind = "simulated data" if results.simulated else "measured data"
    report.paragraph(f"Dataset: {results.data.name}, {kind}, in the folder {results.study.resolve().name}.")
    report.note(
        f"Random numbers have the seed {results.seed}, and each panel its own, so that the same data, seed, "
        "versions and kind of machine give the same results, whichever panels are made."
    )
    report.table(_versions_table(results.versions))
    if results.durations_s:
        report.table(_durations_table(results), folded=True)


def _versions_table(versions: pd.DataFrame) -> Table:
    return Table(
        name="versions",
        caption="What computed these results.",
        data=versions,
        columns={
            "component": Column(description="Program or package.", heading="Component"),
            "version": Column(description="Its version.", heading="Version"),
        },
    )


def _durations_table(results: Results) -> Table:
    rows = list(results.durations_s.items())
    return Table(
        name="durations",
        caption="How long each step took on this machine; 0 where an earlier run's result was used.",
        data=pd.DataFrame(rows, columns=["step", "duration_s"]),
        columns={
            "step": Column(description="Step of the analysis.", heading="Step"),
            "duration_s": Column(description="Time on the clock.", kind="percent", unit="s", heading="Time"),
        },
    )
