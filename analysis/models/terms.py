"""Formulas as formulaic understands them: reading, coding and evaluating one side of a formula."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from keyword import iskeyword

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec, SimpleFormula
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS

INTERCEPT = "(Intercept)"


def read_formula(text: str) -> SimpleFormula:
    """Read one side of a formula."""
    try:
        formula = Formula(text)
    except (FormulaicError, SyntaxError) as error:
        raise ValueError(f"cannot read {text!r} in the formula: {_first_line(error)}") from None
    if not isinstance(formula, SimpleFormula):
        raise ValueError(f"cannot read {text!r} in the formula: expected terms joined by + * : and brackets")
    return formula


def variables_in(formula: SimpleFormula) -> list[str]:
    """Return the columns that a formula needs, in the order in which they appear.

    Examples
    --------
    >>> variables_in(read_formula("emotion * center(time) + np.log(age)"))
    ['emotion', 'time', 'age']
    """
    return list(
        dict.fromkeys(name for term in formula for factor in term.factors for name in _names_in(factor))
    )


def _names_in(factor: Factor) -> list[str]:
    """Return the columns that one variable of a formula is computed from."""
    text = str(factor.expr)
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        return [text]
    if factor.eval_method is Factor.EvalMethod.LITERAL:
        return []
    quoted = re.findall("`([^`]+)`", text)
    for number, name in enumerate(quoted):
        text = text.replace(f"`{name}`", f"quoted_{number}_")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        raise ValueError(f"cannot read {factor.expr!s} in the formula: calls are written f(x)") from None
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions]
    names = sorted((node for node in names if node.id not in TRANSFORMS), key=lambda node: node.col_offset)
    aliases = {f"quoted_{number}_": name for number, name in enumerate(quoted)}
    return [aliases.get(node.id, node.id) for node in names]


def coded_as_factors(formulas: Iterable[SimpleFormula]) -> list[str]:
    """Return the columns that occur only inside of ``C(...)``: numbers there are names of levels."""
    factors = [factor for formula in formulas for term in formula for factor in term.factors]
    inside = [name for factor in factors if is_coded(factor) for name in _names_in(factor)]
    outside = {name for factor in factors if not is_coded(factor) for name in _names_in(factor)}
    return [name for name in dict.fromkeys(inside) if name not in outside]


def factors_in(formula: SimpleFormula, frame: pd.DataFrame) -> list[str]:
    """Return the categorical columns that a formula uses."""
    names = variables_in(formula)
    return [name for name in names if isinstance(frame[name].dtype, pd.CategoricalDtype)]


def is_coded(factor: Factor) -> bool:
    """Tell whether a variable has contrasts of its own."""
    return str(factor.expr).startswith("C(")


def evaluate(
    text: str, frame: pd.DataFrame, factors: Iterable[str], *, recode: str = ""
) -> tuple[ModelSpec, np.ndarray]:
    """Fix the columns of a design (levels, contrasts, centres) on the data at hand, and evaluate it there.

    Factors have sum-to-zero contrasts, or those that the formula says, or all those named in ``recode``.
    """
    terms = [
        ":".join(_coded(factor, set(factors), recode) for factor in term.factors)
        for term in read_formula(text)
    ]
    coded = Formula(" + ".join(["0", *terms]))
    spec = ModelSpec.from_spec(coded, output="numpy", na_action="ignore")
    try:
        with np.errstate(all="ignore"):
            matrix = spec.get_model_matrix(frame, context={})
    except Exception as error:  # functions of the formula fail with whatever they raise
        raise ValueError(
            f"cannot compute {text!r} from the data: {_first_line(error)}{_hint(str(error))}"
        ) from None
    return matrix.model_spec, finite(matrix, len(frame), text)


def finite(matrix: np.ndarray, n_rows: int, text: str) -> np.ndarray:
    """Return the matrix as plain numbers, refusing what is not finite."""
    values = np.asarray(matrix, dtype=float).reshape(n_rows, -1 if n_rows else 0)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{text!r} is not a finite number in every row (a logarithm of zero, a division by it?)"
        )
    return values


def readable_name(name: str, factors: Iterable[str]) -> str:
    """Name a column as a reader of the formula would."""
    if name in {"1", "Intercept"}:
        return INTERCEPT
    for factor in factors:
        name = name.replace(f"C(`{factor}`, contr.sum)", factor).replace(f"C({factor}, contr.sum)", factor)
    return name


def _coded(factor: Factor, factors: set[str], recode: str) -> str:
    """Write one variable of a term with its contrasts."""
    text = str(factor.expr)
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        # quoted names are replaced as text by formulaic, also inside of other words: `s` within contr.sum
        name = text if text.isidentifier() and not iskeyword(text) else f"`{text}`"
        return f"C({name}, {recode or 'contr.sum'})" if text in factors else f"`{text}`"
    if recode and is_coded(factor):
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Call) and call.args:
            return f"C({ast.unparse(call.args[0])}, {recode})"
    return text


def written(factor: Factor) -> str:
    """Write one variable of a term as it stands in a formula."""
    text = str(factor.expr)
    is_name = factor.eval_method is not Factor.EvalMethod.LOOKUP or text.isidentifier()
    return text if is_name else f"`{text}`"


def _hint(message: str) -> str:
    """Say how to write what R writes differently."""
    if "name 'factor'" in message or "as.factor" in message:
        return "; a factor is written C(x)"
    if "TypeError: 'Series' object is not callable" in message:
        return "; a column has the name of a function that is needed: rename it"
    if "tuple index out of range" in message:
        return "; contrasts are named contr.sum, contr.treatment, contr.helmert, contr.poly (in C(x, ...))"
    return ""


def _first_line(error: Exception) -> str:
    """Return the first line of a library's message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
