"""Mistakes by which what should be each one's own is shared: defaults, attributes of a class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import Operator, ParsedSource, operands
from mutators.operators.classes import body_of
from mutators.operators.losses import left_alone
from syntax.languages import Word
from syntax.splices import Splice, merge

EMPTY = frozenset({b"[]", b"{}", b"set()", b"list()", b"dict()", b"OrderedDict()", b"deque()"})


class MutableDefault(Operator):
    """``def f(seen=None)`` that makes a new list becomes ``def f(seen=[])`` that keeps one."""

    name: ClassVar[str] = "mutable-default"
    description: ClassVar[str] = "let all calls share one default list or dict"
    words: ClassVar[tuple[Word, ...]] = ("function",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
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
        self, node: Node, parameters: Node, body: Node, source: ParsedSource
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


def lives_on(node: Node, name: bytes, source: ParsedSource) -> bool:
    """Say whether what a function gets for a parameter is changed, given back or kept."""
    code = source.code(node)
    if changes(code, name) or re.search(rb"return " + name + rb"\b", code):
        return True
    kept = re.findall(rb"self\.(\w+)(?:: [^=\n]+)? = " + name + rb"\b", code)
    around = class_around(node, source)
    return around is not None and any(changes(source.code(around), b"self." + k) for k in kept)


def class_around(node: Node, source: ParsedSource) -> Node | None:
    """The class whose method a function is."""
    parent = node.parent
    while parent is not None and source.word(parent) not in ("function", "class"):
        parent = parent.parent
    return parent if parent is not None and source.word(parent) == "class" else None


def fresh(body: Node, name: bytes, source: ParsedSource) -> Iterator[tuple[Splice, bytes]]:
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


def made_for(statement: Node, name: bytes, source: ParsedSource) -> bytes | None:
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

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
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
