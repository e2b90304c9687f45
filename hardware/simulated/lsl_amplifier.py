"""The twin of an EMG amplifier with an LSL program: ``python -m hardware.simulated.lsl_amplifier``.

A process of its own, like the real thing: it sends the EMG of a simulated participant in real time, hears the
triggers of a session on its Status channel, and mimics the videos that they announce.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from hardware.lsl_library import load_pylsl
from hardware.recorders.lsl_streams import CHECK_STREAM, LOWEST_HZ
from hardware.simulated import effects as mimicry_effects
from hardware.simulated.ears import LineEar, LslEar
from hardware.simulated.effects import MUSCLES
from hardware.simulated.emg import RecordingConditions, Response
from hardware.simulated.live_emg import EXPRESSIONS, LiveEmg
from hardware.simulated.participant import SimulatedParticipant

LAG_S = 0.25
"""Samples are sent so long after they were taken, as by an amplifier with a buffer; what is heard meanwhile
still finds its place."""

PULSE_S = 0.008
"""Length of a pulse on the Status channel."""

VIDEO_CODES = {11: "AngryToHappy", 12: "HappyToAngry"}
"""Codes of the built-in stimulus set's videos, practice excluded."""

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@dataclasses.dataclass(kw_only=True)
class Faults:
    """What may be wrong with a laboratory, to be found by the live check."""

    swapped: bool = False
    """The electrodes of the two muscles are plugged the other way round."""
    flat: tuple[str, ...] = ()
    """Muscles whose electrodes are off."""
    hum: tuple[str, ...] = ()
    """Muscles with a loose electrode: much mains hum."""
    hum_uv: float = 120.0
    mains_hz: float = 50.0
    gaps: tuple[tuple[float, float], ...] = ()
    """When samples are lost: from, and how many seconds."""

    def plant(
        self, channels: dict[str, npt.NDArray[np.float32]], start_s: float, fs_hz: float
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return the channels as the amplifier gets them."""
        times_s = start_s + np.arange(len(channels[MUSCLES[0]])) / fs_hz
        hum = (self.hum_uv * np.sin(2 * np.pi * self.mains_hz * times_s)).astype(np.float32)
        given = {muscle: channels[muscle] + (hum if muscle in self.hum else 0) for muscle in MUSCLES}
        given |= {muscle: np.zeros_like(channels[muscle]) for muscle in self.flat}
        return dict(zip(MUSCLES, reversed(list(given.values())), strict=True)) if self.swapped else given


class StatusLine:
    """The amplifier's trigger input: codes become pulses in the samples that are yet to be sent."""

    def __init__(self, *, fs_hz: float) -> None:
        self._length = max(1, round(PULSE_S * fs_hz))
        self._pending: list[tuple[int, int]] = []
        self._lock = threading.Lock()
        self._rest: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self.n_heard, self.n_late = 0, 0

    def heard(self, sample: int, code: int) -> None:
        """Take a code that belongs to a sample."""
        with self._lock:
            self._pending.append((sample, code))

    def next(self, first: int, n_samples: int) -> npt.NDArray[np.float32]:
        """Draw the samples from number `first` on."""
        drawn = np.zeros(n_samples + 2 * self._length, dtype=np.float32)
        drawn[: len(self._rest)] = self._rest[: len(drawn)]
        with self._lock:
            due = sorted(entry for entry in self._pending if entry[0] < first + n_samples)
            self._pending = [entry for entry in self._pending if entry[0] >= first + n_samples]
        for sample, code in due:
            self.n_heard += 1
            self.n_late += sample < first
            at = max(0, sample - first)
            if at and drawn[at - 1] == code:
                drawn[at - 1] = 0  # the same code once more is a pulse of its own
            drawn[at : at + self._length] = code
        self._rest = drawn[n_samples:]
        return drawn[:n_samples]


class LslAmplifier:
    """Sends the EMG of a simulated participant as an LSL stream, in real time.

    Parameters
    ----------
    name, source_id : str
        Name and id of the stream, whose type is EMG.
    fs_hz : float
        Its rate.
    participant : SimulatedParticipant
        The person at the electrodes.
    rng : numpy.random.Generator
        Source of randomness.
    conditions : RecordingConditions, optional
        Hum, drifts, movements and noise.
    faults : Faults, optional
        What is wrong.
    video_s : float
        Length of the videos.
    clock_ppm : float
        How much faster than the computer's the amplifier's clock runs, in parts per million.
    """

    def __init__(
        self,
        *,
        name: str,
        source_id: str,
        fs_hz: float,
        participant: SimulatedParticipant,
        rng: np.random.Generator,
        conditions: RecordingConditions | None = None,
        faults: Faults | None = None,
        video_s: float = 5.0,
        clock_ppm: float = 15.0,
    ) -> None:
        pylsl = load_pylsl()

        self.fs_hz = fs_hz
        self.status = StatusLine(fs_hz=fs_hz)
        self._participant, self._faults, self._video_s = participant, faults or Faults(), video_s
        self._face = LiveEmg(fs_hz=fs_hz, conditions=conditions or RecordingConditions(), rng=rng)
        self._true_hz = fs_hz * (1 + clock_ppm * 1e-6)
        self._sent = 0
        self._heard: list[tuple[float, str]] = []
        self._lock = threading.Lock()
        self._outlet = pylsl.StreamOutlet(describe_stream(name, source_id, fs_hz))
        self._zero_s = pylsl.local_clock()

    def hear(self, at_s: float, what: str) -> None:
        """Take a trigger code or what the participant is asked; called from any thread."""
        if what.isdigit():
            self.status.heard(int(np.ceil((at_s - self._zero_s) * self._true_hz)), int(what) & 0xFF)
        with self._lock:
            self._heard.append((at_s - self._zero_s, what))

    def turn(self) -> None:
        """Send the samples that are due."""
        import pylsl

        now_s = pylsl.local_clock() - self._zero_s
        due = int((now_s - LAG_S) * self._true_hz) - self._sent
        if due <= 0:
            return
        self._react()
        channels = self._faults.plant(self._face.next(due), self._sent / self.fs_hz, self.fs_hz)
        status = self.status.next(self._sent, due)
        values = np.column_stack([*(channels[muscle] for muscle in MUSCLES), status]).astype(np.float32)
        times_s = self._zero_s + (self._sent + np.arange(due)) / self._true_hz
        kept = self._kept(times_s - self._zero_s)
        if kept.any():
            self._outlet.push_chunk(np.ascontiguousarray(values[kept]), timestamp=times_s[kept].tolist())
        self._sent += due

    def _kept(self, at_s: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        lost = [(at_s >= first) & (at_s < first + length_s) for first, length_s in self._faults.gaps]
        return ~np.any(lost, axis=0) if lost else np.ones(len(at_s), dtype=bool)

    def _react(self) -> None:
        """Let the face answer to what was heard."""
        with self._lock:
            heard, self._heard = self._heard, []
        for at_s, what in heard:
            if what in EXPRESSIONS:
                self._face.express(what, at_s)
            elif what.isdigit() and int(what) in VIDEO_CODES:
                for muscle in MUSCLES:
                    self._face.answer(muscle, self._answer(muscle, VIDEO_CODES[int(what)], at_s))

    def _answer(self, muscle: str, direction: str, onset_s: float) -> Response:
        own, effects = self._participant.answer(muscle, direction), self._participant.effects
        return Response(
            onset_s=onset_s,
            duration_s=self._video_s,
            level=own.level,
            asymptote=own.asymptote,
            log_rate=effects.log_rate,
            latency_s=effects.latency_s,
        )


def describe_stream(name: str, source_id: str, fs_hz: float) -> object:
    """Describe the stream as an amplifier's LSL program does."""
    import pylsl

    info = pylsl.StreamInfo(name, "EMG", len(MUSCLES) + 1, fs_hz, "float32", source_id)
    info.desc().append_child_value("manufacturer", "simulated")
    channels = info.desc().append_child("channels")
    for label in (*MUSCLES, "Status"):
        channel = channels.append_child("channel")
        channel.append_child_value("label", label)
        channel.append_child_value("unit", "none" if label == "Status" else "microvolts")
        channel.append_child_value("type", "TRIG" if label == "Status" else "EMG")
        if label != "Status":
            channel.append_child_value("impedance", "6")
    return info


def strengthened(effects: mimicry_effects.MimicryEffects, factor: float) -> mimicry_effects.MimicryEffects:
    """Multiply the mimicry of the average person.

    >>> strengthened(mimicry_effects.paper(), 2.0).slopes["zygomaticus"]["Happy"]
    0.0374
    """
    slopes = {
        muscle: {expression: factor * slope for expression, slope in by_expression.items()}
        for muscle, by_expression in effects.slopes.items()
    }
    return dataclasses.replace(effects, slopes=slopes)


@app.command()
def run(
    name: Annotated[str, typer.Option(help="Name of the LSL stream.")] = "Simulated amplifier",
    source_id: Annotated[str, typer.Option(help="Its source id.")] = "countenance-simulated",
    rate: Annotated[float, typer.Option(help="Samples per second.")] = 1200.0,
    seed: Annotated[int, typer.Option(help="Of the simulated participant.")] = 1,
    factor: Annotated[float, typer.Option(help="Mimicry, as a multiple of the paper's; 0 for none.")] = 1.0,
    listen: Annotated[
        int | None, typer.Option(help="Hear trigger bytes on this TCP port (0: any free one).")
    ] = None,
    pty: Annotated[bool, typer.Option("--pty", help="Hear trigger bytes on a pseudo-terminal.")] = False,
    markers: Annotated[str, typer.Option(help="Hear an LSL marker stream of this name.")] = (
        "Countenance triggers"
    ),
    video_s: Annotated[float, typer.Option(help="Length of the videos (s).")] = 5.0,
    seconds: Annotated[float, typer.Option(help="End after so long; by default with Ctrl-C.")] = float("inf"),
    study: Annotated[
        Path | None, typer.Option(help="Write the known mimicry into this study, once it is there.")
    ] = None,
    swapped: Annotated[
        bool, typer.Option("--swapped", help="Fault: the muscles' cables are swapped.")
    ] = False,
    flat: Annotated[list[str] | None, typer.Option(help="Fault: this muscle's electrodes are off.")] = None,
    hum: Annotated[list[str] | None, typer.Option(help="Fault: hum on this muscle.")] = None,
    gap: Annotated[list[str] | None, typer.Option(help="Fault: samples lost, FROM:SECONDS.")] = None,
) -> None:
    """Send simulated EMG over LSL in real time, and hear the triggers of a session."""
    gaps = tuple(read_gap(text) for text in gap or ())
    if not rate > LOWEST_HZ:
        raise ValueError(f"facial EMG needs more than {LOWEST_HZ:g} samples per second, not {rate:g}")
    for muscle in (*(flat or ()), *(hum or ())):
        if muscle not in MUSCLES:
            raise ValueError(f"a muscle is {' or '.join(MUSCLES)}, not {muscle!r}")
    effects = strengthened(mimicry_effects.paper(), factor)
    amplifier = LslAmplifier(
        name=name,
        source_id=source_id,
        fs_hz=rate,
        participant=SimulatedParticipant(effects=effects, rng=np.random.default_rng([seed, 1])),
        rng=np.random.default_rng([seed, 2]),
        faults=Faults(swapped=swapped, flat=tuple(flat or ()), hum=tuple(hum or ()), gaps=gaps),
        video_s=video_s,
    )
    be_punctual()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    ears: list[LineEar | LslEar] = [LslEar(amplifier.hear, name=name) for name in (markers, CHECK_STREAM)]
    line = LineEar(amplifier.hear, port=listen) if listen is not None or pty else None
    said = {"stream_name": name, "source_id": source_id, "line": line.address if line else None}
    print(json.dumps(said), flush=True)
    try:
        send_for(amplifier, seconds, study=study, effects=effects)
    except KeyboardInterrupt:
        pass
    finally:
        for ear in [*ears, *([line] if line else [])]:
            ear.close()
    print(json.dumps({"codes": amplifier.status.n_heard, "late": amplifier.status.n_late}), flush=True)


def read_gap(text: str) -> tuple[float, float]:
    """Read when samples are lost, and for how long.

    >>> read_gap("60:0.5")
    (60.0, 0.5)
    """
    first, _, length = text.partition(":")
    try:
        return float(first), float(length)
    except ValueError:
        raise ValueError(f"a gap is FROM:SECONDS, such as 60:0.5, not {text!r}") from None


def be_punctual() -> None:
    """Ask for what a device has: that a byte on its line is seen at once, whatever the computer does."""
    sys.setswitchinterval(0.0005)
    with contextlib.suppress(AttributeError, OSError):
        highest = os.sched_get_priority_max(os.SCHED_FIFO)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(highest))


def send_for(
    amplifier: LslAmplifier, seconds: float, *, study: Path | None, effects: mimicry_effects.MimicryEffects
) -> None:
    """Send until the time is over; write the known mimicry as soon as a session has made the study."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        amplifier.turn()
        if study is not None and (study / "dataset_description.json").exists():
            mimicry_effects.write_truth(study, effects, sorted(VIDEO_CODES.values()))
            study = None
        time.sleep(0.02)


def main() -> None:
    """Run the command line; wrong input ends with its message and exit code 2."""
    try:
        app()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
