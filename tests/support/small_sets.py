"""Stimulus sets of small videos, made in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stimuli.manifest import StimulusVideo, file_sha256, write_json, write_manifest
from stimuli.video import encode, frame_hashes

FPS = 25.0


def make_set(
    folder: Path,
    *,
    n_pairs: int = 2,
    n_frames: int = 25,
    directions: tuple[str, str] = ("AngryToHappy", "HappyToAngry"),
) -> Path:
    """Make a stimulus set of small videos whose frames can be told apart."""
    folder.mkdir()
    videos = []
    for pair in range(1, n_pairs + 1):
        for index, direction in enumerate(directions):
            name = f"id{pair:02}_{direction}"
            frames = np.full((n_frames, 120, 100, 3), 40 * pair, np.uint8)
            frames[:, 10:110, 10:90, index] = np.linspace(0, 255, n_frames).astype(np.uint8)[:, None, None]
            encode(frames, folder / f"{name}.mp4", fps=FPS)
            together = frame_hashes(frames)[1]
            levels = np.linspace(0, 1, n_frames).tolist()
            write_json(folder / f"{name}.json", {"levels": levels, "frames_sha256": together})
            videos.append(
                StimulusVideo(
                    folder=folder,
                    video=name,
                    pair=f"id{pair:02}",
                    identity=f"id{pair:02}",
                    sex="female",
                    direction=direction,
                    file=f"{name}.mp4",
                    n_frames=n_frames,
                    fps=FPS,
                    width_px=100,
                    height_px=120,
                    sidecar=f"{name}.json",
                    file_sha256=file_sha256(folder / f"{name}.mp4"),
                    frames_sha256=together,
                )
            )
    write_manifest(folder, videos, description={"parameters": {}})
    return folder
