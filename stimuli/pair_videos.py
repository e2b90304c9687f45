"""Both videos of one pair: aligned photographs, frames, files, figures and sidecars."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.contact_sheet import SHEET_LEVELS, pair_strip
from stimuli.face_model import face_model
from stimuli.face_points import LOWER_LIP, UPPER_LIP
from stimuli.manifest import file_sha256, write_json
from stimuli.morph import AlignedFace, Morph
from stimuli.parameters import MorphParameters
from stimuli.photographs import write_png
from stimuli.quality import expression_figures, frame_figures, landmark_figures, quality_warnings
from stimuli.sources import PairSources, Source, align_source, source_warnings
from stimuli.versions import versions
from stimuli.video import encode, frame_hashes, read_frames
from stimuli.warp import fold_map


def make_pair_videos(
    sources: PairSources,
    *,
    expressions: tuple[str, str],
    directions: tuple[str, str],
    folder: Path,
    video_folder: str,
    strip: Path,
    parameters: MorphParameters,
) -> None:
    """Make the two videos of a pair, each with its sidecar, and the picture for the contact sheet.

    The second video shows the frames of the first in reverse. A sidecar is written after its video has been
    decoded again and found equal to the frames; a video without a sidecar is not finished.

    Parameters
    ----------
    sources
        The two photographs with their landmarks.
    expressions, directions
        Names of the expressions, and of the way from the first to the second and back.
    folder, video_folder
        Folder of the set, and the folder in it for videos.
    strip
        Where to write the picture.
    parameters
        How the videos are made.
    """
    morph = make_morph(
        align_source(sources.first, parameters), align_source(sources.second, parameters), parameters
    )
    levels = np.linspace(0, 1, parameters.n_frames)
    name = sources.pair.pair
    frames: list[np.ndarray] = []
    videos = [folder / video_folder / f"{name}_{direction}.mp4" for direction in directions]
    encode(_keep(frames, (morph.frame(level) for level in levels)), videos[0], fps=parameters.fps)
    encode(reversed(frames), videos[1], fps=parameters.fps)
    quality = _measure(morph, frames, sources, parameters)
    warnings = source_warnings(sources, parameters, _shown(morph)) + quality_warnings(quality, expressions)
    write_png(strip, _strip(morph, frames, eyes_px=parameters.eyes_px, label=_label(sources, warnings)))
    common = {
        **_describe(sources, expressions, parameters),
        "quality": quality,
        "warnings": warnings,
        "versions": versions(),
    }
    for path, direction, order in zip(videos, directions, (1, -1), strict=True):
        _verify(path, frames[::order])
        hashes = frame_hashes(frames[::order])
        own = {"video": path.stem, "direction": direction, "file": path.relative_to(folder).as_posix()}
        own |= {"file_sha256": file_sha256(path), "frames_sha256": hashes[1]}
        times_s = [round(index / parameters.fps, 6) for index in range(len(frames))]
        series = {"levels": levels[::order].round(9).tolist(), "times_s": times_s, "frame_sha256": hashes[0]}
        write_json(path.with_suffix(".json"), {**own, **common, **series})


def make_morph(first: AlignedFace, second: AlignedFace, parameters: MorphParameters) -> Morph:
    """Make the morph of two aligned photographs with the parameters of a set."""
    return Morph(
        first,
        second,
        flow_passes=parameters.flow_passes,
        mouth=parameters.mouth,
        mouth_ramp=parameters.mouth_ramp,
        blending=parameters.blending,
        detail=parameters.detail,
        mask="outline" if parameters.mask == "ellipse" else parameters.mask,
        mask_outline_px=parameters.ellipse_px,
        mask_margin=parameters.mask_margin,
        mask_edge_px=parameters.mask_edge_px,
        background_rgb=parameters.background_rgb,
    )


def _keep(kept: list[np.ndarray], frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Pass frames on, and keep them for the way back."""
    for frame in frames:
        kept.append(frame)
        yield frame


def _verify(path: Path, frames: Sequence[np.ndarray]) -> None:
    """Compare the frames with what their file gives back."""
    decoded = itertools.zip_longest(frames, read_frames(path))
    if not all(
        one is not None and other is not None and np.array_equal(one, other) for one, other in decoded
    ):
        raise RuntimeError(f"{path} does not give back the frames that were written; is the disk sound?")


def _shown(morph: Morph) -> np.ndarray:
    return np.maximum(morph.mask(0), morph.mask(1)) > 0


def _measure(
    morph: Morph, frames: Sequence[np.ndarray], sources: PairSources, parameters: MorphParameters
) -> dict[str, Any]:
    face = (np.minimum(morph.mask(0), morph.mask(1)) >= 1) & (morph.face_region() >= 1)
    opening = (morph.mouth_region() > 0) | (morph.eye_region() > 0)
    figures = frame_figures(frames, face=face, mouth=morph.mouth_ever_open())
    figures["fold_px"] = int((fold_map(morph.field) & ~opening & _shown(morph)).sum())
    first, second = morph.first.face_px, morph.second.face_px
    if first is not None and second is not None:
        figures |= landmark_figures(frames, (first, second), model=face_model(), eyes_px=parameters.eyes_px)
    figures |= expression_figures(sources.first.landmarks.scores, sources.second.landmarks.scores)
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in figures.items()}


def _strip(morph: Morph, frames: Sequence[np.ndarray], *, eyes_px: np.ndarray, label: str) -> np.ndarray:
    numbers = [round(level * (len(frames) - 1)) for level in SHEET_LEVELS]
    mouths = None
    if morph.first.face_px is not None and morph.second.face_px is not None:
        ends = [
            points[[UPPER_LIP, LOWER_LIP]].mean(axis=0)
            for points in (morph.first.face_px, morph.second.face_px)
        ]
        mouths = np.array([(1 - level) * ends[0] + level * ends[1] for level in SHEET_LEVELS])
    return pair_strip([frames[number] for number in numbers], eyes_px=eyes_px, mouth_px=mouths, label=label)


def _label(sources: PairSources, warnings: Sequence[str]) -> str:
    note = f", {len(warnings)} warning(s), see quality.tsv" if warnings else ""
    return f"{sources.pair.pair} ({sources.pair.sex}){note}"


def _describe(
    sources: PairSources, expressions: tuple[str, str], parameters: MorphParameters
) -> dict[str, Any]:
    """What both sidecars of a pair say about its origin."""
    both = zip(expressions, (sources.first, sources.second), strict=True)
    return {
        "pair": sources.pair.pair,
        "identity": sources.pair.identity,
        "sex": sources.pair.sex,
        "n_frames": parameters.n_frames,
        "fps": parameters.fps,
        "width_px": parameters.width_px,
        "height_px": parameters.height_px,
        "photographs": {expression: _describe_source(source) for expression, source in both},
        "parameters": parameters.as_dict(),
    }


def _describe_source(source: Source) -> dict[str, Any]:
    landmarks = source.landmarks
    return {
        "file": source.photograph.name,
        "sha256": source.photograph_sha256,
        "size_px": list(source.size_px),
        "landmarks_file": source.landmark_file.name if source.landmark_file else None,
        "landmarks_sha256": source.landmark_sha256,
        "template": landmarks.template,
        "eyes_px": landmarks.eyes_px.round(3).tolist(),
        "confidence": round(landmarks.confidence, 2) if landmarks.confidence is not None else None,
        "yaw_deg": round(landmarks.yaw_deg, 1) if landmarks.yaw_deg is not None else None,
        "scores": landmarks.scores,
    }
