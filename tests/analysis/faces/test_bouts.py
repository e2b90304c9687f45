"""Escape and freezing bouts by their definitions, on traces in which each is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.faces.bouts import find_fear_bouts
from analysis.faces.motion_energy import motion_energy

RATE_HZ = 30.0
MINUTES = 10
SHOCKS = pd.DataFrame({"onset": [180.0, 300.0, 420.0], "duration": [2.0, 2.0, 2.0]})
Span = tuple[float, float]


def session(
    escapes: list[Span], freezings: list[Span], seed: int = 0, chewing: list[Span] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Movement of an animal at ease, without end, but with fits and with pauses of a second or two."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, 60 * MINUTES, 1 / RATE_HZ)

    def at_times(per_s: float, seconds: float) -> np.ndarray:
        width = np.ones(round(seconds * RATE_HZ))
        return np.convolve(rng.random(len(times)) < per_s / RATE_HZ, width, "same") > 0

    fits, pauses = at_times(0.1, 1.5), at_times(0.08, 1.5)
    body, face = (0.4 + 0.4 * np.abs(np.sin(times * rng.uniform(0.5, 1.5))) for _ in range(2))
    for trace in (body, face):
        trace += np.where(fits, np.exp(rng.normal(0, 0.4, len(times))), 0)
        trace[pauses & ~fits] = 0.02
    for start, stop in escapes:
        body[(times >= start) & (times < stop)] = 6.0
    for start, _ in freezings:
        before = (times >= start - 3) & (times < start) & (body < 5)
        body[before], face[before] = 0.6, 0.6
    for start, stop in freezings:
        within = (times >= start) & (times < stop)
        body[within], face[within] = 0.0, 0.02
    for start, stop in chewing or []:
        face[(times >= start) & (times < stop)] = 1.5
    noise = 1 + rng.normal(0, 0.01, (2, len(times)))
    return body + noise[0], face + noise[1], times


def spans(table: pd.DataFrame, kind: str) -> list[tuple[float, float]]:
    rows = table[table["trial_type"] == kind]
    return list(zip(rows["onset"], rows["onset"] + rows["duration"], strict=True))


def test_planted_bouts_are_found_and_nothing_else() -> None:
    escapes, freezings = [(200.0, 204.0), (350.0, 353.0)], [(230.0, 238.0), (450.0, 465.0)]
    for seed in range(5):
        found = find_fear_bouts(*session(escapes, freezings, seed), SHOCKS)
        for kind, planted in (("escape", escapes), ("freezing", freezings)):
            got = spans(found.bouts, kind)
            assert len(got) == len(planted), (seed, kind, got, found.refused)
            np.testing.assert_allclose(got, planted, atol=0.3)
        assert found.bouts["onset"].is_monotonic_increasing
        strength = found.bouts.set_index("trial_type")["strength"]
        assert (strength["escape"] > 1).all() and (strength["freezing"] < 0.1).all()


def test_short_ones_do_not_count() -> None:
    found = find_fear_bouts(*session([(200.0, 201.6)], [(230.0, 234.4)]), SHOCKS)
    assert len(found.bouts) == 0


def test_stillness_with_a_chewing_face_is_no_freezing() -> None:
    still = [(230.0, 245.0)]
    assert spans(find_fear_bouts(*session([], still), SHOCKS).bouts, "freezing")
    chewing = find_fear_bouts(*session([], still, chewing=[(229.0, 246.0)]), SHOCKS)
    assert len(chewing.bouts) == 0


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        ((100.0, 108.0), "before_first_shock"),
        ((296.0, 303.5), "shock"),
        ((290.0, 299.0), "shock"),
        ((303.0, 311.0), "no_clean_baseline"),
        ((592.0, 600.0), "cut_off"),
    ],
)
def test_what_does_not_count_is_refused_with_its_reason(span: Span, reason: str) -> None:
    found = find_fear_bouts(*session([], [span]), SHOCKS)
    assert len(found.bouts) == 0
    assert found.refused["reason"].tolist() == [reason]
    assert found.refused["meaning"].notna().all()


def test_a_bout_needs_a_baseline_without_another_bout() -> None:
    found = find_fear_bouts(*session([(200.0, 204.0)], [(205.0, 213.0)]), SHOCKS)
    assert found.bouts["trial_type"].tolist() == ["escape"]
    assert found.refused["reason"].tolist() == ["no_clean_baseline"]
    apart = find_fear_bouts(*session([(200.0, 204.0)], [(207.0, 215.0)]), SHOCKS)
    assert apart.bouts["trial_type"].tolist() == ["escape", "freezing"]


def test_single_bad_frames_are_bridged_and_long_stretches_are_not() -> None:
    movement, face, times = session([], [(230.0, 240.0)])
    valid = np.ones(len(times), bool)
    valid[np.searchsorted(times, [228.5, 231.0, 233.0, 236.0])] = False
    found = find_fear_bouts(movement, face, times, SHOCKS, valid=valid)
    np.testing.assert_allclose(spans(found.bouts, "freezing"), [(230, 240)], atol=0.3)
    valid[(times > 236) & (times < 238)] = False
    cut = find_fear_bouts(movement, face, times, SHOCKS, valid=valid)
    assert len(cut.bouts) == 0 and cut.refused["reason"].tolist() == ["cut_off"]


def test_thresholds_follow_the_animals_own_baseline() -> None:
    """A dim camera halves all movement; the bouts stay the same, and the rule is written down."""
    movement, face, times = session([(200.0, 204.0)], [(230.0, 238.0)])
    one = find_fear_bouts(movement, face, times, SHOCKS)
    dim = find_fear_bouts(0.5 * movement + 3, 0.5 * face + 3, times, SHOCKS)
    pd.testing.assert_frame_equal(one.bouts, dim.bouts)
    rules = one.thresholds.set_index(["trial_type", "trace"])
    assert (rules["rest"] < rules["threshold"]).all()
    assert rules.loc[("escape", "movement"), "threshold"] == rules.loc[("escape", "movement"), "lively"]
    assert "more than 5 s" in rules.loc[("freezing", "orofacial"), "rule"]


def test_the_rate_in_the_baseline_is_told_beside_that_in_fear() -> None:
    """A habit of stillness before any shock shows as a rate; it does not count as freezing."""
    quiet = [(40.0, 50.0), (80.0, 90.0), (120.0, 130.0)]
    found = find_fear_bouts(*session([], [*quiet, (230.0, 240.0)]), SHOCKS)
    assert found.baseline_bouts_per_min["freezing"] == pytest.approx(3 / (178 / 60), rel=0.01)
    assert found.bouts_per_min["freezing"] == pytest.approx(1 / 7, rel=0.01)
    assert found.baseline_bouts_per_min["escape"] == 0


def test_without_planted_bouts_there_are_hardly_any() -> None:
    """False bouts in twenty sessions without fear: fewer than one in ten minutes, as in the baseline."""
    found = [find_fear_bouts(*session([], [], seed), SHOCKS) for seed in range(20)]
    minutes = 20 * (MINUTES - 3)
    assert sum(len(one.bouts) for one in found) / minutes < 0.1
    afterwards = np.mean([sum(one.bouts_per_min.values()) for one in found])
    before = np.mean([sum(one.baseline_bouts_per_min.values()) for one in found])
    assert afterwards == pytest.approx(before, abs=0.1)


def test_dropped_frames_do_not_end_a_bout() -> None:
    movement, face, times = session([], [(230.0, 240.0)])
    kept = np.ones(len(times), bool)
    kept[np.searchsorted(times, 233.0) + np.arange(3)] = False
    found = find_fear_bouts(movement[kept], face[kept], times[kept], SHOCKS)
    np.testing.assert_allclose(spans(found.bouts, "freezing"), [(230, 240)], atol=0.3)


def test_a_drawn_face_that_stops_is_found_to_freeze() -> None:
    """From frames to bouts; only the face is filmed, and it is a small part of it that moves."""
    from moving_face import MovingFace

    rng = np.random.default_rng(0)
    movement = np.repeat(rng.uniform(0.0, 0.6, 150), 15)
    movement[rng.random(len(movement)) < 0.02] = 0
    movement[30 * 55 : 30 * 63] = 0.0
    energy = motion_energy(MovingFace(rng).frames(movement))
    trace = energy.energy["face"].to_numpy()
    shock = pd.DataFrame({"onset": [45.0], "duration": [1.0]})
    found = find_fear_bouts(trace, trace, energy.times_s, shock)
    np.testing.assert_allclose(spans(found.bouts, "freezing"), [(55, 63)], atol=0.4)


def test_wrong_input_is_told() -> None:
    movement, face, times = session([], [])
    with pytest.raises(ValueError, match="shocks are none"):
        find_fear_bouts(movement, face, times, SHOCKS.iloc[:0])
    with pytest.raises(ValueError, match="shocks lack duration"):
        find_fear_bouts(movement, face, times, SHOCKS[["onset"]])
    with pytest.raises(ValueError, match="each shock needs"):
        find_fear_bouts(movement, face, times, SHOCKS.assign(duration=np.nan))
    with pytest.raises(ValueError, match="one value per frame"):
        find_fear_bouts(movement[:-1], face, times, SHOCKS)
    with pytest.raises(ValueError, match="must rise"):
        find_fear_bouts(movement, face, times[::-1], SHOCKS)
    with pytest.raises(ValueError, match="only 8 s of usable video"):
        find_fear_bouts(movement, face, times, SHOCKS.assign(onset=[10.0, 20.0, 30.0]))
    with pytest.raises(ValueError, match="hardly varies"):
        find_fear_bouts(np.ones_like(face), face, times, SHOCKS)
    with pytest.raises(ValueError, match="1 verdicts for 18000 frames"):
        find_fear_bouts(movement, face, times, SHOCKS, valid=np.ones(1, bool))
    with pytest.raises(ValueError, match="only 0 s of usable"):
        find_fear_bouts(np.full_like(face, np.nan), face, times, SHOCKS)
