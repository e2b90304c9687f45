"""Builder of a study's report: one self-contained HTML page, its tables and figures beside it as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from tqdm import tqdm

from analysis.report.drawing import inline_svg, report_style, save_png, stamp_simulated, svg_text
from analysis.report.table import Table, emphasised_rows, formatted_rows, write_table

LONG_TABLE_ROWS = 40
"""Longer tables scroll on the screen; on paper they are whole."""

_STATISTIC = re.compile(r"(?<![\w.])(F|t|z|p|b|SE|SD|SEM|N|n)(?=\s?[=<>(≤≥])")


def emphasise_statistics(text: str) -> Markup:
    """Escape a text for HTML and set the letters of statistics in italics.

    >>> str(emphasise_statistics("F(1, 126.6) = 51.2, p < 0.001"))
    '<i>F</i>(1, 126.6) = 51.2, <i>p</i> &lt; 0.001'
    """
    pieces, end = [], 0
    for match in _STATISTIC.finditer(text):
        pieces += [escape(text[end : match.start()]), Markup("<i>{}</i>").format(match[1])]
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


@dataclass(frozen=True, kw_only=True)
class Block:
    """One thing in a section: a paragraph, a warning, a formula, a figure or a table."""

    kind: Literal["paragraph", "note", "warning", "formula", "figure", "table", "heading", "links"]
    text: str = ""
    number: int = 0
    identifier: str = ""
    svg: Markup = field(default_factory=Markup)
    table: Table | None = None
    rows: Sequence[Sequence[str]] = ()
    bold: Sequence[bool] = ()
    long: bool = False
    folded: bool = False
    links: Sequence[tuple[str, str]] = ()


@dataclass(kw_only=True)
class Section:
    """A titled part of the report."""

    title: str
    identifier: str
    blocks: list[Block] = field(default_factory=list)


class Report:
    """A report that grows from top to bottom, then is written once.

    Parameters
    ----------
    title : str
        Title of the page.
    subtitle : str
        One line under it.
    simulated : bool
        Whether the data are simulated: then the page, every figure and every data dictionary say so.
    facts : sequence of (str, str)
        Label and value of the facts printed in the head of the page.
    measured : str
        Who is measured, where data are not simulated: "person" or "animal".

    Examples
    --------
    >>> report = Report(title="Study", subtitle="A look", simulated=True, facts=[("Participants", "30")])
    >>> report.section("Results")
    >>> report.paragraph("F(1, 28) = 9.2, p = 0.005.")
    >>> "SIMULATED" in report.html() and "<i>F</i>(1, 28)" in report.html()
    True
    """

    def __init__(
        self,
        *,
        title: str,
        subtitle: str,
        simulated: bool,
        facts: Sequence[tuple[str, str]],
        measured: str = "person",
    ) -> None:
        self.measured = measured
        self.title = title
        self.subtitle = subtitle
        self.simulated = simulated
        self.facts = list(facts)
        self.alerts: list[str] = []
        self.sections: list[Section] = []
        self.figures: dict[str, tuple[Figure, str, int]] = {}
        self.tables: dict[str, Table] = {}
        self.attached: dict[str, Table] = {}

    def alert(self, text: str) -> None:
        """Add a warning to the list in the head of the page."""
        self.alerts.append(text)

    def section(self, title: str) -> None:
        """Begin a section; what is added next stands in it."""
        identifier = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        self.sections.append(Section(title=title, identifier=identifier))

    def heading(self, text: str) -> None:
        """Add a heading inside the section."""
        self._add(Block(kind="heading", text=text))

    def paragraph(self, text: str) -> None:
        """Add a paragraph of plain text; letters of statistics are set in italics."""
        self._add(Block(kind="paragraph", text=text))

    def note(self, text: str) -> None:
        """Add a remark in small type."""
        self._add(Block(kind="note", text=text))

    def warning(self, text: str) -> None:
        """Add a warning at this place."""
        self._add(Block(kind="warning", text=text))

    def formula(self, text: str) -> None:
        """Add a line of code, such as a model's formula."""
        self._add(Block(kind="formula", text=text))

    def links(self, links: Sequence[tuple[str, str]]) -> None:
        """Add a list of links, each a label and the path of a file beside the report."""
        self._add(Block(kind="links", links=tuple(links)))

    def figure(self, name: str, figure: Figure, caption: str, *, dots_per_inch: int = 300) -> None:
        """Add a figure; it is numbered, and marked where the data are simulated.

        Parameters
        ----------
        name : str
            Stem of the files ``figures/<name>.svg`` and ``figures/<name>.png``.
        figure : matplotlib.figure.Figure
            The drawing.
        caption : str
            What it shows, with units and the meaning of bars.
        dots_per_inch : int
            Resolution of the PNG.
        """
        if name in self.figures:
            raise ValueError(f"the report already has a figure named {name!r}")
        with report_style():
            if self.simulated:
                stamp_simulated(figure)
            svg = svg_text(figure)
        self.figures[name] = (figure, svg, dots_per_inch)
        number = len(self.figures)
        element = inline_svg(svg, prefix=f"f{number}", label=caption)
        self._add(Block(kind="figure", text=caption, number=number, identifier=name, svg=Markup(element)))

    def table(self, table: Table, *, folded: bool = False) -> None:
        """Add a table; it is numbered, and written whole as TSV.

        Parameters
        ----------
        table : Table
            The table.
        folded : bool
            Show its caption only, until the reader opens it.
        """
        if table.name in self.tables:
            raise ValueError(f"the report already has a table named {table.name!r}")
        self.tables[table.name] = table
        block = Block(
            kind="table",
            text=table.caption,
            number=len(self.tables),
            identifier=table.name,
            table=table,
            rows=formatted_rows(table),
            bold=emphasised_rows(table),
            long=len(table.data) > LONG_TABLE_ROWS,
            folded=folded,
        )
        self._add(block)

    def attach(self, table: Table) -> None:
        """Add a table that is written as TSV with its data dictionary, but does not stand on the page."""
        if table.name in self.tables or table.name in self.attached:
            raise ValueError(f"the report already has a table named {table.name!r}")
        self.attached[table.name] = table

    def html(self) -> str:
        """Give the page."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["statistics"] = emphasise_statistics
        return environment.get_template("template.html").render(report=self)

    def write(self, folder: Path) -> list[Path]:
        """Write ``report.html``, ``tables/`` and ``figures/`` into an existing folder.

        Returns
        -------
        list of Path
            Every file that was written.
        """
        extra = {"simulated": True} if self.simulated else {}
        (folder / "tables").mkdir(exist_ok=True)
        (folder / "figures").mkdir(exist_ok=True)
        page = folder / "report.html"
        page.write_text(self.html(), encoding="utf-8", newline="\n")
        files = [page]
        for table in (*self.tables.values(), *self.attached.values()):
            files += write_table(table, folder / "tables", extra=extra)
        with report_style():
            for name, (figure, svg, dots_per_inch) in tqdm(self.figures.items(), "figures", unit="figure"):
                vector, pixels = folder / "figures" / f"{name}.svg", folder / "figures" / f"{name}.png"
                vector.write_text(svg, encoding="utf-8", newline="\n")
                save_png(figure, pixels, dots_per_inch=dots_per_inch)
                files += [vector, pixels]
        return files

    def _add(self, block: Block) -> None:
        if not self.sections:
            raise ValueError("begin a section before adding to the report")
        self.sections[-1].blocks.append(block)
