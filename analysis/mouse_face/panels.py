"""All panels, in the order of the paper: functions such as ``panel_1f``, in modules such as ``figure_1f``."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, missing_panel, panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters

PanelFunction = Callable[..., Panel]
"""``panel(data, parameters, *, rng) -> Panel``."""
_MODULE = re.compile(r"figure_\d[a-z]\w*")
_PANEL = re.compile(r"panel_(\d[a-z])")


def all_panels() -> dict[str, PanelFunction]:
    """Return the function of each panel by its name, such as "1F", in the order of the paper."""
    found: dict[str, PanelFunction] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if _MODULE.fullmatch(module.name):
            content = importlib.import_module(f"analysis.mouse_face.{module.name}")
            for name, function in vars(content).items():
                match = _PANEL.fullmatch(name)
                if match and function.__module__ == content.__name__:
                    found[match[1].upper()] = function
    return dict(sorted(found.items()))


def chosen_panels(names: Sequence[str]) -> dict[str, PanelFunction]:
    """Return the functions of some panels, or, without names, of all.

    Raises
    ------
    ValueError
        If there is no such panel.

    Examples
    --------
    >>> chosen_panels(["9Z"])
    Traceback (most recent call last):
    ...
    ValueError: there is no panel '9Z'; choose among ...
    """
    known = all_panels()
    wanted = [name.upper() for name in names]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"there is no panel {unknown[0]!r}; choose among {', '.join(known)}")
    return {name: function for name, function in known.items() if not wanted or name in wanted}


def make_panel(name: str, function: PanelFunction, data: FaceData, parameters: MouseFaceParameters) -> Panel:
    """Make a panel, with random numbers of its own.

    What a study cannot give is said in the panel's place; it does not end the others.
    """
    try:
        return function(data, parameters, rng=panel_rng(parameters.seed, name))
    except ValueError as error:
        return missing_panel(name, _title(function), f"This study does not allow it: {error}")


def _title(function: PanelFunction) -> str:
    """First sentence of a panel's docstring, without the figure's number."""
    text = (function.__doc__ or "").strip().splitlines()[0]
    return re.sub(r"\s*\(Fig[^)]*\)", "", text)
