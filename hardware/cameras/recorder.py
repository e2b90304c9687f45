"""Records a camera: one thread grabs, one writes, and between them stands a queue of limited length.

The thread that grabs does nothing else, so that the camera's buffers never run full while the disk is busy.
What the queue cannot take is left out of the video, but never out of ``frames.tsv``.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hardware.cameras.backend import CameraBackend, CameraFacts, CameraGone, EndOfFrames, GrabbedFrame
from hardware.cameras.codecs import find_codec, loss_warning
from hardware.cameras.frame_log import FrameLog, FrameRow, FrameStatus
from hardware.cameras.video_writer import VideoWriter

QUEUE_MB = 256.0
"""Room for frames that wait to be written: 8 s of 640 x 480 px at 100 frames per second. Our choice."""
SILENCE_S = 3.0
"""A camera that sends nothing for so long is gone. Our choice."""
HUNG_S = 10.0
"""A driver that neither gives a frame nor returns for so long at the end hangs. Our choice."""
TURN_S = 0.1
"""How long the grabbing thread waits at a time, before it looks whether it shall end (s)."""
FRAMES = "frames.tsv"
"""Name of the table of frames."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What became of a recording."""

    video: Path | None
    """The video; None if no frame was written."""
    frames: Path
    """The table of frames."""
    facts: CameraFacts
    """The camera."""
    codec: str
    """How frames were packed."""
    n_frames: int
    """Frames in the video."""
    n_incomplete: int
    """Frames that came damaged; not in the video."""
    n_queue_full: int
    """Frames for which the queue had no room; not in the video."""
    n_not_written: int
    """Frames that could not be written; not in the video."""
    n_missing: int
    """Frames that never came, by the camera's own count; always 0 for a camera that does not count, where
    `experiments.dataset.frame_table.find_dropped` looks at the times."""
    deepest_queue: int
    """Most frames that ever waited."""
    queue_frames: int
    """Frames for which the queue had room."""
    failure: str | None
    """What ended the recording before it was stopped; None if nothing did."""

    @property
    def n_lost(self) -> int:
        """Frames that the camera took and the video lacks."""
        return self.n_incomplete + self.n_queue_full + self.n_not_written + self.n_missing

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the experimenter should know, in words."""
        found = [loss_warning(self.codec), self.failure]
        if self.n_lost:
            found.append(
                f"{self.n_lost} frames are not in the video: {self.n_missing} never came, "
                f"{self.n_incomplete} came damaged, for {self.n_queue_full} the computer was too slow, "
                f"{self.n_not_written} could not be written. {FRAMES} says which; the times of others hold"
            )
        return tuple(text for text in found if text)


@dataclass(frozen=True, eq=False)
class _Queued:
    """A frame on its way from the thread that grabs to the one that writes."""

    frame: GrabbedFrame
    depth: int
    in_time: bool
    """False if the queue had no room for its picture."""


class FrameRecorder:
    """A camera that is recorded into a folder; a `hardware.protocols.Camera`.

    Parameters
    ----------
    backend
        The camera.
    folder
        An existing folder, in which the video and ``frames.tsv`` are written.
    name
        Name of the video, without its ending.
    codec
        One of `hardware.cameras.codecs.CODECS`.
    queue_mb
        Room for frames that wait to be written (MB).
    silence_s
        After so long without a frame the camera counts as gone (s).
    now
        The clock of the backend's ``host_s``.
    on_failure
        Called once, from one of the recorder's threads, with words, when the recording ends before it is
        stopped.

    Examples
    --------
    See ``docs/mouse_rig.md``.
    """

    def __init__(
        self,
        backend: CameraBackend,
        folder: Path,
        *,
        name: str = "face",
        codec: str = "ffv1",
        queue_mb: float = QUEUE_MB,
        silence_s: float = SILENCE_S,
        now: Callable[[], float] = time.perf_counter,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        find_codec(codec)
        self.video_path, self.frames_path = folder / f"{name}.mkv", folder / FRAMES
        self.codec = codec
        self.facts: CameraFacts | None = None
        """The camera, once it is open."""
        self.failure: str | None = None
        """What ended the recording; None while all is well."""
        self.latest: GrabbedFrame | None = None
        """The last frame that came; a reference to it is all that a preview takes."""
        self.n_written = 0
        """Frames in the video so far."""
        self._backend, self._queue_mb, self._silence_s = backend, queue_mb, silence_s
        self._now, self._on_failure = now, on_failure
        self._counts: Counter[FrameStatus] = Counter()
        self._n_missing = self._deepest = 0
        self._last_id: int | None = None
        self._since_id = 0
        self._stop_s: float | None = None
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self.queue_frames = 0
        """Frames for which the queue has room; known once the camera is open."""
        self._threads: list[threading.Thread] = []
        self._result: Recording | None = None
        self._video_failed = False

    def open(self) -> CameraFacts:
        """Connect to the camera; raises what `CameraBackend.open` raises."""
        if self.facts is None:
            self.facts = self._backend.open()
            size_mb = self.facts.width_px * self.facts.height_px / 1e6
            self.queue_frames = max(16, int(self._queue_mb / size_mb))
            self._room = threading.Semaphore(self.queue_frames)
        return self.facts

    def start(self) -> None:
        """Begin to record; opens the camera if that was not done.

        Raises
        ------
        FileExistsError
            If the folder holds a recording of this name.
        RuntimeError
            If it was started before.
        """
        if self._threads:
            raise RuntimeError("a recorder records once: make another one for another recording")
        facts = self.open()
        self._video = VideoWriter(
            self.video_path,
            width_px=facts.width_px,
            height_px=facts.height_px,
            fps=facts.fps,
            codec=self.codec,
            simulated=facts.simulated,
        )
        try:
            self._log = FrameLog(self.frames_path)
        except OSError:
            self._video.close()
            self.video_path.unlink(missing_ok=True)
            raise
        self._threads = [
            threading.Thread(target=target, name=f"camera {what}", daemon=True)
            for what, target in (("writer", self._write_all), ("grabber", self._grab_all))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Path | None:
        """End: every frame up to now is written, then the files are closed. May be called twice.

        Returns
        -------
        Path or None
            The video; None if nothing was written.
        """
        if not self._threads:
            self._backend.close()
            return None
        return self.finish().video

    def finish(self) -> Recording:
        """Do what `stop` does, and return what became of the recording.

        Raises
        ------
        RuntimeError
            If it was never started; the camera is released all the same.
        """
        if not self._threads:
            self._backend.close()
            raise RuntimeError("the recorder was never started: there is no recording")
        if self._result is None:
            if self._stop_s is None:
                self._stop_s = self._now()
            if self._grabber_ended():
                self._backend.close()
            self._threads[0].join()
            self._result = self._recording()
        return self._result

    def close(self) -> None:
        """Release the camera and end; may be called twice."""
        self.stop()

    @property
    def n_lost(self) -> int:
        """Frames so far that the camera took and the video lacks."""
        return self._n_missing + sum(n for status, n in list(self._counts.items()) if status != "ok")

    @property
    def queue_depth(self) -> int:
        """Frames that wait to be written."""
        return self._queue.qsize()

    @property
    def behind_s(self) -> float:
        """How long ago the last frame came (s); of a simulated camera, how far its drawing lags."""
        latest = self.latest
        return 0.0 if latest is None else self._now() - latest.host_s

    def _grabber_ended(self) -> bool:
        """Wait for the thread that grabs; False if it hangs in the camera's driver."""
        grabber, seen, since_s = self._threads[1], self.latest, time.monotonic()
        while grabber.is_alive():
            grabber.join(0.2)
            if self.latest is not seen:
                seen, since_s = self.latest, time.monotonic()
            elif time.monotonic() - since_s > HUNG_S:
                self._fail("the camera's driver hangs: end the program, and plug the camera in anew")
                self._queue.put(None)
                return False
        return True

    def _grab_all(self) -> None:
        """What the grabbing thread does."""
        try:
            self._backend.start()
            while (frame := self._next_frame()) is not None:
                self._count_missing(frame)
                self.latest = frame
                self._offer(frame)
        except EndOfFrames:
            pass
        except Exception as error:  # whatever a driver throws, the frames so far are kept
            self._fail(f"the camera failed: {error or type(error).__name__}")
        finally:
            self._queue.put(None)
            try:
                self._backend.stop()
            except Exception as error:
                self._fail(f"the camera could not be stopped: {error}")

    def _next_frame(self) -> GrabbedFrame | None:
        """Wait for a frame; None when it is time to end."""
        heard_s = self._now()
        while True:
            try:
                frame = self._backend.grab(TURN_S)
            except TimeoutError:
                if self._stop_s is not None:
                    return None
                if self._now() - heard_s > self._silence_s:
                    raise CameraGone(
                        f"no frame came for {self._silence_s:g} s: look at its cable, its power, and, if "
                        "something triggers it, at that"
                    ) from None
                continue
            return None if self._stop_s is not None and frame.host_s > self._stop_s else frame

    def _count_missing(self, frame: GrabbedFrame) -> None:
        """Count the jumps of the camera's count; damaged frames may have none."""
        self._since_id += 1
        if frame.device_id is None:
            return
        if self._last_id is not None:
            self._n_missing += max(frame.device_id - self._last_id - self._since_id, 0)
        self._last_id, self._since_id = frame.device_id, 0

    def _offer(self, frame: GrabbedFrame) -> None:
        """Queue a frame, or only its row where there is no room; a real camera is never made to wait."""
        depth = self._queue.qsize()
        self._deepest = max(self._deepest, depth)
        waits = self.facts is not None and self.facts.waits
        if self._room.acquire(blocking=waits):
            self._queue.put(_Queued(frame, depth, in_time=True))
        else:
            self._queue.put(_Queued(replace(frame, image=None), depth, in_time=False))

    def _write_all(self) -> None:
        """What the writing thread does."""
        while (item := self._queue.get()) is not None:
            self._write_one(item)
            if item.in_time:
                self._room.release()
        for close in (self._video.close, self._log.close):
            try:
                close()
            except Exception as error:
                self._fail(f"the recording could not be closed: {error}")

    def _write_one(self, item: _Queued) -> None:
        """Add a frame to the video, and its row to the table."""
        frame, index, status = item.frame, None, self._packed(item)
        if status == "ok":
            index, self.n_written = self.n_written, self.n_written + 1
        self._counts[status] += 1
        try:
            self._log.add(FrameRow(index, frame.device_id, frame.device_s, frame.host_s, item.depth, status))
        except Exception as error:
            self._fail(f"the table of frames cannot be written: {error}")

    def _packed(self, item: _Queued) -> FrameStatus:
        frame = item.frame
        if not item.in_time:
            return "queue_full"
        if frame.status != "ok" or frame.image is None:
            return "incomplete"
        if self._video_failed:
            return "not_written"
        try:
            self._video.write(frame.image, frame.host_s if frame.device_s is None else frame.device_s)
        except Exception as error:  # a full disk, or a camera that was set anew: the table of frames goes on
            self._video_failed = True
            self._fail(f"the video cannot be written: {error}")
            return "not_written"
        return "ok"

    def _fail(self, words: str) -> None:
        if self.failure is None:
            self.failure = words
            if self._on_failure is not None:
                self._on_failure(words)

    def _recording(self) -> Recording:
        return Recording(
            video=self.video_path if self.n_written else None,
            frames=self.frames_path,
            facts=self.open(),
            codec=self.codec,
            n_frames=self.n_written,
            n_incomplete=self._counts["incomplete"],
            n_queue_full=self._counts["queue_full"],
            n_not_written=self._counts["not_written"],
            n_missing=self._n_missing,
            deepest_queue=self._deepest,
            queue_frames=self.queue_frames,
            failure=self.failure,
        )
