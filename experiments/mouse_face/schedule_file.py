"""Reading a schedule file so that everything wrong in it is told with its line.

A setting is a plain value, or a value with its source, or a value that the user has to give::

    duration_s: 2
    duration_s: {value: 2, source: "paper, Fig. 3B"}
    current_ma: {required: "currents that your animal protocol allows, in mA"}
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
EMPTY = ("", "null", "~")
YES, NO = {"true", "yes", "on"}, {"false", "no", "off"}


@dataclass(frozen=True, order=True)
class Problem:
    """Something that cannot be right in a file."""

    line: int
    """Where, from 1."""
    message: str
    """What was expected, what came, what to do."""


@dataclass(frozen=True)
class Stated:
    """A value of a file, and where it comes from."""

    setting: str
    """Its place in the file, such as ``stimuli.sucrose.volume_ul``."""
    value: str
    """As it is written there."""
    source: str
    """Where it comes from; empty if the file does not say."""
    line: int
    """Where it stands, from 1."""
    number: bool
    """Whether it is a number, or a list of numbers."""


class ScheduleError(ValueError):
    """A schedule cannot be used; the message has one line per problem, with file and line."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = sorted(set(problems))
        """All of them, by line."""
        super().__init__("\n".join(f"{file}, line {one.line}: {one.message}" for one in self.problems))


class Section:
    """A part of a file: hands out its settings and notes what is wrong with them.

    Parameters
    ----------
    node : yaml.MappingNode
        The part.
    path : str
        Its place in the file, empty for the whole file.
    problems : list of Problem
        Where what is wrong is noted.
    stated : list of Stated
        Where every value is noted with its source.
    line : int
        Where the part begins, from 1.
    """

    def __init__(
        self,
        node: yaml.MappingNode,
        path: str,
        problems: list[Problem],
        stated: list[Stated],
        *,
        line: int = 1,
    ) -> None:
        self.path, self.line = path, line
        self._problems, self._stated = problems, stated
        self._nodes: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._asked: list[str] = []
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in self._nodes:
                first = self._lines[name]
                self.refuse(f"{self.place(name)} stands here and in line {first}: keep one", line=line)
            self._nodes[name], self._lines[name] = value, line

    def place(self, name: str) -> str:
        """Return the whole name of a setting."""
        return f"{self.path}.{name}" if self.path else name

    def refuse(self, message: str, *, name: str | None = None, line: int | None = None) -> None:
        """Note that something is wrong, at a setting's line, or at the part's."""
        where = line or (self._lines.get(name, self.line) if name else self.line)
        self._problems.append(Problem(where, message))

    @property
    def n_problems(self) -> int:
        """How many problems have been noted, in the whole file."""
        return len(self._problems)

    def has(self, name: str) -> bool:
        """Say whether a setting stands in the file."""
        return name in self._nodes

    def names(self) -> list[str]:
        """Return the names of all settings, in their order."""
        return list(self._nodes)

    def section(self, name: str) -> Section | None:
        """Return a part of this part, or None where it is missing or no part."""
        self._asked.append(name)
        node = self._nodes.get(name)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            self.refuse(f"{self.place(name)} needs settings below it, indented by two spaces", name=name)
            return None
        return Section(node, self.place(name), self._problems, self._stated, line=self._lines[name])

    def is_section(self, name: str) -> bool:
        """Say whether a setting is a part with settings of its own."""
        node = self._nodes.get(name)
        return isinstance(node, yaml.MappingNode) and not is_wrapped(node)

    def number(
        self,
        name: str,
        *,
        least: float = 0.0,
        most: float = float("inf"),
        whole: bool = False,
        default: float | None = None,
    ) -> float:
        """Return one number; NaN where it is missing or wrong, which is noted."""
        found = self.numbers(name, least=least, most=most, whole=whole, default=default)
        if len(found) > 1:
            self.refuse(f"{self.place(name)} is one number, not a list of {len(found)}", name=name)
        return found[0] if found else float("nan")

    def numbers(
        self,
        name: str,
        *,
        least: float = 0.0,
        most: float = float("inf"),
        whole: bool = False,
        default: float | None = None,
    ) -> list[float]:
        """Return the numbers of a setting, a list or a single one; those that are wrong are noted."""
        node = self._value(name, number=True, needed=default is None)
        if node is None:
            return [] if default is None or self.has(name) else [default]
        leaves = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not leaves:
            self.refuse(f"{self.place(name)} is an empty list: expected at least one number", name=name)
        read = [self._one_number(name, leaf, least, most, whole) for leaf in leaves]
        return [value for value in read if value is not None]

    def text(self, name: str, *, default: str | None = None) -> str:
        """Return a text; empty where it is missing, which is noted unless there is a default."""
        node = self._value(name, needed=default is None)
        if node is None:
            return default or ""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            found = "nothing in quotes" if isinstance(node, yaml.ScalarNode) else "a list"
            self.refuse(f"{self.place(name)}: expected a text, found {found}", name=name)
            return default or ""
        return " ".join(node.value.split())

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, or a single one as a list; empty where there is none."""
        node = self._value(name, needed=False)
        if node is None:
            return []
        leaves = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for leaf in leaves:
            if not isinstance(leaf, yaml.ScalarNode):
                line = leaf.start_mark.line + 1
                self.refuse(f"{self.place(name)} is a list of texts; put quotes around each", line=line)
        return [" ".join(leaf.value.split()) for leaf in leaves if isinstance(leaf, yaml.ScalarNode)]

    def choice(self, name: str, known: Collection[str], *, default: str | None = None) -> str:
        """Return one of the known words; empty where it is missing or wrong, which is noted."""
        found = self.text(name, default=default)
        if found and found not in known:
            self.refuse(f"{self.place(name)} is {found!r}; {meant(found, known)}", name=name)
            return ""
        return found

    def flags(self, name: str, *, default: bool) -> list[bool]:
        """Return true or false, or a list of both."""
        node = self._value(name, needed=False)
        if node is None:
            return [default]
        leaves = node.value if isinstance(node, yaml.SequenceNode) else [node]
        words = [str(leaf.value).lower() if isinstance(leaf, yaml.ScalarNode) else "" for leaf in leaves]
        if not words or any(word not in YES | NO for word in words):
            self.refuse(f"{self.place(name)} is true or false, or [false, true] for both", name=name)
            return [default]
        return [word in YES for word in words]

    def ignore(self, name: str) -> None:
        """Count a setting as asked for, because what is wrong with it has been noted."""
        self._asked.append(name)

    def finish(self) -> None:
        """Note settings that nobody asked for."""
        for name in self._nodes:
            if name not in self._asked:
                hint = meant(name, self._asked)
                self.refuse(f"there is no setting {self.place(name)!r}; {hint}", name=name)

    def _value(self, name: str, *, number: bool = False, needed: bool = True) -> yaml.Node | None:
        """Return the node of a value without its source, and note value and source."""
        self._asked.append(name)
        node = self._nodes.get(name)
        if node is None:
            if needed:
                self.refuse(f"{self.place(name)} is missing")
            return None
        source = ""
        if isinstance(node, yaml.MappingNode):
            value, source = self._unwrap(name, node)
            if value is None:
                return None
            node = value
        if _is_empty(node):
            self.refuse(f"{self.place(name)} has no value", name=name)
            return None
        line = node.start_mark.line + 1
        self._stated.append(Stated(self.place(name), _written(node), source, line, number))
        return node

    def _unwrap(self, name: str, node: yaml.MappingNode) -> tuple[yaml.Node | None, str]:
        """Take a value and its source apart; what the user has to give is refused."""
        parts = {str(key.value): value for key, value in node.value}
        if "required" in parts and "value" not in parts:
            what = str(parts["required"].value)
            self.refuse(
                f"{self.place(name)} must be given by you: {what}. Write it into a copy of this file, or "
                f"add --set {short_name(self.place(name))}=...",
                name=name,
            )
            return None, ""
        unknown = [part for part in parts if part not in ("value", "source", "required")]
        if unknown or "value" not in parts:
            self.refuse(
                f"{self.place(name)} is a value, or {{value: ..., source: ...}}; "
                f"got {', '.join(parts) or 'nothing'}",
                name=name,
            )
            return None, ""
        source = parts.get("source")
        return parts["value"], str(source.value) if source is not None else ""

    def _one_number(self, name: str, node: yaml.Node, least: float, most: float, whole: bool) -> float | None:
        place, line = self.place(name), node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(f"{place}: expected a number, found a list or settings", line=line)
            return None
        if node.style is not None or not NUMBER.fullmatch(node.value):
            self.refuse(f"{place}: expected a number, found {node.value!r}{_number_hint(node)}", line=line)
            return None
        value = float(node.value)
        if math.isinf(value):
            self.refuse(f"{place}: {node.value} is too large for a number", line=line)
            return None
        if whole and value != int(value):
            self.refuse(f"{place} is a whole number, not {node.value}", line=line)
        elif not least <= value <= most:
            limit = f"at least {least:g}" if value < least else f"at most {most:g}"
            unit = f" (mind the unit of {name})" if value > most else ""
            self.refuse(f"{place} is {limit}, not {node.value}{unit}", line=line)
        else:
            return value
        return None


def compose(text: str, file: str) -> yaml.MappingNode:
    """Return the tree of a file.

    Raises
    ------
    ScheduleError
        If it is not YAML, or has no settings.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ScheduleError(file, [Problem(line, _yaml_message(error, text, line))]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ScheduleError(file, [Problem(1, f"this is not a text in YAML: {error}")]) from None
    if not isinstance(node, yaml.MappingNode):
        what = "nothing" if node is None else "no settings"
        hint = "a space follows each colon"
        raise ScheduleError(
            file, [Problem(1, f"expected settings such as 'title: ...', found {what}; {hint}")]
        )
    return node


def meant(found: str, known: Collection[str]) -> str:
    """Say which known word was probably meant.

    >>> meant("duraton_s", ["duration_s", "volume_ul"]), meant("x", ["duration_s", "volume_ul"])
    ("did you mean 'duration_s'?", 'known are duration_s, volume_ul')
    """
    close = difflib.get_close_matches(found, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def short_name(setting: str) -> str:
    """Return the name of a setting as it is typed after ``--set``.

    >>> short_name("stimuli.tail_shock.current_ma")
    'tail_shock.current_ma'
    """
    return setting.removeprefix("stimuli.")


def is_wrapped(node: yaml.MappingNode) -> bool:
    """Say whether a mapping is one value with its source, and no part with settings of its own."""
    return any(key.value in ("value", "required") for key, _ in node.value)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value.lower() in EMPTY


def _written(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "[" + ", ".join(_written(leaf) for leaf in node.value) + "]"
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "..."


def _number_hint(node: yaml.ScalarNode) -> str:
    value: Any = node.value
    if re.fullmatch(r"[+-]?\d+,\d+", value):
        return f"; decimals have a point: {value.replace(',', '.')}"
    if NUMBER.fullmatch(value):
        return "; numbers stand without quotes"
    if NUMBER.match(value):
        return "; write the number alone, in the unit in which the name of the setting ends"
    return ""


def _yaml_message(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    """Say in plain words what YAML found wrong."""
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    if "\t" in shown:
        return "a tab stands here; YAML wants spaces, two for each step inwards"
    problem = f"{error.problem or 'this cannot be read'}"
    if "mapping values are not allowed" in problem:
        return "a colon too many, or a wrong indentation; texts with a colon stand in quotes"
    if "block end" in problem or "expected <block end>" in problem:
        return "the indentation does not fit the lines above; settings of one part start in one column"
    if "%" in shown and "cannot start any token" in problem:
        return 'texts with a % stand in quotes: "% w/v"'
    return f"this is not YAML: {problem}"
