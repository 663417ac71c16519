"""Repositories as the dashboard lists them: what is opted in, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from storage.records import Environment, PlanAttempt
from storage.tables import rows
from storage.tables.hosted import Hosted, hosted_of
from storage.tables.jobs import Job
from storage.views.query import (
    Page,
    ReadOnlyTables,
    Sight,
    make_like_pattern,
    make_repository_condition,
    make_tree_condition,
)

Which = Literal["all", "in", "out", "private"]

WHICH: dict[Which, str] = {
    "all": "true",
    "in": "hosted.opted_in = 1",
    "out": "hosted.opted_in = 0",
    "private": "hosted.private = 1",
}
STANDING = """
    select link.repository as id, count(*) as proposed, sum(reason != '') as judged,
        sum(reason = 'valid') as valid, sum(tasks) as tasks
    from hosted_trees as link join standings on standings.tree = link.tree
    where link.repository in ({ids}) and {seen} group by link.repository
"""
LAST = """
    select repository as id, max(max(created, started, ended)) as active
    from jobs where repository in ({ids}) group by repository
"""
UNDER_WAY = """
    select * from jobs
    where repository in ({ids}) and queue = 'work' and state in ('running', 'waiting')
    order by state = 'waiting', priority desc, due, id
"""
SINCE_ITS_TREE = """
    created >= (select strftime('%Y-%m-%dT%H:%M:%S', min(link.since), 'unixepoch')
        from hosted_trees as link join hosted on hosted.id = link.repository
        where link.repository = :id and opted_in = 1)
"""
"""A name may have been another repository's before: what was called for that one is older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryLine:
    """A repository and what came of it."""

    hosted: Hosted
    proposed: int
    """Bugs, of all its commits."""
    judged: int
    valid: int
    tasks: int
    dollars: float
    """What language models cost for it."""
    active: float
    """When something was last done for it, in seconds since the epoch; 0 for never."""
    under_way: Job | None
    """The stage that runs, or that waits to be run."""

    @property
    def share(self) -> float:
        """Valid of those judged, 0 to 1."""
        return self.valid / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEnvironment:
    """The environment that serves a repository, or what was tried for one."""

    environment: Environment | None
    tests: int
    """Tests of the baseline; 0 when there is none."""
    green: int
    attempts: tuple[PlanAttempt, ...]


class RepositoryViews(ReadOnlyTables):
    """Questions about repositories; reached as ``store.views.repositories``."""

    def page(
        self, sight: Sight, *, text: str = "", which: Which = "all", number: int = 1
    ) -> Page[RepositoryLine]:
        """Return the repositories whose name has a text in it, those opted in first."""
        source = (
            f"from hosted where {make_repository_condition(sight)} and {WHICH[which]} "
            "and name like :text escape '!'"
        )
        found = self._page(
            "*",
            source,
            "opted_in desc, lower(name), id",
            {"text": make_like_pattern(text)},
            number=number,
            kind=hosted_of,
        )
        lines = self._lines(sight, found.rows)
        return Page(rows=lines, number=found.number, total=found.total)

    def find_by_name(self, sight: Sight, name: str) -> Hosted | None:
        """Return the repository that has this name now, upper and lower case alike."""
        query = (
            "select * from hosted where lower(name) = lower(:name) "
            f"and {make_repository_condition(sight)} "
            "order by state = 'gone', looked desc limit 1"
        )
        return next(map(hosted_of, self._ask(query, {"name": name})), None)

    def line(self, sight: Sight, hosted: Hosted) -> RepositoryLine:
        """Return what came of a repository."""
        return self._lines(sight, [hosted])[0]

    def get_environment(self, sight: Sight, hosted: Hosted) -> RepositoryEnvironment:
        """Return its environment."""
        values = {"tree": hosted.tree}
        seen = make_tree_condition(sight, "environments.tree")
        found = self._ask(
            f"select * from environments where tree = :tree and {seen} order by turn desc limit 1",
            values,
        )
        environment = next(map(rows.environment, found), None)
        counts = self._ask(
            "select (select count(*) from baseline_tests where environment = :id) as tests, "
            "ifnull((select size from baselines join test_sets on test_sets.name = green "
            "where environment = :id), 0) as green",
            {"id": environment.id if environment else ""},
        )[0]
        tried = self._ask(
            "select attempts.* from attempts join hosted_trees as link using (tree) "
            f"where link.repository = :id and {make_tree_condition(sight, 'attempts.tree')} "
            "order by link.since desc, attempts.id desc limit 20",
            {"id": hosted.id},
        )
        attempts = tuple(map(rows.attempt, reversed(tried)))
        return RepositoryEnvironment(environment=environment, attempts=attempts, **counts)

    def count_repositories(self, sight: Sight) -> int:
        """Return how many repositories there are to be seen."""
        found = self._ask(
            f"select count(*) as n from hosted where {make_repository_condition(sight)}"
        )
        return int(found[0]["n"])

    def _lines(self, sight: Sight, hosted: Sequence[Hosted]) -> tuple[RepositoryLine, ...]:
        ids = ", ".join(str(each.id) for each in hosted)
        seen = make_tree_condition(sight, "standings.tree")
        standing = {row["id"]: row for row in self._ask(STANDING.format(ids=ids, seen=seen))}
        last = {row["id"]: row["active"] for row in self._ask(LAST.format(ids=ids))}
        work: dict[int, Job] = {}
        for row in self._ask(UNDER_WAY.format(ids=ids)):
            work.setdefault(row["repository"], rows.from_row(row, Job, again=bool(row["again"])))
        nothing = {"proposed": 0, "judged": 0, "valid": 0, "tasks": 0}
        return tuple(
            RepositoryLine(
                hosted=each,
                dollars=self._dollars(sight, each),
                active=last.get(each.id, 0.0),
                under_way=work.get(each.id),
                **{name: standing.get(each.id, nothing)[name] for name in nothing},
            )
            for each in hosted
        )

    def _dollars(self, sight: Sight, hosted: Hosted) -> float:
        since = "true" if sight == "operator" else SINCE_ITS_TREE
        query = (
            "select ifnull(sum(dollars), 0) as dollars from model_calls "
            f"where repository = :name and {since}"
        )
        return float(self._ask(query, {"name": hosted.name, "id": hosted.id})[0]["dollars"])
