"""The report's first part: what was asked and found, panel by panel, and what to know before believing it."""

from __future__ import annotations

import pandas as pd

from analysis.mouse_face.compose_presets import compared_claims
from analysis.mouse_face.presets_compared import DISAGREEING, PRESET_NAMES, n_disagreements
from analysis.mouse_face.results import Results
from analysis.report import Column, Report, Table

EVENTS_NOT_EMOTIONS = (
    "Prototypes are defined by events: the quinine prototype is how this animal's face looked after quinine. "
    "That it is disgust is an assumption, taken from {source}; no number here depends on it. To change the "
    "names, write a table emotions.tsv (columns event, emotion) into the folder of the study, or give one "
    "with --emotions."
)


MOST_SESSION_WARNINGS = 4
"""More of them stand in the section on sessions only."""


def add_summary(report: Report, results: Results) -> None:
    """Add the answers as a table, what the names of emotions mean, and all doubts as warnings."""
    report.section("Summary")
    answers = answers_frame(results)
    if len(answers):
        report.table(answers_table(answers, results))
    else:
        report.paragraph("None of the panels could be made; the next sections say why, panel by panel.")
    text = presets_words(results)
    if text:
        report.paragraph(text)
    report.paragraph(EVENTS_NOT_EMOTIONS.format(source=results.emotions.source))
    for text in doubts(results):
        report.alert(text)


def answers_frame(results: Results) -> pd.DataFrame:
    """Tabulate, for each panel that could be made, its question, its answer and whether the presets agree.

    Returns
    -------
    pandas.DataFrame
        Columns ``panel``, ``question``, ``answer``, ``presets``.
    """
    compared = compared_claims(results)
    rows = []
    for panel in results.panels:
        if panel.missing or not panel.sentences:
            continue
        own = compared[compared["panel"] == panel.name]
        rows.append((panel.name, panel.title, panel.sentences[0], _agreement(own)))
    return pd.DataFrame(rows, columns=["panel", "question", "answer", "presets"])


def answers_table(answers: pd.DataFrame, results: Results) -> Table:
    """Make the table of questions and answers."""
    other = PRESET_NAMES[results.other_preset]
    return Table(
        name="answers",
        caption=f"What was asked and what was found, {PRESET_NAMES[results.preset]}.",
        data=answers,
        columns={
            "panel": Column(description="Panel of Dolensek et al. (2020).", heading="Fig."),
            "question": Column(description="What was asked.", heading="Question"),
            "answer": Column(description="What was found.", heading="Answer"),
            "presets": Column(
                description="Whether the other preset says the same.",
                heading=other.capitalize(),
                missing="not compared",
            ),
        },
    )


def presets_words(results: Results) -> str:
    """Say on how many claims the presets disagree; empty where only one was run."""
    compared = compared_claims(results)
    both = compared[~compared["verdict"].isin(["one preset only", "undecided"])]
    if both.empty:
        return ""
    count = n_disagreements(compared)
    if not count:
        return f"Both presets agree on all {len(both)} claims that both can decide."
    panels = ", ".join(dict.fromkeys(both.loc[both["verdict"].isin(DISAGREEING), "panel"]))
    where = "panel" if "," not in panels else "panels"
    only_paper = int((both["verdict"] == "paper only").sum())
    detail = f"; {only_paper} of them hold only as in the paper" if only_paper else ""
    return (
        f"The two presets disagree on {count} of {len(both)} claims ({where} {panels}){detail}. The section "
        "“What the presets say” goes through them one by one."
    )


def doubts(results: Results) -> list[str]:
    """List what to know first: warnings of the study and its sessions; and which panels have more."""
    texts = _few(list(results.warnings), [str(name) for name in results.data.sessions["session_id"]])
    if results.quick:
        texts.append("This is a quick look: what takes minutes was shortened (--quick).")
    warned = [f"Fig. {panel.name}" for panel in results.panels if panel.warnings]
    if warned:
        texts.append(f"More warnings stand beside {', '.join(warned)}.")
    return list(dict.fromkeys(texts))


def _few(texts: list[str], session_ids: list[str]) -> list[str]:
    """Tell many warnings of sessions as one, where they would hide the others."""
    starts = tuple(f"{name}: " for name in session_ids)
    of_sessions = [text for text in texts if text.startswith(starts)]
    if len(of_sessions) <= MOST_SESSION_WARNINGS:
        return texts
    count = len({text.partition(": ")[0] for text in of_sessions})
    others = [text for text in texts if not text.startswith(starts)]
    return [*others, f"{count} sessions have warnings; “Quality of each session” lists them."]


def _agreement(compared: pd.DataFrame) -> str:
    decided = compared[~compared["verdict"].isin(["one preset only", "undecided"])]
    if decided.empty:
        return "cannot be compared" if (compared["verdict"] == "undecided").any() else ""
    differing = decided[decided["verdict"].isin(DISAGREEING)]
    if differing.empty:
        return "the same"
    if len(decided) == 1:
        return "the opposite"
    return f"differs in {len(differing)} of {len(decided)} claims"
