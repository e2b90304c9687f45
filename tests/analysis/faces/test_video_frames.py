"""Frames are those that the timestamps promise, in kinds of video that readers stumble over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from coded_videos import (
    KINDS,
    coded_frame,
    decoded_number,
    run_ffmpeg,
    write_coded_video,
)
from PIL import Image

from analysis.faces.video_decoder import grey_path
from analysis.faces.video_frames import VideoReader, choose_times, read_times

N = 120


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    found = {
        name: write_coded_video(folder / f"{name}.{suffix}", arguments, n_frames=N)
        for name, (suffix, arguments) in KINDS.items()
    }
    found["cut"] = folder / "cut.mp4"
    run_ffmpeg(["-ss", "1.1", "-i", str(found["h264"]), "-t", "2", "-c", "copy", str(found["cut"])])
    found["raw_stream"] = folder / "raw_stream.h264"
    run_ffmpeg(["-i", str(found["h264"]), "-c", "copy", "-f", "h264", str(found["raw_stream"])])
    return found


@pytest.mark.parametrize("name", [*KINDS, "cut"])
def test_every_frame_comes_once_in_order_at_its_time(name: str, videos: dict[str, Path]) -> None:
    reader = VideoReader(videos[name])
    frames = list(reader.frames())
    assert [frame.number for frame in frames] == list(range(reader.n_frames))
    written = np.array([decoded_number(frame.grey >> (8 * (frame.grey.itemsize - 1))) for frame in frames])
    assert (np.diff(written) >= 1).all()
    assert len(written) == (102 if name == "uneven" else reader.n_frames)
    offset_s = frames[0].time_s - written[0] / 30
    np.testing.assert_allclose([frame.time_s for frame in frames], offset_s + written / 30, atol=1.1e-3)
    assert reader.warnings == ()


@pytest.mark.parametrize("name", [*KINDS, "cut", "raw_stream"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_frame_reached_by_a_jump_is_the_frame(name: str, threads: int, videos: dict[str, Path]) -> None:
    reader = VideoReader(videos[name], threads=threads, fps=30 if name == "raw_stream" else None)
    all_frames = {
        frame.number: frame.grey.copy()
        for frame in VideoReader(videos[name], fps=30 if name == "raw_stream" else None).frames()
    }
    for number in (0, 1, 11, 12, 13, 29, 36, 47, 50, reader.n_frames - 1):
        (frame,) = reader.frames(number, number + 1)
        assert frame.number == number
        np.testing.assert_array_equal(frame.grey, all_frames[number])


def test_the_frame_of_a_time_is_the_one_shown_then(videos: dict[str, Path]) -> None:
    reader = VideoReader(videos["uneven"])  # every seventh frame is missing
    for time_s in (reader.times_s[0], 0.5, 1.0, 1.234, 2.5):
        frame = reader.frame_at(time_s)
        assert frame.time_s <= time_s + 1e-4
        later = frame.number + 1
        assert later == reader.n_frames or reader.times_s[later] > time_s
        assert decoded_number(frame.grey) == round(frame.time_s * 30)
    with pytest.raises(ValueError, match="outside the video"):
        reader.frame_at(60)
    with pytest.raises(ValueError, match="outside the video"):
        reader.frame_at(-1)


def test_a_real_video_has_the_frames_it_promises(shared: Path) -> None:
    reader = VideoReader(shared / "data" / "lightningpose_headfixed_video" / "test_vid.mp4")
    assert (reader.n_frames, reader.width_px, reader.height_px) == (994, 396, 406)
    np.testing.assert_allclose(np.diff(reader.times_s), 1 / 250, atol=1e-4)


def test_lossless_grey_is_what_was_written(videos: dict[str, Path]) -> None:
    for name in ("ffv1_grey", "raw_rgb"):
        for frame in VideoReader(videos[name]).frames(40, 43):
            np.testing.assert_array_equal(frame.grey, coded_frame(frame.number))
    (deep,) = VideoReader(videos["ffv1_grey16"]).frames(40, 41)
    assert deep.grey.dtype == np.uint16
    np.testing.assert_array_equal(deep.grey >> 8, coded_frame(40))


def test_the_way_to_grey_is_on_record(videos: dict[str, Path]) -> None:
    assert VideoReader(videos["h264"]).record()["grey"] == "luma plane as stored"
    assert VideoReader(videos["mjpeg"]).colour_range == "full"
    assert VideoReader(videos["raw_rgb"]).grey.startswith("0.299 R")
    assert grey_path("yuyv422") == "luma as stored"
    assert grey_path("yuv420p10le") == "luma plane as stored"


@pytest.mark.parametrize("name", ["h264_fast_start", "open_gop", "mjpeg", "mpeg4_b_frames"])
def test_a_truncated_video_gives_what_is_there_and_says_so(
    name: str, videos: dict[str, Path], tmp_path: Path
) -> None:
    content = videos[name].read_bytes()
    cut = tmp_path / videos[name].name
    cut.write_bytes(content[: len(content) * 6 // 10])
    reader = VideoReader(cut)
    assert any("cut off" in warning for warning in reader.warnings)
    frames = list(reader.frames())
    assert N * 0.4 < len(frames) < N * 0.8
    assert [decoded_number(frame.grey) for frame in frames] == [frame.number for frame in frames]


def test_a_video_without_its_index_is_refused(videos: dict[str, Path], tmp_path: Path) -> None:
    content = videos["h264"].read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="before it was closed"):
        VideoReader(tmp_path / "cut.mp4")


@pytest.mark.parametrize("threads", [1, 3])
def test_damaged_frames_are_left_out_until_a_whole_one(
    threads: int, videos: dict[str, Path], tmp_path: Path
) -> None:
    content = bytearray(videos["h264_fast_start"].read_bytes())
    middle = len(content) // 2
    noise = np.random.default_rng(3).integers(0, 256, 1500, dtype=np.uint8)
    content[middle : middle + 1500] = noise.tobytes()
    (tmp_path / "damaged.mp4").write_bytes(content)
    reader = VideoReader(tmp_path / "damaged.mp4", threads=threads)
    frames = {frame.number: frame.grey.copy() for frame in reader.frames()}
    missing = sorted(set(range(N)) - set(frames))
    assert 1 <= len(missing) <= 40
    whole = {frame.number: frame.grey for frame in VideoReader(videos["h264_fast_start"]).frames()}
    for number, grey in frames.items():
        np.testing.assert_array_equal(grey, whole[number])
    for number in (missing[0], missing[-1] + 1, N - 1):
        assert (next(reader.frames(number, number + 1), None) is None) == (number in missing)
    with pytest.raises(ValueError, match="is damaged"):
        reader.frame_at(float(reader.times_s[missing[0]]))


def test_missing_timestamps_must_be_replaced(videos: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="no timestamps, or frames share one"):
        VideoReader(videos["raw_stream"])
    reader = VideoReader(videos["raw_stream"], fps=30)
    assert [decoded_number(frame.grey) for frame in reader.frames()] == list(range(N))
    assert reader.times_s[-1] == pytest.approx((N - 1) / 30)
    assert "no usable timestamps" in reader.warnings[0]


def test_a_wrong_rate_in_the_header_is_replaced_and_told(tmp_path: Path) -> None:
    video = write_coded_video(tmp_path / "v.avi", KINDS["mjpeg"][1], fps=25)
    reader = VideoReader(video, fps=30)
    np.testing.assert_allclose(np.diff(reader.times_s), 1 / 30)
    assert "says 25.000 frames per second, the camera took 30" in reader.warnings[0]
    assert VideoReader(video, fps=25).warnings == ()


def test_a_rate_cannot_replace_times_of_a_video_with_gaps(videos: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="with gaps"):
        VideoReader(videos["uneven"], fps=30)


def test_a_header_that_contradicts_the_timestamps() -> None:
    container_s = np.arange(100) / 24.0
    times_s, source, doubts = choose_times(Path("v.mkv"), 100, container_s, None, None, 30.0)
    np.testing.assert_array_equal(times_s, container_s)
    assert source == "container"
    assert "header says 30.000 frames per second, the timestamps 24.000" in doubts[0]
    assert choose_times(Path("v.mkv"), 100, container_s, None, None, 24.0)[2] == ()


def test_given_times_count_before_the_containers(videos: dict[str, Path], tmp_path: Path) -> None:
    times_s = 7 + np.arange(N) / 29.97
    (tmp_path / "plain.txt").write_text("\n".join(map(str, times_s)), encoding="utf-8")
    rows = "".join(f"{i}\t{t}\n" for i, t in enumerate(times_s))
    (tmp_path / "table.tsv").write_text("frame\ttime_s\n" + rows, encoding="utf-8-sig")
    for name in ("plain.txt", "table.tsv"):
        np.testing.assert_array_equal(read_times(tmp_path / name), times_s)
    reader = VideoReader(videos["h264"], times_s=times_s)
    assert reader.times_from == "given"
    assert decoded_number(reader.frame_at(7 + 50 / 29.97).grey) == 50


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected time_s"),
        ("1\n2\nthree\n", "not a list of times"),
        ("time_s\nx\n", "not a list"),
    ],
)
def test_wrong_files_of_times(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_times(tmp_path / "t.csv")


def test_times_that_do_not_fit(videos: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="120 frames, but 119 times"):
        VideoReader(videos["h264"], times_s=np.arange(119.0))
    with pytest.raises(ValueError, match="rise from frame to frame"):
        VideoReader(videos["h264"], times_s=np.zeros(N))
    with pytest.raises(ValueError, match="must be positive"):
        VideoReader(videos["h264"], fps=0)


def test_what_is_not_a_video(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="video not found"):
        VideoReader(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("not a video", encoding="utf-8")
    with pytest.raises(ValueError, match="not a readable video"):
        VideoReader(tmp_path / "text.mp4")
    (tmp_path / "empty.avi").write_bytes(b"")
    with pytest.raises(ValueError, match="not a readable video"):
        VideoReader(tmp_path / "empty.avi")


def test_a_folder_of_pictures_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in range(12):
        Image.fromarray(coded_frame(number)).save(tmp_path / f"img_{number}.png")
    Image.fromarray(np.dstack([coded_frame(12)] * 3)).save(tmp_path / "img_12.png")
    (tmp_path / "img_13.png").write_bytes(b"broken")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ValueError, match="no timestamps"):
        VideoReader(tmp_path)
    reader = VideoReader(tmp_path, fps=20)
    assert reader.n_frames == 14
    frames = list(reader.frames(2))
    assert [frame.number for frame in frames] == list(range(2, 13))  # the broken one is left out
    for frame in frames:
        np.testing.assert_array_equal(frame.grey, coded_frame(frame.number))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures"):
        VideoReader(tmp_path / "empty", fps=20)


def test_ranges(videos: dict[str, Path]) -> None:
    reader = VideoReader(videos["h264"])
    assert [frame.number for frame in reader.frames(118, 500)] == [118, 119]
    assert list(reader.frames(120)) == []
    assert list(reader.frames(5, 5)) == []
    with pytest.raises(ValueError, match="asked for 121"):
        list(reader.frames(121))
