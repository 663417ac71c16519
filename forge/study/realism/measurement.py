"""Measure how far the bugs of some repositories are from those that people fixed there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forge.run.nouns import format_count
from forge.run.progress import Reporter
from forge.study.realism.failing_tests import Failing, Nearness, nearness
from forge.study.realism.samples import Sample, human_samples, made_sample
from forge.study.realism.two_sample import SeparationScore, halves, numpy, score_samples
from harness.judge.judge import HARNESS_VERSION
from mutators.likely import EACH, UNFITTED
from mutators.procedural import propose
from storage.errors import StoreError
from storage.histories import Cloned, fetch_with_history
from storage.records import Bug, PullRequest, Verdict
from storage.source_names import parse
from storage.store import Store
from storage.trees import Trees
from syntax.features.profile import Profile
from syntax.paths import is_source_path

NONE = (
    "{name} has no verified bugs in the store at {commit:.12}; run `bugfoundry forge {source}`, or "
    "say --made 200 to compare bugs as they are proposed"
)
MIRROR = "mirror"
LIKE_HUMAN = "procedural, like human"
FEW = "{name}: only {count}; the score says little"
FEWEST_HUMAN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSettings:
    """One ``realism`` run."""

    sources: tuple[str, ...]
    cache: Path
    made: int = 0
    """Procedural bugs to propose for each repository, in the place of those in the store."""
    profile: Profile | None = None
    """What they are drawn by; None draws them evenly."""
    fits: bool = False
    """Whether a profile is to be fitted: then the candidates are gathered too."""
    seed: int = 0
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealismRow:
    """The bugs of one strategy, or of one of its operators."""

    strategy: str
    operator: str
    """Empty for all of the strategy."""
    bugs: int
    score: SeparationScore | None
    """How well they are told from human bugs; None for too few."""
    nearness: Nearness | None = None
    """Of their failing tests, where human bugs were mirrored and run; for a strategy alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Realism:
    """What was measured."""

    repositories: tuple[str, ...]
    executed: bool
    """Whether the bugs were verified, and not only proposed."""
    human: int
    floor: SeparationScore | None
    """How well the newer half of the human bugs is told from the older."""
    rows: tuple[RealismRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositorySamples:
    """What is known of one repository."""

    name: str
    human: tuple[Sample, ...]
    made: tuple[Sample, ...]
    candidates: tuple[Sample, ...]
    """What a run that draws like human would look at, where a profile is to be fitted."""
    failing: dict[str, list[Failing]]
    """By strategy, of the verified bugs."""


async def measure(
    settings: MeasureSettings, *, store: Store, reporter: Reporter
) -> tuple[Realism, list[RepositorySamples]]:
    """Gather both sides and compare them. Raises BugfoundryError."""
    numpy()
    gathered = []
    for source in settings.sources:
        reporter.stage(f"fetching {source}")
        cloned = await asyncio.to_thread(fetch_clone, source, settings)
        reporter.stage(f"{cloned.full_name}: reading its history")
        pulls = store.pulls.all(cloned.full_name)
        found = await asyncio.to_thread(read_human_samples, cloned, pulls)
        if len(found) < FEWEST_HUMAN:
            reporter.note(
                FEW.format(name=cloned.full_name, count=format_count(len(found), "human bug"))
            )
        reporter.stage(f"{cloned.full_name}: reading the bugs")
        if settings.made:
            made = await asyncio.to_thread(
                propose_samples, cloned, settings, settings.profile, settings.made
            )
            failing: dict[str, list[Failing]] = {}
        else:
            known = load_valid_bugs(source, cloned, store)
            made = await asyncio.to_thread(read_bugs, cloned, [b for b, _ in known], settings)
            failing = failing_tests(known)
        looked_at: list[Sample] = []
        if settings.fits:
            count = EACH * settings.made
            looked_at = await asyncio.to_thread(propose_samples, cloned, settings, UNFITTED, count)
        gathered.append(
            RepositorySamples(
                name=cloned.full_name,
                human=tuple(found),
                made=tuple(made),
                candidates=tuple(looked_at),
                failing=failing,
            )
        )
    reporter.stage("comparing")
    return await asyncio.to_thread(compare_strategies, gathered, settings), gathered


def fetch_clone(source: str, settings: MeasureSettings) -> Cloned:
    """Fetch a repository with its history."""
    trees = Trees(settings.cache)
    return fetch_with_history(
        parse(source), cache=settings.cache, trees=trees, token=settings.token
    )


def read_human_samples(cloned: Cloned, pulls: Sequence[PullRequest]) -> list[Sample]:
    """Read people's bugs: of the pull requests that were crawled, else of the history alone."""
    return list(human_samples(cloned.git_dir, cloned.head, cloned.full_name, pulls=pulls))


def files_of(cloned: Cloned, settings: MeasureSettings) -> dict[str, bytes]:
    """Read the source files that bugs are made in."""
    trees, tree = Trees(settings.cache), cloned.repository.tree
    return dict(trees.read_all(tree, [path for path in trees.paths(tree) if is_source_path(path)]))


def propose_samples(
    cloned: Cloned, settings: MeasureSettings, profile: Profile | None, count: int
) -> list[Sample]:
    """Propose procedural bugs, drawn by a profile where there is one."""
    files = files_of(cloned, settings)
    bugs = propose(
        cloned.repository.tree,
        files,
        {},
        seed=settings.seed,
        max_bugs=count,
        compiles=None,
        profile=profile,
    )
    label = "" if profile is None else LIKE_HUMAN
    return [s for bug in bugs if (s := made_sample(cloned.full_name, bug, files, label))]


def read_bugs(cloned: Cloned, bugs: Sequence[Bug], settings: MeasureSettings) -> list[Sample]:
    """Read the features of bugs."""
    files = files_of(cloned, settings)
    return [s for bug in bugs if (s := made_sample(cloned.full_name, bug, files))]


def load_valid_bugs(source: str, cloned: Cloned, store: Store) -> list[tuple[Bug, Verdict]]:
    """Return the bugs of a repository with a valid verdict. Raises StoreError for none."""
    tree = cloned.repository.tree
    verdicts = valid_verdicts(store, tree)
    known = [(bug, verdicts[bug.id]) for bug in store.bugs(tree) if bug.id in verdicts]
    if not known:
        commit = cloned.repository.commit
        raise StoreError(NONE.format(name=cloned.full_name, commit=commit, source=source))
    return known


def failing_tests(known: Sequence[tuple[Bug, Verdict]]) -> dict[str, list[Failing]]:
    """Group the failing tests of bugs by strategy."""
    failing: dict[str, list[Failing]] = {}
    for bug, verdict in known:
        failing.setdefault(bug.origin.strategy, []).append(frozenset(verdict.fail_to_pass))
    return failing


def valid_verdicts(store: Store, tree: str) -> dict[str, Verdict]:
    """Return the valid verdicts of today's rules on the bugs of a tree, by bug."""
    found = {}
    for sandbox in ("docker", "local"):
        environment = store.environment_for(tree, sandbox)
        if environment is not None:
            for verdict in store.verdicts(environment.id, HARNESS_VERSION):
                if verdict.valid:
                    found[verdict.bug] = verdict
    return found


def compare_strategies(gathered: Sequence[RepositorySamples], settings: MeasureSettings) -> Realism:
    """Score every strategy and every operator against the human bugs."""
    human = [sample for each in gathered for sample in each.human]
    made = [sample for each in gathered for sample in each.made]
    older, newer = halves(human)
    floor = score_samples(newer, older, seed=settings.seed)
    rows: list[RealismRow] = []
    for strategy in sorted({sample.strategy for sample in made}):
        own = [sample for sample in made if sample.strategy == strategy]
        rows += rows_of(strategy, human, own, gathered, settings.seed)
    return Realism(
        repositories=tuple(each.name for each in gathered),
        executed=not settings.made,
        human=len(human),
        floor=floor.score(seed=settings.seed) if floor else None,
        rows=tuple(rows),
    )


def rows_of(
    strategy: str,
    human: Sequence[Sample],
    made: Sequence[Sample],
    gathered: Sequence[RepositorySamples],
    seed: int,
) -> list[RealismRow]:
    """Score a strategy and its operators, the likest first; operators by the strategy's fit."""
    judged = score_samples(human, made, seed=seed)
    pairs = [(each.failing.get(strategy, []), each.failing.get(MIRROR, [])) for each in gathered]
    whole = RealismRow(
        strategy=strategy,
        operator="",
        bugs=len(made),
        score=judged.score(seed=seed) if judged else None,
        nearness=None if strategy == MIRROR else nearness(pairs),
    )
    operators = [
        RealismRow(
            strategy=strategy,
            operator=operator,
            bugs=sum(sample.operator == operator for sample in made),
            score=judged.score(operator=operator, seed=seed) if judged else None,
        )
        for operator in sorted({sample.operator for sample in made} - {""})
    ]
    operators.sort(key=lambda row: (row.score.auc if row.score else 2.0, row.operator))
    return [whole, *operators]
