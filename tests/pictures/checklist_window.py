"""Draw the checklist at three moments of a day: ``python tests/pictures/checklist_window.py docs/pictures``.

The files are those that the commands write; only the clock is moved. The pictures ``checklist_wait.png``,
``checklist_now.png`` and ``checklist_late.png`` (in German) come out.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTH_PX = 760
"""Width of the pictures in the docs."""
GROUPS = ("amisulpride", "naltrexone", "placebo")
MOMENTS = {
    "checklist_wait": ("en", 100, ("t1", "pill")),
    "checklist_now": ("en", 246, ("t1", "pill", "t2", "electrodes", "signals")),
    "checklist_late": ("de", 281, ("t1", "pill", "t2")),
}
"""Name of the picture -> language, minutes since the pill, what was done."""
_GRAB = """
import sys
from datetime import datetime
from pathlib import Path
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication
from experiments.checklist import window
from experiments.checklist.day import read_day
from experiments.checklist.texts import read_texts
window.now_here = lambda: datetime.fromisoformat(sys.argv[3])
application = QApplication(["countenance"])
application.setStyle("Fusion")
shown = window.ChecklistWindow(
    Path("my_study"), "007", steps=read_day(), texts=read_texts(sys.argv[2]), by="CB"
)
shown.resize(1000, 990)
shown.show()
QTimer.singleShot(800, lambda: (shown.grab().save(sys.argv[1]), application.quit()))
application.exec()
"""


def prepare(folder: Path, pill: datetime, done: tuple[str, ...]) -> None:
    """Write the files of a day, as the commands do."""
    from experiments.allocation.actions import Given, assign, record_pill
    from experiments.allocation.creation import create
    from experiments.allocation.files import open_allocation
    from experiments.allocation.settings import AllocationSettings
    from experiments.checklist.ticks import tick
    from experiments.dataset.answers import begin_administration
    from experiments.dataset.rows import RowWriter
    from experiments.questionnaires.forms import read_form

    study = folder / "my_study"
    settings = AllocationSettings(
        id=secrets.token_hex(8),
        groups=GROUPS,
        ratio=(1, 1, 1),
        strata={"sex": ("F", "M")},
        n_in={"F": 90, "M": 45},
        simulated=True,
    )
    keeper = Given(by="keeper", now=pill - timedelta(days=9))
    create(study, settings, multiples=(2, 3), passphrase=secrets.token_hex(8), given=keeper, scrypt_n=2**10)
    tick(study, "007", "consent", done=True, by="CB", now=pill - timedelta(minutes=48))

    def answer(name: str, time: str | None, minutes: float) -> None:
        from experiments.dataset.answers import ANSWERS_NAME, AnswerRow

        moment = (pill + timedelta(minutes=minutes)).isoformat(timespec="seconds")
        form = dict(read_form(name, "en").content)
        record = {"form": form, "time": time, "started": moment, "order": [], "simulated": True}
        begun = begin_administration(study, "007", record)
        with RowWriter(begun.folder / ANSWERS_NAME, AnswerRow) as rows:
            rows.write(AnswerRow(onset=60.0, time=moment, action="finish", monotonic=60.0))

    for number, name in enumerate(("demographics", "body", "nausea", "panas")):
        answer(name, "t1" if name in ("nausea", "panas") else None, 2 * number - 30)
    person = Given(by="CB", now=pill - timedelta(minutes=4))
    assign(open_allocation(study), "007", {"sex": "F"}, person)
    record_pill(open_allocation(study), "007", pill, Given(by="CB", now=pill))
    if "t2" in done:
        answer("nausea", "t2", 181)
        answer("panas", "t2", 184)
    for name in ("electrodes", "signals"):
        if name in done:
            tick(study, "007", name, done=True, by="CB", now=pill + timedelta(minutes=215))


def draw(path: Path, display: str, language: str, minutes: float, done: tuple[str, ...]) -> None:
    """Show the window at a moment, and keep what it draws."""
    pill = datetime.now().astimezone().replace(hour=9, minute=5, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), pill, done)
        now = (pill + timedelta(minutes=minutes)).isoformat()
        environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", _GRAB, str(path), language, now]
        subprocess.run(command, cwd=folder, env=environment, check=True)
    picture = Image.open(path).convert("RGB")
    height_px = round(picture.height * WIDTH_PX / picture.width)
    small = picture.resize((WIDTH_PX, height_px), Image.Resampling.LANCZOS)
    small.quantize(96).save(path, optimize=True)


def main() -> None:
    """Draw all moments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
    from virtual_screen import started_screen

    with started_screen() as screen:
        for name, (language, minutes, done) in MOMENTS.items():
            draw(folder / f"{name}.png", screen.name, language, minutes, done)


if __name__ == "__main__":
    main()
