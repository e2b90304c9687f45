"""The page: self-contained, escaped, numbered, marked when simulated."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.report import Column, Report, Table
from analysis.report.drawing import new_figure, report_style
from analysis.report.provenance import versions
from experiments.dataset.provenance import suite_version


def a_figure() -> Figure:
    with report_style():
        figure = new_figure(width_mm=85, height_mm=50)
        figure.subplots().errorbar([0, 1], [0, 1], yerr=0.1, label="µ × →")
    return figure


def a_report(*, simulated: bool) -> Report:
    report = Report(title="Mimicry <1>", subtitle="Test", simulated=simulated, facts=[("Group", "A & B")])
    report.section("Results")
    report.alert("Two trials < the limit.")
    report.figure("one", a_figure(), "First figure.")
    report.figure("two", a_figure(), "Second figure.")
    data = pd.DataFrame({"a": ["<script>alert(1)</script>"]})
    report.table(Table(name="t", caption="Text.", data=data, columns={"a": Column(description="A.")}))
    return report


class Ids(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("href", "xlink:href"):
            if values.get(name, "").startswith("#"):
                self.references.append(values[name][1:])
        self.references += re.findall(r"url\(#([^)]+)\)", " ".join(values.values()))


def test_text_is_escaped() -> None:
    page = a_report(simulated=False).html()
    assert "Mimicry &lt;1&gt;" in page
    assert "A &amp; B" in page
    assert "<script>" not in page


def test_ids_are_unique_and_every_reference_has_its_target() -> None:
    found = Ids(a_report(simulated=True).html())
    assert len(found.ids) == len(set(found.ids))
    assert found.references
    assert set(found.references) <= set(found.ids)


def test_the_page_asks_for_nothing_from_outside() -> None:
    page = a_report(simulated=True).html()
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page) + re.findall(r"url\(([^)]+)\)", page)
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "@import" not in page
    assert "<script" not in page


def test_simulated_data_say_so_on_the_page_on_every_figure_and_in_every_dictionary(tmp_path: Path) -> None:
    report = a_report(simulated=True)
    report.write(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No person was measured" in page
    assert "(simulated)</title>" in page
    figures = sorted((tmp_path / "figures").glob("*.svg"))
    assert [figure.stem for figure in figures] == ["one", "two"]
    assert all("simulated-badge" in figure.read_text(encoding="utf-8") for figure in figures)
    assert '"simulated": true' in (tmp_path / "tables" / "t.json").read_text(encoding="utf-8")


def test_measured_data_carry_no_such_mark(tmp_path: Path) -> None:
    a_report(simulated=False).write(tmp_path)
    texts = [path for path in tmp_path.rglob("*") if path.suffix in (".svg", ".html", ".json", ".tsv")]
    assert len(texts) == 5
    assert not [path.name for path in texts if "simulated" in path.read_text(encoding="utf-8").lower()]


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        a_report(simulated=True).write(tmp_path / name)
    for path in sorted((tmp_path / "first").rglob("*")):
        if path.is_file():
            other = tmp_path / "second" / path.relative_to(tmp_path / "first")
            assert path.read_bytes() == other.read_bytes(), path.name


def test_write_lists_every_file(tmp_path: Path) -> None:
    files = a_report(simulated=False).write(tmp_path)
    assert sorted(files) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_an_attached_table_is_a_file_and_not_on_the_page(tmp_path: Path) -> None:
    report = a_report(simulated=False)
    data = pd.DataFrame({"b": ["only in the file"]})
    report.attach(Table(name="more", caption="C.", data=data, columns={"b": Column(description="B.")}))
    assert tmp_path / "tables" / "more.tsv" in report.write(tmp_path)
    assert "only in the file" not in report.html()
    with pytest.raises(ValueError, match="already has a table named 'more'"):
        report.attach(report.attached["more"])


def test_names_are_used_once_and_blocks_need_a_section() -> None:
    report = a_report(simulated=False)
    with pytest.raises(ValueError, match="already has a figure named 'one'"):
        report.figure("one", a_figure(), "Again.")
    empty = Report(title="T", subtitle="", simulated=False, facts=[])
    with pytest.raises(ValueError, match="begin a section"):
        empty.paragraph("Too early.")


def test_versions_name_what_computed() -> None:
    table = versions().set_index("component")["version"]
    assert re.fullmatch(r"\d+\.\d+.*", table["numpy"])
    assert table["Countenance"] == suite_version()
    assert re.match(r"\d+\.\d+", suite_version())
