"""Bayesian asymptotic regressions of a mimicry study: four nested models, and which predicts best.

Korb et al. (2023), Bayesian statistics: asymptote and rate differ between groups, or one of them, or neither.

Notes
-----
Differences from the paper:

- Windows are counted from 1 and the curve is ``y = a - (a - b) exp(-exp(c) (t - 1))``, since b is said to be
  the value at t = 1; as printed, without the brackets around t - 1, the curve is elsewhere at t = 1.
- Models are judged by leaving out whole participants in the recommended preset, because groups are between
  participants; WAIC and PSIS-LOO are beside it.
- Participants without a group are left out where the study has groups.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from analysis.mimicry.model_plan import MINIMUM_PER_GROUP
from analysis.mimicry.parameters import MimicryParameters
from analysis.mimicry.summaries import group_labels, participant_means
from analysis.models.asymptotic import AsymptoticFit, fit_asymptotic
from analysis.models.comparison import Judgement, compare_models, judge

WITHOUT = "no group"
"""Name of the model without any effect of the group."""
MODELS = {"full": "both", "asymptote only": "asymptote", "rate only": "rate", WITHOUT: "none"}
"""Name of a model -> what differs between groups in it."""
MODEL_NAMES = {
    "full": "Full",
    "asymptote only": "Effects on the asymptote only",
    "rate only": "Effects on the rate only",
    WITHOUT: "No effect of the group",
}
PACKAGES = ("jax", "numpyro")
INSTALL = (
    'the packages for it are not installed: pip install "countenance[bayes]", or start the analysis with '
    "run.py, which installs them"
)


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """The fitted asymptotic regressions, or the reason why there are none."""

    fits: Mapping[str, AsymptoticFit] = field(default_factory=dict)
    """Name of a model -> its posterior; without groups the one model "no group"."""
    means: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Participants' means, as in Fig. 2C: `participant group muscle emotion window emg n_trials`."""
    comparison: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What `analysis.models.comparison.compare_models` returned; empty without groups."""
    judgement: Judgement | None = None
    """What the comparison says by leaving out participants; None without groups."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    refusal: str = ""
    """Why there are no models; empty where there are."""

    @property
    def fitted(self) -> bool:
        """Whether there are models."""
        return not self.refusal

    @property
    def cautions(self) -> list[str]:
        """What makes the comparison by leaving out participants doubtful, in words."""
        said = self.judgement.sentences[2:] if self.judgement else []
        return [text for text in said if " of single observations: " not in text]

    @property
    def main(self) -> AsymptoticFit:
        """The model with all effects of the group, whose posteriors are shown."""
        return self.fits.get("full", self.fits[WITHOUT])

    @property
    def simplest(self) -> AsymptoticFit:
        """The model that ignores the groups."""
        return self.fits[WITHOUT]


def fit_posterior(
    windows: pd.DataFrame, parameters: MimicryParameters, *, progress: bool = True
) -> Posterior:
    """Fit the asymptotic regressions and compare them.

    Parameters
    ----------
    windows : pandas.DataFrame
        One row per kept trial, muscle and window: `participant`, `group`, `emotion`, `trial`, `muscle`,
        `window` (from 1) and `emg` (natural log of the proportion of baseline).
    parameters : MimicryParameters
        Chains, draws, seed, and whether means or trials are fitted.
    progress : bool
        Whether to show progress bars.

    Returns
    -------
    Posterior
        With a `refusal` where the packages are missing or the data cannot carry a model.
    """
    if any(importlib.util.find_spec(name) is None for name in PACKAGES):
        return Posterior(refusal=INSTALL)
    if windows["window"].nunique() < 2:
        return Posterior(refusal="a curve over time needs two windows at least")
    kept, group, notes = _with_groups(windows)
    if kept["participant"].nunique() < 2:
        return Posterior(refusal="the model needs two participants at least")
    means = participant_means(kept)
    data = means if parameters.posterior_data == "means" else kept.assign(group=group_labels(kept["group"]))
    fits = {
        name: fit_asymptotic(
            data,
            drug_on=on,  # type: ignore[arg-type]
            response="emg",
            time="window",
            subject="participant",
            drug=group,
            within=("muscle", "emotion"),
            chains=parameters.posterior_chains,
            warmup=parameters.posterior_warmup,
            draws=parameters.posterior_draws,
            max_draws=max(parameters.posterior_draws, parameters.posterior_max_draws),
            seed=parameters.seed,
            progress=progress,
        )
        for name, on in MODELS.items()
        if group or name == WITHOUT
    }
    return compared(
        Posterior(fits=fits, means=means, notes=tuple(notes)), seed=parameters.seed, progress=progress
    )


def compared(posterior: Posterior, *, seed: int, progress: bool) -> Posterior:
    """Add the comparison of the models; a single model has nothing to be compared with."""
    if len(posterior.fits) < 2:
        return posterior
    comparison = compare_models(posterior.fits, seed=seed, progress=progress)
    return replace(posterior, comparison=comparison, judgement=judge(comparison))


def _with_groups(windows: pd.DataFrame) -> tuple[pd.DataFrame, str | None, list[str]]:
    """Say whether the group can be a factor, and leave out participants without one where it is."""
    groups = windows.groupby("participant")["group"].first()
    sizes = groups.dropna().value_counts()
    if len(sizes) < 2 or sizes.min() < MINIMUM_PER_GROUP:
        why = "has fewer than two groups" if len(sizes) < 2 else "has groups of one participant"
        return windows, None, [f"There is one model, without the group, since the study {why}."]
    without = sorted(groups.index[groups.isna()])
    note = [f"Participants without a group are left out here: {', '.join(without)}."] if without else []
    return windows[windows["group"].notna()], "group", note
