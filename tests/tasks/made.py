"""A small repository with a bug judged valid, in a store."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

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
)
from storage.sources import COMMIT_MESSAGE
from storage.store import Store
from storage.trees import Trees
from syntax.patches import unified_diff
from tasks.make import make_task

FILES = {
    "pkg/clamp.py": b"def clamp(value, low, high):\r\n    return max(low, min(value, high))",
    "pkg/run.sh": b"#!/bin/sh\n",
    "tests/test_clamp.py": b"from pkg.clamp import clamp\n",
    "tests/data.json": b"{}\n",
    "conftest.py": b"",
    "setup.cfg": b"[tool:pytest]\n",
}
BROKEN = b"def clamp(value, low, high):\r\n    return min(low, min(value, high))"
TESTS = tuple(f"tests/test_clamp.py::test_clamp[{n}]" for n in range(6))


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a test needs."""

    store: Store
    trees: Trees
    repository: Repository
    bug: Bug
    verdict: Verdict
    task: Task


def make_bug(tree: str, content: bytes = BROKEN, *, operator: str = "swap_call") -> Bug:
    path = "pkg/clamp.py"
    return Bug(
        tree=tree,
        patch=unified_diff(path, FILES[path], content),
        changes=(FileChange(path=path, mode="100644", sha256=sha256(content).hexdigest()),),
        origin=Origin(
            strategy="procedural", operator=operator, path=path, entity="clamp", line=2, seed=4
        ),
    )


def make_repository(folder: Path, trees: Trees) -> Repository:
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "pkg/run.sh").chmod(0o755)
    tree = trees.snapshot(folder)
    return Repository(
        owner="Someone",
        name="shop",
        commit=trees.orphan_commit(tree, COMMIT_MESSAGE),
        tree=tree,
        source="./shop",
        version="1.2",
    )


def make_verdict(bug: Bug, environment: str) -> Verdict:
    return Verdict(
        bug=bug.id,
        environment=environment,
        harness="1",
        mode="full",
        reason="valid",
        fail_to_pass=TESTS[:2],
        pass_to_pass=TESTS[2:],
    )


def make(folder: Path) -> Made:
    trees = Trees(folder / "cache")
    repository = make_repository(folder / "shop", trees)
    environment = Environment(
        tree=repository.tree,
        plan=Plan(name="plain", python="3.11", install=(("-e", ".[test extra]"),)),
        sandbox="local",
        python="3.11.7",
        lock="pytest==9.0",
        base="cpython",
        arch="x86_64",
        handle="env",
    )
    tests = tuple(BaselineTest(id=test, outcome="passed", seconds=0.1) for test in TESTS)
    bug = make_bug(repository.tree)
    verdict = make_verdict(bug, environment.id)
    store = Store(folder / "store.db")
    store.add_repository(repository)
    store.add_environment(environment)
    store.add_baseline(Baseline(environment=environment.id, tests=tests, seconds=1.0, runs=2))
    store.add_bug(bug)
    store.add_verdict(verdict)
    task = make_task(repository, bug, verdict)
    store.add_task(task)
    return Made(
        store=store, trees=trees, repository=repository, bug=bug, verdict=verdict, task=task
    )
