"""Which imaging belongs to which session: imaging.tsv, suite2p, times, and what does not fit."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.mouse_face.imaging import find_imaging
from analysis.mouse_sessions import CalciumTraces


def session(study: Path, name: str, calcium: CalciumTraces | None = None) -> Any:
    return SimpleNamespace(path=study / "sub-m1" / f"{name}.nwb", calcium=calcium)


def suite2p(folder: Path, n_frames: int = 40) -> Path:
    """A folder with three cells."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    np.save(folder / "F.npy", 100 + rng.random((3, n_frames)))
    np.save(folder / "Fneu.npy", rng.random((3, n_frames)))
    np.save(folder / "iscell.npy", np.ones((3, 2)))
    stat = [{"ypix": np.array([n]), "xpix": np.array([n + 1])} for n in range(3)]
    np.save(folder / "stat.npy", np.array(stat, dtype=object), allow_pickle=True)
    return folder


def write(study: Path, **columns: str) -> None:
    row = {"session": "sub-m1_ses-a.nwb", "source": "suite2p/plane0", **columns}
    text = "\t".join(row) + "\n" + "\t".join(row.values()) + "\n"
    (study / "imaging.tsv").write_text(text, encoding="utf-8")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    suite2p(tmp_path / "suite2p" / "plane0")
    (tmp_path / "times.txt").write_text("\n".join(f"{0.5 + n / 10:.3f}" for n in range(40)), encoding="utf-8")
    return tmp_path


def test_times_of_a_file(study: Path) -> None:
    write(study, times="times.txt")
    found = find_imaging(study, [session(study, "sub-m1_ses-a"), session(study, "sub-m1_ses-b")])
    assert list(found) == ["sub-m1_ses-a"]
    calcium = found["sub-m1_ses-a"]
    assert calcium.dff.shape == (3, 40) and calcium.times_s[0] == 0.5 and len(calcium.masks) == 3


@pytest.mark.parametrize("name", ["sub-m1_ses-a", "sub-m1_ses-a.nwb", "sub-m1/sub-m1_ses-a.nwb"])
def test_times_of_a_rate_and_names_of_a_session(study: Path, name: str) -> None:
    write(study, session=name, rate_hz="10", start_s="2.0")
    found = find_imaging(study, [session(study, "sub-m1_ses-a")])
    assert found["sub-m1_ses-a"].times_s[:2].tolist() == [2.0, 2.1]


def test_neurons_of_the_session_itself_stay(tmp_path: Path) -> None:
    rois = pd.DataFrame({"roi": [0], "x_px": [0.0], "y_px": [0.0], "n_px": [1]})
    own = CalciumTraces(np.zeros((1, 2)), np.arange(2.0), rois, ())
    assert find_imaging(tmp_path, [session(tmp_path, "a", own)]) == {"a": own}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"times": "short.txt"}, "have 40 frames, but there are 39 times"),
        ({"times": "back.txt"}, "times must increase"),
        ({}, "when were the imaging frames taken"),
        ({"rate_hz": "10"}, "when were the imaging frames taken"),
        ({"rate_hz": "-10", "start_s": "0"}, "rate_hz should be above 0"),
        ({"session": "other.nwb", "times": "times.txt"}, "there is no session 'other.nwb'"),
        ({"source": "times.txt", "times": "times.txt"}, "expected a folder of suite2p or a file of CaImAn"),
    ],
)
def test_what_does_not_fit_is_refused(study: Path, columns: dict[str, str], message: str) -> None:
    times = (study / "times.txt").read_text(encoding="utf-8").splitlines()
    (study / "short.txt").write_text("\n".join(times[:-1]), encoding="utf-8")
    (study / "back.txt").write_text("\n".join([*times[:5], times[3], *times[6:]]), encoding="utf-8")
    write(study, **columns)
    with pytest.raises(ValueError, match=message):
        find_imaging(study, [session(study, "sub-m1_ses-a")])


def test_a_missing_folder_or_column_is_named(study: Path) -> None:
    write(study, source="suite2p/plane7", times="times.txt")
    with pytest.raises(FileNotFoundError, match=r"line 2: there is no folder or file .*plane7"):
        find_imaging(study, [session(study, "sub-m1_ses-a")])
    (study / "imaging.tsv").write_text("session\tfolder\n", encoding="utf-8")
    with pytest.raises(ValueError, match="absent: source"):
        find_imaging(study, [session(study, "sub-m1_ses-a")])


def test_two_sources_of_one_session_are_refused(study: Path) -> None:
    rois = pd.DataFrame({"roi": [0], "x_px": [0.0], "y_px": [0.0], "n_px": [1]})
    own = CalciumTraces(np.zeros((1, 2)), np.arange(2.0), rois, ())
    write(study, times="times.txt")
    with pytest.raises(ValueError, match="has neurons already"):
        find_imaging(study, [session(study, "sub-m1_ses-a", own)])


def test_numbers_of_regions_that_do_not_agree(study: Path) -> None:
    np.save(study / "suite2p" / "plane0" / "iscell.npy", np.ones((2, 2)))
    write(study, times="times.txt")
    with pytest.raises(ValueError, match="numbers of ROIs or frames do not agree"):
        find_imaging(study, [session(study, "sub-m1_ses-a")])


class Harmful:
    """What a pickle may do to whoever opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_must_not_be_trusted(study: Path, tmp_path: Path) -> None:
    harmful = np.array([Harmful(tmp_path / "run")], dtype=object)
    np.save(study / "suite2p" / "plane0" / "stat.npy", harmful, allow_pickle=True)
    write(study, times="times.txt")
    with pytest.raises(ValueError, match="not opened: it asks for"):
        find_imaging(study, [session(study, "sub-m1_ses-a")])
    assert not (tmp_path / "run").exists()
