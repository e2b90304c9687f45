"""How near morphs come to in-betweens that are known: those of the built-in faces."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from stimuli.rendered.plan import draw_pairs

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "bench_morph.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    described = importlib.util.spec_from_file_location("bench_morph", SCRIPT)
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["id02", pytest.param("id07", marks=pytest.mark.slow)])
def test_morphs_resemble_true_in_betweens(bench: ModuleType, name: str) -> None:
    pair = next(pair for pair in draw_pairs(10, seed=1) if pair.pair == name)
    truth = bench.render_truth(pair, [0.5])
    exact, found, alone, dissolved = (
        bench.similarity(truth, frames)
        for frames in (
            bench.our_frames(truth, exact=True, levels=[0.5]),
            bench.our_frames(truth, exact=False, levels=[0.5]),
            bench.our_frames(truth, exact=False, levels=[0.5], flow_passes=0),
            bench.dissolved_frames(truth, [0.5]),
        )
    )
    assert exact["face"] >= 0.95
    assert found["face"] >= 0.93
    assert found["face"] > alone["face"] + 0.02 > dissolved["face"]
    assert exact["brows"] > 0.85
    assert exact["skin"] > 0.96
    assert all(np.isfinite(list(exact.values())))
