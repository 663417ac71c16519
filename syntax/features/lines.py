"""A file as lines of code tokens: comments, docstrings, blank lines and white space left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from tree_sitter import Node, Tree

from syntax.languages import Language
from syntax.text import split_lines

BODIES = ("module", "block")


@dataclass(frozen=True, slots=True)
class LeafToken:
    """A leaf of the syntax tree; a string is one token, whatever is written inside it."""

    text: bytes
    node: Node


@dataclass(frozen=True, slots=True)
class TokenLine:
    """The tokens that begin on one line; two are equal when their texts and depth are."""

    depth: int
    """How many columns it is indented by."""
    tokens: tuple[LeafToken, ...]
    key: tuple[int, tuple[bytes, ...]] = field(init=False)

    def __post_init__(self) -> None:
        key = (self.depth, tuple(token.text for token in self.tokens))
        object.__setattr__(self, "key", key)


@dataclass(frozen=True, slots=True)
class ParsedCode:
    """A parsed side of a file."""

    data: bytes
    language: Language
    tree: Tree

    @classmethod
    def of(cls, data: bytes, language: Language) -> ParsedCode:
        """Parse a side."""
        return cls(data, language, language.tree(data))

    def reparse_lines(self, data: bytes, first: int, old_last: int, new_last: int) -> ParsedCode:
        """Parse other bytes that differ from line ``first`` to a last line alone (exclusive).

        What is the same is not parsed again.
        """
        tree = self.tree.copy()
        tree.edit(
            start_byte=offset(self.data, first),
            old_end_byte=offset(self.data, old_last),
            new_end_byte=offset(data, new_last),
            start_point=(first, 0),
            old_end_point=(old_last, 0),
            new_end_point=(new_last, 0),
        )
        return ParsedCode(data, self.language, self.language.tree(data, tree))

    def lines(self, first: int, last: int) -> list[TokenLine]:
        """Return the lines of code among lines ``first`` to ``last`` (exclusive, from 0).

        A token that began before them and reaches into them is among them.
        """
        rows: dict[int, list[LeafToken]] = {}
        for leaf in leaves(self.tree.root_node, first, last):
            rows.setdefault(leaf.start_point[0], []).append(
                LeafToken(text_of(self.data, leaf), leaf)
            )
        return [TokenLine(tokens[0].node.start_point[1], tuple(tokens)) for tokens in rows.values()]


def offset(data: bytes, line: int) -> int:
    """Where a line starts; the end of the bytes where there are fewer."""
    return sum(map(len, islice(split_lines(data), line)))


def text_of(data: bytes, node: Node) -> bytes:
    """The bytes of a node."""
    return data[node.start_byte : node.end_byte]


def leaves(root: Node, first: int = 0, last: int = 1 << 60) -> Iterator[Node]:
    """Yield the code tokens that lie on some lines, in the order of the text."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.end_point[0] < first or node.start_point[0] >= last or is_remark(node):
            continue
        if node.type == "string" or not node.child_count:
            if node.start_byte < node.end_byte:
                yield node
            continue
        stack += reversed(node.children)


def is_remark(node: Node) -> bool:
    """Say whether a node does nothing: a comment, or a string that stands alone."""
    if node.type == "comment":
        return True
    if node.type != "expression_statement" or node.named_child_count != 1:
        return False
    return node.named_children[0].type in ("string", "concatenated_string")
