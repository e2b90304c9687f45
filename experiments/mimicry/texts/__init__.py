"""Everything that is read on the screen, one file per language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments import texts

FOLDER = Path(__file__).parent
_SECTIONS = ("feedback", "pages", "keys", "dialog", "offer")

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
    return texts.languages(FOLDER)


def read_texts(language: str) -> Texts:
    """Read the texts of a language (see `experiments.texts.read_sections`).

    Raises
    ------
    ValueError
        If there is no such language, or a text is missing.

    Examples
    --------
    >>> read_texts("en").feedback["no_press"]
    'Do not forget to press'
    """
    code, sections = texts.read_sections(FOLDER, _SECTIONS, language)
    for page in ("learn_key_again", "learn_key_differs"):
        if KEY not in sections["pages"][page]:
            raise ValueError(f"{language}: {page} must name the key that was pressed, as {KEY}")
    return Texts(code=code, **sections)
