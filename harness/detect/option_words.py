"""Tell the options of a command from its plain words."""

from __future__ import annotations

from collections.abc import Sequence


def without_options(words: Sequence[str], valued: frozenset[str], *, keep: str = "") -> list[str]:
    """Return words from the first that is no option; ``valued`` options take the next along."""
    rest = list(words)
    while rest and rest[0].startswith(("-", "$")) and rest[0] != keep:
        if rest.pop(0) in valued and rest:
            rest.pop(0)
    return rest


def option_values(words: Sequence[str], *names: str, several: bool = False) -> list[str]:
    """Return the values of an option; ``several``: it takes all plain words that follow it."""
    found: list[str] = []
    taking = False
    for word in words:
        name, equals, value = word.partition("=")
        if name in names:
            taking = not equals
            found += [value] if equals else []
        elif word == "--":
            break
        elif taking and not word.startswith("-"):
            found.append(word)
            taking = several
        else:
            taking = False
    return found


def chosen_env(words: Sequence[str], rest: list[str]) -> tuple[str, list[str]]:
    """Return the hatch environment that options name, and the words without those options."""
    given = option_values(words, "-e", "--env")
    return (given[0] if given else "default"), without_options(rest, frozenset({"-e", "--env"}))
