"""Mistakes in how branches are laid out: a branch lost, a guard turned, a return too early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, operands
from mutators.base.surroundings import surroundings
from mutators.operators.classes import body_of
from mutators.operators.expressions import Comparison, Identity
from syntax.languages import Word
from syntax.splices import Splice

LEAVING = frozenset(
    {"return_statement", "raise_statement", "continue_statement", "break_statement"}
)

OPPOSITES = {**Comparison.table, **Identity.table}


def leaves(block: Node | None) -> bool:
    """Say whether a block ends by leaving."""
    parts = operands(block) if block is not None else []
    return bool(parts) and parts[-1].type in LEAVING


class InvertedGuard(Operator):
    """``if cached: return cached`` becomes ``if not cached: return cached``."""

    name: ClassVar[str] = "inverted-guard"
    description: ClassVar[str] = "leave early in just the wrong case"
    words: ClassVar[tuple[Word, ...]] = ("condition",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        condition = node.child_by_field_name("condition")
        if condition is None or node.child_by_field_name("alternative") is not None:
            return
        if not leaves(node.child_by_field_name("consequence")):
            return
        if condition.type in ("identifier", "attribute", "call", "subscript"):
            yield source.replace(condition, b"not " + source.code(condition))
        elif condition.type == "boolean_operator":
            yield from halfway(condition, source)
        elif condition.type == "not_operator":
            inner = condition.named_children[0]
            if inner.type == "parenthesized_expression":
                yield from halfway(inner.named_children[0], source, around=condition)


def halfway(node: Node, source: ParsedSource, around: Node | None = None) -> Iterator[Splice]:
    """Negate both sides of an and or or, and forget to turn the operator."""
    left, right, sign = (node.child_by_field_name(n) for n in ("left", "right", "operator"))
    if node.type != "boolean_operator" or left is None or right is None or sign is None:
        return
    code = b"%s %s %s" % (opposite(left, source), source.code(sign), opposite(right, source))
    yield source.replace(around or node, code)


def opposite(node: Node, source: ParsedSource) -> bytes:
    """The opposite of one side of a condition, as a person writes it."""
    code = source.code(node)
    if node.type == "not_operator":
        return source.code(node.named_children[0])
    if node.type == "comparison_operator" and node.child_count == 3:
        sign = node.children[1]
        turned = OPPOSITES.get(source.code(sign))
        if turned is not None:
            start, end = sign.start_byte - node.start_byte, sign.end_byte - node.start_byte
            return code[:start] + turned + code[end:]
    return b"not " + code if node.type != "boolean_operator" else b"not (" + code + b")"


class ElifBecomesIf(Operator):
    """``elif small:`` becomes ``if small:``, asked although another branch was taken."""

    name: ClassVar[str] = "elif-becomes-if"
    description: ClassVar[str] = "ask on although an earlier branch was taken"
    words: ClassVar[tuple[Word, ...]] = ("elif",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        before = node.parent.child_by_field_name("consequence") if node.parent else None
        if before is not None and not leaves(before) and source.code(node.children[0]) == b"elif":
            yield source.replace(node.children[0], b"if")


class LostElif(Operator):
    """``elif kind == "b": …`` goes: a case that was not thought of."""

    name: ClassVar[str] = "lost-elif"
    description: ClassVar[str] = "forget one case of several"
    words: ClassVar[tuple[Word, ...]] = ("elif",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        before = node.prev_sibling
        if before is not None:
            yield Splice(before.end_byte, node.end_byte, b"")


class LostElse(Operator):
    """``else:`` goes, and what stood under it is done in any case."""

    name: ClassVar[str] = "lost-else"
    description: ClassVar[str] = "do what an else branch did in any case"
    words: ClassVar[tuple[Word, ...]] = ("else",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        body, before, parent = body_of(node), node.prev_sibling, node.parent
        if body is None or before is None or parent is None or parent.type != "if_statement":
            return
        indent = source.indent(parent)
        moved = source.reindent_code(body, indent)
        first = parent.child_by_field_name("consequence")
        if moved is not None and not leaves(first):
            yield Splice(before.end_byte, node.end_byte, source.newline + indent + moved)


class EarlyReturn(Operator):
    """``return total`` after a loop is indented into it; or a branch returns before the rest."""

    name: ClassVar[str] = "early-return"
    description: ClassVar[str] = "return in the first round of a loop, or before the work is done"
    words: ClassVar[tuple[Word, ...]] = ("return", "condition")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if source.word(node) == "return":
            yield from self._into_loop(node, source)
        else:
            yield from self._in_branch(node, source)

    def _into_loop(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        loop = node.prev_named_sibling
        body = body_of(loop) if loop is not None else None
        if loop is None or body is None or source.word(loop) != "loop" or leaves(body):
            return
        if loop.child_by_field_name("alternative") is not None:
            return
        inner = source.indent(operands(body)[0])
        moved = source.reindent_code(node, inner)
        if moved is not None and len(inner) > len(source.indent(node)):
            yield Splice(source.line_start(node), node.end_byte, inner + moved)

    def _in_branch(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        block = node.parent
        if block is None or block.parent is None or source.word(block.parent) != "function":
            return
        parts, first = operands(block), node.child_by_field_name("consequence")
        last = parts[-1]
        if first is None or leaves(first) or last.type != "return_statement":
            return
        if last.prev_named_sibling == node or last.start_byte <= node.end_byte:
            return
        value = operands(last)[:1]
        if not value or value[0].type != "identifier":
            return
        scope = surroundings(source).reads.get(value[0].id)
        if scope is None or source.code(value[0]) not in scope.at(first.end_byte):
            return
        end, inner = operands(first)[-1].end_byte, source.indent(operands(first)[-1])
        if len(inner) <= len(source.indent(node)):
            return
        yield Splice(end, end, source.newline + inner + source.code(last))


class SwallowedException(Operator):
    """``except KeyError: raise NotFound(key)`` becomes ``except KeyError: pass``."""

    name: ClassVar[str] = "swallowed-exception"
    description: ClassVar[str] = "catch an exception and do nothing about it"
    words: ClassVar[tuple[Word, ...]] = ("handler",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        blocks = [child for child in operands(node) if source.word(child) == "block"]
        if not blocks:
            return
        parts = operands(blocks[0])
        if len(parts) == 1 and parts[0].type in ("pass_statement", "continue_statement"):
            return
        if not in_function(node, source):
            return
        yield source.replace(blocks[0], b"continue" if in_loop(node, source) else b"pass")


def in_function(node: Node, source: ParsedSource) -> bool:
    """Say whether a statement lies in a function, and not in the body of a module or class."""
    parent = node.parent
    while parent is not None and source.word(parent) not in ("function", "class"):
        parent = parent.parent
    return parent is not None and source.word(parent) == "function"


def in_loop(node: Node, source: ParsedSource) -> bool:
    """Say whether a statement may go on with the next round of a loop."""
    parent = node.parent
    while parent is not None and source.word(parent) not in ("function", "class"):
        if source.word(parent) == "loop":
            return True
        parent = parent.parent
    return False
