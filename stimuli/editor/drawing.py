"""What is drawn on a photograph: points, names, triangles, and what moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QPainter, QPen

GROUP_COLOURS = ("#56b4e9", "#e69f00", "#f0e442", "#00c896", "#ff7a70", "#d8d8d8")
"""Colours of the parts of the face; they can be told apart by the colour-blind (after Okabe and Ito)."""
MARK = QColor("#ff3df2")
"""Colour of the point selected last."""

Places = Callable[[np.ndarray], np.ndarray]
"""From pixels of the photograph to pixels of the screen."""


@dataclass
class Shown:
    """What is drawn on a photograph; all places in its pixels."""

    points_px: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    """Points, shape ``(n_points, 2)``."""
    opened_px: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    """Where they were when the pair was opened."""
    groups: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    """Part of the face of each."""
    unused: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """Which the morph does not go by."""
    visible: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """Which are shown."""
    selected: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """Which are selected."""
    hovered: int | None = None
    """The point under the mouse, in either photograph."""
    current: int | None = None
    """The point selected last."""
    labels: dict[int, str] = field(default_factory=dict)
    """Text beside points."""
    numbers: bool = False
    """Whether every point has its number."""
    triangles_px: np.ndarray = field(default_factory=lambda: np.zeros((0, 3, 2)))
    """Corners of the triangles, shape ``(n_triangles, 3, 2)``."""
    folded: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """Which of them fold over."""
    radius_px: float = 0.0
    """Softness around the current point."""


def draw_shown(
    painter: QPainter, shown: Shown, on_screen: Places, *, zoom: float, scale: float, room: QRectF
) -> None:
    """Draw points and triangles in pixels of the screen.

    Parameters
    ----------
    painter
        Paints in pixels of the screen.
    shown
        What to draw.
    on_screen
        From pixels of the photograph, shape ``(..., 2)``, to pixels of the screen.
    zoom, scale
        Pixels of the screen per pixel of the frame, and per pixel of the photograph.
    room
        The view, in which names have to stay.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _draw_triangles(painter, shown, on_screen)
    moved = (shown.points_px != shown.opened_px).any(axis=1) & shown.visible
    painter.setPen(QPen(QColor(255, 255, 255, 170), 1))
    _draw_lines(painter, np.hstack([on_screen(shown.opened_px[moved]), on_screen(shown.points_px[moved])]))
    places = on_screen(shown.points_px)
    _draw_points(painter, shown, places, size=float(np.clip(1.3 + 0.5 * zoom, 1.8, 4.5)))
    _draw_selected(painter, shown, places, scale=scale)
    if shown.hovered is not None:
        _draw_ring(painter, QPointF(*places[shown.hovered].tolist()), 7, QColor("white"))
    for number, text in shown.labels.items():
        _draw_label(painter, places[number], text, room=room)


def _draw_lines(painter: QPainter, ends: np.ndarray) -> None:
    for line in ends.tolist():
        painter.drawLine(QLineF(*line))


def _draw_triangles(painter: QPainter, shown: Shown, on_screen: Places) -> None:
    if not len(shown.triangles_px):
        return
    places = on_screen(shown.triangles_px)
    for folded, colour, width in ((False, QColor(120, 200, 255, 110), 1.0), (True, QColor(255, 40, 40), 2.0)):
        chosen = places[shown.folded == folded]
        sides = np.concatenate([chosen[:, [0, 1]], chosen[:, [1, 2]], chosen[:, [2, 0]]])
        painter.setPen(QPen(colour, width))
        _draw_lines(painter, sides.reshape(-1, 4))


def _draw_points(painter: QPainter, shown: Shown, places: np.ndarray, *, size: float) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
    for group, colour in enumerate(GROUP_COLOURS):
        painter.setBrush(QColor(colour))
        for x, y in places[shown.visible & (shown.groups == group) & ~shown.unused].tolist():
            painter.drawEllipse(QPointF(x, y), size, size)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for x, y in places[shown.visible & shown.unused].tolist():
        painter.drawEllipse(QPointF(x, y), size, size)
    if shown.numbers:
        painter.setFont(_font(painter, 7))
        painter.setPen(QColor("white"))
        for number in np.nonzero(shown.visible)[0].tolist():
            painter.drawText(QPointF(places[number, 0] + 4, places[number, 1] - 3), str(number))


def _draw_selected(painter: QPainter, shown: Shown, places: np.ndarray, *, scale: float) -> None:
    painter.setPen(QPen(QColor("black"), 1))
    painter.setBrush(QColor("white"))
    for x, y in places[shown.selected].tolist():
        painter.drawEllipse(QPointF(x, y), 4.5, 4.5)
    if shown.current is None:
        return
    centre = QPointF(*places[shown.current].tolist())
    _draw_ring(painter, centre, 9, MARK)
    if shown.radius_px > 0:
        painter.setPen(QPen(MARK, 1, Qt.PenStyle.DashLine))
        painter.drawEllipse(centre, shown.radius_px * scale, shown.radius_px * scale)


def _draw_ring(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    """Draw a ring that is seen on bright and on dark skin."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 200), 4), QPen(colour, 2)):
        painter.setPen(pen)
        painter.drawEllipse(centre, radius, radius)


def _draw_label(painter: QPainter, place: np.ndarray, text: str, *, room: QRectF) -> None:
    painter.setFont(_font(painter, 9))
    box = QRectF(painter.fontMetrics().boundingRect(text)).adjusted(-4, -2, 4, 2)
    box.moveBottomLeft(QPointF(place[0] + 12, place[1] - 8))
    if box.right() > room.right():
        box.moveRight(place[0] - 12)
    if box.top() < 0:
        box.moveTop(place[1] + 12)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QColor("white"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _font(painter: QPainter, points: int) -> QFont:
    return QFont(painter.font().family(), points)
