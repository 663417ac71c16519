"""What a run would cost in calls to a language model, without a call and without a sandbox."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from forge.pulls.mirror import PullRequestMirror, make_mirror
from forge.run.context import SourceCode
from forge.run.nouns import format_count
from forge.run.parts import ModelMaker
from forge.run.preparation import fetch
from forge.run.progress import Reporter
from forge.run.settings import Settings
from forge.run.sources import MIRROR, MODELLED, candidates_of, limit_of
from forge.run.statements import issues_of
from harness.detect import FolderTree
from harness.detect.config import merge, read_config
from harness.detect.packages import enter_folder
from llm.estimates import Estimator
from llm.questions import Ask
from mutators.model.questions import Modelled
from mutators.transcription import transcribe
from storage.errors import ConfigError
from storage.records import Repository
from storage.scratch import scratch_folder
from storage.store import Store
from storage.trees import Trees
from syntax.paths import is_source_path
from tasks.giveaways import Secrets
from tasks.model_statements import plan_ask_bounds
from tasks.observed import Observed, excerpt
from tasks.statements import is_template
from tasks.voices import samples

NOTHING = "--estimate: nothing of this run asks a model; name a strategy that does: {names}"
VALID = 0.2
"""Share of the bugs that are valid at least, in a repository with good tests."""
WHOLE = "that every change of an answer is taken, so that no further call is needed"
UNDOING = (
    "at least that the model undoes each fix that a merge does not, at its first answer; at most "
    "that none of its answers does, and that no test sees what a merge undid"
)
HOW = (
    "the least: short answers, and what calls share is read from the cache; the most: every "
    "character of a request is a token to be cached, and every answer is as long as it may be"
)
STATING = (
    "at least that one bug in five is valid, and few words tell it, at the first answer; at most "
    "that every bug is valid, much is to be told, and every answer is refused"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEstimate:
    """What one part of a run would cost. Dollars; tokens of input."""

    name: str
    """The strategy, or ``statements``."""
    bugs: int
    """How many it is for at most."""
    least_calls: int
    most_calls: int
    stored: int
    """Calls that are answered from the store, and cost nothing."""
    least_tokens: int
    most_tokens: int
    least: float
    most: float
    assumed: str
    """What least and most depend on, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEstimate:
    """What a run would cost."""

    repository: str
    model: str
    batch: bool
    budget: float
    parts: tuple[PartEstimate, ...]

    @property
    def least(self) -> float:
        return sum(each.least for each in self.parts)

    @property
    def most(self) -> float:
        return sum(each.most for each in self.parts)


async def estimate(
    settings: Settings, *, make_model: ModelMaker, store: Store, reporter: Reporter
) -> RunEstimate:
    """Count what would be asked. Raises BugfoundryError.

    Pull requests are crawled and fixes are undone as the run would; no sandbox is needed.
    """
    asking = [name for name in settings.proposals.names if name in (MIRROR, *MODELLED)]
    if not asking and settings.model.statements != "model":
        raise ConfigError(NOTHING.format(names=", ".join((MIRROR, *MODELLED))))
    trees = Trees(settings.cache)
    repository = fetch(settings, trees, store)
    estimating = Estimating(settings, store, trees, repository, make_model)
    mirror = await make_mirror(
        settings,
        repository,
        trees,
        store=store,
        reporter=reporter,
        model=estimating.model(MIRROR),
    )
    parts = [] if mirror is None else [await estimating.mirror(mirror)]
    parts += [estimating.estimate_strategy(MODELLED[name]) for name in asking if name in MODELLED]
    if settings.model.statements == "model":
        parts.append(estimating.statements(mirror.name if mirror is not None else ""))
    return RunEstimate(
        repository=repository.key,
        model=estimating.model(MIRROR).name,
        batch=settings.model.batch,
        budget=settings.model.budget,
        parts=tuple(parts),
    )


class Estimating:
    """The parts of one run."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        trees: Trees,
        repository: Repository,
        make_model: ModelMaker,
    ) -> None:
        self._make_model = make_model
        self._settings = settings
        self._store = store
        self._trees = trees
        self._repository = repository
        self._name = f"{repository.owner}/{repository.name}"
        self._code = code(settings, repository, trees)
        self._merged = 0
        """Bugs that the mirror makes before the other strategies have their turn."""

    def model(self, strategy: str) -> Estimator:
        """Return a model that counts."""
        model = self._make_model(
            self._settings,
            self._store,
            repository=self._name,
            strategy=strategy,
            mode="estimate",
        )
        assert isinstance(model, Estimator)
        return model

    async def mirror(self, mirror: PullRequestMirror) -> PartEstimate:
        """Count the fixes that a merge does not undo; the others as well, for the most."""
        model = self.model(MIRROR)
        limit = limit_of(
            self._settings.proposals.at_most, MIRROR, self._settings.proposals.max_bugs or 0
        )
        merged = 0
        for place, (undone, asks) in enumerate(mirror.foresee_undos(self._code)):
            for number, ask in enumerate(asks):
                model.count(ask, least=not undone and not number and place < limit)
            merged += undone
            if merged == limit:
                break
            await asyncio.sleep(0)
        if self._settings.proposals.names[0] == MIRROR:
            self._merged = merged
        return part(MIRROR, limit, model, UNDOING)

    def estimate_strategy(self, strategy: Modelled) -> PartEstimate:
        """Count the questions of a strategy that is nothing without a model."""
        model = self.model(strategy.name)
        proposals = self._settings.proposals
        others = [name for name in proposals.names if name != MIRROR]
        left = (proposals.max_bugs or 0) - self._merged
        limit = limit_of(proposals.at_most, strategy.name, math.ceil(left / len(others)))
        asks = strategy.plan_questions(
            transcribe(self._code.files).files,
            seed=proposals.seed,
            max_bugs=limit,
            candidates=candidates_of(strategy, self._settings.model.candidates),
        )
        for ask in asks:
            model.count(ask)
        return part(strategy.name, limit, model, WHOLE)

    def statements(self, name: str) -> PartEstimate:
        """Count the statements of as many bugs as the run may find, of which nothing is known."""
        model = self.model("statements")
        observed = Observed(
            bug="",
            name=self._repository.name,
            messages=(),
            public="",
            readme=excerpt(lambda path: self._trees.read_file(self._repository.tree, path)),
            samples=samples(issues_of(self._store, name or self._name)),
            secrets=Secrets(),
        )
        shortest, longest = plan_ask_bounds(observed)
        limit = max((self._settings.proposals.max_bugs or 0) - self._count_written(), 0)
        for number in range(limit):
            if number < limit * VALID:
                model.count(vary_ask(shortest, number), most=False)
            for ask in longest:
                model.count(vary_ask(ask, number), least=False)
        return part("statements", limit, model, STATING)

    def _count_written(self) -> int:
        """How many bugs of this tree have a statement that is no template."""
        tasks = [task for task in self._store.tasks() if not is_template(task.statement)]
        bugs = (self._store.bug(task.bug) for task in tasks)
        return sum(bug is not None and bug.tree == self._repository.tree for bug in bugs)


def vary_ask(ask: Ask, number: int) -> Ask:
    """Return a question as it may be asked on one of several bugs."""
    return replace(ask, prompt=f"{ask.prompt}{number:4}")


def part(name: str, bugs: int, model: Estimator, assumed: str) -> PartEstimate:
    """Return what was counted for a part of a run."""
    counted = model.estimate
    return PartEstimate(
        name=name,
        bugs=bugs,
        least_calls=counted.least_calls,
        most_calls=counted.most_calls,
        stored=counted.stored,
        least_tokens=counted.least_tokens,
        most_tokens=counted.most_tokens,
        least=round(counted.least, 4),
        most=round(counted.most, 4),
        assumed=assumed,
    )


def code(settings: Settings, repository: Repository, trees: Trees) -> SourceCode:
    """Return what bugs may be made in, by the repository's own settings."""
    modes = trees.paths(repository.tree)
    with scratch_folder() as folder:
        checkout = folder / "tree"
        trees.materialise(repository.tree, checkout)
        tree = FolderTree(checkout)
        overrides = merge(read_config(tree), settings.environment.overrides)
        _, overrides = enter_folder(tree, overrides, repository.source)
    wanted = [path for path in modes if is_source_path(path) and not overrides.excludes(path)]
    return SourceCode(files=trees.read_all(repository.tree, wanted), modes=modes)


def describe_estimate(found: RunEstimate) -> Sequence[str]:
    """Say it in lines."""
    how = ", in batches" if found.batch else ""
    lines = [f"{found.repository} by {found.model}{how}, nothing was asked"]
    for each in found.parts:
        known = f", {each.stored} more are in the store" if each.stored else ""
        lines.append(
            f"  {each.name}: {between(each.least_calls, each.most_calls)} calls for up to "
            f"{format_count(each.bugs, 'bug')}, "
            f"{each.least_tokens:,} to {each.most_tokens:,} tokens of input, "
            f"${each.least:.2f} to ${each.most:.2f}{known}"
        )
        lines.append(f"    assumed: {each.assumed}")
    lines.append(
        f"in all ${found.least:.2f} to ${found.most:.2f}; "
        f"the budget of this repository is ${found.budget:.2f}"
    )
    lines.append(HOW)
    return lines


def between(least: int, most: int) -> str:
    """Write two numbers, or the one that both are."""
    return f"{least}" if least == most else f"{least} to {most}"
