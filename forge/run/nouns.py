"""Numbers with their nouns."""

from __future__ import annotations


def format_count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
