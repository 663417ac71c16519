"""Pull requests of a repository, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass

from storage.tables import rows
from storage.tables.hosted import Hosted
from storage.views.query import Page, ReadOnlyTables, Sight, make_tree_condition

UNTRIED = "not tried yet"
OUTCOMES = """
    (select mirrorings.*, max(link.since) from mirrorings
        join hosted_trees as link on link.tree = mirrorings.tree and link.repository = :id
        where mirrorings.repository = :name and {seen}
        group by mirrorings."commit") as outcomes
"""
"""Of a pull request that was tried on several commits, what became of it on the newest."""
TRIED = """
    from {outcomes} left join pull_requests as pull
        on pull.repository = :name and pull."commit" = outcomes."commit"
    where ifnull(:outcome, outcome) = outcome
"""
ALL = f"""
    from pull_requests as pull left join {{outcomes}} on outcomes."commit" = pull."commit"
    where pull.repository = :name
        and ifnull(:outcome, ifnull(outcome, '{UNTRIED}')) = ifnull(outcome, '{UNTRIED}')
"""
COLUMNS = f"""
    ifnull(pull."commit", outcomes."commit") as "commit", ifnull(pull.number, 0) as number,
    ifnull(pull.title, '') as title, ifnull(pull.author, '') as author,
    ifnull(pull.merged, '') as merged, ifnull(outcome, '{UNTRIED}') as outcome,
    ifnull(detail, '') as detail, ifnull(tier, '') as tier, ifnull(undone, 0.0) as undone,
    ifnull(outcomes.bug, '') as bug,
    ifnull((select reason from standings where standings.bug = outcomes.bug), '') as reason
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLine:
    """A pull request in a list."""

    commit: str
    number: int
    """0 when not known."""
    title: str
    author: str
    merged: str
    outcome: str
    detail: str
    tier: str
    undone: float
    bug: str
    """The bug that its undoing is; empty where there is none."""
    reason: str
    """What execution said of that bug."""


class PullViews(ReadOnlyTables):
    """Questions about pull requests; reached as ``store.views.pulls``."""

    def page(
        self, sight: Sight, hosted: Hosted, *, outcome: str = "", number: int = 1
    ) -> Page[PullLine]:
        """Return the pull requests, the newest first.

        Anybody sees those that were tried on a commit of this very repository: a name may have
        been another, private repository's before, and what was crawled goes by the name.
        """
        return self._page(
            COLUMNS,
            _source(sight),
            'pull.merged desc, pull.number desc, "commit"',
            {"id": hosted.id, "name": hosted.name, "outcome": outcome or None},
            number=number,
            kind=lambda row: rows.from_row(row, PullLine),
        )

    def outcomes(self, sight: Sight, hosted: Hosted) -> list[tuple[str, int]]:
        """Return what became of them and how often, the commonest first."""
        found = self._ask(
            f"select ifnull(outcome, '{UNTRIED}') as outcome, count(*) as pulls "
            f"{_source(sight)} group by 1 order by 2 desc, 1",
            {"id": hosted.id, "name": hosted.name, "outcome": None},
        )
        return [(row["outcome"], row["pulls"]) for row in found]


def _source(sight: Sight) -> str:
    outcomes = OUTCOMES.format(seen=make_tree_condition(sight, "mirrorings.tree"))
    return (ALL if sight == "operator" else TRIED).format(outcomes=outcomes)
