"""Landmarks of a photograph: found by the face model, or read from a file made by hand."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stimuli.face_model import DetectedFace, face_model
from stimuli.landmark_files import read_landmark_file

MODEL_TEMPLATE = "face478"
"""Name of the face model's own set of 478 points."""

CONTOUR = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
"""Points of the model around the face, clockwise in the picture from the middle of the hairline."""

INNER_LIPS = [
    *(78, 191, 80, 81, 82, 13, 312, 311, 310, 415),
    *(308, 324, 318, 402, 317, 14, 87, 178, 88, 95),
]
"""Points of the model around the opening of the mouth; the 6th and the 16th are the middle of its lips."""

RIGHT_EYELIDS = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
"""Points of the model around the opening of the person's right eye (at the left of the picture)."""

LEFT_EYELIDS = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
"""Points of the model around the opening of the person's left eye (at the right of the picture)."""

EYE_POINTS: dict[str, tuple[list[int], list[int]]] = {
    MODEL_TEMPLATE: ([33, 133], [362, 263]),
    "frl189": ([0], [1]),
    "ibug68": ([36, 37, 38, 39, 40, 41], [42, 43, 44, 45, 46, 47]),
}
"""For templates that are known: points whose mean is the eye at the picture's left, and at its right."""

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
    contour_px: np.ndarray | None
    """Outline of the face, shape ``(36, 2)``; None if the face model did not see the face."""
    inner_lips_px: np.ndarray | None
    """Outline of the mouth's opening, shape ``(20, 2)``; None if the face model did not see the face."""
    eyelids_px: np.ndarray | None
    """Outlines of both eyes' openings, shape ``(2, 16, 2)``; None if the face model did not see the face."""
    scores: dict[str, float] = field(default_factory=dict)
    """Expression scores from 0 to 1; empty if the face model did not see the face."""
    confidence: float | None = None
    """The face model's confidence, a logit; None if it did not see the face."""
    yaw_deg: float | None = None
    """Turn of the head in degrees; None if the face model did not see the face."""
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
        outline, mouth and expression, and for the eyes unless the template's eye points are known.

    Raises
    ------
    ValueError
        If there is no face, more than one, one too small, turned away or unclear, or if the landmark file
        does not fit the photograph.
    """
    if file is None:
        face, warnings = find_face(image, name=name)
        return _with_face(_from_points(face.points_px, MODEL_TEMPLATE), face, warnings)
    given = read_landmark_file(file)
    _check_fit(given.points_px, given.size_px, image, file=file, name=name)
    try:
        face, warnings = find_face(image, name=name)
    except ValueError as error:
        if given.template not in EYE_POINTS:
            raise ValueError(
                f"{error}. The template {given.template} does not help, as it is not known which of its points "
                f"are the eyes; templates that are known: {', '.join(EYE_POINTS)}"
            ) from None
        alone = _from_points(given.points_px, given.template)
        return dataclasses.replace(alone, warnings=(f"used the given landmarks alone: {error}",))
    return _with_face(_from_points(given.points_px, given.template), face, warnings)


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
            f"no face found in {name}{seen}. Expected one frontal, upright face that fills at least a quarter "
            "of the picture's longer side: turn or crop the photograph, or give landmarks made by hand"
        )
    if len(faces) > 1 and _eye_distance_px(faces[1]) >= SECOND_FACE_RATIO * _eye_distance_px(faces[0]):
        raise ValueError(f"{len(faces)} faces found in {name}: crop the photograph to the one that is meant")
    _check_face(faces[0], name=name)
    return faces[0], _face_warnings(faces)


def _check_face(face: DetectedFace, *, name: str) -> None:
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
    if len(faces) > 1:
        warnings.append(f"{len(faces) - 1} smaller face(s) ignored")
    return tuple(warnings)


def _eye_distance_px(face: DetectedFace) -> float:
    right, left = (face.points_px[points].mean(axis=0) for points in EYE_POINTS[MODEL_TEMPLATE])
    return float(np.linalg.norm(left - right))


def _from_points(points_px: np.ndarray, template: str) -> Landmarks:
    """Make the record that the points allow; eyes that they do not tell are NaN."""
    known = EYE_POINTS.get(template)
    eyes = [points_px[points].mean(axis=0) for points in known] if known else [[np.nan, np.nan]] * 2
    is_model = template == MODEL_TEMPLATE
    return Landmarks(
        points_px=points_px,
        template=template,
        eyes_px=np.array(eyes),
        contour_px=points_px[CONTOUR] if is_model else None,
        inner_lips_px=points_px[INNER_LIPS] if is_model else None,
        eyelids_px=points_px[[RIGHT_EYELIDS, LEFT_EYELIDS]] if is_model else None,
    )


def _with_face(landmarks: Landmarks, face: DetectedFace, warnings: tuple[str, ...]) -> Landmarks:
    """Add what the model saw in the photograph; what the points themselves tell goes first."""
    seen = _from_points(face.points_px, MODEL_TEMPLATE)
    return dataclasses.replace(
        landmarks if landmarks.contour_px is not None else seen,
        points_px=landmarks.points_px,
        template=landmarks.template,
        eyes_px=landmarks.eyes_px if np.isfinite(landmarks.eyes_px).all() else seen.eyes_px,
        scores=face.scores,
        confidence=face.confidence,
        yaw_deg=face.yaw_deg,
        warnings=warnings,
    )


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
