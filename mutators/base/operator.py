"""What an operator is: one idea for a mistake, and where in the source it can be made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import ClassVar

from tree_sitter import Node

from syntax.languages import Language, Word
from syntax.splices import Splice, Splices, merge
from syntax.text import Text

NOT_POSITIONAL = frozenset({"keyword_argument", "list_splat", "dictionary_splat"})
"""Arguments of a call whose place says nothing."""


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """A parsed file."""

    path: str
    text: Text
    language: Language
    root: Node
    notes: dict[str, object] = field(default_factory=dict, compare=False, repr=False)
    """What operators found out of the file once, for all its sites."""

    @classmethod
    def of(cls, path: str, data: bytes, language: Language) -> ParsedSource:
        """Parse a file once, for all operators."""
        return cls(path, Text.of(data), language, language.parse(data))

    def word(self, node: Node) -> Word | None:
        """The vocabulary's word for a node."""
        return self.language.words.get(node.type)

    def code(self, node: Node) -> bytes:
        """The bytes of a node."""
        return self.text.data[node.start_byte : node.end_byte]

    def replace(self, node: Node, text: bytes) -> Splice:
        """Replace a node."""
        return Splice(node.start_byte, node.end_byte, text)

    def indent(self, node: Node) -> bytes:
        """The white space before the line that a node starts on."""
        line = self.text.data[self.line_start(node) : node.start_byte]
        return line[: len(line) - len(line.lstrip(b" \t"))]

    @property
    def newline(self) -> bytes:
        """How the file ends its lines."""
        return b"\r\n" if b"\r\n" in self.text.data[:4096] else b"\n"

    def reindent_code(self, node: Node, indent: bytes) -> bytes | None:
        """The code of statements after a change of indent; None where a text would change too."""
        own = self.indent(node)
        lines = self.code(node).split(b"\n")
        if self.text.data[self.line_start(node) : node.start_byte].strip() or spans_text(node):
            return None
        moved = [lines[0]]
        for line in lines[1:]:
            if line.strip() and not line.startswith(own):
                return None
            moved.append(indent + line[len(own) :] if line.strip() else line)
        return b"\n".join(moved)

    def line_start(self, node: Node) -> int:
        """Where the line starts that a node starts on."""
        return self.text.starts[self.text.line_at(node.start_byte)]

    def remove_statement(self, node: Node) -> Splice:
        """Remove a statement with its lines; one that is alone in its block becomes empty."""
        parent = node.parent
        if (
            parent is not None
            and sum(child.type != "comment" for child in parent.named_children) == 1
        ):
            return self.replace(node, self.language.empty_block)
        line = self.text.starts[self.text.line_at(node.start_byte)]
        last = self.text.line_end(self.text.line_at(max(node.end_byte - 1, node.start_byte)))
        before = self.text.data[line : node.start_byte]
        after = self.text.data[node.end_byte : last]
        if before.strip() or (after.strip() and not after.lstrip().startswith(b"#")):
            return self.replace(node, self.language.empty_block)
        return Splice(line, last, b"")

    def choose(self, node: Node, options: int) -> int:
        """Choose among options by the node's place and content: always the same choice."""
        seed = b"%d:" % node.start_byte + self.code(node)
        return int.from_bytes(blake2b(seed, digest_size=4).digest(), "big") % options


class Operator(ABC):
    """One idea for a mistake. Subclasses set its name, a line on it, and the words it looks for."""

    name: ClassVar[str]
    description: ClassVar[str]
    words: ClassVar[tuple[Word, ...]]

    @abstractmethod
    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        """Yield the changes that can be made at a node whose word is one of ``words``."""

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        """Yield the same changes, each as the splices it is made of, in the order of the text."""
        return ((splice,) for splice in self.edits(node, source))


class Scattered(Operator):
    """An idea for a mistake that is made in several places at once."""

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        """Yield each change as one splice from its first place to its last."""
        return (merge(source.text.data, change) for change in self.changes(node, source))

    @abstractmethod
    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        """Yield the changes that can be made on account of a node."""


def spans_text(node: Node) -> bool:
    """Say whether a string within goes over several lines."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if found.type == "string" and found.start_point[0] != found.end_point[0]:
            return True
        waiting += found.named_children
    return False


def is_docstring(node: Node) -> bool:
    """Say whether a string stands alone as a statement."""
    return node.parent is not None and node.parent.type == "expression_statement"


def operands(node: Node) -> list[Node]:
    """The named children of a node, comments left out."""
    return [child for child in node.named_children if child.type != "comment"]


def arguments(node: Node) -> list[Node]:
    """The arguments of a call; none for a call on a generator expression."""
    found = node.child_by_field_name("arguments")
    return operands(found) if found is not None and found.type == "argument_list" else []
