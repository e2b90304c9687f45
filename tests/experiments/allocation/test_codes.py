"""Codes of packages: unique, without order, and safe against typing errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from experiments.allocation.codes import ALPHABET, check_character, draw_codes, read_code


def test_every_wrong_character_and_every_swap_is_noticed() -> None:
    for code in draw_codes(20):
        plain = code.replace("-", "")
        for place, other in itertools.product(range(len(plain)), ALPHABET):
            if other != plain[place]:
                with pytest.raises(ValueError, match="not the code"):
                    read_code(plain[:place] + other + plain[place + 1 :])
        for first, second in itertools.combinations(range(len(plain)), 2):
            if plain[first] != plain[second]:
                swapped = list(plain)
                swapped[first], swapped[second] = swapped[second], swapped[first]
                with pytest.raises(ValueError, match="not the code"):
                    read_code("".join(swapped))


def test_codes_are_unique_and_tell_nothing_of_their_order() -> None:
    codes = draw_codes(4000)
    assert len(set(codes)) == 4000
    # rank correlation of place and code, about 0 +- 1/sqrt(n)
    ranks = np.argsort(np.argsort(codes))
    assert abs(np.corrcoef(np.arange(4000), ranks)[0, 1]) < 5.5 / np.sqrt(4000)
    # all characters are used about equally often at each place
    for place in range(5):
        counts = np.unique([code.replace("-", "")[place] for code in codes], return_counts=True)[1]
        expected = 4000 / len(ALPHABET)
        assert len(counts) == len(ALPHABET)
        assert ((counts - expected) ** 2 / expected).sum() < 75  # chi-square, 22 df: p = 1e-7


def test_two_drawings_differ() -> None:
    assert not set(draw_codes(50)) & set(draw_codes(50))


def test_typing_is_forgiven_where_nothing_is_lost() -> None:
    code = draw_codes(1)[0]
    for typed in (code.lower(), code.replace("-", ""), f"  {code[:3]} {code[4:]} ", code.replace("-", " - ")):
        assert read_code(typed) == code


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("O00-III", "codes have no 0, I, O"),
        ("CDF", "3 characters"),
        ("", "0 characters"),
        ("CDF-34DD", "7 char"),
    ],
)
def test_what_cannot_be_a_code_is_explained(typed: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_code(typed)


def test_characters_that_look_alike_are_not_used() -> None:
    assert not set("0O1IL2Z5SBUAE") & set(ALPHABET)
    assert len(ALPHABET) == 23
    assert check_character("33333") in ALPHABET


def test_more_codes_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="more than codes"):
        draw_codes(100_000)
