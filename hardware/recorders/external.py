"""The amplifier's own program records; the suite sends triggers, and the file is imported afterwards."""

from __future__ import annotations

from pathlib import Path


class ExternalRecorder:
    """A recording that the experimenter starts and stops by hand.

    Examples
    --------
    >>> recorder = ExternalRecorder()
    >>> recorder.start()
    >>> recorder.stop() is None
    True
    """

    def start(self) -> None:
        """Do nothing: the other program has been started by hand."""

    def stop(self) -> Path | None:
        """Return None: the other program keeps its file until it is imported."""
        return None
