"""The methods paragraphs of a report, written from the parameters and the models that were really used."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.mimicry.emotions import emotion_noun
from analysis.mimicry.figures import muscle_name
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.parameters import MimicryParameters

REFERENCE = (
    "Korb, S., Clarke, A., Massaccesi, C., Willeit, M., & Silani, G. (2023). Facial mimicry is not "
    "modulated by "
    "dopamine D2/3 and opioid receptor antagonism. Psychopharmacology. "
    "https://doi.org/10.1007/s00213-023-06426-3"
)


def response_time_methods(
    parameters: MimicryParameters, models: Mapping[str, ModelResult], *, n_outliers: int, n_judged: int
) -> str:
    """Say how the response times were analysed.

    Parameters
    ----------
    parameters : MimicryParameters
        What the analysis used.
    models : mapping
        Unit ("s" or "z") -> fitted model.
    n_outliers, n_judged : int
        Trials excluded as outliers, and trials that the rule looked at.
    """
    share = f" ({100 * n_outliers / n_judged:.2f} % of {n_judged} trials)" if n_judged else ""
    outcomes = " or ".join(f'"{outcome}"' for outcome in parameters.response_outcomes)
    sentences = [
        f"Response times were taken from trials with the outcome {outcomes}. Trials whose response time was "
        f"further than {parameters.response_outlier_sd:g} SD from the participant's mean were "
        f"excluded{share}."
    ]
    units = {"s": "in seconds", "z": "as z-scores within each participant"}
    analysed = " and ".join(units[unit] for unit in models)
    formulas = list(dict.fromkeys(model.formula for model in models.values() if model.fitted))
    if formulas:
        sentences.append(f"They were analysed {analysed} with {_model_words(formulas)}.")
    return " ".join(sentences)


def emg_methods(parameters: MimicryParameters, noise: pd.DataFrame, *, percent_excluded: float) -> list[str]:
    """Say how the EMG was pre-processed.

    Parameters
    ----------
    parameters : MimicryParameters
        What the analysis used.
    noise : pandas.DataFrame
        One row per participant and muscle with `fs_hz` and `signal` ("raw" or "rectified").
    percent_excluded : float
        Excluded trials, over all participants and muscles.
    """
    return [
        f"{_recorded(noise)} {_filtered(parameters, noise)}",
        f"{_epoched(parameters)} {_excluded(parameters, percent_excluded)} {_transformed(parameters)}",
    ]


def model_methods(parameters: MimicryParameters, models: Mapping[str, ModelResult]) -> str:
    """Say how the log EMG was modelled."""
    fitted = {muscle: model for muscle, model in models.items() if model.fitted}
    if not fitted:
        return ""
    muscles = " and ".join(muscle_name(muscle).lower() for muscle in fitted)
    formulas = list(dict.fromkeys(model.formula for model in fitted.values()))
    has_time = any("time" in formula for formula in formulas)
    return (
        f"The log EMG of the {muscles} was analysed with {_model_words(formulas)}, one model per "
        f"muscle, fitted by restricted maximum likelihood. Factors have {contrast_words(parameters)} "
        "contrasts; tests are type III with Satterthwaite's degrees of "
        f"freedom{', ' + origin_words(parameters) if has_time else ''}. "
        f"{_pair_words(fitted)}"
    )


def _pair_words(models: Mapping[str, ModelResult]) -> str:
    """Say how p values were corrected."""
    if not any(len(model.differences) for model in models.values()):
        return "The p values are not corrected for the number of tests."
    emotions = next(model.means["emotion"] for model in models.values() if len(model.means))
    return (
        f"Pairs of {emotion_noun(emotions)}s were compared by their estimated marginal means in the middle "
        "of the epoch, with p values as they are and corrected for the number of pairs by Holm's method; the "
        "other p values are not corrected for the number of tests."
    )


def contrast_words(parameters: MimicryParameters) -> str:
    """Name the coding of the factors."""
    return "sum-to-zero" if parameters.factor_contrasts == "sum" else "treatment"


def origin_words(parameters: MimicryParameters) -> str:
    """Say where time is zero in the models."""
    origin = parameters.time_origin_window
    if origin == 0:
        return "and time counts the windows from 1, in seconds, so that its zero lies before the first window"
    return f"and time is in seconds from the middle of window {origin:g}"


def _model_words(formulas: list[str]) -> str:
    word = "a linear mixed-effects model" if len(formulas) == 1 else "linear mixed-effects models"
    return f"{word}: {'; '.join(formulas)}"


def _recorded(noise: pd.DataFrame) -> str:
    n_participants = noise["participant"].nunique()
    rates = " or ".join(f"{rate:g}" for rate in sorted(noise["fs_hz"].unique()))
    plural = "participant was" if n_participants == 1 else "participants was"
    return f"The EMG of {n_participants} {plural} sampled at {rates} Hz."


def _filtered(parameters: MimicryParameters, noise: pd.DataFrame) -> str:
    low_hz, high_hz = parameters.bandpass_hz
    multiples = f" and its multiples up to {high_hz:g} Hz" if parameters.notch_harmonics else ""
    phase = {"causal": "forward only", "zero": "forward and backward, without delay"}[parameters.filter_phase]
    filtered = (
        f"Signals were filtered with a band-pass of {low_hz:g} to {high_hz:g} Hz and a notch at "
        f"{parameters.mains_hz:g} Hz{multiples} ({parameters.notch_width_hz:g} Hz wide), rectified, "
        f"and smoothed with a low-pass of {parameters.smoothing_hz:g} Hz (Butterworth filters of "
        f"order {parameters.filter_order} per pass, run {phase})."
    )
    signals = set(noise["signal"])
    if signals == {"raw"}:
        return filtered
    smoothed = noise["fs_hz"].min() > 2 * parameters.smoothing_hz
    what = f"only smoothed ({parameters.smoothing_hz:g} Hz low-pass)" if smoothed else "not filtered further"
    already = f"Channels that the recorder had already rectified were {what}."
    return already if "raw" not in signals else f"{filtered} {already}"


def _epoched(parameters: MimicryParameters) -> str:
    baseline_s = parameters.baseline_s
    return (
        f"Epochs from {baseline_s:g} s before to {parameters.epoch_s:g} s after stimulus onset were "
        f"expressed as a percentage of the baseline, the mean of the {1000 * baseline_s:g} ms before "
        "onset."
    )


def _excluded(parameters: MimicryParameters, percent_excluded: float) -> str:
    join = {"either": "or", "both": "and"}[parameters.outlier_combination]
    scale = {"log": "on a logarithmic scale", "percent": "on the plain scale"}[parameters.outlier_scale]
    return (
        f"Trials whose mean {join} peak lay more than {parameters.outlier_sd:g} SD from that "
        f"participant's and muscle's average ({scale}) were removed, and likewise trials with an "
        "outlying baseline, as were trials without a usable signal; this excluded "
        f"{percent_excluded:.1f} % of all trials (each muscle counted by itself)."
    )


def _transformed(parameters: MimicryParameters) -> str:
    return (
        f"The rest was averaged in {parameters.n_windows} windows of {parameters.window_s:g} s, "
        "converted to the proportion of baseline, and its natural logarithm taken, so that 0 is the "
        "baseline."
    )
