"""False-positive rates and coverage of everything that the report tests, by simulation.

Run ``python tests/paper/false_positives.py`` to print the tables of docs/statistics.md (some minutes), with
``--looks`` also those of small studies and of other random effects. The test beside it runs the same.

Studies are simulated as tables of windows (`hardware.simulated.windows`): participants differ in level and
slope, faces in level, windows of a trial share the trial's level, and 15 % of the trials are rejected. All
studies of one kind have the same layout, so that a model is set up once and fitted again to every study.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysis.behaviour.response_times import count_response_exclusions, select_response_times
from analysis.emg.exclusions import compare_exclusions
from analysis.mimicry.emotion_contrasts import holm
from analysis.mimicry.guesses import judge_guesses
from analysis.mimicry.mimicry_contrasts import comparisons, group_differences
from analysis.mimicry.model_plan import plan_emg_model, plan_response_model
from analysis.mimicry.parameters import recommended
from analysis.mimicry.sample import describe_sample
from analysis.models.equivalence import equivalence_tests
from analysis.models.mixed import MixedFit, fit_mixed
from analysis.models.trends import mean_contrasts, slope_contrasts
from experiments.mimicry.simulated.people import mood_answers, session_answers
from experiments.mimicry.simulated.study import DRUGS
from hardware.simulated import effects as known
from hardware.simulated.effects import MUSCLES, MimicryEffects
from hardware.simulated.windows import simulate_response_times, simulate_windows

ALPHA = 0.05
DIRECTIONS = ("AngryToHappy", "HappyToAngry")
GROUPS = ("A", "B", "C")
MIDDLE = 3.0
"""The middle window, where time is zero in the recommended preset."""
WIDE = 8.0
"""Bounds of equivalence, in standard errors, that are wide enough for the test to be exact."""


class Tally:
    """Counts how often something happened, by name."""

    def __init__(self) -> None:
        self._happened: dict[tuple[str, str], list[np.ndarray]] = {}

    def add(self, group: str, name: str, happened: object) -> None:
        """Count one study, or several in an array; NaN (no test was possible) does not count."""
        self._happened.setdefault((group, name), []).append(np.atleast_1d(np.asarray(happened, dtype=float)))

    def table(self) -> pd.DataFrame:
        """Return `what test n percent se`, the last two in percent."""
        rows = []
        for (group, name), parts in self._happened.items():
            known = np.concatenate(parts)
            known = known[~np.isnan(known)]
            n, share = len(known), float(known.mean()) if len(known) else np.nan
            rows.append((group, name, n, 100 * share, 100 * np.sqrt(share * (1 - share) / max(n, 1))))
        return pd.DataFrame(rows, columns=["what", "test", "n", "percent", "se"])


def significant(p: object) -> np.ndarray:
    """Say which p values are below 5 %, NaN where there is none."""
    values = np.atleast_1d(np.asarray(p, dtype=float))
    return np.where(np.isnan(values), np.nan, values < ALPHA)


@dataclass(frozen=True)
class Layout:
    """What all simulated studies of one kind have in common."""

    n_participants: int
    table: pd.DataFrame
    """The rows of one muscle, in their common order, without a response."""
    kept: np.ndarray
    """(n_rows of a full muscle,) whether a row is kept; rejected trials are the same in all studies."""

    @classmethod
    def make(cls, n_participants: int, *, rejected: float = 0.15, seed: int = 1) -> Layout:
        """Lay out studies with equally large groups."""
        if n_participants % len(GROUPS):
            raise ValueError("the groups should be equally large")
        full = _ordered(
            simulate_windows(known.none(), n_participants=n_participants, rejected=0, rng=_rng(seed))
        )
        rows = full[full["muscle"] == MUSCLES[0]].reset_index(drop=True)
        n_trials = len(rows) // 5
        kept = np.repeat(_rng(seed + 1).random(n_trials) >= rejected, 5)
        return cls(
            n_participants, rows.loc[kept].drop(columns=["emg", "muscle"]).reset_index(drop=True), kept
        )

    def responses(self, effects: MimicryEffects, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Simulate a study with faces of its own; return each muscle's response in the order of the rows."""
        effects = _other_faces(effects, rng)
        study = _ordered(simulate_windows(effects, n_participants=self.n_participants, rejected=0, rng=rng))
        values = study["emg"].to_numpy().reshape(len(MUSCLES), -1)
        return {muscle: row[self.kept] for muscle, row in zip(MUSCLES, values, strict=True)}

    def fit(self, response: np.ndarray, *, formula: str | None = None) -> MixedFit:
        """Set up the report's model, or another."""
        plan = plan_emg_model(
            self.table.assign(emg=response), time_origin_window=MIDDLE, window_s=1.0, contrasts="sum"
        )
        return fit_mixed(formula or plan.formula, plan.data)


def _ordered(study: pd.DataFrame) -> pd.DataFrame:
    """Sort so that studies with the same cells have the same rows, and name participants by their place."""
    keys = ["muscle", "group", "participant", "emotion", "face", "trial", "window"]
    study = study.sort_values(keys, ignore_index=True)
    places = study.groupby(["muscle", "group"])["participant"].transform(lambda who: pd.factorize(who)[0])
    return study.assign(participant=study["group"] + places.astype(str).str.zfill(3))


def _other_faces(effects: MimicryEffects, rng: np.random.Generator) -> MimicryEffects:
    return dataclasses.replace(effects, seed=int(rng.integers(2**31)))


def _rng(*seeds: int) -> np.random.Generator:
    return np.random.default_rng(list(seeds))


@dataclass(frozen=True)
class Questions:
    """Everything that the report asks a muscle's model, as contrasts that are set up once."""

    names: list[str]
    """(n_contrasts,) what is tested; contrasts of the same name belong together."""
    weights: np.ndarray
    terms: dict[str, np.ndarray]
    """F tests: name -> contrasts."""
    group_rows: np.ndarray
    """Which contrasts are differences of mimicry between two groups."""

    @classmethod
    def of(cls, fit: MixedFit, muscle: str) -> Questions:
        """Collect the questions of the report."""
        fixed = fit._model.fixed
        cells = {
            "slope, per emotion": slope_contrasts(fixed, "time", ["emotion"], {})[1],
            "slope, per emotion and group": slope_contrasts(fixed, "time", ["emotion", "group"], {})[1],
            "mean, per emotion": mean_contrasts(fixed, ["emotion"], {"time": [0.0]})[1],
            "mean, per emotion and group": mean_contrasts(fixed, ["emotion", "group"], {"time": [0.0]})[1],
        }
        slopes, by_group = cells["slope, per emotion"], cells["slope, per emotion and group"]
        means = cells["mean, per emotion"]
        cells["difference of means between emotions"] = means[:1] - means[1:]
        cells["mimicry (difference of slopes)"] = slopes[:1] - slopes[1:]
        cells["mimicry, per group"] = by_group[:3] - by_group[3:]
        pairs = comparisons(DIRECTIONS, muscle=muscle, has_time=True)
        cells["difference of mimicry between two groups"] = group_differences(fit, pairs, middle_s=0.0)[
            1
        ].to_numpy()
        names = [name for name, rows in cells.items() for _ in rows]
        return cls(
            names,
            np.vstack(list(cells.values())),
            _terms(fixed.hypotheses),
            np.array([name == "difference of mimicry between two groups" for name in names]),
        )


def _terms(hypotheses: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the F tests with time centred, and of main effects with time zero before the first window."""
    terms = {f"term {name}": rows for name, rows in hypotheses.items()}
    for name, rows in hypotheses.items():
        moderated = hypotheses.get(f"{name}:time")
        if moderated is not None:
            terms[f"term {name}, time from 1"] = rows - MIDDLE * moderated
    return terms


def emg_rates(n_studies: int, *, n_participants: int = 30, seed: int = 1) -> pd.DataFrame:
    """Return false-positive rates of all tests of the muscles' models, in studies without any effect."""
    layout, tally = Layout.make(n_participants), Tally()
    for muscle, fit, questions in _fits(layout, known.none(), n_studies, seed):
        tests = fit.contrasts(questions.weights)
        for name, p in zip(questions.names, tests["p"], strict=True):
            tally.add(muscle, name, significant(p))
        for name, rows in questions.terms.items():
            tally.add(muscle, name, significant(fit._tests.f_test(rows)[3]))
        pairs = tests[questions.group_rows]
        tally.add(
            muscle, "any pair of groups, corrected (Holm)", significant(holm(pairs["p"].to_numpy())).any()
        )
        _add_equivalence(tally, muscle, pairs)
        tally.add(muscle, "fit not certified", not fit.converged)
        tally.add(muscle, "fit singular", fit.singular)
    return tally.table()


def _add_equivalence(tally: Tally, muscle: str, pairs: pd.DataFrame) -> None:
    """Test for equivalence where the true difference is the bound itself.

    What is added to a response is added to the estimate, and changes nothing else.
    """
    wide = WIDE * pairs["se"].mean()
    bounds = {"default bound": recommended().equivalence_log_per_s, "wide bound": wide}
    for name, bound in bounds.items():
        at_bound = pairs.assign(estimate=pairs["estimate"] + bound)
        p = equivalence_tests(at_bound, lower=-bound, upper=bound)["p_equivalence"]
        tally.add(muscle, f"equivalence of two groups that differ by the {name}", significant(p))


def emg_coverage(n_studies: int, *, n_participants: int = 30, seed: int = 2) -> pd.DataFrame:
    """Return how often the 95 % intervals of the muscles' models hold the truth, in studies with mimicry."""
    layout, tally, effects = Layout.make(n_participants), Tally(), known.paper()
    truth = {muscle: _truth(layout, effects, muscle) for muscle in MUSCLES}
    for muscle, fit, questions in _fits(layout, effects, n_studies, seed):
        tests = fit.contrasts(questions.weights)
        reach = stats.t.ppf(0.975, tests["df"]) * tests["se"]
        covered = (tests["estimate"] - questions.weights @ truth[muscle]).abs() < reach
        for name, inside in zip(questions.names, covered, strict=True):
            tally.add(muscle, name, inside)
    return tally.table()


def _truth(layout: Layout, effects: MimicryEffects, muscle: str) -> np.ndarray:
    """Return the coefficients that the expected values have: a straight line through a saturating curve."""
    unit = known.unit_window_means(effects)
    expected = np.zeros(len(layout.table))
    for direction in DIRECTIONS:
        curve = known.asymptote(effects, muscle, direction) * unit
        rows = (layout.table["emotion"] == direction).to_numpy()
        expected[rows] = curve[layout.table.loc[rows, "window"].to_numpy() - 1]
    fixed = layout.fit(_rng(1).normal(size=len(expected)))._model.fixed.matrix
    return np.linalg.lstsq(fixed, expected, rcond=None)[0]


def _fits(
    layout: Layout, effects: MimicryEffects, n_studies: int, seed: int
) -> Iterator[tuple[str, MixedFit, Questions]]:
    """Simulate studies and fit both muscles of each."""
    first = layout.responses(effects, _rng(seed))
    models = {muscle: layout.fit(first[muscle]) for muscle in MUSCLES}
    questions = {muscle: Questions.of(models[muscle], muscle) for muscle in MUSCLES}
    for study in tqdm(range(n_studies), desc=f"{layout.n_participants} participants", leave=False):
        responses = layout.responses(effects, _rng(seed, study))
        for muscle in MUSCLES:
            yield muscle, models[muscle].refit(responses[muscle]), questions[muscle]


def follow_up_rates(n_studies: int, *, n_participants: int = 30, seed: int = 3) -> pd.DataFrame:
    """Return false-positive rates of the follow-up model in one direction only."""
    layout, tally = Layout.make(n_participants), Tally()
    rows = (layout.table["emotion"] == DIRECTIONS[0]).to_numpy()
    data = layout.table[rows].assign(
        time=layout.table["window"] - MIDDLE, emg=_rng(1).normal(size=rows.sum())
    )
    model = fit_mixed("emg ~ group*time + (time|participant) + (1|face)", data)
    for study in tqdm(range(n_studies), desc="one direction", leave=False):
        response = layout.responses(known.none(), _rng(seed, study))["zygomaticus"][rows]
        for term, p in model.refit(response).anova()["p"].items():
            tally.add("zygomaticus, one direction", f"term {term}", significant(p))
    return tally.table()


def exclusion_rates(n_studies: int, *, n_participants: int = 30, seed: int = 4) -> pd.DataFrame:
    """Return false-positive rates of the analyses of variance of excluded EMG trials."""
    tally, rng = Tally(), _rng(seed)
    for _ in range(n_studies):
        rates = rng.beta(15, 85, (n_participants, len(MUSCLES)))
        counts = pd.DataFrame(
            {
                "participant": np.repeat(np.arange(n_participants), len(MUSCLES)).astype(str),
                "group": np.repeat(np.resize(GROUPS, n_participants), len(MUSCLES)),
                "muscle": np.tile(MUSCLES, n_participants),
                "n_excluded": rng.binomial(96, rates).ravel(),
            }
        )
        for row in compare_exclusions(counts).itertuples():
            tally.add("excluded trials", f"ANOVA, {row.muscle}", significant(row.p))
    return tally.table()


def response_time_rates(n_studies: int, *, n_participants: int = 30, seed: int = 5) -> pd.DataFrame:
    """Return false-positive rates of the response-time model and of the test of its excluded trials.

    People, and faces, differ in how the two directions compare. Where nobody differs at all, the variances
    are estimated above their true value of zero, and the test of emotion finds too little; see `looks`.
    """
    tally = Tally()
    for study in tqdm(range(n_studies), desc="response times", leave=False):
        behaviour = _behaviour(_rng(seed, study), n_participants, person_sd_s=0.10, face_sd_s=0.06)
        _add_response_times(tally, behaviour)
    return tally.table()


def _behaviour(
    rng: np.random.Generator, n_participants: int, *, person_sd_s: float, face_sd_s: float
) -> pd.DataFrame:
    """Simulate a study's responses; people and faces differ in each direction by so much."""
    raw = simulate_response_times(
        _other_faces(known.none(), rng), n_participants=n_participants, n_trials_per_cell=2, rng=rng
    )
    way = pd.factorize(raw["emotion"], sort=True)[0]
    later_s = np.zeros(len(raw))
    for column, sd_s in (("participant", person_sd_s), ("face", face_sd_s)):
        who = pd.factorize(raw[column])[0]
        later_s += rng.normal(0, sd_s, (who.max() + 1, 2))[who, way]
    return raw.rename(columns={"emotion": "direction"}).assign(
        response_time=raw["response_time"] + later_s,
        outcome=np.where(raw["response_count"] == 1, "correct", "other"),
    )


def _add_response_times(tally: Tally, behaviour: pd.DataFrame) -> None:
    limits = recommended()
    times = select_response_times(
        behaviour, n_sd=limits.response_outlier_sd, outcomes=limits.response_outcomes
    )
    plan = plan_response_model(times.kept, contrasts="sum")
    fit = fit_mixed(plan.formula, plan.data)
    for term, p in fit.anova()["p"].items():
        tally.add("response times", f"term {term}", significant(p))
    counts = count_response_exclusions(times).assign(muscle="response time")
    tally.add(
        "response times", "ANOVA of excluded trials", significant(compare_exclusions(counts)["p"].iloc[0])
    )
    tally.add("response times", "fit singular", fit.singular)


def sample_rates(n_studies: int, *, n_participants: int = 132, seed: int = 6) -> pd.DataFrame:
    """Return false-positive rates of Table 1 and of the tests of guesses, nobody knowing anything."""
    tally = Tally()
    for study in tqdm(range(n_studies), desc="Table 1", leave=False):
        rng = _rng(seed, study)
        people, phenotype = _people(rng, n_participants)
        measured = people.loc[rng.random(n_participants) < 0.9, "participant"]
        table = describe_sample(people, measured=list(measured), phenotype=phenotype)
        for row in table[table["test"].notna()].itertuples():
            marked = " (where marked as doubtful)" if row.doubtful is True else ""
            tally.add("Table 1", str(row.characteristic).split(":")[0] + marked, significant(row.p))
        simple = people.assign(group=rng.choice(DRUGS, n_participants))
        p = describe_sample(simple, measured=[])["p"].iloc[0]
        tally.add("Table 1", "N, without blocks in the allocation", significant(p))
        guesses = judge_guesses(people, phenotype)
        tally.add("guesses", "groups by answers", significant(guesses.by_group["p"].iloc[0]))
        tally.add("guesses", "a group against the others", significant(guesses.per_group["p_others"]))
        uniform = {"session": phenotype["session"].assign(guess=rng.choice(DRUGS, n_participants))}
        random = judge_guesses(people, uniform).per_group
        tally.add(
            "guesses", "a group against chance (exact), guesses random", significant(random["p_chance"])
        )
        tally.add("coverage", "Bang's index, guesses random", (random["lower"] < 0) & (random["upper"] > 0))
    return tally.table()


def _people(rng: np.random.Generator, n: int) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    who = [f"{number:03d}" for number in range(n)]
    sex = rng.choice(["F", "M"], n, p=[0.67, 0.33])
    people = pd.DataFrame({"participant": who, "group": rng.permutation(np.resize(DRUGS, n)), "sex": sex})
    people["age"] = np.clip(np.round(rng.normal(23.2, 3.55, n)), 18, 35)
    session = pd.DataFrame([session_answers(rng, sex=each, drugs=DRUGS) for each in sex])
    panas = pd.DataFrame([mood_answers(rng) for _ in who])
    return people, {
        name: table.assign(participant=who) for name, table in (("session", session), ("panas", panas))
    }


def looks(n_studies: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Look at small studies, at random effects other than the report's, and at faces that differ more."""
    for n_participants in (12, 6):
        yield f"{n_participants} participants", emg_rates(n_studies, n_participants=n_participants, seed=7)
    layout = Layout.make(30)
    plain = "emg ~ emotion*group*time + {} + (1|face)"
    yield (
        "30 participants, without random slopes",
        _term_rates(layout, n_studies, plain.format("(1|participant)")),
    )
    yield (
        "30 participants, the windows of a trial as (1|participant:trial)",
        _term_rates(
            layout, n_studies // 8, plain.format("(emotion*time|participant) + (1|participant:trial)")
        ),
    )
    yield (
        "30 participants, faces that are mimicked differently (SD 0.005 per s)",
        _term_rates(layout, n_studies, plain.format("(emotion*time|participant)"), face_slope_sd=0.005),
    )
    tally = Tally()
    for study in tqdm(range(n_studies), desc="response times", leave=False):
        behaviour = _behaviour(_rng(8, study), 30, person_sd_s=0.0, face_sd_s=0.0)
        _add_response_times(tally, behaviour)
    yield "Response times, nobody differs between the directions", tally.table()


def _term_rates(
    layout: Layout, n_studies: int, formula: str, *, face_slope_sd: float = 0.0, seed: int = 9
) -> pd.DataFrame:
    """Return the rates of the terms of another model, or with faces whose emotions differ in slope."""
    tally, none = Tally(), known.none()
    faces = pd.factorize(layout.table["face"], sort=True)[0]
    ways = pd.factorize(layout.table["emotion"], sort=True)[0]
    time = layout.table["window"].to_numpy() - MIDDLE
    first = layout.responses(none, _rng(seed))
    model = layout.fit(first["zygomaticus"], formula=formula)
    terms = _terms(model._model.fixed.hypotheses)
    for study in tqdm(range(n_studies), desc=formula, leave=False):
        rng = _rng(seed, study)
        response = layout.responses(none, rng)["zygomaticus"]
        response = response + rng.normal(0, face_slope_sd, (12, 2))[faces, ways] * time
        fit = model.refit(response)
        for term, rows in terms.items():
            tally.add("zygomaticus", term, significant(fit._tests.f_test(rows)[3]))
    return tally.table()


def markdown(table: pd.DataFrame) -> str:
    """Write a table for the documentation."""
    lines = ["| what | test | studies × tests | % | ± |", "|---|---|---|---|---|"]
    for row in table.itertuples():
        lines.append(f"| {row.what} | {row.test} | {row.n} | {row.percent:.1f} | {row.se:.1f} |")
    return "\n".join(lines)


STEPS: dict[str, Callable[[int], pd.DataFrame]] = {
    "Tests of the muscles' models": emg_rates,
    "Follow-up in one direction": follow_up_rates,
    "Excluded trials": exclusion_rates,
    "Response times": response_time_rates,
    "Table 1 and guesses": sample_rates,
    "Coverage of 95 % intervals": emg_coverage,
}


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--studies", type=int, default=1200, help="simulated studies per table")
    parser.add_argument("--looks", action="store_true", help="also small studies and other random effects")
    parser.add_argument("--only", choices=list(STEPS), help="one table")
    chosen = parser.parse_args()
    for title, rates in STEPS.items():
        if chosen.only in (None, title):
            print(f"\n### {title}\n\n{markdown(rates(chosen.studies))}", flush=True)
    if chosen.looks:
        for title, table in looks(chosen.studies // 3):
            print(f"\n### {title}\n\n{markdown(table)}", flush=True)


if __name__ == "__main__":
    main()
