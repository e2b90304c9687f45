"""The report's part on facial EMG: means, mixed models and what they say about groups."""

from __future__ import annotations

from analysis.mimicry import figures, model_tables, tables
from analysis.mimicry.compose_shared import by_group_words, group_caption, noun, show
from analysis.mimicry.methods_text import contrast_words, origin_words
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.study import MimicryResults, other_origin_window
from analysis.report import Report

LOG_UNIT = "log units (time: per s)"


def add_emg(report: Report, results: MimicryResults) -> None:
    """Add the EMG: means, models, and what they say about the groups."""
    report.section("Facial EMG")
    n = results.means["n"].max()
    bars = "Error bars are SEM across participants" if n > 1 else "There is one participant, so no error bars"
    report.figure(
        "emg_windows",
        figures.draw_windows(results.means, window_s=results.parameters.window_s),
        f"Facial EMG by muscle, {noun(results)}"
        f"{', time and group' if by_group_words(results) else ' and time'}. "
        f"{bars}. Points stand in the middle of their windows of {results.parameters.window_s:g} s; 0 "
        "is the baseline before the stimulus (right axis: the same in percent). "
        f"{group_caption(results, results.means)}",
    )
    report.figure(
        "emg_time_course",
        figures.draw_curves(results.emg.curves),
        "Course of the EMG around stimulus onset, in steps of 0.1 s: mean of the participants' means over "
        "kept trials, with SEM as band; each muscle has its own scale. Percentages are averaged here, not "
        "their logarithms, so that values lie a little higher than in the figure before.",
    )
    for model in results.models.values():
        _model(report, results, model)
    report.heading("Values of the windows")
    show(report, tables.means_table(results.means))


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
    show(report, model_tables.anova_table(model, title=title, origin=_origin_caption(results, model)))
    if len(model.means):
        show(report, model_tables.means_table(model, title=title))
        show(report, model_tables.differences_table(model, title=title))
    if len(model.slopes):
        show(report, model_tables.slopes_table(model, title=title))
    contrasts = contrast_words(results.parameters)
    show(report, model_tables.fixed_effects_table(model, title=title, unit=LOG_UNIT, contrasts=contrasts))
    show(report, model_tables.random_effects_table(model, title=title, unit=LOG_UNIT))


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
    if "diag(" in model.formula:
        what = "Without correlations between the random effects, all tests depend"
    return (
        f"In this model {here}. {what} on where time is zero; the last two columns give the tests with "
        f"time zero {where}."
    )
