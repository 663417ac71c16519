"""Mistakes with what lives on: shared defaults, stale caches, resources left open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.operator import Operator, Source, operands
from mutators.operators.calls import arguments
from mutators.operators.classes import body_of, is_special, mentions
from mutators.operators.losses import called, left_alone
from syntax.languages import Word
from syntax.splices import Splice, merge

EMPTY = frozenset({b"[]", b"{}", b"set()", b"list()", b"dict()", b"OrderedDict()", b"deque()"})


class MutableDefault(Operator):
    """``def f(seen=None)`` that makes a new list becomes ``def f(seen=[])`` that keeps one."""

    name: ClassVar[str] = "mutable-default"
    description: ClassVar[str] = "let all calls share one default list or dict"
    words: ClassVar[tuple[Word, ...]] = ("function",)

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
        parameters, body = (node.child_by_field_name(n) for n in ("parameters", "body"))
        if parameters is None or body is None:
            return
        for parameter in operands(parameters):
            name, value = (parameter.child_by_field_name(n) for n in ("name", "value"))
            if name is None or value is None or source.code(value) != b"None":
                continue
            if not lives_on(node, source.code(name), source):
                continue
            for splice, empty in fresh(body, source.code(name), source):
                default = source.replace(value, empty)
                yield merge(source.text.data, [default, splice])
        yield from self._from_local(node, parameters, body, source)

    def _from_local(
        self, node: Node, parameters: Node, body: Node, source: Source
    ) -> Iterator[Splice]:
        """Make a parameter of a list or dict that each call made anew."""
        items = operands(parameters)
        code = source.code(parameters)
        if not items or b"*" in code or b"\n" in code:
            return
        if node.parent is not None and node.parent.type == "decorated_definition":
            return
        for statement in operands(body):
            made = source.code(statement)
            name, _, value = made.partition(b" = ")
            plain = name.replace(b"_", b"").isalnum()
            if plain and value in EMPTY and changes(source.code(body), name):
                end = items[-1].end_byte
                yield merge(
                    source.text.data,
                    [
                        Splice(end, end, b", %s=%s" % (name, value)),
                        source.remove_statement(statement),
                    ],
                )


CHANGING = (
    rb"(?:\.(?:append|appendleft|add|extend|insert|update|setdefault|pop|popleft|popitem|remove"
    rb"|discard|clear|sort|reverse)\(|\[[^\]\n]*\] *[-+*/|&]?=(?!=)| *[-+|&]=)"
)
"""What follows a name whose value is changed in its place."""


def changes(code: bytes, name: bytes) -> bool:
    """Say whether code changes the value of a name in its place."""
    return re.search(rb"(?<![\w.])" + re.escape(name) + CHANGING, code) is not None


def lives_on(node: Node, name: bytes, source: Source) -> bool:
    """Say whether what a function gets for a parameter is changed, given back or kept."""
    code = source.code(node)
    if changes(code, name) or re.search(rb"return " + name + rb"\b", code):
        return True
    kept = re.findall(rb"self\.(\w+)(?:: [^=\n]+)? = " + name + rb"\b", code)
    around = class_around(node, source)
    return around is not None and any(changes(source.code(around), b"self." + k) for k in kept)


def class_around(node: Node, source: Source) -> Node | None:
    """The class whose method a function is."""
    parent = node.parent
    while parent is not None and source.word(parent) not in ("function", "class"):
        parent = parent.parent
    return parent if parent is not None and source.word(parent) == "class" else None


def fresh(body: Node, name: bytes, source: Source) -> Iterator[tuple[Splice, bytes]]:
    """Where a body makes a new value for a parameter that is None: its removal, and the value."""
    for statement in operands(body):
        if statement.type == "if_statement" and len(operands(statement)) == 2:
            value = made_for(statement, name, source)
            if value is not None:
                yield source.remove_statement(statement), value
            continue
        waiting = [statement]
        while waiting:
            found = waiting.pop()
            if found.type == "boolean_operator":
                left, right = (found.child_by_field_name(n) for n in ("left", "right"))
                if left and right and source.code(left) == name and source.code(right) in EMPTY:
                    yield left_alone(found, left, source), source.code(right)
            if source.word(found) not in ("function", "class"):
                waiting += found.named_children


def made_for(statement: Node, name: bytes, source: Source) -> bytes | None:
    """The new value that an if statement gives to a name that is None, where it does just that."""
    condition, block = (statement.child_by_field_name(n) for n in ("condition", "consequence"))
    inner = operands(block) if block is not None else []
    if condition is None or len(inner) != 1:
        return None
    made, _, value = source.code(inner[0]).partition(b" = ")
    asked = source.code(condition) in (name + b" is None", b"not " + name)
    return value if asked and made == name and value in EMPTY else None


class SharedAttribute(Operator):
    """``self.items = []`` moves out of ``__init__``: all objects share one list."""

    name: ClassVar[str] = "shared-attribute"
    description: ClassVar[str] = "let all objects of a class share one list or dict"
    words: ClassVar[tuple[Word, ...]] = ("class",)

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
        body = body_of(node)
        first = (
            next((c for c in operands(body) if c.type == "function_definition"), None)
            if body
            else None
        )
        if body is None or first is None or b"__slots__" in source.code(body):
            return
        inner = body_of(first)
        name = first.child_by_field_name("name")
        if inner is None or name is None or source.code(name) != b"__init__":
            return
        for statement in operands(inner):
            code = source.code(statement)
            target, _, value = code.partition(b" = ")
            if not target.startswith(b"self.") or value not in EMPTY or b"\n" in code:
                continue
            at, indent = source.line_start(first), source.indent(first)
            moved = indent + code[len(b"self.") :] + source.newline + source.newline
            yield merge(
                source.text.data, [Splice(at, at, moved), source.remove_statement(statement)]
            )


class StaleCache(Operator):
    """``return len(self.items)`` is kept in an attribute, and never computed again."""

    name: ClassVar[str] = "stale-cache"
    description: ClassVar[str] = "keep what should be computed anew, or keep it under too few keys"
    words: ClassVar[tuple[Word, ...]] = ("function", "delete", "assignment")

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
        word = source.word(node)
        if word == "function":
            yield from self._kept(node, source)
        elif word == "delete":
            if any(source.code(part).startswith(b"self.") for part in operands(node)):
                yield source.remove_statement(node)
        else:
            yield from self._key(node, source)

    def _kept(self, node: Node, source: Source) -> Iterator[Splice]:
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

    def _key(self, node: Node, source: Source) -> Iterator[Splice]:
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


def changes_later(node: Node, code: bytes, source: Source) -> bool:
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

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
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
        moved = source.moved(body, indent)
        if moved is not None:
            name, value = opened
            line = name + b" = " + value + source.newline + indent
            yield source.replace(node, line + moved)


def resource(node: Node, source: Source) -> tuple[bytes, bytes] | None:
    """The name and the value of the one thing that a with statement opens."""
    clause = node.named_children[0]
    if clause.type != "with_clause" or node.children[0].type == "async":
        return None
    items = operands(clause)
    found = items[0].named_children[0] if len(items) == 1 else None
    if found is None or found.type != "as_pattern" or found.named_child_count != 2:
        return None
    value, name = found.named_children
    function = called(value, source)[1] if value.type == "call" else b""
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

    def edits(self, node: Node, source: Source) -> Iterator[Splice]:
        body = body_of(node)
        parts = operands(body) if body is not None else []
        if node.type != "with_statement" or len(parts) < 2:
            return
        indent, last = source.indent(node), parts[-1]
        moved = source.moved(last, indent)
        if moved is None or source.indent(last) == indent or not needs(node, last, source):
            return
        if last.type != "return_statement" or operands(last):
            yield Splice(source.line_start(last), last.end_byte, indent + moved)


def needs(node: Node, last: Node, source: Source) -> bool:
    """Say whether a statement works with what a with statement opened, or in what it set up."""
    head = source.text.data[node.start_byte : (body_of(node) or last).start_byte]
    names = re.findall(rb" as \(?(\w+)", head)
    if not names:
        return b"(" in head and b"lock" not in head.lower()
    before = source.text.data[(body_of(node) or last).start_byte : last.start_byte]
    names += re.findall(rb"^\s*(\w+) = ", before, re.M)
    return any(mentions(source.code(last), name) for name in names)
