"""``python -m hardware camera``: set a camera up, draw regions, and see whether it records without loss."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from hardware.cameras.backend import GrabbedFrame
from hardware.cameras.choose import make_camera
from hardware.cameras.exposure import measure_exposure
from hardware.cameras.preview import set_up
from hardware.cameras.recorder import FrameRecorder, Recording
from hardware.mouse_settings import read_mouse_rig


def try_camera(
    rig: Annotated[Path, typer.Option("--rig", help="Rig file (TOML) with a section [camera].")],
    seconds: Annotated[float, typer.Option(min=1.0, help="How long is recorded as a trial.")] = 10.0,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Show the live picture first, to draw crop, face and what is cut out into this file."
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="New folder that keeps the trial; by default it is removed.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON in the last line.")
    ] = False,
) -> None:
    """Try the camera of a mouse rig: what it was set to, how it is exposed, and whether frames are lost."""
    settings = read_mouse_rig(rig).camera
    if settings is None:
        raise ValueError(f"{rig} has no section [camera]; hardware/rigs/mouse_example.toml shows one")
    if keep is not None and keep.exists():
        raise FileExistsError(f"{keep} exists, and nothing is ever written over: name a new folder")
    try:
        if masks is not None:
            _, saved = set_up(make_camera(settings), masks=masks)
            print(f"Regions saved as {masks}" if saved else "No regions were saved.")
        folder = Path(tempfile.mkdtemp(prefix="countenance_camera_")) if keep is None else keep
        folder.mkdir(parents=True, exist_ok=True)
        try:
            recorder = FrameRecorder(make_camera(settings), folder, codec=settings.codec)
            result, summary = _record(recorder, seconds)
        finally:
            if keep is None:
                shutil.rmtree(folder, ignore_errors=True)
    except (ConnectionError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    for line in _words(result, summary):
        print(line)
    if as_json:
        print(json.dumps(summary))
    if result.failure is not None or result.n_lost or not result.n_frames:
        raise SystemExit(1)


def _record(recorder: FrameRecorder, seconds: float) -> tuple[Recording, dict[str, Any]]:
    """Record for so long, and measure."""
    facts = recorder.open()
    print(f"{facts.backend} {facts.model} {facts.serial}: {facts.width_px} x {facts.height_px} px")
    for name, value in facts.settings.items():
        print(f"  {name} = {value}")
    begun_s = time.perf_counter()
    recorder.start()
    last: GrabbedFrame | None = None
    with tqdm(total=round(seconds, 1), unit="s", disable=None, leave=False, bar_format="{l_bar}{bar}") as bar:
        while (since_s := time.perf_counter() - begun_s) < seconds and recorder.failure is None:
            last = recorder.latest or last
            bar.update(min(since_s, seconds) - bar.n)
            time.sleep(0.05)
    result = recorder.finish()
    arrivals_s = _arrivals(result.frames)
    steps_s = np.diff(arrivals_s)
    image = None if last is None else last.image
    return result, {
        "camera": dataclasses.asdict(facts),
        "codec": result.codec,
        "n_frames": result.n_frames,
        "n_lost": result.n_lost,
        "deepest_queue": result.deepest_queue,
        "queue_frames": result.queue_frames,
        "fps": round(float(1 / steps_s.mean()), 3) if len(steps_s) else None,
        "longest_interval_ms": round(float(steps_s.max() * 1e3), 2) if len(steps_s) else None,
        "kb_per_frame": round(result.video.stat().st_size / 1e3 / result.n_frames, 1)
        if result.video
        else None,
        "exposure": None if image is None else measure_exposure(image).advice or "good",
        "warnings": list(result.warnings),
    }


def _arrivals(frames: Path) -> np.ndarray:
    """When frames came, of a table that this program has just written."""
    lines = frames.read_text(encoding="utf-8").splitlines()[1:]
    return np.array([float(line.split("\t")[3]) for line in lines])


def _words(result: Recording, summary: dict[str, Any]) -> list[str]:
    lines = []
    if result.n_frames:
        lines.append(
            f"{result.n_frames} frames, {summary['fps']} per second, the longest interval "
            f"{summary['longest_interval_ms']} ms; {summary['kb_per_frame']} kB per frame as {result.codec}; "
            f"at most {result.deepest_queue} of {result.queue_frames} frames waited"
        )
        lines.append(f"Exposure: {summary['exposure']}")
    lines += [f"WARNING  {warning}" for warning in result.warnings]
    return lines or ["WARNING  no frame came: does anything trigger the camera?"]
