"""How fast videos become descriptors, beside scikit-image in the same run. One table.

Run with ``python tests/benchmarks/bench_hog.py`` (about five minutes; ``--quick`` for one). It makes its own
videos: fur-like texture of several scales that moves a little, with an eye and camera noise, 916 x 476
pixels, 30 frames per second, in the codecs that laboratories use. There are two pipelines of scikit-image.
One gets the frames that ours gets: grey, decoded by the same reader, cropped. The other is the script that
one writes without a reader of grey frames: frames in RGB, crop, ``rgb2gray``, ``hog``. No pipeline can be
faster than decoding alone; what decoding alone would gain is in the last column.

Speeds are frames per CPU-second of one thread (``time.process_time``), which compare on a busy machine;
each is the median of interleaved blocks, and each ratio is one within a block. Two cores against one need
wall time, and so a quiet machine: the benchmark says how many cores it got, from two processes that only
count; where that is below 1.9, the wall times say nothing about this program, and the CPU seconds, which are
equal if two workers do not hinder each other, say more.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import av  # noqa: E402
import imageio_ffmpeg  # noqa: E402
import numpy as np  # noqa: E402
from scipy.ndimage import gaussian_filter  # noqa: E402
from skimage import __version__ as skimage_version  # noqa: E402
from skimage.color import rgb2gray  # noqa: E402
from skimage.feature import hog  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis.faces.describe import describe_video  # noqa: E402
from analysis.faces.hog import FrameDescriber, compare_precision, describe_frames  # noqa: E402
from analysis.faces.masks import Crop, FaceMask  # noqa: E402
from analysis.faces.video_frames import VideoReader  # noqa: E402

WIDTH_PX, HEIGHT_PX, FPS = 916, 476, 30
MASK = FaceMask(crop=Crop(left_px=0, top_px=0, width_px=916, height_px=475))
CODECS: dict[str, tuple[str, Sequence[str]]] = {
    "H.264 at 12 Mbit/s": (
        "mp4",
        ("-c:v", "libx264", "-preset", "superfast", "-b:v", "12M", "-maxrate", "12M", "-bufsize", "12M"),
    ),
    "H.264, every frame by itself": (
        "mp4",
        ("-c:v", "libx264", "-preset", "ultrafast", "-g", "1", "-crf", "23"),
    ),
    "MJPEG": ("avi", ("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p")),
    "FFV1, lossless grey": ("mkv", ("-c:v", "ffv1", "-pix_fmt", "gray")),
}


class Measured(NamedTuple):
    """Median, smallest and greatest of some measurements."""

    middle: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Measured:
    return Measured(statistics.median(values), min(values), max(values))


def draw_frames(n_frames: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Frames of a made-up face: fur that breathes and shifts, an eye, whisker pad, noise of the camera."""
    height, width = HEIGHT_PX + 40, WIDTH_PX + 40
    fur = sum(
        weight * _unit(gaussian_filter(rng.standard_normal((height, width)), sigma))
        for weight, sigma in ((12, (0.8, 2.5)), (18, (3, 6)), (25, 30))
    )
    y, x = np.mgrid[:height, :width]
    shade = 105 + 45 * np.exp(-(((x - 450) / 330) ** 2 + ((y - 260) / 190) ** 2))
    eye = 90 * np.exp(-((((x - 330) / 38) ** 2 + ((y - 190) / 30) ** 2) ** 2))
    face = shade + fur - eye
    noise = [3.0 * rng.standard_normal((HEIGHT_PX, WIDTH_PX)) for _ in range(23)]
    for number in range(n_frames):
        down = 20 + 3 * np.sin(number / 9)
        right = 20 + 5 * np.sin(number / 23) + (4 * np.sin(number) if number % 150 < 40 else 0)
        frame = _shifted(face, down, right) + noise[int(rng.integers(len(noise)))]
        yield np.clip(frame, 0, 255).astype(np.uint8)


def _unit(field: np.ndarray) -> np.ndarray:
    return field / field.std()


def _shifted(face: np.ndarray, down: float, right: float) -> np.ndarray:
    """Cut a frame out of a larger picture at a position between pixels."""
    i, j = int(down), int(right)
    a, b = down - i, right - j
    corners = [face[i + p : i + p + HEIGHT_PX, j + q : j + q + WIDTH_PX] for p in (0, 1) for q in (0, 1)]
    return (1 - a) * ((1 - b) * corners[0] + b * corners[1]) + a * ((1 - b) * corners[2] + b * corners[3])


def encode(frames: Sequence[np.ndarray], path: Path, arguments: Sequence[str]) -> None:
    size = f"{WIDTH_PX}x{HEIGHT_PX}"
    given = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", size, "-r", str(FPS), "-i", "-"]
    pixels = [] if "-pix_fmt" in arguments else ["-pix_fmt", "yuv420p"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *given, *pixels, *arguments, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for frame in frames:
        process.stdin.write(frame.tobytes())
    process.stdin.close()
    if process.wait():
        raise RuntimeError(f"{path} could not be encoded")


def reference(frame: np.ndarray) -> np.ndarray:
    return hog(
        frame,
        orientations=8,
        pixels_per_cell=(32, 32),
        cells_per_block=(1, 1),
        block_norm="L2-Hys",
        transform_sqrt=True,
    )


def cpu_s(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def bench_kernel(sets: dict[str, np.ndarray], n_blocks: int) -> None:
    """Milliseconds per frame of the kernels alone, and whether values are equal."""
    print("\nKernel, 916 x 475 (CPU ms per frame, one thread; ratio: median and range of the blocks)")
    print(f"{'frames':<20}{'scikit-image':>13}{'exact':>7}{'ratio':>16}{'float32':>9}{'ratio':>16}  exact is")
    for name, frames in sets.items():
        describe_frames(frames[:1])
        describe_frames(frames[:1], exact=False)
        blocks = [_kernel_block(frames) for _ in range(n_blocks)]
        expected = np.stack([reference(frame) for frame in frames])
        found = describe_frames(frames, dtype=np.float64)
        equal = "equal" if np.array_equal(found, expected) else f"off by {np.abs(found - expected).max():.0e}"
        exact, fast = (spread([block[0] / block[k] for block in blocks]) for k in (1, 2))
        report = compare_precision(frames)
        ms = [statistics.median(block[k] for block in blocks) for k in range(3)]
        print(
            f"{name:<20}{ms[0]:>13.1f}{ms[1]:>7.2f}{_ratio(exact):>16}{ms[2]:>9.2f}{_ratio(fast):>16}"
            f"  {equal}; {report.share_different:.2%} of float32 differ, by up to {report.greatest:.0e}"
        )


def _kernel_block(frames: np.ndarray) -> tuple[float, float, float]:
    """CPU milliseconds per frame: scikit-image, exact, float32."""
    times = (
        cpu_s(lambda: [reference(frame) for frame in frames]),
        cpu_s(lambda: describe_frames(frames)),
        cpu_s(lambda: describe_frames(frames, exact=False)),
    )
    return tuple(1e3 * seconds / len(frames) for seconds in times)  # type: ignore[return-value]


def _ratio(measured: Measured) -> str:
    digits = 1 if measured.middle < 10 else 0
    numbers = (f"{number:.{digits}f}" for number in measured)
    return "{}x ({}-{})".format(*numbers)


def pipeline(path: Path, stop: int, describe: Callable[[np.ndarray], Any] | None) -> float:
    """Frames per CPU-second from the file to descriptors, or, without any, to decoded frames."""

    def work() -> None:
        for _, _, grey in VideoReader(path).frames(0, stop):
            if describe is not None:
                describe(np.ascontiguousarray(MASK.crop_frame(grey)))

    return stop / cpu_s(work)


def rgb_script(path: Path, stop: int) -> float:
    """Frames per CPU-second of the usual script: RGB frames, crop, rgb2gray, hog."""

    def work() -> None:
        with av.open(str(path)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for number, frame in enumerate(container.decode(video=0)):
                if number == stop:
                    break
                reference(rgb2gray(MASK.crop_frame(frame.to_ndarray(format="rgb24"))))

    return stop / cpu_s(work)


def bench_pipelines(videos: dict[str, Path], n_frames: int, n_blocks: int) -> None:
    """Decoding, crop and descriptors together."""
    print("\nDecode + crop + descriptors (frames per CPU-second of one thread; ratios to scikit-image)")
    print(
        f"{'video':<29}{'Mbit/s':>7}{'decode':>8}{'RGB script':>11}{'scikit-image':>13}{'exact':>7}"
        f"{'ratio':>15}{'to script':>10}{'of decode':>10}{'float32':>8}{'ratio':>15}{'decode alone':>13}"
    )
    shape, kind = (475, 916), np.dtype(np.uint8)
    exact, fast = FrameDescriber(shape, kind), FrameDescriber(shape, kind, exact=False)
    few = max(n_frames // 8, 20)
    for name, path in videos.items():
        blocks = [
            (
                pipeline(path, n_frames, None),
                pipeline(path, few, reference),
                pipeline(path, n_frames, exact.describe),
                pipeline(path, n_frames, fast.describe),
                rgb_script(path, few),
            )
            for _ in range(n_blocks)
        ]
        decode, reference_fps, exact_fps, fast_fps, script_fps = (
            statistics.median(block[k] for block in blocks) for k in range(5)
        )
        ratios = [spread([block[k] / block[1] for block in blocks]) for k in (2, 3)]
        to_script, of_decode, ceiling = (
            statistics.median(block[i] / block[j] for block in blocks) for i, j in ((2, 4), (2, 0), (0, 1))
        )
        mbit_s = path.stat().st_size * 8 / (n_frames / FPS) / 1e6
        print(
            f"{name:<29}{mbit_s:>7.1f}{decode:>8.0f}{script_fps:>11.1f}{reference_fps:>13.1f}{exact_fps:>7.0f}"
            f"{_ratio(ratios[0]):>15}{to_script:>9.1f}x{of_decode:>10.0%}{fast_fps:>8.0f}"
            f"{_ratio(ratios[1]):>15}{ceiling:>12.1f}x"
        )


def bench_memory(path: Path, folder: Path) -> None:
    """Growth of the greatest memory from the first part to the end of the video, files written included."""
    script = (
        "import sys, psutil, threading, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from analysis.faces.describe import describe_video\n"
        "from analysis.faces.hog import describe_frames\n"
        "import numpy as np\n"
        "describe_frames(np.zeros((475, 916), np.uint8))\n"
        "me = psutil.Process(); start = me.memory_info().rss; top = [start]\n"
        "def watch():\n"
        "    while True:\n"
        "        top[0] = max(top[0], me.memory_info().rss); time.sleep(0.01)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "describe_video(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print((top[0] - start) / 1e6, start / 1e6)\n"
    )
    command = [sys.executable, "-c", script, str(path), str(folder / "memory.h5")]
    grown, start = map(
        float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    )
    frames = VideoReader(path).n_frames
    print(
        f"\nMemory while streaming {frames} frames into a file: {start:.0f} MB before, growth {grown:.0f} MB"
    )


def _count(seconds: float) -> int:
    end, n = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        n += 1
    return n


def cores_here() -> float:
    """How much more two processes can count than one, now."""
    with get_context("spawn").Pool(2) as pool:
        pool.map(_count, [0.1, 0.1])
        alone = pool.map(_count, [1.0])[0]
        together = sum(pool.map(_count, [1.0, 1.0], chunksize=1))
    return together / alone


def bench_cores(path: Path, folder: Path, n_videos: int) -> None:
    """Wall time of many videos with one worker and with two, files written included."""
    copies = [folder / f"copy_{i}{path.suffix}" for i in range(n_videos)]
    for copy in copies:
        copy.write_bytes(path.read_bytes())
    wall, cpu = {}, {}
    before = cores_here()
    for workers in (1, 2):
        command = [sys.executable, "-m", "analysis.faces", "describe", *map(str, copies)]
        command += ["--workers", str(workers), "--out", str(folder / f"workers_{workers}")]
        started, cpu_before = time.perf_counter(), sum(os.times()[2:4])
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        wall[workers], cpu[workers] = time.perf_counter() - started, sum(os.times()[2:4]) - cpu_before
    after = cores_here()
    print(
        f"\n{n_videos} videos side by side by the command: one worker {wall[1]:.1f} s, two "
        f"{wall[2]:.1f} s, {wall[1] / wall[2]:.2f} times as fast (two processes that only count: "
        f"{before:.2f} times one before, {after:.2f} after); CPU seconds {cpu[1]:.1f} and {cpu[2]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames and blocks")
    parser.add_argument("--frames", type=Path, help="also these frames (.npy, n x height x width, uint8)")
    arguments = parser.parse_args()
    n_frames, n_blocks = (120, 3) if arguments.quick else (600, 5)
    rng = np.random.default_rng(2020)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{platform.platform()}, Python {platform.python_version()}, numpy {np.__version__}, scikit-image "
        f"{skimage_version}, {os.cpu_count()} processors, load {load:.1f}"
    )
    frames = list(draw_frames(n_frames, rng))
    stack = np.stack([frame[:475] for frame in frames[:10]])
    sets = {
        "face": stack,
        "dark face": (stack // 32).astype(np.uint8),
        "overexposed face": np.minimum(stack.astype(np.uint16) * 2, 255).astype(np.uint8),
        "noise": rng.integers(0, 256, stack.shape, dtype=np.uint8),
    }
    if arguments.frames is not None:
        sets[arguments.frames.stem] = np.load(arguments.frames)[:, :475, :916]
    bench_kernel(sets, n_blocks)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        videos = {}
        for codec, (suffix, options) in CODECS.items():
            videos[codec] = folder / f"video_{len(videos)}.{suffix}"
            encode(frames, videos[codec], options)
        bench_pipelines(videos, n_frames, n_blocks)
        first = next(iter(videos.values()))
        started = time.process_time()
        describe_video(first, folder / "whole.h5", mask=MASK)
        seconds = time.process_time() - started
        speed = n_frames / seconds
        print(f"\nThe whole command, hashes and compressed file included: {speed:.0f} frames per CPU-second")
        bench_memory(first, folder)
        bench_cores(first, folder, 4 if arguments.quick else 16)
    print(f"load at the end {os.getloadavg()[0] if hasattr(os, 'getloadavg') else float('nan'):.1f}")


if __name__ == "__main__":
    main()
