"""The report's part on groups: what they do to mimicry, and what the study could have found."""

from __future__ import annotations

from analysis.mimicry import group_tables
from analysis.mimicry.compose_shared import show
from analysis.mimicry.conclusions import three
from analysis.mimicry.emotions import emotion_noun
from analysis.mimicry.group_effect import GroupEffect
from analysis.mimicry.study import MimicryResults
from analysis.report import Report


def add_groups(report: Report, results: MimicryResults) -> None:
    """Add mimicry in each group, its differences between groups, and what the data exclude."""
    effects = [effect for effect in results.groups.values() if len(effect.mimicry)]
    if not effects:
        return
    with_groups = [effect for effect in effects if effect.has_groups]
    report.section("Mimicry and groups" if with_groups else "Mimicry")
    report.paragraph(_measure_words(effects))
    show(report, group_tables.mimicry_table(effects))
    if not with_groups:
        return
    parameters = results.parameters
    report.heading("Differences between groups")
    show(report, group_tables.group_differences_table(with_groups))
    report.heading("Could a difference have been missed?")
    report.paragraph(_equivalence_words(with_groups, results))
    show(
        report,
        group_tables.equivalence_table(
            with_groups, alpha=parameters.equivalence_p, power=parameters.sensitivity_power_p
        ),
    )
    _add_sensitivity(report, results, with_groups)
    _add_follow_up(report, results)


def _measure_words(effects: list[GroupEffect]) -> str:
    table = effects[0].mimicry
    if (table["measure"] == "slope").all():
        what = "the difference between the slopes of time of the two directions (emotion × time)"
    else:
        what = "the difference between the means of two emotions in the middle of the epoch"
    return (
        f"Mimicry is {what}, from the mixed models above. A group that changes mimicry changes this "
        "difference."
    )


def _equivalence_words(effects: list[GroupEffect], results: MimicryResults) -> str:
    table, parameters = effects[0].differences, results.parameters
    unit, bound = group_tables.unit_of(table["measure"].iloc[0]), table["bound"].iloc[0]
    return (
        "A test that finds no difference does not show that there is none. Two one-sided tests (level "
        f"{parameters.equivalence_p:g} each) ask whether a difference lies within ±{three(bound)} {unit}, "
        "the smallest difference that would matter (see the parameters for the reason); the Bayes factor "
        "compares no difference with differences of about this size. What lies beyond the column “Excluded "
        "beyond” is ruled out by the data, whatever bound one prefers."
    )


def _add_sensitivity(report: Report, results: MimicryResults, effects: list[GroupEffect]) -> None:
    parameters = results.parameters
    if not all(effect.simulated for effect in effects):
        report.note(
            "The smallest detectable difference was not simulated (--quick); run the analysis without it."
        )
        return
    least = min(effect.differences["equivalence_power"].min() for effect in effects)
    most = max(effect.differences["equivalence_power"].max() for effect in effects)
    span = f"{100 * least:.0f} %" if least == most else f"{100 * least:.0f} to {100 * most:.0f} %"
    report.paragraph(
        f"From {parameters.sensitivity_simulations} simulated studies per muscle, with the same "
        "participants and trials, the variances of the fitted models and no difference between groups: the "
        "column “Detectable” gives the difference that such a study finds (two-sided, p < 0.05) with a "
        f"power of {100 * parameters.sensitivity_power_p:g} %. Where groups truly do not differ at all, it "
        f"would have shown equivalence within the bound with a probability of {span}."
    )


def _add_follow_up(report: Report, results: MimicryResults) -> None:
    if not any(model.fitted for model in results.follow_ups.values()):
        return
    noun = emotion_noun(results.means["emotion"])
    report.heading(f"One {noun} at a time")
    first = next(model for model in results.follow_ups.values() if model.fitted)
    report.formula(first.formula)
    for warning in sorted({text for model in results.follow_ups.values() for text in model.warnings}):
        report.warning(f"{warning[0].upper()}{warning[1:]}.")
    show(report, group_tables.follow_up_table(results.follow_ups))
    if results.parameters.follow_up == "marginal":
        report.note(
            f"Fitted because the test of emotion × group was below {results.parameters.follow_up_p:g}, as "
            "in the paper. Tests that are done because another one nearly was significant find too much."
        )
