"""Neurons with known coding: some follow a stimulus, some an expression of the face, few both, most nothing.

All have spontaneous transients and slow noise, so that traces of neurons that code nothing still correlate
with anything slow. The indicator is GCaMP6s with the constants of Chen et al. (2013): a peak 179 ms after a
spike, half of it 550 ms later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

RISE_S, DECAY_S = 0.071, 0.686
"""Time constants of the indicator (s)."""
SHARES = {"stimulus": 0.14, "face": 0.12, "both": 0.02}
"""Share of the neurons with each coding; the rest codes nothing. Our choice, after Dolensek et al. (2020):
many of each kind, almost no overlap."""
FIELD_PX = (512, 512)
"""Height and width of the field of view."""


@dataclass(frozen=True)
class SimulatedNeurons:
    """The neurons of a session and what they code."""

    dff: np.ndarray
    """Relative change of fluorescence, shape ``(n_neurons, n_times)``."""
    masks: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Pixels of each neuron: rows and columns."""
    coding: pd.DataFrame
    """The truth, one row per neuron: ``roi``, ``coding`` (stimulus, face, both, none), ``stimulus``, ``face``
    (what it follows; empty if nothing), ``gain`` (dF/F of a lasting response)."""


def simulate_neurons(
    times_s: np.ndarray,
    *,
    stimuli: Mapping[str, np.ndarray],
    faces: Mapping[str, np.ndarray],
    n_neurons: int,
    rng: np.random.Generator,
    shares: Mapping[str, float] | None = None,
    multisensory: float = 0.4,
) -> SimulatedNeurons:
    """Simulate the neurons of one field of view.

    Parameters
    ----------
    times_s : numpy.ndarray
        Times of the microscope's frames, shape ``(n_times,)``, nearly even.
    stimuli, faces : mapping
        Name -> strength at each time, shape ``(n_times,)``: the stimuli, and the expressions of the face.
    n_neurons : int
        Number of neurons.
    rng : numpy.random.Generator
        Source of randomness.
    shares : mapping, optional
        Share of the neurons with each coding, as `SHARES`; all 0 for the null.
    multisensory : float
        Share of the neurons following a stimulus that answer to all stimuli.

    Raises
    ------
    ValueError
        If shares are no shares, or traces do not have the length of the times.

    Examples
    --------
    >>> times_s = np.arange(0, 60, 0.1)
    >>> sugar = ((times_s > 10) & (times_s < 12)).astype(float)
    >>> found = simulate_neurons(times_s, stimuli={"sucrose": sugar}, faces={"pleasure": sugar},
    ...                          n_neurons=100, rng=np.random.default_rng(1))
    >>> found.dff.shape, int((found.coding["coding"] == "stimulus").sum())
    ((100, 600), 14)
    """
    shares = SHARES if shares is None else shares
    if not (set(shares) <= set(SHARES) and min(shares.values()) >= 0 and sum(shares.values()) <= 1):
        raise ValueError(f"shares are of {', '.join(SHARES)}, 0 or more, together at most 1: found {shares}")
    for name, trace in (*stimuli.items(), *faces.items()):
        if len(trace) != len(times_s):
            raise ValueError(f"{name} has {len(trace)} values for {len(times_s)} times")
    coding = _draw_coding(n_neurons, shares, list(stimuli), list(faces), multisensory, rng)
    drive = np.zeros((n_neurons, len(times_s)))
    for row, neuron in enumerate(coding.itertuples()):
        for names, traces in ((neuron.stimulus, stimuli), (neuron.face, faces)):
            for name in filter(None, str(names).split("+")):
                drive[row] += float(neuron.gain) * np.asarray(traces[name])  # type: ignore[arg-type]
    step_s = float(np.median(np.diff(times_s)))
    spontaneous = rng.poisson(0.04 * step_s, drive.shape) * rng.gamma(2.0, 0.5, drive.shape) / step_s
    dff = indicator(drive + 0.3 * spontaneous, step_s) + _noise(drive.shape, step_s, rng)
    return SimulatedNeurons(dff, _draw_masks(n_neurons, rng), coding)


def indicator(drive: np.ndarray, step_s: float) -> np.ndarray:
    """Return what the indicator shows of a drive, shape kept; a lasting drive of 1 is shown as 1."""
    kept = [float(np.exp(-step_s / constant_s)) for constant_s in (DECAY_S, RISE_S)]
    weights = [DECAY_S / (DECAY_S - RISE_S), RISE_S / (DECAY_S - RISE_S)]
    slow, fast = (lfilter([1 - keep], [1, -keep], drive, axis=-1) for keep in kept)
    return np.asarray(weights[0] * slow - weights[1] * fast)


def _draw_coding(
    n_neurons: int,
    shares: Mapping[str, float],
    stimuli: list[str],
    faces: list[str],
    multisensory: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    kinds = [kind for kind, share in shares.items() for _ in range(round(share * n_neurons))]
    kinds = rng.permutation([*kinds, *["none"] * (n_neurons - len(kinds))]).tolist()
    rows = []
    for roi, kind in enumerate(kinds):
        several = rng.random() < multisensory
        stimulus = "+".join(stimuli) if several else stimuli[rng.integers(len(stimuli))]
        face = faces[rng.integers(len(faces))]
        rows.append(
            {
                "roi": roi,
                "coding": kind,
                "stimulus": stimulus if kind in ("stimulus", "both") else "",
                "face": face if kind in ("face", "both") else "",
                "gain": 0.0 if kind == "none" else float(rng.lognormal(-0.2, 0.35)),
            }
        )
    return pd.DataFrame(rows)


def _noise(shape: tuple[int, int], step_s: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of the detector, of each neuron's slow changes, and of what all share."""
    kept = float(np.exp(-step_s / 4.0))
    slow = lfilter([np.sqrt(1 - kept**2)], [1, -kept], rng.normal(size=shape), axis=1)
    shared = lfilter([np.sqrt(1 - kept**2)], [1, -kept], rng.normal(size=shape[1]))
    return np.asarray(0.12 * rng.normal(size=shape) + 0.10 * slow + 0.05 * shared)


def _draw_masks(n_neurons: int, rng: np.random.Generator) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Small round regions, on a shaken grid so that they hardly overlap."""
    side = int(np.ceil(np.sqrt(n_neurons)))
    spacing = FIELD_PX[0] / (side + 1)
    masks = []
    for number in rng.permutation(side * side)[:n_neurons].tolist():
        row, column = (
            (np.array(divmod(number, side)) + 1) * spacing + rng.normal(0, 0.12 * spacing, 2)
        ).tolist()
        radius = float(np.clip(0.33 * spacing * rng.normal(1, 0.1), 1.2, 9))
        y, x = np.mgrid[
            max(int(row - radius), 0) : min(int(row + radius) + 2, FIELD_PX[0]),
            max(int(column - radius), 0) : min(int(column + radius) + 2, FIELD_PX[1]),
        ]
        inside = (y - row) ** 2 + (x - column) ** 2 <= radius**2
        masks.append((y[inside], x[inside]))
    return tuple(masks)
