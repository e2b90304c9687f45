"""Pictures to judge by: some levels of each pair with eyes and mouth, and landmarks on photographs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SHEET_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Levels that a contact sheet shows."""

THUMBNAIL_PX = 320
DETAIL_PX = (240, 160)
LABEL_PX = 24


def pair_strip(
    frames: Sequence[np.ndarray], *, eyes_px: np.ndarray, mouth_px: np.ndarray | None, label: str
) -> np.ndarray:
    """Draw some frames of a morph side by side, and below each its eyes and mouth.

    Parameters
    ----------
    frames
        Frames of the levels to show, each of shape ``(height_px, width_px, 3)``, uint8, RGB.
    eyes_px
        Centres of the eyes in the frame, shape ``(2, 2)``.
    mouth_px
        Middle of the mouth in each frame, shape ``(n_frames, 2)``; None leaves the mouths out.
    label
        Written above the strip.

    Returns
    -------
    numpy.ndarray
        A picture, uint8, RGB.
    """
    columns = []
    half_width = 1.1 * float(np.linalg.norm(eyes_px[1] - eyes_px[0]))
    for number, frame in enumerate(frames):
        scale = THUMBNAIL_PX / frame.shape[0]
        whole = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        places = [eyes_px.mean(axis=0)] + ([mouth_px[number]] if mouth_px is not None else [])
        details = [_detail(frame, place, half_width) for place in places]
        columns.append(_stack([whole, *details]))
    height_px = max(column.shape[0] for column in columns)
    padded = [_pad(column, height_px, column.shape[1] + 6) for column in columns]
    return _labelled(np.hstack(padded), label)


def landmark_picture(image: np.ndarray, points_px: np.ndarray, *, label: str) -> np.ndarray:
    """Draw landmarks on a photograph, cut to the face.

    Parameters
    ----------
    image
        Photograph, uint8, RGB.
    points_px
        Landmarks, shape ``(n_points, 2)``.
    label
        Written above the picture.

    Returns
    -------
    numpy.ndarray
        A picture, uint8, RGB, 600 px high below its label.
    """
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    margin = 0.15 * (high - low)
    scale = 600 / (high - low + 2 * margin)[1]
    transform = np.column_stack([np.eye(2) * scale, -(low - margin) * scale])
    width_px = int((high - low + 2 * margin)[0] * scale)
    picture = cv2.warpAffine(image, transform, (width_px, 600), flags=cv2.INTER_AREA)
    for x, y in (points_px - low + margin) * scale:
        cv2.circle(picture, (round(x * 16), round(y * 16)), 32, (0, 255, 80), -1, cv2.LINE_AA, 4)
    return _labelled(picture, label)


def stack_pictures(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Put pictures of any size below each other, filled up to the widest."""
    return _stack(pictures)


def row_of_pictures(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Put pictures of any size side by side, filled up to the highest."""
    height_px = max(picture.shape[0] for picture in pictures)
    return np.hstack([_pad(picture, height_px, picture.shape[1] + 6) for picture in pictures])


def _detail(frame: np.ndarray, centre: np.ndarray, half_width: float) -> np.ndarray:
    """Cut a piece around a place and bring it to a common size."""
    width_px, height_px = DETAIL_PX
    scale = width_px / (2 * half_width)
    transform = np.array(
        [[scale, 0, width_px / 2 - scale * centre[0]], [0, scale, height_px / 2 - scale * centre[1]]]
    )
    return cv2.warpAffine(frame, transform, DETAIL_PX, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _stack(pictures: Sequence[np.ndarray]) -> np.ndarray:
    width_px = max(picture.shape[1] for picture in pictures)
    return np.vstack([_pad(picture, picture.shape[0] + 4, width_px) for picture in pictures])


def _pad(picture: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    down, right = height_px - picture.shape[0], width_px - picture.shape[1]
    return cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _labelled(picture: np.ndarray, label: str) -> np.ndarray:
    bar = Image.new("RGB", (picture.shape[1], LABEL_PX), "white")
    ImageDraw.Draw(bar).text((4, 3), label, fill="black", font=ImageFont.load_default(16))
    return np.vstack([np.array(bar), picture])
