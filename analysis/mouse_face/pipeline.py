"""From a folder of sessions to the study that figures are made of, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from analysis.faces.describe import HogParameters
from analysis.mouse_face.assemble import Described, assemble
from analysis.mouse_face.clips import with_clips
from analysis.mouse_face.crops import find_masks, register_study
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.imaging import find_imaging
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.videos import FACES, describe_study, face_video, session_ids
from analysis.mouse_sessions import MouseSession, find_sessions, read_session

Bar = Callable[[str, int], Callable[[int], None]]
"""Begins a bar of progress: what is done, how many; returns what is called with the number done."""


def no_bar(what: str, total: int) -> Callable[[int], None]:
    """Show no progress."""
    return lambda n: None


def read_study(
    study: Path, *, without: Sequence[str] = (), drop_outside: bool = False, bar: Bar = no_bar
) -> tuple[dict[str, MouseSession], tuple[str, ...]]:
    """Read the sessions of a study.

    Parameters
    ----------
    study : Path
        Folder with NWB files.
    without : sequence of str
        Names of sessions, or of animals, that are left out.
    drop_outside : bool
        Whether trials at which no video was running are left out; otherwise such a session is refused.
    bar : callable
        Shows progress.

    Returns
    -------
    sessions : dict of str to MouseSession
        By animal, in the order in which they were recorded.
    notes : tuple of str
        What was left out.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no session, or some cannot be read; all of these are named.
    """
    paths = [path for path in find_sessions(study) if not _is_result(path, study)]
    unknown = [name for name in without if not any(_is_called(path, name) for path in paths)]
    if unknown:
        known = ", ".join(path.stem for path in paths)
        raise ValueError(f"there is no session {unknown[0]!r} to leave out; the study has {known}")
    left_out = [path for path in paths if any(_is_called(path, name) for name in without)]
    paths = [path for path in paths if path not in left_out]
    if not paths:
        raise ValueError(f"all sessions of {study} are left out; nothing remains to be analysed")
    sessions, problems = [], []
    step = bar("reading sessions", len(paths))
    for path in paths:
        try:
            sessions.append(read_session(path, outside="drop" if drop_outside else "refuse"))
            face_video(sessions[-1])
        except (ValueError, FileNotFoundError) as error:
            problems.append((path, str(error)))
        step(1)
    if problems:
        raise ValueError(_told(problems))
    sessions.sort(key=lambda one: (one.animal, one.metadata.get("start", ""), one.path.name))
    notes = [f"left out at your wish: {path.stem}" for path in left_out]
    notes += [_outside(one) for one in sessions if one.metadata.get("dropped_trials")]
    return dict(zip(session_ids(sessions), sessions, strict=True)), tuple(notes)


def describe(
    study: Path,
    sessions: dict[str, MouseSession],
    parameters: MouseFaceParameters,
    *,
    notes: tuple[str, ...] = (),
    mask: Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    bar: Bar = no_bar,
) -> Described:
    """Find masks, register sessions, and describe every video (or use what was described before).

    Parameters
    ----------
    study : Path
        Folder of the study; files go into its ``derivatives``.
    sessions : dict
        As `read_study` gives them.
    parameters : MouseFaceParameters
        Descriptors and registration.
    notes : tuple of str
        What was left out before.
    mask : Path, optional
        Crop and mask of all sessions.
    workers : int
        Processors to use.
    scheduler : str, optional
        Address of a dask scheduler, whose workers describe the videos.
    bar : callable
        Shows progress.

    Raises
    ------
    FileNotFoundError, ValueError
        If a mask, a video, or the neurons of a session cannot be read or do not fit; all videos are named.
    """
    imaging = find_imaging(study, sessions.values())
    masks, registration = find_masks(study, sessions, mask), None
    if parameters.register:
        animals = [session.animal for session in sessions.values()]
        several = sum(animals.count(animal) > 1 for animal in animals)
        masks, registration = register_study(
            sessions,
            masks,
            least_shift_px=parameters.least_shift_px,
            most_rotation_deg=parameters.most_rotation_deg,
            workers=workers,
            progress=bar("registering sessions", several) if several else lambda n: None,
        )
    files = describe_study(
        sessions,
        folder=study / FACES,
        masks=masks,
        hog=hog_parameters(parameters),
        workers=workers,
        scheduler=scheduler,
        progress=bar("describing frames", sum(len(face_video(one).times_s) for one in sessions.values())),
    )
    return Described(
        study=study,
        sessions=sessions,
        files=files,
        masks=masks,
        imaging=imaging,
        notes=notes,
        **({} if registration is None else {"registration": registration}),
    )


def gather(described: Described, parameters: MouseFaceParameters, **carried: Any) -> FaceData:
    """Judge frames and trials by a preset's rules, and gather the descriptors around events."""
    data = assemble(described, parameters, **carried)
    return with_clips(data, parameters, described.study / FACES)


def hog_parameters(parameters: MouseFaceParameters) -> HogParameters:
    """Return the parameters of descriptors."""
    return HogParameters(
        orientations=parameters.orientations,
        cell_px=parameters.cell_px,
        block_norm=parameters.block_norm,
        square_root=parameters.square_root,
    )


def _is_called(path: Path, name: str) -> bool:
    return name in (path.stem, path.name, path.parent.name, path.stem.split("_")[0].removeprefix("sub-"))


def _is_result(path: Path, study: Path) -> bool:
    """Whether a file lies among results or live recordings, not among sessions."""
    return path.relative_to(study).parts[0] in ("derivatives", "sourcedata")


def _told(problems: Sequence[tuple[Path, str]]) -> str:
    lines = [
        (text if str(path) in text else f"{path}: {text}").replace(
            "read the session with outside='drop'", "leave these trials out with --drop-outside"
        )
        for path, text in problems
    ]
    first = problems[0][0].stem
    return "\n".join([*lines, f"Mend what is wrong, or leave the session out with --without {first}"])


def _outside(session: MouseSession) -> str:
    numbers = session.metadata["dropped_trials"]
    listed = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    return f"{session.path.stem}: {len(numbers)} trials outside the video were left out (numbers {listed})"
