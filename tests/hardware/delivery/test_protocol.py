"""The parser of the host, the numbers of lines, and the device's clock; with fuzzing."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.delivery import ceilings, protocol
from hardware.delivery.protocol import (
    CHANNELS,
    LONGEST_LINE,
    Acknowledged,
    Boot,
    Damaged,
    Event,
    LineReader,
    Refused,
    Request,
    encode_reply,
    encode_request,
    following,
    is_newer,
    parse_reply,
    parse_request,
    unwrapped,
)
from hardware.simulated.mouse_device import SimulatedDevice

FIRMWARE = Path(protocol.__file__).resolve().parent.parent / "firmware" / "mouse_rig"
MESSAGES = (Acknowledged, Refused, Event, Boot, Damaged)

some_bytes = st.binary(max_size=400)
almost_lines = st.lists(
    st.one_of(
        some_bytes,
        st.text(alphabet="ANEB 0123456789*ABCDEF=onofLICK\r\n!", max_size=60).map(str.encode),
        st.builds(
            lambda letter, numbers, words: encode_reply(" ".join([letter, *map(str, numbers), *words])),
            st.sampled_from("ANEBX"),
            st.lists(st.integers(-5, 2**33), max_size=4),
            st.lists(st.sampled_from(["ON", "OFF", "valve1", "armed=1", "=", ""]), max_size=4),
        ),
    ),
    max_size=5,
).map(b"".join)


# -- what is written is read -----------------------------------------------------------------------------


@given(
    st.integers(1, 65535),
    st.sampled_from(["HELLO", "PULSE", "TRAIN", "X"]),
    st.lists(st.one_of(st.integers(0, 2**32 - 1), st.sampled_from(CHANNELS)), max_size=6),
)
def test_a_line_that_was_encoded_is_read_as_it_was(seq: int, command: str, words: list[int | str]) -> None:
    line = encode_request(seq, command, *words)
    assert parse_request(line[:-1]) == Request(seq, command, tuple(map(str, words)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A 7 123 armed=1 estop=0", Acknowledged(7, 123, ("armed=1", "estop=0"))),
        ("N 7 BUSY", Refused(7, "BUSY")),
        ("E 65535 4294967295 LICK 1", Event(65535, 4294967295, "LICK", ("1",))),
        ("B 0 countenance-mouse-rig", Boot(0, ("countenance-mouse-rig",))),
    ],
)
def test_each_kind_of_message_is_read(text: str, message: protocol.Message) -> None:
    assert parse_reply(encode_reply(text)[:-1]) == message


@pytest.mark.parametrize(
    "text",
    [
        "A 0 5",
        "A 65536 5",
        "A 1",
        "A 1 4294967296",
        "A  1 5",
        "A 1 5 ",
        "N 1",
        "N 1 A B",
        "E 1 2",
        "C 1 2",
        "",
        "A",
    ],
)
def test_what_is_no_message_is_damaged_though_its_checksum_is_right(text: str) -> None:
    assert isinstance(parse_reply(encode_reply(text)[:-1]), Damaged)


def test_lines_that_the_device_could_not_read_are_not_written() -> None:
    for seq in (0, 65536, -1):
        with pytest.raises(ValueError, match="numbered from 1 to 65535"):
            encode_request(seq, "PING")
    for word in ("a b", "a*b", "a!b", "", "é", "a\n"):
        with pytest.raises(ValueError, match="visible ASCII"):
            encode_request(1, "PULSE", word)
    with pytest.raises(ValueError, match="at most 207 bytes"):
        encode_request(1, "PULSE", "x" * 208)
    longest = encode_request(65535, "TOGETHER", *["valve1", *[4294967295] * 4, "x" * 70])
    assert len(longest) - 1 <= LONGEST_LINE


def test_four_outputs_fit_into_one_line_whatever_their_numbers() -> None:
    numbers = (60_000_000, 10_000_000, 4_294_967_295, 60_000_000)
    words = [word for name in ("valve1", "valve2", "valve3", "camera") for word in (name, *numbers)]
    assert len(encode_request(65535, "TOGETHER", *words)) - 1 <= LONGEST_LINE


@given(st.integers(1, 65535), st.integers(1, 30000))
def test_the_numbers_of_lines_go_round_without_a_line_that_seems_old(seq: int, n: int) -> None:
    later = seq
    for _ in range(n % 50 + 1):
        later = following(later)
    assert is_newer(later, seq) and not is_newer(seq, later) and not is_newer(seq, seq)


@given(st.lists(st.integers(0, 30 * 60 * 10**6), min_size=1, max_size=50), st.integers(0, 2**40))
def test_the_devices_time_has_no_jumps(steps_us: list[int], start_us: int) -> None:
    true_us = last_us = start_us
    for step_us in steps_us:
        true_us += step_us
        last_us = unwrapped(true_us % 2**32, last_us)
        assert last_us == true_us


# -- the parser survives ---------------------------------------------------------------------------------


def check_reader(data: bytes, cuts: list[int]) -> None:
    """Whatever comes, in whatever pieces: messages only, the same for all cuts, and the next line is read."""
    whole = LineReader().feed(data + b"\n")
    assert all(isinstance(message, MESSAGES) for message in whole)
    reader, pieces = LineReader(), []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        pieces += reader.feed(data[start:end])
    pieces += reader.feed(b"\n")
    longest = max((len(line) for line in data.split(b"\n")), default=0)
    if longest <= 2 * LONGEST_LINE:
        assert pieces == whole
    assert reader.feed(encode_reply("A 7 1"))[-1] == Acknowledged(7, 1)


@settings(max_examples=300, deadline=None)
@given(almost_lines, st.lists(st.integers(0, 2000), max_size=4))
def test_no_bytes_make_the_reader_raise_or_lose_its_place(data: bytes, cuts: list[int]) -> None:
    check_reader(data, cuts)


def mutations(rng: np.random.Generator, n: int):
    """Yield lines of the device, cut, doubled and with wrong bits, and plain noise."""
    good = [
        encode_reply("A 7 1234567"),
        encode_reply("A 12 99 shock pulse_us=2000000 on_us=2000000 used=0 wait_ms=0"),
        encode_reply("E 5 123 OFF valve1 7 1 49977"),
        encode_reply("N 8 BUSY"),
        encode_reply("B 0 countenance-mouse-rig protocol=1"),
    ]
    for number in range(n):
        if number % 4 == 0:
            yield rng.bytes(int(rng.integers(0, 60)))
            continue
        line = bytearray(good[int(rng.integers(len(good)))])
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(line)))
            change = int(rng.integers(3))
            if change == 0:
                line[at] ^= 1 << int(rng.integers(8))
            elif change == 1:
                del line[at : at + int(rng.integers(1, 6))]
                line += b"\n"
            else:
                line[at:at] = line[: int(rng.integers(1, 20))]
        yield bytes(line)


def test_twenty_thousand_damaged_lines_are_survived() -> None:
    survive_mutations(20_000)


@pytest.mark.slow
def test_a_million_damaged_lines_are_survived() -> None:
    n_false = survive_mutations(1_000_000)
    assert n_false <= 60  # 16 bits of checksum let one in 65536 of what is damaged pass


def survive_mutations(n: int) -> int:
    rng = np.random.default_rng(7)
    reader, n_messages, n_false = LineReader(), 0, 0
    true = {"A 7 1234567", "N 8 BUSY"}
    for line in mutations(rng, n):
        for message in reader.feed(line):
            n_messages += 1
            assert isinstance(message, MESSAGES)
            n_false += isinstance(message, Refused) and f"N {message.seq} {message.reason}" not in true
    assert reader.feed(b"\n" + encode_reply("A 7 1"))[-1] == Acknowledged(7, 1)
    assert n_messages > n // 4
    return n_false


@pytest.mark.slow
@settings(max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(almost_lines, st.lists(st.integers(0, 2000), max_size=4))
def test_a_hundred_thousand_found_inputs_are_survived(data: bytes, cuts: list[int]) -> None:
    check_reader(data, cuts)


# -- the twin survives -----------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(almost_lines, st.integers(0, 300_000)), max_size=8))
def test_no_bytes_raise_an_output_of_the_twin(pieces: list[tuple[bytes, int]]) -> None:
    device, now_us = SimulatedDevice(0), 0
    for data, pause_us in pieces:
        now_us += pause_us
        device.receive(data, now_us)
        assert device.high == () and not device.armed
    messages = LineReader().feed(device.take_sent())
    assert not any(isinstance(message, Damaged) for message in messages)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(almost_lines, st.integers(0, 300_000)), max_size=8), st.sampled_from(CHANNELS))
def test_no_bytes_raise_an_output_of_the_twin_though_it_is_armed(
    pieces: list[tuple[bytes, int]], channel: str
) -> None:
    raised: list[str] = []
    device = SimulatedDevice(0, on_output=lambda name, on, time_us: raised.append(name))
    device.receive(encode_request(1, "HELLO") + encode_request(2, "ARM"), 0)
    now_us = 0
    for data, pause_us in pieces:
        now_us += pause_us
        device.receive(data, now_us)
    assert raised == []


# -- the firmware's files say the same -------------------------------------------------------------------


def test_the_ceilings_of_the_host_are_those_that_are_compiled_in() -> None:
    text = (FIRMWARE / "limits.h").read_text(encoding="utf-8")
    rows = re.findall(r"^    \{([\d, ]+)\},\s*// (\w+)", text, flags=re.M)
    compiled = {name: tuple(map(int, numbers.split(","))) for numbers, name in rows}
    assert compiled == {name: tuple(vars(one).values()) for name, one in ceilings.COMPILED.items()}
    defined = dict(re.findall(r"^#define (\w+) (\d+)(?:UL)?", text, flags=re.M))
    for name in ("LEAST_US", "LONGEST_WAIT_US", "SILENCE_MS", "LEAST_SILENCE_MS", "LONGEST_INTERVAL_MS"):
        assert int(defined[name]) == getattr(ceilings, name)
    assert int(defined["LICK_DEADTIME_US"]) == ceilings.LICK_DEADTIME_US


def test_firmware_and_host_have_the_same_words() -> None:
    line, commands = ((FIRMWARE / name).read_text(encoding="utf-8") for name in ("line.cpp", "commands.cpp"))
    reasons = re.search(r"REASONS\[\]\[9\] PROGMEM = \{(.*?)\};", line, flags=re.S)
    assert reasons is not None
    assert set(re.findall(r'"(\w+)"', reasons[1])) == set(protocol.REASONS)
    causes = re.search(r"CAUSES\[\]\[9\] PROGMEM = \{(.*?)\};", line, flags=re.S)
    assert causes is not None and set(re.findall(r'"(\w+)"', causes[1])) == set(protocol.STOP_CAUSES)
    channels = re.search(r"CHANNELS\[N_CHANNELS\]\[7\] PROGMEM = \{(.*?)\};", line, flags=re.S)
    assert channels is not None and tuple(re.findall(r'"(\w+)"', channels[1])) == CHANNELS
    header = (FIRMWARE / "commands.h").read_text(encoding="utf-8")
    assert f'#define NAME "{protocol.NAME}"' in header and f"#define PROTOCOL {protocol.VERSION}" in header
    described = (FIRMWARE / "PROTOCOL.md").read_text(encoding="utf-8")
    for word in (*protocol.REASONS, *protocol.STOP_CAUSES, *re.findall(r'"([A-Z]+)"', commands)):
        assert f"`{word}" in described, word
