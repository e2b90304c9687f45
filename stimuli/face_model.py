"""The face model: where the face is, 478 points on it, and 52 expression scores, found on this computer.

The model file is MediaPipe's Face Landmarker bundle (Google, Apache-2.0; see ``models/PROVENANCE.txt``),
run by the deep-learning module of OpenCV. The `mediapipe` package is not used: its recent versions report
usage to its maker.

Steps (as in the bundle's own pipeline): the photograph is scaled into 128 x 128 px for the detector; the
box found, turned so that the eyes are level and enlarged by half, is scaled to 256 x 256 px for the
landmark net; 146 of the 478 points go to the net for the expression scores.

References
----------
Bazarevsky et al. (2019), BlazeFace, arXiv:1907.05047. Grishchenko et al. (2020), Attention Mesh,
arXiv:2006.10962.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

MODEL_FILE = Path(__file__).parent / "models" / "face_landmarker.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

_NAMES = """
neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff
cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight
eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight
eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight mouthClose
mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel mouthLeft
mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight
mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight
mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft noseSneerRight
"""
SCORE_NAMES: Sequence[str] = _NAMES.split()
"""Names of the expression scores in the model's order (Left and Right are the depicted person's)."""

_SCORED = """
0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84 87 88 91
93 95 103 105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157 158 159 160 161
162 163 168 172 173 176 178 181 185 191 195 197 234 246 249 251 263 267 269 270 276 282 283 284 285
288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324 332 334 336 338 356 361 362 365
373 374 375 377 378 379 380 381 382 384 385 386 387 388 389 390 397 398 400 402 405 409 415 454 466
468 469 470 471 472 473 474 475 476 477
"""
SCORED_POINTS: Sequence[int] = [int(index) for index in _SCORED.split()]
"""The 146 points that the net for the expression scores looks at."""

_DETECTOR_PX = 128
_LANDMARKER_PX = 256
_CROP_ENLARGEMENT = 1.5
_SAME_FACE_OVERLAP = 0.3


@dataclass(frozen=True, kw_only=True)
class DetectedFace:
    """A face in a photograph."""

    points_px: np.ndarray
    """Landmarks, shape ``(478, 2)``: x to the right and y down from the centre of the first pixel."""
    depth_px: np.ndarray
    """Depth of each landmark, shape ``(478,)``, on the scale of the points; smaller is nearer."""
    box_px: np.ndarray
    """Corners of the detector's box, shape ``(2, 2)``: top left, bottom right; each x, y."""
    confidence: float
    """How sure the landmark net is that it sees a face, as a logit; frontal photographs: 15 to 30."""
    scores: dict[str, float]
    """The 52 expression scores, from 0 to 1, by name (see `SCORE_NAMES`)."""

    @property
    def yaw_deg(self) -> float:
        """Turn of the head to the side in degrees, from the depths of both sides of the face; 0 = frontal."""
        right, left = 234, 454
        across = np.linalg.norm(self.points_px[left] - self.points_px[right])
        return float(np.degrees(np.arctan2(self.depth_px[left] - self.depth_px[right], across)))

    @property
    def roll_deg(self) -> float:
        """Tilt of the head in the picture's plane in degrees, clockwise; 0 = upright, 180 = upside down."""
        across = self.points_px[263] - self.points_px[33]
        return float(np.degrees(np.arctan2(across[1], across[0])))


class FaceModel:
    """The three nets of the model file.

    Raises
    ------
    FileNotFoundError
        If the model file is missing.
    ValueError
        If the file is not the one that the suite was tested with.
    """

    def __init__(self, path: Path = MODEL_FILE) -> None:
        _check_model(path)
        with zipfile.ZipFile(path) as bundle:
            self._detector = _load_net(bundle.read("face_detector.tflite"))
            self._landmarker = _load_net(bundle.read("face_landmarks_detector.tflite"))
            self._scorer = _load_net(bundle.read("face_blendshapes.tflite"))
        self._anchors = _anchor_centres()

    def find_faces(self, image: np.ndarray) -> list[DetectedFace]:
        """Find the faces in an image, the surest first.

        Parameters
        ----------
        image
            Shape ``(height_px, width_px, 3)``, uint8, RGB, upright.

        Returns
        -------
        list of DetectedFace
            Empty if there is no face. A face has to fill about a fifth of the image's longer side to be
            found.
        """
        return [self._describe(image, box, eyes) for box, eyes in self._detect(image)]

    def describe_face(self, image: np.ndarray, near: np.ndarray) -> DetectedFace:
        """Locate the landmarks of a face whose place is roughly known; needs no detection.

        Parameters
        ----------
        image
            Shape ``(height_px, width_px, 3)``, uint8, RGB.
        near
            Landmarks of the same face in a similar image, shape ``(478, 2)``, in pixels.
        """
        box = np.stack([near.min(axis=0), near.max(axis=0)])
        return self._describe(image, box, near[[33, 263]])

    def _detect(self, image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Boxes (corners) and eye positions of the faces in an image, in pixels."""
        height_px, width_px = image.shape[:2]
        scale = _DETECTOR_PX / max(height_px, width_px)
        width, height = max(1, round(width_px * scale)), max(1, round(height_px * scale))
        small = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        left, top = (_DETECTOR_PX - width) // 2, (_DETECTOR_PX - height) // 2
        square = np.zeros((_DETECTOR_PX, _DETECTOR_PX, 3), np.float32)
        square[top : top + height, left : left + width] = small
        offsets, logits = _run(self._detector, square / 127.5 - 1, ["regressors", "classificators"])
        sure = 1 / (1 + np.exp(-np.clip(logits.ravel(), -80, 80)))
        values = offsets.reshape(-1, 8, 2)[sure > 0.5] / _DETECTOR_PX  # centre, size, six points of the face
        places = self._anchors[sure > 0.5]
        centres, sizes = values[:, 0] + places, values[:, 1]
        eyes = values[:, 2:4] + places[:, None]
        boxes = np.stack([centres - sizes / 2, centres + sizes / 2], axis=1)
        shapes = _merge_boxes(np.concatenate([boxes, eyes], axis=1), sure[sure > 0.5])
        found = [(shape * _DETECTOR_PX - (left, top)) / scale for shape in shapes]
        return [(shape[:2], shape[2:]) for shape in found]

    def _describe(self, image: np.ndarray, box: np.ndarray, eyes: np.ndarray) -> DetectedFace:
        across = eyes[1] - eyes[0]
        angle = np.arctan2(across[1], across[0])
        scale = _LANDMARKER_PX / (_CROP_ENLARGEMENT * max(box[1] - box[0]))
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        shift = _LANDMARKER_PX / 2 - turn @ box.mean(axis=0)
        transform = np.column_stack([turn, shift])
        method = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
        crop = cv2.warpAffine(image, transform, (_LANDMARKER_PX, _LANDMARKER_PX), flags=method)
        points, logit = _run(self._landmarker, crop.astype(np.float32) / 255, ["Identity", "Identity_1"])
        points = points.reshape(-1, 3).astype(float)
        points_px = (points[:, :2] - shift) @ np.linalg.inv(turn).T
        return DetectedFace(
            points_px=points_px,
            depth_px=points[:, 2] / scale,
            box_px=box,
            confidence=float(logit.ravel()[0]),
            scores=self._score(points_px),
        )

    def _score(self, points_px: np.ndarray) -> dict[str, float]:
        self._scorer.setInput(points_px[None, SCORED_POINTS].astype(np.float32))
        values = self._scorer.forward().ravel()
        return {name: round(float(value), 4) for name, value in zip(SCORE_NAMES, values, strict=True)}


@functools.cache
def face_model() -> FaceModel:
    """Return the face model, loaded at the first call."""
    return FaceModel()


def _check_model(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"the face model is missing: {path}. Install the suite again")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        raise ValueError(
            f"the face model {path} is not the expected file (SHA-256 {found}, expected {MODEL_SHA256}): "
            "it is damaged or was exchanged. Install the suite again"
        )


def _load_net(content: bytes) -> cv2.dnn.Net:
    """Load a TFLite net through a file.

    OpenCV 5 must be told to use its classic engine, because the default one hides all but one of a net's
    outputs; and it listens to that only when it reads from a file. OpenCV 4 has the classic engine alone.
    """
    handle, name = tempfile.mkstemp(suffix=".tflite", dir=_plain_folder())
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
        return cv2.dnn.readNetFromTFLite(name, *engine)
    finally:
        Path(name).unlink()


def _plain_folder() -> str | None:
    """Return a folder whose name OpenCV can read; on Windows it must be in ASCII letters."""
    if sys.platform == "win32" and not tempfile.gettempdir().isascii():
        return os.environ.get("PROGRAMDATA", "C:\\ProgramData")
    return None


def _run(net: cv2.dnn.Net, image: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
    net.setInput(np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))
    return list(net.forward(list(outputs)))


def _anchor_centres() -> np.ndarray:
    """Centres of the detector's anchors, shape ``(896, 2)``, as fractions of the image's side."""
    centres = []
    for n_cells, per_cell in ((16, 2), (8, 6)):
        middle = (np.arange(n_cells) + 0.5) / n_cells
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, per_cell, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _merge_boxes(shapes: np.ndarray, sure: np.ndarray) -> list[np.ndarray]:
    """Replace boxes that overlap by their mean, weighted with the confidence; the surest comes first.

    Parameters
    ----------
    shapes
        Shape ``(n, 4, 2)``: two corners of the box and two eyes.
    sure
        Confidence of each, shape ``(n,)``.
    """
    merged = []
    remaining = np.argsort(-sure, kind="stable")
    while len(remaining):
        same = _overlap(shapes[remaining[0]], shapes[remaining]) > _SAME_FACE_OVERLAP
        same[0] = True
        group = remaining[same]
        merged.append(np.average(shapes[group], axis=0, weights=sure[group]))
        remaining = remaining[~same]
    return merged


def _overlap(shape: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with others."""
    lower = np.maximum(shape[0], others[:, 0])
    upper = np.minimum(shape[1], others[:, 1])
    shared = np.prod(np.clip(upper - lower, 0, None), axis=1)
    areas = np.prod(others[:, 1] - others[:, 0], axis=1) + np.prod(shape[1] - shape[0])
    return shared / (areas - shared + 1e-12)
