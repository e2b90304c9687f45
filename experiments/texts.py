"""What is read on a screen, from one file per language; the English file is the model of all others."""

from __future__ import annotations

import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODEL = "english.toml"
"""The file whose sections, names and words in braces the others must have."""

Sections = dict[str, dict[str, str]]


def languages(folder: Path) -> dict[str, Path]:
    """Return the languages of a folder: code, such as ``en`` -> file."""
    return {str(_read(path)["code"]): path for path in sorted(folder.glob("*.toml"))}


def read_sections(folder: Path, sections: Sequence[str], language: str) -> tuple[str, Sections]:
    """Read the texts of a language.

    Parameters
    ----------
    folder : Path
        Where the languages are.
    sections : sequence of str
        Which sections to read.
    language : str
        A code such as ``en``, a name such as ``english``, or the path of a ``.toml`` file of one's own.

    Returns
    -------
    tuple
        The language code, and for each section its texts without white space around them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no such language, a text is missing, or it has other words in braces than the English one.
    """
    path = _find(folder, language)
    content, model = _read(path), _read(folder / MODEL)
    return content["code"], {
        section: _section(content.get(section, {}), model[section], section, path) for section in sections
    }


def _section(texts: object, model: dict[str, str], section: str, path: Path) -> dict[str, str]:
    """Return the texts of a section, after a look at each."""
    if not isinstance(texts, dict):
        raise ValueError(f"{path}: {section} must be a section [{section}] with entries below it")
    missing = [name for name in model if not str(texts.get(name, "")).strip()]
    if missing:
        names, first = ", ".join(missing), model[missing[0]]
        raise ValueError(f"{path}: the section [{section}] lacks {names}; in English it is {first!r}")
    for name, text in model.items():
        _check_braces(str(texts[name]), text, f"{path}: [{section}] {name}")
    return {name: str(texts[name]).strip() for name in model}


def _check_braces(text: str, model: str, where: str) -> None:
    """Refuse words in braces that nobody will fill in."""
    known = _words_in_braces(model)
    try:
        unknown = _words_in_braces(text) - known
    except ValueError:
        unknown = {"?"}
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        raise ValueError(f"{where} has braces that cannot be filled; there may be {names}")


def _words_in_braces(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _find(folder: Path, language: str) -> Path:
    if language.endswith(".toml"):
        return Path(language)
    known = languages(folder)
    named = {path.stem: path for path in known.values()} | known
    if language in named:
        return named[language]
    raise ValueError(
        f"there is no language {language!r}: choose {', '.join(sorted(known))}, or translate a copy of "
        f"{folder / MODEL} and give its path"
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of texts {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a file of texts in UTF-8: {error}") from None
    if not isinstance(content.get("code"), str):
        raise ValueError(f'{path}: expected a language code such as code = "en" in the first line')
    return content
