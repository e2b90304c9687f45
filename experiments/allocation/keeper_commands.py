"""The commands of whoever keeps the key: create, unseal, reveal, release, verify, accept-damage."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from experiments.allocation.blocks import name_strata
from experiments.allocation.command_line import (
    AsJson,
    By,
    KeyFile,
    Participant,
    PassphraseFile,
    Reason,
    answer,
    given,
    key_of,
    study_of,
)
from experiments.allocation.creation import create, read_seed
from experiments.allocation.files import open_allocation
from experiments.allocation.keeper import (
    accept_damage,
    check_outside,
    release,
    reveal,
    unseal,
    verify,
    write_list,
)
from experiments.allocation.predictability import predictability
from experiments.allocation.settings import AllocationSettings
from experiments.dataset.sealed_key import ask_passphrase
from experiments.dataset.tables import read_text


def create_command(
    context: typer.Context,
    groups: Annotated[
        str, typer.Option(help="Names of the groups, such as drug,placebo.", show_default=False)
    ],
    n: Annotated[
        int | None, typer.Option(help="Participants planned in each stratum.", show_default=False)
    ] = None,
    n_in: Annotated[
        list[str] | None,
        typer.Option(
            help="Participants planned in one stratum, such as M=45 or F/Vienna=30.", show_default=False
        ),
    ] = None,
    ratio: Annotated[
        str | None, typer.Option(help="Such as 2:1 [default: equal].", show_default=False)
    ] = None,
    strata: Annotated[
        list[str] | None,
        typer.Option(
            help="Factor with its levels, such as site:Vienna,Basel; more than once [default: sex:F,M].",
            show_default=False,
        ),
    ] = None,
    no_strata: Annotated[bool, typer.Option("--no-strata", help="One list for all.")] = False,
    blocks: Annotated[
        str,
        typer.Option(help="Sizes that a block may have, in multiples of the smallest."),
    ] = "2,3",
    replacement_packages: Annotated[
        int,
        typer.Option(help="Codes for further packages of the same content, for each place of the list."),
    ] = AllocationSettings.replacement_packages,
    pill_to_task_min: Annotated[
        float, typer.Option(help="Planned time from the pill to the task, in minutes.")
    ] = AllocationSettings.pill_to_task_min,
    tolerance_min: Annotated[
        float, typer.Option(help="How much earlier or later the task may begin, in minutes.")
    ] = AllocationSettings.tolerance_min,
    pill_to_mood_min: Annotated[
        float, typer.Option(help="Planned time from the pill to the second questionnaire, in minutes.")
    ] = AllocationSettings.pill_to_mood_min,
    seed_file: Annotated[
        Path | None,
        typer.Option(
            help="Text file with a seed of 32 hexadecimal digits or more; otherwise one is drawn.",
            show_default=False,
        ),
    ] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="For simulated participants.")] = False,
    key: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Draw the list of a study, once, and seal it. To be done by somebody who runs no sessions."""
    names = _listed(groups, "--groups")
    factors = {} if no_strata else _factors(strata or ["sex:F,M"])
    settings = AllocationSettings(
        id=secrets.token_hex(8),
        groups=tuple(names),
        ratio=_ratio(ratio, len(names)),
        strata=factors,
        n_in=_planned(n, n_in or [], list(name_strata(factors))),
        replacement_packages=replacement_packages,
        pill_to_task_min=pill_to_task_min,
        tolerance_min=tolerance_min,
        pill_to_mood_min=pill_to_mood_min,
        simulated=simulated,
    )
    multiples = [_number(text, "--blocks") for text in _listed(blocks, "--blocks")]
    seed = read_seed(_first_line(seed_file)) if seed_file is not None else None
    allocation, entry = create(
        study_of(context),
        settings,
        multiples=multiples,
        passphrase=ask_passphrase(passphrase_file, new=True),
        given=given(by),
        seed=seed,
        key_path=key,
    )
    guesser = predictability(
        min(settings.n_in.values()),
        ratio=settings.ratio,
        multiples=multiples,
        n_lists=200,
        rng=np.random.default_rng(0),
    )
    lines = [
        f"The list is drawn: {len(allocation.places)} places in {len(settings.n_in)} strata, in "
        f"{allocation.folder}",
        f"The sealed key is {key or allocation.default_key}. Keep a copy of it elsewhere, and the passphrase "
        "apart from both: without it, nobody can ever learn the groups.",
        f"The best guesser, who knew all groups so far, would be right in {100 * guesser.right:.0f} % (by "
        f"chance {100 * max(settings.ratio) / sum(settings.ratio):.0f} %) and certain in "
        f"{100 * guesser.certain:.0f} %.",
        "To pack: python -m experiments.allocation STUDY unseal --reason packing --out FILE",
    ]
    answer(lines, entry, as_json=as_json, places=len(allocation.places), best_guesses=guesser.right)


def unseal_command(
    context: typer.Context,
    reason: Reason = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="New file for the list, outside the study; otherwise it is shown.", show_default=False
        ),
    ] = None,
    key: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Open the whole list: to pack, or when the study is over."""
    study = study_of(context)
    if out is not None:
        check_outside(out, study)
    allocation = open_allocation(study)
    who = given(by, reason)
    who.need_reason("unsealing the list")
    rows, entry = unseal(allocation, key_of(allocation, key, passphrase_file), who)
    if out is not None:
        write_list(out, rows, study=study)
        lines = [f"The list with the groups of {len(rows)} packages is in {out}"]
    else:
        columns = ("package", "group", "blind_code", "stratum", "position", "replacement", "participant")
        lines = ["\t".join(columns)]
        lines += ["\t".join(str(row[name] or "") for name in columns) for row in rows]
    answer(lines, entry, as_json=as_json, packages=len(rows), out=str(out) if out else None)


def reveal_command(
    context: typer.Context,
    participant: Participant,
    reason: Reason = None,
    key: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say what one participant was given: for an emergency. Nobody else's group is shown."""
    allocation = open_allocation(study_of(context), check=False)
    for problem in allocation.problems():
        print(f"warning: {problem}", file=sys.stderr)
    who = given(by, reason)
    who.need_reason("revealing a participant's group")
    allocation.register().person(participant)
    found = reveal(allocation, participant, key_of(allocation, key, passphrase_file), who)
    lines = [f"Participant {participant}, package {found.package}: {found.group}"]
    if found.taken_package is not None:
        lines.append(f"But the pill was taken from package {found.taken_package}: {found.taken_group}")
    if any(entry.action == "release" for entry in allocation.log.entries()):
        lines.append(
            "The blind codes of the groups were released: whoever knows them and this answer, knows the "
            "group of all with the same code."
        )
    summary = {"participant": participant, "group": found.group, "taken_group": found.taken_group}
    answer(lines, found.entry, as_json=as_json, **summary)


def release_command(
    context: typer.Context,
    reason: Reason = None,
    key: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Write blind codes of the groups (A, B, ...) into participants.tsv, for a blind analysis."""
    allocation = open_allocation(study_of(context))
    who = given(by, reason)
    who.need_reason("releasing the blind codes")
    revealed = [entry for entry in allocation.log.entries() if entry.action in ("reveal", "unseal")]
    codes, missing, entry = release(allocation, key_of(allocation, key, passphrase_file), who)
    lines = [f"participants.tsv has the blind codes of {len(codes)} participants."]
    if missing:
        lines.append(f"Not in participants.tsv yet: {', '.join(missing)}. Give the command again later.")
    if any(entry.action == "reveal" for entry in revealed):
        lines.append(
            "A participant's group was revealed before: whoever knows it, now knows the group of all with "
            "the same code, and should not do the blind analysis."
        )
    answer(lines, entry, as_json=as_json, released=len(codes), missing=missing)


def verify_command(
    context: typer.Context,
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="Also check signatures, and that the list follows from its seed."),
    ] = False,
    receipt: Annotated[
        list[str] | None,
        typer.Option(
            help="Receipt noted elsewhere, such as 14-3f9a22c1; can be given several times.",
            show_default=False,
        ),
    ] = None,
    key: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Look for anything that was changed since the list was made; exit status 1 if something was."""
    allocation = open_allocation(study_of(context), check=False)
    opened = key_of(allocation, key, passphrase_file) if with_key else None
    problems = verify(allocation, opened, given(by), tuple(receipt or ()))
    lines = problems or ["Nothing was changed: log, settings and list of packages are as they were written."]
    if not with_key and not problems:
        lines.append("(--with-key finds more: a log that was written anew from some entry on.)")
    answer(lines, allocation.log.entries()[-1], as_json=as_json, problems=problems)
    if problems:
        raise typer.Exit(1)


def accept_damage_command(
    context: typer.Context,
    reason: Reason = None,
    key: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Let a study go on whose files were changed, after somebody has looked into it."""
    allocation = open_allocation(study_of(context), check=False)
    who = given(by, reason)
    who.need_reason("accepting changed files")
    problems, entry = accept_damage(allocation, key_of(allocation, key, passphrase_file), who)
    lines = [*problems, "Accepted; the log says so."] if problems else ["Nothing was changed."]
    answer(lines, entry, as_json=as_json, problems=problems)


def _listed(text: str, option: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError(f"{option} is a list with commas, such as drug,placebo; found {text!r}")
    return parts


def _factors(texts: list[str]) -> dict[str, tuple[str, ...]]:
    factors = {}
    for text in texts:
        factor, sign, levels = text.partition(":")
        if not sign or not factor.strip():
            raise ValueError(f"--strata takes a factor and its levels, such as sex:F,M; found {text!r}")
        if factor.strip() in factors:
            raise ValueError(f"the factor {factor.strip()} is there twice")
        factors[factor.strip()] = tuple(_listed(levels, "--strata"))
    return factors


def _planned(n: int | None, n_in: list[str], strata: list[str]) -> dict[str, int]:
    chosen: dict[str, int] = {}
    for text in n_in:
        stratum, sign, number = text.rpartition("=")
        if not sign or stratum not in strata:
            raise ValueError(
                f"--n-in takes a stratum and its number, such as {strata[0]}=40, and the strata are "
                f"{', '.join(strata)}; found {text!r}"
            )
        chosen[stratum] = _number(number, "--n-in")
    missing = [stratum for stratum in strata if stratum not in chosen]
    if missing and n is None:
        raise ValueError(f"how many participants? Give --n, or --n-in for each of {', '.join(missing)}")
    return {stratum: chosen.get(stratum, n or 0) for stratum in strata}


def _ratio(text: str | None, n_groups: int) -> tuple[int, ...]:
    if text is None:
        return (1,) * n_groups
    return tuple(_number(part, "--ratio") for part in text.split(":"))


def _number(text: str, option: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{option} needs whole numbers; found {text!r}") from None


def _first_line(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file with the seed {path}")
    return (read_text(path).splitlines() or [""])[0]
