"""The smallest study of filmed mice that has all seven events twice, and ways to spoil a copy of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np

from experiments.mouse_face.simulated.study import StudySettings, simulate_study

SETTINGS = StudySettings(
    n_animals=3, repeats=2, minutes=1.6, fps=8.0, width_px=160, height_px=128, noise_sd=1.0
)
FRAMES = 768
"""Frames of each video."""


def make_tiny_study(study: Path) -> Path:
    """Simulate it: 3 animals, one session each, 7 events twice; some seconds."""
    list(simulate_study(study, SETTINGS, n_processes=1))
    return study


def copy_study(study: Path, to: Path, *, animals: int = 3, results: bool = False) -> Path:
    """Copy the first animals of a study, with or without what was made of it."""
    ignore = None if results else shutil.ignore_patterns("derivatives")
    shutil.copytree(study, to, ignore=ignore)
    for number in range(animals + 1, 4):
        shutil.rmtree(to / f"sub-m{number:02}")
    return to


def session_file(study: Path, animal: int = 1) -> Path:
    """Return the NWB file of an animal."""
    return study / f"sub-m{animal:02}" / f"sub-m{animal:02}_ses-emotions.nwb"


def video_file(study: Path, animal: int = 1) -> Path:
    """Return the video of an animal."""
    return session_file(study, animal).with_name(f"sub-m{animal:02}_ses-emotions_face.mkv")


def set_frame_times(path: Path, times_s: np.ndarray) -> None:
    """Write other times of frames into an NWB file."""
    with h5py.File(path, "r+") as file:
        series = file["acquisition/video_face"]
        attributes = dict(series["timestamps"].attrs)
        del series["timestamps"]
        series.create_dataset("timestamps", data=times_s).attrs.update(attributes)


def frame_times(path: Path) -> np.ndarray:
    """Read the times of frames from an NWB file."""
    with h5py.File(path) as file:
        return file["acquisition/video_face/timestamps"][()]


def set_trials(path: Path, column: str, values: dict[int, object]) -> None:
    """Change values in the table of trials of an NWB file: number of the row -> value."""
    with h5py.File(path, "r+") as file:
        for row, value in values.items():
            file[f"intervals/trials/{column}"][row] = value


def trial_column(path: Path, column: str) -> list[object]:
    """Read a column of the table of trials."""
    with h5py.File(path) as file:
        values = file[f"intervals/trials/{column}"][()]
    return [value.decode() if isinstance(value, bytes) else value for value in values]
