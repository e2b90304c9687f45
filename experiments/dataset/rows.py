"""The rows that a session writes while it runs, and the writer that survives a crash.

Standard library only: it is imported where a participant waits, so it must start at once and pull in
nothing that could fail. Every file is tab-separated UTF-8 text with one head line, ``n/a`` for what is absent
and one line per row, never changed once it is written: what is on the disk can be read after a crash, up to
the last complete line. Nothing is kept in memory between a row and its file.
"""

from __future__ import annotations

import dataclasses
import math
import os
import typing
from collections.abc import Callable, Iterable
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from experiments.dataset.durable import add_bytes, named, sync_folder, whole_lines, write_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MISSING = "n/a"

TRIAL_TYPES = (
    "session_start",
    "instructions",
    "practice_fixation",
    "practice_video",
    "practice_response",
    "practice_feedback",
    "block_start",
    "fixation",
    "video",
    "response",
    "feedback",
    "break",
    "session_end",
    "aborted",
)
"""What an event may be."""

OUTCOMES = ("correct", "no_press", "wrong_key", "repeated_press")
"""How a trial may end."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventRow:
    """One line of ``events.tsv``: something happened, and this code was sent for it."""

    onset: float
    """Seconds on the session's clock, from the session's start."""
    duration: float | None = None
    """Seconds that it lasts; None where it has no planned length (a key press, an instruction)."""
    trial_type: str
    """One of `TRIAL_TYPES`."""
    value: int | None = None
    """The trigger code that was sent, 1 to 255; None when none was."""
    trial: int | None = None
    """Number of the trial, from 1, over all blocks; practice has its own count."""
    block: int | None = None
    """Number of the block, from 1; 0 is practice."""
    face: str | None = None
    """The identity shown."""
    sex: str | None = None
    """Sex of the identity shown: male or female."""
    direction: str | None = None
    """What changes into what, such as ``AngryToHappy``."""
    video: str | None = None
    """The video's id in the manifest of the stimuli."""
    response_key: str | None = None
    """The key that was pressed."""
    response_time: float | None = None
    """Seconds from video onset to the press."""
    outcome: str | None = None
    """One of `OUTCOMES`, known when the video has ended."""
    monotonic: float
    """The computer's monotonic clock (s), which nobody sets."""
    wall: float | None = None
    """The computer's time of day at the onset: seconds since 1970 (UTC). It may be set during a session;
    onsets are not taken from it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialRow:
    """One line of ``trials.tsv``: what was shown in a trial and what the participant did."""

    trial: int
    """Number of the trial, from 1, over all blocks; practice has its own count."""
    block: int
    """Number of the block, from 1; 0 is practice."""
    practice: bool
    """True for the trials before the first block, which are never analysed."""
    face: str
    """The identity shown."""
    sex: str
    """Sex of the identity shown: male or female."""
    direction: str
    """What changes into what, such as ``AngryToHappy``."""
    video: str
    """The video's id in the manifest of the stimuli."""
    fixation_s: float
    """Planned length of the fixation cross (s)."""
    onset: float
    """Onset of the video: seconds on the session's clock."""
    response_key: str | None = None
    """First key that was pressed."""
    response_time: float | None = None
    """Seconds from video onset to the first press."""
    response_count: int = 0
    """Number of presses during the video."""
    outcome: str
    """One of `OUTCOMES`."""
    n_dropped_flips: int = 0
    """Screen refreshes that came late during the video."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FlipRow:
    """One line of ``frames.tsv``: a refresh of the screen during a trial."""

    trial: int
    """Number of the trial; practice trials are negative, so that they cannot be taken for real ones."""
    shown: str = "video"
    """What was on the screen: fixation, video or feedback."""
    flip: int
    """Number of the refresh within it, from 0."""
    time: float
    """Seconds on the session's clock at which the refresh happened."""
    frame: int | None = None
    """The video's frame that was on the screen; None for fixation and feedback."""
    predicted: float
    """Seconds on the session's clock at which the refresh was expected."""
    dropped: bool = False
    """True when it came later than it should."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimingRow:
    """One line of ``timing.tsv``: how the computer kept up with a trial."""

    trial: int
    """Number of the trial; practice trials are negative."""
    fixation_left_s: float | None = None
    """Seconds of the planned fixation that were left when the video was ready; negative when the cross had to
    stay longer."""
    video_s: float
    """Seconds from the first refresh of the video to the first one of the feedback."""
    late_fixation: int
    """Refreshes that came late during the cross, after its first."""
    late_video: int
    """Refreshes that came late during the video, after its first."""
    late_feedback: int
    """Refreshes that came late during the feedback, after its first."""
    clock_step_s: float = 0.0
    """By how much the computer's time of day was set during the trial (s); 0 when it was not."""
    memory_mb: float | None = None
    """Memory of the program (MiB)."""
    textures: int | None = None
    """Textures in the graphics card."""
    buffers: int | None = None
    """Buffers in the graphics card."""
    display_lists: int | None = None
    """Display lists in the graphics card."""


Row = TypeVar("Row", bound="DataclassInstance")
"""A frozen dataclass with plain values: one of those above, or another of the same kind."""


class RowWriter(Generic[Row]):
    r"""Write rows to a new file, each handed to the operating system as it comes.

    Parameters
    ----------
    path : Path
        File to write; its folder must exist.
    row_type : type
        `EventRow`, `TrialRow`, `FlipRow` or `TimingRow`.
    resume : bool
        False: the file must not exist. True: it must exist, and rows are added to it; an unfinished last
        line, which a crash leaves behind, is cut off first.

    Raises
    ------
    FileExistsError
        If the file exists and `resume` is False.
    ValueError
        If the file to resume has other columns.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with RowWriter(folder / "frames.tsv", FlipRow) as flips:
    ...     flips.write(FlipRow(trial=1, flip=0, time=2.5, frame=0, predicted=2.5, dropped=False))
    >>> print((folder / "frames.tsv").read_text(encoding="utf-8"), end="")
    trial	shown	flip	time	frame	predicted	dropped
    1	video	0	2.5	0	2.5	false
    """

    def __init__(self, path: Path, row_type: type[Row], *, resume: bool = False) -> None:
        self.path = path
        self.row_type: type[Row] = row_type
        self._values = attrgetter(*column_names(row_type))
        if resume:
            _cut_unfinished_line(path, row_type)
        try:
            self._file = path.open("ab" if resume else "xb", buffering=0)
        except FileExistsError:
            raise FileExistsError(
                f"{path} exists: a session never writes over another. Take another participant id, or resume."
            ) from None
        if not resume:
            self._add(_head(row_type))
            sync_folder(path.parent)

    def write(self, row: Row) -> None:
        """Write one row and hand it to the operating system; a crash of this program cannot lose it."""
        self.write_many((row,))

    def write_many(self, rows: Iterable[Row]) -> None:
        """Write several rows at once, for the hundreds of refreshes of a video.

        Raises
        ------
        OSError
            If they cannot be written, because the disk is full or gone; the rows before them stay.
        """
        self._add("".join(self._line(row) for row in rows).encode())

    def sync(self) -> None:
        """Wait until the rows are on the disk (some milliseconds): call it where nothing is timed."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise named(error, self.path) from None

    def close(self) -> None:
        """Close the file; harmless when it is closed already."""
        if not self._file.closed:
            try:
                self.sync()
            finally:
                self._file.close()

    def _add(self, content: bytes) -> None:
        try:
            add_bytes(self._file, content)
        except OSError as error:
            raise named(error, self.path) from None

    def _line(self, row: Row) -> str:
        if type(row) is not self.row_type:
            raise ValueError(f"{self.path.name} takes {self.row_type.__name__}, not {type(row).__name__}")
        return "\t".join([_to_text(value) for value in self._values(row)]) + "\n"

    def __enter__(self) -> RowWriter[Row]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_rows(path: Path, row_type: type[Row]) -> list[Row]:
    """Read what a `RowWriter` wrote; an unfinished last line, which a crash leaves behind, is dropped.

    A file of an earlier version may lack columns that have a default.

    Parameters
    ----------
    path : Path
        The file.
    row_type : type
        `EventRow`, `TrialRow`, `FlipRow` or `TimingRow`.

    Returns
    -------
    list of row_type
        One object per complete line, in the order of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its columns or its values are not those of `row_type`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: was the session started?")
    lines = whole_lines(path.read_bytes()).split(b"\n")[:-1]
    if not lines:
        return []
    head = lines[0].decode("utf-8", errors="replace").split("\t")
    known = [field for field in dataclasses.fields(row_type) if field.name in head]
    absent = [field for field in dataclasses.fields(row_type) if field.name not in head]
    if [field.name for field in known] != head or any(f.default is dataclasses.MISSING for f in absent):
        names = ", ".join(column_names(row_type))
        raise ValueError(f"{path}: expected the columns {names}; found {', '.join(head)}")
    parsers = [parser for parser in _parsers(row_type) if parser[0] in head]
    return [_parse(line, path, number, parsers, row_type) for number, line in enumerate(lines[1:], start=2)]


def column_names(row_type: type[Any]) -> tuple[str, ...]:
    """Name the columns of a row type, in the order of its file.

    >>> column_names(FlipRow)
    ('trial', 'shown', 'flip', 'time', 'frame', 'predicted', 'dropped')
    """
    return tuple(field.name for field in dataclasses.fields(row_type))


def _head(row_type: type[Any]) -> bytes:
    return ("\t".join(column_names(row_type)) + "\n").encode()


def _to_text(value: object) -> str:
    """Write a value: seconds to the microsecond, booleans as true and false, nothing as n/a."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(round(value, 6)) if math.isfinite(value) else MISSING
    if value is None:
        return MISSING
    return " ".join(str(value).split()) or MISSING


def _parse_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"expected true or false, found {text!r}")
    return text == "true"


def _parsers(row_type: type[Any]) -> list[tuple[str, Callable[[str], Any], bool]]:
    """Say for each column: its name, how its text becomes a value, and whether it may be missing."""
    parsers: list[tuple[str, Callable[[str], Any], bool]] = []
    for name, hint in typing.get_type_hints(row_type).items():
        kinds = typing.get_args(hint) or (hint,)
        kind = next(kind for kind in kinds if kind is not type(None))
        parsers.append((name, _parse_bool if kind is bool else kind, type(None) in kinds))
    return parsers


def _parse(
    line: bytes,
    path: Path,
    number: int,
    parsers: list[tuple[str, Callable[[str], Any], bool]],
    row_type: type[Row],
) -> Row:
    texts = line.decode("utf-8").rstrip("\r").split("\t")
    if len(texts) != len(parsers):
        raise ValueError(f"{path}, line {number}: expected {len(parsers)} columns, found {len(texts)}")
    values: dict[str, Any] = {}
    for text, (name, parse, optional) in zip(texts, parsers, strict=True):
        try:
            values[name] = None if optional and text == MISSING else parse(text)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, column {name}: {error}") from None
    return row_type(**values)


def _cut_unfinished_line(path: Path, row_type: type[Any]) -> None:
    """Make a file that a crash left behind ready for more rows."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path} to resume")
    content, head = path.read_bytes(), _head(row_type)
    whole = whole_lines(content)
    if not whole and head.startswith(content.partition(b"\0")[0]):  # the power was cut before its first row
        write_whole(path, head.decode(), replace=True)
        return
    if not whole.startswith(head):
        raise ValueError(f"{path} has other columns than this version writes: it cannot be resumed")
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
