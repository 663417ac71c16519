"""Mistakes in calls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import NOT_POSITIONAL, Operator, ParsedSource, arguments
from syntax.languages import Word
from syntax.splices import Splice, merge


class RemoveKeywordArgument(Operator):
    """``open(path, mode="w")`` becomes ``open(path)``."""

    name: ClassVar[str] = "remove-keyword-argument"
    description: ClassVar[str] = "drop a keyword argument of a call"
    words: ClassVar[tuple[Word, ...]] = ("call",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        items = arguments(node)
        for position, item in enumerate(items):
            if item.type != "keyword_argument":
                continue
            if position > 0:
                yield Splice(items[position - 1].end_byte, item.end_byte, b"")
            elif len(items) > 1:
                yield Splice(item.start_byte, items[1].start_byte, b"")
            else:
                yield source.replace(item, b"")


class SwapArguments(Operator):
    """``move(source, target)`` becomes ``move(target, source)``."""

    name: ClassVar[str] = "swap-arguments"
    description: ClassVar[str] = "swap two neighbouring arguments of a call"
    words: ClassVar[tuple[Word, ...]] = ("call",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        items = [item for item in arguments(node) if item.type not in NOT_POSITIONAL]
        for first, second in pairwise(items):
            yield merge(
                source.text.data,
                [
                    source.replace(first, source.code(second)),
                    source.replace(second, source.code(first)),
                ],
            )
