"""Recorders of physiological signals, one file per family of device, and what opens the one of the rig."""

from __future__ import annotations

from pathlib import Path

from hardware.protocols import SignalRecorder
from hardware.recorders.external import ExternalRecorder
from hardware.recorders.lsl import LslRecorder
from hardware.settings import RigSettings

__all__ = ["ExternalRecorder", "LslRecorder", "open_recorder"]


def open_recorder(rig: RigSettings, path: Path) -> SignalRecorder:
    """Open the recorder that the rig file names.

    Parameters
    ----------
    rig : RigSettings
        The rig; its ``[recorder]`` says who records.
    path : Path
        File to record into, if the suite records; a part of its own is made when it exists.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    kind = rig.recorder.kind
    if kind == "lsl":
        return LslRecorder(rig, path)
    if kind in ("external", "none"):
        return ExternalRecorder()
    raise ValueError(f"no recorder of kind {kind!r}: correct [recorder] in the rig file")
