"""``bugfoundry jobs``: the queue of the service, and what failed in it."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.commands.options import JsonOption, StoreOption, err, open_store, out, print_json
from forge.run.nouns import choose_form, format_count
from storage.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from storage.store import Store
    from storage.tables.jobs import Job

app = typer.Typer(help="The queue of the service.", invoke_without_command=True)
MOST = 100
NOT_THERE = "no job {number} failed or was cancelled; `bugfoundry jobs --state failed` lists them"
NO_NUMBER = "{which!r} is neither the number of a job nor `all`"


class JobState(StrEnum):
    """What can be said of a job."""

    waiting = "waiting"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


@app.callback()
def jobs_command(
    context: typer.Context,
    state: Annotated[
        JobState | None, typer.Option(help="Only those. failed: what nobody tries any more.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest jobs of the service: what is to be done, and what became of it."""
    if context.invoked_subcommand is not None:
        return
    with open_store(store) as opened:
        jobs = opened.jobs.all(state=state.value if state else None, most=MOST)
    if as_json:
        print_json([asdict(job) for job in jobs])
        return
    table = Table(box=None, header_style="bold")
    for column in ("job", "kind", "subject", "state", "tries", "since", "what"):
        table.add_column(column)
    for job in jobs:
        table.add_row(*map(escape, _cells(job)))
    out.print(table)
    out.print(f"{len(jobs)} jobs", highlight=False)


@app.command("retry")
def retry_command(
    which: Annotated[
        str, typer.Argument(metavar="JOB|all", help="Its number, or all failed ones.")
    ],
    store: StoreOption = None,
) -> None:
    """Try again what failed, from the beginning.

    Example: bugfoundry jobs retry all
    """
    with open_store(store) as opened:
        count = _retry(opened, which)
    jobs = f"{format_count(count, 'job')} {choose_form(count, 'is', 'are')}"
    err.print(f"{jobs} tried again as soon as the service runs", highlight=False)


def _retry(store: Store, which: str) -> int:
    now = time.time()
    if which == "all":
        with store.together():
            failed = store.jobs.all(state="failed", most=-1)
            return sum(store.jobs.retry(job.id, now=now) for job in failed)
    if not which.isdecimal():
        raise ConfigError(NO_NUMBER.format(which=which))
    if not store.jobs.retry(int(which), now=now):
        raise StoreError(NOT_THERE.format(number=which))
    return 1


def _cells(job: Job) -> list[str]:
    since = datetime.fromtimestamp(job.ended or job.started or job.created, UTC)
    told = job.error if job.state in ("failed", "waiting") and job.error else job.note
    when = f"{since:%Y-%m-%d %H:%M}"
    return [str(job.id), job.kind, job.subject, job.state, str(job.attempts), when, told]
