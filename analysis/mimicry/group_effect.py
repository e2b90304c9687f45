"""What a mixed model says about the groups: a difference, its absence, or neither.

A test that finds nothing says little by itself. Beside the F tests stand, for each pair of groups: the
difference of mimicry with its intervals, two one-sided tests against the bounds of equivalence, a Bayes
factor against a difference of the size of these bounds, and the effect that a study like this one would have
found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.mimicry.emotion_contrasts import holm
from analysis.mimicry.mimicry_contrasts import comparisons, group_differences, mimicry_sizes
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.parameters import MimicryParameters
from analysis.models.bayes_factors import bayes_factor_of_estimate
from analysis.models.equivalence import equivalence_tests
from analysis.models.sensitivity import simulate_tests


@dataclass(frozen=True, kw_only=True)
class GroupEffect:
    """Mimicry of one muscle, and what the groups do to it."""

    muscle: str
    mimicry: pd.DataFrame
    """`first second measure predicted group estimate se df t p lower upper`, group "all" first."""
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    """F tests of all terms with the group, in the middle of the epoch: `term num_df den_df F p`."""
    decisive: str = ""
    """The term that is mimicry by group: emotion:group:time for directions, else emotion:group."""
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Per comparison and pair of groups; see :func:`judge_group`."""
    simulated: bool = False
    """Whether the smallest detectable effect was simulated."""

    @property
    def has_groups(self) -> bool:
        """Whether there is a group to judge."""
        return not self.differences.empty

    @property
    def decisive_test(self) -> dict[Any, Any]:
        """F test of the decisive term: `num_df den_df F p`."""
        return self.tests.set_index("term").loc[self.decisive].to_dict()


def judge_group(
    model: ModelResult, *, parameters: MimicryParameters, simulate: bool, progress: bool = True
) -> GroupEffect:
    """Estimate mimicry in a fitted model, and what the groups do to it.

    Parameters
    ----------
    model : ModelResult
        A fitted model of one muscle.
    parameters : MimicryParameters
        Bounds, levels, number of simulations and seed.
    simulate : bool
        Whether to simulate studies for the smallest detectable effect.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    GroupEffect
        Its `differences` have the columns `first second measure predicted group_1 group_2 estimate se df t p
        p_holm`, `lower upper` (95 %), `bound lower_90 upper_90 p_equivalence verdict`, `excluded` (the
        smallest bound that would have been reached: effects beyond it can be excluded), `bf01` and, where it
        was simulated, `detectable` and `equivalence_power`.

    Raises
    ------
    ValueError
        If no model was fitted.
    """
    fit = model.fit
    if fit is None:
        raise ValueError(f"no model of the {model.name} was fitted: {model.refusal}")
    has_time = "time" in fit._model.fixed.means
    pairs = comparisons(model.data["emotion"].astype(str), muscle=model.name, has_time=has_time)
    mimicry = _with_interval(mimicry_sizes(fit, pairs, middle_s=model.middle_s))
    differences, weights = group_differences(fit, pairs, middle_s=model.middle_s)
    differences = differences[np.isfinite(weights.to_numpy()).all(axis=1)] if len(weights) else differences
    if differences.empty:
        return GroupEffect(muscle=model.name, mimicry=mimicry)
    weights = weights.iloc[differences.index]
    moving = bool((differences["measure"] == "slope").any())
    with_group = model.anova_middle["term"].map(lambda term: "group" in str(term).split(":"))
    tests = model.anova_middle[with_group].reset_index(drop=True)
    differences = _judged(differences.reset_index(drop=True), parameters)
    if simulate:
        simulated = simulate_tests(
            fit,
            weights,
            seed=parameters.seed,
            n_simulations=parameters.sensitivity_simulations,
            progress=progress,
        )
        smallest = simulated.smallest_detectable(power=parameters.sensitivity_power_p)
        reached = [
            simulated.equivalence_power(bound, alpha=parameters.equivalence_p)["power"].iloc[i]
            for i, bound in enumerate(differences["bound"])
        ]
        differences = differences.assign(detectable=smallest["effect"].to_numpy(), equivalence_power=reached)
    return GroupEffect(
        muscle=model.name,
        mimicry=mimicry,
        tests=tests,
        decisive=_decisive(tests, moving=moving),
        differences=differences,
        simulated=simulate,
    )


def _decisive(tests: pd.DataFrame, *, moving: bool) -> str:
    """Choose the term of mimicry by group; the nearest one where the model has not got it."""
    wanted = [{"emotion", "group", "time"}, {"group", "time"}] if moving else []
    for parts in [*wanted, {"emotion", "group"}, {"group"}]:
        for term in tests["term"]:
            if set(str(term).split(":")) == parts:
                return str(term)
    return str(tests["term"].iloc[-1])


def _with_interval(table: pd.DataFrame) -> pd.DataFrame:
    limits = equivalence_tests(table, lower=-1.0, upper=1.0, alpha=0.025)
    return table.assign(lower=limits["lower"], upper=limits["upper"])


def _judged(differences: pd.DataFrame, parameters: MimicryParameters) -> pd.DataFrame:
    """Add intervals, the tests of equivalence and the Bayes factor."""
    bounds = np.where(
        differences["measure"] == "slope", parameters.equivalence_log_per_s, parameters.equivalence_log
    )
    tests = equivalence_tests(differences, lower=-bounds, upper=bounds, alpha=parameters.equivalence_p)
    factors = [
        1 / bayes_factor_of_estimate(row["estimate"], row["se"], row["df"], scale=bound)
        for row, bound in zip(differences.to_dict("records"), bounds, strict=True)
    ]
    return _with_interval(differences).assign(
        p_holm=holm(differences["p"].to_numpy()),
        bound=bounds,
        lower_90=tests["lower"],
        upper_90=tests["upper"],
        p_equivalence=tests["p_equivalence"],
        verdict=tests["verdict"],
        excluded=np.maximum(tests["lower"].abs(), tests["upper"].abs()),
        bf01=factors,
    )
