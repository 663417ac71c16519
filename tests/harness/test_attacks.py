"""Strangers' code at its worst: contained, named, and the next bug is none the worse for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from harness.judge.local_engine import LocalEngine
from harness.sandboxes import bubblewrap
from harness.sandboxes.docker_backend import DockerBackend
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.sandbox import Backend
from tests.furniture.attacks import ASSAULTS, ESCAPED, PROBES, Attack, attacked
from tests.furniture.environments import share_environments
from tests.harness.attacked import (
    EXPECTED,
    ORDINARY,
    TARGET,
    WHERE,
    Measured,
    bug,
    engine_of,
    judged,
    prepare,
)

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def measured_as(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Measured]]:
    """What measures the small project in a sandbox of a kind: once, in whatever order it is asked.

    A fixture with parameters would build its image anew whenever the kind changes between tests.
    """
    folder = tmp_path_factory.mktemp("attacks")
    measured: dict[str, Measured] = {}

    def measure_in(kind: str) -> Measured:
        if kind not in measured:
            measured[kind] = asyncio.run(prepare(backend_of(kind, request, folder), folder / kind))
        return measured[kind]

    yield measure_in
    if "docker" in measured:
        image = measured["docker"][1].handle
        request.getfixturevalue("engine").images.remove(image, force=True)


def backend_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Backend:
    if kind == "docker":
        return DockerBackend(client=request.getfixturevalue("engine"))
    if not bubblewrap.works() and os.environ.get("CI") != "true":
        pytest.skip("bubblewrap is not installed, or may not make namespaces")
    return LocalBackend(share_environments(folder / "cache"), isolation="bubblewrap")


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
def measured(request: pytest.FixtureRequest, measured_as: Callable[[str], Measured]) -> Measured:
    return measured_as(request.param)


@pytest.fixture
def judge(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> LocalEngine:
    """A runner that is silent is given up after seconds instead of minutes."""
    monkeypatch.setattr("harness.judge.worker.total_timeout", lambda _: 15.0)
    monkeypatch.setattr("harness.runs.suite.GRACE", 3.0)
    return engine_of(measured)


@pytest.mark.parametrize("attack", PROBES, ids=lambda attack: attack.name)
async def test_what_code_may_not_reach_is_refused(judge: LocalEngine, attack: Attack) -> None:
    run = await judge.run_files({WHERE: attacked(attack)})
    result = run.results[TARGET]
    assert result.outcome == "failed"
    assert ESCAPED not in result.detail
    assert "Error" in result.detail, result.detail


def judging(kind: str, *, selecting: bool, long: bool = False) -> ParameterSet:
    marks = [pytest.mark.docker] * (kind == "docker") + [pytest.mark.long] * long
    name = f"{kind}-{'by some' if selecting else 'by all'}"
    return pytest.param(kind, selecting, marks=marks, id=name)


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(
    ("measured", "selecting"),
    [
        # Most wait for what is silent. By day each comes once to each sandbox.
        judging("bubblewrap", selecting=True),
        judging("docker", selecting=False),
        judging("bubblewrap", selecting=False, long=True),
        judging("docker", selecting=True, long=True),
    ],
    indirect=["measured"],
)
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
