"""Fits agree with R on a small unbalanced data set: notations, weights, offset, Kenward-Roger, predictions.

The reference (reference/engine.json) is made by reference/engine.R.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.mixed import MixedFit, fit_mixed

FOLDER = Path(__file__).parent / "reference"
REFERENCES = json.loads((FOLDER / "engine.json").read_text(encoding="utf-8"))
WITH_KENWARD_ROGER = [name for name, reference in REFERENCES.items() if "kenward_roger" in reference]
SAME_COEFFICIENTS = [name for name in REFERENCES if name != "empty_cells"]


@cache
def rows(name: str) -> pd.DataFrame:
    data = pd.read_csv(FOLDER / "engine.csv", keep_default_na=False)
    empty = (data["dose"] == "none") & (data["face"] == "happy")
    return data[~empty].reset_index(drop=True) if name == "empty_cells" else data


@cache
def fitted(name: str) -> MixedFit:
    reference = REFERENCES[name]
    left, right = reference["formula"].split("~")
    parts = re.split(r"(\([^()]*\|[^()]*\))", right)
    coded = [
        part if "|" in part else re.sub(r"\b(dose|face)\b", r"C(\1, contr.treatment)", part) for part in parts
    ]
    return fit_mixed(
        f"{left}~{''.join(coded)}", rows(name), reml=reference["REML"], weights=reference["weights"]
    )


@pytest.mark.parametrize("name", REFERENCES)
def test_criterion_and_variances(name: str) -> None:
    fit, reference = fitted(name), REFERENCES[name]
    assert fit.converged
    assert fit.singular == reference["singular"]
    assert fit.criterion == pytest.approx(reference["criterion"], abs=1e-7)
    assert fit.sigma == pytest.approx(reference["sigma"], rel=1e-5)


@pytest.mark.parametrize("name", SAME_COEFFICIENTS)
def test_coefficients(name: str) -> None:
    table, reference = fitted(name).fixed_effects, REFERENCES[name]
    tolerance = 1e-6 * np.atleast_1d(reference["se"])
    assert np.abs(table["estimate"] - np.atleast_1d(reference["estimate"])).max() < tolerance.max()
    np.testing.assert_allclose(table["se"], np.atleast_1d(reference["se"]), rtol=1e-5)
    np.testing.assert_allclose(table["df"], np.atleast_1d(reference["df"]), rtol=1e-4)


@pytest.mark.parametrize("name", REFERENCES)
def test_type3_table(name: str) -> None:
    table, reference = fitted(name).anova(), REFERENCES[name]
    np.testing.assert_array_equal(table["num_df"], np.atleast_1d(reference["num_df"]))
    np.testing.assert_allclose(table["den_df"], np.atleast_1d(reference["den_df"]), rtol=1e-4)
    np.testing.assert_allclose(table["F"], np.atleast_1d(reference["F"]), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", WITH_KENWARD_ROGER)
def test_kenward_roger(name: str) -> None:
    fit, reference = fitted(name), REFERENCES[name]["kenward_roger"]
    table = fit.anova(ddf="kenward-roger")
    np.testing.assert_allclose(table["den_df"], np.atleast_1d(reference["den_df"]), rtol=1e-5)
    np.testing.assert_allclose(table["F"], np.atleast_1d(reference["F"]), rtol=1e-5, atol=1e-9)
    if name in SAME_COEFFICIENTS:
        coefficients = fit.coefficients(ddf="kenward-roger")
        np.testing.assert_allclose(coefficients["se"], reference["se"], rtol=1e-5)
        np.testing.assert_allclose(coefficients["df"], reference["df"], rtol=1e-5)


@pytest.mark.parametrize("name", REFERENCES)
def test_predictions(name: str) -> None:
    fit, reference = fitted(name), REFERENCES[name]
    new = rows(name).iloc[::7]
    np.testing.assert_allclose(fit.predict(new), reference["predicted"], atol=1e-5)
    np.testing.assert_allclose(fit.predict(new, random=False), reference["predicted_average"], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in REFERENCES if "offset" not in name])
def test_shares_of_variance(name: str) -> None:
    shares, reference = fitted(name).r2().iloc[0], REFERENCES[name]["r2"]
    for part in ("marginal", "conditional", "var_random"):
        assert shares[part] == pytest.approx(np.ravel(reference[part])[0], rel=2e-5, abs=1e-9)


def test_contrasts_do_not_change_the_type3_table() -> None:
    for name in ("crossed", "nested_in_crossed", "empty_cells"):
        plain = fit_mixed(REFERENCES[name]["formula"], rows(name))
        np.testing.assert_allclose(plain.anova(), fitted(name).anova(), rtol=1e-6, atol=1e-12)
        adjusted = [fit.anova(ddf="kenward-roger") for fit in (plain, fitted(name))]
        np.testing.assert_allclose(*adjusted, rtol=1e-6, atol=1e-12)
