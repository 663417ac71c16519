"""Sandboxes that are attacked: the small project measured within tight limits, and its engine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

from harness.environments.baseline import measure
from harness.judge.local_engine import LocalEngine
from harness.runs.selection import Coverage
from harness.sandboxes.limits import SandboxLimits
from harness.sandboxes.sandbox import Backend
from storage.records import Baseline, Bug, Environment, FileChange, Origin, Verdict
from syntax.patches import unified_diff
from tests.furniture.project import SOURCE
from tests.harness.probes import EDITABLE, build, plan

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
GIVEN = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
WHERE = "src/shop/__init__.py"
TIGHT = SandboxLimits(memory_mb=400, pids=60, file_size_mb=64, tmp_mb=48, inodes=20_000)
TARGET = "tests/test_shop.py::test_clamp[3-3]"
ORDINARY = SOURCE.replace("rate = 10", "rate = 11").encode()
EXPECTED = (
    "tests/test_shop.py::test_discount[100-90]",
    "tests/test_shop.py::test_discount[200-180]",
    "tests/test_shop.py::test_discount_for_members[100-88]",
)
Measured = tuple[Backend, Environment, Baseline, Coverage | None]


async def prepare(backend: Backend, folder: Path) -> Measured:
    """Install the sample project and measure it within the tight limits."""
    if backend.kind == "local":
        wanted = plan(*EDITABLE, python=OWN)
    else:  # An image of its own: it is taken away in the end, and others may be at work.
        wanted = plan(*EDITABLE, FOR=uuid4().hex)
    environment = await build(backend, folder / "checkout", wanted, **GIVEN)
    sandbox = await backend.start(environment, limits=TIGHT)
    try:
        return backend, environment, *await measure(sandbox, environment)
    finally:
        await sandbox.close()


def engine_of(measured: Measured, *, selecting: bool = False) -> LocalEngine:
    """One worker, so that the next bug comes to the sandbox that was attacked."""
    backend, environment, baseline, coverage = measured
    return LocalEngine(
        backend,
        environment,
        baseline,
        workers=1,
        read=lambda path: SOURCE.encode() if path == WHERE else None,
        limits=TIGHT,
        coverage=coverage if selecting else None,
        judged=1000,
    )


def bug(source: bytes) -> Bug:
    return Bug(
        tree="0" * 40,
        patch=unified_diff(WHERE, SOURCE.encode(), source),
        changes=(FileChange(path=WHERE, mode="100644", sha256=source.hex()[:64]),),
        origin=Origin(strategy="procedural"),
    )


async def judged(engine: LocalEngine, *bugs: Bug) -> list[Verdict]:
    """Judge each once the one before has its verdict: of two that wait the longer is first."""
    known = asyncio.Event()

    async def in_turn() -> AsyncIterator[Bug]:
        for each in bugs:
            yield each
            await known.wait()
            known.clear()

    verdicts = []
    async for verdict in engine.judge(in_turn()):
        verdicts.append(verdict)
        known.set()
    return verdicts
