"""From plans to an environment that serves: try each, keep what was tried and why it failed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.environments import baseline as measuring
from harness.environments.diagnosis import describe_finding, diagnose
from harness.environments.repair import RepairContext, repairs
from harness.runs.selection import Coverage
from harness.sandboxes.sandbox import Backend, BuildFailed, SandboxLimits, start
from storage.errors import EnvironmentFailed
from storage.nouns import format_count
from storage.records import Baseline, Environment, Plan, PlanAttempt, Repository

DETAIL_LIMIT = 4000
MOST_ATTEMPTS = 16
SAME_FAILURES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEnvironment:
    """An environment with what its tests say of the unbroken code."""

    environment: Environment
    baseline: Baseline
    coverage: Coverage | None = None
    """What each test was seen to run, where that is known and can be relied on."""


OnAttempt = Callable[[PlanAttempt], None]
OnPlan = Callable[[Plan], None]
Propose = Callable[[Sequence[PlanAttempt]], Awaitable[Plan | None]]
"""The last resort: shown what was tried, proposes another plan, or None."""


class PlanQueue:
    """Plans still to be tried: those a failure suggests go before those made at the start."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._waiting = list(plans)
        self._seen = set[Plan]()
        self._no_python = set[str]()

    def take(self) -> Plan | None:
        """Return the next plan that differs from all before it."""
        while self._waiting:
            plan = self._waiting.pop(0)
            if (key := essence(plan)) not in self._seen and plan.python not in self._no_python:
                self._seen.add(key)
                return plan
        return None

    def without_python(self, python: str) -> None:
        """Skip the plans for a Python that is not to be had."""
        self._no_python.add(python)

    def put_first(self, plans: Sequence[Plan]) -> None:
        self._waiting[:0] = plans


def essence(plan: Plan) -> Plan:
    """What of a plan changes the environment."""
    return replace(plan, name="", notes=(), because="")


async def prepare(
    repository: Repository,
    checkout: Path,
    backend: Backend,
    plans: Sequence[Plan],
    *,
    known: RepairContext,
    build_env: Mapping[str, str],
    limits: SandboxLimits,
    on_plan: OnPlan,
    on_attempt: OnAttempt,
    propose: Propose | None = None,
    fresh: bool = False,
    on_baseline: OnPlan = lambda plan: None,
) -> PreparedEnvironment:
    """Return the first plan's environment that passes the bar.

    A failure is read, and the plans it suggests are tried next. ``tried`` is told of every
    attempt as soon as it is known. ``fresh`` builds anew what is there already. Raises
    EnvironmentFailed when no plan serves; its message names the last reason.
    """
    queue = PlanQueue(plans)
    attempts: list[PlanAttempt] = []
    while len(attempts) < MOST_ATTEMPTS:
        plan = queue.take() or (await propose(attempts) if propose is not None else None)
        if plan is None:
            break
        on_plan(plan)
        started = time.monotonic()
        try:
            environment = await backend.build(
                checkout, repository.tree, plan, env=build_env, fresh=fresh
            )
            on_baseline(plan)
            prepared = await measure_baseline(backend, environment, limits)
        except BuildFailed as failure:
            attempts.append(make_failed_attempt(plan, failure, time.monotonic() - started))
            on_attempt(attempts[-1])
            if is_hopeless(failure) or has_repeated_failure(attempts):
                break
            if failure.reason == "python-unavailable":
                queue.without_python(plan.python)
            queue.put_first(repairs(plan, failure.reason, failure.detail, known))
            continue
        on_attempt(PlanAttempt(plan=plan, ok=True, seconds=time.monotonic() - started))
        return prepared
    raise EnvironmentFailed(explain_failure(repository, attempts))


def make_failed_attempt(plan: Plan, failure: BuildFailed, seconds: float) -> PlanAttempt:
    """Return the record of a plan that failed."""
    return PlanAttempt(
        plan=plan,
        ok=False,
        reason=failure.reason,
        detail=failure.detail[-DETAIL_LIMIT:],
        seconds=seconds,
    )


def is_hopeless(failure: BuildFailed) -> bool:
    """Say whether every other plan would fail in the same way: no base image, no index."""
    if failure.reason == "no-base-image":
        return True
    findings = diagnose(failure.reason, failure.detail)
    return any(finding.kind == "index-unreachable" for finding in findings)


def has_repeated_failure(attempts: Sequence[PlanAttempt]) -> bool:
    """Say whether just the same tests fail whatever the plan: then no plan will change it.

    An installation that fails again and again is another matter: a later plan goes around it.
    """
    last = attempts[-1]
    same = [each for each in attempts if each.detail == last.detail]
    return last.reason == "too-few-pass" and len(same) >= SAME_FAILURES


def explain_failure(repository: Repository, attempts: Sequence[PlanAttempt]) -> str:
    """The message of a repository for which no plan serves."""
    name = repository.key[:80]
    if not attempts:
        return (
            f"no environment for {name}: no plan could be made, the repository holds neither "
            "packaging nor tests known here; say how in .github/bugfoundry.yml"
        )
    last = attempts[-1]
    findings = diagnose(last.reason, last.detail)
    lines = last.detail.strip().splitlines()
    why = describe_finding(findings[0]) if findings else (lines[-1] if lines else "")
    return (
        f"no environment for {name} after {format_count(len(attempts), 'plan')}; "
        f"last: {last.plan.name}: {last.reason}: {why[:300]}; "
        f"see `bugfoundry env explain {repository.source}`"
    )


async def measure_baseline(
    backend: Backend, environment: Environment, limits: SandboxLimits
) -> PreparedEnvironment:
    """Measure an environment's baseline. Raises BuildFailed with the reason."""
    sandbox = await start(backend, environment, limits)
    try:
        baseline, coverage = await measuring.measure(sandbox, environment)
    finally:
        await sandbox.close()
    return PreparedEnvironment(environment=environment, baseline=baseline, coverage=coverage)
