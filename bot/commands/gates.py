"""``bugfoundry gates``: what each gate does, and what it stops of the tasks that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.commands.export import AllowBenchmarkOption, AllowLicenceOption, rules_of
from bot.commands.options import JsonOption, StoreOption, open_store, out, print_json
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.release.gates import GateCount
    from tasks.gates import StoppedTask


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
    from forge.release.gates import count_gates
    from storage.trees import Trees
    from tasks.gates.subject import subjects

    rules = rules_of(allow_license, allow_benchmark)
    with open_store(store) as opened:
        found = count_gates(subjects(opened, Trees(cache_dir()), opened.tasks()), rules)
    if as_json:
        told = [{"task": one.task, "gate": one.gate, "why": one.why} for one in found.stopped]
        rows = [asdict(each) for each in found.gates]
        print_json({"tasks": found.tasks, "pass": found.passed, "gates": rows, "stopped": told})
        return
    print_table(found.gates)
    out.print(f"{found.passed} of {found.tasks} tasks pass", highlight=False)
    if why:
        print_stopped(found.stopped)


def print_table(gates: Sequence[GateCount]) -> None:
    """Print the gates in the order in which tasks meet them."""
    table = Table(box=None, header_style="bold")
    for name, justify in (("gate", "left"), ("stopped", "right"), ("alone", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("what it does")
    for each in gates:
        table.add_row(each.name, str(each.stopped), str(each.alone), each.does)
    out.print(table)


def print_stopped(stopped: tuple[StoppedTask, ...]) -> None:
    """Print each task that was stopped, with the gate and why."""
    for one in stopped:
        out.print(
            f"{one.task}  {one.gate}: {one.why}", markup=False, highlight=False, soft_wrap=True
        )
