"""Which program made a file."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path

import imageio_ffmpeg

from stimuli.face_model import MODEL_SHA256


def versions() -> dict[str, str]:
    """Return the versions of everything that frames depend on, by name."""
    packages = ("numpy", "scipy", "opencv-python", "pillow", "imageio-ffmpeg")
    found = {"countenance": _suite_version(), "python": platform.python_version()}
    found |= {"ffmpeg": imageio_ffmpeg.get_ffmpeg_version()}
    found |= {name: _package_version(name) for name in packages}
    return {**found, "face_model_sha256": MODEL_SHA256}


def _suite_version() -> str:
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    text = project.read_text(encoding="utf-8") if project.is_file() else ""
    stated = re.search(r'^version = "(.+)"', text, flags=re.MULTILINE)
    return stated[1] if stated else _package_version("countenance")


def _package_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed as a package"
