"""Every number of the facial-mimicry analysis, once, with where it comes from.

Two presets: :func:`paper` is what Korb et al. (2023) did, :func:`recommended` (the default) is what a careful
methodologist does today. They differ in few fields; :func:`describe` prints all of them side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.report.described_parameters import describe_parameters

UNIT_OF_SUFFIX = {
    "_log_per_s": "log units/s",
    "_log": "log units",
    "_log_rate": "log units",
    "_hz": "Hz",
    "_s": "s",
    "_sd": "SD",
    "_window": "window",
    "_p": "probability",
}


@dataclass(frozen=True, kw_only=True)
class MimicryParameters:
    """The analysis of one mimicry study; the defaults are the recommended preset."""

    bandpass_hz: tuple[float, float] = (20.0, 400.0)
    """Pass band of the raw EMG (half-power edges of one pass). The sampling rate must be above twice the
    upper edge. Source: Korb et al. 2023, Analyses, Facial EMG."""

    mains_hz: float = 50.0
    """Frequency of the mains, which the notch filter takes out; 60 in the Americas and parts of Asia.
    Source: Korb et al. 2023, Analyses, Facial EMG."""

    notch_width_hz: float = 2.0
    """Width of each notch at half power. Source: our choice (the paper says only 50 Hz): wide enough for
    the drift of the mains, narrow enough to leave the EMG alone."""

    notch_harmonics: bool = True
    """Whether the multiples of the mains frequency inside the pass band are taken out as well.
    Rectification turns what is left of them into a constant that dilutes every percentage. Source: our
    choice; the paper names 50 Hz alone, so its preset takes out 50 Hz alone."""

    smoothing_hz: float = 40.0
    """Low-pass edge that smooths the rectified EMG. Source: Korb et al. 2023, Analyses, Facial EMG."""

    filter_order: int = 4
    """Order of the Butterworth band-pass and low-pass filters, per pass. Source: our choice (the paper is
    silent): the usual order in facial EMG."""

    filter_phase: Literal["causal", "zero"] = "causal"
    """Either "causal", each filter is run forward once, or "zero", each is run forward and backward, so
    that nothing is delayed but what follows the onset of the face leaks back into its own baseline, the
    denominator of all windows: in a simulation, a burst of ten times the baseline at onset raised the
    baseline by 15 % with zero phase and not at all with causal filters, whose delay costs at most 0.02
    log units in the first window. Source: our choice; the paper is silent, and its toolbox (EEGLAB)
    filters with zero phase by default, so its preset does."""

    baseline_s: float = 0.5
    """Length of the baseline that ends at stimulus onset. Source: Korb et al. 2023, Analyses, Facial
    EMG."""

    epoch_s: float = 5.0
    """Length of the epoch that begins at stimulus onset. Source: Korb et al. 2023, Analyses, Facial
    EMG."""

    window_s: float = 1.0
    """Length of the windows over which a trial's epoch is averaged. Source: Korb et al. 2023, Analyses,
    Facial EMG."""

    outlier_sd: float = 2.0
    """Distance from the mean of a participant's and muscle's trials beyond which a trial is removed; for
    the mean and the peak, of the epoch and of the baseline. The rule looks at the response itself, and so
    takes away strong true responses too: in 80 simulated participants the slopes of time were 5 to 6 %
    smaller with it than without it, in both presets (3 to 10 % by muscle and direction in the recommended
    one, 0 to 15 % in the paper's; 1 % with outlier_combination "both"). Source: Korb et al. 2023,
    Analyses, Facial EMG; that it is applied once and to all trials is our choice."""

    outlier_combination: Literal["either", "both"] = "either"
    """Whether a trial goes when its mean or its peak is an outlier ("either") or only when both are
    ("both"). The paper's sentence allows both readings; "either" comes closer to the 19.6 % of trials
    that it excluded (15 % of simulated and 11 to 15 % of real recordings; "both": 4 to 5 %). Source: our
    choice."""

    outlier_scale: Literal["log", "percent"] = "log"
    """Scale on which the rule looks at the epochs: the logarithm of the percentage of baseline (and of
    the microvolts, for the baseline), or these values themselves. On the plain scale the distribution is
    so skewed that the rule removes strong responses only, and one artefact widens the limits for the
    rest. Source: our choice; the paper rejected trials before it took the logarithm, so its preset uses
    the plain scale."""

    time_origin_window: float = 3.0
    """The window in which time is zero in the mixed model (time = window - origin). Main effects depend
    on it, the interactions do not. Source: our choice, the middle window; the paper is silent and its
    preset counts 1 to 5."""

    factor_contrasts: Literal["sum", "treatment"] = "sum"
    """Coding of emotion and group in the mixed models. Source: our choice (the paper is silent): type III
    tests of main effects have a meaning with sum-to-zero contrasts only."""

    response_outlier_sd: float = 2.0
    """Distance from a participant's mean response time beyond which a trial is removed. Source: Korb et
    al. 2023, Analyses, Response times."""

    response_outcomes: tuple[str, ...] = ("correct",)
    """Outcomes of the trials whose response time is analysed. Source: our choice (the paper is silent):
    one press of the right key, as the instruction asks."""

    response_scale: Literal["s", "z"] = "s"
    """Response times in seconds, or as z-scores within each participant. With z-scores every
    participant's mean is zero, which leaves nothing of a difference between groups to be tested. Source:
    our choice; the paper's preset uses z-scores (Korb et al. 2023, Analyses, Response times)."""

    follow_up: Literal["always", "marginal", "never"] = "always"
    """Models of one direction (or emotion) alone: always; only where the test of emotion × group is below
    follow_up_p; or never. To look because a test was nearly significant makes more false findings, so the
    choice is made before. Source: our choice; the paper followed up a marginal effect (Results, Facial
    EMG), so its preset does."""

    follow_up_p: float = 0.1
    """p value of emotion × group below which the "marginal" follow-up is done. Source: Korb et al. 2023,
    Results, Facial EMG (p = .08 was called marginal)."""

    equivalence_log_per_s: float = 0.02
    """Bound of equivalence for directions: a group that changes mimicry, the difference between the
    slopes of the two directions, by less than this counts as no different. Source: our choice, half of
    the mimicry in Korb et al. 2023 (zygomaticus 0.0413, corrugator 0.0398 log units per s): a drug that
    takes mimicry away in part should take half of it at least to matter for the theory."""

    equivalence_log: float = 0.05
    """Bound of equivalence for static emotions, whose mimicry is a difference between means in the middle
    of the epoch. Source: our choice, 5 % of the baseline, half of the asymptote of Korb et al. 2023, Fig.
    2A."""

    equivalence_p: float = 0.05
    """Level of each of the two one-sided tests. Source: our choice, the usual one."""

    sensitivity_power_p: float = 0.8
    """Power at which the smallest detectable effect is given. Source: our choice, the usual one."""

    sensitivity_simulations: int = 200
    """Simulated studies for the smallest detectable effect of the group, per muscle. Source: our choice: the
    power has then a standard error below 3 %."""

    posterior_data: Literal["means", "trials"] = "means"
    """What the asymptotic regression is fitted to: each participant's mean per muscle, emotion and window,
    or single trials. Source: our choice; the paper's Fig. 2C suggests means, and trials cost no more."""

    posterior_chains: int = 4
    """Chains of the sampler. Source: Korb et al. 2023, Bayesian statistics."""

    posterior_warmup: int = 500
    """Iterations of each chain for adaptation, not kept. Source: our choice: enough on data of the paper's
    size; the paper's preset has 2500, half of its 5000 iterations, as brms does by default."""

    posterior_draws: int = 1000
    """Iterations of each chain that are kept. Source: our choice: with this sampler, at least as many
    effective draws as the paper's chains; the paper's preset keeps 2500 of its 5000 iterations."""

    posterior_max_draws: int = 4000
    """Where the chains of a model do not agree (R-hat of 1.01 or more) or hold too few effective draws, they
    go on until they keep this number. Source: our choice; the paper's preset never goes on."""

    comparison: Literal["participant", "observation"] = "participant"
    """Which comparison of the nested models is judged: leaving out whole participants, with their random
    effects integrated out, or single values (WAIC and PSIS-LOO). The group is between participants, and
    weights from single values change with the random seed in this model. Source: our choice; the paper used
    WAIC and LOO (Korb et al. 2023, Bayesian statistics), so its preset does."""

    rope_asymptote_log: float = 0.05
    """Half-width of the region of practical equivalence of a difference between groups in the asymptote.
    Source: our choice, 5 % of the baseline, half of the asymptote of Korb et al. 2023, Fig. 2A."""

    rope_log_rate: float = 0.69
    """The same for the log rate: log 2, a rate that halves or doubles. Source: our choice; rates are known
    so badly that a narrower region would never be reached."""

    seed: int = 2023
    """Of all random numbers of the analysis: the sampler and the simulated studies. Source: our choice, any
    number; the same seed gives the same report."""

    def __post_init__(self) -> None:
        low, high = self.bandpass_hz
        if not 0 < low < high:
            raise ValueError(f"bandpass_hz must be two rising frequencies above 0, got {self.bandpass_hz}")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in _SHARES:
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)}")
        if self.n_windows < 1 or abs(self.n_windows * self.window_s - self.epoch_s) > 1e-9:
            raise ValueError(
                f"epoch_s ({self.epoch_s}) must hold a whole number of windows of window_s ({self.window_s})"
            )
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")

    @property
    def n_windows(self) -> int:
        """Number of windows in an epoch."""
        return round(self.epoch_s / self.window_s)


_POSITIVE = (
    "mains_hz",
    "notch_width_hz",
    "smoothing_hz",
    "filter_order",
    "baseline_s",
    "epoch_s",
    "window_s",
    "outlier_sd",
    "response_outlier_sd",
    "equivalence_log_per_s",
    "equivalence_log",
    "sensitivity_simulations",
    "posterior_chains",
    "posterior_warmup",
    "posterior_draws",
    "posterior_max_draws",
    "rope_asymptote_log",
    "rope_log_rate",
)
_SHARES = ("follow_up_p", "equivalence_p", "sensitivity_power_p")
_CHOICES = {
    "filter_phase": ("causal", "zero"),
    "outlier_combination": ("either", "both"),
    "outlier_scale": ("log", "percent"),
    "factor_contrasts": ("sum", "treatment"),
    "response_scale": ("s", "z"),
    "follow_up": ("always", "marginal", "never"),
    "posterior_data": ("means", "trials"),
    "comparison": ("participant", "observation"),
}


def recommended() -> MimicryParameters:
    """Return what a careful methodologist does today."""
    return MimicryParameters()


def paper() -> MimicryParameters:
    """Return what Korb et al. (2023) did, with our choices where they are silent."""
    return MimicryParameters(
        notch_harmonics=False,
        filter_phase="zero",
        outlier_scale="percent",
        time_origin_window=0.0,
        response_scale="z",
        follow_up="marginal",
        posterior_warmup=2500,
        posterior_draws=2500,
        posterior_max_draws=2500,
        comparison="observation",
    )


PRESETS = {"recommended": recommended, "paper": paper}


def preset(name: str) -> MimicryParameters:
    """Return the preset of that name.

    Raises
    ------
    ValueError
        For any other name than "recommended" or "paper".
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()


def describe(parameters: MimicryParameters) -> pd.DataFrame:
    """Return every parameter with its unit, its meaning and its source, beside both presets.

    Returns
    -------
    pandas.DataFrame
        One row per parameter: `name`, `value`, `unit`, `meaning`, `source`, `paper` and `recommended` (the
        presets' values), `differs_from_paper` and `differs_from_recommended` (true where `value` is another).

    Examples
    --------
    >>> table = describe(paper()).set_index("name")
    >>> table.loc["smoothing_hz", ["value", "unit", "source"]].tolist()
    [40.0, 'Hz', 'Korb et al. 2023, Analyses, Facial EMG.']
    >>> table.index[table["differs_from_recommended"]].tolist()
    ['notch_harmonics', 'filter_phase', 'outlier_scale', 'time_origin_window', 'response_scale', 'follow_up',
     'posterior_warmup', 'posterior_draws', 'posterior_max_draws', 'comparison']
    """
    return describe_parameters(
        parameters, paper=paper(), recommended=recommended(), unit_of_suffix=UNIT_OF_SUFFIX
    )


RAW_ONLY = ("bandpass_hz", "mains_hz", "notch_width_hz", "notch_harmonics")
SMOOTHING = ("smoothing_hz", "filter_order", "filter_phase")


def unused_parameters(parameters: MimicryParameters, noise: pd.DataFrame) -> dict[str, str]:
    """Name the parameters of the filters that do nothing for the signals of a study, and say why.

    Parameters
    ----------
    parameters : MimicryParameters
        What the analysis used.
    noise : pandas.DataFrame
        One row per participant and muscle with `fs_hz` and `signal` ("raw" or "rectified").

    Examples
    --------
    >>> slow = pd.DataFrame({"fs_hz": [100.0, 100.0], "signal": "rectified"})
    >>> list(unused_parameters(recommended(), slow))
    ['bandpass_hz', 'mains_hz', 'notch_width_hz', 'notch_harmonics']
    >>> unused_parameters(recommended(), slow.assign(signal="raw"))
    {}
    """
    if noise.empty or set(noise["signal"]) != {"rectified"}:
        return {}
    unused = dict.fromkeys(RAW_ONLY, "the signals were rectified by the recorder")
    if noise["fs_hz"].max() <= 2 * parameters.smoothing_hz:
        unused |= dict.fromkeys(SMOOTHING, "the sampling rate is too low for it")
    return unused
