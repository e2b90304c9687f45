"""The compiled firmware, cycle by cycle: its pulses, its patience with noise, and its twin's equal."""

from __future__ import annotations

import re
import subprocess
from collections import Counter

import numpy as np
import pytest

from hardware.delivery.ceilings import ROUND_US
from hardware.delivery.protocol import (
    CHANNELS,
    Acknowledged,
    Damaged,
    Event,
    LineReader,
    Message,
    Refused,
    encode_request,
    following,
)
from hardware.simulated import compiled_rig
from hardware.simulated.compiled_rig import build, run_script
from hardware.simulated.mouse_device import SimulatedDevice

pytestmark = pytest.mark.skipif(compiled_rig.why_not() is not None, reason=str(compiled_rig.why_not()))

BYTE_US = 1e6 / 11520


class Script:
    """What happens to the firmware, in order of time."""

    def __init__(self) -> None:
        self.happenings: list[tuple[float, str | tuple[str | int, ...]]] = []

    def at(self, time_us: float, *words: str | int) -> None:
        self.happenings.append((time_us, words))

    def pin(self, time_us: float, name: str, level: int) -> None:
        self.happenings.append((time_us, f"pin {name} {level}"))

    def data(self, time_us: float, data: bytes) -> None:
        self.happenings.append((time_us, f"bytes {data.hex()}"))

    def run(self, until_us: float) -> Course:
        lines, seq = [], 0
        for time_us, what in sorted(self.happenings, key=lambda one: one[0]):
            if not isinstance(what, str):
                seq = following(seq)
                what = f"bytes {encode_request(seq, *what).hex()}"  # type: ignore[arg-type]
            lines.append(f"{time_us} {what}")
        return Course([*run_script([*lines, f"{until_us} end"])])


class Course:
    """What the firmware did."""

    def __init__(self, lines: list[str]) -> None:
        self.edges = [
            (float(words[1]), words[2], words[3] == "1")
            for words in map(str.split, lines)
            if words[0] == "EDGE"
        ]
        reader = LineReader()
        self.messages: list[Message] = []
        for line in lines:
            if line.startswith("LINE "):
                self.messages += reader.feed(line.split(" ", 2)[2].encode() + b"\n")
        self.lowest_stack = next(int(line.split()[1]) for line in lines if line.startswith("STACK"))
        assert not any(line.startswith("CRASH") for line in lines)

    def widths_us(self, channel: str) -> np.ndarray:
        times = [time_us for time_us, name, _ in self.edges if name == channel]
        return np.diff(times)[::2]

    def events(self, kind: str) -> list[Event]:
        return [one for one in self.messages if isinstance(one, Event) and one.kind == kind]

    def refusals(self) -> Counter[str]:
        return Counter(one.reason for one in self.messages if isinstance(one, Refused))


def started() -> Script:
    script = Script()
    script.at(50_000, "HELLO")
    script.at(60_000, "ARM")
    return script


def busy_seconds(seconds: int) -> Course:
    """Everything at once: three trains, drops, a ping every 10 ms, licks, and 100 frames a second."""
    rng, script = np.random.default_rng(1), started()
    script.at(70_000, "TRAIN", "laser", 5000, 20 * seconds, 50_000)
    script.at(80_000, "TRAIN", "camera", 1000, 100 * seconds, 10_000)
    script.at(90_000, "TRAIN", "aux", 150, 1000 * seconds, 1000)
    for number in range(10 * seconds):
        start_us = 100_000 + 100_000 * number + int(rng.integers(20_000))
        script.at(start_us, "PULSE", f"valve{1 + number % 4}", 50_000)
    for number in range(100 * seconds):
        script.at(95_000 + 10_000 * number, "PING")
        script.pin(100_037 + 10_000 * number, "frame", 1)
        script.pin(105_037 + 10_000 * number, "frame", 0)
    for number in range(8 * seconds):
        script.pin(100_011 + 125_000 * number, "lick", 1)
        script.pin(140_000 + 125_000 * number, "lick", 0)
    return script.run(200_000 + 1e6 * seconds)


def check_busy(course: Course, seconds: int) -> None:
    for channel, length_us in (("laser", 5000), ("camera", 1000), ("aux", 150)):
        widths_us = course.widths_us(channel)
        assert np.abs(widths_us - length_us).max() < 200, (channel, widths_us.min(), widths_us.max())
    drops_us = np.concatenate([course.widths_us(f"valve{number}") for number in range(1, 5)])
    assert len(drops_us) == 10 * seconds and np.abs(drops_us - 50_000).max() < 200
    said = [one.fields for one in course.events("OFF") if one.fields[0].startswith("valve")]
    said_us = np.array([int(fields[3]) for fields in said])
    assert len(said_us) == 10 * seconds and np.abs(np.sort(said_us) - np.sort(drops_us)).max() < 20
    frames = course.events("FRAME")
    assert [int(one.fields[0]) for one in frames] == list(range(1, 100 * seconds + 1))
    intervals_us = np.diff([one.device_us for one in frames])
    assert np.abs(intervals_us - 10_000).max() <= 2
    assert len(course.events("LICK")) == 16 * seconds
    counts = [one.count for one in course.messages if isinstance(one, Event)]
    assert counts == list(range(len(counts)))
    assert not course.refusals() and not any(isinstance(one, Damaged) for one in course.messages)


def test_pulses_keep_their_length_while_everything_goes_on_at_once() -> None:
    course = busy_seconds(3)
    check_busy(course, 3)
    free = course.lowest_stack - end_of_variables()
    assert free >= 100, f"the stack came within {free} bytes of the variables"


@pytest.mark.slow
def test_pulses_keep_their_length_for_a_minute() -> None:
    check_busy(busy_seconds(60), 60)


def end_of_variables() -> int:
    _, firmware = build()
    names = subprocess.run(["avr-nm", firmware], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^(\w+) \w _end$", names, flags=re.M)
    assert found is not None
    return int(found[1], 16) - 0x800000


def test_trains_do_not_drift() -> None:
    script = started()
    script.at(70_000, "TRAIN", "camera", 1000, 300, 10_000)
    for number in range(20):
        script.at(200_000 + 100_000 * number, "PING")
    rises_us = [time_us for time_us, _, on in script.run(2_200_000).edges if on]
    late_us = np.array(rises_us) - rises_us[0] - 10_000 * np.arange(len(rises_us))
    assert len(rises_us) > 200 and np.abs(late_us).max() < 100


def test_the_stop_byte_and_the_emergency_stop_work_within_a_fifth_of_a_millisecond() -> None:
    script = started()
    for channel in CHANNELS[:4]:
        script.at(70_000, "PULSE", channel, 900_000)
    script.data(300_000, b"!")
    script.at(400_000, "ARM")
    script.at(410_000, "PULSE", "laser", 900_000)
    script.pin(500_000, "estop", 1)
    course = script.run(900_000)
    falls = {channel: time_us for time_us, channel, on in course.edges if not on}
    assert all(0 < falls[channel] - 300_000 < 200 + 2 * BYTE_US for channel in CHANNELS[:4])
    assert 0 < falls["laser"] - 500_000 < 200
    assert [one.fields[0] for one in course.events("STOP")] == ["HOST", "ESTOP"]


@pytest.mark.parametrize("offset_us", [0, 9_000, 18_000, 27_000])
def test_the_watchdog_bites_within_its_time_whenever_the_host_falls_silent(offset_us: int) -> None:
    script = started()
    script.at(70_000, "PULSE", "laser", 5_000_000)
    script.at(100_000 + offset_us, "PING")
    _, fall_us = (time_us for time_us, _, _ in script.run(1_000_000).edges)
    silent_us = fall_us - (100_000 + offset_us)
    assert 740_000 < silent_us < 805_000


def test_a_delivery_that_waits_is_stopped_too() -> None:
    script = started()
    script.at(70_000, "TOGETHER", "valve1", 200_000, 50_000, 1, 0, "laser", 0, 1000, 1, 0)
    script.data(150_000, b"!")
    course = script.run(700_000)
    assert {channel for _, channel, _ in course.edges} == {"laser"}
    assert ("valve1", "3", "0", "0") in [one.fields for one in course.events("OFF")]


# -- noise ------------------------------------------------------------------------------------------


def noise(rng: np.random.Generator, n_bytes: int) -> bytes:
    """Random bytes, and lines that are almost right: other words, numbers and checksums."""
    pieces: list[bytes] = []
    size = 0
    while size < n_bytes:
        if rng.random() < 0.5:
            piece = rng.bytes(int(rng.integers(1, 80)))
        else:
            piece = bytearray(encode_request(int(rng.integers(1, 65536)), "PULSE", "valve1", 50_000))
            piece[int(rng.integers(len(piece)))] ^= int(rng.integers(1, 256))
        pieces.append(bytes(piece))
        size += len(piece)
    return b"".join(pieces)


def survive(n_bytes: int, seed: int) -> Course:
    script = Script()
    script.at(50_000, "HELLO")
    rng = np.random.default_rng(seed)
    time_us = 60_000.0
    for start in range(0, n_bytes, 4096):
        size = min(4096, n_bytes - start)
        # every other part meets an armed device
        script.data(time_us, encode_request(2 + start // 4096, "ARM") if start % 8192 else b"")
        data = noise(rng, size).replace(b"!", b"?")
        script.data(time_us, data)
        time_us += (len(data) + 60) * BYTE_US * 1.05
    script.data(time_us + 1_000_000, b"\n" + encode_request(40_000, "HELLO"))
    return script.run(time_us + 1_200_000)


def test_noise_raises_no_output_and_the_firmware_answers_after_it() -> None:
    course = survive(40_000, seed=3)
    assert course.edges == []
    assert isinstance(course.messages[-1], Acknowledged) and course.messages[-1].seq == 40_000
    assert course.refusals()["CRC"] > 300


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_million_bytes_of_noise_raise_no_output(seed: int) -> None:
    course = survive(250_000, seed)
    assert course.edges == []
    assert isinstance(course.messages[-1], Acknowledged) and course.messages[-1].seq == 40_000


def test_pure_noise_with_stop_bytes_raises_no_output() -> None:
    script = Script()
    script.at(50_000, "HELLO")
    script.data(60_000, np.random.default_rng(9).bytes(20_000))
    script.data(60_000 + 20_500 * BYTE_US, b"\n" + encode_request(500, "STATUS"))
    course = script.run(60_000 + 21_500 * BYTE_US)
    assert course.edges == [] and isinstance(course.messages[-1], Acknowledged)
    assert course.messages[-1].values["armed"] == "0"


def test_a_storm_on_the_inputs_does_not_stretch_a_pulse() -> None:
    script = started()
    script.at(100_000, "PULSE", "shock", 50_000)
    for number in range(4000):  # 40 kHz on the lick detector and on the frame line
        script.pin(90_000 + 25 * number, "lick", number % 2)
        script.pin(90_001 + 25 * number, "frame", number % 2)
    course = script.run(900_000)
    (width_us,) = course.widths_us("shock")
    assert abs(width_us - 50_000) < 200
    assert isinstance(course.messages[-1], Event)


# -- firmware and twin are equals ------------------------------------------------------------------------


def random_commands(rng: np.random.Generator, n: int) -> list[tuple[str | int, ...]]:
    """Commands as a host may send them, right and wrong."""
    channels = [*CHANNELS, "valve9"]
    commands: list[tuple[str | int, ...]] = []
    for _ in range(n):
        channel = channels[int(rng.integers(len(channels)))]
        pulse_us = int(rng.choice([50, 1000, 15_000, 300_000, 3_000_000, 20_000_000]))
        n_pulses, period_us = (
            int(rng.choice([0, 1, 2, 3, 5])),
            int(rng.choice([1050, 2000, 40_000, 61_000_000])),
        )
        others = rng.permutation(channels)[:2]
        commands.append(
            [
                ("PULSE", channel, pulse_us),
                ("TRAIN", channel, pulse_us, n_pulses, period_us),
                ("TOGETHER", *(word for one in others for word in (str(one), 0, 15_000, n_pulses, 40_000))),
                ("OFF", channel),
                ("LIMIT", channel, "pulse_us", int(rng.choice([0, 1_500_000, 900_000, 400_000]))),
                ("LIMIT", channel, "deliveries", int(rng.choice([0, 8, 20, 70]))),
                ("LIMIT", channel, "total_ms", int(rng.choice([0, 900, 60_000]))),
                ("LIMIT", channel, "interval_ms", int(rng.choice([0, 300, 20_000]))),
                ("ARM",),
                ("DISARM",),
                ("NEW",),
                ("PING",),
                ("HELLO",),
                ("ARM", 5),
                ("NONSENSE",),
                ("PULSE", channel, "x"),
            ][
                int(
                    rng.choice(
                        16, p=[0.2, 0.15, 0.1, 0.05, *[0.02] * 4, 0.24, 0.02, 0.02, 0.04, *[0.025] * 4]
                    )
                )
            ]
        )
    return commands


def told(messages: list[Message]) -> list[tuple[object, ...]]:
    """What was answered, without times."""
    return [
        ("A", one.seq) if isinstance(one, Acknowledged) else ("N", one.seq, one.reason)
        for one in messages
        if isinstance(one, (Acknowledged, Refused))
    ]


@pytest.mark.parametrize("seed", range(2))
def test_firmware_and_twin_answer_and_deliver_the_same(seed: int) -> None:
    check_equal(seed, 60)


@pytest.mark.slow
def test_firmware_and_twin_answer_and_deliver_the_same_many_times() -> None:
    for seed in range(100, 160):
        check_equal(seed, 400)


BEAT_US, PHASE_US = 2 * ROUND_US, 2 * ROUND_US - 23_600
"""Lines come every second round of the device's timer, at a moment of the round at which no delivery of
`random_commands` ends near its turn: firmware and twin need not think equally fast to count the same."""


def check_equal(seed: int, n: int) -> None:
    commands = [("HELLO",), ("ARM",), *random_commands(np.random.default_rng(seed), n)]
    script = Script()
    for number, words in enumerate(commands):
        script.at(PHASE_US + BEAT_US * number, *words)
    until_us = PHASE_US + BEAT_US * len(commands) + 500_000
    course = script.run(until_us)

    edges: list[tuple[float, str, bool]] = []
    twin = SimulatedDevice(0, on_output=lambda name, on, time_us: edges.append((time_us, name, on)))
    seq = 0
    for number, words in enumerate(commands):
        seq = following(seq)
        line = encode_request(seq, *words)  # type: ignore[arg-type]
        twin.receive(line, round(PHASE_US + BEAT_US * number + len(line) * BYTE_US))
    twin.advance(round(until_us))
    messages = LineReader().feed(twin.take_sent())

    assert told(course.messages) == told(messages)
    for channel in CHANNELS:
        ours = [time_us for time_us, name, _ in edges if name == channel]
        theirs = [time_us for time_us, name, _ in course.edges if name == channel]
        assert len(ours) == len(theirs), channel
        # the firmware starts its clock 0.6 ms after the power, thinks about a line, and its watchdog looks
        # every 33 ms: all else is the same within two milliseconds
        late_us = np.array(theirs) - np.array(ours)
        assert np.abs(late_us).max(initial=0) < 60_000
        widths_us = np.diff(ours)[::2]
        off_us = np.abs(widths_us - np.diff(theirs)[::2])
        whole = np.isin(widths_us, [1000, 15_000, 300_000])  # others were ended by a line
        assert off_us[whole].max(initial=0) < 200 and off_us.max(initial=0) < 2000, channel
