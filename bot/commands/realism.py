"""``bugfoundry realism``: how well made bugs are told from those that people fixed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
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
from forge.run.settings import LikenessSettings
from storage.errors import ConfigError
from storage.paths import cache_dir

if TYPE_CHECKING:
    from forge.study.realism.measurement import (
        MeasureSettings,
        Realism,
        RealismRow,
        RepositorySamples,
    )
    from forge.study.realism.two_sample import SeparationScore
    from storage.store import Store

EVENLY = "--save-profile fits a profile of its own: say --made N without --like-human"
UNMADE = "--like-human draws the bugs that are proposed: say how many by --made N"
READING = (
    "AUC: how well a classifier tells them from human bugs {folds}; 0.5 is not at all, 1 always. "
    "The floor is how well the newer half of the human bugs is told from the older."
)
LEFT_OUT = "{count} with too few bugs for a score; --json names them too."
PROPOSED = "The bugs are as they were proposed: nothing was run."


@takes_records
def realism_command(
    sources: Annotated[
        list[str],
        typer.Argument(help="Git repositories, as for `bugfoundry forge`: several compare better."),
    ],
    made: Annotated[
        int,
        typer.Option(
            min=0,
            help="Propose so many procedural bugs for each repository, and run nothing, instead of "
            "taking the verified ones of the store.",
        ),
    ] = 0,
    *,
    likeness: LikenessSettings,
    save_profile: Annotated[
        Path | None,
        typer.Option(help="Fit a profile for `forge --human-profile` on them, and write it here."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Chooses bugs and samples.")] = 0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how well bugs are told from those that people fixed in the same repositories.

    The human side is every fix in the history that closes an issue, undone at its own commit.
    Where mirrored bugs were verified too, the tests that fail are compared. Needs the extra
    `realism`.

    Example: bugfoundry realism pallets/click pallets/werkzeug --made 200
    """
    from forge.study.realism.measurement import MeasureSettings

    profile = likeness.profile
    if profile is not None and not made:
        raise ConfigError(UNMADE)
    if save_profile is not None and (profile is not None or not made):
        raise ConfigError(EVENLY)
    settings = MeasureSettings(
        sources=tuple(sources),
        cache=cache_dir(),
        made=made,
        profile=profile,
        fits=save_profile is not None,
        seed=seed,
        token=os.environ.get("GITHUB_TOKEN", ""),
    )
    with open_store(store) as opened:
        found, gathered = run_interruptible(lambda: measure_with_progress(settings, opened))
    if save_profile is not None:
        write_profile(save_profile, gathered)
    if as_json:
        print_json(found)
    else:
        print_realism(found)


async def measure_with_progress(
    settings: MeasureSettings, store: Store
) -> tuple[Realism, list[RepositorySamples]]:
    """Measure, and show how far it is."""
    from forge.study.realism.measurement import measure

    with show_progress() as reporter:
        return await measure(settings, store=store, reporter=reporter)


def write_profile(path: Path, gathered: list[RepositorySamples]) -> None:
    """Fit a profile and write it. Raises ConfigError."""
    from forge.study.realism.fit import fit_profile

    human = [sample for each in gathered for sample in each.human]
    candidates = [sample for each in gathered for sample in each.candidates]
    profile = fit_profile(human, candidates, date=datetime.now(UTC).date().isoformat())
    try:
        path.write_bytes(profile.encode_json())
    except OSError as error:
        raise ConfigError(f"--save-profile {path}: {error.strerror}") from error


def print_realism(found: Realism) -> None:
    """Print a line for each strategy and operator, the likest operators first."""
    table = Table(box=None, header_style="bold")
    table.add_column("bugs of", no_wrap=True, min_width=24)
    for column in ("bugs", "AUC", "95 % interval", "similar", "coupled", "same tests"):
        table.add_column(column, justify="right")
    table.add_row("human (floor)", str(found.human), *score_cells(found.floor), "", "", "")
    shown = [row for row in found.rows if row.score is not None or not row.operator]
    for row in shown:
        table.add_row(name_of(row), str(row.bugs), *score_cells(row.score), *near_cells(row))
    out.print(table)
    scores = [score for score in (found.floor, *(row.score for row in found.rows)) if score]
    folds = {
        "by repository": "of repositories it has not seen",
        "within the repository": "it has not seen, in the same repository",
    }
    if scores:
        text = READING.format(folds=folds[scores[-1].folds])
        out.print(text, highlight=False, markup=False)
    if len(shown) < len(found.rows):
        text = LEFT_OUT.format(count=format_count(len(found.rows) - len(shown), "operator"))
        out.print(text, highlight=False, markup=False)
    if not found.executed:
        out.print(PROPOSED, highlight=False, markup=False)


def name_of(row: RealismRow) -> str:
    """Name a row; operators are indented under their strategy."""
    return f"  {row.operator}" if row.operator else row.strategy


def score_cells(score: SeparationScore | None) -> tuple[str, str]:
    """Write an AUC and its interval."""
    if score is None:
        return "too few", ""
    return f"{score.auc:.3f}", f"{score.low:.3f} to {score.high:.3f}"


def near_cells(row: RealismRow) -> tuple[str, str, str]:
    """Write how near the failing tests are."""
    near = row.nearness
    if near is None:
        return "", "", ""
    return f"{near.similarity:.2f}", f"{near.coupled:.0%}", f"{near.same:.0%}"
