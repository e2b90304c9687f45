"""A picture of all people of a face set with all their expressions.

Run after the faces have changed, to look at them and for the documentation::

    python -m stimuli faces FOLDER --expressions happy,neutral,angry
    python -m stimuli.rendered.gallery FOLDER docs/pictures/faces.png
"""

from pathlib import Path

import cv2
import numpy as np
import typer
from PIL import Image

from stimuli.pairs import read_expressions, read_pairs
from stimuli.photographs import read_photograph

TILE_PX = (112, 142)
"""Width and height of one face in the picture."""
N_COLUMNS = 10


def draw_gallery(table: Path) -> np.ndarray:
    """Draw one column per person, one row per expression, first pairs only; wide sets are broken.

    Parameters
    ----------
    table
        ``pairs.tsv`` of a face set.

    Returns
    -------
    numpy.ndarray
        Shape ``(rows, columns, 3)``, uint8, RGB.
    """
    names = read_expressions(table)
    people: dict[str, list[np.ndarray]] = {}
    for row, name in enumerate(names):
        other = next(each for each in names if each != name)
        for pair in read_pairs(table, expressions=(name, other)).pairs:
            faces = people.setdefault(pair.identity, [])
            if len(faces) == row:
                faces.append(_tile(read_photograph(pair.photographs[0])))
    columns = [np.concatenate(faces) for faces in people.values()]
    blocks = [
        np.concatenate(columns[start : start + N_COLUMNS], axis=1)
        for start in range(0, len(columns), N_COLUMNS)
    ]
    width = max(block.shape[1] for block in blocks)
    return np.concatenate(
        [np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0)), mode="edge") for block in blocks]
    )


def _tile(photograph: np.ndarray) -> np.ndarray:
    """Cut out the head and shrink it."""
    height, width = photograph.shape[:2]
    across = round(height * 0.86 * TILE_PX[0] / TILE_PX[1])
    left = (width - across) // 2
    cut = photograph[: round(height * 0.86), max(left, 0) : left + across]
    return cv2.resize(cut, TILE_PX, interpolation=cv2.INTER_AREA)


def main(folder: Path, out: Path) -> None:
    """Draw the gallery of the face set in FOLDER into the picture OUT."""
    picture = Image.fromarray(draw_gallery(folder / "pairs.tsv"))
    picture.save(out, optimize=True)
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    typer.run(main)
