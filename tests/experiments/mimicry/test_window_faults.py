"""What may happen to a real window, a real trigger line and a real dialog while a session runs."""

from __future__ import annotations

import importlib.util
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.mimicry.progress import read_design, read_progress

pytestmark = pytest.mark.display


def _module(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).resolve().parent
screens = _module("screens", HERE.parent / "conftest.py")
kills = _module("kills", HERE / "test_kill.py")
windows = _module("windows", HERE / "test_window.py")
wait_for_event = screens.wait_for_event

SHORT = ("--trials", 4, "--practice", 0, "--simulate-keys", "--allow-unmeasured-refresh", "--seed", 3)


def session_window(screen: screens.VirtualScreen):
    """Find the session's window: the largest that is shown."""
    from Xlib import X, display

    server = display.Display(screen.name)
    shown = [
        window
        for window in server.screen().root.query_tree().children
        if window.get_attributes().map_state == X.IsViewable
    ]
    return server, max(shown, key=lambda window: window.get_geometry().width)


def close_by_window_manager(screen: screens.VirtualScreen) -> None:
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


def kill_client(screen: screens.VirtualScreen) -> None:
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
    line = windows.Line()
    rig = windows.write_rig(tmp_path / "rig.toml", line)
    study, options = tmp_path / "study", ("--stimuli", stimulus_set, *SHORT)
    process = start(study, "--participant", "1", *options, "--rig", rig)
    wait_for_event(process, study / "sourcedata" / "sub-1", "video", 2)
    line.close()
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 1, (output, messages)
    assert "is the cable plugged in" in messages
    plugged = windows.Line()
    rig = windows.write_rig(tmp_path / "rig2.toml", plugged)
    check_and_go_on(start, study, (*options, "--rig", rig), output + messages)
    events = read_rows(study / "sourcedata" / "sub-1" / "events.tsv", EventRow)
    second = [i for i, event in enumerate(events) if event.trial_type == "session_start"][1]
    plugged.close()
    assert [code for code in plugged.received if code] == [
        event.value for event in events[second:] if event.value
    ]
