"""What an address asks for: filters and the number of a page, whatever was typed there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

from storage.views.bugs import Choice

LONGEST = 200
"""Characters of a filter that are read."""
MOST_PAGES = 1_000_000

T = TypeVar("T", bound=str)


def text(request: web.Request, name: str) -> str:
    """Return a filter, without space around it; empty where it is not given."""
    # A lone surrogate or NUL is no text that a store could hold.
    given = request.query.get(name, "")[:LONGEST].replace("\0", "")
    return given.encode(errors="ignore").decode().strip()


def page(request: web.Request, name: str = "page") -> int:
    """Return the number of a page, 1 where none is given."""
    given = request.query.get(name, "")
    is_number = given.isascii() and given.isdigit() and len(given) < 8
    return min(max(1, int(given)), MOST_PAGES) if is_number else 1


def one_of(request: web.Request, name: str, values: Iterable[T], default: T) -> T:
    """Return a filter that has only so many values."""
    given = request.query.get(name, "")
    return next((value for value in values if value == given), default)


def address(path: str, **query: object) -> str:
    """Return an address, what is empty left out of its query."""
    told = {name: value for name, value in query.items() if value not in ("", 0, None)}
    return f"{path}?{urlencode(told, errors='replace')}" if told else path


def page_address(request: web.Request, name: str, number: int) -> str:
    """Return the address of what is shown now, with another number of one of its pages."""
    return address(request.rel_url.raw_path, **{**request.query, name: number})


def make_counted_options(counted: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    """Return the options of a filter from values and how often each is there; all comes first."""
    options = [(value, f"{value} ({number:,})") for value, number in counted]
    return [("", "all"), *options]


def choices_of(choices: Iterable[Choice]) -> list[tuple[str, str]]:
    """Return the options of a filter; what has no value cannot be asked for, but for a verdict."""
    return make_counted_options((c.value, c.bugs) for c in choices if c.value)


def make_options(values: Iterable[str]) -> list[tuple[str, str]]:
    """Return the options of a filter from its values, each once."""
    return [("", "all"), *((value, value) for value in dict.fromkeys(values) if value)]
