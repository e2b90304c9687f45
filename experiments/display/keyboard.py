"""The real keyboard, with time stamps of its own (Psychtoolbox)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments.display import KeyPress, Watched
from experiments.display.clocks import ClockWatch


class PtbKeyboard:
    """A keyboard that is read by Psychtoolbox, whose time stamps do not wait for the screen.

    Parameters
    ----------
    now : callable
        The session's clock (s).

    Raises
    ------
    RuntimeError
        If Psychtoolbox does not work here. PsychoPy would fall back to another way of reading keys, whose
        names and times are wrong in this version.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        try:
            import psychtoolbox  # noqa: F401 (PsychoPy itself only warns when it is missing)
            from psychopy import logging
            from psychopy.hardware import keyboard
        except ImportError as error:
            raise RuntimeError(_remedy(str(error))) from None
        self._device = keyboard.Keyboard(backend="ptb")
        if self._device.getBackend() != "ptb":
            raise RuntimeError(_remedy(f"PsychoPy uses {self._device.getBackend()!r} instead"))
        self._clocks = ClockWatch(now, logging.defaultClock.getTime, resolution_s=1e-6)
        self._known: dict[int, Any] = {}

    def begin(self, watched: Watched) -> None:
        """Do nothing: presses have times, and whoever asks for them knows since when they count."""

    def presses(self) -> list[KeyPress]:
        """Return the keys that went down since the last call, in order of time.

        Notes
        -----
        A key appears among the pressed ones until it is released, and among the released ones after; one that
        is pressed and released between two calls only there. So both lists are asked for, and a press that
        was seen is remembered with the object itself, since an object's number may be used again once it is
        gone. On Linux the keyboard's time stamps are the time of day, which may be set at any moment: the
        offset to the session's clock is taken at each call, and a press from before a step is known by it.
        """
        device = self._device
        found = [*device.getKeys(waitRelease=False), *device.getKeys(waitRelease=True)]
        self._clocks.check()
        new = [key for key in found if id(key) not in self._known]
        if not new:
            return []
        self._known |= {id(key): key for key in new}
        return sorted(
            (KeyPress(key.name, self._clocks.steady_at(key.tDown)) for key in new),
            key=lambda press: press.time_s,
        )

    def close(self) -> None:
        """Stop listening."""
        self._device.stop()


def _remedy(reason: str) -> str:
    return (
        f"the keyboard cannot be read with exact times ({reason}). Psychtoolbox is needed: "
        "pip install --force-reinstall psychtoolbox; on Debian and Ubuntu also apt-get install libx11-6 "
        "libxi6 libgl1 libusb-1.0-0; on macOS allow the terminal to monitor input (System Settings, Privacy)."
    )
