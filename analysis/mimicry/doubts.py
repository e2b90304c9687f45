"""What a reader must know before the numbers: unusable recordings, lost trials, doubtful models."""

from __future__ import annotations

from analysis.mimicry import figures
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.posterior import Posterior
from analysis.mimicry.study import MimicryResults

MANY_EXCLUDED_PERCENT = 50.0
"""Above this, a participant's excluded trials are worth a warning."""
MUCH_HUM_PERCENT = 80.0
"""Above this part of hum in a raw signal, the recording is worth a warning."""


def doubts(results: MimicryResults) -> list[str]:
    """List everything about the data and the models that a reader must know before the numbers."""
    texts = []
    for participant, reason in results.emg.failures.items():
        texts.append(f"The EMG of participant {participant} was left out, it cannot be used: {reason}")
    texts += [f"{message[0].upper()}{message[1:]}." for message in results.emg.messages]
    if not results.emg.measured:
        texts.append("The study has no EMG: only the response times are analysed.")
    texts += _doubtful_participants(results)
    for model in [*results.models.values(), *results.time_models.values()]:
        name = _model_name(model)
        if model.refusal and (len(results.times.kept) or model.name in results.models):
            texts.append(f"{name}: no mixed model was fitted, only means are shown, because {model.refusal}.")
        texts += [f"{name}: {text}." for text in model.warnings]
    if results.posterior is not None:
        texts += _doubtful_posterior(results.posterior)
    if "z" in results.time_models and len(results.times.kept):
        texts.append(
            "Response times as z-scores within participants have the mean 0 for every participant, so "
            "the model "
            "of the z-scores cannot show a difference between groups; the model in seconds can."
        )
    return texts


def _doubtful_posterior(posterior: Posterior) -> list[str]:
    """Say what makes the asymptotic regressions doubtful, each reason once."""
    if not posterior.fitted:
        return [f"There is no asymptotic regression: {posterior.refusal}."]
    found: dict[str, list[str]] = {}
    for name, fit in posterior.fits.items():
        for text in fit.warnings:
            found.setdefault(text, []).append(name)
    texts = [f"Asymptotic regression ({', '.join(names)}): {text}." for text, names in found.items()]
    if posterior.judgement is not None and not posterior.judgement.trustworthy:
        texts.append(f"Comparison of the asymptotic regressions: {' '.join(posterior.cautions)}")
    return texts


def _doubtful_participants(results: MimicryResults) -> list[str]:
    texts = _missing_trials(results)
    for row in results.exclusions.to_dict(orient="records"):
        muscle = figures.muscle_name(row["muscle"]).lower()
        if MANY_EXCLUDED_PERCENT < row["percent_excluded"] < 100:
            texts.append(
                f"Participant {row['participant']}: {row['n_excluded']} of {row['n_trials']} trials of the "
                f"{muscle} were excluded."
            )
    noise = results.emg.noise
    if len(noise):
        for row in noise[noise["mains_percent"] > MUCH_HUM_PERCENT].to_dict(orient="records"):
            texts.append(
                f"Participant {row['participant']}: {row['mains_percent']:.0f} % of the power of the "
                f"{figures.muscle_name(row['muscle']).lower()} signal is hum from the mains (before "
                "the filter)."
            )
    return texts


def _missing_trials(results: MimicryResults) -> list[str]:
    """Compare the numbers of trials where a participant has both EMG and behavioural data."""
    emg = results.exclusions.groupby("participant")["n_trials"].max()
    behaviour = results.time_exclusions.set_index("participant")["n_trials"]
    both = sorted(set(emg.index) & set(behaviour.index))
    return [
        f"Participant {each}: the EMG has {emg[each]} trials, the behavioural data have {behaviour[each]}."
        for each in both
        if emg[each] != behaviour[each]
    ]


def _model_name(model: ModelResult) -> str:
    names = {"response_time": "Response times", "response_time_z": "Response times (z-scores)"}
    return names.get(model.name) or figures.muscle_name(model.name)
