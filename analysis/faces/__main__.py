"""Describe the face in videos of mice.

python -m analysis.faces describe VIDEO... [--mask mask.yaml] [--workers N] [--out DIR]
python -m analysis.faces masks VIDEO [--out masks.yaml] [--template]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.faces.masks import FaceMask, read_mask
from analysis.workers import available_cores

if TYPE_CHECKING:
    from analysis.faces.describe import DescribedVideo
    from analysis.faces.describe_many import Job

app = typer.Typer(
    help="Faces of mice: descriptors of videos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def _commands() -> None:
    """Faces of mice: from videos to descriptors."""


@app.command()
def describe(
    videos: Annotated[
        list[Path],
        typer.Argument(help="Videos, or folders of pictures.", show_default=False, metavar="VIDEO..."),
    ],
    mask: Annotated[
        Path | None,
        typer.Option("--mask", "--crop", help="Crop, face and spout (YAML).", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results [default: beside each video].", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processors to use [default: all].", show_default=False)
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option(
            help="Time of each frame in seconds, one per line or in a table's column time_s; for one video.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            help="True rate of the camera, where the video has no or wrong times and no frame is missing.",
            show_default=False,
        ),
    ] = None,
    orientations: Annotated[int, typer.Option(min=1, help="Orientations; others than 8 are slow.")] = 8,
    cell_px: Annotated[int, typer.Option(min=2, help="Side of a cell in pixels.")] = 32,
    block_norm: Annotated[str, typer.Option(help="L2-Hys, L2, L1 or L1-sqrt.")] = "L2-Hys",
    square_root: Annotated[bool, typer.Option(help="Take the square root of the pixels first.")] = True,
    float32: Annotated[
        bool, typer.Option("--float32", help="Faster, and not always equal to scikit-image; says how often.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of other parameters.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """Write the HOG descriptors of each video to NAME_hog.h5; a run that was killed goes on where it was."""
    from analysis.faces.describe import HogParameters

    if times is not None and len(videos) > 1:
        raise ValueError("--times belongs to one video; describe the others in calls of their own")
    parameters = HogParameters(
        orientations=orientations,
        cell_px=cell_px,
        block_norm=block_norm,  # type: ignore[arg-type]  # checked where it is used
        square_root=square_root,
        exact=not float32,
    )
    options: dict[str, Any] = {"parameters": parameters, "fps": fps, "overwrite": overwrite}
    options["mask"] = FaceMask() if mask is None else read_mask(mask)
    if times is not None:
        from analysis.faces.video_frames import read_times

        options["times_s"] = read_times(times)
    results = _run(_jobs(videos, out, options), workers or available_cores())
    n_failed = _report(videos, results)
    if as_json:
        print(json.dumps(_summary(videos, results)))
    if n_failed:
        raise SystemExit(2 if all(not isinstance(r, RuntimeError) for r in results) else 1)


@app.command()
def masks(
    video: Annotated[Path, typer.Argument(help="Video, or folder of pictures.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Mask to write, or to go on with (YAML).")] = Path("masks.yaml"),
    template: Annotated[
        bool, typer.Option("--template", help="No window: a YAML to fill in, and the frame with a grid.")
    ] = False,
    cell_px: Annotated[int, typer.Option(min=2, help="Side of a descriptor's cell in pixels.")] = 32,
    fps: Annotated[
        float | None, typer.Option(help="Rate, where the video has no times.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """Draw the crop, the outline of the face and what is cut out, such as the lick spout."""
    from analysis.faces.mask_command import draw, write_template

    picture = write_template(video, out, fps=fps) if template else None
    saved = template or draw(video, out, cell_px=cell_px, fps=fps)
    print(f"{out}: {'written' if saved else 'not changed'}" + (f"; positions: {picture}" if picture else ""))
    if as_json:
        print(json.dumps({"mask": str(out), "saved": saved, "picture": str(picture) if picture else None}))
    if not saved:
        raise SystemExit(1)


def _jobs(videos: Sequence[Path], out: Path | None, options: dict[str, Any]) -> list[Job | Exception]:
    """What to do for each video; what cannot be read is known before the first is begun."""
    from analysis.faces.describe import descriptor_path
    from analysis.faces.describe_many import Job
    from analysis.faces.video_frames import VideoReader

    paths = [descriptor_path(video, out) for video in videos]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ValueError(f"two videos would both be written to {twice}; describe them into different folders")
    jobs: list[Job | Exception] = []
    for video, path in zip(videos, paths, strict=True):
        try:
            reader = VideoReader(video, fps=options["fps"], times_s=options.get("times_s"))
            jobs.append(Job(video, path, reader.n_frames, options))
        except (ValueError, FileNotFoundError) as error:
            jobs.append(error)
    return jobs


def _run(jobs: Sequence[Job | Exception], workers: int) -> list[DescribedVideo | Exception]:
    """Describe what can be described, with one bar for all frames."""
    from tqdm import tqdm

    from analysis.faces.describe_many import describe_videos

    possible = [job for job in jobs if not isinstance(job, Exception)]
    n_frames = sum(job.n_frames for job in possible)
    with tqdm(total=n_frames, unit=" frames", desc="describe", disable=not possible) as bar:
        done = iter(
            describe_videos(possible, workers=workers, progress=lambda n: _advance(bar, n))
            if possible
            else []
        )
    return [job if isinstance(job, Exception) else next(done) for job in jobs]


def _advance(bar: Any, n_frames: int) -> None:
    bar.update(n_frames)


def _report(videos: Sequence[Path], results: Sequence[DescribedVideo | Exception]) -> int:
    """Say what became of each video; returns the number of those that failed."""
    n_failed = 0
    for video, result in zip(videos, results, strict=True):
        if isinstance(result, Exception):
            n_failed += 1
            print(f"error: {video}: {result}", file=sys.stderr)
            continue
        for warning in result.warnings:
            print(f"warning: {video}: {warning}", file=sys.stderr)
        if result.resumed_at == result.n_frames:
            print(f"{result.path}: complete already, {result.n_frames} frames")
        else:
            begun = f", continued at frame {result.resumed_at}" if result.resumed_at else ""
            print(f"{result.path}: {result.n_frames} frames of {result.n_features} features{begun}")
    return n_failed


def _summary(videos: Sequence[Path], results: Sequence[DescribedVideo | Exception]) -> dict[str, Any]:
    entries: list[dict[str, Any]] = []
    for video, result in zip(videos, results, strict=True):
        if isinstance(result, Exception):
            entries.append({"video": str(video), "error": str(result)})
        else:
            described = {**result._asdict(), "path": str(result.path), "warnings": list(result.warnings)}
            entries.append({"video": str(video), **described})
    return {"videos": entries}


def main() -> None:
    """Run a command; wrong input ends with a message and exit status 2."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
