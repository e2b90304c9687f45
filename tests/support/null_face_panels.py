"""Whole simulated studies without any effect, and how often the panels of Figures 3 and 4 find one.

``python tests/support/null_face_panels.py 200`` prints the table for the guide (about 2 s per study).
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from whole_face_studies import simulated_sessions

from analysis.calcium.overlap import compare_overlap
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_3a import panel_3a
from analysis.mouse_face.figure_3b import panel_3b
from analysis.mouse_face.figure_3f import panel_3f
from analysis.mouse_face.figure_3g import panel_3g
from analysis.mouse_face.figure_3i import panel_3i
from analysis.mouse_face.figure_4c import panel_4c
from analysis.mouse_face.figure_4f import panel_4f
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.panel import panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters, preset

MINUTES = {"emotions": 9.0, "optogenetics": 2.5, "pathway": 4.0, "imaging": 8.0}
N_ANIMALS = 8


def null_study(folder: Path, rng: np.random.Generator, *, strength: float = 0.0) -> FaceData:
    """Eight mice, four of which light could drive; two with neurons."""
    return simulated_sessions(
        folder,
        rng,
        parts=tuple(MINUTES),
        n_animals=N_ANIMALS,
        minutes=MINUTES,
        strength=strength,
        fs_hz=4.0,
        only={"imaging": (1, 2), "pathway": (1, 2, 3, 4, 5, 6)},
        n_neurons=60,
    )


def chosen_parameters(name: str) -> MouseFaceParameters:
    """A preset with small forests, and times that fit into short sessions; nothing else is changed."""
    return dataclasses.replace(
        preset(name), decoding_trees=15, decoding_components=0, search_s=15.0, trace_after_s=12.0
    )


def p_values(rng: np.random.Generator, *, strength: float = 0.0) -> dict[str, float]:
    """Simulate one study and return the p value of every test, recommended and as in the paper."""
    with tempfile.TemporaryDirectory() as folder:
        data = null_study(Path(folder), rng, strength=strength)
        return {**_recommended(data, rng), **_as_paper(data)}


def _recommended(data: FaceData, rng: np.random.Generator) -> dict[str, float]:
    parameters = chosen_parameters("recommended")
    course = panel_3a(data, parameters, rng=panel_rng(1, "3A")).claims
    rises = course["claim"].str.contains("becomes like")
    light = panel_3f(data, parameters, rng=panel_rng(1, "3F"))
    suggested = panel_3g(data, parameters, rng=panel_rng(1, "3G"))
    pathway = panel_3i(data, parameters, rng=panel_rng(1, "3I"))
    tests = pathway.tables[0].data.set_index("what")
    prototypes = suggested.tables[0].data.query("prototype != 'suggested'")
    study = neuron_study(data, parameters)
    assert isinstance(study, NeuronStudy)
    chance = [rng.random((2, 400)) < share for share in (0.15, 0.12)]
    independent = {"quinine": chance[0].ravel(), "sucrose": chance[1].ravel()}
    return {
        "3A any event becomes like its prototype (t, Holm)": _smallest(course.loc[rises, "p"]),
        "3A any event more variable than neutral (t, Holm)": _smallest(course.loc[~rises, "p"]),
        "3B expression within 5 s, events with neutral (t)": _p(
            panel_3b(data, parameters, rng=panel_rng(1, "3B")).claims, "within"
        ),
        "3F any class, ChR2 with eYFP (Welch, Holm)": _smallest(light.tables[0].data["p_adjusted"]),
        "3G suggested prototype, ChR2 with eYFP (Welch)": _p(suggested.claims, "suggests"),
        "3G any prototype (Welch, Holm)": _smallest(prototypes["p_adjusted"]),
        "3I own prototype, light with no light (t)": float(tests["p"].to_dict()["quinine"]),
        "3I one expression for another (t)": float(tests["p"].to_dict()["both"]),
        "3I any prototype (t, Holm)": _smallest(pathway.claims["p"]),
        "4C stimulus and face go together (shifts)": _p(
            panel_4c(data, parameters, rng=panel_rng(1, "4C")).claims, "quinine"
        ),
        **{
            f"4F any neuron follows the {kind} (Simes, one recording)": float(
                study.coding.query("event == 'quinine' and animal == 'm01'")[f"q_unique_{kind}"].min()
            )
            for kind in ("stimulus", "face")
        },
        "4I overlap of independent neurons (exact)": float(
            compare_overlap(independent, np.repeat([1, 2], 400))["p"].iloc[0]
        ),
        **{
            f"each: {name}": study.coding.query("event == 'quinine'")[column].to_numpy(float)  # type: ignore[misc]
            for name, column in (
                ("4F a neuron follows the stimulus (shifts)", "p_unique_stimulus"),
                ("4F a neuron follows the face (shifts)", "p_unique_face"),
            )
        },
    }


def _as_paper(data: FaceData) -> dict[str, float]:
    parameters = chosen_parameters("paper")
    course = panel_3a(data, parameters, rng=panel_rng(1, "3A")).claims
    light = panel_3f(data, parameters, rng=panel_rng(1, "3F")).claims
    neurons = panel_4f(data, parameters, rng=panel_rng(1, "4F")).claims
    early = panel_3b(data, parameters, rng=panel_rng(1, "3B")).claims
    rises = course["claim"].str.contains("becomes like")
    found = early.loc[early["claim"].str.contains("within"), "holds"].astype(float)
    return {
        "paper 3A any event becomes like its prototype (t, trials)": _smallest(course.loc[rises, "p"]),
        "paper 3B expressions follow most events (no test)": 1.0 - float(found.iloc[0]),
        "paper 3F any class above chance (Wilcoxon, trials)": _smallest(light["p"]),
        "paper 3G suggested prototype (Mann-Whitney, trials)": _p(
            panel_3g(data, parameters, rng=panel_rng(1, "3G")).claims, "suggests"
        ),
        "paper 3I own prototype (Mann-Whitney, trials)": _p(
            panel_3i(data, parameters, rng=panel_rng(1, "3I")).claims, "weakens"
        ),
        "paper 4F any neuron above r = 0.3 (no test)": 1.0 - float(neurons["holds"].astype(float).max()),
    }


def _p(claims: pd.DataFrame, text: str) -> float:
    return float(claims.loc[claims["claim"].str.contains(text), "p"].iloc[0])


def _smallest(values: pd.Series) -> float:
    return float(values.min())


def rejection_rates(n_studies: int, *, seed: int, strength: float = 0.0, alpha: float = 0.05) -> pd.DataFrame:
    """Return, for each test, the share of studies with p <= alpha, and its standard error.

    For tests of single neurons it is the share of neurons, with the standard error over studies.
    """
    rows = []
    for number in range(n_studies):
        found = p_values(np.random.default_rng([seed, number]), strength=strength)
        rows.append({name: np.mean(np.asarray(p) <= alpha + 1e-12) for name, p in found.items()})
    table = pd.DataFrame(rows)
    return pd.DataFrame(
        {"rejected": table.mean(), "se": table.std(ddof=0) / np.sqrt(n_studies), "studies": n_studies}
    ).rename_axis("test")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    size = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    print(
        rejection_rates(count, seed=int(sys.argv[3]) if len(sys.argv) > 3 else 1, strength=size)
        .round(3)
        .to_string()
    )
