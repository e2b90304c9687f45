"""A folder of pictures, one per frame, as some cameras write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from analysis.faces.video_decoder import GreyFrame, luma

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm"}
"""Endings of the pictures that are read."""


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder in the order of the numbers in their names.

    Raises
    ------
    ValueError
        If there are none.
    """
    pictures = [path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES]
    if not pictures:
        raise ValueError(f"no pictures in {folder}; expected files ending in {', '.join(sorted(SUFFIXES))}")
    return sorted(pictures, key=lambda path: _in_order(path.name))


def _in_order(name: str) -> list[tuple[int, str]]:
    """Sort key: ``frame9`` before ``frame10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def read_grey(path: Path) -> np.ndarray:
    """Return the grey pixels of a picture, ``(height_px, width_px)``, uint8 or uint16.

    Raises
    ------
    ValueError
        If it is not a readable picture.
    """
    try:
        with Image.open(path) as image:
            if image.mode == "L":
                return np.asarray(image)
            if image.mode.startswith("I;16"):
                return np.asarray(image).astype(np.uint16)
            if image.mode in ("1", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr"):
                return luma(np.asarray(image.convert("RGB")))
            raise ValueError(f"the pixels of {path} ({image.mode}) are not grey or RGB of 8 or 16 bit")
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"not a readable picture: {path} ({error})") from None


def read_pictures(pictures: list[Path], *, start: int) -> Iterator[GreyFrame]:
    """Read the pictures from ``start`` on; those that cannot be read or have another size are left out."""
    shape = picture_shape(pictures)
    for index in range(start, len(pictures)):
        try:
            pixels = read_grey(pictures[index])
        except ValueError:
            continue
        if pixels.shape == shape:
            yield index, pixels


def picture_shape(pictures: list[Path]) -> tuple[int, int]:
    """Return ``(height_px, width_px)`` of the first picture that can be read.

    Raises
    ------
    ValueError
        If none can be read.
    """
    for path in pictures:
        try:
            height_px, width_px = read_grey(path).shape
        except ValueError:
            continue
        return height_px, width_px
    raise ValueError(f"none of the {len(pictures)} pictures in {pictures[0].parent} can be read")
