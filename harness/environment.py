"""From plans to an environment that serves: try each, keep what was tried and why it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import baseline as measuring
from harness.sandbox import Backend, BuildFailed, Limits, start
from storage.errors import EnvironmentFailed
from storage.records import Attempt, Baseline, Environment, Plan, Repository

DETAIL_LIMIT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An environment with what its tests say of the unbroken code."""

    environment: Environment
    baseline: Baseline


Tried = Callable[[Attempt], None]
Trying = Callable[[Plan], None]


async def prepare(
    repository: Repository,
    checkout: Path,
    backend: Backend,
    plans: Sequence[Plan],
    *,
    build_env: Mapping[str, str],
    limits: Limits,
    trying: Trying,
    tried: Tried,
) -> Prepared:
    """Return the first plan's environment that passes the bar.

    ``tried`` is told of every attempt as soon as it is known. Raises EnvironmentFailed when no
    plan serves; its message names the last reason.
    """
    last = "no plan could be made: the repository holds neither packaging nor tests known here"
    for plan in plans:
        trying(plan)
        started = time.monotonic()
        try:
            prepared = await attempt(repository, checkout, backend, plan, build_env, limits)
        except BuildFailed as failure:
            last = f"{plan.name}: {failure}"
            tried(
                Attempt(
                    plan=plan,
                    ok=False,
                    reason=failure.reason,
                    detail=failure.detail[-DETAIL_LIMIT:],
                    seconds=time.monotonic() - started,
                )
            )
            continue
        tried(Attempt(plan=plan, ok=True, seconds=time.monotonic() - started))
        return prepared
    raise EnvironmentFailed(
        f"no environment for {repository.key[:80]} after {len(plans)} plans; last: {last[:300]}; "
        f"see `bugfoundry env show {repository.source}`"
    )


async def attempt(
    repository: Repository,
    checkout: Path,
    backend: Backend,
    plan: Plan,
    build_env: Mapping[str, str],
    limits: Limits,
) -> Prepared:
    """Build one plan and measure its baseline. Raises BuildFailed with the reason."""
    environment = await backend.build(checkout, repository.tree, plan, env=build_env)
    sandbox = await start(backend, environment, limits)
    try:
        baseline = await measuring.measure(sandbox, environment)
    finally:
        await sandbox.close()
    return Prepared(environment=environment, baseline=baseline)
