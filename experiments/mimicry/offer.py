"""What to do with a session that exists: go on with it, begin another one, or nothing."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from experiments.mimicry.progress import Progress, last_run, read_progress, was_begun
from experiments.session import SessionStopped, has_screen, live_folder

Way = Literal["begin", "resume", "new_run", "close"]

Ask = Callable[[str, Mapping[str, str]], str | None]
"""Asks a question with answers (key -> text) and returns the key; None when it was left unanswered."""

_KEPT = (
    "nothing is ever written over: take another id, or --new-run for another session of the same participant"
)


def choose_way(
    study: Path,
    participant: str,
    *,
    resume: bool = False,
    new_run: bool = False,
    ask: Ask | None,
    texts: Mapping[str, str],
) -> Way:
    """Say how a participant's session begins, and ask where that is not clear.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of the participant.
    resume, new_run : bool
        What was asked for on the command line.
    ask : callable or None
        Asks the experimenter; None where nobody can be asked.
    texts : mapping
        Name -> text of the question, in the language of the session.

    Returns
    -------
    {"begin", "resume", "new_run", "close"}
        Begin the first session, go on with the last one, begin another one, or only put the last one into
        the dataset.

    Raises
    ------
    ValueError
        If there is an unfinished session and nobody can be asked; the message has the commands.
    FileExistsError
        If the participant's session is finished, and no other was asked for.
    SessionStopped
        If the question was left unanswered.
    """
    run = last_run(study, participant)
    if resume:
        return "resume"
    if new_run and run == 0:
        raise ValueError(
            f"participant {participant} has no session in {study} yet: is it the right id? The first session "
            "begins without --new-run"
        )
    if new_run or run == 0:
        return "new_run" if new_run else "begin"
    if not was_begun(live_folder(study, participant, run)):
        raise FileExistsError(f"participant {participant} exists in {study}, with a recording; {_KEPT}")
    progress = read_progress(study, participant, run)
    if not progress.left and progress.in_dataset:
        raise FileExistsError(f"participant {participant} exists in {study}, and {progress}; {_KEPT}")
    return _asked(progress, ask, texts)


def _asked(progress: Progress, ask: Ask | None, texts: Mapping[str, str]) -> Way:
    """Ask what is to be done with an unfinished session."""
    first: Way = "resume" if progress.left else "close"
    if ask is None:
        raise ValueError(_ways_out(progress, first))
    answers = {name: texts[name] for name in (first, "new_run", "nothing")}
    try:
        answer = ask(question(progress, texts), answers)
    except RuntimeError as error:  # there is a screen, but no dialog can be shown on it
        raise ValueError(f"{_ways_out(progress, first)}\n({error})") from None
    if answer == first:
        return first
    if answer == "new_run":
        return "new_run"
    raise SessionStopped("nothing was begun, and nothing was changed")


def _ways_out(progress: Progress, first: Way) -> str:
    """Say how far a session is, and both commands that may follow."""
    verb = "go on with it" if first == "resume" else "put them there"
    return (
        f"{progress}. To {verb}:\n    {command_with(first, progress.participant)}\n"
        "To begin another session of the same participant, and keep this one as it is:\n"
        f"    {command_with('new_run', progress.participant)}"
    )


def question(progress: Progress, texts: Mapping[str, str]) -> str:
    """Say how far a session is, in the language of the session."""
    said = {
        "participant": progress.participant,
        "finished": progress.n_finished,
        "trials": progress.n_trials,
    }
    if progress.left:
        trial = progress.left[0]
        said["next"] = _filled(
            texts["practice_trial" if trial.practice else "trial"], {"number": trial.trial}
        )
    return _filled(texts["unfinished" if progress.left else "not_in_dataset"], said)


def _filled(text: str, values: Mapping[str, object]) -> str:
    """Put values into a text; what it does not name is left out."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def command_with(way: Way, participant: str) -> str:
    """Return the command that was given, with an option more."""
    who = [] if any(word.startswith("--participant") for word in sys.argv) else ["--participant", participant]
    words = ["python", "-m", "experiments.mimicry", *sys.argv[1:], *who, f"--{way.replace('_', '-')}"]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def way_to_ask(title: str, *, simulate: bool, silent: bool) -> Ask | None:
    """Say how the experimenter can be asked: at a terminal, in a dialog, or not at all."""
    if silent:
        return None
    if sys.stdin is not None and sys.stdin.isatty():
        return ask_at_terminal
    if has_screen() and not simulate:
        return lambda text, answers: ask_in_dialog(text, answers, title=title)
    return None


def ask_at_terminal(text: str, answers: Mapping[str, str]) -> str | None:
    """Ask for the number of an answer."""
    print(text, file=sys.stderr)
    for number, answer in enumerate(answers.values(), start=1):
        print(f"  {number}  {answer}", file=sys.stderr)
    while True:
        print(f"1-{len(answers)}: ", end="", file=sys.stderr, flush=True)
        typed = sys.stdin.readline()
        if not typed:  # the terminal was closed, or the end of input was typed
            return None
        if typed.strip() in map(str, range(1, len(answers) + 1)):
            return list(answers)[int(typed) - 1]


def ask_in_dialog(text: str, answers: Mapping[str, str], *, title: str) -> str | None:
    """Ask in a window.

    Raises
    ------
    RuntimeError
        If it cannot be shown.
    """
    from experiments.display.dialog import choose

    chosen = choose(text, list(answers.values()), title=title)
    return next((name for name, answer in answers.items() if answer == chosen), None)
