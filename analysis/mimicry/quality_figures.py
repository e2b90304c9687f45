"""Small pictures of every participant: average curves, and the worst trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.mimicry.emotions import emotion_name
from analysis.mimicry.figures import EMOTION_COLOURS, ordered_muscles
from analysis.report.drawing import FULL_WIDTH_MM, MM_PER_INCH, report_style

PARTICIPANTS_PER_PAGE = 15
PARTICIPANTS_PER_ROW = 3
MUSCLE_LETTERS = {"zygomaticus": "ZM", "corrugator": "CS"}
ROW_MM, HEAD_MM, FOOT_MM, PANEL_MM = 30.0, 7.0, 8.0, 19.0
"""Heights on a page of small panels: a row of participants, the page's head and foot, a panel."""


def draw_participants(curves: pd.DataFrame, counts: pd.DataFrame) -> Iterator[Figure]:
    """Draw each participant's average EMG around onset, small, fifteen participants to a page.

    Parameters
    ----------
    curves : pandas.DataFrame
        `participant muscle emotion time_s percent`.
    counts : pandas.DataFrame
        `participant muscle n_trials n_excluded`.

    Yields
    ------
    matplotlib.figure.Figure
        All pages have the same scale; what lies beyond it is cut off.
    """
    low, high = np.nanpercentile(curves["percent"], [0.5, 99.5])
    limits = (min(low, 90.0), max(high, 110.0))
    numbers = counts.set_index(["participant", "muscle"])
    muscles = ordered_muscles(curves["muscle"])
    emotions = sorted(curves["emotion"].unique())
    for page in _pages(sorted(counts["participant"].unique())):
        with report_style():
            figure, panels = _page(page, muscles, gap_mm=2.5)
            for (participant, muscle), panel in panels.items():
                cell = curves[(curves["participant"] == participant) & (curves["muscle"] == muscle)]
                for emotion, colour in zip(emotions, EMOTION_COLOURS, strict=False):
                    line = cell[cell["emotion"] == emotion]
                    panel.plot(line["time_s"], line["percent"], color=colour, linewidth=0.8)
                panel.set_xlim(curves["time_s"].min(), curves["time_s"].max())
                panel.set_ylim(limits)
                _label(panel, _excluded_text(numbers, participant, muscle))
            _emotion_key(figure, emotions)
        yield figure


def draw_worst(worst: pd.DataFrame, worst_curves: pd.DataFrame) -> Iterator[Figure]:
    """Draw each participant's worst trial per muscle, each on its own scale.

    Parameters
    ----------
    worst : pandas.DataFrame
        `participant muscle trial rule excess`.
    worst_curves : pandas.DataFrame
        `participant muscle trial time_s percent`.

    Yields
    ------
    matplotlib.figure.Figure
        Fifteen participants to a page.
    """
    muscles = ordered_muscles(worst["muscle"])
    first = worst.drop_duplicates(["participant", "muscle"]).set_index(["participant", "muscle"])
    for page in _pages(sorted(worst["participant"].unique())):
        with report_style():
            figure, panels = _page(page, muscles, gap_mm=7.0)
            for (participant, muscle), panel in panels.items():
                cell = worst_curves[
                    (worst_curves["participant"] == participant) & (worst_curves["muscle"] == muscle)
                ]
                panel.plot(cell["time_s"], cell["percent"], color="#7A1F1F", linewidth=0.8)
                panel.tick_params(labelleft=True)
                _label(panel, _worst_text(first, participant, muscle))
        yield figure


def _pages(participants: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(participants), PARTICIPANTS_PER_PAGE):
        yield participants[start : start + PARTICIPANTS_PER_PAGE]


def _page(
    participants: Sequence[str], muscles: Sequence[str], *, gap_mm: float
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Lay out one page: participants side by side and below each other, one small panel per muscle."""
    rows = -(-len(participants) // PARTICIPANTS_PER_ROW)
    height_mm = HEAD_MM + ROW_MM * rows + FOOT_MM
    figure = Figure(figsize=(FULL_WIDTH_MM / MM_PER_INCH, height_mm / MM_PER_INCH))
    cell_mm, left_mm = (FULL_WIDTH_MM - 3.0) / PARTICIPANTS_PER_ROW, 9.5
    width_mm = (cell_mm - left_mm) / len(muscles)
    panels = {}
    for i, participant in enumerate(participants):
        row, column = divmod(i, PARTICIPANTS_PER_ROW)
        bottom_mm = height_mm - HEAD_MM - ROW_MM * (row + 1) + 2.0
        x_mm = column * cell_mm + left_mm
        y = (bottom_mm + PANEL_MM + 4.0) / height_mm
        figure.text(x_mm / FULL_WIDTH_MM, y, participant, fontsize=7.0, fontweight="bold", va="bottom")
        for j, muscle in enumerate(muscles):
            left, width = (x_mm + j * width_mm) / FULL_WIDTH_MM, (width_mm - gap_mm) / FULL_WIDTH_MM
            panel = figure.add_axes((left, bottom_mm / height_mm, width, PANEL_MM / height_mm))
            _bare(panel, first=j == 0, last_row=i + PARTICIPANTS_PER_ROW >= len(participants))
            panels[participant, muscle] = panel
    return figure, panels


def _bare(panel: Axes, *, first: bool, last_row: bool) -> None:
    panel.tick_params(labelsize=5.5, length=1.8, pad=1.5, labelleft=first, labelbottom=last_row)
    panel.axvline(0.0, color="#B5BCC3", linewidth=0.5, zorder=0)
    panel.axhline(100.0, color="#B5BCC3", linewidth=0.5, zorder=0)
    panel.locator_params(axis="y", nbins=4)
    panel.set_xticks([0, 2, 4])
    if last_row:
        panel.set_xlabel("s from onset", fontsize=5.5, labelpad=1.0)
    if first:
        panel.set_ylabel("% of baseline", fontsize=5.5, labelpad=1.0)


def _label(panel: Axes, text: str) -> None:
    panel.text(0.0, 1.03, text, transform=panel.transAxes, fontsize=5.4, va="bottom", color="#444444")


def _excluded_text(numbers: pd.DataFrame, participant: str, muscle: str) -> str:
    if (participant, muscle) not in numbers.index:
        return MUSCLE_LETTERS.get(muscle, muscle)
    row = numbers.loc[(participant, muscle), ["n_excluded", "n_trials"]].astype(int)
    return f"{MUSCLE_LETTERS.get(muscle, muscle)}: {row['n_excluded']} of {row['n_trials']} excluded"


def _worst_text(first: pd.DataFrame, participant: str, muscle: str) -> str:
    if (participant, muscle) not in first.index:
        return f"{MUSCLE_LETTERS.get(muscle, muscle)}: none"
    trial, rule = first.loc[(participant, muscle), ["trial", "rule"]]
    return f"{MUSCLE_LETTERS.get(muscle, muscle)} {trial:.0f}: {str(rule).replace('_', ' ')}"


def _emotion_key(figure: Figure, emotions: Sequence[str]) -> None:
    top = 1 - 1.5 / (figure.get_figheight() * MM_PER_INCH)
    for i, (emotion, colour) in enumerate(zip(emotions, EMOTION_COLOURS, strict=False)):
        text = emotion_name(emotion)
        figure.text(0.055 + 0.16 * i, top, text, color=colour, fontsize=7.5, fontweight="bold", va="top")
