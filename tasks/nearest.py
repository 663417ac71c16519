"""Which of the tests that must keep passing are nearest to a bug, by what they were seen to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.errors import PatchError
from syntax.applying import parse

Masks = Mapping[str, int]
"""Lines by file: bit n stands for line n, as tests were seen to run them without the bug."""


def nearest(
    tests: Sequence[str],
    *,
    patch: str,
    ran: Mapping[str, Masks],
    failing: Sequence[str],
    limit: int,
) -> tuple[str, ...]:
    """Return at most ``limit`` of the tests, those nearest to a bug, in the order they came in.

    First those that run most of the changed lines, then those that run most of the changed files,
    then those that share a file with a failing test; what is still even goes by the id. Without
    coverage the last two decide. The same tests give the same answer in any order.
    """
    wound = lines_of(patch)
    files = {test.partition("::")[0] for test in failing}

    def distance(test: str) -> tuple[int, int, bool, str]:
        seen = ran.get(test, {})
        on_wound = sum((seen.get(path, 0) & mask).bit_count() for path, mask in wound.items())
        around = sum(seen.get(path, 0).bit_count() for path in wound)
        return -on_wound, -around, test.partition("::")[0] not in files, test

    kept = set(sorted(tests, key=distance)[:limit])
    return tuple(test for test in tests if test in kept)


def lines_of(patch: str) -> dict[str, int]:
    """Return the lines of the unbroken files that a patch takes away, or puts something beside.

    Hunks without their context; where nothing is taken away, the lines on both sides of the gap.
    """
    found: dict[str, int] = {}
    try:
        parts = parse(patch)
    except PatchError:
        return found
    for part in parts:
        if part.old is None:
            continue
        mask = 0
        for hunk in part.hunks:
            first, last = changed_span(hunk.old, hunk.new)
            low, high = (first, last) if last > first else (max(first - 1, 0), first + 1)
            for line in range(hunk.old_first + low, hunk.old_first + high):
                mask |= 1 << (line + 1)
        found[part.old] = found.get(part.old, 0) | mask
    return found


def changed_span(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[int, int]:
    """Return where the changed lines of a hunk begin and end, in the lines before the change."""
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, len(old) - tail
