"""How long the runner takes to start: its archive beside the one file that it was before.

    python -m benchmarks.runner_start [--revision 99c7761] [--rounds 40] [--python PATH ...]

Takes the old ``harness/runner.py`` out of git, and starts both in turn, in one run, so that a busy
machine is as busy for both: from the start of Python to the runner's first frame.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from harness.runner_archive import find_archive

HERE = Path(__file__).parents[1]
HEAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What one start took, in milliseconds."""

    wall: float
    cpu: float


def measure_start(python: str, runner: Path, tree: Path) -> Start:
    """Start a runner in a folder, wait for its first frame, and let it end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [python, str(runner), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tree
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.read(HEAD)
    wall = time.perf_counter() - began
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise typer.BadParameter(f"{runner} does not start with {python}")
    return Start(wall=wall * 1000, cpu=(used.ru_utime + used.ru_stime) * 1000)


def measure_both(python: str, runners: dict[str, Path], tree: Path, rounds: int) -> Table:
    """Return medians and the least of each, started in turn."""
    table = Table("runner", "wall: median", "least", "CPU: median", "least", title=python)
    found: dict[str, list[Start]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            found[name].append(measure_start(python, runner, tree))
    for name, starts in found.items():
        walls, cpus = [each.wall for each in starts], [each.cpu for each in starts]
        figures = (statistics.median(walls), min(walls), statistics.median(cpus), min(cpus))
        table.add_row(name, *(f"{figure:.1f} ms" for figure in figures))
    return table


def main(
    revision: Annotated[str, typer.Option(help="Where git has the one file.")] = "99c7761",
    rounds: Annotated[int, typer.Option(min=1, help="Starts of each.")] = 40,
    python: Annotated[list[str] | None, typer.Option(help="Pythons to start them with.")] = None,
) -> None:
    """Measure starts of the runner, as one file and as an archive."""
    old = subprocess.run(
        ["git", "show", f"{revision}:harness/runner.py"], cwd=HERE, capture_output=True, check=True
    )
    with tempfile.TemporaryDirectory() as folder:
        tree, file = Path(folder) / "tree", Path(folder) / "runner.py"
        tree.mkdir()
        file.write_bytes(old.stdout)
        runners = {"one file": file, "archive": find_archive(Path(folder) / "cache")}
        for each in python or [sys.executable]:
            Console(width=100).print(measure_both(each, runners, tree, rounds))


if __name__ == "__main__":
    typer.run(main)
