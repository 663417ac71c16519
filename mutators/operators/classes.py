"""Mistakes in the make-up of a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, operands
from syntax.languages import Word
from syntax.splices import Splice, merge


def body_of(node: Node) -> Node | None:
    """The block of a class, function or statement."""
    return node.child_by_field_name("body")


def methods(node: Node) -> list[tuple[Node, bytes]]:
    """The methods of a class, decorators included, each with its name."""
    found = []
    body = body_of(node)
    for child in [] if body is None else operands(body):
        inner = child.child_by_field_name("definition") or child
        name = inner.child_by_field_name("name")
        if inner.type == "function_definition" and name is not None and name.text is not None:
            found.append((child, name.text))
    return found


def is_special(name: bytes) -> bool:
    """Say whether the language itself calls a method of this name."""
    return name.startswith(b"__") and name.endswith(b"__")


class RemoveBaseClass(Operator):
    """``class A(B, C):`` becomes ``class A(C):``."""

    name: ClassVar[str] = "remove-base-class"
    description: ClassVar[str] = "drop one base of a class"
    words: ClassVar[tuple[Word, ...]] = ("class",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        bases = node.child_by_field_name("superclasses")
        items = [] if bases is None else operands(bases)
        for position, item in enumerate(items):
            if item.type == "keyword_argument" or bases is None:
                continue
            if len(items) == 1:
                yield Splice(bases.start_byte, bases.end_byte, b"")
            elif position + 1 < len(items):
                yield Splice(item.start_byte, items[position + 1].start_byte, b"")
            else:
                yield Splice(items[position - 1].end_byte, item.end_byte, b"")


class RemoveMethod(Operator):
    """``def area(self): …`` goes from its class, with the statements there that call it."""

    name: ClassVar[str] = "remove-method"
    description: ClassVar[str] = "drop a method and the statements of its class that use it"
    words: ClassVar[tuple[Word, ...]] = ("class",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        found = methods(node)
        codes = [source.code(method) for method, _ in found]
        for place, (method, name) in enumerate(found):
            if is_special(name):
                continue
            removed = [source.remove_statement(method)]
            for other, code in enumerate(codes):
                if other != place and b"self." + name in code:
                    removed += uses(found[other][0], b"self." + name, source)
            yield merge(source.text.data, removed)


def uses(node: Node, name: bytes, source: ParsedSource) -> list[Splice]:
    """Remove the plain statements inside a node that name something."""
    body = body_of(node.child_by_field_name("definition") or node)
    found, waiting = [], [] if body is None else [body]
    while waiting:
        block = waiting.pop()
        lost = [
            child
            for child in operands(block)
            if child.type == "expression_statement" and mentions(source.code(child), name)
        ]
        if len(lost) < len(operands(block)):
            found += [source.remove_statement(child) for child in lost]
        elif lost:
            found += [source.remove_statement(child) for child in lost[1:]]
            found.append(source.replace(lost[0], source.language.empty_block))
    return found


def mentions(code: bytes, name: bytes) -> bool:
    """Say whether code holds a name as a whole word."""
    at = code.find(name)
    while at >= 0:
        after = code[at + len(name) : at + len(name) + 1]
        if not (after.isalnum() or after == b"_"):
            return True
        at = code.find(name, at + 1)
    return False


class ShuffleMethods(Operator):
    """``def f`` and ``def g`` change places: of two with one name, another one wins."""

    name: ClassVar[str] = "shuffle-methods"
    description: ClassVar[str] = "change the order of a class's methods"
    words: ClassVar[tuple[Word, ...]] = ("class",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        nodes = [method for method, _ in methods(node)]
        if len(nodes) < 2:
            return
        turn = 1 + source.choose(node, len(nodes) - 1)
        turned = nodes[turn:] + nodes[:turn]
        yield merge(
            source.text.data,
            [source.replace(old, source.code(new)) for old, new in zip(nodes, turned, strict=True)],
        )


class RemoveDecorator(Operator):
    """``@property`` above a method goes."""

    name: ClassVar[str] = "remove-decorator"
    description: ClassVar[str] = "drop a decorator"
    words: ClassVar[tuple[Word, ...]] = ("decorator",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        first = source.text.line_at(node.start_byte)
        last = source.text.line_at(node.end_byte - 1)
        yield Splice(source.text.starts[first], source.text.line_end(last), b"")
