"""Places a session's events in a recording: by their trigger codes, or by the clocks where codes are lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from experiments.dataset.aligned_codes import Alignment, LoggedCodes, RecordedCodes
from experiments.dataset.alignment import MAX_DRIFT_PPM, NotProvenError, align, apparent_slope
from experiments.dataset.alignment_words import Repair, both_lists, describe_fit, describe_repairs
from experiments.dataset.clock_search import Floats, Ints
from experiments.dataset.clock_trace import LONG_S, MANY
from experiments.dataset.codes import PartFit, Pulses, fit_clock
from experiments.dataset.rows import EventRow, TrialRow

LOGGED_EVENTS = frozenset(
    prefix + event for prefix in ("", "practice_") for event in ("fixation", "video", "response", "feedback")
)
"""Events of a session that go into ``events.tsv`` of the dataset."""

MISSING_SIGNAL = "BAD_missing"
"""Trial type of a row that marks a stretch without signal; readers of the dataset leave its samples out."""

LONGEST_SENDING_S = 1.0
"""A code that seems to have been sent later than this after its event was not: the two clocks disagree."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a session's events are in a recording."""

    rows: list[dict[str, Any]]
    """Rows of the dataset's ``events.tsv``, in order of time."""
    fits: list[PartFit]
    """How the session's clock and the recording's agree."""
    repairs: list[Repair]
    """What was not as it should be, and what was done about it."""
    jumps: list[tuple[int, int]]
    """Stretches of samples, from and to, somewhere in which the recording has lost time."""
    pauses_s: list[float | None]
    """How long nothing was recorded between each part and the next; None where nobody can tell."""

    def sentences(self) -> list[str]:
        """Say to the experimenter how well the clocks agree, and what was repaired."""
        return [
            *(describe_fit(fit, of_several=len(self.fits) > 1) for fit in self.fits),
            *(f"Repaired: {repair.text}." for repair in self.repairs),
        ]


def place_events(
    events: Sequence[EventRow],
    trials: Sequence[TrialRow],
    parts: Sequence[Pulses],
    *,
    n_samples: Sequence[int],
    fs_hz: float,
    known: Collection[int] = (),
) -> Placement:
    """Give the logged events their places in a recording and what the participant did in their trials.

    Parameters
    ----------
    events : sequence of EventRow
        The session's log.
    trials : sequence of TrialRow
        Its trials.
    parts : sequence of Pulses
        The trigger codes in each part of the recording, counted from its own first sample.
    n_samples : sequence of int
        Length of each part.
    fs_hz : float
        Sampling rate of the recording.
    known : collection of int
        Codes that the session can send, beside those in the log.

    Returns
    -------
    Placement
        Rows, clocks and repairs. Samples are counted as if the parts followed each other at once.

    Raises
    ------
    ValueError
        If it is not proven which code is which, with both lists; or if the recording's sampling rate cannot
        be what it says.
    """
    coded = [index for index, event in enumerate(events) if event.value is not None]
    sent_s = sent_times(events)
    starts = session_starts(events)
    logged = LoggedCodes(
        codes=np.array([events[index].value for index in coded], dtype=np.int64),
        times_s=sent_s[coded],
        starts=starts[coded],
    )
    recorded, samples = _joined(parts, n_samples, fs_hz)
    aligned = _aligned(logged, recorded, known, fs_hz)
    fits = _fits(aligned, logged, recorded, [events[index] for index in coded])
    placed = _all_samples(aligned, coded, starts, sent_s, fits, samples, fs_hz, len(events))
    rows = []
    for index in of_finished_trials(events, trials):
        sample, timing = placed[index]
        if sample is not None and 0 <= sample < sum(n_samples):
            rows.append({**event_row(events[index], trials, sample / fs_hz, sample), "timing": timing})
    return Placement(
        rows=sorted(rows, key=lambda row: row["onset"]),
        fits=fits,
        repairs=describe_repairs(aligned, logged, recorded, [events[index] for index in coded], fs_hz),
        jumps=_jumps(aligned, samples),
        pauses_s=_pauses(aligned, recorded),
    )


def sent_times(events: Sequence[EventRow]) -> Floats:
    """Tell when the code of each event was sent, on the session's clock.

    A key press is logged with the moment at which the key went down; its code is sent when the program sees
    it. The column ``monotonic`` has the moment of sending on another clock, whose offset is known from
    the other events.

    Returns
    -------
    numpy.ndarray
        Seconds, shape (n_events,); the onset where nothing better is known.
    """
    onsets = np.array([event.onset for event in events], dtype=float)
    lags = np.array([event.monotonic for event in events], dtype=float) - onsets
    shown = np.array(
        [event.value is not None and not event.trial_type.endswith("response") for event in events],
        dtype=bool,
    )
    starts, sent_s = session_starts(events), onsets.copy()
    for start in np.unique(starts):
        own = starts == start
        if np.any(own & shown & np.isfinite(lags)):
            late = lags - np.median(lags[own & shown & np.isfinite(lags)])
            believed = own & (late > 0) & (late <= LONGEST_SENDING_S)
            sent_s[believed] += late[believed]
    return sent_s


def session_starts(events: Sequence[EventRow]) -> Ints:
    """Number the starts of a session: where it was started again, its clock may have begun anew."""
    numbers, number = [], 0
    for index, event in enumerate(events):
        number += bool(index) and event.trial_type == "session_start"
        numbers.append(number)
    return np.array(numbers, dtype=np.int64)


def of_finished_trials(events: Sequence[EventRow], trials: Sequence[TrialRow]) -> list[int]:
    """Number the events that go into the dataset: those of finished trials, each as it was shown last.

    A trial in which the session was stopped or crashed has no row in `trials`: its video may have been cut
    off, and a resumed session shows it once more. Without any row, nothing is known, and all are taken.
    """
    done = {(trial.practice, trial.trial) for trial in trials}
    began: dict[tuple[bool, int | None], int] = {}
    for index, event in enumerate(events):
        if event.trial_type.endswith("fixation"):
            began[_shown_in(event)] = index
    return [
        index
        for index, event in enumerate(events)
        if event.trial_type in LOGGED_EVENTS
        and (_shown_in(event) in done or not done)
        and index >= began.get(_shown_in(event), 0)
    ]


def event_row(
    event: EventRow, trials: Sequence[TrialRow], onset_s: float, sample: int | None
) -> dict[str, Any]:
    """Make a row of the dataset's events; a video's row has what the participant did in its trial."""
    row = {**vars(event), "onset": onset_s, "sample": sample, "response_count": None}
    if event.trial_type in ("video", "practice_video"):
        practice = event.trial_type == "practice_video"
        for trial in trials:
            if trial.trial == event.trial and trial.practice == practice:
                names = ("response_key", "response_time", "response_count", "outcome")
                row |= {name: getattr(trial, name) for name in names}
    return row


def _shown_in(event: EventRow) -> tuple[bool, int | None]:
    """Say which trial an event belongs to: whether it is practice, and its number."""
    return event.trial_type.startswith("practice_"), event.trial


def _joined(parts: Sequence[Pulses], n_samples: Sequence[int], fs_hz: float) -> tuple[RecordedCodes, Ints]:
    """Put the codes of all parts on one axis."""
    begins = np.concatenate([[0], np.cumsum(n_samples)]).astype(np.int64)
    samples = np.concatenate([part.samples + begin for part, begin in zip(parts, begins, strict=False)])
    codes = np.concatenate([part.codes for part in parts]).astype(np.int64)
    return RecordedCodes(codes=codes, times_s=samples / fs_hz, bounds_s=begins / fs_hz), samples


def _aligned(logged: LoggedCodes, recorded: RecordedCodes, known: Collection[int], fs_hz: float) -> Alignment:
    """Align, or say why not and what could be done."""
    try:
        return align(logged, recorded, known=known)
    except NotProvenError as error:
        slope = apparent_slope(logged, recorded)
        if slope is not None and abs(slope - 1) > MAX_DRIFT_PPM * 1e-6:
            raise ValueError(
                f"the file says {fs_hz:g} Hz, but by the triggers' times it was sampled at about "
                f"{fs_hz * slope:.1f} Hz: correct the sampling rate in the amplifier's program and convert "
                "the recording again"
            ) from None
        raise ValueError(both_lists(logged, recorded, fs_hz, str(error))) from None


def _fits(
    aligned: Alignment, logged: LoggedCodes, recorded: RecordedCodes, events: Sequence[EventRow]
) -> list[PartFit]:
    """Fit the clocks of all stretches, on the session's own clock."""
    pressed = np.array([event.trial_type.endswith("response") for event in events], dtype=bool)
    fits = []
    for number, stretch in enumerate(aligned.stretches):
        found = np.flatnonzero((aligned.stretch == number) & (np.array(aligned.how) == "found"))
        shown = found[~pressed[found]]
        used = shown if shown.size >= 3 else found  # a press may be logged less exactly than a picture
        long = np.ptp(logged.times_s[used]) >= LONG_S and used.size >= MANY
        slope = None if long else stretch.slope
        fit = fit_clock(logged.times_s[used], recorded.times_s[aligned.pulses[used]], slope=slope)
        first_s, last_s = logged.times_s[found[[0, -1]]].round(6).tolist()
        fits.append(PartFit(part=stretch.part + 1, first_s=first_s, last_s=last_s, fit=fit))
    return fits


def _all_samples(
    aligned: Alignment,
    coded: Sequence[int],
    starts: Ints,
    sent_s: Floats,
    fits: Sequence[PartFit],
    samples: Ints,
    fs_hz: float,
    n_events: int,
) -> list[tuple[int | None, str | None]]:
    """Give every event its sample and how it was found; one without a code goes by its neighbours' clock."""
    placed: list[tuple[int | None, str | None]] = [(None, None)] * n_events
    stretches = np.full(n_events, -1, dtype=np.int64)
    for place, index in enumerate(coded):
        stretches[index] = aligned.stretch[place] if not np.isnan(aligned.placed_s[place]) else -1
        if aligned.how[place] == "found":
            placed[index] = int(samples[aligned.pulses[place]]), "trigger"
        elif stretches[index] >= 0:
            fit = fits[stretches[index]].fit
            placed[index] = round(fit.to_recording_s(float(sent_s[index])) * fs_hz), "clock"
    is_coded = np.zeros(n_events, dtype=bool)
    is_coded[list(coded)] = True
    for index in np.flatnonzero(~is_coded).tolist():
        number = _neighbours_stretch(index, np.array(coded), stretches, starts)
        if number >= 0:
            placed[index] = round(fits[number].fit.to_recording_s(float(sent_s[index])) * fs_hz), "clock"
    return placed


def _neighbours_stretch(index: int, coded: Ints, stretches: Ints, starts: Ints) -> int:
    """Return the stretch of the coded events before and after an event; -1 where both have none."""
    place = int(np.searchsorted(coded, index))
    around = [coded[other] for other in (place - 1, place) if 0 <= other < coded.size]
    numbers = [int(stretches[other]) for other in around if starts[other] == starts[index]]
    if len(numbers) == 2 and -1 in numbers and numbers != [-1, -1]:
        return max(numbers)
    return numbers[0] if numbers else -1


def _jumps(aligned: Alignment, samples: Ints) -> list[tuple[int, int]]:
    """Find where time is missing within a part: between the last code before and the first one after."""
    jumps = []
    for before, after in zip(aligned.stretches, aligned.stretches[1:], strict=False):
        if before.part == after.part and before.start == after.start:
            jumps.append(
                (int(samples[aligned.pulses[before.last]]), int(samples[aligned.pulses[after.first]]))
            )
    return jumps


def _pauses(aligned: Alignment, recorded: RecordedCodes) -> list[float | None]:
    """Tell how long nothing was recorded between two parts, where one clock of the session spans both."""
    pauses: list[float | None] = []
    for part in range(recorded.bounds_s.size - 2):
        before = [stretch for stretch in aligned.stretches if stretch.part == part]
        after = [stretch for stretch in aligned.stretches if stretch.part == part + 1]
        if not before or not after:
            pauses.append(None)
            continue
        bound_s = float(recorded.bounds_s[part + 1])
        ended_s = (bound_s - before[-1].offset_s) / before[-1].slope
        begun_s = (bound_s - after[0].offset_s) / after[0].slope
        pauses.append(begun_s - ended_s if before[-1].start == after[0].start else None)
    return pauses
