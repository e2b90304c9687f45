"""The options of the session's command, in groups as ``--help`` shows them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

_WHO, _WHAT, _AGAIN, _TWINS = "Who", "What is shown, and on what", "A session that exists", "Simulation"

StudyFolder = Annotated[Path, typer.Argument(help="Folder of the study; made when it does not exist.")]
ParticipantId = Annotated[
    str | None,
    typer.Option(
        help="Id of letters and digits, such as 007. Asked for when it is left out.", rich_help_panel=_WHO
    ),
]
Age = Annotated[float | None, typer.Option(help="Age of the participant in years.", rich_help_panel=_WHO)]
Sex = Annotated[str | None, typer.Option(help="Sex of the participant: F, M or O.", rich_help_panel=_WHO)]
Group = Annotated[str | None, typer.Option(help="Blind code of the group, such as A.", rich_help_panel=_WHO)]
StimulusSet = Annotated[
    Path | None,
    typer.Option(
        help="Stimulus set, made by: python -m stimuli morph PAIRS.tsv FOLDER", rich_help_panel=_WHAT
    ),
]
RigFile = Annotated[
    Path | None,
    typer.Option(help="Rig file: screen, trigger line, keys. --resume keeps it.", rich_help_panel=_WHAT),
]
Language = Annotated[
    str, typer.Option(help="Language of the texts: en, de, or a .toml file.", rich_help_panel=_WHAT)
]
NTrials = Annotated[
    int | None,
    typer.Option(help="Short session: number of trials, practice not counted.", rich_help_panel=_WHAT),
]
NPractice = Annotated[int, typer.Option(help="Number of practice trials.", rich_help_panel=_WHAT)]
Seed = Annotated[
    int | None, typer.Option(help="Seed of the trial list; drawn when left out.", rich_help_panel=_WHAT)
]
LearnKey = Annotated[
    bool,
    typer.Option(
        "--learn-key",
        help="Ask for the response key on the first page, and accept what the keypad sends.",
        rich_help_panel=_WHAT,
    ),
]
UnmeasuredRefresh = Annotated[
    bool,
    typer.Option(
        "--allow-unmeasured-refresh",
        help="Accept a screen whose refresh cannot be measured, such as a virtual one: flips are then "
        "paced by the computer's clock at the rig file's rate. Not for real participants.",
        rich_help_panel=_WHAT,
    ),
]
SkipSignalCheck = Annotated[
    bool,
    typer.Option(
        "--skip-signal-check",
        help="Do not look at the signals before the session, where the suite records them itself.",
        rich_help_panel=_WHAT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with a session that was stopped or crashed.", rich_help_panel=_AGAIN
    ),
]
NewRun = Annotated[
    bool,
    typer.Option(
        "--new-run",
        help="Begin another session of a participant who had one; the earlier one stays as it is.",
        rich_help_panel=_AGAIN,
    ),
]
Close = Annotated[
    bool,
    typer.Option(
        "--close",
        help="Only put a crashed session's finished trials into the dataset.",
        rich_help_panel=_AGAIN,
    ),
]
Simulate = Annotated[
    bool,
    typer.Option(
        "--simulate", help="No window: everything is simulated, at full speed.", rich_help_panel=_TWINS
    ),
]
NParticipants = Annotated[
    int | None,
    typer.Option(help="With --simulate: a whole study of so many participants.", rich_help_panel=_TWINS),
]
SimulateKeys = Annotated[
    bool,
    typer.Option(
        "--simulate-keys", help="A real window, and a simulated participant.", rich_help_panel=_TWINS
    ),
]
Null = Annotated[
    bool,
    typer.Option(
        "--null", help="Simulated participants do not mimic (the known null).", rich_help_panel=_TWINS
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print a summary as JSON in the last line, and ask nothing."),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """What the command line says; see the options above.

    Raises
    ------
    ValueError
        If two options do not go together.
    """

    study: Path
    participant: str | None
    stimuli: Path | None
    rig: Path | None
    age: float | None
    sex: str | None
    group: str | None
    language: str
    resume: bool
    new_run: bool
    close: bool
    trials: int | None
    practice: int
    seed: int | None
    learn_key: bool
    allow_unmeasured_refresh: bool
    skip_signal_check: bool
    simulate: bool
    participants: int | None
    simulate_keys: bool
    null: bool
    as_json: bool

    @property
    def simulated(self) -> bool:
        """Whether the participant is not a real one."""
        return self.simulate or self.simulate_keys

    def __post_init__(self) -> None:
        again = [
            option
            for option, given in (
                ("--resume", self.resume),
                ("--new-run", self.new_run),
                ("--close", self.close),
            )
            if given
        ]
        if self.simulate and self.simulate_keys:
            raise ValueError("choose --simulate (no window) or --simulate-keys (a real window)")
        if self.participants is not None and (not self.simulate or self.participant or again):
            raise ValueError(
                "--participants N simulates a whole study: use it with --simulate and without an id"
            )
        if self.participants is not None and self.participants < 1:
            raise ValueError(f"a study needs at least one participant, found {self.participants}")
        if self.null and not self.simulated:
            raise ValueError("--null is for simulated participants: use it with --simulate")
        if len(again) > 1:
            raise ValueError(f"choose one of {' and '.join(again)}")
        if again and self.participant is None:
            raise ValueError("say which session: --participant ID")
