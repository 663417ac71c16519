"""Which statements of one version are which of another: by name, by normal form, by likeness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher

from syntax.blocks import DEFINITIONS, Clause, Module, Statement
from syntax.normal import Key

LIKE = 0.5
"""Share of common tokens from which two statements of a kind are versions of one."""
Pairs = list[tuple[int, int]]


class Bags:
    """The tokens of statements, to tell how alike two are."""

    def __init__(self) -> None:
        self._bags: dict[int, Counter[Key]] = {}
        self._kept: list[object] = []

    def of(self, module: Module, part: Statement | Clause) -> Counter[Key]:
        """Return how often each token occurs in a statement, or in the head of a clause."""
        found = self._bags.get(id(part))
        if found is None:
            found = Counter(token.key for token in module.tokens_of(part.start, part.end))
            # By identity, and kept: no other statement may come to its place in memory, and so to
            # its bag.
            self._bags[id(part)] = found
            self._kept.append(part)
        return found

    def likeness(
        self, left: Module, one: Statement | Clause, right: Module, other: Statement | Clause
    ) -> float:
        """Return the share of tokens that are common, from 0 to 1."""
        a, b = self.of(left, one), self.of(right, other)
        total = a.total() + b.total()
        return 2 * (a & b).total() / total if total else 1.0


def align(
    left: Module,
    ones: Sequence[Statement],
    right: Module,
    others: Sequence[Statement],
    bags: Bags,
) -> Pairs:
    """Pair statements, sorted by the left; definitions are paired wherever they stand."""
    # By name before likeness: a function that was rewritten is the same one still, and two that
    # look alike (the methods of an interface) are not.
    pairs = by_name(ones, others)
    taken, given = {i for i, _ in pairs}, {j for _, j in pairs}
    rest = [i for i in range(len(ones)) if i not in taken and ones[i].kind not in DEFINITIONS]
    left_over = [
        j for j in range(len(others)) if j not in given and others[j].kind not in DEFINITIONS
    ]

    def like(i: int, j: int) -> float:
        one, other = ones[rest[i]], others[left_over[j]]
        if one.kind != other.kind or one.docstring != other.docstring:
            return 0.0
        # A body has one docstring, so it is that one, whatever it says by now.
        if one.docstring:
            return 1.0
        return bags.likeness(left, one, right, other)

    found = in_order([key(ones[i]) for i in rest], [key(others[j]) for j in left_over], like)
    return sorted(pairs + [(rest[i], left_over[j]) for i, j in found])


def key(statement: Statement) -> Hashable:
    """What makes two statements the same."""
    return ("docstring", statement.docstring) if statement.docstring else statement.key


def by_name(ones: Sequence[Statement], others: Sequence[Statement]) -> Pairs:
    """Pair definitions of one name, the first with the first."""
    places: dict[tuple[bool, str], list[int]] = {}
    for j, other in enumerate(others):
        if other.kind in DEFINITIONS:
            places.setdefault((other.kind == "ClassDef", other.name), []).append(j)
    pairs = []
    for i, one in enumerate(ones):
        if one.kind in DEFINITIONS:
            known = places.get((one.kind == "ClassDef", one.name))
            if known:
                # The overloads of a name, or its two definitions under a condition, in order.
                pairs.append((i, known.pop(0)))
    return pairs


def in_order(
    ones: Sequence[Hashable], others: Sequence[Hashable], like: Callable[[int, int], float]
) -> Pairs:
    """Pair what is equal, in order, and between that what is alike."""
    pairs: Pairs = []
    at, to = 0, 0
    # Without ``autojunk=False``, difflib ignores what is frequent in bodies of 200 statements.
    blocks = SequenceMatcher(None, ones, others, autojunk=False).get_matching_blocks()
    # The last block is empty and lies at both ends: it closes the last gap.
    for i, j, size in blocks:
        pairs += [(at + a, to + b) for a, b in alike(at, i, to, j, like)]
        pairs += [(i + n, j + n) for n in range(size)]
        at, to = i + size, j + size
    return pairs


def alike(first: int, last: int, start: int, end: int, like: Callable[[int, int], float]) -> Pairs:
    """Pair what is most alike in two gaps, in order (offsets within the gaps)."""
    rows, columns = last - first, end - start
    # The table is quadratic, and each cell compares two bags: a gap of more than a hundred by a
    # hundred statements is another text, in which likeness would say little.
    if not rows or not columns or rows * columns > 10_000:
        return []
    scores = [[like(first + r, start + c) for c in range(columns)] for r in range(rows)]
    # ``best[r][c]``: the most likeness that can be had of what is left from ``r`` and ``c`` on, as
    # for a longest common subsequence. Greedy choice would let one good pair cross out two.
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for r in range(rows - 1, -1, -1):
        for c in range(columns - 1, -1, -1):
            paired = scores[r][c] + best[r + 1][c + 1] if scores[r][c] >= LIKE else -1.0
            best[r][c] = max(paired, best[r + 1][c], best[r][c + 1])
    pairs, r, c = [], 0, 0
    while r < rows and c < columns:
        if scores[r][c] >= LIKE and best[r][c] == scores[r][c] + best[r + 1][c + 1]:
            pairs.append((r, c))
            r, c = r + 1, c + 1
        elif best[r][c] == best[r + 1][c]:
            r += 1
        else:
            c += 1
    return pairs


def align_clauses(ones: Sequence[Clause], others: Sequence[Clause]) -> Pairs:
    """Pair the clauses of two versions of a statement, in order."""

    def like(i: int, j: int) -> float:
        return 1.0 if ones[i].family == others[j].family else 0.0

    return in_order(
        [(clause.family, clause.key) for clause in ones],
        [(clause.family, clause.key) for clause in others],
        like,
    )


def find_increasing_pairs(pairs: Pairs) -> Pairs:
    """Return a longest part of pairs in which both numbers rise; the others were moved."""
    # For each pair, how long a rising part ends with it, and which pair comes before it there.
    best: list[tuple[int, int]] = []
    for _, j in pairs:
        before = [(length, at) for at, (length, _) in enumerate(best) if pairs[at][1] < j]
        length, at = max(before, default=(0, -1))
        best.append((length + 1, at))
    if not best:
        return []
    at = max(range(len(best)), key=lambda n: best[n][0])
    found = []
    while at >= 0:
        found.append(pairs[at])
        at = best[at][1]
    return found[::-1]
