"""The strategies of one run, made ready to propose bugs of one repository."""

from __future__ import annotations

from dataclasses import dataclass

from forge.pulls.mirror import Mirror, make_mirror
from forge.run.context import Source
from forge.run.models import configured_model
from forge.run.preparation import Ready
from forge.run.progress import Reporter
from forge.run.settings import Settings
from forge.run.sources import sources
from llm.client import Model
from storage.store import Store
from storage.trees import Trees


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What proposes, with what it shares with the rest of a run."""

    name: str
    """The repository, as ``owner/name``."""
    source: Source
    model: Model | None
    mirror: Mirror | None


async def make_portfolio(
    settings: Settings, ready: Ready, trees: Trees, *, store: Store, reporter: Reporter
) -> Portfolio:
    """Make the strategies ready; pull requests that are new are crawled. Raises BugfoundryError."""
    name = f"{ready.repository.owner}/{ready.repository.name}"
    model = configured_model(
        settings, store, repository=name, mode="batch" if settings.model.batch else "ask"
    )
    mirror = await make_mirror(
        settings,
        ready.repository,
        trees,
        store=store,
        reporter=reporter,
        model=model,
        tests=ready.prepared.baseline.green,
    )
    source = sources(
        settings.proposals.names,
        mirror=mirror,
        model=model,
        note=reporter.note,
        candidates=settings.model.candidates,
        at_most=settings.proposals.at_most,
    )
    return Portfolio(name=name, source=source, model=model, mirror=mirror)
