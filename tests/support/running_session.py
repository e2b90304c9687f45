"""Wait for what a running session writes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from experiments.dataset.rows import EventRow, read_rows


def wait_for_event(
    process: subprocess.Popen[str], folder: Path, trial_type: str, number: int = 1, *, longest_s: float = 60
) -> EventRow:
    """Wait until a running session has written its n-th event of a type."""
    end_s = time.monotonic() + longest_s
    while time.monotonic() < end_s:
        if (folder / "events.tsv").is_file():
            found = [
                row for row in read_rows(folder / "events.tsv", EventRow) if row.trial_type == trial_type
            ]
            if len(found) >= number:
                return found[number - 1]
        if process.poll() is not None:
            raise AssertionError(f"the session ended before {trial_type} {number}: {process.communicate()}")
        time.sleep(0.01)
    raise AssertionError(f"no {trial_type} {number} within {longest_s} s")
