"""What a simulated amplifier has heard so far, on the disk.

A real amplifier stands on another computer and goes on when the session's program is killed. Its twin lives
in that program; so that a killed session has a recording as well, the twin writes down at once what reaches
it, and another twin goes on from there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file with one JSON object per line.

    Parameters
    ----------
    path : Path
        The file; made when it does not exist. An unfinished last line, which a crash leaves behind, is cut
        off.

    Attributes
    ----------
    entries : list of dict
        What was in it when it was opened.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "journal.jsonl"
    >>> journal = Journal(path)
    >>> journal.add(at_s=1.5, code=11)
    >>> journal.close()
    >>> _ = path.write_bytes(path.read_bytes() + b'{"at_s": 2.')
    >>> journal = Journal(path)
    >>> journal.entries
    [{'at_s': 1.5, 'code': 11}]
    >>> journal.close()
    """

    def __init__(self, path: Path) -> None:
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        self.entries: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
        self._file = path.open("ab", buffering=0)
        if len(whole) < len(content):
            self._file.truncate(len(whole))

    def add(self, **entry: Any) -> None:
        """Write an entry, whole or not at all."""
        length = self._file.seek(0, os.SEEK_END)
        line = (json.dumps(entry) + "\n").encode()
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError:
            self._file.truncate(length)
            raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()
