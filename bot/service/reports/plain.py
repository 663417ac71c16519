"""Anybody's text, made fit to stand in Markdown, and Markdown fitted into GitHub's bounds.

https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MOST_BYTES = 64_000
"""Of a text that we put together: GitHub takes 65,535, and our mark goes before it."""
LONGEST_SPAN = 300
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that are not seen, or that turn the order of others around."""
SECRETS = re.compile(
    r"gh[a-z]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}|xox[a-z]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*)"
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"
)
"""What has the form of a secret: tokens of well-known services, keys, passwords in addresses."""
REDACTED = "[a secret, left out]"


def visible(text: str) -> str:
    """Return a text without secrets, its hidden characters written out; lines and tabs stay."""
    return "".join(map(_escape_character, SECRETS.sub(REDACTED, text)))


def span(text: str) -> str:
    """Return a text as code within a line; GitHub reads no mention, link or markup there."""
    line = " ".join(visible(text).split())
    if len(line) > LONGEST_SPAN:
        line = f"{line[: LONGEST_SPAN - 1]}…"
    fence = "`" * (_longest_run(line, "`") + 1)
    # A space on both sides is taken away again, and keeps backticks from the fence.
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line or ' '}{room}{fence}"


def block(text: str, language: str = "") -> str:
    """Return a text as a block of code, whose fence no line of it can close."""
    body = visible(text).rstrip("\n")
    fence = "`" * max(3, _longest_run(body, "`") + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def link(text: str, url: str) -> str:
    """Return a text as code that leads to an address, which is quoted already."""
    return f"[{span(text)}]({url})"


def fit_parts(parts: Sequence[str], rest: str, most: int = MOST_BYTES) -> str:
    """Return as many of the parts as fit, blank lines between; ``rest`` says how many do not.

    ``rest`` has a place for their number.
    """
    kept, size = 0, 0
    spare = len(rest.format(len(parts)).encode()) + 2
    sizes = [len(part.encode()) + 2 for part in parts]
    if sum(sizes) <= most:
        return "\n\n".join(parts)
    while kept < len(parts) and size + sizes[kept] + spare <= most:
        size += sizes[kept]
        kept += 1
    return "\n\n".join([*parts[:kept], rest.format(len(parts) - kept)])


def _escape_character(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in HIDDEN:
        return character
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"


def _longest_run(text: str, character: str) -> int:
    runs = re.findall(f"{re.escape(character)}+", text)
    return max(map(len, runs), default=0)
