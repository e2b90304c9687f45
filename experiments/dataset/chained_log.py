"""A log that shows when it was changed: each line holds the hash of the one before it.

One JSON object per line. Whoever changes, inserts or removes a line breaks the chain from there on. Whoever
writes the whole rest of the log anew is found out by the entries that were signed with the sealed key, and by
the receipts that were noted elsewhere. Standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from experiments.dataset.durable import add_bytes

_FIRST = "0" * 64
_LOCK_OLD_S = 60.0
"""A lock that is older was left behind by a crash: no command holds it for more than a moment."""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One line of the log."""

    number: int
    """From 1, without gaps."""
    time: datetime
    """When it was written, with the offset of the time zone."""
    by: str
    """Who gave the command."""
    action: str
    """What was done."""
    details: dict[str, Any]
    """To whom, why, with what result."""
    hash: str
    """SHA-256 of this entry and, through it, of all before it."""
    signature: str | None = None
    """HMAC-SHA256 of the hash, where the sealed key was open."""

    @property
    def receipt(self) -> str:
        """The entry's number and the beginning of its hash, to be noted elsewhere, such as 14-3f9a22c1."""
        return f"{self.number}-{self.hash[:8]}"


class ChainedLog:
    """An append-only, hash-chained log.

    Parameters
    ----------
    path : Path
        The file; made by the first entry.
    longest_wait_s : float
        How long to wait for another program that is writing (s).
    """

    def __init__(self, path: Path, *, longest_wait_s: float = 10.0) -> None:
        self.path = path
        self._longest_wait_s = longest_wait_s
        self._held = False

    def append(
        self,
        action: str,
        *,
        by: str,
        now: datetime,
        details: Mapping[str, Any] | None = None,
        key: bytes | None = None,
    ) -> LogEntry:
        """Add an entry, and wait until it is on the disk.

        Parameters
        ----------
        action : str
            What was done.
        by : str
            Who did it.
        now : datetime
            When, with the offset of the time zone.
        details : mapping, optional
            Whatever JSON can hold.
        key : bytes, optional
            To sign the entry.

        Raises
        ------
        ValueError
            If `now` has no time zone.
        OSError
            If the log cannot be written.
        """
        if now.tzinfo is None:
            raise ValueError(f"a time in a log needs its time zone; {now} has none")
        with self.held():
            content = self.path.read_bytes() if self.path.exists() else b""
            entries, _ = _read(content)
            fragment = content[content.rfind(b"\n") + 1 :]
            record: dict[str, Any] = {
                "number": entries[-1].number + 1 if entries else 1,
                "time": now.isoformat(timespec="seconds"),
                "by": by,
                "action": action,
                "details": dict(details or {}),
                "previous": entries[-1].hash if entries else _FIRST,
            }
            if fragment:  # a crash left half a line: it stays, and is vouched for
                record["fragment"] = hashlib.sha256(fragment).hexdigest()
            record["hash"] = _hash(record)
            if key is not None:
                record["signature"] = _sign(record["hash"], key)
            line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            with self.path.open("ab", buffering=0) as file:
                add_bytes(file, b"\n" + line if fragment else line)
                os.fsync(file.fileno())
        return _entry(record)

    def entries(self) -> list[LogEntry]:
        """Return all entries that can be read; `problems` says whether they can be trusted.

        Raises
        ------
        FileNotFoundError
            If there is no log.
        """
        return _read(self._content())[0]

    def problems(self, *, key: bytes | None = None, receipts: tuple[str, ...] = ()) -> list[str]:
        """Look for signs that the log was changed.

        Parameters
        ----------
        key : bytes, optional
            To check signatures.
        receipts : tuple of str
            Receipts noted elsewhere, such as 14-3f9a22c1.

        Returns
        -------
        list of str
            What is wrong, one sentence each; empty for a log that is as it was written.
        """
        content = self._content()
        entries, problems = _read(content)
        if not entries and not problems:
            problems = ["the log is empty"]
        for entry in entries if key is not None else []:
            assert key is not None
            if entry.signature and not hmac.compare_digest(entry.signature, _sign(entry.hash, key)):
                problems.append(f"entry {entry.number} ({entry.action}) was not signed with the sealed key")
        known = {entry.receipt for entry in entries}
        missing = [receipt for receipt in receipts if receipt.strip().lower() not in known]
        problems += [f"the log has no entry with the receipt {receipt}" for receipt in missing]
        return problems

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other programs from writing while something is looked up and then written."""
        if self._held:
            yield
            return
        lock = self.path.with_name(self.path.name + ".lock")
        _take(lock, self._longest_wait_s)
        self._held = True
        try:
            yield
        finally:
            self._held = False
            lock.unlink(missing_ok=True)

    def _content(self) -> bytes:
        if not self.path.is_file():
            raise FileNotFoundError(
                f"there is no log {self.path}: put the copy of it back; it alone knows what was done"
            )
        return self.path.read_bytes()


def _read(content: bytes) -> tuple[list[LogEntry], list[str]]:
    """Read all lines that can be read, and say what is wrong with the chain."""
    entries: list[LogEntry] = []
    problems: list[str] = []
    fragment: str | None = None
    lines = content.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            entry = _entry(record)
        except (ValueError, KeyError, TypeError, AttributeError):
            if fragment is not None:
                problems.append(f"line {number - 1} of the log cannot be read")
            fragment = hashlib.sha256(line).hexdigest()
            continue
        if fragment is not None and record.get("fragment") != fragment:
            problems.append(f"line {number - 1} of the log cannot be read")
        fragment = None
        expected = entries[-1].hash if entries else _FIRST
        if record["hash"] != _hash(record):
            problems.append(f"entry {entry.number} ({entry.action}) was changed after it was written")
        elif record["previous"] != expected or entry.number != len(entries) + 1:
            problems.append(f"something before entry {entry.number} ({entry.action}) was removed or added")
        entries.append(entry)
    if fragment is not None:
        problems.append(f"line {len(lines)} of the log cannot be read")
    return entries, problems


def _entry(record: dict[str, Any]) -> LogEntry:
    moment = datetime.fromisoformat(record["time"])
    if moment.tzinfo is None:
        raise ValueError("a time without its time zone")
    return LogEntry(
        number=int(record["number"]),
        time=moment,
        by=str(record["by"]),
        action=str(record["action"]),
        details=dict(record["details"]),
        hash=str(record["hash"]),
        signature=record.get("signature"),
    )


def _hash(record: Mapping[str, Any]) -> str:
    signed = {name: value for name, value in record.items() if name not in ("hash", "signature")}
    text = json.dumps(signed, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _sign(digest: str, key: bytes) -> str:
    return hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()


def _take(lock: Path, longest_wait_s: float) -> None:
    """Make the lock file, waiting for whoever has it."""
    end_s = time.monotonic() + longest_wait_s
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            return
        except FileExistsError:
            pass
        except PermissionError:  # Windows, while another program is removing it
            if not lock.parent.is_dir() or not os.access(lock.parent, os.W_OK):
                raise
        try:
            if time.time() - lock.stat().st_mtime > _LOCK_OLD_S:
                lock.unlink(missing_ok=True)
                continue
        except OSError:
            continue
        if time.monotonic() > end_s:
            raise ValueError(
                f"another program is writing the log ({lock} exists): try again; if no other is running, "
                "delete that file"
            )
        time.sleep(0.05)
