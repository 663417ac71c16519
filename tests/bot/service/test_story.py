"""One story from installing the App to leaving it, against the GitHub of the tests.

The service and its worker are the real ones; so are git, the sandbox, the command line and the
project's tests. docs/story.md tells it to people, and has to be as the story comes out:
`BUGFOUNDRY_STORY=1 ./run test tests/bot/service/test_story.py` writes it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.service.app.queues import HEAVY, LIGHT
from bot.service.base.config import WorkConfig
from bot.service.queue.worker import QueueWorker
from bot.service.repositories.plan import WORK
from forge.run.settings import EnvironmentSettings, ProposalSettings
from tests.bot.service.told import Story
from tests.bot.service.worked import GUARDS, NAME, Shop
from tests.furniture.environments import share_downloads
from tests.furniture.project import PYPROJECT

if TYPE_CHECKING:
    from tests.bot.service.running import Serving
    from tests.furniture.github_world import World
    from tests.furniture.github_world.state import Comment

pytestmark = [pytest.mark.github, pytest.mark.network, pytest.mark.slow]

PAGE = Path(__file__).parents[3] / "docs" / "story.md"
LICENSED = PYPROJECT.replace('version = "1.0"\n', 'version = "1.0"\nlicense = {text = "MIT"}\n')
HEAD = """\
# A story: from installing the App to leaving it

<!-- Written by tests/bot/service/test_story.py: change it there. -->

What a maintainer does, and what the service asks, says and writes because of it. A test wrote this
page: it plays the story with the real service, sandbox and command line, against the GitHub of the
tests. Only the address of that GitHub and the version of Python are not shown, since they differ
each time.

The project is a small shop with 28 tests and one issue, *Members pay as much as everybody*, that
pull request #2 closed. Ann maintains it; Bob may only read. The operator has bugs made by two of
the five strategies, *mirror* and *procedural*, four at most by each. In the boxes "it" is the
service, and what it reads is listed once in each part.

[opting-in.md](opting-in.md) lists every label, command and setting, [reports.md](reports.md) says
how the report and the check come about."""


@dataclass
class Told:
    """The story as it is told, and all who are in it."""

    story: Story
    served: Serving
    shop: Shop
    folder: Path

    async def happened(self) -> None:
        """Have the service told of everything and do what is due; show what went to and fro."""
        sent = await self.served.told()
        await self.worked()
        self.story.wire(sent, await self.served.told())

    async def worked(self) -> None:
        """Do the long work that is due, as `bugfoundry work` does; what it asks for is written."""
        scene = self.served.running.scene
        await QueueWorker(WORK, HEAVY, scene, name="work:test").run(until_idle=True)
        await self.served.idle()

    async def command(self, *words: str, code: int = 0) -> str:
        """Show a command of the operator's with all that it prints, and return that."""
        made = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words),
            cwd=self.folder,
            env=os.environ
            | {
                "PYTHONPATH": str(PAGE.parents[1]),
                "BUGFOUNDRY_STORE": str(self.served.running.scene.config.store),
                "BUGFOUNDRY_CACHE": str(self.served.running.scene.config.cache),
                "BUGFOUNDRY_APP_WEB_URL": self.served.world.url,
                "COLUMNS": "110",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await made.communicate()
        said = "\n".join(line.rstrip() for line in out.decode().splitlines())
        assert made.returncode == code, said
        self.story.block(f"$ bugfoundry {' '.join(words)}\n{said}", "text")
        return said

    def answers(self) -> list[Comment]:
        """Return what the App said on the pull request."""
        return [one for one in self.shop.fix.comments if one.author is self.served.app.bot]


async def test_a_maintainer_opts_in_reads_what_comes_of_it_and_leaves(
    world: World, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    share_downloads(tmp_path / "cache")
    shop = Shop(world, tmp_path)
    shop.code.commit({"pyproject.toml": LICENSED}, "Say how it may be used")
    work = WorkConfig(
        processes=0,
        environment=EnvironmentSettings(sandbox="local"),
        proposals=ProposalSettings(strategies=("mirror", "procedural"), max_bugs=8),
    )
    async with serving(world, tmp_path, work=work, light=LIGHT) as served:
        told = Told(Story(world, HEAD), served, shop, tmp_path)
        ann = world.collaborator(shop.repository, "ann", "maintain")
        bob = world.user("bob")

        await installed(told)
        await labelled(told, by=ann)
        await reported(told)
        await mirrored(told, by=ann)
        tasks = await exported(told)
        await asked(told, by=ann, other=bob)
        await moved_on(told, by=ann)
        await left(told, tasks, by=ann)

        jobs = await served.store(lambda s: s.jobs.all(most=-1))
        assert [(job.kind, job.error) for job in jobs if job.error] == []
    assert not world.rates.tripped
    assert not world.complaints
    text = told.story.text()
    if os.environ.get("BUGFOUNDRY_STORY"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, f"{PAGE} is not as the story comes out; see {__name__}"


async def installed(told: Told) -> None:
    """The App sees the repository, and leaves it alone."""
    told.story.part(
        "The App is installed",
        f"Ann installs the App on `{NAME}`. It looks whether the label `bugfoundry` is there; "
        "it is not, so it waits.",
    )
    told.served.world.install(told.served.app, told.shop.repository)
    await told.happened()
    assert "no" in (await told.command("hosted")).split()
    assert not (await told.served.hosted(told.shop.repository)).opted_in
    assert await told.served.work() == []
    assert not told.story.written()


async def labelled(told: Told, *, by: Any) -> None:
    """The label opts it in, and all stages are done."""
    served, repository = told.served, told.shop.repository
    told.story.part(
        "The maintainer creates the label",
        "Ann creates the label `bugfoundry` in the repository. That she may write there is looked "
        "up; then the repository is opted in, and the long work begins, stage by stage.",
    )
    served.world.create_label(repository, "bugfoundry", by=by)
    sent = await served.told()
    assert await served.work() == [f"environment {repository.id}"]
    await told.worked()
    told.story.wire(sent, await served.told())
    stages = await served.jobs(*HEAVY)
    assert {job.state for job in stages} == {"done"}, [job.error for job in stages]
    told.story.say("What each stage came to:")
    told.story.table(("stage", "came to"), [(job.kind, job.note) for job in stages])
    told.story.say(
        "The environment was built and its tests run three times; the crawl found the pull request "
        "that closed an issue; the mirror undid it on today's code. What no test noticed was "
        "judged once more, by the whole suite."
    )


async def reported(told: Told) -> None:
    """The report stands in an issue."""
    told.story.part(
        "The report appears",
        "The one thing written so far is an issue in the repository. Whenever the code is looked "
        "at again, the same issue is edited.",
    )
    threads = told.shop.repository.threads.values()
    [report] = [one for one in threads if one.author is told.served.app.bot]
    assert "in `receipt`" in report.body
    told.story.quote(f"**{report.title}**\n\n{report.body}")


async def mirrored(told: Told, *, by: Any) -> None:
    """A pull request with the label has a check run that tells what guards it."""
    told.story.part(
        "A pull request is labelled, and mirrored",
        f"Ann puts the label `bugfoundry` on pull request #{told.shop.fix.number}. It is undone in "
        "the code that serves, and the whole suite is run.",
    )
    told.served.world.label(told.shop.fix, "bugfoundry", by=by)
    await told.happened()
    [check] = told.shop.repository.checks
    assert check.title == "3 tests guard this fix"
    assert all(test in (check.text or "") for test in GUARDS)
    told.story.say(
        f"The check run *{check.name}*, which concludes in *{check.conclusion}*, says on the pull "
        "request:"
    )
    told.story.quote(f"**{check.title}**\n\n{check.summary}\n\n{check.text}")


async def exported(told: Told) -> list[str]:
    """The operator exports the tasks."""
    told.story.part(
        "What the operator has of it",
        "The tasks. This is what may be published, as the operator exports it, in the form of "
        "SWE-bench:",
    )
    await told.command("tasks")
    await told.command("export", "--format", "swe-bench", "-o", "before.jsonl")
    rows = lines(told.folder / "before.jsonl")
    [row] = [row for row in rows if ".pr_mirror" in row["instance_id"]]
    assert "discount(100, members=True)" in row["problem_statement"]
    assert set(failing(row)) == GUARDS
    told.story.say(
        f"One of its {len(rows)} rows, `{row['instance_id']}`, is the pull request's. Whoever "
        "solves it is told"
    )
    told.story.quote(row["problem_statement"])
    told.story.say("has to make these tests pass:")
    told.story.items(f"`{test}`" for test in sorted(failing(row)))
    told.story.say("and what the human did is kept to compare with:")
    told.story.block(row["patch"], "diff")
    for row in rows:
        assert row["instance_id"] in await page(told.served, f"/tasks/{row['instance_id']}")
    return [row["instance_id"] for row in rows]


async def asked(told: Told, *, by: Any, other: Any) -> None:
    """A maintainer's commands are answered in one comment, a stranger's are not."""
    world, fix = told.served.world, told.shop.fix
    told.story.part(
        "The maintainer asks how things are",
        "Ann comments `/bugfoundry status` on the pull request.",
    )
    world.comment(fix, "/bugfoundry status", by=by)
    await told.happened()
    [answer] = told.answers()
    assert "commit that serves" in answer.body
    told.story.say("The answer is a comment:")
    told.story.quote(answer.body)

    told.story.part(
        "Somebody else says the same",
        "Bob, who may not write there, comments `/bugfoundry skip`. Nothing comes of it, and he is "
        "not answered.",
    )
    world.comment(fix, "/bugfoundry skip", by=other)
    await told.happened()
    assert not told.story.written()
    assert told.answers() == [answer]


async def moved_on(told: Told, *, by: Any) -> None:
    """After a push what serves is stale, and a maintainer asks for it to be built anew."""
    world, shop = told.served.world, told.shop
    told.story.part(
        "The code moves on",
        "Somebody pushes to the default branch. What was built is stale from now on; a new "
        "environment would be built a week after the last. Ann does not want to wait, and comments "
        "`/bugfoundry retry`.",
    )
    shop.change("Say whose baskets", ("baskets of a shop.", "baskets of our shop."))
    world.comment(shop.fix, "/bugfoundry retry", by=by)
    told.story.wire(await told.served.told(), await told.served.told())
    [answer] = told.answers()
    assert "built anew" in answer.body
    assert [one.method for one in told.story.written()] == ["PATCH"]
    told.story.say("Her first answer is edited, there is never a second one:")
    told.story.quote(answer.body)
    assert await told.served.work() == [f"environment {shop.repository.id}"]


async def left(told: Told, tasks: Sequence[str], *, by: Any) -> None:
    """The label is deleted: work ends, tasks are withheld, nothing is written any more."""
    world, served, repository = told.served.world, told.served, told.shop.repository
    told.story.part(
        "The maintainer opts out",
        "Before that is done Ann deletes the label `bugfoundry` of the repository. Then she "
        "comments `/bugfoundry status` once more: a repository that is out gets no answer.",
    )
    world.delete_label(repository, "bugfoundry", by=by)
    sent = await served.told()
    [job] = await served.jobs("environment")
    assert (job.state, job.note) == ("cancelled", "it has no label bugfoundry")
    world.comment(told.shop.fix, "/bugfoundry status", by=by)
    sent += await served.told()
    await told.worked()
    told.story.wire(sent)
    assert not told.story.written()
    told.story.say(
        f"The environment that was to be built is *{job.state}*: {job.note}. The tasks are still "
        "the operator's to see, but withheld: no export has them."
    )
    listed = await told.command("tasks")
    assert listed.count("withheld: opted out") == len(await served.store(lambda s: s.tasks()))
    said = await told.command("export", "--format", "swe-bench", "-o", "after.jsonl", code=1)
    assert "no task is left to export" in said
    assert not (told.folder / "after.jsonl").exists()
    told.story.say(
        "What was exported before is whoever's it is: nobody can call that back. The issue, the "
        "check and the comment stay, as Ann's to delete. To have all of it erased, she asks the "
        "operator:"
    )
    assert " 0 clones" not in await told.command("optout", NAME, "--purge")
    await told.command("hosted")
    assert await served.store(lambda s: s.tasks()) == []


def lines(place: Path) -> list[dict[str, Any]]:
    """Return the rows of an export."""
    return [json.loads(line) for line in place.read_text().splitlines()]


def failing(row: dict[str, Any]) -> list[str]:
    """Return the FAIL_TO_PASS of a row, which SWE-bench keeps as JSON within JSON."""
    found: list[str] = json.loads(row["FAIL_TO_PASS"])
    return found


async def page(served: Serving, path: str) -> str:
    """Return a page of the dashboard as anybody sees it."""
    url = f"http://127.0.0.1:{served.running.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        return await response.text()
