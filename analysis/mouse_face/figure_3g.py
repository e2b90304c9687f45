"""Figure 3G: how the face changes under light, beside animals that light cannot drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.faces.comparisons import with_adjusted
from analysis.models.nonparametric import mann_whitney
from analysis.models.small_samples import two_samples
from analysis.mouse_face.colours import INK, event_colours
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.light import LightFractions, light_fractions
from analysis.mouse_face.marks import mark_onset
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import mice, number_words, p_words
from analysis.mouse_face.scoring import similarity
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.time_course import BinnedTraces, bin_frames, limits_to_next, responses, tested
from analysis.mouse_face.words import bracketed, plural, said_interval
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, SINGLE_COLUMN_MM, new_figure, report_style

NAME, TITLE = "3G", "How does the face change under light?"
SUGGESTED = "suggested"
"""Stands for the prototype that the classifier suggests."""
CONTROL_COLOUR = "#6B7178"
_AXIS = {"change": "Change of similarity (r)", "z": "Similarity (z)"}


@dataclass(frozen=True, eq=False, kw_only=True)
class LightTraces:
    """Traces around light."""

    light: LightFractions
    traces: BinnedTraces
    """Of every trial with every prototype of its animal."""
    about: pd.DataFrame
    """``site`` and ``group`` of each row of the traces."""
    suggested: dict[str, str]
    """Site -> event that the classifier suggests."""
    tests: pd.DataFrame
    """One row per site and prototype, see `compare_traces`."""


def panel_3g(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show similarity to the prototype that the classifier suggests, around light (Fig. 3G).

    Recommended: change of the correlation, means of animals, test against animals that light cannot drive,
    each animal with the prototype that the others suggest. Paper: z scores of trials, standard error.
    """
    light = light_fractions(data, parameters)
    if isinstance(light, Missing):
        return missing_panel(NAME, TITLE, light.reason)
    found = light_traces(data, light, parameters)
    if isinstance(found, Missing):
        return missing_panel(NAME, TITLE, found.reason)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_light_traces(found, parameters, data.emotions),
        caption=_caption(found, parameters, data.emotions),
        tables=(_test_table(found, parameters), _trace_table(found, parameters)),
        claims=_claims(found, parameters),
        sentences=_sentences(found, parameters, data.emotions),
        warnings=_warnings(found, parameters),
    )


def light_traces(
    data: FaceData, light: LightFractions, parameters: MouseFaceParameters
) -> LightTraces | Missing:
    """Compare the frames around light with the prototypes of their animal."""
    frames, similar = similarity(
        data,
        light.trials,
        parameters,
        before_s=max(parameters.trace_before_s, parameters.baseline_s),
        after_s=parameters.trace_after_s,
    )
    if not similar.shape[1]:
        return Missing(
            "the animals under light have no events of their own to make prototypes of: give them the events "
            "without light too, in the same session or another"
        )
    long = frames[["animal", "trial", "label", "since_s"]].join(similar)
    long = long.melt(["animal", "trial", "label", "since_s"], var_name="prototype", value_name="r")
    traces = bin_frames(
        long.dropna(subset="r"), limits_to_next(data.trials, parameters.baseline_s), parameters
    )
    if not len(traces.trials):
        return Missing("no trial of light has valid frames both before and after its onset")
    about = traces.trials.merge(light.trials[["animal", "trial", "site", "group"]], on=["animal", "trial"])
    first = parameters.light_groups[0]
    known = set(traces.trials["prototype"])
    suggested = {site: event for site in light.sites if (event := light.suggested(site, first)) in known}
    table = responses(traces, early_s=parameters.early_s).assign(site=about["site"], group=about["group"])
    places = table[["site", "animal"]].drop_duplicates().itertuples(index=False)
    by_others = {
        (str(site), str(animal)): light.suggested(str(site), first, without=str(animal))
        if parameters.unit == "animals"
        else suggested[str(site)]
        for site, animal in places
        if str(site) in suggested
    }
    tests = compare_traces(table, by_others, parameters)
    return LightTraces(
        light=light, traces=traces, about=about[["site", "group"]], suggested=suggested, tests=tests
    )


def compare_traces(
    table: pd.DataFrame, suggested: dict[tuple[str, str], str], parameters: MouseFaceParameters
) -> pd.DataFrame:
    """Compare driven animals with controls, for each site, with each prototype and the suggested one.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `time_course.responses`, with ``site`` and ``group``.
    suggested : dict
        Site and animal -> prototype that the classifier suggests. It must not have looked at the animal's own
        trials, or it would suggest what these happen to be like.
    parameters : MouseFaceParameters
        Groups, unit and adjustment.

    Returns
    -------
    pandas.DataFrame
        ``site prototype against n n_control estimate lower upper p p_adjusted``: a row for ``suggested``, and
        one for each prototype, whose p values are adjusted over the prototypes of a site (animals as unit).
    """
    parts = []
    for site, own in table.dropna(subset="response").groupby("site", sort=False):
        chosen = [suggested.get((str(site), str(animal))) for animal in own["animal"]]
        first = own[own["prototype"].to_numpy() == np.array(chosen, object)]
        rows = [
            {"site": site, "prototype": prototype, **_compared(part, parameters)}
            for prototype, part in own.groupby("prototype")
        ]
        part = pd.DataFrame(rows)
        part["p_adjusted"] = part["p"]
        if parameters.unit == "animals" and part["p"].notna().all():
            part = with_adjusted(part, parameters.adjust)
        if len(first):
            row = _compared(first, parameters)
            parts.append(
                pd.DataFrame([{"site": site, "prototype": SUGGESTED, **row, "p_adjusted": row["p"]}])
            )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _compared(part: pd.DataFrame, parameters: MouseFaceParameters) -> dict[str, Any]:
    first, second = parameters.light_groups
    nothing = dict.fromkeys(("lower", "upper", "t", "df", "p"), np.nan)
    if parameters.unit == "trials":
        values = [part.loc[part["group"] == name, "response"].to_numpy(float) for name in (first, second)]
        if min(map(len, values)) < 1:
            return {**nothing, "against": "nothing", "n": len(values[0]), "n_control": len(values[1]),
                    "estimate": float(values[0].mean()) if len(values[0]) else np.nan}  # fmt: skip
        found = mann_whitney(*values)
        return {**nothing, "against": "control", "n": len(values[0]), "n_control": len(values[1]),
                "estimate": float(values[0].mean() - values[1].mean()), "p": found["p"]}  # fmt: skip
    means = part.groupby(["group", "animal"])["response"].mean()
    groups = means.index.get_level_values("group")
    values = [means[groups == name].to_numpy(float) for name in (first, second)]
    if min(map(len, values)) >= 2:
        welch = two_samples(*values, level=parameters.level)
        about = {name: welch[name] for name in ("estimate", "lower", "upper", "t", "df", "p")}
        return {**about, "against": "control", "n": len(values[0]), "n_control": len(values[1])}
    alone = tested(values[0], level=parameters.level)
    about = {name: alone[name] for name in ("estimate", "lower", "upper", "t", "df", "p")}
    return {**about, "against": "rest", "n": len(values[0]), "n_control": len(values[1])}


def draw_light_traces(found: LightTraces, parameters: MouseFaceParameters, names: EmotionNames) -> Figure:
    """Draw the mean trace of driven animals and of controls, one panel per site."""
    sites = found.light.sites
    colours = event_colours(sorted(set(found.suggested.values())))
    width = FULL_WIDTH_MM if len(sites) > 1 else SINGLE_COLUMN_MM
    with report_style():
        figure = new_figure(width_mm=width, height_mm=62.0)
        panels = figure.subplots(1, len(sites), sharex=True, sharey=True, squeeze=False)[0]
        for panel, site in zip(panels, sites, strict=True):
            event = found.suggested.get(site)
            _draw_site(panel, found, site, event, parameters, colours.get(event or "", INK))
            panel.set_title(f"Light at {site}", pad=12)
            panel.text(
                0.5, 1.02, names.prototype(event) if event else "no prototype", ha="center", va="bottom",
                transform=panel.transAxes, fontsize=6.5, color=INK,
            )  # fmt: skip
            panel.set_xlabel("Time from light (s)")
        panels[0].set_ylabel(_AXIS[parameters.trace_scale])
        figure.legend(
            handles=[
                Line2D([], [], color=INK, linewidth=1.5, label=f"{parameters.light_groups[0]} (coloured)"),
                Line2D(
                    [], [], color=CONTROL_COLOUR, linewidth=1.5, linestyle=(0, (4, 1.5)),
                    label=parameters.light_groups[1],
                ),
            ],
            loc="outside lower center",
            ncols=2,
        )  # fmt: skip
    return figure


def _draw_site(
    panel: Axes,
    found: LightTraces,
    site: str,
    event: str | None,
    parameters: MouseFaceParameters,
    colour: str,
) -> None:
    own = found.light.trials[found.light.trials["site"] == site]
    mark_onset(panel, float(own["duration_s"].max()))
    panel.axhline(0, color="#8A9299", linewidth=0.6, zorder=0)
    looks: tuple[tuple[str, dict[str, Any]], ...] = (
        (parameters.light_groups[1], {"color": CONTROL_COLOUR, "linestyle": (0, (4, 1.5))}),
        (parameters.light_groups[0], {"color": colour, "linestyle": "-"}),
    )
    for group, look in looks:
        rows = (
            (found.about["site"] == site)
            & (found.about["group"] == group)
            & (found.traces.trials["prototype"] == event)
        ).to_numpy()
        if rows.any():
            curve = mean_and_error(found.traces.values[rows], found.traces.trials["animal"][rows], parameters)
            panel.fill_between(
                found.traces.times_s, curve["lower"], curve["upper"], color=look["color"], alpha=0.22,
                linewidth=0,
            )  # fmt: skip
            panel.plot(found.traces.times_s, curve["mean"], linewidth=1.4, **look)
    panel.set_xlim(-parameters.trace_before_s, parameters.trace_after_s)


def mean_and_error(values: np.ndarray, animals: pd.Series, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Average traces, with the standard error of animals (or of trials, as the paper)."""
    table = pd.DataFrame(values)
    if parameters.unit == "animals":
        table = table.groupby(animals.to_numpy()).mean()
    error = table.std() / np.sqrt(table.notna().sum().clip(lower=1))
    mean = table.mean()
    return pd.DataFrame({"mean": mean, "lower": mean - error, "upper": mean + error})


def _caption(found: LightTraces, parameters: MouseFaceParameters, names: EmotionNames) -> str:
    scale = (
        "change of the correlation with the prototype since the rest before the light"
        if parameters.trace_scale == "change"
        else "correlation with the prototype, in standard deviations of the rest before the light"
    )
    unit = "animals" if parameters.unit == "animals" else "trials"
    known = found.light.trials.groupby(["site", "group"], sort=False)
    n = "; ".join(
        f"{site} {group}: N = {mice(own['animal'].nunique())}, n = {plural(len(own), 'trial')}"
        for (site, group), own in known
    )
    return (
        f"As Fig. 3G. Similarity of the face to the prototype of the event that most frames under light were "
        f"taken for (Fig. 3F): {scale}; mean of {unit} with its standard error, in bins of "
        f"{parameters.trace_bin_s:g} s. Shaded: light. {n}."
    )


def _chosen(found: LightTraces, site: str) -> dict[str, Any] | None:
    own = found.tests[(found.tests["site"] == site) & (found.tests["prototype"] == SUGGESTED)]
    return {str(name): value for name, value in own.iloc[0].items()} if len(own) else None


def _claims(found: LightTraces, parameters: MouseFaceParameters) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for site in found.light.sites:
        row = _chosen(found, site)
        claim = f"light at {site}: the face becomes like the prototype that the classifier suggests"
        if row is None:
            rows.append({"claim": claim})
            continue
        p = float(row["p_adjusted"])
        kind = {"control": "with controls", "rest": "with rest", "nothing": "no controls"}[row["against"]]
        what = "Welch's t test of animals" if row["against"] == "control" else "t test of animals"
        if parameters.unit == "trials":
            what = "Mann-Whitney test of trials"
        unit = "animal" if parameters.unit == "animals" else "trial"
        rows.append(
            {
                "claim": claim, "estimate": row["estimate"], "lower": row["lower"], "upper": row["upper"],
                "unit": "r" if parameters.trace_scale == "change" else "SD of the rest", "p": p,
                "test": f"{what}, {kind} ({found.suggested[site].replace('_', ' ')})",
                "n": f"{plural(int(row['n']), unit)}, {plural(int(row['n_control']), 'control')}",
                "holds": bool(p <= parameters.alpha_p and row["estimate"] > 0) if np.isfinite(p) else None,
            }
        )  # fmt: skip
    return claims_table(rows)


def _sentences(found: LightTraces, parameters: MouseFaceParameters, names: EmotionNames) -> tuple[str, ...]:
    sentences = []
    unit = "r" if parameters.trace_scale == "change" else "SD"
    for site in found.light.sites:
        row = _chosen(found, site)
        if row is None or not np.isfinite(row["estimate"]):
            continue
        beside = {
            "control": "beyond that in animals that light cannot drive",
            "rest": "since the rest before",
            "nothing": "since the rest before; there are no controls",
        }[row["against"]]
        digits = 3 if unit == "r" else 1
        sentences.append(
            f"Within {parameters.early_s:g} s of light at {site} the similarity to the "
            f"{names.prototype(found.suggested[site])} changed by "
            f"{number_words(row['estimate'], digits)} {unit} {beside}"
            + bracketed(
                said_interval(row["lower"], row["upper"], level=parameters.level, digits=digits),
                p_words(float(row["p_adjusted"])),
            )
            + "."
        )
    return tuple(sentences)


def _warnings(found: LightTraces, parameters: MouseFaceParameters) -> tuple[str, ...]:
    notes = list(found.light.notes)
    for site in found.light.sites:
        if site not in found.suggested:
            notes.append(f"{site}: no animal has a prototype of the event that the classifier suggests.")
    if found.traces.lost:
        notes.append(f"Not shown: {plural(found.traces.lost, 'trace')} without a usable rest.")
    lone = found.tests["against"].isin(["rest", "nothing"])
    if lone.any():
        sites = ", ".join(dict.fromkeys(found.tests.loc[lone, "site"]))
        notes.append(
            f"{sites}: fewer than two animals in a group. Without controls, what light itself does (heat, "
            "being seen) cannot be told from what it drives."
        )
    return tuple(notes)


def _test_table(found: LightTraces, parameters: MouseFaceParameters) -> Table:
    unit = "animals" if parameters.unit == "animals" else "trials"
    return Table(
        name="figure_3g_tests",
        caption=f"Change of similarity in the first {parameters.early_s:g} s of light (Fig. 3G).",
        data=found.tests,
        columns={
            "site": Column(description="Where the light went.", heading="Site"),
            "prototype": Column(
                description="Event of the prototype; suggested: the one that the classifier suggests (where "
                "animals are compared: that the other animals suggest).", heading="Prototype",
            ),
            "against": Column(
                description="What driven animals are compared with.", heading="Against",
                levels={"control": "controls", "rest": "rest before", "nothing": "nothing"},
            ),
            "n": Column(description=f"Driven {unit}.", kind="count", heading="n"),
            "n_control": Column(description=f"Control {unit}.", kind="count", heading="Controls"),
            "estimate": Column(description="Difference of means.", kind="number", heading="Estimate"),
            "lower": Column(description="Lower limit of the interval.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit of the interval.", kind="number", heading="Upper"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(
                description="p value adjusted over the prototypes of a site; that of the suggested one needs "
                "no adjustment.", kind="p", heading="p adjusted"
            ),
        },
    )  # fmt: skip


def _trace_table(found: LightTraces, parameters: MouseFaceParameters) -> Table:
    bins = {f"t{time:g}": found.traces.values[:, number] for number, time in enumerate(found.traces.times_s)}
    columns = {
        "animal": Column(description="Animal."),
        "trial": Column(description="Trial of the animal.", kind="count"),
        "site": Column(description="Where the light went."),
        "group": Column(description="What the animal expresses."),
        "prototype": Column(description="Event whose prototype the face is compared with."),
    }
    columns |= {
        name: Column(description=f"Mean of the bin around {name[1:]} s from light.", kind="number")
        for name in bins
    }
    return Table(
        name="figure_3g_traces",
        caption=f"Traces of single trials around light (Fig. 3G): {_AXIS[parameters.trace_scale].lower()}.",
        data=found.traces.trials.join(found.about).assign(**bins),
        columns=columns,
    )
