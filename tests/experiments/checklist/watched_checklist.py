"""Starts the checklist as the command does, and tells on its standard output what it shows when asked."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any


def main() -> None:
    from PyQt6.QtCore import QPointF, pyqtSignal
    from PyQt6.QtGui import QGuiApplication
    from PyQt6.QtWidgets import QWidget

    from experiments.checklist import __main__ as command
    from experiments.checklist import window

    def middle(widget: QWidget) -> list[float]:
        place = widget.mapToGlobal(QPointF(widget.width() / 2, widget.height() / 2))
        return [place.x() * widget.devicePixelRatioF(), place.y() * widget.devicePixelRatioF()]

    class Watched(window.ChecklistWindow):
        asked = pyqtSignal(str)

        def __init__(self, *arguments: Any, **choices: Any) -> None:
            super().__init__(*arguments, **choices)
            self.asked.connect(self.answer)
            threading.Thread(target=self.listen, daemon=True).start()

        def listen(self) -> None:
            for line in sys.stdin:
                self.asked.emit(line)

        def answer(self, line: str) -> None:
            question = json.loads(line)
            if question == "close":
                self.close()
                return
            if question in self.rows:
                self.area.ensureWidgetVisible(self.rows[question])
            clipboard = QGuiApplication.clipboard()
            print(
                json.dumps(
                    {
                        "title": self.windowTitle(),
                        "person": self.person.text(),
                        "clock": self.clock.text() if self.clock.isVisible() else "",
                        "words": self.words.text(),
                        "band": self.band.styleSheet(),
                        "problems": self.problems.text() if self.problems.isVisible() else "",
                        "footer": self.footer.text(),
                        "clipboard": clipboard.text() if clipboard is not None else "",
                        "rows": {name: self.row(row) for name, row in self.rows.items()},
                    }
                ),
                flush=True,
            )

        def row(self, row: window.StepRow) -> dict[str, Any]:
            return {
                "name": row.name.text(),
                "word": row.word.text(),
                "detail": row.detail.text(),
                "button": middle(row.button) if row.button.isVisible() else None,
                "copy": middle(row.copy) if row.copy.isVisible() else None,
                "command": row.command.text() if row.command.isVisible() else None,
                "fits": row.name.width() >= row.name.sizeHint().width(),
            }

    window.ChecklistWindow = Watched  # type: ignore[misc]
    command.main()
    print(json.dumps("closed"), flush=True)


if __name__ == "__main__":
    main()
