"""The report's figures: for each panel of the paper its question, answer, drawing, warnings and tables."""

from __future__ import annotations

from analysis.mouse_face.panel import Panel
from analysis.mouse_face.results import Results
from analysis.report import Report, Table
from analysis.report.drawing import report_style

SECTIONS = {
    "1": "Expressions follow events",
    "2": "Prototypes, strength and value",
    "3": "Time course and light",
    "4": "Neurons",
}
"""First character of a panel's name -> title of its section."""
OPEN_ROWS = 15
"""A panel's first table stands open if it is no longer; the others are folded."""
MOST_ROWS = 120
"""Longer tables are written as files only."""


def add_panels(report: Report, results: Results) -> None:
    """Add all panels, one section per figure of the paper."""
    for number in dict.fromkeys(panel.name[:1] for panel in results.panels):
        report.section(f"Figure {number}: {SECTIONS.get(number, 'Further panels')}")
        own = [panel for panel in results.panels if panel.name[:1] == number]
        for panel in own:
            if not panel.missing:
                add_panel(report, panel)
        for panel in own:
            if panel.missing:
                report.note(f"{panel.name} · {panel.title} Not shown: {panel.missing}")


def add_panel(report: Report, panel: Panel) -> None:
    """Add one panel: question, answer, warnings, drawing and tables."""
    report.heading(f"{panel.name} · {panel.title}")
    if panel.sentences:
        report.paragraph(" ".join(panel.sentences))
    for text in panel.warnings:
        report.warning(text)
    if panel.draw is not None:
        with report_style():
            figure = panel.draw()
        report.figure(panel.stem, figure, panel.caption)
    for number, table in enumerate(panel.tables):
        _add_table(report, table, first=number == 0)


def _add_table(report: Report, table: Table, *, first: bool) -> None:
    if table.data.empty:
        return
    if len(table.data) <= MOST_ROWS:
        report.table(table, folded=not first or len(table.data) > OPEN_ROWS)
        return
    report.attach(table)
    report.note(f"{table.caption} {len(table.data)} rows: tables/{table.name}.tsv.")
