"""Which mixed model the data can carry: the paper's, or what is left of it and why.

Korb et al. 2023, Analyses: fixed effects emotion, drug and time; random intercepts by subject and
stimulus-face; by-subject random slopes for emotion, time and their interaction. Here the subject is
`participant` and the drug is `group`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Contrasts = Literal["sum", "treatment"]
MINIMUM_FACES = 3
"""Fewer faces than this give no variance between faces."""
MINIMUM_PER_GROUP = 2
"""Fewer participants than this in a group give no variance within it."""


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """A formula for data, or the reason why there is none."""

    formula: str
    """In the notation of lme4; empty where no model can be fitted."""
    simpler: tuple[str, ...]
    """Formulas with fewer random effects, to be tried in this order where the first cannot be fitted."""
    data: pd.DataFrame
    """The rows that the model is fitted to."""
    left_out: tuple[str, ...]
    """One sentence for each term of the paper's model that these data cannot carry."""
    refusal: str
    """Why no model can be fitted; empty where one can."""


def plan_emg_model(
    windows: pd.DataFrame, *, time_origin_window: float, window_s: float, contrasts: Contrasts
) -> ModelPlan:
    """Plan the model of one muscle's log EMG: emotion, group and time.

    Parameters
    ----------
    windows : pandas.DataFrame
        Rows of one muscle: `participant`, `group`, `emotion`, `face`, `trial`, `window` (from 1) and `emg`.
    time_origin_window : float
        The window at which time is zero; 3 is the middle one of five.
    window_s : float
        Length of a window, in seconds.
    contrasts : {"sum", "treatment"}
        Coding of the factors.

    Returns
    -------
    ModelPlan
        Its data have a further column `time`, in seconds from the origin.
    """
    data = windows.assign(time=(windows["window"] - time_origin_window) * window_s)
    data, group, left_out = _with_groups(data)
    emotion, more = _factor(data, "emotion", "emotion")
    time, still_more = _factor(data, "window", "time")
    face, about_faces = _faces(data)
    left_out += more + still_more + about_faces
    fixed = [*_coded([*emotion, *group], contrasts), *time]
    within = [*emotion, *time]
    effects = data["emotion"].nunique() * (2 if time else 1)
    return _plan("emg", fixed, within, effects, ["(1|face)"] if face else [], data, left_out)


def plan_response_model(times: pd.DataFrame, *, contrasts: Contrasts) -> ModelPlan:
    """Plan the model of the response times: emotion and group.

    Parameters
    ----------
    times : pandas.DataFrame
        One row per analysed trial: `participant`, `group`, `emotion`, `face` and `response_time`.
    contrasts : {"sum", "treatment"}
        Coding of the factors.

    Returns
    -------
    ModelPlan
        With by-participant and by-face intercepts and slopes by emotion.
    """
    data, group, left_out = _with_groups(times)
    emotion, more = _factor(data, "emotion", "emotion")
    face, about_faces = _faces(data)
    left_out += more + about_faces
    crossed = bool(emotion) and face and (data.groupby("face")["emotion"].nunique() > 1).all()
    by_face = [f"({'emotion' if crossed else '1'}|face)"] if face else []
    fixed, n_effects = _coded([*emotion, *group], contrasts), data["emotion"].nunique()
    return _plan("response_time", fixed, emotion, n_effects, by_face, data, left_out)


def _coded(factors: Sequence[str], contrasts: Contrasts) -> list[str]:
    """Write factors with their coding; sum-to-zero is what fit_mixed does by itself."""
    return [name if contrasts == "sum" else f"C({name}, contr.treatment)" for name in factors]


def _plan(
    outcome: str,
    fixed: Sequence[str],
    within: Sequence[str],
    n_effects: int,
    by_face: Sequence[str],
    data: pd.DataFrame,
    left_out: Sequence[str],
) -> ModelPlan:
    n_participants = data["participant"].nunique()
    if n_participants < 2:
        refusal = f"a mixed model needs at least 2 participants with data, here is {n_participants}"
        return ModelPlan(formula="", simpler=(), data=data, left_out=(), refusal=refusal)
    slopes = "*".join(within) or "1"
    structures = [f"({slopes}|participant)", f"diag({slopes}|participant)", "(1|participant)"]
    first = 0 if n_participants > n_effects else 1 if n_participants > 2 else 2
    if slopes == "1":
        structures, first = structures[-1:], 0
    elif first:
        without = "correlations between the random effects" if first == 1 else "random slopes"
        left_out = [
            *left_out,
            f"The model has no {without} of participants: {n_participants} participants are too few "
            f"to estimate the covariances of {n_effects} effects.",
        ]
    formulas = [" + ".join([f"{outcome} ~ {'*'.join(fixed) or '1'}", term, *by_face]) for term in structures]
    return ModelPlan(
        formula=formulas[first],
        simpler=tuple(formulas[first + 1 :]),
        data=data.reset_index(drop=True),
        left_out=tuple(left_out),
        refusal="",
    )


def _with_groups(data: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Say whether the group can be a factor, and leave out participants without one where it is."""
    groups = data.groupby("participant")["group"].first()
    sizes = groups.dropna().value_counts()
    if len(sizes) < 2:
        found = "has no groups" if sizes.empty else f"has only one group ({sizes.index[0]})"
        return data, [], [f"The model has no factor group: the study {found}."]
    small = sizes[sizes < MINIMUM_PER_GROUP]
    if len(small):
        names = ", ".join(str(name) for name in sorted(small.index))
        return (
            data,
            [],
            [f"The model has no factor group: fewer than {MINIMUM_PER_GROUP} participants in {names}."],
        )
    without = sorted(groups.index[groups.isna()])
    if not without:
        return data, ["group"], []
    return (
        data[data["group"].notna()],
        ["group"],
        [f"Participants without a group are not in the model: {', '.join(without)}."],
    )


def _factor(data: pd.DataFrame, column: str, name: str) -> tuple[list[str], list[str]]:
    if data[column].nunique() > 1:
        return [name], []
    return [], [f"The model has no factor {name}: the data have one {column} only."]


def _faces(data: pd.DataFrame) -> tuple[bool, list[str]]:
    """Say whether the faces can be a random effect."""
    if data["face"].isna().all():
        return False, ["The model has no random effect of faces: no face is recorded."]
    if data["face"].isna().any():
        return False, ["The model has no random effect of faces: some trials have no face recorded."]
    n_faces = data["face"].nunique()
    if n_faces < MINIMUM_FACES:
        return False, [
            f"The model has no random effect of faces: {n_faces} faces are too few for a variance."
        ]
    return True, []
