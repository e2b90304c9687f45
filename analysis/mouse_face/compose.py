"""Puts a study's results into its report, from the summary to the versions, and writes it with its pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from analysis.mouse_face.compose_exclusions import add_exclusions, add_sessions
from analysis.mouse_face.compose_methods import add_methods, add_parameters, add_provenance
from analysis.mouse_face.compose_panels import add_panels
from analysis.mouse_face.compose_presets import add_presets
from analysis.mouse_face.compose_summary import add_summary
from analysis.mouse_face.presets_compared import PRESET_NAMES
from analysis.mouse_face.results import Results
from analysis.mouse_face.video_pages import page_path, write_video_pages
from analysis.report import Report


def write_report(results: Results, folder: Path, *, workers: int = 1) -> list[Path]:
    """Write the report, its tables and figures, and a video page for each animal into an existing folder.

    Where panels were asked for by name, the video pages are left out.

    Parameters
    ----------
    results : Results
        All that was found.
    folder : Path
        Where it goes; what is there is written over.
    workers : int
        Video pages that are made at the same time.

    Returns
    -------
    list of Path
        Every file that was written.
    """
    pages = {} if results.only else write_video_pages(results, folder, workers=workers)
    return [*compose_report(results, pages=list(pages)).write(folder), *pages.values()]


def compose_report(results: Results, *, pages: Sequence[str] = ()) -> Report:
    """Write the whole report of a study.

    Parameters
    ----------
    results : Results
        All that was found.
    pages : sequence of str
        Animals that have a video page beside the report.

    Returns
    -------
    Report
        Complete, not yet written.
    """
    report = Report(
        title=results.data.name,
        subtitle=f"Facial expressions of mice, after Dolensek et al. (2020), {PRESET_NAMES[results.preset]}",
        simulated=results.simulated,
        facts=_facts(results),
        measured="animal",
    )
    add_summary(report, results)
    _add_pages(report, pages)
    add_panels(report, results)
    add_presets(report, results)
    add_exclusions(report, results)
    add_sessions(report, results)
    add_methods(report, results)
    add_parameters(report, results)
    add_provenance(report, results)
    return report


def _facts(results: Results) -> list[tuple[str, str]]:
    sessions, trials = results.data.sessions, results.data.trials
    n_frames, n_valid = int(sessions["n_frames"].sum()), int(sessions["n_valid"].sum())
    minutes = sessions["duration_s"].sum() / 60
    facts = [
        ("Animals", f"{sessions['animal'].nunique()}"),
        ("Sessions", f"{len(sessions)}, {minutes:.0f} min of video"),
        ("Trials", f"{int(trials['kept'].sum())} of {len(trials)} analysed"),
        ("Frames", f"{n_valid:,} of {n_frames:,} valid".replace(",", "\u2009")),
        ("Preset", results.preset + (" (quick)" if results.quick else "")),
        ("Analysed", dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")),
    ]
    groups = sessions[sessions["group"].fillna("") != ""].drop_duplicates("animal")["group"]
    if len(groups):
        sizes = ", ".join(f"{name} (N = {n})" for name, n in groups.value_counts().sort_index().items())
        facts.insert(1, ("Groups", sizes))
    return facts


def _add_pages(report: Report, pages: Sequence[str]) -> None:
    if not pages:
        return
    report.section("Look at the faces")
    report.paragraph(
        "One page per animal: its face around every kind of event, moving, above the traces of similarity to "
        "each prototype, and the frames that are most like each prototype. Look here before you believe any "
        "number below."
    )
    report.links([(f"Animal {animal}", page_path(animal)) for animal in pages])
