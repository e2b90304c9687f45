"""What a simulated amplifier hears: trigger codes on a line or over LSL, and requests to the participant."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable

Heard = Callable[[float, str], None]
"""Takes the time (LSL clock of this computer) and what was heard."""


class LineEar:
    """Listens for bytes on a trigger line, in a thread that stamps each at once.

    Parameters
    ----------
    heard : callable
        Takes time and code; zeros, which end a pulse, are not told.
    port : int or None
        TCP port on this computer (0: any that is free); None makes a pseudo-terminal instead, where the
        system has them.

    Attributes
    ----------
    address : str
        What belongs into ``port`` of the rig file.
    """

    def __init__(self, heard: Heard, *, port: int | None) -> None:
        self._heard = heard
        self._server: socket.socket | None = None
        self._terminal: int | None = None
        if port is None:
            self.address = self._open_terminal()
        else:
            self._server = socket.create_server(("127.0.0.1", port))
            self.address = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        if self._terminal is not None:
            with contextlib.suppress(OSError):
                os.close(self._terminal)
            self._terminal = None

    def _open_terminal(self) -> str:
        if not hasattr(os, "openpty"):
            raise ValueError("this system has no pseudo-terminals: listen on a TCP port instead (--listen)")
        import tty

        self._terminal, other = os.openpty()
        tty.setraw(other)
        return os.ttyname(other)

    def _listen(self) -> None:
        if self._terminal is not None:
            terminal = self._terminal
            self._read(lambda: os.read(terminal, 64))
            return
        assert self._server is not None
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._read(lambda taken=connection: taken.recv(64))  # type: ignore[misc]

    def _read(self, read: Callable[[], bytes]) -> None:
        import pylsl

        with contextlib.suppress(OSError):
            while content := read():
                now_s = pylsl.local_clock()
                for code in content:
                    if code:
                        self._heard(now_s, str(code))


class LslEar:
    """Listens to LSL marker streams of a name, whenever there is one, in a thread.

    Parameters
    ----------
    heard : callable
        Takes the marker's own time and its text.
    name : str
        Name of the stream.
    """

    def __init__(self, heard: Heard, *, name: str) -> None:
        self._heard, self._name = heard, name
        self._closed = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()

    def _listen(self) -> None:
        import pylsl

        known: dict[str, tuple[pylsl.StreamInlet, float]] = {}
        seeking = pylsl.ContinuousResolver(prop="name", value=self._name, forget_after=2.0)
        while not self._closed.is_set():
            present = {info.uid(): info for info in seeking.results()}
            for uid in [uid for uid in known if uid not in present]:
                self._take(known.pop(uid)[0], 0.0)
            for uid in [uid for uid in present if uid not in known]:
                inlet = pylsl.StreamInlet(present[uid], recover=False)
                with contextlib.suppress(TimeoutError, RuntimeError):
                    inlet.open_stream(timeout=2.0)
                    known[uid] = (inlet, inlet.time_correction(timeout=2.0))
            if not known:
                self._closed.wait(0.05)
            for inlet, offset_s in list(known.values()):
                self._take(inlet, offset_s)

    def _take(self, inlet: object, offset_s: float) -> None:

        with contextlib.suppress(RuntimeError):
            timeout_s = 0.02
            while True:
                values, at_s = inlet.pull_sample(timeout=timeout_s)  # type: ignore[attr-defined]
                if at_s is None:
                    return
                self._heard(at_s + offset_s, str(values[0]))
                timeout_s = 0.0
