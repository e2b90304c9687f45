"""Smooth one-dimensional profiles and the sRGB transfer curve, on arrays."""

import numpy as np


def smoothstep(start: float, end: float, x: np.ndarray) -> np.ndarray:
    """Rise from 0 at `start` to 1 at `end` (falls when `end` < `start`) with zero slope at both.

    >>> smoothstep(0, 1, np.array([-1, 0.5, 2])).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.clip((np.asarray(x) - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def bell(x: np.ndarray, centre: float | np.ndarray, width: float) -> np.ndarray:
    """Return ``exp(-((x - centre) / width)**2)``."""
    return np.exp(-(((x - centre) / width) ** 2))


def to_linear(srgb: np.ndarray | tuple[float, ...] | float) -> np.ndarray:
    """Convert sRGB values (0..1) to linear light (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Convert linear light (0..1; negative values count as 0) to sRGB values (IEC 61966-2-1).

    >>> bool(np.isclose(to_srgb(to_linear(0.5)), 0.5))
    True
    """
    value = np.maximum(np.asarray(linear, np.float32), 0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055).astype(np.float32)


def normalized(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (..., 3) scaled to length 1 (zero vectors stay zero)."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return vectors / np.maximum(length, 1e-12)


def along(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the dot products (n,) of vectors (n, 3) with one direction (3,) or with one each (n, 3)."""
    return np.einsum("nc,nc->n" if direction.ndim == 2 else "nc,c->n", vectors, direction)
