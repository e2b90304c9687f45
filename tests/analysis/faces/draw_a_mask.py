"""A hand that draws a mask in the real window, for `test_mask_window`; run in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from analysis.faces.mask_window import MaskWindow

LEFT = Qt.MouseButton.LeftButton


def main() -> None:
    """Draw a crop, a face and a spout, take one corner back, look, and save."""
    application = QApplication([])
    window = MaskWindow(np.load(sys.argv[1]), Path(sys.argv[2]))
    window.show()
    application.processEvents()
    canvas = window.canvas

    def at(x: float, y: float) -> QPoint:
        return QPoint(round(x * canvas.zoom), round(y * canvas.zoom))

    QTest.mousePress(canvas, LEFT, pos=at(40, 30))
    QTest.mouseMove(canvas, at(200, 200))
    QTest.mouseRelease(canvas, LEFT, pos=at(600, 480))
    window.buttons["face"].click()
    for corner in [(60, 60), (560, 60), (560, 460), (10, 10)]:
        QTest.mouseClick(canvas, LEFT, pos=at(*corner))
    QTest.keyClick(window, Qt.Key.Key_Backspace)
    QTest.mouseClick(canvas, LEFT, pos=at(60, 460))
    QTest.mouseClick(canvas, LEFT, pos=at(60, 60))
    window.buttons["spout"].click()
    for corner in [(300, 380), (380, 380), (380, 470), (300, 470)]:
        QTest.mouseClick(canvas, LEFT, pos=at(*corner))
    QTest.keyClick(window, Qt.Key.Key_Return)
    application.processEvents()
    window.grab().save(sys.argv[3])
    print(window.status.text())
    window.save()
    print(window.saved)


if __name__ == "__main__":
    main()
