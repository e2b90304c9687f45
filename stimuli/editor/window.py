"""The editor's window: it joins the photographs, the preview and the panel to the pair that is open."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import QSize, Qt, QTimer
from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMenuBar,
    QMessageBox,
    QSplitter,
    QWidget,
)

from stimuli.editor.commands import COMMANDS, Command
from stimuli.editor.drawing import Shown
from stimuli.editor.editing import Editing
from stimuli.editor.groups import GROUPS
from stimuli.editor.help_page import HelpPage
from stimuli.editor.open_pair import FULL
from stimuli.editor.panel import Panel
from stimuli.editor.photo_view import ZOOM_STEP, Camera, PhotoView
from stimuli.editor.preview import QUICK, Snapshot
from stimuli.editor.preview_pane import Frame, MorphWorker, PreviewPane
from stimuli.editor.saving import Saver
from stimuli.editor.selection import LARGEST_RADIUS, SMALLEST_RADIUS, point_name
from stimuli.editor.titled_pane import TitledPane
from stimuli.editor.workspace import Workspace
from stimuli.pairs import PairTable
from stimuli.parameters import MorphParameters

FULL_AFTER_MS = 250
"""How long the points have to rest before the morph is made as the videos will be."""
RADIUS_STEP = 1.25
POINT_ZOOM = 5.0
FIT = 0.85
"""Part of a view that the whole face fills."""


class EditorWindow(QMainWindow):
    """The window.

    Parameters
    ----------
    table
        The table of pairs.

    Raises
    ------
    ValueError
        If none of its pairs can be used; the message says why for each.
    """

    def __init__(self, table: PairTable) -> None:
        super().__init__()
        self.workspace = Workspace(table)
        self.editing = Editing(self.workspace.pair)
        self.actions_by_name: dict[str, QAction] = {}
        self._hovered: int | None = None
        self._ticket = 0
        self._saver = Saver(self, self.workspace)
        self._build()
        self._build_menus()
        self._connect()
        self._show_pair()
        self.say("F1 shows all keys")

    def say(self, text: str) -> None:
        """Show a line at the window's lower edge."""
        bar = self.statusBar()
        if bar is not None:
            bar.showMessage(text)

    def _open(self, number: int) -> None:
        """Open another pair; where it cannot be used, say why and stay."""
        workspace = self.workspace
        number = int(np.clip(number, 0, len(workspace.names) - 1))
        self._drop()
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        former = workspace.number
        usable = workspace.go(number)
        QApplication.restoreOverrideCursor()
        if workspace.number != former:
            self.editing = Editing(workspace.pair, self.editing)
            self._show_pair()
        self.show_state()
        if not usable:
            name = workspace.names[number]
            text = f"Pair {name}: {workspace.unusable[name]}."
            QMessageBox.warning(self, "This pair cannot be used", text)

    # building the window

    def _build(self) -> None:
        self.views = (PhotoView(), PhotoView())
        self.preview = PreviewPane()
        self.panel = Panel(self.workspace.names)
        panes = QSplitter(Qt.Orientation.Horizontal)
        panes.setChildrenCollapsible(False)
        self.panes = [TitledPane(content) for content in (*self.views, self.preview)]
        for pane in self.panes:
            panes.addWidget(pane)
        panes.setSizes([430, 430, 340])
        central = QWidget()
        row = QHBoxLayout(central)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(panes, 1)
        row.addWidget(self.panel)
        self.setCentralWidget(central)
        self.help_page = HelpPage(self)
        self._quick, self._full = MorphWorker(full=False, parent=self), MorphWorker(full=True, parent=self)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(FULL_AFTER_MS)
        screen = self.screen()
        if screen is not None:
            self.resize(QSize(1440, 860).boundedTo(screen.availableSize() * 0.95))

    def _build_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        bar = self.menuBar() or QMenuBar(self)
        for command in COMMANDS:
            if command.menu not in menus:
                menus[command.menu] = QMenu(command.menu, self)
                bar.addMenu(menus[command.menu])
            menus[command.menu].addAction(self._action(command))
        for name, on in (("soft", True), ("triangles", False), ("numbers", False), ("points", True)):
            self.actions_by_name[name].setChecked(on)
        for number in range(len(GROUPS)):
            key = QShortcut(QKeySequence(str(number + 1)), self)
            key.activated.connect(lambda number=number: self._toggle_group(number))

    def _action(self, command: Command) -> QAction:
        action = QAction(command.text, self)
        action.setCheckable(command.switch)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys if "Tab" not in keys])
        action.triggered.connect(self._handler(command.name))
        self.actions_by_name[command.name] = action
        return action

    def _handler(self, name: str) -> Callable[[], None]:
        handlers: dict[str, Callable[[], object]] = {
            "save": self._saver.save,
            "close": self.close,
            "undo": lambda: self._change(self.editing.undo),
            "redo": lambda: self._change(self.editing.redo),
            "reset_points": lambda: self._change(self.editing.reset_selected),
            "reset_all": lambda: self._change(self.editing.reset_all),
            "detect": lambda: self._change(self.editing.detect),
            "next_point": lambda: self._choose(lambda: self.editing.selection.step(1)),
            "previous_point": lambda: self._choose(lambda: self.editing.selection.step(-1)),
            "other_photograph": lambda: self.views[1 - self.editing.active].setFocus(),
            "select_all": lambda: self._select(np.ones(self.editing.pair.document.n_points, bool), False),
            "select_none": self._clear,
            "soft": lambda: self._set_soft(not self.editing.selection.soft),
            "wider": lambda: self._set_radius(self.editing.selection.radius * RADIUS_STEP),
            "narrower": lambda: self._set_radius(self.editing.selection.radius / RADIUS_STEP),
            "only_group": lambda: self._choose(self.editing.selection.show_only_current),
            "triangles": self._show_points,
            "numbers": self._show_points,
            "points": self._show_points,
            "zoom_in": lambda: self.views[0].zoom(ZOOM_STEP),
            "zoom_out": lambda: self.views[0].zoom(1 / ZOOM_STEP),
            "zoom_point": self._zoom_point,
            "fit": self._fit,
            "next_pair": lambda: self._open(self.workspace.number + 1),
            "previous_pair": lambda: self._open(self.workspace.number - 1),
            "help": self.help_page.open_page,
        }
        for to in ("json", "tem", "pts", "tps"):
            handlers[f"save_as_{to}"] = lambda to=to: self._saver.save_as(to)  # type: ignore[misc]
        handler = handlers[name]
        return lambda: (handler(), None)[1]

    def _connect(self) -> None:
        for which, view in enumerate(self.views):
            view.hovered.connect(self._hover)
            view.picked.connect(lambda point, add: self._choose(lambda: self.editing.pick(point, add=add)))
            view.dragged.connect(lambda x, y, which=which: self._drag(which, x, y))
            view.dropped.connect(self._drop)
            view.boxed.connect(self._select)
            view.cleared.connect(self._clear)
            view.nudged.connect(self._nudge)
            view.stepped.connect(lambda by: self._choose(lambda: self.editing.selection.step(by)))
            view.camera_moved.connect(self._look)
            view.activated.connect(lambda which=which: self._activate(which))
        self.panel.pair_chosen.connect(self._open)
        self.panel.group_toggled.connect(self._show_group)
        self.panel.soft_toggled.connect(self._set_soft)
        self.panel.radius_chosen.connect(self._set_radius)
        self.preview.picture.camera_moved.connect(self._look)
        self.preview.level_chosen.connect(self._ask_level)
        self._quick.made.connect(self.preview.show_frame)
        self._full.made.connect(self._show_full)
        self._rest.timeout.connect(lambda: self._ask(self._full, FULL))

    # showing

    def _show_pair(self) -> None:
        """Show the pair that was opened."""
        pair = self.editing.pair
        for which, view in enumerate(self.views):
            view.show_photograph(pair.images[which], pair.transform(which, FULL))
            name = pair.sources.pair.photographs[which].name
            self.panes[which].set_title(f"{self.workspace.table.expressions[which]} — {name}")
        self.panes[2].set_title(f"morph of {pair.sources.pair.pair}")
        self._fit()
        self._points_changed()
        self.views[self.editing.active].setFocus()

    def _show_points(self) -> None:
        """Draw points, names and triangles anew."""
        editing, document = self.editing, self.editing.pair.document
        points, selection, on = document.points, editing.selection, self._on
        triangles, folded = (
            editing.pair.triangles() if on("triangles") else (np.zeros((2, 0, 3, 2)), np.zeros(0, bool))
        )
        if on("triangles"):
            self.say(f"{len(folded)} triangles, {int(folded.sum())} of them fold over (red)")
        labelled = {number for number in (self._hovered, selection.current) if number is not None}
        for which, view in enumerate(self.views):
            view.shown = Shown(
                points_px=points[which],
                opened_px=document.opened[which],
                groups=editing.pair.groups,
                unused=editing.pair.unused(),
                visible=selection.visible & on("points"),
                selected=selection.selected,
                hovered=self._hovered,
                current=selection.current,
                labels={number: point_name(number, editing.pair.groups) for number in labelled},
                numbers=on("numbers"),
                triangles_px=triangles[which],
                folded=folded,
                radius_px=editing.radius_px(which) if which == editing.active else 0.0,
            )
            view.refresh()
        self.panel.show_point(editing, self.workspace.table.expressions)

    def show_state(self) -> None:
        """Show what can be undone, what is not saved, and what is chosen."""
        document, selection = self.editing.pair.document, self.editing.selection
        for name, label in (("undo", document.can_undo), ("redo", document.can_redo)):
            self.actions_by_name[name].setEnabled(label is not None)
            self.actions_by_name[name].setText(f"{name.capitalize()} {label}" if label else name.capitalize())
        self.actions_by_name["soft"].setChecked(selection.soft)
        self.panel.show_pairs(self.workspace)
        self.panel.show_selection(selection)
        self.panel.show_notes(self.editing.pair, self.workspace.table.expressions)
        self.setWindowModified(any(self.workspace.changed))
        name, path = self.editing.pair.sources.pair.pair, self.workspace.table.path
        self.setWindowTitle(f"{name}[*] — {path} — Countenance landmarks")
        for which in (0, 1):
            self.panes[which].set_active(which == self.editing.active)

    def _points_changed(self, *, dragging: bool = False) -> None:
        """Show points that moved; the morph follows, quickly first."""
        self._ticket += 1
        self._show_points()
        self._ask(self._quick, QUICK)
        if dragging:
            self._rest.stop()
        else:
            self.show_state()
            self._rest.start()

    def _ask(self, worker: MorphWorker, parameters: MorphParameters) -> None:
        try:
            worker.ask(self._ticket, Snapshot(self.editing.pair, parameters), self.preview.level)
        except ValueError as error:
            self.preview.show_frame(Frame(self._ticket, True, None, str(error)))

    def _show_full(self, frame: Frame) -> None:
        if frame.ticket == self._ticket:
            self.preview.show_frame(frame)

    def _ask_level(self, level: float) -> None:
        for worker in (self._quick, self._full):
            worker.ask(self._ticket, None, level)

    def _on(self, name: str) -> bool:
        return self.actions_by_name[name].isChecked()

    # looking

    def _look(self, camera: Camera) -> None:
        for view in (*self.views, self.preview.picture):
            view.set_camera(camera)

    def _fit(self) -> None:
        """Show all points of both photographs."""
        framed = self.editing.pair.framed().reshape(-1, 2)
        low, high = framed.min(axis=0), framed.max(axis=0)
        width, height = np.maximum(high - low, 1.0).tolist()
        room = min(min(view.width() / width, view.height() / height) for view in self.views)
        middle = (low + high) / 2
        self._look(Camera(float(middle[0]), float(middle[1]), FIT * room))

    def _zoom_point(self) -> None:
        current = self.editing.selection.current
        if current is not None:
            x, y = self.editing.pair.framed()[self.editing.active, current].tolist()
            self._look(Camera(x, y, max(self.views[0].camera.zoom, POINT_ZOOM)))

    # choosing and moving points

    def _choose(self, choose: Callable[[], None]) -> None:
        """Change what is selected or shown."""
        choose()
        self.show_state()
        self._show_points()

    def _change(self, change: Callable[[], object]) -> None:
        """Change the points; say why where that is not possible."""
        try:
            change()
        except ValueError as error:
            QMessageBox.information(self, "Not possible", f"{error}.")
            return
        self._points_changed()

    def _activate(self, which: int) -> None:
        if which != self.editing.active:
            self.editing.active = which
            self._choose(lambda: None)

    def _hover(self, point: int) -> None:
        hovered = None if point < 0 else point
        if hovered != self._hovered:
            self._hovered = hovered
            self._show_points()

    def _select(self, points: np.ndarray, add: bool) -> None:
        self._choose(lambda: self.editing.selection.pick_all(points, add=add))

    def _clear(self) -> None:
        """Stop a movement; where there is none, select nothing."""
        if self.editing.cancel():
            for view in self.views:
                view.stop_drag()
            self._points_changed()
        else:
            self._choose(self.editing.selection.clear)

    def _toggle_group(self, number: int) -> None:
        self._show_group(number, not self.editing.selection.shows(number))

    def _show_group(self, number: int, shown: bool) -> None:
        self._choose(lambda: self.editing.selection.show(number, shown))

    def _set_soft(self, soft: bool) -> None:
        self.editing.selection.soft = soft
        self._choose(lambda: None)

    def _set_radius(self, radius: float) -> None:
        self.editing.selection.radius = float(np.clip(radius, SMALLEST_RADIUS, LARGEST_RADIUS))
        self._choose(lambda: None)

    def _drag(self, which: int, x_px: float, y_px: float) -> None:
        self.editing.drag(which, np.array([x_px, y_px]))
        self._points_changed(dragging=True)

    def _drop(self) -> None:
        if self.editing.drop():
            self._points_changed()

    def _nudge(self, x_px: float, y_px: float, held: bool) -> None:
        if self.editing.nudge(np.array([x_px, y_px]), held=held):
            self._points_changed()
        else:
            self.say("select a point first: click it, or press Tab")

    # the end

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802, D102
        super().resizeEvent(event)
        self.help_page.setGeometry(self.rect())

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802, D102
        if event is None:
            return
        self._drop()
        if not self._saver.may_close():
            event.ignore()
            return
        self._rest.stop()
        for worker in (self._quick, self._full):
            worker.stop()
        event.accept()
