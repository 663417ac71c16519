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
    coverage the last two decide. Half are chosen so, and the others by what they run of the
    changed files that none before them runs: a wrong fix may break what is beside the wound. The
    same tests give the same answer in any order.
    """
    wound = lines_of(patch)
    files = {test.partition("::")[0] for test in failing}

    def distance(test: str) -> tuple[int, int, bool, str]:
        seen = ran.get(test, {})
        on_wound = sum((seen.get(path, 0) & mask).bit_count() for path, mask in wound.items())
        beside = sum(seen.get(path, 0).bit_count() for path in wound)
        return -on_wound, -beside, test.partition("::")[0] not in files, test

    ordered = sorted(tests, key=distance)
    around = {test: {path: ran.get(test, {}).get(path, 0) for path in wound} for test in ordered}
    near = ordered[: (limit + 1) // 2]
    wide = widest(around, near, limit - len(near))
    kept = set([*near, *wide, *(test for test in ordered[len(near) :] if test not in wide)][:limit])
    return tuple(test for test in tests if test in kept)


def widest(ran: Mapping[str, Masks], chosen: Sequence[str], limit: int) -> list[str]:
    """Return tests that run lines which none before them runs, those with most such lines first.

    The greedy cover (Chvátal 1979) of what ``chosen`` leaves; fewer than ``limit`` where all is
    covered. What is even goes by the order of ``ran``.
    """
    seen = {path: 0 for masks in ran.values() for path in masks}
    for test in chosen:
        cover(seen, ran[test])
    left = [test for test in ran if test not in set(chosen)]
    found: list[str] = []
    while len(found) < limit and left:
        best = max(left, key=lambda test: added(seen, ran[test]))
        if not added(seen, ran[best]):
            break
        cover(seen, ran[best])
        found.append(best)
        left.remove(best)
    return found


def added(seen: Masks, masks: Masks) -> int:
    """Count the lines of a test that were not seen before."""
    return sum((mask & ~seen[path]).bit_count() for path, mask in masks.items())


def cover(seen: dict[str, int], masks: Masks) -> None:
    """Add a test's lines to those that were seen."""
    for path, mask in masks.items():
        seen[path] |= mask


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
