"""What a verdict costs: the same bugs of one repository, screened in four ways, side by side.

    .venv/bin/python -m benchmarks.validation SOURCE --bugs 100

The ways are (a) the field's practice, a fresh sandbox and the whole suite for each bug; (b) one
sandbox for all bugs; (c) in it only the tests that can notice the bug, in a fresh process; (d) the
engine as ``forge`` makes it, without judging a sample both ways. They take turns, bug by bug, so
that a noisy machine is noisy for all. Screening is compared; the engine's confirmation of what is
red is shown apart. How costs are counted stands in ``benchmarks/validation/usage.py``.
"""

from __future__ import annotations

import argparse
import functools
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.validation.bench import (
    Case,
    Row,
    duration,
    least_durations,
    make_bench,
    measure_floor,
)
from benchmarks.validation.mutants import run_cosmic, run_mutmut
from benchmarks.validation.report import Measured, Report, write_report
from benchmarks.validation.tools import ToolRow, Work, measure_tool
from benchmarks.validation.usage import Daemons, Meter, Usage
from benchmarks.validation.ways import Way, make_ways, spared
from forge.compose import make_ready
from forge.run.async_work import StopRequested, run_interruptible
from forge.run.pipeline import make_context
from forge.run.preparation import Ready
from forge.run.progress import Quiet
from forge.run.settings import EnvironmentSettings, ProposalSettings, Settings, ValidationSettings
from forge.run.sources import procedural
from harness.judge.compilation import open_compiler
from harness.runs.selection import Coverage, select
from storage.errors import BugfoundryError, PatchError
from storage.paths import cache_dir
from storage.records import Bug
from storage.store import Store
from storage.trees import Trees
from syntax.patch_text import apply_patch

WAYS = ("a", "b", "c", "d")
err = Console(stderr=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.validation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", help="as for `bugfoundry forge`")
    parser.add_argument("--bugs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="of these bugs, only those whose id begins so (repeatable)",
    )
    parser.add_argument("--ways", default=",".join(WAYS), help="some of a,b,c,d")
    parser.add_argument("--store", type=Path, help="as for `forge`; default: a temporary one")
    parser.add_argument("--mutmut", type=int, default=0, help="mutants to run it on")
    parser.add_argument("--cosmic-ray", type=int, default=0, help="mutants to run it on")
    parser.add_argument(
        "--mutate",
        action="append",
        default=[],
        help="path that these two may mutate (repeatable); default: all that our bugs may change",
    )
    parser.add_argument("--tool-limit", type=float, default=7200.0, help="seconds for each command")
    options = parser.parse_args()
    options.ways = tuple(name for name in WAYS if name in options.ways.split(","))
    return options


async def measure(
    options: argparse.Namespace, settings: Settings, store: Store
) -> tuple[Ready, Report]:
    """Prepare the repository, then judge the same bugs by all ways."""
    trees = Trees(settings.cache)
    reporter = Quiet(err)
    ready = await make_ready(settings, store=store, trees=trees, reporter=reporter)
    if ready.prepared.coverage is None:
        err.print("what the tests run is not known: c is b, d is slow; use another --store")
    other = replace(settings.proposals, seed=settings.proposals.seed + 1, max_bugs=1)
    warm = replace(settings, proposals=other)
    first = await cases(warm, ready, trees)
    only = tuple(options.only)
    proposed = await cases(settings, ready, trees)
    chosen = [case for case in proposed if not only or case.bug.id.startswith(only)]
    daemons = Daemons()
    meters = {name: Meter(daemons) for name in options.ways}
    bench = make_bench(settings, ready, ready.backend)
    least = await least_durations(bench)
    ways = make_ways(options.ways, settings, ready, store, reporter, meters)
    report = Report(
        about=about(ready, options, daemons),
        suite=ready.prepared.baseline.seconds,
        floor=measure_floor(),
        bugs=[],
    )
    try:
        # It starts sandboxes, and nothing is warm: it is in no number.
        await by_all(ways, first[0])
        for number, case in enumerate(chosen, 1):
            rows = await by_all(ways, case)
            known = measured(case, rows, duration(bench, least, case.tests))
            report = replace(report, bugs=[*report.bugs, known])
            tell(number, len(chosen), rows)
    finally:
        for way in ways:
            await way.close()
    return ready, report


def measure_tools(options: argparse.Namespace, settings: Settings, ready: Ready) -> list[ToolRow]:
    """Run the mutation testing tools that were asked for; nothing else is running then."""
    trees = Trees(settings.cache)
    signal.signal(signal.SIGTERM, stop)
    files = sorted(make_context(settings, ready, trees, None).files)
    wanted = tuple(options.mutate)
    sources = [path for path in files if not wanted or path.startswith(wanted)]
    asked: list[tuple[str, Work, int]] = [
        ("mutmut", run_mutmut, options.mutmut),
        ("cosmic-ray", run_cosmic, options.cosmic_ray),
    ]
    rows = []
    for tool, work, mutants in asked:
        if mutants:
            err.print(f"{tool}: {mutants} mutants", highlight=False)
            rows.append(
                measure_tool(
                    tool,
                    work,
                    ready,
                    trees,
                    sources,
                    mutants=mutants,
                    seed=options.seed,
                    limit=options.tool_limit,
                )
            )
    return rows


async def cases(settings: Settings, ready: Ready, trees: Trees) -> list[Case]:
    """Propose bugs as the pipeline does, and choose the tests that can notice each."""
    environment = ready.prepared.environment
    async with open_compiler(ready.backend, environment) as compiles:
        context = make_context(settings, ready, trees, compiles)
        proposed = [bug async for bug in procedural(context)]
    found = (make_case(bug, ready, trees) for bug in proposed)
    return [case for case in found if case is not None]


def make_case(bug: Bug, ready: Ready, trees: Trees) -> Case | None:
    """Apply a bug and choose its tests; None when the patch does not apply."""
    tree = ready.repository.tree
    try:
        files = apply_patch(bug.patch, lambda path: trees.read_file(tree, path))
    except PatchError as error:
        err.print(f"bug {bug.id} does not apply: {error}")
        return None
    coverage: Coverage | None = ready.prepared.coverage
    if coverage is None:
        return Case(bug=bug, files=files, tests=None)
    wall, cpu = time.monotonic(), time.process_time()
    chosen = select(coverage, files, {path: trees.read_file(tree, path) for path in files})
    cost = Usage(wall=time.monotonic() - wall, engine=time.process_time() - cpu)
    return Case(bug=bug, files=files, tests=chosen.tests, selected_in=cost)


async def by_all(ways: Sequence[Way], case: Case) -> dict[str, Row]:
    """Judge one bug by each way in turn; a way that fails says so in its row."""
    rows = {}
    for way in ways:
        before, starts = way.meter.now(), way.meter.starts
        try:
            row = await way.judge(case)
            rows[way.name] = replace(row, starts=way.meter.starts - starts)
        except BugfoundryError as error:
            rows[way.name] = Row(
                way=way.name,
                bug=case.bug.id,
                screening=way.meter.now() - before,
                end="failed",
                note=str(error),
            )
    return rows


def measured(case: Case, rows: dict[str, Row], floor: float) -> Measured:
    """Gather what is known of one bug."""
    origin = case.bug.origin
    return Measured(
        bug=case.bug.id,
        operator=origin.operator,
        path=origin.path,
        line=origin.line,
        covering=None if case.tests is None else len(case.tests),
        floor=floor,
        rows=rows,
    )


def about(ready: Ready, options: argparse.Namespace, daemons: Daemons) -> dict[str, object]:
    """What was measured, and on what."""
    environment, baseline = ready.prepared.environment, ready.prepared.baseline
    return {
        "repository": ready.repository.key,
        "sandbox": getattr(ready.backend, "isolation", environment.sandbox),
        "python": environment.python,
        "tests": f"{len(baseline.green)} of {len(baseline.tests)} serve, {baseline.seconds} s",
        "coverage": "known" if ready.prepared.coverage is not None else "NOT KNOWN: c is b",
        "bugs": " ".join([f"{options.bugs}, seed {options.seed}", *options.only]),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, Linux {platform.release()}",
        "daemons": "counted" if daemons.known else "NOT SEEN",
        "load": f"{os.getloadavg()[0]:.1f} when it began",
    }


def tell(number: int, total: int, rows: dict[str, Row]) -> None:
    """One line for each bug."""
    parts = [
        f"{name} {row.screening.cpu:.3f}{' hung' if row.hung else ''}" for name, row in rows.items()
    ]
    bug = next(iter(rows.values())).bug
    err.print(f"{number}/{total} {bug[:8]}  CPU-seconds: {', '.join(parts)}", highlight=False)


def stop(number: int, _frame: object) -> None:
    raise StopRequested(128 + number)


def main() -> int:
    options = read_options()
    settings = Settings(
        source=options.source,
        cache=cache_dir(),
        environment=EnvironmentSettings(sandbox="docker"),
        proposals=ProposalSettings(seed=options.seed, max_bugs=options.bugs),
        validation=ValidationSettings(workers=1),
    )
    with tempfile.TemporaryDirectory(prefix="bugfoundry-validation-") as folder:
        try:
            with spared(), Store(options.store or Path(folder, "store.db")) as store:
                work = functools.partial(measure, options, settings, store)
                ready, report = run_interruptible(work)
                report = replace(report, tools=measure_tools(options, settings, ready))
        except BugfoundryError as error:
            err.print(f"validation: {error}", markup=False, highlight=False)
            return 1
        except StopRequested as stopped:
            err.print("stopped")
            return stopped.code
    print(write_report(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
