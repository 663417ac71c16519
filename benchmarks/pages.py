"""How long the dashboard's pages take over a large store.

    .venv/bin/python -m benchmarks.pages [--repositories 200] [--bugs 5000] [--tasks 250]
        [--store FILE] [--rounds 5]

Makes a store of so many repositories on GitHub, each with so many judged bugs and tasks (one is
written through the store, the others are copies of its rows under other names), serves the pages
from this process, and asks for each some times, as anybody and as the operator. Prints the median
and the longest time of each page in milliseconds. A store that is there already is used again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from aiohttp import ClientSession, web
from sqlite_utils import Database

from bot.service.app.web import Front, make_app
from bot.service.base.store_thread import AsyncStore
from bot.service.inbox.inbox import Inbox
from bot.service.pages.board import Board
from harness.judge.judge import HARNESS_VERSION
from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    FileChange,
    Origin,
    Plan,
    Repository,
    Task,
    Verdict,
    digest,
)
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.views.tasks import TaskFilter
from syntax.patches import unified_diff
from tasks.ids import instance_id

TOKEN = "a token for this measurement alone"
OPERATORS = ("swap_call", "negate_condition", "change_constant", "remove_statement", "off_by_one")
REASONS = ("valid",) * 5 + ("no-test-failed",) * 3 + ("unstable", "breaks-everything")
TESTS = tuple(f"tests/test_part_{n % 20}.py::test_case[{n}]" for n in range(800))
STATEMENT = "The total is wrong.\n\n" + "It used to be right before the last release. " * 20
COPIES = (
    "insert into trees values (:tree)",
    "insert into repositories select :tree, owner, :short, \"commit\", source, date, version, turn "
    "from repositories where tree = :of",
    "insert into environments select :env, :tree, sandbox, python, plan, lock, base, arch, handle, "
    "seconds, turn, size from environments where tree = :of",
    "insert into tests select :env, number, test from tests where environment = :of_env",
    "insert into baselines select :env, seconds, runs, green from baselines "
    "where environment = :of_env",
    "insert into bugs select :mark || substr(id, 7), :tree, patch, changes from bugs "
    "where tree = :of",
    "insert into origins select :mark || substr(bug, 7), strategy, operator, path, entity, line, "
    "seed, origins.\"commit\", pull, undone, parents from origins join bugs on bugs.id = bug "
    "where tree = :of order by origins.rowid",
    "insert into verdicts select :mark || substr(bug, 7), :env, harness, mode, reason, "
    "fail_to_pass, spilled, green, excluded, pass_to_pass, seconds, detail from verdicts "
    "where environment = :of_env order by rowid",
    "insert into tasks select replace(id, 'part0', :short), :mark || substr(bug, 7), :env, "
    "statement, created, hints, removed, test_patch from tasks where environment = :of_env",
)  # fmt: skip


def fill(path: Path, *, repositories: int, bugs: int, tasks: int) -> None:
    """Make the store."""
    with Store(path) as store:
        environment = first(store, bugs=bugs, tasks=tasks)
        for number in range(1, repositories):
            tree = digest(str(number))[:40]
            with store.together():
                copy(store, environment, tree, number)
            print(f"\r{number + 1} repositories", end="", flush=True)
    with Database(path) as db:
        db.execute("analyze")
    print()


def first(store: Store, *, bugs: int, tasks: int) -> Environment:
    """Write the repository that the others are copies of."""
    tree, chance = "0" * 40, random.Random(1)
    repository = Repository(owner="acme", name="part0", commit="c" * 40, tree=tree, source="x")
    environment = Environment(
        tree=tree,
        plan=Plan(name="plain", python="3.12", install=(("-e", "."),)),
        sandbox="docker",
        python="3.12.3",
        lock="",
        base="b",
        arch="x86_64",
        handle="h",
    )
    listed = tuple(BaselineTest(id=test, outcome="passed", seconds=0.01) for test in TESTS)
    with store.together():
        store.add_repository(repository)
        store.add_environment(environment)
        store.add_baseline(Baseline(environment=environment.id, tests=listed, seconds=1.0, runs=2))
        host(store, tree, 0)
        for number in range(bugs):
            made = bug_of(tree, number, chance)
            store.add_bug(made)
            reason = REASONS[number % len(REASONS)]
            store.add_verdict(verdict_of(made, environment.id, reason, chance))
            if reason == "valid" and number // len(REASONS) * 5 < tasks:
                store.add_task(
                    Task(
                        id=instance_id(repository, made),
                        bug=made.id,
                        environment=environment.id,
                        statement=STATEMENT,
                        created=f"2026-01-{1 + number % 28:02}T00:00:00+00:00",
                    )
                )
    return environment


def bug_of(tree: str, number: int, chance: random.Random) -> Bug:
    """Return one of many bugs."""
    path, line = f"src/part/module_{number % 60}.py", chance.randrange(1, 900)
    old = "".join(f"    value_{n} = compute({n}, total)\n" for n in range(12)).encode()
    new = old.replace(b"total)\n", f"total - {number})\n".encode(), 1)
    return Bug(
        tree=tree,
        patch=unified_diff(path, old, new),
        changes=(FileChange(path=path, mode="100644", sha256=digest(str(number))),),
        origin=Origin(
            strategy=chance.choice(("procedural", "procedural", "modify", "mirror")),
            operator=OPERATORS[number % len(OPERATORS)],
            path=path,
            entity=f"Part.method_{number % 37}",
            line=line,
            seed=number,
        ),
    )


def verdict_of(bug: Bug, environment: str, reason: str, chance: random.Random) -> Verdict:
    """Return a verdict with its lists of tests."""
    failing = tuple(sorted(chance.sample(TESTS, 3))) if reason == "valid" else ()
    passing = tuple(test for test in TESTS if test not in failing) if reason == "valid" else ()
    return Verdict(
        bug=bug.id,
        environment=environment,
        harness=HARNESS_VERSION,
        mode="full" if reason == "no-test-failed" else "selected",
        reason=reason,
        fail_to_pass=failing,
        pass_to_pass=passing,
        seconds=chance.uniform(0.1, 2),
    )


def host(store: Store, tree: str, number: int) -> None:
    """Make a repository one on GitHub, every tenth a private one."""
    hosted = Hosted(
        id=number + 1,
        installation=1,
        name=f"acme/part{number}",
        private=number % 10 == 9,
        opted_in=True,
        commit="c" * 40,
        tree=tree,
    )
    store.hosted.put_repository(hosted)
    store.add_repository(
        Repository(owner="acme", name=f"part{number}", commit="c" * 40, tree=tree, source="x")
    )
    store.hosted.add_tree(number + 1, tree, "c" * 40, 1.0)


def copy(store: Store, environment: Environment, tree: str, number: int) -> None:
    """Copy the rows of the first repository under another name."""
    values = {
        "of": environment.tree,
        "of_env": environment.id,
        "tree": tree,
        "env": replace(environment, tree=tree).id,
        "short": f"part{number}",
        "mark": f"{number:06x}",
    }
    for statement in COPIES:
        store._db.execute(statement, {k: v for k, v in values.items() if f":{k}" in statement})
    host(store, tree, number)


async def measure(path: Path, rounds: int) -> None:
    """Serve the pages and ask for each."""
    async with AsyncExitStack() as stack:
        keeper = await stack.enter_async_context(AsyncStore(path))
        reading = await stack.enter_async_context(AsyncStore(path, read_only=True))
        front = Front(inbox=Inbox(keeper), keeper=keeper, secret="hook")
        board = Board(reading=reading, writing=keeper, token=TOKEN)
        runner = web.AppRunner(make_app(front, board), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        task, bug = await reading(some)
        session = await stack.enter_async_context(ClientSession())
        for who in ("anybody", "operator"):
            if who == "operator":
                await (await session.post(f"{address}/login", data={"token": TOKEN})).read()
            for page in pages(task, bug):
                await show(session, address, page, who, rounds)


def some(store: Store) -> tuple[str, str]:
    """Return the id of a task and of its bug."""
    task = store.views.tasks.page("anybody", TaskFilter()).rows[0]
    return task.id, task.bug


def pages(task: str, bug: str) -> Sequence[str]:
    """Return the addresses to ask for."""
    return (
        "/", "/?page=3", "/repositories/acme/part3", "/repositories/acme/part3?operator=swap_call",
        "/repositories/acme/part3?text=total+-+17", "/repositories/acme/part3?page=90",
        "/tasks", "/tasks?page=900", "/tasks?strategy=mirror", "/tasks?text=method_36",
        "/tasks?text=no+such+text", f"/tasks/{task}", f"/bugs/{bug}", "/yield", "/queue",
    )  # fmt: skip


async def show(session: ClientSession, address: str, page: str, who: str, rounds: int) -> None:
    """Ask for a page, and print what it took."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        async with session.get(address + page) as answer:
            size = len(await answer.read())
        took.append(1000 * (time.perf_counter() - began))
    median = statistics.median(took)
    told = (
        f"{who:9} {answer.status} {median:7.0f} ms  most {max(took):6.0f} ms  {size // 1000:4} kB"
    )
    print(f"{told}  {page}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repositories", type=int, default=200)
    parser.add_argument("--bugs", type=int, default=5000, help="of each repository")
    parser.add_argument("--tasks", type=int, default=250, help="of each repository")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--store", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path: Path = arguments.store or Path(folder) / "store.db"
        if not path.exists():
            fill(
                path,
                repositories=arguments.repositories,
                bugs=arguments.bugs,
                tasks=arguments.tasks,
            )
        print(f"{path.stat().st_size / 1e6:,.0f} MB")
        asyncio.run(measure(path, arguments.rounds))


if __name__ == "__main__":
    main()
