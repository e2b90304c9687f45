import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from stimuli.manifest import StimulusVideo, check_set, file_sha256, read_manifest, write_json, write_manifest
from stimuli.video import encode, frame_hashes


def make_set(folder: Path) -> list[StimulusVideo]:
    frames = np.random.default_rng(2).integers(0, 256, (5, 16, 12, 3), dtype=np.uint8)
    videos = []
    for direction, shown in (("HappyToAngry", frames), ("AngryToHappy", frames[::-1])):
        name = f"id01_{direction}"
        encode(shown, folder / f"{name}.mp4", fps=25)
        frames_sha256 = frame_hashes(shown)[1]
        write_json(folder / f"{name}.json", {"levels": [0.0] * 5, "frames_sha256": frames_sha256})
        videos.append(
            StimulusVideo(
                folder=folder,
                video=name,
                pair="id01",
                identity="id01",
                sex="female",
                direction=direction,
                file=f"{name}.mp4",
                n_frames=5,
                fps=25.0,
                width_px=12,
                height_px=16,
                sidecar=f"{name}.json",
                file_sha256=file_sha256(folder / f"{name}.mp4"),
                frames_sha256=frames_sha256,
            )
        )
    write_manifest(folder, videos, description={"parameters": {"seconds": 0.2}})
    return videos


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    videos = make_set(tmp_path)
    assert read_manifest(tmp_path) == videos
    assert videos[0].path.is_file()
    assert videos[0].duration_s == pytest.approx(0.2)
    dictionary = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    header = (tmp_path / "manifest.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t")
    assert all("Description" in dictionary[name] for name in header)


def test_an_untouched_set_has_no_problems(tmp_path: Path) -> None:
    make_set(tmp_path)
    assert check_set(tmp_path, decode=True) == []


def test_a_frame_count_that_differs_from_the_manifest_is_told(tmp_path: Path) -> None:
    video, other = make_set(tmp_path)
    write_manifest(tmp_path, [dataclasses.replace(video, n_frames=6), other], description={})
    assert any("has 5 frames, the manifest says 6" in problem for problem in check_set(tmp_path, decode=True))
    assert check_set(tmp_path, decode=False)


def test_a_swapped_video_is_told_with_and_without_decoding(tmp_path: Path) -> None:
    first, second = make_set(tmp_path)
    first.path.write_bytes(second.path.read_bytes())
    assert len(check_set(tmp_path, decode=False)) == 1
    assert any("frames are not those" in problem for problem in check_set(tmp_path, decode=True))


def test_missing_and_damaged_files_are_told(tmp_path: Path) -> None:
    first, second = make_set(tmp_path)
    first.path.unlink()
    second.sidecar_path.write_text("{", encoding="utf-8")
    problems = check_set(tmp_path, decode=False)
    assert len(problems) == 2
    assert "missing" in problems[0]
    assert "not readable JSON" in problems[1]


def test_a_folder_without_a_set_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m stimuli morph"):
        read_manifest(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tn_frames\t", "\tframes\t", "lacks the columns n_frames"),
        ("\t5\t25\t", "\tfive\t25\t", "line 2: n_frames is 'five'"),
        ("\t5\t25\t", "\t5\tnan\t", "line 2: fps is 'nan'"),
        ("female", "woman", "line 2: sex is 'woman'"),
        ("\tid01_HappyToAngry.mp4", "\t../x.mp4", "inside the folder"),
        ("\tid01_HappyToAngry.mp4", "\tC:\\x.mp4", "inside the folder"),
        ("id01_AngryToHappy\tid01", "id01_HappyToAngry\tid01", "more than once"),
        ("\tid01_HappyToAngry.mp4", "", "number of fields"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    make_set(tmp_path)
    path = tmp_path / "manifest.tsv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=message.replace("\\", "\\\\")):
        read_manifest(tmp_path)


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    make_set(tmp_path)
    path = tmp_path / "manifest.tsv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no videos"):
        read_manifest(tmp_path)
