"""The third pane: the morph as it is now, made beside the window so that the mouse never waits."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from PyQt6.QtCore import QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from stimuli.editor.camera import BACKGROUND, ZOOM_STEP, Camera, to_qimage
from stimuli.editor.open_pair import FULL
from stimuli.editor.preview import Snapshot
from stimuli.morph import Morph


class Frame(NamedTuple):
    """A frame that a worker made."""

    ticket: int
    """Number of the request; later requests have larger ones."""
    full: bool
    """Whether it is as the videos will be, or quick."""
    image: np.ndarray | None
    """Shape ``(height_px, width_px, 3)``, uint8, RGB; None if there is no morph."""
    problem: str
    """Why there is none."""


class MorphWorker(QObject):
    """A thread that makes morphs; of several requests that wait, it takes the last.

    Parameters
    ----------
    full
        What to say of its frames.
    """

    made = pyqtSignal(object)
    """A `Frame`."""

    def __init__(self, *, full: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._full = full
        self._ready = threading.Condition()
        self._request: tuple[int, Snapshot | None, float] | None = None
        self._stopping = False
        self._morph: Morph | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def ask(self, ticket: int, snapshot: Snapshot | None, level: float) -> None:
        """Ask for a frame of a snapshot, or, without one, for another level of the last morph."""
        with self._ready:
            waiting = self._request
            if snapshot is None and waiting is not None:
                snapshot = waiting[1]
            self._request = (ticket, snapshot, level)
            self._ready.notify()

    def stop(self) -> None:
        """End the thread, when it has finished what it does."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._thread.join(timeout=20)

    def _work(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._stopping or self._request is not None)
                if self._stopping or self._request is None:
                    return
                ticket, snapshot, level = self._request
                self._request = None
            frame = self._make(ticket, snapshot, level)
            if frame is not None and not self._stopping:
                self.made.emit(frame)

    def _make(self, ticket: int, snapshot: Snapshot | None, level: float) -> Frame | None:
        try:
            if snapshot is not None:
                self._morph = None
                self._morph = snapshot.make()
            if self._morph is None:
                return None
            return Frame(ticket, self._full, self._morph.frame(level), "")
        except ValueError as error:
            return Frame(ticket, self._full, None, str(error))


class Picture(QWidget):
    """A frame of the morph, of which the same part is seen as of the photographs."""

    camera_moved = pyqtSignal(object)
    """The camera was moved here with the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixmap = QPixmap()
        self._message = "…"
        self._camera = Camera(300, 400, 1)
        self._pressed: tuple[QPointF, Camera] | None = None
        self.setMinimumSize(150, 200)
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def show_image(self, image: np.ndarray | None, message: str = "") -> None:
        """Show a frame, or a message in its place."""
        self._pixmap = QPixmap.fromImage(to_qimage(image)) if image is not None else QPixmap()
        self._message = message
        self.update()

    def set_camera(self, camera: Camera) -> None:
        """Look at a part of the frame; tells nobody."""
        self._camera = camera.limited()
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        if event is not None:
            self._pressed = (event.position(), self._camera)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        if event is not None and self._pressed is not None:
            start, before = self._pressed
            self.camera_moved.emit(before.panned(event.position() - start))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        self._pressed = None

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802, D102
        if event is not None and event.angleDelta().y():
            about = event.position() - QRectF(self.rect()).center()
            self.camera_moved.emit(self._camera.zoomed(ZOOM_STEP ** (event.angleDelta().y() / 120), about))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, D102
        painter = QPainter(self)
        painter.fillRect(self.rect(), BACKGROUND)
        if self._pixmap.isNull():
            painter.setPen(QColor("#dddddd"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), flags, self._message)
        else:
            camera, middle = self._camera, QRectF(self.rect()).center()
            left, top = middle.x() - camera.x * camera.zoom, middle.y() - camera.y * camera.zoom
            size = (FULL.width_px * camera.zoom, FULL.height_px * camera.zoom)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(QRectF(left, top, *size), self._pixmap, QRectF(self._pixmap.rect()))
        painter.end()


class PreviewPane(QWidget):
    """The morph at a level that a slider chooses."""

    level_chosen = pyqtSignal(float)
    """The slider was moved to this level."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = Picture()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setValue(50)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.state = QLabel("")
        self.state.setMinimumWidth(70)
        row = QHBoxLayout()
        row.addWidget(QLabel("level"))
        row.addWidget(self.slider, 1)
        row.addWidget(self.state)
        row.setContentsMargins(6, 2, 6, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.picture, 1)
        column.addLayout(row)
        self._shown = (-1, False)
        self.slider.valueChanged.connect(lambda value: self.level_chosen.emit(value / 100))

    @property
    def level(self) -> float:
        """The level that is shown, from 0 to 1."""
        return self.slider.value() / 100

    def show_frame(self, frame: Frame) -> None:
        """Show a frame, unless a later one, or a better one of the same request, is shown."""
        if (frame.ticket, frame.full) < self._shown:
            return
        self._shown = (frame.ticket, frame.full)
        self.picture.show_image(frame.image, frame.problem)
        self.state.setText(f"{self.slider.value()} %" if frame.full else f"{self.slider.value()} % (quick)")
