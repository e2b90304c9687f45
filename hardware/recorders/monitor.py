"""The window of the signal check: both muscles scrolling, judgements in words, a smile and a frown."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PyQt6")

import pyqtgraph as pg
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hardware.recorders.check_course import PHASES, SHOWN_S
from hardware.recorders.judgements import Judgement

if TYPE_CHECKING:
    from hardware.recorders.signal_check import Source

COLOURS = {"corrugator": "#0072b2", "zygomaticus": "#d55e00"}
"""Muscle -> colour, told apart by colour-blind people too (Okabe and Ito)."""

MARKS = {"good": ("✓", "#00734f"), "doubtful": ("!", "#8a5a00"), "bad": ("✗", "#b00020")}
"""Level -> sign and colour."""

TURN_MS = 50
"""Time between two pictures."""

SMALLEST_UV = 50.0
"""The scale never shows less than this, so that rest looks like rest."""

AFTER_S = 2.0
"""When the check runs by itself, so long its result is shown."""


class CheckWindow(QWidget):
    """The window; it closes itself when a decision was made.

    Parameters
    ----------
    source : Source
        The streams and the check.
    by_itself : bool
        Whether to go through the test once without waiting for anybody.
    pictures : Path or None
        Folder for pictures of itself.
    """

    def __init__(self, source: Source, *, by_itself: bool, pictures: Path | None) -> None:
        super().__init__()
        self.accepted = False
        self.failure: str | None = None
        self._source, self._by_itself, self._pictures = source, by_itself, pictures
        self._judged_s, self._moved_s = 0.0, float("nan")
        self._still_ms = 0
        self._done_ms = 0
        self._begun = False
        self.setWindowTitle(f"Signals of {source.stream.name}")
        self.resize(1180, 720)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._words: dict[str, QLabel] = {}
        layout = QVBoxLayout(self)
        layout.addWidget(self._make_instruction())
        layout.addLayout(self._make_views(), stretch=1)
        layout.addWidget(QLabel(f"Stream {source.stream.name!r}, {source.stream.fs_hz:g} Hz"))
        layout.addWidget(self._make_message())
        layout.addLayout(self._make_buttons())
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)
        self._timer.start(TURN_MS)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """End the timer with the window."""
        self._timer.stop()
        super().closeEvent(event)

    def _make_instruction(self) -> QLabel:
        self._instruction = QLabel("Look at the signals. Then begin the test: a smile and a frown.")
        self._instruction.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._instruction.setStyleSheet("font-size: 26px; padding: 12px;")
        return self._instruction

    def _make_views(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        muscles = list(self._source.stream.muscles)
        for row, muscle in enumerate(muscles):
            plot = pg.PlotWidget(background="w")
            plot.setTitle(f"{muscle} (20 to 400 Hz)", color="#222222", size="12pt")
            plot.setLabel("left", "µV")
            plot.setXRange(-SHOWN_S, 0, padding=0)
            plot.setMouseEnabled(x=False, y=False)
            plot.hideButtons()
            plot.setMenuEnabled(False)
            if row == len(muscles) - 1:
                plot.setLabel("bottom", "seconds before now")
            pen = pg.mkPen(COLOURS.get(muscle, "#333333"), width=1)
            self._curves[muscle] = plot.plot(pen=pen, autoDownsample=True, downsampleMethod="peak")
            self._words[muscle] = QLabel("measuring ...")
            self._words[muscle].setWordWrap(True)
            self._words[muscle].setStyleSheet("font-size: 14px;")
            self._words[muscle].setTextFormat(Qt.TextFormat.RichText)
            self._words[muscle].setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(plot, row, 0)
            grid.addWidget(self._words[muscle], row, 1)
        return grid

    def _make_message(self) -> QLabel:
        self._message = QLabel("")
        self._message.setWordWrap(True)
        self._message.setStyleSheet("font-size: 15px; padding: 8px;")
        return self._message

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._test_button = QPushButton("Begin the test: smile, frown")
        self._test_button.clicked.connect(self._begin)
        self._go_button = QPushButton("Go on without the test")
        self._go_button.clicked.connect(self._accept)
        end_button = QPushButton("End here (Esc)")
        end_button.clicked.connect(self.close)
        end_button.setShortcut(Qt.Key.Key_Escape)
        for button in (self._test_button, self._go_button, end_button):
            button.setMinimumHeight(40)
            row.addWidget(button)
        return row

    def _begin(self) -> None:
        self._begun = True
        self._message.setText("")
        self._source.check.begin()
        self._test_button.setEnabled(False)
        self._go_button.setEnabled(False)

    def _accept(self) -> None:
        self.accepted = True
        self.close()

    def _turn(self) -> None:
        """Take samples and draw."""
        check = self._source.check
        self._source.take()
        self._watch_that_samples_come()
        seconds, shown = check.view()
        highest_uv = max(float(abs(samples).max(initial=0.0)) for samples in shown.values())
        limit_uv = max(SMALLEST_UV, 1.1 * highest_uv)  # the same for all: which muscle rises is to be seen
        for muscle, curve in self._curves.items():
            curve.setData(seconds, shown[muscle])
            curve.getViewBox().setYRange(-limit_uv, limit_uv, padding=0)
        if check.now_s - self._judged_s >= 0.5 or check.now_s < self._judged_s:
            self._judged_s = check.now_s
            self._show_judgements(check.judgements())
        if check.phase is not None:
            self._instruction.setText(f"{check.phase.instruction}   {math.ceil(check.remaining_s)} s")
            self._instruction.setStyleSheet(
                "font-size: 34px; font-weight: bold; padding: 12px; background: #fff3c4;"
            )
            if self._pictures and check.phase is PHASES[1] and check.remaining_s < 0.5:
                self._picture("signal_check_smile.png")
        elif self._begun and not self._test_button.isEnabled():
            self._show_verdict()
        if self._by_itself:
            self._go_by_itself()

    def _watch_that_samples_come(self) -> None:
        check = self._source.check
        self._still_ms = 0 if check.now_s != self._moved_s else self._still_ms + TURN_MS
        self._moved_s = check.now_s
        if self._still_ms == 3000:
            self._message.setText(
                "<b>No samples come any more:</b> is the amplifier on, and is its program running?"
            )
        if self._by_itself and self._still_ms > 8000:
            self.failure = "no samples come any more: is the amplifier on, and is its program running?"
            self.close()

    def _go_by_itself(self) -> None:
        check = self._source.check
        if not self._begun and check.judgements():
            self._begin()
        elif check.verdict is not None:
            self._done_ms += TURN_MS
            if self._done_ms >= 1000 * AFTER_S:
                self.accepted = check.fit
                self.close()

    def _show_judgements(self, judgements: list[Judgement]) -> None:
        for muscle, label in self._words.items():
            own = [found for found in judgements if found.muscle in (muscle, self._source.stream.name)]
            if own:
                label.setText("".join(_line(found) for found in own))

    def _show_verdict(self) -> None:
        verdict, fit = self._source.check.verdict, self._source.check.fit
        assert verdict is not None
        mark, colour = MARKS["good" if verdict.right else "bad"]
        self._instruction.setText("The signals are as they should be" if fit else "Something is not right")
        self._instruction.setStyleSheet(
            f"font-size: 30px; font-weight: bold; padding: 12px; color: {MARKS['good' if fit else 'bad'][1]};"
        )
        self._message.setText(f"<span style='color:{colour}'><b>{mark}</b></span> {verdict.message}")
        self._test_button.setText("Repeat the test")
        self._test_button.setEnabled(True)
        self._go_button.setText("Go on" if fit else "Go on although something is not right")
        self._go_button.setEnabled(True)
        if self._pictures:
            name = "swapped" if verdict.swapped else "result"
            QTimer.singleShot(200, lambda: self._picture(f"signal_check_{name}.png"))

    def _picture(self, name: str) -> None:
        if self._pictures and not (self._pictures / name).exists():
            self.grab().save(str(self._pictures / name))


def show_check(source: Source, *, by_itself: bool = False, pictures: Path | None = None) -> bool:
    """Show the window until it is closed.

    Parameters
    ----------
    source : Source
        The streams and the check.
    by_itself : bool
        Whether to go through the test once without waiting for anybody.
    pictures : Path, optional
        Folder for pictures of the window.

    Returns
    -------
    bool
        Whether the session is to begin.

    Raises
    ------
    ValueError
        If the samples ended while nobody was there to see it.
    """
    application = QApplication.instance() or QApplication([])
    window = CheckWindow(source, by_itself=by_itself, pictures=pictures)
    window.show()
    application.exec()
    accepted, failure = window.accepted, window.failure
    window.deleteLater()
    application.processEvents()
    if failure:
        raise ValueError(failure)
    return accepted


def _line(found: Judgement) -> str:
    mark, colour = MARKS[found.level]
    remedy = f"<br><i>{found.remedy[:1].upper()}{found.remedy[1:]}.</i>" if found.remedy else ""
    return (
        f"<p style='margin: 2px 0'><span style='color:{colour}; font-weight:bold'>{mark}</span> "
        f"<b>{found.aspect}</b>: {found.message}{remedy}</p>"
    )
