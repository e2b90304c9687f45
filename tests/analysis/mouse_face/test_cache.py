"""Results that take minutes are made once, found again only if all that decides them is the same, and go."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mouse_face.cache import CLIPS, FOLDER, fingerprint, forget_unused, remembered

DAY_S = 86_400.0


@dataclass(frozen=True, eq=False)
class Found:
    """A result with all that results consist of."""

    table: pd.DataFrame
    values: np.ndarray
    numbers: dict[str, float]
    words: tuple[str, ...]
    nothing: None


def make(seed: int = 1) -> Found:
    values = np.random.default_rng(seed).normal(size=(3, 2))
    table = pd.DataFrame(values, index=pd.Index(["a", "b", "c"], name="animal"), columns=["one", "two"])
    return Found(table, values, {"p": 0.25, "lower": np.nan}, ("trial", "ü"), None)


def test_a_kept_result_is_what_was_made(tmp_path: Path) -> None:
    made_of = {"frames": np.arange(5), "rng": np.random.default_rng(3)}
    first = remembered(tmp_path, "decoding", made_of, Found, make)
    again = remembered(tmp_path, "decoding", made_of, Found, lambda: pytest.fail("made twice"))
    pd.testing.assert_frame_equal(again.table, first.table)
    np.testing.assert_array_equal(again.values, first.values)
    assert repr(again.numbers) == repr(first.numbers)
    assert (again.words, again.nothing) == (("trial", "ü"), None)


@pytest.mark.parametrize("other", [np.arange(6), np.arange(5.0), np.array(list("abcde"))])
def test_other_values_make_another_result(tmp_path: Path, other: np.ndarray) -> None:
    remembered(tmp_path, "decoding", {"frames": np.arange(5)}, Found, make)
    found = remembered(tmp_path, "decoding", {"frames": other}, Found, lambda: make(2))
    assert not np.array_equal(found.values, make().values)


def test_random_numbers_in_another_state_make_another_name() -> None:
    rng = np.random.default_rng(1)
    before = fingerprint({"rng": rng})
    rng.random()
    assert fingerprint({"rng": rng}) != before


def test_what_no_report_needs_is_deleted_and_descriptors_are_not(tmp_path: Path) -> None:
    results = tmp_path / FOLDER
    results.mkdir(parents=True)
    clips, recent = (results.parent / CLIPS.format(key) for key in ("aa", "bb"))
    descriptors = results.parent / "sub-m01_ses-emotions_faces.h5"
    needed = remembered(results, "decoding", {"frames": 1}, Found, make)
    remembered(results, "decoding", {"frames": 2}, Found, make)
    for path in (clips, recent, descriptors):
        path.write_bytes(b"\x00")
    for path in (clips, descriptors, *results.iterdir()):
        os.utime(path, (time.time() - 15 * DAY_S,) * 2)
    remembered(results, "decoding", {"frames": 1}, Found, lambda: needed)
    deleted = forget_unused(tmp_path, days=14)
    assert clips in deleted and len(deleted) == 2
    assert recent.exists() and descriptors.exists() and len(list(results.iterdir())) == 1
