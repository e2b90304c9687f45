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
    pixel_format: str = "gray"
    """ffmpeg's name of the pixels."""
    options: dict[str, str] = field(default_factory=dict)
    """Options of the encoder."""
    threads: int = 1
    """Threads of the encoder; more only where its frames then still come out one by one."""
    hog_r: float | None = None
    """Measured median correlation of descriptors with those of the unpacked frames; None: lossless."""
    effect_r: float | None = None
    """How much a full expression changes the correlation with the neutral face, of what it changes without
    loss: 1 is all of it; None: lossless."""

    @property
    def lossless(self) -> bool:
        """Whether every pixel comes back."""
        return self.hog_r is None


def _h264(crf: int, hog_r: float, effect_r: float) -> Codec:
    options = {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency", "g": "30"}
    return Codec(encoder="libx264", options=options, hog_r=hog_r, effect_r=effect_r)


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
    "h264_crf10": _h264(10, 0.99, 1.0),
    "h264_crf15": _h264(15, 0.96, 1.0),
    "h264_crf23": _h264(23, 0.69, 1.0),
    "mjpeg_q2": Codec(
        encoder="mjpeg", pixel_format="yuvj420p", options={"qmin": "2", "qmax": "2"}, hog_r=0.9, effect_r=1.0
    ),
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
        f"with r = {codec.hog_r:.3f} only, where a full expression changes r by 0.07. Record with ffv1, "
        "which keeps every pixel, unless the disk cannot hold it"
    )
