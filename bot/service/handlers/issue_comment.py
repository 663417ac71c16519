"""Commands in comments: from people who may write, each answered once, in one comment."""

from __future__ import annotations

from bot.service.base.allowance import find_allowed
from bot.service.base.scene import Outcome, Scene
from bot.service.handlers.comment_answers import answer
from bot.service.handlers.comment_commands import MARKER, CommentCommand, find_command
from bot.service.handlers.events import WebhookEvent, on
from bot.service.handlers.people import hosted_of, may_command
from bot.service.outbox.outbox import MarkedComment, comment_job
from mirror.github.client import GitHub
from mirror.github.present_state import Pull, Said, look_at_comment, look_at_pull
from storage.errors import GitHubMissing
from storage.store import Store
from storage.tables.hosted import GitHubWrite, Hosted


@on("issue_comment", "created", "edited")
async def comment_changed(event: WebhookEvent, scene: Scene) -> Outcome:
    """Do what a comment asks for, as it is now, unless that was done."""
    told = event.payload.get("comment") or {}
    # What is told is only a hint, but one that spares asking about every comment there is.
    if find_command(str(told.get("body") or "")) is None:
        return Outcome(note="no command")
    hosted = await hosted_of(event, scene)
    if hosted is None:
        return Outcome(note="not opted in")
    key = f"command:{hosted.id}:{int(told['id'])}"
    if await scene.keeper(lambda store: store.hosted.get_write(key)) is not None:
        return Outcome(note="answered before")
    github = scene.hub.installation(hosted.installation)
    try:
        said = await look_at_comment(github, hosted.name, int(told["id"]))
        command = find_command(said.body)
        if command is None or not await _is_permitted(github, hosted, said):
            return Outcome(note="no command of somebody who may")
        pull = await _pull(github, hosted, event, said.number)
    except GitHubMissing:
        return Outcome(note="it is gone")
    return _make_answer(command, hosted, said, pull, key=key, now=scene.clock())


async def _is_permitted(github: GitHub, hosted: Hosted, said: Said) -> bool:
    return not said.bot and await may_command(github, hosted.name, said.author)


async def _pull(github: GitHub, hosted: Hosted, event: WebhookEvent, number: int) -> Pull | None:
    if not (event.payload.get("issue") or {}).get("pull_request"):
        return None
    return await look_at_pull(github, hosted.name, number)


def _make_answer(
    command: CommentCommand, hosted: Hosted, said: Said, pull: Pull | None, *, key: str, now: float
) -> Outcome:
    def write(store: Store) -> None:
        present = find_allowed(store, hosted.id)
        if present is None or store.hosted.get_write(key) is not None:
            return
        text = answer(command, store, present, pull, by=said.author, now=now)
        comment = MarkedComment(number=said.number, marker=MARKER, body=text)
        store.jobs.put_jobs([comment_job(present, comment)], now)
        done = GitHubWrite(
            key=key, repository=present.id, number=said.id, digest=command.name, since=now
        )
        store.hosted.write(done)

    return Outcome(note=f"{command.name} on #{said.number}", changes=(write,))
