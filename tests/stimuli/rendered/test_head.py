import numpy as np
import pytest

from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.head import deform, deform_person, eyes_middle, load_head, part, split_quads
from stimuli.rendered.subdivision import subdivide

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


def test_subdivided_cube_has_catmull_and_clarks_positions():
    result = subdivide(CUBE_QUADS, 8, levels=1)
    points = result.weights @ CUBE
    assert points.shape == (26, 3)
    assert result.quads.shape == (24, 4)
    np.testing.assert_allclose(np.abs(points[:8]), 5 / 9, atol=1e-6)
    np.testing.assert_allclose(np.sort(np.abs(points[8:20]), 1), [[0, 0.75, 0.75]] * 12, atol=1e-6)
    np.testing.assert_allclose(np.sort(np.abs(points[20:]), 1), [[0, 0, 1]] * 6, atol=1e-6)


def test_subdivision_keeps_a_flat_sheet_flat_and_its_border_inside():
    sheet = np.array([[0, 1, 4, 3], [1, 2, 5, 4]])
    points = np.array([[x, y, 2.0] for y in (0, 1) for x in (0, 1, 2)])
    fine = subdivide(sheet, 6, levels=3)
    result = fine.weights @ points
    np.testing.assert_allclose(fine.weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(result[:, 2], 2, atol=1e-5)
    assert (result >= -1e-6).all()
    assert (result[:, :2] <= [2 + 1e-6, 1 + 1e-6]).all()


def test_no_level_is_the_mesh_itself():
    same = subdivide(CUBE_QUADS, 8, levels=0)
    np.testing.assert_array_equal(same.weights.toarray(), np.eye(8))
    np.testing.assert_array_equal(same.quads, CUBE_QUADS)


def test_head_model_is_complete_and_mirrored():
    head = load_head()
    assert len(head.vertices) == 5477
    assert sum(name.startswith("unit/") for name in head.targets) == 52
    for _, (index, shift) in head.targets.items():
        assert index.max(initial=0) < len(head.vertices)
        assert np.abs(shift).max(initial=0) < 5
    left, right = (head.vertices[np.unique(head.quads[f"eye_{side}"])] for side in ("left", "right"))
    assert left[:, 0].min() > 0 > right[:, 0].max()
    np.testing.assert_allclose(np.sort(left[:, 0]), np.sort(-right[:, 0]), atol=1e-3)
    assert set(head.masks) == {"lips", "ears", "eyelids", "inside_mouth"}
    for mask in head.masks.values():
        assert 0 <= mask.min() < mask.max() <= 1


def test_head_model_agrees_with_an_independent_cut(shared):
    head = load_head()
    with np.load(shared / "data" / "head_model" / "head_cc0.npz") as other:
        vertices = other["V"] * 1e-4
        names = [str(name) for name in other["names"]]
        np.testing.assert_allclose(np.sort(head.vertices, 0), np.sort(vertices, 0), atol=1e-9)
        order = {tuple(row): number for number, row in enumerate(np.round(vertices, 4).tolist())}
        number = np.array([order[tuple(row)] for row in np.round(head.vertices, 4).tolist()])
        compared = 0
        for k, name in enumerate(names):
            ours = name.replace("fu/", "unit/")
            if ours not in head.targets:
                continue
            part_ = slice(other["off"][k], other["off"][k + 1])
            theirs = np.zeros_like(vertices)
            theirs[other["I"][part_]] = other["D"][part_] * 1e-3
            mine = np.zeros_like(vertices)
            index, shift = head.targets[ours]
            mine[number[index]] = shift
            np.testing.assert_allclose(mine, theirs, atol=1e-9, err_msg=name)
            compared += 1
    assert compared > 140


def test_deform_adds_targets_in_proportion():
    head = load_head()
    once = deform(head, {"unit/jawOpen": 1.0}) - head.vertices
    half = deform(head, {"unit/jawOpen": 0.5}) - head.vertices
    assert np.abs(once).max() > 0.1
    np.testing.assert_allclose(half, once / 2, atol=1e-12)


def test_unknown_target_is_named():
    with pytest.raises(KeyError, match="earWiggle"):
        deform(load_head(), {"unit/earWiggle": 1.0})


@pytest.mark.parametrize("ancestry", ["african", "asian", "caucasian"])
def test_everybodys_eyes_are_at_the_same_height(ancestry):
    head = load_head()
    person = deform_person(head, {f"macrodetails/{ancestry}-female-young": 1.0}, {})
    np.testing.assert_allclose(eyes_middle(head, person), eyes_middle(head, head.vertices), atol=1e-9)


def test_forehead_has_no_ridge_between_the_brows_units():
    head = load_head()
    frown = deform_person(head, {}, {"browDownLeft": 1.0, "browDownRight": 1.0})
    unsmoothed = deform(head, {"unit/browDownLeft": 1.0, "unit/browDownRight": 1.0})
    x, y, z = head.vertices.T
    middle = np.flatnonzero((np.abs(x) < 1e-6) & (y > 7.65) & (y < 8.0) & (z > 0.5))
    right_of = head.vertices[middle] + np.array([0.1, 0, 0])
    beside = np.array([np.argmin(np.linalg.norm(head.vertices - v, axis=1)) for v in right_of])

    def ridge(vertices):
        moved = (vertices - head.vertices)[:, 2]
        return np.abs(moved[middle] - moved[beside]).max()

    assert len(middle) > 3
    assert ridge(frown) < 0.5 * ridge(unsmoothed)


def test_parts_and_mesh_fit_together():
    head, mesh = load_head(), drawn_mesh()
    assert mesh.triangles.max() == len(mesh.rest) - 1
    assert len(mesh.material) == len(mesh.triangles)
    assert mesh.triangles[mesh.material == 0].max() < mesh.n_skin
    np.testing.assert_allclose(mesh.weights @ head.vertices, mesh.rest, atol=1e-5)
    assert part("tongue", 0).weights.shape[0] == len(np.unique(head.quads["tongue"]))
    assert split_quads(np.array([[0, 1, 2, 3]])).tolist() == [[0, 1, 2], [0, 2, 3]]
