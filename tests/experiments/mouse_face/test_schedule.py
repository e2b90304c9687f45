"""Schedule files: what is wrong is told with file and line; what is missing is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.mouse_face.schedule import (
    READY,
    ScheduleError,
    list_schedules,
    missing_values,
    parse_values,
    read_schedule,
    sources,
    with_liquids,
)

GOOD = """\
title: Two tastants
repeats: 3
lead_in_s: 60
lead_out_s: 30
intervals: {kind: uniform, least_s: 20, most_s: 40}
stimuli:
  sucrose:
    channel: valve1
    intensity: 20
    unit: "% w/v"
    volume_ul: 4
    duration_s: 2
  neutral:
    channel: none
    duration_s: 2
"""


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_without_sources_and_order_is_enough(tmp_path: Path) -> None:
    schedule = read_schedule(written(tmp_path, GOOD))
    assert schedule.name == "mine"
    assert schedule.order.kind == "random_blocks"
    assert [stimulus.label for stimulus in schedule.stimuli] == ["sucrose", "neutral"]
    assert schedule.stimuli[0].liquid == "sucrose 20 % w/v"
    assert schedule.warnings == ()
    assert sources(schedule)["source"].tolist() == [""] * len(sources(schedule))


# each: what is replaced, by what, the line named, words of the message
WRONG = [
    ("duration_s: 2\n  neutral", "duraton_s: 2\n  neutral", 12, "did you mean 'duration_s'?"),
    ("duration_s: 2\n  neutral", "duration_s: 2,5\n  neutral", 12, "decimals have a point: 2.5"),
    ("duration_s: 2\n  neutral", "duration_s: 2 s\n  neutral", 12, "write the number alone, in the unit"),
    ("duration_s: 2\n  neutral", 'duration_s: "2"\n  neutral', 12, "without quotes"),
    ("duration_s: 2\n  neutral", "duration_s: -2\n  neutral", 12, "at least 0.001, not -2"),
    ("duration_s: 2\n  neutral", "duration_s:\n  neutral", 12, "has no value"),
    ("duration_s: 2\n  neutral", "duration_s: [2, 3]\n  neutral", 12, "is one number, not a list of 2"),
    (
        "duration_s: 2\n  neutral",
        "duration_s: 2\n    duration_s: 3\n  neutral",
        13,
        "stands here and in line 12",
    ),
    ("repeats: 3", "repeats: 2.5", 2, "repeats is a whole number, not 2.5"),
    ("repeats: 3", "repeats: 0", 2, "at least 1"),
    ("repeats: 3\n", "", 1, "repeats is missing"),
    ("repeats: 3", "repeats: 1e400", 2, "too large for a number"),
    ("lead_in_s: 60", "lead_in_s: 3:00", 3, "write the number alone"),
    ("title: Two tastants", 'title: ""', 1, "expected a text, found nothing in quotes"),
    ("repeats: 3", "repeats: 3\norder: [random_blocks]", 3, "expected a text, found a list"),
    (
        "kind: uniform, least_s: 20, most_s: 40",
        "kind: list, intervals_s: [60, 70]",
        5,
        "has 5 intervals between",
    ),
    ("repeats: 3", "repeats: nan", 2, "expected a number, found 'nan'"),
    ("repeats: 3", "repeats: {value: 3, sourc: x}", 2, "{value: ..., source: ...}"),
    ("title: Two tastants", "title:", 1, "title has no value"),
    ("channel: valve1", "channel: valve5", 8, "there is no channel 'valve5'"),
    ("channel: valve1", "channel: laser", 8, "channel: none, laser: true"),
    ("    channel: none\n", "", 13, "channel is missing: valve"),
    ("volume_ul: 4", "volume_ul: 4000", 11, "at most 100, not 4000"),
    ("    volume_ul: 4\n", "", 7, "volume_ul is missing"),
    ("volume_ul: 4", "volume_ul: 4\n    pulse_ms: 30", 12, "the calibration of the valve"),
    ("volume_ul: 4", "volume_ul: 4\n    current_ma: 1", 12, "no meaning with channel valve1"),
    ('    unit: "% w/v"\n', "", 7, "unit is missing"),
    ("intensity: 20", "intensity: [1, 20]", 8, "2 strengths and one valve"),
    ("intensity: 20", "intensity: [1, 1]", 9, "the same value twice"),
    ("volume_ul: 4", "volume_ul: 4\n    n_pulses: 3", 7, "period_ms is missing"),
    ("volume_ul: 4", "volume_ul: 4\n    period_ms: 3", 12, "a single pulse has no period_ms"),
    ("volume_ul: 4", "volume_ul: 4\n    n_pulses: 9\n    period_ms: 500", 14, "lasts 4 s, longer than"),
    ("    channel: none\n", "    channel: none\n    laser: true\n", 1, "the part 'laser' is missing"),
    ("    channel: none\n", "    channel: none\n    laser: maybe\n", 15, "true or false"),
    ("repeats: 3", "repeats: 3\norder: random_block", 3, "did you mean 'random_blocks'?"),
    ("repeats: 3", "repeats: 3\norder: {kind: fixed, longest_run: 2}", 3, "no meaning with the order fixed"),
    ("repeats: 3", "order: {kind: fixed, sequence: [sucrse]}", 2, "did you mean 'sucrose'?"),
    (
        "repeats: 3",
        "repeats: 3\norder: {kind: fixed, sequence: [sucrose]}",
        2,
        "no meaning beside order.sequence",
    ),
    ("repeats: 3", "repeats: 3\norder: {kind: latin_square, animals: [m1, m1]}", 3, "m1 2 times"),
    ("kind: uniform", "kind: unifrm", 5, "did you mean 'uniform'?"),
    ("least_s: 20", "least_s: 50", 5, "least_s (50) is longer than most_s (40)"),
    (
        "kind: uniform",
        "kind: exponential, mean_s: 35",
        5,
        "between least_s (20) and the middle (30), not at 35",
    ),
    ("kind: uniform", "kind: fixed, interval_s: 3", 5, "there is no setting 'intervals.least_s'"),
    ("intervals:", "interval:", 5, "did you mean 'intervals'?"),
    ("intervals: {kind: uniform, least_s: 20, most_s: 40}", "intervals: 30", 5, "needs settings below it"),
    ("  neutral:\n    channel: none\n    duration_s: 2\n", "  neutral:\n", 13, "needs settings below it"),
    ("  neutral:", "  my neutral:", 13, "letters, digits and _ only"),
    (
        "  neutral:\n    channel: none",
        "  water:\n    channel: valve1\n    volume_ul: 4",
        13,
        "cannot hold sucrose",
    ),
    ("lead_in_s: 60", "\tlead_in_s: 60", 3, "a tab stands here"),
    ('unit: "% w/v"', "unit: % w/v", 10, "texts with a % stand in quotes"),
    ("title: Two tastants", "title: Two: tastants", 1, "texts with a colon stand in quotes"),
    ("    intensity: 20", "   intensity: 20", 9, "indentation"),
    ("repeats: 3", "repeats: 3\nlaser: {pulse_ms: 5, frequency_hz: 20}", 3, "no stimulus has laser: true"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"), WRONG, ids=[new.strip()[:40] for _, new, _, _ in WRONG]
)
def test_what_is_wrong_is_told_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(ScheduleError) as caught:
        read_schedule(written(tmp_path, GOOD.replace(old, new, 1)))
    lines = str(caught.value).splitlines()
    assert any(one.startswith(f"mine.yaml, line {line}: ") and words in one for one in lines), str(
        caught.value
    )


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("repeats: 3", "repeats: x").replace("volume_ul: 4", "volume_ul: -4")
    with pytest.raises(ScheduleError) as caught:
        read_schedule(written(tmp_path, text))
    assert [problem.line for problem in caught.value.problems] == [2, 11]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "just words", "42"])
def test_a_file_without_settings_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScheduleError, match="line 1: expected settings"):
        read_schedule(written(tmp_path, text))


def test_a_file_in_another_encoding_is_refused_and_a_mark_of_windows_is_not(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe" + GOOD.encode("utf-16-le"))
    with pytest.raises(ValueError, match="UTF-8"):
        read_schedule(path)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_schedule(path).title == "Two tastants"


def test_an_unknown_name_is_refused_with_the_one_meant(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="did you mean 'tastants'"):
        read_schedule("tastant")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        read_schedule(tmp_path)
    assert read_schedule("tastants.yaml").name == "tastants"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_file_ends_in_anything_but_a_message(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = data.draw(st.sampled_from(sorted(path.name for path in READY.glob("*.yaml"))))
    text = (READY / name).read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text) - 1))
    stop = min(len(text), start + data.draw(st.integers(0, 12)))
    bits = [
        "",
        ":",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "\t",
        "\n",
        "  ",
        "x",
        "0",
        "-1",
        "'",
        '"',
        "#",
        "&a ",
        "*a",
        "!!x ",
    ]
    text = text[:start] + data.draw(st.sampled_from(bits)) + text[stop:]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_text(text, encoding="utf-8")
    try:
        read_schedule(path)
    except ScheduleError as error:
        assert all(f"{name}, line " in line for line in str(error).splitlines())


# --- valves and liquids


def test_a_liquid_comes_from_the_valve_that_holds_it() -> None:
    tastants = read_schedule("tastants")
    assert [stimulus.channel for stimulus in tastants.stimuli] == ["valve1", "valve2", ""]
    held = {
        "valve1": "water",
        "valve2": "Sucrose 20% w/v",
        "valve3": "quinine 10 mM",
        "valve4": "quinine 10 mM",
    }
    assert [stimulus.channel for stimulus in with_liquids(tastants, held).stimuli] == ["valve2", "valve3", ""]


def test_a_liquid_in_no_valve_is_refused_with_what_the_valves_hold() -> None:
    with pytest.raises(ValueError) as caught:
        with_liquids(read_schedule("salt"), {"valve1": "salt 75 mM", "valve2": "water"})
    assert "salt 500 mM is in no valve. The rig file says: valve1 salt 75 mM, valve2 water" in str(
        caught.value
    )


def test_a_valve_that_the_schedule_names_must_hold_its_liquid(tmp_path: Path) -> None:
    schedule = read_schedule(written(tmp_path, GOOD))
    assert with_liquids(schedule, {"valve1": "sucrose 20 % w/v"}) == schedule
    with pytest.raises(ValueError, match=r"sucrose 20 % w/v is not in valve1"):
        with_liquids(schedule, {"valve1": "water", "valve2": "sucrose 20 % w/v"})


def test_liquids_without_a_valve_take_those_that_are_free(tmp_path: Path) -> None:
    text = GOOD + "  salt: {channel: valve, intensity: [75, 500], unit: mM, volume_ul: 4, duration_s: 2}\n"
    channels = [stimulus.channel for stimulus in read_schedule(written(tmp_path, text)).stimuli]
    assert channels == ["valve1", "", "valve2", "valve3"]
    more = "  acid: {channel: valve, intensity: [1, 2], unit: mM, volume_ul: 4, duration_s: 2}\n"
    with pytest.raises(ScheduleError, match=r"line 17: there are more liquids than valves: acid 2 mM"):
        read_schedule(written(tmp_path, text + more))


# --- values that only the user can give


def test_a_shock_schedule_refuses_without_currents_and_names_the_lines() -> None:
    with pytest.raises(ScheduleError) as caught:
        read_schedule("tail_shocks")
    text = (READY / "tail_shocks.yaml").read_text(encoding="utf-8").splitlines()
    assert len(caught.value.problems) == 2
    for problem, setting in zip(caught.value.problems, ("current_ma", "pulse_ms"), strict=True):
        assert text[problem.line - 1].strip().startswith(f"{setting}: {{required:")
        assert "must be given by you" in problem.message
        assert f"--set tail_shock.{setting}=" in problem.message


def test_given_values_go_into_the_kept_text_and_say_where_they_came_from(tmp_path: Path) -> None:
    values = parse_values(["tail_shock.current_ma=[0.1, 0.2]", "pulse_ms=300"])
    schedule = read_schedule("tail_shocks", values=values)
    assert [stimulus.current_ma for stimulus in schedule.stimuli][:2] == [0.1, 0.2]
    again = read_schedule(written(tmp_path, schedule.text, "tail_shocks.yaml"))
    assert (again.stimuli, again.order, again.intervals) == (
        schedule.stimuli,
        schedule.order,
        schedule.intervals,
    )
    found = sources(again).set_index("setting")["source"]
    assert found["stimuli.tail_shock.current_ma"] == "given for this session"
    assert found["stimuli.tail_shock.pulse_ms"] == "given for this session"


def test_given_values_replace_any_setting_and_leave_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("  neutral", "# a comment\n  neutral"))
    schedule = read_schedule(
        path, values={"repeats": "5", "sucrose.duration_s": "3", "intervals.kind": "uniform"}
    )
    assert schedule.repeats == 5
    assert schedule.stimuli[0].duration_s == 3
    assert "# a comment" in schedule.text
    assert path.read_text(encoding="utf-8") == GOOD.replace("  neutral", "# a comment\n  neutral")


def test_a_list_in_lines_of_its_own_is_replaced_whole(tmp_path: Path) -> None:
    text = GOOD.replace("title: Two tastants", "title: x\nbefore:\n  - one\n  - two\n\n# kept")
    schedule = read_schedule(written(tmp_path, text), values={"before": "[three]"})
    assert schedule.before == ("three",)
    assert "# kept" in schedule.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tail_shok.current_ma": "1"}, "did you mean 'tail_shock.current_ma'"),
        ({"duration_s": "1"}, "which of stimuli.tail_shock.duration_s, stimuli.neutral.duration_s?"),
        ({"pulse_ms": "500 }"}, "expected a number, a word, or a list"),
        ({"pulse_ms": "500, source: paper"}, "expected a number, a word, or a list"),
        ({"pulse_ms": "5 # 00"}, "expected a number, a word, or a list"),
        ({"pulse_ms": "[1"}, "expected a number, a word, or a list"),
        ({"pulse_ms": "500", "current_ma": "300"}, "at most 3, not 300"),
        ({"pulse_ms": "500", "current_ma": "0"}, "at least 0.001, not 0"),
        ({"pulse_ms": "5000", "current_ma": "0.1"}, "the delivery lasts 5 s, longer than duration_s: 2"),
    ],
)
def test_given_values_that_cannot_be_are_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_schedule("tail_shocks", values=values)
    assert words in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(value=st.text(alphabet="0123456789.,-e[]{}:#\"' \t\nxy&*!", min_size=1, max_size=12))
def test_a_given_value_changes_its_setting_or_is_refused(value: str) -> None:
    given_values = {"tail_shock.current_ma": value, "tail_shock.pulse_ms": "500"}
    try:
        schedule = read_schedule("tail_shocks", values=given_values)
    except ValueError:
        return
    plain = read_schedule("tail_shocks", values=given_values | {"tail_shock.current_ma": "0.1"})
    assert (schedule.order, schedule.intervals, schedule.repeats) == (
        plain.order,
        plain.intervals,
        plain.repeats,
    )
    assert schedule.stimuli[-1] == plain.stimuli[-1]
    assert all(0.001 <= stimulus.current_ma <= 3 for stimulus in schedule.stimuli[:-1])
    assert {stimulus.pulse_ms for stimulus in schedule.stimuli[:-1]} == {500}


@pytest.mark.parametrize("setting", ["x", "=3", "x=", " = "])
def test_a_setting_without_name_or_value_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="expected a name and a value"):
        parse_values([setting])


def test_the_same_setting_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        parse_values(["a=1", "a=2"])


def test_the_list_of_ready_schedules_says_what_each_needs() -> None:
    table = list_schedules().set_index("name")
    assert table.loc["tail_shocks", "needs"] == "tail_shock.current_ma, tail_shock.pulse_ms"
    assert table.loc["tastants", "needs"] == ""
    assert missing_values("lithium")["setting"].tolist() == ["lithium.intensity"]


def test_warnings_name_what_a_careful_experimenter_would_ask(tmp_path: Path) -> None:
    text = GOOD.replace("repeats: 3", "repeats: 3\norder: paper_blocked").replace("least_s: 20", "least_s: 5")
    text += "  water: {channel: valve2, volume_ul: 4, duration_s: 2}\n"
    schedule = read_schedule(written(tmp_path, text))
    assert [warning.split(":")[0] for warning in schedule.warnings] == [
        "intervals as short as 5 s",
        "paper_blocked",
        "all animals get the same order",
    ]


def test_an_order_that_cannot_be_is_told_with_its_line(tmp_path: Path) -> None:
    text = GOOD.replace("repeats: 3", "repeats: 3\norder: {longest_run: 1}")
    text = text[: text.index("  neutral")]
    with pytest.raises(ScheduleError, match=r"mine\.yaml, line 3: no order has at most 1 in succession"):
        read_schedule(written(tmp_path, text))


def test_light_that_outlasts_its_stimulus_is_refused(tmp_path: Path) -> None:
    light = "laser: {pulse_ms: 5, frequency_hz: 20, duration_s: 3, power_mw: 1, wavelength_nm: 473}\n"
    text = light + GOOD.replace("channel: valve1", "channel: valve1\n    laser: true")
    with pytest.raises(
        ScheduleError, match=r"line 1: the light lasts 3 s, longer than duration_s of sucrose: 2"
    ):
        read_schedule(written(tmp_path, text))
    assert read_schedule(written(tmp_path, text.replace("duration_s: 3", "duration_s: 2"))).laser is not None


def test_a_wrong_channel_is_the_only_thing_told_of_a_stimulus(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError) as caught:
        read_schedule(written(tmp_path, GOOD.replace("valve1", "Valve1")))
    assert [problem.line for problem in caught.value.problems] == [8]
