"""Mistakes in names: what stands beside the right one in the file is taken for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from tree_sitter import Node

from mutators.base.likeness import likeness
from mutators.base.operator import Operator, ParsedSource, arguments, operands
from mutators.base.surroundings import key_of, nearest, surroundings
from syntax.languages import Word
from syntax.splices import Splice, merge

TWINS: dict[bytes, bytes] = dict(
    tuple(pair.split())  # type: ignore[misc]
    for pair in (
        b"append extend",
        b"appendleft append",
        b"bisect_left bisect_right",
        b"bisect_right bisect_left",
        b"difference union",
        b"discard remove",
        b"end start",
        b"endswith startswith",
        b"extend append",
        b"extendleft extend",
        b"find rfind",
        b"findall finditer",
        b"fullmatch match",
        b"group groups",
        b"intersection union",
        b"isdigit isalnum",
        b"islower isupper",
        b"issubset issuperset",
        b"issuperset issubset",
        b"isupper islower",
        b"items keys",
        b"keys values",
        b"ljust rjust",
        b"lower upper",
        b"lstrip rstrip",
        b"match search",
        b"partition rpartition",
        b"popleft pop",
        b"readlines readline",
        b"rfind find",
        b"rindex index",
        b"rjust ljust",
        b"rpartition partition",
        b"rstrip lstrip",
        b"search match",
        b"setdefault get",
        b"startswith endswith",
        b"strip rstrip",
        b"union intersection",
        b"upper lower",
        b"values keys",
    )
)
"""Methods of the language's own types that are taken for one another."""


class WrongVariable(Operator):
    """``width * scale`` becomes ``height * scale``: another name in scope, of the same kind."""

    name: ClassVar[str] = "wrong-variable"
    description: ClassVar[str] = "use another variable of the same scope and kind"
    words: ClassVar[tuple[Word, ...]] = ("name",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        scope = surroundings(source).reads.get(node.id)
        name = source.code(node)
        if scope is None or name not in scope.bound or name in scope.hidden:
            return
        beside = {source.code(child) for child in node.parent.children} if node.parent else set()
        others = [
            other
            for other in scope.at(node.start_byte)
            if other not in beside and other[:1].isupper() == name[:1].isupper()
        ]
        chosen = nearest(name, scope.traits, others, least=3)
        if chosen is not None:
            yield source.replace(node, chosen)


class WrongAttribute(Operator):
    """``self.start`` becomes ``self.stop``: another attribute of the object, of a similar name."""

    name: ClassVar[str] = "wrong-attribute"
    description: ClassVar[str] = "use another attribute of the same object, of a similar name"
    words: ClassVar[tuple[Word, ...]] = ("attribute",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        found = surroundings(source)
        owner, name = (node.child_by_field_name(n) for n in ("object", "attribute"))
        if owner is None or name is None or is_target(node):
            return
        members = found.members.get(found.object_key(source.code(owner), node.start_byte), {})
        own = members.get(source.code(name), set())
        if "called" in own:
            return
        others = [other for other, traits in members.items() if "called" not in traits]
        chosen = nearest(source.code(name), members, others, least=3)
        if chosen is not None:
            yield source.replace(name, chosen)


class WrongMethod(Operator):
    """``text.lstrip()`` becomes ``text.rstrip()``; a method becomes its sibling in the class."""

    name: ClassVar[str] = "wrong-method"
    description: ClassVar[str] = "call another method of a similar name"
    words: ClassVar[tuple[Word, ...]] = ("call",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        function = node.child_by_field_name("function")
        if function is None or function.type != "attribute":
            return
        owner, name = (function.child_by_field_name(n) for n in ("object", "attribute"))
        if owner is None or name is None:
            return
        code = source.code(name)
        if source.code(owner) in (b"self", b"cls"):
            found = surroundings(source)
            methods = found.methods.get(found.class_at(node.start_byte), {})
            others = [
                other
                for other, count in methods.items()
                if count == methods.get(code)
                and not other.startswith(b"__")
                and other != method_around(node, source)
            ]
            chosen = nearest(code, {}, others, least=2)
            if chosen is not None and chosen != code:
                yield source.replace(name, chosen)
        elif code in TWINS:
            yield source.replace(name, TWINS[code])
        elif code == b"split" and len(arguments(node)) == 2:
            yield source.replace(name, b"rsplit")


class WrongKey(Operator):
    """``row["first"]`` becomes ``row["last"]``: another key that the file asks for."""

    name: ClassVar[str] = "wrong-key"
    description: ClassVar[str] = "ask for another key that is known in the file"
    words: ClassVar[tuple[Word, ...]] = ("string",)

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        asked = key_of(node, node.parent, source)
        if asked is None:
            return
        found = surroundings(source)
        owner, key = found.object_key(asked[0], node.start_byte), asked[1]
        siblings = found.keys[owner]
        elsewhere = {other for keys in found.keys.values() for other in keys}
        others = [other for other in siblings if other != key] or [
            other for other in elsewhere if other != key and likeness(key, other) >= 2
        ]
        if others:
            chosen = max(
                others,
                key=lambda o: (
                    likeness(key, o),
                    -abs(siblings.get(o, 0) - node.start_byte),
                    o,
                ),
            )
            yield source.replace(node.children[1], chosen)


class SwapTargets(Operator):
    """``key, value = pair`` becomes ``value, key = pair``; so do the names of a loop."""

    name: ClassVar[str] = "swap-targets"
    description: ClassVar[str] = "unpack a pair into its names the wrong way round"
    words: ClassVar[tuple[Word, ...]] = ("assignment", "loop")

    def edits(self, node: Node, source: ParsedSource) -> Iterator[Splice]:
        target = node.child_by_field_name("left")
        if target is None or target.type not in ("pattern_list", "tuple_pattern"):
            return
        pairs = [
            pair
            for pair in pairwise(operands(target))
            if all(part.type in ("identifier", "attribute") for part in pair)
            and not any(source.code(part).strip(b"_") == b"" for part in pair)
        ]
        if pairs:
            yield swap_nodes(source, *pairs[source.choose(target, len(pairs))])


def method_around(node: Node, source: ParsedSource) -> bytes:
    """The name of the function that a node is in; empty outside of all."""
    parent = node.parent
    while parent is not None and source.word(parent) != "function":
        parent = parent.parent
    name = parent.child_by_field_name("name") if parent is not None else None
    return source.code(name) if name is not None else b""


def swap_nodes(source: ParsedSource, one: Node, other: Node) -> Splice:
    """The change by which two nodes trade places."""
    return merge(
        source.text.data,
        [source.replace(one, source.code(other)), source.replace(other, source.code(one))],
    )


def is_target(node: Node) -> bool:
    """Say whether something is assigned to a node, or to a part of it."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("assignment", "augmented_assignment"):
        return parent.child_by_field_name("left") == node
    return parent.type in ("pattern_list", "tuple_pattern", "delete_statement")
