"""Try one plan: build it, measure it where no plan before came to the same, say what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.detect.model import requirement_name
from harness.environments.baseline import measure
from harness.environments.repair_context import read_lock
from harness.environments.skips import SkipReason, describe_skips, read_skips
from harness.runs.selection import Coverage
from harness.runs.suite import SuiteRun
from harness.sandboxes.sandbox import Backend, BuildFailed, SandboxLimits, start
from storage.records import Baseline, Environment, Plan, PlanAttempt, Repository

DETAIL_LIMIT = 4000
SAME = "same-environment"
"""Reason of a plan that comes to what an earlier one came to."""

OnAttempt = Callable[[PlanAttempt], None]
OnPlan = Callable[[Plan], None]
Judge = Callable[[SuiteRun], None]
"""Looks at a first run that passes the bar; raises BuildFailed where it is not good enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEnvironment:
    """An environment with what its tests say of the unbroken code."""

    environment: Environment
    baseline: Baseline
    coverage: Coverage | None = None
    """What each test was seen to run, where that is known and can be relied on."""
    skips: tuple[SkipReason, ...] = ()
    """Why tests were skipped; known only of one that was just built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTrial:
    """A plan that does not serve, and why."""

    reason: str
    detail: str
    installed: Mapping[str, str]
    """What its environment held; empty where it could not be built."""


@dataclass(slots=True, kw_only=True)
class TrialRun:
    """The trials of one repository, one after the other."""

    repository: Repository
    checkout: Path
    backend: Backend
    build_env: Mapping[str, str]
    limits: SandboxLimits
    on_plan: OnPlan
    on_attempt: OnAttempt
    on_baseline: OnPlan = lambda plan: None
    fresh: bool = False
    attempts: list[PlanAttempt] = field(default_factory=list)
    _measured: dict[tuple[object, ...], str] = field(default_factory=dict)
    """Names of the plans that were measured, by what they came to."""

    async def try_plan(
        self, plan: Plan, judge: Judge = lambda run: None, *, least: int = 0
    ) -> PreparedEnvironment | FailedTrial:
        """Build and measure; the attempt is kept and told. ``least`` tests have to serve."""
        self.on_plan(plan)
        started = time.monotonic()
        installed: dict[str, str] = {}
        try:
            environment = await self.backend.build(
                self.checkout,
                self.repository.tree,
                plan,
                env=self.build_env,
                fresh=self.fresh,
            )
            installed = read_lock(environment.lock)
            self._require_news(environment)
            self.on_baseline(plan)
            prepared = await measure_baseline(self.backend, environment, self.limits, judge)
            if (serving := len(prepared.baseline.green)) < least:
                raise BuildFailed("fewer-serve", f"{serving} tests serve, {least} before")
        except BuildFailed as failure:
            told = failure.detail[-DETAIL_LIMIT:]
            self._keep(plan, started, reason=failure.reason, detail=told)
            return FailedTrial(reason=failure.reason, detail=failure.detail, installed=installed)
        self._keep(plan, started, detail=describe_skips(prepared.skips))
        return prepared

    def _keep(self, plan: Plan, started: float, *, reason: str = "", detail: str = "") -> None:
        attempt = PlanAttempt(
            plan=plan,
            ok=not reason,
            reason=reason,
            detail=detail,
            seconds=time.monotonic() - started,
        )
        self.attempts.append(attempt)
        self.on_attempt(attempt)

    def _require_news(self, environment: Environment) -> None:
        """Raise BuildFailed where an earlier plan came to the same: so would its tests."""
        key = list_effects(environment)
        earlier = self._measured.setdefault(key, environment.plan.name)
        if environment.lock and earlier != environment.plan.name:
            raise BuildFailed(SAME, f"it installs the very distributions of the plan {earlier}")


def list_effects(environment: Environment) -> tuple[object, ...]:
    """Return what of an environment could make a difference to its tests.

    The lock names what is of an index. All else that is installed is named by the steps.
    """
    plan = environment.plan
    words = {word for step in plan.install for word in step if not requirement_name(word)}
    groups = {step[n + 1] for step in plan.install for n, w in enumerate(step[:-1]) if w in LISTS}
    others = {word.partition("[")[0] for word in words} - groups - LISTS
    return (
        environment.python,
        environment.lock,
        environment.base,
        plan.pytest_args,
        plan.env,
        plan.system,
        tuple(sorted(others)),
    )


LISTS = frozenset({"-r", "--group"})
"""Options whose value is a list of requirements: the lock says what is in it."""


async def measure_baseline(
    backend: Backend, environment: Environment, limits: SandboxLimits, judge: Judge
) -> PreparedEnvironment:
    """Measure an environment's baseline. Raises BuildFailed with the reason."""
    skips: list[SkipReason] = []

    def look(run: SuiteRun) -> None:
        judge(run)
        skips.extend(read_skips(run))

    sandbox = await start(backend, environment, limits)
    try:
        baseline, coverage = await measure(sandbox, environment, on_first=look)
    finally:
        await sandbox.close()
    return PreparedEnvironment(
        environment=environment, baseline=baseline, coverage=coverage, skips=tuple(skips)
    )
