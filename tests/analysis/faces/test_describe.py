"""Videos become files of descriptors: complete, identical, resumable, and honest about damage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from coded_videos import KINDS, write_coded_video

from analysis.faces import describe as describing
from analysis.faces.describe import HogParameters, describe_video, descriptor_path
from analysis.faces.descriptor_files import PARTS_SUFFIX, DescriptorParts, read_descriptors
from analysis.faces.hog import describe_frames
from analysis.faces.masks import Crop, FaceMask, write_mask
from analysis.faces.video_frames import VideoReader

ROOT = Path(__file__).resolve().parents[3]
N = 150
MASK = FaceMask(
    crop=Crop(left_px=8, top_px=16, width_px=140, height_px=75),
    spout=(((60.0, 60.0), (70.0, 60.0), (70.0, 70.0), (60.0, 70.0)),),
)
SMALL = HogParameters(cell_px=16)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("video")
    return write_coded_video(folder / "mouse.mp4", KINDS["h264_fast_start"][1], n_frames=N)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describing, "PART_FRAMES", 32)
    monkeypatch.setattr(describing, "BATCH_BYTES", 5 * 140 * 75)


def run_command(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analysis.faces", "describe", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("threads", [1, 3])
def test_the_file_holds_the_descriptors_of_the_cropped_and_masked_frames(
    threads: int, video: Path, tmp_path: Path
) -> None:
    done: list[int] = []
    result = describe_video(
        video, tmp_path / "a.h5", parameters=SMALL, mask=MASK, threads=threads, progress=done.append
    )
    found = read_descriptors(tmp_path / "a.h5")
    frames = np.stack([MASK.crop_frame(frame.grey) for frame in VideoReader(video).frames()])
    expected = describe_frames(frames, cell_px=16, mask=MASK.pixels((96, 160)))
    np.testing.assert_array_equal(found.values, expected)
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.frame, np.arange(N))
    np.testing.assert_allclose(found.times_s, np.arange(N) / 30, atol=1e-6)
    assert found.valid.all()
    assert (result.n_frames, result.n_damaged, result.resumed_at, sum(done)) == (N, 0, 0, N)
    assert result.n_features == expected.shape[1] == found.parameters["cells"].__str__().count("x") * 8
    assert not (tmp_path / ("a.h5" + PARTS_SUFFIX)).exists()


@pytest.mark.usefixtures("small_parts")
def test_any_number_of_threads_and_any_interruption_gives_the_same_bytes(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe_video(video, tmp_path / "a.h5", parameters=SMALL, mask=MASK)
    whole = (tmp_path / "a.h5").read_bytes()
    describe_video(video, tmp_path / "b.h5", parameters=SMALL, mask=MASK, threads=3)
    assert (tmp_path / "b.h5").read_bytes() == whole
    write = DescriptorParts.write

    class Killed(BaseException):
        pass

    def write_two(self: DescriptorParts, start: int, *arguments: Any) -> None:
        if start >= 64:
            raise Killed
        write(self, start, *arguments)

    monkeypatch.setattr(DescriptorParts, "write", write_two)
    with pytest.raises(Killed):
        describe_video(video, tmp_path / "c.h5", parameters=SMALL, mask=MASK)
    assert not (tmp_path / "c.h5").exists()
    monkeypatch.setattr(DescriptorParts, "write", write)
    assert describe_video(video, tmp_path / "c.h5", parameters=SMALL, mask=MASK).resumed_at == 64
    assert (tmp_path / "c.h5").read_bytes() == whole


@pytest.mark.usefixtures("small_parts")
def test_parts_of_other_parameters_are_of_no_use(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DescriptorParts, "finish", lambda *_: None)
    describe_video(video, tmp_path / "a.h5", parameters=SMALL)
    assert describe_video(video, tmp_path / "a.h5", parameters=SMALL).resumed_at == N
    assert describe_video(video, tmp_path / "a.h5", parameters=HogParameters()).resumed_at == 0


def test_a_complete_file_is_kept_and_others_are_not_overwritten(video: Path, tmp_path: Path) -> None:
    describe_video(video, tmp_path / "a.h5", parameters=SMALL)
    before = (tmp_path / "a.h5").stat().st_mtime_ns
    again = describe_video(video, tmp_path / "a.h5", parameters=SMALL)
    assert (again.resumed_at, (tmp_path / "a.h5").stat().st_mtime_ns) == (N, before)
    with pytest.raises(FileExistsError, match="different: hog: cell_px"):
        describe_video(video, tmp_path / "a.h5")
    describe_video(video, tmp_path / "a.h5", overwrite=True)
    assert read_descriptors(tmp_path / "a.h5").parameters["hog"]["cell_px"] == 32


def test_what_is_inside_says_what_was_done(video: Path, tmp_path: Path) -> None:
    describe_video(video, tmp_path / "a.h5", mask=MASK)
    parameters = read_descriptors(tmp_path / "a.h5").parameters
    assert parameters["video"]["sha256"] == VideoReader(video).sha256()
    assert parameters["video"]["grey"] == "luma plane as stored"
    assert parameters["hog"]["block_norm"] == "L2-Hys"
    assert parameters["mask"]["crop"]["width_px"] == 140
    assert 0 < parameters["clipped_share"] < 1
    assert {"countenance", "numpy", "av", "libavcodec"} <= set(parameters["versions"])
    text = json.dumps(parameters)
    assert str(tmp_path) not in text and str(video.parent) not in text
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["descriptors"].compression == "gzip"
        assert "seconds" in file["times_s"].attrs["description"]


def test_damaged_frames_are_rows_without_values(video: Path, tmp_path: Path) -> None:
    content = bytearray(video.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1500] = np.random.default_rng(3).integers(0, 256, 1500, np.uint8).tobytes()
    (tmp_path / "damaged.mp4").write_bytes(content)
    result = describe_video(tmp_path / "damaged.mp4", tmp_path / "a.h5")
    found = read_descriptors(tmp_path / "a.h5")
    assert 1 <= result.n_damaged == (~found.valid).sum() < 60
    assert np.isnan(found.values[~found.valid]).all()
    assert np.isfinite(found.values[found.valid]).all()
    assert "damaged; they are marked" in result.warnings[-1]
    describe_video(video, tmp_path / "whole.h5")
    whole = read_descriptors(tmp_path / "whole.h5")
    np.testing.assert_array_equal(found.values[found.valid], whole.values[found.valid])


def test_float32_says_how_often_it_differs(video: Path, tmp_path: Path) -> None:
    result = describe_video(video, tmp_path / "a.h5", parameters=HogParameters(exact=False))
    assert "float32:" in result.warnings[-1]
    report = read_descriptors(tmp_path / "a.h5").parameters["float32"]
    assert report["n_frames"] == 1  # one per part
    assert report["n_components"] == result.n_features


def test_other_files_are_not_read_as_descriptors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="descriptors not found"):
        read_descriptors(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("x", encoding="utf-8")
    with pytest.raises(ValueError, match="not a readable HDF5"):
        read_descriptors(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match="not a file of descriptors"):
        read_descriptors(tmp_path / "other.h5")


def test_rows_can_be_read_in_part(video: Path, tmp_path: Path) -> None:
    describe_video(video, tmp_path / "a.h5")
    part = read_descriptors(tmp_path / "a.h5", start=10, stop=13)
    assert list(part.frame) == [10, 11, 12]
    np.testing.assert_array_equal(part.values, read_descriptors(tmp_path / "a.h5").values[10:13])


def test_the_command_describes_several_videos_side_by_side(video: Path, tmp_path: Path) -> None:
    second = write_coded_video(tmp_path / "second.avi", KINDS["mjpeg"][1], n_frames=40)
    (tmp_path / "bad.mp4").write_text("no video", encoding="utf-8")
    write_mask(tmp_path / "mask.yaml", MASK)
    out = tmp_path / "out"
    options = ("--mask", tmp_path / "mask.yaml", "--out", out, "--workers", 2, "--json")
    done = run_command(video, second, tmp_path / "bad.mp4", *options)
    assert done.returncode == 2
    assert "bad.mp4" in done.stderr and "Traceback" not in done.stderr
    entries = json.loads(done.stdout.splitlines()[-1])["videos"]
    assert [entry.get("n_frames") for entry in entries] == [N, 40, None]
    assert "not a readable video" in entries[2]["error"]
    describe_video(video, tmp_path / "alone.h5", mask=MASK)
    assert descriptor_path(video, out).read_bytes() == (tmp_path / "alone.h5").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mp4"], "video not found"),
        (["{video}", "--mask", "none.yaml"], "mask not found"),
        (["{video}", "--times", "none.txt"], "times not found"),
        (["{video}", "{video}", "--times", "none.txt"], "belongs to one video"),
        (["{video}", "{video}"], "would both be written"),
        (["{video}", "--block-norm", "L3"], "block_norm is one of"),
        (["{video}", "--cell-px", "200"], "fits into the frame"),
    ],
)
def test_wrong_input_ends_with_a_message(
    arguments: list[str], message: str, video: Path, tmp_path: Path
) -> None:
    done = run_command(*(text.format(video=video) for text in arguments), "--out", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


MEMORY_SCRIPT = """
import resource, sys
from pathlib import Path
import numpy as np
from analysis.faces.describe import describe_video
from analysis.faces.hog import describe_frames
describe_frames(np.zeros((96, 160), np.uint8))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = describe_video(Path(sys.argv[1]), Path(sys.argv[2]))
print(result.n_frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    video = write_coded_video(tmp_path / "long.avi", KINDS["mjpeg"][1], n_frames=4000)
    command = [sys.executable, "-c", MEMORY_SCRIPT, str(video), str(tmp_path / "a.h5")]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    n_frames, grown_kb = map(int, output.split())
    assert n_frames == 4000  # 61 MB of pixels
    assert grown_kb < 45_000


def kill_and_resume(video: Path, folder: Path, wait_s: list[float]) -> tuple[bytes, list[int]]:
    """Describe, killed after each of the times; the file in the end, and where each run began."""
    command = [sys.executable, "-m", "analysis.faces", "describe", str(video), "--workers", "1", "--json"]
    begun = []
    for seconds in [*wait_s, 600.0]:
        process = subprocess.Popen(
            [*command, "--out", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            output, _ = process.communicate(timeout=seconds)
            begun.append(json.loads(output.splitlines()[-1])["videos"][0]["resumed_at"])
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    return descriptor_path(video, folder).read_bytes(), begun


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_killed_at_random_moments_it_goes_on_and_writes_the_same_bytes(tmp_path: Path) -> None:
    video = write_coded_video(tmp_path / "long.mp4", KINDS["h264_fast_start"][1], n_frames=20_000)
    started = time.monotonic()
    whole, _ = kill_and_resume(video, tmp_path / "whole", [])
    needed_s = time.monotonic() - started
    rng = np.random.default_rng(7)
    resumed = []
    for attempt in range(4):
        waits = rng.uniform(0.2, 0.8, 5) * needed_s
        again, begun = kill_and_resume(video, tmp_path / str(attempt), list(waits))
        assert again == whole
        resumed += begun
    assert any(number > 0 for number in resumed)
