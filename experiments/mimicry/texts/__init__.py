"""Everything that is read on the screen, one file per language."""

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

_NEEDED: dict[str, tuple[str, ...]] = {
    "feedback": ("no_press", "wrong_key", "repeated_press"),
    "pages": (
        "instructions",
        "to_practice",
        "to_trials",
        "practice_done",
        "break",
        "end",
        "stop_question",
        "learn_key",
        "learn_key_again",
        "learn_key_differs",
        "learn_key_unknown",
    ),
    "keys": ("stop", "go_on"),
    "dialog": ("title", "participant", "age", "sex", "group"),
    "offer": (
        "unfinished",
        "not_in_dataset",
        "trial",
        "practice_trial",
        "resume",
        "close",
        "new_run",
        "nothing",
    ),
}


KEY = "{key}"
"""Stands for the name of a key in the pages that teach the response key."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of one language."""

    code: str
    """Language code, such as ``en``."""
    feedback: dict[str, str]
    """Outcome -> text of the feedback screen; a correct trial has none, its screen is blank."""
    pages: dict[str, str]
    """Name of a page -> its text."""
    keys: dict[str, str]
    """Answers to the question whether to stop -> names of keys."""
    dialog: dict[str, str]
    """Labels of the dialog."""
    offer: dict[str, str]
    """Question and answers when a participant has a session that is not finished."""


def languages() -> dict[str, Path]:
    """Return the languages there are: code -> file.

    >>> sorted(languages())
    ['de', 'en']
    """
    return {_read(path)["code"]: path for path in sorted(FOLDER.glob("*.toml"))}


def read_texts(language: str) -> Texts:
    """Read the texts of a language.

    Parameters
    ----------
    language : str
        A code such as ``en``, a name such as ``english``, or the path of a file of one's own.

    Returns
    -------
    Texts
        All texts, without white space around them.

    Raises
    ------
    ValueError
        If there is no such language, or a text is missing.

    Examples
    --------
    >>> read_texts("en").feedback["no_press"]
    'Do not forget to press'
    """
    path = _find(language)
    content = _read(path)
    for section, names in _NEEDED.items():
        entries = content.get(section, {})
        if not isinstance(entries, dict):
            raise ValueError(f"{path}: {section} must be a section [{section}] with entries below it")
        missing = [name for name in names if not str(entries.get(name, "")).strip()]
        if missing:
            raise ValueError(f"{path}: the section [{section}] lacks {', '.join(missing)}")
    for page in ("learn_key_again", "learn_key_differs"):
        if KEY not in content["pages"][page]:
            raise ValueError(f"{path}: {page} must name the key that was pressed, as {KEY}")
    sections = {
        section: {name: str(content[section][name]).strip() for name in names}
        for section, names in _NEEDED.items()
    }
    return Texts(code=content["code"], **sections)


def _find(language: str) -> Path:
    if language.endswith(".toml"):
        return Path(language)
    known = languages()
    by_name = {path.stem: path for path in known.values()}
    if language in known or language in by_name:
        return known.get(language) or by_name[language]
    raise ValueError(
        f"there is no language {language!r}: choose {', '.join(sorted(known))}, or give a .toml file like "
        f"{FOLDER / 'english.toml'}"
    )


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
