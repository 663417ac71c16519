"""Two mutation testing tools, each on a sample of its own mutants.

mutmut (https://mutmut.readthedocs.io) writes all mutants of a file into one copy of it, behind a
switch in each function, collects once which tests enter which function, and forks for each mutant
from a process that has run the tests. Tests that the switches break are deselected (pickling,
frames and names look different then), and doctests are left out: each mutant's copy of a docstring
would be one more. A run stops at the first red test.

cosmic-ray (https://cosmic-ray.readthedocs.io) writes one mutant into the tree, starts the whole
test command, and puts the file back. The command stops at the first red test (``pytest -x``), as
its users do.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import sqlite3
import statistics
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.validation.tools import Done, ToolFailed, ToolRow, Workshop, forget, tops

NOTHING = "no mutant has this name"
FILTERED = "nothing matches"
BROKEN = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?: - .*)?$", re.MULTILINE)
BEGIN = "Running mutation testing"
ROUNDS = 25
OUTCOMES = {
    0: "survived",
    1: "killed",
    3: "killed",
    5: "no tests",
    33: "no tests",
    34: "skipped",
    36: "timeout",
    24: "timeout",
    -24: "timeout",
    152: "timeout",
    255: "timeout",
    -9: "crashed",
    -11: "crashed",
    None: "not run",
}
"""As mutmut itself reads its children's exit codes."""

CONFIG = "cosmic-ray.toml"
SESSION = "session.sqlite"
SLOWER = 10.0
LEAST_TIMEOUT = 30.0
TABLES = ("work_results", "mutation_specs", "work_items")


def run_mutmut(place: Workshop, mutants: int, seed: int) -> ToolRow:
    """Run mutmut on so many of its mutants. Raises ToolFailed."""
    broken = find_broken(place)
    forget(place.tree / "mutants")
    prepared = prepare(place)
    if not ready(place, prepared):
        raise ToolFailed(f"the set-up went well once, and not again: {prepared.output[-400:]}")
    names = sorted(read_mutmut(place.tree))
    chosen = sorted(random.Random(seed).sample(names, min(mutants, len(names))))
    if not chosen:
        raise ToolFailed("it found nothing to mutate")
    words = ("mutmut", "run", "--max-children", "1", *chosen)
    done = place.run(*words, marker=BEGIN).require("mutmut run")
    if not done.marked.wall:
        raise ToolFailed("its output does not say when it begins with the mutants")
    results = read_mutmut(place.tree)
    left_out = f"{len(broken)} tests left out that its switches break; " if broken else ""
    walls = [results[name][1] for name in chosen if results[name][1]]
    typical = f"; wall median {statistics.median(walls):.3f} of those with tests" if walls else ""
    return ToolRow(
        tool="mutmut",
        version=place.version,
        mutants=len(chosen),
        outcomes=dict(Counter(results[name][0] for name in chosen)),
        setup=prepared.usage + done.marked,
        run=done.usage - done.marked,
        note=f"{len(chosen)} of {len(names)} mutants; {left_out}no doctests; stops at the first red"
        + typical,
    )


def find_broken(place: Workshop) -> list[str]:
    """Deselect tests until its own set-up passes. Raises ToolFailed."""
    broken: list[str] = []
    for _ in range(ROUNDS):
        configure_mutmut(place, broken)
        done = prepare(place)
        if ready(place, done):
            return broken
        found = [test for test in BROKEN.findall(done.output) if test not in broken]
        if not found:
            done.require("mutmut run")
            raise ToolFailed("mutmut ran where no mutant was asked for")
        broken += found
    raise ToolFailed(f"more than {ROUNDS} tests fail with its switches, the last: {broken[-1]}")


def prepare(place: Workshop) -> Done:
    """Make the mutants and collect which tests enter which function, and run none."""
    return place.run("mutmut", "run", "--max-children", "1", NOTHING)


def ready(place: Workshop, done: Done) -> bool:
    """Say whether it came as far as finding that no mutant has the name."""
    return FILTERED in done.output and (place.tree / "mutants" / "mutmut-stats.json").exists()


def configure_mutmut(place: Workshop, broken: list[str]) -> None:
    """Write its settings where the repository has its own, or in setup.cfg."""
    sources = tops(place.sources)
    kept = [
        word
        for word in place.arguments
        if not word.startswith("--doctest") and word.partition("/")[0] not in sources
    ]
    settings = {
        "source_paths": sources,
        "only_mutate": list(place.sources),
        "pytest_add_cli_args_test_selection": [*kept, *(f"--deselect={test}" for test in broken)],
    }
    file = place.tree / "setup.cfg"
    original = place.tree / "setup.cfg.original"
    if not original.exists():
        original.write_text(file.read_text() if file.exists() else "")
        pyproject = place.tree / "pyproject.toml"
        if pyproject.exists() and "[tool.mutmut" in pyproject.read_text():
            raise ToolFailed("the repository has its own settings for mutmut, which would be used")
    lines = ["", "[mutmut]"]
    for name, values in settings.items():
        lines += [f"{name} =", *(f"    {value}" for value in values)] if values else []
    file.write_text(original.read_text() + "\n".join(lines) + "\n")


def read_mutmut(tree: Path) -> dict[str, tuple[str, float]]:
    """Outcome and wall seconds of each mutant, by name."""
    found = {}
    for file in (tree / "mutants").rglob("*.meta"):
        document = json.loads(file.read_text())
        durations = document.get("durations_by_key", {})
        for name, code in document["exit_code_by_key"].items():
            outcome = OUTCOMES.get(code, "suspicious")
            found[name] = (outcome, float(durations.get(name) or 0.0))
    return found


def run_cosmic(place: Workshop, mutants: int, seed: int) -> ToolRow:
    """Run cosmic-ray on so many of its mutants. Raises ToolFailed."""
    python = str(place.venv / "bin" / "python")
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *place.arguments]
    first = place.run(*["python", *command[1:]]).require("the test command, with no mutant")
    timeout = max(LEAST_TIMEOUT, SLOWER * first.usage.wall)
    configure_cosmic(place, shlex.join(command), timeout)
    made = place.run("cosmic-ray", "init", CONFIG, SESSION).require("cosmic-ray init")
    total, chosen = sample_work(place.tree / SESSION, mutants, seed)
    if not chosen:
        raise ToolFailed("it found nothing to mutate")
    done = place.run("cosmic-ray", "exec", CONFIG, SESSION).require("cosmic-ray exec")
    outcomes = read_cosmic(place.tree / SESSION)
    if outcomes.total() != chosen:
        raise ToolFailed(f"{outcomes.total()} of {chosen} mutants have a result")
    return ToolRow(
        tool="cosmic-ray",
        version=place.version,
        mutants=chosen,
        outcomes=dict(outcomes),
        setup=made.usage,
        run=done.usage,
        note=f"{chosen} of {total} mutants; pytest -x, the whole suite; {timeout:.0f} s at most; "
        f"no mutant: {first.usage.cpu:.2f} CPU-seconds",
    )


def configure_cosmic(place: Workshop, command: str, timeout: float) -> None:
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


def sample_work(session: Path, mutants: int, seed: int) -> tuple[int, int]:
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


def read_cosmic(session: Path) -> Counter[str]:
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
