"""``bugfoundry report``: one page on what came of all bugs, how hard they are and how human."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.export import AllowBenchmarkOption, AllowLicenceOption, rules_of
from bot.commands.options import (
    StoreOption,
    open_store,
    out,
    show_progress,
)
from bot.commands.realism import UNMADE
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from forge.run.settings import LikenessSettings
from storage.errors import ConfigError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.study.report.contents import StoreReport

NOWHERE = "-o {path}: no file can be written there"


@takes_records
def report_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Git repositories whose bugs are to be compared with those that people fixed; "
            "needs the extra `realism`. Without any, nothing is compared."
        ),
    ] = None,
    made: Annotated[
        int,
        typer.Option(
            min=0, help="Compare so many bugs as they are proposed, not the store's verified ones."
        ),
    ] = 0,
    *,
    likeness: LikenessSettings,
    seed: Annotated[int, typer.Option(help="Chooses bugs and samples.")] = 0,
    verified: Annotated[
        list[Path] | None,
        typer.Option(
            "--verified",
            metavar="EXPORT",
            help="An export that `bugfoundry verify` ran, for what came of its tasks; may be "
            "repeated.",
        ),
    ] = None,
    allow_license: AllowLicenceOption = None,
    allow_benchmark: AllowBenchmarkOption = False,
    store: StoreOption = None,
) -> None:
    """Write one page on all bugs of the store: yields, costs, gates, difficulty, and realism.

    It needs no network and no other file. Private repositories are in it too.

    Example: bugfoundry report pallets/click --verified tasks.jsonl -o report.html
    """
    from bot.report.page import page
    from forge.study.realism.measurement import MeasureSettings
    from forge.study.report.contents import gather_report, is_output_writable

    profile = likeness.profile
    if profile is not None and not made:
        raise ConfigError(UNMADE)
    if not is_output_writable(output):
        raise ConfigError(NOWHERE.format(path=output))
    settings = MeasureSettings(
        sources=tuple(sources or ()),
        cache=cache_dir(),
        made=made,
        profile=profile,
        seed=seed,
        token=os.environ.get("GITHUB_TOKEN", ""),
    )
    now = datetime.now(UTC)
    with open_store(store) as opened:
        gather = partial(
            gather_report,
            settings,
            month=now.isoformat()[:7],
            store=opened,
            rules=rules_of(allow_license, allow_benchmark),
            verified=tuple(verified or ()),
        )
        found = run_interruptible(lambda: gather_with_progress(gather))
    try:
        output.write_text(page(found, made=f"{now:%Y-%m-%d %H:%M} UTC"))
    except OSError as error:
        raise ConfigError(f"-o {output}: {error.strerror}") from error
    out.print(f"wrote {output}", highlight=False, markup=False, soft_wrap=True)


async def gather_with_progress(gather: Callable[..., Awaitable[StoreReport]]) -> StoreReport:
    """Gather, and show how far it is."""
    with show_progress() as reporter:
        return await gather(reporter=reporter)
