"""Where a request's prefix is worth caching. Pure.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching: a prefix is found again when
it is the same to the last byte, within five minutes of its last use; at most four places of a
request can be marked, and a prefix that is too short is not cached, though nothing says so.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST = 4
TTL = 300.0
"""Seconds that a prefix is kept after its last use."""
FEWEST_CHARACTERS = 2
"""A token of text or code seldom holds fewer. A mark on what proves too short costs nothing."""


def breakpoints(before: int, blocks: Sequence[str], least_tokens: int) -> tuple[int, ...]:
    """Return which blocks end a prefix to cache, given the characters that come before them.

    Where there are more than can be marked it is the first ones, which most calls share, and the
    last, which saves the most.
    """
    characters = before
    found = []
    for index, block in enumerate(blocks):
        characters += len(block)
        if characters >= FEWEST_CHARACTERS * least_tokens:
            found.append(index)
    return tuple(found) if len(found) <= MOST else (*found[: MOST - 1], found[-1])
