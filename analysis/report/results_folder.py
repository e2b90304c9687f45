"""Where results go: a folder of their own, which only the same analysis may renew."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SUMMARY = "results.json"
"""Machine-readable summary; its presence says that a folder is ours."""


def check_folder(folder: Path, *, generator: str, analysis: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but an earlier result of the same analysis.

    Parameters
    ----------
    folder : Path
        Where the results shall go; it need not exist.
    generator : str
        What writes results here; the earlier summary's ``generated_by``.
    analysis : dict
        What identifies the analysis: entries that the earlier summary must share.

    Raises
    ------
    FileExistsError
        If the folder has other content, or the result of another analysis.
    NotADirectoryError
        If it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give a folder for the results")
    if not folder.exists() or not any(folder.iterdir()):
        return
    earlier = _earlier_summary(folder)
    if earlier.get("generated_by") != generator:
        raise FileExistsError(
            f"{folder} already has other files in it and is no result of this analysis; give another "
            "folder with --out"
        )
    other = [f"{key}: {earlier.get(key)!r}" for key, value in analysis.items() if earlier.get(key) != value]
    if other:
        raise FileExistsError(
            f"{folder} holds the results of another analysis ({', '.join(other)}); give another "
            "folder with --out"
        )


def write_results(
    folder: Path, write: Callable[[Path], Sequence[Path]], summary: dict[str, Any]
) -> dict[str, Any]:
    """Write all files beside the folder first, then put them into it, in place of an earlier result.

    Files that an earlier run wrote and this one does not are removed; files of others stay.

    Parameters
    ----------
    folder : Path
        Checked by :func:`check_folder`.
    write : callable
        Writes the report into the folder it is given and returns the files.
    summary : dict
        Written as `results.json`, with the list of files.

    Returns
    -------
    dict
        The summary with its `files`, relative to the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder.parent) as name:
        fresh = Path(name)
        files = [path.relative_to(fresh).as_posix() for path in write(fresh)]
        summary = {**summary, "files": sorted(files)}
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (fresh / SUMMARY).write_text(text, encoding="utf-8", newline="\n")
        for stale in _stale_files(folder, keep=files):
            stale.unlink(missing_ok=True)
        for file in [*files, SUMMARY]:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (fresh / file).replace(folder / file)
    return summary


def _stale_files(folder: Path, *, keep: Sequence[str]) -> list[Path]:
    """List the files of the earlier result that the new one does not have; none outside of the folder."""
    stale = [folder / name for name in _earlier_summary(folder).get("files", []) if name not in keep]
    return [path for path in stale if path.resolve().is_relative_to(folder.resolve())]


def _earlier_summary(folder: Path) -> dict[str, Any]:
    path = folder / SUMMARY
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}
