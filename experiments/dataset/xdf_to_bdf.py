"""A BDF file beside each XDF file of a session, for programs that read no XDF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset.amplifier_files import amplifier_files, read_part
from experiments.dataset.bdf import BdfChannel, quantise, write_bdf
from experiments.dataset.codes import Pulses
from experiments.dataset.durable import UNFINISHED
from experiments.dataset.gaps import bridge_gaps

STATUS = "Status"
"""Name of the channel with the trigger codes, as BioSemi's own files have it."""

PULSE_S = 0.008
"""Length of the pulses that are drawn on it, shorter where the next follows sooner."""


def write_bdf_copies(live: Path, rig: Mapping[str, Any]) -> list[Path]:
    """Write the muscles and the trigger codes of every XDF part of a session into a BDF file beside it.

    Parameters
    ----------
    live : Path
        Folder of the session.
    rig : mapping
        Of the session's record; see `read_part`.

    Returns
    -------
    list of Path
        What was written; files that are there already are left as they are.

    Notes
    -----
    The XDF file stays the original: BDF holds no missing samples (a straight line stands in for them), and 24
    bits.
    """
    written = []
    for path in amplifier_files(live):
        copy = path.with_suffix(".bdf")
        if path.suffix.lower() != ".xdf" or copy.exists():
            continue
        part = read_part(path, rig)
        channels = [
            channel
            for muscle, samples in part.signals_uv.items()
            for channel in quantise(muscle, bridge_gaps(samples), precise=False)
        ]
        channels.append(_status(part.pulses, part.n_samples, part.fs_hz))
        unfinished = copy.with_name(copy.name + UNFINISHED)
        unfinished.unlink(missing_ok=True)
        write_bdf(unfinished, channels, fs_hz=part.fs_hz)
        unfinished.replace(copy)
        written.append(copy)
    return written


def _status(pulses: Pulses, n_samples: int, fs_hz: float) -> BdfChannel:
    """Draw the codes as pulses; a sample of zero tells a code from the same one right before it."""
    length = max(1, round(PULSE_S * fs_hz))
    status = np.zeros(n_samples, dtype=np.int32)
    for sample, code in zip(pulses.samples, pulses.codes, strict=True):
        if sample and status[sample - 1] == code:
            status[sample - 1] = 0
        status[sample : sample + length] = code
        status[sample + length : sample + 2 * length] = 0
    return BdfChannel(STATUS, status, (-(2.0**23), 2.0**23 - 1), "")
