"""cosmic-ray on a sample of its own mutants: https://cosmic-ray.readthedocs.io

It writes one mutant into the tree, starts the whole test command, and puts the file back. The
command stops at the first red test (``pytest -x``), as its users do.
"""

from __future__ import annotations

import json
import random
import shlex
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.validation_tools import ToolFailed, ToolRow, Workshop

CONFIG = "cosmic-ray.toml"
SESSION = "session.sqlite"
SLOWER = 10.0
LEAST_TIMEOUT = 30.0
TABLES = ("work_results", "mutation_specs", "work_items")


def run_cosmic(place: Workshop, mutants: int, seed: int) -> ToolRow:
    """Run cosmic-ray on so many of its mutants. Raises ToolFailed."""
    python = str(place.venv / "bin" / "python")
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *place.arguments]
    first = place.run(*["python", *command[1:]]).require("the test command, with no mutant")
    timeout = max(LEAST_TIMEOUT, SLOWER * first.usage.wall)
    configure(place, shlex.join(command), timeout)
    made = place.run("cosmic-ray", "init", CONFIG, SESSION).require("cosmic-ray init")
    total, chosen = keep(place.tree / SESSION, mutants, seed)
    if not chosen:
        raise ToolFailed("it found nothing to mutate")
    done = place.run("cosmic-ray", "exec", CONFIG, SESSION).require("cosmic-ray exec")
    outcomes = read_results(place.tree / SESSION)
    if outcomes.total() != chosen:
        raise ToolFailed(f"{outcomes.total()} of {chosen} mutants have a result")
    return ToolRow(
        tool="cosmic-ray",
        version=place.version,
        mutants=chosen,
        outcomes=dict(outcomes),
        setup=made.usage,
        run=done.usage,
        peak=done.peak,
        note=f"{chosen} of {total} mutants; pytest -x, the whole suite; {timeout:.0f} s at most; "
        f"no mutant: {first.usage.cpu:.2f} CPU-seconds",
    )


def configure(place: Workshop, command: str, timeout: float) -> None:
    """Write its settings; JSON's strings and lists are TOML's too."""
    lines = [
        "[cosmic-ray]",
        f"module-path = {json.dumps(list(place.sources))}",
        f"timeout = {timeout:.1f}",
        "excluded-modules = []",
        f"test-command = {json.dumps(command)}",
        "",
        "[cosmic-ray.distributor]",
        'name = "local"',
    ]
    (place.tree / CONFIG).write_text("\n".join(lines) + "\n")


def keep(session: Path, mutants: int, seed: int) -> tuple[int, int]:
    """Delete all work but a sample; return how much there was, and how much is left."""
    with closing(sqlite3.connect(session)) as database:
        rows = database.execute(
            "select job_id from mutation_specs order by module_path, start_pos_row, "
            "start_pos_col, operator_name, occurrence, operator_args"
        ).fetchall()
        chosen = random.Random(seed).sample(rows, min(mutants, len(rows)))
        database.execute("create temporary table kept (job_id)")
        database.executemany("insert into kept values (?)", chosen)
        for table in TABLES:
            database.execute(f"delete from {table} where job_id not in (select job_id from kept)")
        database.commit()
    return len(rows), len(chosen)


def read_results(session: Path) -> Counter[str]:
    """How many mutants came to what."""
    query = "select worker_outcome, test_outcome, output from work_results"
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(session)) as database:
        for worker, test, output in database.execute(query):
            if str(worker).lower() != "normal":
                found[str(worker).lower()] += 1
            else:
                found["timeout" if output == "timeout" else str(test).lower()] += 1
    return found
