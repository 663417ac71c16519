"""Commands that people give in comments: found as Markdown shows them, and answered in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.service.repositories.optin import LABEL, SKIP

Name = Literal["mirror", "status", "retry", "skip", "help"]
NAMES: tuple[Name, ...] = ("mirror", "status", "retry", "skip", "help")
WORD = "/bugfoundry"
COMMAND = re.compile(rf"{WORD}(?:[ \t]+(?P<name>\S+).*)?", re.IGNORECASE)
MARKER = "status"
"""Of the one comment under an issue or pull request that answers all commands there."""
LONGEST = 200
PARSER = MarkdownIt("commonmark")

HELP = f"""\
| say | to have |
|---|---|
| `{WORD} mirror` | this pull request mirrored next: its fix is undone on today's code |
| `{WORD} skip` | this pull request kept out |
| `{WORD} status` | told how far things are |
| `{WORD} retry` | what failed tried again, on today's code |

A command stands at the beginning of a line and is taken from people who may write here. The label \
`{LABEL}` on a pull request says the same as `mirror`, the label `{SKIP}` the same as `skip`. \
To end all of this, delete the label `{LABEL}` of the repository: work stops, and what came of it \
is withdrawn.
"""
UNKNOWN = "There is no command {word}.\n\n"
MIRRORED = (
    "This pull request is mirrored next; a check on it will tell which tests guard the fix. To "
    f"take that back, say `{WORD} skip`."
)
CLOSED = "This pull request was closed without being merged: there is no fix to undo."
SKIPPED = f"This pull request is kept out. To have it after all, say `{WORD} mirror`."
LABEL_SKIPS = f"This pull request has the label `{SKIP}`. Take that off, then ask again."
NOT_A_PULL = "That can be said on a pull request only; this is an issue."
RETRIED = "Tried again: {jobs}."
NOTHING_FAILED = "Nothing had failed."
REBUILT = "The environment is built anew, on today's code."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCommand:
    """What somebody wants."""

    name: Name
    unknown: str = ""
    """The word that is no command, where that is why help is given."""


def find_command(text: str) -> CommentCommand | None:
    """Return the first command in a comment.

    It stands at the beginning of a line of its own text: what is quoted, code, or hidden in HTML is
    no command, whatever it looks like.
    """
    if WORD not in text.casefold():
        return None
    for line in _lines(text):
        found = COMMAND.fullmatch(line.strip())
        if found is not None:
            return _command(found["name"] or "help")
    return None


def as_code(text: str, most: int = LONGEST) -> str:
    """Return a text of somebody's as one line of code: it mentions nobody and formats nothing.

    https://spec.commonmark.org/0.31.2/#code-spans
    """
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    shown = shown if len(shown) <= most else f"{shown[: most - 1]}…"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}" if longest or not shown else f"`{shown}`"


def _command(word: str) -> CommentCommand:
    name = next((one for one in NAMES if one == word.casefold()), None)
    return (
        CommentCommand(name=name) if name is not None else CommentCommand(name="help", unknown=word)
    )


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text's own paragraphs, also where a rule below makes one a heading."""
    tokens = PARSER.parse(text)
    for before, token in pairwise(tokens):
        paragraph = before.type == "paragraph_open" or before.markup in ("=", "-")
        if token.type == "inline" and paragraph and before.level == 0:
            yield from _plain_lines(token)


def _plain_lines(paragraph: Token) -> Iterator[str]:
    line, begins = "", True
    for child in paragraph.children or ():
        if child.type in ("softbreak", "hardbreak"):
            yield line
            line, begins = "", True
        elif child.type == "text" and not child.content:
            continue
        elif begins and (child.type != "text" or child.level):
            # It begins with, or inside of, a link, emphasis, HTML or code.
            line, begins = "\0", False
        else:
            line, begins = line + child.content, False
    yield line
