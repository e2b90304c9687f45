"""Tables of the Bayesian asymptotic regression."""

from __future__ import annotations

import pandas as pd

from analysis.mimicry.emotions import emotion_name
from analysis.mimicry.group_tables import VERDICT_WORDS, minus_signs
from analysis.mimicry.posterior import MODEL_NAMES
from analysis.mimicry.tables import emotion_column, muscle_column
from analysis.report import Column, Table

PARAMETER_NAMES = {"a": "Asymptote", "c": "Log rate"}
CONFLICT_P = 0.01
"""Rows of the predictive check with a smaller p are set in bold, as conflicts."""
_PARAMETER = Column(description="Parameter of the curve.", heading="Parameter", levels=PARAMETER_NAMES)
_MODEL = Column(description="Which effects of the group the model has.", heading="Model", levels=MODEL_NAMES)
_MEAN = Column(description="Posterior mean.", kind="number", unit="log units", heading="Mean")
_SD = Column(description="Posterior standard deviation.", kind="number", unit="log units", heading="SD")
_HPDI = {
    "lower": Column(
        description="Lower end of the 95 % highest posterior density interval.",
        kind="number",
        unit="log units",
        heading="95 % HPDI from",
    ),
    "upper": Column(
        description="Upper end of the 95 % highest posterior density interval.",
        kind="number",
        unit="log units",
        heading="to",
    ),
}


def priors_table(rows: list[tuple[str, str, str]]) -> Table:
    """Tabulate the priors: what for, which, and where from."""
    return Table(
        name="priors",
        caption="Priors of the asymptotic regression.",
        data=pd.DataFrame(rows, columns=["parameter", "prior", "source"]),
        columns={
            "parameter": Column(description="What the prior is of.", heading="Parameter"),
            "prior": Column(description="Its distribution.", heading="Prior"),
            "source": Column(description="Where it comes from.", heading="Source"),
        },
    )


def diagnostics_table(data: pd.DataFrame) -> Table:
    """Tabulate how the samplers did, per model."""
    return Table(
        name="sampler_diagnostics",
        caption="Whether the chains can be trusted, per model.",
        data=data,
        columns={
            "model": _MODEL,
            "divergences": Column(
                description="Draws at which the sampler lost its way; should be 0.",
                kind="count",
                heading="Divergences",
            ),
            "max_rhat": Column(
                description="Largest rank-normalised split R-hat of any parameter; should be below 1.01.",
                kind="number",
                heading="Largest R-hat",
            ),
            "min_ess_bulk": Column(
                description="Smallest effective sample size for means; should be above 400.",
                kind="count",
                heading="Least bulk ESS",
            ),
            "min_ess_tail": Column(
                description="Smallest effective sample size for interval ends; should be above 400.",
                kind="count",
                heading="Least tail ESS",
            ),
            "tree_depth_hits": Column(
                description="Draws whose trajectory was cut off at the largest length.",
                kind="count",
                heading="Cut trajectories",
            ),
            "min_ebfmi": Column(
                description="Smallest energy fraction of any chain (E-BFMI); should be above 0.3.",
                kind="statistic",
                heading="Least E-BFMI",
            ),
            "verdict": Column(description="Judged by these limits.", heading="Judged"),
        },
    )


def participant_comparison_table(comparison: pd.DataFrame) -> Table:
    """Tabulate the comparison of the nested models by leaving out whole participants.

    Parameters
    ----------
    comparison : pandas.DataFrame
        What `analysis.models.comparison.compare_models` returned.
    """
    return Table(
        name="model_comparison",
        caption="How well each model predicts a participant whom it has not seen. Weights sum to one; ± is "
        "their Monte-Carlo error, by which other chains would change them.",
        data=comparison.rename_axis("model").reset_index(),
        columns={
            "model": _MODEL,
            "diff_participant": Column(
                description="Expected log density of a new participant, minus that of the best model.",
                kind="statistic",
                heading="Δ elpd",
            ),
            "se_diff_participant": Column(
                description="Standard error of this difference.", kind="statistic", heading="SE"
            ),
            **_weight("participant_pseudo_bma", "Weight", "pseudo-BMA+, participants left out"),
            **_weight("participant_stacking", "Stacking", "stacking, participants left out"),
            "n_bad_k_participant": Column(
                description="Participants whose Pareto k is too large for this approximation.",
                kind="count",
                heading="Bad k",
            ),
        },
    )


def observation_comparison_table(comparison: pd.DataFrame) -> Table:
    """Tabulate the comparison of the nested models by single values: Table 2 of the paper."""
    return Table(
        name="model_comparison_paper",
        caption="The comparison by single values, as in Table 2 of the paper: weights of WAIC and PSIS-LOO, "
        "which sum to one; ± is their Monte-Carlo error.",
        data=comparison.rename_axis("model").reset_index(),
        columns={
            "model": _MODEL,
            **_weight("waic_akaike", "WAIC", "exp(-WAIC / 2), as in the paper"),
            **_weight("loo_akaike", "LOO", "exp(-LOOIC / 2), as in the paper"),
            "n_bad_k": Column(
                description="Values whose Pareto k is too large for PSIS-LOO.", kind="count", heading="Bad k"
            ),
        },
        note="Weights from single values are unstable in this model: the participants' own effects are "
        "known from few values each. Groups are between participants, so that a new participant is what a "
        "model has to predict.",
    )


def _weight(name: str, heading: str, description: str) -> dict[str, Column]:
    return {
        name: Column(description=f"Weight: {description}.", kind="p", heading=heading),
        f"{name}_mcse": Column(description="Its Monte-Carlo standard error.", kind="p", heading="±"),
    }


def posterior_table(data: pd.DataFrame) -> Table:
    """Tabulate the posteriors of asymptote and rate, as in Fig. 3."""
    columns = {
        "parameter": _PARAMETER,
        "muscle": muscle_column(data["muscle"]),
        "emotion": emotion_column(data["emotion"]),
        "group": Column(description="Group.", heading="Group", missing="all"),
        "mean": _MEAN,
        "sd": _SD,
        **_HPDI,
    }
    if (data["group"] == "").all():
        del columns["group"]
    return Table(
        name="posterior",
        caption="Posteriors of asymptote and log rate.",
        data=data,
        columns=columns,
    )


def differences_table(data: pd.DataFrame, *, rope: dict[str, float]) -> Table:
    """Tabulate the posteriors of the differences between groups."""
    half = ", ".join(f"{PARAMETER_NAMES[name].lower()} ±{value:g}" for name, value in rope.items())
    return Table(
        name="posterior_differences",
        caption="Posteriors of the differences between groups, and how much of each lies in the region of "
        f"practical equivalence ({half}).",
        data=data,
        columns={
            "parameter": _PARAMETER,
            "muscle": muscle_column(data["muscle"]),
            "emotion": emotion_column(data["emotion"]),
            "group": Column(
                description="First group minus second group.",
                heading="Groups",
                levels=minus_signs(data["group"]),
            ),
            "mean": _MEAN,
            **_HPDI,
            "in_region": Column(
                description="Part of the posterior in the region of practical equivalence.",
                kind="percent",
                unit="%",
                heading="In region",
            ),
            "verdict": Column(
                description="equivalent: the 95 % HPDI lies inside the region; different: outside; "
                "inconclusive: neither.",
                heading="Verdict",
                levels=VERDICT_WORDS,
            ),
            "bf01": Column(
                description="Bayes factor for no difference (Savage-Dickey).",
                kind="statistic",
                heading="BF01",
            ),
        },
        note="A Bayes factor depends on the prior: the paper's is wide, which favours no difference.",
    )


def mimicry_posterior_table(data: pd.DataFrame) -> Table:
    """Tabulate mimicry in the model that ignores groups."""
    names = {name: emotion_name(name) for name in [*data["first"], *data["second"]]}
    return Table(
        name="posterior_mimicry",
        caption="Mimicry in the model that ignores groups: the difference between the asymptotes of the two "
        "emotions, positive where the muscle did what mimicry predicts.",
        data=data,
        columns={
            "muscle": muscle_column(data["muscle"]),
            "first": Column(
                description="Emotion with more activity predicted.", heading="First", levels=names
            ),
            "second": Column(
                description="Emotion with less activity predicted.", heading="Second", levels=names
            ),
            "mean": _MEAN,
            "sd": _SD,
            **_HPDI,
            "percent_positive": Column(
                description="Posterior probability that the difference has the predicted sign.",
                kind="percent",
                unit="%",
                heading="Predicted sign",
            ),
        },
    )


def predictive_table(check: pd.DataFrame) -> Table:
    """Tabulate the posterior predictive check of a model."""
    return Table(
        name="posterior_predictive_check",
        caption="Posterior predictive check: features of the data, and of data simulated from the fitted "
        "model.",
        data=check,
        columns={
            "question": Column(description="What is compared.", heading="Feature"),
            "observed": Column(description="Its value in the data.", kind="number", heading="Data"),
            "replicated": Column(
                description="Mean of its values in simulated data.", kind="number", heading="Model"
            ),
            "q2_5": Column(
                description="97.5 % of the simulated values lie above this.",
                kind="number",
                heading="95 % from",
            ),
            "q97_5": Column(
                description="97.5 % of the simulated values lie below this.", kind="number", heading="to"
            ),
            "p": Column(description="Two-sided posterior predictive p value.", kind="p", heading="p"),
        },
        emphasise_p_below=CONFLICT_P,
        note="A small p says that the model does not make such data, whatever its parameters.",
    )


def drawn_tables(
    *, prior: pd.DataFrame, ribbon: pd.DataFrame, means: pd.DataFrame, densities: pd.DataFrame
) -> list[Table]:
    """Describe the data behind the figures, to be attached."""
    muscle, emotion = muscle_column(means["muscle"]), emotion_column(means["emotion"])
    time = Column(description="Window, counted from 1; between the windows, its fraction.", kind="number")
    log = {"kind": "number", "unit": "log units"}
    return [
        Table(
            name="prior_curves",
            caption="the curves drawn from the prior (Fig. 2B of the paper).",
            data=prior,
            columns={
                "draw": Column(description="Number of the draw.", kind="count"),
                "time": time,
                "value": Column(description="Value of the curve.", **log),  # type: ignore[arg-type]
            },
        ),
        Table(
            name="participant_means",
            caption="each participant's means, to which the asymptotic regression is fitted (Fig. 2C).",
            data=means,
            columns={
                "participant": Column(description="Participant's id."),
                "group": Column(description="Code or name of the group.", missing="no group"),
                "muscle": muscle,
                "emotion": emotion,
                "window": Column(description="Window after stimulus onset, from 1.", kind="count"),
                "emg": Column(description="Mean log EMG of the kept trials.", **log),  # type: ignore[arg-type]
                "n_trials": Column(description="Kept trials.", kind="count"),
            },
        ),
        Table(
            name="fitted_curves",
            caption="the fitted population curves with their 95 % HPDI (Fig. 2C).",
            data=ribbon,
            columns={
                "muscle": muscle,
                "emotion": emotion,
                "time": time,
                "median": Column(description="Posterior median.", **log),  # type: ignore[arg-type]
                "lower": Column(description="Lower end of the 95 % HPDI.", **log),  # type: ignore[arg-type]
                "upper": Column(description="Upper end of the 95 % HPDI.", **log),  # type: ignore[arg-type]
            },
        ),
        Table(
            name="posterior_densities",
            caption="the smoothed posteriors of asymptote and rate, and of their differences between groups.",
            data=densities,
            columns={
                "parameter": _PARAMETER,
                "muscle": muscle,
                "emotion": emotion,
                "group": Column(description="Group, or difference between two groups.", missing="all"),
                "value": Column(description="Value of the parameter.", **log),  # type: ignore[arg-type]
                "density": Column(description="Its posterior density.", kind="number"),
            },
        ),
    ]
