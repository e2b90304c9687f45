"""Frames of a video as textures in the graphics card, made once and refilled for every video."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

EMPTY_NAMES = 100
"""So many names in a row without an object are taken for the end of the objects."""


class FrameTextures:
    """A pool of textures and the rectangle in the middle of the window on which they are drawn.

    One 8-bit RGB texture per frame: drawing a frame is then the same short work every time, and the pool is
    reused, because memory of the graphics card that is freed and taken again for each trial is not always
    given back. Frames are drawn pixel by pixel where the window is large enough, otherwise scaled down.

    Parameters
    ----------
    window_px : tuple of int
        Width and height of the window's frame buffer.
    """

    def __init__(self, window_px: tuple[int, int]) -> None:
        from pyglet import gl

        self._gl: Any = gl
        self._window_px = window_px
        self._ids: Any = None
        self._shape: tuple[int, int, int] = (0, 0, 0)

    def reserve(self, n_frames: int, height_px: int, width_px: int) -> bool:
        """Make sure of a texture of this size for each frame; say whether the pool is new."""
        gl, shape = self._gl, (n_frames, height_px, width_px)
        if shape == self._shape:
            return False
        self.close()
        ids = (gl.GLuint * n_frames)()
        gl.glGenTextures(n_frames, ids)
        for index in range(n_frames):
            gl.glBindTexture(gl.GL_TEXTURE_2D, ids[index])
            smooth = gl.GL_LINEAR if self._scale(height_px, width_px) < 1 else gl.GL_NEAREST
            for name in (gl.GL_TEXTURE_MIN_FILTER, gl.GL_TEXTURE_MAG_FILTER):
                gl.glTexParameteri(gl.GL_TEXTURE_2D, name, smooth)
            for name in (gl.GL_TEXTURE_WRAP_S, gl.GL_TEXTURE_WRAP_T):
                gl.glTexParameteri(gl.GL_TEXTURE_2D, name, gl.GL_CLAMP_TO_EDGE)
            gl.glTexImage2D(
                gl.GL_TEXTURE_2D, 0, gl.GL_RGB8, width_px, height_px, 0, gl.GL_RGB, gl.GL_UNSIGNED_BYTE, None
            )
        gl.glBindTexture(gl.GL_TEXTURE_2D, 0)
        self._ids, self._shape = ids, shape
        return True

    def upload(self, index: int, frame: np.ndarray) -> None:
        """Copy a frame, shape ``(height_px, width_px, 3)``, uint8, into its texture."""
        gl = self._gl
        pixels = np.ascontiguousarray(frame)
        gl.glBindTexture(gl.GL_TEXTURE_2D, self._ids[index])
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 1)
        gl.glTexSubImage2D(
            gl.GL_TEXTURE_2D,
            0,
            0,
            0,
            self._shape[2],
            self._shape[1],
            gl.GL_RGB,
            gl.GL_UNSIGNED_BYTE,
            pixels.ctypes.data,
        )
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 4)
        gl.glBindTexture(gl.GL_TEXTURE_2D, 0)

    def draw(self, index: int) -> None:
        """Draw a frame in the middle of the window."""
        gl = self._gl
        left, bottom, right, top = self._rectangle()
        gl.glUseProgram(0)
        gl.glMatrixMode(gl.GL_MODELVIEW)
        gl.glPushMatrix()
        gl.glLoadIdentity()
        gl.glActiveTexture(gl.GL_TEXTURE0)
        gl.glEnable(gl.GL_TEXTURE_2D)
        gl.glBindTexture(gl.GL_TEXTURE_2D, self._ids[index])
        gl.glColor4f(1.0, 1.0, 1.0, 1.0)
        gl.glBegin(gl.GL_QUADS)
        for u, v, x, y in (
            (0, 1, left, bottom),
            (1, 1, right, bottom),
            (1, 0, right, top),
            (0, 0, left, top),
        ):
            gl.glTexCoord2f(u, v)
            gl.glVertex2f(x, y)
        gl.glEnd()
        gl.glBindTexture(gl.GL_TEXTURE_2D, 0)
        gl.glDisable(gl.GL_TEXTURE_2D)
        gl.glPopMatrix()

    def rectangle_px(self) -> tuple[int, int, int, int]:
        """Return left, bottom, width and height of the drawn frame in pixels of the window."""
        _, height_px, width_px = self._shape
        scale = self._scale(height_px, width_px)
        width, height = round(width_px * scale), round(height_px * scale)
        return (self._window_px[0] - width) // 2, (self._window_px[1] - height) // 2, width, height

    def count_objects(self) -> dict[str, int]:
        """Count all that the window keeps in the graphics card, the textures of the pool among it.

        Names of objects are given from 1 upwards and used again, so a hundred names in a row without an
        object are the end.
        """
        gl = self._gl
        kinds = {"textures": gl.glIsTexture, "buffers": gl.glIsBuffer, "display_lists": gl.glIsList}
        return {kind: _count(exists) for kind, exists in kinds.items()}

    def close(self) -> None:
        """Free the textures; may be called twice."""
        if self._ids is not None:
            self._gl.glDeleteTextures(len(self._ids), self._ids)
        self._ids, self._shape = None, (0, 0, 0)

    def _scale(self, height_px: int, width_px: int) -> float:
        return min(1.0, self._window_px[0] / width_px, self._window_px[1] / height_px)

    def _rectangle(self) -> tuple[float, float, float, float]:
        """Return the corners in the coordinates of the window, -1 to 1."""
        left, bottom, width, height = self.rectangle_px()
        x_px, y_px = self._window_px
        return (
            2 * left / x_px - 1,
            2 * bottom / y_px - 1,
            2 * (left + width) / x_px - 1,
            2 * (bottom + height) / y_px - 1,
        )


def _count(exists: Callable[[int], Any]) -> int:
    number = name = since = 0
    while since < EMPTY_NAMES:
        name, since = name + 1, since + 1
        if exists(name):
            number, since = number + 1, 0
    return number
