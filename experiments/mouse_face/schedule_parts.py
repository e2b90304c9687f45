"""What a schedule is made of, once its file has been read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from experiments.mouse_face.schedule_file import Stated

OrderKind = Literal["random_blocks", "random", "latin_square", "fixed", "paper_blocked"]
"""``random_blocks``: each stimulus once per block, in random order; ``random``: all trials in random order;
``latin_square``: blocks in the orders of a balanced Latin square, which differ between animals;
``fixed``: as written; ``paper_blocked``: all repeats of one stimulus, then those of the next."""
RunsOf = Literal["stimulus", "level"]
"""Of what runs are limited: of a stimulus whatever its strength, or of a stimulus at one strength."""
AcrossAnimals = Literal["same", "reverse", "rotate"]
"""How a fixed order differs between animals: not; every second animal backwards; each animal begins one
further."""
IntervalKind = Literal["uniform", "exponential", "fixed", "list"]
"""How intervals are chosen; ``exponential`` is truncated at both ends."""


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """A stimulus at one strength, with or without light."""

    label: str
    """Its name in orders, such as ``sucrose@4`` or ``quinine+laser``."""
    name: str
    """Its name in the file; the same for all strengths."""
    event: str
    """What it is called in the data; events of one name are one class for the analysis."""
    channel: str
    """Output of the device; empty if nothing is delivered."""
    duration_s: float
    """How long the event lasts (s), also where the delivery is shorter."""
    intensity: float = math.nan
    """Its strength; NaN if it has none."""
    unit: str = "n/a"
    """Unit of the intensity."""
    volume_ul: float = math.nan
    """Liquid per trial (microlitres), all pulses together."""
    current_ma: float = math.nan
    """Current of a shock (mA); set on the shocker, which the device only triggers."""
    pulse_ms: float = math.nan
    """Length of a pulse; NaN for a valve, whose calibration says it."""
    n_pulses: int = 0
    """Number of pulses per trial."""
    period_ms: float = math.nan
    """From the beginning of a pulse to that of the next; NaN if there is only one."""
    laser: bool = False
    """Whether the light is on."""
    by_hand: str = ""
    """What the experimenter does; empty if nothing."""
    per_block: int = 1
    """How often it comes in each block."""
    any_valve: bool = False
    """Whether the rig's list of liquids chooses the valve; without such a list it is the next free one."""

    @property
    def liquid(self) -> str:
        """What must be in the valve's reservoir, such as ``sucrose 4 % w/v``; empty for other channels."""
        return describe_stimulus(self.event, self.intensity, self.unit) if self.volume_ul > 0 else ""


@dataclass(frozen=True, kw_only=True)
class Laser:
    """The train of light pulses of trials with light; it begins with the stimulus."""

    channel: str
    """Output of the device."""
    pulse_ms: float
    """Length of a pulse."""
    frequency_hz: float
    """Pulses per second."""
    duration_s: float
    """Length of the train (s)."""
    power_mw: float
    """Power at the tip of the fibre (mW); set at the laser, kept in the record."""
    wavelength_nm: float
    """Wavelength (nm), kept in the record."""

    @property
    def n_pulses(self) -> int:
        """Number of pulses in a train."""
        return max(1, round(self.duration_s * self.frequency_hz))

    @property
    def period_ms(self) -> float:
        """From the beginning of a pulse to that of the next."""
        return 1000 / self.frequency_hz


@dataclass(frozen=True, kw_only=True)
class Order:
    """In which order the trials come."""

    kind: OrderKind
    """How it is chosen."""
    longest_run: int | None = None
    """Longest allowed run, also from block to block; None for no limit."""
    runs_of: RunsOf = "stimulus"
    """Of what runs are limited."""
    sequence: tuple[str, ...] = ()
    """Labels in their order, for a fixed one; empty for all stimuli in the file's order, in each repeat."""
    across_animals: AcrossAnimals = "same"
    """How a fixed order differs between animals."""
    animals: tuple[str, ...] = ()
    """The animals of the study in their order, for orders that depend on it; empty if the number in an
    animal's name is its place."""


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Pauses from the end of a stimulus to the beginning of the next."""

    kind: IntervalKind
    """How they are chosen."""
    least_s: float = math.nan
    """Shortest."""
    most_s: float = math.nan
    """Longest."""
    mean_s: float = math.nan
    """Mean of the truncated exponential intervals that come out."""
    values_s: tuple[float, ...] = ()
    """The fixed interval, or those of a list."""
    shuffled: bool = False
    """Whether those of a list are dealt in random order, as equally often as they go."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A session as its file describes it."""

    name: str
    """Letters, digits, ``-`` and ``_``; the session's name unless another is given."""
    title: str
    """What is done, in a line."""
    stimuli: tuple[Stimulus, ...]
    """Every stimulus at every strength."""
    order: Order
    """In which order they come."""
    intervals: Intervals
    """How far apart."""
    repeats: int
    """How often each comes, or each block."""
    lead_in_s: float
    """From the start of the session to the first stimulus (s)."""
    lead_out_s: float
    """From the end of the last stimulus to the end of the session (s)."""
    description: str = ""
    """More about it."""
    paper: str = ""
    """Which figures of Dolensek et al. (2020) the session is for."""
    paper_animals: int | None = None
    """How many animals the paper had for it."""
    sessions: int = 1
    """How many such sessions an animal has."""
    condition: str = "n/a"
    """State of the animal, such as ``thirsty``."""
    site: str = ""
    """Where light goes, such as ``pIC``."""
    groups: tuple[str, ...] = ()
    """Groups that animals can belong to, such as ``ChR2`` and ``eYFP``."""
    before: tuple[str, ...] = ()
    """What to do before the session."""
    laser: Laser | None = None
    """The light, where there is any."""
    stated: tuple[Stated, ...] = ()
    """Every value of the file with its source and line."""
    text: str = ""
    """The file's text with the values that were given for this session; reading it again gives the same."""
    file: str = ""
    """Where it was read."""
    warnings: tuple[str, ...] = ()
    """What a careful experimenter would ask about."""


def describe_stimulus(event: str, intensity: float, unit: str) -> str:
    """Name a stimulus with its strength.

    >>> describe_stimulus("sucrose", 4.0, "% w/v"), describe_stimulus("neutral", float("nan"), "n/a")
    ('sucrose 4 % w/v', 'neutral')
    """
    return event if math.isnan(intensity) else f"{event} {intensity:g} {unit}"
