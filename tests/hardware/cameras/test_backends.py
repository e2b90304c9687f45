"""Cameras of makers: their settings, what they are told, and what is said where a library is absent.

Pylon is tested with its emulator, GenICam with the simulating producer of the package ``genicam``; both are
skipped where they are not installed.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from hardware.cameras.backend import CameraBackend, CameraGone
from hardware.cameras.choose import make_camera
from hardware.cameras.codecs import CODECS, loss_warning
from hardware.cameras.features import apply_features, wanted_features
from hardware.cameras.recorder import FrameRecorder
from hardware.cameras.settings import CameraSettings, camera_settings


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install {module}")


# -- settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, "needs backend and fps"),
        ({"backend": "basler", "fps": 30}, "backend is one of pylon, flir"),
        ({"backend": "pylon", "fps": 0}, "more than 0"),
        ({"backend": "pylon", "fps": "30"}, "fps is a number, found '30'"),
        ({"backend": "pylon", "fps": True}, "fps is a number, found True"),
        ({"backend": "pylon", "fps": 30, "width_px": 640.5}, "width_px is a whole number"),
        ({"backend": "pylon", "fps": 30, "exposure": 5}, "did you mean exposure_us"),
        ({"backend": "pylon", "fps": 100, "exposure_us": 12000}, "does not fit into a frame of 10000 us"),
        ({"backend": "pylon", "fps": 30, "codec": "avc1"}, "no codec 'avc1'"),
        ({"backend": "pylon", "fps": 30, "sync": "lamp"}, "needs lamp_px"),
        ({"backend": "pylon", "fps": 30, "lamp_px": [1, 2, 3]}, "lamp_px is"),
        ({"backend": "genicam", "fps": 30}, "needs producer"),
        ({"backend": "replay", "fps": 30}, "needs source"),
    ],
)
def test_wrong_settings_are_refused_by_name(section: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        camera_settings(section)


def test_settings_are_read_with_paths_from_the_rig_file(tmp_path: Path) -> None:
    settings = camera_settings(
        {"backend": "replay", "fps": 30, "source": "m.mkv", "sync": "lamp", "lamp_px": [1, 2, 3, 4]},
        folder=tmp_path,
    )
    assert settings.source == str(tmp_path / "m.mkv")
    assert settings.lamp_px == (1, 2, 3, 4)
    assert settings.record()["codec"] == "ffv1"
    webcam = camera_settings({"backend": "opencv", "fps": 30, "source": "1"}, folder=tmp_path)
    assert webcam.source == "1"


@pytest.mark.parametrize("name", ["pylon", "flir", "genicam", "opencv", "replay", "synthetic"])
def test_every_backend_is_a_backend(name: str, tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    settings = CameraSettings(
        backend=name,  # type: ignore[arg-type]
        fps=30,
        source=str(tmp_path / "film"),
        producer=str(tmp_path / "x.cti"),
    )
    assert isinstance(make_camera(settings), CameraBackend)


@pytest.mark.parametrize(
    ("name", "module", "advice"),
    [
        ("pylon", "pypylon", "pip install pypylon"),
        ("genicam", "harvesters", "pip install harvesters"),
        ("flir", "PySpin", "Spinnaker SDK"),
    ],
)
def test_an_absent_library_is_said_with_what_to_do(
    name: str, module: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in [known for known in sys.modules if known.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, module, None)
    settings = CameraSettings(backend=name, fps=30, producer="x.cti")  # type: ignore[arg-type]
    with pytest.raises(ImportError, match=advice):
        make_camera(settings).open()


# -- what GenICam cameras are told ------------------------------------------------------------------------


def test_a_free_camera_is_told_its_rate_and_a_triggered_one_its_line() -> None:
    free = {f.names[0]: f.value for f in wanted_features(CameraSettings(backend="pylon", fps=30))}
    assert free["TriggerMode"] == "Off"
    assert free["AcquisitionFrameRate"] == 30
    settings = CameraSettings(backend="pylon", fps=30, trigger_line="Line1", exposure_line="Line2")
    told = [(f.names[0], f.value) for f in wanted_features(settings)]
    assert told[-1] == ("LineSource", "ExposureActive")
    assert ("TriggerSource", "Line1") in told
    assert told.index(("TriggerMode", "On")) > told.index(("TriggerSource", "Line1"))
    assert not any(name == "AcquisitionFrameRate" for name, _ in told)
    assert {("ExposureAuto", "Off"), ("GainAuto", "Off"), ("PixelFormat", "Mono8")} <= set(told)


def test_older_names_are_tried_and_what_a_camera_cannot_is_refused() -> None:
    settings = CameraSettings(backend="pylon", fps=30, exposure_us=4000)
    known = {"PixelFormat", "ExposureTimeAbs", "AcquisitionFrameRateAbs"}
    told = apply_features(settings, lambda name, value: name in known)
    assert told == {"PixelFormat": "Mono8", "ExposureTimeAbs": "4000", "AcquisitionFrameRateAbs": "30"}
    with pytest.raises(ValueError, match="has no ExposureTime or ExposureTimeAbs"):
        apply_features(settings, lambda name, value: name == "PixelFormat")

    def refuse(name: str, value: object) -> bool:
        if name == "PixelFormat":
            raise RuntimeError("not writable")
        return True

    with pytest.raises(ValueError, match=r"does not take PixelFormat = Mono8 \(not writable\)"):
        apply_features(settings, refuse)


def test_what_is_lossy_is_warned_of_with_what_was_measured() -> None:
    for name, codec in CODECS.items():
        warning = loss_warning(name)
        assert (warning is None) == codec.lossless
        if warning is not None:
            assert f"r = {codec.hog_r:.3f}" in warning
            assert "ffv1" in warning


# -- OpenCV -----------------------------------------------------------------------------------------------


def test_opencv_gives_the_frames_of_its_source_and_says_when_it_is_gone(tmp_path: Path) -> None:
    for number in range(4):
        picture = np.full((48, 64, 3), 40 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"frame_{number:03d}.png"), picture)
    source = str(tmp_path / "frame_%03d.png")
    camera = make_camera(CameraSettings(backend="opencv", fps=25, source=source))
    facts = camera.open()
    assert (facts.width_px, facts.height_px, facts.has_ids, facts.has_times) == (64, 48, False, False)
    camera.start()
    frames = [camera.grab(0.1) for _ in range(3)]
    assert [int(frame.image[0, 0]) for frame in frames if frame.image is not None] == [40, 80, 120]
    assert frames[0].device_id is None
    assert frames[0].device_s is None
    for _ in range(4):
        with pytest.raises(TimeoutError):
            camera.grab(0.001)
    with pytest.raises(CameraGone, match="look at its cable"):
        camera.grab(0.001)
    camera.stop()
    camera.close()
    camera.close()


def test_a_webcam_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="cannot open camera"):
        make_camera(CameraSettings(backend="opencv", fps=25, source=str(tmp_path / "no.avi"))).open()


# -- pylon's emulator -------------------------------------------------------------------------------------


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> CameraSettings:
    needs("pypylon")
    monkeypatch.setenv("PYLON_CAMEMU", "2")
    return CameraSettings(
        backend="pylon", fps=50, exposure_us=4000, serial="0815-0000", width_px=641, height_px=480
    )


def test_pylon_sets_what_is_asked_and_counts_frames(emulated: CameraSettings) -> None:
    camera = make_camera(emulated)
    facts = camera.open()
    assert (facts.width_px % 2, facts.height_px, facts.fps) == (facts.width_px % 2, 480, 50.0)
    assert facts.exposure_us == 4000
    assert facts.simulated
    assert facts.settings["ExposureTime"] == "4000"
    camera.start()
    frames = [camera.grab(1.0) for _ in range(10)]
    assert [frame.device_id for frame in frames] == list(range(10))
    assert all(frame.image is not None and frame.image.dtype == np.uint8 for frame in frames)
    assert np.ptp([frame.host_s for frame in frames]) == pytest.approx(9 / 50, abs=0.1)
    with pytest.raises(TimeoutError):
        [camera.grab(0.001) for _ in range(30)]
    camera.stop()
    camera.close()
    camera.close()


def test_pylon_frames_that_failed_are_listed_and_not_in_the_video(
    emulated: CameraSettings, tmp_path: Path
) -> None:
    camera = make_camera(emulated)
    recorder = FrameRecorder(camera, tmp_path)
    recorder.open()
    recorder.start()
    time.sleep(0.5)
    camera._camera.ForceFailedBufferCount.Value = 3  # type: ignore[attr-defined]
    camera._camera.ForceFailedBuffer.Execute()  # type: ignore[attr-defined]
    time.sleep(0.7)
    result = recorder.finish()
    assert result.n_incomplete == 3
    assert result.n_missing == 0
    assert result.n_frames > 20
    assert result.failure is None


def test_pylon_asks_which_camera_and_says_which_there_are(emulated: CameraSettings) -> None:
    with pytest.raises(ConnectionError, match=r"several cameras: Emulation \(0815-0000\)"):
        make_camera(CameraSettings(backend="pylon", fps=50)).open()
    with pytest.raises(ConnectionError, match="serial number 4711; found: Emulation"):
        make_camera(CameraSettings(backend="pylon", fps=50, serial="4711")).open()
    with pytest.raises(ValueError, match="does not take Width"):
        make_camera(CameraSettings(backend="pylon", fps=50, serial="0815-0000", width_px=10**6)).open()


# -- GenICam's simulating producer ------------------------------------------------------------------------


@pytest.fixture
def producer() -> str:
    needs("harvesters")
    needs("genicam")
    spec = importlib.util.find_spec("genicam")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "viky.cti"
    if not path.is_file():
        pytest.skip("this version of genicam has no simulating producer")
    return str(path)


def test_genicam_grabs_from_a_producer(producer: str, tmp_path: Path) -> None:
    camera = make_camera(CameraSettings(backend="genicam", fps=30, producer=producer, serial="1"))
    recorder = FrameRecorder(camera, tmp_path)
    facts = recorder.open()
    assert facts.settings["PixelFormat"] == "Mono8"
    assert "Viky" in facts.model
    recorder.start()
    give_up_s = time.perf_counter() + 10
    while recorder.n_written < 20 and time.perf_counter() < give_up_s:
        time.sleep(0.05)
    result = recorder.finish()
    assert result.n_lost == 0
    assert result.n_frames >= 20


def test_genicam_asks_which_camera(producer: str, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match=r"several cameras.*Viky \(0\)"):
        make_camera(CameraSettings(backend="genicam", fps=30, producer=producer)).open()
    with pytest.raises(ConnectionError, match="no GenTL producer"):
        make_camera(CameraSettings(backend="genicam", fps=30, producer=str(tmp_path / "no.cti"))).open()
