"""A simulated mouse rig: the twin of the device on a line, on a pseudo-terminal or on a network socket.

Examples
--------
>>> from hardware.delivery.limits import Limits
>>> from hardware.delivery.mouse_rig import MouseRig
>>> twin = SimulatedRig()
>>> with MouseRig(twin.line(), limits=Limits()) as rig:
...     rig.arm()
...     delivery = rig.deliver("valve1", 20_000)
...     delivery.wait(1.0), delivery.state, delivery.on_us
(True, 'done', 20000)
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple

from hardware.delivery.ceilings import COMPILED, Ceilings
from hardware.delivery.line import LineLostError
from hardware.simulated.mouse_device import SimulatedDevice

TICK_S = 0.0005
"""How often a twin with a thread looks at its clock."""


class Edge(NamedTuple):
    """An output that switched."""

    channel: str
    on: bool
    device_us: int


class SimulatedRig:
    """A device that nobody has to wire; everything it says names ``board=simulated``.

    Parameters
    ----------
    now : callable
        Its clock (s); a virtual one for sessions that run faster than real time.
    ceilings : mapping
        Output -> `Ceilings`.
    on_output : callable or None
        Told of each output that switches: channel, on or off, device time (µs).

    Attributes
    ----------
    edges : list of Edge
        Every output that ever switched.
    address : str
        Where a twin on a pseudo-terminal or socket is found.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.perf_counter,
        ceilings: Mapping[str, Ceilings] = COMPILED,
        on_output: Callable[[str, bool, int], None] | None = None,
    ) -> None:
        self.edges: list[Edge] = []
        self.address = ""
        self._now, self._heard = now, on_output
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._close_transport: Callable[[], None] = lambda: None
        self.unplugged = False
        self._device = SimulatedDevice(self._now_us(), ceilings=ceilings, on_output=self._switched)

    # -- where it is plugged in ----------------------------------------------------------------------------

    def line(self) -> SimulatedLine:
        """Return a line within this program, without port or thread."""
        return SimulatedLine(self)

    @classmethod
    def on_pty(cls, **options: object) -> SimulatedRig:
        """Return a twin on a pseudo-terminal (not on Windows); `address` is its port."""
        import pty
        import tty

        twin = cls(**options)  # type: ignore[arg-type]
        device_end, host_end = pty.openpty()
        tty.setraw(host_end)
        twin.address = os.ttyname(host_end)
        os.set_blocking(device_end, False)

        def close() -> None:
            for end in (device_end, host_end):
                with contextlib.suppress(OSError):
                    os.close(end)

        twin._serve(lambda: _read_pty(device_end), lambda data: _write_pty(device_end, data), close)
        return twin

    @classmethod
    def on_socket(cls, **options: object) -> SimulatedRig:
        """Return a twin on a socket of this computer; `address` is ``socket://127.0.0.1:PORT``."""
        twin = cls(**options)  # type: ignore[arg-type]
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(TICK_S)
        transport = _SocketTransport(server)
        twin.address = f"socket://127.0.0.1:{server.getsockname()[1]}"
        twin._serve(transport.read, transport.write, transport.close)
        return twin

    # -- hands on the rig ----------------------------------------------------------------------------------

    def press_estop(self) -> None:
        """Press the emergency stop, or cut its cable."""
        with self._lock:
            self._device.press_estop(self._now_us())

    def release_estop(self) -> None:
        """Release the emergency stop."""
        with self._lock:
            self._device.release_estop(self._now_us())

    def lick(self, touching: bool) -> None:
        """Let the tongue touch or leave the spout."""
        with self._lock:
            self._device.lick(touching, self._now_us())

    def frame(self) -> None:
        """Let the camera expose a frame."""
        with self._lock:
            self._device.frame(self._now_us())

    def reset(self) -> None:
        """Press the board's reset button."""
        with self._lock:
            self._device.reset(self._now_us())

    def unplug(self) -> None:
        """Pull the cable: nothing comes or goes any more, and the device goes on by itself."""
        self.unplugged = True

    @property
    def high(self) -> tuple[str, ...]:
        """Outputs that are high now."""
        with self._lock:
            self._device.advance(self._now_us())
            return self._device.high

    @property
    def armed(self) -> bool:
        """Whether it is armed now."""
        with self._lock:
            self._device.advance(self._now_us())
            return self._device.armed

    def close(self) -> None:
        """Switch the twin off; may be called twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        self._close_transport()

    def __enter__(self) -> SimulatedRig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- bytes ---------------------------------------------------------------------------------------------

    def exchange(self, data: bytes) -> bytes:
        """Give bytes to the device, let time go on, and return what it says."""
        with self._lock:
            self._device.receive(data, self._now_us())
            return self._device.take_sent()

    def _serve(
        self, read: Callable[[], bytes], write: Callable[[bytes], None], close: Callable[[], None]
    ) -> None:
        self._close_transport = close

        def run() -> None:
            while not self._closing.wait(TICK_S):
                data = b"" if self.unplugged else read()
                sent = self.exchange(data)
                if sent and not self.unplugged:
                    write(sent)

        self._thread = threading.Thread(target=run, name="simulated mouse rig", daemon=True)
        self._thread.start()

    def _switched(self, channel: str, on: bool, device_us: int) -> None:
        self.edges.append(Edge(channel, on, device_us))
        if self._heard is not None:
            self._heard(channel, on, device_us)

    def _now_us(self) -> int:
        return round(1e6 * self._now())


class SimulatedLine:
    """A `hardware.delivery.line.Line` to a twin within this program."""

    def __init__(self, twin: SimulatedRig) -> None:
        self._twin, self._came = twin, bytearray()
        self._lock = threading.Lock()

    def read(self, within_s: float) -> bytes:
        """Return what the device has said; wait up to `within_s` for it."""
        until_s = time.monotonic() + within_s
        while True:
            with self._lock:
                self._came += self._exchanged(b"")
                came = bytes(self._came)
                self._came.clear()
            if came or time.monotonic() >= until_s:
                return came
            time.sleep(TICK_S)

    def write(self, data: bytes) -> None:
        """Give bytes to the device."""
        with self._lock:
            self._came += self._exchanged(data)

    def close(self) -> None:
        """Do nothing: the twin goes on."""

    def _exchanged(self, data: bytes) -> bytes:
        if self._twin.unplugged:
            raise LineLostError("the line to the simulated mouse rig is gone (unplugged)")
        return self._twin.exchange(data)


class _SocketTransport:
    """One host at a time on a listening socket."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._host: socket.socket | None = None

    def read(self) -> bytes:
        if self._host is None:
            with contextlib.suppress(TimeoutError, OSError):
                self._host, _ = self._server.accept()
                self._host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._host.setblocking(False)
            return b""
        try:
            data = self._host.recv(4096)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            data = b""
        if not data:
            self._leave()
        return data

    def write(self, data: bytes) -> None:
        if self._host is not None:
            try:
                self._host.sendall(data)
            except OSError:
                self._leave()

    def close(self) -> None:
        self._leave()
        self._server.close()

    def _leave(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None


def _read_pty(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except OSError:  # nothing there, or no host
        return b""


def _write_pty(end: int, data: bytes) -> None:
    with contextlib.suppress(OSError):  # a host that does not read loses what it is told
        os.write(end, data)
