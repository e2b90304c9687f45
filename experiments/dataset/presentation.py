"""How the stimuli came onto the screen: what a session's record says of it, for the dataset's JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def about_the_screen(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a dataset's JSON file on the screen of a session.

    Parameters
    ----------
    session : mapping
        The session's record, with ``display`` and ``pulldown`` where the session got so far.

    Returns
    -------
    dict
        ``StimulusPresentation`` (of BIDS) for a real window, and ``DisplayTiming`` (ours): the refresh rate,
        whether it was measured, real-time priority, and for each kind of video how many refreshes its frames
        stayed.

    Examples
    --------
    >>> video = {"fps": 25, "n_frames": 125, "refreshes_per_frame": [3, 2, 3, 2, 2], "file": "pulldown.tsv"}
    >>> display = {"kind": "simulated", "refresh_hz": 60.0, "refresh_measured": False}
    >>> said = about_the_screen({"display": display, "pulldown": [video]})
    >>> said["DisplayTiming"]["RefreshRate"], said["DisplayTiming"]["Videos"][0]["RefreshesPerFrame"]
    (60.0, [3, 2, 3, 2, 2])
    """
    display = session.get("display") or {}
    return {**_software(session, display), **_timing(session, display)}


def _software(session: Mapping[str, Any], display: Mapping[str, Any]) -> dict[str, Any]:
    if display.get("kind") != "window":
        return {}
    presentation = {
        "OperatingSystem": session.get("system"),
        "SoftwareName": "PsychoPy",
        "SoftwareVersion": (session.get("versions") or {}).get("psychopy"),
    }
    return {"StimulusPresentation": {name: value for name, value in presentation.items() if value}}


def _timing(session: Mapping[str, Any], display: Mapping[str, Any]) -> dict[str, Any]:
    if "refresh_hz" not in display:
        return {}
    names = {
        "fps": "FrameRate",
        "n_frames": "Frames",
        "n_refreshes": "Refreshes",
        "duration_s": "Duration",
        "refreshes_per_frame": "RefreshesPerFrame",
        "largest_delay_ms": "LargestFrameDelayMs",
        "file": "Table",
    }
    videos = [
        {names[name]: value for name, value in kind.items() if name in names}
        for kind in session.get("pulldown") or []
    ]
    timing = {
        "Description": "Refreshes of the screen and frames of the videos; the tables are in sourcedata",
        "RefreshRate": display["refresh_hz"],
        "RefreshRateMeasured": bool(display.get("refresh_measured")),
        "RealTimePriority": display.get("real_time_priority"),
        "Videos": videos,
    }
    return {"DisplayTiming": {name: value for name, value in timing.items() if value is not None}}
