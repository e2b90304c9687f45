"""The known truth: of the paper's size, saturating, and nothing when it is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hardware.simulated import effects

PAPER = {
    ("zygomaticus", "AngryToHappy"): 0.0187,
    ("zygomaticus", "HappyToAngry"): -0.0226,
    ("corrugator", "AngryToHappy"): -0.0275,
    ("corrugator", "HappyToAngry"): 0.0123,
}
DIRECTIONS = ("AngryToHappy", "HappyToAngry")


def windows(known: effects.MimicryEffects, *groups: str) -> dict[tuple[str, str, str], dict[str, object]]:
    said = effects.truth(known, DIRECTIONS, groups)["windows"]
    return {(row["muscle"], row["emotion"], row["group"]): row for row in said}


def test_slopes_are_those_of_the_paper() -> None:
    said = windows(effects.paper())
    for (muscle, direction), slope in PAPER.items():
        assert said[muscle, direction, "all"]["slope"] == pytest.approx(slope, rel=0.01)


def test_the_answer_saturates_within_five_seconds() -> None:
    values = np.array(windows(effects.paper())["zygomaticus", "AngryToHappy", "all"]["log_proportions"])
    steps = np.diff(values)
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()
    assert steps[-1] < 0.2 * steps[0]
    assert values[0] == pytest.approx(0, abs=0.01)


def test_the_curve_is_the_printed_formula_with_its_start_at_the_first_window() -> None:
    times_s = np.linspace(0.5, 5, 50)
    a, c = 0.1, -0.5
    window_number = times_s + 0.5
    expected = a - a * np.exp(-np.exp(c) * (window_number - 1))
    np.testing.assert_allclose(a * effects.unit_curve(times_s, log_rate=c, latency_s=0.5), expected)


def test_none_is_nothing_in_every_window() -> None:
    for row in windows(effects.none(), "A", "B").values():
        assert row["log_proportions"] == [0.0] * 5
        assert row["slope"] == 0
        assert row["asymptote"] == 0


def test_groups_differ_only_when_a_drug_does_something() -> None:
    same = windows(effects.paper(), "A", "B")
    assert (
        same["zygomaticus", "AngryToHappy", "A"]["slope"] == same["zygomaticus", "AngryToHappy", "B"]["slope"]
    )
    halved = windows(effects.paper(group_factors={"B": 0.5}), "A", "B")
    ratio = (
        halved["corrugator", "HappyToAngry", "B"]["slope"] / same["corrugator", "HappyToAngry", "A"]["slope"]
    )
    assert ratio == pytest.approx(0.5, rel=0.02)


def test_other_expressions_are_answered_by_how_they_end() -> None:
    known = effects.paper()
    assert effects.asymptote(known, "zygomaticus", "NeutralToHappy") == effects.asymptote(
        known, "zygomaticus", "AngryToHappy"
    )
    assert effects.asymptote(known, "zygomaticus", "HappyToNeutral") == 0
    for name in ("Happy", "ToHappy", "AngryTo"):
        with pytest.raises(ValueError, match="named like AngryToHappy"):
            effects.last_expression(name)


def test_people_vary_as_the_effects_say() -> None:
    rng = np.random.default_rng(1)
    known = effects.none()
    drawn = np.array([effects.draw_deviations(known, rng)["zygomaticus"] for _ in range(4000)])
    np.testing.assert_allclose(drawn.std(axis=0), known.participant_sds["zygomaticus"], rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(drawn.T), known.participant_correlations, atol=0.05)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.01)
    unit = effects.unit_window_means(known)
    answer = effects.personal_answer(known, {"zygomaticus": drawn[0]}, "zygomaticus", "AngryToHappy")
    windows_of_one = answer.level + answer.asymptote * unit
    assert windows_of_one[2] == pytest.approx(drawn[0][0])
    assert effects.slope_per_window(windows_of_one) == pytest.approx(drawn[0][2])


def test_a_face_is_the_same_for_everybody_and_on_every_platform() -> None:
    assert effects.face_normal(2023, "zygomaticus", "id01") == pytest.approx(0.6339451445775832, abs=1e-12)
    levels = [effects.face_level(effects.paper(), "corrugator", f"id{n}") for n in range(2000)]
    assert np.std(levels) == pytest.approx(0.010, rel=0.06)
    assert np.mean(levels) == pytest.approx(0, abs=0.001)


def test_the_truth_is_written_once_per_study(tmp_path: Path) -> None:
    path = effects.write_truth(tmp_path, effects.paper(), DIRECTIONS, ("A", "B"))
    assert path == tmp_path / "sourcedata" / "simulation_truth.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["simulated"] is True
    assert len(content["windows"]) == 8
    assert effects.write_truth(tmp_path, effects.paper(), DIRECTIONS, ("A", "B")) == path
    with pytest.raises(FileExistsError, match="holds other effects"):
        effects.write_truth(tmp_path, effects.none(), DIRECTIONS, ("A", "B"))
