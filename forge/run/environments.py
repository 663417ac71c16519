"""Build the environments of many repositories side by side, and say how each went."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from forge.run.async_work import as_they_end
from forge.run.parts import Parts
from forge.run.preparation import make_ready
from forge.run.progress import Reporter
from forge.run.settings import Settings
from harness.environments.trials import PreparedEnvironment
from storage.errors import BugfoundryError, SourceError
from storage.store import Store
from storage.trees import Trees


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """How one repository's environment went. ``failure`` is empty when it serves."""

    source: str
    minutes: float
    plans: int
    """Plans that were tried."""
    plan: str = ""
    python: str = ""
    megabytes: float = 0.0
    """Beyond the base image; of the local sandbox's folder."""
    tests: int = 0
    """Tests that were not skipped."""
    passed: int = 0
    green: int = 0
    """Tests that can serve: passed every time, in company and alone."""
    set_aside: int = 0
    failure: str = ""

    @property
    def share(self) -> float:
        """Passed of those not skipped, 0 to 1."""
        return self.passed / self.tests if self.tests else 0.0


def read_sources(path: Path) -> list[str]:
    """Return the sources a file lists, one a line; ``#`` begins a comment. Raises SourceError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise SourceError(f"{path}: {reason}; it must list a source on each line") from error
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise SourceError(f"{path} names no source; write one on each line")
    return list(dict.fromkeys(found))


async def build_all(
    sources: Sequence[str],
    settings: Settings,
    *,
    parts: Parts,
    store: Store,
    trees: Trees,
    reporter: Reporter,
    jobs: int,
) -> AsyncGenerator[BuildReport, None]:
    """Yield how each source went, as it is known; ``jobs`` are built at a time."""

    async def one(source: str) -> BuildReport:
        return await build_one(
            replace(settings, source=source),
            parts=parts,
            store=store,
            trees=trees,
            reporter=reporter,
        )

    async with aclosing(as_they_end(one, sources, at_once=jobs)) as ended:
        async for built in ended:
            yield built


async def build_one(
    settings: Settings, *, parts: Parts, store: Store, trees: Trees, reporter: Reporter
) -> BuildReport:
    """Build one environment; what goes wrong is part of the answer."""
    started = time.monotonic()
    tried: list[str] = []
    try:
        ready = await make_ready(
            settings,
            parts=parts,
            store=store,
            trees=trees,
            reporter=reporter,
            on_attempt=lambda attempt: tried.append(attempt.plan.name),
        )
    except BugfoundryError as error:
        return BuildReport(
            source=settings.source,
            minutes=(time.monotonic() - started) / 60,
            plans=len(tried),
            failure=" ".join(str(error).split()),
        )
    return make_build_report(
        settings.source, ready.prepared, len(tried), time.monotonic() - started
    )


def make_build_report(
    source: str, prepared: PreparedEnvironment, plans: int, seconds: float
) -> BuildReport:
    """Describe an environment that serves."""
    environment, baseline = prepared.environment, prepared.baseline
    return BuildReport(
        source=source,
        minutes=seconds / 60,
        plans=plans,
        plan=environment.plan.name,
        python=environment.python,
        megabytes=environment.size / 1e6,
        tests=sum(test.outcome != "skipped" for test in baseline.tests),
        passed=sum(test.outcome in ("passed", "xfailed") for test in baseline.tests),
        green=len(baseline.green),
        set_aside=sum(bool(test.set_aside) for test in baseline.tests),
    )
