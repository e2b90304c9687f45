"""Reading photographs: always upright, in sRGB, as red, green and blue, whatever the file holds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

MAX_PIXELS = 200_000_000
"""Photographs with more pixels are refused: no camera makes them, and they would fill the memory."""


def read_photograph(path: Path, *, background: str = "#808080") -> np.ndarray:
    """Read a photograph as it is meant to be seen.

    The orientation that the camera noted is applied, colours of an embedded profile are converted to sRGB,
    grey becomes three equal channels, 16 bits become 8, and what is transparent shows the background.

    Parameters
    ----------
    path
        JPEG, PNG, TIFF or any other file that Pillow reads.
    background
        Colour behind transparent parts, as in HTML (``#808080`` or ``grey``).

    Returns
    -------
    numpy.ndarray
        Shape ``(height_px, width_px, 3)``, uint8, RGB.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a picture, is damaged or truncated, is larger than any photograph, or holds
        floating-point numbers.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"photograph not found: {path}")
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValueError(f"the photograph {path} is too large: {picture.width} x {picture.height} px")
            if picture.mode == "F":
                raise ValueError(
                    f"the photograph {path} holds floating-point numbers, whose white is unknown. Save it "
                    "with 8 or 16 bits per channel"
                )
            upright = ImageOps.exif_transpose(picture)
            return np.array(_on_background(_to_srgb(_to_eight_bits(upright)), background))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"the photograph {path} cannot be read (damaged, or no picture?): {error}. Save it again, as "
            "PNG or JPEG"
        ) from error


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an RGB or RGBA image, uint8, as PNG; it gets its name only when it is complete."""
    unfinished = path.with_name(path.name + ".unfinished")
    Image.fromarray(image).save(unfinished, format="PNG", compress_level=1)
    unfinished.replace(path)


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Reduce 16-bit grey to 8 bits; Pillow reads 16-bit colour as 8 bits itself."""
    if not picture.mode.startswith("I"):
        return picture
    values = np.array(picture).astype(float)
    reduced = Image.fromarray(np.clip(np.rint(values / 257), 0, 255).astype(np.uint8))
    return reduced


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Convert to RGB or RGBA; through the embedded colour profile where there is a usable one."""
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    target = "RGBA" if transparent else "RGB"
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK"):
        return picture.convert(target)
    try:
        source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, source, srgb, outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None
    return converted if converted is not None else picture.convert(target)


def _on_background(picture: Image.Image, background: str) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    behind = Image.new("RGBA", picture.size, (*ImageColor.getrgb(background)[:3], 255))
    return Image.alpha_composite(behind, picture).convert("RGB")
