"""The voices in which statements are written: styles, and real issues of the same repository."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from storage.records import Issue, digest
from tasks.giveaway_removal import clean
from tasks.references import Traces

SAMPLES = 4
SHORTEST_SAMPLE = 80
LONGEST_SAMPLE = 6000
SAMPLE_LIMIT = 1200
WORD = re.compile(r"[^\W\d_]{2,}")
NOT_BUGS = frozenset({"question", "feature", "enhancement", "discussion", "docs", "documentation"})
NO_SAMPLES = """People write issues in plain words and mostly in a hurry. A title says what goes
wrong, in the terms of what they did ("clamp() returns the lower bound for values above the upper
one"). The text says what they did, what came of it and what they had expected; some paste what was
printed, some give a version, some are three lines, some are a page. They know the documentation
and what they see, not the code inside. They do not thank, apologise, praise or sum up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way to report a bug."""

    name: str
    asks: str
    """What the model is told of it."""
    longest: int
    """Characters of the text, title and script left out."""
    script: Literal["no", "may", "must"] = "no"


STYLES = (
    Style(
        name="terse",
        asks="Terse: a title and one to three short sentences. No headings, no lists, no script.",
        longest=500,
    ),
    Style(
        name="detailed",
        asks="Detailed: what was done, what happened, what was expected, in whole paragraphs or "
        "under short headings as the project's issues have them, with what was printed where "
        "that helps. A script is welcome, not needed.",
        longest=3500,
        script="may",
    ),
    Style(
        name="script",
        asks="With a script: a short text, and a small script that shows the problem when it is "
        "run from a checkout of the project.",
        longest=1200,
        script="must",
    ),
    Style(
        name="question",
        asks="A question: somebody who is not sure whether this is a bug or their own mistake, "
        "tells what they tried and saw, and asks. No script.",
        longest=1200,
    ),
)


def style_of(bug: str, *, scripts: bool) -> Style:
    """Return the style of a bug's statement, by its id: each is as frequent as the others.

    Where no script can be run, none has to be written.
    """
    styles = [style for style in STYLES if scripts or style.script != "must"]
    return styles[int(bug, 16) % len(styles)]


def samples(issues: Iterable[Issue], *, most: int = SAMPLES) -> tuple[str, ...]:
    """Return some real reports of a repository, short ones and long ones, as a sample of style.

    The same for all its bugs, so that a model need not read it anew for each.
    """
    told = {issue.number: render_report(issue) for issue in issues if is_report(issue)}
    usable = [(number, text) for number, text in told.items() if len(text) >= SHORTEST_SAMPLE]
    usable.sort(key=lambda each: (len(each[1]), each[0]))
    size = -(-len(usable) // most) or 1
    groups = [usable[at : at + size] for at in range(0, len(usable), size)]
    chosen = [min(group, key=lambda each: digest("sample", str(each[0]))) for group in groups]
    return tuple(text[:SAMPLE_LIMIT].rstrip() for _, text in chosen)


def is_report(issue: Issue) -> bool:
    """Say whether a person wrote an issue of which the text is known, and to report something."""
    labels = {word for label in issue.labels for word in WORD.findall(label.lower())}
    return (
        issue.fetched
        and not issue.bot
        and not labels & NOT_BUGS
        and len(issue.body) <= LONGEST_SAMPLE
    )


def render_report(issue: Issue) -> str:
    """Return title and text, without what nobody sees."""
    body = clean(issue.body.replace("\r\n", "\n"), Traces()).text.strip()
    return f"# {' '.join(issue.title.split())}\n\n{body}" if len(WORD.findall(body)) > 3 else ""
