"""Strangers' code at its worst: contained, named, and the next bug is none the worse for it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import docker
import pytest

from harness.environments.baseline import measure
from harness.judge.local_engine import LocalEngine
from harness.runs.selection import Coverage
from harness.sandboxes import bubblewrap
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.limits import Limits
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.sandbox import Backend
from storage.records import Baseline, Bug, Environment, FileChange, Origin, Verdict
from syntax.patches import unified_diff
from tests.furniture.attacks import ASSAULTS, ESCAPED, PROBES, Attack, attacked
from tests.furniture.project import SOURCE
from tests.harness.probes import EDITABLE, build, plan

pytestmark = [pytest.mark.network, pytest.mark.slow]
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
GIVEN = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
WHERE = "src/shop/__init__.py"
TIGHT = Limits(memory_mb=400, pids=60, file_size_mb=64, tmp_mb=48, inodes=20_000)
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
    wanted = plan(*EDITABLE, python=OWN if backend.kind == "local" else "3.11")
    environment = await build(backend, folder / "checkout", wanted, **GIVEN)
    sandbox = await backend.start(environment, limits=TIGHT)
    try:
        return backend, environment, *await measure(sandbox, environment)
    finally:
        await sandbox.close()


@pytest.fixture(
    scope="module", params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
)
def measured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("attacks")
    if request.param == "docker":
        client: docker.DockerClient = request.getfixturevalue("engine")
        found = asyncio.run(prepare(DockerBackend(client=client), folder))
        yield found
        client.images.remove(found[1].handle, force=True)
        return
    if not bubblewrap.works() and os.environ.get("CI") != "true":
        pytest.skip("bubblewrap is not installed, or may not make namespaces")
    backend = LocalBackend(folder / "cache", isolation="bubblewrap")
    yield asyncio.run(prepare(backend, folder))


@pytest.fixture
def judge(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> LocalEngine:
    """A runner that is silent is given up after seconds instead of minutes."""
    monkeypatch.setattr("harness.judge.worker.total_timeout", lambda _: 15.0)
    monkeypatch.setattr("harness.runs.suite.GRACE", 3.0)
    return engine_of(measured)


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


@pytest.mark.parametrize("attack", PROBES, ids=lambda attack: attack.name)
async def test_what_code_may_not_reach_is_refused(judge: LocalEngine, attack: Attack) -> None:
    run = await judge.run_files({WHERE: attacked(attack)})
    result = run.results[TARGET]
    assert result.outcome == "failed"
    assert ESCAPED not in result.detail
    assert "Error" in result.detail, result.detail


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize("selecting", [False, True], ids=["by all", "by some"])
@pytest.mark.parametrize("attack", ASSAULTS, ids=lambda attack: attack.name)
async def test_an_assault_is_named_and_does_not_touch_the_next_bug(
    measured: Measured, attack: Attack, selecting: bool
) -> None:
    judge = engine_of(measured, selecting=selecting)
    first, second = await judged(judge, bug(attacked(attack)), bug(ORDINARY))
    assert first.reason in attack.reasons, (first.reason, first.detail)
    assert second.reason == "valid"
    assert second.fail_to_pass == EXPECTED
    assert second.spilled == ()
