"""Neurons of known coding and what they are found to code, and how often neurons that code nothing are found.

``python tests/support/neuron_coding.py 6 120`` prints the tables of the guide: 12 recordings of 150 neurons
with small and with large expressions, and 120 studies in which nothing follows anything (3 s per study).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

import whole_face_studies
from whole_face_studies import simulated_sessions

from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.neurons import global_p
from analysis.mouse_face.parameters import preset

EMOTION = {"quinine": "disgust", "sucrose": "pleasure"}
KINDS = ("stimulus", "face")


def recordings(
    n_animals: int,
    n_neurons: int,
    *,
    seed: tuple[int, ...],
    minutes: float,
    strength: float = 1.0,
    effect: float = 1.5,
) -> tuple[NeuronStudy, list[pd.DataFrame]]:
    """Simulate one recording per animal, with what each neuron codes."""
    simulate, truths = whole_face_studies.simulate_neurons, []

    def remembered(*args: object, **options: object) -> object:
        found = simulate(*args, **options)  # type: ignore[arg-type]
        truths.append(found.coding)
        return found

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(whole_face_studies, "simulate_neurons", remembered),
    ):
        data = simulated_sessions(
            Path(folder),
            np.random.default_rng(list(seed)),
            parts=("emotions", "imaging"),
            n_animals=n_animals,
            minutes={"emotions": 9.0, "imaging": minutes},
            strength=strength,
            effect=effect,
            fs_hz=4.0,
            n_neurons=n_neurons,
        )
        found = neuron_study(data, preset("recommended"))
    assert isinstance(found, NeuronStudy)
    return found, truths


def known_coding(
    n_studies: int, *, seed: int, effect: float, n_neurons: int = 150, minutes: float = 15.0
) -> pd.DataFrame:
    """Return what each neuron follows of each event, and what was found, in studies of two recordings."""
    rows = []
    for number in range(n_studies):
        found, truths = recordings(2, n_neurons, seed=(seed, 1, number), minutes=minutes, effect=effect)
        sessions = list(dict.fromkeys(found.coding["session_id"]))
        for session_id, truth in zip(sessions, truths, strict=True):
            own = found.coding[found.coding["session_id"] == session_id]
            rows += [_compared(row, truth.iloc[row["neuron"]]) for row in own.to_dict("records")]
    return pd.DataFrame(rows)


def _compared(row: dict[str, Any], codes: pd.Series) -> dict[str, Any]:
    stimulus = row["event"] in str(codes["stimulus"]).split("+")
    face = EMOTION[row["event"]] in str(codes["face"]).split("+")
    label = "both" if stimulus and face else "stimulus" if stimulus else "face" if face else "none"
    above = {f"threshold_{kind}": row[f"r_{kind}"] >= 0.3 for kind in KINDS}
    return {"truly": label, "found": row["label"], **above}


def null_rates(n_studies: int, *, seed: int, n_neurons: int = 60, minutes: float = 8.0) -> pd.DataFrame:
    """Return how often any neuron of a recording, and each neuron, is found to follow what it does not."""
    rows = []
    for number in range(n_studies):
        found, _ = recordings(2, n_neurons, seed=(seed, 2, number), minutes=minutes, strength=0.0)
        own = found.coding[found.coding["event"] == "quinine"]
        row = {}
        for kind in KINDS:
            each = [global_p(one, kind, rule="unique") <= 0.05 for _, one in own.groupby("session_id")]
            row[f"any neuron follows the {kind}, one recording"] = np.mean(each)
            p = own[f"p_unique_{kind}"].to_numpy(float)
            row[f"each neuron, {kind}, p <= 0.05"] = np.mean(p <= 0.05)
            row[f"each neuron, {kind}, p <= 0.002"] = np.mean(p <= 0.002)
        rows.append(row)
    table = pd.DataFrame(rows)
    return pd.DataFrame(
        {"rate": table.mean(), "se": table.std(ddof=0) / np.sqrt(len(table)), "studies": len(table)}
    )


if __name__ == "__main__":
    n_known, n_null = (int(word) for word in (sys.argv[1:3] if len(sys.argv) > 2 else ("6", "120")))
    for size in (1.5, 3.0):
        pairs = known_coding(n_known, seed=5, effect=size)
        print(f"expressions of {size:g} standard deviations")
        print(pd.crosstab(pairs["truly"], pairs["found"]).to_string())
        print(pairs.groupby("truly")[["threshold_stimulus", "threshold_face"]].sum().to_string())
    print(null_rates(n_null, seed=5).round(4).to_string())
