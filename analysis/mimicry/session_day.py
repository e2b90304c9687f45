"""When things happened on the day of the session, relative to the pill."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.mimicry.measurements import measure_participants
from analysis.mimicry.summaries import group_labels
from analysis.report import Column, Table

EVENTS = {
    "minutes_since_pill_t1": "PANAS t1",
    "minutes_since_pill_t2": "PANAS t2",
}
"""Columns of the questionnaires -> event, as Korb et al. (2023), Fig. S1, name it."""


def session_events(participants: pd.DataFrame, phenotype: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Collect the times of pill, questionnaires and task, as far as a study knows them.

    Parameters
    ----------
    participants : pandas.DataFrame
        `participant` and `group`.
    phenotype : mapping
        What `analysis.datasets.read_study` read.

    Returns
    -------
    pandas.DataFrame
        One row per participant and event: `participant group event hours` (from the pill, negative = before).
        Empty where no time from a pill is known.

    Examples
    --------
    >>> people = pd.DataFrame({"participant": ["1"], "group": ["A"]})
    >>> session = pd.DataFrame({"participant": ["1"], "minutes_since_pill": [252]})
    >>> session_events(people, {"session": session})[["event", "hours"]].values.tolist()
    [['Pill', 0.0], ['Task', 4.2]]
    """
    table = measure_participants(participants, phenotype)
    hours = pd.DataFrame({"Pill": 0.0, "Task": table.get("hours_since_pill")}, index=table.index)
    panas = phenotype.get("panas", pd.DataFrame())
    if "participant" in panas:
        times = table[["participant"]].merge(panas, on="participant", how="left")
        for column, event in EVENTS.items():
            if column in times:
                hours[event] = pd.to_numeric(times[column], errors="coerce").to_numpy() / 60
    known = hours.drop(columns="Pill").notna().any(axis=1)
    long = hours[known].assign(participant=table["participant"], group=group_labels(table["group"]))
    long = long.melt(id_vars=["participant", "group"], var_name="event", value_name="hours")
    return long.dropna(subset=["hours"]).astype({"hours": float}).reset_index(drop=True)


def session_events_table(events: pd.DataFrame) -> Table:
    """Tabulate what the figure of the session day shows."""
    return Table(
        name="session_day",
        caption="the times of pill, questionnaires and task of each participant.",
        data=events,
        columns={
            "participant": Column(description="Participant's id."),
            "group": Column(description="Code or name of the participant's group.", missing="no group"),
            "event": Column(description="What happened."),
            "hours": Column(description="Time from the pill, negative = before.", kind="number", unit="h"),
        },
    )
