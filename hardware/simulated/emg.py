"""Facial EMG as an amplifier sees it, made from known muscle activity.

A muscle's activity is band-limited noise whose amplitude follows ``exp(log gain)``. Whatever a person does
with the face (mimicry, a spontaneous smile, a blink) adds to the log gain, so it multiplies the amplitude and
leaves the known effects in their place. Around it lie hum, drift, movement artefacts and the amplifier's own
noise.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

GAIN_HZ = 200.0
"""Rate at which log gains are drawn before they are brought to the amplifier's rate."""

FLUCTUATION_HZ = 20.0
"""Rate at which slow changes are drawn, with straight lines between."""


@dataclasses.dataclass(frozen=True)
class Episodes:
    """Something that happens now and then: begins, grows and fades smoothly, at random times."""

    per_min: float
    """Expected number per minute; the number is Poisson."""
    size: tuple[float, float]
    """Smallest and largest height: log gain, or microvolts for movements."""
    length_s: tuple[float, float]
    """Shortest and longest length."""


EXPRESSIONS = Episodes(0.6, (1.0, 1.4), (0.5, 1.0))
"""Short smiles (zygomaticus) and frowns (corrugator) that have nothing to do with the videos."""
TWITCHES = Episodes(1.5, (1.8, 2.2), (0.05, 0.1))
"""Short twitches."""
TENSION = Episodes(0.12, (0.8, 1.0), (25.0, 50.0))
"""Stretches of a tense face."""
BLINKS = Episodes(12.0, (0.2, 0.7), (0.15, 0.3))
"""Blinks, as the corrugator sees them."""
MOVEMENTS = Episodes(0.2, (100.0, 300.0), (0.3, 1.5))
"""Movements of the head or a cable, in microvolts."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordingConditions:
    """What a laboratory and a face do to a recording; our choice.

    The sizes are seen in facial EMG, and the rates were chosen so that the paper's rules (2 SD, on the trial
    and on its baseline) remove about 15 % of a muscle's trials.
    """

    band_hz: tuple[float, float] = (20.0, 400.0)
    """Where the power of surface EMG lies."""
    tonic_uv: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"corrugator": 5.0, "zygomaticus": 4.0}
    )
    """Muscle -> root mean square at rest, median over people."""
    tonic_log_sd: float = 0.25
    """Standard deviation of its log between people."""
    fluctuation_sd: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"corrugator": 0.12, "zygomaticus": 0.16}
    )
    """Muscle -> standard deviation of slow changes of the log gain within a person."""
    fluctuation_s: float = 2.0
    """Time in which these changes forget themselves."""
    episodes: Mapping[str, tuple[Episodes, ...]] = dataclasses.field(
        default_factory=lambda: {
            "corrugator": (EXPRESSIONS, TWITCHES, TENSION, BLINKS),
            "zygomaticus": (EXPRESSIONS, TWITCHES, TENSION),
        }
    )
    """Muscle -> what it does by itself."""
    movements: Episodes | None = MOVEMENTS
    """Movements, seen by all channels."""
    drift_uv: float = 80.0
    """Standard deviation of slow electrode drifts."""
    hum_uv: float = 4.0
    """Amplitude of the mains hum; its harmonics are smaller."""
    mains_hz: float = 50.0
    """Frequency of the mains."""
    noise_uv: float = 0.25
    """Root mean square of the amplifier's noise."""


def quiet() -> RecordingConditions:
    """Conditions without hum, drift, episodes and movements, for tests of computations."""
    return RecordingConditions(
        episodes={"corrugator": (), "zygomaticus": ()}, movements=None, drift_uv=0.0, hum_uv=0.0
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Response:
    """One answer of a muscle to a video."""

    onset_s: float
    """Video onset, seconds from the first sample."""
    duration_s: float
    """Length of the video (s)."""
    level: float
    """Log gain that is there from video onset (within a tenth of a second)."""
    asymptote: float
    """Log gain that is approached."""
    log_rate: float
    """Log of the rate of approach per second."""
    latency_s: float
    """Seconds from video onset to the beginning of the approach."""


def answer_gain(n_samples: int, fs_hz: float, responses: Iterable[Response]) -> npt.NDArray[np.float64]:
    """Add up the log gains of answers to videos; after a video they fade within 0.4 s.

    Parameters
    ----------
    n_samples : int
        Length of the result.
    fs_hz : float
        Its rate.
    responses : iterable of Response
        The answers.

    Returns
    -------
    numpy.ndarray
        Log gain, shape (n_samples,).
    """
    gain = np.zeros(n_samples)
    fade_s, ends_after_s = 0.4, 3.0
    for response in responses:
        start = max(0, int(np.ceil(response.onset_s * fs_hz)))
        stop = max(0, min(n_samples, int((response.onset_s + response.duration_s + ends_after_s) * fs_hz)))
        since_s = np.arange(start, stop) / fs_hz - response.onset_s
        shown_s = np.minimum(since_s, response.duration_s)
        approach = 1 - np.exp(-np.exp(response.log_rate) * np.maximum(0.0, shown_s - response.latency_s))
        course = response.level * (1 - np.exp(-shown_s / 0.03)) + response.asymptote * approach
        gain[start:stop] += course * np.exp(-(since_s - shown_s) / fade_s)
    return gain


def fluctuation(
    n_samples: int, fs_hz: float, *, sd: float, memory_s: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw a first-order autoregressive course with standard deviation `sd`, shape (n_samples,)."""
    keep = float(np.exp(-1.0 / (memory_s * fs_hz)))
    steps = (sd * np.sqrt(1 - keep**2) * rng.standard_normal(n_samples)).tolist()
    value = sd * rng.standard_normal()
    course = []
    for step in steps:
        value = keep * value + step
        course.append(value)
    return np.array(course)


def course_of(
    episodes: Episodes, n_samples: int, fs_hz: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw the sum of episodes at random times, shape (n_samples,); each is a squared half sine."""
    course = np.zeros(n_samples)
    for _ in range(rng.poisson(episodes.per_min * n_samples / fs_hz / 60)):
        length = max(2, int(rng.uniform(*episodes.length_s) * fs_hz))
        start = int(rng.uniform(-length, n_samples))
        bump = rng.uniform(*episodes.size) * np.sin(np.linspace(0, np.pi, length)) ** 2
        first, last = max(0, start), min(n_samples, start + length)
        course[first:last] += bump[first - start : last - start]
    return course


def muscle_noise(
    n_samples: int, fs_hz: float, *, band_hz: tuple[float, float], rng: np.random.Generator
) -> Samples:
    """Draw noise of root mean square 1 with the spectrum of surface EMG (largest near 80 Hz) within a band.

    Parameters
    ----------
    n_samples : int
        Length of the result.
    fs_hz : float
        Its rate.
    band_hz : (float, float)
        Nothing lies outside; the upper end must be below half the rate.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Noise, shape (n_samples,), float32.
    """
    low_hz, high_hz = band_hz
    if not 0 <= low_hz < high_hz <= fs_hz / 2:
        raise ValueError(f"a band of {low_hz} to {high_hz} Hz does not fit below half of {fs_hz} Hz")
    length = _fast_length(max(n_samples, math.ceil(8 * fs_hz / (high_hz - low_hz))))
    first, last = int(np.ceil(low_hz * length / fs_hz)), int(high_hz * length / fs_hz)
    ratio = np.arange(first, last, dtype=np.float32) * np.float32(fs_hz / length / 80.0)
    weight = np.sqrt(ratio * np.exp(1 - ratio)) + np.float32(0.05)
    spectrum = np.zeros(length // 2 + 1, dtype=np.complex64)
    parts = rng.standard_normal((last - first, 2), dtype=np.float32)
    scale = np.float32(length / 2 / np.sqrt(np.sum(weight.astype(float) ** 2)))
    spectrum[first:last] = parts.view(np.complex64)[:, 0] * (weight * scale)
    return np.fft.irfft(spectrum, n=length)[:n_samples].astype(np.float32, copy=False)


HARMONICS = {1: 1.0, 2: 0.01, 3: 0.03, 4: 0.005, 5: 0.01}
"""Multiple of the mains frequency -> its share of the hum's amplitude."""


def hum(n_samples: int, fs_hz: float, *, amplitude_uv: float, mains_hz: float, phase: float) -> Samples:
    """Mains hum with its `HARMONICS` below half the rate, shape (n_samples,)."""
    n_repeated = min(n_samples, (Fraction(str(fs_hz)) / Fraction(str(mains_hz))).numerator)
    angle = np.arange(n_repeated) * (2 * np.pi * mains_hz / fs_hz) + phase
    cycles = sum(
        share * np.sin(multiple * angle)
        for multiple, share in HARMONICS.items()
        if multiple * mains_hz < fs_hz / 2
    )
    return np.resize(np.asarray(amplitude_uv * cycles, dtype=np.float32), n_samples)


def movement(
    n_samples: int, fs_hz: float, strength: npt.NDArray[np.float64], rng: np.random.Generator
) -> Samples:
    """Irregular waves of 1 to 15 Hz, as high as `strength` (microvolts, drawn at `GAIN_HZ`)."""
    waves = np.zeros(n_samples, dtype=np.float32)
    moving = np.flatnonzero(strength)
    for part in np.split(moving, np.flatnonzero(np.diff(moving) > 1) + 1) if moving.size else []:
        start, stop = (min(n_samples, int(edge * fs_hz / GAIN_HZ)) for edge in (part[0], part[-1] + 1))
        if stop > start:
            noise = muscle_noise(stop - start, fs_hz, band_hz=(1.0, 15.0), rng=rng)
            waves[start:stop] = noise * to_rate(strength[part], stop - start)
    return waves


def to_rate(course: npt.NDArray[np.float64], n_samples: int) -> Samples:
    """Bring a slow course to another number of samples by straight lines."""
    positions = np.linspace(0, max(len(course) - 1, 0), n_samples)
    return np.interp(positions, np.arange(len(course)), course).astype(np.float32)


def simulate_emg(
    duration_s: float,
    *,
    fs_hz: float,
    responses: Mapping[str, Iterable[Response]],
    conditions: RecordingConditions,
    rng: np.random.Generator,
) -> dict[str, Samples]:
    """Simulate one bipolar channel per muscle.

    Parameters
    ----------
    duration_s : float
        Length of the recording.
    fs_hz : float
        Sampling rate.
    responses : mapping
        Muscle -> its answers to videos.
    conditions : RecordingConditions
        What a laboratory and a face do to a recording.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict
        Muscle -> samples in microvolts, shape (round(duration_s * fs_hz),).
    """
    n_samples = round(duration_s * fs_hz)
    n_slow = int(np.ceil(duration_s * GAIN_HZ)) + 1
    moves = _moves(n_slow, conditions, rng)
    channels = {}
    for muscle, answers in responses.items():
        slow = answer_gain(n_slow, GAIN_HZ, answers) + _own_activity(muscle, n_slow, conditions, rng)
        tonic = conditions.tonic_uv[muscle] * np.exp(rng.normal(0, conditions.tonic_log_sd))
        samples = muscle_noise(n_samples, fs_hz, band_hz=conditions.band_hz, rng=rng)
        samples *= _at(tonic * np.exp(slow), n_samples, fs_hz)
        samples += movement(n_samples, fs_hz, moves * rng.uniform(0.4, 1.0), rng)
        channels[muscle] = _add_surroundings(samples, fs_hz, conditions, rng)
    return channels


def simulate_rest(
    duration_s: float,
    *,
    fs_hz: float,
    muscles: Iterable[str],
    conditions: RecordingConditions,
    rng: np.random.Generator,
) -> dict[str, tuple[Samples, Samples]]:
    """Simulate a face without videos, in two parts, so that answers can be added while it is being sent.

    Parameters
    ----------
    duration_s : float
        Length.
    fs_hz : float
        Sampling rate.
    muscles : iterable of str
        The muscles.
    conditions : RecordingConditions
        What a laboratory and a face do to a recording. The muscles' typical activity at rest is taken, not a
        person's own.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict
        Muscle -> activity, to be multiplied with the exp of a log gain, and what lies around it, to be added;
        both in microvolts, shape (round(duration_s * fs_hz),).
    """
    n_samples = round(duration_s * fs_hz)
    n_slow = int(np.ceil(duration_s * GAIN_HZ)) + 1
    moves = _moves(n_slow, conditions, rng)
    parts = {}
    for muscle in muscles:
        own = conditions.tonic_uv[muscle] * np.exp(_own_activity(muscle, n_slow, conditions, rng))
        activity = muscle_noise(n_samples, fs_hz, band_hz=conditions.band_hz, rng=rng)
        activity *= _at(own, n_samples, fs_hz)
        around = movement(n_samples, fs_hz, moves * rng.uniform(0.4, 1.0), rng)
        parts[muscle] = (activity, _add_surroundings(around, fs_hz, conditions, rng))
    return parts


def _moves(n_slow: int, conditions: RecordingConditions, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw the strength of movements, which all channels see."""
    if conditions.movements is None:
        return np.zeros(n_slow)
    return course_of(conditions.movements, n_slow, GAIN_HZ, rng)


def _own_activity(
    muscle: str, n_slow: int, conditions: RecordingConditions, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Log gain of what a face does by itself: slow changes, smiles or frowns, twitches, blinks."""
    n_points = int(n_slow / GAIN_HZ * FLUCTUATION_HZ) + 2
    sd, memory_s = conditions.fluctuation_sd[muscle], conditions.fluctuation_s
    drawn = fluctuation(n_points, FLUCTUATION_HZ, sd=sd, memory_s=memory_s, rng=rng)
    slow = np.interp(np.arange(n_slow) * (FLUCTUATION_HZ / GAIN_HZ), np.arange(n_points), drawn)
    for episodes in conditions.episodes[muscle]:
        slow += course_of(episodes, n_slow, GAIN_HZ, rng)
    return slow


def _add_surroundings(
    samples: Samples, fs_hz: float, conditions: RecordingConditions, rng: np.random.Generator
) -> Samples:
    """Add the amplifier's noise, hum and drift."""
    n_samples = len(samples)
    if conditions.noise_uv:
        samples += np.float32(conditions.noise_uv) * rng.standard_normal(n_samples, dtype=np.float32)
    if conditions.hum_uv:
        amplitude_uv = conditions.hum_uv * rng.uniform(0.5, 1.5)
        phase = rng.uniform(0, 2 * np.pi)
        samples += hum(n_samples, fs_hz, amplitude_uv=amplitude_uv, mains_hz=conditions.mains_hz, phase=phase)
    if conditions.drift_uv:
        n_points = int(n_samples / fs_hz) + 2
        drift = fluctuation(n_points, 1.0, sd=conditions.drift_uv, memory_s=30.0, rng=rng)
        samples += to_rate(drift, n_samples)
    return samples


def _at(course: npt.NDArray[np.float64], n_samples: int, fs_hz: float) -> Samples:
    """Read a course drawn at `GAIN_HZ` at the sample times of a rate."""
    positions = np.arange(n_samples) * (GAIN_HZ / fs_hz)
    return np.interp(positions, np.arange(len(course)), course).astype(np.float32)


def _fast_length(at_least: int) -> int:
    """Return the smallest product of 2, 3 and 5 that is not smaller: its Fourier transform is fast."""
    odd_parts = (3**threes * 5**fives for threes in range(12) for fives in range(8))
    return min(odd * 2 ** max(0, math.ceil(math.log2(at_least / odd))) for odd in odd_parts)
