"""A questionnaire from its first page to its last: answers are on the disk before the next page appears."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Literal, NamedTuple

from experiments.dataset.answers import ANSWERS_NAME, Administration, AnswerRow
from experiments.dataset.forms import Item
from experiments.dataset.rows import RowWriter
from experiments.display import KeyPress
from experiments.display.pages import Button, Page, PageDisplay, PageInput, WindowClosed, arrange
from experiments.questionnaires.checks import Verdict, agrees, judge_number, judge_time
from experiments.questionnaires.question import Choice, Entry, Reply, question_page
from experiments.questionnaires.texts import Texts
from experiments.stopping import SessionStopped

READING_S = 0.2
"""What is pressed sooner after a page appears was meant for the page before (a double click)."""
CHOSEN_S = 0.25
"""How long a chosen answer is shown before the next page."""

ESCAPED = "the questionnaire was stopped with Escape"
CLOSED = "the window was closed"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a questionnaire runs on."""

    display: PageDisplay
    texts: Texts
    wall: Callable[[], datetime]
    """Time of day, with the offset of the time zone."""
    monotonic: Callable[[], float]
    """Clock that nobody sets (s)."""
    check: Callable[[], None] = lambda: None
    """Raises `SessionStopped` when someone asked the program to end."""


class Given(NamedTuple):
    """What the participant did on a page."""

    reply: Reply
    response_time_s: float
    """Seconds from the page's appearance."""
    source: str
    """mouse or keyboard."""


class AnswerLog:
    """The rows of one administration, each on the disk when it is written."""

    def __init__(self, administration: Administration, stage: Stage) -> None:
        path = administration.folder / ANSWERS_NAME
        self._stage = stage
        self._rows = RowWriter(path, AnswerRow, resume=path.is_file())
        elapsed_s = (stage.wall() - administration.started).total_seconds()
        last_s = administration.rows[-1].onset if administration.rows else 0.0
        self._zero_s = stage.display.now() - max(elapsed_s, last_s)

    def write(
        self,
        action: str,
        *,
        position: int | None = None,
        item: str | None = None,
        given: Given | None = None,
    ) -> None:
        """Write a row and wait until it is on the disk."""
        reply = given.reply if given is not None else Reply("next")
        row = AnswerRow(
            onset=self._stage.display.now() - self._zero_s,
            time=self._stage.wall().isoformat(timespec="milliseconds"),
            action=action,
            position=position,
            item=item,
            value=reply.value,
            response_time=given.response_time_s if given is not None else None,
            source=given.source if given is not None else None,
            message=reply.message or None,
            monotonic=self._stage.monotonic(),
        )
        self._rows.write(row)
        self._rows.sync()

    def __enter__(self) -> AnswerLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.close()


def put_form(administration: Administration, stage: Stage, *, known: Mapping[str, str]) -> None:
    """Put a questionnaire to the participant, or the rest of one that was interrupted.

    Parameters
    ----------
    administration : Administration
        The questionnaire and what was answered so far.
    stage : Stage
        What it runs on.
    known : mapping
        Column of participants.tsv -> what is noted there; no answer may contradict it.

    Raises
    ------
    SessionStopped
        If someone asked to stop; what was answered is on the disk.
    """
    with AnswerLog(administration, stage) as log:
        begun = bool(administration.rows)
        log.write("resume" if begun else "start")
        try:
            if administration.form.instruction and not administration.answers:
                _show_text(stage, "instruction", administration.form.instruction)
            _ask_items(administration, stage, log, known)
        except (SessionStopped, KeyboardInterrupt):
            log.write("stop")
            raise
        except WindowClosed:
            log.write("stop")
            raise SessionStopped(CLOSED) from None
        log.write("finish")


def _ask_items(
    administration: Administration, stage: Stage, log: AnswerLog, known: Mapping[str, str]
) -> None:
    """Ask what is open, in order, until the participant leaves the last page."""
    form, order = administration.form, list(administration.record["order"])
    answers = dict(administration.answers)
    position = next((place for place, item in enumerate(order) if item not in answers), len(order))
    to_the_end = False
    while True:
        if position == len(order):
            wish = _last_page(stage, [place for place, item in enumerate(order) if answers[item] is None])
            if wish == "finish":
                return
            to_the_end = wish == "to_missing"
            open_places = [place for place, item in enumerate(order) if answers[item] is None]
            position = open_places[0] if to_the_end else len(order) - 1
            continue
        item = form.item(order[position])
        reply = _ask(
            item,
            stage,
            functools.partial(log.write, position=position + 1, item=item.id),
            stem=form.stem,
            number=position + 1,
            total=len(order),
            given=answers.get(item.id),
            known=known,
        )
        if reply.kind == "back":
            position -= 1
            to_the_end = False
            continue
        answers[item.id] = reply.value if reply.kind == "answer" else None
        position = len(order) if to_the_end else position + 1


def _ask(
    item: Item,
    stage: Stage,
    write: Callable[..., None],
    *,
    stem: str,
    number: int,
    total: int,
    given: str | None,
    known: Mapping[str, str],
) -> Reply:
    """Ask one item until there is an answer, or none is wanted, or the page before is."""
    page = question_page(
        item, stage.texts, stem=stem, number=number, total=total, given=given, can_go_back=number > 1
    )
    judge = functools.partial(_judge, item, stage, known)
    control = (
        Choice(page, judge=judge) if item.options else Entry(page, judge=judge, item=item, given=given or "")
    )
    watch = Watch(stage, control)
    while True:
        done = watch.reply()
        if done.reply.kind == "stop":
            _ask_whether_to_stop(stage)
            watch = Watch(stage, control)
            continue
        write(done.reply.kind, given=done)
        if done.reply.kind in ("refused", "question"):
            continue
        if done.reply.kind == "answer" and isinstance(control, Choice):
            stage.display.update(control.chosen_page(str(done.reply.value)))
            _pause(stage, CHOSEN_S)
        return done.reply


def _judge(item: Item, stage: Stage, known: Mapping[str, str], typed: str) -> Verdict:
    """Judge an answer by itself, and against what was noted before."""
    if item.kind == "number":
        verdict = judge_number(item, typed, stage.texts)
    elif item.kind == "time":
        verdict = judge_time(item, typed, stage.texts, now=stage.wall())
    else:
        verdict = Verdict(typed)
    column = item.participants_column
    if verdict.value is not None and column and not agrees(item, verdict.value, known.get(column)):
        return Verdict(None, stage.texts.messages["contradicts"])
    return verdict


class Watch:
    """A page on the screen, and what is done on it.

    Parameters
    ----------
    stage : Stage
        Where it is shown.
    control : Choice or Entry
        What reacts.
    """

    def __init__(self, stage: Stage, control: Choice | Entry) -> None:
        self._stage = stage
        self._control = control
        self._page = control.page()
        self._waiting: list[PageInput] = []
        self._shown_s = stage.display.show(self._page)

    def reply(self) -> Given:
        """Wait for what the participant wants; times count from the appearance of the page."""
        while True:
            self._update()
            while self._waiting:
                one = self._waiting.pop(0)
                if one.time_s < self._shown_s + READING_S:
                    continue
                reply = self._control.take(one, arrange(self._control.page(), self._stage.display.size_px))
                if reply is not None:
                    source = "keyboard" if isinstance(one, KeyPress) else "mouse"
                    return Given(reply, one.time_s - self._shown_s, source)
            self._update()
            self._waiting += self._stage.display.inputs()
            self._stage.check()

    def _update(self) -> None:
        page = self._control.page()
        if page != self._page:
            self._page = page
            self._stage.display.update(page)


def _pause(stage: Stage, seconds: float) -> None:
    end_s = stage.display.now() + seconds
    while stage.display.now() < end_s:
        stage.display.inputs()
        stage.check()


def _ask_whether_to_stop(stage: Stage) -> None:
    """Ask; raise `SessionStopped` if the answer is yes."""
    if Watch(stage, Choice(stop_page(stage.texts))).reply().reply.value == "stop":
        raise SessionStopped(ESCAPED)


def stop_page(texts: Texts) -> Page:
    """Make the page that asks whether to stop; Enter goes on."""
    commands = (
        Button(id="stop", label=texts.buttons["stop"], slot="left"),
        Button(id="go_on", label=texts.buttons["go_on"], slot="right"),
    )
    return Page(name="stop", text=texts.pages["stop_question"], commands=commands)


def _show_text(stage: Stage, name: str, text: str, *, button: str = "next") -> None:
    """Show a text until the participant goes on."""
    commands = (Button(id="next", label=stage.texts.buttons[button]),)
    page = Page(name=name, text=text, commands=commands, hint=stage.texts.hints["text"])
    while Watch(stage, Choice(page)).reply().reply.kind == "stop":
        _ask_whether_to_stop(stage)


def say_thanks(stage: Stage) -> None:
    """Show the page after the last questionnaire; Escape closes it as well."""
    commands = (Button(id="next", label=stage.texts.buttons["end"]),)
    page = Page(name="thanks", text=stage.texts.pages["thanks"], commands=commands)
    Watch(stage, Choice(page)).reply()


def _last_page(stage: Stage, open_places: list[int]) -> str:
    """Say which questions have no answer; return what the participant wants: back, to_missing or finish."""
    page = end_page(stage.texts, open_places)
    while True:
        reply = Watch(stage, Choice(page)).reply().reply
        if reply.kind == "stop":
            _ask_whether_to_stop(stage)
        else:
            return "back" if reply.kind == "back" else str(reply.value)


def end_page(texts: Texts, open_places: list[int]) -> Page:
    """Make the last page of a questionnaire, which names the questions without an answer."""
    key = "complete" if not open_places else "one_missing" if len(open_places) == 1 else "missing"
    numbers = ", ".join(str(place + 1) for place in open_places)
    slots: dict[str, Literal["left", "middle", "right"]] = {"back": "left", "finish": "right"}
    names = ["back", *(["to_missing"] if open_places else []), "finish"]
    return Page(
        name="end",
        text=texts.pages[key].format(count=len(open_places), numbers=numbers),
        commands=tuple(
            Button(id=name, label=texts.buttons[name], slot=slots.get(name, "middle")) for name in names
        ),
        hint=texts.hints["text"],
    )
