"""``bugfoundry hosted``, ``optin`` and ``optout``: the repositories that the service works on."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.commands.options import JsonOption, StoreOption, err, open_store, out, print_json
from bot.commands.serve import ConfigOption
from forge.run.nouns import format_count
from storage.errors import StoreError

if TYPE_CHECKING:
    from bot.service.base.config import Config
    from bot.service.repositories.withdrawal import Withdrawn
    from storage.store import Store
    from storage.tables.hosted import Hosted

NameArgument = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A repository on GitHub.")]
UNKNOWN = "no repository {name} is known; `bugfoundry hosted` lists them"
STOPPING = "{name} is being worked on; waiting {seconds:.0f} s for that to stop"
OUT = "{name} is opted out: {because}; its tasks are withheld from exports"
ERASED = (
    "erased of {name}: {rows}; and {clones} clones. Environments go with `bugfoundry images gc`"
)
SHARED = "{shared} trees of {name} are another repository's too, and were kept"
SETTLE = 35.0
"""Seconds after which a worker has learned that its job was cancelled."""


def hosted_command(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the repositories on GitHub that the App can see, and whether they are opted in."""
    with open_store(store) as opened:
        found = [(one, opened.hosted.tasks(one.id)) for one in opened.hosted.all()]
    if as_json:
        print_json([asdict(one) | {"tasks": tasks} for one, tasks in found])
        return
    table = Table(box=None, header_style="bold")
    for column in ("repository", "opted in", "state", "because", "commit"):
        table.add_column(column)
    table.add_column("tasks", justify="right")
    for one, tasks in found:
        name = f"{one.name} (private)" if one.private else one.name
        opted = "yes" if one.opted_in else "no"
        stale = f"{one.commit[:12]}, stale" if one.stale else one.commit[:12]
        table.add_row(name, opted, one.state, one.because, stale, str(tasks))
    out.print(table)
    out.print(format_count(len(found), "repository", "repositories"), highlight=False)


def optout_command(
    name: NameArgument,
    purge: Annotated[
        bool, typer.Option("--purge", help="Erase all that is known of it, but that it is out.")
    ] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Stop working on a repository, and withhold its tasks from exports.

    It stays out, whatever its labels say, until `bugfoundry optin`. One that its maintainers opted
    out is theirs to opt in again.

    Example: bugfoundry optout octocat/hello --purge
    """
    from bot.service.base.config import load
    from bot.service.repositories.withdrawal import withdraw

    settings = load(config)
    with open_store(store or settings.store) as opened:
        hosted = _find_hosted(opened, name)
        withdrawn = withdraw(opened, hosted, now=time.time())
        hosted = withdrawn.hosted
        _say(OUT.format(name=hosted.name, because=hosted.because))
        if purge:
            _purge(opened, withdrawn, settings)


def optin_command(
    name: NameArgument, store: StoreOption = None, config: ConfigOption = None
) -> None:
    """Take back `bugfoundry optout`: from now on the repository's label decides again."""
    from bot.service.base.config import load
    from bot.service.repositories.withdrawal import let_in

    settings = load(config)
    with open_store(store or settings.store) as opened:
        hosted = _find_hosted(opened, name)
        if let_in(opened, hosted, now=time.time()):
            _say(f"{hosted.name} is looked at as soon as the service runs")
        else:
            _say(f"{hosted.name} was not opted out by you: its maintainers decide by the label")


def _purge(store: Store, withdrawn: Withdrawn, config: Config) -> None:
    from storage.clones import forget

    hosted = withdrawn.hosted
    if withdrawn.running:
        # What a worker would still store now would be left over.
        _say(STOPPING.format(name=hosted.name, seconds=SETTLE))
        time.sleep(SETTLE)
    erased = store.purging.erase(hosted)
    url = f"{config.app.web_url}/{hosted.name}.git"
    clones = forget(url, cache=config.cache)
    store.compact()
    rows = ", ".join(f"{count} {table}" for table, count in erased.rows.items()) or "nothing"
    _say(ERASED.format(name=hosted.name, rows=rows, clones=clones))
    if erased.shared:
        _say(SHARED.format(name=hosted.name, shared=erased.shared))


def _find_hosted(store: Store, name: str) -> Hosted:
    hosted = store.hosted.find_by_name(name)
    if hosted is None:
        raise StoreError(UNKNOWN.format(name=name))
    return hosted


def _say(text: str) -> None:
    err.print(text, highlight=False, markup=False, soft_wrap=True)
