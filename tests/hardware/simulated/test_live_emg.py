"""A face that is asked for piece by piece, and the twin of an LSL amplifier around it."""

from __future__ import annotations

import numpy as np
import pytest

from hardware.recorders.judgements import activity
from hardware.simulated.effects import paper, unit_curve
from hardware.simulated.emg import Response, answer_gain, quiet
from hardware.simulated.live_emg import PAGE_S, LiveEmg
from hardware.simulated.lsl_amplifier import Faults, StatusLine, strengthened

pytestmark = pytest.mark.real_time

FS_HZ = 1200.0


def face(seed: int = 1) -> LiveEmg:
    return LiveEmg(fs_hz=FS_HZ, conditions=quiet(), rng=np.random.default_rng(seed))


def given(live: LiveEmg, seconds: float, muscle: str, piece: int = 60) -> np.ndarray:
    return np.concatenate([live.next(piece)[muscle] for _ in range(round(seconds * FS_HZ / piece))])


def rms(samples: np.ndarray) -> float:
    return activity(samples, fs_hz=FS_HZ, mains_hz=50.0)


def test_pieces_of_any_length_are_one_signal() -> None:
    whole = given(face(), 4, "corrugator", piece=2400)
    pieces = given(face(), 4, "corrugator", piece=48)
    np.testing.assert_allclose(pieces, whole, rtol=1e-6)


def test_pages_go_into_each_other_without_a_step() -> None:
    live = face()
    samples = given(live, 2.2 * PAGE_S, "zygomaticus")
    seconds = samples[: len(samples) // 1200 * 1200].reshape(-1, 1200).std(axis=1)
    around = seconds[int(PAGE_S) - 3 : int(PAGE_S) + 2]
    assert around.min() > 0.5 * np.median(seconds)
    assert around.max() < 2.0 * np.median(seconds)


def test_an_answer_has_the_size_that_was_asked() -> None:
    live = face()
    rest = rms(given(live, 4, "zygomaticus"))
    response = Response(
        onset_s=live.time_s, duration_s=10.0, level=0.0, asymptote=1.0, log_rate=2.0, latency_s=0.0
    )
    live.answer("zygomaticus", response)
    given(live, 2, "zygomaticus")
    risen = rms(given(live, 6, "zygomaticus"))
    reached = float(unit_curve([5.0], log_rate=2.0, latency_s=0.0)[0])
    assert np.log(risen / rest) == pytest.approx(reached, abs=0.35)


def test_smiles_last_until_something_else_is_asked() -> None:
    live = face()
    rest = rms(given(live, 4, "zygomaticus"))
    live.express("smile", live.time_s)
    given(live, 2, "zygomaticus")
    assert rms(given(live, 6, "zygomaticus")) > 4 * rest
    live.express("rest", live.time_s)
    given(live, 6, "zygomaticus")
    assert rms(given(live, 4, "zygomaticus")) < 2 * rest


def test_an_answer_that_is_over_changes_nothing() -> None:
    past = Response(onset_s=-100.0, duration_s=5.0, level=1.0, asymptote=1.0, log_rate=0.0, latency_s=0.0)
    np.testing.assert_array_equal(answer_gain(240, FS_HZ, [past]), np.zeros(240))


def test_pulses_keep_their_samples_over_pieces() -> None:
    line = StatusLine(fs_hz=FS_HZ)
    line.heard(58, 11)
    line.heard(140, 21)
    line.heard(144, 21)  # the same code again is a pulse of its own
    status = np.concatenate([line.next(60 * piece, 60) for piece in range(4)])
    begins = np.flatnonzero((np.diff(status) != 0) & (status[1:] != 0)) + 1
    assert begins.tolist() == [58, 140, 144]
    assert status[begins].tolist() == [11, 21, 21]
    assert (status[58:68] == 11).all()
    assert status[68] == 0


def test_codes_that_come_too_late_are_counted_and_not_lost() -> None:
    line = StatusLine(fs_hz=FS_HZ)
    line.next(0, 600)
    line.heard(500, 7)
    assert line.next(600, 60)[0] == 7
    assert (line.n_heard, line.n_late) == (1, 1)


def test_faults_are_where_they_were_planted() -> None:
    channels = {"corrugator": np.ones(100, np.float32), "zygomaticus": np.full(100, 2, np.float32)}
    swapped = Faults(swapped=True).plant(channels, 0.0, FS_HZ)
    assert (swapped["corrugator"][0], swapped["zygomaticus"][0]) == (2, 1)
    assert Faults(flat=("corrugator",)).plant(channels, 0.0, FS_HZ)["corrugator"].max() == 0


def test_mimicry_can_be_strengthened_or_taken_away() -> None:
    assert strengthened(paper(), 10).slopes["corrugator"]["Happy"] == pytest.approx(-0.275)
    assert strengthened(paper(), 0).slopes["zygomaticus"] == {"Happy": 0.0, "Angry": 0.0}
