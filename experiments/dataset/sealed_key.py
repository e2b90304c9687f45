"""The sealed key of an allocation: an encrypted file that says which group a code stands for.

The file is JSON: `format`, `version`, `id` of the allocation, `kdf` (scrypt with its numbers and salt),
`cipher` (AES-256-GCM with its nonce) and `ciphertext`, all bytes in base64. All but the ciphertext is
authenticated with it, so that nothing in the file can be changed unnoticed. The content is padded, so that
its length says nothing.
"""

from __future__ import annotations

import base64
import binascii
import getpass
import hmac
import json
import os
import secrets
import sys
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from experiments.dataset.chained_log import ChainedLog, LogEntry
from experiments.dataset.tables import read_text

FOLDER = "sourcedata/allocation"
"""Where a study keeps its allocation."""
KEY_NAME = "key.sealed"
LOG_NAME = "log.jsonl"
PASSPHRASE_VARIABLE = "COUNTENANCE_PASSPHRASE"
SHORTEST_PASSPHRASE = 12
SCRYPT_N = 2**17
"""Cost of one try: 128 MiB of memory and about half a second."""

_FORMAT = "countenance sealed key"
_VERSION = 1
_PAD_BYTES = 4096
_SCRYPT_N_RANGE = (2**10, 2**20)


class WrongPassphrase(ValueError):  # noqa: N818 (it says what it is)
    """The passphrase does not open the key."""


def seal(content: Mapping[str, Any], passphrase: str, *, scrypt_n: int = SCRYPT_N) -> bytes:
    """Encrypt what JSON can hold.

    Parameters
    ----------
    content : mapping
        With an `id`, which is also written in the open.
    passphrase : str
        At least 12 characters.
    scrypt_n : int
        Cost of the passphrase's hash, a power of two.

    Returns
    -------
    bytes
        The file's content.

    Raises
    ------
    ValueError
        If the passphrase is too short.

    Examples
    --------
    >>> sealed = seal({"id": "1", "codes": {"A": "placebo"}}, "correct horse battery", scrypt_n=2**10)
    >>> b"placebo" in sealed
    False
    >>> open_sealed(sealed, "correct horse battery")["codes"]
    {'A': 'placebo'}
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise ValueError(
            f"the passphrase has {len(passphrase)} characters, and needs at least {SHORTEST_PASSPHRASE}: "
            "take four or five words that do not belong together"
        )
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    head = {
        "format": _FORMAT,
        "version": _VERSION,
        "id": str(content["id"]),
        "kdf": {"name": "scrypt", "n": scrypt_n, "r": 8, "p": 1, "salt": _text(salt)},
        "cipher": {"name": "AES-256-GCM", "nonce": _text(nonce)},
    }
    plain = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    plain += b" " * (-len(plain) % _PAD_BYTES)
    key = _stretch(passphrase, salt=salt, n=scrypt_n, r=8, p=1)
    ciphertext = AESGCM(key).encrypt(nonce, plain, _associated(head))
    return json.dumps({**head, "ciphertext": _text(ciphertext)}, indent=1).encode() + b"\n"


def open_sealed(sealed: bytes, passphrase: str) -> dict[str, Any]:
    """Decrypt a sealed key.

    Raises
    ------
    WrongPassphrase
        If the passphrase does not open it.
    ValueError
        If it is not a sealed key, or its numbers cannot be used.
    """
    head = read_head(sealed)
    try:
        kdf, cipher = head["kdf"], head["cipher"]
        ciphertext = _bytes(head.pop("ciphertext"))
        salt, nonce = _bytes(kdf["salt"]), _bytes(cipher["nonce"])
        cost = {name: int(kdf[name]) for name in ("n", "r", "p")}
        names = (kdf["name"], cipher["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the sealed key is damaged ({error}): take the copy of it") from None
    least, most = _SCRYPT_N_RANGE
    if names != ("scrypt", "AES-256-GCM") or not least <= cost["n"] <= most or cost["r"] * cost["p"] > 64:
        raise ValueError("the sealed key names a way of encryption that this version does not use")
    try:
        plain = AESGCM(_stretch(passphrase, salt=salt, **cost)).decrypt(nonce, ciphertext, _associated(head))
    except InvalidTag:
        raise WrongPassphrase(
            "the passphrase does not open the sealed key. Check capital letters, spaces and the keyboard's "
            "layout; if it is right, the file was changed: take the copy of it"
        ) from None
    content = json.loads(plain)
    assert isinstance(content, dict)
    return content


def read_head(sealed: bytes) -> dict[str, Any]:
    """Read what is in the open.

    Raises
    ------
    ValueError
        If it is not a sealed key.
    """
    try:
        head = json.loads(sealed)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ValueError("the file is not a sealed key")
    if head.get("version") != _VERSION:
        raise ValueError(f"the sealed key has version {head.get('version')!r}; this version reads {_VERSION}")
    return head


def is_sealed(path: Path) -> bool:
    """Say whether a file is a sealed key."""
    try:
        read_head(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def open_logged(
    path: Path,
    *,
    study: Path,
    passphrase: str,
    action: str,
    by: str,
    details: Mapping[str, Any],
    now: datetime,
) -> tuple[dict[str, Any], LogEntry]:
    """Open the sealed key of a study; the try is logged, and nothing is returned if it cannot be.

    Parameters
    ----------
    path : Path
        The sealed key.
    study : Path
        Folder of the study, whose log gets the entry.
    passphrase : str
        The passphrase.
    action : str
        What the key is opened for.
    by : str
        Who asks.
    details : mapping
        Why, and for whom.
    now : datetime
        With the offset of the time zone.

    Returns
    -------
    tuple of dict and LogEntry
        The content, and the entry that says that it was read.

    Raises
    ------
    FileNotFoundError
        If there is no key, or no log.
    WrongPassphrase
        If the passphrase does not open it.
    ValueError
        If it is the key of another study.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no sealed key {path}: say where it is with --key")
    log = ChainedLog(study / FOLDER / LOG_NAME)
    entries = log.entries()
    if not is_sealed(path):
        raise ValueError(f"{path} is not a sealed key that this version can read: say where it is with --key")
    sealed = path.read_bytes()
    allocation = read_head(sealed)["id"]
    if not entries or entries[0].details.get("id") != allocation:
        raise ValueError(f"{path} is the key of another allocation than that of {study}")
    try:
        content = open_sealed(sealed, passphrase)
    except ValueError as error:
        kind = "wrong passphrase" if isinstance(error, WrongPassphrase) else "damaged key"
        log.append(f"{action} refused: {kind}", by=by, now=now, details=details)
        raise
    return content, log.append(action, by=by, now=now, details=details, key=signing_key(content))


def signing_key(content: Mapping[str, Any]) -> bytes:
    """Return the key that signs entries of the log."""
    return bytes.fromhex(content["log_key"])


def ask_passphrase(file: Path | None, *, new: bool = False) -> str:
    """Get the passphrase from a file, the environment (COUNTENANCE_PASSPHRASE), or hidden at the terminal.

    Parameters
    ----------
    file : Path or None
        A text file whose first line is the passphrase.
    new : bool
        Whether it is being chosen, and must be typed twice.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no passphrase, or the two differ.
    """
    if file is not None:
        if not file.is_file():
            raise FileNotFoundError(f"there is no file with the passphrase {file}")
        lines = read_text(file).splitlines()
        return _checked(lines[0] if lines else "", f"the first line of {file}")
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is not None:
        return _checked(given, PASSPHRASE_VARIABLE)
    if not sys.stdin.isatty():
        raise ValueError(
            "the sealed key needs its passphrase: give the command at a terminal, where it is asked for, or "
            "name a file with --passphrase-file"
        )
    typed = getpass.getpass("Passphrase of the sealed key (nothing is shown): ")
    if new and not hmac.compare_digest(typed.encode(), getpass.getpass("The same again: ").encode()):
        raise ValueError("the two passphrases differ: nothing was made, try again")
    return _checked(typed, "what was typed")


def current_user(given: str | None = None) -> str:
    """Return who gives a command: the name that was given, or the one of the computer's account."""
    if given and given.strip():
        return " ".join(given.split())
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def _checked(passphrase: str, where: str) -> str:
    if not passphrase.strip():
        raise ValueError(f"{where} holds no passphrase")
    return passphrase


def _stretch(passphrase: str, *, salt: bytes, n: int, r: int, p: int) -> bytes:
    """Turn a passphrase into a key; however its letters are encoded on the computer."""
    normal = unicodedata.normalize("NFKC", passphrase.strip()).encode()
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(normal)


def _associated(head: Mapping[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError) as error:
        raise ValueError(str(error)) from None
