"""What GenICam cameras are told, in the words of their standard; the backends only know how to say it.

Makers and generations differ in a few names, so that several are tried for the same thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hardware.cameras.settings import CameraSettings

Value = str | int | float | bool


@dataclass(frozen=True)
class Feature:
    """Something that a camera is told."""

    names: tuple[str, ...]
    """What it is called, the standard's name first."""
    value: Value
    """What it shall be."""
    needed: bool = True
    """Whether a camera that cannot do it is refused."""


def wanted_features(settings: CameraSettings) -> list[Feature]:
    """Return what a camera is told, in the order in which it must be.

    Examples
    --------
    >>> settings = CameraSettings(backend="pylon", fps=30, exposure_us=5000)
    >>> [feature.names[0] for feature in wanted_features(settings)][:5]
    ['PixelFormat', 'ExposureAuto', 'GainAuto', 'GammaEnable', 'ExposureMode']
    """
    features = [
        Feature(("PixelFormat",), "Mono8"),
        Feature(("ExposureAuto",), "Off", needed=False),
        Feature(("GainAuto",), "Off", needed=False),
        Feature(("GammaEnable",), False, needed=False),
        Feature(("ExposureMode",), "Timed", needed=False),
        Feature(("AcquisitionMode",), "Continuous", needed=False),
        *_region(settings),
    ]
    if settings.exposure_us is not None:
        features.append(Feature(("ExposureTime", "ExposureTimeAbs", "ExposureTimeRaw"), settings.exposure_us))
    if settings.gain_db is not None:
        features.append(Feature(("Gain", "GainAbs", "GainRaw"), settings.gain_db))
    return [*features, *_pace(settings), *_exposure_line(settings)]


def _region(settings: CameraSettings) -> list[Feature]:
    """Size before place: a place is only allowed where the region still fits."""
    if settings.width_px is None and settings.height_px is None:
        return []
    features = [Feature(("OffsetX",), 0, needed=False), Feature(("OffsetY",), 0, needed=False)]
    for name, size in (("Width", settings.width_px), ("Height", settings.height_px)):
        if size is not None:
            features.append(Feature((name,), size))
    for name, place in (("OffsetX", settings.left_px), ("OffsetY", settings.top_px)):
        if place:
            features.append(Feature((name,), place))
    return features


def _pace(settings: CameraSettings) -> list[Feature]:
    if settings.trigger_line is None:
        return [
            Feature(("TriggerMode",), "Off", needed=False),
            Feature(("AcquisitionFrameRateEnable", "AcquisitionFrameRateEnabled"), True, needed=False),
            Feature(("AcquisitionFrameRateAuto",), "Off", needed=False),
            Feature(("AcquisitionFrameRate", "AcquisitionFrameRateAbs"), settings.fps),
        ]
    return [
        Feature(("TriggerMode",), "Off", needed=False),
        Feature(("AcquisitionFrameRateEnable", "AcquisitionFrameRateEnabled"), False, needed=False),
        Feature(("TriggerSelector",), "FrameStart"),
        Feature(("TriggerSource",), settings.trigger_line),
        Feature(("TriggerActivation",), "RisingEdge", needed=False),
        Feature(("TriggerMode",), "On"),
    ]


def _exposure_line(settings: CameraSettings) -> list[Feature]:
    if settings.exposure_line is None:
        return []
    return [
        Feature(("LineSelector",), settings.exposure_line),
        Feature(("LineMode",), "Output", needed=False),
        Feature(("LineSource",), "ExposureActive"),
    ]


def apply_features(settings: CameraSettings, write: Callable[[str, Value], bool]) -> dict[str, str]:
    """Tell a camera everything.

    Parameters
    ----------
    settings
        What is wanted.
    write
        Sets one feature; returns False where the camera has none of that name, raises where it has but does
        not take the value.

    Returns
    -------
    dict
        What was set, by the camera's own names.

    Raises
    ------
    ValueError
        If the camera lacks something that is needed, or does not take a value.
    """
    told: dict[str, str] = {}
    for feature in wanted_features(settings):
        for name in feature.names:
            try:
                taken = write(name, feature.value)
            except Exception as error:
                if not feature.needed:
                    break
                raise ValueError(
                    f"the camera does not take {name} = {feature.value} ({error}): look up in its manual "
                    "what it can, and change [camera] in the rig file"
                ) from None
            if taken:
                told[name] = str(feature.value)
                break
        else:
            if feature.needed:
                raise ValueError(
                    f"the camera has no {' or '.join(feature.names)}, which {feature.value!r} was asked of: "
                    "change [camera] in the rig file"
                )
    return told
