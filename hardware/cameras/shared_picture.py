"""The last frame in a file that two processes look at, without either waiting for the other.

The one that records writes, the window reads. A count that is odd while a frame is being written tells the
reader that what it copied is torn, and to try again.
"""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

_HEAD = 128
_FIELDS = ("count", "width_px", "height_px", "n_frames", "n_lost", "queue_depth", "recording", "stop", "seen")


class Status(NamedTuple):
    """What the window is told beside the picture."""

    n_frames: int = 0
    """Frames in the video."""
    n_lost: int = 0
    """Frames that are not."""
    queue_depth: int = 0
    """Frames that wait."""
    recording: int = 0
    """Whether a session is being recorded."""


class SharedPicture:
    """A picture and a few numbers in shared memory.

    Parameters
    ----------
    path
        A file that `create_picture` has made.

    Examples
    --------
    >>> path = create_picture(4, 2)
    >>> writer, reader = SharedPicture(path), SharedPicture(path)
    >>> writer.write(np.arange(8, dtype=np.uint8).reshape(2, 4), Status(n_frames=7))
    >>> picture, status = reader.read()
    >>> picture.tolist(), status.n_frames
    ([[0, 1, 2, 3], [4, 5, 6, 7]], 7)
    >>> writer.close(); reader.close(); path.unlink()
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        self._memory = mmap.mmap(self._file.fileno(), 0)
        self._head = np.frombuffer(self._memory, np.int64, len(_FIELDS))
        self.width_px, self.height_px = int(self._field("width_px")), int(self._field("height_px"))
        pixels = np.frombuffer(self._memory, np.uint8, self.width_px * self.height_px, _HEAD)
        self._picture = pixels.reshape(self.height_px, self.width_px)

    def write(self, image: np.ndarray, status: Status) -> None:
        """Show a frame; takes as long as copying it."""
        self._head[0] += 1
        self._picture[:] = image
        self._head[3:7] = status
        self._head[0] += 1

    def read(self) -> tuple[np.ndarray | None, Status]:
        """Return the last whole frame, a copy; None if there is none yet, or it was torn."""
        before = int(self._head[0])
        picture, status = self._picture.copy(), Status(*(int(value) for value in self._head[3:7]))
        self._head[_FIELDS.index("seen")] = before
        if before == 0 or before % 2 or int(self._head[0]) != before:
            return None, status
        return picture, status

    def ask_to_stop(self) -> None:
        """Tell the one that records that Escape was pressed."""
        self._head[_FIELDS.index("stop")] = 1

    @property
    def wants_stop(self) -> bool:
        """Whether Escape was pressed in the window."""
        return bool(self._field("stop"))

    @property
    def is_seen(self) -> bool:
        """Whether the window has shown anything yet."""
        return bool(self._field("seen"))

    def close(self) -> None:
        """Let go of the memory; may be called twice."""
        if not self._file.closed:
            del self._head, self._picture
            self._memory.close()
            self._file.close()

    def _field(self, name: str) -> int:
        return int(self._head[_FIELDS.index(name)])


def create_picture(width_px: int, height_px: int) -> Path:
    """Make an empty file for pictures of this size in the folder of temporary files."""
    with tempfile.NamedTemporaryFile(prefix="countenance_", suffix=".picture", delete=False) as file:
        head = np.zeros(_HEAD // 8, np.int64)
        head[1:3] = width_px, height_px
        file.write(head.tobytes())
        file.truncate(_HEAD + width_px * height_px)
    return Path(file.name)
