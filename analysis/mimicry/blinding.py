"""The blind codes of the groups, and the key that names them: a sealed file, or a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from analysis.datasets import Study, read_tsv
from experiments.dataset.sealed_key import ask_passphrase, current_user, is_sealed, open_logged


def read_key(
    path: Path, study: Study, *, passphrase_file: Path | None = None, by: str | None = None
) -> dict[str, str]:
    """Read the key that names the groups.

    Parameters
    ----------
    path : Path
        The sealed key of `experiments.allocation`, whose opening is logged in the study; or a TSV file with
        two columns, the code (of participants.tsv) and the name of the group, in this order.
    study : Study
        Its codes must all be in the key. Participants without a code stay without a group.
    passphrase_file : Path, optional
        File with the passphrase of a sealed key; without, it is asked for.
    by : str, optional
        Who opens a sealed key; the name of the computer's account if not given.

    Returns
    -------
    dict
        Code -> name of the group.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a table has not two columns, a code of the study is missing or has two names, no participant has a
        code, or a sealed key does not open.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no key {path}; give the sealed key, or a TSV file: code and name of each group"
        )
    codes = set(study.participants["group"].dropna().astype(str))
    if is_sealed(path):
        if not codes:
            raise ValueError(
                f"no participant of {study.path} has a blind code yet. Whoever keeps the key writes them "
                f'into participants.tsv: python -m experiments.allocation "{study.path}" release --reason WHY'
            )
        names = _read_sealed(path, study, passphrase_file=passphrase_file, by=by)
    else:
        names = _read_table(path)
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


def _read_sealed(path: Path, study: Study, *, passphrase_file: Path | None, by: str | None) -> dict[str, str]:
    content, _ = open_logged(
        path,
        study=study.path,
        passphrase=ask_passphrase(passphrase_file),
        action="unblind",
        by=current_user(by),
        details={"reason": "analysis of the study with named groups"},
        now=datetime.now().astimezone(),
    )
    return {str(code): str(name) for code, name in content["codes"].items()}


def _read_table(path: Path) -> dict[str, str]:
    key = read_tsv(path)
    if key.shape[1] != 2:
        found = ", ".join(key.columns)
        raise ValueError(f"the key {path} needs two columns, code and name of each group; it has {found}")
    codes_and_names = (key.iloc[:, column].astype(str).str.strip() for column in (0, 1))
    names = dict(zip(*codes_and_names, strict=True))
    if len(names) < len(key) or len(set(names.values())) < len(names):
        raise ValueError(f"the key {path} must name each code once, and each group once")
    return names
