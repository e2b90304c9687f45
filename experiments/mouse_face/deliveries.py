"""What each trial delivered, as the device said it: pure, from the planned table and the rows of a session.

An order stands in ``delivered.tsv`` before it is sent. What the device did follows as ``on`` (first rise) and
``off`` (last fall, with the number of pulses and the time on). Whatever ends a session, the rows up to then
say for each trial which of `OUTCOMES` is true.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.mouse_face.live import DeliveredRow, LogRow

OUTCOMES = {
    "delivered": "everything that was planned, confirmed by the device",
    "by hand": "what the experimenter did by hand, who said so with a key",
    "nothing": "a moment at which nothing is delivered, as planned",
    "cut": "the device ended it early; n_pulses and on_s say what was delivered",
    "started": "the device said that it began, and nothing after that: its own watchdog ended it",
    "refused": "the device refused it, and nothing was delivered",
    "unconfirmed": "it was sent, and no answer came: it may or may not have been delivered",
}
"""How a trial that was begun may have gone."""
ON_TIME_TOLERANCE = 0.01
"""A delivery whose time on differs by more than this share from what was ordered was cut. Our choice."""
DELIVERY_COLUMNS = (
    "trial", "outcome", "begun_s", "on_device_s", "off_device_s", "n_pulses", "on_s", "laser_n_pulses",
    "laser_on_s",
)  # fmt: skip
"""Columns of `trial_deliveries`."""


def trial_deliveries(
    planned: pd.DataFrame, delivered: Sequence[DeliveredRow], log: Sequence[LogRow]
) -> pd.DataFrame:
    """Say what each trial that was begun delivered.

    Parameters
    ----------
    planned : pandas.DataFrame
        The table of trials, with ``trial``, ``channel``, ``laser``, ``laser_channel``.
    delivered : sequence of DeliveredRow
        What the device said.
    log : sequence of LogRow
        What the program did; rows ``trial`` say when each was begun.

    Returns
    -------
    pandas.DataFrame
        One row per begun trial, columns `DELIVERY_COLUMNS`: ``begun_s`` on the session's clock,
        ``on_device_s`` and ``off_device_s`` on the device's (first output; NaN if unknown).
    """
    begun = {row.trial: row.time for row in log if row.what == "trial" and row.trial is not None}
    answered = {row.trial for row in log if row.what == "by_hand"}
    for row in delivered:  # a log that ends a row earlier than the orders
        if row.kind == "ordered" and row.trial is not None:
            begun.setdefault(row.trial, row.time)
    of_trial: dict[int, list[DeliveredRow]] = {}
    for row in delivered:
        if row.trial is not None:
            of_trial.setdefault(row.trial, []).append(row)
    rows = [
        {
            "trial": int(trial),
            "begun_s": begun[int(trial)],
            **_judged(plan, of_trial.get(int(trial), []), by_hand=int(trial) in answered),
        }
        for trial, (_, plan) in zip(planned["trial"], planned.iterrows(), strict=True)
        if int(trial) in begun
    ]
    return pd.DataFrame(rows, columns=list(DELIVERY_COLUMNS))


def _judged(plan: pd.Series, rows: Sequence[DeliveredRow], *, by_hand: bool) -> dict[str, object]:
    """Judge one trial by its rows."""
    channel = str(plan.get("channel") or "")
    laser = str(plan.get("laser_channel") or "laser") if bool(plan.get("laser")) else ""
    wanted = [name for name in dict.fromkeys((channel, laser)) if name]
    done_by_hand = by_hand and bool(plan.get("by_hand")) and not wanted
    found: dict[str, object] = {"outcome": "by hand" if done_by_hand else _outcome(wanted, rows)}
    for name, prefix in ((channel or laser, ""), (laser, "laser_")):
        off = _last(rows, "off", name)
        found[f"{prefix}n_pulses"] = off.n_pulses if off is not None else np.nan
        found[f"{prefix}on_s"] = off.on_s if off is not None else np.nan
        if not prefix:
            on = _last(rows, "on", name)
            found["on_device_s"] = on.device_s if on is not None else np.nan
            found["off_device_s"] = off.device_s if off is not None else np.nan
    return found


def _outcome(wanted: Sequence[str], rows: Sequence[DeliveredRow]) -> str:
    if not wanted:
        return "nothing"
    on = {row.channel: row for row in rows if row.kind == "on"}
    off = {row.channel: row for row in rows if row.kind == "off"}
    if any(name in on and name not in off for name in wanted):
        return "started"
    if all(name in off for name in wanted):
        whole = [_is_whole(_last(rows, "ordered", name), off[name]) for name in wanted]
        return "delivered" if all(whole) else "cut"
    if any(name in off for name in wanted):
        return "cut"
    return "refused" if any(row.kind == "refused" for row in rows) else "unconfirmed"


def _is_whole(ordered: DeliveredRow | None, off: DeliveredRow) -> bool:
    """Say whether as much was delivered as was ordered."""
    if ordered is None or ordered.on_s is None or off.on_s is None:
        return False
    near = abs(off.on_s - ordered.on_s) <= max(ON_TIME_TOLERANCE * ordered.on_s, 5e-4)
    return near and off.n_pulses == ordered.n_pulses


def _last(rows: Sequence[DeliveredRow], kind: str, channel: str) -> DeliveredRow | None:
    return next((row for row in reversed(rows) if row.kind == kind and row.channel == channel), None)


def said(planned: pd.Series) -> str:
    """Name what a trial delivers, for people and for the table of events.

    >>> said(pd.Series({"stimulus": "quinine", "intensity": 10.0, "unit": "mM", "laser": True}))
    'quinine 10 mM with light'
    """
    text = str(planned["stimulus"])
    if pd.notna(planned.get("intensity")):
        text += f" {planned['intensity']:g} {planned.get('unit') or ''}".rstrip()
    return f"{text} with light" if planned.get("laser") and planned["stimulus"] != "laser" else text
