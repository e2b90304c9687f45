"""Which part of each video is the face: the masks of a study, moved to where the face lies in each session.

A mask is drawn on an animal's first session. Where the picture of a later session lies elsewhere by whole
pixels, its crop and outlines move along; nothing is interpolated, because that changes descriptors more than
it mends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.frame_quality import SHIFT_PX
from analysis.faces.masks import FaceMask, Outline, read_mask
from analysis.faces.registration import LEAST_CORRELATION, Registration, register
from analysis.faces.video_frames import VideoReader
from analysis.mouse_face.face_meters import white_of, whole_frame_mask
from analysis.mouse_face.videos import face_video
from analysis.mouse_sessions import FaceVideo, MouseSession

FILE_NAME = "masks.yaml"
"""Mask of a study, or of an animal (in its folder); ``SESSION_masks.yaml`` is that of one session."""
LOOK_S = 10.0
"""Beginning of each session whose frames make the picture that is registered. Our choice: before events."""
LOOK_FRAMES = 31
"""Frames of it, whose median is taken. Our choice."""


def find_masks(
    study: Path, sessions: Mapping[str, MouseSession], given: Path | None = None
) -> dict[str, FaceMask]:
    """Find the mask of each session.

    Parameters
    ----------
    study : Path
        Folder of the study.
    sessions : mapping
        Name of a session -> session.
    given : Path, optional
        Mask of all sessions; otherwise ``SESSION_masks.yaml`` beside the session's file counts, then
        ``masks.yaml`` in its folder, then in the study's. Without any, the whole frame is described.

    Raises
    ------
    FileNotFoundError, ValueError
        If a mask is not there or cannot be read.
    """
    if given is not None:
        mask = read_mask(given)
        return dict.fromkeys(sessions, mask)
    return {name: _own_mask(study, session.path) for name, session in sessions.items()}


def _own_mask(study: Path, path: Path) -> FaceMask:
    beside = (path.with_name(f"{path.stem}_{FILE_NAME}"), path.with_name(FILE_NAME), study / FILE_NAME)
    found = next((file for file in beside if file.is_file()), None)
    return FaceMask() if found is None else read_mask(found)


def register_study(
    sessions: Mapping[str, MouseSession],
    masks: Mapping[str, FaceMask],
    *,
    least_shift_px: float,
    most_rotation_deg: float,
    workers: int = 1,
    progress: Callable[[int], None] = lambda n_sessions: None,
) -> tuple[dict[str, FaceMask], pd.DataFrame]:
    """Register each animal's sessions to its first, and move masks to where the face lies.

    Parameters
    ----------
    sessions, masks : mapping
        Name of a session -> session, its mask; in the order of the sessions.
    least_shift_px : float
        Shift from which a mask is moved.
    most_rotation_deg : float
        Rotation beyond which a warning is given.
    workers : int
        Videos that are looked at side by side.
    progress : callable
        Is called with the number of sessions that were looked at.

    Returns
    -------
    masks : dict of str to FaceMask
        As they are to be applied.
    table : pandas.DataFrame
        As `FaceData.registration`; empty where no animal has several sessions.
    """
    later = {name: first for name, first in _first_sessions(sessions).items() if first != name}
    wanted = [name for name in sessions if name in later or name in later.values()]
    pictures: dict[str, np.ndarray] = {}
    with ThreadPoolExecutor(max(1, workers)) as pool:
        looks = pool.map(lambda name: first_picture(face_video(sessions[name])), wanted)
        for name, picture in zip(wanted, looks, strict=True):
            pictures[name] = picture
            progress(1)
    moved, rows = dict(masks), []
    for name, first in later.items():
        same = masks[name] == masks[first]
        mask, row = _fitted(pictures[first], pictures[name], masks[name], same, least_shift_px)
        moved[name] = mask
        if abs(row["rotation_deg"]) > most_rotation_deg and "rotated" not in row["warning"]:
            row["warning"] = "; ".join(filter(None, [row["warning"], "rotated beyond what can be undone"]))
        rows.append({"session_id": name, "animal": sessions[name].animal, "reference": first, **row})
    return moved, pd.DataFrame(rows, columns=list(REGISTRATION_COLUMNS))


REGISTRATION_COLUMNS = (
    "session_id", "animal", "reference", "shift_x_px", "shift_y_px", "rotation_deg", "scale",
    "correlation_before", "correlation_after", "residual_levels", "applied_x_px", "applied_y_px", "warning",
)  # fmt: skip


def first_picture(video: FaceVideo) -> np.ndarray:
    """Return the median of some frames of the beginning of a video, 0 to 255, float32."""
    reader = VideoReader(video.path, times_s=video.times_s)
    stop = max(1, int(np.searchsorted(reader.times_s, reader.times_s[0] + LOOK_S)))
    step = max(1, stop // LOOK_FRAMES)
    frames = [frame.grey for frame in reader.frames(0, stop) if frame.number % step == 0]
    if not frames:
        raise ValueError(f"no frame in the first {LOOK_S:g} s of {video.path} can be decoded")
    white = white_of(str(reader.record()["pixel_format"]))
    return (np.median(frames, axis=0) * (255.0 / white)).astype(np.float32)


def moved_mask(mask: FaceMask, x_px: int, y_px: int) -> FaceMask:
    """Return a mask that lies further right and down.

    Examples
    --------
    >>> from analysis.faces.masks import Crop
    >>> mask = FaceMask(crop=Crop(left_px=10, top_px=5, width_px=4, height_px=3))
    >>> moved_mask(mask, -2, 1).crop
    Crop(left_px=8, top_px=6, width_px=4, height_px=3)
    """

    def outlines(given: tuple[Outline, ...]) -> tuple[Outline, ...]:
        return tuple(tuple((x + x_px, y + y_px) for x, y in outline) for outline in given)

    crop = mask.crop
    if crop is not None:
        crop = replace(crop, left_px=crop.left_px + x_px, top_px=crop.top_px + y_px)
    return replace(mask, crop=crop, face=outlines(mask.face), spout=outlines(mask.spout))


def _first_sessions(sessions: Mapping[str, MouseSession]) -> dict[str, str]:
    """Name of each session -> name of the first of its animal."""
    first: dict[str, str] = {}
    return {name: first.setdefault(session.animal, name) for name, session in sessions.items()}


def _fitted(
    reference: np.ndarray, picture: np.ndarray, mask: FaceMask, same_mask: bool, least_shift_px: float
) -> tuple[FaceMask, dict[str, Any]]:
    """Return a session's mask where the face lies, and what was found."""
    try:
        face = whole_frame_mask(mask, reference.shape) if mask.face and same_mask else None
        found = register(reference, picture, mask=face)
    except ValueError as error:
        return mask, {**_row(None), "warning": f"not registered: {error}"}
    warnings = list(found.warnings)
    x, y = (round(value) for value in found.shift_px)
    if not _to_move(found, least_shift_px) or not same_mask:
        return mask, {**_row(found), "warning": "; ".join(warnings)}
    if mask.crop is None:
        if np.hypot(*found.shift_px) < SHIFT_PX:
            return mask, {**_row(found), "warning": "; ".join(warnings)}
        warnings.append(
            f"the picture lies {found.shift_px[0]:.1f} px to the right and {found.shift_px[1]:.1f} px down; "
            "without a crop nothing can be moved: give one (--crop) that leaves a margin around the face"
        )
        return mask, {**_row(found), "warning": "; ".join(warnings)}
    moved = moved_mask(mask, x, y)
    if not _fits(moved, picture.shape):
        warnings.append("the moved crop would reach beyond the frame, and was left where it is")
        return mask, {**_row(found), "warning": "; ".join(warnings)}
    row = {**_row(found), "applied_x_px": x, "applied_y_px": y, "warning": "; ".join(warnings)}
    return moved, row


def _to_move(found: Registration, least_shift_px: float) -> bool:
    trusted = found.correlation_after >= max(LEAST_CORRELATION, found.correlation_before)
    return trusted and max(abs(value) for value in found.shift_px) >= least_shift_px


def _fits(mask: FaceMask, shape: tuple[int, ...]) -> bool:
    if mask.crop is not None and min(mask.crop.left_px, mask.crop.top_px) < 0:
        return False
    try:
        mask.cropped_shape(shape)
    except ValueError:
        return False
    return True


def _row(found: Registration | None) -> dict[str, Any]:
    nan = float("nan")
    return {
        "shift_x_px": found.shift_px[0] if found else nan,
        "shift_y_px": found.shift_px[1] if found else nan,
        "rotation_deg": found.rotation_deg if found else nan,
        "scale": found.scale if found else nan,
        "correlation_before": found.correlation_before if found else nan,
        "correlation_after": found.correlation_after if found else nan,
        "residual_levels": found.residual_levels if found else nan,
        "applied_x_px": 0,
        "applied_y_px": 0,
    }
