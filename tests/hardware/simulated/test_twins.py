"""The twins of participant and amplifier, and whole studies as tables."""

from __future__ import annotations

import time
from pathlib import Path

import mne
import numpy as np
import pytest

from hardware.simulated import effects, emg
from hardware.simulated.amplifier import SimulatedAmplifier
from hardware.simulated.participant import ResponseHabits, SimulatedParticipant
from hardware.simulated.windows import simulate_response_times, simulate_windows

from .pipeline import trials_of


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def person(seed: int = 1, **options: object) -> SimulatedParticipant:
    return SimulatedParticipant(effects=effects.paper(), rng=np.random.default_rng(seed), **options)


def presses_of(participant: SimulatedParticipant, n_videos: int) -> list[list[tuple[str, float]]]:
    return [
        [
            (press.key, press.time_s)
            for press in participant.watch(
                face=f"id{n % 12}",
                direction=("AngryToHappy", "HappyToAngry")[n % 2],
                onset_s=10.0 * n,
                duration_s=5.0,
            )
        ]
        for n in range(n_videos)
    ]


# -- participant ------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_person() -> None:
    assert presses_of(person(3), 50) == presses_of(person(3), 50)
    assert presses_of(person(3), 50) != presses_of(person(4), 50)
    assert (person(3).age, person(3).sex) == (person(3).age, person(3).sex)


def test_presses_do_not_depend_on_the_effects_on_the_face() -> None:
    other = SimulatedParticipant(effects=effects.none(), rng=np.random.default_rng(3))
    assert presses_of(person(3), 50) == presses_of(other, 50)


def test_all_four_kinds_of_answers_occur_as_often_as_they_should() -> None:
    habits = ResponseHabits(no_press=0.1, wrong_key=0.1, double_press=0.1)
    all_presses = presses_of(person(1, habits=habits, response_key="num_8", wrong_key="left"), 4000)
    kinds = ["+".join(key for key, _ in presses) for presses in all_presses]
    shares = {kind: kinds.count(kind) / 4000 for kind in set(kinds)}
    assert shares == {
        "": pytest.approx(0.1, abs=0.02),
        "left": pytest.approx(0.1, abs=0.02),
        "num_8+num_8": pytest.approx(0.1, abs=0.02),
        "num_8": pytest.approx(0.7, abs=0.03),
    }
    assert all(0 < time_s < 5 for presses in all_presses for _, time_s in presses)
    assert all(first[1] < second[1] for first, second in (p for p in all_presses if len(p) == 2))


def test_response_times_are_known() -> None:
    table = simulate_response_times(effects.paper(), n_participants=80, rng=np.random.default_rng(1))
    people = table.groupby("participant")["response_time"]
    assert people.mean().mean() == pytest.approx(2.6, abs=0.1)
    assert people.mean().std() == pytest.approx(0.25, abs=0.06)
    assert people.std().between(0.2, 0.65).all()
    assert 0.005 < (table["response_count"] == 0).mean() < 0.03
    by_direction = table.groupby("emotion")["response_time"].mean()
    assert abs(by_direction["AngryToHappy"] - by_direction["HappyToAngry"]) < 0.05
    assert table.groupby("participant").size().eq(96).all()


# -- amplifier --------------------------------------------------------------------------------------------


def test_mne_reads_codes_at_the_time_at_which_they_were_sent(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "amplifier.bdf"
    amplifier = SimulatedAmplifier(
        path, fs_hz=1200, now=clock, participant=person(), rng=np.random.default_rng(1), clock_ppm=0
    )
    amplifier.start()
    sent = {2.0: 210, 2.5: 1, 5.0: 11, 5.001: 21, 7.25: 255}
    for time_s, code in sent.items():
        clock.s = 100.0 + time_s
        amplifier.send(code)
        amplifier.reset()
    clock.s = 109.3
    assert amplifier.stop() == path
    amplifier.close()
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error")
    assert raw.ch_names == ["corrugator", "zygomaticus", "Status"]
    assert raw.n_times == 10 * 1200
    found = mne.find_events(raw, stim_channel="Status", shortest_event=1, verbose="error")
    assert found[:, 2].tolist() == list(sent.values())
    np.testing.assert_allclose(found[:, 0] / 1200, list(sent), atol=1.01 / 1200)
    status = raw.get_data("Status")[0]
    assert (status[found[0, 0] :][:10] == 210).all()
    assert status[found[0, 0] + 10] == 0


def test_codes_at_the_same_moment_come_one_after_the_other(tmp_path: Path) -> None:
    clock = Clock()
    amplifier = SimulatedAmplifier(
        tmp_path / "a.bdf", fs_hz=1200, now=clock, participant=person(), rng=np.random.default_rng(1)
    )
    amplifier.start()
    clock.s += 1
    for code in (21, 21, 31):
        amplifier.send(code)
    clock.s += 1
    amplifier.stop()
    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", preload=True, verbose="error")
    status = raw.get_data("Status")[0].astype(int)
    begins = np.flatnonzero((np.diff(status) != 0) & (status[1:] != 0)) + 1
    assert status[begins].tolist()[-1] == 31
    assert len(begins) >= 2


def test_the_recording_contains_what_the_participant_saw(tmp_path: Path) -> None:
    strong = effects.MimicryEffects(
        slopes={
            "corrugator": {"Happy": -0.1, "Angry": 0.1},
            "zygomaticus": {"Happy": 0.1, "Angry": -0.1},
        }
    )
    viewer = SimulatedParticipant(effects=strong, rng=np.random.default_rng(2))
    clock, path = Clock(), tmp_path / "a.bdf"
    amplifier = SimulatedAmplifier(
        path,
        fs_hz=1200,
        now=clock,
        participant=viewer,
        rng=np.random.default_rng(2),
        conditions=emg.quiet(),
    )
    clock.s += 50
    amplifier.start()
    onsets_s = 3.0 + 9.0 * np.arange(24)
    for number, onset_s in enumerate(onsets_s):
        way = ("AngryToHappy", "HappyToAngry")[number % 2]
        viewer.watch(face=f"id{number % 6}", direction=way, onset_s=150.0 + onset_s, duration_s=5.0)
    clock.s = 150 + 222
    amplifier.stop()
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error")
    for muscle, sign in (("corrugator", -1), ("zygomaticus", 1)):
        windows = trials_of(raw.get_data(muscle)[0] * 1e6, onsets_s, 1200.0).windows
        difference = windows[::2].mean(axis=0) - windows[1::2].mean(axis=0)
        assert sign * (difference[4] - difference[0]) > 0.3, muscle


def test_a_session_is_recorded_in_a_fraction_of_two_seconds(tmp_path: Path) -> None:
    clock, viewer = Clock(), person()
    amplifier = SimulatedAmplifier(
        tmp_path / "a.bdf", fs_hz=1200, now=clock, participant=viewer, rng=np.random.default_rng(1)
    )
    amplifier.start()
    for number in range(96):
        viewer.watch(face="id01", direction="AngryToHappy", onset_s=105 + 8.5 * number, duration_s=5.0)
    clock.s += 816
    start_s = time.process_time()
    amplifier.stop()
    assert time.process_time() - start_s < 1.5


def test_a_recording_never_overwrites_another(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    path.write_bytes(b"precious")
    amplifier = SimulatedAmplifier(
        path, fs_hz=1200, now=Clock(), participant=person(), rng=np.random.default_rng(1)
    )
    with pytest.raises(FileExistsError, match="never overwrites"):
        amplifier.start()
    assert amplifier.stop() is None
    assert path.read_bytes() == b"precious"


def test_what_no_amplifier_does_is_refused(tmp_path: Path) -> None:
    for fs_hz in (0, -1, 1200.5):
        with pytest.raises(ValueError, match="whole number of times"):
            SimulatedAmplifier(
                tmp_path / "a.bdf",
                fs_hz=fs_hz,  # type: ignore[arg-type]
                now=Clock(),
                participant=person(),
                rng=np.random.default_rng(1),
            )


# -- tables -----------------------------------------------------------------------------------------------


def test_a_table_has_the_shape_of_the_analysis() -> None:
    table = simulate_windows(
        effects.paper(), n_participants=7, groups=("A", "B"), rejected=0.2, rng=np.random.default_rng(1)
    )
    names = ["participant", "group", "emotion", "face", "trial", "muscle", "window", "emg"]
    assert table.columns.tolist() == names
    assert set(table["window"]) == {1, 2, 3, 4, 5}
    assert set(table["muscle"]) == set(effects.MUSCLES)
    assert table.groupby("participant")["group"].nunique().eq(1).all()
    assert sorted(table.drop_duplicates("participant")["group"].value_counts()) == [3, 4]
    assert not table.duplicated(["participant", "trial", "muscle", "window"]).any()
    trials = table.groupby(["participant", "muscle", "trial"])
    assert trials.size().eq(5).all()
    assert trials[["emotion", "face"]].nunique().eq(1).all(axis=None)
    assert len(trials) / (7 * 2 * 96) == pytest.approx(0.8, abs=0.05)
    assert table["emg"].notna().all()


def test_tables_have_the_slopes_of_the_truth() -> None:
    known = effects.paper()
    table = simulate_windows(known, n_participants=400, rejected=0, rng=np.random.default_rng(1))
    means = table.pivot_table(index=["muscle", "emotion", "participant"], columns="window", values="emg")
    slopes = (means.to_numpy() @ np.array([-2, -1, 0, 1, 2])) / 10
    found = means.assign(slope=slopes).groupby(["muscle", "emotion"])["slope"].agg(["mean", "sem"])
    for row in effects.truth(known, ("AngryToHappy", "HappyToAngry"))["windows"]:
        mean, error = found.loc[(row["muscle"], row["emotion"])]
        assert abs(mean - row["slope"]) < 3.5 * error
    zygomaticus = found.loc[("zygomaticus", "AngryToHappy"), "sem"] * np.sqrt(400 / 130)
    assert zygomaticus == pytest.approx(0.00416, rel=0.15), "the standard error of the paper"


def test_tables_of_none_reject_as_often_as_they_should() -> None:
    rng = np.random.default_rng(1)
    significant = []
    for _ in range(150):
        table = simulate_windows(effects.none(), n_participants=16, n_faces=4, n_trials_per_cell=1, rng=rng)
        chosen = table[table["muscle"] == "zygomaticus"]
        means = chosen.pivot_table(index="participant", columns=["emotion", "window"], values="emg")
        weights = np.array([-2, -1, 0, 1, 2]) / 10
        slopes = means["AngryToHappy"].to_numpy() @ weights - means["HappyToAngry"].to_numpy() @ weights
        slopes = slopes[np.isfinite(slopes)]
        t = slopes.mean() / (slopes.std(ddof=1) / np.sqrt(len(slopes)))
        significant.append(abs(t) > 2.131)
    assert 0.01 < np.mean(significant) < 0.11


def test_a_study_without_anything_is_refused() -> None:
    for change in ({"n_participants": 0}, {"groups": ()}, {"directions": ()}, {"n_trials_per_cell": 0}):
        with pytest.raises(ValueError, match="at least one of each"):
            simulate_windows(
                effects.paper(), **{"n_participants": 2, "rng": np.random.default_rng(1), **change}
            )
