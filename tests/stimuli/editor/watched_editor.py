"""Starts the editor as the command does, and tells on its standard output what it shows when it is asked."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any


def main() -> None:
    from PyQt6.QtCore import QPointF, pyqtSignal
    from PyQt6.QtWidgets import QAbstractButton, QApplication, QMessageBox, QWidget

    from stimuli.editor import application
    from stimuli.editor.window import EditorWindow

    def on_screen(widget: QWidget, x: float, y: float) -> list[float]:
        """Pixels of the screen, of which a scaled window has more than Qt counts."""
        place = widget.mapToGlobal(QPointF(x, y))
        return [place.x() * widget.devicePixelRatioF(), place.y() * widget.devicePixelRatioF()]

    class Watched(EditorWindow):
        asked = pyqtSignal(str)

        def __init__(self, table: Any) -> None:
            super().__init__(table)
            self.frames: list[tuple[int, bool]] = []
            for worker in (self._quick, self._full):
                worker.made.connect(lambda frame: self.frames.append((frame.ticket, frame.full)))
            self.asked.connect(self.answer)
            threading.Thread(target=self.listen, daemon=True).start()

        def listen(self) -> None:
            for line in sys.stdin:
                self.asked.emit(line)

        def answer(self, line: str) -> None:
            question = json.loads(line)
            answer = self.where(*question) if question else self.state()
            print(json.dumps(answer), flush=True)

        def where(self, which: int, point: int) -> list[float]:
            view = self.views[which]
            x, y = view.on_screen(self.editing.pair.document.points[which, point]).tolist()
            return on_screen(view, x, y)

        def state(self) -> dict[str, Any]:
            editing, document = self.editing, self.editing.pair.document
            bar = self.statusBar()
            return {
                "pair": editing.pair.sources.pair.pair,
                "points": document.points.tolist(),
                "opened": document.opened.tolist(),
                "active": editing.active,
                "current": editing.selection.current,
                "selected": editing.selection.selected.nonzero()[0].tolist(),
                "visible": int(self.views[0].shown.visible.sum()),
                "soft": editing.selection.soft,
                "radius": editing.selection.radius,
                "hovered": [view.shown.hovered for view in self.views],
                "cameras": [list(view.camera) for view in self.views],
                "undo": document.can_undo,
                "redo": document.can_redo,
                "changed": list(self.workspace.changed),
                "table": str(self.workspace.table.path),
                "title": self.windowTitle(),
                "status": bar.currentMessage() if bar else "",
                "triangles": len(self.views[0].shown.triangles_px),
                "folded": int(self.views[0].shown.folded.sum()),
                "help": self.help_page.isVisible(),
                "preview": self.preview.state.text(),
                "ticket": self._ticket,
                "frames": self.frames,
                "dialog": self.dialog(),
            }

        def dialog(self) -> dict[str, Any] | None:
            box = QApplication.activeModalWidget()
            if not isinstance(box, QMessageBox):
                return None
            buttons: dict[str, list[float]] = {}
            for button in box.buttons():
                assert isinstance(button, QAbstractButton)
                buttons[button.text().replace("&", "")] = on_screen(
                    button, button.width() / 2, button.height() / 2
                )
            return {"text": box.text(), "buttons": buttons}

    application.EditorWindow = Watched  # type: ignore[misc]
    application.run_editor(Path(sys.argv[1]))
    print(json.dumps("closed"), flush=True)


if __name__ == "__main__":
    main()
