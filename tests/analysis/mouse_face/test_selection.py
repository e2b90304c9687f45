"""Which trials a figure is made of, on tables whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.mouse_face.face_data import TRIAL_COLUMNS, FaceData
from analysis.mouse_face.parameters import recommended
from analysis.mouse_face.selection import (
    Missing,
    Selection,
    condition_trials,
    core_trials,
    graded_trials,
    imaging_trials,
    light_trials,
    pathway_trials,
    valence_trials,
)

PARAMETERS = recommended()


def study(rows: list[dict[str, Any]], *, imaging: tuple[str, ...] = ()) -> FaceData:
    """A study of these trials; what a row does not say is as usual."""
    usual = {
        "value": np.nan, "unit": "", "repeat": 1, "condition": "", "laser": False, "group": "", "site": "",
        "onset_s": 0.0, "duration_s": 2.0, "n_frames": 60, "n_excluded": 0, "n_dropped": 0, "share_lost": 0.0,
        "kept": True, "reason": "",
    }  # fmt: skip
    trials = pd.DataFrame([{**usual, **row} for row in rows])
    trials["session_id"] = trials["animal"] + "_" + trials["session"]
    trials["trial"] = trials.groupby("animal").cumcount() + 1
    trials["label"] = trials["event"]
    sessions = trials[["session_id", "animal", "session"]].drop_duplicates()
    return FaceData(
        name="study",
        simulated=True,
        sessions=sessions,
        trials=trials[list(TRIAL_COLUMNS)],
        clips=pd.DataFrame(),
        descriptors=np.empty((0, 0), np.float32),
        cells=np.ones((1, 1), bool),
        hog={"orientations": 8},
        imaging=dict.fromkeys(imaging),  # type: ignore[arg-type]
    )


def trials_of(
    session: str, event: str, n: int = 2, *, animal: str = "m1", **more: Any
) -> list[dict[str, Any]]:
    return [{"animal": animal, "session": session, "event": event, **more} for _ in range(n)]


def found(selection: Selection | Missing) -> Selection:
    assert isinstance(selection, Selection), selection.reason
    return selection


def test_core_trials_come_from_the_plainest_sessions() -> None:
    data = study(
        [
            *trials_of("plain", "quinine", value=10.0),
            *trials_of("plain", "neutral"),
            *trials_of("graded", "quinine", value=10.0),
            *trials_of("graded", "quinine", value=1.0),
            *trials_of("graded", "shock", value=0.5),
            *trials_of("graded", "shock", value=0.1),
            *trials_of("imaging", "quinine", value=10.0),
            *trials_of("thirsty", "sucrose", condition="thirsty"),
            *trials_of("light", "quinine", value=10.0),
            *trials_of("light", "quinine", value=10.0, laser=True),
            *trials_of("salt", "salt", value=500.0),
        ],
        imaging=("m1_imaging",),
    )
    core = found(core_trials(data, PARAMETERS)).trials
    taken = core.groupby(["session", "label"])["value"].agg(["size", "max"])
    assert taken["size"].to_dict() == {
        ("plain", "quinine"): 2,
        ("plain", "neutral"): 2,
        ("graded", "shock"): 2,
    }
    assert taken.loc[("graded", "shock"), "max"] == 0.5


def test_one_session_per_event_is_a_plain_study() -> None:
    data = study([*trials_of("a", "quinine"), *trials_of("b", "shock"), *trials_of("c", "neutral")])
    assert set(found(core_trials(data, PARAMETERS)).trials["label"]) == {"quinine", "shock", "neutral"}


def test_trials_that_were_left_out_are_not_selected() -> None:
    rows = [*trials_of("plain", "quinine", 3), *trials_of("plain", "shock")]
    rows[0]["kept"] = False
    assert len(found(core_trials(study(rows), PARAMETERS)).trials) == 4


def test_an_event_with_one_trial_is_left_out_with_a_note() -> None:
    data = study([*trials_of("plain", "tail_shock"), *trials_of("plain", "quinine", 1)])
    core = found(core_trials(data, PARAMETERS))
    assert set(core.trials["label"]) == {"tail_shock"}
    assert core.notes == (
        "quinine: one trial only in m1, left out, because its prototype would be made of the trial that it "
        "is compared with",
    )


def test_an_animal_without_core_trials_is_named() -> None:
    data = study(
        [*trials_of("plain", "quinine"), *trials_of("light", "laser", animal="m2", laser=True, group="ChR2")]
    )
    assert found(core_trials(data, PARAMETERS)).notes[0].startswith("m2: no events of which prototypes")


def test_a_study_of_light_alone_has_no_prototypes() -> None:
    missing = core_trials(study(trials_of("light", "laser", laser=True)), PARAMETERS)
    assert isinstance(missing, Missing)


def test_graded_trials() -> None:
    data = study(
        [
            *trials_of("graded", "shock", value=0.1),
            *trials_of("graded", "shock", value=0.5),
            *trials_of("graded", "quinine", value=10.0),
            *trials_of("salt", "salt", value=75.0),
            *trials_of("salt", "salt", value=500.0),
        ]
    )
    graded = found(graded_trials(data, PARAMETERS)).trials
    assert graded.groupby("label")["value"].unique().map(list).to_dict() == {"shock": [0.1, 0.5]}


def test_valence_trials_are_lowest_and_highest() -> None:
    data = study([row for value in (75.0, 200.0, 500.0) for row in trials_of("salt", "salt", value=value)])
    salt = found(valence_trials(data, PARAMETERS)).trials
    assert salt.groupby("label")["value"].unique().map(list).to_dict() == {"low": [75.0], "high": [500.0]}


def test_conditions_need_both_in_an_animal() -> None:
    data = study(
        [
            *trials_of("thirsty", "water", condition="thirsty"),
            *trials_of("quenched", "water", condition="quenched"),
            *trials_of("thirsty", "water", animal="m2", condition="thirsty"),
        ]
    )
    thirst = found(condition_trials(data, PARAMETERS, ("thirsty", "quenched")))
    assert thirst.trials["animal"].unique().tolist() == ["m1"]
    assert "m2, water" in thirst.notes[0]
    assert isinstance(condition_trials(data, PARAMETERS, ("before", "after")), Missing)


def test_light_alone_and_light_on_a_pathway_are_told_apart() -> None:
    both = [
        *trials_of("opto", "laser", laser=True, group="ChR2", site="pIC"),
        *trials_of("pathway", "quinine", laser=True, group="ChR2", site="aIC to BLA"),
        *trials_of("pathway", "quinine", group="ChR2", site="aIC to BLA"),
    ]
    assert set(found(light_trials(study(both), PARAMETERS)).trials["label"]) == {"laser"}
    assert len(found(pathway_trials(study(both), PARAMETERS)).trials) == 4
    assert isinstance(pathway_trials(study(both[:2]), PARAMETERS), Missing)
    nameless = light_trials(study(trials_of("opto", "laser", laser=True)), PARAMETERS)
    assert isinstance(nameless, Missing)
    assert "group" in nameless.reason


@pytest.mark.parametrize("imaging", [(), ("m1_imaging",)])
def test_imaging_trials(imaging: tuple[str, ...]) -> None:
    data = study([*trials_of("plain", "quinine"), *trials_of("imaging", "quinine")], imaging=imaging)
    selection = imaging_trials(data, PARAMETERS)
    assert isinstance(selection, Selection) == bool(imaging)
    if isinstance(selection, Selection):
        assert set(selection.trials["session"]) == {"imaging"}
