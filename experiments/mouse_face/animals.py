"""Who is in the study: ``STUDY/animals.tsv``, one row per animal, by hand or from the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from experiments.dataset.nwb import Animal
from experiments.dataset.rows import MISSING
from experiments.dataset.tables import append_row, read_table, write_table

ANIMALS = "animals.tsv"


@dataclass(frozen=True, kw_only=True)
class AnimalRow:
    """One row of ``animals.tsv``."""

    animal: str
    """Letters and digits."""
    sex: str
    """``F``, ``M``, ``O`` or ``U``."""
    born: str
    """Date of birth, ``2026-08-24``; or an age as in ISO 8601, ``P90D``."""
    strain: str = "C57BL/6J"
    """Strain."""
    genotype: str | None = None
    """Genotype."""
    group: str | None = None
    """Group of the study, such as ChR2 or eYFP."""
    site: str | None = None
    """Where light is delivered, such as pIC."""
    description: str | None = None
    """Anything else."""

    def __post_init__(self) -> None:
        if self.sex not in ("F", "M", "O", "U"):
            raise ValueError(f"animal {self.animal}: sex is F, M, O or U, not {self.sex!r}")
        if not re.fullmatch(r"P\d+[DWMY]", self.born):
            try:
                date.fromisoformat(self.born)
            except ValueError:
                raise ValueError(
                    f"animal {self.animal}: born is a date such as 2026-08-24, or an age such as P90D, not "
                    f"{self.born!r}"
                ) from None

    def subject(self, day: date) -> Animal:
        """Return the animal as it is on a day.

        Raises
        ------
        ValueError
            If it is born later.

        Examples
        --------
        >>> AnimalRow(animal="m01", sex="F", born="2026-08-24").subject(date(2026, 11, 22)).age
        'P90D'
        """
        age = self.born
        if not age.startswith("P"):
            days = (day - date.fromisoformat(age)).days
            if days < 0:
                raise ValueError(f"animal {self.animal} is born on {age}, after this session ({day})")
            age = f"P{days}D"
        said = "; ".join(
            f"{name} {value}" for name, value in (("group", self.group), ("site", self.site)) if value
        )
        description = ". ".join(part for part in (self.description, said) if part) or None
        return Animal(
            self.animal,
            sex=self.sex,
            age=age,
            strain=self.strain,
            genotype=self.genotype,
            description=description,
        )


def find_animal(study: Path, animal: str, stated: Mapping[str, str | None], *, simulated: bool) -> AnimalRow:
    """Find an animal in the study's table; what is stated of a new one is added to the table.

    Parameters
    ----------
    study : Path
        Folder of the study.
    animal : str
        Its name.
    stated : mapping
        What was said at the command line: columns of `AnimalRow` -> value or None.
    simulated : bool
        Whether it is drawn by a program: then nothing needs to be known of it.

    Raises
    ------
    ValueError
        If the table contradicts what is stated, or nothing is known of an animal of flesh and blood.
    """
    given = {name: value for name, value in stated.items() if value is not None}
    path = study / ANIMALS
    rows = read_table(path) if path.is_file() else []
    known = next((row for row in rows if row.get("animal") == animal), None)
    if known is None and simulated:
        number = int("".join(re.findall(r"\d", animal)) or 1)
        drawn = {
            "animal": animal,
            "sex": "FM"[number % 2],
            "born": "P90D",
            "genotype": "wild type",
            "description": "Drawn by a program",
        }
        return AnimalRow(**{**drawn, **given})
    if known is None:
        if not {"sex", "born"} <= set(given):
            raise ValueError(
                f"nothing is known of animal {animal}: say --sex F and --born 2026-08-24 (date of birth), "
                f"or write a row into {path} with the columns {', '.join(AnimalRow.__dataclass_fields__)}"
            )
        row = AnimalRow(animal=animal, **given)
        _add(path, row)
        return row
    fields = AnimalRow.__dataclass_fields__
    found = {name: text for name, text in known.items() if name in fields and text not in ("", MISSING)}
    for name, value in given.items():
        if found.get(name, value) != value:
            raise ValueError(
                f"animal {animal}: {name} is {found[name]!r} in {path} and {value!r} here; mend one of them"
            )
    every: dict[str, str] = {**found, **given}
    missing = {"sex", "born"} - set(every)
    if missing:
        raise ValueError(f"{path}: animal {animal} has no {' and no '.join(sorted(missing))}")
    return AnimalRow(**every)


def _add(path: Path, row: AnimalRow) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        write_table(path, list(AnimalRow.__dataclass_fields__), [])
    append_row(path, asdict(row))
