"""Numbers of issues in text that is no message: changelog entries and tests.

Such text is written for people in the manner of the house: ``:issue:`12```, ``{pr}`13```,
``#12``, ``(issue12, pr13 by x)``, ``[#12](https://…/pull/12)``. What is said to be a pull request
is none of its issues.
"""

from __future__ import annotations

import re

from mirror.keywords import NUMBER

ONE = re.compile(rf"(?<!\w){NUMBER}")
PULL = re.compile(
    rf"/(?:pull|pulls|merge_requests|discussions)/({NUMBER})"
    r"|[:{](?:pr|pull|pull-request|ghpull|gh-pr)[:}]`(?:[^`<\n]*<)?([^`\n]*)`"
    rf"|(?<![^\W_])(?:prs?|pulls?|pull[ -]?requests?|mrs?|discussions?)[ ]?[:-]?[ ]?\#?({NUMBER})",
    re.I,
)
ROLE = re.compile(r"[:{](?:issue|gh|ghissue|gh-issue|bug|iss)[:}]`(?:[^`<\n]*<)?([^`\n]*)`", re.I)
URL = re.compile(rf"/issues/({NUMBER})", re.I)
NAMED = re.compile(
    r"(?<![^\W_])(?:issues?|bugs?|tickets?|gh)[ _-]?(?:no\.?[ ])?#?(0*[1-9]\d{0,7})(?![^\W_])", re.I
)
PLAIN = re.compile(rf"(?<![\w&/#])#({NUMBER})")
IN_PROSE = re.compile(
    r"(?:#[^\n#'\"]*|\"\"\"[^\"\n]*"
    r"|\b(?:for|see|of|in|from|fix\w*|close[sd]?|resolve[sd]?|regression:?)[ ])"
    rf"(?<![\w&/#])(#{NUMBER}(?:(?:, ?|,? and | & )#{NUMBER})*)",
    re.I,
)
"""In code ``#12`` may be a colour: it counts in a comment, a docstring, or after such words."""

ENTRY = (ROLE, URL, NAMED, PLAIN)
TEST = (URL, NAMED, IN_PROSE)


def issue_numbers(text: str, patterns: tuple[re.Pattern[str], ...]) -> set[int]:
    """Return the numbers that a text gives as issues, or as either; none said to be a pull."""
    found: set[int] = set()
    for pattern in patterns:
        found |= _numbers(pattern, text)
    return found - _numbers(PULL, text) if found else found


def _numbers(pattern: re.Pattern[str], text: str) -> set[int]:
    found = (match[match.lastindex or 0] for match in pattern.finditer(text))
    return {int(number) for part in found for number in ONE.findall(part)}
