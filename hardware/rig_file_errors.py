"""What is wrong in a rig file, and where it stands."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection
from typing import Any


class RigFileError(ValueError):
    """Something in a rig file cannot be right."""

    def __init__(self, message: str, *, section: str, setting: str | None = None, number: int = 0) -> None:
        self.section, self.setting, self.number = section, setting, number
        """Where it stands; `number` counts the sections of the same name from 0."""
        where = f"[{section}]" + (f" {setting}" if setting else "")
        super().__init__(f"{where}: {message}")


def check_name(
    name: str, known: Collection[str], what: str, *, section: str, setting: str | None = None, number: int = 0
) -> None:
    """Refuse an unknown name, with the one that was probably meant."""
    if name in known:
        return
    close = difflib.get_close_matches(str(name).lower(), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
    raise RigFileError(f"unknown {what} {name!r}; {hint}", section=section, setting=setting, number=number)


def line_of(text: str, error: RigFileError) -> int | None:
    r"""Return the line of a rig file in which something stands, from 1; None when it is not found.

    Examples
    --------
    >>> error = RigFileError("too far", section="monitor", setting="distance_cm")
    >>> line_of("[monitor]\nscreen = 0\ndistance_cm = 600\n", error)
    3
    """
    section: str | None = None
    count, header, top = -1, None, error.section.split(".")[0]
    for index, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*\[+\s*([\w.\-\"' ]+?)\s*\]+", line):
            section = found[1].replace('"', "").replace(" ", "")
            count += section == error.section
            if section == error.section and count == error.number:
                header = index
            if error.setting and section == f"{top}.{error.setting}":
                return index
        elif section == error.section and count == error.number and error.setting:
            if re.match(rf"\s*[\"']?{re.escape(error.setting)}[\"']?\s*[=.]", line):
                return index
        elif section is None and re.match(rf"\s*{re.escape(error.section)}\s*[=.]", line):
            return index
    return header


def toml_hint(text: str, problem: str) -> str:
    r"""Say what was probably meant where a file is not TOML.

    Examples
    --------
    >>> toml_hint("[monitor]\nwidth_cm = 52,5\n", "Expected newline (at line 2, column 14)")
    'decimals have a point: 52.5'
    """
    found = re.search(r"at line (\d+)", problem)
    lines = text.splitlines()
    line = lines[int(found[1]) - 1] if found and 0 < int(found[1]) <= len(lines) else ""
    if "twice" in problem or "already" in problem.lower() or "overwrite" in problem.lower():
        return "several devices are written as [[trigger]] each; anything else is said once"
    if "\\" in line:
        return "paths of Windows stand in single quotes: 'C:\\labs\\inpoutx64.dll'"
    if (comma := re.search(r"=\s*(\d+),(\d+)", line)) is not None:
        return f"decimals have a point: {comma[1]}.{comma[2]}"
    if re.search(r"=\s*(True|False|yes|no|on|off)\b", line):
        return "yes and no are written true and false"
    return "texts stand in quotes, numbers do not"


def is_whole(value: object) -> bool:
    """Say whether something is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Say whether something is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
