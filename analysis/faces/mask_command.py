"""What `python -m analysis.faces masks` does: draw a mask in a window, or begin one without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from analysis.faces.mask_drawing import stretched
from analysis.faces.masks import Crop, FaceMask, read_mask, write_mask
from analysis.faces.video_frames import VideoReader

GRID_PX = 100


def video_picture(video: Path, *, fps: float | None = None) -> np.ndarray:
    """Return a video's first frame, grey ``(height_px, width_px)``.

    Parameters
    ----------
    video
        Video, or folder of pictures.
    fps
        Rate, where the video has no times.

    Raises
    ------
    FileNotFoundError, ValueError
        As `analysis.faces.video_frames.VideoReader`.
    """
    for frame in VideoReader(video, fps=fps).frames():
        return frame.grey
    raise ValueError(f"{video} has no frame that can be decoded")


def draw(video: Path, out: Path, *, cell_px: int = 32, fps: float | None = None) -> bool:
    """Draw a mask in the window; one that exists is gone on with.

    Parameters
    ----------
    video
        Video, or folder of pictures.
    out
        YAML file of the mask.
    cell_px
        Side of a cell of the descriptors in pixels.
    fps
        Rate, where the video has no times.

    Returns
    -------
    bool
        Whether it was saved.

    Raises
    ------
    ValueError
        If there is no screen, or the mask that exists is of other frames.
    """
    picture = video_picture(video, fps=fps)
    mask = read_mask(out) if out.is_file() else None
    from analysis.faces.mask_window import draw_mask, screen_is_missing

    if screen_is_missing():
        raise ValueError(
            "there is no screen to draw on; add --template to get a YAML file to fill in, and the frame with "
            "a grid to read the positions from"
        )
    return draw_mask(picture, out, mask=mask, cell_px=cell_px)


def write_template(video: Path, out: Path, *, fps: float | None = None) -> Path:
    """Write a mask of the whole frame, to be filled in by hand, and the frame with a grid beside it.

    Parameters
    ----------
    video
        Video, or folder of pictures.
    out
        YAML file; the picture has the same name with ``.png``.
    fps
        Rate, where the video has no times.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    FileExistsError
        If one of them exists.
    """
    drawn = out.with_suffix(".png")
    for path in (out, drawn):
        if path.exists():
            raise FileExistsError(f"{path} exists; give another name with --out, or delete it")
    picture = video_picture(video, fps=fps)
    height, width = picture.shape
    whole = Crop(left_px=0, top_px=0, width_px=width, height_px=height)
    write_mask(out, FaceMask(crop=whole, frame_width_px=width, frame_height_px=height))
    _with_grid(picture).save(drawn)
    return drawn


def _with_grid(picture: np.ndarray) -> Image.Image:
    image = Image.fromarray(stretched(picture)).convert("RGB")
    pen = ImageDraw.Draw(image)
    for x in range(0, image.width, GRID_PX):
        pen.line([(x, 0), (x, image.height)], fill=(240, 228, 66))
        pen.text((x + 3, 2), str(x), fill=(240, 228, 66))
    for y in range(0, image.height, GRID_PX):
        pen.line([(0, y), (image.width, y)], fill=(86, 180, 233))
        pen.text((3, y + 12), str(y), fill=(86, 180, 233))
    return image
