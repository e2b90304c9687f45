"""Which trials of a study a figure is made of; or, in words, why there are none.

Pure: tables in, tables out. All selections take kept trials only.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters


@dataclass(frozen=True)
class Missing:
    """Why a study has nothing for a figure."""

    reason: str
    """In words, for the report."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Trials of a figure."""

    trials: pd.DataFrame
    """Rows of `FaceData.trials` that were kept, index 0, 1, ...; ``label`` is what the figure calls them."""
    notes: tuple[str, ...] = ()
    """What was left out of it and why."""


def core_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select the trials of Fig. 1, 2A-C and 3A-B, of which all prototypes are made.

    Events without laser, of sessions without a special condition. An event that a plain session gives is
    taken from plain sessions; where only sessions with several values or with neurons give it, from these, at
    its highest value. ``label`` is the event.

    Returns
    -------
    Selection or Missing
        ``notes`` say which animals' events were left out because there is one trial of them only.
    """
    raise NotImplementedError


def graded_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select events that were given at two values or more (Fig. 2D), but the valence event.

    ``label`` is the event, ``value`` its strength.
    """
    raise NotImplementedError


def valence_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select the event whose low value is pleasant and whose high value is not (salt; Fig. 2E).

    Lowest and highest value only; ``label`` is ``low`` or ``high``.
    """
    raise NotImplementedError


def condition_trials(
    data: FaceData, parameters: MouseFaceParameters, conditions: tuple[str, str]
) -> Selection | Missing:
    """Select events that were given in both of two conditions (Fig. 2F and G).

    ``label`` is the event, ``condition`` one of the two; animals with both only.
    """
    raise NotImplementedError


def light_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select trials of light alone, of animals with a group and a site (Fig. 3C-G).

    ``label`` is the event (``laser``); ``site`` and ``group`` say where and in whom.
    """
    raise NotImplementedError


def pathway_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select an event that was given with and without light in the same session (Fig. 3H-I).

    ``label`` is the event, ``laser`` whether there was light.
    """
    raise NotImplementedError


def imaging_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select the trials of sessions with neurons (Fig. 4); their traces are in ``data.imaging``."""
    raise NotImplementedError
