"""Trigger codes as markers of the Lab Streaming Layer, for recorders in the same network or computer."""

from __future__ import annotations

from typing import Any, Literal

from hardware.lsl_library import load_pylsl
from hardware.protocols import Pulse, check_code


class LslTrigger:
    """A marker stream; each marker has the time of the LSL clock at which it was sent.

    Parameters
    ----------
    stream_name : str
        Name under which recorders find the stream.
    values : {"int", "string"}
        Whether a marker is the number 21 or the text ``"21"``: some recorders only take texts.

    Raises
    ------
    ValueError
        If LSL does not work here; the message says what to install.

    Notes
    -----
    The stream keeps its source id, so that a recorder finds it again when the session is resumed.
    """

    pulse: Pulse = "device"

    def __init__(self, *, stream_name: str, values: Literal["int", "string"] = "int") -> None:
        pylsl = load_pylsl()
        self._as_text = values == "string"
        info = pylsl.StreamInfo(
            stream_name,
            "Markers",
            1,
            pylsl.IRREGULAR_RATE,
            "string" if self._as_text else "int32",
            f"countenance-{stream_name}",
        )
        info.desc().append_child_value("manufacturer", "Countenance")
        channel = info.desc().append_child("channels").append_child("channel")
        channel.append_child_value("label", "trigger code")
        self._outlet: Any = pylsl.StreamOutlet(info)

    def send(self, code: int) -> None:
        """Publish a marker; returns at once, whether someone listens or not.

        Raises
        ------
        RuntimeError
            If the stream was closed.
        """
        check_code(code)
        if self._outlet is None:
            raise RuntimeError("the LSL marker stream was closed, so the recording would lack triggers")
        self._outlet.push_sample([str(code) if self._as_text else code])

    def has_listener(self) -> bool:
        """Say whether a recorder has connected to the stream."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def reset(self) -> None:
        """Do nothing: a marker has no length."""

    def close(self) -> None:
        """End the stream."""
        self._outlet = None
