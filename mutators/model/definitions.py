"""Functions, methods and classes as a model is shown them: head, docstring and body, in bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from mutators.base.operator import ParsedSource
from syntax.languages import Word

BRANCHES: tuple[Word, ...] = ("condition", "elif", "loop", "handler", "ternary", "boolean")


@dataclass(frozen=True, eq=False)
class Definition:
    """A definition that lies in no function."""

    name: str
    """Qualified inside the file."""
    node: Node
    source: ParsedSource

    @property
    def own(self) -> str:
        """Its name without what is around."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def around(self) -> str:
        """Qualified name of the class it lies in; empty at module level."""
        return self.name.rpartition(".")[0]

    @property
    def is_class(self) -> bool:
        return self.source.word(self.node) == "class"

    @cached_property
    def start(self) -> int:
        """Where its first line begins, decorators included."""
        parent = self.node.parent
        whole = parent if parent is not None and parent.type == "decorated_definition" else None
        return self.source.line_start(whole or self.node)

    @cached_property
    def end(self) -> int:
        """Where its last line ends."""
        return line_end(self.source, self.node.end_byte)

    @property
    def code(self) -> bytes:
        return self.source.text.data[self.start : self.end]

    @cached_property
    def body(self) -> Node | None:
        return self.node.child_by_field_name("body")

    @cached_property
    def head(self) -> bytes:
        """Its decorators and signature, up to the colon or what else opens the body."""
        colon = [c for c in self.node.children if not c.is_named and c.type in (":", "{")]
        end = colon[-1].end_byte if colon else self.node.end_byte
        return self.source.text.data[self.start : end]

    @cached_property
    def docstring(self) -> Node | None:
        """The string that opens its body."""
        body = self.body
        first = (
            next((c for c in body.named_children if c.type != "comment"), None) if body else None
        )
        if first is None or self.source.word(first) != "statement":
            return None
        only = first.named_children
        return only[0] if len(only) == 1 and self.source.word(only[0]) == "string" else None

    @property
    def documentation(self) -> bytes:
        return self.source.code(self.docstring) if self.docstring is not None else b""

    @cached_property
    def words(self) -> Counter[Word]:
        """What its body is made of, nested functions included, its docstring left out."""
        found: Counter[Word] = Counter()
        skipped = self.docstring.parent if self.docstring is not None else None
        stack = [self.body] if self.body is not None else []
        while stack:
            node = stack.pop()
            if word := self.source.word(node):
                found[word] += 1
            stack += [child for child in node.named_children if child != skipped]
        return found

    @cached_property
    def statements(self) -> int:
        """How many statements it holds; its docstring counts none."""
        count, stack = 0, [self.body] if self.body is not None else []
        while stack:
            node = stack.pop()
            if node.type == "block":
                count += sum(child.type != "comment" for child in node.named_children)
            stack += node.named_children
        return count - (self.docstring is not None)

    @property
    def branches(self) -> int:
        """How many places decide which way it goes."""
        return sum(self.words[word] for word in BRANCHES)


def definitions(source: ParsedSource) -> list[Definition]:
    """Return the definitions of a file that lie in no function, in the order of its text.

    What only type checkers see is left out.
    """
    return list(walk(source, source.root, ""))


def walk(source: ParsedSource, node: Node, around: str) -> Iterator[Definition]:
    """Yield the definitions under a node."""
    for child in node.named_children:
        word = source.word(child)
        name = child.child_by_field_name("name")
        if word in ("function", "class") and name is not None:
            own = source.code(name).decode("utf-8", "replace")
            found = Definition(f"{around}.{own}" if around else own, child, source)
            yield found
            if word == "class":
                yield from walk(source, child, found.name)
        elif not is_for_types(source, child, word):
            yield from walk(source, child, around)


def is_for_types(source: ParsedSource, node: Node, word: Word | None) -> bool:
    """Say whether a condition holds for type checkers alone."""
    test = node.child_by_field_name("condition") if word == "condition" else None
    return test is not None and source.code(test).endswith(b"TYPE_CHECKING")


def body_range(definition: Definition) -> tuple[int, int] | None:
    """Return the bytes of the lines of a body, its docstring left out.

    None where it shares a line with its head or its docstring, or where it is empty. Comments
    that follow it and are indented as it is belong to it, blank lines before it do not.
    """
    source, body = definition.source, definition.body
    if body is None:
        return None
    text = source.text
    opening = definition.docstring.end_byte if definition.docstring else head_end(definition)
    start = line_end(source, opening)
    rest = text.data[opening:start].strip()
    end = line_end(source, body.end_byte)
    if (rest and not rest.startswith(b"#")) or not text.data[start:end].strip():
        return None
    start = text.starts[text.line_at(end - len(text.data[start:end].lstrip()))]
    indent = len(text.data[start:end].lstrip(b"\r\n")) - len(text.data[start:end].lstrip())
    for number in range(text.line_at(end - 1) + 1, len(text.starts)):
        line = b"".join(text.lines(number, number + 1))
        if not line.lstrip().startswith(b"#") or len(line) - len(line.lstrip()) < indent:
            break
        end = text.line_end(number)
    return start, end


def head_end(definition: Definition) -> int:
    """Where a head ends, in the file."""
    return definition.start + len(definition.head)


def line_end(source: ParsedSource, offset: int) -> int:
    """Where the line ends that holds the byte before an offset."""
    return source.text.line_end(source.text.line_at(max(offset - 1, 0)))
