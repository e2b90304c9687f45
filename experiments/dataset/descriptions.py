"""Data dictionaries: what each column of the tables in a dataset means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Description = dict[str, Any]

_TRIAL: dict[str, Description] = {
    "trial": {"Description": "Number of the trial, from 1, over all blocks; practice has its own count"},
    "block": {"Description": "Number of the block, from 1; 0 is practice"},
    "face": {"Description": "Identity of the face that was shown"},
    "sex": {"Description": "Sex of the face that was shown", "Levels": {"male": "male", "female": "female"}},
    "direction": {
        "Description": "First and last expression of the video; AngryToHappy begins angry and ends happy"
    },
    "video": {"Description": "Id of the video in the manifest of the stimuli"},
    "response_key": {"Description": "First key pressed during the video, as the operating system names it"},
    "response_time": {"Description": "From video onset to the first press", "Units": "s"},
    "response_count": {"Description": "Number of presses during the video"},
    "outcome": {
        "Description": "How the trial ended",
        "Levels": {
            "correct": "the response key was pressed once",
            "no_press": "no key was pressed during the video",
            "wrong_key": "another key was pressed",
            "repeated_press": "the response key was pressed more than once",
        },
    },
}

EVENTS: dict[str, Description] = {
    "onset": {"Description": "Onset of the event from the first sample of the EMG", "Units": "s"},
    "duration": {"Description": "Planned length of the event; n/a for a key press", "Units": "s"},
    "trial_type": {
        "Description": "What happened",
        "Levels": {
            "fixation": "a fixation cross is shown",
            "video": "a face changes its expression",
            "response": "a key is pressed",
            "feedback": "the feedback screen is shown",
            "practice_fixation": "as fixation, in a practice trial",
            "practice_video": "as video, in a practice trial",
            "practice_response": "as response, in a practice trial",
            "practice_feedback": "as feedback, in a practice trial",
        },
    },
    "value": {"Description": "Trigger code that was sent to the recording device"},
    "sample": {"Description": "Number of the EMG sample at onset, from 0"},
    **_TRIAL,
    "timing": {
        "Description": "Where the onset in the recording comes from",
        "Levels": {
            "trigger": "the event's own trigger code in the recording",
            "clock": "the session's log, by the fitted clocks of session and recording: the event has no "
            "code, or its code was lost on the way",
        },
    },
}

BEHAVIOUR: dict[str, Description] = {
    **{name: _TRIAL[name] for name in ("trial", "block", "face", "sex", "direction", "video")},
    "fixation_s": {"Description": "Planned length of the fixation cross before the video", "Units": "s"},
    "onset": {"Description": "Onset of the video on the session's clock", "Units": "s"},
    **{name: _TRIAL[name] for name in ("response_key", "response_time", "response_count", "outcome")},
    "n_dropped_flips": {"Description": "Screen refreshes that came late during the video"},
}

CHANNELS: dict[str, Description] = {
    "signal": {
        "Description": "What the samples are",
        "Levels": {
            "raw": "the voltage between the electrodes as it was recorded",
            "rectified": "rectified, and perhaps averaged, by the device or before the import",
            "other": "not a muscle's signal",
        },
    },
}

PARTICIPANTS: dict[str, Description] = {
    "participant_id": {"Description": "Unique label of the participant"},
    "age": {"Description": "Age", "Units": "year"},
    "sex": {
        "Description": "Sex as reported by the participant",
        "Levels": {"F": "female", "M": "male", "O": "other"},
    },
    "group": {"Description": "Blind code of the group to which the participant was allocated"},
}

TASK_DESCRIPTION = (
    "Videos of a face whose expression changes into another, shown after a fixation cross and followed by a "
    "feedback screen. The task of Korb et al. (2023)."
)
INSTRUCTIONS = (
    "Press the arrow-up key once, at the moment at which the first expression changes into the second."
)


def trial_types_with(names: Sequence[str]) -> Description:
    """Describe the column trial_type where an imported recording has events of other names.

    >>> trial_types_with(["angry", "BAD_missing"])["Levels"]["angry"]
    'event of the imported recording'
    """
    levels = {
        name: "no signal was recorded" if name.startswith("BAD_") else "event of the imported recording"
        for name in names
    }
    known = EVENTS["trial_type"]
    return {**known, "Levels": {**known["Levels"], **levels}}
