"""Undo fixes without a model, on a tree that is parsed once for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from forge.run.context import Code
from mirror.undo.fixes import Clone, Fix
from mirror.undo.results import Undo
from mirror.undo.undo import Tree, undo
from storage.trees import Trees


@dataclass(slots=True)
class MergeTier:
    """The tiers that need no model."""

    tree: str
    clone: Clone
    trees: Trees
    _parsed: Tree | None = None
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def undo_beside(self, fix: Fix, code: Code) -> Undo:
        """Undo a fix in a thread."""
        # One at a time: the tree fills in what it has parsed as it is asked, which two threads
        # must not do at once; and it is all computing, so that two would be no faster.
        async with self._alone:
            return await asyncio.to_thread(self.undo, fix, code)

    def undo(self, fix: Fix, code: Code) -> Undo:
        """Undo a fix."""
        if self._parsed is None:
            self._parsed = tree_of(self.tree, code, self.trees)
        return undo(fix, self._parsed, self.clone.homes(fix, code.files))


def tree_of(tree: str, code: Code, trees: Trees) -> Tree:
    """Return today's Python files, the source apart from the others."""
    others = [path for path in trees.paths(tree) if path.endswith(".py") and path not in code.files]
    return Tree(code.files, trees.read_all(tree, others))
