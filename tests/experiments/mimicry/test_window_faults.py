"""What may happen to a real window, a real trigger line and a real dialog while a session runs."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import killed_sessions as kills
import numpy as np
import pytest
from PIL import Image
from running_session import wait_for_event
from trigger_line import TriggerListener
from virtual_screen import SCREEN_PX, VirtualScreen

from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.mimicry.progress import read_design, read_progress

pytestmark = pytest.mark.display


SHORT = ("--trials", 4, "--practice", 0, "--simulate-keys", "--allow-unmeasured-refresh", "--seed", 3)


def write_rig(path: Path, line: TriggerListener) -> Path:
    path.write_text(
        f"[monitor]\nsize_px = {list(SCREEN_PX)}\nrefresh_hz = 60.0\n[trigger]\n"
        f'kind = "serial_byte"\nport = "{line.port}"\npulse = "next_flip"\n',
        encoding="utf-8",
    )
    return path


def session_window(screen: VirtualScreen):
    """Find the session's window: the largest that is shown."""
    from Xlib import X, display

    server = display.Display(screen.name)
    shown = [
        window
        for window in server.screen().root.query_tree().children
        if window.get_attributes().map_state == X.IsViewable
    ]
    return server, max(shown, key=lambda window: window.get_geometry().width)


def close_by_window_manager(screen: VirtualScreen) -> None:
    """Ask the window to close, as the cross in its title bar does."""
    from Xlib import X
    from Xlib.protocol import event

    server, window = session_window(screen)
    protocols, delete = server.intern_atom("WM_PROTOCOLS"), server.intern_atom("WM_DELETE_WINDOW")
    window.send_event(
        event.ClientMessage(window=window, client_type=protocols, data=(32, [delete, X.CurrentTime, 0, 0, 0]))
    )
    server.sync()
    server.close()


def kill_client(screen: VirtualScreen) -> None:
    """Cut the session's connection to the screen, as xkill or the end of the X server does."""
    server, window = session_window(screen)
    window.kill_client()
    server.sync()
    server.close()


def check_and_go_on(start, study: Path, options: tuple, messages: str, *, told: bool = True) -> None:
    """At most the running trial is missing; the next start says which follows, and --resume finishes."""
    folder = study / "sourcedata" / "sub-1"
    assert kills.check_killed(study, "1") in ("in a trial", "between trials")
    progress = read_progress(study, "1", 1)
    if told:
        assert "Traceback" not in messages, messages
        assert f"next is {progress.next_trial}" in messages and "--resume" in messages
    assert kills.errors_of(study) == []
    again = start(study, "--participant", "1", *options, "--json")
    _, offered = again.communicate(timeout=60)
    assert again.returncode == 2
    assert f"next is {progress.next_trial}" in offered and "--resume" in offered and "--new-run" in offered
    resumed = start(study, "--participant", "1", *options, "--resume")
    _, messages = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, messages
    design = [(trial.practice, trial.trial, trial.video) for trial in read_design(folder)]
    trials = read_rows(folder / "trials.tsv", TrialRow)
    assert [(row.practice, row.trial, row.video) for row in trials] == design
    assert kills.errors_of(study) == []


def test_closing_the_window_asks_whether_to_stop(screen, start, stimulus_set: Path, tmp_path: Path) -> None:
    study, options = tmp_path / "study", ("--stimuli", stimulus_set, *SHORT)
    process = start(study, "--participant", "1", *options)
    wait_for_event(process, study / "sourcedata" / "sub-1", "video", 2)
    close_by_window_manager(screen)
    wait_for_event(process, study / "sourcedata" / "sub-1", "feedback", 2)
    time.sleep(1.6)
    Image.fromarray(screen.screenshot()).save(tmp_path / "question.png")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)  # the simulated participant does not answer the question
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 1, (output, messages)
    check_and_go_on(start, study, options, output + messages)


@pytest.mark.slow
def test_a_screen_that_goes_away_costs_the_running_trial_only(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    study, options = tmp_path / "study", ("--stimuli", stimulus_set, *SHORT)
    process = start(study, "--participant", "1", *options)
    wait_for_event(process, study / "sourcedata" / "sub-1", "video", 2)
    kill_client(screen)
    output, messages = process.communicate(timeout=60)
    print(process.returncode, output, messages)
    assert process.returncode != 0, (output, messages)
    check_and_go_on(start, study, options, output + messages, told=False)


def test_an_unplugged_trigger_device_costs_the_running_trial_only(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    line = TriggerListener()
    rig = write_rig(tmp_path / "rig.toml", line)
    study, options = tmp_path / "study", ("--stimuli", stimulus_set, *SHORT)
    process = start(study, "--participant", "1", *options, "--rig", rig)
    wait_for_event(process, study / "sourcedata" / "sub-1", "video", 2)
    line.close()
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 1, (output, messages)
    assert "is the cable plugged in" in messages
    plugged = TriggerListener()
    rig = write_rig(tmp_path / "rig2.toml", plugged)
    check_and_go_on(start, study, (*options, "--rig", rig), output + messages)
    events = read_rows(study / "sourcedata" / "sub-1" / "events.tsv", EventRow)
    second = [i for i, event in enumerate(events) if event.trial_type == "session_start"][1]
    plugged.close()
    assert [code for code in plugged.received if code] == [
        event.value for event in events[second:] if event.value
    ]


def wait_for_dialog(screen: VirtualScreen, process: subprocess.Popen[str], empty: np.ndarray) -> np.ndarray:
    end_s = time.monotonic() + 60
    while (screen.screenshot() == empty).all():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end_s, "no dialog was shown"
        time.sleep(0.2)
    time.sleep(1.0)
    return screen.screenshot()


@pytest.mark.slow
def test_on_a_screen_the_next_start_after_a_kill_asks_in_a_dialog(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    study, options = tmp_path / "study", ("--stimuli", stimulus_set, *SHORT)
    process = start(study, "--participant", "1", *options)
    wait_for_event(process, study / "sourcedata" / "sub-1", "video", 2)
    process.kill()
    process.communicate()
    assert kills.check_killed(study, "1") in ("in a trial", "between trials")
    assert kills.errors_of(study) == []
    before, empty = kills.files(study), screen.screenshot()
    asked = start(study, "--participant", "1", *options)
    Image.fromarray(wait_for_dialog(screen, asked, empty)).save(tmp_path / "offer.png")
    screen.press("Escape")
    _, messages = asked.communicate(timeout=60)
    assert asked.returncode == 1 and "nothing was begun" in messages
    assert kills.files(study) == before
    unable = start(study, "--participant", "1", *options, variables={"QT_QPA_PLATFORM": "nonexistent"})
    _, messages = unable.communicate(timeout=60)
    assert unable.returncode == 2
    assert "--resume" in messages and "--new-run" in messages and "libxcb-cursor0" in messages
    asked = start(study, "--participant", "1", *options)
    wait_for_dialog(screen, asked, empty)
    screen.press("Return")
    _, messages = asked.communicate(timeout=120)
    assert asked.returncode == 0, messages
    trials = read_rows(study / "sourcedata" / "sub-1" / "trials.tsv", TrialRow)
    assert [row.trial for row in trials] == [1, 2, 3, 4]
    kills.check_finished(study, "1")
    assert kills.errors_of(study) == []


def kill_in_window(start, study: Path, participant: str, options: tuple, after_s: float) -> str:
    """Kill a session in a real window so long after it began, finish it, and say where it was."""
    process = start(study, "--participant", participant, *options)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=after_s)
    process.kill()
    process.communicate()
    state = kills.check_killed(study, participant)
    if state == "after it was closed":
        return state
    options = (*options, "--resume") if state != "before it began" else options
    if state == "after the last trial":
        options = ("--close",)
    resumed = start(study, "--participant", participant, *options)
    _, messages = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, messages
    kills.check_finished(study, participant)
    return state


def duration_s(start, study: Path, options: tuple) -> float:
    """Measure how long a session takes, from its start to its end."""
    began_s = time.monotonic()
    whole = start(study, "--participant", "whole", *options)
    _, messages = whole.communicate(timeout=300)
    assert whole.returncode == 0, messages
    return time.monotonic() - began_s


@pytest.mark.slow
def test_ten_sessions_in_a_window_that_are_killed_go_on(
    screen, start, stimulus_set: Path, tmp_path: Path, capsys
) -> None:
    study, options = tmp_path / "study", ("--stimuli", stimulus_set, *SHORT[:2], *SHORT[4:], "--practice", 1)
    length_s, rng = duration_s(start, study, options), np.random.default_rng(1)
    where: Counter[str] = Counter()
    for number in range(1, 11):
        after_s = float(rng.uniform(0, length_s))
        where[kill_in_window(start, study, f"{number:02}", options, after_s)] += 1
    assert kills.errors_of(study) == []
    kills.analyse(study, tmp_path / "report")
    with capsys.disabled():
        print(f"\nkilled 10 sessions of 4 trials and practice in a real window, each {length_s:.0f} s long")
        for state, count in sorted(where.items()):
            print(f"  {count:3}  {state}")
