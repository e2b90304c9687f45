"""BDF files (24 bits per sample): written without loss, read with a clear word about what is wrong.

edfio reads and writes; this module chooses ranges and record lengths, and keeps more than 24 bits where
asked.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import warnings
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt

FINE_SUFFIX = "_fine"
"""Ends the name of a channel that holds what 24 bits of another could not: add it to that channel."""

MAX_ADDED_S = 0.1
"""Longest stretch that is added at a recording's end to make its data records whole."""

FINE_STEP = 1e-9
"""A fine channel is in femtovolts, the channel that it belongs to in microvolts."""

MAX_NAME = 16
"""Longest name of a channel in the format."""


@dataclasses.dataclass(frozen=True)
class BdfChannel:
    """A channel in the integers of the file."""

    name: str
    """Its label."""
    digital: npt.NDArray[np.int32]
    """Integers of 24 bits, shape (n_samples,)."""
    physical_range: tuple[float, float]
    """What the smallest and the largest integer mean, in `unit`."""
    unit: str
    """Physical unit, such as uV; empty for a status channel."""
    prefiltering: str = ""
    """Filters that the device applied, in the format's notation."""
    transducer: str = ""
    """Kind of electrode."""
    digital_range: tuple[int, int] = (-(2**23), 2**23 - 1)
    """Smallest and largest integer."""

    def physical(self) -> npt.NDArray[np.float64]:
        """Samples in `unit`, shape (n_samples,)."""
        low, high = self.digital_range
        step = (self.physical_range[1] - self.physical_range[0]) / (high - low)
        return np.asarray((self.digital + (self.physical_range[1] / step - high)) * step, dtype=np.float64)


@dataclasses.dataclass(frozen=True)
class BdfFile:
    """What a BDF file holds."""

    channels: list[BdfChannel]
    """The channels, in the order of the file."""
    fs_hz: float
    """Sampling rate of all of them."""
    record_s: float
    """Length of the format's data records (s)."""
    problem: str | None = None
    """What is wrong with the file although it could be read; None when nothing is."""

    def channel(self, name: str) -> BdfChannel:
        """Return a channel by its name.

        Raises
        ------
        ValueError
            If there is none; the message names those that there are.
        """
        for channel in self.channels:
            if channel.name == name:
                return channel
        names = ", ".join(channel.name for channel in self.channels)
        raise ValueError(f"there is no channel {name!r}; the file has {names}. Correct the rig file.")


def read_bdf(path: Path) -> BdfFile:
    """Read a BDF file, or an EDF file (16 bits), as integers.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    BdfFile
        All channels. A file that ends early, as after a power cut, is read up to its last complete record,
        and `BdfFile.problem` says so.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not BDF, holds no complete record, or its channels have different sampling rates.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no recording {path}")
    is_edf = path.suffix.lower() == ".edf"
    with path.open("rb") as file:
        if file.read(8) != (b"0       " if is_edf else b"\xffBIOSEMI"):
            kind = "an EDF" if is_edf else "a BDF"
            raise ValueError(f"{path} is not {kind} file: its first bytes are not those of the format")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            content = edfio.read_edf(path) if is_edf else edfio.read_bdf(path)
            problem = "; ".join(str(warning.message) for warning in caught) or None
            signals = [_channel(signal) for signal in content.signals]
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError, ZeroDivisionError) as error:
        kind = "EDF" if is_edf else "BDF"
        raise ValueError(f"{path} cannot be read as {kind}: {error}. Is the file complete?") from None
    rates = {signal.sampling_frequency for signal in content.signals}
    if not signals or not len(signals[0].digital):
        raise ValueError(f"{path} holds no complete record of samples: the recording is empty or cut off")
    if len(rates) != 1:
        raise ValueError(f"{path}: channels have different sampling rates: {sorted(rates)} Hz")
    return BdfFile(
        channels=signals, fs_hz=float(rates.pop()), record_s=content.data_record_duration, problem=problem
    )


def read_signals(path: Path) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Read the signals of a BDF file, with all the precision that it holds.

    Parameters
    ----------
    path : Path
        File that `write_bdf` or an amplifier wrote.

    Returns
    -------
    dict
        Channel -> samples in the unit of the file (microvolts for EMG), shape (n_samples,). Channels named
        with `FINE_SUFFIX` are added to those that they belong to.
    float
        Sampling rate in Hz.
    """
    content = read_bdf(path)
    signals = {channel.name: channel.physical() for channel in content.channels}
    for name in [name for name in signals if name.endswith(FINE_SUFFIX)]:
        base = name.removesuffix(FINE_SUFFIX)
        if base in signals:
            signals[base] = signals[base] + signals.pop(name) * FINE_STEP
    return signals, content.fs_hz


def write_bdf(
    path: Path,
    channels: Sequence[BdfChannel],
    *,
    fs_hz: float,
    startdate: datetime.date | None = None,
    equipment: str = "X",
) -> int:
    """Write a BDF file so that no sample is added or lost, if the format allows it.

    Parameters
    ----------
    path : Path
        File to write; it must not exist.
    channels : sequence of BdfChannel
        Channels of equal length.
    fs_hz : float
        Sampling rate; any, also one that is not whole.
    startdate : datetime.date, optional
        Date of the recording; unknown when not given.
    equipment : str
        Name of the device, without spaces.

    Returns
    -------
    int
        Number of samples added at the end (the last value repeated), because the format wants whole records
        and a record's length with at most 8 characters; 0 for nearly all recordings.
    """
    n_samples = len(channels[0].digital)
    per_record, record_s, n_added = record_length(n_samples, fs_hz)
    signals = [_signal(channel, per_record / record_s, n_added) for channel in channels]
    recording = edfio.Recording(startdate=startdate, equipment_code=equipment.replace(" ", "_") or "X")
    with path.open("xb") as file:
        edfio.Bdf(signals, recording=recording, data_record_duration=record_s).write(file)
    return n_added


def quantise(
    name: str, samples_uv: npt.ArrayLike, *, precise: bool, prefiltering: str = ""
) -> list[BdfChannel]:
    """Turn samples into a channel of 24-bit integers over just the range that they need.

    Parameters
    ----------
    name : str
        Name of the channel, at most 16 characters of ASCII.
    samples_uv : array_like
        Samples in microvolts, shape (n_samples,); all finite.
    precise : bool
        True: a second channel, named with `FINE_SUFFIX`, keeps what 24 bits cannot hold, so that the sum of
        both is right to about 1e-14 of the range.
    prefiltering : str
        Filters that were applied.

    Returns
    -------
    list of BdfChannel
        One channel, or two when `precise`.

    Raises
    ------
    ValueError
        If the name is too long or samples are missing.
    """
    longest = MAX_NAME - (len(FINE_SUFFIX) if precise else 0)
    if not (0 < len(name) <= longest and name.isascii() and name.isprintable()):
        raise ValueError(
            f"a channel's name must have 1 to {longest} ASCII characters, not {name!r}: give it another name"
        )
    values = np.asarray(samples_uv, dtype=float)
    missing = int(np.count_nonzero(~np.isfinite(values)))
    if missing:
        raise ValueError(
            f"channel {name!r}: {missing} of {values.size} samples are not numbers (NaN or infinite). BDF "
            "cannot hold gaps: cut them off, or leave the channel out."
        )
    coarse = _quantised(name, values, "uV", prefiltering)
    if not precise:
        return [coarse]
    rest_fv = (values - coarse.physical()) / FINE_STEP
    return [coarse, _quantised(name + FINE_SUFFIX, rest_fv, "fV", prefiltering)]


def record_length(n_samples: int, fs_hz: float) -> tuple[int, float, int]:
    """Choose the samples per data record, its length in seconds, and how many samples must be added.

    The length is written with 8 characters, and the sampling rate is read back from it: it is chosen so that
    both are exact, as near to one second as the number of samples allows. Where no length is exact (a rate of
    99.97 Hz, for instance), the rate in the file is right to 1e-6, and the sidecar has it exactly.

    Parameters
    ----------
    n_samples : int
        Number of samples of each channel.
    fs_hz : float
        Sampling rate.

    Returns
    -------
    (int, float, int)
        Samples per record, seconds per record, samples to add at the end.

    Examples
    --------
    >>> record_length(979200, 1200.0)
    (1200, 1.0, 0)
    >>> record_length(26523, 100.0)
    (63, 0.63, 0)
    """
    if n_samples < 1 or not (math.isfinite(fs_hz) and fs_hz > 0):
        raise ValueError(f"a recording needs samples and a sampling rate, not {n_samples} at {fs_hz} Hz")
    rate = Fraction(str(fs_hz))
    within = range(1, max(2, int(fs_hz * MAX_ADDED_S) + 1))
    smallest = next((size for size in within if _exact(Fraction(size) / rate)), None)
    n_added = -n_samples % smallest if smallest else 0
    sizes = _divisors(n_samples + n_added)
    if smallest:
        exact = [size for size in sizes if _exact(Fraction(size) / rate)]
        per_record = min(exact, key=lambda size: abs(math.log(size / fs_hz)))
    else:
        per_record = next((size for size in sizes if size >= fs_hz), n_samples)
    return per_record, float(_shortened(Fraction(per_record) / rate)), n_added


def _signal(channel: BdfChannel, fs_hz: float, n_added: int) -> edfio.BdfSignal:
    """Make the library's signal of a channel, with exactly the channel's range in its header."""
    digital = np.pad(channel.digital, (0, n_added), mode="edge") if n_added else channel.digital
    signal = edfio.BdfSignal.from_digital(
        digital,
        fs_hz,
        label=channel.name,
        transducer_type=channel.transducer,
        physical_dimension=channel.unit,
        physical_range=_inwards(channel.physical_range),
        digital_range=channel.digital_range,
        prefiltering=channel.prefiltering,
    )
    if tuple(signal.physical_range) != tuple(channel.physical_range):
        raise ValueError(
            f"channel {channel.name!r}: the range {channel.physical_range} needs over 8 characters"
        )
    return signal


def _inwards(limits: tuple[float, float]) -> tuple[float, float]:
    """Move limits by less than a header shows, because the library rounds them outwards (4.82 to 4.82001)."""
    low, high = limits
    return (
        low if float(low).is_integer() else low + abs(low) * 1e-12,
        high if float(high).is_integer() else high - abs(high) * 1e-12,
    )


def _channel(signal: edfio.BdfSignal | edfio.EdfSignal) -> BdfChannel:
    return BdfChannel(
        name=signal.label,
        digital=signal.digital.astype(np.int32),
        physical_range=(signal.physical_range.min, signal.physical_range.max),
        unit=signal.physical_dimension,
        prefiltering=signal.prefiltering,
        transducer=signal.transducer_type,
        digital_range=(signal.digital_range.min, signal.digital_range.max),
    )


def _quantised(name: str, values: npt.NDArray[np.float64], unit: str, prefiltering: str) -> BdfChannel:
    limit = _rounded_up(float(np.max(np.abs(values), initial=0.0)))
    low = -limit if np.min(values, initial=0.0) < 0 else 0.0
    step = (limit - low) / (2**24 - 1)
    digital = np.clip(np.rint(values / step - (limit / step - (2**23 - 1))), -(2**23), 2**23 - 1)
    return BdfChannel(name, digital.astype(np.int32), (low, limit), unit, prefiltering)


def _rounded_up(largest: float) -> float:
    """Round up to three digits, so that the format's 8 characters hold it exactly; never below 0.01."""
    if largest <= 0.01:
        return 0.01
    scale = Fraction(10) ** (math.floor(math.log10(largest)) - 2)
    return float(math.ceil(Fraction(largest) / scale) * scale)


def _shortened(duration: Fraction) -> str:
    """Write a duration in at most 8 characters, as exactly as they allow."""
    whole_digits = len(str(int(duration)))
    text = f"{float(duration):.{max(0, 7 - whole_digits)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exact(duration: Fraction) -> bool:
    return Fraction(_shortened(duration)) == duration


def _divisors(number: int) -> list[int]:
    small = [size for size in range(1, math.isqrt(number) + 1) if number % size == 0]
    return sorted({*small, *(number // size for size in small)})
