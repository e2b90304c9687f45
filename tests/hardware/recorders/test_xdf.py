"""Files that grow, and what is left of them when they are cut off."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from experiments.dataset.xdf_chunks import whole_length
from hardware.recorders.xdf import XdfWriter

FS_HZ = 1200.0
DESCRIPTION = """<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>
<channel_count>{channels}</channel_count><nominal_srate>{rate}</nominal_srate>
<channel_format>{values}</channel_format><source_id>x</source_id><desc /></info>"""


def header(name: str, kind: str, channels: int, rate: float, values: str) -> str:
    return DESCRIPTION.format(name=name, kind=kind, channels=channels, rate=rate, values=values)


def write(path: Path, *, n_chunks: int = 20, offset_s: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(n_chunks * 60, 3)).astype(np.float32)
    times_s = 1000.0 + np.arange(len(values)) / FS_HZ
    with XdfWriter(path) as file:
        file.add_stream(1, header("emg", "EMG", 3, FS_HZ, "float32"), value_format="float32")
        file.add_stream(2, header("marks", "Markers", 1, 0, "string"), value_format="string")
        for number in range(n_chunks):
            part = slice(number * 60, number * 60 + 60)
            file.add_samples(1, times_s[part], values[part])
            file.add_samples(2, times_s[part][:1], [[f"müde {number}"]])
            if number % 5 == 0:
                file.add_clock_offset(1, times_s[part][0] + offset_s, offset_s)
                file.add_clock_offset(2, times_s[part][0] + offset_s, offset_s)
                file.add_boundary()
        for stream, count in ((1, len(values)), (2, n_chunks)):
            file.add_footer(stream, first_s=times_s[0], last_s=times_s[-1], n_samples=count, rate_hz=FS_HZ)
    return times_s, values


def read(path: Path, **options: object) -> dict[str, dict]:
    streams, _ = pyxdf.load_xdf(path, verbose=False, **options)
    return {stream["info"]["name"][0]: stream for stream in streams}


def test_every_value_and_time_is_read_back_by_another_program(tmp_path: Path) -> None:
    times_s, values = write(tmp_path / "a.xdf")
    streams = read(tmp_path / "a.xdf", dejitter_timestamps=False, synchronize_clocks=False)
    np.testing.assert_array_equal(streams["emg"]["time_series"], values)
    np.testing.assert_array_equal(streams["emg"]["time_stamps"], times_s)
    assert [row[0] for row in streams["marks"]["time_series"]] == [f"müde {n}" for n in range(20)]
    assert streams["emg"]["footer"]["info"]["sample_count"] == ["1200"]


def test_clock_offsets_bring_time_stamps_to_the_clock_of_this_computer(tmp_path: Path) -> None:
    times_s, _ = write(tmp_path / "a.xdf", offset_s=-12.5)
    streams = read(tmp_path / "a.xdf")
    np.testing.assert_allclose(streams["emg"]["time_stamps"], times_s - 12.5, atol=1e-6)


@pytest.mark.parametrize("value_format", ["double64", "int8", "int16", "int32", "int64"])
def test_numbers_of_every_size(tmp_path: Path, value_format: str) -> None:
    with XdfWriter(tmp_path / "a.xdf") as file:
        file.add_stream(7, header("n", "EMG", 2, 10, value_format), value_format=value_format)
        file.add_samples(7, [1.0, 1.1], [[1, -2], [3, 100]])
        file.add_samples(7, [], np.empty((0, 2)))
    found = read(tmp_path / "a.xdf", dejitter_timestamps=False)["n"]["time_series"]
    np.testing.assert_array_equal(found, [[1, -2], [3, 100]])


def test_a_file_cut_anywhere_keeps_its_whole_chunks(tmp_path: Path) -> None:
    _, values = write(tmp_path / "a.xdf", n_chunks=4)
    content = (tmp_path / "a.xdf").read_bytes()
    assert whole_length(content) == len(content)
    cut = tmp_path / "cut.xdf"
    for length in range(len(content) - 1200, len(content), 7):
        whole = whole_length(content[:length])
        assert length - 1400 < whole <= length
        cut.write_bytes(content[:whole])
        found = read(cut, dejitter_timestamps=False)["emg"]["time_series"]
        assert len(found) in (180, 240)
        np.testing.assert_array_equal(found, values[: len(found)])


def test_pyxdf_alone_reads_a_file_cut_within_samples(tmp_path: Path) -> None:
    _, values = write(tmp_path / "a.xdf", n_chunks=4)
    content = (tmp_path / "a.xdf").read_bytes()
    (tmp_path / "cut.xdf").write_bytes(content[: len(content) - 700])
    found = read(tmp_path / "cut.xdf", dejitter_timestamps=False)["emg"]["time_series"]
    assert 180 <= len(found) <= 240
    np.testing.assert_array_equal(found, values[: len(found)])


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path / "a.xdf")
    before = (tmp_path / "a.xdf").read_bytes()
    with pytest.raises(FileExistsError):
        XdfWriter(tmp_path / "a.xdf")
    assert (tmp_path / "a.xdf").read_bytes() == before


def test_something_else_has_no_whole_chunk(tmp_path: Path) -> None:
    assert whole_length(b"something else") == 0
    with pytest.raises(ValueError, match="complex"), XdfWriter(tmp_path / "b.xdf") as file:
        file.add_stream(1, "<info/>", value_format="complex")


def test_a_full_disk_takes_back_half_chunks(tmp_path: Path) -> None:
    file = XdfWriter(tmp_path / "a.xdf")
    file.add_stream(1, header("emg", "EMG", 1, FS_HZ, "float32"), value_format="float32")
    file.add_samples(1, [1.0], [[5.0]])
    whole, real = file._file, file._file.write

    class Full:
        """Writes ten bytes, and then the disk is full."""

        room = 10

        def __getattr__(self, name: str) -> object:
            return getattr(whole, name)

        def write(self, content: bytes) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            written, self.room = real(content[: self.room]), 0
            return written

    file._file = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        file.add_samples(1, [2.0, 3.0], [[6.0], [7.0]])
    file._file = whole
    file.add_samples(1, [2.0, 3.0], [[6.0], [7.0]])
    file.close()
    found = read(tmp_path / "a.xdf", dejitter_timestamps=False)["emg"]["time_series"]
    np.testing.assert_array_equal(found[:, 0], [5.0, 6.0, 7.0])
