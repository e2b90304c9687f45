"""Pictures of faces for Figures 1B and 2A: frames of the videos, their means, cells laid over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.faces.video_frames import VideoReader
from analysis.mouse_face.face_data import FaceData

MOST_PX = 300
"""Width of a drawn picture: more is not seen in a figure's column of 25 mm."""
OVERLAY = LinearSegmentedColormap.from_list(
    "overlay", [(0.84, 0.37, 0.0, 0.0), (0.84, 0.37, 0.0, 0.55), (0.55, 0.05, 0.0, 0.95)]
)
"""From nothing, through which the face is seen, to dark red."""
GLYPH_COLOUR = "#FFD92F"


def frames_of(data: FaceData, rows: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield the frames of some rows of clips, cropped as the descriptors are.

    Parameters
    ----------
    data : FaceData
        The study; of sessions without a video nothing comes.
    rows : pandas.DataFrame
        Columns session_id and frame.

    Yields
    ------
    numpy.ndarray
        Grey picture, ``(height_px, width_px)``; damaged frames are passed over.
    """
    for session_id, own in rows.groupby("session_id", sort=False):
        path = data.videos.get(str(session_id))
        if path is None:
            continue
        reader, mask = _reader(data, str(session_id)), data.masks.get(str(session_id))
        for number in sorted(set(own["frame"].astype(int))):
            for frame in reader.frames(number, number + 1):
                yield frame.grey if mask is None else mask.crop_frame(frame.grey)


def mean_frame(data: FaceData, rows: pd.DataFrame) -> np.ndarray | None:
    """Return the mean of the frames of some rows of clips; None if there is no video of them.

    Frames of sessions whose crops differ in size are left out.
    """
    total, number = None, 0
    for picture in frames_of(data, rows):
        if total is None:
            total = np.zeros(picture.shape)
        if picture.shape == total.shape:
            total += picture
            number += 1
    return None if total is None else total / number


def _reader(data: FaceData, session_id: str) -> VideoReader:
    """Open a video; times are those of the session where they are all known (only numbers are used)."""
    times_s = data.times_s(session_id) if session_id in data.quality else None
    known = times_s is not None and np.isfinite(times_s).all() and (np.diff(times_s) > 0).all()
    return VideoReader(data.videos[session_id], times_s=times_s if known else None)


def shrunk(picture: np.ndarray, most_px: int = MOST_PX) -> np.ndarray:
    """Average blocks of pixels so that the picture is no wider than ``most_px``.

    >>> shrunk(np.arange(8.0).reshape(2, 4), 2)
    array([[2.5, 4.5]])
    """
    step = -(-picture.shape[1] // most_px)
    height, width = (side // step * step for side in picture.shape)
    blocks = np.asarray(picture, float)[:height, :width].reshape(height // step, step, width // step, step)
    return blocks.mean(axis=(1, 3))


def draw_picture(
    panel: Axes, picture: np.ndarray | None, shape: tuple[int, int], *, pale: bool = False
) -> None:
    """Draw a face, in pixels of the crop; without a picture an empty frame of the same size.

    Parameters
    ----------
    panel : Axes
        Where to draw.
    picture : numpy.ndarray or None
        Grey values.
    shape : tuple of int
        Height and width of the crop in pixels.
    pale : bool
        Draw it in light grey, for something that is laid over it.
    """
    height, width = shape
    if picture is not None:
        drawn = shrunk(picture)
        low, high = np.quantile(drawn, [0.005, 0.995])
        scaled = np.clip((drawn - low) / max(high - low, 1e-6), 0, 1)
        if pale:
            scaled = 0.55 + 0.45 * scaled
        panel.imshow(
            np.round(255 * scaled).astype(np.uint8), cmap="gray", vmin=0, vmax=255, interpolation="none",
            extent=(0, width, height, 0),
        )  # fmt: skip
    panel.set_xlim(0, width)
    panel.set_ylim(height, 0)
    panel.set_aspect("equal")
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(picture is None)


def draw_cells(
    panel: Axes, values: np.ndarray, cells: np.ndarray, *, cell_px: int, greatest: float
) -> AxesImage:
    """Lay one value per cell over a face.

    Parameters
    ----------
    panel : Axes
        With a face, as of `draw_picture`.
    values : numpy.ndarray
        One per true element of ``cells``.
    cells : numpy.ndarray
        Which cells there are, ``(n_cell_rows, n_cell_columns)``.
    cell_px : int
        Side of a cell.
    greatest : float
        Value that is drawn darkest.
    """
    grid = np.full(cells.shape, np.nan)
    grid[cells] = values
    rows, columns = cells.shape
    return panel.imshow(
        grid, cmap=OVERLAY, vmin=0, vmax=greatest, interpolation="none",
        extent=(0, columns * cell_px, rows * cell_px, 0), zorder=2,
    )  # fmt: skip


def draw_glyphs(
    panel: Axes, descriptor: np.ndarray, cells: np.ndarray, *, cell_px: int, orientations: int
) -> None:
    """Draw a descriptor: in each cell one stroke per orientation, along the edges that it counts.

    Parameters
    ----------
    panel : Axes
        With a face, as of `draw_picture`.
    descriptor : numpy.ndarray
        One value per cell and orientation.
    cells : numpy.ndarray
        Which cells there are.
    cell_px, orientations : int
        As the descriptor was made.
    """
    strength = np.asarray(descriptor, float).reshape(-1, orientations)
    strength = np.minimum(strength / max(float(np.quantile(strength, 0.98)), 1e-12), 1.0)
    row, column = np.nonzero(cells)
    centre = np.stack([(column + 0.5) * cell_px, (row + 0.5) * cell_px], axis=1)
    # the bin of a gradient; an edge lies at right angles to it (as in scikit-image's drawing)
    angle = np.pi * (np.arange(orientations) + 0.5) / orientations
    along = np.stack([np.sin(angle), -np.cos(angle)], axis=1) * 0.47 * cell_px
    reach = strength[:, :, None] * along[None]
    ends = np.stack([centre[:, None] - reach, centre[:, None] + reach], axis=2).reshape(-1, 2, 2)
    kept = strength.ravel() > 0.15
    panel.add_collection(
        LineCollection(list(ends[kept]), colors=GLYPH_COLOUR, linewidths=0.35, alpha=0.95, zorder=3)
    )


def close_up(figure: Figure) -> None:
    """Leave little room between the faces of a figure."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=0.015, h_pad=0.02, wspace=0.02, hspace=0.02)


def face_shape(data: FaceData, pictures: Iterable[np.ndarray | None]) -> tuple[int, int]:
    """Return height and width of the face in pixels: of the pictures, or of the cells without any."""
    for picture in pictures:
        if picture is not None:
            return picture.shape[0], picture.shape[1]
    cell_px = int(data.hog["cell_px"])
    return data.cells.shape[0] * cell_px, data.cells.shape[1] * cell_px
