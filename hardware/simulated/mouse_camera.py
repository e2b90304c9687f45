"""The twin of a camera: films a drawn mouse whose face follows what is delivered, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hardware.cameras.backend import CameraFacts, CameraGone, GrabbedFrame
from hardware.clocks import Clock, RealClock
from hardware.simulated.mouse_behaviour import LICK_HZ, FaceCourse, face_course
from hardware.simulated.mouse_expressions import EXPRESSIONS, animal_patterns, strength_course
from hardware.simulated.mouse_face import Camera, MouseFace, Pose
from hardware.simulated.mouse_reactions import Reactions
from hardware.simulated.mouse_texture import draw_traits

COURSE_S = 600.0
"""Length of what the face does by itself; then it is played backwards, and so on."""
LED = (0.90, 0.86, 0.98, 0.97)
"""Where the lamp in view is: left, top, right, bottom, as shares of the frame."""
LED_LEVEL = 235
"""Grey level of the lamp when it is on."""


@dataclass(frozen=True, kw_only=True)
class CameraFaults:
    """What goes wrong with a simulated camera. Nothing, by default."""

    lost_share: float = 0.0
    """Share of the frames that never arrive; the camera's count goes on."""
    incomplete_share: float = 0.0
    """Share of the frames that arrive damaged."""
    gone_after_s: float | None = None
    """When its cable is pulled (s from the start); None: never."""
    silent_after_s: float | None = None
    """From when on it sends nothing, without saying so (s from the start); None: never."""


class SyntheticCamera:
    """A drawn mouse before a camera.

    Parameters
    ----------
    fps
        Frames per second.
    width_px, height_px
        Size of the frames.
    reactions
        What the face makes of what is delivered; None: nothing is ever delivered.
    clock
        The session's clock; None is the computer's own. On a virtual clock frames are drawn as fast as
        they are taken, and none is lost.
    noise_sd
        Noise (grey levels).
    clock_ppm, clock_start_s
        How much faster the camera's clock runs, and what it shows at the start.
    faults
        What goes wrong.
    led
        Tells for a time (s) whether a lamp in view is on; None: there is no lamp.
    on_exposure
        Called with the time of each exposure (s), also of frames that are lost later: the exposure line.
    animal_rng
        Source of randomness for which animal it is; None takes `rng`.
    rng
        Source of randomness: what the animal does by itself, noise and faults.

    Examples
    --------
    >>> from hardware.clocks import VirtualClock
    >>> clock = VirtualClock()
    >>> rng = np.random.default_rng(1)
    >>> camera = SyntheticCamera(fps=30, width_px=160, height_px=120, clock=clock, rng=rng)
    >>> camera.open().simulated
    True
    >>> camera.start(); clock.sleep(1.0)
    >>> frame = camera.grab(timeout_s=0.0)
    >>> frame.image.shape, frame.device_id
    ((120, 160), 1)
    """

    def __init__(
        self,
        *,
        fps: float,
        width_px: int = 640,
        height_px: int = 480,
        reactions: Reactions | None = None,
        clock: Clock | None = None,
        noise_sd: float = 2.0,
        clock_ppm: float = 35.0,
        clock_start_s: float = 1000.0,
        faults: CameraFaults | None = None,
        led: Callable[[float], bool] | None = None,
        on_exposure: Callable[[float], None] | None = None,
        animal_rng: np.random.Generator | None = None,
        rng: np.random.Generator,
    ) -> None:
        if not fps > 0:
            raise ValueError(f"a camera takes more than 0 frames per second, found {fps}")
        self._fps, self._size, self._noise_sd = fps, (width_px, height_px), noise_sd
        self._reactions, self._clock = reactions, clock or RealClock()
        self._rate, self._clock_start_s = 1 + clock_ppm * 1e-6, clock_start_s
        self._faults, self._led, self._on_exposure = faults or CameraFaults(), led, on_exposure
        self._rng, self._animal_rng = rng, animal_rng or rng
        self._face: MouseFace | None = None
        self._number, self._begun_s = 0, 0.0

    def open(self) -> CameraFacts:
        """Put the animal before the camera; the same seed is the same animal."""
        width, height = self._size
        self._face = MouseFace(draw_traits(self._animal_rng), width=width, height=height)
        patterns = animal_patterns(self._animal_rng)
        self._patterns = np.stack([patterns[name] for name in EXPRESSIONS])
        times_s = np.arange(round(COURSE_S * self._fps)) / self._fps
        self._course: FaceCourse = face_course(times_s, [], patterns=patterns, rng=self._rng)
        self._camera = Camera(width=width, height=height, noise_sd=self._noise_sd, rng=self._rng)
        return CameraFacts(
            backend="synthetic",
            model="a drawn mouse",
            width_px=width,
            height_px=height,
            fps=self._fps,
            exposure_us=1e6 / self._fps / 2,
            has_ids=True,
            has_times=True,
            waits=self._clock.virtual,
            simulated=True,
            settings={"noise_sd": f"{self._noise_sd:g}", "null": str(self._is_null)},
        )

    def start(self) -> None:
        """Begin to film now."""
        self._begun_s = self._clock.now()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Give the next frame at its time."""
        if self._face is None:
            raise RuntimeError("open the camera before grabbing")
        while True:
            due_s = self._begun_s + self._number / self._fps
            self._break_down(due_s - self._begun_s)
            if not self._clock.wait_until(due_s, timeout_s=timeout_s):
                raise TimeoutError("the next frame is not due yet")
            self._number += 1
            if self._on_exposure is not None:
                self._on_exposure(due_s)
            if self._rng.random() >= self._faults.lost_share:
                return self._frame(due_s)

    def stop(self) -> None:
        """End; nothing is left to do."""

    def close(self) -> None:
        """Let the animal go."""
        self._face = None

    @property
    def _is_null(self) -> bool:
        return self._reactions is None or self._reactions.null

    def _break_down(self, since_s: float) -> None:
        faults = self._faults
        if faults.gone_after_s is not None and since_s >= faults.gone_after_s:
            raise CameraGone("the camera was unplugged: look at its cable")
        if faults.silent_after_s is not None and since_s >= faults.silent_after_s:
            self._clock.wait_until(self._clock.now() + 0.05, timeout_s=0.05)
            raise TimeoutError("the camera is silent")

    def _frame(self, due_s: float) -> GrabbedFrame:
        device_s = self._clock_start_s + (due_s - self._begun_s) * self._rate
        damaged = self._rng.random() < self._faults.incomplete_share
        image = None if damaged else self._draw(self._number - 1, due_s)
        host_s = due_s if self._clock.virtual else self._clock.now()
        return GrabbedFrame(image, self._number, device_s, host_s, "incomplete" if damaged else "ok")

    def _draw(self, number: int, time_s: float) -> np.ndarray:
        row = number % (2 * len(self._course.times_s))
        row = min(row, 2 * len(self._course.times_s) - 1 - row)
        pose = self._course.pose(row)
        if self._reactions is not None:
            pose = self._react(pose, self._reactions, time_s)
        if self._face is None:
            raise CameraGone("the camera was closed")
        image = self._camera.expose(self._face.draw(pose), gain=float(self._course.gain[row]))
        if self._led is not None and self._led(time_s):
            left, top, right, bottom = LED
            height, width = image.shape
            image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = (
                LED_LEVEL
            )
        return image

    def _react(self, pose: Pose, reactions: Reactions, time_s: float) -> Pose:
        strength = strength_course(reactions.episodes_at(time_s), np.array([time_s]))[0]
        tongue = pose.tongue
        for bout in reactions.licking():
            since_s = time_s - bout.start_s
            if 0 <= since_s < bout.duration_s:
                tongue = max(tongue, float(np.clip(np.sin(2 * np.pi * LICK_HZ * since_s), 0, 1)))
        return replace(pose, actions=pose.actions + strength @ self._patterns, tongue=tongue)
