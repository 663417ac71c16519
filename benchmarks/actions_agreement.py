"""Whether jobs of Actions come to the verdicts of this machine, and how even their shards are.

    python -m benchmarks.actions_agreement CHECKOUT [--bugs 200] [--shards 4] [--at-once N]

Forges the same bugs twice, from one environment and one baseline: by the engine on this machine,
and by the workflow of a mirror, whose very commands the executor of the tests runs, each job in a
folder, a home and an environment of its own (tests/furniture/actions). Prints what the two stores
say of the bugs, and of each shard what was expected and what it took. ``--at-once 1`` runs one
shard after another, so that none disturbs another's time.

Verdicts are *equal* when they are so to the last test, and *agree* when they do so by the rule of
the audit (``harness.judge.judge.agree``): tests that are red only now and then apart. What is not
equal is judged again on this machine, to see whether it is at one with itself. Ends with 1 where
verdicts do not agree.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from uv import find_uv_bin

from forge.compose import forge_in, make_ready
from forge.remote.actions.place import RunState
from forge.remote.actions.preparation import engine_at
from forge.remote.actions.settlement import Settled, collect, fetch_artifacts
from forge.remote.batch.plans import Batch, read_batch
from forge.remote.batch.shards import stream_bugs
from forge.run.pace import BatchPace
from forge.run.progress import Quiet
from forge.run.settings import (
    EngineSettings,
    EnvironmentSettings,
    ProposalSettings,
    Settings,
    ValidationSettings,
)
from harness.judge.judge import agree
from harness.judge.local_engine import LocalEngine
from harness.judge.trust import audit_named
from storage.errors import BugfoundryError
from storage.records import Verdict
from storage.store import Store
from storage.trees import Trees
from tests.furniture.actions import Dispatch, ExecutorPlace

AGAIN = 5
"""So often a bug is judged again on which the two ways do not say the same."""
ROOT = Path(__file__).parents[1]
out = Console(width=110, highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One repository, and where all that is made of it lies."""

    folder: Path
    code: Path
    settings: Settings
    at_once: int

    def store(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    def place(self) -> ExecutorPlace:
        """What carries out a dispatch. The machines share this one's cache of downloads."""
        dispatch = Dispatch(
            tool=ROOT,
            workflow="",
            inputs={"sandbox": "local"},
            code=self.code,
            sha=said("git", "-C", str(self.code), "rev-parse", "HEAD"),
            root=self.folder / "machines",
            env={"UV_CACHE_DIR": said(find_uv_bin(), "cache", "dir")},
            at_once=self.at_once,
        )
        return ExecutorPlace(dispatch, Trees(self.settings.cache))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that a store says of bugs, but for times and dates."""

    verdicts: Mapping[str, Verdict]
    statements: Mapping[str, str]
    """By task."""

    def unequal(self, other: Outcome) -> list[str]:
        """Return the bugs on which the two do not say the same."""
        both = self.verdicts.keys() | other.verdicts.keys()
        return [bug for bug in sorted(both) if self.verdicts.get(bug) != other.verdicts.get(bug)]

    def apart(self, other: Outcome) -> list[str]:
        """Return those of them on which they do not agree either."""
        pairs = ((b, self.verdicts.get(b), other.verdicts.get(b)) for b in self.unequal(other))
        return [bug for bug, one, two in pairs if not (one and two and agree(one, two))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run of the workflow, and what it came to."""

    batch: Batch
    state: RunState
    settled: Settled


def said(*command: str) -> str:
    """Run a command and return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def make_site(options: argparse.Namespace, folder: Path) -> Site:
    """Clone the checkout, as a repository whose commits a job may ask for by their names."""
    code = folder / options.checkout.resolve().name
    if not code.exists():
        said("git", "clone", "-q", str(options.checkout.resolve()), str(code))
    said("git", "-C", str(code), "config", "uploadpack.allowAnySHA1InWant", "true")
    settings = Settings(
        source=str(code),
        cache=folder / "cache",
        environment=EnvironmentSettings(sandbox="local"),
        proposals=ProposalSettings(
            max_bugs=options.bugs, seed=options.seed, strategies=("procedural",)
        ),
        validation=ValidationSettings(workers=options.at_once),
        engine=EngineSettings(pace=BatchPace(shards=options.shards, workers=1, linger=60, poll=1)),
    )
    return Site(folder=folder, code=code, settings=settings, at_once=options.at_once)


async def forge(site: Site, name: str, place: ExecutorPlace | None = None) -> float:
    """Forge into a store, and return the seconds that proposing and judging took."""
    reporter, trees = Quiet(out), Trees(site.settings.cache)
    with Store(site.store(name)) as store:
        ready = await make_ready(site.settings, store=store, trees=trees, reporter=reporter)
        started = time.monotonic()
        if place is not None:
            ready = replace(ready, make_engine=partial(engine_at, place))
        await forge_in(ready, site.settings, trees, store=store, reporter=reporter)
        return time.monotonic() - started


async def make_environment(site: Site, names: Sequence[str]) -> None:
    """Build the environment, measure its baseline once, and begin stores with it."""
    with Store(site.store("environment")) as store:
        trees = Trees(site.settings.cache)
        await make_ready(site.settings, store=store, trees=trees, reporter=Quiet(out))
    for name in names:
        for path in site.folder.glob(f"{name}.db*"):
            path.unlink()
        shutil.copy(site.store("environment"), site.store(name))


def outcome(site: Site, name: str) -> Outcome:
    with Store(site.store(name)) as store:
        return Outcome(
            verdicts={v.bug: replace(v, seconds=0.0) for v in store.verdicts()},
            statements={task.id: task.statement for task in store.tasks()},
        )


async def ended(site: Site, place: ExecutorPlace, name: str) -> list[Ended]:
    """Return the runs, as the engine settled them, and write down what their jobs printed."""
    with Store(site.store(name)) as store:
        dispatches = store.dispatches.all()
    found = []
    for dispatch in dispatches:
        batch = read_batch(site.settings.cache / "batches" / dispatch.plan)
        state = await place.state(dispatch.run)
        artifacts = await fetch_artifacts(place, dispatch.run)
        settled = collect(batch, artifacts, state)
        found.append(Ended(batch=batch, state=state, settled=settled))
        (result,) = place.runs[dispatch.run].result
        for job in result.logs:
            path = site.folder / "logs" / f"{dispatch.run}-{job.replace(' / ', '-')}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(result.log(job))
    return found


def print_agreement(local: Outcome, jobs: Outcome, seconds: Sequence[float]) -> None:
    """Print how far the two stores say the same."""
    table = Table("", "this machine", "the workflow", "agree", "equal")
    bugs = len(local.verdicts), len(jobs.verdicts)
    most = len(local.verdicts.keys() | jobs.verdicts.keys())
    alike = most - len(local.apart(jobs)), most - len(local.unequal(jobs))
    tasks = local.statements.keys() & jobs.statements.keys()
    statements = sum(local.statements[task] == jobs.statements[task] for task in tasks)
    table.add_row("verdicts", *map(str, (*bugs, *alike)))
    table.add_row(
        "tasks", str(len(local.statements)), str(len(jobs.statements)), "", str(len(tasks))
    )
    table.add_row("their statements", "", "", "", str(statements))
    table.add_row("seconds", *(f"{each:.0f}" for each in seconds), "", "")
    out.print(table)


async def print_differences(site: Site, local: Outcome, jobs: Outcome, runs: list[Ended]) -> None:
    """Print each bug on which the two do not say the same, and what this machine says again."""
    bugs = local.unequal(jobs)
    again = await judged_again(site, bugs, runs)
    for bug in bugs:
        first, other = local.verdicts.get(bug), jobs.verdicts.get(bug)
        said = [verdict[bug] for verdict in again]
        text = (
            f"{bug}\n  this machine: {told(first)}\n  the workflow: {told(other)}\n"
            f"  this machine, {len(said)} times again: {sum(each == first for each in said)} as "
            f"before, {sum(each == other for each in said)} as the workflow"
        )
        out.print(text, markup=False, soft_wrap=True)


async def judged_again(
    site: Site, names: Sequence[str], runs: Sequence[Ended]
) -> list[dict[str, Verdict]]:
    """Judge bugs some times more on this machine, audited as in the run."""
    audited = {each.batch.bugs.bugs[at].id for each in runs for at in each.batch.planned.audited}
    trees, found = Trees(site.settings.cache), []
    with Store(site.store("local")) as store:
        ready = await make_ready(site.settings, store=store, trees=trees, reporter=Quiet(out))
        bugs = [bug for name in names if (bug := store.bug(name)) is not None]
    for _ in range(AGAIN if bugs else 0):
        engine = LocalEngine(
            ready.backend,
            ready.prepared.environment,
            ready.prepared.baseline,
            workers=site.settings.validation.workers,
            read=lambda path: trees.read_file(ready.repository.tree, path),
            limits=site.settings.limits,
            coverage=ready.prepared.coverage,
            audits=audit_named(audited),
        )
        verdicts = [replace(each, seconds=0.0) async for each in engine.judge(stream_bugs(bugs))]
        found.append({verdict.bug: verdict for verdict in verdicts})
    return found


def told(verdict: Verdict | None) -> str:
    """Say a verdict in a line; of PASS_TO_PASS the number."""
    if verdict is None:
        return "no verdict"
    return (
        f"{verdict.reason} failing={list(verdict.fail_to_pass)} spilled={list(verdict.spilled)} "
        f"passing={len(verdict.pass_to_pass)} kinds={dict(verdict.kinds)} {verdict.detail}"
    )


def print_shards(run: Ended) -> None:
    """Print of each shard what was expected and what it took, and how even they are."""
    first = run.settled.plans[0]
    jobs = {job.name.rpartition(" / ")[2]: job.seconds for job in run.state.jobs}
    table = Table(
        "shard", "bugs", "expected s", "judging s", "job s", "expected tests", "tests run"
    )
    columns: list[tuple[float, ...]] = []
    for shard in first.shards:
        states = [each for each in run.settled.collected.shards if each.shard == shard.number]
        took, tests = sum(each.seconds for each in states), sum(each.tests for each in states)
        job = jobs.get(f"shard {shard.number}", 0.0)
        columns.append((shard.seconds, took, job, shard.tests, tests))
        row = [f"{each:.0f}" for each in columns[-1]]
        table.add_row(str(shard.number), str(len(shard.bugs)), *row)
    ratios = [
        max(column) * len(column) / (sum(column) or 1) for column in zip(*columns, strict=True)
    ]
    table.add_section()
    table.add_row("longest / mean", "", *(f"{each:.2f}" for each in ratios))
    out.print(f"the run: {run.state.conclusion}, {run.state.minutes} runner minutes")
    out.print(table)


async def compare(options: argparse.Namespace, folder: Path) -> bool:
    """Forge both ways, and say whether the verdicts agree."""
    site = make_site(options, folder)
    await make_environment(site, ("jobs",) if options.keep else ("local", "jobs"))
    place = site.place()
    seconds = [await forge(site, "local"), await forge(site, "jobs", place)]
    local, jobs = outcome(site, "local"), outcome(site, "jobs")
    runs = await ended(site, place, "jobs")
    for run in runs:
        print_shards(run)
    print_agreement(local, jobs, seconds)
    await print_differences(site, local, jobs, runs)
    return not local.apart(jobs)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.actions_agreement",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkout", type=Path, help="a git checkout")
    parser.add_argument("--bugs", type=int, default=200)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=2, help="jobs, and workers of this machine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, help="keep all here; the environment in it is used again"
    )
    parser.add_argument(
        "--keep", action="store_true", help="use again what this machine said in --folder, too"
    )
    return parser.parse_args()


def main() -> int:
    options = read_options()
    try:
        if options.folder is None:
            with tempfile.TemporaryDirectory(prefix="actions-agree-") as folder:
                return 0 if asyncio.run(compare(options, Path(folder))) else 1
        options.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(options.folder / "machines", ignore_errors=True)
        return 0 if asyncio.run(compare(options, options.folder.resolve())) else 1
    except BugfoundryError as error:
        print(f"actions_agree: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
