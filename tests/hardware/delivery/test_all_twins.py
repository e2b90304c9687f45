"""One suite for every twin: Python on a pty, Python on a socket, the compiled firmware in its simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
import serial

from hardware.delivery.ceilings import COMPILED
from hardware.delivery.limits import Limits
from hardware.delivery.line import LineLostError
from hardware.delivery.mouse_rig import MouseRig, RigRefusedError
from hardware.delivery.protocol import (
    CHANNELS,
    Acknowledged,
    Event,
    LineReader,
    Message,
    Refused,
    encode_request,
    following,
)
from hardware.delivery.records import Course, DeviceEvent
from hardware.simulated.compiled_rig import CompiledRig
from hardware.simulated.mouse_rig import SimulatedRig

from .conftest import GENEROUS, drained, wait_for_event, wait_until

Twin = SimulatedRig | CompiledRig


class Wire:
    """A host that says what it likes."""

    def __init__(self, address: str) -> None:
        self.port = serial.serial_for_url(address, baudrate=115200, timeout=0.01)
        self.reader = LineReader()
        self.heard: list[Message] = []
        self.seq = 0

    def listen(self, for_s: float = 0.15) -> list[Message]:
        new: list[Message] = []
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            new += self.reader.feed(self.port.read(256))
        self.heard += new
        return new

    def say(self, data: bytes) -> None:
        self.port.write(data)

    def ask(self, command: str, *words: str | int, seq: int | None = None) -> Acknowledged | Refused:
        self.seq = following(self.seq) if seq is None else seq
        self.say(encode_request(self.seq, command, *words))
        return self.answer(self.seq)

    def answer(self, seq: int, within_s: float = 20.0) -> Acknowledged | Refused:
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            for message in self.listen(0.02):
                if isinstance(message, (Acknowledged, Refused)) and message.seq == seq:
                    return message
        raise AssertionError(f"no answer to line {seq}")

    def events(self, kind: str) -> list[Event]:
        return [message for message in self.heard if isinstance(message, Event) and message.kind == kind]


@pytest.fixture
def wire(twin: Twin):
    made = Wire(twin.address)
    made.listen(0.1)
    yield made
    made.port.close()


@pytest.fixture
def armed_wire(wire: Wire) -> Wire:
    assert isinstance(wire.ask("HELLO"), Acknowledged)
    assert isinstance(wire.ask("ARM"), Acknowledged)
    return wire


# -- before anything -------------------------------------------------------------------------------------


def test_nothing_is_done_before_hello_and_nothing_is_delivered_before_arm(twin: Twin, wire: Wire) -> None:
    assert wire.ask("PULSE", "valve1", 50000) == Refused(1, "HELLO")
    assert wire.ask("ARM") == Refused(2, "HELLO")
    assert isinstance(wire.ask("HELLO"), Acknowledged)
    for channel in CHANNELS:
        assert wire.ask("PULSE", channel, 1000) == Refused(wire.seq, "DISARMED")
    wire.listen(0.1)
    assert twin.edges == [] and wire.events("ON") == []


def test_the_ceilings_that_a_device_names_are_the_documented_ones(rig: MouseRig) -> None:
    assert rig.ceilings == dict(COMPILED)
    assert rig.used == dict.fromkeys(CHANNELS, 0)


# -- pulses ----------------------------------------------------------------------------------------------


def test_a_pulse_of_50_ms_is_that_long_within_a_fifth_of_a_millisecond(twin: Twin, rig: MouseRig) -> None:
    rig.arm()
    for channel in ("valve1", "shock"):
        done = rig.deliver(channel, 50_000, current_ma=0.3)
        assert done.wait(20.0) and done.state == "done"
        assert done.on_us is not None and abs(done.on_us - 50_000) < 200
        assert done.on_device_us is not None and done.off_device_us is not None
        assert abs(done.off_device_us - done.on_device_us - 50_000) < 200
        assert wait_until(lambda: len(twin.edges) >= 2)
        rise, fall = twin.edges[-2:]
        assert (rise.channel, rise.on, fall.channel, fall.on) == (channel, True, channel, False)
        assert abs(fall.device_us - rise.device_us - 50_000) < 200


def test_a_train_has_its_pulses_at_its_period(twin: Twin, rig: MouseRig) -> None:
    rig.arm()
    done = rig.deliver("laser", 5000, 10, 50_000)
    assert done.wait(20.0) and (done.state, done.n_done) == ("done", 10)
    assert done.on_us is not None and abs(done.on_us - 50_000) < 10 * 200
    assert wait_until(lambda: len(twin.edges) == 20)
    rises = [edge.device_us for edge in twin.edges if edge.on]
    assert all(abs(rise - rises[0] - 50_000 * number) < 200 for number, rise in enumerate(rises))


def test_outputs_of_one_order_start_together_and_one_may_wait(twin: Twin, rig: MouseRig) -> None:
    rig.arm()
    also = [Course("laser", 5000, 3, 20_000), Course("aux", 10_000, delay_us=30_000)]
    valve = rig.deliver("valve2", 40_000, also=also)
    assert all(one.wait(20.0) and one.state == "done" for one in (valve, *valve.also))
    assert wait_until(lambda: len(twin.edges) == 10)
    first = {}
    for edge in twin.edges:
        first.setdefault(edge.channel, edge.device_us)
    assert abs(first["laser"] - first["valve2"]) < 200
    assert abs(first["aux"] - first["valve2"] - 30_000) < 200
    assert len({valve.seq, *(one.seq for one in valve.also)}) == 1


def test_an_output_can_be_ended_before_its_time(twin: Twin, rig: MouseRig) -> None:
    rig.arm()
    camera = rig.deliver("camera", 1000, 100_000, 10_000)
    assert wait_until(lambda: len(twin.edges) > 10)
    rig.end("camera")
    assert camera.wait(20.0) and camera.state == "cut"
    assert wait_until(lambda: camera.n_done == sum(edge.on for edge in twin.edges))
    assert twin.high == () and rig.state == "armed"


# -- refusals --------------------------------------------------------------------------------------------


def test_a_busy_output_refuses_and_the_delivery_under_way_goes_on(twin: Twin, rig: MouseRig) -> None:
    rig.arm()
    first = rig.deliver("valve1", 300_000)
    second = rig.deliver("valve1", 50_000)
    assert second.wait(20.0) and second.state == "refused" and "still delivering" in second.reason
    assert first.wait(20.0) and first.state == "done" and first.on_us is not None
    assert abs(first.on_us - 300_000) < 200
    assert wait_until(lambda: len(twin.edges) == 2)


BEYOND = [
    (("PULSE", "valve1", 1_000_001), "PULSE"),
    (("PULSE", "valve1", 99), "PULSE"),
    (("PULSE", "valve1", 0), "PULSE"),
    (("PULSE", "valve1", 4_294_967_295), "PULSE"),
    (("PULSE", "valve1", 4_294_967_296), "NUMBER"),
    (("PULSE", "valve1", 99_999_999_999), "NUMBER"),
    (("PULSE", "valve1", "-5"), "NUMBER"),
    (("PULSE", "valve1", "0x10"), "NUMBER"),
    (("PULSE", "valve1"), "NUMBER"),
    (("PULSE", "valve1", 5000, 5000), "NUMBER"),
    (("PULSE", "valve5", 5000), "CHANNEL"),
    (("PULSE", "valve11", 5000), "CHANNEL"),
    (("PULSE", "VALVE1", 5000), "CHANNEL"),
    (("PULSE", "shock", 2_000_001), "PULSE"),
    (("TRAIN", "shock", 500_000, 5, 600_000), "ON_TIME"),
    (("TRAIN", "shock", 100_000, 10, 600_000), "LENGTH"),
    (("TRAIN", "valve1", 1000, 0, 2000), "NUMBER"),
    (("TRAIN", "valve1", 1000, 2, 1050), "NUMBER"),
    (("TRAIN", "valve1", 1000, 4_294_967_295, 2000), "ON_TIME"),
    (("TRAIN", "camera", 1000, 10, 60_000_001), "NUMBER"),
    (("TOGETHER", "valve1", 0, 1000, 1, 0, "valve1", 0, 1000, 1, 0), "CHANNEL"),
    (("TOGETHER", "valve1", 0, 1000, 1, 0, "shock", 0, 2_000_001, 1, 0), "PULSE"),
    (("TOGETHER", "valve1", 0, 1000, 1), "NUMBER"),
    (("TOGETHER",), "NUMBER"),
    (("PULSES", "valve1", 5000), "COMMAND"),
    (("OFF", "valve9"), "CHANNEL"),
    (("ARM", 1), "NUMBER"),
]
"""Orders that no device may follow, and why it says that it does not."""


def test_what_is_beyond_a_ceiling_or_makes_no_sense_is_refused_whole(twin: Twin, armed_wire: Wire) -> None:
    found = []
    for words, _ in BEYOND:
        armed_wire.ask("PING")
        answer = armed_wire.ask(*words)
        found.append((words, answer.reason if isinstance(answer, Refused) else "done"))
    assert found == BEYOND
    assert isinstance(armed_wire.ask("PULSE", "valve1", 1000), Acknowledged)  # it was armed all the time
    assert wait_until(lambda: len(twin.edges) == 2)


# -- stopping --------------------------------------------------------------------------------------------


def test_one_byte_stops_everything_in_the_middle_of_a_line(twin: Twin, armed_wire: Wire) -> None:
    for channel in ("valve1", "laser"):
        armed_wire.ask("PULSE", channel, 900_000)
    assert wait_until(lambda: len(twin.high) == 2)
    armed_wire.say(b"77 PULSE val!")
    assert wait_until(lambda: not twin.high)
    armed_wire.listen(0.2)
    assert [event.fields for event in armed_wire.events("STOP")] == [("HOST",)]
    assert {event.fields[0] for event in armed_wire.events("OFF")} == {"valve1", "laser"}
    assert armed_wire.ask("PULSE", "valve1", 1000) == Refused(armed_wire.seq, "DISARMED")


def test_orders_and_an_arming_that_wait_before_a_stop_are_not_done_after_it(
    twin: Twin, armed_wire: Wire
) -> None:
    armed_wire.say(encode_request(10, "ARM") + encode_request(11, "PULSE", "valve1", 500_000) + b"!")
    armed_wire.listen(0.3)
    assert wait_until(lambda: not twin.high)
    assert armed_wire.ask("PULSE", "valve1", 1000, seq=20) == Refused(20, "DISARMED")


def test_a_silent_host_is_stopped_within_a_second(twin: Twin, armed_wire: Wire) -> None:
    armed_wire.ask("PULSE", "laser", 10_000_000)
    assert wait_until(lambda: twin.high == ("laser",))
    armed_wire.say(b"garbage keeps nobody awake\n" * 3)
    assert wait_until(lambda: not twin.high, 8.0)
    assert (twin.edges[-1].device_us - twin.edges[-2].device_us) < 900_000
    armed_wire.listen(0.2)
    assert armed_wire.events("STOP")[-1].fields == ("WATCHDOG",)
    assert armed_wire.ask("PULSE", "valve1", 1000) == Refused(armed_wire.seq, "DISARMED")


def test_the_emergency_stop_cuts_and_holds_until_it_is_released_and_armed_again(
    twin: Twin, rig: MouseRig
) -> None:
    rig.arm()
    light = rig.deliver("laser", 2_000_000)
    assert wait_until(lambda: twin.high == ("laser",))
    twin.press_estop()
    assert light.wait(20.0) and light.state == "cut" and twin.high == ()
    assert wait_until(lambda: rig.state == "stopped")
    assert "emergency stop" in wait_for_event(rig, "stop").text
    with pytest.raises(RigRefusedError, match="emergency stop is pressed"):
        rig.arm()
    twin.release_estop()
    assert wait_until(lambda: rig.status()["estop"] == "0")
    with pytest.raises(RigRefusedError, match=r"arm\(\) it again"):
        rig.deliver("valve1", 1000)
    rig.arm()
    assert rig.deliver("valve1", 1000).wait(20.0)


def test_disarming_and_hello_leave_everything_low(twin: Twin, armed_wire: Wire) -> None:
    for command, cause in (("DISARM", "DISARM"), ("HELLO", "HELLO")):
        armed_wire.ask("ARM")
        armed_wire.ask("PULSE", "aux", 5_000_000)
        assert wait_until(lambda: twin.high == ("aux",))
        assert isinstance(armed_wire.ask(command), Acknowledged)
        assert wait_until(lambda: not twin.high)
        armed_wire.listen(0.1)
        assert armed_wire.events("STOP")[-1].fields == (cause,)


def test_a_reset_leaves_everything_low_and_disarmed(twin: Twin, rig: MouseRig) -> None:
    rig.arm()
    light = rig.deliver("laser", 5_000_000)
    assert wait_until(lambda: twin.high == ("laser",))
    twin.reset()
    assert light.wait(20.0) and light.state in ("cut", "unknown")
    assert wait_until(lambda: rig.state == "lost")
    with pytest.raises(LineLostError, match="started anew"):
        rig.deliver("valve1", 1000)
    assert wait_until(lambda: twin.high == ())


def test_leaving_by_an_exception_stops_everything(twin: Twin) -> None:
    with pytest.raises(ZeroDivisionError), MouseRig(twin.address, limits=GENEROUS) as rig:
        rig.arm()
        light = rig.deliver("laser", 5_000_000)
        assert wait_until(lambda: twin.high == ("laser",))
        raise ZeroDivisionError
    assert wait_until(lambda: not twin.high) and light.state == "cut" and rig.state == "closed"


# -- lines that come damaged, twice or late --------------------------------------------------------------


def test_a_line_that_comes_twice_or_late_is_done_once(twin: Twin, armed_wire: Wire) -> None:
    line = encode_request(10, "PULSE", "valve1", 2000)
    armed_wire.say(line + line)
    assert isinstance(armed_wire.answer(10), Acknowledged)
    armed_wire.listen(0.1)
    assert Refused(10, "OLD") in armed_wire.heard
    assert isinstance(armed_wire.ask("PULSE", "valve2", 2000, seq=12), Acknowledged)
    assert armed_wire.ask("PULSE", "valve3", 2000, seq=11) == Refused(11, "OLD")
    assert isinstance(armed_wire.ask("PING", seq=32000), Acknowledged)
    assert isinstance(armed_wire.ask("PING", seq=64000), Acknowledged)
    assert isinstance(armed_wire.ask("PING", seq=5), Acknowledged)  # the numbers go round
    assert wait_until(lambda: len(twin.edges) == 4)
    assert {edge.channel for edge in twin.edges} == {"valve1", "valve2"}


def test_each_single_wrong_bit_of_a_line_is_found(twin: Twin, armed_wire: Wire) -> None:
    line = encode_request(10, "PULSE", "valve1", 5000)
    n_damaged = 0
    for position in range(len(line) - 1):
        for bit in (0, 3, 6):
            damaged = bytearray(line)
            damaged[position] ^= 1 << bit
            if damaged[position] in b"!\n\r":  # a stop, and other lines: never a pulse either
                continue
            n_damaged += 1
            armed_wire.say(bytes(damaged))
        armed_wire.seq = 1000 + position
        armed_wire.ask("PING", seq=armed_wire.seq)
    bad = [message for message in armed_wire.heard if isinstance(message, Refused) and message.seq == 0]
    assert len(bad) == n_damaged and {refused.reason for refused in bad} == {"CRC"}
    assert twin.edges == []


def test_lines_that_are_too_long_are_thrown_away_whole(twin: Twin, armed_wire: Wire) -> None:
    armed_wire.say(b"9 PULSE valve1 5000" + b" 0" * 100 + b"\n")
    armed_wire.listen(0.3)
    assert Refused(0, "LONG") in armed_wire.heard
    armed_wire.ask("PING")
    assert isinstance(armed_wire.ask("PULSE", "valve1", 1000), Acknowledged)


# -- limits and counts -----------------------------------------------------------------------------------


def test_a_limit_can_only_be_tightened(twin: Twin, armed_wire: Wire) -> None:
    tried = [
        ("valve1", "pulse_us", 1_000_001, "LOOSER"),
        ("valve1", "pulse_us", 60_000, "done"),
        ("valve1", "pulse_us", 60_001, "LOOSER"),
        ("valve1", "pulse_us", 0, "LOOSER"),
        ("shock", "interval_ms", 9_999, "LOOSER"),
        ("shock", "interval_ms", 0, "LOOSER"),
        ("shock", "interval_ms", 20_000, "done"),
        ("shock", "interval_ms", 3_600_001, "NUMBER"),
        ("shock", "deliveries", 61, "LOOSER"),
        ("shock", "deliveries", 0, "LOOSER"),
        ("laser", "total_ms", 5_000, "done"),
        ("laser", "total_ms", 0, "LOOSER"),
        ("host", "silence_ms", 900, "LOOSER"),
        ("host", "silence_ms", 50, "NUMBER"),
        ("valve1", "volume", 5, "CHANNEL"),
        ("valve9", "pulse_us", 5, "CHANNEL"),
    ]
    found = []
    for channel, name, value, _ in tried:
        answer = armed_wire.ask("LIMIT", channel, name, value)
        found.append((channel, name, value, answer.reason if isinstance(answer, Refused) else "done"))
    assert found == tried
    assert armed_wire.ask("PULSE", "valve1", 60_001) == Refused(armed_wire.seq, "PULSE")
    assert armed_wire.ask("LIMITS", "shock").values["interval_ms"] == "20000"  # type: ignore[union-attr]


def test_deliveries_and_time_on_are_counted_and_end(twin: Twin, armed_wire: Wire) -> None:
    armed_wire.ask("LIMIT", "aux", "deliveries", 3)
    armed_wire.ask("LIMIT", "laser", "total_ms", 10)
    for _ in range(3):
        assert isinstance(armed_wire.ask("PULSE", "aux", 1000), Acknowledged)
        time.sleep(0.02)
    assert armed_wire.ask("PULSE", "aux", 1000) == Refused(armed_wire.seq, "COUNT")
    assert isinstance(armed_wire.ask("PULSE", "laser", 6000), Acknowledged)
    time.sleep(0.02)
    assert armed_wire.ask("PULSE", "laser", 5000) == Refused(armed_wire.seq, "TOTAL")
    assert isinstance(armed_wire.ask("PULSE", "laser", 4000), Acknowledged)
    values = armed_wire.ask("LIMITS", "aux").values  # type: ignore[union-attr]
    assert (values["used"], values["used_ms"]) == ("3", "3")


def test_shocks_keep_their_interval_and_their_count_outlives_a_reset(twin: Twin, armed_wire: Wire) -> None:
    assert isinstance(armed_wire.ask("PULSE", "shock", 20_000), Acknowledged)
    assert wait_until(lambda: len(twin.edges) == 2)
    armed_wire.listen(0.1)
    assert armed_wire.ask("PULSE", "shock", 20_000) == Refused(armed_wire.seq, "INTERVAL")
    values = armed_wire.ask("LIMITS", "shock").values  # type: ignore[union-attr]
    assert values["used"] == "1" and 8_000 < int(values["wait_ms"]) <= 10_100
    assert armed_wire.ask("NEW") == Refused(armed_wire.seq, "ARMED")
    twin.reset()
    armed_wire.listen(0.3)
    armed_wire.ask("HELLO")
    values = armed_wire.ask("LIMITS", "shock").values  # type: ignore[union-attr]
    assert values["used"] == "1" and 8_000 < int(values["wait_ms"]) <= 10_100
    assert armed_wire.ask("NEW") == Refused(armed_wire.seq, "RELEASED")
    twin.press_estop()
    armed_wire.listen(0.1)
    assert isinstance(armed_wire.ask("NEW"), Acknowledged)
    assert armed_wire.ask("LIMITS", "shock").values["used"] == "0"  # type: ignore[union-attr]


def test_the_host_tightens_the_device_at_once(twin: Twin) -> None:
    with MouseRig(twin.address, limits=Limits(pulse_us={"valve1": 60_000})) as rig:
        assert rig.ceilings["valve1"].pulse_us == 60_000
        rig.arm()
        with pytest.raises(ValueError, match="not delivered"):
            rig.deliver("valve1", 60_001)
    assert twin.edges == []


# -- what the device senses ------------------------------------------------------------------------------


def test_licks_and_frames_come_with_the_devices_time(twin: Twin, rig: MouseRig) -> None:
    def after(hand: Callable[[], None]) -> DeviceEvent:
        hand()
        assert wait_until(lambda: not rig.events.empty())
        return rig.events.get()

    drained(rig)
    events: list[DeviceEvent] = []
    for _ in range(3):
        events.append(after(lambda: twin.lick(True)))
        events.append(after(twin.frame))
        time.sleep(0.02)
        events.append(after(lambda: twin.lick(False)))
        time.sleep(0.02)
    licks = [event for event in events if event.kind == "lick"]
    frames = [event for event in events if event.kind == "frame"]
    assert [event.value for event in licks] == [1, 0, 1, 0, 1, 0]
    assert [event.value for event in frames] == [1, 2, 3]
    times = [event.device_us for event in licks]
    assert all(after - before >= 2000 for before, after in pairwise(times))  # type: ignore[operator]


def test_every_event_has_the_number_after_the_one_before(twin: Twin, armed_wire: Wire) -> None:
    for _ in range(20):
        armed_wire.ask("PULSE", "valve1", 1000)
        time.sleep(0.005)
    armed_wire.listen(0.3)
    events = [message for message in armed_wire.heard if isinstance(message, Event)]
    assert len(events) >= 20
    counts = [event.count for event in events]
    assert counts == list(range(counts[0], counts[0] + len(counts)))


def test_the_clocks_are_joined_by_a_line(rig: MouseRig) -> None:
    assert wait_until(lambda: len(rig.round_trips) >= 25)
    clock = rig.clock
    assert clock is not None and clock.n_pairs >= 10
    assert clock.residual_s < 0.1
