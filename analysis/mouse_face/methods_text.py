"""The methods paragraphs of a report, written from the parameters and from what was really analysed."""

from __future__ import annotations

from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.results import Results

REFERENCE = (
    "Dolensek, N., Gehrlach, D. A., Klein, A. S., & Gogolla, N. (2020). Facial expressions of emotion states "
    "and their neuronal correlates in mice. Science, 368, 89–94. https://doi.org/10.1126/science.aaz9468"
)
RULE_WORDS = {
    "time": "had no usable time",
    "duplicated": "repeated the frame before",
    "exposure": "were lit unlike the others",
    "shift": "were moved",
    "occlusion": "had the face covered",
}
"""Rule of exclusion -> what such frames are, after "frames that"."""


def methods_paragraphs(results: Results) -> list[str]:
    """Say what was done, in the order of the figures, as a methods section does.

    Only what this study has is told: parameters of panels that could not be made are left out.
    """
    made = {panel.name[:2] for panel in results.panels if not panel.missing}
    parameters = results.own_parameters
    texts = [
        _recorded(results),
        _described(parameters),
        _left_out(results),
        _clips(results),
    ]
    if made & {"1C", "1D", "1E", "1F"}:
        texts.append(_figure_1(parameters, made))
    if any(name[0] in "234" for name in made):
        texts.append(_prototypes(parameters))
    if made & {"2D", "2E", "2F", "2G"}:
        texts.append(_figure_2(parameters, made))
    if made & {"3A", "3B"}:
        texts.append(_time_course(parameters))
    if made & {"3C", "3E", "3F", "3G", "3H", "3I"}:
        texts.append(_light(parameters))
    if any(name[0] == "4" for name in made):
        texts.append(_neurons(parameters))
    texts.append(_tests(results))
    return [text for text in texts if text]


def _recorded(results: Results) -> str:
    sessions = results.data.sessions
    n_animals, n_sessions = sessions["animal"].nunique(), len(sessions)
    rates = sorted({round(float(rate)) for rate in sessions["fps"].dropna()})
    rate = " or ".join(f"{value:g}" for value in rates) or "an unknown number of"
    mice = "1 mouse" if n_animals == 1 else f"{n_animals} mice"
    plural = "" if n_sessions == 1 else "s"
    minutes = sessions["duration_s"].sum() / 60
    text = (
        f"The faces of {mice} were filmed in {n_sessions} session{plural} ({minutes:.0f} min in all) at "
        f"{rate} frames per second"
    )
    masked = [mask for mask in results.data.masks.values() if mask.crop is not None]
    return f"{text}{', and cropped to the face' if masked else ''}."


def _described(parameters: MouseFaceParameters) -> str:
    root = "the square root of the pixels" if parameters.square_root else "the pixels"
    return (
        f"Each frame was described by histograms of oriented gradients ({parameters.orientations} "
        f"orientations, cells of {parameters.cell_px} × {parameters.cell_px} px, blocks of one cell, "
        f"{parameters.block_norm} normalisation, of {root}); all comparisons of frames are Pearson "
        "correlations of these descriptors."
    )


def _left_out(results: Results) -> str:
    parameters, data = results.own_parameters, results.data
    rules = [RULE_WORDS.get(rule, rule) for rule in parameters.quality_rules]
    n_frames = int(data.sessions["n_frames"].sum())
    n_out = n_frames - int(data.sessions["n_valid"].sum())
    n_lost = int((~data.trials["kept"].astype(bool)).sum())
    share = f"{100 * n_out / n_frames:.2f} %" if n_frames else "none"
    texts = [f"Frames that {_listed(rules, 'or')} were left out ({share} of all)."] if rules else []
    texts.append(
        f"Trials that lost more than {_percent(parameters.most_lost_share)} of their frames, before or after "
        f"the onset, were left out. For this and other reasons (see “What was left out”), {n_lost} of "
        f"{len(data.trials)} trials {'was' if n_lost == 1 else 'were'} not analysed."
    )
    if len(data.registration):
        texts.append(
            "Sessions were registered to the first of the same animal, and crops moved by whole pixels where "
            f"the picture lay {parameters.least_shift_px:g} px off or more."
        )
    if data.bouts:
        texts.append(
            f"Escape and freezing were found in the video, after the first {_event(parameters.shock_event)}, "
            "as rapid movement and as immobility of body and face."
        )
    return " ".join(texts)


def _clips(results: Results) -> str:
    parameters = results.own_parameters
    return (
        f"A trial is the time from {parameters.before_s:g} s before to {parameters.during_s:g} s after the "
        f"onset of an event; its rest is the {parameters.baseline_s:g} s before the onset. Trials without an "
        f"event ({_event(parameters.neutral_event)}) are cut in the same way."
    )


def _figure_1(parameters: MouseFaceParameters, made: set[str]) -> str:
    texts = []
    if made & {"1C", "1D"}:
        texts.append(
            "Frames around the repeats of one event were correlated with one another, pair by pair, and "
            "clustered hierarchically (average linkage)."
        )
    if "1E" in made:
        start = (
            "the principal components" if parameters.embedding_preset == "recommended" else "random places"
        )
        texts.append(
            f"Frames were embedded by t-SNE of their first {parameters.embedding_components} principal "
            f"components, starting from {start}."
        )
    if "1F" in made:
        texts.append(_decoding(parameters))
    return " ".join(texts)


def _decoding(parameters: MouseFaceParameters) -> str:
    rest = {
        "trial": "After the mean of its own rest was subtracted from each trial's frames, a",
        "animal": "After the animal's mean face at rest was subtracted, a",
        "none": "A",
    }[parameters.decoding_rest]
    input_words = (
        f"the first {parameters.decoding_components} principal components of the training frames"
        if parameters.decoding_components
        else "all features"
    )
    if parameters.decoding_frames_hz:
        input_words += f", {parameters.decoding_frames_hz:g} frames per second"
    split = {
        "animals": "leaving out one whole animal at a time",
        "trials": "leaving out one repeat of every event at a time",
        "frames": f"learning from {_percent(parameters.decoding_train_share)} of the frames, drawn at "
        f"random, {parameters.decoding_repeats} times",
    }[parameters.decoding_scheme]
    if parameters.decoding_scheme == "frames":
        test = "Accuracies were compared with those after shuffling the frames' labels (Mann-Whitney)."
    else:
        test = (
            f"Its accuracy was tested against {parameters.decoding_permutations} permutations of the labels "
            f"of whole trials within each animal (forests of {parameters.decoding_test_trees} trees; "
            f"sequential stop after {parameters.decoding_stop_after} as accurate ones; Besag & Clifford, "
            "1991)."
        )
    return (
        f"{rest} random forest of {parameters.decoding_trees} trees predicted the event of each frame from "
        f"{input_words}, {split}. {test}"
    )


def _prototypes(parameters: MouseFaceParameters) -> str:
    which = (
        f"the {parameters.n_prototype_frames} frames of the event that were least correlated with the mean "
        "face at rest"
        if parameters.prototype_recipe == "least_neutral"
        else "all frames of the event"
    )
    first = ", the first trial left out" if parameters.exclude_first_trial else ""
    scored = (
        "A trial was compared only with prototypes in which its repeat of every event had no part "
        "(cross-fitting)."
        if parameters.cross_fitted
        else "Trials were compared with prototypes that they were part of, as in the paper."
    )
    return (
        f"The prototype of an event, made for each animal, is the mean descriptor of {which}{first}. "
        f"Similarity is the correlation of a frame with a prototype; a trial's score is its mean during the "
        f"event minus its mean at rest. {scored}"
    )


def _figure_2(parameters: MouseFaceParameters, made: set[str]) -> str:
    texts = []
    if "2D" in made:
        along = {"rank": "steps of strength", "log": "the logarithm of strength", "linear": "strength"}
        if parameters.unit == "animals":
            texts.append(
                f"For graded events, each animal has a slope of its scores over "
                f"{along[parameters.graded_scale]}; slopes were tested against zero."
            )
        else:
            texts.append("Neighbouring strengths were compared over trials.")
    states = []
    if "2E" in made:
        states.append(f"low and high {_event(parameters.valence_event)}")
    if "2F" in made:
        states.append(" and ".join(f"“{name}”" for name in parameters.thirst_conditions))
    if "2G" in made:
        states.append(
            f"“{parameters.aversion_conditions[0]}” and “{parameters.aversion_conditions[1]}” aversion"
        )
    if states:
        with_which = (
            f"similarity to the prototypes of {_event(parameters.pleasant_event)} and "
            f"{_event(parameters.unpleasant_event)}"
        )
        texts.append(f"Between {_listed(states, 'and between')}, {with_which} was compared.")
    return " ".join(texts)


def _time_course(parameters: MouseFaceParameters) -> str:
    scale = "changes of correlation" if parameters.trace_scale == "change" else "z scores of the rest"
    censored = (
        " Expressions that were still on at the next event count as lasting at least so long (Kaplan-Meier)."
        if parameters.censored
        else ""
    )
    low, high = parameters.duration_edges_s
    return (
        f"Traces of similarity to the event's own prototype are shown as {scale}, in bins of "
        f"{parameters.trace_bin_s:g} s. An expression begins where its z score to the rest reaches "
        f"{parameters.on_z:g} and ends where it falls below {parameters.off_z:g}, if it lasts "
        f"{parameters.least_expression_s:g} s or more, within {parameters.search_s:g} s of the onset; "
        f"durations were divided at {low:g} and {high:g} s.{censored}"
    )


def _light(parameters: MouseFaceParameters) -> str:
    others = "of the other animals" if parameters.light_learners == "others" else "of all animals"
    driven, control = parameters.light_groups
    test = (
        f"animals with {driven} were compared with animals with {control}, or, without any, with the time "
        "before the light"
        if parameters.light_control
        else "each class's share was compared with an equal share for every class (Wilcoxon)"
    )
    return (
        "Frames under light were classified by a random forest that had learnt from the core trials "
        f"{others}; {test}."
    )


def _neurons(parameters: MouseFaceParameters) -> str:
    kernel = {
        "chen2013": "GCaMP6s after one action potential (Chen et al. 2013)",
        "slow": "GCaMP6s after bursts",
    }[parameters.kernel]
    rule = {
        "unique": "by what this regressor explains beyond the other, tested against all circular shifts in "
        "time",
        "shift": "by its correlation, tested against all circular shifts in time",
        "threshold": f"by a correlation of {parameters.least_neuron_r:g} or more",
    }[parameters.neuron_rule]
    control = (
        ""
        if parameters.neuron_rule == "threshold"
        else f", with at most {_percent(parameters.neuron_q)} false discoveries (Benjamini-Hochberg)"
    )
    return (
        "Stimuli and similarities to prototypes, convolved with the response of "
        f"{kernel}, were correlated with each neuron's trace. A neuron counts as following one of them {rule}"
        f"{control}."
    )


def _tests(results: Results) -> str:
    parameters = results.own_parameters
    unit = (
        "Animals are the unit of all tests: each has one value per condition"
        if parameters.unit == "animals"
        else "Trials are the unit of tests, as in the paper"
    )
    adjusted = {
        "holm": "p values are adjusted within the family of a panel by Holm's method",
        "BH": "p values are adjusted within the family of a panel by Benjamini and Hochberg's method",
        "none": "p values are as they are, except where a test adjusts them itself (Dunnett)",
    }[parameters.adjust]
    return (
        f"{unit}. {adjusted}; a claim holds below {parameters.alpha_p:g}. Intervals are of "
        f"{_percent(parameters.level)}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _event(name: str) -> str:
    return name.replace("_", " ")


def _listed(words: list[str], join: str) -> str:
    """Join words as a sentence does.

    >>> _listed(["a", "b", "c"], "or"), _listed(["a"], "or")
    ('a, b or c', 'a')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {join} {words[-1]}"
