"""Records to store."""

from __future__ import annotations

from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    FileChange,
    Origin,
    Plan,
    PlanAttempt,
    Repository,
    Task,
    Verdict,
    digest,
)

TREE = digest("tree")[:40]
PLAN = Plan(
    name="pyproject extra 'test'",
    python="3.11",
    install=(("-e", ".[test]"), ("pytest",)),
    pytest_args=("tests",),
    env=(("TZ", "UTC"),),
    notes=("xdist is off",),
)
REPOSITORY = Repository(
    owner="pallets",
    name="click",
    commit=digest("commit")[:40],
    tree=TREE,
    source="pallets/click",
    date="2024-01-02T03:04:05+00:00",
    version="8.1.0",
)
ENVIRONMENT = Environment(
    tree=TREE,
    plan=PLAN,
    sandbox="local",
    python="3.11.7",
    lock="pytest==8.0\niniconfig==2.0",
    base="cpython-3.11.7",
    arch="x86_64",
    handle="env-1",
    seconds=1.5,
)
ATTEMPT = PlanAttempt(plan=PLAN, ok=False, reason="no-tests", detail="nothing\nfound", seconds=2.0)
TESTS = tuple(f"tests/test_shop.py::test_number[{n}]" for n in range(40))


def make_baseline(*, set_aside: frozenset[int] = frozenset({7})) -> Baseline:
    tests = tuple(
        BaselineTest(
            id=test,
            outcome="skipped" if number == 3 else "passed",
            seconds=0.25,
            set_aside="unstable" if number in set_aside else "",
        )
        for number, test in enumerate(TESTS)
    )
    return Baseline(environment=ENVIRONMENT.id, tests=tests, seconds=3.5, runs=2)


def make_bug(number: int = 0, *, operator: str = "negate", patch: str = "") -> Bug:
    return Bug(
        tree=TREE,
        patch=patch or f"--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x = 1\n+x = {number}\n",
        changes=(FileChange(path="src/a.py", mode="100644", sha256=digest(str(number))),),
        origin=Origin(
            strategy="procedural", operator=operator, path="src/a.py", entity="f", line=1
        ),
    )


def make_verdict(bug: Bug, *, failing: tuple[str, ...] = TESTS[10:12], **changed: str) -> Verdict:
    green = [test for test in make_baseline().green if test not in failing]
    return Verdict(
        bug=bug.id,
        environment=ENVIRONMENT.id,
        harness=changed.get("harness", "1"),
        mode="full",
        reason="valid",
        fail_to_pass=failing,
        pass_to_pass=tuple(green),
        seconds=0.5,
        detail="",
    )


def make_task(bug: Bug, *, created: str = "2024-01-01T00:00:00+00:00") -> Task:
    return Task(
        id=f"pallets__click.{REPOSITORY.commit[:8]}.func_pm_negate__{bug.id[:8]}",
        bug=bug.id,
        environment=ENVIRONMENT.id,
        statement="Two tests fail.",
        created=created,
    )
