"""Closing a session: its live files become one NWB file with the video beside it.

The same function closes a session at its end and one that was killed. The live files stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.dataset.frame_table import count_losses
from experiments.dataset.frame_times import MOST_FRAMES, FrameTimes
from experiments.dataset.nwb import Animal, CameraVideo, SessionFacts, write_session
from experiments.mouse_face.deliveries import said, trial_deliveries
from experiments.mouse_face.frame_clock import HOW_TO_ALLOW, first_frames, frame_clock, on_session_clock
from experiments.mouse_face.live import (
    CALIBRATION,
    MASKS,
    RIG,
    SCHEDULE,
    VIDEO,
    DeliveredRow,
    session_file,
)
from experiments.mouse_face.live_files import LiveSession, read_live
from experiments.mouse_face.whole_video import VideoContent, lamp_levels, place_video, video_content
from hardware.clock_fit import ClockFit, fit_clocks

GIVEN = ("delivered", "by hand", "nothing")
"""Outcomes of trials that were as planned; the others stand in the table of events and in the notes only."""
QUICK_MS = 5.0
"""A round trip that takes no longer is quick enough for joining clocks (ms). Our choice."""
USUAL_FPS = 30.0
"""Where a session does not say how fast its camera was."""
EVENTS = ("on", "lick", "estop", "stop", "boot", "lost", "events_lost")
"""What of `DeliveredRow.kind` goes into the table of events; an end becomes the duration of its beginning."""
TRIAL_COLUMNS = ("block", "channel", "volume_ul", "current_ma", "n_pulses", "on_s", "outcome")
"""Columns of the NWB's trials beside those that the dataset asks for."""


@dataclass(frozen=True)
class Closed:
    """What became of a session."""

    path: Path
    """The NWB file."""
    ended: str
    """How it ended."""
    reason: str
    """Why."""
    n_planned: int
    """Trials that were planned."""
    outcomes: dict[str, int]
    """How many of the begun trials went how; see `experiments.mouse_face.deliveries.OUTCOMES`."""
    n_frames: int
    """Frames of the video."""
    lost: dict[str, int]
    """How many frames are missing in it, by reason."""
    duration_s: float
    """Time that was filmed (s)."""
    frame_residual_s: float
    """How well the frames' times are known (s); NaN without a video."""
    warnings: tuple[str, ...]
    """What the experimenter should know."""


def close_session(folder: Path, *, allow_misaligned: bool = False) -> Closed:
    """Write the NWB file of a session from its live files, and put the video beside it.

    Parameters
    ----------
    folder : Path
        ``STUDY/sourcedata/sub-m01/ses-tastants``.
    allow_misaligned : bool
        Whether to write it although the times of frames are known less well than to one frame.

    Returns
    -------
    Closed

    Raises
    ------
    FileExistsError
        If the session has an NWB file already.
    FileNotFoundError
        If there is no session.
    ValueError
        If a file is damaged, or the times of frames are not known well enough.
    """
    live = read_live(folder)
    path = session_file(live.study, str(live.record["animal"]), str(live.record["session"]))
    if path.exists():
        raise FileExistsError(f"{path} exists: this session is closed already, and nothing is written over")
    warnings: list[str] = []
    device = _device_clock(live, warnings, allow_misaligned)
    pulses = _pulses(live, device)
    content = video_content(live.folder / VIDEO)
    frames = _whole_frames(live, content, warnings)
    clock = None
    if len(frames):
        clock = _place_frames(live, frames, pulses, device, allow_misaligned)
        warnings.extend(clock.warnings)
    trials, left_out, outcomes = _trials(live, device, clock, warnings)
    closed = Closed(
        path=path,
        ended=live.ended,
        reason=live.reason,
        n_planned=len(live.planned),
        outcomes=outcomes,
        n_frames=0 if clock is None else len(clock.times_s),
        lost=count_losses(frames) if len(frames) else {},
        duration_s=0.0 if clock is None else float(np.ptp(clock.times_s)),
        frame_residual_s=float("nan") if clock is None else clock.residual_s,
        warnings=tuple(warnings),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_session(
        path,
        animal=Animal(**live.record["subject"]),
        facts=_facts(live, closed, clock, device, left_out),
        trials=trials,
        events=_events(live, device),
        videos=_place_video(live, path, content, clock),
        pulses=pulses,
        devices=_devices(live.record),
    )
    return closed


def _place_frames(
    live: LiveSession,
    frames: pd.DataFrame,
    pulses: pd.DataFrame | None,
    device: ClockFit | None,
    allow_misaligned: bool,
) -> FrameTimes:
    """Find when the frames were taken, by what the rig file says that joins the clocks."""
    camera = live.record.get("camera_settings") or {}
    sync = str(camera.get("sync", "pulses"))
    seen_s = np.zeros(0) if pulses is None or sync != "pulses" else pulses["timestamp"].to_numpy(float)
    lamp = camera.get("lamp_px") if sync == "lamp" else None
    flashes = [row for row in live.delivered if row.kind == "on" and row.channel == "aux"]
    return frame_clock(
        frames,
        seen_s,
        session_start_s=live.zero_s,
        allow_misaligned=allow_misaligned,
        most_frames=float(camera.get("most_frames_off", MOST_FRAMES)),
        brightness=None if lamp is None else partial(lamp_levels, live.folder / VIDEO, tuple(lamp)),
        flashes_s=on_session_clock(
            device,
            [row.device_s for row in flashes],
            [row.monotonic for row in flashes],
            zero_s=live.zero_s,
        ).tolist(),
    )


def _place_video(
    live: LiveSession, path: Path, content: VideoContent | None, clock: FrameTimes | None
) -> list[CameraVideo]:
    """Put the video beside the file."""
    if content is None or clock is None:
        return []
    beside = path.with_name(f"{path.stem}_face.mkv")
    place_video(live.folder / VIDEO, beside, n_frames=len(clock.times_s), content=content)
    words = _camera_words(live.record.get("camera") or {})
    return [CameraVideo("face", beside, clock.times_s, content.width_px, content.height_px, camera=words)]


def _whole_frames(live: LiveSession, content: VideoContent | None, warnings: list[str]) -> pd.DataFrame:
    """Return the rows of the frames that are both in the video and in the table."""
    n_rows = int((live.frames["status"] == "ok").sum())
    n_frames = 0 if content is None else min(len(content.times_ms), n_rows)
    if content is None or not n_frames:
        warnings.append("there is no video: the camera gave no frame before the session ended")
        return live.frames.iloc[:0]
    if content.n_damaged or not content.has_end:
        warnings.append(
            f"the video was not closed by its program: {n_frames} frames are whole, and {n_rows - n_frames} "
            "more had been taken"
        )
    return first_frames(live.frames, n_frames)


def _device_clock(live: LiveSession, warnings: list[str], allow_misaligned: bool) -> ClockFit | None:
    """Join the device's clock with the host's; refuse it where they do not agree to a frame."""
    pairs = quick_pairs(live.delivered)
    one_sided = len(pairs) < 2
    if one_sided:
        pairs = [row for row in live.delivered if row.device_s is not None and row.kind != "clock"]
        pairs.sort(key=lambda row: row.monotonic)
    if not pairs:
        return None
    camera = live.record.get("camera") or {}
    limit_s = float((live.record.get("camera_settings") or {}).get("most_frames_off", MOST_FRAMES)) / float(
        camera.get("fps") or USUAL_FPS
    )
    try:
        fit = fit_clocks(
            np.array([row.device_s for row in pairs], float),
            np.array([row.monotonic for row in pairs], float),
            one_sided=one_sided,
        )
        if not one_sided and fit.residual_s > limit_s:
            raise ValueError(f"{fit}; at most {1000 * limit_s:.0f} ms are accepted")
    except ValueError as error:
        words = f"the clocks of device and computer do not agree ({error})"
        if not allow_misaligned:
            raise ValueError(f"{words}. {HOW_TO_ALLOW}") from None
        warnings.append(f"{words}; events are timed by their arrival")
        return None
    return fit


def quick_pairs(rows: Sequence[DeliveredRow]) -> list[DeliveredRow]:
    """Return the pairs of both clocks whose line went to and fro quickly: the others say little.

    A pair is known to half of its round trip, which stands in its ``value``.
    """
    pairs = sorted(
        (row for row in rows if row.kind == "clock" and row.device_s is not None),
        key=lambda row: row.monotonic,
    )
    trips_ms = [float((row.value or "0").split()[0]) for row in pairs]
    most_ms = max(2 * float(np.median(trips_ms)), QUICK_MS) if trips_ms else 0.0
    return [row for row, trip_ms in zip(pairs, trips_ms, strict=True) if trip_ms <= most_ms]


def _trials(
    live: LiveSession, device: ClockFit | None, clock: FrameTimes | None, warnings: list[str]
) -> tuple[pd.DataFrame, list[dict[str, Any]], dict[str, int]]:
    """Return the trials for the file, those that are left out with their reason, and the outcomes."""
    found = trial_deliveries(live.planned, live.delivered, live.log)
    table = live.planned.merge(found, on="trial", how="inner", suffixes=("_planned", ""))
    on_s = table["on_device_s"].to_numpy(float)
    start_s = table["begun_s"].to_numpy(float).copy()
    if device is not None:
        known = np.isfinite(on_s)
        start_s[known] = device.to_host(on_s[known]) - live.zero_s
    table = table.assign(start_time=start_s, stop_time=start_s + table["duration_s"].to_numpy(float))
    reasons = np.where(table["outcome"].isin(GIVEN), "", table["outcome"]).astype(object)
    if clock is not None and len(clock.times_s):
        filmed = table["start_time"].between(clock.times_s[0], clock.times_s[-1]).to_numpy()
        reasons[(reasons == "") & ~filmed] = "not filmed"
    left_out = [
        {"trial": int(trial), "stimulus": str(name), "why": str(why)}
        for trial, name, why in zip(table["trial"], table["stimulus"], reasons, strict=True)
        if why
    ]
    if left_out:
        named = ", ".join(f"{one['trial']} ({one['stimulus']}: {one['why']})" for one in left_out)
        warnings.append(f"not among the trials, but among the events and in the notes: trial {named}")
    outcomes = Counter(found["outcome"].tolist())
    return _nwb_trials(table[reasons == ""]), left_out, dict(sorted(outcomes.items()))


def _nwb_trials(table: pd.DataFrame) -> pd.DataFrame:
    """Shape the trials as the file has them; columns without any value are left out."""
    texts = ("stimulus", "unit", "channel", "condition")
    kept = table.assign(
        **{name: table[name].replace("", "n/a").fillna("n/a").astype(str) for name in texts},
        laser=table["laser"].astype(bool),
        planned_trial=table["trial"].astype(int),
        planned_start_time=table["onset_s"].astype(float),
    )
    needed = ["start_time", "stop_time", "stimulus", "intensity", "unit", "repeat", "laser", "condition"]
    more = [name for name in (*TRIAL_COLUMNS, "planned_trial", "planned_start_time") if name in kept]
    more = [name for name in more if not kept[name].isna().all()]
    return kept[[*needed, *more]].reset_index(drop=True)


def _events(live: LiveSession, device: ClockFit | None) -> pd.DataFrame:
    """Everything that the device delivered and sensed, on the session's clock and on its own."""
    plans = {int(row["trial"]): row for _, row in live.planned.iterrows()}
    times_s = on_session_clock(
        device,
        [row.device_s for row in live.delivered],
        [row.monotonic for row in live.delivered],
        zero_s=live.zero_s,
    )
    rows: list[dict[str, Any]] = []
    running: dict[tuple[int | None, str | None], dict[str, Any]] = {}
    for row, at_s in zip(live.delivered, times_s.tolist(), strict=True):
        key = (row.trial, row.channel or row.kind)
        if row.kind == "off" or (row.kind == "lick" and row.value != "1"):
            began = running.pop(key, None)
            if began is not None:
                began["duration"] = at_s - began["timestamp"]
        elif row.kind in EVENTS:
            plan = plans.get(row.trial) if row.trial is not None else None
            what = said(plan) if plan is not None else (row.value or "n/a")
            rows.append(
                {
                    "timestamp": at_s,
                    "duration": np.nan,
                    "event": row.channel if row.kind == "on" and row.channel else row.kind,
                    "value": "n/a" if row.kind == "lick" else what,
                    "device_time": np.nan if row.device_s is None else row.device_s,
                    "trial": -1 if row.trial is None else row.trial,
                }
            )
            if row.kind in ("on", "lick"):
                running[key] = rows[-1]
    return pd.DataFrame(rows, columns=["timestamp", "duration", "event", "value", "device_time", "trial"])


def _pulses(live: LiveSession, device: ClockFit | None) -> pd.DataFrame | None:
    """Exposures of the camera that the device saw."""
    seen = [row for row in live.delivered if row.kind == "frame" and row.device_s is not None]
    if not seen:
        return None
    device_s = [row.device_s for row in seen]
    at_s = on_session_clock(device, device_s, [row.monotonic for row in seen], zero_s=live.zero_s)
    return pd.DataFrame({"timestamp": at_s, "device_time": np.array(device_s, float)})


def _facts(
    live: LiveSession,
    closed: Closed,
    clock: FrameTimes | None,
    device: ClockFit | None,
    left_out: Sequence[dict[str, Any]],
) -> SessionFacts:
    """What the session was; what has no place in the standard stands in the notes."""
    record = live.record
    kept = {name: value for name, value in record.items() if name not in ("subject", "animal", "session")}
    texts = {
        name: path.read_text(encoding="utf-8")
        for name, file in (
            ("schedule_file", SCHEDULE),
            ("rig_file", RIG),
            ("calibration", CALIBRATION),
            ("masks", MASKS),
        )
        if (path := live.folder / file).is_file()
    }
    notes: dict[str, Any] = {
        **kept,
        **texts,
        "ended": closed.ended,
        "reason": closed.reason,
        "n_planned_trials": closed.n_planned,
        "outcomes": closed.outcomes,
        "trials_left_out": list(left_out),
        "frames": {"in_video": closed.n_frames, "lost": closed.lost},
        "clocks": {
            "device": None if device is None else str(device),
            "frames": None if clock is None else str(clock),
            "frame_residual_s": None if clock is None else clock.residual_s,
        },
        "warnings": list(closed.warnings),
    }
    notes.pop("simulated", None)
    description = str(record.get("title") or "Facial expressions of a head-fixed mouse")
    if closed.ended != "completed":
        description += f" (ended early: {closed.ended})"
    return SessionFacts(
        session=str(record["session"]),
        start=datetime.fromtimestamp(float(record["start_wall_s"]), tz=timezone.utc),
        description=description,
        simulated=bool(record["simulated"]),
        experimenter=tuple(record.get("experimenter") or ()),
        institution=record.get("institution"),
        lab=record.get("lab"),
        notes={name: value for name, value in notes.items() if value is not None},
    )


def _camera_words(camera: dict[str, Any]) -> str:
    words = [str(camera[name]) for name in ("model", "serial") if camera.get(name)]
    if camera.get("exposure_us"):
        words.append(f"exposure {camera['exposure_us']:g} us")
    if camera.get("gain_db") is not None:
        words.append(f"gain {camera['gain_db']:g} dB")
    return ", ".join(words)


def _devices(record: dict[str, Any]) -> dict[str, str]:
    facts = record.get("device") or {}
    told = ", ".join(f"{name} {facts[name]}" for name in sorted(facts))
    return {"mouse_rig": "Microcontroller that delivers stimuli and stamps licks and exposures. " + told}
