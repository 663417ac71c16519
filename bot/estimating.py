"""What a run would cost in calls to a language model, without a call and without a sandbox."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from bot.models import configured_model
from bot.preparing import fetch
from bot.settings import Settings
from bot.sources import MODELLED
from harness.config import merge, read_config
from harness.detect import FolderTree
from llm.asking import Ask
from llm.estimating import Estimate, Estimator, NotAsked
from mutators import modify, rewrite
from storage.errors import ConfigError
from storage.records import Repository
from storage.store import Store
from storage.trees import Trees
from syntax.paths import is_source_path

NOTHING = "--estimate: name a strategy that asks a model: {names}"


class Asking(Protocol):
    """What would be asked by a strategy."""

    def __call__(
        self, files: Mapping[str, bytes], *, seed: int, max_bugs: int | None, candidates: int
    ) -> list[Ask]: ...


ASKING: Mapping[str, Asking] = {"modify": modify.estimate, "rewrite": rewrite.estimate}


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyEstimate:
    """What one strategy would cost. Dollars; tokens of input."""

    strategy: str
    bugs: int
    """How many it would propose at most."""
    calls: int
    stored: int
    """Calls that are answered from the store, and cost nothing."""
    least_tokens: int
    most_tokens: int
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEstimate:
    """What a run would cost. What mirror and statements ask depends on what the run finds."""

    repository: str
    model: str
    budget: float
    strategies: tuple[StrategyEstimate, ...]
    not_counted: tuple[str, ...]
    """Parts of the run that may ask the model too."""

    @property
    def least(self) -> float:
        return sum(each.least for each in self.strategies)

    @property
    def most(self) -> float:
        return sum(each.most for each in self.strategies)


async def estimate(settings: Settings, *, store: Store) -> RunEstimate:
    """Count what would be asked. Raises BugfoundryError."""
    wanted = [name for name in settings.strategies if name in MODELLED]
    if not wanted:
        raise ConfigError(NOTHING.format(names=", ".join(MODELLED)))
    trees = Trees(settings.cache)
    repository = fetch(settings, trees, store)
    files = source_files(settings, repository, trees)
    shares = share(settings)
    found, name = [], ""
    for strategy in wanted:
        model = configured_model(
            settings,
            store,
            repository=f"{repository.owner}/{repository.name}",
            strategy=strategy,
            mode="estimate",
        )
        assert isinstance(model, Estimator)
        name = model.name
        asks = ASKING[strategy](
            files, seed=settings.seed, max_bugs=shares, candidates=settings.candidates
        )
        for ask in asks:
            with suppress(NotAsked):
                await model.call(ask)
        found.append(row(strategy, shares, model.estimate))
    also = [name for name in ("mirror",) if name in settings.strategies]
    also += ["statements"] if settings.statements == "model" else []
    return RunEstimate(
        repository=repository.key,
        model=name,
        budget=settings.model_budget,
        strategies=tuple(found),
        not_counted=tuple(also),
    )


def share(settings: Settings) -> int:
    """Return how many bugs each strategy may propose, as `forge` shares the limit out."""
    parts = [name for name in settings.strategies if name != "mirror"]
    return math.ceil((settings.max_bugs or 0) / len(parts))


def row(strategy: str, bugs: int, counted: Estimate) -> StrategyEstimate:
    """Return what was counted for a strategy."""
    return StrategyEstimate(
        strategy=strategy,
        bugs=bugs,
        calls=counted.calls,
        stored=counted.stored,
        least_tokens=counted.least_tokens,
        most_tokens=counted.most_tokens,
        least=round(counted.least, 4),
        most=round(counted.most, 4),
    )


def source_files(settings: Settings, repository: Repository, trees: Trees) -> dict[str, bytes]:
    """Return the files that bugs may be made in, by the repository's own settings."""
    paths = trees.paths(repository.tree)
    with TemporaryDirectory(prefix="bugfoundry-") as folder:
        checkout = Path(folder) / "tree"
        trees.materialise(repository.tree, checkout)
        overrides = merge(read_config(FolderTree(checkout)), settings.overrides)
    wanted = [path for path in paths if is_source_path(path) and not overrides.excludes(path)]
    return trees.read_all(repository.tree, wanted)


def described(found: RunEstimate) -> Sequence[str]:
    """Say it in lines."""
    lines = [f"{found.repository} by {found.model}, nothing was asked"]
    for each in found.strategies:
        known = f", {each.stored} more are in the store" if each.stored else ""
        lines.append(
            f"  {each.strategy}: {each.calls} calls for up to {each.bugs} bugs, "
            f"{each.least_tokens:,} to {each.most_tokens:,} tokens of input, "
            f"${each.least:.2f} to ${each.most:.2f}{known}"
        )
    lines.append(
        f"in all ${found.least:.2f} to ${found.most:.2f}; "
        f"the budget of this repository is ${found.budget:.2f}"
    )
    if found.not_counted:
        lines.append(
            f"not counted, since it depends on what the run finds: {', '.join(found.not_counted)}"
        )
    return lines
