"""Files of suite2p and CaImAn, as these programs write them, and files that must not be trusted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import sparse

from analysis.calcium.readers import read_caiman, read_suite2p, relative_change


def suite2p(folder: Path, **changes: Any) -> Path:
    """A folder with five ROIs, of which three are cells."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    content: dict[str, Any] = {
        "F": 100 + rng.random((5, 40)).astype(np.float32),
        "Fneu": rng.random((5, 40)).astype(np.float32),
        "spks": rng.random((5, 40)).astype(np.float32),
        "iscell": np.column_stack([[1, 0, 1, 1, 0], rng.random(5)]),
        "stat": np.array(
            [
                {
                    "ypix": np.array([n, n + 1]),
                    "xpix": np.array([3, 5]),
                    "lam": np.ones(2, np.float32),
                    "med": [n, 4],
                    "npix": np.int64(2),
                }
                for n in range(5)
            ],
            dtype=object,
        ),
        "ops": np.array({"fs": 7.5, "save_path0": Path("somewhere"), "yrange": [1, 2]}, dtype=object),
        **changes,
    }
    for name, value in content.items():
        if value is not None:
            np.save(folder / f"{name}.npy", value, allow_pickle=True)
    return folder


def test_suite2p_of_older_versions(tmp_path: Path) -> None:
    folder = suite2p(tmp_path / "plane0")
    found = read_suite2p(folder)
    assert found.rate_hz == 7.5 and found.source == "suite2p"
    assert found.neurons["roi"].tolist() == [0, 2, 3]
    assert found.neurons["y_px"].tolist() == [0.5, 2.5, 3.5] and found.neurons["x_px"].tolist() == [4, 4, 4]
    raw, around = np.load(folder / "F.npy"), np.load(folder / "Fneu.npy")
    assert np.allclose(found.traces, relative_change(raw - 0.7 * around)[[0, 2, 3]])
    assert len(read_suite2p(folder, only_cells=False).traces) == 5


def test_suite2p_of_newer_versions(tmp_path: Path) -> None:
    settings = np.array({"fs": 12.0, "tau": 1.0, "run": {"do_registration": 1}}, dtype=object)
    found = read_suite2p(suite2p(tmp_path / "plane0", ops=None, settings=settings, db=np.array({}, object)))
    assert found.rate_hz == 12.0
    assert read_suite2p(suite2p(tmp_path / "other", ops=None)).rate_hz is None


class Harmful:
    """What a pickle may do to whoever opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["stat", "ops"])
def test_a_pickle_that_wants_to_run_something_is_not_opened(tmp_path: Path, name: str) -> None:
    folder = suite2p(tmp_path / "plane0", **{name: np.array([Harmful(tmp_path / "run")], dtype=object)})
    with pytest.raises(ValueError, match=r"not opened: it asks for .*mkdir"):
        read_suite2p(folder)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stat": np.array([{}] * 4, dtype=object)}, "do not agree"),
        ({"Fneu": np.zeros((5, 39))}, "do not agree"),
        ({"iscell": np.zeros((5, 2))}, "none of 5 ROIs"),
    ],
)
def test_wrong_folders_of_suite2p(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_suite2p(suite2p(tmp_path / "plane0", **changes))


def test_incomplete_and_damaged_folders_of_suite2p(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no F.npy"):
        read_suite2p(tmp_path)
    folder = suite2p(tmp_path / "plane0")
    content = (folder / "stat.npy").read_bytes()
    (folder / "stat.npy").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"stat.npy is not"):
        read_suite2p(folder)
    (folder / "stat.npy").write_bytes(b"no array at all")
    with pytest.raises(ValueError, match=r"stat.npy is not"):
        read_suite2p(folder)


def caiman(path: Path, **changes: Any) -> Path:
    """A file with four components on a picture of 6 x 5 pixels, counted down the columns."""
    shapes = np.zeros((30, 4))
    for component in range(4):
        for row, column in ((component, 1), (component + 1, 1)):
            shapes[row + 6 * column, component] = 1.0
    rng = np.random.default_rng(2)
    arrays: dict[str, Any] = {
        "C": 5 + rng.random((4, 50)),
        "F_dff": rng.random((4, 50)),
        "idx_components": np.array([0, 3]),
        "dims": np.array([6, 5]),
        **changes,
    }
    with h5py.File(path, "w") as file:
        estimates = file.create_group("estimates")
        matrix = sparse.csc_matrix(shapes)
        group = estimates.create_group("A")
        for name in ("data", "indices", "indptr", "shape"):
            group[name] = getattr(matrix, name)
        for name, value in arrays.items():
            if value is not None:
                estimates[name] = value
        file.create_group("params").create_group("data")["fr"] = 15
    return path


def test_caiman(tmp_path: Path) -> None:
    found = read_caiman(caiman(tmp_path / "results.hdf5"))
    assert found.neurons["roi"].tolist() == [0, 3] and found.rate_hz == 15
    assert found.neurons["y_px"].tolist() == [0.5, 3.5] and found.neurons["x_px"].tolist() == [1, 1]
    assert found.traces.shape == (2, 50)
    all_of_them = read_caiman(caiman(tmp_path / "b.hdf5", F_dff="NoneType", idx_components="NoneType"))
    assert all_of_them.traces.shape == (4, 50)
    assert all_of_them.traces.min() > -0.2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"C": np.ones((3, 50)), "F_dff": None}, "files of two runs"),
        ({"dims": np.array([7, 5])}, "size of the picture"),
        ({"C": None}, "result file of CaImAn"),
    ],
)
def test_wrong_files_of_caiman(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_caiman(caiman(tmp_path / "results.hdf5", **changes))


def test_files_that_are_not_of_caiman(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_caiman(tmp_path / "nothing.hdf5")
    (tmp_path / "text.hdf5").write_text("no HDF5")
    with pytest.raises(ValueError, match="not an HDF5 file"):
        read_caiman(tmp_path / "text.hdf5")
