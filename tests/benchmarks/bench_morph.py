"""How near morphs come to true in-betweens, and what they cost, beside other programs. One table.

Run with ``python tests/benchmarks/bench_morph.py``. A face of the built-in model is rendered with two
expressions and with the expressions between them; every program morphs the two photographs, and its frames
are compared with the rendered in-betweens. The structural similarity (SSIM; Wang et al. 2004, Gaussian
weights, sigma 1.5, of the grey picture) is averaged over the face inside the face model's contour, and over
its parts. CPU seconds are those of the program's process and its children for one video of 125 frames of
600 by 800 pixels, its start and its landmarks included; they compare on a busy machine, seconds on the clock
do not.

The other programs are installed into throw-away environments, which takes minutes and 1 GB (``--peers
FOLDER`` keeps them for the next time, ``--no-peers`` leaves them out). facemorph 0.1.0 finds landmarks
itself. facemorpher 5.2.1 gets those of our face model, because its detector, stasm, cannot be built; it
shows nothing outside its landmarks. It takes a second per frame: three frames are timed and multiplied.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from skimage.metrics import structural_similarity  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from stimuli.face_model import face_model  # noqa: E402
from stimuli.face_points import CONTOUR, LEFT_EYELIDS, OUTER_LIPS, RIGHT_EYELIDS  # noqa: E402
from stimuli.manifest import read_manifest  # noqa: E402
from stimuli.morph import AlignedFace  # noqa: E402
from stimuli.pair_videos import make_morph  # noqa: E402
from stimuli.pairs import read_pairs  # noqa: E402
from stimuli.parameters import MorphParameters  # noqa: E402
from stimuli.photographs import write_png  # noqa: E402
from stimuli.polygons import fill_polygon  # noqa: E402
from stimuli.rendered.exact_landmarks import landmark_record  # noqa: E402
from stimuli.rendered.hair_layers import paint_hair  # noqa: E402
from stimuli.rendered.photograph import Photograph, take_photograph  # noqa: E402
from stimuli.rendered.plan import Pair, draw_pairs  # noqa: E402

LEVELS = (0.25, 0.5, 0.75)
N_FRAMES = 125
SCRIPTS = Path(__file__).with_name("morph_peers")
BROWS = (
    [70, 63, 105, 66, 107, 55, 65, 52, 53, 46],
    [300, 293, 334, 296, 336, 285, 295, 282, 283, 276],
)
"""The face model's points around the brows."""
REGIONS = ("face", "mouth", "eyes", "brows", "skin")
PEERS = {
    "facemorph": ["facemorph==0.1.0"],
    "facemorpher": ["--no-deps", "facemorpher==5.2.1"],
}
MORE = {"facemorpher": ["numpy<2", "scipy", "opencv-python<5", "docopt", "matplotlib"]}
"""What a program needs and does not ask for, or asks for and cannot get."""


class Truth(NamedTuple):
    """A face at one level of expression: picture, exact landmarks, the face model's points."""

    image: np.ndarray
    exact_px: np.ndarray
    eyes_px: np.ndarray
    face_px: np.ndarray


class Row(NamedTuple):
    """One row of the table."""

    program: str
    similarity: dict[str, float]
    cpu_s: float | None
    note: str


def render_truth(pair: Pair, levels: Sequence[float] = LEVELS) -> dict[float, Truth]:
    """Render a built-in face with both expressions and, unit by unit, in between."""
    ends = [pair.expressions[name] for name in ("happy", "angry")]
    first, second = (dict(getattr(end, "face_units", end)) for end in ends)
    hair = paint_hair(pair.person, pair.studio)
    found = {}
    for level in (0.0, *levels, 1.0):
        units = {
            name: (1 - level) * first.get(name, 0) + level * second.get(name, 0)
            for name in sorted({*first, *second})
        }
        found[level] = _truth(take_photograph(pair.person, units, pair.studio, hair))
    return found


def _truth(photograph: Photograph) -> Truth:
    height_px, width_px = photograph.rgb.shape[:2]
    size = {"width_px": width_px, "height_px": height_px}
    record = landmark_record(photograph.vertices_px, photograph.pupils_px, **size)
    face_px = face_model().find_faces(photograph.rgb)[0].points_px
    return Truth(photograph.rgb, np.array(record["points_px"]), photograph.pupils_px, face_px)


def our_frames(
    truth: dict[float, Truth], *, exact: bool, levels: Sequence[float] = LEVELS, **options: Any
) -> dict[float, np.ndarray]:
    """Morph with exact landmarks, as the built-in faces have them, or with those that the model finds."""
    faces = [
        AlignedFace(
            image=end.image,
            points_px=end.exact_px if exact else end.face_px,
            face_px=end.face_px,
            eye_distance_px=float(np.linalg.norm(end.eyes_px[1] - end.eyes_px[0])),
        )
        for end in (truth[0.0], truth[1.0])
    ]
    morph = make_morph(faces[0], faces[1], MorphParameters(mask="none", **options))
    return {level: morph.frame(level) for level in levels}


def dissolved_frames(truth: dict[float, Truth], levels: Sequence[float] = LEVELS) -> dict[float, np.ndarray]:
    """Fade one photograph into the other."""
    first, second = truth[0.0].image.astype(float), truth[1.0].image.astype(float)
    return {level: np.rint((1 - level) * first + level * second).astype(np.uint8) for level in levels}


def similarity(truth: dict[float, Truth], frames: dict[float, np.ndarray]) -> dict[str, float]:
    """Mean structural similarity of frames and in-betweens by region."""
    found: dict[str, list[float]] = {name: [] for name in REGIONS}
    for level, frame in frames.items():
        greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (frame, truth[level].image)]
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        _, each = structural_similarity(*greys, data_range=255, full=True, **options)
        for name, region in _regions(truth[level].face_px, greys[0].shape).items():
            found[name].append(float(each[region].mean()))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _regions(face_px: np.ndarray, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    def inside(points: Sequence[int], enlarged: float = 1.0) -> np.ndarray:
        outline = face_px[points]
        if enlarged != 1:
            hull = cv2.convexHull(outline.astype(np.float32))[:, 0]
            outline = hull.mean(axis=0) + enlarged * (hull - hull.mean(axis=0))
        return fill_polygon(outline, width_px=shape[1], height_px=shape[0]) > 0.5

    face, mouth = inside(CONTOUR), inside(OUTER_LIPS, 1.25)
    eyes = inside(RIGHT_EYELIDS, 1.3) | inside(LEFT_EYELIDS, 1.3)
    brows = (inside(BROWS[0], 1.4) | inside(BROWS[1], 1.4)) & ~eyes
    return {
        "face": face,
        "mouth": mouth,
        "eyes": eyes,
        "brows": brows,
        "skin": face & ~mouth & ~eyes & ~brows,
    }


def write_ends(truth: dict[float, Truth], folder: Path) -> None:
    """Write both photographs and their landmarks for the other programs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, level in (("first", 0.0), ("second", 1.0)):
        write_png(folder / f"{name}.png", truth[level].image)
        np.save(folder / f"{name}.npy", truth[level].face_px)
    table = "identity\tsex\thappy\tangry\nface\tfemale\tfirst.png\tsecond.png\n"
    (folder / "pairs.tsv").write_text(table, encoding="utf-8")
    (folder / "plan.tsv").write_text("identity\tdirection\nface\tHappyToAngry\n", encoding="utf-8")


def write_table(path: Path, n_faces: int) -> None:
    """Write the table of all faces."""
    rows = [f"face{n}\tfemale\tface{n}/first.png\tface{n}/second.png" for n in range(n_faces)]
    path.write_text("\n".join(["identity\tsex\thappy\tangry", *rows, ""]), encoding="utf-8")


def install(program: str, folder: Path) -> Path:
    """Make an environment with a program, or use the one that is there; return its Python."""
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = folder / program / scripts / ("python.exe" if os.name == "nt" else "python")
    if not (folder / program / "installed").is_file():
        print(f"installing {program} into {folder / program} ...", flush=True)
        venv.create(folder / program, with_pip=True, clear=True)
        for packages in (PEERS[program], MORE.get(program)):
            if packages:
                call([str(python), "-m", "pip", "install", "--quiet", *packages])
        (folder / program / "installed").touch()
    return python


def call(command: Sequence[str], *, allowed: Sequence[int] = (0,)) -> float:
    """Run a program to its end; return the CPU seconds of it and its children."""
    before = os.times()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode not in allowed:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1])
    return after.children_user + after.children_system - before.children_user - before.children_system


def peer_row(program: str, truths: Sequence[dict[float, Truth]], peers: Path, work: Path) -> Row:
    """Run another program on all faces and time it on one."""
    notes = {
        "facemorph": "0.1.0, own landmarks; writes mp4v",
        "facemorpher": f"5.2.1, our landmarks; 3 frames x {N_FRAMES / 3:.1f}, no video written",
    }
    try:
        python = str(install(program, peers))
        script = str(SCRIPTS / f"run_{program}.py")
        found = []
        for number, truth in enumerate(truths):
            ends, out = work / f"face{number}", work / f"{program}{number}"
            out.mkdir()
            cpu_s = call([python, script, str(ends), str(out), *map(str, LEVELS)])
            frames = {
                level: cv2.cvtColor(cv2.imread(str(out / f"{level}.png")), cv2.COLOR_BGR2RGB)
                for level in LEVELS
            }
            found.append(similarity(truth, frames))
        if program == "facemorph":
            calls = [
                [python, script, str(work / f"face{number}"), str(work / f"peer{number}.mp4"), "video"]
                for number in range(len(truths))
            ]
            cpu_s = sum(map(call, calls)) / len(calls)
        else:
            cpu_s *= N_FRAMES / len(LEVELS)
        return Row(program, _mean(found), cpu_s, notes[program])
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return Row(program, {}, None, f"did not run: {error}")


def our_cpu(work: Path, table: str = "pairs.tsv", *, plan: bool = False, report: bool = False) -> float:
    """CPU seconds per video of our command: for one video alone, or each of all pairs of a table."""
    out = work / f"set{plan}{report}{Path(table).parent.name}"
    options = ["--plan", str(work / "face0" / "plan.tsv")] if plan else []
    command = [sys.executable, "-m", "stimuli", "morph", str(work / table), str(out)]
    options += [] if report else ["--no-report"]
    cpu_s = call([*command, *options, "--workers", "1"], allowed=(0, 1))  # 1: a gate failed
    n_videos, n_pairs = len(read_manifest(out)), len(read_pairs(work / table).pairs)
    if n_videos != (1 if plan else 2 * n_pairs):
        raise RuntimeError(f"{n_videos} videos were made of {n_pairs} pairs")
    return cpu_s / n_videos


def _mean(found: Iterable[dict[str, float]]) -> dict[str, float]:
    found = list(found)
    return {name: float(np.mean([each[name] for each in found])) for name in REGIONS}


def table(rows: Sequence[Row]) -> str:
    """Write the rows as a table."""
    lines = ["program".ljust(27) + "".join(name.rjust(8) for name in REGIONS) + "   CPU s  note"]
    for row in rows:
        values = [f"{row.similarity[name]:.3f}" if row.similarity else "-" for name in REGIONS]
        cpu = f"{row.cpu_s:.1f}" if row.cpu_s is not None else "-"
        lines.append(
            row.program.ljust(27) + "".join(v.rjust(8) for v in values) + cpu.rjust(8) + "  " + row.note
        )
    return "\n".join(lines)


def main() -> None:
    """Render, morph, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=4, help="number of built-in pairs (of 12)")
    parser.add_argument("--peers", type=Path, help="folder that keeps the other programs' environments")
    parser.add_argument("--no-peers", action="store_true", help="leave the other programs out")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    start = time.perf_counter()
    pairs = draw_pairs(10, seed=1)
    chosen = [pairs[round(place)] for place in np.linspace(0, len(pairs) - 1, arguments.faces)]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        truths = [render_truth(pair) for pair in chosen]
        for number, truth in enumerate(truths):
            write_ends(truth, work / f"face{number}")
        write_table(work / "pairs.tsv", len(truths))
        kinds: dict[str, Callable[[dict[float, Truth]], dict[float, np.ndarray]]] = {
            "ours, exact landmarks": lambda truth: our_frames(truth, exact=True),
            "ours, found landmarks": lambda truth: our_frames(truth, exact=False),
            "ours, found, mouth blend": lambda truth: our_frames(truth, exact=False, mouth="blend"),
            "ours, found, detail match": lambda truth: our_frames(truth, exact=False, detail="match"),
            "ours, found, without flow": lambda truth: our_frames(truth, exact=False, flow_passes=0),
            "cross-dissolve": dissolved_frames,
        }
        means = {
            name: _mean(similarity(truth, frames(truth)) for truth in truths)
            for name, frames in kinds.items()
        }
        costs = {
            "ours, exact landmarks": (None, "as the built-in pairs have them"),
            "ours, found landmarks": (
                our_cpu(work),
                f"each video of a set of {2 * len(truths)}; lossless, decoded again, hashed",
            ),
            "ours, found, mouth blend": (
                our_cpu(work, "face0/pairs.tsv", plan=True),
                "CPU: one direction alone, mouth occluded",
            ),
            "ours, found, detail match": (
                our_cpu(work, report=True),
                "CPU: each video of the set, with quality report, detail kept",
            ),
            "ours, found, without flow": (
                our_cpu(work, "face0/pairs.tsv"),
                "CPU: each video of one pair alone, with flow",
            ),
        }
        rows = [Row(name, mean, *costs.get(name, (None, ""))) for name, mean in means.items()]
        if not arguments.no_peers:
            peers = arguments.peers or work / "peers"
            peers.mkdir(parents=True, exist_ok=True)
            rows += [peer_row(program, truths, peers.resolve(), work) for program in PEERS]
    print(
        f"SSIM with rendered in-betweens of {len(chosen)} faces at levels {LEVELS}; "
        f"CPU seconds per {N_FRAMES} frames\n"
    )
    print(table(rows))
    print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
