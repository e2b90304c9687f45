"""Photograph the pages of the questionnaires: ``python tests/pictures/questionnaire_pages.py docs/pictures``.

The pages are drawn by the real window, on whatever screen DISPLAY names (such as ``xvfb-run -s "-screen 0
1920x1080x24"``). One picture per language comes out, ``questionnaires_en.png`` and so on; with ``--pages``
also every page by itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS, CELL_PX = 3, (480, 270)


def pages(language: str) -> Iterator[tuple[str, object]]:
    """Make one page of each kind, in the state that a participant would see: name and page."""
    from experiments.dataset.forms import Item
    from experiments.display import KeyPress
    from experiments.display.pages import Button, Page, arrange
    from experiments.questionnaires.checks import judge_number, judge_time
    from experiments.questionnaires.forms import read_form
    from experiments.questionnaires.procedure import end_page, stop_page
    from experiments.questionnaires.question import Choice, Entry, question_page
    from experiments.questionnaires.texts import read_texts

    texts = read_texts(language)

    def of(name: str, id: str, *keys: str, chosen: str | None = None) -> Page:
        form = read_form(name, language)
        item: Item = form.item(id)
        number, total = form.items.index(item) + 1, len(form.items)
        page = question_page(
            item, texts, stem=form.stem, number=number, total=total, given=chosen, can_go_back=number > 1
        )
        control: Choice | Entry = Choice(page)
        if item.kind == "number":
            control = Entry(page, judge=lambda typed: judge_number(item, typed, texts), item=item)
        elif item.kind == "time":
            noon = datetime(2026, 11, 22, 12, 0)
            control = Entry(page, judge=lambda typed: judge_time(item, typed, texts, now=noon), item=item)
        for key in keys:
            control.take(KeyPress(key, 1.0), arrange(control.page(), (1920, 1080)))
        return control.page()

    next_button = (Button(id="next", label=texts.buttons["next"], focused=True),)
    panas = read_form("panas", language)
    yield (
        "instruction",
        Page(name="x", text=panas.instruction, commands=next_button, hint=texts.hints["text"]),
    )
    yield "panas", of("panas", "interested")
    yield "panas_keys", of("panas", "enthusiastic", "right", "right", "right")
    yield "panas_corrected", of("panas", "upset", chosen="1")
    yield "nausea", of("nausea", "nausea")
    yield "sex", of("demographics", "sex")
    yield "height_refused", of("body", "height_cm", "1", "7", "return")
    yield "weight_unusual", of("body", "weight_kg", *"180", "return")
    yield "pill", of("pill", "pill_time", "0", "9", "3")
    yield "guess", of("guess", "guess")
    yield "end", end_page(texts, [4, 11])
    yield "stop", stop_page(texts)


def main() -> None:
    """Show the pages and photograph them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1920x1080", help="size of the window")
    parser.add_argument("--pages", type=Path, help="folder for every page by itself")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from experiments.display.pages_window import WindowPages
    from experiments.questionnaires.forms import languages
    from experiments.session import SessionClock

    wide, high = (int(side) for side in chosen.size.split("x"))
    window = WindowPages(size_px=(wide, high), fullscreen=False, screen=0, now=SessionClock().now)
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.pages or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for language in languages():
            files = []
            for name, page in pages(language):
                window.show(page)  # type: ignore[arg-type]
                files.append(folder / f"{language}_{name}.png")
                window.picture(files[-1])
            sheet(files).save(chosen.folder / f"questionnaires_{language}.png", optimize=True)
    window.close()


def sheet(files: list[Path]) -> Image.Image:
    """Put pictures beside one another."""
    n_rows = -(-len(files) // COLUMNS)
    gap = 6
    whole = Image.new(
        "RGB", (COLUMNS * (CELL_PX[0] + gap) + gap, n_rows * (CELL_PX[1] + gap) + gap), (120, 120, 120)
    )
    for place, file in enumerate(files):
        small = Image.open(file).convert("RGB").resize(CELL_PX, Image.Resampling.LANCZOS)
        row, column = divmod(place, COLUMNS)
        whole.paste(small, (gap + column * (CELL_PX[0] + gap), gap + row * (CELL_PX[1] + gap)))
    return whole.quantize(96, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
