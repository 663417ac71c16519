"""Slips of the pen: off by one, another unit or sign, lost parentheses, ``is`` for ``==``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, arguments, operands
from mutators.operators.losses import parse_callee
from syntax.languages import Word
from syntax.splices import Splice, merge

NUMBERS = frozenset({"integer", "float"})
LITERALS = NUMBERS | {"string", "concatenated_string", "tuple", "list", "dictionary", "set"}
LOOSE = frozenset(
    {"boolean_operator", "binary_operator", "conditional_expression", "comparison_operator"}
)


class OffByOne(Operator):
    """``range(n)`` becomes ``range(n - 1)``, or ``range(1, n)``; ``len(a) - 1``, ``len(a)``."""

    name: ClassVar[str] = "off-by-one"
    description: ClassVar[str] = "begin or end a range, a count or an index one off"
    words: ClassVar[tuple[Word, ...]] = ("call", "binary", "subscript")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        word = source.word(node)
        if word == "binary":
            yield from self._sum(node, source)
        elif word == "subscript":
            yield from self._index(node, source)
        else:
            yield from self._call(node, source)

    def _sum(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        left, right, sign = (node.child_by_field_name(n) for n in ("left", "right", "operator"))
        if left is None or right is None or sign is None:
            return
        if source.code(right) == b"1" and source.code(sign) in (b"-", b"+"):
            yield source.replace(node, source.code(left))

    def _index(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        part = node.child_by_field_name("subscript")
        if part is not None and part.type == "identifier" and source.code(part) in INDEXES:
            for more in (b" + 1", b" - 1"):
                yield source.replace(part, source.code(part) + more)

    def _call(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        owner, name = parse_callee(node, source)
        items = arguments(node)
        if owner is not None or not items or any(i.type.endswith("splat") for i in items):
            return
        if name in (b"range", b"xrange"):
            last = items[0] if len(items) == 1 else items[1]
            yield source.replace(last, subtract_one(last, source))
            if len(items) == 1:
                yield Splice(items[0].start_byte, items[0].start_byte, b"1, ")
            elif items[0].type == "integer":
                yield source.replace(items[0], b"%d" % (int(source.code(items[0]), 0) + 1))
        elif name == b"enumerate":
            if len(items) == 1:
                yield Splice(items[0].end_byte, items[0].end_byte, b", 1")
            else:
                yield Splice(items[0].end_byte, items[1].end_byte, b"")


INDEXES = frozenset(b"i j k n idx index pos position start end offset lo hi".split())


def subtract_one(node: Node, source: ParsedSource) -> bytes:
    """One less than an expression, as a person would write it."""
    code = source.code(node)
    if node.type == "integer" and code.isdigit() and int(code) > 0:
        return b"%d" % (int(code) - 1)
    if code.endswith(b" + 1"):
        return code[: -len(b" + 1")]
    return code + b" - 1"


class WrongUnit(Operator):
    """``seconds * 1000`` becomes ``seconds``; ``delay(days=n)`` becomes ``delay(hours=n)``."""

    name: ClassVar[str] = "wrong-unit"
    description: ClassVar[str] = "mix up units: of time, of size, of parts"
    words: ClassVar[tuple[Word, ...]] = ("number", "keyword", "binary")
    numbers: ClassVar[dict[bytes, bytes]] = {
        b"1000": b"1024",
        b"1024": b"1000",
        b"1000.0": b"1024.0",
        b"1024.0": b"1000.0",
        b"60": b"100",
        b"60.0": b"100.0",
        b"3600": b"60",
        b"86400": b"3600",
        b"24": b"12",
        b"100": b"1000",
        b"100.0": b"1000.0",
        b"1e6": b"1e3",
        b"1e3": b"1e6",
        b"1000000": b"1000",
        b"1000000.0": b"1000.0",
        b"365": b"360",
    }
    names: ClassVar[dict[bytes, bytes]] = {
        b"microseconds": b"milliseconds",
        b"milliseconds": b"microseconds",
        b"seconds": b"milliseconds",
        b"minutes": b"seconds",
        b"hours": b"minutes",
        b"days": b"hours",
        b"weeks": b"days",
    }

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        word = source.word(node)
        if word == "number":
            other = self.numbers.get(source.code(node))
            if other is not None:
                yield source.replace(node, other)
        elif word == "keyword":
            name = node.child_by_field_name("name")
            if name is not None and source.code(name) in self.names:
                yield source.replace(name, self.names[source.code(name)])
        else:
            left, right, sign = (node.child_by_field_name(n) for n in ("left", "right", "operator"))
            if left is None or right is None or sign is None:
                return
            if source.code(sign) in (b"*", b"/", b"//") and source.code(right) in self.numbers:
                yield source.replace(node, source.code(left))


class WrongSign(Operator):
    """``return 1`` becomes ``return -1``; ``step=2`` becomes ``step=-2``."""

    name: ClassVar[str] = "wrong-sign"
    description: ClassVar[str] = "give a number the wrong sign"
    words: ClassVar[tuple[Word, ...]] = ("number",)
    places: ClassVar[frozenset[str]] = frozenset(
        {
            "argument_list",
            "assignment",
            "conditional_expression",
            "default_parameter",
            "keyword_argument",
            "list",
            "pair",
            "return_statement",
            "slice",
            "subscript",
            "tuple",
            "typed_default_parameter",
        }
    )

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        code = source.code(node)
        if node.parent is None or node.parent.type not in self.places:
            return
        if code.strip(b"0.") and not code.startswith((b"0x", b"0o", b"0b")):
            yield source.replace(node, b"-" + code)


class WrongEncoding(Operator):
    """``open(path, encoding="utf-8")`` becomes ``open(path, encoding="ascii")``."""

    name: ClassVar[str] = "wrong-encoding"
    description: ClassVar[str] = "read or write text in another encoding"
    words: ClassVar[tuple[Word, ...]] = ("string",)
    table: ClassVar[dict[bytes, bytes]] = {
        b"ascii": b"utf-8",
        b"idna": b"ascii",
        b"iso-8859-1": b"utf-8",
        b"latin-1": b"utf-8",
        b"latin1": b"utf-8",
        b"utf-16": b"utf-8",
        b"utf-8": b"ascii",
        b"utf-8-sig": b"utf-8",
        b"utf8": b"ascii",
    }

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if node.child_count == 3 and source.code(node.children[1]).lower() in self.table:
            other = self.table[source.code(node.children[1]).lower()]
            yield source.replace(node.children[1], other)


class IdentityForEquality(Operator):
    """``a == b`` becomes ``a is b``."""

    name: ClassVar[str] = "identity-for-equality"
    description: ClassVar[str] = "compare by identity where equality was meant"
    words: ClassVar[tuple[Word, ...]] = ("comparison",)
    table: ClassVar[dict[bytes, bytes]] = {b"==": b"is", b"!=": b"is not"}

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        parts = operands(node)
        if len(parts) != 2 or any(part.type in LITERALS for part in parts):
            return
        for child in node.children:
            if source.code(child) in self.table:
                yield source.replace(child, self.table[source.code(child)])


class Precedence(Operator):
    """``(a or b) and c`` becomes ``a or b and c``, and the other way round."""

    name: ClassVar[str] = "precedence"
    description: ClassVar[str] = "lose the parentheses that group, or group what they did not"
    words: ClassVar[tuple[Word, ...]] = ("group", "boolean")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if source.word(node) == "group":
            inner, parent = operands(node)[:1], node.parent
            around = parent.type if parent is not None else ""
            inside = inner[0].type if inner else ""
            if inside in LOOSE and around in LOOSE | {"not_operator", "unary_operator"}:
                yield source.replace(node, source.code(inner[0]))
            return
        left, right, sign = (node.child_by_field_name(n) for n in ("left", "right", "operator"))
        if left is None or right is None or sign is None or source.code(sign) != b"or":
            return
        if right.type == "boolean_operator":
            middle = right.child_by_field_name("left")
            if middle is not None:
                yield add_parentheses(source, left, middle)
        elif left.type == "boolean_operator":
            middle = left.child_by_field_name("right")
            inner_sign = left.child_by_field_name("operator")
            if middle is not None and inner_sign is not None and source.code(inner_sign) == b"and":
                yield add_parentheses(source, middle, right)


def add_parentheses(source: ParsedSource, first: Node, last: Node) -> Splice:
    """Put parentheses around what lies from one node to another."""
    return merge(
        source.text.data,
        [
            Splice(first.start_byte, first.start_byte, b"("),
            Splice(last.end_byte, last.end_byte, b")"),
        ],
    )
