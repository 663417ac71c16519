"""What every question of the pages has in common: who asks, how long it may take, and paging."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from storage.errors import StoreError
from storage.tables.database import translate_errors
from storage.tables.rows import Row
from storage.tables.table import Tables

Sight = Literal["anybody", "operator"]
"""Who asks. Nothing of a private repository is in an answer to anybody, counts included."""
T = TypeVar("T")

LONGEST = 4.0
"""Seconds that a question may take: pages are public, and must not hold each other up."""
LOOK_EVERY = 20_000
"""Steps of SQLite's machine between two looks at the clock: a few milliseconds."""
PAGE = 50

SEEN_REPOSITORY = "{0}.private = 0 and {0}.state in ('active', 'archived')"
SEEN_TREES = f"""
    select link.tree from hosted_trees as link join hosted on hosted.id = link.repository
    group by link.tree
    having max(hosted.private) = 0
        and max({SEEN_REPOSITORY.format("hosted")} and hosted.opted_in = 1) = 1
"""
"""Trees that anybody may see: of a public repository that is opted in, and of no private one.

What came from a command line belongs to no repository on GitHub, and is the operator's alone.
"""


class TooSlow(StoreError):
    """A question took longer than it may; a narrower one may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a long list. Pages are numbered from 1."""

    rows: tuple[T, ...]
    number: int
    total: int
    """How many rows there are on all pages."""
    size: int = PAGE

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first_row(self) -> int:
        """Which row of all the first one here is, from 1; 0 where there is none."""
        return (self.number - 1) * self.size + 1 if self.rows else 0


class ReadOnlyTables(Tables):
    """Asks read-only questions, each within its time."""

    def _ask(self, query: str, values: Mapping[str, object] | None = None) -> list[Row]:
        """Return the rows of a query with named values. Raises TooSlow."""
        until = time.monotonic() + LONGEST
        connection = self._db.conn
        connection.set_progress_handler(lambda: int(time.monotonic() > until), LOOK_EVERY)
        try:
            with translate_errors(self.path):
                return list(self._db.query(query, dict(values or {})))
        except StoreError as error:
            cause = error.__cause__
            if getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise TooSlow("this takes too long; narrow what is asked for") from error
            raise
        finally:
            connection.set_progress_handler(None, 0)

    def _page(
        self,
        columns: str,
        source: str,
        order: str,
        values: Mapping[str, object],
        *,
        number: int,
        kind: Callable[[Row], T],
        total: str = "",
    ) -> Page[T]:
        """Return one page of ``select columns source order``; a page after the last is the last.

        ``total`` is a cheaper query for the number of rows, where there is one.
        """
        found = self._ask(total or f"select count(*) as total {source}", values)
        rows_in_all = int(found[0]["total"] or 0)
        shown = min(max(1, number), max(1, -(-rows_in_all // PAGE)))
        limits = {"most": PAGE, "skip": (shown - 1) * PAGE}
        query = f"select {columns} {source} order by {order} limit :most offset :skip"
        rows = self._ask(query, {**values, **limits}) if rows_in_all else []
        return Page(rows=tuple(map(kind, rows)), number=shown, total=rows_in_all)

    def _page_at_once(
        self,
        columns: str,
        source: str,
        order: str,
        values: Mapping[str, object],
        *,
        number: int,
        kind: Callable[[Row], T],
    ) -> Page[T]:
        """Do what ``_page`` does in one pass: for a search that has to look at everything."""
        limits = {"most": PAGE, "skip": (max(1, number) - 1) * PAGE}
        query = (
            f"select {columns}, count(*) over () as total {source} "
            f"order by {order} limit :most offset :skip"
        )
        rows = self._ask(query, {**values, **limits})
        if not rows and number > 1:
            return self._page(columns, source, order, values, number=number, kind=kind)
        total = int(rows[0]["total"]) if rows else 0
        return Page(rows=tuple(map(kind, rows)), number=max(1, number), total=total)


def make_repository_condition(sight: Sight, table: str = "hosted") -> str:
    """Return the condition under which a row of ``hosted`` may be seen."""
    return "true" if sight == "operator" else f"({SEEN_REPOSITORY.format(table)})"


def make_tree_condition(sight: Sight, column: str) -> str:
    """Return the condition under which what belongs to a tree may be seen."""
    return "true" if sight == "operator" else f"{column} in ({SEEN_TREES})"


def make_like_pattern(text: str) -> str:
    """Return the pattern for ``like ... escape '!'`` that finds a text anywhere."""
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def same(table: str, values: Mapping[str, object]) -> str:
    """Return the conditions under which columns have the values that are given."""
    given = [name for name, value in values.items() if value is not None]
    return "".join(f" and {table}.{name} = :{name}" for name in given)
