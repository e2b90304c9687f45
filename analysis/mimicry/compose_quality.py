"""The report's part on excluded trials and on each participant's signals."""

from __future__ import annotations

from analysis.mimicry import quality_figures, tables
from analysis.mimicry.clocks import clocks_table, read_clocks
from analysis.mimicry.compose_shared import exclusion_test_words, show
from analysis.mimicry.study import MimicryResults
from analysis.mimicry.summaries import exclusions_by_group
from analysis.report import Report

REJECTION_CAVEAT = (
    "The rule that excludes outlying trials looks at the response itself, and so takes away strong true "
    "responses too: in simulated studies with limits of 2 SD it made the slopes of time 5 to 6 % smaller."
)


def add_exclusions(report: Report, results: MimicryResults) -> None:
    """Add how many EMG trials were excluded, and whether groups differ in that."""
    report.section("Excluded EMG trials")
    counts = results.exclusions
    n_trials, n_excluded = counts["n_trials"].sum(), counts["n_excluded"].sum()
    together = " (all muscles together)" if counts["muscle"].nunique() > 1 else ""
    words = exclusion_test_words(results.exclusion_tests, "all", f"excluded trials{together}")
    report.paragraph(
        f"{n_excluded} of {n_trials} trials × muscles ({100 * n_excluded / n_trials:.1f} %) were "
        f"excluded. {words}"
    )
    report.note(REJECTION_CAVEAT)
    show(report, tables.exclusions_by_group_table(exclusions_by_group(counts)))
    if results.exclusion_tests["F"].notna().any():
        show(report, tables.exclusion_tests_table(results.exclusion_tests))
    show(report, tables.exclusions_table(counts))


def add_quality(report: Report, results: MimicryResults) -> None:
    """Add each participant's curves, worst trials and signals."""
    report.section("Quality of each participant's EMG")
    report.paragraph(
        "What to look at: curves should lie near 100 % before onset, stay together before it and part "
        "after it; a participant whose curves are ragged, or far off scale, has few or noisy trials."
    )
    emg = results.emg
    pages = quality_figures.draw_participants(emg.curves, results.exclusions)
    for i, page in enumerate(pages, start=1):
        report.figure(
            f"quality_participants_{i:02d}",
            page,
            f"Participants' average EMG around stimulus onset, page {i}: mean of the kept trials (ZM, "
            "zygomaticus major; CS, corrugator supercilii). All pages have the same scale; what lies "
            "beyond it is cut off.",
            dots_per_inch=150,
        )
    if len(emg.worst):
        for i, page in enumerate(quality_figures.draw_worst(emg.worst, emg.worst_curves), start=1):
            report.figure(
                f"quality_worst_trials_{i:02d}",
                page,
                f"Each participant's worst excluded trial per muscle, page {i}, each on its own scale: "
                "number of the trial, and the rule that it broke by most. Means in steps of 0.1 s: a short "
                "peak looks lower here than the rule sees it.",
                dots_per_inch=150,
            )
        show(report, tables.worst_trials_table(emg.worst))
    clocks = read_clocks(results.study)
    if len(clocks):
        show(report, clocks_table(clocks))
    if not show(report, tables.noise_table(emg.noise), besides=["fs_hz"]):
        report.note(
            "How strong the raw signals were, and how much hum was in them, cannot be seen: the recorder "
            "had rectified them."
        )
