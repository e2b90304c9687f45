"""Who has which package, and what happened since: read out of the log, which is the only memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from experiments.dataset.chained_log import LogEntry

Policy = Literal["next", "same-group"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place of the list as everybody may see it: packages, but not what is in them."""

    stratum: str
    position: int
    """From 1."""
    package: str
    """Code on the package."""
    replacements: tuple[str, ...] = ()
    """Codes of further packages with the same content."""


@dataclass(frozen=True, kw_only=True)
class Allocated:
    """A participant who has a package."""

    participant: str
    stratum: str
    package: str
    """Code of the package that is meant for the participant."""
    packages: tuple[str, ...]
    """All packages that were ever meant for the participant, the last is `package`."""
    place: Place
    assigned: datetime
    pill: datetime | None = None
    """When the pill was taken."""
    taken_package: str | None = None
    """Code of the package the pill came from; None where nobody looked."""
    dropout: datetime | None = None
    """When the participant left the study."""
    replaces: str | None = None
    """Whose replacement this participant is."""
    replaced_by: str | None = None

    @property
    def deviates(self) -> bool:
        """Whether the pill came from a package that was not meant for the participant."""
        return self.taken_package is not None and self.taken_package != self.package


@dataclass(frozen=True, kw_only=True)
class Register:
    """All participants, and the packages that are gone."""

    participants: dict[str, Allocated]
    places: tuple[Place, ...]
    spent: frozenset[str]
    """Packages that nobody else may get."""

    def person(self, participant: str) -> Allocated:
        """Return a participant.

        Raises
        ------
        ValueError
            If the participant has no package.
        """
        if participant not in self.participants:
            raise ValueError(
                f"participant {participant} has no package yet: python -m experiments.allocation STUDY "
                f"assign --participant {participant}"
            )
        return self.participants[participant]

    def next_place(self, stratum: str) -> Place:
        """Return the first place of a stratum whose package is still there.

        Raises
        ------
        ValueError
            If there is none.
        """
        for place in self.places:
            if place.stratum == stratum and place.package not in self.spent:
                return place
        raise ValueError(
            f"the list of stratum {stratum} is used up: no package is left. Nobody can be allocated there; "
            "ask whoever keeps the key"
        )

    def replacement_package(self, place: Place) -> str:
        """Return a package with the same content as that of a place.

        Raises
        ------
        ValueError
            If none is left.
        """
        for package in place.replacements:
            if package not in self.spent:
                return package
        raise ValueError(
            "no replacement package of the same content is left for this place of the list. A new "
            "participant can get the next one (--policy next); for a lost package ask whoever keeps the key"
        )


def read_register(entries: Iterable[LogEntry], places: Sequence[Place]) -> Register:
    """Replay the log.

    Parameters
    ----------
    entries : iterable of LogEntry
        All of the log.
    places : sequence of Place
        The list, in order.

    Returns
    -------
    Register
        How things stand after the last entry.
    """
    by_package = {package: place for place in places for package in (place.package, *place.replacements)}
    people: dict[str, Allocated] = {}
    spent: set[str] = set()
    for entry in entries:
        details, name = entry.details, str(entry.details.get("participant", ""))
        if entry.action in ("assign", "replace"):
            person = _allocated(entry, by_package)
            known = people.get(name)
            people[name] = (
                person
                if known is None
                else replace(known, package=person.package, packages=(*known.packages, person.package))
            )
            spent.add(person.package)
            if person.replaces is not None:
                people[person.replaces] = replace(people[person.replaces], replaced_by=name)
        elif entry.action == "pill" and name in people:
            taken = details.get("package")
            moment = datetime.fromisoformat(details["time"])
            people[name] = replace(people[name], pill=moment, taken_package=taken)
            spent |= {taken} if taken else set()
        elif entry.action == "dropout" and name in people:
            people[name] = replace(people[name], dropout=entry.time)
    return Register(participants=people, places=tuple(places), spent=frozenset(spent))


def count_strata(register: Register, n_in: Mapping[str, int]) -> list[dict[str, str | int]]:
    """Count per stratum, without looking at groups.

    Returns
    -------
    list of dict
        `stratum planned assigned pill dropouts replaced deviations packages_left`.
    """
    rows: list[dict[str, str | int]] = []
    for stratum, planned in n_in.items():
        people = [person for person in register.participants.values() if person.stratum == stratum]
        places = [place for place in register.places if place.stratum == stratum]
        rows.append(
            {
                "stratum": stratum,
                "planned": planned,
                "assigned": len(people),
                "pill": sum(person.pill is not None for person in people),
                "dropouts": sum(person.dropout is not None for person in people),
                "replaced": sum(person.replaced_by is not None for person in people),
                "deviations": sum(person.deviates for person in people),
                "packages_left": sum(place.package not in register.spent for place in places),
            }
        )
    return rows


def _allocated(entry: LogEntry, by_package: Mapping[str, Place]) -> Allocated:
    package = str(entry.details["package"])
    return Allocated(
        participant=str(entry.details["participant"]),
        stratum=by_package[package].stratum,
        package=package,
        packages=(package,),
        place=by_package[package],
        assigned=entry.time,
        replaces=entry.details.get("replaces"),
    )
