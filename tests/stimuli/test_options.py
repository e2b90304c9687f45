"""Sets with other than the usual options: plans, a middle photograph, copies, masks, tones."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from stimuli.copies import Copies
from stimuli.manifest import check_set, file_sha256, read_manifest
from stimuli.pair_videos import make_way
from stimuli.pairs import read_pairs
from stimuli.parameters import MorphParameters
from stimuli.production import make_set
from stimuli.sources import align_source, read_sources
from stimuli.tones import face_lightness
from stimuli.video import decode
from stimuli.warp import SplitLevel

SHORT = MorphParameters(duration_s=0.2, width_px=300, height_px=400, flow_passes=1)


@pytest.fixture(scope="session")
def several(london: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of three expressions; the photograph of the third is that of another person."""
    table = tmp_path_factory.mktemp("several") / "pairs.tsv"
    files = [
        london / name
        for name in ("neutral_front/025_03.jpg", "smiling_front/025_08.jpg", "smiling_front/002_08.jpg")
    ]
    text = "identity\tsex\tneutral\thappy\tglad\n" + "\t".join(["id025", "female", *map(str, files)]) + "\n"
    table.write_text(text, encoding="utf-8")
    return table


def test_a_plan_makes_what_it_lists_and_resumes(several: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.tsv"
    plan.write_text(
        "identity\tdirection\tstart\tend\tseconds\n"
        "id025\tNeutralToHappy\t0\t60\t\nid025\tHappyToNeutral\t40\t100\t\nid025\tHappyToGlad\t\t\t0.12\n",
        encoding="utf-8",
    )
    copies = Copies(small=True, png=True)
    rows = make_set(several, tmp_path / "set", parameters=SHORT, plan=plan, copies=copies)
    assert [(row.video, row.n_frames) for row in rows] == [
        ("id025_NeutralToHappy_0-60", 5),
        ("id025_HappyToNeutral_40-100", 5),
        ("id025_HappyToGlad", 3),
    ]
    assert check_set(tmp_path / "set", decode=True) == []
    there, back, other = (decode(row.path) for row in rows)
    assert np.array_equal(there, back[::-1])
    sidecar = json.loads(rows[0].sidecar_path.read_text(encoding="utf-8"))
    assert sidecar["levels"] == [0.0, 0.15, 0.3, 0.45, 0.6]
    assert set(sidecar["photographs"]["happy"]) >= {
        "sha256",
        "aligned_pixels_sha256",
        "points_px",
        "template",
    }
    pictures = sorted((tmp_path / "set/videos/id025_HappyToGlad_png").iterdir())
    assert all(
        np.array_equal(np.array(Image.open(path)), frame) for path, frame in zip(pictures, other, strict=True)
    )
    small = decode(tmp_path / "set/videos/id025_HappyToGlad_small.mp4")
    assert small.shape == other.shape
    assert np.abs(small.astype(int) - other).mean() < 3
    before = {row.video: row.path.stat().st_mtime_ns for row in rows}
    pictures[1].unlink()
    rows = make_set(several, tmp_path / "set", parameters=SHORT, plan=plan, copies=copies)
    changed = {row.video for row in rows if row.path.stat().st_mtime_ns != before[row.video]}
    assert changed == {"id025_HappyToGlad"}
    assert pictures[1].is_file()


def test_a_middle_photograph_is_met_exactly_half_way(several: Path, tmp_path: Path) -> None:
    rows = make_set(
        several, tmp_path / "set", parameters=SHORT, expressions=("happy", "glad"), middle="neutral"
    )
    there, back = (decode(row.path) for row in rows)
    assert np.array_equal(there, back[::-1])
    (sources,) = read_sources(read_pairs(several, expressions=("happy", "neutral")).pairs)
    face = (slice(150, 260), slice(120, 180))
    for frame, source in ((there[0], sources.first), (there[2], sources.second)):
        assert np.array_equal(frame[face], align_source(source, SHORT).image[face])
    sidecar = json.loads(rows[0].sidecar_path.read_text(encoding="utf-8"))
    assert list(sidecar["photographs"]) == ["happy", "neutral", "glad"]
    assert sidecar["middle"] == "neutral"
    with pytest.raises(FileExistsError, match=r"middle neutral \(now None\)"):
        make_set(several, tmp_path / "set", parameters=SHORT, expressions=("happy", "glad"))


def test_frames_without_background_carry_alpha(several: Path, tmp_path: Path) -> None:
    (row, _) = make_set(several, tmp_path / "set", parameters=SHORT, copies=Copies(alpha=True))
    folder = tmp_path / "set/videos/id025_NeutralToHappy_alpha"
    pictures = [np.array(Image.open(path)) for path in sorted(folder.iterdir())]
    frames = decode(row.path)
    assert len(pictures) == len(frames)
    for picture, frame in zip(pictures, frames, strict=True):
        alpha = picture[..., 3]
        assert alpha[0, 0] == 0
        assert np.array_equal(picture[alpha == 255][:, :3], frame[alpha == 255])
        share = alpha[..., None] / 255
        laid = share * picture[..., :3] + (1 - share) * 128
        assert np.abs(laid - frame).max() <= 1.5
    video = cv2.VideoCapture(str(folder) + ".mkv")
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) in (0, len(frames)) or video.isOpened()
    sidecar = json.loads(row.sidecar_path.read_text(encoding="utf-8"))
    assert sidecar["copies"]["alpha"][1]["file_sha256"] == file_sha256(Path(str(folder) + ".mkv"))


def test_encoding_twice_gives_the_same_bytes(several: Path, tmp_path: Path) -> None:
    made = [
        make_set(several, tmp_path / name, parameters=SHORT, copies=Copies(small=True, alpha=True))
        for name in ("one", "other")
    ]
    for one, other in zip(*made, strict=True):
        assert one.file_sha256 == other.file_sha256
        assert one.frames_sha256 == other.frames_sha256
        copies = [json.loads(row.sidecar_path.read_text(encoding="utf-8"))["copies"] for row in (one, other)]
        assert copies[0] == copies[1]


def test_grey_faces_have_no_colour_and_the_same_light(several: Path) -> None:
    (sources,) = read_sources(read_pairs(several).pairs)
    colour = align_source(sources.first, SHORT).image
    grey = align_source(sources.first, dataclasses.replace(SHORT, colour="grey")).image
    assert np.ptp(grey, axis=2).max() == 0
    lab = [
        cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0] for image in (colour, grey)
    ]
    assert np.abs(lab[0] - lab[1]).max() < 1


def test_identities_can_be_made_alike_and_keep_their_expressions_apart(london: Path, tmp_path: Path) -> None:
    table = tmp_path / "pairs.tsv"
    rows = [
        f"id{n}\tfemale\t{london}/neutral_front/{n}_03.jpg\t{london}/smiling_front/{n}_08.jpg"
        for n in ("002", "025")
    ]
    table.write_text("\n".join(["identity\tsex\tneutral\thappy", *rows]) + "\n", encoding="utf-8")
    parameters = dataclasses.replace(SHORT, matching="contrast", mask="none")
    made = make_set(table, tmp_path / "set", parameters=parameters)
    before = [
        [face_lightness(align_source(source, parameters)) for source in (sources.first, sources.second)]
        for sources in read_sources(read_pairs(table).pairs)
    ]
    means = []
    for row, sources in zip(made[::2], read_sources(read_pairs(table).pairs), strict=True):
        frames = decode(row.path)
        faces = [align_source(source, parameters) for source in (sources.first, sources.second)]
        means.append(
            [
                face_lightness(dataclasses.replace(face, image=frame))[0]
                for face, frame in zip(faces, (frames[0], frames[-1]), strict=True)
            ]
        )
    assert abs(np.mean(before[0], axis=0)[0] - np.mean(before[1], axis=0)[0]) > 10
    assert abs(np.mean(means[0]) - np.mean(means[1])) < 1.5
    for one, (first, second) in zip(means, before, strict=True):
        assert np.sign(one[1] - one[0]) == np.sign(second[0] - first[0])


def test_an_ellipse_is_the_same_for_all(several: Path) -> None:
    parameters = dataclasses.replace(SHORT, mask="ellipse")
    masks = []
    for both in (("neutral", "happy"), ("neutral", "glad")):
        way = make_way(read_sources(read_pairs(several, expressions=both).pairs), parameters)
        masks += [way.morphs[0].mask(0), way.morphs[0].mask(1)]
    assert all(np.array_equal(mask, masks[0]) for mask in masks)
    assert 0.1 < masks[0].mean() < 0.5


def test_detail_is_raised_in_the_middle_only(several: Path) -> None:
    def detail(image: np.ndarray) -> float:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return float(cv2.Laplacian(grey, cv2.CV_32F)[150:260, 110:190].std())

    sources = read_sources(read_pairs(several).pairs)
    kept, matched = (
        make_way(sources, dataclasses.replace(SHORT, detail=detail)) for detail in ("keep", "match")
    )
    for end in (0, 1):
        assert np.array_equal(kept.frame(end), matched.frame(end))
    assert detail(matched.frame(0.5)) > 1.01 * detail(kept.frame(0.5))
    ends = (detail(kept.frame(0)) + detail(kept.frame(1))) / 2
    assert detail(matched.frame(0.5)) < 1.2 * ends
    assert np.abs(matched.frame(0.01).astype(int) - kept.frame(0.01)).mean() < 0.5


def test_a_face_in_two_halves_shows_both(several: Path) -> None:
    parameters = dataclasses.replace(SHORT, mask="none")
    way = make_way(read_sources(read_pairs(several).pairs), parameters)
    y = float(parameters.eyes_px[0, 1])
    halves = way.frame(SplitLevel(0.0, 1.0, y + 31, 22)).astype(int)
    top, bottom = (slice(0, int(y) + 15), slice(90, 210)), (slice(int(y) + 45, 300), slice(90, 210))
    assert np.abs(halves[top] - way.frame(0)[top]).mean() < 1.0
    assert np.abs(halves[bottom] - way.frame(1)[bottom]).mean() < 1.0
    assert np.array_equal(way.frame(SplitLevel(0.3, 0.3, y, 22)), way.frame(0.3))


def test_cost_is_shared_between_the_directions(
    several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every level is warped once for both videos, and only once more for the contact sheet."""
    from stimuli.warp import Warp

    asked: list[object] = []
    original = Warp.positions_and_sharpness

    def counted(self: Warp, level: float) -> object:
        asked.append(level)
        return original(self, level)

    monkeypatch.setattr(Warp, "positions_and_sharpness", counted)
    make_set(several, tmp_path / "set", parameters=dataclasses.replace(SHORT, duration_s=0.36))
    assert len(asked) == 7 + 3


def test_the_set_may_be_made_in_several_processes(london_pairs: Path, tmp_path: Path) -> None:
    sets = [
        make_set(london_pairs, tmp_path / str(workers), parameters=SHORT, workers=workers)
        for workers in (1, 2)
    ]
    hashes = [[(row.file_sha256, row.frames_sha256) for row in rows] for rows in sets]
    assert hashes[0] == hashes[1]
    assert [row.video for row in read_manifest(tmp_path / "2")] == [row.video for row in sets[0]]
