"""An asymptotic regression as ArviZ data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.models.asymptotic_tables import DIMENSIONS

if TYPE_CHECKING:
    from analysis.models.asymptotic_fit import AsymptoticFit

MISSING = (
    "ArviZ data need the package arviz-base, which is not installed here (it needs Python 3.11 or newer): "
    'pip install "countenance[bayes]"'
)

STATISTICS = {
    "diverging": "diverging",
    "n_steps": "n_steps",
    "acceptance": "acceptance_rate",
    "energy": "energy",
    "step_size": "step_size",
}
"""Names of the sampler's statistics here and in ArviZ' schema."""


def to_arviz(fit: AsymptoticFit, *, log_likelihood: Literal["subject", "observation"] | None) -> Any:
    """Convert; see `AsymptoticFit.to_arviz`."""
    try:
        from arviz_base import from_dict
    except ImportError:
        raise ImportError(MISSING) from None
    data = fit.data
    groups: dict[str, dict[str, np.ndarray]] = {
        "posterior": dict(fit.posterior),
        "sample_stats": {STATISTICS[name]: values for name, values in fit.sample_stats.items()},
        "observed_data": {"response": np.where(data.observed, data.mean, np.nan)},
        "constant_data": {"n": data.n, "ss": data.ss, "group": data.group},
    }
    n_draws = fit.posterior["sigma"].size
    if log_likelihood == "subject":
        groups["log_likelihood"] = {"subject": fit.subject_log_likelihood(max_draws=n_draws)}
    elif log_likelihood == "observation":
        groups["log_likelihood"] = {"observation": fit.pointwise_log_likelihood(max_draws=n_draws)}
    coords: dict[str, Any] = {
        "drug_a": list(fit.coords["drug_a"]),
        "drug_c": list(fit.coords["drug_c"]),
        "cell": list(data.cell_names),
        "pair": [f"{':'.join(first)}~{':'.join(second)}" for first, second in fit.coords["pair"]],
        "subject_id": list(data.subjects),
        "time": data.time,
    }
    cube = ["subject_id", "cell", "time"]
    dims = {
        **{
            name: ["subject_id" if dim == "subject" else dim for dim in dims]
            for name, dims in DIMENSIONS.items()
        },
        "response": cube,
        "n": cube,
        "ss": cube,
        "group": ["subject_id"],
        "subject": ["subject_id"],
    }
    attributes = {
        "drug_on": fit.drug_on,
        "formula": fit.formula,
        "seed": fit.seed,
        "groups": list(data.groups),
        "tuning_steps": fit.diagnostics.n_warmup,
        "inference_library": "numpyro",
    }
    return from_dict(groups, coords=coords, dims=dims, attrs={"/": attributes})
