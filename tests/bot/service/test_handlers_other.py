"""Issues, runs of GitHub Actions, and checks that are wanted again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.service.base.config import WorkConfig
from bot.service.repositories.plan import URGENT
from forge.run.settings import EngineSettings
from storage.records import Issue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.service.running import Serving
    from tests.furniture.github_world import App, Code, Repository, World

pytestmark = pytest.mark.github


async def test_an_issue_that_was_crawled_is_kept_as_it_is_now(
    opted: Serving, repository: Repository
) -> None:
    issue, other = opted.world.issue(repository, "Old"), opted.world.issue(repository)
    known = Issue(repository="octo/thing", number=issue.number, title="Old", created="2024")
    await opted.store(lambda s: s.pulls.add((), [known]))

    opted.world.touch(issue, "New", body="More words")
    opted.world.label(issue, "bug")
    opted.world.touch(other, "Other")
    await opted.told()

    kept = await opted.store(lambda s: s.pulls.issue("octo/thing", issue.number))
    assert kept is not None
    assert (kept.title, kept.body, kept.labels) == ("New", "More words", ("bug",))
    assert await opted.store(lambda s: s.pulls.issue("octo/thing", other.number)) is None

    opted.world.unlabel(issue, "bug")
    await opted.told()
    kept = await opted.store(lambda s: s.pulls.issue("octo/thing", issue.number))
    assert kept is not None
    assert kept.labels == ()
    await opted.handled_well()


async def test_the_check_of_a_pull_request_wanted_again_is_done_again(
    opted: Serving, repository: Repository, code: Code
) -> None:
    code.commit({"a.py": "a = 2\n"}, branch="fix")
    pull = code.pull("fix")
    opted.world.label(pull, "bugfoundry")
    await opted.told()
    await opted.store(lambda s: s.jobs.cancel(repository.id, now=0, queues=["work"], why="test"))

    run = opted.world.check_run(opted.app, repository, "bugfoundry: guards of the fix", pull.head)
    opted.world.complete_check(run, "neutral", by=opted.app.bot)
    opted.world.rerequest_check(run)
    await opted.told()

    assert await opted.work() == [f"pull {repository.id}:{pull.number}"]


async def test_the_check_of_the_default_branch_wanted_again_is_the_report_again(
    opted: Serving, repository: Repository, code: Code
) -> None:
    run = opted.world.check_run(opted.app, repository, "bugfoundry: test gaps", code.tip("main"))
    opted.world.complete_check(run, "neutral", by=opted.app.bot)
    opted.world.rerequest_check(run)
    await opted.told()

    [job] = await opted.jobs("report")
    assert (json.loads(job.payload), job.priority) == ({"alone": True}, URGENT)


async def test_who_may_not_write_cannot_have_a_check_done_again(
    opted: Serving, repository: Repository, code: Code
) -> None:
    run = opted.world.check_run(opted.app, repository, "bugfoundry: test gaps", code.tip("main"))
    reader = opted.world.collaborator(repository, "reader", "read")
    opted.world.complete_check(run, "neutral", by=opted.app.bot)
    opted.world.rerequest_check(run, by=reader)
    await opted.told()

    assert await opted.jobs("report") == []


async def test_a_run_in_a_mirror_of_ours_is_to_be_taken_in_and_no_other(
    world: World, app: App, code: Code, tmp_path: Path
) -> None:
    from tests.bot.service.running import serving

    work = WorkConfig(processes=0, engine=EngineSettings(mirrors="Octo"))
    world.install(app, code.repository)
    async with serving(world, tmp_path, app=app, work=work) as served:
        ours = example(served, "octo/thing", code.repository.id)
        theirs = example(served, "somebody/thing", 99)
        served.world.hooks.pending += [ours, theirs]
        await served.told()

        [job] = await served.jobs("ingest")
        assert job.repository == code.repository.id
        assert json.loads(job.payload) == {"run": ours.payload["workflow_run"]["id"]}


def example(served: Serving, name: str, number: int):  # noqa: ANN201
    found = next(
        one
        for one in served.world.examples(served.app)
        if (one.event, one.action) == ("workflow_run", "completed")
    )
    payload = json.loads(json.dumps(found.payload))
    payload["repository"] |= {"full_name": name, "id": number}
    return served.world.hooks.examples(served.app, [("workflow_run", payload)])[0]
