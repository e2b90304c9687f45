"""Figures of the asymptotic regression and of the session day show what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mimicry import figures_bayes
from analysis.mimicry.figures_session import draw_session_day
from analysis.mimicry.session_day import session_events, session_events_table

MUSCLES, EMOTIONS = ("corrugator", "zygomaticus"), ("AngryToHappy", "HappyToAngry")


def cells(emotions: tuple[str, ...] = EMOTIONS) -> list[tuple[str, str]]:
    return [(muscle, emotion) for muscle in MUSCLES for emotion in emotions]


def means() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        (participant, muscle, emotion, window, rng.normal(0, 0.1))
        for participant in range(12)
        for muscle, emotion in cells()
        for window in range(1, 6)
    ]
    return pd.DataFrame(rows, columns=["participant", "muscle", "emotion", "window", "emg"])


def test_the_curve_begins_at_b_and_ends_at_a() -> None:
    curve = figures_bayes.asymptotic_curve(np.array([1.0, 2.0, 60.0]), a=0.1, b=0.02, c=0.25)
    assert curve == pytest.approx([0.02, 0.1 - 0.08 * np.exp(-np.exp(0.25)), 0.1])


def test_figure_2_has_its_three_parts() -> None:
    times = np.linspace(1, 5, 9)
    prior = pd.concat([pd.DataFrame({"draw": i, "time": times, "value": i / 10 * times}) for i in range(3)])
    ribbon = pd.concat(
        pd.DataFrame({"muscle": m, "emotion": e, "time": times, "median": 0.1, "lower": 0.05, "upper": 0.15})
        for m, e in cells()
    )
    limits = figures_bayes.box_limits(means())
    figure = figures_bayes.draw_asymptotic_model(prior=prior, means=means(), ribbon=ribbon, limits=limits)
    figure.canvas.draw()
    assert len(figure.axes) == 6
    assert [panel.get_title() for panel in figure.axes[2:4]] == ["Angry to happy", "Happy to angry"]
    assert all(panel.get_ylim() == pytest.approx(limits) for panel in figure.axes[2:])
    drawn = figure.axes[1].collections[0].get_segments()
    assert len(drawn) == 3


def test_the_axis_of_boxes_holds_all_whiskers_and_no_stray_value() -> None:
    data = means()
    data.loc[0, "emg"] = 25.0
    low, high = figures_bayes.box_limits(data)
    assert -0.6 < low < data["emg"].min() and 0.2 < high < 1.0


def posteriors(groups: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    grid = np.linspace(-1, 1, 21)
    curves, rows = [], []
    for parameter in "ac":
        for muscle, emotion in cells():
            for i, group in enumerate(groups):
                label = {"parameter": parameter, "muscle": muscle, "emotion": emotion, "group": group}
                curves.append(pd.DataFrame({**label, "value": grid + i, "density": np.exp(-(grid**2))}))
                ends = {"lower": i - 1, "upper": i + 1, "lower_50": i - 0.3, "upper_50": i + 0.3}
                rows.append({**label, "median": i, **ends})
    return pd.concat(curves), pd.DataFrame(rows)


@pytest.mark.parametrize("groups", [("A", "B", "C"), ("",)])
def test_figure_3_has_a_panel_per_parameter_and_cell(groups: tuple[str, ...]) -> None:
    figure = figures_bayes.draw_posteriors(*posteriors(groups))
    figure.canvas.draw()
    assert len(figure.axes) == 8
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == [group or "all" for group in groups]
    circles = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [float(circle.get_xdata()[0]) for circle in circles] == list(range(len(groups)))


def test_differences_have_their_region_of_equivalence() -> None:
    curves, rows = posteriors(("A - B",))
    figure = figures_bayes.draw_posteriors(curves, rows, rope={"a": 0.05, "c": 0.7})
    region = figure.axes[0].patches[0].get_window_extent()
    inverse = figure.axes[0].transData.inverted()
    left, right = (inverse.transform((x, 0))[0] for x in (region.x0, region.x1))
    assert (left, right) == pytest.approx((-0.05, 0.05), abs=1e-3)


def test_the_session_day_is_drawn_by_group() -> None:
    people = pd.DataFrame({"participant": list("123"), "group": ["A", "B", None]})
    session = pd.DataFrame({"participant": list("123"), "minutes_since_pill": [240, 252, np.nan]})
    panas = pd.DataFrame(
        {"participant": ["1"], "minutes_since_pill_t1": [-6], "minutes_since_pill_t2": [180]}
    )
    events = session_events(people, {"session": session, "panas": panas})
    assert sorted(set(events["participant"])) == ["1", "2"]
    first = events[events["participant"] == "1"].set_index("event")["hours"]
    assert first.to_dict() == pytest.approx({"Pill": 0.0, "Task": 4.0, "PANAS t1": -0.1, "PANAS t2": 3.0})
    figure = draw_session_day(events)
    figure.canvas.draw()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["A", "B"]
    assert len(session_events_table(events).data) == len(events)


def test_a_study_without_a_pill_has_no_session_day() -> None:
    people = pd.DataFrame({"participant": ["1"], "group": [None]})
    assert session_events(people, {}).empty
    assert session_events(people, {"session": pd.DataFrame({"participant": ["1"], "guess": ["A"]})}).empty
