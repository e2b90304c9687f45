"""The verdicts: how one video does at each gate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from stimuli.quality import (
    FROWNING,
    LANDMARK_NOISE,
    MIN_FROWN_DIFFERENCE,
    MIN_MOTION,
    MIN_SMILE_DIFFERENCE,
    SMILING,
)
from stimuli.quality_gates import GATES, LEVEL_DIGITS, Found, Verdict, unmeasured, within
from stimuli.quality_pace import PACE_CHECKS
from stimuli.quality_video import END, VideoMeasures, mean_score


def judge(video: VideoMeasures, *, pair: Sequence[VideoMeasures] = ()) -> list[Verdict]:
    """Judge one video by all gates.

    Parameters
    ----------
    video
        What was measured of it.
    pair
        What was measured of all videos of its pair.

    Returns
    -------
    list of Verdict
        One for each gate, in the order of `GATES`.
    """
    found = dict[str, Found]()
    found["files"] = _files(video)
    for decoder in ("ffmpeg", "opencv", "ffpyplayer"):
        found[decoder] = _decoder(video, decoder)
    found["timing"] = _timing(video)
    found["plan"] = _plan(video)
    found["shared"] = _shared(video, pair)
    found["folds"] = _folds(video)
    if video.light:
        for key, check in _PICTURE_CHECKS.items():
            found[key] = check(video)
        if video.sidecar.get("rendered"):
            found["luminance"] = unmeasured("luminance", "an animation: no two lights are mixed")
    reason = "the video cannot be decoded, or its number of frames is not the sidecar's"
    return [Verdict(key, *found.get(key, unmeasured(key, reason))) for key in GATES]


def _files(video: VideoMeasures) -> Found:
    problems = [problem.removeprefix(f"{video.name}: ") for problem in video.file_problems]
    for name in ("n_frames", "fps", "width_px", "height_px", "direction", "identity", "pair"):
        said = video.sidecar.get(name)
        if said is not None and said != getattr(video.row, name):
            problems.append(f"{name} is {getattr(video.row, name)} in the manifest, {said} in the sidecar")
    return within("files", len(problems), "; ".join(problems) or "nothing was changed")


def _decoder(video: VideoMeasures, decoder: str) -> Found:
    if decoder not in video.decoded:
        return unmeasured(decoder, "there is no video that ffmpeg can read")
    decoded = video.decoded[decoder]
    if decoded is None:
        return unmeasured(decoder, f"{decoder} is not installed")
    n_expected = video.row.n_frames
    n_wrong = len(decoded.different) + max(n_expected - decoded.n_frames, 0)
    finding = f"{decoded.n_frames} of {n_expected} frames decoded"
    if decoded.error:
        n_wrong, finding = max(n_wrong, 1), f"{finding}: {decoded.error}"
    if decoded.different:
        finding += f"; different from frame {decoded.different[0] + 1} on"
    return within(decoder, n_wrong, finding)


def _timing(video: VideoMeasures) -> Found:
    if video.times_s is None or not len(video.times_s):
        return unmeasured("timing", "the decoders tell no times")
    planned_s = np.arange(len(video.times_s)) / video.row.fps
    errors_s = np.abs(video.times_s - planned_s)
    worst = int(errors_s.argmax())
    finding = f"frame {worst + 1} at {video.times_s[worst]:.4f} s, planned {planned_s[worst]:.4f} s"
    return within("timing", float(errors_s.max()), finding)


def _plan(video: VideoMeasures) -> Found:
    if video.planned is None:
        return unmeasured("plan", "the sidecar does not tell start, end, course and duration")
    lower, upper = video.planned
    listed_upper = video.levels if video.levels_upper is None else video.levels_upper
    if len(lower) != len(video.levels) or len(upper) != len(listed_upper):
        return "failed", None, LEVEL_DIGITS, f"{len(video.levels)} levels, {len(lower)} are planned"
    errors = np.maximum(np.abs(lower - video.levels), np.abs(upper - listed_upper))
    worst = int(errors.argmax())
    finding = f"{lower[0]:.0%} to {lower[-1]:.0%} in {len(lower)} frames"
    if errors.max() > LEVEL_DIGITS:
        finding = f"frame {worst + 1} has level {video.levels[worst]:.4f}, planned {lower[worst]:.4f}"
    return within("plan", float(errors.max()), finding)


def _shared(video: VideoMeasures, pair: Sequence[VideoMeasures]) -> Found:
    others = [other for other in pair if other is not video and len(other.hashes) == len(other.levels)]
    if not others or len(video.hashes) != len(video.levels):
        return unmeasured("shared", "the pair has no other video that can be decoded")
    known = {key: name for other in others for key, name in _by_level(other).items()}
    own = _by_level(video)
    common = [key for key in own if key in known]
    if not common:
        return unmeasured("shared", "the pair's videos have no level in common")
    different = sorted(key for key in common if own[key] != known[key])
    finding = f"{len(common)} levels in common"
    if different:
        finding += f"; level {different[0][0]:.1%} is not the same picture"
    return within("shared", len(different), finding)


def _by_level(video: VideoMeasures) -> dict[tuple[float, float], str]:
    upper = video.levels if video.levels_upper is None else video.levels_upper
    levels = zip(video.levels.round(7).tolist(), upper.round(7).tolist(), strict=True)
    return dict(zip(levels, video.hashes, strict=True))


def _folds(video: VideoMeasures) -> Found:
    n_px = (video.sidecar.get("quality") or {}).get("fold_px")
    if not isinstance(n_px, int):
        return unmeasured("folds", "the sidecar does not tell")
    return within("folds", n_px, f"{n_px} px fold over")


def _ends(video: VideoMeasures) -> Found:
    expressions = video.sidecar.get("expressions") or []
    if len(expressions) != 2:
        return unmeasured("ends", "the sidecar does not name the expressions")
    wrong_name = _wrong_direction(video, expressions)
    if wrong_name:
        return "failed", None, 0.0, wrong_name
    missing, told = [], []
    for score, words, least, upper in (
        ("mouthSmile", SMILING, MIN_SMILE_DIFFERENCE, False),
        ("browDown", FROWNING, MIN_FROWN_DIFFERENCE, True),
    ):
        difference = _score_difference(video, score, upper=upper)
        first, second = (expression.lower() in words for expression in expressions)
        if first == second or not math.isfinite(difference):
            continue
        more = difference if second else -difference
        missing.append(least - more)
        name = expressions[1] if second else expressions[0]
        kind = "smile" if score == "mouthSmile" else "frown"
        told.append(f"{name} shows {more:+.2f} {kind}, {least:g} needed")
    if not missing:
        return unmeasured("ends", f"there is no score for {' and '.join(expressions)}: look at the pictures")
    return within("ends", max(0.0, round(max(missing), 4)), "; ".join(told))


def _wrong_direction(video: VideoMeasures, expressions: Sequence[str]) -> str:
    """Compare the direction's name with the expressions and levels; empty if they agree."""
    names = [expression[:1].upper() + expression[1:] for expression in expressions]
    forward = video.levels[-1] >= video.levels[0]
    expected = "To".join(names if forward else names[::-1])
    if video.levels[-1] == video.levels[0] or video.row.direction == expected:
        return ""
    return f"the direction is called {video.row.direction}, but the levels go {expected}"


def _score_difference(video: VideoMeasures, score: str, *, upper: bool) -> float:
    """Difference of a score, level 1 minus level 0: in the frames, or else in the photographs."""
    levels = video.levels_upper if upper and video.levels_upper is not None else video.levels
    curve = video.smile if score == "mouthSmile" else video.frown
    if len(curve) and levels.min() <= END and levels.max() >= 1 - END:
        seen = levels[video.seen]
        return float(curve[int(seen.argmax())] - curve[int(seen.argmin())])
    photographs = list((video.sidecar.get("photographs") or {}).values())
    if len(photographs) < 2:
        return float("nan")
    return mean_score(photographs[-1]["scores"], score) - mean_score(photographs[0]["scores"], score)


def _motion(video: VideoMeasures) -> Found:
    if not video.motion:
        return unmeasured("motion", "the face model sees no face")
    span = float(np.ptp(video.levels)) if video.levels_upper is None else 1.0
    motion = max(video.motion.values()) / max(span, 0.05)
    return within("motion", max(0.0, MIN_MOTION - motion), f"points move by {motion:.3f} eye distances")


def _skin(video: VideoMeasures) -> Found:
    if video.skin_difference is None:
        return unmeasured("skin", "the face model sees no face")
    return within("skin", video.skin_difference, f"the skin differs by ΔE {video.skin_difference:.1f}")


def _width(video: VideoMeasures) -> Found:
    if video.width_difference is None:
        return unmeasured("width", "the face model sees no face")
    return within(
        "width", video.width_difference, f"the face's width changes by {video.width_difference:.1%}"
    )


def _eyes(video: VideoMeasures) -> Found:
    if video.eye_error is None:
        return unmeasured("eyes", "the face model sees no face, or the sidecar tells no places")
    return within("eyes", video.eye_error, f"{video.eye_error:.3f} eye distances off")


def _landmarks(video: VideoMeasures) -> Found:
    if video.landmark_error is None:
        return unmeasured("landmarks", "the video does not show both photographs, or no landmarks are known")
    return within("landmarks", video.landmark_error, f"{video.landmark_error:.3f} eye distances apart")


def _mesh(video: VideoMeasures) -> Found:
    if video.mesh_folds is None:
        return unmeasured("mesh", "the sidecar tells no landmarks")
    return within("mesh", video.mesh_folds, f"{video.mesh_folds:.2%} of the face folds over")


def _parts(video: VideoMeasures) -> list[tuple[str, np.ndarray, np.ndarray, float]]:
    """Parts of the face that move enough to be measured.

    Each with its name, measured and planned levels, and the error of a measured level.
    """
    parts = []
    for name, measured in video.measured.items():
        levels = video.levels_upper if name == "upper" and video.levels_upper is not None else video.levels
        if video.motion[name] >= MIN_MOTION and np.ptp(levels) > 0:
            noise = LANDMARK_NOISE / video.motion[name] * float(np.ptp(levels))
            parts.append((name, measured, levels[video.seen], noise))
    return parts


def _level(video: VideoMeasures) -> Found:
    parts = _parts(video)
    if not parts:
        return unmeasured("level", "the face model sees no face, or it hardly moves")
    worst: tuple[float, float, str] | None = None
    for name, measured, planned, noise in parts:
        limit = max(GATES["level"].limit, noise)
        errors = np.abs(measured - planned)
        index = int(np.nanargmax(errors))
        finding = (
            f"frame {video.seen[index] + 1}: measured {measured[index]:.0%}, planned {planned[index]:.0%}"
            + (f" ({name} face)" if name != "whole" else "")
        )
        if worst is None or errors[index] / limit > worst[0] / worst[1]:
            worst = (float(errors[index]), limit, finding)
    assert worst is not None
    return within("level", worst[0], worst[2], limit=worst[1])


def _monotone(video: VideoMeasures) -> Found:
    parts = _parts(video)
    if not parts:
        return unmeasured("monotone", "the face model sees no face, or it hardly moves")
    back, where, n_steps = 0, "", 0
    for _, measured, planned, noise in parts:
        steps, wanted = np.sign(np.diff(planned)) * np.diff(measured), np.abs(np.diff(planned))
        wrong = steps < np.where(wanted > 2 * noise, 0, -noise)
        back, n_steps = back + int(wrong.sum()), n_steps + len(steps)
        if wrong.any() and not where:
            first, second = video.seen[:-1][wrong][0] + 1, video.seen[1:][wrong][0] + 1
            where = f", the first between frames {first} and {second}"
    return within("monotone", back, f"{back} of {n_steps} steps go back{where}")


_PICTURE_CHECKS: Mapping[str, Callable[[VideoMeasures], Found]] = {
    "ends": _ends,
    "motion": _motion,
    "skin": _skin,
    "width": _width,
    "eyes": _eyes,
    "landmarks": _landmarks,
    "mesh": _mesh,
    "level": _level,
    "monotone": _monotone,
    **PACE_CHECKS,
}
