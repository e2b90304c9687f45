"""Small line charts as SVG, drawn without a plotting library so that hundreds fit into one file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape

WIDTH, HEIGHT = 250.0, 132.0
LEFT, RIGHT, TOP, BOTTOM = 38.0, 6.0, 20.0, 24.0

INK, SOFT, GRID = "#1d2429", "#5a6670", "#e3e8ec"
BLUE, ORANGE, RED, PALE = "#0b5a8a", "#c26a00", "#b00020", "#8fb4cb"


class Line(NamedTuple):
    """One curve."""

    x: Sequence[float] | np.ndarray
    """Horizontal values."""
    y: Sequence[float] | np.ndarray
    """Vertical values; gaps where they are not finite."""
    colour: str = BLUE
    """As in HTML."""
    width: float = 1.4
    """Thickness in px."""
    dashed: bool = False
    """Whether it is dashed."""
    dots: bool = False
    """Whether single points are drawn in place of a line."""


def chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    y_range: tuple[float, float],
    band: tuple[float, float] | None = None,
    mark_x: float | None = None,
    percent: bool = False,
) -> Markup:
    """Draw a chart.

    Parameters
    ----------
    title
        What is drawn, with its unit.
    lines
        The curves.
    x_label
        Name of the horizontal axis, with its unit.
    y_range
        Range of the vertical axis; widened where a curve leaves it.
    band
        Lower and upper limit, drawn as a pale band.
    mark_x
        Where to draw an upright line.
    percent
        Whether vertical values are written in per cent.

    Returns
    -------
    markupsafe.Markup
        An ``<svg>`` element.
    """
    xs = np.concatenate([np.asarray(line.x, float) for line in lines] or [np.zeros(1)])
    ys = np.concatenate([np.asarray(line.y, float) for line in lines] or [np.zeros(1)])
    ys = ys[np.isfinite(ys)]
    low, high = (min([y_range[0], *ys.tolist()]), max([y_range[1], *ys.tolist()]))
    x_low, x_high = (float(xs.min()), float(xs.max())) if len(xs) else (0.0, 1.0)
    x_high = x_high if x_high > x_low else x_low + 1
    across = _Scale(x_low, x_high, LEFT, WIDTH - RIGHT)
    down = _Scale(low, high, HEIGHT - BOTTOM, TOP)
    parts = [f'<text x="{LEFT - 32:g}" y="12" class="title">{escape(title)}</text>']
    if band is not None:
        upper, lower = (min(max(down(value), TOP), HEIGHT - BOTTOM) for value in (band[1], band[0]))
        parts.append(
            f'<rect x="{LEFT:g}" y="{upper:.1f}" width="{WIDTH - LEFT - RIGHT:g}" '
            f'height="{max(lower - upper, 0):.1f}" class="band"/>'
        )
    for value in _ticks(low, high):
        y = down(value)
        parts.append(f'<path d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 4:g}" y="{y + 3:.1f}" class="end">{_number(value, percent)}</text>')
    for value in _ticks(x_low, x_high):
        parts.append(f'<text x="{across(value):.1f}" y="{HEIGHT - 13:g}" class="mid">{_number(value)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT:g}" y="{HEIGHT - 2:g}" class="end">{escape(x_label)}</text>')
    if mark_x is not None:
        parts.append(f'<path d="M{across(mark_x):.1f} {TOP:g}V{HEIGHT - BOTTOM:g}" class="mark"/>')
    parts += [_curve(line, across, down) for line in lines]
    content = "".join(parts)
    return Markup(  # everything that is not a number was escaped above
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(title)}">{content}</svg>'
    )


class _Scale:
    """A straight line from values to px."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._factor = (end - start) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) * self._factor


def _curve(line: Line, across: _Scale, down: _Scale) -> str:
    points = [(float(x), float(y)) for x, y in zip(line.x, line.y, strict=True)]
    if line.dots:
        dots = "".join(f"M{across(x):.1f} {down(y):.1f}h0" for x, y in points if np.isfinite(y))
        return (
            f'<path d="{dots}" fill="none" stroke="{line.colour}" stroke-width="{line.width:g}" '
            'stroke-linecap="round"/>'
        )
    path, pen_down = "", False
    for x, y in points:
        if not np.isfinite(y):
            pen_down = False
            continue
        path += f"{'L' if pen_down else 'M'}{across(x):.1f} {down(y):.1f}"
        pen_down = True
    dash = ' stroke-dasharray="4 3"' if line.dashed else ""
    return f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="{line.width:g}"{dash}/>'


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers in a range.

    Examples
    --------
    >>> _ticks(0.0, 1.0)
    [0.0, 0.5, 1.0]
    """
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** np.floor(np.log10(span))
    step = next(power * part for part in (5, 2.5, 2, 1, 0.5, 0.25) if span / (power * part) >= 2 - 1e-9)
    first = np.ceil(low / step - 1e-9)
    values = itertools.takewhile(
        lambda value: value <= high + 1e-9 * span, ((first + number) * step for number in itertools.count())
    )
    return [float(round(value, 10)) for value in values]


def _number(value: float, percent: bool = False) -> str:
    return f"{100 * value:.3g} %" if percent else f"{value:.4g}"
