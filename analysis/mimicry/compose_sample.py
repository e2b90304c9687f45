"""The report's part on participants: Table 1, the session day, and whether they knew their group."""

from __future__ import annotations

from analysis.mimicry.compose_shared import blinding, show
from analysis.mimicry.figures_session import draw_session_day
from analysis.mimicry.guesses import guess_sentences, guess_tables, judge_guesses
from analysis.mimicry.sample import describe_sample, sample_table
from analysis.mimicry.session_day import session_events, session_events_table
from analysis.mimicry.study import MimicryResults
from analysis.report import Report
from analysis.runs import RULE


def add_sample(report: Report, results: MimicryResults) -> None:
    """Add who took part, when, and what they believed to have been given."""
    report.section("Participants")
    study, names = results.study, results.group_names
    people = study.participants
    if names:
        people = people.assign(group=people["group"].map(names))
    described = describe_sample(
        people,
        measured=results.emg.usable,
        phenotype=study.phenotype,
        group_names=names,
        as_paper=results.preset == "paper",
    )
    show(report, sample_table(described))
    if study.chosen_runs:
        report.heading("Participants with several sessions")
        report.paragraph(" ".join([RULE, *map(str, study.chosen_runs.values())]))
    events = session_events(people, study.phenotype)
    if len(events):
        several = " " if events["group"].nunique() > 1 else " all "
        report.figure(
            "session_day",
            draw_session_day(events),
            f"The day of the session: pill, questionnaires and task of{several}participants (dots) and their "
            f"means (bars){', by group; ' + blinding(results) if several == ' ' else ''}.",
        )
        report.attach(session_events_table(events))
    guesses = judge_guesses(people, study.phenotype, group_names=names)
    if guesses.asked:
        report.heading("What participants believed they had been given")
        for text in guess_sentences(guesses):
            report.paragraph(text)
        for table in guess_tables(guesses):
            show(report, table)
