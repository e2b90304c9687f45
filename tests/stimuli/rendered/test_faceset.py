import dataclasses
import hashlib
import json
import shutil
import sys

import cv2
import numpy as np
import pytest

from stimuli.__main__ import main
from stimuli.face_model import face_model
from stimuli.face_points import UPPER_LIP
from stimuli.landmark_files import read_landmark_file
from stimuli.landmarks import find_landmarks
from stimuli.mouth import complete_eyes, complete_lips
from stimuli.pairs import read_pairs
from stimuli.rendered import DEFAULT_SEED
from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.exact_landmarks import landmark_vertices
from stimuli.rendered.expressions import built_in_recipes, read_recipes
from stimuli.rendered.faceset import FaceSet, make_face_set, render_pair
from stimuli.rendered.gallery import TILE_PX, draw_gallery
from stimuli.rendered.people_tables import built_in_people, people_text, read_people
from stimuli.rendered.plan import draw_pairs
from stimuli.rendered.scene import build_scene, see

LEAST_SMILE = 0.4
LEAST_FROWN = 0.1


@pytest.fixture(scope="module")
def face_set(tmp_path_factory):
    out = tmp_path_factory.mktemp("faces") / "set of faces ä"
    make_face_set(out, FaceSet(identities=2, seed=DEFAULT_SEED), progress=False, n_workers=2)
    return out


def photographs(folder):
    return sorted(folder.glob("photographs/*.png"))


def read_rgb(path):
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def expression_difference(folder, pair):
    scores = {}
    for emotion in ("happy", "angry"):
        picture = np.ascontiguousarray(read_rgb(folder / "photographs" / f"{pair}_{emotion}.png"))
        found = find_landmarks(picture, name=f"{pair}_{emotion}").scores
        scores[emotion] = {
            name: (found[f"{name}Left"] + found[f"{name}Right"]) / 2 for name in ("mouthSmile", "browDown")
        }
    happy, angry = scores["happy"], scores["angry"]
    return happy["mouthSmile"] - angry["mouthSmile"], angry["browDown"] - happy["browDown"]


def test_set_is_a_pairs_table_that_the_morphs_read(face_set):
    pairs = read_pairs(face_set / "pairs.tsv")
    assert [pair.identity for pair in pairs.pairs] == ["id01", "id02"]
    assert [pair.sex for pair in pairs.pairs] == ["female", "male"]
    assert all(path.is_file() for pair in pairs.pairs for path in pair.photographs)
    dictionary = json.loads((face_set / "pairs.json").read_text(encoding="utf-8"))
    header = (face_set / "pairs.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t")
    assert list(dictionary) == header


def test_photographs_are_what_was_promised(face_set):
    assert len(photographs(face_set)) == 4
    for path in photographs(face_set):
        picture = read_rgb(path)
        assert picture.shape == (800, 600, 3)
        assert 40 < picture.mean() < 200
        assert (picture.max(axis=2) == 0).mean() < 0.02


def test_record_says_rendered_and_has_the_hashes(face_set):
    record = json.loads((face_set / "faces.json").read_text(encoding="utf-8"))
    assert record["rendered"] is True
    assert record["complete"] is True
    assert record["seed"] == DEFAULT_SEED
    for name, entry in record["photographs"].items():
        data = (face_set / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["file_sha256"]
        assert hashlib.sha256(read_rgb(face_set / name).tobytes()).hexdigest() == entry["pixels_sha256"]
        assert entry["action_units"]
        assert entry["face_units"]


def test_a_set_carries_its_people_and_its_action_units_as_tables(face_set):
    people = read_people(face_set / "identities.toml")
    assert people == built_in_people()[:2]
    recipes = read_recipes(face_set / "expressions.toml")
    assert recipes == {name: built_in_recipes()[name] for name in ("happy", "angry")}


def test_other_expressions_and_people_from_a_table(tmp_path, monkeypatch):
    person = dataclasses.replace(built_in_people()[1], identity="anna2")
    (tmp_path / "own.toml").write_text(people_text([person]), encoding="utf-8")
    arguments = ["faces", str(tmp_path / "set"), "--people", str(tmp_path / "own.toml"), "--workers", "1"]
    arguments += ["--expressions", "neutral", "--expression", "surprise=AU1:1,AU2:E,AU26:.5"]
    monkeypatch.setattr(sys, "argv", ["stimuli", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    (pair,) = read_pairs(tmp_path / "set" / "pairs.tsv").pairs
    assert pair.identity == "anna2"
    assert [path.name for path in pair.photographs] == ["anna2_neutral.png", "anna2_surprise.png"]
    record = json.loads((tmp_path / "set" / "faces.json").read_text(encoding="utf-8"))
    assert record["recipes"]["surprise"] == {"AU1": 1, "AU2": 1, "AU26": 0.5}
    assert record["photographs"]["photographs/anna2_neutral.png"]["face_units"] == {}
    scores = [
        find_landmarks(np.ascontiguousarray(read_rgb(path)), name=path.name).scores
        for path in pair.photographs
    ]
    assert scores[1]["jawOpen"] > scores[0]["jawOpen"] + 0.1
    assert scores[1]["browInnerUp"] > scores[0]["browInnerUp"] + 0.1
    assert scores[0]["mouthSmileLeft"] < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--expressions", "happy,bored"], "no expression is named bored"),
        (["--expressions", "happy,happy"], "more than once: happy"),
        (["--expressions", ""], "one expression at least"),
        (["--expression", "odd=AU99:1"], "'AU99' is no action unit"),
        (["--people", "missing.toml"], "table not found"),
        (["--animate", "happy"], "expected two expressions"),
        (["--animate", "happy:happy"], "two different expressions"),
        (["--animate", "happy:angry", "--seconds", "0"], "duration of the onset is 0"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_made(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stimuli", "faces", str(tmp_path / "set"), *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_gallery_has_a_column_per_person_and_a_row_per_expression(face_set):
    picture = draw_gallery(face_set / "pairs.tsv")
    assert picture.shape == (2 * TILE_PX[1], 2 * TILE_PX[0], 3)
    happy, angry = picture[: TILE_PX[1]], picture[TILE_PX[1] :]
    assert np.abs(happy.astype(int) - angry).max() > 50


def test_same_bytes_with_any_number_of_workers(face_set, tmp_path):
    (tmp_path / "photographs").mkdir()
    pair = draw_pairs(1, seed=DEFAULT_SEED)[0]
    render_pair(tmp_path, pair)
    for path in photographs(tmp_path):
        assert path.read_bytes() == (face_set / "photographs" / path.name).read_bytes()


def test_finished_photographs_are_kept_and_lost_ones_made_again(face_set, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(face_set, copy)
    kept, broken = copy / "photographs" / "id01_happy.png", copy / "photographs" / "id02_angry.png"
    before, whole = kept.stat().st_mtime_ns, broken.read_bytes()
    broken.write_bytes(whole[:1000])
    make_face_set(copy, FaceSet(identities=2, seed=DEFAULT_SEED), progress=False, n_workers=1)
    assert kept.stat().st_mtime_ns == before
    assert broken.read_bytes() == whole


@pytest.mark.parametrize(
    "change", [{"seed": DEFAULT_SEED + 1}, {"identities": 3}, {"expressions": ("happy", "angry", "neutral")}]
)
def test_another_set_in_the_folder_is_refused(face_set, change):
    arguments = {"identities": 2, "seed": DEFAULT_SEED} | change
    with pytest.raises(FileExistsError, match="another face set"):
        make_face_set(face_set, FaceSet(**arguments), progress=False)


def test_other_files_in_the_folder_are_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError, match="other files"):
        make_face_set(tmp_path, FaceSet(identities=1, seed=1), progress=False)
    with pytest.raises(FileExistsError, match="is a file"):
        make_face_set(tmp_path / "thesis.docx", FaceSet(identities=1, seed=1), progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_negative_seed_is_refused(tmp_path):
    with pytest.raises(ValueError, match="seed"):
        make_face_set(tmp_path / "new", FaceSet(identities=1, seed=-1), progress=False)
    assert not (tmp_path / "new").exists()


def test_landmarks_of_a_pair_belong_together_and_lie_on_the_face(face_set):
    for pair in ("id01", "id02"):
        files = [
            read_landmark_file(face_set / "photographs" / f"{pair}_{emotion}_landmarks.json")
            for emotion in ("happy", "angry")
        ]
        assert files[0].template == files[1].template
        assert files[0].points_px.shape == files[1].points_px.shape
        assert 150 <= len(files[0].points_px) <= 500
        for file in files:
            assert file.size_px == (600, 800)
            assert (file.points_px > 0).all()
            assert (file.points_px < [600, 800]).all()
            assert file.eyes_px[0, 0] < file.eyes_px[1, 0]


def test_exact_eyes_are_where_the_face_model_sees_them(face_set):
    for path in photographs(face_set):
        exact = read_landmark_file(path.with_name(path.stem + "_landmarks.json")).eyes_px
        found = find_landmarks(np.ascontiguousarray(read_rgb(path)), name=path.name).eyes_px
        assert np.abs(found - exact).max() < 6


def test_exact_landmarks_follow_lips_and_lids_so_that_none_is_replaced(face_set):
    for pair in ("id01", "id02"):
        exact, seen = [], []
        for emotion in ("happy", "angry"):
            path = face_set / "photographs" / f"{pair}_{emotion}.png"
            file = read_landmark_file(path.with_name(path.stem + "_landmarks.json"))
            exact.append(file.points_px)
            seen.append(face_model().find_faces(np.ascontiguousarray(read_rgb(path)))[0].points_px)
        distance_px = float(np.linalg.norm(np.diff(file.eyes_px, axis=0)))
        for complete in (complete_lips, complete_eyes):
            completed = complete(tuple(exact), tuple(seen), eye_distance_px=distance_px)
            assert completed[0] is exact[0], (pair, complete.__name__)


def test_landmarks_of_the_lips_part_in_a_smile(face_set):
    heights = {}
    for emotion in ("happy", "angry"):
        path = face_set / "photographs" / f"id01_{emotion}.png"
        seen = face_model().find_faces(np.ascontiguousarray(read_rgb(path)))[0].points_px
        points = read_landmark_file(path.with_name(path.stem + "_landmarks.json")).points_px
        rest = drawn_mesh().rest[landmark_vertices()]
        inner = np.flatnonzero((np.abs(rest[:, 0]) < 0.08) & (np.abs(rest[:, 1] - 6.61) < 0.026))
        assert len(inner) >= 2
        heights[emotion] = np.ptp(points[inner][:, 1])
        assert abs(np.median(points[inner][:, 0]) - seen[UPPER_LIP, 0]) < 10
    assert heights["happy"] > heights["angry"] + 8


def hidden_share(pair, emotion):
    scene = build_scene(pair.person, pair.expressions[emotion].face_units, pair.studio)
    seen = see(scene)
    depth = np.full(scene.camera.width_px * scene.camera.height_px, np.inf)
    depth[seen.pixel] = seen.depth
    rest = drawn_mesh().rest[landmark_vertices()]
    lips = (np.abs(rest[:, 0]) < 0.27) & (np.abs(rest[:, 1] - 6.62) < 0.05)
    lids = (np.abs(np.abs(rest[:, 0]) - 0.31) < 0.16) & (np.abs(rest[:, 1] - 7.28) < 0.07)
    screen = scene.camera.project(scene.points)[landmark_vertices()[~lips & ~lids]]
    cell = screen[:, 1].astype(int) * scene.camera.width_px + screen[:, 0].astype(int)
    return (screen[:, 2] > depth[cell] + 0.04).mean()


def test_landmarks_beside_the_openings_are_not_hidden():
    assert landmark_vertices().max() < drawn_mesh().n_skin
    for pair in draw_pairs(10, seed=DEFAULT_SEED):
        for emotion in pair.expressions:
            assert hidden_share(pair, emotion) < 0.02, (pair.pair, emotion)


def test_expressions_are_clear(face_set):
    for pair in ("id01", "id02"):
        smile, frown = expression_difference(face_set, pair)
        assert smile >= LEAST_SMILE
        assert frown >= LEAST_FROWN


@pytest.mark.slow
@pytest.mark.parametrize("seed", [DEFAULT_SEED, 7])
def test_all_expressions_of_a_whole_set_are_clear(tmp_path, seed):
    out = tmp_path / "set"
    make_face_set(out, FaceSet(identities=10, seed=seed), progress=False)
    assert face_model() is not None
    for pair in draw_pairs(10, seed=seed):
        smile, frown = expression_difference(out, pair.pair)
        assert smile >= LEAST_SMILE, pair.pair
        assert frown >= LEAST_FROWN, pair.pair
