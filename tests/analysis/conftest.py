"""Recordings in the formats of other programs, and the log of a session, written small."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import edfio
import numpy as np
import pytest
from scipy.io import savemat

from experiments.dataset.rows import EventRow, RowWriter, TrialRow

CODES = {"fixation": 1, "video_AngryToHappy": 11, "video_HappyToAngry": 12, "feedback": 31}
Markers = Sequence[tuple[int, str]]


def write_edf(
    path: Path,
    signals: Mapping[str, np.ndarray],
    *,
    fs_hz: int,
    status: np.ndarray | None = None,
    units: str = "uV",
) -> Path:
    """Write whole seconds of microvolts, and codes, as BDF or EDF by the name of the file."""
    is_bdf = path.suffix == ".bdf"
    kind = edfio.BdfSignal if is_bdf else edfio.EdfSignal
    scale = {"uV": 1, "mV": 1e-3, "V": 1e-6, "": 1}[units]
    channels = []
    for name, values in signals.items():
        limit = max(float(f"{np.abs(values).max() * scale * 1.01:.3g}"), 1e-3)
        physical = {"physical_dimension": units, "physical_range": (-limit, limit)}
        channels.append(kind(values * scale, fs_hz, label=name, **physical))
    if status is not None:
        channels.append(
            kind.from_digital(status.astype(np.int32 if is_bdf else np.int16), fs_hz, label="Status")
        )
    (edfio.Bdf if is_bdf else edfio.Edf)(channels, data_record_duration=1).write(path)
    return path


def write_brainvision(path: Path, signals: Mapping[str, np.ndarray], *, fs_hz: int, markers: Markers) -> Path:
    """Write the three files of a BrainVision recording; `path` is the header."""
    names = "\n".join(f"Ch{number}={name},,1,µV" for number, name in enumerate(signals, start=1))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\nMarkerFile={path.stem}.vmrk\nDataFormat=BINARY\n"
        f"DataOrientation=MULTIPLEXED\nNumberOfChannels={len(signals)}\nSamplingInterval={1e6 / fs_hz}\n"
        f"[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n[Channel Infos]\n{names}\n",
        encoding="utf-8",
    )
    lines = [f"Mk{n}=Stimulus,{text},{sample + 1},1,0" for n, (sample, text) in enumerate(markers, start=2)]
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101120000000000\n"
        + "\n".join(lines)
        + "\n",
        encoding="utf-8",
    )
    np.vstack(list(signals.values())).T.astype("<f4").tofile(path.with_suffix(".eeg"))
    return path


def write_eeglab(path: Path, signals: Mapping[str, np.ndarray], *, fs_hz: int, markers: Markers) -> Path:
    """Write an EEGLAB set with its data inside."""
    data = np.vstack(list(signals.values())).astype(np.float32)
    locations = np.array([(name,) for name in signals], dtype=[("labels", object)])
    events = np.array(
        [(text, sample + 1.0, 1.0) for sample, text in markers],
        dtype=[("type", object), ("latency", object), ("duration", object)],
    )
    content = {
        "setname": "made",
        "nbchan": len(signals),
        "trials": 1,
        "pnts": data.shape[1],
        "srate": float(fs_hz),
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / fs_hz,
        "data": data,
        "chanlocs": locations,
        "event": events,
        "epoch": np.array([]),
        "icawinv": np.array([]),
        "icasphere": np.array([]),
        "icaweights": np.array([]),
        "icachansind": np.array([]),
        "history": "",
        "ref": "common",
    }
    savemat(path, {"EEG": content}, appendmat=False)
    return path


def _xdf_chunk(tag: int, content: bytes) -> bytes:
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def _xdf_stream(number: int, header: str, times_s: Sequence[float], samples: Sequence[bytes]) -> bytes:
    rows = b"".join(b"\x08" + struct.pack("<d", at) + row for at, row in zip(times_s, samples, strict=True))
    count = b"\x04" + struct.pack("<I", len(samples))
    footer = f"<?xml version='1.0'?><info><sample_count>{len(samples)}</sample_count></info>".encode()
    stream = struct.pack("<I", number)
    return (
        _xdf_chunk(2, stream + header.encode())
        + (_xdf_chunk(3, stream + count + rows) if samples else b"")
        + _xdf_chunk(6, stream + footer)
    )


def write_xdf(
    path: Path,
    signals: Mapping[str, np.ndarray],
    *,
    fs_hz: float,
    markers: Markers,
    units: str = "microvolts",
    gap: tuple[int, float] | None = None,
    declared_hz: float | None = None,
    stream_type: str = "EMG",
) -> Path:
    """Write an XDF file with an EMG stream that starts at 1000 s, and a marker stream.

    From sample `gap[0]` on, all time stamps are later by `gap[1]` seconds.
    """
    values = np.vstack(list(signals.values())).T.astype("<f8")
    times_s = 1000 + np.arange(len(values)) / fs_hz
    if gap is not None:
        times_s[gap[0] :] += gap[1]
    described = "".join(f"<channel><label>{name}</label><unit>{units}</unit></channel>" for name in signals)
    emg = (
        f"<?xml version='1.0'?><info><name>amp</name><type>{stream_type}</type>"
        f"<channel_count>{len(signals)}</channel_count><nominal_srate>{declared_hz or fs_hz}</nominal_srate>"
        f"<channel_format>double64</channel_format><desc><channels>{described}</channels></desc></info>"
    )
    triggers = (
        "<?xml version='1.0'?><info><name>triggers</name><type>Markers</type><channel_count>1</channel_count>"
        "<nominal_srate>0</nominal_srate><channel_format>string</channel_format></info>"
    )
    texts = [b"\x01" + bytes([len(text)]) + text.encode() for _, text in markers]
    path.write_bytes(
        b"XDF:"
        + _xdf_chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")
        + _xdf_stream(1, emg, times_s, [row.tobytes() for row in values])
        + _xdf_stream(2, triggers, [times_s[sample] for sample, _ in markers], texts)
    )
    return path


class RecordingFiles:
    """Two muscles of raw EMG for some trials, in any format.

    `onsets` are the samples at which the videos begin; `markers` and `status` carry all codes of the session.
    """

    fs_hz = 1200
    n_trials = 6
    trial_s = 9

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rng = np.random.default_rng(11)
        n_samples = (self.n_trials * self.trial_s + 3) * self.fs_hz
        self.signals = {name: rng.normal(0, 8, n_samples) for name in ("corrugator", "zygomaticus")}
        starts = (2 + self.trial_s * np.arange(self.n_trials)) * self.fs_hz
        self.fixations = starts + 7
        self.onsets = starts + round(2.5 * self.fs_hz)
        self.feedbacks = self.onsets + 5 * self.fs_hz
        self.directions = ["AngryToHappy", "HappyToAngry"] * (self.n_trials // 2)

    @property
    def coded(self) -> list[tuple[int, int]]:
        """All (sample, code) of the session, in order."""
        coded = [(self.fs_hz, 210)]
        for fixation, onset, feedback, direction in zip(
            self.fixations, self.onsets, self.feedbacks, self.directions, strict=True
        ):
            coded += [(fixation, 1), (onset, CODES[f"video_{direction}"]), (feedback, 31)]
        return [(int(sample), code) for sample, code in [*coded, (coded[-1][0] + self.fs_hz, 211)]]

    @property
    def markers(self) -> list[tuple[int, str]]:
        """The codes as a marker stream has them."""
        return [(sample, str(code)) for sample, code in self.coded]

    @property
    def status(self) -> np.ndarray:
        """The codes as pulses of 10 ms on a status channel."""
        status = np.zeros(len(self.signals["corrugator"]), dtype=int)
        for sample, code in self.coded:
            status[sample : sample + 12] = code
        return status

    def bdf(self, name: str = "made.bdf", **changes: object) -> Path:
        """Write a BDF (or, by its name, EDF) file."""
        content = {"signals": self.signals, "status": self.status, "fs_hz": self.fs_hz, **changes}
        return write_edf(self.folder / name, **content)

    def brainvision(self, **changes: object) -> Path:
        """Write a BrainVision recording."""
        markers = [(sample, f"S{code:>3}") for sample, code in self.coded]
        content = {"signals": self.signals, "markers": markers, "fs_hz": self.fs_hz, **changes}
        return write_brainvision(self.folder / "made.vhdr", **content)

    def eeglab(self, **changes: object) -> Path:
        """Write an EEGLAB set."""
        content = {"signals": self.signals, "markers": self.markers, "fs_hz": self.fs_hz, **changes}
        return write_eeglab(self.folder / "made.set", **content)

    def xdf(self, **changes: object) -> Path:
        """Write an XDF file."""
        content = {"signals": self.signals, "markers": self.markers, "fs_hz": self.fs_hz, **changes}
        return write_xdf(self.folder / "made.xdf", **content)

    def text(self, name: str = "made.csv", *, columns: Mapping[str, np.ndarray] | None = None) -> Path:
        """Write a comma-separated text with a head line and one trigger line, high for 10 ms at each "
        "video."""
        line = np.zeros(len(self.signals["corrugator"]))
        for onset in self.onsets:
            line[onset : onset + 12] = 4.8
        content = {**self.signals, "video": line, **(columns or {})}
        path = self.folder / name
        np.savetxt(
            path,
            np.column_stack(list(content.values())),
            delimiter=",",
            header=",".join(content),
            comments="",
            fmt="%.9g",
        )
        return path

    def map(self, text: str, name: str = "map.toml") -> Path:
        """Write a channel map."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def log(self, study: Path, participant: str, *, stretch: float = 1.0, finished: bool = True) -> None:
        """Write the session's own log, on a clock that runs `stretch` times as fast and starts elsewhere."""
        folder = study / "sourcedata" / f"sub-{participant}"
        folder.mkdir(parents=True)

        def at(sample: int) -> float:
            return float(17.0 + stretch * sample / self.fs_hz)

        with RowWriter(folder / "events.tsv", EventRow) as events:
            kinds = {1: "fixation", 11: "video", 12: "video", 31: "feedback", 210: "session_start"}
            kinds[211] = "session_end"
            for number, (sample, code) in enumerate(self.coded[: None if finished else -1]):
                kind = kinds[code]
                about = {"trial": (number - 1) // 3 + 1, "block": 1} if code < 200 else {}
                if kind == "video":
                    about |= {"face": "id01", "direction": {v: k for k, v in CODES.items()}[code][6:]}
                events.write(
                    EventRow(onset=at(sample), trial_type=kind, value=code, monotonic=at(sample), **about)
                )
        with RowWriter(folder / "trials.tsv", TrialRow) as trials:
            for number, (onset, direction) in enumerate(
                zip(self.onsets, self.directions, strict=True), start=1
            ):
                trials.write(
                    TrialRow(
                        trial=number,
                        block=1,
                        practice=False,
                        face="id01",
                        sex="female",
                        direction=direction,
                        video=f"id01_{direction}",
                        fixation_s=2.5,
                        onset=at(onset),
                        response_key="up",
                        response_time=2.4,
                        response_count=1,
                        outcome="correct",
                    )
                )


@pytest.fixture
def files(tmp_path: Path) -> RecordingFiles:
    """Return a writer of recordings."""
    folder = tmp_path / "from elsewhere"
    folder.mkdir()
    return RecordingFiles(folder)
