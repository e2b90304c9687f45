"""Triggers in a recording, wherever it carries them, and what they stand for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.recordings.channel_map import EventSource, list_channels, resolve
from analysis.recordings.opened import OpenedRecording
from analysis.recordings.triggers import find_edges
from experiments.dataset.amplifier_files import code_in

DIRECTION = re.compile(r"[A-Z]\w*To[A-Z]\w*")
"""A name such as HappyToAngry is the direction of a video."""
EVENT_COLUMNS = ["onset", "duration", "trial_type", "value", "sample", "trial", "direction"]


@dataclass(frozen=True, kw_only=True)
class Triggers:
    """Triggers that were found, in the order of time."""

    kind: str
    """"lines", "status" or "markers"."""
    samples: np.ndarray
    """(n_triggers,) sample numbers."""
    labels: tuple[str | int, ...]
    """Name of the line, code of the status channel, or code or text of the marker."""


def find_triggers(opened: OpenedRecording, source: EventSource) -> Triggers:
    """Find the triggers of a recording.

    Parameters
    ----------
    opened : OpenedRecording
        The recording.
    source : EventSource
        Where they are; without a kind, the status channel is taken, else the markers.

    Raises
    ------
    ValueError
        If the recording has no such channel, or there is no trigger at all.
    """
    kind = source.kind or ("status" if opened.has_status() or source.channel is not None else "markers")
    if kind == "lines":
        found = _on_lines(opened, source)
    elif kind == "status":
        found = _on_status(opened, source)
    else:
        found = _in_markers(opened, source)
    order = np.argsort([sample for sample, _ in found], kind="stable")
    return Triggers(
        kind=kind,
        samples=np.array([found[i][0] for i in order], dtype=int),
        labels=tuple(found[i][1] for i in order),
    )


def name_events(
    triggers: Triggers, source: EventSource, *, fs_hz: float
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Make events of triggers by what the channel map says they stand for.

    Parameters
    ----------
    triggers : Triggers
        What was found.
    source : EventSource
        Names of the lines or codes, how many there must be, and how long they last.
    fs_hz : float
        Sampling rate.

    Returns
    -------
    events : pandas.DataFrame
        `onset duration trial_type value sample trial direction`, one row per trial. A name such as
        HappyToAngry
        becomes the direction of a "video"; any other name becomes the trial type.
    ignored : dict
        Label -> number of triggers that stand for nothing.

    Raises
    ------
    ValueError
        If no name is given, one never occurs, or occurs another number of times than expected.
    """
    counts = Counter(triggers.labels)
    if triggers.kind != "lines" and not source.codes:
        raise ValueError(
            "the study has no log of this session (are the folder, the participant's id and --run right?), "
            "so the channel map must say what the triggers stand for: "
            f"[events.codes] with name = code. The recording has {_counted(counts)}"
        )
    names = {code: name for name, codes in source.codes.items() for code in codes}
    names |= {name: name for name in source.lines}
    kept = [
        (sample, label)
        for sample, label in zip(triggers.samples, triggers.labels, strict=True)
        if label in names
    ]
    events = pd.DataFrame(
        {
            "onset": [sample / fs_hz for sample, _ in kept],
            "duration": source.duration_s,
            "trial_type": [names[label] for _, label in kept],
            "value": [label if isinstance(label, int) else None for _, label in kept],
            "sample": [int(sample) for sample, _ in kept],
            "trial": range(1, len(kept) + 1),
        }
    )
    _check_counts(events["trial_type"], sorted(set(names.values())), source, counts)
    is_direction = events["trial_type"].map(lambda name: bool(DIRECTION.fullmatch(name)))
    events["direction"] = events["trial_type"].where(is_direction, None)
    events["trial_type"] = events["trial_type"].mask(is_direction, "video")
    return events[EVENT_COLUMNS], {str(label): n for label, n in counts.items() if label not in names}


def _on_lines(opened: OpenedRecording, source: EventSource) -> list[tuple[int, str | int]]:
    threshold = source.threshold if source.threshold is not None else 0.0
    found: list[tuple[int, str | int]] = []
    for name, line in source.lines.items():
        channel = resolve(line.source, opened.channel_names, what=f"the trigger line {name!r}")
        values = opened.samples(channel)
        edges = find_edges(
            values,
            threshold=threshold,
            edge=source.edge,
            minimum_gap_samples=round(source.debounce_s * opened.fs_hz),
        )
        if not edges.size:
            raise ValueError(
                f"no pulse on the trigger line {name!r} ({channel}): it runs from {values.min():g} to "
                f"{values.max():g} and never crosses the threshold of {threshold:g}. Was the cable plugged "
                "in?"
            )
        found += [(int(edge), name) for edge in edges]
    return found


def _on_status(opened: OpenedRecording, source: EventSource) -> list[tuple[int, str | int]]:
    channel = source.channel
    if channel is not None:
        channel = resolve(channel, opened.channel_names, what="the status channel")
    samples, codes = opened.status(channel, mask=source.mask)
    if not len(samples):
        raise ValueError(
            f"{opened.path.name}: the trigger channel has no trigger at all. Was the trigger cable plugged "
            "in?"
        )
    return [(int(sample), int(code)) for sample, code in zip(samples, codes, strict=True)]


def _in_markers(opened: OpenedRecording, source: EventSource) -> list[tuple[int, str | int]]:
    markers = opened.markers
    if source.channel is not None:
        markers = markers[markers["stream"] == source.channel]
    if markers.empty:
        where = "has no trigger channel and no markers"
        if source.channel is not None:
            where = f"has no markers in a stream called {source.channel!r}"
        raise ValueError(
            f"{opened.path.name} {where}. Name the trigger channel in a channel map ([events] channel = "
            f"..., or [events.lines]). The channels are: {list_channels(opened.channel_names)}"
        )
    named = {code for codes in source.codes.values() for code in codes}
    found: list[tuple[int, str | int]] = []
    for sample, text in zip(markers["sample"], markers["text"].astype(str), strict=True):
        code = code_in(text)
        found.append((int(sample), text if text in named or code is None else code))
    return found


def _check_counts(
    kinds: pd.Series, names: list[str], source: EventSource, counts: Counter[str | int]
) -> None:
    there = kinds.value_counts()
    unknown = sorted(set(source.expected) - set(names))
    if unknown:
        raise ValueError(f"[events.expected] counts {', '.join(unknown)}, but no such event is in the map")
    for name in names:
        n_found, n_expected = int(there.get(name, 0)), source.expected.get(name)
        if n_found == 0 or (n_expected is not None and n_found != n_expected):
            wanted = "at least one" if n_expected is None else str(n_expected)
            raise ValueError(
                f"expected {wanted} of the event {name!r} and found {n_found}; the recording has "
                f"{_counted(counts)}. Is it the right file, and was it recording from the beginning to the "
                "end?"
            )


def _counted(counts: Counter[str | int]) -> str:
    in_order = sorted(counts.items(), key=lambda item: str(item[0]))
    listed = ", ".join(f"{n} x {label!r}" for label, n in in_order)
    return f"these triggers: {listed or 'none'}"
