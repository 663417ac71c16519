"""A story that a test tells as it goes, for a page of docs: what was said, asked and written."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.furniture.github_world import World
    from tests.furniture.github_world.base import Asked
    from tests.furniture.github_world.hooks import Delivery

WRITING = ("POST", "PATCH", "PUT", "DELETE")
OF_THE_MACHINE = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "https://github.example"),
    (re.compile(r"Python 3\.\d+\.\d+"), "Python 3.x"),
)
"""What differs from one machine or run to another, and what the page has in its place."""
WIDTH = 100


class Story:
    """Parts, each with what was seen in it."""

    def __init__(self, world: World, head: str) -> None:
        self._world = world
        self._lines = [head]
        self._seen = 0
        self._cloned = 0

    def part(self, title: str, text: str) -> None:
        """Begin a part: what came over the wire before is not of it."""
        self._seen, self._cloned = len(self._world.asked), len(self._world.asked_of_git)
        self._lines.append(f"## {title}")
        self.say(text)

    def say(self, text: str) -> None:
        """Say something in a paragraph."""
        self._lines.append(
            textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        )

    def items(self, items: Iterable[str]) -> None:
        """Show a list."""
        self._lines.append("\n".join(f"- {item}" for item in items))

    def quote(self, text: str) -> None:
        """Show what stands on GitHub."""
        lines = text.strip().splitlines()
        self._lines.append("\n".join(f"> {line}".rstrip() for line in lines))

    def block(self, text: str, language: str = "") -> None:
        """Show text as it is."""
        self._lines.append(f"````{language}\n{text.rstrip()}\n````")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show rows."""
        lines = (head, ["---"] * len(head), *rows)
        self._lines.append("\n".join(f"| {' | '.join(line)} |" for line in lines))

    def wire(self, told: Sequence[Delivery], echo: Sequence[Delivery] = ()) -> None:
        """Show what went to and fro in this part: what GitHub told, what was read and written.

        ``echo`` is what GitHub told because of what was written.
        """
        asked = self._world.asked[self._seen :]
        cloned = {
            one.path.partition(".git/")[0] for one in self._world.asked_of_git[self._cloned :]
        }
        written = [f"writes   {one.method} {one.path}  {one.status}" for one in wrote(asked)]
        reads = sorted({f"reads    {one.method} {one.path}" for one in asked if not writes(one)})
        fetches = [f"fetches  {name.strip('/')}, by git" for name in sorted(cloned)]
        did = [*reads, *fetches, *(written or ["writes   nothing"])]
        lines = [*tells(told), *(f"it      {line}" for line in did), *tells(echo)]
        self.block("\n".join(lines), "text")

    def written(self) -> list[Asked]:
        """Return the requests of this part that wrote to a repository."""
        return wrote(self._world.asked[self._seen :])

    def text(self) -> str:
        """Return the page."""
        page = "\n\n".join(self._lines) + "\n"
        for varying, shown in OF_THE_MACHINE:
            page = varying.sub(shown, page)
        return page


def wrote(asked: Iterable[Asked]) -> list[Asked]:
    """Return the requests that wrote to a repository."""
    return [one for one in asked if writes(one)]


def writes(one: Asked) -> bool:
    """Say whether a request writes to a repository: a query and a token are none of it."""
    return one.method in WRITING and one.path.startswith("/repos/")


def tells(told: Iterable[Delivery]) -> list[str]:
    """Return deliveries as lines."""
    return [f"GitHub  tells    {one.event} {one.action or ''}".rstrip() for one in told]
