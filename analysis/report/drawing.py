"""How the figures of a report look and become files (SVG and PNG), and the mark of simulated data."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import ScaledTranslation

MM_PER_INCH = 25.4
SINGLE_COLUMN_MM = 85.0
"""Width of one text column of a journal."""
FULL_WIDTH_MM = 174.0
"""Width of a journal's page of text, both columns."""

BADGE_MM = 5.0
"""Height of the strip that the mark of simulated data has for itself."""

SCREEN_PX_PER_PT = 1.69
"""Size on the page: a figure of the full printed width fills the column, a narrower one does not."""

GROUP_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Colours that people with a colour-vision deficiency can tell apart (Okabe & Ito 2008)."""

_COORDINATES = re.compile(r'\b(?:d|x|y)="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
    "font.size": 8.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "countenance",
    "axes.unicode_minus": True,
}


@contextmanager
def report_style() -> Iterator[None]:
    """Draw with the report's type sizes and line widths inside this context, whatever the user's settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(*, width_mm: float, height_mm: float) -> Figure:
    """Make an empty figure of a printed size; it belongs to no window and to no global state."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def stamp_simulated(figure: Figure) -> None:
    """Write SIMULATED into the upper right corner of a figure, so that the mark travels with every copy.

    The drawing moves down by the height of the mark, which so hides nothing.
    """
    layout = figure.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine):
        layout.set(rect=(0.0, 0.0, 1.0, 1.0 - BADGE_MM / MM_PER_INCH / figure.get_figheight()))
    corner = figure.transFigure + ScaledTranslation(-4 / 72, -4 / 72, figure.dpi_scale_trans)
    figure.text(
        1.0,
        1.0,
        "SIMULATED",
        transform=corner,
        ha="right",
        va="top",
        fontsize=6.5,
        fontweight="bold",
        color="#B00020",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "#B00020", "linewidth": 0.8},
        zorder=100,
        gid="simulated-badge",
    )


def svg_text(figure: Figure) -> str:
    """Give the figure as SVG; the same figure gives the same text."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def inline_svg(svg: str, *, prefix: str, label: str) -> str:
    """Make an SVG file fit to stand inside an HTML page beside others.

    Parameters
    ----------
    svg : str
        A whole SVG file.
    prefix : str
        Put before every id, since two drawings on one page must not share any.
    label : str
        What the drawing shows, for people who hear the page.

    Returns
    -------
    str
        The ``<svg>`` element alone, without XML declaration, document type and metadata, and with coordinates
        of a hundredth of a point: nobody sees more, and the page is lighter.

    Examples
    --------
    >>> file = '<?xml version="1.0"?><svg width="10pt"><use href="#a"/></svg>'
    >>> print(inline_svg(file, prefix="one", label="A<B"))
    <svg role="img" aria-label="A&lt;B" style="max-width: 17px" width="10pt"><use href="#one-a"/></svg>
    """
    element = svg[svg.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', element)
    element = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', element)
    element = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", element)
    element = _COORDINATES.sub(lambda found: _DIGITS.sub(r"\1", found[0]), element)
    quoted = label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    width = re.search(r'<svg[^>]*\bwidth="([\d.]+)pt"', element)
    style = f' style="max-width: {float(width[1]) * SCREEN_PX_PER_PT:.0f}px"' if width else ""
    return element.replace("<svg", f'<svg role="img" aria-label="{quoted}"{style}', 1)


def save_png(figure: Figure, path: Path, *, dots_per_inch: int) -> None:
    """Write the figure as PNG."""
    figure.savefig(path, format="png", dpi=dots_per_inch, metadata={"Software": None})
