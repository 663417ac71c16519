"""Somebody wants one of our check runs done again."""

from __future__ import annotations

from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.events import WebhookEvent, on
from bot.service.handlers.people import hosted_of, may_command, sender
from bot.service.repositories.plan import STAGES, URGENT, stage_job
from bot.service.repositories.pull_marks import pull_of
from mirror.github.checks import look_at_check_run
from mirror.github.labels import pulls_of_commit
from mirror.github.present_state import Pull, look_at_pull
from storage.errors import GitHubMissing
from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob


@on("check_run", "rerequested")
async def check_wanted_again(event: WebhookEvent, scene: Scene) -> Outcome:
    """Do again what the check run tells of: a pull request, or else the repository's report."""
    hosted = await hosted_of(event, scene)
    if hosted is None:
        return Outcome(note="not opted in")
    github = scene.hub.installation(hosted.installation)
    if not await may_command(github, hosted.name, sender(event)):
        return Outcome(note="from somebody who may not")
    try:
        check = await look_at_check_run(github, hosted.name, int(event.payload["check_run"]["id"]))
    except GitHubMissing:
        return Outcome(note="it is gone")
    if check.login.casefold() != (await scene.hub.login()).casefold():
        return Outcome(note="not ours")
    jobs = await _again(hosted, scene, check.head)
    return Outcome(note=", ".join(job.kind for job in jobs), jobs=tuple(jobs))


async def _again(hosted: Hosted, scene: Scene, head: str) -> list[NewJob]:
    github = scene.hub.installation(hosted.installation)
    marks = await scene.keeper(lambda store: store.hosted.marks(hosted.id))
    wanted = {one.number for one in marks if one.mark == "wanted"}
    numbers = wanted & set(await pulls_of_commit(github, hosted.name, head))
    pulls: list[Pull] = [await look_at_pull(github, hosted.name, one) for one in sorted(numbers)]
    # The default branch may end in the merge of a pull request; its own check is on its own head.
    found = [pull_of(hosted, pull) for pull in pulls if pull.head == head]
    return found or [stage_job(hosted, STAGES[-1], priority=URGENT, alone=True)]
