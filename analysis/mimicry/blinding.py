"""The blind codes of the groups, and the sealed key that names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from analysis.datasets import Study, read_tsv


def read_key(path: Path, study: Study) -> dict[str, str]:
    """Read the sealed key that names the groups.

    Parameters
    ----------
    path : Path
        TSV file with two columns, the code (of participants.tsv) and the name of the group, in this order.
    study : Study
        Its codes must all be in the key.

    Returns
    -------
    dict
        Code -> name of the group.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it has not two columns, a code of the study is missing, or a code has two names.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no key {path}; give a TSV file: code and name of each group")
    key = read_tsv(path)
    if key.shape[1] != 2:
        found = ", ".join(key.columns)
        raise ValueError(f"the key {path} needs two columns, code and name of each group; it has {found}")
    codes_and_names = (key.iloc[:, column].astype(str).str.strip() for column in (0, 1))
    names = dict(zip(*codes_and_names, strict=True))
    if len(names) < len(key) or len(set(names.values())) < len(names):
        raise ValueError(f"the key {path} must name each code once, and each group once")
    codes = set(study.participants["group"].dropna().astype(str))
    if codes - set(names):
        absent = ", ".join(sorted(codes - set(names)))
        raise ValueError(f"the key {path} does not name these groups of the study: {absent}")
    return names


def blinding_words(groups: Iterable[str], group_names: Mapping[str, str]) -> str:
    """Say what the labels of the groups are.

    Parameters
    ----------
    groups : iterable of str
        As they stand in participants.tsv.
    group_names : mapping
        Code -> name; empty while no key was given.

    Examples
    --------
    >>> blinding_words(["A", "B"], {}), blinding_words(["drug", "placebo"], {})
    ('blind codes', 'as coded in participants.tsv')
    >>> blinding_words(["A", "B"], {"B": "placebo", "A": "drug"})
    'unblinded: A = drug, B = placebo'
    """
    if group_names:
        return f"unblinded: {', '.join(f'{code} = {name}' for code, name in sorted(group_names.items()))}"
    single = all(re.fullmatch("[A-Za-z]", group) for group in groups)
    return "blind codes" if single else "as coded in participants.tsv"
