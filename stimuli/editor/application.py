"""Starting the editor: is there a screen, which colours, and what happens when something fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication, QMessageBox

from stimuli.editor.window import EditorWindow
from stimuli.pairs import read_pairs

PLUGINS = "QT_QPA_PLATFORM_PLUGIN_PATH"
_TRY = "from PyQt6.QtWidgets import QApplication; QApplication(['try'])"


def run_editor(table: Path) -> None:
    """Show the window until it is closed.

    Parameters
    ----------
    table
        The table of pairs.

    Raises
    ------
    FileNotFoundError, ValueError
        If the table or all of its pairs cannot be used.
    RuntimeError
        If no window can be shown; the message says what to do.
    """
    pairs = read_pairs(table)
    forget_foreign_plugins()
    check_screen()
    application = QApplication(["countenance"])
    application.setStyle("Fusion")
    application.setPalette(dark_palette())
    window = EditorWindow(pairs)
    sys.excepthook = _show_failure
    heartbeat = _close_on_interrupt(window)
    window.show()
    application.exec()
    heartbeat.stop()


def forget_foreign_plugins() -> None:
    """Let Qt find its own plugins: OpenCV for Linux brings older ones and points at them."""
    if "cv2" in Path(os.environ.get(PLUGINS, "")).parts:
        del os.environ[PLUGINS]
    if "cv2" in Path(os.environ.get("QT_QPA_FONTDIR", "")).parts:
        del os.environ["QT_QPA_FONTDIR"]


def check_screen() -> None:
    """Try in a process of its own whether a window can be shown, since Qt ends the process if not.

    Raises
    ------
    RuntimeError
        If it cannot.
    """
    if not sys.platform.startswith("linux"):
        return
    tried = subprocess.run(
        [sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=60, check=False
    )
    if tried.returncode != 0:
        said = " ".join(tried.stderr.split())[:300]
        raise RuntimeError(
            "no window can be shown. On a computer without a screen, use a virtual one (xvfb-run); otherwise "
            "install what Qt needs: apt-get install libxcb-cursor0 libegl1 libxkbcommon-x11-0. "
            f"Qt said: {said}"
        )


def dark_palette() -> QPalette:
    """Return grey colours that do not distract from photographs, the same on every system."""
    role = QPalette.ColorRole
    colours = {
        role.Window: "#333333",
        role.WindowText: "#e8e8e8",
        role.Base: "#262626",
        role.AlternateBase: "#2d2d2d",
        role.Text: "#e8e8e8",
        role.Button: "#404040",
        role.ButtonText: "#e8e8e8",
        role.ToolTipBase: "#262626",
        role.ToolTipText: "#e8e8e8",
        role.Highlight: "#2c5d8f",
        role.HighlightedText: "#ffffff",
        role.PlaceholderText: "#999999",
    }
    palette = QPalette()
    for name, colour in colours.items():
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor("#808080"))
    return palette


def _show_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a failure and go on, so that landmarks can still be saved."""
    text = "".join(traceback.format_exception(kind, error, trace))
    print(text, file=sys.stderr)
    box = QMessageBox(
        QMessageBox.Icon.Critical,
        "Something failed",
        f"{kind.__name__}: {error}\n\nThe window goes on; save the landmarks. Please report what is below.",
    )
    box.setDetailedText(text)
    box.exec()


def _close_on_interrupt(window: EditorWindow) -> QTimer:
    """Close the window, asking about changes, when the terminal's interrupt key is pressed."""
    signal.signal(signal.SIGINT, lambda *_: window.close())
    heartbeat = QTimer()
    heartbeat.setTimerType(Qt.TimerType.CoarseTimer)
    heartbeat.timeout.connect(lambda: None)  # gives Python a moment to see the signal
    heartbeat.start(300)
    return heartbeat
