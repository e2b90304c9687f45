"""The mouse rig's microcontroller as a twin: it obeys the protocol and the ceilings, on any clock.

Pure: bytes and times in, bytes and switched outputs out. What carries the bytes is in
`hardware.simulated.mouse_rig`; the firmware itself runs in a simulated processor, see
``hardware/firmware/mouse_rig/simulator``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from hardware.delivery.ceilings import (
    COMPILED,
    LEAST_SILENCE_MS,
    LICK_DEADTIME_US,
    LIMIT_NAMES,
    LONGEST_INTERVAL_MS,
    SILENCE_MS,
    Ceilings,
    is_tighter,
)
from hardware.delivery.protocol import (
    CHANNELS,
    LONGEST_LINE,
    MOST_TOGETHER,
    NAME,
    STOP_BYTE,
    VERSION,
    Request,
    encode_reply,
    is_newer,
    parse_request,
    whole_number,
)
from hardware.simulated.mouse_outputs import Ordered, Output, RefusalError

FIRMWARE = "1.0.0"

OutputChange = Callable[[str, bool, int], None]
"""Told of each output that switches: channel, on or off, device time (µs)."""


class SimulatedDevice:
    """The twin of the firmware.

    Parameters
    ----------
    now_us : int
        Time at which it starts, on the clock of all later calls (µs); its own time starts with 0.
    ceilings : mapping
        Output -> `Ceilings`; by default those of the firmware.
    on_output : callable or None
        Told of each output that switches (`OutputChange`).

    Notes
    -----
    Its edges are exact. The firmware's are late by up to some ten microseconds, and its watchdog looks every
    33 ms, so it bites up to 33 ms early.
    """

    def __init__(
        self,
        now_us: int = 0,
        *,
        ceilings: Mapping[str, Ceilings] = COMPILED,
        on_output: OutputChange | None = None,
    ) -> None:
        self._compiled = dict(ceilings)
        self._on_output = on_output
        self._estop = False
        self._sent = bytearray()
        self._outputs = {name: Output(name, self._compiled[name]) for name in CHANNELS}
        self._clock_us, self._origin_us = 0, now_us
        self.reset(now_us, cause="power")

    # -- the outside ---------------------------------------------------------------------------------------

    def reset(self, now_us: int, *, cause: str = "external") -> None:
        """Start anew: everything low, disarmed, compiled ceilings; counters survive all but ``power``."""
        for output in self._outputs.values():
            self._lower(output)
        self._origin_us, self._clock_us = now_us, 0
        for name, old in self._outputs.items():
            kept = (0, 0) if cause == "power" else (old.used, old.used_ms)
            ended_us = 0 if kept[0] else None  # as if the last delivery had just ended
            self._outputs[name] = Output(name, self._compiled[name], *kept, ended_us=ended_us)
        self.armed, self._known, self._last_seq, self._last_delivery = False, False, 0, 0
        self._silence_ms, self._heard_us = SILENCE_MS, 0
        self._line, self._junk = bytearray(), False
        self._n_events, self._n_bad, self._n_frames = 0, 0, 0
        self._lick, self._lick_us = False, -LICK_DEADTIME_US
        self._sent += b"\n"  # ends a line that the reset has cut
        self._say(f"B 0 {NAME} protocol={VERSION} firmware={FIRMWARE} cause={cause}")

    def receive(self, data: bytes, now_us: int) -> None:
        """Take bytes of the host."""
        self.advance(now_us)
        for byte in data:
            self._take(byte)

    def advance(self, now_us: int) -> None:
        """Let time go on: outputs switch, and the watchdog bites when the host is silent for too long."""
        until_us = now_us - self._origin_us
        while (next_us := self._next_us()) is not None and next_us <= until_us:
            self._clock_us = max(self._clock_us, next_us)
            if self.armed and self._clock_us >= self._heard_us + 1000 * self._silence_ms:
                self._stop("WATCHDOG")
            self._switch()
        self._clock_us = max(self._clock_us, until_us)

    def take_sent(self) -> bytes:
        """Return what the device has said since the last call."""
        sent = bytes(self._sent)
        self._sent.clear()
        return sent

    def press_estop(self, now_us: int) -> None:
        """Press the emergency stop, or cut its cable."""
        self.advance(now_us)
        if not self._estop:
            self._estop = True
            if self.armed:
                self._stop("ESTOP")
            self._tell("ESTOP", 1)

    def release_estop(self, now_us: int) -> None:
        """Release the emergency stop; the device stays disarmed."""
        self.advance(now_us)
        if self._estop:
            self._estop = False
            self._tell("ESTOP", 0)

    def lick(self, touching: bool, now_us: int) -> None:
        """Let the tongue touch or leave the spout."""
        self.advance(now_us)
        if touching != self._lick and self._clock_us - self._lick_us >= LICK_DEADTIME_US:
            self._lick, self._lick_us = touching, self._clock_us
            self._tell("LICK", int(touching))

    def frame(self, now_us: int) -> None:
        """Let the camera expose a frame."""
        self.advance(now_us)
        self._n_frames += 1
        self._tell("FRAME", self._n_frames)

    @property
    def high(self) -> tuple[str, ...]:
        """Outputs that are high now."""
        return tuple(output.name for output in self._outputs.values() if output.high)

    # -- bytes and lines -----------------------------------------------------------------------------------

    def _take(self, byte: int) -> None:
        if byte == STOP_BYTE[0]:
            self._stop("HOST")
            self._line, self._junk = bytearray(), False
        elif byte == 0x0A:
            line, junk = bytes(self._line), self._junk
            self._line, self._junk = bytearray(), False
            if junk or line:
                self._read(line, junk)
        elif byte != 0x0D:
            self._junk = self._junk or len(self._line) >= LONGEST_LINE
            if not self._junk:
                self._line.append(byte)

    def _read(self, line: bytes, junk: bool) -> None:
        request = "LONG" if junk else parse_request(line)
        if isinstance(request, str):
            self._n_bad += 1
            return self._say(f"N 0 {request}")
        if request.command != "HELLO":
            if not self._known:
                return self._say(f"N {request.seq} HELLO")
            if not is_newer(request.seq, self._last_seq):
                return self._say(f"N {request.seq} OLD")
        self._last_seq, self._heard_us = request.seq, self._clock_us
        try:
            fields = self._do(request)
        except RefusalError as reason:
            return self._say(f"N {request.seq} {reason}")
        self._say(f"A {request.seq} {self._time()}{fields and ' '}{fields}")

    def _do(self, request: Request) -> str:
        alone: dict[str, Callable[[], str]] = {
            "HELLO": self._hello,
            "ARM": self._arm,
            "DISARM": self._disarm,
            "PING": lambda: "",
            "CLOCK": lambda: f"wraps={self._clock_us >> 32}",
            "STATUS": self._status,
            "NEW": self._new,
        }
        with_words: dict[str, Callable[..., str]] = {
            "LIMIT": self._limit,
            "LIMITS": self._limits,
            "OFF": self._off,
        }
        deliveries: dict[str, Callable[..., list[Ordered]]] = {
            "PULSE": self._pulse,
            "TRAIN": self._train,
            "TOGETHER": self._together,
        }
        n_words: dict[str, tuple[int, ...]] = {
            "LIMIT": (3,),
            "LIMITS": (1,),
            "OFF": (1,),
            "PULSE": (2,),
            "TRAIN": (4,),
        }
        n_words["TOGETHER"] = tuple(range(5, 5 * MOST_TOGETHER + 1, 5))
        command, words = request.command, request.arguments
        if command not in (*alone, *with_words, *deliveries):
            raise RefusalError("COMMAND")
        if len(words) not in n_words.get(command, (0,)):
            raise RefusalError("NUMBER")
        if command in alone:
            return alone[command]()
        if command in with_words:
            return with_words[command](*words)
        return self._start(deliveries[command](*words), request.seq)

    # -- commands ------------------------------------------------------------------------------------------

    def _hello(self) -> str:
        if self.armed:
            self._stop("HELLO")
        self._known, self._n_frames = True, 0
        return (
            f"{NAME} protocol={VERSION} firmware={FIRMWARE} board=simulated "
            f"silence_ms={self._silence_ms} estop={int(self._estop)}"
        )

    def _arm(self) -> str:
        if self._estop:
            raise RefusalError("ESTOP")
        self.armed = True
        return ""

    def _disarm(self) -> str:
        if self.armed:
            self._stop("DISARM")
        return ""

    def _status(self) -> str:
        active = sum(1 << index for index, name in enumerate(CHANNELS) if self._outputs[name].active)
        return (
            f"armed={int(self.armed)} estop={int(self._estop)} active={active} "
            f"delivery={self._last_delivery} bad={self._n_bad} lost=0"
        )

    def _new(self) -> str:
        if self.armed:
            raise RefusalError("ARMED")
        if not self._estop:
            raise RefusalError("RELEASED")
        for output in self._outputs.values():
            output.used, output.used_ms = 0, 0
        return ""

    def _limit(self, channel: str, name: str, word: str) -> str:
        value = _number(word)
        if (channel, name) == ("host", "silence_ms"):
            if not LEAST_SILENCE_MS <= value <= self._silence_ms:
                raise RefusalError("LOOSER" if value > self._silence_ms else "NUMBER")
            self._silence_ms = value
            return ""
        output = self._output(channel)
        if name not in LIMIT_NAMES:
            raise RefusalError("CHANNEL")
        if name == "interval_ms" and value > LONGEST_INTERVAL_MS:
            raise RefusalError("NUMBER")
        if not is_tighter(name, value, getattr(output.ceilings, name)):
            raise RefusalError("LOOSER")
        output.ceilings = dataclasses.replace(output.ceilings, **{name: value})
        return ""

    def _limits(self, channel: str) -> str:
        output = self._output(channel)
        limits = " ".join(f"{name}={value}" for name, value in dataclasses.asdict(output.ceilings).items())
        wait_ms = -(-output.wait_us(self._clock_us) // 1000)
        return f"{output.name} {limits} used={output.used} used_ms={output.used_ms} wait_ms={wait_ms}"

    def _off(self, channel: str) -> str:
        self._end(self._output(channel))
        return ""

    def _pulse(self, channel: str, pulse: str) -> list[Ordered]:
        return [Ordered(self._output(channel), 0, _number(pulse), 1, 0)]

    def _train(self, channel: str, *numbers: str) -> list[Ordered]:
        return [Ordered(self._output(channel), 0, *map(_number, numbers))]

    def _together(self, *words: str) -> list[Ordered]:
        groups = [words[start : start + 5] for start in range(0, len(words), 5)]
        if len({group[0] for group in groups}) < len(groups):
            raise RefusalError("CHANNEL")
        return [Ordered(self._output(group[0]), *map(_number, group[1:])) for group in groups]

    # -- outputs -------------------------------------------------------------------------------------------

    def _start(self, orders: list[Ordered], seq: int) -> str:
        if not self.armed:
            raise RefusalError("DISARMED")
        for order in orders:
            order.check(self._clock_us)
        self._last_delivery = seq
        for order in orders:
            order.begin(seq, self._clock_us)
        self._switch()
        return ""

    def _switch(self) -> None:
        """Switch every output whose time has come, in the order of its edges."""
        for output in self._outputs.values():
            if output.active and output.edge_us <= self._clock_us:
                if output.high:
                    self._fall(output)
                else:
                    self._rise(output)

    def _rise(self, output: Output) -> None:
        output.rise(self._clock_us)
        self._changed(output)
        if output.done == 0:
            self._tell("ON", output.name, output.seq)

    def _fall(self, output: Output) -> None:
        self._lower(output)
        if output.left == 0:
            self._ended(output)

    def _lower(self, output: Output) -> None:
        if output.high:
            output.fall(self._clock_us)
            self._changed(output)

    def _end(self, output: Output) -> None:
        """End a delivery before its time."""
        if output.active:
            self._lower(output)
            output.left = 0
            self._ended(output)

    def _ended(self, output: Output) -> None:
        output.ended_us = self._clock_us
        self._tell("OFF", output.name, output.seq, output.done, output.on_us)

    def _stop(self, cause: str) -> None:
        self.armed = False
        for output in self._outputs.values():
            self._end(output)
        self._tell("STOP", cause)

    def _changed(self, output: Output) -> None:
        if self._on_output is not None:
            self._on_output(output.name, output.high, self._clock_us)

    def _next_us(self) -> int | None:
        times = [output.edge_us for output in self._outputs.values() if output.active]
        if self.armed:
            times.append(self._heard_us + 1000 * self._silence_ms)
        return min(times) if times else None

    # -- what it says --------------------------------------------------------------------------------------

    def _output(self, channel: str) -> Output:
        if channel not in self._outputs:
            raise RefusalError("CHANNEL")
        return self._outputs[channel]

    def _time(self) -> int:
        return self._clock_us % 2**32

    def _tell(self, kind: str, *values: str | int) -> None:
        words = " ".join(map(str, values))
        self._say(f"E {self._n_events % 65536} {self._time()} {kind} {words}")
        self._n_events += 1

    def _say(self, text: str) -> None:
        self._sent += encode_reply(text)


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise RefusalError("NUMBER")
    return number
