"""How fast a camera can be recorded without loss, and what the preview costs.

Run with ``python tests/benchmarks/bench_camera.py`` (a minute; 300 MB on the disk, removed at the end). A
camera of 640 x 480 pixels is played from memory at exact times; it gives a frame to whoever asks and throws
away what nobody asked for within `BUFFERS` frames, as a camera's driver does. Every frame carries its number
in its first pixels. Frames show a drawn mouse with noise of 2 grey levels (FFV1: 91 kB each).

- ``--rates 100 200 300`` records ``--frames`` at each rate, and says what was lost, how long the queue
  became, and how much of a processor it took; the highest rate without loss is printed last.
- ``--preview`` records every rate twice in a row, without and with the window of the live picture.
- ``--frames 60000 --rates 100`` is ten minutes of a real session; it needs 5.5 GB for so long.
- ``--cores 2`` keeps it to so many processors (Linux). On a machine with other work, ``chrt -r 5 python ...``
  lets the recording go first (Linux, as root); the window of the preview never does.

What came back is checked: every row of ``frames.tsv``, the number of frames in the video, and the numbers and
pixels of ``--checked`` frames at its beginning, middle and end.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import av  # noqa: E402
import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from experiments.dataset.frame_table import count_losses, read_frame_table  # noqa: E402
from hardware.cameras.backend import CameraFacts, EndOfFrames, GrabbedFrame  # noqa: E402
from hardware.cameras.preview import Preview  # noqa: E402
from hardware.cameras.recorder import FrameRecorder, Recording  # noqa: E402
from hardware.simulated.mouse_behaviour import face_course  # noqa: E402
from hardware.simulated.mouse_expressions import animal_patterns  # noqa: E402
from hardware.simulated.mouse_face import Camera, MouseFace  # noqa: E402
from hardware.simulated.mouse_texture import draw_traits  # noqa: E402

BUFFERS = 64
"""Frames that the driver of a camera keeps."""
N_DRAWN = 120


class PlayedCamera:
    """A camera that plays pictures from memory at exact times."""

    def __init__(self, pictures: np.ndarray, *, fps: float, n_frames: int) -> None:
        self._pictures, self._fps, self._n_frames = pictures, fps, n_frames
        self._number = 0
        self.latest_s = 0.0
        """The longest that the grabbing thread came late."""

    def open(self) -> CameraFacts:
        """Say what it is."""
        height_px, width_px = self._pictures[0].shape
        return CameraFacts(
            backend="played", model="from memory", width_px=width_px, height_px=height_px, fps=self._fps,
            has_ids=True, has_times=True, simulated=True,
        )  # fmt: skip

    def start(self) -> None:
        """Begin now."""
        self._begun_s = time.perf_counter()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Give the next frame that the buffers still hold."""
        due_s = self._begun_s + self._number / self._fps
        left_s = due_s - time.perf_counter()
        if left_s > 0:
            time.sleep(min(left_s, timeout_s))
            if left_s > timeout_s:
                raise TimeoutError
        host_s = time.perf_counter()
        self.latest_s = max(self.latest_s, host_s - due_s)
        newest = int((host_s - self._begun_s) * self._fps)
        self._number = max(self._number, newest - BUFFERS + 1)
        if self._number >= self._n_frames:
            raise EndOfFrames
        image = self._pictures[self._number % len(self._pictures)].copy()
        image[0, :4] = np.frombuffer(np.uint32(self._number).tobytes(), np.uint8)
        self._number += 1
        return GrabbedFrame(image, self._number, due_s - self._begun_s, host_s)

    def stop(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


@dataclass(frozen=True)
class Run:
    """What one recording took."""

    result: Recording
    wall_s: float
    cpu_s: float
    latest_ms: float
    size_mb: float


def draw_pictures() -> np.ndarray:
    """A few seconds of a drawn mouse, ``(N_DRAWN, 480, 640)``."""
    rng = np.random.default_rng(1)
    face = MouseFace(draw_traits(rng))
    course = face_course(np.arange(N_DRAWN) / 100, [], patterns=animal_patterns(rng), rng=rng)
    camera = Camera(width=640, height=480, noise_sd=2.0, rng=rng)
    return np.array([camera.expose(face.draw(course.pose(i))) for i in range(N_DRAWN)])


def record(
    pictures: np.ndarray, folder: Path, *, fps: float, n_frames: int, preview: bool, codec: str
) -> Run:
    """Record once, with or without the window."""
    camera = PlayedCamera(pictures, fps=fps, n_frames=n_frames)
    recorder = FrameRecorder(camera, folder, codec=codec)
    facts = recorder.open()
    window = Preview(recorder, facts, title="Benchmark") if preview else None
    if window is not None:
        window.open()
        time.sleep(2.0)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    recorder.start()
    with tqdm(total=n_frames, unit="frame", disable=None, leave=False) as bar:
        while recorder._threads[1].is_alive():
            time.sleep(0.2)
            bar.update(recorder.n_written - bar.n)
    result = recorder.finish()
    wall_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    if window is not None:
        if not window.is_seen or not window.is_open:
            raise SystemExit("the window of the preview did not show anything: is there a screen?")
        window.close()
    size_mb = recorder.video_path.stat().st_size / 1e6
    return Run(result, wall_s, cpu_s, camera.latest_s * 1e3, size_mb)


def check(run: Run, pictures: np.ndarray, n_checked: int) -> None:
    """Compare what is on the disk with what the camera gave."""
    table = read_frame_table(run.result.frames)
    ids = table.loc[table["status"] == "ok", "device_id"].to_numpy(int)
    losses = count_losses(table)
    if sum(losses.values()) != run.result.n_lost:
        raise SystemExit(f"the table counts {losses}, the recorder {run.result.n_lost}")
    with av.open(str(run.result.video)) as container:
        stream = container.streams.video[0]
        part, middle, n_packets = max(n_checked // 3, 1), len(ids) // 2, 0
        wanted = {*range(part), *range(middle, middle + part), *range(len(ids) - part, len(ids))}
        for index, packet in enumerate(packet for packet in container.demux(stream) if packet.size):
            n_packets += 1
            if index not in wanted or index >= len(ids):
                continue
            (frame,) = packet.decode()
            image = frame.to_ndarray(format="gray")
            number = int(np.frombuffer(image[0, :4].tobytes(), np.uint32)[0])
            expected = pictures[number % len(pictures)].copy()
            expected[0, :4] = image[0, :4]
            if number + 1 != ids[index] or (run.result.codec == "ffv1" and not (image == expected).all()):
                raise SystemExit(f"frame {index} of the video is not frame {ids[index] - 1} of the camera")
        if n_packets != len(ids):
            raise SystemExit(f"{n_packets} frames in the video, {len(ids)} in the table")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--rates", type=float, nargs="+", default=[100.0])
    parser.add_argument("--codec", default="ffv1")
    parser.add_argument("--preview", action="store_true")
    parser.add_argument("--cores", type=int)
    parser.add_argument("--checked", type=int, default=300)
    parser.add_argument(
        "--folder", type=Path, help="where to record; the system's temporary folder by default"
    )
    options = parser.parse_args()
    if options.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    pictures = draw_pictures()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} processors, load of the machine before: {load:.1f}")
    head = f"{'rate':>5s} {'preview':>8s} {'lost':>6s} {'queue':>10s} {'late ms':>8s} {'CPU':>6s} {'MB':>6s}"
    print(head, flush=True)
    best = 0.0
    for fps in options.rates:
        for preview in (False, True) if options.preview else (False,):
            folder = Path(tempfile.mkdtemp(prefix="bench_camera_", dir=options.folder))
            try:
                run = record(
                    pictures, folder, fps=fps, n_frames=options.frames, preview=preview, codec=options.codec
                )
                check(run, pictures, options.checked)
            finally:
                shutil.rmtree(folder)
            lost = run.result.n_lost
            queue = f"{run.result.deepest_queue}/{run.result.queue_frames}"
            print(
                f"{fps:5.0f} {'yes' if preview else 'no':>8s} {lost:6d} {queue:>10s} {run.latest_ms:8.1f} "
                f"{run.cpu_s / run.wall_s:6.0%} {run.size_mb:6.0f}",
                flush=True,
            )
            if lost == 0:
                best = max(best, fps)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"highest rate without loss: {best:.0f} frames per second; memory at most {memory_mb:.0f} MB")


if __name__ == "__main__":
    main()
