"""What must be exact in a measured session, and what is measured of its timing."""

from __future__ import annotations

import bisect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from measured_session import OUTCOMES, REFRESH_HZ, Measured
from photodiode import checksum
from virtual_screen import SCREEN_PX

from experiments.dataset.rows import EventRow, FlipRow, TimingRow, TrialRow, read_rows
from experiments.display.timing import video_frame
from stimuli.manifest import read_manifest
from stimuli.video import decode


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    name: str
    found: str
    passed: bool | None = None
    """Whether an exact property holds; None for what is only measured."""


def video_rectangle(
    width_px: int, height_px: int, screen_px: tuple[int, int] = SCREEN_PX
) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a video in the middle of a screen."""
    bottom = (screen_px[1] - height_px) // 2
    return (screen_px[0] - width_px) // 2, screen_px[1] - bottom - height_px, width_px, height_px


def frame_checksums(stimuli: Path) -> dict[str, list[int]]:
    """Return the checksum of each frame as a screen shows it: name of the video -> one number per frame."""
    return {
        video.video: [checksum(frame[:, :, ::-1]) for frame in decode(video.path)]
        for video in read_manifest(stimuli)
    }


SERVER_S = 0.003
"""Time that the X server may take to show what it was given."""


class ReadBack(NamedTuple):
    """The flips of all videos against what was on the screen."""

    n_flips: int
    n_unseen: int
    """Flips at which the photodiode was kept from looking."""
    wrong: list[str]
    """Flips whose frame was not on the screen."""


class Evidence:
    """A measured session, read and set against its plan.

    Parameters
    ----------
    measured : Measured
        The session.
    pictures : dict
        What `frame_checksums` says of its videos.
    """

    def __init__(self, measured: Measured, pictures: dict[str, list[int]]) -> None:
        self.measured = measured
        self.pictures = pictures
        folder = measured.folder
        self.events = read_rows(folder / "events.tsv", EventRow)
        self.trials = [row for row in read_rows(folder / "trials.tsv", TrialRow) if not row.practice]
        self.flips = read_rows(folder / "frames.tsv", FlipRow)
        self.timings = [row for row in read_rows(folder / "timing.tsv", TimingRow) if row.trial > 0]
        self.record = json.loads((folder / "session.json").read_text(encoding="utf-8"))
        self._seen_s = [time_s for time_s, _ in measured.changes]

    @cached_property
    def zero_s(self) -> float:
        """The session clock's zero by `time.perf_counter`: codes are sent at once after the flip's time."""
        return min(event.monotonic - event.onset for event in self.events if event.value is not None)

    def pictures_between(self, begin_s: float, end_s: float) -> set[int]:
        """Return the checksums of all that was on the screen between two times of the session's clock."""
        first = bisect.bisect_right(self._seen_s, begin_s + self.zero_s) - 1
        last = bisect.bisect_right(self._seen_s, end_s + self.zero_s)
        return {picture for _, picture in self.measured.changes[max(0, first) : last]}

    def was_blind(self, begin_s: float, end_s: float) -> bool:
        """Say whether the photodiode was kept from looking at any time between two."""
        begin_s, end_s = begin_s + self.zero_s, end_s + self.zero_s
        return any(begin < end_s and end > begin_s for begin, end in self.measured.blind)

    def change_near(self, session_s: float) -> float | None:
        """Return the time of the change of the screen next to a flip, on the session's clock."""
        time_s = session_s + self.zero_s
        near = [seen_s for seen_s in self._seen_s if abs(seen_s - time_s) < 0.5 / REFRESH_HZ]
        return min(near, key=lambda seen_s: abs(seen_s - time_s)) - self.zero_s if near else None

    def videos(self) -> list[tuple[TrialRow, list[FlipRow], float]]:
        """Return each trial with the flips of its video and the time of the flip that ended it."""
        ends = {flip.trial: flip.time for flip in self.flips if flip.shown == "feedback" and flip.flip == 0}
        shown: dict[int, list[FlipRow]] = {}
        for flip in self.flips:
            if flip.shown == "video":
                shown.setdefault(flip.trial, []).append(flip)
        return [(trial, shown[trial.trial], ends[trial.trial]) for trial in self.trials]

    def read_back(self) -> ReadBack:
        """Compare each flip's frame with the pictures on the screen between it and the next flip."""
        n_flips, n_unseen, wrong = 0, 0, []
        for trial, flips, end_s in self.videos():
            frames = self.pictures[trial.video]
            next_times_s = [flip.time for flip in flips[1:]] + [end_s]
            for flip, next_s in zip(flips, next_times_s, strict=True):
                n_flips += 1
                seen_until_s = next_s + SERVER_S
                if frames[flip.frame or 0] in self.pictures_between(flip.time, seen_until_s):
                    continue
                if self.was_blind(flip.time, seen_until_s):
                    n_unseen += 1
                else:
                    wrong.append(f"trial {trial.trial} flip {flip.flip} frame {flip.frame}")
        return ReadBack(n_flips, n_unseen, wrong)

    def unplanned_frames(self, refresh_hz: float) -> int:
        """Count flips whose frame is not the one that the plan has for their refresh."""
        number = 0
        for trial, flips, _ in self.videos():
            frames = self.pictures[trial.video]
            fps = len(frames) / round(self.duration_s, 3)
            for flip in flips:
                refresh = round((flip.time - flips[0].time) * refresh_hz)
                planned = video_frame(refresh, fps=fps, refresh_hz=refresh_hz, n_frames=len(frames))
                number += flip.frame != planned and not flip.dropped
        return number

    @property
    def duration_s(self) -> float:
        """Planned length of the videos."""
        return next(event.duration or 0.0 for event in self.events if event.trial_type == "video")


def exact_lines(evidence: Evidence) -> list[Line]:
    """Return what must be exact."""
    return [
        *_frames(evidence),
        *_feedback(evidence),
        *_codes(evidence),
        *_memory(evidence.timings),
        *_fixation(evidence.timings),
    ]


def measured_lines(evidence: Evidence) -> list[Line]:
    """Return what is measured."""
    timings, flips = evidence.timings, evidence.flips
    refreshes = {part: [flip for flip in flips if flip.shown == part and flip.flip > 0] for part in PARTS}
    dropped = {part: sum(flip.dropped for flip in found) for part, found in refreshes.items()}
    flagged = sum(trial.n_dropped_flips > 0 for trial in evidence.trials)
    memory = [row.memory_mb for row in timings if row.memory_mb is not None]
    return [
        *_trigger_delays(evidence),
        *_press_times(evidence),
        *_durations(evidence),
        Line(
            "dropped flips in " + ", ".join(PARTS),
            ", ".join(f"{dropped[part]} of {len(refreshes[part])}" for part in PARTS)
            + f"; {flagged} of {len(evidence.trials)} trials flagged",
        ),
        Line(
            "memory (RSS) at trial 1 and at the last",
            f"{memory[0]:.0f} MiB, {memory[-1]:.0f} MiB; largest {max(memory):.0f} MiB" if memory else "n/a",
        ),
        Line("real-time priority granted", str(evidence.record["display"]["real_time_priority"])),
        Line("graphics", str(evidence.record["display"]["graphics"])),
    ]


PARTS = ("fixation", "video", "feedback")


def _frames(evidence: Evidence) -> list[Line]:
    n_flips, n_unseen, wrong = evidence.read_back()
    unplanned = evidence.unplanned_frames(evidence.record["display"]["refresh_hz"])
    shown = f"{n_flips - n_unseen - len(wrong)} of {n_flips} flips"
    shown += f"; in {n_unseen} the photodiode itself was held up" if n_unseen else ""
    shown += f"; wrong: {', '.join(wrong[:4])}" if wrong else ""
    exact = not wrong and n_unseen < 0.01 * n_flips
    return [
        Line("planned frame = frame read back from the screen", shown, exact),
        Line("frame = plan of the refresh", f"{n_flips - unplanned} of {n_flips} flips", unplanned == 0),
    ]


def _feedback(evidence: Evidence) -> list[Line]:
    answers = evidence.measured.answers
    right = sum(trial.outcome == answer for trial, answer in zip(evidence.trials, answers, strict=False))
    pictures: dict[str, set[int]] = {outcome: set() for outcome in OUTCOMES}
    blank = True
    for number, picture in evidence.measured.feedback.items():
        outcome = answers[number - 1]
        pictures[outcome].add(checksum(picture))
        blank = blank and (outcome != "correct" or len(np.unique(picture)) == 1)
    given = [outcome for outcome in OUTCOMES if pictures[outcome]]
    each = all(len(pictures[outcome]) == 1 for outcome in given)
    distinct = len(set.union(*pictures.values())) == len(given)
    return [
        Line("outcome as the robot meant it", f"{right} of {len(answers)} trials", right == len(answers)),
        Line(
            "feedback on the screen",
            f"{len(given)} kinds, {'one picture each' if each else 'several pictures of one kind'}, "
            f"{'all different' if distinct else 'not all different'}, "
            f"{'blank' if blank else 'not blank'} when correct",
            each and distinct and blank,
        ),
    ]


def _codes(evidence: Evidence) -> list[Line]:
    logged = [event.value for event in evidence.events if event.value is not None]
    heard = [code for code, _ in evidence.measured.line.codes()]
    same = sum(one == other for one, other in zip(logged, heard, strict=False))
    exact = logged == heard
    at_rest = bool(evidence.measured.line.received) and evidence.measured.line.received[-1] == 0
    return [
        Line("codes at the amplifier = codes in the log", f"{same} of {len(logged)}, in order", exact),
        Line("line at zero after the session", "yes" if at_rest else "no", at_rest),
    ]


def _memory(timings: Sequence[TimingRow]) -> list[Line]:
    first, last = timings[0], timings[-1]
    kinds = ("textures", "buffers", "display_lists")
    found = ", ".join(f"{kind} {getattr(first, kind)} and {getattr(last, kind)}" for kind in kinds)
    same = all(getattr(first, kind) == getattr(last, kind) is not None for kind in kinds)
    return [Line(f"graphics objects at trial {first.trial} and {last.trial}", found.replace("_", " "), same)]


def _fixation(timings: Sequence[TimingRow]) -> list[Line]:
    left_s = [row.fixation_left_s for row in timings if row.fixation_left_s is not None]
    found = f"median {np.median(left_s):.2f} s, least {min(left_s):.2f} s"
    return [Line("fixation left when the video was ready", found, min(left_s) >= 1.0)]


def _trigger_delays(evidence: Evidence) -> list[Line]:
    arrivals = [time_s - evidence.zero_s for _, time_s in evidence.measured.line.codes()]
    coded = [event for event in evidence.events if event.value is not None]
    if len(arrivals) != len(coded):
        return [Line("trigger after pixels", "codes were lost, see above")]
    lines = []
    for kind in PARTS:
        sent_ms, arrived_ms = [], []
        for event, arrival_s in zip(coded, arrivals, strict=True):
            seen_s = evidence.change_near(event.onset) if event.trial_type == kind else None
            if seen_s is not None:
                sent_ms.append(1000 * (event.monotonic - evidence.zero_s - seen_s))
                arrived_ms.append(1000 * (arrival_s - seen_s))
        lines.append(Line(f"{kind}: code sent after pixels changed", spread(sent_ms)))
        lines.append(Line(f"{kind}: code at the amplifier after pixels changed", spread(arrived_ms)))
    return lines


def _press_times(evidence: Evidence) -> list[Line]:
    """Pair the robot's presses with the logged ones, trial by trial."""
    late_ms = []
    for trial in evidence.trials:
        pressed_s = [press.time_s for press in evidence.measured.presses if press.trial == trial.trial]
        logged_s = [
            event.onset + evidence.zero_s
            for event in evidence.events
            if event.trial_type == "response" and event.trial == trial.trial
        ]
        if len(pressed_s) == len(logged_s):
            late_ms += [1000 * (log - press) for press, log in zip(pressed_s, logged_s, strict=True)]
    return [Line(f"key press: time stamp after the key went down (n = {len(late_ms)})", spread(late_ms))]


def _durations(evidence: Evidence) -> list[Line]:
    logged_s, visible_s = [], []
    for _, flips, end_s in evidence.videos():
        logged_s.append(end_s - flips[0].time)
        begin, end = evidence.change_near(flips[0].time), evidence.change_near(end_s)
        if begin is not None and end is not None:
            visible_s.append(end - begin)
    return [
        Line("video duration by the log", spread(logged_s, "s", 4)),
        Line("video duration on the screen", spread(visible_s, "s", 4)),
    ]


def spread(values: Sequence[float], unit: str = "ms", digits: int = 2) -> str:
    """Say median, standard deviation, smallest and largest of some values."""
    if not values:
        return "n/a"
    median, sd = np.median(values), np.std(values, ddof=1) if len(values) > 1 else 0.0
    low, high = min(values), max(values)
    return (
        f"median {median:.{digits}f}, sd {sd:.{digits}f}, "
        f"min {low:.{digits}f}, max {high:.{digits}f} {unit} (n = {len(values)})"
    )
