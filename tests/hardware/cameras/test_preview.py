"""The live picture: what it shows, what is drawn onto it, and that the recording never waits for it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from analysis.faces.masks import read_mask
from hardware.cameras.exposure import measure_exposure
from hardware.cameras.preview import LiveView, Preview, set_up
from hardware.cameras.recorder import FrameRecorder
from hardware.cameras.regions import Regions, read_regions
from hardware.cameras.shared_picture import SharedPicture, Status, create_picture
from hardware.simulated.mouse_camera import CameraFaults, SyntheticCamera

ROOT = Path(__file__).resolve().parents[3]


def camera(*, fps: float = 50, **options: object) -> SyntheticCamera:
    return SyntheticCamera(fps=fps, width_px=160, height_px=120, rng=np.random.default_rng(1), **options)  # type: ignore[arg-type]


def wait_until(what: object, seconds: float = 20.0) -> bool:
    give_up_s = time.perf_counter() + seconds
    while not what() and time.perf_counter() < give_up_s:  # type: ignore[operator]
        time.sleep(0.02)
    return bool(what())  # type: ignore[operator]


@pytest.fixture(autouse=True)
def offscreen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


# -- exposure ---------------------------------------------------------------------------------------------


def test_the_histogram_counts_every_pixel_once() -> None:
    image = np.random.default_rng(1).integers(0, 256, (48, 64), np.uint8)
    exposure = measure_exposure(image)
    assert exposure.counts.sum() == image.size
    assert exposure.counts[3] == ((image >= 12) & (image < 16)).sum()
    assert exposure.white_share == pytest.approx((image >= 254).mean())


@pytest.mark.parametrize(
    ("level", "advice"), [(255, "expose for less"), (40, "too dark"), (120, ""), (0, "too dark")]
)
def test_what_is_wrong_with_the_light_is_said(level: int, advice: str) -> None:
    found = measure_exposure(np.full((8, 8), level, np.uint8)).advice
    assert advice in found
    assert bool(found) == bool(advice)


def test_a_dark_background_is_said() -> None:
    image = np.full((10, 10), 150, np.uint8)
    image[:4] = 0
    assert "40% of the pixels are black" in measure_exposure(image).advice


# -- regions ----------------------------------------------------------------------------------------------


def test_what_is_drawn_is_what_the_analysis_reads(tmp_path: Path) -> None:
    regions = Regions(640, 480)
    regions.drag((600.4, 20.2), (40.0, 500.0))
    regions.choose("face")
    for corner in [(50, 60), (500, 60), (500, 400), (60, 400)]:
        regions.click(corner)
    regions.click((53, 63))  # near the first corner: closes
    regions.choose("spout")
    for corner in [(50, 300), (120, 300.26), (120, 380)]:
        regions.click(corner)
    regions.save(tmp_path / "masks.yaml")
    mask = read_mask(tmp_path / "masks.yaml")
    assert mask.crop is not None
    assert (mask.crop.left_px, mask.crop.top_px, mask.crop.width_px, mask.crop.height_px) == (
        40,
        20,
        560,
        460,
    )
    assert mask.face == (((50.0, 60.0), (500.0, 60.0), (500.0, 400.0), (60.0, 400.0)),)
    assert mask.spout == (((50.0, 300.0), (120.0, 300.3), (120.0, 380.0)),)
    assert (mask.frame_width_px, mask.frame_height_px) == (640, 480)
    assert 0.2 < mask.pixels((480, 640)).mean() < 0.9
    again = read_regions(tmp_path / "masks.yaml", 640, 480)
    assert again.record() == regions.record()


def test_only_what_counts_is_judged() -> None:
    regions = Regions(100, 80)
    assert regions.counted().all()
    regions.drag((10, 10), (60, 50))
    assert regions.counted().sum() == 50 * 40
    regions.choose("face")
    for corner in [(0, 0), (40, 0), (40, 80), (0, 80)]:
        regions.click(corner)
    regions.choose("spout")
    for corner in [(0, 0), (20, 0), (20, 80), (0, 80)]:
        regions.click(corner)
    regions.close()
    counted = regions.counted()
    assert not counted[:, :20].any()
    assert counted[30, 30]
    assert not counted[30, 50]
    assert not counted[60, 30]
    regions.drag((0, 0), (15, 15))
    assert regions.counted().all(), "nothing is left: then the whole frame is judged"


def test_regions_are_taken_back_one_after_the_other() -> None:
    regions = Regions(100, 100)
    regions.drag((0, 0), (50, 50))
    regions.choose("face")
    for corner in [(1, 1), (20, 1), (20, 20)]:
        regions.click(corner)
    regions.close()
    regions.click((70, 70))
    regions.undo()
    assert (regions.corners, len(regions.outlines)) == ([], 1)
    regions.undo()
    assert regions.outlines == []
    regions.undo()
    assert regions.crop is None
    regions.click((1, 1))
    regions.close()
    assert regions.outlines == [], "an outline has three corners at least"


def test_regions_of_another_camera_setting_and_nothing_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing is drawn"):
        Regions(640, 480).save(tmp_path / "masks.yaml")
    assert not (tmp_path / "masks.yaml").exists()
    regions = Regions(640, 480)
    regions.drag((0, 0), (9, 9))
    regions.save(tmp_path / "masks.yaml")
    with pytest.raises(ValueError, match="drawn on frames of 640 x 480"):
        read_regions(tmp_path / "masks.yaml", 320, 240)
    with pytest.raises(FileNotFoundError):
        read_regions(tmp_path / "absent.yaml", 640, 480)
    for text in ("crop: 7", "- 1", "face: [[[1, 2, 3]]]", "a: ["):
        (tmp_path / "masks.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="draw them anew"):
            read_regions(tmp_path / "masks.yaml", 640, 480)


# -- shared memory ----------------------------------------------------------------------------------------


def test_a_torn_picture_is_never_shown() -> None:
    path = create_picture(64, 48)
    writer, reader = SharedPicture(path), SharedPicture(path)
    try:
        assert reader.read()[0] is None
        writer.write(np.full((48, 64), 7, np.uint8), Status(3, 2, 1, 1))
        picture, status = reader.read()
        assert picture is not None
        assert (picture == 7).all()
        assert status == Status(3, 2, 1, 1)
        writer._head[0] += 1  # in the middle of a write
        assert reader.read()[0] is None
        assert not writer.wants_stop
        reader.ask_to_stop()
        assert writer.wants_stop
        assert writer.is_seen
    finally:
        writer.close()
        reader.close()
        reader.close()
        path.unlink()


# -- the window -------------------------------------------------------------------------------------------


def test_the_window_shows_frames_draws_and_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PyQt6.QtCore import QPoint, Qt
    from PyQt6.QtTest import QTest
    from PyQt6.QtWidgets import QApplication

    from hardware.cameras.preview_window import PreviewWindow

    application = QApplication.instance() or QApplication([])
    path = create_picture(160, 120)
    shared = SharedPicture(path)
    image = np.tile(np.linspace(20, 200, 160).astype(np.uint8), (120, 1))
    shared.write(image, Status(n_frames=12, n_lost=3, recording=1))
    window = PreviewWindow(shared, masks=tmp_path / "masks.yaml", simulated=True)
    window.show()
    window.turn()
    assert "SIMULATED" in window.windowTitle()
    assert "12 frames, 3 LOST" in window.status.text()
    assert "Exposure is good" in window.status.text()
    zoom = window.canvas.zoom
    shown = window.canvas.grab().toImage()
    assert shown.pixelColor(int(150 * zoom), 60).red() > shown.pixelColor(int(10 * zoom), 60).red() + 100

    def at(x: float, y: float) -> QPoint:
        return QPoint(round(x * zoom), round(y * zoom))

    window.save()
    assert "nothing is drawn" in window.message.text()
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(window.canvas, left, pos=at(20, 30))
    QTest.mouseMove(window.canvas, at(80, 60))
    QTest.mouseRelease(window.canvas, left, pos=at(120, 100))
    QTest.mouseClick(window.buttons["spout"], left)
    for corner in [(30, 40), (60, 40), (60, 80)]:
        QTest.mouseClick(window.canvas, left, pos=at(*corner))
    QTest.keyClick(window, Qt.Key.Key_Return)
    window.save()
    assert "Saved as" in window.message.text()
    mask = read_mask(tmp_path / "masks.yaml")
    assert mask.crop is not None
    assert abs(mask.crop.left_px - 20) <= 1
    assert abs(mask.crop.width_px - 100) <= 1
    assert len(mask.spout) == 1
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert shared.wants_stop
    window.ends.set()
    window.turn()
    assert not window.isVisible()
    application.processEvents()
    shared.close()
    path.unlink()


def test_a_recording_with_its_preview_loses_nothing_and_outlives_a_killed_window(tmp_path: Path) -> None:
    recorder = FrameRecorder(camera(), tmp_path)
    facts = recorder.open()
    recorder.start()
    preview = Preview(recorder, facts, title="Test")
    preview.open()
    assert wait_until(lambda: preview.is_seen)
    assert preview.is_open
    assert not preview.wants_stop
    assert preview._process is not None
    preview._process.kill()
    assert wait_until(lambda: not preview.is_open)
    n_then = recorder.n_written
    assert wait_until(lambda: recorder.n_written > n_then + 10)
    preview.close()
    preview.close()
    result = recorder.finish()
    assert result.n_lost == 0
    assert result.failure is None


def test_the_window_closes_when_the_recording_process_is_gone(tmp_path: Path) -> None:
    path = create_picture(160, 120)
    window = subprocess.Popen(
        [sys.executable, "-m", "hardware.cameras.preview_window", str(path)], stdin=subprocess.PIPE, cwd=ROOT
    )
    shared = SharedPicture(path)
    shared.write(np.full((120, 160), 90, np.uint8), Status())
    assert wait_until(lambda: shared.is_seen)
    assert window.stdin is not None
    window.stdin.close()
    assert window.wait(10) == 0
    shared.close()
    path.unlink()


def test_setting_up_shows_the_camera_without_recording(tmp_path: Path) -> None:
    facts, saved = set_up(camera(), masks=tmp_path / "masks.yaml", seconds=1.0)
    assert facts.backend == "synthetic"
    assert not saved
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_fails_while_it_is_set_up_is_said(tmp_path: Path) -> None:
    view = LiveView(camera(faults=CameraFaults(gone_after_s=0.2)))
    view.start()
    assert wait_until(lambda: view.failure is not None)
    assert "unplugged" in str(view.failure)
    view.stop()
    view.stop()
    with pytest.raises(ConnectionError, match="unplugged"):
        set_up(camera(faults=CameraFaults(gone_after_s=0.2)), masks=tmp_path / "masks.yaml", seconds=20)
