"""The report's part on frames and trials that were left out, and on the quality of each session."""

from __future__ import annotations

import pandas as pd

from analysis.faces.frame_quality import REASONS
from analysis.mouse_face.quality_figures import draw_sessions
from analysis.mouse_face.results import Results
from analysis.report import Column, Report, Table
from analysis.report.drawing import report_style

REASON_WORDS = {
    "time": "no usable time",
    "duplicated": "copies of the frame before",
    "exposure": "jumps of exposure",
    "shift": "camera or head moved",
    "occlusion": "paw, grooming or a hand",
    "dropped": "lost by the camera",
}
"""Reason of `analysis.faces.frame_quality` -> what it is in a table's head."""


def add_exclusions(report: Report, results: Results) -> None:
    """Add how many frames and trials were left out, by which rule, and which trials."""
    report.section("What was left out")
    for text in exclusion_words(results):
        report.paragraph(text)
    reasons = reasons_frame(results)
    if len(reasons):
        report.table(reasons_table(reasons))
    lost = results.data.trials[~results.data.trials["kept"].astype(bool)]
    if len(lost):
        report.table(lost_trials_table(lost))
    for table in attached_tables(results):
        report.attach(table)
        report.note(f"{table.caption} tables/{table.name}.tsv.")


def add_sessions(report: Report, results: Results) -> None:
    """Add the quality of each session: frames by reason, course over time, registration, warnings."""
    report.section("Quality of each session")
    report.table(sessions_table(results))
    if results.data.quality:
        report.paragraph(
            "What to look at: brightness should stay near 1 and the picture near 0 px; a step in either "
            "means that lamp, camera or head moved. Movement should rise after events, and not fade over the "
            "session. Trials should not lie where frames are missing."
        )
        with report_style():
            pages = draw_sessions(results.data)
        for number, page in enumerate(pages, start=1):
            report.figure(
                f"quality_sessions_{number:02d}", page, _caption(number, len(pages)), dots_per_inch=200
            )
    _add_registration(report, results)
    warnings = session_warnings(results)
    if warnings:
        report.table(session_warnings_table(warnings))


def exclusion_words(results: Results) -> list[str]:
    """Say how many frames and trials were left out."""
    sessions, trials = results.data.sessions, results.data.trials
    n_frames = int(sessions["n_frames"].sum())
    n_out = n_frames - int(sessions["n_valid"].sum())
    rules = results.own_parameters.quality_rules
    words = ", ".join(REASON_WORDS.get(rule, rule) for rule in rules)
    share = 100 * n_out / n_frames if n_frames else 0.0
    texts = [
        f"Of {n_frames} frames in {len(sessions)} sessions, {n_out} ({share:.2f} %) were left out of "
        f"everything, by stated rules ({words or 'none'}). No frame was left out by hand."
    ]
    n_lost = int((~trials["kept"].astype(bool)).sum())
    if not n_lost:
        texts.append(f"All {len(trials)} trials were analysed.")
    else:
        by_event = trials[~trials["kept"].astype(bool)]["label"].value_counts()
        which = ", ".join(f"{results.emotions.event(str(name))} ({n})" for name, n in by_event.items())
        were = "was" if n_lost == 1 else "were"
        texts.append(f"Of {len(trials)} trials, {n_lost} {were} not analysed: {which}.")
    return texts


def reasons_frame(results: Results) -> pd.DataFrame:
    """Sum up frames by reason over all sessions.

    Returns
    -------
    pandas.DataFrame
        Columns ``reason``, ``rule``, ``n_frames``, ``percent``, ``n_sessions``, ``treatment`` ("left out" or
        "counted").
    """
    parts = [quality.counts.assign(session_id=name) for name, quality in results.data.quality.items()]
    if not parts:
        return pd.DataFrame(columns=["reason", "rule", "n_frames", "percent", "n_sessions", "treatment"])
    counts = pd.concat(parts, ignore_index=True)
    grouped = counts.groupby("reason", sort=False)
    total = int(results.data.sessions["n_frames"].sum())
    table = grouped.agg(rule=("rule", "first"), n_frames=("n_frames", "sum")).reset_index()
    table["n_sessions"] = [int((part["n_frames"] > 0).sum()) for _, part in grouped]
    table["percent"] = 100 * table["n_frames"] / max(total, 1)
    used = set(results.own_parameters.quality_rules)
    table["treatment"] = ["left out" if reason in used else "counted" for reason in table["reason"]]
    return table[["reason", "rule", "n_frames", "percent", "n_sessions", "treatment"]]


def reasons_table(reasons: pd.DataFrame) -> Table:
    """Make the table of frames by reason."""
    return Table(
        name="exclusions_frames",
        caption="Frames by reason, over all sessions. A frame that one rule took is not judged by the next.",
        data=reasons,
        columns={
            "reason": Column(description="What is wrong.", heading="Reason", levels=REASON_WORDS),
            "rule": Column(description="How it is found.", heading="Rule"),
            "n_frames": Column(description="Frames, all sessions.", kind="count", heading="Frames"),
            "percent": Column(
                description="Share of all frames.", kind="statistic", unit="%", heading="Share"
            ),
            "n_sessions": Column(
                description="Sessions in which it occurs.", kind="count", heading="Sessions"
            ),
            "treatment": Column(description="Left out of everything, or only counted.", heading="Treatment"),
        },
    )


def lost_trials_table(lost: pd.DataFrame) -> Table:
    """Make the table of trials that were not analysed, with the reason of each."""
    return Table(
        name="exclusions_trials",
        caption="Trials that were not analysed.",
        data=lost,
        columns={
            "animal": Column(description="Animal.", heading="Animal"),
            "session_id": Column(description="Session.", heading="Session"),
            "trial": Column(
                description="Number of the trial within the animal.", kind="count", heading="Trial"
            ),
            "label": Column(description="Event.", heading="Event"),
            "onset_s": Column(
                description="Onset on the session's clock.", kind="percent", unit="s", heading="Onset"
            ),
            "reason": Column(description="Why it was not analysed.", heading="Why"),
        },
    )


def sessions_table(results: Results) -> Table:
    """Make the table of sessions: what they are, and how many frames each reason took."""
    data = results.data.sessions.copy()
    reasons = [*REASONS, "dropped"]
    for reason in reasons:
        data[reason] = [_frames_of(results, session_id, reason) for session_id in data["session_id"]]
    data["percent_valid"] = 100 * data["n_valid"] / data["n_frames"].where(data["n_frames"] > 0)
    minutes = data["duration_s"] / 60
    data["duration_min"] = minutes
    has = [name for name in ("group", "site", "condition") if data[name].replace("", None).notna().any()]
    own = {
        name: Column(description=f"{name.capitalize()}.", heading=name.capitalize(), missing="")
        for name in has
    }
    return Table(
        name="sessions",
        caption="Sessions, with the number of frames that each rule flagged.",
        data=data,
        columns={
            "session_id": Column(description="Session.", heading="Session"),
            "animal": Column(description="Animal.", heading="Animal"),
            **own,
            "duration_min": Column(
                description="Length of the video.", kind="percent", unit="min", heading="Length"
            ),
            "fps": Column(description="Frames per second.", kind="percent", unit="1/s", heading="Rate"),
            "n_frames": Column(description="Frames.", kind="count", heading="Frames"),
            "percent_valid": Column(
                description="Frames that may be analysed.", kind="statistic", unit="%", heading="Valid"
            ),
            **{
                reason: Column(
                    description=f"Frames: {REASON_WORDS[reason]}.", kind="count", heading=reason.capitalize()
                )
                for reason in reasons
            },
        },
    )


def registration_table(registration: pd.DataFrame) -> Table:
    """Make the table of how each session lies on the animal's first."""
    return Table(
        name="registration",
        caption="Each session laid onto the first of its animal: where its picture lies, how alike "
        "descriptors of the mean pictures are before and after, and what remains. The crop was moved by "
        "whole pixels, because interpolating changes descriptors more than it mends.",
        data=registration,
        columns={
            "session_id": Column(description="Session.", heading="Session"),
            "reference": Column(description="Session it is laid onto.", heading="Onto"),
            "shift_x_px": Column(
                description="Shift to the right.", kind="statistic", unit="px", heading="Right"
            ),
            "shift_y_px": Column(description="Shift downwards.", kind="statistic", unit="px", heading="Down"),
            "rotation_deg": Column(description="Rotation.", kind="statistic", unit="°", heading="Rotation"),
            "scale": Column(description="Size against the first.", kind="number", heading="Size"),
            "correlation_before": Column(
                description="Correlation of descriptors before.", kind="statistic", heading="r before"
            ),
            "correlation_after": Column(
                description="Correlation of descriptors after.", kind="statistic", heading="r after"
            ),
            "residual_levels": Column(
                description="Mean difference of the pictures after.",
                kind="statistic",
                unit="grey levels",
                heading="Residual",
            ),
            "applied_x_px": Column(
                description="By how much the crop was moved to the right.",
                kind="count",
                unit="px",
                heading="Moved right",
            ),
            "applied_y_px": Column(
                description="By how much the crop was moved downwards.",
                kind="count",
                unit="px",
                heading="Moved down",
            ),
        },
    )


def session_warnings(results: Results) -> list[tuple[str, str]]:
    """List the warnings of sessions: of reading them, of their video, of registration."""
    found = [
        (str(row["session_id"]), str(text))
        for row in results.data.sessions.to_dict("records")
        for text in row["warnings"]
    ]
    for name, quality in results.data.quality.items():
        found += [(name, text) for text in quality.warnings]
    registration = results.data.registration
    if "warning" in registration:
        shown = registration[registration["warning"].fillna("").astype(str) != ""]
        found += [(str(row["session_id"]), str(row["warning"])) for row in shown.to_dict("records")]
    return list(dict.fromkeys(found))


def session_warnings_table(warnings: list[tuple[str, str]]) -> Table:
    """Make the table of what to know about single sessions."""
    return Table(
        name="session_warnings",
        caption="What to know about single sessions.",
        data=pd.DataFrame(warnings, columns=["session_id", "warning"]),
        columns={
            "session_id": Column(description="Session.", heading="Session"),
            "warning": Column(description="What is wrong or doubtful.", heading="Warning"),
        },
    )


def attached_tables(results: Results) -> list[Table]:
    """Make the tables that stand beside the report only: all trials, and all stretches of flagged frames."""
    trials = results.data.trials
    words = {"onset_s": "Onset on the session's clock, in seconds.", "kept": "Whether it was analysed."}
    tables = [
        Table(
            name="trials",
            caption="Every trial of the study, with what its clip lost.",
            data=trials,
            columns={
                name: Column(description=words.get(name, name.replace("_", " ").capitalize() + "."))
                for name in trials.columns
            },
        )
    ]
    parts = [
        quality.exclusions.assign(session_id=name)
        for name, quality in results.data.quality.items()
        if len(quality.exclusions)
    ]
    if parts:
        stretches = pd.concat(parts, ignore_index=True)
        columns = ["session_id", *[name for name in stretches.columns if name != "session_id"]]
        tables.append(
            Table(
                name="exclusions_stretches",
                caption="Every stretch of flagged frames, with the rule's worst value.",
                data=stretches[columns],
                columns={
                    name: Column(description=name.replace("_", " ").capitalize() + ".") for name in columns
                },
            )
        )
    return tables


def _add_registration(report: Report, results: Results) -> None:
    registration = results.data.registration
    if len(registration):
        report.table(registration_table(registration))


def _frames_of(results: Results, session_id: str, reason: str) -> float:
    quality = results.data.quality.get(session_id)
    if quality is None:
        return float("nan")
    found = quality.counts.loc[quality.counts["reason"] == reason, "n_frames"]
    return float(found.sum())


def _caption(number: int, n_pages: int) -> str:
    page = f" (page {number} of {n_pages})" if n_pages > 1 else ""
    return (
        f"The course of each session{page}. Left: movement of the face from frame to frame (grey levels); "
        "bars above it are stretches of frames that were flagged, by reason; ticks below are trials (grey: "
        "not analysed). Middle: brightness against the session's median. Right: distance of the picture from "
        "its usual place (px). Means of equal steps of time; gaps are times that could not be judged."
    )
