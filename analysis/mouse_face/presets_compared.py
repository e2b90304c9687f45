"""What both presets say about the same claims, side by side, and where they disagree, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.report import Column, Table
from analysis.report.table import format_number, format_p

CLAIM_COLUMNS = ("claim", "estimate", "lower", "upper", "unit", "p", "test", "n", "holds")
"""Columns of a panel's claims; `holds` is True, False or missing (the preset cannot say)."""
MOST_NAMED = 3
"""Disagreements of a panel that are told one by one; the table has all."""
PRESET_NAMES = {"recommended": "as recommended", "paper": "as in the paper"}
DISAGREEING = ("recommended only", "paper only", "opposite")
"""Verdicts that are disagreements."""

WHY = {
    "1C": "Frames of one trial are one picture: clusters of frames say nothing of other trials.",
    "1D": "Frames of one trial are one picture: clusters of frames say nothing of other trials.",
    "1E": "Clouds of frames also form by trial, with or without an effect of the event.",
    "1F": "With frames drawn at random, frames of every trial are in the training set, and the decoder "
    "recognises trials. It does so where events have no effect at all. Shuffling frames does not protect "
    "from it, because it destroys the trials too.",
    "2B": "A prototype is like the trials it was made of, with or without an expression. As recommended, no "
    "trial is scored with a prototype that it is part of.",
    "2C": "A prototype is like the trials it was made of, with or without an expression, and trials of one "
    "animal are not independent.",
    "2D": "Trials of one animal are not independent; as recommended, each animal has one slope.",
    "2E": "Trials of one animal are not independent; as recommended, each animal has one value.",
    "2F": "Trials of one animal are not independent; as recommended, each animal has one value.",
    "2G": "Trials of one animal are not independent; as recommended, each animal has one value.",
    "3A": "An interval over trials takes trials of one animal for independent ones.",
    "3B": "An interval over trials takes trials of one animal for independent ones.",
    "3E": "A forest has a favourite class for frames that are like none, so that chance is not 1 in 7; as "
    "recommended, the comparison is with animals that the light cannot drive.",
    "3F": "A forest has a favourite class for frames that are like none, so that chance is not 1 in 7; as "
    "recommended, the comparison is with animals that the light cannot drive.",
    "3G": "Trials of one animal are not independent; as recommended, each animal has one value.",
    "3I": "Trials of one animal are not independent; as recommended, each animal has one value.",
    "4C": "Two slow traces correlate by chance: as recommended, neurons are tested against traces shifted in "
    "time, with the rate of false discoveries kept low, and only for what the other regressor does not "
    "explain.",
    "4F": "Two slow traces correlate by chance: as recommended, neurons are tested against traces shifted in "
    "time, with the rate of false discoveries kept low, and only for what the other regressor does not "
    "explain.",
    "4I": "With a threshold on r alone, a neuron that follows the stimulus also counts for the face that the "
    "stimulus moves; as recommended, each counts for what the other does not explain.",
}
"""Panel -> why the presets can differ there."""


def compare_claims(panel: str, own: pd.DataFrame, other: pd.DataFrame, *, preset: str) -> pd.DataFrame:
    """Put the claims of both presets about one panel side by side.

    Parameters
    ----------
    panel : str
        Name of the panel.
    own, other : pandas.DataFrame
        Claims, columns `CLAIM_COLUMNS`, of the chosen preset and of the other.
    preset : str
        Name of the chosen preset.

    Returns
    -------
    pandas.DataFrame
        One row per claim: ``panel``, ``claim``, ``recommended`` and ``paper`` (what each says, in words),
        ``recommended_holds`` and ``paper_holds`` (yes, no, or n/a), ``verdict`` (agree, recommended only,
        paper only, opposite, one preset only, undecided).

    Examples
    --------
    >>> own = pd.DataFrame([("own event", .01, -.02, .04, "r", .4, "t test", "9 animals", False)],
    ...                    columns=CLAIM_COLUMNS)
    >>> other = own.assign(p=0.001, test="Dunnett", n="27 trials", holds=True)
    >>> compare_claims("2C", own, other, preset="recommended")["verdict"].item()
    'paper only'
    """
    first, second = (own, other) if preset == "recommended" else (other, own)
    recommended, paper = _by_claim(first), _by_claim(second)
    rows = []
    for claim in dict.fromkeys([*_by_claim(own), *_by_claim(other)]):
        pair = recommended.get(claim), paper.get(claim)
        rows.append(
            {
                "panel": panel,
                "claim": claim,
                "recommended": claim_words(pair[0]),
                "recommended_holds": _holds_word(pair[0]),
                "paper": claim_words(pair[1]),
                "paper_holds": _holds_word(pair[1]),
                "verdict": _verdict(*pair),
            }
        )
    names = ["panel", "claim", "recommended", "recommended_holds", "paper", "paper_holds", "verdict"]
    return pd.DataFrame(rows, columns=names)


def claim_words(claim: Mapping[Any, Any] | None) -> str:
    """Write what a preset found, with its test.

    >>> claim_words({"estimate": .0123, "lower": .004, "upper": .0206, "unit": "r", "p": .0008,
    ...              "test": "t test", "n": "9 animals"})
    '0.0123 r (0.004 to 0.0206), p < 0.001, t test, 9 animals'
    >>> claim_words(None)
    ''
    """
    if claim is None:
        return ""
    parts = [_estimate_words(claim), _p_words(claim["p"])]
    test = str(claim["test"]) if _given(claim["test"]) else ""
    parts += ["not tested" if test == "none" else test, str(claim["n"]) if _given(claim["n"]) else ""]
    return ", ".join(part for part in parts if part)


def disagreements(compared: pd.DataFrame) -> list[str]:
    """Say, panel by panel, where the presets disagree; then where they agree, or cannot be compared.

    Parameters
    ----------
    compared : pandas.DataFrame
        As of `compare_claims`, of any number of panels.

    Returns
    -------
    list of str
        A paragraph for each panel on which they disagree, and up to two about the others.
    """
    texts: list[str] = []
    agreeing: list[str] = []
    undecided: list[str] = []
    for panel, rows in compared.groupby("panel", sort=False):
        both = rows[rows["verdict"] != "one preset only"]
        if both["verdict"].isin(DISAGREEING).any():
            texts.append(_panel_words(str(panel), both))
        elif len(both):
            (agreeing if (both["verdict"] == "agree").any() else undecided).append(f"Fig. {panel}")
    if agreeing:
        texts.append(f"The presets agree on all claims that both can decide in {', '.join(agreeing)}.")
    if undecided:
        texts.append(f"In {', '.join(undecided)} they cannot be compared: at least one decides no claim.")
    return texts


def n_disagreements(compared: pd.DataFrame) -> int:
    """Count the claims on which the presets disagree."""
    return int(compared["verdict"].isin(DISAGREEING).sum())


def compared_table(compared: pd.DataFrame) -> Table:
    """Make the table of the report; where presets disagree the verdict says which one holds a claim."""
    levels = {
        "agree": "both the same",
        "recommended only": "holds only as recommended",
        "paper only": "holds only as in the paper",
        "opposite": "both hold, in opposite directions",
        "one preset only": "asked by one preset only",
        "undecided": "at least one cannot say",
    }
    return Table(
        name="presets_compared",
        caption="What each preset says about the same claims. Every claim is judged by its preset's own "
        "test; estimates are comparable only where their units are the same.",
        data=compared,
        columns={
            "panel": Column(description="Panel of Dolensek et al. (2020).", heading="Fig."),
            "claim": Column(description="What is claimed.", heading="Claim"),
            "recommended": Column(
                description="Estimate, interval, test and n of the preset recommended.",
                heading="As recommended",
                missing="not asked",
            ),
            "recommended_holds": Column(
                description="Whether it holds in the preset recommended.", heading="Holds"
            ),
            "paper": Column(
                description="Estimate, interval, test and n of the preset paper.",
                heading="As in the paper",
                missing="not asked",
            ),
            "paper_holds": Column(description="Whether it holds in the preset paper.", heading="Holds"),
            "verdict": Column(description="Whether the presets agree.", heading="Verdict", levels=levels),
        },
    )


def claims_table(claims: Mapping[str, Mapping[str, pd.DataFrame]]) -> Table:
    """Make the long table of all claims with all their numbers, for the files.

    Parameters
    ----------
    claims : mapping
        Preset -> panel -> claims.
    """
    parts = [
        table.reindex(columns=list(CLAIM_COLUMNS)).assign(preset=preset, panel=panel)
        for preset, panels in claims.items()
        for panel, table in panels.items()
        if len(table)
    ]
    columns = ["preset", "panel", *CLAIM_COLUMNS]
    data = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    data["holds"] = [_holds_word(row) for row in data.to_dict("records")]
    return Table(
        name="claims",
        caption="Every claim of every panel and preset, with all its numbers.",
        data=data,
        columns={
            "preset": Column(description="Preset that judged the claim."),
            "panel": Column(description="Panel of Dolensek et al. (2020)."),
            "claim": Column(description="What is claimed; the same words in both presets."),
            "estimate": Column(description="Estimated size of the effect.", kind="number"),
            "lower": Column(description="Lower limit of its 95 % interval.", kind="number"),
            "upper": Column(description="Upper limit of its 95 % interval.", kind="number"),
            "unit": Column(description="Unit of estimate and interval."),
            "p": Column(description="p value of the claim's test.", kind="p"),
            "test": Column(description="The test."),
            "n": Column(description="What was counted as independent, and how many."),
            "holds": Column(description="Whether the preset says that the claim holds (yes, no)."),
        },
    )


def _panel_words(panel: str, both: pd.DataFrame) -> str:
    differing = both[both["verdict"].isin(DISAGREEING)]
    n_claims = f"{len(both)} claim" + ("s" if len(both) > 1 else "")
    told = [_difference_words(row) for row in differing.head(MOST_NAMED).to_dict("records")]
    if len(differing) > MOST_NAMED:
        told.append(f"The other {len(differing) - MOST_NAMED} are in the table.")
    head = f"Fig. {panel}: the presets disagree on {len(differing)} of {n_claims}."
    why = WHY.get(panel, WHY.get(panel[:2], "")) if "paper only" in set(differing["verdict"]) else ""
    return " ".join([head, *told, why]).strip()


def _difference_words(row: Mapping[Any, Any]) -> str:
    if row["verdict"] == "opposite":
        return (
            f"“{row['claim']}” goes in opposite directions (as recommended: {row['recommended']}; as in the "
            f"paper: {row['paper']})."
        )
    yes, no = ("recommended", "paper") if row["verdict"] == "recommended only" else ("paper", "recommended")
    return (
        f"“{row['claim']}” holds {PRESET_NAMES[yes]} ({row[yes]}), and does not {PRESET_NAMES[no]} "
        f"({row[no]})."
    )


def _verdict(recommended: Mapping[Any, Any] | None, paper: Mapping[Any, Any] | None) -> str:
    if recommended is None or paper is None:
        return "one preset only"
    first, second = _holds(recommended), _holds(paper)
    if first is None or second is None:
        return "undecided"
    if first != second:
        return "recommended only" if first else "paper only"
    return "opposite" if first and _opposite(recommended, paper) else "agree"


def _opposite(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> bool:
    """Say whether two estimates of an effect have different signs; other units may have another zero."""
    pair = (first["estimate"], second["estimate"])
    same_unit = str(first["unit"]) == str(second["unit"])
    return same_unit and all(_given(value) for value in pair) and pair[0] * pair[1] < 0


def _by_claim(claims: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    if claims.empty:
        return {}
    repeated = claims["claim"][claims["claim"].duplicated()].tolist()
    if repeated:
        raise ValueError(f"claims should have different names; found twice: {', '.join(map(str, repeated))}")
    rows = claims.reindex(columns=list(CLAIM_COLUMNS)).to_dict("records")
    return {str(row["claim"]): row for row in rows}


def _holds(claim: Mapping[Any, Any]) -> bool | None:
    return bool(claim["holds"]) if _given(claim["holds"]) else None


def _holds_word(claim: Mapping[Any, Any] | None) -> str:
    holds = _holds(claim) if claim is not None else None
    return {True: "yes", False: "no", None: ""}[holds]


def _given(value: Any) -> bool:
    return value is not None and not pd.isna(value)


def _estimate_words(claim: Mapping[Any, Any]) -> str:
    if not _given(claim["estimate"]):
        return ""
    unit = f" {claim['unit']}" if _given(claim["unit"]) and claim["unit"] else ""
    text = f"{_short(claim['estimate'])}{unit}"
    if _given(claim["lower"]) and _given(claim["upper"]):
        text += f" ({_short(claim['lower'])} to {_short(claim['upper'])})"
    return text


def _short(value: float) -> str:
    """Write a number with three significant digits and without zeros at its end.

    >>> _short(0.004), _short(0.02061), _short(97.31), _short(1234.0)
    ('0.004', '0.0206', '97.3', '1234')
    """
    if value == 0 or not 1e-4 <= abs(value) < 1e5:
        return format_number(float(value))
    text = f"{float(value):.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return text.replace("-", "−")


def _p_words(p: Any) -> str:
    if not _given(p):
        return ""
    text = format_p(float(p))
    return f"p {text}" if text.startswith("<") else f"p = {text}"
