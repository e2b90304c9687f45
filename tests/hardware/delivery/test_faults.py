"""Whatever goes wrong between host and device: low outputs within a second, and a host that knows."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hardware.delivery.limits import Limits
from hardware.delivery.line import LineLostError
from hardware.delivery.mouse_rig import MouseRig, RigRefusedError
from hardware.delivery.records import Delivery
from hardware.simulated.bad_line import BadLine
from hardware.simulated.compiled_rig import CompiledRig
from hardware.simulated.mouse_rig import SimulatedRig

from .conftest import GENEROUS, Twin, drained, make_twin, wait_until

ROOT = Path(__file__).resolve().parents[3]

HOST = """
import sys, time
from hardware.delivery.limits import Limits
from hardware.delivery.mouse_rig import MouseRig
from hardware.delivery.records import Course
with MouseRig(sys.argv[1], limits=Limits()) as rig:
    rig.arm()
    print("armed", flush=True)
    while True:
        rig.deliver("laser", 900_000, 30, 1_000_000, also=[Course("aux", 700_000)])
        time.sleep(0.3)
        if sys.argv[2] == "ends":
            raise RuntimeError("something in the session went wrong")
        time.sleep(60)
"""


class VirtualHost:
    """A rig and its twin on a clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.s = 100.0
        self.twin = SimulatedRig(now=lambda: self.s)
        self.line = self.twin.line()
        self.rig = MouseRig(self.line, limits=Limits(), now=lambda: self.s, threaded=False)

    def run(self, seconds: float, step_s: float = 0.02) -> None:
        for _ in range(round(seconds / step_s)):
            self.s += step_s
            self.rig.step()


def low_after_s(twin: Twin, since_s: float, within_s: float = 8.0) -> float:
    assert wait_until(lambda: not twin.high, within_s), f"still high: {twin.high}"
    return time.monotonic() - since_s


# -- the line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pty", "socket", "firmware"])
def test_a_cable_that_is_pulled_ends_in_low_outputs_and_a_rig_that_says_so(kind: str) -> None:
    with make_twin(kind) as twin, MouseRig(twin.address, limits=GENEROUS) as rig:
        rig.arm()
        light = rig.deliver("laser", 10_000_000)
        assert wait_until(lambda: twin.high == ("laser",))
        pulled_s = time.monotonic()
        if isinstance(twin, SimulatedRig):
            twin.unplug()
            assert low_after_s(twin, pulled_s) < 1.0
        else:
            twin.close()  # a board without power has no outputs
        assert wait_until(lambda: rig.state == "lost", 3.0)
        assert light.settled and light.state == "unknown"
        lost = [event for event in drained(rig) if event.kind == "lost"]
        assert len(lost) == 1 and ("gone" in lost[0].text or "not answered" in lost[0].text)
        with pytest.raises(LineLostError):
            rig.deliver("valve1", 1000)
        rig.stop()  # must not raise
    assert rig.state == "closed"


def test_a_wire_that_loses_everything_is_noticed_within_a_second_and_a_half() -> None:
    host = VirtualHost()
    with host.rig as rig:
        rig.arm()
        host.run(1.0)
        rig.deliver("aux", 9_000_000)
        host.run(0.1)
        host.line.write = lambda data: None  # the host's half of the cable is broken
        host.run(1.5)
        assert host.twin.high == () and rig.state in ("lost", "stopped")
        stops = [event.text for event in drained(rig) if event.kind == "stop"]
        assert stops[0].startswith("the host was silent")


@pytest.mark.parametrize(
    "faults",
    [
        {"damage": 0.05},
        {"repeat": 0.2},
        {"swap": 0.1},
        {"lose": 0.05},
        dict.fromkeys(("damage", "repeat", "swap", "lose"), 0.02),
    ],
    ids=lambda faults: "+".join(faults),
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_bad_line_the_host_never_believes_what_did_not_happen(
    faults: dict[str, float], seed: int
) -> None:
    check_bad_line(faults, seed, n=100)


@pytest.mark.slow
def test_on_many_bad_lines_the_host_never_believes_what_did_not_happen() -> None:
    for seed in range(200):
        check_bad_line(dict.fromkeys(("damage", "repeat", "swap", "lose"), 0.03), seed, n=100)


def check_bad_line(faults: dict[str, float], seed: int, n: int) -> None:
    """What is `done` happened once and whole; what is `not_delivered` or `refused` did not; nothing twice."""
    rng = np.random.default_rng(seed)
    host = VirtualHost()
    host.rig.connect()
    bad = BadLine(host.twin.line(), rng=rng, **faults)
    host.rig._talk._line = bad  # type: ignore[union-attr]  # the line gets bad after the connection was made
    ordered: list[Delivery] = []
    try:
        for number in range(n):
            if host.rig.state in ("stopped", "connected"):
                try:
                    host.rig.arm()
                except (RigRefusedError, LineLostError):
                    host.run(0.2)
                    continue
            if host.rig.state == "lost":
                break
            if host.rig.state != "armed":  # such as a report of a stop that came after the answer to ARM
                continue
            # each order has a length of its own, by which it is found among what the device did
            with contextlib.suppress(RigRefusedError, LineLostError):
                ordered.append(host.rig.deliver("valve1", 10_000 + 10 * number))
            host.run(0.1, 0.01)
        host.run(2.0)
    finally:
        host.rig.close()
    host.s += 2.0
    assert host.twin.high == () and bad.n_faults > 0
    edges = host.twin.edges
    lengths = [fall.device_us - rise.device_us for rise, fall in zip(edges[::2], edges[1::2], strict=True)]
    whole = [length for length in lengths if length >= 10_000 and length % 10 == 0]
    assert len(whole) == len(set(whole)), "something was delivered twice"
    for delivery in ordered:
        happened = delivery.course.pulse_us in whole
        if delivery.state == "done":
            assert happened, delivery
        if delivery.state in ("not_delivered", "refused"):
            assert not happened, delivery
    assert len(ordered) > n / 4
    assert sum(one.state == "done" for one in ordered) > len(ordered) / 2


# -- the host --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pty", "socket", "firmware"])
def test_a_host_that_is_killed_leaves_low_outputs_within_a_second(kind: str) -> None:
    check_kills(kind, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pty", "socket"])
def test_a_host_that_is_killed_at_fifty_moments_leaves_low_outputs_within_a_second(kind: str) -> None:
    check_kills(kind, 50)


def start_host(twin: Twin, how: str) -> subprocess.Popen[str]:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, twin.address, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert host.stdout is not None and host.stdout.readline() == "armed\n"
    return host


def check_kills(kind: str, n: int) -> None:
    rng = np.random.default_rng(5)
    with make_twin(kind) as twin:
        for _ in range(n):
            host = start_host(twin, "stays")
            assert wait_until(lambda: twin.edges and set(twin.high) & {"laser", "aux"})
            time.sleep(float(rng.uniform(0, 0.4)))
            host.kill()
            killed_s = time.monotonic()
            host.wait()
            assert host.stdout is not None
            host.stdout.close()
            took_s = low_after_s(twin, killed_s)
            if isinstance(twin, SimulatedRig):
                assert took_s < 1.0
            twin.edges.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that freeze a program")
def test_a_host_that_is_frozen_is_stopped_and_learns_of_it_when_it_wakes() -> None:
    with SimulatedRig.on_socket() as twin:
        host = start_host(twin, "stays")
        assert wait_until(lambda: twin.high)
        os.kill(host.pid, signal.SIGSTOP)
        frozen_s = time.monotonic()
        assert low_after_s(twin, frozen_s) < 1.0 and not twin.armed
        os.kill(host.pid, signal.SIGCONT)
        time.sleep(0.3)
        assert twin.high == () and not twin.armed
        host.kill()
        host.wait()
        assert host.stdout is not None
        host.stdout.close()


@pytest.mark.parametrize("kind", ["pty", "socket", "firmware"])
def test_a_session_that_ends_in_an_exception_leaves_low_outputs(kind: str) -> None:
    with make_twin(kind) as twin:
        host = start_host(twin, "ends")
        assert host.wait(20) == 1
        assert host.stdout is not None
        host.stdout.close()
        assert wait_until(lambda: not twin.high) and len(twin.edges) >= 4
        assert all(count == 0 for count in balance(twin).values())


def balance(twin: Twin) -> dict[str, int]:
    count: dict[str, int] = {}
    for edge in list(twin.edges):
        count[edge.channel] = count.get(edge.channel, 0) + (1 if edge.on else -1)
    return count


@pytest.mark.parametrize("jump_s", [5.0, 3600.0, -3600.0])
def test_a_clock_that_jumps_ends_in_low_outputs(jump_s: float) -> None:
    host = VirtualHost()
    with host.rig as rig:
        rig.arm()
        host.run(1.0)
        light = rig.deliver("laser", 5_000_000)
        host.run(0.1)
        assert host.twin.high == ("laser",)
        host.s += jump_s
        host.run(1.0)
        if jump_s > 0:
            assert light.state in ("cut", "done", "unknown") and rig.state in ("stopped", "lost")
        assert rig.state != "closed"
    host.s += 10.0 + abs(jump_s)
    assert host.twin.high == ()


# -- a device that is not what it should be --------------------------------------------------------------


class Answers:
    """Something on the line that is no mouse rig."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.waiting = answer, b""

    def read(self, within_s: float) -> bytes:
        time.sleep(within_s)
        came, self.waiting = self.waiting, b""
        return came

    def write(self, data: bytes) -> None:
        self.waiting += self.answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "answer", [b"", b"OK\r\n", b"\xff\x00" * 50, b"A 1 5 other-device protocol=1*1DB3\n"]
)
def test_what_is_no_mouse_rig_is_refused(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr("hardware.delivery.mouse_rig.CONNECT_S", 0.6)
    rig = MouseRig(Answers(answer), limits=Limits())
    with pytest.raises(ValueError, match=r"as mouse rig|came: put the firmware"):
        rig.connect()
    assert rig.state == "closed"


def test_a_port_that_is_not_there_is_answered() -> None:
    with pytest.raises(ValueError, match="could not be opened"):
        MouseRig("/dev/no-such-port", limits=Limits()).connect()


def test_a_rig_is_used_in_its_order() -> None:
    host = VirtualHost()
    rig = host.rig
    with pytest.raises(RigRefusedError, match=r"connect\(\) it first"):
        rig.arm()
    with rig:
        with pytest.raises(RigRefusedError, match=r"arm\(\) it first"):
            rig.deliver("valve1", 1000)
        with pytest.raises(ValueError, match="opens a new rig once"):
            rig.connect()
        with pytest.raises(ValueError, match="no output 'valve9'"):
            rig.deliver("valve9", 1000)
        rig.stop()
        rig.stop()
    rig.close()
    with pytest.raises(RigRefusedError, match="make another one"):
        rig.arm()
    assert host.twin.edges == []


def test_the_compiled_rig_goes_down_with_its_host() -> None:
    twin = make_twin("firmware")
    assert isinstance(twin, CompiledRig)
    twin.close()
    twin.close()
    assert twin._process.poll() is not None
