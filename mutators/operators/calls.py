"""Mistakes in calls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, Source, operands
from syntax.languages import Word
from syntax.splices import Splice, merge

NOT_POSITIONAL = frozenset({"keyword_argument", "list_splat", "dictionary_splat"})


def arguments(node: Node) -> list[Node]:
    """The arguments of a call; none for a call on a generator expression."""
    found = node.child_by_field_name("arguments")
    return operands(found) if found is not None and found.type == "argument_list" else []


class RemoveKeywordArgument(Operator):
    """``open(path, mode="w")`` becomes ``open(path)``."""

    name: ClassVar[str] = "remove-keyword-argument"
    description: ClassVar[str] = "drop a keyword argument of a call"
    words: ClassVar[tuple[Word, ...]] = ("call",)

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
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

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
        items = [item for item in arguments(node) if item.type not in NOT_POSITIONAL]
        for first, second in pairwise(items):
            yield merge(
                source.text.data,
                [
                    source.replace(first, source.code(second)),
                    source.replace(second, source.code(first)),
                ],
            )
