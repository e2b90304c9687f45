"""The report's part on response times."""

from __future__ import annotations

from analysis.mimicry import figures, model_tables, tables
from analysis.mimicry.compose_shared import (
    by_group_words,
    exclusion_test_words,
    group_caption,
    noun,
    show,
    unit_words,
)
from analysis.mimicry.methods_text import contrast_words
from analysis.mimicry.study import MimicryResults
from analysis.mimicry.summaries import group_labels
from analysis.report import Report


def add_response_times(report: Report, results: MimicryResults) -> None:
    """Add the response times: means, models, exclusions."""
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
        "response_times",
        figures.draw_response_times(means, unit="s"),
        f"Response times by {noun(results)}{by_group_words(results)}: each participant's mean (thin lines), "
        f"and mean with SEM across participants (diamonds). {group_caption(results, cells)}",
    )
    show(report, tables.response_times_table(means))
    for key, model in results.time_models.items():
        title = f"Response times ({unit_words(key)})"
        report.heading(f"{title}: mixed model{'' if key == unit else ' (beside the preset)'}")
        if not model.fitted:
            report.paragraph(f"No model was fitted: {model.refusal}.")
            continue
        report.formula(model.formula)
        for text in model.left_out:
            report.note(text)
        for text in model.warnings:
            report.warning(f"{text[0].upper()}{text[1:]}.")
        show(report, model_tables.anova_table(model, title=title, origin=""))
        show(
            report,
            model_tables.fixed_effects_table(
                model, title=title, unit=key, contrasts=contrast_words(results.parameters)
            ),
        )
        show(report, model_tables.random_effects_table(model, title=title, unit=key))
    report.heading("Excluded response times")
    report.paragraph(_time_exclusion_words(results))
    show(report, tables.time_exclusions_table(results.time_exclusions))


def _time_exclusion_words(results: MimicryResults) -> str:
    counts = results.time_exclusions
    judged = counts["n_trials"].sum() - counts["n_outcome"].sum()
    text = (
        f"{counts['n_outcome'].sum()} of {counts['n_trials'].sum()} trials had another outcome than "
        f"one press of the right key; of the other {judged}, {counts['n_excluded'].sum()} "
        f"({100 * counts['n_excluded'].sum() / max(judged, 1):.2f} %) were outliers."
    )
    return f"{text} {exclusion_test_words(results.time_exclusion_test, 'response time', 'outliers')}".strip()
