"""What is forgotten in an expression: a call that prepares a value, an argument, an await."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.operator import NOT_POSITIONAL, Operator, ParsedSource, arguments
from mutators.base.surroundings import nearest, surroundings
from mutators.operators.names import swap_nodes
from syntax.languages import Word
from syntax.splices import Splice


def parse_callee(node: Node, source: ParsedSource) -> tuple[Node | None, bytes]:
    """The object and the name of what is called; no object for a plain function."""
    function = node.child_by_field_name("function")
    if function is None:
        return None, b""
    if function.type == "attribute":
        name = function.child_by_field_name("attribute")
        return function.child_by_field_name("object"), b"" if name is None else source.code(name)
    return None, source.code(function) if function.type == "identifier" else b""


def is_used(node: Node) -> bool:
    """Say whether the value of an expression goes anywhere."""
    return node.parent is not None and node.parent.type != "expression_statement"


class LostAwait(Operator):
    """``data = await read()`` becomes ``data = read()``."""

    name: ClassVar[str] = "lost-await"
    description: ClassVar[str] = "forget to await a coroutine"
    words: ClassVar[tuple[Word, ...]] = ("await",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        for value in node.named_children[:1]:
            yield source.replace(node, source.code(value))


class LostPreparation(Operator):
    """``name.strip().lower()`` becomes ``name.strip()``; ``sorted(names)`` becomes ``names``."""

    name: ClassVar[str] = "lost-preparation"
    description: ClassVar[str] = "forget to strip, lower, sort, escape or convert a value"
    words: ClassVar[tuple[Word, ...]] = ("call",)
    methods: ClassVar[frozenset[bytes]] = frozenset(
        b"strip lstrip rstrip lower upper casefold title capitalize swapcase expandtabs ljust "
        b"rjust zfill absolute resolve expanduser as_posix hexdigest normalize".split()
    )
    keeping: ClassVar[frozenset[bytes]] = frozenset(
        b"replace removeprefix removesuffix translate encode decode".split()
    )
    """Methods with arguments that give back the same kind."""
    functions: ClassVar[frozenset[bytes]] = frozenset(
        b"sorted reversed abs round int float str repr set frozenset bool escape unescape quote "
        b"unquote normcase normpath abspath realpath expanduser basename dirname fspath dedent "
        b"to_bytes to_str to_unicode iter".split()
    )

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        owner, name = parse_callee(node, source)
        items = arguments(node)
        if not is_used(node):
            return
        plain = [item for item in items if item.type not in NOT_POSITIONAL]
        if owner is not None and (
            (name in self.methods and not items) or (name in self.keeping and items)
        ):
            yield left_alone(node, owner, source)
        elif name in self.functions and len(plain) == 1 and items[0] == plain[0]:
            yield left_alone(node, plain[0], source)


def left_alone(node: Node, inner: Node, source: ParsedSource) -> Splice:
    """Let a value be as it is; an assignment of a name to itself goes altogether."""
    parent = node.parent
    if parent is not None and parent.type == "assignment" and parent.parent is not None:
        target = parent.child_by_field_name("left")
        if target is not None and source.code(target) == source.code(inner):
            return source.remove_statement(parent.parent)
    return source.replace(node, source.code(inner))


class ForgottenCopy(Operator):
    """``list(items)`` becomes ``items``; so do ``items.copy()`` and ``items[:]``."""

    name: ClassVar[str] = "forgotten-copy"
    description: ClassVar[str] = "work on the original instead of a copy"
    words: ClassVar[tuple[Word, ...]] = ("call", "subscript")
    functions: ClassVar[frozenset[bytes]] = frozenset(
        b"list dict tuple copy deepcopy OrderedDict bytearray".split()
    )

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        if node.parent is not None and node.parent.type == "delete_statement":
            return
        if source.word(node) == "subscript":
            value, part = (node.child_by_field_name(n) for n in ("value", "subscript"))
            if value is not None and part is not None and source.code(part).strip() == b":":
                yield left_alone(node, value, source)
            return
        owner, name = parse_callee(node, source)
        items = arguments(node)
        if owner is not None and name in (b"copy", b"__copy__") and not items:
            yield left_alone(node, owner, source)
        elif name in self.functions and len(items) == 1 and copies(items[0]):
            yield left_alone(node, items[0], source)


def copies(node: Node) -> bool:
    """Say whether an argument may be the very thing a copy is made of."""
    return node.type in ("identifier", "attribute", "subscript", "call")


class LostArgument(Operator):
    """``line.split("=", 1)`` becomes ``line.split("=")``: what may be left out is left out."""

    name: ClassVar[str] = "lost-argument"
    description: ClassVar[str] = "forget a last argument that may be left out"
    words: ClassVar[tuple[Word, ...]] = ("call",)
    least: ClassVar[dict[bytes, int]] = (
        dict.fromkeys(b"splitlines strip lstrip rstrip readline read encode decode".split(), 0)
        | dict.fromkeys(b"get pop split rsplit sum int enumerate".split(), 1)
        | dict.fromkeys(b"startswith endswith find index round open count next".split(), 1)
        | dict.fromkeys(b"min max zip map compile str bytes range".split(), 1)
        | dict.fromkeys(b"getattr replace sub subn ljust rjust center match".split(), 2)
    )
    """How many arguments must be left."""
    usual: ClassVar[frozenset[bytes]] = frozenset({b'"utf-8"', b"'utf-8'", b'"utf8"', b"'utf8'"})
    """Arguments that say what holds without them."""

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        items = arguments(node)
        _, name = parse_callee(node, source)
        if not items or any(item.type in NOT_POSITIONAL for item in items):
            return
        if source.code(items[-1]) in self.usual:
            return
        if name in self.least and len(items) > self.least[name]:
            if len(items) > 1:
                yield Splice(items[-2].end_byte, items[-1].end_byte, b"")
            else:
                yield source.replace(items[0], b"")


class SwapSameKind(Operator):
    """``f(left=a, right=b)`` becomes ``f(left=b, right=a)``; so do arguments further apart."""

    name: ClassVar[str] = "swap-same-kind"
    description: ClassVar[str] = "mix up two arguments of the same kind that are no neighbours"
    words: ClassVar[tuple[Word, ...]] = ("call",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        items = arguments(node)
        for place, one in enumerate(items):
            for other in items[place + 1 :]:
                named = {one.type, other.type} & NOT_POSITIONAL
                if one.next_named_sibling == other and not named:
                    continue
                first, second = value_of(one), value_of(other)
                if first and second and alike(first, second, source):
                    yield swap_nodes(source, first, second)


def value_of(item: Node) -> Node | None:
    """What an argument hands over."""
    if item.type == "keyword_argument":
        return item.child_by_field_name("value")
    return None if item.type in NOT_POSITIONAL else item


def alike(one: Node, other: Node, source: ParsedSource) -> bool:
    """Say whether two arguments are of one kind, and not the same."""
    if one.type != other.type or source.code(one) == source.code(other):
        return False
    if one.type == "identifier":
        scope = surroundings(source).reads.get(one.id)
        names = [source.code(other)]
        return scope is not None and bool(nearest(source.code(one), scope.traits, names, least=2))
    return one.type in ("attribute", "string", "integer", "float", "true", "false")
