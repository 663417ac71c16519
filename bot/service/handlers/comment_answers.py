"""Does what a command asks for, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot.service.handlers import comment_commands
from bot.service.handlers.comment_commands import CommentCommand, Name, as_code
from bot.service.repositories.optin import SKIP, format_mark_author, has_label
from bot.service.repositories.plan import STAGES, URGENT, WORK, stage_job
from bot.service.repositories.pull_marks import pull_of, remark
from bot.service.repositories.wishes import wishes_of
from mirror.github.present_state import Pull
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import Job

UNDER_WAY = ("waiting", "running")
MOST = 20
STATUS = """\
| | |
|---|---|
| commit that serves | {commit} |
| tasks | {tasks} |
| pull requests asked for | {wanted} |
| kept out | {skipped} |
| to be done | {todo} |
| failed | {failed} |
"""
MISTAKE = "\nThe file of settings has a mistake, so what it said before holds: {error}\n"
FOOTER = "\n\n<sub>`/bugfoundry help` tells what else can be said.</sub>"


def answer(
    command: CommentCommand, store: Store, hosted: Hosted, pull: Pull | None, *, by: str, now: float
) -> str:
    """Do what is asked for, and return what to say about it.

    ``pull`` is None where it was said on an issue. To be called inside the transaction that also
    keeps the answer.
    """
    if command.name == "help":
        unknown = comment_commands.UNKNOWN.format(word=as_code(command.unknown, 40))
        return (unknown if command.unknown else "") + comment_commands.HELP
    said = ACTIONS[command.name](store, hosted, pull, by, now)
    return said + FOOTER


def _mirror(store: Store, hosted: Hosted, pull: Pull | None, by: str, now: float) -> str:
    if pull is None:
        return comment_commands.NOT_A_PULL
    if has_label(pull.labels, SKIP):
        return comment_commands.LABEL_SKIPS
    if not pull.open and not pull.merged:
        return comment_commands.CLOSED
    remark(store, hosted, pull, "wanted", by=format_mark_author("comment", by), now=now)
    store.jobs.put_jobs([pull_of(hosted, pull)], now)
    return comment_commands.MIRRORED


def _skip(store: Store, hosted: Hosted, pull: Pull | None, by: str, now: float) -> str:
    if pull is None:
        return comment_commands.NOT_A_PULL
    remark(store, hosted, pull, "skip", by=format_mark_author("comment", by), now=now)
    return comment_commands.SKIPPED


def _retry(store: Store, hosted: Hosted, pull: Pull | None, by: str, now: float) -> str:
    failed = store.jobs.all(queue=WORK, state="failed", repository=hosted.id)
    for job in failed:
        store.jobs.retry(job.id, now=now)
    said = [_describe_retried(failed)]
    if hosted.stale:
        store.jobs.put_jobs([stage_job(hosted, STAGES[0], priority=URGENT, force=True)], now)
        said.append(comment_commands.REBUILT)
    return " ".join(said)


def _describe_retried(jobs: list[Job]) -> str:
    if not jobs:
        return comment_commands.NOTHING_FAILED
    return comment_commands.RETRIED.format(jobs=_names(jobs))


def _status(store: Store, hosted: Hosted, pull: Pull | None, by: str, now: float) -> str:
    marks = store.hosted.marks(hosted.id)
    jobs = store.jobs.all(queue=WORK, repository=hosted.id)
    stale = " (the default branch has moved on since)" if hosted.stale else ""
    text = STATUS.format(
        commit=f"{as_code(hosted.commit[:12])}{stale}" if hosted.commit else "none yet",
        tasks=store.hosted.tasks(hosted.id),
        wanted=_numbers(one.number for one in marks if one.mark == "wanted"),
        skipped=_numbers(one.number for one in marks if one.mark == "skip"),
        todo=_names([job for job in jobs if job.state in UNDER_WAY]) or "nothing",
        failed="<br>".join(_failure(job) for job in jobs if job.state == "failed") or "nothing",
    )
    error = wishes_of(hosted).error
    return text + (MISTAKE.format(error=as_code(error)) if error else "")


def _names(jobs: list[Job]) -> str:
    return ", ".join(dict.fromkeys(job.kind for job in reversed(jobs)))


def _numbers(numbers: Iterable[int]) -> str:
    listed = sorted(numbers)
    more = f" and {len(listed) - MOST} more" if len(listed) > MOST else ""
    # As code: a link would leave a trace on each of them.
    return (", ".join(f"`#{number}`" for number in listed[:MOST]) or "none") + more


def _failure(job: Job) -> str:
    # In a table a bar ends the cell, even in code.
    return f"{job.kind}: {as_code(job.error.replace('|', '/'))}"


ACTIONS: Mapping[Name, Callable[[Store, Hosted, Pull | None, str, float], str]] = {
    "mirror": _mirror,
    "skip": _skip,
    "retry": _retry,
    "status": _status,
}
