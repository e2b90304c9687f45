"""The device's end of a serial line."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator

import pytest


class PseudoTerminal:
    """A serial line whose other end the test holds."""

    def __init__(self) -> None:
        import pty
        import tty

        self.device, computer = pty.openpty()
        tty.setraw(computer)
        self.name = os.ttyname(computer)
        self._computer = computer

    def received(self, n_bytes: int) -> bytes:
        data = b""
        until_s = time.monotonic() + 5
        while len(data) < n_bytes and time.monotonic() < until_s:
            if select.select([self.device], [], [], 0.1)[0]:
                data += os.read(self.device, 4096)
        if select.select([self.device], [], [], 0.05)[0]:
            data += os.read(self.device, 4096)
        return data

    def answer(self, data: bytes) -> None:
        os.write(self.device, data)

    def close(self) -> None:
        os.close(self.device)
        os.close(self._computer)


@pytest.fixture
def line() -> Iterator[PseudoTerminal]:
    if sys.platform == "win32":
        pytest.skip("pseudo-terminals are POSIX")
    terminal = PseudoTerminal()
    yield terminal
    terminal.close()
