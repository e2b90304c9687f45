"""Small simulated studies on disk, made of real parts: EMG with known mimicry in BIDS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.dataset.foreign_recording import add_recording
from experiments.dataset.study import add_participant, create_study
from hardware.simulated import effects
from hardware.simulated.effects import face_level
from hardware.simulated.emg import RecordingConditions, Response, simulate_emg
from hardware.simulated.participant import SimulatedParticipant

FS_HZ = 1000
TRIAL_S = 8.0
MUSCLES = ("corrugator", "zygomaticus")
MakeStudy = Callable[..., Path]


def make_study(
    path: Path,
    *,
    n_participants: int,
    n_trials: int,
    groups: Sequence[str] = (),
    behaviour: bool = True,
    emg: bool = True,
    silent: Sequence[str] = (),
    simulated: bool = True,
    fs_hz: int = FS_HZ,
) -> Path:
    """Simulate a study; the participants in `silent` have flat channels."""
    create_study(path, name="Pilot", simulated=simulated)
    for i in range(n_participants):
        participant, group = f"{i + 1:03d}", groups[i % len(groups)] if groups else None
        rng = np.random.default_rng(i)
        person = SimulatedParticipant(effects=effects.paper(), rng=rng)
        add_participant(path, participant, age=person.age, sex=person.sex, group=group)
        trials = _trials(person, rng, n_trials)
        if emg:
            _add_emg(path, participant, person, trials, rng, flat=participant in silent, fs_hz=fs_hz)
        if behaviour:
            folder = path / f"sub-{participant}" / "beh"
            folder.mkdir(parents=True)
            trials.to_csv(
                folder / f"sub-{participant}_task-mimicry_beh.tsv", sep="\t", index=False, na_rep="n/a"
            )
    return path


def _trials(person: SimulatedParticipant, rng: np.random.Generator, n_trials: int) -> pd.DataFrame:
    rows = []
    for trial in range(1, n_trials + 1):
        direction, face = ("AngryToHappy", "HappyToAngry")[trial % 2], f"id{trial // 2 % 4:02d}"
        onset = 2.0 + (trial - 1) * TRIAL_S + rng.uniform(0, 1)
        presses = person.watch(face=face, direction=direction, onset_s=onset, duration_s=5.0)
        press = presses[0].time_s if presses else np.nan
        rows.append((trial, 1, face, direction, onset, press, "correct" if len(presses) == 1 else "no_press"))
    columns = ["trial", "block", "face", "direction", "onset", "response_time", "outcome"]
    return pd.DataFrame(rows, columns=columns)


def _add_emg(
    path: Path,
    participant: str,
    person: SimulatedParticipant,
    trials: pd.DataFrame,
    rng: np.random.Generator,
    *,
    flat: bool,
    fs_hz: int,
) -> None:
    about = person.effects
    responses = {
        muscle: [
            Response(
                onset_s=video.onset_s,
                duration_s=5.0,
                level=person.answer(muscle, video.direction).level + face_level(about, muscle, video.face),
                asymptote=person.answer(muscle, video.direction).asymptote,
                log_rate=about.log_rate,
                latency_s=about.latency_s,
            )
            for video in person.videos
        ]
        for muscle in MUSCLES
    }
    conditions = RecordingConditions()
    duration_s = 2.0 + TRIAL_S * len(trials) + 2.0
    signals = simulate_emg(duration_s, fs_hz=FS_HZ, responses=responses, conditions=conditions, rng=rng)
    samples = np.array([signals[muscle] for muscle in MUSCLES])[:, :: FS_HZ // fs_hz]
    events = pd.DataFrame(
        {
            "onset": trials["onset"],
            "duration": 5.0,
            "trial_type": "video",
            "value": np.where(trials["direction"] == "AngryToHappy", 11, 12),
            "sample": (trials["onset"] * fs_hz).round().astype(int),
            "trial": trials["trial"],
            "face": trials["face"],
            "direction": trials["direction"],
        }
    )
    source = path.parent / f"{participant}.dat"
    source.write_bytes(b"recorded elsewhere")
    add_recording(
        path,
        participant,
        signals_uv=np.full_like(samples, 3.0) if flat else samples,
        channel_names=MUSCLES,
        fs_hz=fs_hz,
        events=events,
        signal_kind=dict.fromkeys(MUSCLES, "raw"),
        source=source,
    )


@pytest.fixture
def make(tmp_path: Path) -> MakeStudy:
    """Make a study in a fresh folder."""
    return lambda **settings: make_study(tmp_path / "study", **settings)


@pytest.fixture(scope="session")
def grouped_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six participants in three groups, 16 trials each."""
    folder = tmp_path_factory.mktemp("grouped") / "study"
    return make_study(folder, n_participants=6, n_trials=16, groups="ABC")
