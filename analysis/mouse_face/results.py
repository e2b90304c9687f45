"""All that an analysis of mouse faces found, in one record from which report and video pages are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel
from analysis.mouse_face.parameters import MouseFaceParameters

PRESETS = ("recommended", "paper")
"""Names of the presets; the first is the default."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """One analysis of one study."""

    study: Path
    """Folder of the study."""
    preset: str
    """The preset whose numbers and figures the report shows."""
    parameters: Mapping[str, MouseFaceParameters]
    """Name of a preset -> the parameters it was run with (a user's changes included); both presets."""
    data: FaceData
    """The study as descriptors and trials, with quality, registration and pictures of its sessions (of the
    chosen preset, where rules of exclusion differ)."""
    panels: tuple[Panel, ...]
    """Panels of the chosen preset, in the order of the paper; those without data say why."""
    other_claims: Mapping[str, pd.DataFrame]
    """Panel name -> claims of the other preset; empty where only one preset was run."""
    other_missing: Mapping[str, str] = field(default_factory=dict)
    """Panel name -> why the other preset has nothing there."""
    emotions: EmotionNames
    seed: int
    versions: pd.DataFrame
    """Columns ``component`` and ``version``."""
    only: tuple[str, ...] = ()
    """Panels that were asked for by name; empty: all."""
    quick: bool = False
    """Whether what takes minutes was left out or shortened."""
    durations_s: Mapping[str, float] = field(default_factory=dict)
    """Step of the analysis -> seconds it took (0 where an earlier run's result was used)."""
    warnings: tuple[str, ...] = ()
    """What holds for the study as a whole; panels carry their own."""

    @property
    def simulated(self) -> bool:
        """Whether any data are simulated."""
        return self.data.simulated

    @property
    def own_parameters(self) -> MouseFaceParameters:
        """The parameters of the chosen preset."""
        return self.parameters[self.preset]

    @property
    def other_preset(self) -> str:
        """Name of the preset beside which the chosen one is shown."""
        return PRESETS[1] if self.preset == PRESETS[0] else PRESETS[0]
