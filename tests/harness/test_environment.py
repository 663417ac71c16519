"""From plans to an environment that serves: what is tried next, and when it is given up."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.environments.environment import PreparedEnvironment, prepare
from harness.environments.repair_context import RepairContext
from harness.sandboxes.limits import SandboxLimits
from storage.errors import EnvironmentFailed
from storage.records import Plan, PlanAttempt
from tests.furniture.project import write_project
from tests.harness.failing import FIRST, NOTHING_KNOWN, REPOSITORY, SOURCE, Failing
from tests.harness.plain import PlainBackend

SECOND = Plan(name="second", python="3.11", install=(("pytest",),), pytest_args=SOURCE)
MISSING = "ModuleNotFoundError: No module named 'yaml'"


async def tried(
    backend: PlainBackend,
    attempts: list[PlanAttempt],
    *plans: Plan,
    known: RepairContext = NOTHING_KNOWN,
) -> PreparedEnvironment:
    return await prepare(
        REPOSITORY,
        Path(),
        backend,
        plans,
        known=known,
        build_env={},
        limits=SandboxLimits(),
        on_plan=lambda plan: None,
        on_attempt=attempts.append,
    )


async def test_what_a_failure_suggests_is_tried_before_the_next_guess(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    backend = Failing(tmp_path, {"first": ("no-tests", MISSING)})
    prepared = await tried(backend, attempts, FIRST, SECOND)
    assert [attempt.plan.name for attempt in attempts] == ["first", "first, with pyyaml"]
    assert prepared.environment.plan.because == "yaml cannot be imported"
    assert len(prepared.baseline.green) == 28


async def test_the_next_guess_is_tried_where_a_failure_suggests_nothing(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    backend = Failing(tmp_path, {"first": ("install-failed", "it is broken")})
    prepared = await tried(backend, attempts, FIRST, SECOND)
    assert [attempt.ok for attempt in attempts] == [False, True]
    assert prepared.environment.plan == SECOND


async def test_without_an_index_nothing_more_is_tried(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    backend = Failing(tmp_path, {"first": ("install-failed", "error: Failed to fetch: `https`")})
    with pytest.raises(EnvironmentFailed, match="the package index could not be reached"):
        await tried(backend, attempts, FIRST, SECOND)
    assert len(attempts) == 1


async def test_a_repository_without_plans_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=r"say how in \.github/bugfoundry\.yml"):
        await tried(Failing(tmp_path, {}), [])


async def test_the_last_failure_is_named_with_the_command_that_explains_it(tmp_path: Path) -> None:
    backend = Failing(tmp_path, {"first": ("too-few-pass", "3 x fixture 'strange' not found")})
    with pytest.raises(EnvironmentFailed) as told:
        await tried(backend, [], FIRST)
    assert "no plugin gives the fixture strange" in str(told.value)
    assert "bugfoundry env explain ./shop" in str(told.value)


async def test_the_same_tests_failing_whatever_the_plan_end_it(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    names = tuple("abcdef")
    backend = Failing(tmp_path, dict.fromkeys(names, ("too-few-pass", "72 x KeyError")))
    plans = (Plan(name=n, python="3.11", install=((n,),)) for n in names)
    with pytest.raises(EnvironmentFailed, match="after 3 plans"):
        await tried(backend, attempts, *plans)


async def test_plans_that_do_the_same_are_tried_once(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    names = ("first", "again")
    backend = Failing(tmp_path, dict.fromkeys(names, ("install-failed", "broken")))
    with pytest.raises(EnvironmentFailed):
        await tried(backend, attempts, *(Plan(name=n, python="3.11", install=()) for n in names))
    assert len(attempts) == 1


async def test_a_package_that_lies_elsewhere_is_found_there(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    plan = Plan(name="bare", python="3.11", install=())
    known = RepairContext(today=date(2026, 6, 1), own={"shop"}, roots=lambda module: ("src",))
    backend = PlainBackend(write_project(tmp_path / "shop"), tmp_path / "places")
    prepared = await tried(backend, attempts, plan, known=known)
    assert prepared.environment.plan.pytest_args == ("-o", "pythonpath=src")
    assert [attempt.reason for attempt in attempts] == ["no-tests", ""]
