"""Whole sessions on a virtual clock: the same procedure as with people."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.dataset.rows import EventRow, FlipRow, TrialRow, read_rows
from experiments.display import KeyPress, Watched
from experiments.display.simulated import SimulatedDisplay, VirtualClock
from experiments.mimicry.parameters import SessionParameters, trigger_codes
from experiments.mimicry.plan import Person, SessionPlan, plan_session
from experiments.mimicry.progress import last_run, read_design
from experiments.mimicry.resumption import plan_resumption
from experiments.mimicry.run import Devices, close_into_dataset, run_plan
from experiments.mimicry.simulated import paper_videos, simulated_devices
from experiments.session import SessionStopped
from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers import NoTrigger

SET = {"set": "test", "n_videos": 24}


def plan_of(study: Path, participant: str = "007", **changes) -> SessionPlan:
    settings = {
        "videos": paper_videos(),
        "stimulus_set": SET,
        "parameters": SessionParameters(),
        "rig": RigSettings(),
        "language": "en",
        "person": Person(age=23, sex="F", group="A"),
        "simulated": True,
        "seed": 11,
    } | changes
    return plan_session(study, participant, **settings)


def resumption_of(study: Path, participant: str = "007", **changes) -> SessionPlan:
    settings = {
        "videos": paper_videos(),
        "stimulus_set": SET,
        "rig": RigSettings(),
        "simulated": True,
    } | changes
    return plan_resumption(study, participant, **settings)


class Script:
    """Presses that depend on the number of the video, practice included; pages are turned after a second."""

    def __init__(self, clock: VirtualClock, presses: Callable[[int], list[tuple[str, float]]]) -> None:
        self.clock = clock
        self.n_videos = 0
        self.pages: list[str] = []
        self._of_video = presses
        self._planned: list[KeyPress] = []

    def begin(self, watched: Watched) -> None:
        planned = [("up", 1.0), ("s", 1.5)]
        if watched.duration_s is not None:
            self.n_videos += 1
            planned = self._of_video(self.n_videos)
        self._planned = [KeyPress(key, watched.onset_s + time_s) for key, time_s in planned]

    def presses(self) -> list[KeyPress]:
        due = [press for press in self._planned if press.time_s <= self.clock.now()]
        self._planned = [press for press in self._planned if press.time_s > self.clock.now()]
        return due

    def close(self) -> None:
        pass


def scripted(
    presses: Callable[[int], list[tuple[str, float]]],
    *,
    stall: Callable[[VirtualClock, str], None] | None = None,
):
    @contextmanager
    def devices(plan: SessionPlan) -> Iterator[Devices]:
        clock = VirtualClock(plan.start_s)
        display = SimulatedDisplay(clock, refresh_hz=60.0)
        if stall is not None:
            draw = display.frame

            def frame(index: int) -> None:
                draw(index)
                stall(clock, f"frame {index}")

            display.frame = frame  # type: ignore[method-assign]
        yield Devices(
            display=display,
            keyboard=Script(clock, presses),
            port=NoTrigger(),
            monotonic=clock.now,
            durable=False,
        )

    return devices


def once(number: int) -> list[tuple[str, float]]:
    return [("up", 2.5)]


def rows(study: Path, name: str, kind: type) -> list:
    return read_rows(study / "sourcedata" / "sub-007" / f"{name}.tsv", kind)


def test_a_whole_session_is_the_papers_and_is_quick(tmp_path: Path) -> None:
    study = tmp_path / "study"
    run_plan(plan_of(study, "000", n_trials=4), simulated_devices)  # imports
    began_s = time.process_time()
    assert run_plan(plan_of(study), simulated_devices) is None
    assert time.process_time() - began_s < 4  # 0.7 s on an idle computer
    events, trials = rows(study, "events", EventRow), rows(study, "trials", TrialRow)
    kinds = Counter(event.trial_type for event in events)
    assert kinds["video"] == kinds["fixation"] == kinds["feedback"] == 96
    assert kinds["practice_video"] == 4
    assert kinds["break"] == 1 and kinds["block_start"] == 2
    assert [event.trial_type for event in events[:3]] == [
        "session_start",
        "instructions",
        "practice_fixation",
    ]
    assert events[-1].trial_type == "session_end"
    assert [trial.trial for trial in trials] == [1, 2, 3, 4, *range(1, 97)]
    check_durations(events, trials)
    check_codes(events)
    assert (study / "sub-007" / "emg" / "sub-007_task-mimicry_emg.bdf").is_file()
    beh = (study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.tsv").read_text(encoding="utf-8")
    assert len(beh.splitlines()) == 97
    assert "sub-007\t23\tF\tA" in (study / "participants.tsv").read_text(encoding="utf-8")


def check_durations(events: list[EventRow], trials: list[TrialRow]) -> None:
    """Fixation, video and feedback last what was planned, in whole refreshes, and follow at once."""
    shown = [event for event in events if event.trial_type in ("fixation", "video", "feedback")]
    for event, following in itertools.pairwise(shown):
        if following.trial != event.trial:
            continue
        lasted_s = following.onset - event.onset
        assert event.duration is not None
        assert lasted_s == pytest.approx(event.duration, abs=0.5 / 60 + 1e-6)
        assert lasted_s * 60 == pytest.approx(round(lasted_s * 60), abs=1e-3)
    fixations_s = [trial.fixation_s for trial in trials if not trial.practice]
    assert sum(fixations_s) / 96 == pytest.approx(2.5)
    assert all(event.duration == 5.0 for event in shown if event.trial_type == "video")


def check_codes(events: list[EventRow]) -> None:
    codes = trigger_codes(["AngryToHappy", "HappyToAngry"])
    for event in events:
        expected = codes.get(event.trial_type)
        if event.trial_type == "video":
            expected = codes[f"video_{event.direction}"]
        assert event.value == expected
    assert len(set(codes.values())) == len(codes)
    assert all(1 <= code <= 255 for code in codes.values())


def test_every_flip_is_written(tmp_path: Path) -> None:
    run_plan(plan_of(tmp_path / "study", n_trials=4), simulated_devices)
    every = rows(tmp_path / "study", "frames", FlipRow)
    assert [flip.time for flip in every] == sorted(flip.time for flip in every)
    trials = {
        -trial.trial if trial.practice else trial.trial: trial
        for trial in rows(tmp_path / "study", "trials", TrialRow)
    }
    for number, trial in trials.items():
        parts = Counter(flip.shown for flip in every if flip.trial == number)
        assert parts == {"fixation": round(trial.fixation_s * 60), "video": 300, "feedback": 60}
    flips = [flip for flip in every if flip.shown == "video"]
    assert Counter(flip.trial for flip in flips) == dict.fromkeys([-1, -2, -3, -4, 1, 2, 3, 4], 300)
    first = [flip for flip in flips if flip.trial == 1]
    assert sorted({flip.frame for flip in first}) == list(range(125))
    assert not any(flip.dropped for flip in flips)


def test_the_same_seed_makes_the_same_session(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_plan(plan_of(tmp_path / name, n_trials=8), simulated_devices)
    for table in ("events", "trials", "frames", "timing", "design"):
        one, two = (
            (tmp_path / name / "sourcedata" / "sub-007" / f"{table}.tsv").read_bytes()
            for name in ("one", "two")
        )
        assert one == two


def test_each_answer_gets_its_feedback_on_the_screen(tmp_path: Path) -> None:
    answers = [[("up", 1.0)], [], [("down", 1.0)], [("up", 1.0), ("num_8", 2.0)]]
    texts = ["", "Do not forget to press", "Wrong button (only arrow up)", "Please press only once"]
    seen: list[str] = []

    @contextmanager
    def devices(plan: SessionPlan) -> Iterator[Devices]:
        with scripted(lambda number: answers[number - 1])(plan) as opened:
            display = opened.display
            flip = display.flip

            def noticing(on_flip: Callable[[], None] | None = None):
                flipped = flip(on_flip)
                seen.append(display.shown)
                return flipped

            display.flip = noticing
            yield opened

    plan = plan_of(tmp_path / "study", n_trials=4, parameters=replace(SessionParameters(), n_practice=0))
    run_plan(plan, devices)
    for index, text in enumerate(texts):
        after = "frame 124"
        ends = [i for i in range(len(seen) - 1) if seen[i] == after and seen[i + 1] != after]
        assert seen[ends[index] + 1 : ends[index] + 61] == [text] * 60


def test_presses_count_only_during_the_video_and_not_in_its_last_refresh(tmp_path: Path) -> None:
    times_s = {1: -0.5, 2: 0.0, 3: 4.98, 4: 4.999}
    plan = plan_of(tmp_path / "study", n_trials=4, parameters=replace(SessionParameters(), n_practice=0))
    run_plan(plan, scripted(lambda number: [("up", times_s[number])]))
    outcomes = [trial.outcome for trial in rows(tmp_path / "study", "trials", TrialRow)]
    assert outcomes == ["no_press", "correct", "correct", "no_press"]


def test_a_missed_refresh_skips_frames_and_the_video_ends_on_time(tmp_path: Path) -> None:
    stalled: set[str] = set()

    def stall(clock: VirtualClock, shown: str) -> None:
        if shown in ("frame 20", "frame 60") and shown not in stalled:
            stalled.add(shown)
            clock.advance(0.05)

    plan = plan_of(tmp_path / "study", n_trials=4, parameters=replace(SessionParameters(), n_practice=0))
    run_plan(plan, scripted(once, stall=stall))
    first = rows(tmp_path / "study", "trials", TrialRow)[0]
    assert first.n_dropped_flips == 2
    flips = [flip for flip in rows(tmp_path / "study", "frames", FlipRow) if flip.trial == 1]
    flips = [flip for flip in flips if flip.shown == "video"]
    assert sum(flip.dropped for flip in flips) == 2
    assert len(flips) < 300
    for flip in flips[60:70]:
        assert flip.frame == pytest.approx((flip.time - first.onset) * 25, abs=2.2)
    assert flips[-1].frame == 124
    events = rows(tmp_path / "study", "events", EventRow)
    feedback = next(event for event in events if event.trial_type == "feedback")
    assert feedback.onset - first.onset == pytest.approx(5.0, abs=1e-6)


def test_escape_asks_after_the_trial_saves_and_can_be_resumed(tmp_path: Path) -> None:
    study = tmp_path / "study"
    answer = scripted(lambda number: [("up", 2.0), ("escape", 3.0)] if number == 7 else [("up", 2.0)])
    reason = run_plan(plan_of(study, n_trials=8), answer)
    assert reason is not None and "escape" in reason
    done = rows(study, "trials", TrialRow)
    assert [trial.trial for trial in done if not trial.practice] == [1, 2, 3]
    assert done[-1].outcome == "correct"
    events = rows(study, "events", EventRow)
    assert (events[-1].trial_type, events[-1].value) == ("aborted", 212)
    beh = study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.json"
    assert json.loads(beh.read_text(encoding="utf-8"))["SessionEnd"] == "aborted"

    plan = resumption_of(study)
    assert [trial.trial for trial in plan.trials] == [4, 5, 6, 7, 8]
    assert run_plan(plan, scripted(once)) is None
    again = rows(study, "trials", TrialRow)
    assert [trial.trial for trial in again if not trial.practice] == list(range(1, 9))
    assert [(t.trial, t.video) for t in again] == [(t.trial, t.video) for t in read_design(plan.folder)]
    onsets = [event.onset for event in rows(study, "events", EventRow)]
    assert onsets == sorted(onsets)
    assert json.loads(beh.read_text(encoding="utf-8"))["SessionEnd"] == "finished"
    assert len(beh.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()) == 9
    assert (plan.folder / "before_resumption_1" / "beh").is_dir()
    assert (study / "participants.tsv").read_text(encoding="utf-8").count("sub-007") == 1
    with pytest.raises(ValueError, match="all trials"):
        resumption_of(study)


def test_escape_and_no_goes_on(tmp_path: Path) -> None:
    @contextmanager
    def devices(plan: SessionPlan) -> Iterator[Devices]:
        with scripted(lambda number: [("up", 1.0), ("escape", 2.0)] if number == 2 else [("up", 1.0)])(
            plan
        ) as opened:
            board = opened.keyboard
            begin = board.begin

            def begin_and_decline(watched: Watched) -> None:
                begin(watched)
                board._planned = [KeyPress("n" if p.key == "s" else p.key, p.time_s) for p in board._planned]

            board.begin = begin_and_decline
            yield opened

    assert run_plan(plan_of(tmp_path / "study", n_trials=4), devices) is None
    assert len(rows(tmp_path / "study", "trials", TrialRow)) == 8


def asked(count: list[str], answers: list[list[tuple[str, float]]]):
    """Devices whose participant presses escape in the second video and answers pages as listed, then up."""

    @contextmanager
    def devices(plan: SessionPlan) -> Iterator[Devices]:
        presses = scripted(lambda number: [("up", 1.0), *([("escape", 2.0)] if number == 2 else [])])
        with presses(plan) as opened:
            begin, text = opened.keyboard.begin, opened.display.text

            def answer(watched: Watched) -> None:
                begin(watched)
                if watched.duration_s is None and opened.keyboard.n_videos == 2 and answers:
                    planned = answers.pop(0)
                    opened.keyboard._planned = [KeyPress(k, watched.onset_s + s) for k, s in planned]

            def draw(words: str) -> None:
                if not count or count[-1] != words:
                    count.append(words)
                text(words)

            opened.keyboard.begin, opened.display.text = answer, draw
            yield opened

    return devices


def test_escape_at_the_question_does_not_ask_again(tmp_path: Path) -> None:
    texts: list[str] = []
    plan = plan_of(tmp_path / "study", n_trials=4, parameters=SessionParameters(n_practice=0))
    assert run_plan(plan, asked(texts, [[("escape", 0.5), ("n", 1.0)]])) is None
    assert sum(plan.texts.pages["stop_question"] == text for text in texts) == 1


@pytest.mark.parametrize("how", ["escape", "signal"])
def test_after_the_last_trial_nothing_can_be_stopped(tmp_path: Path, how: str) -> None:
    @contextmanager
    def devices(plan: SessionPlan) -> Iterator[Devices]:
        with scripted(once)(plan) as opened:
            begin, text = opened.keyboard.begin, opened.display.text

            def end(watched: Watched) -> None:
                begin(watched)
                if watched.duration_s is None and opened.keyboard.n_videos == 4:
                    planned = [("escape", 1.0), ("s", 2.0)]
                    opened.keyboard._planned = [KeyPress(k, watched.onset_s + s) for k, s in planned]

            def draw(words: str) -> None:
                text(words)
                if how == "signal" and words == plan.texts.pages["end"]:
                    raise SessionStopped("the system asked the session to end")

            opened.keyboard.begin, opened.display.text = end, draw
            yield opened

    study = tmp_path / "study"
    parameters = SessionParameters(n_practice=0)
    assert run_plan(plan_of(study, n_trials=4, parameters=parameters), devices) is None
    assert rows(study, "events", EventRow)[-1].trial_type == "session_end"


def test_a_trial_is_kept_when_the_session_is_stopped_in_its_feedback(tmp_path: Path) -> None:
    @contextmanager
    def devices(plan: SessionPlan) -> Iterator[Devices]:
        with scripted(lambda number: [])(plan) as opened:
            text = opened.display.text
            drawn: list[str] = []

            def draw(words: str) -> None:
                text(words)
                drawn.append(words)
                if drawn.count(plan.texts.feedback["no_press"]) == 70:
                    raise KeyboardInterrupt

            opened.display.text = draw
            yield opened

    study = tmp_path / "study"
    parameters = SessionParameters(n_practice=0)
    assert run_plan(plan_of(study, n_trials=4, parameters=parameters), devices) is not None
    assert [trial.trial for trial in rows(study, "trials", TrialRow)] == [1, 2]
    assert [trial.trial for trial in resumption_of(study).trials] == [3, 4]


def test_a_trial_that_was_stopped_is_shown_again_and_counts_once(tmp_path: Path) -> None:
    drawn: list[str] = []

    def stop_in_the_third(clock: VirtualClock, shown: str) -> None:
        drawn.append(shown)
        if shown == "frame 60" and drawn.count("frame 0") == 9:
            raise KeyboardInterrupt

    study = tmp_path / "study"
    plan = plan_of(study, n_trials=4, parameters=SessionParameters(n_practice=0))
    assert run_plan(plan, scripted(once, stall=stop_in_the_third)) is not None
    assert run_plan(resumption_of(study), scripted(once)) is None
    videos = [event.trial for event in rows(study, "events", EventRow) if event.trial_type == "video"]
    assert videos == [1, 2, 3, 3, 4]
    table = study / "sub-007" / "beh" / "sub-007_task-mimicry_events.tsv"
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    column = lines[0].index("trial")
    assert [line[column] for line in lines if line[2] == "video"] == ["1", "2", "3", "4"]


def test_a_resumption_that_cannot_begin_changes_nothing(tmp_path: Path) -> None:
    @contextmanager
    def no_line(plan: SessionPlan) -> Iterator[Devices]:
        raise ValueError("no trigger line")
        yield

    study = tmp_path / "study"
    stopped = scripted(lambda number: [("up", 2.0), *([("escape", 3.0)] if number == 6 else [])])
    assert run_plan(plan_of(study, n_trials=4), stopped) is not None
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="no trigger line"):
        run_plan(resumption_of(study), no_line)
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_a_resumed_session_keeps_its_rig_unless_another_is_given(tmp_path: Path) -> None:
    def line(port: str) -> TriggerSettings:
        return TriggerSettings(kind="serial_byte", port=port)

    study = tmp_path / "study"
    rig = RigSettings(triggers=(line("COM4"),), response_keys=("up", "u"))
    stopped = scripted(lambda number: [("u", 2.0), *([("escape", 3.0)] if number == 6 else [])])
    assert run_plan(plan_of(study, n_trials=4, rig=rig), stopped) is not None
    assert resumption_of(study, rig=None).rig == rig
    moved = replace(rig, triggers=(line("COM5"),))
    run_plan(resumption_of(study, rig=moved), scripted(once))
    record = json.loads((study / "sourcedata" / "sub-007" / "session.json").read_text(encoding="utf-8"))
    assert record["rig"]["triggers"][0]["port"] == "COM5"
    assert [earlier["triggers"][0]["port"] for earlier in record["earlier_rigs"]] == ["COM4"]


def test_a_crash_leaves_everything_up_to_it_and_can_be_closed_or_resumed(tmp_path: Path) -> None:
    study = tmp_path / "study"

    def crash(number: int) -> list[tuple[str, float]]:
        if number == 7:
            raise OSError("the graphics card is gone")
        return [("up", 2.0)]

    with pytest.raises(OSError, match="gone"):
        run_plan(plan_of(study, n_trials=8), scripted(crash))
    assert [t.trial for t in rows(study, "trials", TrialRow) if not t.practice] == [1, 2]
    close_into_dataset(study, "007")
    beh = study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.json"
    assert json.loads(beh.read_text(encoding="utf-8"))["SessionEnd"] == "crashed"
    assert run_plan(resumption_of(study), scripted(once)) is None
    assert len(beh.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()) == 9


def test_a_crash_in_practice_repeats_what_is_left_of_it(tmp_path: Path) -> None:
    study = tmp_path / "study"

    def crash(number: int) -> list[tuple[str, float]]:
        if number == 3:
            raise OSError("gone")
        return [("up", 2.0)]

    with pytest.raises(OSError, match="gone"):
        run_plan(plan_of(study, n_trials=4), scripted(crash))
    close_into_dataset(study, "007")  # nothing finished: nothing is put into the dataset
    assert list((study / "sub-007").iterdir()) == []
    left = resumption_of(study).trials
    assert [(trial.practice, trial.trial) for trial in left][:3] == [(True, 3), (True, 4), (False, 1)]


def test_a_session_that_cannot_begin_leaves_the_id_free(tmp_path: Path) -> None:
    @contextmanager
    def no_screen(plan: SessionPlan) -> Iterator[Devices]:
        assert (plan.folder / "session.json").is_file()
        raise ValueError("no refresh")
        yield

    study = tmp_path / "study"
    with pytest.raises(ValueError, match="no refresh"):
        run_plan(plan_of(study), no_screen)
    assert not (study / "sourcedata" / "sub-007").exists()
    assert last_run(study, "007") == 0


def test_nothing_is_written_over(tmp_path: Path) -> None:
    study = tmp_path / "study"
    run_plan(plan_of(study, n_trials=4), simulated_devices)
    with pytest.raises(FileExistsError):
        run_plan(plan_of(study, n_trials=4), simulated_devices)


def test_resuming_needs_the_same_kind_and_the_same_stimuli(tmp_path: Path) -> None:
    study = tmp_path / "study"
    with pytest.raises(FileNotFoundError, match="no session to go on with"):
        resumption_of(study)
    answer = scripted(lambda number: [("up", 2.0), ("escape", 3.0)] if number == 6 else [("up", 2.0)])
    run_plan(plan_of(study, n_trials=4), answer)
    with pytest.raises(ValueError, match="is a simulated one"):
        resumption_of(study, simulated=False)
    with pytest.raises(ValueError, match="other stimuli"):
        resumption_of(study, stimulus_set={"set": "others"})


def test_the_record_says_everything_and_no_names(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "study", n_trials=4)
    run_plan(plan, simulated_devices)
    record = json.loads((plan.folder / "session.json").read_text(encoding="utf-8"))
    assert record["simulated"] is True
    assert record["seed"] == 11
    assert record["parameters"]["longest_run"] == 3
    assert record["display"]["refresh_measured"] is False
    assert record["trigger_codes"]["video_AngryToHappy"] == 11
    assert str(tmp_path) not in json.dumps(record)


def test_a_person_is_checked() -> None:
    with pytest.raises(ValueError, match="F, M or O"):
        Person(sex="female")
    with pytest.raises(ValueError, match="in years"):
        Person(age=-3)


def test_other_sets_have_other_codes() -> None:
    codes = trigger_codes(["SmileToNeutral", "NeutralToSmile"])
    assert (codes["video_NeutralToSmile"], codes["video_SmileToNeutral"]) == (11, 12)
    with pytest.raises(ValueError, match="nine"):
        trigger_codes([f"AToB{number}" for number in range(10)])


@pytest.mark.parametrize(
    "change", [{"n_practice": -1}, {"repetitions": 0}, {"fixation_max_s": 1.0}, {"feedback_s": float("nan")}]
)
def test_parameters_that_cannot_be_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match=r"."):
        SessionParameters(**change)
