"""The manifest of a stimulus set: which videos there are, what each shows, and whether one has changed.

A set is a folder with ``manifest.tsv`` (a row per video), ``manifest.json`` (what the columns mean,
parameters, versions), the videos, and one JSON sidecar per video with the morph level, time and hash of every
frame.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from stimuli.video import decode as decode_video
from stimuli.video import frame_hashes

MANIFEST_NAME = "manifest.tsv"
DICTIONARY_NAME = "manifest.json"

COLUMNS: dict[str, dict[str, Any]] = {
    "video": {"Description": "Unique name of the video"},
    "pair": {"Description": "Name of the pair of photographs that the video was made from"},
    "identity": {"Description": "The person in the photographs"},
    "sex": {"Description": "Sex of the person", "Levels": {"female": "female", "male": "male"}},
    "direction": {"Description": "First and last expression of the video, as in HappyToAngry"},
    "file": {"Description": "Video file, relative to this folder: H.264 RGB, lossless, MP4"},
    "n_frames": {"Description": "Number of frames"},
    "fps": {"Description": "Frames per second", "Units": "1/s"},
    "width_px": {"Description": "Width of a frame", "Units": "px"},
    "height_px": {"Description": "Height of a frame", "Units": "px"},
    "sidecar": {
        "Description": "JSON file, relative to this folder: level, time and hash of each frame, and more"
    },
    "file_sha256": {"Description": "SHA-256 of the bytes of the video file"},
    "frames_sha256": {
        "Description": "SHA-256 of all decoded frames in order (height, width, RGB; one byte each)"
    },
}
"""Columns of ``manifest.tsv`` in their order, with their meaning."""


@dataclass(frozen=True, kw_only=True)
class StimulusVideo:
    """One row of a manifest."""

    folder: Path
    """Folder of the set."""
    video: str
    """Unique name, as in ``id01_HappyToAngry``."""
    pair: str
    """Name of the pair of photographs."""
    identity: str
    """The person shown."""
    sex: str
    """``male`` or ``female``."""
    direction: str
    """First and last expression, as in ``HappyToAngry``."""
    file: str
    """Video file, relative to the folder, with forward slashes."""
    n_frames: int
    """Number of frames."""
    fps: float
    """Frames per second."""
    width_px: int
    """Width of a frame in pixels."""
    height_px: int
    """Height of a frame in pixels."""
    sidecar: str
    """JSON file beside the video, relative to the folder."""
    file_sha256: str
    """SHA-256 of the video file."""
    frames_sha256: str
    """SHA-256 of the decoded frames in order."""

    @property
    def path(self) -> Path:
        """The video file."""
        return self.folder / self.file

    @property
    def sidecar_path(self) -> Path:
        """The JSON file beside the video."""
        return self.folder / self.sidecar

    @property
    def duration_s(self) -> float:
        """Duration of the video in seconds."""
        return self.n_frames / self.fps


def read_manifest(folder: Path) -> list[StimulusVideo]:
    """Read the videos of a stimulus set in the order of its manifest.

    Parameters
    ----------
    folder
        Folder that ``python -m stimuli morph`` made.

    Returns
    -------
    list of StimulusVideo
        One per row.

    Raises
    ------
    FileNotFoundError
        If the folder or its manifest does not exist.
    ValueError
        If the manifest lacks a column, has no rows, names a video twice, or holds a value that cannot be.
    """
    path = Path(folder) / MANIFEST_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"no stimulus set in {folder}: it has no {MANIFEST_NAME}. Make one with: "
            "python -m stimuli morph PAIRS.tsv FOLDER (a set whose making was interrupted has none yet)"
        )
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise ValueError(f"{path} lacks the columns {', '.join(missing)}")
        videos = [_video(Path(folder), path, row, line) for line, row in enumerate(reader, start=2)]
    if not videos:
        raise ValueError(f"{path} has no videos")
    names = [video.video for video in videos]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path} names these videos more than once: {', '.join(twice)}")
    return videos


def write_manifest(folder: Path, videos: Sequence[StimulusVideo], *, description: dict[str, Any]) -> None:
    """Write ``manifest.json`` and then ``manifest.tsv``, which makes the set a finished one.

    Parameters
    ----------
    folder
        Folder of the set.
    videos
        Rows in order.
    description
        What ``manifest.json`` says beside the meaning of the columns: parameters, versions, source.
    """
    write_json(folder / DICTIONARY_NAME, {**COLUMNS, **description})
    lines = ["\t".join(COLUMNS)]
    for video in videos:
        values = dataclasses.asdict(video)
        lines.append("\t".join(_text(values[name]) for name in COLUMNS))
    write_text(folder / MANIFEST_NAME, "\n".join(lines) + "\n")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that appears under its name only when it is complete."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file with plain line ends that appears under its name only when it is complete."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_set(folder: Path, *, decode: bool) -> list[str]:
    """Compare a stimulus set with its manifest.

    Parameters
    ----------
    folder
        Folder that ``python -m stimuli morph`` made.
    decode
        Whether to decode every video and compare all frames (a second per video), besides the files.

    Returns
    -------
    list of str
        One sentence per problem; empty if the set is as it was made.

    Raises
    ------
    FileNotFoundError
        If the folder or its manifest does not exist.
    ValueError
        If the manifest itself cannot be read.
    """
    problems = []
    for video in read_manifest(folder):
        problems += check_video(video, decode=decode)
    return problems


def check_video(video: StimulusVideo, *, decode: bool) -> list[str]:
    """Compare one video and its sidecar with the manifest; the sentences that `check_set` collects."""
    if not video.path.is_file():
        return [f"{video.video}: the video file {video.file} is missing"]
    problems = _check_sidecar(video)
    if file_sha256(video.path) != video.file_sha256:
        problems.append(f"{video.video}: the file {video.file} is not the one that was made (other SHA-256)")
    if decode:
        problems += _check_frames(video)
    return problems


def _check_sidecar(video: StimulusVideo) -> list[str]:
    try:
        content = json.loads(video.sidecar_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [f"{video.video}: the sidecar {video.sidecar} is missing"]
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return [f"{video.video}: the sidecar {video.sidecar} is not readable JSON ({error})"]
    levels = content.get("levels", [])
    problems = []
    if len(levels) != video.n_frames:
        problems.append(
            f"{video.video}: the sidecar has {len(levels)} levels, the manifest {video.n_frames} frames"
        )
    if content.get("frames_sha256") != video.frames_sha256:
        problems.append(f"{video.video}: sidecar and manifest disagree about the frames (frames_sha256)")
    return problems


def _check_frames(video: StimulusVideo) -> list[str]:
    try:
        frames = decode_video(video.path)
    except ValueError as error:
        return [f"{video.video}: {error}"]
    n_frames, height_px, width_px, _ = frames.shape
    problems = []
    if n_frames != video.n_frames:
        problems.append(f"{video.video}: the video has {n_frames} frames, the manifest says {video.n_frames}")
    if (width_px, height_px) != (video.width_px, video.height_px):
        problems.append(
            f"{video.video}: the video has {width_px} x {height_px} px, "
            f"the manifest says {video.width_px} x {video.height_px}"
        )
    if not problems and frame_hashes(frames)[1] != video.frames_sha256:
        problems.append(f"{video.video}: the frames are not those that were made (other SHA-256)")
    return problems


def _video(folder: Path, manifest: Path, row: dict[str, str], line: int) -> StimulusVideo:
    """Make a record of one row; `line` is its number in the file, for messages."""
    where = f"{manifest}, line {line}"
    if None in row or None in row.values():
        raise ValueError(f"{where}: the number of fields is not the number of columns")
    values: dict[str, Any] = {name: row[name] for name in COLUMNS}
    for name in ("n_frames", "width_px", "height_px"):
        values[name] = _positive(where, name, row[name], int)
    values["fps"] = _positive(where, "fps", row["fps"], float)
    for name in ("file", "sidecar"):
        _check_inside(where, name, row[name])
    if row["sex"] not in COLUMNS["sex"]["Levels"]:
        raise ValueError(f"{where}: sex is {row['sex']!r}; expected male or female")
    empty = [name for name in ("video", "pair", "identity", "direction") if not row[name].strip()]
    if empty:
        raise ValueError(f"{where}: empty {', '.join(empty)}")
    return StimulusVideo(folder=folder, **values)


def _positive(where: str, name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        number = kind(text)
    except ValueError:
        number = kind(0)
    if not 0 < number < 1e9:
        raise ValueError(f"{where}: {name} is {text!r}; expected a positive number")
    return number


def _check_inside(where: str, name: str, text: str) -> None:
    path = PureWindowsPath(text)  # knows both kinds of slash and drive letters, on every system
    if not text or path.is_absolute() or path.drive or path.root or ".." in path.parts:
        raise ValueError(f"{where}: {name} is {text!r}; expected a path inside the folder of the set")


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
