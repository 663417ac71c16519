"""``bugfoundry gates``: what each gate does, and what it stops of the tasks that there are."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table

from bot.commands.export import AllowBenchmarkOption, AllowLicenceOption, rules_of
from bot.commands.options import JsonOption, StoreOption, open_store, out, print_json
from storage.paths import cache_dir
from storage.trees import Trees
from tasks.gates import GATES, Stopped, pass_gates
from tasks.gates.subject import Rules, Subject, subjects


def gates_command(
    why: Annotated[
        bool, typer.Option("--why", help="List the tasks and why each stopped.")
    ] = False,
    allow_license: AllowLicenceOption = None,
    allow_benchmark: AllowBenchmarkOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the gates, and how many tasks each stops.

    `stopped` counts as an export does: a task is stopped by the first gate that does not let it
    through. `alone` is how many the gate would stop if it were the only one.
    """
    rules = rules_of(allow_license, allow_benchmark)
    with open_store(store) as opened:
        tasks = subjects(opened, Trees(cache_dir()), opened.tasks())
        passed = pass_gates(tasks, rules)
        alone = each_alone(tasks, rules)
    stopped, left = passed.stopped, len(passed.subjects)
    counts = Counter(each.gate for each in stopped)
    rows = [
        {
            "name": gate.name,
            "does": gate.does,
            "stopped": counts[gate.name],
            "alone": alone[gate.name],
        }
        for gate in GATES
    ]
    if as_json:
        told = [{"task": one.task, "gate": one.gate, "why": one.why} for one in stopped]
        print_json({"tasks": len(tasks), "pass": left, "gates": rows, "stopped": told})
        return
    print_table(rows)
    out.print(f"{left} of {len(tasks)} tasks pass", highlight=False)
    if why:
        print_stopped(stopped)


def each_alone(tasks: list[Subject], rules: Rules) -> dict[str, int]:
    """Count what each gate stops of all tasks, the others switched off."""
    return {gate.name: len(pass_gates(tasks, rules, (gate.name,)).stopped) for gate in GATES}


def print_table(rows: list[dict[str, object]]) -> None:
    """Print the gates in the order in which tasks meet them."""
    table = Table(box=None, header_style="bold")
    for name, justify in (("gate", "left"), ("stopped", "right"), ("alone", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("what it does")
    for row in rows:
        table.add_row(str(row["name"]), str(row["stopped"]), str(row["alone"]), str(row["does"]))
    out.print(table)


def print_stopped(stopped: tuple[Stopped, ...]) -> None:
    """Print each task that was stopped, with the gate and why."""
    for one in stopped:
        out.print(
            f"{one.task}  {one.gate}: {one.why}", markup=False, highlight=False, soft_wrap=True
        )
