"""Issues that a text of GitHub's names without closing them."""

from __future__ import annotations

import re

MOST = 50
"""More than this is a changelog or an attack, no report on a fix."""

NOT_PROSE = re.compile(r"<!--.*?-->|```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL)
"""Comments of templates and code: GitHub makes no reference of what is in them."""
REFERENCE = re.compile(
    r"""
    https?://[\w.:-]+/(?P<url>[\w.-]+/[\w.-]+)/issues/(?P<url_number>\d{1,9})\b
    | (?<![\w/.&#-]) (?:(?P<name>[\w.-]+/[\w.-]+))? \# (?P<number>\d{1,9})\b
    | (?<![\w/.&#-]) GH-(?P<gh>\d{1,9})\b
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def mentions(text: str, repository: str) -> list[tuple[str, int]]:
    """Return the issues a text names, each ``(repository, number)`` once, in order.

    Whether ``#12`` is an issue or a pull request cannot be told from the text.
    """
    found: dict[tuple[str, int], None] = {}
    for match in REFERENCE.finditer(NOT_PROSE.sub(" ", text)):
        name = match["url"] or match["name"] or repository
        number = int(match["url_number"] or match["number"] or match["gh"])
        if name.lower() == repository.lower():
            name = repository
        if number:
            found.setdefault((name, number))
        if len(found) == MOST:
            break
    return list(found)
