"""The three sides of a merge by statement: the fixed version, the one before it, and today's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from mirror.undo.alignment import Pairs
from mirror.undo.placement import Placing
from mirror.undo.statement_splices import find_comments_above, merge_tokens, text_of
from mirror.undo.units import MergeUnit
from syntax.blocks import Module, Statement
from syntax.splices import Splice

Span = tuple[int, int]
"""Bytes of a part of a file."""


@dataclass(frozen=True, slots=True)
class MergeSides:
    """One file of a fix, and where its statements are today."""

    before: Module
    fixed: Module
    """The base of the merge: both other sides are compared with it."""
    placing: Placing

    def entity_of(self, one: Statement) -> str:
        """Return the qualified name of what holds a statement of the fixed version."""
        return self.placing.here[id(one)].entity

    def make_lost_unit(self, one: Statement, size: int) -> MergeUnit:
        """Return that a statement is not to be found today."""
        return MergeUnit(entity=self.entity_of(one), size=size, why="gone")

    def undo_tokens(self, span: Span, old: Span, module: Module, now: Span) -> list[Splice] | None:
        """Put back the tokens that the fix changed in a statement; None where they conflict."""
        fixed = self.fixed.tokens_of(*span)
        before = self.before.tokens_of(*old)
        today = module.tokens_of(*now)
        keys = [token.key for token in fixed]
        return merge_tokens(
            (self.before, before),
            fixed,
            (module, today),
            match_equal_items(keys, [token.key for token in before]),
            match_equal_items(keys, [token.key for token in today]),
        )

    def old_text(self, old: Sequence[Statement], indent: bytes) -> bytes:
        """Return statements from before the fix as lines, with the blank lines between them."""
        found = [text_of(self.before, [old[0]], indent)]
        for one, other in pairwise(old):
            gap = self.before.text.data[one.last : find_comments_above(self.before, other.first)]
            # Neighbours in ``old`` were not always neighbours in the file: what stood between them
            # then, and is not put back, must not come back as the gap.
            found.append(b"\n" * gap.count(b"\n") if not gap.strip() else b"")
            found.append(text_of(self.before, [other], indent))
        return b"".join(found)


def match_equal_items(ones: Sequence[object], others: Sequence[object]) -> Pairs:
    """Pair equal items, in order."""
    # Without ``autojunk=False``, difflib takes what is frequent in 200 items or more (commas,
    # parentheses) for noise, and pairs none of it.
    blocks = SequenceMatcher(None, ones, others, autojunk=False).get_matching_blocks()
    return [(i + n, j + n) for i, j, size in blocks for n in range(size)]


def find_missing_line_end(module: Module, at: int) -> bytes:
    """Return the line end that is missing before a place."""
    data = module.text.data
    return b"" if at == module.text.starts[0] or data[at - 1 : at] == b"\n" else b"\n"
