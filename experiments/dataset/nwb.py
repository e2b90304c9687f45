"""One session of one animal as a file in Neurodata Without Borders (NWB); the videos stay beside it.

The schedule becomes the table of trials, what was delivered and sensed a table of events, each video a series
of frames with the time of every frame, and the neurons, where there are any, dF/F with their regions. The
file is written beside its place and renamed when it is whole. What has no place in the standard (the group,
the rig, the seed, whether the session is simulated) stands as JSON in the notes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.dataset.durable import sync_file, sync_folder

TRIAL_COLUMNS = {
    "stimulus": "what the animal meets; 'neutral' is a moment at which nothing happens",
    "intensity": "strength of the stimulus in the unit beside it; NaN where it has none",
    "unit": "unit of the intensity; 'n/a' where there is none",
    "repeat": "how many times this stimulus at this intensity has come, from 1",
    "laser": "whether the laser is on during the stimulus",
    "condition": "state of the animal, such as thirsty or quenched; 'n/a' where it is the usual one",
}
"""Columns of the table of trials beside ``start_time`` and ``stop_time``: name -> description."""
EVENT_COLUMNS = {
    "event": "what happened, as the device reported it",
    "value": "what was delivered; 'n/a' where there is nothing to say",
}
"""Columns of the table of events beside ``timestamp`` and ``duration``: name -> description."""


@dataclass(frozen=True)
class Animal:
    """The animal, as NWB asks for it."""

    id: str
    """Letters and digits, such as ``m01``."""
    sex: str = "U"
    """``F``, ``M``, ``O`` (other) or ``U`` (unknown)."""
    age: str = "P90D"
    """ISO 8601 duration since birth, such as ``P90D`` for 90 days."""
    species: str = "Mus musculus"
    """Latin name."""
    strain: str = "C57BL/6J"
    """Strain."""
    genotype: str | None = None
    """Genotype."""
    description: str | None = None
    """Anything else, such as what was implanted."""


@dataclass(frozen=True)
class SessionFacts:
    """What a session was."""

    session: str
    """Its name: letters, digits and hyphens."""
    start: datetime
    """When it began, with its time zone; times in the file count from here."""
    description: str
    """What was done, in a sentence."""
    simulated: bool
    """Whether no animal was there."""
    experimenter: tuple[str, ...] = ()
    """Names, each as 'Last, First'."""
    institution: str | None = None
    """Where."""
    lab: str | None = None
    """In which laboratory."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What has no place in the standard: group, seed, rig, calibration, versions. Must fit into JSON."""


@dataclass(frozen=True)
class CameraVideo:
    """A video that lies beside the file."""

    name: str
    """What is filmed, such as ``face``."""
    path: Path
    """In the folder of the NWB file, or below it."""
    times_s: np.ndarray
    """Time of every frame (s from the start of the session), shape ``(n_frames,)``."""
    width_px: int
    """Width."""
    height_px: int
    """Height."""
    description: str = "Face of the head-fixed animal in side view"
    """What is to be seen."""
    camera: str = ""
    """Make, number and settings of the camera."""


@dataclass(frozen=True)
class Neurons:
    """Traces of neurons and where they lie."""

    dff: np.ndarray
    """Relative change of fluorescence, shape ``(n_rois, n_times)``."""
    times_s: np.ndarray
    """Shape ``(n_times,)``, from the microscope."""
    masks: Sequence[tuple[np.ndarray, np.ndarray]]
    """Pixels of each region: their rows and their columns."""
    size_px: tuple[int, int]
    """Height and width of the picture."""
    location: str
    """Brain region, best as the Allen atlas names it: ``Agranular insular area, posterior part``."""
    indicator: str = "GCaMP6s"
    """What glows."""


def write_session(
    path: Path,
    *,
    animal: Animal,
    facts: SessionFacts,
    trials: pd.DataFrame,
    events: pd.DataFrame,
    videos: Sequence[CameraVideo],
    neurons: Neurons | None = None,
    pulses: pd.DataFrame | None = None,
    devices: Mapping[str, str] | None = None,
    replace: bool = False,
) -> Path:
    """Write a session; the file is whole under its name or not there.

    Parameters
    ----------
    path : Path
        The file, ``.nwb``.
    animal, facts : Animal, SessionFacts
        Who and what.
    trials : pandas.DataFrame
        One row per trial: ``start_time``, ``stop_time`` (s) and the columns of `TRIAL_COLUMNS`; more columns
        are written as they are.
    events : pandas.DataFrame
        One row per delivered or sensed event: ``timestamp``, ``duration`` (s; NaN if it has none) and the
        columns of `EVENT_COLUMNS`. May be empty.
    videos : sequence of CameraVideo
        The videos, which exist already.
    neurons : Neurons, optional
        The neurons.
    pulses : pandas.DataFrame, optional
        One row per exposure that the camera's line reported: ``timestamp`` (s) and ``device_time`` (s on the
        clock of the device that saw it). A table of its own, as there are as many as frames.
    devices : mapping, optional
        Name -> description of further devices, such as the one that delivers.
    replace : bool
        Whether there may be such a file already.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileExistsError
        If the file exists and `replace` is False.
    FileNotFoundError
        If a video is not there.
    ValueError
        If columns are missing, shapes do not agree, or times are not numbers.
    """
    if path.suffix != ".nwb":
        raise ValueError(f"a session's file ends in .nwb, found {path.name}")
    if path.exists() and not replace:
        raise FileExistsError(f"{path} exists, and nothing is ever written over")
    _check(path, facts, trials, events, videos, neurons)
    from pynwb import NWBHDF5IO

    content = _new_file(animal, facts)
    _add_trials(content, trials)
    _add_events(content, events)
    if pulses is not None and len(pulses):
        _add_pulses(content, pulses)
    for name, description in (devices or {}).items():
        content.create_device(name=name, description=description)
    for video in videos:
        _add_video(content, video, path.parent)
    if neurons is not None:
        _add_neurons(content, neurons)
    unfinished = path.with_name(f"{path.stem}.unfinished.nwb")
    try:
        with NWBHDF5IO(str(unfinished), "w") as file:
            file.write(content)
        sync_file(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return path


def _check(
    path: Path,
    facts: SessionFacts,
    trials: pd.DataFrame,
    events: pd.DataFrame,
    videos: Sequence[CameraVideo],
    neurons: Neurons | None,
) -> None:
    if facts.start.tzinfo is None:
        raise ValueError("the start of a session needs its time zone: NWB keeps moments, not clock faces")
    for what, table, needed in (
        ("trials", trials, ("start_time", "stop_time", *TRIAL_COLUMNS)),
        ("events", events, ("timestamp", "duration", *EVENT_COLUMNS)),
    ):
        missing = [name for name in needed if name not in table]
        if missing:
            raise ValueError(f"the table of {what} has no column {', '.join(missing)}")
        if not np.isfinite(table[needed[0]].to_numpy(float)).all():
            raise ValueError(f"a row of the table of {what} has no {needed[0]}")
    for video in videos:
        if not video.path.is_file():
            raise FileNotFoundError(f"there is no video {video.path}: write it before the session")
        if path.parent.resolve() not in video.path.resolve().parents:
            raise ValueError(f"{video.path} does not lie beside {path}: a session moves as one folder")
        if not (np.isfinite(video.times_s).all() and (np.diff(video.times_s) > 0).all()):
            raise ValueError(f"the times of {video.path.name} must be numbers that increase")
    if neurons is not None and neurons.dff.shape != (len(neurons.masks), len(neurons.times_s)):
        raise ValueError(
            f"{len(neurons.masks)} regions and {len(neurons.times_s)} times do not belong to traces of "
            f"shape {neurons.dff.shape}"
        )


def _new_file(animal: Animal, facts: SessionFacts) -> Any:
    from uuid import uuid4

    from pynwb import NWBFile
    from pynwb.file import Subject

    said = "SIMULATED, no animal was there. " if facts.simulated else ""
    return NWBFile(
        session_description=said + facts.description,
        identifier=str(uuid4()),
        session_start_time=facts.start,
        session_id=facts.session,
        experimenter=list(facts.experimenter) or None,
        institution=facts.institution,
        lab=facts.lab,
        keywords=["facial expression", "head-fixed", *(["simulated"] if facts.simulated else [])],
        experiment_description=said + "Facial expressions of head-fixed mice",
        notes=json.dumps({"simulated": facts.simulated, **facts.notes}, sort_keys=True, allow_nan=False),
        source_script_file_name="experiments/dataset/nwb.py",
        source_script="Countenance, experiments.dataset.nwb",
        subject=Subject(
            subject_id=animal.id,
            species=animal.species,
            sex=animal.sex,
            age=animal.age,
            strain=animal.strain,
            genotype=animal.genotype,
            description=said + (animal.description or "Head-fixed mouse"),
        ),
    )


def _add_trials(content: Any, trials: pd.DataFrame) -> None:
    if not len(trials):
        return
    if trials["intensity"].isna().all():
        trials = trials.drop(columns=["intensity", "unit"])
    more = [str(name) for name in trials if name not in ("start_time", "stop_time", "repeat")]
    names = [*more, "repeat"]
    for name in names:
        content.add_trial_column(name, TRIAL_COLUMNS.get(name, f"{name} of the trial"))
    for row in _rows(trials):
        own = {name: _plain(row[name]) for name in names}
        content.add_trial(start_time=float(row["start_time"]), stop_time=float(row["stop_time"]), **own)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    """A value that HDF5 keeps: numpy's own numbers become Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _add_events(content: Any, events: pd.DataFrame) -> None:
    if not len(events):
        return
    from pynwb.event import EventsTable

    table = EventsTable(
        name="events", description="What was delivered and sensed, with the times of the devices"
    )
    names = [str(name) for name in events if name not in ("timestamp", "duration")]
    for name in names:
        table.add_column(name, EVENT_COLUMNS.get(name, f"{name} of the event"))
    for row in _rows(events.sort_values("timestamp", kind="stable")):
        own = {name: _plain(row[name]) for name in names}
        table.add_row(timestamp=float(row["timestamp"]), duration=float(row["duration"]), **own)
    content.add_events_table(table)


def _add_pulses(content: Any, pulses: pd.DataFrame) -> None:
    """Add the exposures column by column, as they are many."""
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from pynwb.event import EventsTable, TimestampVectorData, VectorData

    def packed(values: Any) -> Any:
        return H5DataIO(np.asarray(values, float), compression="gzip")

    times = TimestampVectorData(
        name="timestamp", description="When the exposure began", data=packed(pulses["timestamp"])
    )
    own = VectorData(
        name="device_time",
        description="The same on the clock of the device that saw it, in seconds",
        data=packed(pulses["device_time"]),
    )
    content.add_events_table(
        EventsTable(
            name="frame_pulses",
            description="Exposures of the camera, as its line to the device reported them",
            columns=[times, own],
            colnames=["timestamp", "device_time"],
        )
    )


def _add_video(content: Any, video: CameraVideo, folder: Path) -> None:
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from pynwb.image import ImageSeries

    said = f"Camera of the {video.name}" + (f": {video.camera}" if video.camera else "")
    camera = content.create_device(name=f"camera_{video.name}", description=said)
    place = video.path.resolve().relative_to(folder.resolve()).as_posix()
    content.add_acquisition(
        ImageSeries(
            name=f"video_{video.name}",
            description=video.description,
            unit="n.a.",
            format="external",
            external_file=[f"./{place}"],
            starting_frame=[0],
            dimension=[video.width_px, video.height_px],
            timestamps=H5DataIO(np.asarray(video.times_s, float), compression="gzip"),
            device=camera,
        )
    )


def _add_neurons(content: Any, neurons: Neurons) -> None:
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from pynwb.ophys import DfOverF, ImageSegmentation, OpticalChannel, PlaneSegmentation, RoiResponseSeries

    microscope = content.create_device(name="microscope", description="Two-photon microscope")
    green = OpticalChannel(name="green", description="Emission of the indicator", emission_lambda=510.0)
    plane = content.create_imaging_plane(
        name="plane",
        optical_channel=green,
        description=f"Plane in the {neurons.location}",
        device=microscope,
        excitation_lambda=920.0,
        imaging_rate=float(1 / np.median(np.diff(neurons.times_s))),
        indicator=neurons.indicator,
        location=neurons.location,
    )
    regions = PlaneSegmentation(
        name="regions", description="Regions of interest, one per neuron", imaging_plane=plane
    )
    for rows, columns in neurons.masks:
        pixels = [(int(x), int(y), 1.0) for y, x in zip(rows, columns, strict=True)]
        regions.add_roi(pixel_mask=pixels)
    module = content.create_processing_module(name="ophys", description="Calcium imaging")
    module.add(ImageSegmentation(name="segmentation", plane_segmentations=[regions]))
    chosen = regions.create_roi_table_region(
        region=list(range(len(neurons.masks))), description="all regions"
    )
    traces = RoiResponseSeries(
        name="traces",
        description="Relative change of fluorescence",
        data=H5DataIO(np.ascontiguousarray(neurons.dff.T, np.float32), compression="gzip"),
        rois=chosen,
        unit="n.a.",
        timestamps=H5DataIO(np.asarray(neurons.times_s, float), compression="gzip"),
    )
    changes = DfOverF(name="dff")
    module.add(changes)  # before the traces, so that they and their regions share an ancestor
    changes.add_roi_response_series(traces)
