import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from stimuli.face_model import face_model
from stimuli.face_points import INNER_LIPS
from stimuli.morph import AlignedFace, Morph
from stimuli.mouth import open_mouth
from stimuli.pair_videos import make_morph
from stimuli.pairs import Pair
from stimuli.parameters import MorphParameters
from stimuli.polygons import fill_polygon
from stimuli.sources import align_source, read_sources

UNMASKED = MorphParameters(mask="none")


@pytest.fixture(scope="session")
def faces(london: Path) -> Callable[[str], tuple[AlignedFace, AlignedFace]]:
    """Give the aligned neutral and smiling photographs of a person."""

    def align(person: str) -> tuple[AlignedFace, AlignedFace]:
        photographs = (london / f"neutral_front/{person}_03.jpg", london / f"smiling_front/{person}_08.jpg")
        pair = Pair(pair="p", identity="p", sex="male", photographs=photographs, landmark_files=(None, None))
        (sources,) = read_sources([pair])
        return align_source(sources.first, UNMASKED), align_source(sources.second, UNMASKED)

    return align


@pytest.fixture(scope="session")
def toothy(faces: Callable[[str], tuple[AlignedFace, AlignedFace]]) -> Morph:
    """A closed mouth that becomes a smile with teeth."""
    return make_morph(*faces("025"), UNMASKED)


def light(image: np.ndarray) -> np.ndarray:
    stored = image / 255
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def test_the_ends_are_the_two_aligned_photographs_bit_for_bit(toothy: Morph) -> None:
    assert np.array_equal(toothy.frame(0), toothy.first.image)
    assert np.array_equal(toothy.frame(1), toothy.second.image)


def test_a_frame_depends_on_its_level_alone(toothy: Morph) -> None:
    before = toothy.frame(0.37)
    toothy.frame(0.9)
    assert np.array_equal(toothy.frame(0.37), before)


def test_the_number_of_threads_changes_nothing(
    toothy: Morph, faces: Callable[[str], tuple[AlignedFace, AlignedFace]]
) -> None:
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1 if threads > 1 else 4)
        other = make_morph(*faces("025"), UNMASKED)
        assert np.array_equal(other.frame(0.6), toothy.frame(0.6))
    finally:
        cv2.setNumThreads(threads)


def test_a_level_outside_is_refused(toothy: Morph) -> None:
    for level in (-0.01, 1.01, np.nan):
        with pytest.raises(ValueError, match="from 0 to 1"):
            toothy.frame(level)


def test_landmarks_of_the_middle_lie_in_the_middle(toothy: Morph) -> None:
    ends = [face_model().find_faces(toothy.frame(level))[0].points_px for level in (0, 1)]
    middle = face_model().find_faces(toothy.frame(0.5))[0].points_px
    way = ends[1] - ends[0]
    level = ((middle - ends[0]) * way).sum() / (way * way).sum()
    assert level == pytest.approx(0.5, abs=0.06)
    assert np.linalg.norm(middle - (ends[0] + ends[1]) / 2, axis=1).mean() < 0.02 * 150


def test_the_middle_is_sharper_than_a_cross_dissolve(toothy: Morph) -> None:
    """Ghosts are double edges; a warp that fits leaves the edges of the photographs."""
    face = toothy.face_region() > 0
    dissolve = np.rint((toothy.first.image.astype(float) + toothy.second.image) / 2).astype(np.uint8)

    def detail(image: np.ndarray) -> float:
        return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[face].std())

    ends = (detail(toothy.first.image) + detail(toothy.second.image)) / 2
    assert detail(toothy.frame(0.5)) > 0.7 * ends
    assert detail(toothy.frame(0.5)) > detail(dissolve)


def test_hair_and_clothes_do_not_dissolve_into_each_other(
    faces: Callable[[str], tuple[AlignedFace, AlignedFace]],
) -> None:
    """Warped half way, both photographs must look alike around the face, much more than unwarped."""
    morph = make_morph(*faces("006"), UNMASKED)
    around = morph.mask(0.5) - fill_polygon(morph.outline(0.5), width_px=600, height_px=800) > 0
    positions = morph._warp.source_positions(0.5)
    halves = [
        cv2.remap(face.image, position, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for face, position in zip((morph.first, morph.second), positions, strict=True)
    ]
    warped = cv2.absdiff(*halves)[around].mean()
    unwarped = cv2.absdiff(morph.first.image, morph.second.image)[around].mean()
    assert warped < 0.5 * unwarped


def test_light_stays_on_the_straight_line(toothy: Morph) -> None:
    skin = (toothy.face_region() >= 1) & ~toothy.mouth_ever_open()
    means = [light(toothy.frame(level))[skin].mean() for level in (0, 0.25, 0.5, 0.75, 1)]
    line = np.linspace(means[0], means[-1], 5)
    assert np.abs(np.array(means) / line - 1).max() < 0.005


def test_mixing_stored_values_is_an_option_and_darker(
    toothy: Morph, faces: Callable[[str], tuple[AlignedFace, AlignedFace]]
) -> None:
    stored = make_morph(*faces("025"), dataclasses.replace(UNMASKED, blending="srgb"))
    assert np.array_equal(stored.frame(0), toothy.frame(0))
    assert stored.frame(0.5).mean() < toothy.frame(0.5).mean()


def test_which_mouth_is_open(faces: Callable[[str], tuple[AlignedFace, AlignedFace]]) -> None:
    for person, expected in (("025", 1), ("002", 1), ("045", None), ("135", None)):
        first, second = (face.face_px for face in faces(person))
        assert first is not None
        assert second is not None
        assert open_mouth(first, second, eye_distance_px=150) == expected, person
        assert open_mouth(second, first, eye_distance_px=150) == (None if expected is None else 0)


def test_teeth_do_not_shine_through_closed_lips(
    toothy: Morph, faces: Callable[[str], tuple[AlignedFace, AlignedFace]]
) -> None:
    """Half way, the opening shows the teeth at their own brightness, not mixed with the lips before them."""
    blend = make_morph(*faces("025"), dataclasses.replace(UNMASKED, mouth="blend"))
    assert toothy.first.face_px is not None
    assert toothy.second.face_px is not None

    def opening(level: float) -> np.ndarray:
        lips = ((1 - level) * toothy.first.face_px + level * toothy.second.face_px)[INNER_LIPS]  # type: ignore[operator]
        return fill_polygon(lips, width_px=600, height_px=800) >= 1

    teeth = np.percentile(light(toothy.frame(1))[opening(1)], 75)
    assert np.percentile(light(toothy.frame(0.5))[opening(0.5)], 75) > 0.85 * teeth
    assert np.percentile(light(blend.frame(0.5))[opening(0.5)], 75) < 0.75 * teeth


def test_the_mouth_neither_pops_open_nor_shut(toothy: Morph) -> None:
    rows, columns = slice(430, 540), slice(220, 380)
    levels = np.concatenate([np.linspace(0, 0.1, 13), np.linspace(0.9, 1, 13)])
    frames = [toothy.frame(level)[rows, columns].astype(float) for level in levels]
    steps = [np.abs(one - other).mean() for one, other in itertools.pairwise(frames)]
    del steps[12]  # from 0.1 to 0.9
    assert max(steps) < 3 * np.median(steps)


@pytest.fixture(scope="session")
def masked(faces: Callable[[str], tuple[AlignedFace, AlignedFace]]) -> Morph:
    return make_morph(*faces("025"), MorphParameters(background="#406080"))


@pytest.mark.parametrize("level", [0, 0.3, 1])
def test_the_mask_shows_the_face_and_nothing_else(masked: Morph, toothy: Morph, level: float) -> None:
    seen = masked.mask(level)
    shown, whole = masked.frame(level), toothy.frame(level)
    assert 0.15 < (seen >= 1).mean() < 0.35
    assert np.abs(shown[seen >= 1].astype(int) - whole[seen >= 1]).max() <= (1 if 0 < level < 1 else 0)
    assert (shown[seen <= 0] == (0x40, 0x60, 0x80)).all()
    assert ((seen > 0) & (seen < 1)).any()


def test_the_mask_has_a_soft_edge_and_no_corners(masked: Morph) -> None:
    seen = masked.mask(0.5)
    assert np.abs(np.diff(seen, axis=0)).max() < 0.25
    shape = (seen > 0.5).astype(np.uint8)
    (contour,), _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    assert cv2.contourArea(contour) > 0.96 * cv2.contourArea(cv2.convexHull(contour))


def test_templates_without_any_detection_make_a_morph(
    faces: Callable[[str], tuple[AlignedFace, AlignedFace]],
) -> None:
    first, second = (dataclasses.replace(face, face_px=None) for face in faces("045"))
    morph = make_morph(first, second, MorphParameters())
    assert morph.mask(0.5).max() == 1
    assert morph.frame(0.5).std() > 10


def test_photographs_that_equal_each_other_do_not_move(
    faces: Callable[[str], tuple[AlignedFace, AlignedFace]],
) -> None:
    face, _ = faces("135")
    morph = make_morph(face, face, UNMASKED)
    assert np.abs(morph.frame(0.5).astype(int) - face.image).max() <= 1
