"""One panel of a figure: the question, the drawing, the tables behind it, and the answer in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.report import Table

CLAIM_COLUMNS = ("claim", "estimate", "lower", "upper", "unit", "p", "test", "n", "holds")
"""Columns of `Panel.claims`."""


def no_claims() -> pd.DataFrame:
    """Return a table of claims without rows."""
    return claims_table([])


def claims_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of claims; what a row does not say is missing.

    Parameters
    ----------
    rows : sequence of mapping
        Entries of `CLAIM_COLUMNS`. ``claim`` is a short key in words that stays the same from one preset to
        the other, ``holds`` true, false or None (cannot be said).

    Raises
    ------
    ValueError
        If a row has another entry, has no claim, or two rows have the same.

    Examples
    --------
    >>> table = claims_table([{"claim": "quinine differs from neutral", "estimate": 0.05, "holds": True}])
    >>> table[["claim", "estimate", "p", "holds"]].to_dict("records")
    [{'claim': 'quinine differs from neutral', 'estimate': 0.05, 'p': nan, 'holds': True}]
    """
    unknown = sorted({name for row in rows for name in row} - set(CLAIM_COLUMNS))
    if unknown:
        raise ValueError(f"a claim has no entry {unknown[0]!r}; known are {', '.join(CLAIM_COLUMNS)}")
    table = pd.DataFrame([dict(row) for row in rows], columns=list(CLAIM_COLUMNS))
    if table["claim"].isna().any() or table["claim"].duplicated().any():
        raise ValueError("each claim of a panel needs a name of its own")
    for name in ("estimate", "lower", "upper", "p"):
        table[name] = table[name].astype(float)
    for name in ("unit", "test", "n"):
        table[name] = table[name].astype(object).where(table[name].notna(), "").astype(str)
    table["holds"] = table["holds"].astype("boolean")
    return table


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """What one panel of the paper becomes in a study; `missing_panel` makes one that there is nothing for."""

    name: str
    """As in the paper, such as "1F"; files are called ``figure_1f``."""
    title: str
    """The question, in the field's words."""
    draw: Callable[[], Figure] | None = None
    """Draws the figure (inside `analysis.report.drawing.report_style`): 85 or 174 mm wide, type of 6 pt or
    more, colours that people with a colour-vision deficiency can tell apart. None: no drawing."""
    caption: str = ""
    """What is shown, how many animals and trials, what bars and bands mean; names the paper's panel."""
    tables: tuple[Table, ...] = ()
    """Written as TSV with a JSON data dictionary; names begin with ``figure_1f_``."""
    claims: pd.DataFrame = field(default_factory=no_claims)
    """What the panel claims, columns `CLAIM_COLUMNS`; the same claims in both presets."""
    sentences: tuple[str, ...] = ()
    """The answer in words, with numbers."""
    warnings: tuple[str, ...] = ()
    """What the reader must know before believing it."""
    missing: str = ""
    """Why there is nothing to show; then all else but name and title is empty."""

    @property
    def stem(self) -> str:
        """Beginning of the names of the panel's files.

        >>> Panel(name="1F", title="Can events be told apart?").stem
        'figure_1f'
        """
        return f"figure_{self.name.lower().replace('-', '_')}"


def missing_panel(name: str, title: str, reason: str) -> Panel:
    """Return a panel that says why there is nothing to show."""
    return Panel(name=name, title=title, missing=reason)


def panel_rng(seed: int, name: str) -> np.random.Generator:
    """Return the random numbers of a panel: its own, whichever other panels are made.

    >>> int(panel_rng(1, "1F").integers(100)) == int(panel_rng(1, "1F").integers(100))
    True
    >>> int(panel_rng(1, "1F").integers(2**40)) == int(panel_rng(1, "1E").integers(2**40))
    False
    """
    return np.random.default_rng([seed, *name.encode()])
