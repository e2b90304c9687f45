from collections.abc import Callable

import numpy as np
import pytest

from stimuli.face_model import face_model
from stimuli.quality import (
    FIGURES,
    LIMITS,
    expression_figures,
    frame_figures,
    landmark_figures,
    quality_warnings,
)

FACE = np.ones((60, 50), bool)
CLOSED = np.zeros((60, 50), bool)
HAPPY = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.8, "browDownLeft": 0.05, "browDownRight": 0.05}
ANGRY = {"mouthSmileLeft": 0.0, "mouthSmileRight": 0.0, "browDownLeft": 0.4, "browDownRight": 0.4}


@pytest.fixture
def even() -> list[np.ndarray]:
    """Frames of equal texture and brightness that slide by equal steps."""
    texture = np.random.default_rng(1).integers(90, 160, (60, 100, 1), dtype=np.uint8).repeat(3, axis=2)
    return [texture[:, shift : shift + 50] for shift in range(41)]


def measure(frames: list[np.ndarray]) -> dict[str, float]:
    return frame_figures(frames, face=FACE, mouth=CLOSED)


def test_an_even_morph_has_good_figures(even: list[np.ndarray]) -> None:
    figures = measure(even)
    assert figures["step_variation"] < 0.05
    assert figures["step_peak"] < 1.1
    assert figures["sharpness_dip"] < 0.05
    assert quality_warnings(figures, ("neutral", "happy")) == []


def test_every_limit_belongs_to_a_figure() -> None:
    assert set(LIMITS) <= set(FIGURES)


def test_a_jump_is_seen(even: list[np.ndarray]) -> None:
    even[20:] = [np.roll(frame[::-1], 5, axis=0) for frame in even[20:]]
    even[:] = [frame // 4 for frame in even]
    even[20] = even[20] + 60
    assert measure(even)["step_peak"] > 1.5
    assert any("jumps" in warning for warning in quality_warnings(measure(even), ("neutral", "happy")))


def test_a_flicker_of_the_light_is_seen_but_not_in_the_mouth(even: list[np.ndarray]) -> None:
    even[20] = (even[20] * 1.1).astype(np.uint8)
    assert measure(even)["luminance_deviation"] > 0.1
    mouth = np.ones_like(FACE)
    mouth[:5] = False
    even[20][:5] = even[19][:5]
    assert frame_figures(even, face=FACE, mouth=mouth)["luminance_deviation"] < 0.1


def test_a_blurred_middle_is_seen(even: list[np.ndarray]) -> None:
    even[20] = np.full_like(even[20], 125)
    assert measure(even)["sharpness_dip"] > 0.95


@pytest.mark.parametrize(
    ("expressions", "scores", "expected"),
    [
        (("happy", "angry"), (HAPPY, ANGRY), []),
        (("angry", "happy"), (ANGRY, HAPPY), []),
        (("happy", "angry"), (ANGRY, HAPPY), ["smile", "frown"]),
        (("Happy", "Angry"), (HAPPY, HAPPY), ["smile", "frown"]),
        (("neutral", "happy"), (ANGRY, HAPPY), []),
        (("neutral", "happy"), (HAPPY, HAPPY), ["smile"]),
        (("neutral", "angry"), (HAPPY, HAPPY), ["frown"]),
        (("sad", "afraid"), (HAPPY, HAPPY), []),
        (("happy", "angry"), (HAPPY, {}), []),
    ],
)
def test_expressions_must_be_what_the_columns_say(
    expressions: tuple[str, str], scores: tuple[dict[str, float], dict[str, float]], expected: list[str]
) -> None:
    warnings = quality_warnings(expression_figures(*scores), expressions)
    assert len(warnings) == len(expected)
    assert all(word in warning for word, warning in zip(expected, warnings, strict=True))


@pytest.fixture(scope="session")
def moving(astronaut: np.ndarray) -> Callable[[np.ndarray], dict[str, float]]:
    """Measure a face that moves sideways by 20 px, at given levels."""
    (face,) = face_model().find_faces(astronaut)

    def at_levels(levels: np.ndarray) -> dict[str, float]:
        frames = [np.roll(astronaut, round(20 * level), axis=1) for level in levels]
        ends = (face.points_px, face.points_px + np.array([20 * levels[-1], 0]))
        eyes = face.points_px[[33, 263]]
        return landmark_figures(frames, ends, model=face_model(), eyes_px=eyes, every=1)

    return at_levels


def test_levels_of_an_even_movement_are_even(moving: Callable[[np.ndarray], dict[str, float]]) -> None:
    figures = moving(np.linspace(0, 1, 11))
    assert figures["level_deviation"] < 0.03
    assert figures["level_monotone"] == 1
    assert figures["landmark_motion"] == pytest.approx(20 / 62, abs=0.05)


def test_a_movement_that_is_late_or_goes_back_is_seen(
    moving: Callable[[np.ndarray], dict[str, float]],
) -> None:
    late = moving(np.linspace(0, 1, 11) ** 2)
    assert late["level_deviation"] == pytest.approx(0.25, abs=0.05)
    back = moving(np.array([0, 0.2, 0.4, 0.3, 0.5, 0.75, 1]))
    assert back["level_monotone"] < 1
    warnings = quality_warnings(back, ("neutral", "happy"))
    assert any("backwards" in warning for warning in warnings)


def test_the_same_photograph_twice_is_seen(moving: Callable[[np.ndarray], dict[str, float]]) -> None:
    figures = moving(np.zeros(5))
    assert figures["level_deviation"] is None
    assert any("hardly moves" in warning for warning in quality_warnings(figures, ("happy", "angry")))
