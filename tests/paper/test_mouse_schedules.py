"""The ready schedules give the numbers of Dolensek et al. (2020); other numbers say whose they are."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

from experiments.mouse_face.schedule import (
    READY,
    Schedule,
    ScheduleError,
    expand,
    list_schedules,
    missing_values,
    read_schedule,
    sources,
)

NAMES = sorted(path.stem for path in READY.glob("*.yaml"))
GIVEN = {
    "tail_shock.current_ma": "[0.1, 0.2, 0.3]",
    "tail_shock.pulse_ms": "500",
    "laser.power_mw": "10",
    "lithium.intensity": "100",
}
"""Stand-ins for what the user has to give."""


def ready(name: str) -> Schedule:
    return read_schedule(
        name, values={setting: GIVEN[setting] for setting in missing_values(name)["setting"]}
    )


def trials_of(name: str, stimulus: str) -> pd.DataFrame:
    table = expand(ready(name), seed=1, animal="m01")
    return table[table["stimulus"] == stimulus]


def n_of_paper(name: str, stimulus: str) -> set[int]:
    """Trials per strength (and light) over all sessions of all animals of the paper."""
    schedule = ready(name)
    trials = trials_of(name, stimulus)
    per_session = trials.groupby([trials["intensity"].fillna(-1), trials["laser"]]).size()
    assert schedule.paper_animals is not None
    return {int(count) * schedule.sessions * schedule.paper_animals for count in per_session}


def test_every_session_of_the_paper_is_there() -> None:
    figures = " ".join(list_schedules()["paper"])
    for panel in ("1D", "1", "2A-C", "2D", "2E", "2F", "2G", "3A-B", "3C-G", "3H-I", "4"):
        assert re.search(rf"\b{panel}\b", figures), panel


def test_fig_1d_three_repetitions_of_each_event() -> None:
    for name, stimulus in (("tastants", "sucrose"), ("tastants", "quinine"), ("baseline", "neutral")):
        assert trials_of(name, stimulus)["repeat"].tolist() == [1, 2, 3]


def test_fig_2c_27_trials_of_9_mice_per_stimulus() -> None:
    for name, stimulus in (
        ("tastants", "sucrose"),
        ("tastants", "quinine"),
        ("tastants", "neutral"),
        ("baseline", "neutral"),
        ("tail_shocks", "tail_shock"),
        ("lithium", "lithium"),
    ):
        assert ready(name).paper_animals == 9
        assert n_of_paper(name, stimulus) == {27}


def test_fig_2d_27_trials_of_9_mice_per_shock_intensity_and_sucrose_concentration() -> None:
    assert n_of_paper("tail_shocks", "tail_shock") == {27}
    assert n_of_paper("sucrose_graded", "sucrose") == {27}
    assert trials_of("sucrose_graded", "sucrose")["intensity"].nunique() > 1


def test_fig_2d_30_trials_of_10_mice_per_quinine_concentration() -> None:
    assert ready("quinine_graded").paper_animals == 10
    assert n_of_paper("quinine_graded", "quinine") == {30}


def test_fig_2e_salt_at_75_and_500_mm_15_trials_of_5_mice_each() -> None:
    salt = trials_of("salt", "salt")
    assert sorted(salt["intensity"].unique()) == [75, 500]
    assert set(salt["unit"]) == {"mM"}
    assert ready("salt").paper_animals == 5
    assert n_of_paper("salt", "salt") == {15}
    assert salt.groupby("channel")["intensity"].nunique().tolist() == [1, 1]


@pytest.mark.parametrize("state", ["thirsty", "quenched"])
def test_fig_2f_sucrose_and_water_15_trials_of_5_mice_per_state(state: str) -> None:
    table = expand(ready(state), seed=1, animal="m01")
    assert set(table["condition"]) == {state}
    assert n_of_paper(state, "sucrose") == n_of_paper(state, "water") == {15}


def test_fig_2f_sucrose_is_identically_concentrated_in_both_states() -> None:
    thirsty, quenched = ready("thirsty"), ready("quenched")
    assert thirsty.stimuli == quenched.stimuli
    assert (thirsty.intervals, thirsty.order) == (quenched.intervals, quenched.order)


def test_fig_2g_sucrose_before_and_after_aversion_15_trials_of_5_mice_per_time_point() -> None:
    for time_point in ("before", "after"):
        assert set(trials_of(f"aversion_{time_point}", "sucrose")["condition"]) == {time_point}
        assert n_of_paper(f"aversion_{time_point}", "sucrose") == {15}
    assert ready("aversion_before").stimuli == ready("aversion_after").stimuli


def test_fig_2g_lithium_follows_sucrose_in_conditioning() -> None:
    table = expand(ready("aversion_conditioning"), seed=1, animal="m01")
    assert table["stimulus"].tolist() == ["sucrose", "sucrose", "sucrose", "lithium"]


def test_fig_3b_sensory_stimuli_last_2_s() -> None:
    for name in NAMES:
        assert set(expand(ready(name), seed=1, animal="m01")["duration_s"]) == {2.0}


@pytest.mark.parametrize(("site", "animals", "trials"), [("pIC", 4, 12), ("aIC", 6, 18), ("VP", 6, 18)])
def test_fig_3f_light_on_pic_12_trials_of_4_mice_aic_and_vp_18_of_6(
    site: str, animals: int, trials: int
) -> None:
    name = f"optogenetics_{site.lower()}"
    schedule = ready(name)
    assert (schedule.site, schedule.paper_animals, schedule.groups) == (site, animals, ("ChR2", "eYFP"))
    assert n_of_paper(name, "laser") == {trials}
    assert trials_of(name, "laser")["laser"].all()
    assert (trials_of(name, "laser")["channel"] == "").all()


def test_fig_3i_quinine_for_2_s_with_and_without_light_9_trials_of_3_mice() -> None:
    quinine = trials_of("pathway", "quinine")
    assert quinine["laser"].value_counts().to_dict() == {True: 3, False: 3}
    assert n_of_paper("pathway", "quinine") == {9}
    assert ready("pathway").site == "aIC to BLA"


def test_fig_4_three_presentations_of_quinine_and_of_sucrose_in_two_animals() -> None:
    assert ready("imaging").paper_animals == 2
    assert n_of_paper("imaging", "quinine") == n_of_paper("imaging", "sucrose") == {6}


def test_there_is_no_silent_default_for_a_shock() -> None:
    for name in NAMES:
        for stimulus in yaml.safe_load((READY / f"{name}.yaml").read_text(encoding="utf-8"))[
            "stimuli"
        ].values():
            if stimulus["channel"] == "shock":
                assert set(stimulus["current_ma"]) == set(stimulus["pulse_ms"]) == {"required"}
    with pytest.raises(ScheduleError, match="current_ma must be given by you"):
        read_schedule("tail_shocks")


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_where_it_comes_from(name: str) -> None:
    table = sources(ready(name))
    given = table["source"] == "given for this session"
    assert given.sum() == len(missing_values(name))
    known = (
        "paper, ",
        "our choice",
        "follow-up code of the group",
        "sample data of the paper's authors",
        "4 and 20: ",
    )
    for _, row in table[~given].iterrows():
        assert row["source"].startswith(known), row["setting"]


@pytest.mark.parametrize("name", NAMES)
def test_no_number_hides_from_the_sources(name: str) -> None:
    """Every number that YAML finds in the file is one of those with a source."""
    record = yaml.safe_load((READY / f"{name}.yaml").read_text(encoding="utf-8"))

    def numbers(part: object) -> int:
        if isinstance(part, dict):
            return 1 if "value" in part else sum(map(numbers, part.values()))
        if isinstance(part, list):
            return sum(map(numbers, part))
        return isinstance(part, (int, float)) and not isinstance(part, bool)

    assert numbers(record) == len(sources(ready(name))) - len(missing_values(name))


def test_numbers_said_to_be_from_the_paper_are_in_its_text(shared) -> None:
    paper = (shared / "papers" / "dolensek2020.txt").read_text(encoding="utf-8").replace("\n", " ")
    for words in ("75 mM", "500 mM", "N = 10 mice, n = 30 trials", "N = 9 mice, n = 27 trials", "2-s-long"):
        assert words in paper
    for words in (
        "pIC, n = 12 trials, N = 4 mice",
        "VP, n = 18 trials, N = 6 mice",
        "n = 9 trials from N = 3 mice",
    ):
        assert words in paper
