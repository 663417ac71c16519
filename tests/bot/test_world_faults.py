"""The GitHub of the tests: what can go wrong, goes wrong as told."""

from __future__ import annotations

import asyncio
import subprocess
from base64 import b64encode
from pathlib import Path

import aiohttp
import pytest

from storage.git import environment
from tests.furniture.github_world import (
    Code,
    Fault,
    Repository,
    World,
    bad_gateway,
    call,
    cut_off,
    hung,
    lost,
    moved,
    refused,
    slow,
)

pytestmark = pytest.mark.github

NAME = "octo/thing"
API = f"/repos/{NAME}"


@pytest.fixture
def repository(world: World) -> Repository:
    return world.repository(NAME, private=True)


@pytest.fixture
def token(world: World, repository: Repository) -> str:
    return world.grant(world.install(world.app(), repository)).token


async def test_a_fault_is_of_a_method_and_a_place(world: World, token: str) -> None:
    world.faults.add(refused(401), where="/labels", method="POST")
    assert (await call(world, "GET", f"{API}/labels", token=token)).status == 200
    assert (await call(world, "GET", API, token=token)).status == 200
    label = {"name": "x"}
    assert (await call(world, "POST", f"{API}/labels", label, token=token)).status == 401
    assert (await call(world, "POST", f"{API}/labels", label, token=token)).status == 201


@pytest.mark.parametrize(
    ("fault", "effect"),
    [
        (bad_gateway(), False),
        (bad_gateway(after=True), True),
        (refused(422), False),
        (lost(), False),
        (lost(after=True), True),
        (cut_off(), True),
        (hung(), False),
        (hung(after=True), True),
    ],
    ids=[
        "502", "502 after", "422", "lost", "lost after", "cut off", "hung", "hung after"
    ],
)  # fmt: skip
async def test_a_write_fails_before_or_after_its_effect(
    world: World, repository: Repository, token: str, fault: Fault, effect: bool
) -> None:
    world.faults.add(fault)
    write = call(world, "POST", f"{API}/labels", {"name": "x"}, token=token)
    try:
        # Only what hangs is given up soon.
        patience = 0.5 if fault.hangs else 60
        answered = await asyncio.wait_for(write, timeout=patience)
        assert answered.status == fault.status
    except (aiohttp.ClientError, TimeoutError):
        assert fault.cut or not fault.status
    assert ("x" in repository.labels) is effect


async def test_answers_can_be_late_or_elsewhere(world: World, token: str) -> None:
    world.faults.add(slow(0.05))
    assert (await call(world, "GET", API, token=token)).status == 200
    world.faults.add(moved(f"{world.api}/repositories/1"))
    assert (await call(world, "GET", API, token=token)).status == 301


async def test_a_private_repository_is_cloned_only_with_permission(
    world: World, repository: Repository, tmp_path: Path
) -> None:
    Code(world, repository, tmp_path).commit({"a.py": "a = 1\n"})
    reader = world.grant(world.install(world.app(), repository)).token
    app = world.app("other", permissions={"issues": "read"}, events=())
    without = world.grant(world.install(app, repository)).token

    async def clones(token: str) -> bool:
        encoded = b64encode(f"x-access-token:{token}".encode()).decode()
        header = f"http.extraHeader=Authorization: Basic {encoded}"
        words = ["-c", header] if token else []
        process = await asyncio.create_subprocess_exec(
            "git", *words, "ls-remote", f"{world.url}/{NAME}.git",
            env=environment({"GIT_TERMINAL_PROMPT": "0"}), stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait() == 0

    assert [await clones(one) for one in (reader, without, "wrong", "")] == [True] + [False] * 3
    world.faults.add(bad_gateway(), where=".git/")
    assert not await clones(reader)


async def test_more_than_a_hundred_at_once_are_refused(world: World, token: str) -> None:
    for _ in range(99):
        world.rates.begin()
    assert (await call(world, "GET", API, token=token)).status == 200
    world.rates.begin()
    assert (await call(world, "GET", API, token=token)).status == 403
    assert (world.rates.most_at_once, world.rates.tripped) == (101, ["101 requests at once"])
    assert world.rates.at_once == 100
