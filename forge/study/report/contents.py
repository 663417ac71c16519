"""Gather what the report shows: yields and costs, gates, reliability, difficulty, and realism."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from forge.release.gates import Gated, count_gates
from forge.run.nouns import format_count
from forge.run.progress import Reporter
from forge.study.costs import Costs, costs
from forge.study.realism.measurement import (
    MeasureSettings,
    Realism,
    RepositorySamples,
    measure,
    valid_verdicts,
)
from forge.study.report.difficulty import Difficulty, difficulty_of
from forge.study.report.reliability import Proved, read_reliability
from mutators.combination.call_graph import CallGraph
from storage.errors import BugfoundryError
from storage.records import Bug, Repository, Verdict
from storage.store import Store
from storage.trees import Trees
from storage.views.yields import Yields
from syntax.languages import language_of
from tasks.gates.subject import Rules, subjects

MOST = 200
"""Bugs of a repository whose difficulty is measured; more are sampled, always the same."""
GONE = "{name}: its files are no longer in the cache, so nothing is said of how hard its bugs are"
UNGATED = "{count} not counted at the gates: the files are no longer in the cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """All that the page shows."""

    repositories: tuple[str, ...]
    """Those with verified bugs, as people name them: owner/name and the beginning of the commit."""
    tasks: int
    yields: Yields
    costs: Costs
    gated: Gated
    proved: tuple[Proved, ...]
    """Tasks that were verified, of the exports that were named."""
    difficulty: tuple[Difficulty, ...]
    realism: Realism | None
    """None where no repository was named to compare with."""
    gathered: tuple[RepositorySamples, ...]


async def gather_report(
    settings: MeasureSettings,
    *,
    month: str,
    store: Store,
    reporter: Reporter,
    rules: Rules,
    verified: Sequence[Path] = (),
) -> StoreReport:
    """Gather it. ``settings.sources`` may be empty: nothing is compared then.

    ``verified`` are exports that were verified. Raises BugfoundryError.
    """
    reliability = read_reliability(verified)
    realism, gathered = None, list[RepositorySamples]()
    if settings.sources:
        realism, gathered = await measure(settings, store=store, reporter=reporter)
    difficulty: list[Difficulty] = []
    names = []
    for repository in store.repositories():
        verdicts = valid_verdicts(store, repository.tree)
        if not verdicts:
            continue
        names.append(f"{repository.owner}/{repository.name}@{repository.commit[:8]}")
        bugs = choose_bugs([bug for bug in store.bugs(repository.tree) if bug.id in verdicts])
        reporter.stage(f"{repository.name}: measuring {format_count(len(bugs), 'bug')}")
        found = await asyncio.to_thread(
            measure_difficulty, Trees(settings.cache), repository, bugs, verdicts, reporter
        )
        difficulty += found
    reporter.stage("sending the tasks through the gates")
    gated = await gates_of(store, Trees(settings.cache), rules, reporter)
    return StoreReport(
        repositories=tuple(names),
        tasks=len(store.tasks()),
        yields=store.views.yields.sums("operator"),
        costs=costs(store, month),
        gated=gated,
        proved=reliability,
        difficulty=tuple(difficulty),
        realism=realism,
        gathered=tuple(gathered),
    )


async def gates_of(store: Store, trees: Trees, rules: Rules, reporter: Reporter) -> Gated:
    """Count what gates stop of the tasks whose files can be had."""
    here = {each.tree for each in store.repositories() if trees.holds(each.tree)}
    tasks = store.tasks()
    left = [task for task in tasks if (bug := store.bug(task.bug)) is None or bug.tree in here]
    if len(left) < len(tasks):
        reporter.note(UNGATED.format(count=format_count(len(tasks) - len(left), "task")))
    return await asyncio.to_thread(count_gates, subjects(store, trees, left), rules)


def choose_bugs(bugs: Sequence[Bug]) -> list[Bug]:
    """Return at most so many bugs, chosen by their content."""
    if len(bugs) <= MOST:
        return list(bugs)
    return sorted(bugs, key=lambda bug: sha256(bug.id.encode()).digest())[:MOST]


def measure_difficulty(
    trees: Trees,
    repository: Repository,
    bugs: Sequence[Bug],
    verdicts: Mapping[str, Verdict],
    reporter: Reporter,
) -> list[Difficulty]:
    """Measure the bugs of one repository, where its files can be had."""
    try:
        paths = [path for path in trees.paths(repository.tree) if language_of(path)]
        files = trees.read_all(repository.tree, paths)
    except BugfoundryError:
        reporter.note(GONE.format(name=repository.name))
        return []
    calls = CallGraph.of(files)
    found = (difficulty_of(bug, verdicts[bug.id], files, calls) for bug in bugs)
    return [each for each in found if each is not None]


def comparable(report: StoreReport) -> tuple[list[Mapping[str, float]], list[Mapping[str, float]]]:
    """Return the features of people's bugs and of made ones, as numbers."""
    human = [sample.numbers for each in report.gathered for sample in each.human]
    made = [
        sample.numbers
        for each in report.gathered
        for sample in each.made
        if sample.strategy != "mirror"
    ]
    return human, made


def is_output_writable(path: Path) -> bool:
    """Say whether a file can be written there, before the work begins."""
    return path.parent.is_dir() and not path.is_dir()
