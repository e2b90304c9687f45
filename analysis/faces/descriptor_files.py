"""Descriptors of a video on the disk: one HDF5 file, made from parts that survive a kill.

While a video is described, parts of some hundred frames lie in ``NAME_hog.h5.parts/``, each written to the
disk and then given its name; ``plan.json`` says what they are parts of. When all are there the HDF5 file is
made of them and gets its name last. Nothing of the computer, the time or the number of workers is in it: the
same video with the same parameters and versions gives the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

FORMAT = "countenance descriptors 1"
PARTS_SUFFIX = ".parts"
UNFINISHED_SUFFIX = ".unfinished"
CHUNK_FRAMES = 64
"""Frames in one compressed piece of the HDF5 file."""

_DOCUMENTATION = {
    "descriptors": "HOG descriptor of each frame (rows); NaN where the frame could not be decoded",
    "times_s": "time of each frame in seconds",
    "frame": "number of each frame in the video, from 0",
    "valid": "false where the frame could not be decoded",
}


@dataclass(frozen=True)
class Descriptors:
    """The descriptors of a video, as a file has them."""

    values: np.ndarray
    """Shape ``(n_frames, n_features)``, float32; NaN where ``valid`` is false."""
    times_s: np.ndarray
    """Time of each frame in seconds, shape ``(n_frames,)``."""
    frame: np.ndarray
    """Number of each frame in the video, from 0."""
    valid: np.ndarray
    """Whether the frame could be decoded, boolean."""
    parameters: dict[str, Any]
    """What was computed, of what, with what: see `describe_video`."""


def read_descriptors(path: Path, *, start: int = 0, stop: int | None = None) -> Descriptors:
    """Read a file of descriptors, or the rows from ``start`` to before ``stop`` of it.

    Parameters
    ----------
    path
        File that ``python -m analysis.faces describe`` wrote.
    start, stop
        Rows to read; all by default.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a file of descriptors.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"descriptors not found: {path}")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise ValueError(f"{path} is HDF5, but not a file of descriptors ({FORMAT!r})")
            rows = slice(start, stop)
            return Descriptors(
                values=file["descriptors"][rows],
                times_s=file["times_s"][rows],
                frame=file["frame"][rows],
                valid=file["valid"][rows],
                parameters=json.loads(file.attrs["parameters"]),
            )
    except OSError as error:
        raise ValueError(f"not a readable HDF5 file: {path} ({error})") from None


def read_parameters(path: Path) -> dict[str, Any] | None:
    """Return the parameters of a file of descriptors; None if there is no such file.

    Raises
    ------
    ValueError
        If the file is something else.
    """
    return read_descriptors(path, stop=0).parameters if Path(path).exists() else None


def read_observed(path: Path) -> dict[str, np.ndarray]:
    """Return what was observed in the frames of a video while they were described; empty if nothing was.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_descriptors`.
    """
    read_descriptors(path, stop=0)
    with h5py.File(path, "r") as file:
        return {name: array[()] for name, array in file["observed"].items()} if "observed" in file else {}


class DescriptorParts:
    """The parts of an unfinished file of descriptors; those of other parameters are thrown away.

    Parameters
    ----------
    path
        File that will be made.
    plan
        Everything that decides what the descriptors are; parts of another plan are of no use.
    n_frames
        Frames of the video.
    part_frames
        Frames in a part.
    """

    def __init__(self, path: Path, plan: dict[str, Any], *, n_frames: int, part_frames: int) -> None:
        self.path = Path(path)
        self.folder = self.path.with_name(self.path.name + PARTS_SUFFIX)
        self.n_frames, self.part_frames = n_frames, part_frames
        self._plan = plan
        text = json.dumps({**plan, "part_frames": part_frames}, indent=1, sort_keys=True)
        if _text_of(self.folder / "plan.json") != text:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            write_durably(self.folder / "plan.json", lambda part: part.write_text(text, encoding="utf-8"))

    @property
    def starts(self) -> range:
        """First frame of each part."""
        return range(0, self.n_frames, self.part_frames)

    def first_missing(self) -> int:
        """Return the first frame of the first part that is not there; ``n_frames`` if all are there."""
        return next((start for start in self.starts if not self._file(start).is_file()), self.n_frames)

    def write(
        self,
        start: int,
        values: np.ndarray,
        valid: np.ndarray,
        notes: dict[str, Any] | None = None,
        observed: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Write the part that begins with frame ``start``; when this returns it is on the disk."""

        def save(path: Path) -> None:
            with path.open("wb") as stream:
                np.save(stream, np.column_stack([values, valid.astype(np.float32)]), allow_pickle=False)

        if notes is not None:
            text = json.dumps(notes)
            write_durably(self._notes(start), lambda part: part.write_text(text, encoding="utf-8"))
        if observed:
            arrays = dict(observed)
            write_durably(self._observed(start), lambda part: _save_arrays(part, arrays))
        write_durably(self._file(start), save)

    def read(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield first frame, descriptors and validity of each part."""
        for start in self.starts:
            part = np.load(self._file(start), allow_pickle=False)
            yield start, part[:, :-1], part[:, -1] == 1

    def read_notes(self) -> list[dict[str, Any]]:
        """Return the notes of the parts that have some."""
        texts = (_text_of(self._notes(start)) for start in self.starts)
        return [json.loads(text) for text in texts if text is not None]

    def read_observed(self) -> dict[str, np.ndarray]:
        """Return what was observed in all parts: added up where a name says so, joined otherwise."""
        found: dict[str, list[np.ndarray]] = {}
        for start in self.starts:
            if self._observed(start).is_file():
                with np.load(self._observed(start), allow_pickle=False) as arrays:
                    for name in arrays.files:
                        found.setdefault(name, []).append(arrays[name])
        return {
            name: np.sum(parts, axis=0, dtype=parts[0].dtype)
            if name.startswith("sum_")
            else np.concatenate(parts)
            for name, parts in found.items()
        }

    def finish(self, times_s: np.ndarray, attributes: dict[str, Any]) -> None:
        """Make the HDF5 file of the parts, then remove them.

        Parameters
        ----------
        times_s
            Time of each frame.
        attributes
            What to say beside the plan, for example warnings.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self.path, lambda path: self._write_hdf5(path, times_s, attributes))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_hdf5(self, path: Path, times_s: np.ndarray, attributes: dict[str, Any]) -> None:
        n_features = np.load(self._file(0), mmap_mode="r").shape[1] - 1
        with h5py.File(path, "w", libver=("earliest", "v110")) as file:
            file.attrs["format"] = FORMAT
            file.attrs["parameters"] = json.dumps({**self._plan, **attributes}, sort_keys=True)
            file.attrs["video_sha256"] = self._plan["video"]["sha256"]
            shape = (self.n_frames, n_features)
            chunks = (min(CHUNK_FRAMES, self.n_frames), n_features)
            packing = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
            file.create_dataset("descriptors", shape, np.float32, chunks=chunks, **packing)
            file.create_dataset("times_s", data=np.asarray(times_s, np.float64))
            file.create_dataset("frame", data=np.arange(self.n_frames, dtype=np.int64))
            file.create_dataset("valid", shape[:1], bool)
            for name, text in _DOCUMENTATION.items():
                file[name].attrs["description"] = text
            for start, values, valid in self.read():
                file["descriptors"][start : start + len(values)] = values
                file["valid"][start : start + len(values)] = valid
            for name, array in sorted(self.read_observed().items()):
                file.create_dataset(f"observed/{name}", data=array, **(packing if array.ndim else {}))

    def _file(self, start: int) -> Path:
        return self.folder / f"frames_{start:09d}.npy"

    def _observed(self, start: int) -> Path:
        return self.folder / f"frames_{start:09d}.npz"

    def _notes(self, start: int) -> Path:
        return self.folder / f"frames_{start:09d}.json"


def write_durably(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file, bring it to the disk, and only then give it its name.

    Parameters
    ----------
    path
        The file's name in the end; an existing one is replaced.
    write
        Gets another name in the same folder and writes there.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED_SUFFIX}")
    try:
        write(unfinished)
        with unfinished.open("rb+") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system knows how (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
