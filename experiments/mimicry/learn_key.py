"""A page that asks for the response key, and learns under which name the keypad sends it."""

from __future__ import annotations

from collections.abc import Collection

from experiments.display import Watched
from experiments.mimicry.texts import KEY
from experiments.mimicry.trial import Stage

MODIFIERS = frozenset(
    f"{side}{key}" for side in "lr" for key in ("shift", "ctrl", "alt", "option", "command", "windows")
) | {"capslock", "numlock", "scrolllock", "function", "menu"}
"""Keys that are held with others, or that keypads send by themselves: never the response key."""

NAMELESS = "n/a"
"""What PsychoPy calls a key that is not in its table."""

KEYPAD_ALIASES: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "num_8 up num_up",
        "num_2 down num_down",
        "num_4 left num_left",
        "num_6 right num_right",
        "num_7 home num_home",
        "num_1 end num_end",
        "num_9 pageup num_pageup",
        "num_3 pagedown num_pagedown",
        "num_0 insert num_insert",
        "num_decimal delete num_delete",
        "num_enter return",
    )
)
"""Names of one and the same button, by operating system and NumLock."""


def learn_response_key(stage: Stage) -> tuple[str, ...]:
    """Ask for the response key until the same one was pressed twice in a row.

    Parameters
    ----------
    stage : Stage
        Screen, keys, texts.

    Returns
    -------
    tuple of str
        The key's name first, then the names that the same button has with NumLock or on other systems; empty
        when the page was left with the escape key.
    """
    pages = stage.texts.pages
    text, pressed = pages["learn_key"], None
    while True:
        key = wait_for_key(stage, text)
        if key is None:
            return ()
        if key == NAMELESS:
            text, pressed = pages["learn_key_unknown"], None
        elif pressed is None:
            text, pressed = pages["learn_key_again"].replace(KEY, key), key
        elif key != pressed:
            text, pressed = pages["learn_key_differs"].replace(KEY, key), None
        else:
            return names_of(key)


def names_of(key: str) -> tuple[str, ...]:
    """Return the names under which a button may be reported, its present name first.

    >>> names_of("num_8"), names_of("a")
    (('num_8', 'num_up', 'up'), ('a',))
    """
    same = next((names for names in KEYPAD_ALIASES if key in names), frozenset())
    return (key, *sorted(same - {key}))


def wait_for_key(stage: Stage, text: str, *, ignored: Collection[str] = MODIFIERS) -> str | None:
    """Show a text until a key is pressed that is not ignored; return its name, None for the escape key."""
    display = stage.display
    stage.keys.begin(Watched(onset_s=display.now()))
    while True:
        display.text(text)
        display.flip(stage.triggers.at_flip())
        stage.clocks.check()
        pressed = [press.key for press in stage.keys.presses() if press.key not in ignored]
        if stage.keys.escape_pressed:
            stage.keys.escape_pressed = False
            return None
        if pressed:
            return pressed[0]
