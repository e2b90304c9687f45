"""Puts a study's results into its report, from the summary to the versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from analysis.mimicry import figures, model_tables, quality_figures, tables
from analysis.mimicry.blinding import blinding_words
from analysis.mimicry.doubts import doubts
from analysis.mimicry.emotions import emotion_noun
from analysis.mimicry.methods_text import (
    REFERENCE,
    contrast_words,
    emg_methods,
    model_methods,
    origin_words,
    response_time_methods,
)
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.parameters import describe, unused_parameters
from analysis.mimicry.parameters_table import parameters_table
from analysis.mimicry.sample import describe_sample, sample_table
from analysis.mimicry.sentences import f_text, muscle_summary
from analysis.mimicry.study import MimicryResults, other_origin_window
from analysis.mimicry.summaries import NO_GROUP, exclusions_by_group, group_labels
from analysis.report import Report, Table
from analysis.report.provenance import versions

LOG_UNIT = "log units (time: per s)"
REJECTION_CAVEAT = (
    "The rule that excludes outlying trials looks at the response itself, and so takes away strong true "
    "responses too: in simulated studies with limits of 2 SD it made the slopes of time 5 to 6 % smaller."
)


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
        _emg(report, results)
    _response_times(report, results)
    if results.emg.measured:
        _exclusions(report, results)
        _quality(report, results)
    _methods(report, results)
    _parameters(report, results)
    _provenance(report, results)
    return report


def groups_in_words(results: MimicryResults) -> str:
    """Say which groups there are, how many participants each has, and whether the analysis is blind."""
    groups = results.study.participants["group"].dropna().astype(str)
    if groups.empty:
        return "none"
    names = groups.map(results.group_names) if results.group_names else groups
    sizes = ", ".join(f"{name} (n = {n})" for name, n in names.value_counts(sort=False).sort_index().items())
    return f"{sizes}; {_blinding(results)}"


def _blinding(results: MimicryResults) -> str:
    groups = results.study.participants["group"].dropna().astype(str)
    return blinding_words(groups, results.group_names)


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
            report.paragraph(f"Response times ({_unit_words(unit)}): {tests}.")
    for text in doubts(results):
        report.alert(text)


def _sample(report: Report, results: MimicryResults) -> None:
    report.section("Participants")
    participants = results.study.participants
    if results.group_names:
        participants = participants.assign(group=participants["group"].map(results.group_names))
    _show(report, sample_table(describe_sample(participants, measured=results.emg.usable)))


def _emg(report: Report, results: MimicryResults) -> None:
    report.section("Facial EMG")
    n = results.means["n"].max()
    bars = "Error bars are SEM across participants" if n > 1 else "There is one participant, so no error bars"
    report.figure(
        "figure1_emg",
        figures.draw_windows(results.means, window_s=results.parameters.window_s),
        f"Facial EMG by muscle, {_noun(results)}{', time and group' if _by_group(results) else ' and time'}. "
        f"{bars}. Points stand in the middle of their windows of {results.parameters.window_s:g} s; 0 "
        "is the baseline before the stimulus (right axis: the same in percent). "
        f"{_group_caption(results, results.means)}",
    )
    report.figure(
        "figure2_time_course",
        figures.draw_curves(results.emg.curves),
        "Course of the EMG around stimulus onset, in steps of 0.1 s: mean of the participants' means over "
        "kept trials, with SEM as band; each muscle has its own scale. Percentages are averaged here, not "
        "their logarithms, so that values lie a little higher than in Figure 1.",
    )
    for model in results.models.values():
        _model(report, results, model)
    report.heading("Values of Figure 1")
    _show(report, tables.means_table(results.means))


def _model(report: Report, results: MimicryResults, model: ModelResult) -> None:
    title = figures.muscle_name(model.name)
    report.heading(f"{title}: mixed model")
    if not model.fitted:
        report.paragraph(f"No model was fitted: {model.refusal}.")
        return
    report.formula(model.formula)
    for text in model.left_out:
        report.note(text)
    for text in model.warnings:
        report.warning(f"{text[0].upper()}{text[1:]}.")
    _show(report, model_tables.anova_table(model, title=title, origin=_origin_caption(results, model)))
    if len(model.means):
        _show(report, model_tables.means_table(model, title=title))
        _show(report, model_tables.differences_table(model, title=title))
    if len(model.slopes):
        _show(report, model_tables.slopes_table(model, title=title))
    contrasts = contrast_words(results.parameters)
    _show(report, model_tables.fixed_effects_table(model, title=title, unit=LOG_UNIT, contrasts=contrasts))
    _show(report, model_tables.random_effects_table(model, title=title, unit=LOG_UNIT))


def _origin_caption(results: MimicryResults, model: ModelResult) -> str:
    if model.anova_other_origin.empty:
        return ""
    other = other_origin_window(results.parameters)
    where = (
        "before the first window (windows counted 1, 2, ...)"
        if other == 0
        else f"in the middle of window {other:g}"
    )
    here = origin_words(results.parameters).removeprefix("and ")
    what = "Main effects and interactions without time depend"
    if "||" in model.formula:
        what = "Without correlations between the random effects, all tests depend"
    return (
        f"In this model {here}. {what} on where time is zero; the last two columns give the tests with "
        f"time zero {where}."
    )


def _response_times(report: Report, results: MimicryResults) -> None:
    report.section("Response times")
    kept = results.times.kept
    if kept.empty:
        report.paragraph("No response times were recorded.")
        return
    unit = results.parameters.response_scale
    means = (
        kept.assign(group=group_labels(kept["group"]))
        .groupby(["participant", "group", "emotion"])["response_time"]
        .mean()
        .rename("mean")
        .reset_index()
    )
    cells = means.groupby(["group", "emotion"]).size().rename("n").reset_index()
    report.figure(
        "figure3_response_times",
        figures.draw_response_times(means, unit="s"),
        f"Response times by {_noun(results)}{_by_group(results)}: each participant's mean (thin lines), and "
        f"mean with SEM across participants (diamonds). {_group_caption(results, cells)}",
    )
    _show(report, tables.response_times_table(means))
    for key, model in results.time_models.items():
        title = f"Response times ({_unit_words(key)})"
        report.heading(f"{title}: mixed model{'' if key == unit else ' (beside the preset)'}")
        if not model.fitted:
            report.paragraph(f"No model was fitted: {model.refusal}.")
            continue
        report.formula(model.formula)
        for text in model.left_out:
            report.note(text)
        for text in model.warnings:
            report.warning(f"{text[0].upper()}{text[1:]}.")
        _show(report, model_tables.anova_table(model, title=title, origin=""))
        _show(
            report,
            model_tables.fixed_effects_table(
                model, title=title, unit=key, contrasts=contrast_words(results.parameters)
            ),
        )
        _show(report, model_tables.random_effects_table(model, title=title, unit=key))
    report.heading("Excluded response times")
    report.paragraph(_time_exclusion_words(results))
    _show(report, tables.time_exclusions_table(results.time_exclusions))


def _time_exclusion_words(results: MimicryResults) -> str:
    counts = results.time_exclusions
    judged = counts["n_trials"].sum() - counts["n_outcome"].sum()
    text = (
        f"{counts['n_outcome'].sum()} of {counts['n_trials'].sum()} trials had another outcome than "
        f"one press of the right key; of the other {judged}, {counts['n_excluded'].sum()} "
        f"({100 * counts['n_excluded'].sum() / max(judged, 1):.2f} %) were outliers."
    )
    return f"{text} {_test_words(results.time_exclusion_test, 'response time', 'outliers')}".strip()


def _test_words(tests: pd.DataFrame, muscle: str, what: str) -> str:
    row = tests[tests["muscle"] == muscle]
    if row.empty or row["F"].isna().all():
        return ""
    test = row.iloc[0].to_dict()
    differs = "differed" if test["p"] < tables.P_EMPHASIS else "did not clearly differ"
    return f"The number of {what} {differs} between groups ({f_text(test)})."


def _exclusions(report: Report, results: MimicryResults) -> None:
    report.section("Excluded EMG trials")
    counts = results.exclusions
    n_trials, n_excluded = counts["n_trials"].sum(), counts["n_excluded"].sum()
    together = " (all muscles together)" if counts["muscle"].nunique() > 1 else ""
    words = _test_words(results.exclusion_tests, "all", f"excluded trials{together}")
    report.paragraph(
        f"{n_excluded} of {n_trials} trials × muscles ({100 * n_excluded / n_trials:.1f} %) were "
        f"excluded. {words}"
    )
    report.note(REJECTION_CAVEAT)
    _show(report, tables.exclusions_by_group_table(exclusions_by_group(counts)))
    if results.exclusion_tests["F"].notna().any():
        _show(report, tables.exclusion_tests_table(results.exclusion_tests))
    _show(report, tables.exclusions_table(counts))


def _quality(report: Report, results: MimicryResults) -> None:
    report.section("Quality of each participant's EMG")
    report.paragraph(
        "What to look at: curves should lie near 100 % before onset, stay together before it and part "
        "after it; "
        "a participant whose curves are ragged, or far off scale, has few or noisy trials."
    )
    emg = results.emg
    pages = quality_figures.draw_participants(emg.curves, results.exclusions)
    for i, page in enumerate(pages, start=1):
        report.figure(
            f"quality_participants_{i:02d}",
            page,
            f"Participants' average EMG around stimulus onset, page {i}: mean of the kept trials (ZM, "
            "zygomaticus major; CS, corrugator supercilii). All pages have the same scale; what lies "
            "beyond it is cut off.",
            dots_per_inch=150,
        )
    if len(emg.worst):
        for i, page in enumerate(quality_figures.draw_worst(emg.worst, emg.worst_curves), start=1):
            report.figure(
                f"quality_worst_trials_{i:02d}",
                page,
                f"Each participant's worst excluded trial per muscle, page {i}, each on its own scale: "
                "number of the trial, and the rule that it broke by most. Means in steps of 0.1 s: a short "
                "peak looks lower here than the rule sees it.",
                dots_per_inch=150,
            )
        _show(report, tables.worst_trials_table(emg.worst))
    if not _show(report, tables.noise_table(emg.noise), besides=["fs_hz"]):
        report.note(
            "How strong the raw signals were, and how much hum was in them, cannot be seen: the recorder "
            "had rectified them."
        )


def _methods(report: Report, results: MimicryResults) -> None:
    report.section("Methods")
    parameters, counts = results.parameters, results.exclusions
    if results.emg.measured:
        percent = 100 * counts["n_excluded"].sum() / counts["n_trials"].sum()
        for text in emg_methods(parameters, results.emg.noise, percent_excluded=percent):
            report.paragraph(text)
        words = model_methods(parameters, results.models)
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


def _parameters(report: Report, results: MimicryResults) -> None:
    report.section("Parameters")
    described = describe(results.parameters)
    changed = described.loc[described[f"differs_from_{results.preset}"], "name"].tolist()
    if changed:
        report.paragraph(f"Changed from the preset {results.preset}: {', '.join(changed)}.")
    unused = unused_parameters(results.parameters, results.emg.noise)
    _show(report, parameters_table(described, preset=results.preset, unused=unused))


def _provenance(report: Report, results: MimicryResults) -> None:
    report.section("Data and versions")
    study = results.study
    kind = "simulated data" if study.simulated else "measured data"
    report.paragraph(f"Dataset: {study.name}, {kind}, in the folder {study.path.resolve().name}.")
    for table in tables.trial_tables(results.emg.windows, results.times.kept):
        report.attach(table)
        report.paragraph(f"For further analysis, tables/{table.name}.tsv: {table.caption}")
    report.note("The analysis draws no random numbers: the same data and versions give the same results.")
    _show(report, tables.versions_table(versions()))


def _show(report: Report, table: Table, *, besides: Sequence[str] = ()) -> bool:
    """Put a table into the report unless all its results are missing; say whether it is there."""
    shown = tables.has_results(table, besides=besides)
    if shown:
        report.table(table)
    return shown


def _noun(results: MimicryResults) -> str:
    return emotion_noun([*results.means["emotion"], *results.times.kept["emotion"]])


def _unit_words(unit: str) -> str:
    return "z-scores within participants" if unit == "z" else "seconds"


def _by_group(results: MimicryResults) -> str:
    return " and group" if results.means["group"].nunique() > 1 else ""


def _group_caption(results: MimicryResults, cells: pd.DataFrame) -> str:
    """Say how many participants a figure shows, per group; `cells` has `group` and `n`."""
    counts = {}
    for group in figures.ordered_groups(cells["group"]):
        n = cells.loc[cells["group"] == group, "n"]
        counts[group] = f"n = {n.min()}" + (f" to {n.max()}" if n.min() < n.max() else "")
    if list(counts) == [NO_GROUP]:
        return f"{counts[NO_GROUP]} participants."
    sizes = ", ".join(f"{figures.group_name(group)} ({count})" for group, count in counts.items())
    return f"Groups: {sizes}; {_blinding(results)}."
