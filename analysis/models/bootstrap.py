"""Parametric bootstrap of a mixed model: studies like the fitted one, simulated and fitted again.

New random effects and new residuals are drawn each time, as lme4's ``bootMer`` does by default.

References
----------
Davison & Hinkley (1997), Bootstrap methods and their application, section 5.2: percentile and basic
intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.models.intervals import chosen, estimates_of, interval_table, parameters_of
from analysis.models.multiplicity import check_level
from analysis.models.processes import check_generator, in_processes

if TYPE_CHECKING:
    from analysis.models.mixed import MixedFit

Kind = Literal["percentile", "basic"]
_BATCH = 10
"""Simulated studies that a process fits at a time."""


@dataclass(frozen=True)
class Bootstrap:
    """Parameters of many simulated studies."""

    fit: MixedFit
    replicates: pd.DataFrame
    """One row per study that could be fitted, one column per parameter. A correlation is NaN where a standard
    deviation is zero."""
    n_failed: int
    """Studies whose fit failed or was not certified: they are left out."""
    n_singular: int
    """Studies with a singular fit: they count."""

    def intervals(
        self, *, level: float = 0.95, kind: Kind = "percentile", parameters: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return confidence intervals.

        Parameters
        ----------
        level : float
            Confidence level of each interval.
        kind : {"percentile", "basic"}
            Quantiles of the replicates, or these reflected at the estimate, which corrects for bias but may
            leave the range of a parameter.
        parameters : sequence of str, optional
            As in `analysis.models.intervals.wald_intervals`.

        Returns
        -------
        pandas.DataFrame
            Index parameter; effect, group, term, estimate, lower, upper, and how many replicates were used,
            failed, and were singular.
        """
        check_level(level)
        if kind not in {"percentile", "basic"}:
            raise ValueError(f"kind should be 'percentile' or 'basic'; got {kind!r}")
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        if len(self.replicates) * tails[0] < 1:
            raise ValueError(
                f"{len(self.replicates)} replicates are too few for a {100 * level:g} % interval: "
                f"{int(np.ceil(1 / tails[0]))} at least, some thousands for a paper"
            )
        positions = chosen(self.fit, parameters)
        limits = np.full((len(positions), 2), np.nan)
        for row, place in enumerate(positions):
            values = self.replicates.iloc[:, place].dropna().to_numpy()
            if len(values):
                limits[row] = np.quantile(values, tails, method="weibull")
        if kind == "basic":
            limits = 2 * estimates_of(self.fit)[positions, None] - limits[:, ::-1]
        table = interval_table(self.fit, positions, limits)
        used = self.replicates.iloc[:, positions].notna().sum().to_numpy()
        return table.assign(replicates=used, failed=self.n_failed, singular=self.n_singular)


def bootstrap(
    fit: MixedFit,
    *,
    n_replicates: int,
    rng: np.random.Generator,
    n_processes: int = 1,
    progress: bool = True,
) -> Bootstrap:
    """Simulate studies from a fit, and fit the same model to each.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    n_replicates : int
        Number of simulated studies.
    rng : numpy.random.Generator
        Source of randomness; the same one gives the same replicates with any number of processes.
    n_processes : int
        See `analysis.models.processes.in_processes`; a script needs ``if __name__ == "__main__":`` for more
        than one.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ValueError
        If no study could be fitted.
    """
    check_generator(rng)
    if n_replicates < 1:
        raise ValueError(f"n_replicates should be 1 or more; got {n_replicates}")
    seeds = rng.integers(0, 2**63, size=n_replicates)
    batches = [seeds[start : start + _BATCH] for start in range(0, n_replicates, _BATCH)]
    done: list[np.ndarray] = []
    with tqdm(total=n_replicates, desc="Bootstrap", unit="study", disable=not progress, leave=False) as bar:
        for part in in_processes(_refitted, fit, batches, n_processes=n_processes):
            done.append(part)
            bar.update(len(part))
    everything = np.concatenate(done)
    succeeded = ~np.isnan(everything[:, 0])
    if not succeeded.any():
        raise ValueError(f"none of {n_replicates} simulated studies could be fitted: simplify the model")
    names = pd.Index([parameter.name for parameter in parameters_of(fit)], name="parameter")
    return Bootstrap(
        fit=fit,
        replicates=pd.DataFrame(everything[succeeded, 1:], columns=names),
        n_failed=int((~succeeded).sum()),
        n_singular=int(everything[succeeded, 0].sum()),
    )


def _refitted(fit: MixedFit, seeds: np.ndarray) -> np.ndarray:
    """Return, for one study per seed, whether its fit is singular, and its parameters; NaN if it failed."""
    rows = np.full((len(seeds), 1 + len(parameters_of(fit))), np.nan)
    for row, seed in zip(rows, seeds, strict=True):
        try:
            again = fit.refit(fit.simulate(1, rng=np.random.default_rng(seed))[0])
        except (ValueError, np.linalg.LinAlgError):
            continue
        if again.converged:
            row[0], row[1:] = again.singular, estimates_of(again)
    return rows
