import numpy as np
import pytest

from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.expressions import built_in_recipes, express
from stimuli.rendered.hair import grow_hair, scalp_distance
from stimuli.rendered.head import deform_person, load_head
from stimuli.rendered.identities import draw_people
from stimuli.rendered.plan import draw_pairs
from stimuli.rendered.rasterize import vertex_normals
from stimuli.rendered.skull import measure_skull
from stimuli.rendered.strands import SHADES, colour_ramp, paint


def test_set_of_the_paper_has_twelve_pairs_of_ten_people_five_of_them_male():
    pairs = draw_pairs(10, seed=1)
    people = {pair.person.identity: pair.person.sex for pair in pairs}
    assert len(pairs) == 12
    assert sorted(people.values()) == ["female"] * 5 + ["male"] * 5
    second = [pair for pair in pairs if pair.pair.endswith("b")]
    assert {pair.person.sex for pair in second} == {"female", "male"}


def test_second_pair_is_another_one_of_the_same_person():
    by_name = {pair.pair: pair for pair in draw_pairs(10, seed=1)}
    first, second = by_name["id03"], by_name["id03b"]
    assert first.person.shape == second.person.shape
    assert first.studio.key[0] * second.studio.key[0] < 0
    assert first.expressions != second.expressions
    assert first.person.look.shirt != second.person.look.shirt


def test_same_seed_same_people_whatever_their_number():
    assert draw_people(4, seed=3) == draw_people(9, seed=3)[:4]
    assert draw_people(4, seed=3) != draw_people(4, seed=4)


@pytest.mark.parametrize("number", [0, -1, 100])
def test_impossible_number_of_people(number):
    with pytest.raises(ValueError, match="between 1 and 99"):
        draw_pairs(number, seed=1)


def test_all_targets_of_all_people_exist():
    recipe = built_in_recipes()["angry"]
    for person in draw_people(20, seed=5):
        shown = express(recipe, sex=person.sex, rng=np.random.default_rng(0))
        deform_person(load_head(), person.shape, shown.face_units)


@pytest.mark.parametrize("place", range(10))
def test_hair_grows_from_the_scalp_and_leaves_the_face_free(place):
    person = draw_people(10, seed=1)[place]
    mesh = drawn_mesh()
    points = mesh.weights @ deform_person(load_head(), person.shape, {})
    strands = grow_hair(person, points, vertex_normals(points, mesh.triangles), mesh)
    assert np.isfinite(strands).all()
    x, y, z = np.moveaxis(strands, 2, 0)
    on_face = (np.abs(x) < 0.45) & (y > 6.3) & (y < 7.55) & (z > 0.6)
    assert on_face.mean() < 1e-4
    scalp = scalp_distance(mesh, person.look.hair_style)
    assert scalp[mesh.n_skin :].max() < 0
    assert 0.04 < (scalp[: mesh.n_skin] > 0).mean() < 0.5


def test_skull_map_is_the_heads_radius():
    mesh = drawn_mesh()
    skull = measure_skull(mesh.rest, mesh, with_ears=False)
    chosen = (mesh.rest[:, 1] > 7.9) & (np.arange(len(mesh.rest)) < mesh.n_skin)
    distance = np.linalg.norm(mesh.rest[chosen] - skull.centre, axis=1)
    np.testing.assert_allclose(skull.radius(mesh.rest[chosen]), distance, atol=0.08)


def test_strands_are_painted_far_ones_first():
    canvas = np.zeros((20, 20, 4), np.uint8)
    line = np.array([[2.0, 10, 0], [10, 10, 0], [18, 10, 0]])
    screen = np.stack([line + np.array([0, 0, depth]) for depth in (1.0, 9.0)])
    ramp = np.zeros((SHADES, 3))
    ramp[0], ramp[-1] = (1, 0, 0), (0, 0, 1)
    shade = np.array([[0.0] * 3, [0.999] * 3])
    paint(canvas, screen, shade, ramp)
    assert canvas[10, 10, 0] > canvas[10, 10, 2]
    assert canvas[10, 10, 3] > 100
    assert not canvas[2].any()


def test_strands_with_a_hidden_point_are_left_out():
    canvas = np.zeros((20, 20, 4), np.uint8)
    screen = np.array([[[2.0, 10, 1], [10, 10, 1], [18, 10, 1]]])
    keep = np.array([[True, False, True]])
    paint(canvas, screen, np.zeros((1, 3)), np.ones((SHADES, 3)), keep=keep)
    assert not canvas.any()


def test_ramp_ends_at_the_shine():
    ramp = colour_ramp((0.4, 0.3, 0.2), (0.8, 0.8, 0.7))
    np.testing.assert_allclose(ramp[-1], [0.8, 0.8, 0.7])
    assert (np.diff(ramp, axis=0) >= 0).all()
