from pathlib import Path

import cv2
import numpy as np
import pytest

from stimuli.video import UNFINISHED_SUFFIX, decode, encode, frame_hashes


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (7, 35, 51, 3), dtype=np.uint8)


def test_what_is_decoded_is_what_was_encoded_even_for_noise_and_odd_sizes(
    tmp_path: Path, noise: np.ndarray
) -> None:
    path = tmp_path / "ein Vídeo mit Leerzeichen.mp4"
    encode(iter(noise), path, fps=25)
    assert np.array_equal(decode(path), noise)
    assert sorted(tmp_path.iterdir()) == [path]


def test_another_decoder_sees_the_same_frames_and_rate(tmp_path: Path, noise: np.ndarray) -> None:
    path = tmp_path / "v.mp4"
    encode(noise, path, fps=25)
    capture = cv2.VideoCapture(str(path))
    try:
        assert capture.get(cv2.CAP_PROP_FPS) == 25
        for frame in noise:
            read, bgr = capture.read()
            assert read
            assert np.array_equal(bgr[..., ::-1], frame)
        assert not capture.read()[0]
    finally:
        capture.release()


def test_encoding_twice_gives_the_same_bytes(tmp_path: Path, noise: np.ndarray) -> None:
    encode(noise, tmp_path / "a.mp4", fps=25)
    encode(noise, tmp_path / "b.mp4", fps=25)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_one_frame_is_a_video(tmp_path: Path, noise: np.ndarray) -> None:
    encode(noise[:1], tmp_path / "v.mp4", fps=29.97)
    assert np.array_equal(decode(tmp_path / "v.mp4"), noise[:1])


def test_an_interrupted_encoding_leaves_neither_a_video_nor_the_old_one_damaged(
    tmp_path: Path, noise: np.ndarray
) -> None:
    path = tmp_path / "v.mp4"
    encode(noise, path, fps=25)

    def broken() -> object:
        yield noise[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(broken(), path, fps=25)  # type: ignore[arg-type]
    assert np.array_equal(decode(path), noise)
    assert not list(tmp_path.glob("*" + UNFINISHED_SUFFIX))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames"),
        ([np.zeros((4, 4), np.uint8)], "frame 0"),
        ([np.zeros((4, 4, 3), np.float32)], "frame 0"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)], "frame 1"),
    ],
)
def test_wrong_frames_are_refused(tmp_path: Path, frames: list[np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(frames, tmp_path / "v.mp4", fps=25)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_a_failure_with_the_reason(tmp_path: Path, noise: np.ndarray) -> None:
    with pytest.raises(RuntimeError, match="No such file or directory"):
        encode(noise, tmp_path / "nowhere" / "v.mp4", fps=25)


def test_missing_foreign_and_truncated_videos_are_named(tmp_path: Path, noise: np.ndarray) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        decode(tmp_path / "absent.mp4")
    (tmp_path / "text.mp4").write_text("no video at all", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.mp4"):
        decode(tmp_path / "text.mp4")
    encode(noise, tmp_path / "v.mp4", fps=25)
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "v.mp4").read_bytes()[:-2000])
    with pytest.raises(ValueError, match=r"cut\.mp4"):
        decode(tmp_path / "cut.mp4")


def test_frame_hashes_tell_order_and_single_changes(noise: np.ndarray) -> None:
    each, together = frame_hashes(noise)
    reversed_each, reversed_together = frame_hashes(noise[::-1])
    assert reversed_each == each[::-1]
    assert reversed_together != together
    changed = noise.copy()
    changed[3, 0, 0, 0] ^= 1
    changed_each, _ = frame_hashes(changed)
    assert [a == b for a, b in zip(each, changed_each, strict=True)] == [True] * 3 + [False] + [True] * 3
