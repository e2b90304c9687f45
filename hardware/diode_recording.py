"""A photodiode on a channel of the amplifier's LSL stream, recorded while flashes are shown."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hardware.calibration import Spread, spread
from hardware.lsl_library import load_pylsl
from hardware.photodiode import light_delays, light_onsets
from hardware.settings import RigSettings
from hardware.status_channel import code_begins

FIND_S = 5.0
"""Longest wait for the stream."""

AFTER_S = 0.5
"""How long the stream is recorded after the last flash."""


class DiodeRecording:
    """Records the rig's LSL stream from `start` to `delays`.

    Parameters
    ----------
    rig : RigSettings
        The rig; its recorder must be an LSL stream.
    channel : str
        Name of the photodiode's channel.

    Raises
    ------
    ValueError
        If the rig has no such stream or channel.
    """

    def __init__(self, rig: RigSettings, channel: str) -> None:
        if rig.recorder.kind != "lsl":
            raise ValueError(
                'the light can be measured here when the suite records ([recorder] kind = "lsl"). With '
                "another program: record the photodiode on a channel of the amplifier, and give the "
                "file with --recording afterwards"
            )
        from hardware.recorders.lsl_streams import find_signal_inlet

        load_pylsl()
        stream, self._inlet = find_signal_inlet(rig, find_s=FIND_S)
        labels = [one.label for one in stream.channels]
        if channel not in labels:
            self._inlet.close_stream()
            raise ValueError(
                f"the stream {stream.name!r} has no channel {channel!r} for the photodiode: its channels are "
                f"{', '.join(labels)}"
            )
        self._diode = labels.index(channel)
        self._status = stream.status if any(trigger.kind != "lsl" for trigger in rig.triggers) else None
        self._times_s: list[float] = []
        self._samples: list[tuple[float, float]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._record, name="photodiode", daemon=True)

    def __enter__(self) -> DiodeRecording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        self._inlet.close_stream()

    def start(self) -> None:
        """Begin to record; what came before is forgotten."""
        self._inlet.flush()
        self._thread.start()

    def delays(self, sent_s: list[float], now: Callable[[], float]) -> Spread:
        """Return the delays of the light after its triggers.

        Parameters
        ----------
        sent_s : list of float
            When the triggers were sent (s).
        now : callable
            The clock of these times.

        Returns
        -------
        Spread
            Delays after the code in the stream's status channel, where the rig has one; otherwise after the
            time at which the marker was sent.
        """
        self._stopped.wait(AFTER_S)
        correction_s = self._inlet.time_correction(timeout=FIND_S)
        offset_s = load_pylsl().local_clock() - now()
        self._stop()
        times_s = np.asarray(self._times_s) + correction_s
        samples = np.asarray(self._samples)
        triggers_s = np.asarray(sent_s) + offset_s
        if self._status is not None:
            triggers_s = times_s[code_begins(samples[:, 1])[0]]
        return spread(light_delays(triggers_s, light_onsets(times_s, samples[:, 0])).delays_ms)

    def _record(self) -> None:
        """Take the samples of the photodiode and of the status channel as they come."""
        while not self._stopped.is_set():
            chunk, times = self._inlet.pull_chunk(timeout=0.1, max_samples=4096)
            self._times_s += times
            self._samples += [self._chosen(sample) for sample in chunk]

    def _chosen(self, sample: Any) -> tuple[float, float]:
        return float(sample[self._diode]), 0.0 if self._status is None else float(sample[self._status])

    def _stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)


def delays_in_file(path: Path, *, photodiode: str, status_channel: str, code: int) -> Spread:
    """Return the delays of the light after its triggers in a recording that another program made.

    Parameters
    ----------
    path : Path
        The amplifier's file, in any format that MNE reads (BDF, EDF, BrainVision, GDF, ...).
    photodiode : str
        Its channel with the photodiode.
    status_channel : str
        Its channel with the trigger codes; markers of the file are used where there is none.
    code : int
        The code of a flash.

    Raises
    ------
    ValueError
        If the file cannot be read, or lacks the channel or the codes.
    """
    import mne

    try:
        raw = mne.io.read_raw(path, verbose="error")
    except (ValueError, RuntimeError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}): give the file that the amplifier wrote") from None
    if photodiode not in raw.ch_names:
        raise ValueError(f"{path} has no channel {photodiode!r}: its channels are {', '.join(raw.ch_names)}")
    light = raw.get_data(picks=[photodiode])[0]
    if status_channel in raw.ch_names:
        indices, codes = code_begins(raw.get_data(picks=[status_channel])[0])
        triggers_s = raw.times[indices[codes == code]]
    else:
        pattern = re.compile(rf"\D*\b0*{code}|.*\D0*{code}")
        marks = raw.annotations
        triggers_s = np.asarray(
            [
                onset
                for onset, text in zip(marks.onset, marks.description, strict=True)
                if pattern.fullmatch(str(text))
            ]
        )
    if not len(triggers_s):
        raise ValueError(
            f"{path} has no trigger code {code}: record while `python -m hardware calibrate` flashes, with "
            f"the trigger channel {status_channel!r} switched on"
        )
    return spread(light_delays(triggers_s, light_onsets(raw.times, light)).delays_ms)
