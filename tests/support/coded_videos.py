"""Small videos whose every frame says its own number, in the kinds that readers stumble over."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np

WIDTH_PX, HEIGHT_PX = 160, 96
N_BITS = 10


def coded_frame(number: int) -> np.ndarray:
    """Grey frame with its number as black and white bars at the top and a texture that moves below."""
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    frame = 128 + 60 * np.sin(0.2 * x + 0.31 * number) * np.cos(0.17 * y - 0.07 * number)
    for bit in range(N_BITS):
        frame[:16, bit * 16 : bit * 16 + 16] = 220 if number >> bit & 1 else 35
    return frame.astype(np.uint8)


def decoded_number(grey: np.ndarray) -> int:
    """The number that a decoded frame says."""
    bars = [grey[4:12, bit * 16 + 4 : bit * 16 + 12].mean() > 128 for bit in range(N_BITS)]
    return sum(1 << bit for bit, white in enumerate(bars) if white)


def write_coded_video(
    path: Path, arguments: Sequence[str], *, n_frames: int = 120, fps: float = 30, input_fps: bool = True
) -> Path:
    """Encode coded frames with ffmpeg; ``arguments`` are those of the output."""
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH_PX}x{HEIGHT_PX}", "-r", str(fps), "-i", "-"]
    frames = b"".join(coded_frame(number).tobytes() for number in range(n_frames))
    run_ffmpeg([*raw, *arguments, str(path)], frames)
    return path


def run_ffmpeg(arguments: Sequence[str], content: bytes = b"") -> None:
    """Run ffmpeg quietly; a failure is an error."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-y", "-v", "error", *arguments], input=content, check=True)


H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12", "-g", "12", "-threads", "1")
"""H.264 with a key frame every 12 frames."""
KINDS: dict[str, tuple[str, Sequence[str]]] = {
    "h264": ("mp4", (*H264, "-bf", "3")),
    "h264_fast_start": ("mp4", (*H264, "-bf", "3", "-movflags", "+faststart")),
    "open_gop": ("mkv", (*H264, "-bf", "3", "-x264-params", "open-gop=1")),
    "uneven": ("mp4", (*H264, "-bf", "2", "-vf", "select='mod(n,7)'", "-fps_mode", "vfr")),
    "mpeg4_b_frames": ("avi", ("-c:v", "mpeg4", "-q:v", "2", "-bf", "2", "-g", "12")),
    "mjpeg": ("avi", ("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p")),
    "ffv1_grey": ("mkv", ("-c:v", "ffv1", "-pix_fmt", "gray")),
    "ffv1_grey16": ("mkv", ("-c:v", "ffv1", "-pix_fmt", "gray16le")),
    "raw_rgb": ("avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr24")),
}
"""Container and arguments of ffmpeg by name."""
