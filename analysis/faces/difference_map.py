"""Where in the face an event shows: cells of the picture against neutral (Dolensek et al. 2020, Fig. 1B)."""

from __future__ import annotations

import numpy as np
import pandas as pd


def difference_map(
    descriptors: np.ndarray, during: np.ndarray, cells: np.ndarray, *, orientations: int = 8
) -> pd.DataFrame:
    """Compare frames of an event with neutral frames, cell by cell (Fig. 1B, heat map).

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``, of one animal: its neutral frames and those of one event.
    during : numpy.ndarray
        Which frames are of the event, boolean; the others are neutral.
    cells : numpy.ndarray
        Which cells of the picture the descriptor has, boolean, ``(n_cell_rows, n_cell_columns)``, as of
        `analysis.faces.hog.hog_cells`.
    orientations : int
        Numbers per cell.

    Returns
    -------
    pandas.DataFrame
        One row per cell of the descriptor: row, column (counted from 0 at the top left), difference (length
        of the difference between the two mean histograms), and standardised (the same, with each orientation
        in standard deviations of the neutral frames; 0 where a cell never changes).

    Raises
    ------
    ValueError
        If cells and features do not go together, values are missing, or one kind of frame is absent.

    Examples
    --------
    >>> frames = np.zeros((4, 4)); frames[2:, 3] = 1
    >>> difference_map(frames, np.array([0, 0, 1, 1]), np.array([[True, True]]), orientations=2)
       row  column  difference  standardised
    0    0       0         0.0           0.0
    1    0       1         1.0           0.0
    """
    values, during, cells = np.asarray(descriptors, float), np.asarray(during, bool), np.asarray(cells, bool)
    if values.ndim != 2 or values.shape[1] != cells.sum() * orientations or cells.ndim != 2:
        raise ValueError(
            f"{cells.sum()} cells with {orientations} orientations make {cells.sum() * orientations} "
            f"features, found descriptors of shape {values.shape}: take cells and mask of the descriptor file"
        )
    if during.shape != values.shape[:1] or not during.any() or during.all():
        raise ValueError(
            "frames of the event and neutral frames are both needed, and one mark for each frame"
        )
    if not np.isfinite(values).all():
        raise ValueError("some frames have missing values: leave them out")
    change = values[during].mean(axis=0) - values[~during].mean(axis=0)
    sd = values[~during].std(axis=0)
    scaled = np.divide(change, sd, out=np.zeros_like(change), where=sd > 1e-12)
    row, column = np.nonzero(cells)
    lengths = [np.linalg.norm(part.reshape(-1, orientations), axis=1) for part in (change, scaled)]
    return pd.DataFrame({"row": row, "column": column, "difference": lengths[0], "standardised": lengths[1]})
