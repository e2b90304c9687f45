"""Decode a video in the background while something else is on the screen."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Generator
from typing import cast

import numpy as np

from experiments.display import Film
from stimuli.video import read_frames


class FilmLoader:
    """Decodes one video in a thread of its own and hands its frames over as they come.

    Parameters
    ----------
    film : Film
        The video.
    """

    def __init__(self, film: Film) -> None:
        self.film = film
        self.n_taken = 0
        self._frames: deque[np.ndarray] = deque()
        self._error: Exception | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._decode, name="film", daemon=True)
        self._thread.start()

    def take(self) -> np.ndarray | None:
        """Return the next decoded frame, shape ``(height_px, width_px, 3)``; None when there is none yet.

        Raises
        ------
        ValueError
            If the video cannot be read, or is not what the manifest says.
        """
        if self._error is not None and not self._frames:
            raise ValueError(str(self._error)) from self._error
        if not self._frames:
            return None
        self.n_taken += 1
        return self._frames.popleft()

    def finished(self) -> bool:
        """Say whether the whole video was decoded and handed over.

        Raises
        ------
        ValueError
            If the video cannot be read, or is not what the manifest says.
        """
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise ValueError(str(self._error)) from self._error
        return self.n_taken == self.film.n_frames

    def stop(self) -> None:
        """End the decoding."""
        self._stopped.set()
        self._thread.join(timeout=10)
        self._frames.clear()

    def _decode(self) -> None:
        _lower_priority()
        film, n_frames = self.film, 0
        try:
            with contextlib.closing(
                cast("Generator[np.ndarray, None, None]", read_frames(film.path))
            ) as frames:
                for frame in frames:
                    if self._stopped.is_set():
                        return
                    _check_size(film, frame)
                    n_frames += 1
                    if n_frames <= film.n_frames:
                        self._frames.append(frame)
            if n_frames != film.n_frames:
                raise ValueError(
                    f"{film.path.name} has {n_frames} frames, "
                    f"the manifest of the stimuli says {film.n_frames}"
                )
        except Exception as error:  # handed to the thread that shows the frames
            self._error = error


def _check_size(film: Film, frame: np.ndarray) -> None:
    height_px, width_px = frame.shape[:2]
    if (width_px, height_px) != (film.width_px, film.height_px):
        raise ValueError(
            f"{film.path.name} has frames of {width_px} x {height_px} pixels, "
            f"the manifest of the stimuli says {film.width_px} x {film.height_px}"
        )


def _lower_priority() -> None:
    """Give this thread, and the decoder that it starts, no part in the priority of the screen's thread."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
