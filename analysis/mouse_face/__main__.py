"""Analyse the facial expressions of mice, from videos to the report.

python -m analysis.mouse_face STUDY [--preset recommended|paper] [--out DIR] [--crop mask.yaml] [--quick]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None
)


class Preset(str, Enum):
    """The two sets of parameters."""

    recommended = "recommended"
    paper = "paper"


@app.command()
def analyse(
    study: Annotated[
        Path, typer.Argument(help="Folder with sessions (NWB) and their videos.", show_default=False)
    ],
    preset: Annotated[
        Preset, typer.Option(help="Parameters: a careful methodologist's, or the paper's.")
    ] = Preset.recommended,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the results [default: STUDY/derivatives/countenance/mouse_face-PRESET]. An "
            "earlier result of the same analysis in it is renewed; anything else is left alone.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask",
            "--crop",
            help="Crop, face and spout of all videos (YAML) [default: SESSION_masks.yaml beside a session, "
            "masks.yaml in its folder or in the study's, or the whole frame].",
            show_default=False,
        ),
    ] = None,
    emotions: Annotated[
        Path | None,
        typer.Option(
            help="Emotions that events are taken for (TSV: event, emotion) [default: STUDY/emotions.tsv, or "
            "those of the paper].",
            show_default=False,
        ),
    ] = None,
    panel: Annotated[
        list[str] | None,
        typer.Option(help="Only this panel, such as 1F; can be given several times.", show_default=False),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Leave the other preset out.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few permutations and trees: a quick look, not for a paper.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave this session or animal out; can be given several times.", show_default=False
        ),
    ] = None,
    drop_outside: Annotated[
        bool,
        typer.Option("--drop-outside", help="Leave out trials outside the video, instead of refusing."),
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Of all random numbers [default: 2020].", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processors to use [default: all].", show_default=False)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a dask scheduler, such as tcp://10.0.0.5:8786, whose workers describe the "
            "videos. They must see the study under the same path; needs dask's distributed.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a machine-readable summary as the last line.")
    ] = False,
) -> None:
    """Make the report of a study: all figures of Dolensek et al. (2020), with tables and video pages.

    A run that was killed goes on where it was.
    """
    from analysis.mouse_face import output
    from analysis.mouse_face.analyse import analyse_study, preset_parameters
    from analysis.mouse_face.cache import forget_unused
    from analysis.mouse_face.compose import write_report
    from analysis.mouse_face.emotions import find_emotions
    from analysis.mouse_face.panels import chosen_panels
    from analysis.mouse_face.pipeline import describe, read_study
    from analysis.report.results_folder import write_results
    from analysis.workers import available_cores

    only = tuple(chosen_panels(panel)) if panel else ()
    folder = out or output.default_folder(study, preset=preset.value, only=only, quick=quick)
    output.check_folder(folder, study=study, preset=preset.value)
    names = find_emotions(study, emotions)
    parameters = preset_parameters(quick=quick, changes={} if seed is None else {"seed": seed})
    n_workers, begun = workers or available_cores(), time.monotonic()
    sessions, notes = read_study(study, without=without or (), drop_outside=drop_outside, bar=show_bar)
    taken = {"Reading sessions": time.monotonic() - begun}
    described = describe(
        study,
        sessions,
        parameters[preset.value],
        notes=notes,
        mask=mask,
        workers=n_workers,
        scheduler=scheduler,
        bar=show_bar,
    )
    taken["Videos to descriptors"] = time.monotonic() - begun - taken["Reading sessions"]
    results = analyse_study(
        described,
        preset=preset.value,
        parameters=parameters,
        emotions=names,
        only=only,
        alone=alone,
        quick=quick,
        workers=n_workers,
        durations_s=taken,
        bar=show_bar,
    )
    if out is None:
        output.describe_derivatives(study, simulated=results.simulated)
    summary = write_results(
        folder, lambda fresh: write_report(results, fresh, workers=n_workers), output.summarise(results)
    )
    forget_unused(study)
    _say(summary, folder, as_json=as_json)


def show_bar(what: str, total: int) -> Callable[[int], None]:
    """Show a bar of progress with the time left, where it is worth one."""
    from tqdm import tqdm

    bar = tqdm(total=total, desc=what, unit="", file=sys.stderr, unit_scale=total > 10_000, delay=2)

    def step(n: int) -> None:
        bar.update(n)
        if bar.n >= total:
            bar.close()

    return step


def _say(summary: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    report = (folder / "report.html").resolve()
    for text in summary["warnings"]:
        print(f"warning: {text}", file=sys.stderr)
    for name, panel in summary["panels"].items():
        if "missing" in panel:
            print(f"{name}: {panel['missing']}")
    print(f"report: {report}")
    if as_json:
        print(json.dumps({"report": str(report), **summary}, ensure_ascii=False))


def main() -> None:
    """Run the command; wrong input is told without a traceback."""
    try:
        app(prog_name="python -m analysis.mouse_face")
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
