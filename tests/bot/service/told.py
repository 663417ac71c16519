"""A story that a test tells as it goes, for a page of the docs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

HEAD = """\
# A story: from installing the App to leaving it

What a maintainer sees, in order. `tests/bot/service/test_story.py` wrote it, playing it with the
real service against the GitHub of the tests, on a small project with one human fix.
"""
CHANGES = re.compile(r"[0-9a-f]{7,}|\d+|__[a-z0-9]{8}\b")
"""What differs from run to run: hashes, counts, ids of tasks."""


class Story:
    """Parts, each with what was seen in it."""

    def __init__(self) -> None:
        self._lines: list[str] = [HEAD]

    def part(self, title: str) -> None:
        """Begin a part."""
        self._lines.append(f"## {title}\n")

    def say(self, text: str) -> None:
        """Say something in a paragraph."""
        self._lines.append(f"{text}\n")

    def quote(self, text: str) -> None:
        """Show what stood on GitHub."""
        shown = "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
        self._lines.append(f"{shown}\n")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show rows."""
        lines = [head, ["---"] * len(head), *rows]
        self._lines.append("".join(f"| {' | '.join(row)} |\n" for row in lines))

    def text(self) -> str:
        """Return the page."""
        return "\n".join(self._lines)

    def told_as(self, page: str) -> bool:
        """Say whether a page has the same parts, and begins each in the same words."""
        return openings(self.text()) == openings(page)


def openings(page: str) -> list[tuple[str, str]]:
    """Return the parts of a page: title and first line, without what differs from run to run."""
    parts = [part.strip().splitlines() for part in page.split("\n## ")[1:]]
    return [(part[0], CHANGES.sub("#", part[2] if len(part) > 2 else "")) for part in parts]
