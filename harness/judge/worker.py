"""One sandbox with its runner, and how the tests of an environment are run in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.environments.baseline import (
    FORK_SECONDS,
    HANG_LIMIT,
    collect_timeout,
    list_runnable_tests,
    short_timeouts,
    test_timeout,
    total_timeout,
)
from harness.runs.conditions import AS_JUDGED, Conditions
from harness.runs.selection import Path, Selection, files_of
from harness.runs.suite import SuiteRun, prepare, run_suite
from harness.sandboxes.sandbox import Backend, Channel, Sandbox, SandboxLimits, start
from storage.errors import SandboxError
from storage.layouts import lay_out
from storage.records import Baseline, Environment

Files = Mapping[str, bytes | None]
PATIENCE = 10
"""By how much more time a run gets that was cut off, where a busy machine may be the reason."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all runs of an environment's tests share: their arguments, and the time they may take.

    The baseline says how long that is.
    """

    environment: Environment
    baseline: Baseline
    read: Callable[[str], bytes | None]
    """Gives the committed files of the tree that is changed."""

    def lay_out(self, files: Files) -> Files:
        """Return changed files as git checks them out."""
        return lay_out(self.read, files)

    @cached_property
    def short(self) -> Mapping[str, float]:
        """Seconds for each test while a bug is screened."""
        return short_timeouts(self.baseline)

    def short_of(self, tests: Collection[str] | None) -> dict[str, float]:
        """Return the short limits of some tests; one that the baseline lacks has none."""
        wanted = self.short if tests is None else tests
        return {test: self.short[test] for test in wanted if test in self.short}


class SandboxWorker:
    """One sandbox with its runner, replaced when it breaks."""

    def __init__(self, backend: Backend, environment: Environment, limits: SandboxLimits) -> None:
        self._backend = backend
        self._environment = environment
        self._limits = limits
        self._sandbox: Sandbox | None = None
        self._channel: Channel | None = None
        self.hung: dict[str, None] = {}
        """Tests that ran out of their time since a bug's turn came, in order."""

    async def channel(self) -> Channel:
        """The runner's channel, in a fresh sandbox where there is none."""
        if self._channel is None:
            self._sandbox = await start(self._backend, self._environment, self._limits)
            self._channel = await self._sandbox.runner()
        return self._channel

    async def discard(self) -> None:
        """Throw the sandbox away."""
        channel, sandbox = self._channel, self._sandbox
        self._channel = self._sandbox = None
        if channel is not None:
            await channel.close()
        if sandbox is not None:
            await sandbox.close()

    async def make_ready(self, terms: Terms, path: Path) -> None:
        """Start what runs by a path are forked from, ahead of the first. Raises SandboxError."""
        channel = await self.channel()
        if not await prepare(channel, args=terms.environment.plan.pytest_args, path=path):
            await self.discard()

    async def run_tests(
        self,
        terms: Terms,
        files: Files,
        *,
        tests: Collection[str] | None = None,
        isolate: bool = False,
        stop_after_red: int | None = None,
        selection: Selection | None = None,
        narrow: bool = False,
        short: bool = False,
        reports: bool = False,
        conditions: Conditions = AS_JUDGED,
        patience: int = 1,
    ) -> SuiteRun:
        """Run tests, those of a ``selection`` by its path, all others in a fresh process.

        ``narrow`` collects the files of the tests alone. All but ``short`` limits of time are
        ``patience`` times as long. A sandbox that is not whole afterwards
        is thrown away. Raises SandboxError.
        """
        narrow = narrow or (selection is not None and not selection.everywhere)
        baseline = terms.baseline
        run = await run_suite(
            await self.channel(),
            args=terms.environment.plan.pytest_args,
            tests=list_runnable_tests(baseline) if tests is None else tests,
            files=await asyncio.to_thread(terms.lay_out, files),
            isolate=isolate,
            path="fresh" if selection is None else selection.path,
            changes=None if selection is None else selection.changes,
            only_files=files_of(tests) if narrow and tests is not None else None,
            stop_after_red=stop_after_red,
            test_timeout=patience * test_timeout(baseline),
            test_timeouts=terms.short_of(tests) if short else None,
            collect_timeout=patience * collect_timeout(baseline),
            total_timeout=patience * total_timeout(baseline)
            + (FORK_SECONDS * len(tests or ()) if isolate else 0.0),
            hang_limit=HANG_LIMIT,
            reports=reports,
            conditions=conditions,
        )
        if run.error:
            raise SandboxError(f"the runner could not do its work: {run.error}")
        if not run.restored:
            await self.discard()
        return run

    async def run_patiently(self, terms: Terms, files: Files, **how: Any) -> SuiteRun:
        """Run tests to grade a patch, again with more time where collecting them took too long.

        The limit is meant for bugs that hang at import, which are many; a busy machine is not a
        solver's fault. Raises SandboxError.
        """
        run = await self.run_tests(terms, files, **how)
        if run.exhausted and run.collected is None:
            run = await self.run_tests(terms, files, **how, patience=PATIENCE)
        return run
