"""Tasks as the dashboard lists and shows them."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records import Mirroring, PullRequest, Repository, Task
from storage.tables import rows
from storage.tables.pulls import Pulls
from storage.tables.rows import Row
from storage.views.query import (
    Page,
    ReadOnlyTables,
    Sight,
    make_like_pattern,
    make_repository_condition,
    make_tree_condition,
    same,
)

COLUMNS = """
    tasks.id, tasks.bug, created, strategy, operator, path, entity, test_patch != '' as hidden
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


class TaskViews(ReadOnlyTables):
    """Questions about tasks; reached as ``store.views.tasks``."""

    def page(self, sight: Sight, wanted: TaskFilter, *, number: int = 1) -> Page[TaskLine]:
        """Return the tasks asked for, the newest first."""
        told: dict[str, object] = {
            "strategy": wanted.strategy or None,
            "operator": wanted.operator or None,
        }
        where = f"where {make_tree_condition(sight, 'standings.tree')} {same('standings', told)} "
        where += "and standings.tasks > 0 "
        if wanted.repository:
            where += IN_REPOSITORY.format(seen=make_repository_condition(sight))
        # A cross join walks the tasks in their order, which of a repository would take longer.
        join = "join" if wanted.repository else "cross join"
        source = f"from tasks {join} standings on standings.bug = tasks.bug {where}"
        order, values = "created desc, tasks.id desc", told | {"repository": wanted.repository}

        def kind(row: Row) -> TaskLine:
            return rows.from_row(row, TaskLine)

        if wanted.text:
            values["text"] = make_like_pattern(wanted.text)
            found = source + HAS_TEXT
            return self._page_at_once(COLUMNS, found, order, values, number=number, kind=kind)
        total = f"select sum(tasks) as total from standings {where}"
        return self._page(COLUMNS, source, order, values, number=number, kind=kind, total=total)

    def operators(self, sight: Sight) -> list[tuple[str, str, int]]:
        """Return strategy, operator and number of tasks, for every operator that made one."""
        found = self._ask(
            "select strategy, operator, sum(tasks) as made from standings "
            f"where tasks > 0 and {make_tree_condition(sight, 'tree')} group by strategy, operator "
            "order by strategy, operator"
        )
        return [(row["strategy"], row["operator"], row["made"]) for row in found]

    def show(self, sight: Sight, task_id: str) -> Task | None:
        """Return a task by its whole id; None where there is none, or it may not be seen."""
        found = self._ask(
            "select tasks.* from tasks join bugs on bugs.id = tasks.bug "
            f"where tasks.id = :id and {make_tree_condition(sight, 'bugs.tree')}",
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

    def list_undone_pulls(self, sight: Sight, bug: str) -> list[Undone]:
        """Return the pull requests whose undoing is a bug, with what is known of them."""
        found = self._ask(
            f"select * from mirrorings where bug = :bug and {make_tree_condition(sight, 'tree')} "
            "order by rowid",
            {"bug": bug},
        )
        pulls = Pulls(self._db, self.path)
        mirrorings = [rows.from_row(row, Mirroring) for row in found]
        return [
            Undone(mirroring=each, pull=pulls.get(each.repository, each.commit))
            for each in mirrorings
        ]
