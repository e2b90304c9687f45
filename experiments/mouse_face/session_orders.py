"""In which order each animal has its sessions."""

from __future__ import annotations

import pandas as pd

from experiments.random_order import balanced_rows


def session_orders(sessions: list[str], animals: list[str]) -> pd.DataFrame:
    """Counterbalance the order of sessions across animals.

    Over as many animals as the balanced Latin square has rows, each session comes equally often at each place
    and equally often right after each other one (Williams 1949).

    Parameters
    ----------
    sessions : list of str
        Sessions that every animal has, such as ``thirsty`` and ``quenched``.
    animals : list of str
        The animals in their order.

    Returns
    -------
    pandas.DataFrame
        A row per animal, columns ``first``, ``second``, ... or their numbers; index ``animal``.

    Raises
    ------
    ValueError
        If something is named twice, or there is nothing.

    Examples
    --------
    >>> session_orders(["thirsty", "quenched"], ["m01", "m02"])
                1         2
    animal
    m01   thirsty  quenched
    m02  quenched   thirsty
    """
    for what, names in (("session", sessions), ("animal", animals)):
        if not names:
            raise ValueError(f"expected at least one {what}")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the {what} {twice} is named twice")
    rows = balanced_rows(len(sessions))
    table = pd.DataFrame(
        [[sessions[place] for place in rows[number % len(rows)]] for number in range(len(animals))],
        index=pd.Index(animals, name="animal"),
        columns=range(1, len(sessions) + 1),
    )
    return table
