"""Bugs as the dashboard lists and shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from storage.records import Bug, Origin
from storage.tables import rows, test_sets
from storage.tables.rows import Row
from storage.tables.sqlite import Database
from storage.views.query import (
    Page,
    ReadOnlyTables,
    Sight,
    make_like_pattern,
    make_tree_condition,
    same,
)

MOST_TESTS = 300
"""Names of tests that are read of a list."""
LINE = (
    "standings.bug, strategy, operator, path, entity, line, reason, mode, standings.seconds, tasks"
)
IN_FILE = " and (path like :file escape '!' or changes like :file_json escape '!')"
HAS_TEXT = """
    and (standings.bug like :text escape '!' or entity like :text escape '!'
        or path like :text escape '!' or patch like :text escape '!'
        or exists (select 1 from verdicts where verdicts.bug = standings.bug
            and detail like :text escape '!'))
"""
FIRST_ORIGIN = """
    select bugs.*, origins.* from bugs join origins on origins.rowid =
        (select min(rowid) from origins where origins.bug = bugs.id)
    where bugs.id = :bug and
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BugFilter:
    """Which bugs are asked for; what is empty does not matter."""

    strategy: str = ""
    operator: str = ""
    reason: str = ""
    """``valid`` or why not; ``unjudged`` for those without a verdict."""
    mode: str = ""
    file: str = ""
    """Somewhere in the path of a file that it changes."""
    text: str = ""
    """Somewhere in its patch, entity, id, or what its verdict says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BugLine:
    """A bug in a list, with the verdict that was given last."""

    bug: str
    strategy: str
    operator: str
    path: str
    entity: str
    line: int
    reason: str
    """Empty where there is no verdict."""
    mode: str
    seconds: float
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that a filter can have, and how many bugs have it."""

    value: str
    bugs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a repository's bugs can be filtered by."""

    strategies: tuple[Choice, ...]
    operators: tuple[Choice, ...]
    reasons: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestList:
    """A list of tests: how many, and the first of them."""

    __test__ = False

    count: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictShown:
    """A verdict, its lists cut short."""

    environment: str
    harness: str
    mode: str
    reason: str
    seconds: float
    detail: str
    fail_to_pass: TestList
    pass_to_pass: TestList
    spilled: TestList


@dataclass(frozen=True, slots=True, kw_only=True)
class BugShown:
    """All that is shown of one bug."""

    bug: Bug
    origins: tuple[Origin, ...]
    verdicts: tuple[VerdictShown, ...]
    """The one given last first."""
    tasks: tuple[str, ...]
    repositories: tuple[str, ...]
    """Names on GitHub of those it is a bug of."""
    parents: tuple[str, ...]
    """Of a combined bug, those parents that can be seen."""


class BugViews(ReadOnlyTables):
    """Questions about bugs; reached as ``store.views.bugs``."""

    def __init__(self, db: Database, path: Path) -> None:
        super().__init__(db, path)
        self._tests = _Tests(db, path)

    def page(
        self,
        sight: Sight,
        repository: int,
        wanted: BugFilter,
        *,
        number: int = 1,
        tree: str | None = None,
    ) -> Page[BugLine]:
        """Return the bugs of a repository, the newest first; of one of its trees if so asked."""
        told = _make_filter_values(wanted) | {"tree": tree}
        source = f"from standings where {_ours(sight)} {same('standings', told)}"
        # The plus has SQLite sort these few instead of walking through all by their number.
        order, values = "+standings.id desc", told | {"repository": repository}

        def kind(row: Row) -> BugLine:
            return rows.from_row(row, BugLine)

        if not (wanted.file or wanted.text):
            return self._page(LINE, source, order, values, number=number, kind=kind)
        source = source.replace("where", "join bugs on bugs.id = standings.bug where", 1)
        source += (IN_FILE if wanted.file else "") + (HAS_TEXT if wanted.text else "")
        values |= _make_search_values(wanted)
        return self._page_at_once(LINE, source, order, values, number=number, kind=kind)

    def choices(self, sight: Sight, repository: int) -> Choices:
        """Return what the bugs of a repository can be filtered by, the commonest first."""
        found = self._ask(
            "select strategy, operator, reason, count(*) as bugs from standings "
            f"where {_ours(sight)} group by strategy, operator, reason",
            {"repository": repository},
        )
        return Choices(
            strategies=_choices(found, "strategy"),
            operators=_choices(found, "operator"),
            reasons=_choices(found, "reason"),
        )

    def show(self, sight: Sight, bug_id: str) -> BugShown | None:
        """Return a bug; None where there is none, or it may not be seen."""
        found = self._ask(
            f"{FIRST_ORIGIN} {make_tree_condition(sight, 'bugs.tree')}", {"bug": bug_id}
        )
        if not found:
            return None
        bug = rows.bug(found[0])
        values = {"bug": bug_id, "tree": bug.tree}
        origins = self._ask("select * from origins where bug = :bug order by rowid", values)
        verdicts = self._ask("select * from verdicts where bug = :bug order by rowid desc", values)
        tasks = self._ask("select id from tasks where bug = :bug order by id", values)
        return BugShown(
            bug=bug,
            origins=tuple(map(rows.origin, origins)),
            verdicts=tuple(map(self._tests.verdict, verdicts)),
            tasks=tuple(row["id"] for row in tasks),
            repositories=self._list_repository_names(sight, bug.tree),
            parents=tuple(p for p in bug.origin.parents if self._is_visible(sight, p)),
        )

    def _list_repository_names(self, sight: Sight, tree: str) -> tuple[str, ...]:
        seen = "true" if sight == "operator" else "private = 0 and opted_in = 1"
        query = (
            "select name from hosted join hosted_trees on repository = hosted.id "
            "where hosted_trees.tree = :tree and hosted.state != 'gone' "
            f"and {seen} order by lower(name)"
        )
        return tuple(row["name"] for row in self._ask(query, {"tree": tree}))

    def _is_visible(self, sight: Sight, bug_id: str) -> bool:
        query = f"select 1 from bugs where id = :bug and {make_tree_condition(sight, 'tree')}"
        return bool(self._ask(query, {"bug": bug_id}))


class _Tests(ReadOnlyTables):
    """Reads lists of tests without reading all names of an environment."""

    def verdict(self, row: Row) -> VerdictShown:
        """Return the verdict of a row."""
        lists = {name: self._list(row, name) for name in ("fail_to_pass", "spilled")}
        return rows.from_row(row, VerdictShown, **lists, pass_to_pass=self._read_passing_tests(row))

    def _read_passing_tests(self, row: Row) -> TestList:
        if row["pass_to_pass"]:
            return self._list(row, "pass_to_pass")
        numbers = test_sets.without(self._numbers(row["green"]), self._numbers(row["excluded"]))
        return self._read_test_names(row["environment"], numbers)

    def _list(self, row: Row, column: str) -> TestList:
        return self._read_test_names(row["environment"], self._numbers(row[column]))

    def _numbers(self, name: str | None) -> list[int]:
        found = self._ask("select numbers from test_sets where name = :name", {"name": name})
        return test_sets.unpack(found[0]["numbers"]) if found else []

    def _read_test_names(self, environment: str, numbers: list[int]) -> TestList:
        shown = numbers[:MOST_TESTS]
        query = (
            "select test from json_each(:numbers) join tests "
            "on tests.environment = :environment and tests.number = json_each.value "
            "order by json_each.key"
        )
        found = self._ask(query, {"numbers": json.dumps(shown), "environment": environment})
        return TestList(count=len(numbers), names=tuple(rows.untext(r["test"]) for r in found))


def _ours(sight: Sight) -> str:
    return (
        "standings.tree in (select tree from hosted_trees where repository = :repository) "
        f"and {make_tree_condition(sight, 'standings.tree')}"
    )


def _make_filter_values(wanted: BugFilter) -> dict[str, object]:
    return {
        "strategy": wanted.strategy or None,
        "operator": wanted.operator or None,
        "reason": {"": None, "unjudged": ""}.get(wanted.reason, wanted.reason),
        "mode": wanted.mode or None,
    }


def _make_search_values(wanted: BugFilter) -> dict[str, object]:
    return {
        "file": make_like_pattern(wanted.file),
        # Paths stand in `changes` as JSON, in ASCII.
        "file_json": make_like_pattern(json.dumps(wanted.file)[1:-1]),
        "text": make_like_pattern(wanted.text),
    }


def _choices(found: list[Row], column: str) -> tuple[Choice, ...]:
    sums: dict[str, int] = {}
    for row in found:
        sums[row[column]] = sums.get(row[column], 0) + row["bugs"]
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Choice(value=value, bugs=bugs) for value, bugs in ordered)
