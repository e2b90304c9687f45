"""The report's first part: the answers, how sure they are, and what a reader must know before the numbers."""

from __future__ import annotations

import pandas as pd

from analysis.mimicry.compose_shared import show, unit_words
from analysis.mimicry.conclusions import Answer, group_answer, mimicry_answer, times_answer
from analysis.mimicry.doubts import doubts
from analysis.mimicry.group_effect import GroupEffect
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.posterior_answers import comparison_answer, group_words, mimicry_words
from analysis.mimicry.sentences import f_text, muscle_summary
from analysis.mimicry.study import MimicryResults
from analysis.report import Column, Report, Table


def add_summary(report: Report, results: MimicryResults) -> None:
    """Add the answers as a table, the results in words, and all doubts as warnings."""
    report.section("Summary")
    answers = conclude(results)
    if answers:
        show(report, answers_table(answers))
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


def conclude(results: MimicryResults) -> list[Answer]:
    """Answer the questions of the study: is there mimicry, do groups differ, which model predicts best."""
    answers = []
    for muscle, effect in results.groups.items():
        answers += [_with_posterior(answer, results, muscle) for answer in mimicry_answer(effect)]
    for muscle, effect in results.groups.items():
        answers += _group_answer(results, muscle, effect)
    if results.posterior is not None and results.posterior.fitted:
        best = comparison_answer(results.posterior, judged=results.parameters.comparison)
        answers += [best] if best else []
    if "s" in results.time_models:
        answer = times_answer(results.time_models["s"])
        answers += [answer] if answer else []
    return answers


def _with_posterior(answer: Answer, results: MimicryResults, muscle: str) -> Answer:
    if results.posterior is None or not results.posterior.fitted:
        return answer
    return _more(answer, mimicry_words(results.posterior, muscle))


def _group_answer(results: MimicryResults, muscle: str, effect: GroupEffect) -> list[Answer]:
    parameters = results.parameters
    answer = group_answer(effect, alpha=parameters.equivalence_p, power=parameters.sensitivity_power_p)
    if answer is None:
        return []
    if results.posterior is None or not results.posterior.fitted:
        return [answer]
    rope = {"a": parameters.rope_asymptote_log, "c": parameters.rope_log_rate}
    return [_more(answer, group_words(results.posterior, muscle, rope=rope))]


def _more(answer: Answer, evidence: str) -> Answer:
    return answer._replace(evidence="; ".join(text for text in (answer.evidence, evidence) if text))


def answers_table(answers: list[Answer]) -> Table:
    """Tabulate questions, answers and their evidence."""
    return Table(
        name="conclusions",
        caption="What was asked, what was found, and how sure that is.",
        data=pd.DataFrame(answers),
        columns={
            "question": Column(description="What was asked.", heading="Question"),
            "answer": Column(description="What was found.", heading="Answer"),
            "evidence": Column(
                description="Tests and estimates that the answer rests on.", heading="Evidence"
            ),
        },
    )
