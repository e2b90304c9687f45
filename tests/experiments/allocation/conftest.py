"""An allocation with a key that is quick to open."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from experiments.allocation.actions import Given
from experiments.allocation.blocks import name_strata
from experiments.allocation.creation import create
from experiments.allocation.files import Allocation
from experiments.allocation.keeper import Key
from experiments.allocation.settings import AllocationSettings

VIENNA = timezone(timedelta(hours=1))
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=VIENNA)
PASSPHRASE = "five words that do not belong"
QUICK = 2**10
"""Cost of the passphrase's hash in tests."""


def at(hours: float = 0.0, *, by: str = "CB", reason: str | None = "a test") -> Given:
    """So many hours after nine in the morning."""
    return Given(by=by, now=MORNING + timedelta(hours=hours), reason=reason)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Allocation]:
    """Make an allocation; arguments are those of the settings."""

    def make(study: Path = tmp_path / "study", *, n: int = 12, **changes: Any) -> Allocation:
        create_with: dict[str, Any] = {"multiples": (2, 3), "seed": 20230706}
        create_with |= {name: changes.pop(name) for name in ("multiples", "seed") if name in changes}
        strata = changes.pop("strata", {"sex": ("F", "M")})
        settings: dict[str, Any] = {
            "groups": ("amisulpride", "naltrexone", "placebo"),
            "ratio": (1, 1, 1),
            "n_in": dict.fromkeys(name_strata(strata), n),
            **changes,
        }
        made, _ = create(
            study,
            AllocationSettings(id=secrets.token_hex(8), strata=strata, **settings),
            passphrase=PASSPHRASE,
            given=at(-24, by="keeper"),
            scrypt_n=QUICK,
            **create_with,
        )
        return made

    return make


@pytest.fixture
def key() -> Callable[[Allocation], Key]:
    """Give what opens an allocation."""
    return lambda allocation: Key(path=allocation.default_key, passphrase=PASSPHRASE)
