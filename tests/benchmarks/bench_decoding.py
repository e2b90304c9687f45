"""How long analyses of expressions take, and how much memory: correlations, t-SNE, forests, permutations.

Run with ``python tests/benchmarks/bench_decoding.py``; ``--quick`` leaves out t-SNE and grows fewer trees.
One thread throughout; CPU seconds are what compares on a busy machine, and ratios are within one run. Memory
is the most that numpy held at a time during the step, on top of its input; the line at the end is the largest
size of the whole process.

Descriptors are simulated: 9 mice, 7 classes, 3 repeats, 3136 features (916 x 475 pixels).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is imported

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sklearn.ensemble import RandomForestClassifier  # noqa: E402

from analysis.faces.decoding import decode, subtract_baseline  # noqa: E402
from analysis.faces.embedding import embed  # noqa: E402
from analysis.faces.forest import forest_predictor, grow_forest, held_out_votes, rank_features  # noqa: E402
from analysis.faces.similarity import cluster_frames, correlate_frames, correlate_with  # noqa: E402
from hardware.simulated.mouse_descriptors import simulate_faces  # noqa: E402

N_FEATURES = 3136


def peak_mb() -> float:
    """Return the largest size that the process has had, in MB; NaN where the system does not tell."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1e6 if sys.platform == "darwin" else 1e3)


def timed(what: str, action: Callable[[], object], *, repeats: int = 1, memory: bool = False) -> float:
    """Do something, print what it took, and return its CPU seconds (the quickest of the repeats)."""
    spent = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        action()
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu_s, wall_s = min(spent)
    held = f"{held_mb(action):8.0f}" if memory else ""
    print(f"{what:<66} {cpu_s:9.3f} {wall_s:9.3f} {held}", flush=True)
    return cpu_s


def held_mb(action: Callable[[], object]) -> float:
    """Do something again, and return how many MB of arrays it held at a time."""
    tracemalloc.start()
    action()
    held = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return held


def correlations(rng: np.random.Generator) -> None:
    """Time correlations and clusters."""
    rows = rng.random((10_000, N_FEATURES), np.float32)
    timed("10 000 frames with 6 prototypes", lambda: correlate_with(rows, rows[:6]), repeats=3, memory=True)
    timed("the same with numpy.corrcoef, frame by frame (1 000 frames)",
          lambda: [np.corrcoef(row, rows[0]) for row in rows[:1000] for _ in range(6)])  # fmt: skip
    timed("5 000 frames with each other", lambda: correlate_frames(rows[:5000]), memory=True)
    timed("the same with numpy.corrcoef", lambda: np.corrcoef(rows[:5000]), memory=True)
    found = correlate_frames(rows[:2000])
    timed("clusters of 2 000 frames", lambda: cluster_frames(found), memory=True)


def embeddings(rng: np.random.Generator) -> None:
    """Time t-SNE of one animal."""
    faces = simulate_faces(rng=rng, n_animals=1, n_features=N_FEATURES, fs_hz=30.0)
    kept = faces.frames["during"].to_numpy()
    for preset in ("paper", "recommended"):
        rows = faces.descriptors[kept]
        timed(f"t-SNE of {len(rows)} frames, {preset}", lambda p=preset, x=rows: embed(x, rng=rng, preset=p))


def forests(rng: np.random.Generator, *, quick: bool) -> None:
    """Time forests and permutations."""
    faces = simulate_faces(rng=rng, n_features=N_FEATURES, fs_hz=20.0, effect=0.3)
    during, frames = faces.frames["during"].to_numpy(), faces.frames
    values = subtract_baseline(faces.descriptors, frames["animal"].to_numpy(), ~during)[during]
    label, animal, trial = (frames[name].to_numpy()[during] for name in ("label", "animal", "trial"))
    classes = np.unique(label, return_inverse=True)[1].astype(np.uint8)
    n, n_trees = len(values), 10 if quick else 30
    print(f"{n} frames of {len(set(animal))} mice, {N_FEATURES} features")
    ranked = rank_features(values[:50])
    rows = np.arange(50)
    held_out_votes(ranked, classes[:50], rows, rows, n_classes=7, seeds=np.arange(2))  # compiled now
    timed("ranks, once for all folds and permutations", lambda: rank_features(values), memory=True)
    ranked, rows, seeds = rank_features(values), np.arange(n), np.arange(n_trees)
    grow = lambda: held_out_votes(ranked, classes, rows, rows[:9], n_classes=7, seeds=seeds)  # noqa: E731
    ours = timed(f"forest of {n_trees} trees", grow)
    theirs = RandomForestClassifier(n_trees, class_weight="balanced", n_jobs=1, random_state=0)
    sklearn = timed("the same, scikit-learn", lambda: theirs.fit(values, label))
    print(f"  -> {sklearn / ours:.1f} times")
    one_row(values, label, rng)
    columns = (label, animal, trial)
    rates = {
        "all features, 10 trees": permutation_s(values, columns, rng, n_test_trees=10),
        "50 components, 50 trees": permutation_s(values, columns, rng, n_test_trees=50, pca=50),
    }
    rates["all features, 50 trees (from that with 10)"] = 5 * rates["all features, 10 trees"]
    tree_s = sklearn / n_trees * 8 / 9
    print(f"{'seconds of CPU for 99 permutations, 9 folds each':<66} {'':>9} {'minutes':>9}")
    print(f"{'  scikit-learn, 100 trees (from the fit above)':<66} {'':>9} {99 * 9 * 100 * tree_s / 60:9.1f}")
    for name, rate in rates.items():
        print(f"{'  ours, ' + name:<66} {'':>9} {99 * rate / 60:9.1f}")


def permutation_s(
    values: np.ndarray, columns: tuple[np.ndarray, ...], rng: np.random.Generator, **options: int
) -> float:
    """Return the CPU seconds of a further permutation of the labels, animals left out."""
    said = ", ".join(f"{name} = {value}" for name, value in options.items())

    def some(n_permutations: int) -> None:
        decode(values, *columns, rng=rng, n_trees=1, n_permutations=n_permutations, **options)

    few = timed(f"decode, {said}: 1 permutation", lambda: some(1))
    return (timed(f"decode, {said}: 4 permutations", lambda: some(4)) - few) / 3


def one_row(values: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> None:
    """Time the prediction of a single frame."""
    theirs = RandomForestClassifier(100, n_jobs=1, random_state=0).fit(values[::4], label[::4])
    ours = forest_predictor(theirs)
    assert np.array_equal(ours.predict_proba(values[:500]), theirs.predict_proba(values[:500]))
    grown = grow_forest(values[::4], label[::4], rng=rng, n_trees=100)
    picked = rng.integers(0, len(values), 2000)

    def each(predict: Callable, n_rows: int) -> Callable[[], object]:
        return lambda: [predict(row) for row in picked[:n_rows]]

    theirs_one = each(lambda row: theirs.predict_proba(values[row : row + 1]), 100)
    first = timed("100 single rows, 100 trees, scikit-learn", theirs_one, repeats=3)
    ours_one = each(lambda row: ours.predict_one(values[row]), 2000)
    second = timed("2000 single rows, 100 trees, the same forest, ours", ours_one, repeats=5)
    grown_one = each(lambda row: grown.predict_one(values[row]), 2000)
    timed("2000 single rows, 100 trees, a forest of ours", grown_one, repeats=5)
    print(f"  -> {first * 10:.2f} ms and {second / 2:.4f} ms a row: {first * 20 / second:.0f} times")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    quick = parser.parse_args().quick
    load = os.getloadavg() if hasattr(os, "getloadavg") else ("not known",)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, load {load}")
    print(f"{'':<66} {'CPU s':>9} {'wall s':>9} {'MB':>8}")
    rng = np.random.default_rng(1)
    correlations(rng)
    forests(rng, quick=quick)
    if not quick:
        embeddings(rng)
    print(f"largest size of the process: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
