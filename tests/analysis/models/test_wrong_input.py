"""Wrong input is refused in words, and unusual but right input is understood."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.asymptotic import fit_asymptotic
from analysis.models.asymptotic_data import reduce_data
from analysis.models.bayes_factors import bayes_factor_of_estimate, bic_bayes_factor
from analysis.models.blinding import bang_index, guess_counts
from analysis.models.classical import contingency, one_way_anova
from analysis.models.comparison import compare_models
from analysis.models.equivalence import equivalence_tests
from analysis.models.mixed import MixedFit, fit_mixed, likelihood_ratio
from analysis.models.sensitivity import simulate_tests, slope_differences

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [(s, "ABC"[s % 3], t) for s in range(18) for t in range(-2, 3) for _ in range(2)]
    table = pd.DataFrame(rows, columns=["subject", "drug", "time"])
    table["y"] = rng.normal(0, 1, 18)[table.subject] + rng.normal(0, 1, len(table))
    table["trials"] = rng.integers(1, 9, len(table))
    return table


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed("y ~ drug*time + (1|subject)", data)


@pytest.fixture(scope="module")
def curves() -> pd.DataFrame:
    rows = [(f"s{s}", "ab"[s % 2], c, t, s + t) for s in range(4) for c in ("x", "y") for t in (1, 2, 3)]
    return pd.DataFrame(rows, columns=["subject", "drug", "emotion", "time", "log_emg"])


def test_a_power_may_be_written_as_in_r(data: pd.DataFrame) -> None:
    ours = fit_mixed("y ~ time + I(time**2) + (1|subject)", data)
    theirs = fit_mixed("y ~ time + I(time^2) + (1|subject)", data)
    np.testing.assert_array_equal(ours.fixed_effects, theirs.fixed_effects)
    quoted = fit_mixed("y ~ `time^2` + (1|subject)", data.assign(**{"time^2": data.time}))
    assert list(quoted.anova().index) == ["time^2"]


def test_names_of_groups_may_have_dots(data: pd.DataFrame) -> None:
    dotted = fit_mixed("y ~ time + (1|sub.ject)", data.rename(columns={"subject": "sub.ject"}))
    assert dotted.criterion == fit_mixed("y ~ time + (1|subject)", data).criterion


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ factor(drug) + (1|subject)", r"written C\(x\)"),
        ("y ~ as.factor(drug) + (1|subject)", "cannot read"),
        ("y ~ C(drug, Treatment) + (1|subject)", "contrasts are named contr.sum"),
        ("y ~ C(drug, contr.treatment('Z')) + (1|subject)", "not among the provided levels"),
        ("y ~ lists + (1|subject)", "'lists' should hold names or numbers"),
        ("y ~ time + (1|lists)", "'lists' should hold names or numbers"),
        ("complex ~ time + (1|subject)", "complex numbers"),
        (5, "should be text"),
    ],
)
def test_formulas_that_cannot_be_computed(data: pd.DataFrame, formula: str, said: str) -> None:
    table = data.assign(lists=pd.Series([[1]] * len(data), dtype=object), complex=data.y + 1j)
    with pytest.raises(ValueError, match=said):
        fit_mixed(formula, table)


def test_reml_is_a_truth_value(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="reml should be True"):
        fit_mixed("y ~ time + (1|subject)", data, reml="ML")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ({"drug": ["Z"]}, "no level 'Z'; there are 'A', 'B', 'C'"),
        ({"drug": "Z"}, "no level 'Z'"),
        ({"time": ["early"]}, "held at numbers"),
        ({"time": np.nan}, "held at numbers"),
        ({"time": []}, "no value"),
    ],
)
def test_values_at_which_variables_are_held(fit: MixedFit, at: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit.means(at=at)


def test_one_value_needs_no_list(fit: MixedFit) -> None:
    pd.testing.assert_frame_equal(fit.means("drug", at={"time": 1}), fit.means("drug", at={"time": [1]}))
    pd.testing.assert_frame_equal(
        fit.slopes("time", at={"drug": "A"}), fit.slopes("time", at={"drug": ["A"]})
    )


def test_a_variable_is_asked_for_once(fit: MixedFit) -> None:
    with pytest.raises(ValueError, match="stands twice"):
        fit.slope_contrasts("time", "drug", by="drug")


def test_rows_of_weights_are_matched_by_name(fit: MixedFit) -> None:
    weights = pd.DataFrame(np.eye(6)[:2], columns=fit.fixed_effects.index)
    turned = fit.contrasts(weights[weights.columns[::-1]])
    pd.testing.assert_frame_equal(turned, fit.contrasts(weights))
    with pytest.raises(ValueError, match="should be the fixed effects"):
        fit.contrasts(weights.rename(columns={"time": "tim"}))
    with pytest.raises(ValueError, match="all zero"):
        fit.contrasts(np.zeros(6))


def test_no_complete_row_has_no_prediction(fit: MixedFit, data: pd.DataFrame) -> None:
    assert fit.predict(data.iloc[:0]).shape == (0,)
    assert np.isnan(fit.predict(data.iloc[:3].assign(time=np.nan))).all()


def test_a_seed_is_no_generator(fit: MixedFit) -> None:
    with pytest.raises(ValueError, match="default_rng"):
        fit.simulate(1, rng=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="default_rng"):
        fit.confidence_intervals("bootstrap", rng=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("compare", [likelihood_ratio, lambda a, b: bic_bayes_factor(a, b, n=18)])
def test_only_nested_models_of_the_same_rows_are_compared(
    data: pd.DataFrame, compare: Callable[[MixedFit, MixedFit], pd.DataFrame]
) -> None:
    large = fit_mixed("y ~ drug + (1|subject)", data)
    with pytest.raises(ValueError, match="fixed effects that the larger model lacks"):
        compare(large, fit_mixed("y ~ time + (1|subject)", data))
    with pytest.raises(ValueError, match="different weights"):
        compare(large, fit_mixed("y ~ 1 + (1|subject)", data, weights="trials"))
    by_time = data.assign(occasion=data.time)
    with pytest.raises(ValueError, match="no random effects of occasion"):
        compare(fit_mixed("y ~ 1 + (1|occasion)", by_time), large)


def test_models_in_another_coding_are_nested(data: pd.DataFrame) -> None:
    large = fit_mixed("y ~ C(drug, contr.treatment)*time + (time|subject)", data)
    small = fit_mixed("y ~ drug + (1|subject)", data)
    assert likelihood_ratio(small, large)["df"].iloc[1] == 5


def test_sensitivity_takes_weights_by_name_and_counts_processes(fit: MixedFit) -> None:
    weights = slope_differences(fit, "time", between="drug")
    first = simulate_tests(fit, weights, seed=1, n_simulations=20, progress=False)
    turned = simulate_tests(fit, weights[weights.columns[::-1]], seed=1, n_simulations=20, progress=False)
    np.testing.assert_array_equal(first.errors, turned.errors)
    with pytest.raises(ValueError, match="n_processes should be 1 or more"):
        simulate_tests(fit, weights, seed=1, n_simulations=20, n_processes=0, progress=False)
    with pytest.raises(ValueError, match="alpha"):
        first.power(0.5, alpha=5)


def test_processes_need_a_main_guard_and_say_so(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(
        "import numpy as np, pandas as pd\n"
        "from analysis.models.mixed import fit_mixed\n"
        "rng = np.random.default_rng(1)\n"
        "table = pd.DataFrame({'subject': np.repeat(range(9), 6), 'y': rng.normal(size=54)})\n"
        "table['y'] += rng.normal(size=9)[table.subject]\n"
        "fit = fit_mixed('y ~ 1 + (1|subject)', table)\n"
        "fit.confidence_intervals('bootstrap', rng=rng, n_replicates=40, n_processes=2, progress=False)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert "__name__" in done.stderr.strip().splitlines()[-1]


def test_a_bayes_factor_beyond_numbers_is_infinite() -> None:
    assert bayes_factor_of_estimate(10, 0.01, scale=0.1) == np.inf
    assert bayes_factor_of_estimate(0.3, 0.1, scale=0.1) == pytest.approx(9.78955, rel=1e-5)
    with pytest.raises(ValueError, match="'cauchy' or 'normal'"):
        bayes_factor_of_estimate(1, 1, scale=1, prior="t")  # type: ignore[arg-type]


def test_equivalence_needs_standard_errors() -> None:
    table = pd.DataFrame({"estimate": [0.1, 0.2], "se": [0.1, 0.0], "df": [10.0, 10.0]})
    with pytest.raises(ValueError, match="positive"):
        equivalence_tests(table, lower=-1, upper=1)
    with pytest.raises(ValueError, match="one number, or 2"):
        equivalence_tests(table.assign(se=1), lower=[-1, -1, -1], upper=1)


def test_tables_of_counts_and_groups() -> None:
    assert contingency([[7, 35], [13, 31], [22, 22]])["chi2"].iloc[0] == pytest.approx(11.149, abs=1e-3)
    with pytest.raises(ValueError, match="groups by guesses"):
        bang_index(np.ones((2, 2)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level"):
        bang_index(pd.DataFrame([[3, 4], [2, 5]], index=["a", "b"], columns=["a", "b"]), level=95)
    with pytest.raises(ValueError, match="same index"):
        guess_counts(pd.Series(["a", "b"]), pd.Series(["a", "b"], index=[1, 2]))
    ages = pd.DataFrame({"age": [20, np.inf, 30, 31], "drug": ["a", "a", "b", "b"]})
    with pytest.raises(ValueError, match="infinite"):
        one_way_anova(ages, value="age", group="drug")


def test_curves_take_one_factor_by_name_and_ids_of_any_kind(curves: pd.DataFrame) -> None:
    names = {"response": "log_emg", "time": "time", "subject": "subject", "drug": "drug"}
    one = reduce_data(curves, **names, within="emotion")  # type: ignore[arg-type]
    assert one.cells == (("x",), ("y",))
    mixed = curves.assign(subject=curves.subject.replace({"s0": 7}).astype(object))
    assert reduce_data(mixed, **names, within=("emotion",)).subjects == ("7", "s1", "s2", "s3")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"chains": 2.5}, "chains must be a whole number"),
        ({"draws": "5"}, "draws must be a whole number"),
        ({"priors": {"a_sd": 1}}, "AsymptoticPriors"),
    ],
)
def test_the_sampler_is_not_started_with_wrong_numbers(curves: pd.DataFrame, wrong: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_asymptotic(curves, within=("emotion",), **wrong)


def test_models_are_compared_by_name(fit: MixedFit) -> None:
    with pytest.raises(ValueError, match="by name"):
        compare_models([fit, fit])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="likelihood_ratio"):
        compare_models({"one": fit, "two": fit})  # type: ignore[dict-item]


def test_codes_of_groups_are_noticed(data: pd.DataFrame) -> None:
    coded = data.assign(drug=data.drug.map({"A": 1, "B": 2, "C": 3}))
    as_number = fit_mixed("y ~ drug + time + (1|subject)", coded)
    assert [text for text in as_number.warnings if "write C(drug)" in text]
    assert not [text for text in as_number.warnings if "write C(time)" in text]
    as_groups = fit_mixed("y ~ C(drug) + time + (1|subject)", coded)
    assert not [text for text in as_groups.warnings if "write C(" in text]
    assert as_groups.anova().loc["C(drug)", "num_df"] == 2
