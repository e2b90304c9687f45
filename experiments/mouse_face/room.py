"""Whether the disk has room for a session, before it begins."""

from __future__ import annotations

import shutil
from pathlib import Path

from hardware.cameras.backend import CameraFacts

SHARES = {"ffv1": 0.7, "raw": 1.02, "h264_lossless": 0.8}
"""Size of a recording relative to its pixels, for each codec. FFV1 took 0.58 of a noisy face; our choice is
to keep more free than that. Lossy codecs need less than 0.5."""
MARGIN_BYTES = 200e6
"""What is kept free beside the video (bytes)."""


def needed_bytes(*, width_px: int, height_px: int, fps: float, duration_s: float, codec: str) -> float:
    """Return how many bytes a session may take.

    >>> needed = needed_bytes(width_px=640, height_px=480, fps=30, duration_s=1200, codec="ffv1")
    >>> round(needed / 1e9, 2)
    7.94
    """
    return width_px * height_px * fps * duration_s * SHARES.get(codec, 0.5) + MARGIN_BYTES


def check_room(folder: Path, *, facts: CameraFacts, codec: str, duration_s: float) -> None:
    """Refuse a session that the disk has no room for.

    Raises
    ------
    ValueError
        If it has not; the message says how much is missing.
    """
    needed = needed_bytes(
        width_px=facts.width_px,
        height_px=facts.height_px,
        fps=facts.fps,
        duration_s=duration_s,
        codec=codec,
    )
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise ValueError(
            f"the session may take {needed / 1e9:.1f} GB and the disk of {place} has {free / 1e9:.1f} GB "
            "free: make room, or name a study on another disk"
        )
