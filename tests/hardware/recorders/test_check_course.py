"""The check before a session, on simulated faces with planted faults."""

from __future__ import annotations

import numpy as np
import pytest

from hardware.recorders.check_course import SignalCheck
from hardware.recorders.lsl_streams import SignalStream, StreamChannel
from hardware.simulated.emg import RecordingConditions
from hardware.simulated.live_emg import EXPRESSIONS, LiveEmg
from hardware.simulated.lsl_amplifier import Faults

pytestmark = pytest.mark.real_time

FS_HZ = 1200.0
STREAM = SignalStream(
    name="amp",
    source_id="x",
    host="here",
    fs_hz=FS_HZ,
    channels=(
        StreamChannel(label="corrugator", unit="uV"),
        StreamChannel(label="zygomaticus", unit="uV", impedance_kohm=6.0),
    ),
    muscles={"corrugator": 0, "zygomaticus": 1},
    to_microvolts={"corrugator": 1.0, "zygomaticus": 1.0},
    status=None,
)


def run_check(*, seed: int = 1, faults: Faults | None = None, obeys: bool = True) -> SignalCheck:
    """Run a check on a person who does what is asked, in pieces of 50 ms."""
    face = LiveEmg(fs_hz=FS_HZ, conditions=RecordingConditions(), rng=np.random.default_rng(seed))
    check = SignalCheck(STREAM, mains_hz=50.0)
    asked, planted = "rest", faults or Faults()
    for piece in range(480):
        if piece == 100:
            check.begin()
        now = check.phase.asked if check.phase else "rest"
        if now != asked and obeys:
            assert now in EXPRESSIONS
            face.express(now, face.time_s)
        asked = now
        start_s = face.time_s
        channels = planted.plant(face.next(60), start_s, FS_HZ)
        times_s = 500.0 + start_s + np.arange(60) / FS_HZ
        kept = np.ones(60, dtype=bool)
        for first_s, length_s in planted.gaps:
            kept &= ~((times_s - 500 >= first_s) & (times_s - 500 < first_s + length_s))
        values = np.column_stack([channels["corrugator"], channels["zygomaticus"]])
        check.feed(times_s[kept], values[kept])
    assert check.phase is None
    return check


@pytest.mark.parametrize("seed", range(6))
def test_a_good_laboratory_passes(seed: int) -> None:
    check = run_check(seed=seed)
    assert check.fit, check.message()
    assert check.verdict is not None
    assert check.verdict.rises["smile"]["zygomaticus"] > 4
    assert check.verdict.rises["frown"]["corrugator"] > 3


@pytest.mark.parametrize("seed", range(6))
def test_swapped_cables_are_said(seed: int) -> None:
    check = run_check(seed=seed, faults=Faults(swapped=True))
    assert check.verdict is not None
    assert check.verdict.swapped
    assert not check.fit
    assert "SWAPPED" in check.message()


def test_a_person_who_does_nothing_is_said() -> None:
    check = run_check(obeys=False)
    assert check.verdict is not None
    assert dict(check.verdict.seen) == {"smile": "nothing", "frown": "nothing"}
    assert not check.fit
    assert "stronger" in check.message()


def test_a_muscle_without_electrodes_is_said_and_not_called_swapped() -> None:
    check = run_check(faults=Faults(flat=("zygomaticus",)))
    assert check.verdict is not None
    assert not check.verdict.swapped
    assert check.verdict.seen["smile"] == "nothing"
    assert check.verdict.seen["frown"] == "right"
    flat = [found for found in check.judgements() if found.aspect == "flat" and found.level == "bad"]
    assert [found.muscle for found in flat] == ["zygomaticus"]
    assert "flat line" in check.message()


def test_hum_on_one_muscle_is_said_of_that_muscle() -> None:
    check = run_check(faults=Faults(hum=("corrugator",)))
    bad = {(found.muscle, found.aspect) for found in check.judgements() if found.level == "bad"}
    assert bad == {("corrugator", "hum")}
    assert check.verdict is not None
    assert check.verdict.right  # hum does not hide what the muscles do


def test_missing_samples_are_said() -> None:
    check = run_check(faults=Faults(gaps=((8.0, 0.2),)))
    found = next(judgement for judgement in check.judgements() if judgement.aspect == "missing")
    assert found.level == "bad"
    assert found.value == pytest.approx(240, abs=1)


def test_the_view_holds_ten_seconds_and_no_drift() -> None:
    check = run_check()
    seconds, shown = check.view()
    assert seconds[-1] == 0
    assert -10.2 < seconds[0] < -9.9
    assert abs(float(np.mean(shown["corrugator"]))) < 0.5


def test_before_any_sample_nothing_is_judged() -> None:
    check = SignalCheck(STREAM, mains_hz=50.0)
    assert check.judgements() == []
    assert not check.fit
    assert check.message() == "too little signal was seen to judge it"
    assert check.view()[0].size == 0
    check.feed(np.empty(0), np.empty((0, 2)))
    assert check.remaining_s == 0


def test_a_single_muscle_is_only_asked_for_what_it_shows() -> None:
    import dataclasses

    stream = dataclasses.replace(STREAM, muscles={"corrugator": 0}, to_microvolts={"corrugator": 1.0})
    check, asked = SignalCheck(stream, mains_hz=50.0), []
    noise = np.random.default_rng(1).normal(size=(36000, 2)) * 5
    for piece in range(600):
        rows = slice(60 * piece, 60 * piece + 60)
        check.feed(np.arange(36000)[rows] / FS_HZ, noise[rows])
        if piece == 10:
            check.begin()
        if check.phase is not None:
            asked.append(check.phase.asked)
    assert set(asked) == {"rest", "frown"}
    assert check.verdict is not None
    assert dict(check.verdict.seen) == {"frown": "nothing"}


def test_units_of_the_stream_are_converted() -> None:
    import dataclasses

    stream = dataclasses.replace(STREAM, to_microvolts={"corrugator": 1e6, "zygomaticus": 1e3})
    check = SignalCheck(stream, mains_hz=50.0)
    noise = np.random.default_rng(1).normal(size=(3600, 2)) * [5e-6, 5e-3]
    check.feed(np.arange(3600) / FS_HZ, noise)
    noise_uv = {found.muscle: found.value for found in check.judgements() if found.aspect == "noise"}
    assert noise_uv == pytest.approx({"corrugator": 4.0, "zygomaticus": 4.0}, rel=0.1)


def test_the_test_can_be_repeated() -> None:
    check = run_check(obeys=False)
    check.begin()
    assert check.verdict is None
    assert check.phase is not None
    assert check.remaining_s == pytest.approx(6.0, abs=0.1)
