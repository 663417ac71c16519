"""Values as people read them. Whatever comes from a repository goes through ``visible``."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

UNTOUCHED = frozenset("\n\t\u00a0\u202f\u3000")
"""Not printable to Python, but a line break, a tab or an ordinary space to people."""
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that show nothing at all."""
LONGEST_NAME = 160
MINUTE, HOUR, DAY = 60, 3600, 86400


def visible(text: str) -> str:
    """Return text in which what cannot be seen, or reorders what can, is named: ``⟨U+202E⟩``.

    Zero-width and bidirectional characters hide in names and diffs what they do
    (https://trojansource.codes). Bytes that are no UTF-8 become ``⟨0xE9⟩``.
    """
    if text.isprintable() and BLANK.isdisjoint(text):
        return text
    return "".join(name_character(char) if is_hidden(char) else char for char in text)


def is_hidden(char: str) -> bool:
    """Say whether a character shows nothing by itself."""
    return (not char.isprintable() and char not in UNTOUCHED) or char in BLANK


def name_character(char: str) -> str:
    """Name a character by its number."""
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:
        return f"⟨0x{number - 0xDC00:02X}⟩"
    return f"⟨U+{number:04X}⟩"


def describe(char: str) -> str:
    """Name a character in words, where it has some."""
    return unicodedata.name(char, name_character(char))


def cut(text: str, most: int = LONGEST_NAME) -> str:
    """Return text that is not longer than ``most`` characters and says so where it was."""
    return text if len(text) <= most else f"{text[:most]}…"


def instant(seconds: float) -> str:
    """Write seconds since the epoch for people; empty for never."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if seconds else ""


def machine_time(seconds: float) -> str:
    """Write seconds since the epoch for machines."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def day(text: str) -> str:
    """Return the day of an ISO time."""
    return text[:10]


def ago(seconds: float, now: float) -> str:
    """Say how long ago something was, or how soon it will be."""
    if not seconds:
        return "never"
    passed = abs(now - seconds)
    if passed < MINUTE:
        return "just now" if seconds <= now else "in a moment"
    for length, unit, until in ((MINUTE, "min", HOUR), (HOUR, "h", DAY), (DAY, "d", 60 * DAY)):
        if passed < until:
            told = f"{passed / length:.0f} {unit}"
            return f"{told} ago" if seconds <= now else f"in {told}"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def duration(seconds: float) -> str:
    """Write a length of time."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:,.1f} h"


def count(number: int) -> str:
    """Write a number of things."""
    return f"{number:,}"


def percent(share: float) -> str:
    """Write a share of 0 to 1."""
    return f"{share:.0%}"


def money(dollars: float) -> str:
    """Write dollars; what is less than a cent is not nothing."""
    return "<$0.01" if 0 < dollars < 0.005 else f"${dollars:,.2f}"


def size(number: int) -> str:
    """Write a number of bytes."""
    return f"{number / 1e6:,.0f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} kB"


def short(commit: str) -> str:
    """Shorten a commit's or bug's id."""
    return commit[:10]
