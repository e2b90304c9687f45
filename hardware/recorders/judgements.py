"""Whether a muscle's signal is fit to be recorded: arrays in, judgements in words with a remedy out.

The bounds are our choice unless a source is named; they separate what the recordings of facial EMG that we
know look like from the faults that the tests plant.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import signal

Samples = npt.NDArray[np.floating[Any]]
Level = Literal["good", "doubtful", "bad"]

BAND_HZ = (20.0, 400.0)
"""Where facial EMG lies (van Boxtel 2010; Korb et al. 2023 filter 20 to 400 Hz)."""

HUM_HALF_WIDTH_HZ = 1.5
"""Mains hum is looked for so far around the mains frequency and its multiples."""

FLAT_UV = 0.02
"""A signal that moves less than this is a dead channel."""

CLIPPED = 0.001
"""More than this share of samples at the end of the range is clipping."""

LONGEST_LOST_S = 0.01
"""Missing samples up to so long are doubtful, longer ones bad."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is to be said of one aspect of one muscle's signal."""

    muscle: str
    aspect: str
    """``flat``, ``clipping``, ``hum``, ``noise``, ``drift``, ``missing`` or ``impedance``."""
    level: Level
    value: float
    """What was measured."""
    unit: str
    message: str
    """What was found, in words."""
    remedy: str = ""
    """What to do; empty when nothing is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bounds:
    """From where on a measurement is doubtful, and from where on it is bad."""

    doubtful: float
    bad: float

    def level(self, value: float) -> Level:
        """Judge a value of which less is better."""
        return "bad" if value > self.bad else "doubtful" if value > self.doubtful else "good"


HUM = Bounds(doubtful=2.0, bad=6.0)
"""Mains hum as a multiple of everything else in the band (root mean squares)."""

NOISE_UV = Bounds(doubtful=15.0, bad=40.0)
"""Root mean square within the band of a face at rest, hum left out; 3 to 8 microvolts are usual."""

NO_CONTACT_UV = 0.5
"""Below this, an amplifier hears itself and no muscle."""

DRIFT_UV_S = Bounds(doubtful=150.0, bad=1000.0)
"""How fast the mean moves."""

IMPEDANCE_KOHM = Bounds(doubtful=10.0, bad=50.0)
"""Between two electrodes: below 10 kOhm (Fridlund and Cacioppo 1986); amplifiers of today bear up to 50."""


def judge_muscle(
    muscle: str, samples_uv: Samples, *, fs_hz: float, mains_hz: float, impedance_kohm: float | None = None
) -> list[Judgement]:
    """Judge some seconds of a muscle at rest.

    Parameters
    ----------
    muscle : str
        Its name.
    samples_uv : numpy.ndarray
        Raw signal in microvolts, shape (n_samples,); two seconds at least.
    fs_hz : float
        Sampling rate.
    mains_hz : float
        Frequency of the mains, 50 or 60 Hz.
    impedance_kohm : float, optional
        Impedance of the electrodes, where the amplifier says it.

    Returns
    -------
    list of Judgement
        One per aspect. A dead channel is only said to be dead.

    Raises
    ------
    ValueError
        If there are less than two seconds of signal.

    Examples
    --------
    >>> rest_uv = 5 * np.random.default_rng(1).standard_normal(6000)
    >>> {found.aspect: found.level for found in judge_muscle("corrugator", rest_uv, fs_hz=1200, mains_hz=50)}
    {'flat': 'good', 'clipping': 'good', 'hum': 'good', 'noise': 'good', 'drift': 'good'}
    """
    if len(samples_uv) < 2 * fs_hz:
        raise ValueError(f"{muscle}: two seconds of signal are needed, found {len(samples_uv) / fs_hz:.1f} s")
    samples = np.asarray(samples_uv, dtype=float)
    flat = judge_flat(muscle, samples)
    found = [flat]
    if flat.level == "good":
        hum_uv, rest_uv = hum_and_rest(samples, fs_hz=fs_hz, mains_hz=mains_hz)
        found += [
            judge_clipping(muscle, samples),
            judge_hum(muscle, hum_uv, rest_uv, mains_hz=mains_hz),
            judge_noise(muscle, rest_uv),
            judge_drift(muscle, samples, fs_hz=fs_hz),
        ]
    if impedance_kohm is not None:
        found.append(judge_impedance(muscle, impedance_kohm))
    return found


def judge_flat(muscle: str, samples_uv: Samples) -> Judgement:
    """Judge whether there is a signal at all."""
    moves_uv = float(np.percentile(samples_uv, 99) - np.percentile(samples_uv, 1))
    if moves_uv > FLAT_UV:
        return Judgement(
            muscle=muscle, aspect="flat", level="good", value=moves_uv, unit="µV", message="there is a signal"
        )
    return Judgement(
        muscle=muscle,
        aspect="flat",
        level="bad",
        value=moves_uv,
        unit="µV",
        message="a flat line: nothing is recorded",
        remedy="plug the electrodes in, look at the cable, and whether the channel is switched on",
    )


def judge_clipping(muscle: str, samples_uv: Samples) -> Judgement:
    """Judge whether the signal runs into the ends of the amplifier's range."""
    same = np.diff(samples_uv, prepend=np.nan) == 0
    ends = (samples_uv == samples_uv.max()) | (samples_uv == samples_uv.min())
    share = float(np.mean(same & ends))
    clipped = share > CLIPPED
    return Judgement(
        muscle=muscle,
        aspect="clipping",
        level="bad" if clipped else "good",
        value=100 * share,
        unit="%",
        message=f"{100 * share:.1f} % of the signal is cut off at the end of the amplifier's range"
        if clipped
        else "nothing is cut off",
        remedy="set a lower gain or a larger range, and look for a loose or drying electrode"
        if clipped
        else "",
    )


def judge_hum(muscle: str, hum_uv: float, rest_uv: float, *, mains_hz: float) -> Judgement:
    """Judge mains hum against everything else in the band."""
    share = hum_uv / rest_uv if rest_uv > 0 else np.inf
    level = HUM.level(share)
    return Judgement(
        muscle=muscle,
        aspect="hum",
        level=level,
        value=share,
        unit="times the rest",
        message=f"{hum_uv:.1f} µV of {mains_hz:g} Hz mains hum, {share:.1f} times the rest of the signal",
        remedy=""
        if level == "good"
        else "press the electrodes on, the ground electrode too; twist the cables; move chargers, lamps and "
        "screens away; a hum on one muscle only is a loose electrode",
    )


def judge_noise(muscle: str, rest_uv: float) -> Judgement:
    """Judge the activity of a face at rest, hum left out."""
    level = NOISE_UV.level(rest_uv)
    remedy = "ask to relax the face, lips apart; if it stays: clean the skin once more and change electrodes"
    if rest_uv < NO_CONTACT_UV:
        level = "bad"
        remedy = (
            "the two electrodes touch, or are bridged by paste or sweat, or are off the skin: set them anew"
        )
    return Judgement(
        muscle=muscle,
        aspect="noise",
        level=level,
        value=rest_uv,
        unit="µV",
        message=f"{rest_uv:.1f} µV at rest"
        + (", less than any living muscle" if rest_uv < NO_CONTACT_UV else "")
        + (", more than a face at rest should have" if level != "good" and rest_uv >= NO_CONTACT_UV else ""),
        remedy="" if level == "good" else remedy,
    )


def judge_drift(muscle: str, samples_uv: Samples, *, fs_hz: float) -> Judgement:
    """Judge how fast the mean of whole seconds moves."""
    n_seconds = int(len(samples_uv) / fs_hz)
    means = [
        float(np.mean(part)) for part in np.array_split(samples_uv[: round(n_seconds * fs_hz)], n_seconds)
    ]
    speed = float(np.median(np.abs(np.diff(means))))
    level = DRIFT_UV_S.level(speed)
    return Judgement(
        muscle=muscle,
        aspect="drift",
        level=level,
        value=speed,
        unit="µV/s",
        message=f"the baseline moves by {speed:.0f} µV per second",
        remedy=""
        if level == "good"
        else "wait five minutes until the paste has settled; if it stays, set the electrodes anew",
    )


def judge_impedance(muscle: str, impedance_kohm: float) -> Judgement:
    """Judge the impedance that the amplifier says."""
    level = IMPEDANCE_KOHM.level(impedance_kohm)
    return Judgement(
        muscle=muscle,
        aspect="impedance",
        level=level,
        value=impedance_kohm,
        unit="kOhm",
        message=f"the electrodes have {impedance_kohm:.0f} kOhm",
        remedy=""
        if level == "good"
        else "rub the skin with abrasive paste and alcohol once more, and take fresh electrodes",
    )


def judge_missing(stream: str, times_s: npt.NDArray[np.float64], *, fs_hz: float) -> Judgement:
    """Judge whether samples are missing, by the time stamps of a stream.

    Parameters
    ----------
    stream : str
        What the judgement calls it.
    times_s : numpy.ndarray
        Time stamps, shape (n_samples,).
    fs_hz : float
        Rate that the stream declares.

    Examples
    --------
    >>> times_s = np.delete(np.arange(2400) / 1200, slice(1000, 1120))
    >>> judge_missing("gUSBamp", times_s, fs_hz=1200).message
    '120 of 2400 samples are missing, at most 0.101 s together'
    """
    steps = np.diff(times_s)
    even = np.mean(np.abs(steps * fs_hz - 1) < 0.1) > 0.98 if len(steps) else True
    gaps = steps[steps > (1.5 / fs_hz if even else 0.1)]
    n_missing = int(np.sum(np.rint(gaps * fs_hz) - 1))
    longest_s = float(gaps.max()) if len(gaps) else 0.0
    total = len(times_s) + n_missing
    return Judgement(
        muscle=stream,
        aspect="missing",
        level=Bounds(doubtful=0.0, bad=LONGEST_LOST_S).level(longest_s),
        value=float(n_missing),
        unit="samples",
        message=f"{n_missing} of {total} samples are missing, at most {longest_s:.3f} s together"
        if n_missing
        else "no sample is missing",
        remedy="use a cable instead of a radio link, end other programs of the amplifier's computer, take a "
        "lower sampling rate (not below 1000 Hz)"
        if n_missing
        else "",
    )


def hum_and_rest(samples_uv: Samples, *, fs_hz: float, mains_hz: float) -> tuple[float, float]:
    """Divide a signal's band into mains hum and the rest.

    Parameters
    ----------
    samples_uv : numpy.ndarray
        Raw signal, shape (n_samples,).
    fs_hz : float
        Sampling rate.
    mains_hz : float
        Frequency of the mains.

    Returns
    -------
    (float, float)
        Root mean squares in microvolts: of the hum with its multiples, above what lies around them; and of
        everything else within `BAND_HZ`.

    Examples
    --------
    >>> times_s = np.arange(12000) / 1200
    >>> hum_uv, rest_uv = hum_and_rest(np.sin(2 * np.pi * 50 * times_s), fs_hz=1200, mains_hz=50)
    >>> round(hum_uv, 3)
    0.707
    """
    length = min(len(samples_uv), round(2 * fs_hz))
    frequencies, power = signal.welch(samples_uv, fs=fs_hz, nperseg=length, window="hann")
    step_hz = frequencies[1]
    low, high = BAND_HZ[0], min(BAND_HZ[1], 0.95 * fs_hz / 2)
    band = (frequencies >= low) & (frequencies <= high)
    nearest = np.rint(frequencies / mains_hz) * mains_hz
    near = band & (np.abs(frequencies - nearest) <= HUM_HALF_WIDTH_HZ) & (nearest > 0)
    around = np.interp(frequencies, frequencies[band & ~near], power[band & ~near])
    hum = float(np.sum(np.maximum(power - around, 0.0)[near]) * step_hz)
    rest = float(np.sum(np.where(near, np.minimum(power, around), power)[band]) * step_hz)
    return float(np.sqrt(hum)), float(np.sqrt(rest))


def activity(samples_uv: Samples, *, fs_hz: float, mains_hz: float) -> float:
    """Return a muscle's activity: root mean square within the band without hum, in microvolts."""
    return hum_and_rest(samples_uv, fs_hz=fs_hz, mains_hz=mains_hz)[1]


def worst(judgements: list[Judgement]) -> Level:
    """Return the worst level among some judgements; good when there are none.

    >>> worst([])
    'good'
    """
    order: tuple[Level, ...] = ("good", "doubtful", "bad")
    return max((found.level for found in judgements), key=order.index, default="good")


def in_words(judgements: list[Judgement]) -> str:
    """Return what is to be said, one line each: everything that is not good, or that all is."""
    lines = [
        f"{found.muscle}: {found.message}. {found.remedy[:1].upper()}{found.remedy[1:]}."
        for found in judgements
        if found.level != "good"
    ]
    return "\n".join(lines) or "the signals of all muscles are good"
