"""Photograph the report of a mouse study: ``python tests/pictures/mouse_report.py RESULTS docs/pictures``.

RESULTS is a folder that ``python -m analysis.mouse_face`` wrote. The head of the report and the page of its
first animal are opened in a browser without a window.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
WIDTH_PX = 1180


def photograph(page: Path, picture: Path, *, height_px: int) -> None:
    """Save the top of a page as it looks, without the white below it."""
    browser = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if browser is None:
        raise SystemExit(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={folder}/profile",
                f"--window-size={WIDTH_PX},{height_px}",
                "--virtual-time-budget=5000",
                f"--screenshot={shot}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        image = Image.open(shot).convert("RGB")
    rows = np.flatnonzero((np.asarray(image) < 250).any(axis=(1, 2)))
    bottom = min(int(rows.max()) + 12, height_px)
    image.crop((0, 0, image.width, bottom)).save(picture, optimize=True)


def main() -> None:
    """Photograph report and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    photograph(given.results / "report.html", given.out / "mouse_report.png", height_px=1060)
    first = min((given.results / "faces").glob("*.html"))
    photograph(first, given.out / "mouse_face_page.png", height_px=1400)


if __name__ == "__main__":
    main()
