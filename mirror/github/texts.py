"""Texts within the bounds that GitHub sets, and the hidden marks by which ours are known again."""

from __future__ import annotations

import re

MOST_BYTES = 65_535
"""Of the body of an issue or a comment, and of each text of a check run."""
MOST_TITLE = 255
"""Characters."""
LONG_LINE = 2000
CUT = "\n\n*The rest is left out: GitHub shows no longer texts.*\n"
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/#-]*")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")


def mark(key: str) -> str:
    """Return the hidden mark of what we write. Raises ValueError for a key that could end it."""
    if not KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"no key for a mark: {key!r}")
    return f"<!-- bugfoundry:{key} -->"


def prepend_mark(key: str, body: str) -> str:
    """Return a body that begins with its mark: there no bound cuts it off."""
    return cut_text(f"{mark(key)}\n{body}")


def has_mark(body: str, key: str) -> bool:
    """Tell whether a body is marked with a key, at its beginning: not where it only quotes one."""
    return body.startswith(mark(key))


def cut_text(text: str, most: int = MOST_BYTES) -> str:
    """Return a text of no more bytes in UTF-8 than ``most``, and say so where it was longer.

    No character is broken, and a block of code that was open is closed.
    """
    content = text.encode()
    if len(content) <= most:
        return text
    kept = content[: most - len(CUT.encode())].decode(errors="ignore")
    while len((closed := _close_code_block(_whole_lines(kept)) + CUT).encode()) > most:
        kept = kept[: -max(1, (len(closed.encode()) - most) // 4)]
    return closed


def cut_title(text: str) -> str:
    """Return a title: one line within GitHub's bound."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_TITLE else f"{line[: MOST_TITLE - 1]}…"


def _whole_lines(text: str) -> str:
    """Return a text without its last line, which is half a link or a row, unless that is much."""
    lines, newline, last = text.rpartition("\n")
    return lines if newline and len(last) < LONG_LINE else text


def _close_code_block(text: str) -> str:
    """Return a text with its last block of code closed.

    https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    """
    opened = ""
    for line in text.split("\n"):
        found = FENCE.match(line)
        if found is None:
            continue
        fence, info = found[1], found[2]
        if not opened:
            opened = "" if fence[0] == "`" and "`" in info else fence
        elif fence.startswith(opened) and not info.strip():
            opened = ""
    return f"{text}\n{opened}" if opened else text


def is_same_text(ours: str | None, theirs: str) -> bool:
    """Tell whether a text is what was sent: GitHub may change how lines end, and where it ends."""
    return _lines(ours or "") == _lines(theirs)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
