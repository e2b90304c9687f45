"""The recorder: every frame is in the video or in the table with the reason why it is not."""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from hardware.cameras.backend import CameraBackend, CameraFacts, CameraGone, EndOfFrames, GrabbedFrame
from hardware.cameras.recorder import FrameRecorder, Recording
from hardware.cameras.replay import ReplayCamera
from hardware.clocks import VirtualClock
from hardware.simulated.mouse_camera import CameraFaults, SyntheticCamera
from hardware.simulated.mouse_reactions import Reactions


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read_frames(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.array([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


def small_camera(clock: VirtualClock | None = None, *, fps: float = 30, **options: object) -> SyntheticCamera:
    return SyntheticCamera(
        fps=fps, width_px=160, height_px=120, clock=clock, rng=np.random.default_rng(1), **options
    )  # type: ignore[arg-type]


def record(folder: Path, seconds: float = 10.0, **options: object) -> Recording:
    clock = VirtualClock(50.0)
    recorder = FrameRecorder(small_camera(clock, **options), folder, now=clock.now)
    recorder.start()
    clock.sleep(seconds)
    return recorder.finish()


class Scripted:
    """A camera that gives the pictures that a test says, at once or at a rate."""

    def __init__(self, images: list[np.ndarray], *, fps: float | None = None, waits: bool = False) -> None:
        self.images, self.fps, self.waits, self.n = images, fps, waits, 0
        self.closed = self.stopped = False

    def open(self) -> CameraFacts:
        height, width = self.images[0].shape
        return CameraFacts(
            backend="scripted", model="of a test", width_px=width, height_px=height, fps=self.fps or 100,
            has_ids=True, has_times=False, waits=self.waits,
        )  # fmt: skip

    def start(self) -> None:
        self.begun_s = time.perf_counter()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        if self.fps is not None:
            time.sleep(max(self.begun_s + self.n / self.fps - time.perf_counter(), 0))
        if self.n == len(self.images):
            raise EndOfFrames
        self.n += 1
        return GrabbedFrame(self.images[self.n - 1], self.n, None, time.perf_counter())

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


def wait_for_end(recorder: FrameRecorder) -> Recording:
    for thread in recorder._threads:
        thread.join()
    return recorder.finish()


def test_all_backends_are_backends() -> None:
    assert isinstance(small_camera(), CameraBackend)
    assert isinstance(Scripted([]), CameraBackend)


def test_ten_seconds_on_a_virtual_clock_are_300_frames_without_loss(tmp_path: Path) -> None:
    result = record(tmp_path)
    assert (result.n_frames, result.n_lost, result.failure, result.warnings) == (301, 0, None, ())
    rows = read_rows(tmp_path / "frames.tsv")
    assert [int(row["index"]) for row in rows] == list(range(301))
    assert [int(row["device_id"]) for row in rows] == list(range(1, 302))
    host_s = np.array([float(row["host_s"]) for row in rows])
    np.testing.assert_allclose(host_s, 50 + np.arange(301) / 30, atol=1e-8)
    device_s = np.array([float(row["device_s"]) for row in rows])
    np.testing.assert_allclose(np.diff(device_s), (1 + 35e-6) / 30, atol=1e-8)


def test_every_pixel_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    images = [rng.integers(0, 256, (97, 131), np.uint8) for _ in range(40)]
    recorder = FrameRecorder(Scripted(images, waits=True), tmp_path)
    recorder.start()
    wait_for_end(recorder)
    np.testing.assert_array_equal(read_frames(tmp_path / "face.mkv"), images)


def test_lost_and_damaged_frames_are_counted_and_never_shift_the_others(tmp_path: Path) -> None:
    faults = CameraFaults(lost_share=0.05, incomplete_share=0.05)
    result = record(tmp_path, faults=faults)
    rows = read_rows(tmp_path / "frames.tsv")
    ids = [int(row["device_id"]) for row in rows]
    assert result.n_missing == ids[-1] - ids[0] + 1 - len(ids) > 0
    assert result.n_incomplete == sum(row["status"] == "incomplete" for row in rows) > 0
    assert all((row["index"] == "n/a") == (row["status"] != "ok") for row in rows)
    assert result.n_frames == len(read_frames(tmp_path / "face.mkv"))
    assert "never came" in result.warnings[0]


def test_a_slow_disk_costs_frames_that_are_listed_in_the_order_of_their_coming(tmp_path: Path) -> None:
    images = [np.full((1000, 1000), n % 250, np.uint8) for n in range(120)]
    recorder = FrameRecorder(Scripted(images, fps=1000), tmp_path, queue_mb=1)
    recorder.open()
    recorder.start()
    write = recorder._video.write

    def write_slowly(image: np.ndarray, time_s: float) -> None:
        time.sleep(0.02)
        write(image, time_s)

    recorder._video.write = write_slowly  # type: ignore[method-assign]
    result = wait_for_end(recorder)
    rows = read_rows(tmp_path / "frames.tsv")
    assert [int(row["device_id"]) for row in rows] == list(range(1, 121))
    assert result.n_queue_full == sum(row["status"] == "queue_full" for row in rows) > 20
    assert result.n_frames + result.n_queue_full == 120
    shown = [int(row["device_id"]) for row in rows if row["status"] == "ok"]
    assert [int(image[0, 0]) for image in read_frames(tmp_path / "face.mkv")] == [
        (n - 1) % 250 for n in shown
    ]


def test_a_pulled_cable_ends_the_recording_in_words_and_keeps_what_was_filmed(tmp_path: Path) -> None:
    told: list[str] = []
    clock = VirtualClock()
    camera = small_camera(clock, faults=CameraFaults(gone_after_s=2.0))
    recorder = FrameRecorder(camera, tmp_path, now=clock.now, on_failure=told.append)
    recorder.start()
    clock.sleep(5.0)
    result = recorder.finish()
    assert result.n_frames == 60 == len(read_frames(tmp_path / "face.mkv"))
    assert told == [result.failure]
    assert "unplugged" in told[0]


def test_a_camera_that_falls_silent_is_noticed(tmp_path: Path) -> None:
    camera = small_camera(fps=50, faults=CameraFaults(silent_after_s=0.2))
    recorder = FrameRecorder(camera, tmp_path, silence_s=0.3)
    recorder.start()
    recorder._threads[1].join(5)
    assert recorder.failure is not None
    assert "no frame came for 0.3 s" in recorder.failure
    assert recorder.finish().n_frames in (10, 11)


def test_a_driver_that_throws_anything_does_not_lose_the_recording(tmp_path: Path) -> None:
    class Broken(Scripted):
        def grab(self, timeout_s: float) -> GrabbedFrame:
            if self.n == 3:
                raise RuntimeError("0xE1000014")
            return super().grab(timeout_s)

        def stop(self) -> None:
            raise OSError("stop failed as well")

    recorder = FrameRecorder(Broken([np.zeros((48, 64), np.uint8)] * 9, fps=100), tmp_path)
    recorder.start()
    result = wait_for_end(recorder)
    assert result.failure == "the camera failed: 0xE1000014"
    assert result.n_frames == 3


def test_a_driver_that_hangs_does_not_hang_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.cameras.recorder.HUNG_S", 0.5)
    let_go = threading.Event()

    class Hung(Scripted):
        def grab(self, timeout_s: float) -> GrabbedFrame:
            if self.n == 3:
                let_go.wait(60)
                raise EndOfFrames
            return super().grab(timeout_s)

    recorder = FrameRecorder(Hung([np.zeros((48, 64), np.uint8)] * 9, fps=100), tmp_path)
    recorder.start()
    while recorder.n_written < 3:
        time.sleep(0.01)
    result = recorder.finish()
    assert "driver hangs" in str(result.failure)
    assert result.n_frames == 3 == len(read_frames(tmp_path / "face.mkv"))
    let_go.set()


def test_a_full_disk_is_said_and_the_table_goes_on(tmp_path: Path) -> None:
    recorder = FrameRecorder(Scripted([np.zeros((48, 64), np.uint8)] * 9, waits=True), tmp_path)
    recorder.open()
    recorder.start()
    recorder.finish()
    assert recorder.failure is None

    folder = tmp_path / "full"
    folder.mkdir()
    recorder = FrameRecorder(Scripted([np.zeros((48, 64), np.uint8)] * 9, fps=100), folder)
    recorder.start()

    def full(image: np.ndarray, time_s: float) -> None:
        raise OSError(28, "No space left on device")

    recorder._video.write = full  # type: ignore[method-assign]
    result = wait_for_end(recorder)
    assert "No space left" in str(result.failure)
    assert result.n_not_written > 0
    assert len(read_rows(folder / "frames.tsv")) == 9


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from hardware.cameras.recorder import FrameRecorder
from hardware.clocks import VirtualClock
from hardware.simulated.mouse_camera import SyntheticCamera
clock = VirtualClock()
camera = SyntheticCamera(fps=50, width_px=320, height_px=240, clock=clock, rng=np.random.default_rng(1))
recorder = FrameRecorder(camera, Path(sys.argv[1]), now=clock.now)
recorder.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
recorder.start()
clock.sleep(3.0)
result = recorder.finish()
print(result.n_frames, result.n_not_written, result.failure)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_when_the_file_cannot_grow_the_frames_before_are_kept_and_the_table_goes_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    n_frames, n_not_written, failure = done.stdout.split(maxsplit=2)
    assert "the video cannot be written" in failure
    assert int(n_frames) + int(n_not_written) == 151 == len(read_rows(tmp_path / "frames.tsv"))
    assert int(n_frames) - 11 <= len(read_frames(tmp_path / "face.mkv")) <= int(n_frames)


def test_a_camera_that_was_opened_and_never_recorded_is_released(tmp_path: Path) -> None:
    camera = Scripted([np.zeros((48, 64), np.uint8)])
    recorder = FrameRecorder(camera, tmp_path)
    recorder.open()
    assert recorder.stop() is None
    recorder.close()
    assert camera.closed
    with pytest.raises(RuntimeError, match="never started"):
        recorder.finish()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    record(tmp_path, 1.0)
    before = (tmp_path / "face.mkv").read_bytes()
    recorder = FrameRecorder(small_camera(VirtualClock()), tmp_path)
    with pytest.raises(FileExistsError, match="nothing is ever written over"):
        recorder.start()
    assert (tmp_path / "face.mkv").read_bytes() == before
    (tmp_path / "face.mkv").unlink()
    with pytest.raises(FileExistsError, match=r"frames\.tsv exists"):
        FrameRecorder(small_camera(VirtualClock()), tmp_path).start()
    assert not (tmp_path / "face.mkv").exists()


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from hardware.cameras.recorder import FrameRecorder
from hardware.simulated.mouse_camera import SyntheticCamera
camera = SyntheticCamera(fps=50, width_px=320, height_px=240, rng=np.random.default_rng(1))
recorder = FrameRecorder(camera, Path(sys.argv[1]))
recorder.open()
recorder.start()
print("started", flush=True)
time.sleep(60)
"""


def test_a_killed_recording_stays_readable_to_the_last_fifth_of_a_second(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"started"
    give_up_s = time.perf_counter() + 60
    while len(read_rows(tmp_path / "frames.tsv")) < 40 and time.perf_counter() < give_up_s:
        time.sleep(0.1)
    child.kill()
    child.wait()
    child.stdout.close()
    rows = [row for row in read_rows(tmp_path / "frames.tsv") if row["status"] == "ok"]
    frames = read_frames(tmp_path / "face.mkv")
    assert len(rows) >= 20
    assert len(rows) - 12 <= len(frames) <= len(rows) + 1
    assert np.ptp(frames[-1]) > 100


def test_a_replay_gives_the_frames_that_were_recorded(tmp_path: Path) -> None:
    record(tmp_path, 2.0)
    frames = read_frames(tmp_path / "face.mkv")
    folder = tmp_path / "again"
    folder.mkdir()
    clock = VirtualClock()
    recorder = FrameRecorder(ReplayCamera(tmp_path / "face.mkv", clock=clock), folder, now=clock.now)
    recorder.start()
    clock.sleep(60.0)
    result = recorder.finish()
    assert (result.n_frames, result.failure) == (61, None)
    np.testing.assert_array_equal(read_frames(folder / "face.mkv"), frames)


def test_a_folder_of_pictures_is_replayed_in_real_time(tmp_path: Path) -> None:
    import cv2

    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, 64), 10 * number, np.uint8))
    with pytest.raises(ValueError, match="give fps"):
        ReplayCamera(tmp_path)
    camera = ReplayCamera(tmp_path, fps=50, repeat=True)
    camera.open()
    camera.start()
    begun_s = time.perf_counter()
    levels = [int(camera.grab(1.0).image[0, 0]) for _ in range(7)]  # type: ignore[index]
    assert levels == [0, 10, 20, 30, 40, 0, 10]
    assert time.perf_counter() - begun_s >= 6 / 50 - 0.002
    with pytest.raises(TimeoutError):
        camera.grab(0.001)


def test_a_replay_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no video and no folder"):
        ReplayCamera(tmp_path / "absent.mkv")
    (tmp_path / "text.mkv").write_text("no video")
    with pytest.raises(ValueError, match="not a readable video"):
        ReplayCamera(tmp_path / "text.mkv").open()
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(ValueError, match="holds no frame"):
        ReplayCamera(folder, fps=10).open()


def test_the_face_follows_what_is_delivered_and_in_the_null_does_not(tmp_path: Path) -> None:
    def change(null: bool) -> float:
        clock = VirtualClock()
        reactions = Reactions(null=null, longest_s=0.1, rng=np.random.default_rng(2))
        camera = small_camera(clock, reactions=reactions, noise_sd=0.0)
        camera.open()
        camera.start()
        reactions.deliver("quinine", 3.0, trial=1)
        clock.sleep(20.0)
        images = [np.asarray(camera.grab(0.0).image, float) for _ in range(360)]
        episodes = [episode for episode in reactions.episodes() if episode.trial == 1]
        assert len(episodes) == (0 if null else 1)
        start_s = 3.5 if null else episodes[0].start_s
        before = np.mean(images[30:90], axis=0)
        after = np.mean(images[round(30 * (start_s + 0.5)) : round(30 * (start_s + 1.0))], axis=0)
        return float(np.abs(after - before).mean())

    assert change(False) > 1.5 * change(True)


def test_an_animal_looks_the_same_in_all_its_sessions_and_does_other_things() -> None:
    def film(animal: int, session: int) -> np.ndarray:
        clock = VirtualClock()
        camera = SyntheticCamera(
            fps=10, width_px=160, height_px=120, clock=clock, noise_sd=0.0,
            animal_rng=np.random.default_rng(animal), rng=np.random.default_rng(session),
        )  # fmt: skip
        camera.open()
        camera.start()
        clock.sleep(30.0)
        return np.array([camera.grab(0.0).image for _ in range(300)], float)

    def difference(first: np.ndarray, second: np.ndarray) -> float:
        return float(np.abs(first.mean(axis=0) - second.mean(axis=0)).mean())

    one, again, other = film(1, 1), film(1, 2), film(2, 1)
    assert difference(one, other) > 1.7 * difference(one, again)
    assert np.abs(one[100] - again[100]).max() > 5


def test_the_same_seed_films_the_same_and_a_real_clock_keeps_time() -> None:
    def film() -> np.ndarray:
        clock = VirtualClock()
        camera = small_camera(clock)
        camera.open()
        camera.start()
        clock.sleep(1.0)
        return np.array([camera.grab(0.0).image for _ in range(5)])

    np.testing.assert_array_equal(film(), film())
    camera = small_camera(fps=100)
    camera.open()
    camera.start()
    times_s = np.array([camera.grab(1.0).host_s for _ in range(20)])
    assert np.ptp(times_s) == pytest.approx(0.19, abs=0.05)
    with pytest.raises(TimeoutError):
        camera.grab(0.0)
    assert threading.active_count() < 20
    assert issubclass(CameraGone, ConnectionError)
