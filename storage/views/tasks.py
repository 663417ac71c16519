"""Tasks as the dashboard lists and shows them."""

from __future__ import annotations

from dataclasses import dataclass

from storage import rows
from storage.pulls import Pulls
from storage.records import Mirroring, PullRequest, Repository, Task
from storage.views.reading import Page, Reading, Sight, containing, seen_repository, seen_tree

FROM = "from tasks join standings on standings.bug = tasks.bug and standings.tasks > 0"
MATCHES = """
    and ifnull(:strategy, strategy) = strategy and ifnull(:operator, operator) = operator
"""
IN_REPOSITORY = """
    and standings.tree in (select hosted_trees.tree from hosted_trees
        join hosted on hosted.id = hosted_trees.repository
        where lower(hosted.name) = lower(:repository) and {seen})
"""
HAS_TEXT = """
    and (tasks.id like :text escape '!' or statement like :text escape '!'
        or path like :text escape '!' or entity like :text escape '!')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks are asked for; what is empty does not matter."""

    repository: str = ""
    """``owner/name`` on GitHub."""
    strategy: str = ""
    operator: str = ""
    text: str = ""
    """Somewhere in its id, statement, file or entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """A task in a list."""

    id: str
    bug: str
    created: str
    strategy: str
    operator: str
    path: str
    entity: str
    hidden: int
    """Whether tests are hidden from the solver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """The pull request that a mirrored bug undoes."""

    mirroring: Mirroring
    pull: PullRequest | None


class TaskViews(Reading):
    """Questions about tasks; reached as ``store.views.tasks``."""

    def page(self, sight: Sight, wanted: TaskFilter, *, number: int = 1) -> Page[TaskLine]:
        """Return the tasks asked for, the newest first."""
        where = f"where {seen_tree(sight, 'standings.tree')} {MATCHES}"
        where += HAS_TEXT if wanted.text else ""
        if wanted.repository:
            where += IN_REPOSITORY.format(seen=seen_repository(sight))
        return self._page(
            "tasks.id, tasks.bug, created, strategy, operator, path, entity, "
            "test_patch != '' as hidden",
            f"{FROM} {where}",
            "created desc, tasks.id desc",
            {
                "repository": wanted.repository,
                "strategy": wanted.strategy or None,
                "operator": wanted.operator or None,
                "text": containing(wanted.text),
            },
            number=number,
            kind=lambda row: rows.from_row(row, TaskLine),
        )

    def operators(self, sight: Sight) -> list[tuple[str, str, int]]:
        """Return strategy, operator and number of tasks, for every operator that made one."""
        found = self._ask(
            "select strategy, operator, sum(tasks) as made from standings "
            f"where tasks > 0 and {seen_tree(sight, 'tree')} group by strategy, operator "
            "order by strategy, operator"
        )
        return [(row["strategy"], row["operator"], row["made"]) for row in found]

    def show(self, sight: Sight, task_id: str) -> Task | None:
        """Return a task by its whole id; None where there is none, or it may not be seen."""
        found = self._ask(
            "select tasks.* from tasks join bugs on bugs.id = tasks.bug "
            f"where tasks.id = :id and {seen_tree(sight, 'bugs.tree')}",
            {"id": task_id},
        )
        return next(map(rows.task, found), None)

    def repository(self, tree: str) -> Repository | None:
        """Return the repository that a task's tree is known by."""
        found = self._ask(
            "select * from repositories where tree = :tree order by turn desc limit 1",
            {"tree": tree},
        )
        return next((rows.from_row(row, Repository) for row in found), None)

    def undone(self, sight: Sight, bug: str) -> list[Undone]:
        """Return the pull requests whose undoing is a bug, with what is known of them."""
        found = self._ask(
            f"select * from mirrorings where bug = :bug and {seen_tree(sight, 'tree')} "
            "order by rowid",
            {"bug": bug},
        )
        pulls = Pulls(self._db, self.path)
        mirrorings = [rows.from_row(row, Mirroring) for row in found]
        return [
            Undone(mirroring=each, pull=pulls.get(each.repository, each.commit))
            for each in mirrorings
        ]
