"""What trials delivered, judged from rows; who may end a session; how a trial becomes an order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.mouse_face.animals import AnimalRow, find_animal
from experiments.mouse_face.deliveries import OUTCOMES, trial_deliveries
from experiments.mouse_face.live import DeliveredRow, LogRow
from experiments.mouse_face.loop import orders
from experiments.mouse_face.planning import read_people
from experiments.mouse_face.stopping import Watch
from experiments.stopping import SessionStopped, StopRequests


def planned(**changes: object) -> pd.DataFrame:
    row = {
        "trial": 1, "stimulus": "quinine", "channel": "valve1", "pulse_ms": 42.0, "n_pulses": 1,
        "period_ms": np.nan, "volume_ul": 4.0, "current_ma": np.nan, "laser": False, "laser_channel": "laser",
        "laser_pulse_ms": 5.0, "laser_n_pulses": 40, "laser_period_ms": 50.0,
    }  # fmt: skip
    return pd.DataFrame([{**row, **changes}])


def row(kind: str, channel: str = "valve1", **values: object) -> DeliveredRow:
    content = {"time": 5.0, "monotonic": 105.0, "trial": 1, "n_pulses": 1, "on_s": 0.042, "device_s": 50.0}
    return DeliveredRow(kind=kind, channel=channel, **{**content, **values})  # type: ignore[arg-type]


BEGUN = [LogRow(time=5.0, what="trial", trial=1, monotonic=105.0, wall=1e9)]
GIVEN = [row("ordered"), row("accepted"), row("on"), row("off", device_s=50.042)]


@pytest.mark.parametrize(
    ("plan", "rows", "outcome"),
    [
        ({}, GIVEN, "delivered"),
        ({"channel": ""}, [], "nothing"),
        ({}, [*GIVEN[:3], row("off", on_s=0.02)], "cut"),
        ({}, GIVEN[:3], "started"),
        ({}, GIVEN[:1], "unconfirmed"),
        ({}, GIVEN[:2], "unconfirmed"),
        ({}, [GIVEN[0], row("refused", value="DISARMED")], "refused"),
        ({"n_pulses": 5}, [row("ordered", n_pulses=5), *GIVEN[1:]], "cut"),
        ({"laser": True}, GIVEN, "cut"),
        (
            {"laser": True},
            [
                *GIVEN,
                row("ordered", "laser", n_pulses=40, on_s=0.2),
                row("on", "laser"),
                row("off", "laser", n_pulses=40, on_s=0.2001),
            ],
            "delivered",
        ),
    ],
)
def test_how_a_trial_went(plan: dict[str, object], rows: list[DeliveredRow], outcome: str) -> None:
    (found,) = trial_deliveries(planned(**plan), rows, BEGUN).to_dict("records")
    assert found["outcome"] == outcome
    assert outcome in OUTCOMES
    assert found["begun_s"] == 5.0


def test_what_was_done_by_hand_is_no_neutral_moment() -> None:
    done = LogRow(time=5.0, what="by_hand", trial=1, text="Inject", monotonic=105.0, wall=1e9)
    injection = planned(channel="", by_hand="Inject")
    assert trial_deliveries(injection, [], [*BEGUN, done])["outcome"].tolist() == ["by hand"]
    assert trial_deliveries(planned(channel="", by_hand=""), [], [*BEGUN, done])["outcome"].tolist() == [
        "nothing"
    ]
    assert "by hand" in OUTCOMES


def test_a_trial_that_never_began_is_not_there() -> None:
    assert trial_deliveries(planned(), [], []).empty


def test_an_order_counts_as_the_beginning_where_the_log_ends_a_row_earlier() -> None:
    (found,) = trial_deliveries(planned(), GIVEN[:1], []).to_dict("records")
    assert (found["outcome"], found["begun_s"]) == ("unconfirmed", 5.0)


def test_light_with_a_stimulus_is_one_order() -> None:
    (order,) = orders(planned(laser=True))
    assert [(o.channel, o.pulse_us, o.n_pulses, o.period_us) for o in order.outputs] == [
        ("valve1", 42000, 1, 0), ("laser", 5000, 40, 50000),
    ]  # fmt: skip
    assert order.volume_ul == 4.0


def test_a_valve_without_calibration_is_no_order() -> None:
    with pytest.raises(ValueError, match="calibrate the valve"):
        orders(planned(pulse_ms=np.nan))


@pytest.mark.parametrize(
    ("key", "reason"),
    [("\x1b", "Escape"), (" ", "space bar"), ("!", "the key !"), ("Stop\n", "wrote 'stop'")],
)
def test_a_key_stops_the_device_at_once_and_the_session_at_the_next_look(key: str, reason: str) -> None:
    watch, stopped = Watch(StopRequests(), say=print), []
    watch.stop_now = lambda: stopped.append(True)
    watch.take("x")
    watch.check()
    watch.take(key)
    assert stopped == [True]
    with pytest.raises(SessionStopped, match=reason):
        watch.check()


def test_a_device_that_fails_while_it_is_stopped_does_not_hide_the_stop() -> None:
    watch = Watch(StopRequests(), say=print)
    watch.stop_now = lambda: 1 / 0
    watch.take("!")
    with pytest.raises(SessionStopped):
        watch.check()


def test_a_closed_window_ends_the_session() -> None:
    watch = Watch(StopRequests(), say=print)
    watch.closed = lambda: True
    with pytest.raises(SessionStopped, match="window was closed"):
        watch.check()


def test_what_is_asked_is_done_when_enter_is_pressed_after_it() -> None:
    said: list[str] = []
    watch = Watch(StopRequests(), say=said.append)
    watch.take("\n")  # an Enter before the question answers nothing
    watch.ask("set the shocker to 0.2 mA")
    assert not watch.answered()
    watch.take("x")
    assert not watch.answered()
    watch.take("\n")
    assert watch.answered()
    assert "press Enter" in said[0]


def test_a_new_animal_is_stated_once_and_known_from_then_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--sex F and --born"):
        find_animal(tmp_path, "m01", {}, simulated=False)
    assert not (tmp_path / "animals.tsv").exists()
    stated = {"sex": "F", "born": "2026-08-24", "group": "ChR2"}
    assert find_animal(tmp_path, "m01", stated, simulated=False).strain == "C57BL/6J"
    assert find_animal(tmp_path, "m01", {}, simulated=False).group == "ChR2"
    with pytest.raises(ValueError, match="sex is 'F'"):
        find_animal(tmp_path, "m01", {"sex": "M"}, simulated=False)
    assert find_animal(tmp_path, "m02", {}, simulated=True).sex == "F"
    assert "m02" not in (tmp_path / "animals.tsv").read_text(encoding="utf-8")


@pytest.mark.parametrize("changes", [{"sex": "f"}, {"born": "24.8.2026"}])
def test_an_animal_is_described_as_nwb_asks_for_it(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="animal m01"):
        AnimalRow(**{"animal": "m01", "sex": "F", "born": "2026-08-24", **changes})


def test_people_are_named_last_name_first(tmp_path: Path) -> None:
    assert read_people(tmp_path) == {}
    (tmp_path / "study.toml").write_text('experimenter = ["Doe, Jane"]\nlab = "Doe"\n', encoding="utf-8")
    assert read_people(tmp_path) == {"experimenter": ["Doe, Jane"], "lab": "Doe"}
    (tmp_path / "study.toml").write_text('experimenter = "Jane Doe"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="'Doe, Jane'"):
        read_people(tmp_path)
