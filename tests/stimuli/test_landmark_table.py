import json
from pathlib import Path

import numpy as np
import pytest

from stimuli.__main__ import app
from stimuli.landmark_files import LANDMARK_FORMATS, LandmarkFormat, read_landmark_file
from stimuli.landmark_table import write_landmarks
from stimuli.pairs import read_pairs
from stimuli.photographs import write_png
from stimuli.sources import PairSources, read_sources


@pytest.fixture(scope="module")
def table(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair whose second photograph is the first, moved."""
    folder = tmp_path_factory.mktemp("table")
    write_png(folder / "a.png", astronaut)
    write_png(folder / "b.png", np.roll(astronaut, (5, 3), axis=(0, 1)))
    (folder / "pairs.tsv").write_text(
        "identity\tsex\tneutral\thappy\nx\tfemale\ta.png\tb.png\n", encoding="utf-8"
    )
    return folder / "pairs.tsv"


@pytest.fixture(scope="module")
def sources(table: Path) -> list[PairSources]:
    return read_sources(read_pairs(table).pairs)


@pytest.mark.parametrize("ending", LANDMARK_FORMATS)
def test_landmarks_are_written_in_every_format_and_read_again(
    table: Path, sources: list[PairSources], tmp_path: Path, ending: LandmarkFormat
) -> None:
    written = write_landmarks(read_pairs(table), sources, tmp_path / "out", to=ending)
    (pair,) = read_pairs(written).pairs
    assert [path.suffix for path in pair.landmark_files if path] == [f".{ending}"] * 2
    (again,) = read_sources([pair])
    for old, new in ((sources[0].first, again.first), (sources[0].second, again.second)):
        assert np.array_equal(new.landmarks.points_px, old.landmarks.points_px)
        assert new.landmarks.template == "face478"
        assert np.array_equal(new.landmarks.eyes_px, old.landmarks.eyes_px)


def test_a_chain_through_all_formats_is_exact(
    table: Path, sources: list[PairSources], tmp_path: Path
) -> None:
    current = sources
    for number, ending in enumerate(("tps", "pts", "json", "tem", "tps", "tem", "pts")):
        written = write_landmarks(read_pairs(table), current, tmp_path / str(number), to=ending)
        current = read_sources(read_pairs(written).pairs)
    assert np.array_equal(current[0].second.landmarks.points_px, sources[0].second.landmarks.points_px)


def test_lines_of_a_real_template_survive(london: Path, tmp_path: Path) -> None:
    names = [london / "neutral_front/001_03", london / "neutral_front/002_03"]
    row = ["x", "female", *(f"{name}.jpg" for name in names), *(f"{name}.tem" for name in names)]
    columns = ["identity", "sex", "neutral", "happy", "neutral_landmarks", "happy_landmarks"]
    (tmp_path / "pairs.tsv").write_text("\t".join(columns) + "\n" + "\t".join(row) + "\n", encoding="utf-8")
    pairs = read_pairs(tmp_path / "pairs.tsv")
    as_json = write_landmarks(pairs, read_sources(pairs.pairs), tmp_path / "json")
    as_tem = write_landmarks(pairs, read_sources(read_pairs(as_json).pairs), tmp_path / "tem", to="tem")
    for original, file in zip(
        pairs.pairs[0].landmark_files, read_pairs(as_tem).pairs[0].landmark_files, strict=True
    ):
        assert original is not None and file is not None
        old, new = read_landmark_file(original), read_landmark_file(file)
        assert np.array_equal(old.points_px, new.points_px)
        assert old.lines == new.lines
    content = json.loads((tmp_path / "json" / "x_neutral.json").read_text(encoding="utf-8"))
    assert content["photograph"] == "001_03.jpg"


def test_the_command_converts(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    app(["landmarks", str(table), "--out", str(out), "--to", "tps", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "pairs": str(out / "pairs.tsv"),
        "photographs": 2,
    }
    assert (out / "x_happy.tps").read_text(encoding="utf-8").startswith("LM=478\n")
    assert "IMAGE=b.png" in (out / "x_happy.tps").read_text(encoding="utf-8")
