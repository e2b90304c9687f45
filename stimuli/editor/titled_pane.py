"""A pane with a title that shows whether keys go there."""

from __future__ import annotations

from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

_TITLE = "padding: 5px; color: #e8e8e8; background: #2d2d2d;"
_ACTIVE = "padding: 5px; color: white; background: #2c5d8f; font-weight: bold;"


class TitledPane(QWidget):
    """A title above a content.

    Parameters
    ----------
    content
        What is below the title.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel()
        self._title.setStyleSheet(_TITLE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addWidget(content, 1)

    def set_title(self, text: str) -> None:
        """Write another title."""
        self._title.setText(text)

    def set_active(self, active: bool) -> None:
        """Show whether keys go here."""
        self._title.setStyleSheet(_ACTIVE if active else _TITLE)
