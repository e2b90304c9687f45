"""The camera of a rig, as its file says: section ``[camera]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from hardware.cameras.codecs import find_codec

BackendName = Literal["pylon", "flir", "genicam", "opencv", "replay", "synthetic"]
"""Which program library talks to the camera."""
SyncName = Literal["pulses", "lamp", "host"]
"""What joins the clocks of camera and session: see ``experiments.dataset.frame_times``."""

_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """Everything about the camera. Exposure, gain and rate are fixed for a session; nothing is automatic."""

    backend: BackendName
    """``pylon``: Basler. ``flir``: Teledyne FLIR, by Spinnaker. ``genicam``: any other with a GenTL producer.
    ``opencv``: a webcam, without clock. ``replay``: a video or a folder. ``synthetic``: a drawn mouse."""
    fps: float
    """Frames per second; where something triggers the camera, those that it triggers."""
    serial: str | None = None
    """Serial number of the camera; None takes the only one there is."""
    exposure_us: float | None = None
    """Exposure time (microseconds); None leaves what the camera has, without its automatic."""
    gain_db: float | None = None
    """Gain (dB); None leaves what the camera has, without its automatic."""
    width_px: int | None = None
    """Width of the region that is read out; None is all."""
    height_px: int | None = None
    """Height of the region that is read out; None is all."""
    left_px: int = 0
    """Where the region begins, from the left."""
    top_px: int = 0
    """Where the region begins, from the top."""
    trigger_line: str | None = None
    """Line at which the device triggers every frame, such as ``Line1``; None: the camera runs by itself."""
    exposure_line: str | None = None
    """Line on which the camera says when it exposes, such as ``Line2``; None: not set by this program."""
    producer: str | None = None
    """Of ``genicam``: the maker's GenTL producer, a file that ends in ``.cti``."""
    source: str | None = None
    """Of ``replay``: the video or folder. Of ``opencv``: the number of the webcam, or its address."""
    codec: str = "ffv1"
    """How frames are packed; the default keeps every pixel."""
    sync: SyncName = "pulses"
    """What joins the clocks."""
    lamp_px: tuple[int, int, int, int] | None = None
    """Of sync ``lamp``: left, top, width and height of the lamp in the frame."""
    most_frames_off: float = 1.0
    """Largest residual between the clocks, in frames; what is above is refused."""

    def __post_init__(self) -> None:
        for name, allowed in (("backend", get_args(BackendName)), ("sync", get_args(SyncName))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}; found {getattr(self, name)!r}")
        find_codec(self.codec)
        if not 0 < self.fps <= 1000:
            raise ValueError(f"fps is more than 0 and at most 1000, found {self.fps}")
        if self.exposure_us is not None and not 0 < self.exposure_us < 1e6 / self.fps:
            raise ValueError(
                f"an exposure of {self.exposure_us:g} us does not fit into a frame of "
                f"{1e6 / self.fps:.0f} us ({self.fps:g} frames per second): expose for less, or take fewer"
            )
        needed = {"genicam": "producer", "replay": "source"}.get(self.backend)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"the backend {self.backend} needs {needed}")
        if self.sync == "lamp" and self.lamp_px is None:
            raise ValueError("sync by a lamp needs lamp_px = [left, top, width, height]")

    def record(self) -> dict[str, Any]:
        """Return the settings as plain values, without what is not set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def camera_settings(section: Mapping[str, Any], *, folder: Path | None = None) -> CameraSettings:
    """Check the section ``[camera]`` of a rig file.

    Parameters
    ----------
    section
        As ``tomllib`` has read it.
    folder
        Folder of the rig file, from which relative paths of ``source`` and ``producer`` are meant.

    Raises
    ------
    ValueError
        If a setting is unknown, missing, of another kind, or cannot be; the message names it.

    Examples
    --------
    >>> camera_settings({"backend": "pylon", "fps": 30, "exposure_us": 5000}).sync
    'pulses'
    >>> camera_settings({"backend": "pylon", "fps": 30, "exposure": 5000})
    Traceback (most recent call last):
    ...
    ValueError: [camera] has no setting 'exposure'; did you mean exposure_us?
    """
    import difflib

    known = {field.name: field for field in fields(CameraSettings)}
    for name, value in section.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
            raise ValueError(f"[camera] has no setting {name!r}{hint}")
        _check_kind(name, str(known[name].type), value)
    missing = [name for name, f in known.items() if f.default is MISSING and name not in section]
    if missing:
        raise ValueError(f"[camera] needs {' and '.join(missing)}")
    values = dict(section)
    if "lamp_px" in values:
        values["lamp_px"] = tuple(values["lamp_px"])
    for name in ("source", "producer"):
        is_place = isinstance(values.get(name), str) and section["backend"] != "opencv"
        if folder is not None and is_place:
            values[name] = str(folder / values[name])
    try:
        return CameraSettings(**values)
    except ValueError as error:
        raise ValueError(f"[camera]: {error}") from None


def _check_kind(name: str, kind: str, value: Any) -> None:
    """Refuse a value of another kind."""
    if name == "lamp_px":
        whole = isinstance(value, list) and all(isinstance(n, int) and n >= 0 for n in value)
        if not whole or len(value) != 4:
            raise ValueError(f"[camera] lamp_px is [left, top, width, height] in pixels, found {value!r}")
        return
    wanted = _KINDS.get(kind.split(" | ")[0], (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        names = {"str": "a text", "int": "a whole number", "float": "a number"}
        expected = names.get(kind.split(" | ")[0], "a text")
        raise ValueError(f"[camera] {name} is {expected}, found {value!r}")
