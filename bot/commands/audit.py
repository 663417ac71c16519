"""``bugfoundry audit``: was a verdict ever changed by running only some of the tests?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.commands.options import (
    JsonOption,
    StoreOption,
    open_store,
    out,
    print_json,
    show_progress,
)
from bot.commands.record_options import takes_records
from forge.run.async_work import run_interruptible
from forge.run.nouns import format_count
from forge.run.setting_fields import SettingSubset, pick
from forge.run.settings import EnvironmentSettings, ProposalSettings, Settings, ValidationSettings
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.grade.audit import Audit, ReasonRow, VerdictComparison
    from storage.store import Store

LISTED_TESTS = 3
SEED = "Chooses which; the same seed chooses the same, and a larger sample adds to it."
SANDBOX = "Whose verdicts; auto is docker's, or local's where docker has none."
AGAIN = "perhaps the machine was too busy: the same audit judges it again"
FORGE = "`bugfoundry forge {source} --full` goes by the whole suite's verdict"
WITHDRAW = "do not use task {tasks}: the whole suite does not confirm it"


@takes_records
def audit_command(
    source: Annotated[str, typer.Argument(help="As for `bugfoundry forge`.")],
    sample: Annotated[
        int, typer.Option(min=1, help="How many verdicts to judge again; fewer if fewer exist.")
    ] = 200,
    *,
    proposals: Annotated[ProposalSettings, SettingSubset(pick("seed", help=SEED))],
    environment: Annotated[EnvironmentSettings, SettingSubset(pick("sandbox", help=SANDBOX))],
    validation: Annotated[ValidationSettings, SettingSubset("workers")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge stored verdicts again by the whole suite, and report where that differs.

    Verdicts that were given by some of the tests are drawn at random, valid and rejected alike,
    and judged by every test, in fresh sandboxes. Exit code 0 when all agree, 1 when not; then the
    repository is judged by the whole suite from there on. Tests that are red only in company, or
    unstable, make no disagreement. What is stored stays as it is; the new verdicts are kept
    beside it. Stop it at any time: the same command goes on where it was.

    Example: bugfoundry audit pypi:itsdangerous --sample 50
    """
    settings = Settings(
        source=source,
        cache=cache_dir(),
        environment=environment,
        proposals=proposals,
        validation=validation,
    )
    with open_store(store) as opened:
        found = run_interruptible(lambda: audit_with_progress(settings, sample, opened))
    if as_json:
        print_json(found)
    else:
        print_audit(found, source)
    if found.disagreements:
        raise typer.Exit(1)


async def audit_with_progress(settings: Settings, sample: int, store: Store) -> Audit:
    """Run the audit, and show how far it is."""
    from forge.compose import PARTS
    from forge.grade.audit import audit

    with show_progress() as reporter:
        return await audit(settings, parts=PARTS, sample=sample, store=store, reporter=reporter)


def print_audit(found: Audit, source: str) -> None:
    """Print the table, the disagreements, and what follows."""
    out.print(
        f"[bold]{found.repository}[/bold]  {found.sandbox} sandbox, {describe_sample(found)}, "
        f"after {found.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=None, header_style="bold")
    table.add_column("verdict", no_wrap=True)
    headings = ("audited", "agree", "spilled only", "disagree", "time limit", "sandbox broken")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in found.rows:
        add_row(table, row)
    table.add_section()
    add_row(table, total(found.rows))
    out.print(table)
    if found.reused:
        out.print(f"judged whole by an earlier run: {found.reused}", highlight=False)
    for each in found.disagreements:
        out.print(line(each, source), markup=False, highlight=False, soft_wrap=True)
    print_end(found)


def describe_sample(found: Audit) -> str:
    """How many verdicts were audited, of how many."""
    if found.audited < found.asked:
        stored = format_count(found.stored, "verdict")
        return f"only {stored} by some of the tests, all of them audited"
    return f"{found.audited} of {found.stored} verdicts by some of the tests (seed {found.seed})"


def total(rows: tuple[ReasonRow, ...]) -> ReasonRow:
    """The rows as one."""
    from forge.grade.audit import ReasonRow

    return ReasonRow(
        reason="all",
        audited=sum(row.audited for row in rows),
        agree=sum(row.agree for row in rows),
        spilled=sum(row.spilled for row in rows),
        disagree=sum(row.disagree for row in rows),
        time_limit=sum(row.time_limit for row in rows),
        sandbox_broken=sum(row.sandbox_broken for row in rows),
    )


def add_row(table: Table, row: ReasonRow) -> None:
    """Add one reason's counts."""
    counts = (row.audited, row.agree, row.spilled, row.disagree, row.time_limit, row.sandbox_broken)
    table.add_row(row.reason, *(str(count) for count in counts))


def line(found: VerdictComparison, source: str) -> str:
    """A disagreement: the bug, both reasons, the tests that differ, what to do."""
    kind = "" if found.kind == "disagree" else f" ({found.kind.replace('-', ' ')})"
    parts = [f"bug {found.bug}: {found.stored} by some tests, {found.whole} by all{kind}"]
    if found.only_stored:
        parts.append(f"red only by some: {few(found.only_stored)}")
    if found.only_whole:
        parts.append(f"red only by all: {few(found.only_whole)}")
    return "; ".join([*parts, advice(found, source)])


def few(tests: tuple[str, ...]) -> str:
    """The first tests of a list, and how many there are."""
    text = ", ".join(tests[:LISTED_TESTS])
    left = len(tests) - LISTED_TESTS
    return f"{text} and {left} more" if left > 0 else text


def advice(found: VerdictComparison, source: str) -> str:
    """What a person can do about it."""
    if found.whole in {"timeout", "sandbox-broken"}:
        return AGAIN
    if found.tasks and found.whole != "valid":
        return WITHDRAW.format(tasks=" and ".join(found.tasks))
    return FORGE.format(source=source)


def print_end(found: Audit) -> None:
    """Say what follows for the repository."""
    if not found.disagreements:
        out.print("[bold green]no verdict differs[/bold green]", highlight=False)
        return
    text = f"[bold red]{len(found.disagreements)} of {found.audited} verdicts differ[/bold red]"
    if found.coverage_forgotten:
        text += "; the coverage is forgotten: this repository is judged by the whole suite from now"
    out.print(text, highlight=False, soft_wrap=True)
