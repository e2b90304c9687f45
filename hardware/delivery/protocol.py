r"""The lines that host and mouse rig exchange: what is sent, what comes back, and what was damaged.

The whole protocol is described in ``hardware/firmware/mouse_rig/PROTOCOL.md``. This module is pure: bytes in,
messages out; nothing in it opens a port, and nothing that a line can hold makes it raise.

Examples
--------
>>> encode_request(7, "PULSE", "valve1", 50000)
b'7 PULSE valve1 50000*85A8\n'
>>> reader = LineReader()
>>> reader.feed(encode_reply("A 7 1234567"))
[Acknowledged(seq=7, device_us=1234567, fields=())]
>>> reader.feed(b"A 7 1234567*0000\n")
[Damaged(text='A 7 1234567*0000', why='checksum')]
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

NAME = "countenance-mouse-rig"
"""What the device calls itself, at boot and after HELLO."""

VERSION = 1
"""Version of the protocol; a device with another one is refused."""

BAUD = 115200
"""Speed of the line."""

CHANNELS = ("valve1", "valve2", "valve3", "valve4", "shock", "laser", "camera", "aux")
"""Outputs of the device."""

STOP_BYTE = b"!"
"""Stops everything, in the middle of a line too; it is never part of a message."""

LONGEST_LINE = 207
"""Longest line without its end, in bytes; a longer one is thrown away whole."""

MOST_TOGETHER = 4
"""Outputs that one command can start."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "CRC": "the line was damaged on its way (checksum), and nothing was done",
        "FORM": "the line was not understood, and nothing was done",
        "LONG": "the line was too long, and nothing was done",
        "OLD": "the line was a repetition or came late, and was not done again",
        "COMMAND": "the device does not know this command",
        "CHANNEL": "the device has no such output or limit",
        "NUMBER": "a number is missing, left over or out of range",
        "HELLO": "the device has started anew and knows no host yet",
        "DISARMED": "the device is not armed",
        "ARMED": "this is only possible while the device is disarmed",
        "ESTOP": "the emergency stop is pressed, or its cable is broken",
        "RELEASED": "counters start anew only while someone holds the emergency stop",
        "BUSY": "the output is still delivering",
        "PULSE": "the pulse is longer or shorter than the ceiling in the device allows",
        "ON_TIME": "one delivery would be on for longer than the ceiling in the device allows",
        "LENGTH": "the train would take longer than the ceiling in the device allows",
        "INTERVAL": "it is too soon after the delivery before",
        "COUNT": "the session's deliveries on this output are used up",
        "TOTAL": "the session's time on this output is used up",
        "LOOSER": "a limit can only be tightened; starting the device anew gives back the compiled ceilings",
    }
)
"""Why the device refuses a line, in words."""

STOP_CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "HOST": "the host sent the stop byte",
        "WATCHDOG": "the host was silent for too long",
        "ESTOP": "the emergency stop was pressed, or its cable broke",
        "HELLO": "a host said HELLO while the device was armed",
        "DISARM": "the host disarmed the device",
    }
)
"""Why everything went low, in words."""

_REPLY = re.compile(r"([ANEB])(?: (.*))?\Z", re.ASCII | re.DOTALL)
_WHOLE = re.compile(r"\d{1,10}\Z", re.ASCII)
_FIELD = re.compile(r"[!-~]+\Z", re.ASCII)


@dataclass(frozen=True)
class Acknowledged:
    """The device did what line `seq` asked, at its time `device_us`."""

    seq: int
    device_us: int
    fields: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Fields of the form ``name=value``."""
        return dict(field.split("=", 1) for field in self.fields if "=" in field)


@dataclass(frozen=True)
class Refused:
    """The device did nothing; `seq` is 0 where the line could not be read."""

    seq: int
    reason: str

    @property
    def in_words(self) -> str:
        """The reason, for the experimenter."""
        return REASONS.get(self.reason, f"the device says {self.reason}")


@dataclass(frozen=True)
class Event:
    """Something happened at `device_us`; `count` goes up by one from event to event (modulo 65536)."""

    count: int
    device_us: int
    kind: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Boot:
    """The device has started: it is disarmed, and everything is low."""

    device_us: int
    fields: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Fields of the form ``name=value``."""
        return dict(field.split("=", 1) for field in self.fields if "=" in field)


@dataclass(frozen=True)
class Damaged:
    """Bytes that are no message."""

    text: str
    why: str


Message = Acknowledged | Refused | Event | Boot | Damaged


class Request(NamedTuple):
    """A line of the host, as the device reads it."""

    seq: int
    command: str
    arguments: tuple[str, ...]


def checksum(text: bytes) -> int:
    """Return the CRC-16 of a line up to its ``*`` (CCITT, polynomial 0x1021, start 0xFFFF).

    >>> f"{checksum(b'123456789'):04X}"
    '29B1'
    """
    return binascii.crc_hqx(text, 0xFFFF)


def with_checksum(text: str) -> bytes:
    r"""Return a line as it is sent.

    >>> with_checksum("1 HELLO")
    b'1 HELLO*7DF0\n'
    """
    body = text.encode("ascii")
    return body + b"*%04X\n" % checksum(body)


def encode_request(seq: int, command: str, *arguments: str | int) -> bytes:
    """Return one line of the host.

    Parameters
    ----------
    seq : int
        Its number, 1 to 65535; see `following`.
    command : str
        Such as ``PULSE``.
    *arguments : str or int
        What belongs to it.

    Returns
    -------
    bytes
        The line with checksum and end.

    Raises
    ------
    ValueError
        If the device could not read it: another number, other characters, too long.
    """
    if not 1 <= seq <= 65535:
        raise ValueError(f"lines are numbered from 1 to 65535, not {seq}")
    words = [command, *map(str, arguments)]
    wrong = [word for word in words if not _FIELD.match(word) or "*" in word or "!" in word]
    if wrong:
        raise ValueError(
            f"a line holds words of visible ASCII without '*' and '!', separated by spaces, not {wrong[0]!r}"
        )
    line = with_checksum(" ".join([str(seq), *words]))
    if len(line) > LONGEST_LINE + 1:
        raise ValueError(f"a line has at most {LONGEST_LINE} bytes, and this has {len(line) - 1}: {line!r}")
    return line


def encode_reply(text: str) -> bytes:
    """Return one line of the device; see `with_checksum`."""
    return with_checksum(text)


def following(seq: int) -> int:
    """Return the number of the next line: after 65535 comes 1, as 0 means 'not readable'.

    >>> following(1), following(65535)
    (2, 1)
    """
    return seq % 65535 + 1


def is_newer(seq: int, last: int) -> bool:
    """Say whether a line's number is newer than the last one's; only newer lines are done.

    >>> is_newer(5, 4), is_newer(5, 5), is_newer(4, 5), is_newer(1, 65535)
    (True, False, False, True)
    """
    return 0 < (seq - last) % 65536 < 32768


def parse_request(line: bytes) -> Request | str:
    r"""Read one line of the host, without its end.

    Parameters
    ----------
    line : bytes
        What stood before the newline.

    Returns
    -------
    Request or str
        The line, or the reason (see `REASONS`) why it is none.

    Examples
    --------
    >>> parse_request(b"7 PULSE valve1 50000*85A8")
    Request(seq=7, command='PULSE', arguments=('valve1', '50000'))
    >>> parse_request(b"7 PULSE valve1 90000*85A8")
    'CRC'
    """
    if len(line) > LONGEST_LINE:
        return "LONG"
    body = _checked(line)
    if body is None:
        return "CRC"
    words = body.split(" ")
    if len(words) < 2 or not all(_FIELD.match(word) for word in words):
        return "FORM"
    seq = whole_number(words[0])
    if seq is None or not 1 <= seq <= 65535:
        return "FORM"
    return Request(seq, words[1], tuple(words[2:]))


def parse_reply(line: bytes) -> Message:
    """Read one line of the device, without its end; whatever is no message is `Damaged`."""
    text = line.decode("ascii", errors="replace")
    body = _checked(line)
    if body is None:
        return Damaged(text, "checksum")
    found = _REPLY.match(body)
    words = (found[2] or "").split(" ") if found else []
    if not found or not all(_FIELD.match(word) for word in words):
        return Damaged(text, "form")
    return _message(found[1], words) or Damaged(text, "form")


def whole_number(text: str, most: int = 0xFFFFFFFF) -> int | None:
    """Return a whole number from 0 to `most`, or None where the text is none.

    >>> whole_number("50000"), whole_number("-1"), whole_number("4294967296")
    (50000, None, None)
    """
    if not _WHOLE.match(text):
        return None
    number = int(text)
    return number if number <= most else None


def unwrapped(device_us: int, last_us: int) -> int:
    """Return the device's time without the jumps of its 32-bit counter (one in 71.6 minutes).

    Parameters
    ----------
    device_us : int
        What the device said, 0 to 4294967295.
    last_us : int
        The unwrapped time of an earlier or later message that is less than 35 minutes away.

    Returns
    -------
    int
        Microseconds since the device's start.

    Examples
    --------
    >>> unwrapped(5, 2**32 - 10) - 2**32
    5
    >>> unwrapped(2**32 - 10, 2**32 + 5) - 2**32
    -10
    """
    difference = (device_us - last_us) % 2**32
    return last_us + (difference if difference < 2**31 else difference - 2**32)


class LineReader:
    """Cut the bytes of a line into messages; bytes that are none become `Damaged` and never raise."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, new: bytes) -> list[Message]:
        """Take what came and return the messages that are complete.

        Parameters
        ----------
        new : bytes
            Any bytes, in pieces of any length.

        Returns
        -------
        list of Message
            In the order in which they came; empty lines are left out.
        """
        *lines, self._rest = (self._rest + new).split(b"\n")
        messages = [message for line in lines if (message := self._read(line.rstrip(b"\r"))) is not None]
        if len(self._rest) > 2 * LONGEST_LINE:
            if not self._skipping:
                messages.append(Damaged(self._rest[:40].decode("ascii", errors="replace"), "too long"))
            self._rest, self._skipping = b"", True
        return messages

    def _read(self, line: bytes) -> Message | None:
        if self._skipping:  # the end of a line whose beginning was thrown away
            self._skipping = False
            return None
        return parse_reply(line) if line else None


def _checked(line: bytes) -> str | None:
    """Return what stands before the ``*`` if the checksum is right; None for all else."""
    body, star, digits = line.rpartition(b"*")
    if not star or not re.fullmatch(rb"[0-9A-F]{4}", digits) or checksum(body) != int(digits, 16):
        return None
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        return None


def _message(letter: str, words: list[str]) -> Message | None:
    n_numbers = {"A": 2, "N": 1, "E": 2, "B": 1}[letter]
    numbers = [whole_number(word) for word in words[:n_numbers]]
    rest = tuple(words[n_numbers:])
    if len(numbers) < n_numbers or None in numbers:
        return None
    first, last = numbers[0] or 0, numbers[-1] or 0
    if letter == "A" and 1 <= first <= 65535:
        return Acknowledged(first, last, rest)
    if letter == "N" and first <= 65535 and len(rest) == 1:
        return Refused(first, rest[0])
    if letter == "E" and first <= 65535 and rest:
        return Event(first, last, rest[0], rest[1:])
    return Boot(last, rest) if letter == "B" else None
