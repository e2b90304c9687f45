"""Tells an empty or truncated EDF or BDF file from a whole one, before a reader guesses."""

from __future__ import annotations

from pathlib import Path

FIXED_HEADER = 256
HEADER_PER_CHANNEL = 256
SAMPLES_FIELD = 216
"""Where, in bytes per channel after the fixed header, the channels' samples per record begin."""


def check_file_length(path: Path) -> None:
    """Refuse an EDF or BDF file that does not hold what its header promises.

    A file whose recorder was never told to stop (number of records -1) is as long as it is, and is accepted
    when it holds at least one record.

    Parameters
    ----------
    path : Path
        A .bdf or .edf file (or .bdf+/.edf+ content).

    Raises
    ------
    ValueError
        If it is empty, no EDF or BDF file, or shorter than its header says.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(FIXED_HEADER)
        if len(head) < FIXED_HEADER:
            raise ValueError(f"{path} is empty: it has {size} bytes and not even a header. Copy it again")
        try:
            n_records, n_channels = int(head[236:244]), int(head[252:256])
            record_s = float(head[244:252])
            per_channel = file.read(n_channels * HEADER_PER_CHANNEL)[n_channels * SAMPLES_FIELD :]
            n_samples = sum(int(per_channel[8 * i : 8 * i + 8]) for i in range(n_channels))
        except ValueError:
            raise ValueError(f"{path} is not an EDF or BDF file: its header cannot be read") from None
    n_bytes = (3 if head[0] == 0xFF else 2) * n_samples
    there = (size - FIXED_HEADER - n_channels * HEADER_PER_CHANNEL) // n_bytes if n_bytes else 0
    if there < 1 or there < n_records:
        promised = f"{n_records * record_s:g} s" if n_records >= 0 else "some"
        raise ValueError(
            f"{path} is truncated: its header promises {promised} of recording, the file holds "
            f"{max(there, 0) * record_s:g} s. Copy it again from the amplifier's computer"
        )
