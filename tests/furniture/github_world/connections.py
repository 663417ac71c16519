"""Lists in GraphQL: a page of them, and the cursors between pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError


@dataclass(frozen=True)
class PageInfo:
    has_next: bool
    has_previous: bool
    start: str | None
    end: str | None


@dataclass(frozen=True)
class Connection:
    """A page of a list."""

    typename: str
    nodes: Sequence[Any]
    total: int
    info: PageInfo


Key = Callable[[Any], list[Any]]


def connection(
    typename: str,
    entries: Sequence[Any],
    *,
    first: int,
    after: str | None = None,
    key: Key | None = None,
    descending: bool = False,
) -> Connection:
    """Return a page of entries. With a ``key``, by which they must be sorted, cursors name a place
    in the order; else they are positions."""
    start = 0
    if after is not None:
        place = _place(after)
        if isinstance(place, int) and not isinstance(place, bool):
            start = place
        elif key is not None and isinstance(place, list):
            passed = [(key(e) >= place) if descending else (key(e) <= place) for e in entries]
            start = passed.index(False) if False in passed else len(entries)
        else:
            raise _invalid(after)
    page = entries[start : start + first]
    ends = [_cursor(key(e) if key else start + n + 1) for n, e in enumerate(page)]
    more = start + first < len(entries)
    info = PageInfo(more, start > 0, ends[0] if ends else None, ends[-1] if ends else None)
    return Connection(typename, page, len(entries), info)


def _cursor(place: Any) -> str:
    return base64.b64encode(b"cursor:v2:" + json.dumps(place).encode()).decode()


def _place(cursor: str) -> Any:
    try:
        return json.loads(base64.b64decode(cursor, validate=True).removeprefix(b"cursor:v2:"))
    except (binascii.Error, ValueError) as error:
        raise _invalid(cursor) from error


def _invalid(cursor: str) -> GraphQLError:
    return GraphQLError(
        f"`{cursor}` does not appear to be a valid cursor.",
        extensions={"type": "INVALID_CURSOR_ARGUMENTS"},
    )
