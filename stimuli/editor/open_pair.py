"""A pair that is open in the editor: photographs, landmarks, and what they become when points move."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import cv2
import numpy as np

from stimuli.align import eye_transform, transform_points
from stimuli.editor.document import PairDocument
from stimuli.editor.geometry import folded_triangles
from stimuli.editor.groups import group_points
from stimuli.face_points import EYE_POINTS, MODEL_TEMPLATE
from stimuli.landmarks import Landmarks, find_face
from stimuli.manifest import file_sha256
from stimuli.mouth import complete_eyes, complete_lips
from stimuli.pairs import Pair
from stimuli.parameters import MorphParameters
from stimuli.photographs import read_photograph
from stimuli.sources import PairSources, Source, read_sources
from stimuli.warp import landmark_mesh

FULL = MorphParameters()
"""How the videos are made."""
_SAME_PLACE_PX = 1e-6


class OpenPair:
    """Both photographs of a pair, and their landmarks as they are edited.

    Parameters
    ----------
    pair
        A row of the table.

    Raises
    ------
    ValueError
        If its photographs or landmarks cannot be used; the message says why.
    """

    def __init__(self, pair: Pair) -> None:
        (self.sources,) = read_sources([pair])
        self._landmarks = (self.sources.first.landmarks, self.sources.second.landmarks)
        self.document = PairDocument(np.stack([found.points_px for found in self._landmarks]))
        self.groups = group_points(self._landmarks[0].points_px, self._landmarks[0].face_px)
        self._eye_points = _eye_points(self._landmarks)
        self._reduced: dict[tuple[int, int], np.ndarray] = {}

    @cached_property
    def images(self) -> tuple[np.ndarray, np.ndarray]:
        """Both photographs, uint8, RGB."""
        first, second = (read_photograph(path) for path in self.sources.pair.photographs)
        return first, second

    def close(self) -> None:
        """Give the photographs' memory back; points and their history stay."""
        self.__dict__.pop("images", None)
        self._reduced.clear()

    def reduced_image(self, which: int, factor: int) -> np.ndarray:
        """Return a photograph at a fraction of its size; its pixels are means of those they cover."""
        if (which, factor) not in self._reduced:
            image = self.images[which]
            height_px, width_px = (length // factor * factor for length in image.shape[:2])
            size = (width_px // factor, height_px // factor)
            whole = np.ascontiguousarray(image[:height_px, :width_px])
            self._reduced[which, factor] = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
        return self._reduced[which, factor]

    def adopt(self, row: Pair) -> None:
        """Take over the landmark files that a new table names, after the points were written to them."""
        sources = self.edited_sources()
        first, second = (
            dataclasses.replace(
                source, landmark_file=file, landmark_sha256=file_sha256(file) if file else None
            )
            for source, file in zip((sources.first, sources.second), row.landmark_files, strict=True)
        )
        self.sources = dataclasses.replace(sources, pair=row, first=first, second=second)
        self.document.mark_saved()

    @property
    def template(self) -> str:
        """Name of the landmarks' template."""
        return self._landmarks[0].template

    @property
    def warnings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is to be known about each photograph."""
        return self._landmarks[0].warnings, self._landmarks[1].warnings

    def eyes_px(self, which: int) -> np.ndarray:
        """Centres of the eyes of a photograph as the points are now, shape ``(2, 2)``."""
        points_px = self.document.points[which]
        if self._eye_points is None:
            return self._landmarks[which].eyes_px
        return np.stack([points_px[numbers].mean(axis=0) for numbers in self._eye_points])

    def face_px(self, which: int) -> np.ndarray | None:
        """The face model's points of a photograph; as they were moved if they are the ones edited."""
        return (
            self.document.points[which] if self.template == MODEL_TEMPLATE else self._landmarks[which].face_px
        )

    def transform(self, which: int, parameters: MorphParameters) -> np.ndarray:
        """Return how a photograph is brought into the frame, shape ``(2, 3)``."""
        return eye_transform(self.eyes_px(which), parameters.eyes_px)

    def framed(self) -> np.ndarray:
        """Return all points in the frame of the morph, shape ``(2, n_points, 2)``."""
        points = self.document.points
        return np.stack([transform_points(points[which], self.transform(which, FULL)) for which in (0, 1)])

    def morph_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the points that the morph goes by, in its frame, shape ``(n, 2)`` each.

        They are those that are edited; for a template that does not follow the opening of mouth or eyes, the
        face model's points are there too, and take the place of those around the mouth.
        """
        first, second = self.framed()
        faces = [
            transform_points(face, self.transform(which, FULL))
            for which in (0, 1)
            if (face := self.face_px(which)) is not None
        ]
        if len(faces) < 2:
            return first, second
        both, distance_px = (faces[0], faces[1]), FULL.eye_distance * FULL.width_px
        lips = complete_lips((first, second), both, eye_distance_px=distance_px)
        return complete_eyes(lips, both, eye_distance_px=distance_px)

    def unused(self) -> np.ndarray:
        """Return the points that the morph does not go by, boolean, shape ``(n_points,)``."""
        edited, used = np.hstack([*self.framed()]), np.hstack([*self.morph_points()])
        if np.array_equal(edited, used[: len(edited)]):
            return np.zeros(len(edited), bool)
        return ~(edited[:, None] == used[None]).all(axis=2).any(axis=1)

    def triangles(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the triangles in which the morph moves, without those around the face.

        Returns
        -------
        tuple of numpy.ndarray
            Their corners in both photographs, shape ``(2, n_triangles, 3, 2)``, and which of them fold over,
            boolean, shape ``(n_triangles,)``. There may be none, as when all points lie on a line.
        """
        try:
            mesh = landmark_mesh(*self.morph_points(), width_px=FULL.width_px, height_px=FULL.height_px)
        except (ValueError, RuntimeError):
            return np.zeros((2, 0, 3, 2)), np.zeros(0, bool)
        inside = mesh.triangles[(mesh.landmarks[mesh.triangles] >= 0).all(axis=1)]
        ends = [mesh.points_px + side * mesh.displacement_px for side in (-0.5, 0.5)]
        corners = [self._unframed(which, ends[which])[inside] for which in (0, 1)]
        return np.stack(corners), folded_triangles(ends[0], ends[1], inside)

    def _unframed(self, which: int, places_px: np.ndarray) -> np.ndarray:
        """Bring places from the frame back into a photograph."""
        transform = self.transform(which, FULL)
        return np.linalg.solve(transform[:, :2], (places_px - transform[:, 2]).T).T

    def detect(self, which: int) -> np.ndarray:
        """Find the landmarks of a photograph anew.

        Raises
        ------
        ValueError
            If the points are of another template than the face model's, or the face is not found.
        """
        source = (self.sources.first, self.sources.second)[which]
        if self.template != MODEL_TEMPLATE:
            raise ValueError(
                f"these landmarks are of the template {self.template}, which is placed by hand: the face "
                f"model finds its own {MODEL_TEMPLATE} points only. To start from these, take the landmark "
                "files out of the table"
            )
        return find_face(self.images[which], name=source.photograph.name)[0].points_px

    def edited_sources(self) -> PairSources:
        """Return the pair with its landmarks as they are now."""
        first, second = (
            self._edited(source, which)
            for which, source in enumerate((self.sources.first, self.sources.second))
        )
        return dataclasses.replace(self.sources, first=first, second=second)

    def _edited(self, source: Source, which: int) -> Source:
        landmarks = source.landmarks
        more = dict(landmarks.more)
        if self.document.moved[which].any():
            more["edited_by_hand"] = True
        edited = dataclasses.replace(
            landmarks,
            points_px=self.document.points[which],
            eyes_px=self.eyes_px(which),
            face_px=self.face_px(which),
            more=more,
        )
        return dataclasses.replace(source, landmarks=edited)


def _eye_points(landmarks: tuple[Landmarks, Landmarks]) -> list[list[int]] | None:
    """Numbers of the points that are the eyes: of a known template, or those that lie on the eyes told."""
    template = landmarks[0].template
    if template in EYE_POINTS:
        return list(EYE_POINTS[template])
    found = []
    for eye in range(2):
        on_eye = [
            np.linalg.norm(one.points_px - one.eyes_px[eye], axis=1) < _SAME_PLACE_PX for one in landmarks
        ]
        numbers = np.nonzero(on_eye[0] & on_eye[1])[0].tolist()
        if not numbers:
            return None
        found.append(numbers)
    return found
