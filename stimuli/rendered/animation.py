"""Animations: the 3-D head itself moves from one expression to another, frame by frame.

A morph mixes two photographs; here every frame is a photograph of its own, taken of the head with the action
units of that moment. Such sets look like morph sets to everything that shows or checks them.
"""

import dataclasses
import functools
import itertools
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from tqdm import tqdm

from stimuli.courses import levels_between, progress
from stimuli.manifest import (
    COLUMNS,
    DICTIONARY_NAME,
    StimulusVideo,
    file_sha256,
    read_manifest,
    write_json,
    write_manifest,
)
from stimuli.rendered.exact_landmarks import landmark_record
from stimuli.rendered.expressions import between
from stimuli.rendered.faceset import FaceSet
from stimuli.rendered.hair_layers import HairLayers, paint_hair
from stimuli.rendered.identities import Person
from stimuli.rendered.photograph import Photograph, exact_positions, take_photograph
from stimuli.rendered.plan import Pair
from stimuli.rendered.scene import HEIGHT_PX, WIDTH_PX, Studio, build_scene
from stimuli.versions import versions
from stimuli.video import decode, encode, frame_hashes
from stimuli.workers import default_workers, run_jobs

VIDEO_FOLDER, FRAME_FOLDER = "videos", "frames"
N_AT_ONCE = 8
"""Frames that one job renders."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How an animation goes with time.

    Raises
    ------
    ValueError
        If a duration or the frame rate is impossible.
    """

    onset_s: float = 5.0
    """How long the way from the first expression to the second takes. Korb et al. (2023): videos of 5 s."""
    apex_s: float = 0.0
    """How long the second expression is held."""
    offset_s: float = 0.0
    """How long the way back to the first expression takes; 0 = the video ends with the second."""
    fps: float = 25.0
    """Frames per second. Korb et al. (2023): 25."""
    shape: Literal["linear", "smooth"] = "linear"
    """``linear``: by the same amount in every frame; ``smooth``: slowly at both ends, 3 x^2 - 2 x^3."""

    def __post_init__(self) -> None:
        for name, value, least in (
            ("the frame rate", self.fps, 1.0),
            ("the duration of the onset", self.onset_s, 2 / max(self.fps, 1.0)),
            ("the duration of the apex", self.apex_s, 0.0),
            ("the duration of the offset", self.offset_s, 0.0),
        ):
            if not least <= value <= 1000:
                raise ValueError(f"{name} is {value:g}; expected {least:g} to 1000")
        if self.shape not in ("linear", "smooth"):
            raise ValueError(f"the course is {self.shape!r}; expected linear or smooth")

    def levels(self) -> list[float]:
        """Return how far each frame is on the way from the first expression (0) to the second (1).

        Examples
        --------
        >>> Course(onset_s=0.12, apex_s=0.04, offset_s=0.12).levels()
        [0.0, 0.5, 1.0, 1.0, 0.666666667, 0.333333333, 0.0]
        """
        there = progress(round(self.onset_s * self.fps), course=self.shape, n_held=0)
        levels = [levels_between(0.0, 1.0, there), np.ones(round(self.apex_s * self.fps))]
        n_back = round(self.offset_s * self.fps)
        if n_back:
            back = progress(n_back + 1, course=self.shape, n_held=0)
            levels.append(levels_between(1.0, 0.0, back)[1:])
        return np.concatenate(levels).tolist()


def photograph_between(pair: Pair, first: str, second: str, level: float) -> Photograph:
    """Render the head at a level of the way from one of its expressions (0) to another (1).

    At 0 and 1 this is, bit for bit, the photograph of the face set.
    """
    expression = between(pair.expressions[first], pair.expressions[second], level)
    return take_photograph(pair.person, expression.face_units, pair.studio, _hair.of(pair))


class _HairStore:
    """The hair of the last pair, which all its frames share."""

    def __init__(self) -> None:
        self._key: tuple[Person, Studio] | None = None
        self._hair: HairLayers | None = None

    def of(self, pair: Pair) -> HairLayers:
        """Return the painted hair of a pair."""
        key = (pair.person, pair.studio)
        if self._hair is None or self._key != key:
            self._hair, self._key = paint_hair(*key), key
        return self._hair


_hair = _HairStore()


def animate_set(
    out: Path,
    faces: FaceSet,
    *,
    first: str,
    second: str,
    course: Course,
    progress_bar: bool,
    n_workers: int | None = None,
) -> list[StimulusVideo]:
    """Animate all pairs of a face set in both directions.

    Parameters
    ----------
    out
        Folder of the set: new, empty, or one that was begun with the same parameters; its frames are kept.
    faces
        The people and their expressions.
    first, second
        Names of two of the expressions.
    course
        How the level goes with time.
    progress_bar
        Show a progress bar on stderr.
    n_workers
        Processes that render; by default one per processor. Frames do not depend on their number.

    Raises
    ------
    ValueError
        If an expression is not known, or both are the same.
    FileExistsError
        If the folder holds something else.
    """
    if first == second:
        raise ValueError(f"an animation needs two different expressions, not {first} twice")
    pairs = dataclasses.replace(faces, expressions=(first, second)).pairs()
    description = _description(faces, (first, second), course)
    _claim(out, description)
    levels = sorted(set(course.levels()) | {round(1 - level, 9) for level in course.levels()})
    todo = [pair for pair in pairs if not _is_finished(out, pair, (first, second))]
    bar = tqdm(total=len(todo) * len(levels), desc="frames", unit="frame", disable=not progress_bar)
    work = functools.partial(_render_some, out, (first, second))
    jobs = [(pair, some) for pair in todo for some in _chunks(levels)]
    with bar:
        for done in run_jobs(work, jobs, n_workers=n_workers or default_workers()):
            bar.update(done)
    for pair in tqdm(todo, desc="videos", unit="pair", disable=not progress_bar):
        _write_videos(out, pair, (first, second), course)
    names = [name for pair in pairs for name in _video_names(pair, (first, second))]
    write_manifest(out, [_read_row(out, name) for name in names], description=description)
    shutil.rmtree(out / FRAME_FOLDER, ignore_errors=True)
    return read_manifest(out)


def _chunks(levels: Sequence[float]) -> list[list[float]]:
    return [list(levels[start : start + N_AT_ONCE]) for start in range(0, len(levels), N_AT_ONCE)]


def _description(faces: FaceSet, ends: tuple[str, str], course: Course) -> dict[str, Any]:
    record = dataclasses.replace(faces, expressions=ends).record()
    return {
        "expressions": list(ends),
        "middle": None,
        "parameters": {"kind": "animation", **dataclasses.asdict(course), "faces": record},
        "versions": versions(),
    }


def _claim(out: Path, description: dict[str, Any]) -> None:
    """Make the folder, or accept one that was begun with the same parameters."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file; give the name of a folder")
    if out.exists() and any(out.iterdir()):
        try:
            found = json.loads((out / DICTIONARY_NAME).read_text(encoding="utf-8"))["parameters"]
        except (OSError, ValueError, KeyError, TypeError):
            raise FileExistsError(f"{out} holds other files; give an empty or new folder") from None
        if found != json.loads(json.dumps(description["parameters"])):
            raise FileExistsError(
                f"{out} holds a set that was made with other parameters; give a new folder, or the same "
                "parameters to go on with that set"
            )
        return
    for folder in (VIDEO_FOLDER, FRAME_FOLDER):
        (out / folder).mkdir(parents=True)
    write_json(out / DICTIONARY_NAME, {**COLUMNS, **description})


def _video_names(pair: Pair, ends: tuple[str, str]) -> list[str]:
    return [f"{pair.pair}_{_direction(*way)}" for way in (ends, ends[::-1])]


def _direction(first: str, second: str) -> str:
    return f"{first[:1].upper()}{first[1:]}To{second[:1].upper()}{second[1:]}"


def _sidecar(out: Path, name: str) -> Path:
    return out / VIDEO_FOLDER / f"{name}.json"


def _is_finished(out: Path, pair: Pair, ends: tuple[str, str]) -> bool:
    """Tell whether both videos of a pair are there and whole."""
    for name in _video_names(pair, ends):
        try:
            content = json.loads(_sidecar(out, name).read_text(encoding="utf-8"))
            if file_sha256(out / content["file"]) != content["file_sha256"]:
                return False
        except (OSError, ValueError, KeyError):
            return False
    return True


def _frame_path(out: Path, pair: Pair, level: float) -> Path:
    return out / FRAME_FOLDER / f"{pair.pair}_{level:.9f}.png"


def _render_some(out: Path, ends: tuple[str, str], job: tuple[Pair, list[float]]) -> int:
    """Render those frames of a pair that are not there yet; return how many were asked for."""
    pair, levels = job
    for level in levels:
        path = _frame_path(out, pair, level)
        if not path.is_file():
            rgb = photograph_between(pair, *ends, level).rgb
            ok, data = cv2.imencode(".png", rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
            if not ok:
                raise RuntimeError(f"{path.name} could not be encoded as PNG")
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            part.write_bytes(data.tobytes())
            part.replace(path)
    return len(levels)


def _write_videos(out: Path, pair: Pair, ends: tuple[str, str], course: Course) -> None:
    """Encode both directions of a pair, compare them with their frames, and describe them."""
    read = functools.lru_cache(maxsize=None)(functools.partial(_read_frame, out, pair))
    landmarks = {name: _landmarks(pair, name) for name in ends}
    for name, way in zip(_video_names(pair, ends), (ends, ends[::-1]), strict=True):
        levels = course.levels() if way == ends else [round(1 - level, 9) for level in course.levels()]
        frames = [read(level) for level in levels]
        path = out / VIDEO_FOLDER / f"{name}.mp4"
        encode(frames, path, fps=course.fps)
        if not all(itertools.starmap(np.array_equal, zip(frames, decode(path), strict=True))):
            raise RuntimeError(f"{path} does not give back the frames that were written; is the disk sound?")
        hashes = frame_hashes(frames)
        content = {
            "video": name,
            "pair": pair.pair,
            "identity": pair.person.identity,
            "sex": pair.person.sex,
            "direction": _direction(*way),
            "expressions": list(ends),
            "file": path.relative_to(out).as_posix(),
            "file_sha256": file_sha256(path),
            "n_frames": len(frames),
            "fps": course.fps,
            "width_px": WIDTH_PX,
            "height_px": HEIGHT_PX,
            "rendered": True,
            "levels": levels,
            "times_s": [round(index / course.fps, 6) for index in range(len(levels))],
            "action_units": {name_: pair.expressions[name_].action_units for name_ in ends},
            "face_units": {name_: pair.expressions[name_].face_units for name_ in ends},
            "studio": dataclasses.asdict(pair.studio),
            "landmarks": landmarks,
            "course": dataclasses.asdict(course),
            "quality": {},
            "warnings": [],
            "versions": versions(),
            "frame_sha256": hashes[0],
            "frames_sha256": hashes[1],
        }
        write_json(_sidecar(out, name), content)


def _read_frame(out: Path, pair: Pair, level: float) -> np.ndarray:
    data = np.frombuffer(_frame_path(out, pair, level).read_bytes(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if picture is None:
        raise RuntimeError(f"{_frame_path(out, pair, level)} cannot be read; delete it and start again")
    return np.ascontiguousarray(picture[..., ::-1])


def _landmarks(pair: Pair, name: str) -> dict[str, Any]:
    scene = build_scene(pair.person, pair.expressions[name].face_units, pair.studio)
    vertices_px, pupils_px = exact_positions(scene)
    return landmark_record(vertices_px, pupils_px, width_px=WIDTH_PX, height_px=HEIGHT_PX)


def _read_row(out: Path, name: str) -> StimulusVideo:
    content = json.loads(_sidecar(out, name).read_text(encoding="utf-8"))
    own = {field.name for field in dataclasses.fields(StimulusVideo)} - {"folder", "sidecar"}
    values = {key: content[key] for key in own}
    return StimulusVideo(folder=out, sidecar=_sidecar(out, name).relative_to(out).as_posix(), **values)
