"""The list of a study: drawn once, and sealed."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.allocation.actions import Given
from experiments.allocation.blocks import Slot, draw_list
from experiments.allocation.codes import draw_codes
from experiments.allocation.files import PACKAGES_NAME, Allocation, file_hash, open_allocation, write_places
from experiments.allocation.register import Place
from experiments.allocation.settings import SETTINGS_NAME, AllocationSettings
from experiments.dataset.chained_log import ChainedLog, LogEntry
from experiments.dataset.sealed_key import FOLDER, KEY_NAME, LOG_NAME, SCRYPT_N, seal, signing_key
from experiments.dataset.study import create_study
from experiments.dataset.tables import write_json

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SHORTEST_SEED = 32
"""Hexadecimal digits: with fewer, all seeds could be tried until the list fits what is known of it."""


def create(
    study: Path,
    settings: AllocationSettings,
    *,
    multiples: Sequence[int],
    passphrase: str,
    given: Given,
    seed: int | None = None,
    key_path: Path | None = None,
    scrypt_n: int = SCRYPT_N,
) -> tuple[Allocation, LogEntry]:
    """Draw the list of a study and seal it.

    Parameters
    ----------
    study : Path
        Folder of the study; made when it does not exist.
    settings : AllocationSettings
        The public part.
    multiples : sequence of int
        Sizes that a block may have, in multiples of the smallest.
    passphrase : str
        Opens the key. Nobody can help who has lost it.
    given : Given
        Who makes it, and when.
    seed : int, optional
        Of the list; drawn from the system's source of randomness when it is not given.
    key_path : Path, optional
        Where the sealed key goes, if not into the study.
    scrypt_n : int
        Cost of the passphrase's hash.

    Raises
    ------
    FileExistsError
        If there is an allocation: a list is made once.
    ValueError
        If something does not fit.
    """
    _check_multiples(multiples)
    folder = study / FOLDER
    target = key_path or folder / KEY_NAME
    if folder.exists() or target.exists():
        raise FileExistsError(f"{folder if folder.exists() else target} exists: a study's list is drawn once")
    if key_path is not None and not key_path.resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {key_path.resolve().parent} for the sealed key")
    seed = secrets.randbits(256) if seed is None else seed
    slots = draw_list(
        settings.n_in, groups=settings.groups, ratio=settings.ratio, multiples=multiples, seed=seed
    )
    places = _with_codes(slots, replacement_packages=settings.replacement_packages)
    content = _content(settings, slots, places, multiples=multiples, seed=seed)
    sealed = seal(content, passphrase, scrypt_n=scrypt_n)
    create_study(study, name=study.resolve().name, simulated=settings.simulated)
    unfinished = folder.with_name(".allocation.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        write_json(unfinished / SETTINGS_NAME, settings.record(), simulated=settings.simulated)
        write_places(unfinished / PACKAGES_NAME, places, replacement_packages=settings.replacement_packages)
        hashes = {name: file_hash(unfinished / name) for name in (SETTINGS_NAME, PACKAGES_NAME)}
        entry = ChainedLog(unfinished / LOG_NAME).append(
            "create",
            by=given.by,
            now=given.now,
            details={"id": settings.id, "n_packages": len(places), "sha256": hashes},
            key=signing_key(content),
        )
        with (unfinished / KEY_NAME if key_path is None else key_path).open("xb") as file:
            file.write(sealed)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return open_allocation(study), entry


def read_seed(text: str) -> int:
    """Read a seed that was drawn elsewhere.

    Raises
    ------
    ValueError
        If it is not hexadecimal, or so short that it could be guessed.

    Examples
    --------
    >>> read_seed("00" * 15 + "ff")
    255
    """
    digits = "".join(text.split()).lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]+", digits):
        raise ValueError("a seed consists of hexadecimal digits (0 to 9, a to f)")
    if len(digits) < SHORTEST_SEED:
        raise ValueError(
            f"the seed has {len(digits)} hexadecimal digits and needs at least {SHORTEST_SEED}: a shorter "
            "one, or a date or a number that is easy to remember, can be found by trying. Leave it out and "
            "one is drawn"
        )
    return int(digits, 16)


def _with_codes(slots: Sequence[Slot], *, replacement_packages: int) -> list[Place]:
    codes = iter(draw_codes(len(slots) * (1 + replacement_packages)))
    return [
        Place(
            stratum=slot.stratum,
            position=slot.position,
            package=next(codes),
            replacements=tuple(next(codes) for _ in range(replacement_packages)),
        )
        for slot in slots
    ]


def _content(
    settings: AllocationSettings,
    slots: Sequence[Slot],
    places: Sequence[Place],
    *,
    multiples: Sequence[int],
    seed: int,
) -> dict[str, Any]:
    """Put together what is sealed; the letters of the groups are drawn apart from the list."""
    letters = list(LETTERS[: len(settings.groups)])
    secrets.SystemRandom().shuffle(letters)
    return {
        "id": settings.id,
        "settings": settings.record(),
        "block_multiples": list(multiples),
        "seed": f"{seed:064x}",
        "numpy": np.__version__,
        "log_key": secrets.token_hex(32),
        "codes": dict(sorted(zip(letters, settings.groups, strict=True))),
        "slots": [
            {**vars(slot), "package": place.package, "replacements": list(place.replacements)}
            for slot, place in zip(slots, places, strict=True)
        ],
    }


def _check_multiples(multiples: Sequence[int]) -> None:
    if not multiples or any(multiple < 1 for multiple in multiples) or len(set(multiples)) < len(multiples):
        raise ValueError(
            f"block sizes are given as different whole multiples of the smallest block, such as 2,3; found "
            f"{','.join(map(str, multiples))}"
        )
