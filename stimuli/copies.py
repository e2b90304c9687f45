"""Copies of a video in other forms: a small video to send around, pictures, and frames without background."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stimuli.manifest import file_sha256
from stimuli.video import UNFINISHED_SUFFIX, write_video

SMALL_ARGUMENTS = (
    *("-c:v", "libx264", "-crf", "14", "-preset", "medium", "-g", "25", "-bf", "0", "-threads", "1"),
    *("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"),
    *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1"),
    *("-movflags", "+faststart", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"),
)
"""Arguments of ffmpeg for a video that every player and browser shows. It has lost detail and half of the
colours' resolution: not for experiments."""
ALPHA_ARGUMENTS = (
    *("-c:v", "ffv1", "-level", "3", "-g", "1", "-pix_fmt", "bgra", "-threads", "1"),
    *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"),
)
"""Arguments of ffmpeg for a lossless video with alpha. H.264 has no alpha, so FFV1 in Matroska; many players
ignore its alpha, and pictures with alpha are written beside it."""


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Which copies are wanted beside the lossless video."""

    small: bool = False
    """A small video, ``<video>_small.mp4`` (H.264, yuv420p, lossy)."""
    png: bool = False
    """A folder of pictures, ``<video>_png``, one per frame, numbered from 1."""
    alpha: bool = False
    """Frames without background: a folder of pictures, ``<video>_alpha``, and ``<video>_alpha.mkv``."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the wanted copies."""
        return tuple(name for name in ("small", "png", "alpha") if getattr(self, name))


def write_small(frames: Iterable[np.ndarray], video: Path, *, fps: float) -> dict[str, Any]:
    """Write the small copy beside a video; return its name and SHA-256."""
    path = video.with_name(f"{video.stem}_small.mp4")
    write_video(frames, path, arguments=SMALL_ARGUMENTS, fps=fps, container="mp4")
    return {"file": path.name, "file_sha256": file_sha256(path)}


def write_alpha_video(frames: Iterable[np.ndarray], video: Path, *, fps: float) -> dict[str, Any]:
    """Write frames with alpha, shape ``(height_px, width_px, 4)``, as FFV1; return name and SHA-256."""
    path = video.with_name(f"{video.stem}_alpha.mkv")
    write_video(frames, path, arguments=ALPHA_ARGUMENTS, fps=fps, container="matroska")
    return {"file": path.name, "file_sha256": file_sha256(path)}


def write_pictures(frames: Iterable[np.ndarray], folder: Path) -> dict[str, Any]:
    """Write frames as PNG, RGB or RGBA; the folder gets its name only when all are in it.

    Returns
    -------
    dict
        Name of the folder and the SHA-256 of each file in order.
    """
    unfinished = folder.with_name(folder.name + UNFINISHED_SUFFIX)
    for old in (unfinished, folder):
        if old.is_dir():
            shutil.rmtree(old)
    unfinished.mkdir()
    hashes = []
    for number, frame in enumerate(frames, start=1):
        path = unfinished / f"{number:04d}.png"
        order = cv2.COLOR_RGB2BGR if frame.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        ok, content = cv2.imencode(".png", cv2.cvtColor(frame, order), [cv2.IMWRITE_PNG_COMPRESSION, 4])
        if not ok:
            raise RuntimeError(f"{path} could not be encoded as PNG")
        path.write_bytes(content.tobytes())
        hashes.append(file_sha256(path))
    unfinished.replace(folder)
    return {"folder": folder.name, "files": len(hashes), "file_sha256": hashes}


def are_whole(described: dict[str, Any], wanted: Copies, folder: Path) -> bool:
    """Tell whether all wanted copies, as a sidecar describes them, are there unchanged.

    Parameters
    ----------
    described
        What the sidecar says under ``copies``.
    wanted
        Which there must be.
    folder
        Where they lie.
    """
    parts: list[dict[str, Any]] = []
    for name in wanted.wanted:
        copy = described.get(name)
        if not copy:
            return False
        parts += copy if isinstance(copy, list) else [copy]
    return all(_is_whole(part, folder) for part in parts)


def _is_whole(part: dict[str, Any], folder: Path) -> bool:
    if "file" in part:
        path = folder / part["file"]
        return path.is_file() and file_sha256(path) == part["file_sha256"]
    names = sorted((folder / part["folder"]).glob("*.png"))
    return [file_sha256(name) for name in names] == part["file_sha256"]
