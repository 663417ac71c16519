"""``bugfoundry env``: the environment of a repository, and what was tried to get it."""

from __future__ import annotations

import os
import time
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.commands import env_travel
from bot.commands.options import (
    JsonOption,
    SandboxChoice,
    StoreOption,
    err,
    open_store,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from forge.run.setting_fields import SettingSubset, pick
from forge.run.settings import PROCESSORS, EnvironmentSettings, ModelSettings, Settings
from storage.errors import ConfigError, StoreError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.run.environments import BuildReport
    from forge.run.progress import Reporter
    from harness.environments.trials import PreparedEnvironment
    from storage.records import PlanAttempt, Repository, SandboxKind

app = typer.Typer(help="See and build the environment of a repository.", no_args_is_help=True)
app.command("push")(env_travel.push_command)
app.command("export")(env_travel.export_command)
app.command("import")(env_travel.import_command)
SourceArgument = Annotated[str, typer.Argument(help="As for `bugfoundry forge`.")]
DETAIL_LINES = 12
LISTED_TESTS = 50
"""Tests that are named for each reason to set them aside; ``--json`` and the store have all."""
SHOWN_ID = 300


@app.command("build")
@takes_records
def build_command(
    source: Annotated[
        str | None, typer.Argument(help="As for `bugfoundry forge`; or use --all.")
    ] = None,
    all_: Annotated[
        Path | None,
        typer.Option("--all", help="Build every source that this file lists, one a line."),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=1, help="With --all: built at a time.", show_default=PROCESSORS
        ),
    ] = os.cpu_count() or 1,
    *,
    environment: Annotated[
        EnvironmentSettings,
        SettingSubset("sandbox", "base_image", pick("rebuild", help="Build it anew.")),
    ],
    model: Annotated[ModelSettings, SettingSubset("model_budget")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the environment and measure its baseline, and nothing more."""
    from forge.compose import make_ready
    from forge.run.environments import make_build_report, read_sources
    from storage.trees import Trees

    if (source is None) == (all_ is None):
        raise ConfigError("name one source, or a file of sources with --all FILE")
    settings = Settings(
        source=source or "",
        cache=cache_dir(),
        environment=environment,
        model=model,
    )
    if all_ is not None:
        build_many(read_sources(all_), settings, store, jobs, as_json=as_json)
        return
    with open_store(store) as opened:
        trees = Trees(settings.cache)
        started = time.monotonic()
        tried: list[PlanAttempt] = []
        with show_progress() as reporter:
            ready = run_interruptible(
                lambda: make_ready(
                    settings, store=opened, trees=trees, reporter=reporter, tried=tried.append
                )
            )
        if as_json:
            seconds = time.monotonic() - started
            print_json(make_build_report(settings.source, ready.prepared, len(tried), seconds))
            return
        print_environment(ready.prepared)


def build_many(
    sources: list[str], settings: Settings, store: Path | None, jobs: int, *, as_json: bool
) -> None:
    """Build many environments, and print the table; exit code 1 when one does not serve."""
    from forge.compose import PARTS
    from forge.run.environments import build_all
    from storage.trees import Trees

    built: list[BuildReport] = []

    async def work(reporter: Reporter) -> None:
        trees = Trees(settings.cache)
        going = build_all(
            sources,
            settings,
            parts=PARTS,
            store=opened,
            trees=trees,
            reporter=reporter,
            jobs=jobs,
        )
        async with aclosing(going) as results:
            async for each in results:
                built.append(each)
                state = each.failure or f"{each.green} of {each.tests} tests serve ({each.plan})"
                line = f"{len(built)}/{len(sources)} {each.source}: {state}"
                err.print(line, markup=False, highlight=False, soft_wrap=True)
                reporter.count(len(built), len(sources), "environments built")

    with open_store(store) as opened, show_progress(is_live=False) as reporter:
        run_interruptible(lambda: work(reporter))
    built.sort(key=lambda each: sources.index(each.source))
    if as_json:
        print_json([asdict(each) for each in built])
    else:
        print_built(built)
    if any(each.failure for each in built):
        raise typer.Exit(1)


def print_built(built: list[BuildReport]) -> None:
    """Print the table of many environments, as Markdown has it."""
    table = Table(box=box.MARKDOWN)
    for name in ("repository", "plan that worked", "Python"):
        table.add_column(name, overflow="fold")
    for name in ("minutes", "plans", "MB", "tests", "passed", "serve"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in built:
        table.add_row(
            each.source.rstrip("/").rpartition("/")[2] or each.source,
            escape(f"none: {each.failure}" if each.failure else each.plan),
            each.python,
            f"{each.minutes:.1f}",
            str(each.plans),
            f"{each.megabytes:.0f}",
            str(each.tests),
            f"{each.share:.1%}" if each.tests else "",
            str(each.green),
        )
    wide = Console(width=max(out.width, 160)) if not out.is_terminal else out
    wide.print(table)
    good = sum(not each.failure for each in built)
    wide.print(f"{good} of {len(built)} environments serve.", highlight=False)


@app.command("explain")
def explain_command(
    source: SourceArgument,
    sandbox: Annotated[
        SandboxChoice, typer.Option(help="Of which sandbox; auto is both.")
    ] = SandboxChoice.auto,
    store: StoreOption = None,
) -> None:
    """Say in words what was tried, what went wrong, and what would help."""
    from forge.run.explanations import explain
    from forge.run.preparation import fetch
    from storage.trees import Trees

    settings = Settings(
        source=source,
        cache=cache_dir(),
    )
    with open_store(store) as opened:
        repository = fetch(settings, Trees(settings.cache), opened)
        kinds: list[SandboxKind] = ["docker", "local"]
        if sandbox is not SandboxChoice.auto:
            kinds = ["docker"] if sandbox is SandboxChoice.docker else ["local"]
        tried = {kind: opened.attempts(repository.tree, kind) for kind in kinds}
    if not any(tried.values()):
        raise StoreError(
            f"nothing was tried yet for {source}; `bugfoundry env build {source}` does"
        )
    for kind, attempts in tried.items():
        if attempts:
            out.print(f"[bold]{escape(repository.key)}[/bold], {kind} sandbox", highlight=False)
            for line in explain(attempts):
                out.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command("show")
def show_command(
    source: SourceArgument, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Show each plan that was tried, why it failed or that it served."""
    from forge.run.preparation import fetch
    from harness.environments.trials import PreparedEnvironment
    from storage.trees import Trees

    settings = Settings(
        source=source,
        cache=cache_dir(),
    )
    with open_store(store) as opened:
        repository = fetch(settings, Trees(settings.cache), opened)
        tried = opened.attempts(repository.tree)
        prepared = [
            PreparedEnvironment(environment=environment, baseline=baseline)
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


def print_attempts(repository: Repository, tried: list[PlanAttempt]) -> None:
    """Print every attempt, in order, with the end of the log where it failed."""
    out.print(f"[bold]{repository.key}[/bold]", highlight=False)
    for number, attempt in enumerate(tried, 1):
        verdict = "served" if attempt.ok else attempt.reason
        out.print(
            f"{number}. {attempt.plan.name} (Python {attempt.plan.python}): {verdict} "
            f"after {attempt.seconds:.1f} s",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if attempt.plan.because:
            out.print(f"     because {attempt.plan.because}", markup=False, highlight=False)
        if attempt.plan.system:
            listed = " ".join(attempt.plan.system)
            out.print(f"     apt-get install {listed}", markup=False, highlight=False)
        dated = attempt.plan.exclude_newer and f"--exclude-newer {attempt.plan.exclude_newer} "
        for step in attempt.plan.install:
            words = f"{dated}{' '.join(step)}"
            out.print(f"     uv pip install {words}", markup=False, highlight=False)
        out.print(
            f"     pytest {' '.join(attempt.plan.pytest_args)}", markup=False, highlight=False
        )
        for note in attempt.plan.notes:
            out.print(f"     {note}", markup=False, highlight=False)
        for line in attempt.detail.splitlines()[-DETAIL_LINES:]:
            out.print(f"     | {line}", markup=False, highlight=False, style="dim")


def print_environment(prepared: PreparedEnvironment) -> None:
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
    aside: dict[str, list[str]] = {}
    for test in baseline.tests:
        if test.set_aside:
            aside.setdefault(test.set_aside, []).append(test.id)
    for why, tests in aside.items():
        lines = [f"  set aside ({why}): {test[:SHOWN_ID]}" for test in tests[:LISTED_TESTS]]
        if len(tests) > LISTED_TESTS:
            lines.append(f"  set aside ({why}): {len(tests) - LISTED_TESTS} more tests")
        out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
