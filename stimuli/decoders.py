"""Three independent ways to decode a video, so that no player shows other frames than were made.

==============  ============================================================================================
decoder         what it is
==============  ============================================================================================
`ffmpeg`        the ffmpeg program of the package ``imageio-ffmpeg``, through a pipe; PsychoPy and this suite
`opencv`        ``cv2.VideoCapture`` with OpenCV's own build of FFmpeg's libraries
`ffpyplayer`    the player of PsychoPy's ``MovieStim``, with a third build of these libraries
==============  ============================================================================================
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import imageio_ffmpeg
import numpy as np

from stimuli.video import read_frames

PATIENCE_S = 30.0
"""A player that gives no frame for so long counts as failed."""


class TimedFrame(NamedTuple):
    """A decoded frame."""

    frame: np.ndarray
    """Shape ``(height_px, width_px, 3)``, uint8, RGB."""
    time_s: float | None
    """When the file says that it is to be shown, seconds from the first frame; None if the decoder does not
    tell."""


def decoders() -> dict[str, str | None]:
    """Return the version of each decoder by name; None where it is not installed."""
    player = importlib.util.find_spec("ffpyplayer") is not None
    return {
        "ffmpeg": f"imageio-ffmpeg {metadata.version('imageio-ffmpeg')}, "
        f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}",
        "opencv": f"OpenCV {cv2.__version__}",
        "ffpyplayer": f"ffpyplayer {metadata.version('ffpyplayer')}" if player else None,
    }


def decode_with(decoder: str, path: Path) -> Iterator[TimedFrame]:
    """Decode a video frame by frame with one of the `decoders`.

    Parameters
    ----------
    decoder
        ``ffmpeg``, ``opencv`` or ``ffpyplayer``.
    path
        Video file.

    Raises
    ------
    ValueError
        If there is no such decoder, or the decoder cannot read the file.
    """
    known: dict[str, Callable[[Path], Iterator[TimedFrame]]] = {
        "ffmpeg": _with_ffmpeg,
        "opencv": _with_opencv,
        "ffpyplayer": _with_ffpyplayer,
    }
    if decoder not in known:
        raise ValueError(f"unknown decoder {decoder!r}; known are {', '.join(known)}")
    return known[decoder](path)


def _with_ffmpeg(path: Path) -> Iterator[TimedFrame]:
    for frame in read_frames(path):
        yield TimedFrame(frame, None)


def _with_opencv(path: Path) -> Iterator[TimedFrame]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        if not capture.isOpened():
            raise ValueError(f"OpenCV cannot open {path}")
        while True:
            more, frame = capture.read()
            if not more:
                return
            time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield TimedFrame(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), time_s)
    finally:
        capture.release()


def _with_ffpyplayer(path: Path) -> Iterator[TimedFrame]:
    """Decode with a player that is made to show, not to decode.

    It gives its first frame twice, and announces the end instead of the last frame, which is there all the
    same when it is asked for by force; frames are told apart by their times.
    """
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
    from ffpyplayer.player import MediaPlayer

    options = {"an": True, "sync": "video", "out_fmt": "rgb24", "threads": 1, "framedrop": False}
    player = MediaPlayer(str(path), ff_opts=options, loglevel="quiet")
    try:
        shown_s, waiting_since = -1.0, time.monotonic()
        while True:
            given, state = player.get_frame()
            if state == "eof":
                given, _ = player.get_frame(force_refresh=True)
            if given is not None and given[1] > shown_s:
                shown_s, waiting_since = given[1], time.monotonic()
                yield TimedFrame(_picture(given[0]), shown_s)
            elif given is None and state != "eof":
                time.sleep(0.002)
            if state == "eof":
                return
            if time.monotonic() - waiting_since > PATIENCE_S:
                raise ValueError(f"ffpyplayer gave no frame of {path} for {PATIENCE_S:g} s")
    finally:
        player.close_player()


def _picture(image: Any) -> np.ndarray:
    """Copy an ffpyplayer image of kind rgb24."""
    width_px, height_px = image.get_size()
    (content, *_), (line_bytes, *_) = image.to_bytearray(), image.get_linesizes()
    rows = np.frombuffer(bytes(content), np.uint8).reshape(height_px, line_bytes)
    return rows[:, : 3 * width_px].reshape(height_px, width_px, 3)
