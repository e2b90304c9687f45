"""The analysis of a mimicry study, step by step as "Analyses" of Korb et al. (2023) reads.

Notes
-----
Differences from the paper, beside those that `parameters.py` and `analysis.emg.preprocessing` list:

- Terms of the mixed models that a study cannot carry are left out, each with its reason (`model_plan.py`).
- Groups are categories in the tests of the numbers of excluded trials. (The paper prints F(1, 128) for three
  groups, which is what comes out when the group's code is taken for a number.)
- Response times are analysed in seconds as well where the preset asks for z-scores, since z-scores within
  participants have no differences between participants, and so none between groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from analysis.behaviour.response_times import ResponseTimes, count_response_exclusions, select_response_times
from analysis.datasets import Study, read_behaviour
from analysis.emg.exclusions import compare_exclusions, count_exclusions
from analysis.mimicry.figures import ordered_muscles
from analysis.mimicry.group_effect import GroupEffect, judge_group
from analysis.mimicry.model_fit import ModelResult, fit_plan
from analysis.mimicry.model_plan import plan_emg_model, plan_response_model
from analysis.mimicry.parameters import MimicryParameters
from analysis.mimicry.participants import StudyEMG, process_participants
from analysis.mimicry.posterior import Posterior, fit_posterior
from analysis.mimicry.summaries import group_means, participant_means


@dataclass(frozen=True, kw_only=True)
class MimicryResults:
    """Everything the report shows."""

    study: Study
    parameters: MimicryParameters
    preset: str
    group_names: dict[str, str]
    """Code of a group -> its name; empty while the analysis is blind."""
    emg: StudyEMG
    means: pd.DataFrame
    """Figure 1: `muscle emotion group window n mean sem`."""
    models: dict[str, ModelResult]
    """Muscle -> mixed model of its log EMG."""
    exclusions: pd.DataFrame
    """`participant group muscle n_trials n_excluded percent_excluded` and a count per rule."""
    exclusion_tests: pd.DataFrame
    """`muscle F num_df den_df p`."""
    times: ResponseTimes
    time_exclusions: pd.DataFrame
    time_exclusion_test: pd.DataFrame
    time_models: dict[str, ModelResult]
    """Unit ("s" or "z") -> mixed model of the response times."""
    groups: dict[str, GroupEffect] = field(default_factory=dict)
    """Muscle -> mimicry, and what the groups do to it."""
    follow_ups: dict[tuple[str, str], ModelResult] = field(default_factory=dict)
    """Muscle and emotion -> mixed model of this emotion alone."""
    posterior: Posterior | None = None
    """The asymptotic regressions; None where they were left out."""
    quick: bool = False
    """Whether what takes minutes was left out."""


def analyse_study(
    study: Study,
    parameters: MimicryParameters,
    *,
    preset: str,
    group_names: dict[str, str] | None = None,
    quick: bool = False,
) -> MimicryResults:
    """Analyse the response times and the facial EMG of a study.

    Parameters
    ----------
    study : Study
        What `analysis.datasets.read_study` returned.
    parameters : MimicryParameters
        A preset, changed or not.
    preset : str
        Name of the preset, for the report.
    group_names : dict, optional
        Code of a group -> its name, to unblind.
    quick : bool
        Whether to leave out what takes minutes: the asymptotic regressions, and the simulated studies for the
        smallest detectable effect.

    Raises
    ------
    ValueError
        If nothing can be analysed: no participant has trials, or every EMG recording is unusable.
    """
    # Response times: outliers beyond 2 SD of the participant's mean; emotion and group
    behaviour = _named_groups(read_behaviour(study), group_names)
    times = _response_times(behaviour, parameters)
    time_models = {
        unit: _model_response_times(times, parameters, unit=unit) for unit in _time_units(parameters)
    }
    time_counts = count_response_exclusions(times)

    # Facial EMG: filters, epochs, percentage of baseline, outlier trials, log, five windows
    emg = process_participants(study, parameters)
    emg = replace(
        emg,
        windows=_named_groups(emg.windows, group_names),
        exclusions=_named_groups(emg.exclusions, group_names),
    )
    if not emg.measured and behaviour.empty:
        raise ValueError(
            f"{study.path} has neither EMG nor behavioural data of any participant: run a session "
            "(python -m experiments.mimicry) or import a recording (python -m analysis.mimicry import)"
        )
    counts = count_exclusions(emg.windows, emg.exclusions)
    if emg.measured and emg.windows.empty:
        raise ValueError(_nothing_left(counts, emg.exclusions))

    # One mixed model per muscle: emotion, group and time
    models = {
        muscle: _model_muscle(emg.windows[emg.windows["muscle"] == muscle], muscle, parameters)
        for muscle in ordered_muscles(emg.windows["muscle"])
    }

    # What the groups do to mimicry: equivalence, Bayes factors, the smallest detectable effect
    groups = {
        muscle: judge_group(model, parameters=parameters, simulate=not quick)
        for muscle, model in models.items()
        if model.fitted
    }
    follow_ups = _follow_up(emg.windows, models, parameters)

    # Asymptotic regression: four nested models, compared
    posterior = None if quick or emg.windows.empty else fit_posterior(emg.windows, parameters)
    return MimicryResults(
        study=study,
        parameters=parameters,
        preset=preset,
        group_names=group_names or {},
        emg=emg,
        means=group_means(participant_means(emg.windows)),
        models=models,
        exclusions=counts,
        exclusion_tests=compare_exclusions(counts),
        times=times,
        time_exclusions=time_counts,
        time_exclusion_test=compare_exclusions(time_counts.assign(muscle="response time")),
        time_models=time_models,
        groups=groups,
        follow_ups=follow_ups,
        posterior=posterior,
        quick=quick,
    )


def other_origin_window(parameters: MimicryParameters) -> float:
    """Give the origin of time that the tests are repeated with: the paper's count, or the middle window."""
    middle = (parameters.n_windows + 1) / 2
    return 0.0 if parameters.time_origin_window != 0 else middle


def _model_muscle(windows: pd.DataFrame, muscle: str, parameters: MimicryParameters) -> ModelResult:
    plan = plan_emg_model(
        windows,
        time_origin_window=parameters.time_origin_window,
        window_s=parameters.window_s,
        contrasts=parameters.factor_contrasts,
    )
    shift = (other_origin_window(parameters) - parameters.time_origin_window) * parameters.window_s
    return fit_plan(plan, name=muscle, other_origin_s=shift)


def _follow_up(
    windows: pd.DataFrame, models: dict[str, ModelResult], parameters: MimicryParameters
) -> dict[tuple[str, str], ModelResult]:
    """Model each emotion by itself, without the factor emotion, in the muscles that are followed up."""
    done = {}
    for muscle, model in models.items():
        tests = model.anova.set_index("term")["p"] if model.fitted else pd.Series(dtype=float)
        p = tests.get("emotion:group", 1.0)
        asked = parameters.follow_up == "always" or (
            parameters.follow_up == "marginal" and p < parameters.follow_up_p
        )
        if "emotion:group" not in tests or not asked:
            continue
        of_muscle = windows[windows["muscle"] == muscle]
        for emotion, part in of_muscle.groupby("emotion"):
            done[muscle, str(emotion)] = _model_muscle(part, muscle, parameters)
    return done


def _response_times(behaviour: pd.DataFrame, parameters: MimicryParameters) -> ResponseTimes:
    columns = ["participant", "group", "trial", "direction", "response_time", "outcome"]
    if behaviour.empty:
        behaviour = pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    return select_response_times(
        behaviour, n_sd=parameters.response_outlier_sd, outcomes=parameters.response_outcomes
    )


def _time_units(parameters: MimicryParameters) -> list[str]:
    return ["z", "s"] if parameters.response_scale == "z" else ["s"]


def _model_response_times(times: ResponseTimes, parameters: MimicryParameters, *, unit: str) -> ModelResult:
    column = "response_z" if unit == "z" else "response_time"
    data = times.kept.assign(response_time=times.kept[column].astype(float)).dropna(subset=["response_time"])
    plan = plan_response_model(data, contrasts=parameters.factor_contrasts)
    return fit_plan(plan, name="response_time" if unit == "s" else "response_time_z")


def _named_groups(table: pd.DataFrame, group_names: dict[str, str] | None) -> pd.DataFrame:
    if not group_names or table.empty:
        return table
    unknown = sorted(set(table["group"].dropna()) - set(group_names))
    if unknown:
        raise ValueError(
            f"the key has no name for the group {', '.join(unknown)}; it names {', '.join(group_names)}"
        )
    return table.assign(group=table["group"].map(group_names))


def _nothing_left(counts: pd.DataFrame, exclusions: pd.DataFrame) -> str:
    rules = exclusions["rule"].value_counts()
    why = ", ".join(f"{str(rule).replace(chr(95), chr(32))}: {n}" for rule, n in rules.items())
    return (
        f"every EMG trial of all {counts['participant'].nunique()} participants was excluded ({why}); look "
        "at the recordings: is the right channel in the right place, are the electrodes on?"
    )
