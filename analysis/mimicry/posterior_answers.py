"""What the asymptotic regressions say, in words."""

from __future__ import annotations

import pandas as pd

from analysis.mimicry.conclusions import Answer, three
from analysis.mimicry.posterior import MODEL_NAMES, WITHOUT, Posterior
from analysis.mimicry.posterior_summaries import differences, mimicry
from analysis.models.asymptotic import AsymptoticFit


def mimicry_words(posterior: Posterior, muscle: str) -> str:
    """Say how sure mimicry is in the model that ignores groups; empty where nothing is predicted."""
    table = mimicry(posterior.simplest)
    rows = table[table["muscle"] == muscle] if len(table) else table
    texts = [
        f"asymptotic regression: asymptotes differ by {three(row['mean'])} log units, 95 % HPDI "
        f"{three(row['lower'])} to {three(row['upper'])}, predicted sign with a probability of "
        f"{probability(row['percent_positive'], n_draws(posterior))}{_doubt(posterior.simplest)}"
        for row in rows.to_dict("records")
    ]
    return "; ".join(texts)


def group_words(posterior: Posterior, muscle: str, *, rope: dict[str, float]) -> str:
    """Say how many differences between groups are practically equivalent; empty without groups."""
    if posterior.judgement is None:
        return ""
    table = differences(posterior.main, rope=rope)
    table = table[table["muscle"] == muscle]
    texts = []
    for name, words in (("a", "asymptote"), ("c", "rate")):
        verdicts = table.loc[table["parameter"] == name, "verdict"]
        counts = {verdict: int((verdicts == verdict).sum()) for verdict in ("equivalent", "different")}
        texts.append(
            f"{words}, {counts['equivalent']} of {len(verdicts)} differences equivalent, "
            f"{counts['different']} different"
        )
    return (
        f"posterior intervals against the region of equivalence: {'; '.join(texts)}, the rest "
        f"inconclusive{_doubt(posterior.main)}"
    )


def _doubt(fit: AsymptoticFit) -> str:
    return "" if fit.trustworthy else " (chains are doubtful, see the warnings)"


def comparison_answer(posterior: Posterior, *, judged: str) -> Answer | None:
    """Say which of the nested models predicts best; None without groups.

    Parameters
    ----------
    posterior : Posterior
        With a comparison.
    judged : {"participant", "observation"}
        The criterion that the study goes by.
    """
    if posterior.judgement is None:
        return None
    question = "Which asymptotic regression predicts best?"
    best = preferred_model(posterior, judged=judged)
    if judged == "observation":
        return Answer(
            question,
            _name(best),
            f"{_observation_weights(posterior.comparison)}; {_by_participant(posterior)}",
        )
    judgement = posterior.judgement
    ahead = "" if judgement.clear else ", but not clearly ahead"
    doubt = "" if judgement.trustworthy else " (with caution, see the warnings)"
    evidence = f"{_by_participant(posterior)}; {_observation_weights(posterior.comparison)}"
    return Answer(question, f"{_name(best)}{ahead}{doubt}", evidence)


def preferred_model(posterior: Posterior, *, judged: str) -> str:
    """Name the model that predicts best, by the criterion the study goes by."""
    if posterior.judgement is None or judged == "participant":
        return posterior.judgement.preferred if posterior.judgement else WITHOUT
    return str(posterior.comparison["waic_akaike"].idxmax())


def _name(model: str) -> str:
    name = MODEL_NAMES[model]
    return f"{name[0].lower()}{name[1:]}"


def _by_participant(posterior: Posterior) -> str:
    table = posterior.comparison
    weights = "; ".join(
        f"{row['model']} {row['participant_pseudo_bma']:.2f} ± {row['participant_pseudo_bma_mcse']:.2f}"
        for row in table.reset_index().to_dict("records")
    )
    second = table.index[1]
    behind, error = -table.loc[second, "diff_participant"], table.loc[second, "se_diff_participant"]
    return (
        f"weights by leaving out participants (± Monte-Carlo error): {weights}; the next model is "
        f"{behind:.1f} (SE {error:.1f}) lower in expected log density"
    )


def _observation_weights(table: pd.DataFrame) -> str:
    best = table.reset_index().sort_values("waic_akaike", ascending=False).iloc[0].to_dict()
    return (
        f"by single values as in the paper, the model “{best['model']}” has the WAIC weight "
        f"{best['waic_akaike']:.3f} ± {best['waic_akaike_mcse']:.3f} and the LOO weight "
        f"{best['loo_akaike']:.3f} ± {best['loo_akaike_mcse']:.3f}"
    )


def n_draws(posterior: Posterior) -> int:
    """Count the draws behind a posterior probability."""
    shape = posterior.simplest.posterior["sigma"].shape
    return int(shape[0] * shape[1])


def probability(percent: float, n: int) -> str:
    """Write a posterior probability, which draws can know only to one in their number.

    >>> probability(100.0, 4000), probability(97.32, 4000), probability(0.0, 4000)
    ('more than 99.9 %', '97.3 %', 'less than 0.1 %')
    """
    least = 100 / n
    if percent > 100 - least:
        return f"more than {100 - max(least, 0.1):.1f} %"
    if percent < least:
        return f"less than {max(least, 0.1):.1f} %"
    return f"{percent:.1f} %"
