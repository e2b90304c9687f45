"""How alike the frames of trials are to each prototype; no trial is compared with itself."""

from __future__ import annotations

import pandas as pd

from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters


def similarity(
    data: FaceData,
    trials: pd.DataFrame,
    parameters: MouseFaceParameters,
    *,
    before_s: float | None = None,
    after_s: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correlate each frame around trials with each prototype of its animal.

    Prototypes are made of the animal's core trials. A trial that is one of them is compared with prototypes
    in which its repeat has no part (``parameters.cross_fitted``); any other with those of all core trials.

    Parameters
    ----------
    data : FaceData
        The study.
    trials : pandas.DataFrame
        Rows of ``data.trials``, as a `selection.Selection` has them.
    parameters : MouseFaceParameters
        Recipe of prototypes.
    before_s, after_s : float, optional
        Time around onsets; that of the clips, if not given.

    Returns
    -------
    tuple
        ``frames`` (as ``data.clips``) and a table with one column per prototype (event), one row per row of
        ``frames``; NaN where the animal has no such prototype.
    """
    raise NotImplementedError


def score(data: FaceData, trials: pd.DataFrame, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Score trials with each prototype.

    As `analysis.faces.prototypes.trial_scores`: one row per trial and prototype with before, during, delta_r
    and z, and the columns of the trial.
    """
    raise NotImplementedError
