"""One story from installing the App to leaving it, against the GitHub of the tests.

The service and its worker are the real ones; so are git, the sandbox and the project's tests.
docs/story.md tells it to people: what stands there is what this test saw (``--story`` writes it).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.service.plan import WORK
from bot.service.queues import HEAVY, LIGHT
from bot.service.worker import Worker
from tests.bot.service.told import Story
from tests.bot.service.worked import GUARDS, NAME, Shop

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import World

pytestmark = [pytest.mark.github, pytest.mark.network, pytest.mark.slow]

DOCS = Path(__file__).parents[3] / "docs" / "story.md"


async def test_a_maintainer_opts_in_reads_what_comes_of_it_and_leaves(
    world: World, tmp_path: Path
) -> None:
    from bot.service.config import WorkConfig
    from tests.bot.service.running import serving

    story = Story()
    shop = Shop(world, tmp_path)
    repository = shop.repository
    ann = world.collaborator(repository, "ann", "maintain")
    app = world.app()
    work = WorkConfig(processes=0, sandbox="local", max_bugs=6)

    async with serving(world, tmp_path, app=app, work=work, light=LIGHT) as served:
        story.part("The App is installed")
        world.install(app, repository)
        await served.told()
        hosted = await served.hosted(repository)
        assert (hosted.name, hosted.opted_in, await served.work()) == (NAME, False, [])
        assert not [asked for asked in world.asked if wrote(asked.method, asked.path)]
        story.say(f"`{NAME}` is known, not opted in: {hosted.because}. Nothing is written to it.")

        story.part("A maintainer creates the label `bugfoundry`")
        world.create_label(repository, "bugfoundry", by=ann)
        await served.told()
        assert (await served.hosted(repository)).opted_in
        assert await served.work() == [f"environment {repository.id}"]
        await worked(served)
        stages = await served.jobs(*HEAVY)
        assert {job.state for job in stages} == {"done"}, [job.error for job in stages]
        story.table(("job", "what it came to"), [(job.kind, job.note) for job in stages])
        tasks = await served.store(lambda s: s.tasks())
        assert len(tasks) >= 2

        story.part("The report appears")
        [report] = [one for one in repository.threads.values() if one.author is app.bot]
        assert "receipt" in report.body
        story.quote(f"{report.title}\n\n{report.body}")

        story.part("A pull request is labelled, and mirrored")
        world.label(shop.fix, "bugfoundry", by=ann)
        await served.told()
        assert f"pull {repository.id}:{shop.fix.number}" in await served.work()
        await worked(served)
        [check] = [one for one in repository.checks if one.name.startswith("bugfoundry")]
        assert check.title == "3 tests guard this fix"
        assert all(test in (check.text or "") for test in GUARDS)
        story.quote(f"{check.title}\n\n{check.summary}\n\n{check.text}")

        story.part("The maintainer asks how things are")
        world.comment(shop.fix, "/bugfoundry status", by=ann)
        await served.told()
        await worked(served)
        [answer] = [one for one in shop.fix.comments if one.author is app.bot]
        assert "commit that serves" in answer.body
        story.quote(answer.body)
        world.comment(shop.fix, "/bugfoundry status", by=ann)
        await served.told()
        await worked(served)
        assert len([one for one in shop.fix.comments if one.author is app.bot]) == 1
        story.say("Asked once more, the same comment is edited: there is never a second one.")

        story.part("The dashboard and the export show the tasks")
        assert tasks[0].id in await page(served, f"/tasks/{tasks[0].id}")
        assert await served.store(lambda s: s.hosted.withheld()) == set()
        story.say(f"{len(tasks)} tasks, as `{tasks[0].id}`.")

        story.part("The maintainer opts out")
        world.create_label(repository, "other", by=ann)
        world.delete_label(repository, "bugfoundry", by=ann)
        await served.told()
        await worked(served)
        hosted = await served.hosted(repository)
        assert not hosted.opted_in
        assert await served.store(lambda s: s.hosted.withheld()) == {hosted.tree}
        before = len(world.asked)
        world.comment(shop.fix, "/bugfoundry status", by=ann)
        await served.told()
        await worked(served)
        assert not [one for one in world.asked[before:] if wrote(one.method, one.path)]
        story.say(
            f"`{NAME}` is out: {hosted.because}. Its {len(tasks)} tasks are left out of every "
            "export, and whatever is said there now is not answered."
        )
        jobs = await served.store(lambda s: s.jobs.all(most=-1))
        assert [(job.kind, job.error) for job in jobs if job.state == "failed"] == []

    assert not world.rates.tripped
    if os.environ.get("BUGFOUNDRY_STORY"):
        DOCS.write_text(story.text())
    assert story.told_as(DOCS.read_text())


async def worked(served: Serving) -> None:
    """Do the long work that is due, as `bugfoundry work` does; then what it asks for is written."""
    scene = replace(served.running.scene)
    await Worker(WORK, HEAVY, scene, name="work:test").run(until_idle=True)
    await served.idle()


async def page(served: Serving, path: str) -> str:
    """Return a page of the dashboard as anybody sees it."""
    url = f"http://127.0.0.1:{served.running.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        return await response.text()


def wrote(method: str, path: str) -> bool:
    """Say whether a request wrote to a repository."""
    return method in ("POST", "PATCH", "PUT", "DELETE") and path.startswith("/repos/")
