"""The table of trials: what each schedule keeps for every seed, what orders and intervals promise."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from itertools import chain, groupby, pairwise, permutations

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.mouse_face.schedule import (
    READY,
    Schedule,
    expand,
    missing_values,
    read_schedule,
    timeline_text,
    totals,
)
from experiments.mouse_face.schedule_parts import Intervals, Order, Stimulus
from experiments.mouse_face.trial_order import (
    animal_place,
    draw_intervals_s,
    draw_trials,
    exponential_scale_s,
)
from experiments.mouse_face.trial_table import COLUMNS, with_valve_times

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


def plain(label: str, name: str = "", per_block: int = 1) -> Stimulus:
    return Stimulus(
        label=label, name=name or label, event=label, channel="", duration_s=2.0, per_block=per_block
    )


def drawn_labels(order: Order, labels: str, repeats: int, animal: str = "m01", seed: int = 1) -> list[str]:
    trials = draw_trials(
        [plain(label) for label in labels],
        order,
        repeats=repeats,
        animal=animal,
        rng=np.random.default_rng(seed),
    )
    return ["".join(stimulus.label for stimulus in block) for block in trials]


# --- every ready schedule, 100 seeds


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_gives_a_session_that_keeps_its_schedule(name: str) -> None:
    schedule = ready(name)
    first = expand(schedule, seed=0, animal="m01")
    counts = Counter(map(key_of, first.to_dict("records")))
    for seed in range(100):
        table = expand(schedule, seed=seed, animal=f"m{seed % 9 + 1:02}")
        rows = table.to_dict("records")
        assert table.columns.tolist() == list(COLUMNS)
        assert [row["trial"] for row in rows] == list(range(1, len(first) + 1))
        assert Counter(map(key_of, rows)) == counts
        came: Counter[tuple] = Counter()
        for row in rows:
            came[key_of(row)] += 1
            assert row["repeat"] == came[key_of(row)]
        check_times(rows, schedule)
        check_deliveries(rows)
        check_blocks(rows, schedule)
        found = totals(table)
        end_s = rows[-1]["onset_s"] + rows[-1]["duration_s"]
        assert found["duration_s"] == pytest.approx(end_s + schedule.lead_out_s)
        assert found["volume_ul"] == pytest.approx(sum(found["volume_ul_by_channel"].values()))
        assert found["volume_ul"] == pytest.approx(sum(found["volume_ul_by_liquid"].values()))


def key_of(row: dict) -> tuple:
    return row["stimulus"], str(row["intensity"]), row["laser"]


def check_times(rows: list[dict], schedule: Schedule) -> None:
    assert rows[0]["interval_s"] == schedule.lead_in_s
    end_s = 0.0
    for row in rows:
        assert row["onset_s"] - end_s == pytest.approx(row["interval_s"], abs=1e-6)
        assert row["onset_s"] == round(row["onset_s"], 3)
        end_s = row["onset_s"] + row["duration_s"]
    assert all(60 <= row["interval_s"] <= 120 for row in rows[1:])


def check_deliveries(rows: list[dict]) -> None:
    liquids: dict[str, tuple] = {}
    set_ma = math.nan
    for row in rows:
        valve, shock = row["channel"].startswith("valve"), row["channel"] == "shock"
        assert (row["volume_ul"] > 0) == valve
        assert math.isnan(row["pulse_ms"]) == (not shock)
        assert math.isnan(row["current_ma"]) == (not shock)
        assert row["n_pulses"] == (1 if row["channel"] else 0)
        assert (row["laser_n_pulses"] > 0) == row["laser"] == (row["laser_channel"] == "laser")
        acts = bool(row["channel"] or row["laser"] or row["by_hand"])
        assert acts == (row["stimulus"] != "neutral")
        if valve:
            assert liquids.setdefault(row["channel"], key_of(row)[:2]) == key_of(row)[:2]
        if row["preparation"]:
            set_ma = float(row["preparation"].split()[-2])
        if shock:
            assert set_ma == row["current_ma"] == row["intensity"]


def check_blocks(rows: list[dict], schedule: Schedule) -> None:
    order = schedule.order
    if order.kind != "random_blocks":
        return
    for _, block in groupby(rows, key=lambda row: row["block"]):
        keys = [key_of(row) for row in block]
        assert len(keys) == len(set(keys)) == len(schedule.stimuli)
    runs_of = [key_of(row) if order.runs_of == "level" else row["stimulus"] for row in rows]
    assert max(len(list(run)) for _, run in groupby(runs_of)) <= (order.longest_run or math.inf)


def test_the_same_seed_and_animal_give_the_same_table_and_others_do_not() -> None:
    schedule = ready("tastants")
    table = expand(schedule, seed=7, animal="m01")
    pd.testing.assert_frame_equal(table, expand(schedule, seed=7, animal="m01"))
    assert not table["onset_s"].equals(expand(schedule, seed=8, animal="m01")["onset_s"])
    assert not table["onset_s"].equals(expand(schedule, seed=7, animal="m02")["onset_s"])


def test_a_table_is_the_same_on_every_computer_and_in_every_version() -> None:
    table = expand(ready("tastants"), seed=2020, animal="m01")
    assert " ".join(table["stimulus"]) == (
        "sucrose neutral quinine neutral quinine sucrose quinine sucrose neutral"
    )
    assert table["onset_s"].tolist() == [
        180.0,
        245.511,
        315.85,
        410.544,
        479.158,
        572.946,
        666.214,
        757.084,
        830.123,
    ]


# --- any schedule


def stimulus_record(number: int, kind: str, n_levels: int, laser: bool) -> dict:
    record: dict = {"duration_s": 2, "laser": laser}
    levels = [float(level + 1) for level in range(n_levels)]
    if kind == "valve":
        return record | {"channel": f"valve{number + 1}", "intensity": 5, "unit": "mM", "volume_ul": 4}
    if kind == "shock":
        return record | {"channel": "shock", "current_ma": [level / 10 for level in levels], "pulse_ms": 100}
    if kind == "aux":
        return record | {"channel": "aux", "pulse_ms": 10, "n_pulses": 3, "period_ms": 50}
    return record | {"channel": "none", "intensity": levels, "unit": "x", "by_hand": "clap"}


@st.composite
def schedule_records(draw: st.DrawFn) -> dict:
    kinds = draw(st.lists(st.sampled_from(["valve", "shock", "aux", "none"]), min_size=1, max_size=4))
    lasers = draw(st.lists(st.booleans(), min_size=len(kinds), max_size=len(kinds)))
    n_levels = draw(st.integers(1, 3))
    least_s = draw(st.integers(0, 100))
    intervals: dict = {"least_s": least_s, "most_s": least_s + 10}
    order = draw(st.sampled_from(["random_blocks", "random", "latin_square", "fixed", "paper_blocked"]))
    record = {
        "title": "any",
        "repeats": draw(st.integers(1, 4)),
        "lead_in_s": draw(st.floats(0, 500).map(lambda value: round(value, 3))),
        "lead_out_s": draw(st.integers(0, 500)),
        "order": order,
        "intervals": draw(
            st.sampled_from(
                [intervals | {"kind": "uniform"}, intervals | {"kind": "exponential", "mean_s": least_s + 4}]
            )
        ),
        "stimuli": {
            f"s{number}": stimulus_record(number, kind, n_levels, laser)
            for number, (kind, laser) in enumerate(zip(kinds, lasers, strict=True))
        },
    }
    if any(lasers):
        record["laser"] = {
            "pulse_ms": 5,
            "frequency_hz": 20,
            "duration_s": 1,
            "power_mw": 3,
            "wavelength_nm": 473,
        }
    return record


@settings(max_examples=80, deadline=None)
@given(record=schedule_records(), seed=st.integers(0, 2**63), animal=st.integers(1, 99))
def test_any_schedule_gives_each_stimulus_as_often_as_it_says(
    record: dict, seed: int, animal: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.yaml"
    path.write_text(yaml.safe_dump(record, sort_keys=False), encoding="utf-8")
    schedule = read_schedule(path)
    table = expand(schedule, seed=seed, animal=f"m{animal}")
    rows = table.to_dict("records")
    assert len(rows) == record["repeats"] * len(schedule.stimuli)
    counts = Counter((row["stimulus"], str(row["intensity"])) for row in rows)
    assert set(counts.values()) == {record["repeats"]}
    assert rows[0]["onset_s"] == record["lead_in_s"]
    for row, after in pairwise(rows):
        pause_s = after["onset_s"] - row["onset_s"] - row["duration_s"]
        assert record["intervals"]["least_s"] - 1e-6 <= pause_s <= record["intervals"]["most_s"] + 1e-6
    path.write_text(schedule.text, encoding="utf-8")
    pd.testing.assert_frame_equal(table, expand(read_schedule(path), seed=seed, animal=f"m{animal}"))
    assert totals(table)["n_shocks"] == sum(row["channel"] == "shock" for row in rows)
    assert timeline_text(table).count("\n") >= len(rows)


# --- orders


def test_random_blocks_are_the_default_and_reach_every_order_equally() -> None:
    drawn = Counter(
        tuple(drawn_labels(Order(kind="random_blocks"), "ABC", 1, seed=seed)) for seed in range(1200)
    )
    assert {order[0] for order in drawn} == {"".join(order) for order in permutations("ABC")}
    assert stats.chisquare(list(drawn.values())).pvalue > 0.001


def test_a_limit_of_runs_counts_strengths_of_one_stimulus_together() -> None:
    stimuli = [plain("weak", "shock"), plain("strong", "shock"), plain("neutral")]
    order = Order(kind="random_blocks", longest_run=2, runs_of="stimulus")
    for seed in range(50):
        trials = draw_trials(stimuli, order, repeats=4, animal="m1", rng=np.random.default_rng(seed))
        names = [stimulus.name for stimulus in chain.from_iterable(trials)]
        assert max(len(list(run)) for _, run in groupby(names)) <= 2
        assert all(
            Counter(one.label for one in block) == Counter(["weak", "strong", "neutral"]) for block in trials
        )


@settings(max_examples=60, deadline=None)
@given(
    n_stimuli=st.integers(2, 5),
    repeats=st.integers(1, 5),
    longest_run=st.integers(1, 3),
    seed=st.integers(0, 10**9),
)
def test_all_trials_in_random_order_keep_their_numbers_and_runs(
    n_stimuli: int, repeats: int, longest_run: int, seed: int
) -> None:
    labels = "ABCDE"[:n_stimuli]
    order = Order(kind="random", longest_run=longest_run)
    (drawn,) = drawn_labels(order, labels, repeats, seed=seed)
    assert Counter(drawn) == dict.fromkeys(labels, repeats)
    assert max(len(list(run)) for _, run in groupby(drawn)) <= longest_run


def test_a_limit_that_no_order_keeps_is_refused() -> None:
    with pytest.raises(ValueError, match="allow longer runs, or add something that comes between"):
        drawn_labels(Order(kind="random_blocks", longest_run=1), "A", 3)


def test_too_many_orders_to_count_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="use the order random_blocks"):
        drawn_labels(Order(kind="random", longest_run=2), "ABCDEFGHIJ", 30)
    assert len(drawn_labels(Order(kind="random_blocks", longest_run=2), "ABCDEFGHIJ", 30)) == 30


def test_a_latin_square_balances_places_and_followers_across_animals() -> None:
    order = Order(kind="latin_square")
    blocks = [drawn_labels(order, "ABCD", 1, animal=f"m{animal}")[0] for animal in range(1, 5)]
    for place in range(4):
        assert sorted(block[place] for block in blocks) == list("ABCD")
    pairs = Counter(pair for block in blocks for pair in pairwise(block))
    assert len(pairs) == 12
    assert set(pairs.values()) == {1}
    three = drawn_labels(order, "ABCD", 3, animal="m1")
    assert three == blocks[:3]


def test_fixed_orders_are_as_written_and_differ_between_animals_where_asked() -> None:
    assert drawn_labels(Order(kind="fixed"), "AB", 2) == ["AB", "AB"]
    assert drawn_labels(Order(kind="fixed", sequence=("B", "A", "A")), "AB", 1) == ["BAA"]
    reverse = Order(kind="fixed", sequence=("B", "A", "A"), across_animals="reverse")
    assert [drawn_labels(reverse, "AB", 1, animal=animal)[0] for animal in ("m1", "m2", "m3")] == [
        "BAA",
        "AAB",
        "BAA",
    ]


def test_paper_blocked_keeps_the_repeats_of_a_stimulus_together() -> None:
    assert drawn_labels(Order(kind="paper_blocked"), "ABC", 3) == ["AAA", "BBB", "CCC"]
    rotate = Order(kind="paper_blocked", across_animals="rotate", animals=("x", "y", "z"))
    assert drawn_labels(rotate, "ABC", 2, animal="y") == ["BB", "CC", "AA"]


@pytest.mark.parametrize("animal", ["Anton", "m00", ""])
def test_an_animal_without_a_place_is_refused_where_the_place_counts(animal: str) -> None:
    with pytest.raises(ValueError, match="list the animals"):
        drawn_labels(Order(kind="latin_square"), "AB", 1, animal=animal)
    with pytest.raises(ValueError, match="add it at the end"):
        animal_place(animal, ["Berta"])
    assert drawn_labels(Order(kind="random_blocks"), "AB", 1, animal=animal)


# --- intervals


def test_uniform_intervals_are_uniform() -> None:
    rule = Intervals(kind="uniform", least_s=60, most_s=120)
    drawn = draw_intervals_s(rule, 2000, rng=np.random.default_rng(3))
    assert stats.kstest(drawn, stats.uniform(60, 60).cdf).pvalue > 0.001


def test_truncated_exponential_intervals_have_their_mean_and_limits() -> None:
    rule = Intervals(kind="exponential", least_s=30, most_s=180, mean_s=60)
    drawn = np.array(draw_intervals_s(rule, 4000, rng=np.random.default_rng(3)))
    assert drawn.min() >= 30
    assert drawn.max() <= 180
    assert drawn.mean() == pytest.approx(60, abs=4 * drawn.std() / math.sqrt(4000))
    scale_s = exponential_scale_s(least_s=30, most_s=180, mean_s=60)
    truncated = stats.truncexpon(150 / scale_s, loc=30, scale=scale_s)
    assert truncated.mean() == pytest.approx(60, abs=1e-6)
    assert stats.kstest(drawn, truncated.cdf).pvalue > 0.001


@settings(max_examples=200, deadline=None)
@given(
    least_s=st.floats(0, 1000),
    width_s=st.floats(0.1, 10_000),
    share=st.floats(0.001, 0.499),
)
def test_the_scale_of_truncated_intervals_is_found(least_s: float, width_s: float, share: float) -> None:
    mean_s = least_s + share * width_s
    scale_s = exponential_scale_s(least_s=least_s, most_s=least_s + width_s, mean_s=mean_s)
    assert stats.truncexpon(width_s / scale_s, scale=scale_s).mean() == pytest.approx(
        share * width_s, rel=1e-3, abs=1e-6
    )


def test_fixed_and_listed_intervals_are_as_written() -> None:
    rng = np.random.default_rng(1)
    assert draw_intervals_s(Intervals(kind="fixed", values_s=(120,)), 3, rng=rng) == [120, 120, 120]
    listed = Intervals(kind="list", values_s=(70.0, 90, 60, 110))
    assert draw_intervals_s(listed, 4, rng=rng) == [70, 90, 60, 110]
    with pytest.raises(ValueError, match="3 intervals between its 4 trials"):
        draw_intervals_s(listed, 3, rng=rng)
    dealt = draw_intervals_s(dataclasses.replace(listed, shuffled=True), 8, rng=rng)
    assert Counter(dealt) == {70: 2, 90: 2, 60: 2, 110: 2}


# --- edges


def test_one_trial_is_a_session(tmp_path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(
        "title: one\nrepeats: 1\nlead_in_s: 0\nlead_out_s: 0\nintervals: {kind: fixed, interval_s: 60}\n"
        "stimuli:\n  puff: {channel: aux, pulse_ms: 50, n_pulses: 3, period_ms: 100, duration_s: 1}\n",
        encoding="utf-8",
    )
    table = expand(read_schedule(path), seed=1, animal="m1")
    assert table[["onset_s", "pulse_ms", "n_pulses", "period_ms"]].iloc[0].tolist() == [0, 50, 3, 100]
    assert totals(table)["duration_s"] == 1


def test_valve_times_are_filled_in_per_pulse() -> None:
    table = expand(ready("tastants"), seed=1, animal="m01")
    table.loc[table["channel"] == "valve1", ["n_pulses", "period_ms"]] = [2, 500]
    asked = set()

    def open_ms(channel: str, volume_ul: float) -> float:
        asked.add((channel, volume_ul))
        return 10 * volume_ul

    filled = with_valve_times(table, open_ms)
    assert asked == {("valve1", 2.0), ("valve2", 4.0)}
    assert filled.loc[filled["channel"] == "valve1", "pulse_ms"].unique().tolist() == [20]
    assert filled.loc[filled["channel"] == "", "pulse_ms"].isna().all()
    assert table["pulse_ms"].isna().all()
    with pytest.raises(ValueError, match=r"would open for 800.0 ms every 500 ms"):
        with_valve_times(table, lambda channel, volume_ul: 400 * volume_ul)
