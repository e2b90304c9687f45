"""Does the recorder see the trigger codes? Here LSL streams are asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from hardware.checks import Finding, check_codes_seen, failed, ok, split_remedy, warning
from hardware.inventory import wait_until
from hardware.lsl_library import load_pylsl
from hardware.protocols import TriggerPort
from hardware.settings import RigSettings
from hardware.status_channel import code_begins
from hardware.triggers import LslTrigger

FIND_S = 5.0
"""Longest wait for a stream."""

CONNECT_S = 3.0
"""Longest wait for a recorder that connects."""

SETTLE_S = 1.0
"""How long the last codes may travel."""

LISTEN_S = 2.0
"""Longest time in which what has arrived is read."""


class Listener(Protocol):
    """Something in which trigger codes can be seen."""

    where: str
    """What messages call it."""

    def codes(self) -> list[int]:
        """Return the codes that came since it was opened."""

    def close(self) -> None:
        """Stop listening."""


class StatusListener:
    """The status channel of the amplifier's LSL stream.

    Parameters
    ----------
    inlet : pylsl.StreamInlet
        The open stream.
    channel : int
        Number of its status channel, from 0.
    where : str
        What messages call it.

    Raises
    ------
    ValueError
        If no samples come.
    """

    def __init__(self, inlet: Any, channel: int, where: str) -> None:
        self.where = where
        self._inlet = inlet
        self._channel = channel
        if inlet.pull_sample(timeout=FIND_S)[0] is None:
            raise ValueError(f"{where} sends no samples: press start in the amplifier's program")

    def codes(self) -> list[int]:
        """Return the codes that came since it was opened."""
        values: list[float] = []
        until_s = time.monotonic() + LISTEN_S  # the stream never ends
        while time.monotonic() < until_s and (
            chunk := self._inlet.pull_chunk(timeout=0.0, max_samples=4096)[0]
        ):
            values += [sample[self._channel] for sample in chunk]
        return code_begins(values)[1].tolist()

    def close(self) -> None:
        """Stop listening."""
        self._inlet.close_stream()


class MarkerListener:
    """The suite's own LSL marker stream.

    Parameters
    ----------
    stream_name : str
        Its name.
    """

    def __init__(self, stream_name: str) -> None:
        self.where = f"the LSL stream {stream_name!r}"
        pylsl = load_pylsl()
        found = pylsl.resolve_byprop("name", stream_name, timeout=FIND_S)
        if not found:
            raise ValueError(
                f"{self.where} cannot be seen on this computer: does a firewall block LSL (TCP and UDP ports "
                "16572 to 16604)?"
            )
        self._inlet = pylsl.StreamInlet(found[0], recover=False)
        self._inlet.open_stream(timeout=FIND_S)

    def codes(self) -> list[int]:
        """Return the codes that came since it was opened."""
        chunk, _ = self._inlet.pull_chunk(timeout=0.2, max_samples=4096)
        return [int(sample[0]) for sample in chunk]

    def close(self) -> None:
        """Stop listening."""
        self._inlet.close_stream()


def open_listeners(rig: RigSettings) -> tuple[list[Listener], list[Finding]]:
    """Open what the suite can hear of the rig's recorder, once the trigger devices are open."""
    listeners: list[Listener] = []
    findings: list[Finding] = []
    try:
        if rig.recorder.kind == "lsl":
            from hardware.recorders.lsl_streams import find_signal_inlet

            load_pylsl()
            stream, inlet = find_signal_inlet(rig, find_s=FIND_S)
            where = f"the LSL stream {stream.name!r}"
            muscles = ", ".join(
                f"{muscle} = {rig.amplifier_channels[muscle]!r}" for muscle in rig.amplifier_channels
            )
            findings.append(ok("recorder", f"{where}: {stream.fs_hz:g} Hz, {muscles}"))
            if stream.status is not None and any(trigger.kind != "lsl" for trigger in rig.triggers):
                channel = f"channel {rig.amplifier_status_channel!r} of {where}"
                listeners.append(StatusListener(inlet, stream.status, channel))
            else:
                inlet.close_stream()
        for trigger in rig.triggers:
            if trigger.kind == "lsl":
                listeners.append(MarkerListener(trigger.stream_name))
    except ValueError as error:
        findings.append(failed("recorder", *split_remedy(str(error))))
    return listeners, findings


def check_heard(listeners: Sequence[Listener]) -> list[Finding]:
    """Compare what arrived with the staircase, and stop listening."""
    time.sleep(SETTLE_S)
    findings = []
    for listener in listeners:
        findings.append(check_codes_seen(listener.codes(), listener.where))
        listener.close()
    return findings


def check_external(rig: RigSettings, ports: Sequence[TriggerPort]) -> Finding | None:
    """Look whether another program has connected to the marker stream; None where nothing can be told."""
    for trigger, port in zip(rig.triggers, ports, strict=False):
        if rig.recorder.kind == "external" and isinstance(port, LslTrigger):
            if wait_until(port.has_listener, CONNECT_S):
                return ok("recorder", f"a program listens to the LSL stream {trigger.stream_name!r}")
            return warning(
                "recorder",
                f"no program listens to the LSL stream {trigger.stream_name!r}",
                "start the recorder (LabRecorder or the amplifier's program) and choose this stream in it",
            )
    return None
