"""From plans to an environment that serves: try each, keep what was tried and why it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.environments.diagnosis import describe_finding, diagnose
from harness.environments.repair import repairs
from harness.environments.repair_context import RepairContext, read_lock
from harness.environments.skips import answer_skips, read_skips
from harness.environments.trials import (
    SAME,
    FailedTrial,
    Judge,
    OnAttempt,
    OnPlan,
    PreparedEnvironment,
    TrialRun,
)
from harness.runs.suite import SuiteRun
from harness.sandboxes.sandbox import Backend, BuildFailed, SandboxLimits
from storage.errors import EnvironmentFailed
from storage.nouns import format_count
from storage.records import Plan, PlanAttempt, Repository

MOST_ATTEMPTS = 16
MOST_SKIP_PLANS = 3
"""Plans that are tried for the tests that a serving environment skips: each costs a baseline."""
SAME_FAILURES = 3

Replan = Callable[[Collection[str]], Sequence[Plan]]
"""Makes the plans for a Python that is none of those given: they cannot be had."""
Propose = Callable[[Sequence[PlanAttempt]], Awaitable[Plan | None]]
"""The last resort: shown what was tried, proposes another plan, or None."""


class PlanQueue:
    """Plans still to be tried: those a failure suggests go before those made at the start."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._waiting = list(plans)
        self._seen = set[Plan]()
        self.no_python = set[str]()
        """Versions that could not be had."""

    def take(self) -> Plan | None:
        """Return the next plan that differs from all before it."""
        while self._waiting:
            plan = self._waiting.pop(0)
            if (key := essence(plan)) not in self._seen and plan.python not in self.no_python:
                self._seen.add(key)
                return plan
        return None

    def without_python(self, python: str) -> None:
        """Skip the plans for a Python that cannot be had."""
        self.no_python.add(python)

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
    replan: Replan = lambda missing: (),
    fresh: bool = False,
    on_baseline: OnPlan = lambda plan: None,
) -> PreparedEnvironment:
    """Return the environment of the first plan that passes the bar, or of a better one after it.

    A failure is read, and the plans it suggests are tried next; where a Python cannot be had,
    those that ``replan`` makes for another. Better is one whose tests lack less. ``on_attempt`` is
    told of every attempt as soon as it is known. ``fresh`` builds anew what is there already.
    Raises EnvironmentFailed when no plan serves; its message names the last reason.
    """
    queue = PlanQueue(plans)
    trials = TrialRun(
        repository=repository,
        checkout=checkout,
        backend=backend,
        build_env=build_env,
        limits=limits,
        on_plan=on_plan,
        on_attempt=on_attempt,
        on_baseline=on_baseline,
        fresh=fresh,
    )
    attempts = trials.attempts
    while len(attempts) < MOST_ATTEMPTS:
        plan = queue.take() or (await propose(attempts) if propose is not None else None)
        if plan is None:
            break
        tried = await trials.try_plan(plan)
        if isinstance(tried, PreparedEnvironment):
            return await bring_back_skipped_tests(trials, tried, known)
        if is_hopeless(tried) or has_repeated_failure(attempts):
            break
        if tried.reason == "python-unavailable":
            queue.without_python(plan.python)
            # Where a failure asked for it, the plans for the first Python are there already.
            if not any(each.reason != "python-unavailable" for each in attempts):
                queue.put_first(plan_without_python(plan.python, replan(queue.no_python)))
        elif tried.reason != SAME:
            seen = replace(known, installed=tried.installed)
            queue.put_first(repairs(plan, tried.reason, tried.detail, seen))
    raise EnvironmentFailed(explain_failure(repository, attempts))


async def bring_back_skipped_tests(
    trials: TrialRun, best: PreparedEnvironment, known: RepairContext
) -> PreparedEnvironment:
    """Try plans that bring what skipped tests lack; return the one with the fewest such skips."""
    seen = {essence(best.environment.plan)}
    waiting = answer(best, known)
    for _ in range(MOST_SKIP_PLANS):
        waiting = [plan for plan in waiting if essence(plan) not in seen]
        if not waiting or len(trials.attempts) >= MOST_ATTEMPTS:
            break
        seen.add(essence(waiting[0]))
        judge = make_skip_judge(best)
        tried = await trials.try_plan(waiting[0], judge, least=len(best.baseline.green))
        if isinstance(tried, PreparedEnvironment):
            best, waiting = tried, answer(tried, known)
    return best


def answer(prepared: PreparedEnvironment, known: RepairContext) -> Sequence[Plan]:
    if known.is_configured:
        return ()
    environment = prepared.environment
    seen = replace(known, installed=read_lock(environment.lock))
    return answer_skips(environment.plan, prepared.skips, seen)


def make_skip_judge(best: PreparedEnvironment) -> Judge:
    """Return what refuses a run in which no more tests pass, and as many are skipped.

    A module that is skipped whole counts as one: the tests in it are not known.
    """
    skipped_before = sum(skip.count for skip in best.skips)
    passed_before = sum(test.outcome == "passed" for test in best.baseline.tests)

    def judge(run: SuiteRun) -> None:
        skipped = sum(skip.count for skip in read_skips(run))
        passed = sum(result.outcome == "passed" for result in run.results.values())
        if passed <= passed_before and skipped >= skipped_before:
            raise BuildFailed(
                "no-fewer-skips",
                f"{passed} tests pass and {skipped} tests or modules are skipped; "
                f"{passed_before} and {skipped_before} before",
            )

    return judge


def plan_without_python(missing: str, plans: Sequence[Plan]) -> list[Plan]:
    """Say of plans that they are for another Python than the repository would have."""
    because = f"Python {missing} is not installed here and cannot be downloaded"
    return [replace(plan, because=because) for plan in plans]


def is_hopeless(failure: FailedTrial) -> bool:
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
