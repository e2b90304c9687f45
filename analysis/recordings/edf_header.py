"""The header of EDF and BDF files: tells a whole file from a truncated one, and which units it declares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FIXED_BYTES = 256
BYTES_PER_CHANNEL = 256
IF_THAT_IS_ALL = "If this is all there is, say incomplete = true in [recording] of a channel map"
EXTENSIONS = (".bdf", ".edf", ".rec")


@dataclass(frozen=True, kw_only=True)
class EDFHeader:
    """What the header of an EDF or BDF file says."""

    labels: tuple[str, ...]
    """Names of the channels."""
    dimensions: tuple[str, ...]
    """Physical dimension of each channel, for instance "uV"; empty where the file does not say."""
    n_records: int
    """Number of data records; -1 where the recorder was never told to stop."""
    record_s: float
    """Length of a record."""
    n_samples_per_record: tuple[int, ...]
    """Samples of each channel in a record."""
    n_bytes_per_sample: int
    """3 in BDF, 2 in EDF."""

    @property
    def n_bytes(self) -> int:
        """Length of the header."""
        return FIXED_BYTES + len(self.labels) * BYTES_PER_CHANNEL

    @property
    def n_bytes_per_record(self) -> int:
        """Length of a record."""
        return self.n_bytes_per_sample * sum(self.n_samples_per_record)


def read_edf_header(path: Path) -> EDFHeader:
    """Read the header of an EDF or BDF file.

    Raises
    ------
    ValueError
        If the file is empty, or no EDF or BDF file.
    """
    with path.open("rb") as file:
        head = file.read(FIXED_BYTES)
        if len(head) < FIXED_BYTES:
            raise ValueError(
                f"{path} is empty: it has {len(head)} bytes, less than a header. Copy it again from the "
                "amplifier's computer"
            )
        try:
            n_channels = int(head[252:256])
            fields = file.read(n_channels * BYTES_PER_CHANNEL).decode("latin-1")
            return EDFHeader(
                labels=_column(fields, n_channels, start=0, width=16),
                dimensions=_column(fields, n_channels, start=96, width=8),
                n_records=int(head[236:244]),
                record_s=float(head[244:252]),
                n_samples_per_record=tuple(int(n) for n in _column(fields, n_channels, start=216, width=8)),
                n_bytes_per_sample=3 if head[0] == 0xFF else 2,
            )
        except ValueError:
            raise ValueError(
                f"{path} is not a whole EDF or BDF file: its header cannot be read. Copy it again from the "
                "amplifier's computer"
            ) from None


def check_file_length(path: Path, *, incomplete: bool = False) -> None:
    """Refuse an EDF or BDF file that does not hold what its header promises.

    A file whose recorder was never told to stop is as long as it is; it is accepted when it holds a record.

    Parameters
    ----------
    path : Path
        The file.
    incomplete : bool
        Whether a file that ends early is accepted too, if it holds a record.

    Raises
    ------
    ValueError
        If the file is empty, no EDF or BDF file, or shorter than its header says.
    """
    header = read_edf_header(path)
    n_bytes = path.stat().st_size - header.n_bytes
    n_there = n_bytes // header.n_bytes_per_record if header.n_bytes_per_record else 0
    if n_there < (1 if incomplete else max(1, header.n_records)):
        raise ValueError(
            f"{path} is truncated: its header promises {max(1, header.n_records) * header.record_s:g} s, but "
            f"the file holds {max(0, n_there) * header.record_s:g} s. Copy it again from the amplifier's "
            f"computer. {IF_THAT_IS_ALL}"
        )


def _column(fields: str, n_channels: int, *, start: int, width: int) -> tuple[str, ...]:
    """Cut one field of all channels out of the header; `start` counts the bytes per channel before it."""
    text = fields[start * n_channels : (start + width) * n_channels]
    if len(text) < width * n_channels:
        raise ValueError("the header ends early")
    return tuple(text[width * i : width * (i + 1)].strip() for i in range(n_channels))
