"""Trigger pulses on analogue lines."""

from __future__ import annotations

from typing import Literal

import numpy as np

Edge = Literal["rising", "falling"]


def find_edges(line: np.ndarray, *, threshold: float, edge: Edge, minimum_gap_samples: int = 0) -> np.ndarray:
    """Find where a line goes up or comes down.

    Parameters
    ----------
    line : numpy.ndarray
        (n_samples,) of an analogue trigger line.
    threshold : float
        The line is high above it, in the unit of the line.
    edge : {"rising", "falling"}
        "rising": the first high sample of every pulse. "falling": the first low sample after it. A pulse
        that is already there when the recording begins has no rising edge, one that never ends no falling
        edge.
    minimum_gap_samples : int
        An edge that follows another one within fewer samples is a bounce of it and is dropped.

    Returns
    -------
    numpy.ndarray
        Sample numbers, rising.

    Raises
    ------
    ValueError
        If the line holds NaN.

    Examples
    --------
    >>> line = np.array([0.0, 5.0, 5.0, 0.0, 0.0, 5.0, 0.0])
    >>> find_edges(line, threshold=2.5, edge="rising"), find_edges(line, threshold=2.5, edge="falling")
    (array([1, 5]), array([3, 6]))
    """
    if np.isnan(line).any():
        raise ValueError(f"the trigger line has {int(np.isnan(line).sum())} missing values")
    steps = np.diff((line > threshold).astype(np.int8))
    edges = np.flatnonzero(steps == (1 if edge == "rising" else -1)) + 1
    if minimum_gap_samples > 0 and edges.size:
        edges = edges[np.diff(edges, prepend=edges[0] - minimum_gap_samples) >= minimum_gap_samples]
    return edges
