"""``bugfoundry forge``: the main job."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bot.commands.options import (
    PROCESSORS,
    BaseImageOption,
    EngineChoice,
    EngineOption,
    HumanProfileOption,
    JsonOption,
    LikeHumanOption,
    MirrorsOption,
    ModelBudgetOption,
    PublishOption,
    RegistryOption,
    SandboxChoice,
    SandboxOption,
    ShardMinutesOption,
    StoreOption,
    ToolOption,
    chosen_profile,
    err,
    open_store,
    out,
    print_json,
)
from forge.compose import forge, forge_far, make_model
from forge.run.async_work import run_interruptible
from forge.run.pace import Pace
from forge.run.progress import Live, Quiet
from forge.run.settings import Settings
from forge.run.sources import STRATEGIES
from forge.run.summary import OperatorRow, Summary
from forge.study.estimates import described, estimate
from harness.detect.config import Overrides
from mirror.github import PUBLIC
from mutators.model.modify import CANDIDATES
from mutators.operators.registry import operators as all_operators
from storage.errors import ConfigError
from storage.paths import cache_dir, default_store
from storage.store import Store


class StatementsChoice(StrEnum):
    """Who states the bugs that nobody reported."""

    template = "template"
    model = "model"


def forge_command(
    source: Annotated[
        str,
        typer.Argument(
            help="pypi:NAME[==VERSION], a folder or git checkout, a git URL, or owner/name on "
            "GitHub; git sources take @REV."
        ),
    ],
    max_bugs: Annotated[int, typer.Option(min=1, help="How many bugs to propose and judge.")] = 100,
    seed: Annotated[int, typer.Option(help="Chooses which bugs are sampled.")] = 0,
    strategies: Annotated[
        str,
        typer.Option(
            help="Where bugs come from, in this order: mirror (people's fixes, undone), "
            "procedural (operators); by a language model: modify (slips), rewrite (functions "
            "written anew); combine (verified bugs, joined). What mirror leaves of --max-bugs is "
            "shared by the others; NAME:N is N bugs of one at most, as mirror:20."
        ),
    ] = "mirror,procedural",
    operator: Annotated[
        list[str] | None,
        typer.Option(help="Use only this operator (repeatable); see `bugfoundry operators`."),
    ] = None,
    like_human: LikeHumanOption = False,
    human_profile: HumanProfileOption = None,
    sandbox: SandboxOption = SandboxChoice.auto,
    workers: Annotated[
        int,
        typer.Option(min=1, help="Sandboxes that judge side by side.", show_default=PROCESSORS),
    ] = os.cpu_count() or 1,
    python: Annotated[
        str | None, typer.Option(help="Python version to use, as 3.12. [default: detected]")
    ] = None,
    install: Annotated[
        list[str] | None,
        typer.Option(
            help="One install step, as arguments of `uv pip install` (repeatable); replaces "
            "what would be detected. Example: --install '-e .[test]'"
        ),
    ] = None,
    pytest_args: Annotated[
        str | None, typer.Option(help="Arguments for pytest, replacing the detected ones.")
    ] = None,
    base_image: BaseImageOption = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Judge by the whole suite, not by the tests that can notice."),
    ] = False,
    model_budget: ModelBudgetOption = 0.5,
    candidates: Annotated[
        int, typer.Option(min=1, help="Mistakes that the model is asked for in one call of modify.")
    ] = CANDIDATES,
    statements: Annotated[
        StatementsChoice,
        typer.Option(
            help="Statements of tasks without a real issue: a template made of the failing tests, "
            "or written by the language model that is configured."
        ),
    ] = StatementsChoice.template,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Ask the model in batches, at half the price; answers may take up to a day. "
            "Stopped or killed, the same command collects what was submitted.",
        ),
    ] = False,
    estimate_only: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Say what the calls to the model would cost, and do nothing else."
        ),
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the environment anew.")] = False,
    engine: EngineOption = EngineChoice.local,
    mirrors: MirrorsOption = "",
    tool: ToolOption = "",
    registry: RegistryOption = "ghcr.io",
    publish: PublishOption = False,
    shard_minutes: ShardMinutesOption = 10.0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make verified bugs from a repository.

    Fetches the source, builds its environment, runs its tests, proposes bugs and judges each by
    running the tests. A bug counts only when tests that passed now fail. Stop it at any time:
    the same command goes on where it was.

    Example: bugfoundry forge pypi:itsdangerous --max-bugs 50
    """
    names, at_most = known_strategies(strategies)
    settings = Settings(
        source=source,
        cache=cache_dir(),
        sandbox=sandbox.value,
        base_image=base_image,
        overrides=Overrides(
            python=python,
            install=None if not install else tuple(split(step, "--install") for step in install),
            pytest_args=None if pytest_args is None else split(pytest_args, "--pytest-args"),
        ),
        seed=seed,
        max_bugs=max_bugs,
        operators=known_operators(operator),
        profile=chosen_profile(like_human, human_profile),
        strategies=names,
        at_most=at_most,
        github_url=os.environ.get("GITHUB_API_URL") or PUBLIC,
        github_token=os.environ.get("GITHUB_TOKEN", ""),
        workers=workers,
        full=full,
        model_budget=model_budget,
        candidates=candidates,
        statements=statements.value,
        batch=batch,
        rebuild=rebuild,
        engine=engine.value,
        mirrors=mirrors,
        tool=tool,
        registry=registry,
        publish=publish,
        pace=Pace(minutes=shard_minutes),
    )
    if estimate_only:
        print_estimate(settings, store, as_json=as_json)
        return
    with open_store(store) as opened:
        summary = run_interruptible(lambda: forge_shown(settings, opened))
    if as_json:
        print_json(summary)
    else:
        print_summary(summary, store)


def print_estimate(settings: Settings, store: Path | None, *, as_json: bool) -> None:
    """Print what a run would cost."""
    with open_store(store) as opened:
        found = run_interruptible(
            lambda: estimate(settings, make_model=make_model, store=opened, reporter=Quiet(err))
        )
    if as_json:
        print_json(found)
        return
    for line in described(found):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def split(text: str, option: str) -> tuple[str, ...]:
    """Split as a shell does. Raises ConfigError naming the option."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: {error}".lower()) from error


def known_strategies(text: str) -> tuple[tuple[str, ...], dict[str, int]]:
    """Read names of strategies, and the limits of some. Raises ConfigError for what is neither."""
    at_most: dict[str, int] = {}
    names = []
    for part in filter(None, map(str.strip, text.split(","))):
        name, colon, limit = part.partition(":")
        names.append(name)
        if colon:
            at_most[name] = int(limit) if limit.isdecimal() else 0
    if not names or set(names) - set(STRATEGIES):
        raise ConfigError(
            f"--strategies {text!r}: there is {', '.join(STRATEGIES)}; name one or more"
        )
    if not all(at_most.values()):
        raise ConfigError(f"--strategies {text!r}: write NAME:N with N of 1 or more, as mirror:20")
    return tuple(dict.fromkeys(names)), at_most


def known_operators(names: list[str] | None) -> frozenset[str] | None:
    """Check operator names. Raises ConfigError for one that does not exist."""
    if not names:
        return None
    known = {operator.name for operator in all_operators()}
    for name in names:
        if name not in known:
            raise ConfigError(f"no operator {name!r}; `bugfoundry operators` lists them")
    return frozenset(names)


async def forge_shown(settings: Settings, store: Store) -> Summary:
    """Run the pipeline under a live line on a terminal, silently elsewhere."""
    work = forge if settings.engine == "local" else forge_far
    if not err.is_terminal:
        return await work(settings, store=store, reporter=Quiet(err))
    with Live(err) as live:
        return await work(settings, store=store, reporter=live)


SCREENED = {
    "swap": "by new code in a collected session",
    "fork": "by importing anew in a fork",
    "fresh": "in a fresh process",
    "all": "by every test",
    "none": "that no test can notice",
}
"""Paths of docs/selection.md, in words."""


def print_summary(summary: Summary, store: Path | None) -> None:
    """Print the final table and what to do next."""
    table = Table(title=None, box=None, header_style="bold")
    table.add_column("operator")
    for heading in ("proposed", "judged", "valid", "yield", "seconds"):
        table.add_column(heading, justify="right")
    for row in summary.rows:
        add_row(table, row)
    table.add_section()
    add_row(table, summary.total)
    out.print(
        f"[bold]{summary.repository}[/bold]  Python {summary.python}, {summary.sandbox} sandbox, "
        f"{summary.tests_green} of {summary.tests} tests serve",
        highlight=False,
    )
    out.print(table)
    reasons = ", ".join(f"{count} {reason}" for reason, count in summary.reasons)
    out.print(f"verdicts: {reasons or 'none'}", highlight=False)
    screened = ", ".join(f"{count} {SCREENED.get(path, path)}" for path, count in summary.screened)
    out.print(f"screened: {screened or 'none'}", highlight=False, soft_wrap=True)
    if summary.reused:
        out.print(f"{summary.reused} verdicts were there from an earlier run", highlight=False)
    print_next(summary, store)


def add_row(table: Table, row: OperatorRow) -> None:
    """Add one operator's counts."""
    table.add_row(
        row.operator,
        str(row.proposed),
        str(row.judged),
        str(row.valid),
        f"{row.share:.0%}",
        f"{row.seconds:.1f}",
    )


def print_next(summary: Summary, store: Path | None) -> None:
    """Say what came out and how to see and export it."""
    path = store or default_store()
    flag = f" --store {shlex.quote(str(store))}" if store else ""
    out.print(
        f"[bold green]{len(summary.tasks)} verified bugs[/bold green] in {path} "
        f"after {summary.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    if summary.tasks:
        out.print(
            f"see one:  bugfoundry show{flag} {summary.tasks[0]}", highlight=False, soft_wrap=True
        )
        out.print(
            f"export:   bugfoundry export{flag} --format swe-smith -o tasks.jsonl",
            highlight=False,
            soft_wrap=True,
        )
