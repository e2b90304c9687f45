"""Answers become columns of a table: values, scores, and how many answers are missing.

Nothing is imputed: a score with a missing answer is not available, and the number of missing answers stands
in a column beside it. A form may ask for an estimate from the answered items (`Scale.prorate_up_to`): a
column whose name ends in ``_prorated``.

References
----------
.. [1] Watson, D., Clark, L. A., & Tellegen, A. (1988). Development and validation of brief measures of
   positive and negative affect: The PANAS scales. Journal of Personality and Social Psychology, 54(6),
   1063-1070.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.dataset.forms import Form, Item, Scale

Answers = Mapping[str, "str | None"]
"""Item -> answer, None where the participant gave none; items that were not reached are absent."""
Description = dict[str, Any]


def columns_of(form: Form, answers: Answers) -> dict[str, Any]:
    """Compute the columns of one administration of a form, without the time in their names.

    Parameters
    ----------
    form : Form
        The questionnaire.
    answers : mapping
        Item -> answer as text; None or absent: no answer.

    Returns
    -------
    dict
        Column -> number or text; None where there is none.

    Raises
    ------
    ValueError
        If an answer is not one that the form allows.
    """
    columns: dict[str, Any] = {}
    for scale in form.scales:
        columns |= score(form, scale, answers)
    values = {item.id: _value(item, answers.get(item.id)) for item in form.items}
    for name, kind in form.derived:
        assert kind == "body_mass_index"
        columns[name] = body_mass_index(height_cm=values["height_cm"], weight_kg=values["weight_kg"])
    return columns | values


def score(form: Form, scale: Scale, answers: Answers) -> dict[str, Any]:
    """Compute a score, the number of missing answers and, where the form asks for it, the prorated score.

    Parameters
    ----------
    form : Form
        The questionnaire, for its response scale.
    scale : Scale
        The score.
    answers : mapping
        Item -> answer.

    Returns
    -------
    dict
        ``<scale>`` (None when an answer is missing), ``<scale>_n_missing`` and perhaps ``<scale>_prorated``:
        the mean of the answered items in place of the missing ones (None when too many are missing).
    """
    steps = [int(value) for value, _ in form.response]
    mirror = min(steps) + max(steps)
    given = {item.id: _value(item, answers.get(item.id)) for item in form.items if item.id in scale.items}
    ratings = [
        mirror - value if name in scale.reversed else value
        for name, value in given.items()
        if value is not None
    ]
    n_missing = len(scale.items) - len(ratings)
    columns: dict[str, Any] = {
        scale.id: _combined(ratings, scale) if n_missing == 0 else None,
        f"{scale.id}_n_missing": n_missing,
    }
    if scale.prorate_up_to:
        estimated = n_missing <= scale.prorate_up_to
        columns[f"{scale.id}_prorated"] = _combined(ratings, scale) if estimated else None
    return columns


def body_mass_index(*, height_cm: float | None, weight_kg: float | None) -> float | None:
    """Return weight by height squared (kg/m^2), rounded to a tenth; None when one is not known.

    >>> body_mass_index(height_cm=180, weight_kg=72.9)
    22.5
    """
    if height_cm is None or weight_kg is None:
        return None
    return round(weight_kg / (height_cm / 100) ** 2, 1)


def describe_columns(form: Form) -> dict[str, Description]:
    """Describe every column that the form can give, for the data dictionary: names with the time in them."""
    described: dict[str, Description] = {}
    for time, when in form.times or (("", ""),):
        for name, about in _described(form).items():
            key = f"{name}_{time}" if time else name
            text = f"{when}: {about['Description']}" if when else about["Description"]
            described[key] = {**about, "Description": text}
    return described


def _described(form: Form) -> dict[str, Description]:
    described: dict[str, Description] = {}
    for scale in form.scales:
        described[scale.id] = {"Description": scale.meaning or scale.id}
        described[f"{scale.id}_n_missing"] = {
            "Description": f"number of the {len(scale.items)} items of {scale.id} without an answer; with "
            "any, the score is n/a"
        }
        if scale.prorate_up_to:
            described[f"{scale.id}_prorated"] = {
                "Description": f"ESTIMATE: {scale.id} with the participant's own mean of the answered items "
                f"in place of at most {scale.prorate_up_to} missing ones"
            }
    for name, _ in form.derived:
        described[name] = {"Description": "Body mass index: weight by height squared", "Units": "kg/m^2"}
    for item in form.items:
        described[item.id] = {"Description": item.meaning}
        if item.options:
            described[item.id]["Levels"] = dict(item.options)
        if item.unit:
            described[item.id]["Units"] = item.unit
    return described


def _value(item: Item, answer: str | None) -> Any:
    """Turn the text of an answer into its value."""
    if answer is None:
        return None
    if item.options and answer not in dict(item.options):
        raise ValueError(
            f"{item.id} cannot be answered {answer!r}: there are {', '.join(dict(item.options))}"
        )
    if item.kind == "rating":
        return int(answer)
    if item.kind == "number":
        number = float(answer)
        return int(number) if item.decimals == 0 else number
    return answer


def _combined(ratings: list[int], scale: Scale) -> float | int:
    """Combine ratings; with some missing, as if each of those were the mean of the others."""
    mean = sum(ratings) / len(ratings)
    if scale.combine == "mean":
        return round(mean, 4)
    return sum(ratings) if len(ratings) == len(scale.items) else round(mean * len(scale.items), 4)
