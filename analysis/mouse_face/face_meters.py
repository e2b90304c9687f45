"""What is measured of each frame while a video is described: quality, movement, and the mean picture.

All in the one pass in which the video is decoded. A run that was killed and goes on finds the same numbers:
before it goes on it looks again at the frames that the meters compare others with.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.describe import PART_FRAMES
from analysis.faces.frame_measures import REFERENCE_FRAMES, FrameMeasures, FrameMeter
from analysis.faces.masks import FaceMask, mask_record
from analysis.faces.motion_energy import MotionEnergy, MotionMeter
from analysis.faces.video_frames import Frame, VideoReader

PICTURE_EVERY = 4
"""Every so many frames one is added to the mean picture. Our choice: neighbours are alike."""
_LOOK_BACK = 16
_TABLE = ("frame", "tiles", "difference", "identical", "shift_px", "shift_response")


class FaceMeters:
    """Measures the frames of one video; an `analysis.faces.describe.FrameObserver`.

    Parameters
    ----------
    mask : FaceMask
        What is the face; outside of it a change counts for the shift of the picture only.
    """

    def __init__(self, mask: FaceMask) -> None:
        self._mask = mask
        self._seen = self._taken = 0

    def plan(self) -> dict[str, Any]:
        """Return what decides the numbers."""
        return {"measures": 1, "picture_every": PICTURE_EVERY, "mask": mask_record(self._mask)}

    def start(self, reader: VideoReader, first: int) -> None:
        """Make the meters, and bring them to where they were before frame ``first``."""
        shape = (reader.height_px, reader.width_px)
        face, white = whole_frame_mask(self._mask, shape), _white(reader)
        self._meter = FrameMeter(shape, mask=face, full_scale=white)
        self._whole = None if face is None else MotionMeter(shape, full_scale=white)
        self._sum = np.zeros(shape, np.uint32 if white is None else np.uint64)
        self._n = 0
        if first:
            self._catch_up(reader, first)
        self._taken = self._seen

    def see(self, frame: Frame) -> None:
        """Measure the next frame."""
        self._add(frame)
        if frame.number % PICTURE_EVERY == 0:
            self._sum += frame.grey
            self._n += 1

    def take(self) -> dict[str, np.ndarray]:
        """Return the measures of the frames since the last call, and the sum of their pictures."""
        if self._seen == 0:
            return {}
        new = slice(self._taken, None)
        measures = self._meter.result()  # settles what the shift is measured against
        found = {name: getattr(measures, name)[new] for name in _TABLE}
        if self._whole is not None:
            found["whole"] = self._whole.result().energy["face"].to_numpy(np.float32)[new]
        found |= {"sum_picture": self._sum.copy(), "sum_pictures": np.array(self._n, np.int64)}
        self._sum[:], self._n, self._taken = 0, 0, self._seen
        return found

    def _add(self, frame: Frame) -> None:
        self._meter.add(frame.number, frame.time_s, frame.grey)
        if self._whole is not None:
            self._whole.add(frame.number, frame.time_s, frame.grey)
        self._seen += 1

    def _catch_up(self, reader: VideoReader, first: int) -> None:
        """See again the frames that the shift is measured against, and the one before the first."""
        end = first
        for frame in reader.frames(0, first):
            if not self._seen:
                end = (frame.number // PART_FRAMES + 1) * PART_FRAMES
            if frame.number >= end or self._seen == REFERENCE_FRAMES:
                break
            self._add(frame)
        if not self._seen:
            return
        self._meter.result()
        back = _LOOK_BACK
        while not (last := deque(reader.frames(max(0, first - back), first), maxlen=1)):
            back *= 4
        self._add(last[0])


def measures_of(observed: dict[str, np.ndarray], times_s: np.ndarray) -> FrameMeasures:
    """Return what was measured of the frames that could be decoded.

    Parameters
    ----------
    observed : dict
        As `analysis.faces.descriptor_files.read_observed` gives it.
    times_s : numpy.ndarray
        Time of every frame of the video.
    """
    return FrameMeasures(**{name: observed[name] for name in _TABLE}, times_s=times_s[observed["frame"]])


def motion_of(observed: dict[str, np.ndarray], times_s: np.ndarray) -> MotionEnergy:
    """Return the motion energy of the face (``face``) and of the whole frame (``frame``)."""
    face = observed["difference"].astype(float)
    energy = pd.DataFrame({"face": face, "frame": observed.get("whole", face).astype(float)})
    return MotionEnergy(observed["frame"], times_s[observed["frame"]], energy)


def picture_of(observed: dict[str, np.ndarray], white: float = 255.0) -> np.ndarray:
    """Return the mean picture of the whole frame, 0 black to 255 white, float32."""
    mean = observed["sum_picture"] / max(1, int(observed["sum_pictures"]))
    return (mean * (255.0 / white)).astype(np.float32)


def whole_frame_mask(mask: FaceMask, shape: tuple[int, int]) -> np.ndarray | None:
    """Return which pixels of the whole frame are the face; None if all are."""
    inside = mask.pixels(shape)
    if mask.crop is None and inside.all():
        return None
    whole = np.zeros(shape, bool)
    mask.crop_frame(whole)[...] = inside
    return whole


def white_of(pixel_format: str) -> float:
    """Return the grey level of white of a pixel format.

    >>> white_of("gray"), white_of("gray12le"), white_of("yuv420p10le")
    (255.0, 4095.0, 1023.0)
    """
    bits = re.search(r"(?:gray|p)(9|10|12|14|16)(?:le|be)?$", pixel_format)
    return float(2 ** int(bits[1]) - 1) if bits else 255.0


def _white(reader: VideoReader) -> float | None:
    """White of videos of more than 8 bits; None for the others."""
    white = white_of(str(reader.record()["pixel_format"]))
    return None if white == 255.0 else white
