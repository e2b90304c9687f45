"""How frames are packed, and what that does to the descriptors of a face.

Lossless is the default. What a lossy codec costs was measured by ``tests/benchmarks/bench_codecs.py``: the
correlation of the HOG descriptors (8 orientations, cells of 32 px) of a frame with those of the same frame
before it was packed.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One way to pack frames."""

    encoder: str
    """ffmpeg's name of the encoder."""
    options: dict[str, str] = field(default_factory=dict)
    """Options of the encoder."""
    threads: int = 1
    """Threads of the encoder; more only where its frames then still come out one by one."""
    hog_r: float | None = None
    """Measured correlation of descriptors with those of the unpacked frames, median over frames of a drawn
    mouse with camera noise; None: lossless."""
    real_r: float | None = None
    """The same for real frames of head-fixed mice (International Brain Laboratory) with camera noise."""

    @property
    def lossless(self) -> bool:
        """Whether every pixel comes back."""
        return self.hog_r is None


def _h264(crf: int, hog_r: float, real_r: float) -> Codec:
    options = {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency", "g": "30"}
    return Codec(encoder="libx264", options=options, hog_r=hog_r, real_r=real_r)


CODECS: dict[str, Codec] = {
    "ffv1": Codec(
        encoder="ffv1",
        options={"level": "3", "slices": "4", "slicecrc": "1", "g": "1", "coder": "0", "context": "0"},
        threads=2,
    ),
    "raw": Codec(encoder="rawvideo"),
    "h264_lossless": Codec(
        encoder="libx264", options={"qp": "0", "preset": "ultrafast", "tune": "zerolatency", "g": "30"}
    ),
    "h264_crf10": _h264(10, 0.961, 0.981),
    "h264_crf15": _h264(15, 0.945, 0.963),
    "h264_crf23": _h264(23, 0.900, 0.761),
}
"""Name in the rig file -> codec. ``raw`` is for disks that are faster than the processor."""


def find_codec(name: str) -> Codec:
    """Return a codec.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> find_codec("ffv1").lossless, find_codec("h264_crf23").lossless
    (True, False)
    >>> find_codec("avc1")
    Traceback (most recent call last):
    ...
    ValueError: there is no codec 'avc1': expected one of ffv1, raw, h264_lossless, h264_crf10, ...
    """
    if name not in CODECS:
        raise ValueError(f"there is no codec {name!r}: expected one of {', '.join(CODECS)}")
    return CODECS[name]


def loss_warning(name: str) -> str | None:
    """Return what a lossy codec does to the analysis; None for a lossless one.

    Examples
    --------
    >>> loss_warning("ffv1") is None
    True
    """
    codec = find_codec(name)
    if codec.lossless:
        return None
    return (
        f"codec {name} is lossy: HOG descriptors of its frames correlate with those of the camera's frames "
        f"with r = {codec.hog_r:.3f} (drawn mouse) and {codec.real_r:.3f} (real frames), where neighbouring "
        "frames have r = 0.956 and a full expression lowers r by 0.04 to 0.10. Record with ffv1, which keeps "
        "every pixel, unless the disk cannot hold it"
    )
