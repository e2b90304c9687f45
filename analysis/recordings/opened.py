"""A recording that is open: its channels, their units and its markers, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

MICROVOLTS = {"v": 1e6, "volt": 1e6, "volts": 1e6, "mv": 1e3, "millivolt": 1e3, "millivolts": 1e3}
MICROVOLTS |= {"uv": 1.0, "µv": 1.0, "μv": 1.0, "microvolt": 1.0, "microvolts": 1.0, "nv": 1e-3}
"""Microvolts in each unit, by its name in small letters."""


class OpenedRecording(Protocol):
    """What every reader offers."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the file."""

    @property
    def fs_hz(self) -> float:
        """Sampling rate."""

    @property
    def n_samples(self) -> int:
        """Length."""

    @property
    def markers(self) -> pd.DataFrame:
        """Markers or annotations of the file: `sample`, `text`, and `stream` ("" where there are none)."""

    def samples(self, channel: str) -> np.ndarray:
        """Return one channel, (n_samples,), in the unit that `units` names."""

    def units(self, channel: str) -> str | None:
        """Name the unit of a channel; None where the file does not say."""

    def has_status(self) -> bool:
        """Say whether the file has a digital status channel that can be told by its type or name."""

    def status(self, channel: str | None, *, mask: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the sample numbers and the codes of the events of a digital channel."""


@dataclass(frozen=True, kw_only=True)
class ArrayRecording:
    """A recording that is wholly in memory, as text and XDF files are."""

    path: Path
    """The file."""
    channel_names: tuple[str, ...]
    """Names of the channels."""
    fs_hz: float
    """Sampling rate."""
    values: np.ndarray = field(repr=False)
    """(n_channels, n_samples), NaN where there is a gap."""
    channel_units: tuple[str | None, ...]
    """Unit of each channel, None where the file does not say."""
    markers: pd.DataFrame = field(repr=False)
    """`sample`, `text`, `stream`."""

    @property
    def n_samples(self) -> int:
        """Length."""
        return self.values.shape[1]

    def samples(self, channel: str) -> np.ndarray:
        """Return one channel, (n_samples,)."""
        return self.values[self.channel_names.index(channel)]

    def units(self, channel: str) -> str | None:
        """Name the unit of a channel."""
        return self.channel_units[self.channel_names.index(channel)]

    def has_status(self) -> bool:
        """Say that no column of a text or XDF file is a status channel until it is named."""
        return False

    def status(self, channel: str | None, *, mask: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the sample numbers and the codes of the events of a digital channel."""
        if channel is None:
            raise ValueError(
                f"{self.path.name}: say in [events] channel = ... which channel is the status channel"
            )
        codes = self.samples(channel)
        if np.isnan(codes).any() or (codes != np.round(codes)).any():
            raise ValueError(f"{self.path.name}: {channel} holds no whole codes, so it is no status channel")
        codes = codes.astype(int) & mask
        first = np.flatnonzero(np.diff(codes, prepend=0))
        first = first[codes[first] > 0]
        return first, codes[first]


def microvolts_in(units: str) -> float:
    """Say how many microvolts a unit is.

    Raises
    ------
    ValueError
        If it is no unit of voltage that is known.

    Examples
    --------
    >>> microvolts_in("mV")
    1000.0
    """
    if units.lower() not in MICROVOLTS:
        raise ValueError(f"{units!r} is not a unit of voltage; use V, mV, uV or nV")
    return MICROVOLTS[units.lower()]


def check_rate(measured_hz: float, declared_hz: float, *, path: Path, how: str) -> None:
    """Refuse a sampling rate that is more than 1 % off what was measured.

    Raises
    ------
    ValueError
        If they differ by more.
    """
    if abs(measured_hz / declared_hz - 1) > 0.01:
        raise ValueError(
            f"{path.name} is declared to have {declared_hz:g} samples a second, but {how} {measured_hz:.6g}. "
            f"Find out which is right; if it is that, say sampling_rate_hz = {measured_hz:.6g} in the "
            "channel map"
        )
