"""Ask the experimenter in a dialog, in a process of its own.

On Linux a missing library makes the dialog's toolkit end the whole process without an exception. In a process
of its own it can only end itself, and the session says what is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

DEBIAN_PACKAGES = (
    "libegl1 libxkbcommon0 libdbus-1-3 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-xkb1 "
    "libxkbcommon-x11-0 libxcb-shape0"
)
"""What the dialogs of PsychoPy need on Debian and Ubuntu."""

_MARK = "ANSWERS "


def ask(fields: Mapping[str, str], *, title: str) -> dict[str, str] | None:
    """Ask for some texts in a dialog.

    Parameters
    ----------
    fields : mapping of str to str
        Name -> label, in order.
    title : str
        Title of the dialog.

    Returns
    -------
    dict of str to str or None
        Name -> answer; None when the dialog was cancelled.

    Raises
    ------
    RuntimeError
        If the dialog cannot be shown; the message says what to install.
    """
    return _shown({"fields": dict(fields), "title": title})


def choose(text: str, options: Sequence[str], *, title: str) -> str | None:
    """Ask a question that has a few answers.

    Parameters
    ----------
    text : str
        The question.
    options : sequence of str
        The answers; the first is marked at the beginning.
    title : str
        Title of the dialog.

    Returns
    -------
    str or None
        The answer; None when the dialog was cancelled.

    Raises
    ------
    RuntimeError
        If the dialog cannot be shown; the message says what to install.
    """
    answers = _shown({"text": text, "options": list(options), "title": title})
    return None if answers is None else answers["choice"]


def _shown(wanted: Mapping[str, object]) -> dict[str, str] | None:
    """Show a dialog in a process of its own and return what was answered."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    shown = subprocess.run(
        [sys.executable, "-m", "experiments.display.dialog"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
    )
    answers = [line for line in shown.stdout.splitlines() if line.startswith(_MARK)]
    if shown.returncode != 0 or not answers:
        lines = shown.stderr.strip().splitlines() or [f"exit status {shown.returncode}"]
        reason = next((line for line in lines if "ould not load" in line), lines[-1])
        raise RuntimeError(
            f"the dialog cannot be shown ({reason}). Say everything on the command line, such as "
            "--participant 007; or install what dialogs need, on Debian and Ubuntu: "
            f"sudo apt-get install {DEBIAN_PACKAGES}"
        )
    return json.loads(answers[-1].removeprefix(_MARK))


def _show() -> None:
    """Show the dialog that the standard input describes and print the answers."""
    wanted = json.load(sys.stdin)
    from psychopy import gui

    dialog = gui.Dlg(title=wanted["title"])
    fields = wanted.get("fields", {})
    for name, label in fields.items():
        dialog.addField(name, initial="", label=label)
    if "options" in wanted:
        dialog.addText(wanted["text"])
        dialog.addField("choice", choices=wanted["options"], label="")
    names = [*fields, *(["choice"] if "options" in wanted else [])]
    dialog.validate()  # hides its remark on required fields, of which there are none
    given = dialog.show()
    answers = {name: str(given[name]) for name in names} if dialog.OK else None
    print(_MARK + json.dumps(answers), flush=True)


if __name__ == "__main__":
    _show()
