"""The two forms of the products between grouping factors give the same answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from analysis.models import coupling
from analysis.models.coupling import DenseCoupling, SparseCoupling, couple
from analysis.models.mixed import fit_mixed

N_DENSE, N_LEVELS, Q = 5, 7, 2


@pytest.fixture
def matrix() -> sparse.csr_array:
    rng = np.random.default_rng(4)
    values = rng.normal(0, 1, (N_DENSE, N_LEVELS, Q)) * (rng.random((N_DENSE, N_LEVELS, 1)) < 0.4)
    values[2] = 0.0
    values[0, 3, 0] = 0.0
    return sparse.csr_array(values.reshape(N_DENSE, N_LEVELS * Q))


@pytest.fixture
def sparse_form(matrix: sparse.csr_array, monkeypatch: pytest.MonkeyPatch) -> SparseCoupling:
    monkeypatch.setattr(coupling, "_SMALL", 0)
    monkeypatch.setattr(coupling, "_CROWDED", 1.0)
    form = couple(matrix, N_LEVELS, Q)
    assert isinstance(form, SparseCoupling)
    return form


@pytest.fixture
def dense_form(matrix: sparse.csr_array) -> DenseCoupling:
    form = couple(matrix, N_LEVELS, Q)
    assert isinstance(form, DenseCoupling)
    return form


def test_crowded_or_small_products_are_dense() -> None:
    assert isinstance(couple(sparse.csr_array(np.ones((300, 300))), 300, 1), DenseCoupling)
    assert isinstance(couple(sparse.csr_array(np.eye(300)), 300, 1), SparseCoupling)
    assert isinstance(couple(sparse.csr_array(np.eye(20)), 20, 1), DenseCoupling)
    assert isinstance(couple(sparse.csr_array((0, 20)), 10, 2), DenseCoupling)


def test_both_forms_answer_alike(dense_form: DenseCoupling, sparse_form: SparseCoupling) -> None:
    rng = np.random.default_rng(5)
    blocks = rng.normal(0, 1, (N_LEVELS, Q, Q))
    weights = rng.normal(0, 1, (N_DENSE, N_DENSE))
    forms = dense_form, sparse_form
    changed = [form.minus(form.times(blocks)) for form in forms]
    np.testing.assert_allclose(changed[0].gram(), changed[1].gram(), atol=1e-12)
    values = rng.normal(0, 1, (N_DENSE, 3))
    np.testing.assert_allclose(*(form.to_levels(values) for form in changed), atol=1e-12)
    values = rng.normal(0, 1, (N_LEVELS, Q, 3))
    np.testing.assert_allclose(*(form.to_dense(values) for form in changed), atol=1e-12)
    traced = [new.traced(weights, form) for new, form in zip(changed, forms, strict=True)]
    np.testing.assert_allclose(*traced, atol=1e-12)
    direct = np.einsum("dli,de,elj->ij", changed[0].values, weights, dense_form.values)
    np.testing.assert_allclose(traced[0], direct, atol=1e-12)


def test_fit_does_not_depend_on_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"g": np.repeat(np.arange(12), 20), "t": np.repeat(np.arange(60), 4)})
    table["h"] = rng.integers(0, 5, 240)
    table["x"] = rng.normal(0, 1, 240)
    table["y"] = rng.normal(0, 1, 240) + rng.normal(0, 1, 12)[table["g"]] + rng.normal(0, 1, 60)[table["t"]]
    formula = "y ~ x + (x|g) + (x|g:t) + (1|h)"
    dense = fit_mixed(formula, table)
    monkeypatch.setattr(coupling, "_SMALL", 0)
    sparse_fit = fit_mixed(formula, table)
    assert isinstance(sparse_fit._model.design.dense_first, SparseCoupling)
    assert sparse_fit.criterion == pytest.approx(dense.criterion, abs=1e-8)
    pd.testing.assert_frame_equal(sparse_fit.fixed_effects, dense.fixed_effects, rtol=1e-5)
