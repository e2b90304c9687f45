"""Landmarks of a photograph: found by the face model, or read from a file made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.face_model import DetectedFace, face_model
from stimuli.face_points import EYE_POINTS, MODEL_TEMPLATE, eye_centres
from stimuli.landmark_files import LandmarkFile, read_landmark_file
from stimuli.landmark_text import TemplateLine

MIN_EYE_DISTANCE_PX = 40.0
"""A smaller face is refused: it is too coarse for a stimulus, and landmarks are uncertain (our choice)."""
MIN_CONFIDENCE = 8.0
"""A face of lower confidence (a logit) is refused; seen for masks and drawings (our choice)."""
GOOD_CONFIDENCE = 12.0
"""A face of lower confidence gets a warning; frontal photographs have 18 to 31 (our choice)."""
MAX_YAW_DEG = 30.0
"""A head turned further is refused, because half of the face is hidden (our choice)."""
GOOD_YAW_DEG = 15.0
"""A head turned further gets a warning (our choice)."""
MAX_ROLL_DEG = 45.0
"""A face tilted further in the picture is refused: the photograph lies on its side (our choice)."""
CLOSED_EYES = 0.5
"""Eyes get a warning when the mean score of their blinks is larger; open ones have 0 to 0.4 (our choice)."""
SECOND_FACE_RATIO = 0.5
"""A second face at least this large, relative to the largest, makes a photograph ambiguous (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Landmarks:
    """Where things are in one photograph; pixels from the centre of its first pixel, x right and y down."""

    points_px: np.ndarray
    """The template's points, shape ``(n_points, 2)``."""
    template: str
    """Name of the template; two photographs can be morphed when they have the same."""
    eyes_px: np.ndarray
    """Centres of the eyes, shape ``(2, 2)``, the one at the picture's left first."""
    face_px: np.ndarray | None = None
    """The face model's points, shape ``(478, 2)``; None if it did not see the face."""
    scores: dict[str, float] = field(default_factory=dict)
    """Expression scores from 0 to 1; empty if the face model did not see the face."""
    confidence: float | None = None
    """The face model's confidence, a logit; None if it did not see the face."""
    yaw_deg: float | None = None
    """Turn of the head in degrees; None if the face model did not see the face."""
    lines: Sequence[TemplateLine] = ()
    """Lines that the landmark file's template draws."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the landmark file held."""
    warnings: tuple[str, ...] = ()
    """What an experimenter should know about this photograph."""

    @property
    def eye_distance_px(self) -> float:
        """Distance between the centres of the eyes."""
        return float(np.linalg.norm(self.eyes_px[1] - self.eyes_px[0]))


def find_landmarks(image: np.ndarray, *, name: str, file: Path | None = None) -> Landmarks:
    """Find the landmarks of the one face in a photograph.

    Parameters
    ----------
    image
        Photograph, shape ``(height_px, width_px, 3)``, uint8, RGB, upright.
    name
        What to call the photograph in messages.
    file
        Landmark file to use in place of the model's points. The model is asked all the same for the face's
        outline, mouth and expression, and for the eyes unless the file tells them.

    Raises
    ------
    ValueError
        If there is no face, more than one, one too small, turned away or unclear, or if the landmark file
        does not fit the photograph.
    """
    if file is None:
        face, warnings = find_face(image, name=name)
        points_px = face.points_px
        return _with_face(LandmarkFile(points_px=points_px, template=MODEL_TEMPLATE), face, warnings)
    given = read_landmark_file(file, photograph=name, size_px=(image.shape[1], image.shape[0]))
    _check_fit(given.points_px, given.size_px, image, file=file, name=name)
    try:
        face, warnings = find_face(image, name=name)
    except ValueError as error:
        return _without_face(given, reason=str(error))
    return _with_face(given, face, warnings)


def find_face(image: np.ndarray, *, name: str) -> tuple[DetectedFace, tuple[str, ...]]:
    """Find the one face in a photograph, and what is worth a warning about it.

    Raises
    ------
    ValueError
        If there is no face, more than one, one too small, turned away, or unclear.
    """
    found = face_model().find_faces(image)
    faces = [face for face in found if face.confidence >= MIN_CONFIDENCE]
    faces.sort(key=_eye_distance_px, reverse=True)
    if not faces:
        seen = f" (confidence {found[0].confidence:.1f}, needed {MIN_CONFIDENCE:g})" if found else ""
        raise ValueError(
            f"no face found in {name}{seen}. Expected one frontal, upright face that fills a quarter or "
            f"more of the picture's longer side: {_advice_without_face(image)}"
        )
    if len(faces) > 1 and _eye_distance_px(faces[1]) >= SECOND_FACE_RATIO * _eye_distance_px(faces[0]):
        raise ValueError(f"{len(faces)} faces found in {name}: crop the photograph to the one that is meant")
    _check_face(faces[0], name=name)
    return faces[0], _face_warnings(faces)


def _advice_without_face(image: np.ndarray) -> str:
    """Say how to turn a photograph in which a face is seen when it is turned."""
    for quarters, direction in (
        (-1, "a quarter clockwise"),
        (1, "a quarter anticlockwise"),
        (2, "upside down"),
    ):
        for face in face_model().find_faces(np.ascontiguousarray(np.rot90(image, quarters))):
            if face.confidence >= GOOD_CONFIDENCE and abs(face.roll_deg) < MAX_ROLL_DEG:
                return f"a face is seen when the photograph is turned {direction}; turn it and save it so"
    return "turn or crop the photograph, or give landmarks made by hand"


def _check_face(face: DetectedFace, *, name: str) -> None:
    if abs(face.roll_deg) > MAX_ROLL_DEG:
        raise ValueError(
            f"the face in {name} is tilted by about {abs(face.roll_deg):.0f} degrees: the photograph lies on "
            "its side or upside down. Turn it upright and save it so"
        )
    if _eye_distance_px(face) < MIN_EYE_DISTANCE_PX:
        raise ValueError(
            f"the face in {name} is too small: the eyes are {_eye_distance_px(face):.0f} px apart, at least "
            f"{MIN_EYE_DISTANCE_PX:g} px are needed. Use a photograph of higher resolution"
        )
    if abs(face.yaw_deg) > MAX_YAW_DEG:
        raise ValueError(
            f"the head in {name} is turned by about {abs(face.yaw_deg):.0f} degrees, at most {MAX_YAW_DEG:g} "
            "are possible. Use a frontal photograph"
        )


def _face_warnings(faces: list[DetectedFace]) -> tuple[str, ...]:
    face = faces[0]
    warnings = []
    if face.confidence < GOOD_CONFIDENCE:
        warnings.append(
            f"unclear face: confidence {face.confidence:.1f}, usual for frontal photographs 18 to 31"
        )
    if abs(face.yaw_deg) > GOOD_YAW_DEG:
        warnings.append(f"head turned by about {abs(face.yaw_deg):.0f} degrees")
    blinks = (face.scores["eyeBlinkLeft"], face.scores["eyeBlinkRight"])
    if sum(blinks) / 2 > CLOSED_EYES:
        warnings.append(f"the eyes seem to be closed (scores {blinks[0]:.2f} and {blinks[1]:.2f})")
    if len(faces) > 1:
        warnings.append(f"{len(faces) - 1} smaller face(s) ignored")
    return tuple(warnings)


def _eye_distance_px(face: DetectedFace) -> float:
    right, left = eye_centres(face.points_px, MODEL_TEMPLATE)
    return float(np.linalg.norm(left - right))


def _with_face(given: LandmarkFile, face: DetectedFace, warnings: tuple[str, ...]) -> Landmarks:
    """Make the record of a face that the model saw too; what the given points tell goes first."""
    face_px = given.points_px if given.template == MODEL_TEMPLATE else face.points_px
    eyes_px = _given_eyes(given)
    return Landmarks(
        points_px=given.points_px,
        template=given.template,
        eyes_px=eyes_px if eyes_px is not None else eye_centres(face_px, MODEL_TEMPLATE),
        face_px=face_px,
        scores=face.scores,
        confidence=face.confidence,
        yaw_deg=face.yaw_deg,
        lines=given.lines,
        more=given.more,
        warnings=warnings,
    )


def _without_face(given: LandmarkFile, *, reason: str) -> Landmarks:
    """Make the record of a face that the model did not see; the file must then tell the eyes."""
    eyes_px = _given_eyes(given)
    if eyes_px is None:
        raise ValueError(
            f"{reason}. The template {given.template} does not help, as it does not say which points are the "
            f"eyes; templates that do: {', '.join(EYE_POINTS)}"
        )
    return Landmarks(
        points_px=given.points_px,
        template=given.template,
        eyes_px=eyes_px,
        face_px=given.points_px if given.template == MODEL_TEMPLATE else None,
        lines=given.lines,
        more=given.more,
        warnings=(f"used the given landmarks alone: {reason}",),
    )


def _given_eyes(given: LandmarkFile) -> np.ndarray | None:
    """Eyes that the points of a known template tell, or the file beside its points."""
    if given.template in EYE_POINTS:
        return eye_centres(given.points_px, given.template)
    return given.eyes_px


def _check_fit(
    points_px: np.ndarray, size_px: tuple[int, int] | None, image: np.ndarray, *, file: Path, name: str
) -> None:
    height_px, width_px = image.shape[:2]
    if size_px is not None and size_px != (width_px, height_px):
        raise ValueError(
            f"{file} was made for a photograph of {size_px[0]} x {size_px[1]} px, but {name} has "
            f"{width_px} x {height_px} px"
        )
    inside = ((points_px >= 0) & (points_px < (width_px, height_px))).all(axis=1).mean()
    if inside < 0.8:
        raise ValueError(
            f"{1 - inside:.0%} of the points in {file} lie outside {name} ({width_px} x {height_px} px): "
            "they belong to another photograph or another size of it"
        )
