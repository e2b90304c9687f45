"""A photodiode for a virtual screen: a process that watches the pixels of an X server and notes each change.

``python photodiode.py FRAMEBUFFER LEFT TOP WIDTH HEIGHT`` writes a line for each change of that rectangle:
the time of the change by `time.perf_counter` (s), and a checksum of the picture once it stands still. It goes
on until it is terminated. A line ``blind BEGIN END`` says that it was kept from looking for so long: a
photodiode that shares the processor with others is no proof for that time.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from virtual_screen import framebuffer_pixels, real_time

POLL_S = 0.0002
"""Time between two looks."""

BLIND_S = 0.003
"""A look that comes so long after the one before has not seen what was between."""

ROWS_BETWEEN = 5
"""Every so many rows are looked at for a change; the checksum is of all."""


def checksum(pixels: np.ndarray) -> int:
    """Return a number for a picture, shape ``(height_px, width_px, 3 or 4)`` in blue, green, red order."""
    return zlib.crc32(np.ascontiguousarray(pixels[:, :, :3]))


def watch(rectangle: np.ndarray) -> Iterator[str]:
    """Yield a line for each change of a rectangle, and for each time in which it was not looked at."""
    probe = rectangle[::ROWS_BETWEEN]
    looked, looked_s = np.ascontiguousarray(probe), time.perf_counter()
    yield f"{looked_s!r} {checksum(rectangle)}"
    while True:
        time.sleep(POLL_S)
        now, now_s = np.ascontiguousarray(probe), time.perf_counter()
        if now_s - looked_s > BLIND_S:
            yield f"blind {looked_s!r} {now_s!r}"
        looked_s = now_s
        if np.array_equal(now, looked):
            continue
        changed_s = time.perf_counter()
        picture = checksum(rectangle)
        while True:  # the server may be in the middle of it
            time.sleep(POLL_S)
            again = checksum(rectangle)
            if again == picture:
                break
            picture = again
        looked = np.ascontiguousarray(probe)
        yield f"{changed_s!r} {picture}"


def main() -> None:
    """Watch until somebody ends this process."""
    framebuffer, *numbers = sys.argv[1:]
    left, top, width, height = map(int, numbers)
    real_time(0)
    pixels = framebuffer_pixels(Path(framebuffer))
    for line in watch(pixels[top : top + height, left : left + width]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
