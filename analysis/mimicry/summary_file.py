"""The machine-readable summary of an analysis."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pandas as pd

from analysis.mimicry.compose_summary import conclude
from analysis.mimicry.doubts import doubts
from analysis.mimicry.group_effect import GroupEffect
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.output import GENERATOR
from analysis.mimicry.posterior_answers import preferred_model
from analysis.mimicry.posterior_summaries import mimicry
from analysis.mimicry.study import MimicryResults
from analysis.report.provenance import versions


def summarise(results: MimicryResults) -> dict[str, Any]:
    """Give the numbers that a program would want of an analysis.

    Returns
    -------
    dict
        Of plain values, ready for JSON: numbers that do not exist are None.
    """
    study, counts = results.study, results.exclusions
    summary: dict[str, Any] = {
        "generated_by": GENERATOR,
        "study": study.name,
        "simulated": study.simulated,
        "preset": results.preset,
        "unblinded": bool(results.group_names),
        "parameters": dataclasses.asdict(results.parameters),
        "versions": versions().set_index("component")["version"].to_dict(),
        "n_participants": len(study.participants),
        "n_recordings": len(study.recordings),
        "unusable_recordings": results.emg.failures,
        "emg": {muscle: _model(model) for muscle, model in results.models.items()},
        "conclusions": [answer._asdict() for answer in conclude(results)],
        "groups": {muscle: _group(effect) for muscle, effect in results.groups.items()},
        "follow_up": {":".join(key): _model(model) for key, model in results.follow_ups.items()},
        "posterior": _posterior(results),
        "emg_means": results.means.to_dict(orient="records"),
        "emg_exclusions": {
            "n_trials": int(counts["n_trials"].sum()),
            "n_excluded": int(counts["n_excluded"].sum()),
            "tests": results.exclusion_tests.to_dict(orient="records"),
        },
        "response_times": {unit: _model(model) for unit, model in results.time_models.items()},
        "response_time_exclusions": {
            "n_trials": int(results.time_exclusions["n_trials"].sum()),
            "n_other_outcome": int(results.time_exclusions["n_outcome"].sum()),
            "n_outliers": int(results.time_exclusions["n_excluded"].sum()),
        },
        "warnings": doubts(results),
    }
    return {key: _plain(value) for key, value in summary.items()}


def _model(model: ModelResult) -> dict[str, Any]:
    if not model.fitted:
        return {"fitted": False, "reason": model.refusal}
    return {
        "fitted": True,
        "formula": model.formula,
        "left_out": list(model.left_out),
        "warnings": list(model.warnings),
        "n_observations": model.n_observations,
        "n_participants": model.n_participants,
        "n_faces": model.n_faces,
        "reml_criterion": model.criterion,
        "anova": _by_term(model.anova),
        "anova_other_origin": _by_term(model.anova_other_origin),
        "anova_middle": _by_term(model.anova_middle),
        "means": model.means.to_dict(orient="records"),
        "differences": model.differences.to_dict(orient="records"),
        "slopes": model.slopes.to_dict(orient="records"),
        "fixed_effects": _by_term(model.fixed_effects),
    }


def _group(effect: GroupEffect) -> dict[str, Any]:
    return {
        "mimicry": effect.mimicry.to_dict(orient="records"),
        "decisive_test": effect.decisive,
        "differences": effect.differences.to_dict(orient="records"),
    }


def _posterior(results: MimicryResults) -> dict[str, Any]:
    posterior = results.posterior
    if posterior is None or not posterior.fitted:
        return {"fitted": False, "reason": posterior.refusal if posterior else "left out (--quick)"}
    judgement = posterior.judgement
    compared: dict[str, Any] = {}
    if judgement is not None:
        compared = {
            "preferred": preferred_model(posterior, judged=results.parameters.comparison),
            "preferred_by_participant": judgement.preferred,
            "clear": judgement.clear,
            "trustworthy": judgement.trustworthy,
            "comparison": posterior.comparison.reset_index().to_dict(orient="records"),
        }
    return {
        "fitted": True,
        "mimicry": mimicry(posterior.simplest).to_dict(orient="records"),
        **compared,
        "models": {
            name: {
                "trustworthy": fit.trustworthy,
                "diagnostics": dataclasses.asdict(fit.diagnostics),
                "parameters": fit.summary().reset_index().to_dict(orient="records"),
            }
            for name, fit in posterior.fits.items()
        },
    }


def _by_term(table: pd.DataFrame) -> dict[str, Any]:
    return {row["term"]: {key: row[key] for key in row if key != "term"} for row in table.to_dict("records")}


def _plain(value: Any) -> Any:
    """Turn numpy's numbers into Python's, and what is no number into None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
