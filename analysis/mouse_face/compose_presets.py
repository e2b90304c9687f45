"""The report's part on what the other preset says about the same claims."""

from __future__ import annotations

import pandas as pd

from analysis.mouse_face.presets_compared import (
    PRESET_NAMES,
    claims_table,
    compare_claims,
    compared_table,
    disagreements,
)
from analysis.mouse_face.results import Results
from analysis.report import Report

INTRODUCTION = (
    "The same claims, once judged as a careful methodologist would today (as recommended) and once as in the "
    "paper. In simulated studies in which events do nothing, the recommended tests of Figures 1 to 3 find an "
    "effect in about 5 % of studies or fewer; the paper's find one in 29 to 43 % (Fig. 2B, 2C, 3F), "
    "and its decoder recognises 98 % of the frames (Fig. 1F). A claim that holds as in the paper only is not "
    "thereby wrong; these data do not show it."
)
"""Numbers: docs/mouse_faces.md, "Why not as in the paper"; tests/support/null_studies.py prints them."""


def compared_claims(results: Results) -> pd.DataFrame:
    """Put the claims of all panels side by side; columns as of `presets_compared.compare_claims`."""
    none = pd.DataFrame(columns=["claim"])
    parts = [
        compare_claims(
            panel.name, panel.claims, results.other_claims.get(panel.name, none), preset=results.preset
        )
        for panel in results.panels
    ]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else compare_claims("", none, none, preset="paper")


def add_presets(report: Report, results: Results) -> None:
    """Add, panel by panel, where the presets disagree, and the table of all claims."""
    compared = compared_claims(results)
    own = {panel.name: panel.claims for panel in results.panels}
    claims = claims_table({results.preset: own, results.other_preset: results.other_claims})
    if compared.empty:
        return
    report.section("What the presets say")
    if any(len(table) for table in results.other_claims.values()):
        report.paragraph(INTRODUCTION)
        for text in disagreements(compared):
            report.paragraph(text)
        report.table(compared_table(compared))
    else:
        report.paragraph(
            f"Only the preset {results.preset} was run ({PRESET_NAMES[results.preset]}). Without --alone, "
            "this section says where the other preset disagrees."
        )
    for name, reason in results.other_missing.items():
        report.note(f"Fig. {name}, {PRESET_NAMES[results.other_preset]}: nothing, because {reason}")
    report.attach(claims)
    report.note(f"All numbers of all claims: tables/{claims.name}.tsv.")
