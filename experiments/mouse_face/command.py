"""The command of a session: plan, confirmation, session, NWB file; every step tells what it does."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.dataset.provenance import package_versions, suite_commit, suite_version
from experiments.mouse_face.choices import Choices
from experiments.mouse_face.closing import Closed, close_session
from experiments.mouse_face.device_ceilings import check_device
from experiments.mouse_face.live import LOCK, RECORD, SCHEDULE, LiveFiles, session_folder
from experiments.mouse_face.loop import Parts, orders, run
from experiments.mouse_face.parts import SessionFailed
from experiments.mouse_face.planning import SessionPlan, make_plan, people_hint
from experiments.mouse_face.stopping import Watch, keys_watched
from experiments.one_at_a_time import one_at_a_time
from experiments.stopping import SessionStopped, StopRequests, stopped_by_signals

PACKAGES = ("numpy", "pandas", "av", "pyserial", "pynwb", "hdmf", "opencv-python", "pypylon")
"""Packages whose versions a session records."""
DRY_RUNS = "dry_runs"
"""Folder of a study with the pictures of dry runs."""


def carry_out(choices: Choices) -> None:
    """Do what was chosen: a dry run, a simulated session, or a session."""
    if not choices.simulate and choices.rig is None and not choices.dry_run:
        raise ValueError(
            "a session needs --rig FILE (hardware/rigs/mouse_example.toml shows one), or --simulate to try "
            "it out"
        )
    plan, surroundings = _prepare(choices)
    print(plan.text())
    if choices.dry_run:
        _dry_run(plan, choices)
        return
    for text in getattr(surroundings, "cautions", ()):
        print(f"warning: {text}", file=sys.stderr)
    if not choices.simulate:
        confirm_shocks(plan.confirmation, choices.yes_shock)
    if not plan.simulated:
        hint = people_hint(plan.study, plan.people)
        if hint:
            print(f"note: {hint}", file=sys.stderr)
    ended, closed = _hold(plan, surroundings, choices)
    _tell(ended, closed, simulated=plan.simulated, as_json=choices.as_json)


def confirm_shocks(words: str, typed: str | None) -> None:
    """Let the experimenter type what an animal will be given; nothing is armed without.

    Parameters
    ----------
    words : str
        What must be typed; empty where there are no shocks.
    typed : str or None
        What was typed at the command line; None asks at the terminal.

    Raises
    ------
    ValueError
        If it was not typed.
    """
    if not words:
        return
    if typed is None and sys.stdin is not None and sys.stdin.isatty():
        print(f"\nThis session gives shocks. To confirm, type: {words}", file=sys.stderr)
        typed = input("> ")
    if typed is None or " ".join(typed.split()) != words:
        came = "nothing was typed" if typed is None else f"{typed!r} was typed"
        raise ValueError(
            f"this session gives shocks, and nothing is armed before they are confirmed: expected the words "
            f"{words!r}, {came}. Type them when asked, or give --yes-shock {words!r}"
        )


def recover(folder: Path, *, allow_misaligned: bool, as_json: bool) -> None:
    """Close a session that was interrupted."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    with _locked(folder):
        closed = close_session(folder, allow_misaligned=allow_misaligned)
    _print_closed(closed)
    if as_json:
        print(json.dumps(_summary(closed)))


def _prepare(choices: Choices) -> tuple[SessionPlan, Any]:
    """Make the plan, and what is needed to open the devices."""
    from experiments.mouse_face.simulated import surroundings as simulated

    rig = None
    if choices.rig is not None:
        from experiments.mouse_face import rig_session

        rig = rig_session.read(choices.rig)
    plan = make_plan(
        choices.study,
        animal=choices.animal,
        schedule=choices.schedule,
        session=choices.session,
        seed=choices.seed,
        values=choices.values,
        stated=choices.stated,
        limits=simulated.LIMITS if rig is None else rig.limits,
        open_ms=simulated.open_ms if rig is None else rig.open_ms,
        simulated=choices.simulate or (rig is not None and rig.simulated),
        liquids=None if rig is None else rig.liquids,
    )
    folder = session_folder(plan.study, plan.animal.animal, plan.session)
    if not choices.simulate:
        return plan, None if rig is None else rig_session.RigSession(
            plan, folder, rig, preview=not choices.no_preview
        )
    settings = simulated.SimulationSettings(
        null=choices.null,
        strength=choices.strength,
        fps=choices.fps,
        width_px=choices.width,
        height_px=choices.height,
        speed=choices.speed,
    )
    return plan, simulated.Simulation(plan, folder, settings)


def _dry_run(plan: SessionPlan, choices: Choices) -> None:
    """Show the picture of the plan; nothing is opened and no session is made."""
    from experiments.mouse_face.schedule import timeline_figure

    path = choices.picture
    if path is None:
        name = f"sub-{plan.animal.animal}_ses-{plan.session}_seed-{plan.seed}.png"
        path = plan.study / DRY_RUNS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    timeline_figure(plan.trials).savefig(path, dpi=200)
    print(f"\nNothing was opened. Picture: {path}")
    if choices.as_json:
        print(json.dumps({"dry_run": True, **_plan_summary(plan), "picture": str(path)}))


def _hold(plan: SessionPlan, surroundings: Any, choices: Choices) -> tuple[str, Closed]:
    """Run the session and close it; whatever happens, the outputs are low and the files are there."""
    folder = session_folder(plan.study, plan.animal.animal, plan.session)
    with ExitStack() as stack:
        requests = stack.enter_context(stopped_by_signals())
        watch = Watch(requests, say=_say, answers_itself=plan.simulated)
        live = LiveFiles(folder, now=surroundings.clock.now, wall=surroundings.wall)
        stack.callback(_remove_unbegun, folder)
        stack.enter_context(_locked(folder))
        stack.enter_context(live)
        ended, notes = _record(plan, surroundings, choices, live, watch, requests)
        live.close()
        closed = _close(folder, choices)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return ended, closed


def _record(
    plan: SessionPlan,
    surroundings: Any,
    choices: Choices,
    live: LiveFiles,
    watch: Watch,
    requests: StopRequests,
) -> tuple[str, list[str]]:
    """Open everything, run the trials, close everything."""
    with ExitStack() as stack:
        stack.callback(surroundings.finish)
        delivery, recorder = surroundings.open()
        stack.callback(delivery.close)
        watch.stop_now = surroundings.rig.stop
        _check_device(plan, surroundings)
        live.begin(
            {**plan.record(), **_provenance(choices), **surroundings.facts(recorder)},
            plan.trials,
            {SCHEDULE: plan.schedule.text, **surroundings.texts()},
        )
        stack.enter_context(keys_watched(watch))
        surroundings.show_preview(stack, recorder, watch)
        bar = stack.enter_context(_progress(plan))
        parts = Parts(
            clock=surroundings.clock,
            delivery=delivery,
            camera=recorder,
            live=live,
            experimenter=watch,
            tick_s=surroundings.tick_s,
            trigger=surroundings.trigger,
            lamp=surroundings.lamp,
            on_tick=lambda time_s: bar.update(max(0, min(int(time_s), bar.total) - bar.n)),
            on_trial=lambda trial, text: _on_trial(bar, surroundings, trial, text, len(plan.trials)),
        )
        requests.wait_for_checks()
        ended = run(plan.trials, parts, duration_s=plan.duration_s)
    return ended, parts.notes


def _check_device(plan: SessionPlan, surroundings: Any) -> None:
    """Refuse a session that the device would not deliver to its end."""
    planned, onsets_s, rig = orders(plan.trials), plan.trials["onset_s"].tolist(), surroundings.rig
    if surroundings.lamp is not None:
        planned = [replace(order, outputs=(*order.outputs, surroundings.lamp)) for order in planned]
    check_device(planned, onsets_s, ceilings=rig.ceilings, used=rig.used, used_ms=rig.used_ms)


def _remove_unbegun(folder: Path) -> None:
    """Remove the folder of a session that never began, because a device could not be opened."""
    if not (folder / RECORD).exists():
        shutil.rmtree(folder, ignore_errors=True)


def _close(folder: Path, choices: Choices) -> Closed:
    try:
        return close_session(folder, allow_misaligned=choices.allow_misaligned)
    except (ValueError, OSError) as error:
        raise SessionFailed(
            f"the session is recorded, but its NWB file could not be written: {error}\nEverything is in "
            f'{folder}; mend what is wrong, then: python -m experiments.mouse_face recover "{folder}"'
        ) from error


def _locked(folder: Path) -> Any:
    return one_at_a_time(
        folder / LOCK, busy=f"the session in {folder} is running: wait until it has ended, or end it"
    )


def _progress(plan: SessionPlan) -> Any:
    form = "{l_bar}{bar}| {n_fmt}/{total_fmt} s [{elapsed}<{remaining}] {postfix}"
    total = max(round(plan.duration_s), 1)
    return tqdm(total=total, unit="s", file=sys.stderr, bar_format=form, mininterval=0.5)


def _on_trial(bar: Any, surroundings: Any, trial: int, text: str, n_trials: int) -> None:
    bar.set_postfix_str(f"trial {trial} of {n_trials}: {text}", refresh=False)
    surroundings.begin(trial)


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def _provenance(choices: Choices) -> dict[str, Any]:
    import platform

    return {
        "versions": {
            "python": platform.python_version(),
            "countenance": suite_version(),
            **package_versions(PACKAGES),
        },
        "commit": suite_commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "options": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(choices).items()
            if value not in (None, False, ())
        },
    }


def _plan_summary(plan: SessionPlan) -> dict[str, Any]:
    return {
        "animal": plan.animal.animal,
        "session": plan.session,
        "schedule": plan.schedule.name,
        "seed": plan.seed,
        "simulated": plan.simulated,
        "n_trials": len(plan.trials),
        "duration_s": plan.duration_s,
        "confirmation": plan.confirmation,
    }


def _tell(ended: str, closed: Closed, *, simulated: bool, as_json: bool) -> None:
    """Say what became of the session; a session that did not run to its end is an error for scripts."""
    _print_closed(closed)
    if as_json:
        print(json.dumps({"simulated": simulated, **_summary(closed)}))
    if ended == "stopped":
        raise SessionStopped(closed.reason)
    if ended != "completed":
        raise SessionFailed(closed.reason)


def _print_closed(closed: Closed) -> None:
    for warning in closed.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    went = ", ".join(f"{n} {outcome}" for outcome, n in closed.outcomes.items()) or "no trial was begun"
    print(
        f"{closed.path}: {closed.ended}; of {closed.n_planned} planned trials: {went}; {closed.n_frames} "
        f"frames in {closed.duration_s:.1f} s, {sum(closed.lost.values())} lost"
    )


def _summary(closed: Closed) -> dict[str, Any]:
    content = asdict(closed)
    content["path"] = str(closed.path)
    content["warnings"] = list(closed.warnings)
    residual_s = closed.frame_residual_s
    content["frame_residual_s"] = residual_s if residual_s == residual_s else None
    return content
