"""Stage two: descriptors, verdicts on frames, and events become the study that figures are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.bouts import FearBouts, find_fear_bouts
from analysis.faces.descriptor_files import read_descriptors, read_observed
from analysis.faces.exclusion_tables import runs
from analysis.faces.frame_quality import FrameQuality, judge_frames
from analysis.faces.masks import FaceMask
from analysis.faces.motion_energy import MotionEnergy, without_gaps
from analysis.mouse_face.face_data import TRIAL_COLUMNS, FaceData
from analysis.mouse_face.face_meters import measures_of, motion_of, picture_of, white_of
from analysis.mouse_face.neutral import neutral_bouts
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.trials import judge_trials, study_trials
from analysis.mouse_face.videos import FaceFile, face_video
from analysis.mouse_sessions import CalciumTraces, MouseSession

FEAR = ("escape", "freezing")
"""Events that are looked for in the video, where the study has no trials of them."""
FEAR_BY_MOVEMENT = (
    "Escape and freezing were found in the video by how much the animal moved. That the face is different "
    "then follows in part from how they were found; tests of these two classes say less than those of stimuli"
)


@dataclass(frozen=True, kw_only=True)
class Described:
    """Sessions whose videos are described: what both presets begin with."""

    study: Path
    sessions: Mapping[str, MouseSession]
    """Name of a session -> session; by animal, in the order in which they were recorded."""
    files: Mapping[str, FaceFile]
    masks: Mapping[str, FaceMask]
    imaging: Mapping[str, CalciumTraces] = field(default_factory=dict)
    registration: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()
    """What was left out before, in words."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """What was measured in a session's video, with the verdict on its frames."""

    quality: FrameQuality
    motion: MotionEnergy
    picture: np.ndarray
    about: dict[str, Any]
    warnings: tuple[str, ...]


def assemble(described: Described, parameters: MouseFaceParameters, **carried: Any) -> FaceData:
    """Judge frames and trials, and gather the descriptors around events.

    Parameters
    ----------
    described : Described
        Sessions with their files of descriptors.
    parameters : MouseFaceParameters
        Rules of exclusion and the length of clips.
    **carried
        Further fields of `FaceData`, such as the table of emotions.

    Returns
    -------
    FaceData
        Without clips; see `analysis.mouse_face.clips.with_clips`.

    Raises
    ------
    ValueError
        If sessions do not fit together, or no trial is left.
    """
    seen = {name: _look(described, name, parameters) for name in described.sessions}
    bouts, notes = _fear(described, seen, parameters)
    neutral, remarks = neutral_bouts(described.sessions, parameters)
    added = [{name: found.bouts for name, found in bouts.items()}, neutral]
    trials = study_trials(described.sessions, added)
    trials = judge_trials(trials, {name: one.quality for name, one in seen.items()}, parameters)
    cells, columns, doubts = common_cells({name: one.about for name, one in seen.items()})
    return FaceData(
        name=described.study.resolve().name,
        simulated=any(session.simulated for session in described.sessions.values()),
        sessions=_session_table(described, seen),
        trials=trials[list(TRIAL_COLUMNS)],
        clips=pd.DataFrame(),
        descriptors=np.empty((0, 0), np.float32),
        cells=cells,
        hog=next(iter(seen.values())).about["hog"],
        videos={name: face_video(session).path for name, session in described.sessions.items()},
        descriptor_files={name: file.path for name, file in described.files.items()},
        feature_columns=columns,
        masks=described.masks,
        pictures={name: one.picture for name, one in seen.items()},
        quality={name: one.quality for name, one in seen.items()},
        motion={name: one.motion for name, one in seen.items()},
        registration=described.registration,
        bouts=bouts,
        imaging=described.imaging,
        notes=(*described.notes, *notes, *remarks, *doubts),
        **carried,
    )


def common_cells(
    about: Mapping[str, dict[str, Any]],
) -> tuple[np.ndarray, dict[str, np.ndarray], tuple[str, ...]]:
    """Find the cells that all sessions have, so that their descriptors can be compared.

    Parameters
    ----------
    about : mapping
        Name of a session -> parameters of its file of descriptors.

    Returns
    -------
    cells : numpy.ndarray
        Boolean ``(n_cell_rows, n_cell_columns)``.
    columns : dict
        Name of a session that has more cells -> columns of its file that are these.
    notes : tuple of str
        What was left out.

    Raises
    ------
    ValueError
        If faces are of different sizes, or no cell is common to all.
    """
    grids = {
        name: np.array([[mark == "x" for mark in row] for row in one["cells"]]) for name, one in about.items()
    }
    shapes = {name: grid.shape for name, grid in grids.items()}
    if len(set(shapes.values())) > 1:
        name, other = _two_different(shapes)
        raise ValueError(
            f"faces of {name} have {_by(shapes[name])} cells, those of {other} {_by(shapes[other])}: all "
            "videos, or their crops, must have one size. Give crops of one size (--crop, or masks.yaml in "
            "the folder of each animal)"
        )
    common = np.logical_and.reduce(list(grids.values()))
    if not common.any():
        raise ValueError("the face masks of the sessions have no cell in common; draw them alike")
    n_bins = int(next(iter(about.values()))["hog"]["orientations"])
    columns = {
        name: np.flatnonzero(np.repeat(common[grid], n_bins))
        for name, grid in grids.items()
        if grid.sum() > common.sum()
    }
    lost = max(int(grid.sum() - common.sum()) for grid in grids.values())
    notes = (
        (f"masks differ: only the cells that all sessions have are used, up to {lost} fewer",) if lost else ()
    )
    return common, columns, notes


def _look(described: Described, name: str, parameters: MouseFaceParameters) -> _Seen:
    """Judge the frames of a session by what was measured of them."""
    file = described.files[name]
    observed = read_observed(file.path)
    about = read_descriptors(file.path, stop=0).parameters
    times_s = face_video(described.sessions[name]).times_s
    quality = judge_frames(measures_of(observed, times_s), exclude=parameters.quality_rules)
    quality = _with_damaged(quality, times_s)
    motion = _over_all_frames(without_gaps(motion_of(observed, times_s)), times_s)
    white = white_of(str(about["video"]["pixel_format"]))
    warnings = tuple(dict.fromkeys([*file.warnings, *quality.warnings]))
    return _Seen(
        quality=quality,
        motion=motion,
        picture=picture_of(observed, white),
        about=about,
        warnings=warnings,
    )


def _with_damaged(quality: FrameQuality, times_s: np.ndarray) -> FrameQuality:
    """Add the frames that could not be decoded, so that there is a row for each frame of the video."""
    frames = quality.frames.set_index("frame").reindex(np.arange(len(times_s)))
    damaged = frames["excluded"].isna().to_numpy()
    frames["time_s"] = times_s
    frames["missing_before"] = frames["missing_before"].fillna(0).astype(int)
    for name in quality.frames.select_dtypes("bool"):
        frames[name] = frames[name].astype("boolean").fillna(name == "excluded").astype(bool)
    frames["damaged"] = damaged
    frames = frames.rename_axis("frame").reset_index()[[*quality.frames.columns, "damaged"]]
    if not damaged.any():
        return replace(quality, frames=frames)
    stretches = [
        {
            "reason": "damaged",
            "first_frame": first,
            "last_frame": last,
            "start_s": times_s[first],
            "stop_s": times_s[last] + quality.interval_s,
            "n_frames": last - first + 1,
            "worst": np.nan,
            "excluded": True,
        }
        for first, last in runs(damaged)
    ]
    count = {
        "reason": "damaged",
        "rule": "cannot be decoded",
        "n_frames": int(damaged.sum()),
        "share": float(damaged.mean()),
        "n_stretches": len(stretches),
    }
    return replace(
        quality,
        frames=frames,
        exclusions=pd.concat([quality.exclusions, pd.DataFrame(stretches)], ignore_index=True),
        counts=pd.concat([quality.counts, pd.DataFrame([count])], ignore_index=True),
    )


def _over_all_frames(motion: MotionEnergy, times_s: np.ndarray) -> MotionEnergy:
    energy = motion.energy.set_index(motion.frame).reindex(np.arange(len(times_s))).reset_index(drop=True)
    return MotionEnergy(np.arange(len(times_s)), times_s, energy)


def _fear(
    described: Described, seen: Mapping[str, _Seen], parameters: MouseFaceParameters
) -> tuple[dict[str, FearBouts], tuple[str, ...]]:
    """Look for escape and freezing, where there were shocks and the study has no trials of them."""
    events = pd.concat([session.events for session in described.sessions.values()])["trial_type"]
    if not parameters.find_bouts or events.isin(FEAR).any():
        return {}, ()
    found, notes = {}, []
    for name, session in described.sessions.items():
        shocks = session.events[session.events["trial_type"] == parameters.shock_event]
        if shocks.empty:
            continue
        one = seen[name]
        energy = one.motion.energy
        try:
            found[name] = find_fear_bouts(
                energy["frame"].to_numpy(),
                energy["face"].to_numpy(),
                one.motion.times_s,
                shocks,
                valid=one.quality.valid,
            )
        except ValueError as error:
            notes.append(f"{name}: escape and freezing were not looked for: {error}")
    if found:
        notes.append(FEAR_BY_MOVEMENT)
    return found, tuple(notes)


def _session_table(described: Described, seen: Mapping[str, _Seen]) -> pd.DataFrame:
    rows = []
    for name, session in described.sessions.items():
        quality, times_s = seen[name].quality, face_video(session).times_s
        conditions = sorted(set(session.events["condition"]) - {"n/a", "nan", ""})
        rows.append(
            {
                "session_id": name,
                "animal": session.animal,
                "session": session.session,
                "group": session.group or "",
                "site": str(session.metadata.get("site") or ""),
                "condition": " and ".join(conditions),
                "simulated": session.simulated,
                "n_frames": len(times_s),
                "n_valid": int(quality.valid.sum()),
                "duration_s": float(times_s[-1] - times_s[0]),
                "fps": 1.0 / quality.interval_s,
                "path": session.path,
                "warnings": seen[name].warnings,
            }
        )
    return pd.DataFrame(rows)


def _two_different(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
    first = next(iter(shapes))
    return first, next(name for name in shapes if shapes[name] != shapes[first])


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
