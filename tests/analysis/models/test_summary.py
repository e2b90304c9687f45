"""The printed summary has what lmerTest's has, where its readers look for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.models.mixed import fit_mixed


def test_summary_of_sleepstudy_reads_like_that_of_lmertest(shared: Path) -> None:
    data = pd.read_csv(shared / "reference" / "sleepstudy.csv")
    text = str(fit_mixed("Reaction ~ Days + (Days|Subject)", data))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for expected in (  # as summary(lmer(Reaction ~ Days + (Days | Subject), sleepstudy)) prints them
        "Linear mixed model fit by REML; t and F tests use Satterthwaite's degrees of freedom",
        "REML criterion at convergence: 1743.6283",
        "Min 1Q Median 3Q Max",
        "-3.9536 -0.4634 0.0231 0.4634 5.1793",
        "Groups Name Variance Std.Dev. Corr",
        "Subject (Intercept) 612.1 24.74",
        "Days 35.07 5.922 0.07",
        "Residual 654.9 25.59",
        "Number of obs: 180, groups: Subject, 18",
        "Estimate Std. Error df t value Pr(>|t|)",
        "(Intercept) 251.41 6.825 17.00 36.838 < .0001",
        "Days 10.467 1.546 17.00 6.771 < .0001",
        "NumDF DenDF F value Pr(>F)",
        "Days 1 17.00 45.8530 < .0001",
    ):
        assert expected in lines, text


def test_summary_tells_what_is_unusual() -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(6), 8), "x": np.tile(np.arange(8.0), 6)})
    data["y"] = data["x"] + rng.normal(size=48)
    data.loc[0, "y"] = np.nan
    fit = fit_mixed(
        "y ~ x + (1|g)", data, reml=False, weights=np.linspace(1, 3, 48), offset=np.arange(48) / 9
    )
    text = fit.summary(ddf="satterthwaite")
    assert "fit by maximum likelihood" in text
    assert "Weights: 1.043 to 3 " in text
    assert "Offset: 0.1111 to 5.222" in text
    assert "Number of obs: 47 (1 left out)" in text
    assert "Warnings:\n- 1 of 48 rows left out" in text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_summary_with_kenward_roger(shared: Path) -> None:
    data = pd.read_csv(shared / "reference" / "sleepstudy.csv")
    text = fit_mixed("Reaction ~ Days + (Days|Subject)", data).summary(ddf="kenward-roger")
    assert "Kenward-Roger's" in text and "Satterthwaite" not in text
