"""Numbers with their nouns and verbs."""

from __future__ import annotations


def format_count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {choose_form(number, one, many or f'{one}s')}"


def choose_form(number: int, one: str, many: str) -> str:
    """Return the form of a word that goes with a number, as ``fails`` and ``fail``."""
    return one if number == 1 else many
