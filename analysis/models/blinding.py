"""Whether participants knew what they were given: their guesses against chance, and indices of blinding.

Guesses are a table of counts, groups by answers. Answers have the names of the groups; participants who would
not guess stand in a column of their own. All tests take counts, and refuse what looks like percentages.

Two questions are easily confused. Whether a group guesses its own treatment more often than chance depends on
what people believe anyway: where everybody expects the placebo, the placebo group is often right without
knowing anything. Whether the groups *answer differently* is what tells knowledge from belief.

References
----------
James, Bloch, Lee, Kraemer & Fuller (1996), An index for assessing blindness in a multi-centre clinical trial,
Statistics in Medicine 15(13), 1421-1434. Bang, Ni & Davis (2004), Assessment of blinding in clinical trials,
Controlled Clinical Trials 25(2), 143-156.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.models.classical import contingency, whole_counts
from analysis.models.multiplicity import check_level

DONT_KNOW = "dont_know"
"""Default name of the answer of those who would not guess."""


def guess_counts(groups: pd.Series, guesses: pd.Series, *, dont_know: str = DONT_KNOW) -> pd.DataFrame:
    """Count the answers per group.

    Parameters
    ----------
    groups, guesses : pandas.Series
        Per participant, what was given and what the participant believes; rows with a missing value are left
        out.
    dont_know : str
        The answer of those who would not guess.

    Returns
    -------
    pandas.DataFrame
        Index groups; a column per group, in the same order, and one for `dont_know` where somebody said so.

    Raises
    ------
    ValueError
        If there are fewer than two groups, an answer is not one of the groups, or the rows differ.

    Examples
    --------
    >>> given = pd.Series(["drug", "drug", "placebo", "placebo", "placebo"])
    >>> guess_counts(given, pd.Series(["drug", "placebo", "placebo", "dont_know", None]))
             drug  placebo  dont_know
    drug        1        1          0
    placebo     0        1          1
    """
    groups, guesses = pd.Series(groups), pd.Series(guesses)
    if not groups.index.equals(guesses.index):
        raise ValueError("groups and guesses should have the same index: one row per participant in both")
    known = groups.notna() & guesses.notna()
    groups, guesses = groups[known].astype(str), guesses[known].astype(str)
    names = sorted(groups.unique())
    unknown = sorted(set(guesses) - set(names) - {dont_know})
    if unknown:
        raise ValueError(f"guesses should be {', '.join(names)} or {dont_know}; found {', '.join(unknown)}")
    columns = [*names, *([dont_know] if (guesses == dont_know).any() else [])]
    table = pd.crosstab(groups, guesses).reindex(index=names, columns=columns, fill_value=0)
    _check(table, dont_know)
    return table.rename_axis(index=None, columns=None)


def guesses_against_chance(table: pd.DataFrame, *, dont_know: str = DONT_KNOW) -> pd.DataFrame:
    """Compare each group's right guesses with chance, and with what the other groups answer.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts as `guess_counts` makes them.
    dont_know : str
        Column of those who would not guess; they are left out.

    Returns
    -------
    pandas.DataFrame
        One row per group: `n` (guesses), `n_correct`, `percent_correct`, `chance` (one in the number of
        groups, as a proportion), `p_chance` (exact binomial test, two-sided), `percent_others` (how often
        the *other* groups named this one) and `p_others` (chi-square with one degree of freedom of its row
        against theirs; the question of blinding). NaN where nobody guessed.

    Examples
    --------
    >>> table = pd.DataFrame([[20, 15], [8, 27]], index=["drug", "placebo"], columns=["drug", "placebo"])
    >>> guesses_against_chance(table)[["n", "n_correct", "p_chance", "p_others"]].round(3)
              n  n_correct  p_chance  p_others
    drug     35         20     0.500     0.003
    placebo  35         27     0.002     0.003
    """
    counts = _check(table, dont_know)
    guessed = counts.drop(columns=dont_know, errors="ignore")
    rows = {}
    for group in guessed.index:
        n, right = int(guessed.loc[group].sum()), int(guessed.loc[group, group])
        others = guessed.drop(index=group)
        n_others, named = int(others.to_numpy().sum()), int(others[group].sum())
        chance = 1 / len(guessed)
        rows[group] = {
            "n": n,
            "n_correct": right,
            "percent_correct": 100 * right / n if n else np.nan,
            "chance": chance,
            "p_chance": stats.binomtest(right, n, chance).pvalue if n else np.nan,
            "percent_others": 100 * named / n_others if n_others else np.nan,
            "p_others": _two_by_two(right, n, named, n_others),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def guesses_by_group(table: pd.DataFrame, *, dont_know: str = DONT_KNOW) -> pd.DataFrame:
    """Test whether the groups answer differently: a chi-square test of groups by answers.

    Answers that nobody gave, and groups in which nobody answered, are left out.

    Returns
    -------
    pandas.DataFrame
        As `analysis.models.classical.contingency`; NaN in `chi2` and `p` where everybody answered the same.
    """
    counts = _check(table, dont_know)
    given = counts.loc[counts.sum(axis=1) > 0, counts.sum(axis=0) > 0]
    if min(given.shape) < 2:
        row = {"chi2": np.nan, "df": 0, "p": np.nan, "n": int(given.to_numpy().sum())}
        return pd.DataFrame([{**row, "smallest_expected": np.nan}])
    return contingency(given)


def bang_index(table: pd.DataFrame, *, dont_know: str = DONT_KNOW, level: float = 0.95) -> pd.DataFrame:
    """Compute Bang's index of each group: right guesses beyond chance, from -1 to 1.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts as `guess_counts` makes them.
    dont_know : str
        Column of those who would not guess.
    level : float
        Level of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per group: `n n_correct n_wrong n_dont_know bang se lower upper`. 0: guesses are as good as
        random; 1: all know; below 0: more wrong guesses than chance gives. From -0.2 to 0.2 blinding is
        commonly called successful. Everybody believing in the placebo gives a positive index in the placebo
        group and negative ones in the others.

    Notes
    -----
    Bang et al. (2004) define it for two groups as the proportion of right minus that of wrong guesses. With k
    groups a random guess is wrong k - 1 times as often as right, so that the wrong guesses are divided by
    k - 1 here. Normal approximation of the interval; where all answers of a group are alike it would have no
    width, and the exact limit of a proportion of one is used.

    Examples
    --------
    The CRISP trial, the example of Bang et al. (2004):

    >>> crisp = pd.DataFrame([[82, 25, 170], [27, 29, 83]], index=["lovastatin", "placebo"])
    >>> crisp.columns = ["lovastatin", "placebo", "dont_know"]
    >>> bang_index(crisp)[["bang", "se", "lower", "upper"]].round(3)
                 bang     se  lower  upper
    lovastatin  0.206  0.035  0.137  0.275
    placebo     0.014  0.054 -0.091  0.120
    """
    check_level(level)
    counts = _check(table, dont_know)
    weight = 1 / (len(counts) - 1)
    reach = stats.norm.ppf((1 + level) / 2)
    rows = {}
    for group in counts.index:
        n, right = int(counts.loc[group].sum()), int(counts.loc[group, group])
        unsure = int(counts.loc[group].get(dont_know, 0))
        wrong = n - right - unsure
        index = se = lower = upper = np.nan
        if n:
            p, q = right / n, wrong / n
            index = p - weight * q
            se = np.sqrt(max(p + weight**2 * q - index**2, 0.0) / n)
            lower, upper = index - reach * se, index + reach * se
            if n in (right, wrong, unsure):
                lower, upper = _all_alike(index, n, weight, level)
        rows[group] = {
            "n": n,
            "n_correct": right,
            "n_wrong": wrong,
            "n_dont_know": unsure,
            "bang": index,
            "se": se,
            "lower": lower,
            "upper": upper,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def james_index(table: pd.DataFrame, *, dont_know: str = DONT_KNOW, level: float = 0.95) -> pd.DataFrame:
    """Compute James' index of the whole study: 0 all guess right, 0.5 random guesses, 1 nobody would guess.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts as `guess_counts` makes them.
    dont_know : str
        Column of those who would not guess; the index rests on them, and says little without any.
    level : float
        Level of the interval.

    Returns
    -------
    pandas.DataFrame
        One row: `n n_dont_know james se lower upper`. Unblinding is claimed where `upper` is below 0.5.

    Notes
    -----
    All wrong guesses weigh the same (James et al. give less weight to the wrong dose of the right drug). The
    standard error is that of the delta method over all cells of the table.

    Examples
    --------
    >>> crisp = pd.DataFrame([[82, 25, 170], [27, 29, 83]], index=["lovastatin", "placebo"])
    >>> crisp.columns = ["lovastatin", "placebo", "dont_know"]
    >>> james_index(crisp)[["james", "lower", "upper"]].round(2)
       james  lower  upper
    0   0.75   0.71   0.79
    """
    check_level(level)
    counts = _check(table, dont_know)
    unsure = counts.get(dont_know, pd.Series(0, index=counts.index)).to_numpy(dtype=float)
    guessed = counts[list(counts.index)].to_numpy(dtype=float)
    n = guessed.sum() + unsure.sum()
    index, slopes, slope_unsure = _james(guessed / n, unsure / n)
    mean = float((slopes * guessed).sum() + slope_unsure * unsure.sum()) / n
    square = float((slopes**2 * guessed).sum() + slope_unsure**2 * unsure.sum()) / n
    se = np.sqrt(max(square - mean**2, 0.0) / n)
    reach = stats.norm.ppf((1 + level) / 2) * se
    row = {"n": int(n), "n_dont_know": int(unsure.sum()), "james": index, "se": se}
    return pd.DataFrame([{**row, "lower": index - reach, "upper": index + reach}])


def _james(guessed: np.ndarray, unsure: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return the index and its derivatives by the proportions of the cells, and by those unsure."""
    share, total_unsure = guessed.sum(), unsure.sum()
    if share == 0:
        return 1.0, np.zeros_like(guessed), 0.0
    rows, columns = guessed.sum(axis=1), guessed.sum(axis=0)
    observed = share - np.trace(guessed)
    expected = (share**2 - rows @ columns) / share
    if expected <= 0:
        return float("nan"), np.full_like(guessed, np.nan), np.nan
    wrong = 1 - np.eye(len(guessed))
    d_expected = (2 * share - rows[None, :] - columns[:, None] - expected) / share
    disagreement = observed / expected - 1
    d_disagreement = wrong / expected - observed / expected**2 * d_expected
    index = (1 + total_unsure + share * disagreement) / 2
    return float(index), (disagreement + share * d_disagreement) / 2, 0.5


def _all_alike(index: float, n: int, weight: float, level: float) -> tuple[float, float]:
    """Return the interval of Bang's index where all answers are the same: others are still possible."""
    others = 1 - ((1 - level) / 2) ** (1 / n)
    return index - others * (index + weight), index + others * (1 - index)


def _check(table: pd.DataFrame, dont_know: str) -> pd.DataFrame:
    """Refuse a table that is not groups by guesses, and put its columns into order."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"expected a table (DataFrame) of groups by guesses; got {type(table).__name__}")
    if len(table) < 2:
        raise ValueError(f"guesses need two groups at least; got {list(table.index)}")
    others = [name for name in table.columns if name != dont_know]
    if set(others) != set(table.index):
        raise ValueError(
            f"the guesses should be named like the groups ({', '.join(map(str, table.index))}) or "
            f"{dont_know}; got {', '.join(map(str, table.columns))}"
        )
    numbers = whole_counts(table.to_numpy()).astype(int)
    counts = pd.DataFrame(numbers, index=table.index, columns=table.columns)
    return counts[[*table.index, *([dont_know] if dont_know in table else [])]]


def _two_by_two(right: int, n: int, named: int, n_others: int) -> float:
    """Compare two proportions; NaN where there is nothing to compare."""
    counts = pd.DataFrame([[right, n - right], [named, n_others - named]])
    if not n or not n_others or (counts.sum(axis=0) == 0).any():
        return float("nan")
    return float(contingency(counts)["p"].iloc[0])
