"""Videos of the built-in faces, rendered and morphed by the suite."""

from __future__ import annotations

from pathlib import Path

from stimuli.parameters import MorphParameters
from stimuli.production import make_set
from stimuli.rendered import make_face_set


def make_rendered_set(folder: Path, *, size_px: tuple[int, int], identities: int = 10) -> Path:
    """Render people and morph them into videos of 5 s at 25 frames per second: 24 videos of 10 people.

    Parameters
    ----------
    folder : Path
        Where photographs and videos go.
    size_px : tuple of int
        Width and height of a video.
    identities : int
        Number of people.

    Returns
    -------
    Path
        The stimulus set.
    """
    make_face_set(folder / "faces", identities=identities, progress=True)
    parameters = MorphParameters(width_px=size_px[0], height_px=size_px[1])
    make_set(folder / "faces" / "pairs.tsv", folder / "set", parameters=parameters)
    return folder / "set"
