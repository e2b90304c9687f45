"""The twin of an EMG amplifier with a trigger input: records a simulated participant into a BDF file."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hardware.protocols import Pulse, check_code
from hardware.simulated.effects import MUSCLES, face_level
from hardware.simulated.emg import RecordingConditions, Response, simulate_emg
from hardware.simulated.journal import Journal
from hardware.simulated.participant import SimulatedParticipant

INPUT_RANGE_UV = 250_000.0
"""Largest voltage of the simulated input; 24 bits over it are steps of 0.03 microvolts, as in real ones."""


class SimulatedAmplifier:
    """A recorder and a trigger port in one: codes appear on its Status channel, as pulses.

    Parameters
    ----------
    path : Path
        BDF file that `stop` writes; it must not exist.
    fs_hz : int
        Sampling rate.
    now : callable
        The session's clock, in seconds; may be a virtual one. The participant's videos are on the same clock.
    participant : SimulatedParticipant
        The person at the electrodes.
    rng : numpy.random.Generator
        Source of randomness.
    conditions : RecordingConditions, optional
        Hum, drifts, bursts, movements and noise.
    pulse_s : float
        Length of a trigger pulse, which the device ends itself.
    clock_ppm : float
        How much faster than the computer's the amplifier's clock runs, in parts per million.
    journal : Path, optional
        Where to write down at once what is heard. With a journal that another amplifier has left, this one
        goes on with its recording, and `stop` writes the whole.

    Examples
    --------
    >>> import tempfile
    >>> from hardware.simulated import effects
    >>> rng, clock = np.random.default_rng(1), iter([100.0, 101.5, 103.0])
    >>> person = SimulatedParticipant(effects=effects.paper(), rng=rng)
    >>> path = Path(tempfile.mkdtemp()) / "sub-01_task-mimicry_amplifier.bdf"
    >>> amplifier = SimulatedAmplifier(path, fs_hz=1200, now=lambda: next(clock), participant=person, rng=rng)
    >>> amplifier.start()
    >>> amplifier.send(21)
    >>> amplifier.stop().name
    'sub-01_task-mimicry_amplifier.bdf'
    """

    pulse: Pulse = "device"

    def __init__(
        self,
        path: Path,
        *,
        fs_hz: int,
        now: Callable[[], float],
        participant: SimulatedParticipant,
        rng: np.random.Generator,
        conditions: RecordingConditions | None = None,
        pulse_s: float = 0.008,
        clock_ppm: float = 15.0,
        journal: Path | None = None,
    ) -> None:
        if fs_hz != int(fs_hz) or fs_hz <= 0:
            raise ValueError(f"the simulated amplifier samples a whole number of times a second, not {fs_hz}")
        self.path = path
        self.fs_hz = int(fs_hz)
        self._now = now
        self._participant = participant
        self._rng = rng
        self._conditions = conditions or RecordingConditions()
        self._pulse_s = pulse_s
        self._clock = 1.0 + clock_ppm * 1e-6
        self._start_s: float | None = None
        self._sent: list[tuple[float, int]] = []
        self._journal_path = journal
        self._journal: Journal | None = None
        self._n_noted_videos = 0

    def start(self) -> None:
        """Begin to record, or go on with the recording of the journal."""
        if self.path.exists():
            raise FileExistsError(f"{self.path} exists: a recording never overwrites another")
        if self._journal_path is not None:
            self._journal = Journal(self._journal_path)
            self._go_on(self._journal)
        if self._start_s is None:
            self._start_s = self._now()
            self._note(start_s=self._start_s)

    def send(self, code: int) -> None:
        """Take a trigger code at this moment."""
        at_s = self._now()
        for video in self._participant.videos[self._n_noted_videos :]:
            self._note(video=dataclasses.asdict(video))
            self._n_noted_videos += 1
        self._note(at_s=at_s, code=check_code(code))
        self._sent.append((at_s, code))

    def reset(self) -> None:
        """Do nothing: the device ends its pulses itself."""

    def close(self) -> None:
        """Do nothing: `stop` ends the recording."""

    def stop(self) -> Path | None:
        """End the recording, write the file and return it; None when nothing was started."""
        if self._start_s is None:
            return None
        n_records = max(1, int(np.ceil(self._amplifier_s(self._now()))))
        signals = simulate_emg(
            n_records,
            fs_hz=self.fs_hz,
            responses={muscle: self._responses(muscle) for muscle in MUSCLES},
            conditions=self._conditions,
            rng=self._rng,
        )
        self._write(signals, self._status(n_records * self.fs_hz))
        self._start_s = None
        if self._journal is not None:
            self._journal.close()
        return self.path

    def _go_on(self, journal: Journal) -> None:
        """Hear and see again what is in the journal; the participant is then as the other one was."""
        for entry in journal.entries:
            if "start_s" in entry:
                self._start_s = entry["start_s"]
            elif "video" in entry:
                self._participant.watch(**entry["video"])
            else:
                self._sent.append((entry["at_s"], entry["code"]))
        self._n_noted_videos = len(self._participant.videos)

    def _note(self, **entry: Any) -> None:
        if self._journal is not None:
            self._journal.add(**entry)

    def _amplifier_s(self, session_s: float) -> float:
        """Convert the session's time into seconds since the first sample on the amplifier's own clock."""
        return (session_s - (self._start_s or 0.0)) * self._clock

    def _responses(self, muscle: str) -> list[Response]:
        person = self._participant
        responses = []
        for video in person.videos:
            answer = person.answer(muscle, video.direction)
            responses.append(
                Response(
                    onset_s=self._amplifier_s(video.onset_s),
                    duration_s=video.duration_s,
                    level=answer.level + face_level(person.effects, muscle, video.face),
                    asymptote=answer.asymptote,
                    log_rate=person.effects.log_rate,
                    latency_s=person.effects.latency_s,
                )
            )
        return responses

    def _status(self, n_samples: int) -> npt.NDArray[np.int32]:
        """Draw the pulses; a code that comes within the same sample as another waits for the next sample."""
        status = np.zeros(n_samples, dtype=np.int32)
        length = max(1, round(self._pulse_s * self.fs_hz))
        earliest = 0
        for sent_s, code in self._sent:
            first = max(earliest, int(np.ceil(self._amplifier_s(sent_s) * self.fs_hz)))
            if 0 < first <= n_samples and status[first - 1] == code:
                status[first - 1] = 0
            status[first : first + length] = code
            status[first + length : first + 2 * length] = 0
            earliest = first + 1
        return status

    def _write(self, signals: dict[str, npt.NDArray[np.float32]], status: npt.NDArray[np.int32]) -> None:
        import edfio

        step_uv = np.float32(2 * INPUT_RANGE_UV / (2**24 - 1))
        channels = [
            edfio.BdfSignal.from_digital(
                np.clip(np.rint(samples / step_uv), -(2**23), 2**23 - 1).astype(np.int32),
                self.fs_hz,
                label=muscle,
                transducer_type="simulated bipolar AgAgCl electrodes",
                physical_dimension="uV",
                physical_range=(-INPUT_RANGE_UV, INPUT_RANGE_UV),
                prefiltering="none",
            )
            for muscle, samples in signals.items()
        ]
        channels.append(edfio.BdfSignal.from_digital(status, self.fs_hz, label="Status"))
        recording = edfio.Recording(
            startdate=datetime.date(2000, 1, 1), equipment_code="SIMULATED", additional=("SIMULATED",)
        )
        unfinished = self.path.with_name(
            "unfinished.bdf"
        )  # a program that is killed leaves no half recording
        with unfinished.open("wb") as file:
            edfio.Bdf(channels, recording=recording, data_record_duration=1).write(file)
        unfinished.replace(self.path)
