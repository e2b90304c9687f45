"""Which recorded code is which logged one: every fault by itself, and what must be refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.dataset.aligned_codes import Alignment, LoggedCodes, RecordedCodes
from experiments.dataset.alignment import NotProvenError, align, apparent_slope
from experiments.dataset.clock_search import longest_common

from . import simulated_faults as faults
from .simulated_faults import Made, simulate


def aligned(made: Made) -> Alignment:
    logged = LoggedCodes(codes=made.log_codes, times_s=made.log_s, starts=made.starts)
    recorded = RecordedCodes(codes=made.codes, times_s=made.times_s, bounds_s=made.bounds_s)
    return align(logged, recorded, known=faults.KNOWN)


def session(n_trials: int = 16, seed: int = 1) -> Made:
    return simulate(np.random.default_rng(seed), n_trials=n_trials)


def test_a_faultless_recording_is_found_whole() -> None:
    made = session()
    found = aligned(made)
    assert set(found.how) == {"found"}
    assert found.extras == {}
    assert len(found.stretches) == 1
    np.testing.assert_array_equal(found.placed_s, made.times_s)


def test_a_session_of_a_few_seconds_is_found_whatever_its_first_cross_lasts() -> None:
    """No step of the search for drift may be larger than the drift that it looks for."""
    codes = np.array([210, 200, 1, 12, 21, 31, 1, 212])
    rng = np.random.default_rng(7)
    for cross_s in np.round(np.linspace(2.0, 3.0, 21), 2).tolist():
        times_s = 1.8 + np.array([0, 1.05, 1.067, 1.067 + cross_s, 2.047 + cross_s, 2.067 + cross_s])
        times_s = np.r_[times_s, times_s[-1] + 1.0, times_s[-1] + 1.034] + rng.uniform(0, 5e-4, 8)
        recorded_s = np.ceil((times_s - 1.737) * 1200) / 1200
        logged = LoggedCodes(codes=codes, times_s=times_s, starts=np.zeros(8, int))
        recorded = RecordedCodes(codes=codes, times_s=recorded_s, bounds_s=np.array([0.0, 6.5]))
        assert set(align(logged, recorded).how) == {"found"}, cross_s


@pytest.mark.parametrize("at", [1, 20, -2])
def test_a_lost_code_is_placed_between_its_neighbours(at: int) -> None:
    made = session()
    at %= made.n
    made.keep(np.arange(made.n) != at)
    found = aligned(made)
    assert found.how.count("lost") == 1
    assert found.how[at] == "lost"
    assert abs(found.placed_s[at] - made.truth_s[at]) < 0.004


@pytest.mark.parametrize("at", [0, -1])
def test_a_code_lost_at_an_end_is_left_out_because_time_could_be_missing_there(at: int) -> None:
    made = session()
    made.keep(np.arange(made.n) != at % made.n)
    found = aligned(made)
    assert found.how[at] == "unplaced"
    assert np.isnan(found.placed_s[at])


def test_a_doubled_code_counts_once() -> None:
    made = session()
    made.add(made.codes[[3, 30]], made.times_s[[3, 30]] + 0.02)
    found = aligned(made)
    assert set(found.how) == {"found"}
    assert list(found.extras.values()) == ["bounce", "bounce"]


def test_a_bounce_is_not_taken_for_the_code_that_was_lost() -> None:
    made = session()
    made.times_s[20] += 0.015
    found = aligned(made)
    assert found.how[20] == "lost"
    assert abs(found.placed_s[20] - made.truth_s[20]) < 0.004
    assert found.extras == {20: "late"}


def test_newlines_after_every_code_are_foreign() -> None:
    made = session()
    made.add(np.full(made.n, 10), made.times_s + 0.002)
    found = aligned(made)
    assert set(found.how) == {"found"}
    assert set(found.extras.values()) <= {"unknown", "transition"}


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("bit", [1, 2, 4, 8, 16, 32, 64, 128])
def test_a_stuck_line_is_repaired(bit: int, level: int) -> None:
    made = session(24)
    if level:
        seen = made.codes | bit
        moves = seen != bit
        made.codes, made.times_s = seen[moves], made.times_s[moves]
        made.add(np.full(made.codes.size, bit), made.times_s + 0.008)
    else:
        made.codes = made.codes & ~bit
        made.keep(made.codes > 0)
    found = aligned(made)
    placed = ~np.isnan(found.placed_s)
    assert np.abs(found.placed_s - made.truth_s)[placed].max() < 0.004
    assert placed[1:-1].all()


def test_two_codes_as_one_are_told_apart_by_the_log() -> None:
    made = session()
    video = int(np.flatnonzero(made.log_codes == 12)[3])
    made.log_s[video + 1] = made.log_s[video] + 0.003
    press = made.codes[video + 1]
    made.codes[video] |= press
    made.truth_s[video + 1] = made.truth_s[video] + 0.003
    made.keep(np.arange(made.n) != video + 1)
    found = aligned(made)
    assert found.how[video : video + 2] == ["merged", "merged"]
    assert np.abs(found.placed_s - made.truth_s).max() < 0.004


def test_a_jump_of_time_has_a_clock_on_each_side() -> None:
    made = session(24)
    faults.drop(made, float(made.times_s[60]) + 0.5, 20.0)
    found = aligned(made)
    assert len(found.stretches) == 2
    assert found.stretches[0].offset_s - found.stretches[1].offset_s == pytest.approx(20, abs=0.05)
    gone = np.isnan(made.truth_s)
    assert np.isnan(found.placed_s[gone]).all()
    assert [found.how[index] for index in np.flatnonzero(gone)] == ["unplaced"] * gone.sum()


def test_a_recorder_never_gains_time() -> None:
    made = session(24)
    made.times_s[60:] += 20.0
    made.bounds_s[-1] += 20.0
    with pytest.raises(NotProvenError):
        aligned(made)


def test_a_part_that_fits_nowhere_is_refused() -> None:
    made, other = session(), session(seed=2)
    made.codes = np.concatenate([made.codes, other.codes])
    made.times_s = np.concatenate([made.times_s, made.bounds_s[-1] + other.times_s])
    made.bounds_s = np.array([0, made.bounds_s[-1], made.bounds_s[-1] + other.bounds_s[-1]])
    with pytest.raises(NotProvenError, match=r"part 2 .* fits nowhere"):
        aligned(made)


def test_the_same_order_with_other_presses_is_refused_with_the_reason() -> None:
    made = session(24)
    presses = made.codes == 21
    made.times_s[presses] += np.random.default_rng(1).uniform(0.1, 1.0, presses.sum())
    with pytest.raises(NotProvenError, match=r"21.*another session with the same order"):
        aligned(made)


def test_two_places_that_fit_alike_are_refused() -> None:
    codes = np.tile([1, 11, 31], 12)
    times_s = np.cumsum(np.tile([1.0, 2.5, 5.0], 12))
    logged = LoggedCodes(codes=codes, times_s=times_s, starts=np.zeros(36, dtype=int))
    piece = RecordedCodes(codes=codes[9:24], times_s=times_s[9:24] - 20, bounds_s=np.array([0.0, 60.0]))
    with pytest.raises(NotProvenError, match="two places"):
        align(logged, piece)


def test_codes_that_scatter_too_much_are_refused() -> None:
    made = session()
    made.times_s = made.times_s + np.random.default_rng(1).uniform(-0.019, 0.019, made.n)
    with pytest.raises(NotProvenError):
        aligned(made)


def test_another_sampling_rate_is_named() -> None:
    made = session(24)
    logged = LoggedCodes(codes=made.log_codes, times_s=made.log_s, starts=made.starts)
    for slope in (1.2, 1 / 1.2, 1.024, 2.0):
        recorded = RecordedCodes(
            codes=made.codes, times_s=made.times_s * slope, bounds_s=made.bounds_s * slope
        )
        with pytest.raises(NotProvenError):
            align(logged, recorded)
        assert apparent_slope(logged, recorded) == pytest.approx(slope, rel=3e-4)
    other = session(24, seed=2)
    recorded = RecordedCodes(codes=other.codes, times_s=other.times_s, bounds_s=other.bounds_s)
    slope = apparent_slope(logged, recorded)
    assert slope is None or abs(slope - 1) < 0.005


def test_nothing_to_go_by_is_refused() -> None:
    made = session(2)
    made.keep(np.zeros(made.n, dtype=bool))
    with pytest.raises(NotProvenError, match="empty"):
        aligned(made)


@pytest.mark.parametrize("n_codes", [1, 2])
def test_one_or_two_codes_prove_nothing(n_codes: int) -> None:
    made = session(8)
    made.keep(np.arange(made.n) < n_codes)
    with pytest.raises(NotProvenError):
        aligned(made)


def test_a_restarted_session_has_a_clock_for_each_start() -> None:
    made = session(16)
    made.starts[40:] = 1
    made.log_s[40:] -= made.log_s[40]
    found = aligned(made)
    assert [stretch.start for stretch in found.stretches] == [0, 1]
    np.testing.assert_array_equal(found.placed_s, made.truth_s)


def test_a_start_with_two_codes_only_is_left_out_not_guessed() -> None:
    made = session(16)
    made.starts[-2:] = 1
    made.log_s[-2:] -= 300
    found = aligned(made)
    assert found.how[-2:] == ["unplaced", "unplaced"]
    assert found.how.count("found") == made.n - 2


@given(left=st.lists(st.integers(1, 4), max_size=12), right=st.lists(st.integers(1, 4), max_size=12))
def test_the_longest_common_list_is_common_and_longest(left: list[int], right: list[int]) -> None:
    one, other = longest_common(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64))
    assert [left[i] for i in one] == [right[j] for j in other]
    assert all(np.diff(one) > 0)
    assert all(np.diff(other) > 0)
    lengths = np.zeros((len(left) + 1, len(right) + 1), dtype=int)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            lengths[i + 1, j + 1] = max(lengths[i, j + 1], lengths[i + 1, j], lengths[i, j] + (a == b))
    assert one.size == lengths[-1, -1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trials=st.sampled_from([3, 8, 20]),
    planted=st.lists(st.sampled_from(faults.REPAIRABLE), max_size=3),
)
def test_whatever_happens_no_event_is_placed_wrongly(
    seed: int, n_trials: int, planted: list[faults.Fault]
) -> None:
    rng = np.random.default_rng(seed)
    made = simulate(rng, n_trials=n_trials)
    for fault in planted:
        if made.codes.size > 1:
            fault(rng, made)
    assert faults.judge(made).word in ("right", "refused")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), foreign=st.sampled_from(faults.FOREIGN))
def test_what_is_not_this_sessions_is_refused(seed: int, foreign: faults.Fault) -> None:
    rng = np.random.default_rng(seed)
    made = simulate(rng, n_trials=12)
    foreign(rng, made)
    assert faults.judge(made).word == "refused"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift_s=st.floats(-1e5, 1e5), fs_hz=st.sampled_from([500, 1200, 2048]))
def test_where_the_clocks_begin_does_not_matter(seed: int, shift_s: float, fs_hz: int) -> None:
    made = simulate(np.random.default_rng(seed), n_trials=4)
    before = aligned(made)
    after = aligned(dataclasses.replace(made, log_s=made.log_s + round(shift_s * fs_hz) / fs_hz))
    assert after.how == before.how
    np.testing.assert_allclose(after.placed_s, before.placed_s, atol=1e-4)
