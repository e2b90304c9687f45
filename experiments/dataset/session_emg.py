"""The ``emg`` folder of a session, made of its log and the amplifier's own files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.dataset.alignment_words import Repair
from experiments.dataset.amplifier_files import AmplifierPart, join_channels, read_part
from experiments.dataset.durable import write_whole
from experiments.dataset.emg_files import write_emg_folder
from experiments.dataset.gaps import Gap
from experiments.dataset.placement import MISSING_SIGNAL, Placement, place_events
from experiments.dataset.rows import EventRow, TrialRow

REPAIRS = "repairs.json"
"""File beside a session's log that says how its recording was aligned, and what was repaired."""


def write_session_emg(
    folder: Path,
    stem: str,
    files: Sequence[Path],
    events: Sequence[EventRow],
    trials: Sequence[TrialRow],
    session: Mapping[str, Any],
    about: Mapping[str, Any],
) -> Placement:
    """Write the emg folder of a session.

    Parameters
    ----------
    folder : Path
        The folder; it must not exist.
    stem : str
        Beginning of the files' names.
    files : sequence of Path
        The amplifier's files, one per part, in order.
    events, trials : sequence of EventRow, sequence of TrialRow
        The session's log.
    session : mapping
        The session's record.
    about : mapping
        Entries of ``emg.json`` about the task and how the session ended.

    Returns
    -------
    Placement
        Where the events are, and what was repaired.

    Raises
    ------
    ValueError
        If a file cannot be read, or it is not proven which code is which.
    """
    rig = session.get("rig") or {}
    parts = [read_part(path, rig) for path in files]
    if len({part.fs_hz for part in parts}) > 1:
        listed = ", ".join(f"{part.path.name}: {part.fs_hz:g} Hz" for part in parts)
        raise ValueError(f"the parts of the recording have different sampling rates ({listed})")
    names = ", ".join(path.name for path in files)
    try:
        placement = place_events(
            events,
            trials,
            [part.pulses for part in parts],
            n_samples=[part.n_samples for part in parts],
            fs_hz=parts[0].fs_hz,
            known=[int(code) for code in (session.get("trigger_codes") or {}).values()],
        )
        channels, gaps, shifts = join_channels(parts, placement.pauses_s)
    except ValueError as error:
        raise ValueError(f"{files[0].parent / names}: {error}") from None
    begins = [sum(part.n_samples for part in parts[:number]) for number in range(len(parts))]
    rows = _shifted(placement.rows, begins, shifts, parts[0].fs_hz)
    gaps = [*gaps, *(_shifted_jump(jump, begins, shifts) for jump in placement.jumps)]
    write_emg_folder(
        folder,
        stem,
        channels,
        fs_hz=parts[0].fs_hz,
        signal_kinds=dict.fromkeys(_muscles(parts[0]), "raw"),
        events=sorted([*rows, *missing_rows(gaps, parts[0].fs_hz)], key=lambda row: float(row["onset"])),
        metadata=_metadata(parts, placement, session, about),
        simulated=bool(session.get("simulated", False)),
        startdate=_date(session),
    )
    return placement


def write_repairs(folder: Path, placement: Placement, *, simulated: bool) -> None:
    """Write what was repaired beside the session's log; of a session that was closed before, anew."""
    content = {
        "said": placement.sentences(),
        "clocks": [fit.as_record() for fit in placement.fits],
        "repairs": [repair.as_record() for repair in placement.repairs],
        **({"simulated": True} if simulated else {}),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / REPAIRS, text, replace=True)


def missing_rows(gaps: Sequence[Gap], fs_hz: float) -> list[dict[str, Any]]:
    """Make a row of ``events.tsv`` for each stretch without signal, which the format cannot hold."""
    return [
        {
            "onset": gap.start / fs_hz,
            "duration": (gap.stop - gap.start) / fs_hz,
            "trial_type": MISSING_SIGNAL,
            "sample": gap.start,
        }
        for gap in gaps
    ]


def alignment_record(placement: Placement) -> dict[str, Any]:
    """Return what ``emg.json`` says of the alignment: clocks, and repairs in words."""
    repairs: list[Repair] = placement.repairs
    return {
        "ClockFits": [fit.as_record() for fit in placement.fits],
        **({"Repairs": [repair.text for repair in repairs]} if repairs else {}),
    }


def _shifted(
    rows: Sequence[dict[str, Any]], begins: Sequence[int], shifts: Sequence[int], fs_hz: float
) -> list[dict[str, Any]]:
    """Move events behind what was filled in before their part."""
    moved = []
    for row in rows:
        sample = row["sample"] + _shift(row["sample"], begins, shifts)
        moved.append({**row, "sample": sample, "onset": sample / fs_hz})
    return moved


def _shifted_jump(jump: tuple[int, int], begins: Sequence[int], shifts: Sequence[int]) -> Gap:
    shift = _shift(jump[0], begins, shifts)
    return Gap(jump[0] + shift, jump[1] + shift)


def _shift(sample: int, begins: Sequence[int], shifts: Sequence[int]) -> int:
    return next(shift for begin, shift in reversed([*zip(begins, shifts, strict=True)]) if sample >= begin)


def _muscles(part: AmplifierPart) -> list[str]:
    return [channel.name for channel in part.channels] or list(part.signals_uv)


def _metadata(
    parts: Sequence[AmplifierPart],
    placement: Placement,
    session: Mapping[str, Any],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    rig = session.get("rig") or {}
    simulated = {"Manufacturer": "none", "ManufacturersModelName": "simulated amplifier"}
    problems = [f"{part.path.name}: {part.problem}" for part in parts if part.problem]
    return {
        **about,
        "PowerLineFrequency": rig.get("mains_hz", "n/a"),
        **(simulated if session.get("simulated") else {}),
        **(rig.get("amplifier_metadata") or {}),
        "SourceFile": ", ".join(part.path.name for part in parts),
        **alignment_record(placement),
        **({"SourceFileProblem": "; ".join(problems)} if problems else {}),
    }


def _date(session: Mapping[str, Any]) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(session.get("date", ""))[:10])
    except ValueError:
        return None
