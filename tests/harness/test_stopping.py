"""A build that is wanted no longer ends, and nothing of it goes on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import docker
import pytest

from harness.sandboxes.base_image import DEFAULT_TAG
from harness.sandboxes.cancellation import step, stoppable
from harness.sandboxes.docker_build import BUILDER, Builder
from harness.sandboxes.local_backend import run_bounded
from harness.sandboxes.sandbox import BuildFailed


async def until(found: object) -> None:
    for _ in range(2400):
        if callable(found) and found():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to that")


def running(mark: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in place.read_bytes():
                return True
        except OSError:
            continue
    return False


async def test_a_build_returns_what_it_comes_to_and_fails_as_it_fails() -> None:
    assert await stoppable(lambda: 3) == 3

    def fails() -> None:
        raise BuildFailed("install-failed", "no")

    with pytest.raises(BuildFailed, match="install-failed"):
        await stoppable(fails)


async def test_cancelled_it_has_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = f"600.{os.getpid()}"
    steps: list[str] = []

    def build() -> None:
        command = ["sh", "-c", f"sleep {mark} & sleep {mark}; true"]
        for name in ("first", "second"):
            steps.append(name)
            run_bounded(command, cwd=tmp_path, env=dict(os.environ))

    task = asyncio.create_task(stoppable(build))
    await until(lambda: running(mark))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not running(mark)


async def test_after_that_no_step_is_begun() -> None:
    begun = asyncio.Event()
    loop, told = asyncio.get_running_loop(), []

    def build() -> None:
        with step(lambda: told.append("end")):
            loop.call_soon_threadsafe(begun.set)
            while not told:
                pass
        with step(lambda: None):
            told.append("second step")

    task = asyncio.create_task(stoppable(build))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert told == ["end"]


@pytest.mark.docker
async def test_in_a_container_too(engine: docker.DockerClient) -> None:
    mark = f"601.{os.getpid()}"

    def build() -> None:
        builder = Builder(engine, engine.images.get(DEFAULT_TAG), {}, network="none")
        try:
            builder.run_command(["sleep", mark])
        finally:
            builder.close()

    task = asyncio.create_task(stoppable(build))
    await until(lambda: running(mark))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not running(mark)
    mine = {"label": f"{BUILDER}={os.getpid()}"}
    assert not engine.containers.list(all=True, filters=mine)
