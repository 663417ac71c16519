"""``bugfoundry env``: the environment of a repository, and what was tried to get it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bot.commands.options import (
    BaseImageOption,
    JsonOption,
    SandboxChoice,
    SandboxOption,
    StoreOption,
    err,
    open_store,
    out,
    print_json,
)
from bot.preparing import fetch, make_ready
from bot.progress import Quiet
from bot.running import run_interruptible
from bot.settings import Settings
from harness.environment import Prepared
from storage.errors import StoreError
from storage.paths import cache_dir
from storage.records import Attempt, Repository
from storage.trees import Trees

app = typer.Typer(help="See and build the environment of a repository.", no_args_is_help=True)
SourceArgument = Annotated[str, typer.Argument(help="As for `bugfoundry forge`.")]
DETAIL_LINES = 12


@app.command("build")
def build_command(
    source: SourceArgument,
    sandbox: SandboxOption = SandboxChoice.auto,
    base_image: BaseImageOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build it anew.")] = False,
    store: StoreOption = None,
) -> None:
    """Build the environment and measure its baseline, and nothing more."""
    settings = Settings(
        source=source,
        cache=cache_dir(),
        sandbox=sandbox.value,
        base_image=base_image,
        rebuild=rebuild,
    )
    with open_store(store) as opened:
        trees = Trees(settings.cache)
        ready = run_interruptible(
            lambda: make_ready(settings, store=opened, trees=trees, reporter=Quiet(err))
        )
        print_environment(ready.prepared)


@app.command("show")
def show_command(
    source: SourceArgument, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Show each plan that was tried, why it failed or that it served."""
    settings = Settings(source=source, cache=cache_dir())
    with open_store(store) as opened:
        repository = fetch(settings, Trees(settings.cache), opened)
        tried = opened.attempts(repository.tree)
        prepared = [
            Prepared(environment=environment, baseline=baseline)
            for kind in ("docker", "local")
            if (environment := opened.environment_for(repository.tree, kind))
            and (baseline := opened.baseline(environment.id))
        ]
    if not tried:
        raise StoreError(
            f"nothing was tried yet for {source}; `bugfoundry env build {source}` does"
        )
    if as_json:
        print_json(
            {
                "repository": asdict(repository),
                "attempts": [asdict(attempt) for attempt in tried],
                "environments": [asdict(item.environment) for item in prepared],
            }
        )
        return
    print_attempts(repository, tried)
    for item in prepared:
        print_environment(item)


def print_attempts(repository: Repository, tried: list[Attempt]) -> None:
    """Print every attempt, in order, with the end of the log where it failed."""
    out.print(f"[bold]{repository.key}[/bold]", highlight=False)
    for number, attempt in enumerate(tried, 1):
        verdict = "serves" if attempt.ok else attempt.reason
        out.print(
            f"{number}. {attempt.plan.name} (Python {attempt.plan.python}): {verdict} "
            f"after {attempt.seconds:.1f} s",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        for step in attempt.plan.install:
            out.print(f"     uv pip install {' '.join(step)}", markup=False, highlight=False)
        out.print(
            f"     pytest {' '.join(attempt.plan.pytest_args)}", markup=False, highlight=False
        )
        for note in attempt.plan.notes:
            out.print(f"     {note}", markup=False, highlight=False)
        for line in attempt.detail.splitlines()[-DETAIL_LINES:]:
            out.print(f"     | {line}", markup=False, highlight=False, style="dim")


def print_environment(prepared: Prepared) -> None:
    """Print what serves, and which tests were set aside."""
    environment, baseline = prepared.environment, prepared.baseline
    out.print(
        f"{environment.sandbox}: {environment.plan.name}, Python {environment.python}, "
        f"{len(baseline.green)} of {len(baseline.tests)} tests serve, "
        f"{baseline.seconds:.1f} s a run",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for test in baseline.tests:
        if test.set_aside:
            out.print(
                f"  set aside ({test.set_aside}): {test.id}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
