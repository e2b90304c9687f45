"""Prototypes: what they find, what they find in nothing, and comparisons within animals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.faces.comparisons import (
    compare_as_paper,
    compare_conditions,
    compare_crossover,
    graded_response,
    mixed_beside,
    specificity,
    specificity_as_paper,
)
from analysis.faces.prototypes import (
    cross_fitted_scores,
    make_prototypes,
    min_max_scores,
    paper_scores,
    similarity_traces,
    trial_scores,
    z_traces,
)
from analysis.models.small_samples import one_sample
from hardware.simulated.mouse_descriptors import SimulatedFaces, simulate_faces


def study(effect: float, seed: int = 1, **changes: object) -> SimulatedFaces:
    options = {"n_animals": 5, "events": ("neutral", "quinine", "shock"), "fs_hz": 5.0, "n_features": 30}
    return simulate_faces(rng=np.random.default_rng(seed), effect=effect, **{**options, **changes})


def of(faces: SimulatedFaces) -> tuple[np.ndarray, pd.DataFrame]:
    return faces.descriptors, faces.frames


def test_a_prototype_is_the_mean_of_the_frames_least_like_neutral() -> None:
    values, frames = of(study(1.0, n_animals=1))
    made = make_prototypes(values, frames, n_frames=4)
    assert made.names == ("quinine", "shock")
    neutral = values[~frames["during"]].mean(axis=0)
    own = frames.index[(frames["label"] == "shock") & frames["during"]]
    r = [np.corrcoef(values[row], neutral)[0, 1] for row in own]
    chosen = own[np.argsort(r)[:4]]
    assert sorted(made.chosen["shock"]) == sorted(chosen)
    np.testing.assert_allclose(made.values[1], values[chosen].mean(axis=0), rtol=1e-5)
    everything = make_prototypes(values, frames, recipe="mean")
    assert len(everything.chosen["shock"]) == len(own)
    later = make_prototypes(values, frames, exclude_first_trial=True, recipe="mean")
    assert set(frames.loc[later.chosen["shock"], "trial"]) < set(frames.loc[own, "trial"])


def test_cross_fitted_scores_do_not_see_the_trial_that_is_scored() -> None:
    values, frames = of(study(1.0, n_animals=1))
    trial = frames["trial"].to_numpy()
    scored = trial == frames.loc[frames["label"] == "shock", "trial"].iloc[0]
    before = similarity_traces(values, frames)
    spoilt = values.copy()
    spoilt[scored] = spoilt[scored][:, ::-1] * 3
    after = similarity_traces(spoilt, frames)
    repeat = frames["trial"] // 3
    same_fold = (repeat == repeat[scored].iloc[0]) & ~scored
    np.testing.assert_allclose(
        before[same_fold], after[same_fold]
    )  # their prototypes lack this trial as well
    assert not np.allclose(before[~same_fold & ~scored], after[~same_fold & ~scored])
    seen = similarity_traces(values, frames, cross_fitted=False)
    assert seen.loc[scored, "shock"].mean() > before.loc[scored, "shock"].mean()


def test_scores_are_means_of_the_trial() -> None:
    values, frames = of(study(1.0, n_animals=2))
    traces = similarity_traces(values, frames)
    scores = trial_scores(traces, frames, baseline_s=2.0)
    row = scores[(scores["animal"] == "m2") & (scores["trial"] == 4) & (scores["prototype"] == "shock")].iloc[
        0
    ]
    own = (frames["animal"] == "m2") & (frames["trial"] == 4)
    rest = traces.loc[own & ~frames["during"] & (frames["since_s"] >= -2), "shock"]
    on = traces.loc[own & frames["during"], "shock"]
    assert len(rest) == 10
    assert row["before"] == pytest.approx(rest.mean())
    assert row["delta_r"] == pytest.approx(on.mean() - rest.mean())
    assert row["z"] == pytest.approx((on.mean() - rest.mean()) / rest.std())
    assert row["label"] == frames.loc[own, "label"].iloc[0]
    assert "intensity" in scores
    z = z_traces(traces, frames)
    assert z.loc[rest.index, "shock"].mean() == pytest.approx(0, abs=1e-9)
    assert z.loc[rest.index, "shock"].std() == pytest.approx(1)
    assert z.loc[on.index, "shock"].mean() == pytest.approx(row["z"])


def test_nothing_is_found_in_nothing_unless_trials_score_themselves() -> None:
    found = {"cross": [], "paper": []}
    for seed in range(12):
        faces = study(0.0, seed=seed, n_animals=4, drift_sd=0.3)
        for name, score in (("cross", cross_fitted_scores), ("paper", paper_scores)):
            table = score(*of(faces))
            own = table[table["label"] == table["prototype"]]
            found[name].extend(own.groupby("animal")["delta_r"].mean())
    assert np.mean(np.array(found["paper"]) > 0) > 0.8
    assert 0.3 < np.mean(np.array(found["cross"]) > 0) < 0.7
    assert one_sample(np.array(found["cross"]))["p"] > 0.01


def test_known_expressions_are_found_where_they_are() -> None:
    table = specificity(cross_fitted_scores(*of(study(1.5, n_animals=8))))
    assert (table.loc[table["own"], "p_adjusted"] < 0.05).all()
    assert (table.loc[table["own"], "estimate"] > 0.1).all()
    assert (table.loc[~table["own"], "estimate"] < table.loc[table["own"], "estimate"].min()).all()
    assert (table["effect_lower"] < table["effect_size"]).all()
    as_paper = specificity_as_paper(paper_scores(*of(study(1.5))))
    assert (as_paper.loc[as_paper["own"], "p"] < 0.01).all()
    figure = min_max_scores(paper_scores(*of(study(1.5))))
    np.testing.assert_allclose(figure.max(), 1)
    assert (figure.to_numpy() >= 0).all()


def test_strength_and_states() -> None:
    faces = study(1.0, intensities=(0.3, 1.0, 3.0), n_repeats=2, n_animals=8, events=("neutral", "shock"))
    scores = cross_fitted_scores(*of(faces))
    own = scores[scores["label"] == "shock"]
    for scale in ("rank", "log", "linear"):
        assert graded_response(own, scale=scale)["p"] < 0.01
        assert graded_response(own, scale=scale)["estimate"] > 0
    pair = compare_conditions(own, "intensity", 3.0, 0.3)
    beside = mixed_beside(own, "intensity", 3.0, 0.3)
    assert pair["n"] == 8
    assert beside["estimate"] == pytest.approx(pair["estimate"], abs=1e-6)
    assert beside["t"] == pytest.approx(pair["t"], rel=0.05)
    assert pair["p"] < 0.01
    assert compare_as_paper(own, "intensity", 3.0, 0.3, value="delta_r")["rank_biserial"] > 0.8
    turned = compare_conditions(own, "intensity", 0.3, 3.0)
    assert turned["estimate"] == pytest.approx(-pair["estimate"])


def test_slopes_are_those_of_a_line_through_each_animal() -> None:
    rng = np.random.default_rng(2)
    rows = [(f"m{a}", x, a + 0.5 * a * x + rng.normal()) for a in range(4) for x in (1, 2, 5, 9)]
    table = pd.DataFrame(rows, columns=["animal", "intensity", "delta_r"]).iloc[:-1]
    slopes = [np.polyfit(own["intensity"], own["delta_r"], 1)[0] for _, own in table.groupby("animal")]
    assert graded_response(table, scale="linear")["estimate"] == pytest.approx(np.mean(slopes))


def test_one_expression_for_another() -> None:
    rows = [
        (
            f"m{animal}",
            state,
            name,
            0.1 * animal + (0.5 if (state == "after") == (name == "disgust") else 0.1),
        )
        for animal in range(5)
        for state in ("before", "after")
        for name in ("pleasure", "disgust")
    ]
    table = pd.DataFrame(rows, columns=["animal", "state", "prototype", "delta_r"])
    table["delta_r"] += np.random.default_rng(1).normal(0, 0.02, len(table))
    found = compare_crossover(table, "state", "after", "before", prototypes=("disgust", "pleasure"))
    assert found["estimate"] == pytest.approx(0.8, abs=0.05)
    assert found["p"] < 0.001
    assert found["p_exact"] == pytest.approx(2 / 32)
    with pytest.raises(ValueError, match="no scores of prototype 'pain'; there are: pleasure, disgust"):
        compare_crossover(table, "state", "after", "before", prototypes=("pain", "pleasure"))
    with pytest.raises(ValueError, match="choose the scores of one prototype"):
        compare_conditions(table, "state", "after", "before")


class TestRefused:
    values, frames = of(study(1.0, n_animals=2))

    def test_one_trial_of_an_event(self) -> None:
        shocks = self.frames.loc[self.frames["label"] == "shock", "trial"].unique()
        kept = ~((self.frames["label"] == "shock") & (self.frames["trial"] != shocks[0]))
        kept &= self.frames["animal"] == "m1"
        with pytest.raises(ValueError, match="animal m1 has one trial of shock"):
            cross_fitted_scores(self.values[kept], self.frames[kept])

    def test_one_trial_of_everything(self) -> None:
        first = self.frames["trial"] < 3
        with pytest.raises(ValueError, match="animal m1 has one trial of each event"):
            cross_fitted_scores(self.values[first], self.frames[first])

    def test_one_animal(self) -> None:
        own = self.frames["animal"] == "m1"
        scores = cross_fitted_scores(self.values[own], self.frames[own])
        with pytest.raises(ValueError, match="needs two animals that have both, found 1"):
            specificity(scores)
        with pytest.raises(ValueError, match="three animals"):
            mixed_beside(scores[scores["prototype"] == "shock"], "label", "shock", "quinine")

    def test_missing_values(self) -> None:
        spoilt = self.values.copy()
        spoilt[7] = np.nan
        with pytest.raises(ValueError, match="the first is row 7"):
            cross_fitted_scores(spoilt, self.frames)

    def test_a_trial_without_rest(self) -> None:
        kept = ~((self.frames["trial"] == 2) & ~self.frames["during"] & (self.frames["animal"] == "m2"))
        with pytest.raises(ValueError, match="trial 2 of animal m2 has no valid frames before"):
            cross_fitted_scores(self.values[kept], self.frames[kept])

    def test_no_neutral(self) -> None:
        kept = self.frames["label"] != "neutral"
        scores = cross_fitted_scores(self.values[kept], self.frames[kept])
        with pytest.raises(ValueError, match="no 'neutral' trials"):
            specificity(scores)
        with pytest.raises(ValueError, match="no frames at rest"):
            make_prototypes(self.values, self.frames.assign(during=True))

    def test_other_mistakes(self) -> None:
        with pytest.raises(ValueError, match="recipe should be one of"):
            make_prototypes(self.values, self.frames, recipe="best")
        with pytest.raises(ValueError, match="absent: since_s"):
            make_prototypes(self.values, self.frames.drop(columns="since_s"))
        with pytest.raises(ValueError, match="one descriptor per row"):
            make_prototypes(self.values[1:], self.frames)
        scores = cross_fitted_scores(self.values, self.frames)
        with pytest.raises(ValueError, match="'thirsty' does not occur"):
            compare_conditions(scores[scores["prototype"] == "shock"], "label", "thirsty", "shock")
        with pytest.raises(ValueError, match="two different ones"):
            graded_response(scores[scores["prototype"] == "shock"])
