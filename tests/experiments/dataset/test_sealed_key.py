"""The sealed file: opens with the passphrase, with nothing else, and shows every change."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from experiments.dataset.sealed_key import (
    PASSPHRASE_VARIABLE,
    WrongPassphrase,
    ask_passphrase,
    current_user,
    is_sealed,
    open_sealed,
    seal,
)

CONTENT = {"id": "0123", "codes": {"A": "placebo", "B": "naltrexone"}, "seed": "ff" * 32}
PASSPHRASE = "Möwe Kragen Zwölf Lampe"
QUICK = 2**10


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return seal(CONTENT, PASSPHRASE, scrypt_n=QUICK)


def test_it_opens_with_the_passphrase_alone(sealed: bytes) -> None:
    assert open_sealed(sealed, PASSPHRASE) == CONTENT
    for wrong in ("möwe Kragen Zwölf Lampe", "Möwe Kragen Zwölf Lamp", "", "placebo"):
        with pytest.raises(WrongPassphrase, match="does not open the sealed key"):
            open_sealed(sealed, wrong)


def test_letters_with_accents_open_it_from_every_keyboard(sealed: bytes) -> None:
    decomposed = "Mo\u0308we Kragen Zwo\u0308lf Lampe"
    assert decomposed != PASSPHRASE
    assert open_sealed(sealed, decomposed) == CONTENT


def test_nothing_of_the_content_is_in_the_file(sealed: bytes) -> None:
    raw = sealed + base64.b64decode(json.loads(sealed)["ciphertext"])
    for word in (b"placebo", b"naltrexone", b"codes", b"ffffffff"):
        assert word not in raw


def test_the_length_tells_nothing_and_no_two_files_are_alike() -> None:
    short = seal({**CONTENT, "codes": {"A": "x"}}, PASSPHRASE, scrypt_n=QUICK)
    assert len(short) == len(seal(CONTENT, PASSPHRASE, scrypt_n=QUICK))
    again = json.loads(seal(CONTENT, PASSPHRASE, scrypt_n=QUICK))
    assert again["ciphertext"] != json.loads(seal(CONTENT, PASSPHRASE, scrypt_n=QUICK))["ciphertext"]


@pytest.mark.parametrize("name", ["id", "salt", "nonce", "n", "first", "middle", "last"])
def test_every_change_is_noticed(sealed: bytes, name: str) -> None:
    content = json.loads(sealed)
    if name == "id":
        content["id"] = "9999"
    elif name == "n":
        content["kdf"]["n"] = 2**11
    elif name in ("salt", "nonce"):
        part = content["kdf" if name == "salt" else "cipher"]
        part[name] = base64.b64encode(
            bytes([base64.b64decode(part[name])[0] ^ 1, *base64.b64decode(part[name])[1:]])
        )
        part[name] = part[name].decode()
    else:
        data = bytearray(base64.b64decode(content["ciphertext"]))
        data[{"first": 0, "middle": len(data) // 2, "last": -1}[name]] ^= 1
        content["ciphertext"] = base64.b64encode(bytes(data)).decode()
    with pytest.raises(WrongPassphrase):
        open_sealed(json.dumps(content).encode(), PASSPHRASE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "has version 2"),
        ({"format": "other"}, "not a sealed key"),
        ({"kdf": {}}, "damaged"),
        ({"ciphertext": "*"}, "damaged"),
        ({"kdf": {"name": "scrypt", "n": 2**30, "r": 8, "p": 1, "salt": ""}}, "does not use"),
        ({"kdf": {"name": "md5", "n": 2**10, "r": 8, "p": 1, "salt": ""}}, "does not use"),
    ],
)
def test_what_is_no_sealed_key_is_explained(sealed: bytes, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_sealed(json.dumps({**json.loads(sealed), **change}).encode(), PASSPHRASE)


def test_a_table_is_not_taken_for_a_sealed_key(tmp_path: Path, sealed: bytes) -> None:
    (tmp_path / "key.tsv").write_text("code\tgroup\nA\tplacebo\n", encoding="utf-8")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\x00")
    (tmp_path / "key.sealed").write_bytes(sealed)
    assert [is_sealed(tmp_path / name) for name in ("key.tsv", "picture", "none", "key.sealed")] == [
        *(False, False, False),
        True,
    ]


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at least 12"):
        seal(CONTENT, "elevenchars")


def test_the_passphrase_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    (tmp_path / "phrase.txt").write_text(f"\ufeff{PASSPHRASE}\r\nsecond line\n", encoding="utf-8")
    assert ask_passphrase(tmp_path / "phrase.txt") == PASSPHRASE
    with pytest.raises(FileNotFoundError, match="no file with the passphrase"):
        ask_passphrase(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no passphrase"):
        ask_passphrase(tmp_path / "empty.txt")
    with pytest.raises(ValueError, match="at a terminal"):
        ask_passphrase(None)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)
    assert ask_passphrase(None) == PASSPHRASE


def test_who_it_was_is_what_was_said_or_the_account() -> None:
    assert current_user("  C.  B. ") == "C. B."
    assert current_user(None) == current_user(" ") != ""
