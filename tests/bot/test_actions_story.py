"""The story of one batch: from `forge --engine actions` to verdicts in the store.

GitHub is the one of the tests, jobs are carried out by the executor, images lie in a registry.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from uv import find_uv_bin

from storage.git import git
from storage.store import Store
from tests.furniture.actions.runs import Run
from tests.furniture.actions.world import carry_out
from tests.furniture.github_world import Code, Descriptions, World, github_world
from tests.furniture.project import PYPROJECT, SOURCE, TESTS

pytestmark = [
    pytest.mark.docker,
    pytest.mark.github,
    pytest.mark.network,
    pytest.mark.slow,
]

ROOT = Path(__file__).parents[2]
TOOL = "acme/bugfoundry"
FILES = {
    "src/shop/__init__.py": SOURCE,
    "tests/test_shop.py": TESTS,
    "pyproject.toml": PYPROJECT,
    ".github/workflows/ci.yml": "on: push\njobs: {}\n",
}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry of images on this machine, as `localhost:PORT`."""
    binary = shutil.which("docker-registry")
    if binary is None:
        if os.environ.get("CI") == "true":
            raise RuntimeError("docker-registry is not installed")
        pytest.skip("needs a registry; Debian: apt install docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/images}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n"
    )
    with subprocess.Popen([binary, "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/v2/")
            yield f"localhost:{port}"
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")


async def forge(world: World, token: str, registry: str, folder: Path) -> tuple[int, str]:
    """Type the command, and return its exit code with what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "forge", f"{world.url}/octo/shop.git"),
        *("--engine", "actions", "--strategies", "procedural", "--max-bugs", "10"),
        *("--mirrors", "operator", "--tool", f"{TOOL}@{'a' * 40}", "--registry", registry),
        *("--store", str(folder / "s.db")),
        cwd=folder,
        env={
            **os.environ,
            "BUGFOUNDRY_CACHE": str(folder / "cache"),
            "GITHUB_API_URL": world.api,
            "GITHUB_TOKEN": token,
            "PYTHONPATH": str(ROOT),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_from_the_command_to_verdicts_in_the_store(
    descriptions: Descriptions, engine: docker.DockerClient, registry: str, tmp_path: Path
) -> None:
    asked = [find_uv_bin(), "cache", "dir"]
    uv_cache = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    started: list[Run] = []

    def begun(number: int, run: Run) -> None:
        """Before a batch is judged the image is taken away: its shards have to pull it."""
        started.append(run)
        if number == 2:
            with Store(tmp_path / "s.db") as store:
                (repository,) = store.repositories()
                environment = store.environment_for(repository.tree, "docker")
            assert environment is not None
            engine.images.remove(environment.handle, force=True)

    async with github_world(descriptions, real_time=True) as world:
        code = Code(world, world.repository("octo/shop"), tmp_path / "code")
        # An image of its own: this test takes it away.
        own = {**FILES, "NOTES": f"made for {tmp_path}\n{time.time_ns()}\n"}
        code.commit(own, "Begin")
        account = world.user("operator", "Organization")
        permissions = dict.fromkeys(("actions", "administration", "contents", "workflows"), "write")
        app = world.app(permissions=permissions, events=())
        token = world.grant(world.install(app, account)).token
        world.executor = carry_out(
            world,
            tool=ROOT,
            tool_name=TOOL,
            root=tmp_path / "machines",
            env={"UV_CACHE_DIR": uv_cache},
            begun=begun,
        )

        code_of_first, told = await forge(world, token, registry, tmp_path)

        assert code_of_first == 0, told + "".join(map(str, started[-1].logs.items()))
        with Store(tmp_path / "s.db") as store:
            (repository,) = store.repositories()
            environment = store.environment_for(repository.tree, "docker")
            assert environment is not None
            image = store.image(environment.id)
            (dispatch,) = store.dispatches.all()
            assert len(store.verdicts()) == 10
            assert len(store.tasks()) >= 3
        mirror = f"operator/octo__shop.{repository.commit[:8]}"
        assert image.startswith(f"{registry}/{mirror.lower()}/environment@sha256:")
        assert (dispatch.place, dispatch.state) == (f"actions:{mirror}", "ended")
        assert [
            run.jobs["environment" if n == 0 else "judge"] for n, run in enumerate(started)
        ] == [
            "success",
            "success",
        ]
        held = world.repositories[mirror.lower()]
        assert held.git is not None
        listed = git("ls-tree", "-r", "--name-only", "main", cwd=held.git).decode().split()
        assert ".github/workflows/ci.yml" not in listed
        assert "10 bugs to actions:operator/octo__shop." in told

        _, told = await forge(world, token, registry, tmp_path)

        assert len(started) == 2
        assert "10 verdicts known from an earlier run" in told
