"""What everybody may know of an allocation: its groups, strata and time window. It helps nobody to guess."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.dataset.tables import read_json

SETTINGS_NAME = "allocation.json"
_FORMAT = "countenance allocation"


@dataclass(frozen=True, kw_only=True)
class AllocationSettings:
    """The public part of an allocation. The sizes of blocks are not in here: they are sealed."""

    id: str
    """Random name of this allocation, the same in the sealed key and in the log."""
    groups: tuple[str, ...]
    """Names of the groups, such as placebo."""
    ratio: tuple[int, ...]
    """How many participants of each group there are for one another."""
    strata: dict[str, tuple[str, ...]]
    """Factor -> its levels, such as sex -> F, M. Groups are balanced within each combination."""
    n_in: dict[str, int]
    """Stratum -> number of participants planned."""
    replacement_packages: int = 2
    """Further packages of the same content for each place, for replacements in the same group."""
    pill_to_task_min: float = 240.0
    """Planned time from the pill to the task (min). Korb et al. (2023), Procedure: about 4.2 h; amisulpride
    peaks after approximately 4 h."""
    tolerance_min: float = 30.0
    """How much earlier or later the task may begin (min). Our choice: Table 1 of the paper has a standard
    deviation of 0.2 to 0.3 h."""
    pill_to_mood_min: float = 180.0
    """Planned time from the pill to the second mood questionnaire (min). Korb et al. (2023), Procedure: 3
    h."""
    simulated: bool = False
    """Whether the participants are not real ones."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def window_min(self) -> tuple[float, float]:
        """First and last minute after the pill at which the task may begin."""
        return self.pill_to_task_min - self.tolerance_min, self.pill_to_task_min + self.tolerance_min

    def record(self) -> dict[str, Any]:
        """Return what stands in the file."""
        values = {name: value for name, value in asdict(self).items() if name != "simulated"}
        return {"format": _FORMAT, "version": 1, **values}


def read_settings(folder: Path) -> AllocationSettings:
    """Read the settings of an allocation.

    Parameters
    ----------
    folder : Path
        Folder of the allocation.

    Raises
    ------
    FileNotFoundError
        If there is no allocation.
    ValueError
        If the file cannot be understood.
    """
    path = folder / SETTINGS_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no allocation in {folder}: whoever keeps the key makes one with "
            "python -m experiments.allocation STUDY create"
        )
    content = read_json(path)
    if content.pop("format", None) != _FORMAT or content.pop("version", None) != 1:
        raise ValueError(f"{path} is not the description of an allocation that this version reads")
    try:
        content["strata"] = {name: tuple(levels) for name, levels in content["strata"].items()}
        content["groups"], content["ratio"] = tuple(content["groups"]), tuple(content["ratio"])
        return AllocationSettings(**content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error}): take the copy of it") from None


def choose_stratum(settings: AllocationSettings, given: Mapping[str, str | None]) -> str:
    """Find a participant's stratum.

    Parameters
    ----------
    settings : AllocationSettings
        The study's.
    given : mapping
        Factor -> level, as it was typed; None where it was not.

    Raises
    ------
    ValueError
        If a factor is missing or unknown, or has no such level.
    """
    from experiments.allocation.blocks import name_strata

    known = {factor: level.strip() for factor, level in given.items() if level and level.strip()}
    unknown = sorted(set(known) - set(settings.strata))
    if unknown:
        lists = (
            f"is stratified by {', '.join(settings.strata)}" if settings.strata else "has one list for all"
        )
        raise ValueError(f"the study {lists}, and knows nothing of {', '.join(unknown)}: leave that out")
    chosen = {}
    for factor, levels in settings.strata.items():
        if factor not in known:
            option = "--sex " if factor == "sex" else f"--stratum {factor}="
            raise ValueError(f"{factor} decides from which list the package comes: give {option}{levels[0]}")
        matching = [level for level in levels if level.lower() == known[factor].lower()]
        if not matching:
            raise ValueError(
                f"{factor} is one of {', '.join(levels)} in this study; found {known[factor]!r}. A level "
                "that was not planned has no packages: ask whoever keeps the key"
            )
        chosen[factor] = matching[0]
    return next(name for name, levels in name_strata(settings.strata).items() if levels == chosen)


def _check(settings: AllocationSettings) -> None:
    groups, ratio = settings.groups, settings.ratio
    if len(groups) < 2 or len({group.lower() for group in groups}) < len(groups) or not all(groups):
        raise ValueError(f"an allocation needs two groups or more with different names; found {list(groups)}")
    if len(ratio) != len(groups) or any(part < 1 for part in ratio):
        raise ValueError(
            "the ratio has one whole number from 1 per group, such as 1:1; found "
            f"{':'.join(map(str, ratio))} for {len(groups)} groups"
        )
    if math.gcd(*ratio) > 1:
        raise ValueError(f"give the ratio in lowest terms: {':'.join(map(str, ratio))} can be divided")
    if len(groups) > 26:
        raise ValueError(f"{len(groups)} groups are more than there are letters for blind codes")
    for factor, levels in settings.strata.items():
        if not levels or len({level.lower() for level in levels}) < len(levels) or "/" in "".join(levels):
            raise ValueError(f"the levels of {factor} must differ and have no '/'; found {', '.join(levels)}")
    if any(n < 1 for n in settings.n_in.values()):
        raise ValueError("each stratum needs at least one participant: leave out levels that nobody has")
    if settings.replacement_packages < 0:
        raise ValueError(
            f"the number of replacement packages is 0 or more; found {settings.replacement_packages}"
        )
    if settings.tolerance_min < 0 or settings.window_min[0] <= 0:
        raise ValueError(
            f"the task begins after the pill: {settings.pill_to_task_min:g} minutes, give or take "
            f"{settings.tolerance_min:g}, is not a window"
        )
