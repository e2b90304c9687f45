"""A session before it begins: its trials as a text and as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.mouse_face.schedule_parts import describe_stimulus
from experiments.mouse_face.trial_table import totals

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000")
"""Colours that people with a colour-vision deficiency can tell apart (Okabe & Ito 2008)."""
LIGHT = "#56B4E9"
"""Colour of light, of the same set."""
TITLE_CHARACTERS = 85
"""Longer titles get a second line."""
WIDTH_MM, ROW_MM, MM_PER_INCH = 174.0, 8.0, 25.4
_STYLE: dict[Any, Any] = {
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "svg.hashsalt": "countenance",
}


def timeline_text(table: pd.DataFrame) -> str:
    """Return the session as a text: totals first, then one line per trial.

    Parameters
    ----------
    table : pandas.DataFrame
        From `experiments.mouse_face.trial_table.expand`.
    """
    rows = [("trial", "time", "block", "stimulus", "what happens")]
    for _, row in table.iterrows():
        rows.append(
            (
                str(row["trial"]),
                clock_text(row["onset_s"]),
                str(row["block"]),
                trial_label(row),
                _delivered(row),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(
            cell.rjust(width) if column < 3 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*totals_lines(table), "", *lines])


def totals_lines(table: pd.DataFrame) -> list[str]:
    """Return the totals of a session in sentences, a line each."""
    found = totals(table)
    trials = f"{found['n_trials']} trial" + ("" if found["n_trials"] == 1 else "s")
    lines = [f"{session_name(table)}: {trials} in {length_text(found['duration_s'])}"]
    if found["volume_ul"]:
        liquids = ", ".join(f"{liquid} {ul:g} µl" for liquid, ul in found["volume_ul_by_liquid"].items())
        lines.append(f"liquid: {found['volume_ul']:g} µl in all ({liquids})")
    else:
        lines.append("liquid: none")
    shocks = (
        f"{found['n_shocks']}, at most {found['greatest_current_ma']:g} mA, {found['shock_s']:g} s in all"
    )
    lines.append(f"shocks: {shocks if found['n_shocks'] else 'none'}")
    if found["n_light_trials"]:
        lines.append(f"light: in {found['n_light_trials']} trials, on for {found['laser_s']:g} s in all")
    if found["n_by_hand"]:
        lines.append(f"by hand: {found['n_by_hand']} times, the runner asks for it")
    return lines


def session_name(table: pd.DataFrame) -> str:
    """Return schedule, animal and seed of a table, as far as it knows them."""
    words = {"name": "", "animal": "animal ", "seed": "seed "}
    known = [f"{word}{table.attrs[key]}" for key, word in words.items() if key in table.attrs]
    return ", ".join(known) or "session"


def length_text(seconds: float) -> str:
    """Return a length of time in words.

    >>> length_text(963.25), length_text(59.6)
    ('16 min 03 s', '1 min 00 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def trial_label(row: pd.Series) -> str:
    """Return the name of a trial's stimulus, such as ``quinine 10 mM + light``."""
    light = " + light" if row["laser"] and row["stimulus"] != "laser" else ""
    return describe_stimulus(str(row["stimulus"]), float(row["intensity"]), str(row["unit"])) + light


def clock_text(seconds: float) -> str:
    """Return seconds as minutes and seconds.

    >>> clock_text(187.25), clock_text(3725)
    ('3:07.2', '62:05.0')
    """
    tenths = math.floor(10 * seconds + 0.5 - 1e-9)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def timeline_figure(table: pd.DataFrame) -> Figure:
    """Draw the session: a row per stimulus, and below what has been given by then.

    Parameters
    ----------
    table : pandas.DataFrame
        From `experiments.mouse_face.trial_table.expand`.

    Returns
    -------
    matplotlib.figure.Figure
        It belongs to no window.
    """
    doses = [dose for dose in _doses(table) if dose[1].any()]
    labels = _labels(table)
    with _style():
        height_mm = 22 + ROW_MM * len(labels) + 20 * len(doses)
        figure = Figure(figsize=(WIDTH_MM / MM_PER_INCH, height_mm / MM_PER_INCH), layout="constrained")
        FigureCanvasAgg(figure)
        ratios = [ROW_MM * len(labels) + 4, *[18] * len(doses)]
        axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        _draw_trials(axes[0], table, labels)
        for axis, (title, amounts) in zip(axes[1:], doses, strict=True):
            _draw_dose(axis, table, title, amounts)
        axes[-1].set_xlabel("time from the start of the session (min)")
        axes[-1].xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
        title, notes = totals_lines(table)[0], _notes(table)
        if len(title) + len(notes) < TITLE_CHARACTERS:
            axes[0].set_title(notes, loc="right", fontsize=7, color="0.3")
        else:
            title = title.replace(": ", "\n", 1) + (f" ({notes})" if notes else "")
        axes[0].set_title(title, loc="left", fontsize=9)
        end_min = totals(table)["duration_s"] / 60
        axes[0].set_xlim(0, end_min)
    return figure


def _draw_trials(axis: Axes, table: pd.DataFrame, labels: list[str]) -> None:
    """Draw a bar at the onset of every trial, one row per stimulus."""
    events = list(dict.fromkeys(_label_events(table)[label] for label in labels))
    end_min = totals(table)["duration_s"] / 60
    least_min = 0.004 * end_min
    first_of_block = table[~table["block"].duplicated()].iloc[1:]
    for middle_s in first_of_block["onset_s"] - first_of_block["interval_s"] / 2:
        axis.axvline(middle_s / 60, color="0.85", lw=0.8, zorder=0)
    for _, row in table.iterrows():
        label = trial_label(row)
        place = len(labels) - 1 - labels.index(label)
        colour = "0.6" if not _happens(row) else COLOURS[events.index(row["stimulus"]) % len(COLOURS)]
        width = max(row["duration_s"] / 60, least_min)
        axis.bar(row["onset_s"] / 60, 0.62, width, bottom=place - 0.31, align="edge", color=colour, zorder=2)
        if row["laser"]:
            axis.bar(row["onset_s"] / 60, 0.9, 4 * width, bottom=place - 0.45, color=LIGHT, zorder=1)
        if row["by_hand"] or row["preparation"]:
            axis.plot(row["onset_s"] / 60, place - 0.42, marker="^", ms=3.5, color="0.2", clip_on=False)
    axis.set_yticks(range(len(labels)), labels[::-1])
    axis.set_ylim(-0.6, len(labels) - 0.4)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def _notes(table: pd.DataFrame) -> str:
    """Explain the marks of the picture."""
    notes = ["grey lines: blocks"] if table["block"].nunique() > 1 else []
    if table["laser"].any():
        notes.append("blue around: light")
    if (table["by_hand"] != "").any() or (table["preparation"] != "").any():
        notes.append("triangle: something to do by hand")
    return "; ".join(notes)


def _draw_dose(axis: Axes, table: pd.DataFrame, title: str, amounts: np.ndarray) -> None:
    """Draw what has been given by each time."""
    end_min = totals(table)["duration_s"] / 60
    times_min = np.concatenate([[0], table["onset_s"].to_numpy(float) / 60, [end_min]])
    given = np.concatenate([[0], np.cumsum(amounts), [amounts.sum()]])
    axis.step(times_min, given, where="post", color="0.2", lw=1.2)
    axis.fill_between(times_min, given, step="post", color="0.9")
    axis.set_ylabel(title)
    axis.set_ylim(0, 1.15 * given[-1])
    axis.yaxis.set_major_locator(MaxNLocator(nbins=3))


def _doses(table: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Return what is given in each trial: liquid, shocks, light."""
    liquid = table["volume_ul"].fillna(0).to_numpy(float)
    shocks = np.where(table["channel"] == "shock", table["n_pulses"], 0).astype(float)
    light = (table["laser_n_pulses"] * table["laser_pulse_ms"]).fillna(0).to_numpy(float) / 1000
    return [("liquid so\nfar (µl)", liquid), ("shocks\nso far", shocks), ("light so\nfar (s)", light)]


def _label_events(table: pd.DataFrame) -> dict[str, str]:
    return {trial_label(row): str(row["stimulus"]) for _, row in table.iterrows()}


def _labels(table: pd.DataFrame) -> list[str]:
    """Return the stimuli, those of one name side by side and from weak to strong; neutral moments last."""
    found: dict[str, tuple[bool, str, float, bool]] = {}
    for _, row in table.iterrows():
        intensity = -1.0 if math.isnan(row["intensity"]) else float(row["intensity"])
        found[trial_label(row)] = (not _happens(row), str(row["stimulus"]), intensity, bool(row["laser"]))
    return sorted(found, key=lambda label: found[label])


def _happens(row: pd.Series) -> bool:
    return bool(row["channel"] or row["laser"] or row["by_hand"])


def _delivered(row: pd.Series) -> str:
    """Say what the device or the experimenter does in a trial."""
    parts = []
    if row["volume_ul"] > 0:
        parts.append(f"{row['volume_ul']:g} µl from {row['channel']}")
    elif row["channel"] == "shock":
        parts.append(f"{row['current_ma']:g} mA")
    elif row["channel"]:
        parts.append(str(row["channel"]))
    if row["channel"] and not math.isnan(row["pulse_ms"]):
        parts.append(f"{row['pulse_ms']:g} ms")
    if row["n_pulses"] > 1:
        parts.append(f"{row['n_pulses']} pulses every {row['period_ms']:g} ms")
    if row["laser"]:
        parts.append(
            f"light, {row['laser_n_pulses']} pulses of {row['laser_pulse_ms']:g} ms every "
            f"{row['laser_period_ms']:g} ms"
        )
    if row["by_hand"]:
        parts.append(f"by hand: {row['by_hand']}")
    before = f" (before: {row['preparation']})" if row["preparation"] else ""
    return (", ".join(parts) or "nothing") + before


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield
