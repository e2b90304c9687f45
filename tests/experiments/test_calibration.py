"""Calibration: on a display in real time, with a photodiode that an LSL stream or a file has recorded."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import calibration
from experiments.display import Flip
from hardware.calibration import latest_calibration
from hardware.settings import RecorderSettings, RigSettings, TriggerSettings
from hardware.triggers import NoTrigger

pytestmark = pytest.mark.real_time

LIGHT_AFTER_S = 0.012
"""How late the light of the twin of a screen is."""


class FlatPanel:
    """The twin of a screen in real time: 100 refreshes a second, and light after a known delay."""

    def __init__(self, now: Callable[[], float], *, rate_hz: float = 100.0, on_light: Any = None) -> None:
        self.now = now
        self.levels: list[tuple[float, int]] = []
        """Time by `time.perf_counter` of each refresh, and the grey of the square from then on."""
        self.missed = 0
        self._period_s = 1 / rate_hz
        self._level = 0
        self._start_s = now()
        self._number = 0

    def text(self, text: str) -> None:
        assert "measured now" in text

    def patch(self, level: int) -> None:
        self._level = level

    def flip(self, on_flip: Callable[[], None] | None = None) -> Flip:
        step = max(1, int((self.now() - self._start_s) / self._period_s) + 1 - self._number)
        self._number += step
        due_s = self._start_s + self._number * self._period_s
        while (left_s := due_s - self.now()) > 0:
            time.sleep(left_s / 2)
        flip_s = self.now()
        self.levels.append((time.perf_counter(), self._level))
        if on_flip is not None:
            on_flip()
        return Flip(flip_s, due_s, self._number, step - 1)

    def describe(self) -> dict[str, Any]:
        return {"kind": "twin", "real_time_priority": False}

    def close(self) -> None:
        pass


class DiodeStream:
    """An LSL stream with a photodiode in front of the panel."""

    def __init__(self) -> None:
        import pylsl

        self.name = f"amplifier {uuid.uuid4()}"
        self.panel: FlatPanel | None = None
        info = pylsl.StreamInfo(self.name, "EMG", 3, 2000, "float32", f"id {uuid.uuid4()}")
        channels = info.desc().append_child("channels")
        for label in ("corrugator", "zygomaticus", "diode"):
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", "microvolts")
        self._outlet = pylsl.StreamOutlet(info, chunk_size=40)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """Send samples 50 ms after they were taken, so that what the panel shows in between is known."""
        import pylsl

        offset_s = pylsl.local_clock() - time.perf_counter()
        start_s, n_sent = time.perf_counter(), 0
        while not self._stopped.wait(0.02):
            n_due = int((time.perf_counter() - 0.05 - start_s) * 2000) - n_sent
            if n_due <= 0:
                continue
            times_s = start_s + (n_sent + np.arange(n_due)) / 2000
            rows = np.zeros((n_due, 3), dtype=np.float32)
            rows[:, 2] = 3.0 + 200.0 * self._light(times_s) + np.random.default_rng(n_sent).normal(size=n_due)
            self._outlet.push_chunk(rows, timestamp=float(times_s[-1]) + offset_s)
            n_sent += n_due

    def _light(self, times_s: np.ndarray) -> np.ndarray:
        levels = list(self.panel.levels) if self.panel else []
        if not levels:
            return np.zeros_like(times_s)
        at_s, level = np.array(levels).T
        index = np.searchsorted(at_s, times_s - LIGHT_AFTER_S, side="right") - 1
        return np.where(index >= 0, level[np.maximum(index, 0)] / 255, 0)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        del self._outlet


@contextmanager
def diode_stream() -> Iterator[DiodeStream]:
    stream = DiodeStream()
    try:
        yield stream
    finally:
        stream.stop()


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "HINT_S", 0.1)
    monkeypatch.setattr(calibration, "PLACING_S", 0.1)


def calibrated(path: Path, rig: RigSettings, **choices: Any) -> tuple[Path, calibration.Calibration]:
    usual: dict[str, Any] = {
        "n_flips": 60,
        "n_flashes": 10,
        "photodiode": None,
        "allow_unmeasured_refresh": True,
        "open_display": lambda rig, now, allowed: FlatPanel(now),
    }
    return calibration.calibrate(path, rig, **{**usual, **choices})


def test_refresh_and_triggers_are_measured_and_kept_beside_the_rig_file(tmp_path: Path) -> None:
    rig = RigSettings(refresh_hz=100.0)
    path, measured = calibrated(tmp_path / "rig.toml", rig)
    assert path.parent == tmp_path
    assert latest_calibration(tmp_path / "rig.toml") == (path, measured)
    assert measured.interval_mean_ms == pytest.approx(10 * (1 + measured.n_missed / 60), rel=0.5)
    assert measured.n_flips >= 60 + 10 * (calibration.LIGHT_FLIPS + calibration.DARK_FLIPS[0])
    assert measured.trigger_delay.n == 10
    assert 0 <= measured.trigger_delay.lowest_ms <= measured.trigger_delay.median_ms
    assert measured.light_delay is None
    assert any("real-time priority was not granted" in line for line in calibration.advice(measured))


def test_each_flash_has_one_trigger_at_its_first_refresh_and_a_reset_at_the_next() -> None:
    class Port(NoTrigger):
        pulse = "next_flip"

        def reset(self) -> None:
            self.sent.append(0)

    panel, port = FlatPanel(time.perf_counter, rate_hz=500.0), Port()
    flashes = calibration.measure_triggers(panel, port, n_flashes=3, rng=np.random.default_rng(1))
    assert port.sent == [calibration.CODE, 0] * 3
    lit = [level for _, level in panel.levels]
    assert sum(level == calibration.LIGHT for level in lit) == 3 * calibration.LIGHT_FLIPS
    times = zip(panel.levels[1:], panel.levels, strict=False)
    starts = [at_s for (at_s, level), (_, before) in times if level > before]
    assert np.diff(flashes.sent_s[1:]) == pytest.approx(np.diff(starts), abs=0.02)


@pytest.mark.parametrize(
    ("rate_hz", "rig_hz", "message"),
    [(None, 60.0, "cannot be measured"), (75.0, 60.0, "75.00 times a second, the rig file says 60")],
)
def test_a_wrong_refresh_is_refused(rate_hz: float | None, rig_hz: float, message: str) -> None:
    refresh = calibration.Refresh(rate_hz=rate_hz, mean_ms=13.3, sd_ms=0.1, n_flips=300, n_missed=0)
    with pytest.raises(ValueError, match=message):
        calibration.check_rate(refresh, RigSettings(refresh_hz=rig_hz), False)


def test_the_light_is_found_in_the_amplifier_s_stream(tmp_path: Path) -> None:
    with diode_stream() as stream:
        rig = RigSettings(
            refresh_hz=100.0,
            triggers=(TriggerSettings(kind="lsl", stream_name=f"triggers {uuid.uuid4()}"),),
            recorder=RecorderSettings(kind="lsl", stream_name=stream.name),
        )

        def panel(rig: RigSettings, now: Callable[[], float], allowed: bool) -> FlatPanel:
            stream.panel = FlatPanel(now)
            return stream.panel

        _, measured = calibrated(
            tmp_path / "rig.toml", rig, photodiode="diode", n_flashes=20, open_display=panel
        )
        with pytest.raises(ValueError, match=r"no channel 'light'.*corrugator, zygomaticus, diode"):
            calibrated(tmp_path / "rig.toml", rig, photodiode="light")
    light = measured.light_delay
    assert light is not None
    assert light.n >= 16
    assert light.median_ms == pytest.approx(1000 * LIGHT_AFTER_S, abs=1.5)
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_a_recorder_of_another_program_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give the file with --recording"):
        calibrated(tmp_path / "rig.toml", RigSettings(), photodiode="diode")
    assert list(tmp_path.iterdir()) == []


def recording(folder: Path, *, status: str = "Status") -> Path:
    """A BDF file with flashes: codes of 255, light 20.5 ms later."""
    import edfio

    n_samples, fs_hz = 60_000, 2000
    light, codes = np.zeros(n_samples), np.zeros(n_samples, dtype=np.int32)
    for first in range(2000, 58_000, 900):
        codes[first : first + 16] = 255
        light[first + 41 : first + 241] = 1000.0
    light += np.random.default_rng(3).normal(size=n_samples)
    path = folder / "recording.bdf"
    signals = [
        edfio.BdfSignal(light, fs_hz, label="Erg1", physical_dimension="uV", physical_range=(-5000, 5000)),
        edfio.BdfSignal.from_digital(codes, fs_hz, label=status),
    ]
    edfio.Bdf(signals, data_record_duration=1).write(path)
    return path


def test_the_light_is_found_in_a_file_of_another_program(tmp_path: Path) -> None:
    rig, settings = tmp_path / "rig.toml", RigSettings(refresh_hz=100.0)
    file = recording(tmp_path)
    with pytest.raises(ValueError, match="has no calibration to which the light could be added"):
        calibration.add_light(rig, settings, file, photodiode="Erg1")
    _, first = calibrated(rig, settings)
    time.sleep(1.1)  # calibrations are dated to the second
    path, second = calibration.add_light(rig, settings, file, photodiode="Erg1")
    assert second.light_delay is not None
    assert second.light_delay.n == 63
    assert second.light_delay.median_ms == pytest.approx(20.25, abs=0.26)
    assert replace(second, date=first.date, light_delay=None) == first
    assert latest_calibration(rig) == (path, second)
    with pytest.raises(ValueError, match="no channel 'diode': its channels are Erg1"):
        calibration.add_light(rig, settings, file, photodiode="diode")


def test_a_file_without_codes_is_answered(tmp_path: Path) -> None:
    from hardware.diode_recording import delays_in_file

    with pytest.raises(ValueError, match="has no trigger code 7"):
        delays_in_file(recording(tmp_path), photodiode="Erg1", status_channel="Status", code=7)
    (tmp_path / "text.bdf").write_text("no recording")
    with pytest.raises(ValueError, match="cannot be read"):
        delays_in_file(tmp_path / "text.bdf", photodiode="Erg1", status_channel="Status", code=7)
