"""Random sessions, their recordings, and faults planted in them: is the alignment right, refused, or wrong?

Run ``python tests/experiments/dataset/simulated_faults.py`` to print the table of docs/import.md (some
minutes). Only codes and times are simulated, no signals. The test beside it runs the same with fewer
sessions.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from experiments.dataset.aligned_codes import LoggedCodes, RecordedCodes
from experiments.dataset.alignment import NotProvenError, align

KNOWN = (1, 11, 12, 21, 31, 101, 111, 121, 131, 200, 201, 210, 211, 212)
REFRESH_S = 1 / 60
MAX_ERROR_S = 0.012
"""An event that is placed further than this from where it was is wrong: less than a refresh of the screen."""


@dataclasses.dataclass
class Made:
    """A session's log and its recording; `truth_s` is where each logged code was recorded, NaN where not."""

    log_codes: np.ndarray
    log_s: np.ndarray
    starts: np.ndarray
    codes: np.ndarray
    times_s: np.ndarray
    bounds_s: np.ndarray
    truth_s: np.ndarray
    is_own: bool = True

    @property
    def n(self) -> int:
        return self.log_codes.size

    def pulse(self, index: int) -> int:
        """Return the recorded code of a logged one."""
        return int(np.argmin(np.abs(self.times_s - self.truth_s[index])))

    def keep(self, kept: np.ndarray) -> None:
        self.codes, self.times_s = self.codes[kept], self.times_s[kept]

    def add(self, codes: object, times_s: object) -> None:
        """Add recorded codes."""
        self.codes = np.concatenate([self.codes, np.atleast_1d(codes)]).astype(np.int64)
        self.times_s = np.concatenate([self.times_s, np.atleast_1d(times_s)])
        order = np.argsort(self.times_s, kind="stable")
        self.keep(order)


def simulate_log(rng: np.random.Generator, n_trials: int, order: np.random.Generator | None = None) -> tuple:
    """Make the codes of a session and their times; `order` draws directions and fixations, `rng` all else."""
    order = order or rng
    codes, times_s, now = [210], [0.0], float(rng.uniform(1, 20))
    n_practice = int(order.integers(0, 5))
    constant = order.random() < 0.1  # a task without jitter
    for number in range(-n_practice, n_trials):
        base = 100 if number < 0 else 0
        if number in (0, n_trials // 2):
            codes.append(200 if number == 0 else 201)
            times_s.append(now)
            now += float(rng.uniform(0.5, 30))
        fixation_s = 2.5 if constant else round(order.uniform(2, 3) / REFRESH_S) * REFRESH_S
        late = REFRESH_S * (rng.random() < 0.03)
        video = base + 11 + (int(order.integers(2)) if not base else 0)
        codes += [base + 1, video]
        times_s += [now, now + fixation_s + late]
        now = times_s[-1]
        n_presses = rng.choice([0, 1, 2], p=[0.03, 0.95, 0.02])
        for press_s in np.sort(np.clip(rng.normal(2.9, 0.5, n_presses), 0.3, 4.8)):
            codes.append(base + 21)
            times_s.append(now + float(press_s))
        now += 5
        codes.append(base + 31)
        times_s.append(now)
        now += 1
    codes.append(211)
    times_s.append(now)
    return np.array(codes, dtype=np.int64), np.array(times_s) + rng.uniform(0, 50)


def simulate(rng: np.random.Generator, *, n_trials: int | None = None) -> Made:
    """Make a session with a faultless recording."""
    n_trials = n_trials or int(rng.choice([2, 4, 8, 16, 24, 48, 96]))
    codes, log_s = simulate_log(rng, n_trials)
    return record(rng, codes, log_s)


def record(rng: np.random.Generator, codes: np.ndarray, log_s: np.ndarray) -> Made:
    """Record a log with an amplifier of its own clock."""
    fs_hz = float(rng.choice([500, 1000, 1200, 2000, 2048]))
    sent_s = log_s + rng.exponential(rng.choice([0.0001, 0.0005, 0.001]), log_s.size)
    slope = 1 + rng.normal(0, 40e-6)
    times_s = rng.uniform(1, 60) + slope * (sent_s - log_s[0])
    times_s = np.ceil(times_s * fs_hz) / fs_hz
    bounds_s = np.array([0.0, times_s[-1] + rng.uniform(1, 30)])
    starts = np.zeros(codes.size, dtype=np.int64)
    return Made(codes, log_s, starts, codes.copy(), times_s, bounds_s, times_s.copy())


# -- faults -----------------------------------------------------------------------------------------------


def one_lost(rng: np.random.Generator, made: Made) -> None:
    several_lost(rng, made, 1)


def several_lost(rng: np.random.Generator, made: Made, count: int | None = None) -> None:
    count = count or int(rng.integers(2, max(3, made.codes.size // 8)))
    made.keep(~np.isin(np.arange(made.codes.size), rng.choice(made.codes.size, min(count, made.codes.size))))


def cable_out(rng: np.random.Generator, made: Made) -> None:
    begin = int(rng.integers(made.codes.size))
    kept = np.ones(made.codes.size, dtype=bool)
    kept[begin : begin + int(rng.integers(3, 30))] = False
    made.keep(kept)


def one_kind_lost(rng: np.random.Generator, made: Made) -> None:
    made.keep(made.codes != rng.choice([1, 21, 31]))


def late_start(rng: np.random.Generator, made: Made) -> None:
    cut(made, float(rng.uniform(0, made.bounds_s[-1] * 0.9)), None)


def early_end(rng: np.random.Generator, made: Made) -> None:
    cut(made, None, float(rng.uniform(made.bounds_s[-1] * 0.1, made.bounds_s[-1])))


def short_piece(rng: np.random.Generator, made: Made) -> None:
    begin = float(rng.uniform(0, made.bounds_s[-1]))
    cut(made, begin, begin + float(rng.uniform(5, 60)))


def cut(made: Made, begin_s: float | None, end_s: float | None) -> None:
    begin_s, end_s = begin_s or 0.0, min(end_s or made.bounds_s[-1], made.bounds_s[-1])
    made.keep((made.times_s >= begin_s) & (made.times_s < end_s))
    made.truth_s[(made.truth_s < begin_s) | (made.truth_s >= end_s)] = np.nan
    made.times_s = made.times_s - begin_s
    made.truth_s = made.truth_s - begin_s
    made.bounds_s = np.clip(made.bounds_s, begin_s, end_s) - begin_s


def bounced(rng: np.random.Generator, made: Made) -> None:
    chosen = rng.choice(made.codes.size, min(made.codes.size, int(rng.integers(1, 20))))
    made.add(made.codes[chosen], made.times_s[chosen] + rng.uniform(0.002, 0.045, chosen.size))


def newlines(rng: np.random.Generator, made: Made) -> None:
    made.add(np.full(made.codes.size, 10), made.times_s + rng.uniform(0.0005, 0.003))


def strays(rng: np.random.Generator, made: Made) -> None:
    count = int(rng.integers(1, 6))
    made.add(rng.choice(KNOWN, count), rng.uniform(0, made.bounds_s[-1], count))


def transitions(rng: np.random.Generator, made: Made) -> None:
    chosen = np.flatnonzero(rng.random(made.codes.size) < 0.2)
    part = made.codes[chosen] & rng.integers(1, 255, chosen.size)
    made.add(part[part > 0], made.times_s[chosen][part > 0] - 0.001)


def stuck_low(rng: np.random.Generator, made: Made) -> None:
    made.codes = made.codes & ~(1 << int(rng.integers(8)))
    made.keep(made.codes > 0)


def stuck_high(rng: np.random.Generator, made: Made) -> None:
    bit = 1 << int(rng.integers(8))
    seen = made.codes | bit
    times_s, codes = made.times_s[seen != bit], seen[seen != bit]
    made.codes, made.times_s = codes, times_s
    made.add(np.full(codes.size, bit), times_s + 0.008)


def stuck_from_then_on(rng: np.random.Generator, made: Made) -> None:
    later = made.times_s > rng.uniform(0, made.bounds_s[-1])
    made.codes = np.where(later, made.codes & ~(1 << int(rng.integers(8))), made.codes)
    made.keep(made.codes > 0)


def merged(rng: np.random.Generator, made: Made) -> None:
    """Let key presses come within some milliseconds of a picture, so that one code is seen for both."""
    for index in np.flatnonzero(np.isin(made.log_codes, (11, 12))):
        if index + 1 < made.n and made.log_codes[index + 1] == 21 and rng.random() < 0.05:
            press, picture = made.pulse(index + 1), made.pulse(index)
            delay_s = rng.uniform(0.0005, 0.006)
            made.log_s[index + 1] = made.log_s[index] + delay_s
            made.truth_s[index + 1] = made.truth_s[index] + delay_s
            made.codes[picture] |= made.codes[press]
            made.times_s[press] = -1
    made.keep(made.times_s >= 0)


def time_jump(rng: np.random.Generator, made: Made) -> None:
    """Stop and start the recorder within one file, or lose samples: some time is missing."""
    at_s = float(rng.uniform(0.1, 0.9) * made.bounds_s[-1])
    drop(made, at_s, float(rng.choice([0.1, 0.5, 2, 10, 60]) * rng.uniform(0.5, 1.5)))


def two_files(rng: np.random.Generator, made: Made) -> None:
    """Stop the recorder and start it again, into another file."""
    at_s = float(rng.uniform(0.1, 0.9) * made.bounds_s[-1])
    drop(made, at_s, float(rng.uniform(0.5, 90)))
    made.bounds_s = np.sort(np.append(made.bounds_s, min(at_s, made.bounds_s[-1])))


def three_files(rng: np.random.Generator, made: Made) -> None:
    two_files(rng, made)
    two_files(rng, made)


def drop(made: Made, at_s: float, length_s: float) -> None:
    gone = (made.times_s >= at_s) & (made.times_s < at_s + length_s)
    made.keep(~gone)
    made.truth_s[(made.truth_s >= at_s) & (made.truth_s < at_s + length_s)] = np.nan
    for times_s in (made.times_s, made.truth_s, made.bounds_s):
        times_s[:] = np.where(times_s >= at_s + length_s, times_s - length_s, np.minimum(times_s, at_s))


def resumed(rng: np.random.Generator, made: Made) -> None:
    """Start the session again after a crash: its clock begins anew, or goes on a little wrong."""
    at = int(rng.integers(2, made.n)) if made.n > 2 else 1
    made.starts[at:] = 1
    step_s = rng.choice([rng.normal(0, 0.05), rng.uniform(5, 500)])
    made.log_s[at:] += step_s if rng.random() < 0.7 else -made.log_s[at]


def fast_drift(rng: np.random.Generator, made: Made) -> None:
    stretch(made, 1 + rng.choice([-1, 1]) * rng.uniform(300e-6, 4000e-6))


def jittery(rng: np.random.Generator, made: Made) -> None:
    made.times_s = made.times_s + rng.normal(0, 0.002, made.times_s.size)
    made.keep(np.argsort(made.times_s))


def wrong_rate(rng: np.random.Generator, made: Made) -> None:
    stretch(made, float(rng.choice([1.024, 1 / 1.024, 1.2, 1 / 1.2, 2, 0.5, 1.02, 0.98, 2.048])))
    made.is_own = False  # its events must not be placed


def stretch(made: Made, slope: float) -> None:
    made.times_s, made.truth_s, made.bounds_s = (
        values * slope for values in (made.times_s, made.truth_s, made.bounds_s)
    )


def log_lost_its_end(rng: np.random.Generator, made: Made) -> None:
    kept = made.n - int(rng.integers(1, max(2, min(6, made.n - 3))))
    made.log_codes, made.log_s = made.log_codes[:kept], made.log_s[:kept]
    made.starts, made.truth_s = made.starts[:kept], made.truth_s[:kept]


def another_session_too(rng: np.random.Generator, made: Made) -> None:
    """Let the recorder run on into the next participant's session."""
    other = simulate(rng, n_trials=int(rng.choice([4, 16, 48])))
    if rng.random() < 0.5:
        made.add(other.codes, made.bounds_s[-1] + other.times_s)
        made.bounds_s = made.bounds_s.copy()
        made.bounds_s[-1] += other.bounds_s[-1]
        return
    made.times_s, made.truth_s = made.times_s + other.bounds_s[-1], made.truth_s + other.bounds_s[-1]
    made.bounds_s = made.bounds_s + np.where(np.arange(made.bounds_s.size) > 0, other.bounds_s[-1], 0)
    made.add(other.codes, other.times_s)


def another_participant(rng: np.random.Generator, made: Made) -> None:
    replace(made, simulate(rng))


def piece_of_another(rng: np.random.Generator, made: Made) -> None:
    other = simulate(rng)
    short_piece(rng, other)
    replace(made, other)


def same_order_of_trials(rng: np.random.Generator, made: Made) -> None:
    """Take the recording of another session whose trial list was drawn with the same seed."""
    seed, n_trials = int(rng.integers(2**31)), int(rng.choice([4, 8, 24, 48, 96]))
    logs = [simulate_log(rng, n_trials, np.random.default_rng(seed)) for _ in range(2)]
    own = record(rng, *logs[0])
    made.log_codes, made.log_s, made.starts = own.log_codes, own.log_s, own.starts
    made.truth_s = own.truth_s
    replace(made, record(rng, *logs[1]))


def replace(made: Made, other: Made) -> None:
    made.codes, made.times_s, made.bounds_s, made.is_own = other.codes, other.times_s, other.bounds_s, False


Fault = Callable[[np.random.Generator, Made], None]
REPAIRABLE: tuple[Fault, ...] = (
    one_lost, several_lost, cable_out, one_kind_lost, late_start, early_end, short_piece, bounced, newlines,
    strays, transitions, merged, stuck_low, stuck_high, stuck_from_then_on, time_jump, two_files, three_files,
    resumed, fast_drift, jittery, log_lost_its_end, another_session_too,
)  # fmt: skip
FOREIGN: tuple[Fault, ...] = (wrong_rate, another_participant, piece_of_another, same_order_of_trials)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a recording."""

    word: str
    """right, refused or wrong."""
    share_placed: float
    """Part of the recorded events that were placed."""
    reason: str = ""
    """Why it was refused."""


def judge(made: Made) -> Verdict:
    """Align a recording and compare it with the truth."""
    logged = LoggedCodes(codes=made.log_codes, times_s=made.log_s, starts=made.starts)
    recorded = RecordedCodes(codes=made.codes, times_s=made.times_s, bounds_s=made.bounds_s)
    try:
        aligned = align(logged, recorded, known=KNOWN)
    except NotProvenError as error:
        return Verdict("refused", 0.0, str(error))
    placed = ~np.isnan(aligned.placed_s)
    if not made.is_own:
        return Verdict("wrong", 0.0)
    off = ~(np.abs(aligned.placed_s - made.truth_s) <= MAX_ERROR_S) & placed
    was_recorded = ~np.isnan(made.truth_s)
    share = float(placed[was_recorded].mean()) if was_recorded.any() else 1.0
    return Verdict("wrong" if off.any() else "right", share)


def simulate_faults(
    faults: tuple[Fault, ...], n_sessions: int, *, seed: int, at_once: int = 1, n_trials: int | None = None
) -> dict[str, list[Verdict]]:
    """Plant each fault in sessions of 2 to 96 trials, or of `n_trials`, and `at_once` - 1 others with it."""
    found: dict[str, list[Verdict]] = {}
    for number, fault in enumerate(tqdm(faults, disable=None, leave=False)):
        rng = np.random.default_rng([seed, number])
        verdicts = found.setdefault(fault.__name__, [])
        for _ in range(n_sessions):
            made = simulate(rng, n_trials=n_trials)
            for other in rng.choice(len(REPAIRABLE), at_once - 1):
                if made.codes.size:
                    REPAIRABLE[other](rng, made)
            if made.codes.size:
                fault(rng, made)
            verdicts.append(judge(made))
    return found


def table(found: dict[str, list[Verdict]]) -> list[str]:
    """Make the rows of a Markdown table."""
    lines = ["| fault | right | refused | wrong | events placed |", "|---|---|---|---|---|"]
    for name, verdicts in found.items():
        counts = Counter(verdict.word for verdict in verdicts)
        right = [verdict.share_placed for verdict in verdicts if verdict.word == "right"]
        share = f"{100 * np.mean(right):.1f} %" if right else ""
        cells = [
            name.replace("_", " "),
            *(str(counts[word]) for word in ("right", "refused", "wrong")),
            share,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200, help="sessions per fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=1, help="faults in one recording")
    parser.add_argument("--trials", type=int, default=None, help="trials of a session; else 2 to 96")
    asked = parser.parse_args()
    found = simulate_faults(
        REPAIRABLE + FOREIGN, asked.sessions, seed=asked.seed, at_once=asked.at_once, n_trials=asked.trials
    )
    lines = table(found)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
