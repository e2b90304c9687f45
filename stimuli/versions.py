"""Which program made a file."""

from __future__ import annotations

import platform
from importlib import metadata

import imageio_ffmpeg

from stimuli.face_model import MODEL_SHA256


def versions() -> dict[str, str]:
    """Return the versions of everything that frames depend on, by name."""
    packages = ("countenance", "numpy", "scipy", "opencv-python", "pillow", "imageio-ffmpeg")
    found = {"python": platform.python_version(), "ffmpeg": imageio_ffmpeg.get_ffmpeg_version()}
    found |= {name: _package_version(name) for name in packages}
    return {**found, "face_model_sha256": MODEL_SHA256}


def _package_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed as a package"
