"""Everything that is measured of the videos of one pair, from their files alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from stimuli.contact_sheet import SHEET_LEVELS, pair_strip
from stimuli.copies import Copies, are_whole
from stimuli.courses import levels_between, progress
from stimuli.decoders import decode_with, decoders
from stimuli.face_model import DetectedFace, face_model
from stimuli.face_points import LOWER_LIP, MODEL_TEMPLATE, UPPER_LIP, eye_centres, face_outline
from stimuli.landmarks import MIN_CONFIDENCE
from stimuli.manifest import StimulusVideo, check_video
from stimuli.quality_curves import (
    FrameLight,
    Regions,
    colour_difference,
    face_regions,
    face_width,
    measure_change,
    measure_light,
    positions_on_way,
    shown_regions,
    skin_colour,
)
from stimuli.quality_landmarks import described_points, eye_places, folded_part, landmark_disagreement
from stimuli.video import frame_hashes

N_SEEN = 33
"""About so many frames of a video are shown to the face model, evenly spread, and both ends."""
END = 0.005
"""A frame whose level is nearer than this to a photograph's counts as the photograph."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a decoder made of a video."""

    n_frames: int
    """Number of frames."""
    different: tuple[int, ...] = ()
    """Numbers, from 0, of the frames that are not the rendered ones."""
    error: str = ""
    """Why it stopped, if it did."""


@dataclass(kw_only=True)
class VideoMeasures:
    """What is measured of one video; None or empty where something cannot be measured."""

    row: StimulusVideo
    """Its row of the manifest."""
    sidecar: dict[str, Any] = field(default_factory=dict)
    """What its sidecar says."""
    file_problems: list[str] = field(default_factory=list)
    """What is wrong with its files."""
    decoded: dict[str, Decoded | None] = field(default_factory=dict)
    """Result of each decoder; None for one that is not installed."""
    times_s: np.ndarray | None = None
    """Time of each frame by the file."""
    levels: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Planned level of each frame; of the lower face, where there are two."""
    levels_upper: np.ndarray | None = None
    """Planned level of the upper face in each frame, where it has its own."""
    planned: tuple[np.ndarray, np.ndarray] | None = None
    """Levels of lower and upper face that follow from the parameters."""
    hashes: list[str] = field(default_factory=list)
    """SHA-256 of each decoded frame."""
    light: list[FrameLight] = field(default_factory=list)
    """Light of each frame."""
    change: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Mean change in grey level from each frame to the next."""
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    """Numbers of the frames that the face model was shown."""
    smile: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Score mouthSmile in these frames, mean of left and right."""
    frown: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Score browDown in these frames, mean of left and right."""
    measured: dict[str, np.ndarray] = field(default_factory=dict)
    """Measured level in these frames, by part of the face: whole, or upper and lower."""
    motion: dict[str, float] = field(default_factory=dict)
    """Mean distance that a point of this part moves, in eye distances."""
    confidence: float | None = None
    """Least confidence of the face model in these frames."""
    eye_error: float | None = None
    """Distance of the eyes from their places at the ends, in eye distances; the largest."""
    skin_difference: float | None = None
    """Difference of the skin's colour between both ends, CIE 1976 Delta E."""
    width_difference: float | None = None
    """Difference of the face's width between both ends, as a fraction."""
    landmark_error: float | None = None
    """See `stimuli.quality_landmarks.landmark_disagreement`."""
    mesh_folds: float | None = None
    """See `stimuli.quality_landmarks.folded_part`."""
    strip_jpeg: bytes = b""
    """Some frames side by side."""

    @property
    def name(self) -> str:
        """Name of the video."""
        return self.row.video

    @property
    def whole_way(self) -> bool:
        """Whether the video shows both photographs, and all of the way between them."""
        return len(self.levels) > 0 and bool(self.levels.min() <= END and self.levels.max() >= 1 - END)


class _Cache:
    """What is known of frames that were measured before, by their SHA-256: videos of a pair share frames."""

    def __init__(self) -> None:
        self.faces: dict[str, DetectedFace] = {}
        self.light: dict[tuple[Any, ...], FrameLight] = {}
        self.change: dict[tuple[Any, ...], float] = {}


def measure_pair(rows: Sequence[StimulusVideo]) -> list[VideoMeasures]:
    """Measure all videos of a pair.

    Parameters
    ----------
    rows
        Their rows of the manifest.

    Returns
    -------
    list of VideoMeasures
        One per row. A video that cannot be decoded has only what its files tell.
    """
    threads, cache = cv2.getNumThreads(), _Cache()
    cv2.setNumThreads(1)
    try:
        return [_measure_video(row, cache, is_first=number == 0) for number, row in enumerate(rows)]
    finally:
        cv2.setNumThreads(threads)


def _measure_video(row: StimulusVideo, cache: _Cache, *, is_first: bool) -> VideoMeasures:
    video = VideoMeasures(row=row, file_problems=check_video(row, decode=False))
    video.sidecar = _read_sidecar(row)
    _check_copies(video)
    video.levels = np.array(video.sidecar.get("levels", []), float)
    upper = video.sidecar.get("levels_upper_face")
    video.levels_upper = np.array(upper, float) if upper else None
    video.planned = _planned_levels(video.sidecar)
    frames = _decode(video)
    if len(frames) < 2 or len(frames) != len(video.levels):
        return video
    faces = _find_faces(video, frames, cache)
    _measure_way(video, faces)
    _measure_ends(video, frames, faces)
    regions, region_key = _regions(video, frames, faces)
    blending = _parameters(video).get("blending", "linear")
    for key, frame in zip(video.hashes, frames, strict=True):
        known = (key, region_key, blending)
        if known not in cache.light:
            cache.light[known] = measure_light(frame, regions, blending=blending)
        video.light.append(cache.light[known])
    changes = []
    for index in range(len(frames) - 1):
        both = (*sorted(video.hashes[index : index + 2]), region_key)
        if both not in cache.change:
            cache.change[both] = measure_change(frames[index], frames[index + 1], regions)
        changes.append(cache.change[both])
    video.change = np.array(changes)
    if is_first:
        video.strip_jpeg = _strip(video, frames, faces)
    return video


def _read_sidecar(row: StimulusVideo) -> dict[str, Any]:
    try:
        content = json.loads(row.sidecar_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _parameters(video: VideoMeasures) -> Mapping[str, Any]:
    return video.sidecar.get("parameters") or {}


def _check_copies(video: VideoMeasures) -> None:
    """Compare the copies beside a video with what its sidecar says."""
    described = video.sidecar.get("copies") or {}
    for name in described:
        try:
            whole = are_whole(described, Copies(**{name: True}), video.row.sidecar_path.parent)
        except (TypeError, KeyError, OSError):
            whole = False
        if not whole:
            video.file_problems.append(f"{video.name}: the copy '{name}' is missing or was changed")


def _planned_levels(sidecar: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Make the levels of lower and upper face anew from a sidecar's parameters."""
    try:
        parameters, start, end = sidecar["parameters"], sidecar["start"], sidecar["end"]
        fps, seconds = float(sidecar["fps"]), float(sidecar["duration_s"])
        n_held = round(parameters["hold_s"] * parameters["fps"])
        done = progress(round(seconds * fps), course=parameters["course"], n_held=n_held)
        lower, upper = (levels_between(start[part], end[part], done) for part in ("lower", "upper"))
    except (KeyError, TypeError, ValueError):
        return None
    return lower, upper


def _decode(video: VideoMeasures) -> list[np.ndarray]:
    """Decode a video with all decoders, and compare their frames with the hashes of the rendered ones."""
    frames: list[np.ndarray] = []
    if not video.row.path.is_file():
        return frames
    rendered = video.sidecar.get("frame_sha256", [])
    error = ""
    try:
        frames = [timed.frame for timed in decode_with("ffmpeg", video.row.path)]
    except ValueError as problem:
        error = str(problem)
    video.hashes = frame_hashes(frames)[0]
    other = tuple(index for index, pair in enumerate(zip(video.hashes, rendered)) if pair[0] != pair[1])  # noqa: B905
    video.decoded["ffmpeg"] = Decoded(n_frames=len(frames), different=other, error=error)
    for name, version in decoders().items():
        if name != "ffmpeg" and not error:  # a player may wait for ever for frames of a damaged file
            video.decoded[name] = _decode_again(name, video, frames, rendered) if version else None
    return frames if not error else []


def _decode_again(
    decoder: str, video: VideoMeasures, frames: Sequence[np.ndarray], rendered: Sequence[str]
) -> Decoded:
    """Decode with another decoder; frames equal to the first decoder's need no hash of their own."""
    different, times_s, error = [], [], ""
    try:
        for index, timed in enumerate(decode_with(decoder, video.row.path)):
            times_s.append(timed.time_s)
            known = index < len(frames) and np.array_equal(timed.frame, frames[index])
            key = video.hashes[index] if known else hashlib.sha256(timed.frame.tobytes()).hexdigest()
            if index >= len(rendered) or key != rendered[index]:
                different.append(index)
    except ValueError as problem:
        error = str(problem)
    if decoder == "opencv" and None not in times_s:
        video.times_s = np.array(times_s, float)
    return Decoded(n_frames=len(times_s), different=tuple(different), error=error)


def _find_faces(video: VideoMeasures, frames: Sequence[np.ndarray], cache: _Cache) -> dict[int, DetectedFace]:
    """Show some frames to the face model; empty if it does not see a face at either end."""
    ends = [int(np.argmin(video.levels)), int(np.argmax(video.levels))]
    if video.sidecar.get("middle"):
        ends.append(int(np.argmin(np.abs(video.levels - 0.5))))
    even = np.linspace(0, len(frames) - 1, min(N_SEEN, len(frames))).round().astype(int).tolist()
    faces: dict[int, DetectedFace] = {}
    for index in dict.fromkeys([*ends, *even]):
        key = video.hashes[index]
        if key not in cache.faces:
            near = _expected_points(video.levels, index, faces, ends)
            if near is None:
                found = face_model().find_faces(frames[index])
                if not found or found[0].confidence < MIN_CONFIDENCE:
                    return {}
                near = found[0].points_px
            cache.faces[key] = face_model().describe_face(frames[index], near)
        faces[index] = cache.faces[key]
    return dict(sorted(faces.items()))


def _expected_points(
    levels: np.ndarray, index: int, faces: Mapping[int, DetectedFace], ends: Sequence[int]
) -> np.ndarray | None:
    """Where a frame's points should be, from the faces at both ends; None for the ends themselves."""
    if index in ends:
        return None
    low, high = faces[ends[0]].points_px, faces[ends[1]].points_px
    span = levels[ends[1]] - levels[ends[0]]
    part = (levels[index] - levels[ends[0]]) / span if span else 0.0
    return np.asarray((1 - part) * low + part * high)


def _measure_way(video: VideoMeasures, faces: Mapping[int, DetectedFace]) -> None:
    """Measure levels, scores and confidence in the frames that the face model saw."""
    if not faces:
        return
    video.seen = np.array(list(faces))
    points = np.stack([face.points_px for face in faces.values()])
    video.smile = np.array([mean_score(face.scores, "mouthSmile") for face in faces.values()])
    video.frown = np.array([mean_score(face.scores, "browDown") for face in faces.values()])
    video.confidence = min(face.confidence for face in faces.values())
    middle = bool(video.sidecar.get("middle"))
    distance_px = _eye_distance_px(points[0])
    parts: dict[str, tuple[np.ndarray, np.ndarray]] = {"whole": (np.ones(478, bool), video.levels)}
    if video.levels_upper is not None:
        eyes_y, mouth_y = points[0][[468, 473], 1].mean(), points[0][[UPPER_LIP, LOWER_LIP], 1].mean()
        heights = (points[0][:, 1] - eyes_y) / (mouth_y - eyes_y)
        parts = {"upper": (heights < 0.2, video.levels_upper), "lower": (heights > 0.8, video.levels)}
    for name, (chosen, levels) in parts.items():
        measured, motion_px = positions_on_way(points[:, chosen], levels[video.seen], middle=middle)
        video.measured[name], video.motion[name] = measured, motion_px / distance_px


def mean_score(scores: Mapping[str, float], name: str) -> float:
    """Return the mean of an expression score's left and right side; NaN if they are not there."""
    return (scores.get(f"{name}Left", np.nan) + scores.get(f"{name}Right", np.nan)) / 2


def _eye_distance_px(points_px: np.ndarray) -> float:
    eyes = eye_centres(points_px, MODEL_TEMPLATE)
    return float(np.linalg.norm(eyes[1] - eyes[0]))


def _measure_ends(
    video: VideoMeasures, frames: Sequence[np.ndarray], faces: Mapping[int, DetectedFace]
) -> None:
    """Compare the frames nearest to the two photographs, and the landmarks with what is seen in them."""
    size = {"width_px": video.row.width_px, "height_px": video.row.height_px}
    landmarks = described_points(video.sidecar, "points_px", **size)
    if landmarks:
        video.mesh_folds = folded_part(landmarks[0], landmarks[-1], **size)
    if not faces:
        return
    low, high = int(np.argmin(video.levels)), int(np.argmax(video.levels))
    ends = (faces[low], faces[high])
    places = eye_places(video.sidecar, **size)
    if places is not None:
        distance_px = float(np.linalg.norm(places[1] - places[0]))
        errors = [eye_centres(face.points_px, MODEL_TEMPLATE) - places for face in ends]
        video.eye_error = float(max(np.linalg.norm(error, axis=1).max() for error in errors) / distance_px)
    video.skin_difference = colour_difference(
        skin_colour(frames[low], ends[0]), skin_colour(frames[high], ends[1])
    )
    video.width_difference = abs(face_width(ends[1]) / face_width(ends[0]) - 1)
    if landmarks and video.whole_way and video.levels_upper is None:
        seen = (ends[0].points_px, ends[1].points_px)
        video.landmark_error = landmark_disagreement(
            (landmarks[0], landmarks[-1]), seen, eye_distance_px=_eye_distance_px(seen[0])
        )


def _regions(
    video: VideoMeasures, frames: Sequence[np.ndarray], faces: Mapping[int, DetectedFace]
) -> tuple[Regions, str]:
    """Find the pixels to measure, and a key that is the same for videos with the same pixels."""
    if not faces:
        return shown_regions(frames[0]), "shown"
    size = {"width_px": video.row.width_px, "height_px": video.row.height_px}
    outlines = described_points(video.sidecar, "outline_px", **size)
    if not outlines:
        ends = (int(np.argmin(video.levels)), int(np.argmax(video.levels)))
        outlines = [face_outline(faces[end].points_px) for end in ends]
    half_way = (outlines[0] + outlines[-1]) / 2
    regions = face_regions(half_way, [face.points_px for face in faces.values()], **size)
    background = frames[0][0, 0]
    if _parameters(video).get("mask", "none") != "none":
        shown = (frames[0] != background).any(axis=2) | (frames[-1] != background).any(axis=2)
        regions = Regions(regions.face & shown, regions.skin & shown)
    return regions, hashlib.sha256(regions.face.tobytes() + regions.skin.tobytes()).hexdigest()


def _strip(video: VideoMeasures, frames: Sequence[np.ndarray], faces: Mapping[int, DetectedFace]) -> bytes:
    """Draw some decoded frames side by side with eyes and mouth below."""
    span = (video.levels.min(), video.levels.max())
    wanted = [span[0] + part * (span[1] - span[0]) for part in SHEET_LEVELS]
    chosen = [int(np.argmin(np.abs(video.levels - level))) for level in wanted]
    eyes = eye_places(video.sidecar, width_px=video.row.width_px, height_px=video.row.height_px)
    if eyes is None:
        eyes = np.array([[0.375, 0.42], [0.625, 0.42]]) * (video.row.width_px, video.row.height_px)
    mouths = None
    if faces:
        numbers = np.array(list(faces))
        near = [faces[int(numbers[np.argmin(np.abs(numbers - index))])] for index in chosen]
        mouths = np.stack([face.points_px[[UPPER_LIP, LOWER_LIP]].mean(axis=0) for face in near])
    levels = ", ".join(f"{video.levels[index]:.0%}" for index in chosen)
    label = f"{video.row.pair}: {levels}"
    picture = pair_strip([frames[index] for index in chosen], eyes_px=eyes, mouth_px=mouths, label=label)
    ok, content = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85]
    )
    if not ok:
        raise RuntimeError("the contact sheet could not be encoded as JPEG")
    return bytes(content.tobytes())
