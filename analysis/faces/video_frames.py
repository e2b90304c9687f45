"""The frames of a video, in grey, each with its index and its time; exactly and in order.

Examples
--------
Frames of two seconds, from a video with any rate of frames::

    reader = VideoReader(Path("mouse.mp4"))
    for index, time_s, grey in reader.frames(reader.index_at(10.0), reader.index_at(12.0)):
        ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.faces.image_folder import list_pictures, picture_shape, read_pictures
from analysis.faces.video_decoder import GreyFrame, decode_grey, grey_path
from analysis.faces.video_scan import Scan, scan_video


class Frame(NamedTuple):
    """One frame of a video."""

    number: int
    """Number of the frame, counted from 0 in the order of time; frames that cannot be decoded count."""
    time_s: float
    """Its time, from the container's clock or from what the caller gave."""
    grey: np.ndarray
    """Pixels, shape ``(height_px, width_px)``, uint8 or (cameras with more than 8 bits) uint16."""


class VideoReader:
    """Read a video file, or a folder of pictures, frame by frame.

    Parameters
    ----------
    path
        Video of any kind that ffmpeg reads, or a folder of pictures.
    times_s
        Time of each frame, for example from the camera's log or from NWB; replaces the container's.
    fps
        Frames per second that the camera really took, for videos without timestamps, for folders, and where
        the header is wrong. Only for regular recordings: a camera that left out frames needs ``times_s``.
    threads
        Threads of the decoder. The frames are the same with any number.

    Attributes
    ----------
    n_frames
        Number of frames, damaged ones included.
    times_s
        Time of each frame in seconds, shape ``(n_frames,)``, strictly rising.
    times_from
        Where the times come from: ``container``, ``given`` or ``fps``.
    width_px, height_px
        Size of the frames.
    grey
        How grey is made of the stored pixels.
    colour_range
        Which values stand for black and white: limited, full or not stated.
    warnings
        What is wrong with the file, in words; nothing is mended in silence.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If it is not a video, its timestamps are missing and nothing replaces them, the number of times is not
        that of the frames, or times do not rise.

    Notes
    -----
    Frames that cannot be decoded are left out by `frames`; the index goes on as if they were there.
    """

    def __init__(
        self,
        path: Path,
        *,
        times_s: np.ndarray | None = None,
        fps: float | None = None,
        threads: int = 1,
    ) -> None:
        self.path = Path(path)
        self._threads = threads
        self._scan: Scan | None = None
        self._pictures: list[Path] = []
        if self.path.is_dir():
            self._pictures = list_pictures(self.path)
            self.n_frames = len(self._pictures)
            self.height_px, self.width_px = picture_shape(self._pictures)
            self.codec, self.grey, self.colour_range = "pictures", "as stored, or BT.601 luma", "full"
            self.warnings: tuple[str, ...] = ()
        else:
            self._scan = scan_video(self.path)
            self.n_frames = self._scan.n_frames
            self.height_px, self.width_px = self._scan.height_px, self._scan.width_px
            self.codec, self.colour_range = self._scan.codec, self._scan.colour_range
            self.grey = grey_path(self._scan.pixel_format)
            self.warnings = self._scan.warnings
        container_s = self._scan.times_s if self._scan else None
        self.times_s, self.times_from, doubts = choose_times(
            self.path, self.n_frames, container_s, times_s, fps, self._scan.header_fps if self._scan else None
        )
        self.warnings = (*self.warnings, *doubts)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the intact frames with ``start <= index < stop``, in order.

        Parameters
        ----------
        start
            Index of the first frame. Later ones are reached by decoding and dropping what comes before, or,
            where that is exact, from a nearby frame.
        stop
            Index before which to end; None: the end of the video.
        """
        stop = self.n_frames if stop is None else min(stop, self.n_frames)
        if not 0 <= start <= self.n_frames:
            raise ValueError(f"the video has frames 0 to {self.n_frames - 1}; asked for {start}")
        if start >= stop:
            return
        for index, pixels in self._grey_frames(start):
            if index >= stop:
                return
            yield Frame(index, float(self.times_s[index]), pixels)

    def frame_at(self, time_s: float) -> Frame:
        """Return the frame that is shown at a time: the last one that began at or before it.

        Raises
        ------
        ValueError
            If the time lies before the first or after the last frame, or that frame is damaged.
        """
        index = self.index_at(time_s)
        last_s = self.times_s[-1] + (self.times_s[-1] - self.times_s[-2] if self.n_frames > 1 else 0.0)
        if index < 0 or time_s > last_s:
            raise ValueError(
                f"{time_s:.3f} s lies outside the video {self.path.name}, "
                f"{self.times_s[0]:.3f} to {last_s:.3f} s"
            )
        for frame in self.frames(index, index + 1):
            return frame
        raise ValueError(f"frame {index} of {self.path.name}, at {time_s:.3f} s, is damaged")

    def index_at(self, time_s: float) -> int:
        """Return the index of the frame that is shown at a time; -1 before the first."""
        half_tick_s = self._scan.time_base_s / 2 if self._scan and self.times_from == "container" else 1e-9
        return int(np.searchsorted(self.times_s, time_s + half_tick_s, side="right")) - 1

    def record(self) -> dict[str, Any]:
        """Return what was read and how, for the record of an analysis: plain values, no path and no date."""
        return {
            "name": self.path.name,
            "n_frames": self.n_frames,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "codec": self.codec,
            "pixel_format": self._scan.pixel_format if self._scan else "pictures",
            "grey": self.grey,
            "colour_range": self.colour_range,
            "times_from": self.times_from,
            "warnings": list(self.warnings),
        }

    def sha256(self) -> str:
        """Return the hash of the file, or of the names and contents of the pictures."""
        digest = hashlib.sha256()
        for path in self._pictures or [self.path]:
            if self._pictures:
                digest.update(path.name.encode("utf-8") + b"\0")
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def _grey_frames(self, start: int) -> Iterator[GreyFrame]:
        if self._scan is None:
            return read_pictures(self._pictures, start=start)
        return decode_grey(self.path, self._scan, start=start, threads=self._threads)


def choose_times(
    path: Path,
    n_frames: int,
    container_s: np.ndarray | None,
    given_s: np.ndarray | None,
    fps: float | None,
    header_fps: float | None,
) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """Return the times of the frames, where they come from, and what is doubtful about them.

    Parameters
    ----------
    path
        Video, for messages.
    n_frames
        Number of frames.
    container_s
        Timestamps of the container in seconds; None if it has none.
    given_s
        Times that the caller gave; they count before all others.
    fps
        True rate of the camera; None if it was not given.
    header_fps
        Rate that the header states.

    Raises
    ------
    ValueError
        See `VideoReader`.
    """
    if given_s is not None:
        times_s = _given_times(path, n_frames, np.asarray(given_s, float))
        return times_s, "given", _header_doubts(times_s, header_fps)
    if fps is not None and not fps > 0:
        raise ValueError(f"the rate of frames must be positive, got {fps}")
    if container_s is None:
        if fps is None:
            raise ValueError(
                f"{path.name} has no timestamps, or frames share one. Give the time of each frame "
                "(--times FILE, one number per line), or, if the camera left out no frame, its rate (--fps)"
            )
        return (
            np.arange(n_frames) / fps,
            "fps",
            ("the video has no usable timestamps: times are counted from --fps",),
        )
    rate_hz = (n_frames - 1) / (container_s[-1] - container_s[0]) if n_frames > 1 else header_fps or 0.0
    if fps is None or n_frames < 2 or abs(rate_hz / fps - 1) < 1e-3:
        doubts: tuple[str, ...] = ()
        if header_fps and n_frames > 1 and abs(header_fps / rate_hz - 1) > 0.01:
            doubts = (
                f"the header says {header_fps:.3f} frames per second, the timestamps {rate_hz:.3f}; "
                "the timestamps are used",
            )
        return container_s, "container", doubts
    intervals_s = np.diff(container_s)
    if intervals_s.max() > 1.5 / rate_hz:
        raise ValueError(
            f"the timestamps of {path.name} ({rate_hz:.3f} frames per second on average, with gaps) do not "
            f"fit a rate of {fps:g}; frames were left out, so give the time of each frame (--times FILE)"
        )
    message = (
        f"the video says {rate_hz:.3f} frames per second, the camera took {fps:g}: times are counted "
        "from --fps"
    )
    return container_s[0] * rate_hz / fps + np.arange(n_frames) / fps, "fps", (message,)


def _given_times(path: Path, n_frames: int, times_s: np.ndarray) -> np.ndarray:
    if times_s.shape != (n_frames,):
        raise ValueError(
            f"{path.name} has {n_frames} frames, but {times_s.size} times were given; the camera's log and "
            "the video are not of the same recording, or frames were lost in one of them"
        )
    if not np.isfinite(times_s).all() or (np.diff(times_s) <= 0).any():
        raise ValueError(f"the times given for {path.name} must be finite and rise from frame to frame")
    return times_s


def _header_doubts(times_s: np.ndarray, header_fps: float | None) -> tuple[str, ...]:
    """Say where the rate in the header is not that of the given times."""
    if not header_fps or len(times_s) < 2:
        return ()
    rate_hz = 1.0 / float(np.median(np.diff(times_s)))
    if abs(header_fps / rate_hz - 1) <= 0.01:
        return ()
    return (
        f"the header says {header_fps:.3f} frames per second, the times that were given {rate_hz:.3f}; the "
        "given times are used",
    )


def read_times(path: Path) -> np.ndarray:
    """Read the time of each frame from a text file: one number per line, or a table with a column ``time_s``.

    Parameters
    ----------
    path
        Text with one number per line, or TSV/CSV with a header that has ``time_s`` (seconds).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is a line that is not a number, or no such column.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"times not found: {path}")
    lines = [line for line in Path(path).read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    column, mark = 0, None
    if lines and any(letter.isalpha() for letter in lines[0].replace("e", "").replace("E", "")):
        mark = "\t" if "\t" in lines[0] else ","
        names = [name.strip().strip('"') for name in lines.pop(0).split(mark)]
        if "time_s" not in names:
            raise ValueError(f"{path} has the columns {', '.join(names)}; expected time_s, in seconds")
        column = names.index("time_s")
    try:
        return np.array([float(line.split(mark)[column]) for line in lines])
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path} is not a list of times, one per line: {error}") from None
