"""Real sessions in a real window: keys are really pressed, a trigger line is really read."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.dataset.rows import EventRow, FlipRow, TrialRow, read_rows
from experiments.display.timing import video_frame
from experiments.mimicry.run import close_into_dataset
from stimuli.parameters import MorphParameters
from stimuli.production import make_set
from stimuli.rendered.animation import Course, animate_set
from stimuli.rendered.faceset import FaceSet

pytestmark = pytest.mark.display

SPEC = importlib.util.spec_from_file_location(
    "screens", Path(__file__).resolve().parent.parent / "conftest.py"
)
assert SPEC is not None and SPEC.loader is not None
screens = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(screens)
wait_for_event = screens.wait_for_event

BACKGROUND = 128
DOES: tuple[tuple[str, ...], ...] = (("KP_Up",), (), ("Down",), ("Up", "KP_Up"))
OUTCOMES = ("correct", "no_press", "wrong_key", "repeated_press")


class Line:
    """The recording computer's end of a trigger line: a pseudo-terminal that is read all the time."""

    def __init__(self) -> None:
        import tty

        self._reading, writing = os.openpty()
        tty.setraw(self._reading)
        tty.setraw(writing)
        self.port = os.ttyname(writing)
        self._writing = writing
        self.received = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                received = os.read(self._reading, 1024)
            except OSError:
                return
            if not received or received == b"\xff":
                return
            self.received += received

    def close(self) -> None:
        os.write(self._writing, b"\xff")
        self._reader.join(timeout=5)
        os.close(self._reading)
        os.close(self._writing)


def write_rig(path: Path, line: Line | None = None) -> Path:
    lines = ["[monitor]", f"size_px = {list(screens.SCREEN_PX)}", "fullscreen = true", "refresh_hz = 60.0"]
    if line is not None:
        lines += ["[trigger]", 'kind = "serial_byte"', f'port = "{line.port}"', 'pulse = "next_flip"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_all_four_answers_get_their_feedback_and_every_code_arrives(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    answer_in_all_four_ways(screen, start, stimulus_set, tmp_path, n_frames=25)


@pytest.mark.slow
def test_all_four_answers_to_videos_of_real_faces(screen, start, shared: Path, tmp_path: Path) -> None:
    faces = shared / "data" / "london_faces"
    rows = ["identity\tsex\tneutral\thappy"]
    for identity, sex in (("002", "female"), ("045", "male")):
        photographs = (f"{faces}/neutral_front/{identity}_03.jpg", f"{faces}/smiling_front/{identity}_08.jpg")
        rows.append("\t".join([f"london{identity}", sex, *photographs]))
    table = tmp_path / "pairs.tsv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    make_set(table, tmp_path / "london", parameters=MorphParameters(), workers=2)
    answer_in_all_four_ways(screen, start, tmp_path / "london", tmp_path, n_frames=125)


def answer_in_all_four_ways(screen, start, stimulus_set: Path, tmp_path: Path, *, n_frames: int) -> None:
    line = Line()
    study, folder = tmp_path / "study", tmp_path / "study" / "sourcedata" / "sub-007"
    rig = write_rig(tmp_path / "rig.toml", line)
    options = ["--stimuli", stimulus_set, "--trials", 4, "--practice", 0, "--rig", rig, "--seed", 3, "--json"]
    process = start(study, "--participant", "007", *options, "--allow-unmeasured-refresh")
    wait_for_event(process, folder, "instructions")
    time.sleep(0.5)
    Image.fromarray(screen.screenshot()).save(tmp_path / "instructions.png")
    screen.press("Up")
    pictures = []
    for trial, keys in enumerate(DOES, start=1):
        if trial == 3:
            wait_for_event(process, folder, "break")
            time.sleep(0.5)
            Image.fromarray(screen.screenshot()).save(tmp_path / "break.png")
            screen.press("space")
        wait_for_event(process, folder, "video", trial)
        for key in keys:
            time.sleep(0.25)
            screen.press(key)
        feedback = wait_for_event(process, folder, "feedback", trial)
        assert feedback.outcome == OUTCOMES[trial - 1]
        time.sleep(0.4)
        pictures.append(screen.screenshot())
        Image.fromarray(pictures[-1]).save(tmp_path / f"feedback_{OUTCOMES[trial - 1]}.png")
    wait_for_event(process, folder, "session_end")
    time.sleep(0.3)
    screen.press("Up")
    output, messages = process.communicate(timeout=60)
    line.close()
    assert process.returncode == 0, messages
    assert json.loads(output.splitlines()[-1])["outcomes"] == dict.fromkeys(OUTCOMES, 1)
    check_screens(pictures)
    check_files(study, folder, line, n_frames=n_frames)


def check_screens(pictures: list[np.ndarray]) -> None:
    """The feedback of a correct trial is blank, the others have a text each."""
    inked = [(picture != BACKGROUND).any(axis=2) for picture in pictures]
    blank, *texts = inked
    assert not blank.any()
    for text in texts:
        assert 500 < text.sum() < 20_000
        rows, columns = np.nonzero(text)
        assert abs(columns.mean() - screens.SCREEN_PX[0] / 2) < 30
        assert abs(rows.mean() - screens.SCREEN_PX[1] / 2) < 30
    assert all((one != other).any() for one, other in [(texts[0], texts[1]), (texts[1], texts[2])])


def check_files(study: Path, folder: Path, line: Line, *, n_frames: int) -> None:
    events = read_rows(folder / "events.tsv", EventRow)
    sent = [event.value for event in events if event.value is not None]
    assert [code for code in line.received if code] == sent
    assert sent.count(21) == 4
    # every pulse ends before the next code, or is replaced by it; the line is left at zero
    assert line.received[-1] == 0
    trials = read_rows(folder / "trials.tsv", TrialRow)
    assert [trial.outcome for trial in trials] == list(OUTCOMES)
    assert [trial.response_count for trial in trials] == [1, 0, 1, 2]
    assert [trial.response_key for trial in trials] == ["num_8", None, "down", "up"]
    for trial in trials:
        if trial.response_time is not None:
            assert 0.2 < trial.response_time < 0.7
    flips = read_rows(folder / "frames.tsv", FlipRow)
    for trial in trials:
        shown = [flip for flip in flips if flip.trial == trial.trial and flip.shown == "video"]
        assert shown[0].frame == 0
        assert shown[0].time == trial.onset
        # a flip's own refresh is one before the one at which the following flip was expected
        refreshes = [round((flip.predicted - shown[1].predicted) * 60) for flip in shown[1:]]
        for flip, refresh in zip(shown, refreshes, strict=False):
            assert flip.dropped or flip.frame == video_frame(
                refresh, fps=25, refresh_hz=60, n_frames=n_frames
            )
    record = json.loads((folder / "session.json").read_text(encoding="utf-8"))
    assert record["display"]["paced_by_software"] is True
    assert record["simulated"] is False
    assert (study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.tsv").is_file()
    onsets = {(event.trial_type, event.trial): event.onset for event in events}
    for trial in trials:
        lasted_s = onsets["feedback", trial.trial] - onsets["video", trial.trial]
        assert lasted_s == pytest.approx(n_frames / 25, abs=0.1)


@pytest.mark.slow
def test_a_killed_session_keeps_its_rows_and_goes_on_until_escape(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    study, folder = tmp_path / "study", tmp_path / "study" / "sourcedata" / "sub-007"
    options = ["--stimuli", stimulus_set, "--rig", write_rig(tmp_path / "rig.toml")]
    options += ["--allow-unmeasured-refresh"]
    process = start(study, "--participant", "007", "--trials", 4, "--practice", 0, "--seed", 3, *options)
    wait_for_event(process, folder, "instructions")
    time.sleep(0.3)
    screen.press("Up")
    wait_for_event(process, folder, "video", 1)
    time.sleep(0.3)
    screen.press("Up")
    wait_for_event(process, folder, "video", 2)
    time.sleep(0.3)
    process.kill()
    process.wait(timeout=20)
    assert [trial.trial for trial in read_rows(folder / "trials.tsv", TrialRow)] == [1]
    assert read_rows(folder / "events.tsv", EventRow)[-1].trial_type == "video"
    assert not list((study / "sub-007").rglob("*.tsv"))  # listed, and nothing in the dataset yet
    recovered = shutil.copytree(study, tmp_path / "recovered")
    close_into_dataset(recovered, "007")
    beh = recovered / "sub-007" / "beh" / "sub-007_task-mimicry_beh.tsv"
    assert len(beh.read_text(encoding="utf-8").splitlines()) == 2

    again = start(study, "--participant", "007", *options, display="")
    _, messages = again.communicate(timeout=60)
    assert again.returncode == 2
    assert "--resume" in messages and "--new-run" in messages

    process = start(study, "--participant", "007", "--resume", "--json", *options)
    wait_for_event(process, folder, "instructions", 2)
    time.sleep(0.3)
    screen.press("Return")
    wait_for_event(process, folder, "video", 3)
    time.sleep(0.2)
    screen.press("Escape")
    wait_for_event(process, folder, "feedback", 2)
    time.sleep(1.6)
    question = screen.screenshot()
    Image.fromarray(question).save(tmp_path / "question.png")
    screen.press("s")
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    assert "--resume" in output
    assert json.loads(output.splitlines()[-1])["finished"] is False
    assert (question != BACKGROUND).any()
    events = read_rows(folder / "events.tsv", EventRow)
    assert events[-1].trial_type == "aborted"
    assert [event.onset for event in events] == sorted(event.onset for event in events)
    assert [trial.trial for trial in read_rows(folder / "trials.tsv", TrialRow)] == [1, 2]
    assert (study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.tsv").is_file()


def test_a_simulated_participant_in_a_real_window_and_a_request_to_end(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    study, folder = tmp_path / "study", tmp_path / "study" / "sourcedata" / "sub-1"
    options = ["--stimuli", stimulus_set, "--trials", 4, "--practice", 0, "--simulate-keys"]
    process = start(study, "--participant", "1", *options, "--allow-unmeasured-refresh")
    wait_for_event(process, folder, "fixation", 2)
    process.terminate()
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 1, messages
    assert "SIGTERM" in output
    assert [row.trial for row in read_rows(folder / "trials.tsv", TrialRow)] == [1]
    assert read_rows(folder / "events.tsv", EventRow)[-1].trial_type == "aborted"
    assert (study / "sub-1" / "emg" / "sub-1_task-mimicry_emg.bdf").is_file()
    assert json.loads((folder / "session.json").read_text(encoding="utf-8"))["simulated"] is True


def test_a_screen_without_refresh_is_refused_and_the_id_stays_free(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    process = start(tmp_path / "study", "--participant", "007", "--stimuli", stimulus_set)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "error: the refresh of this screen cannot be measured" in messages
    assert "--allow-unmeasured-refresh" in messages
    assert not (tmp_path / "study" / "sourcedata" / "sub-007").exists()


def test_a_screen_that_is_not_there_is_refused(screen, start, stimulus_set: Path, tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text("[monitor]\nscreen = 3\n", encoding="utf-8")
    process = start(tmp_path / "study", "--participant", "007", "--stimuli", stimulus_set, "--rig", rig)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "there is no screen 3" in messages


def test_a_display_that_is_not_there_is_told(screen, start, stimulus_set: Path, tmp_path: Path) -> None:
    options = ["--participant", "007", "--stimuli", stimulus_set]
    process = start(tmp_path / "study", *options, display=":4711")
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error: no window can be opened" in messages and "Traceback" not in messages
    assert not (tmp_path / "study" / "sourcedata" / "sub-007").exists()


def test_a_video_that_breaks_during_a_session_costs_no_finished_trial(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    study, folder = tmp_path / "study", tmp_path / "study" / "sourcedata" / "sub-007"
    options = ["--stimuli", stimulus_set, "--trials", 4, "--practice", 0, "--allow-unmeasured-refresh"]
    process = start(study, "--participant", "007", *options)
    wait_for_event(process, folder, "instructions")
    time.sleep(0.5)
    screen.press("Up")
    wait_for_event(process, folder, "video", 1)
    for path in stimulus_set.glob("*.mp4"):
        path.write_bytes(b"no video any more")
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "not a readable video" in messages and "--resume" in messages
    assert [trial.trial for trial in read_rows(folder / "trials.tsv", TrialRow)] == [1]
    kinds = [event.trial_type for event in read_rows(folder / "events.tsv", EventRow)]
    assert kinds[-2:] == ["feedback", "fixation"]


PIXELS = """
import sys
from pathlib import Path
import numpy as np
from experiments.display.window import WindowDisplay
from experiments.session import SessionClock
from stimuli.manifest import read_manifest
from stimuli.video import decode

clock = SessionClock()
display = WindowDisplay(
    size_px=(int(sys.argv[2]), int(sys.argv[3])), fullscreen=False, screen=0, now=clock.now,
    background_rgb=(128, 128, 128), text_rgb=(255, 255, 255), expected_hz=None, unmeasured_hz=60.0,
)
display.rehearse(["A text that must leave no trace"])
for video in read_manifest(Path(sys.argv[1])):
    frames = decode(video.path)
    display.prepare(video)
    while not display.film_ready():
        display.cross()
        display.flip()
    left, bottom, width, height = display._textures.rectangle_px()
    for index, frame in enumerate(frames):
        display.frame(index)
        drawn = display.pixels()
        top = drawn.shape[0] - bottom - height
        shown = drawn[top : top + height, left : left + width]
        assert np.array_equal(shown, frame), (video.video, index)
        drawn = drawn.copy()
        drawn[top : top + height, left : left + width] = 128
        assert (drawn == 128).all(), (video.video, index)
        display.flip()
display.close()
display.close()
print("EXACT")
"""


INTERRUPTED = """
from experiments.display.window import WindowDisplay
from experiments.session import SessionClock

display = WindowDisplay(
    size_px=(320, 240), fullscreen=False, screen=0, now=SessionClock().now, background_rgb=(128, 128, 128),
    text_rgb=(255, 255, 255), expected_hz=None, unmeasured_hz=60.0,
)
sent = []
swap = display._window.backend.swapBuffers

def interrupted(*arguments, **options):
    raise KeyboardInterrupt

display._window.backend.swapBuffers = interrupted
try:
    display.flip(lambda: sent.append("video"))
except KeyboardInterrupt:
    display._window.backend.swapBuffers = swap
display.flip(lambda: sent.append("aborted"))
display.flip()
display.close()
print(*sent)
"""


def test_a_code_of_an_interrupted_flip_is_not_sent_later(screen, tmp_path: Path) -> None:
    environment = {**os.environ, "DISPLAY": screen.name, "HOME": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        cwd=screens.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert shown.stdout.strip().splitlines()[-1:] == ["aborted"], shown.stderr


def test_every_frame_reaches_the_screen_pixel_by_pixel(screen, stimulus_set: Path, tmp_path: Path) -> None:
    assert shows_exactly(screen, stimulus_set, tmp_path)


def test_every_frame_of_a_3d_animation_reaches_the_screen(screen, tmp_path: Path) -> None:
    faces, course = FaceSet(identities=1), Course(onset_s=0.2)
    animate_set(tmp_path / "set", faces, first="happy", second="angry", course=course, progress_bar=False)
    assert shows_exactly(screen, tmp_path / "set", tmp_path, window_px=(641, 820))


def shows_exactly(screen, folder: Path, home: Path, *, window_px: tuple[int, int] = (321, 240)) -> bool:
    """Show a set on the screen and compare what is drawn with what its files hold."""
    environment = {**os.environ, "DISPLAY": screen.name, "HOME": str(home)}
    shown = subprocess.run(
        [sys.executable, "-c", PIXELS, str(folder), *map(str, window_px)],
        cwd=screens.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip().endswith("EXACT")
