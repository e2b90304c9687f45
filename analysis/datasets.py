"""Reads a study's BIDS folder into small records: the only door between a session and its analysis."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import mne
import numpy as np
import pandas as pd

from analysis.recordings.edf_header import check_file_length
from analysis.runs import ChosenRun, choose_runs, run_number
from experiments.dataset.bdf import read_signals

SignalKind = Literal["raw", "rectified"]
RECORDING_SUFFIXES = (".bdf", ".edf")
TEXT_COLUMNS = (
    *("participant_id", "group", "trial_type", "face", "direction", "video", "status", "signal"),
    *("time", "guess", "pill_time", "task_start"),
)
MAX_RATE_ERROR = 1e-3
"""Sampling rates that differ by less than this part are the same, written with fewer digits."""
MAX_ONSET_ERROR_S = 0.01
"""An event's sample and onset that differ by less than this are the same moment, rounded."""
MISSING_SIGNAL = "BAD_missing"
"""Trial type of the event rows that mark a stretch without signal (its samples are read as NaN)."""


@dataclass(frozen=True, kw_only=True)
class EMGRecording:
    """The EMG of one participant with its events."""

    participant: str
    """Participant's id, without "sub-"."""
    group: str | None
    """Blind code of the participant's group, None where there is none."""
    signals_uv: np.ndarray
    """Microvolts, (n_channels, n_samples); NaN where nothing was recorded."""
    channel_names: tuple[str, ...]
    """Names of the channels, which are the muscles: for instance "corrugator", "zygomaticus"."""
    fs_hz: float
    """Sampling rate."""
    events: pd.DataFrame
    """One row per event: at least `onset` (seconds from the first sample), `trial_type` and `trial`."""
    signal_kind: Mapping[str, SignalKind]
    """Channel name -> "raw", or "rectified" where the recorder has already rectified and averaged."""
    mains_hz: float | None = None
    """Frequency of the mains where it was recorded, None if not known."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study on disk; tables are read, signals are not yet."""

    path: Path
    """The study's folder."""
    name: str
    """Name in dataset_description.json."""
    simulated: bool
    """Whether the study's data were made by the simulated participant and amplifier."""
    participants: pd.DataFrame = field(repr=False)
    """participants.tsv: `participant` (without "sub-") and the file's columns."""
    recordings: tuple[str, ...]
    """Ids of the participants who have EMG: any file of it, so that a lost recording is noticed."""
    phenotype: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    """Name of a table in ``phenotype`` (panas, session, ...) -> its rows, with `participant` in front."""
    chosen_runs: Mapping[str, ChosenRun] = field(default_factory=dict, repr=False)
    """Participant -> which session is analysed, of those who had several (`analysis.runs.RULE`)."""

    def run(self, participant: str) -> int:
        """Return the number of the session that is analysed, 1 where there was only one."""
        return self.chosen_runs[participant].number if participant in self.chosen_runs else 1


def read_study(path: Path) -> Study:
    """Read a study's description and its participants.

    Parameters
    ----------
    path : Path
        Folder of the study, the one that holds dataset_description.json.

    Raises
    ------
    FileNotFoundError
        If the folder, or one of the two files that make it a study, is not there.
    ValueError
        If one of these files cannot be understood.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder {path}; give the folder of a study")
    description = _read_json(_need(path / "dataset_description.json", path))
    participants = read_tsv(_need(path / "participants.tsv", path))
    if "participant_id" not in participants:
        raise ValueError(f"{path / 'participants.tsv'} has no column participant_id; add it (sub-001, ...)")
    participants.insert(0, "participant", participants["participant_id"].astype(str).str.removeprefix("sub-"))
    if "group" not in participants:
        participants["group"] = None
    listed = set(participants["participant"])
    unlisted = [f"sub-{label}" for label in _with_data(path) if label not in listed]
    if unlisted:
        raise ValueError(
            f"{path / 'participants.tsv'} does not list {', '.join(unlisted)}, who has data in the study: "
            "add a row, or move the folder out of the study"
        )
    chosen_runs = choose_runs(path, participants["participant"])
    return Study(
        path=path,
        name=str(description.get("Name", path.name)),
        simulated=bool(description.get("simulated", False)),
        participants=participants.drop(columns="participant_id"),
        recordings=tuple(
            participant
            for participant in participants["participant"]
            if _has_emg(path, participant, chosen_runs.get(participant))
        ),
        phenotype={file.stem: _phenotype(file, listed) for file in sorted(path.glob("phenotype/*.tsv"))},
        chosen_runs=chosen_runs,
    )


def read_recording(study: Study, participant: str) -> EMGRecording:
    """Read the EMG of one participant.

    Samples are NaN in the stretches that events.tsv marks as missing, and in all of a channel whose status in
    channels.tsv is "bad".

    Parameters
    ----------
    study : Study
        What `read_study` returned.
    participant : str
        Id without "sub-".

    Raises
    ------
    FileNotFoundError
        If the participant has no EMG, or a file that belongs to it is missing.
    ValueError
        If the recording is empty or shorter than its header says, or its files contradict each other.
    """
    path = _emg_file(study, participant)
    stem = path.name.removesuffix(f"_emg{path.suffix}")
    channels = _emg_channels(_need(path.with_name(f"{stem}_channels.tsv"), study.path))
    events = read_tsv(_need(path.with_name(f"{stem}_events.tsv"), study.path))
    sidecar = _read_json(_need(path.with_suffix(".json"), study.path))
    signals_uv, fs_hz = _read_signals(path, list(channels["name"]))
    _check_rates(path, fs_hz, sidecar=sidecar, channels=channels)
    _check_samples(path, fs_hz, events)
    signals_uv[(channels["status"] == "bad").to_numpy()] = np.nan
    gaps = events.loc[events["trial_type"] == MISSING_SIGNAL, ["onset", "duration"]].to_numpy(dtype=float)
    for onset_s, duration_s in gaps:
        signals_uv[:, round(onset_s * fs_hz) : round((onset_s + duration_s) * fs_hz)] = np.nan
    return EMGRecording(
        participant=participant,
        group=_group_of(study, participant),
        signals_uv=signals_uv,
        channel_names=tuple(channels["name"]),
        fs_hz=fs_hz,
        events=events,
        signal_kind=dict(zip(channels["name"], channels["signal"], strict=True)),
        mains_hz=_number_or_none(sidecar.get("PowerLineFrequency")),
    )


def read_behaviour(study: Study) -> pd.DataFrame:
    """Read the trials of all participants, one row per trial, with `participant` and `group` in front.

    Returns
    -------
    pandas.DataFrame
        Empty, with the columns `participant` and `group`, where nobody has behavioural data.

    Raises
    ------
    ValueError
        If a table cannot be read or lacks a column.
    """
    tables = []
    for participant in study.participants["participant"]:
        for path in sorted((study.path / f"sub-{participant}").glob("beh/*_beh.tsv")):
            if run_number(path) != study.run(participant):
                continue
            table = read_tsv(path)
            lacking = [name for name in ("response_time", "outcome") if name not in table]
            if lacking:
                raise ValueError(
                    f"{path} lacks the column {' and '.join(lacking)}; it has {', '.join(table.columns)}. "
                    "Take the table that the session has written"
                )
            table.insert(0, "participant", participant)
            table.insert(1, "group", _group_of(study, participant))
            tables.append(table)
    if not tables:
        return pd.DataFrame({"participant": pd.Series(dtype=str), "group": pd.Series(dtype=object)})
    return pd.concat(tables, ignore_index=True)


def read_tsv(path: Path) -> pd.DataFrame:
    """Read a BIDS table: tab-separated UTF-8, "n/a" for what is missing; ids and codes stay text."""
    try:
        return pd.read_csv(
            path,
            sep="\t",
            encoding="utf-8-sig",
            na_values=["n/a"],
            keep_default_na=False,
            dtype=dict.fromkeys(TEXT_COLUMNS, object),
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a tab-separated table: {error}") from error


def _need(path: Path, study: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(
            f"{study} is not a complete study: {path.relative_to(study).as_posix()} is missing. "
            "Give the folder that a session or an import has written."
        )
    return path


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, not a {type(content).__name__}")
    return content


def _phenotype(path: Path, listed: Collection[str]) -> pd.DataFrame:
    """Read a table of measurements, whose participants must be those of the study."""
    table = read_tsv(path)
    if "participant_id" not in table:
        raise ValueError(f"{path} has no column participant_id; add it (sub-001, ...)")
    table.insert(0, "participant", table.pop("participant_id").astype(str).str.removeprefix("sub-"))
    unlisted = sorted(set(table["participant"]) - set(listed))
    if unlisted:
        raise ValueError(
            f"{path} has rows of {', '.join(unlisted)}, whom participants.tsv does not list: "
            "correct one of them"
        )
    return table


def _with_data(study: Path) -> list[str]:
    """Return the ids of those whose folder has EMG or behaviour, listed or not."""
    folders = {file.parent.parent for kind in ("emg", "beh") for file in study.glob(f"sub-*/{kind}/*")}
    return sorted(folder.name.removeprefix("sub-") for folder in folders)


def _has_emg(study: Path, participant: str, chosen: ChosenRun | None) -> bool:
    """Say whether there is any file of the EMG of the session that is analysed."""
    if chosen is None:
        return any(_emg_folder(study, participant).glob("*_*"))
    files = _emg_folder(study, participant).glob("*_task-*")
    return any(run_number(file) == chosen.number for file in files)


def _emg_folder(study: Path, participant: str) -> Path:
    return study / f"sub-{participant}" / "emg"


def _emg_file(study: Study, participant: str) -> Path:
    """Find the recording of the session that is analysed."""
    folder = _emg_folder(study.path, participant)
    files = [
        path
        for path in sorted(folder.glob("*_emg.*"))
        if path.suffix.lower() in RECORDING_SUFFIXES and run_number(path) == study.run(participant)
    ]
    if not files:
        raise FileNotFoundError(
            f"participant {participant} has no EMG: expected a {' or '.join(RECORDING_SUFFIXES)} file in "
            f"{folder}" + (f" of run {study.run(participant)}" if participant in study.chosen_runs else "")
        )
    if len(files) > 1:
        names = ", ".join(p.name for p in files)
        raise ValueError(f"participant {participant} has {len(files)} EMG recordings ({names}); keep one")
    return files[0]


def _emg_channels(path: Path) -> pd.DataFrame:
    channels = read_tsv(path)
    if not {"name", "type"} <= set(channels):
        raise ValueError(f"{path} needs the columns name and type; it has {list(channels)}")
    channels = channels[channels["type"] == "EMG"].reset_index(drop=True)
    if channels.empty:
        raise ValueError(f"{path} lists no channel of type EMG")
    for column, default in (("status", "good"), ("signal", "raw")):
        channels[column] = channels[column].fillna(default) if column in channels else default
    unknown = set(channels["signal"]) - {"raw", "rectified"}
    if unknown:
        raise ValueError(f"{path}: signal must be raw or rectified, found {', '.join(sorted(unknown))}")
    return channels


def _read_signals(path: Path, names: list[str]) -> tuple[np.ndarray, float]:
    """Read the named channels in microvolts, (n_channels, n_samples), and the sampling rate."""
    check_file_length(path)
    if path.suffix.lower() == ".bdf":
        signals, fs_hz = read_signals(path)
    else:
        raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
        signals = dict(zip(raw.ch_names, raw.get_data() * 1e6, strict=True))
        fs_hz = float(raw.info["sfreq"])
    absent = [name for name in names if name not in signals]
    if absent:
        raise ValueError(f"{path} has no channel {', '.join(absent)}, but its channels.tsv lists it")
    return np.vstack([signals[name] for name in names]), fs_hz


def _check_rates(path: Path, fs_hz: float, *, sidecar: Mapping[str, Any], channels: pd.DataFrame) -> None:
    """Refuse a recording whose other files give it another sampling rate."""
    said = {f"{path.stem}.json": [_number_or_none(sidecar.get("SamplingFrequency"))]}
    if "sampling_frequency" in channels:
        said["its channels.tsv"] = pd.to_numeric(channels["sampling_frequency"], errors="coerce").tolist()
    for name, rates_hz in said.items():
        for rate_hz in rates_hz:
            if rate_hz is not None and abs(rate_hz - fs_hz) > MAX_RATE_ERROR * fs_hz:
                raise ValueError(
                    f"{name} says {rate_hz:g} Hz, but {path} has {fs_hz:g} Hz: correct the one that is wrong"
                )


def _check_samples(path: Path, fs_hz: float, events: pd.DataFrame) -> None:
    """Refuse events whose sample number is not where their onset is."""
    if not {"sample", "onset"} <= set(events):
        return
    sample, onset_s = (pd.to_numeric(events[name], errors="coerce") for name in ("sample", "onset"))
    wrong = (sample / fs_hz - onset_s).abs() > MAX_ONSET_ERROR_S
    if wrong.any():
        first = events[wrong].iloc[0]
        raise ValueError(
            f"the events of {path} contradict themselves: {wrong.sum()} event(s) have a sample that is not "
            f"at their onset; the first has sample {first['sample']:.0f} and onset {first['onset']:g} s at "
            f"{fs_hz:g} Hz"
        )


def _group_of(study: Study, participant: str) -> str | None:
    group = study.participants.loc[study.participants["participant"] == participant, "group"]
    if group.empty:
        raise ValueError(f"participant {participant} is not in {study.path / 'participants.tsv'}")
    return None if pd.isna(group.iloc[0]) else str(group.iloc[0])


def _number_or_none(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
