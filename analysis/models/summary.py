"""A fitted mixed model in words, in the order in which lme4's readers expect it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from analysis.models.mixed import MixedFit


def summary(fit: MixedFit) -> str:
    """Describe a fit: method, random effects, fixed effects, type III tests, warnings."""
    method = "restricted maximum likelihood" if fit.reml else "maximum likelihood"
    criterion = "REML criterion" if fit.reml else "-2 log likelihood"
    groups = "; ".join(f"{group}, {count}" for group, count in fit.n_groups.items())
    dropped = f" ({fit.n_dropped} left out)" if fit.n_dropped else ""
    parts = [
        f"Linear mixed model fitted by {method}; tests with Satterthwaite's degrees of freedom",
        f"Formula: {fit.formula}",
        f"{criterion}: {fit.criterion:.4f}   AIC: {fit.aic:.1f}   BIC: {fit.bic:.1f}",
        "",
        "Random effects:",
        _random_table(fit.random_effects),
        f"Observations: {fit.n_observations}{dropped}; groups: {groups}",
        "",
        "Fixed effects:",
        _formatted(fit.fixed_effects),
    ]
    tests = fit.anova()
    if len(tests):
        parts += ["", "Type III tests:", _formatted(tests)]
    if fit.warnings:
        parts += ["", "Warnings:", *(f"- {warning}" for warning in fit.warnings)]
    return "\n".join(parts)


def _random_table(table: pd.DataFrame) -> str:
    """Show standard deviations to four digits and correlations to two."""
    shown = table.assign(
        sd=table["sd"].map("{:.4g}".format),
        correlations=[" ".join(f"{value:5.2f}" for value in row) for row in table["correlations"]],
    )
    return shown.to_string(index=False)


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
    used = {name: form for name, form in formats.items() if name in table}
    return table.rename_axis(None).to_string(formatters=used)
