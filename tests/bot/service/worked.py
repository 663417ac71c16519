"""A service's work on a small real project that is in the GitHub of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.service.app.queues import HEAVY, LIGHT
from bot.service.base.config import AppConfig, Config, LimitsConfig, ServeConfig, WorkConfig
from bot.service.base.scene import Scene
from bot.service.base.store_thread import AsyncStore
from bot.service.outbox.outbox import OUTBOX
from bot.service.queue.worker import QueueWorker
from bot.service.repositories.plan import PULL, WORK, first_stage_job, pull_job, stage_job
from forge.run.settings import EnvironmentSettings
from storage.tables.hosted import Hosted, Installation
from storage.tables.jobs import Job, NewJob
from tests.furniture.project import PYPROJECT, SOURCE, TESTS

if TYPE_CHECKING:
    from tests.furniture.github_world import Code, World
    from tests.furniture.github_world.apps import App
    from tests.furniture.github_world.apps import Installation as Installed
    from tests.furniture.github_world.state import Pull, Repository

NAME = "acme/shop"
PACKAGE, TEST_FILE = "src/shop/__init__.py", "tests/test_shop.py"
MEMBERS = "    if members:\n        rate = rate + 2\n"
MARK = '@pytest.mark.parametrize("total, expected", [(10, 9.8), (50, 46.5), (100, 88)])'
OF_MEMBERS = TESTS[TESTS.index(MARK) : TESTS.index('@pytest.mark.parametrize("text", ["",')]
UNTESTED = """

def receipt(basket, prices):
    lines = []
    for name, count in basket.items:
        lines.append(name + " " + str(count * prices[name]))
    lines.append("sum " + str(basket.total(prices)))
    return lines
"""
GUARDS = {f"{TEST_FILE}::test_discount_for_members[{n}]" for n in ("10-9.8", "50-46.5", "100-88")}


class Shop:
    """The project's repository: a fix in it, on which time has passed since."""

    def __init__(self, world: World, folder: Path, *, private: bool = False) -> None:
        from tests.furniture.github_world import Code

        self.world = world
        self.repository: Repository = world.repository(NAME, private=private)
        self.code: Code = Code(world, self.repository, folder)
        self.source = SOURCE + UNTESTED
        self.code.commit(
            {
                PACKAGE: self.source.replace(MEMBERS, ""),
                TEST_FILE: TESTS.replace(OF_MEMBERS, ""),
                "pyproject.toml": PYPROJECT,
            },
            "Add the shop",
        )
        issue = world.issue(
            self.repository,
            "Members pay as much as everybody",
            "I am a member, and `discount(100, members=True)` is 90.",
        )
        files = {PACKAGE: self.source, TEST_FILE: TESTS}
        self.code.commit(files, "Give members their discount", branch="members")
        self.fix: Pull = self.code.pull("members", "Give members theirs", closes=[issue])
        self.code.merge(self.fix, "squash")
        self.change("Say more", ("baskets.", "baskets of a shop."))

    def change(self, message: str, edit: tuple[str, str], *, branch: str = "main") -> str:
        """Change the source on a branch."""
        assert edit[0] in self.source
        changed = self.source.replace(*edit, 1)
        if branch == "main":
            self.source = changed
        return self.code.commit({PACKAGE: changed}, message, branch=branch)

    @property
    def head(self) -> str:
        return self.code.tip("main")


class Service:
    """What works on it: the queues of a store, and the handlers of the service."""

    def __init__(self, shop: Shop, app: App, installed: Installed, scene: Scene) -> None:
        self.shop, self.app, self.installed, self.scene = shop, app, installed, scene

    @property
    def id(self) -> int:
        return self.shop.repository.id

    async def hosted(self) -> Hosted:
        """The repository as the service knows it."""
        found = await self.scene.keeper(lambda store: store.hosted.get(self.id))
        assert found is not None
        return found

    async def set(self, **changed: Any) -> None:
        """Change what the service knows of the repository."""
        hosted = await self.hosted()
        await self.scene.keeper(
            lambda store: store.hosted.put_repository(replace(hosted, **changed))
        )

    async def ask(self, *jobs: NewJob) -> None:
        now = self.scene.clock()
        await self.scene.keeper(lambda store: store.jobs.put_jobs(jobs, now))

    async def stage(self, name: str, **payload: Any) -> Job:
        """Do one stage alone, and return its job as it ended."""
        await self.ask(stage_job(await self.hosted(), name, alone=True, **payload))
        await self.work()
        return await self.job(name)

    async def pull(self, number: int, **payload: Any) -> Job:
        """Do what is to be done for one pull request, and return its job as it ended."""
        await self.ask(pull_job(await self.hosted(), number, **payload))
        await self.work()
        return await self.job(PULL, f"{self.id}:{number}")

    async def begin(self) -> None:
        """Do all stages."""
        await self.ask(first_stage_job(await self.hosted()))
        await self.work()

    async def work(self) -> None:
        """Do the long work that is due, then write what came of it."""
        await self.worker(WORK).run(until_idle=True)
        await self.send()

    async def send(self) -> None:
        """Write what is in the outbox."""
        await self.worker(OUTBOX).run(until_idle=True)

    def worker(self, queue: str, *, lease: float = 90.0) -> QueueWorker:
        handlers = HEAVY if queue == WORK else LIGHT[queue]
        return QueueWorker(queue, handlers, self.scene, name="w", lease=lease)

    async def job(self, kind: str, subject: str = "") -> Job:
        found = await self.scene.keeper(lambda s: s.jobs.get(kind, subject or str(self.id)))
        assert found is not None
        return found


def config_of(
    world: World, folder: Path, cache: Path | None = None, *, max_bugs: int = 4
) -> Config:
    """Settings that keep work small. A cache that is shared saves builds."""
    return Config(
        app=AppConfig(api_url=world.api, web_url=world.url),
        serve=ServeConfig(
            store=str(folder / "store.db"),
            cache=str(cache or folder / "cache"),
            public_url="https://bugs.example",
        ),
        work=WorkConfig(
            environment=EnvironmentSettings(sandbox="local"),
            proposals=replace(WorkConfig().proposals, max_bugs=max_bugs),
        ),
        limits=LimitsConfig(repository_dollars=0.0),
    )


@asynccontextmanager
async def service_of(
    world: World, folder: Path, *, private: bool = False, cache: Path | None = None, **work: Any
) -> AsyncIterator[Service]:
    """A service in a world with one repository, which is opted in."""
    from tests.furniture.github_world import hub_of

    shop = Shop(world, folder, private=private)
    app = world.app()
    installed = world.install(app, shop.repository)
    config = config_of(world, folder, cache, **work)
    async with AsyncStore(config.store) as keeper, hub_of(world, app) as hub:
        scene = Scene(config=config, keeper=keeper, hub=hub, clock=world.clock.time)
        service = Service(shop, app, installed, scene)
        known = Installation(id=installed.id, account="acme")
        hosted = Hosted(
            id=service.id,
            installation=installed.id,
            name=NAME,
            private=private,
            head=shop.head,
            opted_in=True,
        )
        await keeper(lambda store: store.hosted.put_installation(known))
        await keeper(lambda store: store.hosted.put_repository(hosted))
        yield service
