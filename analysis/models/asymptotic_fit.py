"""The posterior of an asymptotic regression, and the questions that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.models.asymptotic_arviz import to_arviz
from analysis.models.asymptotic_data import AsymptoticData
from analysis.models.asymptotic_judgement import SamplerDiagnostics, judge
from analysis.models.asymptotic_likelihood import Formula, start_weight
from analysis.models.asymptotic_marginal import pointwise_log_likelihood, subject_log_likelihood
from analysis.models.asymptotic_predictive import PriorCurves, check_predictions, prior_curves, subject_curves
from analysis.models.asymptotic_priors import AsymptoticPriors
from analysis.models.asymptotic_tables import contrast_table, curve_table, summary_table

DrugOn = Literal["both", "asymptote", "rate", "none"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class AsymptoticFit:
    """Draws from the posterior of an asymptotic regression, and what they say."""

    drug_on: DrugOn
    """What differs between the groups."""
    formula: Formula
    priors: AsymptoticPriors
    data: AsymptoticData
    posterior: dict[str, np.ndarray]
    """(chain, draw, ...): `a` and `c` (drug, cell), with one drug if the groups share them; `sd_a`, `sd_b`,
    `sd_c` (cell); `cor_a`, `cor_b`, `cor_c` (pair of cells); `sigma`; `c_subject` (subject, cell)."""
    coords: dict[str, tuple]
    """Labels of the dimensions: drug_a, drug_c, drug, cell (tuples of levels), pair, subject, time."""
    sample_stats: dict[str, np.ndarray]
    """(chain, draw): diverging, n_steps, acceptance, energy, step_size."""
    diagnostics: SamplerDiagnostics
    seed: int
    _factors: dict[str, np.ndarray]

    def __repr__(self) -> str:
        shape = self.posterior["sigma"].shape
        return f"<AsymptoticFit drug_on={self.drug_on!r}: {shape[0]} chains of {shape[1]} draws>"

    def __str__(self) -> str:
        d = self.diagnostics
        head = (
            f"Asymptotic regression, drug on {self.drug_on}: {self.data.n_subjects} subjects, "
            f"{self.data.n_cells} cells, {len(self.data.time)} times\n"
            f"{d.n_chains} chains of {d.n_draws} draws after {d.n_warmup} of warm-up; "
            f"{d.divergences} divergences, R-hat up to {d.max_rhat:.3f}, "
            f"at least {min(d.min_ess_bulk, d.min_ess_tail):.0f} effective draws\n"
        )
        notes = "".join(f"\nnote: {warning}" for warning in self.warnings)
        return head + self.summary().round(3).to_string() + notes

    @property
    def trustworthy(self) -> bool:
        """True if nothing speaks against the chains; see `warnings` for what does."""
        return not judge(self.diagnostics)

    @property
    def warnings(self) -> list[str]:
        """What a careful reader should know about the chains, the data and the priors, in words."""
        return [*judge(self.diagnostics), *self.data.warnings, *_scale_warnings(self.data, self.priors)]

    def summary(self) -> pd.DataFrame:
        """Describe every parameter of the population.

        Returns
        -------
        pandas.DataFrame
            Index parameter, such as ``a[placebo, CS:HappyToAngry]``; mean, median, sd, q2_5, q97_5,
            hdi_lower, hdi_upper (95 %), mcse (Monte-Carlo error of the mean), rhat, ess_bulk, ess_tail.
        """
        return summary_table(self)

    def draws(self, name: Literal["a", "c"]) -> np.ndarray:
        """Asymptotes or log rates of every group, also where groups share them: (draw, drug, cell)."""
        values = self.posterior[name]
        flat = values.reshape(-1, *values.shape[2:])
        return np.broadcast_to(flat, (len(flat), len(self.data.groups), self.data.n_cells))

    def predict(self, times: np.ndarray | None = None) -> np.ndarray:
        """Curves of the population: those of a subject without effects, which start at 0.

        Parameters
        ----------
        times : numpy.ndarray or None
            (n_times,) in the unit of the data's time; default: those of the data.

        Returns
        -------
        numpy.ndarray
            (draw, drug, cell, time), in the unit of the response.
        """
        times = self.data.time if times is None else np.asarray(times, dtype=float)
        weight = start_weight(self.draws("c"), times, formula=self.formula)
        return self.draws("a")[..., None] * (1 - weight)

    def curves(self, times: np.ndarray | None = None, *, probability: float = 0.95) -> pd.DataFrame:
        """Curves of the population as a table.

        Returns
        -------
        pandas.DataFrame
            drug, the factors of `within`, time, mean, lower, upper (highest-density interval).
        """
        times = self.data.time if times is None else np.asarray(times, dtype=float)
        return curve_table(self, times, probability)

    def drug_contrasts(self, *, reference: str | None = None) -> pd.DataFrame:
        """Differences between groups in asymptotes and log rates, cell by cell.

        Parameters
        ----------
        reference : str or None
            Group that is subtracted from every other; by default all pairs are compared.

        Returns
        -------
        pandas.DataFrame
            parameter ("a", "c"), contrast, the factors of `within`, mean, sd, q2_5, q97_5, prob_direction
            (posterior probability of the likelier sign), mcse.

        Raises
        ------
        ValueError
            If there are no groups, or the model has no differences between them.
        """
        return contrast_table(self, reference)

    def subject_log_likelihood(self, *, n_points: int = 32, max_draws: int = 2000) -> np.ndarray:
        """Log density of each subject's data with all its effects integrated out, for model comparison.

        See `analysis.models.asymptotic_marginal.subject_log_likelihood`, which also returns the error of the
        integration; the seed is the same for all models, so that errors cancel in comparisons.

        Returns
        -------
        numpy.ndarray
            (chain, draw, subject); draws are thinned to `max_draws` over all chains.
        """
        result = subject_log_likelihood(
            self.data, self.parameter_draws, formula=self.formula, n_points=n_points, max_draws=max_draws
        )
        return result.log_likelihood

    def pointwise_log_likelihood(self, *, max_draws: int = 4000) -> np.ndarray:
        """Log density of what each subject showed in each cell at each time, given the subject's effects.

        Returns
        -------
        numpy.ndarray
            (chain, draw, observation) in the order of subject, cell and time; missing ones are left out.
        """
        rng = np.random.default_rng(self.seed)
        return pointwise_log_likelihood(
            self.data, self.parameter_draws, formula=self.formula, max_draws=max_draws, rng=rng
        )

    def subject_curves(
        self, times: np.ndarray | None = None, *, max_draws: int = 400, seed: int = 0
    ) -> np.ndarray:
        """Curves of the subjects themselves; their asymptotes and starts are drawn given all else.

        Returns
        -------
        numpy.ndarray
            (draw, subject, cell, time), in the unit of the response; draws are thinned to `max_draws`.
        """
        times = self.data.time if times is None else np.asarray(times, dtype=float)
        rng = np.random.default_rng(seed)
        return subject_curves(self, times=times, max_draws=max_draws, rng=rng)

    def residuals(self, *, max_draws: int = 400, seed: int = 0) -> np.ndarray:
        """Observed means minus the mean of the subjects' curves, (subject, cell, time); NaN where none."""
        expected = self.subject_curves(max_draws=max_draws, seed=seed).mean(axis=0)
        return np.where(self.data.observed, self.data.mean - expected, np.nan)

    def prior_predictive(
        self, n: int = 100, *, seed: int = 0, times: np.ndarray | None = None
    ) -> PriorCurves:
        """Curves drawn from the prior (Korb et al., Fig. 2B): of a population, of a subject, and values."""
        times = self.data.time if times is None else np.asarray(times, dtype=float)
        rng = np.random.default_rng(seed)
        return prior_curves(self.priors, times=times, n=n, formula=self.formula, rng=rng)

    def posterior_predictive(self, *, max_draws: int = 400, seed: int = 0) -> pd.DataFrame:
        """Check whether the fitted model would make data like those observed.

        Residual statistics compare the data with repetitions by the same subjects; the others with those of
        new subjects of the same groups.

        Returns
        -------
        pandas.DataFrame
            Index statistic; question (in words), observed and replicated (means over the draws), q2_5 and
            q97_5 of the replicated, p (two-sided posterior predictive), conflict (p below .01).
        """
        return check_predictions(self, max_draws=max_draws, rng=np.random.default_rng(seed))

    def to_arviz(self, *, log_likelihood: Literal["subject", "observation"] | None = "subject") -> Any:
        """Convert to ArviZ' labelled data (``xarray.DataTree``).

        Groups posterior, sample_stats, observed_data, constant_data and, unless it is None, log_likelihood:
        of the subjects (as for leave-one-participant-out; takes a while) or of the observations.

        Raises
        ------
        ImportError
            If arviz-base is not installed.
        """
        return to_arviz(self, log_likelihood=log_likelihood)

    @property
    def parameter_draws(self) -> dict[str, np.ndarray]:
        """All that the likelihood needs: `posterior` and the Cholesky factors of the correlations."""
        return self.posterior | self._factors


def _scale_warnings(data: AsymptoticData, priors: AsymptoticPriors) -> list[str]:
    """Whether the response has the unit that the priors are meant for."""
    weights = data.n.sum(axis=0)
    means = (data.n * data.mean).sum(axis=0) / np.where(weights > 0, weights, 1)
    farthest = float(np.abs(means - priors.a_mean).max())
    spread = float(data.mean[data.observed].std())
    if farthest > 4 * priors.a_sd or spread > 10 * max(priors.effect_a_sd, priors.sigma_sd):
        return [
            f"means reach {farthest:.3g} and values vary by {spread:.3g}, but the prior of the asymptotes is "
            f"normal({priors.a_mean:g}, {priors.a_sd:g}): it is meant for the logarithm of a proportion of "
            "baseline; set priors=AsymptoticPriors(...) for another unit"
        ]
    return []
