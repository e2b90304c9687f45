"""Faults are planted into a good set, and the gate that is made for each has to see it."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from stimuli.face_points import INNER_LIPS, OUTER_LIPS
from stimuli.landmarks import find_landmarks
from stimuli.manifest import StimulusVideo, read_manifest, write_manifest
from stimuli.parameters import MorphParameters
from stimuli.photographs import read_photograph
from stimuli.production import make_set
from stimuli.quality_command import check_quality, folder_problems
from stimuli.quality_gates import GATES, Verdict, summary
from stimuli.quality_report import rows_by_pair, write_report
from stimuli.quality_verdicts import judge
from stimuli.quality_video import measure_pair
from stimuli.video import decode, encode, frame_hashes

ONE_SECOND = MorphParameters(duration_s=1.0, width_px=300, height_px=400, flow_passes=1)
Frames = list[np.ndarray]


def write_table(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    columns = ["identity", "sex", "neutral", "happy", "neutral_landmarks", "happy_landmarks"]
    lines = ["\t".join(map(str, row)) for row in [columns, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def good(london: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of one real pair, one second long."""
    folder = tmp_path_factory.mktemp("good")
    photographs = (london / "neutral_front/025_03.jpg", london / "smiling_front/025_08.jpg")
    table = write_table(folder / "pairs.tsv", [("id025", "female", *photographs, "", "")])
    make_set(table, folder / "set", parameters=ONE_SECOND)
    return folder / "set"


@pytest.fixture
def copied(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path / "set")
    return tmp_path / "set"


def verdicts(folder: Path, *, direction: str = "NeutralToHappy") -> dict[str, Verdict]:
    """Judge the videos of one direction alone, which is enough for most faults and takes half the time."""
    rows = [row for row in read_manifest(folder) if row.direction == direction]
    (measured,) = measure_pair(rows)
    return {one.gate: one for one in judge(measured, pair=[measured])}


def failed(found: dict[str, Verdict]) -> set[str]:
    return {key for key, one in found.items() if one.status == "failed"}


def first_row(folder: Path) -> StimulusVideo:
    return next(row for row in read_manifest(folder) if row.direction == "NeutralToHappy")


def forge(folder: Path, frames: Frames, **changes: Any) -> None:
    """Replace a video, and make its sidecar and the manifest agree with it, as a faulty program would."""
    row = first_row(folder)
    encode(frames, row.path, fps=row.fps)
    each, together = frame_hashes(frames)
    forge_sidecar(
        folder,
        n_frames=len(frames),
        frame_sha256=each,
        frames_sha256=together,
        **changes,
    )


def forge_sidecar(folder: Path, **changes: Any) -> None:
    """Change a sidecar, and make the manifest agree with it and with the video."""
    row = first_row(folder)
    content = json.loads(row.sidecar_path.read_text(encoding="utf-8"))
    content |= {"file_sha256": hashlib.sha256(row.path.read_bytes()).hexdigest(), **changes}
    row.sidecar_path.write_text(json.dumps(content), encoding="utf-8")
    names = ("n_frames", "file_sha256", "frames_sha256")
    new = dataclasses.replace(row, **{name: content[name] for name in names})
    rows = [new if each.video == row.video else each for each in read_manifest(folder)]
    write_manifest(folder, rows, description={"parameters": content["parameters"]})


def recode(folder: Path, *arguments: str) -> None:
    """Send a video through ffmpeg, as one does to make it smaller."""
    path = first_row(folder).path
    new = path.with_name("new.mp4")
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", "-i", str(path), *arguments, str(new)], check=True)
    new.replace(path)


def test_a_good_pair_passes_every_gate(good: Path) -> None:
    for pair in rows_by_pair(read_manifest(good)):
        measured = measure_pair(pair)
        for video in measured:
            found = {one.gate: one for one in judge(video, pair=measured)}
            assert {key for key, one in found.items() if one.status != "passed"} <= {"ffpyplayer"}
            assert list(found) == list(GATES)


def test_a_tampered_file(copied: Path) -> None:
    with first_row(copied).path.open("ab") as stream:
        stream.write(b"\0")
    assert failed(verdicts(copied)) == {"files"}


def test_a_half_written_video(copied: Path) -> None:
    path = first_row(copied).path
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert {"files", "ffmpeg"} <= failed(verdicts(copied))


def test_a_video_that_was_being_written(copied: Path) -> None:
    path = first_row(copied).path
    shutil.copy(path, path.with_name(path.name + ".unfinished"))
    assert any("half written" in problem for problem in folder_problems(copied))
    assert check_quality(copied, report=False).failed


def test_a_missing_video_and_a_broken_sidecar(copied: Path) -> None:
    first_row(copied).path.unlink()
    assert "files" in failed(verdicts(copied))
    other = read_manifest(copied)[1]
    other.sidecar_path.write_text("{", encoding="utf-8")
    assert "files" in failed(verdicts(copied, direction="HappyToNeutral"))


def test_a_lossy_recoding_is_seen_by_every_decoder(copied: Path) -> None:
    recode(copied, "-c:v", "libx264", "-crf", "14", "-pix_fmt", "yuv420p")
    forge_sidecar(copied)
    found = verdicts(copied)
    assert {"ffmpeg", "opencv"} <= failed(found)
    assert found["ffpyplayer"].status in ("failed", "unmeasured")


def test_a_wrong_frame_rate(copied: Path) -> None:
    row = first_row(copied)
    encode(decode(row.path), row.path, fps=30)
    forge_sidecar(copied)
    assert failed(verdicts(copied)) == {"timing"}


def test_a_dropped_frame(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    content = json.loads(first_row(copied).sidecar_path.read_text(encoding="utf-8"))
    del frames[12]
    forge(copied, frames)
    assert "files" in failed(verdicts(copied))
    forge(copied, frames, levels=content["levels"][:12] + content["levels"][13:])
    assert "plan" in failed(verdicts(copied))
    frames.append(frames[-1])
    forge(copied, frames, levels=content["levels"])
    assert {"jumps", "repeats"} <= failed(verdicts(copied))


def test_a_repeated_frame(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    frames[12] = frames[11]
    forge(copied, frames)
    found = verdicts(copied)
    assert {"repeats", "jumps"} <= failed(found)
    assert "frame 13" in found["repeats"].finding


def test_frames_that_go_back(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    frames[8:17] = frames[8:17][::-1]
    forge(copied, frames)
    assert {"monotone", "level"} <= failed(verdicts(copied))


def test_a_plan_that_goes_back(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    content = json.loads(first_row(copied).sidecar_path.read_text(encoding="utf-8"))
    levels = content["levels"]
    levels[8:17] = levels[8:17][::-1]
    frames[8:17] = frames[8:17][::-1]
    forge(copied, frames, levels=levels)
    assert "plan" in failed(verdicts(copied))


def test_a_brighter_frame(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    frames[12] = np.clip(frames[12] * 1.006 + 0.5, 0, 255).astype(np.uint8)
    forge(copied, frames)
    found = verdicts(copied)
    assert "luminance" in failed(found)
    assert "frame 13" in found["luminance"].finding


def test_a_blurred_middle(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    frames[9:16] = [cv2.GaussianBlur(frame, (0, 0), 2.0) for frame in frames[9:16]]
    forge(copied, frames)
    assert "sharpness" in failed(verdicts(copied))


def test_one_blurred_frame(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    frames[12] = cv2.GaussianBlur(frames[12], (0, 0), 0.8)
    forge(copied, frames)
    assert "flicker" in failed(verdicts(copied))


def test_the_two_directions_exchanged(copied: Path) -> None:
    there, back = (row.path for row in read_manifest(copied))
    frames = list(decode(back))
    assert {"files", "ffmpeg"} <= failed(exchange_and_judge(copied, there, back))
    forge(copied, frames)
    assert "ends" in failed(verdicts(copied))


def exchange_and_judge(folder: Path, there: Path, back: Path) -> dict[str, Verdict]:
    aside = there.with_name("aside.mp4")
    there.rename(aside)
    back.rename(there)
    aside.rename(back)
    return verdicts(folder)


def test_other_frames_at_the_same_level(copied: Path) -> None:
    frames = list(decode(first_row(copied).path))
    frames[5] = frames[5].copy()
    frames[5][0, 0, 0] += 1
    forge(copied, frames)
    measured = measure_pair(read_manifest(copied))
    found = {one.gate: one for one in judge(measured[0], pair=measured)}
    assert failed(found) == {"shared"}


def test_folds_that_were_noted(copied: Path) -> None:
    content = json.loads(first_row(copied).sidecar_path.read_text(encoding="utf-8"))
    forge_sidecar(copied, quality=content["quality"] | {"fold_px": 3})
    assert failed(verdicts(copied)) == {"folds"}


def test_a_changed_copy(copied: Path) -> None:
    row = first_row(copied)
    forge_sidecar(copied, copies={"small": {"file": f"{row.video}_small.mp4", "file_sha256": "0"}})
    assert failed(verdicts(copied)) == {"files"}


@pytest.fixture(scope="session")
def bad(london: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of pairs that should never have been morphed."""
    folder = tmp_path_factory.mktemp("bad")
    smile = read_photograph(london / "smiling_front/045_08.jpg")
    noise = np.random.default_rng(1).integers(-2, 3, smile.shape)
    Image.fromarray(np.clip(smile + noise, 0, 255).astype(np.uint8)).save(folder / "again.png")
    photographs = (london / "neutral_front/135_03.jpg", london / "smiling_front/135_08.jpg")
    files = (folder / "a.pts", folder / "b.pts")
    for number, (photograph, file) in enumerate(zip(photographs, files, strict=True)):
        found = find_landmarks(read_photograph(photograph), name=photograph.name)
        points = found.points_px + 1
        if number == 1:
            points[OUTER_LIPS + INNER_LIPS] -= (0, 0.45 * found.eye_distance_px)
        rows = "\n".join(f"{x:.3f} {y:.3f}" for x, y in points)
        file.write_text(f"version: 1\nn_points: {len(points)}\n{{\n{rows}\n}}\n", encoding="utf-8")
    pairs = {
        "two": (london / "neutral_front/001_03.jpg", london / "smiling_front/002_08.jpg", "", ""),
        "same": (london / "smiling_front/045_08.jpg", folder / "again.png", "", ""),
        "swapped": (london / "smiling_front/025_08.jpg", london / "neutral_front/025_03.jpg", "", ""),
        "misplaced": (*photographs, *files),
    }
    rows = [(name, "female", *pair) for name, pair in pairs.items()]
    make_set(write_table(folder / "pairs.tsv", rows), folder / "set", parameters=ONE_SECOND)
    return folder / "set"


@pytest.mark.parametrize(
    ("pair", "gates"),
    [
        ("two", {"skin"}),
        ("same", {"ends", "motion"}),
        ("swapped", {"ends"}),
        ("misplaced", {"landmarks", "mesh", "level"}),
    ],
)
def test_a_bad_pair_fails_by_name(bad: Path, pair: str, gates: set[str]) -> None:
    rows = [row for row in read_manifest(bad) if row.pair == pair][:1]
    (measured,) = measure_pair(rows)
    each = judge(measured, pair=[measured])
    assert gates <= {one.gate for one in each if one.status == "failed"}
    told = summary({measured.name: each})
    assert told["videos_failed"] == 1
    assert {failure["video"] for failure in told["failures"]} == {f"{pair}_NeutralToHappy"}


PLANS: dict[str, tuple[str, dict[str, Any]]] = {
    "smooth with rests": ("direction\n", {"course": "smooth", "hold_s": 0.2}),
    "part of the way": ("direction\tstart\tend\nNeutralToHappy\t20\t80\n", {}),
    "two halves": ("direction\tstart\tend\nNeutralToHappy\t0/0\t0/100\n", {}),
    "stored values": ("direction\n", {"blending": "srgb"}),
    "ellipse": ("direction\n", {"mask": "ellipse", "colour": "grey", "detail": "match"}),
}


@pytest.mark.parametrize("name", PLANS)
def test_every_video_is_judged_by_its_own_plan(london: Path, tmp_path: Path, name: str) -> None:
    photographs = (london / "neutral_front/025_03.jpg", london / "smiling_front/025_08.jpg")
    table = write_table(tmp_path / "pairs.tsv", [("id025", "female", *photographs, "", "")])
    text, options = PLANS[name]
    header, *row = text.splitlines()
    row = row or ["NeutralToHappy"]
    plan = tmp_path / "plan.tsv"
    plan.write_text(f"identity\t{header}\nid025\t{row[0]}\n", encoding="utf-8")
    parameters = dataclasses.replace(ONE_SECOND, **options)
    make_set(table, tmp_path / "set", parameters=parameters, plan=plan)
    assert failed(verdicts(tmp_path / "set")) == set()


def test_the_report_is_one_file_and_names_what_fails(bad: Path, tmp_path: Path) -> None:
    rows = [row for row in read_manifest(bad) if row.pair == "same"]
    measured = measure_pair(rows)
    each = {video.name: judge(video, pair=measured) for video in measured}
    path = write_report(tmp_path, measured, each, problems=["<left> behind"])
    text = path.read_text(encoding="utf-8")
    assert "2 of 2 videos fail" in text
    assert "The face moves" in text
    assert "&lt;left&gt; behind" in text
    assert "<svg" in text and "data:image/jpeg;base64," in text
    assert "http://" not in text and "https://" not in text and "<script" not in text
    for name in ("gates", "frames"):
        lines = (tmp_path / "quality" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        dictionary = json.loads((tmp_path / "quality" / f"{name}.json").read_text(encoding="utf-8"))
        assert lines[0].split("\t") == list(dictionary)
        assert {len(line.split("\t")) for line in lines} == {len(dictionary)}
    assert len(lines) == 1 + sum(row.n_frames for row in rows)


def test_a_report_of_videos_that_cannot_be_decoded(copied: Path) -> None:
    for row in read_manifest(copied):
        row.path.write_bytes(b"no video")
    done = check_quality(copied, report=True)
    assert done.failed
    assert done.report is not None and "2 of 2 videos fail" in done.report.read_text(encoding="utf-8")
