"""The firmware itself, compiled and run cycle by cycle in a simulated microcontroller.

Needs a Linux with ``gcc-avr avr-libc libsimavr-dev libelf-dev gcc make`` (Debian's names). What is built
stays in the folder for temporary files, under a name that changes with the sources.

Examples
--------
``with CompiledRig() as twin, MouseRig(twin.address, limits=...) as rig: ...``
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from hardware.simulated.mouse_rig import Edge

SOURCES = Path(__file__).resolve().parent.parent / "firmware" / "mouse_rig"
TOOLS = ("avr-g++", "avr-objcopy", "make", "gcc")
LIBRARIES = ("-lsimavr", "-lelf", "-lutil", "-lm")
HOW = "on Debian and Ubuntu: apt-get install gcc-avr avr-libc libsimavr-dev libelf-dev gcc make"


def why_not() -> str | None:
    """Say why the firmware cannot be compiled and run here; None where it can.

    Returns
    -------
    str or None
        In words, with what to install.
    """
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"the firmware cannot be compiled here: {', '.join(missing)} missing; {HOW}"
    if not any(
        Path(folder, "simavr/sim_avr.h").is_file() for folder in ("/usr/include", "/usr/local/include")
    ):
        return f"the simulator of the microcontroller (simavr) is missing; {HOW}"
    return None


def build() -> tuple[Path, Path]:
    """Compile firmware and simulator, unless that was done already.

    Returns
    -------
    tuple of Path
        The simulator's program, and the firmware for it.

    Raises
    ------
    RuntimeError
        If the tools are missing or the compiler refuses.
    """
    problem = why_not()
    if problem:
        raise RuntimeError(problem)
    folder = Path(tempfile.gettempdir()) / f"countenance-mouse-rig-{os.getuid()}-{_fingerprint()}"
    simulator, firmware = folder / "simulator", folder / "mouse_rig.elf"
    if not (simulator.is_file() and firmware.is_file()):
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            _run(["make", "-C", str(SOURCES), f"BUILD={made}", f"{made}/mouse_rig.elf"])
            source = str(SOURCES / "simulator" / "simulator.c")
            _run(["gcc", "-O2", "-o", f"{made}/simulator", source, *LIBRARIES])
            folder.mkdir(exist_ok=True)
            for built in (simulator, firmware):
                Path(made, built.name).replace(built)
    return simulator, firmware


def run_script(lines: Iterable[str]) -> list[str]:
    """Run the firmware as fast as it goes, with what happens to it from a script.

    Parameters
    ----------
    lines : iterable of str
        ``TIME_US bytes HEX``, ``TIME_US pin lick|estop|frame 0|1``, ``TIME_US reset`` or ``TIME_US end``, in
        order of time (µs since the power came).

    Returns
    -------
    list of str
        ``EDGE TIME_US CHANNEL 0|1`` for each output that switched, ``LINE TIME_US TEXT`` for its lines,
        and ``STACK ADDRESS``, the lowest that its stack reached.
    """
    simulator, firmware = build()
    script = "\n".join(lines) + "\n"
    command = [str(simulator), str(firmware), "script"]
    done = subprocess.run(command, input=script, text=True, capture_output=True, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith(("EDGE", "LINE", "CRASH", "STACK"))]


class CompiledRig:
    """The compiled firmware in real time, on a pseudo-terminal; hands and names as `SimulatedRig`.

    Attributes
    ----------
    address : str
        Its port.
    edges : list of Edge
        Every output that ever switched, timed by the processor's own cycles.
    """

    def __init__(self) -> None:
        simulator, firmware = build()
        self.edges: list[Edge] = []
        self.unplugged = False
        self._process = subprocess.Popen(
            [simulator, firmware, "pty"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        self.address = ""
        for line in self._process.stdout:
            if line.startswith("PTY "):
                self.address = line.split()[1]
                break
        if not self.address:
            raise RuntimeError("the simulator of the microcontroller ended before it gave its port")
        self._thread = threading.Thread(target=self._listen, name="compiled mouse rig", daemon=True)
        self._thread.start()

    def press_estop(self) -> None:
        """Press the emergency stop, or cut its cable."""
        self._do("pin estop 1")

    def release_estop(self) -> None:
        """Release the emergency stop."""
        self._do("pin estop 0")

    def lick(self, touching: bool) -> None:
        """Let the tongue touch or leave the spout."""
        self._do(f"pin lick {int(touching)}")

    def frame(self) -> None:
        """Let the camera expose a frame."""
        self._do("pulse frame")

    def reset(self) -> None:
        """Press the board's reset button."""
        self._do("reset")

    @property
    def high(self) -> tuple[str, ...]:
        """Outputs that are high now."""
        state = {edge.channel: edge.on for edge in list(self.edges)}
        return tuple(channel for channel, on in state.items() if on)

    def close(self) -> None:
        """Switch it off; may be called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=5)
        self._thread.join(timeout=1)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> CompiledRig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("EDGE "):
                _, time_us, channel, level = line.split()
                self.edges.append(Edge(channel, level == "1", round(float(time_us))))


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted([*SOURCES.glob("*.*"), SOURCES / "Makefile", SOURCES / "simulator" / "simulator.c"]):
        if path.suffix != ".md":
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the compiler refused: {' '.join(command)}\n{done.stderr[-2000:]}\n{HOW}")
