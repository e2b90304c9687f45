"""Fits a planned mixed model, and keeps what the report needs of it, warnings included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from analysis.mimicry.emotion_contrasts import CONFIDENCE, emotion_means
from analysis.mimicry.model_plan import ModelPlan
from analysis.models.mixed import MixedFit, fit_mixed


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """A fitted mixed model as tables, or the reason why there is none."""

    name: str
    """What was modelled: a muscle, or "response_time"."""
    formula: str
    """The formula that was fitted; empty where none was."""
    left_out: tuple[str, ...]
    """Why terms of the paper's model are absent."""
    refusal: str
    """Why no model was fitted; empty where one was."""
    warnings: tuple[str, ...] = ()
    """What makes the result doubtful: no convergence, variances at zero."""
    n_observations: int = 0
    n_participants: int = 0
    n_faces: int = 0
    criterion: float = np.nan
    """REML criterion."""
    sigma: float = np.nan
    """Standard deviation of the residuals."""
    anova: pd.DataFrame = field(default_factory=pd.DataFrame)
    """`term num_df den_df F p`."""
    anova_other_origin: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The same with time zero elsewhere; empty for a model without time."""
    anova_middle: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The same with time zero in the middle of the epoch, where `means` are; without time, as `anova`."""
    means: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Estimated mean per emotion in the middle of the epoch: `emotion mean se df lower upper`."""
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Between each pair of emotions: `first second difference se df t p p_holm lower upper`."""
    slopes: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Slope of time per emotion, and per emotion and group: `emotion group slope se df t z p lower upper`."""
    fixed_effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    """`term estimate se df t p`."""
    random_effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    """`group term sd` and the correlations with the terms above."""
    middle_s: float = 0.0
    """The model's time in the middle of the epoch, in seconds; 0 without time."""
    fit: MixedFit | None = field(default=None, repr=False)
    """The fit itself; None where there is none."""
    data: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    """What it was fitted to."""

    @property
    def fitted(self) -> bool:
        """Whether there is a model."""
        return not self.refusal

    @property
    def has_group(self) -> bool:
        """Whether the group is in the fixed effects."""
        return "group" in _fixed_part(self.formula)


def fit_plan(plan: ModelPlan, *, name: str, other_origin_s: float | None = None) -> ModelResult:
    """Fit a planned model, with fewer random effects where it cannot be fitted as planned.

    Parameters
    ----------
    plan : ModelPlan
        The formula and its data.
    name : str
        What is modelled, for messages.
    other_origin_s : float, optional
        How much later than the plan's the other origin of time lies, in seconds; the tests of the main
        effects are repeated with it. None for a model without time.

    Returns
    -------
    ModelResult
        Where every attempt fails, its `refusal` says so and holds the error.
    """
    if plan.refusal:
        return ModelResult(name=name, formula="", left_out=plan.left_out, refusal=plan.refusal)
    left_out, error_text = list(plan.left_out), ""
    for formula in (plan.formula, *plan.simpler):
        try:
            fit = fit_mixed(formula, plan.data)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            error_text = f"{formula} could not be fitted: {error}"
            left_out.append(f"{error_text.rstrip('.')}. A model with fewer random effects was tried.")
            continue
        return _result(fit, plan, name, formula, left_out, other_origin_s)
    return ModelResult(name=name, formula="", left_out=plan.left_out, refusal=error_text)


def _result(
    fit: MixedFit,
    plan: ModelPlan,
    name: str,
    formula: str,
    left_out: Sequence[str],
    other_origin_s: float | None,
) -> ModelResult:
    has_time = "time" in _fixed_part(formula)
    tests = _named(fit.anova(), "term")
    other = middle = pd.DataFrame()
    if has_time and other_origin_s:
        other = _tests_from(other_origin_s, formula, plan.data)
    middle_s = _middle(plan.data) if has_time else 0.0
    if np.isclose(middle_s, 0.0):
        middle = tests
    elif other_origin_s is not None and np.isclose(middle_s, other_origin_s):
        middle = other
    else:
        middle = _tests_from(middle_s, formula, plan.data)
    means, differences = _means(fit, plan.data, formula, at={"time": [middle_s]} if has_time else {})
    return ModelResult(
        name=name,
        formula=formula,
        left_out=tuple(left_out),
        refusal="",
        warnings=tuple(text.rstrip(".") for text in fit.warnings),
        n_observations=fit.n_observations,
        n_participants=fit.n_groups["participant"],
        n_faces=fit.n_groups.get("face", 0),
        criterion=float(fit.criterion),
        sigma=float(fit.sigma),
        anova=tests,
        anova_other_origin=other,
        anova_middle=middle,
        means=means,
        differences=differences,
        slopes=_slopes(fit, formula) if has_time else pd.DataFrame(),
        fixed_effects=_named(fit.fixed_effects, "term"),
        random_effects=fit.random_effects.reset_index(drop=True),
        middle_s=middle_s,
        fit=fit,
        data=plan.data,
    )


def _tests_from(origin_s: float, formula: str, data: pd.DataFrame) -> pd.DataFrame:
    """Test the fixed effects with time zero that much later."""
    moved = data.assign(time=data["time"] - origin_s)
    return _named(fit_mixed(formula, moved).anova(), "term")


def _middle(data: pd.DataFrame) -> float:
    return float(data["time"].min() + data["time"].max()) / 2


def _means(
    fit: MixedFit, data: pd.DataFrame, formula: str, *, at: dict[str, list[float]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if "emotion" not in _fixed_part(formula):
        return pd.DataFrame(), pd.DataFrame()
    return emotion_means(fit, data, at=at)


def _fixed_part(formula: str) -> str:
    return formula.partition("~")[2].split(" + (")[0]


def _slopes(fit: MixedFit, formula: str) -> pd.DataFrame:
    """Slopes of time per emotion, averaged over groups, and then per emotion and group."""
    fixed = _fixed_part(formula)
    by_emotion = ["emotion"] if "emotion" in fixed else []
    tables = [fit.slopes("time", by=by_emotion)]
    if "group" in fixed:
        tables.append(fit.slopes("time", by=[*by_emotion, "group"]))
    columns = ["emotion", "group", "slope", "se", "df", "t", "z", "p", "lower", "upper"]
    slopes = pd.concat([_with_all(table) for table in tables], ignore_index=True)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, slopes["df"]) * slopes["se"]
    return slopes.assign(lower=slopes["slope"] - reach, upper=slopes["slope"] + reach)[columns]


def _with_all(table: pd.DataFrame) -> pd.DataFrame:
    """Write "all" for a factor that was averaged over."""
    return table.assign(
        **{name: table[name].astype(str) if name in table else "all" for name in ("emotion", "group")}
    )


def _named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    plain = table.index.str.replace(r"C\((\w+), contr\.treatment\)", r"\1", regex=True)
    return table.set_axis(plain).rename_axis(name).reset_index()
