"""The guide from videos to a report does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np

from analysis.mouse_face.pipeline import read_study

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "mouse_report.md"


def write_video(path: Path, n_frames: int) -> None:
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=20, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for _ in range(n_frames):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64), np.uint8), format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_own_videos_become_a_study(tmp_path: Path) -> None:
    """The code that the guide shows is run as it stands there, and the study is read."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    folder = tmp_path / "my_study" / "sub-m01"
    folder.mkdir(parents=True)
    write_video(folder / "sub-m01_ses-day1_face.mkv", 200)
    (folder / "events.tsv").write_text("onset_s\tevent\n2.0\tquinine\n4.5\tneutral\n7.0\tquinine\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sessions, notes = read_study(tmp_path / "my_study")
    (session,) = sessions.values()
    assert notes == ()
    assert (session.animal, session.session, session.simulated) == ("m01", "day1", False)
    assert session.events["trial_type"].tolist() == ["quinine", "neutral", "quinine"]
    assert session.events["repeat"].tolist() == [1, 1, 2]
    assert len(session.videos[0].times_s) == 200


def test_every_option_and_file_of_the_guide_exists() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    shown = subprocess.run(
        [sys.executable, "-m", "analysis.mouse_face", "--help"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True,
    ).stdout  # fmt: skip
    options = set(re.findall(r"`(--[a-z-]+)", text.split("## Options")[1]))
    assert {option for option in options if option not in shown} == set()
    for path in re.findall(r"\]\(((?:pictures/)?[\w.]+)(?:#[\w-]+)?\)", text):
        assert (GUIDE.parent / path).is_file(), path
