"""Render the built-in face set into a folder."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy
from tqdm import tqdm

from stimuli.rendered import DEFAULT_SEED
from stimuli.rendered.exact_landmarks import landmark_record, template_name
from stimuli.rendered.expressions import Recipes, built_in_recipes, recipes_text
from stimuli.rendered.head import MODEL_FILE
from stimuli.rendered.identities import Person
from stimuli.rendered.people_tables import people_text, rounded
from stimuli.rendered.photograph import photograph_pair
from stimuli.rendered.plan import EMOTIONS, Pair, draw_pairs
from stimuli.rendered.scene import HEIGHT_PX, WIDTH_PX
from stimuli.workers import default_workers, run_jobs

RENDERER_VERSION = 2
"""Changes whenever the same seed gives other pictures."""

FOLDER = "photographs"


@dataclass(frozen=True, kw_only=True)
class FaceSet:
    """What a set of faces is made of."""

    identities: int = 10
    """Number of people, 1 to 99; ten give twelve pairs (`stimuli.rendered.plan.draw_pairs`)."""
    seed: int = DEFAULT_SEED
    """Whom to draw; the same seed gives the same faces."""
    expressions: tuple[str, ...] = EMOTIONS
    """Names of expressions, in the order of the columns."""
    recipes: Recipes = field(default_factory=built_in_recipes)
    """Action units of every expression."""
    people: tuple[Person, ...] | None = None
    """Other people than those of the seed, from a table; `identities` does not count then."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"the seed must be 0 or more, not {self.seed}")
        twice = sorted({name for name in self.expressions if self.expressions.count(name) > 1})
        if twice:
            raise ValueError(f"expressions asked for more than once: {', '.join(twice)}")
        if not self.expressions:
            raise ValueError("a set needs one expression at least")

    def pairs(self) -> list[Pair]:
        """Draw the pairs of the set.

        Raises
        ------
        ValueError
            When the number of identities is out of range, or an expression is not known.
        """
        return draw_pairs(
            self.identities,
            seed=self.seed,
            people=self.people,
            expressions=self.expressions,
            recipes=self.recipes,
        )

    def record(self) -> dict[str, Any]:
        """Return everything that the pictures depend on, for the set's description."""
        people = [rounded(person) for person in self.people] if self.people is not None else None
        return {
            "format": "countenance-faces",
            "rendered": True,
            "identities": self.identities if people is None else len(people),
            "seed": self.seed,
            "people_sha256": hashlib.sha256(people_text(people).encode()).hexdigest() if people else None,
            "recipes": {name: self.recipes[name] for name in self.expressions if name in self.recipes},
            "renderer_version": RENDERER_VERSION,
            "head_model_sha256": hashlib.sha256(MODEL_FILE.read_bytes()).hexdigest(),
            "landmark_template": template_name(),
            "image_width_px": WIDTH_PX,
            "image_height_px": HEIGHT_PX,
        }


def make_face_set(
    out: Path,
    faces: FaceSet | None = None,
    *,
    progress: bool,
    n_workers: int | None = None,
) -> Path:
    """Render photographs of drawn people, with exact landmarks.

    Parameters
    ----------
    out : Path
        Folder of the set. A set with the same parameters that was begun there is finished, and its finished
        photographs are kept.
    faces : FaceSet, optional
        What to render; by default ten people, happy and angry.
    progress : bool
        Show a progress bar on stderr.
    n_workers : int, optional
        Processes that render; by default one per processor. Pictures do not depend on their number.

    Returns
    -------
    Path
        ``pairs.tsv``: pair, identity, sex, a photograph per expression and their landmark files, relative to
        it. Beside it ``identities.toml`` and ``expressions.toml`` hold the people and the action units.

    Raises
    ------
    ValueError
        When the number of identities is out of range, or an expression is not known.
    FileExistsError
        When `out` holds something else.
    """
    faces = FaceSet() if faces is None else faces
    pairs = faces.pairs()
    record = faces.record()
    _claim_folder(out, record)
    unfinished = [pair for pair in pairs if not _is_finished(out, pair)]
    n_each = len(faces.expressions)
    bar = tqdm(
        total=len(pairs) * n_each,
        initial=(len(pairs) - len(unfinished)) * n_each,
        unit="photograph",
        desc="built-in faces",
        disable=not progress,
    )
    with bar:
        for _ in run_jobs(partial(render_pair, out), unfinished, n_workers=n_workers or default_workers()):
            bar.update(n_each)
    return _write_tables(out, pairs, record)


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
    """Render the photographs of a pair and write them with their landmarks."""
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
    """Tell whether all photographs of a pair are there, whole, with their landmarks."""
    for expression in pair.expressions:
        picture, landmarks = _paths(out, pair, expression)
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
    names = list(pairs[0].expressions)
    rows = ["\t".join(["pair", "identity", "sex", *names, *(f"{name}_landmarks" for name in names)])]
    photographs: dict[str, Any] = {}
    for pair in pairs:
        paths = [_paths(out, pair, name) for name in names]
        files = [*(p[0] for p in paths), *(p[1] for p in paths)]
        relative = [path.relative_to(out).as_posix() for path in files]
        rows.append("\t".join([pair.pair, pair.person.identity, pair.person.sex, *relative]))
        for name, (picture, landmarks) in zip(names, paths, strict=True):
            described = _describe_photograph(pair, name, picture, landmarks)
            photographs[picture.relative_to(out).as_posix()] = described
    people = list({pair.person.identity: pair.person for pair in reversed(pairs)}.values())[::-1]
    _replace(out / "identities.toml", people_text(people).encode("utf-8"))
    recipes = {name: record["recipes"][name] for name in names}
    _replace(out / "expressions.toml", recipes_text(recipes).encode("utf-8"))
    table = out / "pairs.tsv"
    _replace(table, ("\n".join(rows) + "\n").encode("utf-8"))
    _write_json(out / "pairs.json", _columns(names))
    by_name = {person.identity: asdict(person) for person in people}
    extra = {"complete": True, "versions": _versions(), "photographs": photographs, "people": by_name}
    _write_json(out / "faces.json", record | extra)
    return table


def _describe_photograph(pair: Pair, name: str, picture: Path, landmarks: Path) -> dict[str, Any]:
    stored = json.loads(landmarks.read_text(encoding="utf-8"))
    return {
        "pair": pair.pair,
        "expression": name,
        "action_units": pair.expressions[name].action_units,
        "face_units": pair.expressions[name].face_units,
        "studio": asdict(pair.studio),
        "file_sha256": stored["photograph_sha256"],
        "pixels_sha256": stored["pixels_sha256"],
        "landmarks_sha256": _sha256(landmarks),
    }


def _columns(expressions: list[str]) -> dict[str, Any]:
    """Return the data dictionary of ``pairs.tsv``."""
    columns: dict[str, Any] = {
        "pair": {"Description": "Name of the photographs that belong together, unique in the table"},
        "identity": {"Description": "Name of the drawn person; two of ten people have two pairs"},
        "sex": {
            "Description": "Sex that the head and the looks were drawn for",
            "Levels": {"female": "female", "male": "male"},
        },
    }
    for name in expressions:
        columns[name] = {
            "Description": f"Photograph of the expression {name} (PNG, sRGB), relative to this table"
        }
    for name in expressions:
        columns[f"{name}_landmarks"] = {
            "Description": f"Exact landmarks of the {name} photograph (JSON), in pixels; same points in all"
        }
    return columns


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
