"""Figures that show whether a mixed model suits its data: residuals, random effects, influence.

Many observations are drawn as counts in hexagons and their quantiles thinned, so that a figure of 50 000 rows
stays small as a vector file.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from scipy import stats

from analysis.models.mixed import MixedFit
from analysis.models.tidy import augment, random_values
from analysis.report.drawing import FULL_WIDTH_MM, GROUP_COLOURS, new_figure, report_style

BLUE, VERMILION = GROUP_COLOURS[:2]
GREY = "#8A8A8A"
_COUNTS = LinearSegmentedColormap.from_list("counts", ["#D3E3EF", "#0072B2", "#00304D"])
_MANY = 2000
"""More points than this are drawn as counts."""
_N_QUANTILES = 300
"""Quantiles that are drawn of many points, beside the outermost hundred."""
_LABELLED = 5
"""Most influential levels whose names are written."""


def draw_residuals(fit: MixedFit) -> Figure:
    """Draw residuals against fitted values, their quantiles, and their spread against fitted values.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels. Residuals are those of the conditional model (random effects taken into account),
        divided by sigma; red lines are means of equally many neighbours, and would be level; the grey band
        holds 95 % of each quantile of as many normal values.
    """
    table = augment(fit)
    fitted, residual = table["fitted"].to_numpy(), table["scaled_residual"].to_numpy()
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=62.0)
        left, middle, right = figure.subplots(1, 3)
        _cloud(left, fitted, residual)
        left.axhline(0.0, color="black", linewidth=0.7, zorder=1)
        _trend(left, fitted, residual)
        left.set(xlabel="Fitted value", ylabel="Residual / σ", title="Residuals")
        _quantiles(middle, residual)
        middle.set(ylabel="Residual / σ", title="Normal quantiles")
        spread = np.sqrt(np.abs(residual))
        _cloud(right, fitted, spread)
        _trend(right, fitted, spread)
        right.set(xlabel="Fitted value", ylabel="√|Residual / σ|", title="Spread", ylim=(0, None))
        for panel, letter in zip((left, middle, right), "ABC", strict=True):
            panel.set_title(letter, loc="left", fontweight="bold")
    return figure


def draw_random_effects(fit: MixedFit, groups: list[str] | None = None, *, level: float = 0.95) -> Figure:
    """Draw every random effect of every level with its interval, and their quantiles.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    groups : list of str, optional
        Grouping factors; all by default.
    level : float
        Level of the intervals (of the conditional modes).

    Returns
    -------
    matplotlib.figure.Figure
        One row per random effect: levels in the order of their effects, and their normal quantiles.

    Raises
    ------
    ValueError
        If a grouping factor does not exist.
    """
    values = random_values(fit, level=level)
    groups = list(fit.n_groups) if groups is None else groups
    for name in groups:
        if name not in fit.n_groups:
            raise ValueError(f"no grouping factor {name!r}; there are {', '.join(fit.n_groups)}")
    chosen = values[values["group"].isin(groups)]
    rows = list(chosen.groupby(["group", "term"], sort=False))
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=10.0 + 42.0 * len(rows))
        panels = figure.subplots(len(rows), 2, squeeze=False, width_ratios=(2, 1))
        for (left, right), ((group, term), part) in zip(panels, rows, strict=True):
            _caterpillar(left, part)
            left.set_ylabel(_wrapped(f"{term}\nby {group}"))
            if part["std_error"].max() == 0:
                right.axis("off")
                right.text(0.5, 0.5, "no variance", ha="center", va="center", color=GREY)
            else:
                _quantiles(right, part["estimate"].to_numpy())
                right.set_ylabel("Effect")
        panels[0, 0].set_title(f"Effects with {100 * level:g} % intervals")
        panels[0, 1].set_title("Normal quantiles")
    return figure


def draw_influence(influence: pd.DataFrame, terms: list[str] | None = None) -> Figure:
    """Draw how each coefficient changes when a participant (or another level) is left out.

    Parameters
    ----------
    influence : pandas.DataFrame
        From `analysis.models.influence.leave_one_out`.
    terms : list of str, optional
        Fixed effects to draw; all by default.

    Returns
    -------
    matplotlib.figure.Figure
        One row per coefficient and one point per level, in standard errors of the coefficient; the most
        influential levels are named.

    Raises
    ------
    ValueError
        If a term is not in the table.
    """
    group = str(influence.columns[0])
    known = list(influence["term"].unique())
    terms = known if terms is None else terms
    unknown = [term for term in terms if term not in known]
    if unknown:
        raise ValueError(f"no fixed effect {unknown[0]!r} in the table; there are {', '.join(known)}")
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=18.0 + 11.0 * len(terms))
        panel = figure.subplots()
        drawn = influence[influence["term"].isin(terms)]
        reach = 1.15 * np.nanmax(np.abs(drawn["change_in_se"]), initial=0.2)
        panel.set(
            yticks=range(len(terms)),
            ylim=(len(terms) - 0.45, -0.55),
            xlim=(-reach, reach),
            xlabel=f"Change of the coefficient without one {group} (standard errors; grey: up to 2/√n)",
        )
        for place, term in enumerate(terms):
            _influence_row(panel, drawn[drawn["term"] == term], group, place)
        panel.set_yticklabels([_wrapped(term) for term in terms])
        panel.axvline(0.0, color="black", linewidth=0.7, zorder=1)
        panel.spines["left"].set_visible(False)
        panel.tick_params(axis="y", length=0)
    return figure


def _cloud(panel: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw points, or the logarithm of their number where they are many."""
    if len(x) <= _MANY:
        panel.plot(x, y, "o", markersize=2.2, color=BLUE, alpha=0.45, markeredgewidth=0, zorder=2)
    else:
        panel.hexbin(x, y, gridsize=42, cmap=_COUNTS, norm=LogNorm(), mincnt=1, linewidths=0.0, zorder=2)


def _trend(panel: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw means of groups of neighbours."""
    order = np.argsort(x)
    parts = np.array_split(order, int(np.clip(len(x) // 15, 1, 25)))
    centres, means = [x[part].mean() for part in parts], [y[part].mean() for part in parts]
    panel.plot(centres, means, color="white", linewidth=2.8, zorder=3)
    panel.plot(centres, means, color=VERMILION, zorder=4)


def _quantiles(panel: Axes, values: np.ndarray) -> None:
    """Draw quantiles against those of the normal distribution with the same mean and deviation."""
    values = np.sort(values)
    n = len(values)
    shares = (np.arange(1, n + 1) - 0.5) / n
    normal = stats.norm.ppf(shares)
    shown = np.arange(n)
    if n > _MANY:
        inner = np.linspace(0, n - 1, _N_QUANTILES).round().astype(int)
        shown = np.unique(np.concatenate([shown[:50], inner, shown[-50:]]))
    mean, sd = values.mean(), values.std(ddof=1) if n > 1 else 0.0
    ranks = shown + 1
    band = stats.norm.ppf(stats.beta.ppf([[0.025], [0.975]], ranks, n + 1 - ranks))
    panel.fill_between(normal[shown], *(mean + sd * band), color="#DDDDDD", linewidth=0, zorder=1)
    ends = normal[[0, -1]]
    panel.plot(ends, mean + sd * ends, color="black", linewidth=0.7, zorder=2)
    panel.plot(normal[shown], values[shown], "o", markersize=2.4, color=BLUE, markeredgewidth=0, zorder=3)
    panel.set_xlabel("Normal quantile")


def _caterpillar(panel: Axes, part: pd.DataFrame) -> None:
    """Draw levels in the order of their effects; those whose interval leaves out zero in colour."""
    part = part.sort_values("estimate", kind="stable").reset_index(drop=True)
    place = part.index.to_numpy()
    apart = ((part["conf_low"] > 0) | (part["conf_high"] < 0)).to_numpy()
    colours = np.where(apart, BLUE, GREY)
    ends = np.stack([part[["conf_low", "conf_high"]].to_numpy(), np.column_stack([place, place])], axis=2)
    width = float(np.clip(60.0 / len(part), 0.2, 1.2))
    panel.add_collection(LineCollection(list(ends[:, :, ::-1]), colors=list(colours), linewidths=width))
    panel.scatter(
        place, part["estimate"], s=min(8.0, 600.0 / len(part)), c=list(colours), linewidths=0, zorder=3
    )
    panel.axhline(0.0, color="black", linewidth=0.7, zorder=1)
    panel.margins(x=0.02)
    panel.autoscale_view()
    if len(part) <= 15:
        panel.set_xticks(place, [str(name) for name in part["level"]])
    else:
        panel.set_xticks([])
        panel.set_xlabel(f"{len(part)} levels in the order of their effects")


def _influence_row(panel: Axes, part: pd.DataFrame, group: str, place: int) -> None:
    """Draw one coefficient's changes, and name the largest."""
    part = part.dropna(subset=["change_in_se"])
    limit = 2 / np.sqrt(max(len(part), 1))
    large = part["change_in_se"].abs() > limit
    panel.fill_betweenx([place - 0.36, place + 0.36], -limit, limit, color="#EEEEEE", linewidth=0, zorder=0)
    colours = np.where(large, VERMILION, BLUE)
    panel.scatter(
        part["change_in_se"],
        np.full(len(part), place),
        s=9,
        c=list(colours),
        alpha=0.6,
        linewidths=0,
        zorder=2,
    )
    _name_outermost(panel, part[large], group, place)


def _name_outermost(panel: Axes, part: pd.DataFrame, group: str, place: int) -> None:
    """Write the names of the largest changes that have room for it."""
    order = part["change_in_se"].abs().sort_values(ascending=False).index
    room = 0.045 * np.ptp(panel.get_xlim())
    named: list[float] = []
    for label, change in part.loc[order[:_LABELLED], [group, "change_in_se"]].itertuples(index=False):
        if all(abs(change - other) > room for other in named):
            named.append(change)
            panel.annotate(
                str(label),
                (change, place),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=6.0,
                color="#444444",
            )


def _wrapped(name: str, width: int = 26) -> str:
    """Break a long name at its colons."""
    lines = [""]
    for part in name.replace(":", ":\x00").split("\x00"):
        if lines[-1] and len(lines[-1]) + len(part.split("\n")[0]) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
