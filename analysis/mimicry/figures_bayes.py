"""Figures of the Bayesian asymptotic regression: Fig. 2 and Fig. 3 of Korb et al. (2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.mimicry.emotions import emotion_name
from analysis.mimicry.figures import (
    MUSCLE_COLOURS,
    group_colours,
    group_name,
    muscle_name,
    ordered_groups,
    ordered_muscles,
)
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

EXAMPLE = {"a": 0.1, "b": 0.0, "c": 0.25}
"""The curve that explains the model. Source: Korb et al. 2023, caption of Fig. 2A."""
PARAMETER_LABELS = {"a": "Asymptote a (log units)", "c": "Log rate c"}
GREY = "#9AA3AB"
WHISKERS = 1.5
"""Length of a box's whiskers at most, in interquartile ranges (Tukey)."""
MUSCLE_SHORT = {"zygomaticus": "ZM", "corrugator": "CS"}


def asymptotic_curve(times: np.ndarray, *, a: float, b: float, c: float) -> np.ndarray:
    """Give the model's curve, ``a - (a - b) exp(-exp(c) (t - 1))``.

    Parameters
    ----------
    times : numpy.ndarray
        (n_times,), counted from 1, the first window.
    a, b, c : float
        Asymptote, value at time 1 and log of the rate.

    Examples
    --------
    >>> asymptotic_curve(np.array([1.0, 2.0]), a=0.1, b=0.0, c=0.0).round(4).tolist()
    [0.0, 0.0632]
    """
    return a - (a - b) * np.exp(-np.exp(c) * (np.asarray(times, dtype=float) - 1.0))


def box_limits(means: pd.DataFrame) -> tuple[float, float]:
    """Give the limits of Fig. 2C's vertical axis: all whiskers with a margin; what lies beyond is cut off.

    Parameters
    ----------
    means : pandas.DataFrame
        One row per participant, muscle, emotion and window, with `emg`.
    """
    cells = means.groupby(["muscle", "emotion", "window"])["emg"]
    first, third = cells.quantile(0.25), cells.quantile(0.75)
    reach = WHISKERS * (third - first)
    low = max(float((first - reach).min()), float(means["emg"].min()))
    high = min(float((third + reach).max()), float(means["emg"].max()))
    margin = 0.05 * max(high - low, 1e-6)
    return low - margin, high + margin


def draw_asymptotic_model(
    *, prior: pd.DataFrame, means: pd.DataFrame, ribbon: pd.DataFrame, limits: tuple[float, float]
) -> Figure:
    """Draw the model (A), draws from its prior (B), and the data with the fitted curves (C).

    Parameters
    ----------
    prior : pandas.DataFrame
        Curves drawn from the prior: columns `draw`, `time` (from 1) and `value`.
    means : pandas.DataFrame
        Participants' means: columns `participant`, `muscle`, `emotion`, `window` and `emg`.
    ribbon : pandas.DataFrame
        Fitted population curves: columns `muscle`, `emotion`, `time`, `median`, `lower` and `upper`.
    limits : tuple of float
        Limits of the vertical axes of C, from :func:`box_limits`.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels, A, B and C as in Fig. 2 of the paper.
    """
    muscles, emotions = ordered_muscles(means["muscle"].unique()), sorted(means["emotion"].unique())
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=max(92.0, 46.0 * len(muscles)))
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[0.34, 0.66])[0]
        model, priors = left.subplots(2, 1)
        _draw_example(model)
        _draw_prior(priors, prior)
        panels = right.subplots(len(muscles), len(emotions), sharex=True, sharey=True, squeeze=False)
        for row, muscle in zip(panels, muscles, strict=True):
            for panel, emotion in zip(row, emotions, strict=True):
                _draw_cell(panel, _cell(means, muscle, emotion), _cell(ribbon, muscle, emotion), muscle)
            row[0].set_ylabel(f"{muscle_name(muscle)}\n(log EMG)")
        for panel, emotion in zip(panels[0], emotions, strict=True):
            panel.set_title(emotion_name(emotion), fontweight="bold")
        for panel in panels[-1]:
            panel.set_xlabel("Window t")
        panels[0, 0].set_ylim(*limits)
        for part, letter, x in ((model, "A", -0.3), (priors, "B", -0.3), (panels[0, 0], "C", -0.34)):
            _letter(part, letter, x)
    return figure


def _draw_example(panel: Axes) -> None:
    times = np.linspace(1, 5, 81)
    panel.axhline(EXAMPLE["a"], color=GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    panel.plot(times, asymptotic_curve(times, **EXAMPLE), color="black")
    text = ", ".join(f"{name} = {value:g}" for name, value in EXAMPLE.items())
    panel.text(0.97, 0.08, text, transform=panel.transAxes, ha="right", fontsize=7.5)
    panel.set(xlabel="Window t", ylabel="y", xlim=(1, 5), ylim=(-0.005, 0.115))


def _draw_prior(panel: Axes, prior: pd.DataFrame) -> None:
    lines = [curve[["time", "value"]].to_numpy() for _, curve in prior.groupby("draw")]
    panel.axhline(0.0, color=GREY, linewidth=0.7, zorder=0)
    panel.add_collection(LineCollection(lines, colors="#33475B", linewidths=0.5, alpha=0.45))
    reach = float(np.nanmax(np.abs(prior["value"]))) * 1.05
    panel.set(xlabel="Window t", ylabel="Prior of y (log units)", ylim=(-reach, reach))
    panel.set_xlim(prior["time"].min(), prior["time"].max())


def _draw_cell(panel: Axes, means: pd.DataFrame, ribbon: pd.DataFrame, muscle: str) -> None:
    colour = MUSCLE_COLOURS.get(muscle, "#555555")
    windows = sorted(means["window"].unique())
    panel.axhline(0.0, color=GREY, linewidth=0.7, zorder=0)
    panel.boxplot(
        [means.loc[means["window"] == window, "emg"].dropna() for window in windows],
        positions=windows,
        widths=0.5,
        whis=WHISKERS,
        manage_ticks=False,
        boxprops={"linewidth": 0.7, "color": "#55606A"},
        whiskerprops={"linewidth": 0.7, "color": "#55606A"},
        capprops={"linewidth": 0.7, "color": "#55606A"},
        medianprops={"linewidth": 1.0, "color": "#22292F"},
        flierprops={"marker": ".", "markersize": 1.8, "markerfacecolor": "#55606A", "markeredgewidth": 0},
    )
    ribbon = ribbon.sort_values("time")
    panel.fill_between(
        ribbon["time"], ribbon["lower"], ribbon["upper"], color=colour, alpha=0.35, linewidth=0, zorder=3
    )
    panel.plot(ribbon["time"], ribbon["median"], color=colour, linewidth=1.2, zorder=4)
    panel.set_xticks(windows)
    panel.set_xlim(min(windows) - 0.6, max(windows) + 0.6)


def draw_posteriors(
    densities: pd.DataFrame, intervals: pd.DataFrame, *, rope: Mapping[str, float] | None = None
) -> Figure:
    """Draw the posteriors of asymptote and rate, or of their differences between groups (Fig. 3).

    Parameters
    ----------
    densities : pandas.DataFrame
        Columns `parameter` ("a" or "c"), `muscle`, `emotion`, `group` (or the name of a difference), `value`
        and `density` (of any scale: each is drawn with the same height).
    intervals : pandas.DataFrame
        One row per posterior: `parameter`, `muscle`, `emotion`, `group`, `median`, `lower`, `upper` (95 %),
        `lower_50`, `upper_50`.
    rope : mapping, optional
        Parameter -> half-width of the region of practical equivalence, shaded around zero.

    Returns
    -------
    matplotlib.figure.Figure
        One row of panels per parameter, one panel per muscle and emotion; each row has a common scale.
    """
    muscles = ordered_muscles(intervals["muscle"].unique())
    emotions, groups = sorted(intervals["emotion"].unique()), ordered_groups(intervals["group"])
    cells = [(muscle, emotion) for muscle in muscles for emotion in emotions]
    parameters = [name for name in PARAMETER_LABELS if name in set(intervals["parameter"])]
    colours = dict.fromkeys(groups, "#3B4A57") if rope is not None else _colours(groups)
    with report_style():
        height_mm = (15.0 + 8.0 * max(len(groups), 2)) * len(parameters)
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=height_mm + 8.0)
        parts = figure.subfigures(
            len(parameters), 1, squeeze=False, height_ratios=[1.2, 1.0][: len(parameters)]
        )
        for i, (part, parameter) in enumerate(zip(parts[:, 0], parameters, strict=True)):
            panels = part.subplots(1, len(cells), sharex=True, sharey=True, squeeze=False)[0]
            for panel, cell in zip(panels, cells, strict=True):
                if rope is not None:
                    panel.axvspan(-rope[parameter], rope[parameter], color="#E3E8EC", linewidth=0, zorder=0)
                if parameter == "a" or rope is not None:
                    panel.axvline(0.0, color=GREY, linewidth=0.7, zorder=1)
                _draw_ridge(panel, densities, intervals, parameter, cell, groups, colours)
                if i == 0:
                    panel.set_title(_cell_title(*cell), fontweight="bold", fontsize=8.0)
            panels[0].xaxis.set_major_locator(MaxNLocator(nbins=4 if len(cells) <= 4 else 3, min_n_ticks=2))
            panels[0].set_yticks(range(len(groups)), [_group_label(name) for name in groups])
            panels[0].set_ylim(len(groups) - 0.6, -1.0)
            label = PARAMETER_LABELS[parameter]
            what = f"Difference of {label[0].lower()}{label[1:]}" if rope is not None else label
            part.supxlabel(what, fontsize=8.0)
    return figure


def _colours(groups: Sequence[str]) -> dict[str, str]:
    return group_colours(groups) if len(groups) > 1 else {groups[0]: "#3B4A57"}


def _group_label(name: str) -> str:
    return group_name(name).replace(" - ", " − ") if name else "all"


def _draw_ridge(
    panel: Axes,
    densities: pd.DataFrame,
    intervals: pd.DataFrame,
    parameter: str,
    cell: tuple[str, str],
    groups: Sequence[str],
    colours: Mapping[str, str],
) -> None:
    curves = _cell(densities[densities["parameter"] == parameter], *cell)
    lines = _cell(intervals[intervals["parameter"] == parameter], *cell).set_index("group")
    for place, group in enumerate(groups):
        curve = curves[curves["group"] == group]
        if group not in lines.index or curve.empty:
            continue
        height = 0.75 * curve["density"] / curve["density"].max()
        panel.fill_between(
            curve["value"], place, place - height, color=colours[group], alpha=0.4, linewidth=0, zorder=2
        )
        line = lines.loc[group]
        panel.plot([line["lower"], line["upper"]], [place] * 2, color=colours[group], linewidth=0.9, zorder=3)
        panel.plot(
            [line["lower_50"], line["upper_50"]], [place] * 2, color=colours[group], linewidth=2.6, zorder=3
        )
        panel.plot(line["median"], place, "o", color="white", markeredgecolor=colours[group], markersize=3.4)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def _cell(table: pd.DataFrame, muscle: str, emotion: str) -> pd.DataFrame:
    return table[(table["muscle"] == muscle) & (table["emotion"] == emotion)]


def _cell_title(muscle: str, emotion: str) -> str:
    return f"{MUSCLE_SHORT.get(muscle, muscle)}\n{emotion_name(emotion)}"


def _letter(panel: Axes, letter: str, x: float) -> None:
    panel.text(x, 1.06, letter, transform=panel.transAxes, fontsize=11.0, fontweight="bold", va="bottom")
