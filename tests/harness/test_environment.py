"""From plans to an environment that serves: what is tried next, and when it is given up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness.environments.environment import Replan, prepare
from harness.environments.repair_context import Provider, RepairContext
from harness.environments.trials import PreparedEnvironment
from harness.sandboxes.limits import SandboxLimits
from storage.errors import EnvironmentFailed
from storage.records import Environment, Plan, PlanAttempt
from tests.furniture.project import write_project
from tests.harness.failing import FIRST, NOTHING_KNOWN, REPOSITORY, SOURCE, Failing
from tests.harness.plain import PlainBackend, make_environment

SECOND = Plan(name="second", python="3.11", install=(("pytest",),), pytest_args=SOURCE)
MISSING = "ModuleNotFoundError: No module named 'yaml'"


async def tried(
    backend: PlainBackend,
    attempts: list[PlanAttempt],
    *plans: Plan,
    known: RepairContext = NOTHING_KNOWN,
    replan: Replan = lambda missing: (),
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
        replan=replan,
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
    with pytest.raises(EnvironmentFailed, match=r"1 plan; .* package index could not be reached"):
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


NO_PYTHON = (
    "python-unavailable",
    "error: dns error: Temporary failure in name resolution\n"
    "Python 3.13 is not installed, and uv cannot download it",
)
NEWER = Plan(name="newer", python="3.13", install=())


async def test_where_a_python_cannot_be_had_another_is_planned_for(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    backend = Failing(tmp_path, {"newer": NO_PYTHON})
    prepared = await tried(backend, attempts, NEWER, replan=lambda missing: (FIRST,))
    assert prepared.environment.plan.python == "3.11"
    assert "Python 3.13 is not installed here" in prepared.environment.plan.because


async def test_a_python_that_cannot_be_had_is_not_a_matter_of_the_tests(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=r"after 1 plan;.*Python 3\.13 is not inst") as told:
        await tried(Failing(tmp_path, {"newer": NO_PYTHON}), [], NEWER)
    assert "network" not in str(told.value)


async def test_pythons_that_cannot_be_had_are_planned_for_no_more(tmp_path: Path) -> None:
    missing: list[set[str]] = []
    older = Plan(name="older", python="3.10", install=())

    def replan(pythons: Collection[str]) -> list[Plan]:
        missing.append(set(pythons))
        return [NEWER, older] if len(pythons) < 2 else [FIRST]

    failures = dict.fromkeys(("newer", "older"), NO_PYTHON)
    attempts: list[PlanAttempt] = []
    await tried(Failing(tmp_path, failures), attempts, NEWER, replan=replan)
    assert [attempt.plan.name for attempt in attempts] == ["newer", "older", "first"]
    assert missing == [{"3.13"}, {"3.13", "3.10"}]


async def test_the_next_python_that_a_failure_asks_for_is_tried(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    known = RepairContext(today=date(2026, 6, 1), pythons=("3.11", "3.13", "3.12"))
    asked = "the current Python version (3.11.7) does not satisfy Python>=3.12"
    backend = Failing(
        tmp_path, {"first": ("install-failed", asked), "first, on Python 3.13": NO_PYTHON}
    )
    await tried(backend, attempts, FIRST, known=known, replan=lambda missing: [SECOND])
    assert [attempt.plan.python for attempt in attempts] == ["3.11", "3.13", "3.12"]


class Optional(PlainBackend):
    """Holds a module where a plan installs the extra that brings it."""

    def __init__(self, folder: Path, *, more: str = "") -> None:
        super().__init__(write_project(folder / "shop"), folder / "places")
        tests = self._project / "tests" / "test_fast.py"
        tests.write_text(
            "import pytest\nspeedy = pytest.importorskip('speedy')\n"
            f"def test_fast(): assert speedy\n{more}"
        )

    async def build(
        self,
        checkout: Path,
        tree: str,
        plan: Plan,
        *,
        env: Mapping[str, str],
        fresh: bool = False,
    ) -> Environment:
        module = self._project / "src" / "speedy.py"
        module.unlink(missing_ok=True)
        if "[fast]" in str(plan.install):
            module.write_text("")
        lock = "speedy==1" if module.exists() else "pytest==8"
        return replace(make_environment(plan), lock=lock)


EXTRA = Provider(kind="extra", name="fast", requirements=("speedy",))


async def test_the_plan_with_fewer_skips_wins(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    known = RepairContext(today=date(2026, 6, 1), providers=(EXTRA,))
    prepared = await tried(Optional(tmp_path), attempts, FIRST, known=known)
    assert prepared.environment.plan.name == "first, with extra 'fast'"
    assert len(prepared.baseline.green) == 29
    assert [attempt.ok for attempt in attempts] == [True, True]
    assert attempts[0].detail.startswith("1 x could not import 'speedy'")
    assert attempts[1].detail == ""


async def test_what_a_person_said_is_installed_and_no_more(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    known = RepairContext(today=date(2026, 6, 1), providers=(EXTRA,), is_configured=True)
    prepared = await tried(Optional(tmp_path), attempts, FIRST, known=known)
    assert prepared.environment.plan == FIRST
    assert len(attempts) == 1


async def test_a_plan_that_brings_no_skipped_test_back_does_not_win(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    missing = Provider(kind="extra", name="slow", requirements=("speedy",))
    known = RepairContext(today=date(2026, 6, 1), providers=(missing,))
    backend = Optional(tmp_path)
    prepared = await tried(backend, attempts, FIRST, known=known)
    assert prepared.environment.plan == FIRST
    assert [attempt.reason for attempt in attempts] == ["", "same-environment"]


async def test_a_plan_by_which_fewer_tests_serve_does_not_win(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    known = RepairContext(today=date(2026, 6, 1), providers=(EXTRA,))
    backend = Optional(tmp_path)
    other = backend._project / "tests" / "test_slow.py"
    other.write_text(
        "import pytest, importlib.util\nfound = importlib.util.find_spec('speedy')\n"
        "@pytest.mark.xfail(found is not None, reason='plain only')\n"
        "@pytest.mark.parametrize('n', range(2))\ndef test_plain(n): assert not found\n"
    )
    prepared = await tried(backend, attempts, FIRST, known=known)
    assert prepared.environment.plan == FIRST
    assert [attempt.reason for attempt in attempts] == ["", "fewer-serve"]


async def test_a_plan_that_changes_nothing_is_not_measured(tmp_path: Path) -> None:
    attempts: list[PlanAttempt] = []
    backend = Optional(tmp_path)
    plans = (Plan(name=n, python="3.11", install=((n,),), env=(("A", "1"),)) for n in "ab")
    with pytest.raises(EnvironmentFailed):
        await tried(backend, attempts, *plans)
    assert [attempt.reason for attempt in attempts] == ["no-tests", "same-environment"]
    assert attempts[1].detail == "it installs the very distributions of the plan a"
    assert backend.started == 1
