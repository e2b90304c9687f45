"""Asking before anything is written, and saying what was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QFileDialog, QMessageBox, QProgressDialog, QPushButton

from stimuli.editor.storage import SavePlan, Storage, free_folder, save_to_folder
from stimuli.editor.workspace import Workspace
from stimuli.landmark_files import LandmarkFormat
from stimuli.pairs import read_pairs

if TYPE_CHECKING:
    from stimuli.editor.window import EditorWindow

MOST_NAMES = 8
"""How many files a question lists by name."""


class Saver:
    """Saves the pairs of a window.

    Parameters
    ----------
    window
        The editor's window.
    workspace
        The pairs.
    """

    def __init__(self, window: EditorWindow, workspace: Workspace) -> None:
        self._window, self._workspace = window, workspace
        self._storage = Storage()

    def save(self) -> bool:
        """Save all changes where the table says, after asking; tell whether they are saved."""
        plan = self._storage.plan(self._workspace.opened.values())
        if plan.without_file:
            return self._save_to_new_folder(plan)
        if not plan.files:
            self._window.say("nothing has changed since it was saved")
            return True
        if (plan.backups or plan.changed_outside) and not self._may_write(plan):
            return False
        return self._write()

    def save_as(self, to: LandmarkFormat) -> bool:
        """Save the landmarks of all pairs to a new folder, and go on with its table."""
        folder = self._ask_folder(self._free_folder())
        return folder is not None and self._write_folder(folder, to)

    def may_close(self) -> bool:
        """Tell whether the window may close; asks if there is anything that is not saved."""
        unsaved = [name for name, pair in self._workspace.opened.items() if pair.document.changed]
        if not unsaved:
            return True
        button = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            "Unsaved changes",
            f"The landmarks of {_listed(unsaved)} have been changed and not saved.\nSave them?",
            button.Save | button.Discard | button.Cancel,
            button.Save,
        )
        if answer == button.Save:
            return self.save()
        return answer == button.Discard

    def _may_write(self, plan: SavePlan) -> bool:
        text = f"Write the changed landmarks over {_listed([path.name for path in plan.files])}?"
        if plan.backups:
            text += (
                f"\n\nA copy of {'each' if len(plan.backups) > 1 else 'the'} former file is kept beside it."
            )
        if plan.changed_outside:
            changed = _listed([path.name for path in plan.changed_outside])
            text += f"\n\nAnother program has changed {changed} since this window opened."
        box = QMessageBox(QMessageBox.Icon.Question, "Save", text, parent=self._window)
        box.setStandardButtons(QMessageBox.StandardButton.Save | QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QMessageBox.StandardButton.Save)
        return box.exec() == QMessageBox.StandardButton.Save

    def _write(self) -> bool:
        try:
            copies = self._storage.save(self._workspace.opened.values())
        except (OSError, ValueError) as error:
            return self._failed(error)
        self._workspace.adopt(self._workspace.table)
        self._window.show_state()
        kept = f"; former files kept as {_listed([copy.name for copy in copies])}" if copies else ""
        self._window.say(f"saved{kept}")
        return True

    def _save_to_new_folder(self, plan: SavePlan) -> bool:
        folder: Path | None = self._free_folder()
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Save",
            f"The table names no landmark files for {_listed(list(plan.without_file))}.\n\nSave the "
            f"landmarks of all pairs, and a table that names them, to the new folder\n{folder} ?",
            parent=self._window,
        )
        save = box.addButton("Save", QMessageBox.ButtonRole.AcceptRole)
        other: QPushButton | None = box.addButton("Other folder…", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(save)
        box.exec()
        if box.clickedButton() is other:
            folder = self._ask_folder(folder)
        elif box.clickedButton() is not save:
            return False
        return folder is not None and self._write_folder(folder, "json")

    def _write_folder(self, folder: Path, to: LandmarkFormat) -> bool:
        window, table = self._window, self._workspace.table
        waiting = QProgressDialog("Landmarks of all pairs", "", 0, len(table.pairs), window)
        waiting.setCancelButton(None)
        waiting.setWindowModality(Qt.WindowModality.WindowModal)
        waiting.setMinimumDuration(1000)
        try:
            path = save_to_folder(table, self._workspace.opened, folder, to=to, progress=waiting.setValue)
            written = read_pairs(path)
        except (OSError, ValueError) as error:
            return self._failed(error)
        finally:
            waiting.close()
            QApplication.processEvents()
        self._workspace.adopt(written)
        window.show_state()
        window.say(f"saved; this window now shows {path}. Next: python -m stimuli morph {path} FOLDER")
        return True

    def _ask_folder(self, proposed: Path | None) -> Path | None:
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            "Name a new folder for the landmarks",
            str(proposed or self._free_folder()),
            options=QFileDialog.Option.DontConfirmOverwrite | QFileDialog.Option.ShowDirsOnly,
        )
        return Path(name) if name else None

    def _free_folder(self) -> Path:
        path = self._workspace.table.path
        return free_folder(path.parent / f"{path.stem}_landmarks")

    def _failed(self, error: Exception) -> bool:
        QMessageBox.critical(self._window, "Not saved", f"Nothing was lost, but not saved either: {error}.")
        return False


def _listed(names: list[str]) -> str:
    """Write names as people do, the rest as a number."""
    shown = names[:MOST_NAMES]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
