"""What stands on the pages beside the items, one file per language."""

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
_MODEL = FOLDER / "english.toml"
SECTIONS = ("buttons", "pages", "messages", "hints")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of one language."""

    code: str
    """Language code, such as ``en``."""
    buttons: dict[str, str]
    """Name -> label."""
    pages: dict[str, str]
    """Name of a page -> its text; words in braces are filled in."""
    messages: dict[str, str]
    """Why an answer is not accepted -> what is said."""
    hints: dict[str, str]
    """Kind of page -> how to answer."""


def read_texts(language: str) -> Texts:
    """Read the texts of a language.

    Parameters
    ----------
    language : str
        A code such as ``en``, or the path of a ``.toml`` file.

    Returns
    -------
    Texts
        All texts, without white space around them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no such language, or a text is missing or has other words in braces than the English one.

    Examples
    --------
    >>> read_texts("de").buttons["back"]
    'Zurück'
    """
    path = Path(language) if language.endswith(".toml") else _find(language)
    content, model = _read(path), _read(_MODEL)
    sections: dict[str, dict[str, str]] = {}
    for section in SECTIONS:
        texts = content.get(section, {})
        missing = [name for name in model[section] if not str(texts.get(name, "")).strip()]
        if missing:
            raise ValueError(f"{path}: the section [{section}] lacks {', '.join(missing)}")
        sections[section] = {name: str(texts[name]).strip() for name in model[section]}
    return Texts(code=str(content["code"]), **sections)


def _find(language: str) -> Path:
    known = {str(_read(path).get("code")): path for path in sorted(FOLDER.glob("*.toml"))}
    if language not in known:
        raise ValueError(
            f"there are no texts in {language!r}, only in {', '.join(sorted(known))}: translate a copy of "
            f"{_MODEL}, and name it with --language"
        )
    return known[language]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of texts {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a file of texts: {error}") from None
    if not isinstance(content.get("code"), str):
        raise ValueError(f'{path}: expected a language code such as code = "en" in the first line')
    return content
