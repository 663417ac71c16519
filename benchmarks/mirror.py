"""How many fixes can be undone on today's code without a model, and how many turn a test red.

    .venv/bin/python -m benchmarks.mirror [--fixes FILE] [--clones FOLDER] [NAME ...]
    .venv/bin/python -m benchmarks.mirror --source CHECKOUT [--limit 60]

The first form reads a list of fixes (JSON: repositories with ``repository``, ``head`` and ``fixes``
of ``commit``, ``base``, ``date``) and finds the clone of ``owner/name`` in ``FOLDER``, as
``owner+name/repo`` or ``name``. The second takes the fixes from a checkout's own history:
issue-linked pull requests that `bugfoundry crawl` would choose. ``--no-tests`` only undoes;
otherwise the repository's environment is built and every undone fix is judged as any bug is.

An undo counts when it parses, differs as a syntax tree, and at least half of the fix's changed
statements are what they were; red means that the judge found tests that fail by it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rich.console import Console
from rich.table import Table

from forge.compose import make_machine_engine, make_ready
from forge.run.async_work import run_interruptible
from forge.run.progress import Quiet
from forge.run.settings import EnvironmentSettings, Settings, ValidationSettings
from mirror.choice.sieve import sift
from mirror.history.crawl import crawl_history
from mirror.undo.bugs import bug_of
from mirror.undo.fixes import Clone, Fix
from mirror.undo.threeway import merge_file
from mirror.undo.undo import CurrentTree, apply_reversed, undo
from storage.blobs import read_blobs
from storage.errors import BugfoundryError
from storage.histories import fetch_with_history
from storage.paths import cache_dir
from storage.records import Bug
from storage.sources import parse
from storage.store import Store
from storage.trees import Trees
from syntax.paths import is_source_path

AGES = (("under 1 year", 1.0), ("1 to 3", 3.0), ("3 to 7", 7.0), ("over 7", 1000.0))
TIERS = ("apply", "three-way", "structural")
err = Console(stderr=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A fix to undo."""

    commit: str
    base: str
    date: str


@dataclass(slots=True, kw_only=True)
class Row:
    """What became of one fix."""

    repository: str
    commit: str
    date: str
    age: float
    naive: bool
    """`git apply -R --3way` would do: patch or three-way merge, each file by its path then."""
    tests: tuple[str, ...] = ()
    """Files of tests that the fix touched."""
    tier: str = ""
    undone: float = 0.0
    reason: str = ""
    verdict: str = ""
    failing: int = 0
    own: bool = False
    """A test in a file that the fix touched is among the failing ones."""
    seconds: float = 0.0


@dataclass(slots=True)
class Work:
    """One repository: its clone, today's files, and the rows so far."""

    name: str
    clone: Clone
    files: dict[str, bytes]
    tree: CurrentTree
    rows: list[Row] = field(default_factory=list)
    bugs: dict[str, list[Row]] = field(default_factory=dict)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mirror",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="only repositories whose name holds one of these")
    parser.add_argument("--fixes", type=Path)
    parser.add_argument("--clones", type=Path, default=Path())
    parser.add_argument("--source", type=Path, help="a git checkout with its history")
    parser.add_argument("--limit", type=int, default=60, help="fixes a repository, newest first")
    parser.add_argument("--no-tests", action="store_true")
    parser.add_argument("--sandbox", choices=("auto", "docker", "local"), default="auto")
    parser.add_argument("--store", type=Path, default=Path("mirror-benchmark.db"))
    parser.add_argument("--json", type=Path, help="write every row here")
    options = parser.parse_args()
    if (options.fixes is None) == (options.source is None):
        parser.error("name either --fixes FILE or --source CHECKOUT")
    return options


def listed(options: argparse.Namespace) -> list[tuple[str, Path, str, list[Listed]]]:
    """Return name, git directory, head and fixes of each repository. Raises BugfoundryError."""
    if options.source is not None:
        return [from_history(options.source, options.limit)]
    found = []
    for entry in json.loads(options.fixes.read_text())["repositories"]:
        name = str(entry["repository"])
        if options.names and not any(each in name for each in options.names):
            continue
        fixes = [Listed(**{k: f[k] for k in ("commit", "base", "date")}) for f in entry["fixes"]]
        places = [
            options.clones / name.replace("/", "+") / "repo",
            options.clones / PurePosixPath(name).name / ".git",
            options.clones / PurePosixPath(name).name,
        ]
        place = next((each for each in places if (each / "objects").is_dir()), None)
        if place is None:
            raise BugfoundryError(
                f"no clone of {name} under {options.clones}; clone it there first"
            )
        found.append((name, place, str(entry["head"]), fixes[: options.limit]))
    return found


def undo_all(work: Work, fixes: Sequence[Listed], head_date: float, tree: str) -> list[Bug]:
    """Undo each fix, note what came of it, and return the bugs to judge."""
    bugs: list[Bug] = []
    modes = {}
    for entry in work.clone.run_git("ls-tree", "-r", "-z", work.clone.head).split("\0"):
        if entry:
            modes[entry.split("\t", 1)[1]] = entry.split()[0]
    for each in fixes:
        started = time.monotonic()
        fix = work.clone.read_fix(each.base, each.commit)
        result = undo(fix, work.tree, work.clone.find_homes(fix, work.files))
        row = Row(
            repository=work.name,
            commit=each.commit,
            date=each.date,
            age=(head_date - stamp(each.date)) / 365.25,
            naive=naively(fix, work.files),
            tests=fix.tests,
            tier=result.tier or "",
            undone=round(result.undone, 3),
            reason=result.reason,
            seconds=round(time.monotonic() - started, 2),
        )
        work.rows.append(row)
        if result.enough:
            bug = bug_of(tree, fix, result, work.files, modes)
            work.bugs.setdefault(bug.id, []).append(row)
            bugs.append(bug)
    return bugs


def naively(fix: Fix, files: dict[str, bytes]) -> bool:
    """Say whether git undoes all files by their path then."""
    for change in fix.changes:
        today = files.get(change.path)
        if change.before is None or change.fixed is None:
            if today != change.fixed:
                return False
        elif today is None:
            return False
        elif apply_reversed(change.before, change.fixed, today) is None:
            merged = merge_file(today, change.fixed, change.before)
            if merged is None or merged == today:
                return False
    return bool(fix.changes)


def stamp(date: str) -> float:
    """Days since the epoch."""
    return time.mktime(time.strptime(date[:10], "%Y-%m-%d")) / 86400


async def run(options: argparse.Namespace) -> list[Row]:
    """Undo and judge, repository by repository."""
    rows: list[Row] = []
    trees = Trees(cache_dir())
    with Store(options.store) as store:
        for name, git_dir, head, fixes in listed(options):
            clone = Clone(git_dir, head)
            work = read_work(name, clone)
            tree = trees.adopt(git_dir, head)
            date = clone.run_git("show", "--no-patch", "--format=%cI", head).strip()
            bugs = undo_all(work, fixes, stamp(date), tree)
            rows += work.rows
            if not options.no_tests and bugs:
                await judge(options, git_dir, head, bugs, work, store, trees)
            err.print(line(work))
            if options.json is not None:
                options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return rows


def read_work(name: str, clone: Clone) -> Work:
    """Read the Python files of the head."""
    names = {}
    for entry in clone.run_git("ls-tree", "-r", "-z", clone.head).split("\0"):
        if entry.endswith(".py") and entry.startswith("100"):
            names[entry.split("\t", 1)[1]] = entry.split()[2]
    blobs = read_blobs(clone.git_dir, names.values())
    files = {path: blobs[blob] for path, blob in names.items() if is_source_path(path)}
    others = {path: blobs[blob] for path, blob in names.items() if path not in files}
    return Work(name, clone, files, CurrentTree(files, others))


async def judge(
    options: argparse.Namespace,
    git_dir: Path,
    head: str,
    bugs: Sequence[Bug],
    work: Work,
    store: Store,
    trees: Trees,
) -> None:
    """Judge the bugs in the repository's environment."""
    settings = Settings(
        source=f"{git_dir}@{head}",
        cache=cache_dir(),
        environment=EnvironmentSettings(sandbox=options.sandbox),
        validation=ValidationSettings(workers=2),
    )
    reporter = Quiet(err)
    try:
        ready = await make_ready(settings, store=store, trees=trees, reporter=reporter)
    except BugfoundryError as error:
        err.print(f"{work.name}: {error}")
        for row in (row for rows in work.bugs.values() for row in rows):
            row.verdict = "no-environment"
        return
    engine = make_machine_engine(settings, ready, trees, store=store, reporter=reporter)

    async def source() -> AsyncIterator[Bug]:
        for bug in {bug.id: bug for bug in bugs}.values():
            yield bug

    async with aclosing(engine.judge(source())) as verdicts:
        async for verdict in verdicts:
            for row in work.bugs[verdict.bug]:
                row.verdict, row.failing = verdict.reason, len(verdict.fail_to_pass)
                touched = {PurePosixPath(path).name for path in row.tests}
                row.own = any(
                    PurePosixPath(test.partition("::")[0]).name in touched
                    for test in verdict.fail_to_pass
                )


def from_history(folder: Path, limit: int) -> tuple[str, Path, str, list[Listed]]:
    """Choose fixes from a checkout's history, as `bugfoundry crawl` does."""
    source = parse(str(folder))
    cloned = fetch_with_history(source, cache=cache_dir(), trees=Trees(cache_dir()))
    pulls = list(crawl_history(cloned.git_dir, cloned.head, cloned.full_name))
    pulls.sort(key=lambda pull: pull.merged, reverse=True)
    chosen = [pull for pull, reason in sift(cloned.git_dir, cloned.head, pulls) if not reason]
    fixes = [
        Listed(commit=pull.commit, base=pull.base, date=pull.merged[:10]) for pull in chosen[:limit]
    ]
    return cloned.full_name, cloned.git_dir, cloned.head, fixes


def line(work: Work) -> str:
    """One line on a repository that is done."""
    enough = [row for row in work.rows if row.tier and not row.reason]
    red = sum(row.verdict == "valid" for row in enough)
    return f"{work.name}: {len(work.rows)} fixes, {len(enough)} undone, {red} red"


def report(rows: Sequence[Row], console: Console) -> None:
    """Print the tables: by repository and tier, by age, and what became of the rest."""
    table = Table(box=None, header_style="bold")
    for heading in ("repository", "fixes", "naive", *TIERS, "undone", "red", "own tests red"):
        table.add_column(heading, justify="left" if heading == "repository" else "right")
    names = list(dict.fromkeys(row.repository for row in rows))
    for name in names:
        table.add_row(name, *counts([row for row in rows if row.repository == name]))
    table.add_section()
    table.add_row("all", *counts(rows))
    console.print(table)
    ages = Table(box=None, header_style="bold")
    for heading in ("age of the fix", "fixes", "naive", *TIERS, "undone", "red", "own tests red"):
        ages.add_column(heading, justify="left" if heading == "age of the fix" else "right")
    low = -1000.0
    for label, high in AGES:
        some = [row for row in rows if low <= row.age < high]
        ages.add_row(label, *counts(some))
        low = high
    console.print(ages)
    reasons = Counter(row.reason for row in rows if row.reason)
    verdicts = Counter(row.verdict for row in rows if row.verdict)
    console.print("not undone: " + ", ".join(f"{n} {why}" for why, n in reasons.most_common()))
    if verdicts:
        console.print("verdicts: " + ", ".join(f"{n} {why}" for why, n in verdicts.most_common()))


def counts(rows: Sequence[Row]) -> list[str]:
    """Return the cells of some rows."""
    enough = [row for row in rows if row.tier and not row.reason]
    red = [row for row in enough if row.verdict == "valid"]
    cells: list[Any] = [len(rows), sum(row.naive for row in rows)]
    cells += [sum(row.tier == tier for row in enough) for tier in TIERS]
    share = f" ({len(red) / len(enough):.0%})" if enough else ""
    cells += [len(enough), f"{len(red)}{share}", sum(row.own for row in red)]
    return [str(cell) for cell in cells]


def main() -> int:
    options = read_options()
    try:
        rows = run_interruptible(lambda: run(options))
    except BugfoundryError as error:
        err.print(f"error: {error}")
        return 1
    report(rows, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
