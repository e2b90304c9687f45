"""Simulated EMG: what goes in comes out of the paper's processing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import signal

from hardware.simulated import effects, emg

from .pipeline import trials_of

FS_HZ = 1200.0
DIRECTIONS = ("AngryToHappy", "HappyToAngry")
STEADY = dataclasses.replace(emg.quiet(), fluctuation_sd={"corrugator": 0.0, "zygomaticus": 0.0})


def schedule(n_trials: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Video onsets of a session: 2 to 3 s of fixation, 5 s of video, 1 s of feedback."""
    onsets_s = 2.0 + np.cumsum(rng.uniform(2, 3, n_trials)) + 6.0 * np.arange(n_trials)
    return onsets_s, float(np.ceil(onsets_s[-1] + 8))


def record(
    known: effects.MimicryEffects,
    conditions: emg.RecordingConditions,
    *,
    n_trials: int,
    rng: np.random.Generator,
    average_person: bool = True,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Record a person; returns muscle -> samples, onsets and the number of each trial's direction."""
    onsets_s, duration_s = schedule(n_trials, rng)
    ways = rng.permutation(n_trials) % 2
    deviations = {muscle: np.zeros(4) for muscle in effects.MUSCLES}
    if not average_person:
        deviations = effects.draw_deviations(known, rng)
    responses = {}
    for muscle in effects.MUSCLES:
        answers = [effects.personal_answer(known, deviations, muscle, way) for way in DIRECTIONS]
        responses[muscle] = [
            emg.Response(
                onset_s=onset_s,
                duration_s=5.0,
                level=answers[way].level,
                asymptote=answers[way].asymptote,
                log_rate=known.log_rate,
                latency_s=known.latency_s,
            )
            for onset_s, way in zip(onsets_s, ways, strict=True)
        ]
    samples = emg.simulate_emg(duration_s, fs_hz=FS_HZ, responses=responses, conditions=conditions, rng=rng)
    return samples, onsets_s, ways


def slopes(windows: np.ndarray) -> np.ndarray:
    return windows @ np.array([-2, -1, 0, 1, 2]) / 10


def recovered(
    known: effects.MimicryEffects,
    conditions: emg.RecordingConditions,
    *,
    n_sessions: int,
    seed: int,
    reject: bool,
) -> dict[tuple[str, str], tuple[float, float]]:
    """(muscle, direction) -> mean slope and its standard error over trials."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for _ in range(n_sessions):
        samples, onsets_s, ways = record(known, conditions, n_trials=96, rng=rng)
        for muscle in effects.MUSCLES:
            trials = trials_of(samples[muscle], onsets_s, FS_HZ)
            for number, way in enumerate(DIRECTIONS):
                chosen = (ways == number) & (trials.kept if reject else True)
                found.setdefault((muscle, way), []).append(slopes(trials.windows[chosen]))
    joined = {key: np.concatenate(parts) for key, parts in found.items()}
    return {key: (s.mean(), s.std(ddof=1) / np.sqrt(len(s))) for key, s in joined.items()}


def truth_of(known: effects.MimicryEffects) -> dict[tuple[str, str], float]:
    return {
        (row["muscle"], row["emotion"]): row["slope"] for row in effects.truth(known, DIRECTIONS)["windows"]
    }


@pytest.mark.parametrize("conditions", [STEADY, dataclasses.replace(STEADY, hum_uv=4.0, drift_uv=80.0)])
def test_slopes_of_the_truth_come_out_of_the_papers_processing(
    conditions: emg.RecordingConditions,
) -> None:
    known = effects.paper()
    found = recovered(known, conditions, n_sessions=4, seed=1, reject=False)
    for key, slope in truth_of(known).items():
        mean, error = found[key]
        assert error < 0.001, key
        assert abs(mean - slope) < 4 * error, key
    ratios = [found[key][0] / slope for key, slope in truth_of(known).items()]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.05)


def test_windows_of_the_truth_come_out_up_to_a_constant() -> None:
    known = effects.paper()
    rng = np.random.default_rng(2)
    parts = [record(known, STEADY, n_trials=96, rng=rng) for _ in range(3)]
    for row in effects.truth(known, DIRECTIONS)["windows"]:
        number = DIRECTIONS.index(row["emotion"])
        windows = np.concatenate(
            [trials_of(s[row["muscle"]], on, FS_HZ).windows[ways == number] for s, on, ways in parts]
        )
        difference = windows.mean(axis=0) - np.array(row["log_proportions"])
        error = windows.std(axis=0, ddof=1).mean() / np.sqrt(len(windows))
        assert np.ptp(difference) < 5 * error
        assert abs(difference.mean()) < 5 * error


def test_nothing_comes_out_of_none() -> None:
    found = recovered(effects.none(), STEADY, n_sessions=3, seed=3, reject=False)
    for mean, error in found.values():
        assert abs(mean) < 4 * error


def test_noise_of_the_amplifier_takes_less_than_a_percent_of_an_effect() -> None:
    conditions = emg.RecordingConditions()
    rng = np.random.default_rng(1)
    in_band = emg.muscle_noise(100_000, FS_HZ, band_hz=(20, 400), rng=rng).std()
    share = (400 - 20) / (FS_HZ / 2)
    for muscle in effects.MUSCLES:
        quietest_uv = conditions.tonic_uv[muscle] * np.exp(-2 * conditions.tonic_log_sd) * in_band
        attenuation = quietest_uv**2 / (quietest_uv**2 + share * conditions.noise_uv**2)
        assert attenuation > 0.99


def test_the_papers_rules_reject_about_fifteen_percent() -> None:
    rng = np.random.default_rng(4)
    kept = []
    for _ in range(8):
        samples, onsets_s, _ = record(
            effects.paper(), emg.RecordingConditions(), n_trials=96, rng=rng, average_person=False
        )
        kept += [trials_of(samples[muscle], onsets_s, FS_HZ).kept.mean() for muscle in effects.MUSCLES]
    assert 0.10 < 1 - np.mean(kept) < 0.20


@pytest.mark.slow
def test_slopes_survive_artefacts_and_the_papers_rejection_shrinks_them_a_little() -> None:
    known, conditions = effects.paper(), emg.RecordingConditions()
    everything = recovered(known, conditions, n_sessions=100, seed=5, reject=False)
    kept = recovered(known, conditions, n_sessions=100, seed=5, reject=True)
    truth = truth_of(known)
    for key, slope in truth.items():
        assert abs(everything[key][0] - slope) < 4 * everything[key][1], key
        assert abs(kept[key][0] - slope) < 0.12 * abs(slope) + 3 * kept[key][1], key
    size = sum(abs(slope) for slope in truth.values())
    assert sum(abs(mean) for mean, _ in everything.values()) / size == pytest.approx(1, abs=0.06)
    shrunk = sum(abs(kept[key][0]) for key in truth) / sum(abs(everything[key][0]) for key in truth)
    assert 0.85 < shrunk < 0.98


def test_muscle_noise_has_its_band_and_its_size() -> None:
    noise = emg.muscle_noise(240_000, FS_HZ, band_hz=(20, 400), rng=np.random.default_rng(1))
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(1, abs=0.01)
    frequencies, power = signal.welch(noise.astype(float), FS_HZ, nperseg=2400, detrend=False)
    inside = (frequencies > 25) & (frequencies < 395)
    outside = (frequencies < 15) | (frequencies > 405)
    assert power[outside].max() < 1e-3 * power[inside].min()
    assert 50 < frequencies[np.argmax(signal.savgol_filter(power, 31, 2))] < 130
    with pytest.raises(ValueError, match="does not fit below half of 500"):
        emg.muscle_noise(100, 500.0, band_hz=(20, 400), rng=np.random.default_rng(1))


@pytest.mark.parametrize("n_samples", [0, 1, 2, 63, 1201])
def test_any_length_can_be_made(n_samples: int) -> None:
    rng = np.random.default_rng(1)
    for band_hz in ((20.0, 400.0), (1.0, 15.0)):
        assert emg.muscle_noise(n_samples, FS_HZ, band_hz=band_hz, rng=rng).shape == (n_samples,)
    hum = emg.hum(n_samples, FS_HZ, amplitude_uv=4.0, mains_hz=50.0, phase=0.3)
    expected = 4 * np.sin(2 * np.pi * 50 * np.arange(n_samples) / FS_HZ + 0.3)
    np.testing.assert_allclose(hum, expected, atol=4 * 0.06)


def test_hum_and_drift_are_there_and_can_be_filtered_out() -> None:
    rng = np.random.default_rng(1)
    nothing = {"corrugator": []}
    samples = emg.simulate_emg(
        60, fs_hz=FS_HZ, responses=nothing, conditions=emg.RecordingConditions(), rng=rng
    )["corrugator"]
    frequencies, power = signal.welch(samples, FS_HZ, nperseg=4800)
    at = {hz: power[np.argmin(np.abs(frequencies - hz))] for hz in (50, 70, 150)}
    assert at[50] > 20 * at[70]
    assert at[150] < 5 * at[70]
    assert samples.std() > 20


def test_an_answer_grows_saturates_and_fades() -> None:
    response = emg.Response(
        onset_s=3.0, duration_s=5.0, level=0.1, asymptote=0.2, log_rate=0.0, latency_s=0.5
    )
    gain = emg.answer_gain(2000, 100.0, [response])
    assert (gain[:300] == 0).all()
    assert gain[330] == pytest.approx(0.1, abs=0.001)
    assert gain[799] == pytest.approx(0.1 + 0.2 * (1 - np.exp(-4.49)), abs=0.001)
    assert gain[950] < 0.03 * gain[799]
    assert gain[1200:].max() == 0
    assert emg.answer_gain(500, 100.0, [dataclasses.replace(response, onset_s=20.0)]).max() == 0
    early = emg.answer_gain(500, 100.0, [dataclasses.replace(response, onset_s=-2.0)])
    assert early[0] > 0.1


def test_slow_changes_have_their_size() -> None:
    course = emg.fluctuation(400_000, 200.0, sd=0.16, memory_s=2.0, rng=np.random.default_rng(1))
    assert course.std() == pytest.approx(0.16, rel=0.1)
    assert np.corrcoef(course[:-400], course[400:])[0, 1] == pytest.approx(np.exp(-1), abs=0.1)
    assert emg.fluctuation(0, 200.0, sd=1, memory_s=1, rng=np.random.default_rng(1)).size == 0


def test_the_same_seed_gives_the_same_signal() -> None:
    first, second = (
        record(effects.paper(), emg.RecordingConditions(), n_trials=3, rng=np.random.default_rng(9))[0]
        for _ in range(2)
    )
    for muscle in effects.MUSCLES:
        np.testing.assert_array_equal(first[muscle], second[muscle])
