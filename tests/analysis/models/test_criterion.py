"""The likelihood of a mixed model against its definition, and its derivatives against differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.models.criterion import Criterion
from analysis.models.crossproducts import reduce_design, reduce_response
from analysis.models.design import fixed_effects, random_effects, response_values, typed_table
from analysis.models.formula import parse_formula
from analysis.models.optimum import find_optimum
from analysis.models.satterthwaite import fixed_effect_tests

FORMULAS = [
    "y ~ x + (1|g)",
    "y ~ x*f + (x|g) + (1|h)",
    "y ~ x + (f|g) + (x||h) + (1|k)",
    "y ~ 0 + f + (0 + f|h) + (1|g:h)",
]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 70
    table = pd.DataFrame(
        {
            "g": rng.integers(0, 6, n),
            "h": rng.integers(0, 4, n),
            "k": rng.integers(0, 3, n),
            "x": rng.normal(5, 2, n),
            "f": rng.choice(["a", "b", "c"], n),
        }
    )
    return table.assign(y=rng.normal(10, 3, n) + table["x"] + rng.normal(0, 2, 6)[table["g"]])


def prepared(formula: str, data: pd.DataFrame, *, reml: bool) -> Criterion:
    parsed = parse_formula(formula)
    table = typed_table(parsed, data)
    design = reduce_design(
        fixed_effects(parsed.fixed, table)[0].matrix, random_effects(parsed.random, table)[0]
    )
    return Criterion(design, reduce_response(design, response_values(parsed, table)), reml=reml)


def dense_criterion(criterion: Criterion, theta: np.ndarray) -> float:
    """Return -2 log likelihood by its definition, with the covariance matrix of all observations."""
    design, y = criterion.design, criterion.response.values
    x = design.fixed @ design.triangle
    random = design.random.toarray()
    blocks = [
        np.kron(np.eye(factor.n_levels), root @ root.T)
        for factor, root in zip(design.factors, criterion.covariance_factors(theta), strict=True)
    ]
    start, relative = 0, np.eye(len(y))
    for block in blocks:
        columns = random[:, start : start + len(block)]
        relative += columns @ block @ columns.T
        start += len(block)
    inverse = np.linalg.inv(relative)
    beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
    residual = y - x @ beta
    sigma2 = residual @ inverse @ residual / criterion.degrees
    value = -2 * stats.multivariate_normal(x @ beta, sigma2 * relative).logpdf(y)
    if criterion.reml:
        p = x.shape[1]
        value += np.linalg.slogdet(x.T @ inverse @ x)[1] - p * np.log(2 * np.pi * sigma2)
    return float(value)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_criterion_equals_its_definition(formula: str, reml: bool, data: pd.DataFrame) -> None:
    criterion = prepared(formula, data, reml=reml)
    rng = np.random.default_rng(1)
    for scale in (0.0, 0.3, 2.0):
        theta = rng.normal(0, 1, criterion.n_parameters) * scale
        assert criterion.value(theta) == pytest.approx(dense_criterion(criterion, theta), abs=1e-8)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_gradient_equals_differences(formula: str, reml: bool, data: pd.DataFrame) -> None:
    criterion = prepared(formula, data, reml=reml)
    theta = np.random.default_rng(2).normal(0, 0.5, criterion.n_parameters)
    value, gradient = criterion.value_and_gradient(theta)
    steps = 1e-5 * np.eye(len(theta))
    differences = [(criterion.value(theta + step) - criterion.value(theta - step)) / 2e-5 for step in steps]
    assert value == pytest.approx(criterion.value(theta), abs=1e-10)
    np.testing.assert_allclose(gradient, differences, atol=1e-6 * np.abs(gradient).max())


def test_sign_of_a_column_does_not_matter(data: pd.DataFrame) -> None:
    criterion = prepared("y ~ x + (x|g) + (1|h)", data, reml=True)
    theta = np.array([0.5, 0.2, 0.4, 0.7])
    flipped = np.array([-0.5, -0.2, 0.4, -0.7])
    assert criterion.value(theta) == pytest.approx(criterion.value(flipped), abs=1e-10)


def test_value_that_cannot_be_computed_is_infinite(data: pd.DataFrame) -> None:
    criterion = prepared("y ~ x + (1|g)", data, reml=True)
    assert criterion.value(np.array([1e170])) == np.inf
    assert criterion.value_and_gradient(np.array([1e170]))[0] == np.inf


def test_optimum_is_lower_than_everything_around_it(data: pd.DataFrame) -> None:
    criterion = prepared("y ~ x + (x|g) + (1|h)", data, reml=True)
    optimum = find_optimum(criterion)
    assert optimum.certified
    rng = np.random.default_rng(3)
    for _ in range(100):
        assert criterion.value(optimum.theta + rng.normal(0, 0.1, 4)) >= optimum.value - 1e-9


def test_covariance_of_fixed_effects_has_the_right_derivatives(data: pd.DataFrame) -> None:
    criterion = prepared("y ~ x*f + (x|g) + (1|h)", data, reml=True)
    optimum = find_optimum(criterion)
    tests = fixed_effect_tests(criterion, optimum)

    def covariance(theta: np.ndarray, sigma: float) -> np.ndarray:
        design = criterion.design
        x = design.fixed @ design.triangle
        random, start, relative = design.random.toarray(), 0, np.eye(len(x))
        for factor, root in zip(design.factors, criterion.covariance_factors(theta), strict=True):
            size = factor.n_levels * factor.n_effects
            columns = random[:, start : start + size]
            relative += columns @ np.kron(np.eye(factor.n_levels), root @ root.T) @ columns.T
            start += size
        return (sigma * criterion.response.scale) ** 2 * np.linalg.inv(x.T @ np.linalg.solve(relative, x))

    sigma = criterion.sigma(criterion.solve(optimum.theta))
    np.testing.assert_allclose(tests.covariance, covariance(optimum.theta, sigma), rtol=1e-8)
    scale = np.abs(tests.derivatives).max()
    for position, step in enumerate(1e-5 * np.eye(len(optimum.theta))):
        ahead, behind = covariance(optimum.theta + step, sigma), covariance(optimum.theta - step, sigma)
        np.testing.assert_allclose(tests.derivatives[position], (ahead - behind) / 2e-5, atol=1e-7 * scale)
    ahead, behind = covariance(optimum.theta, sigma + 1e-5), covariance(optimum.theta, sigma - 1e-5)
    np.testing.assert_allclose(tests.derivatives[-1], (ahead - behind) / 2e-5, atol=1e-7 * scale)


def test_curvature_of_parameters_and_sigma_is_that_of_the_unprofiled_criterion(data: pd.DataFrame) -> None:
    criterion = prepared("y ~ x + (x|g) + (1|h)", data, reml=True)
    optimum = find_optimum(criterion)
    tests = fixed_effect_tests(criterion, optimum)
    sigma = criterion.sigma(criterion.solve(optimum.theta))

    def unprofiled(parameters: np.ndarray) -> float:
        solution = criterion.solve(parameters[:-1])
        diagonal = np.abs(np.diag(solution.triangle))
        value = solution.log_determinant + 2 * np.log(diagonal[:-1]).sum()
        variance = parameters[-1] ** 2
        return value + criterion.degrees * np.log(variance) + diagonal[-1] ** 2 / variance

    point, size = np.append(optimum.theta, sigma), 1e-3
    steps = size * np.eye(len(point))
    curvature = np.array(
        [
            [
                unprofiled(point + a + b)
                - unprofiled(point + a - b)
                - unprofiled(point - a + b)
                + unprofiled(point - a - b)
                for a in steps
            ]
            for b in steps
        ]
    ) / (4 * size**2)
    values, vectors = np.linalg.eigh(curvature)
    solid = values > 1e-4 * values.max()
    inverse = 2 * (vectors[:, solid] / values[solid]) @ vectors[:, solid].T
    np.testing.assert_allclose(tests.parameter_covariance, inverse, atol=2e-3 * np.abs(inverse).max())
