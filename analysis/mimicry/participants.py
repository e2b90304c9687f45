"""Pre-processes every participant's EMG, two at a time in large studies, and keeps the small tables."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import pandas as pd
from tqdm import tqdm

from analysis.datasets import Study, read_recording
from analysis.emg.preprocessing import EXCLUSION_COLUMNS, WINDOW_COLUMNS, process
from analysis.mimicry.parameters import MimicryParameters
from analysis.mimicry.quality import ParticipantQuality, look_at
from analysis.workers import available_cores, end_with_parent

WORKERS = 2
"""Participants that are processed at the same time; more need more memory than a laptop can spare."""
FEW = 40
"""Fewer recordings than this are done here sooner than two more processes help (0.4 s each, 5 s to start)."""


@dataclass(frozen=True, kw_only=True)
class ParticipantEMG:
    """One participant's EMG, reduced."""

    participant: str
    windows: pd.DataFrame
    exclusions: pd.DataFrame
    quality: ParticipantQuality | None
    messages: tuple[str, ...]
    """What the participant's recording made doubtful."""
    failure: str
    """Why the recording could not be used; empty where it could."""


@dataclass(frozen=True, kw_only=True)
class StudyEMG:
    """All participants' EMG, one table below the other."""

    windows: pd.DataFrame
    exclusions: pd.DataFrame
    curves: pd.DataFrame
    worst: pd.DataFrame
    worst_curves: pd.DataFrame
    noise: pd.DataFrame
    messages: tuple[str, ...]
    failures: dict[str, str]
    """Participant -> why the recording could not be used."""

    @property
    def measured(self) -> bool:
        """Whether any recording could be used."""
        return len(self.windows) + len(self.exclusions) > 0

    @property
    def usable(self) -> list[str]:
        """Ids of the participants with at least one kept trial."""
        return sorted(self.windows["participant"].unique())


def process_participants(study: Study, parameters: MimicryParameters) -> StudyEMG:
    """Pre-process the EMG of every participant who has some.

    Parameters
    ----------
    study : Study
        What `analysis.datasets.read_study` returned.
    parameters : MimicryParameters
        Filters, epochs, windows and rules.

    Returns
    -------
    StudyEMG
        Participants whose recording cannot be used are in its `failures`; the others are complete.

    Raises
    ------
    ValueError
        If there are recordings and none of them can be used.
    """
    jobs = _in_processes(study, parameters) if len(study.recordings) >= FEW else _here(study, parameters)
    total = len(study.recordings)
    bar = tqdm(jobs, total=total, desc="EMG", unit="participant", disable=not total)
    done = sorted(bar, key=lambda part: part.participant)
    failures = {part.participant: part.failure for part in done if part.failure}
    if done and len(failures) == len(done):
        participant, reason = next(iter(failures.items()))
        raise ValueError(
            f"none of the {len(done)} EMG recordings can be used; participant {participant}: {reason}"
        )
    qualities = [part.quality for part in done if part.quality is not None]
    return StudyEMG(
        windows=_below_each_other([part.windows for part in done], WINDOW_COLUMNS),
        exclusions=_below_each_other([part.exclusions for part in done], EXCLUSION_COLUMNS),
        curves=_below_each_other([quality.curves for quality in qualities]),
        worst=_below_each_other([quality.worst for quality in qualities]),
        worst_curves=_below_each_other([quality.worst_curves for quality in qualities]),
        noise=_below_each_other([quality.noise for quality in qualities]),
        messages=_messages_once(done),
        failures=failures,
    )


def process_participant(study: Study, participant: str, parameters: MimicryParameters) -> ParticipantEMG:
    """Read and pre-process one participant; an unusable recording is returned as such, not raised."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            recording = read_recording(study, participant)
            processed = process(recording, parameters)
            quality = look_at(recording, processed, parameters)
        except (ValueError, OSError) as error:
            return _failed(participant, str(error))
    messages = [str(each.message) for each in caught if each.category is UserWarning]
    return ParticipantEMG(
        participant=participant,
        windows=processed.windows,
        exclusions=processed.exclusions,
        quality=quality,
        messages=tuple(dict.fromkeys(messages)),
        failure="",
    )


def _failed(participant: str, reason: str) -> ParticipantEMG:
    return ParticipantEMG(
        participant=participant,
        windows=pd.DataFrame(columns=WINDOW_COLUMNS),
        exclusions=pd.DataFrame(columns=EXCLUSION_COLUMNS),
        quality=None,
        messages=(),
        failure=reason,
    )


def _here(study: Study, parameters: MimicryParameters) -> Iterator[ParticipantEMG]:
    for participant in study.recordings:
        yield process_participant(study, participant, parameters)


def _in_processes(study: Study, parameters: MimicryParameters) -> Iterator[ParticipantEMG]:
    workers = min(WORKERS, available_cores())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=end_with_parent) as pool:
        jobs = [pool.submit(process_participant, study, each, parameters) for each in study.recordings]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            for job in jobs:
                job.cancel()


def _messages_once(done: list[ParticipantEMG]) -> tuple[str, ...]:
    """List the messages, one that is the same for several participants once, with all their ids."""
    who_by_text: dict[str, list[str]] = {}
    for part in done:
        for message in part.messages:
            text = message.removeprefix(f"participant {part.participant}")
            who_by_text.setdefault(text, []).append(part.participant if text != message else "")
    return tuple(_who(ids) + text for text, ids in who_by_text.items())


def _who(ids: list[str]) -> str:
    """Name participants; ids that the message does not begin with are empty and give nothing."""
    if not ids[0]:
        return ""
    return f"participant {ids[0]}" if len(ids) == 1 else f"{len(ids)} participants ({', '.join(ids)})"


def _below_each_other(tables: list[pd.DataFrame], columns: list[str] | None = None) -> pd.DataFrame:
    """Concatenate what is not empty."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)
