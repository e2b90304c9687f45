"""The table of every parameter of an analysis, those that it did not use included."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from analysis.report import Column, Table


def parameters_table(
    described: pd.DataFrame, *, preset: str, unused: Mapping[str, str] = MappingProxyType({})
) -> Table:
    """Tabulate every parameter of the analysis, with its source, beside both presets.

    Parameters
    ----------
    described : pandas.DataFrame
        One row per parameter: ``name``, ``value``, ``unit``, ``meaning``, ``source`` and the values of both
        presets, ``paper`` and ``recommended``; what the `describe` of a study's parameters returned.
    preset : str
        Name of the preset.
    unused : mapping
        Name of a parameter that this analysis did not use -> why; the reason stands in place of its value.
    """
    other = "paper" if preset == "recommended" else "recommended"
    data = described.assign(
        value=described["value"].map(_value_text),
        other=described[other].map(_value_text),
        differs=described["value"].map(_value_text) != described[other].map(_value_text),
    )
    data["differs"] = data["differs"].map({True: "yes", False: ""})
    idle = data["name"].isin(list(unused))
    data.loc[idle, "value"] = "not used: " + data.loc[idle, "name"].map(dict(unused)).astype(str)
    data.loc[idle, ["unit", "differs"]] = ""
    return Table(
        name="parameters",
        caption=f"Every parameter of the analysis (preset {preset}), where its value comes from, and the "
        f"value of the preset {other}.",
        data=data,
        columns={
            "name": Column(description="Name of the parameter.", heading="Parameter"),
            "value": Column(description="Value in this analysis, or why it is not used.", heading="Value"),
            "unit": Column(description="Unit of the value.", heading="Unit", missing=""),
            "other": Column(description=f"Value of the preset {other}.", heading=f"Preset {other}"),
            "differs": Column(description="Whether the two differ.", heading="Differs", missing=""),
            "meaning": Column(description="What the parameter does.", heading="Meaning"),
            "source": Column(description="Where the value comes from.", heading="Source"),
        },
    )


def _value_text(value: Any) -> str:
    """Write a parameter's value for people.

    >>> _value_text((20.0, 400.0)), _value_text(True), _value_text(2.0), _value_text(("correct",))
    ('20 to 400', 'yes', '2', 'correct')
    >>> _value_text(())
    'none'
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        numbers = len(value) == 2 and not isinstance(value[0], str)
        return (" to " if numbers else ", ").join(_value_text(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
