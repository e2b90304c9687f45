"""Makes the panels of both presets of a described study, and all that the report needs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis.mouse_face.assemble import Described
from analysis.mouse_face.cache import FOLDER
from analysis.mouse_face.emotions import EmotionNames, unknown_events
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel
from analysis.mouse_face.panels import chosen_panels, make_panel
from analysis.mouse_face.parameters import MouseFaceParameters, preset
from analysis.mouse_face.pipeline import Bar, gather, no_bar
from analysis.mouse_face.results import PRESETS, Results
from analysis.mouse_face.selection import Missing, core_trials
from analysis.report.provenance import versions

PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "numba", "opencv-python-headless", "opencv-python",
            "av", "h5py", "pynwb", "matplotlib", "jinja2")  # fmt: skip
"""Packages whose version may change a number or a drawing."""
CLIP_RULES = (
    "quality_rules",
    "most_lost_share",
    "before_s",
    "during_s",
    "baseline_s",
    "find_bouts",
    "n_neutral",
    "neutral_apart_s",
    "shock_event",
)
"""Parameters that decide which frames and trials a preset has."""


def preset_parameters(*, quick: bool, changes: Mapping[str, Any]) -> dict[str, MouseFaceParameters]:
    """Return the parameters of both presets, with a user's changes."""
    found = {}
    for name in PRESETS:
        parameters = preset(name)
        found[name] = replace(parameters, **{**(QUICK if quick else {}), **changes})
    return found


QUICK: dict[str, Any] = {
    "decoding_permutations": 19,
    "decoding_trees": 50,
    "decoding_test_trees": 10,
    "decoding_repeats": 3,
    "neighbour_permutations": 99,
}
"""What ``--quick`` sets: enough to see that all works, not for a paper."""


def analyse_study(
    described: Described,
    *,
    preset: str,
    parameters: Mapping[str, MouseFaceParameters],
    emotions: EmotionNames,
    only: Sequence[str] = (),
    alone: bool = False,
    quick: bool = False,
    workers: int = 1,
    durations_s: Mapping[str, float] | None = None,
    bar: Bar = no_bar,
) -> Results:
    """Make the panels of a preset, and, unless it is alone, the claims of the other.

    Parameters
    ----------
    described : Described
        The study's sessions with their files of descriptors.
    preset : str
        Name of the preset that the report shows.
    parameters : mapping
        Name of a preset -> its parameters.
    emotions : EmotionNames
        Emotions for labels.
    only : sequence of str
        Names of panels; empty: all.
    alone : bool
        Leave the other preset out.
    quick : bool
        For the record: whether ``parameters`` are those of ``--quick``.
    workers : int
        Processors to use.
    durations_s : mapping, optional
        Steps before and how long they took.
    bar : callable
        Shows progress.

    Raises
    ------
    ValueError
        If there is no such panel, or no trial is left.
    """
    functions = chosen_panels(only)
    step = bar("panels", len(functions) * (1 if alone else 2))
    taken = dict(durations_s or {})
    carried: dict[str, Any] = {"emotions": emotions, "cache": described.study / FOLDER, "workers": workers}
    data = gather(described, parameters[preset], **carried)
    panels = []
    for name, function in functions.items():
        begun = time.monotonic()
        panels.append(make_panel(name, function, data, parameters[preset]))
        taken[f"Figure {name}, {preset}"] = time.monotonic() - begun
        step(1)
    others: list[Panel] = []
    if not alone:
        other = PRESETS[1] if preset == PRESETS[0] else PRESETS[0]
        other_data = data
        if _rules(parameters[other]) != _rules(parameters[preset]):
            other_data = gather(described, parameters[other], **carried)
        for name, function in functions.items():
            begun = time.monotonic()
            others.append(_without_drawing(make_panel(name, function, other_data, parameters[other])))
            taken[f"Figure {name}, {other}"] = time.monotonic() - begun
            step(1)
    return Results(
        study=described.study,
        preset=preset,
        parameters=parameters,
        data=data,
        panels=tuple(panels),
        other_claims={panel.name: panel.claims for panel in others},
        other_missing={panel.name: panel.missing for panel in others if panel.missing},
        emotions=emotions,
        seed=parameters[preset].seed,
        versions=versions(PACKAGES),
        only=tuple(only),
        quick=quick,
        durations_s=taken,
        warnings=_warnings(data, parameters[preset], emotions),
    )


def _rules(parameters: MouseFaceParameters) -> list[Any]:
    return [getattr(parameters, name) for name in CLIP_RULES]


def _without_drawing(panel: Panel) -> Panel:
    """Let go of what a drawing holds on to."""
    return replace(panel, draw=None, tables=())


def _warnings(data: FaceData, parameters: MouseFaceParameters, emotions: EmotionNames) -> tuple[str, ...]:
    """Say what holds for the study as a whole."""
    found = list(data.notes)
    core = core_trials(data, parameters)
    found += [f"No prototypes: {core.reason}"] if isinstance(core, Missing) else core.notes
    unknown = unknown_events(emotions, data.trials["label"])
    if unknown:
        found.append(
            f"{emotions.source} names events that the study does not have: {', '.join(unknown)}; it has "
            f"{', '.join(sorted(data.trials['event'].unique()))}"
        )
    if len(data.animals) == 1:
        found.append(
            f"There is one animal ({data.animals[0]}): nothing here can be said of other animals, and tests "
            "that compare animals are left out"
        )
    for row in data.registration.to_dict("records"):
        if row["warning"]:
            found.append(f"{row['session_id']}: {row['warning']}")
    for row in data.sessions.to_dict("records"):
        found += [f"{row['session_id']}: {text}" for text in row["warnings"]]
    lost = data.trials[~data.trials["kept"]]
    if len(lost):
        found.append(
            f"{len(lost)} of {len(data.trials)} trials are left out because too many of their frames are "
            "lost; the section on exclusions lists them"
        )
    return tuple(dict.fromkeys(found))
