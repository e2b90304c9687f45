"""What a study could have found: power and smallest detectable effects, by simulation from a mixed model.

Studies like the one at hand are simulated: the same participants, stimuli and rows, new random effects and
residuals with the variances of the fit. Each is fitted again, and the errors of the contrasts of interest are
kept with their standard errors and degrees of freedom. This is done once for all sizes of the effect: adding
a combination of the fixed-effects columns to a response moves the estimates by what was added and changes
nothing else, so that the test of a study with any effect follows from the error of one.

The variances are those that were estimated, as if they were known. The power to find the effect that *was*
estimated ("observed power") says nothing that its p value does not say, and is not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from tqdm import tqdm

from analysis.models.contrasts import as_names, weight_matrix
from analysis.models.mixed import MixedFit
from analysis.models.processes import in_processes
from analysis.models.trends import slope_contrasts
from analysis.workers import available_cores

Seeds = Sequence[np.random.SeedSequence]
N_SIMULATIONS = 300
"""Standard error of a power of 80 %: 2.3 percentage points."""
BATCH = 10
"""Simulated studies per task of a process, and per step of the progress bar."""
FEW_SECONDS = 6.0
"""Expected time below which starting processes costs more than they save."""


@dataclass(frozen=True, eq=False)
class SimulatedTests:
    """Tests of contrasts in simulated studies."""

    names: pd.Index
    """What each contrast is called."""
    errors: np.ndarray
    """(n_simulations, n_contrasts): estimate minus true value."""
    se: np.ndarray
    """(n_simulations, n_contrasts)"""
    df: np.ndarray
    """(n_simulations, n_contrasts)"""
    n_uncertain: int
    """Simulated studies whose fit was not certified as converged; they count like the others."""
    seed: int

    @property
    def n_simulations(self) -> int:
        """Number of simulated studies."""
        return len(self.errors)

    def power(self, effects: npt.ArrayLike, *, alpha: float = 0.05) -> pd.DataFrame:
        """Return the share of studies in which an effect of given size is found (two-sided t test).

        Parameters
        ----------
        effects : array_like
            True values of every contrast, in its unit; one or several.
        alpha : float
            Level of the test.

        Returns
        -------
        pandas.DataFrame
            One row per contrast and effect: `contrast effect power se` (simulation error of the power).
        """
        self._check_alpha(alpha)
        rows = [
            (name, float(effect), *_share(self._found(column, effect, alpha)))
            for column, name in enumerate(self.names)
            for effect in np.atleast_1d(np.asarray(effects, dtype=float))
        ]
        return pd.DataFrame(rows, columns=["contrast", "effect", "power", "se"])

    def smallest_detectable(self, *, power: float = 0.8, alpha: float = 0.05) -> pd.DataFrame:
        """Return the effect that is found with this power.

        Parameters
        ----------
        power : float
            Share of studies that should find the effect.
        alpha : float
            Level of the two-sided t test.

        Returns
        -------
        pandas.DataFrame
            One row per contrast: `contrast power effect lower upper`: the size of the effect, and the 95 %
            interval of its simulation error.

        Raises
        ------
        ValueError
            If the power is not between alpha and 1.
        """
        self._check_alpha(alpha)
        if not alpha < power < 1:
            raise ValueError(f"power should be between alpha ({alpha}) and 1, got {power}")
        rows = []
        for column, name in enumerate(self.names):
            needed = self._needed(column, alpha)
            shares = stats.binom.ppf([0.025, 0.975], self.n_simulations, power) / self.n_simulations
            effects = np.quantile(needed, [power, *shares])
            rows.append((name, power, *map(float, effects)))
        return pd.DataFrame(rows, columns=["contrast", "power", "effect", "lower", "upper"])

    def equivalence_power(self, bounds: npt.ArrayLike, *, alpha: float = 0.05) -> pd.DataFrame:
        """Return the share of studies without any effect that would have shown equivalence.

        Parameters
        ----------
        bounds : array_like
            Bounds of equivalence (each is used as minus and plus), in the unit of the contrasts.
        alpha : float
            Level of each one-sided test.

        Returns
        -------
        pandas.DataFrame
            One row per contrast and bound: `contrast bound power se`.
        """
        self._check_alpha(alpha)
        reach = np.abs(self.errors) + stats.t.ppf(1 - alpha, self.df) * self.se
        rows = [
            (name, float(bound), *_share(reach[:, column] < bound))
            for column, name in enumerate(self.names)
            for bound in np.atleast_1d(np.asarray(bounds, dtype=float))
        ]
        return pd.DataFrame(rows, columns=["contrast", "bound", "power", "se"])

    def _check_alpha(self, alpha: float) -> None:
        if not 0 < alpha < 0.5:
            raise ValueError(f"alpha should be between 0 and 0.5, such as 0.05; got {alpha}")

    def _found(self, column: int, effect: float, alpha: float) -> np.ndarray:
        t = (self.errors[:, column] + effect) / self.se[:, column]
        return np.abs(t) > stats.t.isf(alpha / 2, self.df[:, column])

    def _needed(self, column: int, alpha: float) -> np.ndarray:
        """Return, per study, how large a positive effect must be to be found on its side of zero.

        The sign of an error is arbitrary, so that every study counts with both.
        """
        limit = stats.t.isf(alpha / 2, self.df[:, column]) * self.se[:, column]
        return np.concatenate([limit - self.errors[:, column], limit + self.errors[:, column]])


def simulate_tests(
    fit: MixedFit,
    contrasts: pd.DataFrame,
    *,
    seed: int,
    n_simulations: int = N_SIMULATIONS,
    n_processes: int | None = None,
    progress: bool = True,
) -> SimulatedTests:
    """Simulate studies like the fitted one, and test contrasts in each.

    Parameters
    ----------
    fit : MixedFit
        The model of the study; its variances are taken for true.
    contrasts : pandas.DataFrame
        One row per contrast, its index names them; one weight per fixed effect, as `slope_differences` makes
        them and ``fit.contrasts`` takes them.
    seed : int
        The same seed gives the same studies, whatever the number of processes.
    n_simulations : int
        Number of studies.
    n_processes : int, optional
        As many as there are processor cores by default, and one where that takes seconds only. More than one
        needs a main module that can be imported (``if __name__ == "__main__":``).
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    SimulatedTests
        Ask it for `power`, `smallest_detectable` and `equivalence_power`.

    Raises
    ------
    ValueError
        If there are fewer than 20 simulations, or the contrasts do not fit the model.
    """
    if n_simulations < 20:
        raise ValueError(f"{n_simulations} simulated studies are too few to speak of power: 20 at least")
    contrasts = pd.DataFrame(contrasts)
    weights = weight_matrix(contrasts, list(fit.fixed_effects.index))
    if not np.isfinite(weights).all():
        raise ValueError("a contrast has weights that are not numbers: the data cannot tell what it compares")
    seeds = np.random.SeedSequence(seed).spawn(n_simulations)
    batches = [seeds[start : start + BATCH] for start in range(0, n_simulations, BATCH)]
    n_workers = _workers(fit, n_simulations) if n_processes is None else n_processes
    with tqdm(
        total=n_simulations, desc="Simulated studies", unit="study", disable=not progress, leave=False
    ) as bar:
        done = []
        for part in in_processes(_tested, (fit, weights), batches, n_processes=n_workers):
            done.append(part)
            bar.update(len(part))
    tests = np.concatenate(done)
    return SimulatedTests(
        names=contrasts.index,
        errors=tests[:, 0],
        se=tests[:, 1],
        df=tests[:, 2],
        n_uncertain=int((tests[:, 3] == 0).any(axis=1).sum()),
        seed=seed,
    )


def power(
    fit: MixedFit,
    contrasts: pd.DataFrame,
    effects: npt.ArrayLike,
    *,
    seed: int,
    alpha: float = 0.05,
    n_simulations: int = N_SIMULATIONS,
) -> pd.DataFrame:
    """Return the power to find effects of given sizes; see `SimulatedTests.power`.

    Examples
    --------
    >>> from analysis.models.mixed import fit_mixed
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"subject": np.repeat(np.arange(20), 12), "emotion": ["angry", "happy"] * 120})
    >>> data["emg"] = rng.normal(0, 0.4, 240) + rng.normal(0, 0.5, 20)[data.subject]
    >>> fit = fit_mixed("emg ~ emotion + (1|subject)", data)
    >>> difference = pd.DataFrame([[0, 2]], index=["angry - happy"], columns=fit.fixed_effects.index)
    >>> table = power(fit, difference, [0.0, 0.3], seed=1, n_simulations=100)
    >>> bool(table["power"].iloc[0] < 0.1), bool(table["power"].iloc[1] > 0.9)
    (True, True)
    """
    simulated = simulate_tests(fit, contrasts, seed=seed, n_simulations=n_simulations)
    return simulated.power(effects, alpha=alpha)


def smallest_detectable(
    fit: MixedFit,
    contrasts: pd.DataFrame,
    *,
    seed: int,
    power: float = 0.8,
    alpha: float = 0.05,
    n_simulations: int = N_SIMULATIONS,
) -> pd.DataFrame:
    """Return the smallest effects that the study could find; see `SimulatedTests.smallest_detectable`."""
    simulated = simulate_tests(fit, contrasts, seed=seed, n_simulations=n_simulations)
    return simulated.smallest_detectable(power=power, alpha=alpha)


def slope_differences(fit: MixedFit, variable: str, *, between: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return the contrasts that are differences between slopes, for instance of two groups.

    Parameters
    ----------
    fit : MixedFit
        A model with the variables in its fixed effects.
    variable : str
        Numeric variable, for instance time.
    between : str
        Factor whose levels are compared, each pair, the first minus the second.
    by : sequence of str
        Factors within whose levels they are compared; others are averaged over.

    Returns
    -------
    pandas.DataFrame
        One row per pair and cell of `by`, named like "HappyToAngry: A - B"; a weight per fixed effect.
    """
    by = as_names(by)
    if not isinstance(between, str):
        raise ValueError(f"between should name one factor; got {between!r}")
    cells, weights = slope_contrasts(fit._model.fixed, variable, [*by, between], {})
    rows: dict[str, np.ndarray] = {}
    for cell, part in cells.groupby(list(by), observed=True, sort=False) if by else [((), cells)]:
        where = ", ".join(map(str, cell if isinstance(cell, tuple) else (cell,)))
        for first, second in combinations(part.index, 2):
            pair = f"{part.loc[first, between]} - {part.loc[second, between]}"
            rows[f"{where}: {pair}" if where else pair] = weights[first] - weights[second]
    return pd.DataFrame.from_dict(rows, orient="index", columns=fit.fixed_effects.index)


def _share(found: np.ndarray) -> tuple[float, float]:
    """Return a share and its standard error, which is not zero for a share of 0 or 1 (Agresti-Coull)."""
    n, share = len(found), float(found.mean())
    safe = (found.sum() + 2) / (n + 4)
    return share, float(np.sqrt(safe * (1 - safe) / (n + 4)))


def _tested(study: tuple[MixedFit, np.ndarray], seeds: Seeds) -> np.ndarray:
    """Simulate and fit one study per seed: error, se, df, certified, (n_seeds, 4, n_contrasts)."""
    fit, weights = study
    truth = weights @ fit.fixed_effects["estimate"].to_numpy()
    results = []
    for seed in seeds:
        again = fit.refit(fit.simulate(1, rng=np.random.default_rng(seed))[0])
        table = again.contrasts(weights)
        certified = np.full(len(weights), float(again.converged))
        results.append([table["estimate"] - truth, table["se"], table["df"], certified])
    return np.array(results)


def _workers(fit: MixedFit, n_simulations: int) -> int:
    """Return 1 where the simulation is short, else the number of cores."""
    seconds = n_simulations * (0.01 + 1e-6 * fit.n_observations)
    return 1 if seconds < FEW_SECONDS else min(available_cores(), 8)
