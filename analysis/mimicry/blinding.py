"""The sealed key that names the groups."""

from __future__ import annotations

from pathlib import Path

from analysis.datasets import Study, read_tsv


def read_key(path: Path, study: Study) -> dict[str, str]:
    """Read the sealed key that names the groups.

    Parameters
    ----------
    path : Path
        TSV file with the columns `code` and `group`.
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
        If columns or codes are missing, or a code has two names.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no key {path}; give a TSV file with the columns code and group")
    key = read_tsv(path)
    if not {"code", "group"} <= set(key):
        raise ValueError(f"the key {path} needs the columns code and group; it has {', '.join(key.columns)}")
    names = dict(zip(key["code"].astype(str), key["group"].astype(str), strict=True))
    if len(names) < len(key) or len(set(names.values())) < len(names):
        raise ValueError(f"the key {path} must name each code once, and each group once")
    codes = set(study.participants["group"].dropna().astype(str))
    if codes - set(names):
        raise ValueError(
            f"the key {path} does not name the study's groups {', '.join(sorted(codes - set(names)))}"
        )
    return names
