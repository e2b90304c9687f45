"""Analyse a mimicry study, or import someone else's recording into one.

python -m analysis.mimicry STUDY [--preset recommended|paper] [--quick] [--out DIR] [--unblind KEY]
python -m analysis.mimicry import STUDY --participant ID RECORDING [--channels map.toml]
"""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

_TYPER: dict[str, Any] = {
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "rich_markup_mode": None,
}
app = typer.Typer(**_TYPER)
import_app = typer.Typer(**_TYPER)


class Preset(str, Enum):
    """The two sets of parameters."""

    recommended = "recommended"
    paper = "paper"


@app.command(
    epilog="To import a recording of another laboratory into a study: "
    "python -m analysis.mimicry import --help"
)
def analyse(
    study: Annotated[Path, typer.Argument(help="Folder of the study (BIDS).", show_default=False)],
    preset: Annotated[
        Preset, typer.Option(help="Parameters: a careful methodologist's, or the paper's.")
    ] = Preset.recommended,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the results [default: STUDY/derivatives/countenance/mimicry-PRESET]. "
            "An earlier result of the same analysis in it is renewed; anything else is left alone.",
            show_default=False,
        ),
    ] = None,
    unblind: Annotated[
        Path | None,
        typer.Option(
            help="Key of the groups, whose names replace the blind codes: the allocation's sealed key, or "
            "a TSV file with code and name of each group.",
            show_default=False,
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            help="Text file with the passphrase of the sealed key; otherwise it is asked for.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Who opens the sealed key, for the log [default: the computer's account].",
            show_default=False,
        ),
    ] = None,
    mains_hz: Annotated[
        float | None,
        typer.Option(help="Frequency of the mains, where it is not the preset's 50 Hz.", show_default=False),
    ] = None,
    bandpass_hz: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Pass band, where the sampling rate is too low for the preset's 20 to 400 Hz.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Leave out what takes minutes: the Bayesian models and the simulation of what the study "
            "could have found.",
        ),
    ] = False,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Draws of each chain of the Bayesian models, after as many for warm-up, where the preset's "
            "take too long.",
            min=100,
            show_default=False,
        ),
    ] = None,
    simulations: Annotated[
        int | None,
        typer.Option(
            help="Simulated studies for the smallest detectable effect, where the preset's take too long.",
            min=20,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of all random numbers [default: the preset's].", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a machine-readable summary as the last line.")
    ] = False,
) -> None:
    """Analyse a facial-mimicry study: EMG and response times, as in Korb et al. (2023), into a report."""
    # Imported here, not above: the processes that pre-process the EMG read this file again, and help is quick
    from dataclasses import replace

    from analysis.datasets import read_study
    from analysis.mimicry.blinding import read_key
    from analysis.mimicry.compose import compose_report
    from analysis.mimicry.output import check_folder, default_folder, describe_derivative, write_results
    from analysis.mimicry.parameters import preset as parameters_of
    from analysis.mimicry.study import analyse_study
    from analysis.mimicry.summary_file import summarise

    dataset = read_study(study)
    if unblind is None and (passphrase_file or by):
        raise ValueError("--passphrase-file and --by are for opening a sealed key: give --unblind as well")
    folder = out or default_folder(dataset, preset=preset.value, unblinded=unblind is not None)
    identity = {"study": dataset.name, "preset": preset.value, "unblinded": unblind is not None}
    check_folder(folder, analysis=identity)
    group_names = (
        read_key(unblind, dataset, passphrase_file=passphrase_file, by=by) if unblind is not None else {}
    )
    given = {
        "mains_hz": mains_hz,
        "bandpass_hz": bandpass_hz,
        "posterior_warmup": draws,
        "posterior_draws": draws,
        "posterior_max_draws": draws,
        "sensitivity_simulations": simulations,
        "seed": seed,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    parameters = replace(parameters_of(preset.value), **changes)
    results = analyse_study(dataset, parameters, preset=preset.value, group_names=group_names, quick=quick)
    if out is None:
        describe_derivative(dataset)
    summary = write_results(folder, compose_report(results).write, summarise(results))
    _say(summary, folder, as_json=as_json)


def _say(summary: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    report = (folder / "report.html").resolve()
    for text in summary["warnings"]:
        print(f"warning: {text}", file=sys.stderr)
    print(f"report: {report}")
    if as_json:
        print(json.dumps({"report": str(report), **summary}, ensure_ascii=False))


@import_app.command()
def import_(
    study: Annotated[
        Path, typer.Argument(help="Folder of the study; a new one is made.", show_default=False)
    ],
    recording: Annotated[
        Path,
        typer.Argument(
            help="The recording: BDF, EDF, BrainVision (.vhdr), EEGLAB (.set), XDF or delimited text.",
            show_default=False,
        ),
    ],
    participant: Annotated[str, typer.Option(help="Id of letters and digits.", show_default=False)],
    channels: Annotated[
        Path | None,
        typer.Option(
            help="Channel map (TOML): which channel is which muscle, units, sampling rate, triggers.",
            show_default=False,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Blind code of the group of a participant who is new.", show_default=False),
    ] = None,
    allow_flat: Annotated[
        list[str] | None,
        typer.Option(
            help="Muscle whose signal may be missing throughout; can be given several times.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        int, typer.Option(help="Which session of this participant, where there were several.", min=1)
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a machine-readable summary as the last line.")
    ] = False,
) -> None:
    """Bring a recording that was made elsewhere, with any amplifier, into a study."""
    from analysis.mimicry.import_recording import import_recording

    summary = import_recording(
        study,
        participant=participant,
        recording=recording,
        channels=channels,
        group=group,
        allow_flat=allow_flat or (),
        run=run,
    )
    for text in summary["warnings"]:
        print(f"warning: {text}", file=sys.stderr)
    for text in summary.get("alignment", []):
        print(text)
    counts = ", ".join(f"{n} {kind}" for kind, n in summary["events"].items())
    print(
        f"participant {participant}: {summary['duration_s']:g} s at {summary['fs_hz']:g} Hz; events: {counts}"
    )
    if as_json:
        print(json.dumps(summary, ensure_ascii=False))


def main() -> None:
    """Import a recording where the first word is `import`; analyse a study otherwise."""
    try:
        if sys.argv[1:2] == ["import"]:
            import_app(args=sys.argv[2:], prog_name="python -m analysis.mimicry import")
        else:
            app(prog_name="python -m analysis.mimicry")
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
