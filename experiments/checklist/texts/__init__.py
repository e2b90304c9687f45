"""Everything that is read on the checklist, one file per language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments import texts

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


def read_texts(language: str) -> Texts:
    """Read the texts of a language (see `experiments.texts.read_sections`).

    Examples
    --------
    >>> read_texts("en").states["open"]
    'to do'
    """
    code, sections = texts.read_sections(FOLDER, _SECTIONS, language)
    return Texts(code=code, **sections)
