"""Brings a recording that was made elsewhere, with any amplifier, into a study."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets import MISSING_SIGNAL
from analysis.mimicry.session_log import events_from_log, other_sessions, read_session_log
from analysis.recordings import open_recording
from analysis.recordings.channel_map import ChannelMap, read_channel_map
from analysis.recordings.found import find_triggers, name_events
from analysis.recordings.opened import ArrayRecording, OpenedRecording, check_rate
from analysis.recordings.signals import implausible_size, is_constant, read_muscles
from experiments.dataset.bids import add_participant, add_recording, create_study
from experiments.dataset.gaps import bridge_gaps, missing_stretches
from experiments.dataset.placement import Placement
from experiments.dataset.session_emg import write_repairs
from experiments.dataset.study import description_file, files_of_run, is_listed, live_folder
from experiments.dataset.tables import participant_label, read_json, read_table

COMPANIONS = (".eeg", ".dat", ".vmrk", ".fdt")
"""Extensions of files that belong to a .vhdr or .set file of the same name."""


def import_recording(
    study: Path,
    *,
    participant: str,
    recording: Path,
    channels: Path | None = None,
    group: str | None = None,
    allow_flat: Collection[str] = (),
    run: int = 1,
) -> dict[str, Any]:
    """Add a recording to a study: signals, events, and a copy of the file and of its channel map.

    Where the study has the session's own log (`sourcedata/sub-ID/events.tsv`), the triggers in the recording
    are aligned with it by fitted clocks: every event of the log finds its place, what can be proven is
    repaired and told, and a recording that is not proven to be of this session is refused. Where there is no
    log, the triggers are the events.

    Parameters
    ----------
    study : Path
        The study's folder; a new or empty one becomes a study.
    participant : str
        Id of letters and digits; added to participants.tsv if it is not there.
    recording : Path
        BDF, EDF, BrainVision (.vhdr), EEGLAB (.set), XDF, or delimited text (also gzipped).
    channels : Path, optional
        Channel map (see `analysis.recordings.channel_map`); needed for text, and where the names of the
        channels
        or the triggers do not speak for themselves.
    group : str, optional
        Blind code of the group of a participant who is not in participants.tsv yet.
    allow_flat : collection of str
        Muscles whose signal may be constant or missing throughout; all their trials will be excluded.
    run : int
        Which session of this participant, from 1.

    Returns
    -------
    dict
        Summary for people and programs: `participant recording fs_hz duration_s muscles events
        triggers_ignored clock alignment repairs trials_not_recorded warnings`.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    FileExistsError
        If the participant has a recording already.
    ValueError
        If the recording is broken, does not fit its map, or does not agree with the log; nothing is
        written then.
    """
    if files_of_run(study, participant_label(participant), run, ("emg",)):
        raise FileExistsError(
            f"{study} has a recording of participant {participant}: nothing was changed. Use another id, or "
            f"first move sub-{participant}/emg and the recording's copy in sourcedata/sub-{participant} away"
        )
    channel_map = read_channel_map(channels) if channels is not None else ChannelMap()
    opened = open_recording(recording, channel_map)
    if channel_map.sampling_rate_hz is not None:
        check_rate(opened.fs_hz, channel_map.sampling_rate_hz, path=recording, how="the file itself says")
    signals, muscles = read_muscles(opened, channel_map)
    kinds = {name: muscle.signal for name, muscle in muscles.items()}
    warnings = _check_signals(signals, kinds, opened.fs_hz, allow_flat)
    events, about_events, placement = _events(study, participant, run, opened, channel_map)
    if "trials_not_recorded" in about_events:
        warnings.append(
            f"{about_events['trials_not_recorded']} trials of the session are not in the recording"
        )
    gaps = missing_stretches({name: signal for name, signal in signals.items() if name not in allow_flat})
    if gaps:
        events = _with_gaps(events, gaps, opened.fs_hz)
        missing_s = sum(stop - start for start, stop in gaps) / opened.fs_hz
        warnings.append(f"{missing_s:.3g} s of the recording are missing; trials in them will be excluded")
    warnings += _prepare_participant(study, participant, group)
    add_recording(
        study,
        participant,
        signals_uv=np.vstack([_storable(signal) for signal in signals.values()]),
        channel_names=list(signals),
        fs_hz=opened.fs_hz,
        events=events,
        signal_kind=kinds,
        source=recording,
        metadata=_metadata(channel_map, about_events),
        precise=isinstance(opened, ArrayRecording),
        run=run,
    )
    folder = live_folder(study, participant, run)
    _copy_companions(recording, channels, folder)
    if placement is not None:
        write_repairs(folder, placement, simulated=bool(read_json(description_file(study)).get("simulated")))
    return {
        "participant": participant,
        "recording": recording.name,
        "fs_hz": opened.fs_hz,
        "duration_s": round(opened.n_samples / opened.fs_hz, 3),
        "muscles": {name: [str(column) for column in muscle.source] for name, muscle in muscles.items()},
        "events": events["trial_type"].value_counts().to_dict(),
        **about_events,
        "warnings": warnings,
    }


def _check_signals(
    signals: Mapping[str, np.ndarray], kinds: Mapping[str, str], fs_hz: float, allow_flat: Collection[str]
) -> list[str]:
    """Refuse channels without a signal and say what is odd about the others."""
    flat = [name for name, signal in signals.items() if is_constant(signal)]
    refused = [name for name in flat if name not in allow_flat]
    if refused:
        raise ValueError(
            f"{' and '.join(refused)}: the channel never changes, so no electrode was recorded. Is it the "
            "right channel? If the muscle was really lost, import with --allow-flat and its name: its "
            "trials will then be excluded and counted"
        )
    warnings = [f"{name} has no signal; all its trials will be excluded" for name in flat]
    for name, signal in signals.items():
        odd = None if name in flat else implausible_size(signal, fs_hz=fs_hz, kind=kinds[name])
        if odd is not None:
            warnings.append(f"{name}: {odd}")
    return warnings


def _events(
    study: Path, participant: str, run: int, opened: OpenedRecording, channel_map: ChannelMap
) -> tuple[pd.DataFrame, dict[str, Any], Placement | None]:
    """Make events of the session's log where there is one, else of the triggers themselves."""
    triggers = find_triggers(opened, channel_map.events)
    log = read_session_log(study, participant, run)
    if log is None:
        events, ignored = name_events(triggers, channel_map.events, fs_hz=opened.fs_hz)
        return events, {"events_from": triggers.kind, "triggers_ignored": ignored}, None
    lines = channel_map.events.lines
    try:
        events, placement = events_from_log(
            log, triggers, lines, n_samples=opened.n_samples, fs_hz=opened.fs_hz
        )
    except ValueError as error:
        others = other_sessions(
            study,
            triggers,
            lines,
            besides=(participant, run),
            n_samples=opened.n_samples,
            fs_hz=opened.fs_hz,
        )
        raise ValueError(f"{error}{others}") from None
    missing = len(log.trials) - int(events["trial_type"].isin(["video", "practice_video"]).sum())
    about = {
        "events_from": "session log",
        "clock": [fit.as_record() for fit in placement.fits],
        "alignment": placement.sentences(),
        "repairs": [repair.as_record() for repair in placement.repairs],
    }
    return events, about | ({"trials_not_recorded": missing} if missing > 0 else {}), placement


def _with_gaps(events: pd.DataFrame, gaps: Collection[tuple[int, int]], fs_hz: float) -> pd.DataFrame:
    """Add a row for each stretch without signal, which the format of the dataset cannot hold."""
    rows = [
        {
            "onset": start / fs_hz,
            "duration": (stop - start) / fs_hz,
            "trial_type": MISSING_SIGNAL,
            "sample": start,
        }
        for start, stop in gaps
    ]
    together = pd.DataFrame([*events.to_dict("records"), *rows], columns=list(events.columns))
    return together.sort_values("onset", kind="stable", ignore_index=True)


def _storable(signal: np.ndarray) -> np.ndarray:
    return np.zeros_like(signal) if np.isnan(signal).all() else bridge_gaps(signal)


def _prepare_participant(study: Path, participant: str, group: str | None) -> list[str]:
    """Make the study where there is none, list the participant, and say where a group was not taken."""
    if not (study / "dataset_description.json").exists():
        create_study(study, name=study.resolve().name, simulated=False)
    if group is None:
        return []
    label = participant_label(participant)
    if not is_listed(study, label):
        add_participant(study, participant, group=group)
        return []
    listed = next(row for row in read_table(study / "participants.tsv") if row["participant_id"] == label)
    if listed.get("group") == group:
        return []
    return [
        f"{label} is in participants.tsv already, with the group {listed.get('group', 'n/a')}, and keeps it: "
        f"correct that table if it should be {group}"
    ]


def _metadata(channel_map: ChannelMap, about_events: Mapping[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(channel_map.metadata)
    if channel_map.mains_hz is not None:
        metadata["PowerLineFrequency"] = channel_map.mains_hz
    if "clock" in about_events:
        metadata["ClockFits"] = about_events["clock"]
    if about_events.get("repairs"):
        metadata["Repairs"] = [repair["text"] for repair in about_events["repairs"]]
    return metadata


def _copy_companions(recording: Path, channels: Path | None, folder: Path) -> None:
    """Keep the files that belong to the recording, and its channel map, beside the copy of it."""
    companions = [recording.with_suffix(suffix) for suffix in COMPANIONS]
    if recording.suffix.lower() not in (".vhdr", ".set"):
        companions = []
    for path in [*companions, *([channels] if channels is not None else [])]:
        if path.is_file() and not (folder / path.name).exists():
            shutil.copy2(path, folder / path.name)
