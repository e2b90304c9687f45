"""Small still pictures of a face, packed as WebP sheets that an HTML page can hold."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from analysis.faces.masks import FaceMask
from analysis.faces.video_frames import VideoReader

STAMP = "SIMULATED"


@dataclass(frozen=True, eq=False)
class Sheet:
    """Stills of equal size, row by row in one picture."""

    data: str
    """The picture as a ``data:`` address."""
    columns: int
    width_px: int
    """Of one still."""
    height_px: int
    n_stills: int

    @property
    def n_bytes(self) -> int:
        """Size on the page."""
        return len(self.data)


class FaceCamera:
    """Takes frames of one session's video as small grey pictures.

    Parameters
    ----------
    path : Path
        The video.
    times_s : numpy.ndarray
        Time of each frame on the session's clock.
    mask : FaceMask or None
        Its crop is applied.
    simulated : bool
        Whether every picture is stamped.
    """

    def __init__(
        self, path: Path, times_s: np.ndarray, *, mask: FaceMask | None = None, simulated: bool = False
    ) -> None:
        known = np.isfinite(times_s).all() and (np.diff(times_s) > 0).all()
        self._reader = VideoReader(path, times_s=times_s if known else None)
        self._mask = mask
        self._simulated = simulated
        self.times_s = times_s

    def take(self, frames: Sequence[int], *, width_px: int) -> list[Image.Image]:
        """Take frames by their numbers, in rising order; one that cannot be decoded is grey.

        Parameters
        ----------
        frames : sequence of int
            Numbers of frames, rising.
        width_px : int
            Width of the pictures; smaller frames are not made larger.
        """
        wanted = [int(number) for number in frames]
        found: dict[int, np.ndarray] = {}
        if wanted:
            asked = set(wanted)
            for number, _, grey in self._reader.frames(wanted[0], wanted[-1] + 1):
                if number in asked:
                    found[number] = grey
        pictures = [shrink(self._crop(found[number]), width_px) for number in wanted if number in found]
        size = pictures[0].size if pictures else (width_px, width_px * 3 // 4)
        shots = iter(pictures)
        taken = [next(shots) if number in found else Image.new("L", size, 128) for number in wanted]
        return [stamped(picture) for picture in taken] if self._simulated else taken

    def between(self, start_s: float, stop_s: float, *, step_s: float) -> np.ndarray:
        """Return the numbers of frames from one time to another, about ``step_s`` apart."""
        inside = np.flatnonzero((self.times_s >= start_s) & (self.times_s < stop_s))
        if len(inside) < 2:
            return inside
        shown_s = self.times_s[inside]
        wanted_s = np.arange(shown_s[0], shown_s[-1] + 1e-9, step_s)
        return np.unique(inside[np.searchsorted(shown_s, wanted_s - 1e-9)])

    def _crop(self, grey: np.ndarray) -> np.ndarray:
        return grey if self._mask is None else self._mask.crop_frame(grey)


def shrink(grey: np.ndarray, width_px: int) -> Image.Image:
    """Make a grey picture of at most that width; more than 8 bits are made 8.

    Examples
    --------
    >>> shrink(np.zeros((60, 80), np.uint8), 40).size
    (40, 30)
    """
    picture = Image.fromarray(to_bytes(grey))
    if picture.width <= width_px:
        return picture
    height = max(1, round(picture.height * width_px / picture.width))
    return picture.resize((width_px, height), Image.Resampling.BOX)


def stamped(picture: Image.Image) -> Image.Image:
    """Write SIMULATED into the lower left corner, so that the mark travels with every copy."""
    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(size=max(8, picture.width // 18))
    left, top, right, bottom = pen.textbbox((0, 0), STAMP, font=font)
    width, height = right - left + 4, bottom - top + 4
    corner = (0, picture.height - height)
    pen.rectangle((*corner, width, picture.height), fill=0)
    pen.text((2 - left, corner[1] + 2 - top), STAMP, fill=255, font=font)
    return drawn


def pack(pictures: Sequence[Image.Image], *, quality: int) -> Sheet:
    """Pack pictures of equal size into one sheet, about square.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not pictures:
        raise ValueError("a sheet needs a picture at least")
    width, height = pictures[0].size
    columns = max(1, min(len(pictures), round(math.sqrt(len(pictures) * height / width))))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("L", (columns * width, rows * height), 128)
    for place, picture in enumerate(pictures):
        sheet.paste(picture, (place % columns * width, place // columns * height))
    return Sheet(data_address(sheet, quality=quality), columns, width, height, len(pictures))


def data_address(picture: Image.Image, *, quality: int) -> str:
    """Give a picture as a ``data:`` address (WebP)."""
    stream = io.BytesIO()
    picture.save(stream, format="WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def to_bytes(grey: np.ndarray) -> np.ndarray:
    """Give pixels as 8 bits; wider ones by the depth of the camera that holds their largest value.

    Examples
    --------
    >>> to_bytes(np.array([[0, 1023]], np.uint16)).tolist(), to_bytes(np.array([[0.0, 254.6]])).tolist()
    ([[0, 255]], [[0, 255]])
    """
    if grey.dtype == np.uint8:
        return np.ascontiguousarray(grey)
    if grey.dtype.kind == "f":
        return np.rint(np.clip(np.nan_to_num(grey), 0, 255)).astype(np.uint8)
    depth = max(8, 2 * math.ceil(int(grey.max()).bit_length() / 2))
    return (grey >> (depth - 8)).astype(np.uint8)
