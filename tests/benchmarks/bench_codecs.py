"""What a codec does to descriptors of faces. One table; its numbers stand in ``hardware/cameras/codecs.py``.

Run with ``python tests/benchmarks/bench_codecs.py`` (about a minute; ``--quick`` for half of one). A drawn
mouse (640 x 480 pixels, noise of 2 grey levels) is filmed at rest and with each of six expressions at full
strength; every codec packs the film as the recorder does. Two columns tell what is lost:

- *r* is the correlation of the HOG descriptors (8 orientations, cells of 32 pixels) of a frame with those of
  the same frame before it was packed: median and 5th percentile over frames.
- *effect* is how much lower frames with an expression correlate with frames at rest than these do among one
  another, packed, as a share of the same difference before packing. 100 %: the expression is seen as well as
  without loss. The codec also takes out noise, so that it may be more.

``--real FILE.npy`` does the first for real frames, ``(n_frames, height, width)`` uint8, to which the noise is
added.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import av  # noqa: E402
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis.faces.hog import describe_frames  # noqa: E402
from hardware.cameras.codecs import CODECS  # noqa: E402
from hardware.cameras.video_writer import VideoWriter  # noqa: E402
from hardware.simulated.mouse_behaviour import face_course  # noqa: E402
from hardware.simulated.mouse_expressions import EXPRESSIONS, Episode, animal_patterns  # noqa: E402
from hardware.simulated.mouse_face import Camera, MouseFace  # noqa: E402
from hardware.simulated.mouse_texture import draw_traits  # noqa: E402

FPS, NOISE_SD = 30.0, 2.0


def film_mouse(n_per_expression: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames ``(n, 480, 640)``, and the expression of each: 0 is rest, NaN neither."""
    rng = np.random.default_rng(1)
    face, patterns = MouseFace(draw_traits(rng)), animal_patterns(rng)
    length = 2 * n_per_expression
    times_s = np.arange(length * (len(EXPRESSIONS) + 1)) / FPS
    episodes = [
        Episode(name, (n * length + 10) / FPS, (length - 20) / FPS, 1.0)
        for n, name in enumerate(EXPRESSIONS, start=1)
    ]
    course = face_course(times_s, episodes, patterns=patterns, rng=rng)
    camera = Camera(width=640, height=480, noise_sd=NOISE_SD, rng=rng)
    frames = np.array([camera.expose(face.draw(course.pose(i))) for i in range(len(times_s))])
    strongest = course.expressions.max(axis=1)
    state = np.where(strongest > 0.9, 1 + course.expressions.argmax(axis=1), np.nan)
    state[strongest < 0.02] = 0
    return frames, state


def packed(frames: np.ndarray, name: str) -> tuple[np.ndarray, float, float]:
    """Frames as they come back, kB per frame, and CPU milliseconds per frame."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mkv"
        begun_s = time.process_time()
        height_px, width_px = frames.shape[1:]
        with VideoWriter(path, width_px=width_px, height_px=height_px, fps=FPS, codec=name) as video:
            for number, frame in enumerate(frames):
                video.write(frame, number / FPS)
        cpu_ms = (time.process_time() - begun_s) * 1e3 / len(frames)
        kb = path.stat().st_size / 1e3 / len(frames)
        with av.open(str(path)) as container:
            back = np.array([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])
    return back, kb, cpu_ms


def per_frame_r(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of each row of one table with the same row of the other."""
    a, b = (rows - rows.mean(axis=1, keepdims=True) for rows in (first, second))
    return np.asarray((a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1)))


def effect(descriptors: np.ndarray, state: np.ndarray) -> float:
    """How much less frames of an expression correlate with rest than rest with itself."""
    rest = descriptors[state == 0]
    first, second = rest[: len(rest) // 2].mean(axis=0), rest[len(rest) // 2 :]
    level = np.median(per_frame_r(second, np.broadcast_to(first, second.shape)))
    changes = []
    for number in range(1, len(EXPRESSIONS) + 1):
        shown = descriptors[state == number]
        changes.append(level - np.median(per_frame_r(shown, np.broadcast_to(first, shown.shape))))
    return float(np.mean(changes))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--real", type=Path)
    options = parser.parse_args()
    frames, state = film_mouse(30 if options.quick else 60)
    real = None
    if options.real is not None:
        still = np.load(options.real)
        noise = np.random.default_rng(2).normal(0, NOISE_SD, still.shape)
        real = np.clip(np.round(still + noise), 0, 255).astype(np.uint8)
    before = describe_frames(frames)
    print(f"{len(frames)} frames, expressions change r by {effect(before, state):.3f} before packing")
    neighbours = per_frame_r(before[1:], before[:-1])
    print(f"neighbouring frames: r = {np.median(neighbours):.3f}\n")
    print(
        f"{'codec':15s} {'kB/frame':>8s} {'CPU ms':>7s} {'r':>6s} {'5 %':>6s} {'effect':>7s} {'r, real':>8s}"
    )
    for name in CODECS:
        back, kb, cpu_ms = packed(frames, name)
        after = describe_frames(back)
        r = per_frame_r(before, after)
        seen = effect(after, state) / effect(before, state)
        line = (
            f"{name:15s} {kb:8.0f} {cpu_ms:7.1f} {np.median(r):6.3f} {np.quantile(r, 0.05):6.3f} {seen:7.0%}"
        )
        if real is not None:
            r_real = per_frame_r(describe_frames(real), describe_frames(packed(real, name)[0]))
            line += f" {np.median(r_real):8.3f}"
        print(line, flush=True)
        if CODECS[name].lossless and not np.array_equal(back, frames):
            raise SystemExit(f"{name} is said to be lossless, and is not")


if __name__ == "__main__":
    main()
