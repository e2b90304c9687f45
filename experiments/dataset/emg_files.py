"""The ``emg`` folder of a participant: the recording in BDF and the files that explain it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.dataset import descriptions
from experiments.dataset.bdf import FINE_SUFFIX, BdfChannel, write_bdf
from experiments.dataset.tables import write_json, write_table

SignalKind = Literal["raw", "rectified"]

EVENT_COLUMNS = (
    "onset",
    "duration",
    "trial_type",
    "value",
    "sample",
    "trial",
    "block",
    "face",
    "sex",
    "direction",
    "video",
    "response_key",
    "response_time",
    "response_count",
    "outcome",
    "timing",
)
"""Columns of ``events.tsv`` in a dataset; the first five are asked of every recording."""

ABOUT_THE_TASK = ("TaskName", "TaskDescription", "Instructions", "StimulusPresentation")
"""Entries of a sidecar that are repeated beside the events."""

MUSCLES = {"corrugator": "corrugator supercilii", "zygomaticus": "zygomaticus major"}
"""Name of a channel -> the muscle below it; other channels keep their names."""

_CHANNEL_COLUMNS = (
    "name",
    "type",
    "units",
    "description",
    "sampling_frequency",
    "signal_electrode",
    "reference",
    "group",
    "target_muscle",
    "placement_scheme",
    "placement_description",
    "interelectrode_distance",
    "low_cutoff",
    "high_cutoff",
    "notch",
    "status",
    "status_description",
    "signal",
)
_ELECTRODE_COLUMNS = ("name", "x", "y", "z", "type", "material", "impedance", "group")


def write_emg_folder(
    folder: Path,
    stem: str,
    channels: Sequence[BdfChannel],
    *,
    fs_hz: float,
    signal_kinds: Mapping[str, SignalKind],
    events: Iterable[Mapping[str, Any]],
    event_columns: Sequence[str] = EVENT_COLUMNS,
    metadata: Mapping[str, Any],
    simulated: bool,
    startdate: datetime.date | None = None,
) -> None:
    """Write a recording with its sidecars into a new folder.

    Parameters
    ----------
    folder : Path
        The ``emg`` folder; it must not exist.
    stem : str
        Beginning of the files' names, such as ``sub-007_task-mimicry``.
    channels : sequence of BdfChannel
        The signals.
    fs_hz : float
        Sampling rate.
    signal_kinds : mapping
        Channel -> ``raw`` or ``rectified``; channels that are not named are no EMG.
    events : iterable of mappings
        Rows of ``events.tsv``.
    event_columns : sequence of str
        Its columns.
    metadata : mapping
        Entries of ``emg.json`` that are known of this recording; they replace ours. ``PlacementDescription``,
        ``InterelectrodeDistance``, ``ElectrodeMaterial`` and ``ElectrodeType`` also go into the tables.
    simulated : bool
        Whether the signals were made by a simulation.
    startdate : datetime.date, optional
        Date of the recording.
    """
    folder.mkdir(parents=True)
    equipment = "SIMULATED" if simulated else str(metadata.get("ManufacturersModelName", "X"))
    n_added = write_bdf(
        folder / f"{stem}_emg.bdf", channels, fs_hz=fs_hz, startdate=startdate, equipment=equipment
    )
    muscles = [channel.name for channel in channels if channel.name in signal_kinds]
    sidecar = _sidecar(channels, muscles, fs_hz, metadata)
    if n_added:
        sidecar["SamplesAddedAtEnd"] = n_added
    write_json(folder / f"{stem}_emg.json", sidecar, simulated=simulated)
    rows = [_channel_row(channel, fs_hz, signal_kinds, metadata) for channel in channels]
    write_table(folder / f"{stem}_channels.tsv", _CHANNEL_COLUMNS, rows)
    write_json(folder / f"{stem}_channels.json", descriptions.CHANNELS, simulated=simulated)
    _write_electrodes(folder, stem.split("_")[0], muscles, metadata, simulated=simulated)
    about = {name: sidecar[name] for name in ABOUT_THE_TASK if name in sidecar}
    write_events(folder, stem, events, columns=event_columns, simulated=simulated, about=about)


def write_events(
    folder: Path,
    stem: str,
    events: Iterable[Mapping[str, Any]],
    *,
    columns: Sequence[str] = EVENT_COLUMNS,
    simulated: bool,
    about: Mapping[str, Any] | None = None,
    onset: str | None = None,
) -> None:
    """Write ``events.tsv`` and its dictionary.

    Parameters
    ----------
    folder, stem : Path, str
        Where, and the beginning of the names.
    events : iterable of mappings
        Rows.
    columns : sequence of str
        Columns.
    simulated : bool
        Whether the events are of a simulated session.
    about : mapping, optional
        Entries of the JSON file beside the columns, such as the task's instructions.
    onset : str, optional
        What an onset is, if it is not counted from the first sample of the EMG.
    """
    rows = list(events)
    write_table(folder / f"{stem}_events.tsv", columns, rows)
    dictionary: dict[str, Any] = {
        name: descriptions.EVENTS.get(name, {"Description": "Column of the imported recording's events"})
        for name in columns
    }
    foreign = {str(row["trial_type"]) for row in rows} - set(descriptions.EVENTS["trial_type"]["Levels"])
    if foreign:
        dictionary["trial_type"] = descriptions.trial_types_with(sorted(foreign))
    if onset is not None:
        dictionary["onset"] = {**dictionary["onset"], "Description": onset}
    write_json(folder / f"{stem}_events.json", {**(about or {}), **dictionary}, simulated=simulated)


def _sidecar(
    channels: Sequence[BdfChannel], muscles: Sequence[str], fs_hz: float, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """Say what is known of the recording; entries that nobody knows are left out."""
    own = {
        "TaskName": "mimicry",
        "SamplingFrequency": int(fs_hz) if float(fs_hz).is_integer() else fs_hz,
        "PowerLineFrequency": "n/a",
        "RecordingType": "continuous",
        "RecordingDuration": round(len(channels[0].digital) / fs_hz, 6),
        "EMGPlacementScheme": "ChannelSpecific",
        "EMGReference": "ChannelSpecific",
        "EMGChannelCount": len(muscles),
        "MISCChannelCount": len(channels) - len(muscles),
        "TriggerChannelCount": 0,
        "SoftwareFilters": "n/a",
        "HardwareFilters": _filters(channels),
    }
    hidden = ("PlacementDescription",)
    return {**own, **{name: value for name, value in metadata.items() if name not in hidden}}


def _filters(channels: Sequence[BdfChannel]) -> dict[str, Any] | str:
    """Repeat what the device's header says of its filters."""
    said = {channel.name: channel.prefiltering for channel in channels}
    known = {name: text for name, text in said.items() if text and text.lower() not in ("none", "n/a")}
    return {"As the device says": known} if known else "n/a"


def _channel_row(
    channel: BdfChannel, fs_hz: float, signal_kinds: Mapping[str, SignalKind], metadata: Mapping[str, Any]
) -> dict[str, Any]:
    name = channel.name
    row: dict[str, Any] = {
        "name": name,
        "type": "MISC",
        "units": channel.unit or "n/a",
        "sampling_frequency": fs_hz,
        "status": "good",
        "signal": "other",
    }
    if name.endswith(FINE_SUFFIX):
        base = name.removesuffix(FINE_SUFFIX)
        row["description"] = f"What 24 bits of {base} could not hold: add it to {base} for its full precision"
    if name not in signal_kinds:
        return row
    if np.ptp(channel.digital) == 0:
        row |= {"status": "bad", "status_description": "flat: all samples are the same"}
    return row | {
        "type": "EMG",
        "signal_electrode": f"{name}_1",
        "reference": f"{name}_2",
        "group": name,
        "target_muscle": MUSCLES.get(name, name),
        "placement_scheme": "other",
        "placement_description": metadata.get("PlacementDescription"),
        "interelectrode_distance": metadata.get("InterelectrodeDistance"),
        "signal": signal_kinds[name],
    }


def _write_electrodes(
    folder: Path, label: str, muscles: Sequence[str], metadata: Mapping[str, Any], *, simulated: bool
) -> None:
    """Name the two electrodes of each channel; where they are is said in words, not measured."""
    electrodes = [
        {
            "name": f"{muscle}_{number}",
            "type": metadata.get("ElectrodeType"),
            "material": metadata.get("ElectrodeMaterial"),
            "group": muscle,
        }
        for muscle in muscles
        for number in (1, 2)
    ]
    write_table(folder / f"{label}_electrodes.tsv", _ELECTRODE_COLUMNS, electrodes)
    system = {
        "EMGCoordinateSystem": "Other",
        "EMGCoordinateUnits": "n/a",
        "EMGCoordinateSystemDescription": (
            "Positions were not measured: electrodes are placed on the muscles by anatomical landmarks of "
            "the face; channels.tsv names the muscles."
        ),
    }
    write_json(folder / f"{label}_coordsystem.json", system, simulated=simulated)
