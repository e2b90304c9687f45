"""Which trials of a study a figure is made of; or, in words, why there are none.

Pure: tables in, tables out. All selections take kept trials only.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters


@dataclass(frozen=True)
class Missing:
    """Why a study has nothing for a figure."""

    reason: str
    """In words, for the report."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Trials of a figure."""

    trials: pd.DataFrame
    """Rows of `FaceData.trials` that were kept, index 0, 1, ...; ``label`` is what the figure calls them."""
    notes: tuple[str, ...] = ()
    """What was left out of it and why."""


def core_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select the trials of Fig. 1, 2A-C and 3A-B, of which all prototypes are made.

    Events without laser, of sessions without a special condition. An event that a plain session of the animal
    gives is taken from plain sessions; where only sessions with several values or with neurons give it, from
    these, at its highest value. ``label`` is the event.

    Returns
    -------
    Selection or Missing
        ``notes`` say which animals have none, and which events were left out because there is one trial only.
    """
    kept = _kept(data)
    trials = kept[~kept["laser"] & (kept["condition"] == "") & (kept["event"] != parameters.valence_event)]
    trials = trials[~trials["session_id"].isin(_sessions_with_laser(kept))]
    if trials.empty:
        return Missing(
            "no events without light, in sessions without a special condition such as thirst, are left"
        )
    trials = _from_plainest_sessions(trials, data).sort_values(["animal", "trial"])
    without = sorted(set(data.animals) - set(trials["animal"]))
    counts = trials.groupby(["animal", "event"])["trial"].transform("size")
    single = trials[counts < 2]
    notes = [
        f"{_words(event)}: one trial only in {_listed(own['animal'])}, left out, because its prototype would "
        "be made of the trial that it is compared with"
        for event, own in single.groupby("event")
    ]
    if without:
        notes.append(
            f"{', '.join(without)}: no events of which prototypes are made, left out of Figures 1 to 3B"
        )
    trials = trials[counts >= 2]
    if trials[trials["event"] != parameters.neutral_event].empty:
        return Missing("no animal has two trials or more of any event, so that no prototype can be made")
    return Selection(trials.assign(label=trials["event"]).reset_index(drop=True), tuple(notes))


def graded_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select events that were given at two values or more (Fig. 2D), but the valence event.

    Of sessions in which the event came at several values. ``label`` is the event, ``value`` its strength.
    """
    kept = _kept(data)
    trials = kept[~kept["laser"] & (kept["condition"] == "") & kept["value"].notna()]
    trials = trials[trials["event"] != parameters.valence_event]
    n_values = trials.groupby(["session_id", "event"])["value"].transform("nunique")
    trials = trials[n_values >= 2]
    if trials.empty:
        return Missing("no event was given at two strengths or more within a session")
    return _selection(trials, label="event")


def valence_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select the event whose low value is pleasant and whose high value is not (salt; Fig. 2E).

    Lowest and highest value only, of animals with both; ``label`` is ``low`` or ``high``.
    """
    event = parameters.valence_event
    kept = _kept(data)
    trials = kept[(kept["event"] == event) & ~kept["laser"] & kept["value"].notna()]
    if trials["value"].nunique() < 2:
        return Missing(f"{_words(event)} was not given at two strengths")
    low, high = trials["value"].min(), trials["value"].max()
    trials = trials[trials["value"].isin([low, high])]
    trials = trials.assign(label=trials["value"].map({low: "low", high: "high"}))
    return _with_both(trials, "label", ("low", "high"), f"{_words(event)} at both strengths")


def condition_trials(
    data: FaceData, parameters: MouseFaceParameters, conditions: tuple[str, str]
) -> Selection | Missing:
    """Select events that were given in both of two conditions (Fig. 2F and G).

    ``label`` is the event, ``condition`` one of the two; for each event animals with both only.
    """
    first, second = conditions
    kept = _kept(data)
    trials = kept[kept["condition"].isin(conditions) & ~kept["laser"]]
    trials = trials[trials["event"] != parameters.neutral_event]
    if trials.empty:
        return Missing(f"no session has the condition {first!r} or {second!r}")
    return _with_both(trials.assign(label=trials["event"]), "condition", conditions, f"{first} and {second}")


def light_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select trials of light alone, of animals with a group and a site (Fig. 3C-G).

    ``label`` is the event (``laser``); ``site`` and ``group`` say where and in whom.
    """
    kept = _kept(data)
    dark = set(kept.loc[~kept["laser"], "event"])
    trials = kept[kept["laser"] & ~kept["event"].isin(dark)]
    if trials.empty:
        return Missing("no trials of light alone")
    known = trials[(trials["group"] != "") & (trials["site"] != "")]
    if known.empty:
        return Missing(
            "light was given, but no session says in its notes what its animal expresses (group) and where "
            "the light went (site)"
        )
    lost = trials[~trials.index.isin(known.index)]
    notes = (f"{_listed(lost['animal'])}: no group or no site, left out",) if len(lost) else ()
    return _selection(known, label="event", notes=notes)


def pathway_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select events that were given with and without light in the same session (Fig. 3H-I).

    ``label`` is the event, ``laser`` whether there was light.
    """
    kept = _kept(data)
    both = kept.groupby(["session_id", "event"])["laser"].transform("nunique") == 2
    if not both.any():
        return Missing("no event was given with and without light in the same session")
    return _selection(kept[both], label="event")


def imaging_trials(data: FaceData, parameters: MouseFaceParameters) -> Selection | Missing:
    """Select the trials of sessions with neurons (Fig. 4); their traces are in ``data.imaging``."""
    kept = _kept(data)
    trials = kept[kept["session_id"].isin(list(data.imaging))]
    if not data.imaging:
        return Missing("no session has neurons, neither in its NWB file nor named in imaging.tsv")
    if trials.empty:
        return Missing("no trial of the sessions with neurons is left")
    return _selection(trials, label="event")


def _kept(data: FaceData) -> pd.DataFrame:
    return data.trials[data.trials["kept"]]


def _sessions_with_laser(trials: pd.DataFrame) -> list[str]:
    return trials.loc[trials["laser"], "session_id"].unique().tolist()


def _from_plainest_sessions(trials: pd.DataFrame, data: FaceData) -> pd.DataFrame:
    """Take each event from the plainest session of the animal that gives it, at its highest value."""
    n_values = trials.groupby(["session_id", "event"])["value"].transform("nunique")
    several = n_values.groupby(trials["session_id"]).transform("max") > 1
    kind = several.astype(int) + 2 * trials["session_id"].isin(list(data.imaging)).astype(int)
    trials = trials[kind == kind.groupby([trials["animal"], trials["event"]]).transform("min")]
    highest = trials.groupby("event")["value"].transform("max")
    return trials[trials["value"].isna() & highest.isna() | (trials["value"] == highest)]


def _with_both(trials: pd.DataFrame, column: str, levels: tuple[str, str], what: str) -> Selection | Missing:
    """Keep the animals that have trials of an event at both levels."""
    both = trials.groupby(["animal", "event"])[column].transform("nunique") == len(levels)
    if not both.any():
        return Missing(f"no animal was given the same event under both: {what}")
    lost = sorted(set(trials.loc[~both, "animal"] + ", " + trials.loc[~both, "event"].map(_words)))
    notes = (f"without {what}, left out: {'; '.join(lost)}",) if lost else ()
    return Selection(trials[both].reset_index(drop=True), notes)


def _selection(trials: pd.DataFrame, *, label: str, notes: tuple[str, ...] = ()) -> Selection:
    return Selection(trials.assign(label=trials[label]).reset_index(drop=True), notes)


def _words(event: object) -> str:
    return str(event).replace("_", " ")


def _listed(values: pd.Series) -> str:
    return ", ".join(sorted(set(values.astype(str))))
