"""Figures show the numbers they are given, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mimicry import figures, quality_figures
from analysis.mimicry.noise import signal_level


def means(
    groups: tuple[str, ...], emotions: tuple[str, ...] = ("AngryToHappy", "HappyToAngry")
) -> pd.DataFrame:
    rows = [
        (muscle, emotion, group, window, 10, i * 0.1 + window * 0.01, 0.02)
        for muscle in ("corrugator", "zygomaticus")
        for emotion in emotions
        for i, group in enumerate(groups)
        for window in range(1, 6)
    ]
    return pd.DataFrame(rows, columns=["muscle", "emotion", "group", "window", "n", "mean", "sem"])


def test_figure_1_has_a_panel_per_direction_and_a_line_per_muscle_and_group() -> None:
    figure = figures.draw_windows(means(("A", "B", "C")), window_s=1.0)
    panels = [panel for panel in figure.axes if panel.get_title()]
    assert [panel.get_title() for panel in panels] == ["Angry to happy", "Happy to angry"]
    assert [len(panel.containers) for panel in panels] == [6, 6]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["Zygomaticus major", "Corrugator supercilii", "A", "B", "C"]


def test_participants_without_a_group_are_named_last_and_leave_the_colours_alone() -> None:
    figure = figures.draw_windows(means(("", "A", "B")), window_s=1.0)
    assert [text.get_text() for text in figure.legends[0].get_texts()][2:] == ["A", "B", "no group"]
    assert figures.group_colours(["A", "B", ""])["A"] == figures.group_colours(["A", "B"])["A"]
    times = pd.DataFrame({"participant": list("12"), "group": ["", "A"], "emotion": "a", "mean": 2.0})
    titles = [panel.get_title() for panel in figures.draw_response_times(times, unit="s").axes]
    assert titles == ["A", "no group"]


def test_figure_1_draws_the_means_in_the_middle_of_their_windows_with_their_sem() -> None:
    data = means(("",))
    figure = figures.draw_windows(data, window_s=0.5)
    line, _, bars = figure.axes[0].containers[0]
    expected = data.query("muscle == 'zygomaticus' and emotion == 'AngryToHappy'")
    assert line.get_xdata().tolist() == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25])
    assert line.get_ydata().tolist() == pytest.approx(expected["mean"].tolist())
    lengths = [segment[1, 1] - segment[0, 1] for segment in bars[0].get_segments()]
    assert lengths == pytest.approx([0.04] * 5)


def test_three_emotions_and_a_single_participant_can_be_drawn() -> None:
    data = means(("",), ("Angry", "Happy", "Neutral")).assign(sem=np.nan, n=1)
    figure = figures.draw_windows(data, window_s=1.0)
    figure.canvas.draw()
    assert [panel.get_title() for panel in figure.axes[:3]] == ["Angry", "Happy", "Neutral"]


def test_the_right_axis_is_the_left_one_in_percent() -> None:
    assert figures._to_percent(np.log(1.1)) == pytest.approx(110)
    assert figures._to_log(figures._to_percent(-0.2)) == pytest.approx(-0.2)


def test_response_times_show_each_participant_and_the_mean() -> None:
    times = pd.DataFrame(
        {"participant": list("1122"), "group": "", "emotion": ["a", "h"] * 2, "mean": [2.0, 2.2, 3.0, 3.2]}
    )
    panel = figures.draw_response_times(times, unit="s").axes[0]
    people = [line.get_ydata().tolist() for line in panel.lines[:2]]
    assert people == [[2.0, 2.2], [3.0, 3.2]]
    assert panel.containers[0][0].get_ydata().tolist() == pytest.approx([2.5, 2.7])


def test_a_participant_without_one_direction_does_not_stop_the_figure() -> None:
    times = pd.DataFrame(
        {"participant": list("112"), "group": "", "emotion": ["a", "h", "a"], "mean": [2.0, 2.2, 3.0]}
    )
    figures.draw_response_times(times, unit="s").canvas.draw()


def curves(n_participants: int) -> pd.DataFrame:
    times_s = np.arange(-0.45, 5, 0.1)
    tables = [
        pd.DataFrame(
            {"participant": f"{p:03d}", "muscle": muscle, "emotion": "a", "time_s": times_s, "percent": 100.0}
        )
        for p in range(n_participants)
        for muscle in ("corrugator", "zygomaticus")
    ]
    return pd.concat(tables, ignore_index=True).assign(emotion="AngryToHappy", percent=100.0)


@pytest.mark.parametrize(("n_participants", "n_pages"), [(1, 1), (15, 1), (16, 2)])
def test_every_participant_is_on_one_quality_page(n_participants: int, n_pages: int) -> None:
    data = curves(n_participants)
    counts = data.drop_duplicates(["participant", "muscle"]).assign(n_trials=96, n_excluded=9)
    pages = list(quality_figures.draw_participants(data, counts))
    assert len(pages) == n_pages
    names = [text.get_text() for page in pages for text in page.texts if text.get_text().isdigit()]
    assert names == [f"{p:03d}" for p in range(n_participants)]


def test_a_participant_without_a_curve_has_the_same_axes() -> None:
    data = curves(2)
    data.loc[data["participant"] == "001", "percent"] = np.nan
    counts = data.drop_duplicates(["participant", "muscle"]).assign(n_trials=96, n_excluded=9)
    (page,) = quality_figures.draw_participants(data, counts)
    assert len({panel.get_xlim() for panel in page.axes}) == 1


def test_hum_is_told_from_muscle() -> None:
    rng, times_s = np.random.default_rng(1), np.arange(60_000) / 1000
    muscle = rng.normal(0, 5, 60_000)
    settings = {"fs_hz": 1000.0, "band_hz": (20.0, 400.0), "mains_hz": 50.0}
    clean = signal_level(muscle, **settings)  # type: ignore[arg-type]
    humming = signal_level(muscle + 10 * np.sin(2 * np.pi * 50 * times_s), **settings)  # type: ignore[arg-type]
    assert clean.rms_uv == pytest.approx(5 * np.sqrt(380 / 500), rel=0.03)
    assert clean.mains_percent < 2
    assert humming.rms_uv == pytest.approx(clean.rms_uv, rel=0.03)
    assert humming.mains_percent == pytest.approx(100 * 50 / (50 + 19), abs=3)


def test_a_recording_shorter_than_a_stretch_has_no_level() -> None:
    level = signal_level(np.zeros(100), fs_hz=1000.0, band_hz=(20.0, 400.0), mains_hz=50.0)
    assert np.isnan(level.rms_uv)
    gaps = signal_level(np.full(10_000, np.nan), fs_hz=1000.0, band_hz=(20.0, 400.0), mains_hz=50.0)
    assert np.isnan(gaps.mains_percent)
