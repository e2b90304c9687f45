"""Differences between means or slopes of cells, one family of them per cell of ``by``.

What is compared is the product of the levels of the variables in ``of``. The sets of contrasts carry the
names and have the coefficients of R's emmeans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from analysis.models.design import FixedEffects
from analysis.models.multiplicity import Adjustment, adjusted_p, check_adjustment, critical_values

ContrastSet = Literal["pairwise", "trt.vs.ctrl", "consec", "eff", "poly", "interaction"]
Weights = Mapping[str, Sequence[float]]
_DEFAULT: dict[str, Adjustment] = {"pairwise": "tukey", "trt.vs.ctrl": "mvt", "consec": "mvt"}


class FixedTests(Protocol):
    """Tests of fixed effects, whatever their degrees of freedom."""

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the estimates, (n_coefficients, n_coefficients)."""

    def t_tests(self, contrasts: np.ndarray) -> pd.DataFrame:
        """Test each contrast on its own: estimate, se, df, t, p."""


def as_names(names: Sequence[str] | str) -> list[str]:
    """Return names as a list, a single one too."""
    return [names] if isinstance(names, str) else list(names)


def weight_matrix(weights: pd.DataFrame | np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return weights of fixed effects as (n_contrasts, n_coefficients), in the order of their names.

    Raises
    ------
    ValueError
        If there is not one finite weight per fixed effect, or not all of them differ from zero in a contrast.

    Examples
    --------
    >>> weight_matrix(pd.DataFrame([[2, 1]], columns=["time", "(Intercept)"]), ["(Intercept)", "time"])
    array([[1., 2.]])
    """
    if isinstance(weights, pd.DataFrame) and all(isinstance(name, str) for name in weights.columns):
        if set(weights.columns) != set(names) or len(weights.columns) != len(names):
            raise ValueError(
                f"the columns of the weights should be the fixed effects {', '.join(names)}; "
                f"they are {', '.join(weights.columns)}"
            )
        weights = weights[list(names)]
    matrix = np.atleast_2d(np.asarray(weights, dtype=float))
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise ValueError(f"expected {len(names)} weights, one per fixed effect; got {matrix.shape[-1]}")
    if (matrix == 0).all(axis=1).any():
        raise ValueError("a contrast whose weights are all zero tests nothing")
    return matrix


@dataclass(frozen=True)
class Families:
    """The same contrasts in every cell of ``by``."""

    labels: pd.DataFrame
    """One row per contrast: contrast, then the columns of ``by``; one family after the other."""
    rows: np.ndarray
    """(n_families, n_contrasts, n_all_columns): combinations of the columns of the design."""
    n_means: int
    """Number of means or slopes that are compared in a family."""
    kind: str
    """Name of the set of contrasts; ``custom`` if weights were given."""


def contrast_families(
    cells: pd.DataFrame,
    rows: np.ndarray,
    *,
    of: Sequence[str] | str,
    by: Sequence[str] | str,
    method: ContrastSet | Weights,
    reference: object,
) -> Families:
    """Combine the estimates of cells to contrasts.

    Parameters
    ----------
    cells : pandas.DataFrame
        Columns ``by`` and ``of``, the cells of one family after the other.
    rows : numpy.ndarray
        (n_cells, n_all_columns): each cell's estimate as a combination of the columns of the design.
    of, by : sequence of str
        Variables whose levels are compared, and those whose combinations are the families.
    method : str or mapping
        A set of contrasts, or a name and the weights of the cells for each contrast.
    reference : object
        Level that others are compared with (``trt.vs.ctrl``); the first by default.
    """
    of, by = as_names(of), as_names(by)
    n_families = len(cells[by].drop_duplicates()) if by else 1
    size = len(cells) // n_families
    names, weights = contrast_weights(cells[of].iloc[:size].reset_index(drop=True), method, reference)
    labels = cells[by].iloc[np.repeat(np.arange(0, len(cells), size), len(names))].reset_index(drop=True)
    labels.insert(0, "contrast", names * n_families)
    by_family = weights @ rows.reshape(n_families, size, rows.shape[1])
    return Families(labels, by_family, size, method if isinstance(method, str) else "custom")


def contrast_table(
    tests: FixedTests, fixed: FixedEffects, families: Families, *, adjust: Adjustment | None, level: float
) -> pd.DataFrame:
    """Test contrasts, each family together.

    Parameters
    ----------
    tests, fixed
        Of the fitted model.
    families : Families
        See `contrast_families`.
    adjust : str, optional
        See `analysis.models.multiplicity`; by default the one that is exact for the set of contrasts, none
        for sets that are not a family of comparisons.
    level : float
        Confidence level of each family.

    Returns
    -------
    pandas.DataFrame
        contrast, the columns of ``by``, estimate, se, df, t, p, lower, upper; in ``attrs["adjust"]`` how p
        and the interval were adjusted.
    """
    adjust = adjust or _DEFAULT.get(families.kind, "none")
    check_adjustment(adjust)
    if adjust == "tukey" and families.kind != "pairwise":
        raise ValueError("adjust='tukey' is for all pairwise differences: use 'mvt' for other contrasts")
    tables = [
        _family(tests, fixed.estimable(rows), adjust, level, n_means=families.n_means)
        for rows in families.rows
    ]
    result = pd.concat([families.labels, pd.concat(tables, ignore_index=True)], axis=1)
    result.attrs["adjust"] = adjust
    return result


def contrast_weights(
    labels: pd.DataFrame, method: ContrastSet | Weights, reference: object = None
) -> tuple[list[str], np.ndarray]:
    """Return names and weights of a set of contrasts.

    Parameters
    ----------
    labels : pandas.DataFrame
        One row per mean, one column per variable.
    method, reference
        As in `contrast_families`.

    Returns
    -------
    names : list of str
    weights : numpy.ndarray
        (n_contrasts, n_means)

    Raises
    ------
    ValueError
        If there is nothing to compare, or the set, the reference or the weights do not fit the means.

    Examples
    --------
    >>> names, weights = contrast_weights(pd.DataFrame({"drug": ["a", "b", "c"]}), "trt.vs.ctrl", "c")
    >>> names, weights.tolist()
    (['a - c', 'b - c'], [[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])
    """
    if len(labels) < 2:
        raise ValueError(f"nothing to compare: {', '.join(labels.columns)} has only one level")
    texts = [" ".join(map(str, row)) for row in labels.itertuples(index=False)]
    if not isinstance(method, str):
        return _custom(texts, method)
    if method == "interaction":
        return _interaction(labels)
    if method == "trt.vs.ctrl":
        return _against(texts, _position(texts, reference))
    if method not in _SETS:
        known = ", ".join([*_SETS, "trt.vs.ctrl", "interaction"])
        raise ValueError(f"method should be one of {known}, or weights by name; got {method!r}")
    return _SETS[method](texts)


def _family(
    tests: FixedTests, contrasts: np.ndarray, adjust: Adjustment, level: float, *, n_means: int
) -> pd.DataFrame:
    """Test the contrasts of one family together."""
    table = tests.t_tests(contrasts)
    covariance = contrasts @ tests.covariance @ contrasts.T
    se = table["se"].to_numpy()
    correlation = covariance / np.outer(se, se)
    t, df = table["t"].to_numpy(), table["df"].to_numpy()
    reach = se * critical_values(df, adjust, level=level, n_means=n_means, correlation=correlation)
    return table.assign(
        p=adjusted_p(t, df, adjust, n_means=n_means, correlation=correlation),
        lower=table["estimate"] - reach,
        upper=table["estimate"] + reach,
    )


def _pairwise(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Compare each with each that follows it."""
    pairs = list(combinations(range(len(texts)), 2))
    one = np.eye(len(texts))
    names = [f"{texts[first]} - {texts[second]}" for first, second in pairs]
    return names, np.array([one[first] - one[second] for first, second in pairs])


def _against(texts: list[str], control: int) -> tuple[list[str], np.ndarray]:
    """Compare each with one."""
    others = [position for position in range(len(texts)) if position != control]
    one = np.eye(len(texts))
    return [f"{texts[other]} - {texts[control]}" for other in others], one[others] - one[control]


def _consecutive(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Compare each with the one before it."""
    names = [f"{after} - {before}" for before, after in pairwise(texts)]
    return names, np.diff(np.eye(len(texts)), axis=0)


def _effects(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Compare each with the average of all."""
    return [f"{text} effect" for text in texts], np.eye(len(texts)) - 1 / len(texts)


def _polynomial(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Trends over equally spaced levels up to the fourth degree, in whole numbers as tables have them."""
    count = len(texts)
    triangular = np.linalg.qr(np.vander(np.arange(count) - (count - 1) / 2, increasing=True))[0]
    names = ["linear", "quadratic", "cubic", "quartic"]
    rows = []
    for column in triangular.T[1:5]:
        smallest = np.abs(column[np.abs(column) > 1e-9]).min()
        multiples = (column / smallest * k for k in range(1, 1000))
        whole = next((row for row in multiples if np.abs(row - row.round()).max() < 1e-6), column)
        rows.append(np.sign(whole[-1]) * whole.round(9))
    return names[: len(rows)], np.array(rows)


def _interaction(labels: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Compare pairwise differences along one variable between pairs of levels of the others."""
    if len(labels.columns) < 2:
        raise ValueError("an interaction needs two or more variables in 'of'")
    parts = [_pairwise(list(map(str, labels[name].unique()))) for name in labels]
    weights = np.ones((1, 1))
    for _, part in parts:
        weights = np.kron(weights, part)
    return [" : ".join(names) for names in product(*(names for names, _ in parts))], weights


def _custom(texts: list[str], method: Weights) -> tuple[list[str], np.ndarray]:
    """Check weights that were given."""
    for name, weights in method.items():
        if np.shape(weights) != (len(texts),):
            raise ValueError(
                f"the contrast {name!r} should have {len(texts)} weights, for {', '.join(texts)}; "
                f"got {np.size(weights)}"
            )
    return list(method), np.array(list(method.values()), dtype=float)


def _position(texts: list[str], reference: object) -> int:
    """Find the level that others are compared with."""
    if reference is None:
        return 0
    if str(reference) not in texts:
        raise ValueError(f"no level {str(reference)!r} to compare with; there are {', '.join(texts)}")
    return texts.index(str(reference))


_SETS: dict[str, Callable[[list[str]], tuple[list[str], np.ndarray]]] = {
    "pairwise": _pairwise,
    "consec": _consecutive,
    "eff": _effects,
    "poly": _polynomial,
}
