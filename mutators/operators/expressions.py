"""Mistakes in expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, operands
from syntax.languages import Word
from syntax.splices import Splice, merge


def signs(node: Node, source: ParsedSource) -> Iterator[tuple[Node, bytes]]:
    """The operator tokens of an expression, each with its bytes."""
    for position, child in enumerate(node.children):
        if not child.is_named and position > 0:
            yield child, source.code(child)


class Replacing(Operator):
    """Replaces an operator token by the one a table names. The base of most classical ones."""

    table: ClassVar[Mapping[bytes, bytes]]

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for token, sign in signs(node, source):
            if sign in self.table:
                yield source.replace(token, self.table[sign])


class Arithmetic(Replacing):
    """``a + b`` becomes ``a - b``."""

    name: ClassVar[str] = "arithmetic"
    description: ClassVar[str] = "use the opposite arithmetic operator"
    words: ClassVar[tuple[Word, ...]] = ("binary",)
    table: ClassVar[Mapping[bytes, bytes]] = {
        b"+": b"-",
        b"-": b"+",
        b"*": b"/",
        b"/": b"*",
        b"//": b"/",
        b"%": b"//",
        b"**": b"*",
        b"<<": b">>",
        b">>": b"<<",
        b"&": b"|",
        b"|": b"&",
        b"^": b"&",
    }


class Comparison(Replacing):
    """``a == b`` becomes ``a != b``."""

    name: ClassVar[str] = "comparison"
    description: ClassVar[str] = "turn a comparison into its opposite"
    words: ClassVar[tuple[Word, ...]] = ("comparison",)
    table: ClassVar[Mapping[bytes, bytes]] = {
        b"==": b"!=",
        b"!=": b"==",
        b"<": b">=",
        b">": b"<=",
        b"<=": b">",
        b">=": b"<",
        b"in": b"not in",
        b"not in": b"in",
    }


class Boundary(Replacing):
    """``a < b`` becomes ``a <= b``: off by one."""

    name: ClassVar[str] = "boundary"
    description: ClassVar[str] = "include or exclude the boundary of a comparison"
    words: ClassVar[tuple[Word, ...]] = ("comparison",)
    table: ClassVar[Mapping[bytes, bytes]] = {b"<": b"<=", b"<=": b"<", b">": b">=", b">=": b">"}


class Identity(Replacing):
    """``a is b`` becomes ``a is not b``, ``a is None`` included."""

    name: ClassVar[str] = "none-check"
    description: ClassVar[str] = "turn an identity check, most often for None, into its opposite"
    words: ClassVar[tuple[Word, ...]] = ("comparison",)
    table: ClassVar[Mapping[bytes, bytes]] = {b"is": b"is not", b"is not": b"is"}


class LooseNone(Operator):
    """``if a is not None`` becomes ``if a``: zero and empty are taken for None."""

    name: ClassVar[str] = "loose-none-check"
    description: ClassVar[str] = "ask for truth where None was asked for"
    words: ClassVar[tuple[Word, ...]] = ("comparison",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        parts = operands(node)
        if len(parts) != 2 or source.code(parts[1]) != b"None":
            return
        sign = source.text.data[parts[0].end_byte : parts[1].start_byte].split()
        if sign == [b"is", b"not"]:
            yield source.replace(node, source.code(parts[0]))
        elif sign == [b"is"]:
            yield source.replace(node, b"not " + source.code(parts[0]))


class Boolean(Replacing):
    """``a and b`` becomes ``a or b``."""

    name: ClassVar[str] = "boolean"
    description: ClassVar[str] = "swap and and or"
    words: ClassVar[tuple[Word, ...]] = ("boolean",)
    table: ClassVar[Mapping[bytes, bytes]] = {b"and": b"or", b"or": b"and"}


class DropOperand(Operator):
    """``a and b`` becomes ``a``, or ``b``."""

    name: ClassVar[str] = "drop-condition"
    description: ClassVar[str] = "drop one side of an and or or"
    words: ClassVar[tuple[Word, ...]] = ("boolean",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for part in operands(node):
            yield source.replace(node, source.code(part))


class Unary(Operator):
    """``not a`` becomes ``a``; ``-a`` becomes ``a``."""

    name: ClassVar[str] = "unary"
    description: ClassVar[str] = "drop a not, a minus or a tilde"
    words: ClassVar[tuple[Word, ...]] = ("unary", "negation")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        argument = node.child_by_field_name("argument")
        if argument is not None:
            yield source.replace(node, source.code(argument))


class Augmented(Operator):
    """``a += b`` becomes ``a -= b``, or ``a = b``."""

    name: ClassVar[str] = "augmented"
    description: ClassVar[str] = "use another augmented assignment, or a plain one"
    words: ClassVar[tuple[Word, ...]] = ("augmented",)
    table: ClassVar[Mapping[bytes, bytes]] = {
        sign + b"=": other + b"=" for sign, other in Arithmetic.table.items()
    }

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for token, sign in signs(node, source):
            if sign in self.table:
                yield source.replace(token, self.table[sign])
                yield source.replace(token, b"=")


class ChangeOperator(Operator):
    """``a + b`` becomes ``a * b``: some other operator of its kind."""

    name: ClassVar[str] = "change-operator"
    description: ClassVar[str] = "use some other operator of the same kind"
    words: ClassVar[tuple[Word, ...]] = ("binary", "comparison")
    kinds: ClassVar[tuple[tuple[bytes, ...], ...]] = (
        (b"+", b"-", b"*", b"/", b"//", b"%", b"**"),
        (b"&", b"|", b"^"),
        (b"<<", b">>"),
        (b"<", b"<=", b">", b">=", b"==", b"!="),
        (b"in", b"not in"),
        (b"is", b"is not"),
    )

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for token, sign in signs(node, source):
            for kind in self.kinds:
                if sign in kind:
                    others = [other for other in kind if other != sign]
                    yield source.replace(token, others[source.choose(node, len(others))])


class SwapOperands(Operator):
    """``a - b`` becomes ``b - a``."""

    name: ClassVar[str] = "swap-operands"
    description: ClassVar[str] = "swap the two sides of an operator"
    words: ClassVar[tuple[Word, ...]] = ("binary", "comparison")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        parts = operands(node)
        if len(parts) == 2:
            yield merge(
                source.text.data,
                [
                    source.replace(parts[0], source.code(parts[1])),
                    source.replace(parts[1], source.code(parts[0])),
                ],
            )


class BreakChain(Operator):
    """``a + b + c`` becomes ``a + c``: an operand is lost from the chain."""

    name: ClassVar[str] = "break-chain"
    description: ClassVar[str] = "lose an operand from a chain of operators"
    words: ClassVar[tuple[Word, ...]] = ("binary",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for side, kept in (("left", "left"), ("right", "right")):
            inner = node.child_by_field_name(side)
            if inner is not None and source.word(inner) == "binary":
                part = inner.child_by_field_name(kept)
                if part is not None:
                    yield source.replace(inner, source.code(part))


class RemoveAssignment(Operator):
    """``total = 0`` goes."""

    name: ClassVar[str] = "remove-assignment"
    description: ClassVar[str] = "drop an assignment"
    words: ClassVar[tuple[Word, ...]] = ("assignment", "augmented")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        statement = node.parent
        if statement is None or statement.type != "expression_statement":
            return
        if node.type == "augmented_assignment" or node.child_by_field_name("right") is not None:
            yield source.remove_statement(statement)


class SliceBounds(Operator):
    """``a[1:n]`` becomes ``a[1:n - 1]``, or ``a[1:]``."""

    name: ClassVar[str] = "slice-bounds"
    description: ClassVar[str] = "shift or drop a bound of a slice"
    words: ClassVar[tuple[Word, ...]] = ("slice",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for part in operands(node):
            yield source.replace(part, b"")
            yield source.replace(part, add_one(source.code(part)))


def add_one(code: bytes) -> bytes:
    """One more than an expression, written as a person would."""
    plain = code.lstrip(b"-")
    if plain.isdigit() and code in (plain, b"-" + plain):
        return b"%d" % (int(code) + 1)
    return code + b" + 1"
