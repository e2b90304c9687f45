"""XDF files, written by appending: what was written stays readable whatever happens next.

The format (Extensible Data Format 1.0, https://github.com/sccn/xdf) is a row of chunks, each with its length
in front. A file that ends in the middle of a chunk has lost that chunk only.
"""

from __future__ import annotations

import os
import struct
import uuid
from pathlib import Path
from types import TracebackType
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

MAGIC = b"XDF:"
HEADER = "<?xml version='1.0' encoding='UTF-8'?>\n<info><version>1.0</version></info>"
BOUNDARY = uuid.UUID("43a546dc-cbf5-410f-b30e-d5467383cbe4").bytes
"""The format's mark from which a reader finds its way again after a damaged chunk."""

FILE_HEADER, STREAM_HEADER, SAMPLES, CLOCK_OFFSET, BOUNDARY_TAG, STREAM_FOOTER = 1, 2, 3, 4, 5, 6

VALUE_TYPES = {
    "float32": "<f4",
    "double64": "<f8",
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
}
"""The format's names of numbers -> numpy's."""


class XdfWriter:
    """An XDF file that grows.

    Parameters
    ----------
    path : Path
        File to write; it must not exist.

    Raises
    ------
    FileExistsError
        If there is such a file: a recording is never written over.

    Notes
    -----
    Every chunk goes to the operating system in one call, so a killed program leaves whole chunks. `sync`
    waits for the disk, which a power cut asks for. When a disk is full, the half-written chunk is taken back
    and the error is raised: the same call may be made again when there is room.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb", buffering=0)
        self._length = 0
        self._formats: dict[int, str] = {}
        self._append(MAGIC + _chunk(FILE_HEADER, HEADER.encode()))

    def __enter__(self) -> XdfWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add_stream(self, stream: int, header: str, *, value_format: str) -> None:
        """Describe a stream, before its first samples.

        Parameters
        ----------
        stream : int
            Its number in the file.
        header : str
            Its description: the XML that LSL gives (``StreamInfo.as_xml()``).
        value_format : str
            ``float32``, ``int32``, ..., or ``string``.
        """
        if value_format != "string" and value_format not in VALUE_TYPES:
            raise ValueError(f"XDF knows no values of type {value_format!r}")
        self._formats[stream] = value_format
        self._append(_chunk(STREAM_HEADER, struct.pack("<I", stream) + header.encode()))

    def add_samples(self, stream: int, times_s: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Append samples.

        Parameters
        ----------
        stream : int
            Number of the stream.
        times_s : array_like
            Time stamps on the sender's clock, shape (n_samples,).
        values : array_like
            Shape (n_samples, n_channels); numbers, or texts (str or bytes) for a stream of strings.
        """
        stamps = np.asarray(times_s, dtype="<f8")
        if not len(stamps):
            return
        value_format = self._formats[stream]
        encode = _texts if value_format == "string" else _numbers
        count = struct.pack("<BI", 4, len(stamps))
        self._append(
            _chunk(SAMPLES, struct.pack("<I", stream) + count + encode(stamps, values, value_format))
        )

    def add_clock_offset(self, stream: int, collected_s: float, offset_s: float) -> None:
        """Append a measurement of the sender's clock.

        Parameters
        ----------
        stream : int
            Number of the stream.
        collected_s : float
            When it was measured, on this computer's LSL clock.
        offset_s : float
            What must be added to the sender's time stamps to have this computer's.
        """
        self._append(_chunk(CLOCK_OFFSET, struct.pack("<Idd", stream, collected_s - offset_s, offset_s)))

    def add_boundary(self) -> None:
        """Append a mark from which a reader finds its way again after damage."""
        self._append(_chunk(BOUNDARY_TAG, BOUNDARY))

    def add_footer(
        self, stream: int, *, first_s: float, last_s: float, n_samples: int, rate_hz: float
    ) -> None:
        """Say that a stream is complete, and what it holds."""
        info = ElementTree.Element("info")
        for name, value in {
            "first_timestamp": repr(first_s),
            "last_timestamp": repr(last_s),
            "sample_count": str(n_samples),
            "measured_srate": repr(rate_hz),
        }.items():
            ElementTree.SubElement(info, name).text = value
        self._append(_chunk(STREAM_FOOTER, struct.pack("<I", stream) + ElementTree.tostring(info)))

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Wait for the disk and close the file; may be called twice."""
        if not self._file.closed:
            try:
                self.sync()
            finally:
                self._file.close()

    def _append(self, content: bytes) -> None:
        """Write a whole chunk or nothing."""
        try:
            written = 0
            while written < len(content):
                written += self._file.write(content[written:]) or 0
        except OSError:
            self._file.truncate(self._length)
            self._file.seek(self._length)
            raise
        self._length += len(content)


def _chunk(tag: int, content: bytes) -> bytes:
    """Put tag and length in front."""
    length = len(content) + 2
    number = struct.pack("<BB", 1, length) if length < 256 else struct.pack("<BI", 4, length)
    return number + struct.pack("<H", tag) + content


def _numbers(stamps: npt.NDArray[np.float64], values: npt.ArrayLike, value_format: str) -> bytes:
    rows = np.asarray(values, dtype=VALUE_TYPES[value_format]).reshape(len(stamps), -1)
    layout = [("width", "u1"), ("time", "<f8"), ("values", rows.dtype, (rows.shape[1],))]
    packed = np.empty(len(stamps), dtype=layout)
    packed["width"], packed["time"], packed["values"] = 8, stamps, rows
    return packed.tobytes()


def _texts(stamps: npt.NDArray[np.float64], values: npt.ArrayLike, value_format: str) -> bytes:
    rows = np.asarray(values, dtype=object).reshape(len(stamps), -1)
    parts = []
    for stamp, row in zip(stamps, rows, strict=True):
        parts.append(struct.pack("<Bd", 8, stamp))
        for text in row:
            encoded = text if isinstance(text, bytes) else str(text).encode()
            parts.append(struct.pack("<BI", 4, len(encoded)) + encoded)
    return b"".join(parts)
