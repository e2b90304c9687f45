"""One photograph with its points: drawing, and what the mouse does there."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QBrush,
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PyQt6.QtWidgets import QFrame, QGraphicsPixmapItem, QGraphicsScene, QGraphicsView, QWidget

from stimuli.editor.camera import BACKGROUND, ZOOM_STEP, Camera, to_qimage
from stimuli.editor.drawing import Shown, draw_shown
from stimuli.editor.geometry import nearest_point, points_inside

CATCH_PX = 11.0
"""How near to a point the mouse has to be, in pixels of the screen."""
START_PX = 3.0
"""How far the mouse has to move before a click becomes a drag."""
SHARP_ZOOM = 4.0
"""From this enlargement of a photograph on, its pixels are shown as squares."""

ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class PhotoView(QGraphicsView):
    """A photograph in the frame of the pair, with its points."""

    hovered = pyqtSignal(int)
    """Number of the point under the mouse; -1 if there is none."""
    picked = pyqtSignal(int, bool)
    """A point was clicked; whether it adds to the selection."""
    dragged = pyqtSignal(float, float)
    """The way of the dragged point so far, in pixels of the photograph."""
    dropped = pyqtSignal()
    """The drag is over."""
    boxed = pyqtSignal(object, bool)
    """Points in a rectangle, boolean; whether they add to the selection."""
    cleared = pyqtSignal()
    """The mouse was clicked beside all points."""
    nudged = pyqtSignal(float, float, bool)
    """An arrow key: movement in pixels of the photograph; whether the key is held down."""
    stepped = pyqtSignal(int)
    """Tab: 1 for the next point, -1 for the previous one."""
    camera_moved = pyqtSignal(object)
    """The camera was moved here."""
    activated = pyqtSignal()
    """The photograph became the active one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QGraphicsPixmapItem()
        self._picture.setOffset(-0.5, -0.5)
        scene = QGraphicsScene(self)
        scene.addItem(self._picture)
        self.setScene(scene)
        self.setSceneRect(-1e5, -1e5, 2e5, 2e5)
        self.setFrameShape(QFrame.Shape.NoFrame)
        for policy in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setBackgroundBrush(QBrush(BACKGROUND))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.shown = Shown()
        self.camera = Camera(300, 400, 1)
        self._align = np.eye(2, 3)
        self._pressed: tuple[str, QPointF] | None = None
        self._moved = False
        self._adding = False
        self._corner: QPointF | None = None
        self._camera_before = self.camera

    def show_photograph(self, image: np.ndarray, align: np.ndarray) -> None:
        """Show another photograph.

        Parameters
        ----------
        image
            Shape ``(height_px, width_px, 3)``, uint8, RGB.
        align
            How it is brought into the frame, shape ``(2, 3)``.
        """
        self._picture.setPixmap(QPixmap.fromImage(to_qimage(image)))
        self._align = align
        self._pressed = self._corner = None
        self.set_camera(self.camera)

    def set_camera(self, camera: Camera) -> None:
        """Look at a part of the frame; tells nobody."""
        self.camera = camera.limited()
        turn = self._align[:, :2] * self.camera.zoom
        self.setTransform(QTransform(turn[0, 0], turn[1, 0], turn[0, 1], turn[1, 1], 0, 0))
        centre = np.linalg.solve(self._align[:, :2], np.array([camera.x, camera.y]) - self._align[:, 2])
        self.centerOn(float(centre[0]), float(centre[1]))
        sharp = np.hypot(turn[0, 0], turn[1, 0]) >= SHARP_ZOOM
        smooth = Qt.TransformationMode.SmoothTransformation
        self._picture.setTransformationMode(Qt.TransformationMode.FastTransformation if sharp else smooth)
        self._redraw()

    def refresh(self) -> None:
        """Draw again what is in `shown`."""
        self._redraw()

    def on_screen(self, points_px: np.ndarray) -> np.ndarray:
        """Return where points of the photograph are in this view, in its pixels, same shape."""
        t = self.viewportTransform()
        turn = np.array([[t.m11(), t.m21()], [t.m12(), t.m22()]])
        return np.asarray(points_px) @ turn.T + (t.dx(), t.dy())

    def in_photograph(self, place: QPointF) -> np.ndarray:
        """Return which place of the photograph is at a place of this view, x and y."""
        inverse, _ = self.viewportTransform().inverted()
        mapped = inverse.map(place)
        return np.array([mapped.x(), mapped.y()])

    def point_at(self, place: QPointF) -> int | None:
        """Return the point at a place of this view, if any."""
        if not self.shown.visible.any():
            return None
        where = np.array([place.x(), place.y()])
        return nearest_point(
            self.on_screen(self.shown.points_px), where, within_px=CATCH_PX, among=self.shown.visible
        )

    def _redraw(self) -> None:
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()

    # the mouse

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        if event is None:
            return
        self.setFocus()
        self.activated.emit()
        self._moved, self._adding = False, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        place = event.position()
        point = self.point_at(place) if event.button() == Qt.MouseButton.LeftButton else None
        if point is not None:
            self.picked.emit(point, self._adding)
            self._pressed = ("point", place)
        elif self._adding and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = ("box", place)
        else:
            self._pressed = ("pan", place)
            self._camera_before = self.camera
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        if event is None:
            return
        place = event.position()
        if self._pressed is None:
            self._hover(place)
            return
        what, start = self._pressed
        way = place - start
        if not self._moved and np.hypot(way.x(), way.y()) < START_PX:
            return
        self._moved = True
        if what == "point":
            by_px = self.in_photograph(place) - self.in_photograph(start)
            self.dragged.emit(float(by_px[0]), float(by_px[1]))
        elif what == "box":
            self._corner = place
            self._redraw()
        else:
            self.camera_moved.emit(self._camera_before.panned(way))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        if event is None or self._pressed is None:
            return
        what, start = self._pressed
        self._pressed, self._corner = None, None
        if what == "point":
            self.dropped.emit()
        elif what == "box" and self._moved:
            corners = [self.in_photograph(place) for place in (start, event.position())]
            places = self.on_screen(self.shown.points_px)
            corners = [self.on_screen(corner) for corner in corners]
            self.boxed.emit(points_inside(places, *corners), self._adding)
        elif what == "pan" and not self._moved and event.button() == Qt.MouseButton.LeftButton:
            self.cleared.emit()
        self._hover(event.position())
        self._redraw()

    def stop_drag(self) -> None:
        """Forget that a mouse button is held down."""
        self._pressed = self._corner = None

    def leaveEvent(self, event: object) -> None:  # noqa: N802, D102
        self.hovered.emit(-1)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802, D102
        if event is None:
            return
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom(ZOOM_STEP**steps, event.position())
        event.accept()

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Enlarge both views, so that what is at a place of this one stays there."""
        middle = QRectF(self.rect()).center()
        self.camera_moved.emit(self.camera.zoomed(factor, (about or middle) - middle))

    def _hover(self, place: QPointF) -> None:
        point = self.point_at(place)
        self.setCursor(Qt.CursorShape.OpenHandCursor if point is None else Qt.CursorShape.CrossCursor)
        self.hovered.emit(-1 if point is None else point)

    # keys

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: N802, D102
        return False  # Tab goes through the points

    def focusInEvent(self, event: object) -> None:  # noqa: N802, D102
        self.activated.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802, D102
        if event is None:
            return
        key, held = Qt.Key(event.key()), event.modifiers()
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self.stepped.emit(-1 if key == Qt.Key.Key_Backtab else 1)
        elif key in ARROWS:
            length_px = 10.0 if held & Qt.KeyboardModifier.ShiftModifier else 1.0
            length_px = 0.1 if held & Qt.KeyboardModifier.ControlModifier else length_px
            x, y = length_px * self._on_photograph(ARROWS[key])
            self.nudged.emit(float(x), float(y), event.isAutoRepeat())
        else:
            event.ignore()
            return
        event.accept()

    def _on_photograph(self, direction: tuple[int, int]) -> np.ndarray:
        """Return a direction of the screen as a unit vector of the photograph."""
        way = np.linalg.solve(self._align[:, :2], np.array(direction, float))
        return way / np.linalg.norm(way)

    # drawing

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802, D102
        super().resizeEvent(event)
        self.set_camera(self.camera)

    def drawForeground(self, painter: QPainter | None, rect: QRectF) -> None:  # noqa: N802, D102
        if painter is None or not len(self.shown.points_px):
            return
        painter.save()
        painter.resetTransform()
        scale = self.camera.zoom * float(np.hypot(*self._align[:, 0]))
        draw_shown(
            painter, self.shown, self.on_screen, zoom=self.camera.zoom, scale=scale, room=QRectF(self.rect())
        )
        if self._corner is not None and self._pressed is not None:
            painter.setPen(QPen(QColor("white"), 1, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(255, 255, 255, 40))
            painter.drawRect(QRectF(self._pressed[1], self._corner).normalized())
        painter.restore()
