"""``bugfoundry serve`` and ``bugfoundry work``: the service."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.options import err
from forge.run.async_work import run_interruptible

if TYPE_CHECKING:
    from bot.service.base.config import Config

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The TOML file of settings. [default: ./bugfoundry.toml]"),
]


def serve_command(config: ConfigOption = None) -> None:
    """Run the service that GitHub sends webhooks to.

    Takes deliveries, works on the queue, and shows what is going on at its address. Stop it at any
    time: what was under way is begun again.

    Example: bugfoundry serve --config bugfoundry.toml
    """
    from bot.service.app.server import RunningService, serve

    settings = set_up_process(config)

    def on_start(running: RunningService) -> None:
        where = settings.serve.public_url or f"http://{settings.serve.host}:{running.port}"
        err.print(f"serving at {where}", highlight=False, soft_wrap=True)

    run_interruptible(lambda: serve(settings, on_start=on_start))


def work_command(
    config: ConfigOption = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when the standard input does.")
    ] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when there is nothing to do.")
    ] = False,
) -> None:
    """Do the long work of the service: environments, crawls, bugs, verdicts.

    The service starts as many of these as its settings say; more can be started beside it, on the
    same machine.
    """
    from bot.service.app.worker_process import work

    settings = set_up_process(config)
    run_interruptible(lambda: work(settings, with_parent=with_parent, until_idle=until_idle))


def set_up_process(path: Path | None) -> Config:
    """Read the settings, let child processes find them, and set up the log."""
    from bot.service.base.config import FILE_VARIABLE, load

    settings = load(path)
    if path is not None:
        os.environ[FILE_VARIABLE] = str(path.absolute())
    logging.basicConfig(
        level=logging.INFO,
        format="time=%(asctime)s level=%(levelname)s logger=%(name)s %(message)s",
        stream=sys.stderr,
        force=True,
    )
    for noisy in ("aiohttp.access", "urllib3", "docker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return settings
