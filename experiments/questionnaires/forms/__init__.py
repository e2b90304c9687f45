"""Questionnaires as files: one TOML file per questionnaire and language, such as ``panas.en.toml``.

``docs/questionnaires.md`` explains every entry. A questionnaire of one's own is a file anywhere, named on the
command line with its path.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.dataset.forms import Form, form_from

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
DONT_KNOW = "dont_know"


def languages() -> list[str]:
    """Return the language codes for which there are questionnaires.

    >>> languages()
    ['de', 'en']
    """
    return sorted({path.name.split(".")[1] for path in FOLDER.glob("*.*.toml")})


def form_names(language: str) -> list[str]:
    """Return the names of the built-in questionnaires of a language.

    >>> form_names("en")
    ['body', 'demographics', 'guess', 'nausea', 'panas', 'pill']
    """
    return sorted(path.name.split(".")[0] for path in FOLDER.glob(f"*.{language}.toml"))


def read_form(name: str, language: str) -> Form:
    """Read and check a questionnaire.

    Parameters
    ----------
    name : str
        Name of a built-in one, such as ``panas``, or the path of a ``.toml`` file.
    language : str
        Code such as ``en``; a file has its own language.

    Returns
    -------
    Form
        The questionnaire.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no such questionnaire, or its file is not right; the message says what to correct.

    Examples
    --------
    >>> len(read_form("panas", "de").items)
    20
    """
    path = Path(name) if name.endswith(".toml") else _built_in(name, language)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no questionnaire {path}: copy {FOLDER / 'nausea.en.toml'}, and adapt the copy"
        )
    try:
        return form_from(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def with_groups(form: Form, groups: Sequence[str]) -> Form:
    """Offer these groups in a questionnaire that asks for the group, in place of those of its file.

    Examples
    --------
    >>> form = with_groups(read_form("guess", "en"), ["oxytocin", "placebo"])
    >>> [value for value, label in form.item("guess").options]
    ['oxytocin', 'placebo', 'dont_know']
    """
    if len(set(groups)) < 2 or any(not group.strip() for group in groups):
        raise ValueError(
            f"groups: expected two different names or more, such as drug,placebo; found {groups}"
        )
    content: dict[str, Any] = copy.deepcopy(dict(form.content))
    (entry,) = (item for item in content["items"] if item["id"] == "guess")
    known = entry["options"]
    entry["options"] = {group: known.get(group, group) for group in groups}
    entry["options"][DONT_KNOW] = known[DONT_KNOW]
    return form_from(content)


def _built_in(name: str, language: str) -> Path:
    if language not in languages():
        raise ValueError(
            f"there are no questionnaires in {language!r}, only in {', '.join(languages())}: name "
            f"files of your own with --form, or add translations such as {FOLDER / f'panas.{language}.toml'}"
        )
    if name not in form_names(language):
        raise ValueError(
            f"there is no questionnaire {name!r} in {language!r}, only {', '.join(form_names(language))}; or "
            "name a .toml file"
        )
    return FOLDER / f"{name}.{language}.toml"
