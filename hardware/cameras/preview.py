"""The live picture beside a recording, in a process of its own, so that it cannot hold the recording up.

All that the recording process does is to copy the last frame ten times a second. The window may be slow, hang
or crash: nothing waits for it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

from hardware.cameras.backend import CameraBackend, CameraFacts, EndOfFrames, GrabbedFrame
from hardware.cameras.shared_picture import SharedPicture, Status, create_picture

PICTURE_S = 0.1
"""Time between two pictures. Our choice: enough for the eye, and a tenth of a processor at most."""


class Filmed(Protocol):
    """What is watched: a `FrameRecorder`, or a `LiveView`."""

    latest: GrabbedFrame | None


class LiveView:
    """A camera that is looked at without recording, to set it up and to draw regions.

    Parameters
    ----------
    backend
        The camera; it is opened and closed here.
    """

    def __init__(self, backend: CameraBackend) -> None:
        self.latest: GrabbedFrame | None = None
        self.failure: str | None = None
        """What ended it; None while all is well."""
        self._backend, self._ends = backend, threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> CameraFacts:
        """Open the camera and begin to look; raises what `CameraBackend.open` raises."""
        facts = self._backend.open()
        self._thread = threading.Thread(target=self._look, name="live view", daemon=True)
        self._thread.start()
        return facts

    def stop(self) -> None:
        """End and release the camera; may be called twice."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._backend.close()

    def _look(self) -> None:
        try:
            self._backend.start()
            while not self._ends.is_set():
                with contextlib.suppress(TimeoutError):
                    self.latest = self._backend.grab(0.1)
        except EndOfFrames:
            pass
        except Exception as error:  # whatever a driver throws
            self.failure = f"the camera failed: {error or type(error).__name__}"
        finally:
            self._backend.stop()


class Preview:
    """The window, and the thread that gives it pictures.

    Parameters
    ----------
    source
        What is watched.
    facts
        Its camera.
    masks
        File in which the window saves the regions that are drawn; None: nothing can be drawn.
    start_from
        Regions to begin with, such as those of the session before.
    title
        What the window is called.
    """

    def __init__(
        self,
        source: Filmed,
        facts: CameraFacts,
        *,
        masks: Path | None = None,
        start_from: Path | None = None,
        title: str = "Camera",
    ) -> None:
        self._source, self._facts = source, facts
        self._options = [f"--title={title}"]
        if masks is not None:
            self._options.append(f"--masks={masks}")
        if start_from is not None:
            self._options.append(f"--start-from={start_from}")
        if facts.simulated:
            self._options.append("--simulated")
        self._ends = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Open the window; returns at once."""
        self._path = create_picture(self._facts.width_px, self._facts.height_px)
        self._shared = SharedPicture(self._path)
        command = [sys.executable, "-m", "hardware.cameras.preview_window", str(self._path), *self._options]
        root = Path(__file__).resolve().parents[2]
        # the window ends when this pipe does, so also when this process is killed
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, cwd=root, creationflags=_low_priority()
        )
        self._thread = threading.Thread(target=self._feed, name="preview", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether the window is there; False once it was closed."""
        return self._process is not None and self._process.poll() is None

    @property
    def wants_stop(self) -> bool:
        """Whether Escape was pressed in the window."""
        return self._process is not None and self._shared.wants_stop

    @property
    def is_seen(self) -> bool:
        """Whether the window has begun to show pictures."""
        return self._process is not None and self._shared.is_seen

    def wait(self) -> None:
        """Wait until the window is closed."""
        if self._process is not None:
            self._process.wait()

    def close(self) -> None:
        """Close the window; may be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        self._ends.set()
        self._thread.join()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(3.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._shared.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _feed(self) -> None:
        shown: GrabbedFrame | None = None
        while not self._ends.wait(PICTURE_S):
            frame = self._source.latest
            if frame is None or frame is shown or frame.image is None:
                continue
            shown = frame
            self._shared.write(frame.image, _status(self._source))


def _status(source: Filmed) -> Status:
    return Status(
        n_frames=int(getattr(source, "n_written", 0)),
        n_lost=int(getattr(source, "n_lost", 0)),
        queue_depth=int(getattr(source, "queue_depth", 0)),
        recording=int(hasattr(source, "n_written")),
    )


def _low_priority() -> int:
    """On Windows the flag with which the window is started; elsewhere it lowers its priority itself."""
    return int(getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0))


def set_up(
    backend: CameraBackend, *, masks: Path, start_from: Path | None = None, seconds: float | None = None
) -> tuple[CameraFacts, bool]:
    """Show the live picture until the window is closed, to set the camera up and draw regions.

    Parameters
    ----------
    backend
        The camera.
    masks
        Where the regions are saved.
    start_from
        Regions to begin with.
    seconds
        Close the window by itself after so long; None: never.

    Returns
    -------
    tuple
        The camera's facts, and whether regions were saved.

    Raises
    ------
    ConnectionError
        If the camera fails meanwhile, or there is no screen.
    """
    view = LiveView(backend)
    facts = view.start()
    preview = Preview(view, facts, masks=masks, start_from=start_from, title=f"Set up {facts.model}")
    before = masks.stat().st_mtime_ns if masks.is_file() else None
    begun_s = time.perf_counter()
    try:
        preview.open()
        while preview.is_open and not preview.wants_stop and view.failure is None:
            if seconds is not None and time.perf_counter() - begun_s > seconds:
                break
            time.sleep(0.05)
        was_seen = preview.is_seen
    finally:
        preview.close()
        view.stop()
    if view.failure is not None:
        raise ConnectionError(view.failure)
    if not was_seen and seconds is None:
        raise ConnectionError(
            "the window of the live picture could not be opened: is there a screen? Regions can be drawn "
            "later, onto the video: python -m analysis.faces masks VIDEO --out masks.yaml"
        )
    saved = masks.is_file() and masks.stat().st_mtime_ns != before
    return facts, saved


def lower_priority() -> None:
    """Let everything else go first; on Windows whoever starts the process has done it."""
    with contextlib.suppress(OSError):
        if hasattr(os, "sched_setscheduler"):  # not that of a recording with real-time priority
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if hasattr(os, "nice"):
            os.nice(10)
