"""Killed again and again while it is told of things, the service comes to what it would have."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from bot.service.registration.permissions import events, permissions
from storage.store import Store
from tests.bot.service.process import Serving
from tests.furniture.github_world import Code, Repository, World, github_world
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.hooks import Delivery
from tests.furniture.github_world.state import Pull, User

pytestmark = [pytest.mark.github, pytest.mark.slow]

ACCOUNTS, EACH = 5, 4
AT_ONCE = 20
PATIENCE = 600.0
DONE_HERE = ("inbox", "outbox")
SEED = 20_240_101
SAID = ("/bugfoundry status", *["looks good to me"] * 3)
OURS = ("bugfoundry", "bugfoundry: skip")


@dataclass
class Story:
    """A world in which things happen by chance, always the same."""

    world: World
    chance: random.Random
    pulls: list[Pull]
    ann: User
    """Maintains all repositories."""
    rest: list[Delivery] = field(default_factory=list)

    @property
    def hooks(self) -> Any:
        return self.world.hooks

    @property
    def bot(self) -> User:
        return next(iter(self.world.apps.values())).bot

    def goes_on(self, most: int) -> list[Delivery]:
        """Let things happen until there are so many deliveries; return them, in any order.

        What the service itself did since is told too, and counts for nothing: it depends on when.
        """
        echo, self.hooks.pending = self.hooks.pending, self.rest
        while len(self.hooks.pending) < most:
            pull = self.chance.choice(self.pulls)
            self.chance.choice((self.toggle_repository, self.toggle_pull, self.comment))(pull)
        told, self.rest = self.hooks.pending[:most], self.hooks.pending[most:]
        self.hooks.pending = []
        self.chance.shuffle(told)
        return told + echo

    def toggle_repository(self, pull: Pull) -> None:
        repository = pull.repository
        if "bugfoundry" in repository.labels:
            self.world.delete_label(repository, "bugfoundry", by=self.ann)
        else:
            self.world.create_label(repository, "bugfoundry", by=self.ann)

    def toggle_pull(self, pull: Pull) -> None:
        name = self.chance.choice(OURS)
        if name in {label.name for label in pull.labels}:
            self.world.unlabel(pull, name, by=self.ann)
        elif name in pull.repository.labels:
            self.world.label(pull, name, by=self.ann)

    def comment(self, pull: Pull) -> None:
        text = self.chance.choice(SAID)
        self.world.comment(pull, text, by=self.ann)


def begin(world: World, folder: Path, hook_url: str) -> Story:
    """Make repositories with a pull request each, and install the App on them."""
    app = world.app(permissions=permissions(), events=events(), hook_url=hook_url)
    pulls, ann = [], world.user("ann")
    for account in range(ACCOUNTS):
        held: list[Repository] = []
        for number in range(EACH):
            repository = world.repository(f"octo{account}/thing{number}")
            place = folder / f"{account}-{number}"
            place.mkdir(parents=True)
            Code(world, repository, place).commit({"a.py": "a = 1\n"}, "Begin")
            ann = world.collaborator(repository, "ann", "maintain")
            world.create_label(repository, "bugfoundry: skip", by=ann)
            pulls.append(world.pull(repository, title="Mend it"))
            held.append(repository)
        world.install(app, held)
    world.hooks.pending.clear()
    return Story(world, random.Random(SEED), pulls, ann)


async def run(
    descriptions: Descriptions, folder: Path, *, deliveries: int, kills: int
) -> dict[str, Any]:
    """Tell a service of all that happens, killing it so often, and return what it came to."""
    port = unused_port()
    async with github_world(descriptions, real_time=True) as world:
        story = begin(world, folder / "code", f"http://127.0.0.1:{port}/webhooks")
        app = next(iter(world.apps.values()))
        service = Serving(folder, app_id=str(app.id), api_url=world.api, key=app.pem,
                          secret=str(app.webhook_secret), port=port)  # fmt: skip
        when = random.Random(SEED + kills)
        due = set(when.sample(range(deliveries // AT_ONCE), kills))
        await asyncio.to_thread(service.start)
        taken: set[str] = set()
        try:
            for turn in range(deliveries // AT_ONCE):
                sending = [world.hooks.send(one) for one in story.goes_on(AT_ONCE)]
                killing = [killed(service, when)] if turn in due else []
                done, *_ = await asyncio.gather(asyncio.gather(*sending), *killing)
                taken |= {one.guid for one in done if one.code == 202}
                if not kills:
                    await until(lambda: at_rest(service))
            # Deliveries that came while it was down are fetched when it starts.
            assert await asyncio.to_thread(service.stop) == 143
            await asyncio.to_thread(service.start)
            await until(lambda: at_rest(service))
            assert await asyncio.to_thread(service.stop) == 143
        finally:
            service.kill()
        assert len(world.hooks.log) >= deliveries
        with Store(service.store) as store:
            known = store.deliveries.select_received(one.guid for one in world.hooks.log)
            lost = {one.guid: (one.event, one.action, one.code) for one in world.hooks.log
                    if one.guid not in known}  # fmt: skip
            assert lost == {}
            assert {store.jobs.get("delivery", guid).state for guid in taken} == {"done"}  # type: ignore[union-attr]
            return what_came_of_it(store, story)


async def killed(service: Serving, when: random.Random) -> None:
    """Kill the service in a moment, wherever it is then, and start it again."""
    await asyncio.sleep(when.uniform(0.0, 0.5))
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)


def at_rest(service: Serving) -> bool:
    """Tell whether nothing is left to do but what is done by other processes."""
    with Store(service.store) as store:
        counts = store.jobs.counts()
        chores = store.jobs.all(queue="upkeep", state="waiting", most=-1)
    busy = any(one.state in ("waiting", "running") and one.queue in DONE_HERE for one in counts)
    busy |= any(one.state == "running" and one.queue == "upkeep" for one in counts)
    # What is tried again is not done yet, though it is not due.
    return not busy and not any(one.attempts or one.due <= time.time() for one in chores)


async def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    held = 0
    while held < 3:
        assert time.monotonic() < end, "it did not come to rest"
        await asyncio.sleep(0.1)
        held = held + 1 if await asyncio.to_thread(holds) else 0


def what_came_of_it(store: Store, story: Story) -> dict[str, Any]:
    """Return all that matters of what is stored, but for times and numbers of attempts."""
    hosted = {one.id: one for one in store.hosted.all()}
    opted = [pull for pull in story.pulls if hosted[pull.repository.id].opted_in]
    return {
        "happened": [(pull.repository.full_name, sorted(pull.repository.labels),
                      sorted(label.name for label in pull.labels)) for pull in story.pulls],
        "hosted": sorted((one.name, one.state, one.opted_in, one.because)
                         for one in hosted.values()),
        "marks": sorted((pull.repository.full_name, pull.number, found.mark) for pull in opted
                        if (found := store.hosted.mark_of(pull.repository.id, pull.number))),
        "work": sorted((one.kind, one.subject, one.state) for one in
                       store.jobs.all(queue="work", state="waiting", most=-1)),
        "comments": [sum(one.author is story.bot for one in pull.comments) for pull in story.pulls],
        "failed": sorted((one.kind, one.error) for one in store.jobs.all(state="failed", most=-1)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("deliveries", "kills"), [(200, 4), pytest.param(500, 20, marks=pytest.mark.long)]
)
async def test_killed_at_many_points_it_comes_to_the_same(
    descriptions: Descriptions, tmp_path: Path, deliveries: int, kills: int
) -> None:
    undisturbed, killed = [
        await run(descriptions, folder(tmp_path / name), deliveries=deliveries, kills=number)
        for name, number in (("undisturbed", 0), ("killed", kills))
    ]

    assert len(undisturbed["hosted"]) == ACCOUNTS * EACH
    assert {True, False} == {one[2] for one in undisturbed["hosted"]}
    assert undisturbed["marks"]
    assert undisturbed["work"]
    assert undisturbed["failed"] == []
    comments, once = killed.pop("comments"), undisturbed.pop("comments")
    # Who asks while a repository is out gets no answer: when that was, is chance. Never two.
    assert max(comments) == max(once) == 1
    assert killed == undisturbed


def folder(place: Path) -> Path:
    place.mkdir()
    return place
