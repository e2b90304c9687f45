"""Make diagnostics_arviz.json: draws of several kinds and what arviz-stats says of them.

Run in an environment of its own (``pip install arviz-stats==0.8.0``; the suite does not need it)::

    python make_diagnostics.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.signal import lfilter


def autoregressive(rng: np.random.Generator, shape: tuple[int, ...], coefficient: float) -> np.ndarray:
    noise = rng.normal(size=shape)
    return lfilter([np.sqrt(1 - coefficient**2)], [1, -coefficient], noise, axis=1)


def cases() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(20230608)
    shifted = rng.normal(size=(4, 60, 1))
    shifted[0] += 1
    wider = rng.normal(size=(4, 60, 1))
    wider[3] *= 4
    return {
        "independent": rng.normal(size=(4, 100, 2)),
        "autocorrelated": autoregressive(rng, (4, 250, 3), 0.9),
        "antithetic": autoregressive(rng, (4, 80, 2), -0.7),
        "odd_number_heavy_tails": rng.standard_cauchy(size=(4, 61, 2)),
        "one_chain": autoregressive(rng, (1, 101, 2), 0.5),
        "one_chain_elsewhere": shifted,
        "one_chain_wider": wider,
        "ties": rng.poisson(2, size=(3, 50, 2)).astype(float),
        "small": rng.normal(size=(4, 40, 1)) * 1e-4 + 1e-3,
        "eight_draws": rng.normal(size=(2, 8, 3)),
    }


def described(draws: np.ndarray) -> dict[str, list | float]:
    from arviz_stats.base import array_stats  # here, because the tests import every module

    axes = {"chain_axis": 0, "draw_axis": 1}
    flat = draws.reshape(-1, draws.shape[2])
    # arviz-stats 0.8.0 takes the effective sample size of the mean for the error of an sd; with that of the
    # squared deviations (method "sd"), as in R's posterior, the same formula reads:
    squares = (flat - flat.mean(axis=0)) ** 2
    variance = squares.mean(axis=0)
    spread = (squares**2).mean(axis=0) - variance**2
    ess_sd = array_stats.ess(draws, **axes, method="sd")
    result = {
        "ess_bulk": array_stats.ess(draws, **axes, method="bulk"),
        "ess_tail": array_stats.ess(draws, **axes, method="tail", prob=0.95),
        "ess_mean": array_stats.ess(draws, **axes, method="mean"),
        "mcse_mean": array_stats.mcse(draws, **axes, method="mean"),
        "mcse_sd": np.sqrt(spread / ess_sd / variance / 4),
        "mcse_quantile_05": array_stats.mcse(draws, **axes, method="quantile", prob=0.05),
        "mcse_quantile_50": array_stats.mcse(draws, **axes, method="quantile", prob=0.5),
        "ebfmi": array_stats.bfmi(draws[:, :, 0], **axes),
        "hdi_80": array_stats.hdi(flat, prob=0.8, axis=0).T,
    }
    if len(draws) > 1:  # arviz-stats gives none for one chain
        result["rhat"] = array_stats.rhat(draws, **axes)
    return {name: np.asarray(value).tolist() for name, value in result.items()}


def main() -> None:
    reference = {}
    for name, draws in cases().items():
        rounded = np.array([float(f"{value:.6g}") for value in draws.ravel()]).reshape(draws.shape)
        reference[name] = {"draws": rounded.tolist(), "arviz": described(rounded)}
    path = Path(__file__).with_name("diagnostics_arviz.json")
    path.write_text(json.dumps(reference, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
