"""Writing so that neither a crash nor a power cut leaves half a file. Standard library only.

A file that is replaced is written beside its place, brought to the disk and renamed: what stands under its
name is always whole, the old one or the new one. What is added to a file is taken back when it cannot be
written whole, so that a full disk leaves the lines that were there.
"""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

UNFINISHED = ".unfinished"
"""Ending of the name of a file that is not whole yet."""


def write_whole(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a text file that is whole or not there, and wait until it is on the disk.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        What it shall contain.
    replace : bool
        Whether there may be such a file already, which stays as it is until the new one is whole.

    Raises
    ------
    FileExistsError
        If the file exists and `replace` is False.
    OSError
        If it cannot be written; nothing is left of it then.
    """
    if not replace and path.exists():
        raise FileExistsError(f"{path} exists, and nothing is ever written over")
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with unfinished.open("wb", buffering=0) as file:
            write_all(file, text.encode())
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise named(error, path) from None
    sync_folder(path.parent)


def add_bytes(file: FileIO, content: bytes) -> None:
    """Write at the end of an open file everything or nothing.

    Raises
    ------
    OSError
        If there is no room, or the disk is gone; the file is as long as before, if that can be helped.
    """
    length = file.seek(0, os.SEEK_END)
    try:
        write_all(file, content)
    except OSError:
        _cut(file, length)
        raise


def write_all(file: FileIO, content: bytes) -> None:
    """Write bytes to an unbuffered file, which may take them in several pieces."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def sync_file(path: Path) -> None:
    """Wait until a file that another function has written is on the disk."""
    with path.open("r+b", buffering=0) as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names of new files in a folder are on the disk; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network folders cannot; the file itself is on the disk
        pass
    finally:
        os.close(handle)


def whole_lines(content: bytes) -> bytes:
    r"""Return what a crash or a power cut left whole: everything up to the last end of a line.

    A power cut may leave zero bytes where a line was going to be.

    >>> whole_lines(b"one\ntwo\nthr")
    b'one\ntwo\n'
    >>> whole_lines(b"one\n\0\0\0\0\n")
    b'one\n'
    """
    zero = content.find(b"\0")
    content = content if zero < 0 else content[:zero]
    return content[: content.rfind(b"\n") + 1]


def named(error: OSError, path: Path) -> OSError:
    """Return an error of the system that says which file it is about."""
    return error if error.filename else type(error)(error.errno, error.strerror, str(path))


def _cut(file: FileIO, length: int) -> None:
    try:
        file.truncate(length)
        file.seek(length)
    except OSError:  # the disk is gone: the reader drops an unfinished line
        pass
