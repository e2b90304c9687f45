"""Neurons beside stimuli and faces: what of a recording can be used, and what each neuron follows (Fig. 4).

Pure: traces, trials and similarities in, tables out. Neurons and face come with times of their own; both are
brought to the times of the microscope, never matched by frame numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.calcium.correlation import correlate_neurons, label_neurons
from analysis.calcium.kernel import Kernel, as_seen
from analysis.calcium.overlap import compare_overlap
from analysis.calcium.regressors import at_frames, stimulus_trace
from analysis.mouse_sessions import CalciumTraces

KINDS = ("stimulus", "face")
"""What a neuron may follow."""
FORGETTING = 3.0
"""Values of the face are used from so many decay times after a gap in the video."""
UNEVEN = 0.25
"""Frames of the microscope that are late by more than this share of a step are not evenly spaced."""
LEAST_COVERED = 0.5
"""Least share of the imaging that the video must cover."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Recording:
    """Neurons of one session, and what they are compared with."""

    session_id: str
    animal: str
    times_s: np.ndarray
    """Times of the microscope's frames that are used, shape ``(n_times,)``."""
    step_s: float
    """Time between two frames."""
    traces: np.ndarray
    """Relative change of fluorescence, ``(n_neurons, n_times)``, none missing."""
    neurons: pd.DataFrame
    """One row per neuron: ``roi``, ``x_px``, ``y_px``, ``n_px``; index 0, 1, ..."""
    masks: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Pixels of each neuron; empty where nobody knows."""
    stimuli: pd.DataFrame
    """``event``, ``onset`` and ``duration`` (s) of each stimulus."""
    plain: Mapping[tuple[str, str], np.ndarray]
    """(``stimulus`` or ``face``, event) -> trace as it was, ``(n_times,)``."""
    shown: Mapping[tuple[str, str], np.ndarray]
    """The same as the indicator would show it: the regressors."""
    faces: np.ndarray
    """All that is known of the face, as the indicator would show it, ``(n_measures, n_times)``: similarity to
    every prototype of the animal, and its square. Similarity is not proportional to an expression; without
    the squares, neurons that follow the face would seem to follow the stimulus too."""
    notes: tuple[str, ...]
    """What was left out, in words."""

    @property
    def events(self) -> list[str]:
        """Events with both a stimulus and a face to follow."""
        return [event for kind, event in self.shown if kind == "face"]

    def duration_s(self) -> float:
        """Length of what is used."""
        return len(self.times_s) * self.step_s


def prepare_recording(
    calcium: CalciumTraces,
    stimuli: pd.DataFrame,
    face: pd.DataFrame,
    *,
    session_id: str,
    animal: str,
    kernel: Kernel,
    max_gap_s: float,
) -> Recording:
    """Bring neurons, stimuli and face together.

    Parameters
    ----------
    calcium : CalciumTraces
        The neurons. One that has missing values is left out; times at which all are missing are left out.
    stimuli : pandas.DataFrame
        ``event``, ``onset`` and ``duration`` (s) of each stimulus of the session.
    face : pandas.DataFrame
        ``time_s`` of each valid video frame, and one column per event: similarity to its prototype.
    session_id, animal : str
        Names.
    kernel : Kernel
        Of the indicator.
    max_gap_s : float
        Where the video has a longer gap, the neurons' frames are left out too.

    Raises
    ------
    ValueError
        If neurons, frames and times do not agree, no neuron is left, no stimulus lies within the imaging, or
        video and imaging hardly overlap.
    """
    times_s, traces, kept, notes = _usable(calcium, session_id)
    times_s, traces, resampled = _evenly(times_s, traces)
    step_s = float(np.median(np.diff(times_s)))
    plain: dict[tuple[str, str], np.ndarray] = {}
    events = list(dict.fromkeys(stimuli["event"]))
    for event in events:
        plain["stimulus", event] = stimulus_trace(stimuli[stimuli["event"] == event], times_s)
    for event in [name for name in events if name in face and face[name].notna().any()]:
        plain["face", event] = at_frames(
            face[event].to_numpy(), face["time_s"].to_numpy(), times_s, max_gap_s=max_gap_s
        )
    measures = _measures(face, times_s, max_gap_s)
    known = np.all([np.isfinite(trace) for trace in (*plain.values(), *measures)], axis=0)
    if known.mean() < LEAST_COVERED:
        raise ValueError(
            f"{session_id}: the video has valid frames for {100 * known.mean():.0f} % of the imaging only; "
            "are both on the same clock?"
        )
    shown = {key: as_seen(_filled(trace), times_s, kernel) for key, trace in plain.items()}
    faces = np.array([as_seen(_filled(trace), times_s, kernel) for trace in measures])
    used = _settled(known, round(FORGETTING * kernel.decay_s / step_s))
    if resampled:
        notes.append(
            f"{session_id}: the microscope's frames are not evenly spaced; traces were interpolated to one "
            f"value every {1000 * step_s:.0f} ms"
        )
    if not used.all():
        notes.append(
            f"{session_id}: {(~used).sum() * step_s:.0f} of {len(used) * step_s:.0f} s of imaging were left "
            "out, because the video has no valid frames there (or the indicator still shows what came before)"
        )
    return Recording(
        session_id=session_id,
        animal=animal,
        times_s=times_s[used],
        step_s=step_s,
        traces=traces[:, used],
        neurons=calcium.rois.iloc[kept].reset_index(drop=True),
        masks=tuple(calcium.masks[neuron] for neuron in kept) if calcium.masks else (),
        stimuli=stimuli.reset_index(drop=True),
        plain={key: trace[used] for key, trace in plain.items()},
        shown={key: trace[used] for key, trace in shown.items()},
        faces=faces.reshape(-1, len(times_s))[:, used],
        notes=tuple(notes),
    )


def code_neurons(
    recording: Recording, *, rule: str, q: float, least_r: float, min_shift_s: float = 0.0
) -> pd.DataFrame:
    """Tell for each neuron and event whether it follows the stimulus, the face, both or nothing (Fig. 4F-G).

    Parameters
    ----------
    recording : Recording
        Neurons and regressors. What only the face explains is what the stimuli, and the face's similarity to
        the prototypes of the other events of the session, do not; what only a stimulus explains is what the
        other stimuli, and all measures of the face (`Recording.faces`), do not.
    rule, q, least_r : str and float
        As in `analysis.calcium.correlation.label_neurons`.
    min_shift_s : float
        As in `analysis.calcium.surrogates.shift_test`.

    Returns
    -------
    pandas.DataFrame
        One row per neuron and event: ``session_id animal neuron roi event label`` (stimulus, face, both or
        none), and for stimulus and face each ``r p q r_unique p_unique q_unique unique_variance follows``,
        with the kind at the end of the name, such as ``r_face``.
    """
    names = {_name(key): key for key in recording.shown}
    table = correlate_neurons(
        recording.traces,
        {name: recording.shown[key] for name, key in names.items()},
        step_s=recording.step_s,
        min_shift_s=min_shift_s,
        also_given={name: recording.faces for name, (kind, _) in names.items() if kind == "stimulus"},
    )
    follows = label_neurons(table, rule=rule, q=q, least_r=least_r)
    parts = []
    for event in recording.events:
        about = recording.neurons["roi"].to_numpy()
        part = pd.DataFrame({"neuron": np.arange(len(about)), "roi": about, "event": event})
        for kind in KINDS:
            own = table[table["regressor"] == _name((kind, event))].set_index("neuron")
            part = part.join(own.drop(columns="regressor").add_suffix(f"_{kind}"), on="neuron")
            part[f"follows_{kind}"] = follows[_name((kind, event))].to_numpy(bool)
        parts.append(part)
    coding = pd.concat(parts, ignore_index=True)
    coding.insert(0, "animal", recording.animal)
    coding.insert(0, "session_id", recording.session_id)
    return coding.assign(label=_labels(coding))


def global_p(coding: pd.DataFrame, kind: str, *, rule: str) -> float:
    """Test whether any neuron follows a stimulus or the face at all (Simes' test in each recording).

    Parameters
    ----------
    coding : pandas.DataFrame
        As of `code_neurons`, of one event; several recordings are corrected for (Bonferroni).
    kind : str
        ``stimulus`` or ``face``.
    rule : str
        ``unique`` or ``shift``; a threshold is no test, and gives NaN.

    Examples
    --------
    >>> coding = pd.DataFrame({"session_id": ["a", "a", "b"], "q_face": [0.01, 0.4, 0.2]})
    >>> global_p(coding, "face", rule="shift"), global_p(coding, "face", rule="threshold")
    (0.02, nan)
    """
    if rule == "threshold":
        return float("nan")
    column = f"q_unique_{kind}" if rule == "unique" else f"q_{kind}"
    smallest = coding.groupby("session_id")[column].min()
    return float(min(1.0, smallest.min() * len(smallest)))


def properties(coding: pd.DataFrame, kind: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return which neurons follow which event, for a Venn diagram (Fig. 4I-J).

    Parameters
    ----------
    coding : pandas.DataFrame
        As of `code_neurons`; neurons of recordings in which an event was not given are left out.
    kind : str
        ``stimulus`` or ``face``.

    Returns
    -------
    tuple
        Event -> boolean ``(n_neurons,)``, and the recording of each neuron.
    """
    wide = coding.pivot(index=["session_id", "neuron"], columns="event", values=f"follows_{kind}")
    wide = wide[list(dict.fromkeys(coding["event"]))].dropna()
    recordings = wide.index.get_level_values("session_id").to_numpy()
    return {str(event): wide[event].to_numpy(bool) for event in wide}, recordings


def overlaps(coding: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Compare the overlap of every two events with that of independent ones, within recordings (Fig. 4I-J).

    Returns
    -------
    pandas.DataFrame
        As `analysis.calcium.overlap.compare_overlap`; no rows with fewer than two events.
    """
    having, recordings = properties(coding, kind)
    if len(having) < 2:
        return pd.DataFrame(
            columns=["first", "second", "n_first", "n_second", "overlap", "expected", "ratio", "p"]
        )
    return compare_overlap(having, recordings)


def _usable(calcium: CalciumTraces, session_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Leave out times without any neuron, and neurons with missing values or without any variation."""
    values, times_s = np.asarray(calcium.dff, float), np.asarray(calcium.times_s, float)
    if values.ndim != 2 or values.shape[1] != len(times_s) or len(calcium.rois) != len(values):
        raise ValueError(
            f"{session_id}: traces of shape {values.shape} (neurons, times), but {len(times_s)} times and "
            f"{len(calcium.rois)} regions of interest: files of two runs of the segmentation?"
        )
    if len(calcium.masks) not in (0, len(values)):
        raise ValueError(
            f"{session_id}: {len(values)} traces, but {len(calcium.masks)} shapes of regions of interest: "
            "files of two runs of the segmentation?"
        )
    notes = []
    there = np.isfinite(values).any(axis=0)
    if 0 < (~there).sum() < len(there):
        notes.append(f"{session_id}: {(~there).sum()} imaging frames have no value of any neuron")
    n_neurons, values, times_s = len(values), values[:, there], times_s[there]
    complete = np.isfinite(values).all(axis=1) & there.any()
    varies = (
        complete & (np.where(complete[:, None], values, 0.0).std(axis=1) > 0) if there.any() else complete
    )
    for number, why in (
        ((~complete).sum(), "have missing values"),
        ((complete & ~varies).sum(), "do not vary"),
    ):
        if number:
            notes.append(f"{session_id}: {number} of {n_neurons} neurons {why} and were left out")
    if not varies.any() or len(times_s) < 2:
        raise ValueError(
            f"{session_id}: none of {n_neurons} neurons has a trace without missing values that varies; "
            "was the right file read?"
        )
    kept = np.flatnonzero(varies)
    return times_s, values[kept], kept, notes


def _evenly(times_s: np.ndarray, traces: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Interpolate to even steps, where frames are not evenly spaced."""
    step_s = float(np.median(np.diff(times_s)))
    if np.abs(np.diff(times_s) - step_s).max() <= UNEVEN * step_s:
        return times_s, traces, False
    even_s = np.arange(times_s[0], times_s[-1] + step_s / 2, step_s)
    return even_s, np.array([np.interp(even_s, times_s, trace) for trace in traces]), True


def _measures(face: pd.DataFrame, times_s: np.ndarray, max_gap_s: float) -> list[np.ndarray]:
    """Return similarities to all prototypes, and their squares (from the median), at the imaging frames."""
    found = []
    for name in face.columns.drop(["time_s", "frame"], errors="ignore"):
        if face[name].notna().any():
            trace = at_frames(face[name].to_numpy(), face["time_s"].to_numpy(), times_s, max_gap_s=max_gap_s)
            found += [trace, (trace - np.nanmedian(trace)) ** 2]
    return found


def _filled(trace: np.ndarray) -> np.ndarray:
    """Draw lines across the gaps of a trace, and count from its first value, as if it had always been there.

    Only so the convolution begins without a jump; gaps are cut out afterwards.
    """
    known = np.flatnonzero(np.isfinite(trace))
    return np.interp(np.arange(len(trace)), known, trace[known] - trace[known[0]])


def _settled(known: np.ndarray, n_frames: int) -> np.ndarray:
    """Return where a trace is known and was so for some frames before; its beginning counts as settled."""
    used, missing = known.copy(), np.flatnonzero(~known)
    for place in missing:
        used[place : place + n_frames + 1] = False
    return used


def _labels(coding: pd.DataFrame) -> list[str]:
    names = {(False, False): "none", (True, False): "stimulus", (False, True): "face", (True, True): "both"}
    pairs = zip(coding["follows_stimulus"], coding["follows_face"], strict=True)
    return [names[bool(stimulus), bool(face)] for stimulus, face in pairs]


def _name(key: tuple[str, str]) -> str:
    return " ".join(key)
