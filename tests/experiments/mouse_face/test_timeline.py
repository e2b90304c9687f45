"""The session as text, picture and dose plan."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.mouse_face.dose_plan import dose_plan
from experiments.mouse_face.schedule import expand, read_schedule, timeline_figure, timeline_text, totals
from experiments.mouse_face.trial_table import with_valve_times
from hardware.delivery.limits import Limits

SHOCKS = {"tail_shock.current_ma": "[0.1, 0.2]", "tail_shock.pulse_ms": "500"}


def table_of(name: str, **values: str):
    return expand(read_schedule(name, values=values), seed=1, animal="m01")


def test_the_text_says_volume_shocks_and_duration_and_every_trial() -> None:
    table = table_of("tail_shocks", **SHOCKS)
    text = timeline_text(table)
    minutes, seconds = divmod(round(totals(table)["duration_s"]), 60)
    assert f"tail_shocks, animal m01, seed 1: 9 trials in {minutes} min {seconds:02} s" in text
    assert "liquid: none" in text
    assert "shocks: 6, at most 0.2 mA, 3 s in all" in text
    assert text.count("before: set the shocker to") >= 2
    assert len(text.splitlines()) == 3 + 2 + 9
    liquid = timeline_text(table_of("tastants"))
    assert "liquid: 24 µl in all (quinine 10 mM 12 µl, sucrose 20 % w/v 12 µl)" in liquid
    assert "shocks: none" in liquid


def test_the_text_says_what_is_done_by_hand_and_what_the_light_does() -> None:
    text = timeline_text(table_of("lithium", **{"lithium.intensity": "100"}))
    assert "by hand: Inject lithium chloride" in text
    text = timeline_text(table_of("pathway", power_mw="10"))
    assert "4 µl from valve1, light, 40 pulses of 5 ms every 50 ms" in text
    assert "light: in 3 trials, on for 0.6 s in all" in text


@pytest.mark.parametrize(
    ("name", "values", "n_axes"),
    [
        ("tail_shocks", SHOCKS, 2),
        ("baseline", {}, 1),
        ("pathway", {"power_mw": "10"}, 3),
        ("tastants", {}, 2),
    ],
)
def test_the_picture_has_a_row_per_stimulus_and_what_was_given(
    name: str, values: dict[str, str], n_axes: int
) -> None:
    table = table_of(name, **values)
    figure = timeline_figure(table)
    assert len(figure.axes) == n_axes
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == len(table[["stimulus", "intensity", "laser"]].drop_duplicates())
    assert labels[0] == "neutral"
    figure.canvas.draw()
    assert np.asarray(figure.canvas.buffer_rgba()).std() > 0


def test_the_picture_ends_with_the_totals() -> None:
    table = table_of("tastants")
    axis = timeline_figure(table).axes[1]
    assert axis.lines[0].get_ydata()[-1] == totals(table)["volume_ul"]
    assert axis.get_xlim()[1] == pytest.approx(totals(table)["duration_s"] / 60)


def test_the_dose_plan_puts_limits_beside_doses() -> None:
    table = with_valve_times(table_of("tastants"), lambda channel, volume_ul: 8 * volume_ul)
    plan = dose_plan(table, Limits())
    assert "valve1: sucrose 20 % w/v, 3 x 4 µl, open 32.0 ms" in plan
    assert "NOT ALLOWED" not in plan
    (line,) = [line for line in plan.splitlines() if "liquid in all" in line]
    assert line.split("  ")[-1].strip() == "1000 µl"


def test_the_dose_plan_says_what_is_not_allowed() -> None:
    table = table_of("tail_shocks", **SHOCKS)
    plan = dose_plan(table, Limits())
    assert "NOT ALLOWED: 6 shocks, allowed are 0" in plan
    assert "NOT ALLOWED: trial" in plan
    allowed = dose_plan(table, Limits(n_shocks=6, current_ma=0.2))
    assert "NOT ALLOWED" not in allowed
    assert "0.2 mA, 1 x 500 ms" in allowed
    assert "shortest pause" in allowed


def test_a_dose_plan_before_calibration_leaves_out_the_times() -> None:
    plan = dose_plan(table_of("tastants"), Limits())
    assert "3 x 4 µl" in plan
    assert "open" not in plan
    assert "NOT ALLOWED" not in plan


def test_the_dose_plan_names_what_is_injected() -> None:
    plan = dose_plan(table_of("lithium", **{"lithium.intensity": "100"}), Limits())
    assert "by hand: Inject lithium chloride intraperitoneally (lithium 100 mg/kg)" in plan
