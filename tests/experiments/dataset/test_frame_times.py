"""Frames on the session's clock: lost frames are found, clocks are joined, and doubts are said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.dataset.frame_table import (
    FRAME_COLUMNS,
    FRAME_STATUSES,
    count_losses,
    find_dropped,
    read_frame_table,
    shown_frames,
)
from experiments.dataset.frame_times import align_host, align_lamp, align_pulses
from experiments.dataset.lamp import lamp_brightness, lamp_onsets
from hardware.cameras.frame_log import COLUMNS, FrameLog, FrameRow

START_S = 5000.0
"""What the computer's clock shows when the session begins."""


@dataclass(frozen=True, eq=False)
class Filmed:
    table: pd.DataFrame
    exposures_s: np.ndarray
    """Of all frames that the camera took, on the session's clock."""
    kept: np.ndarray
    """Which of them came."""

    @property
    def true_s(self) -> np.ndarray:
        """Of the frames in the video."""
        return self.exposures_s[self.kept][(self.table["status"] == "ok").to_numpy()]


def film(
    n: int = 3000,
    *,
    fps: float = 30.0,
    lost: int = 0,
    delay_s: float = 0.008,
    jitter_s: float = 0.002,
    ppm: float = 35.0,
    ids: bool = True,
    clock: bool = True,
    exposures_s: np.ndarray | None = None,
    seed: int = 1,
) -> Filmed:
    rng = np.random.default_rng(seed)
    exposures_s = 2.0 + np.arange(n) / fps if exposures_s is None else exposures_s
    n = len(exposures_s)
    kept = np.ones(n, bool)
    kept[rng.choice(np.arange(1, n - 1), lost, replace=False)] = False
    host_s = START_S + np.maximum.accumulate(exposures_s + delay_s + rng.exponential(jitter_s, n))
    table = pd.DataFrame(
        {
            "index": np.nan,
            "device_id": 17.0 + np.arange(n) if ids else np.nan,
            "device_s": 900 + exposures_s * (1 + ppm * 1e-6) if clock else np.nan,
            "host_s": host_s,
            "queue_depth": 0.0,
            "status": "ok",
        }
    )[kept].reset_index(drop=True)
    table["index"] = np.arange(len(table), dtype=float)
    return Filmed(table, exposures_s, kept)


def error_of(filmed: Filmed, times_s: np.ndarray) -> float:
    return float(np.abs(times_s - filmed.true_s).max())


# -- the table --------------------------------------------------------------------------------------------


def test_what_the_recorder_writes_is_what_is_read(tmp_path: Path) -> None:
    assert tuple(COLUMNS) == FRAME_COLUMNS
    log = FrameLog(tmp_path / "frames.tsv")
    log.add(FrameRow(0, 17, None, 12.5, 1, "ok"))
    log.add(FrameRow(None, 18, None, 12.6, 0, "queue_full"))
    log.add(FrameRow(1, 19, None, 12.7, 0, "ok"))
    log.close()
    whole = (tmp_path / "frames.tsv").read_bytes()
    table = read_frame_table(tmp_path / "frames.tsv")
    assert table["device_id"].tolist() == [17, 18, 19]
    assert shown_frames(table)["device_id"].tolist() == [17, 19]
    assert table["device_s"].isna().all()
    (tmp_path / "frames.tsv").write_bytes(whole + b"2\t20\tn/a\t12.")
    pd.testing.assert_frame_equal(read_frame_table(tmp_path / "frames.tsv"), table)


def test_damaged_tables_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "frames.tsv"
    head = "\t".join(FRAME_COLUMNS) + "\n"
    with pytest.raises(FileNotFoundError, match="with a camera"):
        read_frame_table(path)
    for content, words in (
        ("", "needs the columns"),
        ("frame\ttime\n", "found frame, time"),
        (head + "0\t1\t2\n", "line 2 .* has not 6 entries"),
        (head + "0\t1\tx\t2\t0\tok\n", "only n/a and numbers"),
        (head + "0\t1\tn/a\t2\t0\tok\n2\t2\tn/a\t2\t0\tok\n", "do not go up by one"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=words):
            read_frame_table(path)


# -- lost frames ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known", [{"clock": False}, {"ids": False}, {"ids": False, "clock": False}], ids=["ids", "times", "host"]
)
def test_all_lost_frames_of_half_an_hour_are_found_where_they_are(known: dict[str, bool]) -> None:
    filmed = film(54_000, lost=60, **known)  # type: ignore[arg-type]
    gaps = find_dropped(filmed.table)
    assert gaps["n_frames"].sum() == 60
    rows = np.flatnonzero(np.diff(np.flatnonzero(filmed.kept)) > 1)
    assert gaps["after_row"].tolist() == rows.tolist()
    expected = (
        "ids" if known.get("ids", True) else "device times" if known.get("clock", True) else "host times"
    )
    assert set(gaps["found_by"]) == {expected}


def test_late_frames_are_not_lost_ones() -> None:
    filmed = film(3000, ids=False, clock=False, jitter_s=0.0001)
    host_s = filmed.table["host_s"].to_numpy().copy()
    host_s[1000:1010] = host_s[1010]  # the computer slept for a third of a second; then all came at once
    filmed.table["host_s"] = host_s
    assert len(find_dropped(filmed.table)) == 0


def test_losses_are_counted_by_reason() -> None:
    filmed = film(100, lost=3)
    filmed.table.loc[[10, 20], "status"] = "incomplete"
    filmed.table.loc[30, "status"] = "queue_full"
    assert count_losses(filmed.table) == {
        "incomplete": 2,
        "queue_full": 1,
        "not_written": 0,
        "never_came": 3,
    }
    assert set(FRAME_STATUSES) == {"ok", "incomplete", "queue_full", "not_written"}


def test_damaged_frames_without_id_and_time_hide_no_clock() -> None:
    filmed = film(500, lost=5)
    damaged = [0, 100, 101, 300, 494]
    filmed.table.loc[damaged, ["device_id", "device_s"]] = np.nan
    filmed.table.loc[damaged, "status"] = "incomplete"
    assert find_dropped(filmed.table)["n_frames"].sum() == 5
    times = align_pulses(filmed.table, filmed.exposures_s, session_start_s=START_S)
    assert error_of(filmed, times.times_s) < 1e-9
    assert times.ppm == pytest.approx(-35, abs=0.1)


def test_a_camera_that_started_anew_is_refused() -> None:
    filmed = film(100)
    filmed.table.loc[50:, "device_id"] -= 60
    with pytest.raises(ValueError, match="ids do not increase after row 49"):
        find_dropped(filmed.table)


def test_one_frame_and_no_clock_at_all() -> None:
    assert len(find_dropped(film(3).table.iloc[:1])) == 0
    dead_clock = film(100, ids=False)
    dead_clock.table["device_s"] = 0.0  # the emulator of pylon says 0 always
    assert len(find_dropped(dead_clock.table)) == 0


# -- pulses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [30.0, 100.0])
@pytest.mark.parametrize("known", [{}, {"clock": False}, {"ids": False}], ids=["all", "ids", "times"])
def test_frames_lie_on_their_pulses_though_frames_and_pulses_were_lost(
    fps: float, known: dict[str, bool]
) -> None:
    filmed = film(5000, fps=fps, lost=40, delay_s=0.006, **known)  # type: ignore[arg-type]
    pulses_s = np.delete(filmed.exposures_s, [100, 2000, 2001, 4999])
    times = align_pulses(filmed.table, pulses_s, session_start_s=START_S)
    assert error_of(filmed, times.times_s) < (0.2 / fps if known.get("clock") is False else 1e-6)
    assert times.residual_frames < 0.5
    assert any("never came" in words for words in times.warnings)
    if not known:
        assert times.ppm == pytest.approx(-35, abs=0.1)


def test_exposures_before_and_after_the_recording_do_not_shift_the_frames() -> None:
    filmed = film(2000, fps=30)
    before, after = filmed.exposures_s[0] - np.arange(57, 0, -1) / 30, filmed.exposures_s[-1] + [1 / 30]
    pulses_s = np.concatenate([before, filmed.exposures_s, after])
    times = align_pulses(filmed.table, pulses_s, session_start_s=START_S)
    assert error_of(filmed, times.times_s) < 1e-9
    assert times.n_unmatched == 0
    assert "needs more than a frame" in times.warnings[0], "an even train is known by its delay alone"


def test_a_bouncing_edge_is_one_pulse() -> None:
    filmed = film(2000)
    pulses_s = np.sort(np.concatenate([filmed.exposures_s, filmed.exposures_s[[5, 900]] + 2e-4]))
    times = align_pulses(filmed.table, pulses_s, session_start_s=START_S)
    assert error_of(filmed, times.times_s) < 1e-9


def test_an_uneven_train_needs_no_guess_about_the_delay() -> None:
    rng = np.random.default_rng(5)
    exposures_s = 2 + np.cumsum(rng.uniform(1 / 33, 1 / 27, 2000))
    filmed = film(exposures_s=exposures_s, delay_s=0.045)
    pulses_s = exposures_s[3:]
    times = align_pulses(filmed.table, pulses_s, session_start_s=START_S)
    assert error_of(filmed, times.times_s) < 1e-4
    assert times.n_unmatched == 3
    assert not any("longer" in words for words in times.warnings)


def test_pulses_of_the_trigger_count_though_they_come_irregularly() -> None:
    rng = np.random.default_rng(6)
    exposures_s = np.cumsum(rng.uniform(0.02, 1.5, 400))
    filmed = film(exposures_s=exposures_s, lost=10)
    times = align_pulses(filmed.table, exposures_s, session_start_s=START_S)
    assert error_of(filmed, times.times_s) < 1e-9


def test_a_clock_that_jumped_is_refused_unless_asked_for() -> None:
    filmed = film(2000)
    filmed.table.loc[1000:, "device_s"] += 0.5
    with pytest.raises(ValueError, match=r"do not agree.*at most 1 is accepted"):
        align_pulses(filmed.table, filmed.exposures_s, session_start_s=START_S)
    times = align_pulses(filmed.table, filmed.exposures_s, session_start_s=START_S, override=True)
    assert "as was asked" in times.warnings[-1]
    assert times.residual_frames > 1


def test_pulses_of_another_session_are_refused() -> None:
    filmed = film(500)
    for pulses_s, words in (
        (filmed.exposures_s[:400] + 100, "do not belong together"),
        (np.array([]), "no frame pulse"),
        (filmed.exposures_s[::-1], "do not increase"),
    ):
        with pytest.raises(ValueError, match=words):
            align_pulses(filmed.table, pulses_s, session_start_s=START_S)
    nothing = filmed.table.assign(status="incomplete")
    with pytest.raises(ValueError, match="nothing to place"):
        align_pulses(nothing, filmed.exposures_s, session_start_s=START_S)


# -- lamp -------------------------------------------------------------------------------------------------


def lit(
    filmed: Filmed, flashes_s: np.ndarray, lasting_s: float = 0.3, *, exposure_s: float = 1 / 30
) -> np.ndarray:
    times_s = filmed.true_s
    share = np.zeros(len(times_s))
    for flash_s in flashes_s:
        begun = np.clip((times_s + exposure_s - flash_s) / exposure_s, 0, 1)
        ended = np.clip((times_s + exposure_s - flash_s - lasting_s) / exposure_s, 0, 1)
        share += begun - ended
    return 20 + 180 * share + np.random.default_rng(1).normal(0, 1, len(share))


@pytest.mark.parametrize(("exposure_s", "most_frames"), [(1 / 30, 0.1), (0.001, 0.5)], ids=["long", "short"])
def test_a_lamp_places_frames_within_half_of_one(exposure_s: float, most_frames: float) -> None:
    filmed = film(3000, lost=30, delay_s=0.09)
    flashes_s = np.sort(np.random.default_rng(7).uniform(3, 101, 30))
    brightness = lit(filmed, flashes_s, exposure_s=exposure_s)
    times = align_lamp(filmed.table, brightness, flashes_s, session_start_s=START_S)
    assert times.n_matched >= 25
    assert error_of(filmed, times.times_s) < most_frames / 30
    assert times.residual_frames < 1


def test_flashes_that_were_not_seen_or_not_sent_do_not_disturb() -> None:
    filmed = film(3000)
    flashes_s = np.array([3.01, 3.72, 4.13, 20.02, 37.32, 61.01, 90.02])
    brightness = lit(filmed, np.append(np.delete(flashes_s, 3), 70.0))
    times = align_lamp(filmed.table, brightness, flashes_s, session_start_s=START_S)
    assert (times.n_matched, times.n_unmatched) == (6, 2)
    assert error_of(filmed, times.times_s) < 0.005


def test_a_region_without_a_lamp_is_refused() -> None:
    filmed = film(300)
    with pytest.raises(ValueError, match="no lamp is seen"):
        align_lamp(filmed.table, np.full(300, 40.0), np.array([3.0, 4.0]), session_start_s=START_S)
    with pytest.raises(ValueError, match="were looked at"):
        align_lamp(filmed.table, np.full(299, 40.0), np.array([3.0, 4.0]), session_start_s=START_S)
    with pytest.raises(ValueError, match="at least 3 are needed"):
        align_lamp(filmed.table, lit(filmed, np.array([5.0])), np.array([5.0]), session_start_s=START_S)


def test_the_lamp_is_measured_in_its_region() -> None:
    frames = np.zeros((3, 10, 12), np.uint8)
    frames[1, 2:4, 5:8] = 90
    np.testing.assert_array_equal(lamp_brightness(frames, (5, 2, 3, 2)), [0, 90, 0])
    with pytest.raises(ValueError, match="reaches beyond"):
        lamp_brightness(frames, (10, 2, 3, 2))
    assert lamp_onsets(np.array([100, 100, 0, 100.0]), np.arange(4.0)).tolist() == [2.5]


# -- arrivals ---------------------------------------------------------------------------------------------


def test_with_nothing_wired_times_are_late_by_the_constant_delay_only() -> None:
    filmed = film(5000, lost=20, delay_s=0.012)
    times = align_host(filmed.table, session_start_s=START_S)
    assert np.abs(times.times_s - filmed.true_s - 0.012).max() < 1e-3
    assert times.residual_s == pytest.approx(0.006, abs=0.001)
    assert "constant delay" in times.warnings[0]


def test_without_any_clock_of_the_camera_arrivals_are_the_times() -> None:
    filmed = film(500, ids=False, clock=False)
    times = align_host(filmed.table, session_start_s=START_S)
    np.testing.assert_allclose(times.times_s, filmed.table["host_s"] - START_S, atol=1e-6)
    assert (np.diff(times.times_s) > 0).all()
    assert np.isnan(times.ppm)
    one = align_host(filmed.table.iloc[:1], session_start_s=START_S)
    assert len(one.times_s) == 1


def test_a_busy_computer_is_refused_where_only_arrivals_are_known() -> None:
    filmed = film(3000, jitter_s=0.05)
    with pytest.raises(ValueError, match="at most 1 is accepted"):
        align_host(filmed.table, session_start_s=START_S)
    assert align_pulses(filmed.table, filmed.exposures_s, session_start_s=START_S).residual_s < 1e-6
