"""Issues that a message closes, or only mentions, read as GitHub reads them.

https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from storage.records import Evidence, Link

NUMBER = r"(?:0*[1-9]\d{0,7})(?!\w)"
PLACE = r"[A-Za-z0-9][\w.-]*/[\w.-]+"
REFERENCE = (
    rf"(?:(?P<place>{PLACE})?\#(?P<plain>{NUMBER})"
    rf"|GH-(?P<gh>{NUMBER})"
    rf"|https?://[\w.:-]+/(?P<url_place>{PLACE})/issues/(?P<url>{NUMBER}))"
)
KEYWORD = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
GAP = r"(?:[ \t]{0,4}:[ \t]{0,4}\n?|[ \t]{1,4}\n?|\n)[ \t]{0,8}"
CLOSING = re.compile(rf"(?<![\w/#-]){KEYWORD}{GAP}{REFERENCE}", re.I)
MENTION = re.compile(rf"(?<![\w&/#.-]){REFERENCE}", re.I)

FENCE = re.compile(
    r"^[ \t]{0,3}(?P<fence>`{3,}+|~{3,}+)[^\n]*\n.*?(?:^[ \t]{0,3}(?P=fence)[^\n]*$|\Z)",
    re.M | re.S,
)
INLINE = re.compile(r"(?<!`)(?P<ticks>`{1,9}+)(?!`)[^\n]{0,500}?(?<!`)(?P=ticks)(?!`)")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)


def message_links(text: str, repository: str) -> Iterator[Link]:
    """Yield a link for each issue that a message names, in order; code is no message."""
    text = without_code(text)
    yield from _links(CLOSING, text, repository, "keyword")
    yield from _links(MENTION, text, repository, "mention")


def find_closed_issues(text: str, repository: str) -> set[tuple[str, int]]:
    """Return repository and number of the issues that a message closes."""
    found = _links(CLOSING, without_code(text), repository, "keyword")
    return {(link.repository, link.number) for link in found}


def without_code(text: str) -> str:
    """Blank out what GitHub reads no reference in: code blocks, code spans and comments."""
    for pattern in (COMMENT, FENCE, INLINE):
        text = pattern.sub(" ` ", text)
    return text


def _links(
    pattern: re.Pattern[str], text: str, repository: str, evidence: Evidence
) -> Iterator[Link]:
    for found in pattern.finditer(text):
        place = found["place"] or found["url_place"] or repository
        place = repository if place.lower() == repository.lower() else place
        number = int(found["plain"] or found["gh"] or found["url"])
        yield Link(repository=place, number=number, evidence=evidence)
