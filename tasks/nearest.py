"""Which of the tests that must keep passing are nearest to a bug, by what they were seen to run."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from storage.errors import PatchError
from storage.records import digest
from syntax.patch_text import parse

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
    then those that share a file with a failing test; of what is still even, one of each function
    before its other parameters, in an order by chance. Without coverage the last two decide.
    Half of the places go to tests that together run as much of the changed files as they can: the
    very nearest run the same lines again and again, and a patch that mends the bug and breaks
    something beside it would pass. The same tests give the same answer in any order.
    """
    order = by_distance(tests, patch=patch, ran=ran, failing=failing)
    wound = lines_of(patch)
    around = [test for test in order if any(ran.get(test, {}).get(path) for path in wound)]
    first = order[: limit - limit // 2]
    kept = set(first) | set(spread_tests(around, ran, wound, first, limit // 2))
    kept |= set([test for test in order if test not in kept][: limit - len(kept)])
    return tuple(test for test in tests if test in kept)


def by_distance(
    tests: Sequence[str], *, patch: str, ran: Mapping[str, Masks], failing: Sequence[str]
) -> list[str]:
    """Order tests by how near they are to a bug, as ``nearest`` says."""
    wound = lines_of(patch)
    files = {test.partition("::")[0] for test in failing}
    numbers = by_function(tests)

    def distance(test: str) -> tuple[int, int, bool, int, str]:
        seen = ran.get(test, {})
        on_wound = sum((seen.get(path, 0) & mask).bit_count() for path, mask in wound.items())
        around = sum(seen.get(path, 0).bit_count() for path in wound)
        far = test.partition("::")[0] not in files
        return -on_wound, -around, far, numbers[test], digest(test)

    return sorted(tests, key=distance)


def by_function(tests: Sequence[str]) -> dict[str, int]:
    """Number the tests of each function, whose ids differ by their parameters alone."""
    counts: Counter[str] = Counter()
    numbers = {}
    for test in sorted(tests, key=digest):
        function = test.partition("[")[0]
        numbers[test] = counts[function]
        counts[function] += 1
    return numbers


def spread_tests(
    tests: Sequence[str],
    ran: Mapping[str, Masks],
    files: Collection[str],
    taken: Collection[str],
    limit: int,
) -> list[str]:
    """Return at most ``limit`` more tests, each the one that runs most of what none before it does.

    Where all that tests run of the files is run, it begins anew: each line by a second test.
    """
    lines = join_masks({test: ran.get(test, {}) for test in (*tests, *taken)}, sorted(files))
    run = functools.reduce(int.__or__, (lines[test] for test in taken), 0)
    known = frozenset(taken)
    # Thousands of tests that run the same lines are weighed as one, the first of them.
    left: dict[int, list[tuple[int, str]]] = {}
    for place, test in reversed(list(enumerate(tests))):
        if test not in known and lines[test]:
            left.setdefault(lines[test], []).append((-place, test))
    chosen: list[str] = []
    while left and len(chosen) < limit:
        best = max(left, key=lambda mask: ((mask & ~run).bit_count(), left[mask][-1][0]))
        if not best & ~run:
            run = 0
            continue
        chosen.append(left[best].pop()[1])
        if not left[best]:
            del left[best]
        run |= best
    return chosen


def join_masks(masks: Mapping[str, Masks], files: Sequence[str]) -> dict[str, int]:
    """Return for each test one number that has all of its lines; equal ones are one object."""
    widths = [
        max((mask.get(path, 0).bit_length() for mask in masks.values()), default=0)
        for path in files
    ]
    joined: dict[tuple[int, ...], int] = {}
    lines = {}
    for test, mask in masks.items():
        parts = tuple(mask.get(path, 0) for path in files)
        if parts not in joined:
            pairs = zip(parts, widths, strict=True)
            joined[parts] = functools.reduce(lambda line, each: line << each[1] | each[0], pairs, 0)
        lines[test] = joined[parts]
    return lines


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
