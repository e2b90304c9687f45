"""What a session needs of its surroundings: a clock, a delivery, a recording, and someone who may stop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from experiments.mouse_face.live import DeliveredRow


class SessionFailed(RuntimeError):  # noqa: N818 (like SessionStopped: the end of a session, with its reason)
    """The session ended because something did not work any more; its words say what, and what to do."""


@dataclass(frozen=True)
class Output:
    """What one output of the device shall do."""

    channel: str
    """Which output."""
    pulse_us: int
    """Length of one pulse (µs)."""
    n_pulses: int = 1
    """How many."""
    period_us: int = 0
    """From rise to rise (µs); not looked at where there is one pulse."""

    @property
    def on_s(self) -> float:
        """Time on, all pulses together (s)."""
        return self.n_pulses * self.pulse_us / 1e6


@dataclass(frozen=True)
class Order:
    """What one trial delivers: its outputs begin together."""

    trial: int
    """Its number."""
    outputs: tuple[Output, ...]
    """None where nothing is delivered."""
    volume_ul: float = 0.0
    """Liquid, all pulses together (µl)."""
    current_ma: float | None = None
    """What the shocker is set to (mA); of shocks only."""


@dataclass(frozen=True)
class News:
    """What a device said, before it has a place on the session's clock; see `DeliveredRow`."""

    kind: str
    host_s: float
    """The host's clock when it came (s); of kind ``clock``, the moment at which both clocks were read."""
    channel: str | None = None
    value: str | None = None
    trial: int | None = None
    n_pulses: int | None = None
    on_s: float | None = None
    device_s: float | None = None

    def row(self, zero_s: float) -> DeliveredRow:
        """Return it as a row of ``delivered.tsv``; `zero_s` is the host's clock at the session's start."""
        return DeliveredRow(
            time=self.host_s - zero_s,
            kind=self.kind,
            channel=self.channel,
            value=self.value,
            trial=self.trial,
            n_pulses=self.n_pulses,
            on_s=self.on_s,
            device_s=self.device_s,
            monotonic=self.host_s,
        )


class SessionClock(Protocol):
    """A clock of `hardware.clocks`."""

    virtual: bool

    def now(self) -> float:
        """Return the time (s)."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


@runtime_checkable
class Delivery(Protocol):
    """The device that delivers, as a session uses it; nothing in it ever waits for the line."""

    def arm(self) -> None:
        """Allow deliveries.

        Raises
        ------
        SessionFailed, ConnectionError
            If the device does not answer or refuses.
        """

    def order(self, order: Order) -> None:
        """Send what a trial delivers, and return at once."""

    def news(self) -> Sequence[News]:
        """Return what the device has said since the last call."""

    def problem(self) -> str | None:
        """Say what is wrong, such as a cable that was pulled; None while all is well."""

    def stop(self) -> str:
        """Put all outputs low now, and say in words whether the device confirmed it; never raises."""

    def close(self) -> None:
        """Release the line, all outputs low; may be called twice, and never raises."""


@runtime_checkable
class CameraRecording(Protocol):
    """A camera that is being recorded: `hardware.cameras.recorder.FrameRecorder`."""

    failure: str | None
    n_written: int

    def start(self) -> None:
        """Begin to record."""

    def finish(self) -> Any:
        """End, with every frame written; may be called twice."""


class Experimenter(Protocol):
    """Who watches over the session: may end it, and does by hand what no device does."""

    def check(self) -> None:
        """Raise `SessionStopped` if the session shall end: the Escape key, a closed window, a signal."""

    def ask(self, text: str) -> None:
        """Ask for something that is done by hand, such as setting the shocker to a current."""

    def answered(self) -> bool:
        """Say whether it was done."""
