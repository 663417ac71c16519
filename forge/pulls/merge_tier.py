"""Undo fixes without a model, on a tree that is parsed once for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from forge.run.context import SourceCode
from mirror.undo.fixes import Clone, Fix
from mirror.undo.results import Undo
from mirror.undo.undo import CurrentTree, undo
from storage.trees import Trees


@dataclass(slots=True)
class MergeTier:
    """The tiers that need no model."""

    tree: str
    clone: Clone
    trees: Trees
    _parsed: CurrentTree | None = None
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def undo_beside(self, fix: Fix, code: SourceCode) -> Undo:
        """Undo a fix in a thread."""
        # One at a time: the tree fills in what it has parsed as it is asked, which two threads
        # must not do at once; and it is all computing, so that two would be no faster.
        async with self._alone:
            return await asyncio.to_thread(self.undo, fix, code)

    def undo(self, fix: Fix, code: SourceCode) -> Undo:
        """Undo a fix."""
        if self._parsed is None:
            self._parsed = tree_of(self.tree, code, self.trees)
        return undo(fix, self._parsed, self.clone.find_homes(fix, code.files))


def tree_of(tree: str, code: SourceCode, trees: Trees) -> CurrentTree:
    """Return today's Python files, the source apart from the others."""
    others = [path for path in trees.paths(tree) if path.endswith(".py") and path not in code.files]
    return CurrentTree(code.files, trees.read_all(tree, others))
