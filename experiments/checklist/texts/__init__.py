"""Everything that is read on the checklist, one file per language."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
_SECTIONS = ("steps", "states", "details", "clock", "window")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of one language, each section name -> text."""

    code: str
    steps: dict[str, str]
    states: dict[str, str]
    details: dict[str, str]
    clock: dict[str, str]
    window: dict[str, str]


def languages() -> dict[str, Path]:
    """Return the languages there are: code -> file.

    >>> sorted(languages())
    ['de', 'en']
    """
    return {str(_read(path)["code"]): path for path in sorted(FOLDER.glob("*.toml"))}


def read_texts(language: str) -> Texts:
    """Read the texts of a language.

    Parameters
    ----------
    language : str
        A code such as ``en``, or the path of a file of one's own.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no such language, or a text is missing or has other braces than the English one.

    Examples
    --------
    >>> read_texts("en").states["open"]
    'to do'
    """
    known = languages()
    if language not in known and not language.endswith(".toml"):
        raise ValueError(
            f"there is no language {language!r}: choose {', '.join(sorted(known))}, or give a .toml file "
            f"like {FOLDER / 'english.toml'}"
        )
    path = known.get(language, Path(language))
    content, model = _read(path), _read(FOLDER / "english.toml")
    for section in _SECTIONS:
        for name, text in model[section].items():
            _check(content.get(section, {}).get(name), text, f"{path}: [{section}] {name}")
    return Texts(
        code=str(content["code"]),
        **{section: {name: str(text) for name, text in content[section].items()} for section in _SECTIONS},
    )


def _check(text: object, model: str, where: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{where} is missing; in English it is {model!r}")
    values = dict.fromkeys(_names(model), "")
    try:
        text.format(**values)
    except (KeyError, IndexError, ValueError):
        names = ", ".join(f"{{{name}}}" for name in values) or "none"
        raise ValueError(f"{where} has braces that cannot be filled; there may be {names}") from None


def _names(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of texts {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a file of texts: {error}") from None
    if not isinstance(content.get("code"), str):
        raise ValueError(f'{path}: expected a language code such as code = "en" in the first line')
    return content
