"""The service takes in what runs of GitHub Actions came to, whether it was told of it or not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.service.app.run_results import find_runs, ingest
from bot.service.base.config import Config, ServeConfig, WorkConfig
from bot.service.base.scene import Scene
from bot.service.base.store_thread import AsyncStore
from bot.service.repositories.chores import ingest_job
from forge.remote.batch.bugs import gather
from forge.remote.batch.ingestion import keep_environment
from forge.remote.batch.plans import Batch, make_batch, write_batch
from forge.run.settings import EngineSettings
from mirror.github.hub import Hub
from storage.records import Dispatch
from storage.tables.hosted import Installation
from storage.tables.jobs import Job, NewJob
from tests.bot.batches import PATH, SOURCE, TREE, bug, delivered, packed, zipped

if TYPE_CHECKING:
    from tests.furniture.github_world import World
    from tests.furniture.github_world.actions import Run

pytestmark = pytest.mark.github

MIRROR = "operator/acme__shop.22222222"
WORKFLOW = "name: bugfoundry\non: workflow_dispatch\njobs: {}\n"


class Mirrored:
    """A mirror with a run that judges a batch, and a service that dispatched it."""

    def __init__(self, world: World, scene: Scene, folder: Path) -> None:
        from tests.furniture.github_world import Code

        self.world = world
        self.scene = scene
        self.repository = world.repository(MIRROR)
        Code(world, self.repository, folder / "code").commit(
            {".github/workflows/bugfoundry.yml": WORKFLOW}, "Start"
        )
        (self.workflow,) = world.workflows(self.repository)
        self.batch = batch(6)
        self.run: Run = world.run(self.repository, self.workflow)
        world.begin_run(self.run)

    def end(self, change: Callable[[str, bytes], bytes] = lambda name, data: data) -> None:
        for shard in self.batch.planned.shards:
            self.world.end_job(self.world.begin_job(self.run, f"first / shard {shard.number}"))
            name = f"verdicts-1-{shard.number}"
            data = zipped({"shard.jsonl": delivered(self.batch, shard)})
            self.world.upload_artifact(self.run, name, change(name, data))
        self.world.end_run(self.run)

    async def dispatched(self) -> None:
        """Let the service have sent the batch."""
        folder = self.scene.config.cache / "batches" / self.batch.planned.id
        write_batch(folder, self.batch)
        sent = Dispatch(
            plan=self.batch.planned.id,
            repository="acme/shop",
            environment=self.batch.planned.environment,
            place=f"actions:{MIRROR}",
            created="2026-11-25T10:00:00+00:00",
            address="3" * 40,
            run=str(self.run.id),
            state="dispatched",
        )
        await self.scene.keeper(lambda store: keep_environment(packed(), store))
        await self.scene.keeper(lambda store: store.dispatches.intend(sent))

    def job(self, run: int | None = None) -> Job:
        (installation,) = self.world.installations.values()
        made = ingest_job(self.repository.id, installation.id, run or self.run.id)
        return job_of(made)


def job_of(made: NewJob) -> Job:
    """A job as a worker has it in hand."""
    values = {name: getattr(made, name) for name in NewJob.__dataclass_fields__}
    rest = {name: 0 for name in Job.__dataclass_fields__ if name not in values}
    return Job(**(rest | values))  # type: ignore[arg-type]


def batch(bugs: int) -> Batch:
    gathered = gather(TREE, [bug(number) for number in range(bugs)], {PATH: SOURCE.encode()}.get)
    return make_batch(packed(), gathered, aim=1, workers=1, shards=2)


@pytest.fixture
async def mirrored(world: World, tmp_path: Path) -> AsyncIterator[Mirrored]:
    account = world.user("operator", "Organization")
    app = world.app(permissions={"actions": "read", "contents": "read"}, events=())
    world.install(app, account)
    config = Config(
        serve=ServeConfig(store=str(tmp_path / "s.db"), cache=str(tmp_path / "cache")),
        work=WorkConfig(engine=EngineSettings(mirrors="operator")),
    )
    clock = world.clock
    async with (
        AsyncStore(config.store) as keeper,
        Hub(
            world.api,
            app_id=str(app.id),
            private_key=app.pem,
            clock=clock.time,
            sleep=clock.sleep,
        ) as hub,
    ):
        scene = Scene(config=config, keeper=keeper, hub=hub, clock=clock.time)
        made = Mirrored(world, scene, tmp_path)
        await made.dispatched()
        yield made


async def verdicts(mirrored: Mirrored) -> int:
    return await mirrored.scene.keeper(lambda store: len(store.verdicts()))


async def state(mirrored: Mirrored) -> Dispatch:
    (found,) = await mirrored.scene.keeper(lambda store: store.dispatches.all())
    return found


async def test_the_verdicts_of_a_run_that_ended_are_kept(mirrored: Mirrored) -> None:
    mirrored.end()

    outcome = await ingest(mirrored.job(), mirrored.scene)

    assert outcome.note == "6 verdicts, 0 missing"
    assert await verdicts(mirrored) == 6
    assert (await state(mirrored)).state == "ended"


async def test_being_told_twice_changes_nothing(mirrored: Mirrored) -> None:
    mirrored.end()
    await ingest(mirrored.job(), mirrored.scene)
    before = await state(mirrored)

    outcome = await ingest(mirrored.job(), mirrored.scene)

    assert outcome.note == "known already"
    assert await state(mirrored) == before
    assert await verdicts(mirrored) == 6


async def test_a_run_that_goes_on_is_looked_at_later(mirrored: Mirrored) -> None:
    outcome = await ingest(mirrored.job(), mirrored.scene)

    (later,) = outcome.jobs
    assert later.due > mirrored.scene.clock()
    assert json.loads(later.payload)["run"] == mirrored.run.id
    assert await verdicts(mirrored) == 0


async def test_a_run_of_somebody_else_is_left_alone(mirrored: Mirrored) -> None:
    other = mirrored.world.run(mirrored.repository, mirrored.workflow)
    mirrored.world.end_run(other, "success")

    assert (await ingest(mirrored.job(other.id), mirrored.scene)).note == "no batch of ours"


async def test_what_cannot_be_believed_is_missing(mirrored: Mirrored) -> None:
    mirrored.end(lambda name, data: b"garbage" if name.endswith("-0") else data)

    outcome = await ingest(mirrored.job(), mirrored.scene)

    assert outcome.note == "3 verdicts, 3 missing"
    assert "1 delivery not believed" in (await state(mirrored)).detail


async def test_a_run_that_is_gone_ends_its_batch(mirrored: Mirrored) -> None:
    mirrored.repository.runs.clear()

    assert (await ingest(mirrored.job(), mirrored.scene)).note == "the run is gone"
    assert (await state(mirrored)).state == "ended"


async def test_a_batch_whose_files_are_gone_is_ended(mirrored: Mirrored) -> None:
    mirrored.end()
    for file in (mirrored.scene.config.cache / "batches").glob("*/*"):
        file.unlink()

    await ingest(mirrored.job(), mirrored.scene)

    assert (await state(mirrored)).state == "ended"
    assert await verdicts(mirrored) == 0


async def test_runs_of_which_nobody_told_are_found(mirrored: Mirrored) -> None:
    (installation,) = mirrored.world.installations.values()
    known = Installation(id=installation.id, account="Operator", kind="Organization")
    await mirrored.scene.keeper(lambda store: store.hosted.put_installation(known))
    mirrored.end()

    outcome = await find_runs(mirrored.job(), mirrored.scene)
    (job,) = outcome.jobs
    await ingest(job_of(job), mirrored.scene)

    assert await verdicts(mirrored) == 6
    assert (await find_runs(mirrored.job(), mirrored.scene)).jobs == ()


async def test_without_mirrors_nothing_is_looked_for(mirrored: Mirrored) -> None:
    alone = replace(mirrored.scene, config=Config())

    assert (await find_runs(mirrored.job(), alone)).note == "no mirrors"
