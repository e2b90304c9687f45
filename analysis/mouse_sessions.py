"""Reads sessions of mice from NWB files: what happened when, where the videos are, and the neurons.

Files of the suite and of others are read, as long as the table of trials names the stimuli and the video has
a time for every frame: frames are never timed by their number and a rate.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

EVENT_COLUMNS = (
    "onset", "duration", "trial_type", "value", "unit", "trial", "repeat", "laser", "condition",
)  # fmt: skip
"""Columns of `MouseSession.events`; times in seconds from the start of the session."""


@dataclass(frozen=True)
class FaceVideo:
    """A video of a session."""

    path: Path
    """Where it is."""
    times_s: np.ndarray
    """Time of each frame on the session's clock, shape ``(n_frames,)``."""
    name: str = "face"
    """What is filmed."""


@dataclass(frozen=True)
class CalciumTraces:
    """The neurons of a session."""

    dff: np.ndarray
    """Relative change of fluorescence, shape ``(n_rois, n_times)``."""
    times_s: np.ndarray
    """Shape ``(n_times,)``, on the session's clock."""
    rois: pd.DataFrame
    """One row per neuron: ``roi``, ``x_px``, ``y_px`` (centre), ``n_px``."""
    masks: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Pixels of each neuron: their rows and their columns; empty where the file has none."""


@dataclass(frozen=True)
class MouseSession:
    """One session of one animal."""

    animal: str
    """Id of the animal."""
    session: str
    """Name of the session."""
    path: Path
    """The file."""
    simulated: bool
    """Whether no animal was there."""
    videos: tuple[FaceVideo, ...]
    """Videos."""
    events: pd.DataFrame
    """One row per trial, in order of onset, with the columns of `EVENT_COLUMNS` and any others of the file:
    ``value`` is the intensity in ``unit`` (NaN if it has none), ``laser`` whether the laser was on."""
    delivered: pd.DataFrame
    """What was delivered and sensed: ``onset``, ``duration``, ``event``, ``value``; may be empty."""
    calcium: CalciumTraces | None
    """Neurons, if any were recorded."""
    group: str | None
    """Group of the animal, such as ChR2 or eYFP."""
    metadata: dict[str, Any]
    """What else the file says: notes, description, start, species, sex, age."""


def find_sessions(study: Path) -> list[Path]:
    """Return the NWB files of a study, sorted; files that are not whole yet are left out.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no session in it.
    """
    if not study.is_dir():
        raise FileNotFoundError(f"there is no folder {study}")
    found = sorted(path for path in study.rglob("*.nwb") if not path.name.endswith(".unfinished.nwb"))
    if not found:
        raise FileNotFoundError(
            f"{study} has no session: expected files such as sub-m01/sub-m01_ses-emotions.nwb"
        )
    return found


def read_sessions(study: Path, *, outside: Literal["refuse", "drop"] = "refuse") -> list[MouseSession]:
    """Read all sessions of a study, sorted by file name.

    Raises
    ------
    FileNotFoundError, ValueError
        As `find_sessions` and `read_session` say.
    """
    return [read_session(path, outside=outside) for path in find_sessions(study)]


def read_session(path: Path, *, outside: Literal["refuse", "drop"] = "refuse") -> MouseSession:
    """Read a session.

    Parameters
    ----------
    path : Path
        The NWB file; its videos lie where it says, relative to it.
    outside : {"refuse", "drop"}
        What to do with trials at which a video was not running: refuse the session, or leave the trials out
        and list them in ``metadata["dropped_trials"]``.

    Returns
    -------
    MouseSession

    Raises
    ------
    FileNotFoundError
        If the file or a video is not there.
    ValueError
        If the file is no NWB file or a damaged one, has no trials, a video has no times of frames, times
        are missing or do not increase, trials lie outside a video, or numbers of regions do not agree.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no session {path}")
    from pynwb import NWBHDF5IO

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
                return _session(file.read(), path, outside)
    except (OSError, KeyError, TypeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is not an NWB file, or a damaged one ({error})") from error


def _session(content: Any, path: Path, outside: Literal["refuse", "drop"]) -> MouseSession:
    notes = _notes(content.notes)
    videos = _videos(content, path)
    events, dropped = _inside(_events(content, path), videos, path, outside)
    subject = content.subject
    metadata = {
        **notes,
        "description": content.session_description,
        "start": content.session_start_time.isoformat(),
        **{name: getattr(subject, name, None) for name in ("species", "sex", "age", "strain", "genotype")},
        **({"dropped_trials": dropped} if dropped else {}),
    }
    keywords = [str(word) for word in content.keywords[:]] if content.keywords is not None else []
    group = notes.get("group")
    return MouseSession(
        animal=str(getattr(subject, "subject_id", None) or path.stem.split("_")[0].removeprefix("sub-")),
        session=str(content.session_id or path.stem),
        path=path,
        simulated=bool(notes.get("simulated", False)) or "simulated" in keywords,
        videos=videos,
        events=events,
        delivered=_delivered(content),
        calcium=_calcium(content, path),
        group=None if group is None else str(group),
        metadata=metadata,
    )


def _notes(text: str | None) -> dict[str, Any]:
    """What the notes say as JSON; any other text is kept as it is."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"notes": text}
    return found if isinstance(found, dict) else {"notes": text}


def _videos(content: Any, path: Path) -> tuple[FaceVideo, ...]:
    series = [
        item for item in content.acquisition.values() if getattr(item, "external_file", None) is not None
    ]
    videos = []
    for item in series:
        files = [str(name) for name in item.external_file[:]]
        if len(files) != 1:
            raise ValueError(f"{path}: {item.name} is cut into {len(files)} files; join them into one video")
        video = (path.parent / files[0]).resolve()
        if not video.is_file():
            raise FileNotFoundError(f"{path}: its video {files[0]} is not at {video}; move both together")
        if item.timestamps is None:
            raise ValueError(
                f"{path}: {item.name} has no time for each frame, only a rate of {item.rate} Hz. Frames that "
                "a camera drops would shift everything after them: write the times of the camera into "
                "'timestamps'"
            )
        times_s = np.asarray(item.timestamps[:], float)
        _check_times(times_s, f"{path}: {item.name}")
        videos.append(FaceVideo(video, times_s, item.name.removeprefix("video_")))
    return tuple(videos)


def _check_times(times_s: np.ndarray, what: str) -> None:
    missing = int(np.count_nonzero(~np.isfinite(times_s)))
    if missing or not len(times_s):
        raise ValueError(
            f"{what} has no time for {missing or 'any'} of its {len(times_s)} frames. They are not guessed "
            "from a rate: take them from the camera's own log"
        )
    back = np.flatnonzero(np.diff(times_s) <= 0)
    if len(back):
        at = int(back[0]) + 1
        raise ValueError(
            f"{what}: frame {at} is at {times_s[at]:.4f} s, the one before at {times_s[at - 1]:.4f} s; times "
            "must increase. Are these the times of two recordings?"
        )


def _events(content: Any, path: Path) -> pd.DataFrame:
    if content.trials is None or not len(content.trials):
        raise ValueError(f"{path} has no trials: expected a table with start_time, stop_time and stimulus")
    table = content.trials.to_dataframe().reset_index(drop=True)
    if "stimulus" not in table:
        raise ValueError(f"{path}: the trials have no column 'stimulus', only {', '.join(table.columns)}")
    table = table.sort_values("start_time", kind="stable").reset_index(drop=True)
    events = pd.DataFrame(
        {
            "onset": table["start_time"].astype(float),
            "duration": (table["stop_time"] - table["start_time"]).astype(float),
            "trial_type": table["stimulus"].astype(str),
            "value": table["intensity"].astype(float) if "intensity" in table else np.nan,
            "unit": table["unit"].astype(str) if "unit" in table else "n/a",
            "trial": np.arange(1, len(table) + 1),
            "repeat": table["repeat"].astype(int) if "repeat" in table else _repeats(table),
            "laser": table["laser"].astype(bool) if "laser" in table else False,
            "condition": table["condition"].astype(str) if "condition" in table else "n/a",
        }
    )
    if events["onset"].isna().any():
        raise ValueError(f"{path}: trial {int(events['onset'].isna().argmax()) + 1} has no start_time")
    known = {"start_time", "stop_time", "stimulus", "intensity", *EVENT_COLUMNS}
    return events.join(table[[name for name in table if name not in known]])


def _repeats(table: pd.DataFrame) -> pd.Series:
    by = [name for name in ("stimulus", "intensity", "laser", "condition") if name in table]
    return table.groupby(by, dropna=False).cumcount() + 1


def _inside(
    events: pd.DataFrame, videos: tuple[FaceVideo, ...], path: Path, outside: Literal["refuse", "drop"]
) -> tuple[pd.DataFrame, list[int]]:
    """Return the trials at which every video ran, and the numbers of the others."""
    beyond = np.zeros(len(events), bool)
    for video in videos:
        first_s, last_s = video.times_s[0], video.times_s[-1]
        beyond |= ~events["onset"].between(first_s, last_s).to_numpy()
    dropped = events.loc[beyond, "trial"].tolist()
    if dropped and outside == "refuse":
        ranges = ", ".join(f"{v.path.name}: {v.times_s[0]:.2f} to {v.times_s[-1]:.2f} s" for v in videos)
        first = events.loc[beyond].iloc[0]
        raise ValueError(
            f"{path}: {len(dropped)} of {len(events)} trials are outside the video ({ranges}); the first is "
            f"trial {first['trial']} ({first['trial_type']}) at {first['onset']:.2f} s. Are times of the "
            "events and of the frames on the same clock? If the camera stopped early, read the session with "
            "outside='drop'"
        )
    return events.loc[~beyond].reset_index(drop=True), dropped


def _delivered(content: Any) -> pd.DataFrame:
    tables = getattr(content, "events", None) or {}
    columns = {"timestamp": "onset"}
    wanted = [table for name, table in tables.items() if name != "frame_pulses"]  # exposures of the camera
    found = [table.to_dataframe().rename(columns=columns) for table in wanted]
    if not found:
        return pd.DataFrame({"onset": [], "duration": [], "event": [], "value": []})
    joined = pd.concat(found, ignore_index=True)
    return joined.sort_values("onset", kind="stable").reset_index(drop=True)


def _calcium(content: Any, path: Path) -> CalciumTraces | None:
    from pynwb.ophys import DfOverF

    found = [
        series
        for module in content.processing.values()
        for item in module.data_interfaces.values()
        if isinstance(item, DfOverF)
        for series in item.roi_response_series.values()
    ]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"{path} has dF/F of {len(found)} planes; one plane per file is read")
    series = found[0]
    data = np.atleast_2d(np.asarray(series.data[:], float))
    if series.timestamps is not None:
        times_s = np.asarray(series.timestamps[:], float)
    elif series.rate:  # a scanner keeps its rate, other than a camera that drops frames
        times_s = float(series.starting_time or 0.0) + np.arange(len(data)) / float(series.rate)
    else:
        raise ValueError(f"{path}: the neurons have neither times nor a rate of the microscope's frames")
    _check_times(times_s, f"{path}: {series.name}")
    regions, chosen = series.rois.table, np.asarray(series.rois.data[:], int)
    if data.shape != (len(times_s), len(chosen)) or (len(chosen) and chosen.max() >= len(regions)):
        raise ValueError(
            f"{path}: traces of shape {data.shape} (times, neurons), but {len(times_s)} times and "
            f"{len(chosen)} of {len(regions)} regions of interest: files of two runs of the segmentation?"
        )
    masks = tuple(_mask(regions, int(roi)) for roi in chosen)
    rois = pd.DataFrame(
        {
            "roi": chosen,
            "x_px": [columns.mean() if len(columns) else np.nan for _, columns in masks],
            "y_px": [rows.mean() if len(rows) else np.nan for rows, _ in masks],
            "n_px": [len(rows) for rows, _ in masks],
        }
    )
    return CalciumTraces(np.ascontiguousarray(data.T), times_s, rois, masks)


def _mask(regions: Any, roi: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of one region: rows and columns."""
    if "pixel_mask" in regions.colnames:
        pixels = regions["pixel_mask"][roi]
        return (np.array([int(p[1]) for p in pixels], int), np.array([int(p[0]) for p in pixels], int))
    if "image_mask" in regions.colnames:
        rows, columns = np.nonzero(np.asarray(regions["image_mask"][roi]))
        return rows, columns
    return np.zeros(0, int), np.zeros(0, int)
