"""The report's part on whether the mixed models suit the data."""

from __future__ import annotations

from scipy import stats

from analysis.mimicry.figures import muscle_name
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.study import MimicryResults
from analysis.models.mixed import MixedFit
from analysis.report import Report
from analysis.report.model_diagnostics import draw_random_effects, draw_residuals

DOTS_PER_INCH = 150


def add_diagnostics(report: Report, results: MimicryResults) -> None:
    """Add residuals and random effects of every fitted model."""
    models = {muscle_name(model.name): model for model in results.models.values()}
    if "s" in results.time_models:
        models["Response times"] = results.time_models["s"]
    fitted = {title: model for title, model in models.items() if model.fit is not None}
    if not fitted:
        return
    report.section("Do the mixed models suit the data?")
    report.paragraph(
        "What to look at: red lines should be level, and points should follow the straight line inside the "
        "grey band. Tails that are heavier than a normal distribution's are usual in EMG; with many trials "
        "per participant they matter little for the tests, which rest on the participants. A participant "
        "far away from all others matters more: look at the recording."
    )
    for title, model in fitted.items():
        _add_model(report, title, model)


def _add_model(report: Report, title: str, model: ModelResult) -> None:
    fit = model.fit
    if fit is None:
        return
    report.figure(
        f"residuals_{model.name}",
        draw_residuals(fit),
        f"{title}: residuals of the mixed model, in units of their standard deviation. A, against the fitted "
        f"values; B, their quantiles against those of a normal distribution; C, their spread. {_shape(fit)}",
        dots_per_inch=DOTS_PER_INCH,
    )
    report.figure(
        f"random_effects_{model.name}",
        draw_random_effects(fit, ["participant"]),
        f"{title}: the participants' effects in the mixed model with 95 % intervals, in order, and their "
        "quantiles against those of a normal distribution.",
        dots_per_inch=DOTS_PER_INCH,
    )


def _shape(fit: MixedFit) -> str:
    residuals = fit.residuals()
    skewness, kurtosis = float(stats.skew(residuals)), float(stats.kurtosis(residuals))
    text = f"Skewness {skewness:.2f}, excess kurtosis {kurtosis:.2f} (both 0 for a normal distribution)."
    return text.replace("-", "−")
