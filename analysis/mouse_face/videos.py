"""Stage one: every video of a study is decoded once and becomes a file of descriptors and measures.

The files lie in ``STUDY/derivatives/countenance/faces``. A run that was killed goes on where it was, 512
frames lost at most; a video that was described before, with the same mask and parameters, is not read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.faces.describe import DescribedVideo, HogParameters
from analysis.faces.describe_many import Job, describe_videos
from analysis.faces.describe_on_scheduler import describe_on_scheduler
from analysis.faces.descriptor_files import write_durably
from analysis.faces.masks import FaceMask, mask_record
from analysis.mouse_face.face_meters import FaceMeters
from analysis.mouse_sessions import FaceVideo, MouseSession
from experiments.dataset.provenance import package_versions, suite_version

FACES = Path("derivatives", "countenance", "faces")
"""Where files of descriptors lie in a study."""
FACE = "face"
"""Name of the video that is analysed, where a session has several."""


@dataclass(frozen=True, kw_only=True)
class FaceFile:
    """The file of descriptors of a session."""

    session_id: str
    path: Path
    warnings: tuple[str, ...]
    """What is wrong with the video."""
    described_now: bool
    """Whether it was made now, in whole or in part."""


def session_ids(sessions: Sequence[MouseSession]) -> list[str]:
    """Return the name of each session: the stem of its file.

    Raises
    ------
    ValueError
        If two files have the same.
    """
    stems = [session.path.stem for session in sessions]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        paths = ", ".join(str(session.path) for session in sessions if session.path.stem == twice)
        raise ValueError(f"two sessions are called {twice} ({paths}); each file needs a name of its own")
    return stems


def face_video(session: MouseSession) -> FaceVideo:
    """Return the video of the face of a session.

    Raises
    ------
    ValueError
        If there is none, or several without one called ``face``.
    """
    if len(session.videos) == 1:
        return session.videos[0]
    named = [video for video in session.videos if video.name == FACE]
    if len(named) == 1:
        return named[0]
    names = ", ".join(video.name for video in session.videos) or "none"
    raise ValueError(
        f"{session.path}: expected one video, or one called video_{FACE}; there are: {names}. Add the video "
        "to the file's acquisitions, or name the one of the face so"
    )


def describe_study(
    sessions: Mapping[str, MouseSession],
    *,
    folder: Path,
    masks: Mapping[str, FaceMask],
    hog: HogParameters,
    workers: int,
    progress: Callable[[int], None],
    scheduler: str | None = None,
) -> dict[str, FaceFile]:
    """Describe the face videos of all sessions.

    Parameters
    ----------
    sessions : mapping
        Name of a session -> session.
    folder : Path
        Where the files go.
    masks : mapping
        Name of a session -> crop and mask.
    hog : HogParameters
        What to compute.
    workers : int
        Processors to use.
    progress : callable
        Is called with the number of frames done since the last call.
    scheduler : str, optional
        Address of a dask scheduler, whose workers do the work instead of this machine's processors.

    Returns
    -------
    dict of str to FaceFile

    Raises
    ------
    ValueError
        If videos cannot be read or do not fit to their sessions; all of them are named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: _key(face_video(sessions[name]), masks[name], hog) for name in sessions}
    present = {name: _present(folder, name, keys[name]) for name in sessions}
    jobs = {
        name: _job(folder, name, face_video(sessions[name]), masks[name], hog)
        for name in sessions
        if present[name] is None
    }
    for name in sessions.keys() - jobs.keys():
        progress(len(face_video(sessions[name]).times_s))
    results = {}
    if jobs and scheduler is None:
        done = describe_videos(list(jobs.values()), workers=workers, progress=progress)
        results = dict(zip(jobs, done, strict=True))
    elif jobs and scheduler is not None:
        done = describe_on_scheduler(list(jobs.values()), address=scheduler, progress=progress)
        results = dict(zip(jobs, done, strict=True))
    _raise_all(results, sessions)
    files = {}
    for name in sessions:
        result = results.get(name)
        if isinstance(result, DescribedVideo):
            _remember(folder, name, keys[name], result.warnings)
        warnings = present[name] if result is None else result.warnings  # type: ignore[union-attr]
        files[name] = FaceFile(
            session_id=name,
            path=_path(folder, name),
            warnings=tuple(warnings or ()),
            described_now=result is not None,
        )
    return files


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}_faces.h5"


def _job(folder: Path, name: str, video: FaceVideo, mask: FaceMask, hog: HogParameters) -> Job:
    options: dict[str, Any] = {
        "parameters": hog,
        "mask": mask,
        "times_s": video.times_s,
        "observer": FaceMeters(mask),
        "overwrite": True,
    }
    return Job(video.path, _path(folder, name), len(video.times_s), options)


def _key(video: FaceVideo, mask: FaceMask, hog: HogParameters) -> dict[str, Any]:
    """What tells, without reading it, whether a video and what is wanted of it are still the same."""
    about = video.path.stat()
    return {
        "video": video.path.name,
        "bytes": about.st_size,
        "modified_ns": about.st_mtime_ns,
        "times_sha256": hashlib.sha256(np.ascontiguousarray(video.times_s, "<f8").tobytes()).hexdigest(),
        "hog": asdict(hog),
        "mask": mask_record(mask),
        "observed": FaceMeters(mask).plan(),
        "versions": {
            "countenance": suite_version(),
            **package_versions(["numpy", "numba", "av", "h5py", "pillow"]),
        },
    }


def _present(folder: Path, name: str, key: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the warnings of a file that was made before for the same key; None if there is none."""
    stamp, path = _stamp(folder, name), _path(folder, name)
    if not (stamp.is_file() and path.is_file()):
        return None
    try:
        known = json.loads(stamp.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return tuple(known["warnings"]) if known.get("key") == json.loads(json.dumps(key)) else None


def _remember(folder: Path, name: str, key: dict[str, Any], warnings: Sequence[str]) -> None:
    text = json.dumps({"key": key, "warnings": list(warnings)}, indent=1) + "\n"
    write_durably(_stamp(folder, name), lambda path: path.write_text(text, encoding="utf-8", newline="\n"))


def _stamp(folder: Path, name: str) -> Path:
    return folder / f"{name}_faces.json"


def _raise_all(
    results: Mapping[str, DescribedVideo | Exception], sessions: Mapping[str, MouseSession]
) -> None:
    failed = {name: result for name, result in results.items() if isinstance(result, Exception)}
    for result in failed.values():
        if not isinstance(result, ValueError | OSError):
            raise result
    if failed:
        lines = [f"{face_video(sessions[name]).path}: {error}" for name, error in failed.items()]
        raise ValueError(
            "\n".join(lines) + "\nMend the file, or leave its session out with --without "
            f"{next(iter(failed))} (what was described of the others is kept)"
        )
