"""Whole studies without any effect, and how often each claim of Figures 1 and 2 is made of them.

``python tests/support/null_figures.py 500`` prints the table for the guide. The numbers are those of the
panels, computed by the functions that the panels call; drawings and example traces are left out.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from face_studies import simulated_study

from analysis.mouse_face import figure_1b, figure_1d, figure_1e
from analysis.mouse_face.contrasts import STATE, Contrast, contrast_tests, crossover_claim
from analysis.mouse_face.core_clips import CoreClips, core_clips, frames_at_events
from analysis.mouse_face.decoding_1f import answer
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_2b import own_rises
from analysis.mouse_face.figure_2c import comparisons
from analysis.mouse_face.figure_2d import extremes, pair_tests, slopes
from analysis.mouse_face.parameters import MouseFaceParameters, paper, recommended
from analysis.mouse_face.scoring import score
from analysis.mouse_face.selection import (
    Missing,
    condition_trials,
    core_trials,
    graded_trials,
    valence_trials,
)
from hardware.simulated.mouse_study import EMOTIONS, STUDIES, SessionKind

EVENTS = ("neutral", "quinine", "sucrose")
FEW_TREES = {
    "decoding_trees": 1,
    "decoding_test_trees": 8,
    "decoding_permutations": 19,
    "decoding_components": 6,
}
"""Small forests: a permutation test is exact with any."""


def kinds() -> list[SessionKind]:
    """Return the sessions: three classes, two events of three strengths, salt, thirst and aversion."""
    graded = STUDIES["graded"][0]

    def few(kind: SessionKind) -> SessionKind:
        return dataclasses.replace(kind, stimuli=tuple(one for one in kind.stimuli if one.event in EVENTS))

    rest = (kind for part in ("salt", "thirst", "aversion") for kind in STUDIES[part])
    return [few(EMOTIONS), few(graded), *rest]


def study(rng: np.random.Generator, *, effect: float = 0.0, n_animals: int = 9) -> FaceData:
    """Nine mice, three trials of everything, four frames per second."""
    return simulated_study(rng, kinds=kinds(), n_animals=n_animals, effect=effect, fs_hz=4.0, cells=(2, 3))


def p_values(rng: np.random.Generator, *, effect: float = 0.0) -> dict[str, float]:
    """Simulate one study and return the p value of every claim; of claims by eye 0 (made) or 1."""
    data = study(rng, effect=effect)
    ours = dataclasses.replace(recommended(), n_prototype_frames=5, **FEW_TREES)
    theirs = dataclasses.replace(paper(), n_prototype_frames=5, decoding_trees=5, decoding_repeats=2)
    found = {
        **_figure_1(data, ours, rng),
        **_decoding(data, ours, rng),
        **_figure_2(data, ours, ""),
        **_by_eye(data, theirs, rng),
        **_figure_2(data, theirs, "paper "),
    }
    return {name: p for name, p in found.items() if np.isfinite(p)}


def _core(data: FaceData, parameters: MouseFaceParameters) -> CoreClips:
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        raise ValueError(core.reason)
    return core


def _figure_1(data: FaceData, parameters: MouseFaceParameters, rng: np.random.Generator) -> dict[str, float]:
    core = _core(data, parameters)
    changes = figure_1b.shared_changes(core, parameters)
    phases = figure_1d.separations(core)
    tests = figure_1b.tested(changes, parameters, core.neutral).set_index("label")
    apart = figure_1d.tested(phases, parameters, core.neutral).set_index("label")
    at_events = frames_at_events(core, parameters)
    assert at_events is not None
    near = figure_1e.neighbours(data, at_events, parameters, rng)
    return {
        "1B changes of one event shared (t)": tests.loc["quinine", "p"],
        "1B control: neutral trials (t)": tests.loc["neutral", "p"],
        "1B any event (Holm)": tests.loc[["quinine", "sucrose"], "p_adjusted"].min(),
        "1D phases of one event apart (t)": apart.loc["quinine", "p"],
        "1D control: neutral trials (t)": apart.loc["neutral", "p"],
        "1D any event (Holm)": apart.loc[["quinine", "sucrose"], "p_adjusted"].min(),
        "1E frames of an event together (t)": near.test["p"],
    }


def _decoding(data: FaceData, parameters: MouseFaceParameters, rng: np.random.Generator) -> dict[str, float]:
    found = answer(data, _core(data, parameters), parameters, rng)
    assert not isinstance(found, Missing) and found.before is not None
    by_class = found.during.by_class["p"]
    return {
        "1F events decoded (trials shuffled)": found.during.overall["p"],
        "1F any class (largest)": float(by_class.min()) if by_class.notna().all() else 1.0,
        "1F control: before events": found.before.overall["p"],
    }


def _by_eye(data: FaceData, parameters: MouseFaceParameters, rng: np.random.Generator) -> dict[str, float]:
    core = _core(data, parameters)
    at_events = frames_at_events(core, parameters)
    assert at_events is not None
    near = figure_1e.neighbours(data, at_events, parameters, rng)
    seen = near.table["as_seen"].mean() >= parameters.by_eye_share
    decoded = answer(data, core, parameters, rng)
    assert not isinstance(decoded, Missing)
    rising = own_rises(score(data, core_trials(data, parameters).trials, parameters), parameters)  # type: ignore[union-attr]
    return {
        "paper 1E clouds of events, by eye": 0.0 if seen else 1.0,
        "paper 1F one class (Mann-Whitney)": float(decoded.during.by_class.loc["quinine", "p"]),
        "paper 2B one event rises, by eye": 0.0
        if rising["rising"].iloc[0] >= parameters.by_eye_share
        else 1.0,
    }


def _figure_2(data: FaceData, parameters: MouseFaceParameters, who: str) -> dict[str, float]:
    core, graded = core_trials(data, parameters), graded_trials(data, parameters)
    assert not isinstance(core, Missing) and not isinstance(graded, Missing)
    scores = score(data, core.trials, parameters)
    specific = comparisons(scores, parameters)[0]
    own = specific[specific["own"].astype(bool)]
    test = "Dunnett" if who else "t"
    found = {
        f"{who}2C own prototype, one event ({test})": float(own["p"].iloc[0]),
        f"{who}2C own prototype, any event ({'Dunnett' if who else 'Holm'})": float(own["p_used"].min()),
        f"{who}2C another prototype, any pair ({'Dunnett' if who else 'Holm'})": float(
            specific.loc[~specific["own"].astype(bool), "p_used"].min()
        ),
    }
    strengths = score(data, graded.trials, parameters)
    strengths = strengths[strengths["prototype"] == strengths["label"]]
    if who:
        pairs = pair_tests(strengths, ["quinine", "sucrose"])
        found["paper 2D highest with lowest (Mann-Whitney)"] = extremes(pairs[pairs["label"] == "quinine"])[
            "p"
        ]
    else:
        rises = own_rises(scores, parameters)
        found["2B own prototype, one event (t)"] = float(rises["p"].iloc[0])
        found["2B any event (Holm)"] = float(rises["p_adjusted"].min())
        slope = slopes(strengths, ["quinine", "sucrose"], parameters)[0]
        found["2D slope of one event (t)"] = float(slope["p"].iloc[0])
        found["2D any event (Holm)"] = float(slope["p_adjusted"].min())
    return {**found, **_states(data, parameters, who)}


def _states(data: FaceData, parameters: MouseFaceParameters, who: str) -> dict[str, float]:
    """Return the p values of the contrasts of Figure 2E-G."""
    found: dict[str, float] = {}
    test = "Mann-Whitney" if who else "t"
    for panel, chosen, column, (first, second) in (
        ("2E", valence_trials(data, parameters), "label", ("low", "high")),
        ("2F", condition_trials(data, parameters, parameters.thirst_conditions), "condition",
         parameters.thirst_conditions),
        ("2G", condition_trials(data, parameters, parameters.aversion_conditions), "condition",
         parameters.aversion_conditions),
    ):  # fmt: skip
        assert not isinstance(chosen, Missing)
        scores = score(data, chosen.trials.assign(label=chosen.trials["event"]), parameters)
        state = chosen.trials.set_index(["animal", "trial"])[column]
        scores[STATE] = state.reindex(pd.MultiIndex.from_frame(scores[["animal", "trial"]])).to_numpy()
        plan = (
            [("sucrose", None), ("quinine", None)]
            if panel != "2F"
            else [("sucrose", "sucrose"), ("sucrose", "water")]
        )
        contrasts = [
            Contrast(
                f"{prototype} {event}", "", prototype, first, second,
                scores[(scores["prototype"] == prototype) & ((scores["event"] == event) | (event is None))],
                pd.DataFrame(), (first, second), (first, second),
            )
            for prototype, event in plan
        ]  # fmt: skip
        tests, _ = contrast_tests(contrasts, parameters)
        found[f"{who}{panel} one contrast ({test})"] = float(tests["p"].iloc[0])
        if who:
            continue
        found[f"{panel} any contrast (Holm)"] = float(tests["p_used"].min())
        found[f"{panel} mixed model beside"] = float(tests["mixed_p"].iloc[0])
        if panel != "2F":
            found[f"{panel} one expression for another (t)"] = float(
                crossover_claim(contrasts, tests, "", parameters)["p"]
            )
    return found


def rejection_rates(n_studies: int, *, seed: int, effect: float = 0.0, alpha: float = 0.05) -> pd.DataFrame:
    """Return, for each claim, the share of studies with p <= alpha, and its standard error."""
    numbers = range(n_studies)
    return summary(
        [p_values(np.random.default_rng([seed, number]), effect=effect) for number in numbers], alpha
    )


def summary(rows: list[dict[str, float]], alpha: float = 0.05) -> pd.DataFrame:
    """Return the share of studies with p <= alpha for each claim, and its standard error."""
    rate = (pd.DataFrame(rows) <= alpha + 1e-12).mean()
    error = np.sqrt(rate * (1 - rate) / len(rows))
    table = pd.DataFrame({"rejected": rate, "se": error, "studies": len(rows)}).rename_axis("test")
    return table.loc[sorted(table.index, key=lambda name: (name.startswith("paper"), name))]


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    size = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    first_seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    print(rejection_rates(count, seed=first_seed, effect=size).round(3).to_string())
