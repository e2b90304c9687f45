r"""What a correlation would be by chance: the trace shifted in time, every shift that is possible.

Neighbouring values of a trace are alike, and so are those of a stimulus or a face; two such traces correlate
by chance far more than the number of values suggests, and the usual p value of a correlation is wrong. Here
one trace is turned against the other in a circle by every lag, which keeps how each behaves in time and
breaks only what ties them together. All lags are computed at once by Fourier transforms, and the result is
exact, not drawn.

Short shifts belong to the null distribution. It is tempting to leave them out, as the traces are still alike
after them; but a neuron that happens to burst a second after the stimulus is then compared with nothing like
it, and gets the smallest p value there is. At 5 % that hardly shows; among a thousand neurons, adjusted for
the false discovery rate, it makes discoveries out of nothing.

What other regressors hold is taken out of traces and regressor before these are shifted, so that the question
is always what the regressor adds to the others. Taking it out again after each shift, out of the whole
regressor, would compare a small remainder with large ones that vary otherwise in time: among 60 neurons that
followed nothing, one was then discovered in one of eight recordings instead of one of twenty.

References
----------
Harris (2021), Nonsense correlations in neuroscience, bioRxiv 2020.11.29.402719. Freedman & Lane (1983), A
nonstochastic interpretation of reported significance levels, Journal of Business & Economic Statistics 1(4).
"""

from __future__ import annotations

import numpy as np

MIN_SHIFT_S = 0.0
"""Shortest shift; 0 = every shift counts, for the reason above. Others leave out shifts below 20 s."""
FEWEST_SHIFTS = 100
"""With fewer shifts than this, p values would be too coarse to say anything."""
_AT_ONCE = 4_000_000
"""Correlations that are held at once (32 MB); neurons are done in groups."""


def shifted_correlations(
    traces: np.ndarray, regressor: np.ndarray, *, given: np.ndarray | None = None
) -> np.ndarray:
    """Correlate traces with a regressor at every circular shift of it.

    Parameters
    ----------
    traces : numpy.ndarray
        Shape ``(n_traces, n_times)``, evenly sampled.
    regressor : numpy.ndarray
        Shape ``(n_times,)``.
    given : numpy.ndarray, optional
        Other regressors, shape ``(n_given, n_times)``, that are partialled out of both.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_traces, n_times)``: column 0 is the (partial) correlation itself; column k that with the
        regressor, or with the part of it that the others do not hold, delayed by k samples.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trace, face = rng.normal(size=(2, 50))
    >>> found = shifted_correlations(trace[None], face)
    >>> bool(np.isclose(found[0, 7], np.corrcoef(trace, np.roll(face, 7))[0, 1]))
    True
    """
    traces, regressor = check_traces(traces, regressor)
    n_times = len(regressor)
    basis = _basis(given, n_times)
    left = traces - (traces @ basis.T) @ basis
    size = np.linalg.norm(left, axis=1)
    centred = regressor - regressor.mean()
    tiny = 1e-10 * (centred**2).sum()
    centred -= (basis @ centred) @ basis
    spectrum = np.conj(np.fft.rfft(centred))
    explained = _lagged(basis, spectrum)
    rest = np.maximum((centred**2).sum() - (explained**2).sum(axis=0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _lagged(left, spectrum) / (size[:, None] * np.sqrt(rest))
    found[:, rest <= tiny] = np.nan
    found[size <= 1e-10 * np.linalg.norm(traces, axis=1)] = np.nan
    return np.clip(found, -1.0, 1.0)


def shift_test(
    traces: np.ndarray,
    regressor: np.ndarray,
    *,
    step_s: float,
    given: np.ndarray | None = None,
    min_shift_s: float = MIN_SHIFT_S,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate traces with a regressor, and tell how often a shift does as well.

    Parameters
    ----------
    traces, regressor, given
        As in `shifted_correlations`.
    step_s : float
        Time between two samples (s).
    min_shift_s : float
        Shortest shift (s), either way round, that is compared with.

    Returns
    -------
    tuple of numpy.ndarray
        The correlations and their two-sided p values, shape ``(n_traces,)`` each. A p value is the share of
        shifts, with the unshifted one counted, whose correlation is at least as far from 0: the smallest one
        is 1 / (number of shifts + 1).

    Raises
    ------
    ValueError
        If the recording is so short that fewer than 100 shifts are left.
    """
    n_times = np.shape(regressor)[-1]
    shortest = max(1, int(np.ceil(min_shift_s / step_s)))
    n_shifts = n_times - 2 * shortest + 1
    if n_shifts < FEWEST_SHIFTS:
        raise ValueError(
            f"a recording of {n_times * step_s:.0f} s leaves {max(n_shifts, 0)} shifts of at least "
            f"{min_shift_s:g} s, too few for a p value: at least "
            f"{2 * min_shift_s + FEWEST_SHIFTS * step_s:.0f} s are needed"
        )
    traces, regressor = check_traces(traces, regressor)
    size = max(1, _AT_ONCE // n_times)
    parts = [
        _shift_test(traces[first : first + size], regressor, given, shortest)
        for first in range(0, len(traces), size)
    ]
    r, p = (np.concatenate([part[number] for part in parts]) for number in (0, 1)) if parts else ([], [])
    return np.asarray(r, float), np.asarray(p, float)


def _shift_test(
    traces: np.ndarray, regressor: np.ndarray, given: np.ndarray | None, shortest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate a few traces, and count the shifts that do as well."""
    found = shifted_correlations(traces, regressor, given=given)
    chance = np.abs(found[:, shortest : found.shape[1] - shortest + 1])
    as_far = (chance >= np.abs(found[:, :1]) * (1 - 1e-9)).sum(axis=1)
    p = (1 + as_far) / (1 + (~np.isnan(chance)).sum(axis=1))
    return found[:, 0], np.where(np.isnan(found[:, 0]), np.nan, p)


def check_traces(traces: np.ndarray, regressor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return traces and regressor as numbers, if they belong together and nothing is missing.

    Raises
    ------
    ValueError
        If they do not, or if something is; the message says which.
    """
    traces, regressor = np.asarray(traces, float), np.asarray(regressor, float)
    if traces.ndim != 2 or regressor.shape != traces.shape[1:]:
        raise ValueError(
            f"expected traces of shape (n_traces, n_times) and a regressor of n_times values, "
            f"found {traces.shape} and {regressor.shape}"
        )
    missing = np.flatnonzero(~np.isfinite(traces).all(axis=1))
    if len(missing):
        raise ValueError(
            f"{len(missing)} of {len(traces)} traces have missing values, the first is number "
            f"{missing[0]}: leave these out"
        )
    if not np.isfinite(regressor).all():
        raise ValueError(
            f"the regressor is missing at {(~np.isfinite(regressor)).sum()} of {len(regressor)} times: "
            "cut these times from everything"
        )
    return traces, regressor


def _basis(given: np.ndarray | None, n_times: int) -> np.ndarray:
    """Return an orthonormal basis of a constant and the other regressors, shape ``(rank, n_times)``."""
    rows = [np.ones(n_times) / np.sqrt(n_times)]
    if given is not None:
        given = np.atleast_2d(np.asarray(given, float))
        if given.shape[1] != n_times or not np.isfinite(given).all():
            raise ValueError(f"other regressors need {n_times} values each, none of them missing")
        centred = given - given.mean(axis=1, keepdims=True)
        sizes = np.linalg.norm(centred, axis=1, keepdims=True)
        rows.extend(centred / np.where(sizes > 0, sizes, 1.0))
    _, sizes, basis = np.linalg.svd(np.array(rows), full_matrices=False)
    return basis[sizes > 1e-9 * sizes[0]]


def _lagged(rows: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
    """Return the sums of products of each row with the regressor at every delay."""
    return np.fft.irfft(np.fft.rfft(rows, axis=1) * spectrum, n=rows.shape[1], axis=1)
