"""BDF files: nothing is lost, and mne reads what we write."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.dataset.bdf import (
    BdfChannel,
    quantise,
    read_bdf,
    read_signals,
    record_length,
    write_bdf,
)


def emg(n_samples: int = 12_000, size_uv: float = 5.0) -> np.ndarray:
    return np.random.default_rng(3).normal(0, size_uv, n_samples)


@pytest.mark.parametrize("size_uv", [0.02, 1.0, 5.0, 800.0, 200_000.0])
def test_the_range_is_taken_from_the_data(tmp_path: Path, size_uv: float) -> None:
    samples = emg(size_uv=size_uv)
    path = tmp_path / "a.bdf"
    assert write_bdf(path, quantise("corrugator", samples, precise=False), fs_hz=1200) == 0
    read, fs_hz = read_signals(path)
    assert fs_hz == 1200
    step_uv = 2.1 * np.max(np.abs(samples)) / 2**24
    assert np.max(np.abs(read["corrugator"] - samples)) <= step_uv / 2


@settings(deadline=None, max_examples=200)
@given(st.floats(1e-3, 1e6), st.booleans())
def test_what_is_read_is_what_was_quantised(largest_uv: float, negative: bool) -> None:
    samples = np.linspace(-largest_uv if negative else 0, largest_uv, 100)
    (channel,) = quantise("x", samples, precise=False)
    with tempfile.TemporaryDirectory() as folder:
        write_bdf(Path(folder) / "a.bdf", [channel], fs_hz=100)
        read = read_bdf(Path(folder) / "a.bdf").channels[0]
    assert read.physical_range == channel.physical_range
    np.testing.assert_array_equal(read.digital, channel.digital)
    assert np.max(np.abs(read.physical() - samples)) < 2 * max(largest_uv, 0.01) * 1.02 / 2**24


@pytest.mark.parametrize(
    "limits", [(-262144.0, 262143.0), (-26214.4, 26214.3), (-3276.7, 3276.8), (-0.5, 0.25)]
)
def test_an_amplifiers_own_range_is_kept(tmp_path: Path, limits: tuple[float, float]) -> None:
    channel = BdfChannel("x", np.arange(-500, 500, dtype=np.int32), limits, "uV", "HP:0.1Hz")
    write_bdf(tmp_path / "a.bdf", [channel], fs_hz=1000)
    read = read_bdf(tmp_path / "a.bdf").channel("x")
    assert read.physical_range == limits
    assert read.prefiltering == "HP:0.1Hz"


def test_more_than_24_bits_are_kept_on_request(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).lognormal(-1, 1.5, 5_003)
    path = tmp_path / "a.bdf"
    channels = quantise("zygomaticus", samples, precise=True)
    assert [channel.name for channel in channels] == ["zygomaticus", "zygomaticus_fine"]
    write_bdf(path, channels, fs_hz=100)
    read, _ = read_signals(path)
    assert set(read) == {"zygomaticus"}
    assert np.max(np.abs(read["zygomaticus"] - samples) / samples) < 1e-9
    assert np.max(np.abs(read["zygomaticus"] - samples)) < 1e-13 * samples.max()
    coarse = mne.io.read_raw_bdf(path, preload=True, verbose="error").get_data("zygomaticus")[0] * 1e6
    assert np.max(np.abs(coarse - samples)) < 1e-6 * samples.max()


def test_mne_reads_signals_and_status(tmp_path: Path) -> None:
    samples = emg()
    status = np.zeros(12_000, dtype=np.int32)
    for number, code in enumerate((1, 11, 255, 21)):
        status[2000 * (number + 1) :][:10] = code
    channels = [
        *quantise("corrugator", samples, precise=False),
        BdfChannel("Status", status, (-(2**23), 2**23 - 1), ""),
    ]
    write_bdf(tmp_path / "a.bdf", channels, fs_hz=1200)
    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", preload=True, verbose="error")
    assert raw.info["sfreq"] == 1200
    np.testing.assert_allclose(raw.get_data("corrugator")[0] * 1e6, samples, atol=3e-6)
    events = mne.find_events(raw, stim_channel="Status", shortest_event=1, verbose="error")
    assert events[:, 2].tolist() == [1, 11, 255, 21]
    assert events[:, 0].tolist() == [2000, 4000, 6000, 8000]
    found = read_bdf(tmp_path / "a.bdf").channel("Status").digital
    np.testing.assert_array_equal(found, status)


RATES_HZ = [100.0, 250.0, 256.0, 500.0, 512.0, 1000.0, 1024.0, 1200.0, 2048.0, 44100.0, 2000.5, 99.97]


@settings(deadline=None, max_examples=150)
@given(st.integers(45_000, 300_000), st.sampled_from(RATES_HZ))
def test_record_lengths_are_exact_and_add_next_to_nothing(n_samples: int, fs_hz: float) -> None:
    per_record, record_s, n_added = record_length(n_samples, fs_hz)
    assert (n_samples + n_added) % per_record == 0
    assert len(str(record_s)) <= 9
    assert per_record / record_s == pytest.approx(fs_hz, rel=1e-12 if fs_hz.is_integer() else 1e-6)
    assert n_added < 0.1 * fs_hz


@pytest.mark.parametrize(
    ("n_samples", "fs_hz"),
    [
        (979_200, 1200),
        (979_201, 1200),
        (26_523, 100),
        (10_007, 512),
        (4_999, 1000),
        (9_973, 1999.97),
        (1, 1200),
    ],
)
def test_any_length_and_rate_can_be_written(tmp_path: Path, n_samples: int, fs_hz: float) -> None:
    samples = emg(n_samples)
    n_added = write_bdf(tmp_path / "a.bdf", quantise("x", samples, precise=False), fs_hz=fs_hz)
    read, read_hz = read_signals(tmp_path / "a.bdf")
    assert len(read["x"]) == n_samples + n_added
    assert read_hz == pytest.approx(fs_hz, rel=1e-6)
    np.testing.assert_allclose(read["x"][:n_samples], samples, atol=1e-5)
    assert (read["x"][n_samples:] == read["x"][n_samples - 1]).all()
    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", preload=True, verbose="error")
    assert raw.n_times == n_samples + n_added


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    write_bdf(path, quantise("x", emg(), precise=False), fs_hz=1200)
    with pytest.raises(FileExistsError):
        write_bdf(path, quantise("x", emg(), precise=False), fs_hz=1200)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_samples_are_refused(value: float) -> None:
    samples = emg(100)
    samples[7] = value
    with pytest.raises(ValueError, match=r"'x': 1 of 100 samples are not numbers"):
        quantise("x", samples, precise=False)


@pytest.mark.parametrize("name", ["", "seventeen letters", "größe", "a\tb"])
def test_names_that_the_format_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 16 ASCII"):
        quantise(name, emg(10), precise=False)


def test_a_truncated_file_is_read_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    write_bdf(path, quantise("x", emg(12_000), precise=False), fs_hz=1200)
    path.write_bytes(path.read_bytes()[:-5000])
    content = read_bdf(path)
    assert len(content.channels[0].digital) == 9_600
    assert content.problem is not None
    assert "10 data records" in content.problem


def test_bad_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    with pytest.raises(FileNotFoundError, match="no recording"):
        read_bdf(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a BDF file"):
        read_bdf(path)
    path.write_bytes(b"\xffBIOSEMI" + b" " * 100)
    with pytest.raises(ValueError, match=r"a\.bdf"):
        read_bdf(path)
    good = tmp_path / "b.bdf"
    write_bdf(good, quantise("x", emg(12_000), precise=False), fs_hz=1200)
    path.write_bytes(good.read_bytes()[:600])
    with pytest.raises(ValueError, match="no complete record"):
        read_bdf(path)
    with pytest.raises(ValueError, match="no channel 'Status'; the file has x"):
        read_bdf(good).channel("Status")
