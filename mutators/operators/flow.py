"""Mistakes in the flow of control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, is_docstring, operands
from mutators.operators.classes import body_of
from syntax.languages import Word
from syntax.splices import Splice, merge

SIMPLE = frozenset(
    {"expression_statement", "delete_statement", "assert_statement", "raise_statement"}
)


def negate_code(code: bytes) -> bytes:
    """The opposite of a condition."""
    return b"not (" + code + b")"


class InvertIfElse(Operator):
    """``if a: x else: y`` becomes ``if a: y else: x``."""

    name: ClassVar[str] = "invert-if-else"
    description: ClassVar[str] = "swap the branches of an if and its else"
    words: ClassVar[tuple[Word, ...]] = ("condition",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        others = node.children_by_field_name("alternative")
        first = node.child_by_field_name("consequence")
        second = body_of(others[0]) if len(others) == 1 else None
        if first is None or second is None or others[0].type != "else_clause":
            return
        yield merge(
            source.text.data,
            [
                source.replace(first, source.code(second)),
                source.replace(second, source.code(first)),
            ],
        )


class NegateCondition(Operator):
    """``if ready:`` becomes ``if not (ready):``."""

    name: ClassVar[str] = "negate-condition"
    description: ClassVar[str] = "turn a condition into its opposite"
    words: ClassVar[tuple[Word, ...]] = ("condition", "loop")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        condition = node.child_by_field_name("condition")
        if condition is not None:
            yield source.replace(condition, negate_code(source.code(condition)))


class RemoveConditional(Operator):
    """``if text is None: return ""`` goes, with its branches."""

    name: ClassVar[str] = "remove-conditional"
    description: ClassVar[str] = "drop an if statement with its branches"
    words: ClassVar[tuple[Word, ...]] = ("condition",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        yield source.remove_statement(node)


class RemoveElse(Operator):
    """``else: …`` goes from an if, a loop or a try."""

    name: ClassVar[str] = "remove-else"
    description: ClassVar[str] = "drop an else branch"
    words: ClassVar[tuple[Word, ...]] = ("condition", "loop")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for other in node.children_by_field_name("alternative"):
            before = other.prev_sibling
            if other.type == "else_clause" and before is not None:
                yield Splice(before.end_byte, other.end_byte, b"")


class SwapTernary(Operator):
    """``a if ok else b`` becomes ``b if ok else a``."""

    name: ClassVar[str] = "swap-ternary"
    description: ClassVar[str] = "swap the two values of a conditional expression"
    words: ClassVar[tuple[Word, ...]] = ("ternary",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        parts = operands(node)
        if len(parts) == 3:
            yield merge(
                source.text.data,
                [
                    source.replace(parts[0], source.code(parts[2])),
                    source.replace(parts[2], source.code(parts[0])),
                ],
            )


class RemoveLoop(Operator):
    """``for item in items: …`` goes, with its body."""

    name: ClassVar[str] = "remove-loop"
    description: ClassVar[str] = "drop a loop with its body"
    words: ClassVar[tuple[Word, ...]] = ("loop",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        yield source.remove_statement(node)


class RemoveWrapper(Operator):
    """``with lock: work()`` becomes ``work()``; so does a ``try`` without its handlers."""

    name: ClassVar[str] = "remove-wrapper"
    description: ClassVar[str] = "take the body out of a with or try statement"
    words: ClassVar[tuple[Word, ...]] = ("wrapper",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        body = body_of(node)
        if body is None or source.text.line_at(body.start_byte) == source.text.line_at(
            node.start_byte
        ):
            return
        inner, outer = source.indent(body), source.indent(node)
        if not inner.startswith(outer):
            return
        lines = source.code(body).split(b"\n")
        moved = [lines[0]] + [
            outer + line[len(inner) :] if line.startswith(inner) else line for line in lines[1:]
        ]
        yield source.replace(node, b"\n".join(moved))


class ShuffleLines(Operator):
    """``a = 1`` and ``b = a`` below it change places."""

    name: ClassVar[str] = "shuffle-lines"
    description: ClassVar[str] = "change the order of a block's plain statements"
    words: ClassVar[tuple[Word, ...]] = ("block",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if node.parent is None or source.word(node.parent) == "class":
            return
        for run in runs(operands(node)):
            turn = 1 + source.choose(run[0], len(run) - 1)
            turned = run[turn:] + run[:turn]
            yield merge(
                source.text.data,
                [
                    source.replace(old, source.code(new))
                    for old, new in zip(run, turned, strict=True)
                ],
            )


def runs(statements: list[Node]) -> Iterator[list[Node]]:
    """Neighbouring plain statements, docstrings left out, in runs of two and more."""
    run: list[Node] = []
    for statement in statements:
        plain = statement.type in SIMPLE
        if plain and not (statement.named_children and is_text(statement.named_children[0])):
            run.append(statement)
            continue
        if len(run) > 1:
            yield run
        run = []
    if len(run) > 1:
        yield run


def is_text(node: Node) -> bool:
    """Say whether a statement is nothing but a string."""
    return node.type == "string" and is_docstring(node)


class RemoveStatement(Operator):
    """``items.sort()`` goes: a call whose result nobody used."""

    name: ClassVar[str] = "remove-statement"
    description: ClassVar[str] = "drop a call that stands alone"
    words: ClassVar[tuple[Word, ...]] = ("statement",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        parts = operands(node)
        if len(parts) == 1 and parts[0].type in ("call", "await"):
            yield source.remove_statement(node)


class SwapBreakContinue(Operator):
    """``break`` becomes ``continue``, and the other way round."""

    name: ClassVar[str] = "swap-break-continue"
    description: ClassVar[str] = "break where it went on, or the other way round"
    words: ClassVar[tuple[Word, ...]] = ("break", "continue")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        word = source.word(node)
        yield source.replace(node, b"continue" if word == "break" else b"break")


class ReturnNone(Operator):
    """``return total`` becomes ``return None``."""

    name: ClassVar[str] = "return-none"
    description: ClassVar[str] = "return nothing instead of a value"
    words: ClassVar[tuple[Word, ...]] = ("return",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for value in operands(node)[:1]:
            yield source.replace(value, b"None")


class NegateReturn(Operator):
    """``return a == b`` becomes ``return not (a == b)``."""

    name: ClassVar[str] = "negate-return"
    description: ClassVar[str] = "return the opposite of a truth value"
    words: ClassVar[tuple[Word, ...]] = ("return",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for value in operands(node)[:1]:
            if source.word(value) in ("comparison", "boolean", "negation"):
                yield source.replace(value, negate_code(source.code(value)))


class YieldReturn(Operator):
    """``yield item`` becomes ``return item``, and the other way round."""

    name: ClassVar[str] = "yield-return"
    description: ClassVar[str] = "return where it yielded, or the other way round"
    words: ClassVar[tuple[Word, ...]] = ("yield", "return")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        code = source.code(node)
        alone = node.parent is not None and node.parent.type == "expression_statement"
        if code.startswith(b"yield ") and not code.startswith(b"yield from") and alone:
            yield source.replace(node, b"return" + code[len(b"yield") :])
        elif code.startswith(b"return "):
            yield source.replace(node, b"yield" + code[len(b"return") :])


class SwapException(Operator):
    """``except KeyError:`` becomes ``except IndexError:``; so does what is raised."""

    name: ClassVar[str] = "swap-exception"
    description: ClassVar[str] = "catch or raise another exception"
    words: ClassVar[tuple[Word, ...]] = ("handler", "raise")
    others: ClassVar[dict[bytes, bytes]] = {
        b"AttributeError": b"KeyError",
        b"Exception": b"ValueError",
        b"ImportError": b"AttributeError",
        b"IndexError": b"KeyError",
        b"KeyError": b"IndexError",
        b"NotImplementedError": b"RuntimeError",
        b"OSError": b"ValueError",
        b"RuntimeError": b"ValueError",
        b"StopIteration": b"IndexError",
        b"TypeError": b"ValueError",
        b"UnicodeDecodeError": b"UnicodeEncodeError",
        b"UnicodeEncodeError": b"UnicodeDecodeError",
        b"ValueError": b"TypeError",
    }

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        waiting = [child for child in operands(node) if source.word(child) != "block"]
        while waiting:
            child = waiting.pop(0)
            if child.type == "call":
                function = child.child_by_field_name("function")
                waiting += [] if function is None else [function]
            elif child.type in ("tuple", "as_pattern", "parenthesized_expression"):
                waiting += operands(child)
            elif child.type == "identifier" and source.code(child) in self.others:
                yield source.replace(child, self.others[source.code(child)])
