"""Reads what the parameters of a study mean, and where they come from, from under their fields."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd


def describe_parameters(
    parameters: Any, *, paper: Any, recommended: Any, unit_of_suffix: Mapping[str, str]
) -> pd.DataFrame:
    """Tabulate every parameter with its unit, its meaning and its source, beside both presets.

    Parameters
    ----------
    parameters : dataclass
        What an analysis used. The text under each field ends with ``Source:`` and the source.
    paper, recommended : dataclass
        The presets.
    unit_of_suffix : mapping
        End of a field's name -> unit of its value; the first that fits counts.

    Returns
    -------
    pandas.DataFrame
        One row per parameter: `name`, `value`, `unit`, `meaning`, `source`, `paper` and `recommended` (the
        presets' values), `differs_from_paper` and `differs_from_recommended` (true where `value` is another).
    """
    docs = _field_docs(type(parameters))
    rows: list[dict[str, Any]] = []
    for name, value in dataclasses.asdict(parameters).items():
        meaning, _, source = docs[name].partition("Source: ")
        in_paper, in_recommended = getattr(paper, name), getattr(recommended, name)
        rows.append(
            {
                "name": name,
                "value": value,
                "unit": _unit(name, value, unit_of_suffix),
                "meaning": meaning.strip(),
                "source": source.strip(),
                "paper": in_paper,
                "recommended": in_recommended,
                "differs_from_paper": value != in_paper,
                "differs_from_recommended": value != in_recommended,
            }
        )
    return pd.DataFrame(rows)


def _unit(name: str, value: object, unit_of_suffix: Mapping[str, str]) -> str:
    if isinstance(value, str | bool):
        return ""
    return next((unit for suffix, unit in unit_of_suffix.items() if name.endswith(suffix)), "")


def _field_docs(kind: type) -> dict[str, str]:
    """Read the docstring under each field from the source of the class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    docs = {}
    for field, text in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            docs[field.target.id] = " ".join(str(text.value.value).split())  # type: ignore[attr-defined, union-attr]
    return docs
