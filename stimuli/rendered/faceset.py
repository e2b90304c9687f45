"""Render the built-in face set into a folder."""

import hashlib
import json
import platform
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy
from tqdm import tqdm

from stimuli.rendered.exact_landmarks import landmark_record, template_name
from stimuli.rendered.head import MODEL_FILE
from stimuli.rendered.photograph import photograph_pair
from stimuli.rendered.plan import EMOTIONS, Pair, draw_pairs
from stimuli.rendered.scene import HEIGHT_PX, WIDTH_PX
from stimuli.workers import default_workers, run_jobs

RENDERER_VERSION = 1
"""Changes whenever the same seed gives other pictures."""

FOLDER = "photographs"


def make_face_set(
    out: Path, *, identities: int = 10, seed: int, progress: bool, n_workers: int | None = None
) -> Path:
    """Render happy and angry photographs of drawn people, with exact landmarks.

    Parameters
    ----------
    out : Path
        Folder of the set. A set with the same parameters that was begun there is finished, and its finished
        photographs are kept.
    identities : int
        Number of people, 1 to 99; ten give twelve pairs (`stimuli.rendered.plan.draw_pairs`).
    seed : int
        The same seed gives the same faces, with any number of workers.
    progress : bool
        Show a progress bar on stderr.
    n_workers : int, optional
        Processes that render; by default one per processor.

    Returns
    -------
    Path
        ``pairs.tsv``: pair, identity, sex, the two photographs and their landmark files, relative to it.

    Raises
    ------
    ValueError
        When `identities` or `seed` is out of range.
    FileExistsError
        When `out` holds something else.
    """
    if seed < 0:
        raise ValueError(f"the seed must be 0 or more, not {seed}")
    pairs = draw_pairs(identities, seed=seed)
    record = _parameters(identities, seed)
    _claim_folder(out, record)
    unfinished = [pair for pair in pairs if not _is_finished(out, pair)]
    bar = tqdm(
        total=len(pairs) * len(EMOTIONS),
        initial=(len(pairs) - len(unfinished)) * len(EMOTIONS),
        unit="photograph",
        desc="built-in faces",
        disable=not progress,
    )
    with bar:
        for _ in run_jobs(partial(render_pair, out), unfinished, n_workers=n_workers or default_workers()):
            bar.update(len(EMOTIONS))
    return _write_tables(out, pairs, record)


def _parameters(identities: int, seed: int) -> dict[str, Any]:
    return {
        "format": "countenance-faces",
        "rendered": True,
        "identities": identities,
        "seed": seed,
        "renderer_version": RENDERER_VERSION,
        "head_model_sha256": hashlib.sha256(MODEL_FILE.read_bytes()).hexdigest(),
        "landmark_template": template_name(),
        "image_width_px": WIDTH_PX,
        "image_height_px": HEIGHT_PX,
    }


def _claim_folder(out: Path, record: dict[str, Any]) -> None:
    """Make the folder, or accept one that was begun with the same parameters."""
    described = out / "faces.json"
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file; give the name of a folder")
    if described.is_file():
        found = json.loads(described.read_text(encoding="utf-8"))
        other = {key: found.get(key) for key, value in record.items() if found.get(key) != value}
        if other:
            wanted = {key: record[key] for key in other}
            raise FileExistsError(
                f"{out} holds another face set (it has {other}, asked for was {wanted}); "
                "give an empty folder or the same parameters"
            )
        return
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} holds other files; give an empty or new folder")
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    _write_json(described, record | {"complete": False})


def render_pair(out: Path, pair: Pair) -> None:
    """Render both photographs of a pair and write them with their landmarks."""
    for emotion, photograph in photograph_pair(pair.person, pair.expressions, pair.studio).items():
        picture, landmarks = _paths(out, pair, emotion)
        ok, data = cv2.imencode(".png", photograph.rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 6])
        if not ok:
            raise RuntimeError(f"{picture.name} could not be encoded as PNG")
        _replace(picture, data.tobytes())
        record = landmark_record(
            photograph.vertices_px, photograph.pupils_px, width_px=WIDTH_PX, height_px=HEIGHT_PX
        )
        pixels = hashlib.sha256(np.ascontiguousarray(photograph.rgb).tobytes()).hexdigest()
        _write_json(
            landmarks,
            record | {"photograph_sha256": _sha256(picture), "pixels_sha256": pixels, "rendered": True},
        )


def _paths(out: Path, pair: Pair, emotion: str) -> tuple[Path, Path]:
    folder = out / FOLDER
    return folder / f"{pair.pair}_{emotion}.png", folder / f"{pair.pair}_{emotion}_landmarks.json"


def _is_finished(out: Path, pair: Pair) -> bool:
    """Tell whether both photographs are there, whole, with their landmarks."""
    for emotion in EMOTIONS:
        picture, landmarks = _paths(out, pair, emotion)
        if not (picture.is_file() and landmarks.is_file()):
            return False
        try:
            stored = json.loads(landmarks.read_text(encoding="utf-8"))
        except json.JSONDecodeError:
            return False
        if stored.get("photograph_sha256") != _sha256(picture):
            return False
    return True


def _write_tables(out: Path, pairs: list[Pair], record: dict[str, Any]) -> Path:
    rows = ["\t".join(["pair", "identity", "sex", *EMOTIONS, *(f"{e}_landmarks" for e in EMOTIONS)])]
    photographs: dict[str, Any] = {}
    for pair in pairs:
        paths = [_paths(out, pair, emotion) for emotion in EMOTIONS]
        files = [*(p[0] for p in paths), *(p[1] for p in paths)]
        names = [path.relative_to(out).as_posix() for path in files]
        rows.append("\t".join([pair.pair, pair.person.identity, pair.person.sex, *names]))
        for emotion, (picture, landmarks) in zip(EMOTIONS, paths, strict=True):
            stored = json.loads(landmarks.read_text(encoding="utf-8"))
            photographs[picture.relative_to(out).as_posix()] = {
                "pair": pair.pair,
                "expression": emotion,
                "units": pair.expressions[emotion],
                "studio": asdict(pair.studio),
                "file_sha256": stored["photograph_sha256"],
                "pixels_sha256": stored["pixels_sha256"],
                "landmarks_sha256": _sha256(landmarks),
            }
    people = {pair.person.identity: asdict(pair.person) for pair in pairs}
    table = out / "pairs.tsv"
    _replace(table, ("\n".join(rows) + "\n").encode("utf-8"))
    _write_json(out / "pairs.json", COLUMNS)
    extra = {"complete": True, "versions": _versions(), "photographs": photographs, "people": people}
    _write_json(out / "faces.json", record | extra)
    return table


COLUMNS = {
    "pair": {"Description": "Name of the pair of photographs, unique in the table"},
    "identity": {"Description": "Name of the drawn person; two people have two pairs"},
    "sex": {"Description": "Sex that the head and the looks were drawn for", "Levels": ["female", "male"]},
    "happy": {"Description": "Photograph of the happy expression (PNG, sRGB), relative to this table"},
    "angry": {"Description": "Photograph of the angry expression (PNG, sRGB), relative to this table"},
    "happy_landmarks": {"Description": "Exact landmarks of the happy photograph (JSON), in pixels"},
    "angry_landmarks": {"Description": "Exact landmarks of the angry photograph (JSON), same points"},
}
"""Data dictionary of ``pairs.tsv``."""


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "opencv": cv2.__version__,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    _replace(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
