"""Figures of a mimicry study; the first one is Fig. 1 of Korb et al. (2023)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.mimicry.emotions import emotion_name
from analysis.mimicry.summaries import NO_GROUP
from analysis.report.drawing import FULL_WIDTH_MM, GROUP_COLOURS, new_figure, report_style

MUSCLE_NAMES = {"zygomaticus": "Zygomaticus major", "corrugator": "Corrugator supercilii"}
MUSCLE_COLOURS = {"zygomaticus": "#0072B2", "corrugator": "#D55E00"}
MUSCLE_MARKS: dict[str, tuple[str, Any]] = {"zygomaticus": ("o", "-"), "corrugator": ("s", (0, (4, 2)))}
EMOTION_COLOURS = ("#C1462F", "#2F6DB3", "#6B6B6B", "#3A8F5C", "#8457A5", "#A98111")
NO_GROUP_NAME, NO_GROUP_COLOUR = "no group", "#7A7A7A"
"""Stands for the group of participants who have none, in a study that has groups."""
DODGE_S = 0.055
"""Points of neighbouring groups are set apart by this much time, so that their bars can be told apart."""


def muscle_name(muscle: str) -> str:
    """Give a muscle's full name; other channels keep theirs."""
    return MUSCLE_NAMES.get(muscle, muscle)


def ordered_muscles(muscles: Iterable[str]) -> list[str]:
    """Sort muscles as the paper's figure has them: zygomaticus, corrugator, then any other."""
    known = list(MUSCLE_NAMES)
    return sorted(set(muscles), key=lambda name: (known.index(name) if name in known else len(known), name))


def ordered_groups(groups: Iterable[str]) -> list[str]:
    """Sort groups; participants without one come last.

    >>> ordered_groups(["B", "", "A", "B"])
    ['A', 'B', '']
    """
    return sorted(set(groups), key=lambda group: (group == NO_GROUP, group))


def group_name(group: str) -> str:
    """Give the name of a group for a legend."""
    return NO_GROUP_NAME if group == NO_GROUP else str(group)


def group_colours(groups: Sequence[str]) -> dict[str, str]:
    """Give each group a colour; participants without one are grey beside those who have one."""
    colours = {group: GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, group in enumerate(groups)}
    return colours | {NO_GROUP: NO_GROUP_COLOUR} if len(groups) > 1 and NO_GROUP in groups else colours


def draw_windows(means: pd.DataFrame, *, window_s: float) -> Figure:
    """Draw the EMG by muscle, direction, time and group (Fig. 1 of Korb et al. 2023).

    Parameters
    ----------
    means : pandas.DataFrame
        One row per muscle, emotion, group and window: columns `muscle`, `emotion`, `group` (empty where the
        study has none), `window` (from 1), `n`, `mean` and `sem` (natural log of the proportion of baseline).
    window_s : float
        Length of a window, in seconds.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per emotion with a common scale.
    """
    emotions = sorted(means["emotion"].unique())
    with report_style():
        figure = new_figure(width_mm=max(FULL_WIDTH_MM, 70.0 * len(emotions)), height_mm=82.0)
        panels = figure.subplots(1, len(emotions), sharey=True, squeeze=False)[0]
        for panel, emotion in zip(panels, emotions, strict=True):
            _draw_emotion(panel, means[means["emotion"] == emotion], window_s=window_s)
            panel.set_title(emotion_name(emotion), fontweight="bold")
            panel.set_xlabel("Time from stimulus onset (s)")
        panels[0].set_ylabel("EMG (log proportion of baseline)")
        _add_percent_axis(panels[-1])
        handles = _window_legend(means)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=2.6)
    return figure


def _draw_emotion(panel: Axes, means: pd.DataFrame, *, window_s: float) -> None:
    groups = ordered_groups(means["group"])
    colours = group_colours(groups)
    panel.axhline(0.0, color="#9AA3AB", linewidth=0.7, zorder=0)
    for muscle in ordered_muscles(means["muscle"].unique()):
        marker, dashes = MUSCLE_MARKS.get(muscle, ("^", (0, (1, 1))))
        for i, group in enumerate(groups):
            cell = means[(means["muscle"] == muscle) & (means["group"] == group)].sort_values("window")
            colour = colours[group] if len(groups) > 1 else MUSCLE_COLOURS.get(muscle, "black")
            panel.errorbar(
                (cell["window"] - 0.5) * window_s + (i - (len(groups) - 1) / 2) * DODGE_S,
                cell["mean"],
                yerr=cell["sem"],
                color=colour,
                marker=marker,
                linestyle=dashes,
                markersize=4.2,
                markerfacecolor=colour if muscle == "zygomaticus" else "white",
                elinewidth=0.9,
                capsize=1.8,
                capthick=0.9,
            )
    last = means["window"].max() * window_s
    panel.set_xlim(0.0, last)
    panel.set_xticks(np.arange(0.0, last + window_s / 2, window_s))


def _add_percent_axis(panel: Axes) -> None:
    right = panel.secondary_yaxis("right", functions=(_to_percent, _to_log))
    right.set_ylabel("% of baseline")
    right.spines["right"].set_visible(True)


def _to_percent(log_proportion: Any) -> Any:
    return 100.0 * np.exp(log_proportion)


def _to_log(percent: Any) -> Any:
    return np.log(np.maximum(percent, 1e-9) / 100.0)


def _window_legend(means: pd.DataFrame) -> list[Line2D]:
    groups = ordered_groups(means["group"])
    handles = []
    for muscle in ordered_muscles(means["muscle"].unique()):
        marker, dashes = MUSCLE_MARKS.get(muscle, ("^", (0, (1, 1))))
        colour = "#333333" if len(groups) > 1 else MUSCLE_COLOURS.get(muscle, "black")
        face = colour if muscle == "zygomaticus" else "white"
        label = muscle_name(muscle)
        handles.append(
            Line2D([], [], color=colour, marker=marker, linestyle=dashes, markerfacecolor=face, label=label)
        )
    if len(groups) > 1:
        colours = group_colours(groups)
        handles += [
            Line2D([], [], color=colours[group], linewidth=3.0, label=group_name(group)) for group in groups
        ]
    for handle in handles:
        handle.set_markersize(4.2)
    return handles


def draw_response_times(times: pd.DataFrame, *, unit: str) -> Figure:
    """Draw each participant's mean response time by direction and group.

    Parameters
    ----------
    times : pandas.DataFrame
        One row per participant and emotion: columns `participant`, `group`, `emotion` and `mean`.
    unit : str
        Unit of the means, for the axis.

    Returns
    -------
    matplotlib.figure.Figure
        Dots are participants, joined across directions; larger marks are means with SEM.
    """
    groups, emotions = ordered_groups(times["group"]), sorted(times["emotion"].unique())
    colours = group_colours(groups)
    with report_style():
        figure = new_figure(width_mm=max(85.0, 45.0 * len(groups) + 15.0), height_mm=70.0)
        panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for panel, group in zip(panels, groups, strict=True):
            of_group = times[times["group"] == group]
            wide = of_group.pivot_table(index="participant", columns="emotion", values="mean").reindex(
                columns=emotions
            )
            _draw_group_times(panel, wide, colour=colours[group])
            panel.set_title(group_name(group) if len(groups) > 1 else "", fontweight="bold")
            panel.set_xticks(
                range(len(emotions)), [emotion_name(name).replace(" to ", "\nto ") for name in emotions]
            )
            panel.set_xlim(-0.5, len(emotions) - 0.5)
        panels[0].set_ylabel(f"Response time ({unit})")
    return figure


def _draw_group_times(panel: Axes, wide: pd.DataFrame, *, colour: str) -> None:
    places = np.arange(wide.shape[1])
    panel.plot(places, wide.to_numpy().T, color=colour, alpha=0.28, linewidth=0.7, marker="o", markersize=2.2)
    count = wide.notna().sum()
    sem = wide.std(ddof=1) / np.sqrt(count.where(count > 0))
    panel.errorbar(
        places,
        wide.mean(),
        yerr=sem,
        color="black",
        marker="D",
        markersize=4.5,
        linestyle="none",
        capsize=3.0,
    )


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draw the average EMG around onset at fine time resolution, by muscle and direction.

    Parameters
    ----------
    curves : pandas.DataFrame
        One row per participant, muscle, emotion and moment: columns `participant`, `muscle`, `emotion`,
        `time_s` (from stimulus onset, negative = before) and `percent` (of baseline).

    Returns
    -------
    matplotlib.figure.Figure
        One panel per muscle; bands are SEM across participants.
    """
    muscles, emotions = ordered_muscles(curves["muscle"].unique()), sorted(curves["emotion"].unique())
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=70.0)
        panels = figure.subplots(1, len(muscles), squeeze=False)[0]
        for panel, muscle in zip(panels, muscles, strict=True):
            of_muscle = curves[curves["muscle"] == muscle]
            for emotion, colour in zip(emotions, EMOTION_COLOURS, strict=False):
                cell = of_muscle[of_muscle["emotion"] == emotion].groupby("time_s")["percent"]
                mean, sem = cell.mean(), cell.sem().fillna(0.0)
                panel.fill_between(mean.index, mean - sem, mean + sem, color=colour, alpha=0.2, linewidth=0)
                panel.plot(mean.index, mean, color=colour, linewidth=1.2, label=emotion_name(emotion))
            panel.axvline(0.0, color="#9AA3AB", linewidth=0.7, zorder=0)
            panel.axhline(100.0, color="#9AA3AB", linewidth=0.7, zorder=0)
            panel.set_xlim(of_muscle["time_s"].min(), of_muscle["time_s"].max())
            panel.set_title(muscle_name(muscle), fontweight="bold")
            panel.set_xlabel("Time from stimulus onset (s)")
        panels[0].set_ylabel("EMG (% of baseline)")
        panels[0].legend(loc="best")
    return figure
