"""``bugfoundry transfer``: solve rates on synthetic and on mirrored tasks, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bot.commands.options import JsonOption, out, print_json
from storage.errors import SourceError

if TYPE_CHECKING:
    from forge.study.transfer import Rate


def transfer_command(
    reports: Annotated[list[Path], typer.Argument(help="What `bugfoundry evaluate` wrote.")],
    tasks: Annotated[
        Path, typer.Option("--tasks", help="The export that holds the tasks, best with --split.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Compare an agent's solve rate on synthetic and on mirrored tasks of held-out repositories.

    Where the export says which split a task is in, those of the test split count alone.

    Example: bugfoundry transfer report.json --tasks tasks.jsonl
    """
    from forge.grade.carried_tasks import read_rows
    from forge.study.transfer import transfer

    records = {row["instance_id"]: row for row in read_rows(tasks)}
    instances = [each for path in reports for each in instances_of(path)]
    lines = transfer(instances, records)
    if not lines:
        raise SourceError("no graded prediction is on a held-out task of this export")
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    table = Table("model", "repository", "synthetic", "mirrored")
    for line in lines:
        cells = (describe_rate(line.synthetic), describe_rate(line.mirrored))
        table.add_row(line.model or "none named", line.repository or "all", *cells)
    out.print(table)


def instances_of(path: Path) -> list[Mapping[str, Any]]:
    """Return the instances of a report. Raises SourceError where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["instances"]
        return [each for each in found if not each["error"]]
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} is no report of `bugfoundry evaluate`") from error


def describe_rate(rate: Rate) -> str:
    """A rate with its interval."""
    if not rate.total:
        return "no task"
    low, high = rate.interval
    return f"{rate.solved} of {rate.total} = {rate.share:.0%} ({low:.0%} to {high:.0%})"
