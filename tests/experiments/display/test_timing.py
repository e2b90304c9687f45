"""Refreshes are counted and frames chosen rightly, whatever the screen."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from experiments.display.timing import RefreshGrid, measured_refresh_hz, n_flips, pulldown, video_frame


@pytest.mark.parametrize(
    ("refresh_hz", "holds"),
    [
        (60.0, {3, 2}),
        (59.94, {3, 2}),
        (60.03, {3, 2}),
        (50.0, {2}),
        (75.0, {3}),
        (100.0, {4}),
        (120.0, {5, 4}),
        (144.0, {6, 5}),
    ],
)
def test_every_frame_of_a_video_is_shown_for_its_time(refresh_hz: float, holds: set[int]) -> None:
    last = n_flips(5.0, refresh_hz=refresh_hz)
    frames = [video_frame(n, fps=25.0, refresh_hz=refresh_hz, n_frames=125) for n in range(last)]
    assert sorted(set(frames)) == list(range(125))
    counts = Counter(frames)
    assert {counts[frame] for frame in range(124)} <= holds
    for frame in range(125):
        late_s = frames.index(frame) / refresh_hz - frame / 25.0
        assert -0.1001 / refresh_hz <= late_s < 1 / refresh_hz


def test_the_pattern_on_60_hz_does_not_depend_on_the_last_digit_of_the_measurement() -> None:
    for refresh_hz in (59.99, 60.0, 60.01):
        frames = [video_frame(n, fps=25.0, refresh_hz=refresh_hz, n_frames=125) for n in range(120)]
        assert [len(list(group)) for _, group in itertools.groupby(frames)] == [3, 2, 3, 2, 2] * 10


@pytest.mark.parametrize(
    ("refresh_hz", "pattern", "n_refreshes"),
    [
        (60.0, [3, 2, 3, 2, 2], 300),
        (50.0, [2], 250),
        (75.0, [3], 375),
        (100.0, [4], 500),
        (120.0, [5, 5, 5, 5, 4], 600),
        (144.0, [*[6, 6, 6, 5] * 2, 6, *[6, 6, 6, 5] * 4], 720),
    ],
)
def test_the_plan_of_25_frames_per_second(refresh_hz: float, pattern: list[int], n_refreshes: int) -> None:
    plan = pulldown(fps=25.0, refresh_hz=refresh_hz, n_frames=125)
    assert len(plan.frames) == n_refreshes
    assert sum(plan.holds) == n_refreshes
    assert sorted(set(plan.frames)) == list(range(125))
    assert plan.pattern == pattern
    assert plan.holds == (pattern * 125)[:125]
    assert -0.1001 / refresh_hz <= min(plan.late_s) and max(plan.late_s) < 1 / refresh_hz


def test_the_plan_on_5994_hz_is_that_of_60_hz_but_for_the_part_of_a_refresh_that_is_lost() -> None:
    exact, ntsc = (pulldown(fps=25.0, refresh_hz=hz, n_frames=125) for hz in (60.0, 59.94))
    assert len(ntsc.frames) == len(exact.frames) == 300
    moved = [one - other for one, other in zip(ntsc.frames, exact.frames, strict=True)]
    assert set(moved) <= {0, 1} and 0 < sum(moved) < 60
    assert set(ntsc.holds) == {2, 3} and max(ntsc.late_s) < 1 / 59.94


def test_a_plan_without_a_pattern_is_its_own() -> None:
    assert pulldown(fps=25.0, refresh_hz=60.0, n_frames=2).pattern == [3]
    assert pulldown(fps=25.0, refresh_hz=60.0, n_frames=1).holds == [2]


def test_the_last_frame_stays() -> None:
    assert video_frame(1000, fps=25.0, refresh_hz=60.0, n_frames=125) == 124


def test_a_duration_is_at_least_one_refresh() -> None:
    assert n_flips(0.001, refresh_hz=60.0) == 1
    assert n_flips(2.5, refresh_hz=60.0) == 150


def test_the_refresh_is_measured_through_jitter_and_missed_flips() -> None:
    rng = np.random.default_rng(1)
    refreshes = np.delete(np.arange(123), [40, 41, 90])
    times_s = 5 + refreshes / 59.94 + rng.exponential(0.0003, len(refreshes))
    measured_hz = measured_refresh_hz(times_s.tolist())
    assert measured_hz == pytest.approx(59.94, rel=5e-4)


@pytest.mark.parametrize("scale_s", [0.0005, 0.005])
def test_flips_without_a_refresh_have_no_rate(scale_s: float) -> None:
    rng = np.random.default_rng(2)
    assert measured_refresh_hz(np.cumsum(rng.gamma(2, scale_s, 120)).tolist()) is None


def test_what_cannot_be_a_rate_is_none() -> None:
    assert measured_refresh_hz([0.0, 0.1]) is None
    assert measured_refresh_hz([1.0] * 50) is None
    assert measured_refresh_hz([flip / 2000 for flip in range(120)]) is None
    assert measured_refresh_hz([flip / 5 for flip in range(120)]) is None


def test_the_grid_follows_a_screen_with_jitter_drift_and_missed_refreshes() -> None:
    rng = np.random.default_rng(3)
    true_period_s = 1 / 59.97
    refreshes = np.delete(np.arange(1, 20_000), [100, 101, 102, 5000])
    grid = RefreshGrid(refresh_hz=60.0, start_s=0.0)
    numbers = []
    for refresh in refreshes:
        grid.observe(refresh * true_period_s + rng.exponential(0.0005))
        numbers.append(grid.number)
    assert numbers == refreshes.tolist()


def test_a_flip_that_was_only_seen_late_is_taken_back() -> None:
    grid = RefreshGrid(refresh_hz=60.0, start_s=0.0)
    steps = [grid.observe(flip / 60) for flip in (1, 2, 3.7, 4, 5)]
    assert steps == [1, 1, 2, 0, 1]
    assert grid.number == 5


def test_a_flip_that_was_waited_for_and_came_too_late_is_on_a_later_refresh() -> None:
    grid = RefreshGrid(refresh_hz=100.0, start_s=1.0)
    grid.step(1)
    assert [grid.catch_up(flip_s) for flip_s in (1.0102, 1.0145, 1.016, 1.041)] == [0, 0, 1, 2]
    assert (grid.number, round(grid.time_s, 6)) == (4, 1.04)


def test_the_next_refresh_is_the_first_that_is_not_over() -> None:
    grid = RefreshGrid(refresh_hz=100.0, start_s=1.0)
    assert [grid.steps_after(now_s) for now_s in (1.0, 1.005, 1.0101, 1.055)] == [1, 1, 2, 6]
