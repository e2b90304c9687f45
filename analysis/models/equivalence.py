"""Whether an effect is small enough to be called none: two one-sided tests.

A test that finds no difference says nothing by itself: too few participants find none either. Here the effect
is compared with bounds, the smallest effect that would matter, and both questions are answered side by side:
is it different from zero, and is it between the bounds.

References
----------
Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680: the two one-sided tests.
Lakens (2017), Social Psychological and Personality Science 8(4), 355-362: their use beside the test of a
difference, and the four conclusions.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Verdict = Literal["equivalent", "different", "both", "inconclusive"]
VERDICTS: dict[str, str] = {
    "equivalent": "not different from zero, and any effect is smaller than the bounds",
    "different": "different from zero, and perhaps larger than the bounds",
    "both": "different from zero, and yet smaller than the bounds",
    "inconclusive": "neither a difference nor its absence can be stated: the data are too few",
}


def equivalence_tests(
    tests: pd.DataFrame,
    *,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    estimate: str = "estimate",
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Test whether estimates lie between bounds, and whether they differ from zero.

    Parameters
    ----------
    tests : pandas.DataFrame
        One row per estimate, with the columns `se` (its standard error) and `df` (degrees of freedom;
        infinity for a normal distribution), as the tables of a mixed model have them.
    lower, upper : array_like
        Bounds in the unit of the estimate, ``lower < 0 < upper``: one number, or one per row. They have to
        be chosen before the data are seen.
    estimate : str
        Name of the column with the estimates, for instance "slope".
    alpha : float
        Level of each test.

    Returns
    -------
    pandas.DataFrame
        A row per row of `tests`, same index: `estimate se df lower_bound upper_bound`, then `p_difference`
        (two-sided, from zero), `t_lower p_lower t_upper p_upper` (each bound on its own), `p_equivalence`
        (the larger of the two), `lower upper` (the interval of level 1 - 2 alpha, 90 % by default, which lies
        between the bounds exactly if the tests say so) and `verdict`, see `VERDICTS`. NaN and an empty
        verdict where there is no estimate.

    Raises
    ------
    ValueError
        If a column is missing, a standard error is not positive, or zero is not between the bounds.

    Examples
    --------
    >>> drug = pd.DataFrame({"estimate": [0.001, 0.012], "se": [0.003, 0.008], "df": [84.0, 84.0]})
    >>> table = equivalence_tests(drug, lower=-0.01, upper=0.01)
    >>> table[["p_difference", "p_equivalence", "lower", "upper", "verdict"]].round(3).values.tolist()
    [[0.74, 0.002, -0.004, 0.006, 'equivalent'], [0.137, 0.598, -0.001, 0.025, 'inconclusive']]
    """
    if not isinstance(tests, pd.DataFrame):
        raise ValueError(f"the tests should be a pandas DataFrame; got {type(tests).__name__}")
    absent = [name for name in (estimate, "se", "df") if name not in tests]
    if absent:
        raise ValueError(f"the tests lack the column {', '.join(absent)}; they have {list(tests)}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha should be between 0 and 0.5, got {alpha}")
    value, se, df = (tests[name].to_numpy(dtype=float) for name in (estimate, "se", "df"))
    if (se <= 0).any() or (df <= 0).any():
        raise ValueError("standard errors and degrees of freedom should be positive; some are not")
    if any(np.size(bound) not in (1, len(value)) for bound in (lower, upper)):
        raise ValueError(f"bounds should be one number, or {len(value)}, one per row")
    low, high = (np.broadcast_to(np.asarray(bound, dtype=float), value.shape) for bound in (lower, upper))
    if not ((low < 0) & (high > 0)).all():
        raise ValueError(f"zero should lie between the bounds of equivalence; got {lower!r} and {upper!r}")
    t_lower, t_upper = (value - low) / se, (value - high) / se
    p_lower, p_upper = stats.t.sf(t_lower, df), stats.t.cdf(t_upper, df)
    p_difference, p_equivalence = 2 * stats.t.sf(np.abs(value / se), df), np.maximum(p_lower, p_upper)
    reach = stats.t.ppf(1 - alpha, df) * se
    columns = {
        "estimate": value,
        "se": se,
        "df": df,
        "lower_bound": low,
        "upper_bound": high,
        "p_difference": p_difference,
        "t_lower": t_lower,
        "p_lower": p_lower,
        "t_upper": t_upper,
        "p_upper": p_upper,
        "p_equivalence": p_equivalence,
        "lower": value - reach,
        "upper": value + reach,
        "verdict": [_verdict(*pair, alpha) for pair in zip(p_difference, p_equivalence, strict=True)],
    }
    return pd.DataFrame(columns, index=tests.index)


def _verdict(p_difference: float, p_equivalence: float, alpha: float) -> Verdict | Literal[""]:
    if np.isnan(p_difference) or np.isnan(p_equivalence):
        return ""
    different, equivalent = p_difference < alpha, p_equivalence < alpha
    if equivalent:
        return "both" if different else "equivalent"
    return "different" if different else "inconclusive"
