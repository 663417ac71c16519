"""Many who want the same environment at once: it is built once, and serves all of them."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from harness.sandboxes.hidden_copies import find_hidden_copies
from harness.sandboxes.interpreters import OWN, Interpreter
from harness.sandboxes.local_backend import LocalBackend
from harness.sandboxes.workplaces import claim, clear_away, is_used, read_stamp, release, sweep
from storage.records import Plan
from tests.furniture.environments import share_downloads
from tests.harness.probes import EDITABLE, PROBE, build, plan, probing

WORKERS = 10
GIVEN = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}


class CountingBackend(LocalBackend):
    """Writes down, beside the environments, each build that it makes."""

    def _make(
        self,
        checkout: Path,
        root: Path,
        plan: Plan,
        interpreter: Interpreter,
        env: dict[str, str],
    ) -> None:
        with (self._cache / "builds").open("ab") as file:
            file.write(b"x")
        super()._make(checkout, root, plan, interpreter, env)


def work(folder: Path, steps: tuple[str, ...], barrier: Barrier) -> None:
    """Build what nine others build, and start a sandbox in it."""

    async def build_and_serve() -> None:
        backend = CountingBackend(folder / "cache", runner=PROBE)
        checkout = folder / "checkouts" / str(os.getpid())
        barrier.wait()
        environment = await build(backend, checkout, plan(*steps, python=OWN), **GIVEN)
        barrier.wait()
        async with probing(backend, environment) as probe:
            assert await probe.run("result = 1 + 1") == 2

    asyncio.run(build_and_serve())


def run_workers(folder: Path, *steps: str) -> None:
    context = get_context("spawn")
    barrier = context.Barrier(WORKERS)
    words = (folder, steps, barrier)
    workers = [context.Process(target=work, args=words) for _ in range(WORKERS)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert [each.exitcode for each in workers] == [0] * WORKERS


def test_ten_workers_on_one_new_environment_build_it_once(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()

    run_workers(tmp_path)

    assert (tmp_path / "cache" / "builds").read_bytes() == b"x"
    [root] = [each for each in (tmp_path / "cache" / "envs").iterdir() if each.is_dir()]
    names = {each.name for each in root.iterdir()}
    left = names - {
        "w00",
        "ready.json",
        "hidden.json",
        "hidden.json.lock",
        "nothing",
        "nothing.whl",
    }
    assert "ready.json" in names and left == set()


@pytest.mark.network
@pytest.mark.slow
def test_ten_workers_on_one_real_environment_build_it_once(tmp_path: Path) -> None:
    share_downloads(tmp_path / "cache")

    run_workers(tmp_path, *EDITABLE)

    assert (tmp_path / "cache" / "builds").read_bytes() == b"x"


def test_ten_threads_that_start_at_once_find_hidden_copies(tmp_path: Path) -> None:
    root, prefix = tmp_path / "environment", tmp_path / "python"
    (root / "w00" / "tree" / "shop").mkdir(parents=True)
    (root / "w00" / "tree" / "shop" / "__init__.py").touch()
    copy = prefix / "lib" / "python3" / "site-packages" / "pip" / "_vendor" / "shop"
    copy.mkdir(parents=True)
    (copy / "__init__.py").touch()
    barrier = threading.Barrier(WORKERS)

    def find(_: int) -> list[tuple[Path, Path]]:
        barrier.wait()
        return find_hidden_copies(root, prefix)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert list(pool.map(find, range(WORKERS))) == [[(root / "nothing", copy)]] * WORKERS


async def test_two_fresh_builds_at_once_are_one(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    backends = [CountingBackend(tmp_path / "cache") for _ in range(2)]
    wanted = plan(python=OWN)
    first = await build(backends[0], tmp_path / "checkout", wanted)
    ready = tmp_path / "cache" / "envs" / first.handle / "ready.json"
    before = read_stamp(ready)

    checkout = tmp_path / "checkout"
    builds = (each.build(checkout, first.tree, wanted, env={}, fresh=True) for each in backends)
    await asyncio.gather(*builds)

    assert (tmp_path / "cache" / "builds").read_bytes() == b"xx"
    assert read_stamp(ready) != before


def test_a_place_belongs_to_whoever_holds_it(tmp_path: Path) -> None:
    place = claim(tmp_path)
    (tmp_path / "w02").mkdir()

    sweep(tmp_path)
    assert place.is_dir() and is_used(tmp_path) and not (tmp_path / "w02").exists()

    release(place)
    assert not place.exists() and not is_used(tmp_path)


def test_an_environment_in_use_is_moved_aside(tmp_path: Path) -> None:
    root = tmp_path / "environment"
    root.mkdir()
    (root / "w00").mkdir()
    place = claim(root)

    clear_away(root)
    [aside] = tmp_path.iterdir()
    assert aside.name.startswith("environment.old-") and (aside / "w00").is_dir()

    release(place)
    root.mkdir()
    clear_away(root)
    assert [each for each in tmp_path.iterdir() if is_used(each)] == []
