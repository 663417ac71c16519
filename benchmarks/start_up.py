"""How much CPU the command line takes until it answers.

    .venv/bin/python -m benchmarks.start_up [--rounds 7] [--store FILE] [COMMAND ...]

Runs `bugfoundry --help`, the help of every command (or of those that are named) and `tasks` on a
small store, each in fresh processes after one that does not count. Prints the median and the most
of user and system seconds. A store of twenty tasks is made where none is named.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.pages import first
from bot.commands.table import COMMANDS
from storage.store import Store

TASKS = 20
LIMITS = {"--help": 0.4, "tasks": 1.0}
"""Seconds that are wanted; for the help of a command see below."""
LIMIT_OF_HELP = 0.8


def fill(path: Path) -> None:
    """Make a store of a few tasks."""
    with Store(path) as store:
        first(store, bugs=20 * TASKS, tasks=TASKS)


def cpu_seconds(words: Sequence[str]) -> float:
    """Run bugfoundry once. Raises CalledProcessError where it fails."""
    with subprocess.Popen([sys.executable, "-m", "bot", *words], stdout=subprocess.DEVNULL) as run:
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, run.args)
    return usage.ru_utime + usage.ru_stime


def calls(commands: Sequence[str], store: Path) -> Iterator[tuple[str, Sequence[str], float]]:
    """Give each call: its name, its words, and the seconds that are wanted."""
    yield "--help", ["--help"], LIMITS["--help"]
    for name in commands:
        yield f"{name} --help", [name, "--help"], LIMIT_OF_HELP
    yield "tasks", ["tasks", "--store", str(store)], LIMITS["tasks"]


def measure(commands: Sequence[str], store: Path, rounds: int) -> None:
    """Print what each call takes."""
    print(f"{'bugfoundry …':22} {'median':>6} {'most':>6} {'wanted':>6}  (seconds of CPU)")
    for name, words, wanted in calls(commands, store):
        cpu_seconds(words)
        took = [cpu_seconds(words) for _ in range(rounds)]
        median = statistics.median(took)
        print(f"{name:22} {median:6.2f} {max(took):6.2f} {wanted:6.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commands", nargs="*", default=list(COMMANDS), metavar="COMMAND")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--store", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store: Path = arguments.store or Path(folder) / "store.db"
        if not store.exists():
            fill(store)
        measure(arguments.commands, store, arguments.rounds)


if __name__ == "__main__":
    main()
