"""The table of trials: everything that will be delivered in a session, before anything is armed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from experiments.mouse_face.schedule_parts import Schedule, Stimulus, describe_stimulus
from experiments.mouse_face.trial_order import draw_intervals_s, draw_trials

COLUMNS = {
    "trial": "number from 1",
    "stimulus": "what the animal meets; 'neutral' is a moment at which nothing happens",
    "intensity": "strength of the stimulus in the unit beside it; n/a where it has none",
    "unit": "unit of the intensity",
    "channel": "output of the device; empty if the device delivers nothing but light",
    "pulse_ms": "length of one pulse (ms); for a valve it follows from its calibration",
    "n_pulses": "number of pulses",
    "period_ms": "from the beginning of a pulse to that of the next (ms); n/a for a single pulse",
    "volume_ul": "liquid in microlitres, all pulses together",
    "current_ma": "current of the shock (mA), as it is set on the shocker",
    "laser": "whether the light is on",
    "laser_channel": "output of the device for the light",
    "laser_pulse_ms": "length of a pulse of light (ms)",
    "laser_n_pulses": "number of pulses of light; the first begins with the stimulus",
    "laser_period_ms": "from the beginning of a pulse of light to that of the next (ms)",
    "duration_s": "how long the event lasts (s)",
    "onset_s": "planned beginning, in seconds from the start of the session",
    "interval_s": "planned pause before it (s), from the end of the event before or the session's start",
    "repeat": "how many times this stimulus at this intensity, with or without light, has come, from 1",
    "block": "number of the block, from 1",
    "condition": "state of the animal, such as thirsty; n/a where it is the usual one",
    "by_hand": "what the experimenter does at the onset; empty if nothing",
    "preparation": "what the experimenter sets during the pause before; empty if nothing",
}
"""Columns of the table of trials: name -> description."""


def expand(schedule: Schedule, *, seed: int, animal: str) -> pd.DataFrame:
    """Draw the table of trials of a session.

    Parameters
    ----------
    schedule : Schedule
        From `experiments.mouse_face.schedule.read_schedule`.
    seed : int
        Seed of the study or session. The same seed, animal and schedule give the same table everywhere;
        animals of one seed get different random orders.
    animal : str
        Name of the animal.

    Returns
    -------
    pandas.DataFrame
        One row per trial with the columns of `COLUMNS`. ``attrs`` has ``lead_out_s``, ``name``, ``animal``
        and ``seed``.

    Raises
    ------
    ValueError
        If no order keeps the rules of the schedule, or the animal's place among all is needed and not known.

    Examples
    --------
    >>> from experiments.mouse_face.schedule import read_schedule
    >>> table = expand(read_schedule("salt"), seed=1, animal="m01")
    >>> table[["trial", "stimulus", "intensity", "unit", "repeat"]].head(2)
       trial stimulus  intensity unit  repeat
    0      1  neutral        NaN  n/a       1
    1      2     salt      500.0   mM       1
    """
    rng = np.random.default_rng([seed, *f"{schedule.name}/{animal}".encode()])
    blocks = draw_trials(schedule.stimuli, schedule.order, repeats=schedule.repeats, animal=animal, rng=rng)
    order = [(number, stimulus) for number, block in enumerate(blocks, start=1) for stimulus in block]
    pauses_s = [schedule.lead_in_s, *draw_intervals_s(schedule.intervals, len(order) - 1, rng=rng)]
    rows: list[dict[str, Any]] = []
    came: Counter[tuple[str, str, bool]] = Counter()
    end_s, set_ma = 0.0, math.nan
    for trial, ((block, stimulus), pause_s) in enumerate(zip(order, pauses_s, strict=True), start=1):
        key = (stimulus.event, describe_stimulus("", stimulus.intensity, stimulus.unit), stimulus.laser)
        came[key] += 1
        onset_s = round(end_s + pause_s, 3)
        rows.append(
            {"trial": trial}
            | _delivery(stimulus, schedule)
            | {
                "onset_s": onset_s,
                "interval_s": pause_s,
                "repeat": came[key],
                "block": block,
                "preparation": _preparation(stimulus, set_ma),
            }
        )
        end_s = round(onset_s + stimulus.duration_s, 3)
        set_ma = set_ma if math.isnan(stimulus.current_ma) else stimulus.current_ma
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.attrs.update(
        name=schedule.name, animal=animal, seed=seed, lead_out_s=schedule.lead_out_s, site=schedule.site
    )
    return table


def totals(table: pd.DataFrame) -> dict[str, Any]:
    """Say what the animal gets in a session.

    Parameters
    ----------
    table : pandas.DataFrame
        From `expand`.

    Returns
    -------
    dict
        ``n_trials``; ``duration_s`` of the session; ``volume_ul`` in all, ``volume_ul_by_channel`` and
        ``volume_ul_by_liquid``; ``n_shocks`` (deliveries; a train is one), ``shock_s`` (time under current),
        ``greatest_current_ma`` (0 without shocks); ``n_light_trials`` and ``laser_s`` (time for which the
        light is on); ``n_by_hand`` (what the experimenter does himself).
    """
    valves = table[table["volume_ul"] > 0]
    shocks, lit = table[table["channel"] == "shock"], table[table["laser"].astype(bool)]
    last = table.iloc[-1]
    liquids = [
        describe_stimulus(row["stimulus"], row["intensity"], row["unit"]) for _, row in valves.iterrows()
    ]
    return {
        "n_trials": len(table),
        "duration_s": round(
            float(last["onset_s"] + last["duration_s"]) + float(table.attrs.get("lead_out_s", 0.0)), 3
        ),
        "volume_ul": round(float(valves["volume_ul"].sum()), 6),
        "volume_ul_by_channel": _sums(valves["volume_ul"], valves["channel"].tolist()),
        "volume_ul_by_liquid": _sums(valves["volume_ul"], liquids),
        "n_shocks": len(shocks),
        "shock_s": round(float((shocks["n_pulses"] * shocks["pulse_ms"]).sum() / 1000), 6),
        "greatest_current_ma": float(shocks["current_ma"].max()) if len(shocks) else 0.0,
        "n_light_trials": len(lit),
        "laser_s": round(float((lit["laser_n_pulses"] * lit["laser_pulse_ms"]).sum() / 1000), 6),
        "n_by_hand": int((table["by_hand"] != "").sum()),
    }


def with_valve_times(table: pd.DataFrame, open_ms: Callable[[str, float], float]) -> pd.DataFrame:
    """Fill in how long the valves open.

    Parameters
    ----------
    table : pandas.DataFrame
        From `expand`.
    open_ms : callable
        Takes a channel and the volume of one pulse (microlitres), returns how long the valve opens (ms).

    Returns
    -------
    pandas.DataFrame
        A copy with ``pulse_ms`` of every delivery.

    Raises
    ------
    ValueError
        If the pulses of a train would run into one another.
    """
    filled = table.copy()
    for index, row in table[table["volume_ul"] > 0].iterrows():
        pulse_ms = float(open_ms(row["channel"], row["volume_ul"] / row["n_pulses"]))
        if row["n_pulses"] > 1 and pulse_ms >= row["period_ms"]:
            raise ValueError(
                f"trial {row['trial']}: {row['channel']} would open for {pulse_ms:.1f} ms every "
                f"{row['period_ms']:g} ms: fewer pulses, a longer period, or less volume"
            )
        filled.loc[index, "pulse_ms"] = pulse_ms
    return filled


def _delivery(stimulus: Stimulus, schedule: Schedule) -> dict[str, Any]:
    """Return the columns that say what is delivered."""
    laser = schedule.laser if stimulus.laser else None
    return {
        "stimulus": stimulus.event,
        "intensity": stimulus.intensity,
        "unit": stimulus.unit,
        "channel": stimulus.channel,
        "pulse_ms": stimulus.pulse_ms,
        "n_pulses": stimulus.n_pulses,
        "period_ms": stimulus.period_ms,
        "volume_ul": stimulus.volume_ul,
        "current_ma": stimulus.current_ma,
        "laser": stimulus.laser,
        "laser_channel": laser.channel if laser else "",
        "laser_pulse_ms": laser.pulse_ms if laser else math.nan,
        "laser_n_pulses": laser.n_pulses if laser else 0,
        "laser_period_ms": laser.period_ms if laser else math.nan,
        "duration_s": stimulus.duration_s,
        "condition": schedule.condition,
        "by_hand": stimulus.by_hand,
    }


def _preparation(stimulus: Stimulus, set_ma: float) -> str:
    """Return what has to be set before a trial: the device only triggers the shocker."""
    if math.isnan(stimulus.current_ma) or stimulus.current_ma == set_ma:
        return ""
    return f"set the shocker to {stimulus.current_ma:g} mA"


def _sums(values: pd.Series, names: list[str]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, value in sorted(zip(names, values.tolist(), strict=True)):
        sums[name] = round(sums.get(name, 0.0) + float(value), 6)
    return sums
