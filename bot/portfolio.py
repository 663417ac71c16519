"""The strategies of one run, made ready to propose bugs of one repository."""

from __future__ import annotations

from dataclasses import dataclass

from bot.context import Source
from bot.mirroring import Mirror, make_mirror
from bot.models import configured_model
from bot.preparing import Ready
from bot.progress import Reporter
from bot.settings import Settings
from bot.sources import sources
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
        settings, store, repository=name, mode="batch" if settings.batch else "ask"
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
        settings.strategies,
        mirror=mirror,
        model=model,
        note=reporter.note,
        candidates=settings.candidates,
        at_most=settings.at_most,
    )
    return Portfolio(name=name, source=source, model=model, mirror=mirror)
