"""The checklist as plain text, for a terminal."""

from __future__ import annotations

from experiments.allocation.times import duration_words
from experiments.checklist.states import Shown
from experiments.checklist.texts import Texts

MARKS = {
    "done": "[x]",
    "begun": "[~]",
    "next": "[>]",
    "waiting": "[.]",
    "late": "[!]",
    "missed": "[!]",
    "open": "[ ]",
}


def as_text(shown: Shown, texts: Texts) -> str:
    """Write the checklist in lines.

    Returns
    -------
    str
        Without a line break at the end.
    """
    simulated = f" ({texts.window['SIMULATED']})" if shown.simulated else ""
    lines = [shown.title + simulated, ""]
    if shown.clock.minutes is not None and shown.clock.minutes >= 0:
        lines.append(f"{duration_words(shown.clock.minutes)} {texts.clock['title']}")
    lines += [shown.clock.words, ""]
    longest = max(len(step.label) for step in shown.steps)
    for step in shown.steps:
        about = step.detail if step.state in ("done", "open") else f"{step.word}  {step.detail}"
        lines.append(f"{MARKS[step.state]} {step.label.ljust(longest)}  {about}".rstrip())
        if step.id == shown.next_step and step.command is not None:
            lines.append(f"      {step.command}{'...' if step.command.endswith(' ') else ''}")
    if shown.next_step is None:
        lines += ["", texts.window["all_done"]]
    lines += ["", *(f"! {problem}" for problem in shown.problems)] if shown.problems else []
    return "\n".join(lines)
