"""What jobs came to, kept where their code is: mirrored bugs become tasks as `forge` makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from forge.remote.batch.bugs import gather
from forge.remote.batch.collection import Collected, Collecting
from forge.remote.batch.environments import Packed
from forge.remote.batch.ingestion import ingest, mirror_of
from forge.remote.batch.plans import Batch, make_batch
from forge.run.settings import ProposalSettings, Settings
from storage.errors import BatchError
from storage.records import Bug
from storage.store import Store
from tests.bot.batches import artifact, delivered
from tests.bot.mirrored import Bench, Shop, silent


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A shop whose one fix closed an issue; it is undone, and nothing is judged yet."""
    shop = Shop(tmp_path / "shop")
    shop.fix_total()
    with Store(tmp_path / "store.db") as store:
        bench = await Bench(shop, tmp_path, store).crawl()
        bench.tell(2, "Totals are wrong", "Two of three cost as much as one.")
        yield bench


async def batch_of(bench: Bench) -> Batch:
    baseline = bench.store.baseline(bench.environment.id)
    assert baseline is not None
    packed = Packed(repository=bench.repository, environment=bench.environment, baseline=baseline)
    bugs = gather(bench.repository.tree, await bench.bugs(), bench.engine.read)
    return make_batch(packed, bugs, aim=1, workers=1, shards=1)


async def collected(bench: Bench, batch: Batch) -> Collected:
    """What its one shard delivers."""

    async def bugs() -> AsyncIterator[Bug]:
        for bug in batch.bugs.bugs:
            yield bug

    verdicts = [verdict async for verdict in bench.engine.judge(bugs())]
    collecting = Collecting(batch, [batch.planned])
    collecting.take(artifact(delivered(batch, batch.planned.shards[0], judged=verdicts)))
    return collecting.collect_verdicts()


def settings(bench: Bench) -> Settings:
    return Settings(
        source=str(bench.shop.maker.folder),
        cache=bench.trees.git_dir.parent,
        proposals=ProposalSettings(strategies=("mirror", "procedural")),
    )


async def test_with_the_code_mirrored_bugs_are_told_of_in_the_words_of_their_issue(
    bench: Bench,
) -> None:
    batch = await batch_of(bench)
    found = await collected(bench, batch)
    mirror = await mirror_of(batch, settings(bench), store=bench.store, reporter=silent())

    done = ingest(batch, found, bench.store, mirror)

    (task,) = bench.store.tasks()
    assert (done.tasks, done.for_forge) == ((task.id,), 0)
    assert "Two of three cost as much as one." in task.statement
    assert "test_total_of_many" in task.test_patch
    assert await bench.judge() == [task]


async def test_without_it_they_are_left_for_forge(bench: Bench) -> None:
    batch = await batch_of(bench)

    done = ingest(batch, await collected(bench, batch), bench.store)

    assert (done.verdicts, done.tasks, done.for_forge) == (1, (), 1)


async def test_other_code_is_refused(bench: Bench) -> None:
    batch = await batch_of(bench)
    bench.shop.age(("result = 0\n", "result = 0.0\n"))

    with pytest.raises(BatchError, match="other files than the batch was made for"):
        await mirror_of(batch, settings(bench), store=bench.store, reporter=silent())


async def test_code_of_which_nothing_is_mirrored_is_only_fetched(bench: Bench) -> None:
    batch = await batch_of(bench)
    made = replace(batch.bugs.bugs[0].origin, strategy="procedural", operator="constant")
    bugs = replace(batch.bugs, bugs=(replace(batch.bugs.bugs[0], origin=made),))

    mirror = await mirror_of(
        replace(batch, bugs=bugs), settings(bench), store=bench.store, reporter=silent()
    )

    assert mirror is None
    assert bench.trees.paths(batch.planned.tree)
