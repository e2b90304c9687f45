"""Reading the stimuli of a schedule."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from experiments.mouse_face.schedule_file import Section
from experiments.mouse_face.schedule_parts import Laser, Schedule, Stimulus

VALVES = ("valve1", "valve2", "valve3", "valve4")
CHANNELS = ("valve", *VALVES, "shock", "aux", "none")
"""What delivers a stimulus; ``valve``: the valve that holds its liquid; ``none``: the device does nothing."""
SETTINGS = {
    "valve": ("intensity", "unit", "volume_ul", "n_pulses", "period_ms"),
    "shock": ("current_ma", "pulse_ms", "n_pulses", "period_ms"),
    "aux": ("intensity", "unit", "pulse_ms", "n_pulses", "period_ms"),
    "none": ("intensity", "unit", "by_hand"),
}
"""What a stimulus takes beside the settings of all, by its kind of channel."""
COMMON = ("channel", "event", "duration_s", "laser", "per_block")
"""Settings of all stimuli."""
GREATEST_MA, GREATEST_UL = 3.0, 100.0
"""Larger numbers are slips of the unit; the rig's own limits are lower."""


def read_stimuli(section: Section) -> tuple[Stimulus, ...]:
    """Read the part ``stimuli``; problems are noted in the section."""
    stimuli: list[Stimulus] = []
    for name in section.names():
        part = section.section(name)
        if part is None:
            continue
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            section.refuse(f"the name {name!r} may have letters, digits and _ only", name=name)
        stimuli += _read_stimulus(part, name)
        part.finish()
    if not section.names():
        section.refuse("there are no stimuli")
    stimuli = _assign_valves(section, stimuli)
    _check_valves(section, stimuli)
    return tuple(stimuli)


def with_liquids(schedule: Schedule, liquids: Mapping[str, str]) -> Schedule:
    """Let each stimulus come from the valve that holds its liquid.

    Parameters
    ----------
    schedule : Schedule
        From `experiments.mouse_face.schedule.read_schedule`.
    liquids : mapping of str to str
        Valve -> what it holds, as the rig file says, such as ``sucrose 20 % w/v``; capitals and spaces do not
        count.

    Returns
    -------
    Schedule
        The same with its stimuli on these valves.

    Raises
    ------
    ValueError
        If a liquid is in no valve, or in another one than the schedule says.

    Examples
    --------
    >>> from experiments.mouse_face.schedule import read_schedule
    >>> salt = with_liquids(read_schedule("salt"), {"valve2": "Salt 75mM", "valve4": "salt 500 mM"})
    >>> [stimulus.channel for stimulus in salt.stimuli]
    ['valve2', 'valve4', '']
    """
    problems, stimuli = [], []
    for stimulus in schedule.stimuli:
        fitting = [valve for valve, held in liquids.items() if _same(held, stimulus.liquid)]
        if not stimulus.liquid or (stimulus.channel in fitting and not stimulus.any_valve):
            stimuli.append(stimulus)
        elif stimulus.any_valve and fitting:
            stimuli.append(replace(stimulus, channel=fitting[0]))
        else:
            where = "in no valve" if stimulus.any_valve else f"not in {stimulus.channel}"
            problems.append(f"{stimulus.liquid} is {where}")
    if problems:
        held = ", ".join(f"{valve} {liquid}" for valve, liquid in sorted(liquids.items())) or "nothing"
        raise ValueError(
            f"{schedule.name}: {'; '.join(dict.fromkeys(problems))}. The rig file says: {held}. Fill the "
            "valves and say so in [mouse_rig.liquids], in the words of the schedule"
        )
    return replace(schedule, stimuli=tuple(stimuli))


def read_laser(section: Section) -> Laser:
    """Read the part ``laser``; problems are noted in the section."""
    laser = Laser(
        channel=section.choice("channel", ("laser", "aux"), default="laser"),
        pulse_ms=section.number("pulse_ms", least=0.01, most=60_000),
        frequency_hz=section.number("frequency_hz", least=0.01, most=10_000),
        duration_s=section.number("duration_s", least=0.001, most=600),
        power_mw=section.number("power_mw", least=0.001, most=1000),
        wavelength_nm=section.number("wavelength_nm", least=300, most=2000),
    )
    if laser.pulse_ms > laser.period_ms:
        section.refuse(
            f"pulses of {laser.pulse_ms:g} ms do not fit into {laser.frequency_hz:g} per second "
            f"({laser.period_ms:g} ms each)",
            name="pulse_ms",
        )
    section.finish()
    return laser


class _Level(NamedTuple):
    """What can differ between the strengths of a stimulus."""

    channel: str
    intensity: float
    volume_ul: float
    current_ma: float


class _Pulses(NamedTuple):
    pulse_ms: float = math.nan
    n_pulses: int = 0
    period_ms: float = math.nan


def _read_stimulus(part: Section, name: str) -> list[Stimulus]:
    """Read one stimulus at all its strengths, without and with light."""
    channels = _channels(part)
    kind = channels[0].rstrip("1234") if channels else "none"
    _check_settings(part, kind, channels)
    duration_s = part.number("duration_s", least=0.001, most=3600)
    lasers = part.flags("laser", default=False)
    levels = _levels(part, kind, channels)
    pulses = _pulses(part, kind, duration_s)
    common: dict[str, Any] = {
        "name": name,
        "event": part.text("event", default=name),
        "duration_s": duration_s,
        "unit": _unit(part, kind, levels),
        "by_hand": part.text("by_hand", default="") if kind == "none" else "",
        "per_block": _whole(part.number("per_block", least=1, most=1000, whole=True, default=1)),
        **pulses._asdict(),
    }
    found = []
    for level, laser in itertools.product(levels, lasers):
        label = name + (f"@{level.intensity:g}" if len(levels) > 1 else "")
        label += "+laser" if laser and len(lasers) > 1 else ""
        own = level._asdict() | {"channel": "" if level.channel == "none" else level.channel}
        own["any_valve"] = level.channel == "valve"
        found.append(Stimulus(label=label, laser=laser, **own, **common))
    return found


def _levels(part: Section, kind: str, channels: list[str]) -> list[_Level]:
    """Read the strengths of a stimulus; none if they do not fit one another."""
    strengths = _strengths(part, kind)
    lists: dict[str, list[Any]] = {"channel": channels, **strengths}
    n_levels = max(map(len, lists.values()))
    for setting, values in lists.items():
        if values and len(values) not in (1, n_levels):
            part.refuse(
                f"{part.place(setting)} has {len(values)} values, other lists of this stimulus {n_levels}: "
                "give one for all or one for each",
                name=setting,
            )
            return []
    if kind == "valve" and len(channels) < n_levels and channels != ["valve"]:
        part.refuse(
            f"{part.path} has {n_levels} strengths and one valve; a valve holds one liquid: channel: valve, "
            f"or [{', '.join(VALVES[:n_levels])}]",
            name="channel",
        )
    if not channels:
        return []
    return [_Level(*(values[level % len(values)] for values in lists.values())) for level in range(n_levels)]


def _channels(part: Section) -> list[str]:
    """Read the channels; all of one kind."""
    if not part.has("channel"):
        part.refuse(
            f"{part.place('channel')} is missing: {', '.join(CHANNELS)} (none: the device delivers nothing)"
        )
    channels = part.texts("channel")
    for channel in channels:
        if channel not in CHANNELS:
            hint = "light stands in the part 'laser'; here: channel: none, laser: true"
            known = ", ".join(CHANNELS)
            part.refuse(
                f"there is no channel {channel!r}; {hint if channel == 'laser' else 'known are ' + known}",
                name="channel",
            )
            return []
    if len({channel.rstrip("1234") for channel in channels}) > 1:
        part.refuse(
            f"{part.place('channel')} mixes kinds of channels: make two stimuli of it", name="channel"
        )
        return []
    return channels


def _check_settings(part: Section, kind: str, channels: list[str]) -> None:
    """Refuse what has a meaning for other channels only."""
    fitting = (*COMMON, *SETTINGS[kind])
    known = {setting for settings in SETTINGS.values() for setting in settings}
    if not channels:  # which settings fit cannot be told without one
        for name in known:
            part.ignore(name)
        return
    for name in part.names():
        if name in known and name not in fitting:
            why = {
                ("shock", "intensity"): "the strength of a shock is current_ma",
                ("shock", "unit"): "a current_ma is in mA",
                ("valve", "pulse_ms"): "the calibration of the valve says how long it opens for volume_ul",
            }.get((kind, name), f"it takes {', '.join(SETTINGS[kind])}")
            part.refuse(f"{name} has no meaning with channel {channels[0]}: {why}", name=name)
            part.ignore(name)


def _strengths(part: Section, kind: str) -> dict[str, list[float]]:
    """Read what can differ between the strengths of a stimulus: intensity, volume and current."""
    nothing = [math.nan]
    intensity = volume_ul = current_ma = nothing
    if kind == "shock":
        current_ma = part.numbers("current_ma", least=0.001, most=GREATEST_MA) or nothing
        intensity = current_ma
    elif part.has("intensity"):
        intensity = part.numbers("intensity") or nothing
    if kind == "valve":
        volume_ul = part.numbers("volume_ul", least=0.01, most=GREATEST_UL) or nothing
    if len(set(intensity)) < len(intensity):
        setting = "current_ma" if kind == "shock" else "intensity"
        part.refuse(f"{part.place(setting)} has the same value twice", name=setting)
    return {"intensity": intensity, "volume_ul": volume_ul, "current_ma": current_ma}


def _unit(part: Section, kind: str, levels: list[_Level]) -> str:
    if kind == "shock":
        return "mA"
    if part.has("unit"):
        return part.text("unit")
    if any(not math.isnan(level.intensity) for level in levels):
        part.refuse(f"{part.place('unit')} is missing: the unit of the intensity, such as mM")
    return "n/a"


def _pulses(part: Section, kind: str, duration_s: float) -> _Pulses:
    """Read length, number and period of the pulses."""
    if kind == "none":
        return _Pulses()
    pulse_ms = math.nan if kind == "valve" else part.number("pulse_ms", least=0.01, most=60_000)
    n_pulses = _whole(part.number("n_pulses", least=1, most=10_000, whole=True, default=1))
    period_ms = math.nan
    if n_pulses > 1:
        period_ms = part.number("period_ms", least=0.01, most=600_000)
    elif part.has("period_ms"):
        part.refuse("a single pulse has no period_ms: leave it out, or set n_pulses", name="period_ms")
        part.ignore("period_ms")
    if pulse_ms > period_ms:
        part.refuse(
            f"pulses of {pulse_ms:g} ms do not fit into a period of {period_ms:g} ms", name="pulse_ms"
        )
    lasting_ms, spacing_ms = (0.0 if math.isnan(ms) else ms for ms in (pulse_ms, period_ms))
    train_s = ((n_pulses - 1) * spacing_ms + lasting_ms) / 1000
    if train_s > duration_s + 1e-9:
        part.refuse(
            f"the delivery lasts {train_s:g} s, longer than duration_s: {duration_s:g}", name="duration_s"
        )
    return _Pulses(pulse_ms, n_pulses, period_ms)


def _assign_valves(section: Section, stimuli: list[Stimulus]) -> list[Stimulus]:
    """Give each liquid without a valve the next free one."""
    taken = {stimulus.channel for stimulus in stimuli}
    free = [valve for valve in VALVES if valve not in taken]
    chosen: dict[str, str] = {}
    for stimulus in stimuli:
        if stimulus.any_valve and stimulus.liquid and stimulus.liquid not in chosen:
            if len(chosen) == len(free):
                section.refuse(
                    f"there are more liquids than valves: {stimulus.liquid} has none of the {len(VALVES)}",
                    name=stimulus.name,
                )
                break
            chosen[stimulus.liquid] = free[len(chosen)]
    return [
        replace(one, channel=chosen.get(one.liquid, one.channel)) if one.any_valve else one for one in stimuli
    ]


def _same(held: str, needed: str) -> bool:
    return "".join(held.split()).casefold() == "".join(needed.split()).casefold()


def _check_valves(section: Section, stimuli: list[Stimulus]) -> None:
    """Refuse two liquids in one valve, and two stimuli of one name."""
    liquids: dict[str, str] = {}
    for stimulus in stimuli:
        if not stimulus.liquid or stimulus.channel == "valve":
            continue
        before = liquids.setdefault(stimulus.channel, stimulus.liquid)
        if before != stimulus.liquid:
            section.refuse(
                f"{stimulus.channel} cannot hold {before} and {stimulus.liquid}: give each its valve",
                name=stimulus.name,
            )


def _whole(value: float) -> int:
    return 1 if math.isnan(value) else int(value)
