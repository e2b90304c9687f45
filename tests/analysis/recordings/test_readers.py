"""Readers and trigger edges on their own, and on recordings that others published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.recordings import open_recording
from analysis.recordings.channel_map import ChannelMap, find_muscles, parse_channel_map, read_channel_map
from analysis.recordings.found import code_in
from analysis.recordings.triggers import find_edges
from experiments.dataset.gaps import fill_gaps

MAPS = sorted((Path(__file__).resolve().parents[3] / "analysis" / "mimicry" / "maps").glob("*.toml"))


def pulses(n_samples: int, *stretches: tuple[int, int]) -> np.ndarray:
    line = np.zeros(n_samples)
    for start, stop in stretches:
        line[start:stop] = 5
    return line


def test_a_pulse_has_a_rising_and_a_falling_edge():
    line = pulses(50, (10, 20), (30, 31))
    assert find_edges(line, threshold=2.5, edge="rising").tolist() == [10, 30]
    assert find_edges(line, threshold=2.5, edge="falling").tolist() == [20, 31]


def test_pulses_at_the_ends_of_a_recording_have_one_edge():
    line = pulses(50, (0, 5), (45, 50))
    assert find_edges(line, threshold=2.5, edge="rising").tolist() == [45]
    assert find_edges(line, threshold=2.5, edge="falling").tolist() == [5]


def test_bounces_are_dropped_and_noise_below_the_threshold_is_none():
    line = pulses(100, (10, 12), (13, 20), (60, 70)) + np.random.default_rng(1).uniform(-1, 1, 100)
    assert find_edges(line, threshold=2.5, edge="rising", minimum_gap_samples=10).tolist() == [10, 60]
    assert find_edges(line, threshold=2.5, edge="rising").tolist() == [10, 13, 60]


@pytest.mark.parametrize("line", [np.zeros(20), np.full(20, 5.0), np.zeros(0)])
def test_a_line_without_an_edge_has_none(line: np.ndarray):
    assert find_edges(line, threshold=2.5, edge="rising", minimum_gap_samples=5).size == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("S 11", 11), ("S255", 255), ("Stimulus/S  1", 1), ("11", 11), (" 11 ", 11), ("12.0", 12),
        ("Response/R  3", 3),
        ("boundary", None), ("New Segment/", None), ("video 11b", None), ("AngryToHappy", None), ("", None),
    ],
)  # fmt: skip
def test_codes_are_read_out_of_markers(text: str, code: int | None):
    assert code_in(text) == code


@pytest.mark.parametrize(
    "names",
    [
        ("ZM", "CS"),
        ("Zygomaticus", "Corrugator"),
        ("zyg_left", "corr_left", "Status"),
        ("EMG CS", "EMG ZM"),
        ("cs", "zm"),
    ],
)
def test_usual_names_of_the_muscles_are_understood(names: tuple[str, ...]):
    found = find_muscles(names)
    assert "z" in found["zygomaticus"].source[0].lower() and "c" in found["corrugator"].source[0].lower()


@pytest.mark.parametrize(
    "names", [("EMG1", "EMG2"), ("zyg+", "zyg-", "corr"), ("ZM",), ("physics", "ZM"), ()]
)
def test_other_names_are_not_guessed(names: tuple[str, ...]):
    with pytest.raises(ValueError, match="which is which muscle"):
        find_muscles(names)


def test_gaps_are_filled_and_jitter_is_not():
    times_s = np.array([0.0, 0.11, 0.19, 0.3, 0.6, 0.7])
    filled, positions = fill_gaps(np.arange(6.0)[np.newaxis], times_s, fs_hz=10)
    assert positions.tolist() == [0, 1, 2, 3, 6, 7]
    assert np.isnan(filled[0, [4, 5]]).all() and filled[0, positions].tolist() == list(range(6))


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_the_maps_that_come_along_can_be_read(path: Path):
    assert set(read_channel_map(path).muscles) == {"corrugator", "zygomaticus"}


def test_the_maps_that_come_along_are_found():
    assert len(MAPS) == 3


def test_the_smallest_published_xdf_file(shared: Path):
    opened = open_recording(shared / "data" / "xdf" / "minimal.xdf", ChannelMap())
    assert opened.fs_hz == 10 and opened.n_samples == 9 and len(opened.channel_names) == 3
    assert opened.samples(opened.channel_names[0])[:2].tolist() == [192, 12]
    assert opened.markers["text"].iloc[1:3].tolist() == ["Hello", "World"]
    assert opened.markers["sample"].tolist()[0] == 1, (
        "the first marker is stamped with the second sample's time"
    )


def test_a_published_xdf_file_with_clock_resets_declares_another_rate_than_it_has(shared: Path):
    path = shared / "data" / "xdf" / "clock_resets.xdf"
    with pytest.raises(ValueError, match=r"declared to have 100 .*say 92\.\d+"):
        open_recording(path, ChannelMap())
    opened = open_recording(path, parse_channel_map({"recording": {"sampling_rate_hz": 92.9}}))
    signal = opened.samples(opened.channel_names[0])
    assert np.isnan(signal).sum() == pytest.approx(273.88 * 92.9, abs=3), (
        "the gap between two clocks is missing"
    )
    assert (~np.isnan(signal)).sum() == 27815
    assert opened.markers["sample"].is_monotonic_increasing and len(opened.markers) > 100
