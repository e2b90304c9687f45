import numpy as np
import pytest

from stimuli.rendered.action_units import action_units, face_units, read_intensities
from stimuli.rendered.expressions import (
    Expression,
    between,
    built_in_recipes,
    express,
    parse_recipe,
    read_recipes,
    recipes_text,
)
from stimuli.rendered.head import load_head
from stimuli.rendered.plan import draw_pairs


def test_every_action_unit_moves_known_face_units_and_is_named():
    targets = load_head().targets
    for name, unit in action_units().items():
        assert unit.name
        assert unit.muscle
        for move, amount in unit.moves.items():
            assert f"unit/{move}" in targets or f"unit/{move}Left" in targets, (name, move)
            assert amount > 0
        assert all(f"unit/{moved}" in targets for moved in face_units({name: 1.0}))


def test_the_units_of_the_two_recorded_muscles():
    assert "corrugator" in action_units()["AU4"].muscle
    assert "zygomaticus major" in action_units()["AU12"].muscle
    assert built_in_recipes()["angry"]["AU4"] > 0.5
    assert built_in_recipes()["happy"]["AU12"] > 0.5
    assert built_in_recipes()["neutral"] == {}


def test_sides_add_up_to_the_whole():
    for name in action_units():
        whole = face_units({name: 0.6})
        if any(moved.endswith("Left") for moved in whole):
            sides = face_units(read_intensities({name + "L": 0.6, name + "R": 0.6}, where="test"))
            assert sides == pytest.approx(whole)


def test_units_that_share_a_face_unit_add_up():
    both = face_units({"AU4": 0.5, "AU9": 1.0})["browDownLeft"]
    assert both == pytest.approx(
        face_units({"AU4": 0.5})["browDownLeft"] + face_units({"AU9": 1.0})["browDownLeft"]
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"AU3": 1}, "no action unit"),
        ({"smile": 1}, "no action unit"),
        ({"AU12": 1.2}, "expected 0 to 1"),
        ({"AU12": -0.1}, "expected 0 to 1"),
        ({"AU12": "F"}, "letter A to E"),
        ({"AU12": float("nan")}, "expected 0 to 1"),
        ({"AU12": 1, "12": 1}, "named twice"),
        ({"AU12": 1, "AU12L": 1}, "or its sides"),
        ({"AU26L": 1}, "no left and right side"),
    ],
)
def test_wrong_action_units_are_named(entries, message):
    with pytest.raises(ValueError, match=message):
        read_intensities(entries, where="here")


@pytest.mark.parametrize(
    "text", ["happy", "happy=AU12", "happy=AU12:1:2", "my face=AU12:1", "sex=AU12:1", "=AU1:1"]
)
def test_wrong_expressions_are_refused(text):
    with pytest.raises(ValueError, match="expression"):
        parse_recipe(text)


def test_tables_of_expressions_come_back_as_they_were(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(recipes_text(built_in_recipes()), encoding="utf-8")
    assert read_recipes(path) == built_in_recipes()
    path.write_text("AU12 = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="stands in no table"):
        read_recipes(path)
    path.write_text("[happy\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not a TOML file"):
        read_recipes(path)


def test_expressions_vary_around_the_recipe_and_stay_nearly_symmetric():
    recipe = {"AU12": 0.8, "AU26": 0.5}
    drawn = [
        express(recipe, sex="female", rng=np.random.default_rng(seed)).action_units for seed in range(200)
    ]
    left = np.array([d["AU12L"] for d in drawn])
    right = np.array([d["AU12R"] for d in drawn])
    assert left.mean() == pytest.approx(0.8, rel=0.02)
    assert (left + right).std() / (left + right).mean() == pytest.approx(0.07, rel=0.2)
    assert 0.02 < (left - right).std() / left.mean() < 0.1
    assert {"AU12L", "AU12R", "AU26"} == set(drawn[0])
    assert express({"AU12": 1.0}, sex="female", rng=np.random.default_rng(0), strength=9).action_units == {
        "AU12L": 1.0,
        "AU12R": 1.0,
    }


def test_men_lower_their_brows_less():
    recipe = built_in_recipes()["angry"]
    man, woman = (express(recipe, sex=sex, rng=np.random.default_rng(2)) for sex in ("male", "female"))
    assert man.action_units["AU4L"] < woman.action_units["AU4L"]
    assert man.action_units["AU15L"] == woman.action_units["AU15L"]


def test_an_expression_does_not_depend_on_which_others_are_asked_for():
    one = draw_pairs(2, seed=3, expressions=("angry",))
    three = draw_pairs(2, seed=3, expressions=("happy", "neutral", "angry"))
    assert [pair.expressions["angry"] for pair in one] == [pair.expressions["angry"] for pair in three]
    assert three[0].expressions["neutral"] == Expression({}, {})
    with pytest.raises(ValueError, match="no expression is named bored"):
        draw_pairs(1, seed=1, expressions=("bored",))


def test_in_betweens_go_straight_and_end_where_they_should():
    pair = draw_pairs(1, seed=1)[0]
    happy, angry = pair.expressions["happy"], pair.expressions["angry"]
    amounts = [between(happy, angry, level).face_units for level in (0, 0.5, 1)]
    for name in {*happy.face_units, *angry.face_units}:
        assert amounts[0][name] == pytest.approx(happy.face_units.get(name, 0))
        assert amounts[2][name] == pytest.approx(angry.face_units.get(name, 0))
        assert amounts[1][name] == pytest.approx((amounts[0][name] + amounts[2][name]) / 2, abs=1e-5)
