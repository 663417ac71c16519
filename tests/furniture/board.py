"""A store as a service fills it: repositories of every kind, with all that came of them."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.service.app.web import Front, make_app
from bot.service.base.store_thread import AsyncStore
from bot.service.inbox.inbox import Inbox
from bot.service.outbox.outbox import MarkedComment, comment_job
from bot.service.pages.board import Board
from bot.service.repositories.plan import STAGES, pull_job, stage_job
from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    FileChange,
    Link,
    Mirroring,
    ModelCall,
    Origin,
    Plan,
    PlanAttempt,
    PullRequest,
    Repository,
    Task,
    Verdict,
    digest,
)
from storage.store import Store
from storage.tables.deliveries import INBOX, Delivery
from storage.tables.hosted import Hosted, Installation
from syntax.patches import unified_diff
from tasks.ids import instance_id

Client = TestClient[web.Request, web.Application]
NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC).timestamp()
TOKEN = "correct-horse-battery-staple"
INSTALLATION = Installation(id=7, account="acme")
SOURCE = '''"""Prices of a basket."""

from decimal import Decimal


class Basket:
    """What a customer wants to buy."""

    def __init__(self, prices):
        self.prices = list(prices)

    def total(self, discount=Decimal(0)):
        """Return what is to be paid."""
        total = sum(self.prices, Decimal(0))
        if discount > 0 and total > 100:
            total -= total * discount / 100
        return max(total, Decimal(0))

    def cheapest(self):
        """Return the lowest price."""
        return min(self.prices)
'''
EDITS = (
    ("change_operator", "total > 100", "total >= 100", "Basket.total"),
    ("negate_condition", "if discount > 0 and", "if not discount > 0 and", "Basket.total"),
    ("swap_call", "return max(total", "return min(total", "Basket.total"),
    ("remove_statement", "            total -= total * discount / 100\n",
     "            pass\n", "Basket.total"),
    ("change_constant", "discount / 100", "discount / 101", "Basket.total"),
    ("swap_call", "return min(self.prices)", "return max(self.prices)", "Basket.cheapest"),
    ("change_constant", "Decimal(0))\n        if", "Decimal(1))\n        if", "Basket.total"),
)  # fmt: skip
REASONS = ("valid", "valid", "valid", "no-test-failed", "valid", "no-test-failed",
           "breaks-everything", "unstable")  # fmt: skip
STATEMENT = """Discount is applied to baskets of exactly 100

Since the last release a basket that costs exactly 100.00 gets the discount too, although the
page says "over 100".

    >>> Basket([Decimal(100)]).total(discount=Decimal(10))
    Decimal('90')

I expected `Decimal('100')`."""
TESTS = tuple(
    f"tests/test_basket.py::test_{what}[{number}]"
    for what in ("total", "discount", "cheapest", "empty")
    for number in range(12)
)


@dataclass(frozen=True, kw_only=True)
class Stock:
    """What was put into the store for a repository."""

    hosted: Hosted
    repository: Repository
    environment: Environment
    bugs: tuple[Bug, ...]
    tasks: tuple[Task, ...]


def stock(
    store: Store,
    number: int,
    name: str,
    *,
    private: bool = False,
    opted_in: bool = True,
    bugs: int = 24,
    seed: int = 1,
) -> Stock:
    """Put a repository into a store, with bugs, verdicts, tasks, pull requests, calls and jobs."""
    chance = random.Random(f"{name} {seed}")
    tree, commit = digest("tree", name)[:40], digest("commit", name)[:40]
    owner, _, short = name.partition("/")
    repository = Repository(owner=owner, name=short, commit=commit, tree=tree, source=name)
    environment = environment_of(tree)
    hosted = Hosted(
        id=number,
        installation=INSTALLATION.id,
        name=name,
        private=private,
        head=digest("head", name)[:40],
        opted_in=opted_in,
        since=NOW - 20 * 86400,
        because="the label bugfoundry" if opted_in else "no label bugfoundry",
        commit=commit,
        tree=tree,
        built=NOW - 6 * 86400,
    )
    with store.together():
        store.hosted.put_installation(INSTALLATION)
        store.hosted.put_repository(hosted)
        store.add_repository(repository)
        store.hosted.add_tree(number, tree, commit, NOW - 6 * 86400)
        store.add_environment(environment)
        store.add_attempt(tree, "docker", PlanAttempt(plan=environment.plan, ok=True, seconds=41.0))
        store.add_baseline(baseline_of(environment))
        made = tuple(bug_of(tree, each, chance) for each in range(bugs))
        tasks = tuple(_judged(store, repository, environment, made, chance))
        _pulls(store, name, tree, made)
        _calls(store, name, chance)
        _queue(store, hosted)
    return Stock(
        hosted=hosted, repository=repository, environment=environment, bugs=made, tasks=tasks
    )


def environment_of(tree: str) -> Environment:
    plan = Plan(
        name="pyproject group 'test'",
        python="3.12",
        install=(("-e", "."), ("pytest>=8", "hypothesis")),
        pytest_args=("tests", "-p", "no:randomly"),
        notes=("xdist is off: tests are run in one process",),
    )
    return Environment(
        tree=tree,
        plan=plan,
        sandbox="docker",
        python="3.12.3",
        lock="pytest==8.3\nhypothesis==6.130",
        base="sha256:0",
        arch="x86_64",
        handle=f"image-{tree[:6]}",
        seconds=73.4,
        size=184_000_000,
    )


def baseline_of(environment: Environment) -> Baseline:
    tests = tuple(
        BaselineTest(
            id=test, outcome="passed", seconds=0.02, set_aside="unstable" if place == 7 else ""
        )
        for place, test in enumerate(TESTS)
    )
    return Baseline(environment=environment.id, tests=tests, seconds=3.2, runs=2)


def bug_of(tree: str, number: int, chance: random.Random, *, path: str = "") -> Bug:
    """Return one of endlessly many bugs: real edits, each in a file of its own."""
    operator, old, new, entity = EDITS[number % len(EDITS)]
    path = path or f"src/basket/{('prices', 'checkout', 'offers')[number % 3]}_{number}.py"
    broken = SOURCE.replace(old, new)
    strategy = chance.choices(("procedural", "mirror", "modify", "rewrite"), (6, 2, 2, 1))[0]
    origin = Origin(strategy="procedural", operator=operator, path=path, entity=entity,
                    line=16, seed=number)  # fmt: skip
    if strategy == "mirror":
        origin = replace(
            origin,
            strategy="mirror",
            operator="structural",
            commit=digest("fix", str(number))[:40],
            pull=100 + number,
            undone=1.0,
        )
    elif strategy != "procedural":
        origin = replace(origin, strategy=strategy, operator="off-by-one")
    return Bug(
        tree=tree,
        patch=unified_diff(path, SOURCE.encode(), broken.encode()),
        changes=(FileChange(path=path, mode="100644", sha256=digest(broken)),),
        origin=origin,
    )


def verdict_of(bug: Bug, environment: Environment, reason: str, chance: random.Random) -> Verdict:
    green = [test for place, test in enumerate(TESTS) if place != 7]
    failing = tuple(green[: chance.randint(1, 5)]) if reason == "valid" else ()
    passing = tuple(test for test in green if test not in failing) if reason == "valid" else ()
    return Verdict(
        bug=bug.id,
        environment=environment.id,
        harness="6",
        mode="full" if reason == "no-test-failed" else "selected",
        reason=reason,
        fail_to_pass=failing,
        pass_to_pass=passing,
        seconds=round(chance.uniform(0.2, 4), 2),
    )


def task_of(repository: Repository, bug: Bug, environment: Environment, number: int) -> Task:
    hides = bug.origin.strategy == "mirror"
    test = b"def test_discount():\n    assert Basket([100]).total(10) == 100\n"
    return Task(
        id=instance_id(repository, bug),
        bug=bug.id,
        environment=environment.id,
        statement=STATEMENT,
        created=f"2026-03-{1 + number % 14:02}T0{number % 10}:00:00+00:00",
        hints=("Might be the comparison.",) if hides else (),
        test_patch=unified_diff("tests/test_discount.py", None, test) if hides else "",
    )


def _judged(
    store: Store,
    repository: Repository,
    environment: Environment,
    bugs: tuple[Bug, ...],
    chance: random.Random,
) -> Iterator[Task]:
    for number, bug in enumerate(bugs):
        store.add_bug(bug)
        reason = REASONS[number % len(REASONS)]
        if number % 11 == 10:
            continue
        store.add_verdict(verdict_of(bug, environment, reason, chance))
        if reason == "valid":
            task = task_of(repository, bug, environment, number)
            store.add_task(task)
            yield task


def _pulls(store: Store, name: str, tree: str, bugs: tuple[Bug, ...]) -> None:
    mirrored = [bug for bug in bugs if bug.origin.strategy == "mirror"]
    for bug in mirrored:
        commit, number = bug.origin.commit, bug.origin.pull
        store.pulls.add(
            [pull_of(name, commit, number, f"Discount only above the limit ({number})")]
        )
        store.pulls.set_outcome(
            Mirroring(tree=tree, repository=name, commit=commit, outcome="undone",
                      tier="structural", undone=1.0, bug=bug.id, fix=bug.patch)
        )  # fmt: skip
    for number, outcome in enumerate(("closes-no-issue", "no-tests", "too-large"), 50):
        commit = digest(name, outcome)[:40]
        store.pulls.add([pull_of(name, commit, number, f"Rework {name} ({outcome})")])
        store.pulls.set_outcome(
            Mirroring(tree=tree, repository=name, commit=commit, outcome=outcome)
        )
    store.pulls.add([pull_of(name, digest(name, "new")[:40], 60, f"Newest change of {name}")])


def pull_of(name: str, commit: str, number: int, title: str) -> PullRequest:
    return PullRequest(
        repository=name,
        commit=commit,
        base=commit[::-1],
        number=number,
        title=title,
        author="marina",
        merged=f"2025-{1 + number % 12:02}-10T12:00:00Z",
        links=(Link(repository=name, number=number - 1, evidence="closing-reference"),),
    )


def _calls(store: Store, name: str, chance: random.Random) -> None:
    for number in range(9):
        month = ("2026-03-09", "2026-03-10", "2026-03-11")[number % 3]
        call = ModelCall(
            key=digest(name, str(number)),
            model="claude-sonnet-4-5",
            purpose="plan" if number == 8 else "bug",
            answer="{}",
            input_tokens=2000,
            output_tokens=400,
            cache_write_tokens=0,
            cache_read_tokens=0,
            dollars=round(chance.uniform(0.01, 0.2), 4),
            seconds=4.0,
            created=f"{month}T10:00:00+00:00",
            repository=name,
            strategy="" if number == 8 else ("modify", "rewrite")[number % 2],
        )
        store.calls.settle("", call)


def _queue(store: Store, hosted: Hosted) -> None:
    began = NOW - 3600
    told = (("label", "created"), ("push", ""), ("pull_request", "closed"), ("issues", "edited"))
    for place, (event, action) in enumerate(told):
        _delivered(store, hosted, place, event, action, began + 60 * place)
    if not hosted.opted_in:
        return
    for stage in STAGES[:2]:
        store.jobs.put_jobs([stage_job(hosted, stage)], began)
        [job] = store.jobs.claim("work", "work:host:12", now=began, lease=60)
        store.jobs.finish(job, now=began + 90, note=f"{stage}: done")
    store.jobs.put_jobs([stage_job(hosted, STAGES[2])], began)
    [job] = store.jobs.claim("work", "work:host:12", now=began + 100, lease=9000)
    store.jobs.extend(job, now=began + 30, lease=9000, note="40 of 200 pull requests")
    said = MarkedComment(number=104, marker="status", body=f"{hosted.name} has 3 tasks")
    store.jobs.put_jobs([pull_job(hosted, 104), comment_job(hosted, said)], began + 60)


def _delivered(
    store: Store, hosted: Hosted, place: int, event: str, action: str, at: float
) -> None:
    delivery = Delivery(
        guid=f"{hosted.id:08}-{place}",
        event=event,
        action=action,
        repository=hosted.id,
        installation=hosted.installation,
        received=at,
        body=json.dumps({"action": action}).encode(),
    )
    store.deliveries.receive([delivery], at)
    [job] = store.jobs.claim(INBOX, "serve:1", now=at, lease=60)
    if event == "pull_request":
        why = "GitHubBroken: GitHub answered 502 eight times; try again later"
        store.jobs.fail(job, why, now=at + 40, retry_in=None)
    else:
        store.jobs.finish(job, now=at + 1, note="handled")


def fill(path: Path) -> dict[str, Stock]:
    """Fill a store with a public, a private and a repository that did not opt in, by name."""
    with Store(path) as store:
        return {
            name: stock(store, number, name, private=private, opted_in=opted_in)
            for number, name, private, opted_in in (
                (101, "acme/shop", False, True),
                (102, "acme/secret-vault", True, True),
                (103, "acme/quiet", False, False),
            )
        }


@asynccontextmanager
async def dashboard(path: Path, *, token: str = TOKEN, **changed: Any) -> AsyncIterator[Client]:
    """Serve the pages of a store; yields a client."""
    async with (
        AsyncStore(path) as taking,
        AsyncStore(path) as keeper,
        AsyncStore(path, read_only=True) as reading,
    ):
        front = Front(inbox=Inbox(taking), keeper=keeper, secret="hook")
        board = Board(
            reading=reading,
            writing=keeper,
            token=token,
            **{"clock": lambda: NOW, **changed},
        )
        async with TestClient(TestServer(make_app(front, board))) as client:
            yield client
