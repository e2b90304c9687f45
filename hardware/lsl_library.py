"""The Lab Streaming Layer, loaded when it is needed, and without its notes on stderr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

QUIET = "[log]\nlevel = -2\n"
"""Configuration of LSL that leaves everything as it is but its messages."""

_PLACES = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
"""Where LSL looks for a laboratory's own configuration."""


def load_pylsl() -> Any:
    """Import pylsl; a laboratory's own configuration of LSL is left alone.

    Raises
    ------
    ValueError
        If LSL does not work here; the message says what to install.
    """
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: the library below it is missing
        raise ValueError(
            f"the Lab Streaming Layer does not work here ({error}): pip install --force-reinstall pylsl"
        ) from None
    own = os.environ.get("LSLAPICFG") or any(Path(place).expanduser().is_file() for place in _PLACES)
    if not own and hasattr(pylsl, "set_config_content"):
        pylsl.set_config_content(QUIET)
    return pylsl
