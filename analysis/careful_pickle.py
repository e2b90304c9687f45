"""Opens files that other programs pickled, without running what a pickle may ask for.

A pickle can run any program when it is opened. These readers know numbers, texts, arrays, lists,
dictionaries, dates and paths, and refuse everything else.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

_HARMLESS = {
    "builtins": {"complex", "frozenset", "range", "set", "slice", "bytearray", "list", "dict", "tuple"},
    "collections": {"OrderedDict", "defaultdict"},
    "pathlib": {"Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"},
    "datetime": {"datetime", "date", "timedelta", "timezone"},
    "_codecs": {"encode"},
}
_NUMPY = {"_reconstruct", "scalar", "ndarray", "dtype", "_frombuffer"}


class _CarefulUnpickler(pickle.Unpickler):
    """Opens only what recordings hold: numbers, texts, arrays, lists and paths."""

    def find_class(self, module: str, name: str) -> Any:
        is_numpy = module.split(".")[0] == "numpy" and (name in _NUMPY or name.startswith("dtype"))
        if is_numpy or name in _HARMLESS.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_array(path: Path, *, program: str) -> Any:
    """Read an ``.npy`` file, also one whose content is pickled, as far as that is harmless.

    Parameters
    ----------
    path
        The file.
    program
        Which program should have written it, for the message.

    Returns
    -------
    numpy.ndarray or object
        The array; where the file holds one pickled object, a 0-dimensional array or the object itself.

    Raises
    ------
    ValueError
        If the file asks for more than data, or is no such file.
    """
    content = path.read_bytes()
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(stream)
        if not dtype.hasobject:
            return np.load(io.BytesIO(content), allow_pickle=False)
        found = _CarefulUnpickler(stream).load()
    except pickle.UnpicklingError as error:
        raise ValueError(_refusal(path, error)) from None
    except (ValueError, EOFError, IndexError, AttributeError, ImportError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a file that {program} writes, or a damaged one ({error})") from None
    return found.reshape(shape) if isinstance(found, np.ndarray) else found


def unpickle(content: bytes, *, source: Path) -> Any:
    """Return what was pickled, as far as that is harmless.

    Parameters
    ----------
    content
        The pickle.
    source
        The file that it comes from, for the message.

    Raises
    ------
    ValueError
        If it asks for more than data, or is damaged.

    Examples
    --------
    >>> unpickle(pickle.dumps({"fs": 30.0}), source=Path("settings"))
    {'fs': 30.0}
    >>> unpickle(pickle.dumps(print), source=Path("settings"))
    Traceback (most recent call last):
    ...
    ValueError: settings is not opened: it asks for builtins.print, which a recording has no need of. ...
    """
    try:
        return _CarefulUnpickler(io.BytesIO(content)).load()
    except pickle.UnpicklingError as error:
        raise ValueError(_refusal(source, error)) from None
    except (ValueError, EOFError, IndexError, AttributeError, ImportError, TypeError, KeyError) as error:
        raise ValueError(f"{source} is damaged: what was pickled in it cannot be read ({error})") from None


def _refusal(path: Path, error: Exception) -> str:
    return (
        f"{path} is not opened: {error}, which a recording has no need of. Do not open this file with other "
        "programs either, unless you know who made it"
    )
