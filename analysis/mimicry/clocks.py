"""How well the clocks of session and recording agreed, and what was repaired: for the quality page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.datasets import Study
from analysis.report import Column, Table
from analysis.runs import run_number

COLUMNS = ("participant", "n_codes", "residual_rms_ms", "residual_max_ms", "drift_ppm", "n_clocks", "repairs")


def read_clocks(study: Study) -> pd.DataFrame:
    """Read what the dataset says of the alignment of trigger codes with the session's log.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    pandas.DataFrame
        `participant n_codes residual_rms_ms residual_max_ms drift_ppm n_clocks repairs`, one row per
        participant whose recording was aligned with a log; none for recordings that came without one.
    """
    rows = []
    for participant in study.recordings:
        for path in sorted((study.path / f"sub-{participant}" / "emg").glob("*_emg.json")):
            sidecar = json.loads(path.read_text(encoding="utf-8"))
            if run_number(path) == study.run(participant) and sidecar.get("ClockFits"):
                rows.append(_row(participant, sidecar["ClockFits"], sidecar.get("Repairs", [])))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def clocks_table(clocks: pd.DataFrame) -> Table:
    """Tabulate how well the clocks agreed."""
    return Table(
        name="clocks",
        caption="Trigger codes and the session's log: how well their clocks agree, and what was repaired.",
        data=clocks,
        columns={
            "participant": Column(description="Participant.", heading="Participant"),
            "n_codes": Column(description="Trigger codes that fit.", kind="count", heading="Codes"),
            "residual_rms_ms": Column(
                description="Root mean square of their distances from the fitted line between the clocks.",
                kind="number",
                unit="ms",
                heading="Residual",
            ),
            "residual_max_ms": Column(
                description="Largest distance.", kind="number", unit="ms", heading="Largest residual"
            ),
            "drift_ppm": Column(
                description="How much faster than the computer's the recording's clock ran.",
                kind="number",
                unit="ppm",
                heading="Drift",
            ),
            "n_clocks": Column(
                description="Lines that were needed: several where recorder or session were started again.",
                kind="count",
                heading="Clocks",
            ),
            "repairs": Column(description="What was repaired.", heading="Repairs"),
        },
    )


def _row(participant: str, fits: Sequence[dict[str, Any]], repairs: Sequence[str]) -> dict[str, Any]:
    """Reduce the fits of a recording to one row: of several, the drift is that with the most codes."""
    n_codes = sum(fit["n_events"] for fit in fits)
    squares = sum(fit["n_events"] * fit["residual_rms_ms"] ** 2 for fit in fits)
    return {
        "participant": participant,
        "n_codes": n_codes,
        "residual_rms_ms": round((squares / n_codes) ** 0.5, 4) if n_codes else float("nan"),
        "residual_max_ms": max(fit["residual_max_ms"] for fit in fits),
        "drift_ppm": max(fits, key=lambda fit: fit["n_events"])["drift_ppm"],
        "n_clocks": len(fits),
        "repairs": "; ".join(repairs) or "none",
    }
