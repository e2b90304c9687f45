"""How balanced permuted blocks are, and how well the next group could be guessed: docs/allocation.md.

python tests/benchmarks/bench_allocation.py [--lists 4000]        (a minute on one core)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from experiments.allocation.blocks import permuted_blocks
from experiments.allocation.predictability import best_guesses

PLACES = 44
"""Places of a list, as one of the paper's groups of 130 participants, or its men, has."""
DESIGNS: tuple[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], ...] = (
    ((1, 1), ((1,), (2,), (3,), (2, 3), (2, 3, 4), (1, 2, 3))),
    ((1, 1, 1), ((1,), (2,), (3,), (2, 3), (2, 3, 4), (1, 2, 3))),
)


def measure(ratio: Sequence[int], multiples: Sequence[int], n_lists: int) -> tuple[str, ...]:
    """Return one row of the table."""
    rng = np.random.default_rng(2023)
    best, worst, end = [], 0, []
    for _ in range(n_lists):
        groups = [group for *_, group in permuted_blocks(PLACES, ratio=ratio, multiples=multiples, rng=rng)]
        best.append(best_guesses(groups, ratio=ratio, multiples=multiples)[0])
        so_far = np.cumsum(np.asarray(groups)[:, None] == np.arange(len(ratio)), axis=0)
        apart = so_far.max(axis=1) - so_far.min(axis=1)
        worst = max(worst, int(apart.max()))
        end.append(apart[-1])
    guesses = np.array(best)
    sizes = ", ".join(str(sum(ratio) * multiple) for multiple in multiples)
    return (
        str(len(ratio)),
        sizes,
        str(worst),
        f"{np.mean(end):.1f}",
        f"{100 / len(ratio):.0f} %",
        f"{100 * guesses.mean():.1f} %",
        f"{100 * (guesses > 0.9).mean():.1f} %",
        f"{100 * (guesses > 1 - 1e-9).mean():.1f} %",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=4000)
    n_lists = parser.parse_args().lists
    head = ("groups", "sizes of blocks", "largest difference", "difference at the end", "chance")
    head += ("right guesses", "over 90 % sure", "certain")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for ratio, choices in DESIGNS:
        for multiples in choices:
            print(f"| {' | '.join(measure(ratio, multiples, n_lists))} |", flush=True)


if __name__ == "__main__":
    main()
