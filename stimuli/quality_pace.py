"""The verdicts on how a video goes along: its light, its sharpness, its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from stimuli.quality_gates import NEIGHBOURS, SLOW, Found, unmeasured, within
from stimuli.quality_video import VideoMeasures

LEAST_CHANGE = 0.05
"""Where frames change by less than this from one to the next, in grey levels, steps are not compared."""


def on_line(values: np.ndarray, levels: np.ndarray, *, middle: bool = False) -> np.ndarray:
    """Return the straight line, over the levels, between the values at the lowest and the highest level.

    Parameters
    ----------
    values
        Shape ``(n_frames,)``.
    levels
        Level of each frame.
    middle
        Whether there is a photograph at level 0.5, where the line has a corner then.

    Examples
    --------
    >>> on_line(np.array([1.0, 5.0, 2.0]), np.array([0.0, 0.5, 1.0])).tolist()
    [1.0, 1.5, 2.0]
    """
    corners = [int(levels.argmin()), int(levels.argmax())]
    if middle and levels.min() < 0.45 and levels.max() > 0.55:
        corners.insert(1, int(np.abs(levels - 0.5).argmin()))
    return np.interp(levels, levels[corners], values[corners])


def _luminance(video: VideoMeasures) -> Found:
    values = np.array([light.luminance for light in video.light])
    line = on_line(values, pacing(video), middle=bool(video.sidecar.get("middle")))
    errors = np.abs(values / np.maximum(line, 1e-9) - 1)
    worst = int(errors.argmax())
    return within("luminance", float(errors.max()), f"{errors[worst]:.2%} off in frame {worst + 1}")


def _sharpness(video: VideoMeasures) -> Found:
    values = np.array([light.sharpness for light in video.light])
    line = on_line(values, pacing(video), middle=bool(video.sidecar.get("middle")))
    loss = 1 - values / np.maximum(line, 1e-9)
    worst = int(loss.argmax())
    return within(
        "sharpness", max(0.0, float(loss[worst])), f"{max(loss[worst], 0):.0%} less in frame {worst + 1}"
    )


def _flicker(video: VideoMeasures) -> Found:
    values = np.array([light.sharpness for light in video.light])
    if len(values) < 4 * NEIGHBOURS or np.abs(np.diff(pacing(video))).max() > 0.05:
        return unmeasured("flicker", "neighbouring frames differ too much in so few frames")
    around = [values[max(0, index - NEIGHBOURS) : index + NEIGHBOURS + 1] for index in range(len(values))]
    errors = np.abs(values / np.maximum([np.median(part) for part in around], 1e-9) - 1)
    worst = int(errors.argmax())
    return within(
        "flicker", float(errors.max()), f"{errors[worst]:.0%} off its neighbours in frame {worst + 1}"
    )


def pacing(video: VideoMeasures) -> np.ndarray:
    """Return the levels that a video's pace is judged by: of the part of the face that moves further."""
    if video.levels_upper is None or np.ptp(video.levels) >= np.ptp(video.levels_upper):
        return video.levels
    return video.levels_upper


def speeds(video: VideoMeasures) -> tuple[np.ndarray, np.ndarray]:
    """Return the change in grey level per change in level, and the numbers of the steps that it is known for.

    Where the way leads through a third photograph, the speed is relative to the median of its half, because
    either half may be longer.
    """
    levels = pacing(video)
    wanted = np.abs(np.diff(levels))
    steps = np.flatnonzero(wanted >= SLOW * max(wanted.max(), 1e-12))
    speed = video.change[steps] / np.maximum(wanted[steps], 1e-12)
    if video.sidecar.get("middle"):
        second = ((levels[steps] + levels[steps + 1]) / 2) > 0.5
        for half in (second, ~second):
            if half.any():
                speed[half] /= max(float(np.median(speed[half])), 1e-12)
    return speed, steps


def _steps(video: VideoMeasures) -> Found:
    speed, which = speeds(video)
    if np.ptp(pacing(video)) == 0 or len(speed) < 3:
        return unmeasured("steps", "fewer than three steps")
    if np.median(video.change[which]) < LEAST_CHANGE:
        return unmeasured("steps", "the picture hardly changes")
    variation = float(speed.std() / max(speed.mean(), 1e-9))
    return within("steps", variation, f"the change per level varies by {variation:.0%}")


def _jumps(video: VideoMeasures) -> Found:
    speed, steps = speeds(video)
    if np.ptp(pacing(video)) == 0 or len(speed) < 3:
        return unmeasured("jumps", "fewer than three steps")
    if np.median(video.change[steps]) < LEAST_CHANGE:
        return unmeasured("jumps", "the picture hardly changes")
    ratio = speed / max(float(np.median(speed)), 1e-9)
    worst = int(ratio.argmax())
    where = f"between frames {steps[worst] + 1} and {steps[worst] + 2}"
    return within("jumps", float(ratio.max()), f"{ratio[worst]:.2f} times the usual change {where}")


def _repeats(video: VideoMeasures) -> Found:
    levels = pacing(video)
    wanted = np.abs(np.diff(levels))
    same = np.array([one == other for one, other in zip(video.hashes[:-1], video.hashes[1:], strict=True)])
    moving = wanted >= SLOW * max(wanted.max(), 1e-12)
    resting = (wanted == 0) & (np.diff(video.levels) == 0)
    wrong = np.flatnonzero((same & moving & (wanted > 0)) | (~same & resting))
    finding = f"{len(wrong)} frames"
    if len(wrong):
        finding += f", the first is frame {wrong[0] + 2}"
    return within("repeats", len(wrong), finding)


PACE_CHECKS: Mapping[str, Callable[[VideoMeasures], Found]] = {
    "luminance": _luminance,
    "sharpness": _sharpness,
    "flicker": _flicker,
    "steps": _steps,
    "jumps": _jumps,
    "repeats": _repeats,
}
"""Gate -> how it is judged."""
