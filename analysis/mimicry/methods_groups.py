"""The methods paragraphs on groups and on the asymptotic regression."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.mimicry.group_effect import GroupEffect
from analysis.mimicry.parameters import MimicryParameters
from analysis.mimicry.posterior import Posterior

RESPONSE = {
    "means": "each participant's means per muscle, emotion and window",
    "trials": "single trials",
}


def group_methods(parameters: MimicryParameters, effects: Iterable[GroupEffect]) -> str:
    """Say how mimicry was compared between groups; empty without groups."""
    effects = [effect for effect in effects if effect.has_groups]
    if not effects:
        return ""
    slopes = (effects[0].differences["measure"] == "slope").any()
    bound = (
        f"{parameters.equivalence_log_per_s:g} log units per s"
        if slopes
        else f"{parameters.equivalence_log:g} log units"
    )
    mimicry = (
        "the difference between the slopes of time of the two directions"
        if slopes
        else "the difference between the emotions' means in the middle of the epoch"
    )
    texts = [
        f"Mimicry ({mimicry}) was compared between each pair of groups by contrasts of the mixed model, "
        "with p values corrected by Holm's method, by two one-sided tests of equivalence (Lakens, 2017) "
        f"within ±{bound} at a level of {parameters.equivalence_p:g}, and by Bayes factors with a Cauchy "
        "prior of this scale on the difference."
    ]
    if all(effect.simulated for effect in effects):
        texts.append(
            f"The smallest detectable difference (power {100 * parameters.sensitivity_power_p:g} %, "
            f"two-sided 5 %) comes from {parameters.sensitivity_simulations} simulated studies per muscle "
            "with the variances of the fitted model."
        )
    return " ".join(texts)


def posterior_methods(parameters: MimicryParameters, posterior: Posterior | None) -> str:
    """Say how the asymptotic regressions were fitted and compared; empty where there are none."""
    if posterior is None or not posterior.fitted:
        return ""
    texts = [
        f"A Bayesian asymptotic regression was fitted to {RESPONSE[parameters.posterior_data]}: y = a − (a "
        "− b) exp(−exp(c) (t − 1)), where t counts the windows from 1, with the priors of Korb et al. "
        "(2023) and correlated effects of the participants on a, b and c. The exponent is that which makes "
        "b the value at t = 1, as the paper describes it, not as it prints it. Posteriors were sampled by "
        f"NUTS in NumPyro ({parameters.posterior_chains} chains of {draws_in_words(posterior)} draws after "
        f"{parameters.posterior_warmup} of warm-up; seed {parameters.seed}) with the participants' effects "
        "on a and b integrated out, and are given with 95 % highest posterior density intervals."
    ]
    if posterior.judgement is not None:
        judged = {
            "participant": "judged by leaving out whole participants, with their effects integrated out "
            "(pseudo-BMA+ weights); WAIC and PSIS-LOO of single values, as in the paper, are given beside it",
            "observation": "compared by WAIC and PSIS-LOO weights as in the paper; leaving out whole "
            "participants is given beside it",
        }[parameters.comparison]
        texts.append(
            "Four nested models, with effects of the group on asymptote and rate, on one or on neither, "
            f"were {judged}. Differences between groups within ±{parameters.rope_asymptote_log:g} log units "
            f"of the asymptote and ±{parameters.rope_log_rate:g} of the log rate count as practically "
            "equivalent."
        )
    return " ".join(texts)


def draws_in_words(posterior: Posterior) -> str:
    """Give the number of draws per chain; a range where the chains of some models went on."""
    numbers = sorted({fit.diagnostics.n_draws for fit in posterior.fits.values()})
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def unused_by_quick(posterior: Posterior | None, *, quick: bool, has_groups: bool) -> dict[str, str]:
    """Name the parameters of what was left out, and say why.

    Examples
    --------
    >>> sorted(unused_by_quick(None, quick=True, has_groups=True))[:2]
    ['comparison', 'posterior_chains']
    """
    sampler = [
        "posterior_data",
        "posterior_chains",
        "posterior_warmup",
        "posterior_draws",
        "posterior_max_draws",
    ]
    compared = ["comparison", "rope_asymptote_log", "rope_log_rate"]
    simulated = ["sensitivity_power_p", "sensitivity_simulations"]
    by_group = ["follow_up", "follow_up_p", "equivalence_log_per_s", "equivalence_log", "equivalence_p"]
    unused: dict[str, str] = {}
    if not has_groups:
        unused |= dict.fromkeys([*by_group, *simulated, *compared], "there are no groups to compare")
    if quick:
        unused |= dict.fromkeys([*sampler, *compared, *simulated, "seed"], "left out (--quick)")
    elif posterior is not None and not posterior.fitted:
        unused |= dict.fromkeys([*sampler, *compared], "there is no asymptotic regression")
    return unused
