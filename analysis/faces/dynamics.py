"""When expressions begin, how long they last, and how they differ from trial to trial (Fig. 3A-B).

Times are seconds on the session clock. An expression is on from where the trace (in standard deviations of
the rest before the event) rises to one level, until it falls below a lower one; with a single level, noise at
the threshold would cut it to pieces. The levels are ours: the paper gives none.

An expression that is still there when the next event comes, or when the video ends, lasted at least so long:
it is censored. Left out, long expressions would be missing; counted as it is, they would be too short.
`duration_fractions` takes it into account (Kaplan & Meier).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.models.processes import check_generator

DURATION_EDGES_S = (5.0, 15.0)
"""The paper's classes: below 5 s (~60 %), 5 to 15 s (~23 %), above 15 s (~17 %)."""
EARLY_S = 5.0
"""The paper: about 90 % of stimuli evoke an expression within 5 s."""


def event_traces(
    trace: np.ndarray,
    times_s: np.ndarray,
    onsets_s: np.ndarray,
    *,
    before_s: float = 5.0,
    after_s: float = 20.0,
    bin_s: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a trace into trials and average it in bins (Fig. 3A, single trials; 1 s bins as in the paper).

    Parameters
    ----------
    trace, times_s : numpy.ndarray
        Similarity of each frame, and its time; shape ``(n_frames,)``. NaN: no valid frame.
    onsets_s : numpy.ndarray
        Onset of each event.
    before_s, after_s : float
        What is shown before and after; a whole number of bins each.
    bin_s : float
        Length of a bin.

    Returns
    -------
    tuple of numpy.ndarray
        Values ``(n_trials, n_bins)``, NaN where the video has no valid frame, and the middle of each bin from
        the onset (s). No bin lies on both sides of an onset.

    Examples
    --------
    >>> event_traces(np.arange(8.0), np.arange(8.0), np.array([4.0]), before_s=2, after_s=4, bin_s=2)
    (array([[2.5, 4.5, 6.5]]), array([-1.,  1.,  3.]))
    """
    trace, times_s = _checked(trace, times_s)
    counts = [round(length / bin_s, 6) for length in (before_s, after_s)]
    if bin_s <= 0 or min(counts) < 0 or any(count != int(count) for count in counts):
        raise ValueError(f"before_s and after_s should be whole numbers of bins of {bin_s:g} s")
    edges = bin_s * np.arange(-int(counts[0]), int(counts[1]) + 1)
    found = np.full((len(onsets_s), len(edges) - 1), np.nan)
    for row, onset in zip(found, np.asarray(onsets_s, float), strict=True):
        place = np.searchsorted(edges, times_s - onset + 1e-9, side="right") - 1
        inside = (place >= 0) & (place < len(row)) & ~np.isnan(trace)
        counted = np.bincount(place[inside], minlength=len(row))
        sums = np.bincount(place[inside], trace[inside], minlength=len(row))
        row[counted > 0] = sums[counted > 0] / counted[counted > 0]
    return found, (edges[:-1] + edges[1:]) / 2


def population_trace(
    values: np.ndarray, animals: np.ndarray | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Average trials into a curve with its interval (Fig. 3A, bottom).

    Parameters
    ----------
    values : numpy.ndarray
        ``(n_trials, n_bins)``.
    animals : numpy.ndarray, optional
        Animal of each trial: trials are averaged within animals first, and the interval is that of animals.
        Without, each trial counts for itself, as in the paper; the interval is then too narrow.
    level : float
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        One row per bin: mean, lower, upper, n.
    """
    table = pd.DataFrame(np.atleast_2d(values))
    if animals is not None:
        table = table.groupby(np.asarray(animals)).mean()
    n = table.notna().sum()
    half = stats.t.isf((1 - level) / 2, (n - 1).clip(lower=1)) * table.std() / np.sqrt(n.clip(lower=1))
    mean = table.mean()
    return pd.DataFrame({"mean": mean, "lower": mean - half, "upper": mean + half, "n": n})


def bouts(
    trace: np.ndarray,
    times_s: np.ndarray,
    *,
    on_z: float = 2.0,
    off_z: float = 1.0,
    least_s: float = 0.5,
) -> pd.DataFrame:
    """Find when an expression is on, with hysteresis.

    Parameters
    ----------
    trace : numpy.ndarray
        Standardised similarity of each frame, as of `prototypes.z_traces`; NaN ends a bout (censored).
    times_s : numpy.ndarray
        Time of each frame.
    on_z, off_z : float
        A bout begins where the trace reaches ``on_z``, and ends where it falls below ``off_z``.
    least_s : float
        Shorter bouts do not count, unless they are cut short by the end of the trace.

    Returns
    -------
    pandas.DataFrame
        One row per bout: onset_s, end_s, duration_s, peak_z, began_before (it was on when the trace began),
        censored (still on when the trace ended).

    Examples
    --------
    >>> bouts(np.array([0, 3, 1.5, 3, 0, 0, 4, 4.0]), np.arange(8.0))[["onset_s", "duration_s", "censored"]]
       onset_s  duration_s  censored
    0      1.0         3.0     False
    1      6.0         1.0      True
    """
    trace, times_s = _checked(trace, times_s)
    if not off_z <= on_z or least_s < 0:
        raise ValueError(f"off_z should not lie above on_z, found {off_z:g} and {on_z:g}")
    rows, start, seen = [], -1, False
    for place, value in enumerate([*trace, np.nan]):
        ends = np.isnan(value)
        if start < 0 and value >= on_z:
            start, began_before = place, not seen
        elif start >= 0 and (ends or value < off_z):
            end_s = times_s[place] if not ends else times_s[place - 1]
            peak = trace[start:place].max()
            rows.append((times_s[start], end_s, end_s - times_s[start], peak, began_before, ends))
            start = -1
        seen = not ends
    names = ["onset_s", "end_s", "duration_s", "peak_z", "began_before", "censored"]
    table = pd.DataFrame(rows, columns=names).astype({"began_before": bool, "censored": bool})
    table[names[:4]] = table[names[:4]].astype(float)
    return table[(table["duration_s"] >= least_s - 1e-9) | table["censored"]].reset_index(drop=True)


def onsets_and_durations(
    trace: np.ndarray,
    times_s: np.ndarray,
    events: pd.DataFrame,
    *,
    baseline_s: float = 2.0,
    search_s: float = 30.0,
    on_z: float = 2.0,
    off_z: float = 1.0,
    least_s: float = 0.5,
) -> pd.DataFrame:
    """Find the first expression after each event: when it begins, and how long it lasts (Fig. 3B).

    Parameters
    ----------
    trace, times_s : numpy.ndarray
        Similarity (Pearson's r, not standardised) of each frame of a session, and its time.
    events : pandas.DataFrame
        Column ``onset`` (s), and ``trial_type`` if there is one; in order. All events of the session belong
        in it: the next one ends the search.
    baseline_s : float
        Length of the rest before an event, to whose mean and standard deviation the trace is standardised.
    search_s : float
        How long after an event an expression may last; cut at the next event's rest or the end of the video.
    on_z, off_z, least_s : float
        As in `bouts`.

    Returns
    -------
    pandas.DataFrame
        One row per event: trial, label, onset_s (of the event), latency_s (NaN: no expression came),
        duration_s, censored (it lasted at least so long), peak_z, n_bouts, watched_s (how long was looked),
        at_rest (whether the rest was quiet enough to tell; with NaN or no variation in it, nothing is said).
    """
    trace, times_s = _checked(trace, times_s)
    onsets = np.asarray(events["onset"], float)
    if (np.diff(onsets) <= 0).any():
        raise ValueError("events should be in the order of their onsets, each later than the one before")
    labels = events["trial_type"] if "trial_type" in events else pd.Series([""] * len(onsets))
    limits = np.minimum(onsets + search_s, np.append(onsets[1:] - baseline_s, times_s[-1] + 1e-9))
    rows = []
    for trial, (onset, limit, label) in enumerate(zip(onsets, limits, labels, strict=True)):
        rest = trace[(times_s >= onset - baseline_s - 1e-9) & (times_s < onset - 1e-9)]
        after = (times_s >= onset - 1e-9) & (times_s < limit)
        sd = rest.std(ddof=1) if len(rest) > 2 else np.nan
        usable = bool(np.isfinite(sd) and sd > 1e-9 and after.sum() > 1)
        row = {"trial": trial, "label": label, "onset_s": onset, "latency_s": np.nan, "duration_s": np.nan,
               "censored": False, "peak_z": np.nan, "n_bouts": 0,
               "watched_s": max(0.0, limit - onset), "at_rest": usable}  # fmt: skip
        if usable:
            z = (trace[after] - rest.mean()) / sd
            found = bouts(z, times_s[after], on_z=on_z, off_z=off_z, least_s=least_s)
            if len(found):
                first = found.iloc[0]
                row.update(first[["duration_s", "peak_z"]], censored=bool(first["censored"]))
                row.update(latency_s=first["onset_s"] - onset, n_bouts=len(found))
        rows.append(row)
    return pd.DataFrame(rows)


def density(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return a kernel density estimate (Gaussian, Scott's rule), as Fig. 3B's curves.

    Parameters
    ----------
    values : numpy.ndarray
        Latencies or durations; NaN is left out. Density spills over below 0 (s), as in every such estimate.
    grid : numpy.ndarray
        Where the density is wanted.

    Returns
    -------
    numpy.ndarray
        Density at each place; NaN if there are fewer than two different values.
    """
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if len(known) < 2 or np.ptp(known) == 0:
        return np.full(len(grid), np.nan)
    return stats.gaussian_kde(known)(grid)


def early_fraction(table: pd.DataFrame, *, early_s: float = EARLY_S) -> pd.DataFrame:
    """Return the share of events after which an expression began early, and within the search (Fig. 3B).

    Parameters
    ----------
    table : pandas.DataFrame
        As of `onsets_and_durations`, with a column animal if there are several. Events without a usable rest,
        and those watched for less than ``early_s`` without an expression, are left out and counted.
    early_s : float
        What counts as early.

    Returns
    -------
    pandas.DataFrame
        One row: early, late, none (shares, mean of the animals), n_events, n_left_out, n_animals.
    """
    usable = table["at_rest"] & (table["latency_s"].notna() | (table["watched_s"] >= early_s))
    kept = table[usable]
    if kept.empty:
        raise ValueError("no event has a quiet rest and a video that is long enough after it")
    kinds = pd.DataFrame(
        {
            "early": kept["latency_s"] <= early_s,
            "late": kept["latency_s"] > early_s,
            "none": kept["latency_s"].isna(),
        }
    )
    animal = kept["animal"] if "animal" in kept else pd.Series(0, index=kept.index)
    shares = kinds.groupby(animal).mean()
    counts = {"n_events": len(kept), "n_left_out": int((~usable).sum()), "n_animals": len(shares)}
    return pd.DataFrame([{**shares.mean(), **counts}])


def survival(durations_s: np.ndarray, censored: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """Return the share of expressions that last longer than given times (Kaplan & Meier 1958).

    Parameters
    ----------
    durations_s : numpy.ndarray
        Duration of each expression; of a censored one, how long it was seen.
    censored : numpy.ndarray
        Whether it was still on then, boolean.
    at_s : numpy.ndarray
        Times.

    Returns
    -------
    numpy.ndarray
        Shares; NaN beyond the last time anything was seen, if that was censored.

    Examples
    --------
    >>> survival(np.array([1.0, 2.0, 3.0, 3.0]), np.array([False, True, False, False]), np.array([1.5, 3.5]))
    array([0.75, 0.  ])
    """
    durations_s, censored = np.asarray(durations_s, float), np.asarray(censored, bool)
    if not len(durations_s) or np.isnan(durations_s).any():
        raise ValueError("durations are needed, none of them missing: leave out events without an expression")
    steps = np.unique(durations_s[~censored])
    left = np.array([(durations_s >= step).sum() for step in steps])
    ended = np.array([((durations_s == step) & ~censored).sum() for step in steps])
    curve = np.concatenate([[1.0], np.cumprod(1 - ended / np.maximum(left, 1))])
    found = curve[np.searchsorted(steps, at_s, side="right")]
    beyond = (np.asarray(at_s) >= durations_s.max()) & (found > 0)
    return np.where(beyond, np.nan, found)


def duration_fractions(
    table: pd.DataFrame,
    *,
    rng: np.random.Generator,
    edges_s: Sequence[float] = DURATION_EDGES_S,
    n_replicates: int = 2000,
) -> pd.DataFrame:
    """Return how many expressions are short, long, and very long (Fig. 3B: below 5 s, to 15 s, above).

    Parameters
    ----------
    table : pandas.DataFrame
        As of `onsets_and_durations`; with a column animal, intervals come from drawing animals anew.
    rng : numpy.random.Generator
        Draws them.
    edges_s : sequence of float
        Limits between the classes.
    n_replicates : int
        Draws.

    Returns
    -------
    pandas.DataFrame
        One row per class: from_s, to_s, fraction (with censored expressions taken into account), lower, upper
        (95 %, NaN with fewer than three animals), as_counted (the share of those that were seen to end, as if
        there were no others). NaN where no expression was followed for so long.
    """
    check_generator(rng)
    known = table[table["latency_s"].notna()].reset_index(drop=True)
    if known.empty:
        raise ValueError("no event was followed by an expression, so none has a duration")
    edges = np.array([0.0, *edges_s, np.inf])
    animal = pd.factorize(known["animal"])[0] if "animal" in known else np.zeros(len(known), int)
    members = [np.flatnonzero(animal == number) for number in range(animal.max() + 1)]
    limits = np.full((2, len(edges) - 1), np.nan)
    if len(members) >= 3:
        drawn = rng.integers(0, len(members), size=(n_replicates, len(members)))
        again = [_fractions(known.iloc[np.concatenate([members[i] for i in row])], edges) for row in drawn]
        kept = np.array(again)
        enough = (~np.isnan(kept)).mean(axis=0) > 0.9
        limits[:, enough] = np.nanquantile(kept[:, enough], [0.025, 0.975], axis=0)
    ended = known.loc[~known["censored"], "duration_s"]
    counted = np.histogram(ended, edges)[0] / max(1, len(ended))
    return pd.DataFrame(
        {
            "from_s": edges[:-1],
            "to_s": edges[1:],
            "fraction": _fractions(known, edges),
            "lower": limits[0],
            "upper": limits[1],
            "as_counted": counted,
        }
    )


def _fractions(table: pd.DataFrame, edges: np.ndarray) -> np.ndarray:
    """Return the share of durations between edges, from the survival curve."""
    curve = survival(table["duration_s"].to_numpy(), table["censored"].to_numpy(bool), edges[1:-1])
    return np.abs(np.diff(np.concatenate([[1.0], curve, [0.0]])))  # a curve only falls; no minus zero


def _checked(trace: np.ndarray, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    trace, times_s = np.asarray(trace, float), np.asarray(times_s, float)
    if trace.ndim != 1 or trace.shape != times_s.shape or not len(trace):
        raise ValueError(f"expected one time per value, found shapes {trace.shape} and {times_s.shape}")
    if not (np.diff(times_s) > 0).all():
        raise ValueError("times should increase from frame to frame, with none missing")
    return trace, times_s
