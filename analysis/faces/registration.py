"""Bring the pictures of one animal's sessions onto each other, and say how well that worked.

Phase correlation finds the shift, ECC (Evangelidis and Psarakis, 2008, doi:10.1109/TPAMI.2008.113) refines
it, from coarse to fine, as a shift alone or as an affine map (shift, rotation, scale, shear). What
registration cannot undo is said: interpolation changes the texture of a rotated face, and descriptors see
texture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
import pandas as pd

from analysis.faces.frame_measures import PhaseCorrelator
from analysis.faces.hog import describe_frames

Model = Literal["phase", "translation", "affine"]
"""``phase``: a shift by phase correlation alone; ``translation``: a shift by ECC; ``affine``: by ECC."""

MOST_ROTATION_DEG = 2.0
"""Rotation from which a warning is given. On one face, interpolated linearly, registration lifted descriptors
from r = .69 to .89 (of .90) after a shift, but only to .74 to .76 after 3 to 10 degrees. Interpolated as
here, on two others turned in the plane, they reach .94 (of .96) even at 6 degrees; real heads turn in depth
as well."""
SMALL_ROTATION_DEG, SMALL_SCALE = 0.5, 0.005
"""Rotation and change of size below which a picture is moved by whole pixels only. Between pixels texture is
lost: half a pixel, interpolated linearly, costs descriptors of a real face .10 of r, as much as a
rotation."""
LEAST_CORRELATION = 0.7
"""Correlation of the registered pictures below which they hardly show the same face. Our choice."""
START_ROTATIONS_DEG = (0.0, -4.0, 4.0, -8.0, 8.0, -12.0, 12.0)
"""Rotations that are tried to begin with, in the coarsest picture."""
_WIDTHS_PX = (80, 160, 320, 640)


@dataclass(frozen=True)
class Registration:
    """How a picture lies against the reference, and how far they still differ once that is undone."""

    matrix: np.ndarray
    """Affine map ``(2, 3)`` from a position ``(x, y, 1)`` in the reference to that in the picture, in
    pixels."""
    shift_px: tuple[float, float]
    """Shift ``(x, y)`` of the middle of the picture; right and down are positive."""
    rotation_deg: float
    """Rotation of the picture, clockwise on the screen."""
    scale: float
    """Size against the reference."""
    correlation_before: float
    """Correlation of the pixels of both before registration."""
    correlation_after: float
    """Correlation of the pixels afterwards, where both have any."""
    residual_levels: float
    """Root mean square of the remaining difference once brightness and contrast are matched, in grey levels
    of the pictures."""
    converged: bool
    """Whether ECC found a solution; if not, the shift by phase correlation stands."""
    warnings: tuple[str, ...]
    """What registration cannot undo, in words."""

    @property
    def moves_whole_pixels(self) -> bool:
        """Whether `apply` only moves by whole pixels, which leaves the texture as it is."""
        return abs(self.rotation_deg) < SMALL_ROTATION_DEG and abs(self.scale - 1) < SMALL_SCALE

    @property
    def applied_matrix(self) -> np.ndarray:
        """The map that `apply` uses: `matrix`, or its shift in whole pixels."""
        if not self.moves_whole_pixels:
            return self.matrix
        x, y = np.rint(self.shift_px)
        return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame of that session as it would look in the place of the reference, same type and size.

        A small rotation or none is left alone and the frame moved by whole pixels; otherwise it is
        interpolated (Lanczos, which keeps more of the texture than linear interpolation). What lies outside
        of the frame is filled with its edge; see `seen`.
        """
        how = cv2.INTER_NEAREST if self.moves_whole_pixels else cv2.INTER_LANCZOS4
        return _warp(frame, self.applied_matrix, how, cv2.BORDER_REPLICATE)

    def seen(self, shape: tuple[int, int]) -> np.ndarray:
        """Return which pixels of `apply`'s result the frame shows, boolean ``(height_px, width_px)``."""
        ones = np.ones(shape, np.float32)
        return _warp(ones, self.applied_matrix, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT) > 0.999


def register(
    reference: np.ndarray, picture: np.ndarray, *, model: Model = "affine", mask: np.ndarray | None = None
) -> Registration:
    """Find where a picture lies against a reference of the same size.

    Parameters
    ----------
    reference, picture
        Grey, ``(height_px, width_px)``, best means over many frames (`mean_picture`).
    model
        What may differ, see `Model`.
    mask
        Which pixels of the reference are the face, boolean of that shape. Without it the picture as a whole
        is registered, which is right for a moved camera; with it the face, which is right for an animal that
        was fixed anew in front of a camera that stands still.

    Raises
    ------
    ValueError
        If shapes differ, a picture is flat, or the model is not known.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> reference = cv2.GaussianBlur(rng.normal(128, 400, (240, 320)).astype(np.float32), (0, 0), 6)
    >>> found = register(reference, np.roll(reference, (3, -5), (0, 1)), model="translation")
    >>> [round(value) for value in found.shift_px], round(found.correlation_after, 2)
    ([-5, 3], 1.0)
    """
    _check(reference, picture, model, mask)
    weight = np.ones(reference.shape, np.float32) if mask is None else np.asarray(mask, np.float32)
    fixed, moving = (np.asarray(image, np.float32) for image in (reference, picture))
    matrix = _start(fixed, moving, weight, START_ROTATIONS_DEG if model == "affine" else (0.0,))
    refined = matrix if model == "phase" else _refine(fixed, moving, weight, matrix, model)
    return _result(fixed, moving, weight > 0.5, matrix if refined is None else refined, refined is not None)


def register_sessions(
    pictures: Mapping[str, np.ndarray],
    *,
    reference: str | None = None,
    model: Model = "affine",
    mask: np.ndarray | None = None,
    cell_px: int = 32,
) -> tuple[dict[str, Registration], pd.DataFrame]:
    """Register the sessions of one animal to one of them.

    Parameters
    ----------
    pictures
        Mean picture of each session, by its name.
    reference
        Session that the others are brought onto; None: the first.
    model, mask
        As in `register`.
    cell_px
        Cell of the descriptors by which the table says what is gained.

    Returns
    -------
    registrations : dict of Registration
        By session; the reference's own changes nothing.
    table : pandas.DataFrame
        One row per session: ``session``, ``reference``, ``shift_x_px``, ``shift_y_px``, ``rotation_deg``,
        ``scale``, ``r_before``, ``r_after`` (pixels), ``descriptor_r_before``, ``descriptor_r_after``,
        ``residual_levels``, ``warnings``.

    Raises
    ------
    ValueError
        If there is no session, the reference is not among them, or sizes differ.
    """
    if not pictures:
        raise ValueError("there is no session to register")
    first = next(iter(pictures)) if reference is None else reference
    if first not in pictures:
        raise ValueError(f"the reference session {first!r} is not among {', '.join(pictures)}")
    fixed = pictures[first]
    found = {name: register(fixed, image, model=model, mask=mask) for name, image in pictures.items()}
    rows = [
        {
            "session": name,
            "reference": first,
            "shift_x_px": one.shift_px[0],
            "shift_y_px": one.shift_px[1],
            "rotation_deg": one.rotation_deg,
            "scale": one.scale,
            "r_before": one.correlation_before,
            "r_after": one.correlation_after,
            **_descriptor_gain(fixed, pictures[name], one, mask, cell_px),
            "residual_levels": one.residual_levels,
            "warnings": "; ".join(one.warnings),
        }
        for name, one in found.items()
    ]
    return found, pd.DataFrame(rows)


def mean_picture(
    frames: Iterable[tuple[int, float, np.ndarray]], *, valid: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean over frames, float32 ``(height_px, width_px)``, without keeping them.

    Parameters
    ----------
    frames
        ``(index, time_s, grey)`` as they come.
    valid
        Which frames may be used, boolean, by their place in the stream; None: all.

    Raises
    ------
    ValueError
        If no frame is left.
    """
    total: np.ndarray | None = None
    count = 0
    for place, (_, _, frame) in enumerate(frames):
        if valid is None or valid[place]:
            total = frame.astype(np.float64) if total is None else total + frame
            count += 1
    if total is None:
        raise ValueError("no valid frame is left to take the mean of")
    return (total / count).astype(np.float32)


def _check(reference: np.ndarray, picture: np.ndarray, model: str, mask: np.ndarray | None) -> None:
    if model not in get_args(Model):
        raise ValueError(f"model is one of {', '.join(get_args(Model))}; got {model!r}")
    shapes = {"picture": np.shape(picture), "mask": np.shape(reference) if mask is None else np.shape(mask)}
    for name, shape in shapes.items():
        if shape != np.shape(reference) or len(shape) != 2:
            raise ValueError(
                f"the {name} has {shape} px, the reference {np.shape(reference)} px (height, width): "
                f"sessions must "
                "be recorded, or cropped, in one size to be registered"
            )
    if mask is not None and np.sum(mask) < 100:
        raise ValueError("the mask leaves fewer than 100 pixels to register")
    for name, image in (("reference", reference), ("picture", picture)):
        if not np.isfinite(image).all() or np.ptp(image) == 0:
            raise ValueError(f"the {name} is flat or not finite; there is nothing in it to register by")


def _start(
    fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray, rotations: tuple[float, ...]
) -> np.ndarray:
    """Shift by phase correlation, at the rotation at which the pictures agree best."""
    small, size = _reduced(fixed, 160)
    other, share = _reduced(moving, 160)[0], _reduced(weight, 160)[0]
    spread = np.clip(cv2.GaussianBlur(share, (0, 0), 6.0), 0, 1) if share.min() < 1 else share
    correlator = PhaseCorrelator(small, weight=spread)
    middle = ((small.shape[1] - 1) / 2, (small.shape[0] - 1) / 2)
    best, agreement = np.eye(2, 3), -np.inf
    for angle in rotations:
        turn = cv2.getRotationMatrix2D(middle, -angle, 1.0)
        x, y, _ = correlator.place(_warp(other, turn, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE))
        matrix = _compose(turn, np.array([[1, 0, x], [0, 1, y]]))
        found = _agreement(small, other, share > 0.5, matrix)[0]
        if found > agreement + 1e-3:
            best, agreement = matrix, found
    return _scaled(best, size)


def _refine(
    fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray, matrix: np.ndarray, model: Model
) -> np.ndarray | None:
    """ECC from coarse to fine; None if it finds no solution."""
    motion = cv2.MOTION_AFFINE if model == "affine" else cv2.MOTION_TRANSLATION
    widths = [width for width in _WIDTHS_PX if width < fixed.shape[1]] or [fixed.shape[1]]
    if fixed.shape[1] <= _WIDTHS_PX[-1]:
        widths = sorted({*widths, fixed.shape[1]})
    for width in widths:
        small, size = _reduced(fixed, width)
        other, share = _reduced(moving, width)[0], _reduced(weight, width)[0]
        start = _scaled(matrix, 1 / size).astype(np.float32)
        looked_at = cv2.warpAffine(share, start, small.shape[::-1], flags=cv2.INTER_LINEAR)
        finish = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-5)
        kept = (looked_at > 0.5).astype(np.uint8)
        try:
            _, found = cv2.findTransformECC(small, other, start, motion, finish, kept, 5)
        except cv2.error:
            return None
        matrix = _scaled(found.astype(float), size)
    return matrix


def _result(
    fixed: np.ndarray, moving: np.ndarray, mask: np.ndarray, matrix: np.ndarray, converged: bool
) -> Registration:
    height, width = fixed.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = matrix @ np.r_[middle, 1] - middle
    left, size, right = np.linalg.svd(matrix[:, :2])
    turn = left @ right
    before = _agreement(fixed, moving, mask, np.eye(2, 3))[0]
    after, residual = _agreement(fixed, moving, mask, matrix)
    rotation = float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
    scale = float(np.sqrt(np.prod(size)))
    return Registration(
        matrix=matrix,
        shift_px=(float(shift[0]), float(shift[1])),
        rotation_deg=rotation,
        scale=scale,
        correlation_before=before,
        correlation_after=after,
        residual_levels=residual,
        converged=converged,
        warnings=_warnings(rotation, scale, before, after, converged),
    )


def _warnings(rotation: float, scale: float, before: float, after: float, converged: bool) -> tuple[str, ...]:
    found = []
    if abs(rotation) > MOST_ROTATION_DEG:
        found.append(
            f"rotated by {rotation:.1f} degrees: registration cannot undo more than {MOST_ROTATION_DEG:g}, "
            f"because "
            "interpolation changes the texture that descriptors see. Compare with this session's own neutral "
            "frames and use z-scores rather than another session's prototypes"
        )
    if not converged:
        found.append("ECC found no solution; only the shift by phase correlation was undone")
    if after < LEAST_CORRELATION:
        found.append(
            f"the registered pictures correlate at {after:.2f} only: another animal, another view, or "
            f"something "
            "in front of the face"
        )
    if after < before - 0.01:
        found.append(
            f"registration made the pictures less alike (r {before:.2f} to {after:.2f}): not for use"
        )
    if abs(scale - 1) > 0.05:
        found.append(f"size differs by {scale - 1:+.0%}: the camera's distance or lens was changed")
    return tuple(found)


def _descriptor_gain(
    reference: np.ndarray, picture: np.ndarray, one: Registration, mask: np.ndarray | None, cell_px: int
) -> dict[str, float]:
    """Correlation of the descriptors before and after, over the cells that both pictures show."""
    shown = one.seen(reference.shape) & (True if mask is None else np.asarray(mask, bool))
    images = np.stack([reference, picture, one.apply(np.asarray(picture, np.float32))]).astype(np.float64)
    try:
        fixed, before, after = describe_frames(np.maximum(images, 0), cell_px=cell_px, mask=shown)
    except ValueError:
        return {"descriptor_r_before": np.nan, "descriptor_r_after": np.nan}
    return {
        "descriptor_r_before": float(np.corrcoef(fixed, before)[0, 1]),
        "descriptor_r_after": float(np.corrcoef(fixed, after)[0, 1]),
    }


def _agreement(
    fixed: np.ndarray, moving: np.ndarray, mask: np.ndarray, matrix: np.ndarray
) -> tuple[float, float]:
    """Correlation of the pixels that both show, and the rms that a straight line between them leaves."""
    shown = _warp(np.ones_like(fixed), matrix, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT) > 0.999
    both = shown & mask
    if both.sum() < 100:
        return -1.0, float("inf")
    a = fixed[both].astype(float)
    b = _warp(moving, matrix, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)[both].astype(float)
    if a.std() == 0 or b.std() == 0:
        return 0.0, float(a.std())
    r = float(np.corrcoef(a, b)[0, 1])
    return r, float(a.std() * np.sqrt(max(0.0, 1 - r * r)))


def _warp(frame: np.ndarray, matrix: np.ndarray, how: int, border: int) -> np.ndarray:
    """Take each pixel of the result from where the matrix sends it."""
    size = (frame.shape[1], frame.shape[0])
    return cv2.warpAffine(frame, matrix, size, flags=how | cv2.WARP_INVERSE_MAP, borderMode=border)


def _reduced(image: np.ndarray, width_px: int) -> tuple[np.ndarray, float]:
    """Reduce an image to about a width; also by how much."""
    size = max(1.0, image.shape[1] / width_px)
    if size == 1.0:
        return np.asarray(image, np.float32), 1.0
    shape = (round(image.shape[1] / size), round(image.shape[0] / size))
    return cv2.resize(image.astype(np.float32), shape, interpolation=cv2.INTER_AREA), size


def _scaled(matrix: np.ndarray, size: float) -> np.ndarray:
    """Return the same map in pixels that are smaller by ``size``; pixels are counted from their centres."""
    middle = (size - 1) / 2
    scaled = np.array(matrix, float)
    scaled[:, 2] = size * scaled[:, 2] + middle - scaled[:, :2] @ np.full(2, middle)
    return scaled


def _compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """One map that does ``first`` and then ``second``."""
    whole = [np.vstack([matrix, [0, 0, 1]]) for matrix in (second, first)]
    return (whole[0] @ whole[1])[:2]
