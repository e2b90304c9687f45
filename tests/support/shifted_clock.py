"""Set the time of day for one program only: the clock of this computer stays as it is."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().with_suffix(".c")


class ShiftedClock:
    """A program that is started with `environment` sees a time of day that `set` moves.

    Parameters
    ----------
    folder : Path
        Where the library is compiled.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise FileNotFoundError("there is no C compiler (apt-get install gcc)")
        library, shift = folder / "shifted_clock.so", folder / "shift.bin"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True
        )
        shift.write_bytes(struct.pack("d", 0.0))
        with shift.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(shift)}

    def set(self, shift_s: float) -> None:
        """Let the program's time of day be so many seconds after the computer's, from now on."""
        self._shared[:8] = struct.pack("d", shift_s)
