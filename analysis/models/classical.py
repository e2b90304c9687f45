"""Comparisons of groups that need no mixed model: analyses of variance and tests of counts.

Groups are categories whatever their code looks like: a group coded 1, 2, 3 has two degrees of freedom, not
one. Tests of counts take counts: percentages change the test, and are refused where they can be recognised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats


def one_way_anova(data: pd.DataFrame, *, value: str, group: str) -> pd.DataFrame:
    """Compare the means of groups, assuming equal variances.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per participant; rows with a missing value or group are left out.
    value : str
        Numeric column.
    group : str
        Column that names the group; numbers are names too.

    Returns
    -------
    pandas.DataFrame
        One row, index ``value``; num_df, den_df, F, p, n (participants used).

    Raises
    ------
    ValueError
        If a column is missing, there are fewer than two groups, a group has one member, or nothing varies
        within groups.

    Examples
    --------
    >>> data = pd.DataFrame({"age": [20, 22, 24, 23, 25, 27, 30, 31], "drug": [1, 1, 1, 2, 2, 2, 3, 3]})
    >>> one_way_anova(data, value="age", group="drug").round(3)
         num_df  den_df       F     p  n
    age       2     5.0  13.182  0.01  8
    """
    samples = _samples(data, value, group)
    result = stats.f_oneway(*samples)
    den_df = sum(map(len, samples)) - len(samples)
    return _anova_row(value, samples, result.statistic, result.pvalue, den_df)


def welch_anova(data: pd.DataFrame, *, value: str, group: str) -> pd.DataFrame:
    """Compare the means of groups without assuming equal variances (Welch 1951); as `one_way_anova`."""
    samples = _samples(data, value, group)
    if min(np.var(sample) for sample in samples) == 0:
        raise ValueError(f"{value!r} is constant within a group: Welch's test needs a variance in each")
    sizes = np.array([len(sample) for sample in samples])
    means = np.array([np.mean(sample) for sample in samples])
    weights = sizes / np.array([np.var(sample, ddof=1) for sample in samples])
    imbalance = np.sum((1 - weights / weights.sum()) ** 2 / (sizes - 1))
    num_df = len(samples) - 1
    den_df = (len(samples) ** 2 - 1) / (3 * imbalance)
    between = np.sum(weights * (means - np.average(means, weights=weights)) ** 2) / num_df
    f = between / (1 + 2 * (len(samples) - 2) / (len(samples) ** 2 - 1) * imbalance)
    return _anova_row(value, samples, f, stats.f.sf(f, num_df, den_df), den_df)


def goodness_of_fit(
    counts: Mapping[str, int] | pd.Series, *, expected: Mapping[str, float] | pd.Series | None = None
) -> pd.DataFrame:
    """Test whether counts agree with expected shares (chi-square).

    Parameters
    ----------
    counts : mapping or pandas.Series
        How often each category was observed.
    expected : mapping or pandas.Series, optional
        Share of each category, in any unit; equal shares by default.

    Returns
    -------
    pandas.DataFrame
        One row: chi2, df, p, n (sum of the counts), smallest_expected (below 5 the test is doubtful).

    Raises
    ------
    ValueError
        If the counts are not whole numbers, or there are fewer than two categories.

    Examples
    --------
    >>> goodness_of_fit({"placebo": 44, "amisulpride": 42, "naltrexone": 44}).round(4)
         chi2  df       p    n  smallest_expected
    0  0.0615   2  0.9697  130            43.3333
    """
    observed = pd.Series(counts)
    numbers = whole_counts(observed.to_numpy())
    shares = np.ones(len(numbers)) if expected is None else _shares(observed, pd.Series(expected))
    predicted = shares / shares.sum() * numbers.sum()
    result = stats.chisquare(numbers, predicted)
    return _chi2_row(result.statistic, len(numbers) - 1, result.pvalue, numbers, predicted)


def contingency(table: pd.DataFrame | Sequence[Sequence[int]], *, continuity: bool = False) -> pd.DataFrame:
    """Test whether rows and columns of a table of counts are independent (chi-square).

    Parameters
    ----------
    table : pandas.DataFrame
        Counts, for instance groups by answers. All answers need a column, the wrong ones too.
    continuity : bool
        Yates' correction of a 2 x 2 table (R applies it by default).

    Returns
    -------
    pandas.DataFrame
        One row: chi2, df, p, n, smallest_expected (below 5 the test is doubtful).

    Raises
    ------
    ValueError
        If the counts are not whole numbers, the table is smaller than 2 x 2, or a row or column is empty.

    Examples
    --------
    >>> guesses = pd.DataFrame({"right": [7, 13, 22], "wrong": [35, 31, 22]}, index=["ami", "nal", "pla"])
    >>> contingency(guesses).round(4)
          chi2  df       p    n  smallest_expected
    0  11.1494   2  0.0038  130            13.5692
    """
    numbers = whole_counts(pd.DataFrame(table).to_numpy())
    if min(numbers.shape) < 2:
        raise ValueError(f"a contingency table needs two rows and two columns at least; got {numbers.shape}")
    if not numbers.sum(axis=0).all() or not numbers.sum(axis=1).all():
        raise ValueError("a row or column of the table has no counts at all: leave it out")
    result = stats.chi2_contingency(numbers, correction=continuity)
    return _chi2_row(result.statistic, result.dof, result.pvalue, numbers, result.expected_freq)


def _samples(data: pd.DataFrame, value: str, group: str) -> list[np.ndarray]:
    """Return the values of each group."""
    for name in (value, group):
        if name not in data:
            raise ValueError(f"no column {name!r}; the columns are: {', '.join(map(str, data.columns))}")
    if not pd.api.types.is_numeric_dtype(data[value]):
        raise ValueError(f"{value!r} should be numeric; it is {data[value].dtype}")
    complete = data[[value, group]].dropna()
    if not np.isfinite(complete[value].to_numpy(dtype=float)).all():
        raise ValueError(f"{value!r} has infinite values: correct or leave out these rows")
    by_group = complete.groupby(group, observed=True)[value]
    samples = {name: values.to_numpy(dtype=float) for name, values in by_group}
    if len(samples) < 2:
        raise ValueError(f"{group!r} should name two groups at least; got {list(samples)}")
    single = [name for name, values in samples.items() if len(values) < 2]
    if single:
        raise ValueError(f"groups with one member only have no variance: {single}")
    if not any(np.ptp(values) for values in samples.values()):
        raise ValueError(f"{value!r} does not vary within any group")
    return list(samples.values())


def _anova_row(value: str, samples: list[np.ndarray], f: float, p: float, den_df: float) -> pd.DataFrame:
    """Return the result as a table with one row."""
    row = {
        "num_df": len(samples) - 1,
        "den_df": float(den_df),
        "F": float(f),
        "p": float(p),
        "n": sum(map(len, samples)),
    }
    return pd.DataFrame([row], index=[value])


def whole_counts(values: np.ndarray) -> np.ndarray:
    """Return counts as numbers; refuse what cannot be counts, percentages above all."""
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"counts should be whole numbers; got {values!r}") from None
    if numbers.size < 2:
        raise ValueError("counts of two categories at least are needed")
    if not np.isfinite(numbers).all() or (numbers < 0).any() or (numbers != np.round(numbers)).any():
        raise ValueError(
            f"counts should be whole numbers, not percentages or proportions; got {numbers.ravel().tolist()}"
        )
    if math.isclose(numbers.sum(), 0):
        raise ValueError("all counts are zero")
    return numbers


def _shares(observed: pd.Series, expected: pd.Series) -> np.ndarray:
    """Return the expected shares in the order of the counts."""
    if set(observed.index) != set(expected.index):
        raise ValueError(f"counts are of {list(observed.index)}, expected shares of {list(expected.index)}")
    shares = expected[observed.index].to_numpy(dtype=float)
    if not (shares > 0).all():
        raise ValueError(f"expected shares should be positive; got {shares.tolist()}")
    return shares


def _chi2_row(
    statistic: float, df: int, p: float, observed: np.ndarray, expected: np.ndarray
) -> pd.DataFrame:
    """Return the result as a table with one row."""
    row = {"chi2": float(statistic), "df": int(df), "p": float(p)}
    return pd.DataFrame([{**row, "n": int(observed.sum()), "smallest_expected": float(expected.min())}])
