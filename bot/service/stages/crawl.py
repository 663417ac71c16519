"""The crawl: pull requests and the issues they close, as GitHub has them now."""

from __future__ import annotations

from bot.service.base.scene import Outcome
from bot.service.stages.base import Stage, make_stage_handler
from forge.pulls.crawl import CrawlSettings, crawl_repository
from forge.run.nouns import format_count


async def work(stage: Stage) -> Outcome:
    """Bring up to date what is known of the pull requests. Raises BugfoundryError."""
    summary = await crawl_repository(
        crawl_settings(stage, stage.hosted.commit), store=stage.store, reporter=stage.reporter
    )
    return Outcome(
        note=f"{format_count(summary.pulls, 'pull request')}, {summary.new} read anew, "
        f"{summary.candidates} to mirror"
    )


def crawl_settings(stage: Stage, commit: str) -> CrawlSettings:
    """Return how the pull requests are crawled, and chosen for a commit."""
    settings = stage.settings(commit)
    return CrawlSettings(
        source=settings.source,
        cache=settings.cache,
        way="github",
        api_url=settings.github_url,
        tokens=settings.github_tokens,
    )


crawl = make_stage_handler("crawl", work)
