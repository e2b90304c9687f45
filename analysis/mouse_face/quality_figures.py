"""Figures of the quality of sessions: movement, brightness and place of the picture over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.faces.frame_quality import REASONS, FrameQuality
from analysis.mouse_face.face_data import FaceData
from analysis.report.drawing import FULL_WIDTH_MM, GROUP_COLOURS, new_figure

SESSIONS_PER_PAGE = 14
ROW_MM = 13.0
HEAD_MM = 14.0
MOST_STEPS = 300
"""Points of a curve; a session is shown in that many steps of equal length."""
REASON_COLOURS = dict(zip((*REASONS, "dropped"), (*GROUP_COLOURS[1:6], "#777777"), strict=True))
INK, GREY = "#333333", "#AAB2B8"


def draw_sessions(data: FaceData) -> list[Figure]:
    """Draw the course of each session, fourteen to a page (inside `analysis.report.drawing.report_style`).

    Parameters
    ----------
    data : FaceData
        Its ``quality``, ``motion`` and ``trials`` are shown.

    Returns
    -------
    list of matplotlib.figure.Figure
    """
    names = [str(name) for name in data.sessions["session_id"] if name in data.quality]
    pages = [names[start : start + SESSIONS_PER_PAGE] for start in range(0, len(names), SESSIONS_PER_PAGE)]
    return [_draw_page(data, page) for page in pages]


def _draw_page(data: FaceData, names: Sequence[str]) -> Figure:
    figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=HEAD_MM + ROW_MM * len(names))
    axes = figure.subplots(len(names), 3, squeeze=False, width_ratios=[2.2, 1, 1], sharex="row")
    for row, name in zip(axes, names, strict=True):
        _draw_session(data, name, row)
    for panel, title in zip(axes[0], ("movement", "brightness", "shift"), strict=True):
        panel.set_title(title, fontsize=7.5, pad=3)
    for panel in axes[-1]:
        panel.set_xlabel("time in the session (min)")
    seen = [
        reason for reason in REASON_COLOURS if any(_flagged(data.quality[name], reason) for name in names)
    ]
    if seen:
        handles = [Patch(color=REASON_COLOURS[reason], label=reason) for reason in seen]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(seen), handlelength=0.8)
    return figure


def _draw_session(data: FaceData, name: str, row: Sequence[Axes]) -> None:
    frames = data.quality[name].frames
    minutes = frames["time_s"].to_numpy() / 60
    steps = _steps(minutes)
    if name in data.motion:
        motion = data.motion[name]
        column = "face" if "face" in motion.energy else motion.energy.columns[0]
        at, values = _binned(motion.times_s / 60, motion.energy[column].to_numpy(), steps)
        row[0].plot(at, values, color=INK, linewidth=0.6)
    _set_top(row[0])
    _draw_flags(row[0], data.quality[name])
    _draw_trials(row[0], data.trials[data.trials["session_id"] == name])
    row[0].set_ylabel(_row_name(data, name), rotation=0, ha="right", va="center", fontsize=6.5)
    at, gain = _binned(minutes, frames["gain"].to_numpy(), steps)
    row[1].axhline(1.0, color=GREY, linewidth=0.5)
    row[1].plot(at, gain, color=GROUP_COLOURS[0], linewidth=0.8)
    row[1].set_ylim(*_around(gain, 1.0, 0.3))
    at, shift = _binned(minutes, frames["shift_px"].to_numpy(), steps)
    row[2].plot(at, shift, color=GROUP_COLOURS[0], linewidth=0.8)
    row[2].set_ylim(0, max(5.0, 1.1 * np.nanmax(shift)) if np.isfinite(shift).any() else 5.0)
    for panel in row:
        panel.tick_params(labelsize=6)
        panel.yaxis.set_major_locator(MaxNLocator(3))
    for panel, n_ticks in zip(row, (8, 4, 4), strict=True):
        panel.xaxis.set_major_locator(MaxNLocator(n_ticks))


def _draw_flags(panel: Axes, quality: FrameQuality) -> None:
    """Draw bars over stretches of flagged frames, at least as wide as can be seen."""
    span = quality.frames["time_s"].max() - quality.frames["time_s"].min()
    least = span / 60 / MOST_STEPS
    for stretch in quality.exclusions.to_dict("records"):
        start = stretch["start_s"] / 60
        width = max((stretch["stop_s"] - stretch["start_s"]) / 60, least)
        panel.axvspan(
            start, start + width, 0.9, 1.0, color=REASON_COLOURS.get(stretch["reason"], GREY), linewidth=0
        )


def _draw_trials(panel: Axes, trials: pd.DataFrame) -> None:
    for kept, colour in ((True, INK), (False, GREY)):
        onsets = trials.loc[trials["kept"].astype(bool) == kept, "onset_s"].to_numpy() / 60
        panel.plot(
            onsets,
            np.full(len(onsets), 0.04),
            "|",
            color=colour,
            transform=panel.get_xaxis_transform(),
            markersize=4,
            markeredgewidth=0.8,
        )


def _steps(minutes: np.ndarray) -> np.ndarray:
    known = minutes[np.isfinite(minutes)]
    return np.linspace(known.min(), known.max() + 1e-9, min(MOST_STEPS, max(len(known) // 4, 2)) + 1)


def _binned(at: np.ndarray, values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the values in each step; NaN where there are none."""
    fine = np.isfinite(at) & np.isfinite(values)
    weights, _ = np.histogram(at[fine], edges)
    sums, _ = np.histogram(at[fine], edges, weights=values[fine])
    means = np.divide(sums, weights, out=np.full(len(sums), np.nan), where=weights > 0)
    return (edges[1:] + edges[:-1]) / 2, means


def _around(values: np.ndarray, middle: float, least: float) -> tuple[float, float]:
    """Limits of an axis that has the middle in its centre and shows everything."""
    far = np.nanmax(np.abs(values - middle)) if np.isfinite(values).any() else 0.0
    half = max(least, 1.1 * float(far))
    return middle - half, middle + half


def _set_top(panel: Axes) -> None:
    """Leave room for the bars above the curve and the ticks below it."""
    low, high = panel.get_ylim()
    panel.set_ylim(low - 0.12 * (high - low), high + 0.18 * (high - low))


def _flagged(quality: FrameQuality, reason: str) -> bool:
    return bool((quality.exclusions["reason"] == reason).any())


def _row_name(data: FaceData, name: str) -> str:
    """Animal and session, each on its line."""
    session = data.sessions.set_index("session_id").loc[name]
    return f"{_short(str(session['animal']))}\n{_short(str(session['session']))}"


def _short(name: str, width: int = 18) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"
