"""What is known of a study once its videos are descriptors: what lies between videos and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.bouts import FearBouts
from analysis.faces.descriptor_files import read_descriptors
from analysis.faces.frame_quality import FrameQuality
from analysis.faces.masks import FaceMask
from analysis.faces.motion_energy import MotionEnergy
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_sessions import CalciumTraces

SESSION_COLUMNS = (
    "session_id", "animal", "session", "group", "site", "condition", "simulated", "n_frames", "n_valid",
    "duration_s", "fps", "path", "warnings",
)  # fmt: skip
"""Columns of `FaceData.sessions`."""
TRIAL_COLUMNS = (
    "session_id", "animal", "session", "trial", "event", "label", "value", "unit", "repeat", "condition",
    "laser", "group", "site", "onset_s", "duration_s", "n_frames", "n_excluded", "n_dropped", "share_lost",
    "kept", "reason",
)  # fmt: skip
"""Columns of `FaceData.trials`."""
CLIP_COLUMNS = (
    "animal", "session_id", "session", "trial", "event", "label", "value", "unit", "repeat", "condition",
    "laser", "group", "site", "since_s", "during", "frame", "time_s",
)  # fmt: skip
"""Columns of `FaceData.clips`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FaceData:
    """A study whose videos are descriptors."""

    name: str
    """Name of the study."""
    simulated: bool
    """Whether any of it is simulated."""
    sessions: pd.DataFrame
    """One row per session, columns `SESSION_COLUMNS`: ``n_valid`` are the frames that may be analysed,
    ``group``, ``site`` and ``condition`` are empty where there are none, ``warnings`` is a tuple of str."""
    trials: pd.DataFrame
    """One row per trial, columns `TRIAL_COLUMNS`: ``trial`` is its number within the animal, over all of its
    sessions; ``event`` what was given, ``label`` the event, or ``event@value`` where the study gives it at
    several values; ``kept`` whether it is analysed and, if not, ``reason`` why."""
    clips: pd.DataFrame
    """One row per valid frame around the onset of each kept trial, columns `CLIP_COLUMNS`, index 0, 1, ...:
    ``since_s`` from the onset, ``during`` whether at or after it, ``frame`` its number in the video."""
    descriptors: np.ndarray
    """Descriptor of each row of ``clips``, shape ``(n_clip_frames, n_features)``, float32; may be a memory
    map, which must not be written to."""
    cells: np.ndarray
    """Which cells of the face the features are, boolean ``(n_cell_rows, n_cell_columns)``; features are
    these cells row by row, ``hog["orientations"]`` values each."""
    hog: Mapping[str, Any]
    """How descriptors were made: ``orientations``, ``cell_px``, ``block_norm``, ``square_root``."""
    videos: Mapping[str, Path] = field(default_factory=dict)
    """session_id -> video."""
    descriptor_files: Mapping[str, Path] = field(default_factory=dict)
    """session_id -> file of descriptors of all frames."""
    feature_columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    """session_id -> columns of its file that are the features of ``cells``; all, where it is not there."""
    masks: Mapping[str, FaceMask] = field(default_factory=dict)
    """session_id -> crop and mask, as they were applied."""
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    """session_id -> mean picture of the whole frame, ``(height_px, width_px)``, 0 to 255."""
    quality: Mapping[str, FrameQuality] = field(default_factory=dict)
    """session_id -> verdict on each frame."""
    motion: Mapping[str, MotionEnergy] = field(default_factory=dict)
    """session_id -> motion energy of the face (``face``) and the whole frame (``frame``)."""
    registration: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row per session of an animal with several: ``session_id animal reference shift_x_px shift_y_px
    rotation_deg scale correlation_before correlation_after residual_levels applied_x_px applied_y_px
    warning``."""
    bouts: Mapping[str, FearBouts] = field(default_factory=dict)
    """session_id -> escape and freezing that were found in the video, where they were looked for."""
    imaging: Mapping[str, CalciumTraces] = field(default_factory=dict)
    """session_id -> neurons."""
    emotions: EmotionNames = field(default_factory=EmotionNames)
    """Which emotion an event is taken for; in labels only."""
    notes: tuple[str, ...] = ()
    """What was left out or mended in the whole study, in words."""
    workers: int = 1
    """Processors that a panel may use; results do not depend on it."""
    cache: Path | None = None
    """Where results that take minutes are kept (`analysis.mouse_face.cache.remembered`); None: nowhere."""

    @property
    def animals(self) -> list[str]:
        """Animals, sorted."""
        return sorted(self.sessions["animal"].unique())

    def face_picture(self, session_id: str) -> np.ndarray:
        """Return the mean picture of a session, cropped as the descriptors are."""
        picture = self.pictures[session_id]
        mask = self.masks.get(session_id)
        return picture if mask is None else mask.crop_frame(picture)

    def clips_of(self, trials: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the clips of some trials and their descriptors.

        Parameters
        ----------
        trials : pandas.DataFrame
            Rows of ``self.trials``, such as `analysis.mouse_face.selection` gives; their ``label`` counts.

        Returns
        -------
        tuple
            Rows of ``clips`` with the label of ``trials`` (index 0, 1, ...), and a copy of their descriptors.
        """
        labels = trials.set_index(["animal", "trial"])["label"]
        keys = pd.MultiIndex.from_frame(self.clips[["animal", "trial"]])
        rows = np.flatnonzero(keys.isin(labels.index))
        clips = self.clips.iloc[rows].reset_index(drop=True)
        clips["label"] = labels.reindex(keys[rows]).to_numpy()
        return clips, np.array(self.descriptors[rows])

    def around(
        self, trials: pd.DataFrame, *, before_s: float, after_s: float
    ) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Yield the valid frames around trials, one animal at a time, read from the files.

        For times longer than the clips; memory holds one animal's frames.

        Parameters
        ----------
        trials : pandas.DataFrame
            Rows of ``self.trials``; their ``label`` counts.
        before_s, after_s : float
            Time before and after each onset.

        Yields
        ------
        tuple
            Table as ``clips`` (index 0, 1, ...), in the order of trials, and descriptors of its rows. Where
            two trials overlap, frames come twice.
        """
        for _, own in trials.groupby("animal", sort=True):
            tables, values = [], []
            for session_id, part in own.groupby("session_id", sort=False):
                table, found = self._around_in_session(str(session_id), part, before_s, after_s)
                tables.append(table)
                values.append(found)
            yield pd.concat(tables, ignore_index=True), np.concatenate(values)

    def session_chunks(
        self, session_id: str, n_frames: int = 4096
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield a whole session in pieces: times (s), numbers of frames, whether valid, descriptors."""
        valid = self.valid(session_id)
        for start in range(0, len(valid), n_frames):
            found = read_descriptors(
                self.descriptor_files[session_id], start=start, stop=min(start + n_frames, len(valid))
            )
            rows = found.frame
            yield found.times_s, rows, valid[rows], self._columns(session_id, found.values)

    def times_s(self, session_id: str) -> np.ndarray:
        """Return the time of each frame of a session on its clock."""
        return self.quality[session_id].frames["time_s"].to_numpy()

    def valid(self, session_id: str) -> np.ndarray:
        """Return which frames of a session may be analysed, boolean, one per frame of the video."""
        return self.quality[session_id].valid

    def _around_in_session(
        self, session_id: str, trials: pd.DataFrame, before_s: float, after_s: float
    ) -> tuple[pd.DataFrame, np.ndarray]:
        times_s, valid = self.times_s(session_id), self.valid(session_id)
        tables, values = [], []
        for trial in trials.to_dict("records"):
            frame = clip_frames(times_s, valid, trial["onset_s"], before_s=before_s, after_s=after_s)
            tables.append(clip_table(trial, frame, times_s))
            if len(frame):
                found = read_descriptors(
                    self.descriptor_files[session_id], start=int(frame[0]), stop=int(frame[-1]) + 1
                )
                values.append(self._columns(session_id, found.values[frame - frame[0]]))
        width = int(self.cells.sum()) * int(self.hog["orientations"])
        none = np.empty((0, width), np.float32)
        return pd.concat(tables, ignore_index=True), np.concatenate([none, *values])

    def _columns(self, session_id: str, values: np.ndarray) -> np.ndarray:
        columns = self.feature_columns.get(session_id)
        return values if columns is None else values[:, columns]


def clip_frames(
    times_s: np.ndarray, valid: np.ndarray, onset_s: float, *, before_s: float, after_s: float
) -> np.ndarray:
    """Return the numbers of the valid frames around an onset.

    Parameters
    ----------
    times_s : numpy.ndarray
        Time of each frame; not rising where a frame is not valid.
    valid : numpy.ndarray
        Which frames may be used.
    onset_s : float
        The onset, on the same clock.
    before_s, after_s : float
        Time before (included) and after (not included).

    Examples
    --------
    >>> valid = np.array([1, 1, 0, 1, 1, 1], bool)
    >>> clip_frames(np.arange(6.0), valid, 3.0, before_s=2.0, after_s=2.0).tolist()
    [1, 3, 4]
    """
    since = times_s - onset_s
    return np.flatnonzero(valid & (since >= -before_s - 1e-9) & (since < after_s - 1e-9))


def clip_table(trial: Mapping[Any, Any], frame: np.ndarray, times_s: np.ndarray) -> pd.DataFrame:
    """Return the rows of ``clips`` of one trial, for the given frames."""
    since_s = times_s[frame] - trial["onset_s"]
    about = {name: trial[name] for name in CLIP_COLUMNS if name in trial}
    table = pd.DataFrame({name: [value] * len(frame) for name, value in about.items()})
    table["since_s"], table["during"] = since_s, since_s >= -1e-9
    table["frame"], table["time_s"] = frame, times_s[frame]
    return table[list(CLIP_COLUMNS)]
