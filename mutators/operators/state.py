"""Mistakes with what lives on: stale caches, resources left open or closed too early."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, arguments, operands
from mutators.operators.classes import body_of, is_special, mentions
from mutators.operators.losses import parse_callee
from mutators.operators.shared_state import changes, class_around
from syntax.languages import Word
from syntax.splices import Splice


class StaleCache(Operator):
    """``return len(self.items)`` is kept in an attribute, and never computed again."""

    name: ClassVar[str] = "stale-cache"
    description: ClassVar[str] = "keep what should be computed anew, or keep it under too few keys"
    words: ClassVar[tuple[Word, ...]] = ("function", "delete", "assignment")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        word = source.word(node)
        if word == "function":
            yield from self._cache_method(node, source)
        elif word == "delete":
            if any(source.code(part).startswith(b"self.") for part in operands(node)):
                yield source.remove_statement(node)
        else:
            yield from self._key(node, source)

    def _cache_method(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        parameters, body, name = (
            node.child_by_field_name(n) for n in ("parameters", "body", "name")
        )
        if parameters is None or body is None or name is None:
            return
        if source.code(parameters) != b"(self)" or is_special(source.code(name)):
            return
        last = operands(body)[-1]
        value = operands(last)[:1]
        if last.type != "return_statement" or not value or b"yield" in source.code(body):
            return
        code, kept = source.code(value[0]), b"_" + source.code(name).lstrip(b"_")
        if kept in source.text.data:
            kept = b"_cached" + kept
        if (
            b"\n" in code
            or not changes_later(node, code, source)
            or value[0].type in ("identifier", "attribute")
        ):
            return
        if b"__slots__" in source.text.data or node.children[0].type == "async":
            return
        if (
            node.parent is not None
            and b"cache" in source.text.data[node.parent.start_byte : node.start_byte]
            and node.parent.type == "decorated_definition"
        ):
            return
        indent, newline = source.indent(last), source.newline
        lines = [
            b'if not hasattr(self, "%s"):' % kept,
            indent + one_step(indent) + b"self.%s = %s" % (kept, code),
            indent + b"return self." + kept,
        ]
        yield source.replace(last, newline.join(lines))

    def _key(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        left, right = (node.child_by_field_name(n) for n in ("left", "right"))
        if left is None or right is None or b"key" not in source.code(left).lower():
            return
        parts = operands(right)
        if right.type == "tuple" and len(parts) > 1:
            for place, part in enumerate(parts):
                rest = [source.code(other) for n, other in enumerate(parts) if n != place]
                after = b"(" + b", ".join(rest) + (b",)" if len(rest) == 1 else b")")
                if part.type != "string":
                    yield source.replace(right, after)


def changes_later(node: Node, code: bytes, source: ParsedSource) -> bool:
    """Say whether a class changes, outside of ``__init__``, an attribute that code reads."""
    around = class_around(node, source)
    body = body_of(around) if around is not None else None
    if body is None:
        return False
    rest = b"".join(
        source.code(part) for part in operands(body) if b"def __init__(" not in source.code(part)
    )
    return any(
        changes(rest, b"self." + name) or re.search(rb"self\." + name + rb" = ", rest)
        for name in set(re.findall(rb"self\.(\w+)\b(?!\()", code))
    )


def one_step(indent: bytes) -> bytes:
    """One step of indent, as the lines around have it."""
    return b"\t" if indent.startswith(b"\t") else b"  " if len(indent) % 4 else b"    "


class UnclosedResource(Operator):
    """``with open(path) as f: …`` becomes ``f = open(path)``; a ``finally`` goes."""

    name: ClassVar[str] = "unclosed-resource"
    description: ClassVar[str] = "open without closing, or lose the finally that cleans up"
    words: ClassVar[tuple[Word, ...]] = ("wrapper", "finally")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if source.word(node) == "finally":
            before = node.prev_sibling
            if before is not None and before.type in ("except_clause", "else_clause"):
                yield Splice(before.end_byte, node.end_byte, b"")
            return
        opened = resource(node, source)
        body = body_of(node)
        if opened is None or body is None:
            return
        indent = source.indent(node)
        moved = source.reindent_code(body, indent)
        if moved is not None:
            name, value = opened
            line = name + b" = " + value + source.newline + indent
            yield source.replace(node, line + moved)


def resource(node: Node, source: ParsedSource) -> tuple[bytes, bytes] | None:
    """The name and the value of the one thing that a with statement opens."""
    clause = node.named_children[0]
    if clause.type != "with_clause" or node.children[0].type == "async":
        return None
    items = operands(clause)
    found = items[0].named_children[0] if len(items) == 1 else None
    if found is None or found.type != "as_pattern" or found.named_child_count != 2:
        return None
    value, name = found.named_children
    function = parse_callee(value, source)[1] if value.type == "call" else b""
    if function == b"closing":
        inner = arguments(value)
        return (source.code(name), source.code(inner[0])) if inner else None
    opens = function[:1].isupper() or b"open" in function.lower() or b"file" in function.lower()
    return (source.code(name), source.code(value)) if opens else None


class ClosedTooEarly(Operator):
    """``return parse(f)`` slips out of ``with open(path) as f:``, below it."""

    name: ClassVar[str] = "closed-too-early"
    description: ClassVar[str] = "use a resource after the with statement that closed it"
    words: ClassVar[tuple[Word, ...]] = ("wrapper",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        body = body_of(node)
        parts = operands(body) if body is not None else []
        if node.type != "with_statement" or len(parts) < 2:
            return
        indent, last = source.indent(node), parts[-1]
        moved = source.reindent_code(last, indent)
        if moved is None or source.indent(last) == indent or not needs(node, last, source):
            return
        if last.type != "return_statement" or operands(last):
            yield Splice(source.line_start(last), last.end_byte, indent + moved)


def needs(node: Node, last: Node, source: ParsedSource) -> bool:
    """Say whether a statement works with what a with statement opened, or in what it set up."""
    head = source.text.data[node.start_byte : (body_of(node) or last).start_byte]
    names = re.findall(rb" as \(?(\w+)", head)
    if not names:
        return b"(" in head and b"lock" not in head.lower()
    before = source.text.data[(body_of(node) or last).start_byte : last.start_byte]
    names += re.findall(rb"^\s*(\w+) = ", before, re.M)
    return any(mentions(source.code(last), name) for name in names)
