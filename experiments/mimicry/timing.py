"""How the computer kept up with the task: the plan of the frames, and what is said of it at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.dataset.rows import TimingRow, TrialRow, read_rows
from experiments.dataset.tables import write_table
from experiments.display import Display, Film, Flip
from experiments.display.timing import pulldown

ENOUGH_FIXATION_S = 1.0
"""A video that is ready so long before its onset leaves room for a slow moment of the computer."""

PULLDOWN_COLUMNS = ("refresh", "time_s", "frame", "frame_time_s", "late_ms")


def n_late(flips: Sequence[Flip]) -> int:
    """Count the refreshes that came late, the first left out: what was before it is another matter."""
    return sum(flip.missed > 0 for flip in flips[1:])


def kept_in_memory(display: Display) -> dict[str, Any]:
    """Return the columns of `TimingRow` on memory; none for a display without a graphics card."""
    objects = display.graphics_objects()
    return {"memory_mb": memory_mb(), **objects} if objects else {}


def memory_mb() -> float | None:
    """Return the memory of this program (MiB); None where the system does not tell."""
    with contextlib.suppress(ImportError, OSError):
        import psutil  # PsychoPy needs it, so it is there

        return round(psutil.Process().memory_info().rss / 2**20, 1)
    return None


def write_pulldown(folder: Path, films: Iterable[Film], refresh_hz: float) -> list[dict[str, Any]]:
    """Write which frame belongs on which refresh, one table per kind of video.

    Parameters
    ----------
    folder : Path
        Folder of the session.
    films : iterable of Film
        The videos of the session.
    refresh_hz : float
        The screen's refresh rate.

    Returns
    -------
    list of dict
        What the session's record says of each kind of video: ``file``, ``fps``, ``n_frames``,
        ``n_refreshes``, ``duration_s``, ``refreshes_per_frame`` (the pattern that repeats),
        ``largest_delay_ms``.
    """
    said = []
    for fps, n_frames in sorted({(film.fps, film.n_frames) for film in films}):
        plan = pulldown(fps=fps, refresh_hz=refresh_hz, n_frames=n_frames)
        path = folder / f"pulldown_{n_frames}_frames_{fps:g}_fps_on_{refresh_hz:g}_hz.tsv"
        if not path.exists():
            write_table(path, PULLDOWN_COLUMNS, _pulldown_rows(plan.frames, fps, refresh_hz))
        said.append(
            {
                "file": path.name,
                "fps": fps,
                "n_frames": n_frames,
                "n_refreshes": len(plan.frames),
                "duration_s": round(len(plan.frames) / refresh_hz, 6),
                "refreshes_per_frame": plan.pattern if len(plan.pattern) <= n_frames // 2 else plan.holds,
                "largest_delay_ms": round(1000 * max(plan.late_s), 3),
            }
        )
    return said


def timing_report(folder: Path, record: dict[str, Any]) -> list[str]:
    """Say in sentences how well a session kept its time.

    Parameters
    ----------
    folder : Path
        Folder of the session, with ``trials.tsv`` and ``timing.tsv``.
    record : dict
        The session's record.

    Returns
    -------
    list of str
        Nothing for a simulated display.
    """
    display = record.get("display") or {}
    if display.get("kind") != "window":
        return []
    trials = read_rows(folder / "trials.tsv", TrialRow) if (folder / "trials.tsv").is_file() else []
    timings = read_rows(folder / "timing.tsv", TimingRow) if (folder / "timing.tsv").is_file() else []
    return [
        *_about_the_screen(display),
        *_about_refreshes(trials),
        *_about_fixation(timings),
        *_about_the_clock(timings),
    ]


def _pulldown_rows(frames: Sequence[int], fps: float, refresh_hz: float) -> list[dict[str, Any]]:
    rows, before = [], -1
    for refresh, frame in enumerate(frames):
        time_s, frame_time_s = refresh / refresh_hz, frame / fps
        late_ms = round(1000 * (time_s - frame_time_s), 3) if frame != before else None
        values = (refresh, round(time_s, 6), frame, round(frame_time_s, 6), late_ms)
        rows.append(dict(zip(PULLDOWN_COLUMNS, values, strict=True)))
        before = frame
    return rows


def _about_the_screen(display: dict[str, Any]) -> list[str]:
    said = []
    if display.get("paced_by_software"):
        said.append(
            f"The screen's refresh was not measured: the computer's clock gave {display['refresh_hz']:g} Hz. "
            "Such a session is for trying things out."
        )
    if not display.get("real_time_priority"):
        said.append(
            "The system did not grant real-time priority: other programs can delay a refresh. On Linux, the "
            "user needs the right to it (docs/sessions.md says how)."
        )
    return said


def _about_refreshes(trials: Sequence[TrialRow]) -> list[str]:
    missed = [trial for trial in trials if trial.n_dropped_flips > 0 and not trial.practice]
    if not missed:
        return ["No refresh was missed in any video."] if trials else []
    names = ", ".join(str(trial.trial) for trial in missed[:20]) + (", ..." if len(missed) > 20 else "")
    return [
        f"Refreshes were missed in {_counted(missed, 'video')} (trial {names}): n_dropped_flips in "
        "trials.tsv and beh.tsv; each refresh is in frames.tsv."
    ]


def _counted(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _about_fixation(timings: Sequence[TimingRow]) -> list[str]:
    left_s = {row.trial: row.fixation_left_s for row in timings if row.fixation_left_s is not None}
    if not left_s:
        return []
    shortest_s = min(left_s.values())
    if shortest_s >= ENOUGH_FIXATION_S:
        return [f"Every video was ready at least {shortest_s:.1f} s before the end of its fixation cross."]
    late = [trial for trial, seconds in left_s.items() if seconds < 0]
    longer = f"; in {_counted(late, 'trial')} the cross had to stay longer (timing.tsv)" if late else ""
    return [
        f"Videos were ready as late as {shortest_s:.1f} s before the end of the fixation cross, less than "
        f"{ENOUGH_FIXATION_S:g} s{longer}. Close other programs, put the stimuli on a fast disk, or make "
        "them smaller."
    ]


def _about_the_clock(timings: Sequence[TimingRow]) -> list[str]:
    return [
        f"The computer's time of day was set by {row.clock_step_s:+.3f} s during trial {abs(row.trial)}"
        f"{' of practice' if row.trial < 0 else ''}; times of key presses were corrected for it. Switch the "
        "time service off during sessions."
        for row in timings
        if row.clock_step_s
    ]
