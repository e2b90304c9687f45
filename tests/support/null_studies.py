"""Studies of faces that know nothing of events, and how often each test finds something in them.

``python tests/support/null_studies.py 500`` prints the table for the guide.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysis.faces.comparisons import (
    compare_as_paper,
    compare_conditions,
    compare_crossover,
    graded_response,
    mixed_beside,
    specificity,
    specificity_as_paper,
)
from analysis.faces.decoding import decode, subtract_baseline
from analysis.faces.forest import grow_forest
from analysis.faces.optogenetics import class_fractions, fractions_against_control, fractions_as_paper
from analysis.faces.prototypes import cross_fitted_scores, paper_scores
from analysis.faces.similarity import correlate_frames, phase_separation
from analysis.models.small_samples import one_sample
from hardware.simulated.mouse_descriptors import SimulatedFaces, simulate_faces

EVENTS = ("neutral", "quinine", "shock")


def study(rng: np.random.Generator, *, effect: float = 0.0, n_animals: int = 9) -> SimulatedFaces:
    """Nine mice, three classes, three strengths, two repeats, four frames per second."""
    return simulate_faces(
        rng=rng,
        n_animals=n_animals,
        events=EVENTS,
        n_repeats=2,
        effect=effect,
        intensities=(1.0, 2.0, 3.0),
        n_features=24,
        fs_hz=4.0,
    )


def p_values(rng: np.random.Generator, *, effect: float = 0.0) -> dict[str, float]:
    """Simulate one study and return the p value of every test, recommended and as in the paper."""
    faces = study(rng, effect=effect)
    scores = cross_fitted_scores(faces.descriptors, faces.frames, n_frames=5)
    seen = paper_scores(faces.descriptors, faces.frames, n_frames=5)
    return {
        **_of_phases(faces),
        **_of_scores(scores),
        **_of_paper_scores(seen),
        **_of_decoders(faces, rng),
        **_of_light(rng, effect),
    }


def _of_phases(faces: SimulatedFaces) -> dict[str, float]:
    found = []
    for _, own in faces.frames[faces.frames["label"] == "shock"].groupby("animal"):
        found.append(phase_separation(correlate_frames(faces.descriptors[own.index]), own))
    return {"1D before and during apart (t, animals)": one_sample(np.array(found))["p"]}


def _of_scores(scores: pd.DataFrame) -> dict[str, float]:
    family = specificity(scores)
    shock = scores[scores["prototype"] == "shock"]
    own = shock[shock["label"] == "shock"]
    change = own.groupby("animal")["delta_r"].mean().to_numpy()
    pair = ("intensity", 1.0, 3.0)
    both = scores[scores["label"] == "quinine"]
    return {
        "2B own prototype, event with rest (t, animals)": one_sample(change)["p"],
        "2B the same, all signs flipped": one_sample(change)["p_exact"],
        "2C event with neutral (t, animals)": family.loc[family["own"], "p"].iloc[-1],
        "2C any of the family (Holm)": family["p_adjusted"].min(),
        "2D graded strength (slopes)": graded_response(own)["p"],
        "2E-G two conditions (t, animals)": compare_conditions(own, *pair)["p"],
        "2E-G the same, mixed model": mixed_beside(own, *pair)["p"],
        "2E, 2G one expression for another": compare_crossover(both, *pair, prototypes=("quinine", "shock"))[
            "p"
        ],
    }


def _of_paper_scores(scores: pd.DataFrame) -> dict[str, float]:
    own = scores[(scores["prototype"] == "shock") & (scores["label"] == "shock")]
    dunnett = specificity_as_paper(scores)
    return {
        "paper 2B own prototype, event with rest": one_sample(
            own.groupby("animal")["delta_r"].mean().to_numpy()
        )["p"],
        "paper 2C ANOVA and Dunnett, own event": dunnett.loc[dunnett["own"], "p"].iloc[-1],
        "paper 2D-G Mann-Whitney, trials": compare_as_paper(own, "intensity", 1.0, 3.0)["p"],
    }


def _of_decoders(faces: SimulatedFaces, rng: np.random.Generator) -> dict[str, float]:
    frames = faces.frames
    rest = frames["during"].to_numpy()
    values = subtract_baseline(faces.descriptors, frames["animal"].to_numpy(), ~rest)
    few = frames["animal"].isin(["m1", "m2", "m3", "m4", "m5"]).to_numpy()
    sparse = few & (np.arange(len(frames)) % 4 == 0)
    found = {}
    for name, scheme, kept in (
        ("1F decoder, animals left out (labels permuted)", "animals", sparse & rest),
        ("1F decoder, repeats left out (labels permuted)", "trials", sparse & rest),
        ("1F control: frames before events", "animals", sparse & ~rest),
    ):
        columns = [frames[column].to_numpy()[kept] for column in ("label", "animal", "trial")]
        options = {"n_trees": 1, "n_permutations": 19, "n_test_trees": 10, "rng": rng}
        found[name] = decode(values[kept], *columns, scheme=scheme, **options).p
    return found


def _of_light(rng: np.random.Generator, effect: float) -> dict[str, float]:
    """Two mice teach the forest; light falls on ten others, and drives five of them if there is an effect."""
    faces = study(rng, effect=effect, n_animals=12)
    frames, during = faces.frames, faces.frames["during"].to_numpy()
    values = subtract_baseline(faces.descriptors, frames["animal"].to_numpy(), ~during)
    teachers = frames["animal"].isin(["m1", "m2"]).to_numpy()
    known = teachers & during
    forest = grow_forest(values[known], frames["label"].to_numpy()[known], rng=rng, n_trees=20)
    names = [f"m{number}" for number in range(3, 13)]
    groups = dict(zip(names, ["ChR2"] * 5 + ["eYFP"] * 5, strict=True))
    shown = np.where(frames["animal"].map(groups) == "ChR2", "shock", "neutral")
    kept = during & ~teachers & (frames["label"] == shown).to_numpy()
    about = frames[kept]
    fractions = class_fractions(
        forest.predict(values[kept]), about["animal"].to_numpy(), about["trial"].to_numpy(), classes=EVENTS
    )
    compared = fractions_against_control(fractions, groups).set_index("label")
    driven = fractions[fractions["animal"].map(groups) == "ChR2"]
    return {
        "3F ChR2 with eYFP (Welch, animals)": float(compared.loc["shock", "p"]),
        "3F any class (Holm)": float(compared["p_adjusted"].min()),
        "paper 3F Wilcoxon against chance, any class": float(fractions_as_paper(driven)["p"].min()),
    }


def rejection_rates(n_studies: int, *, seed: int, effect: float = 0.0, alpha: float = 0.05) -> pd.DataFrame:
    """Return, for each test, the share of studies with p <= alpha, and its standard error."""
    rows = [p_values(np.random.default_rng([seed, number]), effect=effect) for number in range(n_studies)]
    rate = (pd.DataFrame(rows) <= alpha + 1e-12).mean()
    error = np.sqrt(rate * (1 - rate) / n_studies)
    return pd.DataFrame({"rejected": rate, "se": error, "studies": n_studies}).rename_axis("test")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    size = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    print(
        rejection_rates(count, seed=int(sys.argv[3]) if len(sys.argv) > 3 else 1, effect=size)
        .round(3)
        .to_string()
    )
