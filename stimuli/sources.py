"""The sources of a set: photographs with their landmarks, checked before the first frame is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimuli.align import eye_transform, outside_fraction, transform_image, transform_points
from stimuli.landmarks import Landmarks, find_landmarks
from stimuli.light import to_grey
from stimuli.manifest import file_sha256
from stimuli.morph import AlignedFace
from stimuli.pairs import Pair
from stimuli.parameters import MorphParameters
from stimuli.photographs import read_photograph
from stimuli.tones import Tone

MAX_ENLARGEMENT = 1.3
"""A photograph enlarged more than this gets a warning (our choice)."""
MAX_YAW_DIFFERENCE_DEG = 12.0
"""Two heads turned this differently get a warning, as the morph then turns the head (our choice)."""
MAX_FACE_SIZE_RATIO = 1.5
"""Faces whose sizes in pixels differ more get a warning, as one is then blurrier (our choice)."""
GREY_SPREAD = 2.0
"""A photograph counts as grey when its channels differ less than this on average, in grey levels."""
MAX_OUTSIDE = 0.01
"""Part of the frame that may lie outside of the photograph without a warning (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One photograph of a pair."""

    photograph: Path
    """The file."""
    photograph_sha256: str
    """SHA-256 of the file."""
    landmark_file: Path | None
    """Landmarks made by hand, if any."""
    landmark_sha256: str | None
    """SHA-256 of that file."""
    size_px: tuple[int, int]
    """Width and height of the upright photograph."""
    landmarks: Landmarks
    """Where things are in it."""
    grey: bool = False
    """Whether it has no colour."""


@dataclass(frozen=True, kw_only=True)
class PairSources:
    """Both photographs of a pair."""

    pair: Pair
    """The row of the table."""
    first: Source
    """The first expression's photograph."""
    second: Source
    """The second expression's photograph."""


def read_sources(pairs: Iterable[Pair]) -> list[PairSources]:
    """Read all photographs and find their landmarks.

    Parameters
    ----------
    pairs
        Rows of the table.

    Raises
    ------
    ValueError
        If any photograph or landmark file cannot be used; all problems of all pairs are listed.
    """
    sources, problems = [], []
    for pair in pairs:
        try:
            sources.append(_read_pair(pair))
        except (ValueError, FileNotFoundError) as error:
            problems.append(f"pair {pair.pair}: {error}")
    if problems:
        raise ValueError("these pairs cannot be used:\n  " + "\n  ".join(problems))
    return sources


def align_source(source: Source, parameters: MorphParameters, *, tone: Tone | None = None) -> AlignedFace:
    """Bring a photograph and its landmarks into the frame, without colour if that is wanted.

    Parameters
    ----------
    source
        The photograph.
    parameters
        Size, eyes, colour and background.
    tone
        Change of its lightness, if identities are made alike.
    """
    image = read_photograph(source.photograph, background=parameters.background)
    transform = eye_transform(source.landmarks.eyes_px, parameters.eyes_px)
    face_px = source.landmarks.face_px
    size = {"width_px": parameters.width_px, "height_px": parameters.height_px}
    aligned = transform_image(image, transform, **size)
    if parameters.colour == "grey":
        aligned = to_grey(aligned)
    return AlignedFace(
        image=aligned if tone is None else tone.apply(aligned),
        points_px=transform_points(source.landmarks.points_px, transform),
        face_px=transform_points(face_px, transform) if face_px is not None else None,
        eye_distance_px=parameters.eye_distance * parameters.width_px,
    )


def source_warnings(sources: PairSources, parameters: MorphParameters, shown: np.ndarray) -> list[str]:
    """Say in sentences what an experimenter should know about the photographs of a pair.

    Parameters
    ----------
    sources
        The pair.
    parameters
        Size and alignment.
    shown
        Pixels of the frame that the mask shows, boolean, shape ``(height_px, width_px)``.
    """
    warnings = []
    for source in (sources.first, sources.second):
        name = source.photograph.name
        warnings += [f"{name}: {warning}" for warning in source.landmarks.warnings]
        transform = eye_transform(source.landmarks.eyes_px, parameters.eyes_px)
        enlargement = float(np.hypot(*transform[:, 0]))
        if enlargement > MAX_ENLARGEMENT:
            warnings.append(
                f"{name}: enlarged {enlargement:.1f} times; use a photograph of higher resolution"
            )
        outside = outside_fraction(source.size_px[::-1], transform, shown=shown)
        if outside > MAX_OUTSIDE:
            warnings.append(f"{name}: {outside:.0%} of what is shown lies outside the photograph")
    return warnings + difference_warnings(sources)


def difference_warnings(sources: PairSources) -> list[str]:
    """Say in sentences in what the two photographs of a pair differ beyond the expression."""
    warnings = []
    first, second = sources.first, sources.second
    angles = (first.landmarks.yaw_deg, second.landmarks.yaw_deg)
    if angles[0] is not None and angles[1] is not None:
        turn_deg = abs(angles[0] - angles[1])
        if turn_deg > MAX_YAW_DIFFERENCE_DEG:
            warnings.append(f"the head turns by about {turn_deg:.0f} degrees between the photographs")
    sizes_px = (first.landmarks.eye_distance_px, second.landmarks.eye_distance_px)
    if max(sizes_px) > MAX_FACE_SIZE_RATIO * min(sizes_px):
        warnings.append(
            f"the eyes are {sizes_px[0]:.0f} px apart in {first.photograph.name} and {sizes_px[1]:.0f} px in "
            f"{second.photograph.name}: the smaller face is less sharp; use photographs of one size"
        )
    if first.grey != second.grey:
        grey, other = (first, second) if first.grey else (second, first)
        warnings.append(
            f"{grey.photograph.name} is grey and {other.photograph.name} is not: colour fades during the "
            "morph; use two of a kind"
        )
    return warnings


def _read_pair(pair: Pair) -> PairSources:
    first, second = (
        _read_source(photograph, file)
        for photograph, file in zip(pair.photographs, pair.landmark_files, strict=True)
    )
    ours, theirs = first.landmarks, second.landmarks
    if ours.template != theirs.template or len(ours.points_px) != len(theirs.points_px):
        raise ValueError(
            f"landmarks of different templates: {ours.template} with {len(ours.points_px)} points for "
            f"{first.photograph.name}, {theirs.template} with {len(theirs.points_px)} points for "
            f"{second.photograph.name}. Give both photographs landmarks of one template, or neither"
        )
    return PairSources(pair=pair, first=first, second=second)


def _read_source(photograph: Path, landmark_file: Path | None) -> Source:
    image = read_photograph(photograph)
    return Source(
        photograph=photograph,
        photograph_sha256=file_sha256(photograph),
        landmark_file=landmark_file,
        landmark_sha256=file_sha256(landmark_file) if landmark_file else None,
        size_px=(image.shape[1], image.shape[0]),
        landmarks=find_landmarks(image, name=photograph.name, file=landmark_file),
        grey=_is_grey(image),
    )


def _is_grey(image: np.ndarray) -> bool:
    """Tell whether a photograph, uint8, RGB, has no colour worth the name."""
    small = image[::8, ::8].astype(np.int16)
    return bool(np.ptp(small, axis=2).mean() < GREY_SPREAD)
