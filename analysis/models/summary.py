"""A fitted mixed model in words, as a reader of lme4 and lmerTest expects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from analysis.models.inference import DegreesOfFreedom
    from analysis.models.mixed import MixedFit

_METHODS = {"satterthwaite": "Satterthwaite's", "kenward-roger": "Kenward-Roger's"}
_HEADINGS = {
    "estimate": "Estimate",
    "se": "Std. Error",
    "t": "t value",
    "p": "Pr(>|t|)",
    "num_df": "NumDF",
    "den_df": "DenDF",
    "F": "F value",
}


def summary(fit: MixedFit, *, ddf: DegreesOfFreedom = "satterthwaite") -> str:
    """Describe a fit: method, residuals, random effects, fixed effects, type III tests, warnings.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    ddf : {"satterthwaite", "kenward-roger"}
        Degrees of freedom of the tests.
    """
    tests, anova = fit.coefficients(ddf=ddf), fit.anova(ddf=ddf)
    parts = [
        f"Linear mixed model fit by {'REML' if fit.reml else 'maximum likelihood'}; "
        f"t and F tests use {_METHODS[ddf]} degrees of freedom",
        f"Formula: {fit.formula}",
        *_weights_and_offset(fit),
        "",
        _criteria(fit),
        "",
        "Scaled residuals:",
        _residuals(fit),
        "",
        "Random effects:",
        _random_table(fit.random_effects),
        _counts(fit),
        "",
        "Fixed effects:",
        _formatted(tests),
    ]
    if len(anova):
        parts += ["", "Type III tests:", _formatted(anova).replace("Pr(>|t|)", "  Pr(>F)")]
    if fit.warnings:
        parts += ["", "Warnings:", *(f"- {warning}" for warning in fit.warnings)]
    return "\n".join(line.rstrip() for part in parts for line in part.split("\n"))


def _criteria(fit: MixedFit) -> str:
    """Say how well the model fits, and whether the optimum is one."""
    state = "at convergence" if fit.converged else "NOT CONVERGED"
    name = "REML criterion" if fit.reml else "-2 log likelihood"
    return (
        f"{name} {state}: {fit.criterion:.4f}\n"
        f"AIC {fit.aic:.1f}   BIC {fit.bic:.1f}   logLik {fit.log_likelihood:.1f}   "
        f"df.resid {fit.n_observations - fit.n_parameters}"
    )


def _weights_and_offset(fit: MixedFit) -> list[str]:
    """Say that the observations weigh differently, or that something was subtracted from the response."""
    said = []
    weights = np.broadcast_to(fit._criterion.design.root_weights, (fit.n_observations,)) ** 2
    if np.ptp(weights) > 0 or weights[0] != 1:
        said.append(
            f"Weights: {weights.min():.4g} to {weights.max():.4g} (the residual variance is that of weight 1)"
        )
    offset = fit._model.offset
    if np.any(offset):
        said.append(f"Offset: {np.min(offset):.4g} to {np.max(offset):.4g}")
    return said


def _residuals(fit: MixedFit) -> str:
    """Show the quartiles of the residuals in units of their standard deviation."""
    scaled = fit.residuals() * fit._criterion.design.root_weights / fit.sigma
    values = np.quantile(scaled, [0, 0.25, 0.5, 0.75, 1])
    table = pd.DataFrame([values], columns=["Min", "1Q", "Median", "3Q", "Max"])
    return table.to_string(index=False, float_format="{:.4f}".format)


def _random_table(table: pd.DataFrame) -> str:
    """Show variances and standard deviations to four digits and correlations to two."""
    repeated = table["group"].eq(table["group"].shift())
    shown = pd.DataFrame(
        {
            "Groups": table["group"].mask(repeated, ""),
            "Name": table["term"],
            "Variance": (table["sd"] ** 2).map("{:.4g}".format),
            "Std.Dev.": table["sd"].map("{:.4g}".format),
            "Corr": [" ".join(f"{value:5.2f}" for value in row) for row in table["correlations"]],
        }
    )
    for name in ("Groups", "Name", "Corr"):
        shown[name] = shown[name].str.ljust(shown[name].str.len().max())
    return shown.to_string(index=False, justify="left")


def _counts(fit: MixedFit) -> str:
    """Say how many observations and levels there are."""
    groups = "; ".join(f"{group}, {count}" for group, count in fit.n_groups.items())
    dropped = f" ({fit.n_dropped} left out)" if fit.n_dropped else ""
    return f"Number of obs: {fit.n_observations}{dropped}, groups: {groups}"


def _formatted(table: pd.DataFrame) -> str:
    """Show a table of tests with the digits that a paper prints."""
    formats = {
        "estimate": "{:.5g}".format,
        "se": "{:.4g}".format,
        "df": "{:.2f}".format,
        "den_df": "{:.2f}".format,
        "t": "{:.3f}".format,
        "F": "{:.4f}".format,
        "p": lambda p: "< .0001" if p < 1e-4 else f"{p:.4f}",
    }
    shown = table.rename_axis(None)
    for name, form in formats.items():
        if name in shown:
            shown = shown.assign(**{name: shown[name].map(form)})
    return shown.rename(columns=_HEADINGS).to_string()
