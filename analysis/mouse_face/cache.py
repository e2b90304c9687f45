"""Results that take minutes, kept in plain JSON files, so that a run that was killed makes them once.

A result is found again only if everything that decides it is the same: what it was made of, the state of the
random numbers, and the program itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from analysis.faces.descriptor_files import write_durably
from experiments.dataset.provenance import ROOT, package_versions, suite_version

Result = TypeVar("Result")
FOLDER = Path("derivatives", "countenance", "faces", "results")
"""Where they lie in a study."""
CLIPS = "clips_{}.npy"
"""Name of the gathered clips, beside that folder."""
UNUSED_DAYS = 14
"""Files that no report needed for longer are deleted."""


def remembered(
    folder: Path | None, name: str, made_of: Mapping[str, Any], kind: type[Result], make: Callable[[], Result]
) -> Result:
    """Return a result that was made before of the same things, or make it and keep it.

    Parameters
    ----------
    folder : Path or None
        Where results are kept; None: nowhere, it is made.
    name : str
        Begins the file's name.
    made_of : mapping
        Everything that decides the result: arrays, tables, numbers, words, random generators.
    kind : type
        A dataclass whose fields are arrays, tables, mappings of numbers and words, numbers or words.
    make : callable
        Makes it. Random numbers must come from a generator in ``made_of`` that nothing else uses
        (``rng.spawn(1)[0]``), so that what follows is the same whether the result was made or found.

    Returns
    -------
    Result
    """
    if folder is None:
        return make()
    path = folder / f"{name}_{fingerprint(made_of)}.json"
    if path.is_file():
        used(path)
        fields = json.loads(path.read_text(encoding="utf-8"))
        return kind(**{field: _decoded(value) for field, value in fields.items()})
    result = make()
    fields = {
        field.name: _encoded(getattr(result, field.name))
        for field in dataclasses.fields(result)  # type: ignore[arg-type]
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(fields) + "\n"
    write_durably(path, lambda part: part.write_text(text, encoding="utf-8", newline="\n"))
    return result


def used(path: Path) -> None:
    """Note that a kept file was needed today."""
    with contextlib.suppress(OSError):
        os.utime(path)


def forget_unused(study: Path, *, days: float = UNUSED_DAYS) -> list[Path]:
    """Delete what is kept in a study for speed and was not needed for some days.

    These are gathered clips and single results; descriptors of videos, whose making takes hours, stay.

    Parameters
    ----------
    study : Path
        Folder of the study.
    days : float
        Files that were needed within this time stay.

    Returns
    -------
    list of Path
        The files that were deleted.
    """
    since_s = time.time() - 86_400 * days
    kept = [*(study / FOLDER).parent.glob(CLIPS.format("*")), *(study / FOLDER).glob("*.json")]
    old = [path for path in kept if path.stat().st_mtime < since_s]
    deleted = []
    for path in old:
        with contextlib.suppress(OSError):  # such as one that another report is reading
            path.unlink()
            deleted.append(path)
    return deleted


def fingerprint(value: Any) -> str:
    """Return a short name for a value, the same for the same value; the program is part of it.

    >>> fingerprint({"trees": 50}) == fingerprint({"trees": 50})
    True
    >>> fingerprint(np.arange(3)) == fingerprint(np.arange(3.0))
    False
    """
    digest = hashlib.sha256(_program().encode())
    _digest(value, digest)
    return digest.hexdigest()[:16]


def _digest(value: Any, digest: Any) -> None:
    if isinstance(value, Mapping):
        for key in sorted(value):
            digest.update(f"{key}=".encode())
            _digest(value[key], digest)
    elif isinstance(value, pd.DataFrame | pd.Series):
        digest.update(str(getattr(value, "columns", "")).encode())
        digest.update(pd.util.hash_pandas_object(value).to_numpy().tobytes())
    elif isinstance(value, np.random.Generator):
        digest.update(repr(value.bit_generator.state).encode())
    elif isinstance(value, np.ndarray) and value.dtype.kind not in "OUST":
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, np.ndarray | list | tuple):
        digest.update(repr([str(one) for one in value]).encode())
    else:
        digest.update(repr(value).encode())


@functools.cache
def _program() -> str:
    """Versions, and a hash of the analysis itself: a changed program finds no old results."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "analysis").rglob("*.py")):
        digest.update(path.read_bytes())
    versions = package_versions(["numpy", "scipy", "pandas", "scikit-learn", "numba"])
    return f"{suite_version()} {versions} {digest.hexdigest()}"


def _encoded(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        columns = [_encoded(value[name].to_numpy()) for name in value.columns]
        index = {"values": _encoded(value.index.to_numpy()), "name": value.index.name}
        return {"table": columns, "columns": list(value.columns), "of": value.columns.name, "index": index}
    if isinstance(value, np.ndarray | pd.api.extensions.ExtensionArray):
        array = np.asarray(value)
        return {"array": array.tolist(), "dtype": "object" if array.dtype.kind in "OUT" else str(array.dtype)}
    if isinstance(value, Mapping):
        return {"mapping": [[key, _encoded(one)] for key, one in value.items()]}
    if isinstance(value, tuple | list):
        return {"sequence": [_encoded(one) for one in value]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a result of type {type(value).__name__} cannot be kept as plain JSON")


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "table" in value:
        index = pd.Index(_decoded(value["index"]["values"]), name=value["index"]["name"])
        data = {place: _decoded(column) for place, column in enumerate(value["table"])}
        table = pd.DataFrame(data, index=index)
        table.columns = pd.Index(value["columns"], name=value["of"])
        return table.infer_objects()
    if "array" in value:
        return np.array(value["array"], dtype=value["dtype"])
    if "mapping" in value:
        return {key: _decoded(one) for key, one in value["mapping"]}
    return tuple(_decoded(one) for one in value["sequence"])
