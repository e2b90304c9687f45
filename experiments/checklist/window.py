"""The checklist in a window that follows the files while the day goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QFont, QGuiApplication
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from experiments.allocation.times import duration_words, now_here
from experiments.checklist.day import Step
from experiments.checklist.facts import read_facts
from experiments.checklist.states import Shown, ShownStep, show
from experiments.checklist.texts import Texts
from experiments.checklist.ticks import tick

REFRESH_MS = 1000
CLOCK_PT, WORDS_PT, STEP_PT, SMALL_PT = 44, 17, 15, 12
SIZE_PX = (900, 1000)

_CLOCK_COLOURS = {
    "none": ("#e6e8eb", "#30363d"),
    "early": ("#cfe3fa", "#0b3a6f"),
    "soon": ("#fbe7b2", "#5c3d00"),
    "in_window": ("#c9efd0", "#0d4d1d"),
    "right": ("#c9efd0", "#0d4d1d"),
    "late": ("#f9cfcb", "#7d1009"),
    "wrong": ("#f9cfcb", "#7d1009"),
}
"""What the clock says -> colours of ground and letters. The words say the same."""
_STEP_COLOURS = {
    "done": ("#f4f8f5", "#4b5a50"),
    "begun": ("#fbe7b2", "#3a2a00"),
    "next": ("#cfe3fa", "#0b2545"),
    "waiting": ("#e3e6ea", "#23282e"),
    "late": ("#f9cfcb", "#5d0b06"),
    "missed": ("#f9cfcb", "#5d0b06"),
    "open": ("#ffffff", "#23282e"),
}
_MARKS = {"done": "✓", "begun": "…", "next": "▶", "waiting": "◷", "late": "!", "missed": "!", "open": "○"}
_PLUGINS = "QT_QPA_PLATFORM_PLUGIN_PATH"
_TRY = "from PyQt6.QtWidgets import QApplication; QApplication(['try'])"


def run_window(
    study: Path,
    participant: str,
    *,
    steps: Sequence[Step],
    texts: Texts,
    by: str,
    stimuli: Path | None = None,
    rig: Path | None = None,
) -> None:
    """Show the window until it is closed; its parameters are those of `ChecklistWindow`.

    Raises
    ------
    RuntimeError
        If no window can be shown; the message says what to do.
    """
    _forget_foreign_plugins()
    _check_screen()
    application = QApplication(["countenance"])
    application.setStyle("Fusion")
    window = ChecklistWindow(study, participant, steps=steps, texts=texts, by=by, stimuli=stimuli, rig=rig)
    signal.signal(signal.SIGINT, lambda *_: window.close())
    window.show()
    application.exec()


class ChecklistWindow(QWidget):
    """The window.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    steps : sequence of Step
        The day.
    texts : Texts
        The language.
    by : str
        Who ticks steps.
    stimuli, rig : Path or None
        Videos and rig file, for the command of the task.
    """

    def __init__(
        self,
        study: Path,
        participant: str,
        *,
        steps: Sequence[Step],
        texts: Texts,
        by: str,
        stimuli: Path | None = None,
        rig: Path | None = None,
    ) -> None:
        super().__init__()
        self.texts = texts
        self._read = lambda: show(
            read_facts(study, participant, now_here()), steps, texts, now_here(), stimuli=stimuli, rig=rig
        )
        self._tick = lambda step, done: tick(study, participant, step, done=done, by=by, now=now_here())
        self.shown: Shown = self._read()
        self.rows: dict[str, StepRow] = {}
        self._build()
        self._draw()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(REFRESH_MS)

    def refresh(self) -> None:
        """Read the files again and show what they say; where they cannot be read, say so and go on."""
        try:
            self.shown = self._read()
        except (OSError, ValueError) as error:
            self.problems.setText(str(error))
            self.problems.setVisible(True)
            return
        self._draw()

    def set_done(self, step: str, done: bool) -> None:
        """Write down that a step is done, or is not; where that cannot be written, say so."""
        try:
            self._tick(step, done)
        except (OSError, ValueError) as error:
            self.problems.setText(str(error))
            self.problems.setVisible(True)
            return
        self.refresh()

    def _build(self) -> None:
        self.setWindowTitle(self.shown.title)
        self.setStyleSheet("ChecklistWindow { background: #ffffff; }")
        self.resize(*SIZE_PX)
        screen = self.screen()
        if screen is not None:
            self.resize(self.size().boundedTo(screen.availableSize() * 0.95))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._clock_band())
        self.problems = _label(SMALL_PT, bold=True)
        self.problems.setWordWrap(True)
        self.problems.setStyleSheet("background: #7d1009; color: #ffffff; padding: 8px 24px;")
        column.addWidget(self.problems)
        column.addWidget(self._list(), 1)
        self.footer = _label(SMALL_PT)
        self.footer.setStyleSheet("color: #57606a; padding: 6px 24px;")
        column.addWidget(self.footer)

    def _clock_band(self) -> QFrame:
        self.band = QFrame()
        inside = QVBoxLayout(self.band)
        inside.setContentsMargins(24, 14, 24, 14)
        self.person = _label(WORDS_PT, bold=True)
        self.clock = _label(CLOCK_PT, bold=True)
        self.words = _label(WORDS_PT, bold=True)
        self.words.setWordWrap(True)
        for label in (self.person, self.clock, self.words):
            inside.addWidget(label)
        return self.band

    def _list(self) -> QScrollArea:
        content = QWidget()
        content.setObjectName("steps")
        content.setStyleSheet("#steps { background: #ffffff; }")
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 10, 16, 10)
        column.setSpacing(4)
        for step in self.shown.steps:
            self._add_row(step, column)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(content)
        return self.area

    def _add_row(self, step: ShownStep, column: QVBoxLayout) -> None:
        row = StepRow(step, self.texts, self.set_done)
        self.rows[step.id] = row
        column.addWidget(row)

    def _draw(self) -> None:
        shown = self.shown
        if [step.id for step in shown.steps] != list(self.rows):
            self._rebuild()
        ground, letters = _CLOCK_COLOURS[shown.clock.kind]
        self.band.setStyleSheet(f"QFrame {{ background: {ground}; }} QLabel {{ color: {letters}; }}")
        simulated = f"   {self.texts.window['SIMULATED']}" if shown.simulated else ""
        self.person.setText(shown.title + simulated)
        minutes = shown.clock.minutes
        known = minutes is not None and minutes >= 0
        self.clock.setVisible(known)
        if minutes is not None and known:
            self.clock.setText(f"{duration_words(minutes)} {self.texts.clock['title']}")
        self.words.setText(shown.clock.words)
        self.problems.setVisible(bool(shown.problems))
        self.problems.setText("\n".join(shown.problems))
        for step in shown.steps:
            self.rows[step.id].draw(step, is_next=step.id == shown.next_step)
        done = f"{self.texts.window['all_done']}  " if shown.next_step is None else ""
        self.footer.setText(done + self.texts.window["read_at"].format(time=f"{now_here():%H:%M:%S}"))

    def _rebuild(self) -> None:
        """Make the rows anew when steps have appeared: the allocation was made while the window is open."""
        content = self.area.takeWidget()
        if content is not None:
            content.deleteLater()
        self.rows.clear()
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        former = self.area
        layout.replaceWidget(former, self._list())
        former.deleteLater()


class StepRow(QFrame):
    """One step: a mark, what it is, how it stands, and a button where it can be ticked."""

    def __init__(self, step: ShownStep, texts: Texts, set_done: Callable[[str, bool], None]) -> None:
        super().__init__()
        self._texts = texts
        self._done = step.state == "done"
        self.mark = _label(STEP_PT + 4, bold=True)
        self.mark.setFixedWidth(34)
        self.name = _label(STEP_PT, bold=True)
        self.word = _label(STEP_PT, bold=True)
        self.detail = _label(SMALL_PT)
        self.button = QPushButton()
        self.button.setFont(_font(SMALL_PT))
        self.button.setVisible(step.can_tick)
        self.button.clicked.connect(lambda: set_done(step.id, not self._done))
        self._typed = ""
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setFont(_font(SMALL_PT - 1))
        self.copy = QPushButton(texts.window["copy_button"])
        self.copy.setFont(_font(SMALL_PT))
        self.copy.clicked.connect(self._copy)
        self._arrange()

    def draw(self, step: ShownStep, *, is_next: bool) -> None:
        """Show how the step stands now."""
        ground, letters = _STEP_COLOURS[step.state]
        self.setStyleSheet(
            f"StepRow {{ background: {ground}; border: 1px solid #d0d7de; border-radius: 6px; }} "
            f"QLabel {{ color: {letters}; }}"
        )
        self._done = step.state == "done"
        self.mark.setText(_MARKS[step.state])
        self.name.setText(step.label)
        self.word.setText("" if step.state in ("done", "open") else step.word)
        self.detail.setText(step.detail)
        self.button.setText(self._texts.window["undo_button" if self._done else "done_button"])
        shows_command = is_next and step.command is not None
        written = f"{step.command}..." if (step.command or "").endswith(" ") else step.command
        if shows_command and self.command.text() != written:
            self._typed = step.command or ""
            self.command.setText(written)
            self.command.setCursorPosition(0)
        for widget in (self.command, self.copy):
            widget.setVisible(shows_command)

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.addWidget(self.mark)
        line.addWidget(self.name)
        line.addStretch(1)
        for widget in (self.detail, self.word, self.button):
            line.addWidget(widget)
        below = QHBoxLayout()
        below.addSpacing(40)
        below.addWidget(self.command, 1)
        below.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 5, 12, 5)
        column.addLayout(line)
        column.addLayout(below)

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self._typed)
        self.copy.setText(self._texts.window["copied"])
        QTimer.singleShot(1500, lambda: self.copy.setText(self._texts.window["copy_button"]))


def _label(size_pt: int, *, bold: bool = False) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setFont(_font(size_pt, bold=bold))
    return label


def _font(size_pt: int, *, bold: bool = False) -> QFont:
    font = QFont()
    font.setPointSize(size_pt)
    font.setBold(bold)
    return font


def _forget_foreign_plugins() -> None:
    """Let Qt find its own plugins: OpenCV for Linux brings older ones and points at them."""
    if "cv2" in Path(os.environ.get(_PLUGINS, "")).parts:
        del os.environ[_PLUGINS]


def _check_screen() -> None:
    """Try in a process of its own whether a window can be shown, since Qt ends the process if not."""
    if not sys.platform.startswith("linux"):
        return
    command = [sys.executable, "-c", _TRY]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode != 0:
        said = " ".join(tried.stderr.split())[:300]
        raise RuntimeError(
            "no window can be shown: give --text; or install what Qt needs, on Debian and Ubuntu: "
            f"apt-get install libxcb-cursor0 libegl1 libxkbcommon-x11-0. Qt said: {said}"
        )
