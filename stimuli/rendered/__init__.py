"""The built-in face set: identities and expressions rendered to photographs with exact landmarks."""

from pathlib import Path

DEFAULT_SEED = 1
"""Seed of the set that the project's demonstration uses."""


def make_face_set(out: Path, *, identities: int = 10, seed: int = DEFAULT_SEED, progress: bool) -> Path:
    """Render the built-in faces, happy and angry, into `out` and return its ``pairs.tsv``.

    See `stimuli.rendered.faceset` for other people and expressions.
    """
    from stimuli.rendered import faceset

    return faceset.make_face_set(out, faceset.FaceSet(identities=identities, seed=seed), progress=progress)


__all__ = ["DEFAULT_SEED", "make_face_set"]
