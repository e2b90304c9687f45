import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stimuli.manifest import StimulusVideo, check_set, read_manifest
from stimuli.pairs import read_pairs
from stimuli.parameters import MorphParameters
from stimuli.production import make_set
from stimuli.sources import align_source, read_sources
from stimuli.video import decode


@pytest.fixture(scope="session")
def made(london: Path, small: MorphParameters, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A set of one real pair, and its table."""
    folder = tmp_path_factory.mktemp("set")
    table = folder / "pairs.tsv"
    photographs = (london / "neutral_front/025_03.jpg", london / "smiling_front/025_08.jpg")
    table.write_text(
        "identity\tsex\tneutral\thappy\n" + "\t".join(["id025", "female", *map(str, photographs)]) + "\n",
        encoding="utf-8",
    )
    make_set(table, folder / "set", parameters=small)
    return table, folder / "set"


@pytest.fixture
def copied(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    shutil.copytree(made[1], tmp_path / "set")
    return made[0], tmp_path / "set"


def sidecar(row: StimulusVideo) -> dict[str, Any]:
    return json.loads(row.sidecar_path.read_text(encoding="utf-8"))


def video(folder: Path, direction: str) -> StimulusVideo:
    return next(row for row in read_manifest(folder) if row.direction == direction)


def test_a_set_is_what_its_manifest_says(made: tuple[Path, Path]) -> None:
    rows = read_manifest(made[1])
    assert [row.video for row in rows] == ["id025_NeutralToHappy", "id025_HappyToNeutral"]
    assert {(row.n_frames, row.fps, row.width_px, row.height_px, row.sex) for row in rows} == {
        (9, 25.0, 300, 400, "female")
    }
    assert check_set(made[1], decode=True) == []


def test_the_videos_are_exact_reverses_and_end_at_the_photographs(
    made: tuple[Path, Path], small: MorphParameters
) -> None:
    there, back = (decode(row.path) for row in read_manifest(made[1]))
    assert np.array_equal(there, back[::-1])
    (sources,) = read_sources(read_pairs(made[0]).pairs)
    for frame, source in ((there[0], sources.first), (there[-1], sources.second)):
        photograph = align_source(source, small).image
        face = (slice(150, 260), slice(120, 180))  # inside the mask
        assert np.array_equal(frame[face], photograph[face])


def test_sidecars_tell_level_time_origin_and_quality(made: tuple[Path, Path]) -> None:
    first, second = (sidecar(row) for row in read_manifest(made[1]))
    assert first["levels"] == pytest.approx(np.linspace(0, 1, 9))
    assert second["levels"] == pytest.approx(np.linspace(1, 0, 9))
    assert first["times_s"] == pytest.approx(np.arange(9) / 25)
    assert second["frame_sha256"] == first["frame_sha256"][::-1]
    assert first["frames_sha256"] != second["frames_sha256"]
    assert set(first["photographs"]) == {"neutral", "happy"}
    assert first["photographs"]["happy"]["file"] == "025_08.jpg"
    assert len(first["photographs"]["happy"]["sha256"]) == 64
    assert first["parameters"]["flow_passes"] == 3
    assert first["quality"]["fold_px"] == 0
    assert first["quality"]["smile_difference"] > 0.4
    assert first["versions"]["numpy"] == np.__version__
    assert str(Path.home()) not in json.dumps(first)


def test_the_quality_report_has_a_row_per_video_and_a_picture(made: tuple[Path, Path]) -> None:
    lines = (made[1] / "quality.tsv").read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    assert len(lines) == 3
    assert all(len(line.split("\t")) == len(header) for line in lines)
    assert set(header) == set(json.loads((made[1] / "quality.json").read_text(encoding="utf-8")))
    with Image.open(made[1] / "contact_sheet.png") as sheet:
        assert min(sheet.size) > 300


def test_a_second_run_makes_nothing_anew(copied: tuple[Path, Path], small: MorphParameters) -> None:
    table, folder = copied
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mp4")}
    make_set(table, folder, parameters=small)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.mp4")} == before


@pytest.mark.parametrize("damage", ["sidecar", "video", "truncated", "half written", "strip", "manifest"])
def test_an_interrupted_or_damaged_set_is_completed_to_the_same_frames(
    copied: tuple[Path, Path], small: MorphParameters, damage: str
) -> None:
    table, folder = copied
    before = (folder / "manifest.tsv").read_text(encoding="utf-8")
    row = video(folder, "HappyToNeutral")
    (folder / "manifest.tsv").unlink()
    if damage == "sidecar":
        row.sidecar_path.unlink()
    elif damage == "video":
        row.path.unlink()
    elif damage == "truncated":
        row.path.write_bytes(row.path.read_bytes()[:1000])
    elif damage == "half written":
        row.path.rename(row.path.with_name(row.path.name + ".unfinished"))
        row.sidecar_path.unlink()
    elif damage == "strip":
        (folder / "quality" / "id025.png").unlink()
    with pytest.raises(FileNotFoundError, match="interrupted"):
        read_manifest(folder)
    make_set(table, folder, parameters=small)
    assert (folder / "manifest.tsv").read_text(encoding="utf-8") == before
    assert not list(folder.rglob("*.unfinished"))


def test_an_interrupted_run_leaves_no_finished_looking_set(
    made: tuple[Path, Path], small: MorphParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stimuli import pair_videos

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pair_videos, "write_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_set(made[0], tmp_path / "set", parameters=small)
    with pytest.raises(FileNotFoundError, match="interrupted"):
        read_manifest(tmp_path / "set")
    monkeypatch.undo()
    rows = make_set(made[0], tmp_path / "set", parameters=small)
    assert [row.frames_sha256 for row in rows] == [row.frames_sha256 for row in read_manifest(made[1])]


def test_other_parameters_are_refused_and_named(copied: tuple[Path, Path], small: MorphParameters) -> None:
    table, folder = copied
    with pytest.raises(FileExistsError, match=r"mask face \(now none\).*width_px 300 \(now 302\)"):
        make_set(table, folder, parameters=dataclasses.replace(small, mask="none", width_px=302))
    assert check_set(folder, decode=False) == []


def test_other_expressions_are_refused(
    copied: tuple[Path, Path], small: MorphParameters, tmp_path: Path
) -> None:
    text = copied[0].read_text(encoding="utf-8").replace("neutral\thappy", "calm\thappy")
    (tmp_path / "other.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"expressions \['neutral', 'happy'\]"):
        make_set(tmp_path / "other.tsv", copied[1], parameters=small)


def test_a_folder_with_something_else_is_refused(
    made: tuple[Path, Path], small: MorphParameters, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("do not touch", encoding="utf-8")
    with pytest.raises(FileExistsError, match="no stimulus set"):
        make_set(made[0], tmp_path, parameters=small)
    with pytest.raises(FileExistsError, match="is a file"):
        make_set(made[0], tmp_path / "thesis.txt", parameters=small)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_exchanged_photograph_is_noticed(
    copied: tuple[Path, Path], small: MorphParameters, london: Path, tmp_path: Path
) -> None:
    folder = copied[1]
    text = copied[0].read_text(encoding="utf-8").replace("025_08", "002_08")
    (tmp_path / "other.tsv").write_text(text, encoding="utf-8")
    before = video(folder, "NeutralToHappy").frames_sha256
    make_set(tmp_path / "other.tsv", folder, parameters=small)
    assert video(folder, "NeutralToHappy").frames_sha256 != before
    assert check_set(folder, decode=True) == []


def test_all_unusable_pairs_are_listed_before_anything_is_made(
    made: tuple[Path, Path], london: Path, small: MorphParameters, tmp_path: Path
) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "black.png")
    (tmp_path / "broken.jpg").write_bytes((london / "neutral_front/001_03.jpg").read_bytes()[:3000])
    neutral, happy = london / "neutral_front", london / "smiling_front"
    rows = [
        ["a", "male", "black.png", str(happy / "001_08.jpg"), "", ""],
        ["b", "male", "broken.jpg", str(happy / "001_08.jpg"), "", ""],
        [
            "c",
            "male",
            str(neutral / "001_03.jpg"),
            str(happy / "001_08.jpg"),
            str(neutral / "001_03.tem"),
            "",
        ],
    ]
    columns = ["identity", "sex", "neutral", "happy", "neutral_landmarks", "happy_landmarks"]
    table = tmp_path / "pairs.tsv"
    table.write_text("\n".join("\t".join(row) for row in [columns, *rows]), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"(?s)pair a: no face.*black.*pair b: .*broken.*pair c: .*different"
    ):
        make_set(table, tmp_path / "set", parameters=small)
    assert not (tmp_path / "set").exists()


def test_webmorph_templates_make_a_set(london: Path, small: MorphParameters, tmp_path: Path) -> None:
    columns = ["identity", "sex", "female", "male", "female_landmarks", "male_landmarks"]
    row = ["multi", "female"] + [
        str(london / "composite" / f"{sex}_multi.{kind}") for kind in ("jpg", "tem") for sex in ("f", "m")
    ]
    (tmp_path / "pairs.tsv").write_text("\t".join(columns) + "\n" + "\t".join(row) + "\n", encoding="utf-8")
    first, second = make_set(tmp_path / "pairs.tsv", tmp_path / "set", parameters=small)
    assert (first.direction, second.direction) == ("FemaleToMale", "MaleToFemale")
    content = sidecar(first)
    assert content["photographs"]["male"]["template"] == "frl189"
    assert content["photographs"]["male"]["landmarks_file"] == "m_multi.tem"
    assert content["quality"]["eye_error"] < 0.05


def test_the_number_of_processes_changes_nothing(
    london_pairs: Path, small: MorphParameters, tmp_path: Path, made: tuple[Path, Path]
) -> None:
    rows = make_set(london_pairs, tmp_path / "set", parameters=small, workers=2)
    assert len(rows) == 4
    alone = {row.video: row.frames_sha256 for row in read_manifest(made[1])}
    together = {row.video: row.frames_sha256 for row in rows}
    assert alone.items() <= together.items()


def test_stored_sideways_grey_or_with_alpha_a_photograph_gives_the_same_landmarks(
    london: Path, tmp_path: Path
) -> None:
    with Image.open(london / "neutral_front/135_03.jpg") as photograph:
        photograph.load()
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph.rotate(90, expand=True).save(tmp_path / "sideways.png", exif=exif)
    photograph.convert("RGBA").save(tmp_path / "alpha.png")
    photograph.convert("L").save(tmp_path / "grey.png")
    photograph.save(tmp_path / "plain.png")
    rows = ["a\tmale\tplain.png\tsideways.png", "b\tmale\talpha.png\tgrey.png"]
    (tmp_path / "pairs.tsv").write_text("\n".join(["identity\tsex\tx\ty", *rows]), encoding="utf-8")
    first, second = read_sources(read_pairs(tmp_path / "pairs.tsv").pairs)
    plain, sideways, alpha, grey = (
        source.landmarks.points_px for pair in (first, second) for source in (pair.first, pair.second)
    )
    assert np.array_equal(plain, sideways)
    assert np.array_equal(plain, alpha)
    assert np.linalg.norm(plain - grey, axis=1).mean() < 0.01 * 217


def test_a_photograph_that_must_be_enlarged_is_warned_of(
    astronaut_file: Path, small: MorphParameters
) -> None:
    other = astronaut_file.with_name("mirrored.png")
    with Image.open(astronaut_file) as photograph:
        photograph.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(other)
    table = astronaut_file.with_name("pairs.tsv")
    table.write_text(
        "identity\tsex\thappy\tangry\na\tfemale\tastronaut.png\tmirrored.png\n", encoding="utf-8"
    )
    first, _ = make_set(table, astronaut_file.with_name("set"), parameters=small)
    warnings = sidecar(first)["warnings"]
    assert any("enlarged 1.8 times" in warning for warning in warnings)
    assert any("does not smile more" in warning for warning in warnings)
    assert any("does not frown more" in warning for warning in warnings)
