"""The videos of one pair: aligned photographs, frames, files, figures and sidecars."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.contact_sheet import SHEET_LEVELS, pair_strip
from stimuli.copies import Copies, write_alpha_video, write_pictures, write_small
from stimuli.courses import levels_between, progress
from stimuli.face_model import face_model
from stimuli.face_points import LOWER_LIP, UPPER_LIP, face_outline
from stimuli.manifest import file_sha256, write_json
from stimuli.morph import AlignedFace, Morph
from stimuli.parameters import MorphParameters
from stimuli.photographs import write_png
from stimuli.plan import FIRST, LAST, PlannedPair, PlannedVideo
from stimuli.quality import expression_figures, frame_figures, landmark_figures, quality_warnings
from stimuli.sources import PairSources, Source, align_source, source_warnings
from stimuli.tones import Tone
from stimuli.versions import versions
from stimuli.video import encode, frame_hash, hash_together, read_frames
from stimuli.warp import SplitLevel, fold_map
from stimuli.way import Level, Way

BORDER_DROP, BORDER_SOFTNESS = 0.42, 0.3
"""Where the upper face ends, below the eyes, and over which height it becomes the lower, in eye distances.
Our choice: half way down the nose."""
N_MEASURED = 33
"""Frames that are measured of a way that no video shows as a whole and evenly."""


@dataclass(frozen=True, kw_only=True)
class PairJob:
    """What is made of one pair."""

    planned: PlannedPair
    """The videos."""
    sources: tuple[PairSources, ...]
    """The photographs: one pair, or two that share the photograph in the middle."""
    tone: Tone | None = None
    """Change of lightness, if identities are made alike."""

    @property
    def photographs(self) -> dict[str, Source]:
        """The photographs in order by their expressions."""
        middle = [self.planned.middle] if self.planned.middle is not None else []
        names = [self.planned.expressions[0], *middle, self.planned.expressions[1]]
        files = [self.sources[0].first, *(pair.second for pair in self.sources)]
        return dict(zip(names, files, strict=True))


def make_pair_videos(
    job: PairJob,
    *,
    folder: Path,
    video_folder: str,
    strip: Path,
    parameters: MorphParameters,
    copies: Copies,
) -> None:
    """Make the videos of a pair, each with its sidecar, and the picture for the contact sheet.

    Videos share the frames that they have in common: the way back shows the frames of the way there in
    reverse. A sidecar is written after its video has been decoded again and found equal to the frames; a
    video without a sidecar is not finished.

    Parameters
    ----------
    job
        The photographs with their landmarks, and the videos to make.
    folder, video_folder
        Folder of the set, and the folder in it for videos.
    strip
        Where to write the picture.
    parameters
        How the videos are made.
    copies
        What is written beside the lossless videos.
    """
    way = make_way(job.sources, parameters, tone=job.tone)
    levels = {video.video: video_levels(video, parameters) for video in job.planned.videos}
    frames = _FrameStore(way, levels)
    made = []
    whole: list[np.ndarray] = []
    for video in job.planned.videos:
        path = folder / video_folder / f"{video.video}.mp4"
        shown: list[np.ndarray] = []
        encode(_keep(shown, map(frames.take, levels[video.video])), path, fps=parameters.fps)
        _verify(path, shown)
        made.append((path, video, frames.hashes(levels[video.video], shown)))
        if len(way.morphs) == 1 and _is_even(video, parameters):
            whole = whole or (shown if video.start == FIRST else shown[::-1])
    common = _describe(job, parameters, way, whole)
    write_png(strip, _strip(way, job, parameters, n_warnings=len(common["warnings"])))
    for path, video, hashes in made:
        content = _describe_video(path.relative_to(folder), video, levels[video.video], parameters, hashes)
        content |= {"file_sha256": file_sha256(path)} | common
        content["copies"] = _write_copies(way, levels[video.video], path, copies, fps=parameters.fps)
        write_json(path.with_suffix(".json"), content | {"frame_sha256": hashes[0]})


def make_way(sources: Sequence[PairSources], parameters: MorphParameters, *, tone: Tone | None = None) -> Way:
    """Make the way through two or three photographs with the parameters of a set."""
    files = [sources[0].first, *(pair.second for pair in sources)]
    faces = [align_source(source, parameters, tone=tone) for source in files]
    return Way([make_morph(one, other, parameters) for one, other in itertools.pairwise(faces)])


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


def video_levels(video: PlannedVideo, parameters: MorphParameters) -> list[Level]:
    """Return the level of each frame of a video."""
    seconds = video.duration_s or parameters.duration_s
    done = progress(round(seconds * parameters.fps), course=parameters.course, n_held=parameters.n_held)
    lower = levels_between(video.start.lower, video.end.lower, done).tolist()
    upper = levels_between(video.start.upper, video.end.upper, done).tolist()
    if upper == lower:
        return lower
    eyes_px, distance_px = parameters.eyes_px, parameters.eye_distance * parameters.width_px
    border_px = float(eyes_px[0, 1] + BORDER_DROP * distance_px)
    soft_px = BORDER_SOFTNESS * distance_px
    return [SplitLevel(*both, border_px, soft_px) for both in zip(upper, lower, strict=True)]


class _FrameStore:
    """Frames by level, each made once and kept until no video needs it any more."""

    def __init__(self, way: Way, levels: Mapping[str, Sequence[Level]]) -> None:
        self._way, self._frames = way, dict[Level, np.ndarray]()
        self._hashes: dict[Level, str] = {}
        self._uses = Counter(level for video in levels.values() for level in video)

    def take(self, level: Level) -> np.ndarray:
        """Return the frame at a level that one of the videos shows."""
        frame = self._frames.get(level)
        if frame is None:
            frame = self._way.frame(level)
        self._uses[level] -= 1
        if self._uses[level]:
            self._frames[level] = frame
        else:
            self._frames.pop(level, None)
        return frame

    def hashes(self, levels: Sequence[Level], shown: Sequence[np.ndarray]) -> tuple[list[str], str]:
        """Return the SHA-256 of each frame of a video, hashed once for all videos, and of all together."""
        for level, frame in zip(levels, shown, strict=True):
            if level not in self._hashes:
                self._hashes[level] = frame_hash(frame)
        return [self._hashes[level] for level in levels], hash_together(shown)


def _is_even(video: PlannedVideo, parameters: MorphParameters) -> bool:
    """Tell whether a video shows its whole way in even steps."""
    even = parameters.course == "linear" and not parameters.n_held
    return even and (video.start, video.end) in ((FIRST, LAST), (LAST, FIRST))


def _keep(kept: list[np.ndarray], frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Pass frames on, and keep them."""
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


def _write_copies(
    way: Way, levels: Sequence[Level], path: Path, copies: Copies, *, fps: float
) -> dict[str, Any]:
    """Write the wanted copies of a finished video; return what the sidecar says about them."""
    written: dict[str, Any] = {}
    if copies.small:
        written["small"] = write_small(read_frames(path), path, fps=fps)
    if copies.png:
        written["png"] = write_pictures(read_frames(path), path.with_name(f"{path.stem}_png"))
    if copies.alpha:
        frames = [way.frame_with_alpha(level) for level in levels]
        folder = path.with_name(f"{path.stem}_alpha")
        written["alpha"] = [write_pictures(frames, folder), write_alpha_video(frames, path, fps=fps)]
    return written


def _shown(morph: Morph) -> np.ndarray:
    return np.maximum(morph.mask(0), morph.mask(1)) > 0


def _measure(
    way: Way, job: PairJob, parameters: MorphParameters, whole: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Measure the way; where it has two parts, the worse figure of both counts."""
    parts = []
    for morph in way.morphs:
        frames = whole or [morph.frame(level) for level in np.linspace(0, 1, N_MEASURED)]
        parts.append(_measure_morph(morph, frames, parameters))
    figures = {}
    for name in parts[0]:
        values = [part[name] for part in parts if part.get(name) is not None]
        worst = min if name in ("level_monotone", "landmark_motion") else max
        figures[name] = worst(values) if values else None
    scores = [source.landmarks.scores for source in job.photographs.values()]
    figures |= expression_figures(scores[0], scores[-1])
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in figures.items()}


def _measure_morph(morph: Morph, frames: Sequence[np.ndarray], parameters: MorphParameters) -> dict[str, Any]:
    face = (np.minimum(morph.mask(0), morph.mask(1)) >= 1) & (morph.face_region() >= 1)
    opening = (morph.mouth_region() > 0) | (morph.eye_region() > 0)
    figures = frame_figures(frames, face=face, mouth=morph.mouth_ever_open())
    figures["fold_px"] = int((fold_map(morph.field) & ~opening & _shown(morph)).sum())
    first, second = morph.first.face_px, morph.second.face_px
    if first is not None and second is not None:
        figures |= landmark_figures(frames, (first, second), model=face_model(), eyes_px=parameters.eyes_px)
    return figures


def _warnings(way: Way, job: PairJob, parameters: MorphParameters, quality: Mapping[str, Any]) -> list[str]:
    found = [
        warning
        for sources, morph in zip(job.sources, way.morphs, strict=True)
        for warning in source_warnings(sources, parameters, _shown(morph))
    ]
    return [*dict.fromkeys(found), *quality_warnings(quality, job.planned.expressions)]


def _strip(way: Way, job: PairJob, parameters: MorphParameters, *, n_warnings: int) -> np.ndarray:
    """Draw some levels of the whole way for the contact sheet."""
    faces = [way.morphs[0].first, *(morph.second for morph in way.morphs)]
    points = [face.face_px for face in faces]
    mouths = None
    if all(face_px is not None for face_px in points):
        ends = np.array(
            [face_px[[UPPER_LIP, LOWER_LIP]].mean(axis=0) for face_px in points if face_px is not None]
        )
        places = np.linspace(0, 1, len(ends))
        mouths = np.stack([np.interp(SHEET_LEVELS, places, ends[:, axis]) for axis in (0, 1)], axis=1)
    note = f", {n_warnings} warning(s), see quality.tsv" if n_warnings else ""
    label = f"{job.planned.pair} ({job.sources[0].pair.sex}){note}"
    frames = [way.frame(level) for level in SHEET_LEVELS]
    return pair_strip(frames, eyes_px=parameters.eyes_px, mouth_px=mouths, label=label)


def _describe(
    job: PairJob, parameters: MorphParameters, way: Way, whole: Sequence[np.ndarray]
) -> dict[str, Any]:
    """What all sidecars of a pair say about its origin and quality."""
    quality = _measure(way, job, parameters, whole)
    faces = [way.morphs[0].first, *(morph.second for morph in way.morphs)]
    photographs = {
        expression: _describe_source(source, face)
        for (expression, source), face in zip(job.photographs.items(), faces, strict=True)
    }
    return {
        "pair": job.planned.pair,
        "identity": job.sources[0].pair.identity,
        "sex": job.sources[0].pair.sex,
        "expressions": list(job.planned.expressions),
        "middle": job.planned.middle,
        "photographs": photographs,
        "tone": job.tone._asdict() if job.tone is not None else None,
        "parameters": parameters.as_dict(),
        "quality": quality,
        "warnings": _warnings(way, job, parameters, quality),
        "versions": versions(),
    }


def _describe_video(
    file: Path,
    video: PlannedVideo,
    levels: Sequence[Level],
    parameters: MorphParameters,
    hashes: tuple[list[str], str],
) -> dict[str, Any]:
    """What the sidecar of a video says about it alone."""
    halves = [level for level in levels if isinstance(level, SplitLevel)]
    content: dict[str, Any] = {
        "video": video.video,
        "direction": video.direction,
        "file": file.as_posix(),
        "n_frames": len(levels),
        "fps": parameters.fps,
        "width_px": parameters.width_px,
        "height_px": parameters.height_px,
        "start": video.start._asdict(),
        "end": video.end._asdict(),
        "duration_s": video.duration_s or parameters.duration_s,
        "frames_sha256": hashes[1],
        "levels": [level.lower if isinstance(level, SplitLevel) else level for level in levels],
    }
    if halves:
        content["levels_upper_face"] = [level.upper for level in halves]
    return content | {"times_s": [round(index / parameters.fps, 6) for index in range(len(levels))]}


def _describe_source(source: Source, face: AlignedFace) -> dict[str, Any]:
    landmarks = source.landmarks
    return {
        "file": source.photograph.name,
        "sha256": source.photograph_sha256,
        "size_px": list(source.size_px),
        "aligned_pixels_sha256": hashlib.sha256(np.ascontiguousarray(face.image).data).hexdigest(),
        "landmarks_file": source.landmark_file.name if source.landmark_file else None,
        "landmarks_sha256": source.landmark_sha256,
        "template": landmarks.template,
        "points_px": landmarks.points_px.round(3).tolist(),
        "eyes_px": landmarks.eyes_px.round(3).tolist(),
        "outline_px": face_outline(landmarks.face_px).round(3).tolist()
        if landmarks.face_px is not None
        else None,
        "confidence": round(landmarks.confidence, 2) if landmarks.confidence is not None else None,
        "yaw_deg": round(landmarks.yaw_deg, 1) if landmarks.yaw_deg is not None else None,
        "scores": landmarks.scores,
    }
