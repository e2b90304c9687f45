"""Judgements on simulated faces with faults whose size is known."""

from __future__ import annotations

import numpy as np
import pytest

from hardware.recorders.expressions import judge_expressions
from hardware.recorders.judgements import (
    Judgement,
    hum_and_rest,
    in_words,
    judge_impedance,
    judge_missing,
    judge_muscle,
    worst,
)
from hardware.simulated.emg import RecordingConditions, simulate_rest

FS_HZ = 1200.0


def rest_uv(seed: int = 1, *, seconds: float = 5.0, fs_hz: float = FS_HZ) -> np.ndarray:
    parts = simulate_rest(
        seconds,
        fs_hz=fs_hz,
        muscles=["corrugator"],
        conditions=RecordingConditions(movements=None, hum_uv=0.0, episodes={"corrugator": ()}),
        rng=np.random.default_rng(seed),
    )
    return np.asarray(sum(parts["corrugator"]), dtype=float)


def judged(samples_uv: np.ndarray, *, mains_hz: float = 50.0, fs_hz: float = FS_HZ) -> dict[str, Judgement]:
    found = judge_muscle("corrugator", samples_uv, fs_hz=fs_hz, mains_hz=mains_hz)
    return {judgement.aspect: judgement for judgement in found}


@pytest.mark.parametrize("seed", range(20))
def test_a_face_at_rest_is_good_in_every_way(seed: int) -> None:
    found = judged(rest_uv(seed))
    assert {judgement.level for judgement in found.values()} == {"good"}
    assert not any(judgement.remedy for judgement in found.values())


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize(("hum_uv", "level"), [(4.0, "good"), (30.0, "doubtful"), (120.0, "bad")])
def test_mains_hum_is_measured_and_judged(mains_hz: float, hum_uv: float, level: str) -> None:
    samples = rest_uv()
    times_s = np.arange(len(samples)) / FS_HZ
    found = judged(samples + hum_uv * np.sin(2 * np.pi * mains_hz * times_s), mains_hz=mains_hz)["hum"]
    assert found.level == level
    measured_uv, _ = hum_and_rest(
        samples + hum_uv * np.sin(2 * np.pi * mains_hz * times_s), fs_hz=FS_HZ, mains_hz=mains_hz
    )
    assert measured_uv == pytest.approx(hum_uv / np.sqrt(2), rel=0.15)
    assert bool(found.remedy) == (level != "good")


def test_hum_of_the_other_continent_is_noise_and_not_hum() -> None:
    samples = rest_uv()
    hum = 120 * np.sin(2 * np.pi * 60 * np.arange(len(samples)) / FS_HZ)
    found = judged(samples + hum, mains_hz=50.0)
    assert found["hum"].level == "good"
    assert found["noise"].level == "bad"


def test_harmonics_count_as_hum() -> None:
    samples = rest_uv()
    times_s = np.arange(len(samples)) / FS_HZ
    third = 60 * np.sin(2 * np.pi * 150 * times_s)
    assert judged(samples + third)["hum"].level != "good"


def test_a_dead_channel_is_said_to_be_dead_and_nothing_else() -> None:
    found = judged(np.full(6000, 17.0))
    assert list(found) == ["flat"]
    assert found["flat"].level == "bad"
    assert "flat line" in found["flat"].message


def test_clipping() -> None:
    samples = 4 * rest_uv()
    samples -= samples.mean()
    assert judged(np.clip(samples, -20, 20))["clipping"].level == "bad"
    assert judged(np.round(samples * 8) / 8)["clipping"].level == "good"  # coarse steps are no clipping


@pytest.mark.parametrize(("factor", "level"), [(1, "good"), (5, "doubtful"), (12, "bad"), (0.02, "bad")])
def test_the_noise_floor(factor: float, level: str) -> None:
    samples = rest_uv()
    found = judged(factor * (samples - samples.mean()))["noise"]
    assert found.level == level
    assert ("touch" in found.remedy) == (factor < 1)


@pytest.mark.parametrize(("uv_per_s", "level"), [(20, "good"), (400, "doubtful"), (3000, "bad")])
def test_drift(uv_per_s: float, level: str) -> None:
    samples = rest_uv()
    found = judged(samples + uv_per_s * np.arange(len(samples)) / FS_HZ)["drift"]
    assert found.level == level
    assert found.value == pytest.approx(uv_per_s, abs=60)


@pytest.mark.parametrize(("missing", "level"), [(0, "good"), (5, "doubtful"), (240, "bad")])
def test_missing_samples(missing: int, level: str) -> None:
    times_s = np.delete(np.arange(6000) / FS_HZ, slice(3000, 3000 + missing))
    found = judge_missing("amp", times_s, fs_hz=FS_HZ)
    assert (found.level, found.value) == (level, missing)


def test_stamps_that_come_in_bursts_are_not_missing_samples() -> None:
    times_s = np.repeat(np.arange(150) / 40, 30)  # thirty samples with the time at which they arrived
    assert judge_missing("amp", times_s, fs_hz=FS_HZ).level == "good"


@pytest.mark.parametrize(("kohm", "level"), [(5, "good"), (20, "doubtful"), (80, "bad")])
def test_impedance(kohm: float, level: str) -> None:
    assert judge_impedance("corrugator", kohm).level == level


def test_two_seconds_are_needed() -> None:
    with pytest.raises(ValueError, match="two seconds"):
        judged(rest_uv()[:1000])


@pytest.mark.parametrize("fs_hz", [800.0, 1000.0, 2048.0, 4000.0])
def test_other_sampling_rates(fs_hz: float) -> None:
    samples = rest_uv(fs_hz=fs_hz)
    assert judged(samples, fs_hz=fs_hz)["hum"].level == "good"
    hum = 120 * np.sin(2 * np.pi * 50 * np.arange(len(samples)) / fs_hz)
    assert judged(samples + hum, fs_hz=fs_hz)["hum"].level == "bad"


def test_what_is_not_good_is_said_with_its_remedy() -> None:
    found = list(judged(np.full(6000, 17.0)).values())
    assert in_words(found).startswith("corrugator: a flat line: nothing is recorded. Plug the electrodes in")
    assert in_words([]) == "the signals of all muscles are good"
    assert worst(found) == "bad"


def test_a_third_muscle_that_rises_with_a_smile_is_not_in_the_way() -> None:
    rest = {"corrugator": 5.0, "zygomaticus": 4.0, "orbicularis": 4.0}
    smile = {"corrugator": 5.0, "zygomaticus": 40.0, "orbicularis": 30.0}
    frown = {"corrugator": 40.0, "zygomaticus": 4.0, "orbicularis": 10.0}
    assert judge_expressions(rest, {"smile": smile, "frown": frown}).right


def test_a_rig_with_one_muscle_is_asked_for_that_one() -> None:
    verdict = judge_expressions({"corrugator": 5.0}, {"frown": {"corrugator": 40.0}})
    assert verdict.right
    assert not judge_expressions({"corrugator": 5.0}, {"frown": {"corrugator": 5.0}}).right


@pytest.mark.parametrize(
    ("smile", "frown", "seen", "word"),
    [
        ((1.0, 9.0), (8.0, 1.1), ("right", "right"), "was seen on the zygomaticus"),
        ((9.0, 1.0), (1.1, 8.0), ("swapped", "swapped"), "SWAPPED"),
        ((1.0, 1.1), (1.2, 0.9), ("nothing", "nothing"), "on no channel"),
        ((8.0, 9.0), (8.0, 1.0), ("both", "right"), "on all channels"),
        ((1.0, 9.0), (1.0, 8.0), ("right", "swapped"), "on the wrong channel"),
        ((1.5, 9.0), (6.0, 1.4), ("right", "right"), "was seen on the corrugator"),
    ],
)
def test_smile_and_frown(
    smile: tuple[float, float], frown: tuple[float, float], seen: tuple[str, str], word: str
) -> None:
    rest = {"corrugator": 5.0, "zygomaticus": 4.0}
    asked = {
        name: {"corrugator": 5 * rises[0], "zygomaticus": 4 * rises[1]}
        for name, rises in (("smile", smile), ("frown", frown))
    }
    verdict = judge_expressions(rest, asked)
    assert tuple(verdict.seen.values()) == seen
    assert verdict.right == (seen == ("right", "right"))
    assert verdict.swapped == (seen == ("swapped", "swapped"))
    assert word in verdict.message
