"""Classes under light, and their comparisons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.faces.optogenetics import (
    class_fractions,
    fractions_against_control,
    fractions_as_paper,
    normalise_to_dark,
)

CLASSES = ["disgust", "neutral", "pleasure"]
GROUPS = {f"m{number}": "ChR2" if number < 5 else "eYFP" for number in range(10)}


def fractions(driven: float, rng: np.random.Generator) -> pd.DataFrame:
    """Ten mice, three trials, twenty frames; light drives disgust in the first five."""
    rows = [(animal, trial, frame) for animal in GROUPS for trial in range(3) for frame in range(20)]
    animals = np.array([row[0] for row in rows])
    shares = {"ChR2": [0.2 + driven, 0.6 - driven, 0.2], "eYFP": [0.2, 0.6, 0.2]}
    predicted = np.array([rng.choice(CLASSES, p=shares[GROUPS[animal]]) for animal in animals])
    return class_fractions(predicted, animals, np.array([row[1] for row in rows]), classes=CLASSES)


def test_fractions_add_up() -> None:
    table = fractions(0.3, np.random.default_rng(1))
    assert len(table) == 10 * 3 * 3
    np.testing.assert_allclose(table.groupby(["animal", "trial"])["fraction"].sum(), 1)


def test_what_light_drives_is_found_against_control_animals() -> None:
    rng = np.random.default_rng(1)
    during, before = fractions(0.4, rng), fractions(0.0, rng)
    for reference in (None, before):
        found = fractions_against_control(during, GROUPS, before=reference).set_index("label")
        assert found.loc["disgust", "p_adjusted"] < 0.001
        assert found.loc["disgust", "estimate"] == pytest.approx(0.4, abs=0.15)
        assert found.loc["disgust", "p_exact"] == pytest.approx(2 / 252)
        assert found.loc["pleasure", "p_adjusted"] > 0.05
        assert (found["n_first"] == 5).all()


def test_against_chance_a_preference_of_the_forest_looks_like_an_effect() -> None:
    nothing = fractions(0.0, np.random.default_rng(2))
    assert fractions_as_paper(nothing).loc["neutral", "p"] < 0.001
    assert fractions_against_control(nothing, GROUPS)["p_adjusted"].min() > 0.05
    assert fractions_as_paper(nothing, chance=0.6).loc["neutral", "p"] > 0.01


def test_scale_without_light() -> None:
    table = pd.DataFrame(
        {
            "animal": "m1",
            "prototype": ["disgust", "pleasure"] * 4,
            "light": [False] * 4 + [True] * 4,
            "during": [0.8, 0.4, 0.6, 0.2, 0.5, 0.3, 0.5, 0.3],
        }
    )
    found = normalise_to_dark(table, zero="pleasure", one="disgust")
    means = found.groupby(["prototype", "light"])["normalised"].mean()
    assert means[("disgust", False)] == pytest.approx(1)
    assert means[("pleasure", False)] == pytest.approx(0)
    assert means[("disgust", True)] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="nothing to scale by"):
        normalise_to_dark(table, zero="disgust", one="pleasure")
    with pytest.raises(ValueError, match="without light of pain"):
        normalise_to_dark(table, zero="pleasure", one="pain")


def test_wrong_input_is_said() -> None:
    table = fractions(0.0, np.random.default_rng(1))
    with pytest.raises(ValueError, match="no group: m9"):
        fractions_against_control(table, {name: GROUPS[name] for name in list(GROUPS)[:9]})
    with pytest.raises(ValueError, match="no group 'Arch'; there are: ChR2, eYFP"):
        fractions_against_control(table, GROUPS, first="Arch")
    alone = {name: "ChR2" if name == "m0" else "eYFP" for name in GROUPS}
    with pytest.raises(ValueError, match="two animals at least, found 1"):
        fractions_against_control(table, alone)
    with pytest.raises(ValueError, match="not among classes"):
        class_fractions(np.array(["pain"]), np.array(["m1"]), np.array([1]), classes=CLASSES)
    with pytest.raises(ValueError, match="no frames before the light"):
        fractions_against_control(table, GROUPS, before=table[table["trial"] > 0])
