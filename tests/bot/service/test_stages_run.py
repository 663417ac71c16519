"""The stages on a small real project: from its repository to what its maintainers read."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.service.repositories.plan import STAGES, WORK, stage_job
from storage.store import Store
from storage.tables.hosted import Hosted
from tests.bot.service.worked import GUARDS, PACKAGE, Service, service_of
from tests.furniture.environments import share_downloads
from tests.furniture.project import TESTS

if TYPE_CHECKING:
    from tests.furniture.github_world import World
    from tests.furniture.github_world.state import CheckRun

pytestmark = [pytest.mark.github, pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: the same tree is installed once. Who runs in it is to be seen."""
    return share_downloads(tmp_path_factory.mktemp("work") / "cache")


def reasons(store: Store, hosted: Hosted) -> list[tuple[str, str, str]]:
    """Bug, mode and reason of every verdict on a repository's code."""
    found = [v for bug in store.bugs(hosted.tree) for v in store.verdicts(bug=bug.id)]
    return sorted((v.bug, v.mode, v.reason) for v in found)


def checks(service: Service, sha: str) -> list[CheckRun]:
    return [run for run in service.shop.repository.checks if run.sha == sha]


async def test_from_opting_in_to_the_report_and_all_over_again(
    world: World, tmp_path: Path, cache: Path
) -> None:
    async with service_of(world, tmp_path, cache=cache) as service:
        await service.begin()

        for stage in STAGES:
            job = await service.job(stage)
            assert (job.state, job.attempts) == ("done", 1), job.error
        hosted = await service.hosted()
        assert (hosted.commit, hosted.stale) == (service.shop.head, False)
        keeper = service.scene.keeper
        assert await keeper(lambda s: s.hosted.trees(service.id)) == [hosted.tree]
        tasks = [task.id for task in await keeper(lambda s: s.tasks())]
        assert any(".mirror_3__" in task or "mirror" in task for task in tasks)
        verdicts = await keeper(lambda s: reasons(s, hosted))
        unnoticed = {bug for bug, _, reason in verdicts if reason == "no-test-failed"}
        in_full = {bug for bug, mode, _ in verdicts if mode == "full"}
        assert unnoticed <= in_full
        issues = [one for one in service.shop.repository.threads.values()
                  if one.author is service.app.bot]  # fmt: skip
        assert len(issues) == bool(unnoticed)
        if issues:
            assert "in `receipt`" in issues[0].body

        before = len(world.asked)
        await service.begin()

        assert await keeper(lambda s: reasons(s, hosted)) == verdicts
        assert [task.id for task in await keeper(lambda s: s.tasks())] == tasks
        assert not [one for one in world.asked[before:] if one.method in ("PATCH", "PUT")]


async def test_a_labelled_pull_request_is_told_which_tests_guard_it(
    world: World, tmp_path: Path, cache: Path
) -> None:
    async with service_of(world, tmp_path, cache=cache) as service:
        await service.stage("environment")
        number = service.shop.fix.number

        job = await service.pull(number, asked=True)

        assert job.note.startswith(f"#{number}: 3 tests guard it")
        [check] = checks(service, service.shop.fix.commits[-1].oid)
        assert check.conclusion == "success"
        assert check.title == "3 tests guard this fix"
        assert all(test in (check.text or "") for test in GUARDS)
        [task] = await service.scene.keeper(lambda s: s.tasks())
        assert task.statement.startswith("# Members pay as much as everybody\n")


async def test_an_open_pull_request_is_undone_at_its_head_and_becomes_no_task(
    world: World, tmp_path: Path, cache: Path
) -> None:
    async with service_of(world, tmp_path, cache=cache) as service:
        shop = service.shop
        changed = shop.source.replace("    return value\n", "    return int(value)\n")
        tests = TESTS + "\n\ndef test_clamp_of_a_fraction():\n    assert clamp(2.5, 0, 9) == 2\n"
        files = {PACKAGE: changed, "tests/test_shop.py": tests}
        head = shop.code.commit(files, "Clamp to whole numbers", branch="whole")
        pull = shop.code.pull("whole", "Clamp to whole numbers")

        job = await service.pull(pull.number, asked=True)

        assert "1 test guards it" in job.note
        [check] = checks(service, head)
        assert check.text == "- `tests/test_shop.py::test_clamp_of_a_fraction`"
        assert "at its own head" in (check.summary or "")
        assert not await service.scene.keeper(lambda s: s.tasks())
        assert (await service.hosted()).commit == ""


async def test_one_merged_since_is_undone_in_the_newest_code_when_somebody_asks(
    world: World, tmp_path: Path, cache: Path
) -> None:
    async with service_of(world, tmp_path, cache=cache) as service:
        shop = service.shop
        await service.stage("environment")
        served = (await service.hosted()).commit
        changed = shop.source.replace("name.strip()) from None", "name.strip(), line) from None")
        shop.code.commit({PACKAGE: changed}, "Name the line", branch="line")
        pull = shop.code.merge(shop.code.pull("line", "Name the line"), "squash")

        job = await service.pull(pull.number, asked=True)

        [check] = checks(service, pull.commits[-1].oid)
        assert job.note.startswith(f"#{pull.number}: no test guards it")
        assert check.title == "No test guards this fix"
        assert (await service.hosted()).commit == served


async def test_opting_out_stops_a_stage_and_its_sandboxes(
    world: World, tmp_path: Path, cache: Path
) -> None:
    async with service_of(world, tmp_path, cache=cache, max_bugs=200) as service:
        await service.stage("environment")
        hosted = await service.hosted()
        keeper = service.scene.keeper
        await service.ask(stage_job(hosted, "procedural"))
        worker = service.worker(WORK, lease=1.5)
        running = asyncio.create_task(worker.run(until_idle=True))
        while not (await keeper(lambda s: reasons(s, hosted)) and sandboxed(cache)):
            assert not running.done()
            await asyncio.sleep(0.05)

        await service.set(opted_in=False)
        now = service.scene.clock()
        await keeper(lambda s: s.jobs.cancel(service.id, now=now, queues=(WORK,), why="opted out"))
        await running

        assert not sandboxed(cache)
        job = await service.job("procedural")
        assert (job.state, job.note) == ("cancelled", "opted out")
        judged = await keeper(lambda s: reasons(s, hosted))
        assert len(judged) < 100
        assert await keeper(lambda s: s.jobs.get("model", str(service.id))) is None


def sandboxed(cache: Path) -> list[str]:
    """Command lines of processes that run in an environment of a cache."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(cache / "envs") in line and place.parent.name != str(os.getpid()):
            found.append(line)
    return found


async def test_a_stage_that_was_cut_off_goes_on_where_it_was(
    world: World, tmp_path: Path, cache: Path
) -> None:
    async with service_of(world, tmp_path, cache=cache, max_bugs=30) as service:
        await service.stage("environment")
        hosted = await service.hosted()
        keeper = service.scene.keeper
        await service.ask(stage_job(hosted, "procedural", alone=True))
        worker = service.worker(WORK)
        running = asyncio.create_task(worker.run())
        while len(await keeper(lambda s: reasons(s, hosted))) < 3:
            assert not running.done()
            await asyncio.sleep(0.05)
        await worker.stop()
        await running
        assert not sandboxed(cache)
        assert (await service.job("procedural")).state == "waiting"
        before = await keeper(lambda s: reasons(s, hosted))

        await service.work()

        job = await service.job("procedural")
        assert job.state == "done"
        assert job.note.startswith("30 bugs, ")
        assert f"{len(before)} known already" in job.note


async def test_opting_out_ends_a_build_and_what_it_started(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service_of(world, tmp_path) as service:
        # An install that takes for ever: the build backend itself waits.
        slow = "import time\ntime.sleep(600)\n"
        files = {"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'slow'\n"
                 "backend-path = ['.']\n\n[project]\nname = 'shop'\nversion = '1'\n",
                 "slow.py": slow}  # fmt: skip
        service.shop.code.commit(files, "Build slowly")
        cache = service.scene.config.cache
        await service.ask(stage_job(await service.hosted(), "environment"))
        running = asyncio.create_task(service.worker(WORK, lease=1.5).run(until_idle=True))
        while not any("slow" in line or "pip install" in line for line in sandboxed(cache)):
            assert not running.done()
            await asyncio.sleep(0.1)

        now = service.scene.clock()
        await service.scene.keeper(
            lambda s: s.jobs.cancel(service.id, now=now, queues=(WORK,), why="opted out")
        )
        await running

        assert not sandboxed(cache)
        assert (await service.job("environment")).state == "cancelled"
