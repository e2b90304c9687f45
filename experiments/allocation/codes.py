"""Codes on the packages of pills: drawn at random, easy to read, safe against typing errors."""

from __future__ import annotations

import secrets

ALPHABET = "346789CDFGHJKMNPQRTVWXY"
"""23 characters that are not taken for one another (no 0 and O, 1 and I, 2 and Z, 5 and S, B, U), and make no
words."""
_LENGTH = 5
_DASH_AFTER = 3


def draw_codes(n: int) -> list[str]:
    """Draw different codes, each with a check character, from the system's source of randomness.

    They do not follow from the seed of the list, nor does the list from them: nothing can be learned from a
    code.

    Parameters
    ----------
    n : int
        How many.

    Examples
    --------
    >>> codes = draw_codes(100)
    >>> len(set(codes)), all(read_code(code) == code for code in codes)
    (100, True)
    """
    if n > len(ALPHABET) ** _LENGTH // 100:
        raise ValueError(f"{n} codes are more than codes of this length can be told apart")
    codes: dict[str, None] = {}
    while len(codes) < n:
        body = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
        codes[_shown(body + check_character(body))] = None
    return list(codes)


def read_code(text: str) -> str:
    """Read a code as it was typed: capital or small letters, with or without dash and spaces.

    Returns
    -------
    str
        As it stands on the package.

    Raises
    ------
    ValueError
        If it cannot be a code: every wrong character and every swap of two characters is found.

    Examples
    --------
    >>> read_code("cdf 34x")
    'CDF-34X'
    >>> read_code("CFD-34X")
    Traceback (most recent call last):
    ...
    ValueError: CFD-34X is not the code of a package: a character is wrong or two are swapped. Read it again.
    """
    plain = "".join(text.upper().split()).replace("-", "")
    strange = sorted({character for character in plain if character not in ALPHABET})
    if strange:
        raise ValueError(
            f"{text.strip()} is not the code of a package: codes have no {', '.join(strange)}. Read it again."
        )
    if len(plain) != _LENGTH + 1:
        raise ValueError(
            f"{text.strip()} is not the code of a package: it has {len(plain)} characters, codes have "
            f"{_LENGTH + 1}"
        )
    if check_character(plain[:-1]) != plain[-1]:
        raise ValueError(
            f"{text.strip()} is not the code of a package: a character is wrong or two are swapped. Read it "
            "again."
        )
    return _shown(plain)


def check_character(body: str) -> str:
    """Return the character that makes a code checkable.

    A sum of the characters' numbers, weighted by their places, modulo the number of characters. As that is a
    prime, one wrong character and two swapped ones always change it.
    """
    total = sum(place * ALPHABET.index(character) for place, character in enumerate(body, start=2))
    return ALPHABET[-total % len(ALPHABET)]


def _shown(plain: str) -> str:
    return f"{plain[:_DASH_AFTER]}-{plain[_DASH_AFTER:]}"
