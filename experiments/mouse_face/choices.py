"""The options of a session at the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

Study = Annotated[Path, typer.Argument(help="Folder of the study.", show_default=False)]
AnimalName = Annotated[
    str, typer.Option(help="The animal: letters and digits, such as m01.", show_default=False)
]
ScheduleFile = Annotated[
    str,
    typer.Option(help="Schedule: a file, or the name of a ready one, such as tastants.", show_default=False),
]
RigFile = Annotated[
    Path | None, typer.Option(help="Rig file (TOML): device, valves, camera, limits.", show_default=False)
]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A value of the schedule, such as tail_shock.current_ma=[0.1,0.3]; as often as needed.",
        show_default=False,
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option(
        "--session", help="Name of the session [default: that of the schedule].", show_default=False
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of the order [default: from animal and session].", show_default=False),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="A drawn mouse and a simulated device, as fast as possible.")
]
Null = Annotated[
    bool, typer.Option("--null", help="With --simulate: the face follows nothing that is delivered.")
]
Strength = Annotated[float, typer.Option(min=0.0, help="With --simulate: strength of all expressions.")]
Fps = Annotated[float, typer.Option(min=1.0, help="With --simulate: frames per second.")]
Width = Annotated[int, typer.Option(min=64, help="With --simulate: width of the video (px).")]
Height = Annotated[int, typer.Option(min=48, help="With --simulate: height of the video (px).")]
Speed = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        help="With --simulate: how many times faster than real time [default: as fast as possible].",
        show_default=False,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show timeline and doses, with a picture; open nothing, record nothing."),
]
Picture = Annotated[
    Path | None,
    typer.Option(help="With --dry-run: file of the picture.", show_default=False),
]
YesShock = Annotated[
    str | None,
    typer.Option(
        help="The words that confirm shocks, as the dose plan shows them; otherwise they are asked for.",
        show_default=False,
    ),
]
Sex = Annotated[str | None, typer.Option(help="Sex of a new animal: F, M, O or U.", show_default=False)]
Born = Annotated[
    str | None,
    typer.Option(help="Date of birth of a new animal, such as 2026-08-24.", show_default=False),
]
Strain = Annotated[str | None, typer.Option(help="Strain of a new animal.", show_default=False)]
Genotype = Annotated[str | None, typer.Option(help="Genotype of a new animal.", show_default=False)]
Group = Annotated[
    str | None, typer.Option(help="Group of a new animal, such as ChR2 or eYFP.", show_default=False)
]
Site = Annotated[
    str | None,
    typer.Option(help="Where a new animal has its fibre, such as pIC.", show_default=False),
]
NoPreview = Annotated[bool, typer.Option("--no-preview", help="Show no live picture.")]
Misaligned = Annotated[
    bool,
    typer.Option(
        "--allow-misaligned",
        help="Write the NWB file although the frames' times are known less well than to one frame.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What was chosen at the command line."""

    study: Path
    animal: str
    schedule: str
    rig: Path | None = None
    values: tuple[str, ...] = ()
    session: str | None = None
    seed: int | None = None
    simulate: bool = False
    null: bool = False
    strength: float = 1.0
    fps: float = 30.0
    width: int = 640
    height: int = 480
    speed: float | None = None
    dry_run: bool = False
    picture: Path | None = None
    yes_shock: str | None = None
    sex: str | None = None
    born: str | None = None
    strain: str | None = None
    genotype: str | None = None
    group: str | None = None
    site: str | None = None
    no_preview: bool = False
    allow_misaligned: bool = False
    as_json: bool = False

    @property
    def stated(self) -> dict[str, str | None]:
        """What was said of the animal."""
        return {name: getattr(self, name) for name in ("sex", "born", "strain", "genotype", "group", "site")}
