"""The page of keys and mouse, shown over the window."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from stimuli.editor.commands import BY_HAND, COMMANDS, MENUS, keys_text


class HelpPage(QWidget):
    """All keys, over what it is laid on; any key or click closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        label = QLabel(help_text())
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setStyleSheet("color: white; font-size: 10pt;")
        column = QVBoxLayout(self)
        column.addStretch()
        column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
        self.hide()

    def open_page(self) -> None:
        """Cover the parent."""
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def close_page(self) -> None:
        """Go away, and give the keys back."""
        self.hide()
        parent = self.parentWidget()
        if parent is not None:
            parent.setFocus()

    def event(self, event: QEvent | None) -> bool:  # noqa: D102
        if event is not None and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # a key closes the page and does nothing else
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802, D102
        self.close_page()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, D102
        self.close_page()

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: N802, D102
        return False

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, D102
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(20, 20, 20, 225))
        painter.end()


def help_text() -> str:
    """Return all keys as a table of three columns, in Qt's HTML."""
    blocks = dict.fromkeys((*MENUS, "Keys and mouse"), "")
    for command in COMMANDS:
        if command.keys:
            blocks[command.menu] += _row(keys_text(command), command.text)
    for keys, text in BY_HAND:
        blocks["Keys and mouse"] += _row(keys, text)
    columns = (("File", "Edit", "Pair", "Help"), ("Points", "View"), ("Keys and mouse",))
    cells = "".join(
        "<td style='padding-right: 28px'>"
        + "".join(f"<h3>{name}</h3><table cellspacing='3'>{blocks[name]}</table>" for name in names)
        + "</td>"
        for names in columns
    )
    return f"<table><tr>{cells}</tr></table><p align='center'>Any key or click closes this page.</p>"


def _row(keys: str, text: str) -> str:
    return f"<tr><td style='padding-right: 10px; color: #ffd27a'>{keys}</td><td>{text}</td></tr>"
