"""The window of the live picture; started by `hardware.cameras.preview`, in a process of its own.

It shows the last frame, how it is exposed, and how the recording goes; crop, face and what is cut out are
drawn onto it. It looks at shared memory only and ends with its standard input.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hardware.cameras.exposure import Exposure, measure_exposure
from hardware.cameras.preview import PICTURE_S, lower_priority
from hardware.cameras.regions import CLOSE_PX, Regions, Tool, read_regions
from hardware.cameras.shared_picture import SharedPicture, Status

_TOOLS: tuple[tuple[Tool, str, str], ...] = (
    ("crop", "Crop", "Drag a rectangle around the face; click once to take it away."),
    ("face", "Face", "Click the corners of the face's outline; Enter, or a click on the first, closes it."),
    ("spout", "Cut out", "Click the corners of what is not the face: lick spout, head post, cable."),
)
_COLOURS = {"crop": QColor("#f0e442"), "face": QColor("#56b4e9"), "spout": QColor("#e69f00")}
"""Colour-blind safe (Okabe and Ito), light enough for dark frames."""


class PreviewWindow(QWidget):
    """The window.

    Parameters
    ----------
    shared
        Where the pictures come from.
    masks
        File that Save writes; None: nothing can be drawn.
    start_from
        Regions to begin with; None: none.
    title
        What the window is called.
    simulated
        Whether the pictures are made up; the window says so.
    """

    def __init__(
        self,
        shared: SharedPicture,
        *,
        masks: Path | None = None,
        start_from: Path | None = None,
        title: str = "Camera",
        simulated: bool = False,
    ) -> None:
        super().__init__()
        self.ends = threading.Event()
        """Set from any thread, it closes the window."""
        self._shared, self._masks = shared, masks
        self.setWindowTitle(f"{title} (SIMULATED)" if simulated else title)
        self.regions = Regions(shared.width_px, shared.height_px)
        self.message = QLabel("")
        if start_from is not None:
            try:
                self.regions = read_regions(start_from, shared.width_px, shared.height_px)
            except (ValueError, OSError) as error:
                self.message.setText(str(error))
        self.canvas = Canvas(shared.width_px, shared.height_px, self.regions, drawable=masks is not None)
        self.histogram, self.status = Histogram(), QLabel("waiting for the first frame ...")
        self.hint = QLabel("Escape asks to stop.")
        column = QVBoxLayout(self)
        if masks is not None:
            column.addLayout(self._buttons())
            self.choose("crop")
        column.addWidget(self.hint)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.histogram)
        for label in (self.status, self.message):
            label.setWordWrap(True)
            column.addWidget(label)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.turn)
        self._timer.start(round(PICTURE_S * 1000))
        self.resize(900, 860)

    def turn(self) -> None:
        """Show what is new; close when the recording process is gone."""
        if self.ends.is_set():
            self.close()
            return
        picture, status = self._shared.read()
        if picture is None:
            return
        exposure = measure_exposure(picture[self.regions.counted()])
        self.canvas.show_picture(picture)
        self.histogram.show_exposure(exposure)
        self.status.setText(_in_words(exposure, status))

    def choose(self, tool: Tool) -> None:
        """Draw with this tool from now on."""
        self.regions.choose(tool)
        self.buttons[tool].setChecked(True)
        self.hint.setText(next(text for name, _, text in _TOOLS if name == tool))
        self.canvas.update()

    def save(self) -> None:
        """Write the regions; if nothing is drawn, say so."""
        if self._masks is None:
            return
        try:
            self.regions.save(self._masks)
        except (ValueError, OSError) as error:
            self.message.setText(f"Not saved: {error}")
            return
        self.message.setText(f"Saved as {self._masks}")
        self.canvas.update()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Escape asks to stop, Enter closes an outline, Backspace takes back."""
        key = None if event is None else event.key()
        if key == Qt.Key.Key_Escape:
            self._shared.ask_to_stop()
            self.message.setText("Asked to stop.")
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.regions.close()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.regions.undo()
        self.canvas.update()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.buttons: dict[Tool, QPushButton] = {}
        group = QButtonGroup(self)
        for tool, name, _ in _TOOLS:
            button = QPushButton(name)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked, chosen=tool: self.choose(chosen))
            self.buttons[tool] = button
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        for name, act in (("Undo", self._undo), ("Save regions", self.save), ("Close", self.close)):
            button = QPushButton(name)
            button.clicked.connect(act)
            row.addWidget(button)
        for index in range(row.count()):
            item = row.itemAt(index)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return row

    def _undo(self) -> None:
        self.regions.undo()
        self.canvas.update()


class Canvas(QWidget):
    """The live picture with what is drawn on it; as large as there is room."""

    def __init__(self, width_px: int, height_px: int, regions: Regions, *, drawable: bool) -> None:
        super().__init__()
        self._regions, self._drawable = regions, drawable
        self._image = QImage(width_px, height_px, QImage.Format.Format_Grayscale8)
        self._image.fill(0)
        self._dragged: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(320, 240))
        if drawable:
            self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def zoom(self) -> float:
        """Pixels of the screen per pixel of the frame."""
        return min(self.width() / self._image.width(), self.height() / self._image.height())

    def show_picture(self, picture: np.ndarray) -> None:
        """Show a frame, grey levels as the camera gave them."""
        height, width = picture.shape
        self._image = QImage(picture.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Begin a crop, or set a corner."""
        if event is None or not self._drawable:
            return
        if self._regions.tool == "crop":
            self._dragged = self._place(event)
        else:
            self._regions.click(self._place(event), close_px=CLOSE_PX / self.zoom)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Follow with the crop."""
        if event is not None and self._dragged is not None:
            self._regions.drag(self._dragged, self._place(event))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """End the crop."""
        if event is not None and self._dragged is not None:
            self._regions.drag(self._dragged, self._place(event))
            self._dragged = None
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Draw the frame and what is drawn on it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.zoom, self.zoom)
        painter.drawImage(0, 0, self._image)
        for kind, corners in self._regions.outlines:
            fill = QColor(_COLOURS[kind])
            fill.setAlpha(110 if kind == "spout" else 40)
            painter.setPen(self._pen(kind))
            painter.setBrush(fill)
            painter.drawPolygon(_polygon(corners))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._regions.corners:
            painter.setPen(self._pen(self._regions.tool))
            painter.drawPolyline(_polygon(self._regions.corners))
            painter.setBrush(_COLOURS[self._regions.tool])
            for x, y in self._regions.corners:
                painter.drawEllipse(QPointF(x, y), 4 / self.zoom, 4 / self.zoom)
        if self._regions.crop is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self._pen("crop"))
            painter.drawRect(QRectF(*self._regions.crop))
        painter.end()

    def _pen(self, kind: Tool) -> QPen:
        return QPen(_COLOURS[kind], 2 / self.zoom)

    def _place(self, event: QMouseEvent) -> tuple[float, float]:
        return event.position().x() / self.zoom, event.position().y() / self.zoom


class Histogram(QWidget):
    """How many pixels have which grey level; heights are roots of numbers, so that few are seen too."""

    def __init__(self) -> None:
        super().__init__()
        self._exposure: Exposure | None = None
        self.setFixedHeight(80)

    def show_exposure(self, exposure: Exposure) -> None:
        """Show a new one."""
        self._exposure = exposure
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Draw the bars; the first and the last in red where pixels lose their detail."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#202020"))
        if self._exposure is not None:
            heights = np.sqrt(self._exposure.counts / max(int(self._exposure.counts.max()), 1))
            wide = self.width() / len(heights)
            warned = bool(self._exposure.advice)
            for number, share in enumerate(heights.tolist()):
                at_end = number in (0, len(heights) - 1)
                painter.setBrush(QColor("#d55e00" if at_end and warned else "#bbbbbb"))
                painter.setPen(Qt.PenStyle.NoPen)
                tall = share * self.height()
                painter.drawRect(QRectF(number * wide, self.height() - tall, 0.9 * wide, tall))
        painter.end()


def _polygon(corners: list[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in corners])


def _in_words(exposure: Exposure, status: Status) -> str:
    light = exposure.advice or f"Exposure is good (1 % of the pixels are above {exposure.bright_level:.0f})"
    if not status.recording:
        return f"{light}. Not recording."
    lost = f"{status.n_lost} LOST" if status.n_lost else "none lost"
    return f"{light}. Recording: {status.n_frames} frames, {lost}, {status.queue_depth} waiting."


def main() -> None:
    """Open the window and show it until it is closed, or its standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("picture", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--start-from", type=Path)
    parser.add_argument("--title", default="Camera")
    parser.add_argument("--simulated", action="store_true")
    options = parser.parse_args()
    lower_priority()
    application = QApplication(["countenance"])
    window = PreviewWindow(
        SharedPicture(options.picture),
        masks=options.masks,
        start_from=options.start_from,
        title=options.title,
        simulated=options.simulated,
    )
    threading.Thread(target=_end_with_input, args=(window.ends,), daemon=True).start()
    window.show()
    sys.exit(application.exec())


def _end_with_input(ends: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    ends.set()


if __name__ == "__main__":
    main()
