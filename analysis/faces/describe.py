"""From a video to its file of descriptors: in pieces, so that memory stays small and a kill costs seconds."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

import av
import numpy as np

from analysis.faces.descriptor_files import DescriptorParts, read_parameters
from analysis.faces.hog import (
    BlockNorm,
    FrameDescriber,
    PrecisionReport,
    check_parameters,
    clipped_share,
    compare_precision,
    hog_cells,
)
from analysis.faces.masks import FaceMask, mask_record
from analysis.faces.video_frames import Frame, VideoReader
from experiments.dataset.provenance import package_versions, suite_version

PART_FRAMES = 512
"""Frames that are written at once; what a kill costs at most."""

BATCH_BYTES = 8_000_000
"""Pixels that are described at once by one thread."""


@dataclass(frozen=True, kw_only=True)
class HogParameters:
    """What to compute; the arguments of `analysis.faces.hog.describe_frames`."""

    orientations: int = 8
    """Bins between 0 and 180 degrees (Dolensek et al. 2020)."""
    cell_px: int = 32
    """Side of a cell (Dolensek et al. 2020)."""
    block_norm: BlockNorm = "L2-Hys"
    """Normalisation of a cell (default of scikit-image, as the authors used it)."""
    square_root: bool = True
    """Square root of the pixels first (Dolensek et al. 2020)."""
    exact: bool = True
    """False: float32 throughout, faster, not always equal to scikit-image."""


class FrameObserver(Protocol):
    """Looks at the whole frames of a video while they are described, so that it is decoded once."""

    def plan(self) -> dict[str, Any]:
        """Return what decides what is observed, as plain values."""

    def start(self, reader: VideoReader, first: int) -> None:
        """Get ready for the frames from ``first`` on; it is more than 0 after a kill."""

    def see(self, frame: Frame) -> None:
        """Look at the next intact frame."""

    def take(self) -> dict[str, np.ndarray]:
        """Return what was observed since the last call; it must not depend on where a run was killed.

        Parts of a name that begins with ``sum_`` are added up, those of others joined one behind the other.
        """


class DescribedVideo(NamedTuple):
    """What was made of a video."""

    path: Path
    """The file of descriptors."""
    n_frames: int
    """Frames of the video."""
    n_damaged: int
    """Frames that could not be decoded; their rows are NaN and not valid."""
    n_features: int
    """Length of a descriptor."""
    resumed_at: int
    """First frame that was described now; ``n_frames`` if the file was there already."""
    warnings: tuple[str, ...]
    """What is wrong with the video, and what else the user must know."""


def descriptor_path(video: Path, out: Path | None = None) -> Path:
    """Return where the descriptors of a video go: ``NAME_hog.h5``, beside it or in the folder ``out``."""
    name = video.name if video.is_dir() else video.stem
    return (out or video.parent) / f"{name}_hog.h5"


def describe_video(
    video: Path,
    path: Path,
    *,
    parameters: HogParameters | None = None,
    mask: FaceMask | None = None,
    times_s: np.ndarray | None = None,
    fps: float | None = None,
    threads: int = 1,
    overwrite: bool = False,
    observer: FrameObserver | None = None,
    progress: Callable[[int], None] = lambda n_frames: None,
) -> DescribedVideo:
    """Describe every frame of a video and write the file of descriptors.

    A call that was killed goes on where it was, and the file is the same, byte for byte, as without the kill.

    Parameters
    ----------
    video
        Video file, or folder of pictures.
    path
        File to write; see `descriptor_path`.
    parameters
        What to compute.
    mask
        Crop, face and spout; None: the whole frame.
    times_s, fps
        Times of the frames where the video's own are missing or wrong; see `VideoReader`.
    threads
        Threads that decode and compute. The file is the same with any number.
    overwrite
        Whether a file of other parameters may be replaced.
    observer
        What else to look at in each frame; what it finds goes into the same file (`read_observed`).
    progress
        Is called with the number of frames that were done since the last call.

    Returns
    -------
    DescribedVideo

    Raises
    ------
    FileNotFoundError
        If the video is not there.
    FileExistsError
        If there is a file of other parameters, of another video, or made by other versions.
    ValueError
        If the video cannot be read, or mask and times do not fit to it.
    """
    parameters, mask = parameters or HogParameters(), mask or FaceMask()
    reader = VideoReader(video, times_s=times_s, fps=fps, threads=threads)
    pixels = mask.pixels((reader.height_px, reader.width_px))
    check_parameters(
        pixels.shape,
        np.dtype(np.uint8),
        parameters.orientations,
        parameters.cell_px,
        parameters.block_norm,
    )
    cells = hog_cells(pixels.shape, parameters.cell_px, pixels, masked_cells=mask.masked_cells)
    n_features = int(cells.sum()) * parameters.orientations
    plan = _plan(reader, parameters, mask, cells)
    if observer is not None:
        plan["observed"] = observer.plan()
    present = read_parameters(path)
    if present is not None and not overwrite:
        _check_present(path, present, plan)
    if present is not None and _differences(present, plan) == []:
        progress(reader.n_frames)
        return _result(path, reader, present, n_features, reader.n_frames)
    parts = DescriptorParts(path, plan, n_frames=reader.n_frames, part_frames=PART_FRAMES)
    resumed_at = parts.first_missing()
    progress(resumed_at)
    pipe = _Pipe(parameters, mask, pixels, n_features, threads, progress, observer)
    for start, values, valid, notes, observed in pipe.parts(reader, resumed_at):
        parts.write(start, values, valid, notes, observed)
    attributes = _attributes(parts, parameters, reader)
    parts.finish(reader.times_s, attributes)
    return _result(path, reader, attributes, n_features, resumed_at)


class _Ahead:
    """Frames, with a look at the next one."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames
        self.next: Frame | None = None
        self.step()

    def step(self) -> None:
        """Go to the next frame; the one before is let go first."""
        self.next = None
        self.next = next(self._frames, None)


class _Pipe:
    """Frames in, described parts out; several threads compute while the next frames are decoded."""

    def __init__(
        self,
        parameters: HogParameters,
        mask: FaceMask,
        pixels: np.ndarray,
        n_features: int,
        threads: int,
        progress: Callable[[int], None],
        observer: FrameObserver | None,
    ) -> None:
        self._observer = observer
        self._arguments: dict[str, Any] = {**asdict(parameters), "mask": pixels}
        self._arguments["masked_cells"] = mask.masked_cells
        self._exact, self._mask = parameters.exact, mask
        self._shape, self._n_features, self._threads = pixels.shape, n_features, threads
        self._progress = progress
        self._describers: SimpleQueue[FrameDescriber] = SimpleQueue()

    def parts(
        self, reader: VideoReader, start: int
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray, dict[str, Any] | None, dict[str, np.ndarray]]]:
        """Yield first frame, descriptors, validity, notes and what was observed of each part."""
        if self._observer is not None and start < reader.n_frames:
            self._observer.start(reader, start)
        frames = _Ahead(reader.frames(start))
        with ThreadPoolExecutor(self._threads) as pool:
            for first in range(start, reader.n_frames, PART_FRAMES):
                _stop_without_parent()
                stop = min(first + PART_FRAMES, reader.n_frames)
                values = np.full((stop - first, self._n_features), np.nan, np.float32)
                valid = np.zeros(stop - first, bool)
                sample: np.ndarray | None = None
                jobs: deque[tuple[list[int], Future[np.ndarray]]] = deque()
                while batch := self._batch(frames, stop):
                    numbers = [number - first for number, _ in batch]
                    pixels = np.stack([frame for _, frame in batch])
                    sample = pixels[0] if sample is None else sample
                    jobs.append((numbers, pool.submit(self._describe, pixels)))
                    if len(jobs) > self._threads:
                        self._take(jobs, values, valid)
                while jobs:
                    self._take(jobs, values, valid)
                self._progress(int((~valid).sum()))
                observed = {} if self._observer is None else self._observer.take()
                yield first, values, valid, self._compare(sample), observed

    def _batch(self, frames: _Ahead, stop: int) -> list[tuple[int, np.ndarray]]:
        """The next frames before ``stop``, cropped and copied, as many as one thread takes at once."""
        batch: list[tuple[int, np.ndarray]] = []
        n_bytes = 0
        while n_bytes < BATCH_BYTES and frames.next is not None and frames.next.number < stop:
            cropped = np.array(self._mask.crop_frame(frames.next.grey))
            batch.append((frames.next.number, cropped))
            if self._observer is not None:
                self._observer.see(frames.next)
            n_bytes += cropped.nbytes
            frames.step()
        return batch

    def _take(
        self, jobs: deque[tuple[list[int], Future[np.ndarray]]], values: np.ndarray, valid: np.ndarray
    ) -> None:
        """Wait for the oldest job."""
        rows, job = jobs.popleft()
        values[rows] = job.result()
        valid[rows] = True
        self._progress(len(rows))

    def _describe(self, batch: np.ndarray) -> np.ndarray:
        """Describe with a work space that no other thread uses."""
        if self._describers.empty():
            describer = FrameDescriber(self._shape, batch.dtype, **self._arguments)
        else:
            describer = self._describers.get()
        values = describer.describe(batch)
        self._describers.put(describer)
        return values

    def _compare(self, sample: np.ndarray | None) -> dict[str, Any] | None:
        """How often float32 differs in the first frame of the part, if float32 was asked for."""
        if self._exact or sample is None:
            return None
        return compare_precision(sample, **self._arguments)._asdict()


def _stop_without_parent() -> None:
    """End a worker whose command was killed; it would write beside the one that is started next."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit(1)


def _plan(
    reader: VideoReader, parameters: HogParameters, mask: FaceMask, cells: np.ndarray
) -> dict[str, Any]:
    """Everything that decides what the descriptors are."""
    return {
        "video": {**reader.record(), "sha256": reader.sha256()},
        "hog": {**asdict(parameters), "cells_per_block": [1, 1]},
        "mask": mask_record(mask),
        "cells": ["".join("x" if kept else "." for kept in row) for row in cells],
        "times_sha256": _hash_of_times(reader.times_s),
        "versions": {
            "countenance": suite_version(),
            **package_versions(["numpy", "numba", "av", "h5py", "pillow"]),
            **{name: ".".join(map(str, number)) for name, number in av.library_versions.items()},
        },
    }


def _hash_of_times(times_s: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(times_s, "<f8").tobytes()).hexdigest()


def _differences(present: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """Names of what differs between a file and the plan."""
    found = []
    for name, value in plan.items():
        there = present.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            keys = sorted({*value, *there})
            found += [f"{name}: {key}" for key in keys if value.get(key) != there.get(key)]
        elif value != there:
            found.append(name)
    return found


def _check_present(path: Path, present: dict[str, Any], plan: dict[str, Any]) -> None:
    differences = _differences(present, plan)
    if differences:
        raise FileExistsError(
            f"{path} holds other descriptors (different: {', '.join(differences)}). Choose another folder "
            "with --out, or replace it with --overwrite"
        )


def _attributes(parts: DescriptorParts, parameters: HogParameters, reader: VideoReader) -> dict[str, Any]:
    """What is known only when all frames are described."""
    n_valid, clipped = 0, 0.0
    for _, values, valid in parts.read():
        n_valid += int(valid.sum())
        if parameters.block_norm == "L2-Hys" and parameters.orientations <= 24 and valid.any():
            clipped += clipped_share(values[valid], orientations=parameters.orientations) * valid.sum()
    if n_valid == 0:
        raise ValueError(f"no frame of {reader.path} can be decoded")
    found: dict[str, Any] = {"n_damaged": reader.n_frames - n_valid}
    if clipped:
        found["clipped_share"] = round(float(clipped / n_valid), 6)
    notes = parts.read_notes()
    if notes:
        n_different = sum(note["n_different"] for note in notes)
        n_components = sum(note["n_components"] for note in notes)
        greatest = max(note["greatest"] for note in notes)
        found["float32"] = PrecisionReport(len(notes), n_components, n_different, greatest)._asdict()
    return found


def _result(
    path: Path, reader: VideoReader, attributes: dict[str, Any], n_features: int, resumed_at: int
) -> DescribedVideo:
    warnings = list(reader.warnings)
    n_damaged = attributes["n_damaged"]
    if n_damaged:
        warnings.append(f"{n_damaged} of {reader.n_frames} frames are damaged; they are marked as not valid")
    if "float32" in attributes:
        report = PrecisionReport(**attributes["float32"])
        warnings.append(
            f"float32: {report.share_different:.2%} of the components differ from the exact ones by more "
            f"than 1e-5, at most by {report.greatest:.1e} ({report.n_frames} frames compared)"
        )
    return DescribedVideo(path, reader.n_frames, n_damaged, n_features, resumed_at, tuple(warnings))
