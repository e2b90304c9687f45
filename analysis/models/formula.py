"""Mixed-model formulas in the notation of lme4.

``y ~ emotion*drug*time + (emotion*time|subject) + (1|face)`` is taken apart into the response, the fixed
effects (left to formulaic) and the random-effect terms. Source of the notation: Bates, Mächler, Bolker &
Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical Software 67(1), section
2.1 and Table 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

EXAMPLE = "log_emg ~ emotion * time + (emotion|subject) + (1|face)"


@dataclass(frozen=True)
class RandomTerm:
    """One bracket of random effects, such as ``(emotion*time|subject)``."""

    effects: str
    """What varies, in formula notation: ``1``, ``time``, ``0 + time``."""
    groups: tuple[str, ...]
    """The columns whose combination names a group: ``("subject",)``, ``("school", "class")``."""
    correlated: bool
    """False for ``||`` and for ``diag``."""
    by_term: bool = False
    """True for ``||``: terms vary on their own, but the columns of one term (a factor's levels) together."""

    @property
    def group_label(self) -> str:
        """Name of the grouping factor, ``school:class`` for a combination."""
        return ":".join(self.groups)

    def __str__(self) -> str:
        bar = "||" if self.by_term else "|"
        kind = "" if self.correlated or self.by_term else "diag"
        return f"{kind}({self.effects} {bar} {self.group_label})"


@dataclass(frozen=True)
class MixedFormula:
    """A parsed formula."""

    response: str
    fixed: str
    random: tuple[RandomTerm, ...]
    offsets: tuple[str, ...] = ()
    """What is added with the coefficient 1, in formula notation."""


def parse_formula(formula: str) -> MixedFormula:
    """Take a formula in lme4's notation apart.

    Parameters
    ----------
    formula : str
        Response, ``~``, fixed effects and at least one bracket of random effects. Groups may be combined
        (``a:b``) or nested (``a/b``, which stands for ``a`` and ``a:b``). ``(a + b||g)`` stands for
        ``(1|g) + (0 + a|g) + (0 + b|g)``, where the levels of a factor stay correlated with each other;
        ``diag(a + b|g)`` makes every column vary on its own. ``offset(x)`` adds x as it is. A power may be
        written ``^`` or ``**``.

    Returns
    -------
    MixedFormula
        The parts; the fixed effects are ``1`` (intercept only) when none are written.

    Raises
    ------
    ValueError
        If there is not exactly one ``~``, no random effect, or a bracket that cannot be read.

    Examples
    --------
    >>> parsed = parse_formula("y ~ emotion*time + (emotion||subject) + (1|face)")
    >>> parsed.response, parsed.fixed
    ('y', 'emotion*time')
    >>> [str(term) for term in parsed.random]
    ['(emotion || subject)', '(1 | face)']
    >>> [str(term) for term in parse_formula("y ~ (1|school/class)").random]
    ['(1 | school)', '(1 | school:class)']
    """
    if not isinstance(formula, str):
        raise ValueError(f"the formula should be text, such as {EXAMPLE!r}; got {formula!r}")
    sides = _split(_with_python_powers(formula), "~")
    if len(sides) != 2 or not sides[0].strip() or not sides[1].strip():
        raise ValueError(f"the formula {formula!r} should have one response and one ~, such as {EXAMPLE!r}")
    fixed: list[str] = []
    random: list[RandomTerm] = []
    offsets: list[str] = []
    _collect(sides[1], fixed, random, offsets)
    if not random:
        raise ValueError(
            f"the formula {formula!r} has no random effects: write them in brackets, such as (1|subject)"
        )
    return MixedFormula(sides[0].strip(), _join(fixed), tuple(random), tuple(offsets))


def _collect(text: str, fixed: list[str], random: list[RandomTerm], offsets: list[str]) -> None:
    """Sort the signed terms of a right-hand side into fixed effects, random terms and offsets."""
    for sign, term in _signed_terms(text):
        kind, inside = _call(term)
        if kind == "offset":
            if sign == "-":
                raise ValueError(f"an offset cannot be subtracted: write offset(-({inside})) instead")
            offsets.append(inside)
            continue
        if "|" not in _outside_backticks(term):
            fixed.append(f"{sign} {term}")
            continue
        if kind not in {"", "diag"}:
            raise ValueError(f"random effects stand in their own brackets, such as (1|subject); got {term!r}")
        if sign == "-":
            raise ValueError(f"random effects cannot be subtracted: leave {term!r} out instead")
        if len(_split(inside, "|")) == 1 and not kind:
            _collect(inside, fixed, random, offsets)
        else:
            random.extend(_random_terms(inside, diagonal=kind == "diag"))


def _call(term: str) -> tuple[str | None, str]:
    """Take ``name(inside)`` apart; the name is empty for plain brackets, None if it is neither."""
    name, bracket, _ = term.partition("(")
    if not bracket or not _is_bracketed(term[len(name) :]) or (name and not name.strip().isidentifier()):
        return None, ""
    return name.strip(), term[len(name) + 1 : -1]


def _random_terms(inside: str, *, diagonal: bool) -> Iterator[RandomTerm]:
    """Read the inside of one bracket; a nested grouping gives several terms."""
    by_term = "||" in _outside_backticks(inside)
    if by_term and diagonal:
        raise ValueError(f"diag({inside}) needs a single bar")
    parts = _split(inside.replace("||", "|") if by_term else inside, "|")
    effects, group = parts[0].strip(), parts[-1].strip()
    if len(parts) != 2 or not effects or not group:
        raise ValueError(f"cannot read the random effects ({inside}): expected (effects|group)")
    columns: tuple[str, ...] = ()
    for level in _split(group, "/"):
        names = tuple(_plain_name(part, inside) for part in _split(level, ":"))
        columns += tuple(name for name in names if name not in columns)
        yield RandomTerm(effects, columns, not (by_term or diagonal), by_term)


def _plain_name(text: str, inside: str) -> str:
    """Check that one part of a grouping is the name of a column."""
    name = text.strip()
    if name.startswith("`") and name.endswith("`") and len(name) > 2:
        return name[1:-1]
    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(
            f"the group in ({inside}) should be made of column names, a:b or a/b, with "
            f"backticks around unusual ones; got {name!r}"
        )
    return name


def _signed_terms(text: str) -> Iterator[tuple[str, str]]:
    """Yield the terms between top-level plus and minus signs, each with its sign."""
    sign = "+"
    for piece, next_sign in _pieces(text, "+-"):
        if piece.strip():
            yield sign, piece.strip()
        sign = next_sign


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside of brackets and backticks."""
    return [piece for piece, _ in _pieces(text, separator)]


def _pieces(text: str, separators: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces between top-level separators, each with the separator that follows it."""
    depth, quoted, start = 0, False, 0
    for position, character in enumerate(text):
        if character == "`":
            quoted = not quoted
        elif not quoted and character in "([{":
            depth += 1
        elif not quoted and character in ")]}":
            depth -= 1
            if depth < 0:
                raise ValueError(f"a closing bracket too many in {text!r}")
        elif not quoted and depth == 0 and character in separators:
            yield text[start:position], character
            start = position + 1
    if depth or quoted:
        raise ValueError(f"a bracket or backtick is not closed in {text!r}")
    yield text[start:], ""


def _is_bracketed(term: str) -> bool:
    """Tell whether one pair of brackets encloses the whole term."""
    return term.startswith("(") and term.endswith(")") and "".join(_outer_brackets(term)) == "()"


def _outer_brackets(term: str) -> Iterator[str]:
    """Yield the brackets of the outermost depth."""
    depth = 0
    for character in term:
        if character == "(":
            if depth == 0:
                yield character
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                yield character


def _with_python_powers(text: str) -> str:
    """Write powers as Python does; ``^`` is R's."""
    pieces = text.split("`")
    return "`".join(piece if place % 2 else piece.replace("^", "**") for place, piece in enumerate(pieces))


def _outside_backticks(text: str) -> str:
    """Return the text without its quoted names."""
    return "".join(text.split("`")[::2])


def _join(signed: list[str]) -> str:
    """Put signed terms together again; an empty list is the intercept."""
    return " ".join(signed).removeprefix("+ ") or "1"
