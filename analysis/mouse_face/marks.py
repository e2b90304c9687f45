"""Marks that several figures share: boxes of trials, dots of animals, brackets and stars of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from scipy import stats

from analysis.mouse_face.colours import INK

STAR_LEVELS = ((1e-4, "****"), (1e-3, "***"), (1e-2, "**"), (5e-2, "*"))
"""As in Dolensek et al. (2020), Fig. 2."""
STAR_WORDS = "* p ≤ 0.05, ** p ≤ 0.01, *** p ≤ 0.001, **** p < 0.0001"


def stars(p: float) -> str:
    """Give the stars of a p value.

    >>> stars(0.03), stars(0.00001), stars(0.2), stars(float("nan"))
    ('*', '****', 'n.s.', '')
    """
    if np.isnan(p):
        return ""
    return next((text for limit, text in STAR_LEVELS if p <= limit), "n.s.")


def tint(colour: str, share: float) -> tuple[float, float, float]:
    """Mix a colour with white; a share of 1 is the colour itself.

    >>> tint("#000000", 0.25)
    (0.75, 0.75, 0.75)
    """
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def tints(colour: str, number: int) -> list[tuple[float, float, float]]:
    """Give a row of tints of a colour, from light to the colour itself; for strengths of a stimulus."""
    return [tint(colour, share) for share in np.linspace(0.35 if number > 1 else 1.0, 1.0, number)]


def draw_boxes(panel: Axes, values: Sequence[np.ndarray], colours: Sequence[object]) -> None:
    """Draw boxes in the style of Tukey, at 0, 1, ...: quartiles, whiskers of 1.5 boxes at most, outliers."""
    known = [np.asarray(part, float)[~np.isnan(np.asarray(part, float))] for part in values]
    drawn = panel.boxplot(
        known,
        positions=np.arange(len(known)),
        widths=0.6,
        patch_artist=True,
        manage_ticks=False,
        medianprops={"color": INK, "linewidth": 1.2},
        boxprops={"linewidth": 0.7, "edgecolor": INK},
        whiskerprops={"linewidth": 0.7, "color": INK},
        capprops={"linewidth": 0.7, "color": INK},
        flierprops={"marker": "o", "markersize": 2.0, "markerfacecolor": INK, "markeredgewidth": 0},
    )
    for box, colour in zip(drawn["boxes"], colours, strict=True):
        box.set_facecolor(colour)
    panel.set_xlim(-0.6, len(known) - 0.4)


def draw_animals(panel: Axes, means: pd.DataFrame, colours: Sequence[object], *, level: float) -> None:
    """Draw the mean of each animal in each condition, joined, and beside them their mean and its interval.

    Parameters
    ----------
    panel : Axes
        Where to draw.
    means : pandas.DataFrame
        Rows animals, columns conditions, drawn at 0, 1, ...; NaN: the animal has no such trials.
    colours : sequence
        One per condition.
    level : float
        Level of the interval (t distribution); there is none for one animal.
    """
    places = np.arange(means.shape[1])
    panel.plot(places, means.to_numpy(float).T, color="#8A9299", linewidth=0.5, alpha=0.7, zorder=1)
    for place, (_, column), colour in zip(places, means.items(), colours, strict=True):
        values = column.dropna().to_numpy(float)
        panel.plot(
            np.full(len(values), place), values, "o", color=colour, markersize=3.2, markeredgecolor=INK,
            markeredgewidth=0.4, zorder=2,
        )  # fmt: skip
        if len(values):
            draw_mean(panel, place + 0.26, values, level=level)
    panel.set_xlim(-0.5, means.shape[1] - 0.3)


def draw_mean(panel: Axes, place: float, values: np.ndarray, *, level: float, colour: object = INK) -> None:
    """Draw a mean with its interval as a diamond with a bar; one value has no bar."""
    lower, upper = mean_interval(values, level=level)
    mean = float(np.mean(values))
    if np.isfinite(lower):
        panel.plot([place, place], [lower, upper], color=colour, linewidth=1.0, zorder=3)
    panel.plot([place], [mean], "D", color=colour, markersize=3.2, markeredgewidth=0, zorder=3)


def mean_interval(values: np.ndarray, *, level: float) -> tuple[float, float]:
    """Give the confidence interval of a mean of independent values (t distribution).

    >>> [round(limit, 2) for limit in mean_interval(np.array([1.0, 2.0, 3.0]), level=0.95)]
    [-0.48, 4.48]
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return float("nan"), float("nan")
    half = float(stats.t.isf((1 - level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def compare(panel: Axes, first: float, second: float, text: str, *, row: int = 0) -> None:
    """Put a bracket with the result of a test over two places of an axis; higher rows go further up.

    Places are told apart by rows if their brackets overlap; see `title_pad` for the title.
    """
    if not text:
        return
    foot, inset = 1.03 + 0.1 * row, 0.08
    across = panel.get_xaxis_transform()
    first, second = min(first, second) + inset, max(first, second) - inset
    panel.plot(
        [first, first, second, second], [foot, foot + 0.02, foot + 0.02, foot], transform=across, color=INK,
        linewidth=0.6, clip_on=False,
    )  # fmt: skip
    raised = text.startswith("*")
    panel.text(
        (first + second) / 2, foot + (-0.005 if raised else 0.025), text, transform=across, ha="center",
        va="bottom", fontsize=7.5 if raised else 6.5, color=INK,
    )  # fmt: skip


def title_pad(n_rows: int, *, axis_mm: float) -> float:
    """Return how far above an axis of some height its title stands (points), over rows of brackets."""
    return 6.0 + n_rows * 0.1 * axis_mm * 72 / 25.4


def mark_onset(panel: Axes, during_s: float) -> None:
    """Shade the time of a stimulus, from 0 on."""
    panel.axvspan(0, during_s, color="#E9ECEF", linewidth=0, zorder=0)
    panel.axvline(0, color="#8A9299", linewidth=0.6, zorder=0)


def legend_dots(colours: Mapping[str, str], names: Mapping[str, str]) -> list[Line2D]:
    """Make the entries of a legend: a dot in the colour of each event, with its name."""
    return [
        Line2D([], [], marker="o", linestyle="none", markersize=4, color=colour, label=names[label])
        for label, colour in colours.items()
    ]
