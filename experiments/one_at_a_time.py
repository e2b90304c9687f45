"""A session is run by one program at a time: a second one would write into the same files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def one_at_a_time(path: Path, *, busy: str) -> Iterator[None]:
    """Hold a lock that the system releases when the program ends, however it ends.

    Parameters
    ----------
    path : Path
        File of the lock; its folder is made. It is removed at the end.
    busy : str
        What to say when another program holds the lock.

    Raises
    ------
    ValueError
        If another program holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            raise ValueError(busy) from None
        except OSError:  # a network folder without locks: go on without one
            pass
        try:
            yield
        finally:
            if os.name != "nt":
                path.unlink(missing_ok=True)
    if os.name == "nt":
        with suppress(OSError):
            path.unlink()


def _lock(file: IO[bytes]) -> None:
    """Lock an open file without waiting."""
    if sys.platform == "win32":
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
