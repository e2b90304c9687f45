"""What stands on the pages beside the items, one file per language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments import texts

FOLDER = Path(__file__).parent
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
    """Read the texts of a language (see `experiments.texts.read_sections`).

    Examples
    --------
    >>> read_texts("de").buttons["back"]
    'Zurück'
    """
    code, sections = texts.read_sections(FOLDER, SECTIONS, language)
    return Texts(code=code, **sections)
