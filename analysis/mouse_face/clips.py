"""The descriptors around all events of a study, in one file that is read page by page as it is needed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.faces.descriptor_files import read_descriptors, write_durably
from analysis.mouse_face.cache import CLIPS, used
from analysis.mouse_face.face_data import CLIP_COLUMNS, FaceData, clip_frames, clip_table
from analysis.mouse_face.parameters import MouseFaceParameters


def with_clips(data: FaceData, parameters: MouseFaceParameters, folder: Path) -> FaceData:
    """Add the clips of all kept trials to a study.

    Parameters
    ----------
    data : FaceData
        The study.
    parameters : MouseFaceParameters
        Length of the clips.
    folder : Path
        Where the file of descriptors goes, ``clips_KEY.npy``; one that is there already for the same clips
        is used again.

    Returns
    -------
    FaceData
        Its ``descriptors`` are a memory map that cannot be written to.
    """
    kept = data.trials[data.trials["kept"]]
    tables = [
        _clips_of_session(data, str(name), own, parameters)
        for name, own in kept.groupby("session_id", sort=False)
    ]
    clips = pd.concat(tables, ignore_index=True)
    path = folder / CLIPS.format(_key(data, clips))
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(path, lambda unfinished: _write(unfinished, data, clips))
    used(path)
    return replace(data, clips=clips, descriptors=np.load(path, mmap_mode="r"))


def _clips_of_session(
    data: FaceData, session_id: str, trials: pd.DataFrame, parameters: MouseFaceParameters
) -> pd.DataFrame:
    times_s, valid = data.times_s(session_id), data.valid(session_id)
    tables = []
    for trial in trials.to_dict("records"):
        frame = clip_frames(
            times_s, valid, trial["onset_s"], before_s=parameters.before_s, after_s=parameters.during_s
        )
        tables.append(clip_table(trial, frame, times_s))
    return pd.concat(tables, ignore_index=True)[list(CLIP_COLUMNS)]


def _write(path: Path, data: FaceData, clips: pd.DataFrame) -> None:
    """Read the frames of each trial from the session's file, and put them where the table has them."""
    n_features = int(data.cells.sum()) * int(data.hog["orientations"])
    values = np.lib.format.open_memmap(path, "w+", np.float32, (len(clips), n_features))
    for rows in clips.groupby(["session_id", "trial"], sort=False).indices.values():
        session_id, frame = clips["session_id"].iloc[rows[0]], clips["frame"].to_numpy()[rows]
        found = read_descriptors(
            data.descriptor_files[session_id], start=int(frame[0]), stop=int(frame[-1]) + 1
        ).values[frame - frame[0]]
        columns = data.feature_columns.get(session_id)
        values[rows[0] : rows[-1] + 1] = found if columns is None else found[:, columns]
    values.flush()


def _key(data: FaceData, clips: pd.DataFrame) -> str:
    """Name of these frames of these files."""
    digest = hashlib.sha256()
    for name, own in clips.groupby("session_id", sort=False):
        path = data.descriptor_files[str(name)]
        about = path.stat()
        digest.update(f"{path.name} {about.st_size} {about.st_mtime_ns}\n".encode())
        digest.update(own["frame"].to_numpy(np.int64).tobytes())
    digest.update(np.packbits(data.cells).tobytes())
    return digest.hexdigest()[:12]
