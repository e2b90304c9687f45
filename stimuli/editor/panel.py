"""The panel beside the photographs: pairs, parts of the face, softness, and the selected point."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import (
    QCheckBox,
    QGroupBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from stimuli.editor.drawing import GROUP_COLOURS
from stimuli.editor.editing import Editing
from stimuli.editor.groups import GROUPS
from stimuli.editor.open_pair import OpenPair
from stimuli.editor.selection import LARGEST_RADIUS, SMALLEST_RADIUS, Selection
from stimuli.editor.workspace import Workspace

_STEPS = 100
WIDTH_PX = 230


class Panel(QWidget):
    """What can be chosen; the keys stay with the photographs."""

    pair_chosen = pyqtSignal(int)
    group_toggled = pyqtSignal(int, bool)
    soft_toggled = pyqtSignal(bool)
    radius_chosen = pyqtSignal(float)

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH_PX)
        self.pairs = QListWidget()
        for name in names:
            self.pairs.addItem(QListWidgetItem(name))
        self.groups = [self._group_box(number, name) for number, name in enumerate(GROUPS)]
        self.soft = QCheckBox("neighbours follow  (M, [, ])")
        self.radius = QSlider(Qt.Orientation.Horizontal)
        self.radius.setRange(0, _STEPS)
        self.radius_text = QLabel("")
        self.point = _text_label()
        self.notes = _text_label()
        for widget in (self.pairs, self.soft, self.radius, *self.groups):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(_box("Pairs  (Page up, Page down)", self.pairs), 1)
        column.addWidget(_box("Parts of the face", *self.groups))
        column.addWidget(_box("Movement", self.soft, self.radius, self.radius_text))
        column.addWidget(_box("Point", self.point))
        column.addWidget(_box("Notes", self.notes))
        self.pairs.currentRowChanged.connect(self.pair_chosen)
        self.soft.toggled.connect(self.soft_toggled)
        self.radius.valueChanged.connect(lambda value: self.radius_chosen.emit(_radius(value)))

    def show_selection(self, selection: Selection) -> None:
        """Show what is chosen, without telling it back."""
        for number, box in enumerate(self.groups):
            _set_quietly(box, selection.shows(number))
        _set_quietly(self.soft, selection.soft)
        self.radius.blockSignals(True)
        self.radius.setValue(_position(selection.radius))
        self.radius.blockSignals(False)
        self.radius.setEnabled(selection.soft)
        self.radius_text.setText(f"softness {selection.radius:.0%} of eye distance")

    def show_pairs(self, workspace: Workspace) -> None:
        """Mark the pair that is open, those with unsaved changes, and those that cannot be used."""
        self.pairs.blockSignals(True)
        self.pairs.setCurrentRow(workspace.number)
        for number, (name, changed) in enumerate(zip(workspace.names, workspace.changed, strict=True)):
            text = f"{name}  ✗ cannot be used" if name in workspace.unusable else name
            text += "  ● not saved" if changed else ""
            item = self.pairs.item(number)
            if item is not None and item.text() != text:
                item.setText(text)
        self.pairs.blockSignals(False)

    def show_point(self, editing: Editing, expressions: Sequence[str]) -> None:
        """Tell where the selected point is."""
        current = editing.selection.current
        if current is None:
            self.point.setText("none selected: click a point, or press Tab")
            return
        lines = [editing.selection.describe()]
        for expression, (x, y) in zip(
            expressions, editing.pair.document.points[:, current].tolist(), strict=True
        ):
            lines.append(f"{expression}: x {x:.1f}, y {y:.1f} px")
        self.point.setText("\n".join(lines))

    def show_notes(self, pair: OpenPair, expressions: Sequence[str]) -> None:
        """Tell the template, and what is to be known about the photographs."""
        lines = [f"template {pair.template}, {pair.document.n_points} points"]
        n_unused = int(pair.unused().sum())
        if n_unused:
            lines.append(
                f"the morph does not use {n_unused} points around the mouth (hollow): this template does not "
                "follow its opening, and the face model's lips are used"
            )
        for expression, warnings in zip(expressions, pair.warnings, strict=True):
            lines += [f"{expression}: {warning}" for warning in warnings]
        self.notes.setText("\n".join(lines))

    def _group_box(self, number: int, name: str) -> QCheckBox:
        box = QCheckBox(f"{name}  ({number + 1})")
        colour = QPixmap(12, 12)
        colour.fill(QColor(GROUP_COLOURS[number]))
        box.setIcon(QIcon(colour))
        box.setChecked(True)
        box.toggled.connect(lambda shown: self.group_toggled.emit(number, shown))
        return box


def _box(title: str, *widgets: QWidget) -> QGroupBox:
    box = QGroupBox(title)
    column = QVBoxLayout(box)
    column.setContentsMargins(6, 4, 6, 6)
    column.setSpacing(3)
    for widget in widgets:
        column.addWidget(widget)
    return box


def _text_label() -> QLabel:
    label = QLabel("")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setMinimumHeight(64)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _set_quietly(box: QCheckBox, on: bool) -> None:
    box.blockSignals(True)
    box.setChecked(on)
    box.blockSignals(False)


def _radius(position: int) -> float:
    """Return the softness at a place of the slider, whose steps are equal ratios."""
    return float(SMALLEST_RADIUS * (LARGEST_RADIUS / SMALLEST_RADIUS) ** (position / _STEPS))


def _position(radius: float) -> int:
    return round(_STEPS * math.log(radius / SMALLEST_RADIUS) / math.log(LARGEST_RADIUS / SMALLEST_RADIUS))
