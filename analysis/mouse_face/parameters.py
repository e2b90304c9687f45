"""Every number of the analysis of mouse faces, once, with where it comes from.

Two presets: :func:`paper` is what Dolensek et al. (2020) did, as far as the paper and the code that followed
it say, :func:`recommended` (the default) is what a careful methodologist does today. :func:`describe` prints
both side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.report.described_parameters import describe_parameters

UNIT_OF_SUFFIX = {
    "_px": "px",
    "_s": "s",
    "_edges_s": "s",
    "_z": "SD",
    "_r": "correlation",
    "_share": "share",
    "_deg": "degrees",
    "_p": "probability",
}


@dataclass(frozen=True, kw_only=True)
class MouseFaceParameters:
    """The analysis of one study of mouse faces; the defaults are the recommended preset."""

    # -- descriptors ---------------------------------------------------------------------------------------

    orientations: int = 8
    """Orientations of the histograms. Source: Dolensek et al. 2020, HOGs, as taken over by follow-up code."""

    cell_px: int = 32
    """Side of a cell of the descriptors. Source: Dolensek et al. 2020, HOGs, as taken over by follow-up
    code."""

    square_root: bool = True
    """Whether the square root of the pixels is taken first. Source: Dolensek et al. 2020, HOGs, as taken
    over by follow-up code."""

    block_norm: Literal["L2-Hys", "L2", "L1", "L1-sqrt"] = "L2-Hys"
    """Normalisation of a cell. Source: our choice: the default of scikit-image, which the authors used."""

    # -- frames and trials that are left out ---------------------------------------------------------------

    quality_rules: tuple[str, ...] = ("time", "duplicated", "exposure", "shift", "occlusion")
    """Rules whose frames are left out; the paper names none, so its preset leaves out only frames without a
    time. Source: our choice; follow-up code of the neighbouring lab, Brain-wide-correlates-of-emotions,
    2022, leaves out frames with a paw too."""

    most_lost_share: float = 0.5
    """A trial is left out if more than this share of the frames of its clip is lost, before or after the
    onset. Source: our choice."""

    register: bool = True
    """Whether each session is compared with the animal's first, and its crop moved by whole pixels where the
    picture lies elsewhere. Source: Dolensek et al. 2020 registered frames, as far as follow-up code shows; by
    whole pixels is our choice, because interpolation changes descriptors more than it mends."""

    least_shift_px: float = 1.0
    """Shift between sessions from which the crop is moved. Source: our choice: half a pixel more or less is
    what rounding does anyway."""

    most_rotation_deg: float = 2.0
    """Rotation between sessions beyond which a warning is given. Source: our choice: at one degree
    descriptors of the same face fall from r = .965 to .949, at five to .680."""

    # -- clips around events -------------------------------------------------------------------------------

    before_s: float = 4.0
    """Time before an onset that belongs to its clip. Source: follow-up code of the neighbouring lab,
    Brain-wide-correlates-of-emotions, 2022."""

    during_s: float = 5.0
    """Time from an onset that belongs to its clip and is scored. Source: Dolensek et al. 2020, Fig. 3B: nine
    in ten expressions begin within 5 s; a window of 2 s misses many of them. The preset paper has 2 s, the
    length of its stimuli."""

    baseline_s: float = 2.0
    """Rest before an onset with which a trial is compared. Source: Dolensek et al. 2020, z scores."""

    neutral_event: str = "neutral"
    """Name of trials without an event. Source: Dolensek et al. 2020, Fig. 1F."""

    n_neutral: int = 3
    """Trials without an event that are taken from each plain session of a study that has none of its own.
    Source: our choice; Dolensek et al. 2020 has as many of each event."""

    neutral_apart_s: float = 20.0
    """Time from an event's onset from which such trials are taken. Source: our choice; Dolensek et al. 2020,
    few expressions last longer than 15 s."""

    # -- prototypes ----------------------------------------------------------------------------------------

    prototype_recipe: Literal["least_neutral", "mean"] = "least_neutral"
    """Frames of an event that make its prototype: those least correlated with the neutral face, or all.
    Source: follow-up code of the group, Brain-wide-correlates-of-emotions, 2022; the paper says "most
    characteristic"."""

    n_prototype_frames: int = 10
    """How many. Source: follow-up code of the group, Brain-wide-correlates-of-emotions, 2020 and 2022."""

    exclude_first_trial: bool = False
    """Whether the first trial of each event makes no prototype. Source: our choice; some of the follow-up
    code leaves it out."""

    cross_fitted: bool = True
    """Whether a trial is scored only with prototypes that it has no part in. Source: our choice: with no
    expression at all, prototypes scored on their own trials find one in nearly every animal; the paper
    does so (Fig. 2B-C)."""

    # -- which trials a figure is made of ------------------------------------------------------------------

    valence_event: str = "salt"
    """Event that is pleasant at its lowest and unpleasant at its highest value. Source: Dolensek et al.
    2020, Fig. 2E."""

    thirst_conditions: tuple[str, str] = ("thirsty", "quenched")
    """Conditions that are compared, the first expected to be the higher. Source: Dolensek et al. 2020, Fig.
    2F."""

    aversion_conditions: tuple[str, str] = ("before", "after")
    """Conditions that are compared. Source: Dolensek et al. 2020, Fig. 2G."""

    light_groups: tuple[str, str] = ("ChR2", "eYFP")
    """Group that the light drives, and its control. Source: Dolensek et al. 2020, Fig. 3."""

    shock_event: str = "tail_shock"
    """Event after which escape and freezing are looked for in the video, if the study has no trials of
    them. Source: Dolensek et al. 2020, as cited by follow-up code."""

    find_bouts: bool = True
    """Whether escape and freezing are looked for in the video where the study has no trials of them. Source:
    Dolensek et al. 2020, as cited by follow-up code."""

    # -- time course (Fig. 3A-B) ---------------------------------------------------------------------------

    time_course_events: tuple[str, ...] = ("tail_shock", "quinine", "sucrose")
    """Events whose single trials are shown, each with its own prototype; all events, where a study has none
    of these. Source: Dolensek et al. 2020, Fig. 3A."""

    trace_before_s: float = 5.0
    """Time before an onset that traces show. Source: our choice; read from Dolensek et al. 2020, Fig. 3A."""

    trace_after_s: float = 20.0
    """Time after an onset that traces show. Source: our choice; read from Dolensek et al. 2020, Fig. 3A."""

    trace_bin_s: float = 1.0
    """Width of the bins of traces. Source: Dolensek et al. 2020, Fig. 3A."""

    trace_scale: Literal["change", "z"] = "change"
    """Whether traces show the change of the correlation since the rest before the event, or that change in
    standard deviations of the frames at rest, as the paper; these are large where an animal happened to sit
    still. Source: our choice; Dolensek et al. 2020, z-scored similarities."""

    unit: Literal["animals", "trials"] = "animals"
    """What is counted as independent in tests and intervals. Source: our choice; the paper tests trials."""

    on_z: float = 2.0
    """An expression begins where the similarity is so many standard deviations above rest. Source: our
    choice; the paper does not say."""

    off_z: float = 1.0
    """It ends where the similarity falls below this; lower than where it begins, or noise cuts expressions
    to pieces. Source: our choice; the paper does not say."""

    least_expression_s: float = 0.5
    """Shorter ones do not count. Source: our choice; the paper does not say."""

    search_s: float = 30.0
    """Time after an onset in which expressions are followed; less, where the next event comes earlier.
    Source: our choice; the paper's longest class, more than 15 s, has to fit in."""

    early_s: float = 5.0
    """An expression that begins within this time is an immediate one. Source: Dolensek et al. 2020, text."""

    duration_edges_s: tuple[float, float] = (5.0, 15.0)
    """Limits between short, long and very long expressions. Source: Dolensek et al. 2020, text."""

    censored: bool = True
    """Whether expressions that are still on when the next event comes count as lasting at least so long
    (Kaplan and Meier). Source: our choice; the paper does not say, its preset counts them as they are."""

    # -- light (Fig. 3E-I) ---------------------------------------------------------------------------------

    light_learners: Literal["others", "all"] = "others"
    """Animals from whose core trials the classifier of frames under light learns: the others only, or all.
    Source: our choice; Dolensek et al. 2020, "the same random forest classifier as in Fig. 1F"."""

    light_control: bool = True
    """Whether light is compared with animals that it cannot drive (or, without any, with the time before
    it), instead of with one share per class. Source: our choice; Dolensek et al. 2020, test against
    14.3 %."""

    # -- neurons (Fig. 4) ----------------------------------------------------------------------------------

    kernel: Literal["chen2013", "slow"] = "chen2013"
    """Response of the indicator to a spike. Source: Chen et al. 2013, supplementary table 3, GCaMP6s; the
    paper names the indicator, not the constants. "slow" is for bursts."""

    neuron_rule: Literal["unique", "shift", "threshold"] = "unique"
    """When a neuron counts as following a stimulus or the face: by what only this explains, tested against
    all shifts in time; by its correlation, tested so; or by a correlation of at least `least_neuron_r`,
    untested. Source: our choice; the paper has thresholds."""

    neuron_q: float = 0.05
    """Largest share of false discoveries among the neurons of a recording (Benjamini and Hochberg). Source:
    our choice."""

    least_neuron_r: float = 0.3
    """Smallest correlation of the rule "threshold". Source: our choice; the paper's are not in its text."""

    min_shift_s: float = 0.0
    """Shortest shift in time that neurons are compared with; leaving out short ones makes discoveries out
    of nothing. Source: our choice."""

    most_video_gap_s: float = 1.0
    """Where the video has no valid frame for longer, the neurons' frames are left out too. Source: our
    choice."""

    # -- Figure 1: similarity, embedding, decoding ---------------------------------------------------------

    by_eye_share: float = 0.9
    """Share from which a pattern counts as seen where the paper shows a picture and tests nothing (Fig. 1D,
    1E and 2B); used by the preset paper only. Source: our choice, in place of the eye."""

    embedding_preset: Literal["recommended", "paper"] = "recommended"
    """How t-SNE begins: from the principal components, or at random with the learning rate of 2020. Source:
    Kobak & Berens 2019; the paper's are the defaults of scikit-learn in 2020."""

    embedding_components: int = 100
    """Principal components that t-SNE starts from. Source: Dolensek et al. 2020, code as taken over by
    Brain-wide-correlates-of-emotions, 2022."""

    n_neighbours: int = 10
    """Nearest frames that are looked at to say whether events lie together. Source: our choice."""

    neighbour_permutations: int = 999
    """Shuffles of trial labels for the test of neighbours. Source: our choice: p can be as small as .001."""

    decoding_scheme: Literal["animals", "trials", "frames"] = "animals"
    """What the decoder has not seen: whole animals, one repeat of every event, or frames at random. Source:
    our choice: with frames at random, events that have no effect are decoded at 99 %. The paper is silent;
    its preset follows the follow-up code of the neighbouring lab, Brain-wide-correlates-of-emotions, 2022."""

    decoding_rest: Literal["trial", "animal", "none"] = "trial"
    """What is taken away from each frame before it is decoded or embedded: the face at rest before its own
    trial, the face of its animal at rest, or nothing. Source: our choice: animals look different, and faces
    drift; the paper takes away nothing."""

    decoding_train_share: float = 0.15
    """Share of the frames that is learnt from, with frames at random. Source: follow-up code of the
    neighbouring lab, Brain-wide-correlates-of-emotions, 2022."""

    decoding_balanced: bool = True
    """Whether every class counts the same in learning. Source: our choice; the paper is silent."""

    decoding_trees: int = 500
    """Trees of the forest whose accuracy is shown. Source: our choice; the preset paper has the default of
    scikit-learn since 2019, as the paper is silent."""

    decoding_frames_hz: float = 5.0
    """Frames per second and trial that are learnt from and asked, where the camera took more; 0: all.
    Source: our choice: neighbouring frames hold the same picture, and trials, not frames, are what is
    tested. 0 is the paper's."""

    decoding_components: int = 50
    """Principal components of the frames learnt from that the forest sees; 0: all features. Source: our
    choice, an approximation that makes the test of shuffled labels affordable (minutes instead of an hour);
    the test of what is decoded from them is as exact. 0 is the paper's."""

    decoding_permutations: int = 99
    """Shuffles of the labels of whole trials within animals. Source: our choice: p can be as small as .01."""

    decoding_test_trees: int = 20
    """Trees of each forest in the test. Source: our choice; the p value is exact with any number."""

    decoding_stop_after: int = 10
    """The test ends after so many shuffles that are decoded as well as the data. Source: Besag & Clifford
    1991; p stays exact."""

    decoding_repeats: int = 20
    """How often frames are divided at random anew, in the preset paper. Source: our choice; the follow-up
    code of the neighbouring lab has 100."""

    # -- Figure 2D-G: strength, taste, state ---------------------------------------------------------------

    graded_scale: Literal["rank", "log", "linear"] = "rank"
    """Scale of strengths along which each animal has a slope: steps of equal size, logarithms, or the values.
    Source: our choice; the paper compares neighbouring strengths."""

    pleasant_event: str = "sucrose"
    """Event whose prototype stands for pleasure in Fig. 2E-G. Source: Dolensek et al. 2020."""

    unpleasant_event: str = "quinine"
    """Event whose prototype stands for disgust in Fig. 2E-G. Source: Dolensek et al. 2020."""

    example_before_s: float = 2.0
    """Time before onsets in the example traces of Fig. 2. Source: our choice, the rest they are scaled by."""

    example_after_s: float = 8.0
    """Time after onsets in the example traces of Fig. 2. Source: our choice."""

    # -- tests ---------------------------------------------------------------------------------------------

    level: float = 0.95
    """Level of intervals. Source: our choice, the usual one."""

    alpha_p: float = 0.05
    """p value, adjusted for its family, below which a claim holds. Source: our choice, the usual one."""

    adjust: Literal["holm", "BH", "none"] = "holm"
    """Adjustment within the family of a panel. Source: our choice; the paper adjusted Fig. 2C only (Dunnett),
    so its preset has none elsewhere."""

    seed: int = 2020
    """Of all random numbers. Source: our choice, any number; the same seed gives the same report."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in _SHARES:
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)}")


_POSITIVE = (
    "orientations", "cell_px", "before_s", "during_s", "baseline_s", "n_prototype_frames",
    "trace_before_s", "trace_after_s", "trace_bin_s", "search_s", "early_s", "most_video_gap_s",
)  # fmt: skip
_SHARES = ("most_lost_share", "level", "alpha_p", "neuron_q", "least_neuron_r")


def recommended() -> MouseFaceParameters:
    """Return what a careful methodologist does today."""
    return MouseFaceParameters()


def paper() -> MouseFaceParameters:
    """Return what Dolensek et al. (2020) did, with our choices where they are silent."""
    return MouseFaceParameters(
        quality_rules=("time",),
        during_s=2.0,
        cross_fitted=False,
        embedding_preset="paper",
        decoding_scheme="frames",
        decoding_rest="none",
        decoding_balanced=False,
        decoding_trees=100,
        decoding_frames_hz=0.0,
        decoding_components=0,
        adjust="none",
        unit="trials",
        trace_scale="z",
        censored=False,
        light_learners="all",
        light_control=False,
        neuron_rule="threshold",
    )


PRESETS = {"recommended": recommended, "paper": paper}


def preset(name: str) -> MouseFaceParameters:
    """Return the preset of that name.

    Raises
    ------
    ValueError
        For any other name than "recommended" or "paper".
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()


def describe(parameters: MouseFaceParameters) -> pd.DataFrame:
    """Return every parameter with its unit, its meaning and its source, beside both presets.

    Returns
    -------
    pandas.DataFrame
        One row per parameter: `name`, `value`, `unit`, `meaning`, `source`, `paper` and `recommended` (the
        presets' values), `differs_from_paper` and `differs_from_recommended` (true where `value` is another).

    Examples
    --------
    >>> table = describe(paper()).set_index("name")
    >>> table.loc["baseline_s", ["value", "unit", "source"]].tolist()
    [2.0, 's', 'Dolensek et al. 2020, z scores.']
    >>> bool(table.loc["cross_fitted", "differs_from_recommended"])
    True
    """
    return describe_parameters(
        parameters, paper=paper(), recommended=recommended(), unit_of_suffix=UNIT_OF_SUFFIX
    )
