"""The neurons of a study, ready for the panels of Figure 4."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from analysis.calcium.kernel import KERNELS, Kernel
from analysis.calcium.surrogates import FEWEST_SHIFTS
from analysis.mouse_face.colours import event_order
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.neurons import KINDS, Recording, code_neurons, prepare_recording
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.selection import Missing, imaging_trials
from analysis.mouse_face.session_traces import session_similarity

_KNOWN: WeakKeyDictionary[FaceData, dict[MouseFaceParameters, NeuronStudy | Missing]] = WeakKeyDictionary()
_FEWEST_FRAMES = 2 * FEWEST_SHIFTS


@dataclass(frozen=True, eq=False, kw_only=True)
class NeuronStudy:
    """Recordings, and what each neuron follows."""

    recordings: tuple[Recording, ...]
    coding: pd.DataFrame
    """As of `neurons.code_neurons`, of all recordings."""
    events: tuple[str, ...]
    """Events with both a stimulus and a face to follow, in the order of the figures."""
    kernel: Kernel
    notes: tuple[str, ...]
    """What was left out, in words."""

    @property
    def animals(self) -> list[str]:
        """Animals, sorted."""
        return sorted({recording.animal for recording in self.recordings})

    @property
    def n_neurons(self) -> int:
        """Neurons of all recordings."""
        return sum(len(recording.traces) for recording in self.recordings)

    def largest(self) -> Recording:
        """Return the recording with most neurons; among equals the first. No result enters the choice."""
        return max(self.recordings, key=lambda recording: len(recording.traces))


def neuron_study(data: FaceData, parameters: MouseFaceParameters) -> NeuronStudy | Missing:
    """Bring neurons, stimuli and faces of all sessions with imaging together; once for all panels.

    Raises
    ------
    ValueError
        If neurons, times and regions of a session do not agree: files of two recordings were joined.
    """
    known = _KNOWN.setdefault(data, {})
    if parameters not in known:
        known[parameters] = _study(data, parameters)
    return known[parameters]


def shares(study: NeuronStudy, event: str) -> pd.DataFrame:
    """Count neurons by what they follow, in each recording.

    Returns
    -------
    pandas.DataFrame
        One row per recording: ``session_id animal n stimulus face both none``; ``stimulus`` and ``face`` are
        neurons that follow only this.
    """
    own = study.coding[study.coding["event"] == event]
    counts = pd.crosstab([own["session_id"], own["animal"]], own["label"])
    counts = counts.reindex(columns=["stimulus", "face", "both", "none"], fill_value=0)
    counts.insert(0, "n", counts.sum(axis=1))
    counts.columns.name = None
    return counts.reset_index()


def _study(data: FaceData, parameters: MouseFaceParameters) -> NeuronStudy | Missing:
    chosen = imaging_trials(data, parameters)
    if isinstance(chosen, Missing):
        return chosen
    notes = list(chosen.notes)
    recordings = []
    for session_id in dict.fromkeys(chosen.trials["session_id"]):
        found = _recording(data, str(session_id), parameters)
        if isinstance(found, str):
            notes.append(found)
        else:
            recordings.append(found)
            notes.extend(found.notes)
    if not recordings:
        return Missing("; ".join(notes) or "no session has neurons that can be used")
    coding = pd.concat(
        [
            code_neurons(
                recording,
                rule=parameters.neuron_rule,
                q=parameters.neuron_q,
                least_r=parameters.least_neuron_r,
                min_shift_s=parameters.min_shift_s,
            )
            for recording in recordings
        ],
        ignore_index=True,
    )
    events = event_order(coding["event"])
    coding = coding.sort_values(
        "event", key=lambda column: column.map(events.index), kind="stable", ignore_index=True
    )
    return NeuronStudy(
        recordings=tuple(recordings),
        coding=coding,
        events=tuple(events),
        kernel=KERNELS[parameters.kernel],
        notes=tuple(notes),
    )


def _recording(data: FaceData, session_id: str, parameters: MouseFaceParameters) -> Recording | str:
    """Prepare a session, or say why it is left out; files that do not belong together are refused."""
    trials = data.trials[(data.trials["session_id"] == session_id) & ~data.trials["laser"]]
    trials = trials[trials["event"] != parameters.neutral_event]
    stimuli = trials.sort_values("onset_s").rename(columns={"onset_s": "onset", "duration_s": "duration"})
    stimuli = stimuli[["event", "onset", "duration"]]
    try:
        face = session_similarity(data, session_id, parameters)
    except ValueError as error:
        return f"{session_id}: left out of Figure 4, because there is no face to compare with: {error}"
    animal = str(data.sessions.set_index("session_id").loc[session_id, "animal"])
    recording = prepare_recording(
        data.imaging[session_id],
        stimuli,
        face,
        session_id=session_id,
        animal=animal,
        kernel=KERNELS[parameters.kernel],
        max_gap_s=parameters.most_video_gap_s,
    )
    if not recording.events:
        return f"{session_id}: left out of Figure 4, because its animal has no prototype of any of its events"
    if len(recording.times_s) < _FEWEST_FRAMES:
        return (
            f"{session_id}: left out of Figure 4, because {len(recording.times_s)} imaging frames are too "
            f"few to compare neurons with; {_FEWEST_FRAMES} are needed"
        )
    flat = [
        f"{kind} {event}" for kind in KINDS for event in recording.events
        if np.ptp(recording.shown[kind, event]) == 0
    ]  # fmt: skip
    if flat:
        return (
            f"{session_id}: left out of Figure 4, because {', '.join(flat)} does not vary during the imaging"
        )
    return recording
