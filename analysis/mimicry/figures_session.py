"""The session day on a line of time: Fig. S1 of Korb et al. (2023)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.mimicry.figures import group_colours, group_name, ordered_groups
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

JITTER = 0.16
"""Half of the height over which a group's participants are spread, in rows."""


def draw_session_day(events: pd.DataFrame) -> Figure:
    """Draw when the pill, the questionnaires and the task happened, relative to the pill.

    Parameters
    ----------
    events : pandas.DataFrame
        One row per participant and event: columns `participant`, `group` (empty where there is none), `event`
        (its name) and `hours` (from the pill, negative = before).

    Returns
    -------
    matplotlib.figure.Figure
        One row per group: dots are participants, bars are means.
    """
    groups, events = ordered_groups(events["group"]), events.dropna(subset=["hours"])
    colours = group_colours(groups)
    middles = events.groupby("event")["hours"].mean().sort_values()
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=30.0 + 9.0 * len(groups))
        panel = figure.subplots()
        for place, group in enumerate(groups):
            of_group = events[events["group"] == group]
            panel.axhline(place, color="#D9DFE4", linewidth=0.8, zorder=0)
            for _, hours in of_group.groupby("event")["hours"]:
                _draw_event(panel, hours.to_numpy(), place, colours[group])
        _name_events(panel, middles)
        panel.set_yticks(range(len(groups)), [group_name(group) if group else "all" for group in groups])
        panel.set_ylim(len(groups) - 0.5, -0.5)
        panel.tick_params(axis="y", length=0)
        panel.spines["left"].set_visible(False)
        panel.set_xlabel("Time from the pill (h)")
    return figure


def _draw_event(panel: Axes, hours: np.ndarray, place: int, colour: str) -> None:
    """Spread the participants evenly over the height, in the order of their times."""
    order = np.argsort(np.argsort(hours, kind="stable"), kind="stable")
    spread = (order * 0.618034) % 1.0
    panel.plot(
        hours,
        place + JITTER * (2 * spread - 1),
        "o",
        color=colour,
        alpha=0.45,
        markersize=2.4,
        markeredgewidth=0,
    )
    panel.plot([hours.mean()] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=1.8)


def _name_events(panel: Axes, middles: pd.Series) -> None:
    """Write the events over the panel; names that would meet stand on another line."""
    span, line, last = max(float(np.ptp(middles)), 0.5), 0, -np.inf
    for event, hours in middles.items():
        line = (line + 1) % 2 if hours - last < 0.12 * span else 0
        last = float(hours)
        panel.annotate(
            str(event),
            (hours, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 10 * line),
            textcoords="offset points",
            ha="center",
            fontsize=8.0,
            fontweight="bold",
        )
