"""An X server of its own, with keys that really go down and pixels that can be read while it runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SCREEN_PX = (1024, 768)


class VirtualScreen:
    """A virtual screen: nothing of the tester's desktop is touched.

    Parameters
    ----------
    name : str
        Its DISPLAY, such as ``:99``.
    framebuffer : Path or None
        The file in which the server keeps its pixels.
    server : int
        Process number of the server.
    size_px : tuple of int
        Its width and height.
    """

    def __init__(
        self,
        name: str,
        framebuffer: Path | None = None,
        server: int | None = None,
        size_px: tuple[int, int] = SCREEN_PX,
    ) -> None:
        from Xlib import display

        self.name = name
        self.size_px = size_px
        self.framebuffer = framebuffer
        self.server = server
        self._connection = display.Display(name)

    def press(self, key: str, *, hold_s: float = 0.03) -> float:
        """Press and release a key, such as Up, Down, KP_Up, Escape, y; return when it went down.

        The time is that of `time.perf_counter`, after the server was told and before it can have answered.
        """
        from Xlib import XK, X
        from Xlib.ext import xtest

        code = self._connection.keysym_to_keycode(XK.string_to_keysym(key))
        if code == 0:
            raise ValueError(f"the virtual keyboard has no key {key!r}")
        xtest.fake_input(self._connection, X.KeyPress, code)
        pressed_s = time.perf_counter()
        self._connection.sync()
        time.sleep(hold_s)
        xtest.fake_input(self._connection, X.KeyRelease, code)
        self._connection.sync()
        return pressed_s

    def click(self, x: float, y: float) -> None:
        """Move the mouse to a pixel of the screen, press its left button there and release it."""
        from Xlib import X
        from Xlib.ext import xtest

        xtest.fake_input(self._connection, X.MotionNotify, x=round(x), y=round(y))
        self._connection.sync()
        time.sleep(0.03)
        for kind in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self._connection, kind, 1)
            self._connection.sync()
            time.sleep(0.03)

    def screenshot(self) -> np.ndarray:
        """What is on the screen, shape ``(height_px, width_px, 3)``, uint8."""
        from Xlib import X

        width_px, height_px = self.size_px
        image = self._connection.screen().root.get_image(0, 0, width_px, height_px, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(height_px, width_px, 4)[:, :, 2::-1].copy()

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


def missing_program() -> str | None:
    """Say why there can be no virtual screen here; None when there can be one."""
    return None if shutil.which("Xvfb") else "Xvfb is not installed (apt-get install xvfb)"


@contextlib.contextmanager
def started_screen(
    *, first_in_line: bool = False, size_px: tuple[int, int] = SCREEN_PX
) -> Iterator[VirtualScreen]:
    """Start an X server and end it afterwards.

    Parameters
    ----------
    first_in_line : bool
        Whether to ask for real-time priority for the server, as a screen has hardware of its own.
    size_px : tuple of int
        Width and height.
    """
    with tempfile.TemporaryDirectory() as folder:
        reading, writing = os.pipe()
        size = f"{size_px[0]}x{size_px[1]}x24"
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
        command += ["-fbdir", folder]
        server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        try:
            with os.fdopen(reading) as pipe:
                number = pipe.readline().strip()
            if not number:
                raise RuntimeError("Xvfb did not start")
            if first_in_line:
                real_time(server.pid)
            screen = VirtualScreen(f":{number}", Path(folder) / "Xvfb_screen0", server.pid, size_px)
            yield screen
            screen.close()
        finally:
            server.terminate()
            server.wait(timeout=10)


def real_time(process: int) -> bool:
    """Ask for real-time priority for a process (0 = this one); say whether it was granted."""
    try:
        os.sched_setscheduler(process, os.SCHED_RR, os.sched_param(1))
    except OSError:
        return False
    return True


def framebuffer_pixels(path: Path) -> np.ndarray:
    """Map the pixels of a running server: shape ``(height_px, width_px, 4)``, blue, green, red, unused."""
    with path.open("rb") as file:
        head = struct.unpack(">25I", file.read(100))
    header_bytes, width_px, height_px, n_colours = head[0], head[4], head[5], head[19]
    bits, line_bytes = head[11], head[12]
    if bits != 32 or line_bytes != 4 * width_px:
        raise ValueError(f"{path}: expected lines of {width_px} pixels of 32 bits, found {bits} bits")
    begin = header_bytes + 12 * n_colours
    return np.memmap(path, np.uint8, "r", begin, (height_px, width_px, 4))
