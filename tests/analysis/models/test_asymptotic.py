"""Posteriors of the asymptotic regression: truth, checks that fail where they must, agreement with brms."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.models.asymptotic import (
    NESTED,
    AsymptoticFit,
    AsymptoticPriors,
    fit_asymptotic,
    sample_posteriors,
)
from analysis.models.asymptotic_data import AsymptoticData, reduce_data
from analysis.models.asymptotic_judgement import SamplerDiagnostics, judge
from analysis.models.asymptotic_simulation import (
    AsymptoticTruth,
    draw_truth,
    mimicry_truth,
    simulate_asymptotic,
)

ROOT = Path(__file__).resolve().parents[3]
CELLS = (("x",), ("y",))
SIZES = {"placebo": 12, "drug": 12}
COLUMNS: dict = {
    "response": "log_emg",
    "time": "time",
    "subject": "subject",
    "drug": "drug",
    "within": ("cell",),
}
SETTINGS: dict = {"chains": 4, "warmup": 300, "draws": 300, "seed": 3, "progress": False}
PRIORS = AsymptoticPriors()


def two_cells() -> AsymptoticTruth:
    whole = mimicry_truth(asymptote_effect=0.5)
    return AsymptoticTruth(
        a=3 * whole.a[:2, :2],
        c=whole.c[:2, :2],
        sd_a=whole.sd_a[:2],
        sd_b=whole.sd_b[:2],
        sd_c=whole.sd_c[:2],
        cor_a=whole.cor_a[:2, :2],
        cor_b=whole.cor_b[:2, :2],
        cor_c=whole.cor_c[:2, :2],
        sigma=whole.sigma,
    )


def study() -> pd.DataFrame:
    """Data of the model, with some values missing."""
    rng = np.random.default_rng(12)
    data = simulate_asymptotic(two_cells(), group_sizes=SIZES, cells=CELLS, within=("cell",), rng=rng)
    return data.drop(index=[7, 8, 100])


def violations() -> dict[str, pd.DataFrame]:
    """The same data, each with one thing that the model does not know."""
    data, rng = study(), np.random.default_rng(5)
    curve = data.groupby(["subject", "cell"])["log_emg"]
    drift = rng.normal(0, 0.15, len(data))
    outlying = np.where(rng.random(len(data)) < 0.03, rng.normal(0, 0.6, len(data)), 0)
    of_subject = dict(zip(data["subject"].unique(), rng.standard_t(1.2, 24), strict=True))
    return {
        "curve_misfit": data.assign(log_emg=data["log_emg"] + 0.15 * (data["time"] == 3)),
        "neighbour_correlation": data.assign(
            log_emg=data["log_emg"]
            + pd.Series(drift, index=data.index).groupby([data["subject"], data["cell"]]).cumsum()
            * (curve.cumcount() > 0)
        ),
        "residual_kurtosis": data.assign(log_emg=data["log_emg"] + outlying),
        "unequal_spread": data.assign(
            log_emg=data["log_emg"] + (data["cell"] == "x") * rng.normal(0, 0.12, len(data))
        ),
        "start": data.assign(log_emg=data["log_emg"] + 0.15),
        "subject_kurtosis": data.assign(log_emg=data["log_emg"] + 0.3 * data["subject"].map(of_subject)),
    }


@pytest.fixture(scope="module")
def fits() -> dict[str, AsymptoticFit]:
    tables = {"good": study()} | violations()
    datasets = [reduce_data(table, **COLUMNS) for table in tables.values()]
    sampled = sample_posteriors(datasets, drug_on="both", priors=PRIORS, **SETTINGS)
    return dict(zip(tables, sampled, strict=True))


def test_truth_lies_within_the_posterior(fits: dict[str, AsymptoticFit]) -> None:
    fit, truth = fits["good"], two_cells()
    order = [list(SIZES).index(group) for group in fit.data.groups]
    for name, value in (
        ("a", truth.a[order]),
        ("c", truth.c[order]),
        ("sd_a", truth.sd_a),
        ("sd_b", truth.sd_b),
    ):
        draws = fit.posterior[name]
        distance = (draws.mean(axis=(0, 1)) - value) / draws.std(axis=(0, 1))
        assert np.abs(distance).max() < 3.5, name
    assert fit.posterior["sigma"].mean() == pytest.approx(truth.sigma, rel=0.2)
    assert fit.diagnostics.divergences == 0 and fit.diagnostics.max_rhat < 1.05


def test_chains_are_judged_in_words(fits: dict[str, AsymptoticFit]) -> None:
    fit = fits["good"]
    short = replace(fit.diagnostics, max_rhat=1.2, worst_rhat="sd_c[x]", min_ess_bulk=20.0, worst_ess="a[x]")
    bad = replace(
        fit, diagnostics=replace(short, divergences=3, tree_depth_hits=400, ebfmi=(0.9, 0.2, 1.0, 1.0))
    )
    words = " / ".join(bad.warnings)
    assert not bad.trustworthy
    for piece in (
        "3 of 1200 trajectories diverged",
        "R-hat of sd_c[x] is 1.200",
        "a[x]: 20",
        "E-BFMI",
        "length",
    ):
        assert piece in words
    one = SamplerDiagnostics(**{**vars(fit.diagnostics), "n_chains": 1})
    assert any("one chain" in line for line in judge(one))
    unknown = replace(fit.diagnostics, max_rhat=np.nan, min_ess_tail=np.nan, ebfmi=(np.nan,))
    assert len(judge(unknown)) >= 3, "what is not known is not trusted"


def test_table_of_parameters(fits: dict[str, AsymptoticFit]) -> None:
    fit = fits["good"]
    table = fit.summary()
    assert len(table) == 2 * 2 * 2 + 3 * 2 + 3 + 1
    draws = fit.posterior["a"][:, :, list(fit.data.groups).index("placebo"), 1]
    row = table.loc["a[placebo, y]"]
    assert row["mean"] == pytest.approx(draws.mean()) and row["q2_5"] == pytest.approx(
        np.quantile(draws, 0.025)
    )
    assert (table["q2_5"] < table["median"]).all() and (table["hdi_lower"] < table["hdi_upper"]).all()
    assert "cor_b[x, y]" in table.index and np.isfinite(table.to_numpy()).all()
    assert "a[placebo, y]" in str(fit) and "<AsymptoticFit" in repr(fit)


def test_differences_between_groups(fits: dict[str, AsymptoticFit]) -> None:
    fit = fits["good"]
    table = fit.drug_contrasts(reference="placebo")
    assert list(table["contrast"].unique()) == ["drug - placebo"]
    row = table[(table["parameter"] == "a") & (table["cell"] == "x")].iloc[0]
    groups = list(fit.data.groups)
    draws = (
        fit.posterior["a"][:, :, groups.index("drug"), 0]
        - fit.posterior["a"][:, :, groups.index("placebo"), 0]
    )
    assert row["mean"] == pytest.approx(draws.mean()) and row["prob_direction"] == pytest.approx(
        (draws > 0).mean()
    )
    assert row["q2_5"] > 0, "the drug halves an asymptote of -0.42"
    assert fit.drug_contrasts()["contrast"].unique().tolist() == ["placebo - drug"]
    with pytest.raises(ValueError, match="no group 'water'"):
        fit.drug_contrasts(reference="water")


def test_curves_of_population_and_subjects(fits: dict[str, AsymptoticFit]) -> None:
    fit = fits["good"]
    curves = fit.predict(np.array([1.0, 1e6]))
    assert curves.shape == (1200, 2, 2, 2)
    assert np.all(curves[..., 0] == 0)
    np.testing.assert_allclose(curves[..., 1], fit.draws("a"))
    table = fit.curves()
    assert len(table) == 2 * 2 * 5 and (table["lower"] <= table["upper"]).all()
    own = fit.subject_curves(max_draws=100)
    assert own.shape == (100, 24, 2, 5)
    residuals = fit.residuals()
    assert np.isnan(residuals).sum() == 3
    assert np.nanstd(residuals) == pytest.approx(two_cells().sigma, rel=0.3)
    np.testing.assert_array_equal(own, fit.subject_curves(max_draws=100))


def test_predictive_checks_pass_on_data_of_the_model(fits: dict[str, AsymptoticFit]) -> None:
    table = fits["good"].posterior_predictive()
    assert not table["conflict"].any(), table
    assert table["p"].between(0, 1).all()


@pytest.mark.parametrize("name", violations())
def test_predictive_check_fails_on_data_that_violate_the_model(
    fits: dict[str, AsymptoticFit], name: str
) -> None:
    table = fits[name].posterior_predictive()
    assert table.loc[name, "conflict"], table.drop(columns="question").to_string()


def test_prior_curves(fits: dict[str, AsymptoticFit]) -> None:
    drawn = fits["good"].prior_predictive(20_000, seed=1, times=np.array([1.0, 2.0, 1e9]))
    assert np.all(drawn.population[:, 0] == 0)
    assert drawn.population[:, 2].std() == pytest.approx(0.2, rel=0.03)
    assert drawn.subject[:, 0].std() == pytest.approx(0.1, rel=0.05)
    spread = np.sqrt(np.mean((drawn.value - drawn.subject) ** 2))
    assert spread == pytest.approx(0.5, rel=0.05)
    half = np.mean(np.abs(drawn.population[:, 1]) > 0.5 * np.abs(drawn.population[:, 2]))
    assert half == pytest.approx(stats.norm.sf(np.log(np.log(2)), -1, 1), abs=0.02)


def test_log_likelihoods_for_comparison(fits: dict[str, AsymptoticFit]) -> None:
    fit = fits["good"]
    of_subjects = fit.subject_log_likelihood(max_draws=40)
    assert of_subjects.shape == (4, 10, 24) and np.isfinite(of_subjects).all()
    of_values = fit.pointwise_log_likelihood(max_draws=40)
    assert of_values.shape == (4, 10, 24 * 2 * 5 - 3)


def test_arviz_data(fits: dict[str, AsymptoticFit]) -> None:
    pytest.importorskip("arviz_base")
    fit = fits["good"]
    tree = fit.to_arviz(log_likelihood="observation")
    assert tree["posterior"]["a"].dims == ("chain", "draw", "drug_a", "cell")
    chosen = tree["posterior"]["a"].sel(drug_a="drug", cell="y").to_numpy()
    np.testing.assert_array_equal(chosen, fit.posterior["a"][:, :, list(fit.data.groups).index("drug"), 1])
    assert int(tree["sample_stats"]["diverging"].sum()) == fit.diagnostics.divergences
    assert tree["log_likelihood"]["observation"].shape == (4, 300, 237)
    assert int(np.isnan(tree["observed_data"]["response"]).sum()) == 3
    assert tree.attrs["drug_on"] == "both"


@pytest.mark.slow
def test_same_seed_same_draws_from_the_data_frame(
    fits: dict[str, AsymptoticFit], capfd: pytest.CaptureFixture[str]
) -> None:
    """And the progress bar goes to stderr."""
    options = {**SETTINGS, "progress": True}
    again = fit_asymptotic(study(), **{key: COLUMNS[key] for key in COLUMNS}, **options)
    for name, draws in fits["good"].posterior.items():
        np.testing.assert_array_equal(again.posterior[name], draws, err_msg=name)
    assert "posterior, drug on both" in capfd.readouterr().err
    assert not np.array_equal(fits["start"].posterior["sigma"], again.posterior["sigma"])


def test_another_unit_is_noticed(fits: dict[str, AsymptoticFit]) -> None:
    fit = fits["good"]
    assert not any("set priors" in words for words in fit.warnings)
    percent = replace(fit, data=replace(fit.data, mean=100 * fit.data.mean))
    assert any("set priors" in words for words in percent.warnings)


@pytest.mark.slow
def test_one_chain_without_groups_with_the_printed_formula() -> None:
    options = {**SETTINGS, "chains": 1, "warmup": 50, "draws": 20, "formula": "printed"}
    fit = fit_asymptotic(study(), drug_on="none", drug=None, within=("cell",), **options)
    assert fit.coords["drug_a"] == ("all",) and fit.predict().shape == (20, 1, 2, 5)
    assert np.all(fit.predict(np.array([1.0])) != 0) and not fit.trustworthy
    with pytest.raises(ValueError, match="no groups to compare"):
        fit.drug_contrasts()


@pytest.mark.slow
def test_chains_that_hold_too_few_draws_go_on() -> None:
    """And what they had drawn by then stays as it was."""
    options = {**SETTINGS, "warmup": 60, "draws": 70, "drug_on": "none", "drug": None, "within": ("cell",)}
    longer = fit_asymptotic(study(), **options, max_draws=200)
    assert longer.diagnostics.n_draws == 200 and longer.posterior["sigma"].shape == (4, 200)
    short = fit_asymptotic(study(), **options)
    np.testing.assert_array_equal(longer.posterior["a"][:, :70], short.posterior["a"])
    with pytest.raises(ValueError, match="max_draws should be 70"):
        fit_asymptotic(study(), **options, max_draws=10)


def test_importing_the_module_does_not_load_jax() -> None:
    code = (
        "import sys, analysis.models.asymptotic; sys.exit('jax' in sys.modules or 'numpyro' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_failure_of_the_sampler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.models.asymptotic_sampler._write_task", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"stopped with status 1(.|\n)*task\.npz"):
        fit_asymptotic(study(), within=("cell",), seed=1, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("drug_on", NESTED)
def test_nested_models_share_what_the_drug_does_not_change(drug_on: str) -> None:
    fit = fit_asymptotic(study(), drug_on=drug_on, within=("cell",), **SETTINGS)  # type: ignore[arg-type]
    assert fit.posterior["a"].shape[2] == (2 if drug_on in ("both", "asymptote") else 1)
    assert fit.posterior["c"].shape[2] == (2 if drug_on in ("both", "rate") else 1)
    assert fit.draws("a").shape == fit.draws("c").shape == (1200, 2, 2)
    if drug_on == "none":
        with pytest.raises(ValueError, match="drug_on='none'"):
            fit.drug_contrasts()
    else:
        named = {"both": {"a", "c"}, "asymptote": {"a"}, "rate": {"c"}}[drug_on]
        assert set(fit.drug_contrasts()["parameter"]) == named


@pytest.mark.slow
def test_a_script_without_a_main_guard_after_loading_jax(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    study().to_csv(tmp_path / "study.csv", index=False)
    script.write_text(
        textwrap.dedent(
            """
            import jax.numpy as jnp
            jnp.ones(3).sum().block_until_ready()
            import pandas as pd
            from analysis.models.asymptotic import fit_asymptotic
            fit = fit_asymptotic(pd.read_csv("study.csv"), within=("cell",), warmup=50, draws=50, seed=1)
            print(fit.posterior["a"].dtype, fit.posterior["a"].shape)
            """
        ),
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[0] == "float64 (4, 50, 2, 2)"


@pytest.mark.slow
def test_trials_and_means_of_trials_have_the_same_posterior() -> None:
    rng = np.random.default_rng(2)
    data = simulate_asymptotic(
        two_cells(), group_sizes=SIZES, cells=CELLS, within=("cell",), n_trials=4, rng=rng
    ).sample(frac=0.8, random_state=2)
    keys = ["subject", "drug", "cell", "time"]
    means = data.groupby(keys)["log_emg"].agg(["mean", "count", "std"]).reset_index()
    means = means.rename(columns={"mean": "log_emg"})
    options = {**SETTINGS, "within": ("cell",), "warmup": 400, "draws": 500}
    of_trials = fit_asymptotic(data, **options).summary()
    of_means = fit_asymptotic(means, n_trials="count", within_sd="std", **{**options, "seed": 8}).summary()
    error = np.hypot(of_trials["mcse"], of_means["mcse"])
    assert (np.abs(of_trials["mean"] - of_means["mean"]) < 5 * error).all()


@pytest.mark.slow
def test_posterior_is_that_of_brms(shared: Path) -> None:
    """Means within 0.1 posterior SD beyond the reference's Monte-Carlo error, SDs within 10 %; efficiency."""
    data = pd.read_csv(shared / "reference" / "sim_asym_submeans.csv")
    fit = fit_asymptotic(data, seed=1, progress=False)
    assert fit.trustworthy, fit.warnings
    assert fit.diagnostics.divergences == 0 and fit.diagnostics.max_rhat < 1.01
    table = fit.summary()
    reference = pd.read_csv(shared / "reference" / "brms_full_asym_summary.csv").set_index("variable")
    reference.index = pd.Index([renamed(name) for name in reference.index])
    reference = reference.loc[table.index]
    apart = np.abs(table["mean"] - reference["mean"])
    assert apart.max() < 0.1
    error = 1 / np.sqrt(reference["ess_bulk"])
    assert (apart / reference["sd"] < 0.1 + 2 * error).all(), (apart / reference["sd"]).nlargest(5)
    assert (apart / reference["sd"])[reference["ess_bulk"] > 600].max() < 0.11
    ratio = table["sd"] / reference["sd"]
    assert ratio.between(0.9, 1.1).all(), ratio
    assert table["ess_bulk"].min() / fit.diagnostics.cpu_s > 30 * 0.29


def renamed(name: str) -> str:
    """The name of a parameter of the brms model here."""

    def cell(text: str) -> str:
        muscle, emotion = text.split(":")
        return f"{muscle.removeprefix('muscle')}:{emotion.removeprefix('emotion')}"

    if name.startswith("b_"):
        _, letter, rest = name.split("_", 2)
        drug, text = rest.split(":", 1)
        return f"{letter}[{drug.removeprefix('drug')}, {cell(text)}]"
    if name.startswith("sd_"):
        letter, text = name.removeprefix("sd_sub__").split("_", 1)
        return f"sd_{letter}[{cell(text)}]"
    if name.startswith("cor_"):
        letter, rest = name.removeprefix("cor_sub__").split("_", 1)
        pair = sorted(cell(text) for text in rest.replace(f"__{letter}_", " ").split(" "))
        return f"cor_{letter}[{pair[0]}, {pair[1]}]"
    return name


def ranks_of_truth(fitted_with: AsymptoticPriors, n: int) -> pd.DataFrame:
    """Rank of each true parameter among 63 draws of its posterior, for data drawn from the prior."""
    rng = np.random.default_rng(1)
    made_with = replace(PRIORS, sigma_sd=0.1)
    sizes = {"p": 6, "q": 6}
    truths = [draw_truth(made_with, n_groups_a=2, n_groups_c=2, n_cells=2, rng=rng) for _ in range(n)]
    datasets = [thinned(simulated(truth, sizes, rng), rng) for truth in truths]
    options = {**SETTINGS, "chains": 1, "warmup": 400, "draws": 630, "target_accept": 0.9}
    fits = sample_posteriors(datasets, drug_on="both", priors=fitted_with, **options)
    rows = []
    for fit, truth in zip(fits, truths, strict=True):
        row = {}
        for name in ("a", "c", "sd_a", "sd_b", "sd_c", "sigma"):
            draws, value = fit.posterior[name][0, ::10], np.asarray(getattr(truth, name))
            below = (draws < value).sum(axis=0)
            row |= {f"{name}{list(place)}": int(below[place]) for place in np.ndindex(value.shape)}
        for name in ("a", "b", "c"):
            truth_value = getattr(truth, f"cor_{name}")[0, 1]
            row[f"cor_{name}"] = int((fit.posterior[f"cor_{name}"][0, ::10, 0] < truth_value).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def simulated(truth: AsymptoticTruth, sizes: dict[str, int], rng: np.random.Generator) -> pd.DataFrame:
    return simulate_asymptotic(truth, group_sizes=sizes, cells=CELLS, within=("cell",), n_trials=2, rng=rng)


def thinned(data: pd.DataFrame, rng: np.random.Generator) -> AsymptoticData:
    """Unequal numbers of trials; every subject, cell and time stays somewhere."""
    kept = rng.random(len(data)) < 0.8
    kept |= (data["subject"].isin(["s001", "s007"])).to_numpy()
    return reduce_data(data[kept], **COLUMNS)


def uniformity(ranks: pd.DataFrame) -> pd.Series:
    """P values of chi-square tests of equal counts in 8 classes of ranks 0 to 63."""
    return ranks.apply(lambda column: stats.chisquare(np.bincount(column // 8, minlength=8)).pvalue)


@pytest.mark.slow
def test_simulation_based_calibration() -> None:
    """Talts et al. (2018), arXiv:1804.06788: ranks of the truth are uniform, and not with another prior."""
    right = uniformity(ranks_of_truth(replace(PRIORS, sigma_sd=0.1), 120))
    assert right.min() > 0.01 / len(right), right.sort_values().head()
    assert stats.kstest(right, "uniform").pvalue > 0.001
    narrow = replace(PRIORS, sigma_sd=0.1, effect_b_sd=0.02, c_mean=0.5)
    wrong = uniformity(ranks_of_truth(narrow, 120))
    assert wrong.filter(like="sd_b").max() < 1e-4 and wrong.filter(regex=r"^c\[").max() < 1e-3
