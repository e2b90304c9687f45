"""Studies of mouse faces as descriptors, without videos: with expressions that are known, or with none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.mouse_face.face_data import (
    CLIP_COLUMNS,
    SESSION_COLUMNS,
    TRIAL_COLUMNS,
    FaceData,
    clip_table,
)
from hardware.simulated.mouse_study import STUDIES, SessionKind, Stimulus

LEAD_IN_S, INTERVAL_S = 60.0, 40.0
ORIENTATIONS = 4


def simulated_study(
    rng: np.random.Generator,
    *,
    parts: Sequence[str] = ("emotions",),
    kinds: Sequence[SessionKind] | None = None,
    n_animals: int = 6,
    repeats: int = 3,
    effect: float = 1.0,
    fs_hz: float = 5.0,
    cells: tuple[int, int] = (4, 5),
    drift_sd: float = 1.0,
    movement_sd: float = 0.5,
    before_s: float = 4.0,
    during_s: float = 2.0,
    blocked: bool = False,
    videos: dict[str, Path] | None = None,
) -> FaceData:
    """Simulate a study.

    Expressions are directions of the descriptor, the same in all animals up to their size; each session has
    drift and quick movements of its own, and each animal its looks. ``effect`` 0: nothing follows any event.
    """
    n_features = cells[0] * cells[1] * ORIENTATIONS
    chosen = [kind for part in parts for kind in STUDIES[part]] if kinds is None else list(kinds)
    names = sorted({stimulus.expression or "" for kind in chosen for stimulus in kind.stimuli} - {""})
    expressions = {name: rng.normal(0, effect, n_features) for name in names}
    many = _several_values(chosen)
    sessions, trials, clips, values = [], [], [], []
    for number in range(n_animals):
        animal, trial = f"m{number + 1:02d}", 0
        looks, size = rng.normal(0, 2, n_features), {name: max(0.2, rng.normal(1, 0.25)) for name in names}
        for kind in chosen:
            order = _order(kind.stimuli, repeats, blocked, rng)
            about = {
                "session_id": f"{animal}_{kind.name}", "animal": animal, "session": kind.name,
                "condition": "" if kind.condition == "n/a" else kind.condition, "group": "", "site": "",
            }  # fmt: skip
            rows = _trial_rows(order, about, trial, many)
            trials += rows
            trial += len(rows)
            since_s = np.arange(-round(before_s * fs_hz), round(during_s * fs_hz)) / fs_hz
            times_s = np.concatenate([row["onset_s"] + since_s for row in rows])
            face = looks + _wandering(times_s, n_features, drift_sd, 200.0, rng)
            face += _wandering(times_s, n_features, movement_sd, 0.5, rng)
            for place, (row, stimulus) in enumerate(zip(rows, order, strict=True)):
                own = slice(place * len(since_s), (place + 1) * len(since_s))
                if stimulus.expression:
                    strength = stimulus.strength * size[stimulus.expression] * max(0.0, rng.normal(1, 0.25))
                    face[own] += (since_s >= 0)[:, None] * strength * expressions[stimulus.expression]
                frame = np.round(times_s[own] * fs_hz).astype(int)
                clip = clip_table(row, frame, np.arange(frame.max() + 1) / fs_hz)
                clips.append(clip.assign(since_s=since_s, during=since_s >= 0))
            values.append(face.astype(np.float32))
            n_frames = int((LEAD_IN_S + INTERVAL_S * (len(rows) + 1)) * fs_hz)
            sessions.append(
                {**about, "simulated": True, "n_frames": n_frames, "n_valid": n_frames, "fps": fs_hz,
                 "duration_s": n_frames / fs_hz, "path": f"{about['session_id']}.nwb", "warnings": ()}
            )  # fmt: skip
    return FaceData(
        name="simulated",
        simulated=True,
        sessions=pd.DataFrame(sessions)[list(SESSION_COLUMNS)],
        trials=pd.DataFrame(trials)[list(TRIAL_COLUMNS)],
        clips=pd.concat(clips, ignore_index=True)[list(CLIP_COLUMNS)],
        descriptors=np.concatenate(values),
        cells=np.ones(cells, bool),
        hog={"orientations": ORIENTATIONS, "cell_px": 32, "block_norm": "L2-Hys", "square_root": True},
        videos=videos or {},
    )


def without(data: FaceData, **left_out: object) -> FaceData:
    """Return the study without the trials that have these values, such as ``event="neutral"``."""
    import dataclasses

    def kept(table: pd.DataFrame) -> np.ndarray:
        same = np.ones(len(table), bool)
        for column, value in left_out.items():
            same &= table[column].isin(value if isinstance(value, list) else [value]).to_numpy()
        return ~same

    rows = kept(data.clips)
    return dataclasses.replace(
        data,
        trials=data.trials[kept(data.trials)].reset_index(drop=True),
        clips=data.clips[rows].reset_index(drop=True),
        descriptors=data.descriptors[rows],
    )


def only_animals(data: FaceData, animals: Sequence[str]) -> FaceData:
    """Return the study of some animals only."""
    import dataclasses

    others = sorted(set(data.sessions["animal"]) - set(animals))
    left = without(data, animal=others)
    sessions = data.sessions[data.sessions["animal"].isin(animals)].reset_index(drop=True)
    return dataclasses.replace(left, sessions=sessions)


def _several_values(kinds: Sequence[SessionKind]) -> set[str]:
    """Return the events that come at several values."""
    values: dict[str, set[float]] = {}
    for kind in kinds:
        for stimulus in kind.stimuli:
            if stimulus.intensity == stimulus.intensity:
                values.setdefault(stimulus.event, set()).add(stimulus.intensity)
    return {event for event, found in values.items() if len(found) > 1}


def _order(
    stimuli: Sequence[Stimulus], repeats: int, blocked: bool, rng: np.random.Generator
) -> list[Stimulus]:
    if blocked:
        return [stimuli[i] for i in rng.permutation(len(stimuli)) for _ in range(repeats)]
    return [stimuli[i] for _ in range(repeats) for i in rng.permutation(len(stimuli))]


def _trial_rows(order: Sequence[Stimulus], about: dict, first: int, many: set[str]) -> list[dict]:
    rows, came = [], {}
    for place, stimulus in enumerate(order):
        key = (stimulus.event, stimulus.intensity if stimulus.event in many else 0.0, stimulus.laser)
        came[key] = came.get(key, 0) + 1
        label = f"{stimulus.event}@{stimulus.intensity:g}" if stimulus.event in many else stimulus.event
        rows.append(
            {
                **about, "trial": first + place, "event": stimulus.event, "label": label,
                "value": stimulus.intensity, "unit": "" if stimulus.unit == "n/a" else stimulus.unit,
                "repeat": came[key], "laser": stimulus.laser, "duration_s": stimulus.duration_s,
                "onset_s": LEAD_IN_S + INTERVAL_S * place, "n_frames": 30, "n_excluded": 0, "n_dropped": 0,
                "share_lost": 0.0, "kept": True, "reason": "",
            }
        )  # fmt: skip
    return rows


def _wandering(
    times_s: np.ndarray, n_features: int, sd: float, constant_s: float, rng: np.random.Generator
) -> np.ndarray:
    """Return an Ornstein-Uhlenbeck process at increasing times, exact for any steps."""
    kept = np.exp(-np.diff(times_s, prepend=-np.inf) / constant_s)
    found = sd * np.sqrt(1 - kept**2)[:, None] * rng.normal(size=(len(times_s), n_features))
    for row in range(1, len(times_s)):
        found[row] += kept[row] * found[row - 1]
    return found
