"""Studies of mouse faces as descriptors of whole sessions, on the disk, with light and neurons; no videos.

`face_studies` has clips around events only; here expressions last as long as they do, come late or by
themselves, and can be followed from one event to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy.signal import lfilter

from analysis.faces.descriptor_files import FORMAT
from analysis.faces.frame_quality import FrameQuality
from analysis.mouse_face.face_data import (
    CLIP_COLUMNS,
    SESSION_COLUMNS,
    TRIAL_COLUMNS,
    FaceData,
    clip_frames,
    clip_table,
)
from analysis.mouse_sessions import CalciumTraces
from hardware.simulated.mouse_calcium import SHARES, simulate_neurons
from hardware.simulated.mouse_expressions import EXPRESSION_OF_EVENT, EXPRESSIONS, Episode
from hardware.simulated.mouse_study import SITES, STUDIES, SessionKind, plan_face, plan_trials

ORIENTATIONS, CELLS = 4, (3, 4)
N_FEATURES = ORIENTATIONS * CELLS[0] * CELLS[1]
MICROSCOPE_HZ = 5.0


def simulated_sessions(
    folder: Path,
    rng: np.random.Generator,
    *,
    parts: Sequence[str] = ("emotions",),
    n_animals: int = 6,
    minutes: float | Mapping[str, float] = 10.0,
    repeats: int = 3,
    strength: float = 1.0,
    effect: float = 1.5,
    fs_hz: float = 5.0,
    drift_sd: float = 0.5,
    movement_sd: float = 0.5,
    sites: Sequence[str] = ("pIC",),
    groups: Sequence[str] = ("ChR2", "eYFP"),
    only: Mapping[str, Sequence[int]] | None = None,
    n_neurons: int = 60,
    shares: Mapping[str, float] | None = None,
) -> FaceData:
    """Simulate a study and write its descriptors into a folder.

    Parameters
    ----------
    folder : Path
        Where files of descriptors go.
    rng : numpy.random.Generator
        Source of randomness.
    parts : sequence of str
        Of `hardware.simulated.mouse_study.STUDIES`.
    minutes : float or mapping
        Length of sessions, or of each part's.
    strength : float
        0: as many expressions, but at any time and of any kind; neurons code nothing.
    effect : float
        Size of expressions (standard deviation over features), against ``drift_sd`` and ``movement_sd``.
    sites, groups : sequence of str
        Of light; animals take turns between sites, then between groups.
    only : mapping, optional
        Part -> numbers of the animals (from 1) that have it; others have all parts.
    shares : mapping, optional
        Of neurons, see `simulate_neurons`.
    """
    expressions = {name: rng.normal(0, effect, N_FEATURES) for name in EXPRESSIONS}
    rows: dict[str, list] = {name: [] for name in ("sessions", "trials", "clips", "values")}
    files, quality, imaging = {}, {}, {}
    for number in range(1, n_animals + 1):
        animal, trial = f"m{number:02d}", 1
        looks = rng.normal(0, 2, N_FEATURES)
        size = {name: max(0.3, rng.normal(1, 0.2)) for name in EXPRESSIONS}
        for part in parts:
            if only is not None and part in only and number not in only[part]:
                continue
            for kind in STUDIES[part]:
                length_s = 60 * (minutes if isinstance(minutes, float | int) else minutes[part])
                site, group = _site_and_group(kind, number, sites, groups)
                planned, order = plan_trials(kind, duration_s=length_s, repeats=repeats, rng=rng)
                episodes, _ = plan_face(
                    planned, order, duration_s=length_s, strength=strength, site=site, group=group, rng=rng
                )
                times_s = np.arange(round(length_s * fs_hz)) / fs_hz + rng.uniform(0, 0.3 / fs_hz)
                course = expression_course(times_s, episodes)
                face = looks + _wandering(times_s, drift_sd, 100.0, rng)
                face += _wandering(times_s, movement_sd, 0.4, rng)
                face += sum(np.outer(course[name] * size[name], expressions[name]) for name in course)
                session_id = f"{animal}_{kind.name}"
                about = {
                    "session_id": session_id, "animal": animal, "session": kind.name,
                    "condition": "" if kind.condition == "n/a" else kind.condition,
                    "group": group or "", "site": site or "",
                }  # fmt: skip
                own = _trial_rows(planned, about, trial, several_values(parts))
                trial += len(own)
                values = face.astype(np.float32)
                files[session_id] = folder / f"{session_id}_hog.h5"
                write_descriptors(files[session_id], values, times_s)
                quality[session_id] = all_valid(times_s)
                for row in own:
                    frame = clip_frames(
                        times_s, np.ones(len(times_s), bool), row["onset_s"], before_s=4.0, after_s=2.0
                    )
                    rows["clips"].append(clip_table(row, frame, times_s))
                    rows["values"].append(values[frame])
                rows["trials"] += own
                rows["sessions"].append(
                    {**about, "simulated": True, "n_frames": len(times_s), "n_valid": len(times_s),
                     "duration_s": length_s, "fps": fs_hz, "path": f"{session_id}.nwb", "warnings": ()}
                )  # fmt: skip
                if kind.imaging:
                    chosen = dict.fromkeys(SHARES, 0.0) if strength == 0 else shares
                    imaging[session_id] = neurons(planned, times_s, course, n_neurons, chosen, rng)
    return FaceData(
        name="simulated",
        simulated=True,
        sessions=pd.DataFrame(rows["sessions"])[list(SESSION_COLUMNS)],
        trials=pd.DataFrame(rows["trials"])[list(TRIAL_COLUMNS)],
        clips=pd.concat(rows["clips"], ignore_index=True)[list(CLIP_COLUMNS)],
        descriptors=np.concatenate(rows["values"]),
        cells=np.ones(CELLS, bool),
        hog={"orientations": ORIENTATIONS, "cell_px": 32, "block_norm": "L2-Hys", "square_root": True},
        descriptor_files=files,
        quality=quality,
        imaging=imaging,
    )


def expression_course(times_s: np.ndarray, episodes: Sequence[Episode]) -> dict[str, np.ndarray]:
    """Strength of each expression at each time: up within 0.3 s, down within 0.6 s."""
    course = {name: np.zeros(len(times_s)) for name in EXPRESSIONS}
    for episode in episodes:
        since = times_s - episode.start_s
        shape = np.clip(since / 0.3, 0, 1) * np.clip(1 - (since - episode.duration_s) / 0.6, 0, 1)
        course[episode.expression] = np.maximum(course[episode.expression], episode.strength * shape)
    return course


def neurons(
    planned: pd.DataFrame,
    times_s: np.ndarray,
    course: Mapping[str, np.ndarray],
    n_neurons: int,
    shares: Mapping[str, float] | None,
    rng: np.random.Generator,
) -> CalciumTraces:
    """Neurons that follow stimuli and expressions of a session, as `simulate_neurons`."""
    imaging_s = np.arange(0.01, times_s[-1], 1 / MICROSCOPE_HZ)
    stimuli, faces = {}, {}
    for name, of in planned.groupby("stimulus"):
        starts, stops = of["start_time"].to_numpy(), of["stop_time"].to_numpy()
        on = (imaging_s[:, None] >= starts) & (imaging_s[:, None] < stops)
        stimuli[str(name)] = on.any(axis=1).astype(float)
        expression = EXPRESSION_OF_EVENT[str(name)]
        faces[expression] = np.interp(imaging_s, times_s, course[expression])
    found = simulate_neurons(
        imaging_s, stimuli=stimuli, faces=faces, n_neurons=n_neurons, rng=rng, shares=shares
    )
    rois = pd.DataFrame(
        {
            "roi": np.arange(n_neurons),
            "x_px": [columns.mean() for _, columns in found.masks],
            "y_px": [rows.mean() for rows, _ in found.masks],
            "n_px": [len(rows) for rows, _ in found.masks],
        }
    )
    return CalciumTraces(found.dff, imaging_s, rois, found.masks)


def write_descriptors(path: Path, values: np.ndarray, times_s: np.ndarray) -> None:
    """Write a file of descriptors as `analysis.faces.descriptor_files` reads it."""
    with h5py.File(path, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["parameters"] = "{}"
        file["descriptors"], file["times_s"] = values, times_s
        file["frame"], file["valid"] = np.arange(len(values)), np.ones(len(values), bool)


def all_valid(times_s: np.ndarray, excluded: np.ndarray | None = None) -> FrameQuality:
    """Quality of a video in which every frame can be used, but the excluded ones."""
    frames = pd.DataFrame({"frame": np.arange(len(times_s)), "time_s": times_s, "excluded": False})
    if excluded is not None:
        frames["excluded"] = excluded
    empty = pd.DataFrame()
    return FrameQuality(frames, empty, empty, float(np.median(np.diff(times_s))), ())


def several_values(parts: Sequence[str]) -> set[str]:
    """Events that come at several values."""
    values: dict[str, set[float]] = {}
    for stimulus in (s for part in parts for kind in STUDIES[part] for s in kind.stimuli):
        if stimulus.intensity == stimulus.intensity:
            values.setdefault(stimulus.event, set()).add(stimulus.intensity)
    return {event for event, found in values.items() if len(found) > 1}


def _site_and_group(
    kind: SessionKind, number: int, sites: Sequence[str], groups: Sequence[str]
) -> tuple[str | None, str | None]:
    if not kind.site:
        return None, None
    if kind.site != "varies":
        return kind.site, groups[0]
    turn, place = divmod(number - 1, len(sites))
    assert set(sites) <= set(SITES)
    return sites[place], groups[turn % len(groups)]


def _trial_rows(planned: pd.DataFrame, about: dict, first: int, many: set[str]) -> list[dict]:
    rows = []
    for place, row in enumerate(planned.to_dict("records")):
        event, value = row["stimulus"], row["intensity"]
        rows.append(
            {
                **about, "trial": first + place, "event": event,
                "label": f"{event}@{value:g}" if event in many else event, "value": value,
                "unit": "" if row["unit"] == "n/a" else row["unit"], "repeat": row["repeat"],
                "laser": bool(row["laser"]), "onset_s": row["start_time"],
                "duration_s": row["stop_time"] - row["start_time"], "n_frames": 30, "n_excluded": 0,
                "n_dropped": 0, "share_lost": 0.0, "kept": True, "reason": "",
            }
        )  # fmt: skip
    return rows


def _wandering(times_s: np.ndarray, sd: float, constant_s: float, rng: np.random.Generator) -> np.ndarray:
    """Return an Ornstein-Uhlenbeck process at even times, shape ``(n_times, N_FEATURES)``."""
    kept = float(np.exp(-(times_s[1] - times_s[0]) / constant_s))
    noise = rng.normal(size=(len(times_s), N_FEATURES))
    noise[0] /= np.sqrt(1 - kept**2)
    return np.asarray(sd * np.sqrt(1 - kept**2) * lfilter([1], [1, -kept], noise, axis=0))
