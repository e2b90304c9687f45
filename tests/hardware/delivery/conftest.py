"""The twins of the mouse rig, each as the suite of the protocol meets it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest

from hardware.delivery.limits import Limits
from hardware.delivery.mouse_rig import MouseRig
from hardware.delivery.records import DeviceEvent
from hardware.simulated import compiled_rig
from hardware.simulated.compiled_rig import CompiledRig
from hardware.simulated.mouse_rig import SimulatedRig

Twin = SimulatedRig | CompiledRig

GENEROUS = Limits(n_shocks=10, current_ma=0.5, min_interval_s=0.0, volume_ul=100.0)


def make_twin(kind: str) -> Twin:
    if kind == "socket":
        return SimulatedRig.on_socket()
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals")
    if kind == "pty":
        return SimulatedRig.on_pty()
    if problem := compiled_rig.why_not():
        pytest.skip(problem)
    return CompiledRig()


@pytest.fixture(params=["pty", "socket", "firmware"])
def twin(request: pytest.FixtureRequest) -> Iterator[Twin]:
    with make_twin(request.param) as made:
        yield made


@pytest.fixture
def rig(twin: Twin) -> Iterator[MouseRig]:
    with MouseRig(twin.address, limits=GENEROUS) as connected:
        yield connected


def wait_until(true: Callable[[], object], within_s: float = 20.0) -> bool:
    until_s = time.monotonic() + within_s
    while not true() and time.monotonic() < until_s:
        time.sleep(0.005)
    return bool(true())


def drained(rig: MouseRig) -> list[DeviceEvent]:
    events = []
    while not rig.events.empty():
        events.append(rig.events.get())
    return events


def wait_for_event(rig: MouseRig, kind: str, within_s: float = 20.0) -> DeviceEvent:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        for event in drained(rig):
            if event.kind == kind:
                return event
        time.sleep(0.005)
    raise AssertionError(f"no event {kind!r} within {within_s} s")
