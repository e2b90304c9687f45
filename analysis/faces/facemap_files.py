"""What facemap measured in a video besides keypoints: motion and its components, pupil, blinks, running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.careful_pickle import read_array

COMPONENTS = 10
"""Components of the motion of each region that are taken over. Our choice."""
_KNOWN = ("motion", "motSVD", "movSVD", "pupil", "blink", "running")


def read_facemap(path: Path, times_s: np.ndarray, *, components: int = COMPONENTS) -> pd.DataFrame:
    """Read a ``_proc.npy`` of facemap, or the same arrays in an ``.npz``, as features.

    Parameters
    ----------
    path
        The file.
    times_s
        Time of each frame of the video, in seconds; facemap does not keep them.
    components
        How many components of the motion (``motSVD``) and of the picture (``movSVD``) of each region.

    Returns
    -------
    pandas.DataFrame
        ``time_s``, then ``motion_0``..., ``motSVD_0_0``..., ``pupil_0_area``, ``pupil_0_x_px``,
        ``pupil_0_y_px``, ``blink_0``, ``running_0_0``, as far as they are in the file; the first number
        counts the regions in facemap's order, where 0 is the whole video for motion. One row per frame.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, asks for more than data, holds nothing of these, or has another number of
        frames.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"file of facemap not found: {path}")
    content = _content(path)
    columns: dict[str, np.ndarray] = {}
    for name in _KNOWN:
        for region, values in enumerate(_regions(content.get(name))):
            columns |= _features(f"{name}_{region}", values, components)
    if not columns:
        raise ValueError(
            f"{path} holds none of {', '.join(_KNOWN)}: expected the ..._proc.npy that facemap writes after "
            "processing (its list of regions alone is not enough)"
        )
    for name, values in columns.items():
        if len(values) != len(times_s):
            raise ValueError(
                f"{path}: {name} has {len(values)} frames, the video {len(times_s)}; is it of this video?"
            )
    return pd.DataFrame({"time_s": np.asarray(times_s, float), **columns})


def _content(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".npz":
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(
                f"{path} is not an npz of plain arrays ({error}); arrays of objects are not opened, because "
                "they can run any program. Save motion, pupil area and the like as arrays of numbers"
            ) from None
    found = read_array(path, program="facemap")
    found = found.item() if isinstance(found, np.ndarray) and found.ndim == 0 else found
    if not isinstance(found, dict):
        raise ValueError(
            f"{path} is not the ..._proc.npy of facemap, but an array of shape {np.shape(found)}"
        )
    return found


def _regions(values: Any) -> list[Any]:
    """One entry per region: facemap keeps lists, an npz plain arrays."""
    if values is None:
        return []
    if isinstance(values, np.ndarray) and values.dtype != object:
        return [values]
    return list(values)


def _features(name: str, values: Any, components: int) -> dict[str, np.ndarray]:
    if isinstance(values, dict):
        found = {f"{name}_area": np.asarray(values["area"], float)} if "area" in values else {}
        if "com" in values:
            y, x = np.asarray(values["com"], float).T[:2]
            found |= {f"{name}_x_px": x, f"{name}_y_px": y}
        return found
    array = np.asarray(values, float)
    if array.ndim == 1 and len(array):
        return {name: array}
    if array.ndim == 2 and array.size:
        return {f"{name}_{column}": array[:, column] for column in range(min(components, array.shape[1]))}
    return {}
