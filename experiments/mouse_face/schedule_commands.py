"""``python -m experiments.mouse_face schedules`` and ``orders``: ready schedules, orders of sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

STAND_IN = "1"
"""In place of what only the user can give, where a schedule is only shown."""
COPY_NOTE = "# A copy of the ready schedule {name}: change it, and fill in what is 'required'.\n"


def schedules(
    name: Annotated[
        str | None, typer.Argument(help="A ready schedule or a file; all ready ones, if left out.")
    ] = None,
    copy: Annotated[
        Path | None, typer.Option(help="Write a copy to change and fill in; nothing is ever replaced.")
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="A value, such as tail_shock.pulse_ms=500.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """List the ready schedules, check one and show where its numbers come from, or copy one."""
    from experiments.mouse_face.schedule import list_schedules, missing_values, parse_values, schedule_path
    from experiments.mouse_face.schedule_text import schedules_text

    if name is None:
        if copy is not None or values:
            raise ValueError(
                "name the schedule that is meant, such as: schedules tail_shocks --copy mine.yaml"
            )
        print(schedules_text())
        if as_json:
            print(json.dumps(list_schedules().to_dict("records")))
        return
    if copy is not None:
        _copy(name, copy)
    else:
        _show(name, parse_values(values or []))
    if as_json:
        needs = missing_values(copy or name)["setting"].tolist()
        print(json.dumps({"schedule": str(schedule_path(copy or name)), "needs": needs}))


def orders(
    sessions: Annotated[list[str], typer.Argument(help="Sessions that every animal has.")],
    animal: Annotated[list[str], typer.Option(help="An animal, as often as needed, in their order.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """Counterbalance the order of sessions across animals (balanced Latin square)."""
    from experiments.mouse_face.session_orders import session_orders

    table = session_orders(sessions, animal)
    print(table.to_string())
    if as_json:
        print(json.dumps({name: row.tolist() for name, row in table.iterrows()}))


def _copy(name: str, copy: Path) -> None:
    """Write a copy of a schedule under its new name."""
    from experiments.mouse_face.schedule import missing_values, schedule_path

    if copy.suffix not in (".yaml", ".yml"):
        raise ValueError(f"--copy {copy}: expected a file that ends in .yaml")
    text = schedule_path(name).read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if not line.startswith("name:")]
    with copy.open("x", encoding="utf-8", newline="\n") as file:
        file.write(COPY_NOTE.format(name=name) + "\n".join(lines) + "\n")
    print(f"{copy} written")
    for _, row in missing_values(copy).iterrows():
        print(f"  line {row['line']}: {row['setting']}, {row['what']}")


def _show(name: str, values: dict[str, str]) -> None:
    """Check a schedule and say what it is, and what it still needs."""
    from experiments.mouse_face.schedule import missing_values, read_schedule
    from experiments.mouse_face.schedule_text import sources_text, warnings_text

    needs = {
        row["setting"]: row["what"]
        for _, row in missing_values(name).iterrows()
        if not any(row["setting"] == given or row["setting"].endswith("." + given) for given in values)
    }
    schedule = read_schedule(name, values=values | dict.fromkeys(needs, STAND_IN))
    print(f"{schedule.title} ({schedule.paper})" if schedule.paper else schedule.title)
    if schedule.description:
        print(schedule.description)
    print("\n" + sources_text(schedule, needs))
    if schedule.warnings:
        print("\n" + warnings_text(schedule))
