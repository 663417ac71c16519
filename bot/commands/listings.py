"""``bugfoundry tasks``, ``show`` and ``operators``: what there is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from bot.commands.options import (
    JsonOption,
    StoreOption,
    TaskArgument,
    open_store,
    out,
    print_json,
)
from forge.run.nouns import format_count

if TYPE_CHECKING:
    from forge.grade.lookup import StoredTask
    from storage.records import Origin

LISTED_TESTS = 20


def tasks_command(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the tasks in the store."""
    from forge.grade.lookup import find_task
    from tasks.withheld import list_withheld_reasons

    with open_store(store) as opened:
        reasons = list_withheld_reasons(opened)
        rows = [
            row(find_task(opened, task.id)) | {"withheld": reasons.get(task.id, "")}
            for task in opened.tasks()
        ]
    if as_json:
        print_json(rows)
        return
    for entry in rows:
        out.print(
            f"{entry['id']}  {entry['fail_to_pass']} fail, {entry['pass_to_pass']} pass"
            + (f", {entry['spilled']} fail in company alone" if entry["spilled"] else "")
            + "  "
            f"{entry['path']} {entry['entity']}"
            + (f"  withheld: {entry['withheld']}" if entry["withheld"] else ""),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    out.print(format_count(len(rows), "task"), highlight=False)


def row(found: StoredTask) -> dict[str, object]:
    """One task as a line of a listing."""
    origin = found.bug.origin
    return {
        "id": found.task.id,
        "path": origin.path,
        "entity": origin.entity,
        "operator": origin.operator,
        "fail_to_pass": len(found.verdict.fail_to_pass),
        "pass_to_pass": len(found.verdict.pass_to_pass),
        "spilled": len(found.verdict.spilled),
    }


def show_command(
    task: TaskArgument, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Show a task: the bug as a diff, the tests, where it came from."""
    from forge.grade.lookup import find_task

    with open_store(store) as opened:
        found = find_task(opened, task)
        origins = opened.origins(found.bug.id)
        mirrorings = opened.pulls.list_mirrorings(found.bug.id)
    if as_json:
        print_json(
            {
                "task": asdict(found.task),
                "bug": asdict(found.bug),
                "verdict": asdict(found.verdict),
                "origins": [asdict(origin) for origin in origins],
                "mirrors": [asdict(mirroring) for mirroring in mirrorings],
            }
        )
        return
    out.print(f"[bold]{found.task.id}[/bold]", highlight=False, soft_wrap=True)
    for origin in origins:
        out.print(
            " ".join(f"origin: {origin.strategy} {origin.operator}".split()),
            f"in {origin.path}:{origin.line} {origin.entity}".rstrip(),
            f"({describe_source(origin)})",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    out.print(
        f"environment: {found.environment.sandbox}, Python {found.environment.python}, "
        f"{found.environment.plan.name}",
        highlight=False,
        markup=False,
    )
    print_diff(found.bug.patch)
    for mirroring in mirrorings:
        out.print(
            f"[bold]the fix it undoes[/bold], {mirroring.undone:.0%} of it, by {mirroring.tier}: "
            f"{mirroring.repository} {mirroring.commit[:12]}",
            highlight=False,
            soft_wrap=True,
        )
        print_diff(mirroring.fix)
    print_tests("fail with the bug (FAIL_TO_PASS)", found.verdict.fail_to_pass)
    if found.verdict.spilled:
        print_tests("fail with the bug in company alone (in no list)", found.verdict.spilled)
    print_tests("must keep passing (PASS_TO_PASS)", found.verdict.pass_to_pass)
    out.print()
    out.print(found.task.statement, markup=False, highlight=False, soft_wrap=True)
    for title, texts in (
        ("hint", found.task.hints),
        ("taken out of the issue", [f"{kind}: {text}" for kind, text in found.task.removed]),
    ):
        for text in texts:
            out.print(f"[bold]{title}[/bold]", highlight=False)
            out.print(text, markup=False, highlight=False, soft_wrap=True)
    if found.task.test_patch:
        out.print("[bold]hidden tests[/bold], which come back for grading", highlight=False)
        print_diff(found.task.test_patch)


def describe_source(origin: Origin) -> str:
    """Say what a bug was drawn from."""
    by = f", by {origin.model}" if origin.model else ""
    if origin.strategy == "combine":
        return f"joins {' and '.join(parent[:12] for parent in origin.parents)}"
    if origin.strategy != "mirror":
        return f"seed {origin.seed}{by}"
    return (f"#{origin.pull}" if origin.pull else origin.commit[:12]) + by


def print_diff(patch: str) -> None:
    """Print a patch in colours."""
    from rich.syntax import Syntax

    text = patch.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    out.print(Syntax(text, "diff", background_color="default", word_wrap=True))


def print_tests(title: str, tests: tuple[str, ...]) -> None:
    """Print the first tests of a list, and how many there are."""
    out.print(f"[bold]{len(tests)} {title}[/bold]", highlight=False)
    for test in tests[:LISTED_TESTS]:
        out.print(f"  {test}", markup=False, highlight=False, soft_wrap=True)
    if len(tests) > LISTED_TESTS:
        out.print(f"  … and {len(tests) - LISTED_TESTS} more", highlight=False)


def operators_command(as_json: JsonOption = False) -> None:
    """List the operators that make procedural bugs."""
    from mutators.operators.registry import operators

    rows = [{"name": o.name, "description": o.description} for o in operators()]
    if as_json:
        print_json(rows)
        return
    table = Table(box=None, header_style="bold")
    table.add_column("operator", no_wrap=True)
    table.add_column("what it does")
    for entry in rows:
        table.add_row(entry["name"], entry["description"])
    out.print(table)
