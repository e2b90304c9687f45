"""Says in words what an alignment had to repair, and shows two lists of codes side by side."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.dataset.aligned_codes import Alignment, LoggedCodes, RecordedCodes
from experiments.dataset.alignment import TOLERANCE_S
from experiments.dataset.clock_search import Ints, longest_common
from experiments.dataset.codes import ClockFit, PartFit
from experiments.dataset.rows import EventRow

LONGEST_LIST = 30
"""Lines of the two lists that are shown at most."""

USUAL_DRIFT_PPM = 200.0
"""Two quartz clocks drift apart by less than this."""

USUAL_RESIDUAL_MS = 3.0
"""A trigger line's jitter is below this."""

SHOWN_PLACES = 8
"""Places that a sentence names at most."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repair:
    """One kind of thing that was not as it should be, and what was done about it."""

    kind: str
    """A word for programs, such as ``lost_code``."""
    text: str
    """A sentence for people."""
    places: list[dict[str, Any]]
    """Where: of each code what is known of ``code``, ``event``, ``trial``, ``session_s``, ``recording_s``."""

    def as_record(self) -> dict[str, Any]:
        """Return it as it goes into ``repairs.json``."""
        return {"kind": self.kind, "text": self.text, "places": self.places}


def describe_repairs(
    aligned: Alignment,
    logged: LoggedCodes,
    recorded: RecordedCodes,
    events: Sequence[EventRow],
    fs_hz: float,
) -> list[Repair]:
    """Say what was repaired, the gravest first.

    Parameters
    ----------
    aligned : Alignment
        What is known of every code.
    logged, recorded : LoggedCodes, RecordedCodes
        The two lists.
    events : sequence of EventRow
        The logged events that have a code.
    fs_hz : float
        Sampling rate.

    Returns
    -------
    list of Repair
        Empty for a recording without fault.
    """
    told = [
        _about_the_cable(aligned, logged, recorded),
        *_about_parts(aligned, recorded),
        *_about_logged(aligned, logged, recorded, events),
        *_about_extras(aligned, recorded),
    ]
    return [repair for repair in told if repair is not None]


def describe_fit(fit: PartFit, *, of_several: bool) -> str:
    """Say how well two clocks agree.

    Parameters
    ----------
    fit : PartFit
        The line between them.
    of_several : bool
        Whether the recording has several; then it is said which this is.
    """
    line = fit.fit
    where = (
        f" in part {fit.part}, {fit.first_s:.1f} to {fit.last_s:.1f} s of the session" if of_several else ""
    )
    return (
        f"Clocks{where}: {line.n_events} trigger codes fit with a residual of {line.residual_rms_ms:.2f} ms "
        f"(largest {line.residual_max_ms:.2f} ms); the recording's clock runs {abs(line.drift_ppm):.1f} ppm "
        f"{'fast' if line.drift_ppm >= 0 else 'slow'}{_doubt(line)}."
    )


def _doubt(line: ClockFit) -> str:
    """Say what is odd about a fit."""
    doubts = []
    if abs(line.drift_ppm) > USUAL_DRIFT_PPM and line.n_events >= 10:
        doubts.append(
            f"more than the {USUAL_DRIFT_PPM:g} ppm of usual clocks: is the sampling rate in the file exact?"
        )
    if line.residual_rms_ms > USUAL_RESIDUAL_MS:
        doubts.append(
            f"a residual above {USUAL_RESIDUAL_MS:g} ms is more than a trigger line has: look at the device"
        )
    return f" ({'; '.join(doubts)})" if doubts else ""


def both_lists(logged: LoggedCodes, recorded: RecordedCodes, fs_hz: float, why: str) -> str:
    """Show what was logged and what was recorded side by side, around the places where they differ."""
    left, right = longest_common(logged.codes, recorded.codes)
    shift_s = float(np.median(recorded.times_s[right] - logged.times_s[left])) if left.size else 0.0
    lines: list[tuple[bool, str]] = []
    for in_log, found in _side_by_side(left, right, logged.codes.size, recorded.codes.size):
        log = seen = "-"
        if in_log is not None:
            log = f"{logged.codes[in_log]:>4} at {logged.times_s[in_log]:10.3f} s"
        if found is not None:
            at_s = recorded.times_s[found]
            seen = f"{recorded.codes[found]:>4} at {at_s:10.3f} s (sample {round(at_s * fs_hz)})"
        differs = in_log is None or found is None
        if in_log is not None and found is not None:
            late_s = recorded.times_s[found] - logged.times_s[in_log] - shift_s
            if abs(late_s) > TOLERANCE_S:
                differs, seen = True, f"{seen} {late_s:+.3f} s"
        lines.append((differs, f"  {'>' if differs else ' '} {log:<20} | {seen}"))
    return (
        f"the trigger codes do not agree with the session's log: {why}. The session logged "
        f"{logged.codes.size}, the recording has {recorded.codes.size}.\n    Is it the recording of this "
        "participant and of this session, and was the trigger cable plugged in? What can be done: take the "
        "right file, with all its parts; or leave the recording out: the key presses do not need it.\n"
        f"    {'session log':<20} | recording (and how much later than most codes)\n"
        + "\n".join(_excerpt(lines))
    )


def _excerpt(lines: Sequence[tuple[bool, str]]) -> list[str]:
    """Keep the lines that differ, with three around them."""
    shown: list[str] = []
    last = -1
    for index, (_, text) in enumerate(lines):
        near = any(differs for differs, _ in lines[max(0, index - 3) : index + 4])
        if (near or index < 4) and len(shown) < LONGEST_LIST:
            if index != last + 1:
                shown.append("    ...")
            shown.append(text)
            last = index
    if last != len(lines) - 1:
        shown.append("    ...")
    return shown


def _side_by_side(left: Ints, right: Ints, n_left: int, n_right: int) -> list[tuple[int | None, int | None]]:
    """Put the elements that have no partner between those that have."""
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    for one, other in [*zip(left.tolist(), right.tolist(), strict=True), (n_left, n_right)]:
        pairs += [(number, None) for number in range(i, one)]
        pairs += [(None, number) for number in range(j, other)]
        if one < n_left:
            pairs.append((one, other))
        i, j = one + 1, other + 1
    return pairs


def _about_the_cable(aligned: Alignment, logged: LoggedCodes, recorded: RecordedCodes) -> Repair | None:
    """Tell of a line that did not change, or of codes that came with other bits."""
    changed = [place for place, how in enumerate(aligned.how) if how == "changed"]
    if aligned.fault is not None:
        state = "never fell" if aligned.fault.stuck_at else "never rose"
        return Repair(
            kind="stuck_line",
            text=(
                f"one line of the trigger cable (value {aligned.fault.bit}) {state}: codes are those of the "
                "log, as all times agree. Repair the cable or its plug"
            ),
            places=[{"bit": aligned.fault.bit, "stuck_at": aligned.fault.stuck_at}],
        )
    if not changed:
        return None
    seen = Counter(
        (int(logged.codes[place]), int(recorded.codes[aligned.pulses[place]])) for place in changed
    )
    listed = ", ".join(f"{code} as {other} ({count} x)" for (code, other), count in seen.most_common(8))
    return Repair(
        kind="changed_code",
        text=(
            f"{_n(len(changed), 'code')} came with other bits at the right times: {listed}. Look at the cable"
        ),
        places=[
            {
                "code": int(logged.codes[place]),
                "recorded_code": int(recorded.codes[aligned.pulses[place]]),
                "session_s": _s(logged.times_s[place]),
                "recording_s": _s(recorded.times_s[aligned.pulses[place]]),
            }
            for place in changed
        ],
    )


def _about_parts(aligned: Alignment, recorded: RecordedCodes) -> list[Repair]:
    """Tell of restarts and jumps of time."""
    repairs = []
    for before, after in zip(aligned.stretches, aligned.stretches[1:], strict=False):
        known = before.start == after.start
        lost_s = before.offset_s - after.offset_s
        ended_s = _s(recorded.times_s[aligned.pulses[before.last]])
        begun_s = _s(recorded.times_s[aligned.pulses[after.first]])
        where = {"after_recording_s": ended_s, "before_recording_s": begun_s}
        where |= {"lost_s": _s(lost_s)} if known else {}
        if before.part != after.part:
            pause = f" after a pause of {lost_s:.3f} s on the session's clock" if known else ""
            text = (
                f"the recording goes on in part {after.part + 1}{pause}: each part has a clock of its own, "
                "and the gap is marked"
            )
            repairs.append(Repair(kind="restart", text=text, places=[where]))
        elif known:
            text = (
                f"the recording lost {lost_s:.3f} s between {ended_s:.3f} and {begun_s:.3f} s: it was "
                "stopped and started, or lost samples. Before and after, each has a clock of its own; the "
                "stretch between is marked as missing"
            )
            repairs.append(Repair(kind="jump", text=text, places=[where]))
    return repairs


def _about_logged(
    aligned: Alignment, logged: LoggedCodes, recorded: RecordedCodes, events: Sequence[EventRow]
) -> list[Repair]:
    """Tell of logged codes that the recording does not have."""
    words = {
        "lost": ("lost_code", "was lost on the way; its event is placed by the clocks"),
        "merged": (
            "merged_code",
            "came together with another one as a single code; the log has both",
        ),
        "unplaced": ("unplaced_event", "cannot be placed and its event is left out"),
    }
    repairs = []
    for how, (kind, said) in words.items():
        places = [place for place, other in enumerate(aligned.how) if other == how]
        if places:
            text = f"{_n(len(places), 'code')} {said if len(places) == 1 else _plural(said)}"
            repairs.append(_of_events(kind, text, places, logged, events))
    outside = [place for place, how in enumerate(aligned.how) if how == "outside"]
    if outside:
        first = min((place for place, how in enumerate(aligned.how) if how == "found"), default=0)
        last = max((place for place, how in enumerate(aligned.how) if how == "found"), default=0)
        for kind, said, places in (
            ("late_start", "before the recording began", [place for place in outside if place < first]),
            ("pause", "while nothing was recorded", [p for p in outside if first < p < last]),
            ("early_end", "after the recording had ended", [place for place in outside if place > last]),
        ):
            if places:
                text = f"{_n(len(places), 'code')} sent {said}: their trials have no EMG or a part of it"
                repairs.append(_of_events(kind, text, places, logged, events))
    return repairs


def _of_events(
    kind: str, text: str, places: Sequence[int], logged: LoggedCodes, events: Sequence[EventRow]
) -> Repair:
    trials = sorted({events[place].trial or 0 for place in places if not _practice(events[place])} - {0})
    named = ", ".join(str(trial) for trial in trials[:SHOWN_PLACES])
    more = ", ..." if len(trials) > SHOWN_PLACES else ""
    about = f" (trial{'s' if len(trials) > 1 else ''} {named}{more})" if trials else ""
    codes = ", ".join(
        f"{count} x {code}"
        for code, count in sorted(Counter(int(logged.codes[place]) for place in places).items())
    )
    listed = [
        {
            "code": int(logged.codes[place]),
            "event": events[place].trial_type,
            "trial": events[place].trial,
            "session_s": _s(logged.times_s[place]),
        }
        for place in places
    ]
    return Repair(kind=kind, text=f"{text}: codes {codes}{about}", places=listed)


def _about_extras(aligned: Alignment, recorded: RecordedCodes) -> list[Repair]:
    """Tell of recorded codes that nobody sent."""
    words = {
        "bounce": ("doubled_code", "came twice within 50 ms: the first counts"),
        "late": ("late_code", "came too late to be more than a bounce of the one that is missing: left out"),
        "transition": ("transition", "stood on the line for a moment while its lines rose or fell: left out"),
        "standing": ("standing_code", "stood on the line when the recording began: left out"),
        "unknown": ("foreign_code", "is none of this session: left out"),
        "outside": (
            "other_session",
            "was recorded before the session began or after its end: left out",
        ),
        "stray": ("stray_code", "was recorded when the session sent none: left out"),
    }
    repairs = []
    for extra, (kind, said) in words.items():
        pulses = sorted(pulse for pulse, other in aligned.extras.items() if other == extra)
        if not pulses:
            continue
        counts = Counter(int(recorded.codes[pulse]) for pulse in pulses)
        codes = ", ".join(f"{count} x {code}" for code, count in counts.most_common(SHOWN_PLACES))
        places = [
            {"code": int(recorded.codes[pulse]), "recording_s": _s(recorded.times_s[pulse])}
            for pulse in pulses
        ]
        when = ", ".join(f"{place['recording_s']:.3f}" for place in places[:SHOWN_PLACES])
        more = ", ..." if len(places) > SHOWN_PLACES else ""
        what = said if len(pulses) == 1 else _plural(said)
        text = f"{_n(len(pulses), 'code')} {what} ({codes}; at {when}{more} s of the recording)"
        repairs.append(Repair(kind=kind, text=text, places=places))
    return repairs


def _plural(said: str) -> str:
    """Turn a sentence about one code into one about several."""
    for one, several in (("was ", "were "), ("is none", "are none"), ("its event is", "their events are")):
        said = said.replace(one, several)
    return said.replace("its lines", "their lines").replace("it counts", "they count")


def _practice(event: EventRow) -> bool:
    return event.trial_type.startswith("practice_")


def _n(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _s(seconds: float) -> float:
    return round(float(np.float64(seconds)), 6)
